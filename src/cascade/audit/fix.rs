//! Writes the SQL that changes a schema to the declared one, for each database.
//!
//! Pure. PostgreSQL, MySQL and MariaDB can alter a table. SQLite cannot, and creates it again
//! (`rebuild`).

use std::cell::RefCell;
use std::collections::BTreeSet;

use sea_orm::DbBackend;
use sea_orm::sea_query::extension::postgres::TypeCreateStatement;
use sea_orm::sea_query::{ColumnDef, ColumnSpec, Table as TableStatement, TableCreateStatement};

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::finding::Fix;
use crate::cascade::declare::declaration::TableDdl;
use crate::cascade::declare::schema::{Constraint, ForeignKey, Schema, Table};
use crate::cascade::live::data::{IndexDefect, Live, LiveColumn, LiveIndex, LiveKey, TableKind};
use crate::cascade::live::rebuild::{Definition, Edit, rebuild};
use crate::cascade::live::types;
use crate::cascade::live::types::LiveType;
use crate::cascade::sql::record::quoted;

/// Names have at most 63 bytes on PostgreSQL and 64 on MySQL and MariaDB.
const NAME_BYTES_MAX: usize = 63;

/// The largest size of an index entry in InnoDB.
const INDEX_BYTES_MAX: u32 = 3072;

/// The fix of one finding.
#[derive(Debug, Clone)]
pub(crate) enum PlannedFix {
    Statements(Vec<String>),
    /// Statements that change rows.
    Rows(Vec<String>),
    /// SQLite: changes of a table's definition. One script makes all changes of a table.
    Rebuild(Vec<Edit>),
    /// The same if the table is created again anyway; otherwise the statement.
    RebuildOr(Edit, String),
    /// A CREATE INDEX, which becomes part of the script if the table is created again.
    Index(String),
    Declaration(String),
    ByHand(String),
}

/// The reason why there is no script.
const NOT_MADE_ANEW: &str = "make the table anew as declared: its text in `sqlite_schema` is not understood, it is in \
     another schema than main, or a temporary table hides it";

impl PlannedFix {
    /// Returns the public fix. `anew` returns the script that creates the table again, if that is
    /// needed.
    pub(crate) fn fix(&self, anew: impl FnOnce() -> Option<String>) -> Fix {
        match self {
            Self::Statements(statements) => Fix::Schema { statements: statements.clone() },
            Self::Rows(statements) => Fix::Rows { statements: statements.clone() },
            Self::Declaration(text) => Fix::Declaration { text: text.clone() },
            Self::ByHand(text) => Fix::ByHand { text: text.clone() },
            // Separate and first: if rows prevent the index, nothing else has been started.
            Self::Index(statement) => Fix::Schema { statements: vec![statement.clone()] },
            Self::RebuildOr(_, statement) => {
                Fix::Schema { statements: vec![anew().unwrap_or_else(|| statement.clone())] }
            }
            Self::Rebuild(_) => match anew() {
                Some(script) => Fix::Schema { statements: vec![script] },
                None => Fix::ByHand { text: NOT_MADE_ANEW.to_owned() },
            },
        }
    }
}

/// Returns the script that creates a table again with all changes, each change once.
pub(crate) fn script(definition: &Definition, fixes: &[&PlannedFix]) -> Option<String> {
    let (mut table, mut edits) = (definition.clone(), Vec::<Edit>::new());
    for fix in fixes {
        let more = match fix {
            PlannedFix::Rebuild(more) => more.as_slice(),
            PlannedFix::RebuildOr(edit, _) => std::slice::from_ref(edit),
            PlannedFix::Index(statement) => {
                table.more.push(statement.clone());
                &[]
            }
            PlannedFix::Statements(_) | PlannedFix::Rows(_) | PlannedFix::Declaration(_) | PlannedFix::ByHand(_) => &[],
        };
        for edit in more {
            if !edits.contains(edit) {
                edits.push(edit.clone());
            }
        }
    }
    rebuild(&table, &edits)
}

/// Writes the fixes for one schema.
#[derive(Debug)]
pub(crate) struct Sql<'a> {
    schema: &'a Schema,
    live: &'a Live,
    /// The names of indexes and constraints that fixes have used.
    given: RefCell<BTreeSet<String>>,
}

impl<'a> Sql<'a> {
    pub(crate) fn new(schema: &'a Schema, live: &'a Live) -> Self {
        Self { schema, live, given: RefCell::default() }
    }

    fn dialect(&self) -> Dialect {
        self.live.dialect
    }

    fn quoted(&self, name: &str) -> String {
        self.dialect().quoted(name)
    }

    fn list(&self, columns: &[String]) -> String {
        columns.iter().map(|column| self.quoted(column)).collect::<Vec<_>>().join(", ")
    }

    /// Returns a registered table as statements name it.
    fn named(&self, table: &Table) -> String {
        quoted(self.dialect(), &table.name)
    }

    fn child(&self, key: &ForeignKey) -> &'a Table {
        &self.schema.tables[key.child]
    }

    pub(crate) fn enforcement(&self) -> PlannedFix {
        let statement = match self.dialect() {
            Dialect::Sqlite => "PRAGMA foreign_keys = ON",
            Dialect::Postgres => "SET session_replication_role = origin",
            Dialect::MySql => "SET SESSION foreign_key_checks = 1",
        };
        PlannedFix::Statements(vec![statement.to_owned()])
    }

    /// Creates the table as SeaORM would, without the constraints that can be added later, because
    /// its parents may be missing too.
    pub(crate) fn table(&self, table: &Table) -> PlannedFix {
        let backend = self.dialect().backend();
        let Some(ddl) = table.ddl else {
            return PlannedFix::ByHand(format!("create the table {} by hand", table.label));
        };
        let TableDdl { types, table: create, indexes } = ddl(backend);
        let has_type = |column: &ColumnDef| column.get_column_type().is_none_or(|ty| types::has(self.dialect(), ty));
        if !create.get_columns().iter().all(has_type) {
            return PlannedFix::ByHand(format!("make {}, which has a column of a type that is not there", table.label));
        }
        let create = if backend == DbBackend::Sqlite { create } else { without_keys(&create) };
        let mut statements = self.types(&types);
        statements.push(backend.build(&create).to_string());
        for index in &indexes {
            let columns = index.get_index_spec().get_column_names();
            statements.push(self.create_index(index.is_unique_key(), table, &columns));
        }
        PlannedFix::Statements(statements)
    }

    /// PostgreSQL: creates the enums, unless they exist.
    fn types(&self, types: &[TypeCreateStatement]) -> Vec<String> {
        let backend = self.dialect().backend();
        let made = |sql: String| format!("DO $$ BEGIN {sql}; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
        types.iter().map(|ty| made(backend.build(ty).to_string())).collect()
    }

    /// Adds the column as SeaORM would create it, if the existing rows allow it.
    pub(crate) fn column(&self, table: &Table, column: &str) -> PlannedFix {
        let backend = self.dialect().backend();
        let Some(ddl) = table.ddl else {
            return PlannedFix::ByHand(format!("add the column {column} to {} by hand", table.label));
        };
        let TableDdl { types, table: create, indexes: _ } = ddl(backend);
        let made = create.get_columns().iter().find(|made| made.get_column_name() == column);
        let needs_value = |spec: &ColumnSpec| spec.nullable == Some(false) && spec.default.is_none();
        let has_type = |made: &ColumnDef| made.get_column_type().is_none_or(|ty| types::has(self.dialect(), ty));
        let can_be = |made: &&ColumnDef| !needs_value(made.get_column_spec()) && has_type(made);
        let Some(made) = made.filter(can_be) else {
            return PlannedFix::ByHand(format!("add {column}, and say what it is in the rows that are there"));
        };
        let mut alter = TableStatement::alter();
        alter.table(table.name.clone()).add_column(made.clone());
        let statement = backend.build(&alter).to_string();
        match (self.dialect(), statement.split_once(" ADD COLUMN ")) {
            // SQLite cannot add a unique column.
            (Dialect::Sqlite, Some((_, definition))) if made.get_column_spec().unique => {
                PlannedFix::Rebuild(vec![Edit::AddColumn(definition.to_owned())])
            }
            (Dialect::Sqlite, Some((_, definition))) => {
                PlannedFix::RebuildOr(Edit::AddColumn(definition.to_owned()), statement)
            }
            _ => PlannedFix::Statements(self.types(&types).into_iter().chain([statement]).collect()),
        }
    }

    pub(crate) fn nullability(&self, table: &Table, column: &LiveColumn, nullable: bool) -> PlannedFix {
        let (name, of) = (self.quoted(&column.name), self.named(table));
        let statement = match self.dialect() {
            Dialect::Sqlite => {
                return PlannedFix::Rebuild(vec![Edit::SetNullable { column: column.name.clone(), nullable }]);
            }
            Dialect::Postgres if nullable && column.is_not_null_by_type => {
                return PlannedFix::ByHand(format!(
                    "let {name} have a domain that can be NULL, or the domain: no change of the column alters that"
                ));
            }
            Dialect::Postgres => {
                let verb = if nullable { "DROP" } else { "SET" };
                format!("ALTER TABLE {of} ALTER COLUMN {name} {verb} NOT NULL")
            }
            Dialect::MySql => {
                let unchanged = column.ty.as_ref().and_then(|ty| self.modified(table, column, ty, nullable));
                let Some(statement) = unchanged else { return PlannedFix::ByHand(not_all_is_told(&name)) };
                statement
            }
        };
        PlannedFix::Statements(vec![statement])
    }

    /// MySQL and MariaDB: states the column with this type and everything else unchanged; `None` if
    /// the catalogs do not have everything.
    pub(crate) fn modified(&self, table: &Table, column: &LiveColumn, ty: &LiveType, nullable: bool) -> Option<String> {
        let after = column.stated.as_ref()?;
        let collation = ty.collation.as_ref();
        let collation = collation.map(|it| format!(" CHARACTER SET {} COLLATE {}", it.charset, it.name));
        let (of, name, null) =
            (self.named(table), self.quoted(&column.name), if nullable { "NULL" } else { "NOT NULL" });
        let ty = format!("{}{}", ty.name, collation.unwrap_or_default());
        Some(format!("ALTER TABLE {of} MODIFY COLUMN {name} {ty} {null} {after}").trim_end().to_owned())
    }

    /// MySQL and MariaDB: moves the table to InnoDB.
    pub(crate) fn engine(&self, table: &Table) -> String {
        format!("ALTER TABLE {} ENGINE = InnoDB", self.named(table))
    }

    pub(crate) fn unique_index(&self, table: &Table, columns: &[String]) -> PlannedFix {
        if self.kind(table) == TableKind::Partitioned {
            return PlannedFix::ByHand(format!(
                "reference columns that have a unique index, or take the partitions of {} away: a unique index there must \
                 have all the columns by which it is partitioned",
                table.label
            ));
        }
        self.new_index(true, table, columns)
    }

    /// MySQL and MariaDB: whether the columns are too long for an index of InnoDB.
    pub(crate) fn is_too_long(&self, table: &Table, columns: &[String]) -> bool {
        let live = self.live.find(&table.name);
        let bytes = |column: &String| {
            let column = live.and_then(|live| live.column(self.live, column));
            column.and_then(|column| column.ty.as_ref()).map_or(0, LiveType::bytes_max)
        };
        self.dialect() == Dialect::MySql && columns.iter().map(bytes).sum::<u32>() > INDEX_BYTES_MAX
    }

    /// MySQL and MariaDB cannot index the whole of a text or bytes without a length.
    fn new_index(&self, is_unique: bool, table: &Table, columns: &[String]) -> PlannedFix {
        if self.is_too_long(table, columns) {
            return PlannedFix::ByHand(format!(
                "make {}.({}) shorter: an index of InnoDB has at most {INDEX_BYTES_MAX} bytes",
                table.label,
                columns.join(", ")
            ));
        }
        let is_endless = |column: &&String| {
            let ty = self.live.find(&table.name)?.column(self.live, column)?.ty.as_ref()?;
            Some(ty.is_endless())
        };
        match columns.iter().find(|column| self.dialect() == Dialect::MySql && is_endless(column) == Some(true)) {
            Some(column) => PlannedFix::ByHand(format!(
                "give {}.{column} a type with a length, such as VARCHAR, and then an index: of a TEXT or BLOB only the \
                 beginning can be indexed",
                table.label
            )),
            None => PlannedFix::Index(self.create_index(is_unique, table, columns)),
        }
    }

    /// Makes an index begin with these columns: it switches one on, finishes one, or creates one.
    pub(crate) fn index(&self, table: &Table, columns: &[String], unusable: &[&LiveIndex]) -> PlannedFix {
        let has = |defect: IndexDefect| {
            unusable.iter().find(|index| index.defect == Some(defect)).map(|index| self.quoted(&index.name))
        };
        let statement = match (self.dialect(), has(IndexDefect::Invalid), has(IndexDefect::Ignored)) {
            // REINDEX does not finish the index of a partitioned table.
            (Dialect::Postgres, Some(name), _) if self.kind(table) == TableKind::Plain => {
                let schema = self.live.place(&table.name).schema;
                format!("REINDEX INDEX {}.{name}", self.quoted(&schema))
            }
            (Dialect::MySql, _, Some(name)) => {
                let used = if self.live.server.contains("MariaDB") { "NOT IGNORED" } else { "VISIBLE" };
                format!("ALTER TABLE {} ALTER INDEX {name} {used}", self.named(table))
            }
            _ => return self.new_index(false, table, columns),
        };
        PlannedFix::Statements(vec![statement])
    }

    fn kind(&self, table: &Table) -> TableKind {
        self.live.find(&table.name).map_or(TableKind::Plain, |table| table.kind)
    }

    fn create_index(&self, is_unique: bool, table: &Table, columns: &[String]) -> String {
        let taken = self.live.tables.iter().flat_map(|table| &table.indexes).map(|index| index.name.clone());
        let name = self.free_name(&format!("idx-{}-{}", table.name.1, columns.join("-")), &taken.collect());
        let (name, list) = (self.quoted(&name), self.list(columns));
        let unique = if is_unique { "UNIQUE " } else { "" };
        match self.dialect() {
            // On SQLite the index name has the schema, and the table name has none. A script for
            // the table may have created the index already.
            Dialect::Sqlite => {
                let schema = table.name.0.as_ref().map(|schema| format!("{}.", self.quoted(&schema.1.to_string())));
                let table = self.quoted(&table.name.1.to_string());
                let schema = schema.unwrap_or_default();
                format!("CREATE {unique}INDEX IF NOT EXISTS {schema}{name} ON {table} ({list})")
            }
            Dialect::Postgres | Dialect::MySql => {
                format!("CREATE {unique}INDEX {name} ON {} ({list})", self.named(table))
            }
        }
    }

    /// Returns an unused name.
    fn free_name(&self, scope: &str, taken: &BTreeSet<String>) -> String {
        let mut given = self.given.borrow_mut();
        let is_free = |name: &String| {
            name.len() <= NAME_BYTES_MAX
                && !given.contains(name)
                && !taken.iter().any(|other| other.eq_ignore_ascii_case(name))
        };
        let mut len = 0;
        let fits = |char: &char| {
            len += char.len_utf8();
            len <= NAME_BYTES_MAX - 7
        };
        let short: String = scope.chars().take_while(fits).collect();
        let mut names = std::iter::once(scope.to_owned()).chain((2_u32..).map(|n| format!("{short}-{n}")));
        let name = names.find(is_free).unwrap_or_else(|| scope.to_owned());
        given.insert(name.clone());
        name
    }

    /// Returns a name for a constraint of this table. It must be unique in the database for InnoDB,
    /// and in the table for PostgreSQL.
    fn free_constraint_name(&self, key: &ForeignKey, scope: &str) -> String {
        let child = self.live.place(&self.child(key).name);
        let is_near = |live: &&LiveKey| match self.dialect() {
            Dialect::MySql => live.child.schema == child.schema,
            Dialect::Postgres | Dialect::Sqlite => live.child == child,
        };
        let taken = self.live.keys.iter().filter(is_near).map(|live| live.name.clone());
        self.free_name(scope, &taken.collect())
    }

    /// Deletes or changes the orphans by the declared rule, if there is a rule for them.
    pub(crate) fn orphans(&self, key: &ForeignKey) -> PlannedFix {
        let (tables, condition) = self.orphaned(key);
        let is_joined = self.dialect() == Dialect::MySql;
        let set = |value: &str| {
            let own = if is_joined { "c." } else { "" };
            let columns = self.child(key).names(&key.child_columns);
            let set: Vec<String> =
                columns.iter().map(|column| format!("{own}{} = {value}", self.quoted(column))).collect();
            format!("UPDATE {tables} SET {} WHERE {condition}", set.join(", "))
        };
        let statement = match key.action {
            Action::Cascade => {
                format!("DELETE {}FROM {tables} WHERE {condition}", if is_joined { "c " } else { "" })
            }
            Action::SetNull => set("NULL"),
            Action::SetDefault if self.dialect() == Dialect::Sqlite => {
                return PlannedFix::ByHand(
                    "let `Graph::repair` do it: an UPDATE has no word for a default there".to_owned(),
                );
            }
            Action::SetDefault => set("DEFAULT"),
            Action::NoAction | Action::Restrict => {
                return PlannedFix::ByHand(format!(
                    "decide what becomes of them: {} does not say; `Graph::repair` with `or_delete` or `or_set_null` does it",
                    key.action
                ));
            }
        };
        PlannedFix::Rows(vec![statement])
    }

    /// Returns the tables and the condition with which a statement finds the orphans. On MySQL and
    /// MariaDB it is a join, because a sub-select cannot read the table that the statement changes.
    fn orphaned(&self, key: &ForeignKey) -> (String, String) {
        let (child, parent) = (self.child(key), &self.schema.tables[key.parent]);
        let (of, to) = (self.named(child), self.named(parent));
        // An alias that no table has: a column name of the child must not resolve to the parent.
        let (own, other) = (if self.dialect() == Dialect::MySql { "c" } else { &of }, "__cascade_parent");
        let (columns, referred) = (child.names(&key.child_columns), parent.names(&key.parent_columns));
        let stated = columns.iter().map(|column| format!("{own}.{} IS NOT NULL", self.quoted(column)));
        let stated = stated.collect::<Vec<_>>().join(" AND ");
        let on = columns.iter().zip(&referred);
        let on = on.map(|(from, to)| format!("{other}.{} = {own}.{}", self.quoted(to), self.quoted(from)));
        let on = on.collect::<Vec<_>>().join(" AND ");
        match (self.dialect(), referred.first()) {
            (Dialect::MySql, Some(first)) => (
                format!("{of} AS c LEFT JOIN {to} AS {other} ON {on}"),
                format!("{stated} AND {other}.{} IS NULL", self.quoted(first)),
            ),
            _ => (of.clone(), format!("{stated} AND NOT EXISTS (SELECT 1 FROM {to} AS {other} WHERE {on})")),
        }
    }

    pub(crate) fn add_constraint(&self, key: &ForeignKey, constraint: &Constraint) -> PlannedFix {
        let action = constrained(self.dialect(), key.action);
        let name = self.free_constraint_name(key, &constraint.name);
        let definition = self.constraint(key, &name, action, constraint.on_update, ["", ""]);
        let child = self.named(self.child(key));
        match self.dialect() {
            Dialect::Sqlite => PlannedFix::Rebuild(vec![Edit::AddForeignKey(definition)]),
            Dialect::Postgres => self.added("ADD", key, &name, &definition),
            Dialect::MySql => PlannedFix::Statements(vec![format!("ALTER TABLE {child} ADD {definition}")]),
        }
    }

    /// PostgreSQL: the rows are checked in a second step, during which others can write; not for a
    /// partitioned table.
    fn added(&self, verb: &str, key: &ForeignKey, name: &str, definition: &str) -> PlannedFix {
        let (child, name) = (self.named(self.child(key)), self.quoted(name));
        let add = format!("ALTER TABLE {child} {verb} {definition}");
        if self.kind(self.child(key)) == TableKind::Partitioned {
            return PlannedFix::Statements(vec![add]);
        }
        PlannedFix::Statements(vec![
            format!("{add} NOT VALID"),
            format!("ALTER TABLE {child} VALIDATE CONSTRAINT {name}"),
        ])
    }

    /// Replaces the existing constraint by one with this action.
    pub(crate) fn replace_constraint(&self, key: &ForeignKey, live: &LiveKey, action: Action) -> PlannedFix {
        let action = constrained(self.dialect(), action);
        let scope = match &key.constraint {
            Some(constraint) if live.name.is_empty() => &constraint.name,
            _ => &live.name,
        };
        // InnoDB cannot drop and add the same name in one statement, and with two there would be no
        // constraint in between.
        let name = match self.dialect() {
            Dialect::MySql => self.free_constraint_name(key, scope),
            Dialect::Postgres | Dialect::Sqlite => scope.clone(),
        };
        let definition = self.constraint(key, &name, action, live.on_update, [live.matching, live.deferrable]);
        let (child, old) = (self.named(self.child(key)), self.quoted(&live.name));
        match self.dialect() {
            Dialect::Sqlite => PlannedFix::Rebuild(vec![Edit::ReplaceForeignKey {
                columns: live.child_columns.clone(),
                parent: live.parent.table.clone(),
                with: definition,
            }]),
            Dialect::Postgres => self.added(&format!("DROP CONSTRAINT {old}, ADD"), key, &name, &definition),
            Dialect::MySql => {
                PlannedFix::Statements(vec![format!("ALTER TABLE {child} DROP FOREIGN KEY {old}, ADD {definition}")])
            }
        }
    }

    /// Drops a constraint, if another one is right.
    pub(crate) fn drop_constraint(&self, key: &ForeignKey, live: &LiveKey) -> PlannedFix {
        let (child, name) = (self.named(self.child(key)), self.quoted(&live.name));
        match self.dialect() {
            // SQLite's script drops all constraints of the key, and creates the right one again.
            Dialect::Sqlite => self.replace_constraint(key, live, key.action),
            Dialect::Postgres => PlannedFix::Statements(vec![format!("ALTER TABLE {child} DROP CONSTRAINT {name}")]),
            Dialect::MySql => PlannedFix::Statements(vec![format!("ALTER TABLE {child} DROP FOREIGN KEY {name}")]),
        }
    }

    pub(crate) fn validate(&self, key: &ForeignKey, live: &LiveKey) -> PlannedFix {
        let (child, name) = (self.named(self.child(key)), self.quoted(&live.name));
        PlannedFix::Statements(vec![format!("ALTER TABLE {child} VALIDATE CONSTRAINT {name}")])
    }

    /// Writes a constraint with its MATCH and DEFERRABLE clauses.
    fn constraint(
        &self,
        key: &ForeignKey,
        name: &str,
        action: Action,
        on_update: Action,
        [matching, deferrable]: [&str; 2],
    ) -> String {
        let (child, parent) = (self.child(key), &self.schema.tables[key.parent]);
        let to = match self.dialect() {
            // On SQLite a reference stays in its schema and has no schema name.
            Dialect::Sqlite => self.quoted(&parent.name.1.to_string()),
            Dialect::Postgres | Dialect::MySql => self.named(parent),
        };
        let (from, referred) = (child.names(&key.child_columns), parent.names(&key.parent_columns));
        let mut words = vec![format!(
            "{}FOREIGN KEY ({}) REFERENCES {to} ({})",
            if name.is_empty() { String::new() } else { format!("CONSTRAINT {} ", self.quoted(name)) },
            self.list(&from),
            self.list(&referred),
        )];
        words.extend((!matching.is_empty()).then(|| matching.to_owned()));
        words.push(format!("ON DELETE {action}"));
        words.extend((on_update != Action::NoAction).then(|| format!("ON UPDATE {on_update}")));
        words.extend((!deferrable.is_empty()).then(|| deferrable.to_owned()));
        words.join(" ")
    }
}

/// The reason why there is no MODIFY COLUMN.
pub(crate) fn not_all_is_told(column: &str) -> String {
    format!(
        "change {column} with MODIFY COLUMN, and state all else that SHOW CREATE TABLE says of it: the catalogs do not say \
         all, such as a check, how it is computed, or a default with bytes that they cannot show, \
         or the table keeps its history"
    )
}

/// Returns the action of a constraint for a declared action: InnoDB has no SET DEFAULT.
pub(crate) fn constrained(dialect: Dialect, action: Action) -> Action {
    if dialect == Dialect::MySql && action == Action::SetDefault { Action::NoAction } else { action }
}

fn without_keys(create: &TableCreateStatement) -> TableCreateStatement {
    let mut table = TableStatement::create();
    if let Some(name) = create.get_table_name() {
        table.table(name.clone());
    }
    for column in create.get_columns() {
        table.col(column.clone());
    }
    for index in create.get_indexes() {
        table.index(&mut index.clone());
    }
    if let Some(comment) = create.get_comment() {
        table.comment(comment);
    }
    table
}
