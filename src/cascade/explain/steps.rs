//! Shows a plan as steps with their SQL, as `EXPLAIN` shows a query.
//!
//! Pure. It calls the same functions for SQL as a run does, with two rows of sample keys in place
//! of the keys that a run fetches. A test compares it with the statements that are sent.

use sea_orm::StatementBuilder;
use sea_orm::sea_query::SelectStatement;

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::explanation::{Explanation, Step};
use crate::cascade::data::key::{KeyKind, Keys};
use crate::cascade::db::execution::{Capture, keys_of};
use crate::cascade::declare::schema::{KeyId, Schema, TableId};
use crate::cascade::error::Error;
use crate::cascade::plan;
use crate::cascade::plan::count::{Count, CountScope};
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::plan::roots::Roots;
use crate::cascade::plan::{Component, Plan};
use crate::cascade::sql::route::{Route, RowRoute};
use crate::cascade::sql::{PAGE, Reads, RowSet, Sql};

/// The number of sample keys. A single key would be written in another form.
const KEYS: usize = 2;

/// The delete to explain.
pub(crate) struct Explaining<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) plan: &'a Plan,
    pub(crate) dialect: Dialect,
    pub(crate) capture: &'a Capture,
    pub(crate) roots: &'a Roots,
    pub(crate) scope: CountScope,
}

impl Explaining<'_> {
    pub(crate) fn explain(&self) -> Result<Explanation, Error> {
        let mut fetched = Fetched::new(self.schema, self.plan.root, self.some(self.plan.root)?);
        let mut steps = vec![self.find_roots(&fetched)?];
        for (id, component) in self.plan.components.iter().enumerate() {
            steps.extend(self.find_or_lock(&mut fetched, id, component)?);
        }
        steps.extend(self.count(&fetched));
        let mut asked = None;
        for &step in &self.plan.steps {
            let going = self.plan.going(self.schema, step);
            if going.is_some() && going != asked {
                steps.extend(self.ask_again(&fetched, going.as_deref().unwrap_or_default()));
                asked = going;
            }
            if let plan::Step::DeleteCycle(id) = step {
                steps.extend(self.break_rings(&fetched, &self.plan.components[id])?);
            }
            steps.push(self.step(&fetched, step)?);
        }
        Ok(Explanation { backend: self.dialect.name().to_owned(), steps })
    }

    fn sql<'k>(&'k self, fetched: &'k Fetched) -> Sql<'k> {
        Sql { dialect: self.dialect, schema: self.schema, plan: self.plan, fetched, reads: Reads::Snapshot }
    }

    fn text(&self, statement: &impl StatementBuilder) -> String {
        statement.build(&self.dialect.backend()).sql
    }

    fn texts<S: StatementBuilder>(&self, statements: &[S]) -> Vec<String> {
        statements.iter().map(|statement| self.text(statement)).collect()
    }

    fn label(&self, table: TableId) -> &str {
        &self.schema.tables[table].label
    }

    /// Returns sample keys of a table.
    fn some(&self, table: TableId) -> Result<Keys, Error> {
        let mut keys = keys_of(self.schema, self.dialect, table, &self.schema.tables[table].identity)?;
        (0..KEYS).for_each(|_| keys.make_up());
        Ok(keys)
    }

    // ---- Finding

    fn find_roots(&self, fetched: &Fetched) -> Result<Step, Error> {
        let (root, sql) = (self.plan.root, self.sql(fetched));
        let locking = if self.dialect == Dialect::Sqlite { "" } else { ", and lock them in key order" };
        let (asked, rows, again) = match self.roots {
            Roots::Select(select) => ("that the Select returns", vec![sql.selected(select)?], true),
            Roots::Keys(keys) => {
                let primary_key = keys_of(self.schema, self.dialect, root, &self.schema.tables[root].primary_key)?;
                let is_known = keys.iter().all(|key| primary_key.takes(key));
                let some = fetched.get(root).filter(|_| is_known);
                let values: Vec<_> = keys.iter().cycle().take(KEYS).cloned().collect();
                (
                    "with these keys",
                    some.map_or_else(|| sql.rows_at_values(&values), |some| sql.rows_asked(some)),
                    false,
                )
            }
        };
        let mut statements: Vec<String> = rows.iter().map(|rows| self.text(&sql.read(rows, &[], true))).collect();
        let mut purpose = format!("find the rows of {} {asked}{locking}", self.label(root));
        if again && self.dialect != Dialect::Sqlite {
            purpose += "; then check them against the Select again";
            if let (Roots::Select(select), Some(some)) = (self.roots, fetched.get(root)) {
                let again = sql.selected_still(select, some);
                statements.extend(again.iter().map(|rows| self.text(&sql.read(rows, &[], false))));
            }
        }
        Ok(Step { purpose, statements })
    }

    /// Returns the step that fetches the keys of rows, or locks the rows in place.
    fn find_or_lock(&self, fetched: &mut Fetched, id: usize, component: &Component) -> Result<Option<Step>, Error> {
        let table = component.tables[0];
        let is_wanted = fetched.get(table).is_none() && self.sql(fetched).is_better_read(table);
        if component.is_cycle() || is_wanted {
            return self.find(fetched, id).map(Some);
        }
        if fetched.get(table).is_some() {
            return Ok(None);
        }
        let statements = self.texts(&self.sql(fetched).lock_parents(table));
        let purpose = format!("lock the {} to delete, because rows may reference them", self.label(table));
        Ok((!statements.is_empty()).then_some(Step { purpose, statements }))
    }

    fn find(&self, fetched: &mut Fetched, id: usize) -> Result<Step, Error> {
        let component = &self.plan.components[id];
        let own = |table: TableId| {
            let own = component.keys.iter().copied().filter(move |&key| self.schema.keys[key].child == table);
            own.collect::<Vec<KeyId>>()
        };
        let page = |fetched: &Fetched, rows: &RowSet| {
            self.text(&self.sql(fetched).page(rows, (None, &own(rows.table())), true, None, PAGE))
        };
        let mut statements = Vec::new();
        for &table in &component.tables {
            if let Some(roots) = fetched.get(table).filter(|_| table == self.plan.root) {
                statements.extend(self.sql(fetched).rows_at(table, roots).iter().map(|rows| page(fetched, rows)));
            }
            for key in self.plan.dooming(self.schema, table).filter(|key| !component.keys.contains(key)) {
                statements.extend(self.sql(fetched).referencing(key).iter().map(|rows| page(fetched, rows)));
            }
        }
        for &key in component.keys.iter().filter(|&&key| self.schema.keys[key].action == Action::Cascade) {
            let parents = self.some(self.schema.keys[key].parent)?;
            let rows = self.sql(fetched).referencing_to(key, &parents, 0..KEYS);
            statements.extend(rows.iter().map(|rows| page(fetched, rows)));
        }
        for &table in &component.tables {
            fetched.insert(table, self.some(table)?);
        }
        let tables: Vec<&str> = component.tables.iter().map(|&table| self.label(table)).collect();
        let how = if component.is_cycle() { "level by level and page by page" } else { "page by page" };
        Ok(Step {
            purpose: format!("find the {} to delete, {how}, and keep their keys", tables.join(", ")),
            statements,
        })
    }

    fn count(&self, fetched: &Fetched) -> Option<Step> {
        let counts: Vec<Count> = self.scope.counts(self.schema, self.plan);
        let counts = counts.into_iter().filter_map(|count| self.asked(fetched, count));
        let counts: Vec<_> = counts.map(|count| (count, None)).collect();
        let purpose = match self.scope {
            CountScope::All => "count the rows to delete and to change, and the blockers",
            CountScope::Blockers => "count the blockers; then read the first of each foreign key that has some",
        };
        let statements = vec![self.text(&self.sql(fetched).counts(&counts))];
        (!counts.is_empty()).then(|| Step { purpose: purpose.to_owned(), statements })
    }

    /// Returns the step with the checks before rows of these tables are deleted.
    fn ask_again(&self, fetched: &Fetched, tables: &[TableId]) -> Option<Step> {
        let counts = self.sql(fetched).may_still_reference(tables, false);
        let counts: Vec<_> = counts.into_iter().map(|(_, asked)| (asked, None)).collect();
        let labels: Vec<&str> = tables.iter().map(|&table| self.label(table)).collect();
        let purpose = format!("check that nothing references the {} to delete any more", labels.join(", "));
        let statements = vec![self.text(&self.sql(fetched).counts(&counts))];
        (!counts.is_empty()).then_some(Step { purpose, statements })
    }

    /// Returns the count that a statement must make, if the fetched rows do not give it.
    fn asked(&self, fetched: &Fetched, count: Count) -> Option<Count> {
        match count {
            Count::Doomed(table) if fetched.get(table).is_some() => None,
            Count::Referencing(key) if self.plan.is_within_cycle(key) && self.action(key) == Action::Cascade => None,
            Count::ReferencingSurvivors(key) if self.plan.is_within_cycle(key) => Some(Count::Referencing(key)),
            count => Some(count),
        }
    }

    fn action(&self, key: KeyId) -> Action {
        self.schema.keys[key].action
    }

    // ---- Doing

    fn step(&self, fetched: &Fetched, step: plan::Step) -> Result<Step, Error> {
        let refer = |key: KeyId| {
            let key = &self.schema.keys[key];
            format!("{} that reference rows to delete through {} ({})", self.label(key.child), key.label, key.action)
        };
        let (purpose, statements) = match step {
            plan::Step::DeleteBy(key) => (format!("delete the {}", refer(key)), self.delete_by(fetched, key)?),
            plan::Step::Update(key) => (format!("change the key of the {}", refer(key)), self.update(fetched, key)?),
            plan::Step::UpdateKept(key) => {
                let child = self.schema.keys[key].child;
                let mut statements: Vec<String> =
                    self.sql(fetched).referencing(key).iter().map(|rows| self.page(fetched, rows)).collect();
                statements.extend(self.texts(&self.sql(fetched).update_rows(key, &self.some(child)?, &all())));
                (format!("change the key of the {} and stay, page by page", refer(key)), statements)
            }
            plan::Step::DeleteRoots => {
                let root = self.plan.root;
                (format!("delete the rows of {}", self.label(root)), self.delete_rows(fetched, root)?)
            }
            plan::Step::DeleteCycle(id) => self.delete_cycle(fetched, &self.plan.components[id])?,
        };
        Ok(Step { purpose, statements })
    }

    fn is_captured(&self, table: TableId) -> bool {
        self.schema.tables[table].hooks.is_some() || self.capture.keys_of.contains(&table)
    }

    fn page(&self, fetched: &Fetched, rows: &RowSet) -> String {
        self.text(&self.sql(fetched).page(rows, (None, &[]), true, None, PAGE))
    }

    fn delete_by(&self, fetched: &Fetched, key: KeyId) -> Result<Vec<String>, Error> {
        let (sql, child) = (self.sql(fetched), self.schema.keys[key].child);
        let mut statements = Vec::new();
        match sql.route_of_delete(key, self.is_captured(child)) {
            Route::Statement => statements = self.texts(&sql.delete_by(key)),
            Route::Rows(RowRoute::Pages(lists)) => {
                for rows in lists {
                    statements.extend(self.delete_pages(fetched, child, &rows)?);
                }
            }
            Route::Rows(RowRoute::Walk(ways)) => {
                statements = self.walk(fetched, &ways, |rows| {
                    if self.is_captured(child) {
                        return self.delete_pages(fetched, child, &rows);
                    }
                    Ok(vec![self.text(&sql.delete(rows))])
                })?;
            }
        }
        Ok(statements)
    }

    fn update(&self, fetched: &Fetched, key: KeyId) -> Result<Vec<String>, Error> {
        let (sql, child) = (self.sql(fetched), self.schema.keys[key].child);
        let mut statements = Vec::new();
        match sql.route_of_change(key) {
            Route::Statement => statements = self.texts(&sql.update(key)),
            Route::Rows(RowRoute::Pages(lists)) => {
                for rows in lists {
                    statements.push(self.page(fetched, &rows));
                    statements.extend(self.texts(&sql.update_rows(key, &self.some(child)?, &all())));
                }
            }
            Route::Rows(RowRoute::Walk(ways)) => {
                statements = self.walk(fetched, &ways, |rows| Ok(vec![self.text(&sql.set_in(key, rows))]))?;
            }
        }
        Ok(statements)
    }

    /// Returns the statements of a walk along these paths: a page of parents for each level, then
    /// what writes the rows of the last one.
    fn walk(
        &self,
        fetched: &Fetched,
        ways: &[Vec<KeyId>],
        write: impl Fn(RowSet) -> Result<Vec<String>, Error>,
    ) -> Result<Vec<String>, Error> {
        let (sql, mut statements) = (self.sql(fetched), Vec::new());
        let steps = ways.iter().flat_map(|way| way.iter().enumerate().map(|(at, &key)| (at + 1 < way.len(), key)));
        for (leads_on, step) in steps {
            let parents = self.some(self.schema.keys[step].parent)?;
            for rows in sql.referencing_to(step, &parents, 0..KEYS) {
                if leads_on {
                    statements.push(self.text(&sql.page(&rows, (None, &[]), false, None, PAGE)));
                } else {
                    statements.extend(write(rows)?);
                }
            }
        }
        Ok(statements)
    }

    fn whole(&self, table: TableId) -> Option<SelectStatement> {
        self.schema.tables[table].hooks.as_ref().map(|hooks| hooks.select())
    }

    fn delete_pages(&self, fetched: &Fetched, table: TableId, rows: &RowSet) -> Result<Vec<String>, Error> {
        let sql = self.sql(fetched);
        let whole = self.whole(table);
        let mut statements = vec![self.text(&sql.page(rows, (whole.as_ref(), &[]), true, None, PAGE))];
        statements.extend(self.texts(&sql.delete_rows(table, &self.some(table)?, &all())));
        Ok(statements)
    }

    fn delete_rows(&self, fetched: &Fetched, table: TableId) -> Result<Vec<String>, Error> {
        let (sql, keys) = (self.sql(fetched), self.some(table)?);
        let mut statements = match self.whole(table) {
            Some(whole) => self.texts(&sql.whole(&whole, table, &keys, &all())),
            None => Vec::new(),
        };
        statements.extend(self.texts(&sql.delete_rows(table, &keys, &all())));
        Ok(statements)
    }

    fn delete_cycle(&self, fetched: &Fetched, component: &Component) -> Result<(String, Vec<String>), Error> {
        let mut statements = Vec::new();
        for &table in &component.tables {
            statements.extend(self.delete_rows(fetched, table)?);
        }
        let tables: Vec<&str> = component.tables.iter().map(|&table| self.label(table)).collect();
        Ok((format!("delete the {} found, children first, level by level", tables.join(", ")), statements))
    }

    fn break_rings(&self, fetched: &Fetched, component: &Component) -> Result<Option<Step>, Error> {
        let mut statements = Vec::new();
        let openable = |key: &&KeyId| !self.schema.keys[**key].cycle_break_columns(self.schema).is_empty();
        for &key in component.keys.iter().filter(openable) {
            let keys = self.some(self.schema.keys[key].child)?;
            statements.extend(self.texts(&self.sql(fetched).break_cycle(key, &keys, &all())));
        }
        let purpose =
            "if such rows reference each other in a ring, set one of these foreign keys to NULL in one of them";
        Ok((!statements.is_empty()).then(|| Step { purpose: purpose.to_owned(), statements }))
    }
}

/// Returns the sample keys.
fn all() -> [usize; KEYS] {
    std::array::from_fn(|row| row)
}

impl Keys {
    /// Adds a sample row.
    fn make_up(&mut self) {
        let row: Vec<_> = self.kinds().map(KeyKind::made_up).collect();
        self.push(&row);
    }
}
