//! What `build()` finds wrong with declarations.
//!
//! Pure.

use crate::cascade::data::action::Action;

/// One thing that cannot work in the declarations of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Two entity types name the same table.
    TableRegisteredTwice {
        /// The table.
        table: String,
        /// The type registered first.
        first: &'static str,
        /// The type registered after it.
        second: &'static str,
    },
    /// The entity declares no primary key.
    NoPrimaryKey {
        /// Its table.
        table: String,
    },
    /// A registered parent has children in a table that is neither registered nor left to the
    /// database.
    UnregisteredChild {
        /// The parent's table.
        parent: String,
        /// Its `has_many` or `has_one`.
        relation: String,
        /// The child's table.
        child: String,
    },
    /// A `has_many` or `has_one` that no `belongs_to` of the child answers, so that no rule is
    /// declared for it.
    NoBelongsTo {
        /// The parent's table.
        parent: String,
        /// Its `has_many` or `has_one`.
        relation: String,
        /// The child's table.
        child: String,
    },
    /// One foreign key is declared with two actions.
    ActionsDiffer {
        /// The key.
        foreign_key: String,
        /// One action.
        first: Action,
        /// The other; `None` for one that is not known.
        second: Option<Action>,
    },
    /// The action is none of the five.
    UnknownAction {
        /// The child's table.
        table: String,
        /// Its `belongs_to`.
        relation: String,
    },
    /// The relation has an `on_condition` or a condition type other than `All`, so that it is more
    /// or less than a foreign key: a `belongs_to`, or a `has_many` that no plain `belongs_to`
    /// answers.
    ConditionalRelation {
        /// The table of the entity that has it.
        table: String,
        /// The relation.
        relation: String,
        /// The child's table.
        child: String,
    },
    /// A relation names a column that its entity does not have.
    UnknownColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A `belongs_to` leads to columns that do not tell the rows of the parent apart, so it is no
    /// foreign key.
    ParentNotUnique {
        /// The table of the `belongs_to`.
        table: String,
        /// The relation.
        relation: String,
        /// The table that it leads to.
        parent: String,
        /// The columns there.
        columns: Vec<String>,
    },
    /// [`without`](crate::GraphBuilder::without) or [`on_delete`](crate::GraphBuilder::on_delete)
    /// names a relation of an entity that is not registered.
    RelationNotRegistered {
        /// The relation, with its Rust path.
        relation: String,
    },
    /// The two ends of a relation have different numbers of columns.
    ColumnCountDiffers {
        /// The child's table.
        table: String,
        /// Its `belongs_to`.
        relation: String,
    },
    /// A key column has a type without a dependable equality.
    KeyNotComparable {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The two ends of a key have types that databases compare differently, such as a number and a
    /// text.
    KeyTypesDiffer {
        /// The key.
        foreign_key: String,
        /// The parent's table.
        parent: String,
    },
    /// A repair is to set a key to NULL that cannot take it.
    OrphansCannotBeNull {
        /// Their table.
        table: String,
        /// The column.
        column: String,
        /// Why it cannot.
        reason: &'static str,
    },
    /// SET NULL or SET DEFAULT on a column that cannot take it.
    KeyCannotChange {
        /// The child's table.
        table: String,
        /// The column.
        column: String,
        /// The action declared.
        action: Action,
        /// Why it cannot.
        reason: &'static str,
    },
}
