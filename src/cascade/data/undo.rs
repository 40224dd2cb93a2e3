//! What an undo would do, what is in its way, and what it did.
//!
//! Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cascade::data::key::Key;
use crate::cascade::data::receipt::Receipt;

/// What an undo would do now: from [`Undo::preview`](crate::Undo::preview).
///
/// It foresees what its checks can know. A CHECK, an exclusion constraint, a partial index, an
/// index over expressions, a trigger, or a value that no longer fits a changed type is found only
/// by the undo itself, which then changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UndoPreview {
    /// What would come back.
    pub undone: Undone,
    /// Everything that is in the way; empty if the undo is possible.
    pub blockers: Vec<UndoBlocker>,
}

impl UndoPreview {
    /// Returns whether something is in the way.
    ///
    /// # Example
    /// ```
    /// # fn show(preview: &sea_orm_cascade::UndoPreview) {
    /// if preview.is_blocked() {
    ///     for blocker in &preview.blockers {
    ///         println!("{blocker}");
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        !self.blockers.is_empty()
    }
}

impl fmt::Display for UndoPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.undone.fmt(f)?;
        self.blockers.iter().try_for_each(|blocker| write!(f, "\nin the way: {blocker}"))
    }
}

/// What an undo brought back: the numbers are those of its delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Undone {
    /// The delete.
    pub receipt: Receipt,
    /// How many rows came back in each table.
    pub returned: Vec<ReturnedRows>,
    /// The foreign keys that have their old values again.
    pub restored: Vec<RestoredKeys>,
}

/// The rows that come back in one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReturnedRows {
    /// The table.
    pub table: String,
    /// How many.
    pub rows: u64,
}

/// The rows that get the old values of one foreign key back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RestoredKeys {
    /// The foreign key, as `docs.reviewer`.
    pub foreign_key: String,
    /// How many rows.
    pub rows: u64,
    /// How many rows stay as they are, because the row is not there or its key was changed since.
    pub left_alone: u64,
}

impl Undone {
    pub(crate) fn nothing(receipt: Receipt) -> Self {
        Self { receipt, returned: Vec::new(), restored: Vec::new() }
    }

    pub(crate) fn add_returned(&mut self, table: &str, rows: u64) {
        match self.returned.iter_mut().find(|returned| returned.table == table) {
            Some(returned) => returned.rows += rows,
            None => self.returned.push(ReturnedRows { table: table.to_owned(), rows }),
        }
    }

    pub(crate) fn add_restored(&mut self, foreign_key: &str, rows: u64, left_alone: u64) {
        match self.restored.iter_mut().find(|restored| restored.foreign_key == foreign_key) {
            Some(restored) => {
                restored.rows += rows;
                restored.left_alone += left_alone;
            }
            None => self.restored.push(RestoredKeys { foreign_key: foreign_key.to_owned(), rows, left_alone }),
        }
    }

    /// Returns how many rows came back, in all tables.
    ///
    /// # Example
    /// ```
    /// # fn show(undone: &sea_orm_cascade::Undone) {
    /// println!("{} rows are back", undone.rows_returned());
    /// # }
    /// ```
    #[must_use]
    pub fn rows_returned(&self) -> u64 {
        self.returned.iter().map(|returned| returned.rows).sum()
    }
}

impl fmt::Display for Undone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut returned = self.returned.iter().map(|returned| format!("{} {}", returned.table, returned.rows));
        write!(f, "back: {}", join(&mut returned))?;
        let mut restored = self.restored.iter().map(|restored| match restored.left_alone {
            0 => format!("{} {}", restored.foreign_key, restored.rows),
            left => format!("{} {} ({left} left alone)", restored.foreign_key, restored.rows),
        });
        if self.restored.is_empty() { Ok(()) } else { write!(f, "; restored: {}", join(&mut restored)) }
    }
}

fn join(words: &mut dyn Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

/// Something in the way of an undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UndoBlocker {
    /// What it is.
    pub kind: UndoBlockerKind,
    /// The table whose rows cannot come back.
    pub table: String,
    /// Its columns that matter.
    pub columns: Vec<String>,
    /// How many rows cannot come back.
    pub rows: u64,
    /// The primary keys of some of them.
    pub sample: Vec<Key>,
    /// The primary keys of rows that hold their values, in the same order.
    pub held_by: Vec<Key>,
}

/// The kinds of [`UndoBlocker`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UndoBlockerKind {
    /// A row with this primary key exists again.
    PrimaryKeyTaken,
    /// Another row has the values of a unique index.
    UniqueValueTaken,
    /// The rows reference rows that do not exist and are not in the receipt.
    #[non_exhaustive]
    ParentMissing {
        /// The table of the missing rows.
        parent: String,
        /// The newest recorded delete that took some of them, if one did.
        taken_by: Option<Receipt>,
        /// Whether the database has a constraint; without one,
        /// [`Undo::allowing_orphans`](crate::Undo::allowing_orphans) brings them back nevertheless.
        is_constrained: bool,
    },
    /// The receipt has two rows with this primary key.
    RecordedTwice,
    /// The column had values and does not exist any more;
    /// [`Undo::without_gone_columns`](crate::Undo::without_gone_columns) leaves it out.
    ColumnGone,
    /// The column is new, is NOT NULL and has no default.
    ColumnNew,
}

impl fmt::Display for UndoBlocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, table, columns, rows, sample, held_by } = self;
        let columns = match columns.as_slice() {
            [one] => format!("{table}.{one}"),
            several => format!("{table}.({})", several.join(", ")),
        };
        let rows_are =
            |one: &str, several: &str| if *rows == 1 { format!("1 {one}") } else { format!("{rows} {several}") };
        match kind {
            UndoBlockerKind::PrimaryKeyTaken => {
                write!(f, "{columns}: {}", rows_are("key is taken", "keys are taken"))?;
            }
            UndoBlockerKind::UniqueValueTaken => {
                write!(f, "{columns}: {}", rows_are("value is taken", "values are taken"))?;
            }
            UndoBlockerKind::ParentMissing { parent, taken_by, .. } => {
                let of = format!(
                    "{parent} that {}",
                    taken_by.map_or("is not there".to_owned(), |receipt| format!("receipt {receipt} deleted"))
                );
                write!(f, "{columns}: {} a row of {of}", rows_are("row references", "rows reference"))?;
            }
            UndoBlockerKind::RecordedTwice => {
                write!(f, "{columns}: {}", rows_are("key is in the receipt twice", "keys are in the receipt twice"))?;
            }
            UndoBlockerKind::ColumnGone => {
                write!(f, "{columns} does not exist any more: {}", rows_are("row had a value", "rows had values"))?;
            }
            UndoBlockerKind::ColumnNew => {
                write!(f, "{columns} is new, and NOT NULL without a default")?;
            }
        }
        if sample.is_empty() {
            return Ok(());
        }
        f.write_str(" (")?;
        for (n, key) in sample.iter().enumerate() {
            let holder = held_by.get(n).map(|holder| format!(", by key {holder}")).unwrap_or_default();
            write!(f, "{}key {key}{holder}", if n == 0 { "" } else { "; " })?;
        }
        f.write_str(if u64::try_from(sample.len()).unwrap_or_default() < *rows { "; ..)" } else { ")" })
    }
}
