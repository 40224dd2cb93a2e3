//! Deletes on the nodes of a cluster, all of which write: what `.ci/cluster` runs, with the URLs of
//! its nodes in `CLUSTER_URLS`. One of them may be killed and come back while it runs.
//!
//! Two rounds: writers add rows below the very roots that go, and then beside them. A transaction
//! of another node ends any here that holds a lock on its rows, and locks of one node are unknown
//! to the others.

#![allow(clippy::print_stdout, reason = "the figures are reported")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};
use sea_orm_cascade::{Error, Graph, Outcome};

use crate::support::{Constraints, Tables};
use crate::{entity, tables};

entity!(a "a" {} []);
entity!(b "b" { pub a: i64, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade"]);
entity!(c "c" { pub b: i64, } [B = "super::b::Entity", "Column::B", "super::b::Column::Id", "Cascade"]);
entity!(n "n" { pub b: Option<i64>, } [B = "super::b::Entity", "Column::B", "super::b::Column::Id", "SetNull"]);

const WRITERS: i64 = 6;
const DELETERS: i64 = 3;
/// A round of writers and deleters.
const ROUND: Duration = Duration::from_secs(35);
/// What hangs under a root to begin with: so many `b`, each with four `c` and an `n`.
const WIDTH: i64 = 100;
/// Roots that are there all the time, for the writers of the second round.
const LASTING: i64 = 12;
const BATCH: usize = 25;

/// What is known of the rows below a root.
#[derive(Debug, Default, Clone, Copy)]
struct Below {
    /// Rows of `b` whose COMMIT was answered.
    added: i64,
    /// Those whose COMMIT may have been carried out.
    maybe_added: i64,
    /// What the outcomes count.
    roots: i64,
    gone: i64,
    /// Whether a delete ended without an answer to its COMMIT.
    is_unknown: bool,
}

type Books = Arc<std::sync::Mutex<BTreeMap<i64, Below>>>;

/// Calls, and those that ended well.
#[derive(Debug, Default)]
struct Share {
    calls: AtomicU64,
    well: AtomicU64,
}

impl Share {
    fn count(&self, is_well: bool) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.well.fetch_add(u64::from(is_well), Ordering::Relaxed);
    }

    fn told(&self) -> String {
        let (well, calls) = (self.well.load(Ordering::Relaxed), self.calls.load(Ordering::Relaxed));
        format!("{well} of {calls} ({} %)", (100 * well).checked_div(calls).unwrap_or(100))
    }
}

#[derive(Debug, Default)]
struct Shares {
    plain: Share,
    batched: Share,
    writes: Share,
    /// Why calls did not end well, and how often.
    why: std::sync::Mutex<BTreeMap<String, u64>>,
}

/// One who works on one node after the other.
#[derive(Clone)]
struct Worker {
    who: i64,
    nodes: Vec<DatabaseConnection>,
    books: Books,
    next: Arc<AtomicI64>,
    shares: Arc<Shares>,
    until: Instant,
}

/// Whether writers add rows below the roots that go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Below,
    Beside,
}

/// Runs both rounds on the nodes with these URLs.
pub(crate) async fn run(urls: &str) {
    let mut nodes = Vec::new();
    for url in urls.split(',') {
        let mut options = ConnectOptions::new(url);
        options.sqlx_logging(false).max_connections(8).acquire_timeout(Duration::from_secs(5));
        nodes.push(Database::connect(options).await.expect("the node answers"));
    }
    let tables = Tables(Vec::from(tables![a, b, c, n]));
    tables.drop(&nodes[0]).await;
    let lasting: Vec<String> = (1..=LASTING).map(|id| format!("({id})")).collect();
    tables.create(&nodes[0], Constraints::Declared, &[("a", lasting.join(", "))]).await;
    let books: Books = Arc::default();
    let next = Arc::new(AtomicI64::new(1_000));
    for place in [Where::Below, Where::Beside] {
        let shares = round(place, &nodes, &books, &next).await;
        println!(
            "cluster, {WRITERS} writers {place:?}, {DELETERS} deleters: ended well {} plain deletes, {} in batches of \
             {BATCH}, {} writes",
            shares.plain.told(),
            shares.batched.told(),
            shares.writes.told()
        );
        for (why, often) in &*shares.why.lock().unwrap() {
            println!("  {often} times: {why}");
        }
    }
    check(urls, &books).await;
}

async fn round(place: Where, nodes: &[DatabaseConnection], books: &Books, next: &Arc<AtomicI64>) -> Arc<Shares> {
    let shares = Arc::<Shares>::default();
    let worker = |who: i64| Worker {
        who,
        nodes: nodes.to_vec(),
        books: books.clone(),
        next: next.clone(),
        shares: shares.clone(),
        until: Instant::now() + ROUND,
    };
    let mut working = tokio::task::JoinSet::new();
    (0..WRITERS).for_each(|who| drop(working.spawn(worker(who).writes(place))));
    (0..DELETERS).for_each(|who| drop(working.spawn(worker(who).deletes())));
    while let Some(ended) = working.join_next().await {
        ended.expect("a worker");
    }
    shares
}

impl Worker {
    fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }

    /// A node; another if this one is away.
    fn node(&self, turn: i64) -> &DatabaseConnection {
        let at = usize::try_from(self.who + turn).expect("small") % self.nodes.len();
        &self.nodes[at]
    }

    fn new_id(&self) -> i64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn book(&self, root: i64, write: impl FnOnce(&mut Below)) {
        write(self.books.lock().unwrap().entry(root).or_default());
    }

    fn failed(&self, what: &str, error: &Error) {
        let cause = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source()).last();
        let why = format!("{what}: {}", cause.map(ToString::to_string).unwrap_or_default());
        *self.shares.why.lock().unwrap().entry(why.chars().take(140).collect()).or_default() += 1;
    }

    // ---- Writers

    async fn writes(self, place: Where) {
        let mut turn = 0;
        while self.goes_on() {
            turn += 1;
            let root = match place {
                Where::Beside => turn % LASTING + 1,
                Where::Below => {
                    let books = self.books.lock().unwrap();
                    let lately = books.keys().rev().take(usize::try_from(DELETERS).expect("small"));
                    let lately: Vec<i64> = lately.copied().collect();
                    lately.get(usize::try_from(turn).expect("small") % lately.len().max(1)).copied().unwrap_or(1)
                }
            };
            let id = self.new_id();
            let result = self.write(self.node(turn), root, id).await;
            match &result {
                Ok(true) => self.book(root, |below| below.added += 1),
                // The root has gone.
                Ok(false) => {}
                // The node gave it up, or said so before it was asked to commit.
                Err(error) if error.is_transient() => {}
                Err(_) => self.book(root, |below| below.maybe_added += 1),
            }
            self.shares.writes.count(result.is_ok());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn write(&self, node: &DatabaseConnection, root: i64, id: i64) -> Result<bool, Error> {
        let transaction = begin(node).await?;
        if !sea_orm_cascade::lock_parent(&transaction, a::Entity, root).await? {
            return Ok(false);
        }
        for sql in [
            format!("INSERT INTO b VALUES ({id}, {root})"),
            format!("INSERT INTO c VALUES ({id}, {id})"),
            format!("INSERT INTO n VALUES ({id}, {id})"),
        ] {
            transaction.execute_unprepared(&sql).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    // ---- Deleters

    /// Makes a root and deletes it again, once in one transaction and once in batches, by two nodes
    /// at the same time.
    async fn deletes(self) {
        let graph = Tables(Vec::from(tables![a, b, c, n])).graph();
        let mut turn = 0;
        while self.goes_on() {
            turn += 1;
            let root = self.new_id();
            if self.make(self.node(turn), root).await.is_err() {
                // Unknown, and of no use.
                self.book(root, |below| (below.maybe_added, below.is_unknown) = (WIDTH, true));
                continue;
            }
            self.book(root, |below| below.added = WIDTH);
            let batched = turn % 2 == 0;
            // Each fourth is deleted by two nodes at once.
            let twice = turn % 4 < 2;
            let first = self.delete(&graph, self.node(turn), root, batched);
            if twice {
                tokio::join!(first, self.delete(&graph, self.node(turn + 1), root, batched));
            } else {
                first.await;
            }
        }
    }

    async fn make(&self, node: &DatabaseConnection, root: i64) -> Result<(), Error> {
        let ids: Vec<i64> = (0..WIDTH).map(|_| self.new_id()).collect();
        let list = |rows: &mut dyn Iterator<Item = String>| rows.collect::<Vec<_>>().join(", ");
        let b = list(&mut ids.iter().map(|id| format!("({id}, {root})")));
        let n = list(&mut ids.iter().map(|id| format!("({id}, {id})")));
        let of_c = |id: &i64| (1..=4).map(|n| format!("({}, {id})", n * 1_000_000 + id)).collect::<Vec<_>>().join(", ");
        let c = list(&mut ids.iter().map(of_c));
        let transaction = begin(node).await?;
        for sql in [
            format!("INSERT INTO a VALUES ({root})"),
            format!("INSERT INTO b VALUES {b}"),
            format!("INSERT INTO c VALUES {c}"),
            format!("INSERT INTO n VALUES {n}"),
        ] {
            transaction.execute_unprepared(&sql).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn delete(&self, graph: &Graph, node: &DatabaseConnection, root: i64, batched: bool) {
        let deletion = graph.delete_keys(a::Entity, [root]);
        let result =
            if batched { deletion.batches_of(BATCH).execute(node).await } else { deletion.execute(node).await };
        let share = if batched { &self.shares.batched } else { &self.shares.plain };
        share.count(result.is_ok());
        let count = |outcome: &Outcome| {
            let number = |rows| i64::try_from(rows).expect("few");
            let (roots, gone) = (number(outcome.deleted(a::Entity)), number(outcome.deleted(b::Entity)));
            self.book(root, |below| {
                below.roots += roots;
                below.gone += gone;
            });
        };
        match &result {
            Ok(outcome) => count(outcome),
            Err(error) => {
                error.done_so_far().map(count);
                if !error.is_transient() {
                    self.book(root, |below| below.is_unknown = true);
                }
                self.failed(if batched { "in batches" } else { "plain" }, error);
            }
        }
    }
}

async fn begin(node: &DatabaseConnection) -> Result<sea_orm::DatabaseTransaction, Error> {
    use sea_orm::{IsolationLevel::ReadCommitted, TransactionOptions, TransactionTrait as _};
    let options = TransactionOptions { isolation_level: Some(ReadCommitted), ..TransactionOptions::default() };
    Ok(node.begin_with_options(options).await?)
}

// ---- Afterwards

/// On every node: no orphan; every row whose COMMIT was answered is there, or was counted once by a
/// delete.
async fn check(urls: &str, books: &Books) {
    let mut orphans = 0;
    for (at, url) in urls.split(',').enumerate() {
        let mut options = ConnectOptions::new(url);
        options.sqlx_logging(false).max_connections(1);
        let node = Database::connect(options).await.expect("the node is there again");
        // One that has just come back may be behind.
        node.execute_unprepared("SET SESSION wsrep_sync_wait = 1").await.expect("it waits");
        for (table, key, parent) in [("b", "a", "a"), ("c", "b", "b"), ("n", "b", "b")] {
            let sql = format!(
                "SELECT count(*) AS orphans FROM {table} LEFT JOIN {parent} AS parents ON parents.id = {table}.{key} \
                 WHERE {table}.{key} IS NOT NULL AND parents.id IS NULL"
            );
            orphans += numbers(&node, &sql).await.first().map_or(0, |row| row.0);
        }
        let roots: BTreeMap<i64, i64> = numbers(&node, "SELECT id, 1 FROM a").await.into_iter().collect();
        let left: BTreeMap<i64, i64> =
            numbers(&node, "SELECT a, count(*) FROM b GROUP BY a").await.into_iter().collect();
        let mut known = 0;
        for (&root, below) in books.lock().unwrap().iter().filter(|&(&root, _)| root > LASTING) {
            let (is_there, left) = (roots.contains_key(&root), left.get(&root).copied().unwrap_or(0));
            let at = format!("node {at}, root {root}, there {is_there}, left {left}: {below:?}");
            assert!(below.roots <= 1 && below.gone + left <= below.added + below.maybe_added, "counted twice: {at}");
            if !below.is_unknown {
                known += 1;
                assert_eq!(below.roots, i64::from(!is_there), "{at}");
                assert!(below.gone + left >= below.added, "lost: {at}");
            }
        }
        println!("cluster, node {at}: {known} roots and what was below them counted once; orphans so far {orphans}");
    }
    assert_eq!(orphans, 0);
}

/// Rows of one or two numbers.
async fn numbers(node: &DatabaseConnection, sql: &str) -> Vec<(i64, i64)> {
    let rows = node.query_all_raw(Statement::from_string(DbBackend::MySql, sql)).await.expect(sql);
    let pair = |row: &sea_orm::QueryResult| {
        (row.try_get_by_index(0).expect("a number"), row.try_get_by_index(1).unwrap_or_default())
    };
    rows.iter().map(pair).collect()
}
