//! R6: all or nothing, whatever goes wrong.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use sea_orm::rbac::{RbacContext, RbacUserId};
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use sea_orm_cascade::ErrorKind;

use crate::support::{Case, Kind, TestDb};
use crate::{entity, tables, tests};

tests![
    a_trigger_that_raises_undoes_everything,
    a_future_dropped_at_any_await_changes_nothing,
    a_future_dropped_in_a_transaction_goes_with_it,
    a_lock_that_is_waited_for_too_long_is_transient,
    a_connection_cut_in_the_middle_changes_nothing,
    a_database_that_refuses_is_a_reference_from_outside,
    restricted_users_need_every_right,
    restricted_users_need_every_right_to_a_ring,
    an_unregistered_entity_is_refused,
];

entity!(a "a" {} []);
entity!(b "b" { pub a: i64, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade"]);
entity!(n "n" { pub a: Option<i64>, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "SetNull"]);

fn case() -> Case {
    Case::new(tables![a, b, n]).rows("a", "(1), (2)").rows("b", "(1, 1), (2, 1), (3, 2)").rows("n", "(1, 1), (2, 2)")
}

const BEFORE: &str = "a(1 2) b(1:1 2:1 3:2) n(1:1 2:2)";
const AFTER: &str = "a(2) b(3:2) n(1:- 2:2)";

// S33
async fn a_trigger_that_raises_undoes_everything(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    for statement in match db.kind() {
        Kind::Sqlite => &["CREATE TRIGGER stop BEFORE DELETE ON a BEGIN SELECT RAISE(ABORT, 'stop'); END"][..],
        Kind::Postgres => &[
            "CREATE FUNCTION stop() RETURNS trigger AS $$ BEGIN RAISE 'stop'; END $$ LANGUAGE plpgsql",
            "CREATE TRIGGER stop BEFORE DELETE ON a FOR EACH ROW EXECUTE FUNCTION stop()",
        ],
        Kind::MariaDb | Kind::MySql => &["CREATE TRIGGER stop BEFORE DELETE ON a FOR EACH ROW SIGNAL SQLSTATE '45000'"],
    } {
        db.sql(statement).await;
    }
    let deletion = case.graph().delete_keys(a::Entity, [1]);
    let error = deletion.execute(&db.conn).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Database(_)), "{error:?}");
    assert!(!error.is_transient() && !error.is_transaction_lost());
    assert_eq!(case.state(&db.conn).await, BEFORE);

    let transaction = db.conn.begin().await.unwrap();
    transaction.execute_unprepared("INSERT INTO a VALUES (9)").await.unwrap();
    deletion.execute(&transaction).await.unwrap_err();
    transaction.commit().await.unwrap();
    assert_eq!(case.state(&db.conn).await, BEFORE.replace("a(1 2)", "a(1 2 9)"), "earlier work commits");
}

/// Polls a future so many times and drops it then.
async fn cancelled_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

// S41
async fn a_future_dropped_at_any_await_changes_nothing(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    let deletion = case.graph().delete_keys(a::Entity, [1]).at_most(100);
    let mut cancelled = 0;
    for polls in 0.. {
        let result = cancelled_after(polls, deletion.execute(&db.conn)).await;
        let state = case.state(&db.conn).await;
        if let Some(outcome) = result {
            outcome.expect("nobody else is there");
            assert_eq!(state, AFTER);
            break;
        }
        cancelled += 1;
        if state == AFTER {
            // Dropped while the COMMIT was under way, which nothing calls back: all of it, not a
            // part.
            break;
        }
        assert_eq!(state, BEFORE, "dropped after {polls} polls");
    }
    assert!(cancelled > 0);
}

// The caller drops the future and then its transaction, and with it the connection (see the README
// on MySQL).
async fn a_future_dropped_in_a_transaction_goes_with_it(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    let deletion = case.graph().delete_keys(a::Entity, [1]);
    for polls in 0..20 {
        let pool = db.connect(1).await;
        let transaction = pool.begin().await.unwrap();
        let done = cancelled_after(polls, deletion.execute(&transaction)).await.is_some();
        drop(transaction);
        drop(pool);
        assert_eq!(case.state(&db.conn).await, BEFORE, "dropped after {polls} polls");
        if done {
            break;
        }
    }
}

async fn a_lock_that_is_waited_for_too_long_is_transient(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    let deletion = case.graph().delete_keys(a::Entity, [1]);
    let impatient = db.connect(1).await;
    impatient
        .execute_unprepared(match db.kind() {
            Kind::Sqlite => "PRAGMA busy_timeout = 50",
            Kind::Postgres => "SET lock_timeout = '50ms'",
            Kind::MariaDb | Kind::MySql => "SET innodb_lock_wait_timeout = 1",
        })
        .await
        .unwrap();
    let other = db.conn.begin().await.unwrap();
    other.execute_unprepared("UPDATE b SET a = 2 WHERE id = 3").await.unwrap();
    let locked = if db.kind() == Kind::Sqlite { "" } else { "UPDATE b SET a = 1 WHERE id = 2" };
    if !locked.is_empty() {
        other.execute_unprepared(locked).await.unwrap();
    }
    let error = deletion.execute(&impatient).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(matches!(error.kind(), ErrorKind::Database(_)));
    other.rollback().await.unwrap();
    assert_eq!(case.state(&db.conn).await, BEFORE);
    deletion.execute(&impatient).await.unwrap();
    assert_eq!(case.state(&db.conn).await, AFTER);
}

async fn a_connection_cut_in_the_middle_changes_nothing(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    let other = db.conn.begin().await.unwrap();
    other.execute_unprepared("UPDATE b SET a = 1 WHERE id = 2").await.unwrap();
    let pool = db.connect(1).await;
    let deletion = case.graph().delete_keys(a::Entity, [1]);
    let cut = async {
        db.somebody_waits().await;
        db.cut_waiting().await;
    };
    let (result, ()) = tokio::join!(deletion.execute(&pool), cut);
    let error = result.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Database(_)), "{error:?}");
    assert!(error.is_transaction_lost());
    other.rollback().await.unwrap();
    assert_eq!(case.state(&db.conn).await, BEFORE);
    deletion.execute(&pool).await.expect("the pool connects anew");
    assert_eq!(case.state(&db.conn).await, AFTER);
}

// A table of another program, which the graph does not know.
async fn a_database_that_refuses_is_a_reference_from_outside(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    for rule in ["RESTRICT", "NO ACTION"] {
        db.sql(&format!("CREATE TABLE foreigner (b BIGINT, FOREIGN KEY (b) REFERENCES b (id) ON DELETE {rule})")).await;
        db.sql("INSERT INTO foreigner VALUES (1)").await;
        let transaction = db.conn.begin().await.unwrap();
        let error = case.graph().delete_keys(a::Entity, [1]).execute(&transaction).await.unwrap_err();
        assert!(error.is_still_referenced() && error.is_transient(), "{error:?}");
        assert!(error.to_string().starts_with("another row still references a row to delete"));
        transaction.commit().await.unwrap();
        assert_eq!(case.state(&db.conn).await, BEFORE);
        db.sql("DROP TABLE foreigner").await;
    }
}

// S42
async fn restricted_users_need_every_right(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    sea_orm::rbac::schema::create_tables(&db.conn, sea_orm::rbac::schema::RbacCreateTablesParams::default())
        .await
        .unwrap();
    let mut rights = RbacContext::load(&db.conn).await.unwrap();
    rights.add_tables(&db.conn, &["a", "b", "n", "*"]).await.unwrap();
    rights.add_crud_permissions(&db.conn).await.unwrap();
    rights.add_roles(&db.conn, &["all", "some", "reader", "none"]).await.unwrap();
    let users = [(1, "all"), (2, "some"), (3, "reader"), (4, "none")];
    rights.assign_user_role(&db.conn, &users).await.unwrap();
    for role in ["all", "some", "reader"] {
        rights.add_role_permissions(&db.conn, role, &["select"], &["a", "b", "n"]).await.unwrap();
    }
    rights.add_role_permissions(&db.conn, "all", &["delete"], &["a", "b"]).await.unwrap();
    rights.add_role_permissions(&db.conn, "all", &["update"], &["n"]).await.unwrap();
    rights.add_role_permissions(&db.conn, "some", &["delete"], &["a"]).await.unwrap();
    rights.add_role_permissions(&db.conn, "some", &["update"], &["n"]).await.unwrap();
    db.conn.load_rbac().await.unwrap();

    let deletion = case.graph().delete_keys(a::Entity, [1]).at_most(10);
    let as_user = |user| db.conn.restricted_for(RbacUserId(user)).unwrap();
    for user in [2, 3] {
        let preview = deletion.preview(&as_user(user)).await.unwrap();
        assert_eq!(preview.outcome().total(), 4);
        let error = deletion.execute(&as_user(user)).await.unwrap_err();
        let ErrorKind::Forbidden { table, permission, .. } = error.kind() else { panic!("{error:?}") };
        assert!(permission == "delete" || permission == "update", "{permission}");
        assert!(["b", "n"].contains(&&**table), "{table}");
        assert_eq!(case.state(&db.conn).await, BEFORE);
    }
    let error = deletion.preview(&as_user(4)).await.unwrap_err();
    assert_eq!(error.to_string(), "the user of this connection lacks the permission `select` on a");
    // The schema may be looked at by anybody, rows not.
    let graph = case.graph();
    assert!(!graph.audit().run(&as_user(4)).await.unwrap().checked().keys.is_empty());
    let error = graph.audit().counting_orphans().run(&as_user(4)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Forbidden { permission, .. } if permission == "select"), "{error}");
    graph.audit().counting_orphans().run(&as_user(3)).await.unwrap();
    let outcome = deletion.execute(&as_user(1)).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted a 1, b 2; changed n.a 1 (SET NULL)");
    assert_eq!(case.state(&db.conn).await, AFTER);
}

// A ring of keys that cannot be NULL goes in one statement on PostgreSQL, and with a pragma on
// SQLite.
async fn restricted_users_need_every_right_to_a_ring(db: TestDb) {
    use super::cycles::{husband, wife};
    let case = Case::new(tables![husband, wife]).rows("husbands", "(1, 10), (2, 20)").rows("wives", "(10, 1), (20, 2)");
    // InnoDB would not delete it.
    case.create(&db, !db.kind().speaks_mysql(), false).await;
    sea_orm::rbac::schema::create_tables(&db.conn, sea_orm::rbac::schema::RbacCreateTablesParams::default())
        .await
        .unwrap();
    let mut rights = RbacContext::load(&db.conn).await.unwrap();
    rights.add_tables(&db.conn, &["husbands", "wives", "*"]).await.unwrap();
    rights.add_crud_permissions(&db.conn).await.unwrap();
    rights.add_roles(&db.conn, &["all", "husbands", "wives"]).await.unwrap();
    rights.assign_user_role(&db.conn, &[(1, "all"), (2, "husbands"), (3, "wives")]).await.unwrap();
    for (role, tables) in [("all", &["husbands", "wives"][..]), ("husbands", &["husbands"]), ("wives", &["wives"])] {
        rights.add_role_permissions(&db.conn, role, &["select"], &["husbands", "wives"]).await.unwrap();
        rights.add_role_permissions(&db.conn, role, &["delete"], tables).await.unwrap();
    }
    db.conn.load_rbac().await.unwrap();

    let deletion = case.graph().delete_keys(husband::Entity, [1]);
    let as_user = |user| db.conn.restricted_for(RbacUserId(user)).unwrap();
    let before = case.state(&db.conn).await;
    for (user, lacks) in [(2, "wives"), (3, "husbands")] {
        let error = deletion.execute(&as_user(user)).await.unwrap_err();
        let ErrorKind::Forbidden { table, permission, .. } = error.kind() else { panic!("{error:?}") };
        assert_eq!((table.as_str(), permission.as_str()), (lacks, "delete"));
        assert_eq!(case.state(&db.conn).await, before);
    }
    deletion.execute(&as_user(1)).await.unwrap();
    assert_eq!(case.state(&db.conn).await, "husbands(2:20) wives(20:2)");
}

async fn an_unregistered_entity_is_refused(db: TestDb) {
    let graph = Case::new(tables![a]).graph();
    for result in [
        graph.delete_keys(b::Entity, [1]).execute(&db.conn).await.map(|_| ()),
        graph.delete(<b::Entity as sea_orm::EntityTrait>::find()).preview(&db.conn).await.map(|_| ()),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.to_string(), "table b is not in the graph; register its entity with `GraphBuilder::entity`");
    }
}
