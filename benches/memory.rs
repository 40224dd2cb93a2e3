//! `cargo bench --bench memory`: how much the memory of a process grows while one store with a
//! million items goes, by the database's own cascade and by this crate, and a tree of 100,000
//! nodes, whose keys this crate keeps. Each is measured in a process of its own (Linux: `VmHWM`).

#![allow(clippy::print_stdout, unreachable_pub, reason = "a bench prints what it measured")]

#[allow(dead_code, reason = "the other bench compares more ways")]
mod support;

use std::process::Command;

use support::{Subject, Way, tree};

const ITEMS: u64 = 1_000_000;

fn main() {
    let way = std::env::var("WAY").ok();
    match way.as_deref() {
        Some("native") => measure(Way::Native),
        Some("ours") => measure(Way::Ours),
        Some("batches") => measure(Way::Batches),
        Some("batches, hooks") => measure(Way::BatchesWithHooks),
        Some("tree") => measure_tree(tree::Way::Ours),
        Some("native tree") => measure_tree(tree::Way::Native),
        _ => {
            for way in ["native", "ours", "batches", "batches, hooks", "native tree", "tree"] {
                let program = std::env::current_exe().expect("this program");
                let status = Command::new(program).env("WAY", way).status().expect("the same program again");
                assert!(status.success());
            }
        }
    }
}

fn measure(way: Way) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for subject in Subject::all().await {
            // Once small, so that what grows is due to the rows.
            subject.fill(1, 10).await;
            way.run(&subject, 1).await;
            subject.fill(1, ITEMS).await;
            let before = peak_kib(true);
            way.run(&subject, 1).await;
            let grown = peak_kib(false).saturating_sub(before);
            println!("{:<10} {:<16} grew by {:>7.1} MB", subject.name, way.name(), grown_mb(grown));
        }
    });
}

fn measure_tree(way: tree::Way) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for subject in Subject::all().await {
            tree::make(&subject).await;
            tree::fill(&subject).await;
            let before = peak_kib(true);
            way.run(&subject).await;
            let grown = peak_kib(false).saturating_sub(before);
            println!("{:<10} {:<16} grew by {:>7.1} MB on a tree", subject.name, way.name(), grown_mb(grown));
            tree::drop(&subject).await;
        }
    });
}

fn grown_mb(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) * 1.024 / 1e3
}

/// The most memory that this process has held, counted anew from now on if wanted.
fn peak_kib(anew: bool) -> u64 {
    if anew {
        std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
    }
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the peak");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
