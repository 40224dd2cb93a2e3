//! Whether a database is as the entities declare it: the request, the findings, and what fixes
//! them.
//!
//! I/O: this is where an audit begins and ends its transaction. `catalog` reads the schema into the
//! plain data of `live`, `rows` looks through rows, `compare` holds both against the declarations
//! (with `made` for what is missing, `depth`, `types` and `ends` for the types of columns, and
//! `keepers` for what keeps rows), `fix` and `rebuild` write the SQL that makes it so, and
//! `finding` is what comes of it.

mod actions;
mod catalog;
mod compare;
mod depth;
mod ends;
mod fix;
mod keepers;
mod live;
mod made;
mod places;
mod rebuild;
mod rows;
mod types;

use compare::RowsFound;

use crate::cascade::data::finding::{Audit, Checked};
use crate::cascade::data::name::label;
use crate::cascade::db::execution::{Capture, Execution};
use crate::cascade::db::session::{Connection, Purpose};
use crate::cascade::declare::graph::Graph;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::plan::Plan;
use crate::cascade::run::cancel::cancellable;
use crate::cascade::run::retry::Retries;
use crate::cascade::run::transaction::{Prepared, Request, Work};

/// A request to audit a database, from [`Graph::audit`].
///
/// It does nothing until it is run, and can be run more than once.
#[derive(Debug, Clone)]
#[must_use = "an audit does nothing until `run` is called"]
pub struct AuditRequest {
    graph: Graph,
    counts_orphans: bool,
}

impl Graph {
    /// Holds the declarations against the schema that the database has, and says what differs, why
    /// that matters and what fixes it: for a start-up check, a test of migrations, or a look at a
    /// database that has grown old.
    ///
    /// Asked of each registered table and key: whether the table and its columns are there; whether
    /// the constraint is there (unless `skip_fk` says that it is not meant to be), does what is
    /// declared, is checked and validated; whether an index leads with the key's columns; whether
    /// the columns referenced tell rows apart; whether the key can be NULL just where it is
    /// declared so; whether the columns by which rows are found have the declared types, and the
    /// two ends of a key one type and collation, as far as that decides what is equal or whether a
    /// constraint can join them. And of the database: which other constraints lead to registered
    /// tables or parts of them, and whether this connection (of a pool, the one that answers)
    /// checks constraints at all. The [`Audit`] says what was looked at.
    ///
    /// It also lists what can make a delete do less or more than it says: triggers for DELETE, and
    /// for UPDATE where a delete may change rows; rules and row security of PostgreSQL (the latter
    /// if it holds for this connection); storage engines without transactions; entities of views;
    /// computed columns under SET NULL or SET DEFAULT; and, where several servers take writes at
    /// once, keys without a constraint. None of it need be wrong: what is known and meant is set
    /// aside with [`Audit::accept`].
    ///
    /// A constraint that refuses is the same to it under NO ACTION and RESTRICT on MySQL and
    /// MariaDB, where InnoDB makes no difference; and NO ACTION stands for SET DEFAULT there, which
    /// InnoDB cannot declare. Where the database's own cascade is at its end
    /// ([`FindingKind::CascadeTooDeep`](crate::FindingKind::CascadeTooDeep)), NO ACTION stands for
    /// CASCADE. Of an entity of a view only its columns and what can keep rows are asked for. It
    /// sees what the connection's user sees of the catalogs.
    ///
    /// Costs 5 statements on PostgreSQL, 5 on SQLite (4 more for each declared schema but `main`),
    /// 8 on MySQL and 9 on MariaDB, in one transaction that writes nothing, however many tables
    /// there are. No row of them is read, but for a key from a table to itself whose constraint
    /// refuses where CASCADE is declared, on a database whose own cascade has a limit: one
    /// statement measures how deep its rows go. [`AuditRequest::counting_orphans`] reads rows too.
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
    /// For a start-up check or a test: nothing, or an error that says all that was found.
    ///
    /// # Errors
    /// [`ErrorKind::AuditFailed`] with this audit.
    pub fn expect_clean(&self) -> Result<(), Error> {
        if self.is_clean() { Ok(()) } else { Err(ErrorKind::AuditFailed(Box::new(self.clone())).into()) }
    }
}

impl AuditRequest {
    /// Counts the rows whose parent is missing too, for each key, with the primary keys of the
    /// first of them ([`FindingKind::Orphans`](crate::FindingKind::Orphans)); [`Graph::repair`]
    /// fixes them.
    ///
    /// Where the database's own cascade has a limit (1,000 levels on SQLite, 15 in InnoDB) it also
    /// measures how deep rows go by keys from a table to itself: from half of that on,
    /// [`FindingKind::CascadeTooDeep`](crate::FindingKind::CascadeTooDeep) says so. (Cycles of
    /// several tables are not measured.)
    ///
    /// On SQLite, which stores any value in any column, it also counts the rows whose keys are not
    /// stored in the form of their declared type
    /// ([`FindingKind::StoredOtherwise`](crate::FindingKind::StoredOtherwise)).
    ///
    /// Not counted are orphans by a key whose ends the database would have to convert, or refuses,
    /// to compare: that is a finding of its own
    /// ([`FindingKind::EndsDiffer`](crate::FindingKind::EndsDiffer)).
    ///
    /// One statement for each key, which looks up the parent of each row, one for each key that has
    /// orphans, and one for each key that is measured (on SQLite one for each table too); on a pool
    /// all in one snapshot.
    pub fn counting_orphans(mut self) -> Self {
        self.counts_orphans = true;
        self
    }

    /// Reads the catalogs, and the rows that it needs, and compares.
    ///
    /// Inside a transaction of the caller's it works in a savepoint.
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
        Ok(Prepared {
            graph: self.graph.clone(),
            plan: Plan::default(),
            capture: Capture::default(),
            purpose: Purpose::Read,
            retries: Retries::default(),
            span: tracing::debug_span!(target: "sea_orm_cascade", "cascade.audit", tables),
        })
    }
}
