//! The schema of a database as plain data, and how its names are compared.
//!
//! Pure. [`catalog`](super::catalog) reads it.

use sea_orm::sea_query::{SchemaName, TableName};

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::live::rebuild::Definition;
use crate::cascade::live::types::{Collation, LiveType};

/// A table's name with the schema (in MySQL and MariaDB: the database) that it is in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct QualifiedName {
    pub(crate) schema: String,
    pub(crate) table: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) dialect: Dialect,
    /// The name and version of the database, for people.
    pub(crate) server: String,
    /// The schema of a name without a schema, if there is one such schema.
    pub(crate) current_schema: String,
    /// Whether table names that differ only in case are the same.
    pub(crate) folds_tables: bool,
    /// Whether this connection checks foreign keys.
    pub(crate) enforces: bool,
    /// MySQL and MariaDB: the collation of a table without its own.
    pub(crate) collation: Option<Collation>,
    /// The setting with which several servers accept writes, if they do.
    pub(crate) several_writers: Option<String>,
    pub(crate) tables: Vec<LiveTable>,
    /// Every foreign key of the database, also of tables that are not registered.
    pub(crate) keys: Vec<LiveKey>,
}

#[derive(Debug, Clone)]
pub(crate) struct LiveTable {
    pub(crate) place: QualifiedName,
    /// Whether its name without a schema finds it.
    pub(crate) is_visible: bool,
    pub(crate) kind: TableKind,
    pub(crate) columns: Vec<LiveColumn>,
    pub(crate) indexes: Vec<LiveIndex>,
    pub(crate) keepers: Keepers,
    /// MySQL and MariaDB: the collation of a column without its own.
    pub(crate) collation: Option<Collation>,
    /// SQLite: its CREATE TABLE text, from which it can be created again.
    pub(crate) definition: Option<Definition>,
}

/// What can keep a row of a table, or change other rows, when this crate deletes or changes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Keepers {
    pub(crate) triggers: Vec<LiveTrigger>,
    /// PostgreSQL: the rules for DELETE and UPDATE.
    pub(crate) rules: Vec<String>,
    /// PostgreSQL: the policies of its row security, if it is active for this connection.
    pub(crate) policies: Option<Vec<String>>,
    /// MySQL and MariaDB: its storage engine, if it has no transactions.
    pub(crate) engine: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveTrigger {
    pub(crate) name: String,
    /// As `BEFORE DELETE`.
    pub(crate) event: String,
    /// Whether it is for DELETE, and not only for UPDATE.
    pub(crate) on_delete: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableKind {
    Plain,
    /// Its rows are in partitions (PostgreSQL, MySQL, MariaDB).
    Partitioned,
    /// A view or a foreign table: it has no constraints or indexes to fix, and its columns do not
    /// say whether they are NOT NULL.
    View,
}

#[derive(Debug, Clone)]
pub(crate) struct LiveColumn {
    pub(crate) name: String,
    pub(crate) nullable: bool,
    /// `None` if it is unknown.
    pub(crate) ty: Option<LiveType>,
    pub(crate) filled: Filled,
    /// MySQL and MariaDB: whether an UPDATE of the row sets it to the time.
    pub(crate) is_set_by_update: bool,
    /// PostgreSQL: whether its domain makes it NOT NULL, which no change of the column alters.
    pub(crate) is_not_null_by_type: bool,
    /// MySQL and MariaDB, where MODIFY COLUMN states the whole column: the text after NULL or NOT
    /// NULL; `None` if the catalogs do not have everything.
    pub(crate) stated: Option<String>,
}

/// What fills a column of a new row for which no value is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filled {
    /// NULL, or nothing.
    Not,
    ByDefault,
    /// MySQL and MariaDB: `AUTO_INCREMENT`.
    ByNumber,
    /// It is a generated column.
    ByExpression,
}

#[derive(Debug, Clone)]
pub(crate) struct LiveIndex {
    pub(crate) name: String,
    /// Its columns in order; `None` for an expression or a prefix of a column.
    pub(crate) columns: Vec<Option<String>>,
    pub(crate) is_unique: bool,
    /// Whether it has only rows that match a condition, such as that a column is not NULL.
    pub(crate) is_partial: bool,
    pub(crate) defect: Option<IndexDefect>,
    /// Whether it is unique at least at the end of the transaction, and whether two NULLs are equal
    /// then.
    pub(crate) unique_in_the_end: Option<Nulls>,
    /// SQLite and PostgreSQL: the collation of each of its columns, as SQL.
    pub(crate) collations: Vec<Option<String>>,
}

/// How a unique index compares NULLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    Differ,
    /// PostgreSQL: `NULLS NOT DISTINCT`.
    Equal,
}

/// Why an index does not find every row with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexDefect {
    /// It is partial.
    Partial,
    /// Its creation failed, and it is not used.
    Invalid,
    /// It is switched off.
    Ignored,
    /// It is of a kind that does not look up values, or compares them differently than the column.
    Kind,
}

#[derive(Debug, Clone)]
pub(crate) struct LiveKey {
    pub(crate) name: String,
    pub(crate) child: QualifiedName,
    /// PostgreSQL: the tables of which the child is a part, as a partition or by inheritance.
    pub(crate) child_is_of: Vec<QualifiedName>,
    pub(crate) child_columns: Vec<String>,
    pub(crate) parent: QualifiedName,
    /// PostgreSQL: the tables of which the parent is a part, as a partition or by inheritance.
    pub(crate) parent_is_of: Vec<QualifiedName>,
    pub(crate) parent_columns: Vec<String>,
    pub(crate) on_delete: Action,
    /// PostgreSQL: whether its action changes only some of the columns.
    pub(crate) sets_some: bool,
    pub(crate) on_update: Action,
    /// Whether the rows that existed before it were checked.
    pub(crate) is_validated: bool,
    /// Whether it is enforced.
    pub(crate) is_enforced: bool,
    /// PostgreSQL: `MATCH FULL`, or empty.
    pub(crate) matching: &'static str,
    /// The clause after it, such as `DEFERRABLE INITIALLY DEFERRED`; empty if there is none.
    pub(crate) deferrable: &'static str,
}

impl Live {
    /// Returns the table with a declared name.
    pub(crate) fn find(&self, name: &TableName) -> Option<&LiveTable> {
        let TableName(schema, table) = name;
        let table = table.to_string();
        let is_meant = |live: &&LiveTable| {
            let in_schema = match schema {
                Some(SchemaName(_, schema)) => self.same_name(&live.place.schema, &schema.to_string()),
                None => live.is_visible,
            };
            in_schema && self.same_name(&live.place.table, &table)
        };
        self.tables.iter().find(is_meant)
    }

    /// Returns the qualified name for a declared name, whether or not the table exists.
    pub(crate) fn place(&self, name: &TableName) -> QualifiedName {
        if let Some(live) = self.find(name) {
            return live.place.clone();
        }
        let TableName(schema, table) = name;
        let schema = schema.as_ref().map(|SchemaName(_, schema)| schema.to_string());
        QualifiedName { schema: schema.unwrap_or_else(|| self.current_schema.clone()), table: table.to_string() }
    }

    pub(crate) fn same_place(&self, one: &QualifiedName, other: &QualifiedName) -> bool {
        self.same_name(&one.schema, &other.schema) && self.same_name(&one.table, &other.table)
    }

    /// Compares the names of tables or schemas.
    fn same_name(&self, one: &str, other: &str) -> bool {
        if self.folds_tables { one.to_lowercase() == other.to_lowercase() } else { one == other }
    }

    /// Only PostgreSQL compares quoted column names exactly.
    pub(crate) fn same_column(&self, one: &str, other: &str) -> bool {
        match self.dialect {
            Dialect::Postgres => one == other,
            Dialect::Sqlite | Dialect::MySql => one.to_lowercase() == other.to_lowercase(),
        }
    }

    /// Whether both are the same columns, in any order.
    pub(crate) fn same_columns(&self, some: &[String], others: &[String]) -> bool {
        some.len() == others.len() && self.are_among(some, others)
    }

    pub(crate) fn are_among(&self, some: &[String], others: &[String]) -> bool {
        some.iter().all(|one| others.iter().any(|other| self.same_column(one, other)))
    }
}

impl LiveColumn {
    pub(crate) fn is_generated(&self) -> bool {
        self.filled == Filled::ByExpression
    }
}

impl LiveTable {
    pub(crate) fn column(&self, live: &Live, name: &str) -> Option<&LiveColumn> {
        self.columns.iter().find(|column| live.same_column(&column.name, name))
    }
}

impl LiveIndex {
    /// Whether it finds rows by the values of exactly these columns.
    pub(crate) fn finds(&self, live: &Live, columns: &[String]) -> bool {
        self.defect.is_none() && self.leads_with(live, columns)
    }

    /// Whether these columns, in any order, are its first.
    pub(crate) fn leads_with(&self, live: &Live, columns: &[String]) -> bool {
        let first: Vec<String> = self.columns.iter().map_while(Clone::clone).take(columns.len()).collect();
        live.same_columns(&first, columns)
    }

    /// Whether it prevents two rows with the same values in these columns.
    pub(crate) fn tells_apart(&self, live: &Live, columns: &[String]) -> bool {
        let own: Vec<String> = self.columns.iter().map_while(Clone::clone).collect();
        let is_whole = own.len() == self.columns.len();
        // An index that is not used to look up rows is still unique.
        let is_sound = matches!(self.defect, None | Some(IndexDefect::Ignored));
        self.is_unique && is_sound && is_whole && live.are_among(&own, columns)
    }

    /// Whether it allows a constraint to reference these columns.
    pub(crate) fn can_be_referenced(&self, live: &Live, columns: &[String]) -> bool {
        self.tells_apart(live, columns) && self.columns.len() == columns.len() && !self.is_partial
    }
}
