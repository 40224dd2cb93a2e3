//! Every statement of a preview or a delete, in the form that its database runs well.
//!
//! Pure. The plan does not know which form a database gets. The measured reason stands beside each
//! choice. All dialects are always compiled.
//!
//! The doomed rows of a table are found through the doomed rows of its parents, and do not leave
//! the database. In a statement they are a common table expression `__cascade_<table>`, and each
//! doomed table is mentioned once. Fetched keys (of the roots, and of the tables in a cycle) are
//! one bound value: an array on PostgreSQL, a JSON text on SQLite. MySQL and MariaDB get lists.

pub(crate) mod catalog;
mod condition;
mod counts;
pub(crate) mod orphans;
mod read;
pub(crate) mod record;
pub(crate) mod route;
mod rows;
pub(crate) mod undo;
mod value;
mod write;

pub(crate) use rows::RowSet;
pub(crate) use value::table_iden;

use crate::cascade::data::dialect::Dialect;
use crate::cascade::declare::schema::{ForeignKey, KeyId, Schema, Table, TableId};
use crate::cascade::plan::Plan;
use crate::cascade::plan::fetched::Fetched;

/// The number of rows in one list or page on MySQL and MariaDB. Lists up to 20,000 kept an index
/// range scan; longer transactions of smaller pages cost up to 31 % more.
pub(crate) const PAGE: usize = 5_000;

/// The number of parents in one list on MySQL and MariaDB. Up to 200 (`eq_range_index_dive_limit`)
/// they look into the index. Above that they use the average number of children, and if a few
/// parents have most of the children, they scan the whole table (seen: 85 ms instead of 1).
const PARENTS: usize = 192;

/// The length to which longer lists are filled up on MySQL and MariaDB, if they are not longer still.
const LIST: usize = 1_024;

/// The number of parents in one statement that reads their children level by level: few enough that
/// their children mostly fit one page.
const FRONTIER: usize = 2_000;

/// The longest array that PostgreSQL may compare with each row. PostgreSQL hashes the array only if
/// it plans with the values. A statement that is prepared once and run often gets a generic plan,
/// and compares each row with each element (seen: 1 s for 70,000 rows and 2,000 keys). A longer
/// array becomes a table.
const SHORT_ARRAY: usize = 100;

/// The longest list that is bound. A longer one is written into the text, because a statement takes
/// at most 65,535 values.
const BOUND_LIST_MAX: usize = 8_192;

/// The number of values from the caller in one statement. SQLite takes 32,766, the others 65,535.
const VALUES_MAX: usize = 30_000;

/// The number of keys beside others in one statement on MySQL and MariaDB. Above that, a count is
/// split into several statements, and the keys of a table below are fetched too, because otherwise
/// every page of its rows would repeat the list.
const LONG_LIST: usize = 20_000;

/// The largest number of paths from fetched tables along which the rows of a key are searched one
/// after the other.
const WAYS_MAX: usize = 4;

/// How often a statement may repeat tables before their keys are fetched instead. SQLite and
/// MariaDB expand a common table expression at every mention, so a lattice of diamonds grows with
/// its paths: SQLite took 0.5 s to prepare 14 layers, and each layer doubles it. PostgreSQL does
/// not expand it.
const EXPANSIONS_MAX: u64 = 32;

/// How deep common table expressions may mention each other before the keys of a table are fetched
/// instead. MariaDB overruns its stack at 50 (1436), and the others take seconds to prepare or plan
/// a chain of 100.
const DEPTH_MAX: usize = 16;

/// SQLite: constraints are checked at the end of the transaction and not after each statement. The
/// setting ends with the transaction. The crate never switches it off, because SQLite would then
/// forget what it still has to check.
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

/// What a SELECT without a lock clause reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// The rows that the transaction's isolation level shows.
    Snapshot,
    /// MySQL and MariaDB, for a write in a transaction of the caller: the committed rows, whatever
    /// the isolation level. (The default is REPEATABLE READ. Its snapshot may be older than the
    /// locked rows, and a statement cannot find out reliably.) Only a lock clause reads committed
    /// rows. It does not reach into a common table expression, a derived table or a sub-select, so
    /// each of these has its own.
    Committed,
}

impl<'a> Sql<'a> {
    fn table(&self, table: TableId) -> &'a Table {
        &self.schema.tables[table]
    }

    fn key(&self, key: KeyId) -> &'a ForeignKey {
        &self.schema.keys[key]
    }

    /// Returns the CASCADE keys through which rows of this table may be doomed.
    fn dooming(&self, table: TableId) -> impl Iterator<Item = KeyId> + use<'a> {
        self.fetched.dooming(self.schema, self.plan, table)
    }

    /// Whether rows of this table may be doomed.
    fn dooms(&self, table: TableId) -> bool {
        self.fetched.dooms(self.schema, self.plan, table)
    }

    /// Whether to fetch the keys of this doomed table, which is in no cycle, before statements
    /// mention it.
    pub(crate) fn is_better_read(&self, table: TableId) -> bool {
        let dooming: Vec<KeyId> = self.dooming(table).collect();
        let is_long = |&key: &KeyId| self.fetched.get(self.key(key).parent).is_some_and(|keys| keys.len() > LONG_LIST);
        let is_mentioned = self.schema.keys_to(table).next().is_some() || dooming.len() > 1;
        match self.dialect {
            Dialect::Postgres => self.depth(table) > DEPTH_MAX,
            Dialect::MySql if is_mentioned && dooming.iter().any(is_long) => true,
            Dialect::Sqlite | Dialect::MySql => self.mentions(table) > EXPANSIONS_MAX || self.depth(table) > DEPTH_MAX,
        }
    }

    /// Returns how many tables are between this one and tables with fetched keys.
    fn depth(&self, table: TableId) -> usize {
        let mut depths = vec![0; self.schema.tables.len()];
        for &table in self.plan.doomed.iter().filter(|&&table| self.fetched.get(table).is_none()) {
            let above = self.dooming(table).map(|key| depths[self.key(key).parent]);
            depths[table] = 1 + above.max().unwrap_or(0);
        }
        depths[table]
    }

    /// Returns how often a mention of this table's doomed rows mentions tables with fetched keys.
    fn mentions(&self, table: TableId) -> u64 {
        let mut mentions = vec![0_u64; self.schema.tables.len()];
        for &table in &self.plan.doomed {
            mentions[table] = if self.fetched.get(table).is_some() {
                1
            } else {
                self.dooming(table).map(|key| mentions[self.key(key).parent]).fold(0, u64::saturating_add)
            };
        }
        mentions[table]
    }
}
