//! What can go wrong in the engine, by kind, with the data a caller needs to act.
//!
//! Pure. `text` has the words, `driver` reads the codes in a driver's error.

pub(crate) mod driver;
pub(crate) mod fault;
mod text;

pub use fault::Fault;

use std::error::Error as StdError;
use std::fmt;

use sea_orm::{DbBackend, DbErr};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::finding::Audit;
use crate::cascade::data::key::{Key, Misfit, Unread};
use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::preview::{Blocker, Preview};

/// Why a graph could not be built, or why a delete or preview did not happen.
///
/// After any of them but [`ErrorKind::Unfinished`] nothing has changed, and a transaction that the
/// caller had open can go on, unless [`Error::is_transaction_lost`] says that the database has
/// ended it. [`Error::kind`] gives the data, the `is_*` functions the usual questions, `source` the
/// driver's error.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    /// Whether the database would not undo what was done in the caller's transaction, because that
    /// is not there any more.
    is_transaction_lost: bool,
}

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The declarations cannot work together. Every fault that was found.
    Invalid(Vec<Fault>),
    /// The entity to delete from is not in the graph.
    #[non_exhaustive]
    NotRegistered {
        /// Its table.
        table: String,
    },
    /// Rows that were asked for do not exist, and
    /// [`must_exist`](crate::Deletion::must_exist) was stated.
    #[non_exhaustive]
    NotFound {
        /// The table.
        table: String,
        /// The primary keys without a row; empty if a Select returned none.
        keys: Vec<Key>,
    },
    /// Rows that must stay reference rows that would go (rules R3, R5). Every blocker.
    Blocked(Vec<Blocker>),
    /// More rows would be deleted or changed than `at_most` allows.
    #[non_exhaustive]
    TooManyRows {
        /// What was allowed.
        at_most: u64,
        /// What would have happened.
        preview: Box<Preview>,
    },
    /// What would happen is no longer what the preview showed.
    #[non_exhaustive]
    Changed {
        /// What was shown.
        expected: Box<Preview>,
        /// What would happen now.
        found: Box<Preview>,
    },
    /// The connection's user may not do this to a table.
    ///
    /// A delete needs SELECT on every table that it reaches, DELETE where it deletes and UPDATE
    /// where it changes keys; on PostgreSQL also UPDATE where it locks, which is every table that a
    /// key leads to (`SELECT .. FOR UPDATE`).
    #[non_exhaustive]
    Forbidden {
        /// The table, as the database or the access control names it; empty if it does not.
        table: String,
        /// The permission that is missing, such as `delete`; empty if the database does not say it.
        permission: String,
        /// The refusal itself.
        source: DbErr,
    },
    /// Row security of PostgreSQL is active for this connection's user, so that rows may be hidden
    /// which belong to the delete; see
    /// [`Deletion::under_row_security`](crate::Deletion::under_row_security).
    #[non_exhaustive]
    RowSecurity {
        /// The tables that have it, among those that the delete reaches.
        tables: Vec<String>,
    },
    /// Rows that a statement was to delete or change are still there, and the database reported no
    /// error. A trigger or a rule has kept them, or has added others that reference what goes; or
    /// row security hid them from the statement.
    #[non_exhaustive]
    StillThere {
        /// Their table.
        table: String,
        /// The key by which they still reference rows that go, if that is how they were found.
        foreign_key: Option<String>,
        /// How many were to go, if they were known by key.
        rows: Option<u64>,
        /// How many of them are still there.
        stayed: u64,
    },
    /// A key column has another type in the database than its entity declares, one whose values
    /// this crate would not read or compare exactly: other rows than those asked for could go.
    #[non_exhaustive]
    TypeDiffers {
        /// The table.
        table: String,
        /// Its column.
        column: String,
        /// The types that it may have.
        expected: String,
        /// The one that it has.
        found: String,
    },
    /// A value of a key column is stored as another kind of value than the column's type says,
    /// which SQLite allows: it takes part in no comparison as the others do.
    #[non_exhaustive]
    StoredDifferently {
        /// The table.
        table: String,
        /// Its column.
        column: String,
        /// The value, and as what it is stored: `1.5 (REAL)`.
        value: String,
        /// The row: its key as far as it could be read, and the value.
        row: String,
    },
    /// SET NULL or SET DEFAULT on a column that cannot take it in the database of MySQL and
    /// MariaDB: it is computed, or NOT NULL, which they pass over or make 0 of unless their mode is
    /// strict. (The other databases refuse that themselves.)
    #[non_exhaustive]
    KeyCannotChange {
        /// The child's table.
        table: String,
        /// The column.
        column: String,
        /// Why it cannot.
        reason: &'static str,
    },
    /// Tables that the delete reaches cannot be rolled back (`MyISAM`, `Aria` and others of MySQL
    /// and MariaDB), so that an error would leave half of it done.
    #[non_exhaustive]
    NotTransactional {
        /// These tables.
        tables: Vec<String>,
    },
    /// The caller's transaction on PostgreSQL is above READ COMMITTED, so that it does not see rows
    /// that others have added since it began, and the database has no constraint for these keys
    /// that would notice them.
    #[non_exhaustive]
    IsolationLevel {
        /// The level of the transaction.
        level: String,
        /// The keys without a constraint.
        foreign_keys: Vec<String>,
    },
    /// The feature of this crate for the connection's database is off.
    #[non_exhaustive]
    BackendDisabled {
        /// The database.
        backend: &'static str,
        /// The feature to turn on.
        feature: &'static str,
    },
    /// The connection is to a database that this crate does not know.
    UnknownBackend,
    /// A key column has a type that this database cannot compare dependably.
    #[non_exhaustive]
    KeyNotComparable {
        /// The database.
        backend: &'static str,
        /// The table.
        table: String,
        /// Its column.
        column: String,
    },
    /// The Select of the rows to delete could not be run with their keys added to it.
    Select(DbErr),
    /// The database found a row that still references one of the doomed: of a table that is not in
    /// the graph, or inserted while the delete ran.
    StillReferenced(DbErr),
    /// Rows reference each other in a ring by keys that cannot be NULL, and the database deletes
    /// none of them before the others.
    #[non_exhaustive]
    Ring {
        /// The database.
        backend: &'static str,
        /// The rows of a ring, each referencing the next and the last to the first.
        rows: Vec<RingRow>,
        /// What the database said.
        source: DbErr,
    },
    /// A `before_delete` or `after_delete` of an entity registered with its hooks returned an
    /// error.
    #[non_exhaustive]
    Vetoed {
        /// Its table.
        table: String,
        /// What the hook returned.
        source: DbErr,
    },
    /// A delete in batches ended after some of them, which stay done: its progress callback stopped
    /// it, or a batch failed. What is left is whole, and the same call goes on with it.
    #[non_exhaustive]
    Unfinished {
        /// What was deleted and changed.
        outcome: Outcome,
        /// In how many batches.
        batches: u64,
        /// Why a batch failed; `None` if the callback stopped it.
        cause: Option<Error>,
    },
    /// While a delete in batches ran, rows that were to go were given another parent, and what is
    /// below them may not have to go any more. Nothing of it was deleted; the same call looks
    /// again.
    #[non_exhaustive]
    Reparented {
        /// Their table.
        table: String,
    },
    /// While a delete in batches ran, the row went that a SET DEFAULT key was to reference.
    #[non_exhaustive]
    DefaultMissing {
        /// The key.
        foreign_key: String,
        /// The table of the row.
        parent: String,
    },
    /// The schema of the database is not as declared, or rows have lost their parents: what was to
    /// be clean is not.
    AuditFailed(Box<Audit>),
    /// Batches were asked for inside a transaction of the caller's, in which nothing can be
    /// committed in between.
    BatchesInTransaction,
    /// Batches of no rows were asked for.
    EmptyBatches,
    /// A row was to be locked outside of a transaction, which would unlock it at once.
    NotInTransaction,
    /// Any other error of the database or the connection; [`Error::is_transient`] tells whether
    /// trying again helps.
    Database(DbErr),
}

/// One row of a ring, and the key by which it references the next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingRow {
    /// Its table.
    pub table: String,
    /// Its primary key.
    pub key: Key,
    /// The key by which it references the next row, as `users.mentor`.
    pub foreign_key: String,
}

impl Error {
    /// The kind, with its data.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The kind, with its data, by value.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        self.0.kind
    }

    /// The kind, or that of the batch that failed.
    fn reason(&self) -> &ErrorKind {
        match self.kind() {
            ErrorKind::Unfinished { cause: Some(cause), .. } => cause.kind(),
            kind => kind,
        }
    }

    /// Whether rows that had to exist do not ([`ErrorKind::NotFound`]).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind(), ErrorKind::NotFound { .. })
    }

    /// Whether rows that must stay reference rows that would go.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        matches!(self.reason(), ErrorKind::Blocked(_))
    }

    /// The blockers of a refused delete; empty for every other kind.
    #[must_use]
    pub fn blockers(&self) -> &[Blocker] {
        match self.reason() {
            ErrorKind::Blocked(blockers) => blockers,
            _ => &[],
        }
    }

    /// Whether `at_most` refused the delete.
    #[must_use]
    pub fn is_too_many_rows(&self) -> bool {
        matches!(self.kind(), ErrorKind::TooManyRows { .. })
    }

    /// Whether `expecting` refused the delete.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        matches!(self.kind(), ErrorKind::Changed { .. })
    }

    /// Whether the database found a row that still references one of the doomed; if trying again
    /// does not help, its table is not in the graph.
    #[must_use]
    pub fn is_still_referenced(&self) -> bool {
        matches!(self.reason(), ErrorKind::StillReferenced(_))
    }

    /// Whether the database lets this connection's user not do it: a right is missing, or row
    /// security is active and was not stated.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self.reason(), ErrorKind::Forbidden { .. } | ErrorKind::RowSecurity { .. })
    }

    /// Whether rows that were to go are still there, because a trigger, a rule or row security kept
    /// them.
    #[must_use]
    pub fn is_still_there(&self) -> bool {
        matches!(self.reason(), ErrorKind::StillThere { .. })
    }

    /// Whether rows reference each other in a ring that the database does not delete.
    #[must_use]
    pub fn is_ring(&self) -> bool {
        matches!(self.reason(), ErrorKind::Ring { .. })
    }

    /// Whether an audit was to be clean and is not.
    #[must_use]
    pub fn is_audit_failed(&self) -> bool {
        matches!(self.kind(), ErrorKind::AuditFailed(_))
    }

    /// Whether a hook refused the delete.
    #[must_use]
    pub fn is_vetoed(&self) -> bool {
        matches!(self.reason(), ErrorKind::Vetoed { .. })
    }

    /// Whether the progress callback of a delete in batches stopped it.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unfinished { cause: None, .. })
    }

    /// What was committed before a delete in batches ended; `None` for every other kind, because
    /// nothing was.
    #[must_use]
    pub fn done_so_far(&self) -> Option<&Outcome> {
        match self.kind() {
            ErrorKind::Unfinished { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    /// Whether the same call may succeed when it is made again, in a new transaction and a bounded
    /// number of times: a deadlock, a serialization failure, a lock or busy time-out, a pool
    /// without a free connection, a node of a cluster that lost to another or is not ready, rows
    /// moved under a delete in batches, or a row inserted meanwhile that still references one of
    /// the doomed. (The last looks the same as a table that the graph does not know.)
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.reason() {
            ErrorKind::StillReferenced(_) | ErrorKind::Reparented { .. } => true,
            _ => self.database_error().is_some_and(driver::is_transient),
        }
    }

    /// Whether the database has ended the whole transaction, the caller's too: a deadlock on MySQL
    /// and MariaDB, a record that has changed since it was read on MariaDB from 11.6 on,
    /// `RAISE(ROLLBACK)` of a trigger of SQLite, a node of a cluster that lost to another, or a
    /// connection that is gone. What was done in it is undone, and it must be begun anew: what is
    /// sent to it now is committed statement by statement.
    ///
    /// It is told by the error's code, and by asking: the savepoint of the delete could not be
    /// rolled back to.
    #[must_use]
    pub fn is_transaction_lost(&self) -> bool {
        self.0.is_transaction_lost || self.database_error().is_some_and(driver::is_transaction_lost)
    }

    pub(crate) fn with_transaction_lost(mut self) -> Self {
        self.0.is_transaction_lost = true;
        self
    }

    /// Whether waiting a little and trying again may help; not where a pool has waited already.
    pub(crate) fn is_worth_waiting(&self) -> bool {
        self.is_transient() && !matches!(self.database_error(), Some(DbErr::ConnectionAcquire(_)))
    }

    /// The error of the database or the connection beneath this one, if there is one.
    #[must_use]
    pub fn database_error(&self) -> Option<&DbErr> {
        match self.reason() {
            ErrorKind::Database(source)
            | ErrorKind::Select(source)
            | ErrorKind::StillReferenced(source)
            | ErrorKind::Ring { source, .. }
            | ErrorKind::Vetoed { source, .. }
            | ErrorKind::Forbidden { source, .. } => Some(source),
            _ => None,
        }
    }

    /// What failed while the roots were looked up by the caller's Select.
    pub(crate) fn in_select(source: DbErr) -> Self {
        match Self::from(source).into_kind() {
            ErrorKind::Database(source) if driver::is_of_the_query(&source) => ErrorKind::Select(source).into(),
            kind => kind.into(),
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(Inner { kind, is_transaction_lost: false }))
    }
}

impl From<Unread> for Error {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Driver(source) => source.into(),
            Unread::Misfit(Misfit { table, column, value, row }) => {
                ErrorKind::StoredDifferently { table, column, value, row }.into()
            }
        }
    }
}

impl From<DbErr> for Error {
    fn from(source: DbErr) -> Self {
        let kind = match &source {
            DbErr::AccessDenied { permission, resource } => {
                ErrorKind::Forbidden { table: resource.clone(), permission: permission.clone(), source }
            }
            _ if driver::is_foreign_key(&source) => ErrorKind::StillReferenced(source),
            _ => match driver::forbidden(&source) {
                Some((table, permission)) => ErrorKind::Forbidden { table, permission, source },
                None => ErrorKind::Database(source),
            },
        };
        kind.into()
    }
}

/// So that a handler whose error is `DbErr` can use `?`: the database's own error where there is
/// one, else the text.
impl From<Error> for DbErr {
    fn from(error: Error) -> Self {
        match error.into_kind() {
            ErrorKind::Database(source)
            | ErrorKind::Select(source)
            | ErrorKind::StillReferenced(source)
            | ErrorKind::Ring { source, .. }
            | ErrorKind::Vetoed { source, .. }
            | ErrorKind::Forbidden { source, .. } => source,
            ErrorKind::Unfinished { cause: Some(cause), .. } => cause.into(),
            kind => Self::Custom(kind.to_string()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            // What `main` prints if a start-up check fails is to be read.
            ErrorKind::AuditFailed(_) => fmt::Display::fmt(self, f),
            kind => fmt::Debug::fmt(kind, f),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        if let ErrorKind::Unfinished { cause, .. } = self.kind() {
            return cause.as_ref().map(|cause| cause as _);
        }
        self.database_error().map(|source| source as _)
    }
}

impl Dialect {
    /// The dialect of a connection, if the feature that brings its driver is on (R12).
    pub(crate) fn of(backend: DbBackend) -> Result<Self, Error> {
        let dialect = Self::known(backend)?;
        let (feature, enabled) = match dialect {
            Self::Sqlite => ("sqlite", cfg!(feature = "sqlite")),
            Self::Postgres => ("postgres", cfg!(feature = "postgres")),
            Self::MySql => ("mysql", cfg!(feature = "mysql")),
        };
        if !enabled {
            return Err(ErrorKind::BackendDisabled { backend: dialect.name(), feature }.into());
        }
        Ok(dialect)
    }

    /// The dialect of a database, whether or not it can be connected to.
    pub(crate) fn known(backend: DbBackend) -> Result<Self, Error> {
        match backend {
            DbBackend::Sqlite => Ok(Self::Sqlite),
            DbBackend::Postgres => Ok(Self::Postgres),
            DbBackend::MySql => Ok(Self::MySql),
            _ => Err(ErrorKind::UnknownBackend.into()),
        }
    }
}
