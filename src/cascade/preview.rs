//! What a delete would do, for a person or a program to look at.
//!
//! Pure: the numbers come in, the tree and the blockers' paths are made here.

use std::fmt;

use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};

use super::graph::{Action, KeyId, Schema};
use super::key::Key;
use super::outcome::Outcome;
use super::plan::{Count, Plan};

/// What a delete would do now: what goes, by which key and action, how many rows, and what stands in the way.
///
/// It prints as a tree, serialises, and can be handed back with [`Deletion::expecting`](super::Deletion::expecting),
/// also after a round trip through JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    root: String,
    roots: u64,
    /// Tells these roots from as many others.
    fingerprint: String,
    outcome: Outcome,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    orphans: Vec<Line>,
    lines: Vec<Line>,
    blockers: Vec<Blocker>,
}

/// One foreign key of a preview, and the rows that refer through it.
///
/// A row may refer through several keys, so lines overlap; what is deleted in all is in [`Preview::outcome`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Line {
    /// The table referred to.
    pub parent: String,
    /// The table whose rows refer.
    pub table: String,
    /// The key by which they refer, as `items.store_id`.
    pub foreign_key: String,
    /// What happens to them.
    pub action: Action,
    /// How many rows refer to doomed ones. For SET NULL, SET DEFAULT and NO ACTION without those that are doomed
    /// themselves: these are changed, or in the way.
    pub rows: u64,
}

/// Rows that must stay and refer to rows that would go (rule R5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Blocker {
    /// The table of the rows in the way.
    pub table: String,
    /// The key by which they refer, as `loans.item_id`.
    pub foreign_key: String,
    /// The action that forbids the delete.
    pub action: Action,
    /// How many rows are in the way.
    pub rows: u64,
    /// The primary keys of the first of them, in key order; at most [`Blocker::SAMPLE_KEYS_MAX`].
    pub sample_keys: Vec<Key>,
    /// The tables from the root down to the rows in the way.
    pub path: Vec<String>,
}

impl Blocker {
    /// How many sample keys a blocker carries at most.
    pub const SAMPLE_KEYS_MAX: usize = 5;
}

/// The numbers of one run.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    counted: Vec<(Count, u64)>,
    /// Keys whose rows are in the way, with the primary keys of some of these.
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
            _ => Count::referring(schema, key),
        };
        self.get(count).unwrap_or(0)
    }

    /// The keys by which rows are in the way: those that forbid it, and those whose default names no row that stays.
    pub(crate) fn in_the_way(&self, schema: &Schema) -> Vec<KeyId> {
        let in_the_way = |&(count, rows): &(Count, u64)| {
            let (Count::Referring(id) | Count::ReferringKept(id)) = count else { return None };
            let key = &schema.keys[id];
            let forbidden = match key.action {
                Action::NoAction | Action::Restrict => true,
                Action::SetDefault => key.refers_by_default(schema) && self.get(Count::DefaultKept(id)) == Some(0),
                Action::Cascade | Action::SetNull => false,
            };
            (rows > 0 && forbidden).then_some(id)
        };
        self.counted.iter().filter_map(in_the_way).collect()
    }
}

impl Preview {
    pub(crate) fn new(schema: &Schema, plan: &Plan, roots: u64, fingerprint: String, numbers: &Numbers) -> Self {
        let mut outcome = Outcome::new(schema, plan);
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
            });
        }
        let blocker = |(id, sample_keys): &(KeyId, Vec<Key>)| {
            let key = &schema.keys[*id];
            Blocker {
                table: schema.tables[key.child].label.clone(),
                foreign_key: key.label.clone(),
                action: key.action,
                rows: numbers.by(schema, plan, *id),
                sample_keys: sample_keys.clone(),
                path: path(schema, plan, numbers, *id),
            }
        };
        Self {
            root: schema.tables[plan.root].label.clone(),
            roots,
            fingerprint,
            outcome,
            orphans: Vec::new(),
            lines,
            blockers: numbers.samples.iter().map(blocker).collect(),
        }
    }

    /// The same with other numbers: what a run found in the end.
    pub(crate) fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Adds the orphans of the root's table by one of its keys, and what a repair does with them.
    pub(crate) fn add_orphans(&mut self, schema: &Schema, key: KeyId, rule: Action, rows: u64) {
        let key = &schema.keys[key];
        let (parent, table) = (schema.tables[key.parent].label.clone(), schema.tables[key.child].label.clone());
        if rule.changes_key() {
            self.outcome.add_changed(key, &table, rows);
        }
        self.orphans.push(Line { parent, table, foreign_key: key.label.clone(), action: rule, rows });
    }

    /// Adds orphans that would take a default which names no row.
    pub(crate) fn add_blocker(&mut self, schema: &Schema, key: KeyId, rows: u64, sample_keys: Vec<Key>) {
        let key = &schema.keys[key];
        let table = schema.tables[key.child].label.clone();
        let (foreign_key, path) = (key.label.clone(), vec![table.clone()]);
        self.blockers.push(Blocker { table, foreign_key, action: Action::SetDefault, rows, sample_keys, path });
    }

    /// The table whose rows were asked for.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The numbers that [`execute`](super::Deletion::execute) would give, were nothing in the way.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// How many rows of this entity would be deleted, roots included.
    #[must_use]
    pub fn deleted<E: EntityTrait>(&self, entity: E) -> u64 {
        self.outcome.deleted(entity)
    }

    /// How many keys of this entity's rows would be set to NULL or to their default.
    #[must_use]
    pub fn updated<E: EntityTrait>(&self, entity: E) -> u64 {
        self.outcome.updated(entity)
    }

    /// Every foreign key that the delete looks at, by parent, parents first; also those with no rows.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Of a [repair](super::Repair): every key of the table, with how many of its rows refer to nothing by it and what
    /// becomes of them. Those that are changed are counted without those that are deleted by another key. NO ACTION and
    /// RESTRICT leave them. Empty for a delete.
    #[must_use]
    pub fn orphans(&self) -> &[Line] {
        &self.orphans
    }

    /// What stands in the way; the delete is refused if there is anything.
    #[must_use]
    pub fn blockers(&self) -> &[Blocker] {
        &self.blockers
    }

    /// Whether the delete would be refused.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        !self.blockers.is_empty()
    }

    /// The lines below a table, without those that no row refers through.
    fn below(&self, parent: &str) -> Vec<&Line> {
        self.lines.iter().filter(|line| line.parent == parent && line.rows > 0).collect()
    }
}

/// The tables from the root to the child of this key, by the shortest way along which there are rows.
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

impl fmt::Display for Preview {
    /// A tree of the keys through which rows refer, then the totals, then the blockers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} to delete", self.root, rows(self.roots))?;
        // A table under which something was shown already is not shown again: the tree grows with keys, not paths.
        let mut shown: Vec<&str> = vec![&self.root];
        let mut branches = vec![(String::new(), self.below(&self.root).into_iter())];
        while let Some((indent, lines)) = branches.last_mut() {
            let Some(line) = lines.next() else {
                branches.pop();
                continue;
            };
            let last = lines.len() == 0;
            let (twig, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            write!(f, "{indent}{twig}{line}")?;
            let indent = format!("{indent}{below}");
            let known = shown.contains(&line.table.as_str());
            let children = self.below(&line.table);
            if line.action != Action::Cascade || children.is_empty() || line.table == line.parent {
                writeln!(f)?;
            } else if known {
                writeln!(f, ", whose children are shown above")?;
            } else {
                writeln!(f)?;
                shown.push(&line.table);
                branches.push((indent, children.into_iter()));
            }
        }
        for orphans in self.orphans.iter().filter(|orphans| orphans.rows > 0) {
            let Line { parent: _, table: _, foreign_key, action, rows: number } = orphans;
            let fate = match action {
                Action::Cascade => "to delete",
                Action::SetNull | Action::SetDefault => "to change",
                Action::NoAction | Action::Restrict => "left alone, because the rule does not say what becomes of them",
            };
            writeln!(f, "orphans by {foreign_key} {action}: {} {fate}", rows(*number))?;
        }
        let sum = if self.is_blocked() { "were nothing in the way" } else { "total" };
        write!(f, "{sum}: {} deleted, {} changed", rows(self.outcome.rows_deleted()), self.outcome.rows_updated())?;
        for blocker in &self.blockers {
            write!(f, "\nblocked: {blocker}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parent: _, table: _, foreign_key, action, rows: number } = self;
        let fate = match action {
            Action::Cascade => "to delete",
            Action::SetNull | Action::SetDefault => "to change",
            Action::NoAction | Action::Restrict => "in the way",
        };
        write!(f, "{foreign_key} {action}: {} {fate}", rows(*number))
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, foreign_key, action, rows: number, sample_keys, path } = self;
        let number = rows(*number);
        match action {
            Action::SetDefault => {
                write!(
                    f,
                    "{number} of {table} would take the default of {foreign_key}, which names no row that stays"
                )?;
            }
            Action::Cascade | Action::SetNull | Action::NoAction | Action::Restrict => {
                write!(f, "{number} of {table} refer by {foreign_key} ({action})")?;
            }
        }
        let more = if sample_keys.len() == Self::SAMPLE_KEYS_MAX { ", .." } else { "" };
        let keys: Vec<String> = sample_keys.iter().map(ToString::to_string).collect();
        write!(f, ", keys {}{more}, path {}", keys.join(", "), path.join(" > "))
    }
}

fn rows(number: u64) -> String {
    format!("{number} row{}", if number == 1 { "" } else { "s" })
}
