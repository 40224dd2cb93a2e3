//! The tables of `sea-orm-cascade`'s Store and Item: `stores` and `items`, the record tables from
//! which deleted ones can be brought back, and `cascade_receipts`.
//!
//! There are two ways to use it. Choose one; do not mix them.
//!
//! - Run this [`Migrator`] beside your own, in either order. It keeps its record in the table
//!   `sea_orm_cascade_migrations`.
//! - Put [`Migrator::migrations`] before your own list, and run only your own Migrator.
//!
//! It imports nothing from `sea-orm-cascade`, because a migration must not change when the entities
//! change.
//!
//! # Example
//! ```
//! use sea_orm_cascade_migration::{Migrator, MigratorTrait as _};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sea_orm_migration::sea_orm::DbErr> {
//! let db = sea_orm_migration::sea_orm::Database::connect("sqlite::memory:").await?;
//! Migrator::up(&db, None).await?;
//! assert!(Migrator::get_pending_migrations(&db).await?.is_empty());
//! # Ok(()) }
//! ```

mod m20261122_000001_create_sea_orm_cascade_stores;
mod m20261122_000002_create_sea_orm_cascade_items;
mod m20261127_000003_create_sea_orm_cascade_records;
mod name;

pub use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};

use sea_orm_migration::prelude::{DynIden, IntoIden as _, Table};
use sea_orm_migration::sea_orm::{DatabaseExecutor, DbErr};
use sea_orm_migration::{IntoSchemaManagerConnection, async_trait};

/// Creates, updates and drops `stores`, `items` and their record tables.
///
/// `up`, `down`, `refresh` and `status` work as in every Migrator. `fresh` differs: it drops and
/// creates only the tables of this crate. SeaORM's own `fresh` drops every table of the database.
#[derive(Debug, Clone, Copy, Default)]
pub struct Migrator;

const TABLE: &str = "sea_orm_cascade_migrations";

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_create_sea_orm_cascade_stores::Migration),
            Box::new(m20261122_000002_create_sea_orm_cascade_items::Migration),
            Box::new(m20261127_000003_create_sea_orm_cascade_records::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        TABLE.into_iden()
    }

    /// Drops `items`, `stores`, their record tables and this Migrator's record, with all their rows,
    /// and creates them again. Other tables stay, `cascade_receipts` too. If one of them references these tables, the database returns an
    /// error.
    async fn fresh<'c, C>(db: C) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        match db.into_database_executor() {
            DatabaseExecutor::Connection(db) => {
                drop_own(&SchemaManager::new(db)).await?;
                Self::up(db, None).await
            }
            DatabaseExecutor::Transaction(db) => {
                drop_own(&SchemaManager::new(db)).await?;
                Self::up(db, None).await
            }
            DatabaseExecutor::OwnedTransaction(db) => {
                drop_own(&SchemaManager::new(&db)).await?;
                Self::up(db, None).await
            }
        }
    }
}

async fn drop_own(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let [items, stores] = m20261127_000003_create_sea_orm_cascade_records::RECORDS;
    for table in [items, stores, "items", "stores", TABLE] {
        manager.drop_table(Table::drop().table(table).if_exists().to_owned()).await?;
    }
    Ok(())
}
