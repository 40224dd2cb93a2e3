//! One run of a plan: freeze the roots, count, and either show or do it.
//!
//! I/O, the only file that sends the engine's statements. Preview and execution share everything up to the writing.

use sea_orm::{StatementBuilder, Value};

use super::deletion::Roots;
use super::dialect::Dialect;
use super::error::{Error, ErrorKind};
use super::graph::{Action, KeyId, Schema, Table, TableId};
use super::key::{Key, Keys, alias, storable};
use super::outcome::Outcome;
use super::plan::{Count, Plan, Step};
use super::preview::{Blocker, Numbers, Preview};
use super::session::{Purpose, Session};
use super::sql::{Deletes, Known, PAGE, Sql};

/// Numbers asked for in one statement; PostgreSQL takes 1,664 columns, SQLite 2,000.
const COUNTS_MAX: usize = 500;

/// What one run works with.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) plan: &'a Plan,
    pub(crate) dialect: Dialect,
    pub(crate) session: &'a dyn Session,
}

/// Which numbers are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// All that a preview shows.
    All,
    /// Those that decide whether something is in the way.
    InTheWay,
}

impl Run<'_> {
    pub(crate) async fn preview(self, roots: &Roots) -> Result<Preview, Error> {
        let known = self.freeze(roots, Purpose::Read).await?;
        self.look(&known).await
    }

    pub(crate) async fn execute(
        self,
        roots: &Roots,
        at_most: Option<u64>,
        expecting: Option<&Preview>,
    ) -> Result<Outcome, Error> {
        let known = self.freeze(roots, Purpose::Write).await?;
        let seen = if at_most.is_some() || expecting.is_some() {
            Some(self.look(&known).await?)
        } else if self.is_in_the_way(&known).await? {
            // Rare, so that the rows are counted again: the error then shows all of it, with its path.
            Some(self.look(&known).await?)
        } else {
            None
        };
        if let Some(seen) = &seen {
            check(seen, at_most, expecting)?;
        }
        let outcome = self.write(&known).await?;
        if let Some(seen) = seen.filter(|seen| *seen.outcome() != outcome) {
            // Rows came or went between the counting and the writing.
            let found = seen.with_outcome(outcome.clone());
            check(&found, at_most, expecting)?;
        }
        Ok(outcome)
    }

    fn sql<'k>(&'k self, known: &'k Known) -> Sql<'k> {
        Sql { dialect: self.dialect, schema: self.schema, plan: self.plan, known }
    }

    // ---- The roots

    /// Finds the asked rows and keeps them as keys. To write, they are locked in key order, and then asked whether they
    /// still fulfil the Select; from there on it is never evaluated again.
    async fn freeze(self, roots: &Roots, purpose: Purpose) -> Result<Known, Error> {
        let (root, lock) = (self.plan.root, purpose == Purpose::Write);
        let Table { identity, primary_key, .. } = &self.schema.tables[root];
        let mut known = Known::new(self.schema, root, self.keys_of(root, identity)?);
        let mut found = self.keys_of(root, identity)?;
        match roots {
            Roots::Select(select) => {
                let condition = self.sql(&known).selected(select)?;
                let lock_them = self.sql(&known).rows_at(condition.clone(), lock);
                found.read(&self.session.query(&lock_them).await.map_err(Error::in_select)?)?;
                if lock && self.dialect != Dialect::Sqlite && !found.is_empty() {
                    // A row whose lock was waited for may not fulfil the Select any more: the databases look at the
                    // changed row, but not at the sub-select again.
                    let mut still = self.keys_of(root, identity)?;
                    let read_them = self.sql(&known).rows_at(condition, false);
                    still.read(&self.session.query(&read_them).await?)?;
                    found = found.also_in(&still);
                }
            }
            Roots::Keys(values) => {
                let mut keys = self.keys_of(root, primary_key)?;
                let possible = |key: &&Vec<Value>| key.iter().all(|value| storable(self.dialect, value));
                let mut values: Vec<_> = values.iter().filter(possible).cloned().collect();
                let conditions = if values.iter().all(|key| keys.push(key)) {
                    self.sql(&known).each_at(&keys.sorted())
                } else {
                    values.sort_by_cached_key(|key| format!("{key:?}"));
                    self.sql(&known).each_at_values(&values)
                };
                let several = conditions.len() > 1;
                for condition in conditions {
                    let select = self.sql(&known).rows_at(condition, lock);
                    found.read(&self.session.query(&select).await?)?;
                }
                if several {
                    // Two lists may name one row: equality is the database's, where 'a' may be 'A'.
                    found = found.distinct();
                }
            }
        }
        known.insert(root, found);
        self.read_better_known(&mut known).await?;
        Ok(known)
    }

    /// Reads the keys of the tables that statements would repeat too often.
    async fn read_better_known(self, known: &mut Known) -> Result<(), Error> {
        while let Some(table) = self.sql(known).better_read() {
            let mut keys = self.keys_of(table, &self.schema.tables[table].identity)?;
            keys.read(&self.session.query(&self.sql(known).doomed_keys(table)).await?)?;
            known.insert(table, keys);
        }
        Ok(())
    }

    /// An empty set of keys for these columns; refuses a type that the backend cannot compare (R12).
    fn keys_of(self, table: TableId, columns: &[usize]) -> Result<Keys, Error> {
        let none = Known::new(self.schema, table, Keys::new(&[], &[]));
        match self.sql(&none).kinds(table, columns) {
            Ok(kinds) => Ok(Keys::new(columns, &kinds)),
            Err(column) => {
                let table = self.schema.tables[table].label.clone();
                let backend = self.dialect.name();
                Err(ErrorKind::KeyNotComparable { backend, table, column }.into())
            }
        }
    }

    // ---- The numbers

    /// All that a preview shows.
    async fn look(self, known: &Known) -> Result<Preview, Error> {
        let mut numbers = self.numbers(known, Wanted::All).await?;
        for key in numbers.in_the_way(self.schema) {
            let samples = self.samples(known, key).await?;
            numbers.samples.push((key, samples));
        }
        let primary_key = &self.schema.tables[self.plan.root].primary_key;
        let roots = known.get(self.plan.root);
        let fingerprint = roots.map(|keys| keys.fingerprint(primary_key)).unwrap_or_default();
        Ok(Preview::new(self.schema, self.plan, fingerprint, &numbers))
    }

    async fn is_in_the_way(self, known: &Known) -> Result<bool, Error> {
        let numbers = self.numbers(known, Wanted::InTheWay).await?;
        Ok(!numbers.in_the_way(self.schema).is_empty())
    }

    async fn numbers(self, known: &Known, wanted: Wanted) -> Result<Numbers, Error> {
        let mut numbers = Numbers::default();
        for &table in &self.plan.doomed {
            if let Some(keys) = known.get(table) {
                numbers.add(Count::Doomed(table), keys.len() as u64);
            }
        }
        if known.get(self.plan.root).is_none_or(Keys::is_empty) {
            return Ok(numbers);
        }
        let mut counts = wanted.counts(self.schema, self.plan);
        counts.retain(|&count| numbers.get(count).is_none());
        for counts in counts.chunks(COUNTS_MAX) {
            let rows = self.session.query(&self.sql(known).counts(counts)).await?;
            let Some(row) = rows.first() else { continue };
            for (n, &count) in counts.iter().enumerate() {
                let rows: i64 = row.try_get("", &alias(n))?;
                numbers.add(count, u64::try_from(rows).unwrap_or(0));
            }
        }
        Ok(numbers)
    }

    async fn samples(self, known: &Known, key: KeyId) -> Result<Vec<Key>, Error> {
        let child = self.schema.keys[key].child;
        let mut keys = self.keys_of(child, &self.schema.tables[child].primary_key)?;
        let count = Count::referring(self.schema, key);
        let select = self.sql(known).blocking_rows(count, key, Blocker::SAMPLE_KEYS_MAX as u64);
        keys.read(&self.session.query(&select).await?)?;
        Ok((0..keys.len()).map(|row| keys.sample(row)).collect())
    }

    // ---- The writing

    /// Does the steps of the plan, children first.
    async fn write(self, known: &Known) -> Result<Outcome, Error> {
        let mut outcome = Outcome::new(self.schema, self.plan);
        if known.get(self.plan.root).is_none_or(Keys::is_empty) {
            return Ok(outcome);
        }
        for &step in &self.plan.steps {
            match step {
                Step::DeleteBy(key) => {
                    let rows = self.delete_by(known, key).await?;
                    let child = self.schema.keys[key].child;
                    outcome.add_deleted(&self.schema.tables[child].label, rows);
                }
                Step::Update(key) => {
                    let rows = self.execute_all(self.sql(known).update(key)).await?;
                    outcome.add_updated(&self.schema.keys[key].label, rows);
                }
                Step::DeleteRoots => {
                    let root = self.plan.root;
                    let Some(keys) = known.get(root) else { continue };
                    let rows = self.execute_all(self.sql(known).delete_rows(root, keys)).await?;
                    outcome.add_deleted(&self.schema.tables[root].label, rows);
                }
            }
        }
        Ok(outcome)
    }

    async fn delete_by(self, known: &Known, key: KeyId) -> Result<u64, Error> {
        match self.sql(known).delete_by(key) {
            Deletes::At(statements) => self.execute_all(statements).await,
            Deletes::InPages => {
                let child = self.schema.keys[key].child;
                let (mut deleted, mut last) = (0, None);
                loop {
                    let mut page = self.keys_of(child, &self.schema.tables[child].primary_key)?;
                    let select = self.sql(known).page(key, last.as_ref());
                    page.read(&self.session.query(&select).await?)?;
                    deleted += self.execute_all(self.sql(known).delete_rows(child, &page)).await?;
                    if page.len() < PAGE {
                        return Ok(deleted);
                    }
                    last = Some(page);
                }
            }
        }
    }

    async fn execute_all<S: StatementBuilder>(self, statements: Vec<S>) -> Result<u64, Error> {
        let mut rows = 0;
        for statement in &statements {
            rows += self.session.execute(statement).await?;
        }
        Ok(rows)
    }
}

impl Wanted {
    /// Each number once.
    fn counts(self, schema: &Schema, plan: &Plan) -> Vec<Count> {
        let mut counts: Vec<Count> = match self {
            Self::All => plan.doomed.iter().copied().map(Count::Doomed).collect(),
            Self::InTheWay => Vec::new(),
        };
        for &key in &plan.keys {
            match (schema.keys[key].action, self) {
                (Action::Cascade | Action::SetNull, Self::InTheWay) => {}
                (Action::Cascade, Self::All) => match Count::doomed_by(schema, plan, key) {
                    // Among them already.
                    Count::Doomed(_) => {}
                    count => counts.push(count),
                },
                (Action::SetNull | Action::NoAction | Action::Restrict, _) => {
                    counts.push(Count::referring(schema, key));
                }
                (Action::SetDefault, _) => {
                    counts.push(Count::referring(schema, key));
                    if schema.keys[key].refers_by_default(schema) {
                        counts.push(Count::DefaultKept(key));
                    }
                }
            }
        }
        counts
    }
}

/// R5, `at_most`, `expecting`.
fn check(seen: &Preview, at_most: Option<u64>, expecting: Option<&Preview>) -> Result<(), Error> {
    if seen.is_blocked() {
        return Err(ErrorKind::Blocked(seen.blockers().to_vec()).into());
    }
    if let Some(at_most) = at_most.filter(|&rows| seen.outcome().total() > rows) {
        let preview = Box::new(seen.clone());
        return Err(ErrorKind::TooManyRows { at_most, preview }.into());
    }
    if let Some(expected) = expecting.filter(|&expected| expected != seen) {
        let (expected, found) = (Box::new(expected.clone()), Box::new(seen.clone()));
        return Err(ErrorKind::Changed { expected, found }.into());
    }
    Ok(())
}
