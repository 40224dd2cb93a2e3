//! What a delete did, in numbers.
//!
//! Pure. A preview carries the same type for what a delete would do, so that the two can be
//! compared.

use std::fmt;

use sea_orm::{EntityTrait, PrimaryKeyTrait};
use serde::{Deserialize, Serialize};

use crate::cascade::data::action::Action;
use crate::cascade::data::key::Key;
use crate::cascade::data::name::{label, table_name};
use crate::cascade::data::typed_key::{FromKey, KeyMismatch};

/// How many rows of each table were deleted, and how many were changed by each foreign key (rule
/// R10).
///
/// The numbers are of the registered tables and exact, also where the database's own cascade would
/// have taken the rows. It serialises as `{"deleted": [{"table", "rows"}], "updated": [{"table",
/// "foreign_key", "action", "rows"}]}`, with `"keys"` beside the rows where they were asked for
/// ([`Deletion::keys_of`](crate::Deletion::keys_of)), and prints as `deleted stores 1, items 3;
/// changed docs.reviewer 1 (SET NULL)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    deleted: Vec<Deleted>,
    updated: Vec<Updated>,
}

/// The rows of one table that were deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Deleted {
    table: String,
    rows: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keys: Vec<Key>,
}

/// The rows whose key was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Updated {
    table: String,
    foreign_key: String,
    action: Action,
    rows: u64,
}

type PrimaryKeyOf<E> = <<E as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType;

impl Outcome {
    /// No rows yet of these tables, and none changed by these keys, each with its table.
    pub(crate) fn nothing(
        tables: impl Iterator<Item = String>,
        keys: impl Iterator<Item = (String, String, Action)>,
    ) -> Self {
        let deleted = tables.map(|table| Deleted { table, rows: 0, keys: Vec::new() });
        let updated = keys.map(|(table, foreign_key, action)| Updated { table, foreign_key, action, rows: 0 });
        Self { deleted: deleted.collect(), updated: updated.collect() }
    }

    /// Rows that were changed by a key, also by one that was not among those of
    /// [`nothing`](Self::nothing).
    pub(crate) fn add_changed(&mut self, table: &str, foreign_key: &str, action: Action, rows: u64) {
        if !self.updated.iter().any(|updated| updated.foreign_key == foreign_key) {
            let (table, foreign_key) = (table.to_owned(), foreign_key.to_owned());
            self.updated.push(Updated { table, foreign_key, action, rows: 0 });
        }
        self.add_updated(foreign_key, rows);
    }

    pub(crate) fn add_deleted(&mut self, table: &str, rows: u64) {
        if let Some(deleted) = self.deleted.iter_mut().find(|deleted| deleted.table == table) {
            deleted.rows += rows;
        }
    }

    pub(crate) fn add_keys(&mut self, table: &str, keys: impl Iterator<Item = Key>) {
        if let Some(deleted) = self.deleted.iter_mut().find(|deleted| deleted.table == table) {
            deleted.keys.extend(keys);
        }
    }

    /// What another run did, among the same tables or some of them.
    pub(crate) fn add(&mut self, other: Self) {
        for Deleted { table, rows, keys } in other.deleted {
            self.add_deleted(&table, rows);
            self.add_keys(&table, keys.into_iter());
        }
        for updated in other.updated {
            self.add_updated(&updated.foreign_key, updated.rows);
        }
    }

    /// The numbers alone.
    pub(crate) fn without_keys(&self) -> Self {
        let mut numbers = self.clone();
        numbers.deleted.iter_mut().for_each(|deleted| deleted.keys.clear());
        numbers
    }

    /// The same with no number above this.
    pub(crate) fn at_most(mut self, rows_max: u64) -> Self {
        self.deleted.iter_mut().for_each(|deleted| deleted.rows = deleted.rows.min(rows_max));
        self.updated.iter_mut().for_each(|updated| updated.rows = updated.rows.min(rows_max));
        self
    }

    /// Whether the numbers are the same, whichever keys are carried along.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        self.deletions().eq(other.deletions()) && self.updates().eq(other.updates())
    }

    pub(crate) fn add_updated(&mut self, foreign_key: &str, rows: u64) {
        if let Some(updated) = self.updated.iter_mut().find(|updated| updated.foreign_key == foreign_key) {
            updated.rows += rows;
        }
    }

    /// How many rows of this entity were deleted, roots included; 0 for one that the delete could
    /// not reach.
    #[must_use]
    pub fn deleted<E: EntityTrait>(&self, _entity: E) -> u64 {
        let table = label(&table_name::<E>());
        self.deleted.iter().filter(|deleted| deleted.table == table).map(|deleted| deleted.rows).sum()
    }

    /// How many keys of this entity's rows were set to NULL or to their default. A row that was
    /// changed by two keys counts twice.
    #[must_use]
    pub fn updated<E: EntityTrait>(&self, _entity: E) -> u64 {
        let table = label(&table_name::<E>());
        self.updated.iter().filter(|updated| updated.table == table).map(|updated| updated.rows).sum()
    }

    /// The rows deleted, table by table, parents first; also tables that lost none.
    pub fn deletions(&self) -> impl Iterator<Item = (&str, u64)> {
        self.deleted.iter().map(|Deleted { table, rows, keys: _ }| (table.as_str(), *rows))
    }

    /// The keys changed, such as `docs.reviewer`, with the action and how many; also those that
    /// none was changed by.
    pub fn updates(&self) -> impl Iterator<Item = (&str, Action, u64)> {
        self.updated.iter().map(|updated| (updated.foreign_key.as_str(), updated.action, updated.rows))
    }

    /// The rows changed, table by table: the sum of [`updates`](Self::updates) over the foreign
    /// keys of each table. A row that was changed through two foreign keys counts twice.
    pub fn updates_by_table(&self) -> impl Iterator<Item = (&str, u64)> {
        let mut tables: Vec<(&str, u64)> = Vec::new();
        for updated in &self.updated {
            match tables.iter_mut().find(|(table, _)| *table == updated.table) {
                Some((_, rows)) => *rows += updated.rows,
                None => tables.push((&updated.table, updated.rows)),
            }
        }
        tables.into_iter()
    }

    /// The primary keys of this entity's deleted rows in their Rust type: `i64`, or a tuple for a
    /// composite key. In the order in which the rows were deleted.
    ///
    /// Empty unless they were asked for with
    /// [`Deletion::keys_of`](crate::Deletion::keys_of). For key types that are not
    /// [`FromKey`], such as UUIDs, there is [`key_values`](Self::key_values).
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::{item, store}, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    ///
    /// let deletion = graph.delete_keys(store::Entity, [ikea.id]).keys_of(item::Entity);
    /// let items: Vec<i64> = deletion.execute(&db).await?.keys(item::Entity)?;
    /// assert_eq!(items, [1, 2]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`KeyMismatch`] if the database stored a value that the type does not hold.
    pub fn keys<E>(&self, entity: E) -> Result<Vec<PrimaryKeyOf<E>>, KeyMismatch>
    where
        E: EntityTrait,
        PrimaryKeyOf<E>: FromKey,
    {
        let typed = |key: &Key| {
            let expected = std::any::type_name::<PrimaryKeyOf<E>>();
            FromKey::from_key(key).ok_or_else(|| KeyMismatch { key: key.clone(), expected })
        };
        self.key_values(entity).iter().map(typed).collect()
    }

    /// The primary keys of this entity's deleted rows as they were read, in the order in which the
    /// rows were deleted; empty unless they were asked for with
    /// [`Deletion::keys_of`](crate::Deletion::keys_of).
    #[must_use]
    pub fn key_values<E: EntityTrait>(&self, _entity: E) -> &[Key] {
        let table = label(&table_name::<E>());
        let mut found = self.deleted.iter().filter(|deleted| deleted.table == table);
        found.next().map_or(&[], |deleted| &deleted.keys)
    }

    /// How many rows were deleted, of all tables.
    #[must_use]
    pub fn rows_deleted(&self) -> u64 {
        self.deleted.iter().map(|deleted| deleted.rows).sum()
    }

    /// How many foreign keys were changed, of all tables: a row whose two foreign keys were set to
    /// NULL counts twice.
    #[must_use]
    pub fn foreign_keys_changed(&self) -> u64 {
        self.updated.iter().map(|updated| updated.rows).sum()
    }

    /// Rows deleted plus foreign keys changed: the number that `at_most` limits.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.rows_deleted() + self.foreign_keys_changed()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.total() == 0 {
            return f.write_str("nothing deleted");
        }
        let mut before = "deleted ";
        for Deleted { table, rows, keys: _ } in self.deleted.iter().filter(|deleted| deleted.rows > 0) {
            write!(f, "{before}{table} {rows}")?;
            before = ", ";
        }
        before = if self.rows_deleted() == 0 { "changed " } else { "; changed " };
        for updated in self.updated.iter().filter(|updated| updated.rows > 0) {
            let Updated { table: _, foreign_key, action, rows } = updated;
            write!(f, "{before}{foreign_key} {rows} ({action})")?;
            before = ", ";
        }
        Ok(())
    }
}
