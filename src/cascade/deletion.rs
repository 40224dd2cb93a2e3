//! A request to delete rows, and the two functions that run it: `preview` and `execute`.
//!
//! I/O: a run begins and ends its transaction here. `run` does the work in between.

use std::sync::Arc;

use sea_orm::sea_query::{IntoValueTuple as _, TableName};
use sea_orm::{EntityTrait, PrimaryKeyTrait, QueryTrait as _, Select};
use tracing::Span;

use crate::cascade::data::name::label;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::preview::Preview;
use crate::cascade::db::execution::{Capture, Execution};
use crate::cascade::db::session::{Connection, Purpose};
use crate::cascade::declare::declaration::EntityId;
use crate::cascade::declare::graph::Graph;
use crate::cascade::declare::schema::TableId;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::plan::Plan;
use crate::cascade::plan::roots::Roots;
use crate::cascade::run::cancel::cancellable;
use crate::cascade::run::retry::Retries;
use crate::cascade::run::transaction::{Prepared, Request, Work, tell};

/// A request to delete some rows of one entity and every row that depends on them.
///
/// [`Graph::delete`] and [`Graph::delete_keys`] return it. It does nothing until you run it, and
/// you can run it more than once. It owns its graph, so you can store it and move it.
#[derive(Debug, Clone)]
#[must_use = "a deletion does nothing until `preview` or `execute` is called"]
pub struct Deletion {
    pub(crate) graph: Graph,
    entity: EntityId,
    pub(crate) roots: Arc<Roots>,
    pub(crate) at_most: Option<u64>,
    pub(crate) expecting: Option<Box<Preview>>,
    keys_of: Vec<EntityId>,
    pub(crate) retries: Retries,
    counting_up_to: Option<u64>,
    under_row_security: bool,
    must_exist: bool,
    /// Why, if it can be undone.
    pub(crate) undoable: Option<String>,
}

/// A deletion that only reads.
#[derive(Clone)]
struct Previewing(Deletion);

/// A deletion that writes.
#[derive(Clone)]
struct Executing(Deletion);

impl Graph {
    /// Returns a request to delete the rows that this Select returns, and the rows that depend on
    /// them.
    ///
    /// The Select stays as written: its filters, joins, `LIMIT` and order decide which rows are
    /// taken. A row that a join repeats is taken once. The Select runs before anything is deleted,
    /// so its filter may read rows that this delete removes.
    ///
    /// If another transaction held a lock on the rows, they are re-checked against the Select after
    /// they are locked, without ORDER BY, LIMIT and OFFSET: which rows are first is decided once.
    /// If a WHERE gives another result at each reading, this check can remove rows and never adds
    /// any.
    ///
    /// Nothing runs before [`Deletion::preview`] or [`Deletion::execute`]. These two also refuse an
    /// entity that is not in the graph.
    ///
    /// # Example
    /// ```
    /// use sea_orm::EntityTrait as _;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let graph = service::graph().build()?;
    /// let deletion = graph.delete(store::Entity::find().filter(store::COLUMN.name.eq("Old")));
    /// # use sea_orm::QueryFilter as _;
    /// # let _ = deletion;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn delete<E: EntityTrait>(&self, rows: Select<E>) -> Deletion {
        let roots = Roots::Select(Box::new(rows.into_query()));
        Deletion::new(self.clone(), EntityId::of::<E>(), roots)
    }

    /// Returns a request to delete the rows with these primary keys, and the rows that depend on
    /// them.
    ///
    /// Any number of keys is allowed. A composite key is a tuple. A key without a row is not an
    /// error: check that [`Outcome::deleted`] is not 0, or use [`Deletion::must_exist`].
    ///
    /// Rust takes an integer literal for an `i32`. For keys of type `i64`, write a literal above
    /// 2,147,483,647 with its suffix: `[5_000_000_000_i64]`.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let graph = service::graph().build()?;
    /// let deletion = graph.delete_keys(store::Entity, [1, 2, 3]);
    /// # let _ = deletion;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn delete_keys<E, K>(&self, _entity: E, keys: impl IntoIterator<Item = K>) -> Deletion
    where
        E: EntityTrait,
        K: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        let keys = keys.into_iter();
        let keys = keys.map(|key| key.into().into_value_tuple().into_iter().collect());
        Deletion::new(self.clone(), EntityId::of::<E>(), Roots::Keys(keys.collect()))
    }
}

impl Deletion {
    pub(crate) fn new(graph: Graph, entity: EntityId, roots: Roots) -> Self {
        Self {
            graph,
            entity,
            roots: Arc::new(roots),
            at_most: None,
            expecting: None,
            keys_of: Vec::new(),
            retries: Retries::default(),
            counting_up_to: None,
            under_row_security: false,
            must_exist: false,
            undoable: None,
        }
    }

    /// Refuses the delete if it would delete and change more than this many rows in total, the
    /// roots included.
    ///
    /// A row that is changed through two foreign keys counts twice. This costs one counting
    /// statement before the first write. It limits what is written, not what is read: in a tree (a
    /// table that references itself), the rows are found and their keys are kept before they are
    /// counted.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    ///
    /// let deletion = graph.delete_keys(store::Entity, [ikea.id]).at_most(2);
    /// let error = deletion.execute(&db).await.unwrap_err();
    /// assert!(error.is_too_many_rows());
    /// # Ok(()) }
    /// ```
    pub fn at_most(mut self, rows: u64) -> Self {
        self.at_most = Some(rows);
        self
    }

    /// Refuses the delete if it would not do what this preview showed.
    ///
    /// The roots must be the same rows, and the row counts of every foreign key and table must be
    /// the same. Rows below the roots are compared by count only. This costs one counting statement
    /// before the first write.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create(&db, "IKEA").await?;
    ///
    /// let deletion = graph.delete_keys(store::Entity, [ikea.id]);
    /// let preview = deletion.preview(&db).await?;
    /// service::item::create(&db, ikea.id, "Chair").await?;
    /// let error = deletion.expecting(&preview).execute(&db).await.unwrap_err();
    /// assert!(error.is_changed());
    /// # Ok(()) }
    /// ```
    pub fn expecting(mut self, preview: &Preview) -> Self {
        self.expecting = Some(Box::new(preview.clone()));
        self
    }

    /// Makes a [preview](Self::preview) stop counting at this many rows, for each foreign key and
    /// for each table.
    ///
    /// A larger number is shown as "more than 1000 rows". The preview is then fast, also when there
    /// are millions of rows. It shows the total as "at least" a number. Two things are not limited:
    ///
    /// - The number of roots is exact, because their keys are read anyway.
    /// - Blockers are always searched among all rows, so a preview without blockers has none.
    ///
    /// It takes as long as a full preview for rows of tables in a cycle, for tables that can be
    /// reached in more than four ways, and on MySQL and MariaDB below more than 20,000 fetched
    /// rows.
    ///
    /// It does not change [`execute`](Self::execute). If you give such a preview to
    /// [`expecting`](Self::expecting), `execute` refuses when a number up to the limit differs, or
    /// when a number that was above the limit no longer is.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", (0..250).map(|n| format!("item {n}"))).await?;
    ///
    /// let preview = graph.delete_keys(store::Entity, [ikea.id]).counting_up_to(100).preview(&db).await?;
    /// assert_eq!(
    ///     preview.to_string(),
    ///     "stores: 1 row to delete\n└─ items.store_id CASCADE: more than 100 rows to delete\n\
    ///      total: at least 102 rows deleted, 0 changed"
    /// );
    /// # Ok(()) }
    /// ```
    pub fn counting_up_to(mut self, rows: u64) -> Self {
        self.counting_up_to = Some(rows);
        self
    }

    /// Makes the outcome carry the primary keys of this entity's deleted rows ([`Outcome::keys`]).
    ///
    /// Use it for a cache or a search index that must remove these rows. You can call it for
    /// several entities. Only the keys of these tables are read and kept, one page at a time.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::{item, store}, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    ///
    /// let deletion = graph.delete_keys(store::Entity, [ikea.id]).keys_of(item::Entity);
    /// let items: Vec<i64> = deletion.execute(&db).await?.keys(item::Entity)?;
    /// assert_eq!(items.len(), 2);
    /// # Ok(()) }
    /// ```
    pub fn keys_of<E: EntityTrait>(mut self, _entity: E) -> Self {
        self.keys_of.push(EntityId::of::<E>());
        self
    }

    /// Sets how often a transient failure ([`Error::is_transient`]) is retried in a new
    /// transaction: 8 times by default, 0 for never.
    ///
    /// - An unexpected reference ([`ErrorKind::StillReferenced`]) is retried at most twice.
    /// - The first wait is 10 ms. Each wait is twice as long as the one before, up to one second,
    ///   plus a random part.
    /// - Inside a transaction of the caller nothing is retried, because the whole transaction would
    ///   have to be repeated.
    /// - [`Batches`](crate::Batches) first make the batch smaller.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let deletion = service::graph().build()?.delete_keys(store::Entity, [1]).retries(2);
    /// # let _ = deletion;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn retries(mut self, at_most: usize) -> Self {
        self.retries.at_most = at_most;
        self
    }

    /// States that hooks may run more than once for a row, so a transient failure is retried also
    /// after a hook has run.
    ///
    /// Without it, such a failure is returned.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let deletion = service::graph().build()?.delete_keys(store::Entity, [1]).retry_with_hooks();
    /// # let _ = deletion;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn retry_with_hooks(mut self) -> Self {
        self.retries.with_hooks = true;
        self
    }

    /// Refuses the request unless every requested primary key has a row, and a Select returns at
    /// least one row.
    ///
    /// Without it an unknown key is not an error, because another session may have deleted the row
    /// a moment ago: the outcome then has zeros. With it, [`ErrorKind::NotFound`] names the missing
    /// keys, so a web program can answer 404. It costs nothing.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let deletion = service::graph().build()?.delete_keys(store::Entity, [7]).must_exist();
    /// let error = deletion.execute(&db).await.unwrap_err();
    /// assert!(error.is_not_found());
    /// assert_eq!(error.to_string(), "not found: stores 7");
    /// # Ok(()) }
    /// ```
    pub fn must_exist(mut self) -> Self {
        self.must_exist = true;
        self
    }

    /// States that rows hidden by the row security of PostgreSQL do not count: the delete neither
    /// finds, counts nor shows them, and they do not block it.
    ///
    /// Without it, a delete that reaches a table with active row security is refused
    /// ([`ErrorKind::RowSecurity`]), because the crate cannot know which rows are hidden. With it:
    ///
    /// - The database decides about hidden child rows. Its foreign key, if there is one, acts on
    ///   them without this crate. If there is none, they become orphans.
    /// - Rows that the policies show but do not allow to delete are still an error
    ///   ([`ErrorKind::StillThere`], [`ErrorKind::Forbidden`]). To lock rows, a policy for UPDATE
    ///   is needed.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let deletion = service::graph().build()?.delete_keys(store::Entity, [1]).under_row_security();
    /// # let _ = deletion;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn under_row_security(mut self) -> Self {
        self.under_row_security = true;
        self
    }

    /// Returns what [`execute`](Self::execute) would do now, without changing anything. It shows
    /// blockers; they are not an error here.
    ///
    /// The counts are consistent with each other. On a pool they are read in one transaction
    /// (REPEATABLE READ). On a transaction of the caller they are read within it, so they come from
    /// its snapshot: rows that others have committed since may be missing, and `execute` in that
    /// transaction still finds them. At READ COMMITTED each statement has a snapshot of its own, so
    /// the counts may differ by rows that others commit meanwhile.
    ///
    /// Cost: one statement finds the roots. For each table with rows that others can reference, one
    /// looks how many rows reference these through each key, and one reads their keys (see
    /// [`execute`](Self::execute)). One counts what is not known then: tables with more than
    /// [`keys_per_table`](crate::GraphBuilder::keys_per_table) rows and what is below them. One more
    /// reads the sample keys of each blocker. For tables in a cycle (self-references included) all
    /// keys of their rows are read, as for a delete.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create(&db, "IKEA").await?;
    /// service::item::create(&db, ikea.id, "Chair").await?;
    ///
    /// let preview = graph.delete_keys(store::Entity, [ikea.id]).preview(&db).await?;
    /// assert_eq!(
    ///     preview.to_string(),
    ///     "stores: 1 row to delete\n└─ items.store_id CASCADE: 1 row to delete\ntotal: 2 rows deleted, 0 changed"
    /// );
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NotRegistered`], [`ErrorKind::Select`], [`ErrorKind::KeyNotComparable`],
    /// [`ErrorKind::BackendDisabled`], [`ErrorKind::Forbidden`], [`ErrorKind::Database`].
    ///
    /// What a delete could not do reliably is refused here too: [`ErrorKind::RowSecurity`],
    /// [`ErrorKind::TypeDiffers`], [`ErrorKind::StoredDifferently`],
    /// [`ErrorKind::KeyCannotChange`], [`ErrorKind::NotTransactional`].
    ///
    /// With [`must_exist`](Self::must_exist), [`ErrorKind::NotFound`].
    pub async fn preview<C: Connection>(&self, db: &C) -> Result<Preview, Error> {
        cancellable(&Previewing(self.clone()), db).await
    }

    /// Deletes the rows and the rows that depend on them by the declared rules, in one transaction
    /// or not at all.
    ///
    /// On a pool it opens a transaction (SQLite: `BEGIN IMMEDIATE`; the others: READ COMMITTED).
    /// Inside a transaction of the caller it uses a savepoint. After any error except a lost
    /// transaction ([`Error::is_transaction_lost`]) the caller's transaction is usable. If you drop
    /// the future, the delete is rolled back, unless its COMMIT was already running: then
    /// everything may be committed, never a part. Rows that are already deleted are not an error:
    /// the outcome then has zeros.
    ///
    /// # Concurrent sessions
    /// Other sessions may add child rows at the same time. Such a row is deleted too, or its INSERT
    /// fails on the foreign key; the delete does not fail. For this, every row that a foreign key
    /// can reference is locked before its children are searched, parents first and in key order
    /// (`FOR UPDATE`). Where the database has no foreign key, a session that adds a child must call
    /// [`lock_parent`](crate::lock_parent). Transient failures are retried
    /// ([`retries`](Self::retries)).
    ///
    /// # Inside a transaction of yours
    /// Its isolation level does not change the result. On MySQL and MariaDB every read that decides
    /// something is a locking read, because a snapshot may be older than the rows. It locks gaps,
    /// so sessions that insert rows there wait or get a deadlock. On PostgreSQL above READ
    /// COMMITTED the delete is refused if a foreign key has no constraint in the database. If all
    /// have one, PostgreSQL's own error 40001 is returned.
    ///
    /// # Triggers, rules and row security
    /// They may keep rows although the database reports no error. If a DELETE by key reports fewer
    /// rows, the crate searches for the missing ones (a row that was deleted by other means counts
    /// as deleted). If a reached table has a trigger, a rule or row security, the client holds the
    /// keys of all doomed rows. Before each table's rows are deleted it checks that nothing
    /// references them any more, and at the end that all are deleted. On PostgreSQL deferred
    /// triggers run before that check (`SET CONSTRAINTS ALL IMMEDIATE`), except in a transaction of
    /// yours.
    ///
    /// # Cost
    /// For tables without a cycle:
    ///
    /// - One statement finds and locks the roots; it also reads the catalogs. For a Select, on all
    ///   but SQLite, a second one re-checks the filter. For keys of other types than integer and
    ///   text there is one for each 30,000 values.
    /// - For each table with rows to delete that others can reference, the roots included, one looks
    ///   how many rows reference these through each key. It is left out for an only key from a table
    ///   that nothing references. What has no rows is neither looked for, counted nor written.
    /// - For each such table below the roots, one reads and locks the keys of its rows, if there are
    ///   at most [`keys_per_table`](crate::GraphBuilder::keys_per_table). If there are more, one for
    ///   each key locks them in the database (not on SQLite), and the tables below are found by
    ///   what they reference.
    /// - One counts what is not known then, if there is anything to check.
    /// - One deletes the rows of a table, or one for each key if more than 100 rows are referenced.
    ///   One changes the rows of each SET NULL or SET DEFAULT key that has rows which stay. One
    ///   deletes the roots.
    /// - Where more than 16 foreign keys are reached, one more asks the catalogs about the tables
    ///   that do not reference the roots, if anything references the roots. On SQLite one more
    ///   compares types the first time that a graph meets such a schema.
    /// - On PostgreSQL one more reads details from the catalogs if a reached table has partitions,
    ///   child tables or rules, is a view or has active row security; if a key is of a domain type;
    ///   and in a transaction of yours above READ COMMITTED.
    /// - One more for each SET DEFAULT key locks the row of the default.
    /// - One more runs before a table's rows are deleted if a NO ACTION key references it from a
    ///   table that loses rows too, if anything may keep rows, or, on MySQL and MariaDB, if a SET
    ///   NULL or SET DEFAULT key references it.
    /// - On MySQL and MariaDB keys are sent in lists of at most 5,000, and in lists of 192 where
    ///   their children are searched. Tables two or more levels below the roots take one statement
    ///   for each 192 of their parents, and one for each 5,000 that reads these.
    ///
    /// The client holds the keys of the roots, up to `keys_per_table` keys of each table, and one
    /// page for each level. More dependent rows do not change its memory.
    ///
    /// For tables in a cycle (self-references included):
    ///
    /// - One statement for each level and key reads the keys of the rows (for each 2,000 parents;
    ///   on MySQL and MariaDB 192).
    /// - One for each level and table deletes them.
    /// - One for each key sets that key to NULL to break a ring.
    /// - More than 20,000 keys in one count are several statements on MySQL and MariaDB.
    ///
    /// The client holds the keys of the doomed rows of these tables: about 250 bytes each at the
    /// peak.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::entity::{item, store};
    /// use sea_orm_cascade::service;
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    ///
    /// let deletion = graph.delete_keys(store::Entity, [ikea.id]).at_most(100);
    /// let preview = deletion.preview(&db).await?;
    /// let outcome = deletion.expecting(&preview).execute(&db).await?;
    /// assert_eq!(outcome.deleted(store::Entity), 1);
    /// assert_eq!(outcome.deleted(item::Entity), 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Those of [`preview`](Self::preview), and [`ErrorKind::Blocked`], [`ErrorKind::TooManyRows`],
    /// [`ErrorKind::Changed`], [`ErrorKind::StillReferenced`], [`ErrorKind::StillThere`],
    /// [`ErrorKind::IsolationLevel`], [`ErrorKind::Ring`], [`ErrorKind::Vetoed`]. After any of them
    /// nothing has changed.
    pub async fn execute<C: Connection>(&self, db: &C) -> Result<Outcome, Error> {
        cancellable(&Executing(self.clone()), db).await
    }

    /// The declared name of the table that holds the roots.
    pub(crate) fn entity_name(&self) -> &TableName {
        &self.entity.name
    }

    /// Whose rows are read before they are deleted; an error if one of these entities is not in the
    /// graph.
    pub(crate) fn capture(&self) -> Result<Capture, Error> {
        let keys_of = self.keys_of.iter().map(|entity| self.table(entity)).collect::<Result<_, _>>()?;
        Ok(Capture { keys_of, ..self.options() })
    }

    fn options(&self) -> Capture {
        let Self { under_row_security, must_exist, .. } = *self;
        Capture { under_row_security, must_exist, ..Capture::default() }
    }

    /// What all attempts at this request share.
    pub(crate) fn prepared(&self, purpose: Purpose, span: Span) -> Result<Prepared, Error> {
        let (graph, plan, capture) = (self.graph.clone(), self.planned()?, self.capture()?);
        Ok(Prepared { graph, plan, capture, purpose, retries: self.retries, span })
    }

    pub(crate) fn planned(&self) -> Result<Arc<Plan>, Error> {
        let plan = Plan::of(self.graph.schema(), self.table(&self.entity)?);
        let tables = self.graph.schema().tables.as_slice();
        tracing::debug!(
            name: "cascade.plan",
            target: "sea_orm_cascade",
            root = tables[plan.root].label,
            tables = plan.doomed.len(),
            keys = plan.keys.len(),
            steps = plan.steps.len(),
            "cascade.plan"
        );
        Ok(plan)
    }

    fn table(&self, entity: &EntityId) -> Result<TableId, Error> {
        let not_registered = || ErrorKind::NotRegistered { table: label(&entity.name) };
        self.graph.schema().find(entity).ok_or_else(|| not_registered().into())
    }
}

impl Work for Previewing {
    type Output = Preview;

    async fn work(&self, execution: Execution<'_>) -> Result<Preview, Error> {
        execution.preview(&self.0.roots, self.0.counting_up_to).await
    }
}

impl Request for Previewing {
    fn prepare(&self) -> Result<Prepared, Error> {
        let Self(deletion) = self;
        let table = label(&deletion.entity.name);
        Ok(Prepared {
            graph: deletion.graph.clone(),
            plan: deletion.planned()?,
            // A preview reads no keys of dependent rows, so `keys_of` does not matter here.
            capture: deletion.options(),
            purpose: Purpose::Read,
            retries: deletion.retries,
            span: tracing::debug_span!(target: "sea_orm_cascade", "cascade.preview", table),
        })
    }
}

impl Work for Executing {
    type Output = Outcome;

    async fn work(&self, execution: Execution<'_>) -> Result<Outcome, Error> {
        let Self(Deletion { roots, at_most, expecting, undoable, .. }) = self;
        execution.execute(roots, *at_most, expecting.as_deref(), undoable.as_deref()).await
    }
}

impl Request for Executing {
    fn prepare(&self) -> Result<Prepared, Error> {
        let table = label(&self.0.entity.name);
        self.0.prepared(Purpose::Write, tracing::debug_span!(target: "sea_orm_cascade", "cascade.delete", table))
    }

    fn tell(result: &Result<Outcome, Error>) {
        tell(result.as_ref());
    }
}
