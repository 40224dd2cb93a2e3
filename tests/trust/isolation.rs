//! I: a caller's transaction of any isolation level leads neither to an orphan nor to a wrong
//! number. R: races without a constraint.

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, IsolationLevel, TransactionTrait as _};
use sea_orm_cascade::{Deletion, Error, ErrorKind, Graph, Outcome};

use crate::support::{Kind, TestDb};
use crate::{entity, tests};

tests![
    i1_a_restricting_row_that_came_after_the_snapshot,
    i2_children_that_came_after_the_snapshot,
    i3_children_without_a_constraint,
    i4_two_deletes_in_one_transaction,
    i5_every_shape_at_every_level,
    i6_a_repair_under_an_old_snapshot,
    r1_a_row_that_loses_the_key_by_which_it_goes,
    r2_the_row_of_a_default_goes_at_the_same_time,
];

entity!(user "users" {} []);
entity!(post "posts" { pub author: Option<i64>, } [
    Author = "super::user::Entity", "Column::Author", "super::user::Column::Id", "Cascade"
]);
entity!(comment "comments" { pub post: Option<i64>, } [
    Post = "super::post::Entity", "Column::Post", "super::post::Column::Id", "Cascade"
]);
entity!(vote "votes" { pub comment: Option<i64>, } [
    Comment = "super::comment::Entity", "Column::Comment", "super::comment::Column::Id", "SetNull"
]);
entity!(seal "seals" { pub post: Option<i64>, } [
    Post = "super::post::Entity", "Column::Post", "super::post::Column::Id", "Restrict"
]);
entity!(hold "holds" { pub comment: Option<i64>, } [
    Comment = "super::comment::Entity", "Column::Comment", "super::comment::Column::Id", "NoAction"
]);
entity!(reply "replies" { pub post: Option<i64>, pub up: Option<i64>, } [
    Post = "super::post::Entity", "Column::Post", "super::post::Column::Id", "Cascade";
    Up = "super::reply::Entity", "Column::Up", "super::reply::Column::Id", "Cascade"
]);
entity!(a "a" {} []);
entity!(b "b" { pub c: Option<i64>, pub n: Option<i64>, } [
    C = "super::a::Entity", "Column::C", "super::a::Column::Id", "Cascade";
    N = "super::a::Entity", "Column::N", "super::a::Column::Id", "NoAction"
]);
entity!(d "d" { #[sea_orm(default_value = 9)] pub a: Option<i64>, } [
    A = "super::a::Entity", "Column::A", "super::a::Column::Id", "SetDefault"
]);

/// The column of a key, its parent and its action.
type Key = (&'static str, &'static str, &'static str);

/// Each table with its keys, parents first.
const TABLES: [(&str, &[Key]); 7] = [
    ("users", &[]),
    ("posts", &[("author", "users", "CASCADE")]),
    ("comments", &[("post", "posts", "CASCADE")]),
    ("votes", &[("comment", "comments", "SET NULL")]),
    ("seals", &[("post", "posts", "RESTRICT")]),
    ("holds", &[("comment", "comments", "NO ACTION")]),
    ("replies", &[("post", "posts", "CASCADE"), ("up", "replies", "CASCADE")]),
];

async fn make(db: &TestDb, constrained: bool) {
    for (table, _) in TABLES.iter().rev() {
        db.sql(&format!("DROP TABLE IF EXISTS {table}")).await;
    }
    for (table, keys) in TABLES {
        let mut columns = vec!["id BIGINT NOT NULL PRIMARY KEY".to_owned()];
        columns.extend(keys.iter().map(|(column, ..)| format!("{} BIGINT", quoted(db, column))));
        let constraint = |(column, parent, action): &Key| {
            format!("FOREIGN KEY ({}) REFERENCES {parent} (id) ON DELETE {action}", quoted(db, column))
        };
        columns.extend(keys.iter().filter(|_| constrained).map(constraint));
        db.sql(&format!("CREATE TABLE {table} ({})", columns.join(", "))).await;
        for (column, ..) in keys {
            db.sql(&format!("CREATE INDEX {table}_{column} ON {table} ({})", quoted(db, column))).await;
        }
    }
    db.sql("INSERT INTO users VALUES (1), (2)").await;
    db.sql("INSERT INTO posts VALUES (1, 1), (2, 2)").await;
}

fn quoted(db: &TestDb, column: &str) -> String {
    if matches!(db.kind(), Kind::Sqlite | Kind::Postgres) { format!("\"{column}\"") } else { format!("`{column}`") }
}

fn graph() -> Graph {
    let builder = Graph::builder().entity(user::Entity).entity(post::Entity).entity(comment::Entity);
    let builder = builder.entity(vote::Entity).entity(seal::Entity).entity(hold::Entity).entity(reply::Entity);
    builder.build().expect("the declarations work")
}

/// A transaction of that level that has read something.
async fn snapshot(db: &TestDb, level: IsolationLevel) -> DatabaseTransaction {
    let transaction = db.connect_reading_on().await.begin_with_config(Some(level), None).await.unwrap();
    for (table, _) in TABLES {
        transaction.execute_unprepared(&format!("SELECT * FROM {table}")).await.unwrap();
    }
    transaction
}

/// No row refers to nothing.
async fn orphans(db: &TestDb) -> i64 {
    let mut orphans = 0;
    for (table, keys) in TABLES {
        for (column, parent, _) in keys {
            let column = quoted(db, column);
            orphans += db
                .number(&format!(
                    "SELECT count(*) FROM {table} AS c WHERE c.{column} IS NOT NULL \
                     AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE p.id = c.{column})"
                ))
                .await;
        }
    }
    orphans
}

/// PostgreSQL above READ COMMITTED does not see what came, and says so.
fn refuses(error: &Error, level: &str) -> bool {
    match error.kind() {
        ErrorKind::IsolationLevel { level: found, foreign_keys, .. } => found == level && !foreign_keys.is_empty(),
        _ => false,
    }
}

/// Executes it in a REPEATABLE READ transaction after others have committed this, and commits.
async fn after(db: &TestDb, deletion: &Deletion, others: &[&str]) -> Result<Outcome, Error> {
    let transaction = snapshot(db, IsolationLevel::RepeatableRead).await;
    for other in others {
        db.sql(other).await;
    }
    let result = deletion.execute(&transaction).await;
    transaction.commit().await.unwrap();
    result
}

async fn i1_a_restricting_row_that_came_after_the_snapshot(db: TestDb) {
    let deletion = graph().delete_keys(user::Entity, [1]);
    for (other, key) in [
        (&["INSERT INTO seals VALUES (1, 1)"][..], "seals.post"),
        (&["INSERT INTO comments VALUES (1, 1)", "INSERT INTO holds VALUES (1, 1)"], "holds.comment"),
    ] {
        make(&db, false).await;
        let error = after(&db, &deletion, other).await.unwrap_err();
        if db.kind() == Kind::Postgres {
            assert!(refuses(&error, "repeatable read"), "{error:?}");
        } else {
            assert_eq!(error.blockers().iter().map(|blocker| &*blocker.foreign_key).collect::<Vec<_>>(), [key]);
        }
        assert_eq!((db.number("SELECT count(*) FROM users").await, orphans(&db).await), (2, 0));
    }
}

const CAME: [&str; 4] = [
    "INSERT INTO posts VALUES (3, 1)",
    "INSERT INTO comments VALUES (1, 3)",
    "INSERT INTO votes VALUES (1, 1)",
    "INSERT INTO replies VALUES (1, 3, NULL), (2, NULL, 1)",
];

async fn i2_children_that_came_after_the_snapshot(db: TestDb) {
    make(&db, true).await;
    let result = after(&db, &graph().delete_keys(user::Entity, [1]), &CAME).await;
    if db.kind() == Kind::Postgres {
        // The constraint notices them, and the database says that it cannot go on.
        let error = result.unwrap_err();
        assert!(error.is_transient() || error.is_still_referenced(), "{error:?}");
        assert_eq!((db.number("SELECT count(*) FROM users").await, orphans(&db).await), (2, 0));
        return;
    }
    assert_eq!(
        result.unwrap().to_string(),
        "deleted users 1, posts 2, comments 1, replies 2; changed votes.comment 1 (SET NULL)"
    );
    assert_eq!((db.number("SELECT count(*) FROM users").await, orphans(&db).await), (1, 0));
}

async fn i3_children_without_a_constraint(db: TestDb) {
    make(&db, false).await;
    let result = after(&db, &graph().delete_keys(user::Entity, [1]), &CAME).await;
    if db.kind() == Kind::Postgres {
        assert!(refuses(&result.unwrap_err(), "repeatable read"));
        assert_eq!((db.number("SELECT count(*) FROM users").await, orphans(&db).await), (2, 0));
        return;
    }
    assert_eq!(
        result.unwrap().to_string(),
        "deleted users 1, posts 2, comments 1, replies 2; changed votes.comment 1 (SET NULL)"
    );
    assert_eq!((db.number("SELECT count(*) FROM users").await, orphans(&db).await), (1, 0));
}

async fn i4_two_deletes_in_one_transaction(db: TestDb) {
    make(&db, false).await;
    let transaction = db.connect_reading_on().await.begin().await.unwrap();
    transaction.execute_unprepared("SELECT * FROM holds").await.unwrap();
    db.sql("INSERT INTO comments VALUES (7, 2)").await;
    db.sql("INSERT INTO holds VALUES (1, 7)").await;
    let first = graph().delete_keys(user::Entity, [1]).execute(&transaction).await.unwrap();
    assert_eq!(first.to_string(), "deleted users 1, posts 1");
    let error = graph().delete_keys(user::Entity, [2]).execute(&transaction).await.unwrap_err();
    assert!(error.is_blocked(), "{error:?}");
    transaction.commit().await.unwrap();
    assert_eq!((db.number("SELECT count(*) FROM users").await, orphans(&db).await), (1, 0));
}

async fn i5_every_shape_at_every_level(db: TestDb) {
    let levels = [
        IsolationLevel::ReadUncommitted,
        IsolationLevel::ReadCommitted,
        IsolationLevel::RepeatableRead,
        IsolationLevel::Serializable,
    ];
    for constrained in [true, false] {
        for level in levels {
            make(&db, constrained).await;
            for row in CAME {
                db.sql(row).await;
            }
            let transaction = snapshot(&db, level).await;
            let is_waited_for = level == IsolationLevel::Serializable && db.kind() != Kind::Postgres;
            if !is_waited_for {
                db.sql("INSERT INTO comments VALUES (5, 3)").await;
            }
            let result = graph().delete_keys(user::Entity, [1]).execute(&transaction).await;
            transaction.commit().await.unwrap();
            let is_above = db.kind() == Kind::Postgres
                && matches!(level, IsolationLevel::RepeatableRead | IsolationLevel::Serializable);
            match result {
                Ok(outcome) => {
                    assert!(!is_above, "{level:?}: {outcome}");
                    let comments = if is_waited_for { 1 } else { 2 };
                    assert_eq!(outcome.deleted(comment::Entity), comments, "{constrained}, {level:?}: {outcome}");
                }
                Err(error) if constrained => {
                    assert!(is_above && (error.is_transient() || error.is_still_referenced()), "{level:?}: {error:?}");
                }
                Err(error) => {
                    let is_it = matches!(error.kind(), ErrorKind::IsolationLevel { .. });
                    assert!(is_above && is_it, "{level:?}: {error:?}");
                }
            }
            assert_eq!(orphans(&db).await, 0, "{constrained}, {level:?}");
        }
    }
}

// A parent that came after the snapshot is there.
async fn i6_a_repair_under_an_old_snapshot(db: TestDb) {
    make(&db, false).await;
    db.sql("INSERT INTO comments VALUES (1, 77)").await;
    let transaction = snapshot(&db, IsolationLevel::RepeatableRead).await;
    db.sql("INSERT INTO posts VALUES (77, 1)").await;
    let result = graph().repair(comment::Entity).execute(&transaction).await;
    transaction.commit().await.unwrap();
    match result {
        Err(error) if db.kind() == Kind::Postgres => assert!(refuses(&error, "repeatable read"), "{error:?}"),
        result => assert_eq!(result.unwrap().to_string(), "nothing deleted"),
    }
    if db.kind() == Kind::Postgres {
        // Of a table to which nothing refers it is the key of the orphans themselves.
        db.sql("INSERT INTO votes VALUES (1, 88)").await;
        let transaction = snapshot(&db, IsolationLevel::RepeatableRead).await;
        let error = graph().repair(vote::Entity).execute(&transaction).await.unwrap_err();
        transaction.rollback().await.unwrap();
        let ErrorKind::IsolationLevel { foreign_keys, .. } = error.kind() else { panic!("{error:?}") };
        assert_eq!(*foreign_keys, ["votes.comment"]);
        db.sql("DELETE FROM votes").await;
    }
    assert_eq!((db.number("SELECT count(*) FROM comments").await, orphans(&db).await), (1, 0));
}

async fn made(db: &TestDb) {
    db.sql("CREATE TABLE a (id BIGINT NOT NULL PRIMARY KEY)").await;
    db.sql("CREATE TABLE b (id BIGINT NOT NULL PRIMARY KEY, c BIGINT, n BIGINT)").await;
    db.sql("CREATE TABLE d (id BIGINT NOT NULL PRIMARY KEY, a BIGINT DEFAULT 9)").await;
}

async fn r1_a_row_that_loses_the_key_by_which_it_goes(db: TestDb) {
    made(&db).await;
    db.sql("INSERT INTO a VALUES (1)").await;
    db.sql("INSERT INTO b VALUES (1, 1, 1)").await;
    let graph = Graph::builder().entity(a::Entity).entity(b::Entity).build().unwrap();
    let held = db.conn.begin().await.unwrap();
    held.execute_unprepared("UPDATE b SET c = NULL WHERE id = 1").await.unwrap();
    let conn = db.connect(1).await;
    let deletion = graph.delete_keys(a::Entity, [1]);
    let waiting = tokio::spawn(async move { deletion.execute(&conn).await });
    db.somebody_waits().await;
    held.commit().await.unwrap();
    let error = waiting.await.unwrap().unwrap_err();
    assert!(error.is_blocked(), "{error:?}");
    assert_eq!(error.blockers()[0].foreign_key, "b.n");
    assert_eq!(db.number("SELECT count(*) FROM a").await, 1);
}

async fn r2_the_row_of_a_default_goes_at_the_same_time(db: TestDb) {
    made(&db).await;
    db.sql("INSERT INTO a VALUES (1), (9)").await;
    db.sql("INSERT INTO d VALUES (1, 1)").await;
    let graph = Graph::builder().entity(a::Entity).entity(d::Entity).build().unwrap();
    // The delete of 9 comes first and is not yet committed.
    let first = db.conn.begin().await.unwrap();
    graph.delete_keys(a::Entity, [9]).execute(&first).await.unwrap();
    let conn = db.connect(1).await;
    let deletion = graph.delete_keys(a::Entity, [1]);
    let waiting = tokio::spawn(async move { deletion.execute(&conn).await });
    db.somebody_waits().await;
    first.commit().await.unwrap();
    let error = waiting.await.unwrap().unwrap_err();
    assert!(error.is_blocked(), "{error:?}");
    // The delete of 1 comes first: that of 9 waits for it, and then finds the row that took the
    // default.
    db.sql("INSERT INTO a VALUES (9)").await;
    let first = db.conn.begin().await.unwrap();
    graph.delete_keys(a::Entity, [1]).execute(&first).await.unwrap();
    let conn = db.connect(1).await;
    let deletion = graph.delete_keys(a::Entity, [9]);
    let waiting = tokio::spawn(async move { deletion.execute(&conn).await });
    db.somebody_waits().await;
    first.commit().await.unwrap();
    let error = waiting.await.unwrap().unwrap_err();
    assert!(error.is_blocked(), "{error:?}");
    assert_eq!(db.number("SELECT count(*) FROM d WHERE a = 9").await, 1);
}
