//! The rows that were asked for.
//!
//! Pure.

use sea_orm::Value;
use sea_orm::sea_query::SelectStatement;

/// Which rows were asked for.
#[derive(Debug, Clone)]
pub(crate) enum Roots {
    Select(Box<SelectStatement>),
    /// Primary keys.
    Keys(Vec<Vec<Value>>),
}
