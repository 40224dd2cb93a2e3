//! Tables made from entities, with or without constraints in the database, and what is in them.

use sea_orm::sea_query::{ForeignKeyAction, ForeignKeyCreateStatement, TableCreateStatement};
use sea_orm::{
    ColumnTrait as _, ColumnType, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, Iterable as _,
    PrimaryKeyToColumn as _, Schema, Statement, TransactionTrait as _,
};
use sea_orm_cascade::{Graph, GraphBuilder};

/// An entity as the harness needs it.
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    columns: Vec<String>,
    /// Those of them that hold UUIDs, which are bytes but on PostgreSQL.
    uuids: Vec<usize>,
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
            uuids: (0..)
                .zip(E::Column::iter())
                .filter(|(_, column)| *column.def().get_column_type() == ColumnType::Uuid)
                .map(|(n, _)| n)
                .collect(),
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

/// Statements that make tables, and their foreign keys.
type Creates = Vec<(TableCreateStatement, Vec<ForeignKeyCreateStatement>)>;

async fn add(db: &DatabaseConnection, creates: &Creates) {
    let keys = creates.iter().flat_map(|(_, keys)| keys);
    let keys: Vec<String> = keys.map(|key| db.get_database_backend().build(key).to_string()).collect();
    if keys.is_empty() {
        return;
    }
    let mut statements = keys.join(";");
    if db.get_database_backend() == DbBackend::MySql {
        // It copies the table for each key otherwise.
        statements = format!("SET foreign_key_checks = 0; {statements}; SET foreign_key_checks = 1");
    }
    db.execute_unprepared(&statements).await.unwrap_or_else(|error| panic!("{statements}: {error}"));
}

/// The tables of a test.
pub(crate) struct Tables(pub(crate) Vec<Table>);

impl Tables {
    pub(crate) fn graph(&self) -> Graph {
        self.builder().build().expect("the declarations work")
    }

    pub(crate) fn builder(&self) -> GraphBuilder {
        self.0.iter().fold(Graph::builder(), |builder, table| (table.register)(builder))
    }

    /// Makes the tables with these rows: a table's name and `(1, 2), (3, NULL)`, all columns in
    /// their order. Rows may refer to each other in rings.
    pub(crate) async fn create<N: AsRef<str>, V: AsRef<str>>(
        &self,
        db: &DatabaseConnection,
        constraints: Constraints,
        rows: &[(N, V)],
    ) {
        // Before the first await: an entity may ask its thread what it is like.
        let backend = db.get_database_backend();
        let creates = self.creates(backend, constraints);
        // All is done on one connection.
        let transaction = db.begin().await.expect("a transaction");
        for (create, keys) in &creates {
            let mut create = create.clone();
            if backend == DbBackend::Sqlite {
                // It has no ALTER TABLE .. ADD FOREIGN KEY.
                for key in keys {
                    create.foreign_key(&mut key.clone());
                }
            }
            transaction.execute(&create).await.unwrap_or_else(|error| panic!("{create:?}: {error}"));
        }
        if backend == DbBackend::Sqlite {
            transaction.execute_unprepared("PRAGMA defer_foreign_keys = ON").await.expect("the pragma");
        }
        for (name, values) in rows {
            let table = self.0.iter().find(|table| table.name == name.as_ref()).expect("a table of the test");
            let columns: Vec<_> = table.columns.iter().map(|column| quote(column, backend)).collect();
            let (table, columns) = (table.quoted(backend), columns.join(", "));
            let sql = format!("INSERT INTO {table} ({columns}) VALUES {}", values.as_ref());
            transaction.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        transaction.commit().await.expect("the rows reference each other as declared");
        if backend != DbBackend::Sqlite {
            add(db, &creates).await;
        }
    }

    /// Adds the foreign keys to tables that were made without; SQLite cannot.
    pub(crate) async fn constrain(&self, db: &DatabaseConnection) {
        add(db, &self.creates(db.get_database_backend(), Constraints::Declared)).await;
    }

    fn creates(&self, backend: DbBackend, constraints: Constraints) -> Creates {
        let create = |table: &Table| {
            let (create, mut keys) = table.create(backend);
            match constraints {
                Constraints::None => keys.clear(),
                Constraints::Declared => {}
                Constraints::Reversed => keys.reverse(),
            }
            (create, keys)
        };
        self.0.iter().map(create).collect()
    }

    pub(crate) async fn drop(&self, db: &DatabaseConnection) {
        let backend = db.get_database_backend();
        // Keys in a ring leave no order; statements in one text are run on one connection.
        let (before, cascade, after) = match backend {
            DbBackend::Sqlite => ("PRAGMA foreign_keys = OFF;", "", "PRAGMA foreign_keys = ON"),
            DbBackend::MySql => ("SET foreign_key_checks = 0;", "", "SET foreign_key_checks = 1"),
            _ => ("", " CASCADE", ""),
        };
        let drop = |table: &Table| format!("DROP TABLE IF EXISTS {}{cascade};", table.quoted(backend));
        let drops: String = self.0.iter().map(drop).collect();
        db.execute_unprepared(&format!("{before} {drops} {after}")).await.expect("the tables are dropped");
    }

    /// Every row of every table, in key order: `a(1 2) b(1:1 2:-)`.
    pub(crate) async fn state<C: ConnectionTrait>(&self, db: &C) -> String {
        let backend = db.get_database_backend();
        let text = if backend == DbBackend::MySql { "CHAR" } else { "TEXT" };
        let mut state = Vec::new();
        for table in &self.0 {
            let columns = table.columns.iter().enumerate();
            let columns = columns.map(|(n, column)| {
                let column = quote(column, backend);
                if table.uuids.contains(&n) && backend != DbBackend::Postgres {
                    format!("CASE WHEN {column} IS NOT NULL THEN lower(hex({column})) END AS c{n}")
                } else {
                    format!("CAST({column} AS {text}) AS c{n}")
                }
            });
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
