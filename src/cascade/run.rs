//! One run of a plan: freeze the roots, count, and either show or do it.
//!
//! I/O, as `gather` and `write`, which do parts of it. Preview and execution share everything up to the writing.

use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::sea_query::{Alias, Expr, Query, SelectStatement};
use sea_orm::{DbErr, QueryResult, Value};

use super::catalog::{Catalog, Question};
use super::declaration::Column;
use super::dialect::Dialect;
use super::error::{Error, ErrorKind};
use super::gather::{Page, Pages};
use super::graph::{Action, ForeignKey, KeyId, Schema, Table, TableId};
use super::key::{Index, Key, KeyKind, Keys, alias, storable};
use super::known::Known;
use super::outcome::Outcome;
use super::plan::{Count, Plan};
use super::preview::{Blocker, Numbers, Preview};
use super::session::{Connection, Purpose, Session, is_transaction};
use super::sql::{Reads, Rows, Sql};

/// Tables of which more is wanted than to be deleted from, and whether a hook has run.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Whose keys the outcome carries.
    pub(crate) keys_of: Vec<TableId>,
    /// Whether rows that row security hides may be passed over.
    pub(crate) under_row_security: bool,
    /// The keys by which a repair's rows are orphans, and what becomes of these.
    pub(crate) repaired: Vec<(KeyId, Action)>,
    pub(crate) has_hook_run: AtomicBool,
}

impl Watch {
    /// The same before any hook has run.
    pub(crate) fn anew(&self) -> Self {
        let Self { keys_of, under_row_security, repaired, has_hook_run: _ } = self;
        let (keys_of, repaired) = (keys_of.clone(), repaired.clone());
        Self { keys_of, under_row_security: *under_row_security, repaired, has_hook_run: AtomicBool::new(false) }
    }
}

/// What one run works with.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) plan: &'a Plan,
    pub(crate) dialect: Dialect,
    pub(crate) session: &'a dyn Session,
    pub(crate) watch: &'a Watch,
    /// Whose transaction it is.
    pub(crate) transaction: Transaction,
}

/// Whose transaction a run is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transaction {
    /// One of our own, whose isolation level is ours too.
    Ours,
    /// The caller's, to read.
    CallersToRead,
    /// The caller's, to write.
    CallersToWrite,
}

impl Transaction {
    pub(crate) fn of<C: Connection>(purpose: Purpose) -> Self {
        match purpose {
            _ if !is_transaction::<C>() => Self::Ours,
            Purpose::Read => Self::CallersToRead,
            Purpose::Write => Self::CallersToWrite,
        }
    }
}

/// Which rows were asked for.
#[derive(Debug, Clone)]
pub(crate) enum Roots {
    Select(Box<SelectStatement>),
    /// Primary keys.
    Keys(Vec<Vec<Value>>),
}

/// Which numbers are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All that a preview shows.
    All,
    /// Those that decide whether something is in the way.
    InTheWay,
}

impl<'a> Run<'a> {
    /// What would happen; if it is not exact, no number is counted further than `rows_max`.
    pub(crate) async fn preview(self, roots: &Roots, rows_max: Option<u64>) -> Result<Preview, Error> {
        let known = self.freeze(roots, Purpose::Read).await?;
        self.look_up_to(&known, rows_max).await
    }

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

    /// PostgreSQL commits a transaction in which a statement failed without a word, and stores nothing: a hook may have
    /// passed over an error.
    pub(crate) async fn check_transaction(self) -> Result<(), Error> {
        if self.dialect == Dialect::Postgres && self.watch.has_hook_run.load(Ordering::Relaxed) {
            let mut nothing = Query::select();
            self.session.query(nothing.expr(Expr::cust("1"))).await?;
        }
        Ok(())
    }

    pub(crate) fn sql<'k>(self, known: &'k Known) -> Sql<'k>
    where
        'a: 'k,
    {
        let reads = match (self.dialect, self.transaction) {
            (Dialect::MySql, Transaction::CallersToWrite) => Reads::Committed,
            _ => Reads::Snapshot,
        };
        Sql { dialect: self.dialect, schema: self.schema, plan: self.plan, known, reads }
    }

    // ---- The roots

    /// Finds the asked rows and keeps them as keys. To write, they are locked in key order, and then asked whether they
    /// still fulfil the Select; from there on it is never evaluated again.
    pub(crate) async fn freeze(self, roots: &Roots, purpose: Purpose) -> Result<Known, Error> {
        let (found, catalog) = self.find_roots(roots, purpose).await?;
        let known = Known::new(self.schema, self.plan.root, found).with_catalog(catalog);
        self.with_more_known(known, purpose == Purpose::Write).await
    }

    /// The asked rows alone, and what the catalogs say of the tables that their delete reaches.
    pub(crate) async fn find_roots(self, roots: &Roots, purpose: Purpose) -> Result<(Keys, Catalog), Error> {
        let (root, lock) = (self.plan.root, purpose == Purpose::Write);
        let Table { identity, primary_key, .. } = &self.schema.tables[root];
        let nothing = Known::new(self.schema, root, self.keys_of(root, identity)?);
        let sql = self.sql(&nothing);
        let mut found = self.keys_of(root, identity)?;
        let mut told = None;
        let each = match roots {
            Roots::Select(select) => vec![sql.selected(select)?],
            Roots::Keys(values) => {
                let mut keys = self.keys_of(root, primary_key)?;
                let possible = |key: &&Vec<Value>| key.iter().all(|value| storable(self.dialect, value));
                let mut values: Vec<_> = values.iter().filter(possible).cloned().collect();
                if values.iter().all(|key| keys.push(key)) {
                    sql.rows_asked(&keys.sorted())
                } else {
                    values.sort_by_cached_key(|key| format!("{key:?}"));
                    sql.rows_at_values(&values)
                }
            }
        };
        for rows in &each {
            let select = match told {
                None => sql.read_and_ask(rows, &self.question(), lock),
                Some(_) => sql.read(rows, &[], lock),
            };
            let result = self.session.query(&select).await;
            let result = match roots {
                Roots::Select(_) => result.map_err(Error::in_select)?,
                Roots::Keys(_) => result?,
            };
            // The answer comes first: the keys may not be what is declared.
            if let Some(row) = result.first().filter(|_| told.is_none()) {
                told = Some(match self.answer(row)? {
                    Some(catalog) => catalog,
                    None => self.catalog().await?,
                });
            }
            found.read(&result)?;
        }
        let catalog = match told {
            Some(catalog) => catalog,
            // Nothing to do there, and nothing in its catalogs that would hide rows.
            None if each.is_empty() || (self.dialect == Dialect::Sqlite && self.watch.repaired.is_empty()) => {
                Catalog::default()
            }
            // Nothing is found, or nothing is shown.
            None => self.catalog().await?,
        };
        if each.len() > 1 {
            // Two lists may name one row: equality is the database's, where 'a' may be 'A'.
            found = found.distinct();
        }
        if let (Roots::Select(select), true) = (roots, lock && self.dialect != Dialect::Sqlite && !found.is_empty()) {
            let mut still = self.keys_of(root, identity)?;
            for rows in sql.selected_still(select, &found) {
                still.read(&self.session.query(&sql.read(&rows, &[], false)).await?)?;
            }
            found = found.also_in(&still);
        }
        if lock && catalog.is_under_row_security {
            self.check_locked(root, &each, &found).await?;
        }
        Ok((found, catalog))
    }

    fn question(self) -> Question<'a> {
        let is_callers = self.transaction == Transaction::CallersToWrite;
        let (dialect, schema, plan) = (self.dialect, self.schema, self.plan);
        Question { dialect, schema, plan, repaired: &self.watch.repaired, is_callers }
    }

    /// What the catalogs say, in a statement of its own.
    pub(crate) async fn catalog(self) -> Result<Catalog, Error> {
        let mut select = Query::select();
        for (name, expr) in self.question().columns() {
            select.expr_as(expr, Alias::new(name));
        }
        let rows = self.session.query(&select).await?;
        let answer = rows.first().map(|row| self.answer(row)).transpose()?;
        Ok(answer.flatten().unwrap_or_default())
    }

    fn answer(self, row: &QueryResult) -> Result<Option<Catalog>, Error> {
        self.question().answer_in(row, self.watch.under_row_security)
    }

    /// PostgreSQL, under row security: a lock shows only rows that a policy for UPDATE lets through. Rows that can be seen and
    /// not locked would be passed over without a word.
    pub(crate) async fn check_locked(self, table: TableId, each: &[Rows], locked: &Keys) -> Result<(), Error> {
        let identity = &self.schema.tables[table].identity;
        let nothing = Known::new(self.schema, table, self.keys_of(table, identity)?);
        let sql = self.sql(&nothing);
        let mut seen = self.keys_of(table, identity)?;
        for rows in each {
            seen.read(&self.session.query(&sql.read(rows, &[], false)).await?)?;
        }
        let others = seen.not_in(locked);
        let (mut seen, mut locked) = (self.keys_of(table, identity)?, self.keys_of(table, identity)?);
        for rows in sql.rows_at(table, &others) {
            // Rows that have come only now can be locked.
            locked.read(&self.session.query(&sql.read(&rows, &[], true)).await?)?;
            seen.read(&self.session.query(&sql.read(&rows, &[], false)).await?)?;
        }
        if seen.not_in(&locked).is_empty() {
            return Ok(());
        }
        let source = DbErr::Custom("row security lets these rows be seen, and not be locked (FOR UPDATE)".to_owned());
        let (table, permission) = (self.schema.tables[table].label.clone(), "UPDATE".to_owned());
        Err(ErrorKind::Forbidden { table, permission, source }.into())
    }

    /// Keeps the rows that SET DEFAULT keys will refer to from being deleted by others. Whether they are there is counted
    /// with what is in the way.
    async fn lock_defaults(self, known: &Known) -> Result<(), Error> {
        for &key in &self.plan.keys {
            if self.schema.keys[key].action == Action::SetDefault {
                self.lock_default(known, key).await?;
            }
        }
        Ok(())
    }

    /// The same for one key; whether the row is there, or none is meant.
    pub(crate) async fn lock_default(self, known: &Known, key: KeyId) -> Result<bool, Error> {
        if !self.schema.keys[key].refers_by_default(self.schema) {
            return Ok(true);
        }
        Ok(!self.session.query(&self.sql(known).default_row(key)).await?.is_empty())
    }

    /// Those of these locked rows that fulfil a condition, asked anew: what a statement waited for may have changed what
    /// its sub-selects look at, and these it does not ask again.
    pub(crate) async fn still(self, table: TableId, keys: Keys, condition: &Expr) -> Result<Keys, Error> {
        if keys.is_empty() {
            return Ok(keys);
        }
        let nothing = Known::new(self.schema, table, self.keys_of(table, &[])?);
        let mut still = self.keys_of(table, &self.schema.tables[table].identity)?;
        for rows in self.sql(&nothing).still(table, &keys, Some(condition)) {
            let select = self.sql(&nothing).read(&rows, &[], true);
            still.read(&self.session.query(&select).await?)?;
        }
        Ok(keys.also_in(&still))
    }

    /// With what has to be known by key of the rows below the roots.
    pub(crate) async fn with_more_known(self, mut known: Known, lock: bool) -> Result<Known, Error> {
        if known.roots > 0 {
            if lock {
                self.lock_defaults(&known).await?;
            }
            self.gather(&mut known, lock).await?;
        }
        Ok(known)
    }

    pub(crate) fn keys_of(self, table: TableId, columns: &[usize]) -> Result<Keys, Error> {
        keys_of(self.schema, self.dialect, table, columns)
    }

    // ---- The numbers

    /// All that a preview shows.
    pub(crate) async fn look(self, known: &Known) -> Result<Preview, Error> {
        self.look_up_to(known, None).await
    }

    async fn look_up_to(self, known: &Known, rows_max: Option<u64>) -> Result<Preview, Error> {
        let mut numbers = self.numbers(known, Wanted::All, rows_max).await?;
        for key in numbers.in_the_way(self.schema) {
            let samples = self.samples(known, key).await?;
            numbers.samples.push((key, samples));
        }
        let primary_key = &self.schema.tables[self.plan.root].primary_key;
        let roots = known.get(self.plan.root);
        let fingerprint = roots.map(|keys| keys.fingerprint(primary_key, known.roots)).unwrap_or_default();
        Ok(Preview::new(self.schema, self.plan, known.roots as u64, fingerprint, &numbers).counted_at_most(rows_max))
    }

    /// Whether any row refers to the roots.
    pub(crate) async fn is_referred_to(self, known: &Known) -> Result<bool, Error> {
        let keys: Vec<Count> = self.schema.keys_to(self.plan.root).map(Count::Referring).collect();
        if keys.is_empty() || known.roots == 0 {
            return Ok(false);
        }
        let asked: Vec<_> = keys.into_iter().map(|count| (count, None)).collect();
        let found = self.row_of(&self.sql(known).counts(&asked), asked.len()).await?;
        Ok(found.iter().any(|&rows| rows > 0))
    }

    async fn is_in_the_way(self, known: &Known) -> Result<bool, Error> {
        let numbers = self.numbers(known, Wanted::InTheWay, None).await?;
        Ok(!numbers.in_the_way(self.schema).is_empty())
    }

    async fn numbers(self, known: &Known, wanted: Wanted, rows_max: Option<u64>) -> Result<Numbers, Error> {
        let mut numbers = Numbers::default();
        for &table in &self.plan.doomed {
            if let Some(keys) = known.get(table) {
                numbers.add(Count::Doomed(table), keys.len() as u64);
            }
        }
        if known.roots == 0 {
            return Ok(numbers);
        }
        for key in self.plan.components.iter().flat_map(|component| component.keys.iter().copied()) {
            if self.schema.keys[key].action == Action::Cascade {
                numbers.add(Count::Referring(key), known.referring(key));
            }
        }
        let mut wanted_counts = Vec::new();
        for count in wanted.counts(self.schema, self.plan) {
            if numbers.get(count).is_none() {
                // Which rows are doomed is known in a cycle: all that refer are counted, and those passed over.
                let asked = match count {
                    Count::ReferringKept(key) if self.plan.is_within_cycle(key) => Count::Referring(key),
                    count => count,
                };
                wanted_counts.push((count, asked));
            }
        }
        for (count, rows) in self.counted(known, wanted_counts, rows_max).await? {
            numbers.add(count, rows);
        }
        Ok(numbers)
    }

    /// Numbers, each with what is asked for it, without those that are passed over.
    async fn counted(
        self,
        known: &Known,
        wanted: Vec<(Count, Count)>,
        rows_max: Option<u64>,
    ) -> Result<Vec<(Count, u64)>, Error> {
        let (mut together, mut in_parts, mut counted) = (Vec::new(), Vec::new(), Vec::new());
        for (count, asked) in wanted {
            match self.sql(known).count_in_parts(asked) {
                Some(parts) => in_parts.push((count, parts)),
                None => together.push((count, asked)),
            }
        }
        for counts in self.sql(known).in_statements(&together) {
            // One row more tells that there are more. The databases count no further than `i64`.
            let more = |count| 1 + known.passed_over(self.schema, count);
            let up_to = |count| rows_max.map(|rows| rows.saturating_add(more(count)).min(i64::MAX.unsigned_abs()));
            let asked: Vec<_> = counts.iter().map(|&(count, asked)| (asked, up_to(count))).collect();
            let found = self.row_of(&self.sql(known).counts(&asked), asked.len()).await?;
            for (&(count, _), rows) in counts.iter().zip(found) {
                counted.push((count, rows.saturating_sub(known.passed_over(self.schema, count))));
            }
        }
        for (count, parts) in in_parts {
            let mut rows: u64 = 0;
            for part in parts {
                rows += self.row_of(&part, 1).await?.iter().sum::<u64>();
            }
            counted.push((count, rows.saturating_sub(known.passed_over(self.schema, count))));
        }
        Ok(counted)
    }

    /// That nothing refers any more to rows of these tables, which are to go next, where something may: rows that a trigger
    /// or the like has kept or added, and rows that were doomed by one key, have lost it while their lock was waited for,
    /// and still refer by another key that forbids it.
    pub(crate) async fn check_unreferenced(self, known: &Known, tables: &[TableId]) -> Result<(), Error> {
        let counts = self.sql(known).may_still_refer(tables, known.catalog.may_keep_rows);
        for (count, rows) in self.counted(known, counts, None).await? {
            let (Count::Referring(key) | Count::ReferringKept(key)) = count else { continue };
            if rows > 0 {
                let seen = self.look(known).await?;
                check(&seen, None, None)?;
                self.check_kept(self.schema.keys[key].child, Some(key), None, rows)?;
            }
        }
        Ok(())
    }

    /// That no trigger has added rows that refer to rows of these tables, which were known by key and are gone.
    pub(crate) async fn check_nothing_added(self, known: &Known, tables: &[TableId]) -> Result<(), Error> {
        if !known.catalog.may_keep_rows {
            return Ok(());
        }
        let keys =
            tables.iter().filter(|&&table| known.get(table).is_some()).flat_map(|&table| self.schema.keys_to(table));
        for key in keys {
            // By the keys themselves: the rows are not there any more.
            for rows in self.sql(known).referring(key) {
                let added = self.row_of(&self.sql(known).count_of(&rows), 1).await?.iter().sum();
                self.check_kept(self.schema.keys[key].child, Some(key), None, added)?;
            }
        }
        Ok(())
    }

    /// That rows which were deleted by key are gone, when fewer were reported; they may have gone with others.
    pub(crate) async fn check_gone(
        self,
        known: &Known,
        (table, keys, rows): (TableId, &Keys, &[usize]),
    ) -> Result<(), Error> {
        let mut stayed = 0;
        for select in self.sql(known).count_at(table, keys, rows) {
            stayed += self.row_of(&select, 1).await?.iter().sum::<u64>();
        }
        self.check_kept(table, None, Some(rows.len() as u64), stayed)
    }

    /// That none of the rows that were to go or change has stayed as it was.
    pub(crate) fn check_kept(
        self,
        table: TableId,
        key: Option<KeyId>,
        rows: Option<u64>,
        stayed: u64,
    ) -> Result<(), Error> {
        if stayed == 0 {
            return Ok(());
        }
        let foreign_key = key.map(|key| self.schema.keys[key].label.clone());
        let table = self.schema.tables[table].label.clone();
        Err(ErrorKind::StillThere { table, foreign_key, rows, stayed }.into())
    }

    /// The numbers that a statement counts.
    pub(crate) async fn row_of(self, select: &SelectStatement, numbers: usize) -> Result<Vec<u64>, Error> {
        let rows = self.session.query(select).await?;
        let Some(row) = rows.first() else { return Ok(vec![0; numbers]) };
        let number = |n| row.try_get::<i64>("", &alias(n)).map(|number| u64::try_from(number).unwrap_or(0));
        Ok((0..numbers).map(number).collect::<Result<_, _>>()?)
    }

    async fn samples(self, known: &Known, key: KeyId) -> Result<Vec<Key>, Error> {
        if self.plan.is_within_cycle(key) {
            return self.samples_within_cycle(known, key).await;
        }
        let child = self.schema.keys[key].child;
        let mut keys = self.keys_of(child, &self.schema.tables[child].primary_key)?;
        let count = Count::referring(self.schema, key);
        let select = self.sql(known).blocking_rows(count, key, Blocker::SAMPLE_KEYS_MAX as u64);
        keys.read(&self.session.query(&select).await?)?;
        Ok((0..keys.len()).map(|row| keys.sample(row)).collect())
    }

    /// The primary keys of the first of these rows, in key order.
    pub(crate) async fn first_keys(self, known: &Known, rows: &Rows) -> Result<Vec<Key>, Error> {
        let Table { identity, primary_key, .. } = &self.schema.tables[rows.table()];
        let mut keys = self.keys_of(rows.table(), identity)?;
        let select = self.sql(known).page(rows, (None, &[]), false, None, Blocker::SAMPLE_KEYS_MAX);
        keys.read(&self.session.query(&select).await?)?;
        // The primary key is what a row's identity begins with.
        Ok((0..keys.len()).map(|row| keys.sample_of(row, primary_key.len())).collect())
    }

    /// The same among rows of a cycle's table, of which the doomed are known here.
    async fn samples_within_cycle(self, known: &Known, key: KeyId) -> Result<Vec<Key>, Error> {
        let ForeignKey { child, action, .. } = self.schema.keys[key];
        let primary_key = &self.schema.tables[child].primary_key;
        let Some(doomed) = known.get(child) else { return Ok(Vec::new()) };
        let (index, loops) = (Index::new(doomed, primary_key), known.loops(key));
        let is_in_the_way = |page: &Keys, row: usize| match index.find(doomed, &page.of(primary_key), row) {
            None => true,
            Some(row) => action == Action::Restrict && !loops.contains(&row),
        };
        let mut samples = self.keys_of(child, primary_key)?;
        let lists = self.sql(known).referring(key);
        let are_several = lists.len() > 1;
        for rows in lists {
            let enough = samples.len() + Blocker::SAMPLE_KEYS_MAX;
            let mut pages = Pages::new(self, child, rows, false);
            while let Some(Page { keys, .. }) = pages.next(known).await? {
                let in_the_way = (0..keys.len()).filter(|&row| is_in_the_way(&keys, row));
                // The primary key is what a row's identity begins with.
                in_the_way.take(enough - samples.len()).for_each(|row| samples.add(&keys, row));
                if samples.len() == enough {
                    break;
                }
            }
        }
        let mut samples: Vec<Key> = (0..samples.len()).map(|row| samples.sample(row)).collect();
        if are_several {
            // The first of each.
            samples.sort();
            samples.truncate(Blocker::SAMPLE_KEYS_MAX);
        }
        Ok(samples)
    }
}

impl Wanted {
    /// Each number once.
    pub(crate) fn counts(self, schema: &Schema, plan: &Plan) -> Vec<Count> {
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

/// An empty set of keys for these columns; refuses a type that the backend cannot compare (R12).
pub(crate) fn keys_of(schema: &Schema, dialect: Dialect, table: TableId, columns: &[usize]) -> Result<Keys, Error> {
    let table = &schema.tables[table];
    let kind = |&column: &usize| {
        let Column { name, ty, .. } = &table.columns[column];
        KeyKind::of(dialect, ty).ok_or_else(|| {
            let (table, column) = (table.label.clone(), name.to_string());
            Error::from(ErrorKind::KeyNotComparable { backend: dialect.name(), table, column })
        })
    };
    let kinds = columns.iter().map(kind).collect::<Result<Vec<_>, _>>()?;
    Ok(Keys::new(&table.label, columns, table.names(columns), &kinds))
}

/// R5, `at_most`, `expecting`.
pub(crate) fn check(seen: &Preview, at_most: Option<u64>, expecting: Option<&Preview>) -> Result<(), Error> {
    if seen.is_blocked() {
        return Err(ErrorKind::Blocked(seen.blockers().to_vec()).into());
    }
    if let Some(at_most) = at_most.filter(|&rows| seen.outcome().total() > rows) {
        let preview = Box::new(seen.clone());
        return Err(ErrorKind::TooManyRows { at_most, preview }.into());
    }
    let is_as_shown = |expected: &Preview| *expected == seen.clone().counted_at_most(expected.counted_up_to());
    if let Some(expected) = expecting.filter(|&expected| !is_as_shown(expected)) {
        let (expected, found) = (Box::new(expected.clone()), Box::new(seen.clone()));
        return Err(ErrorKind::Changed { expected, found }.into());
    }
    Ok(())
}
