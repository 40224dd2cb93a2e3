//! Limits of the databases: hundreds of tables that reference one table, or one another.

use std::cell::Cell;
use std::time::Instant;

use sea_orm::RelationDef;
use sea_orm::sea_query::{Alias, ForeignKeyAction, IntoIden as _, TableRef};
use sea_orm::{Identity, RelationType};
use sea_orm_cascade::{Graph, GraphBuilder};

use crate::support::{Constraints, Kind, Table, Tables, TestDb};
use crate::tests;

tests![three_hundred_tables_below_one, many_roots_above_three_hundred_tables, a_chain_of_a_hundred_tables];

thread_local! {
    /// Whether each table references the one before, and not the first.
    static IS_CHAIN: Cell<bool> = const { Cell::new(false) };
}

fn up(table: &'static str, number: usize) -> RelationDef {
    let parent = if IS_CHAIN.get() { number - 1 } else { 0 };
    let named = |name: Alias| TableRef::from(name.into_iden());
    RelationDef {
        rel_type: RelationType::HasOne,
        from_tbl: named(Alias::new(table)),
        to_tbl: named(Alias::new(format!("m{parent:03}"))),
        from_col: Identity::Unary(Alias::new("up").into_iden()),
        to_col: Identity::Unary(Alias::new("id").into_iden()),
        is_owner: false,
        skip_fk: false,
        on_delete: Some(ForeignKeyAction::Cascade),
        on_update: None,
        on_condition: None,
        fk_name: Some(format!("fk_{table}_up")),
        condition_type: sea_orm::sea_query::ConditionType::All,
    }
}

/// A table whose rows go with those of another.
macro_rules! many {
    ($($module:ident)*) => {
        $(pub(crate) mod $module {
            use sea_orm::entity::prelude::*;

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
                pub up: Option<i64>,
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveColumn)]
            pub enum Column {
                Id,
                Up,
            }

            impl ColumnTrait for Column {
                type EntityName = Entity;

                fn def(&self) -> ColumnDef {
                    match self {
                        Self::Id => ColumnType::BigInteger.def(),
                        Self::Up => ColumnType::BigInteger.def().nullable(),
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

            /// The key to another table, unless it is the first.
            #[derive(Copy, Clone, Debug)]
            pub struct Relation(usize);

            impl sea_orm::Iterable for Relation {
                type Iterator = std::vec::IntoIter<Self>;

                fn iter() -> Self::Iterator {
                    let number: usize = stringify!($module)[1..].parse().expect("a number");
                    Vec::from_iter((number > 0).then_some(Self(number))).into_iter()
                }
            }

            impl RelationTrait for Relation {
                fn def(&self) -> RelationDef {
                    super::up(stringify!($module), self.0)
                }

                fn name(&self) -> String {
                    "Up".to_owned()
                }
            }

            impl ActiveModelBehavior for ActiveModel {}
        })*

        fn entities() -> Vec<(Table, fn(GraphBuilder) -> GraphBuilder)> {
            vec![$((Table::of($module::Entity), |builder| builder.entity($module::Entity)),)*]
        }
    };
}
many! { m000 m001 m002 m003 m004 m005 m006 m007 m008 m009 m010 m011 m012 m013 m014 m015 m016 m017 m018 m019 m020 m021 m022 m023 m024 m025 m026 m027 m028 m029 m030 m031 m032 m033 m034 m035 m036 m037 m038 m039 m040 m041 m042 m043 m044 m045 m046 m047 m048 m049 m050 m051 m052 m053 m054 m055 m056 m057 m058 m059 m060 m061 m062 m063 m064 m065 m066 m067 m068 m069 m070 m071 m072 m073 m074 m075 m076 m077 m078 m079 m080 m081 m082 m083 m084 m085 m086 m087 m088 m089 m090 m091 m092 m093 m094 m095 m096 m097 m098 m099 m100 m101 m102 m103 m104 m105 m106 m107 m108 m109 m110 m111 m112 m113 m114 m115 m116 m117 m118 m119 m120 m121 m122 m123 m124 m125 m126 m127 m128 m129 m130 m131 m132 m133 m134 m135 m136 m137 m138 m139 m140 m141 m142 m143 m144 m145 m146 m147 m148 m149 m150 m151 m152 m153 m154 m155 m156 m157 m158 m159 m160 m161 m162 m163 m164 m165 m166 m167 m168 m169 m170 m171 m172 m173 m174 m175 m176 m177 m178 m179 m180 m181 m182 m183 m184 m185 m186 m187 m188 m189 m190 m191 m192 m193 m194 m195 m196 m197 m198 m199 m200 m201 m202 m203 m204 m205 m206 m207 m208 m209 m210 m211 m212 m213 m214 m215 m216 m217 m218 m219 m220 m221 m222 m223 m224 m225 m226 m227 m228 m229 m230 m231 m232 m233 m234 m235 m236 m237 m238 m239 m240 m241 m242 m243 m244 m245 m246 m247 m248 m249 m250 m251 m252 m253 m254 m255 m256 m257 m258 m259 m260 m261 m262 m263 m264 m265 m266 m267 m268 m269 m270 m271 m272 m273 m274 m275 m276 m277 m278 m279 m280 m281 m282 m283 m284 m285 m286 m287 m288 m289 m290 m291 m292 m293 m294 m295 m296 m297 m298 m299 }

/// So many tables with one row each, and their graph.
async fn made(db: &TestDb, number: usize, is_chain: bool, keys_per_table: usize) -> Graph {
    IS_CHAIN.set(is_chain);
    let all: Vec<_> = entities().into_iter().take(number).collect();
    let tables = Tables(all.iter().map(|(table, _)| table.clone()).collect());
    let builder = all.iter().fold(Graph::builder(), |builder, (_, register)| register(builder));
    let graph = builder.keys_per_table(keys_per_table).build().expect("the graph");
    tables.create::<&str, &str>(&db.conn, Constraints::Declared, &[]).await;
    // A pooled SQLite connection may still know the index of a table that was dropped.
    let index = |n: usize| format!("CREATE INDEX m{n:03}_up_{keys_per_table} ON m{n:03} (up)");
    db.sql(&(1..number).map(index).collect::<Vec<_>>().join(";")).await;
    let row = |n: usize| format!("INSERT INTO m{n:03} (id, up) VALUES (1, {})", if n == 0 { "NULL" } else { "1" });
    db.sql(&(0..number).map(row).collect::<Vec<_>>().join(";")).await;
    graph
}

async fn dropped(db: &TestDb, number: usize) {
    let drops: Vec<String> = (0..number).rev().map(|n| format!("DROP TABLE m{n:03}")).collect();
    db.sql(&drops.join(";")).await;
}

/// Previews and deletes row 1 of the first table, each in its time.
async fn goes(db: &TestDb, graph: &Graph, rows: u64) {
    // On MySQL and MariaDB a statement beyond the last 100 takes 40 ms (docs/databases.md).
    let conn = match db.kind() {
        Kind::MariaDb | Kind::MySql => {
            let separator = if db.url.contains('?') { '&' } else { '?' };
            let url = format!("{}{separator}statement-cache-capacity=1000", db.url);
            sea_orm::Database::connect(url).await.unwrap()
        }
        Kind::Sqlite | Kind::Postgres => db.conn.clone(),
    };
    let deletion = graph.delete_keys(m000::Entity, [1]);
    let start = Instant::now();
    let preview = deletion.preview(&conn).await.unwrap();
    let previewed = start.elapsed();
    assert_eq!(preview.outcome().rows_deleted(), rows);
    let capped = deletion.clone().counting_up_to(1).preview(&conn).await.unwrap();
    assert_eq!(capped.outcome().rows_deleted(), rows);
    let start = Instant::now();
    let outcome = deletion.clone().at_most(rows).expecting(&preview).execute(&conn).await.unwrap();
    assert_eq!(&outcome, preview.outcome());
    println!("{rows} tables on {}: preview {previewed:.1?}, delete {:.1?}", db.kind().name(), start.elapsed());
    assert_eq!(deletion.batches_of(10).execute(&conn).await.unwrap().rows_deleted(), 0);
}

// L1: MariaDB takes 63 common table expressions in one statement (4003).
async fn three_hundred_tables_below_one(db: TestDb) {
    for keys_per_table in [1_000, 0] {
        let graph = made(&db, 300, false, keys_per_table).await;
        goes(&db, &graph, 300).await;
        dropped(&db, 300).await;
    }
}

// A statement takes at most 65,535 values.
async fn many_roots_above_three_hundred_tables(db: TestDb) {
    let graph = made(&db, 300, false, 1_000).await;
    let roots: Vec<String> = (2..=201).map(|id| format!("({id})")).collect();
    db.sql(&format!("INSERT INTO m000 (id) VALUES {}", roots.join(", "))).await;
    let child =
        |n: usize| format!("INSERT INTO m{n:03} (id, up) VALUES (2, {})", if n.is_multiple_of(2) { 2 } else { 201 });
    db.sql(&(1..300).map(child).collect::<Vec<_>>().join(";")).await;
    let deletion = graph.delete_keys(m000::Entity, 2..=201);
    let preview = deletion.preview(&db.conn).await.unwrap();
    assert_eq!(preview.outcome().rows_deleted(), 200 + 299);
    assert_eq!(&deletion.execute(&db.conn).await.unwrap(), preview.outcome());
    assert_eq!(db.number("SELECT count(*) AS n FROM m000").await, 1);
    assert_eq!(db.number("SELECT count(*) AS n FROM m299").await, 1);
    dropped(&db, 300).await;
}

// L2: MariaDB overran its stack (1436), and SQLite took seconds.
async fn a_chain_of_a_hundred_tables(db: TestDb) {
    for keys_per_table in [1_000, 0] {
        let graph = made(&db, 100, true, keys_per_table).await;
        goes(&db, &graph, 100).await;
        dropped(&db, 100).await;
    }
}
