//! The catalog query for SQLite.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sea_query::ColumnType;

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::KeyKind;
use crate::cascade::declare::schema::TableId;
use crate::cascade::sql::catalog::{Question, text};

impl Question<'_> {
    // ---- SQLite

    /// Triggers of tables and views. Triggers on tables of other databases are in
    /// `sqlite_temp_schema`. How a value is stored is known when it is read.
    pub(super) fn sqlite(&self) -> String {
        let facts = std::iter::once(self.sqlite_kept()).chain(self.sqlite_ends());
        format!("SELECT group_concat(fact, char(10)) FROM ({})", facts.collect::<Vec<_>>().join(" UNION ALL "))
    }

    /// The same without the types.
    pub(super) fn sqlite_keeps(&self) -> String {
        format!("SELECT fact FROM ({})", self.sqlite_kept())
    }

    /// The number of tables, and their definitions.
    pub(super) fn sqlite_ddl(&self) -> String {
        let tables: BTreeSet<TableId> = self.ends().flat_map(|(child, _, parent, _)| [child, parent]).collect();
        let mut schemas: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
        for &table in &tables {
            let (schema, name) = self.name(table);
            schemas.entry(schema).or_default().push(text(&name));
        }
        let of = |(schema, names): (&Option<String>, &Vec<String>)| {
            let schema = Dialect::Sqlite.quoted(schema.as_deref().unwrap_or("main"));
            let names = names.join(", ");
            format!("SELECT sql FROM {schema}.sqlite_schema WHERE type = 'table' AND name COLLATE NOCASE IN ({names})")
        };
        let each = schemas.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ");
        if each.is_empty() {
            return "(SELECT '0 ')".to_owned();
        }
        format!("(SELECT count(*) || ' ' || group_concat(sql, char(10)) FROM ({each}))")
    }

    /// Whether these definitions say everything about the tables: there are no views and no virtual
    /// tables among them.
    pub(super) fn is_all_of(&self, ddl: &str) -> bool {
        let tables: BTreeSet<TableId> = self.ends().flat_map(|(child, _, parent, _)| [child, parent]).collect();
        let (number, ddl) = ddl.split_once(' ').unwrap_or_default();
        number == tables.len().to_string() && !ddl.to_lowercase().contains("create virtual")
    }

    fn sqlite_kept(&self) -> String {
        let mut schemas = vec![(None, "sqlite_temp_schema".to_owned())];
        let names: Vec<(Option<String>, String)> =
            self.reached().iter().map(|reached| self.name(reached.table)).collect();
        for (schema, _) in &names {
            let quoted = Dialect::Sqlite.quoted(schema.as_deref().unwrap_or("main"));
            let of = (Some(schema.clone()), format!("{quoted}.sqlite_schema"));
            if !schemas.contains(&of) {
                schemas.push(of);
            }
        }
        let exists = schemas.iter().map(|(of, table)| {
            let here = names.iter().filter(|(schema, _)| of.as_ref().is_none_or(|of| of == schema));
            let list: Vec<String> = here.map(|(_, name)| text(name)).collect();
            format!(
                "EXISTS (SELECT 1 FROM {table} WHERE type IN ('trigger', 'view') AND tbl_name COLLATE NOCASE IN ({}))",
                list.join(", ")
            )
        });
        format!("SELECT 'keeps' AS fact WHERE {}", exists.collect::<Vec<_>>().join(" OR "))
    }

    /// Keys of which one end converts text that looks like a number to a number, or a number to
    /// text, and the other does not. A constraint compares as the parent does, and a statement as
    /// the child does. Bytes are never converted.
    fn sqlite_ends(&self) -> Option<String> {
        let is_converted =
            |ty: &ColumnType| KeyKind::of(Dialect::Sqlite, ty).is_some_and(|kind| kind != KeyKind::Bytes);
        let ends: Vec<_> = self
            .ends()
            .filter(|&(_, _, parent, to)| is_converted(&self.schema.tables[parent].columns[to].ty))
            .map(|(child, from, parent, to)| {
                let (from_name, to_name) = (text(&self.column(child, from)), text(&self.column(parent, to)));
                (child, parent, format!("({child}, {from}, {from_name}, {parent}, {to_name})"))
            })
            .collect();
        let tables: BTreeSet<TableId> = ends.iter().flat_map(|&(child, parent, _)| [child, parent]).collect();
        let columns = tables.iter().map(|&table| {
            let (schema, name) = self.name(table);
            let schema = text(schema.as_deref().unwrap_or("main"));
            format!("SELECT {table} AS n, name, upper(type) AS ty FROM pragma_table_xinfo({}, {schema})", text(&name))
        });
        let columns = columns.collect::<Vec<_>>().join(" UNION ALL ");
        let ends: Vec<String> = ends.into_iter().map(|(.., end)| end).collect();
        (!ends.is_empty()).then(|| {
            format!(
                "SELECT fact FROM (WITH c AS MATERIALIZED (SELECT n, name, ty, CASE WHEN ty LIKE '%INT%' THEN 'number' \
                 WHEN ty LIKE '%CHAR%' OR ty LIKE '%CLOB%' OR ty LIKE '%TEXT%' THEN 'text' \
                 WHEN ty = '' OR ty LIKE '%BLOB%' THEN 'none' ELSE 'number' END AS affinity FROM ({columns})), \
                 k (n, c, child, p, parent) AS (VALUES {}) SELECT 'type ' || k.n || ' ' || k.c || ' ' || x.ty AS fact FROM k \
                 JOIN c AS x ON x.n = k.n AND x.name = k.child COLLATE NOCASE \
                 JOIN c AS y ON y.n = k.p AND y.name = k.parent COLLATE NOCASE WHERE x.affinity <> y.affinity)",
                ends.join(", ")
            )
        })
    }
}
