//! A scenario: a small schema, rows, one delete, and what must be there afterwards.
//!
//! Each is run with the foreign keys in the database and without them, by key and by filter, on a
//! pool and inside a caller's transaction, and in batches; and the preview taken before must show
//! the outcome's numbers.

use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait, IdenStatic as _, Iterable as _, PrimaryKeyToColumn as _,
    QueryFilter as _, TransactionTrait as _,
};
use sea_orm_cascade::{Connection, Deletion, Error, FindingKind, Graph, Outcome};

use super::around;
use super::tables::{Constraints, Table, Tables};
use super::{Kind, TestDb};

/// How the rows are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Key,
    Filter,
}

type Leaves = Box<dyn Fn(Kind) -> &'static str + Send + Sync>;
type Delete = Box<dyn Fn(&Graph, By) -> Deletion + Send + Sync>;

pub(crate) struct Case {
    tables: Tables,
    rows: Vec<(&'static str, &'static str)>,
    delete: Option<Delete>,
    /// The root table, if it has an `id`.
    root: Option<String>,
    leaves: Leaves,
    expect: Result<&'static str, &'static str>,
}

impl Case {
    /// The tables, parents first.
    pub(crate) fn new(tables: impl IntoIterator<Item = Table>) -> Self {
        Self {
            tables: Tables(tables.into_iter().collect()),
            rows: Vec::new(),
            delete: None,
            root: None,
            leaves: Box::new(|_| ""),
            expect: Ok(""),
        }
    }

    /// Rows of a table, all columns in their order: `"(1, 2), (3, NULL)"`.
    pub(crate) fn rows(mut self, table: &'static str, values: &'static str) -> Self {
        self.rows.push((table, values));
        self
    }

    /// Deletes the rows with these ids.
    pub(crate) fn delete<E>(mut self, entity: E, ids: &'static [i64]) -> Self
    where
        E: EntityTrait,
        <E::PrimaryKey as sea_orm::PrimaryKeyTrait>::ValueType: From<i64>,
    {
        let has_id = E::PrimaryKey::iter().all(|key| key.into_column().as_str() == "id");
        self.root = Some(entity.table_name().to_owned()).filter(|_| has_id);
        self.delete_by(move |graph, by| match by {
            By::Key => graph.delete_keys(entity, ids.iter().copied()),
            By::Filter => {
                let key = E::PrimaryKey::iter().next().expect("a primary key").into_column();
                graph.delete(E::find().filter(key.is_in(ids.iter().copied())))
            }
        })
    }

    pub(crate) fn delete_by(mut self, delete: impl Fn(&Graph, By) -> Deletion + Send + Sync + 'static) -> Self {
        self.delete = Some(Box::new(delete));
        self
    }

    /// The outcome as text, and the rows that are left: `a(1 2) b(1:1 2:-)`.
    pub(crate) fn outcome(self, outcome: &'static str, leaves: &'static str) -> Self {
        self.outcome_on(outcome, move |_| leaves)
    }

    /// The same where the rows look different on each database.
    pub(crate) fn outcome_on(
        mut self,
        outcome: &'static str,
        leaves: impl Fn(Kind) -> &'static str + Send + Sync + 'static,
    ) -> Self {
        (self.expect, self.leaves) = (Ok(outcome), Box::new(leaves));
        self
    }

    /// The error as text. Nothing may have changed.
    pub(crate) fn refused(mut self, error: &'static str) -> Self {
        self.expect = Err(error);
        self
    }

    pub(crate) fn graph(&self) -> Graph {
        self.tables.graph()
    }

    /// The same, but that keys are only kept of the roots and of tables in a cycle.
    fn graph_without_keys(&self) -> Graph {
        self.tables.builder().keys_per_table(0).build().expect("the declarations work")
    }

    #[track_caller]
    pub(crate) fn run(self, db: &TestDb) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            for constrained in [true, false] {
                for keys_reversed in [false, true] {
                    for by in [By::Key, By::Filter] {
                        let variant =
                            format!("{at}: constrained {constrained}, keys reversed {keys_reversed}, by {by:?}");
                        self.create(db, constrained, keys_reversed).await;
                        self.variant(db, &self.graph(), by, keys_reversed, &variant).await;
                        self.drop(db).await;
                    }
                }
                let variant = format!("{at}: constrained {constrained}, without keys");
                self.create(db, constrained, false).await;
                self.variant(db, &self.graph_without_keys(), By::Key, false, &variant).await;
                self.drop(db).await;
                for rows_max in [1, 2, 1_000] {
                    let variant = format!("{at}: constrained {constrained}, in batches of {rows_max}");
                    self.create(db, constrained, false).await;
                    self.in_batches(db, &self.graph(), rows_max, &variant).await;
                    self.drop(db).await;
                }
                let variant = format!("{at}: constrained {constrained}, audited");
                self.create(db, constrained, false).await;
                self.audit(db, constrained, &variant).await;
                self.drop(db).await;
                if let Some(root) = &self.root {
                    let variant = format!("{at}: constrained {constrained}, beside a tree and a ring");
                    self.run_beside_cycles(db, root, constrained, &variant).await;
                }
            }
        }
    }

    /// Nothing is found of these tables but what the harness has left out; what fixes that leaves
    /// the rows as they are.
    async fn audit(&self, db: &TestDb, constrained: bool, variant: &str) {
        let (graph, before) = (self.graph(), self.state(&db.conn).await);
        let audit = graph.audit().counting_orphans().run(&db.conn).await.expect(variant);
        for finding in audit.findings() {
            let is_left_out = match finding.kind {
                FindingKind::IndexMissing { .. } => true,
                FindingKind::ConstraintMissing => !constrained,
                _ => false,
            };
            assert!(is_left_out, "{variant}: {finding}");
        }
        // Each text on one connection; SQLite takes an index that another has dropped for one that
        // is there.
        let conn = db.connect(1).await;
        for statement in audit.statements() {
            conn.execute_unprepared(statement).await.unwrap_or_else(|error| panic!("{variant}: {statement}: {error}"));
        }
        let fixed = graph.audit().counting_orphans().run(&conn).await.expect(variant);
        assert!(fixed.is_clean(), "{variant}: after {:?}: {fixed}", audit.statements());
        assert_eq!(self.state(&conn).await, before, "{variant}: {:?}", audit.statements());
        conn.close().await.expect(variant);
    }

    async fn in_batches(&self, db: &TestDb, graph: &Graph, rows_max: usize, variant: &str) {
        let before = self.state(&db.conn).await;
        let deletion = (self.delete.as_ref().expect("a delete"))(graph, By::Key);
        let result = deletion.batches_of(rows_max).execute(&db.conn).await;
        self.check(db, result, &before, variant).await;
    }

    async fn run_beside_cycles(&self, db: &TestDb, root: &str, constrained: bool, variant: &str) {
        around::hang_under(root);
        let tables = Tables(self.tables.0.iter().cloned().chain(around::tables()).collect());
        let graph = tables.graph();
        let constraints = if constrained { Constraints::Declared } else { Constraints::None };
        tables.create(&db.conn, constraints, &self.rows).await;
        around::fill(&db.conn, root).await;
        self.variant(db, &graph, By::Filter, true, variant).await;
        around::check(&db.conn, root, variant).await;
        tables.drop(&db.conn).await;
        let variant = format!("{variant}, in batches of 2");
        around::hang_under(root);
        tables.create(&db.conn, constraints, &self.rows).await;
        around::fill(&db.conn, root).await;
        self.in_batches(db, &graph, 2, &variant).await;
        around::check(&db.conn, root, &variant).await;
        tables.drop(&db.conn).await;
    }

    async fn variant(&self, db: &TestDb, graph: &Graph, by: By, on_pool: bool, variant: &str) {
        let before = self.state(&db.conn).await;
        let deletion = (self.delete.as_ref().expect("a delete"))(graph, by);
        let result = if on_pool {
            self.preview_and_execute(&db.conn, &deletion, variant).await
        } else {
            let transaction = db.conn.begin().await.expect("a transaction");
            let result = self.preview_and_execute(&transaction, &deletion, variant).await;
            // R6: after any typed error the transaction can go on.
            transaction.execute_unprepared("SELECT 1").await.expect(variant);
            transaction.commit().await.expect(variant);
            result
        };
        self.check(db, result, &before, variant).await;
    }

    async fn check(&self, db: &TestDb, result: Result<Outcome, Error>, before: &str, variant: &str) {
        let after = self.state(&db.conn).await;
        match (result, self.expect) {
            (Ok(outcome), Ok(expected)) => {
                assert_eq!(around::without(&outcome), expected, "{variant}");
                assert_eq!(after, (self.leaves)(db.kind()), "{variant}");
            }
            (Err(error), Err(expected)) => {
                assert_eq!(error.to_string(), expected, "{variant}");
                assert_eq!(after, before, "{variant}: a refusal changes nothing");
            }
            (result, expected) => panic!("{variant}: {result:?}, expected {expected:?}"),
        }
    }

    async fn preview_and_execute<C: Connection>(
        &self,
        db: &C,
        deletion: &Deletion,
        variant: &str,
    ) -> Result<Outcome, Error> {
        let before = self.state(db).await;
        let preview = deletion.preview(db).await?;
        assert_eq!(self.state(db).await, before, "{variant}: a preview changes nothing");
        let result = deletion.execute(db).await;
        match &result {
            Ok(outcome) => {
                assert_eq!(preview.outcome(), outcome, "{variant}: S0");
                assert!(!preview.is_blocked(), "{variant}: S0: {preview}");
            }
            Err(error) => assert_eq!(preview.blockers(), error.blockers(), "{variant}: S0"),
        }
        result
    }

    pub(crate) async fn create(&self, db: &TestDb, constrained: bool, keys_reversed: bool) {
        let keys = match (constrained, keys_reversed) {
            (false, _) => Constraints::None,
            (true, false) => Constraints::Declared,
            (true, true) => Constraints::Reversed,
        };
        self.tables.create(&db.conn, keys, &self.rows).await;
    }

    pub(crate) async fn drop(&self, db: &TestDb) {
        self.tables.drop(&db.conn).await;
    }

    pub(crate) async fn state<C: ConnectionTrait>(&self, db: &C) -> String {
        self.tables.state(db).await
    }
}
