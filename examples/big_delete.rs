//! `cargo run --example big_delete [FILE]`: a store with a million items goes in batches, with a
//! progress bar. Ctrl-C stops it between two batches; run again with the same file, it goes on with
//! what is left.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, EntityTrait as _, PaginatorTrait as _};
use sea_orm_cascade::entity::{item, store};
use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
use sea_orm_cascade::service;

const ITEMS: u64 = 1_000_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1);
    let url = file.as_ref().map_or("sqlite::memory:".to_owned(), |file| format!("sqlite://{file}?mode=rwc"));
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    Migrator::up(&db, None).await?;
    let graph = service::graph().build()?;

    let big = if let Some(left) = service::store::find_by_name(&db, "Big").await? {
        left
    } else {
        println!("creating {ITEMS} items ..");
        let big = service::store::create(&db, "Big").await?;
        db.execute_unprepared(&format!(
            "INSERT INTO items (name, store_id) WITH RECURSIVE numbers (n) AS \
             (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ITEMS}) SELECT 'item ' || n, {} FROM numbers",
            big.id
        ))
        .await?;
        big
    };

    let is_to_stop = Arc::new(AtomicBool::new(false));
    let stop = is_to_stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.store(true, Ordering::Relaxed);
        }
    });

    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} rows, {per_sec}, {eta} to go, {msg}")?;
    let bar = ProgressBar::new(item::Entity::find().count(&db).await? + 1).with_style(style);
    let shown = bar.clone();
    let batches = graph.delete_keys(store::Entity, [big.id]).batches_of(5_000).on_progress(move |progress| {
        shown.set_length(progress.total);
        shown.set_position(progress.done);
        shown.set_message(progress.table.clone());
        if is_to_stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match batches.execute(&db).await {
        Ok(outcome) => {
            bar.finish();
            println!("{outcome}");
        }
        Err(error) if error.is_stopped() => {
            bar.abandon();
            println!("{error}");
        }
        Err(error) => return Err(error.into()),
    }
    println!("items left: {}", item::Entity::find().count(&db).await?);
    Ok(())
}
