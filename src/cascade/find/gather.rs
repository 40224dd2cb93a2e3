//! Finds the doomed rows, parents first: which tables have any, and the keys of those with few
//! (R8).
//!
//! I/O. For each table with doomed rows one statement counts, for all keys to it, how many rows
//! reference these. What nothing references ends there. The keys of a table are kept while its
//! doomed rows are few; its children are then found by lists of keys. Those of tables in a cycle
//! are always kept: breadth-first search without recursion fetches the rows that reference the
//! frontier through a CASCADE key, until no new row is found. Each row is read once for each key
//! through which it is found, and kept once (R4). The references between the rows of a cycle are
//! computed when all rows are known.

use std::ops::Range;

use crate::cascade::data::action::Action;
use crate::cascade::data::index::Index;
use crate::cascade::data::key::Keys;
use crate::cascade::db::execution::Execution;
use crate::cascade::declare::schema::{ForeignKey, KeyId, TableId};
use crate::cascade::error::Error;
use crate::cascade::find::pages::Pages;
use crate::cascade::plan::ComponentId;
use crate::cascade::plan::count::CountScope;
use crate::cascade::plan::fetched::{Cycle, Fetched, Referencing};
use crate::cascade::plan::waves::Edge;
use crate::cascade::sql::RowSet;

/// The fetched rows of one table.
struct Found {
    table: TableId,
    keys: Keys,
    /// The rows by primary key.
    index: Index,
    /// The keys through which its rows reference others of the cycle, or doomed rows above that do
    /// not doom them; with the referenced values.
    own_keys: Vec<KeyId>,
    ends: Vec<Keys>,
    /// The position of each row among the rows of all tables.
    places: Vec<usize>,
}

impl Execution<'_> {
    /// Finds the doomed rows below the roots, and for a write locks the rows of tables with
    /// children, parents first.
    ///
    /// A parent is locked before its children are searched, and by a statement of its own, so that
    /// no session can add children meanwhile: the constraint or
    /// [`lock_parent`](crate::lock_parent) waits. Rows are locked in key order, so that two deletes
    /// wait for each other and do not deadlock.
    pub(crate) async fn gather(self, fetched: &mut Fetched, lock: bool, scope: CountScope) -> Result<(), Error> {
        let mut are_many = false;
        for (id, component) in self.plan.components.iter().enumerate() {
            let is_reached = component.tables.iter().any(|&table| fetched.dooms(self.schema, self.plan, table));
            if !is_reached {
                for &table in &component.tables {
                    fetched.insert(table, self.keys_of(table, &self.schema.tables[table].identity)?);
                }
                continue;
            }
            let table = component.tables[0];
            if component.is_cycle() || self.is_fetched(fetched, table, scope) {
                self.gather_component(fetched, id, lock).await?;
            }
            let has_many = match fetched.get(table) {
                Some(keys) => keys.len() > self.schema.keys_per_table,
                None => self.schema.has_children(table),
            };
            if has_many && !std::mem::replace(&mut are_many, true) {
                self.plan_with_values().await?;
            }
            if fetched.get(table).is_none() && lock {
                for select in self.sql(fetched).lock_parents(table) {
                    self.session.query(&select).await?;
                }
            }
            for &table in &component.tables {
                self.count_referencing(fetched, table).await?;
                let mut of_table = self.schema.keys_to(table);
                if table == self.plan.root && of_table.any(|key| fetched.is_reached(self.schema, key)) {
                    self.ask_the_rest(fetched).await?;
                }
                if lock {
                    self.lock_defaults(fetched, table).await?;
                }
            }
        }
        Ok(())
    }

    /// Forgets the keys of tables with few doomed rows, for a run whose rows are not locked. Such a
    /// run finds them again by what they reference, so it leaves what other sessions have moved
    /// away.
    pub(crate) fn forget_few(self, fetched: &mut Fetched) {
        for component in &self.plan.components {
            let table = component.tables[0];
            let are_needed = component.is_cycle() || table == self.plan.root || fetched.catalog.may_keep_rows;
            if let Some(keys) = fetched.remove(table) {
                let are_kept = are_needed || keys.is_empty() || keys.len() > self.schema.keys_per_table;
                if are_kept || self.sql(fetched).is_better_read(table) {
                    fetched.insert(table, keys);
                }
            }
        }
    }

    /// Whether to fetch the keys of this table, which is in no cycle.
    fn is_fetched(self, fetched: &Fetched, table: TableId, scope: CountScope) -> bool {
        if fetched.get(table).is_some() {
            return false;
        }
        // Where a trigger may delete or keep rows, the doomed rows are fetched before the first
        // write, and not searched again.
        fetched.catalog.may_keep_rows || self.sql(fetched).is_better_read(table) || {
            let dooming: Vec<KeyId> = fetched.dooming(self.schema, self.plan, table).collect();
            // A row that several keys doom is counted once, and only its key says which it is.
            let is_needed = self.schema.has_children(table) || (scope == CountScope::All && dooming.len() > 1);
            is_needed && dooming.iter().all(|&key| fetched.are_few(self.schema, key))
        }
    }

    /// Counts, for every key to this table, the rows that reference doomed rows, as far as the run
    /// needs it.
    async fn count_referencing(self, fetched: &mut Fetched, table: TableId) -> Result<(), Error> {
        let keys = fetched.counted_keys(self.schema, self.plan, table);
        for counts in self.sql(fetched).in_probes(table, &keys) {
            let mut left: Vec<(KeyId, u64, u64)> = counts.iter().map(|&(key, rows_max)| (key, rows_max, 0)).collect();
            for parents in self.sql(fetched).parents_in_probes(table) {
                left.retain(|&(key, rows_max, rows)| {
                    if rows >= rows_max {
                        fetched.insert_referencing(key, Referencing::AtLeast(rows));
                    }
                    rows < rows_max
                });
                if left.is_empty() {
                    break;
                }
                let asked: Vec<(KeyId, u64)> = left.iter().map(|&(key, rows_max, _)| (key, rows_max)).collect();
                let found = self.counts_of(&self.sql(fetched).probe(table, &parents, &asked)).await?;
                left.iter_mut().zip(found).for_each(|((.., rows), found)| *rows += found);
            }
            for (key, rows_max, rows) in left {
                let rows = if rows < rows_max { Referencing::Exactly(rows) } else { Referencing::AtLeast(rows) };
                fetched.insert_referencing(key, rows);
            }
        }
        Ok(())
    }

    /// Fetches the keys of the doomed rows of these tables. If there are too many of a table that
    /// is in no cycle, they are not kept.
    async fn gather_component(self, fetched: &mut Fetched, id: ComponentId, lock: bool) -> Result<(), Error> {
        let component = &self.plan.components[id];
        let mut gathering = Gathering::new(self, id, lock, fetched)?;
        for at in 0..component.tables.len() {
            let table = component.tables[at];
            if table == self.plan.root
                && let Some(roots) = fetched.get(table)
            {
                let rows = self.sql(fetched).rows_at(table, roots);
                gathering.add(fetched, at, rows, false).await?;
            }
            let from_outside = |key: &KeyId| !component.keys.contains(key);
            let dooming: Vec<KeyId> = fetched.dooming(self.schema, self.plan, table).filter(from_outside).collect();
            let are_few = dooming.iter().all(|&key| fetched.are_few(self.schema, key));
            match self.sql(fetched).referencing_any(table, &dooming) {
                Some(rows) => gathering.add(fetched, at, vec![rows], are_few).await?,
                None => {
                    for key in dooming {
                        let rows = self.sql(fetched).referencing(key);
                        gathering.add(fetched, at, rows, are_few).await?;
                    }
                }
            }
        }
        gathering.close(fetched).await?;
        let Gathering { found, rows, .. } = gathering;
        for (key, rows) in doomed_referencing(self, &found, fetched) {
            fetched.insert_doomed_referencing(key, rows);
        }
        if component.is_cycle() {
            let edges = edges(self, &found);
            fetched.insert_cycle(Cycle { component: id, rows, edges });
        }
        for Found { table, keys, .. } in found {
            let are_kept = component.is_cycle() || keys.len() <= self.schema.keys_per_table;
            if are_kept || fetched.catalog.may_keep_rows || self.sql(fetched).is_better_read(table) {
                fetched.insert(table, keys);
            }
        }
        Ok(())
    }
}

/// The doomed rows of a component's tables during the search.
struct Gathering<'a> {
    run: Execution<'a>,
    id: ComponentId,
    lock: bool,
    found: Vec<Found>,
    /// The table of each row and its position in that table's keys, in the order in which they were
    /// found.
    rows: Vec<(TableId, usize)>,
}

impl<'a> Gathering<'a> {
    fn new(run: Execution<'a>, id: ComponentId, lock: bool, fetched: &Fetched) -> Result<Self, Error> {
        let component = &run.plan.components[id];
        let found = |&table: &TableId| {
            let keys = run.keys_of(table, &run.schema.tables[table].identity)?;
            let index = Index::new(&keys, &run.schema.tables[table].primary_key);
            let own_keys = fetched.keys_read(run.schema, component, table);
            let end = |&key: &KeyId| {
                let key = &run.schema.keys[key];
                run.keys_of(key.parent, &key.parent_columns)
            };
            let ends = own_keys.iter().map(end).collect::<Result<_, Error>>()?;
            Ok(Found { table, keys, index, own_keys, ends, places: Vec::new() })
        };
        let found = component.tables.iter().map(found).collect::<Result<_, Error>>()?;
        Ok(Self { run, id, lock, found, rows: Vec::new() })
    }

    /// Adds the rows of the table at this position that are new. Few are read at once.
    async fn add(&mut self, fetched: &Fetched, at: usize, rows: Vec<RowSet>, are_few: bool) -> Result<(), Error> {
        let Found { table, keys, index, own_keys, ends, places } = &mut self.found[at];
        let primary_key = &self.run.schema.tables[*table].primary_key;
        for rows in rows {
            let pages = Pages::new(self.run, *table, rows, self.lock).with_ends(own_keys);
            let mut pages = if are_few { pages.at_once() } else { pages.sorted() };
            while let Some(page) = pages.next(fetched).await? {
                let values = page.keys.of(primary_key);
                for row in 0..page.keys.len() {
                    if index.find(keys, &values, row).is_some() {
                        continue;
                    }
                    keys.add(&page.keys, row);
                    index.insert(keys, keys.len() - 1);
                    ends.iter_mut().zip(&page.ends).for_each(|(end, found)| end.add(found, row));
                    places.push(self.rows.len());
                    self.rows.push((*table, keys.len() - 1));
                }
            }
        }
        Ok(())
    }

    /// R3: adds the rows that reference found rows through CASCADE keys, until there are no more.
    async fn close(&mut self, fetched: &Fetched) -> Result<(), Error> {
        let component = &self.run.plan.components[self.id];
        let place = |table: TableId| component.tables.iter().position(|&other| other == table);
        let cascades =
            component.keys.iter().copied().filter(|&key| self.run.schema.keys[key].action == Action::Cascade);
        let cascades: Vec<KeyId> = cascades.collect();
        let mut asked = vec![0; self.found.len()];
        loop {
            let frontier: Vec<Range<usize>> =
                self.found.iter().zip(&asked).map(|(found, &asked)| asked..found.keys.len()).collect();
            if frontier.iter().all(Range::is_empty) {
                return Ok(());
            }
            asked = frontier.iter().map(|rows| rows.end).collect();
            for &key in &cascades {
                let foreign_key = &self.run.schema.keys[key];
                let (Some(child), Some(parent)) = (place(foreign_key.child), place(foreign_key.parent)) else {
                    continue;
                };
                let rows =
                    self.run.sql(fetched).referencing_to(key, &self.found[parent].keys, frontier[parent].clone());
                self.add(fetched, child, rows, false).await?;
            }
        }
    }
}

/// Computes how many found rows reference doomed rows above through each key that does not doom
/// them.
fn doomed_referencing(run: Execution<'_>, found: &[Found], fetched: &Fetched) -> Vec<(KeyId, u64)> {
    let mut referencing = Vec::new();
    for children in found {
        for (&key, end) in children.own_keys.iter().zip(&children.ends) {
            let ForeignKey { parent, parent_columns, .. } = &run.schema.keys[key];
            let is_above = found.iter().all(|other| other.table != *parent);
            if let Some(parents) = fetched.get(*parent).filter(|_| is_above) {
                let (index, values) = (Index::new(parents, parent_columns), end.of(parent_columns));
                let rows = end.rows_with(parent_columns).into_iter();
                let rows = rows.filter(|&row| index.find(parents, &values, row).is_some());
                referencing.push((key, rows.count() as u64));
            }
        }
    }
    referencing
}

/// Computes how the found rows reference each other.
fn edges(run: Execution<'_>, found: &[Found]) -> Vec<Edge> {
    let mut edges = Vec::new();
    for parents in found {
        let mut indices: Vec<(&[usize], Index)> = Vec::new();
        for children in found {
            for (&key, end) in children.own_keys.iter().zip(&children.ends) {
                let foreign_key = &run.schema.keys[key];
                if foreign_key.parent != parents.table {
                    continue;
                }
                let columns = foreign_key.parent_columns.as_slice();
                if !indices.iter().any(|(of, _)| *of == columns) {
                    indices.push((columns, Index::new(&parents.keys, columns)));
                }
                let index = indices.iter().find(|(of, _)| *of == columns).map(|(_, index)| index);
                let values = end.of(columns);
                for row in end.rows_with(columns) {
                    if let Some(parent) = index.and_then(|index| index.find(&parents.keys, &values, row)) {
                        edges.push(Edge { key, child: children.places[row], parent: parents.places[parent] });
                    }
                }
            }
        }
    }
    edges
}
