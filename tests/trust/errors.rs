//! E: what an error says of the transaction that it came from, and which rights are missing.

use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, TransactionTrait as _};
use sea_orm_cascade::service;
use sea_orm_cascade::{ErrorKind, Graph};

use crate::support::{Kind, TestDb};
use crate::{entity, tests};

tests![
    e1_a_record_that_has_changed_since_it_was_read,
    e2_a_trigger_that_rolls_back,
    e3_a_session_that_was_idle_too_long,
    e3_a_connection_that_was_ended,
    e4_what_a_cluster_says,
    e5_a_pool_without_a_free_connection,
    e6_a_right_that_is_missing,
];

entity!(a "a" {} []);
entity!(b "b" { pub a: i64, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade"]);

fn graph() -> Graph {
    Graph::builder().entity(a::Entity).entity(b::Entity).build().expect("the declarations work")
}

async fn make(db: &TestDb) {
    db.sql("CREATE TABLE a (id BIGINT NOT NULL PRIMARY KEY)").await;
    db.sql("CREATE TABLE b (id BIGINT NOT NULL PRIMARY KEY, a BIGINT NOT NULL)").await;
    db.sql("INSERT INTO a VALUES (1), (2)").await;
    db.sql("INSERT INTO b VALUES (1, 1)").await;
}

// MariaDB from 11.6 on ends the whole transaction then; before, where it is switched on, too.
async fn e1_a_record_that_has_changed_since_it_was_read(db: TestDb) {
    make(&db).await;
    let conn = db.connect(1).await;
    conn.execute_unprepared("SET innodb_snapshot_isolation = ON").await.unwrap();
    let transaction = conn.begin().await.unwrap();
    transaction.execute_unprepared("SELECT * FROM a").await.unwrap();
    transaction.execute_unprepared("INSERT INTO a VALUES (5)").await.unwrap();
    db.sql("UPDATE b SET a = 2").await;
    db.sql("DELETE FROM a WHERE id = 1").await;
    db.sql("INSERT INTO a VALUES (1)").await;
    let error = graph().delete_keys(a::Entity, [1]).execute(&transaction).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    // Whether it is gone is what can be seen of it.
    let is_there = transaction.execute_unprepared("ROLLBACK TO SAVEPOINT _sqlx_savepoint_1").await.is_ok();
    drop(transaction);
    assert_eq!(error.is_transaction_lost(), !is_there, "{error:?}");
    assert_eq!(db.number("SELECT count(*) FROM a WHERE id = 5").await, 0);
}

async fn e2_a_trigger_that_rolls_back(db: TestDb) {
    make(&db).await;
    let conn = db.connect(1).await;
    db.sql("CREATE TRIGGER no BEFORE DELETE ON b BEGIN SELECT RAISE(ABORT, 'no'); END").await;
    let transaction = conn.begin().await.unwrap();
    transaction.execute_unprepared("INSERT INTO a VALUES (5)").await.unwrap();
    let error = graph().delete_keys(a::Entity, [1]).execute(&transaction).await.unwrap_err();
    assert!(!error.is_transaction_lost(), "{error:?}");
    transaction.commit().await.unwrap();
    assert_eq!(db.number("SELECT count(*) FROM a").await, 3);

    db.sql("DROP TRIGGER no").await;
    db.sql("CREATE TRIGGER never BEFORE DELETE ON b BEGIN SELECT RAISE(ROLLBACK, 'no'); END").await;
    let transaction = conn.begin().await.unwrap();
    transaction.execute_unprepared("INSERT INTO a VALUES (6)").await.unwrap();
    let error = graph().delete_keys(a::Entity, [1]).execute(&transaction).await.unwrap_err();
    assert!(error.is_transaction_lost(), "{error:?}");
    drop(transaction);
    assert_eq!(db.number("SELECT count(*) FROM a").await, 3);

    // On a pool it is just an error, and the pool goes on.
    let conn = db.connect(1).await;
    let error = graph().delete_keys(a::Entity, [1]).execute(&conn).await.unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
    db.sql("DROP TRIGGER never").await;
    assert_eq!(graph().delete_keys(a::Entity, [1]).execute(&conn).await.unwrap().total(), 2);
    assert_eq!(db.number("SELECT count(*) FROM a").await, 2);
}

async fn e3_a_session_that_was_idle_too_long(db: TestDb) {
    make(&db).await;
    let conn = db.connect(1).await;
    conn.execute_unprepared("SET idle_in_transaction_session_timeout = '100ms'").await.unwrap();
    let transaction = conn.begin().await.unwrap();
    transaction.execute_unprepared("INSERT INTO a VALUES (5)").await.unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let error = graph().delete_keys(a::Entity, [1]).execute(&transaction).await.unwrap_err();
    assert!(error.is_transaction_lost(), "{error:?}");
    drop(transaction);
    assert_eq!(db.number("SELECT count(*) FROM a").await, 2);
}

async fn e3_a_connection_that_was_ended(db: TestDb) {
    make(&db).await;
    let conn = db.connect(1).await;
    let transaction = conn.begin().await.unwrap();
    transaction.execute_unprepared("INSERT INTO a VALUES (5)").await.unwrap();
    db.cut_others().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let error = graph().delete_keys(a::Entity, [1]).execute(&transaction).await.unwrap_err();
    assert!(error.is_transaction_lost(), "{error:?}");
    drop(transaction);
    assert_eq!(db.number("SELECT count(*) FROM a").await, 2);
}

/// The codes of clusters, as a trigger can give them.
async fn e4_what_a_cluster_says(db: TestDb) {
    make(&db).await;
    let signals = [
        (1047, "WSREP has not yet prepared node for application use", true),
        (3101, "Plugin instructed the server to rollback the current transaction.", true),
        (1180, "Got error 149 - 'Lock deadlock; Retry transaction' during COMMIT", true),
        (1180, "Got error 28 during COMMIT", false),
        (1644, "no", false),
    ];
    for (code, text, is_of_a_cluster) in signals {
        let text = text.replace('\'', "''");
        db.sql(&format!(
            "CREATE TRIGGER loses BEFORE DELETE ON b FOR EACH ROW \
             SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = '{text}'"
        ))
        .await;
        let error = graph().delete_keys(a::Entity, [1]).retries(0).execute(&db.conn).await.unwrap_err();
        assert_eq!(
            (error.is_transient(), error.is_transaction_lost()),
            (is_of_a_cluster, is_of_a_cluster),
            "{error:?}"
        );
        db.sql("DROP TRIGGER loses").await;
    }
    assert_eq!(graph().delete_keys(a::Entity, [1]).execute(&db.conn).await.unwrap().total(), 2);
}

async fn e5_a_pool_without_a_free_connection(db: TestDb) {
    make(&db).await;
    let mut options = ConnectOptions::new(db.url.clone());
    options.max_connections(1).acquire_timeout(Duration::from_millis(200)).sqlx_logging(false);
    let conn = Database::connect(options).await.unwrap();
    let held = conn.begin().await.unwrap();
    let start = std::time::Instant::now();
    let error = graph().delete_keys(a::Entity, [1]).execute(&conn).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(5), "it has waited already");
    held.rollback().await.unwrap();
    assert_eq!(graph().delete_keys(a::Entity, [1]).execute(&conn).await.unwrap().total(), 2);
}

async fn e6_a_right_that_is_missing(db: TestDb) {
    make(&db).await;
    let name = db.url.rsplit('/').next().unwrap_or_default().to_owned();
    let (user, host) = (format!("weak_{name}"), if db.kind() == Kind::Postgres { "" } else { "@'127.0.0.1'" });
    let create = if db.kind() == Kind::Postgres {
        format!("CREATE ROLE {user} LOGIN")
    } else {
        format!("CREATE USER {user}{host}")
    };
    db.sql(&create).await;
    let url = match db.kind() {
        Kind::Postgres => db.url.replacen("postgres@", &format!("{user}@"), 1),
        _ => db.url.replacen("root@", &format!("{user}@"), 1),
    };
    db.sql(&format!("GRANT SELECT, DELETE ON a TO {user}{host}")).await;
    db.sql(&format!("GRANT SELECT ON b TO {user}{host}")).await;
    let conn = Database::connect(url).await.unwrap();
    let deletion = graph().delete_keys(a::Entity, [1]);
    let error = deletion.execute(&conn).await.unwrap_err();
    assert!(error.is_forbidden(), "{error:?}");
    let expected = match db.kind() {
        // FOR UPDATE wants UPDATE there.
        Kind::Postgres => {
            "the user of this connection lacks a right on a; a delete needs SELECT and DELETE, UPDATE where it \
                           changes keys, and on PostgreSQL UPDATE also where it locks rows (FOR UPDATE)"
        }
        _ => "the user of this connection lacks the permission `DELETE` on",
    };
    assert!(error.to_string().starts_with(expected), "{error}");
    assert!(matches!(error.kind(), ErrorKind::Forbidden { .. }));
    let wrapped = service::Error::from(error);
    assert!(wrapped.is_forbidden() && wrapped.delete_error().is_some(), "{wrapped:?}");
    if db.kind() == Kind::Postgres {
        db.sql(&format!("GRANT UPDATE ON a TO {user}")).await;
        let error = deletion.execute(&conn).await.unwrap_err();
        assert!(error.to_string().starts_with("the user of this connection lacks a right on b"), "{error}");
    }
    db.sql(&format!("GRANT DELETE ON b TO {user}{host}")).await;
    assert_eq!(deletion.execute(&conn).await.unwrap().total(), 2);
    conn.close().await.unwrap();
    let drops = if db.kind() == Kind::Postgres {
        vec![format!("DROP OWNED BY {user}"), format!("DROP ROLE {user}")]
    } else {
        vec![format!("DROP USER {user}{host}")]
    };
    for drop in drops {
        db.sql(&drop).await;
    }
}
