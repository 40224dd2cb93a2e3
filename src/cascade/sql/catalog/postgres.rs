//! The catalog query for PostgreSQL.
//!
//! Pure.

use std::collections::BTreeSet;

use sea_orm::sea_query::ColumnType;

use crate::cascade::data::dialect::Dialect;
use crate::cascade::declare::schema::{KeyId, TableId};
use crate::cascade::sql::catalog::types::{postgres_oid, postgres_types};
use crate::cascade::sql::catalog::{Compared, MORE, Question, Reached, text};

impl Question<'_> {
    // ---- PostgreSQL

    /// Asks whether anything about the tables is unusual. Most tables have triggers or nothing; the
    /// rest is asked by a second query.
    pub(super) fn postgres_remarkable(&self) -> String {
        // A name is looked up once.
        let (reached, compared) = (self.reached(), self.compared());
        let tables: BTreeSet<TableId> =
            reached.iter().map(|of| of.table).chain(compared.iter().map(|of| of.table)).collect();
        let names = tables.iter().map(|&table| self.regclass(table)).collect::<Vec<_>>().join(", ");
        let place = |table: TableId| format!("t.o[{}]", tables.range(..=table).count());
        let mut remarkable = vec![format!(
            "EXISTS (SELECT FROM pg_class c WHERE c.oid = ANY (ARRAY[{}]::oid[]) AND (c.relkind <> 'r' OR c.relhasrules OR c.relhassubclass \
             OR (c.relrowsecurity AND row_security_active(c.oid))))",
            reached.iter().map(|of| place(of.table)).collect::<Vec<_>>().join(", ")
        )];
        let columns = compared.into_iter().map(|Compared { table, column, ty, is_read: _ }| {
            let types = postgres_types(ty);
            // A text that may be `char` at only one end is checked more closely.
            let is_sure = |ty: &&String| types.len() == 1 || *ty != "bpchar";
            let types = types.iter().filter(is_sure).map(|ty| match postgres_oid(ty) {
                Some(oid) => oid.to_string(),
                None => format!("to_regtype({})", text(&Dialect::Postgres.quoted(ty))),
            });
            let types = types.collect::<Vec<_>>().join(", ");
            format!("({}, {}, ARRAY[{types}]::oid[])", place(table), text(&self.column(table, column)))
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        // A sub-select for each column and table uses the index. A join reads all of a small catalog
        // (seen: 1.5 ms instead of 0.8 for 58 tables).
        remarkable.push(format!(
            "EXISTS (SELECT FROM (VALUES {columns}) AS k (oid, col, types) WHERE ((SELECT a.atttypid FROM pg_attribute a \
             WHERE a.attrelid = k.oid AND a.attname = k.col) = ANY (k.types)) IS NOT TRUE)"
        ));
        if self.is_callers {
            remarkable.push(
                "current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')".to_owned(),
            );
        }
        // 8 and 16 are the bits of DELETE and UPDATE in pg_trigger.tgtype.
        let on = |bit: u8, is_on: &dyn Fn(&Reached) -> bool| {
            let tables: Vec<TableId> = reached.iter().filter(|of| is_on(of)).map(|of| of.table).collect();
            (!tables.is_empty()).then(|| {
                format!(
                    "WHEN EXISTS (SELECT FROM unnest(ARRAY[{}]::oid[]) AS r (oid) WHERE (SELECT true FROM pg_trigger g \
                     WHERE g.tgrelid = r.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & {bit} > 0 \
                     LIMIT 1)) THEN 'keeps'",
                    tables.into_iter().map(place).collect::<Vec<_>>().join(", ")
                )
            })
        };
        let triggers = [on(8, &|of| of.is_doomed), on(16, &|of| of.is_changed)].into_iter().flatten();
        let triggers = triggers.collect::<Vec<_>>().join(" ");
        let answer = format!("CASE WHEN {} THEN '{MORE}' {triggers} END", remarkable.join(" OR "));
        format!("(SELECT {answer} FROM (SELECT ARRAY[{names}]::oid[] OFFSET 0) AS t (o))")
    }

    /// Partitions and child tables, whose triggers also run, are found from the table. Rare facts
    /// are asked only where a cheap test says that they are possible.
    pub(super) fn postgres(&self) -> String {
        // 8 and 16 are the bits of DELETE and UPDATE in pg_trigger.tgtype.
        let tables = self.reached().into_iter().map(|Reached { table, is_doomed, is_changed }| {
            let bits = i32::from(is_doomed) * 8 + i32::from(is_changed) * 16;
            format!("({table}, {bits}, {})", self.regclass(table))
        });
        let columns = self.compared().into_iter().map(|Compared { table, column, ty, is_read: _ }| {
            let types = postgres_types(ty);
            let oids =
                types.iter().filter_map(|ty| postgres_oid(ty)).map(|oid| oid.to_string()).collect::<Vec<_>>().join(",");
            let types = types.iter().map(|ty| text(ty)).collect::<Vec<_>>().join(", ");
            let name = text(&self.column(table, column));
            format!("({table}, {column}, {}, {name}, '{{{oids}}}'::oid[], ARRAY[{types}])", self.regclass(table))
        });
        let trigger = "EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = {oid} AND NOT g.tgisinternal \
             AND g.tgenabled <> 'D' AND g.tgtype & r.bits > 0)";
        let mut facts = vec![
            format!(
                "SELECT CASE WHEN (c.relrowsecurity AND row_security_active(c.oid)) OR (c.relkind = 'v' \
                 AND c.reloptions && '{{security_invoker=true,security_invoker=on,security_invoker=1}}'::text[] \
                 AND EXISTS (SELECT 1 FROM pg_rewrite w JOIN pg_depend u ON u.classid = 'pg_rewrite'::regclass \
                 AND u.objid = w.oid AND u.refclassid = 'pg_class'::regclass JOIN pg_class b ON b.oid = u.refobjid \
                 WHERE w.ev_class = c.oid AND b.relrowsecurity AND row_security_active(b.oid))) THEN 'secured ' || r.n \
                 WHEN r.bits = 0 THEN NULL WHEN c.relkind NOT IN ('r', 'p') OR c.relhasrules \
                 OR (c.relhastriggers AND {}) OR (c.relhassubclass AND EXISTS (WITH RECURSIVE p (oid) AS \
                 (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = c.oid UNION ALL SELECT i.inhrelid FROM p \
                 JOIN pg_inherits i ON i.inhparent = p.oid) SELECT 1 FROM p JOIN pg_class k ON k.oid = p.oid \
                 WHERE k.relkind = 'f' OR {})) THEN 'keeps' END \
                 FROM (VALUES {}) AS r (n, bits, oid) JOIN pg_class c ON c.oid = r.oid",
                trigger.replace("{oid}", "c.oid"),
                trigger.replace("{oid}", "p.oid"),
                tables.collect::<Vec<_>>().join(", ")
            ),
            format!(
                "SELECT 'type ' || k.n || ' ' || k.c || ' ' || replace(format_type(a.atttypid, NULL), chr(10), ' ') \
                 FROM (VALUES {}) AS k (n, c, oid, col, oids, types) \
                 JOIN pg_attribute a ON a.attrelid = k.oid AND a.attname = k.col AND a.attnum > 0 \
                 WHERE a.atttypid <> ALL (k.oids) AND NOT EXISTS (SELECT 1 FROM pg_type y \
                 LEFT JOIN pg_type b ON b.oid = y.typbasetype LEFT JOIN pg_type d ON d.oid = b.typbasetype \
                 LEFT JOIN pg_type e ON e.oid = d.typbasetype LEFT JOIN pg_type f ON f.oid = e.typbasetype \
                 WHERE y.oid = a.atttypid AND k.types && ARRAY[y.typname::text, b.typname::text, d.typname::text, \
                 e.typname::text, f.typname::text])",
                columns.collect::<Vec<_>>().join(", ")
            ),
        ];
        facts.extend(self.postgres_ends());
        facts.extend(self.unprotected());
        format!("SELECT string_agg(DISTINCT f.fact, chr(10)) FROM ({}) AS f (fact)", facts.join(" UNION ALL "))
    }

    /// Text keys of which one end ignores trailing blanks (`char`) and the other does not.
    fn postgres_ends(&self) -> Option<String> {
        let is_text = |ty: &ColumnType| matches!(ty, ColumnType::String(_) | ColumnType::Text | ColumnType::Char(_));
        let ends: Vec<String> = self
            .ends()
            .filter(|&(_, _, parent, to)| is_text(&self.schema.tables[parent].columns[to].ty))
            .map(|(child, from, parent, to)| {
                let (from_name, to_name) = (text(&self.column(child, from)), text(&self.column(parent, to)));
                format!(
                    "({child}, {from}, {}, {from_name}, {}, {to_name})",
                    self.regclass(child),
                    self.regclass(parent)
                )
            })
            .collect();
        let base =
            |ty: &str| format!("coalesce((SELECT nullif(y.typbasetype, 0) FROM pg_type y WHERE y.oid = {ty}), {ty})");
        (!ends.is_empty()).then(|| {
            format!(
                "SELECT 'type ' || k.n || ' ' || k.c || ' ' || replace(format_type(x.atttypid, NULL), chr(10), ' ') \
                 FROM (VALUES {}) AS k (n, c, child, child_column, parent, parent_column) \
                 JOIN pg_attribute x ON x.attrelid = k.child AND x.attname = k.child_column \
                 JOIN pg_attribute z ON z.attrelid = k.parent AND z.attname = k.parent_column \
                 WHERE x.atttypid <> z.atttypid AND ({} = 1042) <> ({} = 1042)",
                ends.join(", "),
                base("x.atttypid"),
                base("z.atttypid")
            )
        })
    }

    fn regclass(&self, table: TableId) -> String {
        let quoted = |name: &String| Dialect::Postgres.quoted(name);
        let (schema, name) = self.name(table);
        let name = schema.iter().chain([&name]).map(quoted).collect::<Vec<_>>().join(".");
        format!("to_regclass({})::oid", text(&name))
    }

    /// Foreign keys without a constraint, above READ COMMITTED: there FOR UPDATE never returns rows
    /// that were added after the transaction's first statement, and only a constraint notices them.
    pub(super) fn unprotected(&self) -> Option<String> {
        let repaired = self.repaired.iter().map(|&(key, _)| key);
        let keys: BTreeSet<KeyId> = self.keys().chain(repaired).collect();
        if !self.is_callers || keys.is_empty() {
            return None;
        }
        let keys = keys.into_iter().map(|id| {
            let key = &self.schema.keys[id];
            let pairs = key.child_columns.iter().zip(&key.parent_columns);
            let pairs: BTreeSet<String> = pairs
                .map(|(&from, &to)| format!("{} {}", self.column(key.child, from), self.column(key.parent, to)))
                .collect();
            let pairs = pairs.iter().map(|pair| text(pair)).collect::<Vec<_>>().join(", ");
            format!("({id}, {}, {}, ARRAY[{pairs}])", self.regclass(key.child), self.regclass(key.parent))
        });
        Some(format!(
            "SELECT 'level ' || k.n || ' ' || current_setting('transaction_isolation') \
             FROM (VALUES {}) AS k (n, child, parent, pairs) \
             WHERE current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') \
             AND (current_setting('session_replication_role') = 'replica' OR NOT EXISTS (SELECT 1 FROM pg_constraint o \
             WHERE o.contype = 'f' AND o.conrelid = k.child AND o.confrelid = k.parent \
             AND coalesce((to_jsonb(o) ->> 'conenforced')::boolean, true) \
             AND NOT EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgconstraint = o.oid AND g.tgenabled IN ('D', 'R')) \
             AND k.pairs = (SELECT array_agg(x.attname || ' ' || y.attname ORDER BY (x.attname || ' ' || y.attname) \
             COLLATE \"C\") FROM unnest(o.conkey, o.confkey) AS u (child, parent) \
             JOIN pg_attribute x ON x.attrelid = o.conrelid AND x.attnum = u.child \
             JOIN pg_attribute y ON y.attrelid = o.confrelid AND y.attnum = u.parent)))",
            keys.collect::<Vec<_>>().join(", ")
        ))
    }
}
