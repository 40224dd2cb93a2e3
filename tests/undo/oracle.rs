//! Random graphs, rows and roots: a recorded delete, undone, leaves what was there before.
//!
//! `ORACLE_CASES` sets how many cases each database gets, `ORACLE_SEED` repeats a run.

#![allow(clippy::print_stdout, reason = "the figures are reported")]

use std::cell::RefCell;

use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestCaseError, TestRunner};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use sea_orm_cascade::{ErrorKind, Graph};

use super::make_records;
use crate::oracle::entity;
use crate::oracle::shape::{Shape, typed_shapes};
use crate::oracle::{connect, deletion, rows_of, settings};
use crate::support::{Constraints, Kind, Tables, TestDb};
use crate::tests;

tests![identity_of_random_graphs];

/// What came of the cases, for the report.
#[derive(Debug, Default)]
struct Figures {
    cases: u32,
    undone: u32,
    refused: u32,
    not_recordable: u32,
    rows: u64,
    keys: u64,
}

async fn identity_of_random_graphs(db: TestDb) {
    let kind = db.kind();
    let (cases, seed) = settings(kind, (500, 60));
    // The entities have the shape of the thread that they are asked on.
    let run = move || on_this_thread(&db, cases, seed);
    let (figures, result) = tokio::task::spawn_blocking(run).await.expect("the cases ran");
    println!(
        "undo on {}: seed {seed}, {} cases, {} undone with {} rows and {} keys, {} refused by blockers or rings, {} not \
         recordable; {}",
        kind.name(),
        figures.cases,
        figures.undone,
        figures.rows,
        figures.keys,
        figures.refused,
        figures.not_recordable,
        if result.is_ok() { "identity" } else { "A DIFFERENCE" }
    );
    if let Err(difference) = result {
        panic!("{difference}");
    }
}

fn on_this_thread(db: &TestDb, cases: u32, seed: u64) -> (Figures, Result<(), String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let conn = runtime.block_on(connect(db));
    if db.kind() == Kind::Postgres {
        runtime.block_on(db.sql("CREATE EXTENSION IF NOT EXISTS citext"));
    }
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/regressions/undo.txt"))),
        max_shrink_iters: 2_000,
        ..Config::default()
    });
    let figures = RefCell::new(Figures::default());
    let result = runner.run(&typed_shapes(db.kind()), |mut shape| {
        // A trigger that keeps a row is another test.
        shape.kept = None;
        entity::set(&shape);
        let case = Case { conn: &conn, kind: db.kind(), shape: &shape, figures: &figures };
        runtime.block_on(case.run()).map_err(TestCaseError::fail)
    });
    (figures.into_inner(), result.map_err(|error| error.to_string()))
}

struct Case<'a> {
    conn: &'a DatabaseConnection,
    kind: Kind,
    shape: &'a Shape,
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
        let keys_per_table = [1_000, 0, 1, 3][self.shape.rows.iter().map(Vec::len).sum::<usize>() % 4];
        let builder = tables.builder().keys_per_table(keys_per_table).with_undo();
        let graph = builder.build().expect("the declarations work");
        let rows = rows_of(self.shape, self.kind);
        let constraints = match self.figures.borrow().cases % 2 {
            0 => Constraints::None,
            _ => Constraints::Declared,
        };
        tables.create(self.conn, Constraints::None, &rows).await;
        if constraints == Constraints::Declared {
            if self.kind == Kind::Sqlite {
                tables.drop(self.conn).await;
                tables.create(self.conn, Constraints::Declared, &rows).await;
            } else {
                tables.constrain(self.conn).await;
            }
        }
        make_records(&graph, self.conn).await;
        let result = self.there_and_back(&tables, &graph).await.map_err(|error| format!("{constraints:?}: {error}"));
        tables.drop(self.conn).await;
        for table in 0..self.shape.tables() {
            let drop = format!("DROP TABLE IF EXISTS cascade_gone_t{table}");
            self.conn.execute_unprepared(&drop).await.map_err(|error| error.to_string())?;
        }
        result
    }

    async fn there_and_back(&self, tables: &Tables, graph: &Graph) -> Result<(), String> {
        let before = tables.state(self.conn).await;
        let result = deletion(self.shape, graph, true).undoable("a test").execute(self.conn).await;
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                ensure!(tables.state(self.conn).await == before, "an error changed something: {error}");
                ensure!(self.recorded().await? == 0, "an error left a record: {error}");
                let mut figures = self.figures.borrow_mut();
                match error.kind() {
                    ErrorKind::Blocked(_) | ErrorKind::Ring { .. } => figures.refused += 1,
                    ErrorKind::NotRecordable { .. } if self.kind.speaks_mysql() => figures.not_recordable += 1,
                    kind => return Err(format!("{kind:?}")),
                }
                return Ok(());
            }
        };
        let Some(receipt) = outcome.receipt() else {
            ensure!(outcome.total() == 0, "{outcome} without a receipt");
            return Ok(());
        };
        let undo = graph.undo(receipt);
        let preview = undo.preview(self.conn).await.map_err(|error| format!("preview: {error:?}"))?;
        ensure!(!preview.is_blocked(), "{preview}");
        ensure!(preview.undone.rows_returned() == outcome.rows_deleted(), "{preview} after {outcome}");
        let undone = undo.expecting(&preview).execute(self.conn).await.map_err(|error| format!("undo: {error:?}"))?;
        let after = tables.state(self.conn).await;
        ensure!(after == before, "{outcome}: left\n{after}, before\n{before}");
        ensure!(self.recorded().await? == 0, "the record is not empty");
        let restored: u64 = undone.restored.iter().map(|restored| restored.rows).sum();
        let left_alone: u64 = undone.restored.iter().map(|restored| restored.left_alone).sum();
        ensure!(restored == outcome.foreign_keys_changed() && left_alone == 0, "{undone} after {outcome}");
        let mut figures = self.figures.borrow_mut();
        figures.undone += 1;
        figures.rows += undone.rows_returned();
        figures.keys += restored;
        Ok(())
    }

    /// How many rows all record tables have.
    async fn recorded(&self) -> Result<i64, String> {
        let mut rows = 0;
        for table in 0..self.shape.tables() {
            let sql = format!("SELECT COUNT(*) FROM cascade_gone_t{table}");
            let backend = self.conn.get_database_backend();
            let row = self.conn.query_one_raw(Statement::from_string(backend, sql)).await;
            let row = row.map_err(|error| error.to_string())?.ok_or("no row")?;
            rows += row.try_get_by_index::<i64>(0).map_err(|error| error.to_string())?;
        }
        Ok(rows)
    }
}
