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
/// One INSERT, in a transaction or savepoint of its own.
///
/// # Errors
/// [`ErrorKind::InvalidName`]; [`ErrorKind::NameTaken`], also when two connections race; [`ErrorKind::Database`].
pub async fn create<C: Connection>(db: &C, name: &str) -> Result<Model, Error> {
    create_with_items(db, name, std::iter::empty::<&str>()).await
}

/// Creates a store and its items, all or none.
///
/// One INSERT for the store and one for each 5,000 items, in one transaction or savepoint.
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
/// [`ErrorKind::InvalidName`], of the store or of any item; [`ErrorKind::NameTaken`]; [`ErrorKind::Database`].
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

/// The store with that id.
///
/// # Errors
/// [`ErrorKind::StoreNotFound`], [`ErrorKind::Database`].
pub async fn get<C: ConnectionTrait>(db: &C, id: i64) -> Result<Model, Error> {
    let found = Entity::find_by_id(id).one(db).await?;
    found.ok_or_else(|| ErrorKind::StoreNotFound { id }.into())
}

/// The store with exactly that name, trimmed; `None` if there is none, also for a text that can be
/// no name.
///
/// # Errors
/// [`ErrorKind::Database`].
pub async fn find_by_name<C: ConnectionTrait>(db: &C, name: &str) -> Result<Option<Model>, Error> {
    let Ok(name) = name::valid(name) else { return Ok(None) };
    Ok(Entity::find().filter(COLUMN.name.eq(name)).one(db).await?)
}

/// A page of the stores, by name in the order of code points.
///
/// One SELECT that reads at most one row more than the page has, whichever page it is.
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

/// Gives a store another name, and returns it as it is then.
///
/// One UPDATE, on MySQL and MariaDB also a SELECT, in a transaction or savepoint of its own.
///
/// # Errors
/// [`ErrorKind::InvalidName`], [`ErrorKind::NameTaken`], [`ErrorKind::StoreNotFound`], [`ErrorKind::Database`].
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

/// What deleting the store would do now, without doing it; see [`Deletion::preview`].
///
/// # Errors
/// [`ErrorKind::StoreNotFound`], [`ErrorKind::Delete`], [`ErrorKind::Database`]. Blockers are shown, not errors.
pub async fn preview_delete<C: Connection>(db: &C, graph: &Graph, id: i64) -> Result<Preview, Error> {
    delete::preview(db, graph, Entity, id, ErrorKind::StoreNotFound { id }).await
}

/// Deletes the store, its items, and whatever else the graph's rules say, all or nothing; see
/// [`Deletion::execute`].
///
/// # Errors
/// [`ErrorKind::StoreNotFound`]; [`ErrorKind::Delete`] if rows that must stay reference rows that would go;
/// [`ErrorKind::Database`].
pub async fn delete<C: Connection>(db: &C, graph: &Graph, id: i64) -> Result<Outcome, Error> {
    delete_with(db, graph, id, |deletion| deletion).await
}

/// The same, with options.
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
