//! Deletes in batches: many short transactions instead of one long one.
//!
//! I/O. The steps are those of the plan. Each batch is a delete of at most a given number of rows.
//! Rows of a leaf table are deleted by one statement. Other rows are locked and, if anything
//! references them, deleted as the roots of a normal delete. So rows that were added meanwhile are
//! found, checked against their rule and deleted too. Each batch also locks and checks its parents
//! again; descendants of a row that was moved away are kept.

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

/// The smallest number of keys read in one statement: large pages cost less.
const KEYS_READ: usize = 10_000;

/// The size of the batches, and what happens between them.
#[derive(Clone)]
pub(crate) struct Limits {
    pub(crate) rows_max: usize,
    pub(crate) pause: Duration,
    pub(crate) on_progress: Option<OnProgress>,
}

pub(crate) type OnProgress = Arc<dyn Fn(&Progress) -> ControlFlow<()> + Send + Sync>;

/// Why it ends early.
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

/// What happens to the rows of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BatchOp {
    Delete(TableId),
    /// Changes a SET NULL or SET DEFAULT key of rows that stay.
    Update(KeyId),
    /// Sets a key of rows in a ring to NULL.
    BreakCycle(KeyId),
}

/// Rows of one table that are deleted or changed together.
#[derive(Debug, Clone)]
struct BatchItem {
    op: BatchOp,
    rows: BatchRows,
    len: usize,
    /// The parents that doom them, with the condition under which those are doomed.
    parents: Parents,
    /// Whether its rows can only be deleted together.
    is_whole: bool,
}

type Parents = Arc<Vec<(RowSet, Option<Expr>)>>;

#[derive(Debug, Clone)]
enum BatchRows {
    /// The rows with these keys that still match a condition, because other sessions may have
    /// changed them meanwhile.
    Keys(Keys, Option<Expr>),
    /// All rows that match a condition, between two places in key order.
    KeyRange { rows: RowSet, after: Option<Keys>, until: Option<Keys> },
}

/// A running delete in batches.
pub(crate) struct BatchRun<'a, C> {
    limits: &'a Limits,
    retries: Retries,
    transactions: Transactions<'a, C>,
    /// The execution on the pool.
    execution: Execution<'a>,
    fetched: &'a Fetched,
    /// The next batch.
    ready: Vec<BatchItem>,
    /// The part that is executed now.
    parents: Parents,
    done: Outcome,
    batches: u64,
    /// The largest number of rows in the next transaction: fewer than asked for after one that
    /// other sessions blocked.
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

    /// Executes the steps of the plan, children first, and the roots last.
    async fn go(&mut self) -> Result<(), End> {
        let (execution, fetched) = (self.execution, self.fetched);
        let goes_at_once = |cycle: &Cycle| {
            let waves = waves(cycle.rows.len(), &cycle.edges, CycleBreak::Any, |key| execution.can_be_null(key));
            waves.iter().any(|wave| matches!(wave, Wave::DeleteRings(_)))
        };
        if execution.dialect == Dialect::MySql && fetched.cycles().any(goes_at_once) {
            // InnoDB may not be able to delete such a ring. Then nothing else is deleted either.
            return self.rest().await;
        }
        for &step in &execution.plan.steps {
            // Rows that other sessions add later are found by the batch that deletes their parents.
            if !execution.has_rows(fetched, step) {
                continue;
            }
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

    /// Adds rows to the next batch, and executes each full batch.
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

    /// Returns the number of rows in the next batch.
    fn ready(&self) -> usize {
        self.ready.iter().map(|item| item.len).sum()
    }

    fn table_of(&self, op: BatchOp) -> TableId {
        match op {
            BatchOp::Delete(table) => table,
            BatchOp::Update(key) | BatchOp::BreakCycle(key) => self.execution.schema.keys[key].child,
        }
    }

    /// Whether nothing references its rows, nothing captures them, and nothing keeps them.
    fn is_leaf(&self, table: TableId) -> bool {
        let is_alone = self.execution.schema.keys_to(table).next().is_none() && !self.execution.is_captured(table);
        is_alone && !self.fetched.catalog.may_keep_rows
    }
}
