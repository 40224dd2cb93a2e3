//! A scenario: a small schema, rows, one delete, and what must be there afterwards.
//!
//! Each is run with the foreign keys in the database and without them, by key and by filter, on a pool and inside a
//! caller's transaction; and the preview taken before must show the outcome's numbers.

use sea_orm::sea_query::{ForeignKeyAction, TableCreateStatement};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbBackend, EntityTrait, Iterable as _, PrimaryKeyToColumn as _,
    QueryFilter as _, Schema, Statement, TransactionTrait as _,
};
use sea_orm_cascade::cascade::{Connection, Deletion, Error, Graph, GraphBuilder, Outcome};

use super::{Kind, TestDb};

/// How the rows are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Key,
    Filter,
}

/// An entity as the harness needs it.
#[derive(Clone)]
pub(crate) struct Table {
    name: String,
    columns: Vec<String>,
    primary_key: Vec<String>,
    create: fn(&Schema) -> TableCreateStatement,
    register: fn(GraphBuilder) -> GraphBuilder,
}

impl Table {
    pub(crate) fn of<E: EntityTrait>(entity: E) -> Self {
        let quoted = |iden: &dyn sea_orm::Iden| iden.to_string();
        let name = match entity.schema_name() {
            Some(schema) => format!("{schema}.{}", entity.table_name()),
            None => entity.table_name().to_owned(),
        };
        Self {
            name,
            columns: E::Column::iter().map(|column| quoted(&column)).collect(),
            primary_key: E::PrimaryKey::iter().map(|key| quoted(&key.into_column())).collect(),
            create: |schema| schema.create_table_from_entity(E::default()),
            register: |builder| builder.entity(E::default()),
        }
    }

    fn quoted(&self, backend: DbBackend) -> String {
        self.name.split('.').map(|part| quote(part, backend)).collect::<Vec<_>>().join(".")
    }

    /// CREATE TABLE with or without its foreign keys, these in either order.
    fn create(&self, backend: DbBackend, constrained: bool, keys_reversed: bool) -> TableCreateStatement {
        let declared = (self.create)(&Schema::new(backend));
        let mut create = sea_orm::sea_query::Table::create();
        create.table(declared.get_table_name().expect("a table").clone());
        for column in declared.get_columns() {
            create.col(column.clone());
        }
        for index in declared.get_indexes() {
            create.index(&mut index.clone());
        }
        let mut keys = declared.get_foreign_key_create_stmts().clone();
        if keys_reversed {
            keys.reverse();
        }
        for mut key in keys.into_iter().filter(|_| constrained) {
            let action = key.get_foreign_key().get_on_delete();
            if backend == DbBackend::MySql && matches!(action, Some(ForeignKeyAction::SetDefault)) {
                // InnoDB cannot declare it.
                key.on_delete(ForeignKeyAction::NoAction);
            }
            create.foreign_key(&mut key);
        }
        create
    }
}

fn quote(name: &str, backend: DbBackend) -> String {
    match backend {
        DbBackend::MySql => format!("`{name}`"),
        _ => format!("\"{name}\""),
    }
}

type Leaves = Box<dyn Fn(Kind) -> &'static str + Send + Sync>;
type Delete = Box<dyn Fn(&Graph, By) -> Deletion + Send + Sync>;

pub(crate) struct Case {
    tables: Vec<Table>,
    rows: Vec<(&'static str, &'static str)>,
    delete: Option<Delete>,
    leaves: Leaves,
    expect: Result<&'static str, &'static str>,
}

impl Case {
    /// The tables, parents first.
    pub(crate) fn new(tables: impl IntoIterator<Item = Table>) -> Self {
        Self {
            tables: tables.into_iter().collect(),
            rows: Vec::new(),
            delete: None,
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
    pub(crate) fn delete<E>(self, entity: E, ids: &'static [i64]) -> Self
    where
        E: EntityTrait,
        <E::PrimaryKey as sea_orm::PrimaryKeyTrait>::ValueType: From<i64>,
    {
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
        let builder = self.tables.iter().fold(Graph::builder(), |builder, table| (table.register)(builder));
        builder.build().expect("the declarations work")
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
                        self.variant(db, by, keys_reversed, &variant).await;
                        self.drop(db).await;
                    }
                }
            }
        }
    }

    async fn variant(&self, db: &TestDb, by: By, on_pool: bool, variant: &str) {
        let before = self.state(&db.conn).await;
        let deletion = (self.delete.as_ref().expect("a delete"))(&self.graph(), by);
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
        let after = self.state(&db.conn).await;
        match (result, self.expect) {
            (Ok(outcome), Ok(expected)) => {
                assert_eq!(outcome.to_string(), expected, "{variant}");
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
        for table in &self.tables {
            let create = table.create(db.backend(), constrained, keys_reversed);
            db.conn.execute(&create).await.unwrap_or_else(|error| panic!("{create:?}: {error}"));
        }
        for (table, values) in &self.rows {
            let table = self.tables.iter().find(|of| of.name == *table).expect("a table of the case");
            let columns: Vec<_> = table.columns.iter().map(|column| quote(column, db.backend())).collect();
            let table = table.quoted(db.backend());
            db.sql(&format!("INSERT INTO {table} ({}) VALUES {values}", columns.join(", "))).await;
        }
    }

    pub(crate) async fn drop(&self, db: &TestDb) {
        for table in self.tables.iter().rev() {
            db.sql(&format!("DROP TABLE {}", table.quoted(db.backend()))).await;
        }
    }

    /// Every row of every table, in key order.
    pub(crate) async fn state<C: ConnectionTrait>(&self, db: &C) -> String {
        let backend = db.get_database_backend();
        let text = if backend == DbBackend::MySql { "CHAR" } else { "TEXT" };
        let mut state = Vec::new();
        for table in &self.tables {
            let columns = table.columns.iter().enumerate();
            let columns = columns.map(|(n, column)| format!("CAST({} AS {text}) AS c{n}", quote(column, backend)));
            let keys = table.primary_key.iter().map(|column| quote(column, backend));
            let sql = format!(
                "SELECT {} FROM {} ORDER BY {}",
                columns.collect::<Vec<_>>().join(", "),
                table.quoted(backend),
                keys.collect::<Vec<_>>().join(", ")
            );
            let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.expect("the state");
            let row = |row: &sea_orm::QueryResult| {
                let value = |n| row.try_get::<Option<String>>("", &format!("c{n}")).expect("text");
                let values = (0..table.columns.len()).map(|n| value(n).unwrap_or_else(|| "-".to_owned()));
                values.collect::<Vec<_>>().join(":")
            };
            let rows: Vec<_> = rows.iter().map(row).collect();
            state.push(format!("{}({})", table.name, rows.join(" ")));
        }
        state.join(" ")
    }
}
