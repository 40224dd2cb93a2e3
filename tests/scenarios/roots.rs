//! Which rows are taken: those that the Select returns, once, frozen before anything is deleted.

use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query, UnionType};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, JoinType, Order, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait, RelationTrait as _, TransactionTrait as _,
};
use sea_orm_cascade::{Action, ErrorKind, Graph, Preview};

use crate::support::{Case, TestDb};
use crate::{entity, tables, tests};

tests![
    a_filter_that_looks_at_rows_which_go,
    a_join_that_repeats_a_root,
    limit_and_an_order_by_alias,
    a_select_without_its_key,
    a_union_is_refused_with_a_hint,
    a_group_by_its_key_is_taken,
    a_group_by_another_column_is_refused,
    a_root_that_changes_meanwhile_is_left,
    at_most_counts_all_that_changes,
    rows_that_must_exist,
    keys_with_their_types,
    expecting_refuses_what_is_not_as_shown,
    a_preview_survives_json,
    every_part_is_checked_before_anything_is_written,
];

entity!(store "store" { pub name: String, } []);
entity!(item "item" { pub name: String, pub store: i64, } [
    Store = "super::store::Entity", "Column::Store", "super::store::Column::Id", "Cascade"
]);
entity!(tag "tag" { pub item: Option<i64>, } [
    Item = "super::item::Entity", "Column::Item", "super::item::Column::Id", "SetNull"
]);

entity!(loan "loan" { pub item: i64, } [
    Item = "super::item::Entity", "Column::Item", "super::item::Column::Id", "Restrict"
]);

fn case() -> Case {
    Case::new(tables![store, item, tag])
        .rows("store", "(1, 'b'), (2, 'a'), (3, 'c')")
        .rows("item", "(1, 'x', 1), (2, 'y', 1), (3, 'x', 2), (4, 'x', 1)")
        .rows("tag", "(1, 1), (2, 3)")
}

const BOTH_GONE: &str = "store(3:c) item() tag(1:- 2:-)";

// S38: leaf first, a filter that is evaluated again finds no items and so no stores.
async fn a_filter_that_looks_at_rows_which_go(db: TestDb) {
    case()
        .delete_by(|graph, _| {
            let has_x = Query::select()
                .expr(Expr::val(1))
                .from(item::Entity)
                .and_where(Expr::col((item::Entity, item::Column::Store)).equals((store::Entity, store::Column::Id)))
                .and_where(item::Column::Name.eq("x"))
                .to_owned();
            graph.delete(store::Entity::find().filter(Expr::exists(has_x)))
        })
        .outcome("deleted store 2, item 4; changed tag.item 2 (SET NULL)", BOTH_GONE)
        .run(&db)
        .await;
}

async fn a_join_that_repeats_a_root(db: TestDb) {
    case()
        .delete_by(|graph, _| {
            let joined = store::Entity::find().join(JoinType::InnerJoin, item::Relation::Store.def().rev());
            graph.delete(joined.filter(item::Column::Name.eq("x")))
        })
        .outcome("deleted store 2, item 4; changed tag.item 2 (SET NULL)", BOTH_GONE)
        .run(&db)
        .await;
}

async fn limit_and_an_order_by_alias(db: TestDb) {
    case()
        .delete_by(|graph, _| {
            let select = store::Entity::find()
                .column_as(store::Column::Name, "shown")
                .order_by(Expr::col(Alias::new("shown")), Order::Asc)
                .limit(1);
            graph.delete(select)
        })
        .outcome(
            "deleted store 1, item 1; changed tag.item 1 (SET NULL)",
            "store(1:b 3:c) item(1:x:1 2:y:1 4:x:1) tag(1:1 2:-)",
        )
        .run(&db)
        .await;
}

async fn a_select_without_its_key(db: TestDb) {
    case()
        .delete_by(|graph, _| {
            let names = store::Entity::find().select_only().column(store::Column::Name);
            graph.delete(names.filter(store::Column::Name.is_in(["a", "b"])))
        })
        .outcome("deleted store 2, item 4; changed tag.item 2 (SET NULL)", BOTH_GONE)
        .run(&db)
        .await;
}

async fn a_union_is_refused_with_a_hint(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    let mut select = store::Entity::find().filter(store::Column::Id.eq(1));
    let other = store::Entity::find().filter(store::Column::Id.eq(2)).into_query();
    QueryTrait::query(&mut select).union(UnionType::All, other);
    let transaction = db.conn.begin().await.unwrap();
    let before = case.state(&transaction).await;
    let error = case.graph().delete(select).execute(&transaction).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Select(_)), "{error:?}");
    assert!(error.to_string().contains("use `delete_keys`"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(case.state(&transaction).await, before);
    transaction.commit().await.unwrap();
}

async fn a_group_by_its_key_is_taken(db: TestDb) {
    case()
        .delete_by(|graph, _| {
            let joined = store::Entity::find().join(JoinType::InnerJoin, item::Relation::Store.def().rev());
            let grouped = joined.select_only().column(store::Column::Id).group_by(store::Column::Id);
            graph.delete(grouped.having(item::Column::Id.count().gt(1)))
        })
        .outcome("deleted store 1, item 3; changed tag.item 1 (SET NULL)", "store(2:a 3:c) item(3:x:2) tag(1:- 2:3)")
        .run(&db)
        .await;
}

// One row of each group would be taken, and which one is chance.
async fn a_group_by_another_column_is_refused(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    let select = store::Entity::find().select_only().column(store::Column::Name).group_by(store::Column::Name);
    let error = case.graph().delete(select).execute(&db.conn).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Select(_)), "{error:?}");
}

// The lock of a row that another transaction changes is waited for; it is not taken as it was
// before.
async fn a_root_that_changes_meanwhile_is_left(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    let other = db.conn.begin().await.unwrap();
    other.execute_unprepared("UPDATE store SET name = 'reopened' WHERE id = 1").await.unwrap();
    let pool = db.connect(1).await;
    let deletion = case.graph().delete(store::Entity::find().filter(store::Column::Name.is_in(["a", "b"])));
    let commit = async {
        // Until it waits.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        other.commit().await.unwrap();
    };
    let (outcome, ()) = tokio::join!(deletion.execute(&pool), commit);
    assert_eq!(outcome.unwrap().to_string(), "deleted store 1, item 1; changed tag.item 1 (SET NULL)");
    assert_eq!(case.state(&db.conn).await, "store(1:reopened 3:c) item(1:x:1 2:y:1 4:x:1) tag(1:1 2:-)");
}

fn one_and_two(graph: &Graph) -> sea_orm_cascade::Deletion {
    graph.delete_keys(store::Entity, [1, 2])
}

// S34
async fn at_most_counts_all_that_changes(db: TestDb) {
    case()
        .delete_by(|graph, _| one_and_two(graph).at_most(8))
        .outcome("deleted store 2, item 4; changed tag.item 2 (SET NULL)", BOTH_GONE)
        .run(&db)
        .await;
    case()
        .delete_by(|graph, _| one_and_two(graph).at_most(7))
        .refused(
            "8 rows would be deleted or changed in all, more than the 7 allowed: \
             it would have deleted store 2, item 4; changed tag.item 2 (SET NULL)",
        )
        .run(&db)
        .await;
    case()
        .delete_by(|graph, _| one_and_two(graph).at_most(0))
        .refused(
            "8 rows would be deleted or changed in all, more than the 0 allowed: \
         it would have deleted store 2, item 4; changed tag.item 2 (SET NULL)",
        )
        .run(&db)
        .await;
}

async fn rows_that_must_exist(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    let graph = Graph::builder().entity(store::Entity).entity(item::Entity).entity(tag::Entity).build().unwrap();
    let before = case.state(&db.conn).await;
    let some = graph.delete_keys(store::Entity, [9, 1, 8, 9]).must_exist();
    let none = graph.delete(store::Entity::find().filter(store::Column::Name.eq("z"))).must_exist();
    for (deletion, text) in [(&some, "not found: store 8, 9"), (&none, "not found: no row of store")] {
        for error in [
            deletion.preview(&db.conn).await.unwrap_err(),
            deletion.execute(&db.conn).await.unwrap_err(),
            deletion.clone().batches_of(1).execute(&db.conn).await.unwrap_err(),
        ] {
            assert!(error.is_not_found() && !error.is_transient());
            assert_eq!(error.to_string(), text);
        }
    }
    assert_eq!(case.state(&db.conn).await, before);

    let outcome = graph.delete_keys(store::Entity, [1, 1]).must_exist().execute(&db.conn).await.unwrap();
    assert_eq!(outcome.deleted(store::Entity), 1);
    let again = graph.delete_keys(store::Entity, [1]).must_exist().execute(&db.conn).await.unwrap_err();
    assert_eq!(again.to_string(), "not found: store 1");
}

async fn keys_with_their_types(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    let graph = Graph::builder().entity(store::Entity).entity(item::Entity).entity(tag::Entity).build().unwrap();
    let deletion = graph.delete_keys(store::Entity, [1]).keys_of(item::Entity);
    let outcome = deletion.execute(&db.conn).await.unwrap();
    let mut items: Vec<i64> = outcome.keys(item::Entity).unwrap();
    items.sort_unstable();
    assert_eq!(items, [1, 2, 4]);
    assert!(outcome.keys(store::Entity).unwrap().is_empty(), "not asked for");
    assert_eq!(outcome.updates_by_table().collect::<Vec<_>>(), [("tag", 1)]);
}

async fn expecting_refuses_what_is_not_as_shown(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    let deletion = case.graph().delete(store::Entity::find().filter(store::Column::Id.lte(2)));
    let preview = deletion.preview(&db.conn).await.unwrap();
    // A row more; the same number of rows but another root.
    for (change, back) in [
        ("INSERT INTO tag VALUES (3, 4)", "DELETE FROM tag WHERE id = 3"),
        ("UPDATE item SET store = 3 WHERE id = 2", "UPDATE item SET store = 1 WHERE id = 2"),
    ] {
        db.sql(change).await;
        let before = case.state(&db.conn).await;
        let error = deletion.clone().expecting(&preview).execute(&db.conn).await.unwrap_err();
        assert!(error.is_changed(), "{error:?}");
        assert_eq!(case.state(&db.conn).await, before);
        db.sql(back).await;
    }
    db.sql("INSERT INTO store VALUES (4, 'd')").await;
    let one = case.graph().delete_keys(store::Entity, [3]);
    let other = case.graph().delete_keys(store::Entity, [4]);
    let shown = one.preview(&db.conn).await.unwrap();
    let error = other.expecting(&shown).execute(&db.conn).await.unwrap_err();
    assert!(error.is_changed());
    assert_eq!(
        error.to_string(),
        "the rows have changed since the preview: the counts are equal, but other rows of store or other foreign keys; preview again"
    );
    let of_items = case.graph().delete_keys(item::Entity, [1]).expecting(&shown);
    let error = of_items.execute(&db.conn).await.unwrap_err();
    assert_eq!(error.to_string(), "the preview is of a delete from store, and this is a delete from item");
    let outcome = deletion.expecting(&preview).execute(&db.conn).await.unwrap();
    assert_eq!(&outcome, preview.outcome());
    assert_eq!(outcome.deletions().collect::<Vec<_>>(), [("store", 2), ("item", 4)]);
    assert_eq!(outcome.updates().collect::<Vec<_>>(), [("tag.item", Action::SetNull, 2)]);
}

async fn a_preview_survives_json(db: TestDb) {
    let case = case();
    case.create(&db, true, false).await;
    let deletion = one_and_two(&case.graph());
    let preview = deletion.preview(&db.conn).await.unwrap();
    assert_eq!(
        preview.to_string(),
        "store: 2 rows to delete\n\
         └─ item.store CASCADE: 4 rows to delete\n   \
         └─ tag.item SET NULL: 2 rows to change\n\
         total: 6 rows deleted, 2 changed"
    );
    let json = serde_json::to_value(&preview).unwrap();
    assert_eq!(json["root"], "store");
    assert_eq!(json["lines"][0]["foreign_key"], "item.store");
    assert_eq!(json["lines"][0]["action"], "cascade");
    assert_eq!(json["outcome"]["deleted"][1], serde_json::json!({"table": "item", "rows": 4}));
    let back: Preview = serde_json::from_value(json).unwrap();
    assert_eq!(back, preview);
    deletion.expecting(&back).execute(&db.conn).await.unwrap();
}

// The blocker is found although `at_most` would refuse as well: it is what the user must act on.
async fn every_part_is_checked_before_anything_is_written(db: TestDb) {
    Case::new(tables![store, item, loan])
        .rows("store", "(1, 'b')")
        .rows("item", "(1, 'x', 1), (2, 'y', 1)")
        .rows("loan", "(5, 2)")
        .delete_by(|graph, _| graph.delete_keys(store::Entity, [1]).at_most(1))
        .refused("the delete is refused: 1 row of loan references it through loan.item (RESTRICT), keys 5, path store > item > loan")
        .run(&db)
        .await;
}
