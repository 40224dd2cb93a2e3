//! The schema of SQLite: one statement, and four for each declared schema (mostly only `main`).
//!
//! I/O. It joins pragmas, as table-valued functions, to `sqlite_schema`, so that one statement
//! reads all tables.

use std::collections::BTreeSet;

use sea_orm::{DbErr, QueryResult};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::db::session::Session;
use crate::cascade::live::catalog::{action, add_to_index, add_to_key, column, get, query, table_of};
use crate::cascade::live::data::{
    Filled, IndexDefect, Live, LiveColumn, LiveIndex, LiveKey, LiveTable, LiveTrigger, Nulls, QualifiedName, TableKind,
};
use crate::cascade::live::rebuild;
use crate::cascade::live::rebuild::Definition;
use crate::cascade::live::types::{Collation, LiveType};

const SERVER: &str = "SELECT sqlite_version() AS version, foreign_keys AS enforces FROM pragma_foreign_keys";

/// Views and virtual tables only if they are declared: a broken one would be an error.
const COLUMNS: &str = "m.name AS tbl, c.name AS name, c.type AS ty, c.\"notnull\" AS is_stated, c.pk AS pk, \
     c.dflt_value IS NOT NULL AS has_default, c.hidden AS hidden, m.type AS kind, \
     EXISTS (SELECT 1 FROM sqlite_temp_schema AS h WHERE h.name = m.name COLLATE NOCASE) AS is_hidden \
     FROM {schema}.sqlite_schema AS m JOIN pragma_table_xinfo(m.name, {name}) AS c \
     WHERE (m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%') \
     OR m.name COLLATE NOCASE IN (SELECT value FROM json_each(?)) ORDER BY m.rowid, c.cid";

const INDEXES: &str = "m.name AS tbl, i.name AS name, x.name AS col, i.\"unique\" AS is_unique, i.partial AS partial, \
     x.coll AS coll, s.sql AS sql, m.sql AS definition \
     FROM {schema}.sqlite_schema AS m JOIN pragma_index_list(m.name, {name}) AS i \
     JOIN pragma_index_xinfo(i.name, {name}) AS x LEFT JOIN {schema}.sqlite_schema AS s \
     ON s.type = 'index' AND s.name = i.name \
     WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND x.key = 1 ORDER BY m.rowid, i.seq, x.seqno";

const KEYS: &str = "m.name AS child, f.id AS id, f.\"table\" AS parent, f.\"from\" AS child_column, \
     f.\"to\" AS parent_column, f.on_delete AS on_delete, f.on_update AS on_update \
     FROM {schema}.sqlite_schema AS m JOIN pragma_foreign_key_list(m.name, {name}) AS f \
     WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY m.rowid, f.id, f.seq";

/// A trigger has its table's name as it was written, in any case. Temporary triggers may be on any
/// table of this connection.
const TEXTS: &str = "m.type AS kind, m.name AS name, m.tbl_name AS tbl, m.sql AS sql, \
     m.type = 'trigger' AS is_late, 0 AS is_temporary, m.rowid AS n \
     FROM {schema}.sqlite_schema AS m WHERE m.sql IS NOT NULL AND m.type IN ('table', 'index', 'trigger') \
     UNION ALL SELECT m.type, m.name, m.tbl_name, m.sql, 1, 1, m.rowid FROM sqlite_temp_schema AS m \
     WHERE m.type = 'trigger' ORDER BY 5, 6, 7";

pub(super) async fn read(
    session: &dyn Session,
    schemas: &BTreeSet<String>,
    names: &BTreeSet<String>,
) -> Result<Live, DbErr> {
    let server = query(session, SERVER, Vec::new()).await?;
    let server = server.first().ok_or_else(|| DbErr::RecordNotFound("the settings of SQLite".to_owned()))?;
    let mut live = Live {
        dialect: Dialect::Sqlite,
        server: format!("SQLite {}", get::<String>(server, "version")?),
        current_schema: "main".to_owned(),
        folds_tables: true,
        enforces: get::<i64>(server, "enforces")? != 0,
        collation: None,
        several_writers: None,
        tables: Vec::new(),
        keys: Vec::new(),
    };
    let main = live.current_schema.clone();
    let declared = schemas.iter().filter(|schema| !schema.eq_ignore_ascii_case(&main));
    for schema in declared.chain([&main]) {
        read_schema(session, schema, names, &mut live).await?;
    }
    Ok(live)
}

async fn read_schema(
    session: &dyn Session,
    schema: &str,
    names: &BTreeSet<String>,
    live: &mut Live,
) -> Result<(), DbErr> {
    let of = |query: &str| {
        let quoted = Dialect::Sqlite.quoted(schema);
        let name = format!("'{}'", schema.replace('\'', "''"));
        format!("SELECT {}", query.replace("{schema}", &quoted).replace("{name}", &name))
    };
    let place =
        |row: &QueryResult, table| Ok::<_, DbErr>(QualifiedName { schema: schema.to_owned(), table: get(row, table)? });
    let is_visible = schema == live.current_schema;
    let mut tables = Tables::default();
    let names = names.iter().map(String::as_str).collect::<sea_orm::JsonValue>().to_string();
    for row in query(session, of(COLUMNS), vec![names.into()]).await? {
        tables.add_column(place(&row, "tbl")?, is_visible, &row)?;
    }
    for row in query(session, of(INDEXES), Vec::new()).await? {
        let index = index(&row)?;
        add_to_index(&mut tables.found, &place(&row, "tbl")?, index);
    }
    for row in query(session, of(TEXTS), Vec::new()).await? {
        tables.add_text(&place(&row, "tbl")?, &row)?;
    }
    let mut keys = Vec::new();
    for row in query(session, of(KEYS), Vec::new()).await? {
        let key = key(&row, place(&row, "child")?, place(&row, "parent")?)?;
        add_to_key(&mut keys, format!("{}.{}", key.child.table, get::<i64>(&row, "id")?), key);
    }
    for (_, mut key) in keys {
        if key.parent_columns.is_empty() {
            // REFERENCES without columns means the primary key.
            let primary_key = tables.primary_key_of(&key.parent);
            key.parent_columns = primary_key.iter().map(|column| column.name.clone()).collect();
        }
        live.keys.push(key);
    }
    live.tables.extend(tables.with_primary_keys());
    Ok(())
}

/// Adds one column of an index.
fn index(row: &QueryResult) -> Result<LiveIndex, DbErr> {
    let (column, is_partial): (Option<String>, bool) = (get(row, "col")?, get::<i64>(row, "partial")? != 0);
    let text = |name| get::<Option<String>>(row, name).map(Option::unwrap_or_default);
    let (sql, definition) = (text("sql")?, text("definition")?.to_uppercase());
    // Only the definition says how a column compares.
    let is_other = text("coll")? != "BINARY" && !definition.contains("COLLATE");
    let is_some = is_partial && !has_all_values(&sql, column.as_deref());
    Ok(LiveIndex {
        name: get(row, "name")?,
        is_unique: get::<i64>(row, "is_unique")? != 0,
        unique_in_the_end: (get::<i64>(row, "is_unique")? != 0).then_some(Nulls::Differ),
        collations: vec![get(row, "coll")?],
        is_partial,
        defect: is_some.then_some(IndexDefect::Partial).or(is_other.then_some(IndexDefect::Kind)),
        columns: vec![column],
    })
}

/// Adds one column pair of a foreign key. It has no name and is always enforced.
fn key(row: &QueryResult, child: QualifiedName, parent: QualifiedName) -> Result<LiveKey, DbErr> {
    Ok(LiveKey {
        name: String::new(),
        child,
        child_columns: vec![get(row, "child_column")?],
        parent,
        child_is_of: Vec::new(),
        parent_is_of: Vec::new(),
        parent_columns: get::<Option<String>>(row, "parent_column")?.into_iter().collect(),
        on_delete: action(row, "on_delete")?,
        sets_some: false,
        on_update: action(row, "on_update")?,
        is_validated: true,
        is_enforced: true,
        matching: "",
        deferrable: "",
    })
}

/// The tables of one schema, and their primary keys.
#[derive(Default)]
struct Tables {
    found: Vec<LiveTable>,
    primary_keys: Vec<PrimaryKeyColumn>,
}

struct PrimaryKeyColumn {
    place: QualifiedName,
    position: i64,
    name: String,
    is_integer: bool,
}

impl Tables {
    fn add_column(&mut self, place: QualifiedName, is_visible: bool, row: &QueryResult) -> Result<(), DbErr> {
        let (name, position): (String, i64) = (get(row, "name")?, get(row, "pk")?);
        if position > 0 {
            let is_integer = get::<Option<String>>(row, "ty")?.is_some_and(|ty| ty.eq_ignore_ascii_case("INTEGER"));
            self.primary_keys.push(PrimaryKeyColumn { place: place.clone(), position, name: name.clone(), is_integer });
        }
        let (nullable, hidden) = (get::<i64>(row, "is_stated")? == 0, get::<i64>(row, "hidden")?);
        let ty = get::<Option<String>>(row, "ty")?.unwrap_or_default();
        let ty = LiveType::new(Dialect::Sqlite, ty, Some(Collation::named("BINARY".to_owned(), String::new())));
        let kind = if get::<String>(row, "kind")? == "view" { TableKind::View } else { TableKind::Plain };
        // A script has no schema names, so it would change another table.
        let can_be_made_anew = is_visible && get::<i64>(row, "is_hidden")? == 0;
        let table = table_of(&mut self.found, place, is_visible, kind);
        let of_name = table.place.table.clone();
        if can_be_made_anew {
            let definition = table.definition.get_or_insert_with(|| Definition::named(of_name));
            definition.stored.extend((hidden == 0).then(|| name.clone()));
        }
        // 2 is a virtual generated column, 3 a stored one.
        let filled = match hidden {
            2 | 3 => Filled::ByExpression,
            _ if get::<i64>(row, "has_default")? != 0 => Filled::ByDefault,
            _ => Filled::Not,
        };
        table.columns.push(LiveColumn { filled, ..column(name, nullable, ty) });
        Ok(())
    }

    fn add_text(&mut self, place: &QualifiedName, row: &QueryResult) -> Result<(), DbErr> {
        let (kind, sql): (String, String) = (get(row, "kind")?, get(row, "sql")?);
        let is_it = |table: &&mut LiveTable| table.place.table.eq_ignore_ascii_case(&place.table);
        let Some(table) = self.found.iter_mut().find(is_it) else { return Ok(()) };
        let is_temporary = get::<i64>(row, "is_temporary")? != 0;
        if kind == "table" {
            for (column, collation) in rebuild::collations(&sql) {
                let named = table.columns.iter_mut().find(|live| live.name.eq_ignore_ascii_case(&column));
                if let Some(ty) = named.and_then(|column| column.ty.as_mut()) {
                    ty.collation = Some(Collation::named(collation, String::new()));
                }
            }
        }
        if kind == "trigger"
            && let Some((event, on_delete)) = rebuild::event(&sql)
        {
            table.keepers.triggers.push(LiveTrigger { name: get(row, "name")?, event, on_delete });
        }
        if is_temporary {
            // It is unknown on which connections a temporary trigger must exist again.
            table.definition = None;
            return Ok(());
        }
        let Some(definition) = table.definition.as_mut() else { return Ok(()) };
        match kind.as_str() {
            "table" => definition.create = sql,
            _ => definition.followers.push(sql),
        }
        Ok(())
    }

    fn primary_key_of(&self, of: &QualifiedName) -> Vec<&PrimaryKeyColumn> {
        let is_of = |column: &&PrimaryKeyColumn| column.place.table.eq_ignore_ascii_case(&of.table);
        let mut columns: Vec<_> = self.primary_keys.iter().filter(is_of).collect();
        columns.sort_by_key(|column| column.position);
        columns
    }

    /// A primary key finds rows like an index, also the rowid, for which no index is listed. The
    /// rowid is never NULL, whatever its column says.
    fn with_primary_keys(mut self) -> Vec<LiveTable> {
        for mut table in std::mem::take(&mut self.found) {
            let primary_key = self.primary_key_of(&table.place);
            if let [PrimaryKeyColumn { name, is_integer: true, .. }] = primary_key.as_slice() {
                table
                    .columns
                    .iter_mut()
                    .filter(|column| column.name == *name)
                    .for_each(|column| column.nullable = false);
            }
            if !primary_key.is_empty() {
                let columns = primary_key.iter().map(|column| Some(column.name.clone())).collect();
                let index = LiveIndex {
                    name: "primary key".to_owned(),
                    columns,
                    is_unique: true,
                    is_partial: false,
                    defect: None,
                    unique_in_the_end: Some(Nulls::Differ),
                    collations: Vec::new(),
                };
                table.indexes.push(index);
            }
            self.found.push(table);
        }
        self.found
    }
}

/// Whether an index has WHERE its first column IS NOT NULL: it finds every row with a value.
fn has_all_values(sql: &str, first: Option<&str>) -> bool {
    let words = sql.replace(char::is_whitespace, " ");
    let (Some(first), Some(at)) = (first, words.to_ascii_uppercase().rfind(" WHERE ")) else { return false };
    let is_blank = |char: char| char.is_whitespace() || "\"`[]()".contains(char);
    let condition: String = words.get(at + " WHERE ".len()..).unwrap_or_default().replace(is_blank, "");
    condition.eq_ignore_ascii_case(&format!("{}ISNOTNULL", first.replace(is_blank, "")))
}
