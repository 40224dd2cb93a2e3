//! What one entity declares: its table, columns, primary key and relations.
//!
//! Pure. This is the only file that reads SeaORM's entity traits; everything behind it works on the plain
//! data gathered here.

use std::any::TypeId;

use sea_orm::sea_query::extension::postgres::TypeCreateStatement;
use sea_orm::sea_query::{
    ColumnType, DynIden, Expr, IndexCreateStatement, IntoIden as _, TableCreateStatement, TableName,
};
use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, Iterable as _, PrimaryKeyToColumn as _, RelationDef, RelationTrait as _,
    Schema,
};

use crate::cascade::data::name::table_name;

/// One registered entity, read by type once.
#[derive(Debug, Clone)]
pub(crate) struct Declaration {
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
    pub(crate) name: TableName,
    pub(crate) columns: Vec<Column>,
    /// Positions in `columns`.
    pub(crate) primary_key: Vec<usize>,
    pub(crate) relations: Vec<(String, RelationDef)>,
    pub(crate) ddl: fn(DbBackend) -> TableDdl,
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
    pub(crate) fn of<E: EntityTrait>() -> Self {
        let columns: Vec<Column> = E::Column::iter().map(Column::of).collect();
        let primary_key =
            E::PrimaryKey::iter().filter_map(|key| position(&columns, &key.into_column().into_iden())).collect();
        Self {
            type_id: TypeId::of::<E>(),
            type_name: std::any::type_name::<E>(),
            name: table_name::<E>(),
            columns,
            primary_key,
            relations: E::Relation::iter().map(|relation| (relation.name(), relation.def())).collect(),
            ddl: TableDdl::of::<E>,
        }
    }
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
