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
/// The store is locked first ([`lock_parent`]), so that no delete that runs at the same time leaves
/// the item without one, constraint or not. That and one INSERT, in a transaction or savepoint of
/// their own.
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

/// Creates many items in a store, all or none, and returns how many.
///
/// The store is locked as for [`create`], then one INSERT for each 5,000, in one transaction or
/// savepoint. An empty list is 0, without an INSERT.
///
/// # Errors
/// [`ErrorKind::InvalidName`] of any of them, [`ErrorKind::StoreNotFound`], [`ErrorKind::Database`].
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

/// The item with that id.
///
/// # Errors
/// [`ErrorKind::ItemNotFound`], [`ErrorKind::Database`].
pub async fn get<C: ConnectionTrait>(db: &C, id: i64) -> Result<Model, Error> {
    let found = Entity::find_by_id(id).one(db).await?;
    found.ok_or_else(|| ErrorKind::ItemNotFound { id }.into())
}

/// A page of a store's items, by id: in the order in which they were created.
///
/// One SELECT that reads at most one row more than the page has, whichever page it is; a second one
/// if it is empty, to tell an empty store from an unknown one. A prefix is looked for in the
/// store's items from the page's start on.
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

/// Gives an item another name, and returns it as it is then.
///
/// # Errors
/// [`ErrorKind::InvalidName`], [`ErrorKind::ItemNotFound`], [`ErrorKind::Database`].
pub async fn rename<C: Connection>(db: &C, id: i64, name: &str) -> Result<Model, Error> {
    let name = ActiveValue::Set(name::valid(name)?);
    let item = ActiveModel { id: ActiveValue::Unchanged(id), name, store_id: ActiveValue::NotSet };
    update(db, id, item, None).await
}

/// Moves an item to another store, and returns it as it is then. That store is locked as for
/// [`create`].
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

/// Keeps the store until the transaction ends.
async fn keep_store<C: Connection>(db: &C, id: i64) -> Result<(), Error> {
    if lock_parent(db, entity::store::Entity, id).await? { Ok(()) } else { Err(ErrorKind::StoreNotFound { id }.into()) }
}

/// What deleting the item would do now, without doing it; see [`Deletion::preview`].
///
/// # Errors
/// [`ErrorKind::ItemNotFound`], [`ErrorKind::Delete`], [`ErrorKind::Database`]. Blockers are shown, not errors.
pub async fn preview_delete<C: Connection>(db: &C, graph: &Graph, id: i64) -> Result<Preview, Error> {
    delete::preview(db, graph, Entity, id, ErrorKind::ItemNotFound { id }).await
}

/// Deletes the item and what depends on it by the graph's rules, never its store; see
/// [`Deletion::execute`].
///
/// # Errors
/// [`ErrorKind::ItemNotFound`]; [`ErrorKind::Delete`] if rows that must stay reference rows that would go;
/// [`ErrorKind::Database`].
pub async fn delete<C: Connection>(db: &C, graph: &Graph, id: i64) -> Result<Outcome, Error> {
    delete_with(db, graph, id, |deletion| deletion).await
}

/// The same, with options such as [`Deletion::at_most`] and [`Deletion::expecting`].
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
