//! The receipts: listed, forgotten, purged.
//!
//! I/O.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Order, Query, SelectStatement};
use sea_orm::{DbErr, QueryResult};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::receipt::{Receipt, ReceiptEntry, ReceiptState, RecordedStep};
use crate::cascade::db::execution::{Capture, Execution};
use crate::cascade::db::session::{Connection, Purpose};
use crate::cascade::declare::graph::Graph;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::plan::recording::{RECEIPTS, record_table};
use crate::cascade::run::cancel::cancellable;
use crate::cascade::run::retry::Retries;
use crate::cascade::run::transaction::{Prepared, Request, Work};
use crate::cascade::sql::undo::forget;

/// How many receipts one round of a purge reads.
const PURGED_AT_ONCE: u64 = 100;

/// A receipt as it is stored.
pub(super) struct Stored {
    pub(super) receipt: Receipt,
    reason: String,
    root: String,
    pub(super) state: ReceiptState,
    pub(super) steps: Vec<RecordedStep>,
}

/// A request to remove the record of one delete, from [`Graph::forget`].
#[derive(Debug, Clone)]
#[must_use = "nothing is forgotten until `execute` is called"]
pub struct Forget {
    graph: Graph,
    receipt: Receipt,
}

/// A request to remove the records of old deletes, from [`Graph::purge`].
#[derive(Debug, Clone)]
#[must_use = "nothing is purged until `execute` is called"]
pub struct Purge {
    graph: Graph,
    before: SystemTime,
}

#[derive(Clone)]
struct Listing {
    graph: Graph,
    before: Option<Receipt>,
    rows_max: u64,
    /// Whether those whose record was removed are left out.
    without_forgotten: bool,
}

impl Graph {
    /// Returns recorded deletes, newest first: at most so many, and only those before a receipt if
    /// one is given. The last one of a page is where the next page begins.
    ///
    /// Cost: one statement, which reads as many rows as it returns.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// # use sea_orm::ConnectionTrait as _;
    /// # let graph = sea_orm_cascade::service::graph().with_undo().build()?;
    /// # for statement in graph.audit().run(&db).await?.statements() { db.execute_unprepared(statement).await?; }
    /// let page = graph.receipts(&db, 50, None).await?;
    /// if let Some(last) = page.last() {
    ///     let next = graph.receipts(&db, 50, Some(last.receipt)).await?;
    /// #   let _ = next;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NotBuiltWithUndo`] and the errors of the database.
    pub async fn receipts<C: Connection>(
        &self,
        db: &C,
        rows_max: u64,
        before: Option<Receipt>,
    ) -> Result<Vec<ReceiptEntry>, Error> {
        cancellable(&Listing { graph: self.clone(), before, rows_max, without_forgotten: false }, db).await
    }

    /// Returns a request to remove the record of a delete: its rows, its reason and the name of its
    /// table. The receipt stays with its numbers, and its delete can never be undone.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Receipt, service};
    ///
    /// let graph = service::graph().with_undo().build()?;
    /// let forget = graph.forget(Receipt::new(12));
    /// # let _ = forget;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn forget(&self, receipt: Receipt) -> Forget {
        Forget { graph: self.clone(), receipt }
    }

    /// Returns a request to forget every delete before this time, each in a transaction of its own.
    ///
    /// # Example
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use sea_orm_cascade::service;
    ///
    /// let graph = service::graph().with_undo().build()?;
    /// let purge = graph.purge(SystemTime::now() - Duration::from_secs(30 * 24 * 3600));
    /// # let _ = purge;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn purge(&self, before: SystemTime) -> Purge {
        Purge { graph: self.clone(), before }
    }
}

impl Forget {
    /// Removes the record in one transaction. A receipt that was undone or forgotten has no rows any
    /// more; that is not an error.
    ///
    /// Cost: one statement locks the receipt, one for each recorded table removes its rows, and one
    /// changes the receipt.
    ///
    /// # Errors
    /// [`ErrorKind::NotBuiltWithUndo`], [`ErrorKind::NoReceipt`], and the errors of the database.
    pub async fn execute<C: Connection>(&self, db: &C) -> Result<(), Error> {
        cancellable(self, db).await
    }
}

impl Purge {
    /// Forgets them one by one, and returns how many. If it fails, those before stay forgotten; call
    /// again. Inside a transaction of yours all of it is in that transaction.
    ///
    /// Cost: one statement for each 100 receipts, and those of [`Forget::execute`] for each.
    ///
    /// # Errors
    /// [`ErrorKind::NotBuiltWithUndo`] and the errors of the database.
    pub async fn execute<C: Connection>(&self, db: &C) -> Result<u64, Error> {
        let millis = self.before.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut before = Receipt::at(UNIX_EPOCH + millis, 0);
        let mut purged = 0;
        loop {
            let graph = self.graph.clone();
            let (before_it, rows_max) = (Some(before), PURGED_AT_ONCE);
            let listing = Listing { graph, before: before_it, rows_max, without_forgotten: true };
            let page = cancellable(&listing, db).await?;
            let Some(last) = page.last() else { return Ok(purged) };
            before = last.receipt;
            for entry in &page {
                self.graph.forget(entry.receipt).execute(db).await?;
                purged += 1;
            }
        }
    }
}

impl Work for Listing {
    type Output = Vec<ReceiptEntry>;

    async fn work(&self, execution: Execution<'_>) -> Result<Vec<ReceiptEntry>, Error> {
        check_built(execution)?;
        let mut select = selected();
        if let Some(before) = self.before {
            select.and_where(Expr::col(Alias::new("number")).lt(before.stored()));
        }
        if self.without_forgotten {
            select.and_where(Expr::col(Alias::new("state")).ne(ReceiptState::Forgotten.as_str()));
        }
        select.order_by(Alias::new("number"), Order::Desc).limit(self.rows_max);
        let rows = execution.session.query(&select).await?;
        Ok(rows.iter().map(stored).map(|stored| stored.map(entry)).collect::<Result<_, _>>()?)
    }
}

impl Request for Listing {
    fn prepare(&self) -> Result<Prepared, Error> {
        let span = tracing::debug_span!(target: "sea_orm_cascade", "cascade.receipts");
        Ok(Prepared::reading(&self.graph, span))
    }
}

impl Work for Forget {
    type Output = ();

    async fn work(&self, execution: Execution<'_>) -> Result<(), Error> {
        check_built(execution)?;
        let stored = find(execution, self.receipt, true).await?;
        if stored.state == ReceiptState::Done {
            empty(execution, &stored).await?;
        }
        let mut update = Query::update();
        update.table(Alias::new(RECEIPTS)).value(Alias::new("state"), ReceiptState::Forgotten.as_str());
        update.value(Alias::new("reason"), "").value(Alias::new("root"), "");
        update.and_where(Expr::col(Alias::new("number")).eq(self.receipt.stored()));
        execution.write_record(&update).await?;
        Ok(())
    }
}

impl Request for Forget {
    fn prepare(&self) -> Result<Prepared, Error> {
        let receipt = self.receipt.number();
        let span = tracing::debug_span!(target: "sea_orm_cascade", "cascade.forget", receipt);
        let (graph, plan, capture) = (self.graph.clone(), Arc::default(), Capture::default());
        Ok(Prepared { graph, plan, capture, purpose: Purpose::Write, retries: Retries::default(), span })
    }
}

pub(super) fn check_built(execution: Execution<'_>) -> Result<(), Error> {
    if execution.schema.is_recorded { Ok(()) } else { Err(ErrorKind::NotBuiltWithUndo.into()) }
}

/// Reads a receipt, and locks it if wanted.
pub(super) async fn find(execution: Execution<'_>, receipt: Receipt, lock: bool) -> Result<Stored, Error> {
    let mut select = selected();
    select.and_where(Expr::col(Alias::new("number")).eq(receipt.stored()));
    if lock && execution.dialect != Dialect::Sqlite {
        select.lock_exclusive();
    }
    let rows = execution.session.query(&select).await?;
    Ok(stored(rows.first().ok_or(ErrorKind::NoReceipt { receipt })?)?)
}

/// Removes the recorded rows of a receipt.
pub(super) async fn empty(execution: Execution<'_>, stored: &Stored) -> Result<(), Error> {
    let mut emptied = Vec::new();
    for step in &stored.steps {
        let table = execution.schema.tables.iter().find(|table| table.label == step.table);
        let table = table.ok_or_else(|| ErrorKind::NotRegistered { table: step.table.clone() })?;
        if !emptied.contains(&&step.table) {
            execution.write_record(&forget(stored.receipt, &record_table(&table.name))).await?;
            emptied.push(&step.table);
        }
    }
    Ok(())
}

/// Writes that a receipt was undone.
pub(super) async fn close(execution: Execution<'_>, receipt: Receipt) -> Result<(), Error> {
    let mut update = Query::update();
    update.table(Alias::new(RECEIPTS)).value(Alias::new("state"), ReceiptState::Undone.as_str());
    update.and_where(Expr::col(Alias::new("number")).eq(receipt.stored()));
    execution.write_record(&update).await?;
    Ok(())
}

fn selected() -> SelectStatement {
    let mut select = Query::select();
    select.columns(["number", "reason", "root", "state", "numbers"].map(Alias::new)).from(Alias::new(RECEIPTS));
    select
}

fn stored(row: &QueryResult) -> Result<Stored, DbErr> {
    let (number, state): (i64, String) = (row.try_get("", "number")?, row.try_get("", "state")?);
    let state = ReceiptState::named(&state).ok_or_else(|| DbErr::Type(format!("{state} is no state of a receipt")))?;
    let numbers: String = row.try_get("", "numbers")?;
    let steps = serde_json::from_str(&numbers).map_err(|error| DbErr::Json(error.to_string()))?;
    let (reason, root) = (row.try_get("", "reason")?, row.try_get("", "root")?);
    Ok(Stored { receipt: Receipt::new(u64::try_from(number).unwrap_or_default()), reason, root, state, steps })
}

fn entry(stored: Stored) -> ReceiptEntry {
    let Stored { receipt, reason, root, state, steps } = stored;
    let (mut deleted, mut changed) = (Vec::<(String, u64)>::new(), Vec::<(String, u64)>::new());
    for step in steps {
        let (numbers, name) = match step.change {
            None => (&mut deleted, step.table),
            Some(change) if change.is_of_ring => continue,
            Some(change) => (&mut changed, change.foreign_key),
        };
        match numbers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => *rows += step.rows,
            None => numbers.push((name, step.rows)),
        }
    }
    ReceiptEntry { receipt, reason, root, state, deleted, changed }
}
