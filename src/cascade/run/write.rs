//! Executes the steps of a plan, children first.
//!
//! I/O: rows are changed and deleted here. Blockers were searched before (`run`).

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sea_orm::{DbErr, QueryResult};

use crate::cascade::data::key::Keys;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::db::execution::Execution;
use crate::cascade::declare::hooks::Models;
use crate::cascade::declare::schema::{KeyId, Table, TableId};
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::find::pages::{Page, Pages};
use crate::cascade::find::walk::Walk;
use crate::cascade::plan::Step;
use crate::cascade::plan::count::Count;
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::run::record::Recorded;
use crate::cascade::sql::route::{Route, RowRoute};
use crate::cascade::sql::{PAGE, RowSet};

/// A table, fetched keys of it, and the positions of the rows among them.
type These<'a> = (TableId, &'a Keys, &'a [usize]);

impl Execution<'_> {
    /// Executes the steps of the plan, children first.
    pub(crate) async fn write(self, fetched: &Fetched) -> Result<Outcome, Error> {
        let mut outcome = self.plan.nothing_done(self.schema);
        if fetched.roots == 0 {
            return Ok(outcome);
        }
        let (mut checked, mut together) = (None, None);
        for &step in &self.plan.steps {
            // A hook may have added rows where there were none.
            let has_rows = self.has_rows(fetched, step) || self.capture.has_hook_run.load(Ordering::Relaxed);
            if !has_rows {
                continue;
            }
            let (start, before) = (Instant::now(), outcome.total());
            let going = self.plan.going(self.schema, step);
            let is_first = going.is_some() && going != checked;
            if is_first {
                self.check_unreferenced(fetched, going.as_deref().unwrap_or_default()).await?;
                checked = going;
            }
            match step {
                Step::DeleteBy(key) => {
                    let child = self.schema.keys[key].child;
                    let is_together = together == Some(child) && fetched.is_reached(self.schema, key);
                    let rows = match fetched.get(child).filter(|_| fetched.catalog.may_keep_rows) {
                        Some(keys) if is_first => {
                            let all: Vec<usize> = (0..keys.len()).collect();
                            self.delete_rows(fetched, (child, keys, &all), &mut outcome).await?
                        }
                        Some(_) => 0,
                        None if is_together => 0,
                        None => {
                            match self.sql(fetched).all_at_once(child, self.is_captured(child)).filter(|_| is_first) {
                                Some(rows) => {
                                    together = Some(child);
                                    self.delete_in(fetched, vec![rows]).await?
                                }
                                None => self.delete_by(fetched, key, &mut outcome).await?,
                            }
                        }
                    };
                    outcome.add_deleted(&self.schema.tables[child].label, rows);
                }
                Step::Update(key) => {
                    let rows = self.update(fetched, key).await?;
                    outcome.add_updated(&self.schema.keys[key].label, rows);
                }
                Step::UpdateKept(key) => {
                    let rows = self.update_kept(fetched, key).await?;
                    outcome.add_updated(&self.schema.keys[key].label, rows);
                }
                Step::DeleteRoots => outcome.add(self.delete_roots(fetched).await?),
                Step::DeleteCycle(component) => {
                    self.delete_cycle(fetched, component, &mut outcome).await?;
                    for &table in &self.plan.components[component].tables {
                        // By the keys, because the database's own cascade may have gone round a
                        // ring.
                        let rows = fetched.get(table).map_or(0, Keys::len);
                        outcome.add_deleted(&self.schema.tables[table].label, rows as u64);
                    }
                }
            }
            self.tell(step, outcome.total() - before, start.elapsed());
        }
        self.check_end(fetched).await?;
        Ok(outcome)
    }

    /// Whether a step may have rows to delete or to change.
    pub(super) fn has_rows(self, fetched: &Fetched, step: Step) -> bool {
        match step {
            Step::DeleteBy(key) => fetched.is_reached(self.schema, key),
            Step::Update(key) | Step::UpdateKept(key) => {
                fetched.known(self.schema, self.plan, Count::ReferencingSurvivors(key)) != Some(0)
            }
            Step::DeleteCycle(component) => {
                let mut tables = self.plan.components[component].tables.iter();
                tables.any(|&table| fetched.dooms(self.schema, self.plan, table))
            }
            Step::DeleteRoots => true,
        }
    }

    /// Deletes the roots, which nothing references any more.
    pub(crate) async fn delete_roots(self, fetched: &Fetched) -> Result<Outcome, Error> {
        let (root, mut outcome) = (self.plan.root, self.plan.nothing_done(self.schema));
        if let Some(keys) = fetched.get(root) {
            let all: Vec<usize> = (0..keys.len()).collect();
            let rows = self.delete_rows(fetched, (root, keys, &all), &mut outcome).await?;
            outcome.add_deleted(&self.schema.tables[root].label, rows);
        }
        self.check_nothing_added(fetched, &[root]).await?;
        Ok(outcome)
    }

    fn tell(self, step: Step, rows: u64, elapsed: Duration) {
        let (table, key) = match step {
            Step::DeleteBy(key) | Step::Update(key) | Step::UpdateKept(key) => (self.schema.keys[key].child, Some(key)),
            Step::DeleteRoots => (self.plan.root, None),
            Step::DeleteCycle(component) => (self.plan.components[component].tables[0], None),
        };
        tracing::debug!(
            name: "cascade.step",
            target: "sea_orm_cascade",
            table = self.schema.tables[table].label,
            foreign_key = key.map(|key| self.schema.keys[key].label.as_str()),
            action = key.map(|key| self.schema.keys[key].action.as_sql()),
            rows,
            elapsed_us = elapsed.as_micros(),
            "cascade.step"
        );
    }

    /// Sets a key to NULL or to its default in the rows that reference rows of the delete set.
    async fn update(self, fetched: &Fetched, key: KeyId) -> Result<u64, Error> {
        let mut updated = 0;
        match self.sql(fetched).route_of_change(key) {
            Route::Statement => updated = self.set_referencing(fetched, key).await?,
            Route::Rows(RowRoute::Pages(lists)) => {
                for rows in lists {
                    let mut pages = Pages::new(self, self.schema.keys[key].child, rows, true).of_at_most(PAGE);
                    while let Some(Page { keys, .. }) = pages.next(fetched).await? {
                        let all: Vec<usize> = (0..keys.len()).collect();
                        updated += self.set_at(fetched, key, (&keys, &all)).await?;
                    }
                }
            }
            Route::Rows(RowRoute::Walk(ways)) => {
                for way in ways {
                    let mut walk = Walk::new(self, way, PAGE);
                    while let Some(rows) = walk.next(fetched).await? {
                        updated += self.set_in(fetched, key, vec![rows]).await?;
                    }
                }
            }
        }
        Ok(updated)
    }

    async fn delete_by(self, fetched: &Fetched, key: KeyId, outcome: &mut Outcome) -> Result<u64, Error> {
        let child = self.schema.keys[key].child;
        let is_captured = self.is_captured(child);
        let mut deleted = 0;
        match self.sql(fetched).route_of_delete(key, is_captured) {
            Route::Statement => deleted = self.delete_referencing(fetched, key).await?,
            Route::Rows(RowRoute::Pages(lists)) => {
                for rows in lists {
                    deleted += self.delete_pages(fetched, child, rows, outcome).await?;
                }
            }
            Route::Rows(RowRoute::Walk(ways)) => {
                for way in ways {
                    let mut walk = Walk::new(self, way, PAGE);
                    while let Some(rows) = walk.next(fetched).await? {
                        deleted += if is_captured {
                            self.delete_pages(fetched, child, rows, outcome).await?
                        } else {
                            self.delete_in(fetched, vec![rows]).await?
                        };
                    }
                }
            }
        }
        Ok(deleted)
    }

    /// Deletes rows by reading pages of them.
    async fn delete_pages(
        self,
        fetched: &Fetched,
        table: TableId,
        rows: RowSet,
        outcome: &mut Outcome,
    ) -> Result<u64, Error> {
        let whole = self.schema.tables[table].hooks.as_ref().map(|hooks| hooks.select());
        let mut pages = Pages::new(self, table, rows, true).of_at_most(PAGE).of_whole_rows(whole);
        let mut deleted = 0;
        while let Some(Page { keys, rows, .. }) = pages.next(fetched).await? {
            deleted += self.delete_page(fetched, table, &keys, rows, outcome).await?;
        }
        Ok(deleted)
    }

    /// Deletes these rows of a table by key; captured rows page by page.
    pub(super) async fn delete_rows(
        self,
        fetched: &Fetched,
        (table, keys, rows): These<'_>,
        outcome: &mut Outcome,
    ) -> Result<u64, Error> {
        if !self.is_captured(table) {
            let recorded = self.record_at(fetched, (table, keys, rows)).await?;
            return self.delete_by_keys(fetched, (table, keys, rows), recorded).await;
        }
        let mut deleted = 0;
        for rows in rows.chunks(PAGE) {
            let whole = self.whole(fetched, (table, keys, rows)).await?;
            deleted += self.delete_page(fetched, table, &keys.copied(rows), whole, outcome).await?;
        }
        Ok(deleted)
    }

    /// Deletes rows that were read, with their hooks: all `before_delete`, the DELETE, all
    /// `after_delete`.
    async fn delete_page(
        self,
        fetched: &Fetched,
        table: TableId,
        keys: &Keys,
        whole: Vec<QueryResult>,
        outcome: &mut Outcome,
    ) -> Result<u64, Error> {
        let all: Vec<usize> = (0..keys.len()).collect();
        let recorded = self.record_at(fetched, (table, keys, &all)).await?;
        let models = self.before(table, whole).await?;
        let deleted = self.delete_by_keys(fetched, (table, keys, &all), recorded).await?;
        self.after(table, models).await?;
        self.add_keys((table, keys, &all), outcome);
        Ok(deleted)
    }

    /// Deletes rows by key. If the database reports fewer rows, the missing ones are searched; if a
    /// trigger may insert rows again, or a rule may change the row count, all are. They may have
    /// been deleted with their children by a trigger, or with other rows by the database's own
    /// cascade; but a trigger may have kept them.
    async fn delete_by_keys(
        self,
        fetched: &Fetched,
        (table, keys, rows): These<'_>,
        recorded: Recorded,
    ) -> Result<u64, Error> {
        let deleted = self.delete_at(fetched, (table, keys, rows), recorded).await?;
        if deleted < rows.len() as u64 || fetched.catalog.may_keep_rows {
            self.check_gone(fetched, (table, keys, rows)).await?;
        }
        Ok(rows.len() as u64)
    }

    /// Reads these rows as their entity reads them, if its hooks need them.
    pub(super) async fn whole(
        self,
        fetched: &Fetched,
        (table, keys, rows): These<'_>,
    ) -> Result<Vec<QueryResult>, Error> {
        let Some(hooks) = &self.schema.tables[table].hooks else { return Ok(Vec::new()) };
        let mut whole = Vec::with_capacity(rows.len());
        for select in self.sql(fetched).whole(&hooks.select(), table, keys, rows) {
            whole.extend(self.session.query(&select).await?);
        }
        Ok(whole)
    }

    /// Runs `before_delete` of these rows, if their entity has hooks.
    pub(super) async fn before(self, table: TableId, whole: Vec<QueryResult>) -> Result<Option<Models>, Error> {
        let Some(hooks) = self.schema.tables[table].hooks.as_ref().filter(|_| !whole.is_empty()) else {
            return Ok(None);
        };
        self.capture.has_hook_run.store(true, Ordering::Relaxed);
        let models = hooks.before(whole, self.session).await;
        Ok(Some(models.map_err(|source| self.veto(table, source))?))
    }

    /// Runs `after_delete` of deleted rows.
    pub(super) async fn after(self, table: TableId, models: Option<Models>) -> Result<(), Error> {
        let (Some(hooks), Some(models)) = (&self.schema.tables[table].hooks, models) else { return Ok(()) };
        hooks.after(models, self.session).await.map_err(|source| self.veto(table, source))
    }

    fn veto(self, table: TableId, source: DbErr) -> Error {
        ErrorKind::Vetoed { table: self.schema.tables[table].label.clone(), source }.into()
    }

    pub(super) fn add_keys(self, (table, keys, rows): These<'_>, outcome: &mut Outcome) {
        if self.capture.keys_of.contains(&table) {
            let Table { label, primary_key, .. } = &self.schema.tables[table];
            // A row's identity begins with its primary key.
            outcome.add_keys(label, rows.iter().map(|&row| keys.sample_of(row, primary_key.len())));
        }
    }
}
