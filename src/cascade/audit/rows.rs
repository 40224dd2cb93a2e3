//! Reads rows for an audit: orphans, and the depth of chains.
//!
//! I/O.

use sea_orm::sea_query::{Alias, Expr, Query};

use crate::cascade::audit::compare::{RowsFound, StoredOtherwise};
use crate::cascade::audit::depth::levels;
use crate::cascade::audit::ends::can_be_compared;
use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::{Key, KeyKind, alias};
use crate::cascade::db::execution::{Capture, Execution, Transaction};
use crate::cascade::db::session::Session;
use crate::cascade::declare::declaration::Column;
use crate::cascade::declare::schema::{ForeignKey, KeyId, Schema, TableId};
use crate::cascade::error::Error;
use crate::cascade::live::data::{Live, LiveTable};
use crate::cascade::plan::Plan;
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::sql::orphans::orphans;

/// Reads the rows of each key whose tables and columns exist: everything, or only what decides
/// whether a constraint that refuses is right.
pub(super) async fn read(
    session: &dyn Session,
    dialect: Dialect,
    schema: &Schema,
    live: &Live,
    counts_orphans: bool,
) -> Result<Vec<RowsFound>, Error> {
    let capture = Capture::default();
    let mut found = Vec::with_capacity(schema.keys.len());
    for key in (0..schema.keys.len()).filter(|&key| is_there(schema, live, key)) {
        let plan = Plan::of(schema, schema.keys[key].child);
        let run = Execution {
            schema,
            plan: &plan,
            dialect,
            session,
            capture: &capture,
            transaction: Transaction::CallersToRead,
            recording: None,
        };
        // The database would refuse the comparison, and the finding about the two ends says why.
        let counts_orphans = counts_orphans && can_be_compared(schema, live, key);
        let measures = is_limited(schema, dialect, live, key)
            && (counts_orphans || refuses(schema, live, key))
            && can_be_compared(schema, live, key);
        if counts_orphans || measures {
            let orphans = if counts_orphans { Some(count(run, key).await?) } else { None };
            let levels = if measures { measure(run, key).await? } else { None };
            found.push(RowsFound { key, orphans, levels });
        }
    }
    Ok(found)
}

/// SQLite stores any value in any column. Counts the key values that are not stored in the form of
/// their declared type. One statement for each table.
pub(super) async fn stored(
    session: &dyn Session,
    dialect: Dialect,
    schema: &Schema,
    live: &Live,
) -> Result<Vec<StoredOtherwise>, Error> {
    let mut found = Vec::new();
    if dialect != Dialect::Sqlite {
        return Ok(found);
    }
    let capture = Capture::default();
    for table in 0..schema.tables.len() {
        let columns = known_columns(schema, dialect, live, table);
        if columns.is_empty() {
            continue;
        }
        let mut select = Query::select();
        for (n, (column, form)) in columns.iter().enumerate() {
            let name = Dialect::Sqlite.quoted(&schema.tables[table].columns[*column].name.to_string());
            let count = format!("count(CASE WHEN typeof({name}) NOT IN ('null', '{form}') THEN 1 END)");
            select.expr_as(Expr::cust(count), Alias::new(alias(n)));
        }
        select.from(schema.tables[table].name.clone());
        let plan = Plan::of(schema, table);
        let run = Execution {
            schema,
            plan: &plan,
            dialect,
            session,
            capture: &capture,
            transaction: Transaction::CallersToRead,
            recording: None,
        };
        let rows = run.row_of(&select, columns.len()).await?;
        let otherwise = columns.into_iter().zip(rows).filter(|(_, rows)| *rows > 0);
        found.extend(otherwise.map(|((column, _), rows)| StoredOtherwise { table, column, rows }));
    }
    Ok(found)
}

/// The columns by which rows of a table are found, if they are there, and the form that their
/// values have.
fn known_columns(schema: &Schema, dialect: Dialect, live: &Live, id: TableId) -> Vec<(usize, &'static str)> {
    let table = &schema.tables[id];
    let Some(found) = live.find(&table.name) else { return Vec::new() };
    let keys = schema.keys.iter().filter(|key| key.child == id).flat_map(|key| key.child_columns.iter().copied());
    let mut columns: Vec<(usize, &str)> = Vec::new();
    for column in table.identity.iter().copied().chain(keys) {
        let Column { name, ty, .. } = &table.columns[column];
        let form = match KeyKind::of(dialect, ty) {
            Some(KeyKind::Integer) => "integer",
            Some(KeyKind::Text) => "text",
            Some(KeyKind::Bytes) => "blob",
            // None is there.
            Some(KeyKind::Unsigned | KeyKind::Decimal) | None => continue,
        };
        let is_there = found.column(live, &name.to_string()).is_some();
        if is_there && !columns.iter().any(|(other, _)| *other == column) {
            columns.push((column, form));
        }
    }
    columns
}

/// Whether the database's own cascade has an end by this key, and each row one parent at most, so
/// that rows have a depth.
fn is_limited(schema: &Schema, dialect: Dialect, live: &Live, key: KeyId) -> bool {
    let ForeignKey { child, parent, action, ref parent_columns, .. } = schema.keys[key];
    let columns = schema.tables[parent].names(parent_columns);
    let table = live.find(&schema.tables[parent].name);
    let tells_apart = table.is_some_and(|table| table.indexes.iter().any(|index| index.tells_apart(live, &columns)));
    child == parent && action == Action::Cascade && dialect.cascade_levels_max().is_some() && tells_apart
}

/// Whether a constraint of this key's columns refuses, where CASCADE is declared.
fn refuses(schema: &Schema, live: &Live, key: KeyId) -> bool {
    let ForeignKey { child, child_columns, .. } = &schema.keys[key];
    let table = &schema.tables[*child];
    let (place, columns) = (live.place(&table.name), table.names(child_columns));
    live.keys.iter().any(|key| {
        let is_it = live.same_place(&key.child, &place) && live.same_columns(&key.child_columns, &columns);
        is_it && matches!(key.on_delete, Action::NoAction | Action::Restrict)
    })
}

fn is_there(schema: &Schema, live: &Live, key: KeyId) -> bool {
    let ForeignKey { child, child_columns, parent, parent_columns, .. } = &schema.keys[key];
    let has = |table: TableId, columns: &[usize]| {
        let table = &schema.tables[table];
        let is_in =
            |found: &LiveTable, column: usize| found.column(live, &table.columns[column].name.to_string()).is_some();
        let has_all = |found: &LiveTable| columns.iter().all(|&column| is_in(found, column));
        live.find(&table.name).is_some_and(has_all)
    };
    has(*child, child_columns) && has(*child, &schema.tables[*child].identity) && has(*parent, parent_columns)
}

async fn count(run: Execution<'_>, key: KeyId) -> Result<(u64, Vec<Key>), Error> {
    let child = run.schema.keys[key].child;
    let rows = orphans(run.schema, key, None);
    let nothing = Fetched::new(run.schema, child, run.keys_of(child, &[])?);
    let number = run.row_of(&run.sql(&nothing).count_after(&rows, None), 1).await?.iter().sum();
    let sample_keys = if number > 0 { run.first_keys(&nothing, &rows).await? } else { Vec::new() };
    Ok((number, sample_keys))
}

async fn measure(run: Execution<'_>, key: KeyId) -> Result<Option<u64>, Error> {
    let Some(levels_max) = run.dialect.cascade_levels_max() else { return Ok(None) };
    Ok(run.row_of(&levels(run.schema, run.dialect, key, levels_max), 1).await?.pop())
}
