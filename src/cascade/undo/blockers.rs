//! Searches everything that is in the way of an undo.
//!
//! I/O: it reads.

use sea_orm::QueryResult;

use super::Options;
use super::tables::Recorded;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::Key;
use crate::cascade::data::receipt::{Receipt, RecordedStep};
use crate::cascade::data::undo::{UndoBlocker, UndoBlockerKind};
use crate::cascade::db::execution::Execution;
use crate::cascade::error::Error;
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::sql::undo::{Referenced, Unique, count_repeated};

/// How many primary keys a blocker shows.
const SAMPLE: u64 = 3;

/// Locks the parents that come into question, where no constraint does it (U11).
pub(super) async fn lock_parents(execution: Execution<'_>, receipt: Receipt, tables: &[Recorded]) -> Result<(), Error> {
    if execution.dialect == Dialect::Sqlite {
        return Ok(());
    }
    let nothing = Fetched::new(execution.schema, 0, execution.keys_of(0, &[])?);
    for Recorded { table, references, .. } in tables {
        for to in references.iter().filter(|to| !to.is_constrained) {
            execution.session.query(&execution.sql(&nothing).lock_referenced(receipt, table, to)).await?;
        }
    }
    Ok(())
}

/// Returns everything that is in the way (U6).
pub(super) async fn find(
    execution: Execution<'_>,
    (receipt, steps): (Receipt, &[RecordedStep]),
    tables: &[Recorded],
    options: Options,
) -> Result<Vec<UndoBlocker>, Error> {
    let nothing = Fetched::new(execution.schema, 0, execution.keys_of(0, &[])?);
    let search = Search { execution, nothing: &nothing, receipt };
    let mut blockers = Vec::new();
    for recorded in tables {
        search.columns(recorded, options, &mut blockers).await?;
        search.repeated(recorded, &mut blockers).await?;
        for (n, unique) in recorded.uniques.iter().enumerate() {
            let kind = if n == 0 { UndoBlockerKind::PrimaryKeyTaken } else { UndoBlockerKind::UniqueValueTaken };
            search.taken(recorded, unique, kind, &mut blockers).await?;
        }
        search.keys_taken(recorded, steps, &mut blockers).await?;
        for to in &recorded.references {
            if to.is_constrained || !options.allows_orphans {
                search.parents(recorded, to, &mut blockers).await?;
            }
        }
    }
    Ok(blockers)
}

struct Search<'a> {
    execution: Execution<'a>,
    nothing: &'a Fetched,
    receipt: Receipt,
}

impl Search<'_> {
    async fn count(&self, select: &sea_orm::sea_query::SelectStatement) -> Result<u64, Error> {
        Ok(self.execution.row_of(select, 1).await?.iter().sum())
    }

    async fn columns(&self, of: &Recorded, options: Options, blockers: &mut Vec<UndoBlocker>) -> Result<(), Error> {
        for (column, kind) in &of.columns {
            let rows = match kind {
                UndoBlockerKind::ColumnGone if options.leaves_gone_columns => 0,
                UndoBlockerKind::ColumnGone => {
                    let select = self.execution.sql(self.nothing).count_with_value(self.receipt, &of.table, column);
                    self.count(&select).await?
                }
                _ => 1,
            };
            if rows > 0 {
                blockers.push(self.blocker(of, kind.clone(), vec![column.clone()], rows));
            }
        }
        Ok(())
    }

    async fn repeated(&self, of: &Recorded, blockers: &mut Vec<UndoBlocker>) -> Result<(), Error> {
        let rows = self.count(&count_repeated(self.receipt, &of.table)).await?;
        if rows > 0 {
            blockers.push(self.blocker(of, UndoBlockerKind::RecordedTwice, of.table.primary_key.clone(), rows));
        }
        Ok(())
    }

    async fn taken(
        &self,
        of: &Recorded,
        unique: &Unique,
        kind: UndoBlockerKind,
        blockers: &mut Vec<UndoBlocker>,
    ) -> Result<(), Error> {
        let sql = self.execution.sql(self.nothing);
        let rows = self.count(&sql.count_taken(self.receipt, &of.table, unique)).await?;
        if rows == 0 {
            return Ok(());
        }
        let found = self.execution.session.query(&sql.sample_taken(self.receipt, &of.table, unique, SAMPLE)).await?;
        let mut blocker = self.blocker(of, kind, unique.columns.clone(), rows);
        blocker.sample = self.keys(of, &found, 0)?;
        if blocker.kind == UndoBlockerKind::UniqueValueTaken {
            blocker.held_by = self.keys(of, &found, of.table.primary_key.len())?;
        }
        blockers.push(blocker);
        Ok(())
    }

    /// A changed key may be unique, as that of a `has_one`.
    async fn keys_taken(
        &self,
        of: &Recorded,
        steps: &[RecordedStep],
        blockers: &mut Vec<UndoBlocker>,
    ) -> Result<(), Error> {
        let label = &self.execution.schema.tables[of.table.id].label;
        for unique in of.uniques.iter().skip(1) {
            let mut rows = 0;
            for step in steps.iter().filter(|step| step.table == *label) {
                let Some(change) = step.change.as_ref().filter(|change| !change.is_of_ring) else { continue };
                if unique.columns.iter().all(|column| change.columns.contains(column)) {
                    let sql = self.execution.sql(self.nothing);
                    rows += self.count(&sql.count_key_taken(self.receipt, &of.table, (step, change), unique)).await?;
                }
            }
            if rows > 0 {
                blockers.push(self.blocker(of, UndoBlockerKind::UniqueValueTaken, unique.columns.clone(), rows));
            }
        }
        Ok(())
    }

    async fn parents(&self, of: &Recorded, to: &Referenced, blockers: &mut Vec<UndoBlocker>) -> Result<(), Error> {
        let sql = self.execution.sql(self.nothing);
        let rows = self.count(&sql.count_without_parent(self.receipt, &of.table, to)).await?;
        if rows == 0 {
            return Ok(());
        }
        let found =
            self.execution.session.query(&sql.sample_without_parent(self.receipt, &of.table, to, SAMPLE)).await?;
        let taken_by = match sql.taken_by(self.receipt, &of.table, to) {
            Some(select) => {
                let rows = self.execution.session.query(&select).await?;
                rows.first().map(|row| row.try_get_by_index::<Option<i64>>(0)).transpose()?.flatten()
            }
            None => None,
        };
        let taken_by = taken_by.and_then(|number| u64::try_from(number).ok()).map(Receipt::new);
        let (parent, is_constrained) = (to.parent_label.clone(), to.is_constrained);
        let kind = UndoBlockerKind::ParentMissing { parent, taken_by, is_constrained };
        let mut blocker = self.blocker(of, kind, to.columns.clone(), rows);
        blocker.sample = self.keys(of, &found, 0)?;
        blockers.push(blocker);
        Ok(())
    }

    fn blocker(&self, of: &Recorded, kind: UndoBlockerKind, columns: Vec<String>, rows: u64) -> UndoBlocker {
        let table = self.execution.schema.tables[of.table.id].label.clone();
        UndoBlocker { kind, table, columns, rows, sample: Vec::new(), held_by: Vec::new() }
    }

    /// Reads primary keys that begin at a column.
    fn keys(&self, of: &Recorded, rows: &[QueryResult], first: usize) -> Result<Vec<Key>, Error> {
        let primary_key = &self.execution.schema.tables[of.table.id].primary_key;
        let mut keys = self.execution.keys_of(of.table.id, primary_key)?;
        keys.read_at(rows, first)?;
        Ok((0..keys.len()).map(|row| keys.sample_of(row, primary_key.len())).collect())
    }
}
