//! Deletes in batches: many short transactions instead of a long one.
//!
//! I/O. The steps are those of the plan, and each batch is a delete of its own of at most so many
//! rows: rows of a leaf table in one statement, others locked and, if anything references them, by
//! the engine's whole way, rooted at these rows. So whatever was added to them meanwhile is found
//! again, judged by its rule, and goes with them. And the parents by which rows were found are
//! locked and judged again in the batch: one that was moved away keeps what is below it.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tracing::Span;

use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::preview::Preview;
use crate::cascade::data::progress::Progress;
use crate::cascade::db::execution::Execution;
use crate::cascade::db::session;
use crate::cascade::db::session::{Connection, Purpose};
use crate::cascade::deletion::Deletion;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::find::preview::check;
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::run::batches::{BatchRun, Limits};
use crate::cascade::run::cancel::{CancelFlag, Cancellable, Task, cancellable};
use crate::cascade::run::transaction::{Transactions, Work, tell};

/// A deletion that is carried out in batches, from [`Deletion::batches_of`].
///
/// Each batch is a transaction of at most so many rows, and the asked rows go last. If it ends in
/// the middle (a crash, an error, a stop), every row that is left still has its parent, and the
/// same call goes on with what is left.
///
/// - **The rules are checked first**, for all of it: blockers, `at_most` and `expecting` refuse
///   before the first batch, and then nothing has changed. Each batch judges anew what was added to
///   its rows meanwhile; that goes with them, in the same transaction.
/// - **What others see**: parents with fewer and fewer children. SET NULL and SET DEFAULT keys
///   change before the row that they referenced goes.
/// - **The asked rows are looked up once**, at the beginning. To be able to finish later, ask with
///   keys or a Select that still finds them when their children are gone.
/// - **Rows in a ring**: a key that is not the one by which its row is found is set to NULL
///   beforehand. If there is no such key, the ring and all above it go in the last transaction,
///   together, however many rows that are.
/// - **Others at work**: parents are locked and asked again in each batch. If one was moved away
///   meanwhile, what is below it is left alone, and it ends with [`ErrorKind::Reparented`]. In a
///   table that references itself or is in a cycle that is asked of a row and its parent only: a
///   subtree that is moved out while batches run may already have lost rows further down. A row
///   that is added to a parent at the very moment in which a batch of its siblings goes may go with
///   that batch.
/// - **Calling again** needs no other arguments, but without [`expecting`](Deletion::expecting):
///   its numbers have changed.
/// - **Hooks** see each row once, unless it failed; a veto ends it, and the batches before stay
///   done.
/// - **Retries** are those of the deletion, for each batch. One that others keep from going through
///   (a deadlock, a lock that is waited for too long, a transaction of another node of a cluster)
///   is halved first, and halved again down to one row, which is tried so often; the batches after
///   it are twice as big each, up to the size that was asked for.
///
/// It needs a pool: inside a transaction nothing could be committed. The client holds the keys of
/// the asked rows, those of the rows of tables in a cycle, and a page of at most 10,000 keys (or
/// one batch) for each level of tables below.
#[derive(Clone)]
#[must_use = "batches do nothing until `execute` is called"]
pub struct Batches {
    deletion: Deletion,
    limits: Limits,
}

impl Deletion {
    /// Deletes in batches of at most so many rows, each in a transaction of its own, children
    /// before parents: for deletes that are too big for one transaction, or that others must not
    /// wait for.
    ///
    /// What it gives up is that all or nothing happens: see [`Batches`].
    pub fn batches_of(self, rows: usize) -> Batches {
        Batches::new(self, rows)
    }
}

impl Batches {
    pub(crate) fn new(deletion: Deletion, rows_max: usize) -> Self {
        // More is not counted by the databases.
        let rows_max = Ord::min(rows_max, u32::MAX as usize);
        Self { deletion, limits: Limits { rows_max, pause: Duration::ZERO, on_progress: None } }
    }

    /// Waits so long between one batch and the next, so that others get at the database.
    pub fn pause(mut self, pause: Duration) -> Self {
        self.limits.pause = pause;
        self
    }

    /// Is told after each batch how far it has come, and can stop it with [`ControlFlow::Break`]:
    /// what is done stays done, and [`ErrorKind::Unfinished`] tells it. After the last batch there
    /// is nothing left to stop.
    pub fn on_progress(mut self, on_progress: impl Fn(&Progress) -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        self.limits.on_progress = Some(Arc::new(on_progress));
        self
    }

    /// Deletes the rows and what depends on them, batch by batch.
    ///
    /// Statements: those of a [preview](Deletion::preview) first. Then for each batch of a table to
    /// which no key leads one that finds its end, one for each level of tables above that locks the
    /// parents and asks them again, and one DELETE; no key of its rows leaves the database. For
    /// each batch of any other table, or of one with hooks or whose keys are wanted: one that locks
    /// the rows, one that asks whether anything references them, and the DELETE, with those of an
    /// ordinary delete in between if anything does; and one that reads keys for each 10,000 rows,
    /// or each batch if that is more.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use std::ops::ControlFlow;
    /// use sea_orm_cascade::entity::{item, store};
    /// use sea_orm_cascade::service;
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", (0..250).map(|n| format!("item {n}"))).await?;
    ///
    /// let batches = graph.delete_keys(store::Entity, [ikea.id]).batches_of(100);
    /// let stopped = batches.clone().on_progress(|progress| {
    ///     println!("{} of {} rows", progress.done, progress.total);
    ///     if progress.batches == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    /// });
    /// let error = stopped.execute(&db).await.unwrap_err();
    /// assert!(error.is_stopped());
    /// assert_eq!(error.done_so_far().unwrap().deleted(item::Entity), 200);
    ///
    /// let outcome = batches.execute(&db).await?;
    /// assert_eq!(outcome.to_string(), "deleted stores 1, items 50");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Those of [`Deletion::execute`] and [`ErrorKind::Reparented`], with nothing changed, if it
    /// ends before the first batch is committed; else [`ErrorKind::Unfinished`] with what was done,
    /// and with one of them as its cause. (Whether the last batch was committed is not known if the
    /// connection was lost then.) [`ErrorKind::BatchesInTransaction`], [`ErrorKind::EmptyBatches`].
    pub async fn execute<C: Connection>(&self, db: &C) -> Result<Outcome, Error> {
        if session::is_transaction::<C>() {
            return Err(ErrorKind::BatchesInTransaction.into());
        }
        if self.limits.rows_max == 0 {
            return Err(ErrorKind::EmptyBatches.into());
        }
        cancellable(self, db).await
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deletion, limits: Limits { rows_max, pause, on_progress } } = self;
        f.debug_struct("Batches")
            .field("deletion", deletion)
            .field("rows_max", rows_max)
            .field("pause", pause)
            .field("on_progress", &on_progress.is_some())
            .finish()
    }
}

impl Task for Batches {
    type Output = Outcome;

    async fn on<C: Connection>(&self, db: &C, cancel: &CancelFlag) -> Result<Outcome, Error> {
        let result = self.execute_on(db, cancel).await;
        tell(result.as_ref());
        result
    }
}

impl Batches {
    async fn execute_on<C: Connection>(&self, db: &C, cancel: &CancelFlag) -> Result<Outcome, Error> {
        let Self { deletion, limits } = self;
        let prepared = deletion.prepared(Purpose::Read, Span::none())?;
        let reading = Transactions::on(db, cancel, Purpose::Read)?;
        let (fetched, seen) = reading.retried(&prepared, &Looking(deletion)).await?;
        check(&seen, deletion.at_most, deletion.expecting.as_deref())?;

        let session = Cancellable { session: db, cancel };
        let execution = reading.execution(&session, prepared.scope());
        let transactions = Transactions::on(db, cancel, Purpose::Write)?;
        let total = seen.outcome().total();
        BatchRun::new(transactions, execution, &fetched, (limits, deletion.retries), total).execute().await
    }
}

/// Looks up the asked rows and counts, before the first batch.
struct Looking<'a>(&'a Deletion);

impl Work for Looking<'_> {
    type Output = (Fetched, Preview);

    async fn work(&self, execution: Execution<'_>) -> Result<Self::Output, Error> {
        let fetched = execution.freeze(&self.0.roots, Purpose::Read).await?;
        let seen = execution.look(&fetched).await?;
        Ok((fetched, seen))
    }
}
