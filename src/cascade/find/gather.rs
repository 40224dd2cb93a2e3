//! Fetches the keys of doomed rows: those of tables in a cycle, and of tables that a statement
//! would otherwise repeat too often.
//!
//! I/O. Breadth-first search without recursion: it fetches the rows that reference the frontier
//! through a CASCADE key, until no new row is found. Each row is read once for each key through
//! which it is found, and kept once (R4). The references between the rows are computed when all
//! rows are known.

use std::ops::Range;

use crate::cascade::data::action::Action;
use crate::cascade::data::index::Index;
use crate::cascade::data::key::Keys;
use crate::cascade::db::execution::Execution;
use crate::cascade::declare::schema::{KeyId, TableId};
use crate::cascade::error::Error;
use crate::cascade::find::pages::Pages;
use crate::cascade::plan::ComponentId;
use crate::cascade::plan::fetched::{Cycle, Fetched};
use crate::cascade::plan::waves::Edge;
use crate::cascade::sql::RowSet;

/// The fetched rows of one table.
struct Found {
    table: TableId,
    keys: Keys,
    /// The rows by primary key.
    index: Index,
    /// The keys of the cycle through which its rows reference others, with the referenced values.
    own_keys: Vec<KeyId>,
    ends: Vec<Keys>,
    /// The position of each row among the rows of all tables.
    places: Vec<usize>,
}

impl Execution<'_> {
    /// Fetches the keys that are needed, and for a write locks the rows of tables with children,
    /// parents first.
    ///
    /// A parent is locked before its children are searched, so that no session can add children
    /// meanwhile: the constraint or [`lock_parent`](crate::lock_parent) waits. Rows are locked in
    /// key order, so that two deletes wait for each other and do not deadlock.
    pub(crate) async fn gather(self, fetched: &mut Fetched, lock: bool) -> Result<(), Error> {
        for (id, component) in self.plan.components.iter().enumerate() {
            let table = component.tables[0];
            // Where a trigger may delete or keep rows, the doomed rows are fetched before the first
            // write, and not searched again.
            let is_better_read = fetched.catalog.may_keep_rows || self.sql(fetched).is_better_read(table);
            let is_wanted = fetched.get(table).is_none() && is_better_read;
            if component.is_cycle() || is_wanted {
                self.gather_component(fetched, id, lock).await?;
            } else if lock && fetched.get(table).is_none() {
                for select in self.sql(fetched).lock_parents(table) {
                    self.session.query(&select).await?;
                }
            }
        }
        Ok(())
    }

    async fn gather_component(self, fetched: &mut Fetched, id: ComponentId, lock: bool) -> Result<(), Error> {
        let component = &self.plan.components[id];
        let mut gathering = Gathering::new(self, id, lock)?;
        for at in 0..component.tables.len() {
            let table = component.tables[at];
            if table == self.plan.root
                && let Some(roots) = fetched.get(table)
            {
                let rows = self.sql(fetched).rows_at(table, roots);
                gathering.add(fetched, at, rows).await?;
            }
            let from_outside = |key: &KeyId| !component.keys.contains(key);
            for key in self.plan.dooming(self.schema, table).filter(from_outside) {
                let rows = self.sql(fetched).referencing(key);
                gathering.add(fetched, at, rows).await?;
            }
        }
        gathering.close(fetched).await?;
        let Gathering { found, rows, .. } = gathering;
        if component.is_cycle() {
            let edges = edges(self, &found);
            fetched.insert_cycle(Cycle { component: id, rows, edges });
        }
        for Found { table, keys, .. } in found {
            fetched.insert(table, keys);
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
    fn new(run: Execution<'a>, id: ComponentId, lock: bool) -> Result<Self, Error> {
        let component = &run.plan.components[id];
        let found = |&table: &TableId| {
            let keys = run.keys_of(table, &run.schema.tables[table].identity)?;
            let index = Index::new(&keys, &run.schema.tables[table].primary_key);
            let own = component.keys.iter().copied().filter(|&key| run.schema.keys[key].child == table);
            let own_keys: Vec<KeyId> = own.collect();
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

    /// Adds the rows of the table at this position that are new.
    async fn add(&mut self, fetched: &Fetched, at: usize, rows: Vec<RowSet>) -> Result<(), Error> {
        let Found { table, keys, index, own_keys, ends, places } = &mut self.found[at];
        let primary_key = &self.run.schema.tables[*table].primary_key;
        for rows in rows {
            let mut pages = Pages::new(self.run, *table, rows, self.lock).with_ends(own_keys);
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
                self.add(fetched, child, rows).await?;
            }
        }
    }
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
