//! The statements of an undo: what is in its way, and what brings rows and keys back.
//!
//! Pure. In each statement the record table is `__cascade_g` and the table itself `__cascade_t`.

use sea_orm::sea_query::{
    Alias, DeleteStatement, Expr, ExprTrait as _, IntoIden as _, JoinType, LockType, Order, Query, SelectStatement,
    TableName, TableRef, UpdateStatement,
};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::alias;
use crate::cascade::data::receipt::{Receipt, RecordedChange, RecordedStep};
use crate::cascade::declare::schema::TableId;
use crate::cascade::plan::recording::{KIND, RECEIPT, RecordKind, STEP};
use crate::cascade::sql::Sql;
use crate::cascade::sql::record::InsertSelect;

const RECORD: &str = "__cascade_g";
const TABLE: &str = "__cascade_t";
const OTHER: &str = "__cascade_p";

/// All deleted rows of a receipt.
const ALL_ROWS: (u64, u64, RecordKind) = (0, u64::MAX, RecordKind::Gone);

/// A table whose rows come back.
#[derive(Debug, Clone)]
pub(crate) struct UndoTable {
    pub(crate) id: TableId,
    pub(crate) name: TableName,
    pub(crate) record: TableName,
    /// The columns that the table and its record have both, without generated ones.
    pub(crate) columns: Vec<String>,
    pub(crate) primary_key: Vec<String>,
    /// MySQL and MariaDB: columns that an UPDATE would set to the time.
    pub(crate) set_by_update: Vec<String>,
}

/// Values that no two rows may have both.
#[derive(Debug, Clone)]
pub(crate) struct Unique {
    pub(crate) columns: Vec<String>,
    /// The collation of each column in the index, where it differs from that of the column.
    pub(crate) collations: Vec<Option<String>>,
    pub(crate) nulls_are_equal: bool,
}

/// What recorded rows reference.
#[derive(Debug, Clone)]
pub(crate) struct Referenced {
    pub(crate) columns: Vec<String>,
    pub(crate) parent: TableName,
    pub(crate) parent_label: String,
    pub(crate) parent_columns: Vec<String>,
    /// The record table of the parent, if it is in the graph.
    pub(crate) parent_record: Option<TableName>,
    pub(crate) is_constrained: bool,
}

impl Sql<'_> {
    // ---- What comes back

    /// Inserts the recorded rows of a step. InnoDB checks each row as it comes, so the last deleted
    /// row, which is the parent, comes first.
    pub(crate) fn put_back(&self, receipt: Receipt, table: &UndoTable, step: &RecordedStep) -> InsertSelect {
        let mut select = Query::select();
        select.exprs(table.columns.iter().map(|column| of(RECORD, column)));
        from_recorded(&mut select, receipt, &table.record, (step.first, step.last, RecordKind::Gone));
        if self.dialect == Dialect::MySql {
            select.order_by((Alias::new(RECORD), Alias::new(STEP)), Order::Desc);
        }
        InsertSelect { into: table.name.clone(), columns: table.columns.clone(), select, overrides: true }
    }

    /// Counts the recorded rows of a step that are in their table.
    pub(crate) fn count_returned(&self, receipt: Receipt, table: &UndoTable, step: &RecordedStep) -> SelectStatement {
        let mut select = count();
        from_recorded(&mut select, receipt, &table.record, (step.first, step.last, RecordKind::Gone));
        select.join(JoinType::InnerJoin, aliased(&table.name, TABLE), same(RECORD, TABLE, &table.primary_key));
        self.as_committed(&mut select);
        select
    }

    /// Counts the rows of a step whose key still has what the delete has written.
    pub(crate) fn count_restorable(
        &self,
        receipt: Receipt,
        table: &UndoTable,
        step: &RecordedStep,
        change: &RecordedChange,
    ) -> SelectStatement {
        let mut select = count();
        from_recorded(&mut select, receipt, &table.record, (step.first, step.last, RecordKind::Changed));
        select.join(JoinType::InnerJoin, aliased(&table.name, TABLE), same(RECORD, TABLE, &table.primary_key));
        select.and_where(is_left(receipt, table, change, TABLE));
        self.as_committed(&mut select);
        select
    }

    // ---- What is in the way

    /// Counts the recorded rows whose values another row has.
    pub(crate) fn count_taken(&self, receipt: Receipt, table: &UndoTable, unique: &Unique) -> SelectStatement {
        let mut select = count();
        from_recorded(&mut select, receipt, &table.record, ALL_ROWS);
        let mut holder = Query::select();
        holder.expr(Expr::cust("1")).from(aliased(&table.name, TABLE)).and_where(holds(unique));
        self.as_committed(&mut holder);
        select.and_where(Expr::exists(holder));
        self.as_committed(&mut select);
        select
    }

    /// Counts the rows that would get a key back which another row has, where the key is unique.
    pub(crate) fn count_key_taken(
        &self,
        receipt: Receipt,
        table: &UndoTable,
        (step, change): (&RecordedStep, &RecordedChange),
        unique: &Unique,
    ) -> SelectStatement {
        let mut select = self.count_restorable(receipt, table, step, change);
        let mut holder = Query::select();
        holder.expr(Expr::cust("1")).from(aliased(&table.name, OTHER));
        holder.and_where(pairs(OTHER, &unique.columns, RECORD, &unique.columns));
        self.as_committed(&mut holder);
        select.and_where(Expr::exists(holder));
        select
    }

    /// Selects the primary keys of some of them, and then those of the rows that have their values.
    pub(crate) fn sample_taken(
        &self,
        receipt: Receipt,
        table: &UndoTable,
        unique: &Unique,
        rows: u64,
    ) -> SelectStatement {
        let mut select = Query::select();
        self.sampled(&mut select, table, RECORD);
        self.sampled(&mut select, table, TABLE);
        from_recorded(&mut select, receipt, &table.record, ALL_ROWS);
        select.join(JoinType::InnerJoin, aliased(&table.name, TABLE), holds(unique));
        in_key_order(&mut select, table);
        select.limit(rows);
        self.as_committed(&mut select);
        select
    }

    /// Counts the recorded rows whose parent is neither there nor in the receipt.
    pub(crate) fn count_without_parent(&self, receipt: Receipt, table: &UndoTable, to: &Referenced) -> SelectStatement {
        let mut select = count();
        self.without_parent(&mut select, receipt, table, to);
        select
    }

    /// Selects the primary keys of some of them.
    pub(crate) fn sample_without_parent(
        &self,
        receipt: Receipt,
        table: &UndoTable,
        to: &Referenced,
        rows: u64,
    ) -> SelectStatement {
        let mut select = Query::select();
        self.sampled(&mut select, table, RECORD);
        self.without_parent(&mut select, receipt, table, to);
        in_key_order(&mut select, table);
        select.limit(rows);
        select
    }

    /// Selects the newest receipt that took a parent of one of them.
    pub(crate) fn taken_by(&self, receipt: Receipt, table: &UndoTable, to: &Referenced) -> Option<SelectStatement> {
        let record = to.parent_record.as_ref()?;
        let mut missing = Query::select();
        missing.expr(Expr::cust("1"));
        self.without_parent(&mut missing, receipt, table, to);
        missing.and_where(pairs(OTHER, &to.parent_columns, RECORD, &to.columns));
        let mut select = Query::select();
        select.expr_as(of(OTHER, RECEIPT).max(), Alias::new(alias(0))).from(aliased(record, OTHER));
        select.and_where(of(OTHER, KIND).eq(RecordKind::Gone.as_str())).and_where(Expr::exists(missing));
        self.as_committed(&mut select);
        Some(select)
    }

    fn without_parent(&self, select: &mut SelectStatement, receipt: Receipt, table: &UndoTable, to: &Referenced) {
        from_recorded(select, receipt, &table.record, ALL_ROWS);
        for column in &to.columns {
            select.and_where(of(RECORD, column).is_not_null());
        }
        let mut parent = Query::select();
        parent.expr(Expr::cust("1")).from(aliased(&to.parent, TABLE));
        parent.and_where(pairs(TABLE, &to.parent_columns, RECORD, &to.columns));
        self.as_committed(&mut parent);
        select.and_where(Expr::exists(parent).not());
        if let Some(record) = &to.parent_record {
            let mut recorded = Query::select();
            recorded.expr(Expr::cust("1")).from(aliased(record, TABLE));
            recorded.and_where(of(TABLE, RECEIPT).eq(receipt.stored()));
            recorded.and_where(of(TABLE, KIND).eq(RecordKind::Gone.as_str()));
            recorded.and_where(pairs(TABLE, &to.parent_columns, RECORD, &to.columns));
            self.as_committed(&mut recorded);
            select.and_where(Expr::exists(recorded).not());
        }
        self.as_committed(select);
    }

    /// Locks the parents of the recorded rows that are there, where no constraint does it. The
    /// statement counts them.
    pub(crate) fn lock_referenced(&self, receipt: Receipt, table: &UndoTable, to: &Referenced) -> SelectStatement {
        let mut recorded = Query::select();
        recorded.expr(Expr::cust("1"));
        from_recorded(&mut recorded, receipt, &table.record, ALL_ROWS);
        recorded.and_where(pairs(TABLE, &to.parent_columns, RECORD, &to.columns));
        let mut parents = Query::select();
        parents.expr(Expr::cust("1")).from(aliased(&to.parent, TABLE)).and_where(Expr::exists(recorded));
        for column in &to.parent_columns {
            parents.order_by((Alias::new(TABLE), Alias::new(column)), Order::Asc);
        }
        match self.dialect {
            Dialect::Postgres => {
                parents.lock_with_tables(LockType::KeyShare, [Alias::new(TABLE)]);
            }
            Dialect::MySql => {
                parents.lock_shared();
            }
            Dialect::Sqlite => {}
        }
        let mut select = count();
        select.from_subquery(parents, Alias::new("__cascade_parents"));
        select
    }

    /// Counts the recorded rows with a value in a column.
    pub(crate) fn count_with_value(&self, receipt: Receipt, table: &UndoTable, column: &str) -> SelectStatement {
        let mut select = count();
        from_recorded(&mut select, receipt, &table.record, ALL_ROWS);
        select.and_where(of(RECORD, column).is_not_null());
        self.as_committed(&mut select);
        select
    }

    // ---- Parts of them

    fn sampled(&self, select: &mut SelectStatement, table: &UndoTable, from: &str) {
        let declared = &self.schema.tables[table.id];
        for &column in &declared.primary_key {
            let column = &declared.columns[column];
            select.expr(self.readable(of(from, &column.name.to_string()), &column.ty));
        }
    }
}

/// Removes the recorded rows of a receipt.
pub(crate) fn forget(receipt: Receipt, record: &TableName) -> DeleteStatement {
    let mut delete = Query::delete();
    delete.from_table(TableRef::Table(record.clone(), None));
    delete.and_where(Expr::col(Alias::new(RECEIPT)).eq(receipt.stored()));
    delete
}

/// Writes the old values of a step into those rows.
pub(crate) fn restore(
    receipt: Receipt,
    table: &UndoTable,
    step: &RecordedStep,
    change: &RecordedChange,
) -> UpdateStatement {
    let own = table.name.1.to_string();
    let mut update = Query::update();
    update.table(TableRef::Table(table.name.clone(), None));
    update.from(aliased(&table.record, RECORD));
    for column in &change.columns {
        update.value(Alias::new(column), of(RECORD, column));
    }
    for column in table.set_by_update.iter().filter(|column| !change.columns.contains(column)) {
        update.value(Alias::new(column), of(&own, column));
    }
    for condition in in_record(receipt, (step.first, step.last, RecordKind::Changed)) {
        update.and_where(condition);
    }
    update.and_where(same(RECORD, &own, &table.primary_key));
    update.and_where(is_left(receipt, table, change, &own));
    update
}

/// Whether the key of a row still has what the delete has written.
fn is_left(receipt: Receipt, table: &UndoTable, change: &RecordedChange, row: &str) -> Expr {
    let is_left = |column: &String| match change.left {
        None => of(row, column).is_null(),
        Some(step) => {
            let mut left = Query::select();
            left.expr(of(RECORD, column));
            from_recorded(&mut left, receipt, &table.record, (step, step, RecordKind::Left));
            let left = Expr::SubQuery(None, Box::new(left.into()));
            of(row, column).eq(left.clone()).or(of(row, column).is_null().and(left.is_null()))
        }
    };
    change.columns.iter().map(is_left).reduce(sea_orm::sea_query::ExprTrait::and).unwrap_or_else(|| Expr::cust("1 = 1"))
}

/// Counts the keys that a receipt has twice.
pub(crate) fn count_repeated(receipt: Receipt, table: &UndoTable) -> SelectStatement {
    let mut repeated = Query::select();
    repeated.expr(Expr::cust("1"));
    from_recorded(&mut repeated, receipt, &table.record, ALL_ROWS);
    for column in &table.primary_key {
        repeated.add_group_by([of(RECORD, column)]);
    }
    repeated.and_having(Expr::cust("COUNT(*) > 1"));
    let mut select = count();
    select.from_subquery(repeated, Alias::new("__cascade_repeated"));
    select
}

/// Reads the rows of these steps.
fn from_recorded(select: &mut SelectStatement, receipt: Receipt, record: &TableName, steps: (u64, u64, RecordKind)) {
    select.from(aliased(record, RECORD));
    for condition in in_record(receipt, steps) {
        select.and_where(condition);
    }
}

fn in_key_order(select: &mut SelectStatement, table: &UndoTable) {
    for column in &table.primary_key {
        select.order_by((Alias::new(RECORD), Alias::new(column)), Order::Asc);
    }
}

/// The conditions for the rows of these steps.
fn in_record(receipt: Receipt, (first, last, kind): (u64, u64, RecordKind)) -> Vec<Expr> {
    let mut conditions = vec![of(RECORD, RECEIPT).eq(receipt.stored())];
    if last < u64::MAX {
        let number = |step: u64| i64::try_from(step).unwrap_or(i64::MAX);
        conditions.push(of(RECORD, STEP).between(number(first), number(last)));
    }
    conditions.push(of(RECORD, KIND).eq(kind.as_str()));
    conditions
}

fn count() -> SelectStatement {
    let mut select = Query::select();
    select.expr_as(Expr::cust("COUNT(*)"), Alias::new(alias(0)));
    select
}

fn of(table: &str, column: &str) -> Expr {
    Expr::col((Alias::new(table), Alias::new(column)))
}

fn aliased(name: &TableName, alias: &str) -> TableRef {
    TableRef::Table(name.clone(), Some(Alias::new(alias).into_iden()))
}

fn same(one: &str, other: &str, columns: &[String]) -> Expr {
    pairs(other, columns, one, columns)
}

/// The collation of a comparison is that of its left side on SQLite.
fn pairs(left: &str, columns: &[String], right: &str, others: &[String]) -> Expr {
    let equal = columns.iter().zip(others).map(|(column, other)| of(left, column).eq(of(right, other)));
    equal.reduce(sea_orm::sea_query::ExprTrait::and).unwrap_or_else(|| Expr::cust("1 = 1"))
}

/// The condition that a row of the table has the values of a recorded row.
fn holds(unique: &Unique) -> Expr {
    let equal = unique.columns.iter().enumerate().map(|(n, column)| {
        let (own, recorded) = (of(TABLE, column), of(RECORD, column));
        let are_null = unique.nulls_are_equal.then(|| own.clone().is_null().and(recorded.clone().is_null()));
        let equal = match unique.collations.get(n).and_then(Option::as_ref) {
            Some(collation) => own.eq(Expr::cust_with_expr(format!("? COLLATE {collation}"), recorded)),
            None => own.eq(recorded),
        };
        match are_null {
            Some(are_null) => equal.or(are_null),
            None => equal,
        }
    });
    equal.reduce(sea_orm::sea_query::ExprTrait::and).unwrap_or_else(|| Expr::cust("1 = 1"))
}
