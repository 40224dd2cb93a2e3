//! Counts the rows to delete and to change, and the blockers.
//!
//! I/O: it reads.

use crate::cascade::data::action::Action;
use crate::cascade::data::index::Index;
use crate::cascade::data::key::{Key, Keys};
use crate::cascade::data::preview::{Blocker, Preview};
use crate::cascade::db::execution::Execution;
use crate::cascade::db::session::Purpose;
use crate::cascade::declare::schema::{ForeignKey, KeyId, Table};
use crate::cascade::error::Error;
use crate::cascade::find::pages::{Page, Pages};
use crate::cascade::find::preview::Numbers;
use crate::cascade::plan::count::{Count, CountScope};
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::plan::roots::Roots;
use crate::cascade::sql::RowSet;

impl Execution<'_> {
    /// Counts what the delete would do. If it is not exact, counting stops at `rows_max`.
    pub(crate) async fn preview(self, roots: &Roots, rows_max: Option<u64>) -> Result<Preview, Error> {
        let fetched = self.freeze(roots, Purpose::Read, CountScope::All).await?;
        self.look_up_to(&fetched, rows_max).await
    }

    // ---- The numbers

    /// Counts everything that a preview shows.
    pub(crate) async fn look(self, fetched: &Fetched) -> Result<Preview, Error> {
        self.look_up_to(fetched, None).await
    }

    /// The same after rows have been deleted or changed: nothing that was counted before is used.
    pub(crate) async fn look_again(self, fetched: &Fetched) -> Result<Preview, Error> {
        let by_keys = |count: Count| match count {
            Count::Doomed(table) => fetched.get(table).map(|keys| keys.len() as u64),
            _ => None,
        };
        let numbers = self.numbers(fetched, CountScope::All, None, &by_keys).await?;
        self.shown(fetched, numbers, None).await
    }

    async fn look_up_to(self, fetched: &Fetched, rows_max: Option<u64>) -> Result<Preview, Error> {
        let known = |count| fetched.known(self.schema, self.plan, count);
        let numbers = self.numbers(fetched, CountScope::All, rows_max, &known).await?;
        self.shown(fetched, numbers, rows_max).await
    }

    /// Makes the preview.
    async fn shown(self, fetched: &Fetched, mut numbers: Numbers, rows_max: Option<u64>) -> Result<Preview, Error> {
        for key in numbers.in_the_way(self.schema, self.plan) {
            let samples = self.samples(fetched, key).await?;
            numbers.samples.push((key, samples));
        }
        let primary_key = &self.schema.tables[self.plan.root].primary_key;
        let roots = fetched.get(self.plan.root);
        let fingerprint = roots.map(|keys| keys.fingerprint(primary_key, fetched.roots)).unwrap_or_default();
        Ok(Preview::new(self.schema, self.plan, fetched.roots as u64, fingerprint, &numbers).counted_at_most(rows_max))
    }

    /// Whether any row references the roots.
    pub(crate) async fn is_referenced(self, fetched: &Fetched) -> Result<bool, Error> {
        let keys: Vec<Count> = self.schema.keys_to(self.plan.root).map(Count::Referencing).collect();
        if keys.is_empty() || fetched.roots == 0 {
            return Ok(false);
        }
        let asked: Vec<_> = keys.into_iter().map(|count| (count, None)).collect();
        let found = self.counts_of(&self.sql(fetched).counts(&asked)).await?;
        Ok(found.iter().any(|&rows| rows > 0))
    }

    pub(crate) async fn has_blockers(self, fetched: &Fetched) -> Result<bool, Error> {
        let known = |count| fetched.known(self.schema, self.plan, count);
        let numbers = self.numbers(fetched, CountScope::Blockers, None, &known).await?;
        Ok(!numbers.in_the_way(self.schema, self.plan).is_empty())
    }

    /// Counts what is not known.
    async fn numbers(
        self,
        fetched: &Fetched,
        scope: CountScope,
        rows_max: Option<u64>,
        known: &(dyn Fn(Count) -> Option<u64> + Sync),
    ) -> Result<Numbers, Error> {
        let mut numbers = Numbers::default();
        if fetched.roots == 0 {
            return Ok(numbers);
        }
        for key in self.plan.components.iter().flat_map(|component| component.keys.iter().copied()) {
            if self.schema.keys[key].action == Action::Cascade {
                numbers.add(Count::Referencing(key), fetched.referencing(key));
            }
        }
        let mut wanted_counts = Vec::new();
        for count in scope.counts(self.schema, self.plan) {
            if numbers.get(count).is_some() {
                continue;
            }
            if let Some(rows) = known(count) {
                numbers.add(count, rows);
            } else {
                // The doomed rows of a cycle were fetched: all referencing rows are counted, and
                // the doomed ones subtracted.
                let asked = match count {
                    Count::ReferencingSurvivors(key) if self.plan.is_within_cycle(key) => Count::Referencing(key),
                    count => count,
                };
                wanted_counts.push((count, asked));
            }
        }
        for (count, rows) in self.counted(fetched, wanted_counts, rows_max).await? {
            numbers.add(count, rows);
        }
        Ok(numbers)
    }

    /// Returns counts, without the rows to subtract.
    pub(crate) async fn counted(
        self,
        fetched: &Fetched,
        scope: Vec<(Count, Count)>,
        rows_max: Option<u64>,
    ) -> Result<Vec<(Count, u64)>, Error> {
        let (mut together, mut in_parts, mut counted) = (Vec::new(), Vec::new(), Vec::new());
        for (count, asked) in scope {
            match self.sql(fetched).count_in_parts(asked) {
                Some(parts) => in_parts.push((count, parts)),
                None => together.push((count, asked)),
            }
        }
        for counts in self.sql(fetched).in_statements(&together) {
            // One more row shows that there are more. The databases count up to `i64`.
            let more = |count| 1 + fetched.passed_over(self.schema, count);
            let up_to = |count| rows_max.map(|rows| rows.saturating_add(more(count)).min(i64::MAX.unsigned_abs()));
            let asked: Vec<_> = counts.iter().map(|&(count, asked)| (asked, up_to(count))).collect();
            let found = self.counts_of(&self.sql(fetched).counts(&asked)).await?;
            for (&(count, _), rows) in counts.iter().zip(found) {
                counted.push((count, rows.saturating_sub(fetched.passed_over(self.schema, count))));
            }
        }
        for (count, parts) in in_parts {
            let mut rows: u64 = 0;
            for part in parts {
                rows += self.row_of(&part, 1).await?.iter().sum::<u64>();
            }
            counted.push((count, rows.saturating_sub(fetched.passed_over(self.schema, count))));
        }
        Ok(counted)
    }

    async fn samples(self, fetched: &Fetched, key: KeyId) -> Result<Vec<Key>, Error> {
        if self.plan.is_within_cycle(key) {
            return self.samples_within_cycle(fetched, key).await;
        }
        let child = self.schema.keys[key].child;
        let mut keys = self.keys_of(child, &self.schema.tables[child].primary_key)?;
        let count = Count::referencing(self.schema, key);
        let select = self.sql(fetched).blocking_rows(count, key, Blocker::SAMPLE_KEYS_MAX as u64);
        keys.read(&self.session.query(&select).await?)?;
        Ok((0..keys.len()).map(|row| keys.sample(row)).collect())
    }

    /// Returns the primary keys of the first of these rows, in key order.
    pub(crate) async fn first_keys(self, fetched: &Fetched, rows: &RowSet) -> Result<Vec<Key>, Error> {
        let Table { identity, primary_key, .. } = &self.schema.tables[rows.table()];
        let mut keys = self.keys_of(rows.table(), identity)?;
        let select = self.sql(fetched).page(rows, (None, &[]), false, None, Blocker::SAMPLE_KEYS_MAX);
        keys.read(&self.session.query(&select).await?)?;
        // A row's identity begins with its primary key.
        Ok((0..keys.len()).map(|row| keys.sample_of(row, primary_key.len())).collect())
    }

    /// The same for a table in a cycle, whose doomed rows were fetched.
    async fn samples_within_cycle(self, fetched: &Fetched, key: KeyId) -> Result<Vec<Key>, Error> {
        let ForeignKey { child, action, .. } = self.schema.keys[key];
        let primary_key = &self.schema.tables[child].primary_key;
        let Some(doomed) = fetched.get(child) else { return Ok(Vec::new()) };
        let (index, loops) = (Index::new(doomed, primary_key), fetched.loops(key));
        let has_blockers = |page: &Keys, row: usize| match index.find(doomed, &page.of(primary_key), row) {
            None => true,
            Some(row) => action == Action::Restrict && !loops.contains(&row),
        };
        let mut samples = self.keys_of(child, primary_key)?;
        let lists = self.sql(fetched).referencing(key);
        let are_several = lists.len() > 1;
        for rows in lists {
            let enough = samples.len() + Blocker::SAMPLE_KEYS_MAX;
            let mut pages = Pages::new(self, child, rows, false);
            while let Some(Page { keys, .. }) = pages.next(fetched).await? {
                let in_the_way = (0..keys.len()).filter(|&row| has_blockers(&keys, row));
                // A row's identity begins with its primary key.
                in_the_way.take(enough - samples.len()).for_each(|row| samples.add(&keys, row));
                if samples.len() == enough {
                    break;
                }
            }
        }
        let mut samples: Vec<Key> = (0..samples.len()).map(|row| samples.sample(row)).collect();
        if are_several {
            // The first rows of each.
            samples.sort();
            samples.truncate(Blocker::SAMPLE_KEYS_MAX);
        }
        Ok(samples)
    }
}
