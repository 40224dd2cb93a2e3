use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DbBackend, DbErr};

use crate::name;

/// The tables from which a deleted store or item can be brought back.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The record tables.
pub(crate) const RECORDS: [&str; 2] = ["cascade_gone_items", "cascade_gone_stores"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let receipts = Table::create()
            .table("cascade_receipts")
            .if_not_exists()
            .col(ColumnDef::new("number").big_integer().not_null().primary_key())
            .col(ColumnDef::new("made_at").big_integer().not_null())
            .col(text(manager, "reason"))
            .col(text(manager, "root"))
            .col(ColumnDef::new("state").string_len(10).not_null())
            .col(text(manager, "numbers"))
            .to_owned();
        manager.create_table(receipts).await?;
        let [items, stores] = RECORDS;
        record(manager, stores, &[]).await?;
        record(manager, items, &["store_id"]).await
    }

    /// Other record tables may have rows of the same receipts, so that table stays.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in RECORDS {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// SeaORM's TEXT of MySQL and MariaDB holds 64 KiB, and their character set may be another.
fn text(manager: &SchemaManager<'_>, name: &'static str) -> ColumnDef {
    let ty = match manager.get_database_backend() {
        DbBackend::MySql => "longtext CHARACTER SET utf8mb4",
        _ => "text",
    };
    ColumnDef::new(name).custom(ty).not_null().to_owned()
}

/// The columns of the table, and the three of a record. On SQLite they have no type, so that every
/// value stays as it is.
async fn record(manager: &SchemaManager<'_>, table: &'static str, keys: &[&'static str]) -> Result<(), DbErr> {
    let is_sqlite = manager.get_database_backend() == DbBackend::Sqlite;
    let number = |name: &'static str| {
        let mut column = ColumnDef::new(name);
        if is_sqlite {
            column.custom("")
        } else {
            column.big_integer()
        };
        column
    };
    let mut create = Table::create().table(table).to_owned();
    let mut id = number("id");
    create.col(if is_sqlite { id } else { id.not_null().to_owned() });
    create.col(if is_sqlite { ColumnDef::new("name").custom("").to_owned() } else { name::recorded(manager).await? });
    for key in keys {
        create.col(number(key));
    }
    create.col(ColumnDef::new("cascade_receipt").big_integer().not_null());
    create.col(ColumnDef::new("cascade_step").big_integer().not_null());
    create.col(ColumnDef::new("cascade_kind").string_len(8).not_null());
    let name = format!("{table}_0");
    if is_sqlite {
        manager.create_table(create).await?;
        let by_receipt = Index::create().name(name).table(table).col("cascade_receipt").col("cascade_step").to_owned();
        manager.create_index(by_receipt).await?;
    } else {
        create.primary_key(Index::create().col("cascade_receipt").col("cascade_step").col("id"));
        manager.create_table(create).await?;
    }
    // Items are compared with the stores that a receipt has.
    let by_key = Index::create().name(format!("{table}_1")).table(table).col("id").col("cascade_receipt").to_owned();
    manager.create_index(by_key).await
}
