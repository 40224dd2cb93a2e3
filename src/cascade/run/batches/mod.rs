//! Deletes in batches: many short transactions instead of a long one.
//!
//! I/O. The steps are those of the plan, and each batch is a delete of its own of at most so many
//! rows: rows of a leaf table in one statement, others locked and, if anything references them, by
//! the engine's whole way, rooted at these rows. So whatever was added to them meanwhile is found
//! again, judged by its rule, and goes with them. And the parents by which rows were found are
//! locked and judged again in the batch: one that was moved away keeps what is below it.

mod collect;
mod commit;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sea_query::Expr;

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::Keys;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::progress::Progress;
use crate::cascade::db::execution::Execution;
use crate::cascade::db::session::Connection;
use crate::cascade::declare::schema::{KeyId, TableId};
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::plan::Step;
use crate::cascade::plan::fetched::{Cycle, Fetched};
use crate::cascade::plan::waves::{CycleBreak, Wave, waves};
use crate::cascade::run::retry::Retries;
use crate::cascade::run::transaction::Transactions;
use crate::cascade::sql::RowSet;

/// Keys read in one statement, at least: reading costs less in big pages.
const KEYS_READ: usize = 10_000;

/// How big the batches are, and what happens between them.
#[derive(Clone)]
pub(crate) struct Limits {
    pub(crate) rows_max: usize,
    pub(crate) pause: Duration,
    pub(crate) on_progress: Option<OnProgress>,
}

pub(crate) type OnProgress = Arc<dyn Fn(&Progress) -> ControlFlow<()> + Send + Sync>;

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
enum BatchOp {
    Delete(TableId),
    /// Changes a SET NULL or SET DEFAULT key of rows that stay.
    Update(KeyId),
    /// Sets a key of rows in a ring to NULL.
    BreakCycle(KeyId),
}

/// Rows of one table that go, or change, together.
#[derive(Debug, Clone)]
struct BatchItem {
    op: BatchOp,
    rows: BatchRows,
    len: usize,
    /// What they hang on, and what that fulfils as long as it is doomed.
    parents: Parents,
    /// Whether no row of it can go before the others.
    is_whole: bool,
}

type Parents = Arc<Vec<(RowSet, Option<Expr>)>>;

#[derive(Debug, Clone)]
enum BatchRows {
    /// Those with these keys, as far as they still fulfil a condition, because others may have
    /// changed them meanwhile.
    Keys(Keys, Option<Expr>),
    /// All that fulfil a condition, between two places in key order.
    KeyRange { rows: RowSet, after: Option<Keys>, until: Option<Keys> },
}

/// A delete in batches under way.
pub(crate) struct BatchRun<'a, C> {
    limits: &'a Limits,
    retries: Retries,
    transactions: Transactions<'a, C>,
    /// On the pool.
    execution: Execution<'a>,
    fetched: &'a Fetched,
    /// The next batch.
    ready: Vec<BatchItem>,
    /// Of what is taken now.
    parents: Parents,
    done: Outcome,
    batches: u64,
    /// Rows in the next transaction, at most: fewer than asked for after one that others kept from
    /// going through.
    size: usize,
    total: u64,
    is_stopped: bool,
}

impl<'a, C: Connection> BatchRun<'a, C> {
    pub(crate) fn new(
        transactions: Transactions<'a, C>,
        execution: Execution<'a>,
        fetched: &'a Fetched,
        (limits, retries): (&'a Limits, Retries),
        total: u64,
    ) -> Self {
        Self {
            limits,
            retries,
            transactions,
            execution,
            fetched,
            ready: Vec::new(),
            parents: Arc::default(),
            done: execution.plan.nothing_done(execution.schema),
            batches: 0,
            size: limits.rows_max,
            total,
            is_stopped: false,
        }
    }

    pub(crate) async fn execute(mut self) -> Result<Outcome, Error> {
        let ended = if self.fetched.roots == 0 { Ok(()) } else { self.go().await };
        let Self { done: outcome, batches, .. } = self;
        match ended {
            Ok(()) => Ok(outcome),
            Err(End::Failed(error)) if batches == 0 => Err(error),
            Err(End::Failed(cause)) => Err(ErrorKind::Unfinished { outcome, batches, cause: Some(cause) }.into()),
            Err(End::Stopped) => Err(ErrorKind::Unfinished { outcome, batches, cause: None }.into()),
        }
    }

    /// Does the steps of the plan, children first, and the asked rows last.
    async fn go(&mut self) -> Result<(), End> {
        let (execution, fetched) = (self.execution, self.fetched);
        let goes_at_once = |cycle: &Cycle| {
            let waves = waves(cycle.rows.len(), &cycle.edges, CycleBreak::Any, |key| execution.can_be_null(key));
            waves.iter().any(|wave| matches!(wave, Wave::DeleteRings(_)))
        };
        if execution.dialect == Dialect::MySql && fetched.cycles().any(goes_at_once) {
            // InnoDB may not delete such a ring at all: then nothing else goes either.
            return self.rest().await;
        }
        for &step in &execution.plan.steps {
            match step {
                Step::DeleteBy(key) => self.by(key, BatchOp::Delete(execution.schema.keys[key].child)).await?,
                Step::Update(key) | Step::UpdateKept(key) => self.by(key, BatchOp::Update(key)).await?,
                Step::DeleteRoots => {
                    if let Some(roots) = fetched.get(execution.plan.root) {
                        self.take(BatchOp::Delete(execution.plan.root), roots, None).await?;
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

    // ---- Batches

    /// Adds rows to the next batch, and does each that is full.
    async fn take(&mut self, op: BatchOp, keys: &Keys, still: Option<Expr>) -> Result<(), End> {
        let mut taken = 0;
        while taken < keys.len() {
            let end = Ord::min(keys.len(), taken + self.limits.rows_max - self.ready());
            let fitting: Vec<usize> = (taken..end).collect();
            taken = end;
            let rows = BatchRows::Keys(keys.copied(&fitting), still.clone());
            self.ready.push(BatchItem { op, rows, len: fitting.len(), parents: self.parents.clone(), is_whole: false });
            if self.ready() == self.limits.rows_max {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// The rows of the next batch so far.
    fn ready(&self) -> usize {
        self.ready.iter().map(|item| item.len).sum()
    }

    fn table_of(&self, op: BatchOp) -> TableId {
        match op {
            BatchOp::Delete(table) => table,
            BatchOp::Update(key) | BatchOp::BreakCycle(key) => self.execution.schema.keys[key].child,
        }
    }

    /// Whether nothing can depend on its rows, nobody wants to see them, and nothing keeps them.
    fn is_leaf(&self, table: TableId) -> bool {
        let is_alone = self.execution.schema.keys_to(table).next().is_none() && !self.execution.is_captured(table);
        is_alone && !self.fetched.catalog.may_keep_rows
    }
}
