//! The rule of a foreign key, as a sentence.
//!
//! Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cascade::data::action::Action;

/// What happens to the rows that refer by a foreign key when the row that they reference is
/// deleted, from [`Graph::rules`](crate::Graph::rules). It prints as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rule {
    /// The table referenced.
    pub parent: String,
    /// The table whose rows refer.
    pub table: String,
    /// The key by which they refer, as `items.store_id`.
    pub foreign_key: String,
    /// What happens to them.
    pub action: Action,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parent, table, foreign_key, action } = self;
        match action {
            Action::Cascade => write!(f, "when a row of {parent} is deleted, its {table} are deleted")?,
            Action::SetNull => {
                write!(f, "when a row of {parent} is deleted, its {table} are kept and reference nothing")?;
            }
            Action::SetDefault => {
                write!(f, "when a row of {parent} is deleted, its {table} are kept and reference the default")?;
            }
            Action::NoAction => {
                write!(
                    f,
                    "a row of {parent} cannot be deleted while it has {table}, unless these are deleted with it"
                )?;
            }
            Action::Restrict => write!(f, "a row of {parent} cannot be deleted while it has {table}")?,
        }
        write!(f, " ({foreign_key} {action})")
    }
}
