//! The connection, the transaction, and what one execution works with.
//!
//! I/O. It sends statements and does not know what they are for.

pub(crate) mod execution;
pub(crate) mod session;
