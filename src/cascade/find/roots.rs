//! Finds the roots, locks them and keeps their keys (frozen roots).
//!
//! I/O: it reads and locks.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{DbErr, QueryResult, Value};

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::index::Index;
use crate::cascade::data::key::{Key, Keys, storable};
use crate::cascade::db::execution::{Execution, Transaction};
use crate::cascade::db::session::Purpose;
use crate::cascade::declare::schema::{KeyId, Table, TableId};
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::plan::count::CountScope;
use crate::cascade::plan::fetched::{Catalog, Fetched};
use crate::cascade::plan::roots::Roots;
use crate::cascade::sql::RowSet;
use crate::cascade::sql::catalog::{Part, Question};

/// PostgreSQL: from now on, and until the transaction ends, a prepared statement is planned once and
/// not for each set of values.
const PLAN_ONCE: &str = "set_config('plan_cache_mode', 'force_generic_plan', true)";

/// The default again.
const PLAN_AS_NEEDED: &str = "set_config('plan_cache_mode', 'auto', true)";

impl<'a> Execution<'a> {
    // ---- The roots

    /// Finds the roots and keeps their keys. For a write they are locked in key order and then
    /// re-checked against the Select. After that the Select is never evaluated again.
    pub(crate) async fn freeze(self, roots: &Roots, purpose: Purpose, scope: CountScope) -> Result<Fetched, Error> {
        let (found, catalog) = self.find_roots(roots, purpose).await?;
        if self.capture.must_exist {
            self.check_exist(roots, &found)?;
        }
        let fetched = Fetched::new(self.schema, self.plan.root, found).with_catalog(catalog);
        self.with_gathered(fetched, purpose == Purpose::Write, scope).await
    }

    /// Checks that every given key has a row, and that a Select returned at least one.
    fn check_exist(self, roots: &Roots, found: &Keys) -> Result<(), Error> {
        let Table { label, primary_key, .. } = &self.schema.tables[self.plan.root];
        let not_found = |keys| Err(ErrorKind::NotFound { table: label.clone(), keys }.into());
        let Roots::Keys(values) = roots else {
            return if found.is_empty() { not_found(Vec::new()) } else { Ok(()) };
        };
        let distinct: BTreeSet<String> = values.iter().map(|key| format!("{key:?}")).collect();
        // The database decides equality: `'a'` may have found `'A'`, so the numbers are compared.
        if found.len() >= distinct.len() {
            return Ok(());
        }
        let mut asked = self.keys_of(self.plan.root, primary_key)?;
        for key in values {
            // A value that the column cannot hold has no row, and no key form to show it in.
            asked.push(key);
        }
        let (asked, index) = (asked.sorted(), Index::new(found, primary_key));
        let columns = asked.of(primary_key);
        let missing = (0..asked.len()).filter(|&row| index.find(found, &columns, row).is_none());
        let mut keys: Vec<Key> = missing.map(|row| asked.sample(row)).collect();
        keys.dedup();
        not_found(keys)
    }

    /// Returns the roots, and what the catalogs say about the tables that the delete reaches.
    pub(crate) async fn find_roots(self, roots: &Roots, purpose: Purpose) -> Result<(Keys, Catalog), Error> {
        let (root, lock) = (self.plan.root, purpose == Purpose::Write);
        let Table { identity, primary_key, .. } = &self.schema.tables[root];
        let nothing = Fetched::new(self.schema, root, self.keys_of(root, identity)?);
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
                None => {
                    let mut select = sql.read_and_ask(rows, &self.question(self.first_part()), lock);
                    if self.is_planned_once() {
                        select.expr(Expr::cust(PLAN_ONCE));
                    }
                    select
                }
                Some(_) => sql.read(rows, &[], lock),
            };
            let result = self.session.query(&select).await;
            let result = match roots {
                Roots::Select(_) => result.map_err(Error::in_select)?,
                Roots::Keys(_) => result?,
            };
            // The catalogs' answer is read first, because the keys may not have the declared type.
            if let Some(row) = result.first().filter(|_| told.is_none()) {
                told = Some(match self.answer(row)? {
                    Some(catalog) => catalog,
                    None => self.catalog(self.first_part()).await?,
                });
            }
            found.read(&result)?;
        }
        let catalog = match told {
            Some(catalog) => catalog,
            // There is nothing to delete, and nothing in these catalogs can hide rows.
            None if each.is_empty() || (self.dialect == Dialect::Sqlite && self.capture.repaired.is_empty()) => {
                Catalog::default()
            }
            // No row was found, or none is visible.
            None => self.catalog(self.first_part()).await?,
        };
        if each.len() > 1 {
            // Two lists may contain the same row, because the database decides equality: 'a' may
            // equal 'A'.
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

    /// Whether PostgreSQL plans the statements of this run once. To plan a count of the rows of 31
    /// keys takes longer than to count.
    fn is_planned_once(self) -> bool {
        self.dialect == Dialect::Postgres && self.transaction == Transaction::Ours && self.plan.is_wide()
    }

    /// PostgreSQL: lets it plan statements about many rows with the values.
    pub(super) async fn plan_with_values(self) -> Result<(), Error> {
        if self.is_planned_once() {
            self.session.query(Query::select().expr(Expr::cust(PLAN_AS_NEEDED))).await?;
        }
        Ok(())
    }

    /// Returns what the statement that finds the roots asks about.
    fn first_part(self) -> Part {
        let root = self.plan.components.first();
        let is_alone = root.is_some_and(|root| !root.is_cycle()) && self.capture.repaired.is_empty();
        if is_alone && self.plan.is_wide() { Part::Root } else { Part::All }
    }

    /// Asks the catalogs about the tables that the roots do not reach directly, if the statement
    /// that found the roots has not.
    pub(super) async fn ask_the_rest(self, fetched: &mut Fetched) -> Result<(), Error> {
        if self.first_part() == Part::Root {
            let (question, hidden) = (self.question(Part::Rest), self.capture.under_row_security);
            let mut select = Query::select();
            question.beside().add_to(&mut select);
            let rows = self.session.query(&select).await?;
            let answer = rows.first().map(|row| question.answer_beside(row, hidden)).transpose()?;
            let Catalog { may_keep_rows, is_under_row_security } = match answer.flatten() {
                Some(catalog) => catalog,
                None => self.catalog(Part::Rest).await?,
            };
            fetched.catalog.may_keep_rows |= may_keep_rows;
            fetched.catalog.is_under_row_security |= is_under_row_security;
        }
        Ok(())
    }

    fn question(self, part: Part) -> Question<'a> {
        let is_callers = self.transaction == Transaction::CallersToWrite;
        let (dialect, schema, plan) = (self.dialect, self.schema, self.plan);
        Question { dialect, schema, plan, repaired: &self.capture.repaired, is_callers, part }
    }

    /// Asks the catalogs in full, in a statement of its own.
    pub(crate) async fn catalog(self, part: Part) -> Result<Catalog, Error> {
        let (question, hidden) = (self.question(part), self.capture.under_row_security);
        let mut select = Query::select();
        question.columns().add_to(&mut select);
        let rows = self.session.query(&select).await?;
        let answer = rows.first().map(|row| question.answer_of_its_own(row, hidden)).transpose()?;
        Ok(answer.unwrap_or_default())
    }

    fn answer(self, row: &QueryResult) -> Result<Option<Catalog>, Error> {
        self.question(self.first_part()).answer_beside(row, self.capture.under_row_security)
    }

    /// PostgreSQL, under row security: a locking SELECT returns only rows that a policy for UPDATE
    /// allows. Rows that are visible and cannot be locked would be ignored silently.
    pub(crate) async fn check_locked(self, table: TableId, each: &[RowSet], locked: &Keys) -> Result<(), Error> {
        let identity = &self.schema.tables[table].identity;
        let nothing = Fetched::new(self.schema, table, self.keys_of(table, identity)?);
        let sql = self.sql(&nothing);
        let mut seen = self.keys_of(table, identity)?;
        for rows in each {
            seen.read(&self.session.query(&sql.read(rows, &[], false)).await?)?;
        }
        let others = seen.not_in(locked);
        let (mut seen, mut locked) = (self.keys_of(table, identity)?, self.keys_of(table, identity)?);
        for rows in sql.rows_at(table, &others) {
            // Rows that were added only now can be locked.
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

    /// Locks the rows that SET DEFAULT keys to this table will reference, so that no other session
    /// deletes them. Whether they exist is counted with the blockers.
    pub(super) async fn lock_defaults(self, fetched: &Fetched, parent: TableId) -> Result<(), Error> {
        for key in self.schema.keys_to(parent) {
            if self.schema.keys[key].action == Action::SetDefault && fetched.is_reached(self.schema, key) {
                self.lock_default(fetched, key).await?;
            }
        }
        Ok(())
    }

    /// The same for one key. Returns whether the row exists, or no row is referenced.
    pub(crate) async fn lock_default(self, fetched: &Fetched, key: KeyId) -> Result<bool, Error> {
        if !self.schema.keys[key].refers_by_default(self.schema) {
            return Ok(true);
        }
        Ok(!self.session.query(&self.sql(fetched).default_row(key)).await?.is_empty())
    }

    /// Returns those of these locked rows that match a condition, in a new statement: after a
    /// statement has waited for a lock, the database does not evaluate its sub-selects again.
    pub(crate) async fn still(self, table: TableId, keys: Keys, condition: &Expr) -> Result<Keys, Error> {
        if keys.is_empty() {
            return Ok(keys);
        }
        let nothing = Fetched::new(self.schema, table, self.keys_of(table, &[])?);
        let mut still = self.keys_of(table, &self.schema.tables[table].identity)?;
        for rows in self.sql(&nothing).still(table, &keys, Some(condition)) {
            let select = self.sql(&nothing).read(&rows, &[], true);
            still.read(&self.session.query(&select).await?)?;
        }
        Ok(keys.also_in(&still))
    }

    /// Adds what the run must know about the rows below the roots.
    pub(crate) async fn with_gathered(
        self,
        mut fetched: Fetched,
        lock: bool,
        scope: CountScope,
    ) -> Result<Fetched, Error> {
        if fetched.roots > 0 {
            self.gather(&mut fetched, lock, scope).await?;
        }
        Ok(fetched)
    }
}
