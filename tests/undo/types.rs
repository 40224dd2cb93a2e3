//! Every column type of each database, bit for bit, in a table whose entity knows only the key.

use super::make_records;
use crate::support::{Kind, TestDb};
use crate::tests;
use sea_orm::Statement;
use sea_orm::prelude::*;
use sea_orm_cascade::Graph;

tests![every_type_comes_back_bit_for_bit, what_cannot_be_recorded_is_refused];

mod thing {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "things")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A column, its type, and values that are hard to keep.
type Columns = &'static [(&'static str, &'static str, &'static str)];

const SQLITE: Columns = &[
    ("i", "INTEGER", "9223372036854775807"),
    ("small", "INTEGER", "-9223372036854775808"),
    ("r", "REAL", "0.1"),
    ("nan", "REAL", "9e999"),
    ("whole", "REAL", "3.0"),
    ("t", "TEXT", "'it''s \u{1F600}'"),
    ("digits", "TEXT", "'007'"),
    ("b", "BLOB", "x'00ff'"),
    ("empty", "BLOB", "x''"),
    ("odd", "INTEGER", "'no number'"),
    ("n", "NUMERIC", "'1.50'"),
    ("untyped", "", "'5'"),
    ("nocase", "TEXT COLLATE NOCASE", "'Ab'"),
    ("missing", "TEXT", "NULL"),
    ("computed", "INTEGER AS (id * 2) STORED", ""),
];

const POSTGRES: Columns = &[
    ("i2", "smallint", "-32768"),
    ("i8", "bigint", "9223372036854775807"),
    ("f4", "real", "'-0'"),
    ("f8", "double precision", "'NaN'"),
    ("tiny", "double precision", "5e-324"),
    ("num", "numeric", "'1.50000000000000000000000000001'"),
    ("num2", "numeric(10, 2)", "1.5"),
    ("c", "char(5)", "'a'"),
    ("v", "varchar(9)", "'a '"),
    ("t", "text COLLATE \"C\"", "'\u{1F600}'"),
    ("by", "bytea", "'\\x00ff'"),
    ("bo", "boolean", "true"),
    ("d", "date", "'infinity'"),
    ("ti", "time(3)", "'24:00:00'"),
    ("tz", "timetz", "'12:00:00+05:30'"),
    ("ts", "timestamp", "'-infinity'"),
    ("tsz", "timestamptz", "'2026-02-28 23:59:59.999999+00'"),
    ("iv", "interval", "'1 mon -3 days 04:05:06.789'"),
    ("u", "uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
    ("js", "json", "'{\"a\": 1,  \"a\": \"\\u0000\"}'"),
    ("jb", "jsonb", "'null'"),
    ("ar", "integer[]", "'[0:1]={1,NULL}'"),
    ("ta", "text[]", "ARRAY['a,b', '\"', NULL]"),
    ("ip", "inet", "'192.168.0.1/24'"),
    ("mac", "macaddr", "'08:00:2b:01:02:03'"),
    ("bi", "bit(3)", "B'101'"),
    ("vb", "bit varying", "B'1'"),
    ("mo", "money", "'12.34'"),
    ("pt", "point", "'(1.5,-0)'"),
    ("x", "xml", "'<a b=\"c\"/>'"),
    ("tv", "tsvector", "'a:1 b:2'"),
    ("rg", "int4range", "'[1,5)'"),
    ("e", "mood", "'sad'"),
    ("dom", "short", "'abc'"),
    ("missing", "text", "NULL"),
    ("computed", "bigint GENERATED ALWAYS AS (id * 2) STORED", ""),
];

const MYSQL: Columns = &[
    ("i1", "tinyint", "-128"),
    ("u8", "bigint unsigned", "18446744073709551615"),
    ("zf", "int(6) unsigned zerofill", "42"),
    ("f4", "float", "1.5"),
    ("f8", "double", "0.1"),
    ("num", "decimal(30, 10)", "'12345678901234567890.0123456789'"),
    ("c", "char(5)", "'a'"),
    ("v", "varchar(9)", "'a '"),
    ("lat", "varchar(9) CHARACTER SET latin1 COLLATE latin1_bin", "'\u{e9}'"),
    ("t", "text", "'\u{1F600}'"),
    ("lt", "longtext", "'it''s'"),
    ("bi", "binary(4)", "x'00ff'"),
    ("vb", "varbinary(9)", "x'00'"),
    ("bl", "longblob", "x'00ff'"),
    ("bt", "bit(9)", "b'101'"),
    ("bo", "boolean", "true"),
    ("d", "date", "'9999-12-31'"),
    ("ti", "time(6)", "'-838:59:59.000000'"),
    ("dt", "datetime(6)", "'2026-02-28 23:59:59.999999'"),
    ("ts", "timestamp(3) NULL", "'2026-02-28 23:59:59.999'"),
    ("y", "year", "2155"),
    ("e", "enum('a','it''s')", "'it''s'"),
    ("s", "set('x','y')", "'x,y'"),
    ("js", "json", "'{\"a\": 1}'"),
    ("pt", "point", "ST_GeomFromText('POINT(1.5 -2)')"),
    ("hidden", "int INVISIBLE", "7"),
    ("missing", "text", "NULL"),
    ("computed", "bigint AS (i1 * 2) STORED", ""),
];

async fn every_type_comes_back_bit_for_bit(db: TestDb) {
    let columns = match db.kind() {
        Kind::Sqlite => SQLITE,
        Kind::Postgres => POSTGRES,
        Kind::MariaDb | Kind::MySql => MYSQL,
    };
    let key = match db.kind() {
        Kind::Sqlite => "INTEGER PRIMARY KEY AUTOINCREMENT",
        Kind::Postgres => {
            db.sql("CREATE TYPE mood AS ENUM ('sad', 'ok')").await;
            db.sql("CREATE DOMAIN short AS varchar(9) NOT NULL CHECK (VALUE <> 'x')").await;
            "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
        }
        Kind::MariaDb | Kind::MySql => "bigint AUTO_INCREMENT PRIMARY KEY",
    };
    let declared: Vec<String> = columns.iter().map(|(name, ty, _)| format!("{name} {ty}")).collect();
    db.sql(&format!("CREATE TABLE things (id {key}, {})", declared.join(", "))).await;
    let stored: Vec<_> = columns.iter().filter(|(_, _, value)| !value.is_empty()).collect();
    let names: Vec<&str> = stored.iter().map(|(name, ..)| *name).collect();
    let values: Vec<&str> = stored.iter().map(|(.., value)| *value).collect();
    for _ in 0..2 {
        db.sql(&format!("INSERT INTO things ({}) VALUES ({})", names.join(", "), values.join(", "))).await;
    }
    let graph = Graph::builder().entity(thing::Entity).with_undo().build().expect("the graph");
    make_records(&graph, &db.conn).await;
    graph.audit().run(&db.conn).await.expect("the audit").expect_clean().expect("a clean audit");
    let before = dump(&db, columns).await;
    let outcome =
        graph.delete_keys(thing::Entity, [1_i64, 2]).undoable("types").execute(&db.conn).await.expect("deleted");
    assert_eq!(outcome.deleted(thing::Entity), 2);
    assert_eq!(db.number("SELECT COUNT(*) FROM things").await, 0);
    graph.undo(outcome.receipt().expect("a receipt")).execute(&db.conn).await.expect("undone");
    assert_eq!(dump(&db, columns).await, before);
    assert_eq!(before.len(), 2);
    // The next row gets a key above all.
    db.sql(&format!("INSERT INTO things ({}) VALUES ({})", names.join(", "), values.join(", "))).await;
    assert_eq!(db.number("SELECT MAX(id) FROM things").await, 3);
}

/// Every value of every row, with its type where a column may have several.
async fn dump(db: &TestDb, columns: Columns) -> Vec<String> {
    let shown = |(name, ..): &(&str, &str, &str)| match db.kind() {
        Kind::Sqlite => format!("typeof({name}) || quote({name})"),
        Kind::Postgres => format!("coalesce({name}::text, 'null')"),
        Kind::MariaDb | Kind::MySql => format!("COALESCE(HEX(CAST({name} AS BINARY)), 'null')"),
    };
    let columns: Vec<String> = columns.iter().map(shown).collect();
    let line = match db.kind() {
        Kind::MariaDb | Kind::MySql => format!("CONCAT_WS('|', {})", columns.join(", ")),
        Kind::Sqlite | Kind::Postgres => columns.join(" || '|' || "),
    };
    let sql = format!("SELECT {line} AS line FROM things ORDER BY id");
    let rows = db.conn.query_all_raw(Statement::from_string(db.backend(), &sql)).await.expect(&sql);
    rows.iter().map(|row| row.try_get("", "line").expect("a text")).collect()
}

/// U4: what the database would do by itself, and what would come back otherwise.
async fn what_cannot_be_recorded_is_refused(db: TestDb) {
    let key = match db.kind() {
        Kind::Sqlite => "INTEGER PRIMARY KEY AUTOINCREMENT",
        Kind::Postgres => "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        Kind::MariaDb | Kind::MySql => "bigint AUTO_INCREMENT PRIMARY KEY",
    };
    db.sql(&format!("CREATE TABLE things (id {key})")).await;
    db.sql("INSERT INTO things (id) VALUES (1)").await;
    db.sql(
        "CREATE TABLE notes (id integer, thing bigint, CONSTRAINT notes_thing FOREIGN KEY (thing) REFERENCES things (id) \
         ON DELETE CASCADE)",
    )
    .await;
    let builder = || Graph::builder().entity(thing::Entity).with_undo();
    let graph = builder().build().expect("the graph");
    make_records(&graph, &db.conn).await;
    let delete = |graph: &Graph| graph.delete_keys(thing::Entity, [1_i64]).undoable("a test");
    let error = delete(&graph).execute(&db.conn).await.expect_err("a constraint outside the graph");
    assert!(error.is_not_recordable(), "{error:?}");
    assert!(error.to_string().contains("(thing) is no foreign key of the graph"), "{error}");
    assert_eq!(db.number("SELECT COUNT(*) FROM things").await, 1);
    let accepted = builder().unrecorded("notes").build().expect("the graph");
    let outcome = delete(&accepted).execute(&db.conn).await.expect("accepted");
    accepted.undo(outcome.receipt().expect("a receipt")).execute(&db.conn).await.expect("undone");
    assert_eq!(db.number("SELECT COUNT(*) FROM things").await, 1);
    if db.kind() == Kind::Postgres {
        db.sql("DROP TABLE notes").await;
        db.sql("CREATE TABLE more_things () INHERITS (things)").await;
        let error = delete(&graph).execute(&db.conn).await.expect_err("rows of another table would go too");
        assert!(error.to_string().contains("other tables inherit from it"), "{error}");
        assert_eq!(db.number("SELECT COUNT(*) FROM things").await, 1);
    }
    if matches!(db.kind(), Kind::MariaDb | Kind::MySql) {
        db.sql("DROP TABLE notes").await;
        db.sql("UPDATE things SET id = 0").await;
        let zero = graph.delete_keys(thing::Entity, [0_i64]).undoable("a test");
        let error = zero.execute(&db.conn).await.expect_err("another number would come back");
        assert!(error.to_string().contains("0 in the AUTO_INCREMENT column id"), "{error}");
        assert_eq!(db.number("SELECT COUNT(*) FROM things").await, 1);
    }
}
