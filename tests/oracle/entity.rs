//! SeaORM entities whose columns and relations are those of the shape that this thread is at.

use std::cell::RefCell;

use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{ForeignKeyAction, IntoIden as _, StringLen};
use sea_orm::{
    ColumnDef, ColumnTrait, ColumnType, ColumnTypeTrait as _, EntityTrait, Identity, RelationDef, RelationType,
};
use sea_orm_cascade::Action;

use super::shape::{COLUMNS, ID, Key, Numbers, PART, Shape, TEXTS, Texts, U, is_text, primary_key};
use crate::support::{Table, Tables};

thread_local! {
    static SHAPE: RefCell<Shape> = RefCell::default();
}

/// The entities have this shape from now on, on this thread.
pub(crate) fn set(shape: &Shape) {
    SHAPE.replace(shape.clone());
}

pub(crate) fn tables(shape: &Shape) -> Tables {
    let all = [
        Table::of(t0::Entity),
        Table::of(t1::Entity),
        Table::of(t2::Entity),
        Table::of(t3::Entity),
        Table::of(t4::Entity),
        Table::of(t5::Entity),
    ];
    Tables(all.into_iter().take(shape.tables()).collect())
}

fn definition(table: usize, column: usize) -> ColumnDef {
    SHAPE.with_borrow(|shape| {
        let ty = match (is_text(table, column), shape.texts, shape.numbers) {
            (true, Texts::Varchar, _) => ColumnType::String(StringLen::N(20)),
            (true, Texts::Char, _) => ColumnType::Char(Some(20)),
            (true, Texts::Blind(name), _) => ColumnType::Custom(name.into_iden()),
            (true, Texts::Uuid, _) => ColumnType::Uuid,
            (false, _, Numbers::BigInt) => ColumnType::BigInteger,
            (false, _, Numbers::Int) => ColumnType::Integer,
            (false, _, Numbers::Unsigned) => ColumnType::BigUnsigned,
            (false, _, Numbers::Decimal) => ColumnType::Decimal(Some((16, 2))),
        };
        let definition = ty.def();
        if column == U {
            let definition = definition.nullable();
            return if shape.repeating.contains(&table) { definition } else { definition.unique() };
        }
        let Some(key) = shape.key_of(table, column) else {
            let is_stated = column == ID || column == PART;
            return if is_stated { definition } else { definition.nullable() };
        };
        let at = key.columns.iter().position(|&other| other == column).expect("a column of the key");
        let definition = if key.nullable { definition.nullable() } else { definition };
        match key.defaults[at] {
            Some(number) if is_text(table, column) => definition.default(text(shape.texts, column, number)),
            Some(number) => definition.default(number),
            None => definition,
        }
    })
}

/// The text that a number stands for in a column.
pub(crate) fn text(texts: Texts, column: usize, number: i64) -> String {
    match texts {
        Texts::Uuid => uuid(number).to_string(),
        Texts::Blind(_) if TEXTS.contains(&column) => format!("K{number}"),
        Texts::Varchar | Texts::Char | Texts::Blind(_) => format!("k{number}"),
    }
}

/// The UUID that a number stands for.
pub(crate) fn uuid(number: i64) -> Uuid {
    Uuid::from_u128(0x1234_5678_9abc_4def_8000_0000_0000_0000 | u128::from(number.unsigned_abs()))
}

fn relations(table: usize) -> Vec<usize> {
    SHAPE.with_borrow(|shape| (0..shape.keys.len()).filter(|&key| shape.keys[key].child == table).collect())
}

fn relation(key: usize) -> RelationDef {
    let (key, skip_fk) = SHAPE.with_borrow(|shape| (shape.keys[key].clone(), shape.unconstrained.contains(&key)));
    macro_rules! to {
        ($($module:ident)*) => {
            match key.parent {
                $(parent if parent == $module::TABLE => belongs_to::<$module::Entity>(&key),)*
                parent => unreachable!("{parent}"),
            }
        };
    }
    macro_rules! from {
        ($($module:ident)*) => {
            match key.child {
                $(child if child == $module::TABLE => {
                    let mut relation = to!(t0 t1 t2 t3 t4 t5);
                    relation.from_tbl = sea_orm::EntityName::table_ref(&$module::Entity);
                    relation.skip_fk = skip_fk;
                    relation
                })*
                child => unreachable!("{child}"),
            }
        };
    }
    from!(t0 t1 t2 t3 t4 t5)
}

/// As a `belongs_to` gives it, but for the table that it is of.
fn belongs_to<E: EntityTrait>(key: &Key) -> RelationDef {
    let table = sea_orm::EntityName::table_ref(&E::default());
    RelationDef {
        rel_type: RelationType::HasOne,
        from_tbl: table.clone(),
        to_tbl: table,
        from_col: identity(&key.columns),
        to_col: identity(&key.to),
        is_owner: false,
        skip_fk: false,
        on_delete: Some(match key.action {
            Action::Cascade => ForeignKeyAction::Cascade,
            Action::SetNull => ForeignKeyAction::SetNull,
            Action::SetDefault => ForeignKeyAction::SetDefault,
            Action::NoAction => ForeignKeyAction::NoAction,
            Action::Restrict => ForeignKeyAction::Restrict,
        }),
        on_update: None,
        on_condition: None,
        fk_name: Some(format!("fk_t{}_{}", key.child, COLUMNS[key.columns[0]])),
        condition_type: sea_orm::sea_query::ConditionType::All,
    }
}

fn identity(columns: &[usize]) -> Identity {
    match *columns {
        [one] => Identity::Unary(COLUMNS[one].into_iden()),
        [one, two] => Identity::Binary(COLUMNS[one].into_iden(), COLUMNS[two].into_iden()),
        _ => unreachable!("a key has one column or two"),
    }
}

macro_rules! table {
    ($module:ident $table:literal $number:literal $key:ty) => {
        pub(crate) mod $module {
            use sea_orm::entity::prelude::*;

            pub(super) const TABLE: usize = $number;

            #[derive(Copy, Clone, Default, Debug, DeriveEntity)]
            pub struct Entity;

            impl EntityName for Entity {
                fn table_name(&self) -> &'static str {
                    $table
                }
            }

            /// Never read: the engine knows rows by their keys.
            #[derive(Clone, Debug, PartialEq, Eq, DeriveModel, DeriveActiveModel)]
            pub struct Model {
                pub id: i64,
                pub part: i64,
                pub u: i64,
                pub f0: i64,
                pub f1: i64,
                pub f2: i64,
                pub f3: i64,
                pub g0: i64,
                pub g1: i64,
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveColumn)]
            pub enum Column {
                Id,
                Part,
                U,
                F0,
                F1,
                F2,
                F3,
                G0,
                G1,
            }

            impl ColumnTrait for Column {
                type EntityName = Entity;

                fn def(&self) -> ColumnDef {
                    super::definition(TABLE, super::position(*self))
                }
            }

            #[derive(Copy, Clone, Debug)]
            pub enum PrimaryKey {
                Id,
                Part,
            }

            impl sea_orm::Iterable for PrimaryKey {
                type Iterator = std::vec::IntoIter<Self>;

                fn iter() -> Self::Iterator {
                    let both = [Self::Id, Self::Part].into_iter();
                    both.take(super::primary_key(TABLE).len()).collect::<Vec<_>>().into_iter()
                }
            }

            impl Iden for PrimaryKey {
                fn unquoted(&self) -> &str {
                    self.as_str()
                }
            }

            impl IdenStatic for PrimaryKey {
                fn as_str(&self) -> &'static str {
                    match self {
                        Self::Id => "id",
                        Self::Part => "part",
                    }
                }
            }

            impl PrimaryKeyTrait for PrimaryKey {
                type ValueType = $key;

                fn auto_increment() -> bool {
                    false
                }
            }

            impl sea_orm::PrimaryKeyToColumn for PrimaryKey {
                type Column = Column;

                fn into_column(self) -> Column {
                    match self {
                        Self::Id => Column::Id,
                        Self::Part => Column::Part,
                    }
                }

                fn from_column(column: Column) -> Option<Self> {
                    match column {
                        Column::Id => Some(Self::Id),
                        Column::Part => Some(Self::Part),
                        _ => None,
                    }
                }
            }

            /// A key of the shape.
            #[derive(Copy, Clone, Debug)]
            pub struct Relation(usize);

            impl sea_orm::Iterable for Relation {
                type Iterator = std::vec::IntoIter<Self>;

                fn iter() -> Self::Iterator {
                    super::relations(TABLE).into_iter().map(Self).collect::<Vec<_>>().into_iter()
                }
            }

            impl RelationTrait for Relation {
                fn def(&self) -> RelationDef {
                    super::relation(self.0)
                }

                fn name(&self) -> String {
                    format!("Key{}", self.0)
                }
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

fn position(column: impl ColumnTrait) -> usize {
    COLUMNS.iter().position(|name| *name == column.as_str()).expect("a column")
}

table!(t0 "t0" 0 i64);
table!(t1 "t1" 1 i64);
table!(t2 "t2" 2 (i64, i64));
table!(t3 "t3" 3 String);
table!(t4 "t4" 4 i64);
table!(t5 "t5" 5 (i64, i64));
