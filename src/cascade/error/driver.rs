//! What the drivers' own codes say; `DbErr::sql_err` misses most of these.
//!
//! Pure.

use sea_orm::{ConnAcquireErr, DbBackend, DbErr};

/// A deadlock, a serialization failure, a lock or busy time-out.
///
/// PostgreSQL: 40001 `serialization_failure`, 40P01 `deadlock_detected`, 55P03
/// `lock_not_available`. MySQL and MariaDB: 1213 deadlock, 1205 lock wait time-out, 3572 lock not
/// available at once, 1020 record changed, and what a cluster says ([`is_of_the_cluster`]). SQLite:
/// 5 BUSY, 517 `BUSY_SNAPSHOT`, 6 LOCKED, 262 `LOCKED_SHAREDCACHE`. Any: a pool that gave no
/// connection in time, so that nothing has begun.
pub(crate) fn is_transient(error: &DbErr) -> bool {
    match code(error) {
        Some((DbBackend::Postgres, code)) => ["40001", "40P01", "55P03"].contains(&&*code),
        Some((DbBackend::MySql, code)) => {
            ["1213", "1205", "3572", "1020"].contains(&&*code) || is_of_the_cluster(error, &code)
        }
        Some((DbBackend::Sqlite, code)) => ["5", "517", "6", "262"].contains(&&*code),
        _ => matches!(error, DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
    }
}

/// The whole transaction is gone, with its savepoints. MySQL and MariaDB: 1213, and what a cluster
/// says. Any: a lost connection. MariaDB's 1020 ends it from version 11.6 on, and a trigger of
/// SQLite by `RAISE(ROLLBACK)`, which has the code of every RAISE: these are told by a savepoint
/// that is gone (`session::finish`).
pub(crate) fn is_transaction_lost(error: &DbErr) -> bool {
    let by_code = match code(error) {
        Some((DbBackend::MySql, code)) => code == "1213" || is_of_the_cluster(error, &code),
        _ => false,
    };
    by_code || is_connection_lost(error)
}

/// A transaction that a cluster has rolled back: Galera's 1047, the node is not ready; Group
/// Replication's 3101, and 1180 with the engine's error 149, another member's transaction was
/// first.
fn is_of_the_cluster(error: &DbErr, code: &str) -> bool {
    match code {
        "1047" => error.to_string().contains("WSREP"),
        "3101" => true,
        "1180" => error.to_string().contains("error 149"),
        _ => false,
    }
}

/// The table and the right that the database says is missing, as far as its text says it.
/// PostgreSQL: 42501, and 25006 read-only. MySQL and MariaDB: 1142 of a table, 1143 of a column,
/// 1044 of a database, 1227 of the server; 1290, 1792 and 1836 read-only. SQLite: 8 and its kinds,
/// read-only, and 3 and 23, denied.
pub(crate) fn forbidden(error: &DbErr) -> Option<(String, String)> {
    let (backend, code) = code(error)?;
    let text = error.to_string();
    let named = |begin: &str, ends: &[char]| {
        let rest = text.split_once(begin).map_or("", |(_, rest)| rest);
        rest.split(ends).next().unwrap_or_default().trim_matches(['`', '\'', '"']).replace("`.`", ".")
    };
    match backend {
        DbBackend::Postgres if code == "25006" => Some((String::new(), String::new())),
        DbBackend::Postgres if code == "42501" => {
            Some((named("permission denied for table ", &['\n', ' ']), String::new()))
        }
        DbBackend::MySql if ["1142", "1143", "1044", "1227"].contains(&&*code) => {
            let permission = text.split(" command denied").next().and_then(|before| before.rsplit(' ').next());
            let is_told = text.contains(" command denied");
            Some((named("for table ", &['\n', ' ']), permission.filter(|_| is_told).unwrap_or_default().to_owned()))
        }
        DbBackend::MySql if ["1290", "1792", "1836"].contains(&&*code) => Some((String::new(), String::new())),
        DbBackend::Sqlite => {
            let primary = code.parse::<u32>().ok()? & 0xff;
            [3, 8, 23].contains(&primary).then(|| (String::new(), String::new()))
        }
        _ => None,
    }
}

/// What is wrong with the text of a query, and not with its tables or the server.
///
/// PostgreSQL: class 42 but for 42P01 `undefined_table`. MySQL and MariaDB: 1054 unknown column,
/// 1055 and 1140 GROUP BY, 1060 duplicate column name, 1064 syntax, 1222 UNION of different
/// columns. SQLite: 1, the general error.
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
/// PostgreSQL: 23503 and, for RESTRICT since version 18, 23001. MySQL and MariaDB: 1451, 1452.
/// SQLite: 787 and, for RESTRICT, 1811.
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

/// A row with this primary key, of one column, exists already.
///
/// PostgreSQL: 23505, whose detail begins with the columns. MySQL and MariaDB: 1062, whose text ends
/// with the name of the index. SQLite: 1555 and, for a rowid, 2579.
#[cfg(feature = "service")]
pub(crate) fn is_primary_key(error: &DbErr, column: &str) -> bool {
    match code(error) {
        Some((DbBackend::Postgres, code)) => {
            let detail = postgres_detail(error).unwrap_or_default();
            let columns = detail.split_once('(').and_then(|(_, rest)| rest.split_once(")="));
            code == "23505" && columns.is_some_and(|(columns, _)| columns.trim_matches('"') == column)
        }
        Some((DbBackend::MySql, code)) => code == "1062" && error.to_string().ends_with("PRIMARY'"),
        Some((DbBackend::Sqlite, code)) => ["1555", "2579"].contains(&&*code),
        _ => false,
    }
}

#[cfg(all(feature = "service", feature = "postgres"))]
fn postgres_detail(error: &DbErr) -> Option<String> {
    use sea_orm::RuntimeErr::SqlxError;

    let (DbErr::Exec(SqlxError(error)) | DbErr::Query(SqlxError(error))) = error else { return None };
    let error = error.as_database_error()?.try_downcast_ref::<sea_orm::SqlxPostgresError>()?;
    error.detail().map(ToOwned::to_owned)
}

#[cfg(all(feature = "service", not(feature = "postgres")))]
fn postgres_detail(_: &DbErr) -> Option<String> {
    None
}

/// The database's own cascade goes deeper than it can. SQLite: 1,000 levels, the general error.
/// MariaDB: 15 levels,
/// 1296. MySQL 9.7, which goes by tables: 15 levels, 3008, and 30 tables, 6575.
pub(crate) fn is_too_deep(error: &DbErr) -> bool {
    match code(error) {
        Some((DbBackend::Sqlite, _)) => error.to_string().contains("too many levels of trigger recursion"),
        Some((DbBackend::MySql, code)) => ["1296", "3008", "6575"].contains(&&*code),
        _ => false,
    }
}

/// MySQL and MariaDB: whether it is this table whose rows still refer (1451). Only the text says
/// which.
pub(crate) fn is_referred_to_by(error: &DbErr, table: &str) -> bool {
    let is_referenced = matches!(code(error), Some((DbBackend::MySql, code)) if code == "1451");
    is_referenced && error.to_string().contains(&format!(".`{table}`, CONSTRAINT"))
}

/// The connection ended under the statement: input or output failed, or PostgreSQL's 57P01
/// `admin_shutdown`, 57P02 and 57P03, and the time-outs that end a connection, 25P03, 25P04 and
/// 57P05.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn is_connection_lost(error: &DbErr) -> bool {
    use sea_orm::{RuntimeErr, SqlxError};

    let (DbErr::Exec(error) | DbErr::Query(error) | DbErr::Conn(error)) = error else { return false };
    let RuntimeErr::SqlxError(error) = error else { return false };
    match &**error {
        SqlxError::Io(_) | SqlxError::Protocol(_) | SqlxError::WorkerCrashed => true,
        SqlxError::Database(error) => {
            error.code().is_some_and(|code| ["57P01", "57P02", "57P03", "25P03", "25P04", "57P05"].contains(&&*code))
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

    let (DbErr::Exec(SqlxError(error)) | DbErr::Query(SqlxError(error)) | DbErr::Conn(SqlxError(error))) = error else {
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
