//! The number of a recorded delete, and what is known of it.
//!
//! Pure.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// How many of the last bits of a number are random.
const RANDOM_BITS: u32 = 12;

/// The number of a delete that can be undone, from [`Outcome::receipt`](crate::Outcome::receipt).
///
/// It is below 2^53, so that JavaScript reads it exactly, and it serialises as a number. A later
/// delete has a greater number, as far as the clocks of the programs agree.
///
/// # Example
/// ```
/// use sea_orm_cascade::Receipt;
///
/// let receipt = Receipt::new(7_300_000_000_000_000);
/// assert_eq!(serde_json::to_string(&receipt)?, "7300000000000000");
/// assert_eq!(receipt.to_string(), "7300000000000000");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Receipt(u64);

impl Receipt {
    /// Returns the receipt with a number that a program has stored.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::Receipt;
    ///
    /// assert_eq!(Receipt::new(12).number(), 12);
    /// ```
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns its number, to store it.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::Receipt;
    ///
    /// assert_eq!(Receipt::new(12).number(), 12);
    /// ```
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Returns when the delete was recorded, by the clock of the program that deleted.
    ///
    /// # Example
    /// ```
    /// use std::time::UNIX_EPOCH;
    /// use sea_orm_cascade::Receipt;
    ///
    /// assert!(Receipt::new(7_300_000_000_000_000).made_at() > UNIX_EPOCH);
    /// ```
    #[must_use]
    pub fn made_at(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0 >> RANDOM_BITS)
    }

    /// Returns the number of a delete at that time. Only the last bits of `random` count.
    pub(crate) fn at(time: SystemTime, random: u64) -> Self {
        let millis = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX) & ((1 << (53 - RANDOM_BITS)) - 1);
        Self((millis << RANDOM_BITS) | (random & ((1 << RANDOM_BITS) - 1)))
    }

    /// Returns the number as the databases store it.
    pub(crate) fn stored(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What became of a recorded delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ReceiptState {
    /// It can be undone.
    Done,
    /// It was undone.
    Undone,
    /// Its rows were removed from the record, so it cannot be undone any more.
    Forgotten,
}

impl ReceiptState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Undone => "undone",
            Self::Forgotten => "forgotten",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Done, Self::Undone, Self::Forgotten].into_iter().find(|state| state.as_str() == name)
    }
}

/// A recorded delete, from [`Graph::receipts`](crate::Graph::receipts).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReceiptEntry {
    /// Its number.
    pub receipt: Receipt,
    /// The reason that the program stated; empty after it was forgotten.
    pub reason: String,
    /// The table of the roots; empty after it was forgotten.
    pub root: String,
    /// What became of it.
    pub state: ReceiptState,
    /// How many rows of each table were deleted.
    pub deleted: Vec<(String, u64)>,
    /// In how many rows each foreign key was changed.
    pub changed: Vec<(String, u64)>,
}

/// Neighbouring steps of a record that do the same to one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedStep {
    /// The name of the table in messages.
    pub(crate) table: String,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) rows: u64,
    /// The foreign key that was changed in rows that stayed, or NULL in a ring; none if rows were
    /// deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<RecordedChange>,
    /// Whether its rows and those of the next entry reference each other, so that they can only be
    /// written together.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) with_next: bool,
}

/// A foreign key that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedChange {
    pub(crate) foreign_key: String,
    pub(crate) columns: Vec<String>,
    /// The step that has the values which were written; none if NULL was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) left: Option<u64>,
    /// Whether the row was deleted afterwards, so that the change is in no number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_of_ring: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_in_json_and_in_order_of_time() {
        let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        let (one, next) = (Receipt::at(at(1_795_000_000_000), u64::MAX), Receipt::at(at(1_795_000_000_001), 0));
        assert!(one < next);
        assert!(next.number() < 1 << 53);
        assert_eq!(one.made_at(), at(1_795_000_000_000));
    }
}
