//! The kinds of findings of an audit.
//!
//! Pure.

use serde::{Deserialize, Serialize};

use crate::cascade::data::action::Action;
use crate::cascade::data::key::Key;

/// The kind of difference that a finding reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// The record table of a table, or the table of the receipts, does not exist, and the graph was
    /// built [`with_undo`](crate::GraphBuilder::with_undo).
    RecordTableMissing,
    /// A record table lacks columns of its table, or has them with another type.
    #[non_exhaustive]
    RecordTableBehind {
        /// These columns.
        columns: Vec<String>,
    },
    /// SQLite hands out the keys of deleted rows again, and the graph was built
    /// [`with_undo`](crate::GraphBuilder::with_undo).
    #[non_exhaustive]
    KeysReused {
        /// The primary key.
        column: String,
    },
    /// This connection does not check foreign keys. The fix is for this connection only: if the
    /// options of a pool turn the checks off, change them there.
    EnforcementOff,
    /// A registered table does not exist.
    TableMissing,
    /// A declared column does not exist.
    #[non_exhaustive]
    ColumnMissing {
        /// The column.
        column: String,
    },
    /// A foreign key column can be NULL although it is declared NOT NULL, or the reverse.
    #[non_exhaustive]
    NullabilityDiffers {
        /// The column.
        column: String,
        /// Whether the entity declares that it can be NULL.
        declared_nullable: bool,
    },
    /// A key column has another type than declared. It can hold values that the declared type
    /// cannot, or the database compares them differently.
    #[non_exhaustive]
    TypeDiffers {
        /// The column.
        column: String,
        /// The declared type, as SeaORM would create it on this database.
        declared_type: String,
        /// The type of the column.
        found_type: String,
    },
    /// The two ends of a foreign key have different types or collations. The database then compares
    /// them differently than values of one type, or refuses a constraint between them.
    #[non_exhaustive]
    EndsDiffer {
        /// The foreign key column.
        column: String,
        /// Its type, with the collation if the collations differ.
        column_type: String,
        /// The referenced table.
        parent: String,
        /// The referenced column.
        parent_column: String,
        /// Its type.
        parent_type: String,
    },
    /// SQLite, with [`counting_orphans`](crate::AuditRequest::counting_orphans): rows store a key in
    /// another form than the declared type has, such as a UUID as text where others are 16 bytes,
    /// or 1.5 in a column of integers.
    #[non_exhaustive]
    StoredOtherwise {
        /// The column.
        column: String,
        /// How many rows.
        rows: u64,
    },
    /// MySQL and MariaDB: the storage engine of the table has no transactions, so a failed delete
    /// could not be rolled back.
    #[non_exhaustive]
    NoTransactions {
        /// The storage engine.
        engine: String,
    },
    /// SET NULL or SET DEFAULT is declared on a generated column, which cannot be changed.
    #[non_exhaustive]
    GeneratedColumn {
        /// The column.
        column: String,
    },
    /// The entity is registered for a view or for a foreign table.
    RegisteredView,
    /// Triggers run when a delete removes rows of the table or changes them by SET NULL or SET
    /// DEFAULT.
    #[non_exhaustive]
    Triggers {
        /// Their names.
        triggers: Vec<String>,
    },
    /// PostgreSQL: rules rewrite the DELETE or UPDATE statements on the table.
    #[non_exhaustive]
    Rules {
        /// Their names.
        rules: Vec<String>,
    },
    /// PostgreSQL: row security is active for this connection. It may hide rows, or keep them from
    /// being deleted.
    #[non_exhaustive]
    RowSecurity {
        /// Its policies. Without any, no row is visible.
        policies: Vec<String>,
    },
    /// Several servers accept writes at the same time, and the database has no constraint for the
    /// key. A lock on one server does not stop another from adding a child to a row that is being
    /// deleted.
    SeveralWriters,
    /// The referenced columns are not unique, so several rows may have the same values.
    #[non_exhaustive]
    ReferencedKeyNotUnique {
        /// The referenced table.
        parent: String,
        /// The referenced columns.
        columns: Vec<String>,
    },
    /// No index begins with the foreign key's columns, so each delete of a parent reads the whole
    /// child table.
    #[non_exhaustive]
    IndexMissing {
        /// The foreign key's columns.
        columns: Vec<String>,
        /// Indexes that begin with them and cannot be used: they are partial, invalid, switched
        /// off, or of a kind that cannot look values up.
        unusable: Vec<String>,
    },
    /// Rows reference parents that do not exist.
    #[non_exhaustive]
    Orphans {
        /// How many rows.
        rows: u64,
        /// The primary keys of the first of them; at most
        /// [`Blocker::SAMPLE_KEYS_MAX`](crate::Blocker::SAMPLE_KEYS_MAX).
        sample_keys: Vec<Key>,
    },
    /// The database has no constraint for the foreign key.
    ConstraintMissing,
    /// The constraint has another ON DELETE action than the entity declares.
    #[non_exhaustive]
    ActionDiffers {
        /// The declared action.
        declared_action: Action,
        /// The action of the constraint.
        found_action: Action,
        /// The name of the constraint; empty on SQLite, which stores no names.
        constraint: String,
    },
    /// The constraint exists but is not checked: its triggers are disabled, or it is NOT ENFORCED.
    #[non_exhaustive]
    ConstraintOff {
        /// Its name.
        constraint: String,
    },
    /// The constraint was added as NOT VALID, so older rows may violate it.
    #[non_exhaustive]
    ConstraintNotValidated {
        /// Its name.
        constraint: String,
    },
    /// The database's own cascade comes near its limit: a chain of tables is longer than the limit,
    /// or the rows of one table use more than half of its levels.
    #[non_exhaustive]
    CascadeTooDeep {
        /// The number of levels, including the deleted row; capped at `levels_max + 1`, which means
        /// more than `levels_max`.
        levels: u64,
        /// The limit of the database.
        levels_max: u64,
    },
    /// A constraint references a registered table, and the graph has no foreign key for it: its
    /// table is not registered, or its entity does not declare it.
    #[non_exhaustive]
    UndeclaredReference {
        /// The name of the constraint; empty on SQLite, which stores no names.
        constraint: String,
        /// The registered table that it references.
        parent: String,
        /// What the database does to the referencing rows.
        action: Action,
    },
}

impl FindingKind {
    /// The order of the fixes: a fix that others need comes first. A column becomes nullable before
    /// its constraint is created, and NOT NULL after it.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::EnforcementOff => 0,
            Self::TableMissing => 1,
            Self::ColumnMissing { .. } => 2,
            Self::NoTransactions { .. } => 3,
            Self::TypeDiffers { .. } => 4,
            Self::EndsDiffer { .. } => 5,
            Self::ReferencedKeyNotUnique { .. } => 6,
            Self::NullabilityDiffers { declared_nullable: true, .. } => 7,
            Self::IndexMissing { .. } => 8,
            Self::StoredOtherwise { .. } => 9,
            Self::Orphans { .. } => 10,
            Self::ConstraintMissing => 11,
            Self::ActionDiffers { .. } => 12,
            Self::ConstraintOff { .. } => 13,
            Self::ConstraintNotValidated { .. } => 14,
            Self::NullabilityDiffers { declared_nullable: false, .. } => 15,
            Self::CascadeTooDeep { .. } => 16,
            Self::UndeclaredReference { .. } => 17,
            Self::GeneratedColumn { .. } => 18,
            Self::RowSecurity { .. } => 19,
            Self::Rules { .. } => 20,
            Self::Triggers { .. } => 21,
            Self::RegisteredView => 22,
            Self::SeveralWriters => 23,
            Self::RecordTableMissing => 24,
            Self::RecordTableBehind { .. } => 25,
            Self::KeysReused { .. } => 26,
        }
    }

    /// Its name in the text of an audit.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::EnforcementOff => "enforcement is off",
            Self::TableMissing => "table missing",
            Self::ColumnMissing { .. } => "column missing",
            Self::NullabilityDiffers { .. } => "nullability differs",
            Self::TypeDiffers { .. } => "type differs",
            Self::EndsDiffer { .. } => "ends differ",
            Self::StoredOtherwise { .. } => "stored otherwise",
            Self::NoTransactions { .. } => "no transactions",
            Self::GeneratedColumn { .. } => "generated column",
            Self::RegisteredView => "registered view",
            Self::Triggers { .. } => "triggers",
            Self::Rules { .. } => "rules",
            Self::RowSecurity { .. } => "row security",
            Self::SeveralWriters => "several writers",
            Self::ReferencedKeyNotUnique { .. } => "referenced key not unique",
            Self::IndexMissing { .. } => "index missing",
            Self::Orphans { .. } => "orphans",
            Self::ConstraintMissing => "constraint missing",
            Self::ActionDiffers { .. } => "action differs",
            Self::ConstraintOff { .. } => "constraint is off",
            Self::ConstraintNotValidated { .. } => "constraint not validated",
            Self::CascadeTooDeep { .. } => "cascade too deep",
            Self::UndeclaredReference { .. } => "undeclared reference",
            Self::RecordTableMissing => "record table missing",
            Self::RecordTableBehind { .. } => "record table behind",
            Self::KeysReused { .. } => "keys reused",
        }
    }
}
