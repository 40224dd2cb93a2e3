//! The dialects: every statement of a preview or a delete, in the form that its backend is good at.
//!
//! Pure. The plan does not know which form a backend gets; measured reasons stand beside each
//! choice. All dialects are always compiled.
//!
//! The doomed rows of a table are found through those of its parents and never leave the database:
//! in a statement they are a common table expression `__cascade_<table>`, and each doomed table is
//! mentioned once. Rows that are known by key (the roots, and the rows of a cycle's tables) are one
//! bound value: an array on PostgreSQL, a JSON text on SQLite. MySQL and MariaDB take lists.

pub(crate) mod catalog;
mod condition;
mod counts;
pub(crate) mod orphans;
mod read;
pub(crate) mod route;
mod rows;
mod value;
mod write;

pub(crate) use rows::RowSet;
pub(crate) use value::table_iden;

use crate::cascade::data::dialect::Dialect;
use crate::cascade::declare::schema::{ForeignKey, KeyId, Schema, Table, TableId};
use crate::cascade::plan::Plan;
use crate::cascade::plan::fetched::Fetched;

/// Rows that MySQL and MariaDB get in one list or page. Lists up to 20,000 kept an index range
/// scan; longer transactions of smaller pages cost up to 31 % more.
pub(crate) const PAGE: usize = 5_000;

/// Parents in one list on MySQL and MariaDB. Up to 200 (`eq_range_index_dive_limit`) they look into
/// the index; for more they go by the average number of children, and where some parents have most
/// of them that means a scan of the whole table (seen: 85 ms for 1).
const PARENTS: usize = 192;

/// Parents in one statement that reads their children level by level: few enough that these mostly
/// fit one page.
const FRONTIER: usize = 2_000;

/// The longest array that PostgreSQL may go through for each row. It looks it up by hash only while
/// it plans for the very values; a statement that is prepared once and run often gets a plan for
/// any, and compares each with each (seen: 1 s for 70,000 rows and 2,000 keys). A longer one is a
/// table of its own.
const SHORT_ARRAY: usize = 100;

/// The longest list that is bound; a longer one is written out, because a statement takes 65,535
/// values at most.
const BOUND_LIST_MAX: usize = 8_192;

/// Values of the caller's in one statement; SQLite takes 32,766, the others 65,535.
const VALUES_MAX: usize = 30_000;

/// Keys in one statement with others on MySQL and MariaDB. Beyond that a number is asked for in
/// several statements, and a table below is read by key too, or every page of its rows would repeat
/// the list.
const LONG_LIST: usize = 20_000;

/// By how many ways from known tables the rows of a key are looked for one after the other.
const WAYS_MAX: usize = 4;

/// How often tables may be repeated in one statement before their keys are read instead. SQLite and
/// MariaDB expand a common table expression at every mention, so that a lattice of diamonds grows
/// with its paths: 14 layers took SQLite 0.5 s to prepare, each layer doubling it. PostgreSQL
/// shares it.
const EXPANSIONS_MAX: u64 = 32;

/// SQLite: constraints are checked when the transaction ends and not after each statement. That
/// ends with the transaction. It is never switched off by us: SQLite then forgets what it still had
/// to check.
pub(crate) const DEFER_FOREIGN_KEYS: &str = "PRAGMA defer_foreign_keys = ON";

/// Writes the statements of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) schema: &'a Schema,
    pub(crate) plan: &'a Plan,
    pub(crate) fetched: &'a Fetched,
    pub(crate) reads: Reads,
}

/// What a SELECT that locks nothing reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// What the transaction's isolation level shows.
    Snapshot,
    /// MySQL and MariaDB, to write in a transaction of the caller's: what is committed, whatever
    /// isolation level the caller has chosen (theirs is REPEATABLE READ, whose snapshot may be
    /// older than the rows that are locked, and a statement cannot ask reliably). Only a lock
    /// clause does that, and it does not reach into a common table expression, a derived table or a
    /// sub-select: each of these has its own.
    Committed,
}

impl<'a> Sql<'a> {
    fn table(&self, table: TableId) -> &'a Table {
        &self.schema.tables[table]
    }

    fn key(&self, key: KeyId) -> &'a ForeignKey {
        &self.schema.keys[key]
    }

    /// Whether the keys of this doomed table, which is in no cycle, are better read before
    /// statements mention it.
    pub(crate) fn is_better_read(&self, table: TableId) -> bool {
        let dooming: Vec<KeyId> = self.plan.dooming(self.schema, table).collect();
        let is_long = |&key: &KeyId| self.fetched.get(self.key(key).parent).is_some_and(|keys| keys.len() > LONG_LIST);
        let is_mentioned = self.schema.keys_to(table).next().is_some() || dooming.len() > 1;
        match self.dialect {
            Dialect::Postgres => false,
            Dialect::MySql if is_mentioned && dooming.iter().any(is_long) => true,
            Dialect::Sqlite | Dialect::MySql => self.mentions(table) > EXPANSIONS_MAX,
        }
    }

    /// How often the tables known by key are mentioned where the doomed rows of this one are.
    fn mentions(&self, table: TableId) -> u64 {
        let mut mentions = vec![0_u64; self.schema.tables.len()];
        for &table in &self.plan.doomed {
            mentions[table] = if self.fetched.get(table).is_some() {
                1
            } else {
                let keys = self.plan.dooming(self.schema, table);
                keys.map(|key| mentions[self.key(key).parent]).fold(0, u64::saturating_add)
            };
        }
        mentions[table]
    }
}
