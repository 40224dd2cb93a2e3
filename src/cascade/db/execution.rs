//! What one execution of a plan works with.
//!
//! I/O: it sends statements and reads their counts. `find` and `run` choose the statements.

use std::sync::atomic::AtomicBool;

use sea_orm::DbErr;
use sea_orm::sea_query::SelectStatement;

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::{KeyKind, Keys, alias};
use crate::cascade::db::session::{Connection, Purpose, Session, is_transaction};
use crate::cascade::declare::declaration::Column;
use crate::cascade::declare::schema::{KeyId, Schema, TableId};
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::plan::Plan;
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::plan::recording::Recording;
use crate::cascade::sql::{Reads, Sql};

/// The tables whose rows are read before they are deleted, for hooks or `keys_of`; and whether a
/// hook has run.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    /// The tables whose deleted keys the outcome has.
    pub(crate) keys_of: Vec<TableId>,
    /// Whether rows that row security hides are ignored.
    pub(crate) under_row_security: bool,
    /// Whether every root must exist.
    pub(crate) must_exist: bool,
    /// The foreign keys whose orphans a repair changes or deletes, with the action.
    pub(crate) repaired: Vec<(KeyId, Action)>,
    pub(crate) has_hook_run: AtomicBool,
}

impl Capture {
    /// Returns the same as before any hook has run.
    pub(crate) fn anew(&self) -> Self {
        let Self { keys_of, under_row_security, must_exist, repaired, has_hook_run: _ } = self;
        Self {
            keys_of: keys_of.clone(),
            under_row_security: *under_row_security,
            must_exist: *must_exist,
            repaired: repaired.clone(),
            has_hook_run: AtomicBool::new(false),
        }
    }
}

/// What one execution works with.
#[derive(Clone, Copy)]
pub(crate) struct Execution<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) plan: &'a Plan,
    pub(crate) dialect: Dialect,
    pub(crate) session: &'a dyn Session,
    pub(crate) capture: &'a Capture,
    /// Whose transaction it is.
    pub(crate) transaction: Transaction,
    /// What is recorded, if the delete can be undone.
    pub(crate) recording: Option<&'a Recording>,
}

/// Whose transaction an execution is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transaction {
    /// Our own, with our isolation level.
    Ours,
    /// The caller's, for reads.
    CallersToRead,
    /// The caller's, for writes.
    CallersToWrite,
}

impl Transaction {
    pub(crate) fn of<C: Connection>(purpose: Purpose) -> Self {
        match purpose {
            _ if !is_transaction::<C>() => Self::Ours,
            Purpose::Read => Self::CallersToRead,
            Purpose::Write => Self::CallersToWrite,
        }
    }
}

impl<'a> Execution<'a> {
    pub(crate) fn sql<'k>(self, fetched: &'k Fetched) -> Sql<'k>
    where
        'a: 'k,
    {
        let reads = match (self.dialect, self.transaction) {
            (Dialect::MySql, Transaction::CallersToWrite) => Reads::Committed,
            _ => Reads::Snapshot,
        };
        Sql { dialect: self.dialect, schema: self.schema, plan: self.plan, fetched, reads }
    }

    pub(crate) fn keys_of(self, table: TableId, columns: &[usize]) -> Result<Keys, Error> {
        keys_of(self.schema, self.dialect, table, columns)
    }

    /// Reads the counts of a statement.
    pub(crate) async fn row_of(self, select: &SelectStatement, numbers: usize) -> Result<Vec<u64>, Error> {
        let rows = self.session.query(select).await?;
        let Some(row) = rows.first() else { return Ok(vec![0; numbers]) };
        let number = |n| row.try_get::<i64>("", &alias(n)).map(|number| u64::try_from(number).unwrap_or(0));
        Ok((0..numbers).map(number).collect::<Result<_, _>>()?)
    }

    /// Reads the counts of a statement that returns them as one text.
    pub(crate) async fn counts_of(self, select: &SelectStatement) -> Result<Vec<u64>, Error> {
        let rows = self.session.query(select).await?;
        let Some(row) = rows.first() else { return Ok(Vec::new()) };
        let counts: String = row.try_get_by_index(0)?;
        let count = |count: &str| count.parse().map_err(|_| DbErr::Type(format!("{count} is not a count")));
        Ok(counts.split(',').map(count).collect::<Result<_, _>>()?)
    }

    pub(crate) fn is_captured(self, table: TableId) -> bool {
        self.schema.tables[table].hooks.is_some() || self.capture.keys_of.contains(&table)
    }

    pub(crate) fn can_be_null(self, key: KeyId) -> bool {
        !self.schema.keys[key].cycle_break_columns(self.schema).is_empty()
    }
}

/// Returns an empty set of keys for these columns. Refuses a type that the database cannot compare
/// (R12).
pub(crate) fn keys_of(schema: &Schema, dialect: Dialect, table: TableId, columns: &[usize]) -> Result<Keys, Error> {
    let table = &schema.tables[table];
    let kind = |&column: &usize| {
        let Column { name, ty, .. } = &table.columns[column];
        KeyKind::of(dialect, ty).ok_or_else(|| {
            let (table, column) = (table.label.clone(), name.to_string());
            Error::from(ErrorKind::KeyNotComparable { backend: dialect.name(), table, column })
        })
    };
    let kinds = columns.iter().map(kind).collect::<Result<Vec<_>, _>>()?;
    Ok(Keys::new(&table.label, columns, table.names(columns), &kinds))
}
