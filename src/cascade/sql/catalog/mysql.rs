//! The catalog query for MySQL and MariaDB.
//!
//! Pure.

use std::collections::BTreeMap;

use sea_orm::sea_query::ColumnType;

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::plan::Component;
use crate::cascade::sql::catalog::types::sample;
use crate::cascade::sql::catalog::{Compared, Question, Reached, text};

/// A table that the run reaches, with its name as a text literal.
struct Named {
    name: String,
    of: Reached,
}

fn names(tables: &[&Named]) -> String {
    tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>().join(", ")
}

impl Question<'_> {
    /// On these databases a trigger cannot stop the delete of a row, but it can undo a change. It
    /// can also insert rows into other tables, which matters if the run has already finished those.
    ///
    /// One sub-select for all tables of a schema. With one for each table, 50 tables took 9 ms
    /// instead of 0.8.
    pub(super) fn mysql(&self) -> String {
        let mut schemas: BTreeMap<String, Vec<Named>> = BTreeMap::new();
        for of in self.reached() {
            let (schema, name) = self.name(of.table);
            let schema = schema.map_or_else(|| "DATABASE()".to_owned(), |schema| mysql_text(&schema));
            schemas.entry(schema).or_default().push(Named { name: mysql_text(&name), of });
        }
        let facts = schemas.iter().flat_map(|(schema, tables)| {
            [mysql_tables(schema, tables), self.mysql_triggers(schema, tables), self.mysql_columns(schema, tables)]
        });
        let facts: Vec<String> = std::iter::once("NULL".to_owned()).chain(facts.flatten()).collect();
        format!("SELECT CONCAT_WS(CHAR(10 USING utf8mb4), {})", facts.join(", "))
    }

    fn mysql_triggers(&self, schema: &str, tables: &[Named]) -> Option<String> {
        let has_cycle = self.plan.components.iter().any(Component::is_cycle);
        let asks_all = self.reached().len() > 2 || has_cycle || self.changing().next().is_some();
        // Rows that it inserts into tables below the last deleted one.
        let asked = |table: &&Named| asks_all || table.of.table == self.plan.root;
        let asked: Vec<&Named> = tables.iter().filter(asked).collect();
        let on = |event: &str, is_on: &dyn Fn(&Reached) -> bool| {
            let tables: Vec<&Named> = asked.iter().copied().filter(|table| is_on(&table.of)).collect();
            let names = names(&tables);
            let event = format!("event_manipulation = '{event}' AND event_object_table IN ({names})");
            (!tables.is_empty()).then_some(event)
        };
        let events = [on("DELETE", &|of| of.is_doomed), on("UPDATE", &|of| of.is_changed)].into_iter().flatten();
        let events: Vec<String> = events.collect();
        (!events.is_empty()).then(|| {
            format!(
                "(SELECT MAX('keeps') FROM information_schema.triggers WHERE event_object_schema = {schema} AND ({}))",
                events.join(" OR ")
            )
        })
    }

    /// The generated columns, and the columns with UUIDs, which the driver cannot distinguish from
    /// text.
    fn mysql_columns(&self, schema: &str, tables: &[Named]) -> Option<String> {
        let mut conditions = Vec::new();
        let mut asked: Vec<&Named> = Vec::new();
        let compared = self.compared();
        for of in tables {
            let (Named { name: table_name, .. }, table) = (of, of.of.table);
            let is_of = |column: &Compared<'_>| column.table == table && *column.ty == ColumnType::Uuid;
            for &Compared { column, .. } in compared.iter().filter(|column| is_of(column)) {
                asked.push(of);
                conditions.push(format!(
                    "WHEN table_name = {table_name} AND column_name = {} \
                     AND column_type NOT IN ('binary(16)', 'varbinary(16)', 'uuid') \
                     THEN CONCAT('type {table} {column} ', column_type)",
                    mysql_text(&self.column(table, column))
                ));
            }
            for key in self.changing().map(|key| &self.schema.keys[key]).filter(|key| key.child == table) {
                asked.push(of);
                for &column in &key.child_columns {
                    let here = format!(
                        "WHEN table_name = {table_name} AND column_name = {}",
                        mysql_text(&self.column(table, column))
                    );
                    conditions
                        .push(format!("{here} AND generation_expression <> '' THEN 'generated {table} {column}'"));
                    if key.action != Action::SetDefault || self.schema.tables[table].columns[column].default.is_none() {
                        conditions.push(format!("{here} AND is_nullable = 'NO' THEN 'stated {table} {column}'"));
                    }
                }
            }
        }
        (!conditions.is_empty()).then(|| {
            format!(
                "(SELECT GROUP_CONCAT(CASE {} END SEPARATOR '\n') FROM information_schema.columns \
                 WHERE table_schema = {schema} AND table_name IN ({}))",
                conditions.join(" "),
                names(&asked)
            )
        })
    }

    /// A NULL column for each compared column.
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

/// Views, and tables of storage engines without transactions.
fn mysql_tables(schema: &str, tables: &[Named]) -> Option<String> {
    let numbers = |written: &[&Named]| {
        written.iter().map(|table| format!("WHEN {} THEN {}", table.name, table.of.table)).collect::<Vec<_>>().join(" ")
    };
    let written: Vec<&Named> = tables.iter().filter(|table| table.of.is_written()).collect();
    (!written.is_empty()).then(|| {
        format!(
            "(SELECT GROUP_CONCAT(CASE WHEN table_type LIKE '%VIEW' THEN 'keeps' WHEN engine <> 'InnoDB' AND NOT EXISTS \
             (SELECT 1 FROM information_schema.engines AS e WHERE e.engine = t.engine AND e.transactions = 'YES') \
             THEN CONCAT('engine ', CASE table_name {} END) END SEPARATOR '\n') FROM information_schema.tables AS t \
             WHERE table_schema = {schema} AND table_name IN ({}))",
            numbers(&written),
            names(&written)
        )
    })
}

/// Returns a text literal of MySQL and MariaDB that does not depend on how `sql_mode` treats
/// backslashes.
fn mysql_text(value: &str) -> String {
    if value.contains('\\') {
        let digits = crate::cascade::data::key::hex(value.as_bytes());
        return format!("CONVERT(X'{digits}' USING utf8mb4)");
    }
    text(value)
}
