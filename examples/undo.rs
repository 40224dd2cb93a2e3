//! `cargo run --example undo`: deletes a store with everything, looks at the receipt, and brings it
//! back. Meanwhile another program has taken its name. `DATABASE_URL` names another database than
//! SQLite in memory.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use sea_orm::{ConnectOptions, Database};
use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
use sea_orm_cascade::service;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = ConnectOptions::new(std::env::var("DATABASE_URL").unwrap_or("sqlite::memory:".to_owned()));
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    Migrator::up(&db, None).await?;
    // The audit asks for the record tables too; the migration of stores and items has made theirs.
    let graph = service::graph().with_undo().build()?;
    graph.audit().run(&db).await?.expect_clean()?;

    let name = "A store of the undo example";
    let ikea = service::store::create_with_items(&db, name, ["Chair", "Table", "Lamp"]).await?;
    let outcome =
        service::store::delete_with(&db, &graph, ikea.id, |deletion| deletion.undoable("ticket 4711")).await?;
    println!("{outcome}");

    let receipt = outcome.receipt().ok_or("nothing was deleted")?;
    let newest = graph.receipts(&db, 1, None).await?;
    println!("receipt {receipt}: {:?}, {:?}", newest[0].reason, newest[0].deleted);

    let other = service::store::create(&db, name).await?;
    println!("another program takes the name");
    println!("{}", service::preview_undo(&db, &graph, receipt).await?);
    if let Err(error) = service::undo(&db, &graph, receipt).await {
        println!("{error}");
    }

    service::store::rename(&db, other.id, "Another store of the undo example").await?;
    println!("it is renamed");
    println!("{}", service::undo(&db, &graph, receipt).await?);
    println!("{:?}", service::store::get(&db, ikea.id).await?);

    // Nothing of the example stays in your database, but the receipt without its reason.
    for id in [ikea.id, other.id] {
        service::store::delete(&db, &graph, id).await?;
    }
    graph.forget(receipt).execute(&db).await?;
    Ok(())
}
