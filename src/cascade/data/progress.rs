//! How far a delete in batches has come.
//!
//! Pure.

use serde::{Deserialize, Serialize};

/// How far a delete in batches has come, after each batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// The table whose rows the batch deleted or changed.
    pub table: String,
    /// How many rows have been deleted and changed so far, by this call.
    pub done: u64,
    /// How many it will be in all, as counted at the beginning; more if rows were added meanwhile.
    pub total: u64,
    /// How many batches have been committed.
    pub batches: u64,
}
