//! Collects entities, and runs every check that needs no database.
//!
//! Pure. [`GraphBuilder::build`] refuses what cannot work, so later code needs no `if` for it
//! (rules R1, R2, R3, R12).

use std::any::TypeId;
use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::sea_query::{ColumnType, ConditionType, TableName};
use sea_orm::{ActiveModelBehavior, DynIden, EntityTrait, Identity, IntoActiveModel, RelationDef};

use crate::cascade::data::action::Action;
use crate::cascade::data::memo::Memo;
use crate::cascade::data::name::{key_label, label, named, table_name};
use crate::cascade::declare::declaration::{Column, Declaration, Overrides, Relation, position};
use crate::cascade::declare::graph::Graph;
use crate::cascade::declare::hooks;
use crate::cascade::declare::hooks::Hooks;
use crate::cascade::declare::schema::{Constraint, ForeignKey, Schema, Table, TableId, cannot_change};
use crate::cascade::error::{Error, ErrorKind, Fault};

/// How many rows of a table a run keeps by key, unless a program says otherwise.
const KEYS_PER_TABLE: usize = 1_000;

impl Graph {
    /// Returns an empty builder.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::Graph;
    /// use sea_orm_cascade::entity::{item, store};
    ///
    /// let graph = Graph::builder().entity(store::Entity).entity(item::Entity).build()?;
    /// # let _ = graph;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn builder() -> GraphBuilder {
        GraphBuilder::default()
    }
}

/// Collects entities for a [`Graph`].
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct GraphBuilder {
    entities: Vec<Registered>,
    pub(in crate::cascade) overrides: Overrides,
    hooks: Vec<(TypeId, Arc<dyn Hooks>)>,
    keys_per_table: Option<usize>,
    pub(super) left_to_database: Vec<TableName>,
    pub(super) is_recorded: bool,
    pub(super) unrecorded: Vec<String>,
}

/// A registered entity. It is read when the graph is built.
#[derive(Debug, Clone)]
struct Registered {
    type_id: TypeId,
    declaration: fn(&Overrides) -> Declaration,
}

impl GraphBuilder {
    /// Registers an entity: its table, and every foreign key that its `belongs_to` relations
    /// declare to another registered table.
    ///
    /// The order of registration does not matter. Registering an entity twice is harmless.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::Graph;
    /// use sea_orm_cascade::entity::{item, store};
    ///
    /// let graph = Graph::builder().entity(item::Entity).entity(store::Entity).build()?;
    /// assert_eq!(graph.rules().count(), 1);
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn entity<E: EntityTrait>(mut self, _entity: E) -> Self {
        if !self.entities.iter().any(|known| known.type_id == TypeId::of::<E>()) {
            self.entities.push(Registered { type_id: TypeId::of::<E>(), declaration: Declaration::of::<E> });
        }
        self
    }

    /// Registers an entity and runs its own `before_delete` and `after_delete`
    /// (`ActiveModelBehavior`) for every deleted row, whether it is a root or deleted by a cascade.
    ///
    /// The hooks run in the transaction of the delete, children before parents. For each chunk of
    /// at most 5,000 rows, all `before_delete` run, then the DELETE, then all `after_delete`. If a
    /// hook returns an error, the whole delete is refused with [`ErrorKind::Vetoed`] (in batches,
    /// committed batches stay committed).
    ///
    /// In the attempt that is committed, each row is seen once. If a delete fails transiently after
    /// a hook has run, it is not retried, unless
    /// [`Deletion::retry_with_hooks`](crate::Deletion::retry_with_hooks) says that hooks may run
    /// twice. Work that cannot be rolled back, such as removing a file, belongs after the commit:
    /// let the hook record it, and do it when [`execute`](crate::Deletion::execute) has returned.
    ///
    /// Only the rows of this table are read in full, one chunk at a time: two statements for a
    /// chunk. The rows of a ring that can only be deleted together are one chunk. A key that was
    /// set to NULL to break a ring is already NULL when a hook sees its row.
    ///
    /// If a statement of a hook fails, the hook should return that error: the database may have
    /// ended the transaction.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// mod page {
    ///     use sea_orm::entity::prelude::*;
    ///
    ///     #[sea_orm::model]
    ///     #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    ///     #[sea_orm(table_name = "pages")]
    ///     pub struct Model {
    ///         #[sea_orm(primary_key)]
    ///         pub id: i64,
    ///         pub is_protected: bool,
    ///     }
    ///
    ///     #[async_trait::async_trait]
    ///     impl ActiveModelBehavior for ActiveModel {
    ///         async fn before_delete<C: ConnectionTrait>(self, _: &C) -> Result<Self, DbErr> {
    ///             if self.is_protected.as_ref() == &true {
    ///                 return Err(DbErr::Custom("this page is protected".to_owned()));
    ///             }
    ///             Ok(self)
    ///         }
    ///     }
    /// }
    /// use sea_orm::ActiveValue::{NotSet, Set};
    /// use sea_orm::EntityTrait as _;
    /// use sea_orm_cascade::Graph;
    ///
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # db.get_schema_builder().register(page::Entity).sync(&db).await?;
    /// page::Entity::insert(page::ActiveModel { id: NotSet, is_protected: Set(true) }).exec(&db).await?;
    ///
    /// let graph = Graph::builder().entity_with_hooks(page::Entity).build()?;
    /// let error = graph.delete(page::Entity::find()).execute(&db).await.unwrap_err();
    /// assert!(error.is_vetoed());
    /// assert_eq!(error.to_string(), "a hook of pages refused the delete");
    /// # Ok(()) }
    /// ```
    pub fn entity_with_hooks<E>(mut self, entity: E) -> Self
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: ActiveModelBehavior + Send + 'static,
    {
        let id = TypeId::of::<E>();
        if !self.hooks.iter().any(|(of, _)| *of == id) {
            self.hooks.push((id, Arc::new(hooks::Of::<E>::entity())));
        }
        self.entity(entity)
    }

    /// Leaves this table to the database: a registered parent may have a `has_many` to it although
    /// it is not registered.
    ///
    /// Nothing is counted, previewed or refused for that table. Its foreign key in the database
    /// decides.
    ///
    /// You can also name a registered table. Its foreign keys then apply as declared. Its relations
    /// with a condition are ignored: they are not foreign keys and have no constraint (`kind =
    /// 'article'` for one of several parents). Their rows stay, and your program must delete them.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::Graph;
    /// use sea_orm_cascade::entity::{item, store};
    ///
    /// let graph = Graph::builder().entity(store::Entity).leave_to_database(item::Entity).build()?;
    /// assert_eq!(graph.tables().collect::<Vec<_>>(), ["stores"]);
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn leave_to_database<E: EntityTrait>(mut self, _child: E) -> Self {
        self.left_to_database.push(table_name::<E>());
        self
    }

    /// Sets for how many rows of one table a run keeps keys; 1,000 unless you set it.
    ///
    /// A table with at most so many rows to delete is found once. Its children are then found, and
    /// it is deleted, by lists of keys. A table with more rows is written by statements that find
    /// the rows in the database, so that its keys do not leave it. The result is the same. Lower it
    /// if keys are long and memory is short, for example to 100; with 0 only the keys of the roots
    /// and of tables in a cycle are kept.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::service;
    ///
    /// let graph = service::graph().keys_per_table(100).build()?;
    /// # let _ = graph;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn keys_per_table(mut self, rows: usize) -> Self {
        self.keys_per_table = Some(rows);
        self
    }

    /// Checks the declarations against each other and returns the graph.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::Graph;
    /// use sea_orm_cascade::entity::store;
    ///
    /// // The has_many of stores leads to items, which is not registered.
    /// let error = Graph::builder().entity(store::Entity).build().unwrap_err();
    /// assert!(error.to_string().contains("items"));
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with every [`Fault`] found, each naming its table and column.
    pub fn build(self) -> Result<Graph, Error> {
        let (graph, faults) = self.checked();
        if faults.is_empty() { Ok(graph) } else { Err(ErrorKind::Invalid(faults).into()) }
    }

    /// Returns the graph of the keys that can be read, and every fault.
    pub(in crate::cascade) fn checked(self) -> (Graph, Vec<Fault>) {
        let mut faults = Vec::new();
        let mut declarations = self.one_per_table(&mut faults);
        self.overrides.apply_live(&mut declarations);
        let (mut keys, mut stated, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        for (child, declaration) in declarations.iter().enumerate() {
            for relation in foreign_keys(declaration) {
                // A relation with a condition is no foreign key.
                let is_left = is_conditional(&relation.def) && self.left_to_database.contains(&declaration.name);
                if is_left {
                    continue;
                }
                let before = faults.len();
                if let Some(key) = resolve(&declarations, child, relation, &mut faults) {
                    faults.extend(relation.fault.clone());
                    if relation.has_stated_action {
                        stated.push(key.label.clone());
                    }
                    add(&declarations, &mut keys, key, &mut faults);
                } else if faults.len() > before {
                    wrong.push((child, named(&relation.def.to_tbl).cloned()));
                }
            }
        }
        self.check_overrides(&declarations, &mut faults);
        let known = Known { keys: &keys, stated: &stated, wrong: &wrong };
        self.check_parents(&declarations, &known, &mut faults);
        let tables = with_identity(declarations, &keys, &self.hooks);
        check_keys(&tables, &keys, &mut faults);
        if !faults.is_empty() {
            keys.retain(|key| can_be_read(&tables, key));
        }
        let keys_per_table = self.keys_per_table.unwrap_or(KEYS_PER_TABLE);
        let left_to_database = self.left_to_database;
        let (is_recorded, unrecorded) = (self.is_recorded, self.unrecorded);
        let memo = Memo::default();
        let schema = Schema { tables, keys, keys_per_table, memo, left_to_database, is_recorded, unrecorded };
        (Graph { schema: Arc::new(schema) }, faults)
    }

    /// R2: refuses a second entity on the same table.
    fn one_per_table(&self, faults: &mut Vec<Fault>) -> Vec<Declaration> {
        let mut kept: Vec<Declaration> = Vec::new();
        for declaration in self.entities.iter().map(|entity| (entity.declaration)(&self.overrides)) {
            if let Some(first) = kept.iter().find(|first| first.name == declaration.name) {
                faults.push(Fault::TableRegisteredTwice {
                    table: label(&declaration.name),
                    first: first.type_name,
                    second: declaration.type_name,
                });
                continue;
            }
            if declaration.primary_key.is_empty() {
                faults.push(Fault::NoPrimaryKey { table: label(&declaration.name) });
            }
            kept.push(declaration);
        }
        kept
    }

    /// R2: refuses a `has_many` or `has_one` to a table that is neither registered nor left to the
    /// database, and one without a `belongs_to` on the child. R1: an action declared there must
    /// agree.
    fn check_parents(&self, declarations: &[Declaration], known: &Known<'_>, faults: &mut Vec<Fault>) {
        for (parent, declaration) in declarations.iter().enumerate() {
            for Relation { name, def: relation, .. } in children(declaration) {
                let Some(child_name) = named(&relation.to_tbl) else { continue };
                let found = declarations.iter().position(|other| other.name == *child_name);
                let parent_label = label(&declaration.name);
                let Some(child) = found else {
                    if !self.left_to_database.contains(child_name) {
                        let child = label(child_name);
                        faults.push(Fault::UnregisteredChild { parent: parent_label, relation: name.clone(), child });
                    }
                    continue;
                };
                let declared = pairs(relation.to_col.iter(), relation.from_col.iter());
                let answer = known.keys.iter().find(|key| {
                    let from = names(&declarations[child], &key.child_columns);
                    let to = names(declaration, &key.parent_columns);
                    key.parent == parent && key.child == child && pairs(from, to) == declared
                });
                let is_left = self.left_to_database.contains(child_name);
                let Some(answer) = answer else {
                    if is_conditional(relation) {
                        // A `belongs_to` would delete more rows than the relation shows, so it is
                        // not advised.
                        let fault = Fault::ConditionalRelation {
                            table: parent_label,
                            relation: name.clone(),
                            child: label(child_name),
                        };
                        faults.extend((!is_left).then_some(fault));
                        continue;
                    }
                    let is_wrong = |(of, to): &(TableId, Option<TableName>)| {
                        *of == child && to.as_ref() == Some(&declaration.name)
                    };
                    if known.wrong.iter().any(is_wrong) {
                        // The `belongs_to` exists and has its own fault.
                        continue;
                    }
                    faults.push(Fault::NoBelongsTo {
                        parent: parent_label,
                        relation: name.clone(),
                        child: label(child_name),
                    });
                    continue;
                };
                let stated = Action::of(relation.on_delete.as_ref());
                let is_overridden = known.stated.contains(&answer.label);
                if relation.on_delete.is_some() && stated != Some(answer.action) && !is_overridden {
                    faults.push(Fault::ActionsDiffer {
                        foreign_key: answer.label.clone(),
                        first: answer.action,
                        second: stated,
                    });
                }
            }
        }
    }
}

/// The keys, for the check of the parents' relations.
struct Known<'a> {
    keys: &'a [ForeignKey],
    /// The labels of those whose action does not come from the entity.
    stated: &'a [String],
    /// The children and parents of `belongs_to` relations with a fault.
    wrong: &'a [(TableId, Option<TableName>)],
}

/// R1: returns the relations whose table holds the foreign key (`is_owner` says the opposite of its
/// name).
fn foreign_keys(declaration: &Declaration) -> impl Iterator<Item = &Relation> {
    declaration.relations.iter().filter(|relation| !relation.def.is_owner)
}

fn children(declaration: &Declaration) -> impl Iterator<Item = &Relation> {
    declaration.relations.iter().filter(|relation| relation.def.is_owner)
}

fn names<'a>(declaration: &'a Declaration, columns: &'a [usize]) -> impl Iterator<Item = &'a DynIden> {
    columns.iter().map(|&column| &declaration.columns[column].name)
}

/// Whether a relation has a condition, so it is not a plain foreign key.
pub(super) fn is_conditional(relation: &RelationDef) -> bool {
    relation.on_condition.is_some() || relation.condition_type == ConditionType::Any
}

/// Returns the column pairs of child and parent as a set: their order in the declaration has no
/// meaning.
pub(super) fn pairs<'a>(
    from: impl Iterator<Item = &'a DynIden>,
    to: impl Iterator<Item = &'a DynIden>,
) -> BTreeSet<(String, String)> {
    from.zip(to).map(|(from, to)| (from.to_string(), to.to_string())).collect()
}

/// Returns the foreign key that a `belongs_to` declares; `None` if its parent is not registered or
/// it has a fault.
fn resolve(
    declarations: &[Declaration],
    child: TableId,
    Relation { name, def: relation, .. }: &Relation,
    faults: &mut Vec<Fault>,
) -> Option<ForeignKey> {
    let declaration = &declarations[child];
    let parent_name = named(&relation.to_tbl)?;
    let parent = declarations.iter().position(|other| other.name == *parent_name)?;
    let table = label(&declaration.name);
    let relation_name = name.clone();
    if is_conditional(relation) {
        faults.push(Fault::ConditionalRelation { child: table.clone(), table, relation: relation_name });
        return None;
    }
    let Some(action) = Action::of(relation.on_delete.as_ref()) else {
        faults.push(Fault::UnknownAction { table, relation: relation_name });
        return None;
    };
    let child_columns = columns(declaration, &relation.from_col, faults)?;
    let parent_columns = columns(&declarations[parent], &relation.to_col, faults)?;
    if child_columns.len() != parent_columns.len() {
        faults.push(Fault::ColumnCountDiffers { table, relation: relation_name });
        return None;
    }
    let label = key_label(&table, &names(declaration, &child_columns).map(ToString::to_string).collect::<Vec<_>>());
    let parent_declaration = &declarations[parent];
    let alike =
        |(&from, &to): (&usize, &usize)| alike(&declaration.columns[from].ty, &parent_declaration.columns[to].ty);
    if !child_columns.iter().zip(&parent_columns).all(alike) {
        faults.push(Fault::KeyTypesDiffer { foreign_key: label, parent: self::label(&parent_declaration.name) });
        return None;
    }
    if !is_unique(parent_declaration, &parent_columns) {
        let columns = names(parent_declaration, &parent_columns).map(ToString::to_string).collect();
        let parent = self::label(&parent_declaration.name);
        faults.push(Fault::ParentNotUnique { table, relation: relation_name, parent, columns });
        return None;
    }
    let constraint = constraint(declaration, &child_columns, relation);
    Some(ForeignKey { label, child, child_columns, parent, parent_columns, action, constraint })
}

/// Whether these columns identify a row: they contain the primary key or a unique set.
fn is_unique(declaration: &Declaration, columns: &[usize]) -> bool {
    let mut sets = declaration.unique.iter().chain([&declaration.primary_key]);
    sets.any(|set| set.iter().all(|column| columns.contains(column)))
}

/// Returns the constraint as SeaORM would create it. This crate does not use its ON UPDATE, so an
/// unknown one is read as NO ACTION.
fn constraint(declaration: &Declaration, columns: &[usize], relation: &RelationDef) -> Option<Constraint> {
    if relation.skip_fk {
        return None;
    }
    let columns: Vec<String> = names(declaration, columns).map(ToString::to_string).collect();
    let by_seaorm = || format!("fk-{}-{}", declaration.name.1, columns.join("-"));
    let on_update = Action::of(relation.on_update.as_ref()).unwrap_or(Action::NoAction);
    Some(Constraint { name: relation.fk_name.clone().unwrap_or_else(by_seaorm), on_update })
}

fn columns(declaration: &Declaration, identity: &Identity, faults: &mut Vec<Fault>) -> Option<Vec<usize>> {
    let mut found = Vec::with_capacity(identity.arity());
    for name in identity.iter() {
        match position(&declaration.columns, name) {
            Some(column) => found.push(column),
            None => faults.push(Fault::UnknownColumn { table: label(&declaration.name), column: name.to_string() }),
        }
    }
    (found.len() == identity.arity()).then_some(found)
}

/// R2: two keys over the same columns to the same parent must agree; they are then one key.
fn add(declarations: &[Declaration], keys: &mut Vec<ForeignKey>, mut key: ForeignKey, faults: &mut Vec<Fault>) {
    let columns = |key: &ForeignKey| {
        let from = names(&declarations[key.child], &key.child_columns);
        pairs(from, names(&declarations[key.parent], &key.parent_columns))
    };
    let same_ends = |other: &&ForeignKey| other.child == key.child && other.parent == key.parent;
    if let Some(same) = keys.iter().position(|other| same_ends(&other) && columns(other) == columns(&key)) {
        let same = &mut keys[same];
        // One of them may say `skip_fk`.
        same.constraint = same.constraint.take().or(key.constraint);
        if same.action != key.action {
            faults.push(Fault::ActionsDiffer {
                foreign_key: same.label.clone(),
                first: same.action,
                second: Some(key.action),
            });
        }
        return;
    }
    if keys.iter().any(|other| other.label == key.label) {
        // The same columns reference another parent: the label names the parent too.
        key.label = format!("{} -> {}", key.label, label(&declarations[key.parent].name));
    }
    keys.push(key);
}

fn with_identity(
    declarations: Vec<Declaration>,
    keys: &[ForeignKey],
    hooks: &[(TypeId, Arc<dyn Hooks>)],
) -> Vec<Table> {
    let tables = declarations.into_iter().enumerate();
    let table = |(id, declaration): (TableId, Declaration)| {
        let mut identity = declaration.primary_key.clone();
        for key in keys.iter().filter(|key| key.parent == id) {
            for &column in &key.parent_columns {
                if !identity.contains(&column) {
                    identity.push(column);
                }
            }
        }
        let hooks = hooks.iter().find(|(of, _)| *of == declaration.type_id).map(|(_, hooks)| hooks.clone());
        Table {
            type_id: declaration.type_id,
            hooks,
            label: label(&declaration.name),
            name: declaration.name,
            columns: declaration.columns,
            primary_key: declaration.primary_key,
            identity,
            ddl: declaration.ddl,
        }
    };
    tables.map(table).collect()
}

/// R3 and R12: checks that the columns of each key can take its action.
fn check_keys(tables: &[Table], keys: &[ForeignKey], faults: &mut Vec<Fault>) {
    for table in tables {
        for &column in &table.identity {
            let Column { name, ty, .. } = &table.columns[column];
            if !comparable(ty) {
                let (table, column) = (table.label.clone(), name.to_string());
                faults.push(Fault::KeyNotComparable { table, column });
            }
        }
    }
    for (id, key) in keys.iter().enumerate() {
        if key.action.changes_key() {
            let Table { label, columns, .. } = &tables[key.child];
            faults.extend(cannot_change(tables, keys, id, key.action).map(|(column, reason)| Fault::KeyCannotChange {
                table: label.clone(),
                column: columns[column].name.to_string(),
                action: key.action,
                reason,
            }));
        }
    }
}

/// Whether statements can compare the columns of a key, and name the rows that have it.
fn can_be_read(tables: &[Table], key: &ForeignKey) -> bool {
    let (child, parent) = (&tables[key.child], &tables[key.parent]);
    let is_comparable =
        |table: &Table, columns: &[usize]| columns.iter().all(|&column| comparable(&table.columns[column].ty));
    !child.primary_key.is_empty()
        && is_comparable(child, &child.identity)
        && is_comparable(child, &key.child_columns)
        && is_comparable(parent, &key.parent_columns)
}

/// R12: types without a reliable equality are refused as keys.
fn comparable(ty: &ColumnType) -> bool {
    !matches!(
        ty,
        ColumnType::Float
            | ColumnType::Double
            | ColumnType::Json
            | ColumnType::JsonBinary
            | ColumnType::Array(_)
            | ColumnType::Vector(_)
            | ColumnType::Interval(..)
    )
}

/// Whether every database compares the two types in the same way. If one is a number and the other
/// a text, some databases read the text as a number.
fn alike(one: &ColumnType, other: &ColumnType) -> bool {
    #[derive(PartialEq)]
    enum Family {
        Integer,
        Text,
        Bytes,
        Other(std::mem::Discriminant<ColumnType>),
    }
    let family = |ty: &ColumnType| match ty {
        ColumnType::TinyInteger
        | ColumnType::SmallInteger
        | ColumnType::Integer
        | ColumnType::BigInteger
        | ColumnType::TinyUnsigned
        | ColumnType::SmallUnsigned
        | ColumnType::Unsigned
        | ColumnType::BigUnsigned => Family::Integer,
        ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text | ColumnType::Enum { .. } => Family::Text,
        ColumnType::Binary(_) | ColumnType::VarBinary(_) | ColumnType::Blob => Family::Bytes,
        other => Family::Other(std::mem::discriminant(other)),
    };
    let custom = |ty: &ColumnType| matches!(ty, ColumnType::Custom(_));
    custom(one) || custom(other) || family(one) == family(other)
}
