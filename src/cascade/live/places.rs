//! Matches the tables and constraints of a database with the registered tables and keys.
//!
//! Pure.

use crate::cascade::declare::schema::{ForeignKey, Schema, TableId};
use crate::cascade::live::data::{Live, LiveKey, QualifiedName};

/// The qualified name of each registered table.
pub(crate) struct Places<'a> {
    schema: &'a Schema,
    live: &'a Live,
    of_tables: Vec<QualifiedName>,
}

impl<'a> Places<'a> {
    pub(crate) fn of(schema: &'a Schema, live: &'a Live) -> Self {
        let of_tables = schema.tables.iter().map(|table| live.place(&table.name)).collect();
        Self { schema, live, of_tables }
    }

    fn is_at(&self, table: TableId, place: &QualifiedName) -> bool {
        self.live.same_place(&self.of_tables[table], place)
    }

    /// Returns the registered table in that place.
    pub(crate) fn at(&self, place: &QualifiedName) -> Option<TableId> {
        (0..self.of_tables.len()).find(|&table| self.is_at(table, place))
    }

    /// Whether that is the constraint of a registered key.
    pub(crate) fn answers(&self, key: &ForeignKey, live: &LiveKey) -> bool {
        self.answers_at(key, live, &live.child)
    }

    /// Whether that is the constraint of a partition or child table, for a registered key of the
    /// whole table. A Select of a table also reads the rows of its parts, so that key finds them.
    pub(crate) fn answers_in_part(&self, key: &ForeignKey, live: &LiveKey) -> bool {
        live.child_is_of.iter().any(|whole| self.answers_at(key, live, whole))
    }

    fn answers_at(&self, key: &ForeignKey, live: &LiveKey, live_child: &QualifiedName) -> bool {
        let (child, parent) = (&self.schema.tables[key.child], &self.schema.tables[key.parent]);
        if !self.is_at(key.child, live_child) || !self.is_at(key.parent, &live.parent) {
            return false;
        }
        let declared: Vec<_> =
            child.names(&key.child_columns).into_iter().zip(parent.names(&key.parent_columns)).collect();
        let found: Vec<_> = live.child_columns.iter().zip(&live.parent_columns).collect();
        let is_among = |(from, to): &(String, String)| {
            found.iter().any(|(live_from, live_to)| {
                self.live.same_column(from, live_from) && self.live.same_column(to, live_to)
            })
        };
        declared.len() == found.len() && declared.iter().all(is_among)
    }
}
