//! The tables of `sea-orm-cascade`'s Store and Item: `stores` and `items`.
//!
//! - [`Migrator`] makes them, keeps its own record in the table `sea_orm_cascade_migrations`, and
//!   so gets along with a program's own Migrator in either order.
//! - A program that wants one Migrator puts [`Migrator::migrations`] in front of its own list
//!   instead.
//!
//! It imports nothing of `sea-orm-cascade`: a migration is history, and history does not change
//! with the entities.
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
mod name;

pub use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};

use sea_orm_migration::prelude::{DynIden, IntoIden as _, Table};
use sea_orm_migration::sea_orm::{DatabaseExecutor, DbErr};
use sea_orm_migration::{IntoSchemaManagerConnection, async_trait};

/// Makes, updates and removes `stores` and `items`.
///
/// `up`, `down`, `refresh` and `status` are those of every Migrator. `fresh` differs: it removes
/// and makes anew the tables of this crate alone, where SeaORM's own drops every table of the
/// database.
#[derive(Debug, Clone, Copy, Default)]
pub struct Migrator;

const TABLE: &str = "sea_orm_cascade_migrations";

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_create_sea_orm_cascade_stores::Migration),
            Box::new(m20261122_000002_create_sea_orm_cascade_items::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        TABLE.into_iden()
    }

    /// Drops `items`, `stores` and this Migrator's record, with all their rows, and makes them
    /// anew. Other tables stay; one that still refers to these is an error of the database.
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
    for table in ["items", "stores", TABLE] {
        manager.drop_table(Table::drop().table(table).if_exists().to_owned()).await?;
    }
    Ok(())
}
