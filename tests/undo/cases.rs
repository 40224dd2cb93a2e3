//! What is recorded, what comes back, and what is in the way.

use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use sea_orm_cascade::entity::{item, store};
use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
use sea_orm_cascade::{ErrorKind, Graph, Receipt, ReceiptState, UndoBlockerKind, service};

use super::make_records;
use crate::support::{Constraints, Kind, Log, Tables, TestDb};
use crate::{entity, tables, tests};

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
    keys_come_back_where_nobody_decided_since,
    rows_of_an_entity_with_hooks,
    a_trigger_that_keeps_a_row,
    a_unique_key_that_was_taken_is_in_the_way,
    the_crate_refuses_batches,
    several_deletes_in_any_order,
    texts_and_statements_stay_without_undo,
];

entity!(person "people" {
    pub name: String,
} []);
entity!(doc "docs" {
    pub reviewer: Option<i64>,
    #[sea_orm(default_value = 1)]
    pub editor: i64,
} [
    Reviewer = "super::person::Entity", "Column::Reviewer", "super::person::Column::Id", "SetNull";
    Editor = "super::person::Entity", "Column::Editor", "super::person::Column::Id", "SetDefault"
]);

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

    let later = std::time::SystemTime::now() + std::time::Duration::from_hours(1);
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

// U7: NULL, or the default as it was written.
async fn keys_come_back_where_nobody_decided_since(db: TestDb) {
    let tables = Tables(tables![person, doc].into());
    let people = ("people", "(1, 'nobody'), (2, 'goes'), (3, 'stays')");
    let docs = ("docs", "(1, 2, 2), (2, 2, 2), (3, 3, 2), (4, 2, 3), (5, 2, 2)");
    tables.create(&db.conn, Constraints::Declared, &[people, docs]).await;
    let graph = tables.builder().with_undo().build().expect("the graph");
    make_records(&graph, &db.conn).await;
    let before = tables.state(&db.conn).await;
    let deletion = graph.delete_keys(person::Entity, [2_i64]).undoable("left");
    let receipt = deletion.execute(&db.conn).await.expect("deleted").receipt().expect("a receipt");
    db.sql("UPDATE docs SET reviewer = 3 WHERE id = 1").await;
    db.sql("UPDATE docs SET editor = 3 WHERE id = 2").await;
    db.sql("DELETE FROM docs WHERE id = 5").await;
    let undo = graph.undo(receipt);
    let preview = undo.preview(&db.conn).await.expect("a preview");
    assert_eq!(
        preview.to_string(),
        "back: people 1; restored: docs.editor 2 (2 left alone), docs.reviewer 2 (2 left alone)"
    );
    assert_eq!(undo.expecting(&preview).execute(&db.conn).await.expect("undone"), preview.undone);
    let after = before.replace("1:2:2", "1:3:2").replace("2:2:2", "2:2:3").replace(" 5:2:2", "");
    assert_eq!(tables.state(&db.conn).await, after);
    assert_eq!(db.number("SELECT COUNT(*) FROM cascade_gone_docs").await, 0);
}

// U15: they are read in pages, and recorded before their hooks run.
async fn rows_of_an_entity_with_hooks(db: TestDb) {
    Migrator::up(&db.conn, None).await.expect("the tables");
    let graph = Graph::builder().entity(store::Entity).entity_with_hooks(item::Entity).with_undo();
    let graph = graph.build().expect("the graph");
    let ikea = service::store::create_with_items(&db.conn, "IKEA", ["Chair", "Table"]).await.expect("a store");
    let receipt = closed(&db, &graph, ikea.id).await;
    assert_eq!(db.number("SELECT COUNT(*) FROM cascade_gone_items").await, 2);
    graph.undo(receipt).execute(&db.conn).await.expect("undone");
    assert_eq!(db.number("SELECT COUNT(*) FROM items").await, 2);
}

// U1: what is recorded is what is written.
async fn a_trigger_that_keeps_a_row(db: TestDb) {
    let graph = shop(&db).await;
    let ikea = service::store::create_with_items(&db.conn, "IKEA", ["Chair", "Table"]).await.expect("a store");
    match db.kind() {
        Kind::Sqlite => {
            let body = "BEFORE DELETE ON items WHEN OLD.name = 'Chair' BEGIN SELECT RAISE(IGNORE); END";
            db.sql(&format!("CREATE TRIGGER keep {body}")).await;
        }
        Kind::Postgres => {
            let body = "BEGIN IF OLD.name = 'Chair' THEN RETURN NULL; END IF; RETURN OLD; END";
            db.sql(&format!("CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")).await;
            db.sql("CREATE TRIGGER keep BEFORE DELETE ON items FOR EACH ROW EXECUTE FUNCTION keep()").await;
        }
        Kind::MariaDb | Kind::MySql => {
            let body = "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'kept'";
            db.sql(&format!("CREATE TRIGGER keep BEFORE DELETE ON items FOR EACH ROW {body}")).await;
        }
    }
    let deletion = graph.delete_keys(store::Entity, [ikea.id]).undoable("closed");
    deletion.execute(&db.conn).await.expect_err("a row is kept");
    assert_eq!(db.number("SELECT COUNT(*) FROM items").await, 2);
    assert_eq!(db.number("SELECT COUNT(*) FROM cascade_gone_items").await, 0);
    assert_eq!(db.number("SELECT COUNT(*) FROM cascade_receipts").await, 0);
}

entity!(seat "seats" {
    #[sea_orm(unique)]
    pub person: Option<i64>,
} [
    Person = "super::person::Entity", "Column::Person", "super::person::Column::Id", "SetNull"
]);

// U6: a has_one whose key somebody else has now.
async fn a_unique_key_that_was_taken_is_in_the_way(db: TestDb) {
    let tables = Tables(tables![person, seat].into());
    let rows = [("people", "(1, 'goes'), (2, 'stays')"), ("seats", "(1, 1), (2, NULL)")];
    tables.create(&db.conn, Constraints::None, &rows).await;
    let graph = tables.builder().with_undo().build().expect("the graph");
    make_records(&graph, &db.conn).await;
    let before = tables.state(&db.conn).await;
    let deletion = graph.delete_keys(person::Entity, [1_i64]).undoable("left");
    let receipt = deletion.execute(&db.conn).await.expect("deleted").receipt().expect("a receipt");
    db.sql("UPDATE seats SET person = 1 WHERE id = 2").await;
    let error = graph.undo(receipt).execute(&db.conn).await.expect_err("the seat is taken");
    assert!(error.to_string().ends_with("is refused: seats.person: 1 value is taken"), "{error}");
    db.sql("UPDATE seats SET person = NULL WHERE id = 2").await;
    graph.undo(receipt).execute(&db.conn).await.expect("it is free again");
    assert_eq!(tables.state(&db.conn).await, before);
}

async fn the_crate_refuses_batches(db: TestDb) {
    let graph = shop(&db).await;
    let ikea = service::store::create(&db.conn, "IKEA").await.expect("a store");
    let batches = graph.delete_keys(store::Entity, [ikea.id]).undoable("closed").batches_of(10);
    let error = batches.execute(&db.conn).await.expect_err("not in batches");
    assert!(error.is_not_recordable(), "{error:?}");
    assert_eq!(db.number("SELECT COUNT(*) FROM stores").await, 1);
}

// U9: newest first is what was there; in another order each undo works, or names what it waits for.
async fn several_deletes_in_any_order(db: TestDb) {
    let graph = shop(&db).await;
    let mut stores = Vec::new();
    for n in 0..4 {
        let items = [format!("a{n}"), format!("b{n}"), format!("c{n}")];
        stores.push(service::store::create_with_items(&db.conn, &format!("store {n}"), items).await.expect("a store"));
    }
    let state = "SELECT COUNT(*) + SUM(id * 7 + store_id * 31) FROM items";
    let state = match db.kind() {
        Kind::Sqlite => state.to_owned(),
        Kind::Postgres => {
            state.replace("SELECT COUNT(*) + SUM", "SELECT CAST(COUNT(*) + SUM").replace(" FROM", " AS bigint) FROM")
        }
        Kind::MariaDb | Kind::MySql => {
            state.replace("SELECT COUNT(*) + SUM", "SELECT CAST(COUNT(*) + SUM").replace(" FROM", " AS SIGNED) FROM")
        }
    };
    let before = db.number(&state).await;
    let first = db.number("SELECT MIN(id) FROM items").await;
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        // Each store loses an item, and then all.
        let mut receipts = Vec::new();
        for (n, store) in stores.iter().enumerate() {
            let one = first + 3 * i64::try_from(n).expect("few");
            let deletion = graph.delete_keys(item::Entity, [one]).undoable("one");
            let one = deletion.execute(&db.conn).await.expect("deleted").receipt().expect("a receipt");
            receipts.push((one, closed(&db, &graph, store.id).await));
        }
        for n in order {
            let (one, all) = receipts[n];
            let error = graph.undo(one).execute(&db.conn).await.expect_err("its store is not there");
            assert!(error.to_string().contains(&format!("receipt {all} deleted")), "{error}");
            graph.undo(all).execute(&db.conn).await.expect("undone");
            graph.undo(one).execute(&db.conn).await.expect("now it works");
        }
        assert_eq!(db.number(&state).await, before);
        assert_eq!(db.number("SELECT COUNT(*) FROM cascade_gone_items").await, 0);
    }
}

async fn texts_and_statements_stay_without_undo(db: TestDb) {
    Migrator::up(&db.conn, None).await.expect("the tables");
    let mut texts = Vec::new();
    for graph in [service::graph(), service::graph().with_undo()] {
        let graph = graph.build().expect("the graph");
        let ikea = service::store::create_with_items(&db.conn, "IKEA", ["Chair"]).await.expect("a store");
        let (conn, log) = Log::on(&db).await;
        graph.delete_keys(store::Entity, [ikea.id]).execute(&conn).await.expect("deleted");
        texts.push(log.take());
    }
    assert_eq!(texts[0], texts[1]);
    assert!(texts[0].iter().all(|text| !text.contains("cascade_gone")), "{texts:?}");
}
