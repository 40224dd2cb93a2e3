//! Carries out batches, each in a transaction of its own.
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
use crate::cascade::db::execution::{Run, Watch};
use crate::cascade::db::session;
use crate::cascade::db::session::{Connection, Purpose};
use crate::cascade::declare::schema::KeyId;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::plan::Plan;
use crate::cascade::plan::fetched::Known;
use crate::cascade::run::batches::{Deed, End, Going, Part, Which};
use crate::cascade::run::cancel::WhileAwaited;
use crate::cascade::run::retry::is_lost_to_others;
use crate::cascade::sql::Rows;

impl<C: Connection> Going<'_, C> {
    /// Does what is ready, in one transaction; in several if others were in the way lately. That it is to stop is known
    /// when there is another one.
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
            let parts = self.fitting(&mut queue).await?;
            let watch = self.run.watch.anew();
            let span = tracing::debug_span!(target: "sea_orm_cascade", "cascade.batch", batch = self.batches + 1);
            match self.transaction(&parts, &watch).instrument(span).await {
                Ok(done) => {
                    self.committed(done, &parts);
                    self.size = self.size.saturating_mul(2).min(self.limits.rows_max);
                    (attempts, is_again) = (self.retries.attempts(), false);
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
    pub(super) async fn fitting(&self, queue: &mut VecDeque<Part>) -> Result<Vec<Part>, Error> {
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
    pub(super) async fn transaction(&self, parts: &[Part], watch: &Watch) -> Result<Outcome, Error> {
        let Self { db, awaited, run, .. } = *self;
        let transaction = session::begin(db, run.dialect, Purpose::Write).await?;
        let session = WhileAwaited { session: &transaction, awaited };
        let run = Run { session: &session, watch, ..run };
        let all = async {
            let mut done = run.plan.nothing_done(run.schema);
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
        let goes_on = self.limits.on_progress.as_ref().is_none_or(|on_progress| on_progress(&progress).is_continue());
        self.is_stopped = !goes_on;
    }

    pub(super) async fn part(&self, run: Run<'_>, part: &Part, done: &mut Outcome) -> Result<(), Error> {
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
}
