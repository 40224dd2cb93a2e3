//! Finds a row among keys.
//!
//! Pure.

use std::hash::{BuildHasher as _, Hasher as _};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::cascade::data::key::{KeyColumn, Keys};

/// Finds rows of one set of keys by some of their columns, in four or eight bytes a row.
#[derive(Debug)]
pub(crate) struct Index {
    columns: Vec<usize>,
    rows: HashTable<usize>,
    hasher: DefaultHashBuilder,
}

impl Index {
    /// The rows of `keys` by these columns of their table, all of which are known. Of equal rows it
    /// finds the first.
    pub(crate) fn new(keys: &Keys, columns: &[usize]) -> Self {
        let (rows, hasher) = (HashTable::with_capacity(keys.len()), DefaultHashBuilder::default());
        let mut index = Self { columns: columns.to_vec(), rows, hasher };
        (0..keys.len()).for_each(|row| index.insert(keys, row));
        index
    }

    /// Takes in a row that was added to the keys.
    pub(crate) fn insert(&mut self, keys: &Keys, row: usize) {
        let own = keys.of(&self.columns);
        let hash = |row: usize| hash(&self.hasher, &own, row);
        if self.rows.find(hash(row), |&known| equal(&own, known, &own, row)).is_none() {
            self.rows.insert_unique(hash(row), row, |&row| hash(row));
        }
    }

    /// The row of `keys` that has these values, read back from the columns of the index.
    pub(crate) fn find(&self, keys: &Keys, values: &[&KeyColumn], row: usize) -> Option<usize> {
        let own = keys.of(&self.columns);
        let hash = hash(&self.hasher, values, row);
        self.rows.find(hash, |&known| equal(&own, known, values, row)).copied()
    }
}

fn hash(hasher: &DefaultHashBuilder, values: &[&KeyColumn], row: usize) -> u64 {
    let mut hasher = hasher.build_hasher();
    for column in values {
        column.hash_at(row, &mut hasher);
    }
    hasher.finish()
}

fn equal(values: &[&KeyColumn], row: usize, others: &[&KeyColumn], other_row: usize) -> bool {
    values.iter().zip(others).all(|(column, other)| column.eq_at(row, other, other_row))
}
