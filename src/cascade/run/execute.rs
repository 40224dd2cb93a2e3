//! Carries out a delete: fetches the roots, counts, then refuses or writes.
//!
//! I/O.

use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::preview::Preview;
use crate::cascade::db::execution::Execution;
use crate::cascade::db::session::Purpose;
use crate::cascade::error::Error;
use crate::cascade::find::preview::check;
use crate::cascade::plan::count::CountScope;
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::plan::roots::Roots;

impl Execution<'_> {
    /// Deletes the rows that the roots doom, and records them if the delete can be undone.
    pub(crate) async fn execute(
        self,
        roots: &Roots,
        at_most: Option<u64>,
        expecting: Option<&Preview>,
        undoable: Option<&str>,
    ) -> Result<Outcome, Error> {
        let Some(reason) = undoable else { return self.execute_once(roots, at_most, expecting).await };
        let recording = self.begin_recording().await?;
        let execution = Execution { recording: Some(&recording), ..self };
        let outcome = execution.execute_once(roots, at_most, expecting).await?;
        Ok(outcome.with_receipt(execution.finish_recording(&recording, reason).await?))
    }

    async fn execute_once(
        self,
        roots: &Roots,
        at_most: Option<u64>,
        expecting: Option<&Preview>,
    ) -> Result<Outcome, Error> {
        let scope = CountScope::of_delete(at_most, expecting);
        let fetched = self.freeze(roots, Purpose::Write, scope).await?;
        self.carry_out(&fetched, at_most, expecting).await
    }

    /// Deletes the frozen roots and the rows that depend on them.
    pub(crate) async fn carry_out(
        self,
        fetched: &Fetched,
        at_most: Option<u64>,
        expecting: Option<&Preview>,
    ) -> Result<Outcome, Error> {
        let seen = if CountScope::of_delete(at_most, expecting) == CountScope::All {
            Some(self.look(fetched).await?)
        } else if self.has_blockers(fetched).await? {
            // This is rare. The rows are counted again, so that the error shows every blocker with
            // its path.
            Some(self.look(fetched).await?)
        } else {
            None
        };
        if let Some(seen) = &seen {
            check(seen, at_most, expecting)?;
        }
        let outcome = self.write(fetched).await?;
        self.check_transaction().await?;
        if let Some(seen) = seen.filter(|seen| !seen.outcome().is_alike(&outcome)) {
            // Rows were added or deleted between the count and the write.
            let found = seen.with_outcome(outcome.without_keys());
            check(&found, at_most, expecting)?;
        }
        Ok(outcome)
    }
}
