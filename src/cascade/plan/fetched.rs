//! The keys that were fetched from the database: of the roots, of the tables in a cycle, and of
//! tables whose rows are better read.
//!
//! Pure. It holds what a run has found, and answers what follows from that without a statement.

use std::collections::BTreeSet;

use crate::cascade::data::action::Action;
use crate::cascade::data::key::Keys;
use crate::cascade::declare::schema::{KeyId, Schema, TableId};
use crate::cascade::plan::ComponentId;
use crate::cascade::plan::count::Count;
use crate::cascade::plan::waves::Edge;

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

/// Doomed rows by key.
#[derive(Debug)]
pub(crate) struct Fetched {
    tables: Vec<Option<Keys>>,
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
        Self { tables, roots, cycles: Vec::new(), catalog: Catalog::default() }
    }

    /// Adds what the catalogs say.
    pub(crate) fn with_catalog(self, catalog: Catalog) -> Self {
        Self { catalog, ..self }
    }

    pub(crate) fn insert(&mut self, table: TableId, keys: Keys) {
        self.tables[table] = Some(keys);
    }

    pub(crate) fn insert_cycle(&mut self, cycle: Cycle) {
        self.cycles.push(cycle);
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
