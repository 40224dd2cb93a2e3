//! Does the steps of a plan, children first.
//!
//! I/O: this is where rows are changed and deleted. What is in the way has been looked for by now (`run`).

use std::collections::BTreeSet;

use sea_orm::{DbErr, StatementBuilder};

use super::dialect::Dialect;
use super::error::{Error, ErrorKind, RingRow, driver};
use super::gather::{Page, Pages};
use super::graph::{KeyId, TableId};
use super::key::{Index, Keys};
use super::known::{Cycle, Known};
use super::outcome::Outcome;
use super::plan::{ComponentId, Step};
use super::run::Run;
use super::sql::{DeferForeignKeys, Deletes, PAGE};
use super::waves::{Edge, Wave, around, open_loops, waves};

impl Run<'_> {
    /// Does the steps of the plan, children first.
    pub(crate) async fn write(self, known: &Known) -> Result<Outcome, Error> {
        let mut outcome = Outcome::new(self.schema, self.plan);
        if known.roots == 0 {
            return Ok(outcome);
        }
        for &step in &self.plan.steps {
            match step {
                Step::DeleteBy(key) => {
                    let rows = self.delete_by(known, key).await?;
                    let child = self.schema.keys[key].child;
                    outcome.add_deleted(&self.schema.tables[child].label, rows);
                }
                Step::Update(key) => {
                    let rows = self.execute_all(self.sql(known).update(key)).await?;
                    outcome.add_updated(&self.schema.keys[key].label, rows);
                }
                Step::UpdateKept(key) => {
                    let rows = self.update_kept(known, key).await?;
                    outcome.add_updated(&self.schema.keys[key].label, rows);
                }
                Step::DeleteRoots => {
                    let root = self.plan.root;
                    let Some(keys) = known.get(root) else { continue };
                    let rows = self.delete_rows(known, root, keys).await?;
                    outcome.add_deleted(&self.schema.tables[root].label, rows);
                }
                Step::DeleteCycle(component) => {
                    self.delete_cycle(known, component).await?;
                    for &table in &self.plan.components[component].tables {
                        // By the keys: the database's own cascade may have gone round a ring.
                        let rows = known.get(table).map_or(0, Keys::len);
                        outcome.add_deleted(&self.schema.tables[table].label, rows as u64);
                    }
                }
            }
        }
        Ok(outcome)
    }

    async fn delete_by(self, known: &Known, key: KeyId) -> Result<u64, Error> {
        match self.sql(known).delete_by(key) {
            Deletes::At(statements) => self.execute_all(statements).await,
            Deletes::InPages(rows) => {
                let child = self.schema.keys[key].child;
                let mut deleted = 0;
                let mut pages = Pages::new(self, child, rows, true).of_at_most(PAGE);
                while let Some(Page { keys, .. }) = pages.next(known).await? {
                    deleted += self.delete_rows(known, child, &keys).await?;
                }
                Ok(deleted)
            }
        }
    }

    async fn delete_rows(self, known: &Known, table: TableId, keys: &Keys) -> Result<u64, Error> {
        let rows: Vec<usize> = (0..keys.len()).collect();
        self.execute_all(self.sql(known).delete_rows(table, keys, &rows)).await
    }

    /// R4: changes the rows that refer to doomed ones by this key within a cycle and are not doomed.
    async fn update_kept(self, known: &Known, key: KeyId) -> Result<u64, Error> {
        let child = self.schema.keys[key].child;
        let primary_key = &self.schema.tables[child].primary_key;
        let Some(doomed) = known.get(child) else { return Ok(0) };
        let index = Index::new(doomed, primary_key);
        let mut updated = 0;
        for rows in self.sql(known).referring(key) {
            let mut pages = Pages::new(self, child, rows, true);
            while let Some(Page { keys, .. }) = pages.next(known).await? {
                let values = keys.of(primary_key);
                let is_kept = |row: &usize| index.find(doomed, &values, *row).is_none();
                let kept: Vec<usize> = (0..keys.len()).filter(is_kept).collect();
                if !kept.is_empty() {
                    updated += self.execute_all(self.sql(known).update_rows(key, &keys, &kept)).await?;
                }
            }
        }
        Ok(updated)
    }

    /// R4: deletes the rows of a cycle's tables in waves.
    async fn delete_cycle(self, known: &Known, component: ComponentId) -> Result<(), Error> {
        let Some(cycle) = known.cycle(component) else { return Ok(()) };
        let mut in_order = waves(cycle.rows.len(), &cycle.edges, |key| self.can_be_null(key));
        if self.dialect == Dialect::MySql {
            in_order.splice(0..0, open_loops(&cycle.edges, |key| self.can_be_null(key)));
        }
        for wave in in_order {
            match wave {
                Wave::Delete(rows) => {
                    let deleted = self.delete_wave(known, &known.by_table(cycle, &rows)).await;
                    deleted.map_err(|error| {
                        let loops = cycle.edges.iter().filter(|edge| edge.is_loop() && !self.can_be_null(edge.key));
                        let loops: BTreeSet<usize> = loops.map(|edge| edge.child).collect();
                        let rings: Vec<_> =
                            rows.iter().filter(|row| loops.contains(row)).map(|&row| vec![row]).collect();
                        self.in_ring(known, cycle, &rings, error)
                    })?;
                }
                Wave::Open(key, rows) => {
                    for (_, keys, rows) in known.by_table(cycle, &rows) {
                        self.execute_all(self.sql(known).open_rows(key, keys, &rows)).await?;
                    }
                }
                Wave::DeleteRings(rings) => {
                    let deleted = self.delete_rings(known, &known.by_table(cycle, &rings.concat())).await;
                    deleted.map_err(|error| self.in_ring(known, cycle, &rings, error))?;
                }
            }
        }
        Ok(())
    }

    fn is_by_ring(self, cycle: &Cycle, ring: &[usize], error: &DbErr) -> bool {
        let mut tables = ring.iter().map(|&row| &self.schema.tables[cycle.rows[row].0].name.1);
        self.dialect == Dialect::MySql && tables.any(|table| driver::is_referred_to_by(error, &table.to_string()))
    }

    fn can_be_null(self, key: KeyId) -> bool {
        !self.schema.keys[key].columns_to_open(self.schema).is_empty()
    }

    async fn delete_wave(self, known: &Known, rows: &[(TableId, &Keys, Vec<usize>)]) -> Result<(), Error> {
        for (table, keys, rows) in rows {
            self.execute_all(self.sql(known).delete_rows(*table, keys, rows)).await?;
        }
        Ok(())
    }

    /// Deletes rings whose keys cannot be NULL, in the way in which the database checks constraints after all of it.
    async fn delete_rings(self, known: &Known, rows: &[(TableId, &Keys, Vec<usize>)]) -> Result<(), Error> {
        match self.dialect {
            Dialect::Postgres => {
                let at_once = self.sql(known).delete_at_once(rows);
                self.execute_all(Vec::from_iter(at_once)).await?;
            }
            Dialect::Sqlite | Dialect::MySql => {
                if self.dialect == Dialect::Sqlite && rows.len() > 1 {
                    self.session.execute(&DeferForeignKeys).await?;
                }
                self.delete_wave(known, rows).await?;
            }
        }
        Ok(())
    }

    /// R7: says which ring it was that the database would not delete, if it was a ring: InnoDB names a table of it as the
    /// one that still refers, or the database's own cascade went round it and gave up.
    fn in_ring(self, known: &Known, cycle: &Cycle, rings: &[Vec<usize>], error: Error) -> Error {
        let (source, ring) = match (error.into_kind(), rings.first()) {
            (ErrorKind::StillReferenced(source), Some(ring)) if self.is_by_ring(cycle, ring, &source) => (source, ring),
            (ErrorKind::Database(source), Some(ring)) if driver::is_too_deep(&source) => (source, ring),
            (kind, _) => return kind.into(),
        };
        let row = |(row, key): (usize, KeyId)| {
            let (table, row) = cycle.rows[row];
            let primary_key = self.schema.tables[table].primary_key.len();
            RingRow {
                table: self.schema.tables[table].label.clone(),
                key: known.get(table).map(|keys| keys.sample_of(row, primary_key)).unwrap_or_default(),
                foreign_key: self.schema.keys[key].label.clone(),
            }
        };
        let stuck: Vec<Edge> = cycle.edges.iter().copied().filter(|edge| !self.can_be_null(edge.key)).collect();
        let rows = around(ring, &stuck).into_iter().map(row).collect();
        ErrorKind::Ring { backend: self.dialect.name(), rows, source }.into()
    }

    async fn execute_all<S: StatementBuilder>(self, statements: Vec<S>) -> Result<u64, Error> {
        let mut rows = 0;
        for statement in &statements {
            rows += self.session.execute(statement).await?;
        }
        Ok(rows)
    }
}
