//! What an audit costs: as many statements for a hundred tables as for ten, and no row read.

use sea_orm_cascade::{Graph, GraphBuilder};

use super::summary;
use crate::support::{Constraints, Kind, Log, Table, Tables, TestDb};
use crate::tests;

tests![statements_do_not_grow_with_tables, thirty_tables_are_clean, orphans_take_a_statement_for_each_key];

crate::entity!(h000 "h000" {} []);

/// A table whose rows go with those of the first, and lose their reference to the one of before.
macro_rules! hundred {
    ($($module:ident)*) => {
        $(pub(crate) mod $module {
            use sea_orm::entity::prelude::*;
            use sea_orm::sea_query::ForeignKeyAction;

            #[derive(Copy, Clone, Default, Debug, DeriveEntity)]
            pub struct Entity;

            impl EntityName for Entity {
                fn table_name(&self) -> &'static str {
                    stringify!($module)
                }
            }

            #[derive(Clone, Debug, PartialEq, Eq, DeriveModel, DeriveActiveModel)]
            pub struct Model {
                pub id: i64,
                pub first: i64,
                pub up: Option<i64>,
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveColumn)]
            pub enum Column {
                Id,
                First,
                Up,
            }

            impl ColumnTrait for Column {
                type EntityName = Entity;

                fn def(&self) -> ColumnDef {
                    let definition = ColumnType::BigInteger.def();
                    match self {
                        Self::Id => definition,
                        Self::First => definition.indexed(),
                        Self::Up => definition.indexed().nullable(),
                    }
                }
            }

            #[derive(Copy, Clone, Debug, EnumIter, DerivePrimaryKey)]
            pub enum PrimaryKey {
                Id,
            }

            impl PrimaryKeyTrait for PrimaryKey {
                type ValueType = i64;

                fn auto_increment() -> bool {
                    false
                }
            }

            #[derive(Copy, Clone, Debug, EnumIter)]
            pub enum Relation {
                First,
                Up,
            }

            impl RelationTrait for Relation {
                fn def(&self) -> RelationDef {
                    let to_first = |from| Entity::belongs_to(super::h000::Entity).from(from).to(super::h000::Column::Id);
                    match self {
                        Self::First => to_first(Column::First).on_delete(ForeignKeyAction::Cascade).into(),
                        Self::Up => to_first(Column::Up).on_delete(ForeignKeyAction::SetNull).into(),
                    }
                }
            }

            impl ActiveModelBehavior for ActiveModel {}
        })*

        fn hundred() -> Vec<(Table, fn(GraphBuilder) -> GraphBuilder)> {
            vec![
                (Table::of(h000::Entity), |builder| builder.entity(h000::Entity)),
                $((Table::of($module::Entity), |builder| builder.entity($module::Entity)),)*
            ]
        }
    };
}
hundred! { h001 h002 h003 h004 h005 h006 h007 h008 h009 h010 h011 h012 h013 h014 h015 h016 h017 h018 h019 h020 h021 h022 h023 h024 h025 h026 h027 h028 h029 h030 h031 h032 h033 h034 h035 h036 h037 h038 h039 h040 h041 h042 h043 h044 h045 h046 h047 h048 h049 h050 h051 h052 h053 h054 h055 h056 h057 h058 h059 h060 h061 h062 h063 h064 h065 h066 h067 h068 h069 h070 h071 h072 h073 h074 h075 h076 h077 h078 h079 h080 h081 h082 h083 h084 h085 h086 h087 h088 h089 h090 h091 h092 h093 h094 h095 h096 h097 h098 h099 }

/// So many tables, as declared and with their indexes.
pub(crate) async fn made(db: &TestDb, number: usize) -> Graph {
    let all: Vec<_> = hundred().into_iter().take(number).collect();
    let tables = Tables(all.iter().map(|(table, _)| table.clone()).collect());
    tables.create::<&str, &str>(&db.conn, Constraints::Declared, &[]).await;
    let indexes: Vec<String> = (1..number)
        .flat_map(|n| ["first", "up"].map(|column| format!("CREATE INDEX h{n:03}_{column} ON h{n:03} ({column})")))
        .collect();
    db.sql(&indexes.join(";")).await;
    all.iter().fold(Graph::builder(), |builder, (_, register)| register(builder)).build().unwrap()
}

async fn thirty_tables_are_clean(db: TestDb) {
    let audit = made(&db, 30).await.audit().counting_orphans().run(&db.conn).await.unwrap();
    assert_eq!(summary(&audit), [""; 0], "{audit}");
    assert_eq!((audit.checked().tables.len(), audit.checked().keys.len()), (30, 58));
}

async fn statements_do_not_grow_with_tables(db: TestDb) {
    let (conn, log) = Log::on(&db).await;
    let mut counted = Vec::new();
    for number in [10, 100] {
        let graph = made(&db, number).await;
        log.take();
        let audit = graph.audit().run(&conn).await.unwrap();
        let statements = log.take();
        assert_eq!(summary(&audit), [""; 0], "{audit}");
        assert_eq!(audit.checked().tables.len(), number);
        let register = |builder, (_, register): (Table, fn(GraphBuilder) -> GraphBuilder)| register(builder);
        let builder = hundred().into_iter().take(number).fold(Graph::builder(), register);
        builder.actions_from(&conn).await.unwrap().build().unwrap();
        for statements in [statements, log.take()] {
            counted.push(statements.iter().filter(|sql| sql.starts_with("SELECT") || sql.starts_with("WITH")).count());
        }
        let tables = Tables(hundred().into_iter().take(number).map(|(table, _)| table).collect());
        tables.drop(&db.conn).await;
    }
    let expected = match db.kind() {
        Kind::Postgres | Kind::Sqlite => 5,
        Kind::MariaDb => 9,
        Kind::MySql => 8,
    };
    assert_eq!(counted, [expected; 4]);
}

async fn orphans_take_a_statement_for_each_key(db: TestDb) {
    let graph = made(&db, 3).await;
    let (conn, log) = Log::on(&db).await;
    db.sql("INSERT INTO h000 VALUES (1)").await;
    db.sql("INSERT INTO h001 VALUES (1, 1, 1), (2, 1, NULL)").await;
    graph.audit().run(&conn).await.unwrap();
    let alone = log.take().len();
    graph.audit().counting_orphans().run(&conn).await.unwrap();
    // SQLite is asked of each table too how its keys are stored.
    let expected = if db.kind() == Kind::Sqlite { 4 + 3 } else { 4 };
    assert_eq!(log.take().len() - alone, expected);
}
