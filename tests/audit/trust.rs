//! What an audit must not be silent about, and fixes that work: each row of the list by its number
//! (A1 to A8).

use sea_orm::{ConnectionTrait as _, DatabaseConnection, EntityTrait as _, Statement};
use sea_orm_cascade::{Audit, FindingKind, Fix, Graph, Severity};

use super::{fix, run, summary};
use crate::support::{Constraints, Kind, TestDb};
use crate::{entity, entity_with_key, tables, tests};

tests![
    a1_a_trigger_in_another_case,
    a1_a_trigger_that_came_since,
    a1_a_temporary_trigger,
    a2_ends_that_no_constraint_joins,
    a2_a_column_that_others_hold,
    a2_a_key_that_is_too_long,
    a3_partitions_have_no_keys,
    a3_engines_without_transactions,
    a4_what_seaorm_makes_is_clean,
    a4_what_is_harmless_is_clean,
    a4_types_that_differ,
    a4_values_in_another_form,
    a5_triggers,
    a5_triggers_of_parts,
    a5_rules,
    a5_row_security,
    a5_a_computed_key,
    a6_a_constraint_onto_a_part,
    a6_a_constraint_of_a_part,
    a7_defaults_survive,
    a8_many_to_many,
    advice_about_conditions_harms_nobody,
];

entity!(p "p" {} []);
entity!(c "c" { pub p: i64, } [P = "super::p::Entity", "Column::P", "super::p::Column::Id", "Cascade"]);
entity!(n "c" { pub p: Option<i64>, } [P = "super::p::Entity", "Column::P", "super::p::Column::Id", "SetNull"]);

const P: &str = "CREATE TABLE p (id BIGINT NOT NULL PRIMARY KEY)";
const C: &str = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL, \
     CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)";
const INDEX: &str = "CREATE INDEX c_p_idx ON c (p)";

fn graph() -> Graph {
    Graph::builder().entity(p::Entity).entity(c::Entity).build().unwrap()
}

/// Makes the schema and audits; where that says so, fixes and audits again, until nothing is left
/// to run. Gives the first audit and the last.
#[track_caller]
fn settle<'a>(
    conn: &'a DatabaseConnection,
    graph: &'a Graph,
    schema: &'a [&'a str],
    expected: &'a [&'a str],
    left: &'a [&'a str],
) -> impl Future<Output = (Audit, Audit)> + 'a {
    let at = std::panic::Location::caller();
    async move {
        for statement in schema {
            run(conn, statement).await;
        }
        let first = graph.audit().counting_orphans().run(conn).await.unwrap();
        assert_eq!(summary(&first), expected, "{at}: {first}");
        let mut last = first.clone();
        for _ in 0..3 {
            let needs_no_run = |fix: &Fix| matches!(fix, Fix::ByHand { .. } | Fix::Declaration { .. });
            if last.findings().iter().all(|finding| needs_no_run(&finding.fix)) {
                break;
            }
            fix(conn, &last).await;
            last = graph.audit().counting_orphans().run(conn).await.unwrap();
        }
        assert_eq!(summary(&last), left, "{at}: after {:?}: {last}", first.statements());
        for finding in last.findings() {
            assert!(matches!(finding.fix, Fix::ByHand { .. } | Fix::Declaration { .. }), "{at}: {last}");
        }
        (first, last)
    }
}

fn text_of(fix: &Fix) -> &str {
    match fix {
        Fix::ByHand { text, .. } | Fix::Declaration { text, .. } => text,
        other => panic!("{other:?}"),
    }
}

async fn texts(conn: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = conn.query_all_raw(Statement::from_string(conn.get_database_backend(), sql)).await.expect(sql);
    rows.iter().map(|row| row.try_get_by_index(0).expect("a text")).collect()
}

/// What goes with a table is written in whatever way, and is there after the script.
async fn a1_a_trigger_in_another_case(db: TestDb) {
    let conn = &db.connect(1).await;
    for statement in [
        P,
        &C.replace("CASCADE", "RESTRICT"),
        INDEX,
        "CREATE INDEX [I 2] ON \"C\" (p, id)",
        "CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT)",
        "CREATE TABLE other (id INTEGER PRIMARY KEY)",
        "CREATE VIEW v AS SELECT id, p FROM C",
        "CREATE TRIGGER plain AFTER DELETE ON c BEGIN INSERT INTO log (what) VALUES ('plain'); END",
        "CREATE TRIGGER upper AFTER DELETE ON C BEGIN INSERT INTO log (what) VALUES ('upper'); END",
        "CREATE TRIGGER main.\"q 1\" AFTER DELETE ON \"C\" BEGIN INSERT INTO log (what) VALUES ('quoted'); END",
        "CREATE TRIGGER IF NOT EXISTS [b] AFTER DELETE ON [C] BEGIN INSERT INTO log (what) VALUES ('bracket'); END",
        "CREATE TRIGGER `t` AFTER DELETE ON `C` BEGIN INSERT INTO log (what) VALUES ('tick'); END",
        "CREATE TRIGGER cut AFTER INSERT ON C BEGIN INSERT INTO log (what) VALUES ('insert'); END",
        "CREATE TRIGGER views INSTEAD OF DELETE ON V BEGIN DELETE FROM C WHERE id = old.id; END",
        "CREATE TRIGGER others AFTER DELETE ON other BEGIN DELETE FROM C WHERE id = old.id; END",
    ] {
        run(conn, statement).await;
    }
    run(conn, "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1), (2, 1), (3, 1); INSERT INTO other VALUES (2)")
        .await;
    let others =
        "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema WHERE name <> 'c' ORDER BY 1";
    let before = texts(conn, others).await;
    let (first, _) = settle(conn, &graph(), &[], &["action_differs c.p", "triggers c"], &["triggers c"]).await;
    let FindingKind::Triggers { triggers, .. } = &first.findings()[1].kind else { panic!("{first}") };
    assert_eq!(triggers, &["plain", "upper", "q 1", "b", "t"]);
    assert_eq!(texts(conn, others).await, before);
    run(conn, "DELETE FROM log; DELETE FROM c WHERE id = 3").await;
    assert_eq!(
        texts(conn, "SELECT what FROM log ORDER BY what").await,
        ["bracket", "plain", "quoted", "tick", "upper"]
    );
    run(conn, "DELETE FROM v WHERE id = 1; DELETE FROM other").await;
    assert_eq!(db.number("SELECT count(*) FROM c").await, 0);
}

/// A trigger or index that came after the audit would be lost with the old table.
async fn a1_a_trigger_that_came_since(db: TestDb) {
    for later in ["CREATE TRIGGER later AFTER DELETE ON C BEGIN SELECT 1; END", "CREATE INDEX later ON C (id, p)"] {
        let conn = &db.connect(1).await;
        for statement in [P, &C.replace("CASCADE", "RESTRICT"), "INSERT INTO p VALUES (1)"] {
            run(conn, statement).await;
        }
        let audit = graph().audit().run(conn).await.unwrap();
        run(conn, later).await;
        let script = audit.statements().into_iter().find(|sql| sql.contains("BEGIN IMMEDIATE")).unwrap().to_owned();
        let error = conn.execute_unprepared(&script).await.unwrap_err().to_string();
        assert!(error.contains("__cascade_unchanged.audit_again"), "{error}");
        assert_eq!(db.number("SELECT count(*) FROM sqlite_schema WHERE name = 'later'").await, 1);
        // Where nothing came, all of it is run, in its order.
        fix(conn, &graph().audit().run(conn).await.unwrap()).await;
        let audit = graph()
            .audit()
            .run(conn)
            .await
            .unwrap()
            .accept(|finding| matches!(finding.kind, FindingKind::Triggers { .. }));
        audit.expect_clean().unwrap();
        assert_eq!(db.number("SELECT count(*) FROM sqlite_schema WHERE name = 'later'").await, 1);
        run(conn, "DROP TABLE c; DROP TABLE p").await;
    }
}

/// It is one of the connection: no script makes it again on others.
async fn a1_a_temporary_trigger(db: TestDb) {
    let conn = &db.connect(1).await;
    let trigger = "CREATE TEMP TRIGGER mine AFTER DELETE ON main.C BEGIN SELECT 1; END";
    let schema = [P, &C.replace("CASCADE", "RESTRICT"), INDEX, trigger];
    let left = ["action_differs c.p", "triggers c"];
    let (first, _) = settle(conn, &graph(), &schema, &left, &left).await;
    assert!(text_of(&first.findings()[0].fix).contains("temporary"), "{first}");
}

entity!(sp "p" { #[sea_orm(column_type = "String(StringLen::N(20))", unique)] pub code: String, } []);
entity!(sc "c" { #[sea_orm(column_type = "String(StringLen::N(20))")] pub p: String, } [
    P = "super::sp::Entity", "Column::P", "super::sp::Column::Code", "Cascade"
]);

fn by_code() -> Graph {
    Graph::builder().entity(sp::Entity).entity(sc::Entity).build().unwrap()
}

/// InnoDB refuses the constraint (150) as long as they are as they are.
async fn a2_ends_that_no_constraint_joins(db: TestDb) {
    let conn = &db.connect(1).await;
    let expected = ["ends_differ c.p", "constraint_missing c.p"];
    for (parent, child) in [
        ("INT", "BIGINT"),
        ("BIGINT", "INT"),
        ("BIGINT", "INT UNSIGNED"),
        ("INT UNSIGNED", "INT"),
        ("MEDIUMINT", "SMALLINT UNSIGNED"),
        ("INT AUTO_INCREMENT", "BIGINT NOT NULL DEFAULT 5 COMMENT 'it''s'"),
    ] {
        let p = format!("CREATE TABLE p (id {parent} PRIMARY KEY)");
        let c = format!("CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p {child} NOT NULL, KEY (p))");
        let c = c.replace("NOT NULL DEFAULT 5 COMMENT 'it''s' NOT NULL", "NOT NULL DEFAULT 5 COMMENT 'it''s'");
        let rows = "INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1, 1), (2, 2)";
        settle(conn, &graph(), &[&p, &c, rows], &expected, &[]).await;
        assert_eq!(db.number("SELECT count(*) FROM c JOIN p ON p.id = c.p").await, 2, "{parent}, {child}");
        if child.contains("COMMENT") {
            let kept = "SELECT count(*) FROM information_schema.columns WHERE table_schema = database() \
                 AND ((table_name = 'p' AND extra = 'auto_increment') OR (column_comment = 'it''s' AND column_default = '5'))";
            assert_eq!(db.number(kept).await, 2);
        }
        run(conn, "DROP TABLE c; DROP TABLE p").await;
    }
    let utf8 = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci";
    for (parent, child) in [
        ("VARCHAR(20) CHARACTER SET latin1", format!("VARCHAR(30) {utf8}")),
        ("VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", format!("CHAR(20) {utf8}")),
        ("CHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", format!("VARCHAR(20) {utf8}")),
    ] {
        let p = format!("CREATE TABLE p (id BIGINT NOT NULL PRIMARY KEY, code {parent} NOT NULL UNIQUE)");
        let c = format!("CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p {child} NOT NULL, KEY (p))");
        let rows = "INSERT INTO p VALUES (1, 'a'); INSERT INTO c VALUES (1, 'a')";
        let (first, _) = settle(conn, &by_code(), &[&p, &c, rows], &expected, &[]).await;
        assert_eq!(first.findings()[0].severity, Severity::Error);
        run(conn, "DROP TABLE c; DROP TABLE p").await;
    }
    // Of a TEXT no index can be made.
    let p = format!("CREATE TABLE p (id BIGINT NOT NULL PRIMARY KEY, code VARCHAR(20) {utf8} NOT NULL UNIQUE)");
    let c = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p TEXT CHARACTER SET latin1 NOT NULL)";
    let expected = ["ends_differ c.p", "index_missing c.p", "constraint_missing c.p"];
    settle(conn, &by_code(), &[&p, c, "INSERT INTO p VALUES (1, 'a'); INSERT INTO c VALUES (1, 'a')"], &expected, &[])
        .await;
    run(conn, "DROP TABLE c; DROP TABLE p").await;
    let c = c.replace("latin1", "utf8mb4 COLLATE utf8mb4_general_ci");
    settle(conn, &by_code(), &[&p, &c, "INSERT INTO p VALUES (1, 'a'); INSERT INTO c VALUES (1, 'a')"], &expected, &[])
        .await;
    run(conn, "DROP TABLE c; DROP TABLE p").await;
    // A column that is made has the collation of its table or database, which may not be that of
    // the parent.
    let p = "CREATE TABLE p (id BIGINT NOT NULL PRIMARY KEY, code VARCHAR(20) CHARACTER SET latin1 NOT NULL UNIQUE)";
    let expected = ["table_missing c", "ends_differ c.p", "index_missing c.p", "constraint_missing c.p"];
    settle(conn, &by_code(), &[p], &expected, &[]).await;
    run(conn, "DROP TABLE c; DROP TABLE p").await;
    // What a person has to decide is said, and no statement is given that cannot work.
    let p = format!("CREATE TABLE p (id BIGINT NOT NULL PRIMARY KEY, code VARCHAR(20) {utf8} NOT NULL UNIQUE)");
    let c = format!("CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p TEXT {utf8} NOT NULL)");
    let all = p.replace("VARCHAR(20)", "TEXT").replace("NOT NULL UNIQUE", "NOT NULL");
    let left = ["referenced_key_not_unique c.p", "index_missing c.p", "constraint_missing c.p"];
    settle(conn, &by_code(), &[&all, &c], &left, &left).await;
    run(conn, "DROP TABLE c; DROP TABLE p").await;
    let c = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p ENUM('a', 'b') NOT NULL, KEY (p))";
    let left = ["ends_differ c.p", "constraint_missing c.p"];
    let (first, _) = settle(conn, &by_code(), &[&p, c], &left, &left).await;
    assert!(text_of(&first.findings()[1].fix).contains("one type"), "{first}");
    assert!(conn.execute_unprepared("ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p (code)").await.is_err());
}

entity!(second "second" { pub p: i64, } [P = "super::p::Entity", "Column::P", "super::p::Column::Id", "Cascade"]);

/// A column that a constraint holds cannot be changed (1833).
async fn a2_a_column_that_others_hold(db: TestDb) {
    let conn = &db.connect(1).await;
    let graph = Graph::builder().entity(p::Entity).entity(c::Entity).entity(second::Entity).build().unwrap();
    let second = "CREATE TABLE second (id BIGINT NOT NULL PRIMARY KEY, p INT NOT NULL, \
         FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)";
    let c = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL, KEY (p))";
    let schema = ["CREATE TABLE p (id INT NOT NULL PRIMARY KEY)", c, second, "INSERT INTO p VALUES (1)"];
    let expected = ["ends_differ c.p", "constraint_missing c.p"];
    settle(conn, &graph, &schema, &expected, &[]).await;
    run(conn, "DROP TABLE c; DROP TABLE second; DROP TABLE p").await;
    // Both children are of one type: the parent takes it.
    let second = "CREATE TABLE second (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL, KEY (p))";
    let schema = ["CREATE TABLE p (id INT NOT NULL PRIMARY KEY)", c, second, "INSERT INTO p VALUES (1)"];
    let expected = ["ends_differ c.p", "ends_differ second.p", "constraint_missing c.p", "constraint_missing second.p"];
    settle(conn, &graph, &schema, &expected, &[]).await;
    run(conn, "DROP TABLE c; DROP TABLE second; DROP TABLE p").await;
    // They are of two types: each fix fits the other.
    let second = "CREATE TABLE second (id BIGINT NOT NULL PRIMARY KEY, p SMALLINT NOT NULL, KEY (p))";
    let schema = ["CREATE TABLE p (id INT NOT NULL PRIMARY KEY)", c, second, "INSERT INTO p VALUES (1)"];
    settle(conn, &graph, &schema, &expected, &[]).await;
    run(conn, "DROP TABLE c; DROP TABLE second; DROP TABLE p").await;
    // A value that does not fit is an error, and nothing is cut.
    run(conn, "SET SESSION sql_mode = ''").await;
    for statement in [&schema[..3], &["INSERT INTO c VALUES (1, 9000000000)"]].concat() {
        run(conn, statement).await;
    }
    let audit = graph.audit().run(conn).await.unwrap();
    let mut failed = false;
    for statement in audit.statements() {
        if conn.execute_unprepared(statement).await.is_err() {
            failed = true;
            break;
        }
    }
    assert!(failed, "{audit}");
    assert_eq!(db.number("SELECT p FROM c").await, 9_000_000_000);
}

/// No statement is given that cannot work (1071, 4119).
async fn a2_a_key_that_is_too_long(db: TestDb) {
    let conn = &db.connect(1).await;
    let utf8 = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
    let p = format!("CREATE TABLE p (id BIGINT NOT NULL PRIMARY KEY, code VARCHAR(20) {utf8} NOT NULL UNIQUE)");
    let c = |length| format!("CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p VARCHAR({length}) {utf8} NOT NULL)");
    let expected = ["index_missing c.p", "constraint_missing c.p"];
    settle(conn, &by_code(), &[&p, &c(768)], &expected, &[]).await;
    run(conn, "DROP TABLE c; DROP TABLE p").await;
    settle(conn, &by_code(), &[&p, &c(769)], &expected, &expected).await;
    // MySQL refuses it, and MariaDB makes one of the beginning, which finds no row.
    let is_made = conn.execute_unprepared("CREATE INDEX c_p ON c (p)").await.is_ok();
    assert!(!is_made || summary(&by_code().audit().run(conn).await.unwrap()) == expected, "the reason holds");
    run(conn, "DROP TABLE c; DROP TABLE p").await;
    if db.number("SELECT version() LIKE '%MariaDB%'").await == 1 {
        let c = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p INT NOT NULL, KEY (p)) WITH SYSTEM VERSIONING";
        let left = ["ends_differ c.p", "constraint_missing c.p"];
        let (first, _) = settle(conn, &graph(), &[P, c], &left, &left).await;
        assert!(text_of(&first.findings()[0].fix).contains("history"), "{first}");
    }
}

async fn a3_partitions_have_no_keys(db: TestDb) {
    let conn = &db.connect(1).await;
    let in_parts = "PARTITION BY HASH (id) PARTITIONS 2";
    let bare = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL, KEY (p))";
    for (p, c) in [(P.to_owned(), format!("{bare} {in_parts}")), (format!("{P} {in_parts}"), bare.to_owned())] {
        let left = ["constraint_missing c.p"];
        let (first, _) = settle(conn, &graph(), &[&p, &c], &left, &left).await;
        assert!(text_of(&first.findings()[0].fix).contains("partitions"), "{first}");
        let add = "ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p (id)";
        assert!(conn.execute_unprepared(add).await.is_err(), "the reason holds");
        run(conn, "DROP TABLE c; DROP TABLE p").await;
    }
}

async fn a3_engines_without_transactions(db: TestDb) {
    let conn = &db.connect(1).await;
    let bare = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL, KEY (p))";
    let rows = "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1)";
    for engine in ["MyISAM", "MEMORY"] {
        for (p, c, table) in [
            (P.to_owned(), format!("{bare} ENGINE = {engine}"), "no_transactions c"),
            (format!("{P} ENGINE = {engine}"), bare.to_owned(), "no_transactions p"),
        ] {
            let (first, _) = settle(conn, &graph(), &[&p, &c, rows], &[table, "constraint_missing c.p"], &[]).await;
            assert_eq!(first.findings()[0].severity, Severity::Error);
            assert_eq!(db.number("SELECT count(*) FROM c JOIN p ON p.id = c.p").await, 1);
            run(conn, "DROP TABLE c; DROP TABLE p").await;
        }
    }
    // A constraint that is stated there is not kept.
    let c = format!("{C} ENGINE = MyISAM");
    settle(conn, &graph(), &[P, &c, INDEX, rows], &["no_transactions c", "constraint_missing c.p"], &[]).await;
    run(conn, "DROP TABLE c; DROP TABLE p").await;
    // One in partitions is for a person.
    let left = ["no_transactions c", "constraint_missing c.p"];
    let c = format!("{bare} ENGINE = Aria PARTITION BY HASH (id) PARTITIONS 2");
    if db.number("SELECT version() LIKE '%MariaDB%'").await == 1 {
        settle(conn, &graph(), &[P, &c], &left, &left).await;
    }
}

/// Every type that can be a key, and a column that refers to it.
mod mood {
    use sea_orm::entity::prelude::*;

    #[derive(Debug, Clone, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "trust_mood")]
    pub enum Mood {
        #[sea_orm(string_value = "good")]
        Good,
        #[sea_orm(string_value = "bad")]
        Bad,
    }
}
use mood::Mood;

macro_rules! every {
    ($($field:ident $ty:ty, $column_type:literal, $relation:ident, $from:literal, $to:literal;)*) => {
        entity!(every "every" {
            $(#[sea_orm(unique, column_type = $column_type)] pub $field: $ty,)*
            #[sea_orm(unique)]
            pub mood: super::Mood,
        } []);
        entity!(of_every "of_every" { $(#[sea_orm(column_type = $column_type)] pub $field: $ty,)* pub mood: super::Mood, } [
            $($relation = "super::every::Entity", $from, $to, "Cascade";)*
            ToMood = "super::every::Entity", "Column::Mood", "super::every::Column::Mood", "Cascade"
        ]);
    };
}
every! {
    tiny i8, "TinyInteger", ToTiny, "Column::Tiny", "super::every::Column::Tiny";
    small i16, "SmallInteger", ToSmall, "Column::Small", "super::every::Column::Small";
    int i32, "Integer", ToInt, "Column::Int", "super::every::Column::Int";
    big i64, "BigInteger", ToBig, "Column::Big", "super::every::Column::Big";
    tiny_u u8, "TinyUnsigned", ToTinyU, "Column::TinyU", "super::every::Column::TinyU";
    small_u u16, "SmallUnsigned", ToSmallU, "Column::SmallU", "super::every::Column::SmallU";
    int_u u32, "Unsigned", ToIntU, "Column::IntU", "super::every::Column::IntU";
    big_u u64, "BigUnsigned", ToBigU, "Column::BigU", "super::every::Column::BigU";
    flag bool, "Boolean", ToFlag, "Column::Flag", "super::every::Column::Flag";
    any String, "String(StringLen::None)", ToAny, "Column::Any", "super::every::Column::Any";
    short String, "String(StringLen::N(20))", ToShort, "Column::Short", "super::every::Column::Short";
    fixed String, "Char(Some(8))", ToFixed, "Column::Fixed", "super::every::Column::Fixed";
    bare String, "Char(None)", ToBare, "Column::Bare", "super::every::Column::Bare";
    day Date, "Date", ToDay, "Column::Day", "super::every::Column::Day";
    hour Time, "Time", ToHour, "Column::Hour", "super::every::Column::Hour";
    moment DateTime, "DateTime", ToMoment, "Column::Moment", "super::every::Column::Moment";
    stamp DateTimeUtc, "Timestamp", ToStamp, "Column::Stamp", "super::every::Column::Stamp";
    zoned DateTimeUtc, "TimestampWithTimeZone", ToZoned, "Column::Zoned", "super::every::Column::Zoned";
    uuid Uuid, "Uuid", ToUuid, "Column::Uuid", "super::every::Column::Uuid";
    bytes Vec<u8>, "VarBinary(StringLen::N(20))", ToBytes, "Column::Bytes", "super::every::Column::Bytes";
    padded Vec<u8>, "Binary(20)", ToPadded, "Column::Padded", "super::every::Column::Padded";
}

async fn a4_what_seaorm_makes_is_clean(db: TestDb) {
    if db.kind() == Kind::Postgres {
        db.sql("CREATE TYPE trust_mood AS ENUM ('good', 'bad')").await;
    }
    let tables = crate::support::Tables(tables![every, of_every].into_iter().collect());
    tables.create::<&str, &str>(&db.conn, Constraints::Declared, &[]).await;
    let audit = tables.graph().audit().counting_orphans().run(&db.conn).await.unwrap();
    let audit = audit.accept(|finding| matches!(finding.kind, FindingKind::IndexMissing { .. }));
    assert!(audit.is_clean(), "{audit}");
    assert_eq!(audit.checked().keys.len(), 22);
    // The same with what a fix makes.
    tables.drop(&db.conn).await;
    let conn = &db.connect(1).await;
    let audit = tables.graph().audit().run(conn).await.unwrap();
    fix(conn, &audit).await;
    let fixed = tables.graph().audit().counting_orphans().run(conn).await.unwrap();
    assert!(fixed.is_clean(), "{fixed}");
}

entity!(up "p" { #[sea_orm(unique)] pub code: Uuid, } []);
entity!(uc "c" { pub p: Uuid, } [P = "super::up::Entity", "Column::P", "super::up::Column::Code", "Cascade"]);

fn by_uuid() -> Graph {
    Graph::builder().entity(up::Entity).entity(uc::Entity).build().unwrap()
}

entity_with_key!(dp "p" {
    #[sea_orm(primary_key, auto_increment = false, column_type = "Decimal(Some((10, 2)))")]
    pub code: String,
} []);

/// The two tables with these types of `p.code` and `c.p`, joined by a constraint if one is given.
fn of_types(parent: &str, child: &str, is_joined: bool) -> [String; 2] {
    let joined = if is_joined { ", CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (code) ON DELETE CASCADE" } else { "" };
    [
        format!("CREATE TABLE p (id BIGINT NOT NULL PRIMARY KEY, code {parent} NOT NULL UNIQUE)"),
        format!("CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p {child} NOT NULL{joined})"),
    ]
}

const DROP: &str = "DROP TABLE c; DROP TABLE p";

/// What decides nothing is passed over.
async fn a4_what_is_harmless_is_clean(db: TestDb) {
    let conn = &db.connect(1).await;
    let texts: &[(&str, &str)] = match db.kind() {
        Kind::Sqlite => &[
            ("VARCHAR(20)", "TEXT"),
            ("CHARACTER(20)", "NVARCHAR"),
            ("TEXT COLLATE NOCASE", "VARCHAR(9) COLLATE nocase"),
            ("TEXT COLLATE BINARY", "TEXT"),
        ],
        Kind::Postgres => {
            run(conn, "CREATE DOMAIN code AS VARCHAR(20); CREATE DOMAIN codes AS code").await;
            &[
                ("VARCHAR(20)", "TEXT"),
                ("VARCHAR(80)", "VARCHAR(20)"),
                ("codes", "TEXT"),
                ("TEXT COLLATE \"C\"", "TEXT"),
                ("TEXT", "VARCHAR(20) COLLATE \"POSIX\""),
            ]
        }
        Kind::MariaDb | Kind::MySql => &[("VARCHAR(20)", "VARCHAR(80)"), ("CHAR(20)", "VARCHAR(20)")],
    };
    for (parent, child) in texts {
        let [p, c] = of_types(parent, child, true);
        settle(conn, &by_code(), &[&p, &c, INDEX], &[], &[]).await;
        run(conn, DROP).await;
    }
    let integers: &[(&str, &str)] = match db.kind() {
        Kind::Sqlite => &[("INTEGER", "INT"), ("BIGINT", "NUMERIC"), ("INT", "BIGINT COLLATE NOCASE")],
        Kind::Postgres => &[("BIGINT", "INTEGER"), ("SMALLINT", "BIGINT")],
        Kind::MariaDb | Kind::MySql => &[("INT", "INT"), ("INT(5) UNSIGNED", "INT UNSIGNED")],
    };
    for (parent, child) in integers {
        let p = format!("CREATE TABLE p (id {parent} NOT NULL PRIMARY KEY)");
        let c = C.replace("p BIGINT", &format!("p {child}"));
        settle(conn, &graph(), &[&p, &c, INDEX], &[], &[]).await;
        run(conn, DROP).await;
    }
    let uuids: &[(&str, &str)] = match db.kind() {
        Kind::Sqlite => &[("uuid_text", "BLOB"), ("UUID", "BINARY(16)"), ("uuid_text COLLATE NOCASE", "BLOB")],
        Kind::Postgres => &[("UUID", "UUID")],
        Kind::MariaDb => &[("BINARY(16)", "BINARY(16)"), ("BINARY(16)", "VARBINARY(16)"), ("UUID", "UUID")],
        Kind::MySql => &[("BINARY(16)", "BINARY(16)"), ("BINARY(16)", "VARBINARY(16)")],
    };
    for (parent, child) in uuids {
        let [p, c] = of_types(parent, child, true);
        settle(conn, &by_uuid(), &[&p, &c, INDEX], &[], &[]).await;
        run(conn, DROP).await;
    }
}

/// Each is found, and no statement is given that cannot work.
async fn a4_types_that_differ(db: TestDb) {
    let conn = &db.connect(1).await;
    let (types, ends, missing) = ("type_differs c", "ends_differ c.p", "constraint_missing c.p");
    let texts: &[(&str, &str, bool, &[&str])] = match db.kind() {
        Kind::Sqlite => &[
            ("TEXT", "TEXT COLLATE NOCASE", true, &[ends]),
            ("TEXT COLLATE NOCASE", "TEXT", true, &[ends]),
            ("TEXT", "INTEGER", true, &[types, ends]),
            ("TEXT", "STRING", true, &[types, ends]),
            ("STRING", "STRING", true, &[types, "type_differs p"]),
        ],
        Kind::Postgres => {
            let ci = "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)";
            run(conn, ci).await;
            &[
                ("TEXT", "TEXT COLLATE ci", true, &[ends]),
                ("TEXT COLLATE ci", "TEXT COLLATE \"C\"", true, &[ends]),
                ("TEXT COLLATE \"POSIX\"", "TEXT COLLATE \"C\"", true, &[ends]),
                ("TEXT", "CHAR(20)", false, &[types, ends, missing]),
                ("TEXT", "UUID", false, &[types, ends, missing]),
            ]
        }
        Kind::MariaDb | Kind::MySql => &[("VARCHAR(20)", "DATE", false, &[types, ends, missing])],
    };
    // PostgreSQL joins no columns from version 18 on of which one has a collation that is not
    // deterministic.
    let joins_any = db.kind() != Kind::Postgres
        || db.number("SELECT current_setting('server_version_num')::bigint").await < 180_000;
    let unjoined = [ends, missing];
    for (parent, child, is_joined, expected) in texts {
        let is_refused = !joins_any && (parent.ends_with("COLLATE ci") || child.ends_with("COLLATE ci"));
        let (is_joined, expected) = if is_refused { (&false, &unjoined[..]) } else { (is_joined, *expected) };
        let [p, c] = of_types(parent, child, *is_joined);
        settle(conn, &by_code(), &[&p, &c, INDEX], expected, expected).await;
        run(conn, DROP).await;
    }
    let both = [types, "type_differs p"];
    let integers: &[(&str, &str, &[&str])] = match db.kind() {
        Kind::Sqlite => &[("BIGINT", "TEXT", &[types, ends]), ("REAL", "REAL", &both)],
        Kind::Postgres => &[("BIGINT", "NUMERIC", &[types, ends, missing])],
        Kind::MariaDb | Kind::MySql => &[("BIGINT UNSIGNED", "BIGINT UNSIGNED", &both)],
    };
    for (parent, child, expected) in integers {
        let p = format!("CREATE TABLE p (id {parent} NOT NULL PRIMARY KEY)");
        let mut c = C.replace("p BIGINT", &format!("p {child}"));
        if expected.contains(&missing) {
            c = c.replace(", CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE", "");
        }
        settle(conn, &graph(), &[&p, &c, INDEX], expected, expected).await;
        run(conn, DROP).await;
    }
    let uuids: &[(&str, &str, bool, &[&str])] = match db.kind() {
        Kind::Sqlite => &[],
        Kind::Postgres => {
            &[("UUID", "VARCHAR(36)", false, &[types, ends, missing]), ("VARCHAR(36)", "VARCHAR(36)", true, &both)]
        }
        Kind::MariaDb => &[
            ("BINARY(16)", "UUID", false, &[ends, missing]),
            ("BINARY(16)", "CHAR(36)", false, &[types, ends, missing]),
        ],
        Kind::MySql => &[("BINARY(16)", "CHAR(36)", false, &[types, ends, missing])],
    };
    for (parent, child, is_joined, expected) in uuids {
        let [p, c] = of_types(parent, child, *is_joined);
        settle(conn, &by_uuid(), &[&p, &c, INDEX], expected, expected).await;
        run(conn, DROP).await;
    }
    if db.kind() == Kind::Postgres {
        let decimal = Graph::builder().entity(dp::Entity).build().unwrap();
        for (live, expected) in
            [("NUMERIC(20,5)", &["type_differs p"][..]), ("NUMERIC", &["type_differs p"]), ("NUMERIC(8,1)", &[])]
        {
            let p = format!("CREATE TABLE p (code {live} NOT NULL PRIMARY KEY)");
            settle(conn, &decimal, &[&p], expected, expected).await;
            run(conn, "DROP TABLE p").await;
        }
    }
}

/// SQLite stores any value in any column.
async fn a4_values_in_another_form(db: TestDb) {
    let conn = &db.connect(1).await;
    let [p, c] = of_types("uuid_text", "uuid_text", false);
    let rows =
        "INSERT INTO p VALUES (1, x'00112233445566778899aabbccddeeff'), (2, '00112233-4455-6677-8899-aabbccddeeff')";
    let left = ["stored_otherwise p", "constraint_missing c.p"];
    let schema = [&p, &c, INDEX, rows];
    for statement in schema {
        run(conn, statement).await;
    }
    let audit = by_uuid().audit().counting_orphans().run(conn).await.unwrap();
    assert_eq!(summary(&audit), left, "{audit}");
    let FindingKind::StoredOtherwise { column, rows, .. } = &audit.findings()[0].kind else { panic!("{audit}") };
    assert_eq!((column.as_str(), *rows), ("code", 1));
    run(conn, DROP).await;
    let rows = "INSERT INTO p VALUES (1), (1.5); INSERT INTO c VALUES (1, 1), (2, 'a')";
    let schema = [P, "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL)", INDEX, rows];
    for statement in schema {
        run(conn, statement).await;
    }
    let audit = graph().audit().counting_orphans().run(conn).await.unwrap();
    let expected = ["stored_otherwise c", "stored_otherwise p", "orphans c.p", "constraint_missing c.p"];
    assert_eq!(summary(&audit), expected, "{audit}");
}

/// A trigger for the DELETE of a row, and the function that PostgreSQL wants for it.
fn trigger(kind: Kind, name: &str, when: &str, table: &str) -> Vec<String> {
    match kind {
        Kind::Sqlite => vec![format!("CREATE TRIGGER {name} {when} ON {table} BEGIN SELECT 1; END")],
        Kind::Postgres => vec![
            "CREATE OR REPLACE FUNCTION nothing() RETURNS trigger AS $$ BEGIN RETURN coalesce(new, old); END $$ LANGUAGE plpgsql"
                .to_owned(),
            format!("CREATE TRIGGER {name} {when} ON {table} FOR EACH ROW EXECUTE FUNCTION nothing()"),
        ],
        Kind::MariaDb | Kind::MySql => vec![format!("CREATE TRIGGER {name} {when} ON {table} FOR EACH ROW SET @x = 1")],
    }
}

async fn a5_triggers(db: TestDb) {
    let conn = &db.connect(1).await;
    let nulls = Graph::builder().entity(p::Entity).entity(n::Entity).build().unwrap();
    let n = C.replace("p BIGINT NOT NULL", "p BIGINT NULL").replace("CASCADE", "SET NULL");
    for (graph, c, when, table, expected) in [
        (&graph(), C, "BEFORE DELETE", "p", &["triggers p"][..]),
        (&graph(), C, "AFTER DELETE", "c", &["triggers c"]),
        (&nulls, &n, "BEFORE UPDATE", "c", &["triggers c"]),
        // No delete changes a row of these, or adds one.
        (&graph(), C, "AFTER UPDATE", "p", &[]),
        (&graph(), C, "AFTER UPDATE", "c", &[]),
        (&nulls, &n, "AFTER INSERT", "c", &[]),
    ] {
        let made = trigger(db.kind(), "watch", when, table);
        let schema: Vec<&str> = [P, c, INDEX].into_iter().chain(made.iter().map(String::as_str)).collect();
        let (first, _) = settle(conn, graph, &schema, expected, expected).await;
        for finding in first.findings() {
            assert_eq!(finding.severity, Severity::Warning);
            assert!(finding.found.contains(&format!("watch ({when})")), "{first}");
        }
        let accepted = first.accept(|finding| matches!(finding.kind, FindingKind::Triggers { .. }));
        assert!(accepted.is_clean(), "{accepted}");
        run(conn, DROP).await;
    }
}

/// A trigger for rows of a partition is run when they go through its table.
async fn a5_triggers_of_parts(db: TestDb) {
    let conn = &db.connect(1).await;
    let parts = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL, \
         CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE) PARTITION BY RANGE (id); \
         CREATE TABLE c_low PARTITION OF c FOR VALUES FROM (0) TO (100)";
    for table in ["c", "c_low"] {
        let made = trigger(db.kind(), "watch", "BEFORE DELETE", table);
        let schema: Vec<&str> = [P, parts, INDEX].into_iter().chain(made.iter().map(String::as_str)).collect();
        let (first, _) = settle(conn, &graph(), &schema, &["triggers c"], &["triggers c"]).await;
        assert!(
            matches!(&first.findings()[0].kind, FindingKind::Triggers { triggers, .. } if triggers == &["watch"]),
            "{first}"
        );
        run(conn, DROP).await;
    }
    // One that is switched off is not run.
    let made = trigger(db.kind(), "watch", "BEFORE DELETE", "c");
    let off = "ALTER TABLE c DISABLE TRIGGER watch";
    let schema: Vec<&str> = [P, C, INDEX].into_iter().chain(made.iter().map(String::as_str)).chain([off]).collect();
    settle(conn, &graph(), &schema, &[], &[]).await;
}

async fn a5_rules(db: TestDb) {
    let conn = &db.connect(1).await;
    let rule = "CREATE RULE keep AS ON DELETE TO p DO INSTEAD NOTHING";
    let (first, _) = settle(conn, &graph(), &[P, C, INDEX, rule], &["rules p"], &["rules p"]).await;
    assert_eq!(first.findings()[0].severity, Severity::Error);
    run(conn, "DROP RULE keep ON p; CREATE RULE adds AS ON INSERT TO p DO ALSO NOTHING").await;
    graph().audit().run(conn).await.unwrap().expect_clean().unwrap();
}

/// It holds for some roles and not for others: the audit speaks of its own connection.
async fn a5_row_security(db: TestDb) {
    let conn = &db.connect(1).await;
    let role = format!("role_{}", db.url.rsplit('/').next().unwrap());
    for statement in [
        P,
        C,
        INDEX,
        &format!("CREATE ROLE {role}"),
        &format!("GRANT ALL ON p, c TO {role}"),
        "ALTER TABLE p ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY seen ON p FOR SELECT USING (true)",
        "CREATE POLICY gone ON p FOR DELETE USING (id < 10)",
        "ALTER TABLE c ENABLE ROW LEVEL SECURITY",
    ] {
        run(conn, statement).await;
    }
    graph().audit().run(conn).await.unwrap().expect_clean().unwrap();
    run(conn, &format!("SET ROLE {role}")).await;
    let audit = graph().audit().run(conn).await;
    run(conn, "RESET ROLE").await;
    run(conn, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    let audit = audit.unwrap();
    assert_eq!(summary(&audit), ["row_security c", "row_security p"], "{audit}");
    assert!(audit.to_string().contains("row security without a policy"), "{audit}");
    assert!(
        matches!(&audit.findings()[1].kind, FindingKind::RowSecurity { policies, .. } if policies == &["gone", "seen"])
    );
}

/// MySQL and MariaDB pass over SET NULL there, and the row goes on referring.
async fn a5_a_computed_key(db: TestDb) {
    let conn = &db.connect(1).await;
    let graph = Graph::builder().entity(p::Entity).entity(n::Entity).build().unwrap();
    let c = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT GENERATED ALWAYS AS (id + 0) STORED)";
    let left = ["constraint_missing c.p", "generated_column c.p"];
    let (first, _) = settle(conn, &graph, &[P, c, INDEX], &left, &left).await;
    assert_eq!(first.findings()[1].severity, Severity::Error);
    run(conn, DROP).await;
    // A row that goes with its parent may have what is computed.
    let c = c.replace("STORED", "STORED NOT NULL");
    let c = if db.kind().speaks_mysql() { c.replace("STORED NOT NULL", "STORED") } else { c };
    for statement in [P, &c, INDEX] {
        run(conn, statement).await;
    }
    let audit = self::graph().audit().run(conn).await.unwrap();
    assert!(!summary(&audit).contains(&"generated_column c.p".to_owned()), "{audit}");
}

/// A part of a table is the table to this: deleting its rows meets the constraint.
async fn a6_a_constraint_onto_a_part(db: TestDb) {
    let conn = &db.connect(1).await;
    let parts = "CREATE TABLE p (id BIGINT NOT NULL PRIMARY KEY) PARTITION BY RANGE (id); \
         CREATE TABLE p_low PARTITION OF p FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id); \
         CREATE TABLE p_lowest PARTITION OF p_low FOR VALUES FROM (0) TO (10)";
    let inherits = "CREATE TABLE p (id BIGINT NOT NULL PRIMARY KEY); \
         CREATE TABLE p_low (PRIMARY KEY (id)) INHERITS (p); CREATE TABLE p_lowest (PRIMARY KEY (id)) INHERITS (p_low)";
    let alone = Graph::builder().entity(p::Entity).build().unwrap();
    let left = Graph::builder().entity(p::Entity).leave_to_database(other::Entity).build().unwrap();
    for p in [parts, inherits] {
        for part in ["p_low", "p_lowest"] {
            let other = format!(
                "CREATE TABLE other (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL, \
                 CONSTRAINT other_p FOREIGN KEY (p) REFERENCES {part} (id) ON DELETE CASCADE)"
            );
            let expected = ["undeclared_reference other.p"];
            let (first, _) = settle(conn, &alone, &[p, &other], &expected, &expected).await;
            assert_eq!(first.findings()[0].severity, Severity::Error);
            assert!(first.findings()[0].found.contains(part), "{first}");
            left.audit().run(conn).await.unwrap().expect_clean().unwrap();
            run(conn, "DROP TABLE other; DROP TABLE p CASCADE").await;
        }
    }
}

/// Rows of a part of a table are the table's: its key finds and deletes them.
async fn a6_a_constraint_of_a_part(db: TestDb) {
    let conn = &db.connect(1).await;
    for action in ["CASCADE", "RESTRICT"] {
        for statement in [P, C, INDEX, "CREATE TABLE c_low () INHERITS (c); CREATE INDEX ON c_low (p)"] {
            run(conn, statement).await;
        }
        run(
            conn,
            &format!("ALTER TABLE c_low ADD CONSTRAINT low_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE {action}"),
        )
        .await;
        run(conn, "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1); INSERT INTO c_low VALUES (2, 1)").await;
        let audit = graph().audit().run(conn).await.unwrap();
        if action == "CASCADE" {
            audit.expect_clean().unwrap();
        } else {
            assert_eq!(summary(&audit), ["action_differs c.p"], "{audit}");
            let fix = "make constraint low_p of c_low, a part of the table, ON DELETE CASCADE";
            assert_eq!(text_of(&audit.findings()[0].fix), fix);
            let builder = Graph::builder().entity(p::Entity).entity(c::Entity).actions_from(conn).await.unwrap();
            let differ = "several constraints for c.p, with CASCADE and RESTRICT";
            assert!(builder.build().unwrap_err().to_string().contains(differ));
        }
        let preview = graph().delete_keys(p::Entity, [1]).preview(conn).await.unwrap();
        assert_eq!(preview.deleted(c::Entity), 2, "it shows them");
        run(conn, "DROP TABLE c CASCADE; DROP TABLE p").await;
    }
    // Where no key of the whole answers, no preview shows them.
    for statement in [P, "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL)", INDEX] {
        run(conn, statement).await;
    }
    run(conn, "CREATE TABLE c_low (q BIGINT REFERENCES p (id)) INHERITS (c)").await;
    let audit = graph().audit().run(conn).await.unwrap();
    assert!(summary(&audit).contains(&"undeclared_reference c_low.q".to_owned()), "{audit}");
}

entity!(other "other" { pub p: i64, } [P = "super::p::Entity", "Column::P", "super::p::Column::Id", "Cascade"]);
entity!(mp "p" { #[sea_orm(unique)] pub code: DateTime, } []);
entity!(mc "c" { pub p: DateTime, } [P = "super::mp::Entity", "Column::P", "super::mp::Column::Code", "Cascade"]);

/// A column is stated anew with all that was said of it.
async fn a7_defaults_survive(db: TestDb) {
    let conn = &db.connect(1).await;
    let by_time = Graph::builder().entity(mp::Entity).entity(mc::Entity).build().unwrap();
    let is_mysql = db.number("SELECT version() LIKE '%MariaDB%'").await == 0;
    for (graph, ty, said, is_told) in [
        (by_uuid(), "BINARY(16)", "DEFAULT x'41112233445566774849414243444546'", true),
        // MariaDB's catalogs have no byte that is no text, and MySQL's none behind a zero.
        (by_uuid(), "BINARY(16)", "DEFAULT x'f0112233445566778899aabbccddeeff'", is_mysql),
        (by_uuid(), "BINARY(16)", "DEFAULT x'00112233445566778899aabbccddeeff'", false),
        (by_uuid(), "BINARY(16)", "DEFAULT 'a'", !is_mysql),
        (by_code(), "VARCHAR(20)", "DEFAULT 'NULL'", true),
        (by_code(), "VARCHAR(20)", "DEFAULT '0x61'", true),
        (by_code(), "VARCHAR(20) CHARACTER SET utf8mb4", "DEFAULT '\u{1f600}'", false),
        (by_code(), "VARCHAR(20)", r"DEFAULT 'it''s \\ \'so\'' COMMENT 'a ''b'' \\'", true),
        (by_code(), "VARCHAR(20)", r"DEFAULT (concat('a', '\'', 'b'))", true),
        (by_code(), "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "DEFAULT ''", true),
        (by_time, "DATETIME(3)", "DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)", true),
    ] {
        let [p, c] = of_types(ty, &format!("{ty} NULL {said} /*"), false);
        let c =
            c.replace("/* NOT NULL", ", KEY (p), CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (code) ON DELETE CASCADE");
        for statement in [&p, &c] {
            run(conn, statement).await;
        }
        let line = async || {
            let row =
                conn.query_one_raw(Statement::from_string(conn.get_database_backend(), "SHOW CREATE TABLE c")).await;
            let text: Vec<u8> = row.unwrap().unwrap().try_get_by_index(1).unwrap();
            String::from_utf8_lossy(&text).lines().find(|line| line.trim().starts_with("`p`")).unwrap().to_owned()
        };
        let before = line().await;
        let audit = graph.audit().run(conn).await.unwrap();
        assert_eq!(summary(&audit), ["nullability_differs c.p"], "{ty} {said}: {audit}");
        if is_told {
            fix(conn, &audit).await;
            graph.audit().run(conn).await.unwrap().expect_clean().unwrap();
            // MySQL shows what is stated though it is that of the table.
            let own = " CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci";
            let bare = |line: &str| line.replace(" NOT NULL", "").replace(" NULL", "").replace(own, "");
            let after = line().await;
            assert_eq!(bare(&after), bare(&before.replace("DEFAULT NULL", "")), "{:?}", audit.statements());
            assert!(after.contains("NOT NULL"), "{after}");
        } else {
            assert!(text_of(&audit.findings()[0].fix).contains("SHOW CREATE TABLE"), "{audit}");
        }
        run(conn, DROP).await;
    }
}

mod user {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        #[sea_orm(has_many, via = "user_group")]
        pub groups: HasMany<super::group::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod group {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "groupings")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        #[sea_orm(has_many, via = "user_group")]
        pub users: HasMany<super::user::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod user_group {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "user_groups")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub group_id: i64,
        #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "Cascade")]
        pub user: BelongsTo<super::user::Entity>,
        #[sea_orm(belongs_to, from = "group_id", to = "id", on_delete = "Cascade")]
        pub group: BelongsTo<super::group::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// SeaORM has no relation for it, so that only the constraint of the table between the two tells of
/// it.
async fn a8_many_to_many(db: TestDb) {
    let conn = &db.connect(1).await;
    let graph = Graph::builder().entity(user::Entity).entity(group::Entity).build().unwrap();
    let between = "CREATE TABLE user_groups (user_id BIGINT NOT NULL, group_id BIGINT NOT NULL, PRIMARY KEY (user_id, group_id), \
         CONSTRAINT g_u FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE, \
         CONSTRAINT g_g FOREIGN KEY (group_id) REFERENCES groupings (id) ON DELETE CASCADE)";
    let schema = [
        "CREATE TABLE users (id BIGINT NOT NULL PRIMARY KEY)",
        "CREATE TABLE groupings (id BIGINT NOT NULL PRIMARY KEY)",
        between,
        "CREATE INDEX g_idx ON user_groups (group_id)",
    ];
    let expected = ["undeclared_reference user_groups.group_id", "undeclared_reference user_groups.user_id"];
    let (first, _) = settle(conn, &graph, &schema, &expected, &expected).await;
    assert!(first.findings().iter().all(|finding| finding.severity == Severity::Error));
    assert!(text_of(&first.findings()[0].fix).contains("GraphBuilder::entity"), "{first}");
    let builder = Graph::builder().entity(user::Entity).entity(group::Entity);
    let registered = builder.clone().entity(user_group::Entity).build().unwrap();
    registered.audit().counting_orphans().run(conn).await.unwrap().expect_clean().unwrap();
    let left = builder.leave_to_database(user_group::Entity).build().unwrap();
    left.audit().run(conn).await.unwrap().expect_clean().unwrap();
    // Without a constraint nothing tells of it.
    run(conn, "DROP TABLE user_groups").await;
    graph.audit().run(conn).await.unwrap().expect_clean().unwrap();
}

entity!(author "authors" {} []);
entity!(photo "photos" {} []);

mod article {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "articles")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::remark::Entity", on_condition = r#"super::remark::Column::Kind.eq("article")"#)]
        Remarks,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Remarks are of an article or of a photo, as their kind says.
mod remark {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "remarks")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub kind: String,
        pub of: i64,
        pub author: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::article::Entity",
            from = "Column::Of",
            to = "super::article::Column::Id",
            on_condition = r#"Column::Kind.eq("article")"#,
            on_delete = "Cascade",
            skip_fk
        )]
        Article,
        #[sea_orm(
            belongs_to = "super::photo::Entity",
            from = "Column::Of",
            to = "super::photo::Column::Id",
            on_condition = r#"Column::Kind.eq("photo")"#,
            on_delete = "Cascade",
            skip_fk
        )]
        Photo,
        #[sea_orm(
            belongs_to = "super::author::Entity",
            from = "Column::Author",
            to = "super::author::Column::Id",
            on_delete = "Cascade"
        )]
        Author,
    }

    impl Related<super::article::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Article.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Whatever the error advises can be done, and deletes nothing that belongs to others.
async fn advice_about_conditions_harms_nobody(db: TestDb) {
    let builder = || Graph::builder().entity(article::Entity).entity(photo::Entity).entity(author::Entity);
    let error = builder().entity(remark::Entity).build().unwrap_err().to_string();
    for relation in ["relation Article of remarks", "relation Photo of remarks", "relation Remarks of articles"] {
        assert!(error.contains(relation), "{error}");
    }
    assert!(error.contains("name remarks with `leave_to_database`"), "{error}");
    assert!(!error.contains("no belongs_to"), "{error}");
    for (graph, expected) in [
        (builder().leave_to_database(remark::Entity).build().unwrap(), "deleted articles 1"),
        (builder().entity(remark::Entity).leave_to_database(remark::Entity).build().unwrap(), "deleted articles 1"),
    ] {
        let all = crate::support::Tables(tables![article, photo, author, remark].into_iter().collect());
        let rows = [
            ("articles", "(1)"),
            ("photos", "(1)"),
            ("authors", "(7)"),
            ("remarks", "(1, 'article', 1, 7), (2, 'photo', 1, 7)"),
        ];
        all.create(&db.conn, Constraints::None, &rows).await;
        let outcome = graph.delete_keys(article::Entity, [1]).execute(&db.conn).await.unwrap();
        assert_eq!(outcome.to_string(), expected);
        assert_eq!(
            remark::Entity::find().all(&db.conn).await.unwrap().len(),
            2,
            "the program deletes those of its article"
        );
        all.drop(&db.conn).await;
    }
    // The plain keys of a table that is registered hold.
    let graph = builder().entity(remark::Entity).leave_to_database(remark::Entity).build().unwrap();
    assert_eq!(format!("{graph:?}"), r#"["remarks.author -> authors CASCADE"]"#);
}
