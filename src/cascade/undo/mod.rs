//! Brings back what a recorded delete took.
//!
//! I/O: an undo begins and ends its transaction here. `receipts` reads, forgets and purges records.
//! `tables` says which tables and columns come back. `blockers` searches what is in the way.
//! `carry_out` plays the record backwards.

mod blockers;
mod carry_out;
mod receipts;
mod tables;

pub use receipts::{Forget, Purge};

use std::sync::Arc;

use crate::cascade::data::receipt::Receipt;
use crate::cascade::data::undo::{UndoPreview, Undone};
use crate::cascade::db::execution::{Capture, Execution};
use crate::cascade::db::session::{Connection, Purpose};
use crate::cascade::declare::graph::Graph;
use crate::cascade::deletion::Deletion;
use crate::cascade::error::Error;
use crate::cascade::run::cancel::cancellable;
use crate::cascade::run::retry::Retries;
use crate::cascade::run::transaction::{Prepared, Request, Work};

/// A request to undo a recorded delete, from [`Graph::undo`].
///
/// It does nothing until you run it, and you can run it more than once: the second time it returns
/// [`ErrorKind::ReceiptClosed`](crate::ErrorKind::ReceiptClosed).
#[derive(Debug, Clone)]
#[must_use = "an undo does nothing until `preview` or `execute` is called"]
pub struct Undo {
    graph: Graph,
    receipt: Receipt,
    expecting: Option<Box<UndoPreview>>,
    retries: Retries,
    options: Options,
}

/// What an undo accepts.
#[derive(Debug, Clone, Copy, Default)]
struct Options {
    allows_orphans: bool,
    leaves_gone_columns: bool,
}

#[derive(Clone)]
struct Previewing(Undo);

#[derive(Clone)]
struct Executing(Undo);

impl Graph {
    /// Returns a request to bring back everything that a delete took: its rows with the same keys
    /// and values, and the foreign keys that it set to NULL or to a default.
    ///
    /// The delete must have been [`undoable`](crate::Deletion::undoable). An undo brings back all of
    /// it or nothing. It is refused, with everything that is in the way, if a key or a unique value
    /// was taken meanwhile, or if rows would reference rows that do not exist.
    ///
    /// A foreign key comes back only where the row still has what the delete has written. If
    /// somebody has changed it since, the row is left alone and counted
    /// ([`RestoredKeys::left_alone`](crate::RestoredKeys::left_alone)).
    ///
    /// Undoing deletes newest first brings back exactly what was there. In another order an undo
    /// works, or names the receipt that must be undone first.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// # use sea_orm::ConnectionTrait as _;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let graph = service::graph().with_undo().build()?;
    /// # for statement in graph.audit().run(&db).await?.statements() { db.execute_unprepared(statement).await?; }
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    ///
    /// let outcome = graph.delete_keys(store::Entity, [ikea.id]).undoable("closed").execute(&db).await?;
    /// let receipt = outcome.receipt().expect("rows were deleted");
    ///
    /// let undo = graph.undo(receipt);
    /// let preview = undo.preview(&db).await?;
    /// assert_eq!(preview.to_string(), "back: stores 1, items 2");
    /// undo.expecting(&preview).execute(&db).await?;
    /// assert_eq!(service::store::get(&db, ikea.id).await?, ikea);
    /// # Ok(()) }
    /// ```
    pub fn undo(&self, receipt: Receipt) -> Undo {
        let (expecting, retries, options) = (None, Retries::default(), Options::default());
        Undo { graph: self.clone(), receipt, expecting, retries, options }
    }
}

impl Deletion {
    /// Records what the delete takes and changes, in its own transaction, so that
    /// [`Graph::undo`] can bring it back. The reason is kept with the receipt.
    ///
    /// Before each statement that deletes or changes rows, one `INSERT .. SELECT` copies them into
    /// their record table and locks them. Rows do not pass through the program. All rows are locked
    /// then, also those that nothing references. Cost: one statement more for each that writes, and
    /// those that read the catalogs (as [`Graph::audit`] does).
    ///
    /// # Example
    /// [`Graph::undo`] has one.
    ///
    /// # Errors
    /// [`execute`](Self::execute) then also returns
    /// [`ErrorKind::NotBuiltWithUndo`](crate::ErrorKind::NotBuiltWithUndo) and
    /// [`ErrorKind::NotRecordable`](crate::ErrorKind::NotRecordable), which says why an undo could not bring everything back.
    pub fn undoable(mut self, reason: impl Into<String>) -> Self {
        self.undoable = Some(reason.into());
        self
    }
}

impl Undo {
    /// Refuses the undo if it would bring back or restore other numbers of rows than this preview
    /// showed.
    ///
    /// # Errors
    /// [`execute`](Self::execute) then returns
    /// [`ErrorKind::UndoChanged`](crate::ErrorKind::UndoChanged).
    pub fn expecting(mut self, preview: &UndoPreview) -> Self {
        self.expecting = Some(Box::new(preview.clone()));
        self
    }

    /// Brings rows back although they reference rows that do not exist, where the database has no
    /// constraint for that foreign key.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Receipt, service};
    ///
    /// let undo = service::graph().with_undo().build()?.undo(Receipt::new(12)).allowing_orphans();
    /// # let _ = undo;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn allowing_orphans(mut self) -> Self {
        self.options.allows_orphans = true;
        self
    }

    /// Leaves out the values of columns that do not exist any more.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Receipt, service};
    ///
    /// let undo = service::graph().with_undo().build()?.undo(Receipt::new(12)).without_gone_columns();
    /// # let _ = undo;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn without_gone_columns(mut self) -> Self {
        self.options.leaves_gone_columns = true;
        self
    }

    /// Sets how often a transient failure is retried; 0 switches it off.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Receipt, service};
    ///
    /// let undo = service::graph().with_undo().build()?.undo(Receipt::new(12)).retries(0);
    /// # let _ = undo;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn retries(mut self, at_most: usize) -> Self {
        self.retries.at_most = at_most;
        self
    }

    /// Returns what [`execute`](Self::execute) would do now, and everything that is in its way,
    /// without changing or locking anything.
    ///
    /// Cost: the statements of [`Graph::audit`] that read the catalogs, and for each recorded table
    /// one for its primary key, each unique index and each foreign key.
    ///
    /// # Errors
    /// [`ErrorKind::NotBuiltWithUndo`](crate::ErrorKind::NotBuiltWithUndo),
    /// [`ErrorKind::NoReceipt`](crate::ErrorKind::NoReceipt),
    /// [`ErrorKind::ReceiptClosed`](crate::ErrorKind::ReceiptClosed),
    /// [`ErrorKind::NotRegistered`](crate::ErrorKind::NotRegistered) if a recorded table is not in the
    /// graph, and the errors of the database.
    pub async fn preview<C: Connection>(&self, db: &C) -> Result<UndoPreview, Error> {
        cancellable(&Previewing(self.clone()), db).await
    }

    /// Brings everything back, in one transaction or not at all. Inside a transaction of yours it
    /// uses a savepoint.
    ///
    /// The receipt's row is locked first, so that of two undos one wins. Afterwards the record has
    /// none of its rows, and the receipt stays with its numbers. INSERT triggers run; hooks of
    /// entities do not. Sequences are not set back, and generated columns are computed anew.
    ///
    /// Cost: the statements of [`preview`](Self::preview), one for each recorded step, and one for
    /// each recorded table that empties its record.
    ///
    /// # Errors
    /// Those of [`preview`](Self::preview), and
    /// [`ErrorKind::UndoBlocked`](crate::ErrorKind::UndoBlocked),
    /// [`ErrorKind::UndoChanged`](crate::ErrorKind::UndoChanged),
    /// [`ErrorKind::NotReturned`](crate::ErrorKind::NotReturned). After any of them nothing has
    /// changed.
    pub async fn execute<C: Connection>(&self, db: &C) -> Result<Undone, Error> {
        cancellable(&Executing(self.clone()), db).await
    }

    fn prepared(&self, purpose: Purpose, span: tracing::Span) -> Prepared {
        let (graph, plan, capture) = (self.graph.clone(), Arc::default(), Capture::default());
        Prepared { graph, plan, capture, purpose, retries: self.retries, span }
    }
}

impl Work for Previewing {
    type Output = UndoPreview;

    async fn work(&self, execution: Execution<'_>) -> Result<UndoPreview, Error> {
        let Self(Undo { receipt, options, .. }) = self;
        carry_out::preview(execution, *receipt, *options).await
    }
}

impl Request for Previewing {
    fn prepare(&self) -> Result<Prepared, Error> {
        let Self(undo) = self;
        let receipt = undo.receipt.number();
        let span = tracing::debug_span!(target: "sea_orm_cascade", "cascade.undo.preview", receipt);
        Ok(undo.prepared(Purpose::Read, span))
    }
}

impl Work for Executing {
    type Output = Undone;

    async fn work(&self, execution: Execution<'_>) -> Result<Undone, Error> {
        let Self(Undo { receipt, options, expecting, .. }) = self;
        let expected = expecting.as_deref().map(|preview| &preview.undone);
        carry_out::execute(execution, *receipt, *options, expected).await
    }
}

impl Request for Executing {
    fn prepare(&self) -> Result<Prepared, Error> {
        let Self(undo) = self;
        let receipt = undo.receipt.number();
        let span = tracing::debug_span!(target: "sea_orm_cascade", "cascade.undo", receipt);
        Ok(undo.prepared(Purpose::Write, span))
    }
}
