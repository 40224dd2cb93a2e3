//! Fresh databases: a file for SQLite, a database of its own on each server whose URL is set.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, DbErr, Statement};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MariaDb,
    MySql,
}

/// A database that tests run on.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) kind: Kind,
    url: String,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Sqlite, Self::Postgres, Self::MariaDb, Self::MySql];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
        }
    }

    /// The variable with the URL of a server and of a database on it that may be connected to; none
    /// for SQLite.
    pub(crate) fn variable(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("POSTGRES_URL"),
            Self::MariaDb => Some("MARIADB_URL"),
            Self::MySql => Some("MYSQL_URL"),
        }
    }

    /// Whether SeaORM's backend for it is that of MySQL.
    pub(crate) fn speaks_mysql(self) -> bool {
        matches!(self, Self::MariaDb | Self::MySql)
    }
}

impl Server {
    /// The databases to test on.
    pub(crate) fn all() -> Vec<Self> {
        let server = |kind: Kind| match kind.variable() {
            None => Some(Self { kind, url: String::new() }),
            Some(variable) => {
                let url = std::env::var(variable).ok().filter(|url| !url.is_empty())?;
                Some(Self { kind, url })
            }
        };
        Kind::ALL.into_iter().filter_map(server).collect()
    }

    /// Its version, or why it does not answer.
    pub(crate) async fn version(&self) -> Result<String, DbErr> {
        let (url, sql) = match self.kind {
            Kind::Sqlite => ("sqlite::memory:", "SELECT sqlite_version() AS version"),
            _ => (self.url.as_str(), "SELECT version() AS version"),
        };
        let db = Database::connect(options(url, 1)).await?;
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let row = db.query_one_raw(statement).await?.expect("one row");
        let version: String = row.try_get("", "version")?;
        Ok(version.split(" on ").next().unwrap_or_default().to_owned())
    }

    pub(crate) async fn fresh(&self) -> TestDb {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("cascade_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let (url, directory) = match self.kind {
            Kind::Sqlite => {
                let directory = tempfile::tempdir().expect("a temporary directory");
                let url = format!("sqlite://{}/{name}.db?mode=rwc", directory.path().display());
                (url, Some(directory))
            }
            Kind::Postgres | Kind::MariaDb | Kind::MySql => {
                self.admin(&format!("CREATE DATABASE {name}")).await;
                if self.kind == Kind::Postgres {
                    // It goes with the test, so that nothing has to reach the disk.
                    self.admin(&format!("ALTER DATABASE {name} SET synchronous_commit = off")).await;
                }
                let (server, _) = self.url.rsplit_once('/').expect("the URL names a database");
                (format!("{server}/{name}"), None)
            }
        };
        let conn = Database::connect(options(&url, 4)).await.expect("the fresh database answers");
        TestDb { server: self.clone(), conn, url, _directory: directory }
    }

    /// Drops what `fresh` made, whether or not the test closed it.
    pub(crate) async fn discard(&self, url: &str) {
        let name = url.rsplit('/').next().unwrap_or_default();
        match self.kind {
            // Its directory went with the test.
            Kind::Sqlite => {}
            Kind::Postgres => self.admin(&format!("DROP DATABASE {name} WITH (FORCE)")).await,
            Kind::MariaDb | Kind::MySql => {
                // A connection that a test left behind would keep its tables.
                let db = Database::connect(options(&self.url, 1)).await.expect("the server answers");
                let left =
                    format!("SELECT CAST(id AS SIGNED) AS id FROM information_schema.processlist WHERE db = '{name}'");
                let left = db.query_all_raw(Statement::from_string(DbBackend::MySql, left)).await.expect("the list");
                for connection in left {
                    let id: i64 = connection.try_get("", "id").expect("a number");
                    // It may end by itself meanwhile.
                    let _ = db.execute_unprepared(&format!("KILL {id}")).await;
                }
                db.close().await.expect("the connection closes");
                self.admin(&format!("DROP DATABASE {name}")).await;
            }
        }
    }

    async fn admin(&self, sql: &str) {
        let db = Database::connect(options(&self.url, 1)).await.expect("the server answers");
        db.execute_unprepared(sql).await.expect(sql);
        db.close().await.expect("the connection closes");
    }
}

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).acquire_timeout(Duration::from_mins(1)).max_connections(connections);
    options.map_sqlx_sqlite_opts(|options| options.pragma("synchronous", "OFF"));
    options
}

/// A database that one test has to itself.
#[derive(Debug)]
pub(crate) struct TestDb {
    server: Server,
    pub(crate) conn: DatabaseConnection,
    pub(crate) url: String,
    _directory: Option<tempfile::TempDir>,
}

impl TestDb {
    pub(crate) fn kind(&self) -> Kind {
        self.server.kind
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.conn.get_database_backend()
    }

    /// A pool of its own on the same database.
    pub(crate) async fn connect(&self, connections: u32) -> DatabaseConnection {
        Database::connect(options(&self.url, connections)).await.expect("another pool")
    }

    /// A connection of its own on which MariaDB reads on where a row has changed since its
    /// snapshot, as it does by itself before version 11.6, and not gives an error.
    pub(crate) async fn connect_reading_on(&self) -> DatabaseConnection {
        let conn = self.connect(1).await;
        if self.kind() == Kind::MariaDb {
            conn.execute_unprepared("SET innodb_snapshot_isolation = OFF").await.expect("the setting");
        }
        conn
    }

    /// The number that a query gives.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let row = self.conn.query_one_raw(Statement::from_string(self.backend(), sql)).await.expect(sql);
        row.expect("one row").try_get_by_index(0).expect("a number")
    }

    /// The connections of this database that wait for a lock, or all but this one.
    async fn connections(&self, waiting: bool) -> Vec<i64> {
        let sql = match (self.kind(), waiting) {
            (Kind::Sqlite, _) => unreachable!("it has no server"),
            (Kind::Postgres, true) => {
                "SELECT CAST(pid AS bigint) AS id FROM pg_stat_activity \
                 WHERE datname = current_database() AND wait_event_type = 'Lock'"
            }
            (Kind::Postgres, false) => {
                "SELECT CAST(pid AS bigint) AS id FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()"
            }
            (Kind::MariaDb, true) => {
                "SELECT CAST(id AS SIGNED) AS id FROM information_schema.processlist \
                 WHERE db = database() AND id <> connection_id() AND command <> 'Sleep' AND time_ms > 50"
            }
            (Kind::MySql, true) => {
                // `innodb_trx` says the same for as long as it is asked more than ten times a
                // second.
                "SELECT CAST(t.processlist_id AS SIGNED) AS id FROM performance_schema.data_lock_waits AS w \
                 JOIN performance_schema.threads AS t ON t.thread_id = w.requesting_thread_id \
                 WHERE t.processlist_db = database()"
            }
            (Kind::MariaDb | Kind::MySql, false) => {
                "SELECT CAST(id AS SIGNED) AS id FROM information_schema.processlist \
                 WHERE db = database() AND id <> connection_id()"
            }
        };
        let rows = self.conn.query_all_raw(Statement::from_string(self.backend(), sql)).await.expect("the list");
        rows.iter().map(|row| row.try_get_by_index(0).expect("a number")).collect()
    }

    /// Ends every other connection to this database.
    pub(crate) async fn cut_others(&self) {
        self.cut(self.connections(false).await).await;
    }

    /// Ends those that wait for a lock.
    pub(crate) async fn cut_waiting(&self) {
        self.cut(self.connections(true).await).await;
    }

    async fn cut(&self, connections: Vec<i64>) {
        for id in connections {
            let cut = match self.kind() {
                Kind::Postgres => format!("SELECT pg_terminate_backend({id})"),
                _ => format!("KILL {id}"),
            };
            // It may end by itself meanwhile.
            let _ = self.conn.execute_unprepared(&cut).await;
        }
    }

    /// Returns when a connection waits for a lock; on SQLite, which cannot tell, soon.
    pub(crate) async fn somebody_waits(&self) {
        for _ in 0..1_000 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if self.kind() == Kind::Sqlite || !self.connections(true).await.is_empty() {
                return;
            }
        }
        panic!("nobody waits for a lock");
    }

    pub(crate) async fn sql(&self, sql: &str) {
        self.conn.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}
