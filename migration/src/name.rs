//! The name column of both tables.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DbBackend, DbErr, Statement};

/// The column `name`: at most 80 characters, compared by code point on every database, so that
/// uniqueness, order and prefixes are the same on all of them.
///
/// SQLite does this by default. MariaDB and MySQL have different names for the collation. Both
/// collations are without padding, which would ignore a trailing blank.
pub(crate) async fn column(manager: &SchemaManager<'_>) -> Result<ColumnDef, DbErr> {
    Ok(recorded(manager).await?.not_null().to_owned())
}

/// The same in a record, where it may be NULL.
pub(crate) async fn recorded(manager: &SchemaManager<'_>) -> Result<ColumnDef, DbErr> {
    let ty = match manager.get_database_backend() {
        DbBackend::Postgres => "varchar(80) COLLATE \"C\"".to_owned(),
        DbBackend::MySql => format!("varchar(80) CHARACTER SET utf8mb4 COLLATE {}", collation(manager).await?),
        _ => "varchar(80)".to_owned(),
    };
    Ok(ColumnDef::new("name").custom(ty).to_owned())
}

async fn collation(manager: &SchemaManager<'_>) -> Result<&'static str, DbErr> {
    let version = Statement::from_string(DbBackend::MySql, "SELECT VERSION() AS version");
    let row = manager.get_connection().query_one_raw(version).await?;
    let version: String = row.map(|row| row.try_get("", "version")).transpose()?.unwrap_or_default();
    Ok(if version.contains("MariaDB") { "utf8mb4_nopad_bin" } else { "utf8mb4_0900_bin" })
}

/// The CHECK of a name in the database: not empty, at most 80 characters, no blanks at its ends.
pub(crate) fn rules(manager: &SchemaManager<'_>) -> Expr {
    let length = match manager.get_database_backend() {
        DbBackend::Sqlite => "length",
        _ => "char_length",
    };
    Expr::cust(format!("{length}(name) BETWEEN 1 AND 80 AND name = trim(name)"))
}
