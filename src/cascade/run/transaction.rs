//! The transaction around an execution: begin, do the work, commit or roll back, and retry
//! transient failures.
//!
//! I/O. Every request goes through here: previews, deletes, batches, repairs and audits.

use std::sync::Arc;

use tracing::{Instrument as _, Span};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::db::execution::{Capture, Execution, Transaction};
use crate::cascade::db::session;
use crate::cascade::db::session::{Connection, Purpose, Session};
use crate::cascade::declare::graph::Graph;
use crate::cascade::declare::schema::Schema;
use crate::cascade::error::Error;
use crate::cascade::plan::Plan;
use crate::cascade::run::cancel::{CancelFlag, Cancellable, Task};
use crate::cascade::run::retry::Retries;

/// The work of one transaction.
pub(crate) trait Work: Sync {
    type Output: Send;

    fn work(&self, execution: Execution<'_>) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// A request that runs in one transaction.
pub(crate) trait Request: Work<Output: 'static> + Clone + Send + 'static {
    /// Prepares what all attempts share.
    fn prepare(&self) -> Result<Prepared, Error>;

    /// Reports the result to `tracing`.
    fn tell(_: &Result<Self::Output, Error>) {}
}

/// What all attempts at a request share.
pub(crate) struct Prepared {
    pub(crate) graph: Graph,
    pub(crate) plan: Arc<Plan>,
    pub(crate) capture: Capture,
    pub(crate) purpose: Purpose,
    pub(crate) retries: Retries,
    pub(crate) span: Span,
}

impl Prepared {
    /// Returns what a request shares that reads a database and follows no plan.
    pub(crate) fn reading(graph: &Graph, span: Span) -> Self {
        let (plan, capture, retries) = (Arc::default(), Capture::default(), Retries::default());
        Self { graph: graph.clone(), plan, capture, purpose: Purpose::Read, retries, span }
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope { schema: self.graph.schema(), plan: &self.plan, capture: &self.capture }
    }
}

/// What an execution works on.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) plan: &'a Plan,
    pub(crate) capture: &'a Capture,
}

/// Opens transactions on a connection, for reads or writes.
pub(crate) struct Transactions<'a, C> {
    db: &'a C,
    cancel: &'a CancelFlag,
    dialect: Dialect,
    purpose: Purpose,
}

impl<'a, C: Connection> Transactions<'a, C> {
    /// Refuses a connection whose driver's feature is off.
    pub(crate) fn on(db: &'a C, cancel: &'a CancelFlag, purpose: Purpose) -> Result<Self, Error> {
        Ok(Self { db, cancel, dialect: Dialect::of(db.get_database_backend())?, purpose })
    }

    /// Does the work in one transaction, or in a savepoint of the caller's transaction. Nothing is
    /// committed after the caller's future is dropped.
    pub(crate) async fn once<W: Work>(&self, scope: Scope<'_>, work: &W) -> Result<W::Output, Error> {
        let transaction = session::begin(self.db, self.dialect, self.purpose).await?;
        let session = Cancellable { session: &transaction, cancel: self.cancel };
        let result = work.work(self.execution(&session, scope)).await;
        let result = result.and_then(|output| Ok(self.cancel.check().map(|()| output)?));
        session::finish(transaction, result).await
    }

    /// Repeats it until it succeeds, fails permanently, or has no attempts left (R11). Inside a
    /// transaction of the caller there is one attempt.
    pub(crate) async fn retried<W: Work>(&self, prepared: &Prepared, work: &W) -> Result<W::Output, Error> {
        let retries = if session::is_transaction::<C>() { Retries::NONE } else { prepared.retries };
        let mut attempts = retries.attempts();
        loop {
            let error = match self.once(prepared.scope(), work).await {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            let Some(wait) = attempts.after(&error, &prepared.capture) else { return Err(error) };
            tokio::time::sleep(wait).await;
        }
    }

    /// Returns what one execution works with, in such a transaction or outside of one.
    pub(crate) fn execution<'e>(&self, session: &'e dyn Session, scope: Scope<'e>) -> Execution<'e> {
        let Scope { schema, plan, capture } = scope;
        let (dialect, transaction) = (self.dialect, Transaction::of::<C>(self.purpose));
        Execution { schema, plan, dialect, session, capture, transaction, recording: None }
    }
}

impl<R: Request> Task for R {
    type Output = <R as Work>::Output;

    async fn on<C: Connection>(&self, db: &C, cancel: &CancelFlag) -> Result<Self::Output, Error> {
        let prepared = self.prepare()?;
        let transactions = Transactions::on(db, cancel, prepared.purpose)?;
        let carried_out = async {
            let result = transactions.retried(&prepared, self).await;
            Self::tell(&result);
            result
        };
        carried_out.instrument(prepared.span.clone()).await
    }
}

/// Writes one event for each delete and repair, when it has been committed or has failed.
pub(crate) fn tell(result: Result<&Outcome, &Error>) {
    match result {
        Ok(outcome) => tracing::debug!(
            name: "cascade.done",
            target: "sea_orm_cascade",
            deleted = outcome.rows_deleted(),
            changed = outcome.foreign_keys_changed(),
            "cascade.done: {outcome}"
        ),
        Err(error) => tracing::debug!(
            name: "cascade.failed",
            target: "sea_orm_cascade",
            transient = error.is_transient(),
            "cascade.failed: {error}"
        ),
    }
}
