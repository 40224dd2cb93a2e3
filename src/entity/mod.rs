//! Store and Item: the two entities that come ready to embed.
//!
//! They know SeaORM and nothing else of this crate. [`service`](crate::service) is how programs use
//! them; [`Graph`](crate::cascade::Graph) is how they are deleted. Their table is made by the
//! crate's migration (feature `migration`).

pub mod item;
pub mod store;

/// The longest name of a store or an item, in characters (Unicode code points).
pub const NAME_CHARS_MAX: u32 = 80;
