//! An item: a name, and the one store that it belongs to.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `items`.
///
/// [`COLUMN`] names its columns with their types, as in `item::COLUMN.store_id.eq(7)`; [`ModelEx`] is the same row
/// together with its store, where it was loaded.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "items")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// 1 to 80 characters, without blanks at its ends. Compared by code point; not unique.
    #[sea_orm(column_type = "String(StringLen::N(crate::entity::NAME_CHARS_MAX))")]
    pub name: String,
    /// The store that it belongs to.
    pub store_id: i64,
    /// Its store. Deleting the store deletes the item; deleting the item leaves the store alone.
    #[sea_orm(belongs_to, from = "store_id", to = "id", on_delete = "Cascade")]
    pub store: BelongsTo<super::store::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
