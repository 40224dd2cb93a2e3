//! What a run must know of the tables that it reaches and only the database's catalogs say: whether a trigger, a rule or
//! row security may keep rows, whether values are stored as declared, whether the tables can be rolled back.
//!
//! Pure: it writes the question and reads the answer. The question is a sub-select among the columns of the statement that
//! finds the roots, so that it costs no statement of its own; it names only what is remarkable, so that the answer is NULL
//! for ordinary tables. PostgreSQL plans a statement anew on each connection's first runs, which takes longer than the
//! statement itself where the question is long. So it is asked there whether anything is remarkable, and what, by a
//! statement of its own, only if so. Nothing of it is kept between runs: a graph knows no database.

use std::collections::BTreeSet;

use sea_orm::sea_query::{ColumnType, Expr, TableName};
use sea_orm::{DbErr, QueryResult};

use super::dialect::Dialect;
use super::error::{Error, ErrorKind};
use super::graph::{Action, KeyId, Schema, TableId};
use super::key::KeyKind;
use super::plan::{Component, Plan};

/// The name of the column with the answer.
pub(crate) const COLUMN: &str = "__cascade_catalog";

/// What stands before the question in a statement, so that a reader of logs knows it.
pub(crate) const MARK: &str = "/* catalog */";

/// The answer that says that there is more to ask.
const MORE: &str = "more";

/// What the catalogs say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    /// A trigger, a rule, row security or a view may keep rows that a statement was to delete or change, and no number that
    /// the database reports tells. So the run asks whether anything still refers before a parent goes.
    pub(crate) may_keep_rows: bool,
    /// Row security is active, and the caller works under it.
    pub(crate) is_under_row_security: bool,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) schema: &'a Schema,
    pub(crate) plan: &'a Plan,
    /// The keys by which a repair's rows are orphans, and what becomes of these.
    pub(crate) repaired: &'a [(KeyId, Action)],
    /// Whether the transaction is the caller's, who may have chosen any isolation level.
    pub(crate) is_callers: bool,
}

/// A table that the delete reaches.
struct Reached {
    table: TableId,
    /// Rows of it may be deleted.
    is_doomed: bool,
    /// A key of its rows may be changed.
    is_changed: bool,
}

impl Reached {
    fn is_written(&self) -> bool {
        self.is_doomed || self.is_changed
    }
}

/// A column of a key, and the type as which its values are compared.
struct Compared<'a> {
    table: TableId,
    column: usize,
    ty: &'a ColumnType,
    /// Whether its values are read, as that type, and not only compared with others.
    is_read: bool,
}

impl Question<'_> {
    /// The question as columns of a statement that finds rows, each with its name; the last has the answer.
    pub(crate) fn beside(&self) -> Vec<(String, Expr)> {
        match self.dialect {
            Dialect::Postgres => marked(vec![(COLUMN.to_owned(), self.postgres_remarkable())]),
            Dialect::Sqlite | Dialect::MySql => self.columns(),
        }
    }

    /// The question as columns of a statement of its own, each with its name; the last has the answer.
    ///
    /// On MySQL and MariaDB others come before it, of no value and the type of each column that is compared: their catalogs
    /// take a quarter of a millisecond for the columns of each table, and the driver knows the type of what it gets.
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

    /// The answer in a row that has these columns, and what it means. `None`: [`columns`](Self::columns) must be asked.
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

    /// What the answer means.
    ///
    /// # Errors
    /// What cannot be deleted dependably: each fact that forbids it has a kind of its own.
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
            Dialect::Sqlite => "as the column that it refers to".to_owned(),
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

    /// The columns of both ends of each key: child and column, parent and column.
    fn ends(&self) -> impl Iterator<Item = (TableId, usize, TableId, usize)> {
        let repaired = self.repaired.iter().map(|&(key, _)| key);
        let keys = self.plan.keys.iter().copied().chain(repaired).map(|key| &self.schema.keys[key]);
        keys.flat_map(|key| {
            let pairs = key.child_columns.iter().zip(&key.parent_columns);
            pairs.map(|(&from, &to)| (key.child, from, key.parent, to))
        })
    }

    /// The columns by which rows are known, and those that refer to them, which are compared with values of their parent's
    /// type.
    fn compared(&self) -> Vec<Compared<'_>> {
        let mut all: Vec<Compared<'_>> = Vec::new();
        let mut add = |table: TableId, column: usize, ty, is_read: bool| match all
            .iter_mut()
            .find(|known| (known.table, known.column) == (table, column))
        {
            Some(known) => known.is_read |= is_read,
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

    // ---- SQLite

    /// Triggers of tables and of views; those of other databases' tables are in `sqlite_temp_schema`. What a value is
    /// stored as is seen when it is read.
    fn sqlite(&self) -> String {
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
        let keeps = format!("SELECT 'keeps' AS fact WHERE {}", exists.collect::<Vec<_>>().join(" OR "));
        let facts = std::iter::once(keeps).chain(self.sqlite_ends());
        format!("SELECT group_concat(fact, char(10)) FROM ({})", facts.collect::<Vec<_>>().join(" UNION ALL "))
    }

    /// The two ends of a key of which one makes numbers of texts that look so, or texts of numbers, and the other does not:
    /// a constraint compares as the parent does, and a statement as the child. Bytes are never changed.
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

    // ---- PostgreSQL

    /// Whether there is anything to say of the tables. Most have triggers or nothing; the rest is asked by itself.
    fn postgres_remarkable(&self) -> String {
        let reached = self.reached();
        let list = |tables: &mut dyn Iterator<Item = TableId>| {
            format!("ANY (ARRAY[{}]::oid[])", tables.map(|table| self.regclass(table)).collect::<Vec<_>>().join(", "))
        };
        let mut remarkable = vec![format!(
            "EXISTS (SELECT FROM pg_class c WHERE c.oid = {} AND (c.relkind <> 'r' OR c.relhasrules OR c.relhassubclass \
             OR (c.relrowsecurity AND row_security_active(c.oid))))",
            list(&mut reached.iter().map(|of| of.table))
        )];
        let columns = self.compared().into_iter().map(|Compared { table, column, ty, is_read: _ }| {
            let types = postgres_types(ty);
            // A text that may be `char` at one end only is looked at more closely.
            let is_sure = |ty: &&String| types.len() == 1 || *ty != "bpchar";
            let types = types.iter().filter(is_sure).map(|ty| match postgres_oid(ty) {
                Some(oid) => oid.to_string(),
                None => format!("to_regtype({})", text(&Dialect::Postgres.quoted(ty))),
            });
            let types = types.collect::<Vec<_>>().join(", ");
            format!("({}, {}, ARRAY[{types}]::oid[])", self.regclass(table), text(&self.column(table, column)))
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        remarkable.push(format!(
            "EXISTS (SELECT FROM (VALUES {columns}) AS k (oid, col, types) JOIN pg_attribute a ON a.attrelid = k.oid \
             AND a.attname = k.col WHERE (a.atttypid = ANY (k.types)) IS NOT TRUE)"
        ));
        if self.is_callers {
            remarkable.push(
                "current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')".to_owned(),
            );
        }
        // 8 and 16 are the bits of DELETE and UPDATE in pg_trigger.tgtype.
        let of: [(u8, fn(&Reached) -> bool); 2] = [(8, |of| of.is_doomed), (16, |of| of.is_changed)];
        let triggers = of.into_iter().filter(|(_, is)| reached.iter().any(is)).map(|(bit, is)| {
            format!(
                "WHEN EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = {} AND NOT g.tgisinternal \
                 AND g.tgenabled <> 'D' AND g.tgtype & {bit} > 0) THEN 'keeps'",
                list(&mut reached.iter().filter(|of| is(of)).map(|of| of.table))
            )
        });
        let triggers = triggers.collect::<Vec<_>>().join(" ");
        format!("(CASE WHEN {} THEN '{MORE}' {triggers} END)", remarkable.join(" OR "))
    }

    /// Partitions and children of a table, whose triggers are run too, are found from the table. What is rare is asked
    /// only where a cheap test says that it may be.
    fn postgres(&self) -> String {
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

    /// Texts of which one end of a key passes over blanks at the end (`char`) and the other does not.
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

    /// Keys without a live constraint, above READ COMMITTED: there FOR UPDATE never shows rows that were added since the
    /// transaction's first statement, and only a constraint notices them.
    fn unprotected(&self) -> Option<String> {
        let repaired = self.repaired.iter().map(|&(key, _)| key);
        let keys: BTreeSet<KeyId> = self.plan.keys.iter().copied().chain(repaired).collect();
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

    // ---- MySQL and MariaDB

    /// A trigger cannot keep a row from being deleted there, but a change from being made. And it may add rows, of another
    /// table than its own, which matters where that one has been dealt with before.
    fn mysql(&self) -> String {
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
    fn mysql_samples(&self) -> Vec<(String, String)> {
        let quoted = |name: &str| Dialect::MySql.quoted(name);
        let one = |(n, Compared { table, column, .. }): (usize, Compared<'_>)| {
            let (schema, name) = self.name(table);
            let name = schema.iter().chain([&name]).map(|name| quoted(name)).collect::<Vec<_>>().join(".");
            (sample(n), format!("(SELECT {} FROM {name} LIMIT 0)", quoted(&self.column(table, column))))
        };
        self.compared().into_iter().enumerate().map(one).collect()
    }
}

/// These columns as a statement has them, the first with the mark.
fn marked(columns: Vec<(String, String)>) -> Vec<(String, Expr)> {
    let marked = |(n, (name, sql)): (usize, (String, String))| {
        (name, Expr::cust(if n == 0 { format!("{MARK} {sql}") } else { sql }))
    };
    columns.into_iter().enumerate().map(marked).collect()
}

/// The name of the n-th column of no value.
fn sample(n: usize) -> String {
    format!("__cascade_type_{n}")
}

/// The type of a column of the result, in MySQL's words.
#[cfg(feature = "mysql")]
fn mysql_type(row: &QueryResult, name: &str) -> Option<String> {
    use sea_orm::sqlx::{Column as _, Row as _, TypeInfo as _};

    let column = row.try_as_mysql_row()?.try_column(name).ok()?;
    Some(column.type_info().name().to_lowercase())
}

#[cfg(not(feature = "mysql"))]
fn mysql_type(_: &QueryResult, _: &str) -> Option<String> {
    None
}

fn unknown(fact: &str) -> Error {
    DbErr::Custom(format!("the catalogs answered what was not asked: {fact}")).into()
}

/// A text as SQLite and PostgreSQL write it.
fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A text as MySQL and MariaDB write it, whatever `sql_mode` says of backslashes.
fn mysql_text(value: &str) -> String {
    if value.contains('\\') {
        let digits = super::key::hex(value.as_bytes());
        return format!("CONVERT(X'{digits}' USING utf8mb4)");
    }
    text(value)
}

/// The types of a column of PostgreSQL, as `pg_type` names them, whose values are read, carried and compared just as those
/// of a column of the declared type.
fn postgres_types(ty: &ColumnType) -> Vec<String> {
    let types: &[&str] = match ty {
        ColumnType::Enum { name, .. } => return vec![name.to_string()],
        ColumnType::Custom(name) => return vec![postgres_name(&name.to_string())],
        ColumnType::Char(_) => &["bpchar"],
        ColumnType::String(_) | ColumnType::Text => &["text", "varchar", "bpchar", "name"],
        ColumnType::Decimal(_) => &["numeric", "int2", "int4", "int8"],
        ColumnType::Money(_) => &["money"],
        ColumnType::DateTime | ColumnType::Timestamp => &["timestamp"],
        ColumnType::TimestampWithTimeZone => &["timestamptz"],
        ColumnType::Time => &["time"],
        ColumnType::Date => &["date"],
        ColumnType::Boolean => &["bool"],
        ColumnType::Uuid => &["uuid"],
        ColumnType::Bit(_) => &["bit"],
        ColumnType::VarBit(_) => &["varbit"],
        ColumnType::Binary(_) | ColumnType::VarBinary(_) | ColumnType::Blob => &["bytea"],
        ColumnType::Cidr => &["cidr"],
        ColumnType::Inet => &["inet"],
        ColumnType::MacAddr => &["macaddr"],
        ColumnType::LTree => &["ltree"],
        _ => &["int2", "int4", "int8"],
    };
    types.iter().map(|&ty| ty.to_owned()).collect()
}

/// The number that a type of PostgreSQL's own has in every database.
fn postgres_oid(ty: &str) -> Option<u32> {
    let own = [
        ("bool", 16),
        ("bytea", 17),
        ("name", 19),
        ("int8", 20),
        ("int2", 21),
        ("int4", 23),
        ("text", 25),
        ("cidr", 650),
        ("money", 790),
        ("macaddr", 829),
        ("inet", 869),
        ("bpchar", 1042),
        ("varchar", 1043),
        ("date", 1082),
        ("time", 1083),
        ("timestamp", 1114),
        ("timestamptz", 1184),
        ("bit", 1560),
        ("varbit", 1562),
        ("numeric", 1700),
        ("uuid", 2950),
    ];
    own.iter().find(|(name, _)| *name == ty).map(|(_, oid)| *oid)
}

/// The types of a column of MySQL and MariaDB, in the driver's words, whose values are read, carried and compared just as
/// those of a column of the declared type. What has no number in it is compared as text.
fn mysql_types(ty: &ColumnType) -> &'static [&'static str] {
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
fn mysql_compares(ty: &ColumnType, found: &str, is_read: bool) -> bool {
    let is_integer = matches!(KeyKind::of(Dialect::MySql, ty), Some(KeyKind::Integer | KeyKind::Unsigned));
    let is_wider = !is_read && is_integer && found.contains("int");
    is_wider || mysql_types(ty).contains(&found)
}

/// PostgreSQL: a type that is declared by its name, without a length and a collation. Quoted names stay as they are.
pub(crate) fn without_length(declared: &str) -> String {
    let declared = declared.trim();
    if declared.starts_with('"') {
        return declared.to_owned();
    }
    let at = declared.to_lowercase().find(" collate ");
    let bare = at.map_or(declared, |at| &declared[..at]);
    match (bare.find('('), bare.find(')')) {
        (Some(begin), Some(end)) if begin < end => format!("{}{}", bare[..begin].trim_end(), &bare[end + 1..]),
        _ => bare.to_owned(),
    }
}

/// The name of a type that is declared by its name, as `pg_type` has it.
fn postgres_name(declared: &str) -> String {
    let name = without_length(declared);
    let name = name.rsplit('.').next().unwrap_or_default();
    if let Some(quoted) = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        return quoted.replace("\"\"", "\"");
    }
    let name = name.to_lowercase();
    let own = match name.as_str() {
        "character varying" => "varchar",
        "character" | "char" => "bpchar",
        "integer" | "int" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "boolean" => "bool",
        "decimal" => "numeric",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        "time with time zone" => "timetz",
        "time without time zone" => "time",
        "bit varying" => "varbit",
        other => other,
    };
    own.to_owned()
}
