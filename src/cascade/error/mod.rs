//! What can go wrong in the engine, by kind, with the data a caller needs to act.
//!
//! Pure. `text` writes the messages; `driver` reads the codes in a driver's error.

pub(crate) mod driver;
pub(crate) mod fault;
pub(crate) mod kind;
mod text;

pub use fault::Fault;
pub use kind::{ErrorKind, RingRow};

use std::error::Error as StdError;
use std::fmt;

use sea_orm::{DbBackend, DbErr};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::{Misfit, Unread};
use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::preview::Blocker;

/// Why a graph could not be built, or why a delete or a preview failed.
///
/// After any kind except [`ErrorKind::Unfinished`] nothing has changed. A transaction that the
/// caller had open is still usable, unless [`Error::is_transaction_lost`] says that the database
/// has ended it.
///
/// [`Error::kind`] returns the data, the `is_*` functions answer the common questions, and `source`
/// returns the driver's error.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    /// Whether the savepoint in the caller's transaction could not be rolled back to, because that
    /// transaction has ended.
    is_transaction_lost: bool,
}

impl Error {
    /// Returns the kind, with its data.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// let error = Error::from(ErrorKind::EmptyBatches);
    /// assert!(matches!(error.kind(), ErrorKind::EmptyBatches));
    /// ```
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns the kind, with its data, by value.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// let error = Error::from(ErrorKind::EmptyBatches);
    /// assert!(matches!(error.into_kind(), ErrorKind::EmptyBatches));
    /// ```
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        self.0.kind
    }

    /// The kind; of a failed batch the kind of its cause.
    fn reason(&self) -> &ErrorKind {
        match self.kind() {
            ErrorKind::Unfinished { cause: Some(cause), .. } => cause.kind(),
            kind => kind,
        }
    }

    /// Returns whether requested rows do not exist ([`ErrorKind::NotFound`]).
    /// [`Deletion::must_exist`](crate::Deletion::must_exist) has an example.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(!Error::from(ErrorKind::EmptyBatches).is_not_found());
    /// ```
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind(), ErrorKind::NotFound { .. })
    }

    /// Returns whether rows that must stay reference doomed rows ([`ErrorKind::Blocked`]).
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(Error::from(ErrorKind::Blocked(Vec::new())).is_blocked());
    /// ```
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        matches!(self.reason(), ErrorKind::Blocked(_))
    }

    /// Returns the blockers of a refused delete; empty for every other kind.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// fn explain(error: &Error) {
    ///     for blocker in error.blockers() {
    ///         println!("{} rows of {} block the delete", blocker.rows, blocker.table);
    ///     }
    /// }
    /// explain(&Error::from(ErrorKind::Blocked(Vec::new())));
    /// ```
    #[must_use]
    pub fn blockers(&self) -> &[Blocker] {
        match self.reason() {
            ErrorKind::Blocked(blockers) => blockers,
            _ => &[],
        }
    }

    /// Returns whether `at_most` refused the delete.
    /// [`Deletion::at_most`](crate::Deletion::at_most) has an example.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(!Error::from(ErrorKind::EmptyBatches).is_too_many_rows());
    /// ```
    #[must_use]
    pub fn is_too_many_rows(&self) -> bool {
        matches!(self.kind(), ErrorKind::TooManyRows { .. })
    }

    /// Returns whether `expecting` refused the delete.
    /// [`Deletion::expecting`](crate::Deletion::expecting) has an example.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(!Error::from(ErrorKind::EmptyBatches).is_changed());
    /// ```
    #[must_use]
    pub fn is_changed(&self) -> bool {
        matches!(self.kind(), ErrorKind::Changed { .. })
    }

    /// Returns whether the database found a row that still references a doomed row. If a retry does
    /// not help, its table is not in the graph.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// let error = Error::from(ErrorKind::StillReferenced(sea_orm::DbErr::Custom("constraint".to_owned())));
    /// assert!(error.is_still_referenced());
    /// ```
    #[must_use]
    pub fn is_still_referenced(&self) -> bool {
        matches!(self.reason(), ErrorKind::StillReferenced(_))
    }

    /// Returns whether the connection's user may not do this: a permission is missing, or row
    /// security is active and [`under_row_security`](crate::Deletion::under_row_security) was not
    /// called.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(!Error::from(ErrorKind::EmptyBatches).is_forbidden());
    /// ```
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self.reason(), ErrorKind::Forbidden { .. } | ErrorKind::RowSecurity { .. })
    }

    /// Returns whether something is in the way of an undo; [`ErrorKind::UndoBlocked`] names it.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(!Error::from(ErrorKind::EmptyBatches).is_undo_blocked());
    /// ```
    #[must_use]
    pub fn is_undo_blocked(&self) -> bool {
        matches!(self.kind(), ErrorKind::UndoBlocked { .. })
    }

    /// Returns whether a delete cannot be recorded so that an undo could bring everything back.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(!Error::from(ErrorKind::EmptyBatches).is_not_recordable());
    /// ```
    #[must_use]
    pub fn is_not_recordable(&self) -> bool {
        matches!(self.reason(), ErrorKind::NotRecordable { .. })
    }

    /// Returns whether doomed rows are still there, because a trigger, a rule or row security kept
    /// them.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(!Error::from(ErrorKind::EmptyBatches).is_still_there());
    /// ```
    #[must_use]
    pub fn is_still_there(&self) -> bool {
        matches!(self.reason(), ErrorKind::StillThere { .. })
    }

    /// Returns whether rows reference each other in a ring that the database does not delete.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(!Error::from(ErrorKind::EmptyBatches).is_ring());
    /// ```
    #[must_use]
    pub fn is_ring(&self) -> bool {
        matches!(self.reason(), ErrorKind::Ring { .. })
    }

    /// Returns whether `expect_clean` found differences or orphans.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(!Error::from(ErrorKind::EmptyBatches).is_audit_failed());
    /// ```
    #[must_use]
    pub fn is_audit_failed(&self) -> bool {
        matches!(self.kind(), ErrorKind::AuditFailed(_))
    }

    /// Returns whether a hook refused the delete.
    /// [`GraphBuilder::entity_with_hooks`](crate::GraphBuilder::entity_with_hooks) has an example.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(!Error::from(ErrorKind::EmptyBatches).is_vetoed());
    /// ```
    #[must_use]
    pub fn is_vetoed(&self) -> bool {
        matches!(self.reason(), ErrorKind::Vetoed { .. })
    }

    /// Returns whether the progress callback of a delete in batches stopped it.
    /// [`Batches::execute`](crate::Batches::execute) has an example.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(!Error::from(ErrorKind::EmptyBatches).is_stopped());
    /// ```
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unfinished { cause: None, .. })
    }

    /// Returns what was committed before a delete in batches ended; `None` for every other kind,
    /// because then nothing was committed.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(Error::from(ErrorKind::EmptyBatches).done_so_far().is_none());
    /// ```
    #[must_use]
    pub fn done_so_far(&self) -> Option<&Outcome> {
        match self.kind() {
            ErrorKind::Unfinished { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    /// Returns whether the same call may succeed when you repeat it, in a new transaction and a
    /// limited number of times. These are transient:
    ///
    /// - a deadlock, a serialization failure, a lock or busy time-out;
    /// - a pool without a free connection;
    /// - a cluster node that lost to another or is not ready;
    /// - rows that were moved while a delete in batches ran;
    /// - rows that appeared between the record of a delete and the delete;
    /// - a row that was inserted in the meantime and still references a doomed row. (A table
    ///   outside the graph looks the same.)
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// let timeout = sea_orm::DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout);
    /// assert!(Error::from(timeout).is_transient());
    /// ```
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.reason() {
            ErrorKind::StillReferenced(_) | ErrorKind::Reparented { .. } | ErrorKind::RowsAppeared { .. } => true,
            _ => self.database_error().is_some_and(driver::is_transient),
        }
    }

    /// Returns whether the database has ended the whole transaction, the caller's too. Everything
    /// in it is rolled back, and the caller must begin a new one: statements that are sent now are
    /// committed one by one.
    ///
    /// The reasons are a deadlock on MySQL and MariaDB, a record that has changed since it was read
    /// on MariaDB from 11.6 on, `RAISE(ROLLBACK)` in a trigger of SQLite, a cluster node that lost
    /// to another, or a lost connection. The crate knows it by the error's code, or because it
    /// could not roll back to the savepoint of the delete.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// assert!(!Error::from(ErrorKind::EmptyBatches).is_transaction_lost());
    /// ```
    #[must_use]
    pub fn is_transaction_lost(&self) -> bool {
        self.0.is_transaction_lost || self.database_error().is_some_and(driver::is_transaction_lost)
    }

    pub(crate) fn with_transaction_lost(mut self) -> Self {
        self.0.is_transaction_lost = true;
        self
    }

    /// Whether a retry after a short wait may help; not where a pool has already waited.
    pub(crate) fn is_worth_waiting(&self) -> bool {
        self.is_transient() && !matches!(self.database_error(), Some(DbErr::ConnectionAcquire(_)))
    }

    /// Returns the error of the database or the connection behind this one, if there is one.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Error, ErrorKind};
    ///
    /// let error = Error::from(sea_orm::DbErr::Custom("disk full".to_owned()));
    /// assert!(error.database_error().is_some());
    /// ```
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

    /// An error that occurred while the caller's Select of the roots ran.
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

/// Lets a handler whose error is `DbErr` use `?`: it gets the database's own error where there is
/// one, otherwise the text.
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
            // `main` prints this if a check at start-up fails, so it must be readable.
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

    /// The dialect of a database, whether or not its driver is enabled.
    pub(crate) fn known(backend: DbBackend) -> Result<Self, Error> {
        match backend {
            DbBackend::Sqlite => Ok(Self::Sqlite),
            DbBackend::Postgres => Ok(Self::Postgres),
            DbBackend::MySql => Ok(Self::MySql),
            _ => Err(ErrorKind::UnknownBackend.into()),
        }
    }
}
