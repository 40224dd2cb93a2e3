//! The names of tables and foreign keys in messages and previews.
//!
//! Pure.

use sea_orm::EntityTrait;
use sea_orm::sea_query::{IntoIden as _, TableName, TableRef};

/// The table of an entity, with its schema if it declares one.
pub(crate) fn table_name<E: EntityTrait>() -> TableName {
    let entity = E::default();
    match named(&entity.table_ref()) {
        Some(name) => name.clone(),
        None => TableName(None, entity.into_iden()),
    }
}

/// The name in a table reference; `None` for sub-selects and functions, to which no relation leads.
pub(crate) fn named(table: &TableRef) -> Option<&TableName> {
    match table {
        TableRef::Table(name, _) => Some(name),
        _ => None,
    }
}

/// The name of a table in messages: `items`, or `shop.items` if a schema is declared.
pub(crate) fn label(name: &TableName) -> String {
    let TableName(schema, table) = name;
    match schema {
        Some(schema) => format!("{}.{table}", schema.1),
        None => table.to_string(),
    }
}

/// The name of a foreign key in messages: `items.store_id`, or `lines.(tenant, number)` for a
/// composite key.
pub(crate) fn key_label(table: &str, columns: &[String]) -> String {
    match columns {
        [one] => format!("{table}.{one}"),
        several => format!("{table}.({})", several.join(", ")),
    }
}
