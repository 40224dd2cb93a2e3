//! Deletes the rows of a cycle in waves, and breaks or deletes rings.
//!
//! I/O: it writes.

use std::collections::BTreeSet;

use sea_orm::DbErr;

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::index::Index;
use crate::cascade::data::key::Keys;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::db::execution::Execution;
use crate::cascade::db::session::CatalogQuery;
use crate::cascade::declare::schema::{KeyId, TableId};
use crate::cascade::error::{Error, ErrorKind, RingRow, driver};
use crate::cascade::find::pages::{Page, Pages};
use crate::cascade::plan::ComponentId;
use crate::cascade::plan::fetched::{Cycle, Fetched};
use crate::cascade::plan::waves::{CycleBreak, Edge, Wave, around, break_loops, waves};
use crate::cascade::run::record::Recorded;
use crate::cascade::sql::DEFER_FOREIGN_KEYS;

impl Execution<'_> {
    /// R4: changes the rows that reference doomed rows through this key within a cycle and are not
    /// doomed.
    pub(super) async fn update_kept(self, fetched: &Fetched, key: KeyId) -> Result<u64, Error> {
        let child = self.schema.keys[key].child;
        let primary_key = &self.schema.tables[child].primary_key;
        let Some(doomed) = fetched.get(child) else { return Ok(0) };
        let index = Index::new(doomed, primary_key);
        let mut updated = 0;
        for rows in self.sql(fetched).referencing(key) {
            let mut pages = Pages::new(self, child, rows, true);
            while let Some(Page { keys, .. }) = pages.next(fetched).await? {
                let values = keys.of(primary_key);
                let is_kept = |row: &usize| index.find(doomed, &values, *row).is_none();
                let kept: Vec<usize> = (0..keys.len()).filter(is_kept).collect();
                if !kept.is_empty() {
                    updated += self.set_at(fetched, key, (&keys, &kept)).await?;
                }
            }
        }
        Ok(updated)
    }

    /// R4: deletes the rows of a cycle's tables in waves.
    pub(super) async fn delete_cycle(
        self,
        fetched: &Fetched,
        component: ComponentId,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let Some(cycle) = fetched.cycle(component) else { return Ok(()) };
        let mut in_order = waves(cycle.rows.len(), &cycle.edges, CycleBreak::Any, |key| self.can_be_null(key));
        if let (Dialect::Postgres, &[table]) = (self.dialect, self.plan.components[component].tables.as_slice())
            && !self.is_captured(table)
        {
            in_order = together(in_order);
        }
        if self.dialect == Dialect::MySql {
            in_order.splice(0..0, break_loops(&cycle.edges, |key| self.can_be_null(key)));
        }
        for wave in in_order {
            match wave {
                Wave::Delete(rows) => {
                    let deleted = self.delete_wave(fetched, &fetched.by_table(cycle, &rows), outcome).await;
                    deleted.map_err(|error| {
                        let loops = cycle.edges.iter().filter(|edge| edge.is_loop() && !self.can_be_null(edge.key));
                        let loops: BTreeSet<usize> = loops.map(|edge| edge.child).collect();
                        let rings: Vec<_> =
                            rows.iter().filter(|row| loops.contains(row)).map(|&row| vec![row]).collect();
                        self.in_ring(fetched, cycle, &rings, error)
                    })?;
                }
                Wave::BreakCycle(key, rows) => {
                    for (_, keys, rows) in fetched.by_table(cycle, &rows) {
                        self.break_cycle_at(fetched, key, (keys, &rows)).await?;
                    }
                }
                Wave::DeleteRings(rings) => {
                    let deleted = self.delete_rings(fetched, &fetched.by_table(cycle, &rings.concat()), outcome).await;
                    deleted.map_err(|error| self.in_ring(fetched, cycle, &rings, error))?;
                }
            }
        }
        Ok(())
    }

    fn is_by_ring(self, cycle: &Cycle, ring: &[usize], error: &DbErr) -> bool {
        let mut tables = ring.iter().map(|&row| &self.schema.tables[cycle.rows[row].0].name.1);
        self.dialect == Dialect::MySql && tables.any(|table| driver::is_referred_to_by(error, &table.to_string()))
    }

    async fn delete_wave(
        self,
        fetched: &Fetched,
        wave: &[(TableId, &Keys, Vec<usize>)],
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        for (table, keys, rows) in wave {
            self.delete_rows(fetched, (*table, keys, rows), outcome).await?;
        }
        Ok(())
    }

    /// Deletes rings whose keys cannot be NULL, in the form in which the database checks
    /// constraints after the whole ring.
    async fn delete_rings(
        self,
        fetched: &Fetched,
        rings: &[(TableId, &Keys, Vec<usize>)],
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let ring = self.ring_begins(rings.first().map(|&(table, ..)| table))?;
        let (mut models, mut recorded) = (Vec::with_capacity(rings.len()), Vec::with_capacity(rings.len()));
        for (table, keys, rows) in rings {
            recorded.push(self.record_at(fetched, (*table, keys, rows)).await?);
        }
        self.ring_is_recorded(ring);
        for (table, keys, rows) in rings {
            let whole = self.whole(fetched, (*table, keys, rows)).await?;
            models.push(self.before(*table, whole).await?);
        }
        match self.dialect {
            Dialect::Postgres => self.delete_at_once(fetched, rings).await?,
            Dialect::Sqlite | Dialect::MySql => {
                if self.dialect == Dialect::Sqlite && rings.len() > 1 {
                    self.session.execute(&CatalogQuery::new(DEFER_FOREIGN_KEYS, Vec::new())).await?;
                }
                for (table, keys, rows) in rings {
                    self.delete_at(fetched, (*table, keys, rows), Recorded::default()).await?;
                }
            }
        }
        for recorded in &recorded {
            self.check_recorded_gone(recorded).await?;
        }
        for (table, keys, rows) in rings {
            // The row count of such a statement is that of its last part.
            self.check_gone(fetched, (*table, keys, rows)).await?;
        }
        for ((table, keys, rows), models) in rings.iter().zip(models) {
            self.after(*table, models).await?;
            self.add_keys((*table, keys, rows), outcome);
        }
        Ok(())
    }

    /// R7: names the ring, if the database refused to delete one: InnoDB names one of its tables as
    /// still referencing, or its own cascade went round the ring and gave up.
    fn in_ring(self, fetched: &Fetched, cycle: &Cycle, rings: &[Vec<usize>], error: Error) -> Error {
        let is_by = |source: &DbErr| rings.iter().find(|ring| self.is_by_ring(cycle, ring, source));
        let (source, ring) = match error.into_kind() {
            ErrorKind::StillReferenced(source) => match is_by(&source) {
                Some(ring) => (source, ring),
                None => return ErrorKind::StillReferenced(source).into(),
            },
            ErrorKind::Database(source) if driver::is_too_deep(&source) => match rings.first() {
                Some(ring) => (source, ring),
                None => return ErrorKind::Database(source).into(),
            },
            kind => return kind.into(),
        };
        let row = |(row, key): (usize, KeyId)| {
            let (table, row) = cycle.rows[row];
            let primary_key = self.schema.tables[table].primary_key.len();
            RingRow {
                table: self.schema.tables[table].label.clone(),
                key: fetched.get(table).map(|keys| keys.sample_of(row, primary_key)).unwrap_or_default(),
                foreign_key: self.schema.keys[key].label.clone(),
            }
        };
        let stuck: Vec<Edge> = cycle.edges.iter().copied().filter(|edge| !self.can_be_null(edge.key)).collect();
        let rows = around(ring, &stuck).into_iter().map(row).collect();
        ErrorKind::Ring { backend: self.dialect.name(), rows, source }.into()
    }
}

/// Returns the waves of one table with neighbouring deletes as one: PostgreSQL checks constraints,
/// RESTRICT included, at the end of a statement. The others would go through the rows one by one,
/// and some give up if their own cascade gets too deep.
fn together(waves: Vec<Wave>) -> Vec<Wave> {
    let mut joined: Vec<Wave> = Vec::with_capacity(waves.len());
    for wave in waves {
        match (joined.last_mut(), wave) {
            (Some(Wave::Delete(rows)), Wave::Delete(more)) => rows.extend(more),
            (_, wave) => joined.push(wave),
        }
    }
    joined
}
