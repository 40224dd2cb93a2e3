//! Sets of rows of a table, each with the condition that finds them.
//!
//! Pure.

use std::ops::Range;

use sea_orm::DbErr;
use sea_orm::sea_query::{
    Alias, ColumnType, CommonTableExpression, Expr, ExprTrait as _, Func, PostgresQueryBuilder, Query, SelectStatement,
    UnionType, Value, WithClause,
};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::{KeyColumn, KeyKind, Keys, alias};
use crate::cascade::declare::schema::{ForeignKey, KeyId, TableId};
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::sql::condition::as_judged;
use crate::cascade::sql::value::{array, is_ordered_as_text, row, typed};
use crate::cascade::sql::{FRONTIER, PAGE, SHORT_ARRAY, Sql, VALUES_MAX, WAYS_MAX};

/// A set of rows of a table, by a condition.
#[derive(Debug, Clone)]
pub(crate) struct RowSet {
    pub(super) table: TableId,
    pub(super) condition: Expr,
    /// A table whose common table expression the condition mentions.
    pub(super) named: Option<TableId>,
}

impl RowSet {
    /// Returns the rows that match a condition on their own columns.
    pub(crate) fn new(table: TableId, condition: Expr) -> Self {
        Self { table, condition, named: None }
    }

    pub(crate) fn table(&self) -> TableId {
        self.table
    }

    /// Returns the condition.
    pub(crate) fn condition(&self) -> &Expr {
        &self.condition
    }
}

impl Sql<'_> {
    /// Returns the rows that reference doomed rows through this key.
    pub(crate) fn referencing(&self, key: KeyId) -> Vec<RowSet> {
        let ForeignKey { child: table, parent, .. } = *self.key(key);
        if self.fetched.get(parent).is_none() {
            return vec![RowSet { table, condition: self.refers(key), named: Some(parent) }];
        }
        let rows = |condition| RowSet { table, condition, named: None };
        self.each_references(key).into_iter().map(rows).collect()
    }

    /// Returns the rows that reference doomed rows through any of these keys of a table as one set,
    /// if the keys of all parents were fetched and are few.
    ///
    /// The databases then use the index of each key. They do not if a list is long.
    pub(crate) fn referencing_any(&self, table: TableId, keys: &[KeyId]) -> Option<RowSet> {
        let refers = |&key: &KeyId| {
            let parents = self.fetched.get(self.key(key).parent)?;
            (parents.len() <= SHORT_ARRAY)
                .then(|| self.refers_to(key, &parents.rows_with(&self.key(key).parent_columns)))?
        };
        let each: Option<Vec<Expr>> = keys.iter().map(refers).collect();
        let condition = each?.into_iter().reduce(sea_orm::sea_query::ExprTrait::or)?;
        Some(RowSet { table, condition, named: None })
    }

    /// Returns every path to this key from a table whose keys were fetched: the keys, of which the
    /// last is this one. `None` if there are too many.
    pub(crate) fn ways_to(&self, key: KeyId) -> Option<Vec<Vec<KeyId>>> {
        let (mut ways, mut frontier) = (Vec::new(), vec![vec![key]]);
        while let Some(way) = frontier.pop() {
            let parent = self.key(way[0]).parent;
            if self.fetched.get(parent).is_some() {
                ways.push(way);
            } else {
                let longer = |above| std::iter::once(above).chain(way.iter().copied()).collect();
                frontier.extend(self.dooming(parent).map(longer));
            }
            if ways.len() + frontier.len() > WAYS_MAX {
                return None;
            }
        }
        Some(ways)
    }

    /// Returns how many parents one statement gets.
    pub(crate) fn parents_in_list(&self) -> usize {
        self.parents_max().min(FRONTIER)
    }

    /// Returns the rows that reference some rows of the parent through this key. The lists are
    /// short, so that the children mostly fit one page.
    pub(crate) fn referencing_to(&self, key: KeyId, keys: &Keys, parents: Range<usize>) -> Vec<RowSet> {
        let ForeignKey { child: table, child_columns, parent, parent_columns, .. } = self.key(key);
        let rows = |rows: &[usize]| {
            let left = self.columns(*table, child_columns);
            let condition = self.listed(*parent, left, keys, parent_columns, rows);
            RowSet { table: *table, condition, named: None }
        };
        let parents = keys.rows_within(parent_columns, parents);
        self.in_lists(&parents, self.parents_in_list()).iter().map(|parents| rows(parents)).collect()
    }

    /// Returns the rows with those primary keys.
    pub(crate) fn rows_at(&self, table: TableId, keys: &Keys) -> Vec<RowSet> {
        let rows = |condition| RowSet { table, condition, named: None };
        self.each_at(table, keys, &keys.rows_with(&self.table(table).primary_key)).into_iter().map(rows).collect()
    }

    /// Returns those of these rows that still match a condition. The primary key finds the rows and
    /// the condition only checks them: an index for the condition may lead through many more rows.
    pub(crate) fn still(&self, table: TableId, keys: &Keys, condition: Option<&Expr>) -> Vec<RowSet> {
        let rows: Vec<usize> = (0..keys.len()).collect();
        let at = self.each_at(table, keys, &rows).into_iter();
        at.map(|at| RowSet { table, condition: as_judged(at, condition), named: None }).collect()
    }

    /// Returns these parents of a key by primary key, each with what it must still match: a
    /// condition, and the values that the key references.
    pub(crate) fn parents_again(
        &self,
        key: KeyId,
        keys: &Keys,
        rows: Range<usize>,
        condition: Option<&Expr>,
    ) -> Vec<(RowSet, Option<Expr>)> {
        let ForeignKey { parent, parent_columns, .. } = self.key(key);
        let primary_key = &self.table(*parent).primary_key;
        let again = |rows: &[usize]| {
            let at = self.listed(*parent, self.columns(*parent, primary_key), keys, primary_key, rows);
            let mut columns = primary_key.clone();
            columns.extend(parent_columns.iter().filter(|column| !primary_key.contains(column)));
            let is_same = (columns != *primary_key)
                .then(|| self.listed(*parent, self.columns(*parent, &columns), keys, &columns, rows));
            let fulfils = condition.cloned().into_iter().chain(is_same).reduce(sea_orm::sea_query::ExprTrait::and);
            (RowSet { table: *parent, condition: at, named: None }, fulfils)
        };
        keys.rows_within(parent_columns, rows).chunks(self.rows_max().min(PAGE)).map(again).collect()
    }

    /// Returns the same condition for a statement without common table expressions.
    pub(crate) fn refers_alone(&self, key: KeyId) -> Option<Expr> {
        self.each_references(key).into_iter().reduce(sea_orm::sea_query::ExprTrait::or)
    }

    /// Returns the condition that the row references one of these fetched rows through this key.
    pub(crate) fn refers_to(&self, key: KeyId, parents: &[usize]) -> Option<Expr> {
        let ForeignKey { child, child_columns, parent, parent_columns, .. } = self.key(key);
        let keys = self.fetched.get(*parent)?;
        Some(self.listed(*parent, self.columns(*child, child_columns), keys, parent_columns, parents))
    }

    /// Returns the condition that the row is one of these fetched rows.
    pub(crate) fn is_one_of(&self, table: TableId, rows: &[usize]) -> Option<Expr> {
        let primary_key = &self.table(table).primary_key;
        let keys = self.fetched.get(table)?;
        Some(self.listed(table, self.columns(table, primary_key), keys, primary_key, rows))
    }

    /// Returns the root rows that a Select returns, each once, however often a join repeats it.
    ///
    /// The Select stays as written. Key columns are added under private aliases, the whole becomes
    /// a derived table, and the outer statement asks for the rows with those keys. It is part of
    /// the statement that locks them, so it costs no statement of its own. PostgreSQL may evaluate
    /// a derived table more than once, and a Select with a limit may then return other rows, so
    /// there it is a materialized common table expression.
    ///
    /// A GROUP BY over other columns than the primary key is refused: some databases would take any
    /// row of each group.
    pub(crate) fn selected(&self, select: &SelectStatement) -> Result<RowSet, Error> {
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

    /// Returns those of these locked rows that the Select still returns.
    ///
    /// The row may have changed while the statement waited for its lock. The databases then
    /// re-check the changed row, but not its sub-selects. The check looks at each row alone,
    /// without ORDER BY, LIMIT and OFFSET: which rows are the first is decided once.
    pub(crate) fn selected_still(&self, select: &SelectStatement, keys: &Keys) -> Vec<RowSet> {
        let mut inner = without_limit(select);
        inner.clear_order_by();
        if self.dialect == Dialect::Postgres && has_distinct_on(select) {
            // The first row of each group is also decided once.
            inner.distinct();
        }
        self.as_committed(&mut inner);
        let selected = self.among(inner, false);
        self.still(self.plan.root, keys, Some(&selected.condition))
    }

    /// Returns the root rows that such a Select returns.
    pub(super) fn among(&self, mut select: SelectStatement, is_materialized: bool) -> RowSet {
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
        RowSet { table: root, condition: row(self.columns(root, primary_key)).in_subquery(keys), named: None }
    }

    /// Returns conditions that together match these rows by primary key.
    pub(crate) fn each_at(&self, table: TableId, keys: &Keys, rows: &[usize]) -> Vec<Expr> {
        let primary_key = &self.table(table).primary_key;
        let condition = |rows: &[usize]| self.listed(table, self.columns(table, primary_key), keys, primary_key, rows);
        rows.chunks(self.rows_max()).map(condition).collect()
    }

    /// Returns the root rows with these primary keys from the caller.
    ///
    /// PostgreSQL: a type that is declared only by its name may be a domain over a type with a
    /// length, and a cast to it shortens a value. So only keys that the cast does not shorten are
    /// asked for. Keys that the crate has read are such keys.
    pub(crate) fn rows_asked(&self, keys: &Keys) -> Vec<RowSet> {
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
                // A type may print a value with more characters than it was given, but not with
                // fewer.
                let length = |text: Expr| Func::char_length(text);
                let kept = length(cast.clone().cast_as(Alias::new("text")));
                select.and_where(Expr::expr(kept).gte(length(value)));
            }
            select.expr(cast);
        }
        let condition = row(self.columns(root, primary_key)).in_subquery(select);
        vec![RowSet { table: root, condition, named: None }]
    }

    /// Returns the root rows with primary keys of a kind that is only bound for values from the
    /// caller.
    pub(crate) fn rows_at_values(&self, keys: &[Vec<Value>]) -> Vec<RowSet> {
        let root = self.plan.root;
        let rows = |condition| RowSet { table: root, condition, named: None };
        let columns = || self.columns(root, &self.table(root).primary_key);
        let bound = |key: &Vec<Value>| row(key.iter().cloned().map(Expr::value).collect());
        if self.dialect == Dialect::Sqlite && columns().len() > 1 {
            // SQLite has no lists of rows, only a table of them, and at most 500 terms of a UNION
            // ALL.
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

    /// Returns those of them that are not doomed.
    pub(crate) fn kept_of(&self, rows: &RowSet) -> RowSet {
        let kept = self.kept(rows.table).into_iter();
        let condition = kept.fold(rows.condition.clone(), sea_orm::sea_query::ExprTrait::and);
        RowSet { table: rows.table, condition, named: Some(rows.table).filter(|&table| self.is_named(table)) }
    }

    /// Returns the rows after one place in key order and up to another.
    pub(crate) fn between(&self, rows: &RowSet, after: Option<&Keys>, until: Option<&Keys>) -> RowSet {
        let mut condition = rows.condition.clone();
        if let Some(after) = after {
            let (columns, values) = self.place(rows.table, after);
            condition = condition.and(columns.gt(values));
        }
        if let Some(until) = until {
            let (columns, values) = self.place(rows.table, until);
            condition = condition.and(columns.lte(values));
        }
        RowSet { table: rows.table, condition, named: rows.named }
    }

    /// Returns the columns that order the pages of a table, with their values in this row.
    pub(super) fn place(&self, table: TableId, at: &Keys) -> (Expr, Expr) {
        let primary_key = &self.table(table).primary_key;
        let columns = primary_key.iter().map(|&column| self.ordered(table, column)).collect();
        let value = |(values, &column): (&KeyColumn, &usize)| {
            let ty = &self.table(table).columns[column].ty;
            if is_ordered_as_text(ty) { Expr::value(values.value(0)) } else { self.bound(values, 0, ty) }
        };
        let values = at.of(primary_key).into_iter().zip(primary_key).map(value).collect();
        (row(columns), row(values))
    }
}

/// Returns a Select without its LIMIT and OFFSET.
fn without_limit(select: &SelectStatement) -> SelectStatement {
    let mut all = select.clone();
    all.reset_limit().reset_offset();
    all
}

/// Whether a Select, or one inside it, has DISTINCT ON (PostgreSQL).
fn has_distinct_on(select: &SelectStatement) -> bool {
    select.to_string(PostgresQueryBuilder).contains("SELECT DISTINCT ON (")
}
