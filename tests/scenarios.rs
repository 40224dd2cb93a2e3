//! The scenarios.
use crate::entity;
use crate::support::{Case, Table, TestDb};

entity!(a "a" {} []);
entity!(b "b" { a: i64 } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade"]);

crate::tests![s1_cascade];

async fn s1_cascade(db: TestDb) {
    Case::new([Table::of(a::Entity), Table::of(b::Entity)])
        .rows("a", "(1), (2)")
        .rows("b", "(1, 1), (2, 1), (3, 2)")
        .delete(a::Entity, &[1])
        .outcome("deleted a 1, b 2", "a(2) b(3:2)")
        .run(&db)
        .await;
}
