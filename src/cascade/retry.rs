//! R11: tries again what failed transiently.
//!
//! I/O: it waits. Only for work that opens its transaction itself; inside the caller's, the caller has to.

use std::sync::atomic::Ordering;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use super::error::{Error, ErrorKind};
use super::run::Watch;

/// The first wait; each is twice the one before, and longer by chance, so that those who met do not meet again.
const WAIT_MIN: Duration = Duration::from_millis(10);

/// The longest, without what chance adds.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// How often a reference that was not foreseen is tried again: twice is enough for a row inserted meanwhile.
const STILL_REFERENCED_MAX: u32 = 2;

/// When and how often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retries {
    pub(crate) at_most: usize,
    /// Whether hooks may run again for a row.
    pub(crate) with_hooks: bool,
}

impl Default for Retries {
    fn default() -> Self {
        Self { at_most: 8, with_hooks: false }
    }
}

impl Retries {
    pub(crate) const NONE: Self = Self { at_most: 0, with_hooks: false };

    /// Does the work until it succeeds, fails for good, or has been tried often enough.
    pub(crate) async fn of<T, F>(self, watch: &Watch, work: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let waits = ExponentialBuilder::default()
            .with_min_delay(WAIT_MIN)
            .with_max_delay(WAIT_MAX)
            .with_max_times(self.at_most)
            .with_jitter();
        let may_run_again = || self.with_hooks || !watch.has_hook_run.load(Ordering::Relaxed);
        let mut referenced = 0;
        let mut helps = |error: &Error| match error.kind() {
            // Mostly a table that is not in the graph.
            ErrorKind::StillReferenced(_) => {
                referenced += 1;
                referenced <= STILL_REFERENCED_MAX
            }
            // The whole has to look again.
            ErrorKind::Moved { .. } => false,
            _ => error.is_worth_waiting(),
        };
        work.retry(waits)
            .sleep(tokio::time::sleep)
            .when(|error| helps(error) && may_run_again())
            .notify(|error, wait| {
                let cause = error.database_error().map(ToString::to_string);
                tracing::debug!(
                    name: "cascade.retry",
                    target: "sea_orm_cascade",
                    cause,
                    wait_ms = wait.as_millis(),
                    "tries again"
                );
            })
            .await
    }
}
