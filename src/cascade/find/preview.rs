//! Makes a preview from the counts, and checks whether it allows the delete.
//!
//! Pure.

use crate::cascade::data::action::Action;
use crate::cascade::data::key::Key;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::preview::{Blocker, Line, Preview};
use crate::cascade::declare::schema::{KeyId, Schema};
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::plan::Plan;
use crate::cascade::plan::count::Count;

/// The counts of one run.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    counted: Vec<(Count, u64)>,
    /// The keys with blockers, with the primary keys of some of these.
    pub(crate) samples: Vec<(KeyId, Vec<Key>)>,
}

impl Numbers {
    pub(crate) fn add(&mut self, count: Count, rows: u64) {
        self.counted.push((count, rows));
    }

    pub(crate) fn get(&self, count: Count) -> Option<u64> {
        let mut found = self.counted.iter().filter(|(of, _)| *of == count);
        found.next().map(|(_, rows)| *rows)
    }

    fn by(&self, schema: &Schema, plan: &Plan, key: KeyId) -> u64 {
        let count = match schema.keys[key].action {
            Action::Cascade => Count::doomed_by(schema, plan, key),
            _ => Count::referencing(schema, key),
        };
        self.get(count).unwrap_or(0)
    }

    /// Returns the keys with blockers: those whose action forbids the delete, and those whose
    /// default references no row that stays.
    pub(crate) fn in_the_way(&self, schema: &Schema, plan: &Plan) -> Vec<KeyId> {
        let is_in_the_way = |&id: &KeyId| {
            let key = &schema.keys[id];
            let is_forbidden = match key.action {
                Action::NoAction | Action::Restrict => true,
                Action::SetDefault => key.refers_by_default(schema) && self.get(Count::DefaultSurvivor(id)) == Some(0),
                Action::Cascade | Action::SetNull => false,
            };
            is_forbidden && self.by(schema, plan, id) > 0
        };
        plan.keys.iter().copied().filter(is_in_the_way).collect()
    }
}

impl Preview {
    pub(crate) fn new(schema: &Schema, plan: &Plan, roots: u64, fingerprint: String, numbers: &Numbers) -> Self {
        let mut outcome = plan.nothing_done(schema);
        for &table in &plan.doomed {
            let rows = numbers.get(Count::Doomed(table)).unwrap_or(0);
            outcome.add_deleted(&schema.tables[table].label, rows);
        }
        let mut lines = Vec::with_capacity(plan.keys.len());
        for &id in &plan.keys {
            let key = &schema.keys[id];
            let rows = numbers.by(schema, plan, id);
            if key.action.changes_key() {
                outcome.add_updated(&key.label, rows);
            }
            lines.push(Line {
                parent: schema.tables[key.parent].label.clone(),
                table: schema.tables[key.child].label.clone(),
                foreign_key: key.label.clone(),
                action: key.action,
                rows,
                or_more: false,
            });
        }
        let blocker = |(id, sample_keys): &(KeyId, Vec<Key>)| {
            let key = &schema.keys[*id];
            Blocker {
                table: schema.tables[key.child].label.clone(),
                foreign_key: key.label.clone(),
                action: key.action,
                rows: numbers.by(schema, plan, *id),
                or_more: false,
                sample_keys: sample_keys.clone(),
                path: path(schema, plan, numbers, *id),
            }
        };
        Self {
            root: schema.tables[plan.root].label.clone(),
            roots,
            fingerprint,
            counted_up_to: None,
            outcome,
            orphans: Vec::new(),
            lines,
            blockers: numbers.samples.iter().map(blocker).collect(),
        }
    }

    /// Returns the same preview with the counts of the finished run.
    pub(crate) fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Adds the orphans of the root table through one of its keys, and what a repair does with
    /// them.
    pub(crate) fn add_orphans(&mut self, schema: &Schema, key: KeyId, rule: Action, rows: u64) {
        let key = &schema.keys[key];
        let (parent, table) = (schema.tables[key.parent].label.clone(), schema.tables[key.child].label.clone());
        if rule.changes_key() {
            self.outcome.add_changed(&table, &key.label, rule, rows);
        }
        let foreign_key = key.label.clone();
        self.orphans.push(Line { parent, table, foreign_key, action: rule, rows, or_more: false });
    }

    /// Adds orphans whose default references no row.
    pub(crate) fn add_blocker(&mut self, schema: &Schema, key: KeyId, rows: u64, sample_keys: Vec<Key>) {
        let key = &schema.keys[key];
        let table = schema.tables[key.child].label.clone();
        let (foreign_key, path) = (key.label.clone(), vec![table.clone()]);
        let (action, or_more) = (Action::SetDefault, false);
        self.blockers.push(Blocker { table, foreign_key, action, rows, or_more, sample_keys, path });
    }
}

/// Returns the tables from the root to the child of this key, along the shortest path that has
/// rows.
fn path(schema: &Schema, plan: &Plan, numbers: &Numbers, key: KeyId) -> Vec<String> {
    let end = &schema.keys[key];
    let mut came_by: Vec<Option<KeyId>> = vec![None; schema.tables.len()];
    let mut frontier = std::collections::VecDeque::from([plan.root]);
    while let Some(table) = frontier.pop_front() {
        for id in plan.keys.iter().copied().filter(|&id| schema.keys[id].parent == table) {
            let next = &schema.keys[id];
            let leads_on = next.action == Action::Cascade && numbers.by(schema, plan, id) > 0;
            if leads_on && next.child != plan.root && came_by[next.child].is_none() {
                came_by[next.child] = Some(id);
                frontier.push_back(next.child);
            }
        }
    }
    let mut tables = vec![end.child, end.parent];
    let mut last = end.parent;
    while let Some(id) = came_by[last] {
        last = schema.keys[id].parent;
        tables.push(last);
    }
    tables.into_iter().rev().map(|table| schema.tables[table].label.clone()).collect()
}

/// R5, `at_most`, `expecting`.
pub(crate) fn check(seen: &Preview, at_most: Option<u64>, expecting: Option<&Preview>) -> Result<(), Error> {
    if seen.is_blocked() {
        return Err(ErrorKind::Blocked(seen.blockers().to_vec()).into());
    }
    if let Some(at_most) = at_most.filter(|&rows| seen.outcome().total() > rows) {
        let preview = Box::new(seen.clone());
        return Err(ErrorKind::TooManyRows { at_most, preview }.into());
    }
    let is_as_shown = |expected: &Preview| *expected == seen.clone().counted_at_most(expected.counted_up_to());
    if let Some(expected) = expecting.filter(|&expected| !is_as_shown(expected)) {
        let (expected, found) = (Box::new(expected.clone()), Box::new(seen.clone()));
        return Err(ErrorKind::Changed { expected, found }.into());
    }
    Ok(())
}
