//! What a delete did, in numbers.
//!
//! Pure. A preview carries the same type for what a delete would do, so that the two can be compared.

use std::fmt;

use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};

use super::declaration::{label, table_name};
use super::graph::{Action, Schema};
use super::plan::{Plan, Step};

/// How many rows of each table were deleted, and how many were changed by each foreign key (rule R10).
///
/// The numbers are of the registered tables and exact, also where the database's own cascade would have taken the
/// rows. It serialises as `{"deleted": [{"table", "rows"}], "updated": [{"table", "foreign_key", "action", "rows"}]}`
/// and prints as `deleted stores 1, items 3; changed docs.reviewer 1 (SET NULL)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    deleted: Vec<Deleted>,
    updated: Vec<Updated>,
}

/// The rows of one table that were deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Deleted {
    table: String,
    rows: u64,
}

/// The rows whose key was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Updated {
    table: String,
    foreign_key: String,
    action: Action,
    rows: u64,
}

impl Outcome {
    /// No rows yet, of every table and key that the plan reaches.
    pub(crate) fn new(schema: &Schema, plan: &Plan) -> Self {
        let deleted = plan.doomed.iter().map(|&table| Deleted { table: schema.tables[table].label.clone(), rows: 0 });
        let updated = plan.steps.iter().filter_map(|step| match *step {
            Step::Update(key) | Step::UpdateKept(key) => {
                let key = &schema.keys[key];
                Some(Updated {
                    table: schema.tables[key.child].label.clone(),
                    foreign_key: key.label.clone(),
                    action: key.action,
                    rows: 0,
                })
            }
            Step::DeleteBy(_) | Step::DeleteRoots | Step::DeleteCycle(_) => None,
        });
        Self { deleted: deleted.collect(), updated: updated.collect() }
    }

    pub(crate) fn add_deleted(&mut self, table: &str, rows: u64) {
        let mut tables = self.deleted.iter_mut().filter(|deleted| deleted.table == table);
        tables.next().into_iter().for_each(|deleted| deleted.rows += rows);
    }

    pub(crate) fn add_updated(&mut self, foreign_key: &str, rows: u64) {
        let mut keys = self.updated.iter_mut().filter(|updated| updated.foreign_key == foreign_key);
        keys.next().into_iter().for_each(|updated| updated.rows += rows);
    }

    /// How many rows of this entity were deleted, roots included; 0 for one that the delete could not reach.
    #[must_use]
    pub fn deleted<E: EntityTrait>(&self, _entity: E) -> u64 {
        let table = label(&table_name::<E>());
        self.deleted.iter().filter(|deleted| deleted.table == table).map(|deleted| deleted.rows).sum()
    }

    /// How many keys of this entity's rows were set to NULL or to their default. A row that was changed by two keys
    /// counts twice.
    #[must_use]
    pub fn updated<E: EntityTrait>(&self, _entity: E) -> u64 {
        let table = label(&table_name::<E>());
        self.updated.iter().filter(|updated| updated.table == table).map(|updated| updated.rows).sum()
    }

    /// The rows deleted, table by table, parents first; also tables that lost none.
    pub fn deletions(&self) -> impl Iterator<Item = (&str, u64)> {
        self.deleted.iter().map(|Deleted { table, rows }| (table.as_str(), *rows))
    }

    /// The keys changed, such as `docs.reviewer`, with the action and how many; also those that none was changed by.
    pub fn updates(&self) -> impl Iterator<Item = (&str, Action, u64)> {
        self.updated.iter().map(|updated| (updated.foreign_key.as_str(), updated.action, updated.rows))
    }

    /// How many rows were deleted, of all tables.
    #[must_use]
    pub fn rows_deleted(&self) -> u64 {
        self.deleted.iter().map(|deleted| deleted.rows).sum()
    }

    /// How many keys were changed, of all tables.
    #[must_use]
    pub fn rows_updated(&self) -> u64 {
        self.updated.iter().map(|updated| updated.rows).sum()
    }

    /// Rows deleted plus keys changed: what `at_most` bounds.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.rows_deleted() + self.rows_updated()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.total() == 0 {
            return f.write_str("nothing deleted");
        }
        let mut before = "deleted ";
        for Deleted { table, rows } in self.deleted.iter().filter(|deleted| deleted.rows > 0) {
            write!(f, "{before}{table} {rows}")?;
            before = ", ";
        }
        before = "; changed ";
        for updated in self.updated.iter().filter(|updated| updated.rows > 0) {
            let Updated { table: _, foreign_key, action, rows } = updated;
            write!(f, "{before}{foreign_key} {rows} ({action})")?;
            before = ", ";
        }
        Ok(())
    }
}
