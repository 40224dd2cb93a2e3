//! The catalogs of PostgreSQL: five statements.
//!
//! I/O. It reads `pg_constraint`, `pg_index` and `pg_attribute`. `information_schema` shows a user
//! only its own tables and does not say whether a constraint is valid.

use std::collections::BTreeSet;

use sea_orm::sea_query::ArrayType;
use sea_orm::{DbErr, QueryResult, Value};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::db::session::Session;
use crate::cascade::live::catalog::column;
use crate::cascade::live::catalog::{action, add_to_index, add_to_key, get, place, query, table_of};
use crate::cascade::live::data::{
    Filled, IndexDefect, Keepers, Live, LiveColumn, LiveIndex, LiveKey, LiveTrigger, Nulls, QualifiedName, TableKind,
};
use crate::cascade::live::types::{Collation, LiveType};

const SERVER: &str = "SELECT current_setting('server_version') AS version, \
     coalesce(current_schema()::text, 'public') AS schema, \
     current_setting('session_replication_role') <> 'replica' AS enforces";

/// A view is a table to an entity. A domain is replaced by its base type, with its NOT NULL. The
/// collation is that of the column.
const COLUMNS: &str = "SELECT n.nspname::text AS schema, t.relname::text AS tbl, \
     pg_table_is_visible(t.oid) AS is_visible, \
     t.relkind::text AS kind, a.attname::text AS name, \
     NOT (a.attnotnull OR b.is_not_null) AS is_nullable, b.is_not_null AS is_not_null_by_type, format_type(b.oid, b.mod) AS ty, \
     coalesce(to_jsonb(a) ->> 'attgenerated', '') <> '' AS is_generated, \
     a.atthasdef OR a.attidentity <> '' AS has_default, \
     quote_ident(l.collname) AS collation, l.oid = 100 AS is_default, \
     coalesce((to_jsonb(l) ->> 'collisdeterministic')::boolean, true) AS is_deterministic \
     FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace \
     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped \
     LEFT JOIN pg_collation l ON l.oid = a.attcollation \
     CROSS JOIN LATERAL (WITH RECURSIVE made (n, oid, mod, of, of_mod, is_not_null) AS (\
     SELECT 0, y.oid, a.atttypmod, y.typbasetype, y.typtypmod, y.typtype = 'd' AND y.typnotnull \
     FROM pg_type y WHERE y.oid = a.atttypid UNION ALL \
     SELECT m.n + 1, y.oid, m.of_mod, y.typbasetype, y.typtypmod, m.is_not_null OR (y.typtype = 'd' AND y.typnotnull) \
     FROM made m JOIN pg_type y ON y.oid = m.of) \
     SELECT oid, mod, is_not_null FROM made ORDER BY made.n DESC LIMIT 1) AS b \
     WHERE t.relkind IN ('r', 'p', 'v', 'm', 'f') \
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
     AND t.relname = ANY($1) ORDER BY t.oid, a.attnum";

const INDEXES: &str = "SELECT n.nspname::text AS schema, t.relname::text AS tbl, i.relname::text AS name, \
     a.attname::text AS col, x.indisunique AND x.indimmediate AS is_unique, \
     x.indisunique AS is_unique_in_the_end, \
     coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_are_equal, \
     (SELECT quote_ident(ln.nspname) || '.' || quote_ident(l.collname) FROM pg_collation l \
     JOIN pg_namespace ln ON ln.oid = l.collnamespace \
     WHERE l.oid = x.indcollation[k.n - 1] AND l.oid <> coalesce(a.attcollation, 0)) AS collation, \
     x.indisvalid AND x.indisready AS is_valid, m.amname::text AS kind, \
     pg_get_expr(x.indpred, x.indrelid) AS predicate, quote_ident(f.attname) AS first \
     FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
     JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam \
     CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, n) \
     LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum AND k.attnum > 0 \
     LEFT JOIN pg_attribute f ON f.attrelid = t.oid AND f.attnum = x.indkey[0] AND f.attnum > 0 \
     WHERE t.relname = ANY($1) AND k.n <= x.indnkeyatts ORDER BY x.indexrelid, k.n";

/// What can keep rows, or change other rows. A row trigger of a part of a table (a partition or a
/// child table) also runs for the whole table. A rule or a policy of a part does not.
const KEEPERS: &str = "WITH RECURSIVE parts (root, oid) AS (SELECT t.oid, t.oid \
     FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace WHERE t.relname = ANY($1) \
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND t.relkind IN ('r', 'p', 'v', 'm', 'f') \
     UNION SELECT p.root, i.inhrelid FROM parts p JOIN pg_inherits i ON i.inhparent = p.oid) \
     SELECT n.nspname::text AS schema, t.relname::text AS tbl, k.kind, k.name, k.bits \
     FROM parts p JOIN pg_class t ON t.oid = p.root JOIN pg_namespace n ON n.oid = t.relnamespace \
     CROSS JOIN LATERAL (\
     SELECT 'trigger' AS kind, g.tgname::text AS name, g.tgtype::int AS bits FROM pg_trigger g \
     WHERE g.tgrelid = p.oid AND NOT g.tgisinternal AND (p.oid = p.root OR g.tgtype & 1 <> 0) \
     AND coalesce(to_jsonb(g) ->> 'tgparentid', '0') = '0' AND g.tgtype & 24 <> 0 AND g.tgenabled IN ('A', \
     CASE WHEN current_setting('session_replication_role') = 'replica' THEN 'R' ELSE 'O' END) \
     UNION ALL SELECT 'rule', r.rulename::text, 0 FROM pg_rewrite r \
     WHERE r.ev_class = p.oid AND p.oid = p.root AND r.ev_type IN ('2', '4') AND r.ev_enabled IN ('A', \
     CASE WHEN current_setting('session_replication_role') = 'replica' THEN 'R' ELSE 'O' END) \
     UNION ALL SELECT 'policy', y.polname::text, 0 FROM (SELECT WHERE p.oid = p.root AND row_security_active(p.oid)) AS is_active \
     LEFT JOIN pg_policy y ON y.polrelid = p.oid) AS k ORDER BY t.oid, k.kind, k.name";

/// `conenforced` is new in version 18, `confdelsetcols` in 15: where they are not among the
/// columns, they are not in the JSON. A constraint is off as well while one of its triggers is, or
/// of a partition's: disabled, or for replicas only.
const KEYS: &str = "WITH RECURSIVE off (oid, parent) AS (SELECT o.oid, o.conparentid \
     FROM pg_trigger g JOIN pg_constraint o ON o.oid = g.tgconstraint WHERE g.tgenabled IN ('D', 'R') \
     UNION SELECT u.oid, u.conparentid FROM off JOIN pg_constraint u ON u.oid = off.parent) \
     SELECT c.oid::text AS id, c.conname::text AS name, \
     cn.nspname::text AS child_schema, ct.relname::text AS child, ca.attname::text AS child_column, \
     pn.nspname::text AS parent_schema, pt.relname::text AS parent, pa.attname::text AS parent_column, \
     o.child_schemas, o.child_tables, o.parent_schemas, o.parent_tables, \
     c.confdeltype::text AS on_delete, c.confupdtype::text AS on_update, c.convalidated AS is_validated, \
     coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true) AND c.oid NOT IN (SELECT oid FROM off) AS is_enforced, \
     c.confmatchtype = 'f' AS is_full, coalesce(cardinality(c.conkey) > \
     jsonb_array_length(nullif(to_jsonb(c) -> 'confdelsetcols', 'null')), false) AS sets_some, \
     c.condeferrable AS is_deferrable, c.condeferred AS is_deferred \
     FROM pg_constraint c \
     JOIN pg_class ct ON ct.oid = c.conrelid JOIN pg_namespace cn ON cn.oid = ct.relnamespace \
     JOIN pg_class pt ON pt.oid = c.confrelid JOIN pg_namespace pn ON pn.oid = pt.relnamespace \
     CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS k (child, parent, n) \
     JOIN pg_attribute ca ON ca.attrelid = c.conrelid AND ca.attnum = k.child \
     JOIN pg_attribute pa ON pa.attrelid = c.confrelid AND pa.attnum = k.parent \
     CROSS JOIN LATERAL (WITH RECURSIVE whole (oid, of_child) AS (\
     SELECT i.inhparent, i.inhrelid = c.conrelid FROM pg_inherits i WHERE i.inhrelid IN (c.confrelid, c.conrelid) \
     UNION SELECT i.inhparent, w.of_child FROM whole w JOIN pg_inherits i ON i.inhrelid = w.oid) \
     SELECT array_agg(wn.nspname::text ORDER BY w.oid) FILTER (WHERE w.of_child) AS child_schemas, \
     array_agg(wt.relname::text ORDER BY w.oid) FILTER (WHERE w.of_child) AS child_tables, \
     array_agg(wn.nspname::text ORDER BY w.oid) FILTER (WHERE NOT w.of_child OR c.conrelid = c.confrelid) AS parent_schemas, \
     array_agg(wt.relname::text ORDER BY w.oid) FILTER (WHERE NOT w.of_child OR c.conrelid = c.confrelid) AS parent_tables \
     FROM whole w JOIN pg_class wt ON wt.oid = w.oid JOIN pg_namespace wn ON wn.oid = wt.relnamespace) AS o \
     WHERE c.contype = 'f' AND c.conparentid = 0 ORDER BY c.oid, k.n";

pub(super) async fn read(session: &dyn Session, names: &BTreeSet<String>) -> Result<Live, DbErr> {
    let names = names.iter().map(|name| Value::from(name.as_str())).collect();
    let names = Value::Array(ArrayType::String, Some(Box::new(names)));
    let server = query(session, SERVER, Vec::new()).await?;
    let server = server.first().ok_or_else(|| DbErr::RecordNotFound("the settings of the server".to_owned()))?;
    let mut live = Live {
        dialect: Dialect::Postgres,
        server: format!("PostgreSQL {}", get::<String>(server, "version")?),
        current_schema: get(server, "schema")?,
        folds_tables: false,
        enforces: get(server, "enforces")?,
        collation: None,
        several_writers: None,
        tables: Vec::new(),
        keys: Vec::new(),
    };
    read_columns(session, names.clone(), &mut live).await?;
    read_indexes(session, names.clone(), &mut live).await?;
    read_keepers(session, names, &mut live).await?;
    read_keys(session, &mut live).await?;
    Ok(live)
}

async fn read_columns(session: &dyn Session, names: Value, live: &mut Live) -> Result<(), DbErr> {
    for row in query(session, COLUMNS, vec![names]).await? {
        let kind = match get::<String>(&row, "kind")?.as_str() {
            "p" => TableKind::Partitioned,
            "v" | "m" | "f" => TableKind::View,
            _ => TableKind::Plain,
        };
        let table = table_of(&mut live.tables, place(&row, "schema", "tbl")?, get(&row, "is_visible")?, kind);
        let collation = get::<Option<String>>(&row, "collation")?.map(|name| Collation::named(name, String::new()));
        let (gives_way, is_exact): (bool, bool) =
            (get::<Option<bool>>(&row, "is_default")? == Some(true), get(&row, "is_deterministic")?);
        let collation = collation.map(|collation| Collation { gives_way, is_loose: !is_exact, ..collation });
        let ty = LiveType::new(Dialect::Postgres, get(&row, "ty")?, collation);
        let filled = match (get(&row, "is_generated")?, get(&row, "has_default")?) {
            (true, _) => Filled::ByExpression,
            (false, true) => Filled::ByDefault,
            (false, false) => Filled::Not,
        };
        let is_not_null_by_type = get(&row, "is_not_null_by_type")?;
        table.columns.push(LiveColumn {
            filled,
            is_not_null_by_type,
            ..column(get(&row, "name")?, get(&row, "is_nullable")?, ty)
        });
    }
    Ok(())
}

async fn read_keepers(session: &dyn Session, names: Value, live: &mut Live) -> Result<(), DbErr> {
    for row in query(session, KEEPERS, vec![names]).await? {
        let place = place(&row, "schema", "tbl")?;
        let Some(table) = live.tables.iter_mut().find(|table| table.place == place) else { continue };
        let Keepers { triggers, rules, policies, engine: _ } = &mut table.keepers;
        let name = get::<Option<String>>(&row, "name")?;
        match (get::<String>(&row, "kind")?.as_str(), name) {
            ("trigger", Some(name)) => {
                let trigger = trigger(name, get(&row, "bits")?);
                if !triggers.contains(&trigger) {
                    triggers.push(trigger);
                }
            }
            ("rule", Some(name)) => rules.push(name),
            ("policy", name) => policies.get_or_insert_default().extend(name),
            _ => {}
        }
    }
    Ok(())
}

/// Reads the bits of `tgtype`.
fn trigger(name: String, bits: i32) -> LiveTrigger {
    let when = match bits & (2 | 64) {
        0 => "AFTER",
        2 => "BEFORE",
        _ => "INSTEAD OF",
    };
    let on = [(8, "DELETE"), (16, "UPDATE")].into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, event)| event);
    let each = if bits & 1 == 0 { " for each statement" } else { "" };
    LiveTrigger {
        name,
        event: format!("{when} {}{each}", on.collect::<Vec<_>>().join(" OR ")),
        on_delete: bits & 8 != 0,
    }
}

async fn read_indexes(session: &dyn Session, names: Value, live: &mut Live) -> Result<(), DbErr> {
    for row in query(session, INDEXES, vec![names]).await? {
        let index = LiveIndex {
            name: get(&row, "name")?,
            columns: vec![get(&row, "col")?],
            is_unique: get(&row, "is_unique")?,
            unique_in_the_end: match (get(&row, "is_unique_in_the_end")?, get(&row, "nulls_are_equal")?) {
                (false, _) => None,
                (true, false) => Some(Nulls::Differ),
                (true, true) => Some(Nulls::Equal),
            },
            collations: vec![get(&row, "collation")?],
            is_partial: get::<Option<String>>(&row, "predicate")?.is_some(),
            defect: defect(&row)?,
        };
        add_to_index(&mut live.tables, &place(&row, "schema", "tbl")?, index);
    }
    Ok(())
}

async fn read_keys(session: &dyn Session, live: &mut Live) -> Result<(), DbErr> {
    let mut keys = Vec::new();
    for row in query(session, KEYS, Vec::new()).await? {
        let key = LiveKey {
            name: get(&row, "name")?,
            child: place(&row, "child_schema", "child")?,
            child_is_of: places(&row, "child_schemas", "child_tables")?,
            child_columns: vec![get(&row, "child_column")?],
            parent: place(&row, "parent_schema", "parent")?,
            parent_is_of: places(&row, "parent_schemas", "parent_tables")?,
            parent_columns: vec![get(&row, "parent_column")?],
            on_delete: action(&row, "on_delete")?,
            sets_some: get(&row, "sets_some")?,
            on_update: action(&row, "on_update")?,
            matching: if get(&row, "is_full")? { "MATCH FULL" } else { "" },
            is_validated: get(&row, "is_validated")?,
            is_enforced: get(&row, "is_enforced")?,
            deferrable: match (get(&row, "is_deferrable")?, get(&row, "is_deferred")?) {
                (_, true) => "DEFERRABLE INITIALLY DEFERRED",
                (true, false) => "DEFERRABLE",
                (false, false) => "",
            },
        };
        add_to_key(&mut keys, get(&row, "id")?, key);
    }
    live.keys = keys.into_iter().map(|(_, key)| key).collect();
    Ok(())
}

fn places(row: &QueryResult, schemas: &str, tables: &str) -> Result<Vec<QualifiedName>, DbErr> {
    let names = |name| get::<Option<Vec<String>>>(row, name).map(Option::unwrap_or_default);
    let places = names(schemas)?.into_iter().zip(names(tables)?);
    Ok(places.map(|(schema, table)| QualifiedName { schema, table }).collect())
}

/// An index over the rows whose first column is not NULL finds every row with a value.
fn defect(row: &QueryResult) -> Result<Option<IndexDefect>, DbErr> {
    let (predicate, first) = (get::<Option<String>>(row, "predicate")?, get::<Option<String>>(row, "first")?);
    let has_all = predicate.is_none_or(|text| text == format!("({} IS NOT NULL)", first.unwrap_or_default()));
    Ok(match get::<String>(row, "kind")?.as_str() {
        _ if !get::<bool>(row, "is_valid")? => Some(IndexDefect::Invalid),
        "btree" | "hash" if has_all => None,
        "btree" | "hash" => Some(IndexDefect::Partial),
        _ => Some(IndexDefect::Kind),
    })
}
