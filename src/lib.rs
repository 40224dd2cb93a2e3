//! Preview, limit and run deletes of related rows with SeaORM: each delete is previewed, limited
//! and atomic.
//!
//! It works for any SeaORM 2.0 entities on SQLite, PostgreSQL, MySQL and MariaDB. The entities
//! Store and Item are included, ready to embed.
//!
//! If you delete a store that still has items, the database returns an error, because the foreign
//! key of the items would reference nothing. Declare once what should happen instead, as
//! `on_delete` on the child's `belongs_to`: the items are deleted too, lose their reference, or
//! block the delete. The engine in [`cascade`] applies that rule to every registered table. It does
//! the same on each database, with or without the foreign key in the schema.
//!
//! # Example
//! ```
//! use sea_orm_cascade::entity::{item, store};
//! use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
//! use sea_orm_cascade::service;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let db = sea_orm::Database::connect("sqlite::memory:").await?;
//! Migrator::up(&db, None).await?;
//!
//! // Once, at start-up: register the tables. Wrong declarations are an error here.
//! let graph = service::graph().build()?;
//!
//! let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
//!
//! let deletion = graph.delete_keys(store::Entity, [ikea.id]).at_most(10_000);
//! let preview = deletion.preview(&db).await?; // println!("{preview}")
//! assert_eq!(preview.deleted(item::Entity), 2);
//!
//! let outcome = deletion.expecting(&preview).execute(&db).await?;
//! assert_eq!(outcome.to_string(), "deleted stores 1, items 2");
//! # Ok(()) }
//! ```
//!
//! # Where to find things
//! - [`service`]: create, get, list, rename, move, preview and delete stores and items.
//! - [`entity`]: Store and Item themselves.
//! - [`cascade`]: the engine, for your own entities. It leads from [`Graph`] to [`Deletion`] to
//!   [`Preview`] and [`Outcome`]. [`Graph::audit`] and [`Graph::repair`] check and repair the
//!   database. Its rules are listed there.
//! - `migration` (feature `migration`): the tables of Store and Item.
//!
//! Pages with more:
//! - [your own entities](https://github.com/sea-orm-cascade/sea-orm-cascade/blob/main/docs/own-entities.md)
//! - [previews and errors](https://github.com/sea-orm-cascade/sea-orm-cascade/blob/main/docs/previews.md)
//! - [batches and hooks](https://github.com/sea-orm-cascade/sea-orm-cascade/blob/main/docs/batches.md)
//! - [undo](https://github.com/sea-orm-cascade/sea-orm-cascade/blob/main/docs/undo.md)
//! - [audit and repair](https://github.com/sea-orm-cascade/sea-orm-cascade/blob/main/docs/audit.md)
//! - [databases](https://github.com/sea-orm-cascade/sea-orm-cascade/blob/main/docs/databases.md)
//! - [limits](https://github.com/sea-orm-cascade/sea-orm-cascade/blob/main/docs/limits.md) and [benchmarks](https://github.com/sea-orm-cascade/sea-orm-cascade/blob/main/docs/benchmarks.md)
//!
//! # Features
//! - `sqlite` (on by default), `postgres` and `mysql` enable SeaORM's drivers. A connection to a
//!   database whose feature is off is refused by name.
//! - `service` (on by default): `entity` and `service`. The engine alone needs neither.
//! - `migration` re-exports the migration crate.
//! - TLS is chosen by SeaORM's own features.
//!
//! # What it does not do
//! - On MySQL and MariaDB, rows that reference each other in a ring (or themselves) through keys
//!   that cannot be NULL can only be deleted if there is no constraint, or one that cascades:
//!   [`Ring`](ErrorKind::Ring).
//! - Rows that triggers change are not counted.
//! - Foreign keys from tables outside the graph are left to the database: see
//!   [`StillReferenced`](ErrorKind::StillReferenced). An audit names them.
//! - MySQL is tested from 9.7 on.

pub mod cascade;
#[cfg(feature = "service")]
pub mod entity;
#[cfg(feature = "service")]
pub mod service;

#[doc(no_inline)]
pub use cascade::{
    Action, Audit, AuditRequest, Batches, Blocker, Checked, Connection, Deletion, Error, ErrorKind, Explanation, Fault,
    Finding, FindingKind, Fix, Forget, FromKey, FromKeyPart, Graph, GraphBuilder, Inspection, Key, KeyMismatch,
    KeyPart, Line, Outcome, Preview, Progress, Purge, Receipt, ReceiptEntry, ReceiptState, Repair, RestoredKeys,
    ReturnedRows, RingRow, Rule, Severity, Step, Undo, UndoBlocker, UndoBlockerKind, UndoPreview, Undone, lock_parent,
};

#[cfg(feature = "migration")]
#[doc(inline)]
pub use sea_orm_cascade_migration as migration;

/// The programs in the README and in `docs` compile and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/own-entities.md")]
    struct OwnEntities;
    #[doc = include_str!("../docs/previews.md")]
    struct Previews;
    #[doc = include_str!("../docs/batches.md")]
    struct Batches;
    #[doc = include_str!("../docs/audit.md")]
    struct Audit;
    #[doc = include_str!("../docs/databases.md")]
    struct Databases;
    #[doc = include_str!("../docs/benchmarks.md")]
    struct Benchmarks;
    #[doc = include_str!("../docs/limits.md")]
    struct Limits;
    #[doc = include_str!("../docs/undo.md")]
    struct Undo;
}
