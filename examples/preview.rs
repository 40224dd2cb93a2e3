//! `cargo run --example preview`: look first, show it to somebody, and delete only what was shown.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use sea_orm::{ConnectOptions, Database, EntityTrait as _, QueryFilter as _};
use sea_orm_cascade::Preview;
use sea_orm_cascade::entity::store;
use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
use sea_orm_cascade::service;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    Migrator::up(&db, None).await?;
    let graph = service::graph().build()?;
    let old_one = service::store::create_with_items(&db, "Old one", ["Chair", "Table"]).await?;
    service::store::create_with_items(&db, "Old two", ["Lamp"]).await?;
    service::store::create_with_items(&db, "New", ["Sofa"]).await?;

    // Any Select says which rows; `at_most` is the net under it.
    let old = store::Entity::find().filter(store::COLUMN.name.like("Old %"));
    let deletion = graph.delete(old).at_most(100);
    let preview = deletion.preview(&db).await?;
    println!("{preview}");

    // A web page shows it and sends it back with the answer.
    let json = serde_json::to_string_pretty(&preview)?;
    println!("\nas JSON:\n{json}");
    let confirmed: Preview = serde_json::from_str(&json)?;

    // Meanwhile somebody adds an item. What is done must be what was shown, so nothing is.
    service::item::create(&db, old_one.id, "Late").await?;
    let refused = deletion.clone().expecting(&confirmed).execute(&db).await.expect_err("it has changed");
    println!("\n{refused}");
    assert!(refused.is_changed());

    let confirmed = deletion.preview(&db).await?;
    let outcome = deletion.expecting(&confirmed).execute(&db).await?;
    println!("\nshown and confirmed again: {outcome}");
    assert_eq!(outcome.total(), 6);

    let refused = graph.delete(store::Entity::find()).at_most(1).execute(&db).await.expect_err("two rows");
    println!("\n{refused}");
    assert!(refused.is_too_many_rows());
    Ok(())
}
