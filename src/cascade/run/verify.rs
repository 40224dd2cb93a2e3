//! Checks that rows were deleted and changed, where something may keep them.
//!
//! I/O: it reads.

use std::sync::atomic::Ordering;

use sea_orm::sea_query::{Expr, Query};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::Keys;
use crate::cascade::db::execution::{Execution, Transaction};
use crate::cascade::db::session::CatalogQuery;
use crate::cascade::declare::schema::{KeyId, TableId};
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::find::preview::check;
use crate::cascade::plan::count::Count;
use crate::cascade::plan::fetched::Fetched;

impl Execution<'_> {
    /// Checks that nothing references rows of these tables any more before they are deleted. Rows
    /// may still reference them: rows that a trigger or the like has kept or added, and rows that
    /// lost the key that doomed them while the delete waited for their lock, and reference through
    /// another key that forbids it.
    pub(crate) async fn check_unreferenced(self, fetched: &Fetched, tables: &[TableId]) -> Result<(), Error> {
        let counts = self.sql(fetched).may_still_reference(tables, fetched.catalog.may_keep_rows);
        for (count, rows) in self.counted(fetched, counts, None).await? {
            let (Count::Referencing(key) | Count::ReferencingSurvivors(key)) = count else { continue };
            if rows > 0 {
                let seen = self.look_again(fetched).await?;
                check(&seen, None, None)?;
                self.check_kept(self.schema.keys[key].child, Some(key), None, rows)?;
            }
        }
        Ok(())
    }

    /// Checks that no trigger has added rows that reference deleted rows of these tables, whose
    /// keys were fetched.
    pub(crate) async fn check_nothing_added(self, fetched: &Fetched, tables: &[TableId]) -> Result<(), Error> {
        if !fetched.catalog.may_keep_rows {
            return Ok(());
        }
        let keys =
            tables.iter().filter(|&&table| fetched.get(table).is_some()).flat_map(|&table| self.schema.keys_to(table));
        for key in keys {
            // By the fetched keys, because the rows do not exist any more.
            for rows in self.sql(fetched).referencing(key) {
                let added = self.row_of(&self.sql(fetched).count_of(&rows), 1).await?.iter().sum();
                self.check_kept(self.schema.keys[key].child, Some(key), None, added)?;
            }
        }
        Ok(())
    }

    /// Checks that rows which were deleted by key do not exist any more, if the database reported
    /// fewer. Another statement may have deleted them with other rows.
    pub(crate) async fn check_gone(
        self,
        fetched: &Fetched,
        (table, keys, rows): (TableId, &Keys, &[usize]),
    ) -> Result<(), Error> {
        let mut stayed = 0;
        for select in self.sql(fetched).count_at(table, keys, rows) {
            stayed += self.row_of(&select, 1).await?.iter().sum::<u64>();
        }
        self.check_kept(table, None, Some(rows.len() as u64), stayed)
    }

    /// Checks that all rows to delete or change were deleted or changed.
    pub(crate) fn check_kept(
        self,
        table: TableId,
        key: Option<KeyId>,
        rows: Option<u64>,
        stayed: u64,
    ) -> Result<(), Error> {
        if stayed == 0 {
            return Ok(());
        }
        let foreign_key = key.map(|key| self.schema.keys[key].label.clone());
        let table = self.schema.tables[table].label.clone();
        Err(ErrorKind::StillThere { table, foreign_key, rows, stayed }.into())
    }

    /// PostgreSQL answers COMMIT without an error after a statement has failed, and stores nothing.
    /// A hook may have ignored such an error.
    pub(crate) async fn check_transaction(self) -> Result<(), Error> {
        if self.dialect == Dialect::Postgres && self.capture.has_hook_run.load(Ordering::Relaxed) {
            let mut nothing = Query::select();
            self.session.query(nothing.expr(Expr::cust("1"))).await?;
        }
        Ok(())
    }

    /// Where a trigger may insert rows again or add some: checks that all doomed rows are deleted
    /// and nothing references them. In our own transaction PostgreSQL runs deferred triggers before
    /// that.
    pub(super) async fn check_end(self, fetched: &Fetched) -> Result<(), Error> {
        if !fetched.catalog.may_keep_rows {
            return Ok(());
        }
        if self.dialect == Dialect::Postgres && self.transaction == Transaction::Ours {
            self.session.execute(&CatalogQuery::new("SET CONSTRAINTS ALL IMMEDIATE", Vec::new())).await?;
        }
        for &table in &self.plan.doomed {
            if let Some(keys) = fetched.get(table) {
                let all: Vec<usize> = (0..keys.len()).collect();
                self.check_gone(fetched, (table, keys, &all)).await?;
            }
        }
        self.check_nothing_added(fetched, &self.plan.doomed).await
    }
}
