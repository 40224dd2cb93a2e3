//! What a delete did, in row counts.
//!
//! Pure. A preview carries the same type for what a delete would do, so the two can be compared.

use std::fmt;

use sea_orm::{EntityTrait, PrimaryKeyTrait};
use serde::{Deserialize, Serialize};

use crate::cascade::data::action::Action;
use crate::cascade::data::key::Key;
use crate::cascade::data::name::{label, table_name};
use crate::cascade::data::receipt::Receipt;
use crate::cascade::data::typed_key::{FromKey, KeyMismatch};

/// The number of deleted rows of each table, and the number of rows changed through each foreign
/// key (rule R10).
///
/// The numbers cover the registered tables and are exact, also where the database's own cascade
/// would have deleted the rows. It serialises as `{"deleted": [{"table", "rows"}], "updated":
/// [{"table", "foreign_key", "action", "rows"}]}`, with `"keys"` beside the rows if they were
/// requested ([`Deletion::keys_of`](crate::Deletion::keys_of)). It prints as `deleted
/// stores 1, items 3; changed docs.reviewer 1 (SET NULL)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    deleted: Vec<Deleted>,
    updated: Vec<Updated>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
}

/// The rows of one table that were deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Deleted {
    table: String,
    rows: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keys: Vec<Key>,
}

/// The rows whose foreign key was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Updated {
    table: String,
    foreign_key: String,
    action: Action,
    rows: u64,
}

type PrimaryKeyOf<E> = <<E as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType;

impl Outcome {
    /// Zero deleted rows for these tables, and zero changed rows for these keys, each with its
    /// table.
    pub(crate) fn nothing(
        tables: impl Iterator<Item = String>,
        keys: impl Iterator<Item = (String, String, Action)>,
    ) -> Self {
        let deleted = tables.map(|table| Deleted { table, rows: 0, keys: Vec::new() });
        let updated = keys.map(|(table, foreign_key, action)| Updated { table, foreign_key, action, rows: 0 });
        Self { deleted: deleted.collect(), updated: updated.collect(), receipt: None }
    }

    /// Adds rows changed through a key, also through one that was not given to
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

    /// Adds what another run did, in the same tables or some of them.
    pub(crate) fn add(&mut self, other: Self) {
        for Deleted { table, rows, keys } in other.deleted {
            self.add_deleted(&table, rows);
            self.add_keys(&table, keys.into_iter());
        }
        for updated in other.updated {
            self.add_updated(&updated.foreign_key, updated.rows);
        }
    }

    /// The row counts without the keys.
    pub(crate) fn without_keys(&self) -> Self {
        let mut numbers = self.clone();
        numbers.deleted.iter_mut().for_each(|deleted| deleted.keys.clear());
        numbers
    }

    /// The same outcome with every number capped at this one.
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

    pub(crate) fn with_receipt(mut self, receipt: Option<Receipt>) -> Self {
        self.receipt = receipt;
        self
    }

    /// Returns the number with which this delete can be undone; `None` if it was not
    /// [`undoable`](crate::Deletion::undoable), or has deleted and changed nothing.
    ///
    /// # Example
    /// [`Graph::undo`](crate::Graph::undo) has one.
    #[must_use]
    pub fn receipt(&self) -> Option<Receipt> {
        self.receipt
    }

    /// Returns how many rows of this entity were deleted, roots included; 0 if the delete cannot
    /// reach it.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::{item, store}, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// let outcome = graph.delete_keys(store::Entity, [ikea.id]).execute(&db).await?;
    /// assert_eq!(outcome.deleted(item::Entity), 2);
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn deleted<E: EntityTrait>(&self, _entity: E) -> u64 {
        let table = label(&table_name::<E>());
        self.deleted.iter().filter(|deleted| deleted.table == table).map(|deleted| deleted.rows).sum()
    }

    /// Returns how many foreign keys of this entity's rows were set to NULL or to their default. A
    /// row that was changed through two foreign keys counts twice.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::{item, store}, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// let outcome = graph.delete_keys(store::Entity, [ikea.id]).execute(&db).await?;
    /// assert_eq!(outcome.updated(item::Entity), 0);
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn updated<E: EntityTrait>(&self, _entity: E) -> u64 {
        let table = label(&table_name::<E>());
        self.updated.iter().filter(|updated| updated.table == table).map(|updated| updated.rows).sum()
    }

    /// Returns each table with the number of its deleted rows, parents first; also tables without
    /// any.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::{item, store}, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// let outcome = graph.delete_keys(store::Entity, [ikea.id]).execute(&db).await?;
    /// let tables: Vec<_> = outcome.deletions().collect();
    /// assert_eq!(tables.len(), 2);
    /// assert!(tables.contains(&("items", 2)));
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    pub fn deletions(&self) -> impl Iterator<Item = (&str, u64)> {
        self.deleted.iter().map(|Deleted { table, rows, keys: _ }| (table.as_str(), *rows))
    }

    /// Returns each foreign key that can change, as `docs.reviewer`, with its action and the number
    /// of changed rows; also keys without any.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::{item, store}, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// let outcome = graph.delete_keys(store::Entity, [ikea.id]).execute(&db).await?;
    /// assert_eq!(outcome.updates().count(), 0);
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    pub fn updates(&self) -> impl Iterator<Item = (&str, Action, u64)> {
        self.updated.iter().map(|updated| (updated.foreign_key.as_str(), updated.action, updated.rows))
    }

    /// Returns the changed rows of each table: the sum of [`updates`](Self::updates) over its
    /// foreign keys. A row that was changed through two foreign keys counts twice.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::{item, store}, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// let outcome = graph.delete_keys(store::Entity, [ikea.id]).execute(&db).await?;
    /// assert_eq!(outcome.updates_by_table().count(), 0);
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
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

    /// Returns the primary keys of this entity's deleted rows in their Rust type: `i64`, or a tuple
    /// for a composite key. They are in the order in which the rows were deleted.
    ///
    /// It is empty unless they were requested with
    /// [`Deletion::keys_of`](crate::Deletion::keys_of). For key types that do not
    /// implement [`FromKey`], such as UUIDs, use [`key_values`](Self::key_values).
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    /// [`KeyMismatch`] if the database has a value that this type cannot hold.
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

    /// Returns the primary keys of this entity's deleted rows as they were read, in the order in
    /// which the rows were deleted. It is empty unless they were requested with
    /// [`Deletion::keys_of`](crate::Deletion::keys_of).
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::{item, store}, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// let outcome = graph.delete_keys(store::Entity, [ikea.id]).execute(&db).await?;
    /// assert!(outcome.key_values(item::Entity).is_empty());
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn key_values<E: EntityTrait>(&self, _entity: E) -> &[Key] {
        let table = label(&table_name::<E>());
        let mut found = self.deleted.iter().filter(|deleted| deleted.table == table);
        found.next().map_or(&[], |deleted| &deleted.keys)
    }

    /// Returns how many rows were deleted, in all tables.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::{item, store}, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// let outcome = graph.delete_keys(store::Entity, [ikea.id]).execute(&db).await?;
    /// assert_eq!(outcome.rows_deleted(), 3);
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn rows_deleted(&self) -> u64 {
        self.deleted.iter().map(|deleted| deleted.rows).sum()
    }

    /// Returns how many foreign keys were changed, in all tables. A row whose two foreign keys were
    /// set to NULL counts twice.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::{item, store}, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// let outcome = graph.delete_keys(store::Entity, [ikea.id]).execute(&db).await?;
    /// assert_eq!(outcome.foreign_keys_changed(), 0);
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn foreign_keys_changed(&self) -> u64 {
        self.updated.iter().map(|updated| updated.rows).sum()
    }

    /// Returns the rows deleted plus the foreign keys changed: the number that `at_most` limits.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::{item, store}, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// let outcome = graph.delete_keys(store::Entity, [ikea.id]).execute(&db).await?;
    /// assert_eq!(outcome.total(), 3);
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
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
