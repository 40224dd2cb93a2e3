//! Rules R3 to R5 and R9, row by row and in memory, without any of the engine's code.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm_cascade::Action;

use super::shape::{Key, Row, Shape};

/// A table and one of its rows.
type Place = (usize, usize);

/// What must come of a delete.
#[derive(Debug)]
pub(crate) struct Expected {
    /// Rows deleted of each table.
    pub(crate) deleted: Vec<u64>,
    /// Rows changed by each key.
    pub(crate) updated: Vec<u64>,
    /// The rows of the key's child that are in the way, by key.
    pub(crate) blocked: BTreeMap<usize, Vec<usize>>,
    /// The rows left in each table, were nothing in the way.
    pub(crate) left: Vec<Vec<Row>>,
}

pub(crate) fn expected(shape: &Shape) -> Expected {
    let doomed = doomed(shape);
    let is_doomed = |place: &Place| doomed.contains(place);
    let mut left = shape.rows.clone();
    let (mut updated, mut blocked) = (vec![0; shape.keys.len()], BTreeMap::new());
    for (at, key) in shape.keys.iter().enumerate() {
        for (row, left) in left[key.child].iter_mut().enumerate() {
            let place = (key.child, row);
            let Some(parent) = refers_to(shape, key, row).filter(is_doomed) else { continue };
            let in_the_way = match key.action {
                Action::Cascade => false,
                Action::Restrict => parent != place,
                _ if is_doomed(&place) => false,
                Action::NoAction => true,
                Action::SetNull | Action::SetDefault => {
                    let values = match key.action {
                        Action::SetDefault => key.defaults.clone(),
                        _ => vec![None; key.columns.len()],
                    };
                    updated[at] += 1;
                    for (&column, &value) in key.columns.iter().zip(&values) {
                        left[column] = value;
                    }
                    let named = row_with(shape, key, &values);
                    values.iter().all(Option::is_some) && named.is_none_or(|named| is_doomed(&named))
                }
            };
            if in_the_way {
                blocked.entry(at).or_insert_with(Vec::new).push(row);
            }
        }
    }
    let mut deleted = vec![0; shape.tables()];
    for &(table, _) in &doomed {
        deleted[table] += 1;
    }
    for (table, rows) in left.iter_mut().enumerate() {
        let mut row = 0;
        rows.retain(|_| {
            row += 1;
            !doomed.contains(&(table, row - 1))
        });
    }
    Expected { deleted, updated, blocked, left }
}

/// CASCADE until nothing is added.
fn doomed(shape: &Shape) -> BTreeSet<Place> {
    let mut doomed: BTreeSet<Place> = shape.roots.iter().map(|&row| (shape.root, row)).collect();
    loop {
        let before = doomed.len();
        for key in shape.keys.iter().filter(|key| key.action == Action::Cascade) {
            for row in 0..shape.rows[key.child].len() {
                if refers_to(shape, key, row).is_some_and(|parent| doomed.contains(&parent)) {
                    doomed.insert((key.child, row));
                }
            }
        }
        if doomed.len() == before {
            return doomed;
        }
    }
}

/// The row that a row refers to by a key. One NULL, and it refers to none.
pub(crate) fn refers_to(shape: &Shape, key: &Key, row: usize) -> Option<Place> {
    let values: Vec<_> = key.columns.iter().map(|&column| shape.rows[key.child][row][column]).collect();
    row_with(shape, key, &values)
}

fn row_with(shape: &Shape, key: &Key, values: &[Option<i64>]) -> Option<Place> {
    if values.iter().any(Option::is_none) {
        return None;
    }
    let rows = &shape.rows[key.parent];
    let is_it = |row: &Row| key.to.iter().zip(values).all(|(&column, value)| row[column] == *value);
    rows.iter().position(is_it).map(|row| (key.parent, row))
}
