//! The numbers that a preview shows and a delete checks.
//!
//! Pure.

use crate::cascade::data::action::Action;
use crate::cascade::declare::schema::{KeyId, Schema, TableId};
use crate::cascade::plan::Plan;

/// A number to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// The doomed rows of a table, each once (R4).
    Doomed(TableId),
    /// The rows that reference doomed ones by a key.
    Referencing(KeyId),
    /// Those of them that are not doomed themselves (R3, R9).
    ReferencingSurvivors(KeyId),
    /// The rows that stay and that the defaults of a SET DEFAULT key name: one, or none.
    DefaultSurvivor(KeyId),
}

impl Count {
    /// The rows that an action other than CASCADE is about. RESTRICT looks at the doomed too (R3).
    pub(crate) fn referencing(schema: &Schema, key: KeyId) -> Self {
        match schema.keys[key].action {
            Action::Cascade | Action::Restrict => Self::Referencing(key),
            Action::SetNull | Action::SetDefault | Action::NoAction => Self::ReferencingSurvivors(key),
        }
    }

    /// The rows that go by a CASCADE key: all doomed of their table, if they are doomed by nothing
    /// else.
    pub(crate) fn doomed_by(schema: &Schema, plan: &Plan, key: KeyId) -> Self {
        let child = schema.keys[key].child;
        match plan.dooming(schema, child).count() {
            1 if child != plan.root => Self::Doomed(child),
            _ => Self::Referencing(key),
        }
    }
}

/// Which numbers are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CountScope {
    /// All that a preview shows.
    All,
    /// Those that decide whether something is in the way.
    Blockers,
}

impl CountScope {
    /// Each number once.
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
