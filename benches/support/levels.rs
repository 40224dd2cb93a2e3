//! Notes under the items, so that there is a level between the asked rows and the last, and ways to
//! delete all three.

use std::time::{Duration, Instant};

use sea_orm::entity::prelude::*;
use sea_orm::{DbBackend, TransactionTrait as _};
use sea_orm_cascade::entity::store;
use sea_orm_cascade::service;

use super::Subject;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bench_notes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub item_id: i64,
    #[sea_orm(belongs_to, from = "item_id", to = "id", on_delete = "Cascade")]
    pub item: BelongsTo<sea_orm_cascade::entity::item::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

pub const ITEMS: u64 = 10_000;
pub const NOTES: u64 = 100_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Three DELETEs in a transaction, which lock nothing beforehand.
    HandWritten,
    /// This crate, which locks the store and the items.
    Ours,
}

impl Way {
    pub const ALL: [Self; 2] = [Self::HandWritten, Self::Ours];

    pub fn name(self) -> &'static str {
        match self {
            Self::HandWritten => "three DELETEs",
            Self::Ours => "sea-orm-cascade",
        }
    }

    pub async fn run(self, subject: &Subject) -> Duration {
        let db = &subject.db;
        let graph = service::graph().entity(Entity).build().expect("the graph");
        let start = Instant::now();
        match self {
            Self::HandWritten => {
                let transaction = db.begin().await.expect("a transaction");
                let notes = match db.get_database_backend() {
                    DbBackend::MySql => {
                        "DELETE notes FROM bench_notes AS notes JOIN items ON items.id = notes.item_id \
                         WHERE items.store_id = 1"
                    }
                    _ => "DELETE FROM bench_notes WHERE item_id IN (SELECT id FROM items WHERE store_id = 1)",
                };
                for sql in [notes, "DELETE FROM items WHERE store_id = 1", "DELETE FROM stores WHERE id = 1"] {
                    transaction.execute_unprepared(sql).await.expect(sql);
                }
                transaction.commit().await.expect("commit");
            }
            Self::Ours => {
                let outcome = graph.delete_keys(store::Entity, [1]).execute(db).await.expect("ours");
                assert_eq!(outcome.deleted(Entity), NOTES);
            }
        }
        start.elapsed()
    }
}

/// Makes the table, with notes of an item that stays.
pub async fn make(subject: &Subject) {
    drop(subject).await;
    subject
        .sql(
            "CREATE TABLE bench_notes (id BIGINT PRIMARY KEY, item_id BIGINT NOT NULL, \
             FOREIGN KEY (item_id) REFERENCES items (id) ON DELETE CASCADE)",
        )
        .await;
    if subject.db.get_database_backend() != DbBackend::MySql {
        subject.sql("CREATE INDEX bench_notes_item_id ON bench_notes (item_id)").await;
    }
    let numbers = subject.numbers(300_000);
    subject.sql(&format!("INSERT INTO bench_notes SELECT n + 1000000, n FROM {numbers}")).await;
}

pub async fn drop(subject: &Subject) {
    subject.sql("DROP TABLE IF EXISTS bench_notes").await;
}

pub async fn fill(subject: &Subject, items: u64, notes: u64) {
    subject.fill(1, items).await;
    let numbers = subject.numbers(notes);
    subject.sql(&format!("INSERT INTO bench_notes SELECT n + 2000000, 1000001 + n % {items} FROM {numbers}")).await;
    if subject.db.get_database_backend() == DbBackend::Postgres {
        subject.sql("VACUUM ANALYZE bench_notes").await;
    }
}
