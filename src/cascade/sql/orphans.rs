//! Orphans: rows that reference a row that does not exist.
//!
//! Pure. One condition finds the orphans of a key. The audit counts with it, and the repair deletes
//! and changes with it.

use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, IntoIden as _, LockType, Query, TableRef};

use crate::cascade::declare::schema::{ForeignKey, KeyId, Schema, TableId};
use crate::cascade::sql::{RowSet, table_iden};

/// The alias of the parent table in the condition: it may be the child's own table.
const PARENT: &str = "__cascade_parent";

/// How a statement reads the parents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// As its snapshot shows them.
    Plain,
    /// MySQL and MariaDB: as they are committed, locked until the transaction ends. In a
    /// transaction of the caller at REPEATABLE READ, their default, the snapshot may be older than
    /// the rows that it has locked.
    Committed,
}

/// Returns the orphans of this key that match a guard. R9: a NULL is not a reference.
pub(crate) fn orphans(schema: &Schema, key: KeyId, guard: Option<&Expr>) -> RowSet {
    orphans_as(schema, schema.keys[key].child, &[key], guard, Look::Plain)
}

/// Returns the rows that are orphans by any of these keys of one table.
pub(crate) fn orphans_as(schema: &Schema, table: TableId, keys: &[KeyId], guard: Option<&Expr>, look: Look) -> RowSet {
    let each = keys.iter().map(|&key| refers_to_nothing(schema, key, look));
    let any = each.reduce(sea_orm::sea_query::ExprTrait::or).unwrap_or_else(|| Expr::cust("1 = 2"));
    RowSet::new(table, with_guard(any, guard))
}

fn refers_to_nothing(schema: &Schema, key: KeyId, look: Look) -> Expr {
    let ForeignKey { child, child_columns, parent, parent_columns, .. } = &schema.keys[key];
    let (child_table, parent_table) = (&schema.tables[*child], &schema.tables[*parent]);
    let from = |column: usize| Expr::col((table_iden(child_table), child_table.columns[column].name.clone()));
    let to = |column: usize| Expr::col((Alias::new(PARENT), parent_table.columns[column].name.clone()));
    let mut select = Query::select();
    select.expr(Expr::cust("1"));
    select.from(TableRef::Table(parent_table.name.clone(), Some(Alias::new(PARENT).into_iden())));
    for (&column, &referred) in child_columns.iter().zip(parent_columns) {
        select.and_where(to(referred).eq(from(column)));
    }
    if look == Look::Committed {
        select.lock(LockType::Share);
    }
    let stated = child_columns.iter().map(|&column| from(column).is_not_null());
    stated.fold(Expr::exists(select).not(), |condition, stated| stated.and(condition))
}

fn with_guard(condition: Expr, guard: Option<&Expr>) -> Expr {
    match guard {
        Some(guard) => condition.and(guard.clone()),
        None => condition,
    }
}
