//! Deletes in batches: many short transactions instead of a long one.
//!
//! I/O. The steps are those of the plan, and each batch is a delete of its own of at most so many rows: rows of a leaf
//! table in one statement, others locked and, if anything refers to them, by the engine's whole way, rooted at these rows.
//! So whatever was added to them meanwhile is found again, judged by its rule, and goes with them. And the parents by
//! which rows were found are locked and judged again in the batch: one that was moved away keeps what is below it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait as _};
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use super::deletion::Deletion;
use super::dialect::Dialect;
use super::error::{Error, ErrorKind};
use super::gather::{Page, Pages};
use super::graph::{Action, KeyId, TableId};
use super::key::{Index, Keys};
use super::known::{Cycle, Known};
use super::outcome::Outcome;
use super::plan::{ComponentId, Plan, Step};
use super::retry::is_lost_to_others;
use super::run::{Run, Transaction, Watch, check};
use super::session::{self, Connection, Purpose};
use super::shield::{Awaited, WhileAwaited, Work, shielded};
use super::sql::Rows;
use super::walk::Walk;
use super::waves::{Edge, Opening, Wave, waves};

/// Keys read in one statement, at least: reading costs less in big pages.
const KEYS_READ: usize = 10_000;

/// A deletion that is carried out in batches, from [`Deletion::batches_of`].
///
/// Each batch is a transaction of at most so many rows, and the asked rows go last. If it ends in the middle (a crash, an
/// error, a stop), every row that is left still has its parent, and the same call goes on with what is left.
///
/// - **The rules are checked first**, for all of it: blockers, `at_most` and `expecting` refuse before the first batch,
///   and then nothing has changed. Each batch judges anew what was added to its rows meanwhile; that goes with them, in
///   the same transaction.
/// - **What others see**: parents with fewer and fewer children. SET NULL and SET DEFAULT keys change before the row that
///   they referred to goes.
/// - **The asked rows are looked up once**, at the beginning. To be able to finish later, ask with keys or a Select that
///   still finds them when their children are gone.
/// - **Rows in a ring**: a key that is not the one by which its row is found is set to NULL beforehand. If there is no such
///   key, the ring and all above it go in the last transaction, together, however many rows that are.
/// - **Others at work**: parents are locked and asked again in each batch. If one was moved away meanwhile, what is below
///   it is left alone, and it ends with [`ErrorKind::Moved`]. In a table that refers to itself or is in a cycle that is
///   asked of a row and its parent only: a subtree that is moved out while batches run may already have lost rows further
///   down. A row that is added to a parent at the very moment in which a batch of its siblings goes may go with that batch.
/// - **Calling again** needs no other arguments, but without [`expecting`](Deletion::expecting): its numbers have changed.
/// - **Hooks** see each row once, unless it failed; a veto ends it, and the batches before stay done.
/// - **Retries** are those of the deletion, for each batch. One that others keep from going through (a deadlock, a lock that
///   is waited for too long, a transaction of another node of a cluster) is halved first, and halved again down to one row,
///   which is tried so often; the batches after it are twice as big each, up to the size that was asked for.
///
/// It needs a pool: inside a transaction nothing could be committed. The client holds the keys of the asked rows, those
/// of the rows of tables in a cycle, and a page of at most 10,000 keys (or one batch) for each level of tables below.
#[derive(Clone)]
#[must_use = "batches do nothing until `execute` is called"]
pub struct Batches {
    deletion: Deletion,
    rows_max: usize,
    pause: Duration,
    on_progress: Option<OnProgress>,
}

type OnProgress = Arc<dyn Fn(&Progress) -> ControlFlow<()> + Send + Sync>;

/// How far a delete in batches has come, after each batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// The table whose rows the batch deleted or changed.
    pub table: String,
    /// How many rows have been deleted and changed so far, by this call.
    pub done: u64,
    /// How many it will be in all, as counted at the beginning; more if rows were added meanwhile.
    pub total: u64,
    /// How many batches have been committed.
    pub batches: u64,
}

impl Batches {
    pub(crate) fn new(deletion: Deletion, rows_max: usize) -> Self {
        // More is not counted by the databases.
        let rows_max = Ord::min(rows_max, u32::MAX as usize);
        Self { deletion, rows_max, pause: Duration::ZERO, on_progress: None }
    }

    /// Waits so long between one batch and the next, so that others get at the database.
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Is told after each batch how far it has come, and can stop it with [`ControlFlow::Break`]: what is done stays
    /// done, and [`ErrorKind::Unfinished`] tells it. After the last batch there is nothing left to stop.
    pub fn on_progress(mut self, on_progress: impl Fn(&Progress) -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Arc::new(on_progress));
        self
    }

    /// Deletes the rows and what depends on them, batch by batch.
    ///
    /// Statements: those of a [preview](Deletion::preview) first. Then for each batch of a table to which no key leads one
    /// that finds its end, one for each level of tables above that locks the parents and asks them again, and one DELETE; no
    /// key of its rows leaves the database. For each batch of any other table, or of one with hooks or whose keys are
    /// wanted: one that locks the rows, one that asks whether anything refers to them, and the DELETE, with those of an
    /// ordinary delete in between if anything does; and one that reads keys for each 10,000 rows, or each batch if that is
    /// more.
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
    /// Those of [`Deletion::execute`] and [`ErrorKind::Moved`], with nothing changed, if it ends before the first batch is
    /// committed; else [`ErrorKind::Unfinished`] with what was done, and with one of them as its cause. (Whether the last
    /// batch was committed is not known if the connection was lost then.)
    /// [`ErrorKind::BatchesInTransaction`], [`ErrorKind::EmptyBatches`].
    pub async fn execute<C: Connection>(&self, db: &C) -> Result<Outcome, Error> {
        if session::is_transaction::<C>() {
            return Err(ErrorKind::BatchesInTransaction.into());
        }
        if self.rows_max == 0 {
            return Err(ErrorKind::EmptyBatches.into());
        }
        shielded(self, db).await
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deletion, rows_max, pause, on_progress } = self;
        f.debug_struct("Batches")
            .field("deletion", deletion)
            .field("rows_max", rows_max)
            .field("pause", pause)
            .field("on_progress", &on_progress.is_some())
            .finish()
    }
}

impl Work for Batches {
    type Output = Outcome;

    async fn on<C: Connection>(&self, db: &C, awaited: &Awaited) -> Result<Outcome, Error> {
        let Self { deletion, .. } = self;
        let (plan, dialect) = (deletion.planned()?, Dialect::of(db.get_database_backend())?);
        let (schema, watch) = (deletion.graph.schema(), deletion.watch()?);
        let look = || async {
            let transaction = session::begin(db, dialect, Purpose::Read).await?;
            let session = WhileAwaited { session: &transaction, awaited };
            let transaction_of = Transaction::Ours;
            let run =
                Run { schema, plan: &plan, dialect, session: &session, watch: &watch, transaction: transaction_of };
            let looked = async {
                let known = run.freeze(&deletion.roots, Purpose::Read).await?;
                let seen = run.look(&known).await?;
                Ok((known, seen))
            };
            let result = looked.await;
            session::finish(transaction, result).await
        };
        let (known, seen) = deletion.retries.of(&watch, look).await?;
        check(&seen, deletion.at_most, deletion.expecting.as_deref())?;

        let session = WhileAwaited { session: db, awaited };
        let transaction_of = Transaction::Ours;
        let run = Run { schema, plan: &plan, dialect, session: &session, watch: &watch, transaction: transaction_of };
        let mut going = Going {
            of: self,
            db,
            awaited,
            run,
            known: &known,
            ready: Vec::new(),
            parents: Arc::default(),
            done: Outcome::new(schema, &plan),
            batches: 0,
            size: self.rows_max,
            total: seen.outcome().total(),
            is_stopped: false,
        };
        let ended = if known.roots == 0 { Ok(()) } else { going.go().await };
        let Going { done: outcome, batches, .. } = going;
        match ended {
            Ok(()) => Ok(outcome),
            Err(End::Failed(error)) if batches == 0 => Err(error),
            Err(End::Failed(cause)) => Err(ErrorKind::Unfinished { outcome, batches, cause: Some(cause) }.into()),
            Err(End::Stopped) => Err(ErrorKind::Unfinished { outcome, batches, cause: None }.into()),
        }
    }
}

/// Why it ends before all is done.
#[derive(Debug)]
enum End {
    Stopped,
    Failed(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What is done with the rows of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Delete(TableId),
    /// Changes a SET NULL or SET DEFAULT key of rows that stay.
    Update(KeyId),
    /// Sets a key of rows in a ring to NULL.
    Open(KeyId),
}

/// Rows of one table that go, or change, together.
#[derive(Debug, Clone)]
struct Part {
    deed: Deed,
    rows: Which,
    len: usize,
    /// What they hang on, and what that fulfils as long as it is doomed.
    parents: Parents,
    /// Whether no row of it can go before the others.
    is_whole: bool,
}

type Parents = Arc<Vec<(Rows, Option<Expr>)>>;

#[derive(Debug, Clone)]
enum Which {
    /// Those with these keys, as far as they still fulfil a condition, because others may have changed them meanwhile.
    Keys(Keys, Option<Expr>),
    /// All that fulfil a condition, between two places in key order.
    Stretch { rows: Rows, after: Option<Keys>, until: Option<Keys> },
}

/// A delete in batches under way.
struct Going<'a, C> {
    of: &'a Batches,
    db: &'a C,
    awaited: &'a Awaited,
    /// On the pool.
    run: Run<'a>,
    known: &'a Known,
    /// The next batch.
    ready: Vec<Part>,
    /// Of what is taken now.
    parents: Parents,
    done: Outcome,
    batches: u64,
    /// Rows in the next transaction, at most: fewer than asked for after one that others kept from going through.
    size: usize,
    total: u64,
    is_stopped: bool,
}

impl<C: Connection> Going<'_, C> {
    /// Does the steps of the plan, children first, and the asked rows last.
    async fn go(&mut self) -> Result<(), End> {
        let (run, known) = (self.run, self.known);
        let goes_at_once = |cycle: &Cycle| {
            let waves = waves(cycle.rows.len(), &cycle.edges, Opening::Any, |key| run.can_be_null(key));
            waves.iter().any(|wave| matches!(wave, Wave::DeleteRings(_)))
        };
        if run.dialect == Dialect::MySql && known.cycles().any(goes_at_once) {
            // InnoDB may not delete such a ring at all: then nothing else goes either.
            return self.rest().await;
        }
        for &step in &run.plan.steps {
            match step {
                Step::DeleteBy(key) => self.by(key, Deed::Delete(run.schema.keys[key].child)).await?,
                Step::Update(key) | Step::UpdateKept(key) => self.by(key, Deed::Update(key)).await?,
                Step::DeleteRoots => {
                    if let Some(roots) = known.get(run.plan.root) {
                        self.take(Deed::Delete(run.plan.root), roots, None).await?;
                    }
                }
                Step::DeleteCycle(component) => {
                    if !self.cycle(component).await? {
                        self.flush().await?;
                        return self.rest().await;
                    }
                }
            }
            self.flush().await?;
        }
        Ok(())
    }

    /// The rows that refer to doomed ones by this key.
    async fn by(&mut self, key: KeyId, deed: Deed) -> Result<(), End> {
        let (run, known) = (self.run, self.known);
        let Some(ways) = run.sql(known).ways_to(key) else {
            let Some(still) = run.sql(known).refers_alone(key) else { return Ok(()) };
            for rows in run.sql(known).referring(key) {
                self.paged(key, deed, rows, &still).await?;
            }
            return Ok(());
        };
        for way in ways {
            let mut walk = Walk::new(run, way, KEYS_READ);
            while let Some(rows) = walk.next(known).await? {
                self.parents = Arc::new(walk.parents(known));
                if self.is_apart(key, deed) {
                    self.stretches(deed, &rows).await?;
                } else {
                    let still = rows.condition().clone();
                    self.paged(key, deed, rows, &still).await?;
                }
                self.parents = Arc::default();
            }
        }
        Ok(())
    }

    /// Whether these rows can be deleted or changed without looking at them: nothing depends on them, nobody wants to see
    /// them, and none of them has another fate.
    fn is_apart(&self, key: KeyId, deed: Deed) -> bool {
        match deed {
            Deed::Delete(table) => self.is_leaf(table),
            Deed::Update(_) | Deed::Open(_) => !self.run.plan.is_within_cycle(key),
        }
    }

    /// Rows by their place in key order, so that no key leaves the database.
    async fn stretches(&mut self, deed: Deed, rows: &Rows) -> Result<(), End> {
        let (run, known, table) = (self.run, self.known, self.table_of(deed));
        let mut after: Option<Keys> = None;
        loop {
            let room = self.of.rows_max - self.ready();
            let end =
                run.session.query(&run.sql(known).end_of(rows, after.as_ref(), room)).await.map_err(Error::from)?;
            let (until, len) = if end.is_empty() {
                (None, self.rows_left(rows, after.as_ref()).await?)
            } else {
                let mut until = run.keys_of(table, &run.schema.tables[table].identity)?;
                until.read(&end).map_err(Error::from)?;
                (Some(until), room)
            };
            if len > 0 {
                let stretch = Which::Stretch { rows: rows.clone(), after: after.clone(), until: until.clone() };
                self.ready.push(Part { deed, rows: stretch, len, parents: self.parents.clone(), is_whole: false });
            }
            if self.ready() >= self.of.rows_max {
                self.flush().await?;
            }
            if until.is_none() {
                return Ok(());
            }
            after = until;
        }
    }

    async fn rows_left(&self, rows: &Rows, after: Option<&Keys>) -> Result<usize, Error> {
        let counted = self.run.row_of(&self.run.sql(self.known).count_after(rows, after), 1).await?;
        Ok(usize::try_from(counted.iter().sum::<u64>()).unwrap_or(usize::MAX))
    }

    /// Rows by their keys.
    async fn paged(&mut self, key: KeyId, deed: Deed, rows: Rows, still: &Expr) -> Result<(), End> {
        let (run, child) = (self.run, self.run.schema.keys[key].child);
        let mut pages = Pages::new(run, child, rows, false).of_at_most(Ord::max(self.of.rows_max, KEYS_READ));
        while let Some(Page { keys, .. }) = pages.next(self.known).await? {
            self.kept_by(key, deed, &keys, still.clone()).await?;
        }
        Ok(())
    }

    /// R4: of rows that change within a cycle, those that are not doomed.
    async fn kept_by(&mut self, key: KeyId, deed: Deed, keys: &Keys, still: Expr) -> Result<(), End> {
        let (run, child) = (self.run, self.run.schema.keys[key].child);
        match self.known.get(child) {
            Some(doomed) if deed == Deed::Update(key) && run.plan.is_within_cycle(key) => {
                let primary_key = &run.schema.tables[child].primary_key;
                let (index, values) = (Index::new(doomed, primary_key), keys.of(primary_key));
                let is_kept = |row: &usize| index.find(doomed, &values, *row).is_none();
                let kept: Vec<usize> = (0..keys.len()).filter(is_kept).collect();
                self.take(deed, &keys.copied(&kept), Some(still)).await
            }
            _ => self.take(deed, keys, Some(still)).await,
        }
    }

    /// The rows of a cycle's tables in waves; `false` if a ring is left that only one transaction deletes.
    async fn cycle(&mut self, component: ComponentId) -> Result<bool, End> {
        let (run, known) = (self.run, self.known);
        let Some(cycle) = known.cycle(component) else { return Ok(true) };
        let refers = References::new(cycle);
        let mut gone = 0;
        let mut together: Vec<usize> = Vec::new();
        let can_be_opened = |key: KeyId| !run.schema.keys[key].columns_to_open_alone(run.schema).is_empty();
        for wave in waves(cycle.rows.len(), &cycle.edges, Opening::Reachable, can_be_opened) {
            match wave {
                Wave::Delete(rows) => {
                    gone += rows.len();
                    for row in rows {
                        // One table at a time, as many levels of it as fit.
                        let is_other = together.first().is_some_and(|&first| cycle.rows[first].0 != cycle.rows[row].0);
                        if is_other || together.len() == self.of.rows_max {
                            self.take_known(cycle, &refers, &std::mem::take(&mut together)).await?;
                        }
                        together.push(row);
                    }
                }
                Wave::Open(key, rows) => {
                    self.take_known(cycle, &refers, &std::mem::take(&mut together)).await?;
                    for rows in rows.chunks(self.of.rows_max) {
                        let edges = rows.iter().flat_map(|&row| refers.of(row)).filter(|edge| edge.key == key);
                        let parents: Vec<usize> = edges.map(|edge| cycle.rows[edge.parent].1).collect();
                        for (table, keys, rows_of_keys) in known.by_table(cycle, rows) {
                            // By this key to a doomed row, and doomed by another.
                            let by_another = self.reasons(cycle, &refers, (table, rows, &rows_of_keys), Some(key));
                            let still = run.sql(known).refers_to(key, &parents);
                            let still = still.zip(by_another).map(|(refers, doomed)| refers.and(doomed));
                            self.take(Deed::Open(key), &keys.copied(&rows_of_keys), still).await?;
                        }
                    }
                }
                // Not among those that leave every row reachable.
                Wave::DeleteRings(_) => {}
            }
        }
        self.take_known(cycle, &refers, &together).await?;
        Ok(gone == cycle.rows.len())
    }

    /// Rows of one table of a cycle, as far as they are still doomed: asked for, or referring to rows that are.
    async fn take_known(&mut self, cycle: &Cycle, refers: &References, rows: &[usize]) -> Result<(), End> {
        let known = self.known;
        for (table, keys, rows_of_keys) in known.by_table(cycle, rows) {
            let still = self.reasons(cycle, refers, (table, rows, &rows_of_keys), None);
            self.take(Deed::Delete(table), &keys.copied(&rows_of_keys), still).await?;
        }
        Ok(())
    }

    /// By what such rows are doomed, but for one key: they were asked for, or refer to rows that were doomed.
    fn reasons(
        &self,
        cycle: &Cycle,
        refers: &References,
        (table, rows, rows_of_keys): (TableId, &[usize], &[usize]),
        without: Option<KeyId>,
    ) -> Option<Expr> {
        let (run, known) = (self.run, self.known);
        let mut parents: BTreeMap<KeyId, Vec<usize>> = BTreeMap::new();
        for edge in rows.iter().flat_map(|&row| refers.of(row)) {
            parents.entry(edge.key).or_default().push(cycle.rows[edge.parent].1);
        }
        let mut reasons = Vec::new();
        for key in run.plan.dooming(run.schema, table).filter(|&key| Some(key) != without) {
            if run.plan.is_within_cycle(key) {
                let parents = parents.get(&key).map_or(&[][..], Vec::as_slice);
                reasons.extend(run.sql(known).refers_to(key, parents));
            } else {
                reasons.extend(run.sql(known).refers_alone(key));
            }
        }
        if table == run.plan.root {
            let roots: Vec<usize> = rows_of_keys.iter().copied().filter(|&row| row < known.roots).collect();
            reasons.extend(run.sql(known).is_one_of(table, &roots));
        }
        reasons.into_iter().reduce(sea_orm::sea_query::ExprTrait::or)
    }

    /// What hangs together, and all above it, at once.
    async fn rest(&mut self) -> Result<(), End> {
        let root = self.run.plan.root;
        let roots: Vec<usize> = (0..self.known.roots).collect();
        let keys = self.known.get(root).map(|keys| Which::Keys(keys.copied(&roots), None));
        self.ready.extend(keys.map(|rows| Part {
            deed: Deed::Delete(root),
            rows,
            len: roots.len(),
            parents: Arc::default(),
            is_whole: true,
        }));
        self.flush().await
    }

    // ---- Batches

    /// Adds rows to the next batch, and does each that is full.
    async fn take(&mut self, deed: Deed, keys: &Keys, still: Option<Expr>) -> Result<(), End> {
        let mut taken = 0;
        while taken < keys.len() {
            let end = Ord::min(keys.len(), taken + self.of.rows_max - self.ready());
            let fitting: Vec<usize> = (taken..end).collect();
            taken = end;
            let rows = Which::Keys(keys.copied(&fitting), still.clone());
            self.ready.push(Part { deed, rows, len: fitting.len(), parents: self.parents.clone(), is_whole: false });
            if self.ready() == self.of.rows_max {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// The rows of the next batch so far.
    fn ready(&self) -> usize {
        self.ready.iter().map(|part| part.len).sum()
    }

    fn table_of(&self, deed: Deed) -> TableId {
        match deed {
            Deed::Delete(table) => table,
            Deed::Update(key) | Deed::Open(key) => self.run.schema.keys[key].child,
        }
    }

    /// Does what is ready, in one transaction; in several if others were in the way lately. That it is to stop is known
    /// when there is another one.
    async fn flush(&mut self) -> Result<(), End> {
        let mut queue = VecDeque::from(std::mem::take(&mut self.ready));
        let mut attempts = self.of.deletion.retries.attempts();
        let mut is_again = false;
        while !queue.is_empty() {
            if self.is_stopped {
                return Err(End::Stopped);
            }
            if self.batches > 0 && !self.of.pause.is_zero() && !is_again {
                tokio::time::sleep(self.of.pause).await;
            }
            let parts = self.fitting(&mut queue).await?;
            let watch = self.run.watch.anew();
            let span = tracing::debug_span!(target: "sea_orm_cascade", "cascade.batch", batch = self.batches + 1);
            match self.transaction(&parts, &watch).instrument(span).await {
                Ok(done) => {
                    self.committed(done, &parts);
                    self.size = self.size.saturating_mul(2).min(self.of.rows_max);
                    (attempts, is_again) = (self.of.deletion.retries.attempts(), false);
                }
                Err(error) => {
                    let rows = parts.iter().map(|part| part.len).sum::<usize>();
                    if is_lost_to_others(&error) && rows > 1 && parts.iter().all(|part| !part.is_whole) {
                        self.size = rows.div_ceil(2);
                        attempts.with_less_work();
                    }
                    let Some(wait) = attempts.after(&error, &watch) else { return Err(error.into()) };
                    tokio::time::sleep(wait).await;
                    parts.into_iter().rev().for_each(|part| queue.push_front(part));
                    is_again = true;
                }
            }
        }
        Ok(())
    }

    /// The parts at the head of the queue, as far as they go together into a transaction. The last is cut where it is too
    /// long.
    async fn fitting(&self, queue: &mut VecDeque<Part>) -> Result<Vec<Part>, Error> {
        let (mut parts, mut room) = (Vec::new(), self.size);
        while room > 0 {
            let Some(part) = queue.pop_front() else { break };
            if part.len <= room || part.is_whole {
                room = room.saturating_sub(part.len);
                parts.push(part);
            } else {
                let (first, rest) = self.cut(part, room).await?;
                parts.push(first);
                if let Some(rest) = rest {
                    queue.push_front(rest);
                }
                break;
            }
        }
        Ok(parts)
    }

    /// The first rows of a part, and the others.
    async fn cut(&self, part: Part, len: usize) -> Result<(Part, Option<Part>), Error> {
        let (run, known) = (self.run, self.known);
        let (first, rest) = match &part.rows {
            Which::Keys(keys, still) => {
                let of = |rows: Range<usize>| Which::Keys(keys.copied(&rows.collect::<Vec<_>>()), still.clone());
                (of(0..len), of(len..keys.len()))
            }
            Which::Stretch { rows, after, until } => {
                // Some may have gone meanwhile, with their parents.
                let left = run.sql(known).between(rows, None, until.as_ref());
                let end = run.session.query(&run.sql(known).end_of(&left, after.as_ref(), len)).await?;
                if end.is_empty() {
                    let len = Ord::max(len - 1, 1);
                    return Ok((Part { len, ..part }, None));
                }
                let mut middle = run.keys_of(rows.table(), &run.schema.tables[rows.table()].identity)?;
                middle.read(&end)?;
                let of = |after: &Option<Keys>, until: &Option<Keys>| Which::Stretch {
                    rows: rows.clone(),
                    after: after.clone(),
                    until: until.clone(),
                };
                let middle = Some(middle);
                (of(after, &middle), of(&middle, until))
            }
        };
        let rest_len = part.len - len;
        Ok((Part { rows: first, len, ..part.clone() }, Some(Part { rows: rest, len: rest_len, ..part })))
    }

    /// Does these parts in one transaction.
    async fn transaction(&self, parts: &[Part], watch: &Watch) -> Result<Outcome, Error> {
        let Self { db, awaited, run, .. } = *self;
        let transaction = session::begin(db, run.dialect, Purpose::Write).await?;
        let session = WhileAwaited { session: &transaction, awaited };
        let run = Run { session: &session, watch, ..run };
        let all = async {
            let mut done = Outcome::new(run.schema, run.plan);
            for part in parts {
                self.part(run, part, &mut done).await?;
            }
            run.check_transaction().await?;
            awaited.check()?;
            Ok(done)
        };
        let result = all.await;
        session::finish(transaction, result).await
    }

    /// Tells how far it has come.
    fn committed(&mut self, done: Outcome, parts: &[Part]) {
        self.batches += 1;
        self.done.add(done);
        let table = parts.last().map(|last| self.run.schema.tables[self.table_of(last.deed)].label.clone());
        let progress = Progress {
            table: table.unwrap_or_default(),
            done: self.done.total(),
            total: Ord::max(self.total, self.done.total()),
            batches: self.batches,
        };
        tracing::debug!(
            name: "cascade.progress",
            target: "sea_orm_cascade",
            table = progress.table,
            done = progress.done,
            total = progress.total,
            batches = progress.batches,
            "committed a batch"
        );
        let goes_on = self.of.on_progress.as_ref().is_none_or(|on_progress| on_progress(&progress).is_continue());
        self.is_stopped = !goes_on;
    }

    async fn part(&self, run: Run<'_>, part: &Part, done: &mut Outcome) -> Result<(), Error> {
        let Part { deed, rows, len: _, parents, is_whole: _ } = part;
        for (rows, fulfils) in &**parents {
            if run.dialect == Dialect::Sqlite && fulfils.is_none() {
                // Nothing to lock there, and nothing to ask.
                continue;
            }
            // Those that are gone have taken their children along.
            let moved = run.row_of(&run.sql(self.known).lock_and_count(rows, fulfils.as_ref()), 1).await?;
            if fulfils.is_some() && moved.first() != Some(&0) {
                let table = run.schema.tables[rows.table()].label.clone();
                return Err(ErrorKind::Moved { table }.into());
            }
        }
        let table = self.table_of(*deed);
        let rows = match rows {
            Which::Keys(keys, still) => run.sql(self.known).still(table, keys, still.as_ref()),
            Which::Stretch { rows, after, until } => {
                vec![run.sql(self.known).between(rows, after.as_ref(), until.as_ref())]
            }
        };
        match *deed {
            Deed::Delete(_) if self.is_leaf(table) => {
                let deletes = rows.iter().cloned().map(|rows| run.sql(self.known).delete(rows)).collect();
                done.add_deleted(&run.schema.tables[table].label, run.execute_all(deletes).await?);
                self.check_done(run, *deed, &rows).await?;
            }
            Deed::Delete(_) => {
                let plan = Plan::new(run.schema, table);
                let run = Run { plan: &plan, ..run };
                let mut found = run.keys_of(table, &run.schema.tables[table].identity)?;
                let nothing = Known::new(run.schema, table, run.keys_of(table, &[])?);
                for rows in &rows {
                    let select = run.sql(&nothing).read(rows, &[], true);
                    found.read(&run.session.query(&select).await?)?;
                }
                if self.known.catalog.is_under_row_security {
                    run.check_locked(table, &rows, &found).await?;
                }
                let known = Known::new(run.schema, table, found).with_catalog(self.known.catalog);
                done.add(if run.is_referred_to(&known).await? {
                    // Added meanwhile, or rows of a cycle that go together.
                    let known = run.with_more_known(known, true).await?;
                    run.carry_out(&known, None, None).await?
                } else {
                    run.delete_roots(&known).await?
                });
            }
            Deed::Update(key) => {
                self.check_default(run, key).await?;
                let updates = rows.iter().cloned().map(|rows| run.sql(self.known).set_in(key, rows)).collect();
                done.add_updated(&run.schema.keys[key].label, run.execute_all(updates).await?);
                self.check_done(run, *deed, &rows).await?;
            }
            Deed::Open(key) => {
                let opens = rows.iter().cloned().map(|rows| run.sql(self.known).open_in(key, rows)).collect();
                run.execute_all(opens).await?;
                self.check_done(run, *deed, &rows).await?;
            }
        }
        Ok(())
    }

    /// That none of these rows is as it was, where a trigger or the like may have kept them.
    async fn check_done(&self, run: Run<'_>, deed: Deed, rows: &[Rows]) -> Result<(), Error> {
        // On MySQL and MariaDB a trigger may undo a change and not be shown to this user.
        let may_be_undone = matches!(deed, Deed::Update(_)) && run.dialect == Dialect::MySql;
        if !self.known.catalog.may_keep_rows && !may_be_undone {
            return Ok(());
        }
        let mut stayed = 0;
        for rows in rows {
            stayed += run.row_of(&run.sql(self.known).count_of(rows), 1).await?.iter().sum::<u64>();
        }
        let key = match deed {
            Deed::Delete(_) => None,
            Deed::Update(key) | Deed::Open(key) => Some(key),
        };
        run.check_kept(self.table_of(deed), key, None, stayed)
    }

    /// That the row which a SET DEFAULT key will refer to is still there, and that it stays until the batch is committed.
    async fn check_default(&self, run: Run<'_>, key: KeyId) -> Result<(), Error> {
        let foreign_key = &run.schema.keys[key];
        if foreign_key.action == Action::SetDefault && !run.lock_default(self.known, key).await? {
            let parent = run.schema.tables[foreign_key.parent].label.clone();
            return Err(ErrorKind::DefaultMissing { foreign_key: foreign_key.label.clone(), parent }.into());
        }
        Ok(())
    }

    /// Whether nothing can depend on its rows, nobody wants to see them, and nothing keeps them.
    fn is_leaf(&self, table: TableId) -> bool {
        let is_alone = self.run.schema.keys_to(table).next().is_none() && !self.run.is_watched(table);
        is_alone && !self.known.catalog.may_keep_rows
    }
}

/// What each row of a cycle refers to by CASCADE or another key.
struct References {
    /// By child.
    edges: Vec<Edge>,
}

impl References {
    fn new(cycle: &Cycle) -> Self {
        let mut edges = cycle.edges.clone();
        edges.sort_unstable_by_key(|edge| (edge.child, edge.key));
        Self { edges }
    }

    fn of(&self, row: usize) -> &[Edge] {
        let begin = self.edges.partition_point(|edge| edge.child < row);
        let end = self.edges.partition_point(|edge| edge.child <= row);
        &self.edges[begin..end]
    }
}
