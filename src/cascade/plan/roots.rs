//! The rows that the caller asks to delete.
//!
//! Pure.

use sea_orm::Value;
use sea_orm::sea_query::SelectStatement;

/// Which rows the caller asks to delete.
#[derive(Debug, Clone)]
pub(crate) enum Roots {
    Select(Box<SelectStatement>),
    /// Primary keys.
    Keys(Vec<Vec<Value>>),
}
