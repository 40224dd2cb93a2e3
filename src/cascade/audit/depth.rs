//! How deep the database's own cascade must go, by tables and by rows.
//!
//! Pure. SQLite stops at 1,000 levels and InnoDB at 15. Deletes of this crate have no such limit,
//! because they delete the deepest rows first.

use std::collections::BTreeSet;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;
use sea_orm::sea_query::{
    Alias, CommonTableExpression, Expr, ExprTrait as _, Func, JoinType, Query, SelectStatement, UnionType, WithClause,
};

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::alias;
use crate::cascade::declare::schema::{ForeignKey, KeyId, Schema, TableId};
use crate::cascade::sql::table_iden;

const LEVELS: &str = "__cascade_levels";
const LEVEL: &str = "__cascade_level";

/// Returns the CASCADE keys at which a chain of tables is too long for the database's own cascade,
/// with the number of levels down to them. Each is computed as if the chain were cut at the ones
/// above. A cycle of tables has no length; its rows decide.
pub(crate) fn too_deep(schema: &Schema, dialect: Dialect) -> Vec<(KeyId, u64)> {
    let Some(levels_max) = dialect.cascade_levels_max() else { return Vec::new() };
    let cascades = |key: &KeyId| {
        let key = &schema.keys[*key];
        key.action == Action::Cascade && key.constraint.is_some()
    };
    let keys: Vec<KeyId> = (0..schema.keys.len()).filter(cascades).collect();
    let mut graph: DiGraph<TableId, ()> = DiGraph::new();
    let nodes: Vec<_> = (0..schema.tables.len()).map(|table| graph.add_node(table)).collect();
    for &key in &keys {
        graph.add_edge(nodes[schema.keys[key].parent], nodes[schema.keys[key].child], ());
    }
    let mut levels = vec![1_u64; schema.tables.len()];
    let mut found = Vec::new();
    let mut above: BTreeSet<TableId> = BTreeSet::new();
    // petgraph returns children first.
    for component in kosaraju_scc(&graph).into_iter().rev() {
        let tables: BTreeSet<TableId> = component.into_iter().map(|node| graph[node]).collect();
        for &key in keys.iter().filter(|&&key| tables.contains(&schema.keys[key].child)) {
            let ForeignKey { child, parent, .. } = schema.keys[key];
            if !above.contains(&parent) {
                continue;
            }
            if levels[parent] + 1 > levels_max {
                found.push((key, levels[parent] + 1));
            } else {
                levels[child] = Ord::max(levels[child], levels[parent] + 1);
            }
        }
        above.extend(tables);
    }
    found
}

/// Returns the number of rows in the deepest chain of this key, from a row without a parent or one
/// that is its own parent; capped at `levels_max + 1`. A row has one parent, so each row is visited
/// once.
pub(crate) fn levels(schema: &Schema, dialect: Dialect, key: KeyId, levels_max: u64) -> SelectStatement {
    let ForeignKey { child: table, child_columns, parent_columns, .. } = &schema.keys[key];
    let table = &schema.tables[*table];
    let column = |column: usize| Expr::col((table_iden(table), table.columns[column].name.clone()));
    let above = |n: usize| Expr::col((Alias::new(LEVELS), Alias::new(alias(n))));
    let level = || Expr::col((Alias::new(LEVELS), Alias::new(LEVEL)));
    let mut tops = Query::select();
    tops.exprs(parent_columns.iter().map(|&to| column(to))).expr(Expr::cust("1")).from(table.name.clone());
    let refers_to_itself = || {
        let equal = child_columns.iter().zip(parent_columns).map(|(&from, &to)| column(from).eq(column(to)));
        equal.reduce(sea_orm::sea_query::ExprTrait::and).unwrap_or_else(|| Expr::cust("1 = 2"))
    };
    let is_null = child_columns.iter().map(|&from| column(from).is_null());
    tops.and_where(is_null.fold(refers_to_itself(), sea_orm::sea_query::ExprTrait::or));
    let mut below = Query::select();
    below.exprs(parent_columns.iter().map(|&to| column(to))).expr(level().add(1)).from(Alias::new(LEVELS));
    let refers = child_columns.iter().enumerate().map(|(n, &from)| column(from).eq(above(n)));
    let refers = refers.reduce(sea_orm::sea_query::ExprTrait::and).unwrap_or_else(|| Expr::cust("1 = 2"));
    below.join(JoinType::InnerJoin, table.name.clone(), refers);
    below.and_where(level().lte(levels_max)).and_where(refers_to_itself().is_not(Expr::custom_keyword("TRUE")));
    let mut levels = CommonTableExpression::new();
    let columns = (0..parent_columns.len()).map(alias).chain([LEVEL.to_owned()]);
    levels.table_name(Alias::new(LEVELS)).columns(columns.map(Alias::new));
    levels.query(tops.union(UnionType::All, below).to_owned());
    let mut clause = WithClause::new();
    clause.recursive(true).cte(levels);
    let ty = match dialect {
        Dialect::Postgres => "bigint",
        Dialect::Sqlite => "INTEGER",
        Dialect::MySql => "SIGNED",
    };
    let deepest = Func::coalesce([Func::max(level()).into(), Expr::cust("0")]);
    let mut select = Query::select();
    select.expr_as(Expr::from(deepest).cast_as(Alias::new(ty)), Alias::new(alias(0))).from(Alias::new(LEVELS));
    select.with_cte(clause).to_owned()
}
