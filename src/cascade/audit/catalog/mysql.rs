//! The catalogs of MySQL and MariaDB: six statements, and one more on MariaDB.
//!
//! I/O. Foreign keys are read of the whole server, as far as the user sees it: a table of another database may refer to
//! ours.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{DbErr, QueryResult, Value};

use super::{action, add_to_index, add_to_key, get, place, query, table_of};
use crate::cascade::audit::live::{Flaw, Live, LiveColumn, LiveIndex, LiveKey, TableKind};
use crate::cascade::dialect::Dialect;
use crate::cascade::graph::Action;
use crate::cascade::session::Session;

const SERVER: &str = "SELECT CAST(version() AS CHAR) AS version, CAST(database() AS CHAR) AS db, \
     CAST(@@foreign_key_checks AS SIGNED) AS checks, CAST(@@lower_case_table_names AS SIGNED) AS folding";

const COLUMNS: &str = "SELECT CAST(table_schema AS CHAR) AS db, CAST(table_name AS CHAR) AS tbl, \
     CAST(column_name AS CHAR) AS name, CAST(is_nullable AS CHAR) AS is_nullable, CAST(column_type AS CHAR) AS ty, \
     CAST(character_set_name AS CHAR) AS charset, CAST(collation_name AS CHAR) AS collation, \
     CAST(column_default AS CHAR) AS dflt, CAST(extra AS CHAR) AS extra, CAST(column_comment AS CHAR) AS remark \
     FROM information_schema.columns WHERE table_schema IN ";

/// All columns, because MariaDB has `IGNORED` and MySQL `IS_VISIBLE`.
const INDEXES: &str = "SELECT s.*, CAST(table_schema AS CHAR) AS db, CAST(table_name AS CHAR) AS tbl, \
     CAST(index_name AS CHAR) AS name, CAST(column_name AS CHAR) AS col, CAST(non_unique AS SIGNED) AS repeats, \
     CAST(sub_part AS SIGNED) AS part, CAST(index_type AS CHAR) AS kind \
     FROM information_schema.statistics AS s WHERE table_schema IN ";

const VIEWS: &str = "SELECT CAST(table_schema AS CHAR) AS db, CAST(table_name AS CHAR) AS tbl \
     FROM information_schema.views WHERE table_schema IN ";

/// MariaDB has checks that are a part of their column, and are gone where it is stated without. `LEVEL` tells which, since
/// 10.5.10; before, every check is taken for one.
const CHECKS: &str = "SELECT c.*, CAST(constraint_schema AS CHAR) AS db, CAST(table_name AS CHAR) AS tbl, \
     CAST(constraint_name AS CHAR) AS col FROM information_schema.check_constraints AS c \
     WHERE constraint_schema IN ";

const RULES: &str = "SELECT CAST(constraint_schema AS CHAR) AS db, CAST(table_name AS CHAR) AS tbl, \
     CAST(constraint_name AS CHAR) AS name, CAST(delete_rule AS CHAR) AS on_delete, \
     CAST(update_rule AS CHAR) AS on_update FROM information_schema.referential_constraints";

const KEYS: &str = "SELECT CAST(table_schema AS CHAR) AS child_schema, CAST(table_name AS CHAR) AS child, \
     CAST(constraint_name AS CHAR) AS name, CAST(column_name AS CHAR) AS child_column, \
     CAST(referenced_table_schema AS CHAR) AS parent_schema, CAST(referenced_table_name AS CHAR) AS parent, \
     CAST(referenced_column_name AS CHAR) AS parent_column \
     FROM information_schema.key_column_usage WHERE referenced_table_name IS NOT NULL \
     ORDER BY table_schema, table_name, constraint_name, ordinal_position";

pub(super) async fn read(session: &dyn Session, schemas: &BTreeSet<String>) -> Result<Live, DbErr> {
    let server = query(session, SERVER, Vec::new()).await?;
    let server = server.first().ok_or_else(|| DbErr::RecordNotFound("the settings of the server".to_owned()))?;
    let version: String = get(server, "version")?;
    let is_mariadb = version.contains("MariaDB");
    let current = get::<Option<String>>(server, "db")?.unwrap_or_default();
    let schemas: Vec<Value> = schemas.iter().chain([&current]).map(|schema| schema.as_str().into()).collect();
    let list = format!("({})", vec!["?"; schemas.len()].join(", "));
    let mut live = Live {
        dialect: Dialect::MySql,
        server: if is_mariadb { version } else { format!("MySQL {version}") },
        current_schema: current,
        folds_tables: get::<i64>(server, "folding")? != 0,
        enforces: get::<i64>(server, "checks")? != 0,
        tables: Vec::new(),
        keys: Vec::new(),
    };
    let schemas = Schemas { names: schemas, list };
    read_columns(session, &schemas, is_mariadb, &mut live).await?;
    read_indexes(session, &schemas, &mut live).await?;
    read_keys(session, &mut live).await?;
    Ok(live)
}

/// The schemas whose tables are read, as a list to bind.
struct Schemas {
    names: Vec<Value>,
    list: String,
}

impl Schemas {
    /// The rows of a query that ends with the list of them, in this order.
    async fn query(&self, session: &dyn Session, sql: &str, order: &str) -> Result<Vec<QueryResult>, DbErr> {
        query(session, format!("{sql}{}{order}", self.list), self.names.clone()).await
    }
}

async fn read_columns(
    session: &dyn Session,
    schemas: &Schemas,
    is_mariadb: bool,
    live: &mut Live,
) -> Result<(), DbErr> {
    let (mut views, mut checked) = (BTreeSet::new(), BTreeSet::new());
    for row in schemas.query(session, VIEWS, "").await? {
        views.insert(place(&row, "db", "tbl")?);
    }
    let checks = if is_mariadb { schemas.query(session, CHECKS, "").await? } else { Vec::new() };
    for row in checks {
        if row.try_get::<String>("", "LEVEL").map_or(true, |level| level == "Column") {
            checked.insert((place(&row, "db", "tbl")?, get::<String>(&row, "col")?));
        }
    }
    for row in schemas.query(session, COLUMNS, " ORDER BY table_schema, table_name, ordinal_position").await? {
        let place = place(&row, "db", "tbl")?;
        let is_visible = place.schema == live.current_schema;
        let kind = if views.contains(&place) { TableKind::View } else { TableKind::Plain };
        let mut column = column(&row, is_mariadb)?;
        column.stated = column.stated.filter(|_| !checked.contains(&(place.clone(), column.name.clone())));
        table_of(&mut live.tables, place, is_visible, kind).columns.push(column);
    }
    Ok(())
}

async fn read_indexes(session: &dyn Session, schemas: &Schemas, live: &mut Live) -> Result<(), DbErr> {
    let order = " ORDER BY table_schema, table_name, index_name, seq_in_index";
    for row in schemas.query(session, INDEXES, order).await? {
        // Of a prefix only the beginning of values is known.
        let column = match get::<Option<i64>>(&row, "part")? {
            Some(_) => None,
            None => get(&row, "col")?,
        };
        let index = LiveIndex {
            name: get(&row, "name")?,
            columns: vec![column],
            is_unique: get::<i64>(&row, "repeats")? == 0,
            is_partial: false,
            flaw: flaw(&row)?,
        };
        add_to_index(&mut live.tables, &place(&row, "db", "tbl")?, index);
    }
    Ok(())
}

async fn read_keys(session: &dyn Session, live: &mut Live) -> Result<(), DbErr> {
    let mut rules = BTreeMap::new();
    for row in query(session, RULES, Vec::new()).await? {
        let name = (place(&row, "db", "tbl")?, get::<String>(&row, "name")?);
        // What is not stated is RESTRICT there.
        let on_update = match action(&row, "on_update")? {
            Action::Restrict => Action::NoAction,
            stated => stated,
        };
        rules.insert(name, (action(&row, "on_delete")?, on_update));
    }
    let mut keys = Vec::new();
    for row in query(session, KEYS, Vec::new()).await? {
        let (child, name) = (place(&row, "child_schema", "child")?, get::<String>(&row, "name")?);
        // One that was dropped between the two statements is not there any more.
        let Some(&(on_delete, on_update)) = rules.get(&(child.clone(), name.clone())) else { continue };
        let id = format!("{}.{}.{name}", child.schema, child.table);
        let key = LiveKey {
            name,
            child,
            child_columns: vec![get(&row, "child_column")?],
            parent: place(&row, "parent_schema", "parent")?,
            parent_columns: vec![get(&row, "parent_column")?],
            on_delete,
            sets_some: false,
            on_update,
            matching: "",
            is_validated: true,
            is_enforced: true,
            deferrable: "",
        };
        add_to_key(&mut keys, id, key);
    }
    live.keys = keys.into_iter().map(|(_, key)| key).collect();
    Ok(())
}

fn flaw(row: &QueryResult) -> Result<Option<Flaw>, DbErr> {
    let says = |name: &str, word: &str| row.try_get::<String>("", name).is_ok_and(|value| value == word);
    let kind: String = get(row, "kind")?;
    Ok(match kind.as_str() {
        _ if says("IGNORED", "YES") || says("IS_VISIBLE", "NO") => Some(Flaw::Ignored),
        "BTREE" | "HASH" => None,
        _ => Some(Flaw::Kind),
    })
}

/// All that is to be said of a column when it is changed, if the catalogs say it. MySQL gives a default without its quotes,
/// and an expression in a form of its own.
fn column(row: &QueryResult, is_mariadb: bool) -> Result<LiveColumn, DbErr> {
    let optional = |name| get::<Option<String>>(row, name).map(Option::unwrap_or_default);
    let (extra, remark, charset) = (optional("extra")?, optional("remark")?, optional("charset")?);
    let text = |value: &str| format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"));
    let mut before = vec![get::<String>(row, "ty")?];
    if !charset.is_empty() {
        before.push(format!("CHARACTER SET {charset} COLLATE {}", optional("collation")?));
    }
    let mut after = Vec::new();
    match get::<Option<String>>(row, "dflt")?.filter(|default| default != "NULL") {
        Some(default) if is_mariadb => after.push(format!("DEFAULT {default}")),
        Some(default) => after.push(format!("DEFAULT {}", text(&default))),
        None => {}
    }
    let extra = extra.to_lowercase();
    for (found, words) in [
        ("auto_increment", "AUTO_INCREMENT"),
        ("on update", "ON UPDATE current_timestamp()"),
        ("invisible", "INVISIBLE"),
    ] {
        after.extend(extra.contains(found).then(|| words.to_owned()));
    }
    if !remark.is_empty() {
        after.push(format!("COMMENT {}", text(&remark)));
    }
    let is_told = !extra.contains("generated") && before.iter().all(|words| !words.starts_with("bit"));
    let stated = is_told.then(|| (before.join(" "), after.join(" ")));
    let nullable = get::<String>(row, "is_nullable")? == "YES";
    Ok(LiveColumn { name: get(row, "name")?, nullable, stated })
}
