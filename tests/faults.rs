//! What goes wrong in the middle: killed processes, cut connections, time-outs, full disks, and
//! others at work.
//!
//! `FAULT_KILLS` sets how many processes are killed on each database (25).

#![allow(clippy::print_stdout, reason = "the figures are reported")]

use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader};
use std::ops::ControlFlow;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait as _,
};
use sea_orm_cascade::{Batches, ErrorKind, Graph, lock_parent};

use crate::support::{Constraints, Kind, Table, Tables, TestDb, listened};
use crate::{entity, tables, tests};

tests![
    killed_processes_leave_nothing_dangling,
    batches_go_on_after_their_connections_were_cut,
    a_statement_time_out_in_batches,
    a_lock_time_out_is_tried_again,
    a_lock_time_out_in_batches_is_told,
    batches_that_lose_are_made_smaller,
    a_disk_that_is_full,
    writers_and_deleters_with_constraints,
    writers_and_deleters_without_constraints,
    a_child_added_under_the_lock_goes_too,
    a_child_added_at_each_point,
    a_lock_needs_a_transaction,
    batches_leave_what_was_moved_away,
];

entity!(a "a" {} []);
entity!(b "b" { pub a: i64, } [A = "super::a::Entity", "Column::A", "super::a::Column::Id", "Cascade"]);
entity!(c "c" { pub b: i64, } [B = "super::b::Entity", "Column::B", "super::b::Column::Id", "Cascade"]);
entity!(n "n" { pub b: Option<i64>, } [B = "super::b::Entity", "Column::B", "super::b::Column::Id", "SetNull"]);
entity!(node "nodes" { pub up: Option<i64>, pub next: Option<i64>, pub holder: Option<i64>, } [
    Up = "Entity", "Column::Up", "Column::Id", "Cascade";
    Next = "Entity", "Column::Next", "Column::Id", "Cascade";
    Holder = "super::a::Entity", "Column::Holder", "super::a::Column::Id", "Cascade"
]);

fn every_table() -> Tables {
    Tables(Vec::from(tables![a, b, c, n, node]))
}

/// Of each store of things half hang under `a` 1, which goes, and half under `a` 2; nodes form
/// trees whose leaves point back to the top in a ring.
fn rows() -> Vec<(&'static str, String)> {
    let list = |rows: &mut dyn Iterator<Item = String>| rows.collect::<Vec<_>>().join(", ");
    let node = |id: i64| {
        let up = if id <= 2 { "NULL".to_owned() } else { (id / 2 + id % 2 - 1).max(1).to_string() };
        let next = if id > 50 { (id % 2 + 1).to_string() } else { "NULL".to_owned() };
        let holder = if id <= 2 { id.to_string() } else { "NULL".to_owned() };
        format!("({id}, {up}, {next}, {holder})")
    };
    vec![
        ("a", "(1), (2)".to_owned()),
        ("b", list(&mut (1..=60).map(|id| format!("({id}, {})", id % 2 + 1)))),
        ("c", list(&mut (1..=240).map(|id| format!("({id}, {})", id % 60 + 1)))),
        ("n", list(&mut (1..=60).map(|id| format!("({id}, {id})")))),
        ("nodes", list(&mut (1..=100).map(node))),
    ]
}

fn batches(graph: &Graph) -> Batches {
    graph.delete_keys(a::Entity, [1]).batches_of(5)
}

/// Rows whose parent is not there.
async fn dangling(db: &TestDb) -> i64 {
    let mut sum = 0;
    for (table, key, parent) in
        [("b", "a", "a"), ("c", "b", "b"), ("n", "b", "b"), ("nodes", "up", "nodes"), ("nodes", "next", "nodes")]
    {
        let sql = format!(
            "SELECT count(*) AS orphans FROM {table} LEFT JOIN {parent} AS parents ON parents.id = {table}.{key} \
             WHERE {table}.{key} IS NOT NULL AND parents.id IS NULL"
        );
        sum += db.number(&sql).await;
    }
    sum
}

// ---- Killed processes

/// What the process that is killed does: it deletes in batches, and says so after each.
pub(crate) async fn victim(url: &str) {
    let db = sea_orm::Database::connect(url).await.expect("the database answers");
    let told = batches(&every_table().graph()).on_progress(|_| {
        println!(".");
        ControlFlow::Continue(())
    });
    told.execute(&db).await.expect("nobody else is there");
}

async fn killed_processes_leave_nothing_dangling(db: TestDb) {
    let kills: u64 = std::env::var("FAULT_KILLS").map_or(25, |kills| kills.parse().expect("a number of kills"));
    let tables = every_table();
    let graph = tables.graph();
    tables.create(&db.conn, Constraints::Declared, &rows()).await;
    batches(&graph).execute(&db.conn).await.unwrap();
    let undisturbed = tables.state(&db.conn).await;
    tables.drop(&db.conn).await;

    let mut unfinished = 0;
    for kill in 0..kills {
        let constraints = if kill % 2 == 0 { Constraints::Declared } else { Constraints::None };
        tables.create(&db.conn, constraints, &rows()).await;
        let program = std::env::current_exe().unwrap();
        let mut victim =
            Command::new(program).env("CASCADE_VICTIM", &db.url).stdout(Stdio::piped()).spawn().expect("a process");
        let mut told = BufReader::new(victim.stdout.take().unwrap()).lines();
        // After so many batches, and some time into the next.
        let batches_before = by_chance(60);
        let listening = tokio::task::spawn_blocking(move || {
            told.by_ref().take(batches_before).for_each(drop);
            told
        });
        let told = listening.await.unwrap();
        tokio::time::sleep(std::time::Duration::from_micros(by_chance(3_000) as u64)).await;
        victim.kill().unwrap();
        victim.wait().unwrap();
        drop(told);
        assert_eq!(dangling(&db).await, 0, "after {batches_before} batches");
        let is_unfinished = tables.state(&db.conn).await != undisturbed;
        unfinished += u64::from(is_unfinished);
        batches(&graph).execute(&db.conn).await.unwrap();
        assert_eq!(tables.state(&db.conn).await, undisturbed, "after {batches_before} batches");
        tables.drop(&db.conn).await;
    }
    println!(
        "faults on {}: {kills} processes killed, {unfinished} of them before they had finished; orphans 0",
        db.kind().name()
    );
    assert!(unfinished * 2 > kills, "{unfinished} of {kills} killed in the middle");
}

/// A number by chance; which it was is in the message of what fails.
fn by_chance(end: usize) -> usize {
    usize::try_from(RandomState::new().hash_one(0) % end as u64).expect("small")
}

// ---- Cut connections and time-outs

async fn batches_go_on_after_their_connections_were_cut(db: TestDb) {
    let tables = every_table();
    tables.create(&db.conn, Constraints::Declared, &rows()).await;
    let pool = db.connect(2).await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, goes_on) = std::sync::mpsc::channel::<()>();
    let goes_on = std::sync::Mutex::new(goes_on);
    let cut = batches(&tables.graph()).on_progress(move |progress| {
        if progress.batches == 20 {
            tell.send(()).unwrap();
            tokio::task::block_in_place(|| goes_on.lock().unwrap().recv().unwrap());
        }
        ControlFlow::Continue(())
    });
    let cutting = async {
        told.recv().await.unwrap();
        db.cut_others().await;
        go_on.send(()).unwrap();
    };
    let deleting = tokio::spawn({
        let pool = pool.clone();
        async move { cut.execute(&pool).await }
    });
    cutting.await;
    let result = deleting.await.unwrap();
    assert_eq!(dangling(&db).await, 0);
    if let Err(error) = result {
        assert!(matches!(error.kind(), ErrorKind::Unfinished { batches, .. } if *batches >= 20), "{error:?}");
        assert!(error.is_transaction_lost(), "{error:?}");
    }
    batches(&tables.graph()).execute(&pool).await.unwrap();
    assert_eq!(db.number("SELECT count(*) AS n FROM a").await, 1);
}

/// Holds a row of `c` that is to be deleted.
async fn hold(db: &TestDb) -> DatabaseTransaction {
    let other = db.conn.begin().await.unwrap();
    other.execute_unprepared("UPDATE c SET b = b WHERE id = 119").await.unwrap();
    other
}

async fn impatient(db: &TestDb) -> DatabaseConnection {
    let pool = db.connect(1).await;
    let sql = match db.kind() {
        Kind::Sqlite => "PRAGMA busy_timeout = 20",
        Kind::Postgres => "SET lock_timeout = '20ms'",
        Kind::MariaDb | Kind::MySql => "SET innodb_lock_wait_timeout = 1",
    };
    pool.execute_unprepared(sql).await.unwrap();
    pool
}

async fn a_statement_time_out_in_batches(db: TestDb) {
    let tables = every_table();
    tables.create(&db.conn, Constraints::Declared, &rows()).await;
    let pool = db.connect(1).await;
    let sql = match db.kind() {
        Kind::Postgres => "SET statement_timeout = '50ms'",
        _ => "SET max_statement_time = 0.05",
    };
    pool.execute_unprepared(sql).await.unwrap();
    let other = hold(&db).await;
    let error = batches(&tables.graph()).execute(&pool).await.unwrap_err();
    let ErrorKind::Unfinished { batches: done, cause: Some(cause), .. } = error.kind() else { panic!("{error:?}") };
    assert!(*done > 0 && matches!(cause.kind(), ErrorKind::Database(_)), "{error:?}");
    other.rollback().await.unwrap();
    assert_eq!(dangling(&db).await, 0);
    batches(&tables.graph()).execute(&pool).await.unwrap();
    assert_eq!(db.number("SELECT count(*) AS n FROM a").await, 1);
}

async fn a_lock_time_out_is_tried_again(db: TestDb) {
    let tables = every_table();
    tables.create(&db.conn, Constraints::Declared, &rows()).await;
    let pool = impatient(&db).await;
    let deletion = tables.graph().delete_keys(a::Entity, [1]);
    let other = Arc::new(std::sync::Mutex::new(Some(hold(&db).await)));
    // The other one gives up the row as soon as the delete has failed once.
    let tried = Arc::new(AtomicU64::new(0));
    let (count, runtime) = (tried.clone(), tokio::runtime::Handle::current());
    let listen = move |name: &str| {
        if name == "cascade.retry"
            && count.fetch_add(1, Ordering::Relaxed) == 0
            && let Some(other) = other.lock().unwrap().take()
        {
            runtime.spawn(other.rollback());
        }
    };
    listened(deletion.execute(&pool), listen).await.unwrap();
    assert!(tried.load(Ordering::Relaxed) > 0);
    assert_eq!(db.number("SELECT count(*) AS n FROM a").await, 1);
}

async fn a_lock_time_out_in_batches_is_told(db: TestDb) {
    let tables = every_table();
    tables.create(&db.conn, Constraints::Declared, &rows()).await;
    let pool = impatient(&db).await;
    let other = hold(&db).await;
    let deletion = tables.graph().delete_keys(a::Entity, [1]).retries(1);
    let error = deletion.clone().batches_of(5).execute(&pool).await.unwrap_err();
    assert!(error.is_transient() && !error.is_stopped(), "{error:?}");
    // SQLite has one writer at a time: not even the first batch.
    assert_eq!(error.done_so_far().is_some(), db.kind() != Kind::Sqlite);
    other.rollback().await.unwrap();
    assert_eq!(dangling(&db).await, 0);
    deletion.batches_of(5).execute(&pool).await.unwrap();
    assert_eq!(db.number("SELECT count(*) AS n FROM a").await, 1);
}

async fn batches_that_lose_are_made_smaller(db: TestDb) {
    let tables = Tables(Vec::from(tables![a, b, c]));
    let rows: Vec<_> = rows().into_iter().filter(|(table, _)| ["a", "b", "c"].contains(table)).collect();
    // Rows are told by a condition, and by their keys where these are wanted.
    for by_keys in [false, true] {
        tables.create(&db.conn, Constraints::Declared, &rows).await;
        let pool = impatient(&db).await;
        let other = Arc::new(std::sync::Mutex::new(Some(hold(&db).await)));
        // 16 rows, 8, 4, 2, 1: then the other one gives up the row.
        let (tried, runtime) = (AtomicU64::new(0), tokio::runtime::Handle::current());
        let listen = move |name: &str| {
            if name == "cascade.retry"
                && tried.fetch_add(1, Ordering::Relaxed) == 4
                && let Some(other) = other.lock().unwrap().take()
            {
                runtime.spawn(other.rollback());
            }
        };
        let done = Arc::new(std::sync::Mutex::new(vec![0]));
        let told = done.clone();
        let deletion = tables.graph().delete_keys(a::Entity, [1]);
        let deletion = if by_keys { deletion.keys_of(c::Entity) } else { deletion };
        let batches = deletion.batches_of(16).on_progress(move |progress| {
            told.lock().unwrap().push(progress.done);
            ControlFlow::Continue(())
        });
        let outcome = listened(batches.execute(&pool), listen).await.unwrap();
        assert_eq!(outcome.to_string(), "deleted a 1, b 30, c 120");
        assert_eq!(db.number("SELECT count(*) AS n FROM c").await, 120);
        let sizes: Vec<u64> = done.lock().unwrap().windows(2).map(|two| two[1] - two[0]).collect();
        let single = sizes.iter().position(|&size| size == 1).expect("down to one row");
        assert!(single < sizes.len() - 2 && sizes[single..].contains(&16), "it has not grown back: {sizes:?}");
        assert!(sizes.iter().all(|&size| size <= 16), "{sizes:?}");
        pool.close().await.unwrap();
        tables.drop(&db.conn).await;
    }
}

// A trigger writes much for each row that goes, and the file may not grow.
async fn a_disk_that_is_full(db: TestDb) {
    let tables = every_table();
    tables.create(&db.conn, Constraints::Declared, &rows()).await;
    db.sql("CREATE TABLE log (text BLOB)").await;
    db.sql("CREATE TRIGGER log AFTER DELETE ON c BEGIN INSERT INTO log VALUES (zeroblob(9000)); END").await;
    let before = tables.state(&db.conn).await;
    let pool = db.connect(1).await;
    let pages = db.number("SELECT page_count AS n FROM pragma_page_count()").await;
    pool.execute_unprepared(&format!("PRAGMA max_page_count = {}", pages + 150)).await.unwrap();
    let error = tables.graph().delete_keys(a::Entity, [1]).execute(&pool).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Database(_)) && !error.is_transient(), "{error:?}");
    assert_eq!(tables.state(&db.conn).await, before);
    let error = batches(&tables.graph()).execute(&pool).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unfinished { cause: Some(_), .. }), "{error:?}");
    assert_eq!(dangling(&db).await, 0);
    pool.execute_unprepared("PRAGMA max_page_count = 100000").await.unwrap();
    batches(&tables.graph()).execute(&pool).await.unwrap();
    assert_eq!(db.number("SELECT count(*) AS n FROM a").await, 1);
}

// ---- Others at work

async fn writers_and_deleters_with_constraints(db: TestDb) {
    at_work(db, Constraints::Declared).await;
}

async fn writers_and_deleters_without_constraints(db: TestDb) {
    at_work(db, Constraints::None).await;
}

const PARENTS: i64 = 6;

/// A transaction that may write.
async fn begin(pool: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
    let isolation_level = Some(sea_orm::IsolationLevel::ReadCommitted);
    pool.begin_with_options(TransactionOptions { sqlite_transaction_mode, isolation_level, access_mode: None }).await
}

/// Adds a row to `b` and one to `c` below it, each under the lock of its parent, and one to `n`;
/// `false` if the parent is gone.
async fn write(pool: &DatabaseConnection, id: i64) -> Result<bool, sea_orm_cascade::Error> {
    let transaction = begin(pool).await?;
    let parent = id % PARENTS + 1;
    if !lock_parent(&transaction, a::Entity, parent).await? {
        return Ok(false);
    }
    transaction.execute_unprepared(&format!("INSERT INTO b VALUES ({id}, {parent})")).await?;
    lock_parent(&transaction, b::Entity, id).await?;
    transaction.execute_unprepared(&format!("INSERT INTO c VALUES ({id}, {id})")).await?;
    transaction.execute_unprepared(&format!("INSERT INTO n VALUES ({id}, {id})")).await?;
    transaction.commit().await?;
    Ok(true)
}

/// 8 writers and 4 deleters whose graphs overlap; afterwards no row dangles and what is left is
/// what was added and not deleted.
async fn at_work(db: TestDb, constraints: Constraints) {
    let tables = Tables(Vec::from(tables![a, b, c, n]));
    let parents: Vec<String> = (1..=PARENTS).map(|id| format!("({id})")).collect();
    tables.create(&db.conn, constraints, &[("a", parents.join(", "))]).await;
    for (table, column) in [("b", "a"), ("c", "b"), ("n", "b")] {
        db.sql(&format!("CREATE INDEX {table}_{column} ON {table} ({column})")).await;
    }
    let pool = db.connect(12).await;
    let next = Arc::new(AtomicI64::new(1));
    let retries = Arc::new(AtomicU64::new(0));
    let writers: Vec<_> = (0..8).map(|_| tokio::spawn(writer(pool.clone(), next.clone()))).collect();
    // Half of them keep no keys below the roots.
    let graph = |who: i64| tables.builder().keys_per_table(if who % 2 == 0 { 1_000 } else { 0 }).build().unwrap();
    let deleters: Vec<_> =
        (0..4).map(|who| tokio::spawn(deleter(who, pool.clone(), graph(who), retries.clone()))).collect();
    let (mut added, mut again, mut gone, mut calls) = (0, 0, [0; 2], 0);
    for writer in writers {
        let (done, repeated) = writer.await.unwrap();
        added += done;
        again += repeated;
    }
    for deleter in deleters {
        let (b, c, done) = deleter.await.unwrap();
        gone = [gone[0] + b, gone[1] + c];
        calls += done;
    }
    let mut orphans = 0;
    for (table, key, parent) in [("b", "a", "a"), ("c", "b", "b"), ("n", "b", "b")] {
        let sql = format!(
            "SELECT count(*) AS orphans FROM {table} LEFT JOIN {parent} AS parents ON parents.id = {table}.{key} \
             WHERE {table}.{key} IS NOT NULL AND parents.id IS NULL"
        );
        orphans += db.number(&sql).await;
    }
    println!(
        "faults on {}, {constraints:?}: 8 writers added {added} rows ({again} of their transactions again), 4 deleters did \
         {calls} deletes ({} tried again) of {} rows; orphans {orphans}",
        db.kind().name(),
        retries.load(Ordering::Relaxed),
        gone[0],
    );
    assert_eq!(orphans, 0);
    for (table, gone) in [("b", gone[0]), ("c", gone[1])] {
        let left = db.number(&format!("SELECT count(*) AS n FROM {table}")).await;
        assert_eq!(left, added - i64::try_from(gone).unwrap(), "what is left of {table}");
    }
    assert_eq!(db.number("SELECT count(*) AS n FROM n").await, added);
}

async fn writer(pool: DatabaseConnection, next: Arc<AtomicI64>) -> (i64, u64) {
    let (mut added, mut again) = (0, 0);
    for _ in 0..60 {
        let id = next.fetch_add(1, Ordering::Relaxed);
        loop {
            match write(&pool, id).await {
                Ok(is_there) => {
                    added += i64::from(is_there);
                    break;
                }
                // Its parent went between the lock of ours and theirs, or they waited for each
                // other.
                Err(error) if error.is_transient() => again += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
        tokio::task::yield_now().await;
    }
    (added, again)
}

async fn deleter(who: i64, pool: DatabaseConnection, graph: Graph, retries: Arc<AtomicU64>) -> (u64, u64, u64) {
    let (mut b, mut c, mut deletes) = (0, 0, 0);
    for round in 0..25_i64 {
        let keys = [(who + round) % PARENTS + 1, (who * 2 + round * 5) % PARENTS + 1, round % PARENTS + 1];
        let count = retries.clone();
        let listen = move |name: &str| {
            count.fetch_add(u64::from(name == "cascade.retry"), Ordering::Relaxed);
        };
        let deletion = graph.delete_keys(a::Entity, keys).at_most(100_000);
        let delete = async {
            if round % 3 == 0 { deletion.batches_of(7).execute(&pool).await } else { deletion.execute(&pool).await }
        };
        let outcome = listened(delete, listen).await.expect("no deadlock escapes");
        b += outcome.deleted(b::Entity);
        c += outcome.deleted(c::Entity);
        deletes += 1;
        for key in keys {
            // Another may have put it back by now.
            let _ = pool.execute_unprepared(&format!("INSERT INTO a VALUES ({key})")).await;
        }
    }
    (b, c, deletes)
}

// S35: the delete waits for whoever adds a child two levels down, and takes it along.
async fn a_child_added_under_the_lock_goes_too(db: TestDb) {
    for constraints in [Constraints::Declared, Constraints::None] {
        let tables = Tables(Vec::from(tables![a, b, c]));
        let rows = [("a", "(1)"), ("b", "(1, 1)"), ("c", "(1, 1)")];
        tables.create(&db.conn, constraints, &rows).await;
        let pool = db.connect(1).await;
        let other = begin(&db.conn).await.unwrap();
        assert!(lock_parent(&other, b::Entity, 1).await.unwrap());
        other.execute_unprepared("INSERT INTO c VALUES (2, 1)").await.unwrap();
        let graph = tables.graph();
        let deleting = tokio::spawn(async move { graph.delete_keys(a::Entity, [1]).execute(&pool).await });
        db.somebody_waits().await;
        other.commit().await.unwrap();
        assert_eq!(deleting.await.unwrap().unwrap().to_string(), "deleted a 1, b 1, c 2");
        assert!(!lock_parent(&db.conn.begin().await.unwrap(), b::Entity, 1).await.unwrap());
        tables.drop(&db.conn).await;
    }
}

// A session adds a row to each table after each statement of a delete. It waits for the delete, or
// its rows go too; no row is left that references nothing.
async fn a_child_added_at_each_point(db: TestDb) {
    for (constraints, keys_per_table) in
        [(Constraints::Declared, 1_000), (Constraints::Declared, 0), (Constraints::None, 1_000), (Constraints::None, 0)]
    {
        let tables = Tables(Vec::from(tables![a, b, c, n]));
        let graph = tables.builder().keys_per_table(keys_per_table).build().unwrap();
        for point in 1.. {
            let rows = [("a", "(1), (2)"), ("b", "(10, 1), (20, 2)"), ("c", "(10, 10), (20, 20)"), ("n", "(10, 10)")];
            tables.create(&db.conn, constraints, &rows).await;
            let (mut conn, other) = (db.connect(1).await, db.connect(1).await);
            let sent = Arc::new(AtomicI64::new(0));
            let (count, runtime) = (sent.clone(), tokio::runtime::Handle::current());
            let adding = Arc::new(std::sync::Mutex::new(None));
            let added = adding.clone();
            conn.set_metric_callback(move |_| {
                if count.fetch_add(1, Ordering::Relaxed) + 1 == point {
                    let other = other.clone();
                    *added.lock().unwrap() = Some(runtime.spawn(async move { add_below(&other).await }));
                    // Long enough to add the rows, if nothing is locked.
                    std::thread::sleep(std::time::Duration::from_millis(30));
                }
            });
            let outcome = graph.delete_keys(a::Entity, [1]).execute(&conn).await.unwrap();
            let adding = adding.lock().unwrap().take();
            if let Some(adding) = adding {
                adding.await.unwrap();
            }
            let about = format!("{constraints:?}, keys of {keys_per_table}, point {point}: {outcome}");
            assert_eq!(outcome.deleted(a::Entity), 1, "{about}");
            for (table, key, parent) in [("b", "a", "a"), ("c", "b", "b"), ("n", "b", "b")] {
                let orphans = format!(
                    "SELECT count(*) AS orphans FROM {table} LEFT JOIN {parent} AS parents ON parents.id = {table}.{key} \
                     WHERE {table}.{key} IS NOT NULL AND parents.id IS NULL"
                );
                assert_eq!(db.number(&orphans).await, 0, "{table}, {about}");
            }
            assert_eq!(db.number("SELECT count(*) AS n FROM a").await, 1, "{about}");
            tables.drop(&db.conn).await;
            if sent.load(Ordering::Relaxed) < point {
                break;
            }
        }
    }
}

/// Adds a row below row 1 of `a` and rows below that; nothing if that is gone, or if the database is
/// busy.
async fn add_below(pool: &DatabaseConnection) -> Option<()> {
    let transaction = begin(pool).await.ok()?;
    lock_parent(&transaction, a::Entity, 1).await.ok().filter(|is_there| *is_there)?;
    transaction.execute_unprepared("INSERT INTO b VALUES (11, 1)").await.ok()?;
    for (table, id, parent) in [("c", 11, 11), ("n", 11, 11), ("c", 12, 10), ("n", 12, 10)] {
        if lock_parent(&transaction, b::Entity, parent).await.ok()? {
            transaction.execute_unprepared(&format!("INSERT INTO {table} VALUES ({id}, {parent})")).await.ok()?;
        }
    }
    transaction.commit().await.ok()
}

// Between two batches a parent gets another one: what is below it stays, though it was to go.
async fn batches_leave_what_was_moved_away(db: TestDb) {
    for constraints in [Constraints::Declared, Constraints::None] {
        let tables = Tables(Vec::from(tables![a, b, c]));
        let rows = [("a", "(1), (2)"), ("b", "(10, 1), (11, 1)"), ("c", "(1, 10), (2, 11), (3, 10), (4, 11), (5, 10)")];
        tables.create(&db.conn, constraints, &rows).await;
        let (other, runtime) = (db.connect(1).await, tokio::runtime::Handle::current());
        let batches = tables.graph().delete_keys(a::Entity, [1]).batches_of(2);
        let moved = batches.clone().on_progress(move |progress| {
            if progress.batches == 1 {
                let moving = other.execute_unprepared("UPDATE b SET a = 2 WHERE id = 10");
                tokio::task::block_in_place(|| runtime.block_on(moving)).unwrap();
            }
            ControlFlow::Continue(())
        });
        let error = moved.execute(&db.conn).await.unwrap_err();
        let ErrorKind::Unfinished { batches: 1, cause: Some(cause), .. } = error.kind() else { panic!("{error:?}") };
        assert!(
            matches!(cause.kind(), ErrorKind::Reparented { table, .. } if table == "b") && error.is_transient(),
            "{error:?}"
        );
        assert_eq!(tables.state(&db.conn).await, "a(1 2) b(10:2 11:1) c(3:10 4:11 5:10)");
        batches.execute(&db.conn).await.unwrap();
        assert_eq!(tables.state(&db.conn).await, "a(2) b(10:2) c(3:10 5:10)");
        tables.drop(&db.conn).await;
    }
}

async fn a_lock_needs_a_transaction(db: TestDb) {
    let tables = Tables(vec![Table::of(a::Entity)]);
    tables.create(&db.conn, Constraints::None, &[("a", "(1)")]).await;
    let error = lock_parent(&db.conn, a::Entity, 1).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotInTransaction));
    assert_eq!(
        error.to_string(),
        "outside of a transaction a lock ends with its statement; begin a transaction and pass it"
    );
    let transaction = db.conn.begin().await.unwrap();
    assert!(lock_parent(&transaction, a::Entity, 1).await.unwrap());
    assert!(!lock_parent(&transaction, a::Entity, 2).await.unwrap());
    let batches = tables.graph().delete_keys(a::Entity, [1]).batches_of(1);
    let error = batches.execute(&transaction).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::BatchesInTransaction));
    let error = tables.graph().delete_keys(a::Entity, [1]).batches_of(0).execute(&db.conn).await.unwrap_err();
    assert_eq!(error.to_string(), "batches of 0 rows delete nothing; ask for at least 1");
}
