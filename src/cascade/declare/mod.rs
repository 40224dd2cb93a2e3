//! From entities to a graph: what they declare, and every check that needs no database.
//!
//! Pure. It knows `data`; of `db` it knows the session that hooks are given, and nothing else.

pub(crate) mod builder;
pub(crate) mod declaration;
pub(crate) mod graph;
pub(crate) mod hooks;
pub(crate) mod overrides;
mod register;
pub(crate) mod schema;
