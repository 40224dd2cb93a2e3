use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbErr;

use crate::name;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let stores = Table::create()
            .table("stores")
            .col(ColumnDef::new("id").big_integer().not_null().auto_increment().primary_key())
            .col(name::column(manager).await?.unique_key())
            .check(name::rules(manager))
            .to_owned();
        manager.create_table(stores).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("stores").to_owned()).await
    }
}
