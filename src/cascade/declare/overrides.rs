//! What a builder says about relations, beside the entities.
//!
//! Pure.

use sea_orm::RelationTrait;
use sea_orm::sea_query::{Alias, IntoIden as _, SchemaName, TableName};

use crate::cascade::data::action::Action;
use crate::cascade::data::name::{key_label, label, named};
use crate::cascade::declare::builder::{GraphBuilder, is_conditional, pairs};
use crate::cascade::declare::declaration::{
    Declaration, LiveAction, LiveConstraint, Overrides, Relation, RelationName,
};
use crate::cascade::error::Fault;

impl GraphBuilder {
    /// Lets deletes of this graph be recorded and undone
    /// ([`Deletion::undoable`](crate::Deletion::undoable)).
    ///
    /// Each registered table needs a record table beside it, and the database the table
    /// `cascade_receipts`. From now on [`Graph::audit`](crate::Graph::audit) reports those that are
    /// missing or behind, with the statements that create and widen them. Deletes that are not
    /// `undoable` stay as they are.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm::ConnectionTrait as _;
    /// use sea_orm_cascade::service;
    ///
    /// let graph = service::graph().with_undo().build()?;
    /// for statement in graph.audit().run(&db).await?.statements() {
    ///     db.execute_unprepared(statement).await?;
    /// }
    /// graph.audit().run(&db).await?.expect_clean()?;
    /// # Ok(()) }
    /// ```
    pub fn with_undo(mut self) -> Self {
        self.is_recorded = true;
        self
    }

    /// Accepts that a delete is recorded although a constraint of this table, which is no foreign
    /// key of the graph, lets the database delete or change rows of it: an undo does not bring
    /// those back.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::service;
    ///
    /// let graph = service::graph().with_undo().unrecorded("sessions").build()?;
    /// # let _ = graph;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn unrecorded(mut self, table: impl Into<String>) -> Self {
        self.unrecorded.push(table.into());
        self
    }

    /// Leaves out a relation that is no foreign key: one that exists for joins only, or that leads
    /// to columns which are not unique.
    ///
    /// The relation's `def()` is never called. So this also helps where two relations lead to each
    /// other and SeaORM's `def()` recurses until the stack overflows: leave out both. (The program
    /// then aborts in [`build`](Self::build) with `thread has overflowed its stack`.)
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Graph, entity::{item, store}};
    ///
    /// let graph = Graph::builder()
    ///     .entity(store::Entity)
    ///     .entity(item::Entity)
    ///     .without(item::Relation::Store)
    ///     .without(store::Relation::Item)
    ///     .build()?;
    /// assert_eq!(graph.rules().count(), 0);
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "a relation is a plain enum, as in SeaORM's own methods")]
    pub fn without<R: RelationTrait>(mut self, relation: R) -> Self {
        self.overrides.left_out.push(RelationName::of(&relation));
        self
    }

    /// States the action of a `belongs_to` relation, in place of its declared `on_delete`: for
    /// entities that a generator writes, and would overwrite.
    ///
    /// An action that the parent's `has_many` declares is not compared with it. The last statement
    /// about a relation counts.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Action, Graph, entity::{item, store}};
    ///
    /// let graph = Graph::builder()
    ///     .entity(store::Entity)
    ///     .entity(item::Entity)
    ///     .on_delete(item::Relation::Store, Action::Restrict)
    ///     .build()?;
    /// assert_eq!(graph.rules().next().unwrap().action, Action::Restrict);
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "a relation is a plain enum, as in SeaORM's own methods")]
    pub fn on_delete<R: RelationTrait>(mut self, relation: R, action: Action) -> Self {
        let relation = RelationName::of(&relation);
        self.overrides.actions.retain(|(known, _)| *known != relation);
        self.overrides.actions.push((relation, action));
        self
    }

    /// Leaves the rows of a table without an entity to the database, as
    /// [`leave_to_database`](Self::leave_to_database) does: `"table"` or `"schema.table"`.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{Graph, entity::{item, store}};
    ///
    /// let builder = Graph::builder().entity(store::Entity).entity(item::Entity);
    /// let graph = builder.leave_table_to_database("item_tags").build()?;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn leave_table_to_database(mut self, table: &str) -> Self {
        let (schema, name) = match table.split_once('.') {
            Some((schema, name)) => (Some(SchemaName(None, Alias::new(schema).into_iden())), name),
            None => (None, table),
        };
        self.left_to_database.push(TableName(schema, Alias::new(name).into_iden()));
        self
    }

    /// Refuses what is said about relations of entities that are not registered.
    pub(super) fn check_overrides(&self, declarations: &[Declaration], faults: &mut Vec<Fault>) {
        let stated = self.overrides.actions.iter().map(|(relation, _)| relation);
        for relation in self.overrides.left_out.iter().chain(stated) {
            if !declarations.iter().any(|declaration| relation.is_of(declaration)) {
                faults.push(Fault::RelationNotRegistered { relation: relation.label() });
            }
        }
    }
}

impl Overrides {
    /// Gives each `belongs_to` the action of its constraint in the database, unless the builder
    /// states one. With `skip_fk`, the entity says that there is no constraint: its own action then
    /// counts where none is found.
    pub(super) fn apply_live(&self, declarations: &mut [Declaration]) {
        let Some(live) = &self.live else { return };
        let tables: Vec<_> = declarations.iter().map(|declaration| declaration.name.clone()).collect();
        for Declaration { name: child, relations, .. } in declarations {
            let keys = relations.iter_mut().filter(|relation| {
                let is_registered = named(&relation.def.to_tbl).is_some_and(|parent| tables.contains(parent));
                !relation.def.is_owner && !relation.has_stated_action && is_registered && !is_conditional(&relation.def)
            });
            for relation in keys {
                let columns = pairs(relation.def.from_col.iter(), relation.def.to_col.iter());
                let is_its = |live: &&LiveConstraint| {
                    live.child == *child && Some(&live.parent) == named(&relation.def.to_tbl) && live.columns == columns
                };
                let mut actions = Vec::new();
                for LiveConstraint { action, .. } in live.iter().filter(is_its) {
                    if !actions.contains(action) {
                        actions.push(*action);
                    }
                }
                apply(child, relation, &actions);
            }
        }
    }
}

fn apply(child: &TableName, relation: &mut Relation, actions: &[LiveAction]) {
    let columns: Vec<String> = relation.def.from_col.iter().map(ToString::to_string).collect();
    let foreign_key = key_label(&label(child), &columns);
    let fault = match actions {
        [LiveAction::OfView] => return,
        [] if relation.def.skip_fk => return,
        [LiveAction::Known(action)] => {
            relation.def.on_delete = Some(action.declared());
            None
        }
        [] => Some(Fault::NoConstraint { foreign_key }),
        several if several.contains(&LiveAction::ChangesSome) => Some(Fault::ConstraintChangesSome { foreign_key }),
        several => {
            let action = |action: &LiveAction| match action {
                LiveAction::Known(action) => Some(*action),
                LiveAction::ChangesSome | LiveAction::OfView => None,
            };
            Some(Fault::ConstraintsDiffer { foreign_key, actions: several.iter().filter_map(action).collect() })
        }
    };
    relation.has_stated_action = true;
    relation.fault = fault;
}
