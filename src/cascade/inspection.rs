//! A graph with faults, which can be audited and drawn, and never delete.
//!
//! Pure, but for its audit.

use std::fmt;

use crate::cascade::audit::AuditRequest;
use crate::cascade::data::rule::Rule;
use crate::cascade::declare::builder::GraphBuilder;
use crate::cascade::declare::graph::Graph;
use crate::cascade::error::Fault;

/// What can be read of declarations that may have faults, from [`GraphBuilder::inspect`].
///
/// It can be audited, drawn and printed. It cannot delete: for that, the declarations must pass
/// [`GraphBuilder::build`].
#[derive(Debug, Clone)]
pub struct Inspection {
    graph: Graph,
    faults: Vec<Fault>,
}

impl GraphBuilder {
    /// Reads the declarations as [`build`](Self::build) does, and returns what it can read of them
    /// together with the faults.
    ///
    /// Use it to audit and draw a large schema before every declaration is right. A key with a
    /// fault in its relation or in the types of its columns is left out of it.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Graph, entity::store};
    ///
    /// // The has_many of stores leads to items, which is not registered.
    /// let inspection = Graph::builder().entity(store::Entity).inspect();
    /// assert_eq!(inspection.faults().len(), 1);
    /// assert_eq!(inspection.to_string(), "stores");
    /// ```
    #[must_use]
    pub fn inspect(self) -> Inspection {
        let (graph, faults) = self.checked();
        Inspection { graph, faults }
    }
}

impl Inspection {
    /// Returns every fault for which [`GraphBuilder::build`] refuses the declarations. Each prints
    /// as a sentence.
    ///
    /// # Example
    /// ```
    /// let inspection = sea_orm_cascade::service::graph().inspect();
    /// assert!(inspection.faults().is_empty());
    /// ```
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Returns the registered tables, as [`Graph::tables`] does.
    ///
    /// # Example
    /// ```
    /// let inspection = sea_orm_cascade::service::graph().inspect();
    /// assert_eq!(inspection.tables().collect::<Vec<_>>(), ["stores", "items"]);
    /// ```
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.graph.tables()
    }

    /// Returns the rules of the foreign keys that can be read, as [`Graph::rules`] does.
    ///
    /// # Example
    /// ```
    /// let inspection = sea_orm_cascade::service::graph().inspect();
    /// assert_eq!(inspection.rules().count(), 1);
    /// ```
    pub fn rules(&self) -> impl Iterator<Item = Rule> {
        self.graph.rules()
    }

    /// Returns a request to audit a database, as [`Graph::audit`] does. A key that was left out is
    /// reported as an undeclared reference, if the database has a constraint for it.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// let audit = sea_orm_cascade::service::graph().inspect().audit().run(&db).await?;
    /// assert!(audit.is_clean());
    /// # Ok(()) }
    /// ```
    pub fn audit(&self) -> AuditRequest {
        self.graph.audit()
    }

    /// Returns a Mermaid flowchart, as [`Graph::to_mermaid`] does.
    ///
    /// # Example
    /// ```
    /// let inspection = sea_orm_cascade::service::graph().inspect();
    /// assert!(inspection.to_mermaid().starts_with("flowchart TD"));
    /// ```
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        self.graph.to_mermaid()
    }

    /// Returns a picture for Graphviz, as [`Graph::to_dot`] does.
    ///
    /// # Example
    /// ```
    /// let inspection = sea_orm_cascade::service::graph().inspect();
    /// assert!(inspection.to_dot().contains("stores"));
    /// ```
    #[must_use]
    pub fn to_dot(&self) -> String {
        self.graph.to_dot()
    }
}

impl fmt::Display for Inspection {
    /// The tables and the foreign keys that can be read, as [`Graph`] prints them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.graph.fmt(f)
    }
}
