//! The progress of a delete in batches.
//!
//! Pure.

use serde::{Deserialize, Serialize};

/// The progress of a delete in batches, given to
/// [`Batches::on_progress`](crate::Batches::on_progress) after each batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// The table whose rows the batch deleted or changed.
    pub table: String,
    /// How many rows this call has deleted and changed so far.
    pub done: u64,
    /// How many rows there will be in total, as counted at the beginning; more if rows were added
    /// since.
    pub total: u64,
    /// How many batches have been committed.
    pub batches: u64,
}
