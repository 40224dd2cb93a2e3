//! `cargo run --example quickstart`: stores and items on SQLite in memory, from the empty database
//! to the delete.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use sea_orm::{ConnectOptions, Database};
use sea_orm_cascade::entity::{item, store};
use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
use sea_orm_cascade::service::{self, Page};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A database in memory lives as long as its one connection.
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    Migrator::up(&db, None).await?;
    let graph = service::graph().build()?;
    println!("rules: {graph:?}\n");

    let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table", "Lamp"]).await?;
    let aldi = service::store::create(&db, "Aldi").await?;
    service::item::create(&db, aldi.id, "Milk").await?;
    for store in service::store::list(&db, &Page::first(50)).await?.rows {
        let items = service::item::list(&db, store.id, &Page::first(50)).await?.rows;
        let names: Vec<_> = items.iter().map(|item| item.name.as_str()).collect();
        println!("{} has {}", store.name, names.join(", "));
    }

    let taken = service::store::create(&db, "IKEA").await.expect_err("the name is taken");
    println!("\na second IKEA: {taken}");

    let preview = service::store::preview_delete(&db, &graph, ikea.id).await?;
    println!("\nbefore the delete:\n{preview}");

    let outcome = service::store::delete_with(&db, &graph, ikea.id, |deletion| deletion.expecting(&preview)).await?;
    println!("\n{outcome}");
    assert_eq!((outcome.deleted(store::Entity), outcome.deleted(item::Entity)), (1, 3));

    let left = service::store::list(&db, &Page::first(50)).await?.rows;
    println!("left: {}", left.iter().map(|store| store.name.as_str()).collect::<Vec<_>>().join(", "));
    assert_eq!(left, [aldi]);
    Ok(())
}
