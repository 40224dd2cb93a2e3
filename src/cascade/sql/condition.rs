//! The conditions that find rows: by what the rows reference, and by common table expressions of
//! doomed rows.
//!
//! Pure.

use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{
    Alias, CommonTableExpression, Expr, ExprTrait as _, Func, Query, SelectStatement, UnionType, WithClause,
};

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::{KeyColumn, Keys};
use crate::cascade::declare::schema::{ForeignKey, KeyId, TableId};
use crate::cascade::sql::value::{array, json_rows, list, row};
use crate::cascade::sql::{PAGE, PARENTS, Reads, SHORT_ARRAY, Sql};

impl Sql<'_> {
    // ---- Conditions

    /// Whether statements find the doomed rows of this table by a common table expression, and not
    /// by their keys. Always true on MySQL and MariaDB: a list would be repeated at each mention,
    /// and a statement takes at most 65,535 values.
    pub(super) fn is_named(&self, table: TableId) -> bool {
        self.plan.dooms(table) && (self.fetched.get(table).is_none() || self.dialect == Dialect::MySql)
    }

    /// Returns the condition for rows that reference doomed rows through this key.
    pub(super) fn refers(&self, key: KeyId) -> Expr {
        let ForeignKey { child, child_columns, parent, parent_columns, .. } = self.key(key);
        let left = self.columns(*child, child_columns);
        match self.fetched.get(*parent) {
            Some(keys) if !self.is_named(*parent) => {
                let rows = keys.rows_with(parent_columns);
                self.listed(*parent, left, keys, parent_columns, &rows)
            }
            _ => row(left).in_subquery(self.doomed_select(*parent, parent_columns, false)),
        }
    }

    /// Returns the same for a separate statement: it has its own common table expressions, and
    /// lists are split into chunks.
    pub(crate) fn each_references(&self, key: KeyId) -> Vec<Expr> {
        let ForeignKey { child, child_columns, parent, parent_columns, .. } = self.key(key);
        let left = || self.columns(*child, child_columns);
        match self.fetched.get(*parent) {
            Some(keys) => {
                let rows = keys.rows_with(parent_columns);
                let listed = |rows: &[usize]| self.listed(*parent, left(), keys, parent_columns, rows);
                self.in_lists(&rows, self.parents_max()).iter().map(|rows| listed(rows)).collect()
            }
            None => vec![row(left()).in_subquery(self.doomed_select(*parent, parent_columns, true))],
        }
    }

    /// Returns the conditions under which a row of the table is not doomed; none if all rows stay.
    ///
    /// A NULL references nothing, so this is never NOT IN (R9). PostgreSQL gets an anti-join,
    /// because it hashes a sub-select only while it fits into its memory. The others read a
    /// sub-select once into an index.
    pub(super) fn kept(&self, table: TableId) -> Vec<Expr> {
        let is_not_true = |expr: Expr| expr.is_not(Expr::custom_keyword("TRUE"));
        if !self.plan.dooms(table) || self.fetched.roots == 0 || !self.dooms(table) {
            return Vec::new();
        }
        if let Some(keys) = self.fetched.get(table) {
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
            if self.dialect != Dialect::Postgres || self.fetched.get(*parent).is_some() {
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
        self.dooming(table).map(kept).collect()
    }

    /// Returns the condition that `left` is one of these fetched rows.
    pub(super) fn listed(
        &self,
        table: TableId,
        left: Vec<Expr>,
        keys: &Keys,
        columns: &[usize],
        rows: &[usize],
    ) -> Expr {
        if rows.is_empty() {
            return Expr::cust("1 = 2");
        }
        let values = keys.of(columns);
        let types = columns.iter().map(|&column| &self.table(table).columns[column].ty);
        if let [one] = *rows {
            // The database plans this with the value itself. But SQLite, if it has statistics of
            // values, would prepare the statement again for each value, which takes longer than a
            // short statement.
            let value = |(values, ty): (&&KeyColumn, _)| match self.dialect {
                Dialect::Sqlite => {
                    Expr::SubQuery(None, Box::new(Query::select().expr(self.bound(values, one, ty)).to_owned().into()))
                }
                Dialect::Postgres | Dialect::MySql => self.bound(values, one, ty),
            };
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

    /// Splits rows into lists of at most so many. On MySQL and MariaDB the last of several is filled
    /// up with its last row, so that all have the same text.
    pub(super) fn in_lists(&self, rows: &[usize], max: usize) -> Vec<Vec<usize>> {
        let mut lists: Vec<Vec<usize>> = rows.chunks(max).map(<[usize]>::to_vec).collect();
        if let (Dialect::MySql, [_, .., last], Some(&row)) = (self.dialect, lists.as_mut_slice(), rows.last()) {
            last.resize(max, row);
        }
        lists
    }

    /// Returns how many primary keys one statement gets.
    pub(super) fn rows_max(&self) -> usize {
        match self.dialect {
            Dialect::Postgres | Dialect::Sqlite => usize::MAX,
            Dialect::MySql => PAGE,
        }
    }

    /// Returns how many parents one statement gets when it searches their children.
    pub(super) fn parents_max(&self) -> usize {
        match self.dialect {
            Dialect::Postgres | Dialect::Sqlite => usize::MAX,
            Dialect::MySql => PARENTS,
        }
    }

    // ---- Doomed rows as common table expressions

    /// Returns the columns of a table's doomed rows, and adds their common table expressions to the
    /// statement if it has none yet.
    pub(super) fn doomed_select(&self, table: TableId, columns: &[usize], with: bool) -> SelectStatement {
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

    /// Adds common table expressions for the doomed rows of these tables, and of the doomed tables
    /// above them whose keys were not fetched.
    pub(super) fn with(&self, select: &mut SelectStatement, tables: impl IntoIterator<Item = TableId>) {
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

    /// Returns the doomed tables that have a common table expression in a statement that mentions
    /// these, parents first.
    pub(super) fn named(&self, tables: impl IntoIterator<Item = TableId>) -> Vec<TableId> {
        let mut scope = vec![false; self.schema.tables.len()];
        let mut frontier: Vec<TableId> = tables.into_iter().collect();
        while let Some(table) = frontier.pop() {
            let seen = !self.is_named(table) || std::mem::replace(&mut scope[table], true);
            if !seen && self.fetched.get(table).is_none() {
                frontier.extend(self.dooming(table).map(|key| self.key(key).parent));
            }
        }
        self.plan.doomed.iter().copied().filter(|&table| scope[table]).collect()
    }

    /// R3: returns the rows that reference a doomed row through any CASCADE key. UNION counts each
    /// row once (R4).
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
        if let Some(keys) = self.fetched.get(table) {
            let primary_key = &self.table(table).primary_key;
            let left = self.columns(table, primary_key);
            return rows(self.listed(table, left, keys, primary_key, &keys.rows_with(primary_key)));
        }
        let dooming: Vec<KeyId> = self.dooming(table).collect();
        let by = |&key: &KeyId| match self.reads {
            // A lock clause after a UNION does not apply to its parts.
            Reads::Committed if dooming.len() > 1 => within(rows(self.refers(key))),
            Reads::Committed | Reads::Snapshot => rows(self.refers(key)),
        };
        let mut selects = dooming.iter().map(by);
        let mut first = selects.next().unwrap_or_default();
        first.unions(selects.map(|select| (UnionType::Distinct, select)));
        first
    }
}

/// Returns the same rows as a sub-select.
pub(super) fn within(select: SelectStatement) -> SelectStatement {
    let mut outer = Query::select();
    outer.expr(Expr::cust("*")).from_subquery(select, Alias::new("__cascade_rows")).to_owned()
}

pub(super) fn doomed_name(table: TableId) -> String {
    format!("__cascade_{table}")
}

/// Rows that one condition finds and another condition checks.
pub(super) fn as_judged(at: Expr, condition: Option<&Expr>) -> Expr {
    match condition {
        None => at,
        Some(condition) => at.and(condition.clone().is(Expr::custom_keyword("TRUE"))),
    }
}
