//! Compares the record tables of a graph that can undo deletes with their tables.
//!
//! Pure. The fixes create and widen them; nothing else ever does (U12).

use sea_orm::sea_query::{Alias, IntoIden as _, TableName};

use crate::cascade::audit::compare::{Comparison, Draft};
use crate::cascade::audit::fix::PlannedFix;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::finding::Severity;
use crate::cascade::data::finding_kind::FindingKind;
use crate::cascade::declare::schema::{Schema, TableId};
use crate::cascade::live::data::{Live, LiveColumn, LiveTable, TableKind};
use crate::cascade::live::record::{different, missing};
use crate::cascade::live::types::LiveType;
use crate::cascade::plan::recording::{KIND, RECEIPT, RECEIPTS, STEP, fitting, record_table};
use crate::cascade::sql::record::quoted;

/// The largest size of a primary key in InnoDB, without the two numbers that a record adds.
const KEY_BYTES_MAX: u32 = 3_072 - 16;

impl Comparison<'_> {
    /// Checks the record table of each table, and the table of the receipts.
    pub(super) fn check_records(&self, drafts: &mut Vec<Draft>) {
        check_records(self.schema, self.live, drafts);
    }
}

fn check_records(schema: &Schema, live: &Live, drafts: &mut Vec<Draft>) {
    if !schema.is_recorded {
        return;
    }
    let receipts = TableName(None, Alias::new(RECEIPTS).into_iden());
    if live.find(&receipts).is_none() {
        let statement = receipts_table(live.dialect);
        drafts.push(draft(
            RECEIPTS,
            FindingKind::RecordTableMissing,
            ("the table of the receipts".to_owned(), "no such table".to_owned()),
            "no delete can be recorded",
            PlannedFix::Statements(vec![statement]),
        ));
    }
    for id in 0..schema.tables.len() {
        let table = &schema.tables[id];
        let Some(found) = live.find(&table.name).filter(|found| found.kind != TableKind::View) else { continue };
        check_reuse(schema, live, id, drafts);
        let name = record_table(&table.name);
        let label = name.1.to_string();
        let Some(record) = live.find(&name) else {
            drafts.push(draft(
                &table.label,
                FindingKind::RecordTableMissing,
                (format!("the record table {label}"), "no such table".to_owned()),
                "a delete that takes rows of this table cannot be recorded",
                create(schema, live, id, found),
            ));
            continue;
        };
        let (missing, different) = (missing(live, found, record), different(live, found, record));
        if missing.is_empty() && different.is_empty() {
            continue;
        }
        let named = |columns: &[&LiveColumn]| columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        let columns: Vec<String> = named(&missing).into_iter().chain(named(&different)).collect();
        let of = quoted(live.dialect, &name);
        let add =
            missing.iter().map(|column| format!("ALTER TABLE {of} ADD COLUMN {}", column_of(live, column, false)));
        let primary_key = table.names(&table.primary_key);
        let change = different.iter().map(|column| {
            let is_key = primary_key.iter().any(|key| live.same_column(key, &column.name));
            match live.dialect {
                Dialect::Postgres => {
                    let (name, ty) = (live.dialect.quoted(&column.name), type_of(live, column));
                    format!("ALTER TABLE {of} ALTER COLUMN {name} TYPE {ty}")
                }
                _ => format!("ALTER TABLE {of} MODIFY COLUMN {}", column_of(live, column, is_key)),
            }
        });
        drafts.push(draft(
            &table.label,
            FindingKind::RecordTableBehind { columns: columns.clone() },
            (format!("{label} has every column of {}", table.label), format!("{} missing or of another type", columns.join(", "))),
            "a delete that takes rows of this table cannot be recorded. Run the fix before a type is narrowed: it changes the \
             recorded values too",
            PlannedFix::Statements(add.chain(change).collect()),
        ));
    }
}

/// U10: where keys are handed out again, a row that comes back could get the children of another.
fn check_reuse(schema: &Schema, live: &Live, id: TableId, drafts: &mut Vec<Draft>) {
    let table = &schema.tables[id];
    let [key] = table.primary_key.as_slice() else { return };
    let Some(found) = live.find(&table.name).filter(|_| live.dialect == Dialect::Sqlite && schema.has_children(id))
    else {
        return;
    };
    let name = table.columns[*key].name.to_string();
    let column = found.column(live, &name).and_then(|column| column.ty.as_ref());
    let is_rowid = column.is_some_and(|ty| ty.name.eq_ignore_ascii_case("INTEGER"));
    let Some(definition) = found.definition.as_ref().filter(|_| is_rowid) else { return };
    if definition.create.to_ascii_uppercase().contains("AUTOINCREMENT") {
        return;
    }
    drafts.push(draft(
        &table.label,
        FindingKind::KeysReused { column: name.clone() },
        (
            format!("{}.{name} is never handed out again", table.label),
            "INTEGER PRIMARY KEY without AUTOINCREMENT".to_owned(),
        ),
        "SQLite gives the key of a deleted row to a new one, so that a row which comes back could reference a stranger",
        PlannedFix::ByHand(format!("make {} again with {name} INTEGER PRIMARY KEY AUTOINCREMENT", table.label)),
    ));
}

fn draft(table: &str, kind: FindingKind, (declared, found): (String, String), why: &str, fix: PlannedFix) -> Draft {
    let severity = match kind {
        FindingKind::KeysReused { .. } => Severity::Warning,
        _ => Severity::Error,
    };
    let (table, why) = (table.to_owned(), why.to_owned());
    Draft { kind, severity, changes: None, table, foreign_key: None, declared, found, why, fix }
}

fn receipts_table(dialect: Dialect) -> String {
    let (number, text) = match dialect {
        Dialect::Sqlite => ("INTEGER", "TEXT"),
        Dialect::Postgres => ("bigint", "text"),
        Dialect::MySql => ("bigint", "longtext CHARACTER SET utf8mb4"),
    };
    format!(
        "CREATE TABLE IF NOT EXISTS {RECEIPTS} (number {number} NOT NULL PRIMARY KEY, made_at {number} NOT NULL, \
         reason {text} NOT NULL, root {text} NOT NULL, state varchar(10) NOT NULL, numbers {text} NOT NULL)"
    )
}

/// Creates a record table: the columns of its table, which may all be NULL, and its own three.
fn create(schema: &Schema, live: &Live, id: TableId, found: &LiveTable) -> PlannedFix {
    let (table, dialect) = (&schema.tables[id], live.dialect);
    let primary_key = table.names(&table.primary_key);
    let is_key = |column: &LiveColumn| primary_key.iter().any(|key| live.same_column(key, &column.name));
    let keys: Vec<&LiveType> =
        found.columns.iter().filter(|column| is_key(column)).filter_map(|column| column.ty.as_ref()).collect();
    let is_too_long =
        keys.iter().map(|ty| ty.bytes_max()).sum::<u32>() > KEY_BYTES_MAX || keys.iter().any(|ty| ty.is_endless());
    let name = record_table(&table.name);
    if dialect == Dialect::MySql && is_too_long {
        return PlannedFix::ByHand(format!(
            "create {} by hand: the primary key of {} with two numbers before it is longer than a key of InnoDB can be",
            name.1, table.label
        ));
    }
    let taken =
        found.columns.iter().find(|column| [RECEIPT, STEP, KIND].iter().any(|own| live.same_column(own, &column.name)));
    if let Some(column) = taken {
        return PlannedFix::ByHand(format!(
            "rename the column {} of {}: a record has one of that name",
            column.name, table.label
        ));
    }
    let mut columns: Vec<String> = found.columns.iter().map(|column| column_of(live, column, is_key(column))).collect();
    let own = match dialect {
        Dialect::Sqlite => ["INTEGER", "INTEGER", "TEXT"],
        Dialect::Postgres => ["bigint", "bigint", "text"],
        Dialect::MySql => ["bigint", "bigint", "varchar(8) CHARACTER SET ascii"],
    };
    columns.extend([RECEIPT, STEP, KIND].iter().zip(own).map(|(name, ty)| format!("{name} {ty} NOT NULL")));
    let list = |columns: &[String]| columns.iter().map(|column| dialect.quoted(column)).collect::<Vec<_>>().join(", ");
    if dialect != Dialect::Sqlite {
        columns.push(format!("PRIMARY KEY ({RECEIPT}, {STEP}, {})", list(&primary_key)));
    }
    let engine = if dialect == Dialect::MySql { " ENGINE = InnoDB" } else { "" };
    let mut statements = vec![format!("CREATE TABLE {} ({}){engine}", quoted(dialect, &name), columns.join(", "))];
    let mut indexed: Vec<Vec<String>> = Vec::new();
    for key in schema.keys_to(id) {
        let columns = table.names(&schema.keys[key].parent_columns);
        if !indexed.contains(&columns) {
            indexed.push(columns);
        }
    }
    let index = |(n, columns): (usize, String)| {
        let index = dialect.quoted(&fitting(format!("{}_{n}", name.1)));
        match (dialect, &name.0) {
            (Dialect::Sqlite, Some(schema)) => {
                let (schema, table) = (dialect.quoted(&schema.1.to_string()), dialect.quoted(&name.1.to_string()));
                format!("CREATE INDEX {schema}.{index} ON {table} ({columns})")
            }
            _ => format!("CREATE INDEX {index} ON {} ({columns})", quoted(dialect, &name)),
        }
    };
    let by_receipt = (dialect == Dialect::Sqlite).then(|| format!("{RECEIPT}, {STEP}"));
    let by_key = indexed.iter().map(|columns| format!("{}, {RECEIPT}", list(columns)));
    statements.extend(by_receipt.into_iter().chain(by_key).enumerate().map(index));
    PlannedFix::Statements(statements)
}

fn type_of(live: &Live, column: &LiveColumn) -> String {
    let Some(ty) = &column.ty else { return String::new() };
    let collation = match (live.dialect, &ty.collation) {
        (Dialect::Postgres, Some(collation)) if !collation.gives_way => format!(" COLLATE {}", collation.name),
        (Dialect::MySql, Some(collation)) => format!(" CHARACTER SET {} COLLATE {}", collation.charset, collation.name),
        (Dialect::Sqlite, Some(collation)) if collation.name != "BINARY" => format!("COLLATE {}", collation.name),
        _ => String::new(),
    };
    match live.dialect {
        // Any type would convert values. The collation decides which references are equal.
        Dialect::Sqlite => collation,
        Dialect::Postgres | Dialect::MySql => format!("{}{collation}", ty.name),
    }
}

/// A TIMESTAMP of MariaDB is NOT NULL unless NULL is stated.
fn column_of(live: &Live, column: &LiveColumn, is_key: bool) -> String {
    let null = match live.dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres | Dialect::MySql if is_key => " NOT NULL",
        Dialect::Postgres | Dialect::MySql => " NULL",
    };
    let (name, ty) = (live.dialect.quoted(&column.name), type_of(live, column));
    format!("{name} {ty}{null}").trim_end().to_owned()
}
