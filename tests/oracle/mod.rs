//! Random graphs, rows and roots against two oracles: a model of the rules in memory, and the
//! databases' own ON DELETE wherever it means the same.
//!
//! `ORACLE_CASES` sets how many cases each database gets, `ORACLE_SEED` repeats a run. What failed
//! once is kept in `tests/regressions` and tried first from then on.

#![allow(clippy::print_stdout, reason = "the figures are reported")]

pub(crate) mod entity;
mod model;
pub(crate) mod shape;

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::time::Duration;

use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestCaseError, TestRunner};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, EntityTrait, IsolationLevel,
    PrimaryKeyToColumn as _, QueryFilter as _, TransactionTrait as _,
};
use sea_orm_cascade::{Action, Deletion, ErrorKind, Graph, Key, KeyPart, Outcome, Preview};

use crate::support::{Constraints, Kind, Tables, TestDb};
use crate::tests;
use entity::{t0, t1, t2, t3, t4, t5, text, uuid};
use model::{Expected, expected};
use shape::{COLUMNS, ID, Numbers, PART, Row, Shape, Texts, Value, is_text, primary_key, typed_shapes};

tests![random_graphs];

/// What came of the cases, for the report.
#[derive(Debug, Default)]
struct Figures {
    cases: u32,
    deleted: u32,
    refused: u32,
    /// Rings of NOT NULL keys that the database cannot delete.
    rings: u32,
    /// Cases in which the database's own ON DELETE was asked too.
    own: u32,
    own_refused: u32,
    /// Deletes in batches that were stopped and called again.
    stopped: u32,
    /// Cases in which a trigger kept a row that was to go, which was an error.
    kept: u32,
    /// Cases in a transaction whose snapshot was older than the rows.
    stale: u32,
    /// Cases in a transaction that does not see what others add, where no constraint does.
    unseen: u32,
}

async fn random_graphs(db: TestDb) {
    let kind = db.kind();
    let (cases, seed) = settings(kind, (2_000, 200));
    // The entities have the shape of the thread that they are asked on.
    let run = move || on_this_thread(&db, cases, seed);
    let (figures, result) = tokio::task::spawn_blocking(run).await.expect("the cases ran");
    println!(
        "oracle on {}: seed {seed}, {} cases, {} deleted, {} refused, {} rings; {} of them against its own ON DELETE \
         ({} refused there); in batches too, {} of them stopped and gone on with; {} with a row that was kept, {} under an \
         old snapshot, {} refused for their isolation level; {}",
        kind.name(),
        figures.cases,
        figures.deleted,
        figures.refused,
        figures.rings,
        figures.own,
        figures.own_refused,
        figures.stopped,
        figures.kept,
        figures.stale,
        figures.unseen,
        if result.is_ok() { "no difference" } else { "A DIFFERENCE" }
    );
    if let Err(difference) = result {
        panic!("{difference}");
    }
}

/// The number of cases, on SQLite and on a server unless `ORACLE_CASES` sets it, and the seed.
pub(crate) fn settings(kind: Kind, (on_sqlite, on_a_server): (u32, u32)) -> (u32, u64) {
    let cases = match (std::env::var("ORACLE_CASES"), kind) {
        (Ok(cases), _) => cases.parse().expect("a number of cases"),
        (Err(_), Kind::Sqlite) => on_sqlite,
        (Err(_), Kind::Postgres | Kind::MariaDb | Kind::MySql) => on_a_server,
    };
    let seed = match std::env::var("ORACLE_SEED") {
        Ok(seed) => seed.parse().expect("a seed"),
        Err(_) => std::time::UNIX_EPOCH.elapsed().map_or(0, |since| u64::from(since.subsec_nanos())),
    };
    (cases, seed)
}

fn on_this_thread(db: &TestDb, cases: u32, seed: u64) -> (Figures, Result<(), String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (conn, other) = (runtime.block_on(connect(db)), db.conn.clone());
    if db.kind() == Kind::Postgres {
        runtime.block_on(db.sql("CREATE EXTENSION IF NOT EXISTS citext"));
    }
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/regressions/oracle.txt"))),
        max_shrink_iters: 4_000,
        ..Config::default()
    });
    let figures = RefCell::new(Figures::default());
    let result = runner.run(&typed_shapes(db.kind()), |shape| {
        entity::set(&shape);
        let case = Case {
            conn: &conn,
            other: &other,
            kind: db.kind(),
            shape: &shape,
            expected: expected(&shape),
            figures: &figures,
        };
        runtime.block_on(case.run()).map_err(TestCaseError::fail)
    });
    (figures.into_inner(), result.map_err(|error| error.to_string()))
}

pub(crate) async fn connect(db: &TestDb) -> DatabaseConnection {
    let url = if db.kind() == Kind::Sqlite { "sqlite::memory:" } else { &db.url };
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).max_connections(1);
    // A database in memory ends with its last connection.
    let for_ever: Option<Duration> = None;
    options.idle_timeout(for_ever).max_lifetime(for_ever);
    let conn = Database::connect(options).await.expect("the database answers");
    if db.kind() == Kind::MariaDb {
        // As before version 11.6; from then on a row that has changed since the snapshot is an
        // error.
        conn.execute_unprepared("SET innodb_snapshot_isolation = OFF").await.expect("the setting");
    }
    conn
}

struct Case<'a> {
    conn: &'a DatabaseConnection,
    /// A pool of its own on the same database; not on SQLite, where that is in memory.
    other: &'a DatabaseConnection,
    kind: Kind,
    shape: &'a Shape,
    expected: Expected,
    figures: &'a RefCell<Figures>,
}

macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}

impl Case<'_> {
    async fn run(&self) -> Result<(), String> {
        self.figures.borrow_mut().cases += 1;
        let tables = entity::tables(self.shape);
        // Keys are kept of every table, of none, or of the smallest.
        let keys_per_table = [1_000, 0, 1, 3][self.shape.rows.iter().map(Vec::len).sum::<usize>() % 4];
        let graph = tables.builder().keys_per_table(keys_per_table).build().expect("the declarations work");
        let rows = rows_of(self.shape, self.kind);
        // A Select sees what its transaction does; here the rows are asked for by key.
        let is_by_key = self.shape.root != 3 || self.shape.texts != Texts::Uuid;
        if self.kind.speaks_mysql() && is_by_key && self.figures.borrow().cases.is_multiple_of(2) {
            self.under_an_old_snapshot(&tables, &graph, &rows).await?;
        }
        tables.create(self.conn, Constraints::None, &rows).await;
        let result = self.run_in(&tables, &graph, &rows).await;
        tables.drop(self.conn).await;
        result
    }

    async fn run_in(&self, tables: &Tables, graph: &Graph, rows: &[(String, String)]) -> Result<(), String> {
        self.keep().await?;
        self.ours(tables, graph, false).await.map_err(|error| format!("without constraints: {error}"))?;
        if self.kind == Kind::Sqlite {
            tables.drop(self.conn).await;
            tables.create(self.conn, Constraints::Declared, rows).await;
            self.keep().await?;
        } else {
            tables.constrain(self.conn).await;
        }
        let ours = self.ours(tables, graph, true).await.map_err(|error| format!("with constraints: {error}"))?;
        if self.shape.kept.is_some() {
            return Ok(());
        }
        if self.can_ask_the_database() {
            self.own(tables, ours).await.map_err(|error| format!("the database's own ON DELETE: {error}"))?;
        }
        self.in_batches(tables, graph).await.map_err(|error| format!("in batches: {error}"))
    }

    /// Makes the trigger that keeps a row.
    async fn keep(&self) -> Result<(), String> {
        let Some((table, row)) = self.shape.kept else { return Ok(()) };
        let row = &self.shape.rows[table][row];
        let is_it = primary_key(table).iter().map(|&column| {
            format!("OLD.{} = {}", COLUMNS[column], literal_of(self.shape, self.kind, table, column, row[column]))
        });
        let is_it = is_it.collect::<Vec<_>>().join(" AND ");
        let statements = if self.kind == Kind::Sqlite {
            vec![format!("CREATE TRIGGER keep BEFORE DELETE ON t{table} WHEN {is_it} BEGIN SELECT RAISE(IGNORE); END")]
        } else {
            vec![
                format!(
                    "CREATE OR REPLACE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS \
                     $$ BEGIN IF {is_it} THEN RETURN NULL; END IF; RETURN OLD; END $$"
                ),
                format!("CREATE TRIGGER keep BEFORE DELETE ON t{table} FOR EACH ROW EXECUTE FUNCTION keep()"),
            ]
        };
        for statement in statements {
            self.conn.execute_unprepared(&statement).await.map_err(|error| format!("{statement}: {error}"))?;
        }
        Ok(())
    }

    /// In a transaction that has looked before the rows were there. A preview would show that; a
    /// delete must not miss them.
    async fn under_an_old_snapshot(
        &self,
        tables: &Tables,
        graph: &Graph,
        rows: &[(String, String)],
    ) -> Result<(), String> {
        tables.create(self.conn, Constraints::None, &[] as &[(&str, &str)]).await;
        let transaction = self.begin(Some(IsolationLevel::RepeatableRead)).await?;
        transaction.execute_unprepared("SELECT * FROM t0").await.map_err(|error| error.to_string())?;
        for (table, values) in rows {
            let sql = format!("INSERT INTO {table} VALUES {values}");
            self.other.execute_unprepared(&sql).await.map_err(|error| format!("{sql}: {error}"))?;
        }
        let (before, result) = (tables.state(self.other).await, self.deletion(graph, true).execute(&transaction).await);
        transaction.commit().await.map_err(|error| error.to_string())?;
        let after = tables.state(self.conn).await;
        tables.drop(self.conn).await;
        self.figures.borrow_mut().stale += 1;
        match result {
            Ok(outcome) => {
                let left = self.state(&self.expected.left);
                ensure!(
                    self.expected.blocked.is_empty(),
                    "old snapshot: deleted in spite of {:?}",
                    self.expected.blocked
                );
                ensure!(after == left, "old snapshot: left {after}, expected {left}");
                let expected = self.expected.deleted.iter().sum::<u64>() + self.expected.updated.iter().sum::<u64>();
                ensure!(outcome.total() == expected, "old snapshot: {outcome}, expected {expected}");
            }
            Err(error) => {
                ensure!(after == before, "old snapshot: an error changed something: {error}");
                ensure!(error.is_blocked() && !self.expected.blocked.is_empty(), "old snapshot: {error:?}");
            }
        }
        Ok(())
    }

    async fn begin(&self, level: Option<IsolationLevel>) -> Result<DatabaseTransaction, String> {
        self.conn.begin_with_config(level, None).await.map_err(|error| error.to_string())
    }

    // ---- Ours, in batches

    /// In batches of few rows, stopped after some of them and called again. The constraints judge
    /// every batch.
    async fn in_batches(&self, tables: &Tables, graph: &Graph) -> Result<(), String> {
        let case = self.figures.borrow().cases;
        let (rows_max, stop_after) = (1 + case as usize % 3, u64::from(case) % 5);
        let batches = self.deletion(graph, true).batches_of(rows_max);
        let stopped = batches.clone().on_progress(move |progress| {
            if progress.batches == stop_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let before = tables.state(self.conn).await;
        let mut total = 0;
        for batches in [stopped, batches] {
            match batches.execute(self.conn).await {
                Ok(outcome) => total += outcome.total(),
                Err(error) if error.is_stopped() => {
                    self.figures.borrow_mut().stopped += 1;
                    total += error.done_so_far().map_or(0, Outcome::total);
                }
                Err(error) if error.is_blocked() => {
                    ensure!(!self.expected.blocked.is_empty(), "refused without a reason: {error}");
                    ensure!(tables.state(self.conn).await == before, "a refusal changed something: {error}");
                    return Ok(());
                }
                Err(error) if error.is_ring() && self.kind.speaks_mysql() => return Ok(()),
                Err(error) => return Err(format!("{error:?}, expected {:?}", self.expected)),
            }
        }
        ensure!(self.expected.blocked.is_empty(), "deleted in spite of {:?}", self.expected.blocked);
        let (after, left) = (tables.state(self.conn).await, self.state(&self.expected.left));
        ensure!(after == left, "by {rows_max}, stopped after {stop_after}, left {after}, expected {left}");
        let expected = self.expected.deleted.iter().sum::<u64>() + self.expected.updated.iter().sum::<u64>();
        ensure!(total == expected, "by {rows_max}, stopped after {stop_after}, counted {total}, expected {expected}");
        Ok(())
    }

    // ---- Ours

    /// `None` where a ring cannot be deleted, else whether the rows were deleted.
    async fn ours(&self, tables: &Tables, graph: &Graph, constrained: bool) -> Result<Option<bool>, String> {
        let levels = [
            None,
            Some(IsolationLevel::ReadCommitted),
            Some(IsolationLevel::RepeatableRead),
            Some(IsolationLevel::Serializable),
        ];
        let level = levels[self.figures.borrow().cases as usize % levels.len()].filter(|_| self.kind != Kind::Sqlite);
        let transaction = self.begin(level).await?;
        let hides = matches!(level, Some(IsolationLevel::RepeatableRead | IsolationLevel::Serializable));
        // Only there rows that others add are not seen, and only without constraints nothing else
        // notices them.
        let may_refuse = hides && !constrained && self.kind == Kind::Postgres;
        let result = self.ours_in(tables, graph, (constrained, may_refuse), &transaction).await;
        transaction.rollback().await.map_err(|error| error.to_string())?;
        result
    }

    async fn ours_in(
        &self,
        tables: &Tables,
        graph: &Graph,
        (constrained, may_refuse): (bool, bool),
        db: &DatabaseTransaction,
    ) -> Result<Option<bool>, String> {
        let (shape, expected) = (self.shape, &self.expected);
        let deletion = self.deletion(graph, constrained);
        let before = tables.state(db).await;
        let preview = deletion.preview(db).await.map_err(|error| format!("the preview fails: {error:?}"))?;
        ensure!(tables.state(db).await == before, "the preview changed something");
        self.check_preview(&preview)?;
        let capped = self.check_capped(&deletion, &preview, db).await?;
        let expects_capped = self.figures.borrow().cases.is_multiple_of(3);
        let deletion = if expects_capped { deletion.expecting(&capped) } else { deletion };
        let result = deletion.execute(db).await;
        let after = tables.state(db).await;
        match result {
            Ok(outcome) => {
                ensure!(expected.blocked.is_empty(), "deleted in spite of {:?}", expected.blocked);
                ensure!(!shape.kept.is_some_and(|kept| self.goes(kept)), "deleted, and {:?} is kept", shape.kept);
                ensure!(preview.outcome() == &outcome, "previewed {}, done {outcome}", preview.outcome());
                let left = self.state(&expected.left);
                ensure!(after == left, "left {after}, expected {left}");
                self.figures.borrow_mut().deleted += 1;
                Ok(Some(true))
            }
            Err(error) => {
                ensure!(after == before, "an error changed something: {error}");
                match error.kind() {
                    ErrorKind::Blocked(blockers) => {
                        ensure!(blockers == preview.blockers(), "previewed {preview}, refused {error}");
                        self.figures.borrow_mut().refused += 1;
                        Ok(Some(false))
                    }
                    // A constraint may notice it first.
                    ErrorKind::StillThere { .. } | ErrorKind::StillReferenced(_)
                        if shape.kept.is_some_and(|kept| self.goes(kept))
                            && (constrained || error.is_still_there()) =>
                    {
                        ensure!(expected.blocked.is_empty(), "{error} in spite of {:?}", expected.blocked);
                        self.figures.borrow_mut().kept += 1;
                        Ok(None)
                    }
                    ErrorKind::IsolationLevel { foreign_keys, .. } if may_refuse => {
                        ensure!(!foreign_keys.is_empty(), "{error}");
                        self.figures.borrow_mut().unseen += 1;
                        Ok(None)
                    }
                    ErrorKind::Ring { rows, .. } if constrained && self.kind.speaks_mysql() => {
                        ensure!(expected.blocked.is_empty(), "a ring in spite of {:?}", expected.blocked);
                        for row in rows {
                            let is_not_null = |key: &shape::Key| Shape::label(key) == row.foreign_key && !key.nullable;
                            ensure!(shape.keys.iter().any(is_not_null), "the ring has no such key: {row:?}");
                        }
                        ensure!(!rows.is_empty(), "no ring: {error}");
                        self.figures.borrow_mut().rings += 1;
                        Ok(None)
                    }
                    _ => Err(format!("{error:?}, expected {expected:?}")),
                }
            }
        }
    }

    fn deletion(&self, graph: &Graph, by_key: bool) -> Deletion {
        deletion(self.shape, graph, by_key)
    }

    fn roots(&self) -> impl Iterator<Item = &Row> {
        roots(self.shape)
    }

    /// S0, R5, R10.
    fn check_preview(&self, preview: &Preview) -> Result<(), String> {
        let (shape, expected) = (self.shape, &self.expected);
        for (table, rows) in preview.outcome().deletions() {
            let at: usize = table[1..].parse().map_err(|_| format!("no table {table}"))?;
            ensure!(rows == expected.deleted[at], "{rows} of {table} go, expected {:?}", expected.deleted);
        }
        let deleted: u64 = expected.deleted.iter().sum();
        ensure!(preview.outcome().rows_deleted() == deleted, "{preview}, expected {:?}", expected.deleted);
        for (at, key) in shape.keys.iter().enumerate() {
            let label = Shape::label(key);
            let updated: u64 =
                preview.outcome().updates().filter(|update| update.0 == label).map(|update| update.2).sum();
            ensure!(updated == expected.updated[at], "{preview}, expected {label} {}", expected.updated[at]);
            let referring = (0..shape.rows[key.child].len())
                .filter(|&row| model::refers_to(shape, key, row).is_some_and(|parent| self.goes(parent)))
                .count();
            let rows: u64 = preview.lines().iter().filter(|line| line.foreign_key == label).map(|line| line.rows).sum();
            let shown = match key.action {
                Action::Cascade => referring as u64,
                Action::SetNull | Action::SetDefault => expected.updated[at],
                Action::NoAction | Action::Restrict => expected.blocked.get(&at).map_or(0, Vec::len) as u64,
            };
            ensure!(rows == shown, "{rows} shown by {label}, expected {shown}: {preview}");
        }
        let mut blockers: Vec<(&str, u64)> =
            preview.blockers().iter().map(|blocker| (blocker.foreign_key.as_str(), blocker.rows)).collect();
        blockers.sort_unstable();
        let blocked = expected.blocked.iter();
        let mut blocked: Vec<(String, u64)> =
            blocked.map(|(&key, rows)| (Shape::label(&shape.keys[key]), rows.len() as u64)).collect();
        blocked.sort();
        let same = blockers.len() == blocked.len()
            && blockers.iter().zip(&blocked).all(|(one, other)| one.0 == other.0 && one.1 == other.1);
        ensure!(same, "blocked by {blockers:?}, expected {blocked:?}");
        for blocker in preview.blockers() {
            let at = shape.keys.iter().position(|key| Shape::label(key) == blocker.foreign_key).expect("the key");
            let rows = &expected.blocked[&at];
            ensure!(blocker.sample_keys.len() == rows.len().min(5), "{blocker}, expected rows {rows:?}");
            for key in &blocker.sample_keys {
                let is_it = |&row: &usize| self.key_of(shape.keys[at].child, row) == numbers(key);
                ensure!(rows.iter().any(is_it), "{blocker}, expected rows {rows:?}");
            }
            ensure!(blocker.path.last() == Some(&blocker.table), "a path to {}: {:?}", blocker.table, blocker.path);
        }
        Ok(())
    }

    /// A preview that counts no further than a few rows shows the same numbers up to there.
    async fn check_capped(
        &self,
        deletion: &Deletion,
        preview: &Preview,
        db: &DatabaseTransaction,
    ) -> Result<Preview, String> {
        let rows_max = u64::from(self.figures.borrow().cases) % 4;
        let capped = deletion.clone().counting_up_to(rows_max).preview(db).await;
        let capped = capped.map_err(|error| format!("counting up to {rows_max} fails: {error:?}"))?;
        let at_most = |rows: u64| rows.min(rows_max + 1);
        let same =
            preview.outcome().deletions().map(|(table, rows)| (table, at_most(rows))).eq(capped.outcome().deletions())
                && preview
                    .outcome()
                    .updates()
                    .map(|(key, action, rows)| (key, action, at_most(rows)))
                    .eq(capped.outcome().updates())
                && preview
                    .lines()
                    .iter()
                    .map(|line| (&line.foreign_key, at_most(line.rows), line.rows > rows_max))
                    .eq(capped.lines().iter().map(|line| (&line.foreign_key, line.rows, line.or_more)))
                && preview
                    .blockers()
                    .iter()
                    .map(|blocker| (&blocker.path, &blocker.sample_keys, at_most(blocker.rows)))
                    .eq(capped.blockers().iter().map(|blocker| (&blocker.path, &blocker.sample_keys, blocker.rows)));
        ensure!(same, "counted up to {rows_max}: {capped}, in full: {preview}");
        Ok(capped)
    }

    fn goes(&self, (table, row): (usize, usize)) -> bool {
        let key = self.key_of(table, row);
        let of = |row: &Row| primary_key(table).iter().map(|&column| row[column]).collect::<Vec<_>>();
        !self.expected.left[table].iter().any(|left| of(left) == key)
    }

    fn key_of(&self, table: usize, row: usize) -> Vec<Value> {
        primary_key(table).iter().map(|&column| self.shape.rows[table][row][column]).collect()
    }

    // ---- The database's own ON DELETE

    /// Whether its actions mean what ours do. RESTRICT never does; NO ACTION at the end of the
    /// statement or transaction does; InnoDB judges it row by row, and has no SET DEFAULT. MySQL's
    /// leaves rows without their parent where tables refer to each other in a cycle (seen with
    /// 9.7.4).
    fn can_ask_the_database(&self) -> bool {
        let means_the_same = |action| match action {
            Action::Cascade | Action::SetNull => true,
            Action::SetDefault | Action::NoAction => !self.kind.speaks_mysql(),
            Action::Restrict => false,
        };
        let has_self_reference = self.shape.keys.iter().any(|key| key.child == key.parent);
        // It leaves rows of a ring without their parent.
        let is_right = self.kind != Kind::MySql || !(self.shape.has_cycle_of_tables() || has_self_reference);
        is_right && !self.shape.roots.is_empty() && self.shape.keys.iter().all(|key| means_the_same(key.action))
    }

    async fn own(&self, tables: &Tables, ours: Option<bool>) -> Result<(), String> {
        let transaction = self.conn.begin().await.map_err(|error| error.to_string())?;
        let result = self.own_in(tables, ours, &transaction).await;
        transaction.rollback().await.map_err(|error| error.to_string())?;
        result
    }

    async fn own_in(&self, tables: &Tables, ours: Option<bool>, db: &DatabaseTransaction) -> Result<(), String> {
        if self.kind == Kind::Postgres {
            for key in self.shape.keys.iter().filter(|key| key.action == Action::NoAction) {
                let sql = format!(
                    "ALTER TABLE t{} ALTER CONSTRAINT fk_t{}_{} DEFERRABLE INITIALLY DEFERRED",
                    key.child, key.child, COLUMNS[key.columns[0]]
                );
                db.execute_unprepared(&sql).await.map_err(|error| error.to_string())?;
            }
        }
        let root = self.shape.root;
        let row = |row: &Row| {
            let columns = primary_key(root).iter();
            let equals = columns.map(|&column| {
                format!("{} = {}", COLUMNS[column], literal_of(self.shape, self.kind, root, column, row[column]))
            });
            equals.collect::<Vec<_>>().join(" AND ")
        };
        let rows: Vec<String> = self.roots().map(row).collect();
        let mut result = db.execute_unprepared(&format!("DELETE FROM t{root} WHERE {}", rows.join(" OR "))).await;
        if self.kind == Kind::Postgres && result.is_ok() {
            result = db.execute_unprepared("SET CONSTRAINTS ALL IMMEDIATE").await;
        }
        self.figures.borrow_mut().own += 1;
        match result {
            Ok(_) => {
                let after = tables.state(db).await;
                let left = self.state(&self.expected.left);
                ensure!(self.expected.blocked.is_empty(), "it deletes in spite of {:?}", self.expected.blocked);
                ensure!(after == left, "it leaves {after}, expected {left}");
                ensure!(ours != Some(false), "it deletes, ours refuses");
            }
            Err(error) => {
                self.figures.borrow_mut().own_refused += 1;
                // A row that goes may first be given a default that is not there. And PostgreSQL
                // checks the other keys of a row that it has nulled twice on its way to deleting
                // it.
                let gives_defaults = self.shape.keys.iter().any(|key| key.action == Action::SetDefault);
                let checks_what_goes = self.kind == Kind::Postgres && error.to_string().contains("insert or update on");
                // MySQL's cascade ends at 15 levels and 30 tables, by every path that the
                // declarations allow.
                let ends = ["3008", "6575"].iter().any(|code| error.to_string().contains(code));
                let may_be_stricter = gives_defaults || checks_what_goes || (self.kind == Kind::MySql && ends);
                ensure!(may_be_stricter || ours != Some(true), "it refuses: {error}; ours deletes");
            }
        }
        Ok(())
    }

    // ---- Rows as text

    /// As `Tables::state` shows it.
    fn state(&self, rows: &[Vec<Row>]) -> String {
        let (texts, numbers, kind) = (self.shape.texts, self.shape.numbers, self.kind);
        let table = |(table, rows): (usize, &Vec<Row>)| {
            let row = |row: &Row| {
                let value = |(column, value): (usize, &Value)| match value {
                    None => "-".to_owned(),
                    Some(number) if is_text(table, column) && texts == Texts::Uuid && kind != Kind::Postgres => {
                        uuid(*number).simple().to_string()
                    }
                    Some(number) if is_text(table, column) => text(texts, column, *number),
                    Some(number) if numbers == Numbers::Decimal && kind != Kind::Sqlite => format!("{number}.00"),
                    Some(number) => number.to_string(),
                };
                row.iter().enumerate().map(value).collect::<Vec<_>>().join(":")
            };
            format!("t{table}({})", rows.iter().map(row).collect::<Vec<_>>().join(" "))
        };
        rows.iter().enumerate().map(table).collect::<Vec<_>>().join(" ")
    }
}

/// The rows of each table as `INSERT` takes them.
pub(crate) fn rows(shape: &Shape) -> Vec<(String, String)> {
    rows_of(shape, Kind::Postgres)
}

/// The delete of a shape's roots, by key or by a Select.
pub(crate) fn deletion(shape: &Shape, graph: &Graph, by_key: bool) -> Deletion {
    // The entity says that its key is a text.
    let by_key = by_key && !(shape.root == 3 && shape.texts == Texts::Uuid);
    macro_rules! deletion {
        ($($table:literal $module:ident $key:expr;)*) => {
            match shape.root {
                $($table if by_key => {
                    graph.delete_keys($module::Entity, roots(shape).map($key))
                })*
                $($table => {
                    let columns = <$module::PrimaryKey as sea_orm::Iterable>::iter();
                    let columns: Vec<_> = columns.map(|key| sea_orm::ColumnTrait::into_expr(key.into_column())).collect();
                    let any = roots(shape).fold(sea_orm::Condition::any(), |any, row| {
                        let values = primary_key($table).iter().zip(&columns);
                        any.add(values.fold(sea_orm::Condition::all(), |all, (&column, expr)| {
                            use sea_orm::ExprTrait as _;
                            let number = row[column].expect("a primary key");
                            all.add(match shape.texts {
                                _ if !is_text($table, column) => expr.clone().eq(number),
                                Texts::Uuid => expr.clone().eq(uuid(number)),
                                texts => expr.clone().eq(text(texts, column, number)),
                            })
                        }))
                    });
                    graph.delete($module::Entity::find().filter(any))
                })*
                table => unreachable!("{table}"),
            }
        };
    }
    let id = |row: &Row| row[ID].expect("a primary key");
    let both = |row: &Row| (id(row), row[PART].expect("a primary key"));
    let name = |row: &Row| text(shape.texts, ID, id(row));
    deletion! { 0 t0 id; 1 t1 id; 2 t2 both; 3 t3 name; 4 t4 id; 5 t5 both; }
}

fn roots(shape: &Shape) -> impl Iterator<Item = &Row> {
    shape.roots.iter().map(|&row| &shape.rows[shape.root][row])
}

pub(crate) fn rows_of(shape: &Shape, kind: Kind) -> Vec<(String, String)> {
    let tables = shape.rows.iter().enumerate().filter(|(_, rows)| !rows.is_empty());
    let rows = tables.map(|(table, rows)| {
        let row = |row: &Row| {
            let values = row.iter().enumerate().map(|(column, &value)| literal_of(shape, kind, table, column, value));
            format!("({})", values.collect::<Vec<_>>().join(", "))
        };
        (format!("t{table}"), rows.iter().map(row).collect::<Vec<_>>().join(", "))
    });
    rows.collect()
}

/// A value of a shape whose columns are of the ordinary types.
pub(crate) fn literal(table: usize, column: usize, value: Value) -> String {
    literal_of(&Shape::default(), Kind::Postgres, table, column, value)
}

fn literal_of(shape: &Shape, kind: Kind, table: usize, column: usize, value: Value) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(number) if is_text(table, column) && shape.texts == Texts::Uuid && kind != Kind::Postgres => {
            format!("x'{}'", uuid(number).simple())
        }
        Some(number) if is_text(table, column) => format!("'{}'", text(shape.texts, column, number)),
        Some(number) => number.to_string(),
    }
}

/// A key that the engine shows, as the shape has it.
fn numbers(key: &Key) -> Vec<Value> {
    let hexadecimal = |digits: &str| i64::from_str_radix(digits, 16).ok();
    let number = |part: &KeyPart| match part {
        KeyPart::Integer(number) => Some(*number),
        KeyPart::Unsigned(number) => i64::try_from(*number).ok(),
        KeyPart::Text(text) if text.len() == 36 => hexadecimal(&text[28..]),
        KeyPart::Text(text) => {
            let text = text.trim_end_matches(".00");
            text.strip_prefix(['k', 'K']).unwrap_or(text).parse().ok()
        }
        KeyPart::Bytes(bytes) => bytes.last_chunk().map(|last: &[u8; 4]| i64::from(u32::from_be_bytes(*last))),
        _ => None,
    };
    key.parts().iter().map(number).collect()
}
