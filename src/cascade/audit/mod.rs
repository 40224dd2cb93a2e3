//! Whether a database is as the entities declare it: the request, the findings, and what mends them.
//!
//! I/O: this is where an audit begins and ends its transaction. `catalog` reads the schema into the plain data of `live`,
//! `rows` looks through rows, `compare` holds both against the declarations (with `made` for what is missing, `depth`,
//! `types` and `ends` for the types of columns, and `keepers` for what keeps rows), `mend` and `rebuild` write the SQL that makes it so, and `finding` is what comes of it.

mod catalog;
mod compare;
mod depth;
mod ends;
mod keepers;
mod live;
mod made;
mod mend;
mod rebuild;
mod rows;
mod types;

use std::fmt;
use std::pin::Pin;

use compare::RowsFound;
use tracing::Instrument as _;

use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::finding::{Audit, Checked};
use crate::cascade::data::name::label;
use crate::cascade::db::execution::Watch;
use crate::cascade::db::session;
use crate::cascade::db::session::{Connection, Purpose};
use crate::cascade::declare::graph::Graph;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::run::cancel::{Awaited, WhileAwaited, Work, shielded};
use crate::cascade::run::retry::Retries;

/// An audit that is asked for, from [`Graph::audit`]: await it.
#[must_use = "an audit does nothing until it is awaited"]
pub struct Auditing<'a, C> {
    looking: Looking,
    db: &'a C,
}

#[derive(Debug, Clone)]
struct Looking {
    graph: Graph,
    counts_orphans: bool,
}

impl Graph {
    /// Holds the declarations against the schema that the database has, and says what differs, why that matters and what
    /// mends it: for a start-up check, a test of migrations, or a look at a database that has grown old.
    ///
    /// Asked of each registered table and key: whether the table and its columns are there; whether the constraint is
    /// there (unless `skip_fk` says that it is not meant to be), does what is declared, is checked and validated; whether
    /// an index leads with the key's columns; whether the columns referred to tell rows apart; whether the key can be NULL
    /// just where it is declared so; whether the columns by which rows are found have the declared types, and the two ends of
    /// a key one type and collation, as far as that decides what is equal or whether a constraint can join them. And of the
    /// database: which other constraints lead to registered tables or parts of them, and whether this connection (of a pool,
    /// the one that answers) checks constraints at all. The [`Audit`] says what was looked at.
    ///
    /// It also lists what can make a delete do less or more than it says: triggers for DELETE, and for UPDATE where a delete
    /// may change rows; rules and row security of PostgreSQL (the latter if it holds for this connection); storage engines
    /// without transactions; entities of views; computed columns under SET NULL or SET DEFAULT; and, where several servers
    /// take writes at once, keys without a constraint. None of it need be wrong: what is known and meant is set aside with
    /// [`Audit::accept`].
    ///
    /// A constraint that refuses is the same to it under NO ACTION and RESTRICT on MySQL and MariaDB, where InnoDB makes no
    /// difference; and NO ACTION stands for SET DEFAULT there, which InnoDB cannot declare. Where the database's own cascade is
    /// at its end ([`FindingKind::CascadeTooDeep`]), NO ACTION stands for CASCADE. Of an entity of a view only its columns and what
    /// can keep rows are asked for. It sees what the connection's user sees of the catalogs.
    ///
    /// Costs 5 statements on PostgreSQL, 5 on SQLite (4 more for each declared schema but `main`), 8 on MySQL and 9 on MariaDB, in one
    /// transaction that writes nothing, however many tables there are. No row of them is read, but for a key from a table to
    /// itself whose constraint refuses where CASCADE is declared, on a database whose own cascade has a limit: one statement
    /// measures how deep its rows go. [`Auditing::counting_orphans`] reads rows too.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm::ConnectionTrait as _;
    /// use sea_orm_cascade::cascade::FindingKind;
    ///
    /// let graph = sea_orm_cascade::service::graph().build()?;
    /// graph.audit(&db).await?.expect_clean()?;
    ///
    /// db.execute_unprepared("DROP INDEX items_store_id_id_idx").await?;
    /// let audit = graph.audit(&db).await?;
    /// assert!(matches!(audit.findings()[0].kind, FindingKind::IndexMissing { .. }));
    /// println!("{audit}");
    ///
    /// for statement in audit.statements() {
    ///     db.execute_unprepared(statement).await?;
    /// }
    /// graph.audit(&db).await?.expect_clean()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::BackendDisabled`](super::ErrorKind::BackendDisabled),
    /// [`ErrorKind::Forbidden`](super::ErrorKind::Forbidden), [`ErrorKind::Database`](super::ErrorKind::Database).
    pub fn audit<'a, C: Connection>(&self, db: &'a C) -> Auditing<'a, C> {
        Auditing { looking: Looking { graph: self.clone(), counts_orphans: false }, db }
    }
}

impl Audit {
    /// For a start-up check or a test: nothing, or an error that says all that was found.
    ///
    /// # Errors
    /// [`ErrorKind::Unclean`] with this audit.
    pub fn expect_clean(&self) -> Result<(), Error> {
        if self.is_clean() { Ok(()) } else { Err(ErrorKind::Unclean(Box::new(self.clone())).into()) }
    }
}

impl<C> Auditing<'_, C> {
    /// Counts the rows whose parent is missing too, for each key, with the primary keys of the first of them
    /// ([`FindingKind::Orphans`]); [`Graph::repair`] mends them.
    ///
    /// Where the database's own cascade has a limit (1,000 levels on SQLite, 15 in InnoDB) it also measures how deep rows go
    /// by keys from a table to itself: from half of that on, [`FindingKind::CascadeTooDeep`] says so. (Cycles of several
    /// tables are not measured.)
    ///
    /// On SQLite, which stores any value in any column, it also counts the rows whose keys are not stored in the form of their
    /// declared type ([`FindingKind::StoredOtherwise`]).
    ///
    /// Not counted are orphans by a key whose ends the database would have to convert, or refuses, to compare: that is a
    /// finding of its own ([`FindingKind::EndsDiffer`]).
    ///
    /// One statement for each key, which looks up the parent of each row, one for each key that has orphans, and one for
    /// each key that is measured (on SQLite one for each table too); on a pool all in one snapshot.
    pub fn counting_orphans(mut self) -> Self {
        self.looking.counts_orphans = true;
        self
    }
}

impl<C> fmt::Debug for Auditing<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { looking, db: _ } = self;
        f.debug_struct("Auditing").field("looking", looking).finish_non_exhaustive()
    }
}

impl<'a, C: Connection> IntoFuture for Auditing<'a, C> {
    type Output = Result<Audit, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { shielded(&self.looking, self.db).await })
    }
}

impl Work for Looking {
    type Output = Audit;

    async fn on<C: Connection>(&self, db: &C, awaited: &Awaited) -> Result<Audit, Error> {
        let (schema, dialect) = (self.graph.schema(), Dialect::of(db.get_database_backend())?);
        let retries = if session::is_transaction::<C>() { Retries::NONE } else { Retries::default() };
        let look = || async {
            let transaction = session::begin(db, dialect, Purpose::Read).await?;
            let session = WhileAwaited { session: &transaction, awaited };
            let looked = async {
                let live = catalog::read(&session, dialect, schema).await?;
                let rows = rows::read(&session, dialect, schema, &live, self.counts_orphans).await?;
                let stored = if self.counts_orphans {
                    rows::stored(&session, dialect, schema, &live).await?
                } else {
                    Vec::new()
                };
                Ok((live, rows, stored))
            };
            let result = looked.await;
            session::finish(transaction, result).await
        };
        let span = tracing::debug_span!(target: "sea_orm_cascade", "cascade.audit", tables = schema.tables.len());
        let (live, rows, stored) = retries.of(&Watch::default(), look).instrument(span).await?;
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
