//! Compares a database with the declarations: the request, the findings, and their fixes.
//!
//! I/O: an audit begins and ends its transaction here. `catalog` reads the schema into the plain
//! data of `live`. `rows` reads rows. `compare` compares both with the declarations (with `made`
//! for missing tables, `depth`, `types` and `ends` for column types, and `keepers` for what keeps
//! rows). `fix` and `rebuild` write the SQL of the fixes. `actions` takes the actions of a graph
//! from the constraints.

mod actions;
mod compare;
mod depth;
mod ends;
mod fix;
mod keepers;
mod made;
mod records;
mod rows;

use compare::RowsFound;

use crate::cascade::data::finding::{Audit, Checked};
use crate::cascade::data::name::label;
use crate::cascade::db::execution::Execution;
use crate::cascade::db::session::Connection;
use crate::cascade::declare::graph::Graph;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::live::catalog;
use crate::cascade::run::cancel::cancellable;
use crate::cascade::run::transaction::{Prepared, Request, Work};

/// A request to audit a database, from [`Graph::audit`].
///
/// It does nothing until you run it. You can run it more than once.
#[derive(Debug, Clone)]
#[must_use = "an audit does nothing until `run` is called"]
pub struct AuditRequest {
    graph: Graph,
    counts_orphans: bool,
}

impl Graph {
    /// Returns a request to compare the declarations with the schema of a database: for a check at
    /// start-up, a test of migrations, or an old database.
    ///
    /// Each finding says what differs, why that matters, and how to fix it. The audit checks:
    ///
    /// - whether each registered table and its columns exist;
    /// - whether each foreign key has a constraint (unless `skip_fk` says that it has none), with
    ///   the declared action, and whether the constraint is enforced and validated;
    /// - whether an index begins with the foreign key's columns;
    /// - whether the referenced columns are unique;
    /// - whether a foreign key can be NULL exactly where it is declared so;
    /// - whether key columns have the declared types, and the two ends of a foreign key the same
    ///   type and collation, as far as that decides which values are equal or whether a constraint
    ///   is possible;
    /// - whether other constraints reference registered tables or their partitions;
    /// - whether this connection checks foreign keys (of a pool, the connection that runs it).
    ///
    /// It also reports what can make a delete do less or more than its outcome says: triggers for
    /// DELETE, and for UPDATE where a delete may change rows; rules and active row security of
    /// PostgreSQL; storage engines without transactions; entities of views; generated columns under
    /// SET NULL or SET DEFAULT; and foreign keys without a constraint where several servers accept
    /// writes. If you want to keep one of these, accept it with [`Audit::accept`].
    ///
    /// Some differences are not reported. NO ACTION and RESTRICT are the same on MySQL and MariaDB.
    /// NO ACTION replaces SET DEFAULT there, which InnoDB cannot declare. NO ACTION may replace
    /// CASCADE where the database's own cascade is near its limit
    /// ([`FindingKind::CascadeTooDeep`](crate::FindingKind::CascadeTooDeep)). Of a view, only its
    /// columns and what can keep rows are checked. The audit sees what the connection's user sees of
    /// the catalogs.
    ///
    /// It costs 5 statements on PostgreSQL, 5 on SQLite (4 more for each declared schema except
    /// `main`), 8 on MySQL and 9 on MariaDB, for any number of tables, in one transaction that
    /// writes nothing. It reads no rows, with one exception: if a foreign key from a table to itself
    /// is declared CASCADE and its constraint refuses, and the database's own cascade has a limit,
    /// one statement measures how deep its rows go. [`AuditRequest::counting_orphans`] reads rows
    /// too.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm::ConnectionTrait as _;
    /// use sea_orm_cascade::FindingKind;
    ///
    /// let graph = sea_orm_cascade::service::graph().build()?;
    /// graph.audit().run(&db).await?.expect_clean()?;
    ///
    /// db.execute_unprepared("DROP INDEX items_store_id_id_idx").await?;
    /// let audit = graph.audit().run(&db).await?;
    /// assert!(matches!(audit.findings()[0].kind, FindingKind::IndexMissing { .. }));
    /// println!("{audit}");
    ///
    /// for statement in audit.statements() {
    ///     db.execute_unprepared(statement).await?;
    /// }
    /// graph.audit().run(&db).await?.expect_clean()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::BackendDisabled`](crate::ErrorKind::BackendDisabled),
    /// [`ErrorKind::Forbidden`](crate::ErrorKind::Forbidden), [`ErrorKind::Database`](crate::ErrorKind::Database).
    pub fn audit(&self) -> AuditRequest {
        AuditRequest { graph: self.clone(), counts_orphans: false }
    }
}

impl Audit {
    /// Returns an error with all findings, if there are any: for a check at start-up or a test.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// let graph = sea_orm_cascade::service::graph().build()?;
    /// let error = graph.audit().run(&db).await?.expect_clean().unwrap_err();
    /// assert!(error.to_string().contains("no such table"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::AuditFailed`] with this audit.
    pub fn expect_clean(&self) -> Result<(), Error> {
        if self.is_clean() { Ok(()) } else { Err(ErrorKind::AuditFailed(Box::new(self.clone())).into()) }
    }
}

impl AuditRequest {
    /// Counts also the orphans of each foreign key, with the primary keys of the first of them
    /// ([`FindingKind::Orphans`](crate::FindingKind::Orphans)). [`Graph::repair`] repairs them.
    ///
    /// If the database's own cascade has a limit (1,000 levels on SQLite, 15 in InnoDB), it also
    /// measures how deep the rows of a foreign key from a table to itself go. From half of the limit
    /// on, it reports [`FindingKind::CascadeTooDeep`](crate::FindingKind::CascadeTooDeep). Cycles of
    /// several tables are not measured.
    ///
    /// SQLite stores any value in any column. There it also counts the rows whose keys are not
    /// stored in the form of their declared type
    /// ([`FindingKind::StoredOtherwise`](crate::FindingKind::StoredOtherwise)).
    ///
    /// It does not count orphans of a foreign key whose two ends the database cannot compare without
    /// a conversion. That is another finding
    /// ([`FindingKind::EndsDiffer`](crate::FindingKind::EndsDiffer)).
    ///
    /// It costs one statement for each foreign key, which looks up the parent of each row; one more
    /// for each foreign key that has orphans or is measured; and on SQLite one for each table. On a
    /// pool all of them read one snapshot.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// let graph = sea_orm_cascade::service::graph().build()?;
    /// let audit = graph.audit().counting_orphans().run(&db).await?;
    /// assert_eq!(audit.checked().orphans_of, ["items.store_id"]);
    /// # Ok(()) }
    /// ```
    pub fn counting_orphans(mut self) -> Self {
        self.counts_orphans = true;
        self
    }

    /// Runs the audit. It reads the catalogs, and the rows that it needs, and compares them with the
    /// declarations. Inside a transaction of yours it works in a savepoint.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// let audit = sea_orm_cascade::service::graph().build()?.audit().run(&db).await?;
    /// println!("{audit}");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::BackendDisabled`], [`ErrorKind::Forbidden`], [`ErrorKind::Database`].
    pub async fn run<C: Connection>(&self, db: &C) -> Result<Audit, Error> {
        cancellable(self, db).await
    }
}

impl Work for AuditRequest {
    type Output = Audit;

    async fn work(&self, execution: Execution<'_>) -> Result<Audit, Error> {
        let Execution { schema, dialect, session, .. } = execution;
        let live = catalog::read(session, dialect, schema).await?;
        let rows = rows::read(session, dialect, schema, &live, self.counts_orphans).await?;
        let stored =
            if self.counts_orphans { rows::stored(session, dialect, schema, &live).await? } else { Vec::new() };
        let key = |found: &RowsFound| schema.keys[found.key].label.clone();
        let checked = Checked {
            tables: self.graph.tables().map(ToOwned::to_owned).collect(),
            keys: schema.keys.iter().map(|key| key.label.clone()).collect(),
            orphans_of: rows.iter().filter(|found| found.orphans.is_some()).map(key).collect(),
            depths_of: rows.iter().filter(|found| found.levels.is_some()).map(key).collect(),
            left_to_database: schema.left_to_database.iter().map(label).collect(),
        };
        Ok(Audit::new(live.server.clone(), checked, compare::compare(schema, &live, &rows, &stored)))
    }
}

impl Request for AuditRequest {
    fn prepare(&self) -> Result<Prepared, Error> {
        let tables = self.graph.tables().count();
        let span = tracing::debug_span!(target: "sea_orm_cascade", "cascade.audit", tables);
        Ok(Prepared::reading(&self.graph, span))
    }
}
