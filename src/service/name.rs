//! The rules of a name. Pure.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, sea_query::ExprTrait as _};

use super::error::{Error, ErrorKind, InvalidName};
use crate::entity::NAME_CHARS_MAX;

/// Trims the name and checks it.
pub(super) fn valid(name: &str) -> Result<String, Error> {
    let name = name.trim();
    let chars = name.chars().count();
    let reason = if name.is_empty() {
        InvalidName::Empty
    } else if chars > NAME_CHARS_MAX as usize {
        InvalidName::TooLong { chars }
    } else if name.contains('\0') {
        InvalidName::ContainsNul
    } else {
        return Ok(name.to_owned());
    };
    Err(ErrorKind::InvalidName(reason).into())
}

/// Returns the condition that the column begins with exactly that text. It is a range and not a LIKE:
/// LIKE ignores case on some databases, and reads `%` and `_` as patterns.
pub(super) fn starts_with(column: impl ColumnTrait, prefix: &str) -> Expr {
    let from = column.gte(prefix);
    match after_prefix(prefix) {
        Some(end) => from.and(column.lt(end)),
        None => from,
    }
}

/// Returns the first string, by code point, after all strings with that prefix; `None` if there is
/// none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // A range of chars skips the surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_checked() {
        assert_eq!(valid(" \u{3000}IKEA\n").unwrap(), "IKEA");
        assert_eq!(valid(&"é".repeat(80)).unwrap().chars().count(), 80);
        let reason = |name: &str| match valid(name).unwrap_err().into_kind() {
            ErrorKind::InvalidName(reason) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(""), InvalidName::Empty);
        assert_eq!(reason(" \t\u{a0}"), InvalidName::Empty);
        assert_eq!(reason(&"é".repeat(81)), InvalidName::TooLong { chars: 81 });
        assert_eq!(reason("a\0b"), InvalidName::ContainsNul);
    }

    #[test]
    fn a_prefix_ends_before_its_successor() {
        let after = |prefix| after_prefix(prefix);
        assert_eq!(after("IK").as_deref(), Some("IL"));
        assert_eq!(after("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after("\u{d7ff}").as_deref(), Some("\u{e000}"), "surrogates are no characters");
        assert_eq!(after("\u{10ffff}"), None);
        assert_eq!(after(""), None);
    }
}
