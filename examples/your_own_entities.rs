//! `cargo run --example your_own_entities`: a program whose reviews go with their item, and whose
//! loans forbid it.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]
#![allow(unreachable_pub, reason = "entities are declared as SeaORM wants them")]

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, EntityTrait as _, Schema};
use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
use sea_orm_cascade::service::{self, Page};

/// Reviews go with their item.
mod review {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "reviews")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub text: String,
        pub item_id: i64,
        #[sea_orm(belongs_to, from = "item_id", to = "id", on_delete = "Cascade")]
        pub item: BelongsTo<sea_orm_cascade::entity::item::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// An item that is lent cannot be deleted, nor can its store.
mod loan {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "loans")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub item_id: i64,
        #[sea_orm(belongs_to, from = "item_id", to = "id", on_delete = "Restrict")]
        pub item: BelongsTo<sea_orm_cascade::entity::item::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    Migrator::up(&db, None).await?;
    let schema = Schema::new(db.get_database_backend());
    db.execute(&schema.create_table_from_entity(review::Entity)).await?;
    db.execute(&schema.create_table_from_entity(loan::Entity)).await?;

    // Store and Item are in it; a program adds its own tables, once.
    let graph = service::graph().entity(review::Entity).entity(loan::Entity).build()?;

    let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    let items = service::item::list(&db, ikea.id, &Page::first(10)).await?.rows;
    for text in ["Sturdy", "Wobbly"] {
        let review = review::ActiveModel::builder().set_text(text).set_item_id(items[0].id);
        review.insert(&db).await?;
    }
    let loan = loan::ActiveModel::builder().set_item_id(items[1].id).insert(&db).await?;

    println!("{}\n", service::store::preview_delete(&db, &graph, ikea.id).await?);
    let refused = service::store::delete(&db, &graph, ikea.id).await.expect_err("an item is lent");
    let blocker = &refused.delete_error().expect("a refused delete").blockers()[0];
    println!(
        "refused: {} of {} by {}, keys {:?}\n",
        blocker.rows, blocker.table, blocker.foreign_key, blocker.sample_keys
    );
    assert!(refused.is_blocked());

    loan::Entity::delete_by_id(loan.id).exec(&db).await?;
    let outcome = service::store::delete(&db, &graph, ikea.id).await?;
    println!("the loan is back: {outcome}");
    assert_eq!(outcome.deleted(review::Entity), 2);
    Ok(())
}
