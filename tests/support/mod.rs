//! What every test stands on: a fresh database of each kind whose URL is set, and a scenario as a
//! table.

mod around;
mod case;
mod database;
mod log;
mod tables;
mod trace;

pub(crate) use case::{By, Case};
pub(crate) use database::{Kind, Server, TestDb};
pub(crate) use log::Log;
pub(crate) use tables::{Constraints, Table, Tables};
pub(crate) use trace::{listened, traced};

use std::future::Future;
use std::pin::Pin;

/// One test, run on every database.
#[derive(Clone, Copy)]
pub(crate) struct Test {
    pub(crate) name: &'static str,
    pub(crate) run: fn(TestDb) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Lists the tests of a module. One that is left out is dead code, which the build refuses.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub(crate) fn all() -> Vec<$crate::support::Test> {
            vec![$($crate::support::Test {
                name: concat!(module_path!(), "::", stringify!($name)),
                run: |db| Box::pin($name(db)),
            }),*]
        }
    };
}

/// A compact entity with an `id`, more columns with their attributes, and `belongs_to` relations as
/// `Name = "parent::Entity", "Column::Key", "parent::Column::Id", "Action"`.
#[macro_export]
macro_rules! entity {
    ($module:ident $table:literal { $($fields:tt)* } [$($relations:tt)*]) => {
        $crate::entity_with_key!($module $table {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: i64,
            $($fields)*
        } [$($relations)*]);
    };
}

/// The same without an `id`: the fields name their own primary key.
#[macro_export]
macro_rules! entity_with_key {
    ($module:ident $table:literal { $($fields:tt)* } [
        $($relation:ident = $to:literal, $from:literal, $column_to:literal, $action:literal $(, $more:ident)?);* $(;)?
    ]) => {
        pub(crate) mod $module {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                $($fields)*
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {
                $(#[sea_orm(belongs_to = $to, from = $from, to = $column_to, on_delete = $action $(, $more)?)]
                $relation,)*
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

/// The tables of a case, parents first.
#[macro_export]
macro_rules! tables {
    ($($module:ident),* $(,)?) => { [$($crate::support::Table::of($module::Entity)),*] };
}
