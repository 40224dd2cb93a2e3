//! R11: retries transient failures.
//!
//! I/O: it waits. Only work that opens its own transaction is retried. In a transaction of the
//! caller, the caller must retry.

use std::sync::atomic::Ordering;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use crate::cascade::db::execution::Capture;
use crate::cascade::error::{Error, ErrorKind};

/// The first wait. Each wait is twice the one before, plus a random part, so that two sessions that
/// met do not meet again.
const WAIT_MIN: Duration = Duration::from_millis(10);

/// The longest wait, without its random part.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// How often an unexpected reference is retried. Twice is enough for a row inserted meanwhile.
const STILL_REFERENCED_MAX: u32 = 2;

/// When and how often a failure is retried.
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

    /// Returns the settings for work that differs at each attempt.
    pub(crate) fn attempts(self) -> Attempts {
        let waits = ExponentialBuilder::default()
            .with_min_delay(WAIT_MIN)
            .with_max_delay(WAIT_MAX)
            .without_max_times()
            .with_jitter()
            .build();
        Attempts { retries: self, waits, left: self.at_most, referenced: 0 }
    }
}

/// The attempts at one piece of work.
pub(crate) struct Attempts {
    retries: Retries,
    waits: ExponentialBackoff,
    left: usize,
    /// How often a reference was unexpected.
    referenced: u32,
}

impl Attempts {
    /// Returns how long to wait before the next attempt; `None` if a retry cannot help or there
    /// were enough attempts.
    pub(crate) fn after(&mut self, error: &Error, capture: &Capture) -> Option<Duration> {
        let helps = match error.kind() {
            // The cause is mostly a table that is not in the graph.
            ErrorKind::StillReferenced(_) => {
                self.referenced += 1;
                self.referenced <= STILL_REFERENCED_MAX
            }
            _ => is_lost_to_others(error),
        };
        let may_run_again = self.retries.with_hooks || !capture.has_hook_run.load(Ordering::Relaxed);
        if !helps || !may_run_again {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        let wait = self.waits.next()?;
        let cause = error.database_error().map(ToString::to_string);
        tracing::debug!(
            name: "cascade.retry",
            target: "sea_orm_cascade",
            cause,
            wait_ms = wait.as_millis(),
            "cascade.retry"
        );
        Some(wait)
    }

    /// Starts again with a smaller piece of work: it gets as many attempts as new work, but the
    /// waits continue to grow.
    pub(crate) fn with_less_work(&mut self) {
        self.left = self.retries.at_most;
    }
}

/// Whether other sessions used the same rows, so that a retry may succeed when they have finished,
/// or with fewer rows.
pub(crate) fn is_lost_to_others(error: &Error) -> bool {
    match error.kind() {
        // Other sessions do not cause the first, and after the second the whole delete must start
        // again.
        ErrorKind::StillReferenced(_) | ErrorKind::Reparented { .. } => false,
        _ => error.is_worth_waiting(),
    }
}
