//! The common part of deleting a store and deleting an item: one row by its id, which must exist.

use sea_orm::{EntityTrait, PrimaryKeyTrait};

use super::error::{Error, ErrorKind};
use crate::cascade::{Connection, Deletion, Graph, Outcome, Preview};

pub(super) async fn preview<C, E>(
    db: &C,
    graph: &Graph,
    entity: E,
    id: i64,
    not_found: ErrorKind,
) -> Result<Preview, Error>
where
    C: Connection,
    E: EntityTrait,
    <E::PrimaryKey as PrimaryKeyTrait>::ValueType: From<i64>,
{
    let preview = graph.delete_keys(entity, [id]).preview(db).await?;
    if preview.deleted(entity) == 0 { Err(not_found.into()) } else { Ok(preview) }
}

pub(super) async fn execute<C, E>(
    db: &C,
    graph: &Graph,
    entity: E,
    id: i64,
    options: impl FnOnce(Deletion) -> Deletion + Send,
    not_found: ErrorKind,
) -> Result<Outcome, Error>
where
    C: Connection,
    E: EntityTrait,
    <E::PrimaryKey as PrimaryKeyTrait>::ValueType: From<i64>,
{
    let outcome = options(graph.delete_keys(entity, [id])).execute(db).await?;
    if outcome.deleted(entity) == 0 { Err(not_found.into()) } else { Ok(outcome) }
}
