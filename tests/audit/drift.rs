//! Random schemas, of which one thing is not as declared: it is found, and nothing else; and its
//! fix fixes it.
//!
//! `ORACLE_CASES` and `ORACLE_SEED` are those of the random graphs.

#![allow(clippy::print_stdout, reason = "the figures are reported")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use sea_orm_cascade::{Action, Graph, Repair};
use tokio::runtime::Runtime;

use super::summary;
use crate::oracle::entity::{t0, t1, t2, t3, t4, t5};
use crate::oracle::shape::{COLUMNS, ID, Key, Shape, U, shapes};
use crate::oracle::{connect, entity, literal, rows};
use crate::support::{Constraints, Kind, Tables, TestDb};
use crate::tests;

tests![random_drift, random_orphans];

/// One thing that is not as declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Drift {
    Nothing,
    NoConstraint,
    OtherAction,
    NoIndex,
    Nullability,
    NotUnique,
    NoTable,
}

const DRIFTS: [Drift; 7] = [
    Drift::Nothing,
    Drift::NoConstraint,
    Drift::OtherAction,
    Drift::NoIndex,
    Drift::Nullability,
    Drift::NotUnique,
    Drift::NoTable,
];

const ACTIONS: [Action; 5] = [Action::Cascade, Action::SetNull, Action::SetDefault, Action::NoAction, Action::Restrict];

fn cases(kind: Kind) -> (u32, u64) {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse().expect("a number"));
    let cases = number("ORACLE_CASES").unwrap_or(if kind == Kind::Sqlite { 400 } else { 80 });
    let seed = number("ORACLE_SEED");
    (
        u32::try_from(cases).expect("a number of cases"),
        seed.unwrap_or_else(|| std::time::UNIX_EPOCH.elapsed().map_or(0, |since| u64::from(since.subsec_nanos()))),
    )
}

async fn random_drift(db: TestDb) {
    on_one_thread(db, "drift", |case, conn, kind, runtime| {
        let found = Drifted::new(case, kind);
        let drift = found.drift;
        runtime.block_on(found.run(conn)).map(|()| format!("{drift:?}"))
    })
    .await;
}

type Case = (Shape, usize, usize, usize);

/// Runs cases on one thread, whose entities have the shape of the case, and reports how many there
/// were of each kind.
async fn on_one_thread(
    db: TestDb,
    what: &'static str,
    run: impl Fn(&Case, &DatabaseConnection, Kind, &Runtime) -> Result<String, String> + Send + 'static,
) {
    let kind = db.kind();
    let (cases, seed) = cases(kind);
    let done = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let conn = runtime.block_on(connect(&db));
        let mut runner = TestRunner::new(Config {
            cases,
            rng_seed: RngSeed::Fixed(seed),
            failure_persistence: None,
            max_shrink_iters: 1_000,
            ..Config::default()
        });
        let strategy = shapes().prop_filter("there are keys", |shape| !shape.keys.is_empty());
        let strategy = (strategy, 0..DRIFTS.len(), any::<prop::sample::Index>(), any::<prop::sample::Index>());
        let strategy = strategy.prop_map(|(shape, drift, key, other)| (shape, drift, key.index(720), other.index(720)));
        let (figures, ran) = (RefCell::new(BTreeMap::<String, u32>::new()), Cell::new(0));
        let result = runner.run(&strategy, |case| {
            ran.set(ran.get() + 1);
            let name = run(&case, &conn, kind, &runtime).map_err(TestCaseError::fail)?;
            *figures.borrow_mut().entry(name).or_default() += 1;
            Ok(())
        });
        (ran.get(), figures.into_inner(), result.map_err(|error| error.to_string()))
    });
    let (ran, figures, result) = done.await.expect("the cases ran");
    println!(
        "{what} on {}: seed {seed}, {ran} cases, {figures:?}, {}",
        kind.name(),
        if result.is_ok() { "all found" } else { "A DIFFERENCE" }
    );
    if let Err(difference) = result {
        panic!("{difference}");
    }
}

struct Drifted {
    declared: Shape,
    /// As it is in the database.
    shape: Shape,
    drift: Drift,
    key: usize,
    kind: Kind,
    expected: Vec<String>,
}

impl Drifted {
    fn new((declared, drift, key, other): &Case, kind: Kind) -> Self {
        let mut declared = declared.clone();
        // Rows come into it with the orphans.
        declared.rows.iter_mut().for_each(Vec::clear);
        let mut drifted =
            Self { shape: declared.clone(), declared, drift: Drift::Nothing, key: 0, kind, expected: Vec::new() };
        drifted.key = key % drifted.declared.keys.len();
        drifted.become_so(DRIFTS[*drift], *other);
        drifted
    }

    /// Changes what is in the database, if that can be there.
    fn become_so(&mut self, drift: Drift, other: usize) {
        let (at, kind) = (self.key, self.kind);
        let key = self.declared.keys[at].clone();
        let label = Shape::label(&key);
        self.expected = match drift {
            Drift::NoConstraint => {
                self.shape.unconstrained.push(at);
                vec![format!("constraint_missing {label}")]
            }
            Drift::OtherAction => {
                let can_be = |action: &Action| {
                    alike(kind, *action) != alike(kind, key.action)
                        && !(kind.speaks_mysql() && *action == Action::SetDefault)
                        && (*action != Action::SetNull || key.nullable)
                };
                let others: Vec<Action> = ACTIONS.into_iter().filter(can_be).collect();
                self.shape.keys[at].action = others[other % others.len()];
                vec![format!("action_differs {label}")]
            }
            Drift::NoIndex if kind.speaks_mysql() => {
                // A constraint makes its own there.
                self.shape.unconstrained.push(at);
                vec![format!("index_missing {label}"), format!("constraint_missing {label}")]
            }
            Drift::NoIndex => vec![format!("index_missing {label}")],
            Drift::Nullability if kind.speaks_mysql() && key.action == Action::SetNull => return,
            Drift::Nullability => {
                self.shape.keys[at].nullable = !key.nullable;
                key.columns.iter().map(|_| format!("nullability_differs {label}")).collect()
            }
            Drift::NotUnique if key.to == [U] => {
                self.shape.repeating.push(key.parent);
                let to_it = |other: &Key| other.parent == key.parent && other.to == [U];
                let missing: Vec<usize> =
                    (0..self.declared.keys.len()).filter(|&at| to_it(&self.declared.keys[at])).collect();
                let label = |at: &usize| format!("constraint_missing {}", Shape::label(&self.declared.keys[*at]));
                let by_table = missing.iter().min_by_key(|&&at| (self.declared.keys[at].child, at));
                let first = Shape::label(&self.declared.keys[*by_table.expect("the key itself")]);
                let mut expected = vec![format!("referenced_key_not_unique {first}")];
                expected.extend(missing.iter().map(label));
                self.shape.unconstrained.extend(missing);
                expected
            }
            Drift::Nothing | Drift::NotUnique => return,
            // What others refer to cannot be missing where they do.
            Drift::NoTable if self.declared.keys.iter().any(|other| other.parent == key.child) => return,
            Drift::NoTable => {
                let of_it: Vec<String> =
                    self.declared.keys.iter().filter(|other| other.child == key.child).map(Shape::label).collect();
                let mut expected = vec![format!("table_missing t{}", key.child)];
                expected.extend(of_it.iter().map(|label| format!("index_missing {label}")));
                if kind != Kind::Sqlite {
                    expected.extend(of_it.iter().map(|label| format!("constraint_missing {label}")));
                }
                expected
            }
        };
        self.expected.sort();
        self.drift = drift;
    }

    async fn run(&self, conn: &DatabaseConnection) -> Result<(), String> {
        entity::set(&self.shape);
        let mut tables = entity::tables(&self.shape);
        let missing = (self.drift == Drift::NoTable).then(|| self.declared.keys[self.key].child);
        if let Some(missing) = missing {
            tables.0.remove(missing);
        }
        tables.create::<&str, &str>(conn, Constraints::Declared, &[]).await;
        for (at, key) in self.declared.keys.iter().enumerate() {
            if Some(key.child) != missing && (self.drift != Drift::NoIndex || at != self.key) {
                conn.execute_unprepared(&index(at, key)).await.map_err(|error| error.to_string())?;
            }
        }
        entity::set(&self.declared);
        let graph = entity::tables(&self.declared).graph();
        let result = self.check(conn, &graph).await;
        entity::tables(&self.declared).drop(conn).await;
        result
    }

    async fn check(&self, conn: &DatabaseConnection, graph: &Graph) -> Result<(), String> {
        let audit = graph.audit().run(conn).await.map_err(|error| error.to_string())?;
        let mut found = summary(&audit);
        found.sort();
        if found != self.expected {
            return Err(format!("{:?}: found {audit}, expected {:?}", self.drift, self.expected));
        }
        for statement in audit.statements() {
            conn.execute_unprepared(statement).await.map_err(|error| format!("{statement}: {error}"))?;
        }
        let fixed = graph.audit().run(conn).await.map_err(|error| error.to_string())?;
        if !fixed.is_clean() {
            return Err(format!("{:?}: after {:?}: {fixed}", self.drift, audit.statements()));
        }
        Ok(())
    }
}

/// Actions between which a database makes no difference are the same.
fn alike(kind: Kind, action: Action) -> Action {
    match (kind, action) {
        (Kind::MariaDb | Kind::MySql, Action::SetDefault | Action::Restrict) => Action::NoAction,
        (_, action) => action,
    }
}

fn index(at: usize, key: &Key) -> String {
    let columns: Vec<&str> = key.columns.iter().map(|&column| COLUMNS[column]).collect();
    format!("CREATE INDEX drift_{at} ON t{} ({})", key.child, columns.join(", "))
}

/// Rows lose their parents; each entity is repaired; and nobody is an orphan any more, but those
/// that a rule keeps.
async fn random_orphans(db: TestDb) {
    on_one_thread(db, "orphans", |(shape, lost, ..), conn, _, runtime| {
        entity::set(shape);
        let tables = entity::tables(shape);
        runtime.block_on(async {
            tables.create(conn, Constraints::None, &rows(shape)).await;
            let result = repaired(shape, &tables, *lost, conn).await;
            tables.drop(conn).await;
            result
        })
    })
    .await;
}

fn repairs(shape: &Shape, graph: &Graph) -> Vec<Repair> {
    let all = [
        graph.repair(t0::Entity),
        graph.repair(t1::Entity),
        graph.repair(t2::Entity),
        graph.repair(t3::Entity),
        graph.repair(t4::Entity),
        graph.repair(t5::Entity),
    ];
    all.into_iter().take(shape.tables()).collect()
}

/// Deletes some rows past the crate, and repairs.
async fn repaired(shape: &Shape, tables: &Tables, lost: usize, conn: &DatabaseConnection) -> Result<String, String> {
    let table = lost % shape.tables();
    let gone = shape.rows[table].iter().enumerate().filter(|(row, _)| (row + lost).is_multiple_of(2));
    for (_, row) in gone {
        let sql = format!("DELETE FROM t{table} WHERE id = {}", literal(table, ID, row[ID]));
        conn.execute_unprepared(&sql).await.map_err(|error| error.to_string())?;
    }
    let graph = tables.graph();
    let before = graph.audit().counting_orphans().run(conn).await.map_err(|error| error.to_string())?;
    let orphans = summary(&before).iter().filter(|found| found.starts_with("orphans")).count();
    let mut refused = false;
    for repair in repairs(shape, &graph) {
        let repair = repair.or_delete();
        let preview = repair.preview(conn).await.map_err(|error| format!("{error:?}"))?;
        let state = tables.state(conn).await;
        match repair.expecting(&preview).execute(conn).await {
            Ok(outcome) if *preview.outcome() == outcome => {}
            Ok(outcome) => return Err(format!("previewed {preview}, done {outcome}")),
            Err(error) if error.is_blocked() => {
                refused = true;
                if error.blockers() != preview.blockers() || tables.state(conn).await != state {
                    return Err(format!("previewed {preview}, refused {error}"));
                }
            }
            Err(error) => return Err(format!("{error:?}")),
        }
    }
    let after = graph.audit().counting_orphans().run(conn).await.map_err(|error| error.to_string())?;
    let left: Vec<String> = summary(&after).into_iter().filter(|found| found.starts_with("orphans")).collect();
    if !refused && !left.is_empty() {
        return Err(format!("repaired, and still {left:?}: {after}"));
    }
    Ok(match (orphans, refused) {
        (0, _) => "no orphans".to_owned(),
        (_, false) => "repaired".to_owned(),
        (_, true) => "refused".to_owned(),
    })
}
