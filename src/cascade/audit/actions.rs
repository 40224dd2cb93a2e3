//! Takes the actions of a graph from the constraints of a database.
//!
//! I/O: it reads the catalogs as an audit does.

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::db::execution::Execution;
use crate::cascade::db::session::Connection;
use crate::cascade::declare::builder::GraphBuilder;
use crate::cascade::declare::declaration::{LiveAction, LiveConstraint};
use crate::cascade::declare::graph::Graph;
use crate::cascade::declare::schema::{ForeignKey, Schema, TableId};
use crate::cascade::error::Error;
use crate::cascade::live::catalog;
use crate::cascade::live::data::{Live, LiveKey, TableKind};
use crate::cascade::live::places::Places;
use crate::cascade::run::cancel::cancellable;
use crate::cascade::run::transaction::{Prepared, Request, Work};

impl GraphBuilder {
    /// Takes the action of every foreign key from the constraint that this database has for it:
    /// for programs whose migrations state the rules, and whose entities do not.
    ///
    /// Register the entities first. For each `belongs_to`, the action is the first of:
    ///
    /// 1. what [`on_delete`](Self::on_delete) states;
    /// 2. what the constraint in the database does;
    /// 3. what the entity declares, if it says `skip_fk` or one of the two tables is a view, so
    ///    that there is no constraint.
    ///
    /// [`build`](Self::build) refuses a key without a constraint, and one with several constraints
    /// that do different things. An action that a parent's `has_many` declares is not compared.
    ///
    /// MySQL and MariaDB do not distinguish RESTRICT from NO ACTION, and report RESTRICT for a
    /// constraint that states nothing. Both are read as NO ACTION there.
    ///
    /// The actions are read once, now. Build the graph at start-up, after the migrations. It costs
    /// as many statements as [`Graph::audit`], and reads no row of your tables.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{Action, Graph, entity::{item, store}};
    ///
    /// let builder = Graph::builder().entity(store::Entity).entity(item::Entity);
    /// let graph = builder.actions_from(&db).await?.build()?;
    /// assert_eq!(graph.rules().next().unwrap().action, Action::Cascade);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`BackendDisabled`](crate::ErrorKind::BackendDisabled),
    /// [`Forbidden`](crate::ErrorKind::Forbidden), [`Database`](crate::ErrorKind::Database).
    pub async fn actions_from<C: Connection>(mut self, db: &C) -> Result<Self, Error> {
        // Constraints that were read before are not compared with those of this database.
        self.overrides.live = None;
        let (graph, _) = self.clone().checked();
        self.overrides.live = Some(cancellable(&ReadActions { graph }, db).await?);
        Ok(self)
    }
}

/// Reads the constraints of a graph's keys.
#[derive(Debug, Clone)]
struct ReadActions {
    graph: Graph,
}

impl Work for ReadActions {
    type Output = Vec<LiveConstraint>;

    async fn work(&self, execution: Execution<'_>) -> Result<Vec<LiveConstraint>, Error> {
        let Execution { schema, dialect, session, .. } = execution;
        let live = catalog::read(session, dialect, schema).await?;
        Ok(constraints(schema, &live))
    }
}

impl Request for ReadActions {
    fn prepare(&self) -> Result<Prepared, Error> {
        let tables = self.graph.tables().count();
        let span = tracing::debug_span!(target: "sea_orm_cascade", "cascade.actions", tables);
        Ok(Prepared::reading(&self.graph, span))
    }
}

fn constraints(schema: &Schema, live: &Live) -> Vec<LiveConstraint> {
    let places = Places::of(schema, live);
    let is_view =
        |table: TableId| live.find(&schema.tables[table].name).is_some_and(|table| table.kind == TableKind::View);
    let of_key = |key: &ForeignKey| {
        let (child, parent) = (&schema.tables[key.child], &schema.tables[key.parent]);
        let mut found: Vec<&LiveKey> = live.keys.iter().filter(|live| places.answers(key, live)).collect();
        if !found.is_empty() {
            // The constraint of a part may contradict that of the whole table.
            found.extend(live.keys.iter().filter(|live| places.answers_in_part(key, live)));
        }
        let found = found.into_iter().map(|found| action(live, found));
        let of_view = (is_view(key.child) || is_view(key.parent)).then_some(LiveAction::OfView);
        let constraint = |action| LiveConstraint {
            child: child.name.clone(),
            parent: parent.name.clone(),
            columns: child.names(&key.child_columns).into_iter().zip(parent.names(&key.parent_columns)).collect(),
            action,
        };
        of_view.into_iter().chain(found).map(constraint).collect::<Vec<_>>()
    };
    schema.keys.iter().flat_map(of_key).collect()
}

fn action(live: &Live, key: &LiveKey) -> LiveAction {
    match key.on_delete {
        _ if key.sets_some => LiveAction::ChangesSome,
        Action::Restrict if live.dialect == Dialect::MySql => LiveAction::Known(Action::NoAction),
        action => LiveAction::Known(action),
    }
}
