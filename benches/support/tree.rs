//! A tree of 100,000 nodes, ten levels deep, and the ways to delete it.

use std::time::{Duration, Instant};

use sea_orm::DbBackend;
use sea_orm::entity::prelude::*;
use sea_orm_cascade::Graph;

use super::Subject;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bench_nodes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub up: Option<i64>,
    pub name: String,
    #[sea_orm(self_ref, relation_enum = "Up", from = "up", to = "id", on_delete = "Cascade")]
    pub parent: HasOne<Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

pub const NODES: u64 = 100_000;

/// Nodes of another tree, which stay.
const BYSTANDERS: u64 = 300_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The constraint's ON DELETE CASCADE.
    Native,
    /// This crate.
    Ours,
    /// One recursive query and the DELETE that uses it.
    HandWritten,
    /// This crate's preview, which deletes nothing.
    Preview,
}

impl Way {
    pub const ALL: [Self; 4] = [Self::Native, Self::Ours, Self::HandWritten, Self::Preview];

    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "own cascade",
            Self::Ours => "sea-orm-cascade",
            Self::HandWritten => "recursive query",
            Self::Preview => "preview",
        }
    }

    pub async fn run(self, subject: &Subject) -> Duration {
        let db = &subject.db;
        let graph = Graph::builder().entity(Entity).build().expect("the graph");
        let start = Instant::now();
        match self {
            Self::Native => subject.sql("DELETE FROM bench_nodes WHERE id = 1").await,
            Self::Ours => {
                let outcome = graph.delete_keys(Entity, [1]).execute(db).await.expect("ours");
                assert_eq!(outcome.deleted(Entity), NODES);
            }
            Self::HandWritten => {
                let tree = "RECURSIVE tree (id) AS (SELECT id FROM bench_nodes WHERE id = 1 UNION ALL \
                            SELECT nodes.id FROM bench_nodes AS nodes JOIN tree ON nodes.up = tree.id)";
                let sql = match db.get_database_backend() {
                    DbBackend::MySql => format!(
                        "DELETE nodes FROM bench_nodes AS nodes JOIN (WITH {tree} SELECT id FROM tree) AS doomed \
                         ON doomed.id = nodes.id"
                    ),
                    _ => format!("WITH {tree} DELETE FROM bench_nodes WHERE id IN (SELECT id FROM tree)"),
                };
                subject.sql(&sql).await;
            }
            Self::Preview => {
                let preview = graph.delete_keys(Entity, [1]).preview(db).await.expect("preview");
                assert_eq!(preview.deleted(Entity), NODES);
            }
        }
        start.elapsed()
    }
}

/// Makes the table, with the nodes that stay.
pub async fn make(subject: &Subject) {
    let backend = subject.db.get_database_backend();
    drop(subject).await;
    let table = sea_orm::Schema::new(backend).create_table_from_entity(Entity);
    subject.db.execute(&table).await.expect("the table");
    subject.sql("CREATE INDEX bench_nodes_up ON bench_nodes (up)").await;
    subject.sql("INSERT INTO bench_nodes VALUES (1000000, NULL, 'bystander')").await;
    let (numbers, name) = (subject.numbers(BYSTANDERS), subject.concat("node "));
    let up = "1000000";
    subject.sql(&format!("INSERT INTO bench_nodes SELECT n + 1000000, {up}, {name} FROM {numbers}")).await;
}

pub async fn drop(subject: &Subject) {
    subject.sql("DROP TABLE IF EXISTS bench_nodes").await;
}

/// Nine levels of three children for each node, and the tenth with the rest.
pub async fn fill(subject: &Subject) {
    let (numbers, name) = (subject.numbers(NODES), subject.concat("node "));
    let half = if subject.db.get_database_backend() == DbBackend::MySql { "DIV" } else { "/" };
    let up = format!("CASE WHEN n = 1 THEN NULL WHEN n <= 9841 THEN (n + 1) {half} 3 ELSE 3281 + n % 6561 END");
    subject.sql(&format!("INSERT INTO bench_nodes SELECT n, {up}, {name} FROM {numbers} ORDER BY n")).await;
    match subject.db.get_database_backend() {
        DbBackend::Postgres => subject.sql("VACUUM ANALYZE bench_nodes").await,
        DbBackend::MySql => {}
        _ => subject.sql("PRAGMA wal_checkpoint(TRUNCATE)").await,
    }
}

/// What a preview left.
pub async fn clear(subject: &Subject) {
    // Children first, or SQLite and InnoDB would go through the tree.
    subject.sql("DELETE FROM bench_nodes WHERE id > 9841 AND id < 1000000").await;
    subject.sql("DELETE FROM bench_nodes WHERE id < 1000000").await;
}
