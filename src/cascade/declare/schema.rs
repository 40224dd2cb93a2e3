//! The plain data of a graph: tables, and the foreign keys between them.
//!
//! Pure.

use std::any::TypeId;
use std::sync::Arc;

use sea_orm::DbBackend;
use sea_orm::sea_query::TableName;

use crate::cascade::data::action::Action;
use crate::cascade::data::memo::Memo;
use crate::cascade::declare::declaration::{Column, EntityId, TableDdl};
use crate::cascade::declare::hooks::Hooks;
use crate::cascade::error::Fault;

/// A position in [`Schema::tables`].
pub(crate) type TableId = usize;

/// A position in [`Schema::keys`].
pub(crate) type KeyId = usize;

/// The plain data of a graph that passed every check.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) tables: Vec<Table>,
    pub(crate) keys: Vec<ForeignKey>,
    /// A table with more doomed rows is not kept by key (R8).
    pub(crate) keys_per_table: usize,
    /// What follows from all of this, and would take longer to compute than to ask the database.
    pub(crate) memo: Memo,
    /// Tables whose references are left to the database.
    pub(crate) left_to_database: Vec<TableName>,
    /// Whether deletes can be recorded.
    pub(crate) is_recorded: bool,
    /// Tables outside the graph whose changes by the database need not be recorded.
    pub(crate) unrecorded: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) type_id: TypeId,
    pub(crate) name: TableName,
    pub(crate) label: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) primary_key: Vec<usize>,
    /// The primary key, then every other column that a registered key references. These values
    /// identify a row and its children.
    pub(crate) identity: Vec<usize>,
    /// The hooks that run for every deleted row.
    pub(crate) hooks: Option<Arc<dyn Hooks>>,
    pub(crate) ddl: Option<fn(DbBackend) -> TableDdl>,
}

/// A registered foreign key: the child's `belongs_to`.
#[derive(Debug)]
pub(crate) struct ForeignKey {
    pub(crate) label: String,
    pub(crate) child: TableId,
    pub(crate) child_columns: Vec<usize>,
    pub(crate) parent: TableId,
    pub(crate) parent_columns: Vec<usize>,
    pub(crate) action: Action,
    /// The constraint that the database should have; none with `skip_fk`.
    pub(crate) constraint: Option<Constraint>,
}

/// What a `belongs_to` declares about its constraint.
#[derive(Debug, Clone)]
pub(crate) struct Constraint {
    pub(crate) name: String,
    pub(crate) on_update: Action,
}

impl Schema {
    /// Returns the registered table of that entity.
    pub(crate) fn find(&self, entity: &EntityId) -> Option<TableId> {
        self.tables.iter().position(|table| table.type_id == entity.type_id)
    }

    /// Returns the reasons why orphans of a key cannot be set to NULL.
    pub(crate) fn cannot_be_null(&self, key: KeyId) -> impl Iterator<Item = Fault> {
        let Table { label, columns, .. } = &self.tables[self.keys[key].child];
        let fault = |(column, reason): (usize, _)| Fault::OrphansCannotBeNull {
            table: label.clone(),
            column: columns[column].name.to_string(),
            reason,
        };
        cannot_change(&self.tables, &self.keys, key, Action::SetNull).map(fault)
    }

    /// Whether any key references this table.
    pub(crate) fn has_children(&self, table: TableId) -> bool {
        self.keys_to(table).next().is_some()
    }

    /// Whether this key dooms rows that others may reference.
    pub(crate) fn leads_on(&self, key: KeyId) -> bool {
        self.keys[key].action == Action::Cascade && self.has_children(self.keys[key].child)
    }

    /// Returns the keys that reference this table.
    pub(crate) fn keys_to(&self, parent: TableId) -> impl Iterator<Item = KeyId> {
        (0..self.keys.len()).filter(move |&key| self.keys[key].parent == parent)
    }
}

impl Table {
    pub(crate) fn names(&self, columns: &[usize]) -> Vec<String> {
        columns.iter().map(|&column| self.columns[column].name.to_string()).collect()
    }
}

impl ForeignKey {
    /// Returns the nullable columns that are not part of the row's identity. Setting them to NULL
    /// breaks a reference cycle (R9), and the row is still found by its identity.
    pub(crate) fn cycle_break_columns(&self, schema: &Schema) -> Vec<usize> {
        let child = &schema.tables[self.child];
        let can_be_null = |column: &usize| child.columns[*column].nullable && !child.identity.contains(column);
        self.child_columns.iter().copied().filter(can_be_null).collect()
    }

    /// Returns those of them that no other key of the child has, which would change too.
    pub(crate) fn cycle_break_columns_alone(&self, schema: &Schema) -> Vec<usize> {
        let others = || schema.keys.iter().filter(|key| key.child == self.child && key.label != self.label);
        let is_shared = |column: &usize| others().any(|key| key.child_columns.contains(column));
        self.cycle_break_columns(schema).into_iter().filter(|column| !is_shared(column)).collect()
    }

    /// Whether the defaults that SET DEFAULT writes reference a row. They do not if one of them is
    /// NULL.
    pub(crate) fn refers_by_default(&self, schema: &Schema) -> bool {
        let columns = &schema.tables[self.child].columns;
        self.child_columns.iter().all(|&column| columns[column].default.is_some())
    }
}

/// R3: returns the columns of a key that such an action cannot change, with the reason.
pub(super) fn cannot_change(
    tables: &[Table],
    keys: &[ForeignKey],
    id: KeyId,
    action: Action,
) -> impl Iterator<Item = (usize, &'static str)> {
    let ForeignKey { child, child_columns, .. } = &keys[id];
    let table = &tables[*child];
    let reason = move |&position: &usize| {
        let column = &table.columns[position];
        if table.primary_key.contains(&position) {
            Some("it is part of the primary key")
        } else if table.identity.contains(&position) {
            Some("another registered foreign key references it")
        } else if shared(keys, id, position) {
            Some("another key of the table shares it")
        } else if column.nullable || (action == Action::SetDefault && column.default.is_some()) {
            None
        } else if action == Action::SetDefault {
            Some("it is NOT NULL and has no default")
        } else {
            Some("it is NOT NULL")
        }
    };
    child_columns.iter().filter_map(move |position| Some((*position, reason(position)?)))
}

/// Whether another key has the column too, so that changing one key changes what the other
/// references. The outcome would then depend on which of two changed keys comes first (R7), or a
/// default would reference a row that was not searched.
fn shared(keys: &[ForeignKey], id: KeyId, column: usize) -> bool {
    let key = &keys[id];
    let others = keys.iter().enumerate().filter(|(other, _)| *other != id);
    let mut sharing = others.filter(|(_, other)| other.child == key.child && other.child_columns.contains(&column));
    sharing.any(
        |(other_id, other)| {
            if other.action.changes_key() { other_id < id } else { key.action == Action::SetDefault }
        },
    )
}
