//! The data that both benches work on, and the ways to delete it that they compare.

#[allow(dead_code, reason = "not every bench deletes through levels")]
pub mod levels;
#[allow(dead_code, reason = "not every bench deletes a tree")]
pub mod tree;
#[allow(dead_code, reason = "not every bench deletes from many tables")]
pub mod wide;

use std::time::{Duration, Instant};

use sea_orm::{
    ColumnTrait as _, ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, EntityTrait as _,
    QueryFilter as _, TransactionTrait as _,
};
use sea_orm_cascade::Graph;
use sea_orm_cascade::entity::{item, store};
use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
use sea_orm_cascade::service;

/// Items that belong to a store which no run deletes, so that a scan of the table shows.
const BYSTANDERS: u64 = 300_000;

/// A database with the tables of this crate.
pub struct Subject {
    pub name: &'static str,
    pub url: String,
    pub db: DatabaseConnection,
    pub graph: Graph,
    _directory: Option<tempfile::TempDir>,
}

impl Subject {
    /// SQLite on a file in WAL mode, and each server whose URL is set; their tables are made anew.
    pub async fn all() -> Vec<Self> {
        let mut subjects = Vec::new();
        let directory = tempfile::tempdir().expect("a temporary directory");
        let url = format!("sqlite://{}/bench.db?mode=rwc", directory.path().display());
        subjects.push(Self::new("sqlite", &url, Some(directory)).await);
        let servers = [("postgres", "POSTGRES_URL"), ("mariadb", "MARIADB_URL"), ("mysql", "MYSQL_URL")];
        for (name, variable) in servers {
            match std::env::var(variable) {
                Ok(url) if !url.is_empty() => subjects.push(Self::new(name, &url, None).await),
                _ => println!("{name}: not measured, {variable} is not set"),
            }
        }
        subjects
    }

    async fn new(name: &'static str, url: &str, directory: Option<tempfile::TempDir>) -> Self {
        let mut options = ConnectOptions::new(url);
        options.sqlx_logging(false).max_connections(1);
        let db = Database::connect(options).await.expect("the database answers");
        if db.get_database_backend() == DbBackend::Sqlite {
            db.execute_unprepared("PRAGMA journal_mode = WAL").await.expect("WAL");
        }
        Migrator::fresh(&db).await.expect("the tables");
        let graph = service::graph().build().expect("the graph");
        let subject = Self { name, url: url.to_owned(), db, graph, _directory: directory };
        subject.sql("INSERT INTO stores (id, name) VALUES (1000000, 'bystander')").await;
        subject.fill_items(1_000_000, 1, BYSTANDERS, 0).await;
        if subject.db.get_database_backend() == DbBackend::Postgres {
            subject.sql("SELECT setval('items_id_seq', 100000000)").await;
        }
        subject
    }

    pub async fn sql(&self, sql: &str) {
        self.db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Stores 1 to `stores`, with `items` each.
    pub async fn fill(&self, stores: u64, items: u64) {
        let numbers = self.numbers(stores);
        let name = self.concat("store ");
        self.sql(&format!("INSERT INTO stores (id, name) SELECT n, {name} FROM {numbers}")).await;
        if items > 0 {
            self.fill_items(1, stores, stores * items, 1_000_000).await;
        }
        match self.db.get_database_backend() {
            DbBackend::Postgres => self.sql("VACUUM ANALYZE items, stores").await,
            DbBackend::MySql => {}
            _ => self.sql("PRAGMA wal_checkpoint(TRUNCATE)").await,
        }
    }

    async fn fill_items(&self, first_store: u64, stores: u64, items: u64, id_offset: u64) {
        let numbers = self.numbers(items);
        let name = self.concat("item ");
        self.sql(&format!(
            "INSERT INTO items (id, name, store_id) \
             SELECT n + {id_offset}, {name}, {first_store} + (n - 1) % {stores} FROM {numbers}"
        ))
        .await;
    }

    fn numbers(&self, count: u64) -> String {
        match self.db.get_database_backend() {
            DbBackend::Postgres => format!("generate_series(1, {count}) AS numbers (n)"),
            DbBackend::MySql => format!(
                "JSON_TABLE(CONCAT('[0', REPEAT(',0', {count} - 1), ']'), '$[*]' COLUMNS (n FOR ORDINALITY)) AS numbers"
            ),
            _ => format!(
                "(WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) \
                 SELECT n FROM numbers)"
            ),
        }
    }

    fn concat(&self, prefix: &str) -> String {
        match self.db.get_database_backend() {
            DbBackend::MySql => format!("CONCAT('{prefix}', n)"),
            _ => format!("'{prefix}' || n"),
        }
    }

    /// Deletes store 1 and its items, as one would by hand.
    async fn delete_in_a_loop(&self) {
        let mut last = 0;
        loop {
            let some = format!("SELECT id FROM items WHERE store_id = 1 AND id > {last} ORDER BY id LIMIT {BATCH}");
            let sql = match self.db.get_database_backend() {
                DbBackend::Postgres => format!("DELETE FROM items WHERE id = ANY(ARRAY({some}))"),
                DbBackend::MySql => format!("DELETE FROM items WHERE store_id = 1 ORDER BY id LIMIT {BATCH}"),
                _ => format!("DELETE FROM items WHERE id IN ({some})"),
            };
            if self.db.execute_unprepared(&sql).await.expect("items").rows_affected() == 0 {
                break;
            }
            // As they were made.
            last = last.max(1_000_000) + BATCH;
        }
        self.sql("DELETE FROM stores WHERE id = 1").await;
    }

    /// What a run left.
    pub async fn clear(&self) {
        self.sql("DELETE FROM items WHERE store_id < 1000000").await;
        self.sql("DELETE FROM stores WHERE id < 1000000").await;
    }
}

/// A way to delete stores 1 to n.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `DELETE FROM stores`: the constraint's ON DELETE CASCADE takes the items.
    Native,
    /// This crate.
    Ours,
    /// Two DELETEs in a transaction.
    HandWritten,
    /// SeaORM's generated `cascade_delete`.
    SeaOrm,
    /// This crate's preview, which deletes nothing.
    Preview,
    /// This crate, in batches of 5,000.
    Batches,
    /// The same, with hooks of the items that do nothing.
    BatchesWithHooks,
    /// A loop of DELETEs of 5,000 items, each committed.
    Loop,
    /// This crate, with hooks of the items that do nothing.
    Hooks,
    /// The items read as models, then this crate.
    ReadAndDelete,
}

/// Rows in a batch.
const BATCH: u64 = 5_000;

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "own cascade",
            Self::Ours => "sea-orm-cascade",
            Self::HandWritten => "two DELETEs",
            Self::SeaOrm => "cascade_delete",
            Self::Preview => "preview",
            Self::Batches => "batches",
            Self::BatchesWithHooks => "batches, hooks",
            Self::Loop => "loop of DELETEs",
            Self::Hooks => "hooks",
            Self::ReadAndDelete => "read, then delete",
        }
    }

    /// Deletes stores 1 to `stores` and their items, and tells how long it took.
    pub async fn run(self, subject: &Subject, stores: u64) -> Duration {
        let Subject { db, graph, .. } = subject;
        let last = i64::try_from(stores).expect("a small number");
        let wanted = || store::Entity::find().filter(store::COLUMN.id.between(1, last));
        let ours = || match stores {
            1 => graph.delete_keys(store::Entity, [1]),
            _ => graph.delete(wanted()),
        };
        let with_hooks = service::graph().entity_with_hooks(item::Entity).build().expect("the graph");
        let start = Instant::now();
        match self {
            Self::Batches => {
                let outcome = ours().batches_of(5_000).execute(db).await.expect("batches");
                assert_eq!(outcome.deleted(store::Entity), stores);
            }
            Self::BatchesWithHooks => {
                let deletion = with_hooks.delete_keys(store::Entity, 1..=last);
                let outcome = deletion.batches_of(5_000).execute(db).await.expect("batches");
                assert_eq!(outcome.deleted(store::Entity), stores);
            }
            Self::Loop => subject.delete_in_a_loop().await,
            Self::Hooks => {
                let outcome = with_hooks.delete_keys(store::Entity, 1..=last).execute(db).await.expect("hooks");
                assert_eq!(outcome.deleted(store::Entity), stores);
            }
            Self::ReadAndDelete => {
                let items = item::Entity::find().filter(item::COLUMN.store_id.between(1, last)).all(db).await;
                assert!(!items.expect("the items").is_empty());
                ours().execute(db).await.expect("ours");
            }
            Self::Native => {
                store::Entity::delete_many().filter(store::COLUMN.id.between(1, last)).exec(db).await.expect("native");
            }
            Self::Ours => {
                let outcome = ours().execute(db).await.expect("ours");
                assert_eq!(outcome.deleted(store::Entity), stores);
            }
            Self::HandWritten => {
                let transaction = db.begin().await.expect("a transaction");
                let of_one = item::COLUMN.store_id.eq(1_i64);
                let ids = sea_orm::QuerySelect::select_only(wanted());
                let ids = sea_orm::QuerySelect::column(ids, store::Column::Id);
                let of_many = item::Column::StoreId.in_subquery(sea_orm::QueryTrait::into_query(ids));
                let items = item::Entity::delete_many().filter(if stores == 1 { of_one } else { of_many });
                items.exec(&transaction).await.expect("items");
                let stores = store::Entity::delete_many().filter(store::COLUMN.id.between(1, last));
                stores.exec(&transaction).await.expect("stores");
                transaction.commit().await.expect("commit");
            }
            Self::SeaOrm => {
                for store in wanted().all(db).await.expect("the stores") {
                    store.cascade_delete(db).await.expect("cascade_delete");
                }
            }
            Self::Preview => {
                let preview = ours().preview(db).await.expect("preview");
                assert_eq!(preview.deleted(store::Entity), stores);
            }
        }
        start.elapsed()
    }
}
