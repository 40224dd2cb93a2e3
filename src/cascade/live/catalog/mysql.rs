//! The catalogs of MySQL and MariaDB: eight statements, and one more on MariaDB.
//!
//! I/O. Foreign keys are read from the whole server, as far as the user sees it: a table of another
//! database may reference ours.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{DbErr, QueryResult, Value};

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::db::session::Session;
use crate::cascade::live::catalog::{action, add_to_index, add_to_key, get, place, query, table_of};
use crate::cascade::live::data::{
    Filled, IndexDefect, Live, LiveColumn, LiveIndex, LiveKey, LiveTrigger, Nulls, TableKind,
};
use crate::cascade::live::types::{Collation, LiveType, Sort};

const SERVER: &str = "SELECT CAST(version() AS CHAR) AS version, CAST(database() AS CHAR) AS db, \
     CAST(@@foreign_key_checks AS SIGNED) AS checks, CAST(@@lower_case_table_names AS SIGNED) AS folding, \
     CAST(@@collation_database AS CHAR) AS collation";

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

/// Views, partitioned tables, and tables whose storage engine has no transactions.
const TABLES: &str = "SELECT CAST(t.table_schema AS CHAR) AS db, CAST(t.table_name AS CHAR) AS tbl, \
     CAST(t.table_type AS CHAR) AS kind, CAST(t.engine AS CHAR) AS engine, \
     CAST(t.create_options AS CHAR) AS options, CAST(t.table_collation AS CHAR) AS collation, CAST(e.transactions AS CHAR) AS transactions \
     FROM information_schema.tables AS t LEFT JOIN information_schema.engines AS e ON e.engine = t.engine \
     WHERE t.table_schema IN ";

const TRIGGERS: &str = "SELECT CAST(event_object_schema AS CHAR) AS db, CAST(event_object_table AS CHAR) AS tbl, \
     CAST(trigger_name AS CHAR) AS name, CAST(action_timing AS CHAR) AS timing, \
     CAST(event_manipulation AS CHAR) AS event FROM information_schema.triggers \
     WHERE event_manipulation IN ('DELETE', 'UPDATE') AND event_object_schema IN ";

/// The settings with which several servers accept writes: Galera, or Group Replication with several
/// primaries. MariaDB has them in `information_schema`; MySQL has them in `performance_schema`,
/// which every user may read.
const CLUSTER: &str = "SELECT LOWER(CAST(variable_name AS CHAR)) AS name, CAST(variable_value AS CHAR) AS value \
     FROM {schema}.global_variables WHERE variable_name IN ('wsrep_on', \
     'group_replication_group_name', 'group_replication_single_primary_mode') \
     UNION ALL SELECT LOWER(CAST(variable_name AS CHAR)), CAST(variable_value AS CHAR) \
     FROM {schema}.global_status WHERE variable_name = 'wsrep_cluster_size'";

/// MariaDB has CHECKs that belong to their column, and drops them if MODIFY COLUMN does not state
/// them. Since 10.5.10 `LEVEL` shows which; before, every CHECK is treated as one.
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
        collation: Some(Collation::with_charset(get(server, "collation")?)),
        several_writers: several_writers(session, is_mariadb).await?,
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
    /// Reads the rows of a query that ends with this list, in this order.
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
    let (mut tables, mut checked) = (BTreeMap::new(), BTreeSet::new());
    for row in schemas.query(session, TABLES, "").await? {
        let collation = get::<Option<String>>(&row, "collation")?.map(Collation::with_charset);
        // Its columns cannot be changed without stating what they were.
        let keeps_history = get::<String>(&row, "kind")? == "SYSTEM VERSIONED";
        tables.insert(place(&row, "db", "tbl")?, (kind(&row)?, engine(&row)?, collation, keeps_history));
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
        let of_table = tables.get(&place).cloned();
        let (kind, engine, collation, keeps_history) = of_table.unwrap_or((TableKind::Plain, None, None, false));
        let mut column = column(&row, is_mariadb)?;
        let is_checked = checked.contains(&(place.clone(), column.name.clone()));
        column.stated = column.stated.filter(|_| !is_checked && !keeps_history);
        let table = table_of(&mut live.tables, place, is_visible, kind);
        (table.keepers.engine, table.collation) = (engine, collation);
        table.columns.push(column);
    }
    let order = " ORDER BY event_object_schema, event_object_table, action_timing, event_manipulation, trigger_name";
    for row in schemas.query(session, TRIGGERS, order).await? {
        let place = place(&row, "db", "tbl")?;
        let Some(table) = live.tables.iter_mut().find(|table| table.place == place) else { continue };
        let (timing, event): (String, String) = (get(&row, "timing")?, get(&row, "event")?);
        let on_delete = event == "DELETE";
        let event = format!("{timing} {event}");
        table.keepers.triggers.push(LiveTrigger { name: get(&row, "name")?, event, on_delete });
    }
    Ok(())
}

fn kind(row: &QueryResult) -> Result<TableKind, DbErr> {
    let options = get::<Option<String>>(row, "options")?.unwrap_or_default();
    Ok(match get::<String>(row, "kind")?.as_str() {
        "VIEW" | "SYSTEM VIEW" => TableKind::View,
        _ if options.contains("partitioned") => TableKind::Partitioned,
        _ => TableKind::Plain,
    })
}

/// Returns the storage engine of a table, if it has no transactions. A view has none.
fn engine(row: &QueryResult) -> Result<Option<String>, DbErr> {
    let is_transactional = get::<Option<String>>(row, "transactions")?.is_none_or(|transactions| transactions == "YES");
    Ok(get::<Option<String>>(row, "engine")?.filter(|_| !is_transactional))
}

/// Returns the setting with which several servers accept writes.
async fn several_writers(session: &dyn Session, is_mariadb: bool) -> Result<Option<String>, DbErr> {
    let sql = CLUSTER.replace("{schema}", if is_mariadb { "information_schema" } else { "performance_schema" });
    let mut settings = BTreeMap::new();
    for row in query(session, sql, Vec::new()).await? {
        settings.insert(get::<String>(&row, "name")?, get::<Option<String>>(&row, "value")?.unwrap_or_default());
    }
    Ok(writers(&settings))
}

fn writers(settings: &BTreeMap<String, String>) -> Option<String> {
    let setting = |name: &str| settings.get(name).map(String::as_str).unwrap_or_default();
    let nodes: u32 = setting("wsrep_cluster_size").parse().unwrap_or_default();
    if setting("wsrep_on") == "ON" && nodes > 1 {
        return Some(format!("a Galera cluster of {nodes} servers"));
    }
    let is_grouped = !setting("group_replication_group_name").is_empty();
    let has_several = setting("group_replication_single_primary_mode") == "OFF";
    (is_grouped && has_several).then(|| "Group Replication with several primaries".to_owned())
}

async fn read_indexes(session: &dyn Session, schemas: &Schemas, live: &mut Live) -> Result<(), DbErr> {
    let order = " ORDER BY table_schema, table_name, index_name, seq_in_index";
    for row in schemas.query(session, INDEXES, order).await? {
        // A prefix index has only the beginning of values.
        let column = match get::<Option<i64>>(&row, "part")? {
            Some(_) => None,
            None => get(&row, "col")?,
        };
        let index = LiveIndex {
            name: get(&row, "name")?,
            columns: vec![column],
            is_unique: get::<i64>(&row, "repeats")? == 0,
            unique_in_the_end: (get::<i64>(&row, "repeats")? == 0).then_some(Nulls::Differ),
            collations: Vec::new(),
            is_partial: false,
            defect: defect(&row)?,
        };
        add_to_index(&mut live.tables, &place(&row, "db", "tbl")?, index);
    }
    Ok(())
}

async fn read_keys(session: &dyn Session, live: &mut Live) -> Result<(), DbErr> {
    let mut rules = BTreeMap::new();
    for row in query(session, RULES, Vec::new()).await? {
        let name = (place(&row, "db", "tbl")?, get::<String>(&row, "name")?);
        // MySQL and MariaDB report RESTRICT if nothing is stated.
        let on_update = match action(&row, "on_update")? {
            Action::Restrict => Action::NoAction,
            stated => stated,
        };
        rules.insert(name, (action(&row, "on_delete")?, on_update));
    }
    let mut keys = Vec::new();
    for row in query(session, KEYS, Vec::new()).await? {
        let (child, name) = (place(&row, "child_schema", "child")?, get::<String>(&row, "name")?);
        // It was dropped between the two statements.
        let Some(&(on_delete, on_update)) = rules.get(&(child.clone(), name.clone())) else { continue };
        let id = format!("{}.{}.{name}", child.schema, child.table);
        let key = LiveKey {
            name,
            child,
            child_columns: vec![get(&row, "child_column")?],
            parent: place(&row, "parent_schema", "parent")?,
            child_is_of: Vec::new(),
            parent_is_of: Vec::new(),
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

fn defect(row: &QueryResult) -> Result<Option<IndexDefect>, DbErr> {
    let says = |name: &str, word: &str| row.try_get::<String>("", name).is_ok_and(|value| value == word);
    let kind: String = get(row, "kind")?;
    Ok(match kind.as_str() {
        _ if says("IGNORED", "YES") || says("IS_VISIBLE", "NO") => Some(IndexDefect::Ignored),
        "BTREE" | "HASH" => None,
        _ => Some(IndexDefect::Kind),
    })
}

/// Returns everything that MODIFY COLUMN must state, if the catalogs have it.
fn column(row: &QueryResult, is_mariadb: bool) -> Result<LiveColumn, DbErr> {
    let optional = |name| get::<Option<String>>(row, name).map(Option::unwrap_or_default);
    let (extra, remark, charset) = (optional("extra")?, optional("remark")?, optional("charset")?);
    let collation = (!charset.is_empty()).then(|| Ok::<_, DbErr>(Collation::named(optional("collation")?, charset)));
    let ty = LiveType::new(Dialect::MySql, get(row, "ty")?, collation.transpose()?);
    let is_generated = ["VIRTUAL GENERATED", "STORED GENERATED", "PERSISTENT"].iter().any(|word| extra.contains(word));
    let default = get::<Option<String>>(row, "dflt")?;
    let default = if is_mariadb { of_mariadb(default) } else { of_mysql(default, &ty, &extra) };
    let stated = default.zip(more(&extra)).filter(|_| is_whole(&remark)).map(|(default, more)| {
        let remark = (!remark.is_empty()).then(|| format!("COMMENT {}", text(&remark)));
        [default, more, remark.unwrap_or_default()]
            .into_iter()
            .filter(|words| !words.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    });
    let (name, nullable) = (get(row, "name")?, get::<String>(row, "is_nullable")? == "YES");
    let told = extra.to_lowercase();
    let is_set_by_update = told.contains("on update");
    let filled = match get::<Option<String>>(row, "dflt")? {
        _ if is_generated => Filled::ByExpression,
        _ if told.contains("auto_increment") => Filled::ByNumber,
        Some(_) => Filled::ByDefault,
        None => Filled::Not,
    };
    Ok(LiveColumn { filled, is_set_by_update, stated, ..crate::cascade::live::catalog::column(name, nullable, ty) })
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

/// Whether the catalogs have the exact text: they replace characters beyond three bytes of UTF-8 by
/// a question mark.
fn is_whole(text: &str) -> bool {
    !text.contains('?')
}

/// Returns the DEFAULT clause, empty if there is none; `None` if it may differ. MariaDB has it in
/// the form to write.
fn of_mariadb(default: Option<String>) -> Option<String> {
    let stated = default.filter(|default| default != "NULL");
    if stated.as_deref().is_some_and(|default| !is_whole(default)) {
        return None;
    }
    Some(stated.map(|default| format!("DEFAULT {default}")).unwrap_or_default())
}

/// The same for MySQL, which has a default without quotes, an expression in its own form, and bytes
/// as hexadecimal digits up to the first zero; `None` if it may be cut.
fn of_mysql(default: Option<String>, ty: &LiveType, extra: &str) -> Option<String> {
    let Some(default) = default else { return Some(String::new()) };
    if !is_whole(&default) {
        return None;
    }
    let is_expression = extra.to_uppercase().contains("DEFAULT_GENERATED");
    let is_now = default.to_uppercase().starts_with("CURRENT_TIMESTAMP");
    let value = match &ty.sort {
        _ if is_expression && is_now => default,
        _ if is_expression => format!("({})", unescaped(&default)),
        Sort::Bytes(_) if default.is_empty() => "''".to_owned(),
        Sort::Bytes(_) => {
            let is_whole = default.len() == 2 + 2 * usize::try_from(ty.length()?).ok()?;
            is_whole.then_some(default)?
        }
        Sort::Other(name) if name.starts_with("bit") => default,
        _ => text(&default),
    };
    Some(format!("DEFAULT {value}"))
}

/// MySQL writes quotes in an expression with a backslash.
fn unescaped(expression: &str) -> String {
    let (mut text, mut chars) = (String::new(), expression.chars());
    while let Some(char) = chars.next() {
        text.extend(if char == '\\' { chars.next() } else { Some(char) });
    }
    text
}

/// Returns the other clauses; `None` if something is unknown.
fn more(extra: &str) -> Option<String> {
    let mut rest = extra.to_uppercase().replace("DEFAULT_GENERATED", "");
    let mut words = Vec::new();
    if let Some(at) = rest.find("ON UPDATE ") {
        // With its fractional digits.
        let set = rest.split_off(at);
        let (now, after) = set.split_at(set.find([')', ',']).map_or(set.len(), |end| end + 1));
        words.push(now.trim_end_matches(',').trim().to_owned());
        rest += after;
    }
    for word in ["AUTO_INCREMENT", "INVISIBLE"] {
        if rest.contains(word) {
            rest = rest.replace(word, "");
            words.insert(0, word.to_owned());
        }
    }
    let is_told = rest.chars().all(|char| char == ',' || char.is_whitespace());
    is_told.then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_stated(ty: &str, default: &str, extra: &str, expected: Option<&str>) {
        let ty = LiveType::new(Dialect::MySql, ty.to_owned(), None);
        let found = of_mysql(Some(default.to_owned()), &ty, extra).zip(more(extra));
        let found = found.map(|(default, more)| format!("{default} {more}").trim().to_owned());
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn defaults_of_mysql() {
        assert_stated("varchar(9)", "it's", "", Some("DEFAULT 'it''s'"));
        assert_stated("varchar(9)", "NULL", "", Some("DEFAULT 'NULL'"));
        assert_stated("varchar(9)", "0x61", "", Some("DEFAULT '0x61'"));
        assert_stated("bigint", "5", "INVISIBLE", Some("DEFAULT '5' INVISIBLE"));
        assert_stated("bit(3)", "b'101'", "", Some("DEFAULT b'101'"));
        assert_stated("binary(3)", "0x616263", "", Some("DEFAULT 0x616263"));
        assert_stated("varbinary(3)", "", "", Some("DEFAULT ''"));
        assert_stated("varchar(9)", "?", "", None);
        // The value may continue after a zero byte.
        assert_stated("binary(3)", "0x61", "", None);
        assert_stated("varbinary(30)", "0x61", "", None);
        assert_stated("char(36)", "uuid()", "DEFAULT_GENERATED", Some("DEFAULT (uuid())"));
        let expression = r"concat(_utf8mb3\'a\',_utf8mb3\'\\\'\')";
        assert_stated("text", expression, "DEFAULT_GENERATED", Some(r"DEFAULT (concat(_utf8mb3'a',_utf8mb3'\''))"));
        let updated = "DEFAULT_GENERATED on update CURRENT_TIMESTAMP(3)";
        let expected = "DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)";
        assert_stated("datetime(3)", "CURRENT_TIMESTAMP(3)", updated, Some(expected));
        assert_stated("int", "5", "STORED GENERATED", None);
    }

    #[test]
    fn what_else_is_said() {
        for (extra, expected) in [
            ("", Some("")),
            ("auto_increment", Some("AUTO_INCREMENT")),
            ("on update current_timestamp(3)", Some("ON UPDATE CURRENT_TIMESTAMP(3)")),
            ("on update current_timestamp(), INVISIBLE", Some("INVISIBLE ON UPDATE CURRENT_TIMESTAMP()")),
            ("DEFAULT_GENERATED on update CURRENT_TIMESTAMP INVISIBLE", Some("ON UPDATE CURRENT_TIMESTAMP INVISIBLE")),
            ("WITHOUT SYSTEM VERSIONING", None),
        ] {
            assert_eq!(more(extra).as_deref(), expected, "{extra}");
        }
    }

    #[test]
    fn clusters() {
        let found = |settings: &[(&str, &str)]| {
            writers(&settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        assert_eq!(found(&[("wsrep_on", "OFF"), ("wsrep_cluster_size", "0")]), None);
        assert_eq!(found(&[("wsrep_on", "ON"), ("wsrep_cluster_size", "1")]), None);
        let galera = found(&[("wsrep_on", "ON"), ("wsrep_cluster_size", "3")]);
        assert_eq!(galera.as_deref(), Some("a Galera cluster of 3 servers"));
        let (name, mode) = (("group_replication_group_name", "aaaa"), "group_replication_single_primary_mode");
        assert_eq!(found(&[name, (mode, "ON")]), None);
        assert_eq!(found(&[name, (mode, "OFF")]).as_deref(), Some("Group Replication with several primaries"));
        assert_eq!(found(&[("group_replication_group_name", ""), (mode, "OFF")]), None);
    }
}
