//! A request to delete, and the two things that can be done with it.
//!
//! I/O: this is where a run begins and ends its transaction. What happens in between is in `run`.

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

/// A request to delete some rows of one entity and everything that depends on them.
///
/// It comes from [`Graph::delete`] or [`Graph::delete_keys`], does nothing until it is run, and can
/// be run more than once. It owns its graph, so it can be kept and moved.
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
}

/// A deletion that is looked at.
#[derive(Clone)]
struct Previewing(Deletion);

/// A deletion that is done.
#[derive(Clone)]
struct Executing(Deletion);

impl Graph {
    /// A request to delete the rows that this Select returns, and what depends on them.
    ///
    /// The Select stays as written: filters, joins, `LIMIT` and order decide which rows are taken,
    /// and a row that a join repeats is taken once. It is evaluated before anything is deleted;
    /// what it looked at may go along with its rows. Where its rows had to be waited for, each is
    /// asked again whether the Select returns it, without ORDER BY, LIMIT and OFFSET: which rows
    /// are the first is decided once. A WHERE that changes from one reading to the next may lose
    /// rows by that and gains none.
    ///
    /// Nothing runs before [`Deletion::preview`] or [`Deletion::execute`]; that is also where an
    /// entity that is not in the graph is refused.
    ///
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

    /// A request to delete the rows with these primary keys, any number of them, and what depends
    /// on them.
    ///
    /// A composite key is a tuple. Keys that no row has are passed over.
    ///
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
        }
    }

    /// Refuses the delete if it would delete and change more than this many rows in all, the asked
    /// ones included.
    ///
    /// A row that is changed by two keys counts twice. Costs one statement that counts, before
    /// anything is written. It bounds what is written and not what is looked at: the rows of a tree
    /// are found, and their keys kept, before they are too many.
    pub fn at_most(mut self, rows: u64) -> Self {
        self.at_most = Some(rows);
        self
    }

    /// Refuses the delete if it would not do what this preview showed: the same asked rows, the
    /// same numbers for every key and table. Rows below the asked ones are compared by number, not
    /// one by one.
    ///
    /// Costs one statement that counts, before anything is written.
    pub fn expecting(mut self, preview: &Preview) -> Self {
        self.expecting = Some(Box::new(preview.clone()));
        self
    }

    /// Lets a [preview](Self::preview) count no further than so many rows by each key and of each
    /// table: what is more than that shows as "more than 1000 rows", soon, however many millions
    /// there are.
    ///
    /// It shows "at least" so many in all. How many rows were asked for is told in full, because
    /// their keys are read anyway; and what could be in the way is looked for among all rows, so
    /// that a preview without blockers has none. It takes as long as an ordinary preview for rows
    /// of tables in a cycle, for tables that can be reached in more than four ways, and on MySQL
    /// and MariaDB below more than 20,000 known rows.
    ///
    /// [`execute`](Self::execute) is not changed by it. With such a preview in [`expecting`](Self::expecting) it refuses what
    /// is not as shown: another number up to the limit, or no longer more than that.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
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

    /// Lets the outcome carry the primary keys of this entity's rows that went ([`Outcome::keys`]),
    /// for a cache or an index that has to forget them. Can be called for several entities.
    ///
    /// The keys of just those tables are read and kept, a page at a time.
    pub fn keys_of<E: EntityTrait>(mut self, _entity: E) -> Self {
        self.keys_of.push(EntityId::of::<E>());
        self
    }

    /// How often a transient failure ([`Error::is_transient`]) is tried again, in a new
    /// transaction: 8 times unless set, 0 for never.
    ///
    /// A reference that was not foreseen ([`ErrorKind::StillReferenced`]) is tried again twice at
    /// most. Before each attempt there is a wait, 10 ms at first and twice as long each time, up to
    /// a second, lengthened at random. Inside a transaction of the caller's nothing is tried again,
    /// because only the whole of it could be. Batches are made smaller first
    /// ([`Batches`](crate::Batches)).
    pub fn retries(mut self, at_most: usize) -> Self {
        self.retries.at_most = at_most;
        self
    }

    /// Says that hooks may run more than once for a row, so that a transient failure is tried again
    /// also after one has run. Without it, such a failure is returned.
    pub fn retry_with_hooks(mut self) -> Self {
        self.retries.with_hooks = true;
        self
    }

    /// Refuses the request unless every primary key that was asked for names a row, and a Select
    /// returns at least one.
    ///
    /// Without it an unknown key is no error, because its row may have been deleted a moment ago:
    /// the outcome then has zeros. With it, [`ErrorKind::NotFound`] names the missing keys, for a
    /// web program to answer 404. Costs nothing.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
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

    /// States that the rows which row security of PostgreSQL hides from this connection's user do
    /// not count: they are neither found nor counted, shown or refused for.
    ///
    /// Without it a delete that reaches a table whose row security is active for the user is
    /// refused ([`ErrorKind::RowSecurity`]), because what is hidden cannot be told. With it, hidden
    /// children are left to the database: its constraint, where there is one, does to them what it
    /// says and past this crate, and where there is none they are left without their parent. Rows
    /// that the policies show and do not let go are an error all the same
    /// ([`ErrorKind::StillThere`], [`ErrorKind::Forbidden`]): to be locked they need a policy for
    /// UPDATE.
    pub fn under_row_security(mut self) -> Self {
        self.under_row_security = true;
        self
    }

    /// What executing this would do now, without doing it. Blockers are shown, not errors.
    ///
    /// The numbers belong together: on a pool they are read in one transaction (REPEATABLE READ),
    /// on a transaction within it, which then shows its own snapshot: rows that others have
    /// committed since may be missing, and an [`execute`](Self::execute) in it finds them all the
    /// same. Costs one statement to find the rows and one that counts everything, plus one for each
    /// blocker; no row leaves the database but the asked ones' keys. Where tables reference
    /// themselves or to each other in a cycle, their rows are read as keys as for a delete.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    /// [`ErrorKind::BackendDisabled`], [`ErrorKind::Forbidden`], [`ErrorKind::Database`]; and what a delete could not do
    /// dependably: [`ErrorKind::RowSecurity`], [`ErrorKind::TypeDiffers`],
    /// [`ErrorKind::StoredDifferently`], [`ErrorKind::KeyCannotChange`],
    /// [`ErrorKind::NotTransactional`].
    pub async fn preview<C: Connection>(&self, db: &C) -> Result<Preview, Error> {
        cancellable(&Previewing(self.clone()), db).await
    }

    /// Deletes the rows and what depends on them, as the declared rules say, in one transaction or
    /// not at all.
    ///
    /// On a pool it opens a transaction (SQLite: `BEGIN IMMEDIATE`; the others: READ COMMITTED);
    /// inside a transaction of the caller's it works in a savepoint, and after any error but a lost
    /// transaction ([`Error::is_transaction_lost`]) that one can go on. Dropping the future undoes
    /// it, unless its COMMIT was under way: then all of it may be done, never a part. Rows that are
    /// gone already are no error: the outcome then has zeros.
    ///
    /// Others may add children at the same time: they are in the delete or get an error from their
    /// constraint, and the delete does not fail for them. For that every row that has a key to it
    /// is locked before its children are looked for, parents first and in key order (`FOR UPDATE`).
    /// Where the database has no constraint, who adds a child has to call
    /// [`lock_parent`](crate::lock_parent). What fails transiently all the same is tried again
    /// ([`retries`](Self::retries)).
    ///
    /// **Inside a transaction of yours** its isolation level makes no difference. On MySQL and
    /// MariaDB every read that decides is a locking read, because a snapshot may be older than the
    /// rows: it locks gaps, so that others who add rows there wait or meet a deadlock. On
    /// PostgreSQL above READ COMMITTED it is refused where a key has no constraint in the database;
    /// where all have one, the database's own error 40001 stands.
    ///
    /// **Triggers, rules and row security** may keep rows without an error of the database's. A
    /// DELETE by key that reports fewer rows is followed by a look for them (what is gone otherwise
    /// counts as gone). Where a table that is reached has such, the client holds the keys of all
    /// rows that go; whether anything still references them is asked before each table goes, and at
    /// the end whether all are gone. On PostgreSQL deferred triggers are run before that (`SET
    /// CONSTRAINTS ALL IMMEDIATE`), but in a transaction of yours.
    ///
    /// Statements: one to find and lock the rows, which also asks the catalogs what it must know of
    /// the tables (for a Select, on all but SQLite, a second one, which asks whether they still
    /// fulfil it; for keys of other types than integer and text one for each 30,000 values), on all
    /// but SQLite one that locks for each CASCADE key to a table between, one that counts if there
    /// is anything to check, then one for each foreign key and one for the rows themselves. On
    /// PostgreSQL one more that asks the catalogs for details, if a reached table has partitions,
    /// child tables or rules, is a view or has active row security, if a key is of a domain type,
    /// and in a transaction of yours above READ COMMITTED. One more for each SET DEFAULT key, which
    /// locks the row of the default, and one before a table's rows go if a NO ACTION key leads to
    /// it from a table that loses rows too, if anything may keep rows, or on MySQL and MariaDB if a
    /// SET NULL or SET DEFAULT key leads to it. On MySQL and MariaDB keys come in lists of at most
    /// 5,000, those whose children are looked for in lists of 192, and tables two or more levels
    /// below the rows take one statement for each 192 of their parents and one for each 5,000 that
    /// reads these. The client holds the keys of the asked rows and a page for each level; how many
    /// rows depend on them does not matter to its memory.
    ///
    /// Tables that reference themselves or to each other in a cycle take a statement for each level
    /// and key that reads its rows' keys (for each 2,000 parents, on MySQL and MariaDB 192), then
    /// one for each level and table that deletes it, and one for each key that a ring is opened by.
    /// The client holds the keys of their doomed rows, some 250 bytes each at the peak. More than
    /// 20,000 keys in one count are several statements on MySQL and MariaDB.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    /// [`ErrorKind::IsolationLevel`], [`ErrorKind::Ring`], [`ErrorKind::Vetoed`]. Nothing has
    /// changed after any of them.
    pub async fn execute<C: Connection>(&self, db: &C) -> Result<Outcome, Error> {
        cancellable(&Executing(self.clone()), db).await
    }

    /// The table whose rows were asked for, as declared.
    pub(crate) fn entity_name(&self) -> &TableName {
        &self.entity.name
    }

    /// What is watched, if all of it is in the graph.
    pub(crate) fn capture(&self) -> Result<Capture, Error> {
        let keys_of = self.keys_of.iter().map(|entity| self.table(entity)).collect::<Result<_, _>>()?;
        Ok(Capture { keys_of, ..self.options() })
    }

    fn options(&self) -> Capture {
        let Self { under_row_security, must_exist, .. } = *self;
        Capture { under_row_security, must_exist, ..Capture::default() }
    }

    /// What all attempts at such a request share.
    pub(crate) fn prepared(&self, purpose: Purpose, span: Span) -> Result<Prepared, Error> {
        let (graph, plan, capture) = (self.graph.clone(), self.planned()?, self.capture()?);
        Ok(Prepared { graph, plan, capture, purpose, retries: self.retries, span })
    }

    pub(crate) fn planned(&self) -> Result<Plan, Error> {
        let plan = Plan::new(self.graph.schema(), self.table(&self.entity)?);
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
            // A preview reads no keys, so it does not matter of which entities they are wanted.
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
        let Self(deletion) = self;
        execution.execute(&deletion.roots, deletion.at_most, deletion.expecting.as_deref()).await
    }
}

impl Request for Executing {
    fn prepare(&self) -> Result<Prepared, Error> {
        let Self(deletion) = self;
        let table = label(&deletion.entity.name);
        let span = tracing::debug_span!(target: "sea_orm_cascade", "cascade.delete", table);
        deletion.prepared(Purpose::Write, span)
    }

    fn tell(result: &Result<Outcome, Error>) {
        tell(result.as_ref());
    }
}
