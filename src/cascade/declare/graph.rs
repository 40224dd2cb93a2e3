//! A graph that passed every check.
//!
//! Pure.

use std::fmt;
use std::sync::Arc;

use crate::cascade::declare::schema::Schema;

/// The registered tables and the foreign keys between them: what a delete can reach.
///
/// Build it once at start-up from the entities ([`Graph::builder`]), use it with [`Graph::delete`]
/// and [`Graph::delete_keys`], and share it. A clone costs one reference count, so a graph fits a
/// `static` or the state of a web server. It holds no connection and works for every database.
///
/// # Example
/// ```
/// use sea_orm_cascade::Graph;
/// use sea_orm_cascade::entity::{item, store};
///
/// let graph = Graph::builder().entity(store::Entity).entity(item::Entity).build()?;
/// assert_eq!(graph.tables().collect::<Vec<_>>(), ["stores", "items"]);
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
#[derive(Clone)]
pub struct Graph {
    pub(super) schema: Arc<Schema>,
}

impl Graph {
    /// Returns the registered tables, in the order of registration.
    ///
    /// # Example
    /// ```
    /// let graph = sea_orm_cascade::service::graph().build()?;
    /// assert_eq!(graph.tables().collect::<Vec<_>>(), ["stores", "items"]);
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.schema.tables.iter().map(|table| table.label.as_str())
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }
}

impl fmt::Debug for Graph {
    /// The rules, one foreign key on each line: `items.store_id -> stores CASCADE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.schema.keys.iter().map(|key| {
            let parent = &self.schema.tables[key.parent].label;
            format!("{} -> {parent} {}", key.label, key.action)
        });
        f.debug_list().entries(rules).finish()
    }
}
