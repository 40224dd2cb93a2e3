//! Counts rows: in full, in parts where a statement would be too long, or up to a limit.
//!
//! Pure. These statements count everything that a preview shows and every blocker.

use std::collections::BTreeSet;
use std::ops::Range;

use sea_orm::sea_query::{Alias, BinOper, Expr, ExprTrait as _, Func, JoinType, Query, SelectStatement, UnionType};

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::alias;
use crate::cascade::declare::schema::{ForeignKey, KeyId, TableId};
use crate::cascade::plan::count::Count;
use crate::cascade::sql::condition::{doomed_name, within};
use crate::cascade::sql::{LONG_LIST, PARENTS, Sql, VALUES_MAX, table_iden};

/// The largest number of counts in one statement. SQLite takes an expression of depth 1,000.
const COUNTS_MAX: usize = 400;

/// The largest number of common table expressions in one statement. MariaDB takes 63 (4003 `Too
/// many WITH elements`).
const NAMED_MAX: usize = 60;

/// How often a statement may expand common table expressions, including those that they mention.
/// MySQL 9.7 allows 1,025 (4169).
const EXPANSIONS_IN_STATEMENT_MAX: u64 = 1_000;

impl Sql<'_> {
    /// Splits the counts into as few statements as the database allows.
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

    /// Returns how many of these fit into one statement; at least the first.
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

    /// Returns how many common table expressions a mention of each doomed table expands.
    fn expansions(&self) -> Vec<u64> {
        let mut expansions = vec![0_u64; self.schema.tables.len()];
        for &table in &self.plan.doomed {
            let above = self.dooming(table).map(|key| expansions[self.key(key).parent]);
            expansions[table] = match self.fetched.get(table) {
                Some(_) => 1,
                None => above.fold(1, u64::saturating_add),
            };
        }
        expansions
    }

    /// Counts all of these in one text, with commas between. It is one statement, so the counts
    /// belong together. A count with a limit stops at the limit.
    pub(crate) fn counts(&self, counts: &[(Count, Option<u64>)]) -> SelectStatement {
        let (mut numbers, mut tables) = (Vec::new(), Vec::new());
        for &(count, rows_max) in counts {
            let (number, mentioned) = match rows_max {
                None => (self.count(count), self.mentioned(count)),
                Some(rows_max) => self.count_up_to(count, rows_max),
            };
            numbers.push(Expr::SubQuery(None, Box::new(number.into())));
            tables.extend(mentioned);
        }
        let mut select = Query::select();
        select.expr_as(self.joined_by_commas(numbers.into_iter()), Alias::new(alias(0)));
        self.with(&mut select, tables);
        select
    }

    /// Splits the keys to this table into the lists that one statement counts.
    pub(crate) fn in_probes<'k>(&self, table: TableId, keys: &'k [(KeyId, u64)]) -> Vec<&'k [(KeyId, u64)]> {
        let is_list = self.fetched.get(table).is_some_and(|keys| keys.len() > 1);
        let values = match self.dialect {
            // A list of several is filled up, at most to this length.
            Dialect::MySql if is_list => self.parents_max(),
            Dialect::MySql | Dialect::Postgres | Dialect::Sqlite => 1,
        };
        let columns = keys.iter().map(|&(key, _)| self.key(key).child_columns.len()).max().unwrap_or(1);
        keys.chunks((VALUES_MAX / (values * columns)).clamp(1, COUNTS_MAX)).collect()
    }

    /// Returns the doomed rows of this table that one statement asks about; one empty list if their
    /// keys were not fetched.
    pub(crate) fn parents_in_probes(&self, table: TableId) -> Vec<Range<usize>> {
        let Some(keys) = self.fetched.get(table) else { return std::iter::once(0..0).collect() };
        let max = self.parents_max().min(keys.len().max(1));
        (0..keys.len()).step_by(max).map(|begin| begin..keys.len().min(begin.saturating_add(max))).collect()
    }

    /// Counts the rows that reference doomed rows of this table through each of these keys, each up
    /// to a limit.
    pub(crate) fn probe(&self, table: TableId, parents: &Range<usize>, keys: &[(KeyId, u64)]) -> SelectStatement {
        let Some(fetched) = self.fetched.get(table) else {
            let counts = keys.iter().map(|&(key, rows_max)| (Count::Referencing(key), Some(rows_max)));
            return self.counts(&counts.collect::<Vec<_>>());
        };
        let count = |&(key, rows_max): &(KeyId, u64)| {
            let ForeignKey { child, child_columns, parent_columns, .. } = self.key(key);
            let mut parents = fetched.rows_within(parent_columns, parents.clone());
            if let (true, Some(&last)) = (self.dialect == Dialect::MySql && fetched.len() > PARENTS, parents.last()) {
                // One of several lists has the text of the others.
                parents.resize(PARENTS, last);
            }
            let refers = self.listed(table, self.columns(*child, child_columns), fetched, parent_columns, &parents);
            let mut rows = Query::select();
            // The limit is part of the text: with a bound one SQLite prepares the statement again at
            // each run (seen: 0.5 ms for 31 keys), and PostgreSQL does not know that it is small.
            let limited = match self.dialect {
                Dialect::Postgres => "$1",
                Dialect::Sqlite | Dialect::MySql => "?",
            };
            let refers = Expr::cust_with_exprs(format!("{limited} LIMIT {rows_max}"), [refers]);
            rows.expr(Expr::cust("1")).from(self.table_ref(*child)).and_where(refers);
            self.as_committed(&mut rows);
            Expr::SubQuery(None, Box::new(counted(rows).into()))
        };
        let mut select = Query::select();
        select.expr_as(self.joined_by_commas(keys.iter().map(count)), Alias::new(alias(0)));
        select
    }

    /// Returns numbers as one text: the drivers take longer for a column than the databases for a
    /// count (SQLite: 500 us for 31 columns, of which 25 us are the counts).
    fn joined_by_commas(&self, numbers: impl Iterator<Item = Expr>) -> Expr {
        if self.dialect == Dialect::MySql {
            let numbers = std::iter::once(Expr::cust("','")).chain(numbers);
            return Func::cust(Alias::new("CONCAT_WS")).args(numbers).into();
        }
        let then = |all: Expr, next: Expr| all.binary(BinOper::Custom("||"), next);
        let joined = numbers.reduce(|all, next| then(then(all, Expr::cust("','")), next));
        joined.unwrap_or_else(|| Expr::cust("''")).cast_as(Alias::new("TEXT"))
    }

    /// Returns a count that stops at a limit, and the doomed tables that it mentions.
    ///
    /// It joins down from fetched rows, and the join stops with the last row that is needed. `IN
    /// (SELECT ..)` would first collect all rows in between. A row is met once on each path, and
    /// several paths are counted together.
    fn count_up_to(&self, count: Count, rows_max: u64) -> (SelectStatement, Vec<TableId>) {
        let (table, keys) = match count {
            Count::Doomed(table) => (table, self.dooming(table).collect()),
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

    /// Whether all tables of a path have different names.
    fn can_be_joined(&self, way: &[KeyId]) -> bool {
        let names = way.iter().map(|&key| table_iden(self.table(self.key(key).child)).to_string());
        let first = way.iter().take(1).map(|&key| table_iden(self.table(self.key(key).parent)).to_string());
        let mut seen = BTreeSet::new();
        way.len() == 1 || first.chain(names).all(|name| seen.insert(name))
    }

    /// Returns the rows at the end of a path of [`ways_to`](Self::ways_to).
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
        self.as_committed(&mut select);
        select
    }

    /// Returns the counts that are checked before rows of these tables are deleted, although their
    /// children have been deleted or changed.
    pub(crate) fn may_still_reference(&self, tables: &[TableId], may_keep_rows: bool) -> Vec<(Count, Count)> {
        let may_refer = |&key: &KeyId| {
            let ForeignKey { child, action, .. } = *self.key(key);
            // A row may have lost the key that doomed it while the delete waited for its lock, and
            // still have this key.
            let may_be_left = action == Action::NoAction
                && self.dialect != Dialect::Sqlite
                && self.plan.dooms(child)
                && !tables.contains(&child);
            // On these databases a trigger may undo a change, and only users with the right TRIGGER
            // can see it.
            let survivors = self.fetched.known(self.schema, self.plan, Count::ReferencingSurvivors(key));
            let may_be_undone = action.changes_key() && self.dialect == Dialect::MySql && survivors != Some(0);
            may_keep_rows || (self.fetched.is_reached(self.schema, key) && (may_be_left || may_be_undone))
        };
        let keys = tables.iter().flat_map(|&table| self.schema.keys_to(table)).filter(may_refer);
        // Rows of a cycle reference each other until they are deleted.
        let count = |key: KeyId| {
            let within = self.plan.is_within_cycle(key);
            (if within { Count::ReferencingSurvivors(key) } else { Count::Referencing(key) }, Count::Referencing(key))
        };
        keys.map(count).collect()
    }

    /// Returns a count as the sum of several statements, where one would be too long.
    pub(crate) fn count_in_parts(&self, count: Count) -> Option<Vec<SelectStatement>> {
        let key = match count {
            Count::Referencing(key) => key,
            // To find the rows of a doomed table that stay, every part would need the whole delete
            // set.
            Count::ReferencingSurvivors(key) if !self.plan.dooms(self.key(key).child) => key,
            Count::Doomed(table) => {
                let mut dooming = self.dooming(table);
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

    /// Returns the doomed tables that a count reads.
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

    /// Returns the doomed tables that [`kept`](Self::kept) needs to find the rows of a table that
    /// stay.
    fn mentioned_by_kept(&self, table: TableId) -> Vec<TableId> {
        match self.fetched.get(table) {
            _ if self.fetched.roots == 0 => Vec::new(),
            Some(_) => vec![table],
            None => self.dooming(table).map(|key| self.key(key).parent).collect(),
        }
    }
}

/// Counts the rows.
fn counted(rows: SelectStatement) -> SelectStatement {
    let mut select = Query::select();
    select.expr(Func::count(Expr::cust("*"))).from_subquery(rows, Alias::new("__cascade_counted"));
    select
}
