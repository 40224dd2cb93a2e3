//! Carries out a plan: the transaction, the writes, and the checks after them.
//!
//! I/O. This is the only folder that changes rows.

pub(crate) mod batches;
pub(crate) mod cancel;
pub(crate) mod cycle;
pub(crate) mod execute;
pub(crate) mod record;
pub(crate) mod retry;
pub(crate) mod rows;
pub(crate) mod transaction;
pub(crate) mod verify;
pub(crate) mod write;
