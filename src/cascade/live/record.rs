//! What a record table lacks to hold every row of its table.
//!
//! Pure. The audit makes a fix of it, and a delete that would lose a value refuses.

use crate::cascade::data::dialect::Dialect;
use crate::cascade::live::data::{Live, LiveColumn, LiveTable};
use crate::cascade::plan::recording::{KIND, RECEIPT, STEP};

/// Returns the columns of a table that its record table does not have.
pub(crate) fn missing<'a>(live: &Live, table: &'a LiveTable, record: &LiveTable) -> Vec<&'a LiveColumn> {
    table.columns.iter().filter(|column| record.column(live, &column.name).is_none()).collect()
}

/// Returns the columns that have another type there, and so may not keep a value as it is.
pub(crate) fn different<'a>(live: &Live, table: &'a LiveTable, record: &LiveTable) -> Vec<&'a LiveColumn> {
    let differs = |column: &&LiveColumn| {
        let Some(own) = record.column(live, &column.name) else { return false };
        let (Some(own), Some(ty)) = (&own.ty, &column.ty) else { return true };
        match live.dialect {
            // Its columns have no type and keep any value.
            Dialect::Sqlite => false,
            Dialect::Postgres | Dialect::MySql => own.name != ty.name || own.collation != ty.collation,
        }
    };
    table.columns.iter().filter(differs).collect()
}

/// Returns the columns of a record table that are those of its table, and not its own.
pub(crate) fn recorded<'a>(live: &Live, record: &'a LiveTable) -> Vec<&'a LiveColumn> {
    let is_own = |column: &LiveColumn| [RECEIPT, STEP, KIND].iter().any(|own| live.same_column(&column.name, own));
    record.columns.iter().filter(|column| !is_own(column)).collect()
}
