//! A store: a unique name, and many items.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A row of `stores`.
///
/// [`COLUMN`] names its columns with their types, as in `store::COLUMN.name.eq("IKEA")`; [`ModelEx`] is the same row
/// together with its items, where they were loaded.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "stores")]
pub struct Model {
    /// Given by the database.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Unique, 1 to 80 characters, without blanks at its ends. Compared by code point.
    #[sea_orm(unique, column_type = "String(StringLen::N(crate::entity::NAME_CHARS_MAX))")]
    pub name: String,
    /// Its items. What happens to them when it is deleted stands at their `belongs_to`: they go
    /// too.
    #[sea_orm(has_many)]
    pub items: HasMany<super::item::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
