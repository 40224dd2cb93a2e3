//! Executes batches, each in its own transaction.
//!
//! I/O: it writes.

use std::collections::VecDeque;
use std::ops::Range;

use tracing::Instrument as _;

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::Keys;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::progress::Progress;
use crate::cascade::db::execution::{Capture, Execution};
use crate::cascade::db::session::Connection;
use crate::cascade::declare::schema::KeyId;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::plan::Plan;
use crate::cascade::plan::count::CountScope;
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::run::batches::{BatchItem, BatchOp, BatchRows, BatchRun, End};
use crate::cascade::run::retry::is_lost_to_others;
use crate::cascade::run::transaction::{Scope, Work};
use crate::cascade::sql::RowSet;

impl<C: Connection> BatchRun<'_, C> {
    /// Executes the ready rows in one transaction, or in several if other sessions blocked the last
    /// ones. Between two of them it looks whether to stop.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        let mut queue = VecDeque::from(std::mem::take(&mut self.ready));
        let mut attempts = self.retries.attempts();
        let mut is_again = false;
        while !queue.is_empty() {
            if self.is_stopped {
                return Err(End::Stopped);
            }
            if self.batches > 0 && !self.limits.pause.is_zero() && !is_again {
                tokio::time::sleep(self.limits.pause).await;
            }
            let items = self.fitting(&mut queue).await?;
            let capture = self.execution.capture.anew();
            let span = tracing::debug_span!(target: "sea_orm_cascade", "cascade.batch", batch = self.batches + 1);
            match self.commit(&items, &capture).instrument(span).await {
                Ok(done) => {
                    self.committed(done, &items);
                    self.size = self.size.saturating_mul(2).min(self.limits.rows_max);
                    (attempts, is_again) = (self.retries.attempts(), false);
                }
                Err(error) => {
                    let rows = items.iter().map(|item| item.len).sum::<usize>();
                    if is_lost_to_others(&error) && rows > 1 && items.iter().all(|item| !item.is_whole) {
                        self.size = rows.div_ceil(2);
                        attempts.with_less_work();
                    }
                    let Some(wait) = attempts.after(&error, &capture) else { return Err(error.into()) };
                    tokio::time::sleep(wait).await;
                    items.into_iter().rev().for_each(|item| queue.push_front(item));
                    is_again = true;
                }
            }
        }
        Ok(())
    }

    /// Returns the first parts of the queue that fit together into a transaction. The last part is
    /// split if it is too long.
    pub(super) async fn fitting(&self, queue: &mut VecDeque<BatchItem>) -> Result<Vec<BatchItem>, Error> {
        let (mut items, mut room) = (Vec::new(), self.size);
        while room > 0 {
            let Some(item) = queue.pop_front() else { break };
            if item.len <= room || item.is_whole {
                room = room.saturating_sub(item.len);
                items.push(item);
            } else {
                let (first, rest) = self.cut(item, room).await?;
                items.push(first);
                if let Some(rest) = rest {
                    queue.push_front(rest);
                }
                break;
            }
        }
        Ok(items)
    }

    /// Splits a part into its first rows and the others.
    async fn cut(&self, item: BatchItem, len: usize) -> Result<(BatchItem, Option<BatchItem>), Error> {
        let (execution, fetched) = (self.execution, self.fetched);
        let (first, rest) = match &item.rows {
            BatchRows::Keys(keys, still) => {
                let of = |rows: Range<usize>| BatchRows::Keys(keys.copied(&rows.collect::<Vec<_>>()), still.clone());
                (of(0..len), of(len..keys.len()))
            }
            BatchRows::KeyRange { rows, after, until } => {
                // Some may have been deleted meanwhile, with their parents.
                let left = execution.sql(fetched).between(rows, None, until.as_ref());
                let end = execution.session.query(&execution.sql(fetched).end_of(&left, after.as_ref(), len)).await?;
                if end.is_empty() {
                    let len = Ord::max(len - 1, 1);
                    return Ok((BatchItem { len, ..item }, None));
                }
                let mut middle = execution.keys_of(rows.table(), &execution.schema.tables[rows.table()].identity)?;
                middle.read(&end)?;
                let of = |after: &Option<Keys>, until: &Option<Keys>| BatchRows::KeyRange {
                    rows: rows.clone(),
                    after: after.clone(),
                    until: until.clone(),
                };
                let middle = Some(middle);
                (of(after, &middle), of(&middle, until))
            }
        };
        let rest_len = item.len - len;
        Ok((BatchItem { rows: first, len, ..item.clone() }, Some(BatchItem { rows: rest, len: rest_len, ..item })))
    }

    /// Executes these items in one transaction.
    async fn commit(&self, items: &[BatchItem], capture: &Capture) -> Result<Outcome, Error> {
        let Execution { schema, plan, .. } = self.execution;
        self.transactions.once(Scope { schema, plan, capture }, &Batch { of: self, items }).await
    }

    /// Reports the progress.
    fn committed(&mut self, done: Outcome, items: &[BatchItem]) {
        self.batches += 1;
        self.done.add(done);
        let table = items.last().map(|last| self.execution.schema.tables[self.table_of(last.op)].label.clone());
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
            "cascade.progress"
        );
        let goes_on = self.limits.on_progress.as_ref().is_none_or(|on_progress| on_progress(&progress).is_continue());
        self.is_stopped = !goes_on;
    }

    pub(super) async fn item(
        &self,
        execution: Execution<'_>,
        item: &BatchItem,
        done: &mut Outcome,
    ) -> Result<(), Error> {
        let BatchItem { op, rows, len: _, parents, is_whole: _ } = item;
        for (rows, fulfils) in &**parents {
            if execution.dialect == Dialect::Sqlite && fulfils.is_none() {
                // Nothing to lock and nothing to check.
                continue;
            }
            // Deleted rows have taken their children with them.
            let moved =
                execution.row_of(&execution.sql(self.fetched).lock_and_count(rows, fulfils.as_ref()), 1).await?;
            if fulfils.is_some() && moved.first() != Some(&0) {
                let table = execution.schema.tables[rows.table()].label.clone();
                return Err(ErrorKind::Reparented { table }.into());
            }
        }
        let table = self.table_of(*op);
        let rows = match rows {
            BatchRows::Keys(keys, still) => execution.sql(self.fetched).still(table, keys, still.as_ref()),
            BatchRows::KeyRange { rows, after, until } => {
                vec![execution.sql(self.fetched).between(rows, after.as_ref(), until.as_ref())]
            }
        };
        match *op {
            BatchOp::Delete(_) if self.is_leaf(table) => {
                let deleted = execution.delete_in(self.fetched, rows.clone()).await?;
                done.add_deleted(&execution.schema.tables[table].label, deleted);
                self.check_done(execution, *op, &rows).await?;
            }
            BatchOp::Delete(_) => {
                let plan = Plan::of(execution.schema, table);
                let execution = Execution { plan: &plan, ..execution };
                let mut found = execution.keys_of(table, &execution.schema.tables[table].identity)?;
                let nothing = Fetched::new(execution.schema, table, execution.keys_of(table, &[])?);
                for rows in &rows {
                    let select = execution.sql(&nothing).read(rows, &[], true);
                    found.read(&execution.session.query(&select).await?)?;
                }
                if self.fetched.catalog.is_under_row_security {
                    execution.check_locked(table, &rows, &found).await?;
                }
                let fetched = Fetched::new(execution.schema, table, found).with_catalog(self.fetched.catalog);
                done.add(if execution.is_referenced(&fetched).await? {
                    // Added meanwhile, or rows of a cycle that are deleted together.
                    let fetched = execution.with_gathered(fetched, true, CountScope::Blockers).await?;
                    execution.carry_out(&fetched, None, None).await?
                } else {
                    execution.delete_roots(&fetched).await?
                });
            }
            BatchOp::Update(key) => {
                self.check_default(execution, key).await?;
                let updated = execution.set_in(self.fetched, key, rows.clone()).await?;
                done.add_updated(&execution.schema.keys[key].label, updated);
                self.check_done(execution, *op, &rows).await?;
            }
            BatchOp::BreakCycle(key) => {
                execution.break_cycle_in(self.fetched, key, rows.clone()).await?;
                self.check_done(execution, *op, &rows).await?;
            }
        }
        Ok(())
    }

    /// Checks that all these rows were deleted or changed, where a trigger or the like may have
    /// kept them.
    async fn check_done(&self, execution: Execution<'_>, op: BatchOp, rows: &[RowSet]) -> Result<(), Error> {
        // On MySQL and MariaDB a trigger may undo a change, and this user may not see the trigger.
        let may_be_undone = matches!(op, BatchOp::Update(_)) && execution.dialect == Dialect::MySql;
        if !self.fetched.catalog.may_keep_rows && !may_be_undone {
            return Ok(());
        }
        let mut stayed = 0;
        for rows in rows {
            stayed += execution.row_of(&execution.sql(self.fetched).count_of(rows), 1).await?.iter().sum::<u64>();
        }
        let key = match op {
            BatchOp::Delete(_) => None,
            BatchOp::Update(key) | BatchOp::BreakCycle(key) => Some(key),
        };
        execution.check_kept(self.table_of(op), key, None, stayed)
    }

    /// Locks the row that a SET DEFAULT key will reference, and checks that it exists, until the
    /// batch is committed.
    async fn check_default(&self, execution: Execution<'_>, key: KeyId) -> Result<(), Error> {
        let foreign_key = &execution.schema.keys[key];
        if foreign_key.action == Action::SetDefault && !execution.lock_default(self.fetched, key).await? {
            let parent = execution.schema.tables[foreign_key.parent].label.clone();
            return Err(ErrorKind::DefaultMissing { foreign_key: foreign_key.label.clone(), parent }.into());
        }
        Ok(())
    }
}

/// The items of one transaction.
struct Batch<'a, C> {
    of: &'a BatchRun<'a, C>,
    items: &'a [BatchItem],
}

impl<C: Connection> Work for Batch<'_, C> {
    type Output = Outcome;

    async fn work(&self, execution: Execution<'_>) -> Result<Outcome, Error> {
        let mut done = execution.plan.nothing_done(execution.schema);
        for item in self.items {
            self.of.item(execution, item, &mut done).await?;
        }
        execution.check_transaction().await?;
        Ok(done)
    }
}
