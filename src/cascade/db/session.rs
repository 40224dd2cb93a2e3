//! The connection as one object-safe type, and the transaction around each run.
//!
//! I/O.

use std::any::TypeId;

use async_trait::async_trait;
use sea_orm::sea_query::Query;
use sea_orm::{
    AuditError, ConnectionTrait, DbBackend, DbErr, ExecResult, IsolationLevel, QueryAccessAudit, QueryResult,
    SqliteTransactionMode, Statement, StatementBuilder, TransactionOptions, TransactionSession, TransactionTrait,
    Value,
};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::error::Error;

/// What this crate accepts as a connection: a pool, a transaction of yours, or either of them
/// restricted by SeaORM's access control.
///
/// It is implemented for every type that implements SeaORM's two connection traits.
pub trait Connection: ConnectionTrait + TransactionTrait + 'static {}

impl<C: ConnectionTrait + TransactionTrait + 'static> Connection for C {}

/// Whether this is a transaction. It is the caller's then.
pub(crate) fn is_transaction<C: Connection>() -> bool {
    TypeId::of::<C>() == TypeId::of::<C::Transaction>()
}

/// A connection as a trait object, so that the engine is compiled once and not for each type of
/// connection.
///
/// It passes statements on as they are built: `RestrictedConnection` checks those and refuses SQL
/// text.
#[async_trait]
pub(crate) trait Session: Sync {
    async fn execute(&self, statement: &dyn StatementBuilder) -> Result<ExecResult, DbErr>;
    async fn query(&self, statement: &dyn StatementBuilder) -> Result<Vec<QueryResult>, DbErr>;
    /// Returns the inner connection, for SQL text of hooks.
    fn raw(&self) -> &dyn Raw;
}

/// The methods for SQL text. Only hooks use them.
#[async_trait]
pub(crate) trait Raw: Sync {
    fn backend(&self) -> DbBackend;
    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr>;
    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr>;
    async fn query_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr>;
}

#[async_trait]
impl<C: ConnectionTrait> Session for C {
    async fn execute(&self, statement: &dyn StatementBuilder) -> Result<ExecResult, DbErr> {
        ConnectionTrait::execute(self, &Forwarded(statement)).await
    }

    async fn query(&self, statement: &dyn StatementBuilder) -> Result<Vec<QueryResult>, DbErr> {
        self.query_all(&Forwarded(statement)).await
    }

    fn raw(&self) -> &dyn Raw {
        self
    }
}

#[async_trait]
impl<C: ConnectionTrait> Raw for C {
    fn backend(&self) -> DbBackend {
        self.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        ConnectionTrait::execute_raw(self, statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        ConnectionTrait::execute_unprepared(self, sql).await
    }

    async fn query_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.query_all_raw(statement).await
    }
}

struct Forwarded<'a>(&'a dyn StatementBuilder);

impl StatementBuilder for Forwarded<'_> {
    fn build(&self, backend: &DbBackend) -> Statement {
        self.0.build(backend)
    }

    fn audit(&self) -> Result<QueryAccessAudit, AuditError> {
        self.0.audit()
    }
}

/// A PRAGMA or a catalog query. It reads no table of the user, so it needs no table privilege.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CatalogQuery {
    sql: String,
    values: Vec<Value>,
}

impl CatalogQuery {
    pub(crate) fn new(sql: impl Into<String>, values: Vec<Value>) -> Self {
        Self { sql: sql.into(), values }
    }
}

impl StatementBuilder for CatalogQuery {
    fn build(&self, backend: &DbBackend) -> Statement {
        match self.values.as_slice() {
            [] => Statement::from_string(*backend, &self.sql),
            values => Statement::from_sql_and_values(*backend, &self.sql, values.iter().cloned()),
        }
    }

    fn audit(&self) -> Result<QueryAccessAudit, AuditError> {
        StatementBuilder::audit(&Query::select())
    }
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Several reads of one snapshot.
    Read,
    /// Reads and writes. SQLite takes its write lock at BEGIN, because a transaction that reads
    /// first and writes later fails if another has written in between. The others use READ
    /// COMMITTED, because an older snapshot does not show rows that a waiting writer has just
    /// added.
    Write,
}

/// Opens a transaction, or a savepoint inside the caller's (R6).
pub(crate) async fn begin<C: Connection>(db: &C, dialect: Dialect, purpose: Purpose) -> Result<C::Transaction, Error> {
    if is_transaction::<C>() {
        // MySQL refuses an isolation level in there.
        return Ok(db.begin().await?);
    }
    let isolation_level = match (dialect, purpose) {
        (Dialect::Sqlite, _) => None,
        (_, Purpose::Read) => Some(IsolationLevel::RepeatableRead),
        (_, Purpose::Write) => Some(IsolationLevel::ReadCommitted),
    };
    let sqlite_transaction_mode = match purpose {
        Purpose::Read => None,
        Purpose::Write => Some(SqliteTransactionMode::Immediate),
    };
    let options = TransactionOptions { isolation_level, access_mode: None, sqlite_transaction_mode };
    Ok(db.begin_with_options(options).await?)
}

/// An error that can report that its transaction is lost.
pub(crate) trait CanLose: From<DbErr> {
    fn with_transaction_lost(self) -> Self;
}

impl CanLose for Error {
    fn with_transaction_lost(self) -> Self {
        Self::with_transaction_lost(self)
    }
}

/// Commits if the work succeeded, and rolls back if it failed. An error of the rollback never
/// replaces the error of the work: if the rollback fails, the database has ended the transaction or
/// the connection is lost, so there is nothing to roll back.
pub(crate) async fn finish<T, E: CanLose>(transaction: impl TransactionSession, result: Result<T, E>) -> Result<T, E> {
    match result {
        Ok(value) => {
            // A savepoint that cannot be released is lost with its transaction.
            transaction.commit().await.map_err(|source| E::from(source).with_transaction_lost())?;
            Ok(value)
        }
        Err(error) => {
            let undone = transaction.rollback().await;
            Err(if undone.is_err() { error.with_transaction_lost() } else { error })
        }
    }
}

/// A transaction for one write of the service, or a savepoint inside the caller's.
#[cfg(feature = "service")]
#[derive(Debug)]
pub(crate) struct Write<T>(T);

#[cfg(feature = "service")]
impl<T: TransactionSession> Write<T> {
    pub(crate) async fn begin<C: Connection + TransactionTrait<Transaction = T>>(db: &C) -> Result<Self, Error> {
        let dialect = Dialect::of(db.get_database_backend())?;
        Ok(Self(begin(db, dialect, Purpose::Write).await?))
    }

    pub(crate) fn on(&self) -> &T {
        &self.0
    }

    pub(crate) async fn finish<V, E: CanLose>(self, result: Result<V, E>) -> Result<V, E> {
        finish(self.0, result).await
    }
}
