//! What `build()` finds wrong with declarations.
//!
//! Pure.

use crate::cascade::data::action::Action;

/// One mistake in the declarations of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Two entity types name the same table.
    #[non_exhaustive]
    TableRegisteredTwice {
        /// The table.
        table: String,
        /// The type registered first.
        first: &'static str,
        /// The type registered after it.
        second: &'static str,
    },
    /// The entity declares no primary key.
    #[non_exhaustive]
    NoPrimaryKey {
        /// Its table.
        table: String,
    },
    /// A registered parent has children in a table that is neither registered nor left to the
    /// database.
    #[non_exhaustive]
    UnregisteredChild {
        /// The parent's table.
        parent: String,
        /// Its `has_many` or `has_one`.
        relation: String,
        /// The child's table.
        child: String,
    },
    /// A `has_many` or `has_one` without a `belongs_to` on the child, so no rule is declared for
    /// it.
    #[non_exhaustive]
    NoBelongsTo {
        /// The parent's table.
        parent: String,
        /// Its `has_many` or `has_one`.
        relation: String,
        /// The child's table.
        child: String,
    },
    /// One foreign key is declared with two actions.
    #[non_exhaustive]
    ActionsDiffer {
        /// The key.
        foreign_key: String,
        /// One action.
        first: Action,
        /// The other; `None` for one that is not known.
        second: Option<Action>,
    },
    /// The action is not one of the five.
    #[non_exhaustive]
    UnknownAction {
        /// The child's table.
        table: String,
        /// Its `belongs_to`.
        relation: String,
    },
    /// The relation has an `on_condition` or a condition type other than `All`, so it is not a
    /// plain foreign key: a `belongs_to`, or a `has_many` without a plain `belongs_to` on the
    /// child.
    #[non_exhaustive]
    ConditionalRelation {
        /// The table of the entity that has it.
        table: String,
        /// The relation.
        relation: String,
        /// The child's table.
        child: String,
    },
    /// A relation names a column that its entity does not have.
    #[non_exhaustive]
    UnknownColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A `belongs_to` leads to columns that do not tell the rows of the parent apart, so it is no
    /// foreign key.
    #[non_exhaustive]
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
    #[non_exhaustive]
    RelationNotRegistered {
        /// The relation, with its Rust path.
        relation: String,
    },
    /// [`actions_from`](crate::GraphBuilder::actions_from): the database has no constraint for the
    /// key, or its entity was registered later.
    #[non_exhaustive]
    NoConstraint {
        /// The key.
        foreign_key: String,
    },
    /// [`actions_from`](crate::GraphBuilder::actions_from): the database has several constraints
    /// for the key, with different actions.
    #[non_exhaustive]
    ConstraintsDiffer {
        /// The key.
        foreign_key: String,
        /// Their actions.
        actions: Vec<Action>,
    },
    /// [`actions_from`](crate::GraphBuilder::actions_from): the constraint changes only some
    /// columns of the key (PostgreSQL: `ON DELETE SET NULL (column)`).
    #[non_exhaustive]
    ConstraintChangesSome {
        /// The key.
        foreign_key: String,
    },
    /// The two ends of a relation have different numbers of columns.
    #[non_exhaustive]
    ColumnCountDiffers {
        /// The child's table.
        table: String,
        /// Its `belongs_to`.
        relation: String,
    },
    /// A key column has a type without a reliable equality.
    #[non_exhaustive]
    KeyNotComparable {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The two ends of a key have types that databases compare differently, such as a number and a
    /// text.
    #[non_exhaustive]
    KeyTypesDiffer {
        /// The key.
        foreign_key: String,
        /// The parent's table.
        parent: String,
    },
    /// A repair should set a key to NULL that cannot be NULL.
    #[non_exhaustive]
    OrphansCannotBeNull {
        /// Their table.
        table: String,
        /// The column.
        column: String,
        /// Why it cannot.
        reason: &'static str,
    },
    /// SET NULL or SET DEFAULT on a column that cannot take it.
    #[non_exhaustive]
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
