//! The dialects: every statement of a preview or a delete, in the form that its backend is good at.
//!
//! Pure. The plan does not know which form a backend gets; measured reasons stand beside each choice. All dialects
//! are always compiled.
//!
//! The doomed rows of a table are found through those of its parents and never leave the database: in a statement
//! they are a common table expression `__cascade_<table>`, and each doomed table is mentioned once. Rows that are
//! known by key (the roots, and the rows of a cycle's tables) are one bound value: an array on PostgreSQL, a JSON text
//! on SQLite. MySQL and MariaDB take lists.

mod counts;

use std::ops::Range;

use sea_orm::DbErr;
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{
    Alias, ArrayType, ColumnType, CommonTableExpression, DeleteStatement, DynIden, Expr, ExprTrait as _, Func,
    IntoIden as _, JoinType, LockType, Order, PostgresQueryBuilder, Query, SelectStatement, TableBuilder as _,
    TableName, TableRef, UnionType, UpdateStatement, Value, WithClause,
};

use crate::cascade::catalog::{Question, without_length};
use crate::cascade::declaration::Column;
use crate::cascade::dialect::Dialect;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::graph::{Action, ForeignKey, KeyId, Schema, Table, TableId};
use crate::cascade::key::{KeyColumn, KeyKind, Keys, alias, hex};
use crate::cascade::known::Known;
use crate::cascade::plan::{Count, Plan};

/// Rows that MySQL and MariaDB get in one list or page. Lists up to 20,000 kept an index range scan; longer
/// transactions of smaller pages cost up to 31 % more.
pub(crate) const PAGE: usize = 5_000;

/// Parents in one list on MySQL and MariaDB. Up to 200 (`eq_range_index_dive_limit`) they look into the index; for more
/// they go by the average number of children, and where some parents have most of them that means a scan of the whole
/// table (seen: 85 ms for 1).
const PARENTS: usize = 192;

/// Parents in one statement that reads their children level by level: few enough that these mostly fit one page.
const FRONTIER: usize = 2_000;

/// The longest array that PostgreSQL may go through for each row. It looks it up by hash only while it plans for the very
/// values; a statement that is prepared once and run often gets a plan for any, and compares each with each (seen: 1 s
/// for 70,000 rows and 2,000 keys). A longer one is a table of its own.
const SHORT_ARRAY: usize = 100;

/// The longest list that is bound; a longer one is written out, because a statement takes 65,535 values at most.
const BOUND_LIST_MAX: usize = 8_192;

/// Values of the caller's in one statement; SQLite takes 32,766, the others 65,535.
const VALUES_MAX: usize = 30_000;

/// Keys in one statement with others on MySQL and MariaDB. Beyond that a number is asked for in several statements, and
/// a table below is read by key too, or every page of its rows would repeat the list.
const LONG_LIST: usize = 20_000;

/// By how many ways from known tables the rows of a key are looked for one after the other.
const WAYS_MAX: usize = 4;

/// How often tables may be repeated in one statement before their keys are read instead. SQLite and MariaDB expand a
/// common table expression at every mention, so that a lattice of diamonds grows with its paths: 14 layers took
/// SQLite 0.5 s to prepare, each layer doubling it. PostgreSQL shares it.
const EXPANSIONS_MAX: u64 = 32;

/// Rows of a table that a statement looks for.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    table: TableId,
    condition: Expr,
    /// A table whose doomed rows the condition mentions by name.
    named: Option<TableId>,
}

impl Rows {
    /// Rows that a condition on their own columns tells.
    pub(crate) fn new(table: TableId, condition: Expr) -> Self {
        Self { table, condition, named: None }
    }

    pub(crate) fn table(&self) -> TableId {
        self.table
    }

    /// How they are told from the others.
    pub(crate) fn condition(&self) -> &Expr {
        &self.condition
    }
}

/// SQLite: constraints are checked when the transaction ends and not after each statement. That ends with the
/// transaction. It is never switched off by us: SQLite then forgets what it still had to check.
pub(crate) const DEFER_FOREIGN_KEYS: &str = "PRAGMA defer_foreign_keys = ON";

/// Writes the statements of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) schema: &'a Schema,
    pub(crate) plan: &'a Plan,
    pub(crate) known: &'a Known,
    pub(crate) reads: Reads,
}

/// What a SELECT that locks nothing reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// What the transaction's isolation level shows.
    Snapshot,
    /// MySQL and MariaDB, to write in a transaction of the caller's: what is committed, whatever isolation level the caller
    /// has chosen (theirs is REPEATABLE READ, whose snapshot may be older than the rows that are locked, and a statement
    /// cannot ask reliably). Only a lock clause does that, and it does not reach into a common table expression, a derived
    /// table or a sub-select: each of these has its own.
    Committed,
}

impl<'a> Sql<'a> {
    fn table(&self, table: TableId) -> &'a Table {
        &self.schema.tables[table]
    }

    fn key(&self, key: KeyId) -> &'a ForeignKey {
        &self.schema.keys[key]
    }

    /// Whether the keys of this doomed table, which is in no cycle, are better read before statements mention it.
    pub(crate) fn is_better_read(&self, table: TableId) -> bool {
        let dooming: Vec<KeyId> = self.plan.dooming(self.schema, table).collect();
        let is_long = |&key: &KeyId| self.known.get(self.key(key).parent).is_some_and(|keys| keys.len() > LONG_LIST);
        let is_mentioned = self.schema.keys_to(table).next().is_some() || dooming.len() > 1;
        match self.dialect {
            Dialect::Postgres => false,
            Dialect::MySql if is_mentioned && dooming.iter().any(is_long) => true,
            Dialect::Sqlite | Dialect::MySql => self.mentions(table) > EXPANSIONS_MAX,
        }
    }

    /// How often the tables known by key are mentioned where the doomed rows of this one are.
    fn mentions(&self, table: TableId) -> u64 {
        let mut mentions = vec![0_u64; self.schema.tables.len()];
        for &table in &self.plan.doomed {
            mentions[table] = if self.known.get(table).is_some() {
                1
            } else {
                let keys = self.plan.dooming(self.schema, table);
                keys.map(|key| mentions[self.key(key).parent]).fold(0, u64::saturating_add)
            };
        }
        mentions[table]
    }

    /// The primary keys of the first rows, in key order, that stand in the way by this key.
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

    /// The doomed rows by this CASCADE key.
    pub(crate) fn delete_by(&self, key: KeyId) -> Vec<DeleteStatement> {
        let delete =
            |condition| Query::delete().from_table(self.table_ref(self.key(key).child)).and_where(condition).to_owned();
        self.each_refers(key).into_iter().map(delete).collect()
    }

    /// Whether that is one statement for each list of parents. On MySQL and MariaDB it would scan the whole table where
    /// the parents are told by a sub-select: 905 ms for 0.8, and 443,166 rows locked for 100.
    pub(crate) fn can_delete_by(&self, key: KeyId) -> bool {
        self.known.get(self.key(key).parent).is_some() || self.dialect != Dialect::MySql
    }

    /// The rows that refer to doomed ones by this key.
    pub(crate) fn referring(&self, key: KeyId) -> Vec<Rows> {
        let ForeignKey { child: table, parent, .. } = *self.key(key);
        if self.known.get(parent).is_none() {
            return vec![Rows { table, condition: self.refers(key), named: Some(parent) }];
        }
        let rows = |condition| Rows { table, condition, named: None };
        self.each_refers(key).into_iter().map(rows).collect()
    }

    /// Every way down to this key from a table whose rows are known: keys, the last of which is this one. `None` if there
    /// are too many.
    pub(crate) fn ways_to(&self, key: KeyId) -> Option<Vec<Vec<KeyId>>> {
        let (mut ways, mut frontier) = (Vec::new(), vec![vec![key]]);
        while let Some(way) = frontier.pop() {
            let parent = self.key(way[0]).parent;
            if self.known.get(parent).is_some() {
                ways.push(way);
            } else {
                let longer = |above| std::iter::once(above).chain(way.iter().copied()).collect();
                frontier.extend(self.plan.dooming(self.schema, parent).map(longer));
            }
            if ways.len() + frontier.len() > WAYS_MAX {
                return None;
            }
        }
        Some(ways)
    }

    /// How many parents are looked under in one statement.
    pub(crate) fn parents_in_list(&self) -> usize {
        self.parents_max().min(FRONTIER)
    }

    /// The rows that refer by this key to some rows of its parent. The lists are short, so that their children are
    /// not too many for one page.
    pub(crate) fn referring_to(&self, key: KeyId, keys: &Keys, parents: Range<usize>) -> Vec<Rows> {
        let ForeignKey { child: table, child_columns, parent, parent_columns, .. } = self.key(key);
        let rows = |rows: &[usize]| {
            let left = self.columns(*table, child_columns);
            let condition = self.listed(*parent, left, keys, parent_columns, rows);
            Rows { table: *table, condition, named: None }
        };
        keys.rows_within(parent_columns, parents).chunks(self.parents_in_list()).map(rows).collect()
    }

    /// The rows with those primary keys.
    pub(crate) fn rows_at(&self, table: TableId, keys: &Keys) -> Vec<Rows> {
        let rows = |condition| Rows { table, condition, named: None };
        self.each_at(table, keys, &keys.rows_with(&self.table(table).primary_key)).into_iter().map(rows).collect()
    }

    /// The rows as their identity, in key order and locked in it if wanted; then, for each of these keys, what they
    /// refer to by it.
    ///
    /// That is told by their own columns where equal values look equal. Where they may not (in a text key 'a' may be
    /// 'A') the parent is joined, and it is the parent's columns.
    pub(crate) fn read(&self, rows: &Rows, ends: &[KeyId], lock: bool) -> SelectStatement {
        let mut select = Query::select();
        select.from(self.table_ref(rows.table));
        self.read_too(select, rows, ends, lock)
    }

    /// The same behind the columns that a Select from that table has already. Private names keep them apart.
    fn read_too(&self, mut select: SelectStatement, rows: &Rows, ends: &[KeyId], lock: bool) -> SelectStatement {
        let Rows { table, condition, named } = rows;
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

    /// Lets a SELECT from a table read what is committed, if that is wanted ([`Reads::Committed`]).
    pub(super) fn as_committed(&self, select: &mut SelectStatement) {
        if self.reads == Reads::Committed {
            select.lock_shared();
        }
    }

    /// Locks the doomed rows of a table that has children, in key order. They are counted, so that no key has to leave
    /// the database; SQLite has its write lock since BEGIN.
    pub(crate) fn lock_parents(&self, table: TableId) -> Vec<SelectStatement> {
        if self.dialect == Dialect::Sqlite || self.schema.keys_to(table).next().is_none() {
            return Vec::new();
        }
        let rows = self.plan.dooming(self.schema, table).flat_map(|key| self.referring(key));
        rows.map(|rows| self.lock_and_count(&rows, None)).collect()
    }

    /// The same with what the catalogs are asked beside ([`catalog`](crate::cascade::catalog)), as the last column.
    pub(crate) fn read_and_ask(&self, rows: &Rows, question: &Question<'_>, lock: bool) -> SelectStatement {
        let mut select = self.read(rows, &[], lock);
        for (name, expr) in question.beside() {
            select.expr_as(expr, Alias::new(name));
        }
        select
    }

    /// The row that the defaults of a SET DEFAULT key name, locked against those who would delete it.
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

    /// How many of these rows there are, by primary key.
    pub(crate) fn count_at(&self, table: TableId, keys: &Keys, rows: &[usize]) -> Vec<SelectStatement> {
        let count = |condition| self.count_of(&Rows { table, condition, named: None });
        self.each_at(table, keys, rows).into_iter().map(count).collect()
    }

    /// How many such rows there are.
    pub(crate) fn count_of(&self, rows: &Rows) -> SelectStatement {
        let mut select = Query::select();
        select.expr_as(Func::count(Expr::cust("*")), Alias::new(alias(0)));
        select.from(self.table_ref(rows.table)).and_where(rows.condition.clone());
        self.as_committed(&mut select);
        self.with(&mut select, rows.named);
        select
    }

    /// At most so many of them, after the last one; whole, if an entity's Select is given.
    pub(crate) fn page(
        &self,
        rows: &Rows,
        (whole, ends): (Option<&SelectStatement>, &[KeyId]),
        lock: bool,
        after: Option<&Keys>,
        rows_max: usize,
    ) -> SelectStatement {
        let mut select = match whole {
            None => self.read(rows, ends, lock),
            Some(whole) => self.read_too(whole.clone(), rows, ends, lock),
        };
        select.limit(rows_max as u64);
        if let Some(after) = after {
            let (columns, values) = self.place(rows.table, after);
            select.and_where(columns.gt(values));
        }
        select
    }

    /// The rows with these keys, as far as they are still what was looked for; locked in key order.
    pub(crate) fn page_again(
        &self,
        rows: &Rows,
        (whole, ends): (Option<&SelectStatement>, &[KeyId]),
        keys: &Keys,
    ) -> Vec<SelectStatement> {
        let again = |still: Rows| {
            let still = Rows { named: rows.named, ..still };
            match whole {
                None => self.read(&still, ends, true),
                Some(whole) => self.read_too(whole.clone(), &still, ends, true),
            }
        };
        self.still(rows.table, keys, Some(&rows.condition)).into_iter().map(again).collect()
    }

    /// The last of the next rows after a place in key order, if there are so many.
    pub(crate) fn end_of(&self, rows: &Rows, after: Option<&Keys>, rows_max: usize) -> SelectStatement {
        self.page(rows, (None, &[]), false, after, 1).offset(rows_max as u64 - 1).to_owned()
    }

    /// How many rows there are after a place in key order.
    pub(crate) fn count_after(&self, rows: &Rows, after: Option<&Keys>) -> SelectStatement {
        self.count_of(&self.between(rows, after, None))
    }

    /// The rows after one place in key order and up to another.
    pub(crate) fn between(&self, rows: &Rows, after: Option<&Keys>, until: Option<&Keys>) -> Rows {
        let mut condition = rows.condition.clone();
        if let Some(after) = after {
            let (columns, values) = self.place(rows.table, after);
            condition = condition.and(columns.gt(values));
        }
        if let Some(until) = until {
            let (columns, values) = self.place(rows.table, until);
            condition = condition.and(columns.lte(values));
        }
        Rows { table: rows.table, condition, named: rows.named }
    }

    /// The columns by which pages of a table go on, and their values in this row.
    fn place(&self, table: TableId, at: &Keys) -> (Expr, Expr) {
        let primary_key = &self.table(table).primary_key;
        let columns = primary_key.iter().map(|&column| self.ordered(table, column)).collect();
        let value = |(values, &column): (&KeyColumn, &usize)| {
            let ty = &self.table(table).columns[column].ty;
            if is_ordered_as_text(ty) { Expr::value(values.value(0)) } else { self.bound(values, 0, ty) }
        };
        let values = at.of(primary_key).into_iter().zip(primary_key).map(value).collect();
        (row(columns), row(values))
    }

    /// These rows of the table, as a Select of its entity reads them and in key order.
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

    /// These rows of a table, as far as they still fulfil a condition. It only judges rows that the primary key has
    /// found: its own index may lead through many more.
    pub(crate) fn still(&self, table: TableId, keys: &Keys, condition: Option<&Expr>) -> Vec<Rows> {
        let rows: Vec<usize> = (0..keys.len()).collect();
        let at = self.each_at(table, keys, &rows).into_iter();
        at.map(|at| Rows { table, condition: as_judged(at, condition), named: None }).collect()
    }

    /// These parents by a key, and what they must still fulfil if they are there: a condition, and to be what the key
    /// refers to.
    pub(crate) fn parents_again(
        &self,
        key: KeyId,
        keys: &Keys,
        rows: Range<usize>,
        condition: Option<&Expr>,
    ) -> Vec<(Rows, Option<Expr>)> {
        let ForeignKey { parent, parent_columns, .. } = self.key(key);
        let primary_key = &self.table(*parent).primary_key;
        let again = |rows: &[usize]| {
            let at = self.listed(*parent, self.columns(*parent, primary_key), keys, primary_key, rows);
            let mut columns = primary_key.clone();
            columns.extend(parent_columns.iter().filter(|column| !primary_key.contains(column)));
            let is_same = (columns != *primary_key)
                .then(|| self.listed(*parent, self.columns(*parent, &columns), keys, &columns, rows));
            let fulfils = condition.cloned().into_iter().chain(is_same).reduce(sea_orm::sea_query::ExprTrait::and);
            (Rows { table: *parent, condition: at, named: None }, fulfils)
        };
        keys.rows_within(parent_columns, rows).chunks(self.rows_max().min(PAGE)).map(again).collect()
    }

    /// Locks rows in key order, and counts those that do not fulfil a condition.
    pub(crate) fn lock_and_count(&self, rows: &Rows, fulfils: Option<&Expr>) -> SelectStatement {
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

    /// The same condition for a statement that has no common table expressions.
    pub(crate) fn refers_alone(&self, key: KeyId) -> Option<Expr> {
        self.each_refers(key).into_iter().reduce(sea_orm::sea_query::ExprTrait::or)
    }

    /// The row refers by this key to one of these known rows of its parent.
    pub(crate) fn refers_to(&self, key: KeyId, parents: &[usize]) -> Option<Expr> {
        let ForeignKey { child, child_columns, parent, parent_columns, .. } = self.key(key);
        let keys = self.known.get(*parent)?;
        Some(self.listed(*parent, self.columns(*child, child_columns), keys, parent_columns, parents))
    }

    /// The row is one of these known ones of its table.
    pub(crate) fn is_one_of(&self, table: TableId, rows: &[usize]) -> Option<Expr> {
        let primary_key = &self.table(table).primary_key;
        let keys = self.known.get(table)?;
        Some(self.listed(table, self.columns(table, primary_key), keys, primary_key, rows))
    }

    /// Deletes such rows.
    pub(crate) fn delete(&self, rows: Rows) -> DeleteStatement {
        Query::delete().from_table(self.table_ref(rows.table)).and_where(rows.condition).to_owned()
    }

    /// Sets the key's columns to NULL or to their defaults in such rows.
    pub(crate) fn set_in(&self, key: KeyId, rows: Rows) -> UpdateStatement {
        self.set(key).and_where(rows.condition).to_owned()
    }

    /// Makes such doomed rows refer to nothing by this key, whatever its action.
    pub(crate) fn open_in(&self, key: KeyId, rows: Rows) -> UpdateStatement {
        let columns = self.key(key).columns_to_open_alone(self.schema);
        self.open(key, columns).and_where(rows.condition).to_owned()
    }

    /// Deletes these rows of the table, by primary key.
    pub(crate) fn delete_rows(&self, table: TableId, keys: &Keys, rows: &[usize]) -> Vec<DeleteStatement> {
        let delete = |condition| Query::delete().from_table(self.table_ref(table)).and_where(condition).to_owned();
        self.each_at(table, keys, rows).into_iter().map(delete).collect()
    }

    /// Deletes rows of several tables in one statement, whose constraints are then checked at its end.
    pub(crate) fn delete_at_once(&self, rows: &[(TableId, &Keys, Vec<usize>)]) -> Option<DeleteStatement> {
        let mut deletes = rows.iter().flat_map(|(table, keys, rows)| self.delete_rows(*table, keys, rows));
        let mut last = deletes.next()?;
        let mut clause = WithClause::new();
        let mut is_alone = true;
        for (n, delete) in deletes.enumerate() {
            let mut expression = CommonTableExpression::new();
            expression.table_name(Alias::new(format!("__cascade_ring_{n}"))).query(delete);
            clause.cte(expression);
            is_alone = false;
        }
        if !is_alone {
            last.with_cte(clause);
        }
        Some(last)
    }

    /// Sets the key's columns to NULL or to their defaults, in rows that are still to be told.
    fn set(&self, key: KeyId) -> UpdateStatement {
        let ForeignKey { child, child_columns, action, .. } = self.key(key);
        let mut update = Query::update();
        update.table(self.table_ref(*child));
        for &column in child_columns {
            let column = &self.table(*child).columns[column];
            let value = match action {
                Action::SetDefault if column.default.is_some() => self.default(column),
                _ => Expr::cust("NULL"),
            };
            update.value(column.name.clone(), value);
        }
        update
    }

    /// The same in these rows.
    pub(crate) fn update_rows(&self, key: KeyId, keys: &Keys, rows: &[usize]) -> Vec<UpdateStatement> {
        let conditions = self.each_at(self.key(key).child, keys, rows).into_iter();
        conditions.map(|condition| self.set(key).and_where(condition).to_owned()).collect()
    }

    /// Makes doomed rows refer to nothing by this key, whatever its action.
    pub(crate) fn open_rows(&self, key: KeyId, keys: &Keys, rows: &[usize]) -> Vec<UpdateStatement> {
        let conditions = self.each_at(self.key(key).child, keys, rows).into_iter();
        let columns = self.key(key).columns_to_open(self.schema);
        conditions.map(|condition| self.open(key, columns.clone()).and_where(condition).to_owned()).collect()
    }

    fn open(&self, key: KeyId, columns: Vec<usize>) -> UpdateStatement {
        let child = self.key(key).child;
        let mut update = Query::update();
        update.table(self.table_ref(child));
        for column in columns {
            update.value(self.table(child).columns[column].name.clone(), Expr::cust("NULL"));
        }
        update
    }

    /// Sets the key's columns, in the rows that refer to doomed ones, to NULL or to their defaults.
    ///
    /// The doomed rows of the child's table are gone by then (see [`Plan`]), so that only rows that stay are changed.
    pub(crate) fn update(&self, key: KeyId) -> Vec<UpdateStatement> {
        let ForeignKey { child, child_columns, parent, parent_columns, .. } = self.key(key);
        let mut update = self.set(key);
        if self.known.get(*parent).is_some() || self.dialect != Dialect::MySql {
            let conditions = self.each_refers(key).into_iter();
            return conditions.map(|condition| update.clone().and_where(condition).to_owned()).collect();
        }
        // `UPDATE .. IN (SELECT ..)` is no semi-join there either; a join with a derived table is.
        let doomed = Alias::new("__cascade_doomed");
        let from = self.doomed_select(*parent, parent_columns, true);
        update.from(TableRef::SubQuery(Box::new(from), doomed.clone().into_iden()));
        for (&from, &to) in child_columns.iter().zip(parent_columns) {
            let to = Expr::col((doomed.clone(), self.table(*parent).columns[to].name.clone()));
            update.and_where(self.column(*child, from).eq(to));
        }
        vec![update]
    }

    /// The root rows that a Select returns, each once, however often a join repeats it.
    ///
    /// The Select stays as written: key columns are added under private aliases, the whole becomes a derived table,
    /// and the table is asked for the rows with those keys. It is part of the statement that locks them, so that it
    /// costs no statement of its own. PostgreSQL may evaluate a derived table more than once, and a Select with a limit may
    /// return other rows then, so there it is a common table expression that is materialized.
    ///
    /// A GROUP BY other than by the primary key is refused: some databases would take any row of each group.
    pub(crate) fn selected(&self, select: &SelectStatement) -> Result<Rows, Error> {
        let root = self.plan.root;
        let primary_key = &self.table(root).primary_key;
        let mut inner = select.clone();
        inner.clear_group_by();
        if inner != *select && *inner.clone().add_group_by(self.columns(root, primary_key)) != *select {
            return Err(
                ErrorKind::Select(DbErr::Custom("it groups by other columns than the primary key".into())).into()
            );
        }
        inner.clone_from(select);
        let is_limited = without_limit(select) != *select || has_distinct_on(select);
        Ok(self.among(inner, is_limited && self.dialect == Dialect::Postgres))
    }

    /// Those of these locked rows that the Select still returns.
    ///
    /// A lock may have been waited for, and the row changed meanwhile: the databases look at the changed row, but not again
    /// at what is in a sub-select. The question is asked of each row alone, without ORDER BY, LIMIT and OFFSET: which rows
    /// are the first is decided once.
    pub(crate) fn selected_still(&self, select: &SelectStatement, keys: &Keys) -> Vec<Rows> {
        let mut inner = without_limit(select);
        inner.clear_order_by();
        if self.dialect == Dialect::Postgres && has_distinct_on(select) {
            // Which row of each group is the first is decided too.
            inner.distinct();
        }
        self.as_committed(&mut inner);
        let selected = self.among(inner, false);
        self.still(self.plan.root, keys, Some(&selected.condition))
    }

    /// The root rows that such a Select returns.
    fn among(&self, mut select: SelectStatement, is_materialized: bool) -> Rows {
        let root = self.plan.root;
        let primary_key = &self.table(root).primary_key;
        let mut keys = Query::select();
        for (n, &column) in primary_key.iter().enumerate() {
            select.expr_as(self.column(root, column), Alias::new(alias(n)));
            keys.column(Alias::new(alias(n)));
        }
        let name = Alias::new("__cascade_roots");
        if is_materialized {
            let mut expression = CommonTableExpression::new();
            expression.table_name(name.clone()).query(select).materialized(true);
            keys.from(name).with_cte(WithClause::new().cte(expression).to_owned());
        } else {
            keys.from_subquery(select, name);
        }
        Rows { table: root, condition: row(self.columns(root, primary_key)).in_subquery(keys), named: None }
    }

    /// Conditions that together take these rows by their primary keys.
    fn each_at(&self, table: TableId, keys: &Keys, rows: &[usize]) -> Vec<Expr> {
        let primary_key = &self.table(table).primary_key;
        let condition = |rows: &[usize]| self.listed(table, self.columns(table, primary_key), keys, primary_key, rows);
        rows.chunks(self.rows_max()).map(condition).collect()
    }

    /// The root rows with these primary keys of the caller's.
    ///
    /// PostgreSQL: a type that is declared by its name alone may be a domain over a type with a length, and a cast to that
    /// cuts a value. So of such keys only those are asked for that a cast does not shorten; those that we read are such.
    pub(crate) fn rows_asked(&self, keys: &Keys) -> Vec<Rows> {
        let root = self.plan.root;
        let primary_key = &self.table(root).primary_key;
        let ty = |column: usize| &self.table(root).columns[column].ty;
        let may_be_cut = |&column: &usize| matches!(ty(column), ColumnType::Custom(_));
        if self.dialect != Dialect::Postgres || !primary_key.iter().any(may_be_cut) || keys.is_empty() {
            return self.rows_at(root, keys);
        }
        let rows: Vec<usize> = (0..keys.len()).collect();
        let values = keys.of(primary_key).into_iter().zip(primary_key);
        let arrays = values.map(|(values, &column)| match values {
            KeyColumn::Text(_) => array(values, &ColumnType::Text, &rows),
            _ => array(values, ty(column), &rows),
        });
        let mut unnested = Query::select();
        for (n, array) in arrays.enumerate() {
            unnested.expr_as(Func::cust(Alias::new("unnest")).arg(array), Alias::new(alias(n)));
        }
        let mut select = Query::select();
        select.from_subquery(unnested, Alias::new("__cascade_keys"));
        for (n, &column) in primary_key.iter().enumerate() {
            let value = Expr::col((Alias::new("__cascade_keys"), Alias::new(alias(n))));
            let cast = match KeyKind::of(self.dialect, ty(column)) {
                Some(KeyKind::Text) => typed(value.clone(), ty(column), ""),
                _ => value.clone(),
            };
            if may_be_cut(&column) {
                // A type may write a value in more characters than it was given, but not in fewer.
                let length = |text: Expr| Func::char_length(text);
                let kept = length(cast.clone().cast_as(Alias::new("text")));
                select.and_where(Expr::expr(kept).gte(length(value)));
            }
            select.expr(cast);
        }
        let condition = row(self.columns(root, primary_key)).in_subquery(select);
        vec![Rows { table: root, condition, named: None }]
    }

    /// The root rows with primary keys of a kind that only the caller's values bind.
    pub(crate) fn rows_at_values(&self, keys: &[Vec<Value>]) -> Vec<Rows> {
        let root = self.plan.root;
        let rows = |condition| Rows { table: root, condition, named: None };
        let columns = || self.columns(root, &self.table(root).primary_key);
        let bound = |key: &Vec<Value>| row(key.iter().cloned().map(Expr::value).collect());
        if self.dialect == Dialect::Sqlite && columns().len() > 1 {
            // No lists of rows there, only a table of them, and 500 terms of a UNION ALL.
            let condition = |keys: &[Vec<Value>]| {
                let one = |key: &Vec<Value>| Query::select().exprs(key.iter().cloned().map(Expr::value)).to_owned();
                let mut values = keys.iter().map(one);
                let mut table = values.next().unwrap_or_default();
                table.unions(values.map(|row| (UnionType::All, row)));
                row(columns()).in_subquery(table)
            };
            return keys.chunks(500).map(condition).map(rows).collect();
        }
        let lists = keys.chunks(VALUES_MAX / columns().len().max(1));
        lists.map(|keys| row(columns()).is_in(keys.iter().map(bound))).map(rows).collect()
    }

    // ---- Conditions

    /// Whether statements find the doomed rows of this table by a common table expression and not by their keys. On
    /// MySQL and MariaDB always: a list would be repeated at each mention, and a statement takes 65,535 values.
    fn is_named(&self, table: TableId) -> bool {
        self.plan.dooms(table) && (self.known.get(table).is_none() || self.dialect == Dialect::MySql)
    }

    /// The rows that refer to doomed ones by this key.
    fn refers(&self, key: KeyId) -> Expr {
        let ForeignKey { child, child_columns, parent, parent_columns, .. } = self.key(key);
        let left = self.columns(*child, child_columns);
        match self.known.get(*parent) {
            Some(keys) if !self.is_named(*parent) => {
                let rows = keys.rows_with(parent_columns);
                self.listed(*parent, left, keys, parent_columns, &rows)
            }
            _ => row(left).in_subquery(self.doomed_select(*parent, parent_columns, false)),
        }
    }

    /// The same for a statement of its own: it brings its common table expressions, and lists come in chunks.
    fn each_refers(&self, key: KeyId) -> Vec<Expr> {
        let ForeignKey { child, child_columns, parent, parent_columns, .. } = self.key(key);
        let left = || self.columns(*child, child_columns);
        match self.known.get(*parent) {
            Some(keys) => {
                let rows = keys.rows_with(parent_columns);
                let listed = |rows: &[usize]| self.listed(*parent, left(), keys, parent_columns, rows);
                rows.chunks(self.parents_max()).map(listed).collect()
            }
            None => vec![row(left()).in_subquery(self.doomed_select(*parent, parent_columns, true))],
        }
    }

    /// The conditions under which a row of the table stays; none if all of them do.
    ///
    /// NULLs in a key refer to nothing, so this is never NOT IN (R9). PostgreSQL gets an anti-join, because it hashes
    /// a sub-select only while it fits its memory; the others read a sub-select once into an index.
    fn kept(&self, table: TableId) -> Vec<Expr> {
        let is_not_true = |expr: Expr| expr.is_not(Expr::custom_keyword("TRUE"));
        if !self.plan.dooms(table) || self.known.roots == 0 {
            return Vec::new();
        }
        if let Some(keys) = self.known.get(table) {
            let primary_key = &self.table(table).primary_key;
            let left = self.columns(table, primary_key);
            let doomed = if self.is_named(table) {
                row(left).in_subquery(self.doomed_select(table, primary_key, false))
            } else {
                self.listed(table, left, keys, primary_key, &keys.rows_with(primary_key))
            };
            return vec![is_not_true(doomed)];
        }
        let kept = |key: KeyId| {
            let ForeignKey { child_columns, parent, parent_columns, .. } = self.key(key);
            if self.dialect != Dialect::Postgres || self.known.get(*parent).is_some() {
                return is_not_true(self.refers(key));
            }
            let mut select = self.doomed_select(*parent, parent_columns, false);
            for (&from, &to) in child_columns.iter().zip(parent_columns) {
                let to = self.table(*parent).columns[to].name.clone();
                let to = Expr::col((Alias::new(doomed_name(*parent)), to));
                select.and_where(to.eq(self.column(table, from)));
            }
            Expr::exists(select).not()
        };
        self.plan.dooming(self.schema, table).map(kept).collect()
    }

    /// `left` is one of these known rows.
    fn listed(&self, table: TableId, left: Vec<Expr>, keys: &Keys, columns: &[usize], rows: &[usize]) -> Expr {
        if rows.is_empty() {
            return Expr::cust("1 = 2");
        }
        let values = keys.of(columns);
        let types = columns.iter().map(|&column| &self.table(table).columns[column].ty);
        if let [one] = *rows {
            // Planned with what is known of this value.
            let value = |(values, ty): (&&KeyColumn, _)| self.bound(values, one, ty);
            return row(left).eq(row(values.iter().zip(types).map(value).collect()));
        }
        match self.dialect {
            Dialect::Postgres => {
                let arrays = values.iter().zip(types).map(|(values, ty)| array(values, ty, rows));
                let mut arrays: Vec<Expr> = arrays.collect();
                let is_found_by_index = *columns == *self.table(table).primary_key || rows.len() <= SHORT_ARRAY;
                if arrays.len() == 1 && is_found_by_index {
                    return row(left).eq(PgFunc::any(arrays.remove(0)));
                }
                let unnest = Func::cust(Alias::new("unnest")).args(arrays);
                let mut select = Query::select();
                select.expr(Expr::cust("*")).from_function(unnest, Alias::new("__cascade_keys"));
                row(left).in_subquery(select)
            }
            Dialect::Sqlite => row(left).in_subquery(json_rows(&values, rows)),
            Dialect::MySql => row(left).is_in(list(&values, rows)),
        }
    }

    /// How many rows by primary key one statement gets.
    fn rows_max(&self) -> usize {
        match self.dialect {
            Dialect::Postgres | Dialect::Sqlite => usize::MAX,
            Dialect::MySql => PAGE,
        }
    }

    /// How many parents one statement gets whose children it looks for.
    fn parents_max(&self) -> usize {
        match self.dialect {
            Dialect::Postgres | Dialect::Sqlite => usize::MAX,
            Dialect::MySql => PARENTS,
        }
    }

    // ---- Doomed rows as common table expressions

    /// The columns of a table's doomed rows, with the expressions that they need if the statement has none yet.
    fn doomed_select(&self, table: TableId, columns: &[usize], with: bool) -> SelectStatement {
        let mut select = Query::select();
        select.from(Alias::new(doomed_name(table)));
        for &column in columns {
            let name = self.table(table).columns[column].name.clone();
            select.column((Alias::new(doomed_name(table)), name));
        }
        if with {
            self.with(&mut select, [table]);
        }
        select
    }

    /// Gives the statement the doomed rows of these tables and of the doomed above them, as far as not known by key.
    fn with(&self, select: &mut SelectStatement, tables: impl IntoIterator<Item = TableId>) {
        let mut clause = WithClause::new();
        let named = self.named(tables);
        for &table in &named {
            let mut expression = CommonTableExpression::new();
            expression.table_name(Alias::new(doomed_name(table))).query(self.doomed_rows(table));
            clause.cte(expression);
        }
        if !named.is_empty() {
            select.with_cte(clause);
        }
    }

    /// The doomed tables that have a name in a statement that mentions these, parents first.
    fn named(&self, tables: impl IntoIterator<Item = TableId>) -> Vec<TableId> {
        let mut wanted = vec![false; self.schema.tables.len()];
        let mut frontier: Vec<TableId> = tables.into_iter().collect();
        while let Some(table) = frontier.pop() {
            let seen = !self.is_named(table) || std::mem::replace(&mut wanted[table], true);
            if !seen && self.known.get(table).is_none() {
                let keys = self.plan.dooming(self.schema, table);
                frontier.extend(keys.map(|key| self.key(key).parent));
            }
        }
        self.plan.doomed.iter().copied().filter(|&table| wanted[table]).collect()
    }

    /// R3, CASCADE: the rows that refer to a doomed row by any CASCADE key; UNION counts each once (R4).
    fn doomed_rows(&self, table: TableId) -> SelectStatement {
        let rows = |condition| {
            let mut select = Query::select();
            for &column in &self.table(table).identity {
                select.expr(self.column(table, column));
            }
            select.from(self.table_ref(table)).and_where(condition);
            self.as_committed(&mut select);
            select
        };
        if let Some(keys) = self.known.get(table) {
            let primary_key = &self.table(table).primary_key;
            let left = self.columns(table, primary_key);
            return rows(self.listed(table, left, keys, primary_key, &keys.rows_with(primary_key)));
        }
        let dooming: Vec<KeyId> = self.plan.dooming(self.schema, table).collect();
        let by = |&key: &KeyId| match self.reads {
            // A lock clause behind a UNION is not one of its parts.
            Reads::Committed if dooming.len() > 1 => within(rows(self.refers(key))),
            Reads::Committed | Reads::Snapshot => rows(self.refers(key)),
        };
        let mut selects = dooming.iter().map(by);
        let mut first = selects.next().unwrap_or_default();
        first.unions(selects.map(|select| (UnionType::Distinct, select)));
        first
    }

    /// Those of them that stay.
    pub(crate) fn kept_of(&self, rows: &Rows) -> Rows {
        let kept = self.kept(rows.table).into_iter();
        let condition = kept.fold(rows.condition.clone(), sea_orm::sea_query::ExprTrait::and);
        Rows { table: rows.table, condition, named: Some(rows.table).filter(|&table| self.is_named(table)) }
    }

    // ---- Columns and values

    fn table_ref(&self, table: TableId) -> TableRef {
        TableRef::Table(self.table(table).name.clone(), None)
    }

    fn column(&self, table: TableId, column: usize) -> Expr {
        let table = self.table(table);
        Expr::col((table_iden(table), table.columns[column].name.clone()))
    }

    fn columns(&self, table: TableId, columns: &[usize]) -> Vec<Expr> {
        columns.iter().map(|&column| self.column(table, column)).collect()
    }

    /// A column by whose order pages go on. MySQL and MariaDB sort an enum by its position and compare it as text.
    fn ordered(&self, table: TableId, column: usize) -> Expr {
        let ty = &self.table(table).columns[column].ty;
        let column = self.column(table, column);
        if is_ordered_as_text(ty) { self.readable(column, ty) } else { column }
    }

    /// Selects key columns of `from` so that [`Keys::read`] can read them.
    fn key_columns(
        &self,
        select: &mut SelectStatement,
        table: TableId,
        columns: &[usize],
        from: impl sea_orm::sea_query::IntoIden,
    ) {
        let from = from.into_iden();
        for &column in columns {
            let Column { name, ty, .. } = &self.table(table).columns[column];
            select.expr_as(self.readable(Expr::col((from.clone(), name.clone())), ty), Alias::new(alias(column)));
        }
    }

    /// A key column as the one type by which its kind is read.
    fn readable(&self, column: Expr, ty: &ColumnType) -> Expr {
        let kind = KeyKind::of(self.dialect, ty);
        let ty = match (kind, self.dialect) {
            // MariaDB has a type for these, which it would show as text.
            (Some(KeyKind::Bytes), Dialect::MySql) if *ty == ColumnType::Uuid => "BINARY(16)",
            // In SQLite each value has a type of its own, and a cast would make one value of two.
            (Some(KeyKind::Bytes) | None, _) | (_, Dialect::Sqlite) => return column,
            (Some(KeyKind::Integer), Dialect::Postgres) => "bigint",
            (Some(KeyKind::Integer), Dialect::MySql) => "SIGNED",
            (Some(KeyKind::Unsigned), _) => "UNSIGNED",
            (Some(KeyKind::Text | KeyKind::Decimal), Dialect::MySql) => "CHAR",
            (Some(KeyKind::Text | KeyKind::Decimal), Dialect::Postgres) => "text",
        };
        column.cast_as(Alias::new(ty))
    }

    /// One known value of a column of that type.
    fn bound(&self, values: &KeyColumn, row: usize, ty: &ColumnType) -> Expr {
        match (self.dialect, values) {
            (Dialect::Postgres, KeyColumn::Integer(integers)) => {
                Expr::value(values.value(row)).cast_as(Alias::new(integer_type(ty, &[integers[row]])))
            }
            (Dialect::Postgres, _) => typed(Expr::value(values.value(row)), ty, ""),
            (Dialect::Sqlite | Dialect::MySql, _) => literal_or_bound(values, row),
        }
    }

    /// The declared default.
    fn default(&self, column: &Column) -> Expr {
        let default = column.default.clone().unwrap_or_else(|| Expr::cust("NULL"));
        if self.dialect == Dialect::Postgres { typed(default, &column.ty, "") } else { default }
    }
}

/// A Select without how many rows it returns at most, and after how many.
fn without_limit(select: &SelectStatement) -> SelectStatement {
    let mut all = select.clone();
    all.reset_limit().reset_offset();
    all
}

/// Whether a Select, or one inside it, takes the first row of each group (PostgreSQL).
fn has_distinct_on(select: &SelectStatement) -> bool {
    select.to_string(PostgresQueryBuilder).contains("SELECT DISTINCT ON (")
}

/// Rows found by one condition, and judged by another.
fn as_judged(at: Expr, condition: Option<&Expr>) -> Expr {
    match condition {
        None => at,
        Some(condition) => at.and(condition.clone().is(Expr::custom_keyword("TRUE"))),
    }
}

/// Whether pages of rows with such a key go on in the order of its text.
fn is_ordered_as_text(ty: &ColumnType) -> bool {
    matches!(ty, ColumnType::Enum { .. })
}

/// Whether values of that type are equal only if they are read as the same value.
fn is_exact(dialect: Dialect, ty: &ColumnType) -> bool {
    let kind = KeyKind::of(dialect, ty);
    matches!(kind, Some(KeyKind::Integer | KeyKind::Unsigned | KeyKind::Bytes)) || matches!(ty, ColumnType::Uuid)
}

/// The same rows as a sub-select.
fn within(select: SelectStatement) -> SelectStatement {
    let mut outer = Query::select();
    outer.expr(Expr::cust("*")).from_subquery(select, Alias::new("__cascade_rows")).to_owned()
}

fn doomed_name(table: TableId) -> String {
    format!("__cascade_{table}")
}

pub(crate) fn table_iden(table: &Table) -> DynIden {
    let TableName(_, name) = &table.name;
    name.clone()
}

/// One expression, or a row of several.
fn row(mut columns: Vec<Expr>) -> Expr {
    match columns.len() {
        1 => columns.remove(0),
        _ => Expr::tuple(columns),
    }
}

/// PostgreSQL: one bound array whose elements have exactly the column's type. `int4[]` against a `bigint` column lost
/// the hash: 15 s for 90 ms.
fn array(values: &KeyColumn, ty: &ColumnType, rows: &[usize]) -> Expr {
    let of = |ty: ArrayType, element: &dyn Fn(usize) -> Value| {
        let elements = rows.iter().map(|&row| element(row)).collect();
        Expr::value(Value::Array(ty, Some(Box::new(elements))))
    };
    match values {
        KeyColumn::Integer(values) => {
            let picked: Vec<Option<i64>> = rows.iter().map(|&row| values[row]).collect();
            let name = integer_type(ty, &picked);
            let array = match name {
                "smallint" => {
                    let narrow = |row: usize| values[row].and_then(|value| i16::try_from(value).ok());
                    of(ArrayType::SmallInt, &|row| Value::SmallInt(narrow(row)))
                }
                "integer" => {
                    let narrow = |row: usize| values[row].and_then(|value| i32::try_from(value).ok());
                    of(ArrayType::Int, &|row| Value::Int(narrow(row)))
                }
                _ => of(ArrayType::BigInt, &|row| Value::BigInt(values[row])),
            };
            array.cast_as(Alias::new(format!("{name}[]")))
        }
        KeyColumn::Text(values) => typed(of(ArrayType::String, &|row| Value::String(values[row].clone())), ty, "[]"),
        // No PostgreSQL column is of these kinds (`KeyKind::of`).
        KeyColumn::Unsigned(_) | KeyColumn::Bytes(_) | KeyColumn::Decimal(_) => Expr::cust("NULL"),
    }
}

/// PostgreSQL: the declared integer type, or a wider one if a value needs it, because the column that is there is wider.
fn integer_type(ty: &ColumnType, values: &[Option<i64>]) -> &'static str {
    let all = |fits: fn(i64) -> bool| values.iter().flatten().all(|&value| fits(value));
    match ty {
        ColumnType::TinyInteger | ColumnType::TinyUnsigned | ColumnType::SmallInteger
            if all(|value| i16::try_from(value).is_ok()) =>
        {
            "smallint"
        }
        ColumnType::Integer | ColumnType::SmallUnsigned if all(|value| i32::try_from(value).is_ok()) => "integer",
        _ => "bigint",
    }
}

/// PostgreSQL: a value, or with the suffix `[]` an array, as the column's type, without a length: a cast to a shorter type
/// cuts the value without a word, and another row may have what is left (`char` is `char(1)`, and `bit` is `bit(1)` unless
/// quoted). These lose no index, in a generic plan either.
///
/// Text is not taken for other types by itself. And the cast keeps our statements' text apart from a program's own:
/// sqlx prepares by text, and the same text bound with another width fails on that connection.
fn typed(value: Expr, ty: &ColumnType, suffix: &str) -> Expr {
    let mut name = String::new();
    match ty {
        ColumnType::Enum { name, .. } => return value.as_enum(Alias::new(format!("{name}{suffix}"))),
        ColumnType::String(_) | ColumnType::Text => name.push_str("text"),
        ColumnType::Char(_) => name.push_str("bpchar"),
        ColumnType::Decimal(_) => name.push_str("numeric"),
        ColumnType::DateTime | ColumnType::Timestamp => name.push_str("timestamp"),
        ColumnType::TimestampWithTimeZone => name.push_str("timestamptz"),
        ColumnType::Time => name.push_str("time"),
        ColumnType::Bit(_) => name.push_str("\"bit\""),
        ColumnType::VarBit(_) => name.push_str("varbit"),
        ColumnType::Custom(custom) => match without_length(&custom.to_string()) {
            char if ["char", "character"].contains(&&*char.to_lowercase()) => name.push_str("bpchar"),
            bit if bit.eq_ignore_ascii_case("bit") => name.push_str("\"bit\""),
            bare => name.push_str(&bare),
        },
        _ => PostgresQueryBuilder.prepare_column_type(ty, &mut name),
    }
    value.cast_as(Alias::new(name + suffix))
}

/// A value that no dialect but PostgreSQL casts; decimals are written out ([`KeyKind::Decimal`]).
fn literal_or_bound(values: &KeyColumn, row: usize) -> Expr {
    match values {
        KeyColumn::Decimal(values) => Expr::cust(decimal(values[row].as_ref())),
        KeyColumn::Integer(_) | KeyColumn::Unsigned(_) | KeyColumn::Text(_) | KeyColumn::Bytes(_) => {
            Expr::value(values.value(row))
        }
    }
}

/// The digits of a decimal as the database wrote them, as a literal.
fn decimal(value: Option<&String>) -> String {
    let is_digits = |text: &&String| text.chars().all(|char| char.is_ascii_digit() || ['-', '.'].contains(&char));
    value.filter(is_digits).map_or_else(|| "NULL".to_owned(), Clone::clone)
}

/// SQLite: one bound JSON array, of values or of rows; bytes go as hexadecimal digits.
fn json_rows(values: &[&KeyColumn], rows: &[usize]) -> SelectStatement {
    let json = |column: &KeyColumn, row: usize| match column {
        KeyColumn::Integer(values) => sea_orm::JsonValue::from(values[row]),
        KeyColumn::Unsigned(values) => values[row].into(),
        KeyColumn::Text(values) => values[row].clone().into(),
        KeyColumn::Bytes(values) => values[row].as_deref().map(hex).into(),
        // No SQLite column is of this kind (`KeyKind::of`).
        KeyColumn::Decimal(_) => sea_orm::JsonValue::Null,
    };
    let elements: sea_orm::JsonValue = match values {
        [one] => rows.iter().map(|&row| json(one, row)).collect(),
        several => rows
            .iter()
            .map(|&row| several.iter().map(|column| json(column, row)).collect::<sea_orm::JsonValue>())
            .collect(),
    };
    let mut select = Query::select();
    let each = Func::cust(Alias::new("json_each")).arg(elements.to_string());
    select.from_function(each, Alias::new("__cascade_keys"));
    for (n, column) in values.iter().enumerate() {
        let value = match values {
            [_] => "value".to_owned(),
            _ => format!("json_extract(value, '$[{n}]')"),
        };
        select.expr(match column {
            KeyColumn::Bytes(_) => Expr::cust(format!("unhex({value})")),
            _ => Expr::cust(value),
        });
    }
    select
}

/// MySQL and MariaDB: a list, bound while it is short. It has one of few lengths then, filled up with the last
/// key, so that few statements stay prepared. Written out, text and bytes are hexadecimal literals.
fn list(values: &[&KeyColumn], rows: &[usize]) -> Vec<Expr> {
    if rows.len() * values.len() <= BOUND_LIST_MAX {
        let last = rows.last().into_iter().cycle();
        let power = rows.len().next_power_of_two();
        let len = if (129..=PARENTS).contains(&rows.len()) { PARENTS } else { power.min(PAGE.max(rows.len())) };
        let filled = rows.iter().chain(last).take(len);
        return filled.map(|&at| row(values.iter().map(|column| literal_or_bound(column, at)).collect())).collect();
    }
    let literal = |column: &KeyColumn, row: usize| {
        Expr::cust(
            match column {
                KeyColumn::Integer(values) => values[row].map(|value| value.to_string()),
                KeyColumn::Unsigned(values) => values[row].map(|value| value.to_string()),
                KeyColumn::Text(values) => {
                    values[row].as_ref().map(|text| format!("_utf8mb4 X'{}'", hex(text.as_bytes())))
                }
                KeyColumn::Bytes(values) => values[row].as_ref().map(|bytes| format!("X'{}'", hex(bytes))),
                KeyColumn::Decimal(values) => Some(decimal(values[row].as_ref())),
            }
            .unwrap_or_else(|| "NULL".to_owned()),
        )
    };
    rows.iter().map(|&at| row(values.iter().map(|column| literal(column, at)).collect())).collect()
}
