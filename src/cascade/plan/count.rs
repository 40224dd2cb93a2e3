//! The numbers that a preview shows and a delete checks.
//!
//! Pure.

use crate::cascade::data::action::Action;
use crate::cascade::data::preview::Preview;
use crate::cascade::declare::schema::{KeyId, Schema, TableId};
use crate::cascade::plan::Plan;

/// A row count that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// The doomed rows of a table, each counted once (R4).
    Doomed(TableId),
    /// The rows that reference doomed rows through a foreign key.
    Referencing(KeyId),
    /// Those of them that are not doomed (R3, R9).
    ReferencingSurvivors(KeyId),
    /// The rows that the defaults of a SET DEFAULT key reference and that are not doomed: one or
    /// none.
    DefaultSurvivor(KeyId),
}

impl Count {
    /// Returns the count for an action other than CASCADE. RESTRICT counts doomed rows too (R3).
    pub(crate) fn referencing(schema: &Schema, key: KeyId) -> Self {
        match schema.keys[key].action {
            Action::Cascade | Action::Restrict => Self::Referencing(key),
            Action::SetNull | Action::SetDefault | Action::NoAction => Self::ReferencingSurvivors(key),
        }
    }

    /// Returns the count for a CASCADE key: all doomed rows of its table, if no other key dooms rows
    /// there.
    pub(crate) fn doomed_by(schema: &Schema, plan: &Plan, key: KeyId) -> Self {
        let child = schema.keys[key].child;
        match plan.dooming(schema, child).count() {
            1 if child != plan.root => Self::Doomed(child),
            _ => Self::Referencing(key),
        }
    }
}

/// Which counts are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CountScope {
    /// All counts that a preview shows.
    All,
    /// Only the counts that find blockers.
    Blockers,
}

impl CountScope {
    /// Returns what a delete counts before it writes. A limit and a shown preview are held against
    /// all numbers.
    pub(crate) fn of_delete(at_most: Option<u64>, expecting: Option<&Preview>) -> Self {
        if at_most.is_some() || expecting.is_some() { Self::All } else { Self::Blockers }
    }

    /// Returns each count once.
    pub(crate) fn counts(self, schema: &Schema, plan: &Plan) -> Vec<Count> {
        let mut counts: Vec<Count> = match self {
            Self::All => plan.doomed.iter().copied().map(Count::Doomed).collect(),
            Self::Blockers => Vec::new(),
        };
        for &key in &plan.keys {
            match (schema.keys[key].action, self) {
                (Action::Cascade | Action::SetNull, Self::Blockers) => {}
                (Action::Cascade, Self::All) => match Count::doomed_by(schema, plan, key) {
                    // Among them already.
                    Count::Doomed(_) => {}
                    count => counts.push(count),
                },
                (Action::SetNull | Action::NoAction | Action::Restrict, _) => {
                    counts.push(Count::referencing(schema, key));
                }
                (Action::SetDefault, _) => {
                    counts.push(Count::referencing(schema, key));
                    if schema.keys[key].refers_by_default(schema) {
                        counts.push(Count::DefaultSurvivor(key));
                    }
                }
            }
        }
        counts
    }
}
