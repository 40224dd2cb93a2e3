//! The write layer: the only place that sends a DELETE or an UPDATE.
//!
//! I/O. The other files of this folder decide which rows are deleted or changed, and in which
//! order.

use sea_orm::StatementBuilder;

use crate::cascade::data::key::Keys;
use crate::cascade::db::execution::Execution;
use crate::cascade::declare::schema::{KeyId, TableId};
use crate::cascade::error::Error;
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::sql::RowSet;

impl Execution<'_> {
    /// Deletes the rows that reference rows of the delete set through this key.
    pub(super) async fn delete_referencing(self, fetched: &Fetched, key: KeyId) -> Result<u64, Error> {
        self.write_all(self.sql(fetched).delete_by(key)).await
    }

    /// Deletes all rows of these sets.
    pub(super) async fn delete_in(self, fetched: &Fetched, rows: Vec<RowSet>) -> Result<u64, Error> {
        self.write_all(rows.into_iter().map(|rows| self.sql(fetched).delete(rows)).collect()).await
    }

    /// Deletes the rows with these keys.
    pub(super) async fn delete_at(
        self,
        fetched: &Fetched,
        (table, keys, rows): (TableId, &Keys, &[usize]),
    ) -> Result<u64, Error> {
        self.write_all(self.sql(fetched).delete_rows(table, keys, rows)).await
    }

    /// Deletes the rows with these keys of several tables in one statement.
    pub(super) async fn delete_at_once(
        self,
        fetched: &Fetched,
        rows: &[(TableId, &Keys, Vec<usize>)],
    ) -> Result<(), Error> {
        self.write_all(Vec::from_iter(self.sql(fetched).delete_at_once(rows))).await?;
        Ok(())
    }

    /// Sets a key to NULL or to its default in the rows that reference rows of the delete set
    /// through it.
    pub(super) async fn set_referencing(self, fetched: &Fetched, key: KeyId) -> Result<u64, Error> {
        self.write_all(self.sql(fetched).update(key)).await
    }

    /// The same in all rows of these sets.
    pub(super) async fn set_in(self, fetched: &Fetched, key: KeyId, rows: Vec<RowSet>) -> Result<u64, Error> {
        self.write_all(rows.into_iter().map(|rows| self.sql(fetched).set_in(key, rows)).collect()).await
    }

    /// The same in the rows with these keys.
    pub(in crate::cascade) async fn set_at(
        self,
        fetched: &Fetched,
        key: KeyId,
        (keys, rows): (&Keys, &[usize]),
    ) -> Result<u64, Error> {
        self.write_all(self.sql(fetched).update_rows(key, keys, rows)).await
    }

    /// Sets the nullable columns of a key to NULL in all rows of these sets, so that they are in no
    /// ring any more.
    pub(super) async fn break_cycle_in(self, fetched: &Fetched, key: KeyId, rows: Vec<RowSet>) -> Result<u64, Error> {
        self.write_all(rows.into_iter().map(|rows| self.sql(fetched).break_cycle_in(key, rows)).collect()).await
    }

    /// The same in the rows with these keys.
    pub(super) async fn break_cycle_at(
        self,
        fetched: &Fetched,
        key: KeyId,
        (keys, rows): (&Keys, &[usize]),
    ) -> Result<u64, Error> {
        self.write_all(self.sql(fetched).break_cycle(key, keys, rows)).await
    }

    async fn write_all<S: StatementBuilder>(self, statements: Vec<S>) -> Result<u64, Error> {
        let mut rows = 0;
        for statement in &statements {
            rows += self.session.execute(statement).await?.rows_affected();
        }
        Ok(rows)
    }
}
