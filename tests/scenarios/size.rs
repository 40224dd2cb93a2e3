//! R8: statements and their text grow with the schema, not with rows or paths.

use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use crate::support::{Case, Kind, Log, TestDb};
use crate::{entity, entity_with_key, tables, tests};

tests![
    as_many_statements_for_many_rows_as_for_few,
    a_batch_of_leaves_is_one_delete,
    a_hundred_thousand_roots,
    three_column_keys_beyond_the_bind_limit,
    text_keys_beyond_the_bind_limit,
    pages_by_an_enum,
    many_roots_and_many_keys_to_them,
    a_lattice_grows_with_its_edges,
    a_hundred_tables_below_one,
    a_chain_of_ten_thousand,
    a_fan_of_a_hundred_thousand,
    statements_in_a_tree_grow_with_its_levels,
    many_keys_of_a_tree_and_a_graph_under_it,
];

entity!(a "a" {} []);
entity!(b "b" { pub a: i64, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade"]);
entity!(c "c" { pub b: i64, } [B = "super::b::Entity", "Column::B", "super::b::Column::Id", "Cascade"]);
entity!(n "n" { pub b: Option<i64>, } [B = "super::b::Entity", "Column::B", "super::b::Column::Id", "SetNull"]);

/// A table of numbers 1 to n.
fn numbers(kind: Kind, n: u32) -> String {
    match kind {
        Kind::Sqlite => format!(
            "(WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {n}) \
             SELECT n FROM numbers) AS numbers"
        ),
        Kind::Postgres => format!("generate_series(1, {n}) AS numbers (n)"),
        Kind::MariaDb | Kind::MySql => format!(
            "JSON_TABLE(CONCAT('[0', REPEAT(',0', {n} - 1), ']'), '$[*]' COLUMNS (n FOR ORDINALITY)) AS numbers"
        ),
    }
}

async fn as_many_statements_for_many_rows_as_for_few(db: TestDb) {
    let case = Case::new(tables![a, b, c, n]);
    let (conn, log) = Log::on(&db).await;
    let mut counted = Vec::new();
    for rows in [10_u32, 10_000] {
        case.create(&db, true, false).await;
        indexes(&db).await;
        let numbers = numbers(db.kind(), rows);
        db.sql("INSERT INTO a VALUES (1)").await;
        db.sql(&format!("INSERT INTO b SELECT n, 1 FROM {numbers}")).await;
        db.sql(&format!("INSERT INTO c SELECT n, n FROM {numbers}")).await;
        db.sql(&format!("INSERT INTO n SELECT n, n FROM {numbers}")).await;
        let deletion = case.graph().delete_keys(a::Entity, [1]);
        log.take();
        let preview = deletion.preview(&conn).await.unwrap();
        let previewing = log.take().len();
        let outcome = deletion.execute(&conn).await.unwrap();
        let executing = log.take().len();
        assert_eq!(preview.outcome(), &outcome);
        assert_eq!(outcome.total(), 1 + 3 * u64::from(rows));
        counted.push((previewing, executing));
        case.drop(&db).await;
    }
    // A preview finds the roots and looks how many rows of b reference them. Of 10 it reads the
    // keys, and looks how many rows of c and n reference these; of 10,000 it counts what is below.
    // A delete does the same, but that it locks 10,000 rows of b (SQLite has no such lock) and
    // counts nothing. Then it deletes c, changes n, deletes b and a.
    let locks = usize::from(db.kind() != Kind::Sqlite);
    let executing = |rows: usize| match db.kind() {
        Kind::Sqlite | Kind::Postgres if rows == 10 => 8,
        Kind::Sqlite | Kind::Postgres => 6 + locks,
        // That no row of n has kept its key is asked.
        Kind::MariaDb | Kind::MySql if rows == 10 => 8 + 1,
        // Below many rows the parents of c are read by page, and c is deleted by lists of them.
        // 10,000 parents are two full pages and an empty one.
        Kind::MariaDb | Kind::MySql => 6 + locks + 3 + 2 * 5_000_usize.div_ceil(192),
    };
    assert_eq!(counted, [(4, executing(10)), (3, executing(10_000))]);
}

async fn a_batch_of_leaves_is_one_delete(db: TestDb) {
    let case = Case::new(tables![a, b]);
    let (conn, log) = Log::on(&db).await;
    case.create(&db, true, false).await;
    index(&db, "b", "a").await;
    db.sql("INSERT INTO a VALUES (1)").await;
    db.sql(&format!("INSERT INTO b SELECT n, 1 FROM {}", numbers(db.kind(), 1_000))).await;
    let batches = case.graph().delete_keys(a::Entity, [1]).batches_of(100);
    log.take();
    assert_eq!(batches.execute(&conn).await.unwrap().to_string(), "deleted a 1, b 1000");
    let statements = log.take();
    // The preview's two. For each batch its end, the lock of its parents (SQLite has none) and its
    // DELETE; after the last there is no end, and nothing to count. The root is locked, asked
    // whether anything was added to it, and deleted.
    let each = if db.kind() == Kind::Sqlite { 2 } else { 3 };
    assert_eq!(statements.len(), 2 + 10 * each + 2 + 3, "{statements:#?}");
}

// S32: more keys than any bind limit, at every level.
async fn a_hundred_thousand_roots(db: TestDb) {
    let case = Case::new(tables![a, b, c, n]);
    case.create(&db, true, false).await;
    indexes(&db).await;
    let numbers = numbers(db.kind(), 100_000);
    db.sql(&format!("INSERT INTO a SELECT n FROM {numbers}")).await;
    db.sql(&format!("INSERT INTO b SELECT n, n FROM {numbers}")).await;
    db.sql(&format!("INSERT INTO c SELECT n, n FROM {numbers}")).await;
    db.sql(&format!("INSERT INTO n SELECT n, n FROM {numbers}")).await;
    let deletion = case.graph().delete_keys(a::Entity, 1..=99_999);
    let preview = deletion.preview(&db.conn).await.unwrap();
    let outcome = deletion.expecting(&preview).execute(&db.conn).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted a 99999, b 99999, c 99999; changed n.b 99999 (SET NULL)");
    assert_eq!(a::Entity::find().one(&db.conn).await.unwrap().unwrap().id, 100_000);
}

entity_with_key!(triple "triple" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub x: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub y: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub z: String,
} []);
entity!(of_triple "of_triple" { pub x: Option<i64>, pub y: Option<i32>, pub z: Option<String>, } [
    Triple = "super::triple::Entity", "(Column::X, Column::Y, Column::Z)",
    "(super::triple::Column::X, super::triple::Column::Y, super::triple::Column::Z)", "Cascade"
]);

async fn three_column_keys_beyond_the_bind_limit(db: TestDb) {
    let case = Case::new(tables![triple, of_triple]);
    case.create(&db, true, false).await;
    index(&db, "of_triple", "x, y, z").await;
    let numbers = numbers(db.kind(), 30_000);
    let text = if db.kind().speaks_mysql() { "CONCAT('é', n)" } else { "'é' || n" };
    db.sql(&format!("INSERT INTO triple (x, y, z) SELECT n, 7, {text} FROM {numbers}")).await;
    db.sql(&format!("INSERT INTO of_triple (id, x, y, z) SELECT n, n, 7, {text} FROM {numbers}")).await;
    let keys = (1..=29_999).map(|n| (n, 7, format!("é{n}")));
    let by_key = case.graph().delete_keys(triple::Entity, keys);
    let preview = by_key.preview(&db.conn).await.unwrap();
    let outcome = by_key.execute(&db.conn).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted triple 29999, of_triple 29999");
    assert_eq!(preview.outcome(), &outcome);
    let by_filter = case.graph().delete(triple::Entity::find().filter(triple::Column::Y.eq(7)));
    assert_eq!(by_filter.execute(&db.conn).await.unwrap().rows_deleted(), 2);
}

/// Without these the database's own checks read a whole table for each row.
async fn indexes(db: &TestDb) {
    for (table, column) in [("b", "a"), ("c", "b"), ("n", "b")] {
        index(db, table, column).await;
    }
}

async fn index(db: &TestDb, table: &str, columns: &str) {
    // A name of its own each time: a pooled SQLite connection may still know the index of a table
    // that was dropped.
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    db.sql(&format!("CREATE INDEX {table}_idx_{n} ON {table} ({columns})")).await;
}

entity_with_key!(word "word" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub word: String,
} []);
entity!(of_word "of_word" { pub word: String, } [
    Word = "super::word::Entity", "Column::Word", "super::word::Column::Word", "Cascade"
]);
entity!(below_word "below_word" { pub holder: i64, } [
    Holder = "super::of_word::Entity", "Column::Holder", "super::of_word::Column::Id", "Cascade"
]);

async fn text_keys_beyond_the_bind_limit(db: TestDb) {
    let case = Case::new(tables![word, of_word, below_word]);
    case.create(&db, true, false).await;
    index(&db, "of_word", "word").await;
    index(&db, "below_word", "holder").await;
    let numbers = numbers(db.kind(), 70_000);
    let text = if db.kind().speaks_mysql() { "CONCAT('é''\"', n)" } else { "'é''\"' || n" };
    db.sql(&format!("INSERT INTO word (word) SELECT {text} FROM {numbers}")).await;
    db.sql(&format!("INSERT INTO of_word (id, word) SELECT n, {text} FROM {numbers}")).await;
    db.sql(&format!("INSERT INTO below_word (id, holder) SELECT n, n FROM {numbers}")).await;
    let deletion = case.graph().delete(word::Entity::find());
    let preview = deletion.preview(&db.conn).await.unwrap();
    let outcome = deletion.execute(&db.conn).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted word 70000, of_word 70000, below_word 70000");
    assert_eq!(preview.outcome(), &outcome);
}

mod grade {
    use sea_orm::entity::prelude::*;

    #[derive(Debug, Clone, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "grade")]
    pub enum Grade {
        #[sea_orm(string_value = "zeta")]
        Zeta,
        #[sea_orm(string_value = "alpha")]
        Alpha,
    }
}

entity_with_key!(graded "graded" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub grade: super::grade::Grade,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub b: i64,
} [B = "super::b::Entity", "Column::B", "super::b::Column::Id", "Cascade"]);

// MariaDB sorts an enum by position and compares it as text; pages must not skip.
async fn pages_by_an_enum(db: TestDb) {
    let case = Case::new(tables![a, b, graded]);
    if db.kind() == Kind::Postgres {
        db.sql("CREATE TYPE grade AS ENUM ('zeta', 'alpha')").await;
    }
    case.create(&db, true, false).await;
    index(&db, "graded", "b").await;
    db.sql("INSERT INTO a VALUES (1)").await;
    db.sql("INSERT INTO b VALUES (1, 1)").await;
    for grade in ["zeta", "alpha"] {
        let numbers = numbers(db.kind(), 6_000);
        db.sql(&format!("INSERT INTO graded (grade, id, b) SELECT '{grade}', n, 1 FROM {numbers}")).await;
    }
    let outcome = case.graph().delete_keys(a::Entity, [1]).execute(&db.conn).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted a 1, b 1, graded 12000");
}

/// Many keys to one table.
macro_rules! fan {
    ($($name:ident $table:literal),* $(,)?) => {
        $(entity!($name $table { pub a: i64, } [
            A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade"
        ]);)*

        fn fan() -> Vec<crate::support::Table> {
            vec![crate::support::Table::of(a::Entity), $(crate::support::Table::of($name::Entity)),*]
        }
    };
}
fan!(f1 "f1", f2 "f2", f3 "f3", f4 "f4", f5 "f5", f6 "f6", f7 "f7", f8 "f8", f9 "f9");

// The roots' keys are told once a statement, however many tables refer to them.
async fn many_roots_and_many_keys_to_them(db: TestDb) {
    let case = Case::new(fan());
    case.create(&db, true, false).await;
    let numbers = numbers(db.kind(), 8_192);
    db.sql(&format!("INSERT INTO a SELECT n FROM {numbers}")).await;
    for n in 1..=9 {
        index(&db, &format!("f{n}"), "a").await;
        db.sql(&format!("INSERT INTO f{n} SELECT n, n FROM {numbers}")).await;
    }
    let deletion = case.graph().delete_keys(a::Entity, 1..=8_192);
    let preview = deletion.preview(&db.conn).await.unwrap();
    assert_eq!(preview.outcome().total(), 10 * 8_192);
    assert_eq!(&deletion.at_most(10 * 8_192).execute(&db.conn).await.unwrap(), preview.outcome());
}

/// Two tables a layer, each with two keys to the two tables of the layer above.
macro_rules! lattice {
    ($($name:ident $table:literal: $p:ident $q:ident;)*) => {
        $(mod $name {
            use sea_orm::entity::prelude::*;
            use sea_orm::sea_query::ForeignKeyAction::Cascade;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub id: i64,
                pub p: i64,
                pub q: i64,
            }

            #[derive(Copy, Clone, Debug, EnumIter)]
            pub enum Relation {
                P,
                Q,
            }

            impl RelationTrait for Relation {
                fn def(&self) -> RelationDef {
                    use super::{$p as p, $q as q};
                    match self {
                        Self::P => Entity::belongs_to(p::Entity).from(Column::P).to(p::Column::Id).on_delete(Cascade).into(),
                        Self::Q => Entity::belongs_to(q::Entity).from(Column::Q).to(q::Column::Id).on_delete(Cascade).into(),
                    }
                }
            }

            impl ActiveModelBehavior for ActiveModel {}
        })*

        /// The first n layers, and the layer above them.
        fn layers(n: usize) -> Vec<crate::support::Table> {
            let all = [crate::support::Table::of(top::Entity), $(crate::support::Table::of($name::Entity)),*];
            all.into_iter().take(1 + 2 * n).collect()
        }
    };
}

entity!(top "top" {} []);
lattice! {
    a1 "a1": top top;
    b1 "b1": top top;
    a2 "a2": a1 b1;
    b2 "b2": a1 b1;
    a3 "a3": a2 b2;
    b3 "b3": a2 b2;
    a4 "a4": a3 b3;
    b4 "b4": a3 b3;
    a5 "a5": a4 b4;
    b5 "b5": a4 b4;
    a6 "a6": a5 b5;
    b6 "b6": a5 b5;
    a7 "a7": a6 b6;
    b7 "b7": a6 b6;
    a8 "a8": a7 b7;
    b8 "b8": a7 b7;
    a9 "a9": a8 b8;
    b9 "b9": a8 b8;
    a10 "a10": a9 b9;
    b10 "b10": a9 b9;
    a11 "a11": a10 b10;
    b11 "b11": a10 b10;
    a12 "a12": a11 b11;
    b12 "b12": a11 b11;
    a13 "a13": a12 b12;
    b13 "b13": a12 b12;
    a14 "a14": a13 b13;
    b14 "b14": a13 b13;
    a15 "a15": a14 b14;
    b15 "b15": a14 b14;
    a16 "a16": a15 b15;
    b16 "b16": a15 b15;
    a17 "a17": a16 b16;
    b17 "b17": a16 b16;
    a18 "a18": a17 b17;
    b18 "b18": a17 b17;
    a19 "a19": a18 b18;
    b19 "b19": a18 b18;
    a20 "a20": a19 b19;
    b20 "b20": a19 b19;
}

// Every row below the top is reached by 2^layers paths.
async fn a_lattice_grows_with_its_edges(db: TestDb) {
    let (conn, log) = Log::on(&db).await;
    let mut grown = Vec::new();
    for (n, rows_max) in [(10, None), (20, None), (7, Some(2)), (20, Some(5))] {
        let case = Case::new(layers(n));
        // MySQL opens the tables below a DELETE by every path of cascading constraints: minutes for
        // 20 layers.
        case.create(&db, n <= 10 || db.kind() != Kind::MySql, false).await;
        db.sql("INSERT INTO top VALUES (1), (2)").await;
        for layer in 1..=n {
            for table in ["a", "b"] {
                db.sql(&format!("INSERT INTO {table}{layer} VALUES (1, 1, 1), (2, 1, 2), (3, 2, 2)")).await;
            }
        }
        let deletion = case.graph().delete_keys(top::Entity, [1]);
        log.take();
        let preview = deletion.preview(&conn).await.unwrap();
        let outcome = match rows_max {
            None => deletion.execute(&conn).await.unwrap(),
            Some(rows_max) => deletion.batches_of(rows_max).execute(&conn).await.unwrap(),
        };
        assert_eq!(preview.outcome(), &outcome);
        let statements = log.take();
        let longest = statements.iter().map(String::len).max().unwrap();
        if rows_max.is_none() {
            grown.push((statements.len(), longest));
        }
        // 1 of the top; 2 of each table in the first layer; all 3 below, because row 3 refers to
        // row 2.
        assert_eq!(outcome.rows_deleted(), 1 + 2 * 2 + 2 * 3 * (n as u64 - 1), "{outcome}");
        case.drop(&db).await;
    }
    let [(few, short), (many, longer)] = grown[..] else { unreachable!() };
    assert!(many <= 2 * few + 8, "{few} statements for 10 layers, {many} for 20");
    assert!(longer <= 2 * short + 1_000, "{short} characters for 10 layers, {longer} for 20");
}

// MariaDB takes 63 common table expressions in one statement.
async fn a_hundred_tables_below_one(db: TestDb) {
    use crate::audit::size::{h000, made};
    let graph = made(&db, 100).await;
    db.sql("INSERT INTO h000 VALUES (1), (2)").await;
    for n in 1..100 {
        db.sql(&format!("INSERT INTO h{n:03} VALUES (1, 1, NULL), (2, 2, 1)")).await;
    }
    let deletion = graph.delete_keys(h000::Entity, [1]);
    let preview = deletion.preview(&db.conn).await.unwrap();
    assert_eq!((preview.outcome().rows_deleted(), preview.outcome().total()), (100, 199));
    let capped = deletion.clone().counting_up_to(1).preview(&db.conn).await.unwrap();
    assert_eq!(capped.outcome().total(), 199);
    let outcome = deletion.at_most(199).batches_of(7).execute(&db.conn).await.unwrap();
    assert_eq!(&outcome, preview.outcome());
}

entity!(node "nodes" { pub up: Option<i64>, } [Up = "Entity", "Column::Up", "Column::Id", "Cascade"]);
entity!(leaf "leaves" { pub node: i64, } [
    Node = "super::node::Entity", "Column::Node", "super::node::Column::Id", "Cascade"
]);
entity!(vein "veins" { pub leaf: i64, } [
    Leaf = "super::leaf::Entity", "Column::Leaf", "super::leaf::Column::Id", "Cascade"
]);
entity!(dew "dew" { pub vein: Option<i64>, } [
    Vein = "super::vein::Entity", "Column::Vein", "super::vein::Column::Id", "SetNull"
]);

/// Deletes node 1 and what hangs under it, and gives how many statements that took, and how many
/// were a preview.
async fn fell(db: &TestDb, case: &Case, expected: &str) -> (usize, usize) {
    let (conn, log) = Log::on(db).await;
    let deletion = case.graph().delete_keys(node::Entity, [1]);
    let preview = deletion.preview(&conn).await.unwrap();
    let previewing = log.take().len();
    let outcome = deletion.execute(&conn).await.unwrap();
    assert_eq!(outcome.to_string(), expected);
    assert_eq!(preview.outcome(), &outcome);
    (log.take().len(), previewing)
}

// S22: SQLite's own cascade ends at 1,000 levels, InnoDB's at 15.
async fn a_chain_of_ten_thousand(db: TestDb) {
    let case = Case::new(tables![node]);
    case.create(&db, true, false).await;
    index(&db, "nodes", "up").await;
    let numbers = numbers(db.kind(), 10_000);
    db.sql(&format!("INSERT INTO nodes SELECT n, NULLIF(n - 1, 0) FROM {numbers} ORDER BY n")).await;
    let (executing, previewing) = fell(&db, &case, "deleted nodes 10000").await;
    // The root, the root again with what it refers to, and a level at a time, of which the last has
    // no children; then the levels again, which PostgreSQL deletes together.
    let waves = if db.kind() == Kind::Postgres { 1 } else { 10_000 };
    assert_eq!((previewing, executing), (2 + 10_000, 2 + 10_000 + waves));
}

// S22
async fn a_fan_of_a_hundred_thousand(db: TestDb) {
    let case = Case::new(tables![node]);
    case.create(&db, true, false).await;
    index(&db, "nodes", "up").await;
    let numbers = numbers(db.kind(), 100_000);
    db.sql("INSERT INTO nodes VALUES (1, NULL)").await;
    db.sql(&format!("INSERT INTO nodes SELECT n + 1, 1 FROM {numbers}")).await;
    let (executing, previewing) = fell(&db, &case, "deleted nodes 100001").await;
    // The children come in two full pages and an empty one, and are asked for their own by 2,000 or
    // 192.
    let (frontiers, deletes) = if db.kind().speaks_mysql() { (100_000_usize.div_ceil(192), 20) } else { (50, 1) };
    assert_eq!(previewing, 2 + 3 + frontiers);
    // The second and third page are read without a lock, and then the rows of 50,000 keys by lists
    // of 5,000.
    let locked_again = if db.kind().speaks_mysql() { 10 } else { 0 };
    // PostgreSQL deletes the root with them.
    let roots = usize::from(db.kind() != Kind::Postgres);
    assert_eq!(executing, previewing + locked_again + deletes + roots);
}

async fn statements_in_a_tree_grow_with_its_levels(db: TestDb) {
    let case = Case::new(tables![node, leaf]);
    let mut counted = Vec::new();
    for width in [2, 13] {
        case.create(&db, true, false).await;
        let all = 1 + width + width * width;
        let numbers = numbers(db.kind(), all);
        // Node n has the children n * width - width + 2 to n * width + 1.
        let up = match db.kind() {
            Kind::MariaDb | Kind::MySql => format!("(n + {width} - 2) DIV {width}"),
            _ => format!("(n + {width} - 2) / {width}"),
        };
        db.sql(&format!("INSERT INTO nodes SELECT n, NULLIF({up}, 0) FROM {numbers} ORDER BY n")).await;
        db.sql("UPDATE nodes SET up = NULL WHERE id = 1").await;
        db.sql(&format!("INSERT INTO leaves SELECT n, n FROM {numbers}")).await;
        counted.push(fell(&db, &case, &format!("deleted nodes {all}, leaves {all}")).await);
        case.drop(&db).await;
    }
    // The root twice and three levels; the leaves by their nodes' keys, three waves (PostgreSQL
    // deletes them together), or the leaves' number.
    let waves = if db.kind() == Kind::Postgres { 1 } else { 3 };
    assert_eq!(counted, [(2 + 3 + 1 + waves, 2 + 3 + 1); 2]);
}

// S32: more keys than any bind limit, or than MySQL and MariaDB should get in one statement.
async fn many_keys_of_a_tree_and_a_graph_under_it(db: TestDb) {
    let case = Case::new(tables![node, leaf, vein, dew]);
    case.create(&db, true, false).await;
    for (table, column) in [("nodes", "up"), ("leaves", "node"), ("veins", "leaf"), ("dew", "vein")] {
        index(&db, table, column).await;
    }
    let numbers = numbers(db.kind(), 70_000);
    db.sql("INSERT INTO nodes VALUES (1, NULL), (100000, NULL)").await;
    db.sql(&format!("INSERT INTO nodes SELECT n + 1, 1 FROM {numbers}")).await;
    db.sql(&format!("INSERT INTO leaves SELECT n, n + 1 FROM {numbers}")).await;
    db.sql(&format!("INSERT INTO veins SELECT n, n FROM {numbers}")).await;
    db.sql(&format!("INSERT INTO dew SELECT n, n FROM {numbers}")).await;
    let expected = "deleted nodes 70001, leaves 70000, veins 70000; changed dew.vein 70000 (SET NULL)";
    let (executing, _) = fell(&db, &case, expected).await;
    // Of the few tables each takes a list of parents to be read, counted or changed; and on MySQL
    // and MariaDB another one to be asked whether it has been changed.
    let lists = if db.kind().speaks_mysql() { 70_000 / 192 } else { 70_000 / 2_000 };
    let passes = if db.kind().speaks_mysql() { 8 } else { 7 };
    assert!(executing < passes * lists, "{executing} statements");
}
