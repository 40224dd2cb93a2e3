//! Shows graphs, previews and plans to people: as a tree, as pictures, as sentences, as SQL.
//!
//! Pure. It shows the data that the engine works with, and decides nothing.

mod steps;

pub(crate) use steps::Explaining;

use std::fmt;

use sea_orm::DbBackend;

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::explanation::Explanation;
use crate::cascade::data::picture::{Arrow, Picture};
use crate::cascade::data::preview::Preview;
use crate::cascade::data::rule::Rule;
use crate::cascade::data::tree::{Branch, write_tree};
use crate::cascade::declare::graph::Graph;
use crate::cascade::declare::schema::{Schema, TableId};
use crate::cascade::deletion::Deletion;
use crate::cascade::error::Error;
use crate::cascade::plan::count::CountScope;

impl Graph {
    /// Returns the rule of every foreign key, as data that prints as a sentence, in the order of
    /// registration.
    ///
    /// # Example
    /// ```
    /// let graph = sea_orm_cascade::service::graph().build()?;
    /// let rules: Vec<String> = graph.rules().map(|rule| rule.to_string()).collect();
    /// assert_eq!(rules, ["when a row of stores is deleted, its items are deleted (items.store_id CASCADE)"]);
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn rules(&self) -> impl Iterator<Item = Rule> {
        let schema = self.schema();
        schema.keys.iter().map(|key| Rule {
            parent: schema.tables[key.parent].label.clone(),
            table: schema.tables[key.child].label.clone(),
            foreign_key: key.label.clone(),
            action: key.action,
        })
    }

    /// Returns the graph as a [Mermaid](https://mermaid.js.org) flowchart: the tables, and an arrow
    /// from each table to the tables that reference it. Many forges show Mermaid in Markdown as a
    /// picture.
    ///
    /// The arrow shows the action: thick for CASCADE, dashed for SET NULL, dashed with a circle for
    /// SET DEFAULT, crossed for NO ACTION, thick and crossed for RESTRICT. Mermaid draws up to 500
    /// arrows.
    ///
    /// # Example
    /// ```
    /// let graph = sea_orm_cascade::service::graph().build()?;
    /// let picture = "flowchart TD\n    t0[\"stores\"]\n    t1[\"items\"]\n    t0 ==>|\"store_id CASCADE\"| t1\n";
    /// assert_eq!(graph.to_mermaid(), picture);
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        self.picture().mermaid()
    }

    /// Returns the graph in the DOT language of [Graphviz](https://graphviz.org), for `dot -Tsvg`.
    ///
    /// # Example
    /// ```
    /// let graph = sea_orm_cascade::service::graph().build()?;
    /// assert!(graph.to_dot().contains("t0 -> t1 [label=\"store_id\\nCASCADE\""));
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    #[must_use]
    pub fn to_dot(&self) -> String {
        self.picture().dot()
    }

    fn picture(&self) -> Picture {
        let mut picture = Picture::default();
        for table in self.tables() {
            picture.add_box(table, None, false);
        }
        for Rule { parent, table, foreign_key, action } in self.rules() {
            picture.add_arrow(&parent, &table, Arrow::of(&table, &foreign_key, action));
        }
        picture
    }
}

impl Deletion {
    /// Returns what [`execute`](Self::execute) does on this database, step by step and with its
    /// SQL, as `EXPLAIN` shows a query. It does not use a database.
    ///
    /// Each step is shown as if all tables had rows, and in two forms where that matters: with few
    /// rows in the tables above, and with many. A run decides for each table by its rows, so it may
    /// mix the two, and it leaves out what has no rows.
    ///
    /// It does not show:
    ///
    /// - what the first statement reads from the catalogs;
    /// - the checks that run only where a trigger or the like may keep rows;
    /// - how a ring of rows is deleted whose keys cannot be NULL;
    /// - that on MySQL and MariaDB, below more than 20,000 fetched rows, keys are read before they
    ///   are used.
    ///
    /// In batches, each batch does these steps for its rows.
    ///
    /// # Example
    /// ```
    /// use sea_orm::DbBackend;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let plan = service::graph().build()?.delete_keys(store::Entity, [1, 2]).explain(DbBackend::Sqlite)?;
    /// assert_eq!(plan.steps[1].purpose, "delete the items that reference rows to delete through items.store_id (CASCADE)");
    /// println!("{plan}");
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`NotRegistered`](crate::ErrorKind::NotRegistered), [`Select`](crate::ErrorKind::Select),
    /// [`KeyNotComparable`](crate::ErrorKind::KeyNotComparable),
    /// [`UnknownBackend`](crate::ErrorKind::UnknownBackend).
    pub fn explain(&self, backend: DbBackend) -> Result<Explanation, Error> {
        let explaining = Explaining {
            schema: self.graph.schema(),
            plan: &*self.planned()?,
            dialect: Dialect::known(backend)?,
            capture: &self.capture()?,
            roots: &self.roots,
            scope: CountScope::of_delete(self.at_most, self.expecting.as_deref()),
        };
        explaining.explain()
    }
}

impl fmt::Display for Graph {
    /// The tables and foreign keys as trees. A tree starts at a table that references no other, and
    /// shows `items.store_id CASCADE` below `stores`. What is below a table is shown once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.schema();
        let mut shown: Vec<String> = Vec::new();
        let mut is_first = true;
        for table in tops(schema) {
            let label = &schema.tables[table].label;
            if shown.contains(label) {
                continue;
            }
            if !std::mem::take(&mut is_first) {
                writeln!(f)?;
            }
            write!(f, "{label}")?;
            write_tree(f, label, &mut shown, |parent| branches(schema, parent))?;
        }
        Ok(())
    }
}

/// The tables at which trees start: those that reference no other table, then any that these do not
/// reach.
fn tops(schema: &Schema) -> impl Iterator<Item = TableId> {
    let refers = |&table: &TableId| schema.keys.iter().any(|key| key.child == table && key.parent != table);
    // A table without children is shown by its lines.
    let is_parent = |&table: &TableId| schema.keys_to(table).next().is_some();
    let tables = 0..schema.tables.len();
    let others = tables.clone().filter(move |table| refers(table) && is_parent(table));
    tables.filter(move |table| !refers(table)).chain(others)
}

fn branches(schema: &Schema, parent: &str) -> Vec<Branch> {
    let keys = schema.keys.iter().filter(|key| schema.tables[key.parent].label == parent);
    let branch = |key: &crate::cascade::declare::schema::ForeignKey| {
        let child = &schema.tables[key.child].label;
        let leads_on = key.action == Action::Cascade;
        Branch {
            text: format!("{} {}", key.label, key.action),
            below: (leads_on && child != parent).then(|| child.clone()),
        }
    };
    keys.map(branch).collect()
}

impl Preview {
    /// Returns the preview as a [Mermaid](https://mermaid.js.org) flowchart: the reached tables
    /// with the number of rows to delete, and an arrow for each foreign key with rows. Blocking
    /// tables are red.
    ///
    /// For a repair it also shows the keys through which rows are orphans. The arrows are those of
    /// [`Graph::to_mermaid`].
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// let preview = graph.delete_keys(store::Entity, [ikea.id]).preview(&db).await?;
    /// assert!(preview.to_mermaid().starts_with("flowchart TD"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        self.picture().mermaid()
    }

    /// Returns the preview in the DOT language of [Graphviz](https://graphviz.org), with the same
    /// content as [`to_mermaid`](Self::to_mermaid).
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// let preview = graph.delete_keys(store::Entity, [ikea.id]).preview(&db).await?;
    /// assert!(preview.to_dot().contains("stores"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn to_dot(&self) -> String {
        self.picture().dot()
    }

    fn picture(&self) -> Picture {
        let mut picture = Picture::default();
        let has_blockers = |table: &str| self.blockers().iter().any(|blocker| blocker.table == table);
        for (table, rows) in self.outcome().deletions().filter(|(_, rows)| *rows > 0) {
            picture.add_box(table, Some(format!("{} to delete", self.rows(rows))), has_blockers(table));
        }
        for line in self.lines().iter().filter(|line| line.rows > 0) {
            let is_blocked = has_blockers(&line.table);
            picture.add_box(&line.table, None, is_blocked);
            let mut arrow = Arrow::of(&line.table, &line.foreign_key, line.action);
            arrow.notes.extend((line.action != Action::Cascade).then(|| self.rows(line.rows)));
            picture.add_arrow(&line.parent, &line.table, arrow);
        }
        for orphans in self.orphans().iter().filter(|orphans| orphans.rows > 0) {
            picture.add_box(&orphans.table, None, has_blockers(&orphans.table));
            picture.add_box(&orphans.parent, None, false);
            let mut arrow = Arrow::of(&orphans.table, &orphans.foreign_key, orphans.action);
            arrow.notes.push(format!("{} without it", self.rows(orphans.rows)));
            picture.add_arrow(&orphans.parent, &orphans.table, arrow);
        }
        picture
    }
}
