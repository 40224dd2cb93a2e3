//! The plan: what a delete of rows of one table reaches, and in which order it is done.
//!
//! Pure, and the same for every database. It is made from the graph alone and knows no rows. The
//! preview and the execution both follow it.

pub(crate) mod count;
pub(crate) mod fetched;
pub(crate) mod recording;
pub(crate) mod roots;
pub(crate) mod waves;

use std::sync::Arc;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;

use crate::cascade::data::action::Action;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::declare::schema::{KeyId, Schema, TableId};

/// The largest number of foreign keys that statements are about together.
const NARROW: usize = 16;

/// What one delete does, as data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The table of the roots.
    pub(crate) root: TableId,
    /// Every table that may lose rows, parents first. The root table is the first.
    pub(crate) doomed: Vec<TableId>,
    /// The same tables. Those that reference each other in a cycle are together.
    pub(crate) components: Vec<Component>,
    /// Every key that references a doomed table, in the order of the preview: by parent, parents
    /// first.
    pub(crate) keys: Vec<KeyId>,
    /// The steps, children first (R4).
    pub(crate) steps: Vec<Step>,
}

/// Doomed tables that reference each other, directly or through others; mostly a single table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) tables: Vec<TableId>,
    /// The keys from one of these tables to another or to itself, with any action. If there are
    /// any, the component is a cycle.
    pub(crate) keys: Vec<KeyId>,
}

/// A position in [`Plan::components`].
pub(crate) type ComponentId = usize;

impl Component {
    pub(crate) fn is_cycle(&self) -> bool {
        !self.keys.is_empty()
    }
}

/// One step of a delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Deletes the rows that reference doomed rows through this CASCADE key.
    DeleteBy(KeyId),
    /// Changes this SET NULL or SET DEFAULT key in the rows that reference doomed rows. It comes
    /// after the deletes from their table, so that a doomed row is only deleted (R4), and before
    /// the deletes from their parents.
    Update(KeyId),
    /// The same for a key within a cycle. The doomed rows of that table still exist then, and are
    /// not changed.
    UpdateKept(KeyId),
    /// Deletes the frozen roots.
    DeleteRoots,
    /// Deletes the doomed rows of a cycle's tables.
    DeleteCycle(ComponentId),
}

impl Plan {
    /// Returns the plan for roots in this table. A graph makes it once.
    pub(crate) fn of(schema: &Schema, root: TableId) -> Arc<Self> {
        schema.memo.get_or(root, 0, || Self::new(schema, root))
    }

    fn new(schema: &Schema, root: TableId) -> Self {
        let components = components(schema, root);
        let tables = components.iter().flat_map(|component| &component.tables);
        let doomed: Vec<TableId> = tables.copied().collect();
        let keys = doomed.iter().flat_map(|&table| schema.keys_to(table)).collect();
        let mut plan = Self { root, doomed, components, keys, steps: Vec::new() };
        plan.steps = (0..plan.components.len()).rev().flat_map(|component| plan.steps_of(schema, component)).collect();
        plan
    }

    /// R4: the steps of the children of these tables come before the tables themselves.
    fn steps_of(&self, schema: &Schema, id: ComponentId) -> Vec<Step> {
        let Component { tables, keys: within } = &self.components[id];
        let to_change = |key: &KeyId| schema.keys[*key].action.changes_key();
        let referencing = tables.iter().flat_map(|&table| schema.keys_to(table));
        let others = referencing.filter(|key| to_change(key) && !within.contains(key));
        let mut steps: Vec<Step> = others.map(Step::Update).collect();
        match tables.as_slice() {
            &[table] if within.is_empty() => {
                steps.extend(self.dooming(schema, table).map(Step::DeleteBy));
                steps.extend((table == self.root).then_some(Step::DeleteRoots));
            }
            _ => {
                steps.extend(within.iter().copied().filter(to_change).map(Step::UpdateKept));
                steps.push(Step::DeleteCycle(id));
            }
        }
        steps
    }

    /// Returns an outcome with 0 rows for every table and key that the plan reaches.
    pub(crate) fn nothing_done(&self, schema: &Schema) -> Outcome {
        let label = |table: TableId| schema.tables[table].label.clone();
        let changed = self.steps.iter().filter_map(|step| match *step {
            Step::Update(key) | Step::UpdateKept(key) => {
                let key = &schema.keys[key];
                Some((label(key.child), key.label.clone(), key.action))
            }
            Step::DeleteBy(_) | Step::DeleteRoots | Step::DeleteCycle(_) => None,
        });
        Outcome::nothing(self.doomed.iter().map(|&table| label(table)), changed)
    }

    /// Returns the tables whose rows a step deletes.
    pub(crate) fn going(&self, schema: &Schema, step: Step) -> Option<Vec<TableId>> {
        match step {
            Step::DeleteBy(key) => Some(vec![schema.keys[key].child]),
            Step::DeleteRoots => Some(vec![self.root]),
            Step::DeleteCycle(component) => Some(self.components[component].tables.clone()),
            Step::Update(_) | Step::UpdateKept(_) => None,
        }
    }

    /// Whether so many foreign keys are reached that a statement about all of them takes longer
    /// than a few about those with rows.
    pub(crate) fn is_wide(&self) -> bool {
        self.keys.len() > NARROW
    }

    /// Whether rows of this table may be deleted.
    pub(crate) fn dooms(&self, table: TableId) -> bool {
        self.doomed.contains(&table)
    }

    /// Whether this key references a table of the same cycle.
    pub(crate) fn is_within_cycle(&self, key: KeyId) -> bool {
        self.components.iter().any(|component| component.keys.contains(&key))
    }

    /// Returns the CASCADE keys through which rows of this table are doomed.
    pub(crate) fn dooming<'a>(&'a self, schema: &'a Schema, table: TableId) -> impl Iterator<Item = KeyId> + 'a {
        let keys = self.keys.iter().copied();
        keys.filter(move |&key| {
            let key = &schema.keys[key];
            key.child == table && key.action == Action::Cascade
        })
    }
}

/// Returns the doomed tables by strongly connected component, parents first.
fn components(schema: &Schema, root: TableId) -> Vec<Component> {
    let reached = reached(schema, root);
    let doomed = |key: &KeyId| reached[schema.keys[*key].child] && reached[schema.keys[*key].parent];
    let keys: Vec<KeyId> = (0..schema.keys.len()).filter(doomed).collect();
    // By name, so that the order of registration does not matter (R7).
    let mut tables: Vec<TableId> = (0..schema.tables.len()).filter(|&table| reached[table]).collect();
    tables.sort_by_key(|&table| &schema.tables[table].label);
    let mut graph: DiGraph<TableId, ()> = DiGraph::new();
    let nodes: Vec<_> = tables.iter().map(|&table| graph.add_node(table)).collect();
    let node_of = |table: TableId| tables.iter().position(|&other| other == table).map(|at| nodes[at]);
    let mut edges: Vec<_> = keys.iter().map(|&key| (schema.keys[key].parent, schema.keys[key].child)).collect();
    edges.sort_by_key(|&(parent, child)| (&schema.tables[parent].label, &schema.tables[child].label));
    for (parent, child) in edges {
        if let (Some(parent), Some(child)) = (node_of(parent), node_of(child)) {
            graph.add_edge(parent, child, ());
        }
    }
    let component = |nodes: Vec<_>| {
        let mut tables: Vec<TableId> = nodes.into_iter().map(|node| graph[node]).collect();
        tables.sort_by_key(|&table| (table != root, &schema.tables[table].label));
        let within = |key: &&KeyId| {
            let key = &schema.keys[**key];
            tables.contains(&key.child) && tables.contains(&key.parent)
        };
        let keys = keys.iter().filter(within).copied().collect();
        Component { tables, keys }
    };
    // petgraph returns children first. Every doomed table is below the root, so the component of
    // the root is the last.
    kosaraju_scc(&graph).into_iter().rev().map(component).collect()
}

/// R3: returns the tables that chains of CASCADE keys reach from the root.
fn reached(schema: &Schema, root: TableId) -> Vec<bool> {
    let mut reached = vec![false; schema.tables.len()];
    let mut frontier = vec![root];
    while let Some(table) = frontier.pop() {
        if std::mem::replace(&mut reached[table], true) {
            continue;
        }
        let cascades = schema.keys_to(table).map(|key| &schema.keys[key]);
        frontier.extend(cascades.filter(|key| key.action == Action::Cascade).map(|key| key.child));
    }
    reached
}
