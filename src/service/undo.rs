//! Brings deleted stores and items back.

use super::error::Error;
use crate::cascade::{Connection, Graph, Receipt, UndoPreview, Undone};

/// Returns what [`undo`] would bring back, and everything that is in its way, without changing
/// anything.
///
/// It costs what [`Undo::preview`](crate::Undo::preview) costs.
///
/// # Example
/// [`undo`] has one.
///
/// # Errors
/// [`ErrorKind::Undo`](super::ErrorKind::Undo), [`ErrorKind::Database`](super::ErrorKind::Database).
/// What is in the way is part of the preview, not an error.
pub async fn preview_undo<C: Connection>(db: &C, graph: &Graph, receipt: Receipt) -> Result<UndoPreview, Error> {
    graph.undo(receipt).preview(db).await.map_err(Error::in_undo)
}

/// Brings back a store or an item with everything that its delete took: everything or nothing.
///
/// The delete must have been [`undoable`](crate::Deletion::undoable), and the graph built
/// [`with_undo`](crate::GraphBuilder::with_undo). The migration of this crate has made the record
/// tables of stores and items. It costs what [`Undo::execute`](crate::Undo::execute) costs.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm_cascade::service;
///
/// let graph = service::graph().with_undo().build()?;
/// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
/// let outcome =
///     service::store::delete_with(&db, &graph, ikea.id, |deletion| deletion.undoable("closed")).await?;
/// let receipt = outcome.receipt().expect("the store was deleted");
///
/// assert!(!service::preview_undo(&db, &graph, receipt).await?.is_blocked());
/// let undone = service::undo(&db, &graph, receipt).await?;
/// assert_eq!(undone.rows_returned(), 3);
/// assert_eq!(service::store::get(&db, ikea.id).await?, ikea);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::Undo`](super::ErrorKind::Undo) if something is in the way, or for another reason of
/// the engine; [`ErrorKind::Database`](super::ErrorKind::Database).
pub async fn undo<C: Connection>(db: &C, graph: &Graph, receipt: Receipt) -> Result<Undone, Error> {
    graph.undo(receipt).execute(db).await.map_err(Error::in_undo)
}
