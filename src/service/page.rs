//! Keyset pages: a page starts after the last row of the page before it, so a late page costs as
//! much as the first. Pure.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::error::{Error, ErrorKind, InvalidPage};

/// Which part of a list to return.
///
/// # Example
/// ```
/// use sea_orm_cascade::service::Page;
///
/// let first = Page::first(50).starting_with("Ch");
/// # let _ = first;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub(super) limit: u64,
    pub(super) after: Option<Cursor>,
    pub(super) prefix: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed<T> {
    /// The rows, in the order of the list.
    pub rows: Vec<T>,
    /// Where the next page starts, for [`Page::after`]; `None` on the last page.
    pub next: Option<Cursor>,
}

/// The place in a list where a page ends: an opaque text of URL-safe characters.
///
/// It stays valid if the row that it was created from is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Page {
    /// The largest number of rows in a page.
    pub const LIMIT_MAX: u64 = 1_000;

    /// Returns the first page, of at most `limit` rows. The limit is 1 to
    /// [`LIMIT_MAX`](Self::LIMIT_MAX); the function that takes the page checks it.
    ///
    /// # Example
    /// ```
    /// let page = sea_orm_cascade::service::Page::first(50);
    /// # let _ = page;
    /// ```
    #[must_use]
    pub fn first(limit: u64) -> Self {
        Self { limit, after: None, prefix: None }
    }

    /// Returns the page that begins where another page ended.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::service::{Cursor, Page};
    ///
    /// // A cursor from a URL. A list refuses a text that is not one of its cursors.
    /// let cursor: Cursor = "c3RvcmU6SUtFQQ".parse().unwrap();
    /// let page = Page::after(cursor, 50);
    /// # let _ = page;
    /// ```
    #[must_use]
    pub fn after(cursor: Cursor, limit: u64) -> Self {
        Self { limit, after: Some(cursor), prefix: None }
    }

    /// Keeps only names that begin with exactly this text. It is case-sensitive, and `%` and `_` are
    /// ordinary characters. Use the same prefix for every page of a list.
    ///
    /// # Example
    /// ```
    /// let page = sea_orm_cascade::service::Page::first(50).starting_with("Ch");
    /// # let _ = page;
    /// ```
    #[must_use]
    pub fn starting_with(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let reason = if !(1..=Self::LIMIT_MAX).contains(&self.limit) {
            InvalidPage::Limit { limit: self.limit }
        } else if self.prefix.as_ref().is_some_and(|prefix| prefix.contains('\0')) {
            InvalidPage::PrefixContainsNul
        } else {
            return Ok(());
        };
        Err(ErrorKind::InvalidPage(reason).into())
    }

    /// Decodes the key of a cursor of that list.
    pub(super) fn after_key(&self, list: &str) -> Result<Option<String>, Error> {
        let Some(Cursor(text)) = &self.after else { return Ok(None) };
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let key = decoded.as_ref().and_then(|text| text.strip_prefix(list)).filter(|key| !key.contains('\0'));
        match key {
            Some(key) => Ok(Some(key.to_owned())),
            None => Err(ErrorKind::InvalidPage(InvalidPage::Cursor).into()),
        }
    }
}

impl<T> Listed<T> {
    /// Makes a page of rows that were read with a limit of one more, which says whether more rows
    /// follow.
    pub(super) fn cut(mut rows: Vec<T>, page: &Page, list: &str, key: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let end = rows.last().filter(|_| more);
        let next = end.map(|row| Cursor(URL_SAFE_NO_PAD.encode(format!("{list}{}", key(row)))));
        Self { rows, next }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Cursor {
    type Err = std::convert::Infallible;

    /// Takes any text. The list refuses a text that is not one of its cursors.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}
