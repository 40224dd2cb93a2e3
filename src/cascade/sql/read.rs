//! The statements that read and lock rows.
//!
//! Pure.

use sea_orm::sea_query::{
    Alias, Expr, ExprTrait as _, Func, IntoIden as _, JoinType, LockType, Order, Query, SelectStatement, TableRef,
};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::{Keys, alias};
use crate::cascade::declare::schema::{ForeignKey, KeyId, Table, TableId};
use crate::cascade::plan::count::Count;
use crate::cascade::sql::catalog::Question;
use crate::cascade::sql::rows::RowSet;
use crate::cascade::sql::value::{is_exact, table_iden};
use crate::cascade::sql::{Reads, Sql};

impl Sql<'_> {
    /// Selects the identity of the rows, in key order, locked if wanted. For each of these keys it
    /// also selects what the rows reference.
    ///
    /// The child's own columns say that, if equal values look equal. If they may look different (in
    /// a text key 'a' may equal 'A'), the parent is joined and its columns are selected.
    pub(crate) fn read(&self, rows: &RowSet, ends: &[KeyId], lock: bool) -> SelectStatement {
        let mut select = Query::select();
        select.from(self.table_ref(rows.table));
        self.read_too(select, rows, ends, lock)
    }

    /// Adds the same to the columns of a Select. Private names keep them apart from its own.
    fn read_too(&self, mut select: SelectStatement, rows: &RowSet, ends: &[KeyId], lock: bool) -> SelectStatement {
        let RowSet { table, condition, named } = rows;
        let Table { identity, primary_key, .. } = self.table(*table);
        self.key_columns(&mut select, *table, identity, table_iden(self.table(*table)));
        select.and_where(condition.clone());
        for &key in ends {
            let ForeignKey { child_columns, parent, parent_columns, .. } = self.key(key);
            let pairs = || child_columns.iter().copied().zip(parent_columns.iter().copied());
            let ty = |column: usize| &self.table(*parent).columns[column].ty;
            let is_exact = pairs().all(|(from, to)| {
                is_exact(self.dialect, &self.table(*table).columns[from].ty) && is_exact(self.dialect, ty(to))
            });
            let end = Alias::new(format!("__cascade_end_{key}"));
            let ended = |to: usize| Expr::col((end.clone(), self.table(*parent).columns[to].name.clone()));
            for (from, to) in pairs() {
                let value = if is_exact { self.column(*table, from) } else { ended(to) };
                select.expr(self.readable(value, ty(to)));
            }
            if !is_exact {
                let on = pairs().map(|(from, to)| self.column(*table, from).eq(ended(to)));
                let on = on.reduce(sea_orm::sea_query::ExprTrait::and).unwrap_or_else(|| Expr::cust("1 = 1"));
                let parent = TableRef::Table(self.table(*parent).name.clone(), Some(end.clone().into_iden()));
                select.join(JoinType::LeftJoin, parent, on);
            }
        }
        for &column in primary_key {
            select.order_by_expr(self.ordered(*table, column), Order::Asc);
        }
        match self.dialect {
            Dialect::Postgres if lock => {
                select.lock_with_tables(LockType::Update, [table_iden(self.table(*table))]);
            }
            Dialect::MySql if lock => {
                select.lock_exclusive();
            }
            Dialect::Postgres | Dialect::MySql | Dialect::Sqlite => self.as_committed(&mut select),
        }
        self.with(&mut select, *named);
        select
    }

    /// Makes a SELECT read committed rows, if that is needed ([`Reads::Committed`]).
    pub(super) fn as_committed(&self, select: &mut SelectStatement) {
        if self.reads == Reads::Committed {
            select.lock_shared();
        }
    }

    /// Locks the doomed rows of a table that has children, in key order. The statement counts them,
    /// so no key leaves the database. SQLite holds its write lock since BEGIN.
    pub(crate) fn lock_parents(&self, table: TableId) -> Vec<SelectStatement> {
        if self.dialect == Dialect::Sqlite || self.schema.keys_to(table).next().is_none() {
            return Vec::new();
        }
        let rows = self.dooming(table).flat_map(|key| self.referencing(key));
        rows.map(|rows| self.lock_and_count(&rows, None)).collect()
    }

    /// Selects rows as [`read`](Self::read) does, with the query of the catalogs as the last column.
    pub(crate) fn read_and_ask(&self, rows: &RowSet, question: &Question<'_>, lock: bool) -> SelectStatement {
        let mut select = self.read(rows, &[], lock);
        question.beside().add_to(&mut select);
        select
    }

    /// Selects the row that the defaults of a SET DEFAULT key reference, and locks it against a
    /// delete by others.
    pub(crate) fn default_row(&self, key: KeyId) -> SelectStatement {
        let ForeignKey { child, child_columns, parent, parent_columns, .. } = self.key(key);
        let mut select = Query::select();
        select.expr(Expr::cust("1")).from(self.table_ref(*parent));
        for (&from, &to) in child_columns.iter().zip(parent_columns) {
            let default = self.default(&self.table(*child).columns[from]);
            select.and_where(self.column(*parent, to).eq(default));
        }
        if self.dialect != Dialect::Sqlite {
            select.lock_shared();
        }
        select
    }

    /// Selects the primary keys of the first blockers of this key, in key order.
    pub(crate) fn blocking_rows(&self, count: Count, key: KeyId, rows_max: u64) -> SelectStatement {
        let child = self.key(key).child;
        let mut select = self.count(count);
        select.clear_selects().limit(rows_max);
        let primary_key = &self.table(child).primary_key;
        self.key_columns(&mut select, child, primary_key, table_iden(self.table(child)));
        for &column in primary_key {
            select.order_by_expr(self.column(child, column), Order::Asc);
        }
        self.with(&mut select, self.mentioned(count));
        select
    }

    /// Selects the first of these rows in key order.
    ///
    /// PostgreSQL, if it plans without the values, would take the limit for a small one and read the
    /// index of the primary key until it has found so many rows (seen: 2 ms instead of 0.1). So it
    /// does not see that the order is that of the index.
    pub(crate) fn sorted_page(&self, rows: &RowSet, ends: &[KeyId], lock: bool, rows_max: usize) -> SelectStatement {
        let mut select = self.page(rows, (None, ends), lock, None, rows_max);
        if self.dialect == Dialect::Postgres {
            select.clear_order_by();
            for &column in &self.table(rows.table).primary_key {
                let column = self.column(rows.table, column);
                select.order_by_expr(Func::coalesce([column.clone(), column]).into(), Order::Asc);
            }
        }
        select
    }

    /// Selects at most this many rows after the last one, `usize::MAX` for all; whole rows, if an
    /// entity's Select is given.
    pub(crate) fn page(
        &self,
        rows: &RowSet,
        (whole, ends): (Option<&SelectStatement>, &[KeyId]),
        lock: bool,
        after: Option<&Keys>,
        rows_max: usize,
    ) -> SelectStatement {
        let mut select = match whole {
            None => self.read(rows, ends, lock),
            Some(whole) => self.read_too(whole.clone(), rows, ends, lock),
        };
        if rows_max < usize::MAX {
            select.limit(rows_max as u64);
        }
        if let Some(after) = after {
            let (columns, values) = self.place(rows.table, after);
            select.and_where(columns.gt(values));
        }
        select
    }

    /// Selects the rows with these keys that still match the condition, locked in key order.
    pub(crate) fn page_again(
        &self,
        rows: &RowSet,
        (whole, ends): (Option<&SelectStatement>, &[KeyId]),
        keys: &Keys,
    ) -> Vec<SelectStatement> {
        let again = |still: RowSet| {
            let still = RowSet { named: rows.named, ..still };
            match whole {
                None => self.read(&still, ends, true),
                Some(whole) => self.read_too(whole.clone(), &still, ends, true),
            }
        };
        self.still(rows.table, keys, Some(&rows.condition)).into_iter().map(again).collect()
    }

    /// Selects the last of the next rows after a place in key order, if there are that many.
    pub(crate) fn end_of(&self, rows: &RowSet, after: Option<&Keys>, rows_max: usize) -> SelectStatement {
        self.page(rows, (None, &[]), false, after, 1).offset(rows_max as u64 - 1).to_owned()
    }

    /// Counts these rows by primary key.
    pub(crate) fn count_at(&self, table: TableId, keys: &Keys, rows: &[usize]) -> Vec<SelectStatement> {
        let count = |condition| self.count_of(&RowSet { table, condition, named: None });
        self.each_at(table, keys, rows).into_iter().map(count).collect()
    }

    /// Counts the rows.
    pub(crate) fn count_of(&self, rows: &RowSet) -> SelectStatement {
        let mut select = Query::select();
        select.expr_as(Func::count(Expr::cust("*")), Alias::new(alias(0)));
        select.from(self.table_ref(rows.table)).and_where(rows.condition.clone());
        self.as_committed(&mut select);
        self.with(&mut select, rows.named);
        select
    }

    /// Counts the rows after a place in key order.
    pub(crate) fn count_after(&self, rows: &RowSet, after: Option<&Keys>) -> SelectStatement {
        self.count_of(&self.between(rows, after, None))
    }

    /// Selects these rows as their entity reads them, in key order.
    pub(crate) fn whole(
        &self,
        select: &SelectStatement,
        table: TableId,
        keys: &Keys,
        rows: &[usize],
    ) -> Vec<SelectStatement> {
        let mut select = select.clone();
        for &column in &self.table(table).primary_key {
            select.order_by_expr(self.column(table, column), Order::Asc);
        }
        self.as_committed(&mut select);
        let conditions = self.each_at(table, keys, rows).into_iter();
        conditions.map(|condition| select.clone().and_where(condition).to_owned()).collect()
    }

    /// Locks rows in key order, and counts those that do not match a condition.
    pub(crate) fn lock_and_count(&self, rows: &RowSet, fulfils: Option<&Expr>) -> SelectStatement {
        let (table, other) = (rows.table, Alias::new(alias(0)));
        let mut locked = Query::select();
        let is_other = match fulfils {
            None => Expr::cust("1"),
            Some(fulfils) => Expr::case(fulfils.clone(), Expr::cust("NULL")).finally(Expr::cust("1")).into(),
        };
        locked.expr_as(is_other, other.clone()).from(self.table_ref(table)).and_where(rows.condition.clone());
        if self.dialect != Dialect::Sqlite {
            locked.lock_exclusive();
        }
        for &column in &self.table(table).primary_key {
            locked.order_by_expr(self.column(table, column), Order::Asc);
        }
        self.with(&mut locked, rows.named);
        let mut select = Query::select();
        let count = Func::count(Expr::col(other.clone()));
        select.expr_as(count, other).from_subquery(locked, Alias::new("__cascade_locked"));
        select
    }
}
