//! What a delete sends on a schema of 60 tables and 110 keys: the number of statements grows with
//! the tables that have rows, and their texts are few.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait as _, DatabaseConnection};

use crate::support::{Kind, Log, TestDb};
use crate::tests;
use schema::accounts;

#[path = "../../benches/support/wide/schema.rs"]
mod schema;

tests![few_texts_for_many_tables, an_account_that_nothing_references, empty_tables_are_not_written];

/// 25 tables with rows of account 1, and as many of account 2.
const FILLED: &[(&str, &str)] = &[
    ("accounts", "({a}, 'x')"),
    ("users", "({a}1, 'x', {a}), ({a}2, 'x', {a})"),
    ("user_settings", "({a}, 'x', {a}1)"),
    ("api_keys", "({a}, 'x', {a}, {a}1)"),
    ("teams", "({a}1, 'x', {a}, {a}1, NULL), ({a}2, 'x', {a}, {a}2, {a}1)"),
    ("team_members", "({a}, 'x', {a}2, {a}2)"),
    ("roles", "({a}, 'x', {a})"),
    ("projects", "({a}, 'x', {a}, {a}1, NULL)"),
    ("project_members", "({a}, 'x', {a}, {a}1)"),
    ("folders", "({a}, 'x', {a}, {a}, NULL)"),
    ("documents", "({a}, 'x', {a}, {a}, {a}1, NULL)"),
    ("document_versions", "({a}, 'x', {a})"),
    ("comments", "({a}1, 'x', {a}, {a}, {a}1, NULL), ({a}2, 'x', {a}, {a}, {a}2, {a}1)"),
    ("tags", "({a}, 'x', {a})"),
    ("document_tags", "({a}, 'x', {a}, {a})"),
    ("tasks", "({a}, 'x', {a}, {a}, {a}1, {a}2, NULL, NULL)"),
    ("task_watchers", "({a}, 'x', {a}, {a}1)"),
    ("customers", "({a}, 'x', {a})"),
    ("addresses", "({a}, 'x', {a})"),
    ("products", "({a}, 'x', {a}, NULL)"),
    ("warehouses", "({a}, 'x', {a})"),
    ("stock", "({a}, 'x', {a}, {a})"),
    ("orders", "({a}, 'x', {a}, {a}, {a}, {a})"),
    ("order_lines", "({a}, 'x', {a}, {a})"),
    ("webhooks", "({a}, 'x', {a})"),
];

async fn fill(db: &TestDb) {
    schema::make(&db.conn).await;
    for account in ["1", "2"] {
        for (table, rows) in FILLED {
            db.sql(&format!("INSERT INTO {table} VALUES {}", rows.replace("{a}", account))).await;
        }
        db.sql(&format!("UPDATE documents SET current_version_id = {account} WHERE id = {account}")).await;
    }
}

/// Returns how many statements this connection has prepared.
async fn prepared(conn: &DatabaseConnection, kind: Kind) -> Option<i64> {
    let (sql, column) = match kind {
        Kind::Sqlite => return None,
        Kind::Postgres => ("SELECT count(*) AS number FROM pg_prepared_statements", "number"),
        Kind::MariaDb | Kind::MySql => ("SHOW SESSION STATUS LIKE 'Com_stmt_prepare'", "Value"),
    };
    let rows = conn.query_all_raw(sea_orm::Statement::from_string(conn.get_database_backend(), sql)).await.unwrap();
    let row = rows.first().expect("a number");
    Some(match kind {
        Kind::Postgres => row.try_get("", column).unwrap(),
        _ => row.try_get::<String>("", column).unwrap().parse().unwrap(),
    })
}

async fn few_texts_for_many_tables(db: TestDb) {
    fill(&db).await;
    let graph = schema::builder().build().unwrap();
    let (conn, log) = Log::on(&db).await;
    let before = prepared(&conn, db.kind()).await;
    log.take();
    let outcome = graph.delete_keys(accounts::Entity, [1]).execute(&conn).await.unwrap();
    assert_eq!(outcome.deletions().filter(|(_, rows)| *rows > 0).count(), FILLED.len());
    let first: BTreeSet<String> = log.take().into_iter().collect();
    let between = prepared(&conn, db.kind()).await;
    log.take();
    let outcome = graph.delete_keys(accounts::Entity, [2]).execute(&conn).await.unwrap();
    assert_eq!(outcome.deletions().filter(|(_, rows)| *rows > 0).count(), FILLED.len());
    let second: BTreeSet<String> = log.take().into_iter().collect();
    let after = prepared(&conn, db.kind()).await;

    let most = 3 * FILLED.len() + 6;
    assert!(first.len() <= most, "{} texts for {} tables: {first:#?}", first.len(), FILLED.len());
    let new: Vec<_> = second.difference(&first).collect();
    assert!(new.is_empty(), "new at the second call: {new:#?}");
    // What the question itself prepares is no part of it.
    if let (Some(before), Some(between), Some(after)) = (before, between, after) {
        let own = i64::from(db.kind() != Kind::Postgres);
        assert!(between - before <= i64::try_from(most).unwrap() + own, "{before} {between}");
        assert!(after - between <= own, "{between} prepared after the first call, {after} after the second");
    }
    assert_eq!(db.number("SELECT count(*) AS n FROM users").await, 0);
    schema::drop(&db.conn).await;
}

async fn an_account_that_nothing_references(db: TestDb) {
    schema::make(&db.conn).await;
    db.sql("INSERT INTO accounts VALUES (1, 'x'), (2, 'x')").await;
    let graph = schema::builder().build().unwrap();
    let (conn, log) = Log::on(&db).await;
    for account in [1, 2] {
        log.take();
        let outcome = graph.delete_keys(accounts::Entity, [account]).execute(&conn).await.unwrap();
        assert_eq!(outcome.total(), 1);
        let statements = log.take();
        // Its row, what references it, the DELETE; and the transaction. SQLite also compares types,
        // the first time.
        assert!(statements.len() <= 8, "{statements:#?}");
    }
    schema::drop(&db.conn).await;
}

async fn empty_tables_are_not_written(db: TestDb) {
    fill(&db).await;
    let graph = schema::builder().build().unwrap();
    let (conn, log) = Log::on(&db).await;
    log.take();
    graph.delete_keys(accounts::Entity, [1]).execute(&conn).await.unwrap();
    let filled: Vec<&str> = FILLED.iter().map(|(table, _)| *table).collect();
    for sql in log.take() {
        let Some(rest) = sql.strip_prefix("DELETE FROM ").or_else(|| sql.strip_prefix("UPDATE ")) else { continue };
        let table: String = rest.chars().skip(1).take_while(|char| *char == '_' || char.is_alphanumeric()).collect();
        // The statement that deletes the rows of an only key also shows whether there are any.
        let keys = schema::TABLES.iter().find(|(name, _)| *name == table).map_or(0, |(_, keys)| keys.len());
        assert!(filled.contains(&table.as_str()) || keys <= 2, "{sql}");
    }
    schema::drop(&db.conn).await;
}
