//! The write layer: the only place that sends a DELETE or an UPDATE.
//!
//! I/O. The other files of this folder decide which rows are deleted or changed, and in which
//! order. If the delete can be undone, each write is preceded by the record of its rows.

use sea_orm::StatementBuilder;
use sea_orm::sea_query::Expr;

use crate::cascade::data::key::Keys;
use crate::cascade::db::execution::Execution;
use crate::cascade::declare::schema::{KeyId, TableId};
use crate::cascade::error::Error;
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::run::record::Recorded;
use crate::cascade::sql::RowSet;

impl Execution<'_> {
    /// Deletes the rows that reference rows of the delete set through this key.
    pub(super) async fn delete_referencing(self, fetched: &Fetched, key: KeyId) -> Result<u64, Error> {
        let rows = || self.sql(fetched).each_references(key);
        let recorded = self.record_deleted(fetched, self.schema.keys[key].child, rows).await?;
        self.write_all(self.sql(fetched).delete_by(key), recorded).await
    }

    /// Deletes all rows of these sets.
    pub(super) async fn delete_in(self, fetched: &Fetched, rows: Vec<RowSet>) -> Result<u64, Error> {
        let Some(table) = rows.first().map(RowSet::table) else { return Ok(0) };
        let recorded = self.record_deleted(fetched, table, || conditions(&rows)).await?;
        self.write_all(rows.into_iter().map(|rows| self.sql(fetched).delete(rows)).collect(), recorded).await
    }

    /// Records the rows with these keys, if the delete can be undone.
    pub(super) async fn record_at(
        self,
        fetched: &Fetched,
        (table, keys, rows): (TableId, &Keys, &[usize]),
    ) -> Result<Recorded, Error> {
        self.record_deleted(fetched, table, || self.sql(fetched).each_at(table, keys, rows)).await
    }

    /// Deletes the rows with these keys, which were recorded.
    pub(super) async fn delete_at(
        self,
        fetched: &Fetched,
        (table, keys, rows): (TableId, &Keys, &[usize]),
        recorded: Recorded,
    ) -> Result<u64, Error> {
        self.write_all(self.sql(fetched).delete_rows(table, keys, rows), recorded).await
    }

    /// Deletes the rows with these keys of several tables in one statement. They were recorded; what
    /// the statement reports is the number of the last of them, so it is not compared.
    pub(super) async fn delete_at_once(
        self,
        fetched: &Fetched,
        rows: &[(TableId, &Keys, Vec<usize>)],
    ) -> Result<(), Error> {
        self.write_all(Vec::from_iter(self.sql(fetched).delete_at_once(rows)), Recorded::default()).await?;
        Ok(())
    }

    /// Sets a key to NULL or to its default in the rows that reference rows of the delete set
    /// through it.
    pub(super) async fn set_referencing(self, fetched: &Fetched, key: KeyId) -> Result<u64, Error> {
        let recorded = self.record_referencing(fetched, key).await?;
        let left = recorded.clone();
        let rows = self.write_all(self.sql(fetched).update(key), recorded).await?;
        self.record_left(fetched, key, &left).await?;
        Ok(rows)
    }

    /// The same in all rows of these sets.
    pub(super) async fn set_in(self, fetched: &Fetched, key: KeyId, rows: Vec<RowSet>) -> Result<u64, Error> {
        let recorded = self.record_changed(fetched, key, || conditions(&rows)).await?;
        let left = recorded.clone();
        let statements = rows.into_iter().map(|rows| self.sql(fetched).set_in(key, rows)).collect();
        let rows = self.write_all(statements, recorded).await?;
        self.record_left(fetched, key, &left).await?;
        Ok(rows)
    }

    /// The same in the rows with these keys.
    pub(in crate::cascade) async fn set_at(
        self,
        fetched: &Fetched,
        key: KeyId,
        (keys, rows): (&Keys, &[usize]),
    ) -> Result<u64, Error> {
        let child = self.schema.keys[key].child;
        let recorded = self.record_changed(fetched, key, || self.sql(fetched).each_at(child, keys, rows)).await?;
        let left = recorded.clone();
        let changed = self.write_all(self.sql(fetched).update_rows(key, keys, rows), recorded).await?;
        self.record_left(fetched, key, &left).await?;
        Ok(changed)
    }

    /// Sets the nullable columns of a key to NULL in all rows of these sets, so that they are in no
    /// ring any more.
    pub(super) async fn break_cycle_in(self, fetched: &Fetched, key: KeyId, rows: Vec<RowSet>) -> Result<u64, Error> {
        let columns = self.schema.keys[key].cycle_break_columns_alone(self.schema);
        let recorded = self.record_opened(fetched, (key, &columns), || conditions(&rows)).await?;
        let statements = rows.into_iter().map(|rows| self.sql(fetched).break_cycle_in(key, rows)).collect();
        self.write_all(statements, recorded).await
    }

    /// The same in the rows with these keys.
    pub(super) async fn break_cycle_at(
        self,
        fetched: &Fetched,
        key: KeyId,
        (keys, rows): (&Keys, &[usize]),
    ) -> Result<u64, Error> {
        let child = self.schema.keys[key].child;
        let columns = self.schema.keys[key].cycle_break_columns(self.schema);
        let at = || self.sql(fetched).each_at(child, keys, rows);
        let recorded = self.record_opened(fetched, (key, &columns), at).await?;
        self.write_all(self.sql(fetched).break_cycle(key, keys, rows), recorded).await
    }

    /// Sends a statement that writes a record, or brings recorded rows and keys back.
    pub(in crate::cascade) async fn write_record<S: StatementBuilder>(self, statement: &S) -> Result<u64, Error> {
        Ok(self.session.execute(statement).await?.rows_affected())
    }

    async fn write_all<S: StatementBuilder>(self, statements: Vec<S>, recorded: Recorded) -> Result<u64, Error> {
        let mut rows = 0;
        for statement in &statements {
            rows += self.session.execute(statement).await?.rows_affected();
        }
        self.check_recorded(&recorded, rows).await?;
        Ok(rows)
    }
}

fn conditions(rows: &[RowSet]) -> Vec<Expr> {
    rows.iter().map(|rows| rows.condition().clone()).collect()
}
