use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DbBackend, DbErr};

use crate::name;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut store = ForeignKey::create()
            .name("items_store_id_fkey")
            .from("items", "store_id")
            .to("stores", "id")
            .on_delete(ForeignKeyAction::Cascade)
            .to_owned();
        let mut items = Table::create()
            .table("items")
            .col(ColumnDef::new("id").big_integer().not_null().auto_increment().primary_key())
            .col(name::column(manager).await?)
            .col(ColumnDef::new("store_id").big_integer().not_null())
            .foreign_key(&mut store)
            .check(name::rules(manager))
            .to_owned();
        // Finds a store's items, for its deletion, and pages through them by id.
        let mut of_a_store =
            Index::create().name("items_store_id_id_idx").table("items").col("store_id").col("id").to_owned();
        if manager.get_database_backend() == DbBackend::MySql {
            // In one statement, because each of them commits there.
            return manager.create_table(items.index(&mut of_a_store).to_owned()).await;
        }
        manager.create_table(items).await?;
        manager.create_index(of_a_store).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("items").to_owned()).await
    }
}
