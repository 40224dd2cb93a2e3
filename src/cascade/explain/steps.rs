//! A plan as steps with their SQL, as `EXPLAIN` shows a query.
//!
//! Pure. It asks the same functions for SQL as a run does, with two rows of made-up keys in the place of those that a run
//! finds; a test holds it against the statements that are sent.

use sea_orm::StatementBuilder;
use sea_orm::sea_query::SelectStatement;

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::explanation::{Explanation, Step};
use crate::cascade::data::key::{KeyKind, Keys};
use crate::cascade::db::execution::{Watch, keys_of};
use crate::cascade::declare::schema::{KeyId, Schema, TableId};
use crate::cascade::error::Error;
use crate::cascade::plan;
use crate::cascade::plan::count::{Count, Wanted};
use crate::cascade::plan::fetched::Known;
use crate::cascade::plan::roots::Roots;
use crate::cascade::plan::{Component, Plan};
use crate::cascade::sql::{PAGE, Reads, Rows, Sql};

/// How many made-up keys stand for those found. One would be written in another way.
const KEYS: usize = 2;

/// What is explained.
pub(crate) struct Explaining<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) plan: &'a Plan,
    pub(crate) dialect: Dialect,
    pub(crate) watch: &'a Watch,
    pub(crate) roots: &'a Roots,
    pub(crate) wanted: Wanted,
}

impl Explaining<'_> {
    pub(crate) fn explain(&self) -> Result<Explanation, Error> {
        let mut known = Known::new(self.schema, self.plan.root, self.some(self.plan.root)?);
        let mut steps = vec![self.find_roots(&known)?];
        for (id, component) in self.plan.components.iter().enumerate() {
            steps.extend(self.find_or_lock(&mut known, id, component)?);
        }
        steps.extend(self.count(&known));
        let mut asked = None;
        for &step in &self.plan.steps {
            let going = self.plan.going(self.schema, step);
            if going.is_some() && going != asked {
                steps.extend(self.ask_again(&known, going.as_deref().unwrap_or_default()));
                asked = going;
            }
            if let plan::Step::DeleteCycle(id) = step {
                steps.extend(self.open_rings(&known, &self.plan.components[id])?);
            }
            steps.push(self.step(&known, step)?);
        }
        Ok(Explanation { backend: self.dialect.name().to_owned(), steps })
    }

    fn sql<'k>(&'k self, known: &'k Known) -> Sql<'k> {
        Sql { dialect: self.dialect, schema: self.schema, plan: self.plan, known, reads: Reads::Snapshot }
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

    /// Keys of a table that nobody found.
    fn some(&self, table: TableId) -> Result<Keys, Error> {
        let mut keys = keys_of(self.schema, self.dialect, table, &self.schema.tables[table].identity)?;
        (0..KEYS).for_each(|_| keys.make_up());
        Ok(keys)
    }

    // ---- Finding

    fn find_roots(&self, known: &Known) -> Result<Step, Error> {
        let (root, sql) = (self.plan.root, self.sql(known));
        let locking = if self.dialect == Dialect::Sqlite { "" } else { ", and lock them in key order" };
        let (asked, rows, again) = match self.roots {
            Roots::Select(select) => ("that the Select returns", vec![sql.selected(select)?], true),
            Roots::Keys(keys) => {
                let primary_key = keys_of(self.schema, self.dialect, root, &self.schema.tables[root].primary_key)?;
                let is_known = keys.iter().all(|key| primary_key.takes(key));
                let some = known.get(root).filter(|_| is_known);
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
            purpose += "; then ask whether they still are what it returns";
            if let (Roots::Select(select), Some(some)) = (self.roots, known.get(root)) {
                let again = sql.selected_still(select, some);
                statements.extend(again.iter().map(|rows| self.text(&sql.read(rows, &[], false))));
            }
        }
        Ok(Step { purpose, statements })
    }

    /// What is kept by key, or locked where it is.
    fn find_or_lock(&self, known: &mut Known, id: usize, component: &Component) -> Result<Option<Step>, Error> {
        let table = component.tables[0];
        let is_wanted = known.get(table).is_none() && self.sql(known).is_better_read(table);
        if component.is_cycle() || is_wanted {
            return self.find(known, id).map(Some);
        }
        if known.get(table).is_some() {
            return Ok(None);
        }
        let statements = self.texts(&self.sql(known).lock_parents(table));
        let purpose = format!("lock the {} that go, because rows may refer to them", self.label(table));
        Ok((!statements.is_empty()).then_some(Step { purpose, statements }))
    }

    fn find(&self, known: &mut Known, id: usize) -> Result<Step, Error> {
        let component = &self.plan.components[id];
        let own = |table: TableId| {
            let own = component.keys.iter().copied().filter(move |&key| self.schema.keys[key].child == table);
            own.collect::<Vec<KeyId>>()
        };
        let page = |known: &Known, rows: &Rows| {
            self.text(&self.sql(known).page(rows, (None, &own(rows.table())), true, None, PAGE))
        };
        let mut statements = Vec::new();
        for &table in &component.tables {
            if let Some(roots) = known.get(table).filter(|_| table == self.plan.root) {
                statements.extend(self.sql(known).rows_at(table, roots).iter().map(|rows| page(known, rows)));
            }
            for key in self.plan.dooming(self.schema, table).filter(|key| !component.keys.contains(key)) {
                statements.extend(self.sql(known).referring(key).iter().map(|rows| page(known, rows)));
            }
        }
        for &key in component.keys.iter().filter(|&&key| self.schema.keys[key].action == Action::Cascade) {
            let parents = self.some(self.schema.keys[key].parent)?;
            let rows = self.sql(known).referring_to(key, &parents, 0..KEYS);
            statements.extend(rows.iter().map(|rows| page(known, rows)));
        }
        for &table in &component.tables {
            known.insert(table, self.some(table)?);
        }
        let tables: Vec<&str> = component.tables.iter().map(|&table| self.label(table)).collect();
        let how = if component.is_cycle() { "level by level and page by page" } else { "page by page" };
        Ok(Step { purpose: format!("find the {} that go, {how}, and keep their keys", tables.join(", ")), statements })
    }

    fn count(&self, known: &Known) -> Option<Step> {
        let counts: Vec<Count> = self.wanted.counts(self.schema, self.plan);
        let counts = counts.into_iter().filter_map(|count| self.asked(known, count));
        let counts: Vec<_> = counts.map(|count| (count, None)).collect();
        let purpose = match self.wanted {
            Wanted::All => "count all that would go or change, and what is in the way",
            Wanted::InTheWay => {
                "count what is in the way; each key with rows that are is then asked for the first of them"
            }
        };
        let statements = vec![self.text(&self.sql(known).counts(&counts))];
        (!counts.is_empty()).then(|| Step { purpose: purpose.to_owned(), statements })
    }

    /// What is asked before rows of these tables go.
    fn ask_again(&self, known: &Known, tables: &[TableId]) -> Option<Step> {
        let counts = self.sql(known).may_still_refer(tables, false);
        let counts: Vec<_> = counts.into_iter().map(|(_, asked)| (asked, None)).collect();
        let labels: Vec<&str> = tables.iter().map(|&table| self.label(table)).collect();
        let purpose = format!("ask whether anything still refers to the {} that go", labels.join(", "));
        let statements = vec![self.text(&self.sql(known).counts(&counts))];
        (!counts.is_empty()).then_some(Step { purpose, statements })
    }

    /// What is counted for a number by a statement, if it is not known.
    fn asked(&self, known: &Known, count: Count) -> Option<Count> {
        match count {
            Count::Doomed(table) if known.get(table).is_some() => None,
            Count::Referring(key) if self.plan.is_within_cycle(key) && self.action(key) == Action::Cascade => None,
            Count::ReferringKept(key) if self.plan.is_within_cycle(key) => Some(Count::Referring(key)),
            count => Some(count),
        }
    }

    fn action(&self, key: KeyId) -> Action {
        self.schema.keys[key].action
    }

    // ---- Doing

    fn step(&self, known: &Known, step: plan::Step) -> Result<Step, Error> {
        let refer = |key: KeyId| {
            let key = &self.schema.keys[key];
            format!("{} that refer to rows that go by {} ({})", self.label(key.child), key.label, key.action)
        };
        let (purpose, statements) = match step {
            plan::Step::DeleteBy(key) => (format!("delete the {}", refer(key)), self.delete_by(known, key)?),
            plan::Step::Update(key) => {
                (format!("change the key of the {}", refer(key)), self.texts(&self.sql(known).update(key)))
            }
            plan::Step::UpdateKept(key) => {
                let child = self.schema.keys[key].child;
                let mut statements: Vec<String> =
                    self.sql(known).referring(key).iter().map(|rows| self.page(known, rows)).collect();
                statements.extend(self.texts(&self.sql(known).update_rows(key, &self.some(child)?, &all())));
                (format!("change the key of the {} and stay, page by page", refer(key)), statements)
            }
            plan::Step::DeleteRoots => {
                let root = self.plan.root;
                (format!("delete the rows of {}", self.label(root)), self.delete_rows(known, root)?)
            }
            plan::Step::DeleteCycle(id) => self.delete_cycle(known, &self.plan.components[id])?,
        };
        Ok(Step { purpose, statements })
    }

    fn is_watched(&self, table: TableId) -> bool {
        self.schema.tables[table].hooks.is_some() || self.watch.keys_of.contains(&table)
    }

    fn page(&self, known: &Known, rows: &Rows) -> String {
        self.text(&self.sql(known).page(rows, (None, &[]), true, None, PAGE))
    }

    fn delete_by(&self, known: &Known, key: KeyId) -> Result<Vec<String>, Error> {
        let (sql, child) = (self.sql(known), self.schema.keys[key].child);
        if !self.is_watched(child) && sql.can_delete_by(key) {
            return Ok(self.texts(&sql.delete_by(key)));
        }
        let mut statements = Vec::new();
        let Some(ways) = sql.ways_to(key) else {
            for rows in sql.referring(key) {
                statements.extend(self.delete_pages(known, child, &rows)?);
            }
            return Ok(statements);
        };
        for way in ways {
            for (at, &step) in way.iter().enumerate() {
                let parents = self.some(self.schema.keys[step].parent)?;
                for rows in sql.referring_to(step, &parents, 0..KEYS) {
                    if at + 1 < way.len() {
                        statements.push(self.text(&sql.page(&rows, (None, &[]), false, None, PAGE)));
                    } else if self.is_watched(child) {
                        statements.extend(self.delete_pages(known, child, &rows)?);
                    } else {
                        statements.push(self.text(&sql.delete(rows)));
                    }
                }
            }
        }
        Ok(statements)
    }

    fn whole(&self, table: TableId) -> Option<SelectStatement> {
        self.schema.tables[table].hooks.as_ref().map(|hooks| hooks.select())
    }

    fn delete_pages(&self, known: &Known, table: TableId, rows: &Rows) -> Result<Vec<String>, Error> {
        let sql = self.sql(known);
        let whole = self.whole(table);
        let mut statements = vec![self.text(&sql.page(rows, (whole.as_ref(), &[]), true, None, PAGE))];
        statements.extend(self.texts(&sql.delete_rows(table, &self.some(table)?, &all())));
        Ok(statements)
    }

    fn delete_rows(&self, known: &Known, table: TableId) -> Result<Vec<String>, Error> {
        let (sql, keys) = (self.sql(known), self.some(table)?);
        let mut statements = match self.whole(table) {
            Some(whole) => self.texts(&sql.whole(&whole, table, &keys, &all())),
            None => Vec::new(),
        };
        statements.extend(self.texts(&sql.delete_rows(table, &keys, &all())));
        Ok(statements)
    }

    fn delete_cycle(&self, known: &Known, component: &Component) -> Result<(String, Vec<String>), Error> {
        let mut statements = Vec::new();
        for &table in &component.tables {
            statements.extend(self.delete_rows(known, table)?);
        }
        let tables: Vec<&str> = component.tables.iter().map(|&table| self.label(table)).collect();
        Ok((
            format!("delete the {} found, children first, as often as there are levels", tables.join(", ")),
            statements,
        ))
    }

    fn open_rings(&self, known: &Known, component: &Component) -> Result<Option<Step>, Error> {
        let mut statements = Vec::new();
        let openable = |key: &&KeyId| !self.schema.keys[**key].columns_to_open(self.schema).is_empty();
        for &key in component.keys.iter().filter(openable) {
            let keys = self.some(self.schema.keys[key].child)?;
            statements.extend(self.texts(&self.sql(known).open_rows(key, &keys, &all())));
        }
        let purpose = "if rows of these refer to each other in a ring, set one of these keys to NULL in one of them";
        Ok((!statements.is_empty()).then(|| Step { purpose: purpose.to_owned(), statements }))
    }
}

/// The made-up keys.
fn all() -> [usize; KEYS] {
    std::array::from_fn(|row| row)
}

impl Keys {
    /// Adds a row that nobody found.
    fn make_up(&mut self) {
        let row: Vec<_> = self.kinds().map(KeyKind::made_up).collect();
        self.push(&row);
    }
}
