//! The question to the catalogs of MySQL and MariaDB.
//!
//! Pure.

use sea_orm::QueryResult;
use sea_orm::sea_query::ColumnType;

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::KeyKind;
use crate::cascade::declare::schema::TableId;
use crate::cascade::plan::Component;
use crate::cascade::sql::catalog::{Compared, Question, Reached, text};

impl Question<'_> {
    // ---- MySQL and MariaDB

    /// A trigger cannot keep a row from being deleted there, but a change from being made. And it may add rows, of another
    /// table than its own, which matters where that one has been dealt with before.
    pub(super) fn mysql(&self) -> String {
        let mut facts = vec!["SELECT NULL AS fact".to_owned()];
        let reached = self.reached();
        let has_cycle = self.plan.components.iter().any(Component::is_cycle);
        let asks_triggers = reached.len() > 2 || has_cycle || self.changing().next().is_some();
        for of in reached {
            let is_written = of.is_written();
            let Reached { table, is_doomed, is_changed } = of;
            // What it adds to the tables below the last that goes.
            let asks_triggers = asks_triggers || table == self.plan.root;
            let (schema, name) = self.name(table);
            let schema = schema.map_or_else(|| "DATABASE()".to_owned(), |schema| mysql_text(&schema));
            let here = format!("table_schema = {schema} AND table_name = {}", mysql_text(&name));
            facts.extend(is_written.then(|| format!(
                "SELECT CASE WHEN table_type LIKE '%VIEW' THEN 'keeps' WHEN engine <> 'InnoDB' AND NOT EXISTS (SELECT 1 \
                 FROM information_schema.engines AS e WHERE e.engine = t.engine AND e.transactions = 'YES') \
                 THEN 'engine {table}' END FROM information_schema.tables AS t WHERE {here}"
            )));
            let events = [(is_doomed, "'DELETE'"), (is_changed, "'UPDATE'")];
            let events: Vec<&str> = events.iter().filter(|(is, _)| *is).map(|(_, event)| *event).collect();
            if asks_triggers && !events.is_empty() {
                facts.push(format!(
                    "SELECT 'keeps' FROM information_schema.triggers WHERE event_object_schema = {schema} \
                     AND event_object_table = {} AND event_manipulation IN ({})",
                    mysql_text(&name),
                    events.join(", ")
                ));
            }
            facts.extend(self.mysql_columns(table, &here));
        }
        format!("SELECT GROUP_CONCAT(DISTINCT f.fact SEPARATOR '\n') FROM ({}) AS f", facts.join(" UNION ALL "))
    }

    /// The columns of a table that cannot be changed; and those that hold UUIDs, whose type the driver does not tell from a
    /// text.
    fn mysql_columns(&self, table: TableId, here: &str) -> Option<String> {
        let mut conditions = Vec::new();
        let uuids =
            self.compared().into_iter().filter(|column| column.table == table && *column.ty == ColumnType::Uuid);
        for Compared { column, .. } in uuids {
            conditions.push(format!(
                "WHEN column_name = {} AND column_type NOT IN ('binary(16)', 'varbinary(16)', 'uuid') \
                 THEN CONCAT('type {table} {column} ', column_type)",
                mysql_text(&self.column(table, column))
            ));
        }
        for key in self.changing().map(|key| &self.schema.keys[key]).filter(|key| key.child == table) {
            for &column in &key.child_columns {
                let name = mysql_text(&self.column(table, column));
                conditions.push(format!(
                    "WHEN column_name = {name} AND generation_expression <> '' THEN 'generated {table} {column}'"
                ));
                if key.action != Action::SetDefault || self.schema.tables[table].columns[column].default.is_none() {
                    conditions.push(format!(
                        "WHEN column_name = {name} AND is_nullable = 'NO' THEN 'stated {table} {column}'"
                    ));
                }
            }
        }
        (!conditions.is_empty())
            .then(|| format!("SELECT CASE {} END FROM information_schema.columns WHERE {here}", conditions.join(" ")))
    }

    /// A column of no value for each that is compared.
    pub(super) fn mysql_samples(&self) -> Vec<(String, String)> {
        let quoted = |name: &str| Dialect::MySql.quoted(name);
        let one = |(n, Compared { table, column, .. }): (usize, Compared<'_>)| {
            let (schema, name) = self.name(table);
            let name = schema.iter().chain([&name]).map(|name| quoted(name)).collect::<Vec<_>>().join(".");
            (sample(n), format!("(SELECT {} FROM {name} LIMIT 0)", quoted(&self.column(table, column))))
        };
        self.compared().into_iter().enumerate().map(one).collect()
    }
}

/// The name of the n-th column of no value.
pub(super) fn sample(n: usize) -> String {
    format!("__cascade_type_{n}")
}

/// The type of a column of the result, in MySQL's words.
#[cfg(feature = "mysql")]
pub(super) fn mysql_type(row: &QueryResult, name: &str) -> Option<String> {
    use sea_orm::sqlx::{Column as _, Row as _, TypeInfo as _};

    let column = row.try_as_mysql_row()?.try_column(name).ok()?;
    Some(column.type_info().name().to_lowercase())
}

#[cfg(not(feature = "mysql"))]
pub(super) fn mysql_type(_: &QueryResult, _: &str) -> Option<String> {
    None
}

/// A text as MySQL and MariaDB write it, whatever `sql_mode` says of backslashes.
fn mysql_text(value: &str) -> String {
    if value.contains('\\') {
        let digits = crate::cascade::data::key::hex(value.as_bytes());
        return format!("CONVERT(X'{digits}' USING utf8mb4)");
    }
    text(value)
}

/// The types of a column of MySQL and MariaDB, in the driver's words, whose values are read, carried and compared just as
/// those of a column of the declared type. What has no number in it is compared as text.
pub(super) fn mysql_types(ty: &ColumnType) -> &'static [&'static str] {
    match KeyKind::of(Dialect::MySql, ty) {
        Some(KeyKind::Integer) => &[
            "boolean",
            "tinyint",
            "tinyint unsigned",
            "smallint",
            "smallint unsigned",
            "mediumint",
            "mediumint unsigned",
            "int",
            "int unsigned",
            "bigint",
            "year",
            "bit",
        ],
        Some(KeyKind::Unsigned) => &[
            "boolean",
            "tinyint unsigned",
            "smallint unsigned",
            "mediumint unsigned",
            "int unsigned",
            "bigint unsigned",
        ],
        Some(KeyKind::Decimal) => &[
            "decimal",
            "boolean",
            "tinyint",
            "tinyint unsigned",
            "smallint",
            "smallint unsigned",
            "mediumint",
            "mediumint unsigned",
            "int",
            "int unsigned",
            "bigint",
            "bigint unsigned",
        ],
        // MariaDB's own type for them looks like a text.
        Some(KeyKind::Bytes) if *ty == ColumnType::Uuid => &["binary", "varbinary", "char"],
        Some(KeyKind::Bytes) => &["binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"],
        Some(KeyKind::Text) | None => &[
            "char",
            "varchar",
            "tinytext",
            "text",
            "mediumtext",
            "longtext",
            "enum",
            "set",
            "date",
            "datetime",
            "timestamp",
            "time",
            "binary",
            "varbinary",
            "tinyblob",
            "blob",
            "mediumblob",
            "longblob",
        ],
    }
}

/// Whether a column of that type is compared exactly with values of the declared one; if it is not read, integers of any
/// size and sign are.
pub(super) fn mysql_compares(ty: &ColumnType, found: &str, is_read: bool) -> bool {
    let is_integer = matches!(KeyKind::of(Dialect::MySql, ty), Some(KeyKind::Integer | KeyKind::Unsigned));
    let is_wider = !is_read && is_integer && found.contains("int");
    is_wider || mysql_types(ty).contains(&found)
}
