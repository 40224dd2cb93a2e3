//! Values that follow from a graph alone, computed once and kept as long as the graph.
//!
//! Pure.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// What a value is of: its type, a table, and which of several of that type.
type Place = (TypeId, usize, u8);

/// Values by type and table.
#[derive(Default)]
pub(crate) struct Memo(RwLock<HashMap<Place, Arc<dyn Any + Send + Sync>>>);

impl Memo {
    /// Returns the value, and computes it the first time.
    pub(crate) fn get_or<V: Any + Send + Sync>(&self, table: usize, which: u8, compute: impl FnOnce() -> V) -> Arc<V> {
        let place = (TypeId::of::<V>(), table, which);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&place).cloned();
        if let Some(known) = known.and_then(|known| known.downcast().ok()) {
            return known;
        }
        let value = Arc::new(compute());
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(place, value.clone());
        value
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}
