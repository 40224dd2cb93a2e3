//! Reads the rows that reference doomed rows through a key, in pages, without keeping them.
//!
//! I/O. It walks from a table with fetched keys down to the key. Each page of parents becomes an IN
//! list of keys, which uses the index of the child. It keeps one page for each level.

use std::ops::Range;

use sea_orm::sea_query::Expr;

use crate::cascade::data::key::Keys;
use crate::cascade::db::execution::Execution;
use crate::cascade::declare::schema::KeyId;
use crate::cascade::error::Error;
use crate::cascade::find::pages::{Page, Pages};
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::sql::RowSet;

/// One level of the path: parents, and how far their children have been read.
struct Level<'a> {
    /// `None` for the fetched rows of the first level.
    parents: Option<Keys>,
    /// How many of them have had their children read.
    asked: usize,
    /// The condition that finds them; `None` for the fetched rows.
    told_by: Option<RowSet>,
    /// The parents in the last list.
    listed: Range<usize>,
    /// The children of a list, where they are parents themselves.
    children: Option<(Pages<'a>, RowSet)>,
}

/// Reads the rows that reference doomed rows through the last key of a path.
pub(crate) struct Walk<'a> {
    run: Execution<'a>,
    way: Vec<KeyId>,
    rows_max: usize,
    levels: Vec<Level<'a>>,
}

impl<'a> Walk<'a> {
    /// Starts a walk along a path of [`Sql::ways_to`](crate::cascade::sql::Sql::ways_to).
    pub(crate) fn new(run: Execution<'a>, way: Vec<KeyId>, rows_max: usize) -> Self {
        Self {
            run,
            way,
            rows_max,
            levels: vec![Level { parents: None, asked: 0, told_by: None, listed: 0..0, children: None }],
        }
    }

    /// Returns the next list; `None` if there are no more.
    pub(crate) async fn next(&mut self, fetched: &Fetched) -> Result<Option<RowSet>, Error> {
        let Self { run, way, rows_max, levels } = self;
        while let Some(depth) = levels.len().checked_sub(1) {
            let (level, key) = (&mut levels[depth], way[depth]);
            if let Some((pages, rows)) = &mut level.children {
                match pages.next(fetched).await? {
                    None => level.children = None,
                    Some(Page { keys, .. }) => {
                        let told_by = Some(rows.clone());
                        levels.push(Level { parents: Some(keys), asked: 0, told_by, listed: 0..0, children: None });
                    }
                }
                continue;
            }
            let Some(parents) = level.parents.as_ref().or_else(|| fetched.get(run.schema.keys[key].parent)) else {
                break;
            };
            if level.asked == parents.len() {
                levels.pop();
                continue;
            }
            let end = parents.len().min(level.asked + run.sql(fetched).parents_in_list());
            let list = run.sql(fetched).referencing_to(key, parents, level.asked..end).pop();
            level.listed = level.asked..end;
            level.asked = end;
            // No list, if all of these parents have a NULL in the referenced columns.
            let Some(rows) = list else { continue };
            if depth + 1 == way.len() {
                return Ok(Some(rows));
            }
            let pages = Pages::new(*run, run.schema.keys[key].child, rows.clone(), false).of_at_most(*rows_max);
            level.children = Some((pages, rows));
        }
        Ok(None)
    }

    /// Returns the parents of the last list and their parents, up to the fetched rows, each with
    /// the condition under which it is doomed.
    pub(crate) fn parents(&self, fetched: &Fetched) -> Vec<(RowSet, Option<Expr>)> {
        let each = self.levels.iter().zip(&self.way).filter_map(|(level, &key)| {
            let parent = self.run.schema.keys[key].parent;
            let keys = level.parents.as_ref().or_else(|| fetched.get(parent))?;
            let told_by = level.told_by.as_ref().map(RowSet::condition);
            Some(self.run.sql(fetched).parents_again(key, keys, level.listed.clone(), told_by))
        });
        each.flatten().collect()
    }
}
