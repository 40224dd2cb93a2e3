//! The statements that record rows before they are deleted or changed.
//!
//! Pure.

use sea_orm::sea_query::{
    Alias, Expr, ExprTrait as _, InsertStatement, IntoIden as _, LockType, Query, SelectStatement, TableName, TableRef,
};
use sea_orm::{AuditError, DbBackend, QueryAccessAudit, Statement, StatementBuilder};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::declare::schema::{ForeignKey, KeyId, TableId};
use crate::cascade::plan::recording::{KIND, RECEIPT, RecordKind, RecordedTable, Recording, STEP};
use crate::cascade::sql::Sql;
use crate::cascade::sql::value::{row, table_iden};

/// `INSERT INTO .. SELECT ..`, in the form that also writes identity columns.
#[derive(Debug, Clone)]
pub(crate) struct InsertSelect {
    pub(crate) into: TableName,
    pub(crate) columns: Vec<String>,
    pub(crate) select: SelectStatement,
    /// PostgreSQL: whether values go into columns that are GENERATED ALWAYS AS IDENTITY. It is
    /// valid beside every other column too.
    pub(crate) overrides: bool,
}

impl InsertSelect {
    /// Returns what stands before the SELECT.
    pub(crate) fn head(&self, dialect: Dialect) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| dialect.quoted(column)).collect();
        let overriding = if self.overrides && dialect == Dialect::Postgres { "OVERRIDING SYSTEM VALUE " } else { "" };
        format!("INSERT INTO {} ({}) {overriding}", quoted(dialect, &self.into), columns.join(", "))
    }
}

impl StatementBuilder for InsertSelect {
    fn build(&self, backend: &DbBackend) -> Statement {
        let dialect = match backend {
            DbBackend::Postgres => Dialect::Postgres,
            DbBackend::MySql => Dialect::MySql,
            _ => Dialect::Sqlite,
        };
        let mut statement = StatementBuilder::build(&self.select, backend);
        statement.sql = format!("{}{}", self.head(dialect), statement.sql);
        statement
    }

    fn audit(&self) -> Result<QueryAccessAudit, AuditError> {
        let mut insert = InsertStatement::new();
        insert.into_table(TableRef::Table(self.into.clone(), None));
        insert.columns(self.columns.iter().map(Alias::new));
        insert.select_from(self.select.clone()).map_err(|_| AuditError::UnsupportedQuery)?;
        StatementBuilder::audit(&insert)
    }
}

/// Returns a table's name as statements write it.
pub(crate) fn quoted(dialect: Dialect, name: &TableName) -> String {
    let TableName(schema, table) = name;
    let table = dialect.quoted(&table.to_string());
    schema.as_ref().map_or(table.clone(), |schema| format!("{}.{table}", dialect.quoted(&schema.1.to_string())))
}

impl Sql<'_> {
    /// Records these rows before they are deleted, and locks them.
    pub(crate) fn record(
        &self,
        recording: &Recording,
        table: TableId,
        condition: Expr,
        step: u64,
    ) -> Option<InsertSelect> {
        let recorded = recording.table(table)?;
        let mut select = self.copied(recording, table, &recorded.columns, (step, RecordKind::Gone));
        select.and_where(condition);
        self.lock_recorded(&mut select, table, LockType::Update);
        Some(insert(recorded, &recorded.columns, select))
    }

    /// Records the values of these columns before they are changed in these rows, and locks the rows.
    pub(crate) fn record_change(
        &self,
        recording: &Recording,
        table: TableId,
        columns: &[String],
        condition: Expr,
        step: u64,
    ) -> Option<InsertSelect> {
        let recorded = recording.table(table)?;
        let columns = with_primary_key(recorded, columns);
        let mut select = self.copied(recording, table, &columns, (step, RecordKind::Changed));
        select.and_where(condition);
        self.lock_recorded(&mut select, table, LockType::NoKeyUpdate);
        Some(insert(recorded, &columns, select))
    }

    /// The same for all rows that reference doomed rows through a key, where MySQL and MariaDB need
    /// a join.
    pub(crate) fn record_joined(
        &self,
        recording: &Recording,
        key: KeyId,
        columns: &[String],
        step: u64,
    ) -> Option<InsertSelect> {
        let ForeignKey { child, child_columns, parent, parent_columns, .. } = self.key(key);
        let recorded = recording.table(*child)?;
        let columns = with_primary_key(recorded, columns);
        let mut select = self.copied(recording, *child, &columns, (step, RecordKind::Changed));
        let doomed = Alias::new("__cascade_doomed");
        let from = self.doomed_select(*parent, parent_columns, true);
        let pairs = child_columns.iter().zip(parent_columns).map(|(&from, &to)| {
            let to = Expr::col((doomed.clone(), self.table(*parent).columns[to].name.clone()));
            self.column(*child, from).eq(to)
        });
        let on = pairs.reduce(sea_orm::sea_query::ExprTrait::and).unwrap_or_else(|| Expr::cust("1 = 1"));
        select.join(
            sea_orm::sea_query::JoinType::InnerJoin,
            TableRef::SubQuery(Box::new(from), doomed.into_iden()),
            on,
        );
        select.lock_exclusive();
        Some(insert(recorded, &columns, select))
    }

    /// Records what a step has written into these columns, from one of its rows.
    pub(crate) fn record_left(
        &self,
        recording: &Recording,
        table: TableId,
        columns: &[String],
        (changed, step): (u64, u64),
    ) -> Option<InsertSelect> {
        let recorded = recording.table(table)?;
        let columns = with_primary_key(recorded, columns);
        let mut select = self.copied(recording, table, &columns, (step, RecordKind::Left));
        select.and_where(self.is_recorded(recording, table, changed)?).limit(1);
        Some(insert(recorded, &columns, select))
    }

    /// Counts the rows recorded in a step that are still there.
    pub(crate) fn recorded_and_there(
        &self,
        recording: &Recording,
        table: TableId,
        step: u64,
    ) -> Option<SelectStatement> {
        let mut select = Query::select();
        select.expr_as(Expr::cust("COUNT(*)"), Alias::new(crate::cascade::data::key::alias(0)));
        select.from(self.table_ref(table)).and_where(self.is_recorded(recording, table, step)?);
        Some(select)
    }

    /// Returns the condition that a row was recorded in a step.
    fn is_recorded(&self, recording: &Recording, table: TableId, step: u64) -> Option<Expr> {
        let recorded = recording.table(table)?;
        let mut keys = Query::select();
        keys.columns(recorded.primary_key.iter().map(Alias::new));
        keys.from(TableRef::Table(recorded.record.clone(), None));
        keys.and_where(Expr::col(Alias::new(RECEIPT)).eq(recording.receipt.stored()));
        keys.and_where(Expr::col(Alias::new(STEP)).eq(number(step)));
        let of = table_iden(self.table(table));
        let primary_key = recorded.primary_key.iter().map(|column| Expr::col((of.clone(), Alias::new(column))));
        Some(row(primary_key.collect()).in_subquery(keys))
    }

    fn copied(
        &self,
        recording: &Recording,
        table: TableId,
        columns: &[String],
        (step, kind): (u64, RecordKind),
    ) -> SelectStatement {
        let of = table_iden(self.table(table));
        let mut select = Query::select();
        select.exprs(columns.iter().map(|column| Expr::col((of.clone(), Alias::new(column)))));
        select.expr(self.number(recording.receipt.stored())).expr(self.number(number(step)));
        select.expr(Expr::cust(format!("'{}'", kind.as_str())));
        select.from(self.table_ref(table));
        select
    }

    /// PostgreSQL would take an unnamed type for text.
    fn number(&self, number: i64) -> Expr {
        let value = Expr::value(number);
        if self.dialect == Dialect::Postgres { value.cast_as(Alias::new("bigint")) } else { value }
    }

    /// U3: without a lock, a change that another session commits between the record and the delete
    /// would be lost.
    fn lock_recorded(&self, select: &mut SelectStatement, table: TableId, lock: LockType) {
        match self.dialect {
            Dialect::Postgres => {
                select.lock_with_tables(lock, [table_iden(self.table(table))]);
            }
            Dialect::MySql => {
                select.lock_exclusive();
            }
            Dialect::Sqlite => {}
        }
    }
}

fn number(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

fn with_primary_key(recorded: &RecordedTable, columns: &[String]) -> Vec<String> {
    recorded
        .primary_key
        .iter()
        .chain(columns.iter().filter(|column| !recorded.primary_key.contains(column)))
        .cloned()
        .collect()
}

fn insert(recorded: &RecordedTable, columns: &[String], select: SelectStatement) -> InsertSelect {
    let own = [RECEIPT, STEP, KIND].map(str::to_owned);
    let columns = columns.iter().cloned().chain(own).collect();
    InsertSelect { into: recorded.record.clone(), columns, select, overrides: false }
}
