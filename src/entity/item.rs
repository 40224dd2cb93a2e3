//! An item: it has a name and belongs to one store.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `items`.
///
/// [`COLUMN`] has its columns with their types, as in `item::COLUMN.store_id.eq(7)`. [`ModelEx`] is
/// the row together with its store, if it was loaded.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "items")]
pub struct Model {
    /// The primary key. The database assigns it.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// 1 to 80 characters, without blanks at its ends. Compared by code point. Not unique.
    #[sea_orm(column_type = "String(StringLen::N(crate::entity::NAME_CHARS_MAX))")]
    pub name: String,
    /// The store that it belongs to.
    pub store_id: i64,
    /// Its store. Deleting the store deletes the item. Deleting the item keeps the store.
    #[sea_orm(belongs_to, from = "store_id", to = "id", on_delete = "Cascade")]
    pub store: BelongsTo<super::store::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
