//! Plain data that every other folder may know, and how it prints and draws.
//!
//! Pure. It knows no entity, no statement and no connection, and imports nothing of this crate but
//! its own files.

pub(crate) mod action;
pub(crate) mod dialect;
pub(crate) mod explanation;
pub(crate) mod finding;
pub(crate) mod finding_kind;
pub(crate) mod index;
pub(crate) mod key;
pub(crate) mod memo;
pub(crate) mod name;
pub(crate) mod outcome;
pub(crate) mod picture;
pub(crate) mod preview;
pub(crate) mod progress;
pub(crate) mod receipt;
pub(crate) mod rule;
pub(crate) mod tree;
pub(crate) mod typed_key;
pub(crate) mod undo;
