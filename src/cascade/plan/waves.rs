//! The order in which the rows of a cycle's tables are deleted.
//!
//! Pure. A row is a number here: its position in the order in which rows were found. Only the
//! references between rows are known. They are deleted in waves, children first (R4): Kahn's
//! algorithm, without recursion. The rows that remain reference each other in rings. To break a
//! ring, a key is set to NULL. Preferred is a key through which its row was not first reached,
//! because the remaining rows can then still be reached from the roots. A ring whose keys cannot be
//! NULL is deleted as a whole.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::cascade::declare::schema::KeyId;

/// One doomed row references another, or itself, through a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) key: KeyId,
    pub(crate) child: usize,
    pub(crate) parent: usize,
}

impl Edge {
    /// Whether the row references itself.
    pub(crate) fn is_loop(self) -> bool {
        self.child == self.parent
    }
}

/// Which keys of a ring may be set to NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CycleBreak {
    /// Every key that can be NULL: all happens in one transaction, and no row has to be found again.
    Any,
    /// Only keys through which their row was not first reached, so that every row can still be
    /// reached from the roots if the run stops in the middle. A ring that these do not break is
    /// kept, with the rows that it references.
    Reachable,
}

/// One wave. The waves follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wave {
    /// Deletes rows that no row references any more.
    Delete(Vec<usize>),
    /// Sets this key of the rows to NULL, which breaks the rings that they are part of.
    BreakCycle(KeyId, Vec<usize>),
    /// Deletes rings whose keys cannot be NULL; no other row references them. One inner vector for
    /// each ring.
    DeleteRings(Vec<Vec<usize>>),
}

/// Sets references of rows to themselves to NULL, where they can be NULL. Under NO ACTION, InnoDB
/// does not delete such rows otherwise.
pub(crate) fn break_loops(edges: &[Edge], can_be_null: impl Fn(KeyId) -> bool) -> Vec<Wave> {
    let mut loops = BTreeMap::<KeyId, Vec<usize>>::new();
    for edge in edges.iter().filter(|edge| edge.is_loop() && can_be_null(edge.key)) {
        loops.entry(edge.key).or_default().push(edge.child);
    }
    loops.into_iter().map(|(key, rows)| Wave::BreakCycle(key, rows)).collect()
}

/// Returns the waves in which `rows` rows are deleted that reference each other by `edges`. A
/// reference of a row to itself does not matter.
pub(crate) fn waves(
    rows: usize,
    edges: &[Edge],
    cycle_break: CycleBreak,
    can_be_null: impl Fn(KeyId) -> bool,
) -> Vec<Wave> {
    let mut left = Left::new(rows, edges);
    let mut waves = Vec::new();
    let mut ready: Vec<usize> = (0..rows).filter(|&row| left.referencing[row] == 0).collect();
    loop {
        while !ready.is_empty() {
            let next = left.delete(&ready);
            waves.push(Wave::Delete(std::mem::replace(&mut ready, next)));
        }
        let (mut open, mut whole) = (BTreeMap::<KeyId, Vec<usize>>::new(), Vec::new());
        for ring in left.rings() {
            let inner = left.inner(&ring);
            match breakable(&inner, cycle_break, &can_be_null) {
                Some(edges) => {
                    for edge in edges {
                        ready.extend(left.open(edge));
                        open.entry(edge.key).or_default().push(edge.child);
                    }
                }
                None if cycle_break == CycleBreak::Any && left.is_closed(&ring, &inner) => whole.push(ring),
                None => {}
            }
        }
        if open.is_empty() && whole.is_empty() {
            return waves;
        }
        waves.extend(open.into_iter().map(|(key, rows)| Wave::BreakCycle(key, rows)));
        if !whole.is_empty() {
            ready.extend(left.delete(&whole.concat()));
            waves.push(Wave::DeleteRings(whole));
        }
        ready.sort_unstable();
    }
}

/// Returns the edges of a ring that NULL can remove. A row is found through a row that was found
/// before it, so an edge to a row found later is not the edge through which its own row was reached.
fn breakable(inner: &[Edge], cycle_break: CycleBreak, can_be_null: impl Fn(KeyId) -> bool) -> Option<Vec<Edge>> {
    let nullable: Vec<Edge> = inner.iter().copied().filter(|edge| can_be_null(edge.key)).collect();
    let later: Vec<Edge> = nullable.iter().copied().filter(|edge| edge.parent > edge.child).collect();
    let choices = match cycle_break {
        CycleBreak::Any => vec![later, nullable],
        CycleBreak::Reachable => vec![later],
    };
    choices.into_iter().find(|edges| !edges.is_empty())
}

/// Returns the rows of one ring among these rows. Each references the next through the key beside
/// it, and the last references the first.
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

/// The rows and edges that remain while the waves are computed.
struct Left {
    /// Sorted by child, so that the edges of one row are together; without edges of a row to itself.
    edges: Vec<Edge>,
    /// Where the edges of each child begin; the last number is where the last child's edges end.
    begin: Vec<usize>,
    is_open: Vec<bool>,
    /// How many edges of other rows reference each row.
    referencing: Vec<usize>,
    is_deleted: Vec<bool>,
}

impl Left {
    fn new(rows: usize, edges: &[Edge]) -> Self {
        let mut edges: Vec<Edge> = edges.iter().copied().filter(|edge| !edge.is_loop()).collect();
        edges.sort_unstable_by_key(|edge| (edge.child, edge.key));
        let begin = (0..=rows).map(|row| edges.partition_point(|edge| edge.child < row)).collect();
        let mut referencing = vec![0; rows];
        for edge in &edges {
            referencing[edge.parent] += 1;
        }
        Self { begin, is_open: vec![false; edges.len()], edges, referencing, is_deleted: vec![false; rows] }
    }

    /// Returns the rows that nothing references any more after these are deleted.
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

    /// Returns the row that nothing references any more after this edge is removed.
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
        self.referencing[parent] -= 1;
        (self.referencing[parent] == 0 && !self.is_deleted[parent]).then_some(parent)
    }

    fn of_child(&self, row: usize) -> impl Iterator<Item = Edge> {
        let edges = self.begin[row]..self.begin[row + 1];
        edges.filter(|&at| !self.is_open[at]).map(|at| self.edges[at])
    }

    /// Returns the sets of rows that reference each other, directly or through others; children
    /// first.
    fn rings(&self) -> Vec<Vec<usize>> {
        let left: Vec<usize> = (0..self.referencing.len()).filter(|&row| !self.is_deleted[row]).collect();
        let mut graph: DiGraph<usize, ()> = DiGraph::with_capacity(left.len(), left.len());
        for &row in &left {
            graph.add_node(row);
        }
        // Every remaining row references only remaining rows, or none.
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

    /// Returns the edges between rows of a ring. The ring is sorted.
    fn inner(&self, ring: &[usize]) -> Vec<Edge> {
        let edges = ring.iter().flat_map(|&row| self.of_child(row));
        edges.filter(|edge| ring.binary_search(&edge.parent).is_ok()).collect()
    }

    /// Whether only rows of the ring reference rows of the ring.
    fn is_closed(&self, ring: &[usize], inner: &[Edge]) -> bool {
        ring.iter().map(|&row| self.referencing[row]).sum::<usize>() == inner.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{CycleBreak, Edge, Wave, around, break_loops, waves};
    use crate::cascade::declare::schema::KeyId;

    const fn edge(key: KeyId, child: usize, parent: usize) -> Edge {
        Edge { key, child, parent }
    }

    /// Keys 0 and 1 cannot be NULL.
    fn can_be_null(key: KeyId) -> bool {
        key > 1
    }

    #[track_caller]
    fn check(rows: usize, edges: &[Edge], expected: &[Wave]) {
        assert_eq!(waves(rows, edges, CycleBreak::Any, can_be_null), expected);
    }

    #[test]
    fn children_before_parents() {
        check(0, &[], &[]);
        check(3, &[], &[Wave::Delete(vec![0, 1, 2])]);
        // A tree: 0 <- 1, 2; 2 <- 3.
        let tree = [edge(0, 1, 0), edge(0, 2, 0), edge(0, 3, 2)];
        check(4, &tree, &[Wave::Delete(vec![1, 3]), Wave::Delete(vec![2]), Wave::Delete(vec![0])]);
    }

    #[test]
    fn a_row_reached_early_and_late_goes_by_its_latest_parent() {
        // S39: 0 <- 1 <- 2 <- 3 by one key; 4 hangs on 0 by it, and on 3 by another.
        let edges = [edge(0, 1, 0), edge(0, 2, 1), edge(0, 3, 2), edge(0, 4, 0), edge(1, 4, 3)];
        check(5, &edges, &[4, 3, 2, 1, 0].map(|row| Wave::Delete(vec![row])));
    }

    #[test]
    fn a_ring_is_opened_where_its_row_was_not_first_reached() {
        let ring = [edge(2, 1, 0), edge(2, 2, 1), edge(2, 0, 2)];
        let then = [2, 1, 0].map(|row| Wave::Delete(vec![row]));
        check(3, &ring, &[&[Wave::BreakCycle(2, vec![0])], &then[..]].concat());
    }

    #[test]
    fn a_ring_is_opened_where_it_can_be() {
        let ring = [edge(2, 1, 0), edge(0, 0, 1)];
        check(2, &ring, &[Wave::BreakCycle(2, vec![1]), Wave::Delete(vec![0]), Wave::Delete(vec![1])]);
    }

    #[test]
    fn a_ring_that_would_be_lost_is_left_with_what_it_refers_to() {
        // 0 and 1 are a ring that only its first-reached key breaks; 2 references it, and it
        // references 3.
        let edges = [edge(2, 1, 0), edge(0, 0, 1), edge(0, 2, 1), edge(1, 0, 3)];
        assert_eq!(waves(4, &edges, CycleBreak::Reachable, can_be_null), [Wave::Delete(vec![2])]);
        let ring = [edge(2, 1, 0), edge(2, 0, 1)];
        let expected = [Wave::BreakCycle(2, vec![0]), Wave::Delete(vec![1]), Wave::Delete(vec![0])];
        for cycle_break in [CycleBreak::Any, CycleBreak::Reachable] {
            assert_eq!(waves(2, &ring, cycle_break, can_be_null), expected);
        }
    }

    #[test]
    fn a_ring_that_cannot_be_opened_goes_when_nobody_else_refers_to_it() {
        // 0 and 1, which 2 references; 3 and 4, which reference 0.
        let edges = [edge(0, 0, 1), edge(0, 1, 0), edge(0, 2, 1), edge(0, 3, 4), edge(0, 4, 3), edge(1, 4, 0)];
        check(
            5,
            &edges,
            &[Wave::Delete(vec![2]), Wave::DeleteRings(vec![vec![3, 4]]), Wave::DeleteRings(vec![vec![0, 1]])],
        );
        assert_eq!(around(&[3, 4], &edges), [(3, 0), (4, 0)]);
    }

    #[test]
    fn a_row_that_refers_to_itself_goes_like_any_other() {
        let edges = [edge(2, 0, 0), edge(0, 1, 1), edge(0, 1, 0), edge(2, 1, 1), edge(3, 0, 0)];
        check(2, &edges, &[Wave::Delete(vec![1]), Wave::Delete(vec![0])]);
        assert_eq!(break_loops(&edges, can_be_null), [Wave::BreakCycle(2, vec![0, 1]), Wave::BreakCycle(3, vec![0])]);
        assert_eq!(around(&[1], &edges[..3]), [(1, 0)]);
    }

    #[test]
    fn around_a_ring_that_its_first_row_only_leads_to() {
        let edges = [edge(0, 0, 1), edge(0, 1, 2), edge(1, 2, 1)];
        assert_eq!(around(&[0, 1, 2], &edges), [(1, 0), (2, 1)]);
    }

    #[test]
    fn as_deep_as_memory_goes() {
        let rows = 300_000;
        let chain: Vec<Edge> = (1..rows).map(|row| edge(0, row, row - 1)).collect();
        assert_eq!(waves(rows, &chain, CycleBreak::Any, can_be_null).len(), rows);
        let mut ring = chain;
        ring.push(edge(1, 0, rows - 1));
        assert_eq!(waves(rows, &ring, CycleBreak::Any, can_be_null), [Wave::DeleteRings(vec![(0..rows).collect()])]);
        assert_eq!(around(&(0..rows).collect::<Vec<_>>(), &ring).len(), rows);
    }

    /// Whether `to` can be reached from `from` by these edges.
    fn leads(edges: &[Edge], from: usize, to: usize) -> bool {
        let (mut seen, mut frontier) = (BTreeSet::new(), vec![from]);
        while let Some(row) = frontier.pop() {
            let next = edges.iter().filter(|edge| edge.child == row).map(|edge| edge.parent);
            for parent in next.collect::<Vec<_>>() {
                if parent == to {
                    return true;
                }
                if seen.insert(parent) {
                    frontier.push(parent);
                }
            }
        }
        false
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

        #[test]
        fn every_row_goes_once_and_no_reference_dangles(
            rows in 1_usize..9,
            raw in prop::collection::vec((0_usize..5, 0_usize..9, 0_usize..9), 0..16),
        ) {
            // A row has one value for each key.
            let mut edges: Vec<Edge> = raw.iter().map(|&(key, child, parent)| edge(key, child % rows, parent % rows)).collect();
            edges.sort_by_key(|edge| (edge.child, edge.key));
            edges.dedup_by_key(|edge| (edge.child, edge.key));
            // A batch does not remove the edge through which a row is found again, and no row is
            // deleted before the rows that reference it.
            let mut left = edges.clone();
            for wave in waves(rows, &edges, CycleBreak::Reachable, can_be_null) {
                match wave {
                    Wave::Delete(gone) => {
                        prop_assert!(left.iter().all(|edge| edge.is_loop() || !gone.contains(&edge.parent)));
                        left.retain(|edge| !gone.contains(&edge.child));
                    }
                    Wave::BreakCycle(key, opened) => {
                        let opens = |edge: &Edge| edge.key == key && opened.contains(&edge.child) && !edge.is_loop();
                        prop_assert!(left.iter().filter(|edge| opens(edge)).all(|edge| edge.parent > edge.child));
                        left.retain(|edge| !opens(edge));
                    }
                    Wave::DeleteRings(rings) => prop_assert!(false, "{:?}", rings),
                }
            }
            let mut left = edges.clone();
            let mut there: BTreeSet<usize> = (0..rows).collect();
            for wave in waves(rows, &edges, CycleBreak::Any, can_be_null) {
                let others = |row: usize, left: &[Edge]| left.iter().any(|edge| edge.parent == row && edge.child != row);
                match wave {
                    Wave::Delete(gone) => {
                        let free: Vec<usize> = there.iter().copied().filter(|&row| !others(row, &left)).collect();
                        prop_assert_eq!(&gone, &free, "all that are free, and no others");
                        there.retain(|row| !gone.contains(row));
                        left.retain(|edge| there.contains(&edge.child));
                    }
                    Wave::BreakCycle(key, opened) => {
                        prop_assert!(can_be_null(key));
                        for row in opened {
                            let at = left.iter().position(|edge| edge.key == key && edge.child == row);
                            let edge = left[at.expect("an edge of a row that is there")];
                            prop_assert!(leads(&edges, edge.parent, row), "{:?} is in no ring", edge);
                            left.retain(|other| *other != edge);
                        }
                    }
                    Wave::DeleteRings(rings) => {
                        for ring in rings {
                            for &row in &ring {
                                prop_assert!(ring.len() > 1 && ring.iter().all(|&other| leads(&left, row, other)));
                                prop_assert!(left.iter().all(|edge| edge.parent != row || ring.contains(&edge.child)));
                            }
                            let inner = left.iter().filter(|edge| ring.contains(&edge.child) && ring.contains(&edge.parent));
                            prop_assert!(inner.clone().all(|edge| edge.is_loop() || !can_be_null(edge.key)));
                            there.retain(|row| !ring.contains(row));
                            left.retain(|edge| there.contains(&edge.child));
                        }
                    }
                }
            }
            prop_assert!(there.is_empty());
        }
    }
}
