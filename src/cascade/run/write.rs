//! Does the steps of a plan, children first.
//!
//! I/O: this is where rows are changed and deleted. What is in the way has been looked for by now (`run`).

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sea_orm::{DbErr, QueryResult};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::Keys;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::db::execution::Run;
use crate::cascade::declare::hooks::Models;
use crate::cascade::declare::schema::{KeyId, Table, TableId};
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::find::pages::{Page, Pages};
use crate::cascade::find::walk::Walk;
use crate::cascade::plan::Step;
use crate::cascade::plan::fetched::Known;
use crate::cascade::sql::{PAGE, Rows};

/// A table, keys of it, and the rows of them that are meant.
type These<'a> = (TableId, &'a Keys, &'a [usize]);

impl Run<'_> {
    /// Does the steps of the plan, children first.
    pub(crate) async fn write(self, known: &Known) -> Result<Outcome, Error> {
        let mut outcome = self.plan.nothing_done(self.schema);
        if known.roots == 0 {
            return Ok(outcome);
        }
        let mut checked = None;
        for &step in &self.plan.steps {
            let (start, before) = (Instant::now(), outcome.total());
            let going = self.plan.going(self.schema, step);
            let is_first = going.is_some() && going != checked;
            if is_first {
                self.check_unreferenced(known, going.as_deref().unwrap_or_default()).await?;
                checked = going;
            }
            match step {
                Step::DeleteBy(key) => {
                    let child = self.schema.keys[key].child;
                    let rows = match known.get(child).filter(|_| known.catalog.may_keep_rows) {
                        Some(keys) if is_first => {
                            let all: Vec<usize> = (0..keys.len()).collect();
                            self.delete_rows(known, (child, keys, &all), &mut outcome).await?
                        }
                        Some(_) => 0,
                        None => self.delete_by(known, key, &mut outcome).await?,
                    };
                    outcome.add_deleted(&self.schema.tables[child].label, rows);
                }
                Step::Update(key) => {
                    let rows = self.update(known, key).await?;
                    outcome.add_updated(&self.schema.keys[key].label, rows);
                }
                Step::UpdateKept(key) => {
                    let rows = self.update_kept(known, key).await?;
                    outcome.add_updated(&self.schema.keys[key].label, rows);
                }
                Step::DeleteRoots => outcome.add(self.delete_roots(known).await?),
                Step::DeleteCycle(component) => {
                    self.delete_cycle(known, component, &mut outcome).await?;
                    for &table in &self.plan.components[component].tables {
                        // By the keys: the database's own cascade may have gone round a ring.
                        let rows = known.get(table).map_or(0, Keys::len);
                        outcome.add_deleted(&self.schema.tables[table].label, rows as u64);
                    }
                }
            }
            self.tell(step, outcome.total() - before, start.elapsed());
        }
        self.check_end(known).await?;
        Ok(outcome)
    }

    /// The rows asked for, to which nobody refers any more.
    pub(crate) async fn delete_roots(self, known: &Known) -> Result<Outcome, Error> {
        let (root, mut outcome) = (self.plan.root, self.plan.nothing_done(self.schema));
        if let Some(keys) = known.get(root) {
            let all: Vec<usize> = (0..keys.len()).collect();
            let rows = self.delete_rows(known, (root, keys, &all), &mut outcome).await?;
            outcome.add_deleted(&self.schema.tables[root].label, rows);
        }
        self.check_nothing_added(known, &[root]).await?;
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
            "did a step"
        );
    }

    /// Sets a key to NULL or to its default in the rows that refer to doomed ones.
    async fn update(self, known: &Known, key: KeyId) -> Result<u64, Error> {
        let is_joined = self.dialect == Dialect::MySql && known.get(self.schema.keys[key].parent).is_none();
        if !is_joined || !known.catalog.may_keep_rows {
            return self.execute_all(self.sql(known).update(key)).await;
        }
        // A trigger of the child may change the parent only if the statement does not read the parent (1442).
        let mut updated = 0;
        let Some(ways) = self.sql(known).ways_to(key) else {
            for rows in self.sql(known).referring(key) {
                let mut pages = Pages::new(self, self.schema.keys[key].child, rows, true).of_at_most(PAGE);
                while let Some(Page { keys, .. }) = pages.next(known).await? {
                    let all: Vec<usize> = (0..keys.len()).collect();
                    updated += self.execute_all(self.sql(known).update_rows(key, &keys, &all)).await?;
                }
            }
            return Ok(updated);
        };
        for way in ways {
            let mut walk = Walk::new(self, way, PAGE);
            while let Some(rows) = walk.next(known).await? {
                updated += self.execute_all(vec![self.sql(known).set_in(key, rows)]).await?;
            }
        }
        Ok(updated)
    }

    async fn delete_by(self, known: &Known, key: KeyId, outcome: &mut Outcome) -> Result<u64, Error> {
        let child = self.schema.keys[key].child;
        let is_watched = self.is_watched(child);
        if !is_watched && self.sql(known).can_delete_by(key) {
            return self.execute_all(self.sql(known).delete_by(key)).await;
        }
        let mut deleted = 0;
        let Some(ways) = self.sql(known).ways_to(key) else {
            for rows in self.sql(known).referring(key) {
                deleted += self.delete_pages(known, child, rows, outcome).await?;
            }
            return Ok(deleted);
        };
        for way in ways {
            let mut walk = Walk::new(self, way, PAGE);
            while let Some(rows) = walk.next(known).await? {
                deleted += if is_watched {
                    self.delete_pages(known, child, rows, outcome).await?
                } else {
                    self.execute_all(vec![self.sql(known).delete(rows)]).await?
                };
            }
        }
        Ok(deleted)
    }

    /// Deletes rows by reading pages of them.
    async fn delete_pages(
        self,
        known: &Known,
        table: TableId,
        rows: Rows,
        outcome: &mut Outcome,
    ) -> Result<u64, Error> {
        let whole = self.schema.tables[table].hooks.as_ref().map(|hooks| hooks.select());
        let mut pages = Pages::new(self, table, rows, true).of_at_most(PAGE).of_whole_rows(whole);
        let mut deleted = 0;
        while let Some(Page { keys, rows, .. }) = pages.next(known).await? {
            deleted += self.delete_page(known, table, &keys, rows, outcome).await?;
        }
        Ok(deleted)
    }

    /// Deletes these rows of a table by key; those that are watched page by page.
    pub(super) async fn delete_rows(
        self,
        known: &Known,
        (table, keys, rows): These<'_>,
        outcome: &mut Outcome,
    ) -> Result<u64, Error> {
        if !self.is_watched(table) {
            return self.delete_known(known, (table, keys, rows)).await;
        }
        let mut deleted = 0;
        for rows in rows.chunks(PAGE) {
            let whole = self.whole(known, (table, keys, rows)).await?;
            deleted += self.delete_page(known, table, &keys.copied(rows), whole, outcome).await?;
        }
        Ok(deleted)
    }

    /// Deletes rows that were read, with their hooks around: all before, the DELETE, all after.
    async fn delete_page(
        self,
        known: &Known,
        table: TableId,
        keys: &Keys,
        whole: Vec<QueryResult>,
        outcome: &mut Outcome,
    ) -> Result<u64, Error> {
        let all: Vec<usize> = (0..keys.len()).collect();
        let models = self.before(table, whole).await?;
        let deleted = self.delete_known(known, (table, keys, &all)).await?;
        self.after(table, models).await?;
        self.add_keys((table, keys, &all), outcome);
        Ok(deleted)
    }

    /// Deletes rows by key, as many as there are: where fewer are reported, the others are asked for; and where a trigger may
    /// put rows back, or a rule have others counted, all of them. They may have gone with
    /// their children, by a trigger, or with others, by the database's own cascade; but a trigger may have kept them.
    async fn delete_known(self, known: &Known, (table, keys, rows): These<'_>) -> Result<u64, Error> {
        let deleted = self.execute_all(self.sql(known).delete_rows(table, keys, rows)).await?;
        if deleted < rows.len() as u64 || known.catalog.may_keep_rows {
            self.check_gone(known, (table, keys, rows)).await?;
        }
        Ok(rows.len() as u64)
    }

    /// These rows as their entity reads them, if its hooks want to see them.
    pub(super) async fn whole(self, known: &Known, (table, keys, rows): These<'_>) -> Result<Vec<QueryResult>, Error> {
        let Some(hooks) = &self.schema.tables[table].hooks else { return Ok(Vec::new()) };
        let mut whole = Vec::with_capacity(rows.len());
        for select in self.sql(known).whole(&hooks.select(), table, keys, rows) {
            whole.extend(self.session.query(&select).await?);
        }
        Ok(whole)
    }

    /// Runs `before_delete` of these rows, if they have it.
    pub(super) async fn before(self, table: TableId, whole: Vec<QueryResult>) -> Result<Option<Models>, Error> {
        let Some(hooks) = self.schema.tables[table].hooks.as_ref().filter(|_| !whole.is_empty()) else {
            return Ok(None);
        };
        self.watch.has_hook_run.store(true, Ordering::Relaxed);
        let models = hooks.before(whole, self.session).await;
        Ok(Some(models.map_err(|source| self.veto(table, source))?))
    }

    /// Runs `after_delete` of rows that are gone.
    pub(super) async fn after(self, table: TableId, models: Option<Models>) -> Result<(), Error> {
        let (Some(hooks), Some(models)) = (&self.schema.tables[table].hooks, models) else { return Ok(()) };
        hooks.after(models, self.session).await.map_err(|source| self.veto(table, source))
    }

    fn veto(self, table: TableId, source: DbErr) -> Error {
        ErrorKind::Vetoed { table: self.schema.tables[table].label.clone(), source }.into()
    }

    pub(super) fn add_keys(self, (table, keys, rows): These<'_>, outcome: &mut Outcome) {
        if self.watch.keys_of.contains(&table) {
            let Table { label, primary_key, .. } = &self.schema.tables[table];
            // The primary key is what a row's identity begins with.
            outcome.add_keys(label, rows.iter().map(|&row| keys.sample_of(row, primary_key.len())));
        }
    }
}
