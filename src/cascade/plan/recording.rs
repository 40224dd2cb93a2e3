//! What a delete that can be undone writes into its record: which tables, and which steps.
//!
//! Pure.

use std::sync::{Mutex, PoisonError};

use sea_orm::sea_query::{Alias, IntoIden as _, TableName};

use crate::cascade::data::receipt::{Receipt, RecordedChange, RecordedStep};
use crate::cascade::declare::schema::TableId;

/// Names have at most 63 bytes on PostgreSQL.
const NAME_BYTES_MAX: usize = 63;

/// The table of the receipts.
pub(crate) const RECEIPTS: &str = "cascade_receipts";

/// The columns that a record table has beside those of its table.
pub(crate) const RECEIPT: &str = "cascade_receipt";
pub(crate) const STEP: &str = "cascade_step";
pub(crate) const KIND: &str = "cascade_kind";

/// What a row of a record table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    /// A deleted row.
    Gone,
    /// The old values of a foreign key.
    Changed,
    /// The values that a step has written into a foreign key.
    Left,
}

impl RecordKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Changed => "changed",
            Self::Left => "left",
        }
    }
}

/// Returns the record table of a table: `cascade_gone_<table>`, in the same schema. A name that is
/// too long is cut, and ends in a hash of the whole.
pub(crate) fn record_table(of: &TableName) -> TableName {
    let TableName(schema, table) = of;
    TableName(schema.clone(), Alias::new(fitting(format!("cascade_gone_{table}"))).into_iden())
}

/// Returns a name, cut and with a hash of the whole at its end if it is too long.
pub(crate) fn fitting(name: String) -> String {
    if name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let hash = format!("_{:016x}", hash(&name));
    let cut = (0..=NAME_BYTES_MAX - hash.len()).rev().find(|&at| name.is_char_boundary(at)).unwrap_or_default();
    format!("{}{hash}", &name[..cut])
}

/// FNV-1a: the same on every machine and in every version.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A table whose rows are recorded.
#[derive(Debug, Clone)]
pub(crate) struct RecordedTable {
    pub(crate) record: TableName,
    /// Every column of the table.
    pub(crate) columns: Vec<String>,
    pub(crate) primary_key: Vec<String>,
    /// MySQL and MariaDB: the column that numbers rows itself.
    pub(crate) numbered: Option<String>,
}

/// What one delete records, and has recorded so far.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) receipt: Receipt,
    /// By [`TableId`].
    pub(crate) tables: Vec<Option<RecordedTable>>,
    steps: Mutex<Steps>,
}

#[derive(Debug, Default)]
struct Steps {
    next: u64,
    taken: Vec<RecordedStep>,
}

impl Recording {
    pub(crate) fn new(receipt: Receipt, tables: Vec<Option<RecordedTable>>) -> Self {
        Self { receipt, tables, steps: Mutex::default() }
    }

    pub(crate) fn table(&self, table: TableId) -> Option<&RecordedTable> {
        self.tables.get(table)?.as_ref()
    }

    /// Returns the number of the next step.
    pub(crate) fn next_step(&self) -> u64 {
        let mut steps = self.steps();
        steps.next += 1;
        steps.next
    }

    /// Notes a step in which rows were recorded. Neighbouring steps that delete rows of one table
    /// become one entry.
    pub(crate) fn add(&self, table: &str, step: u64, rows: u64, change: Option<RecordedChange>) {
        if rows == 0 {
            return;
        }
        let mut steps = self.steps();
        if let Some(last) = steps.taken.last_mut()
            && last.table == table
            && !last.with_next
            && last.change.is_none()
            && change.is_none()
        {
            last.last = step;
            last.rows += rows;
            return;
        }
        steps.taken.push(RecordedStep {
            table: table.to_owned(),
            first: step,
            last: step,
            rows,
            change,
            with_next: false,
        });
    }

    /// Says which step has the values that a step has written.
    pub(crate) fn set_left(&self, changed: u64, left: u64) {
        let mut steps = self.steps();
        let taken = steps.taken.iter_mut().find(|taken| taken.first == changed);
        if let Some(change) = taken.and_then(|taken| taken.change.as_mut()) {
            change.left = Some(left);
        }
    }

    /// Says that the rows recorded from this step on reference each other.
    pub(crate) fn join_from(&self, step: u64) {
        let mut steps = self.steps();
        let Some(first) = steps.taken.iter().position(|taken| taken.last > step) else { return };
        let last = steps.taken.len() - 1;
        steps.taken[first..last].iter_mut().for_each(|taken| taken.with_next = true);
    }

    /// Returns the number of the last step.
    pub(crate) fn last_step(&self) -> u64 {
        self.steps().next
    }

    /// Returns the steps so far.
    pub(crate) fn taken(&self) -> Vec<RecordedStep> {
        self.steps().taken.clone()
    }

    fn steps(&self) -> std::sync::MutexGuard<'_, Steps> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit() {
        let of = |name: &str| record_table(&TableName(None, Alias::new(name).into_iden())).1.to_string();
        assert_eq!(of("items"), "cascade_gone_items");
        let (long, other) = (of(&"ü".repeat(40)), of(&format!("{}x", "ü".repeat(40))));
        assert!(long.len() <= NAME_BYTES_MAX && other.len() <= NAME_BYTES_MAX, "{long} {other}");
        assert_ne!(long, other);
    }
}
