//! Which tables, columns and references of a receipt there are now.
//!
//! Pure.

use sea_orm::sea_query::{Alias, IntoIden as _, TableName};

use crate::cascade::data::name::label;
use crate::cascade::data::undo::UndoBlockerKind;
use crate::cascade::declare::schema::{Schema, TableId};
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::live::data::{Filled, Live, LiveColumn, LiveIndex, LiveTable, Nulls, QualifiedName};
use crate::cascade::live::places::Places;
use crate::cascade::live::record;
use crate::cascade::plan::recording::record_table;
use crate::cascade::sql::undo::{Referenced, UndoTable, Unique};

/// A recorded table, with everything that decides whether its rows can come back.
pub(super) struct Recorded {
    pub(super) table: UndoTable,
    /// The primary key, and then every unique index over columns.
    pub(super) uniques: Vec<Unique>,
    pub(super) references: Vec<Referenced>,
    /// The columns that do not exist any more, and those that are new and need a value.
    pub(super) columns: Vec<(String, UndoBlockerKind)>,
}

/// Compares a recorded table with what it is now.
pub(super) fn recorded(schema: &Schema, live: &Live, id: TableId) -> Result<Recorded, Error> {
    let declared = &schema.tables[id];
    let missing = |table: &TableName| Error::from(ErrorKind::RecordMissing { table: label(table) });
    let name = record_table(&declared.name);
    let table = live.find(&declared.name).ok_or_else(|| missing(&declared.name))?;
    let record = live.find(&name).ok_or_else(|| missing(&name))?;
    let both = |column: &&LiveColumn| !column.is_generated() && record.column(live, &column.name).is_some();
    let columns = table.columns.iter().filter(both).map(|column| column.name.clone()).collect();
    let set_by_update = table.columns.iter().filter(|column| column.is_set_by_update).map(|column| column.name.clone());
    let gone = record::recorded(live, record).into_iter().filter(|column| table.column(live, &column.name).is_none());
    let needs_value = |column: &&LiveColumn| !column.nullable && column.filled == Filled::Not;
    let new = record::missing(live, table, record).into_iter().filter(needs_value);
    let gone = gone.map(|column| (column.name.clone(), UndoBlockerKind::ColumnGone));
    let new = new.map(|column| (column.name.clone(), UndoBlockerKind::ColumnNew));
    let primary_key = declared.names(&declared.primary_key);
    Ok(Recorded {
        uniques: uniques(live, table, record, &primary_key),
        references: references(schema, live, id),
        columns: gone.chain(new).collect(),
        table: UndoTable {
            id,
            name: declared.name.clone(),
            record: name,
            columns,
            primary_key,
            set_by_update: set_by_update.collect(),
        },
    })
}

/// U6: every unique index over plain columns. A partial one, and one over expressions, is left to
/// the database.
fn uniques(live: &Live, table: &LiveTable, record: &LiveTable, primary_key: &[String]) -> Vec<Unique> {
    let unique = |index: &LiveIndex| {
        let columns: Option<Vec<String>> = index.columns.iter().cloned().collect();
        let is_recorded = |column: &String| record.column(live, column).is_some();
        let columns = columns.filter(|columns| columns.iter().all(is_recorded))?;
        let nulls = index.unique_in_the_end.filter(|_| !index.is_partial)?;
        Some(Unique { columns, collations: index.collations.clone(), nulls_are_equal: nulls == Nulls::Equal })
    };
    let first = Unique { columns: primary_key.to_vec(), collations: Vec::new(), nulls_are_equal: false };
    let others =
        table.indexes.iter().filter_map(unique).filter(|unique| !live.same_columns(&unique.columns, primary_key));
    std::iter::once(first).chain(others).collect()
}

/// U6: every key of the graph, and every constraint of the database.
fn references(schema: &Schema, live: &Live, id: TableId) -> Vec<Referenced> {
    let places = Places::of(schema, live);
    let of_graph = schema.keys.iter().filter(|key| key.child == id).map(|key| {
        let parent = &schema.tables[key.parent];
        Referenced {
            columns: schema.tables[id].names(&key.child_columns),
            parent: parent.name.clone(),
            parent_label: parent.label.clone(),
            parent_columns: parent.names(&key.parent_columns),
            parent_record: Some(record_table(&parent.name)),
            is_constrained: live.keys.iter().any(|live| live.is_enforced && places.answers(key, live)),
        }
    });
    let is_other = |key: &&crate::cascade::live::data::LiveKey| {
        key.is_enforced
            && places.at(&key.child) == Some(id)
            && !schema.keys.iter().any(|known| places.answers(known, key))
    };
    let others = live.keys.iter().filter(is_other).map(|key| {
        let registered = places.at(&key.parent).map(|parent| &schema.tables[parent].name);
        Referenced {
            columns: key.child_columns.clone(),
            parent: registered.cloned().unwrap_or_else(|| name_of(&key.parent)),
            parent_label: key.parent.table.clone(),
            parent_columns: key.parent_columns.clone(),
            parent_record: registered.map(record_table),
            is_constrained: true,
        }
    });
    of_graph.chain(others).collect()
}

fn name_of(place: &QualifiedName) -> TableName {
    let schema = sea_orm::sea_query::SchemaName(None, Alias::new(&place.schema).into_iden());
    TableName(Some(schema), Alias::new(&place.table).into_iden())
}
