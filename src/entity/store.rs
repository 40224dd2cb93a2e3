//! A store: it has a unique name and many items.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `stores`.
///
/// [`COLUMN`] has its columns with their types, as in `store::COLUMN.name.eq("IKEA")`. [`ModelEx`] is
/// the row together with its items, if they were loaded.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "stores")]
pub struct Model {
    /// The primary key. The database assigns it.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Unique, 1 to 80 characters, without blanks at its ends. Compared by code point.
    #[sea_orm(unique, column_type = "String(StringLen::N(crate::entity::NAME_CHARS_MAX))")]
    pub name: String,
    /// Its items. Deleting the store deletes them, as their `belongs_to` declares.
    #[sea_orm(has_many)]
    pub items: HasMany<super::item::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
