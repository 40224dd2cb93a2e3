//! The statements that write: DELETE and UPDATE.
//!
//! Pure.

use sea_orm::sea_query::{
    Alias, CommonTableExpression, DeleteStatement, Expr, ExprTrait as _, IntoIden as _, Query, TableRef,
    UpdateStatement, WithClause,
};

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::Keys;
use crate::cascade::declare::schema::{ForeignKey, KeyId, TableId};
use crate::cascade::sql::Sql;
use crate::cascade::sql::rows::RowSet;

impl Sql<'_> {
    /// Deletes the rows that are doomed through this CASCADE key.
    pub(crate) fn delete_by(&self, key: KeyId) -> Vec<DeleteStatement> {
        let delete =
            |condition| Query::delete().from_table(self.table_ref(self.key(key).child)).and_where(condition).to_owned();
        self.each_references(key).into_iter().map(delete).collect()
    }

    /// Deletes these rows.
    pub(crate) fn delete(&self, rows: RowSet) -> DeleteStatement {
        Query::delete().from_table(self.table_ref(rows.table)).and_where(rows.condition).to_owned()
    }

    /// Sets the key's columns to NULL or to their defaults in these rows.
    pub(crate) fn set_in(&self, key: KeyId, rows: RowSet) -> UpdateStatement {
        self.set(key).and_where(rows.condition).to_owned()
    }

    /// Breaks a ring: sets this key to NULL in these doomed rows, whatever its action.
    pub(crate) fn break_cycle_in(&self, key: KeyId, rows: RowSet) -> UpdateStatement {
        let columns = self.key(key).cycle_break_columns_alone(self.schema);
        self.open(key, columns).and_where(rows.condition).to_owned()
    }

    /// Deletes these rows of the table, by primary key.
    pub(crate) fn delete_rows(&self, table: TableId, keys: &Keys, rows: &[usize]) -> Vec<DeleteStatement> {
        let delete = |condition| Query::delete().from_table(self.table_ref(table)).and_where(condition).to_owned();
        self.each_at(table, keys, rows).into_iter().map(delete).collect()
    }

    /// Deletes rows of several tables in one statement. The constraints are checked at its end.
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

    /// Sets the key's columns to NULL or to their defaults; the condition is added later.
    pub(super) fn set(&self, key: KeyId) -> UpdateStatement {
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

    /// The same, in these rows.
    pub(crate) fn update_rows(&self, key: KeyId, keys: &Keys, rows: &[usize]) -> Vec<UpdateStatement> {
        let conditions = self.each_at(self.key(key).child, keys, rows).into_iter();
        conditions.map(|condition| self.set(key).and_where(condition).to_owned()).collect()
    }

    /// Sets this key to NULL in doomed rows, whatever its action.
    pub(crate) fn break_cycle(&self, key: KeyId, keys: &Keys, rows: &[usize]) -> Vec<UpdateStatement> {
        let conditions = self.each_at(self.key(key).child, keys, rows).into_iter();
        let columns = self.key(key).cycle_break_columns(self.schema);
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

    /// Sets the key's columns to NULL or to their defaults in the rows that reference doomed rows.
    ///
    /// The doomed rows of the child table are deleted before (see [`Plan`]), so only rows that stay
    /// are changed.
    pub(crate) fn update(&self, key: KeyId) -> Vec<UpdateStatement> {
        let ForeignKey { child, child_columns, parent, parent_columns, .. } = self.key(key);
        let mut update = self.set(key);
        if self.fetched.get(*parent).is_some() || self.dialect != Dialect::MySql {
            let conditions = self.each_references(key).into_iter();
            return conditions.map(|condition| update.clone().and_where(condition).to_owned()).collect();
        }
        // On MySQL and MariaDB `UPDATE .. IN (SELECT ..)` is no semi-join; a derived table is joined.
        let doomed = Alias::new("__cascade_doomed");
        let from = self.doomed_select(*parent, parent_columns, true);
        update.from(TableRef::SubQuery(Box::new(from), doomed.clone().into_iden()));
        for (&from, &to) in child_columns.iter().zip(parent_columns) {
            let to = Expr::col((doomed.clone(), self.table(*parent).columns[to].name.clone()));
            update.and_where(self.column(*child, from).eq(to));
        }
        vec![update]
    }
}
