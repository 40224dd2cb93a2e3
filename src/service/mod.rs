//! Functions for stores and items: create, get, list, rename, move, preview a delete, delete, undo.
//!
//! Every function takes the connection first: a pool, a transaction of yours, or a restricted
//! connection. A write runs in its own transaction, or in a savepoint of yours. After an [`Error`]
//! your transaction can continue and commit its earlier work, unless
//! [`is_transaction_lost`](Error::is_transaction_lost) is true.
//!
//! Functions that delete take the [`Graph`]. There is no hidden graph, so a program cannot forget
//! its own tables.
//!
//! # Example
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let db = sea_orm::Database::connect("sqlite::memory:").await?;
//! # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
//! # Migrator::up(&db, None).await?;
//! use sea_orm_cascade::entity::item;
//! use sea_orm_cascade::service::{self, Page};
//!
//! let graph = service::graph().build()?;
//! let ikea = service::store::create(&db, "IKEA").await?;
//! service::item::create(&db, ikea.id, "Chair").await?;
//!
//! let page = service::item::list(&db, ikea.id, &Page::first(50)).await?;
//! assert_eq!(page.rows[0].name, "Chair");
//!
//! let outcome = service::store::delete(&db, &graph, ikea.id).await?;
//! assert_eq!(outcome.deleted(item::Entity), 1);
//! # Ok(()) }
//! ```

mod delete;
mod error;
pub mod item;
mod name;
mod page;
pub mod store;
mod undo;

pub use error::{Error, ErrorKind, InvalidName, InvalidPage};
pub use page::{Cursor, Listed, Page};
pub use undo::{preview_undo, undo};

use crate::cascade::{Graph, GraphBuilder};
use crate::entity;

/// Returns a builder in which Store and Item are registered. Add your own entities and build it.
///
/// # Example
/// ```
/// let graph = sea_orm_cascade::service::graph().build()?;
/// assert_eq!(graph.tables().collect::<Vec<_>>(), ["stores", "items"]);
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
pub fn graph() -> GraphBuilder {
    Graph::builder().entity(entity::store::Entity).entity(entity::item::Entity)
}
