//! Reads the schema of a database from its catalogs, with a fixed number of statements for any
//! number of tables.
//!
//! I/O. One file for each database has its queries. All of them return the same plain data.

mod mysql;
mod postgres;
mod sqlite;

use std::collections::BTreeSet;

use sea_orm::sea_query::{SchemaName, TableName};
use sea_orm::{DbErr, QueryResult, TryGetable, Value};

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::db::session::{CatalogQuery, Session};
use crate::cascade::declare::schema::Schema;
use crate::cascade::live::data::{
    Filled, Keepers, Live, LiveColumn, LiveIndex, LiveKey, LiveTable, QualifiedName, TableKind,
};
use crate::cascade::live::types::LiveType;
use crate::cascade::plan::recording::{RECEIPTS, record_table};

/// Reads these tables, and every foreign key of the database.
pub(crate) async fn read(session: &dyn Session, dialect: Dialect, schema: &Schema) -> Result<Live, DbErr> {
    match dialect {
        Dialect::Sqlite => sqlite::read(session, &schemas(schema), &names(schema)).await,
        Dialect::Postgres => postgres::read(session, &names(schema)).await,
        Dialect::MySql => mysql::read(session, &schemas(schema)).await,
    }
}

/// Returns the declared schemas.
fn schemas(schema: &Schema) -> BTreeSet<String> {
    let named = |TableName(schema, _): &TableName| schema.as_ref().map(|SchemaName(_, name)| name.to_string());
    schema.tables.iter().filter_map(|table| named(&table.name)).collect()
}

/// Returns the names of all declared tables, also of those left to the database, and of their record tables.
fn names(schema: &Schema) -> BTreeSet<String> {
    let left = schema.left_to_database.iter();
    let declared = schema.tables.iter().map(|table| &table.name).chain(left).map(|name| name.1.to_string());
    let recorded =
        schema.is_recorded.then(|| schema.tables.iter().map(|table| record_table(&table.name).1.to_string()));
    let receipts = schema.is_recorded.then(|| RECEIPTS.to_owned());
    declared.chain(recorded.into_iter().flatten()).chain(receipts).collect()
}

async fn query(session: &dyn Session, sql: impl Into<String>, values: Vec<Value>) -> Result<Vec<QueryResult>, DbErr> {
    session.query(&CatalogQuery::new(sql, values)).await
}

/// Reads a value by its name in the query.
fn get<T: TryGetable>(row: &QueryResult, name: &str) -> Result<T, DbErr> {
    row.try_get("", name)
}

fn place(row: &QueryResult, schema: &str, table: &str) -> Result<QualifiedName, DbErr> {
    Ok(QualifiedName { schema: get(row, schema)?, table: get(row, table)? })
}

/// Returns the table of that row. The rows of a table come together.
fn table_of(tables: &mut Vec<LiveTable>, place: QualifiedName, is_visible: bool, kind: TableKind) -> &mut LiveTable {
    if tables.last().is_none_or(|last| last.place != place) {
        let (columns, indexes, keepers, definition) = (Vec::new(), Vec::new(), Keepers::default(), None);
        tables.push(LiveTable { place, is_visible, kind, columns, indexes, keepers, collation: None, definition });
    }
    let last = tables.len() - 1;
    &mut tables[last]
}

/// Adds one column of an index.
fn add_to_index(tables: &mut [LiveTable], place: &QualifiedName, index: LiveIndex) {
    let Some(table) = tables.iter_mut().find(|table| table.place == *place) else { return };
    match table.indexes.iter_mut().find(|known| known.name == index.name) {
        Some(known) => {
            known.columns.extend(index.columns);
            known.defect = known.defect.or(index.defect);
            known.collations.extend(index.collations);
        }
        None => table.indexes.push(index),
    }
}

/// Adds one column pair of a foreign key. The pairs of a key come together.
fn add_to_key(keys: &mut Vec<(String, LiveKey)>, id: String, key: LiveKey) {
    match keys.last_mut().filter(|(last, _)| *last == id) {
        Some((_, known)) => {
            known.child_columns.extend(key.child_columns);
            known.parent_columns.extend(key.parent_columns);
        }
        None => keys.push((id, key)),
    }
}

/// Reads an action from the word or letter in a catalog. An unknown one is an error (R12).
fn action(row: &QueryResult, name: &str) -> Result<Action, DbErr> {
    match get::<String>(row, name)?.as_str() {
        "CASCADE" | "c" => Ok(Action::Cascade),
        "SET NULL" | "n" => Ok(Action::SetNull),
        "SET DEFAULT" | "d" => Ok(Action::SetDefault),
        "RESTRICT" | "r" => Ok(Action::Restrict),
        "NO ACTION" | "a" => Ok(Action::NoAction),
        other => Err(DbErr::Custom(format!("the catalogs have an action that is not known: {other}"))),
    }
}

fn column(name: String, nullable: bool, ty: LiveType) -> LiveColumn {
    LiveColumn {
        name,
        nullable,
        ty: Some(ty),
        filled: Filled::Not,
        is_set_by_update: false,
        is_not_null_by_type: false,
        stated: None,
    }
}
