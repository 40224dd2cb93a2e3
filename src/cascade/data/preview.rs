//! What a delete would do, for a person or a program to look at.
//!
//! Pure: the numbers come in, the tree and the blockers' paths are made here.

use std::fmt;

use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};

use crate::cascade::data::action::Action;
use crate::cascade::data::key::Key;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::tree::{Branch, write_tree};

/// What a delete would do now: what goes, by which key and action, how many rows, and what stands
/// in the way.
///
/// It prints as a tree, serialises, and can be handed back with
/// [`Deletion::expecting`](crate::Deletion::expecting), also after a round trip through JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    pub(in crate::cascade) root: String,
    pub(in crate::cascade) roots: u64,
    /// Tells these roots from as many others.
    pub(in crate::cascade) fingerprint: String,
    /// How far each number was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::cascade) counted_up_to: Option<u64>,
    pub(in crate::cascade) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cascade) orphans: Vec<Line>,
    pub(in crate::cascade) lines: Vec<Line>,
    pub(in crate::cascade) blockers: Vec<Blocker>,
}

/// One foreign key of a preview, and the rows that refer through it.
///
/// A row may refer through several keys, so lines overlap; what is deleted in all is in
/// [`Preview::outcome`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Line {
    /// The table referenced.
    pub parent: String,
    /// The table whose rows refer.
    pub table: String,
    /// The key by which they refer, as `items.store_id`.
    pub foreign_key: String,
    /// What happens to them.
    pub action: Action,
    /// How many rows reference doomed ones. For SET NULL, SET DEFAULT and NO ACTION without those
    /// that are doomed themselves: these are changed, or in the way.
    pub rows: u64,
    /// Whether there are at least so many, because they were counted no further
    /// ([`Deletion::counting_up_to`](crate::Deletion::counting_up_to)).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub or_more: bool,
}

/// Rows that must stay and reference rows that would go (rule R5).
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
    /// Whether there are at least so many, because they were counted no further.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub or_more: bool,
    /// The primary keys of the first of them, in key order; at most [`Blocker::SAMPLE_KEYS_MAX`].
    pub sample_keys: Vec<Key>,
    /// The tables from the root down to the rows in the way.
    pub path: Vec<String>,
}

impl Blocker {
    /// How many sample keys a blocker carries at most.
    pub const SAMPLE_KEYS_MAX: usize = 5;
}

impl Preview {
    /// The same as if each number had been counted no further than this: one more then stands for
    /// all that are more.
    pub(crate) fn counted_at_most(mut self, rows_max: Option<u64>) -> Self {
        let Some(rows_max) = rows_max else { return self };
        let limit = rows_max.saturating_add(1);
        self.counted_up_to = Some(rows_max);
        self.outcome = self.outcome.at_most(limit);
        let lines = self.lines.iter_mut().map(|line| (&mut line.rows, &mut line.or_more));
        let blockers = self.blockers.iter_mut().map(|blocker| (&mut blocker.rows, &mut blocker.or_more));
        for (rows, or_more) in lines.chain(blockers) {
            (*rows, *or_more) = ((*rows).min(limit), *rows >= limit);
        }
        self
    }

    /// How far each number was counted, if not in full: a number above that stands for as many or
    /// more. See [`Deletion::counting_up_to`](crate::Deletion::counting_up_to).
    #[must_use]
    pub fn counted_up_to(&self) -> Option<u64> {
        self.counted_up_to
    }

    /// The table whose rows were asked for.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The numbers that [`execute`](crate::Deletion::execute) would give, were nothing in the way.
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

    /// Every foreign key that the delete looks at, by parent, parents first; also those with no
    /// rows.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Of a [repair](crate::Repair): every key of the table, with how many of its rows reference
    /// nothing by it and what becomes of them. Those that are changed are counted without those
    /// that are deleted by another key. NO ACTION and RESTRICT leave them. Empty for a delete.
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
    fn branches(&self, parent: &str) -> Vec<Branch> {
        let lines = self.lines.iter().filter(|line| line.parent == parent && line.rows > 0);
        let branch = |line: &Line| {
            let leads_on = line.action == Action::Cascade && line.table != line.parent;
            Branch { text: line.to_string(), below: leads_on.then(|| line.table.clone()) }
        };
        lines.map(branch).collect()
    }

    /// A number of rows in words.
    pub(crate) fn rows(&self, number: u64) -> String {
        rows(number, self.counted_up_to.is_some_and(|rows_max| number > rows_max))
    }

    /// A sum of numbers, some of which may have been counted no further.
    fn sum(&self, mut numbers: impl Iterator<Item = u64>, sum: u64) -> String {
        let is_more = self.counted_up_to.is_some_and(|rows_max| numbers.any(|number| number > rows_max));
        format!("{}{sum}", if is_more { "at least " } else { "" })
    }
}

impl fmt::Display for Preview {
    /// A tree of the keys through which rows refer, then the totals, then the blockers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} to delete", self.root, rows(self.roots, false))?;
        write_tree(f, &self.root, &mut Vec::new(), |parent| self.branches(parent))?;
        writeln!(f)?;
        for orphans in self.orphans.iter().filter(|orphans| orphans.rows > 0) {
            let Line { parent: _, table: _, foreign_key, action, rows: number, or_more } = orphans;
            let number = rows(*number, *or_more);
            match action {
                Action::Cascade => writeln!(f, "orphans by {foreign_key}: {number} to delete")?,
                Action::SetNull | Action::SetDefault => writeln!(f, "orphans by {foreign_key}: {number} to change")?,
                Action::NoAction | Action::Restrict => writeln!(
                    f,
                    "orphans by {foreign_key}: {number} unchanged, because {action} has no rule for orphans"
                )?,
            }
        }
        let sum = if self.is_blocked() { "without the blockers" } else { "total" };
        let deleted = self.sum(self.outcome.deletions().map(|(_, rows)| rows), self.outcome.rows_deleted());
        let changed = self.sum(self.outcome.updates().map(|(.., rows)| rows), self.outcome.foreign_keys_changed());
        let s = if self.outcome.rows_deleted() == 1 { "" } else { "s" };
        write!(f, "{sum}: {deleted} row{s} deleted, {changed} changed")?;
        for blocker in &self.blockers {
            write!(f, "\nblocked: {blocker}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parent: _, table: _, foreign_key, action, rows: number, or_more } = self;
        let fate = match action {
            Action::Cascade => "to delete",
            Action::SetNull | Action::SetDefault => "to change",
            Action::NoAction | Action::Restrict => "blocking",
        };
        write!(f, "{foreign_key} {action}: {} {fate}", rows(*number, *or_more))
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, foreign_key, action, rows: rows_blocking, or_more, sample_keys, path } = self;
        let number = rows(*rows_blocking, *or_more);
        match action {
            Action::SetDefault => {
                write!(
                    f,
                    "{number} of {table} would take the default of {foreign_key}, and no remaining row has that key"
                )?;
            }
            Action::Cascade | Action::SetNull | Action::NoAction | Action::Restrict => {
                let verb = if *rows_blocking == 1 && !or_more { "references" } else { "reference" };
                write!(f, "{number} of {table} {verb} it through {foreign_key} ({action})")?;
            }
        }
        let more = if sample_keys.len() == Self::SAMPLE_KEYS_MAX { ", .." } else { "" };
        let keys: Vec<String> = sample_keys.iter().map(ToString::to_string).collect();
        write!(f, ", keys {}{more}, path {}", keys.join(", "), path.join(" > "))
    }
}

/// A number of rows in words; `or_more` if one of them stands for all that were not counted.
fn rows(number: u64, or_more: bool) -> String {
    let number = number - u64::from(or_more && number > 0);
    format!("{}{number} row{}", if or_more { "more than " } else { "" }, if number == 1 { "" } else { "s" })
}
