//! Records the rows of a delete that can be undone, in its own transaction.
//!
//! I/O: it writes into the record tables only. Before each write that `rows.rs` sends, one
//! `INSERT .. SELECT` copies the rows that it will delete or change, with the same condition, and
//! locks them. No row passes through the program.

mod begin;

use sea_orm::sea_query::Expr;

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::receipt::RecordedChange;
use crate::cascade::db::execution::Execution;
use crate::cascade::declare::schema::{KeyId, TableId};
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::plan::recording::Recording;
use crate::cascade::sql::record::InsertSelect;

/// What was recorded before one write; nothing if the delete cannot be undone.
#[derive(Debug, Clone, Default)]
pub(super) struct Recorded(Option<OfTable>);

#[derive(Debug, Clone)]
struct OfTable {
    table: TableId,
    rows: u64,
    /// The steps in which rows were recorded.
    steps: Vec<u64>,
    /// Whether the rows stay and only a key of theirs changes.
    is_change: bool,
}

impl Execution<'_> {
    /// Records the rows under these conditions, which are deleted next.
    pub(super) async fn record_deleted(
        self,
        fetched: &Fetched,
        table: TableId,
        rows: impl FnOnce() -> Vec<Expr>,
    ) -> Result<Recorded, Error> {
        let Some(recording) = self.recording else { return Ok(Recorded::default()) };
        let sql = self.sql(fetched);
        let insert = |condition| {
            let step = recording.next_step();
            Some((step, sql.record(recording, table, condition, step)?))
        };
        self.recorded(recording, (table, None), rows().into_iter().filter_map(insert).collect()).await
    }

    /// Records the values of a SET NULL or SET DEFAULT key in the rows under these conditions.
    pub(super) async fn record_changed(
        self,
        fetched: &Fetched,
        key: KeyId,
        rows: impl FnOnce() -> Vec<Expr>,
    ) -> Result<Recorded, Error> {
        let columns = &self.schema.keys[key].child_columns;
        self.record_values(fetched, (key, columns, false), rows).await
    }

    /// Records the values of a key that is set to NULL to break a ring.
    pub(super) async fn record_opened(
        self,
        fetched: &Fetched,
        (key, columns): (KeyId, &[usize]),
        rows: impl FnOnce() -> Vec<Expr>,
    ) -> Result<Recorded, Error> {
        self.record_values(fetched, (key, columns, true), rows).await
    }

    async fn record_values(
        self,
        fetched: &Fetched,
        (key, columns, is_of_ring): (KeyId, &[usize], bool),
        rows: impl FnOnce() -> Vec<Expr>,
    ) -> Result<Recorded, Error> {
        let Some(recording) = self.recording else { return Ok(Recorded::default()) };
        let (sql, table) = (self.sql(fetched), self.schema.keys[key].child);
        let columns = self.schema.tables[table].names(columns);
        let insert = |condition| {
            let step = recording.next_step();
            Some((step, sql.record_change(recording, table, &columns, condition, step)?))
        };
        let inserts = rows().into_iter().filter_map(insert).collect();
        self.recorded(recording, (table, Some(self.change(key, &columns, is_of_ring))), inserts).await
    }

    /// Records the values of a key in all rows that reference doomed rows through it.
    pub(super) async fn record_referencing(self, fetched: &Fetched, key: KeyId) -> Result<Recorded, Error> {
        let parent = self.schema.keys[key].parent;
        let Some(recording) =
            self.recording.filter(|_| self.dialect == Dialect::MySql && fetched.get(parent).is_none())
        else {
            return self.record_changed(fetched, key, || self.sql(fetched).each_references(key)).await;
        };
        let child = self.schema.keys[key].child;
        let columns = self.schema.tables[child].names(&self.schema.keys[key].child_columns);
        let step = recording.next_step();
        let insert = self.sql(fetched).record_joined(recording, key, &columns, step);
        let inserts = insert.map(|insert| (step, insert)).into_iter().collect();
        self.recorded(recording, (child, Some(self.change(key, &columns, false))), inserts).await
    }

    fn change(self, key: KeyId, columns: &[String], is_of_ring: bool) -> RecordedChange {
        let foreign_key = self.schema.keys[key].label.clone();
        RecordedChange { foreign_key, columns: columns.to_vec(), left: None, is_of_ring }
    }

    async fn recorded(
        self,
        recording: &Recording,
        (table, change): (TableId, Option<RecordedChange>),
        inserts: Vec<(u64, InsertSelect)>,
    ) -> Result<Recorded, Error> {
        let (mut rows, mut steps) = (0, Vec::new());
        let is_change = change.is_some();
        for (step, insert) in inserts {
            let recorded = self.write_record(&insert).await?;
            recording.add(&self.schema.tables[table].label, step, recorded, change.clone());
            steps.extend((recorded > 0).then_some(step));
            rows += recorded;
        }
        Ok(Recorded(Some(OfTable { table, rows, steps, is_change })))
    }

    /// Records what was written into a SET DEFAULT key, so that an undo knows the rows which nobody
    /// has changed since.
    pub(super) async fn record_left(self, fetched: &Fetched, key: KeyId, recorded: &Recorded) -> Result<(), Error> {
        let (Some(recording), Some(of)) = (self.recording, &recorded.0) else { return Ok(()) };
        let foreign_key = &self.schema.keys[key];
        if foreign_key.action != Action::SetDefault {
            return Ok(());
        }
        let columns = self.schema.tables[of.table].names(&foreign_key.child_columns);
        for &changed in &of.steps {
            let step = recording.next_step();
            let Some(insert) = self.sql(fetched).record_left(recording, of.table, &columns, (changed, step)) else {
                continue;
            };
            self.write_record(&insert).await?;
            recording.set_left(changed, step);
        }
        Ok(())
    }

    /// U1: what was recorded must be what was written.
    pub(super) async fn check_recorded(self, recorded: &Recorded, written: u64) -> Result<(), Error> {
        let Some(of) = &recorded.0 else { return Ok(()) };
        let table = || self.schema.tables[of.table].label.clone();
        if written > of.rows {
            return Err(ErrorKind::RowsAppeared { table: table() }.into());
        }
        if written == of.rows {
            return Ok(());
        }
        if of.is_change {
            let reason = "a trigger or a rule kept a row as it was".to_owned();
            return Err(ErrorKind::NotRecordable { table: table(), reason }.into());
        }
        if self.schema.tables[of.table].hooks.is_some() {
            let reason = "its own hook deletes rows of it".to_owned();
            return Err(ErrorKind::NotRecordable { table: table(), reason }.into());
        }
        self.check_recorded_gone(recorded).await
    }

    /// U1: no recorded row may still be there.
    pub(super) async fn check_recorded_gone(self, recorded: &Recorded) -> Result<(), Error> {
        let (Some(recording), Some(of)) = (self.recording, &recorded.0) else { return Ok(()) };
        let nothing = Fetched::new(self.schema, of.table, self.keys_of(of.table, &[])?);
        for &step in &of.steps {
            let Some(select) = self.sql(&nothing).recorded_and_there(recording, of.table, step) else { continue };
            if self.row_of(&select, 1).await?.iter().sum::<u64>() > 0 {
                let table = self.schema.tables[of.table].label.clone();
                let reason = "a trigger or a rule kept a row that was to be deleted".to_owned();
                return Err(ErrorKind::NotRecordable { table, reason }.into());
            }
        }
        Ok(())
    }

    /// Refuses to record a ring of keys that cannot be NULL where it could never be inserted again.
    pub(super) fn ring_begins(self, table: Option<TableId>) -> Result<u64, Error> {
        let Some(recording) = self.recording else { return Ok(0) };
        if let (Dialect::MySql, Some(table)) = (self.dialect, table) {
            let reason =
                "its rows reference each other in a ring of keys that cannot be NULL, and InnoDB inserts such rows \
                          one by one"
                    .to_owned();
            return Err(ErrorKind::NotRecordable { table: self.schema.tables[table].label.clone(), reason }.into());
        }
        Ok(recording.last_step())
    }

    /// Notes that the rows recorded since then can only be inserted together.
    pub(super) fn ring_is_recorded(self, since: u64) {
        if let Some(recording) = self.recording {
            recording.join_from(since);
        }
    }
}
