//! The lock with which a session that adds a child keeps the parent from being deleted.
//!
//! I/O.

use sea_orm::sea_query::{Expr, IntoValueTuple as _, LockType, Query, Value};
use sea_orm::{ColumnTrait as _, EntityTrait, Iterable as _, PrimaryKeyToColumn, PrimaryKeyTrait};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::db::session;
use crate::cascade::db::session::{Connection, Session as _};
use crate::cascade::error::{Error, ErrorKind};

/// Locks a row until the caller's transaction ends, so that no delete removes it while you add rows
/// that reference it. Returns `false` if the row does not exist (any more).
///
/// A foreign key in the database does this by itself. Without one, only this lock prevents a
/// concurrent delete from leaving an orphan: the delete locks the parents, and then sees only the
/// children that exist. Other sessions may add children of the same parent meanwhile. An UPDATE of
/// the parent's other columns may wait.
///
/// Cost: one statement that reads one row: `FOR KEY SHARE` on PostgreSQL, `LOCK IN SHARE MODE` on
/// MySQL and MariaDB. SQLite has one writer at a time, so there it is a plain SELECT; begin the
/// transaction as IMMEDIATE if it may wait for other writers. On PostgreSQL the transaction must be
/// READ COMMITTED, its default: in REPEATABLE READ the snapshot may be older than the delete.
///
/// **On a cluster with several writing nodes** (MariaDB Galera, MySQL Group Replication) it
/// protects only against deletes on the same node, because other nodes do not see a row lock. There
/// only a foreign key protects.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm::TransactionTrait as _;
/// use sea_orm_cascade::lock_parent;
/// use sea_orm_cascade::{entity::store, service};
///
/// let ikea = service::store::create(&db, "IKEA").await?;
/// let transaction = db.begin().await?;
/// assert!(lock_parent(&transaction, store::Entity, ikea.id).await?);
/// // .. insert rows that refer to it ..
/// transaction.commit().await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::NotInTransaction`] on a pool, [`ErrorKind::BackendDisabled`],
/// [`ErrorKind::Forbidden`], [`ErrorKind::Database`].
pub async fn lock_parent<C, E, K>(db: &C, _entity: E, key: K) -> Result<bool, Error>
where
    C: Connection,
    E: EntityTrait,
    K: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType> + Send,
{
    if !session::is_transaction::<C>() {
        return Err(ErrorKind::NotInTransaction.into());
    }
    let dialect = Dialect::of(db.get_database_backend())?;
    let values: Vec<Value> = key.into().into_value_tuple().into_iter().collect();
    let mut select = Query::select();
    select.expr(Expr::cust("1")).from(E::default().table_ref());
    for (column, value) in E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).zip(values) {
        select.and_where(column.eq(value));
    }
    match dialect {
        Dialect::Sqlite => {}
        Dialect::Postgres => {
            select.lock(LockType::KeyShare);
        }
        Dialect::MySql => {
            select.lock(LockType::Share);
        }
    }
    Ok(!db.query(&select).await?.is_empty())
}
