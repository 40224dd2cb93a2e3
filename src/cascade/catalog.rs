//! What a run must know of the tables that it reaches and only the database's catalogs say: whether a trigger, a rule or
//! row security may keep rows, whether values are stored as declared, whether the tables can be rolled back.
//!
//! Pure: it writes the question and reads the answer. The question is a sub-select among the columns of the statement that
//! finds the roots, so that it costs no statement of its own; it names only what is remarkable, so that the answer is NULL
//! for ordinary tables. Nothing of it is kept between runs: a graph knows no database.

use std::collections::BTreeSet;

use sea_orm::DbErr;
use sea_orm::sea_query::{ColumnType, Expr, TableName};

use super::dialect::Dialect;
use super::error::{Error, ErrorKind};
use super::graph::{KeyId, Schema, TableId};
use super::key::KeyKind;
use super::plan::Plan;

/// The name of the column with the answer.
pub(crate) const COLUMN: &str = "__cascade_catalog";

/// What stands before the question in a statement, so that a reader of logs knows it.
pub(crate) const MARK: &str = "/* catalog */";

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
    /// Keys of the asked rows themselves that a repair changes.
    pub(crate) changed: &'a [KeyId],
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

/// A column of a key, and the type as which its values are compared.
struct Compared<'a> {
    table: TableId,
    column: usize,
    ty: &'a ColumnType,
}

impl Question<'_> {
    /// The question as a sub-select.
    pub(crate) fn expr(&self) -> Expr {
        let sql = match self.dialect {
            Dialect::Sqlite => self.sqlite(),
            Dialect::Postgres => self.postgres(),
            Dialect::MySql => self.mysql(),
        };
        Expr::cust(format!("{MARK} ({sql})"))
    }

    /// What the answer means.
    ///
    /// # Errors
    /// What cannot be deleted dependably: each fact that forbids it has a kind of its own.
    pub(crate) fn answer(&self, answer: Option<&str>, under_row_security: bool) -> Result<Catalog, Error> {
        let mut catalog = Catalog::default();
        let (mut secured, mut fixed, mut unprotected) = (Vec::new(), Vec::new(), Vec::new());
        let mut level = String::new();
        for fact in answer.unwrap_or_default().lines() {
            let mut words = fact.splitn(4, ' ');
            let kind = words.next().unwrap_or_default();
            let mut number = || words.next().and_then(|word| word.parse::<usize>().ok()).ok_or_else(|| unknown(fact));
            match kind {
                "keeps" => catalog.may_keep_rows = true,
                "secured" => secured.push(self.schema.tables[number()?].label.clone()),
                "engine" => fixed.push(self.schema.tables[number()?].label.clone()),
                "level" => {
                    unprotected.push(self.schema.keys[number()?].label.clone());
                    level = words.collect::<Vec<_>>().join(" ");
                }
                "generated" => {
                    let (table, column) = (number()?, number()?);
                    return Err(self.generated(table, column));
                }
                "type" => {
                    let (table, column) = (number()?, number()?);
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

    fn generated(&self, table: TableId, column: usize) -> Error {
        let table = &self.schema.tables[table];
        let column = table.columns[column].name.to_string();
        ErrorKind::GeneratedColumn { table: table.label.clone(), column }.into()
    }

    fn type_differs(&self, table: TableId, column: usize, found: String) -> Error {
        let expected =
            self.compared().into_iter().find(|compared| (compared.table, compared.column) == (table, column));
        let declared = expected.map(|compared| live_types(self.dialect, compared.ty).join(", ")).unwrap_or_default();
        let table = &self.schema.tables[table];
        let column = table.columns[column].name.to_string();
        ErrorKind::TypeDiffers { table: table.label.clone(), column, expected: declared, found }.into()
    }

    // ---- What is reached

    fn reached(&self) -> Vec<Reached> {
        let children = self.plan.keys.iter().map(|&key| self.schema.keys[key].child);
        let tables: BTreeSet<TableId> = self.plan.doomed.iter().copied().chain(children).collect();
        let reached = |table| Reached {
            table,
            is_doomed: self.plan.dooms(table),
            is_changed: self.changing().any(|key| self.schema.keys[key].child == table),
        };
        tables.into_iter().map(reached).collect()
    }

    fn changing(&self) -> impl Iterator<Item = KeyId> {
        let by_plan = self.plan.keys.iter().copied().filter(|&key| self.schema.keys[key].action.changes_key());
        by_plan.chain(self.changed.iter().copied())
    }

    /// The columns by which rows are known, and those that refer to them, which are compared with values of their parent's
    /// type.
    fn compared(&self) -> Vec<Compared<'_>> {
        let mut all: Vec<Compared<'_>> = Vec::new();
        let mut add = |table: TableId, column: usize, ty| {
            if !all.iter().any(|known| (known.table, known.column) == (table, column)) {
                all.push(Compared { table, column, ty });
            }
        };
        for &table in &self.plan.doomed {
            let of = &self.schema.tables[table];
            of.identity.iter().for_each(|&column| add(table, column, &of.columns[column].ty));
        }
        for key in self.plan.keys.iter().map(|&key| &self.schema.keys[key]) {
            let parent = &self.schema.tables[key.parent];
            for (&from, &to) in key.child_columns.iter().zip(&key.parent_columns) {
                add(key.child, from, &parent.columns[to].ty);
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
        format!("SELECT 'keeps' WHERE {}", exists.collect::<Vec<_>>().join(" OR "))
    }

    // ---- PostgreSQL

    /// Partitions and children of a table, whose triggers are run too, are found from the table.
    fn postgres(&self) -> String {
        let reached = self.reached();
        // 8 and 16 are the bits of DELETE and UPDATE in pg_trigger.tgtype.
        let tables = reached.iter().map(|Reached { table, is_doomed, is_changed }| {
            let bits = i32::from(*is_doomed) * 8 + i32::from(*is_changed) * 16;
            format!("({table}, {bits}, {})", self.regclass(*table))
        });
        let columns = self.compared().into_iter().map(|Compared { table, column, ty }| {
            let types = live_types(Dialect::Postgres, ty).iter().map(|ty| text(ty)).collect::<Vec<_>>().join(", ");
            format!(
                "({table}, {column}, {}, {}, ARRAY[{types}])",
                self.regclass(table),
                text(&self.column(table, column))
            )
        });
        let mut facts = vec![
            "SELECT 'keeps' FROM r JOIN pg_class c ON c.oid = r.oid WHERE r.bits > 0 AND (c.relkind NOT IN ('r', 'p') \
             OR (r.is_own AND c.relhasrules) OR (c.relhastriggers AND EXISTS (SELECT 1 FROM pg_trigger g \
             WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & r.bits > 0)))"
                .to_owned(),
            "SELECT 'secured ' || r.n FROM r JOIN pg_class c ON c.oid = r.oid \
             WHERE r.is_own AND c.relrowsecurity AND row_security_active(c.oid)"
                .to_owned(),
            format!(
                "SELECT 'type ' || k.n || ' ' || k.c || ' ' || y.typname FROM (VALUES {}) AS k (n, c, oid, col, types) \
                 JOIN pg_attribute a ON a.attrelid = k.oid AND a.attname = k.col AND a.attnum > 0 \
                 JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = y.typbasetype \
                 LEFT JOIN pg_type d ON d.oid = b.typbasetype \
                 WHERE NOT coalesce(y.typname::text = ANY (k.types) OR b.typname::text = ANY (k.types) \
                 OR d.typname::text = ANY (k.types), false)",
                columns.collect::<Vec<_>>().join(", ")
            ),
        ];
        facts.extend(self.unprotected());
        format!(
            "WITH RECURSIVE r (n, bits, oid, is_own) AS (SELECT t.n, t.bits, t.oid, true FROM (VALUES {}) AS t (n, bits, oid) \
             UNION ALL SELECT r.n, r.bits, i.inhrelid, false FROM r JOIN pg_inherits i ON i.inhparent = r.oid) \
             SELECT string_agg(DISTINCT f.fact, chr(10)) FROM ({}) AS f (fact)",
            tables.collect::<Vec<_>>().join(", "),
            facts.join(" UNION ALL ")
        )
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
        if !self.is_callers || self.plan.keys.is_empty() {
            return None;
        }
        let keys = self.plan.keys.iter().map(|&id| {
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

    /// A trigger cannot keep a row from being deleted there, but a change from being made; and one of any kind may add rows.
    fn mysql(&self) -> String {
        let mut facts = vec!["SELECT NULL AS fact".to_owned()];
        for Reached { table, is_doomed, is_changed } in self.reached() {
            let (schema, name) = self.name(table);
            let schema = schema.map_or_else(|| "DATABASE()".to_owned(), |schema| mysql_text(&schema));
            let here = format!("table_schema = {schema} AND table_name = {}", mysql_text(&name));
            facts.push(format!(
                "SELECT CASE WHEN table_type LIKE '%VIEW' THEN 'keeps' WHEN engine <> 'InnoDB' AND NOT EXISTS (SELECT 1 \
                 FROM information_schema.engines AS e WHERE e.engine = t.engine AND e.transactions = 'YES') \
                 THEN 'engine {table}' END FROM information_schema.tables AS t WHERE {here}"
            ));
            let events = [(is_doomed, "'DELETE'"), (is_changed, "'UPDATE'")];
            let events: Vec<&str> = events.iter().filter(|(is, _)| *is).map(|(_, event)| *event).collect();
            if !events.is_empty() {
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

    /// The columns of a table whose type is not one that is compared as declared, or that cannot be changed.
    fn mysql_columns(&self, table: TableId, here: &str) -> Option<String> {
        let ty = "CONCAT(data_type, IF(column_type LIKE '%unsigned%', ' unsigned', ''))";
        let mut conditions = Vec::new();
        for Compared { column, ty: declared, .. } in self.compared().into_iter().filter(|column| column.table == table)
        {
            let types =
                live_types(Dialect::MySql, declared).iter().map(|ty| mysql_text(ty)).collect::<Vec<_>>().join(", ");
            conditions.push(format!(
                "WHEN column_name = {} AND {ty} NOT IN ({types}) THEN CONCAT('type {table} {column} ', {ty})",
                mysql_text(&self.column(table, column))
            ));
        }
        for key in self.changing().map(|key| &self.schema.keys[key]).filter(|key| key.child == table) {
            conditions.extend(key.child_columns.iter().map(|&column| {
                format!(
                    "WHEN column_name = {} AND generation_expression <> '' THEN 'generated {table} {column}'",
                    mysql_text(&self.column(table, column))
                )
            }));
        }
        (!conditions.is_empty())
            .then(|| format!("SELECT CASE {} END FROM information_schema.columns WHERE {here}", conditions.join(" ")))
    }
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

/// The types of a column that is there, as the catalogs name them, whose values are read, carried and compared just as
/// those of a column of the declared type.
fn live_types(dialect: Dialect, ty: &ColumnType) -> Vec<String> {
    let types: &[&str] = match (dialect, ty) {
        (_, ColumnType::Enum { name, .. }) if dialect == Dialect::Postgres => return vec![name.to_string()],
        (_, ColumnType::Custom(name)) if dialect == Dialect::Postgres => return vec![postgres_name(&name.to_string())],
        (Dialect::Postgres, ColumnType::Char(_)) => &["bpchar"],
        (Dialect::Postgres, ColumnType::String(_) | ColumnType::Text) => &["text", "varchar", "bpchar", "name"],
        (Dialect::Postgres, ColumnType::Decimal(_)) => &["numeric", "int2", "int4", "int8"],
        (Dialect::Postgres, ColumnType::Money(_)) => &["money"],
        (Dialect::Postgres, ColumnType::DateTime | ColumnType::Timestamp) => &["timestamp"],
        (Dialect::Postgres, ColumnType::TimestampWithTimeZone) => &["timestamptz"],
        (Dialect::Postgres, ColumnType::Time) => &["time"],
        (Dialect::Postgres, ColumnType::Date) => &["date"],
        (Dialect::Postgres, ColumnType::Boolean) => &["bool"],
        (Dialect::Postgres, ColumnType::Uuid) => &["uuid"],
        (Dialect::Postgres, ColumnType::Bit(_)) => &["bit"],
        (Dialect::Postgres, ColumnType::VarBit(_)) => &["varbit"],
        (Dialect::Postgres, ColumnType::Binary(_) | ColumnType::VarBinary(_) | ColumnType::Blob) => &["bytea"],
        (Dialect::Postgres, ColumnType::Cidr) => &["cidr"],
        (Dialect::Postgres, ColumnType::Inet) => &["inet"],
        (Dialect::Postgres, ColumnType::MacAddr) => &["macaddr"],
        (Dialect::Postgres, ColumnType::LTree) => &["ltree"],
        (Dialect::Postgres, _) => &["int2", "int4", "int8"],
        (Dialect::MySql, ColumnType::Uuid) => &["binary", "varbinary", "uuid"],
        (Dialect::MySql, ColumnType::Boolean) => &["tinyint", "tinyint unsigned", "smallint", "int", "bigint", "bit"],
        (Dialect::MySql, _) => match KeyKind::of(dialect, ty) {
            Some(KeyKind::Integer) => &[
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
                "year unsigned",
            ],
            Some(KeyKind::Unsigned) => {
                &["tinyint unsigned", "smallint unsigned", "mediumint unsigned", "int unsigned", "bigint unsigned"]
            }
            Some(KeyKind::Decimal) => &[
                "decimal",
                "decimal unsigned",
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
                "uuid",
                "inet4",
                "inet6",
            ],
        },
        (Dialect::Sqlite, _) => &[],
    };
    types.iter().map(|&ty| ty.to_owned()).collect()
}

/// The name of a type that is declared by its name, as `pg_type` has it.
fn postgres_name(declared: &str) -> String {
    let name = declared.split('(').next().unwrap_or_default().trim();
    let name = name.rsplit('.').next().unwrap_or_default();
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => match name.to_lowercase().as_str() {
            "character varying" => "varchar".to_owned(),
            "character" | "char" => "bpchar".to_owned(),
            "integer" | "int" => "int4".to_owned(),
            "bigint" => "int8".to_owned(),
            "smallint" => "int2".to_owned(),
            "decimal" => "numeric".to_owned(),
            "timestamp with time zone" => "timestamptz".to_owned(),
            "timestamp without time zone" => "timestamp".to_owned(),
            "bit varying" => "varbit".to_owned(),
            name => name.to_owned(),
        },
    }
}
