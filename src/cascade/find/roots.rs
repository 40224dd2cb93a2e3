//! Finds the roots, locks them and keeps their keys (frozen roots).
//!
//! I/O: it reads and locks.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{DbErr, QueryResult, Value};

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::index::Index;
use crate::cascade::data::key::{Key, Keys, storable};
use crate::cascade::db::execution::{Execution, Transaction};
use crate::cascade::db::session::Purpose;
use crate::cascade::declare::schema::{KeyId, Table, TableId};
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::plan::fetched::{Catalog, Fetched};
use crate::cascade::plan::roots::Roots;
use crate::cascade::sql::RowSet;
use crate::cascade::sql::catalog::Question;

impl<'a> Execution<'a> {
    // ---- The roots

    /// Finds the roots and keeps their keys. For a write they are locked in key order and then
    /// re-checked against the Select. After that the Select is never evaluated again.
    pub(crate) async fn freeze(self, roots: &Roots, purpose: Purpose) -> Result<Fetched, Error> {
        let (found, catalog) = self.find_roots(roots, purpose).await?;
        if self.capture.must_exist {
            self.check_exist(roots, &found)?;
        }
        let fetched = Fetched::new(self.schema, self.plan.root, found).with_catalog(catalog);
        self.with_gathered(fetched, purpose == Purpose::Write).await
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
                None => sql.read_and_ask(rows, &self.question(), lock),
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
                    None => self.catalog().await?,
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
            None => self.catalog().await?,
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

    fn question(self) -> Question<'a> {
        let is_callers = self.transaction == Transaction::CallersToWrite;
        let (dialect, schema, plan) = (self.dialect, self.schema, self.plan);
        Question { dialect, schema, plan, repaired: &self.capture.repaired, is_callers }
    }

    /// Asks the catalogs, in a statement of its own.
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
        self.question().answer_in(row, self.capture.under_row_security)
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

    /// Locks the rows that SET DEFAULT keys will reference, so that no other session deletes them.
    /// Whether they exist is counted with the blockers.
    async fn lock_defaults(self, fetched: &Fetched) -> Result<(), Error> {
        for &key in &self.plan.keys {
            if self.schema.keys[key].action == Action::SetDefault {
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

    /// Adds the keys of rows below the roots that must be fetched.
    pub(crate) async fn with_gathered(self, mut fetched: Fetched, lock: bool) -> Result<Fetched, Error> {
        if fetched.roots > 0 {
            if lock {
                self.lock_defaults(&fetched).await?;
            }
            self.gather(&mut fetched, lock).await?;
        }
        Ok(fetched)
    }
}
