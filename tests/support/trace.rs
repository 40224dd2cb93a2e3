//! What a future says through `tracing`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tracing::instrument::WithSubscriber as _;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Calls with the name of every span and event of the crate.
struct Listener<F>(F, AtomicU64);

impl<F: Fn(&str) + Send + Sync + 'static> Subscriber for Listener<F> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sea_orm_cascade"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        (self.0)(span.metadata().name());
        Id::from_u64(self.1.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn event(&self, event: &Event<'_>) {
        (self.0)(event.metadata().name());
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Runs the future and calls with each name as it comes.
pub(crate) async fn listened<F: Future>(future: F, listen: impl Fn(&str) + Send + Sync + 'static) -> F::Output {
    Box::pin(future).with_subscriber(Listener(listen, AtomicU64::new(0))).await
}

/// Runs the future and gives all names.
pub(crate) async fn traced<F: Future>(future: F) -> (Vec<String>, F::Output) {
    let names = Arc::new(Mutex::new(Vec::new()));
    let listening = names.clone();
    let output = listened(future, move |name| listening.lock().unwrap().push(name.to_owned())).await;
    let names = names.lock().unwrap().clone();
    (names, output)
}
