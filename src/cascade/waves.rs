//! The order in which the rows of a cycle's tables go.
//!
//! Pure: rows are numbers here, in the order in which they were found, and nothing is known of them but who refers to
//! whom. They go in waves, children first (R4): Kahn's algorithm, without recursion, over as many rows as there are.
//! Rows that are left over refer to each other in rings. A ring is opened by setting a key to NULL, one by which its row
//! was not first reached where there is such a key, so that every row that is left can still be reached from the
//! roots. A ring of which no key can be NULL goes as a whole.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::graph::KeyId;

/// One doomed row refers to another, or to itself, by a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) key: KeyId,
    pub(crate) child: usize,
    pub(crate) parent: usize,
}

impl Edge {
    /// Whether the row refers to itself.
    pub(crate) fn is_loop(self) -> bool {
        self.child == self.parent
    }
}

/// What is done at once; one follows the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wave {
    /// Deletes rows to which no row refers any more.
    Delete(Vec<usize>),
    /// Sets this key of the rows to NULL, which opens the rings that they are part of.
    Open(KeyId, Vec<usize>),
    /// Deletes rings whose keys cannot be NULL; no other row refers to theirs. One inner vector for each ring.
    DeleteRings(Vec<Vec<usize>>),
}

/// The waves in which `rows` rows go that refer to each other by `edges`.
///
/// A row that refers to itself is opened first where it can be (InnoDB does not delete it before under NO ACTION), and
/// else goes like any other.
pub(crate) fn waves(rows: usize, edges: &[Edge], can_be_null: impl Fn(KeyId) -> bool) -> Vec<Wave> {
    let mut left = Left::new(rows, edges);
    let mut waves = Vec::new();
    let mut loops = BTreeMap::<KeyId, Vec<usize>>::new();
    for edge in edges.iter().filter(|edge| edge.is_loop() && can_be_null(edge.key)) {
        loops.entry(edge.key).or_default().push(edge.child);
    }
    waves.extend(loops.into_iter().map(|(key, rows)| Wave::Open(key, rows)));
    let mut ready: Vec<usize> = (0..rows).filter(|&row| left.referring[row] == 0).collect();
    loop {
        while !ready.is_empty() {
            let next = left.delete(&ready);
            waves.push(Wave::Delete(std::mem::replace(&mut ready, next)));
        }
        let (mut open, mut whole) = (BTreeMap::<KeyId, Vec<usize>>::new(), Vec::new());
        for ring in left.rings() {
            let inner = left.inner(&ring);
            match breakable(&inner, &can_be_null) {
                Some(edges) => {
                    for edge in edges {
                        ready.extend(left.open(edge));
                        open.entry(edge.key).or_default().push(edge.child);
                    }
                }
                None if left.is_closed(&ring, &inner) => whole.push(ring),
                None => {}
            }
        }
        if open.is_empty() && whole.is_empty() {
            return waves;
        }
        waves.extend(open.into_iter().map(|(key, rows)| Wave::Open(key, rows)));
        if !whole.is_empty() {
            ready.extend(left.delete(&whole.concat()));
            waves.push(Wave::DeleteRings(whole));
        }
        ready.sort_unstable();
    }
}

/// The edges of a ring that NULL can take away. A row is found through a row that was found before it, so an edge to a
/// row found later is not the one by which its own row was reached.
fn breakable(inner: &[Edge], can_be_null: impl Fn(KeyId) -> bool) -> Option<Vec<Edge>> {
    let nullable: Vec<Edge> = inner.iter().copied().filter(|edge| can_be_null(edge.key)).collect();
    let later: Vec<Edge> = nullable.iter().copied().filter(|edge| edge.parent > edge.child).collect();
    [later, nullable].into_iter().find(|edges| !edges.is_empty())
}

/// The rows of one ring among these rows, each referring to the next by the key beside it, the last to the first.
pub(crate) fn around(ring: &[usize], edges: &[Edge]) -> Vec<(usize, KeyId)> {
    let rows: BTreeSet<usize> = ring.iter().copied().collect();
    let inner = edges.iter().filter(|edge| edge.is_loop() == (ring.len() == 1) && rows.contains(&edge.parent));
    let next: BTreeMap<usize, &Edge> = inner.map(|edge| (edge.child, edge)).collect();
    let (mut path, mut place) = (Vec::new(), BTreeMap::new());
    let mut at = ring.first().copied();
    while let Some(edge) = at.and_then(|row| next.get(&row)) {
        if let Some(&begin) = place.get(&edge.child) {
            return path.split_off(begin);
        }
        place.insert(edge.child, path.len());
        path.push((edge.child, edge.key));
        at = Some(edge.parent);
    }
    path
}

/// What is still there while the waves are worked out.
struct Left {
    /// By child, so that those of one row are together; without those of a row to itself.
    edges: Vec<Edge>,
    /// Where the edges of a child begin; those of the last end with the last number.
    begin: Vec<usize>,
    is_open: Vec<bool>,
    /// By how many edges other rows refer to a row.
    referring: Vec<usize>,
    is_deleted: Vec<bool>,
}

impl Left {
    fn new(rows: usize, edges: &[Edge]) -> Self {
        let mut edges: Vec<Edge> = edges.iter().copied().filter(|edge| !edge.is_loop()).collect();
        edges.sort_unstable_by_key(|edge| (edge.child, edge.key));
        let begin = (0..=rows).map(|row| edges.partition_point(|edge| edge.child < row)).collect();
        let mut referring = vec![0; rows];
        for edge in &edges {
            referring[edge.parent] += 1;
        }
        Self { begin, is_open: vec![false; edges.len()], edges, referring, is_deleted: vec![false; rows] }
    }

    /// The rows to which nobody refers now that these are gone.
    fn delete(&mut self, rows: &[usize]) -> Vec<usize> {
        let mut free = Vec::new();
        for &row in rows {
            self.is_deleted[row] = true;
        }
        for &row in rows {
            for at in self.begin[row]..self.begin[row + 1] {
                free.extend(self.take(at));
            }
        }
        free.sort_unstable();
        free
    }

    /// The row to which nobody refers now that this edge is gone.
    fn open(&mut self, edge: Edge) -> Option<usize> {
        let of_child = self.begin[edge.child]..self.begin[edge.child + 1];
        let at = of_child.into_iter().find(|&at| self.edges[at] == edge)?;
        self.take(at)
    }

    fn take(&mut self, at: usize) -> Option<usize> {
        if std::mem::replace(&mut self.is_open[at], true) {
            return None;
        }
        let parent = self.edges[at].parent;
        self.referring[parent] -= 1;
        (self.referring[parent] == 0 && !self.is_deleted[parent]).then_some(parent)
    }

    fn of_child(&self, row: usize) -> impl Iterator<Item = Edge> {
        let edges = self.begin[row]..self.begin[row + 1];
        edges.filter(|&at| !self.is_open[at]).map(|at| self.edges[at])
    }

    /// The sets of rows of which each refers to each, directly or through others; children first.
    fn rings(&self) -> Vec<Vec<usize>> {
        let left: Vec<usize> = (0..self.referring.len()).filter(|&row| !self.is_deleted[row]).collect();
        let mut graph: DiGraph<usize, ()> = DiGraph::with_capacity(left.len(), left.len());
        for &row in &left {
            graph.add_node(row);
        }
        // Every row that is left refers to rows that are left, or to none.
        let node = |row: usize| left.binary_search(&row).map(NodeIndex::new);
        for edge in left.iter().flat_map(|&row| self.of_child(row)) {
            if let (Ok(child), Ok(parent)) = (node(edge.child), node(edge.parent)) {
                graph.add_edge(parent, child, ());
            }
        }
        let rings = kosaraju_scc(&graph).into_iter().filter(|nodes| nodes.len() > 1);
        let rows = rings.map(|nodes| {
            let mut rows: Vec<usize> = nodes.into_iter().map(|node| graph[node]).collect();
            rows.sort_unstable();
            rows
        });
        rows.collect()
    }

    /// The edges between rows of a ring, which is sorted.
    fn inner(&self, ring: &[usize]) -> Vec<Edge> {
        let edges = ring.iter().flat_map(|&row| self.of_child(row));
        edges.filter(|edge| ring.binary_search(&edge.parent).is_ok()).collect()
    }

    /// Whether only its own rows refer to those of the ring.
    fn is_closed(&self, ring: &[usize], inner: &[Edge]) -> bool {
        ring.iter().map(|&row| self.referring[row]).sum::<usize>() == inner.len()
    }
}
