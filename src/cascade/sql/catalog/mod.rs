//! Asks the catalogs about the tables that a run reaches: whether a trigger, a rule or row security
//! may keep rows, whether values are stored as declared, and whether the tables have transactions.
//!
//! Pure: it writes the query and reads the answer. The query is a sub-select in the statement that
//! finds the roots, so it costs no statement of its own. It returns only unusual facts, so the
//! answer is NULL for ordinary tables. PostgreSQL plans a statement again in the first runs of each
//! connection, which takes longer than the statement itself if the query is long. So there the
//! first query asks only whether anything is unusual, and a second statement asks what, if so. Where
//! many tables are reached, the first asks about the table of the roots and those that reference it,
//! and another about the rest, if anything references the roots. Nothing that a database may change
//! is kept between runs, because a graph knows no database.

mod mysql;
mod postgres;
mod sqlite;
mod types;

pub(crate) use types::without_length;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::sea_query::{Alias, ColumnType, Expr, SelectStatement, TableName};
use sea_orm::{DbErr, QueryResult};

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::declare::schema::{KeyId, Schema, TableId};
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::plan::Plan;
use crate::cascade::plan::fetched::Catalog;
use crate::cascade::sql::catalog::types::{mysql_compares, mysql_type, mysql_types, postgres_types, sample};

/// The name of the column with the answer.
pub(crate) const COLUMN: &str = "__cascade_catalog";

/// SQLite: the name of the column with the definitions of the tables.
const DDL: &str = "__cascade_ddl";

/// SQLite: for how many databases of one graph the definitions are kept.
const KNOWN_DDL_MAX: usize = 64;

/// A comment before the query, for readers of logs.
pub(crate) const MARK: &str = "/* catalog */";

/// The answer that says that the second query is needed.
const MORE: &str = "more";

/// What the query asks about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) schema: &'a Schema,
    pub(crate) plan: &'a Plan,
    /// The foreign keys whose orphans a repair changes or deletes, with the action.
    pub(crate) repaired: &'a [(KeyId, Action)],
    /// Whether the transaction is the caller's, with any isolation level.
    pub(crate) is_callers: bool,
    pub(crate) part: Part,
}

/// Which tables are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    All,
    /// The table of the roots, and the tables that reference it.
    Root,
    /// The others.
    Rest,
}

/// A table that the delete reaches.
struct Reached {
    table: TableId,
    /// Its rows may be deleted.
    is_doomed: bool,
    /// A foreign key of its rows may be changed.
    is_changed: bool,
}

impl Reached {
    fn is_written(&self) -> bool {
        self.is_doomed || self.is_changed
    }
}

/// A key column, and the type with which its values are compared.
struct Compared<'a> {
    table: TableId,
    column: usize,
    ty: &'a ColumnType,
    /// Whether its values are read as that type, and not only compared.
    is_read: bool,
}

impl Question<'_> {
    /// Returns the query as columns of a statement that finds rows, each with its name. The last
    /// has the answer.
    pub(crate) fn beside(&self) -> Arc<Columns> {
        match self.dialect {
            Dialect::Postgres => self.kept(1, || vec![(COLUMN.to_owned(), self.postgres_remarkable())]),
            Dialect::Sqlite if self.plan.is_wide() => self.kept(1, || {
                vec![(DDL.to_owned(), self.sqlite_ddl()), (COLUMN.to_owned(), format!("({})", self.sqlite_keeps()))]
            }),
            Dialect::Sqlite | Dialect::MySql => self.columns(),
        }
    }

    /// Returns these columns, which are made once for a graph. The first has a comment.
    fn kept(&self, form: u8, columns: impl Fn() -> Vec<(String, String)>) -> Arc<Columns> {
        if !self.repaired.is_empty() {
            return Arc::new(Columns::marked(columns()));
        }
        let dialect = match self.dialect {
            Dialect::Sqlite => 0,
            Dialect::Postgres => 1,
            Dialect::MySql => 2,
        };
        let part = match self.part {
            Part::All => 0,
            Part::Root => 1,
            Part::Rest => 2,
        };
        let which = ((dialect * 3 + part) * 2 + u8::from(self.is_callers)) * 2 + form;
        self.schema.memo.get_or(self.plan.root, which, || Columns::marked(columns()))
    }

    /// Returns the query as columns of its own statement, each with its name. The last has the
    /// answer.
    ///
    /// On MySQL and MariaDB, NULL columns with the type of each compared column come before it. The
    /// driver reports their types. To ask the catalogs would take 0.25 ms for the columns of each
    /// table.
    pub(crate) fn columns(&self) -> Arc<Columns> {
        self.kept(0, || {
            let (mut columns, answer) = match self.dialect {
                Dialect::Sqlite if self.plan.is_wide() => (vec![(DDL.to_owned(), self.sqlite_ddl())], self.sqlite()),
                Dialect::Sqlite => (Vec::new(), self.sqlite()),
                Dialect::Postgres => (Vec::new(), self.postgres()),
                Dialect::MySql => (self.mysql_samples(), self.mysql()),
            };
            columns.push((COLUMN.to_owned(), format!("({answer})")));
            columns
        })
    }

    /// Reads the answer from a row with the columns of [`beside`](Self::beside). `None`: ask with
    /// [`columns`](Self::columns).
    pub(crate) fn answer_beside(&self, row: &QueryResult, under_row_security: bool) -> Result<Option<Catalog>, Error> {
        match self.dialect {
            Dialect::Sqlite if self.plan.is_wide() => {
                let ddl: Option<String> = row.try_get("", DDL)?;
                let is_known = ddl.is_some_and(|ddl| locked(&self.known_ddl()).contains(&ddl));
                if is_known { self.answer_in(row, under_row_security).map(Some) } else { Ok(None) }
            }
            Dialect::Postgres => {
                let answer: Option<String> = row.try_get("", COLUMN)?;
                if answer.as_deref() == Some(MORE) {
                    Ok(None)
                } else {
                    self.answer_in(row, under_row_security).map(Some)
                }
            }
            Dialect::Sqlite | Dialect::MySql => self.answer_in(row, under_row_security).map(Some),
        }
    }

    /// Reads the answer from a row with the columns of [`columns`](Self::columns).
    pub(crate) fn answer_of_its_own(&self, row: &QueryResult, under_row_security: bool) -> Result<Catalog, Error> {
        let catalog = self.answer_in(row, under_row_security)?;
        if self.dialect == Dialect::Sqlite && self.plan.is_wide() {
            let ddl: Option<String> = row.try_get("", DDL)?;
            let known = self.known_ddl();
            let mut known = locked(&known);
            if known.len() < KNOWN_DDL_MAX
                && let Some(ddl) = ddl.filter(|ddl| self.is_all_of(ddl))
            {
                known.insert(ddl);
            }
        }
        Ok(catalog)
    }

    /// SQLite: returns the definitions of the tables whose types were compared. They say everything
    /// about these, so the types are not compared again (60 tables take 0.8 ms).
    fn known_ddl(&self) -> Arc<Mutex<HashSet<String>>> {
        self.schema.memo.get_or(
            self.plan.root,
            if self.part == Part::Rest { 2 } else { u8::from(self.part == Part::Root) },
            Mutex::default,
        )
    }

    fn answer_in(&self, row: &QueryResult, under_row_security: bool) -> Result<Catalog, Error> {
        if self.dialect == Dialect::MySql {
            for (n, Compared { table, column, ty, is_read }) in self.compared().into_iter().enumerate() {
                let found = mysql_type(row, &sample(n)).filter(|found| !mysql_compares(ty, found, is_read));
                if let Some(found) = found {
                    return Err(self.type_differs(table, column, found));
                }
            }
        }
        let answer: Option<String> = row.try_get("", COLUMN)?;
        self.answer(answer.as_deref(), under_row_security)
    }

    /// Interprets the answer.
    ///
    /// # Errors
    /// Refuses what cannot be deleted reliably; each reason has an error kind of its own.
    fn answer(&self, answer: Option<&str>, under_row_security: bool) -> Result<Catalog, Error> {
        let mut catalog = Catalog::default();
        let (mut secured, mut fixed, mut unprotected) = (Vec::new(), Vec::new(), Vec::new());
        let mut level = String::new();
        for fact in answer.unwrap_or_default().lines() {
            let mut words = fact.splitn(4, ' ');
            let kind = words.next().unwrap_or_default();
            let mut number = || words.next().and_then(|word| word.parse::<usize>().ok()).ok_or_else(|| unknown(fact));
            match kind {
                "keeps" => catalog.may_keep_rows = true,
                "secured" => secured.push(self.label(number()?, fact)?),
                "engine" => fixed.push(self.label(number()?, fact)?),
                "level" => {
                    let key = self.schema.keys.get(number()?).ok_or_else(|| unknown(fact))?;
                    unprotected.push(key.label.clone());
                    level = words.collect::<Vec<_>>().join(" ");
                }
                "generated" => {
                    let (table, column) = self.named(number()?, number()?, fact)?;
                    let reason = "it is computed by the database";
                    return Err(ErrorKind::KeyCannotChange { table, column, reason }.into());
                }
                "stated" => {
                    let (table, column) = self.named(number()?, number()?, fact)?;
                    let reason = "it is NOT NULL in the database, which may make it 0 or empty";
                    return Err(ErrorKind::KeyCannotChange { table, column, reason }.into());
                }
                "type" => {
                    let (table, column) = (number()?, number()?);
                    self.named(table, column, fact)?;
                    let found = words.collect::<Vec<_>>().join(" ");
                    return Err(self.type_differs(table, column, found));
                }
                _ => return Err(unknown(fact)),
            }
        }
        if !secured.is_empty() {
            if !under_row_security {
                return Err(ErrorKind::RowSecurity { tables: secured }.into());
            }
            catalog = Catalog { may_keep_rows: true, is_under_row_security: true };
        }
        if !fixed.is_empty() {
            return Err(ErrorKind::NotTransactional { tables: fixed }.into());
        }
        if !unprotected.is_empty() {
            return Err(ErrorKind::IsolationLevel { level, foreign_keys: unprotected }.into());
        }
        Ok(catalog)
    }

    fn label(&self, table: TableId, fact: &str) -> Result<String, Error> {
        self.schema.tables.get(table).map(|table| table.label.clone()).ok_or_else(|| unknown(fact))
    }

    fn named(&self, table: TableId, column: usize, fact: &str) -> Result<(String, String), Error> {
        let columns = self.schema.tables.get(table).map(|table| &table.columns);
        let column = columns.and_then(|columns| columns.get(column)).ok_or_else(|| unknown(fact))?;
        Ok((self.label(table, fact)?, column.name.to_string()))
    }

    fn type_differs(&self, table: TableId, column: usize, found: String) -> Error {
        let expected =
            self.compared().into_iter().find(|compared| (compared.table, compared.column) == (table, column));
        let declared = expected.map(|compared| match self.dialect {
            Dialect::MySql => mysql_types(compared.ty).join(", "),
            Dialect::Postgres => postgres_types(compared.ty).join(", "),
            Dialect::Sqlite => "as the column that it references".to_owned(),
        });
        let table = &self.schema.tables[table];
        let column = table.columns[column].name.to_string();
        ErrorKind::TypeDiffers { table: table.label.clone(), column, expected: declared.unwrap_or_default(), found }
            .into()
    }

    // ---- What is reached

    fn reached(&self) -> Vec<Reached> {
        let children = self.keys().map(|key| self.schema.keys[key].child);
        let parents = self.repaired.iter().map(|&(key, _)| self.schema.keys[key].parent);
        let mut tables: BTreeSet<TableId> = self.doomed().chain(children).chain(parents).collect();
        if self.part == Part::Rest {
            let of_root = self.schema.keys_to(self.plan.root).map(|key| self.schema.keys[key].child);
            of_root.for_each(|table| {
                tables.remove(&table);
            });
        }
        let reached = |table| Reached {
            table,
            is_doomed: self.plan.dooms(table),
            is_changed: self.changing().any(|key| self.schema.keys[key].child == table),
        };
        tables.into_iter().map(reached).collect()
    }

    /// Returns the doomed tables whose rows and children are asked about.
    fn doomed(&self) -> impl Iterator<Item = TableId> {
        let is_asked = |table: TableId| match self.part {
            Part::All => true,
            Part::Root => table == self.plan.root,
            Part::Rest => table != self.plan.root,
        };
        self.plan.doomed.iter().copied().filter(move |&table| is_asked(table))
    }

    /// Returns the keys to these tables.
    fn keys(&self) -> impl Iterator<Item = KeyId> {
        let is_asked = |key: KeyId| match self.part {
            Part::All => true,
            Part::Root => self.schema.keys[key].parent == self.plan.root,
            Part::Rest => self.schema.keys[key].parent != self.plan.root,
        };
        self.plan.keys.iter().copied().filter(move |&key| is_asked(key))
    }

    fn changing(&self) -> impl Iterator<Item = KeyId> {
        let by_plan = self.keys().filter(|&key| self.schema.keys[key].action.changes_key());
        by_plan.chain(self.repaired.iter().filter(|(_, rule)| rule.changes_key()).map(|&(key, _)| key))
    }

    /// Returns the columns of both ends of each key: child and column, parent and column.
    fn ends(&self) -> impl Iterator<Item = (TableId, usize, TableId, usize)> {
        let repaired = self.repaired.iter().map(|&(key, _)| key);
        let keys = self.keys().chain(repaired).map(|key| &self.schema.keys[key]);
        keys.flat_map(|key| {
            let pairs = key.child_columns.iter().zip(&key.parent_columns);
            pairs.map(|(&from, &to)| (key.child, from, key.parent, to))
        })
    }

    /// Returns the identity columns, and the columns that reference them, which are compared with
    /// values of their parent's type.
    fn compared(&self) -> Vec<Compared<'_>> {
        let (mut all, mut places): (Vec<Compared<'_>>, HashMap<(TableId, usize), usize>) = Default::default();
        let mut add = |table: TableId, column: usize, ty, is_read: bool| {
            let place = *places.entry((table, column)).or_insert(all.len());
            match all.get_mut(place) {
                Some(compared) => compared.is_read |= is_read,
                None => all.push(Compared { table, column, ty, is_read }),
            }
        };
        for table in self.doomed() {
            let of = &self.schema.tables[table];
            of.identity.iter().for_each(|&column| add(table, column, &of.columns[column].ty, true));
        }
        let repaired = self.repaired.iter().map(|&(key, _)| key);
        for id in self.keys().chain(repaired) {
            let key = &self.schema.keys[id];
            let parent = &self.schema.tables[key.parent];
            for (&from, &to) in key.child_columns.iter().zip(&key.parent_columns) {
                add(key.parent, to, &parent.columns[to].ty, true);
                add(key.child, from, &parent.columns[to].ty, self.plan.is_within_cycle(id));
            }
        }
        all
    }

    fn name(&self, table: TableId) -> (Option<String>, String) {
        let TableName(schema, name) = &self.schema.tables[table].name;
        (schema.as_ref().map(|schema| schema.1.to_string()), name.to_string())
    }

    fn column(&self, table: TableId, column: usize) -> String {
        self.schema.tables[table].columns[column].name.to_string()
    }
}

/// The columns of a statement that asks the catalogs, each with its name.
pub(crate) struct Columns(Vec<(String, Expr)>);

impl Columns {
    /// Returns these columns. The first has the comment.
    fn marked(columns: Vec<(String, String)>) -> Self {
        let marked = |(n, (name, sql)): (usize, (String, String))| {
            (name, Expr::cust(if n == 0 { format!("{MARK} {sql}") } else { sql }))
        };
        Self(columns.into_iter().enumerate().map(marked).collect())
    }

    /// Adds them to a statement.
    pub(crate) fn add_to(&self, select: &mut SelectStatement) {
        for (name, expr) in &self.0 {
            select.expr_as(expr.clone(), Alias::new(name));
        }
    }
}

fn locked(known: &Mutex<HashSet<String>>) -> MutexGuard<'_, HashSet<String>> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unknown(fact: &str) -> Error {
    DbErr::Custom(format!("the catalogs answered what was not asked: {fact}")).into()
}

/// Returns a text literal of SQLite and PostgreSQL.
fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}
