//! What programs do with stores and items: create, get, list, rename, move, preview, delete.
//!
//! The one place where [`entity`] meets [`cascade`](crate::cascade). Every function takes the
//! connection first: a pool, a transaction of the caller's, or a restricted connection. Writes run
//! in a transaction of their own, inside the caller's in a savepoint, so that after any [`Error`]
//! (but a lost transaction) the caller's can go on and its earlier work commits.
//!
//! What deletes takes the [`Graph`]: there is no hidden one, so that a program's own tables
//! cannot be forgotten.
//!
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
//! let gone = service::store::delete(&db, &graph, ikea.id).await?;
//! assert_eq!(gone.deleted(item::Entity), 1);
//! # Ok(()) }
//! ```

mod delete;
mod error;
pub mod item;
mod name;
mod page;
pub mod store;

pub use error::{Error, ErrorKind, InvalidName, InvalidPage};
pub use page::{Cursor, Listed, Page};

use crate::cascade::{Graph, GraphBuilder};
use crate::entity;

/// A graph to which Store and Item are registered already; a program adds its own entities and
/// builds it.
///
/// ```
/// let graph = sea_orm_cascade::service::graph().build()?;
/// assert_eq!(graph.tables().collect::<Vec<_>>(), ["stores", "items"]);
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
pub fn graph() -> GraphBuilder {
    Graph::builder().entity(entity::store::Entity).entity(entity::item::Entity)
}
