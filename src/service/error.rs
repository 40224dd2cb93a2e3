//! What can go wrong in the service, by kind. Pure.

use std::error::Error as StdError;
use std::fmt;

use sea_orm::{DbErr, SqlErr};

use super::page::Page;
use crate::cascade::{self, CanLose};
use crate::entity::NAME_CHARS_MAX;

/// Why a call of the service did not do what was asked.
///
/// After any of them nothing has changed, and a transaction that the caller had open can go on,
/// unless [`Error::is_transaction_lost`] says that the database has ended it.
pub struct Error(Box<ErrorKind>);

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The name of a store or item is not one.
    InvalidName(InvalidName),
    /// Another store has that name.
    NameTaken {
        /// The name, trimmed.
        name: String,
    },
    /// There is no store with that id.
    StoreNotFound {
        /// The id asked for.
        id: i64,
    },
    /// There is no item with that id.
    ItemNotFound {
        /// The id asked for.
        id: i64,
    },
    /// The page of a list cannot be given.
    InvalidPage(InvalidPage),
    /// A delete or preview did not happen: blocked, too many rows, changed since the preview, or
    /// one of the engine's other kinds.
    Delete(cascade::Error),
    /// The database refused, did not answer or is not enabled; [`Error::is_transient`] tells
    /// whether trying again helps.
    Database(cascade::Error),
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidName {
    /// It is empty or has only blanks.
    Empty,
    /// It has more than [`NAME_CHARS_MAX`] characters.
    TooLong {
        /// How many it has, trimmed.
        chars: usize,
    },
    /// It has the character U+0000, which PostgreSQL does not store.
    ContainsNul,
}

/// What is wrong with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidPage {
    /// The limit is 0 or above [`Page::LIMIT_MAX`].
    Limit {
        /// The limit asked for.
        limit: u64,
    },
    /// The cursor is not one of this list.
    Cursor,
    /// The prefix has the character U+0000, with which no name begins.
    PrefixContainsNul,
}

impl Error {
    /// The kind, with its data.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// The kind, with its data, by value.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        *self.0
    }

    /// Whether the name is not one.
    #[must_use]
    pub fn is_invalid_name(&self) -> bool {
        matches!(self.kind(), ErrorKind::InvalidName(_))
    }

    /// Whether another store has the name.
    #[must_use]
    pub fn is_name_taken(&self) -> bool {
        matches!(self.kind(), ErrorKind::NameTaken { .. })
    }

    /// Whether the store or the item is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind(), ErrorKind::StoreNotFound { .. } | ErrorKind::ItemNotFound { .. })
    }

    /// Whether rows that must stay reference rows that would go; see [`Error::delete_error`] for
    /// these.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.delete_error().is_some_and(cascade::Error::is_blocked)
    }

    /// Whether `at_most` refused the delete.
    #[must_use]
    pub fn is_too_many_rows(&self) -> bool {
        self.delete_error().is_some_and(cascade::Error::is_too_many_rows)
    }

    /// Whether the delete would no longer do what its preview showed.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.delete_error().is_some_and(cascade::Error::is_changed)
    }

    /// Whether the same call may succeed when it is made again, in a new transaction.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.kind() {
            ErrorKind::Delete(error) | ErrorKind::Database(error) => error.is_transient(),
            _ => false,
        }
    }

    /// Whether the database lets this connection's user not do it; see
    /// [`cascade::Error::is_forbidden`].
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        match self.kind() {
            ErrorKind::Delete(error) | ErrorKind::Database(error) => error.is_forbidden(),
            _ => false,
        }
    }

    /// Whether the database has ended the whole transaction, the caller's too; see
    /// [`cascade::Error::is_transaction_lost`]. What was done in it is undone, and it must be begun
    /// anew.
    #[must_use]
    pub fn is_transaction_lost(&self) -> bool {
        match self.kind() {
            ErrorKind::Delete(error) | ErrorKind::Database(error) => error.is_transaction_lost(),
            _ => false,
        }
    }

    /// The engine's own error, with blockers and numbers, if a delete or preview was refused, also
    /// for want of a right.
    #[must_use]
    pub fn delete_error(&self) -> Option<&cascade::Error> {
        match self.kind() {
            ErrorKind::Delete(error) => Some(error),
            _ => None,
        }
    }

    /// What a failed insert or update of that name in that store means.
    pub(super) fn of_write(source: DbErr, name: Option<&str>, store_id: Option<i64>) -> Self {
        let unique = matches!(source.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)));
        let kind = match (name, store_id) {
            (Some(name), None) if unique => ErrorKind::NameTaken { name: name.to_owned() },
            (_, Some(id)) if cascade::is_foreign_key(&source) => ErrorKind::StoreNotFound { id },
            _ => return source.into(),
        };
        kind.into()
    }
}

impl CanLose for Error {
    fn with_transaction_lost(self) -> Self {
        match self.into_kind() {
            ErrorKind::Delete(error) => ErrorKind::Delete(error.with_transaction_lost()).into(),
            ErrorKind::Database(error) => ErrorKind::Database(error.with_transaction_lost()).into(),
            kind => kind.into(),
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

impl From<DbErr> for Error {
    fn from(source: DbErr) -> Self {
        ErrorKind::Database(source.into()).into()
    }
}

impl From<cascade::Error> for Error {
    fn from(error: cascade::Error) -> Self {
        let kind = match error.kind() {
            cascade::ErrorKind::Database(_)
            | cascade::ErrorKind::BackendDisabled { .. }
            | cascade::ErrorKind::UnknownBackend => ErrorKind::Database(error),
            _ => ErrorKind::Delete(error),
        };
        kind.into()
    }
}

/// So that a handler whose error is `DbErr` can use `?`: the database's own error where there is
/// one, `RecordNotFound` for a store or item that is not there, else the text.
impl From<Error> for DbErr {
    fn from(error: Error) -> Self {
        match error.into_kind() {
            ErrorKind::Delete(error) | ErrorKind::Database(error) => error.into(),
            kind @ (ErrorKind::StoreNotFound { .. } | ErrorKind::ItemNotFound { .. }) => {
                Self::RecordNotFound(kind.to_string())
            }
            kind => Self::Custom(kind.to_string()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.kind() {
            // Shown as this error's own text.
            ErrorKind::Delete(error) | ErrorKind::Database(error) => error.source(),
            _ => None,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName(reason) => reason.fmt(f),
            Self::NameTaken { name } => write!(f, "there is a store named {name:?} already; choose another name"),
            Self::StoreNotFound { id } => write!(f, "there is no store with id {id}"),
            Self::ItemNotFound { id } => write!(f, "there is no item with id {id}"),
            Self::InvalidPage(reason) => reason.fmt(f),
            Self::Delete(error) | Self::Database(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty; give it at least one character that is not blank"),
            Self::TooLong { chars } => {
                write!(f, "the name has {chars} characters; shorten it to {NAME_CHARS_MAX}")
            }
            Self::ContainsNul => f.write_str("the name has the character U+0000; remove it"),
        }
    }
}

impl fmt::Display for InvalidPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit { limit } => {
                write!(f, "a page of {limit} rows cannot be given; ask for 1 to {}", Page::LIMIT_MAX)
            }
            Self::Cursor => f.write_str("the cursor is not one of this list; start again at the first page"),
            Self::PrefixContainsNul => f.write_str("the prefix has the character U+0000; remove it"),
        }
    }
}
