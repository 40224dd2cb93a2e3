//! What a delete would do, step by step and with its SQL.
//!
//! Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a delete does on one database, step by step and with its SQL, from
/// [`Deletion::explain`](crate::Deletion::explain). It prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The database.
    pub backend: String,
    /// The steps, in order; all of them in one transaction.
    pub steps: Vec<Step>,
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// What for.
    pub purpose: String,
    /// The statements, with placeholders for values. Lists of keys are written with two; they are
    /// as long as there are keys, within the database's limits.
    pub statements: Vec<String>,
    /// What is sent instead if a table above has more rows to delete than a run keeps keys of
    /// ([`GraphBuilder::keys_per_table`](crate::GraphBuilder::keys_per_table)). `None` if that makes
    /// no difference; empty if nothing is sent then.
    #[serde(default)]
    pub if_many: Option<Vec<String>>,
}

impl fmt::Display for Explanation {
    /// Numbered steps, each with its statements below.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backend, steps } = self;
        write!(f, "on {backend}, in one transaction:")?;
        for (n, Step { purpose, statements, if_many }) in steps.iter().enumerate() {
            write!(f, "\n{}. {purpose}", n + 1)?;
            statements.iter().try_for_each(|statement| write!(f, "\n   {statement}"))?;
            if let Some(if_many) = if_many {
                let nothing = if if_many.is_empty() { " nothing" } else { "" };
                write!(f, "\n   if a table above has many rows:{nothing}")?;
                if_many.iter().try_for_each(|statement| write!(f, "\n   {statement}"))?;
            }
        }
        Ok(())
    }
}
