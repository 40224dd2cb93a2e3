//! Repairs of orphans: by each rule, guarded, bounded, looked at first, all or nothing.

use sea_orm::{ColumnTrait as _, ConnectionTrait as _, TransactionTrait as _};
use sea_orm_cascade::{ErrorKind, Graph, Repair};

use crate::support::{Constraints, Tables, TestDb};
use crate::{entity, tables, tests};

tests![
    by_each_rule,
    a_row_that_is_an_orphan_twice_goes_once,
    what_depends_on_orphans_goes_too,
    orphans_in_a_tree,
    young_rows_are_left_alone,
    no_more_than_allowed,
    only_what_was_shown,
    a_default_that_is_missing,
    orphans_by_a_rule_that_does_not_say,
    a_key_that_cannot_be_null,
    a_blocker_below_an_orphan,
    half_a_key_is_no_orphan,
    many_orphans_in_pages,
    inside_a_transaction,
    an_entity_that_is_not_registered,
    a_parent_that_comes_meanwhile,
    a_parent_that_comes_after_the_snapshot,
    the_keys_of_orphans,
];

entity!(p "p" {} []);
entity!(c "c" {
    pub p: i64,
    pub n: Option<i64>,
    #[sea_orm(default_value = 1)]
    pub d: i64,
    pub x: Option<i64>,
} [
    P = "super::p::Entity", "Column::P", "super::p::Column::Id", "Cascade";
    N = "super::p::Entity", "Column::N", "super::p::Column::Id", "SetNull";
    D = "super::p::Entity", "Column::D", "super::p::Column::Id", "SetDefault";
    X = "super::p::Entity", "Column::X", "super::p::Column::Id", "Restrict"
]);
entity!(below "below" { pub c: i64, } [C = "super::c::Entity", "Column::C", "super::c::Column::Id", "Cascade"]);

/// Tables with rows, none of which a constraint keeps from being an orphan.
async fn made(db: &TestDb, tables: impl IntoIterator<Item = crate::support::Table>, rows: &[(&str, &str)]) -> Tables {
    let tables = Tables(tables.into_iter().collect());
    tables.create(&db.conn, Constraints::None, rows).await;
    tables
}

/// Repairs, having looked, and gives what happened.
#[track_caller]
fn repaired<'a>(db: &'a TestDb, repair: &'a Repair) -> impl Future<Output = String> + 'a {
    let at = std::panic::Location::caller();
    async move {
        let preview = repair.preview(&db.conn).await.unwrap();
        let outcome = repair.clone().expecting(&preview).execute(&db.conn).await.unwrap();
        assert_eq!(preview.outcome(), &outcome, "{at}: S0");
        let again = repair.execute(&db.conn).await.unwrap();
        assert_eq!(again.to_string(), "nothing deleted", "{at}: nothing is left to repair");
        outcome.to_string()
    }
}

const ROWS: &str =
    "(1, 1, 1, 1, 1), (2, 9, 1, 1, 1), (3, 1, 9, 1, 1), (4, 1, 1, 9, 1), (5, 1, 1, 1, 9), (6, 1, NULL, 1, NULL)";

async fn by_each_rule(db: TestDb) {
    let tables = made(&db, tables![p, c], &[("p", "(1)"), ("c", ROWS)]).await;
    let repair = tables.graph().repair(c::Entity);
    let preview = repair.preview(&db.conn).await.unwrap();
    assert_eq!(
        preview.to_string(),
        "c: 1 row to delete\n\
         orphans by c.p: 1 row to delete\n\
         orphans by c.n: 1 row to change\n\
         orphans by c.d: 1 row to change\n\
         orphans by c.x: 1 row unchanged, because RESTRICT has no rule for orphans\n\
         total: 1 row deleted, 2 changed"
    );
    assert_eq!(
        preview.to_mermaid(),
        "flowchart TD\n    t0[\"c<br/>1 row to delete\"]\n    t1[\"p\"]\n    \
         t1 ==>|\"p CASCADE<br/>1 row without it\"| t0\n    \
         t1 -.->|\"n SET NULL<br/>1 row without it\"| t0\n    \
         t1 -.-o|\"d SET DEFAULT<br/>1 row without it\"| t0\n    \
         t1 ==x|\"x RESTRICT<br/>1 row without it\"| t0\n"
    );
    let json = serde_json::to_string(&preview).unwrap();
    assert_eq!(serde_json::from_str::<sea_orm_cascade::Preview>(&json).unwrap(), preview);
    let outcome = repaired(&db, &repair).await;
    assert_eq!(outcome, "deleted c 1; changed c.n 1 (SET NULL), c.d 1 (SET DEFAULT)");
    let left = "p(1) c(1:1:1:1:1 3:1:-:1:1 4:1:1:1:1 5:1:1:1:9 6:1:-:1:-)";
    assert_eq!(tables.state(&db.conn).await, left);
}

async fn a_row_that_is_an_orphan_twice_goes_once(db: TestDb) {
    let tables = made(&db, tables![p, c], &[("p", "(1)"), ("c", "(1, 9, 9, 9, 9), (2, 1, 8, 8, 1)")]).await;
    let outcome = repaired(&db, &tables.graph().repair(c::Entity)).await;
    assert_eq!(outcome, "deleted c 1; changed c.n 1 (SET NULL), c.d 1 (SET DEFAULT)");
    assert_eq!(tables.state(&db.conn).await, "p(1) c(2:1:-:1:1)");
}

async fn what_depends_on_orphans_goes_too(db: TestDb) {
    let rows = [("p", "(1)"), ("c", "(1, 9, 1, 1, 1), (2, 1, 1, 1, 1)"), ("below", "(1, 1), (2, 1), (3, 2)")];
    let tables = made(&db, tables![p, c, below], &rows).await;
    let outcome = repaired(&db, &tables.graph().repair(c::Entity)).await;
    assert_eq!(outcome, "deleted c 1, below 2");
    assert_eq!(tables.state(&db.conn).await, "p(1) c(2:1:1:1:1) below(3:2)");
}

entity!(tree "tree" { pub up: Option<i64>, pub also: Option<i64>, } [
    Up = "super::tree::Entity", "Column::Up", "super::tree::Column::Id", "Cascade";
    Also = "super::tree::Entity", "Column::Also", "super::tree::Column::Id", "SetNull"
]);

async fn orphans_in_a_tree(db: TestDb) {
    let rows = "(1, NULL, NULL), (2, 1, 9), (3, 9, 1), (4, 3, 1), (5, 4, 8), (6, 1, 4)";
    let tables = made(&db, tables![tree], &[("tree", rows)]).await;
    let outcome = repaired(&db, &tables.graph().repair(tree::Entity)).await;
    // 3, 4 and 5 go; 2 and 6 lose their other key, which led to nothing and to one that goes.
    assert_eq!(outcome, "deleted tree 3; changed tree.also 2 (SET NULL)");
    assert_eq!(tables.state(&db.conn).await, "tree(1:-:- 2:1:- 6:1:-)");
}

async fn young_rows_are_left_alone(db: TestDb) {
    let tables =
        made(&db, tables![p, c], &[("p", "(1)"), ("c", "(1, 9, 9, 1, 1), (2, 1, 9, 1, 1), (20, 9, 9, 1, 1)")]).await;
    let repair = tables.graph().repair(c::Entity).only(c::Column::Id.lt(100)).only(c::Column::Id.lt(10));
    assert_eq!(repaired(&db, &repair).await, "deleted c 1; changed c.n 1 (SET NULL)");
    assert_eq!(tables.state(&db.conn).await, "p(1) c(2:1:-:1:1 20:9:9:1:1)");
}

async fn no_more_than_allowed(db: TestDb) {
    let tables = made(&db, tables![p, c], &[("p", "(1)"), ("c", ROWS)]).await;
    let before = tables.state(&db.conn).await;
    let error = tables.graph().repair(c::Entity).at_most(2).execute(&db.conn).await.unwrap_err();
    assert!(error.is_too_many_rows(), "{error}");
    assert!(
        error.to_string().starts_with("3 rows would be deleted or changed in all, more than the 2 allowed"),
        "{error}"
    );
    assert_eq!(tables.state(&db.conn).await, before);
    tables.graph().repair(c::Entity).at_most(3).execute(&db.conn).await.unwrap();
}

async fn only_what_was_shown(db: TestDb) {
    let tables = made(&db, tables![p, c], &[("p", "(1)"), ("c", ROWS)]).await;
    let repair = tables.graph().repair(c::Entity);
    let preview = repair.preview(&db.conn).await.unwrap();
    db.sql("INSERT INTO c VALUES (7, 1, 9, 1, 1)").await;
    let before = tables.state(&db.conn).await;
    let error = repair.clone().expecting(&preview).execute(&db.conn).await.unwrap_err();
    assert!(error.is_changed(), "{error}");
    assert_eq!(tables.state(&db.conn).await, before);
}

async fn a_default_that_is_missing(db: TestDb) {
    let tables = made(&db, tables![p, c], &[("p", "(2)"), ("c", "(1, 2, 2, 9, 2), (2, 8, 2, 2, 2)")]).await;
    let before = tables.state(&db.conn).await;
    let repair = tables.graph().repair(c::Entity);
    let preview = repair.preview(&db.conn).await.unwrap();
    let error = repair.execute(&db.conn).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the delete is refused: 1 row of c would take the default of c.d, and no remaining row has that key, keys 1, path c"
    );
    assert_eq!(error.blockers(), preview.blockers());
    assert_eq!(tables.state(&db.conn).await, before);
}

async fn orphans_by_a_rule_that_does_not_say(db: TestDb) {
    for (delete, outcome, left) in
        [(true, "deleted c 1", "p(1) c(1:1:1:1:1)"), (false, "changed c.x 1 (SET NULL)", "p(1) c(1:1:1:1:1 2:1:1:1:-)")]
    {
        let tables = made(&db, tables![p, c], &[("p", "(1)"), ("c", "(1, 1, 1, 1, 1), (2, 1, 1, 1, 9)")]).await;
        let repair = tables.graph().repair(c::Entity);
        let repair = if delete { repair.or_delete() } else { repair.or_set_null() };
        assert_eq!(repaired(&db, &repair).await, outcome);
        assert_eq!(tables.state(&db.conn).await, left);
        tables.drop(&db.conn).await;
    }
}

entity!(strict "c" { pub p: i64, } [P = "super::p::Entity", "Column::P", "super::p::Column::Id", "NoAction"]);

async fn a_key_that_cannot_be_null(db: TestDb) {
    let tables = made(&db, tables![p, strict], &[("p", "(1)"), ("c", "(1, 9)")]).await;
    let error = tables.graph().repair(strict::Entity).or_set_null().preview(&db.conn).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Invalid(_)), "{error:?}");
    assert!(error.to_string().ends_with("c.p of orphans cannot be set to NULL: it is NOT NULL"), "{error}");
    assert_eq!(repaired(&db, &tables.graph().repair(strict::Entity).or_delete()).await, "deleted c 1");
}

entity!(loan "loan" { pub c: i64, } [C = "super::c::Entity", "Column::C", "super::c::Column::Id", "Restrict"]);

async fn a_blocker_below_an_orphan(db: TestDb) {
    let rows = [("p", "(1)"), ("c", "(1, 9, 1, 1, 1), (2, 1, 9, 1, 1)"), ("loan", "(1, 1)")];
    let tables = made(&db, tables![p, c, loan], &rows).await;
    let before = tables.state(&db.conn).await;
    let error = tables.graph().repair(c::Entity).execute(&db.conn).await.unwrap_err();
    assert_eq!(error.blockers()[0].foreign_key, "loan.c");
    assert_eq!(tables.state(&db.conn).await, before, "no key was set to NULL either");
}

crate::entity_with_key!(order_ "orders" {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
} []);
entity!(line "lines" { pub tenant: Option<i32>, pub number: Option<i32>, } [
    Order = "super::order_::Entity", "(Column::Tenant, Column::Number)",
    "(super::order_::Column::Tenant, super::order_::Column::Number)", "Cascade"
]);

// R9
async fn half_a_key_is_no_orphan(db: TestDb) {
    let rows = [("orders", "(1, 1)"), ("lines", "(1, 1, 1), (2, 1, 2), (3, 1, NULL), (4, NULL, 7)")];
    let tables = made(&db, tables![order_, line], &rows).await;
    assert_eq!(repaired(&db, &tables.graph().repair(line::Entity)).await, "deleted lines 1");
    assert_eq!(tables.state(&db.conn).await, "orders(1:1) lines(1:1:1 3:1:- 4:-:7)");
}

async fn many_orphans_in_pages(db: TestDb) {
    let tables = made(&db, tables![p, c], &[("p", "(1)")]).await;
    let rows = |first: u32| {
        let rows = (first..first + 6_000).map(|id| format!("({id}, {}, 9, 9, 1)", if id % 2 == 0 { 1 } else { 9 }));
        format!("INSERT INTO c VALUES {}", rows.collect::<Vec<_>>().join(", "))
    };
    for first in [1, 10_001, 20_001] {
        db.sql(&rows(first)).await;
    }
    let outcome = repaired(&db, &tables.graph().repair(c::Entity)).await;
    assert_eq!(outcome, "deleted c 9000; changed c.n 9000 (SET NULL), c.d 9000 (SET DEFAULT)");
}

async fn inside_a_transaction(db: TestDb) {
    let tables = made(&db, tables![p, c], &[("p", "(1)"), ("c", ROWS)]).await;
    let before = tables.state(&db.conn).await;
    let transaction = db.conn.begin().await.unwrap();
    let graph: Graph = tables.graph();
    graph.repair(c::Entity).at_most(1).execute(&transaction).await.unwrap_err();
    let outcome = graph.repair(c::Entity).execute(&transaction).await.unwrap();
    assert_eq!(outcome.total(), 3);
    transaction.rollback().await.unwrap();
    assert_eq!(tables.state(&db.conn).await, before);
}

async fn an_entity_that_is_not_registered(db: TestDb) {
    let graph = Graph::builder().entity(p::Entity).build().unwrap();
    let error = graph.repair(c::Entity).preview(&db.conn).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotRegistered { table, .. } if table == "c"), "{error:?}");
}

/// Rows are asked again when their locks were waited for.
async fn a_parent_that_comes_meanwhile(db: TestDb) {
    let tables = made(&db, tables![p, c], &[("p", "(1)"), ("c", "(1, 9, 9, 1, 1), (2, 1, 9, 1, 1)")]).await;
    let repair = tables.graph().repair(c::Entity);
    let other = db.conn.begin().await.unwrap();
    other.execute_unprepared("INSERT INTO p VALUES (9)").await.unwrap();
    other.execute_unprepared("UPDATE c SET x = 9").await.unwrap();
    let conn = db.connect(1).await;
    let repairing = tokio::spawn(async move { repair.execute(&conn).await });
    db.somebody_waits().await;
    other.commit().await.unwrap();
    let outcome = repairing.await.unwrap().unwrap();
    assert_eq!(outcome.to_string(), "nothing deleted");
    assert_eq!(tables.state(&db.conn).await, "p(1 9) c(1:9:9:1:9 2:1:9:1:9)");
}

/// MySQL's and MariaDB's transactions are REPEATABLE READ unless they say otherwise.
async fn a_parent_that_comes_after_the_snapshot(db: TestDb) {
    let tables = made(&db, tables![p, c], &[("p", "(1)"), ("c", "(1, 9, 9, 1, 1), (2, 1, 9, 1, 1)")]).await;
    let transaction = db.connect_reading_on().await.begin().await.unwrap();
    tables.state(&transaction).await;
    db.connect(1).await.execute_unprepared("INSERT INTO p VALUES (9)").await.unwrap();
    let outcome = tables.graph().repair(c::Entity).execute(&transaction).await.unwrap();
    assert_eq!(outcome.to_string(), "nothing deleted");
    transaction.commit().await.unwrap();
    assert_eq!(tables.state(&db.conn).await, "p(1 9) c(1:9:9:1:1 2:1:9:1:1)");
}

async fn the_keys_of_orphans(db: TestDb) {
    let rows = [("p", "(1)"), ("c", "(1, 9, 1, 1, 1), (2, 1, 1, 1, 1)"), ("below", "(1, 1), (2, 1), (3, 2)")];
    let tables = made(&db, tables![p, c, below], &rows).await;
    let repair = tables.graph().repair(c::Entity).keys_of(below::Entity).retries(2).retry_with_hooks();
    let outcome = repair.execute(&db.conn).await.unwrap();
    assert_eq!(outcome.key_values(below::Entity).iter().map(ToString::to_string).collect::<Vec<_>>(), ["1", "2"]);
}
