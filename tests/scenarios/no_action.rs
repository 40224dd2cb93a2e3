//! R3: NO ACTION is judged when everything doomed is known; RESTRICT is not.

use crate::support::{Case, TestDb};
use crate::{entity, tables, tests};

tests![
    a_blocker_that_is_doomed_too_does_not_block,
    a_blocker_doomed_through_a_third_table_does_not_block,
    a_diamond_goes_from_its_top_and_not_from_its_side,
    restrict_refuses_the_diamond_from_both,
    a_row_that_another_path_only_nulls_still_blocks,
    a_blocker_whose_cascade_key_is_null_is_found,
];

entity!(top "top" {} []);
entity!(left "left_side" { pub top: i64, } [
    Top = "super::top::Entity", "Column::Top", "super::top::Column::Id", "Cascade"
]);
entity!(right "right_side" { pub top: i64, } [
    Top = "super::top::Entity", "Column::Top", "super::top::Column::Id", "Cascade"
]);
entity!(bottom "bottom" { pub l: i64, pub r: Option<i64>, } [
    L = "super::left::Entity", "Column::L", "super::left::Column::Id", "NoAction";
    R = "super::right::Entity", "Column::R", "super::right::Column::Id", "Cascade"
]);
entity!(bottom_restrict "bottom" { pub l: i64, pub r: Option<i64>, } [
    L = "super::left::Entity", "Column::L", "super::left::Column::Id", "Restrict";
    R = "super::right::Entity", "Column::R", "super::right::Column::Id", "Cascade"
]);
entity!(both "both" { pub a: i64, pub b: i64, } [
    A = "super::top::Entity", "Column::A", "super::top::Column::Id", "NoAction";
    B = "super::top::Entity", "Column::B", "super::top::Column::Id", "Cascade"
]);
entity!(third "third" { pub top: i64, pub l: i64, } [
    Top = "super::top::Entity", "Column::Top", "super::top::Column::Id", "NoAction";
    L = "super::left::Entity", "Column::L", "super::left::Column::Id", "Cascade"
]);
entity!(nulled "nulled" { pub l: i64, pub top: Option<i64>, } [
    L = "super::left::Entity", "Column::L", "super::left::Column::Id", "NoAction";
    Top = "super::top::Entity", "Column::Top", "super::top::Column::Id", "SetNull"
]);

// S11
async fn a_blocker_that_is_doomed_too_does_not_block(db: TestDb) {
    let case = |rows| Case::new(tables![top, both]).rows("top", "(1), (2)").rows("both", rows);
    case("(1, 1, 1)").delete(top::Entity, &[1]).outcome("deleted top 1, both 1", "top(2) both()").run(&db).await;
    case("(1, 1, 2)")
        .delete(top::Entity, &[1])
        .refused(
            "the delete is refused: 1 row of both references it through both.a (NO ACTION), keys 1, path top > both",
        )
        .run(&db)
        .await;
    case("(1, 1, 2)").delete(top::Entity, &[1, 2]).outcome("deleted top 2, both 1", "top() both()").run(&db).await;
}

async fn a_blocker_doomed_through_a_third_table_does_not_block(db: TestDb) {
    let case = |rows| {
        Case::new(tables![top, left, third])
            .rows("top", "(1), (2)")
            .rows("left_side", "(1, 1), (2, 2)")
            .rows("third", rows)
    };
    case("(1, 1, 1)")
        .delete(top::Entity, &[1])
        .outcome("deleted top 1, left_side 1, third 1", "top(2) left_side(2:2) third()")
        .run(&db)
        .await;
    case("(1, 1, 2)")
        .delete(top::Entity, &[1])
        .refused("the delete is refused: 1 row of third references it through third.top (NO ACTION), keys 1, path top > third")
        .run(&db)
        .await;
}

// S12
async fn a_diamond_goes_from_its_top_and_not_from_its_side(db: TestDb) {
    for tables in [tables![top, left, right, bottom], tables![top, right, left, bottom]] {
        let case = || {
            Case::new(tables.clone())
                .rows("top", "(1)")
                .rows("left_side", "(1, 1)")
                .rows("right_side", "(1, 1)")
                .rows("bottom", "(1, 1, 1)")
        };
        let refused = "the delete is refused: 1 row of bottom references it through bottom.l (NO ACTION), keys 1, \
                       path left_side > bottom";
        case().delete(left::Entity, &[1]).refused(refused).run(&db).await;
    }
    Case::new(tables![top, left, right, bottom])
        .rows("top", "(1)")
        .rows("left_side", "(1, 1)")
        .rows("right_side", "(1, 1)")
        .rows("bottom", "(1, 1, 1)")
        .delete(top::Entity, &[1])
        .outcome("deleted top 1, left_side 1, right_side 1, bottom 1", "top() left_side() right_side() bottom()")
        .run(&db)
        .await;
    Case::new(tables![top, right, left, bottom])
        .rows("top", "(1)")
        .rows("left_side", "(1, 1)")
        .rows("right_side", "(1, 1)")
        .rows("bottom", "(1, 1, 1)")
        .delete(top::Entity, &[1])
        .outcome("deleted top 1, left_side 1, right_side 1, bottom 1", "top() right_side() left_side() bottom()")
        .run(&db)
        .await;
}

// S13
async fn restrict_refuses_the_diamond_from_both(db: TestDb) {
    let case = || {
        Case::new(tables![top, left, right, bottom_restrict])
            .rows("top", "(1)")
            .rows("left_side", "(1, 1)")
            .rows("right_side", "(1, 1)")
            .rows("bottom", "(1, 1, 1)")
    };
    let by = "the delete is refused: 1 row of bottom references it through bottom.l (RESTRICT), keys 1, path left_side > bottom";
    case().delete(left::Entity, &[1]).refused(by).run(&db).await;
    let by = "the delete is refused: 1 row of bottom references it through bottom.l (RESTRICT), keys 1, path top > left_side > bottom";
    case().delete(top::Entity, &[1]).refused(by).run(&db).await;
}

// S14
async fn a_row_that_another_path_only_nulls_still_blocks(db: TestDb) {
    Case::new(tables![top, left, nulled])
        .rows("top", "(1)")
        .rows("left_side", "(1, 1)")
        .rows("nulled", "(1, 1, 1)")
        .delete(top::Entity, &[1])
        .refused("the delete is refused: 1 row of nulled references it through nulled.l (NO ACTION), keys 1, path top > left_side > nulled")
        .run(&db)
        .await;
}

// S40, R9: NOT IN would call a row with a NULL neither doomed nor not.
async fn a_blocker_whose_cascade_key_is_null_is_found(db: TestDb) {
    Case::new(tables![top, left, right, bottom])
        .rows("top", "(1)")
        .rows("left_side", "(1, 1)")
        .rows("right_side", "(1, 1)")
        .rows("bottom", "(1, 1, 1), (2, 1, NULL)")
        .delete(top::Entity, &[1])
        .refused("the delete is refused: 1 row of bottom references it through bottom.l (NO ACTION), keys 2, path top > left_side > bottom")
        .run(&db)
        .await;
}
