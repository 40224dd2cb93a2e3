//! The actions of foreign keys.
//!
//! Pure.

use std::fmt;

use sea_orm::sea_query::ForeignKeyAction;
use serde::{Deserialize, Serialize};

/// What happens to the rows that reference a deleted row: the `ON DELETE` of their foreign key.
///
/// The meaning is that of the SQL standard, the same on every database (rule R3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The referencing rows are deleted too.
    Cascade,
    /// The key columns of the referencing rows become `NULL`.
    SetNull,
    /// The key columns of the referencing rows take their defaults; the row that the defaults
    /// reference must exist and stay.
    SetDefault,
    /// The delete is refused, unless it also deletes the referencing rows. A key without
    /// `on_delete` has this action.
    NoAction,
    /// The delete is refused, even if it also deletes the referencing rows.
    Restrict,
}

impl Action {
    /// Returns the SQL words, as in `ON DELETE SET NULL`.
    ///
    /// # Example
    /// ```
    /// assert_eq!(sea_orm_cascade::Action::SetNull.as_sql(), "SET NULL");
    /// ```
    #[must_use]
    pub const fn as_sql(self) -> &'static str {
        match self {
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
            Self::SetDefault => "SET DEFAULT",
            Self::NoAction => "NO ACTION",
            Self::Restrict => "RESTRICT",
        }
    }

    /// `None` for an action that this version does not know (R12: never guessed).
    pub(crate) fn of(declared: Option<&ForeignKeyAction>) -> Option<Self> {
        match declared {
            None | Some(ForeignKeyAction::NoAction) => Some(Self::NoAction),
            Some(ForeignKeyAction::Cascade) => Some(Self::Cascade),
            Some(ForeignKeyAction::SetNull) => Some(Self::SetNull),
            Some(ForeignKeyAction::SetDefault) => Some(Self::SetDefault),
            Some(ForeignKeyAction::Restrict) => Some(Self::Restrict),
            Some(_) => None,
        }
    }

    /// The action as SeaORM declares it.
    pub(crate) const fn declared(self) -> ForeignKeyAction {
        match self {
            Self::Cascade => ForeignKeyAction::Cascade,
            Self::SetNull => ForeignKeyAction::SetNull,
            Self::SetDefault => ForeignKeyAction::SetDefault,
            Self::NoAction => ForeignKeyAction::NoAction,
            Self::Restrict => ForeignKeyAction::Restrict,
        }
    }

    /// Whether the referencing rows stay and their key is changed.
    pub(crate) const fn changes_key(self) -> bool {
        matches!(self, Self::SetNull | Self::SetDefault)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_sql())
    }
}
