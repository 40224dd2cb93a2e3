//! Carries a plan out: the transaction around it, the writes in it, and what is checked after them.
//!
//! I/O. This is the only folder that changes rows.

pub(crate) mod batches;
pub(crate) mod cancel;
pub(crate) mod cycle;
pub(crate) mod execute;
pub(crate) mod retry;
pub(crate) mod rows;
pub(crate) mod transaction;
pub(crate) mod verify;
pub(crate) mod write;
