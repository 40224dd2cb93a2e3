//! Deletes in batches: many short transactions instead of one long one.
//!
//! I/O. The steps are those of the plan. Each batch is a delete of its own with a limited number of
//! rows. Rows of a leaf table are deleted by one statement. Other rows are locked; if anything
//! references them, the engine deletes them as the roots of an ordinary delete. So rows that were
//! added to them in the meantime are found, are treated by their rule, and are deleted in the same
//! batch. Each batch also locks and checks the parents through which its rows were found;
//! descendants of a row that was moved away are kept.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tracing::Span;

use crate::cascade::data::name::label;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::preview::Preview;
use crate::cascade::data::progress::Progress;
use crate::cascade::db::execution::Execution;
use crate::cascade::db::session;
use crate::cascade::db::session::{Connection, Purpose};
use crate::cascade::deletion::Deletion;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::find::preview::check;
use crate::cascade::plan::count::CountScope;
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::run::batches::{BatchRun, Limits};
use crate::cascade::run::cancel::{CancelFlag, Cancellable, Task, cancellable};
use crate::cascade::run::transaction::{Transactions, Work, tell};

/// A deletion in batches, from [`Deletion::batches_of`].
///
/// Each batch is one transaction with a limited number of rows. The roots are deleted last. If the
/// run ends early (a crash, an error, a stop), every remaining row still has its parent, and the
/// same call continues with the remaining rows.
///
/// - **All rules are checked first**: blockers, `at_most` and `expecting` refuse before the first
///   batch, and then nothing has changed. Each batch checks again what was added to its rows in the
///   meantime; those rows are deleted in the same transaction.
/// - **Other sessions see** parents with fewer and fewer children. SET NULL and SET DEFAULT keys
///   change before the row that they reference is deleted.
/// - **The roots are searched once**, at the beginning. To be able to continue later, use keys, or
///   a Select that still finds the roots when their children are deleted.
/// - **Rows in a ring**: first a key is set to NULL that is not the one through which its row is
///   found. If there is no such key, the ring and everything above it are deleted together in the
///   last transaction, however many rows that are.
/// - **Concurrent sessions**: each batch locks the parents and checks them again. If a parent was
///   moved away, its descendants are kept, and the run ends with [`ErrorKind::Reparented`]. In a
///   table in a cycle (self-references included) only a row and its parent are checked: a subtree
///   that is moved out while batches run may already have lost rows further down. A row that is
///   added to a parent while a batch of its siblings is deleted may be deleted with that batch.
/// - **To call again**, use the same arguments without [`expecting`](Deletion::expecting): the
///   counts have changed.
/// - **Hooks** see each row once, unless its batch failed. A veto ends the run; earlier batches
///   stay committed.
/// - **Retries** are those of the deletion, for each batch. If other sessions make a batch fail (a
///   deadlock, a lock time-out, a transaction of another node of a cluster), it is halved, down to
///   one row. One row is retried as often as [`retries`](Deletion::retries) says. The batches after
///   it are twice as big each time, up to the requested size.
///
/// Batches need a pool: inside a transaction nothing could be committed. The client holds the keys
/// of the roots, those of the rows of tables in a cycle, and a page of at most 10,000 keys (or one
/// batch) for each level of tables below.
#[derive(Clone)]
#[must_use = "batches do nothing until `execute` is called"]
pub struct Batches {
    deletion: Deletion,
    limits: Limits,
}

impl Deletion {
    /// Splits this delete into batches of at most this many rows, each in its own transaction,
    /// children before parents.
    ///
    /// Use it if a delete is too big for one transaction, or if other sessions must not wait for
    /// it. The whole delete is then no longer atomic: see [`Batches`].
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    ///
    /// let outcome = graph.delete_keys(store::Entity, [ikea.id]).batches_of(1_000).execute(&db).await?;
    /// assert_eq!(outcome.rows_deleted(), 3);
    /// # Ok(()) }
    /// ```
    pub fn batches_of(self, rows: usize) -> Batches {
        Batches::new(self, rows)
    }
}

impl Batches {
    pub(crate) fn new(deletion: Deletion, rows_max: usize) -> Self {
        // Row counts of the databases are not larger.
        let rows_max = Ord::min(rows_max, u32::MAX as usize);
        Self { deletion, limits: Limits { rows_max, pause: Duration::ZERO, on_progress: None } }
    }

    /// Waits this long between two batches, so that other sessions can use the database.
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let deletion = service::graph().build()?.delete_keys(store::Entity, [1]);
    /// let batches = deletion.batches_of(1_000).pause(Duration::from_millis(50));
    /// # let _ = batches;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn pause(mut self, pause: Duration) -> Self {
        self.limits.pause = pause;
        self
    }

    /// Calls this function after each batch with the [`Progress`]. It can stop the run with
    /// [`ControlFlow::Break`].
    ///
    /// Committed batches stay committed, and [`ErrorKind::Unfinished`] says what they did. After
    /// the last batch there is nothing left to stop.
    ///
    /// # Example
    /// ```
    /// use std::ops::ControlFlow;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let batches = service::graph().build()?.delete_keys(store::Entity, [1]).batches_of(1_000);
    /// let batches = batches.on_progress(|progress| {
    ///     println!("{} of {} rows", progress.done, progress.total);
    ///     ControlFlow::Continue(())
    /// });
    /// # let _ = batches;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn on_progress(mut self, on_progress: impl Fn(&Progress) -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        self.limits.on_progress = Some(Arc::new(on_progress));
        self
    }

    /// Deletes the rows and the rows that depend on them, batch by batch.
    ///
    /// # Cost
    /// - First the statements of a [preview](Deletion::preview).
    /// - For each batch of a table that no key references: one statement that finds its end, one
    ///   for each level of tables above that locks and checks the parents, and one DELETE. No key
    ///   of these rows leaves the database.
    /// - For each batch of any other table, or of one with hooks or whose keys are requested: one
    ///   that locks the rows, one that checks whether anything references them, and the DELETE. If
    ///   anything references them, the statements of an ordinary delete run in between. One more
    ///   reads keys for each 10,000 rows, or for each batch if a batch is larger.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    /// If it ends before the first batch is committed: those of [`Deletion::execute`], and
    /// [`ErrorKind::Reparented`]. Nothing has changed then.
    ///
    /// Later: [`ErrorKind::Unfinished`] with the committed part, and with one of these errors as
    /// its cause. (If the connection was lost during a COMMIT, it is not known whether that last
    /// batch was committed.)
    ///
    /// [`ErrorKind::BatchesInTransaction`] and [`ErrorKind::EmptyBatches`] before anything runs.
    pub async fn execute<C: Connection>(&self, db: &C) -> Result<Outcome, Error> {
        if session::is_transaction::<C>() {
            return Err(ErrorKind::BatchesInTransaction.into());
        }
        if self.limits.rows_max == 0 {
            return Err(ErrorKind::EmptyBatches.into());
        }
        if self.deletion.undoable.is_some() {
            let reason = "a delete in batches is not recorded; leave `batches_of` out".to_owned();
            return Err(ErrorKind::NotRecordable { table: label(self.deletion.entity_name()), reason }.into());
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
        let (mut fetched, seen) = reading.retried(&prepared, &Looking(deletion)).await?;
        check(&seen, deletion.at_most, deletion.expecting.as_deref())?;

        let session = Cancellable { session: db, cancel };
        let execution = reading.execution(&session, prepared.scope());
        execution.forget_few(&mut fetched);
        let transactions = Transactions::on(db, cancel, Purpose::Write)?;
        let total = seen.outcome().total();
        BatchRun::new(transactions, execution, &fetched, (limits, deletion.retries), total).execute().await
    }
}

/// Finds and counts the rows before the first batch.
struct Looking<'a>(&'a Deletion);

impl Work for Looking<'_> {
    type Output = (Fetched, Preview);

    async fn work(&self, execution: Execution<'_>) -> Result<Self::Output, Error> {
        let fetched = execution.freeze(&self.0.roots, Purpose::Read, CountScope::All).await?;
        let seen = execution.look(&fetched).await?;
        Ok((fetched, seen))
    }
}
