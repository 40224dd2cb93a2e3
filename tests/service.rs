//! The service, end to end.

use sea_orm::{ConnectionTrait as _, DbErr, TransactionTrait as _};
use sea_orm_cascade::entity::{item, store};
use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
use sea_orm_cascade::service::{self, Cursor, Error, ErrorKind, InvalidName, InvalidPage, Page};
use sea_orm_cascade::{Connection, Graph};

use crate::support::{Kind, TestDb};
use crate::{entity, tests};

tests![
    create_get_rename_move,
    names_are_trimmed_then_checked,
    a_name_is_taken_once,
    two_connections_race_for_a_name,
    an_id_that_exists_is_no_name_that_is_taken,
    names_compare_by_code_point,
    pages_of_stores,
    pages_of_items,
    bad_pages,
    prefixes_are_literal,
    what_is_not_there,
    create_many_is_all_or_none,
    delete_takes_the_items_and_nothing_else,
    delete_with_options,
    a_programs_own_tables_go_through_the_same_call,
    after_any_error_the_transaction_commits,
    errors_become_db_errors,
    models_serialise,
];

async fn migrated(db: &TestDb) -> Graph {
    Migrator::up(&db.conn, None).await.unwrap();
    service::graph().build().unwrap()
}

fn names<T>(rows: &[T], name: impl Fn(&T) -> &str) -> Vec<&str> {
    rows.iter().map(name).collect()
}

async fn create_get_rename_move(db: TestDb) {
    migrated(&db).await;
    let db = &db.conn;
    let ikea = service::store::create(db, "IKEA").await.unwrap();
    let aldi = service::store::create(db, "Aldi").await.unwrap();
    let chair = service::item::create(db, ikea.id, "Chair").await.unwrap();
    assert_eq!(service::store::get(db, ikea.id).await.unwrap(), ikea);
    assert_eq!(service::item::get(db, chair.id).await.unwrap(), chair);
    assert_eq!(service::store::find_by_name(db, " IKEA ").await.unwrap(), Some(ikea.clone()));
    for absent in ["ikea", "", "a\0b", "no such store"] {
        assert_eq!(service::store::find_by_name(db, absent).await.unwrap(), None, "{absent:?}");
    }

    let renamed = service::store::rename(db, aldi.id, " Lidl ").await.unwrap();
    assert_eq!(renamed, store::Model { id: aldi.id, name: "Lidl".to_owned() });
    assert_eq!(service::store::rename(db, aldi.id, "Lidl").await.unwrap(), renamed, "its own name is free");
    let moved = service::item::move_to(db, chair.id, aldi.id).await.unwrap();
    let moved_and_renamed = service::item::rename(db, chair.id, "Stool").await.unwrap();
    assert_eq!(moved.store_id, aldi.id);
    assert_eq!(moved_and_renamed, item::Model { id: chair.id, name: "Stool".to_owned(), store_id: aldi.id });
    assert!(service::item::list(db, ikea.id, &Page::first(1)).await.unwrap().rows.is_empty());
}

async fn names_are_trimmed_then_checked(db: TestDb) {
    migrated(&db).await;
    let db = &db.conn;
    let longest = "é".repeat(80);
    let store = service::store::create(db, &format!("\t{longest}\u{3000}")).await.unwrap();
    assert_eq!(store.name, longest);
    let item = service::item::create(db, store.id, "Chair").await.unwrap();
    for (name, reason) in [
        ("", InvalidName::Empty),
        (" \n\u{a0}", InvalidName::Empty),
        (&"é".repeat(81), InvalidName::TooLong { chars: 81 }),
        ("a\0b", InvalidName::ContainsNul),
    ] {
        for result in [
            service::store::create(db, name).await.map(|_| ()),
            service::store::create_with_items(db, "Good", ["Good", name]).await.map(|_| ()),
            service::store::rename(db, store.id, name).await.map(|_| ()),
            service::item::create(db, store.id, name).await.map(|_| ()),
            service::item::create_many(db, store.id, ["Good", name]).await.map(|_| ()),
            service::item::rename(db, item.id, name).await.map(|_| ()),
        ] {
            let error = result.unwrap_err();
            assert!(error.is_invalid_name());
            assert!(matches!(error.kind(), ErrorKind::InvalidName(found) if *found == reason), "{name:?}: {error:?}");
        }
    }
    assert_eq!(service::store::list(db, &Page::first(9)).await.unwrap().rows, std::slice::from_ref(&store));
    assert_eq!(service::item::list(db, store.id, &Page::first(9)).await.unwrap().rows, [item]);
}

async fn a_name_is_taken_once(db: TestDb) {
    migrated(&db).await;
    let db = &db.conn;
    service::store::create(db, "IKEA").await.unwrap();
    let other = service::store::create(db, "Other").await.unwrap();
    for result in [
        service::store::create(db, " IKEA").await,
        service::store::create_with_items(db, "IKEA", ["Chair"]).await,
        service::store::rename(db, other.id, "IKEA").await,
    ] {
        let error = result.unwrap_err();
        assert!(error.is_name_taken(), "{error:?}");
        assert_eq!(error.to_string(), "there is a store named \"IKEA\" already; choose another name");
    }
}

async fn two_connections_race_for_a_name(db: TestDb) {
    migrated(&db).await;
    let (one, two) = (db.connect(1).await, db.connect(1).await);
    for round in 0..20 {
        let name = format!("store {round}");
        let (first, second) = tokio::join!(service::store::create(&one, &name), service::store::create(&two, &name));
        let results = [first, second];
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        let lost = results.into_iter().find_map(Result::err).unwrap();
        assert!(lost.is_name_taken(), "{lost:?}");
    }
}

/// Where rows were written with ids of their own, the database may give out one of these.
async fn an_id_that_exists_is_no_name_that_is_taken(db: TestDb) {
    migrated(&db).await;
    let conn = &db.connect(1).await;
    conn.execute_unprepared("INSERT INTO stores (id, name) VALUES (1, '(id)=(1)')").await.unwrap();
    if db.kind().speaks_mysql() {
        conn.execute_unprepared("SET insert_id = 1").await.unwrap();
    }
    let created = service::store::create(conn, "IKEA").await;
    if db.kind() == Kind::Sqlite {
        // It gives out an id above all others.
        assert_eq!(created.unwrap().id, 2);
    } else {
        let error = created.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Database(_)), "{error:?}");
    }
    // What the name has in it does not matter.
    assert!(service::store::create(conn, "(id)=(1)").await.unwrap_err().is_name_taken());
}

async fn names_compare_by_code_point(db: TestDb) {
    migrated(&db).await;
    let db = &db.conn;
    // Some databases' defaults take some of these for equal, or order them otherwise.
    let mut names =
        ["a", "A", "ä", "Ä", "b", "Z", "é", "e\u{301}", "ß", "ss", "a\u{1}", "a b", "\u{10348}", "\u{ff5e}", "_", "%"];
    for name in names {
        service::store::create(db, name).await.unwrap_or_else(|error| panic!("{name:?}: {error}"));
    }
    names.sort_unstable();
    let listed = service::store::list(db, &Page::first(50)).await.unwrap().rows;
    assert_eq!(self::names(&listed, |store| &store.name), names);
}

async fn pages_of_stores(db: TestDb) {
    migrated(&db).await;
    let db = &db.conn;
    for n in 0..25 {
        service::store::create(db, &format!("store {n:02}")).await.unwrap();
    }
    let (mut seen, mut page, mut sizes) = (Vec::new(), Page::first(10), Vec::new());
    loop {
        let listed = service::store::list(db, &page).await.unwrap();
        sizes.push(listed.rows.len());
        seen.extend(listed.rows);
        // A cursor travels as text.
        let Some(next) = listed.next else { break };
        page = Page::after(next.to_string().parse().unwrap(), 10);
    }
    assert_eq!(sizes, [10, 10, 5]);
    assert!(seen.is_sorted_by(|a, b| a.name < b.name));
    // A page that is exactly full is the last one if nothing follows.
    assert!(service::store::list(db, &Page::first(25)).await.unwrap().next.is_none());
}

async fn pages_of_items(db: TestDb) {
    let graph = migrated(&db).await;
    let db = &db.conn;
    let one = service::store::create(db, "one").await.unwrap();
    let two = service::store::create(db, "two").await.unwrap();
    for n in 0..7 {
        service::item::create(db, one.id, &format!("item {}", 9 - n)).await.unwrap();
        service::item::create(db, two.id, "other").await.unwrap();
    }
    let first = service::item::list(db, one.id, &Page::first(3)).await.unwrap();
    assert_eq!(names(&first.rows, |item| &item.name), ["item 9", "item 8", "item 7"], "in the order of creation");
    // The row at which the page ended goes; the cursor stays good.
    service::item::delete(db, &graph, first.rows[2].id).await.unwrap();
    let next = service::item::list(db, one.id, &Page::after(first.next.unwrap(), 100)).await.unwrap();
    assert_eq!(names(&next.rows, |item| &item.name), ["item 6", "item 5", "item 4", "item 3"]);
    assert!(next.next.is_none());
}

async fn bad_pages(db: TestDb) {
    migrated(&db).await;
    let db = &db.conn;
    let store = service::store::create(db, "one").await.unwrap();
    service::store::create(db, "two").await.unwrap();
    let of_stores = service::store::list(db, &Page::first(1)).await.unwrap().next.unwrap();
    let reason = |error: Error| match error.into_kind() {
        ErrorKind::InvalidPage(reason) => reason,
        other => panic!("{other:?}"),
    };
    for limit in [0, 1_001, u64::MAX] {
        let page = Page::first(limit);
        assert_eq!(reason(service::store::list(db, &page).await.unwrap_err()), InvalidPage::Limit { limit });
        assert_eq!(reason(service::item::list(db, store.id, &page).await.unwrap_err()), InvalidPage::Limit { limit });
    }
    let made_up: Cursor = "no cursor".parse().unwrap();
    let page = Page::after(made_up, 1);
    assert_eq!(reason(service::store::list(db, &page).await.unwrap_err()), InvalidPage::Cursor);
    let page = Page::after(of_stores, 1);
    assert_eq!(reason(service::item::list(db, store.id, &page).await.unwrap_err()), InvalidPage::Cursor);
    let page = Page::first(1).starting_with("a\0");
    assert_eq!(reason(service::store::list(db, &page).await.unwrap_err()), InvalidPage::PrefixContainsNul);
    assert_eq!(service::store::list(db, &Page::first(1_000)).await.unwrap().rows.len(), 2);
}

async fn prefixes_are_literal(db: TestDb) {
    migrated(&db).await;
    let db = &db.conn;
    let names_of = ["ab", "aB", "a%", "a_", "a\\", "abc", "b", "\u{10ffff}x", "\u{d7ff}a", "\u{e000}a"];
    let store = service::store::create_with_items(db, "of items", names_of).await.unwrap();
    for name in names_of {
        service::store::create(db, name).await.unwrap();
    }
    for prefix in ["a", "ab", "aB", "a%", "a_", "a\\", "A", "\u{10ffff}", "\u{d7ff}", "", "nothing"] {
        let mut expected: Vec<&str> = names_of.into_iter().filter(|name| name.starts_with(prefix)).collect();
        let page = Page::first(50).starting_with(prefix);
        let items = service::item::list(db, store.id, &page).await.unwrap().rows;
        assert_eq!(names(&items, |item| &item.name), expected, "items that start with {prefix:?}");
        if "of items".starts_with(prefix) {
            expected.push("of items");
        }
        expected.sort_unstable();
        let stores = service::store::list(db, &page).await.unwrap().rows;
        assert_eq!(names(&stores, |store| &store.name), expected, "stores that start with {prefix:?}");
    }
}

async fn what_is_not_there(db: TestDb) {
    let graph = migrated(&db).await;
    let db = &db.conn;
    let store = service::store::create(db, "IKEA").await.unwrap();
    let item = service::item::create(db, store.id, "Chair").await.unwrap();
    for result in [
        service::store::get(db, 99).await.map(|_| ()),
        service::store::rename(db, 99, "x").await.map(|_| ()),
        service::store::preview_delete(db, &graph, 99).await.map(|_| ()),
        service::store::delete(db, &graph, 99).await.map(|_| ()),
        service::item::list(db, 99, &Page::first(1)).await.map(|_| ()),
        service::item::create(db, 99, "x").await.map(|_| ()),
        service::item::create_many(db, 99, ["x", "y"]).await.map(|_| ()),
        service::item::move_to(db, item.id, 99).await.map(|_| ()),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::StoreNotFound { id: 99 }), "{error:?}");
        assert!(error.is_not_found());
        assert_eq!(error.to_string(), "there is no store with id 99");
    }
    for result in [
        service::item::get(db, 99).await.map(|_| ()),
        service::item::rename(db, 99, "x").await.map(|_| ()),
        service::item::move_to(db, 99, store.id).await.map(|_| ()),
        service::item::preview_delete(db, &graph, 99).await.map(|_| ()),
        service::item::delete(db, &graph, 99).await.map(|_| ()),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ItemNotFound { id: 99 }), "{error:?}");
        assert_eq!(error.to_string(), "there is no item with id 99");
    }
    assert_eq!(service::item::get(db, item.id).await.unwrap(), item);
}

async fn create_many_is_all_or_none(db: TestDb) {
    migrated(&db).await;
    let db = &db.conn;
    let store = service::store::create(db, "IKEA").await.unwrap();
    let many: Vec<String> = (0..12_345).map(|n| format!("item {n}")).collect();
    assert_eq!(service::item::create_many(db, store.id, &many).await.unwrap(), 12_345);
    assert_eq!(service::item::create_many(db, store.id, Vec::<String>::new()).await.unwrap(), 0);
    let last = service::item::list(db, store.id, &Page::first(1).starting_with("item 12344")).await.unwrap();
    assert_eq!(last.rows.len(), 1);
    // The second chunk fails in the database; the first goes with it.
    let transaction = db.begin().await.unwrap();
    service::store::create(&transaction, "kept").await.unwrap();
    assert!(service::item::create_many(&transaction, 99, &many).await.unwrap_err().is_not_found());
    transaction.commit().await.unwrap();
    assert!(service::store::find_by_name(db, "kept").await.unwrap().is_some());
}

async fn delete_takes_the_items_and_nothing_else(db: TestDb) {
    let graph = migrated(&db).await;
    let db = &db.conn;
    let ikea = service::store::create_with_items(db, "IKEA", ["Chair", "Table"]).await.unwrap();
    let aldi = service::store::create_with_items(db, "Aldi", ["Milk"]).await.unwrap();
    let chair = service::item::list(db, ikea.id, &Page::first(1)).await.unwrap().rows.remove(0);
    let outcome = service::item::delete(db, &graph, chair.id).await.unwrap();
    assert_eq!(outcome.to_string(), "deleted items 1");
    assert_eq!(service::store::get(db, ikea.id).await.unwrap(), ikea, "an item leaves its store alone");

    let preview = service::store::preview_delete(db, &graph, ikea.id).await.unwrap();
    assert_eq!(
        preview.to_string(),
        "stores: 1 row to delete\n└─ items.store_id CASCADE: 1 row to delete\ntotal: 2 rows deleted, 0 changed"
    );
    let outcome = service::store::delete(db, &graph, ikea.id).await.unwrap();
    assert_eq!((outcome.deleted(store::Entity), outcome.deleted(item::Entity)), (1, 1));
    assert_eq!(&outcome, preview.outcome());
    assert!(service::store::get(db, ikea.id).await.unwrap_err().is_not_found());
    assert_eq!(service::item::list(db, aldi.id, &Page::first(9)).await.unwrap().rows.len(), 1);
}

async fn delete_with_options(db: TestDb) {
    let graph = migrated(&db).await;
    let db = &db.conn;
    let ikea = service::store::create_with_items(db, "IKEA", ["Chair", "Table"]).await.unwrap();
    let error = service::store::delete_with(db, &graph, ikea.id, |deletion| deletion.at_most(2)).await.unwrap_err();
    assert!(error.is_too_many_rows());
    let preview = service::store::preview_delete(db, &graph, ikea.id).await.unwrap();
    let lamp = service::item::create(db, ikea.id, "Lamp").await.unwrap();
    let expecting = |deletion: sea_orm_cascade::Deletion| deletion.expecting(&preview);
    let error = service::store::delete_with(db, &graph, ikea.id, expecting).await.unwrap_err();
    assert!(error.is_changed());
    service::item::delete_with(db, &graph, lamp.id, |deletion| deletion.at_most(1)).await.unwrap();
    assert_eq!(service::store::delete_with(db, &graph, ikea.id, expecting).await.unwrap().total(), 3);
}

entity!(review "reviews" { pub item_id: i64, } [
    Item = "sea_orm_cascade::entity::item::Entity", "Column::ItemId", "sea_orm_cascade::entity::item::Column::Id", "Cascade"
]);
entity!(loan "loans" { pub item_id: i64, } [
    Item = "sea_orm_cascade::entity::item::Entity", "Column::ItemId", "sea_orm_cascade::entity::item::Column::Id", "Restrict"
]);

async fn a_programs_own_tables_go_through_the_same_call(db: TestDb) {
    migrated(&db).await;
    let schema = sea_orm::Schema::new(db.backend());
    db.conn.execute(&schema.create_table_from_entity(review::Entity)).await.unwrap();
    db.conn.execute(&schema.create_table_from_entity(loan::Entity)).await.unwrap();
    let graph = service::graph().entity(review::Entity).entity(loan::Entity).build().unwrap();
    let ikea = service::store::create_with_items(&db.conn, "IKEA", ["Chair", "Table"]).await.unwrap();
    let items = service::item::list(&db.conn, ikea.id, &Page::first(9)).await.unwrap().rows;
    let (chair, table) = (items[0].id, items[1].id);
    db.sql(&format!("INSERT INTO reviews VALUES (1, {chair}), (2, {chair}), (3, {table})")).await;
    db.sql(&format!("INSERT INTO loans VALUES (7, {table})")).await;

    let error = service::store::delete(&db.conn, &graph, ikea.id).await.unwrap_err();
    assert!(error.is_blocked());
    assert_eq!(
        error.to_string(),
        "the delete is refused: 1 row of loans references it through loans.item_id (RESTRICT), keys 7, path stores > items > loans"
    );
    let preview = service::store::preview_delete(&db.conn, &graph, ikea.id).await.unwrap();
    assert_eq!(
        preview.to_string(),
        "stores: 1 row to delete\n\
         └─ items.store_id CASCADE: 2 rows to delete\n   \
         ├─ reviews.item_id CASCADE: 3 rows to delete\n   \
         └─ loans.item_id RESTRICT: 1 row blocking\n\
         without the blockers: 6 rows deleted, 0 changed\n\
         blocked: 1 row of loans references it through loans.item_id (RESTRICT), keys 7, path stores > items > loans"
    );
    assert_eq!(service::item::delete(&db.conn, &graph, chair).await.unwrap().deleted(review::Entity), 2);
    db.sql("DELETE FROM loans").await;
    let gone = service::store::delete(&db.conn, &graph, ikea.id).await.unwrap();
    assert_eq!(gone.to_string(), "deleted stores 1, items 1, reviews 1");
}

/// Calls that fail, one of every kind.
async fn every_error<C: Connection>(db: &C, graph: &Graph, taken: &store::Model) {
    assert!(service::store::create(db, "").await.unwrap_err().is_invalid_name());
    assert!(service::store::create(db, &taken.name).await.unwrap_err().is_name_taken());
    assert!(service::item::create(db, 99, "x").await.unwrap_err().is_not_found());
    assert!(service::item::create_many(db, 99, ["x"]).await.unwrap_err().is_not_found());
    assert!(service::store::rename(db, 99, "x").await.unwrap_err().is_not_found());
    assert!(service::store::delete(db, graph, 99).await.unwrap_err().is_not_found());
    let too_many = service::store::delete_with(db, graph, taken.id, |deletion| deletion.at_most(0)).await;
    assert!(too_many.unwrap_err().is_too_many_rows());
}

async fn after_any_error_the_transaction_commits(db: TestDb) {
    let graph = migrated(&db).await;
    let taken = service::store::create(&db.conn, "taken").await.unwrap();
    let transaction = db.conn.begin().await.unwrap();
    let before = service::store::create(&transaction, "before").await.unwrap();
    every_error(&transaction, &graph, &taken).await;
    let after = service::item::create(&transaction, before.id, "after").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(service::item::get(&db.conn, after.id).await.unwrap().store_id, before.id);
    // On a pool too, nothing is left open.
    every_error(&db.conn, &graph, &taken).await;
    service::store::delete(&db.conn, &graph, before.id).await.unwrap();
}

async fn errors_become_db_errors(db: TestDb) {
    async fn handler(db: &sea_orm::DatabaseConnection) -> Result<store::Model, DbErr> {
        service::store::get(db, 99).await?;
        Ok(service::store::create(db, "").await?)
    }
    migrated(&db).await;
    assert_eq!(handler(&db.conn).await.unwrap_err(), DbErr::RecordNotFound("there is no store with id 99".to_owned()));
    let error = service::store::create(&db.conn, "").await.unwrap_err();
    assert_eq!(
        DbErr::from(error),
        DbErr::Custom("the name is empty; give it at least one character that is not blank".to_owned())
    );
    db.sql("DROP TABLE items").await;
    let error = service::item::get(&db.conn, 1).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Database(_)));
    assert!(!error.is_transient());
    let source = std::error::Error::source(&error).expect("the driver's error").to_string();
    assert!(!error.to_string().contains(&source), "the source is told once");
    assert!(matches!(DbErr::from(error), DbErr::Query(_)));
}

async fn models_serialise(db: TestDb) {
    migrated(&db).await;
    let ikea = service::store::create_with_items(&db.conn, "IKEA", ["Chair"]).await.unwrap();
    let page = service::item::list(&db.conn, ikea.id, &Page::first(9)).await.unwrap();
    let json = serde_json::to_value(&page).unwrap();
    let id = page.rows[0].id;
    assert_eq!(json, serde_json::json!({"rows": [{"id": id, "name": "Chair", "store_id": ikea.id}], "next": null}));
    assert_eq!(serde_json::from_value::<store::Model>(serde_json::to_value(&ikea).unwrap()).unwrap(), ikea);
}
