//! Reads rows page by page, in key order.
//!
//! I/O: it reads and locks.

use sea_orm::QueryResult;
use sea_orm::sea_query::SelectStatement;

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::Keys;
use crate::cascade::db::execution::Execution;
use crate::cascade::declare::schema::{KeyId, TableId};
use crate::cascade::error::Error;
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::sql::RowSet;

/// The number of rows read in one statement if their keys are kept anyway; the keys take less than
/// a tenth of the driver's rows.
const ROWS_READ_MAX: usize = 50_000;

/// Reads rows page by page, in key order.
pub(crate) struct Pages<'a> {
    run: Execution<'a>,
    rows: RowSet,
    table: TableId,
    /// The foreign keys whose values are read too.
    ends: &'a [KeyId],
    /// The Select that reads whole rows, if they are needed.
    whole: Option<SelectStatement>,
    rows_max: usize,
    lock: bool,
    is_sorted: bool,
    /// The last row that was read.
    last: Option<Keys>,
    is_done: bool,
}

/// Rows of one table.
pub(crate) struct Page {
    /// The identity of the rows.
    pub(crate) keys: Keys,
    /// What they reference, in the order of the given keys.
    pub(super) ends: Vec<Keys>,
    /// The rows as they were read.
    pub(crate) rows: Vec<QueryResult>,
}

impl<'a> Pages<'a> {
    pub(crate) fn new(run: Execution<'a>, table: TableId, rows: RowSet, lock: bool) -> Self {
        let (rows_max, is_sorted) = (ROWS_READ_MAX, false);
        Self { run, rows, table, ends: &[], whole: None, rows_max, lock, is_sorted, last: None, is_done: false }
    }

    /// Lets the database find the rows first and sort them then, because they mostly fit one page.
    pub(super) fn sorted(self) -> Self {
        Self { is_sorted: true, ..self }
    }

    /// Reads all rows at once, because few were counted. SQLite, if it has statistics of values,
    /// prepares a statement with a bound LIMIT again at each run.
    pub(super) fn at_once(self) -> Self {
        Self { rows_max: usize::MAX, is_sorted: false, ..self }
    }

    pub(crate) fn of_at_most(self, rows_max: usize) -> Self {
        Self { rows_max, ..self }
    }

    pub(crate) fn of_whole_rows(self, whole: Option<SelectStatement>) -> Self {
        Self { whole, ..self }
    }

    pub(super) fn with_ends(self, ends: &'a [KeyId]) -> Self {
        Self { ends, ..self }
    }

    /// Reads the next page; `None` if there are no more rows.
    pub(crate) async fn next(&mut self, fetched: &Fetched) -> Result<Option<Page>, Error> {
        if self.is_done {
            return Ok(None);
        }
        let Self { run, rows, table, ends, whole, rows_max, lock, is_sorted, last, is_done } = self;
        let identity = &run.schema.tables[*table].identity;
        let mut found = Vec::new();
        if *lock && run.dialect == Dialect::MySql && last.is_some() {
            // After the first page the statement would lock every entry from the first row on, also
            // deleted ones (seen: 140 ms instead of 10). So the keys are read as committed, and the
            // rows with these keys are locked and checked again.
            let select = run.sql(fetched).page(rows, (None, &[]), false, last.as_ref(), *rows_max);
            let mut page = run.keys_of(*table, identity)?;
            page.read(&run.session.query(&select).await?)?;
            *is_done = page.len() < *rows_max;
            *last = page.len().checked_sub(1).map(|at| page.copied(&[at]));
            for select in run.sql(fetched).page_again(rows, (whole.as_ref(), ends), &page) {
                found.extend(run.session.query(&select).await?);
            }
        } else {
            let sql = run.sql(fetched);
            let select = match last {
                None if *is_sorted => sql.sorted_page(rows, ends, *lock, *rows_max),
                _ => sql.page(rows, (whole.as_ref(), ends), *lock, last.as_ref(), *rows_max),
            };
            found = run.session.query(&select).await?;
            *is_done = found.len() < *rows_max;
            *last = None;
        }
        let mut keys = run.keys_of(*table, identity)?;
        // The columns of the entity come before those of the key.
        let mut first = if whole.is_some() { run.schema.tables[*table].columns.len() } else { 0 };
        keys.read_at(&found, first)?;
        first += keys.columns.len();
        let mut ends_found = Vec::with_capacity(ends.len());
        for &key in *ends {
            let key = &run.schema.keys[key];
            let mut end = run.keys_of(key.parent, &key.parent_columns)?;
            end.read_at(&found, first)?;
            first += end.columns.len();
            ends_found.push(end);
        }
        if last.is_none() {
            *last = keys.len().checked_sub(1).map(|at| keys.copied(&[at]));
        }
        Ok(Some(Page { keys, ends: ends_found, rows: found }))
    }
}
