//! Tables made from entities, with or without constraints in the database, and what is in them.

use sea_orm::sea_query::{ForeignKeyAction, ForeignKeyCreateStatement, TableCreateStatement};
use sea_orm::{
    ConnectionTrait, DbBackend, EntityTrait, Iterable as _, PrimaryKeyToColumn as _, Schema, Statement,
    TransactionTrait as _,
};
use sea_orm_cascade::cascade::{Graph, GraphBuilder};

use super::TestDb;

/// An entity as the harness needs it.
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    columns: Vec<String>,
    primary_key: Vec<String>,
    create: fn(&Schema) -> TableCreateStatement,
    register: fn(GraphBuilder) -> GraphBuilder,
}

/// The foreign keys in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Constraints {
    None,
    Declared,
    /// The same, made in the other order.
    Reversed,
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

    /// CREATE TABLE without its foreign keys, and these.
    fn create(&self, backend: DbBackend) -> (TableCreateStatement, Vec<ForeignKeyCreateStatement>) {
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
        for key in &mut keys {
            let action = key.get_foreign_key().get_on_delete();
            if backend == DbBackend::MySql && matches!(action, Some(ForeignKeyAction::SetDefault)) {
                // InnoDB cannot declare it.
                key.on_delete(ForeignKeyAction::NoAction);
            }
        }
        (create, keys)
    }
}

fn quote(name: &str, backend: DbBackend) -> String {
    match backend {
        DbBackend::MySql => format!("`{name}`"),
        _ => format!("\"{name}\""),
    }
}

/// The tables of a test.
pub(crate) struct Tables(pub(crate) Vec<Table>);

impl Tables {
    pub(crate) fn graph(&self) -> Graph {
        let builder = self.0.iter().fold(Graph::builder(), |builder, table| (table.register)(builder));
        builder.build().expect("the declarations work")
    }

    /// Makes the tables with these rows: a table's name and `(1, 2), (3, NULL)`, all columns in their order. Rows may
    /// refer to each other in rings.
    pub(crate) async fn create<N: AsRef<str>, V: AsRef<str>>(
        &self,
        db: &TestDb,
        constraints: Constraints,
        rows: &[(N, V)],
    ) {
        let backend = db.backend();
        let is_sqlite = backend == DbBackend::Sqlite;
        // All is done on one connection.
        let transaction = db.conn.begin().await.expect("a transaction");
        let mut keys = Vec::new();
        for table in &self.0 {
            let (mut create, mut own) = table.create(backend);
            if constraints == Constraints::Reversed {
                own.reverse();
            }
            if is_sqlite && constraints != Constraints::None {
                // It has no ALTER TABLE .. ADD FOREIGN KEY.
                for key in &mut own {
                    create.foreign_key(key);
                }
            }
            transaction.execute(&create).await.unwrap_or_else(|error| panic!("{create:?}: {error}"));
            keys.extend(own);
        }
        if is_sqlite {
            transaction.execute_unprepared("PRAGMA defer_foreign_keys = ON").await.expect("the pragma");
        }
        for (name, values) in rows {
            let table = self.0.iter().find(|table| table.name == name.as_ref()).expect("a table of the test");
            let columns: Vec<_> = table.columns.iter().map(|column| quote(column, backend)).collect();
            let (table, columns) = (table.quoted(backend), columns.join(", "));
            let sql = format!("INSERT INTO {table} ({columns}) VALUES {}", values.as_ref());
            transaction.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        if !is_sqlite && constraints != Constraints::None {
            for key in &keys {
                transaction.execute(key).await.unwrap_or_else(|error| panic!("{key:?}: {error}"));
            }
        }
        transaction.commit().await.expect("the rows refer to each other as declared");
    }

    pub(crate) async fn drop(&self, db: &TestDb) {
        let backend = db.backend();
        let transaction = db.conn.begin().await.expect("a transaction");
        let (before, after) = match backend {
            DbBackend::Sqlite => ("PRAGMA defer_foreign_keys = ON", "SELECT 1"),
            DbBackend::MySql => ("SET foreign_key_checks = 0", "SET foreign_key_checks = 1"),
            _ => ("SELECT 1", "SELECT 1"),
        };
        transaction.execute_unprepared(before).await.expect(before);
        for table in self.0.iter().rev() {
            let cascade = if backend == DbBackend::Postgres { " CASCADE" } else { "" };
            let sql = format!("DROP TABLE {}{cascade}", table.quoted(backend));
            transaction.execute_unprepared(&sql).await.expect(&sql);
        }
        transaction.execute_unprepared(after).await.expect(after);
        transaction.commit().await.expect("the tables are gone");
    }

    /// Every row of every table, in key order: `a(1 2) b(1:1 2:-)`.
    pub(crate) async fn state<C: ConnectionTrait>(&self, db: &C) -> String {
        let backend = db.get_database_backend();
        let text = if backend == DbBackend::MySql { "CHAR" } else { "TEXT" };
        let mut state = Vec::new();
        for table in &self.0 {
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
