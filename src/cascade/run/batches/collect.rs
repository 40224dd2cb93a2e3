//! Collects the rows of the next batches.
//!
//! I/O: it reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use sea_orm::sea_query::{Expr, ExprTrait as _};

use crate::cascade::data::index::Index;
use crate::cascade::data::key::Keys;
use crate::cascade::db::session::Connection;
use crate::cascade::declare::schema::{KeyId, TableId};
use crate::cascade::error::Error;
use crate::cascade::find::pages::{Page, Pages};
use crate::cascade::find::walk::Walk;
use crate::cascade::plan::ComponentId;
use crate::cascade::plan::fetched::Cycle;
use crate::cascade::plan::waves::{CycleBreak, Edge, Wave, waves};
use crate::cascade::run::batches::{BatchItem, BatchOp, BatchRows, BatchRun, End, KEYS_READ};
use crate::cascade::sql::RowSet;
use crate::cascade::sql::route::RowRoute;

impl<C: Connection> BatchRun<'_, C> {
    /// Collects the rows that reference doomed rows through this key.
    pub(super) async fn by(&mut self, key: KeyId, op: BatchOp) -> Result<(), End> {
        let (execution, fetched) = (self.execution, self.fetched);
        match execution.sql(fetched).route_by_rows(key) {
            RowRoute::Pages(lists) => {
                let Some(still) = execution.sql(fetched).refers_alone(key) else { return Ok(()) };
                for rows in lists {
                    self.paged(key, op, rows, &still).await?;
                }
            }
            RowRoute::Walk(ways) => {
                for way in ways {
                    let mut walk = Walk::new(execution, way, KEYS_READ);
                    while let Some(rows) = walk.next(fetched).await? {
                        self.parents = Arc::new(walk.parents(fetched));
                        if self.is_apart(key, op) {
                            self.key_ranges(op, &rows).await?;
                        } else {
                            let still = rows.condition().clone();
                            self.paged(key, op, rows, &still).await?;
                        }
                        self.parents = Arc::default();
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether these rows can be deleted or changed without reading them: nothing references them,
    /// nothing captures them, and no other rule applies to any of them.
    fn is_apart(&self, key: KeyId, op: BatchOp) -> bool {
        match op {
            BatchOp::Delete(table) => self.is_leaf(table),
            BatchOp::Update(_) | BatchOp::BreakCycle(_) => !self.execution.plan.is_within_cycle(key),
        }
    }

    /// Collects rows by ranges in key order, so that no key leaves the database.
    async fn key_ranges(&mut self, op: BatchOp, rows: &RowSet) -> Result<(), End> {
        let (execution, fetched, table) = (self.execution, self.fetched, self.table_of(op));
        let mut after: Option<Keys> = None;
        loop {
            let room = self.limits.rows_max - self.ready();
            let end = execution
                .session
                .query(&execution.sql(fetched).end_of(rows, after.as_ref(), room))
                .await
                .map_err(Error::from)?;
            let (until, len) = if end.is_empty() {
                (None, self.rows_left(rows, after.as_ref()).await?)
            } else {
                let mut until = execution.keys_of(table, &execution.schema.tables[table].identity)?;
                until.read(&end).map_err(Error::from)?;
                (Some(until), room)
            };
            if len > 0 {
                let range = BatchRows::KeyRange { rows: rows.clone(), after: after.clone(), until: until.clone() };
                self.ready.push(BatchItem { op, rows: range, len, parents: self.parents.clone(), is_whole: false });
            }
            if self.ready() >= self.limits.rows_max {
                self.flush().await?;
            }
            if until.is_none() {
                return Ok(());
            }
            after = until;
        }
    }

    async fn rows_left(&self, rows: &RowSet, after: Option<&Keys>) -> Result<usize, Error> {
        let counted = self.execution.row_of(&self.execution.sql(self.fetched).count_after(rows, after), 1).await?;
        Ok(usize::try_from(counted.iter().sum::<u64>()).unwrap_or(usize::MAX))
    }

    /// Collects rows by their keys.
    async fn paged(&mut self, key: KeyId, op: BatchOp, rows: RowSet, still: &Expr) -> Result<(), End> {
        let (execution, child) = (self.execution, self.execution.schema.keys[key].child);
        let mut pages = Pages::new(execution, child, rows, false).of_at_most(Ord::max(self.limits.rows_max, KEYS_READ));
        while let Some(Page { keys, .. }) = pages.next(self.fetched).await? {
            self.kept_by(key, op, &keys, still.clone()).await?;
        }
        Ok(())
    }

    /// Takes rows into the next batch. Of rows that change within a cycle, it takes only those that
    /// are not doomed (R4).
    async fn kept_by(&mut self, key: KeyId, op: BatchOp, keys: &Keys, still: Expr) -> Result<(), End> {
        let (execution, child) = (self.execution, self.execution.schema.keys[key].child);
        match self.fetched.get(child) {
            Some(doomed) if op == BatchOp::Update(key) && execution.plan.is_within_cycle(key) => {
                let primary_key = &execution.schema.tables[child].primary_key;
                let (index, values) = (Index::new(doomed, primary_key), keys.of(primary_key));
                let is_kept = |row: &usize| index.find(doomed, &values, *row).is_none();
                let kept: Vec<usize> = (0..keys.len()).filter(is_kept).collect();
                self.take(op, &keys.copied(&kept), Some(still)).await
            }
            _ => self.take(op, keys, Some(still)).await,
        }
    }

    /// Collects the rows of a cycle's tables in waves; `false` if a ring remains that only one
    /// transaction can delete.
    pub(super) async fn cycle(&mut self, component: ComponentId) -> Result<bool, End> {
        let (execution, fetched) = (self.execution, self.fetched);
        let Some(cycle) = fetched.cycle(component) else { return Ok(true) };
        let refers = References::new(cycle);
        let mut gone = 0;
        let mut together: Vec<usize> = Vec::new();
        let can_be_opened =
            |key: KeyId| !execution.schema.keys[key].cycle_break_columns_alone(execution.schema).is_empty();
        for wave in waves(cycle.rows.len(), &cycle.edges, CycleBreak::Reachable, can_be_opened) {
            match wave {
                Wave::Delete(rows) => {
                    gone += rows.len();
                    for row in rows {
                        // One table at a time, with as many of its levels as fit.
                        let is_other = together.first().is_some_and(|&first| cycle.rows[first].0 != cycle.rows[row].0);
                        if is_other || together.len() == self.limits.rows_max {
                            self.take_fetched(cycle, &refers, &std::mem::take(&mut together)).await?;
                        }
                        together.push(row);
                    }
                }
                Wave::BreakCycle(key, rows) => {
                    self.take_fetched(cycle, &refers, &std::mem::take(&mut together)).await?;
                    for rows in rows.chunks(self.limits.rows_max) {
                        let edges = rows.iter().flat_map(|&row| refers.of(row)).filter(|edge| edge.key == key);
                        let parents: Vec<usize> = edges.map(|edge| cycle.rows[edge.parent].1).collect();
                        for (table, keys, rows_of_keys) in fetched.by_table(cycle, rows) {
                            // It references a doomed row through this key, and is doomed through
                            // another.
                            let by_another = self.reasons(cycle, &refers, (table, rows, &rows_of_keys), Some(key));
                            let still = execution.sql(fetched).refers_to(key, &parents);
                            let still = still.zip(by_another).map(|(refers, doomed)| refers.and(doomed));
                            self.take(BatchOp::BreakCycle(key), &keys.copied(&rows_of_keys), still).await?;
                        }
                    }
                }
                // `CycleBreak::Reachable` keeps such rings for `rest`.
                Wave::DeleteRings(_) => {}
            }
        }
        self.take_fetched(cycle, &refers, &together).await?;
        Ok(gone == cycle.rows.len())
    }

    /// Takes fetched rows of a cycle into the next batch, by table, with the condition under which
    /// they are still doomed: they are roots, or reference doomed rows.
    async fn take_fetched(&mut self, cycle: &Cycle, refers: &References, rows: &[usize]) -> Result<(), End> {
        let fetched = self.fetched;
        for (table, keys, rows_of_keys) in fetched.by_table(cycle, rows) {
            let still = self.reasons(cycle, refers, (table, rows, &rows_of_keys), None);
            self.take(BatchOp::Delete(table), &keys.copied(&rows_of_keys), still).await?;
        }
        Ok(())
    }

    /// Returns the condition under which such rows are doomed, without one key: they are roots, or reference
    /// doomed rows.
    fn reasons(
        &self,
        cycle: &Cycle,
        refers: &References,
        (table, rows, rows_of_keys): (TableId, &[usize], &[usize]),
        without: Option<KeyId>,
    ) -> Option<Expr> {
        let (execution, fetched) = (self.execution, self.fetched);
        let mut parents: BTreeMap<KeyId, Vec<usize>> = BTreeMap::new();
        for edge in rows.iter().flat_map(|&row| refers.of(row)) {
            parents.entry(edge.key).or_default().push(cycle.rows[edge.parent].1);
        }
        let mut reasons = Vec::new();
        for key in execution.plan.dooming(execution.schema, table).filter(|&key| Some(key) != without) {
            if execution.plan.is_within_cycle(key) {
                let parents = parents.get(&key).map_or(&[][..], Vec::as_slice);
                reasons.extend(execution.sql(fetched).refers_to(key, parents));
            } else {
                reasons.extend(execution.sql(fetched).refers_alone(key));
            }
        }
        if table == execution.plan.root {
            let roots: Vec<usize> = rows_of_keys.iter().copied().filter(|&row| row < fetched.roots).collect();
            reasons.extend(execution.sql(fetched).is_one_of(table, &roots));
        }
        reasons.into_iter().reduce(sea_orm::sea_query::ExprTrait::or)
    }

    /// Deletes the remaining rings, and all rows above them, in one batch.
    pub(super) async fn rest(&mut self) -> Result<(), End> {
        let root = self.execution.plan.root;
        let roots: Vec<usize> = (0..self.fetched.roots).collect();
        let keys = self.fetched.get(root).map(|keys| BatchRows::Keys(keys.copied(&roots), None));
        self.ready.extend(keys.map(|rows| BatchItem {
            op: BatchOp::Delete(root),
            rows,
            len: roots.len(),
            parents: Arc::default(),
            is_whole: true,
        }));
        self.flush().await
    }
}

/// What each row of a cycle references, through CASCADE or another key.
struct References {
    /// By child.
    edges: Vec<Edge>,
}

impl References {
    fn new(cycle: &Cycle) -> Self {
        let mut edges = cycle.edges.clone();
        edges.sort_unstable_by_key(|edge| (edge.child, edge.key));
        Self { edges }
    }

    fn of(&self, row: usize) -> &[Edge] {
        let begin = self.edges.partition_point(|edge| edge.child < row);
        let end = self.edges.partition_point(|edge| edge.child <= row);
        &self.edges[begin..end]
    }
}
