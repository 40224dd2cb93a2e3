//! A missing table, as its fix will create it.
//!
//! Pure. With it one audit also finds what would be missing after the fix.

use crate::cascade::declare::declaration::Column;
use crate::cascade::declare::schema::{ForeignKey, Schema, Table, TableId};
use crate::cascade::live::data::{Filled, Keepers, Live, LiveColumn, LiveIndex, LiveKey, LiveTable, Nulls, TableKind};
use crate::cascade::live::types::{Collation, LiveType, Sort, declared};

/// Returns a table as its fix will create it.
pub(crate) fn made(live: &Live, table: &Table) -> Option<LiveTable> {
    let by = (table.ddl?)(live.dialect.backend());
    let (mut columns, mut indexes) = (Vec::new(), Vec::new());
    let index = |name: String, columns: Vec<String>, is_unique| LiveIndex {
        name,
        columns: columns.into_iter().map(Some).collect(),
        is_unique,
        is_partial: false,
        defect: None,
        unique_in_the_end: is_unique.then_some(Nulls::Differ),
        collations: Vec::new(),
    };
    for column in by.table.get_columns() {
        let (name, spec) = (column.get_column_name(), column.get_column_spec());
        if spec.primary_key || spec.unique {
            indexes.push(index(String::new(), vec![name.clone()], true));
        }
        let nullable = spec.nullable != Some(false) && !spec.primary_key;
        let declared = table.columns.iter().find(|column| column.name.to_string() == name);
        columns.push(LiveColumn { nullable, ..made_column(live, name, declared, live.collation.as_ref()) });
    }
    for made in by.table.get_indexes().iter().chain(&by.indexes) {
        let spec = made.get_index_spec();
        let is_unique = made.is_primary_key() || made.is_unique_key();
        indexes.push(index(spec.get_name().unwrap_or_default().to_owned(), spec.get_column_names(), is_unique));
    }
    let (place, kind) = (live.place(&table.name), TableKind::Plain);
    let keepers = Keepers::default();
    Some(LiveTable {
        place,
        is_visible: table.name.0.is_none(),
        kind,
        columns,
        indexes,
        keepers,
        collation: live.collation.clone(),
        definition: None,
    })
}

/// Returns a column as its fix will create it, in a table with that collation.
pub(crate) fn made_column(
    live: &Live,
    name: String,
    declared_as: Option<&Column>,
    collation: Option<&Collation>,
) -> LiveColumn {
    let ty = declared_as.and_then(|column| declared(live.dialect, &column.ty));
    let ty = ty.map(|ty| LiveType::new(live.dialect, ty, None)).map(|ty| {
        let is_text = matches!(ty.sort, Sort::Text | Sort::Enum(_));
        LiveType { collation: collation.filter(|_| is_text).cloned(), ..ty }
    });
    LiveColumn {
        name,
        nullable: declared_as.is_none_or(|column| column.nullable),
        ty,
        filled: Filled::Not,
        is_set_by_update: false,
        is_not_null_by_type: false,
        stated: None,
    }
}

/// SQLite: returns the constraints that a table is created with.
pub(crate) fn made_keys(schema: &Schema, live: &Live, child: TableId) -> Vec<LiveKey> {
    let keys = schema.keys.iter().filter(|key| key.child == child);
    let made = |key: &ForeignKey| {
        let constraint = key.constraint.as_ref()?;
        Some(LiveKey {
            name: String::new(),
            child: live.place(&schema.tables[child].name),
            child_columns: schema.tables[child].names(&key.child_columns),
            parent: live.place(&schema.tables[key.parent].name),
            child_is_of: Vec::new(),
            parent_is_of: Vec::new(),
            parent_columns: schema.tables[key.parent].names(&key.parent_columns),
            on_delete: key.action,
            sets_some: false,
            on_update: constraint.on_update,
            matching: "",
            is_validated: true,
            is_enforced: true,
            deferrable: "",
        })
    };
    keys.filter_map(made).collect()
}
