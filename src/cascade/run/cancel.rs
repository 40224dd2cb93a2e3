//! A run that is not interrupted in the middle of a statement when its future is dropped.
//!
//! If a future is dropped while the MySQL driver prepares a statement, the answer stays unread on
//! its connection, and the pool reuses that connection: the next statement takes the wrong answer
//! or waits forever (seen with sqlx 0.9 on MariaDB 10.11). So a run on a pool is a task of its own.
//! If the caller's future is dropped, it stops before the next statement and rolls back. In a
//! transaction of the caller there is no such task: the caller may use that transaction at once,
//! and the savepoint must be gone by then.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use sea_orm::{DatabaseConnection, DbErr, ExecResult, QueryResult, RestrictedConnection, StatementBuilder};
use tokio::runtime::Handle;
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;

use crate::cascade::db::session::{Connection, Raw, Session};
use crate::cascade::error::Error;

/// A pool that a task can own.
#[derive(Debug)]
enum Pool {
    Plain(DatabaseConnection),
    Restricted(RestrictedConnection),
}

impl Pool {
    /// Returns `None` for a transaction and for an unknown type of connection.
    fn of<C: Connection>(db: &C) -> Option<Self> {
        let db: &dyn Any = db;
        let plain = db.downcast_ref::<DatabaseConnection>().cloned().map(Self::Plain);
        plain.or_else(|| db.downcast_ref::<RestrictedConnection>().cloned().map(Self::Restricted))
    }
}

/// Whether the caller still waits for the run.
#[derive(Debug, Clone, Default)]
pub(crate) struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    pub(crate) fn check(&self) -> Result<(), DbErr> {
        if self.0.load(Ordering::Relaxed) {
            return Err(DbErr::Custom("the future that waited for this was dropped".to_owned()));
        }
        Ok(())
    }
}

struct CancelOnDrop(CancelFlag);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// The work on a connection of any type.
pub(crate) trait Task: Clone + Send + Sync + 'static {
    type Output: Send + 'static;

    fn on<C: Connection>(
        &self,
        db: &C,
        cancel: &CancelFlag,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// Does the work. On a pool it is a task, which notices that the caller does not wait any more. In
/// a transaction of the caller, or without a runtime, it runs in place.
pub(crate) async fn cancellable<C: Connection, T: Task>(task: &T, db: &C) -> Result<T::Output, Error> {
    let cancel = CancelFlag::default();
    let (Some(pool), Ok(runtime)) = (Pool::of(db), Handle::try_current()) else {
        // Boxed, so that the caller's future stays small.
        return Box::pin(task.on(db, &cancel)).await;
    };
    let (task, told) = (task.clone(), cancel.clone());
    let work = async move {
        match pool {
            Pool::Plain(db) => task.on(&db, &told).await,
            Pool::Restricted(db) => task.on(&db, &told).await,
        }
    };
    let running = runtime.spawn(work.in_current_span().with_current_subscriber());
    let guard = CancelOnDrop(cancel);
    let result = running.await;
    drop(guard);
    match result {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(DbErr::Custom("the runtime was shut down".to_owned()).into()),
        },
    }
}

/// A session that sends no statement after the caller stopped waiting.
pub(crate) struct Cancellable<'a> {
    pub(crate) session: &'a dyn Session,
    pub(crate) cancel: &'a CancelFlag,
}

#[async_trait]
impl Session for Cancellable<'_> {
    async fn execute(&self, statement: &dyn StatementBuilder) -> Result<ExecResult, DbErr> {
        self.cancel.check()?;
        self.session.execute(statement).await
    }

    async fn query(&self, statement: &dyn StatementBuilder) -> Result<Vec<QueryResult>, DbErr> {
        self.cancel.check()?;
        self.session.query(statement).await
    }

    fn raw(&self) -> &dyn Raw {
        self.session.raw()
    }
}
