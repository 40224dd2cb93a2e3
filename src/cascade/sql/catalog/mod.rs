//! Asks the catalogs about the tables that a run reaches: whether a trigger, a rule or row security
//! may keep rows, whether values are stored as declared, and whether the tables have transactions.
//!
//! Pure: it writes the query and reads the answer. The query is a sub-select in the statement that
//! finds the roots, so it costs no statement of its own. It returns only unusual facts, so the
//! answer is NULL for ordinary tables. PostgreSQL plans a statement again in the first runs of each
//! connection, which takes longer than the statement itself if the query is long. So there the
//! first query asks only whether anything is unusual, and a second statement asks what, if so.
//! Nothing is kept between runs, because a graph knows no database.

mod mysql;
mod postgres;
mod sqlite;
mod types;

pub(crate) use types::without_length;

use std::collections::BTreeSet;

use sea_orm::sea_query::{ColumnType, Expr, TableName};
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
    pub(crate) fn beside(&self) -> Vec<(String, Expr)> {
        match self.dialect {
            Dialect::Postgres => marked(vec![(COLUMN.to_owned(), self.postgres_remarkable())]),
            Dialect::Sqlite | Dialect::MySql => self.columns(),
        }
    }

    /// Returns the query as columns of its own statement, each with its name. The last has the
    /// answer.
    ///
    /// On MySQL and MariaDB, NULL columns with the type of each compared column come before it. The
    /// driver reports their types. To ask the catalogs would take 0.25 ms for the columns of each
    /// table.
    pub(crate) fn columns(&self) -> Vec<(String, Expr)> {
        let mut columns = Vec::new();
        let answer = match self.dialect {
            Dialect::Sqlite => self.sqlite(),
            Dialect::Postgres => self.postgres(),
            Dialect::MySql => {
                columns = self.mysql_samples();
                self.mysql()
            }
        };
        columns.push((COLUMN.to_owned(), format!("({answer})")));
        marked(columns)
    }

    /// Reads the answer from a row with these columns. `None`: ask with [`columns`](Self::columns).
    pub(crate) fn answer_in(&self, row: &QueryResult, under_row_security: bool) -> Result<Option<Catalog>, Error> {
        if self.dialect == Dialect::MySql {
            for (n, Compared { table, column, ty, is_read }) in self.compared().into_iter().enumerate() {
                let found = mysql_type(row, &sample(n)).filter(|found| !mysql_compares(ty, found, is_read));
                if let Some(found) = found {
                    return Err(self.type_differs(table, column, found));
                }
            }
        }
        let answer: Option<String> = row.try_get("", COLUMN)?;
        let more = answer.as_deref() == Some(MORE);
        (!more).then(|| self.answer(answer.as_deref(), under_row_security)).transpose()
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
        let children = self.plan.keys.iter().map(|&key| self.schema.keys[key].child);
        let parents = self.repaired.iter().map(|&(key, _)| self.schema.keys[key].parent);
        let tables: BTreeSet<TableId> = self.plan.doomed.iter().copied().chain(children).chain(parents).collect();
        let reached = |table| Reached {
            table,
            is_doomed: self.plan.dooms(table),
            is_changed: self.changing().any(|key| self.schema.keys[key].child == table),
        };
        tables.into_iter().map(reached).collect()
    }

    fn changing(&self) -> impl Iterator<Item = KeyId> {
        let by_plan = self.plan.keys.iter().copied().filter(|&key| self.schema.keys[key].action.changes_key());
        by_plan.chain(self.repaired.iter().filter(|(_, rule)| rule.changes_key()).map(|&(key, _)| key))
    }

    /// Returns the columns of both ends of each key: child and column, parent and column.
    fn ends(&self) -> impl Iterator<Item = (TableId, usize, TableId, usize)> {
        let repaired = self.repaired.iter().map(|&(key, _)| key);
        let keys = self.plan.keys.iter().copied().chain(repaired).map(|key| &self.schema.keys[key]);
        keys.flat_map(|key| {
            let pairs = key.child_columns.iter().zip(&key.parent_columns);
            pairs.map(|(&from, &to)| (key.child, from, key.parent, to))
        })
    }

    /// Returns the identity columns, and the columns that reference them, which are compared with
    /// values of their parent's type.
    fn compared(&self) -> Vec<Compared<'_>> {
        let mut all: Vec<Compared<'_>> = Vec::new();
        let mut add = |table: TableId, column: usize, ty, is_read: bool| match all
            .iter_mut()
            .find(|fetched| (fetched.table, fetched.column) == (table, column))
        {
            Some(fetched) => fetched.is_read |= is_read,
            None => all.push(Compared { table, column, ty, is_read }),
        };
        for &table in &self.plan.doomed {
            let of = &self.schema.tables[table];
            of.identity.iter().for_each(|&column| add(table, column, &of.columns[column].ty, true));
        }
        let repaired = self.repaired.iter().map(|&(key, _)| key);
        for id in self.plan.keys.iter().copied().chain(repaired) {
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

/// Returns these columns as a statement has them. The first has the comment.
fn marked(columns: Vec<(String, String)>) -> Vec<(String, Expr)> {
    let marked = |(n, (name, sql)): (usize, (String, String))| {
        (name, Expr::cust(if n == 0 { format!("{MARK} {sql}") } else { sql }))
    };
    columns.into_iter().enumerate().map(marked).collect()
}

fn unknown(fact: &str) -> Error {
    DbErr::Custom(format!("the catalogs answered what was not asked: {fact}")).into()
}

/// Returns a text literal of SQLite and PostgreSQL.
fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}
