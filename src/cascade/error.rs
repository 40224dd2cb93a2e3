//! What can go wrong in the engine, by kind, with the data a caller needs to act.
//!
//! Pure, save that it reads the codes in a driver's error.

use std::error::Error as StdError;
use std::fmt;

use sea_orm::DbErr;

use super::audit::finding::Audit;
use super::graph::Action;
use super::key::Key;
use super::outcome::Outcome;
use super::preview::{Blocker, Preview};

/// Why a graph could not be built, or why a delete or preview did not happen.
///
/// After any of them but [`ErrorKind::Unfinished`] nothing has changed, and a transaction that the caller had open can go
/// on, unless [`Error::is_transaction_lost`] says that the database has ended it. [`Error::kind`] gives the data, the `is_*` functions the usual questions, `source` the driver's error.
pub struct Error(Box<ErrorKind>);

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The declarations cannot work together. Every fault that was found.
    Invalid(Vec<Fault>),
    /// The entity to delete from is not in the graph.
    NotRegistered {
        /// Its table.
        table: String,
    },
    /// Rows that must stay refer to rows that would go (rules R3, R5). Every blocker.
    Blocked(Vec<Blocker>),
    /// More rows would be deleted or changed than `at_most` allows.
    TooManyRows {
        /// What was allowed.
        at_most: u64,
        /// What would have happened.
        preview: Box<Preview>,
    },
    /// What would happen is no longer what the preview showed.
    Changed {
        /// What was shown.
        expected: Box<Preview>,
        /// What would happen now.
        found: Box<Preview>,
    },
    /// The connection's user may not do this to a table.
    Forbidden {
        /// The table, as the access control names it.
        table: String,
        /// The permission that is missing, such as `delete`.
        permission: String,
        /// The refusal itself.
        source: DbErr,
    },
    /// The feature of this crate for the connection's database is off.
    BackendDisabled {
        /// The database.
        backend: &'static str,
        /// The feature to turn on.
        feature: &'static str,
    },
    /// The connection is to a database that this crate does not know.
    UnknownBackend,
    /// A key column has a type that this database cannot compare dependably.
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
    /// The database found a row that still refers to one of the doomed: of a table that is not in the graph, or
    /// inserted while the delete ran.
    StillReferenced(DbErr),
    /// Rows refer to each other in a ring by keys that cannot be NULL, and the database deletes none of them before
    /// the others.
    Ring {
        /// The database.
        backend: &'static str,
        /// The rows of a ring, each referring to the next and the last to the first.
        rows: Vec<RingRow>,
        /// What the database said.
        source: DbErr,
    },
    /// A `before_delete` or `after_delete` of an entity registered with its hooks returned an error.
    Vetoed {
        /// Its table.
        table: String,
        /// What the hook returned.
        source: DbErr,
    },
    /// A delete in batches ended after some of them, which stay done: its progress callback stopped it, or a batch
    /// failed. What is left is whole, and the same call goes on with it.
    Unfinished {
        /// What was deleted and changed.
        outcome: Outcome,
        /// In how many batches.
        batches: u64,
        /// Why a batch failed; `None` if the callback stopped it.
        cause: Option<Error>,
    },
    /// While a delete in batches ran, rows that were to go were given another parent, and what is below them may not have to
    /// go any more. Nothing of it was deleted; the same call looks again.
    Moved {
        /// Their table.
        table: String,
    },
    /// The schema of the database is not as declared, or rows have lost their parents: what was to be clean is not.
    Unclean(Box<Audit>),
    /// Batches were asked for inside a transaction of the caller's, in which nothing can be committed in between.
    BatchesInTransaction,
    /// Batches of no rows were asked for.
    EmptyBatches,
    /// A row was to be locked outside of a transaction, which would unlock it at once.
    NotInTransaction,
    /// Any other error of the database or the connection; [`Error::is_transient`] tells whether trying again helps.
    Database(DbErr),
}

/// One row of a ring, and the key by which it refers to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingRow {
    /// Its table.
    pub table: String,
    /// Its primary key.
    pub key: Key,
    /// The key by which it refers to the next row, as `users.mentor`.
    pub foreign_key: String,
}

/// One thing that cannot work in the declarations of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Two entity types name the same table.
    TableRegisteredTwice {
        /// The table.
        table: String,
        /// The type registered first.
        first: &'static str,
        /// The type registered after it.
        second: &'static str,
    },
    /// The entity declares no primary key.
    NoPrimaryKey {
        /// Its table.
        table: String,
    },
    /// A registered parent has children in a table that is neither registered nor left to the database.
    UnregisteredChild {
        /// The parent's table.
        parent: String,
        /// Its `has_many` or `has_one`.
        relation: String,
        /// The child's table.
        child: String,
    },
    /// A `has_many` or `has_one` that no `belongs_to` of the child answers, so that no rule is declared for it.
    NoBelongsTo {
        /// The parent's table.
        parent: String,
        /// Its `has_many` or `has_one`.
        relation: String,
        /// The child's table.
        child: String,
    },
    /// One foreign key is declared with two actions.
    ActionsDiffer {
        /// The key.
        foreign_key: String,
        /// One action.
        first: Action,
        /// The other; `None` for one that is not known.
        second: Option<Action>,
    },
    /// The action is none of the five.
    UnknownAction {
        /// The child's table.
        table: String,
        /// Its `belongs_to`.
        relation: String,
    },
    /// The relation has an `on_condition` or a condition type other than `All`, so that it is more or less than a
    /// foreign key: a `belongs_to`, or a `has_many` that no plain `belongs_to` answers.
    ConditionalRelation {
        /// The table of the entity that has it.
        table: String,
        /// The relation.
        relation: String,
        /// The child's table.
        child: String,
    },
    /// A relation names a column that its entity does not have.
    UnknownColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The two ends of a relation have different numbers of columns.
    ColumnCountDiffers {
        /// The child's table.
        table: String,
        /// Its `belongs_to`.
        relation: String,
    },
    /// A key column has a type without a dependable equality.
    KeyNotComparable {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The two ends of a key have types that databases compare differently, such as a number and a text.
    KeyTypesDiffer {
        /// The key.
        foreign_key: String,
        /// The parent's table.
        parent: String,
    },
    /// A repair is to set a key to NULL that cannot take it.
    OrphansCannotBeNull {
        /// Their table.
        table: String,
        /// The column.
        column: String,
        /// Why it cannot.
        reason: &'static str,
    },
    /// SET NULL or SET DEFAULT on a column that cannot take it.
    KeyCannotChange {
        /// The child's table.
        table: String,
        /// The column.
        column: String,
        /// The action declared.
        action: Action,
        /// Why it cannot.
        reason: &'static str,
    },
}

impl Error {
    /// The kind, with its data.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// The kind, with its data, by value.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        *self.0
    }

    /// The kind, or that of the batch that failed.
    fn reason(&self) -> &ErrorKind {
        match self.kind() {
            ErrorKind::Unfinished { cause: Some(cause), .. } => cause.kind(),
            kind => kind,
        }
    }

    /// Whether rows that must stay refer to rows that would go.
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

    /// Whether the database found a row that still refers to one of the doomed; if trying again does not help, its
    /// table is not in the graph.
    #[must_use]
    pub fn is_still_referenced(&self) -> bool {
        matches!(self.reason(), ErrorKind::StillReferenced(_))
    }

    /// Whether rows refer to each other in a ring that the database does not delete.
    #[must_use]
    pub fn is_ring(&self) -> bool {
        matches!(self.reason(), ErrorKind::Ring { .. })
    }

    /// Whether an audit was to be clean and is not.
    #[must_use]
    pub fn is_unclean(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unclean(_))
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

    /// What was committed before a delete in batches ended; `None` for every other kind, because nothing was.
    #[must_use]
    pub fn done_so_far(&self) -> Option<&Outcome> {
        match self.kind() {
            ErrorKind::Unfinished { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    /// Whether the same call may succeed when it is made again, in a new transaction and a bounded number of times: a
    /// deadlock, a serialization failure, a lock or busy time-out, rows moved under a delete in batches, or a row inserted
    /// meanwhile that still refers to one of the doomed. (The last looks the same as a table that the graph does not know.)
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.reason() {
            ErrorKind::StillReferenced(_) | ErrorKind::Moved { .. } => true,
            _ => self.database_error().is_some_and(driver::is_transient),
        }
    }

    /// Whether the database has ended the whole transaction, the caller's too: a deadlock on MySQL and MariaDB, or a
    /// connection that is gone. What was done in it is undone, and it must be begun anew.
    #[must_use]
    pub fn is_transaction_lost(&self) -> bool {
        self.database_error().is_some_and(driver::is_transaction_lost)
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
        Self(Box::new(kind))
    }
}

impl From<DbErr> for Error {
    fn from(source: DbErr) -> Self {
        let kind = match &source {
            DbErr::AccessDenied { permission, resource } => {
                ErrorKind::Forbidden { table: resource.clone(), permission: permission.clone(), source }
            }
            _ if driver::is_foreign_key(&source) => ErrorKind::StillReferenced(source),
            _ => ErrorKind::Database(source),
        };
        kind.into()
    }
}

/// So that a handler whose error is `DbErr` can use `?`: the database's own error where there is one, else the text.
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
            ErrorKind::Unclean(_) => fmt::Display::fmt(self, f),
            kind => fmt::Debug::fmt(kind, f),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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

impl ErrorKind {
    /// How many rows of a ring its text shows.
    const RING_ROWS_SHOWN_MAX: usize = 8;
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(faults) => {
                f.write_str("the declarations cannot work: ")?;
                separated(f, faults, "; ")
            }
            Self::NotRegistered { table } => {
                write!(f, "table {table} is not in the graph; register its entity with `GraphBuilder::entity`")
            }
            Self::Blocked(blockers) => {
                f.write_str("the delete is refused: ")?;
                separated(f, blockers, "; ")
            }
            Self::TooManyRows { at_most, preview } => write!(
                f,
                "{} rows would be deleted or changed in all, more than the {at_most} allowed: it would have {}",
                preview.outcome().total(),
                preview.outcome()
            ),
            Self::Changed { expected, found } if expected.root() != found.root() => {
                write!(f, "the preview is of {}, and this deletes from {}", expected.root(), found.root())
            }
            Self::Changed { expected, found } if expected.outcome() == found.outcome() => write!(
                f,
                "no longer what the preview showed: as many rows, but not the same of {}, or by other keys; look again",
                found.root()
            ),
            Self::Changed { expected, found } => write!(
                f,
                "no longer what the preview showed: shown were {}, found {}; look again",
                expected.outcome(),
                found.outcome()
            ),
            Self::Forbidden { table, permission, .. } => write!(
                f,
                "the user of this connection lacks the permission `{permission}` on {table}"
            ),
            Self::BackendDisabled { backend, feature } => {
                write!(f, "{backend} is not enabled: turn on the feature `{feature}` of sea-orm-cascade")
            }
            Self::UnknownBackend => f.write_str("the connection is to a database that sea-orm-cascade does not know"),
            Self::KeyNotComparable { backend, table, column } => {
                write!(f, "{backend} cannot compare the key column {table}.{column} dependably")
            }
            Self::Select(_) => f.write_str(
                "the Select of the rows to delete cannot be used: their keys are added to its columns, which a UNION, a \
                 GROUP BY and, on MySQL and MariaDB, two columns of one name do not allow; select the primary keys \
                 first and use `delete_keys`",
            ),
            Self::StillReferenced(_) => f.write_str(
                "a row still refers to a row to be deleted: register its table too, or try again if it was inserted \
                 meanwhile",
            ),
            Self::Ring { backend, rows, source: _ } => {
                write!(
                    f,
                    "rows refer to each other in a ring by keys that cannot be NULL, and {backend} deletes none of them \
                     before the others: "
                )?;
                for RingRow { table, key, foreign_key } in rows.iter().take(Self::RING_ROWS_SHOWN_MAX) {
                    write!(f, "{table} {key} refers by {foreign_key} to ")?;
                }
                match rows.as_slice() {
                    [RingRow { table, key, .. }, ..] if rows.len() <= Self::RING_ROWS_SHOWN_MAX => {
                        write!(f, "{table} {key}")?;
                    }
                    _ => write!(f, "others, {} rows in all", rows.len())?,
                }
                f.write_str("; make one of these keys nullable")
            }
            Self::Vetoed { table, .. } => write!(f, "a hook of {table} refused the delete"),
            Self::Unfinished { outcome, batches, cause } => {
                let (how, s) = (if cause.is_some() { "failed" } else { "was stopped" }, if *batches == 1 { "" } else { "es" });
                write!(
                    f,
                    "the delete {how} after {batches} batch{s}, which stay done ({outcome}); the same call goes on with \
                     what is left"
                )
            }
            Self::Moved { table } => write!(
                f,
                "rows of {table} that were to be deleted have another parent or key by now; call again"
            ),
            Self::Unclean(audit) => write!(f, "the database is not as declared; {audit}"),
            Self::BatchesInTransaction => f.write_str(
                "batches cannot be committed inside a transaction of the caller's; give a pool, or delete without \
                 `batches_of`",
            ),
            Self::EmptyBatches => f.write_str("batches of 0 rows delete nothing; ask for at least 1"),
            Self::NotInTransaction => {
                f.write_str("outside of a transaction a lock ends with its statement; begin one and give that")
            }
            Self::Database(_) => f.write_str("the database or the connection failed; the cause is the source of this error"),
        }
    }
}

fn separated<T: fmt::Display>(f: &mut fmt::Formatter<'_>, parts: &[T], by: &str) -> fmt::Result {
    for (n, part) in parts.iter().enumerate() {
        let before = if n == 0 { "" } else { by };
        write!(f, "{before}{part}")?;
    }
    Ok(())
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TableRegisteredTwice { table, first, second } => {
                write!(f, "table {table} is registered by two entities, {first} and {second}; register one of them")
            }
            Self::NoPrimaryKey { table } => write!(f, "table {table} has no primary key"),
            Self::UnregisteredChild { parent, relation, child } => write!(
                f,
                "{parent} has children in {child} (relation {relation}), which is not registered; register its entity, \
                 or name it with `leave_to_database`"
            ),
            Self::NoBelongsTo { parent, relation, child } => write!(
                f,
                "{parent} has children in {child} (relation {relation}), but {child} declares no belongs_to over those \
                 columns; the rule belongs there"
            ),
            Self::ActionsDiffer { foreign_key, first, second } => {
                let second = second.map_or("an unknown action", Action::as_sql);
                write!(f, "{foreign_key} is declared with {first} and with {second}; state one action")
            }
            Self::UnknownAction { table, relation } => {
                write!(f, "relation {relation} of {table} has an on_delete that is not known")
            }
            Self::ConditionalRelation { table, relation, child } => write!(
                f,
                "relation {relation} of {table} has a condition of its own, so it is no foreign key; name {child} with \
                 `leave_to_database`, and delete those rows yourself (a key without the condition would delete rows that \
                 belong to others too)"
            ),
            Self::UnknownColumn { table, column } => {
                write!(f, "{table} has no column {column}, which a relation names")
            }
            Self::ColumnCountDiffers { table, relation } => {
                write!(f, "relation {relation} of {table} has different numbers of columns at its two ends")
            }
            Self::KeyNotComparable { table, column } => {
                write!(f, "{table}.{column} has a type without a dependable equality and cannot be a key")
            }
            Self::KeyTypesDiffer { foreign_key, parent } => {
                write!(
                    f,
                    "{foreign_key} refers to columns of other types in {parent}, which databases compare differently"
                )
            }
            Self::OrphansCannotBeNull { table, column, reason } => {
                write!(f, "orphans by {table}.{column} are to be set to NULL, but {reason}")
            }
            Self::KeyCannotChange { table, column, action, reason } => {
                write!(f, "{table}.{column} is declared ON DELETE {action}, but {reason}")
            }
        }
    }
}

/// What the drivers' own codes say; `DbErr::sql_err` misses most of these.
pub(crate) mod driver {
    use sea_orm::{DbBackend, DbErr};

    /// A deadlock, a serialization failure, a lock or busy time-out.
    ///
    /// PostgreSQL: 40001 `serialization_failure`, 40P01 `deadlock_detected`, 55P03 `lock_not_available`. MySQL and
    /// MariaDB: 1213 deadlock, 1205 lock wait time-out, 1020 record changed. SQLite: 5 BUSY, 517 `BUSY_SNAPSHOT`,
    /// 6 LOCKED, 262 `LOCKED_SHAREDCACHE`.
    pub(crate) fn is_transient(error: &DbErr) -> bool {
        match code(error) {
            Some((DbBackend::Postgres, code)) => ["40001", "40P01", "55P03"].contains(&&*code),
            Some((DbBackend::MySql, code)) => ["1213", "1205", "1020"].contains(&&*code),
            Some((DbBackend::Sqlite, code)) => ["5", "517", "6", "262"].contains(&&*code),
            _ => false,
        }
    }

    /// The whole transaction is gone, with its savepoints. MySQL and MariaDB: 1213. Any: a lost connection.
    pub(crate) fn is_transaction_lost(error: &DbErr) -> bool {
        matches!(code(error), Some((DbBackend::MySql, code)) if code == "1213") || is_connection_lost(error)
    }

    /// What is wrong with the text of a query, and not with its tables or the server.
    ///
    /// PostgreSQL: class 42 but for 42P01 `undefined_table`. MySQL and MariaDB: 1054 unknown column, 1055 and 1140
    /// GROUP BY, 1060 duplicate column name, 1064 syntax, 1222 UNION of different columns. SQLite: 1, the general error.
    pub(crate) fn is_of_the_query(error: &DbErr) -> bool {
        match code(error) {
            Some((DbBackend::Postgres, code)) => code.starts_with("42") && code != "42P01",
            Some((DbBackend::MySql, code)) => ["1054", "1055", "1060", "1064", "1140", "1222"].contains(&&*code),
            Some((DbBackend::Sqlite, code)) => code == "1" && !error.to_string().contains("no such table"),
            _ => false,
        }
    }

    /// A foreign key that a statement would break.
    ///
    /// PostgreSQL: 23503 and, for RESTRICT since version 18, 23001. MySQL and MariaDB: 1451, 1452. SQLite: 787
    /// and, for RESTRICT, 1811.
    pub(crate) fn is_foreign_key(error: &DbErr) -> bool {
        match code(error) {
            Some((DbBackend::Postgres, code)) => ["23503", "23001"].contains(&&*code),
            Some((DbBackend::MySql, code)) => ["1451", "1452"].contains(&&*code),
            Some((DbBackend::Sqlite, code)) => {
                // A program's own RAISE has the second code too.
                code == "787" || (code == "1811" && error.to_string().contains("FOREIGN KEY constraint failed"))
            }
            _ => false,
        }
    }

    /// The database's own cascade goes deeper than it can. SQLite: 1,000 levels, the general error. InnoDB: 15, 1296.
    pub(crate) fn is_too_deep(error: &DbErr) -> bool {
        match code(error) {
            Some((DbBackend::Sqlite, _)) => error.to_string().contains("too many levels of trigger recursion"),
            Some((DbBackend::MySql, code)) => code == "1296",
            _ => false,
        }
    }

    /// MySQL and MariaDB: whether it is this table whose rows still refer (1451). Only the text says which.
    pub(crate) fn is_referred_to_by(error: &DbErr, table: &str) -> bool {
        let is_referred_to = matches!(code(error), Some((DbBackend::MySql, code)) if code == "1451");
        is_referred_to && error.to_string().contains(&format!(".`{table}`, CONSTRAINT"))
    }

    /// The connection ended under the statement: input or output failed, or PostgreSQL's 57P01 `admin_shutdown`, 57P02
    /// and 57P03.
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    fn is_connection_lost(error: &DbErr) -> bool {
        use sea_orm::{RuntimeErr, SqlxError};

        let (DbErr::Exec(error) | DbErr::Query(error) | DbErr::Conn(error)) = error else { return false };
        let RuntimeErr::SqlxError(error) = error else { return false };
        match &**error {
            SqlxError::Io(_) | SqlxError::Protocol(_) | SqlxError::WorkerCrashed => true,
            SqlxError::Database(error) => {
                error.code().is_some_and(|code| ["57P01", "57P02", "57P03"].contains(&&*code))
            }
            _ => false,
        }
    }

    #[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
    fn is_connection_lost(_: &DbErr) -> bool {
        false
    }

    /// The database and its own code for the error: SQLSTATE, error number, or extended result code.
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    fn code(error: &DbErr) -> Option<(DbBackend, String)> {
        use sea_orm::RuntimeErr::SqlxError;

        let (DbErr::Exec(SqlxError(error)) | DbErr::Query(SqlxError(error)) | DbErr::Conn(SqlxError(error))) = error
        else {
            return None;
        };
        let error = error.as_database_error()?;
        #[cfg(feature = "postgres")]
        if let Some(error) = error.try_downcast_ref::<sea_orm::SqlxPostgresError>() {
            return Some((DbBackend::Postgres, error.code().to_owned()));
        }
        #[cfg(feature = "mysql")]
        if let Some(error) = error.try_downcast_ref::<sea_orm::SqlxMySqlError>() {
            return Some((DbBackend::MySql, error.number().to_string()));
        }
        #[cfg(feature = "sqlite")]
        if error.try_downcast_ref::<sea_orm::SqlxSqliteError>().is_some() {
            return Some((DbBackend::Sqlite, error.code()?.into_owned()));
        }
        None
    }

    #[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
    fn code(_: &DbErr) -> Option<(DbBackend, String)> {
        None
    }
}
