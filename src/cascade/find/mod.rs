//! Finds rows: the roots, the rows below them, and their counts.
//!
//! I/O: it reads and locks, and never changes a row.

pub(crate) mod counts;
pub(crate) mod gather;
pub(crate) mod pages;
pub(crate) mod preview;
pub(crate) mod roots;
pub(crate) mod walk;
