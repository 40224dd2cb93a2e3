//! R3: what each action does to the rows that refer to a deleted one.

use sea_orm::EntityTrait as _;
use sea_orm_cascade::Graph;

use crate::support::{Case, TestDb};
use crate::{entity, tables, tests};

tests![
    cascade_takes_the_children,
    cascade_takes_them_by_a_nullable_key_too,
    set_null_keeps_the_children,
    set_default_writes_the_default,
    set_default_without_a_default_is_null,
    no_action_and_restrict_refuse,
    every_blocker_is_named,
    a_blocker_two_levels_down_stops_everything,
    blockers_gone_the_delete_works,
    rows_that_are_gone_are_zero,
    a_child_goes_alone,
];

entity!(a "a" {} []);
entity!(cascade "b" { pub a: i64, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade"]);
entity!(cascade_nullable "b" { pub a: Option<i64>, } [
    A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade"
]);
entity!(set_null "b" { pub a: Option<i64>, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "SetNull"]);
entity!(set_default "b" {
    #[sea_orm(default_value = 9)]
    pub a: i64,
} [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "SetDefault"]);
entity!(set_default_null "b" { pub a: Option<i64>, } [
    A = "super::a::Entity", "Column::A", "super::a::Column::Id", "SetDefault"
]);
entity!(no_action "b" { pub a: i64, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "NoAction"]);
entity!(restrict "b" { pub a: i64, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Restrict"]);
entity!(other "c" { pub a: i64, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Restrict"]);
entity!(below "c" { pub b: i64, } [B = "super::cascade::Entity", "Column::B", "super::cascade::Column::Id", "Restrict"]);

// S1
async fn cascade_takes_the_children(db: TestDb) {
    Case::new(tables![a, cascade])
        .rows("a", "(1), (2)")
        .rows("b", "(1, 1), (2, 1), (3, 2)")
        .delete(a::Entity, &[1])
        .outcome("deleted a 1, b 2", "a(2) b(3:2)")
        .run(&db)
        .await;
}

// S2
async fn cascade_takes_them_by_a_nullable_key_too(db: TestDb) {
    Case::new(tables![a, cascade_nullable])
        .rows("a", "(1), (2)")
        .rows("b", "(1, 1), (2, NULL), (3, 2)")
        .delete(a::Entity, &[1])
        .outcome("deleted a 1, b 1", "a(2) b(2:- 3:2)")
        .run(&db)
        .await;
}

// S3
async fn set_null_keeps_the_children(db: TestDb) {
    Case::new(tables![a, set_null])
        .rows("a", "(1), (2)")
        .rows("b", "(1, 1), (2, 2), (3, NULL)")
        .delete(a::Entity, &[1])
        .outcome("deleted a 1; changed b.a 1 (SET NULL)", "a(2) b(1:- 2:2 3:-)")
        .run(&db)
        .await;
}

// S5: the default is an i32 and the key an i64; it is the same 9.
async fn set_default_writes_the_default(db: TestDb) {
    let case = |rows: &'static str, ids: &'static [i64]| {
        Case::new(tables![a, set_default]).rows("a", rows).rows("b", "(1, 1)").delete(a::Entity, ids)
    };
    case("(1), (9)", &[1]).outcome("deleted a 1; changed b.a 1 (SET DEFAULT)", "a(9) b(1:9)").run(&db).await;
    let no_default = "the delete is refused: 1 row of b would take the default of b.a, and no remaining row has that key, \
                      keys 1, path a > b";
    case("(1)", &[1]).refused(no_default).run(&db).await;
    // The default is doomed as well.
    case("(1), (9)", &[1, 9]).refused(no_default).run(&db).await;
    // Nobody takes the default, so it need not exist.
    case("(1), (2)", &[2]).outcome("deleted a 1", "a(1) b(1:1)").run(&db).await;
    // The default is doomed and rows hold it already.
    Case::new(tables![a, set_default])
        .rows("a", "(1), (9)")
        .rows("b", "(1, 9)")
        .delete(a::Entity, &[9])
        .refused(no_default)
        .run(&db)
        .await;
}

async fn set_default_without_a_default_is_null(db: TestDb) {
    Case::new(tables![a, set_default_null])
        .rows("a", "(1)")
        .rows("b", "(1, 1)")
        .delete(a::Entity, &[1])
        .outcome("deleted a 1; changed b.a 1 (SET DEFAULT)", "a() b(1:-)")
        .run(&db)
        .await;
}

// S6
async fn no_action_and_restrict_refuse(db: TestDb) {
    let rows = "(1, 1), (2, 1), (3, 2), (4, 1), (5, 1), (6, 1), (7, 1)";
    Case::new(tables![a, no_action])
        .rows("a", "(1), (2)")
        .rows("b", "(1, 1), (2, 1), (3, 2)")
        .delete(a::Entity, &[1])
        .refused("the delete is refused: 2 rows of b reference it through b.a (NO ACTION), keys 1, 2, path a > b")
        .run(&db)
        .await;
    Case::new(tables![a, restrict])
        .rows("a", "(1), (2)")
        .rows("b", rows)
        .delete(a::Entity, &[1])
        .refused("the delete is refused: 6 rows of b reference it through b.a (RESTRICT), keys 1, 2, 4, 5, 6, .., path a > b")
        .run(&db)
        .await;
}

// S7
async fn every_blocker_is_named(db: TestDb) {
    Case::new(tables![a, no_action, other])
        .rows("a", "(1)")
        .rows("b", "(1, 1)")
        .rows("c", "(5, 1)")
        .delete(a::Entity, &[1])
        .refused(
            "the delete is refused: 1 row of b references it through b.a (NO ACTION), keys 1, path a > b; \
             1 row of c references it through c.a (RESTRICT), keys 5, path a > c",
        )
        .run(&db)
        .await;
}

// S8
async fn a_blocker_two_levels_down_stops_everything(db: TestDb) {
    Case::new(tables![a, cascade, below])
        .rows("a", "(1)")
        .rows("b", "(1, 1), (2, 1)")
        .rows("c", "(7, 2)")
        .delete(a::Entity, &[1])
        .refused("the delete is refused: 1 row of c references it through c.b (RESTRICT), keys 7, path a > b > c")
        .run(&db)
        .await;
}

async fn blockers_gone_the_delete_works(db: TestDb) {
    let case = Case::new(tables![a, restrict]).rows("a", "(1)").rows("b", "(1, 1)");
    case.create(&db, true, false).await;
    let graph: Graph = case.graph();
    let deletion = graph.delete_keys(a::Entity, [1]);
    let error = deletion.execute(&db.conn).await.unwrap_err();
    assert!(error.is_blocked());
    let blocker = &error.blockers()[0];
    assert_eq!((&*blocker.table, &*blocker.foreign_key, blocker.rows), ("b", "b.a", 1));
    assert_eq!(blocker.sample_keys[0].to_string(), "1");
    restrict::Entity::delete_many().exec(&db.conn).await.unwrap();
    assert_eq!(deletion.execute(&db.conn).await.unwrap().deleted(a::Entity), 1);
}

// S9
async fn rows_that_are_gone_are_zero(db: TestDb) {
    Case::new(tables![a, cascade, below])
        .rows("a", "(1)")
        .rows("b", "(1, 1)")
        .delete(a::Entity, &[7, 8])
        .outcome("nothing deleted", "a(1) b(1:1) c()")
        .run(&db)
        .await;
}

// S10
async fn a_child_goes_alone(db: TestDb) {
    Case::new(tables![a, cascade])
        .rows("a", "(1)")
        .rows("b", "(1, 1), (2, 1)")
        .delete(cascade::Entity, &[1])
        .outcome("deleted b 1", "a(1) b(2:1)")
        .run(&db)
        .await;
}
