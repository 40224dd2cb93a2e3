//! `cargo bench --bench ratios`: how long this crate takes compared with the database's own cascade
//! and with what one would write by hand, as medians of interleaved runs (`RUNS`, 15 unless set).
//!
//! Ratios and not times are what is looked at: the ways are run in turn, so that what else the
//! machine does meets all of them.

#![allow(clippy::print_stdout, unreachable_pub, reason = "a bench prints what it measured")]

mod support;

use std::time::{Duration, Instant};

use sea_orm::sea_query::Query;
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use sea_orm_cascade::entity::{item, store};
use sea_orm_cascade::service::{self, Page};

use support::{Subject, Way, levels, tree, wide};

#[tokio::main]
async fn main() {
    let runs = std::env::var("RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(15);
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    for subject in Subject::all().await {
        for (stores, items) in [(1, 1_000), (1, 10_000), (1, 100_000), (10_000, 10)] {
            if format!("{} delete {stores} {items}", subject.name).contains(&only) {
                delete(&subject, stores, items, runs).await;
            }
        }
        for (name, items, ways) in [
            ("batches", 1_000_000, &[Way::Loop, Way::Batches, Way::BatchesWithHooks, Way::Native][..]),
            ("hooks", 100_000, &[Way::ReadAndDelete, Way::Hooks]),
        ] {
            if format!("{} {name}", subject.name).contains(&only) {
                compare(&subject, (1, items), ways, runs.min(5)).await;
            }
        }
        if format!("{} levels", subject.name).contains(&only) {
            levels(&subject, runs).await;
        }
        if format!("{} count", subject.name).contains(&only) {
            count(&subject, runs).await;
        }
        if format!("{} tree", subject.name).contains(&only) {
            tree(&subject, runs).await;
        }
        if format!("{} wide", subject.name).contains(&only) {
            wide(&subject, runs).await;
        }
        if format!("{} create", subject.name).contains(&only) {
            create(&subject, runs).await;
        }
        if format!("{} list", subject.name).contains(&only) {
            list(&subject, runs).await;
        }
    }
}

async fn delete(subject: &Subject, stores: u64, items: u64, runs: usize) {
    let mut ways = vec![Way::Native, Way::Ours, Way::HandWritten, Way::Preview];
    if stores == 1 && items <= 10_000 {
        ways.push(Way::SeaOrm);
    }
    compare(subject, (stores, items), &ways, runs).await;
}

/// Runs the ways in turn, and shows each beside the first.
async fn compare(subject: &Subject, (stores, items): (u64, u64), ways: &[Way], runs: usize) {
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); ways.len()];
    for run in 0..runs {
        // Each way comes first, second .. in turn: what the one before left behind meets all of
        // them.
        for turn in 0..ways.len() {
            let way = (run + turn) % ways.len();
            subject.fill(stores, items).await;
            times[way].push(ways[way].run(subject, stores).await);
            subject.clear().await;
        }
    }
    println!("{}: delete {stores} stores with {items} items each", subject.name);
    let first = median(&times[0]);
    for (way, times) in ways.iter().zip(&times) {
        line(way.name(), median(times), first);
    }
}

async fn levels(subject: &Subject, runs: usize) {
    let ways = levels::Way::ALL;
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); ways.len()];
    levels::make(subject).await;
    for run in 0..runs {
        for turn in 0..ways.len() {
            let way = (run + turn) % ways.len();
            levels::fill(subject, levels::ITEMS, levels::NOTES).await;
            times[way].push(ways[way].run(subject).await);
        }
    }
    levels::drop(subject).await;
    println!("{}: delete a store, {} items and {} notes", subject.name, levels::ITEMS, levels::NOTES);
    let by_hand = median(&times[0]);
    for (way, times) in ways.iter().zip(&times) {
        line(way.name(), median(times), by_hand);
    }
}

/// Previews of a million items and a million notes, in full and no further than a thousand.
async fn count(subject: &Subject, runs: usize) {
    const ROWS: u64 = 1_000_000;
    let graph = service::graph().entity(levels::Entity).build().expect("the graph");
    let deletion = graph.delete_keys(store::Entity, [1]);
    levels::make(subject).await;
    levels::fill(subject, ROWS, ROWS).await;
    let (mut full, mut capped) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let start = Instant::now();
        let preview = deletion.preview(&subject.db).await.expect("a preview");
        full.push(start.elapsed());
        assert_eq!(preview.deleted(levels::Entity), ROWS);
        let start = Instant::now();
        let preview = deletion.clone().counting_up_to(1_000).preview(&subject.db).await.expect("a preview");
        capped.push(start.elapsed());
        assert_eq!(preview.deleted(levels::Entity), 1_001);
    }
    subject.clear().await;
    levels::drop(subject).await;
    println!("{}: preview of a store, {ROWS} items and {ROWS} notes", subject.name);
    line("in full", median(&full), median(&full));
    line("up to 1,000", median(&capped), median(&full));
}

async fn tree(subject: &Subject, runs: usize) {
    let ways = tree::Way::ALL;
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); ways.len()];
    tree::make(subject).await;
    for run in 0..runs {
        for turn in 0..ways.len() {
            let way = (run + turn) % ways.len();
            tree::fill(subject).await;
            times[way].push(ways[way].run(subject).await);
            tree::clear(subject).await;
        }
    }
    tree::drop(subject).await;
    println!("{}: delete a tree of {} nodes, ten levels deep", subject.name, tree::NODES);
    let native = median(&times[0]);
    for (way, times) in ways.iter().zip(&times) {
        line(way.name(), median(times), native);
    }
}

/// One account of a schema with 60 tables, on a connection that has done so before and on a fresh
/// one.
async fn wide(subject: &Subject, runs: usize) {
    const WARM_UPS: usize = 8;
    let mut wide = wide::Wide::make(subject).await;
    let ways = wide::Way::ALL;
    for roots in wide::Roots::ALL {
        for is_fresh in [false, true] {
            let mut times: Vec<Vec<Duration>> = vec![Vec::new(); ways.len()];
            let warm_ups = if is_fresh { 0 } else { WARM_UPS };
            for run in 0..warm_ups + runs {
                for turn in 0..ways.len() {
                    let way = (run + turn) % ways.len();
                    let time = wide.run(ways[way], roots, is_fresh).await;
                    times[way].extend(time.filter(|_| run >= warm_ups));
                }
            }
            println!("{}: {}{}", subject.name, roots.name(), if is_fresh { ", on a fresh connection" } else { "" });
            // The first, unless the database refuses it.
            let first = times.iter().find(|times| !times.is_empty()).map(|times| median(times)).unwrap_or_default();
            for (way, times) in ways.iter().zip(&times) {
                match times[..] {
                    [] => println!("  {:<18}   refused by the database", way.name()),
                    _ => line(way.name(), median(times), first),
                }
            }
        }
    }
    wide.drop().await;
}

async fn create(subject: &Subject, runs: usize) {
    let names: Vec<String> = (0..100_000).map(|n| format!("item {n}")).collect();
    let (mut by_hand, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        subject.fill(1, 0).await;
        let start = Instant::now();
        let transaction = subject.db.begin().await.expect("a transaction");
        for names in names.chunks(5_000) {
            let mut insert = Query::insert();
            insert.into_table(item::Entity).columns([item::Column::Name, item::Column::StoreId]);
            for name in names {
                insert.values_panic([name.as_str().into(), 1_i64.into()]);
            }
            transaction.execute(&insert).await.expect("insert");
        }
        transaction.commit().await.expect("commit");
        by_hand.push(start.elapsed());
        subject.clear().await;

        subject.fill(1, 0).await;
        let start = Instant::now();
        assert_eq!(service::item::create_many(&subject.db, 1, &names).await.expect("create_many"), 100_000);
        ours.push(start.elapsed());
        subject.clear().await;
    }
    println!("{}: create 100,000 items", subject.name);
    line("multi-row INSERT", median(&by_hand), median(&by_hand));
    line("create_many", median(&ours), median(&by_hand));
}

async fn list(subject: &Subject, runs: usize) {
    const ITEMS: u64 = 1_000_000;
    subject.fill(1, ITEMS).await;
    let mut cursor = None;
    let mut page = Page::first(Page::LIMIT_MAX);
    while let Some(next) = service::item::list(&subject.db, 1, &page).await.expect("a page").next {
        page = Page::after(next.clone(), Page::LIMIT_MAX);
        cursor = Some(next);
    }
    let last_page = Page::after(cursor.expect("more than one page"), Page::LIMIT_MAX);
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        for (page, times) in [(&Page::first(Page::LIMIT_MAX), &mut first), (&last_page, &mut last)] {
            let start = Instant::now();
            let rows = service::item::list(&subject.db, 1, page).await.expect("a page").rows;
            times.push(start.elapsed());
            assert_eq!(rows.len(), 1_000);
        }
    }
    println!("{}: a page of 1,000 from {ITEMS} items", subject.name);
    line("page 1", median(&first), median(&first));
    line("last page", median(&last), median(&first));
    subject.clear().await;
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[times.len() / 2]
}

fn line(name: &str, time: Duration, against: Duration) {
    println!("  {name:<18} {:>9.2} ms  {:>7.2}", time.as_secs_f64() * 1e3, time.as_secs_f64() / against.as_secs_f64());
}
