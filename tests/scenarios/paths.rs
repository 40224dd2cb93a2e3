//! R4: a row is counted once, whatever the number of paths to it; a row both nulled and doomed is
//! only deleted.

use crate::support::{Case, TestDb};
use crate::{entity, tables, tests};

tests![
    the_bottom_of_a_diamond_is_counted_once,
    two_cascades_to_one_parent,
    cascade_and_set_null_to_one_parent,
    both_nulled_and_doomed_is_only_deleted,
    set_null_below_a_cascade,
    set_null_of_rows_two_levels_down,
    two_set_nulls_count_per_key,
];

entity!(top "top" {} []);
entity!(left "left_side" { pub top: i64, } [
    Top = "super::top::Entity", "Column::Top", "super::top::Column::Id", "Cascade"
]);
entity!(right "right_side" { pub top: i64, } [
    Top = "super::top::Entity", "Column::Top", "super::top::Column::Id", "Cascade"
]);
entity!(bottom "bottom" { pub l: Option<i64>, pub r: Option<i64>, } [
    L = "super::left::Entity", "Column::L", "super::left::Column::Id", "Cascade";
    R = "super::right::Entity", "Column::R", "super::right::Column::Id", "Cascade"
]);
entity!(transfer "transfer" { pub src: i64, pub dst: i64, } [
    Src = "super::top::Entity", "Column::Src", "super::top::Column::Id", "Cascade";
    Dst = "super::top::Entity", "Column::Dst", "super::top::Column::Id", "Cascade"
]);
entity!(doc "docs" { pub author: i64, pub reviewer: Option<i64>, } [
    Author = "super::top::Entity", "Column::Author", "super::top::Column::Id", "Cascade";
    Reviewer = "super::top::Entity", "Column::Reviewer", "super::top::Column::Id", "SetNull"
]);
entity!(through "through" { pub top: Option<i64>, pub l: Option<i64>, } [
    Top = "super::top::Entity", "Column::Top", "super::top::Column::Id", "SetNull";
    L = "super::left::Entity", "Column::L", "super::left::Column::Id", "Cascade"
]);
entity!(kept "kept" { pub l: Option<i64>, } [L = "super::left::Entity", "Column::L", "super::left::Column::Id", "SetNull"]);
entity!(deep "deep" { pub b: Option<i64>, } [
    B = "super::bottom::Entity", "Column::B", "super::bottom::Column::Id", "SetNull"
]);
entity!(twice "twice" { pub x: Option<i64>, pub y: Option<i64>, } [
    X = "super::top::Entity", "Column::X", "super::top::Column::Id", "SetNull";
    Y = "super::top::Entity", "Column::Y", "super::top::Column::Id", "SetNull"
]);

// S16
async fn the_bottom_of_a_diamond_is_counted_once(db: TestDb) {
    Case::new(tables![top, left, right, bottom])
        .rows("top", "(1), (2)")
        .rows("left_side", "(1, 1), (2, 2)")
        .rows("right_side", "(1, 1), (2, 2)")
        .rows("bottom", "(1, 1, 1), (2, 1, 2), (3, 2, 1), (4, 2, 2), (5, NULL, 1), (6, NULL, NULL)")
        .delete(top::Entity, &[1])
        .outcome(
            "deleted top 1, left_side 1, right_side 1, bottom 4",
            "top(2) left_side(2:2) right_side(2:2) bottom(4:2:2 6:-:-)",
        )
        .run(&db)
        .await;
}

// S17
async fn two_cascades_to_one_parent(db: TestDb) {
    Case::new(tables![top, transfer])
        .rows("top", "(1), (2), (3)")
        .rows("transfer", "(1, 1, 2), (2, 2, 1), (3, 1, 1), (4, 2, 3)")
        .delete(top::Entity, &[1])
        .outcome("deleted top 1, transfer 3", "top(2 3) transfer(4:2:3)")
        .run(&db)
        .await;
}

// S18
async fn cascade_and_set_null_to_one_parent(db: TestDb) {
    Case::new(tables![top, doc])
        .rows("top", "(1), (2)")
        .rows("docs", "(1, 1, 2), (2, 2, 1), (3, 1, 1)")
        .delete(top::Entity, &[1])
        .outcome("deleted top 1, docs 2; changed docs.reviewer 1 (SET NULL)", "top(2) docs(2:2:-)")
        .run(&db)
        .await;
}

// S19
async fn both_nulled_and_doomed_is_only_deleted(db: TestDb) {
    Case::new(tables![top, left, through])
        .rows("top", "(1), (2)")
        .rows("left_side", "(1, 1), (2, 2)")
        .rows("through", "(1, 1, 1), (2, 1, 2), (3, 1, NULL), (4, 2, 1)")
        .delete(top::Entity, &[1])
        .outcome(
            "deleted top 1, left_side 1, through 2; changed through.top 2 (SET NULL)",
            "top(2) left_side(2:2) through(2:-:2 3:-:-)",
        )
        .run(&db)
        .await;
}

// S20
async fn set_null_below_a_cascade(db: TestDb) {
    Case::new(tables![top, left, kept])
        .rows("top", "(1), (2)")
        .rows("left_side", "(1, 1), (2, 2)")
        .rows("kept", "(1, 1), (2, 2)")
        .delete(top::Entity, &[1])
        .outcome("deleted top 1, left_side 1; changed kept.l 1 (SET NULL)", "top(2) left_side(2:2) kept(1:- 2:2)")
        .run(&db)
        .await;
}

async fn set_null_of_rows_two_levels_down(db: TestDb) {
    Case::new(tables![top, left, right, bottom, deep])
        .rows("top", "(1), (2)")
        .rows("left_side", "(1, 1), (2, 2)")
        .rows("right_side", "(1, 1), (2, 2)")
        .rows("bottom", "(1, 1, 1), (2, 2, 2)")
        .rows("deep", "(1, 1), (2, 2), (3, 1)")
        .delete(top::Entity, &[1])
        .outcome(
            "deleted top 1, left_side 1, right_side 1, bottom 1; changed deep.b 2 (SET NULL)",
            "top(2) left_side(2:2) right_side(2:2) bottom(2:2:2) deep(1:- 2:2 3:-)",
        )
        .run(&db)
        .await;
}

async fn two_set_nulls_count_per_key(db: TestDb) {
    Case::new(tables![top, twice])
        .rows("top", "(1), (2)")
        .rows("twice", "(1, 1, 1), (2, 1, 2)")
        .delete(top::Entity, &[1])
        .outcome("deleted top 1; changed twice.x 2 (SET NULL), twice.y 1 (SET NULL)", "top(2) twice(1:-:- 2:-:2)")
        .run(&db)
        .await;
}
