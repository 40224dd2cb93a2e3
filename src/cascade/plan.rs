//! The plan: what a delete of rows of one table reaches, and in which order it is done.
//!
//! Pure, and the same for every backend. It is made from the graph alone, knows no rows, and is what both the preview
//! and the execution read.

use super::graph::{Action, KeyId, Schema, TableId};

/// What one delete does, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The table whose rows were asked for.
    pub(crate) root: TableId,
    /// Every table that may lose rows, parents first, the root at the front.
    pub(crate) doomed: Vec<TableId>,
    /// Every key that refers to a doomed table, in the order in which a person reads them: by parent, parents first.
    pub(crate) keys: Vec<KeyId>,
    /// What is done, children first (R4).
    pub(crate) steps: Vec<Step>,
}

/// One thing that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Deletes the rows that refer to doomed ones by this CASCADE key.
    DeleteBy(KeyId),
    /// Changes the key of the rows that refer to doomed ones by this SET NULL or SET DEFAULT key. Comes after the
    /// deletes from their table, so that a doomed row is only deleted (R4), and before those from their parents.
    Update(KeyId),
    /// Deletes the frozen roots.
    DeleteRoots,
}

/// A number to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// The doomed rows of a table, each once (R4).
    Doomed(TableId),
    /// The rows that refer to doomed ones by a key.
    Referring(KeyId),
    /// Those of them that are not doomed themselves (R3, R9).
    ReferringKept(KeyId),
    /// The rows that stay and that the defaults of a SET DEFAULT key name: one, or none.
    DefaultKept(KeyId),
}

impl Count {
    /// The rows that an action other than CASCADE is about. RESTRICT looks at the doomed too (R3).
    pub(crate) fn referring(schema: &Schema, key: KeyId) -> Self {
        match schema.keys[key].action {
            Action::Cascade | Action::Restrict => Self::Referring(key),
            Action::SetNull | Action::SetDefault | Action::NoAction => Self::ReferringKept(key),
        }
    }

    /// The rows that go by a CASCADE key: all doomed of their table, if it is the only such key.
    pub(crate) fn doomed_by(schema: &Schema, plan: &Plan, key: KeyId) -> Self {
        let child = schema.keys[key].child;
        match plan.dooming(schema, child).count() {
            1 => Self::Doomed(child),
            _ => Self::Referring(key),
        }
    }
}

impl Plan {
    pub(crate) fn new(schema: &Schema, root: TableId) -> Self {
        let reached = reached(schema, root);
        let parents_first = schema.children_first.iter().rev();
        let mut doomed: Vec<TableId> = parents_first.copied().filter(|&table| reached[table]).collect();
        // Nothing doomed is above the root: the graph has no cycle.
        doomed.retain(|&table| table != root);
        doomed.insert(0, root);
        let keys = doomed.iter().flat_map(|&table| schema.keys_to(table)).collect();
        let mut steps = Vec::new();
        for &table in &schema.children_first {
            let by = |action: fn(Action) -> bool| {
                schema
                    .keys_of(table)
                    .filter(|&key| reached[schema.keys[key].parent])
                    .filter(move |&key| action(schema.keys[key].action))
            };
            steps.extend(by(|action| action == Action::Cascade).map(Step::DeleteBy));
            if table == root {
                steps.push(Step::DeleteRoots);
            }
            steps.extend(by(Action::changes_key).map(Step::Update));
        }
        Self { root, doomed, keys, steps }
    }

    /// Whether rows of this table may go.
    pub(crate) fn dooms(&self, table: TableId) -> bool {
        self.doomed.contains(&table)
    }

    /// The CASCADE keys by which rows of this table are doomed.
    pub(crate) fn dooming<'a>(&'a self, schema: &'a Schema, table: TableId) -> impl Iterator<Item = KeyId> + 'a {
        let keys = self.keys.iter().copied();
        keys.filter(move |&key| {
            let key = &schema.keys[key];
            key.child == table && key.action == Action::Cascade
        })
    }
}

/// R3, CASCADE: the tables that a chain of CASCADE keys leads to from the root.
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
