//! `DATABASE_URL=postgres://.. cargo run --example database_url`: the same calls on the database
//! that you name.
//!
//! It works in one transaction and rolls it back, so that nothing of it stays but the tables
//! `stores` and `items`.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use sea_orm::{ConnectOptions, Database, TransactionTrait as _};
use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
use sea_orm_cascade::service::{self, Page};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("DATABASE_URL")
        .map_err(|_| "set DATABASE_URL, such as sqlite://shop.db?mode=rwc or postgres://user:password@host/database")?;
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false);
    let db = Database::connect(options).await?;
    Migrator::up(&db, None).await?;
    let graph = service::graph().build()?;

    let transaction = db.begin().await?;
    let names: Vec<String> = (1..=10_000).map(|n| format!("Item {n}")).collect();
    let store = service::store::create(&transaction, "A store of the example").await?;
    let created = service::item::create_many(&transaction, store.id, &names).await?;
    println!("{created} items in {}", store.name);

    let mut page = Page::first(1_000).starting_with("Item 9");
    let mut found = 0;
    while let Some(next) = {
        let listed = service::item::list(&transaction, store.id, &page).await?;
        found += listed.rows.len();
        listed.next
    } {
        page = Page::after(next, 1_000).starting_with("Item 9");
    }
    println!("{found} of them start with \"Item 9\"");

    // A typed error leaves the transaction as it was.
    let taken = service::store::create(&transaction, &store.name).await.expect_err("the name is taken");
    println!("{taken}");

    let preview = service::store::preview_delete(&transaction, &graph, store.id).await?;
    println!("\n{preview}");
    let outcome = service::store::delete_with(&transaction, &graph, store.id, |deletion| deletion.expecting(&preview));
    println!("\n{}", outcome.await?);
    transaction.rollback().await?;
    Ok(())
}
