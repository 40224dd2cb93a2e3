//! What a run has found: the keys of doomed rows, and how many rows reference them.
//!
//! Pure. It answers what follows from that without a statement. Keys are fetched of the roots, of
//! the tables in a cycle, and of every other table with few doomed rows (R8).

use std::collections::BTreeSet;

use crate::cascade::data::action::Action;
use crate::cascade::data::key::Keys;
use crate::cascade::declare::schema::{ForeignKey, KeyId, Schema, TableId};
use crate::cascade::plan::count::Count;
use crate::cascade::plan::waves::Edge;
use crate::cascade::plan::{Component, ComponentId, Plan};

/// What the catalogs say about this delete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    /// A trigger, a rule, row security or a view may keep rows that a statement should delete or
    /// change, and the row count of the database does not show it. So before a parent is deleted,
    /// the run checks that nothing references it any more.
    pub(crate) may_keep_rows: bool,
    /// Row security is active, and the caller works under it.
    pub(crate) is_under_row_security: bool,
}

/// How many rows reference doomed rows through a key, as far as that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Referencing {
    Exactly(u64),
    AtLeast(u64),
}

/// Doomed rows by key, and how many rows reference them.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The keys of each table, if they were fetched. A table without doomed rows has an empty set.
    tables: Vec<Option<Keys>>,
    /// By foreign key, if it was counted.
    referencing: Vec<Option<Referencing>>,
    /// By foreign key that does not doom rows, how many of them are doomed through another, if that
    /// is known.
    doomed_referencing: Vec<Option<u64>>,
    /// The number of roots. If the root table is in a cycle, it has more doomed rows; the roots are
    /// the first.
    pub(crate) roots: usize,
    cycles: Vec<Cycle>,
    pub(crate) catalog: Catalog,
}

/// The doomed rows of a cycle's tables, and how they reference each other.
#[derive(Debug)]
pub(crate) struct Cycle {
    pub(crate) component: ComponentId,
    /// A table and a row of its [`Keys`], in the order in which they were found.
    pub(crate) rows: Vec<(TableId, usize)>,
    /// Between positions in `rows`.
    pub(crate) edges: Vec<Edge>,
}

impl Fetched {
    /// Returns the fetched rows with only the roots.
    pub(crate) fn new(schema: &Schema, root: TableId, keys: Keys) -> Self {
        let mut tables: Vec<Option<Keys>> = schema.tables.iter().map(|_| None).collect();
        let roots = keys.len();
        tables[root] = Some(keys);
        let (referencing, doomed_referencing) = (vec![None; schema.keys.len()], vec![None; schema.keys.len()]);
        let (cycles, catalog) = (Vec::new(), Catalog::default());
        Self { tables, referencing, doomed_referencing, roots, cycles, catalog }
    }

    /// Adds what the catalogs say.
    pub(crate) fn with_catalog(self, catalog: Catalog) -> Self {
        Self { catalog, ..self }
    }

    /// Returns the keys to this table whose rows are counted before the run goes on, each with the
    /// number of rows at which the count may stop.
    ///
    /// Below a table with many doomed rows these are only the keys to tables with children: to look
    /// whether another key has rows costs as much as to write them.
    pub(crate) fn counted_keys(&self, schema: &Schema, plan: &Plan, table: TableId) -> Vec<(KeyId, u64)> {
        let are_few = self.get(table).is_some_and(|keys| keys.len() <= schema.keys_per_table);
        let more = schema.keys_per_table as u64 + 1;
        let rows_max = |key: KeyId| match (plan.is_within_cycle(key), schema.keys[key].action) {
            // All its rows were fetched.
            (true, Action::Cascade) => None,
            (true, _) => are_few.then(|| Ord::max(self.referencing(key) + 1, more)),
            (false, _) if schema.leads_on(key) => Some(more),
            // As far for a preview as for a delete, so that they share the prepared statement.
            (false, _) => are_few.then_some(more),
        };
        let keys = schema.keys_to(table).filter_map(|key| Some((key, rows_max(key)?)));
        let keys: Vec<(KeyId, u64)> = keys.collect();
        match keys[..] {
            // The statement that writes or counts its rows also shows whether there are any.
            [(key, _)] if !schema.leads_on(key) && !plan.is_within_cycle(key) => Vec::new(),
            _ => keys,
        }
    }

    /// Whether rows may reference doomed rows through this key that does not doom them, and these
    /// can be compared with the doomed rows of its table.
    fn is_compared(&self, schema: &Schema, key: KeyId) -> bool {
        let ForeignKey { action, parent, .. } = schema.keys[key];
        let has_rows = matches!(self.counted(key), Some(Referencing::Exactly(rows)) if rows > 0);
        action != Action::Cascade && has_rows && self.get(parent).is_some()
    }

    /// Returns the keys whose values are read with the doomed rows of a component's table: those
    /// within the component, and those that are compared.
    pub(crate) fn keys_read(&self, schema: &Schema, component: &Component, table: TableId) -> Vec<KeyId> {
        let own = (0..schema.keys.len()).filter(|&key| schema.keys[key].child == table);
        own.filter(|key| component.keys.contains(key) || self.is_compared(schema, *key)).collect()
    }

    pub(crate) fn remove(&mut self, table: TableId) -> Option<Keys> {
        self.tables[table].take()
    }

    pub(crate) fn insert(&mut self, table: TableId, keys: Keys) {
        self.tables[table] = Some(keys);
    }

    pub(crate) fn insert_cycle(&mut self, cycle: Cycle) {
        self.cycles.push(cycle);
    }

    /// Keeps how many rows reference doomed rows through this key.
    pub(crate) fn insert_referencing(&mut self, key: KeyId, rows: Referencing) {
        self.referencing[key] = Some(rows);
    }

    /// Keeps how many doomed rows reference doomed rows through this key.
    pub(crate) fn insert_doomed_referencing(&mut self, key: KeyId, rows: u64) {
        self.doomed_referencing[key] = Some(rows);
    }

    /// Returns how many rows reference doomed rows through this key, if it was counted.
    pub(crate) fn counted(&self, key: KeyId) -> Option<Referencing> {
        self.referencing[key]
    }

    /// Whether so few rows reference doomed rows through this key that their keys are kept.
    pub(crate) fn are_few(&self, schema: &Schema, key: KeyId) -> bool {
        matches!(self.counted(key), Some(Referencing::Exactly(rows)) if rows <= schema.keys_per_table as u64)
    }

    /// Whether rows may reference doomed rows through this key.
    pub(crate) fn is_reached(&self, schema: &Schema, key: KeyId) -> bool {
        let has_parents = self.get(schema.keys[key].parent).is_none_or(|keys| !keys.is_empty());
        has_parents && self.counted(key) != Some(Referencing::Exactly(0))
    }

    /// Returns the CASCADE keys through which rows of this table may be doomed.
    pub(crate) fn dooming<'a>(
        &'a self,
        schema: &'a Schema,
        plan: &'a Plan,
        table: TableId,
    ) -> impl Iterator<Item = KeyId> + 'a {
        plan.dooming(schema, table).filter(|&key| self.is_reached(schema, key))
    }

    /// Whether rows of this table may be doomed.
    pub(crate) fn dooms(&self, schema: &Schema, plan: &Plan, table: TableId) -> bool {
        match self.get(table) {
            Some(keys) => !keys.is_empty(),
            None => self.dooming(schema, plan, table).next().is_some(),
        }
    }

    /// Returns a count that follows from what was found.
    pub(crate) fn known(&self, schema: &Schema, plan: &Plan, count: Count) -> Option<u64> {
        let exactly = |key: KeyId| match self.counted(key) {
            _ if !self.is_reached(schema, key) => Some(0),
            Some(Referencing::Exactly(rows)) => Some(rows.saturating_sub(self.passed_over(schema, count))),
            Some(Referencing::AtLeast(_)) | None => None,
        };
        match count {
            Count::Doomed(table) => {
                if let Some(keys) = self.get(table) {
                    return Some(keys.len() as u64);
                }
                let mut dooming = self.dooming(schema, plan, table);
                match (dooming.next(), dooming.next()) {
                    (None, _) => Some(0),
                    (Some(key), None) => exactly(key),
                    // A row may reference doomed rows through both.
                    (Some(_), Some(_)) => None,
                }
            }
            Count::Referencing(key) => exactly(key),
            Count::ReferencingSurvivors(key) => {
                let is_told = plan.is_within_cycle(key) || !self.dooms(schema, plan, schema.keys[key].child);
                match self.doomed_referencing[key] {
                    Some(doomed) => exactly(key).map(|rows| rows.saturating_sub(doomed)),
                    None => exactly(key).filter(|&rows| is_told || rows == 0),
                }
            }
            // It only matters if rows get the default.
            Count::DefaultSurvivor(key) => (!self.is_reached(schema, key)).then_some(1),
        }
    }

    pub(crate) fn get(&self, table: TableId) -> Option<&Keys> {
        self.tables[table].as_ref()
    }

    pub(crate) fn cycles(&self) -> impl Iterator<Item = &Cycle> {
        self.cycles.iter()
    }

    pub(crate) fn cycle(&self, component: ComponentId) -> Option<&Cycle> {
        self.cycles.iter().find(|cycle| cycle.component == component)
    }

    /// Returns how many doomed rows reference doomed rows through this key within a cycle.
    pub(crate) fn referencing(&self, key: KeyId) -> u64 {
        self.edges_by(key).count() as u64
    }

    /// Returns the number of rows to subtract from the raw count of this key within a cycle: rows
    /// that are doomed; for RESTRICT, rows that reference themselves (R3).
    pub(crate) fn passed_over(&self, schema: &Schema, count: Count) -> u64 {
        let edges = match count {
            Count::ReferencingSurvivors(key) => self.edges_by(key).count(),
            Count::Referencing(key) if schema.keys[key].action == Action::Restrict => {
                self.edges_by(key).filter(|edge| edge.is_loop()).count()
            }
            Count::Referencing(_) | Count::Doomed(_) | Count::DefaultSurvivor(_) => 0,
        };
        edges as u64
    }

    /// Returns the rows of the child's [`Keys`] that reference themselves through this key.
    pub(crate) fn loops(&self, key: KeyId) -> BTreeSet<usize> {
        let edges = self.cycles.iter().flat_map(|cycle| cycle.edges.iter().map(move |edge| (cycle, edge)));
        let loops = edges.filter(|(_, edge)| edge.key == key && edge.is_loop());
        loops.map(|(cycle, edge)| cycle.rows[edge.child].1).collect()
    }

    /// Returns these rows of a cycle by table, in the order in which they were found.
    pub(crate) fn by_table(&self, cycle: &Cycle, rows: &[usize]) -> Vec<(TableId, &Keys, Vec<usize>)> {
        let mut by_table: Vec<(TableId, &Keys, Vec<usize>)> = Vec::new();
        for &row in rows {
            let (table, row) = cycle.rows[row];
            match by_table.iter_mut().find(|(of, ..)| *of == table) {
                Some((.., rows)) => rows.push(row),
                None => by_table.extend(self.get(table).map(|keys| (table, keys, vec![row]))),
            }
        }
        by_table
    }

    fn edges_by(&self, key: KeyId) -> impl Iterator<Item = &Edge> {
        self.cycles.iter().flat_map(|cycle| &cycle.edges).filter(move |edge| edge.key == key)
    }
}
