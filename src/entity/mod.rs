//! Store and Item: two entities, ready to embed.
//!
//! Use them through [`service`](crate::service), or as any SeaORM entity. A
//! [`Graph`](crate::Graph) deletes them. The crate's migration creates their tables (feature
//! `migration`).

pub mod item;
pub mod store;

/// The largest length of a name, in characters (Unicode code points).
pub const NAME_CHARS_MAX: u32 = 80;
