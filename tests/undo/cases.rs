//! What is recorded, what comes back, and what is in the way.

use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use sea_orm_cascade::entity::{item, store};
use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
use sea_orm_cascade::{ErrorKind, Graph, Receipt, ReceiptState, UndoBlockerKind, service};

use super::make_records;
use crate::support::TestDb;
use crate::tests;

tests![
    a_store_comes_back_with_its_items,
    a_name_that_was_taken_is_in_the_way,
    a_missing_parent_names_its_receipt,
    undone_once,
    forgotten_and_purged,
    inside_a_transaction_of_the_caller,
    a_graph_without_undo_is_refused,
    a_delete_of_nothing_has_no_receipt,
    a_column_that_is_added_is_recorded_after_the_audit,
    two_undos_at_once,
];

async fn shop(db: &TestDb) -> Graph {
    Migrator::up(&db.conn, None).await.expect("the tables");
    let graph = service::graph().with_undo().build().expect("the graph");
    make_records(&graph, &db.conn).await;
    graph.audit().run(&db.conn).await.expect("the audit").expect_clean().expect("a clean audit");
    graph
}

async fn closed(db: &TestDb, graph: &Graph, id: i64) -> Receipt {
    let deletion = graph.delete_keys(store::Entity, [id]).undoable("closed");
    deletion.execute(&db.conn).await.expect("deleted").receipt().expect("a receipt")
}

async fn a_store_comes_back_with_its_items(db: TestDb) {
    let graph = shop(&db).await;
    let ikea = service::store::create_with_items(&db.conn, "IKEA", ["Chair", "Table"]).await.expect("a store");
    let receipt = closed(&db, &graph, ikea.id).await;

    let listed = graph.receipts(&db.conn, 10, None).await.expect("the receipts");
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].receipt, listed[0].reason.as_str(), listed[0].root.as_str()), (receipt, "closed", "stores"));
    assert_eq!(listed[0].deleted, [("items".to_owned(), 2), ("stores".to_owned(), 1)]);

    let undone = graph.undo(receipt).execute(&db.conn).await.expect("undone");
    assert_eq!(undone.to_string(), "back: stores 1, items 2");
    assert_eq!(service::store::get(&db.conn, ikea.id).await.expect("the store"), ikea);
    assert_eq!(db.number("SELECT COUNT(*) FROM items").await, 2);
    assert_eq!(db.number("SELECT COUNT(*) FROM cascade_gone_items").await, 0);
    // A new row gets a key of its own.
    let other = service::store::create(&db.conn, "Other").await.expect("another store");
    assert!(other.id > ikea.id);
}

async fn a_name_that_was_taken_is_in_the_way(db: TestDb) {
    let graph = shop(&db).await;
    let ikea = service::store::create_with_items(&db.conn, "IKEA", ["Chair"]).await.expect("a store");
    let receipt = closed(&db, &graph, ikea.id).await;
    let other = service::store::create(&db.conn, "IKEA").await.expect("the name is free");

    let preview = graph.undo(receipt).preview(&db.conn).await.expect("a preview");
    assert!(preview.is_blocked());
    let error = graph.undo(receipt).execute(&db.conn).await.expect_err("the name is taken");
    assert!(error.is_undo_blocked());
    let expected = format!(
        "the undo of receipt {receipt} is refused: stores.name: 1 value is taken (key {}, by key {})",
        ikea.id, other.id
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(db.number("SELECT COUNT(*) FROM items").await, 0);

    service::store::rename(&db.conn, other.id, "IKEA 2").await.expect("renamed");
    graph.undo(receipt).execute(&db.conn).await.expect("nothing is in the way");
    assert_eq!(db.number("SELECT COUNT(*) FROM items").await, 1);
}

async fn a_missing_parent_names_its_receipt(db: TestDb) {
    let graph = shop(&db).await;
    let ikea = service::store::create_with_items(&db.conn, "IKEA", ["Chair", "Table"]).await.expect("a store");
    let chair = db.number("SELECT MIN(id) FROM items").await;
    let deletion = graph.delete_keys(item::Entity, [chair]).undoable("broken");
    let first = deletion.execute(&db.conn).await.expect("deleted").receipt().expect("a receipt");
    let second = closed(&db, &graph, ikea.id).await;

    let error = graph.undo(first).execute(&db.conn).await.expect_err("the store is not there");
    let ErrorKind::UndoBlocked { blockers, .. } = error.kind() else { panic!("{error:?}") };
    assert_eq!(blockers.len(), 1, "{blockers:?}");
    let UndoBlockerKind::ParentMissing { parent, taken_by, .. } = &blockers[0].kind else { panic!("{blockers:?}") };
    assert_eq!((parent.as_str(), *taken_by), ("stores", Some(second)));
    let expected = format!(
        "the undo of receipt {first} is refused: items.store_id: 1 row references a row of stores that receipt {second} \
         deleted (key {chair})"
    );
    assert_eq!(error.to_string(), expected);

    graph.undo(second).execute(&db.conn).await.expect("the newest first");
    graph.undo(first).execute(&db.conn).await.expect("and then the other");
    assert_eq!(db.number("SELECT COUNT(*) FROM items").await, 2);
}

async fn undone_once(db: TestDb) {
    let graph = shop(&db).await;
    let ikea = service::store::create(&db.conn, "IKEA").await.expect("a store");
    let receipt = closed(&db, &graph, ikea.id).await;
    graph.undo(receipt).execute(&db.conn).await.expect("undone");
    let error = graph.undo(receipt).execute(&db.conn).await.expect_err("once");
    assert!(matches!(error.kind(), ErrorKind::ReceiptClosed { state: ReceiptState::Undone, .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("receipt {receipt} was undone already"));
    let error = graph.undo(Receipt::new(12)).preview(&db.conn).await.expect_err("no such receipt");
    assert_eq!(error.to_string(), "there is no receipt 12 in this database");
}

async fn forgotten_and_purged(db: TestDb) {
    let graph = shop(&db).await;
    let mut receipts = Vec::new();
    for name in ["A", "B", "C"] {
        let store = service::store::create_with_items(&db.conn, name, ["Chair"]).await.expect("a store");
        receipts.push(closed(&db, &graph, store.id).await);
    }
    graph.forget(receipts[0]).execute(&db.conn).await.expect("forgotten");
    assert_eq!(db.number("SELECT COUNT(*) FROM cascade_gone_stores").await, 2);
    let error = graph.undo(receipts[0]).execute(&db.conn).await.expect_err("forgotten");
    assert!(matches!(error.kind(), ErrorKind::ReceiptClosed { state: ReceiptState::Forgotten, .. }), "{error:?}");
    let listed = graph.receipts(&db.conn, 2, None).await.expect("a page");
    assert_eq!(listed.iter().map(|entry| entry.receipt).collect::<Vec<_>>(), [receipts[2], receipts[1]]);
    let rest = graph.receipts(&db.conn, 2, Some(receipts[1])).await.expect("the next page");
    assert_eq!((rest.len(), rest[0].reason.as_str(), rest[0].root.as_str()), (1, "", ""));

    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(3_600);
    assert_eq!(graph.purge(later).execute(&db.conn).await.expect("purged"), 2);
    assert_eq!(db.number("SELECT COUNT(*) FROM cascade_gone_items").await, 0);
    assert_eq!(db.number("SELECT COUNT(*) FROM cascade_receipts WHERE state = 'forgotten'").await, 3);
    assert_eq!(graph.purge(later).execute(&db.conn).await.expect("nothing is left"), 0);
}

async fn inside_a_transaction_of_the_caller(db: TestDb) {
    let graph = shop(&db).await;
    let ikea = service::store::create_with_items(&db.conn, "IKEA", ["Chair"]).await.expect("a store");
    let transaction = db.conn.begin().await.expect("a transaction");
    let deletion = graph.delete_keys(store::Entity, [ikea.id]).undoable("closed");
    let receipt = deletion.execute(&transaction).await.expect("deleted").receipt().expect("a receipt");
    graph.undo(receipt).execute(&transaction).await.expect("undone");
    let deletion = graph.delete_keys(store::Entity, [ikea.id]).undoable("again");
    deletion.execute(&transaction).await.expect("deleted again");
    transaction.rollback().await.expect("rolled back");
    assert_eq!(db.number("SELECT COUNT(*) FROM items").await, 1);
    assert_eq!(db.number("SELECT COUNT(*) FROM cascade_receipts").await, 0);
    assert_eq!(db.number("SELECT COUNT(*) FROM cascade_gone_items").await, 0);
}

async fn a_graph_without_undo_is_refused(db: TestDb) {
    Migrator::up(&db.conn, None).await.expect("the tables");
    let graph = service::graph().build().expect("the graph");
    let ikea = service::store::create(&db.conn, "IKEA").await.expect("a store");
    let deletion = graph.delete_keys(store::Entity, [ikea.id]).undoable("closed");
    let error = deletion.execute(&db.conn).await.expect_err("no undo");
    assert!(matches!(error.kind(), ErrorKind::NotBuiltWithUndo), "{error:?}");
    assert!(graph.undo(Receipt::new(1)).preview(&db.conn).await.is_err());
    assert_eq!(db.number("SELECT COUNT(*) FROM stores").await, 1);

    db.sql("DROP TABLE cascade_gone_stores").await;
    let graph = service::graph().with_undo().build().expect("the graph");
    let deletion = graph.delete_keys(store::Entity, [ikea.id]).undoable("closed");
    let error = deletion.execute(&db.conn).await.expect_err("no record table");
    assert!(error.is_not_recordable(), "{error:?}");
    assert_eq!(db.number("SELECT COUNT(*) FROM stores").await, 1);
}

async fn a_delete_of_nothing_has_no_receipt(db: TestDb) {
    let graph = shop(&db).await;
    let outcome =
        graph.delete_keys(store::Entity, [1_i64]).undoable("nothing").execute(&db.conn).await.expect("nothing");
    assert_eq!(outcome.receipt(), None);
    assert_eq!(db.number("SELECT COUNT(*) FROM cascade_receipts").await, 0);
}

async fn a_column_that_is_added_is_recorded_after_the_audit(db: TestDb) {
    let graph = shop(&db).await;
    let ikea = service::store::create(&db.conn, "IKEA").await.expect("a store");
    db.sql("ALTER TABLE stores ADD COLUMN note varchar(20)").await;
    db.sql("UPDATE stores SET note = 'kept'").await;
    let deletion = graph.delete_keys(store::Entity, [ikea.id]).undoable("closed");
    let error = deletion.execute(&db.conn).await.expect_err("the record table is behind");
    assert!(error.to_string().contains("has no column note"), "{error}");
    assert_eq!(db.number("SELECT COUNT(*) FROM stores").await, 1);
    make_records(&graph, &db.conn).await;
    let receipt = closed(&db, &graph, ikea.id).await;
    graph.undo(receipt).execute(&db.conn).await.expect("undone");
    assert_eq!(db.number("SELECT COUNT(*) FROM stores WHERE note = 'kept'").await, 1);

    let receipt = closed(&db, &graph, ikea.id).await;
    db.sql("ALTER TABLE stores DROP COLUMN note").await;
    let error = graph.undo(receipt).execute(&db.conn).await.expect_err("a value would be lost");
    assert!(error.to_string().contains("stores.note does not exist any more: 1 row had a value"), "{error}");
    graph.undo(receipt).without_gone_columns().execute(&db.conn).await.expect("undone without it");
    assert_eq!(db.number("SELECT COUNT(*) FROM stores").await, 1);
}

async fn two_undos_at_once(db: TestDb) {
    let graph = shop(&db).await;
    let ikea = service::store::create_with_items(&db.conn, "IKEA", ["Chair"]).await.expect("a store");
    let receipt = closed(&db, &graph, ikea.id).await;
    let (one, other) = (graph.undo(receipt), graph.undo(receipt));
    let (one, other) = tokio::join!(one.execute(&db.conn), other.execute(&db.conn));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    assert_eq!(db.number("SELECT COUNT(*) FROM items").await, 1);
    db.conn.execute_unprepared("SELECT 1").await.expect("the connection is usable");
}
