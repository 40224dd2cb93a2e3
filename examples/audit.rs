//! `cargo run --example audit`: a database that has drifted from its entities in many ways, and how
//! it is fixed. On SQLite in memory; with `DATABASE_URL` set, on the server that it names (in
//! tables of its own, which are dropped at the end).

#![allow(clippy::print_stdout, reason = "an example shows what it does")]
#![allow(unreachable_pub, reason = "entities are declared as SeaORM wants them")]

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, DbErr};
use sea_orm_cascade::{Fix, Graph};

macro_rules! entity {
    ($module:ident $table:literal { $($fields:tt)* }) => {
        #[allow(dead_code, reason = "SeaORM makes more of an entity than an example uses")]
        mod $module {
            use sea_orm::entity::prelude::*;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub id: i64,
                $($fields)*
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

entity!(shop "drift_shops" {
    #[sea_orm(unique, column_type = "String(StringLen::N(20))")]
    pub code: String,
});
entity!(category "drift_categories" {
    pub parent_id: Option<i64>,
    #[sea_orm(self_ref, relation_enum = "Parent", from = "parent_id", to = "id", on_delete = "Cascade")]
    pub parent: HasOne<Entity>,
});
entity!(product "drift_products" {
    pub shop_id: i64,
    pub category_id: Option<i64>,
    #[sea_orm(belongs_to, from = "shop_id", to = "id", on_delete = "Cascade")]
    pub shop: BelongsTo<super::shop::Entity>,
    #[sea_orm(belongs_to, from = "category_id", to = "id", on_delete = "SetNull")]
    pub category: BelongsTo<Option<super::category::Entity>>,
});
entity!(label "drift_labels" {
    #[sea_orm(column_type = "String(StringLen::N(20))")]
    pub shop_code: String,
    #[sea_orm(belongs_to, from = "shop_code", to = "code", on_delete = "Cascade")]
    pub shop: BelongsTo<super::shop::Entity>,
});
entity!(photo "drift_photos" {
    pub product_id: i64,
    pub caption: Option<String>,
    #[sea_orm(belongs_to, from = "product_id", to = "id", on_delete = "Cascade")]
    pub product: BelongsTo<super::product::Entity>,
});
entity!(review "drift_reviews" {
    pub product_id: i64,
    #[sea_orm(belongs_to, from = "product_id", to = "id", on_delete = "Cascade")]
    pub product: BelongsTo<super::product::Entity>,
});

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite::memory:".to_owned());
    let mut options = ConnectOptions::new(url);
    // What is set on a connection is found on that connection.
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    drop_all(&db).await?;
    drift(&db).await?;
    let graph = Graph::builder()
        .entity(shop::Entity)
        .entity(category::Entity)
        .entity(product::Entity)
        .entity(label::Entity)
        .entity(photo::Entity)
        .entity(review::Entity)
        .build()?;

    let audit = graph.audit().counting_orphans().run(&db).await?;
    println!("{audit}\n");
    assert!(audit.expect_clean().is_err());

    // The schema first, as far as the orphans let it.
    fix(&db, &graph).await?;
    // Then the rows, through the engine: looked at, bounded, and those that are too young left
    // alone.
    let repair = graph.repair(label::Entity).only(label::COLUMN.id.lt(1_000)).at_most(10);
    let preview = repair.preview(&db).await?;
    println!("{preview}\n");
    println!("repaired: {}\n", repair.expecting(&preview).execute(&db).await?);
    // And what wanted them gone.
    fix(&db, &graph).await?;

    let audit = graph.audit().counting_orphans().run(&db).await?;
    println!("{audit}\n");
    // The one that is left is of another program; it stays, and whoever comes after should know.
    assert!(audit.findings().iter().all(|finding| matches!(finding.fix, Fix::Declaration { .. })));
    audit.accept(|finding| finding.table == "drift_exports").expect_clean()?;
    drop_all(&db).await?;
    Ok(())
}

/// Runs what fixes the schema.
async fn fix(db: &DatabaseConnection, graph: &Graph) -> Result<(), Box<dyn std::error::Error>> {
    for statement in graph.audit().counting_orphans().run(db).await?.statements() {
        db.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// Makes the tables as somebody made them by hand, years ago.
async fn drift(db: &DatabaseConnection) -> Result<(), DbErr> {
    let (off, depth) = match db.get_database_backend() {
        DbBackend::Postgres => ("SET session_replication_role = replica", 3),
        DbBackend::MySql => ("SET SESSION foreign_key_checks = 0", 20),
        _ => ("PRAGMA foreign_keys = OFF", 600),
    };
    let tree: Vec<String> = (2..=depth).map(|id| format!("({id}, {})", id - 1)).collect();
    for sql in [
        // Whatever is written here is not checked.
        off,
        // `code` is not unique, and labels refer to it without a constraint.
        "CREATE TABLE drift_shops (id BIGINT NOT NULL PRIMARY KEY, code VARCHAR(20) NOT NULL)",
        "CREATE TABLE drift_labels (id BIGINT NOT NULL PRIMARY KEY, shop_code VARCHAR(20) NOT NULL)",
        "CREATE INDEX drift_labels_shop ON drift_labels (shop_code)",
        // Deeper than the database's own cascade goes.
        "CREATE TABLE drift_categories (id BIGINT NOT NULL PRIMARY KEY, parent_id BIGINT NULL, \
         CONSTRAINT drift_parent FOREIGN KEY (parent_id) REFERENCES drift_categories (id) ON DELETE CASCADE)",
        "CREATE INDEX drift_categories_parent ON drift_categories (parent_id)",
        // Another action; and a category that cannot be NULL, with neither constraint nor index.
        "CREATE TABLE drift_products (id BIGINT NOT NULL PRIMARY KEY, shop_id BIGINT NOT NULL, \
         category_id BIGINT NOT NULL, \
         CONSTRAINT drift_shop FOREIGN KEY (shop_id) REFERENCES drift_shops (id) ON DELETE NO ACTION)",
        "CREATE INDEX drift_products_shop ON drift_products (shop_id)",
        // No caption; no reviews at all.
        "CREATE TABLE drift_photos (id BIGINT NOT NULL PRIMARY KEY, product_id BIGINT NOT NULL, \
         CONSTRAINT drift_product FOREIGN KEY (product_id) REFERENCES drift_products (id) ON DELETE CASCADE)",
        "CREATE INDEX drift_photos_product ON drift_photos (product_id)",
        // A table that is not in the graph.
        "CREATE TABLE drift_exports (id BIGINT NOT NULL PRIMARY KEY, shop_id BIGINT NOT NULL, \
         CONSTRAINT drift_export FOREIGN KEY (shop_id) REFERENCES drift_shops (id) ON DELETE CASCADE)",
        "INSERT INTO drift_shops VALUES (1, 'north'), (2, 'south')",
        "INSERT INTO drift_categories VALUES (1, NULL)",
        &format!("INSERT INTO drift_categories VALUES {}", tree.join(", ")),
        "INSERT INTO drift_products VALUES (1, 1, 1)",
        // Their shop is gone.
        "INSERT INTO drift_labels VALUES (1, 'north'), (2, 'west'), (3, 'west')",
    ] {
        db.execute_unprepared(sql).await?;
    }
    if db.get_database_backend() == DbBackend::Postgres {
        // What only PostgreSQL can have.
        for sql in [
            "ALTER TABLE drift_photos DROP CONSTRAINT drift_product, ADD CONSTRAINT drift_product \
             FOREIGN KEY (product_id) REFERENCES drift_products (id) ON DELETE CASCADE NOT VALID",
            "ALTER TABLE drift_categories DISABLE TRIGGER ALL",
        ] {
            db.execute_unprepared(sql).await?;
        }
    }
    Ok(())
}

async fn drop_all(db: &DatabaseConnection) -> Result<(), DbErr> {
    for table in ["reviews", "photos", "products", "labels", "exports", "categories", "shops"] {
        db.execute_unprepared(&format!("DROP TABLE IF EXISTS drift_{table}")).await?;
    }
    Ok(())
}
