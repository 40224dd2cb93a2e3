//! What a delete would do, for a person or a program to read.
//!
//! Pure. The row counts come from `find`; this file makes the tree and the paths of the blockers.

use std::fmt;

use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};

use crate::cascade::data::action::Action;
use crate::cascade::data::key::Key;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::tree::{Branch, write_tree};

/// What a delete would do now: which rows it deletes and changes, through which key and action, how
/// many, and which rows block it.
///
/// It prints as a tree and serialises. You can give it to
/// [`Deletion::expecting`](crate::Deletion::expecting), also after a round trip through
/// JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    pub(in crate::cascade) root: String,
    pub(in crate::cascade) roots: u64,
    /// Distinguishes these roots from the same number of other roots.
    pub(in crate::cascade) fingerprint: String,
    /// Where counting stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::cascade) counted_up_to: Option<u64>,
    pub(in crate::cascade) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cascade) orphans: Vec<Line>,
    pub(in crate::cascade) lines: Vec<Line>,
    pub(in crate::cascade) blockers: Vec<Blocker>,
}

/// One foreign key of a preview, and the rows that reference doomed rows through it.
///
/// A row may reference doomed rows through several keys, so lines overlap. The totals are in
/// [`Preview::outcome`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Line {
    /// The referenced table.
    pub parent: String,
    /// The referencing table.
    pub table: String,
    /// The key through which its rows reference the parent, as `items.store_id`.
    pub foreign_key: String,
    /// What happens to these rows.
    pub action: Action,
    /// How many rows reference doomed rows. For SET NULL, SET DEFAULT and NO ACTION, rows that are
    /// doomed themselves are not counted: the others are changed, or block the delete.
    pub rows: u64,
    /// Whether there may be more rows, because counting stopped
    /// ([`Deletion::counting_up_to`](crate::Deletion::counting_up_to)).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub or_more: bool,
}

/// Rows that must stay and reference doomed rows (rule R5). [`Preview::blockers`] has an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Blocker {
    /// The table of the blocking rows.
    pub table: String,
    /// The key through which they reference doomed rows, as `loans.item_id`.
    pub foreign_key: String,
    /// The action that forbids the delete.
    pub action: Action,
    /// How many rows block the delete.
    pub rows: u64,
    /// Whether there may be more rows, because counting stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub or_more: bool,
    /// The primary keys of the first blocking rows, in key order; at most
    /// [`Blocker::SAMPLE_KEYS_MAX`].
    pub sample_keys: Vec<Key>,
    /// The tables from the root down to the blocking rows.
    pub path: Vec<String>,
}

impl Blocker {
    /// How many sample keys a blocker has at most.
    pub const SAMPLE_KEYS_MAX: usize = 5;
}

impl Preview {
    /// Caps every number at `rows_max + 1`, which means more than `rows_max`.
    pub(crate) fn counted_at_most(mut self, rows_max: Option<u64>) -> Self {
        let Some(rows_max) = rows_max else { return self };
        let limit = rows_max.saturating_add(1);
        self.counted_up_to = Some(rows_max);
        self.outcome = self.outcome.at_most(limit);
        let lines = self.lines.iter_mut().map(|line| (&mut line.rows, &mut line.or_more));
        let blockers = self.blockers.iter_mut().map(|blocker| (&mut blocker.rows, &mut blocker.or_more));
        for (rows, or_more) in lines.chain(blockers) {
            (*rows, *or_more) = ((*rows).min(limit), *rows >= limit);
        }
        self
    }

    /// Returns where counting stopped; `None` if every row was counted. A larger number means that
    /// there are as many rows or more. See
    /// [`Deletion::counting_up_to`](crate::Deletion::counting_up_to).
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
    /// let preview = graph.delete_keys(store::Entity, [ikea.id]).preview(&db).await?;
    /// assert_eq!(preview.counted_up_to(), None);
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn counted_up_to(&self) -> Option<u64> {
        self.counted_up_to
    }

    /// Returns the table that holds the roots.
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
    /// let preview = graph.delete_keys(store::Entity, [ikea.id]).preview(&db).await?;
    /// assert_eq!(preview.root(), "stores");
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Returns the counts that [`execute`](crate::Deletion::execute) would return if
    /// nothing blocked it.
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
    /// let preview = graph.delete_keys(store::Entity, [ikea.id]).preview(&db).await?;
    /// assert_eq!(preview.outcome().rows_deleted(), 3);
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Returns how many rows of this entity would be deleted, roots included.
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
    /// let preview = graph.delete_keys(store::Entity, [ikea.id]).preview(&db).await?;
    /// assert_eq!(preview.deleted(item::Entity), 2);
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn deleted<E: EntityTrait>(&self, entity: E) -> u64 {
        self.outcome.deleted(entity)
    }

    /// Returns how many foreign keys of this entity's rows would be set to NULL or to their
    /// default.
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
    /// let preview = graph.delete_keys(store::Entity, [ikea.id]).preview(&db).await?;
    /// assert_eq!(preview.updated(item::Entity), 0);
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn updated<E: EntityTrait>(&self, entity: E) -> u64 {
        self.outcome.updated(entity)
    }

    /// Returns a line for every foreign key that the delete reaches, ordered by parent, parents
    /// first; also keys without rows.
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
    /// let preview = graph.delete_keys(store::Entity, [ikea.id]).preview(&db).await?;
    /// assert_eq!(preview.lines()[0].to_string(), "items.store_id CASCADE: 2 rows to delete");
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// For a [repair](crate::Repair), returns a line for every foreign key of the table:
    /// how many rows are orphans through it, and what happens to them.
    ///
    /// Orphans that are changed are counted without those that are deleted because of another key.
    /// NO ACTION and RESTRICT keep them. Empty for a delete.
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
    /// let preview = graph.delete_keys(store::Entity, [ikea.id]).preview(&db).await?;
    /// assert!(preview.orphans().is_empty());
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn orphans(&self) -> &[Line] {
        &self.orphans
    }

    /// Returns the rows that block the delete; if there are any,
    /// [`execute`](crate::Deletion::execute) refuses it.
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
    /// let preview = graph.delete_keys(store::Entity, [ikea.id]).preview(&db).await?;
    /// for blocker in preview.blockers() {
    ///     println!("{} rows of {}, such as {:?}", blocker.rows, blocker.table, blocker.sample_keys);
    /// }
    /// assert!(preview.blockers().is_empty());
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn blockers(&self) -> &[Blocker] {
        &self.blockers
    }

    /// Returns whether the delete would be refused because of blockers.
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
    /// let preview = graph.delete_keys(store::Entity, [ikea.id]).preview(&db).await?;
    /// assert!(!preview.is_blocked());
    /// # let _ = item::Entity;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        !self.blockers.is_empty()
    }

    /// The lines below a table, without those that have no rows.
    fn branches(&self, parent: &str) -> Vec<Branch> {
        let lines = self.lines.iter().filter(|line| line.parent == parent && line.rows > 0);
        let branch = |line: &Line| {
            let leads_on = line.action == Action::Cascade && line.table != line.parent;
            Branch { text: line.to_string(), below: leads_on.then(|| line.table.clone()) }
        };
        lines.map(branch).collect()
    }

    /// A row count in words.
    pub(crate) fn rows(&self, number: u64) -> String {
        rows(number, self.counted_up_to.is_some_and(|rows_max| number > rows_max))
    }

    /// A sum of row counts; "at least" if counting stopped for one of them.
    fn sum(&self, mut numbers: impl Iterator<Item = u64>, sum: u64) -> String {
        let is_more = self.counted_up_to.is_some_and(|rows_max| numbers.any(|number| number > rows_max));
        format!("{}{sum}", if is_more { "at least " } else { "" })
    }
}

impl fmt::Display for Preview {
    /// A tree of the foreign keys with rows, then the totals, then the blockers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} to delete", self.root, rows(self.roots, false))?;
        write_tree(f, &self.root, &mut Vec::new(), |parent| self.branches(parent))?;
        writeln!(f)?;
        for orphans in self.orphans.iter().filter(|orphans| orphans.rows > 0) {
            let Line { parent: _, table: _, foreign_key, action, rows: number, or_more } = orphans;
            let number = rows(*number, *or_more);
            match action {
                Action::Cascade => writeln!(f, "orphans by {foreign_key}: {number} to delete")?,
                Action::SetNull | Action::SetDefault => writeln!(f, "orphans by {foreign_key}: {number} to change")?,
                Action::NoAction | Action::Restrict => writeln!(
                    f,
                    "orphans by {foreign_key}: {number} unchanged, because {action} has no rule for orphans"
                )?,
            }
        }
        let sum = if self.is_blocked() { "without the blockers" } else { "total" };
        let deleted = self.sum(self.outcome.deletions().map(|(_, rows)| rows), self.outcome.rows_deleted());
        let changed = self.sum(self.outcome.updates().map(|(.., rows)| rows), self.outcome.foreign_keys_changed());
        let s = if self.outcome.rows_deleted() == 1 { "" } else { "s" };
        write!(f, "{sum}: {deleted} row{s} deleted, {changed} changed")?;
        for blocker in &self.blockers {
            write!(f, "\nblocked: {blocker}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parent: _, table: _, foreign_key, action, rows: number, or_more } = self;
        let fate = match action {
            Action::Cascade => "to delete",
            Action::SetNull | Action::SetDefault => "to change",
            Action::NoAction | Action::Restrict => "blocking",
        };
        write!(f, "{foreign_key} {action}: {} {fate}", rows(*number, *or_more))
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, foreign_key, action, rows: rows_blocking, or_more, sample_keys, path } = self;
        let number = rows(*rows_blocking, *or_more);
        match action {
            Action::SetDefault => {
                write!(
                    f,
                    "{number} of {table} would take the default of {foreign_key}, and no remaining row has that key"
                )?;
            }
            Action::Cascade | Action::SetNull | Action::NoAction | Action::Restrict => {
                let verb = if *rows_blocking == 1 && !or_more { "references" } else { "reference" };
                write!(f, "{number} of {table} {verb} it through {foreign_key} ({action})")?;
            }
        }
        let more = if sample_keys.len() == Self::SAMPLE_KEYS_MAX { ", .." } else { "" };
        let keys: Vec<String> = sample_keys.iter().map(ToString::to_string).collect();
        write!(f, ", keys {}{more}, path {}", keys.join(", "), path.join(" > "))
    }
}

/// A row count in words. `or_more` means that counting stopped, so the last row counted stands for
/// all others.
fn rows(number: u64, or_more: bool) -> String {
    let number = number - u64::from(or_more && number > 0);
    format!("{}{number} row{}", if or_more { "more than " } else { "" }, if number == 1 { "" } else { "s" })
}
