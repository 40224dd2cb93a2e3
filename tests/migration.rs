//! The migration: up, down, fresh, status, its rules, and a host's Migrator beside it.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbErr};
use sea_orm_cascade::migration::{MigrationTrait, Migrator, MigratorTrait, SchemaManager};
use sea_orm_cascade::service;
use sea_orm_migration::prelude::{ColumnDef, ForeignKey, Table};
use sea_orm_migration::{MigrationName, async_trait};

use crate::support::{Kind, TestDb};
use crate::tests;

tests![
    up_down_fresh_status,
    the_database_holds_the_rules_of_names_too,
    a_host_first,
    a_host_second,
    chained_into_a_host,
    the_items_of_a_store_are_found_by_an_index,
    the_own_cascade_is_declared,
    the_audit_is_clean,
];

async fn the_audit_is_clean(db: TestDb) {
    Migrator::up(&db.conn, None).await.unwrap();
    let graph = service::graph().with_undo().build().unwrap();
    let audit = graph.audit().counting_orphans().run(&db.conn).await.unwrap();
    audit.expect_clean().unwrap();
    assert_eq!((audit.checked().tables.len(), audit.checked().keys.len()), (2, 1));
    if db.kind() == Kind::Sqlite {
        db.sql("DROP INDEX items_store_id_id_idx").await;
        let audit = service::graph().build().unwrap().audit().run(&db.conn).await.unwrap();
        let text = audit.to_string().replace(audit.server(), "SQLite 3.51.3");
        let page = include_str!("../docs/audit.md");
        assert!(page.contains(&text), "the page shows what an audit prints: {text}");
    }
}

async fn applied(db: &DatabaseConnection) -> usize {
    Migrator::get_applied_migrations(db).await.unwrap().len()
}

async fn up_down_fresh_status(db: TestDb) {
    let db = &db.conn;
    Migrator::up(db, None).await.unwrap();
    assert_eq!(applied(db).await, 3);
    Migrator::up(db, None).await.expect("nothing left to do");
    service::store::create_with_items(db, "IKEA", ["Chair"]).await.unwrap();
    db.execute_unprepared("CREATE TABLE of_the_host (id BIGINT)").await.unwrap();
    Migrator::fresh(db).await.unwrap();
    assert_eq!(service::store::find_by_name(db, "IKEA").await.unwrap(), None);
    db.execute_unprepared("SELECT * FROM of_the_host").await.expect("fresh leaves other tables alone");
    Migrator::status(db).await.unwrap();
    Migrator::refresh(db).await.unwrap();
    service::store::create(db, "IKEA").await.unwrap();
    Migrator::down(db, Some(1)).await.unwrap();
    assert_eq!(applied(db).await, 2);
    db.execute_unprepared("SELECT number FROM cascade_receipts").await.expect("it stays");
    Migrator::down(db, None).await.unwrap();
    assert_eq!(applied(db).await, 0);
    assert!(service::store::create(db, "IKEA").await.is_err());
    Migrator::up(db, None).await.unwrap();
    service::store::create(db, "IKEA").await.unwrap();
}

async fn the_database_holds_the_rules_of_names_too(db: TestDb) {
    Migrator::up(&db.conn, None).await.unwrap();
    db.sql("INSERT INTO stores (id, name) VALUES (1, 'IKEA')").await;
    let too_long = "é".repeat(81);
    for name in ["", " ", " x", "x ", &too_long] {
        for sql in [
            format!("INSERT INTO stores (name) VALUES ('{name}')"),
            format!("INSERT INTO items (name, store_id) VALUES ('{name}', 1)"),
        ] {
            assert!(db.conn.execute_unprepared(&sql).await.is_err(), "{sql}");
        }
    }
    for sql in ["INSERT INTO stores (name) VALUES ('IKEA')", "INSERT INTO items (name, store_id) VALUES ('x', 9)"] {
        assert!(db.conn.execute_unprepared(sql).await.is_err(), "{sql}");
    }
    db.sql(&format!("INSERT INTO stores (name) VALUES ('{}')", "é".repeat(80))).await;
}

/// A program's own migration, whose table refers to ours if `after` ours.
struct HostMigration;

impl MigrationName for HostMigration {
    fn name(&self) -> &'static str {
        "m20200101_000001_of_the_host"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for HostMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create().table("host").col(ColumnDef::new("id").big_integer().primary_key()).to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("host").to_owned()).await
    }
}

struct ReviewsMigration;

impl MigrationName for ReviewsMigration {
    fn name(&self) -> &'static str {
        "m20300101_000001_reviews_of_the_host"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for ReviewsMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut item = ForeignKey::create().from("reviews", "item_id").to("items", "id").to_owned();
        let table = Table::create()
            .table("reviews")
            .col(ColumnDef::new("id").big_integer().primary_key())
            .col(ColumnDef::new("item_id").big_integer())
            .foreign_key(&mut item)
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("reviews").to_owned()).await
    }
}

struct Host;

#[async_trait::async_trait]
impl MigratorTrait for Host {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(HostMigration)]
    }
}

async fn beside_a_host(db: &DatabaseConnection) {
    assert_eq!(applied(db).await, 3);
    assert_eq!(Host::get_applied_migrations(db).await.unwrap().len(), 1);
    service::store::create(db, "IKEA").await.unwrap();
    Migrator::fresh(db).await.unwrap();
    db.execute_unprepared("SELECT id FROM host").await.expect("the host's table stays");
    Migrator::down(db, None).await.unwrap();
    assert_eq!(Host::get_applied_migrations(db).await.unwrap().len(), 1);
    Migrator::up(db, None).await.unwrap();
    Host::down(db, None).await.unwrap();
    service::store::create(db, "IKEA").await.unwrap();
    // The host's own fresh drops every table; ours come back with the next `up`.
    Host::fresh(db).await.unwrap();
    Migrator::up(db, None).await.unwrap();
    service::store::create(db, "IKEA").await.unwrap();
}

async fn a_host_first(db: TestDb) {
    Host::up(&db.conn, None).await.unwrap();
    Migrator::up(&db.conn, None).await.unwrap();
    beside_a_host(&db.conn).await;
}

async fn a_host_second(db: TestDb) {
    Migrator::up(&db.conn, None).await.unwrap();
    Host::up(&db.conn, None).await.unwrap();
    beside_a_host(&db.conn).await;
}

struct Chained;

#[async_trait::async_trait]
impl MigratorTrait for Chained {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = Migrator::migrations();
        migrations.push(Box::new(ReviewsMigration));
        migrations
    }
}

async fn chained_into_a_host(db: TestDb) {
    let db = &db.conn;
    Chained::up(db, None).await.unwrap();
    assert_eq!(Chained::get_applied_migrations(db).await.unwrap().len(), 4);
    db.execute_unprepared("SELECT item_id FROM reviews").await.unwrap();
    Chained::down(db, Some(1)).await.unwrap();
    service::store::create_with_items(db, "IKEA", ["Chair"]).await.unwrap();
    Chained::fresh(db).await.unwrap();
    Chained::down(db, None).await.unwrap();
}

async fn the_items_of_a_store_are_found_by_an_index(db: TestDb) {
    Migrator::up(&db.conn, None).await.unwrap();
    let sql = match db.kind() {
        Kind::Sqlite => {
            "SELECT group_concat(name, ',') AS columns FROM (SELECT name FROM pragma_index_info('items_store_id_id_idx') \
             ORDER BY seqno)"
        }
        Kind::Postgres => {
            "SELECT string_agg(attname, ',' ORDER BY attnum) AS columns FROM pg_attribute \
             WHERE attrelid = 'items_store_id_id_idx'::regclass"
        }
        Kind::MariaDb | Kind::MySql => {
            "SELECT GROUP_CONCAT(column_name ORDER BY seq_in_index) AS columns FROM information_schema.statistics \
             WHERE table_schema = database() AND index_name = 'items_store_id_id_idx'"
        }
    };
    let statement = sea_orm::Statement::from_string(db.backend(), sql);
    let row = db.conn.query_one_raw(statement).await.unwrap().unwrap();
    assert_eq!(row.try_get::<String>("", "columns").unwrap(), "store_id,id");
}

async fn the_own_cascade_is_declared(db: TestDb) {
    Migrator::up(&db.conn, None).await.unwrap();
    let ikea = service::store::create_with_items(&db.conn, "IKEA", ["Chair", "Table"]).await.unwrap();
    db.sql(&format!("DELETE FROM stores WHERE id = {}", ikea.id)).await;
    let graph = service::graph().build().unwrap();
    let all = graph.delete(<sea_orm_cascade::entity::item::Entity as sea_orm::EntityTrait>::find());
    assert_eq!(all.preview(&db.conn).await.unwrap().outcome().total(), 0);
}
