//! What a builder says about relations, beside the entities.
//!
//! Pure.

use sea_orm::RelationTrait;
use sea_orm::sea_query::{Alias, IntoIden as _, SchemaName, TableName};

use crate::cascade::data::action::Action;
use crate::cascade::declare::builder::GraphBuilder;
use crate::cascade::declare::declaration::{Declaration, RelationName};
use crate::cascade::error::Fault;

impl GraphBuilder {
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
