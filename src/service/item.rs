//! Items: create, create many, get, list of a store, rename, move to another store, preview a
//! delete, delete.

use sea_orm::{
    ActiveModelTrait as _, ActiveValue, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::error::{Error, ErrorKind, InvalidPage};
use super::page::{Listed, Page};
use super::{delete, name, store};
use crate::cascade::{Connection, Deletion, Graph, Outcome, Preview, Write, lock_parent};
use crate::entity;
use crate::entity::item::{ActiveModel, COLUMN, Column, Entity, Model};

/// Marks a cursor of this list.
const LIST: &str = "item:";

/// Items in one INSERT: two values each, and SQLite takes 32,766.
const INSERT_ROWS_MAX: usize = 5_000;

/// Creates an item in a store. The name is trimmed, then checked.
///
/// The store is locked first ([`lock_parent`]). A delete of the store that runs at the same time
/// then waits, or this call finds that the store is deleted, with or without a constraint in the
/// database. Costs the lock and one INSERT, in a transaction or savepoint of its own.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm_cascade::service;
///
/// let ikea = service::store::create(&db, "IKEA").await?;
/// let chair = service::item::create(&db, ikea.id, " Chair ").await?;
/// assert_eq!((chair.name.as_str(), chair.store_id), ("Chair", ikea.id));
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidName`], [`ErrorKind::StoreNotFound`], [`ErrorKind::Database`].
pub async fn create<C: Connection>(db: &C, store_id: i64, name: &str) -> Result<Model, Error> {
    let name = name::valid(name)?;
    let write = Write::begin(db).await?;
    let created = async {
        keep_store(write.on(), store_id).await?;
        let created = new(store_id, name).insert(write.on()).await;
        created.map_err(|error| Error::of_write(error, None, Some(store_id)))
    };
    let result = created.await;
    write.finish(result).await
}

/// Creates many items in a store, all or none, and returns their number.
///
/// The store is locked as for [`create`]. Costs the lock and one INSERT for each 5,000 items, in one
/// transaction or savepoint. An empty list costs no INSERT and returns 0.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm_cascade::service;
///
/// let ikea = service::store::create(&db, "IKEA").await?;
/// assert_eq!(service::item::create_many(&db, ikea.id, ["Chair", "Table"]).await?, 2);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidName`], of any item; [`ErrorKind::StoreNotFound`]; [`ErrorKind::Database`].
pub async fn create_many<C, N>(db: &C, store_id: i64, names: impl IntoIterator<Item = N> + Send) -> Result<u64, Error>
where
    C: Connection,
    N: AsRef<str>,
{
    let names = valid_names(names)?;
    let created = names.len() as u64;
    let write = Write::begin(db).await?;
    let inserted = async {
        keep_store(write.on(), store_id).await?;
        insert(write.on(), store_id, names).await
    };
    let result = inserted.await;
    write.finish(result.map(|()| created)).await
}

/// Returns the item with that id. Costs one SELECT.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm_cascade::service;
///
/// let ikea = service::store::create(&db, "IKEA").await?;
/// let chair = service::item::create(&db, ikea.id, "Chair").await?;
/// assert_eq!(service::item::get(&db, chair.id).await?, chair);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::ItemNotFound`], [`ErrorKind::Database`].
pub async fn get<C: ConnectionTrait>(db: &C, id: i64) -> Result<Model, Error> {
    let found = Entity::find_by_id(id).one(db).await?;
    found.ok_or_else(|| ErrorKind::ItemNotFound { id }.into())
}

/// Returns a page of a store's items, ordered by id, so in the order of their creation.
///
/// Costs one SELECT, which reads at most one row more than the page has. An empty page costs a
/// second SELECT, which distinguishes an empty store from an unknown one. With a prefix, the database reads
/// the store's items from the start of the page until the page is full.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm_cascade::service;
///
/// use sea_orm_cascade::service::Page;
///
/// let ikea = service::store::create(&db, "IKEA").await?;
/// let chair = service::item::create(&db, ikea.id, "Chair").await?;
/// let page = service::item::list(&db, ikea.id, &Page::first(50)).await?;
/// assert_eq!(page.rows, [chair]);
/// assert!(page.next.is_none());
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidPage`], [`ErrorKind::StoreNotFound`], [`ErrorKind::Database`].
pub async fn list<C: ConnectionTrait>(db: &C, store_id: i64, page: &Page) -> Result<Listed<Model>, Error> {
    page.check()?;
    let mut select = Entity::find().filter(COLUMN.store_id.eq(store_id)).order_by_asc(Column::Id).limit(page.limit + 1);
    if let Some(after) = page.after_key(LIST)? {
        let after: i64 = after.parse().map_err(|_| ErrorKind::InvalidPage(InvalidPage::Cursor))?;
        select = select.filter(COLUMN.id.gt(after));
    }
    if let Some(prefix) = &page.prefix {
        select = select.filter(name::starts_with(Column::Name, prefix));
    }
    let rows = select.all(db).await?;
    if rows.is_empty() {
        store::get(db, store_id).await?;
    }
    Ok(Listed::cut(rows, page, LIST, |item| item.id.to_string()))
}

/// Renames an item, and returns the changed item.
///
/// Costs one UPDATE, and a SELECT on MySQL and MariaDB, in a transaction or savepoint of its own.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm_cascade::service;
///
/// let ikea = service::store::create(&db, "IKEA").await?;
/// let chair = service::item::create(&db, ikea.id, "Chair").await?;
/// assert_eq!(service::item::rename(&db, chair.id, "Stool").await?.name, "Stool");
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidName`], [`ErrorKind::ItemNotFound`], [`ErrorKind::Database`].
pub async fn rename<C: Connection>(db: &C, id: i64, name: &str) -> Result<Model, Error> {
    let name = ActiveValue::Set(name::valid(name)?);
    let item = ActiveModel { id: ActiveValue::Unchanged(id), name, store_id: ActiveValue::NotSet };
    update(db, id, item, None).await
}

/// Moves an item to another store, and returns the changed item.
///
/// The new store is locked as for [`create`]. Costs the lock and one UPDATE, and a SELECT on MySQL
/// and MariaDB, in a transaction or savepoint of its own.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm_cascade::service;
///
/// let ikea = service::store::create(&db, "IKEA").await?;
/// let chair = service::item::create(&db, ikea.id, "Chair").await?;
/// let aldi = service::store::create(&db, "Aldi").await?;
/// assert_eq!(service::item::move_to(&db, chair.id, aldi.id).await?.store_id, aldi.id);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::StoreNotFound`], [`ErrorKind::ItemNotFound`], [`ErrorKind::Database`].
pub async fn move_to<C: Connection>(db: &C, id: i64, store_id: i64) -> Result<Model, Error> {
    let item =
        ActiveModel { id: ActiveValue::Unchanged(id), name: ActiveValue::NotSet, store_id: ActiveValue::Set(store_id) };
    update(db, id, item, Some(store_id)).await
}

async fn update<C: Connection>(db: &C, id: i64, item: ActiveModel, store_id: Option<i64>) -> Result<Model, Error> {
    let write = Write::begin(db).await?;
    let updated = async {
        if let Some(store_id) = store_id {
            keep_store(write.on(), store_id).await?;
        }
        item.update(write.on()).await.map_err(|error| match error {
            DbErr::RecordNotUpdated => ErrorKind::ItemNotFound { id }.into(),
            error => Error::of_write(error, None, store_id),
        })
    };
    let result = updated.await;
    write.finish(result).await
}

/// Locks the store until the transaction ends.
async fn keep_store<C: Connection>(db: &C, id: i64) -> Result<(), Error> {
    if lock_parent(db, entity::store::Entity, id).await? { Ok(()) } else { Err(ErrorKind::StoreNotFound { id }.into()) }
}

/// Returns what deleting the item would do now. Nothing is changed.
///
/// It costs what [`Deletion::preview`] costs for one key.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm_cascade::service;
///
/// let graph = service::graph().build()?;
/// let ikea = service::store::create(&db, "IKEA").await?;
/// let chair = service::item::create(&db, ikea.id, "Chair").await?;
/// let preview = service::item::preview_delete(&db, &graph, chair.id).await?;
/// assert_eq!(preview.to_string(), "items: 1 row to delete\ntotal: 1 row deleted, 0 changed");
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::ItemNotFound`], [`ErrorKind::Delete`], [`ErrorKind::Database`]. Blockers are part of
/// the preview, not errors.
pub async fn preview_delete<C: Connection>(db: &C, graph: &Graph, id: i64) -> Result<Preview, Error> {
    delete::preview(db, graph, Entity, id, ErrorKind::ItemNotFound { id }).await
}

/// Deletes the item, and all rows that the rules of the graph delete with it. The store is never
/// deleted.
///
/// It costs what [`Deletion::execute`] costs for one key.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm_cascade::service;
///
/// let graph = service::graph().build()?;
/// let ikea = service::store::create(&db, "IKEA").await?;
/// let chair = service::item::create(&db, ikea.id, "Chair").await?;
/// service::item::delete(&db, &graph, chair.id).await?;
/// assert_eq!(service::store::get(&db, ikea.id).await?, ikea);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::ItemNotFound`]; [`ErrorKind::Delete`] if other rows block the delete, or for another
/// reason of the engine; [`ErrorKind::Database`].
pub async fn delete<C: Connection>(db: &C, graph: &Graph, id: i64) -> Result<Outcome, Error> {
    delete_with(db, graph, id, |deletion| deletion).await
}

/// Deletes the item as [`delete`] does, with options of a [`Deletion`], such as
/// [`at_most`](Deletion::at_most) and [`expecting`](Deletion::expecting).
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm_cascade::service;
///
/// let graph = service::graph().build()?;
/// let ikea = service::store::create(&db, "IKEA").await?;
/// let chair = service::item::create(&db, ikea.id, "Chair").await?;
/// let outcome = service::item::delete_with(&db, &graph, chair.id, |deletion| deletion.at_most(1)).await?;
/// assert_eq!(outcome.total(), 1);
/// # Ok(()) }
/// ```
///
/// # Errors
/// Those of [`delete`], and [`ErrorKind::Delete`] if `at_most` or `expecting` refuses.
pub async fn delete_with<C: Connection>(
    db: &C,
    graph: &Graph,
    id: i64,
    options: impl FnOnce(Deletion) -> Deletion + Send,
) -> Result<Outcome, Error> {
    delete::execute(db, graph, Entity, id, options, ErrorKind::ItemNotFound { id }).await
}

fn new(store_id: i64, name: String) -> ActiveModel {
    ActiveModel { id: ActiveValue::NotSet, name: ActiveValue::Set(name), store_id: ActiveValue::Set(store_id) }
}

pub(super) fn valid_names<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Vec<String>, Error> {
    names.into_iter().map(|name| name::valid(name.as_ref())).collect()
}

/// Inserts the items, in an open transaction.
pub(super) async fn insert<C: ConnectionTrait>(db: &C, store_id: i64, names: Vec<String>) -> Result<(), Error> {
    let mut names = names.into_iter().peekable();
    while names.peek().is_some() {
        let items = names.by_ref().take(INSERT_ROWS_MAX).map(|name| new(store_id, name));
        let inserted = Entity::insert_many(items).exec_without_returning(db).await;
        inserted.map_err(|error| Error::of_write(error, None, Some(store_id)))?;
    }
    Ok(())
}
