//! Plays a record backwards (U5): the last step first.
//!
//! I/O. Every state that the delete went through was valid at the end of its statement, so the same
//! states in reverse are valid too.

use sea_orm::{DbBackend, Statement, StatementBuilder};

use super::receipts::{Stored, check_built, close, empty, find};
use super::tables::{Recorded, recorded};
use super::{Options, blockers};
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::receipt::{Receipt, ReceiptState, RecordedStep};
use crate::cascade::data::undo::{UndoPreview, Undone};
use crate::cascade::db::execution::Execution;
use crate::cascade::db::session::CatalogQuery;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::live::catalog;
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::sql::DEFER_FOREIGN_KEYS;
use crate::cascade::sql::record::InsertSelect;
use crate::cascade::sql::undo::restore;

pub(super) async fn preview(
    execution: Execution<'_>,
    receipt: Receipt,
    options: Options,
) -> Result<UndoPreview, Error> {
    let stored = open(execution, receipt, false).await?;
    let tables = tables(execution, &stored).await?;
    let undone = seen(execution, &stored, &tables).await?;
    let blockers = blockers::find(execution, (receipt, &stored.steps), &tables, options).await?;
    Ok(UndoPreview { undone, blockers })
}

pub(super) async fn execute(
    execution: Execution<'_>,
    receipt: Receipt,
    options: Options,
    expected: Option<&Undone>,
) -> Result<Undone, Error> {
    let stored = open(execution, receipt, true).await?;
    let tables = tables(execution, &stored).await?;
    blockers::lock_parents(execution, receipt, &tables).await?;
    let blockers = blockers::find(execution, (receipt, &stored.steps), &tables, options).await?;
    if !blockers.is_empty() {
        return Err(ErrorKind::UndoBlocked { receipt, blockers }.into());
    }
    if execution.dialect == Dialect::Sqlite && stored.steps.iter().any(|step| step.with_next) {
        execution.session.execute(&CatalogQuery::new(DEFER_FOREIGN_KEYS, Vec::new())).await?;
    }
    let undone = played(execution, &stored, &tables).await?;
    if let Some(expected) = expected.filter(|expected| **expected != undone) {
        let (expected, found) = (Box::new(expected.clone()), Box::new(undone));
        return Err(ErrorKind::UndoChanged { expected, found }.into());
    }
    empty(execution, &stored).await?;
    close(execution, receipt).await?;
    Ok(undone)
}

async fn open(execution: Execution<'_>, receipt: Receipt, lock: bool) -> Result<Stored, Error> {
    check_built(execution)?;
    let stored = find(execution, receipt, lock).await?;
    match stored.state {
        ReceiptState::Done => Ok(stored),
        state => Err(ErrorKind::ReceiptClosed { receipt, state }.into()),
    }
}

/// Reads the catalogs of the recorded tables, after each was touched.
async fn tables(execution: Execution<'_>, stored: &Stored) -> Result<Vec<Recorded>, Error> {
    let mut ids = Vec::new();
    for step in &stored.steps {
        let id = execution.schema.tables.iter().position(|table| table.label == step.table);
        let id = id.ok_or_else(|| ErrorKind::NotRegistered { table: step.table.clone() })?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    execution.touch(ids.iter().map(|&id| &execution.schema.tables[id].name)).await?;
    let live = catalog::read(execution.session, execution.dialect, execution.schema).await?;
    ids.into_iter().map(|id| recorded(execution.schema, &live, id)).collect()
}

fn table_of<'a>(execution: Execution<'_>, tables: &'a [Recorded], step: &RecordedStep) -> Result<&'a Recorded, Error> {
    let is_it = |recorded: &&Recorded| execution.schema.tables[recorded.table.id].label == step.table;
    tables.iter().find(is_it).ok_or_else(|| ErrorKind::NotRegistered { table: step.table.clone() }.into())
}

/// Returns what an undo would do now.
async fn seen(execution: Execution<'_>, stored: &Stored, tables: &[Recorded]) -> Result<Undone, Error> {
    let nothing = Fetched::new(execution.schema, 0, execution.keys_of(0, &[])?);
    let mut undone = Undone::nothing(stored.receipt);
    for step in stored.steps.iter().rev() {
        let recorded = table_of(execution, tables, step)?;
        match &step.change {
            None => undone.add_returned(&step.table, step.rows),
            Some(change) if change.is_of_ring => {}
            Some(change) => {
                let sql = execution.sql(&nothing);
                let select = sql.count_restorable(stored.receipt, &recorded.table, step, change);
                let rows = execution.row_of(&select, 1).await?.iter().sum::<u64>();
                undone.add_restored(&change.foreign_key, rows, step.rows.saturating_sub(rows));
            }
        }
    }
    Ok(undone)
}

/// Brings everything back.
async fn played(execution: Execution<'_>, stored: &Stored, tables: &[Recorded]) -> Result<Undone, Error> {
    let nothing = Fetched::new(execution.schema, 0, execution.keys_of(0, &[])?);
    let (sql, receipt) = (execution.sql(&nothing), stored.receipt);
    let mut undone = Undone::nothing(receipt);
    let mut end = stored.steps.len();
    while end > 0 {
        // Steps that can only be played together.
        let mut first = end - 1;
        while first > 0 && stored.steps[first - 1].with_next {
            first -= 1;
        }
        let steps = &stored.steps[first..end];
        end = first;
        if let (Dialect::Postgres, [_, _, ..]) = (execution.dialect, steps) {
            let inserts: Vec<InsertSelect> = steps
                .iter()
                .map(|step| Ok(sql.put_back(receipt, &table_of(execution, tables, step)?.table, step)))
                .collect::<Result<_, Error>>()?;
            execution.write_record(&Together(inserts)).await?;
            for step in steps.iter().rev() {
                // The statement reports the rows of its last part only.
                let select = sql.count_returned(receipt, &table_of(execution, tables, step)?.table, step);
                let returned = execution.row_of(&select, 1).await?.iter().sum::<u64>();
                check_returned(step, returned)?;
                undone.add_returned(&step.table, returned);
            }
            continue;
        }
        for step in steps.iter().rev() {
            let table = &table_of(execution, tables, step)?.table;
            match &step.change {
                None => {
                    let returned = execution.write_record(&sql.put_back(receipt, table, step)).await?;
                    check_returned(step, returned)?;
                    undone.add_returned(&step.table, returned);
                }
                Some(change) => {
                    let update = restore(receipt, table, step, change);
                    let rows = execution.write_record(&update).await?;
                    if !change.is_of_ring {
                        undone.add_restored(&change.foreign_key, rows, step.rows.saturating_sub(rows));
                    }
                }
            }
        }
    }
    Ok(undone)
}

/// U5: everything that was recorded must come back.
fn check_returned(step: &RecordedStep, returned: u64) -> Result<(), Error> {
    if returned == step.rows {
        return Ok(());
    }
    Err(ErrorKind::NotReturned { table: step.table.clone(), recorded: step.rows, returned }.into())
}

/// PostgreSQL: several inserts in one statement, at whose end the constraints are checked.
struct Together(Vec<InsertSelect>);

impl StatementBuilder for Together {
    fn build(&self, backend: &DbBackend) -> Statement {
        let Self(inserts) = self;
        let (mut sql, last) = (String::new(), inserts.len().saturating_sub(1));
        for (n, insert) in inserts.iter().enumerate() {
            // The values are numbers of ours, so they can be part of the text.
            let select = insert.select.to_string(sea_orm::sea_query::PostgresQueryBuilder);
            let text = format!("{}{select}", insert.head(Dialect::Postgres));
            // The last one is the statement, and the others are common table expressions before it.
            let name = format!("__cascade_ring_{n}");
            sql.push_str(match (n, last) {
                (0, 0) => "",
                (0, _) => "WITH ",
                (n, last) if n < last => ", ",
                _ => " ",
            });
            let text = if n < last { format!("{name} AS ({text})") } else { text };
            sql.push_str(&text);
        }
        Statement::from_string(*backend, sql)
    }

    fn audit(&self) -> Result<sea_orm::QueryAccessAudit, sea_orm::AuditError> {
        let Self(inserts) = self;
        let mut inserts = inserts.iter();
        let first = inserts.next().ok_or(sea_orm::AuditError::UnsupportedQuery)?;
        let mut access = StatementBuilder::audit(first)?;
        for insert in inserts {
            access.requests.extend(StatementBuilder::audit(insert)?.requests);
        }
        Ok(access)
    }
}
