//! What one entity declares: its table, columns, primary key and relations.
//!
//! Pure. This is the only file that reads SeaORM's entity traits; everything behind it works on the
//! plain data gathered here.

use std::any::TypeId;
use std::collections::BTreeSet;

use sea_orm::sea_query::extension::postgres::TypeCreateStatement;
use sea_orm::sea_query::{
    ColumnType, DynIden, Expr, IndexCreateStatement, IntoIden as _, TableCreateStatement, TableName,
};
use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, Iterable as _, PrimaryKeyToColumn as _, RelationDef, RelationTrait, Schema,
};

use crate::cascade::data::action::Action;
use crate::cascade::data::name::table_name;
use crate::cascade::error::Fault;

/// One registered entity, read by type once.
#[derive(Debug, Clone)]
pub(crate) struct Declaration {
    pub(crate) type_id: TypeId,
    relation_type: TypeId,
    pub(crate) type_name: &'static str,
    pub(crate) name: TableName,
    pub(crate) columns: Vec<Column>,
    /// Positions in `columns`.
    pub(crate) primary_key: Vec<usize>,
    /// Sets of columns that are declared unique, beside the primary key.
    pub(crate) unique: Vec<Vec<usize>>,
    pub(crate) relations: Vec<Relation>,
    /// `None` if a relation is left out: SeaORM's own statement calls all of them.
    pub(crate) ddl: Option<fn(DbBackend) -> TableDdl>,
}

/// A relation of an entity.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub(crate) name: String,
    pub(crate) def: RelationDef,
    /// Whether its action does not come from the entity: the graph's builder states it, or a
    /// constraint of the database.
    pub(crate) has_stated_action: bool,
    /// Why the database does not say which action it has, although its constraints count.
    pub(crate) fault: Option<Fault>,
}

/// The entity of a request.
#[derive(Debug, Clone)]
pub(crate) struct EntityId {
    pub(crate) type_id: TypeId,
    pub(crate) name: TableName,
}

impl EntityId {
    pub(crate) fn of<E: EntityTrait>() -> Self {
        Self { type_id: TypeId::of::<E>(), name: table_name::<E>() }
    }
}

/// What the graph's builder says about relations, beside the entities: each by the type of the
/// entity's `Relation` and its variant's name, because SeaORM cannot compare relations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    pub(crate) left_out: Vec<RelationName>,
    pub(crate) actions: Vec<(RelationName, Action)>,
    /// The constraints of a database, if their actions count.
    pub(crate) live: Option<Vec<LiveConstraint>>,
}

/// A constraint that a database has for a declared foreign key.
#[derive(Debug, Clone)]
pub(crate) struct LiveConstraint {
    pub(crate) child: TableName,
    pub(crate) parent: TableName,
    /// The column pairs of child and parent.
    pub(crate) columns: BTreeSet<(String, String)>,
    pub(crate) action: LiveAction,
}

/// What a constraint does when its parent is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiveAction {
    Known(Action),
    /// PostgreSQL: `ON DELETE SET NULL (column)` changes some of the key's columns only.
    ChangesSome,
    /// A view has no constraints, so the declaration counts.
    OfView,
}

/// A variant of an entity's `Relation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelationName {
    of: TypeId,
    type_name: &'static str,
    variant: String,
}

impl RelationName {
    pub(crate) fn of<R: RelationTrait>(relation: &R) -> Self {
        Self { of: TypeId::of::<R>(), type_name: std::any::type_name::<R>(), variant: relation.name() }
    }

    /// Whether it is a relation of this entity.
    pub(crate) fn is_of(&self, declaration: &Declaration) -> bool {
        self.of == declaration.relation_type
    }

    pub(crate) fn label(&self) -> String {
        format!("{}::{}", self.type_name, self.variant)
    }
}

/// The statements by which SeaORM would make a table.
#[derive(Debug, Clone)]
pub(crate) struct TableDdl {
    /// The enums of PostgreSQL.
    pub(crate) types: Vec<TypeCreateStatement>,
    pub(crate) table: TableCreateStatement,
    pub(crate) indexes: Vec<IndexCreateStatement>,
}

/// One column as its entity declares it.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: DynIden,
    pub(crate) ty: ColumnType,
    pub(crate) nullable: bool,
    pub(crate) default: Option<Expr>,
}

impl Declaration {
    /// Reads the entity. `def` of a relation that is left out is never called: it may lead to an
    /// entity that leads back, which recurses until the stack overflows.
    pub(crate) fn of<E: EntityTrait>(overrides: &Overrides) -> Self {
        let columns: Vec<Column> = E::Column::iter().map(Column::of).collect();
        let primary_key =
            E::PrimaryKey::iter().filter_map(|key| position(&columns, &key.into_column().into_iden())).collect();
        let (mut relations, mut leaves_out) = (Vec::new(), false);
        for relation in E::Relation::iter() {
            let name = RelationName::of(&relation);
            if overrides.left_out.contains(&name) {
                leaves_out = true;
                continue;
            }
            let mut def = relation.def();
            let stated = overrides.actions.iter().find(|(of, _)| *of == name);
            if let Some((_, action)) = stated {
                def.on_delete = Some(action.declared());
            }
            relations.push(Relation { name: name.variant, def, has_stated_action: stated.is_some(), fault: None });
        }
        Self {
            type_id: TypeId::of::<E>(),
            relation_type: TypeId::of::<E::Relation>(),
            type_name: std::any::type_name::<E>(),
            name: table_name::<E>(),
            unique: unique::<E>(&columns),
            columns,
            primary_key,
            relations,
            ddl: (!leaves_out).then_some(TableDdl::of::<E>),
        }
    }
}

/// The sets of columns that an entity declares unique. They are the same for every backend.
fn unique<E: EntityTrait>(columns: &[Column]) -> Vec<Vec<usize>> {
    let schema = Schema::new(DbBackend::Sqlite);
    let is_unique = |column: &E::Column| schema.get_column_def::<E>(*column).get_column_spec().unique;
    let singles = E::Column::iter().enumerate().filter(|(_, column)| is_unique(column)).map(|(at, _)| vec![at]);
    let indexes = schema.create_index_from_entity(E::default());
    let sets = indexes.iter().filter(|index| index.is_unique_key()).map(|index| {
        let names = index.get_index_spec().get_column_names();
        (0..columns.len()).filter(|&at| names.contains(&columns[at].name.to_string())).collect()
    });
    singles.chain(sets).collect()
}

impl TableDdl {
    fn of<E: EntityTrait>(backend: DbBackend) -> Self {
        let schema = Schema::new(backend);
        Self {
            types: schema.create_enum_from_entity(E::default()),
            table: schema.create_table_from_entity(E::default()),
            indexes: schema.create_index_from_entity(E::default()),
        }
    }
}

impl Column {
    fn of(column: impl ColumnTrait) -> Self {
        let def = column.def();
        Self {
            name: column.into_iden(),
            ty: def.get_column_type().clone(),
            nullable: def.is_null(),
            default: def.get_column_default().cloned(),
        }
    }
}

/// The position of the column of that name.
pub(crate) fn position(columns: &[Column], name: &DynIden) -> Option<usize> {
    columns.iter().position(|column| column.name == *name)
}
