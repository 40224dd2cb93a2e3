//! `cargo bench --bench cascade`: the ways to delete, each with its history kept by criterion.
//! Ratios within one run are what `--bench ratios` shows.

#![allow(clippy::print_stdout, missing_docs, unreachable_pub, reason = "criterion generates the groups, and prints")]

#[allow(dead_code, reason = "another bench compares more ways")]
mod support;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

use support::{Subject, Way};

fn delete(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for subject in runtime.block_on(Subject::all()) {
        for (stores, items) in [(1, 1_000), (1, 10_000), (1, 100_000), (10_000, 10)] {
            let mut group = criterion.benchmark_group(format!("{}/{stores}x{items}", subject.name));
            group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(1));
            for way in [Way::Native, Way::Ours, Way::HandWritten, Way::SeaOrm, Way::Preview] {
                if way == Way::SeaOrm && stores * items > 10_000 {
                    // Row by row.
                    continue;
                }
                group.bench_function(way.name(), |bencher| {
                    bencher.iter_custom(|iterations| {
                        runtime.block_on(async {
                            let mut total = Duration::ZERO;
                            for _ in 0..iterations {
                                subject.fill(stores, items).await;
                                total += way.run(&subject, stores).await;
                                subject.clear().await;
                            }
                            total
                        })
                    });
                });
            }
            group.finish();
        }
    }
}

criterion_group!(benches, delete);
criterion_main!(benches);
