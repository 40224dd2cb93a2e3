//! The SQL that makes a schema what is declared, for each database.
//!
//! Pure. PostgreSQL, MySQL and MariaDB alter a table; SQLite cannot, and makes it anew (`rebuild`).

use sea_orm::DbBackend;
use sea_orm::sea_query::{Table as TableStatement, TableCreateStatement};

use super::live::{Flaw, Live, LiveColumn, LiveIndex, LiveKey};
use super::rebuild::Edit;
use crate::cascade::declaration::MadeBy;
use crate::cascade::dialect::Dialect;
use crate::cascade::graph::{Action, Constraint, ForeignKey, Schema, Table};

/// What mends one finding.
#[derive(Debug, Clone)]
pub(crate) enum Cure {
    Statements(Vec<String>),
    /// SQLite: changes of a table's definition, to be made together with all others of that table.
    Rebuild(Vec<Edit>),
    /// The same if the table is made anew anyway, else the statement.
    RebuildOr(Edit, String),
    /// A statement that is part of that as well, because an index goes with its table.
    Index(String),
    Declaration(String),
    ByHand(String),
}

/// Writes for one schema as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) live: &'a Live,
}

impl<'a> Sql<'a> {
    fn dialect(&self) -> Dialect {
        self.live.dialect
    }

    fn quoted(&self, name: &str) -> String {
        self.dialect().quoted(name)
    }

    fn list(&self, columns: &[String]) -> String {
        columns.iter().map(|column| self.quoted(column)).collect::<Vec<_>>().join(", ")
    }

    /// A registered table as statements name it.
    fn named(&self, table: &Table) -> String {
        let sea_orm::sea_query::TableName(schema, name) = &table.name;
        let name = self.quoted(&name.to_string());
        match schema {
            Some(schema) => format!("{}.{name}", self.quoted(&schema.1.to_string())),
            None => name,
        }
    }

    fn child(&self, key: &ForeignKey) -> &'a Table {
        &self.schema.tables[key.child]
    }

    pub(crate) fn enforcement(&self) -> Cure {
        let statement = match self.dialect() {
            Dialect::Sqlite => "PRAGMA foreign_keys = ON",
            Dialect::Postgres => "SET session_replication_role = origin",
            Dialect::MySql => "SET SESSION foreign_key_checks = 1",
        };
        Cure::Statements(vec![statement.to_owned()])
    }

    /// The table as SeaORM would make it, without its constraints where they can be added later: its parents may be missing
    /// too.
    pub(crate) fn table(&self, table: &Table) -> Cure {
        let backend = self.dialect().backend();
        let MadeBy { types, table: create, indexes } = (table.made_by)(backend);
        let made = |sql: String| format!("DO $$ BEGIN {sql}; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
        let mut statements: Vec<String> = types.iter().map(|ty| made(backend.build(ty).to_string())).collect();
        let create = if backend == DbBackend::Sqlite { create } else { without_keys(&create) };
        statements.push(backend.build(&create).to_string());
        statements.extend(indexes.iter().map(|index| backend.build(index).to_string()));
        Cure::Statements(statements)
    }

    /// The column as SeaORM would make it.
    pub(crate) fn column(&self, table: &Table, column: &str) -> Cure {
        let backend = self.dialect().backend();
        let create = (table.made_by)(backend).table;
        let Some(column) = create.get_columns().iter().find(|made| made.get_column_name() == column) else {
            return Cure::ByHand(format!("add the column {column}"));
        };
        let mut alter = TableStatement::alter();
        alter.table(table.name.clone()).add_column(column.clone());
        let statement = backend.build(&alter).to_string();
        match (self.dialect(), statement.split_once(" ADD COLUMN ")) {
            (Dialect::Sqlite, Some((_, definition))) => {
                let edit = Edit::AddColumn(definition.to_owned());
                Cure::RebuildOr(edit, statement)
            }
            _ => Cure::Statements(vec![statement]),
        }
    }

    pub(crate) fn nullability(&self, table: &Table, column: &LiveColumn, nullable: bool) -> Cure {
        let (name, of) = (self.quoted(&column.name), self.named(table));
        let statement = match self.dialect() {
            Dialect::Sqlite => {
                return Cure::Rebuild(vec![Edit::SetNullable { column: column.name.clone(), nullable }]);
            }
            Dialect::Postgres => {
                let verb = if nullable { "DROP" } else { "SET" };
                format!("ALTER TABLE {of} ALTER COLUMN {name} {verb} NOT NULL")
            }
            Dialect::MySql => {
                let ((before, after), null) = (&column.stated, if nullable { "NULL" } else { "NOT NULL" });
                format!("ALTER TABLE {of} MODIFY COLUMN {name} {before} {null} {after}").trim_end().to_owned()
            }
        };
        Cure::Statements(vec![statement])
    }

    pub(crate) fn unique_index(&self, table: &Table, columns: &[String]) -> Cure {
        Cure::Index(self.create_index("UNIQUE INDEX", table, columns))
    }

    /// An index that leads with these columns: one that is switched off or was not finished, or a new one.
    pub(crate) fn index(&self, table: &Table, columns: &[String], unusable: &[&LiveIndex]) -> Cure {
        let mendable = unusable.iter().find(|index| matches!(index.flaw, Some(Flaw::Invalid | Flaw::Ignored)));
        let statement = match mendable.map(|index| (index, self.quoted(&index.name), self.dialect())) {
            Some((_, name, Dialect::Postgres)) => {
                let schema = self.live.place(&table.name).schema;
                format!("REINDEX INDEX {}.{name}", self.quoted(&schema))
            }
            Some((_, name, Dialect::MySql)) => {
                let used = if self.live.server.contains("MariaDB") { "NOT IGNORED" } else { "VISIBLE" };
                format!("ALTER TABLE {} ALTER INDEX {name} {used}", self.named(table))
            }
            Some((_, _, Dialect::Sqlite)) | None => return Cure::Index(self.create_index("INDEX", table, columns)),
        };
        Cure::Statements(vec![statement])
    }

    fn create_index(&self, what: &str, table: &Table, columns: &[String]) -> String {
        let base = format!("idx-{}-{}", table.name.1, columns.join("-"));
        // Names have at most 63 bytes on PostgreSQL and 64 on MySQL and MariaDB.
        let base: String = base
            .chars()
            .scan(0, |len, char| {
                *len += char.len_utf8();
                (*len <= 56).then_some(char)
            })
            .collect();
        let is_taken = |name: &String| {
            let mut indexes = self.live.tables.iter().flat_map(|table| &table.indexes);
            indexes.any(|index| index.name.eq_ignore_ascii_case(name))
        };
        let mut names = std::iter::once(base.clone()).chain((2_u32..).map(|n| format!("{base}-{n}")));
        let name = names.find(|name| !is_taken(name)).unwrap_or(base);
        format!("CREATE {what} {} ON {} ({})", self.quoted(&name), self.named(table), self.list(columns))
    }

    /// Deletes or changes the orphans by the declared rule, if that says what becomes of them.
    pub(crate) fn orphans(&self, key: &ForeignKey) -> Cure {
        let (child, parent) = (self.child(key), &self.schema.tables[key.parent]);
        let (of, to) = (self.named(child), self.named(parent));
        let columns = child.names(&key.child_columns);
        let pairs: Vec<(String, String)> = columns.iter().cloned().zip(parent.names(&key.parent_columns)).collect();
        let on = |own: &str, other: &str| {
            let equal =
                pairs.iter().map(|(from, to)| format!("{other}.{} = {own}.{}", self.quoted(to), self.quoted(from)));
            equal.collect::<Vec<_>>().join(" AND ")
        };
        let stated = |own: &str| {
            let stated = columns.iter().map(|column| format!("{own}.{} IS NOT NULL", self.quoted(column)));
            stated.collect::<Vec<_>>().join(" AND ")
        };
        let value = match key.action {
            Action::SetDefault => "DEFAULT",
            _ => "NULL",
        };
        let set = |own: &str| {
            let set = columns.iter().map(|column| format!("{own}{} = {value}", self.quoted(column)));
            set.collect::<Vec<_>>().join(", ")
        };
        let missing = self.quoted(&pairs.first().map(|(_, to)| to.clone()).unwrap_or_default());
        let statement = match (key.action, self.dialect()) {
            (Action::NoAction | Action::Restrict, _) | (Action::SetDefault, Dialect::Sqlite) => {
                return Cure::ByHand(format!(
                    "decide whether they go or are kept: {} says neither; `Graph::repair` with `or_delete` or `or_set_null` does it",
                    key.action
                ));
            }
            // A join, because MySQL does not look at the table that it changes in a sub-select.
            (Action::Cascade, Dialect::MySql) => format!(
                "DELETE c FROM {of} AS c LEFT JOIN {to} AS p ON {} WHERE {} AND p.{missing} IS NULL",
                on("c", "p"),
                stated("c")
            ),
            (Action::SetNull | Action::SetDefault, Dialect::MySql) => format!(
                "UPDATE {of} AS c LEFT JOIN {to} AS p ON {} SET {} WHERE {} AND p.{missing} IS NULL",
                on("c", "p"),
                set("c."),
                stated("c")
            ),
            (Action::Cascade, Dialect::Postgres | Dialect::Sqlite) => format!(
                "DELETE FROM {of} WHERE {} AND NOT EXISTS (SELECT 1 FROM {to} AS p WHERE {})",
                stated(&of),
                on(&of, "p")
            ),
            (Action::SetNull | Action::SetDefault, Dialect::Postgres | Dialect::Sqlite) => format!(
                "UPDATE {of} SET {} WHERE {} AND NOT EXISTS (SELECT 1 FROM {to} AS p WHERE {})",
                set(""),
                stated(&of),
                on(&of, "p")
            ),
        };
        Cure::Statements(vec![statement])
    }

    pub(crate) fn add_constraint(&self, key: &ForeignKey, constraint: &Constraint) -> Cure {
        let action = constrained(self.dialect(), key.action);
        let definition = self.constraint(key, &constraint.name, action, constraint.on_update, "");
        let child = self.named(self.child(key));
        match self.dialect() {
            Dialect::Sqlite => Cure::Rebuild(vec![Edit::AddForeignKey(definition)]),
            // Checked in a second step, under which others can write.
            Dialect::Postgres => Cure::Statements(vec![
                format!("ALTER TABLE {child} ADD {definition} NOT VALID"),
                format!("ALTER TABLE {child} VALIDATE CONSTRAINT {}", self.quoted(&constraint.name)),
            ]),
            Dialect::MySql => Cure::Statements(vec![format!("ALTER TABLE {child} ADD {definition}")]),
        }
    }

    /// The constraint that is there, made anew with this action.
    pub(crate) fn replace_constraint(&self, key: &ForeignKey, live: &LiveKey, action: Action) -> Cure {
        let action = constrained(self.dialect(), action);
        let name = match &key.constraint {
            Some(constraint) if live.name.is_empty() => &constraint.name,
            _ => &live.name,
        };
        let definition = self.constraint(key, name, action, live.on_update, live.deferrable);
        let (child, name) = (self.named(self.child(key)), self.quoted(name));
        match self.dialect() {
            Dialect::Sqlite => Cure::Rebuild(vec![Edit::ReplaceForeignKey {
                columns: live.child_columns.clone(),
                parent: live.parent.table.clone(),
                with: definition,
            }]),
            Dialect::Postgres => Cure::Statements(vec![
                format!("ALTER TABLE {child} DROP CONSTRAINT {name}, ADD {definition} NOT VALID"),
                format!("ALTER TABLE {child} VALIDATE CONSTRAINT {name}"),
            ]),
            // Not in one: some versions refuse the same name.
            Dialect::MySql => Cure::Statements(vec![
                format!("ALTER TABLE {child} DROP FOREIGN KEY {name}"),
                format!("ALTER TABLE {child} ADD {definition}"),
            ]),
        }
    }

    /// Takes away a constraint beside which there is the right one.
    pub(crate) fn drop_constraint(&self, key: &ForeignKey, live: &LiveKey) -> Cure {
        let (child, name) = (self.named(self.child(key)), self.quoted(&live.name));
        match self.dialect() {
            // All that are alike go there, and the right one is made again.
            Dialect::Sqlite => self.replace_constraint(key, live, key.action),
            Dialect::Postgres => Cure::Statements(vec![format!("ALTER TABLE {child} DROP CONSTRAINT {name}")]),
            Dialect::MySql => Cure::Statements(vec![format!("ALTER TABLE {child} DROP FOREIGN KEY {name}")]),
        }
    }

    pub(crate) fn validate(&self, key: &ForeignKey, live: &LiveKey) -> Cure {
        let (child, name) = (self.named(self.child(key)), self.quoted(&live.name));
        Cure::Statements(vec![format!("ALTER TABLE {child} VALIDATE CONSTRAINT {name}")])
    }

    fn constraint(&self, key: &ForeignKey, name: &str, action: Action, on_update: Action, deferrable: &str) -> String {
        let (child, parent) = (self.child(key), &self.schema.tables[key.parent]);
        let to = match self.dialect() {
            // A reference stays within its schema there, and names none.
            Dialect::Sqlite => self.quoted(&parent.name.1.to_string()),
            Dialect::Postgres | Dialect::MySql => self.named(parent),
        };
        let mut words = vec![format!(
            "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {to} ({}) ON DELETE {action}",
            self.quoted(name),
            self.list(&child.names(&key.child_columns)),
            self.list(&parent.names(&key.parent_columns)),
        )];
        words.extend((on_update != Action::NoAction).then(|| format!("ON UPDATE {on_update}")));
        words.extend((!deferrable.is_empty()).then(|| deferrable.to_owned()));
        words.join(" ")
    }
}

/// What a constraint says for a declared action: InnoDB has no SET DEFAULT.
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
