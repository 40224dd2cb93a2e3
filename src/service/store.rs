//! Stores: create, get, list, rename, preview a delete, delete.

use sea_orm::{
    ActiveModelTrait as _, ActiveValue, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::error::{Error, ErrorKind};
use super::page::{Listed, Page};
use super::{delete, item, name};
use crate::cascade::{Connection, Deletion, Graph, Outcome, Preview, Write};
use crate::entity::store::{ActiveModel, COLUMN, Column, Entity, Model};

/// Marks a cursor of this list.
const LIST: &str = "store:";

/// Creates a store. The name is trimmed, then checked.
///
/// Costs one INSERT, in a transaction or savepoint of its own.
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
/// assert_eq!(ikea.name, "IKEA");
/// assert!(service::store::create(&db, "IKEA").await.unwrap_err().is_name_taken());
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidName`]; [`ErrorKind::NameTaken`], also if two connections insert it at the
/// same time; [`ErrorKind::Database`].
pub async fn create<C: Connection>(db: &C, name: &str) -> Result<Model, Error> {
    create_with_items(db, name, std::iter::empty::<&str>()).await
}

/// Creates a store and its items, all or none.
///
/// Costs one INSERT for the store and one for each 5,000 items, in one transaction or savepoint.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm_cascade::service::{self, Page};
///
/// let ikea = service::store::create_with_items(&db, " IKEA ", ["Chair", "Table"]).await?;
/// assert_eq!(ikea.name, "IKEA");
/// assert_eq!(service::item::list(&db, ikea.id, &Page::first(10)).await?.rows.len(), 2);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidName`], of the store or of any item; [`ErrorKind::NameTaken`];
/// [`ErrorKind::Database`].
pub async fn create_with_items<C, N>(
    db: &C,
    name: &str,
    items: impl IntoIterator<Item = N> + Send,
) -> Result<Model, Error>
where
    C: Connection,
    N: AsRef<str>,
{
    let name = name::valid(name)?;
    let items = item::valid_names(items)?;
    let write = Write::begin(db).await?;
    let result = async {
        let store = ActiveModel { id: ActiveValue::NotSet, name: ActiveValue::Set(name.clone()) };
        let store = store.insert(write.on()).await.map_err(|error| Error::of_write(error, Some(&name), None))?;
        item::insert(write.on(), store.id, items).await?;
        Ok(store)
    };
    let result = result.await;
    write.finish(result).await
}

/// Returns the store with that id. Costs one SELECT.
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
/// assert_eq!(service::store::get(&db, ikea.id).await?, ikea);
/// assert!(service::store::get(&db, 99).await.unwrap_err().is_not_found());
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::StoreNotFound`], [`ErrorKind::Database`].
pub async fn get<C: ConnectionTrait>(db: &C, id: i64) -> Result<Model, Error> {
    let found = Entity::find_by_id(id).one(db).await?;
    found.ok_or_else(|| ErrorKind::StoreNotFound { id }.into())
}

/// Returns the store with exactly that name, after trimming it. Returns `None` if there is none, or
/// if the text cannot be a name. Costs one SELECT.
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
/// assert_eq!(service::store::find_by_name(&db, " IKEA ").await?, Some(ikea));
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::Database`].
pub async fn find_by_name<C: ConnectionTrait>(db: &C, name: &str) -> Result<Option<Model>, Error> {
    let Ok(name) = name::valid(name) else { return Ok(None) };
    Ok(Entity::find().filter(COLUMN.name.eq(name)).one(db).await?)
}

/// Returns a page of the stores, ordered by name (by code point).
///
/// Costs one SELECT, which reads at most one row more than the page has. A late page costs as much
/// as the first.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm_cascade::service::{self, Page};
///
/// for name in ["IKEA", "Iris", "Aldi"] {
///     service::store::create(&db, name).await?;
/// }
/// let first = service::store::list(&db, &Page::first(2)).await?;
/// assert_eq!(first.rows.iter().map(|store| &*store.name).collect::<Vec<_>>(), ["Aldi", "IKEA"]);
///
/// let next = Page::after(first.next.expect("there is one more"), 2);
/// let last = service::store::list(&db, &next).await?;
/// assert_eq!(last.rows[0].name, "Iris");
/// assert!(last.next.is_none());
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidPage`], [`ErrorKind::Database`].
pub async fn list<C: ConnectionTrait>(db: &C, page: &Page) -> Result<Listed<Model>, Error> {
    page.check()?;
    let mut select = Entity::find().order_by_asc(Column::Name).limit(page.limit + 1);
    if let Some(after) = page.after_key(LIST)? {
        select = select.filter(COLUMN.name.gt(after));
    }
    if let Some(prefix) = &page.prefix {
        select = select.filter(name::starts_with(Column::Name, prefix));
    }
    Ok(Listed::cut(select.all(db).await?, page, LIST, |store| store.name.clone()))
}

/// Renames a store, and returns the changed store.
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
/// let renamed = service::store::rename(&db, ikea.id, "Ikea").await?;
/// assert_eq!(renamed.name, "Ikea");
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidName`], [`ErrorKind::NameTaken`], [`ErrorKind::StoreNotFound`],
/// [`ErrorKind::Database`].
pub async fn rename<C: Connection>(db: &C, id: i64, name: &str) -> Result<Model, Error> {
    let name = name::valid(name)?;
    let write = Write::begin(db).await?;
    let store = ActiveModel { id: ActiveValue::Unchanged(id), name: ActiveValue::Set(name.clone()) };
    let result = store.update(write.on()).await.map_err(|error| match error {
        DbErr::RecordNotUpdated => ErrorKind::StoreNotFound { id }.into(),
        error => Error::of_write(error, Some(&name), None),
    });
    write.finish(result).await
}

/// Returns what deleting the store would do now. Nothing is changed.
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
/// use sea_orm_cascade::entity::item;
///
/// let graph = service::graph().build()?;
/// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
/// let preview = service::store::preview_delete(&db, &graph, ikea.id).await?;
/// assert_eq!(preview.deleted(item::Entity), 2);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::StoreNotFound`], [`ErrorKind::Delete`], [`ErrorKind::Database`]. Blockers are part of
/// the preview, not errors.
pub async fn preview_delete<C: Connection>(db: &C, graph: &Graph, id: i64) -> Result<Preview, Error> {
    delete::preview(db, graph, Entity, id, ErrorKind::StoreNotFound { id }).await
}

/// Deletes the store, its items, and all other rows that the rules of the graph delete with them:
/// everything or nothing.
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
/// use sea_orm_cascade::entity::item;
///
/// let graph = service::graph().build()?;
/// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
/// let outcome = service::store::delete(&db, &graph, ikea.id).await?;
/// assert_eq!(outcome.deleted(item::Entity), 2);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::StoreNotFound`]; [`ErrorKind::Delete`] if other rows block the delete, or for another
/// reason of the engine; [`ErrorKind::Database`].
pub async fn delete<C: Connection>(db: &C, graph: &Graph, id: i64) -> Result<Outcome, Error> {
    delete_with(db, graph, id, |deletion| deletion).await
}

/// Deletes the store as [`delete`] does, with options of a [`Deletion`].
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
/// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
/// # Migrator::up(&db, None).await?;
/// use sea_orm_cascade::service;
///
/// let graph = service::graph().build()?;
/// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
///
/// let preview = service::store::preview_delete(&db, &graph, ikea.id).await?;
/// service::item::create(&db, ikea.id, "Lamp").await?;
///
/// let refused = service::store::delete_with(&db, &graph, ikea.id, |deletion| deletion.expecting(&preview)).await;
/// assert!(refused.unwrap_err().is_changed());
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
    delete::execute(db, graph, Entity, id, options, ErrorKind::StoreNotFound { id }).await
}
