//! Numbers of rows: in full, in parts where a statement would be too long, and no further than a
//! limit.
//!
//! Pure. All that a preview shows, or that decides whether something is in the way, is counted by
//! these.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Func, JoinType, Query, SelectStatement, UnionType};

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::alias;
use crate::cascade::declare::schema::{ForeignKey, KeyId, TableId};
use crate::cascade::plan::count::Count;
use crate::cascade::sql::condition::{doomed_name, within};
use crate::cascade::sql::{LONG_LIST, Sql, table_iden};

/// Numbers asked for in one statement; PostgreSQL takes 1,664 columns, SQLite 2,000.
const COUNTS_MAX: usize = 500;

/// Common table expressions of one statement; MariaDB takes 63 (4003 `Too many WITH elements`).
const NAMED_MAX: usize = 60;

/// How often a statement may expand them, each mention with all that it mentions itself; MySQL 9.7
/// does it 1,025 times (4169).
const EXPANSIONS_IN_STATEMENT_MAX: u64 = 1_000;

impl Sql<'_> {
    /// Counts with what is asked for them, in as few statements as the database takes.
    pub(crate) fn in_statements<'c>(&self, counts: &'c [(Count, Count)]) -> Vec<&'c [(Count, Count)]> {
        let expansions = self.expansions();
        let (mut statements, mut rest) = (Vec::new(), counts);
        while !rest.is_empty() {
            let (statement, later) = rest.split_at(self.fitting(rest, &expansions));
            statements.push(statement);
            rest = later;
        }
        statements
    }

    /// How many of these go into one statement: the first in any case.
    fn fitting(&self, counts: &[(Count, Count)], expansions: &[u64]) -> usize {
        let (mut named, mut expanded) = (BTreeSet::new(), 0_u64);
        for (n, &(_, asked)) in counts.iter().take(COUNTS_MAX).enumerate() {
            if self.dialect == Dialect::MySql {
                let mentioned = self.mentioned(asked);
                expanded = mentioned.iter().map(|&table| expansions[table]).fold(expanded, u64::saturating_add);
                named.extend(self.named(mentioned));
                if n > 0 && (expanded > EXPANSIONS_IN_STATEMENT_MAX || named.len() > NAMED_MAX) {
                    return n;
                }
            }
        }
        counts.len().min(COUNTS_MAX)
    }

    /// How many common table expressions a mention of each doomed table expands.
    fn expansions(&self) -> Vec<u64> {
        let mut expansions = vec![0_u64; self.schema.tables.len()];
        for &table in &self.plan.doomed {
            let above = self.plan.dooming(self.schema, table).map(|key| expansions[self.key(key).parent]);
            expansions[table] = match self.fetched.get(table) {
                Some(_) => 1,
                None => above.fold(1, u64::saturating_add),
            };
        }
        expansions
    }

    /// All these numbers in one row, named by [`alias`]: one statement, so they belong together.
    /// Those with a limit are counted no further than that.
    pub(crate) fn counts(&self, counts: &[(Count, Option<u64>)]) -> SelectStatement {
        let (mut select, mut tables) = (Query::select(), Vec::new());
        for (n, &(count, rows_max)) in counts.iter().enumerate() {
            let (number, mentioned) = match rows_max {
                None => (self.count(count), self.mentioned(count)),
                Some(rows_max) => self.count_up_to(count, rows_max),
            };
            select.expr_as(Expr::SubQuery(None, Box::new(number.into())), Alias::new(alias(n)));
            tables.extend(mentioned);
        }
        self.with(&mut select, tables);
        select
    }

    /// A number, counted no further than a limit, and the doomed tables that it mentions.
    ///
    /// Joins down from known rows, which end with the last row that is wanted; `IN (SELECT ..)`
    /// would first gather all rows between. A row is met once on each way down, and several ways
    /// are counted together.
    fn count_up_to(&self, count: Count, rows_max: u64) -> (SelectStatement, Vec<TableId>) {
        let (table, keys) = match count {
            Count::Doomed(table) => (table, self.plan.dooming(self.schema, table).collect()),
            Count::Referencing(key) | Count::ReferencingSurvivors(key) => (self.key(key).child, vec![key]),
            Count::DefaultSurvivor(_) => return (self.count(count), self.mentioned(count)),
        };
        let ways: Option<Vec<Vec<Vec<KeyId>>>> = keys.into_iter().map(|key| self.ways_to(key)).collect();
        let ways = ways.map(|ways| ways.concat()).filter(|ways| ways.iter().all(|way| self.can_be_joined(way)));
        let (kept, mut mentioned) = match count {
            Count::ReferencingSurvivors(_) => (self.kept(table), self.mentioned_by_kept(table)),
            _ => (Vec::new(), Vec::new()),
        };
        let Some(ways) = ways else {
            let mut rows = self.count(count);
            rows.clear_selects().expr(Expr::cust("1")).limit(rows_max);
            return (counted(rows), self.mentioned(count));
        };
        let mut selects = ways.iter().map(|way| {
            let mut rows = self.joined(way, &mut mentioned);
            self.key_columns(&mut rows, table, &self.table(table).primary_key, table_iden(self.table(table)));
            kept.iter().cloned().for_each(|kept| {
                rows.and_where(kept);
            });
            within(rows.limit(rows_max).to_owned())
        });
        let mut rows = selects.next().unwrap_or_default();
        rows.unions(selects.map(|select| (UnionType::Distinct, select)));
        (counted(rows), mentioned)
    }

    /// Whether the tables of a way have names of their own.
    fn can_be_joined(&self, way: &[KeyId]) -> bool {
        let names = way.iter().map(|&key| table_iden(self.table(self.key(key).child)).to_string());
        let first = way.iter().take(1).map(|&key| table_iden(self.table(self.key(key).parent)).to_string());
        let mut seen = BTreeSet::new();
        way.len() == 1 || first.chain(names).all(|name| seen.insert(name))
    }

    /// The rows at the end of a way of [`ways_to`](Self::ways_to).
    fn joined(&self, way: &[KeyId], mentioned: &mut Vec<TableId>) -> SelectStatement {
        let mut select = Query::select();
        for (at, &key) in way.iter().enumerate() {
            let ForeignKey { child, child_columns, parent, parent_columns, .. } = self.key(key);
            let pairs = child_columns.iter().zip(parent_columns);
            let on = |to: &dyn Fn(usize) -> Expr| {
                let equal = pairs.map(|(&from, &referred)| self.column(*child, from).eq(to(referred)));
                equal.reduce(sea_orm::sea_query::ExprTrait::and).unwrap_or_else(|| Expr::cust("1 = 2"))
            };
            if at > 0 {
                select.join(JoinType::InnerJoin, self.table_ref(*child), on(&|column| self.column(*parent, column)));
            } else if self.is_named(*parent) {
                mentioned.push(*parent);
                let named = |column: usize| {
                    Expr::col((Alias::new(doomed_name(*parent)), self.table(*parent).columns[column].name.clone()))
                };
                select.from(Alias::new(doomed_name(*parent)));
                select.join(JoinType::InnerJoin, self.table_ref(*child), on(&named));
            } else {
                select.from(self.table_ref(*child)).and_where(self.refers(key));
            }
        }
        select
    }

    /// What is counted before rows of these tables go, although their children have been dealt
    /// with: each number with what is asked for it.
    pub(crate) fn may_still_reference(&self, tables: &[TableId], may_keep_rows: bool) -> Vec<(Count, Count)> {
        let may_refer = |&key: &KeyId| {
            let ForeignKey { child, action, .. } = *self.key(key);
            // A row that lost the key by which it was doomed while its lock was waited for, and has
            // this one still.
            let may_be_left = action == Action::NoAction
                && self.dialect != Dialect::Sqlite
                && self.plan.dooms(child)
                && !tables.contains(&child);
            // There a trigger may undo a change, and is shown to those alone who have the right
            // TRIGGER.
            let may_be_undone = action.changes_key() && self.dialect == Dialect::MySql;
            may_keep_rows || may_be_left || may_be_undone
        };
        let keys = tables.iter().flat_map(|&table| self.schema.keys_to(table)).filter(may_refer);
        // Rows of a cycle reference each other until they go.
        let count = |key: KeyId| {
            let within = self.plan.is_within_cycle(key);
            (if within { Count::ReferencingSurvivors(key) } else { Count::Referencing(key) }, Count::Referencing(key))
        };
        keys.map(count).collect()
    }

    /// A number as the sum of several statements, where one would be too long.
    pub(crate) fn count_in_parts(&self, count: Count) -> Option<Vec<SelectStatement>> {
        let key = match count {
            Count::Referencing(key) => key,
            // To tell which rows of a doomed table stay, every part would have to name all that go.
            Count::ReferencingSurvivors(key) if !self.plan.dooms(self.key(key).child) => key,
            Count::Doomed(table) => {
                let mut dooming = self.plan.dooming(self.schema, table);
                dooming.next().filter(|_| dooming.next().is_none())?
            }
            Count::ReferencingSurvivors(_) | Count::DefaultSurvivor(_) => return None,
        };
        let ForeignKey { child, parent, .. } = *self.key(key);
        let is_long = self.fetched.get(parent).is_some_and(|keys| keys.len() > LONG_LIST);
        if self.dialect != Dialect::MySql || !is_long {
            return None;
        }
        let part = |condition| {
            let mut select = Query::select();
            select.expr_as(Func::count(Expr::cust("*")), Alias::new(alias(0)));
            select.from(self.table_ref(child)).and_where(condition);
            self.as_committed(&mut select);
            select
        };
        Some(self.each_references(key).into_iter().map(part).collect())
    }

    pub(super) fn count(&self, count: Count) -> SelectStatement {
        let mut select = Query::select();
        select.expr(Func::count(Expr::cust("*")));
        match count {
            Count::Doomed(table) => {
                select.from(Alias::new(doomed_name(table)));
            }
            Count::Referencing(key) => {
                select.from(self.table_ref(self.key(key).child)).and_where(self.refers(key));
            }
            Count::ReferencingSurvivors(key) => {
                let child = self.key(key).child;
                select.from(self.table_ref(child)).and_where(self.refers(key));
                self.kept(child).into_iter().for_each(|kept| {
                    select.and_where(kept);
                });
            }
            Count::DefaultSurvivor(key) => {
                let ForeignKey { child, child_columns, parent, parent_columns, .. } = self.key(key);
                select.from(self.table_ref(*parent));
                for (&from, &to) in child_columns.iter().zip(parent_columns) {
                    let default = self.default(&self.table(*child).columns[from]);
                    select.and_where(self.column(*parent, to).eq(default));
                }
                self.kept(*parent).into_iter().for_each(|kept| {
                    select.and_where(kept);
                });
            }
        }
        if !matches!(count, Count::Doomed(_)) {
            self.as_committed(&mut select);
        }
        select
    }

    /// The doomed tables that a count looks at.
    pub(super) fn mentioned(&self, count: Count) -> Vec<TableId> {
        match count {
            Count::Doomed(table) => vec![table],
            Count::Referencing(key) => vec![self.key(key).parent],
            Count::ReferencingSurvivors(key) => {
                let ForeignKey { child, parent, .. } = *self.key(key);
                std::iter::once(parent).chain(self.mentioned_by_kept(child)).collect()
            }
            Count::DefaultSurvivor(key) => self.mentioned_by_kept(self.key(key).parent),
        }
    }

    /// The doomed tables by which [`kept`](Self::kept) tells the rows of a table that stay.
    fn mentioned_by_kept(&self, table: TableId) -> Vec<TableId> {
        match self.fetched.get(table) {
            _ if self.fetched.roots == 0 => Vec::new(),
            Some(_) => vec![table],
            None => self.plan.dooming(self.schema, table).map(|key| self.key(key).parent).collect(),
        }
    }
}

/// How many rows there are.
fn counted(rows: SelectStatement) -> SelectStatement {
    let mut select = Query::select();
    select.expr(Func::count(Expr::cust("*"))).from_subquery(rows, Alias::new("__cascade_counted")).to_owned()
}
