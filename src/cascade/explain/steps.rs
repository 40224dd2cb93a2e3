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
use crate::cascade::plan::fetched::{Fetched, Referencing};
use crate::cascade::plan::roots::Roots;
use crate::cascade::plan::{Component, Plan};
use crate::cascade::sql::route::{Route, RowRoute};
use crate::cascade::sql::{PAGE, Reads, RowSet, Sql};

/// The number of sample keys. A single key would be written in another form.
const KEYS: usize = 2;

/// Sample keys of the doomed rows.
struct Found {
    /// Of every table with children, as a run keeps them while they are few.
    few: Fetched,
    /// Only of the roots, and of tables that are always kept.
    many: Fetched,
}

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
        let roots = || Ok::<_, Error>(Fetched::new(self.schema, self.plan.root, self.some(self.plan.root)?));
        let mut found = Found { few: roots()?, many: roots()? };
        let mut steps = vec![self.find_roots(&found.many)?];
        for (id, component) in self.plan.components.iter().enumerate() {
            steps.extend(self.find_or_lock(&mut found, id, component)?);
            for &table in &component.tables {
                steps.extend(self.count_referencing(&mut found, table));
            }
        }
        steps.extend(self.both(&found, |fetched| Ok(self.count(fetched)))?);
        let mut asked = None;
        for &step in &self.plan.steps {
            let going = self.plan.going(self.schema, step);
            if going.is_some() && going != asked {
                let tables = going.as_deref().unwrap_or_default();
                steps.extend(self.both(&found, |fetched| Ok(self.ask_again(fetched, tables)))?);
            }
            if let plan::Step::DeleteCycle(id) = step {
                steps.extend(self.break_rings(&found.many, &self.plan.components[id])?);
            }
            let is_first = going != asked;
            steps.extend(self.both(&found, |fetched| self.step(fetched, step, is_first).map(Some))?);
            if going.is_some() {
                asked = going;
            }
        }
        Ok(Explanation { backend: self.dialect.name().to_owned(), steps })
    }

    /// Returns a step as it is done with few rows in each table, and as it is done with many.
    fn both(
        &self,
        found: &Found,
        step: impl Fn(&Fetched) -> Result<Option<Step>, Error>,
    ) -> Result<Option<Step>, Error> {
        let many = step(&found.many)?;
        if self.schema.keys_per_table < KEYS {
            return Ok(many);
        }
        let (few, many) = (step(&found.few)?, many);
        let Some(purpose) = few.as_ref().or(many.as_ref()).map(|step| step.purpose.clone()) else { return Ok(None) };
        let statements = |step: Option<Step>| step.map(|step| step.statements).unwrap_or_default();
        Ok(Step::of(purpose, statements(few), statements(many)))
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
        Ok(Step { purpose, statements, if_many: None })
    }

    /// Returns the step that fetches the keys of rows, or locks the rows in the database if there
    /// are many.
    fn find_or_lock(&self, found: &mut Found, id: usize, component: &Component) -> Result<Option<Step>, Error> {
        let table = component.tables[0];
        let is_better_read = found.many.get(table).is_none() && self.sql(&found.many).is_better_read(table);
        if component.is_cycle() {
            let step = |fetched: &mut Fetched| self.find(fetched, id);
            let (few, many) = (step(&mut found.few)?, step(&mut found.many)?);
            return Ok(Step::of(few.purpose, few.statements, many.statements));
        }
        if found.many.get(table).is_some() || !self.schema.has_children(table) && !is_better_read {
            return Ok(None);
        }
        let locks = self.texts(&self.sql(&found.many).lock_parents(table));
        let mut few = self.find(&mut found.few, id)?;
        let many = if is_better_read { self.find(&mut found.many, id)?.statements } else { locks };
        if self.schema.keys_per_table < KEYS {
            few.statements.clone_from(&many);
        } else if self.dialect != Dialect::Sqlite && !is_better_read {
            few.purpose += "; lock them there if there are many";
        }
        Ok(Step::of(few.purpose, few.statements, many))
    }

    /// Returns the step that counts the rows which reference doomed rows of a table, as if each key
    /// to it had some.
    fn count_referencing(&self, found: &mut Found, table: TableId) -> Option<Step> {
        let statement = |fetched: &mut Fetched, are_many: bool| {
            let keys = fetched.counted_keys(self.schema, self.plan, table);
            let text = (!keys.is_empty()).then(|| self.text(&self.sql(fetched).probe(table, &(0..KEYS), &keys)));
            for (key, _) in keys {
                let child = self.schema.keys[key].child;
                let is_in_cycle = |component: &Component| component.is_cycle() && component.tables.contains(&child);
                let is_walked = self.schema.leads_on(key) && !self.plan.components.iter().any(is_in_cycle);
                let rows = KEYS as u64;
                let rows = if are_many && is_walked { Referencing::AtLeast(rows) } else { Referencing::Exactly(rows) };
                fetched.insert_referencing(key, rows);
            }
            Vec::from_iter(text)
        };
        let (statements, if_many) = (statement(&mut found.few, false), statement(&mut found.many, true));
        let purpose = format!("look which foreign keys have rows that reference the {} to delete", self.label(table));
        let statements = if self.schema.keys_per_table < KEYS { if_many.clone() } else { statements };
        Step::of(purpose, statements, if_many)
    }

    fn find(&self, fetched: &mut Fetched, id: usize) -> Result<Step, Error> {
        let component = &self.plan.components[id];
        let own = |&table: &TableId| (table, fetched.keys_read(self.schema, component, table));
        let owns: Vec<_> = component.tables.iter().map(own).collect();
        let own = |table: TableId| owns.iter().find(|(of, _)| *of == table).map_or(&[][..], |(_, own)| own);
        let page = |fetched: &Fetched, rows: &RowSet| {
            self.text(&self.sql(fetched).sorted_page(rows, own(rows.table()), true, PAGE))
        };
        let at_once = |fetched: &Fetched, rows: &RowSet| {
            self.text(&self.sql(fetched).page(rows, (None, own(rows.table())), true, None, usize::MAX))
        };
        let mut statements = Vec::new();
        for &table in &component.tables {
            if let Some(roots) = fetched.get(table).filter(|_| table == self.plan.root) {
                statements.extend(self.sql(fetched).rows_at(table, roots).iter().map(|rows| page(fetched, rows)));
            }
            let outside = self.plan.dooming(self.schema, table).filter(|key| !component.keys.contains(key));
            let outside: Vec<KeyId> = outside.collect();
            let sql = self.sql(fetched);
            let sets = sql
                .referencing_any(table, &outside)
                .map_or_else(|| outside.iter().flat_map(|&key| sql.referencing(key)).collect(), |rows| vec![rows]);
            let are_few = outside.iter().all(|&key| fetched.are_few(self.schema, key));
            statements
                .extend(sets.iter().map(|rows| if are_few { at_once(fetched, rows) } else { page(fetched, rows) }));
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
        for (_, own) in &owns {
            // No row that is kept may reference them.
            own.iter()
                .filter(|key| !component.keys.contains(key))
                .for_each(|&key| fetched.insert_doomed_referencing(key, 0));
        }
        let purpose = format!("find the {} to delete, {how}, and keep their keys", tables.join(", "));
        Ok(Step { purpose, statements, if_many: None })
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
        (!counts.is_empty()).then(|| Step { purpose: purpose.to_owned(), statements, if_many: None })
    }

    /// Returns the step with the checks before rows of these tables are deleted.
    fn ask_again(&self, fetched: &Fetched, tables: &[TableId]) -> Option<Step> {
        let counts = self.sql(fetched).may_still_reference(tables, false);
        let counts: Vec<_> = counts.into_iter().map(|(_, asked)| (asked, None)).collect();
        let labels: Vec<&str> = tables.iter().map(|&table| self.label(table)).collect();
        let purpose = format!("check that nothing references the {} to delete any more", labels.join(", "));
        let statements = vec![self.text(&self.sql(fetched).counts(&counts))];
        (!counts.is_empty()).then_some(Step { purpose, statements, if_many: None })
    }

    /// Returns the count that a statement must make, if the fetched rows do not give it.
    fn asked(&self, fetched: &Fetched, count: Count) -> Option<Count> {
        match count {
            count if fetched.known(self.schema, self.plan, count).is_some() => None,
            Count::Referencing(key) if self.plan.is_within_cycle(key) && self.action(key) == Action::Cascade => None,
            Count::ReferencingSurvivors(key) if self.plan.is_within_cycle(key) => Some(Count::Referencing(key)),
            count => Some(count),
        }
    }

    fn action(&self, key: KeyId) -> Action {
        self.schema.keys[key].action
    }

    // ---- Doing

    fn step(&self, fetched: &Fetched, step: plan::Step, is_first: bool) -> Result<Step, Error> {
        let refer = |key: KeyId| {
            let key = &self.schema.keys[key];
            format!("{} that reference rows to delete through {} ({})", self.label(key.child), key.label, key.action)
        };
        let (purpose, statements) = match step {
            plan::Step::DeleteBy(key) => {
                let child = self.schema.keys[key].child;
                let together = match (self.sql(fetched).all_at_once(child, self.is_captured(child)), is_first) {
                    (Some(rows), true) => Some(vec![self.text(&self.sql(fetched).delete(rows))]),
                    (Some(_), false) => Some(Vec::new()),
                    (None, _) => None,
                };
                let statements = together.map_or_else(|| self.delete_by(fetched, key), Ok)?;
                (format!("delete the {}", refer(key)), statements)
            }
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
        Ok(Step { purpose, statements, if_many: None })
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
        Ok((!statements.is_empty()).then(|| Step { purpose: purpose.to_owned(), statements, if_many: None }))
    }
}

impl Step {
    /// Returns a step, unless nothing is sent.
    fn of(purpose: String, statements: Vec<String>, if_many: Vec<String>) -> Option<Self> {
        let is_any_sent = !statements.is_empty() || !if_many.is_empty();
        let if_many = Some(if_many).filter(|if_many| *if_many != statements);
        is_any_sent.then_some(Self { purpose, statements, if_many })
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
