//! Carries out a delete: freezes, counts, refuses or writes.
//!
//! I/O.

use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::preview::Preview;
use crate::cascade::db::execution::Run;
use crate::cascade::db::session::Purpose;
use crate::cascade::error::Error;
use crate::cascade::find::preview::check;
use crate::cascade::plan::fetched::Known;
use crate::cascade::plan::roots::Roots;

impl Run<'_> {
    pub(crate) async fn execute(
        self,
        roots: &Roots,
        at_most: Option<u64>,
        expecting: Option<&Preview>,
    ) -> Result<Outcome, Error> {
        let known = self.freeze(roots, Purpose::Write).await?;
        self.carry_out(&known, at_most, expecting).await
    }

    /// Deletes what is known to be asked for, and what depends on it.
    pub(crate) async fn carry_out(
        self,
        known: &Known,
        at_most: Option<u64>,
        expecting: Option<&Preview>,
    ) -> Result<Outcome, Error> {
        let seen = if at_most.is_some() || expecting.is_some() {
            Some(self.look(known).await?)
        } else if self.is_in_the_way(known).await? {
            // Rare, so that the rows are counted again: the error then shows all of it, with its path.
            Some(self.look(known).await?)
        } else {
            None
        };
        if let Some(seen) = &seen {
            check(seen, at_most, expecting)?;
        }
        let outcome = self.write(known).await?;
        self.check_transaction().await?;
        if let Some(seen) = seen.filter(|seen| !seen.outcome().is_alike(&outcome)) {
            // Rows came or went between the counting and the writing.
            let found = seen.with_outcome(outcome.without_keys());
            check(&found, at_most, expecting)?;
        }
        Ok(outcome)
    }
}
