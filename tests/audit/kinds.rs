//! Each kind of finding, on each database: it is found, its fix is run, and the audit is clean with
//! every row in place.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement, TransactionTrait as _};
use sea_orm_cascade::{Audit, FindingKind, Fix, Graph, Severity};

use super::{fix, run, summary};
use crate::support::{Kind, TestDb};
use crate::{entity, tests};

tests![
    nothing_differs,
    a_constraint_is_missing,
    every_other_action,
    an_action_that_innodb_cannot_tell,
    two_constraints_for_one_key,
    a_constraint_that_is_not_validated,
    a_constraint_that_is_switched_off,
    a_referenced_key_that_is_not_unique,
    an_index_is_missing,
    an_index_that_does_not_lead_with_the_key,
    an_index_of_some_rows,
    an_index_of_all_rows_with_a_value,
    an_index_that_is_invalid_or_off,
    a_composite_key_and_its_indexes,
    a_key_that_cannot_be_null,
    a_key_that_can_be_null,
    a_table_is_missing,
    a_column_is_missing,
    a_table_that_is_not_registered,
    a_key_that_is_not_declared,
    enforcement_is_off,
    a_chain_that_is_too_deep,
    a_tree_that_is_too_deep,
    orphans_by_each_rule,
    several_at_once,
    no_constraint_where_none_is_declared,
    a_table_of_another_database,
    a_partitioned_table,
    inside_a_transaction,
    a_view,
    an_attached_database,
    a_domain_that_is_not_null,
    orphans_of_a_table_called_like_an_alias,
    a_script_that_is_run_late,
    what_is_broken_elsewhere,
    a_type_that_is_not_there,
];

entity!(p "p" { #[sea_orm(column_type = "String(StringLen::N(20))", unique)] pub code: String, } []);
entity!(c "c" { pub p: i64, pub n: Option<i64>, } [
    P = "super::p::Entity", "Column::P", "super::p::Column::Id", "Cascade";
    N = "super::p::Entity", "Column::N", "super::p::Column::Id", "SetNull"
]);

const P: &str = "CREATE TABLE p (id BIGINT NOT NULL PRIMARY KEY, code VARCHAR(20) NOT NULL UNIQUE)";
const C: &str = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL, n BIGINT NULL, \
     CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE, \
     CONSTRAINT c_n FOREIGN KEY (n) REFERENCES p (id) ON DELETE SET NULL)";
const INDEXES: &str = "CREATE INDEX c_p_idx ON c (p); CREATE INDEX c_n_idx ON c (n)";
const ROWS: &str = "INSERT INTO p VALUES (1, 'a'), (2, 'b'); INSERT INTO c VALUES (1, 1, 2), (2, 2, NULL)";

fn graph() -> Graph {
    Graph::builder().entity(p::Entity).entity(c::Entity).build().unwrap()
}

/// The rows of both tables.
async fn rows(db: &DatabaseConnection) -> String {
    let text = if db.get_database_backend() == DbBackend::MySql { "CHAR" } else { "TEXT" };
    let mut all = Vec::new();
    for table in ["p", "c"] {
        let sql = format!("SELECT CAST(count(*) AS {text}) AS n, CAST(sum(id) AS {text}) AS s FROM {table}");
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        let number = |name| row.try_get::<Option<String>>("", name).unwrap().unwrap_or_default();
        all.push(format!("{table} {} {}", number("n"), number("s")));
    }
    all.join(", ")
}

/// Makes the schema, finds just that, fixes it, and finds nothing any more.
#[track_caller]
fn check<'a>(
    db: &'a TestDb,
    graph: &'a Graph,
    schema: &'a [&'a str],
    expected: &'a [&'a str],
) -> impl Future<Output = Audit> + 'a {
    let at = std::panic::Location::caller();
    async move {
        // SQLite takes an index that another connection has dropped for one that is there.
        let conn = &db.connect(1).await;
        for statement in schema {
            run(conn, statement).await;
        }
        let before = rows(conn).await;
        let audit = graph.audit().counting_orphans().run(conn).await.unwrap();
        assert_eq!(summary(&audit), expected, "{at}: {audit}");
        let json = serde_json::to_string(&audit).unwrap();
        assert_eq!(serde_json::from_str::<Audit>(&json).unwrap(), audit, "{at}");
        assert_eq!(audit.expect_clean().is_err(), !expected.is_empty());
        fix(conn, &audit).await;
        let fixed = graph.audit().counting_orphans().run(conn).await.unwrap();
        assert_eq!(summary(&fixed), [""; 0], "{at}: after {:?}: {fixed}", audit.statements());
        assert_eq!(rows(conn).await, before, "{at}: {:?}", audit.statements());
        run(conn, "DROP TABLE c; DROP TABLE p").await;
        audit
    }
}

async fn nothing_differs(db: TestDb) {
    let audit = check(&db, &graph(), &[P, C, INDEXES, ROWS], &[]).await;
    assert_eq!(audit.checked().tables, ["p", "c"]);
    assert_eq!(audit.checked().keys, ["c.p", "c.n"]);
    assert_eq!(audit.checked().orphans_of, ["c.p", "c.n"]);
    let clean = format!(
        "audit of {}: 2 tables and 2 foreign keys checked, orphans looked for by 2 keys: clean",
        audit.server()
    );
    assert_eq!(audit.to_string(), clean);
}

async fn a_constraint_is_missing(db: TestDb) {
    let c = C.replace(", CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE", "");
    let audit = check(&db, &graph(), &[P, &c, INDEXES, ROWS], &["constraint_missing c.p"]).await;
    assert_eq!(audit.findings()[0].severity, Severity::Warning);
    let error = audit.expect_clean().unwrap_err();
    assert!(error.is_audit_failed());
}

async fn every_other_action(db: TestDb) {
    for other in ["NO ACTION", "RESTRICT", "SET NULL", "SET DEFAULT"] {
        if other == "SET DEFAULT" && db.kind().speaks_mysql() {
            // It cannot be declared there.
            continue;
        }
        let mut c = C.replace("CASCADE", other);
        if other == "SET NULL" {
            c = c.replace("p BIGINT NOT NULL", "p BIGINT NULL");
        }
        let mut expected = vec!["action_differs c.p"];
        expected.extend((other == "SET NULL").then_some("nullability_differs c.p"));
        check(&db, &graph(), &[P, &c, INDEXES, ROWS], &expected).await;
    }
    let c = C.replace("SET NULL", "CASCADE ON UPDATE CASCADE");
    let audit = check(&db, &graph(), &[P, &c, INDEXES, ROWS], &["action_differs c.n"]).await;
    assert_eq!(audit.findings()[0].severity, Severity::Error);
    assert!(audit.statements().iter().any(|sql| sql.contains("ON UPDATE CASCADE")), "what is not its business stays");
}

entity!(x "c" { pub p: i64, pub n: Option<i64>, } [
    P = "super::p::Entity", "Column::P", "super::p::Column::Id", "NoAction";
    N = "super::p::Entity", "Column::N", "super::p::Column::Id", "Restrict"
]);

async fn an_action_that_innodb_cannot_tell(db: TestDb) {
    let graph = Graph::builder().entity(p::Entity).entity(x::Entity).build().unwrap();
    let c = C.replace("CASCADE", "RESTRICT").replace("SET NULL", "NO ACTION");
    let expected: &[&str] = match db.kind() {
        Kind::MariaDb | Kind::MySql => &[],
        Kind::Sqlite | Kind::Postgres => &["action_differs c.n", "action_differs c.p"],
    };
    check(&db, &graph, &[P, &c, INDEXES, ROWS], expected).await;
}

async fn two_constraints_for_one_key(db: TestDb) {
    let second = "CONSTRAINT c_q FOREIGN KEY (p) REFERENCES p (id) ON DELETE RESTRICT, CONSTRAINT c_n";
    let c = C.replace("CONSTRAINT c_n", second);
    check(&db, &graph(), &[P, &c, INDEXES, ROWS], &["action_differs c.p"]).await;
}

async fn a_constraint_that_is_not_validated(db: TestDb) {
    let c = C.replace(", CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE", "");
    let add = "ALTER TABLE c ADD CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE NOT VALID";
    check(&db, &graph(), &[P, &c, INDEXES, add, ROWS], &["constraint_not_validated c.p"]).await;
}

async fn a_constraint_that_is_switched_off(db: TestDb) {
    let expected = ["constraint_off c.n", "constraint_off c.p"];
    let for_replicas = "DO $$ DECLARE name text; BEGIN FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'c'::regclass \
         LOOP EXECUTE format('ALTER TABLE c ENABLE REPLICA TRIGGER %I', name); END LOOP; END $$";
    for off in ["ALTER TABLE p DISABLE TRIGGER ALL", for_replicas] {
        check(&db, &graph(), &[P, C, INDEXES, ROWS, off], &expected).await;
    }
}

entity!(by_code "c" { #[sea_orm(column_type = "String(StringLen::N(20))")] pub p: String, } [
    P = "super::p::Entity", "Column::P", "super::p::Column::Code", "Cascade"
]);

async fn a_referenced_key_that_is_not_unique(db: TestDb) {
    let graph = Graph::builder().entity(p::Entity).entity(by_code::Entity).build().unwrap();
    let p = P.replace(" UNIQUE", "");
    let c = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p VARCHAR(20) NOT NULL)";
    let rows = "CREATE INDEX c_p ON c (p); INSERT INTO p VALUES (1, 'a'); INSERT INTO c VALUES (1, 'a')";
    let expected = ["referenced_key_not_unique c.p", "constraint_missing c.p"];
    check(&db, &graph, &[&p, c, rows], &expected).await;
    let partial = "CREATE UNIQUE INDEX p_code ON p (code) WHERE id > 0";
    if !db.kind().speaks_mysql() {
        check(&db, &graph, &[&p, c, rows, partial], &expected).await;
        // It finds all, but a constraint cannot lead to it.
        let partial = "CREATE UNIQUE INDEX p_code ON p (code) WHERE code IS NOT NULL";
        check(&db, &graph, &[&p, c, rows, partial], &expected).await;
    }
}

entity!(unconstrained "c" { pub p: i64, } [
    P = "super::p::Entity", "Column::P", "super::p::Column::Id", "Cascade", skip_fk
]);

entity!(loose_by_code "c" { pub p: String, } [
    P = "super::p::Entity", "Column::P", "super::p::Column::Code", "Cascade", skip_fk
]);

/// On MariaDB and MySQL a constraint has an index, so that one can only be missing where there is
/// no constraint.
fn without_constraint() -> (Graph, &'static str) {
    let graph = Graph::builder().entity(p::Entity).entity(unconstrained::Entity).build().unwrap();
    (graph, "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL)")
}

const UNCONSTRAINED_ROWS: &str = "INSERT INTO p VALUES (1, 'a'); INSERT INTO c VALUES (1, 1)";

async fn no_constraint_where_none_is_declared(db: TestDb) {
    let (graph, c) = without_constraint();
    check(&db, &graph, &[P, c, "CREATE INDEX c_p ON c (p, id)", UNCONSTRAINED_ROWS], &[]).await;
    // One that is there all the same has to do what is declared.
    let c = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL, FOREIGN KEY (p) REFERENCES p (id))";
    let schema = [P, c, "CREATE INDEX c_p ON c (p)", UNCONSTRAINED_ROWS];
    check(&db, &graph, &schema, &["action_differs c.p"]).await;
}

async fn an_index_is_missing(db: TestDb) {
    let (graph, c) = without_constraint();
    check(&db, &graph, &[P, c, UNCONSTRAINED_ROWS], &["index_missing c.p"]).await;
    if !db.kind().speaks_mysql() {
        let expected = ["index_missing c.n", "index_missing c.p"];
        check(&db, &self::graph(), &[P, C, ROWS], &expected).await;
        // The name that a fix would take may be taken.
        let taken = "CREATE INDEX \"idx-c-p\" ON p (code)";
        check(&db, &self::graph(), &[P, C, ROWS, taken], &expected).await;
    }
}

async fn an_index_that_does_not_lead_with_the_key(db: TestDb) {
    let (graph, c) = without_constraint();
    let index = "CREATE INDEX c_id_p ON c (id, p)";
    let audit = check(&db, &graph, &[P, c, index, UNCONSTRAINED_ROWS], &["index_missing c.p"]).await;
    assert!(audit.to_string().contains("no index begins with it"), "{audit}");
}

async fn an_index_of_some_rows(db: TestDb) {
    let (graph, c) = without_constraint();
    let (graph, c, index, rows) = match db.kind() {
        Kind::Sqlite | Kind::Postgres => {
            (graph, c.to_owned(), "CREATE INDEX c_p ON c (p) WHERE id > 10", UNCONSTRAINED_ROWS)
        }
        // Of a text there can be the beginning only.
        Kind::MariaDb | Kind::MySql => (
            Graph::builder().entity(p::Entity).entity(loose_by_code::Entity).build().unwrap(),
            c.replace("p BIGINT", "p VARCHAR(20)"),
            "CREATE INDEX c_p ON c (p(3))",
            "INSERT INTO p VALUES (1, 'a'); INSERT INTO c VALUES (1, 'a')",
        ),
    };
    let audit = check(&db, &graph, &[P, &c, index, rows], &["index_missing c.p"]).await;
    let FindingKind::IndexMissing { unusable, .. } = &audit.findings()[0].kind else { panic!("{audit}") };
    let expected: &[&str] = if db.kind().speaks_mysql() { &[] } else { &["c_p"] };
    assert_eq!(unusable, expected);
}

async fn an_index_of_all_rows_with_a_value(db: TestDb) {
    let (graph, c) = without_constraint();
    let index = match db.kind() {
        Kind::Sqlite | Kind::Postgres => "CREATE INDEX c_p ON c (p) WHERE p IS NOT NULL",
        Kind::MariaDb | Kind::MySql => "CREATE INDEX c_p ON c (p DESC)",
    };
    check(&db, &graph, &[P, c, index, UNCONSTRAINED_ROWS], &[]).await;
}

async fn an_index_that_is_invalid_or_off(db: TestDb) {
    let (graph, c) = without_constraint();
    let index = "CREATE INDEX c_p ON c (p)";
    let off = match db.kind() {
        Kind::Postgres => "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'c_p'::regclass",
        Kind::MariaDb => "ALTER TABLE c ALTER INDEX c_p IGNORED",
        Kind::MySql => "ALTER TABLE c ALTER INDEX c_p INVISIBLE",
        Kind::Sqlite => unreachable!("none is"),
    };
    let audit = check(&db, &graph, &[P, c, UNCONSTRAINED_ROWS, index, off], &["index_missing c.p"]).await;
    let why = if db.kind() == Kind::Postgres { "is invalid" } else { "is switched off" };
    assert!(audit.to_string().contains(&format!("index c_p {why}")), "{audit}");
    assert!(!audit.statements()[0].contains("CREATE"), "{audit}");
}

crate::entity_with_key!(order_ "p" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
} []);
entity!(line "c" { pub tenant: i64, pub p: i64, } [
    P = "super::order_::Entity", "(Column::Tenant, Column::P)", "(super::order_::Column::Tenant, super::order_::Column::Id)",
    "Cascade"
]);

async fn a_composite_key_and_its_indexes(db: TestDb) {
    let graph = Graph::builder().entity(order_::Entity).entity(line::Entity).build().unwrap();
    let p = "CREATE TABLE p (tenant BIGINT NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (tenant, id))";
    let c = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, tenant BIGINT NOT NULL, p BIGINT NOT NULL, \
         CONSTRAINT c_fk FOREIGN KEY (tenant, p) REFERENCES p (tenant, id) ON DELETE CASCADE)";
    let rows = "INSERT INTO p VALUES (1, 1), (1, 2); INSERT INTO c VALUES (1, 1, 1), (2, 1, 2)";
    for index in ["CREATE INDEX c_p ON c (tenant, p, id)", "CREATE INDEX c_p ON c (p, tenant)"] {
        check(&db, &graph, &[p, c, rows, index], &[]).await;
    }
    if !db.kind().speaks_mysql() {
        for index in ["CREATE INDEX c_p ON c (tenant, id, p)", "CREATE INDEX c_p ON c (tenant)"] {
            check(&db, &graph, &[p, c, rows, index], &["index_missing c.(tenant, p)"]).await;
        }
    }
    let other = c.replace("CASCADE", "RESTRICT");
    check(&db, &graph, &[p, &other, rows, "CREATE INDEX c_p ON c (p, tenant)"], &["action_differs c.(tenant, p)"])
        .await;
    // Half a key is unique in itself, but a constraint wants the whole.
    let p = "CREATE TABLE p (tenant BIGINT NOT NULL, id BIGINT NOT NULL PRIMARY KEY)";
    let c = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, tenant BIGINT NOT NULL, p BIGINT NOT NULL)";
    let expected =
        ["referenced_key_not_unique c.(tenant, p)", "index_missing c.(tenant, p)", "constraint_missing c.(tenant, p)"];
    check(&db, &graph, &[p, c, rows], &expected).await;
}

async fn a_key_that_cannot_be_null(db: TestDb) {
    let c = C.replace("n BIGINT NULL", "n BIGINT NOT NULL").replace(", (2, 2, NULL)", "");
    let c = if db.kind().speaks_mysql() { c.replace("SET NULL", "NO ACTION") } else { c };
    let mut expected = vec!["nullability_differs c.n"];
    // InnoDB refuses SET NULL there.
    expected.extend((db.kind().speaks_mysql()).then_some("action_differs c.n"));
    let rows = ROWS.replace("NULL", "1");
    let audit = check(&db, &graph(), &[P, &c, INDEXES, &rows], &expected).await;
    assert_eq!(audit.findings()[0].severity, Severity::Error);
}

async fn a_key_that_can_be_null(db: TestDb) {
    let c = C.replace("p BIGINT NOT NULL", "p BIGINT NULL DEFAULT 1");
    let c = if db.kind().speaks_mysql() { c.replace("DEFAULT 1", "DEFAULT 1 COMMENT 'it''s'") } else { c };
    check(&db, &graph(), &[P, &c, INDEXES, ROWS], &["nullability_differs c.p"]).await;
    if db.kind().speaks_mysql() {
        // All else that is said of the column stays.
        db.sql(P).await;
        db.sql(&c).await;
        let audit = graph().audit().run(&db.conn).await.unwrap();
        fix(&db.conn, &audit).await;
        let same = "SELECT count(*) FROM information_schema.columns WHERE table_schema = database() \
             AND table_name = 'c' AND column_name = 'p' AND column_default = '1' AND column_comment = 'it''s'";
        assert_eq!(db.number(same).await, 1);
    }
    if db.kind() == Kind::MariaDb {
        // A check is a part of its column, which would be stated without it.
        db.sql("DROP TABLE c").await;
        db.sql(&c.replace("DEFAULT 1 COMMENT 'it''s'", "CHECK (p > 0)")).await;
        let audit = graph().audit().run(&db.conn).await.unwrap();
        assert!(matches!(audit.findings()[0].fix, Fix::ByHand { .. }), "{audit}");
    }
}

async fn a_table_is_missing(db: TestDb) {
    let audit = graph().audit().run(&db.conn).await.unwrap();
    let mut expected = vec!["table_missing c", "table_missing p"];
    if db.kind().speaks_mysql() {
        expected.extend(["index_missing c.n", "index_missing c.p", "constraint_missing c.n", "constraint_missing c.p"]);
    } else {
        expected.extend(["index_missing c.n", "index_missing c.p"]);
        let later = ["constraint_missing c.n", "constraint_missing c.p"];
        expected.extend(later.into_iter().filter(|_| db.kind() == Kind::Postgres));
    }
    assert_eq!(summary(&audit), expected, "{audit}");
    fix(&db.conn, &audit).await;
    let fixed = graph().audit().counting_orphans().run(&db.conn).await.unwrap();
    assert!(fixed.is_clean(), "{fixed}");
}

async fn a_column_is_missing(db: TestDb) {
    let c = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL, \
         CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)";
    let index = "CREATE INDEX c_p_idx ON c (p)";
    let rows = "INSERT INTO p VALUES (1, 'a'); INSERT INTO c VALUES (1, 1)";
    let expected = ["column_missing c", "index_missing c.n", "constraint_missing c.n"];
    check(&db, &graph(), &[P, c, index, rows], &expected).await;
    // What the rows that are there would be, nobody knows.
    let p = P.replace(", code VARCHAR(20) NOT NULL UNIQUE", "");
    for statement in [p.as_str(), C, INDEXES] {
        db.sql(statement).await;
    }
    let audit = graph().audit().run(&db.conn).await.unwrap();
    assert_eq!(summary(&audit), ["column_missing p"]);
    assert!(matches!(audit.findings()[0].fix, Fix::ByHand { .. }), "{audit}");
    db.sql("DROP TABLE c").await;
    db.sql("DROP TABLE p").await;
    // One that can be NULL is added, also where it is unique.
    let graph = Graph::builder().entity(named::Entity).build().unwrap();
    let rows = "CREATE TABLE c (id BIGINT); INSERT INTO p VALUES (1)";
    check(&db, &graph, &["CREATE TABLE p (id BIGINT NOT NULL PRIMARY KEY)", rows], &["column_missing p"; 2]).await;
}

entity!(named "p" {
    #[sea_orm(column_type = "String(StringLen::N(20))", unique)]
    pub code: Option<String>,
    pub remark: Option<String>,
} []);

entity!(other "other" { pub p: i64, } [P = "super::p::Entity", "Column::P", "super::p::Column::Id", "Cascade"]);

async fn a_table_that_is_not_registered(db: TestDb) {
    let other = "CREATE TABLE other (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL, \
         CONSTRAINT other_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)";
    for statement in [P, C, INDEXES, other, "CREATE INDEX other_p_idx ON other (p)"] {
        db.sql(statement).await;
    }
    let audit = graph().audit().run(&db.conn).await.unwrap();
    assert_eq!(summary(&audit), ["undeclared_reference other.p"], "{audit}");
    assert_eq!(audit.findings()[0].severity, Severity::Error);
    assert!(matches!(&audit.findings()[0].fix, Fix::Declaration { text, .. } if text.contains("GraphBuilder::entity")));
    let registered = Graph::builder().entity(p::Entity).entity(c::Entity).entity(other::Entity).build().unwrap();
    let fixed = registered.audit().counting_orphans().run(&db.conn).await.unwrap();
    assert!(fixed.is_clean(), "{fixed}");
    let left = Graph::builder().entity(p::Entity).entity(c::Entity).leave_to_database(other::Entity).build().unwrap();
    let fixed = left.audit().run(&db.conn).await.unwrap();
    assert!(fixed.is_clean(), "{fixed}");
    assert_eq!(fixed.checked().left_to_database, ["other"]);
    let accepted = audit.accept(|finding| finding.table == "other");
    assert!(accepted.is_clean());
    assert_eq!(accepted.accepted().len(), 1);
}

async fn a_key_that_is_not_declared(db: TestDb) {
    let more = "CONSTRAINT c_id FOREIGN KEY (id) REFERENCES p (id) ON DELETE NO ACTION, CONSTRAINT c_n";
    let c = C.replace("CONSTRAINT c_n", more);
    for statement in [P, &c, INDEXES] {
        db.sql(statement).await;
    }
    let audit = graph().audit().run(&db.conn).await.unwrap();
    assert_eq!(summary(&audit), ["undeclared_reference c.id"], "{audit}");
    assert_eq!(audit.findings()[0].severity, Severity::Warning);
    assert!(audit.to_string().contains("declare a belongs_to from c.id to p"), "{audit}");
}

async fn enforcement_is_off(db: TestDb) {
    for statement in [P, C, INDEXES, ROWS] {
        db.sql(statement).await;
    }
    let conn = db.connect(1).await;
    let off = match db.kind() {
        Kind::Sqlite => "PRAGMA foreign_keys = OFF",
        Kind::Postgres => "SET session_replication_role = replica",
        Kind::MariaDb | Kind::MySql => "SET SESSION foreign_key_checks = 0",
    };
    conn.execute_unprepared(off).await.unwrap();
    let audit = graph().audit().run(&conn).await.unwrap();
    assert_eq!(summary(&audit), ["enforcement_off "], "{audit}");
    conn.execute_unprepared(audit.statements()[0]).await.unwrap();
    assert!(graph().audit().run(&conn).await.unwrap().is_clean());
}

entity!(l00 "l00" {} []);

macro_rules! chain {
    ($($module:ident $table:literal $parent:literal $id:literal;)*) => {
        $(entity!($module $table { pub up: i64, } [Up = $parent, "Column::Up", $id, "Cascade"]);)*

        fn chain() -> Graph {
            let builder = Graph::builder().entity(l00::Entity);
            $(let builder = builder.entity($module::Entity);)*
            builder.build().unwrap()
        }
    };
}
chain! {
    l01 "l01" "super::l00::Entity" "super::l00::Column::Id";
    l02 "l02" "super::l01::Entity" "super::l01::Column::Id";
    l03 "l03" "super::l02::Entity" "super::l02::Column::Id";
    l04 "l04" "super::l03::Entity" "super::l03::Column::Id";
    l05 "l05" "super::l04::Entity" "super::l04::Column::Id";
    l06 "l06" "super::l05::Entity" "super::l05::Column::Id";
    l07 "l07" "super::l06::Entity" "super::l06::Column::Id";
    l08 "l08" "super::l07::Entity" "super::l07::Column::Id";
    l09 "l09" "super::l08::Entity" "super::l08::Column::Id";
    l10 "l10" "super::l09::Entity" "super::l09::Column::Id";
    l11 "l11" "super::l10::Entity" "super::l10::Column::Id";
    l12 "l12" "super::l11::Entity" "super::l11::Column::Id";
    l13 "l13" "super::l12::Entity" "super::l12::Column::Id";
    l14 "l14" "super::l13::Entity" "super::l13::Column::Id";
    l15 "l15" "super::l14::Entity" "super::l14::Column::Id";
    l16 "l16" "super::l15::Entity" "super::l15::Column::Id";
}

/// The database's own cascade goes through 15 tables in InnoDB, and this is the oracle for it.
async fn a_chain_that_is_too_deep(db: TestDb) {
    db.sql("CREATE TABLE l00 (id BIGINT NOT NULL PRIMARY KEY)").await;
    db.sql("INSERT INTO l00 VALUES (1)").await;
    for level in 1..=16 {
        let above = level - 1;
        db.sql(&format!(
            "CREATE TABLE l{level:02} (id BIGINT NOT NULL PRIMARY KEY, up BIGINT NOT NULL, CONSTRAINT l{level:02}_up \
             FOREIGN KEY (up) REFERENCES l{above:02} (id) ON DELETE CASCADE)"
        ))
        .await;
        db.sql(&format!("CREATE INDEX l{level:02}_up_idx ON l{level:02} (up)")).await;
        db.sql(&format!("INSERT INTO l{level:02} VALUES (1, 1)")).await;
    }
    let audit = chain().audit().run(&db.conn).await.unwrap();
    let expected: &[&str] = if db.kind().speaks_mysql() { &["cascade_too_deep l15.up"] } else { &[] };
    assert_eq!(summary(&audit), expected, "{audit}");
    if db.kind().speaks_mysql() {
        let error = db.conn.execute_unprepared("DELETE FROM l00").await.unwrap_err().to_string();
        let expected = if db.kind() == Kind::MySql { "3008" } else { "1296" };
        assert!(error.contains(expected), "{error}");
        // Without its first table the chain is as long as the database can.
        let transaction = db.conn.begin().await.unwrap();
        transaction.execute_unprepared("DELETE FROM l02").await.unwrap();
        transaction.rollback().await.unwrap();
    }
    fix(&db.conn, &audit).await;
    let fixed = chain().audit().counting_orphans().run(&db.conn).await.unwrap();
    assert!(fixed.is_clean(), "{fixed}");
}

entity!(tree "c" { pub p: Option<i64>, } [P = "super::tree::Entity", "Column::P", "super::tree::Column::Id", "Cascade"]);

async fn a_tree_that_is_too_deep(db: TestDb) {
    let graph = Graph::builder().entity(tree::Entity).build().unwrap();
    let c = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NULL, \
         CONSTRAINT c_p FOREIGN KEY (p) REFERENCES c (id) ON DELETE CASCADE)";
    let conn = &db.connect(1).await;
    let levels_max = if db.kind() == Kind::Sqlite { 1_000 } else { 15 };
    for (levels, expected) in [(levels_max / 2, 0), (levels_max / 2 + 1, 1), (levels_max * 2, 1)] {
        run(conn, c).await;
        run(conn, "CREATE INDEX c_p ON c (p)").await;
        let rows: Vec<String> = (2..=levels).map(|id| format!("({id}, {})", id - 1)).collect();
        run(conn, &format!("INSERT INTO c VALUES (1, NULL); INSERT INTO c VALUES {}", rows.join(", "))).await;
        assert!(graph.audit().run(conn).await.unwrap().is_clean(), "rows are not looked at unasked");
        let audit = graph.audit().counting_orphans().run(conn).await.unwrap();
        if db.kind() == Kind::Postgres {
            assert!(audit.is_clean() && audit.checked().depths_of.is_empty(), "{audit}");
        } else {
            assert_eq!(summary(&audit), &["cascade_too_deep c.p"][..expected], "{audit}");
            assert_eq!(audit.checked().depths_of, ["c.p"]);
        }
        fix(conn, &audit).await;
        let fixed = graph.audit().counting_orphans().run(conn).await.unwrap();
        assert!(fixed.is_clean(), "{fixed}");
        // A constraint that refuses is right then, and this is seen unasked.
        let fixed = graph.audit().run(conn).await.unwrap();
        assert!(fixed.is_clean(), "{fixed}");
        // What it advises does not stand in the way of a delete.
        let outcome = graph.delete_keys(tree::Entity, [1]).execute(conn).await.unwrap();
        assert_eq!(outcome.rows_deleted(), levels);
        run(conn, "DROP TABLE c").await;
    }
}

entity!(orphaned "c" {
    pub p: i64,
    pub n: Option<i64>,
    #[sea_orm(default_value = 1)]
    pub d: i64,
    pub x: i64,
} [
    P = "super::p::Entity", "Column::P", "super::p::Column::Id", "Cascade";
    N = "super::p::Entity", "Column::N", "super::p::Column::Id", "SetNull";
    D = "super::p::Entity", "Column::D", "super::p::Column::Id", "SetDefault";
    X = "super::p::Entity", "Column::X", "super::p::Column::Id", "NoAction"
]);

async fn orphans_by_each_rule(db: TestDb) {
    let graph = Graph::builder().entity(p::Entity).entity(orphaned::Entity).build().unwrap();
    let columns = "p BIGINT NOT NULL, n BIGINT NULL, d BIGINT NOT NULL DEFAULT 1, x BIGINT NOT NULL";
    db.sql(P).await;
    db.sql(&format!("CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, {columns})")).await;
    for column in ["p", "n", "d", "x"] {
        db.sql(&format!("CREATE INDEX c_{column} ON c ({column})")).await;
    }
    db.sql("INSERT INTO p VALUES (1, 'a')").await;
    let orphans =
        "(1, 1, 1, 1, 1), (2, 9, 1, 1, 1), (3, 1, 9, 1, 1), (4, 1, 1, 9, 1), (5, 1, 1, 1, 9), (6, 9, 9, 9, 9)";
    db.sql(&format!("INSERT INTO c VALUES {orphans}")).await;
    let keys = ["c.d", "c.n", "c.p", "c.x"];
    let of = |kind: &str| keys.iter().map(|key| format!("{kind} {key}")).collect::<Vec<_>>();
    let audit = graph.audit().counting_orphans().run(&db.conn).await.unwrap();
    assert_eq!(summary(&audit), [of("orphans"), of("constraint_missing")].concat(), "{audit}");
    let FindingKind::Orphans { rows, sample_keys, .. } = &audit.findings()[2].kind else { panic!("{audit}") };
    assert_eq!(
        (*rows, sample_keys.iter().map(ToString::to_string).collect::<Vec<_>>()),
        (2, vec!["2".into(), "6".into()])
    );
    assert!(matches!(audit.findings()[3].fix, Fix::ByHand { .. }), "{audit}");
    // What SQL cannot decide, a repair does; the rest is fixed as the audit says.
    graph.repair(orphaned::Entity).or_delete().execute(&db.conn).await.unwrap();
    let audit = graph.audit().counting_orphans().run(&db.conn).await.unwrap();
    assert_eq!(summary(&audit), of("constraint_missing"), "{audit}");
    db.sql("DELETE FROM c").await;
    db.sql(&format!("INSERT INTO c VALUES {}", orphans.replace("(5, 1, 1, 1, 9), (6, 9, 9, 9, 9)", "(6, 9, 9, 9, 1)")))
        .await;
    let audit = graph.audit().counting_orphans().run(&db.conn).await.unwrap();
    let statements: Vec<_> =
        audit.findings().iter().filter(|finding| matches!(finding.fix, Fix::ByHand { .. })).collect();
    if db.kind() == Kind::Sqlite {
        // It has no word for a default in an UPDATE.
        assert_eq!(statements.len(), 1, "{audit}");
        graph.repair(orphaned::Entity).execute(&db.conn).await.unwrap();
    } else {
        assert!(statements.is_empty(), "{audit}");
    }
    fix(&db.conn, &audit).await;
    let fixed = graph.audit().counting_orphans().run(&db.conn).await.unwrap();
    assert!(fixed.is_clean(), "{fixed}");
    assert_eq!(db.number("SELECT count(*) FROM c").await, 3);
    assert_eq!(db.number("SELECT count(*) FROM c WHERE (id = 3 AND n IS NULL) OR (id = 4 AND d = 1)").await, 2);
}

async fn several_at_once(db: TestDb) {
    let c = "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NULL, n BIGINT NOT NULL)";
    let rows = ROWS.replace("NULL", "1");
    let expected = [
        "nullability_differs c.n",
        "index_missing c.n",
        "index_missing c.p",
        "constraint_missing c.n",
        "constraint_missing c.p",
        "nullability_differs c.p",
    ];
    let audit = check(&db, &graph(), &[P, c, &rows], &expected).await;
    if db.kind() == Kind::Sqlite {
        assert_eq!(audit.statements().len(), 3, "the table is made anew once: {audit}");
    }
}

/// MySQL's and MariaDB's foreign keys lead from one database into another.
async fn a_table_of_another_database(db: TestDb) {
    let name = db.url.rsplit('/').next().unwrap();
    for statement in [
        P,
        C,
        INDEXES,
        &format!("CREATE DATABASE {name}_other"),
        &format!(
            "CREATE TABLE {name}_other.other (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL, \
             CONSTRAINT other_p FOREIGN KEY (p) REFERENCES {name}.p (id) ON DELETE CASCADE)"
        ),
    ] {
        db.sql(statement).await;
    }
    let audit = graph().audit().run(&db.conn).await;
    db.sql(&format!("DROP DATABASE {name}_other")).await;
    assert_eq!(summary(&audit.unwrap()), [format!("undeclared_reference {name}_other.other.p")]);
    assert!(graph().audit().run(&db.conn).await.unwrap().is_clean());
}

/// Partitions repeat the constraints and indexes of their table.
async fn a_partitioned_table(db: TestDb) {
    for statement in [
        P,
        "CREATE TABLE c (id BIGINT NOT NULL PRIMARY KEY, p BIGINT NOT NULL, n BIGINT NULL, \
         CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE, \
         CONSTRAINT c_n FOREIGN KEY (n) REFERENCES p (id) ON DELETE SET NULL) PARTITION BY RANGE (id)",
        "CREATE TABLE c_low PARTITION OF c FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE c_high PARTITION OF c FOR VALUES FROM (100) TO (200)",
        INDEXES,
        ROWS,
    ] {
        db.sql(statement).await;
    }
    let audit = graph().audit().counting_orphans().run(&db.conn).await.unwrap();
    assert!(audit.is_clean(), "{audit}");
    for (drift, expected) in [
        ("DROP INDEX c_p_idx", "index_missing c.p"),
        ("ALTER TABLE c DROP CONSTRAINT c_p", "constraint_missing c.p"),
        (
            "ALTER TABLE c DROP CONSTRAINT c_n, ADD CONSTRAINT c_n FOREIGN KEY (n) REFERENCES p (id)",
            "action_differs c.n",
        ),
        ("ALTER TABLE c_low DISABLE TRIGGER ALL", "constraint_off c.n"),
    ] {
        db.sql(drift).await;
        let audit = graph().audit().run(&db.conn).await.unwrap();
        assert_eq!(summary(&audit)[0], expected, "{audit}");
        fix(&db.conn, &audit).await;
        let fixed = graph().audit().run(&db.conn).await.unwrap();
        assert!(fixed.is_clean(), "{drift}: {fixed}");
    }
}

async fn inside_a_transaction(db: TestDb) {
    let mut transaction = db.conn.begin().await.unwrap();
    for statement in [P, C] {
        transaction.execute_unprepared(statement).await.unwrap();
    }
    if db.kind().speaks_mysql() {
        // It has committed with the first table.
        transaction.rollback().await.unwrap();
        transaction = db.conn.begin().await.unwrap();
    }
    let audit = graph().audit().counting_orphans().run(&transaction).await.unwrap();
    let expected: &[&str] = if db.kind().speaks_mysql() { &[] } else { &["index_missing c.n", "index_missing c.p"] };
    assert_eq!(summary(&audit), expected, "it sees what the transaction has made");
    transaction.rollback().await.unwrap();
}

/// A view has no constraints that could differ.
async fn a_view(db: TestDb) {
    let real = C.replace("TABLE c ", "TABLE real_c ");
    for statement in [P, &real, "CREATE VIEW c AS SELECT id, p, n FROM real_c"] {
        db.sql(statement).await;
    }
    let left = Graph::builder().entity(p::Entity).entity(c::Entity).leave_to_database(real_c::Entity).build().unwrap();
    let audit = left.audit().counting_orphans().run(&db.conn).await.unwrap();
    assert_eq!(summary(&audit), ["registered_view c"], "{audit}");
    assert!(audit.accept(|finding| matches!(finding.kind, FindingKind::RegisteredView)).is_clean());
    db.sql("DROP VIEW c").await;
    db.sql("CREATE VIEW c AS SELECT id, p FROM real_c").await;
    assert_eq!(summary(&left.audit().run(&db.conn).await.unwrap()), ["column_missing c", "registered_view c"]);
}

entity!(real_c "real_c" {} []);

mod attached {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "aux", table_name = "p")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub up: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "Entity", from = "Column::Up", to = "Column::Id", on_delete = "SetNull")]
        Up,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn an_attached_database(db: TestDb) {
    let conn = &db.connect(1).await;
    for statement in [
        "ATTACH ':memory:' AS aux",
        "CREATE TABLE main.p (id BIGINT NOT NULL PRIMARY KEY, other TEXT)",
        "CREATE TABLE aux.p (id BIGINT NOT NULL PRIMARY KEY, up BIGINT REFERENCES p (id) ON DELETE SET NULL)",
    ] {
        run(conn, statement).await;
    }
    let graph = Graph::builder().entity(attached::Entity).build().unwrap();
    let audit = graph.audit().run(conn).await.unwrap();
    assert_eq!(summary(&audit), ["index_missing aux.p.up"], "{audit}");
    fix(conn, &audit).await;
    assert!(graph.audit().run(conn).await.unwrap().is_clean());
    run(conn, "DROP TABLE aux.p; CREATE TABLE aux.p (id BIGINT NOT NULL PRIMARY KEY, up BIGINT REFERENCES p (id))")
        .await;
    let audit = graph.audit().run(conn).await.unwrap();
    assert_eq!(summary(&audit), ["index_missing aux.p.up", "action_differs aux.p.up"], "{audit}");
    // A script would meet the other table.
    assert!(matches!(audit.findings()[1].fix, Fix::ByHand { .. }), "{audit}");
}

async fn a_domain_that_is_not_null(db: TestDb) {
    let c = C.replace("p BIGINT NOT NULL", "p reference");
    check(&db, &graph(), &["CREATE DOMAIN reference AS BIGINT NOT NULL", P, &c, INDEXES, ROWS], &[]).await;
    // What the domain says, the column cannot take back.
    let c = C.replace("n BIGINT NULL", "n also");
    for statement in ["CREATE DOMAIN also AS reference", P, &c, INDEXES] {
        db.sql(statement).await;
    }
    let audit = graph().audit().run(&db.conn).await.unwrap();
    assert_eq!(summary(&audit), ["nullability_differs c.n"], "{audit}");
    assert!(matches!(audit.findings()[0].fix, Fix::ByHand { .. }), "{audit}");
}

entity!(tree_p "p" { pub up: Option<i64>, } [Up = "super::tree_p::Entity", "Column::Up", "super::tree_p::Column::Id", "Cascade"]);

async fn orphans_of_a_table_called_like_an_alias(db: TestDb) {
    let graph = Graph::builder().entity(tree_p::Entity).build().unwrap();
    for statement in [
        "CREATE TABLE p (id BIGINT NOT NULL PRIMARY KEY, up BIGINT NULL)",
        "CREATE INDEX p_up ON p (up)",
        "INSERT INTO p VALUES (1, NULL), (2, 1), (3, 2), (4, 99)",
    ] {
        db.sql(statement).await;
    }
    let audit = graph.audit().counting_orphans().run(&db.conn).await.unwrap();
    fix(&db.connect(1).await, &audit).await;
    assert_eq!(db.number("SELECT count(*) FROM p WHERE id <= 3").await, 3, "{audit}");
    assert_eq!(db.number("SELECT count(*) FROM p").await, 3, "{audit}");
}

/// What came since it was written would be lost.
async fn a_script_that_is_run_late(db: TestDb) {
    let conn = &db.connect(1).await;
    for statement in [P, &C.replace("CASCADE", "RESTRICT"), INDEXES, ROWS] {
        run(conn, statement).await;
    }
    let audit = graph().audit().run(conn).await.unwrap();
    run(conn, "ALTER TABLE c ADD COLUMN later TEXT; UPDATE c SET later = 'x'").await;
    let error = conn.execute_unprepared(audit.statements()[0]).await.unwrap_err().to_string();
    assert!(error.contains("__cascade_unchanged.audit_again"), "{error}");
    assert_eq!(db.number("SELECT count(*) FROM c WHERE later = 'x'").await, 2);
    let audit = graph().audit().run(conn).await.unwrap();
    assert_eq!(summary(&audit), ["action_differs c.p"], "the connection is as it was");
    fix(conn, &audit).await;
    assert!(graph().audit().run(conn).await.unwrap().is_clean());
    assert_eq!(db.number("SELECT count(*) FROM c WHERE later = 'x'").await, 2);
}

/// A view that cannot be read is not asked about.
async fn what_is_broken_elsewhere(db: TestDb) {
    let broken = "CREATE TABLE gone (a INT); CREATE VIEW broken AS SELECT a FROM gone; DROP TABLE gone";
    let conn = &db.connect(1).await;
    for statement in [P, C, INDEXES, broken] {
        run(conn, statement).await;
    }
    let audit = graph().audit().counting_orphans().run(conn).await.unwrap();
    assert!(audit.is_clean(), "{audit}");
}

mod listed {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "listed")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub tags: Option<Vec<String>>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Not every database has arrays.
async fn a_type_that_is_not_there(db: TestDb) {
    let graph = Graph::builder().entity(listed::Entity).build().unwrap();
    for (statement, expected) in [
        ("SELECT 1", "table_missing listed"),
        ("CREATE TABLE listed (id BIGINT NOT NULL PRIMARY KEY)", "column_missing listed"),
    ] {
        db.sql(statement).await;
        let audit = graph.audit().run(&db.conn).await.unwrap();
        assert_eq!(summary(&audit), [expected]);
        assert_eq!(matches!(audit.findings()[0].fix, Fix::ByHand { .. }), db.kind() != Kind::Postgres, "{audit}");
    }
}
