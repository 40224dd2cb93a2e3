//! R11: tries again what failed transiently.
//!
//! I/O: it waits. Only for work that opens its transaction itself; inside the caller's, the caller
//! has to.

use std::sync::atomic::Ordering;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use crate::cascade::db::execution::Capture;
use crate::cascade::error::{Error, ErrorKind};

/// The first wait; each is twice the one before, and longer by chance, so that those who met do not
/// meet again.
const WAIT_MIN: Duration = Duration::from_millis(10);

/// The longest, without what chance adds.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// How often a reference that was not foreseen is tried again: twice is enough for a row inserted
/// meanwhile.
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

    /// For work that is not the same each time.
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
    /// How often a reference has not been foreseen.
    referenced: u32,
}

impl Attempts {
    /// How long to wait before it is tried again; `None` if that does not help, or has been done
    /// often enough.
    pub(crate) fn after(&mut self, error: &Error, capture: &Capture) -> Option<Duration> {
        let helps = match error.kind() {
            // Mostly a table that is not in the graph.
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

    /// What comes is less work: it is tried as often as if it were new, but the waits go on.
    pub(crate) fn with_less_work(&mut self) {
        self.left = self.retries.at_most;
    }
}

/// Whether others were at the same rows, so that it may succeed when they have finished, or with
/// fewer rows.
pub(crate) fn is_lost_to_others(error: &Error) -> bool {
    match error.kind() {
        // Others have nothing to do with the one, and the whole has to look again after the other.
        ErrorKind::StillReferenced(_) | ErrorKind::Reparented { .. } => false,
        _ => error.is_worth_waiting(),
    }
}
