//! A request to delete, and the two things that can be done with it.
//!
//! I/O: this is where a run begins and ends its transaction. What happens in between is in `run`.

use std::sync::Arc;

use sea_orm::sea_query::{IntoValueTuple as _, SelectStatement};
use sea_orm::{EntityTrait, PrimaryKeyTrait, QueryTrait as _, Select, Value};

use super::declaration::{Declaration, label};
use super::dialect::Dialect;
use super::error::{Error, ErrorKind};
use super::graph::Graph;
use super::outcome::Outcome;
use super::plan::Plan;
use super::preview::Preview;
use super::run::Run;
use super::session::{self, Connection, Purpose};
use super::shield::{Awaited, Pool, WhileAwaited, shielded};

/// A request to delete some rows of one entity and everything that depends on them.
///
/// It comes from [`Graph::delete`] or [`Graph::delete_keys`], does nothing until it is run, and can be run more than
/// once. It owns its graph, so it can be kept and moved.
#[derive(Debug, Clone)]
#[must_use = "a deletion does nothing until `preview` or `execute` is called"]
pub struct Deletion {
    graph: Graph,
    entity: Declaration,
    roots: Arc<Roots>,
    at_most: Option<u64>,
    expecting: Option<Box<Preview>>,
}

/// Which rows were asked for.
#[derive(Debug, Clone)]
pub(crate) enum Roots {
    Select(Box<SelectStatement>),
    /// Primary keys.
    Keys(Vec<Vec<Value>>),
}

impl Graph {
    /// A request to delete the rows that this Select returns, and what depends on them.
    ///
    /// The Select stays as written: filters, joins, `LIMIT` and order decide which rows are taken, and a row that a
    /// join repeats is taken once. It is evaluated before anything is deleted; what it looked at may go along with its rows.
    /// Nothing runs before [`Deletion::preview`] or [`Deletion::execute`]; that is also where an entity that is not
    /// in the graph is refused.
    ///
    /// ```
    /// use sea_orm::EntityTrait as _;
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let graph = service::graph().build()?;
    /// let deletion = graph.delete(store::Entity::find().filter(store::COLUMN.name.eq("Old")));
    /// # use sea_orm::QueryFilter as _;
    /// # let _ = deletion;
    /// # Ok::<(), sea_orm_cascade::cascade::Error>(())
    /// ```
    pub fn delete<E: EntityTrait>(&self, rows: Select<E>) -> Deletion {
        let roots = Roots::Select(Box::new(rows.into_query()));
        Deletion::new(self.clone(), Declaration::of::<E>(), roots)
    }

    /// A request to delete the rows with these primary keys, any number of them, and what depends on them.
    ///
    /// A composite key is a tuple. Keys that no row has are passed over.
    ///
    /// ```
    /// use sea_orm_cascade::{entity::store, service};
    ///
    /// let graph = service::graph().build()?;
    /// let deletion = graph.delete_keys(store::Entity, [1, 2, 3]);
    /// # let _ = deletion;
    /// # Ok::<(), sea_orm_cascade::cascade::Error>(())
    /// ```
    pub fn delete_keys<E, K>(&self, _entity: E, keys: impl IntoIterator<Item = K>) -> Deletion
    where
        E: EntityTrait,
        K: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        let keys = keys.into_iter();
        let keys = keys.map(|key| key.into().into_value_tuple().into_iter().collect());
        Deletion::new(self.clone(), Declaration::of::<E>(), Roots::Keys(keys.collect()))
    }
}

impl Deletion {
    pub(crate) fn new(graph: Graph, entity: Declaration, roots: Roots) -> Self {
        Self { graph, entity, roots: Arc::new(roots), at_most: None, expecting: None }
    }

    /// Refuses the delete if it would delete and change more than this many rows in all, the asked ones included.
    ///
    /// A row that is changed by two keys counts twice. Costs one statement that counts, before anything is written. It
    /// bounds what is written and not what is looked at: the rows of a tree are found, and their keys kept, before they
    /// are too many.
    pub fn at_most(mut self, rows: u64) -> Self {
        self.at_most = Some(rows);
        self
    }

    /// Refuses the delete if it would not do what this preview showed: the same asked rows, the same numbers for every
    /// key and table. Rows below the asked ones are compared by number, not one by one.
    ///
    /// Costs one statement that counts, before anything is written.
    pub fn expecting(mut self, preview: &Preview) -> Self {
        self.expecting = Some(Box::new(preview.clone()));
        self
    }

    /// What executing this would do now, without doing it. Blockers are shown, not errors.
    ///
    /// The numbers belong together: on a pool they are read in one transaction (REPEATABLE READ), on a transaction
    /// within it. Costs one statement to find the rows and one that counts everything, plus one for each blocker; no
    /// row leaves the database but the asked ones' keys. Where tables refer to themselves or to each other in a cycle,
    /// their rows are read as keys as for a delete.
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
    /// [`ErrorKind::BackendDisabled`], [`ErrorKind::Forbidden`], [`ErrorKind::Database`].
    pub async fn preview<C: Connection>(&self, db: &C) -> Result<Preview, Error> {
        match Pool::of(db) {
            None => self.preview_on(db, &Awaited::default()).await,
            Some(pool) => {
                let deletion = self.clone();
                let run = |awaited: Awaited| async move {
                    match pool {
                        Pool::Plain(db) => deletion.preview_on(&db, &awaited).await,
                        Pool::Restricted(db) => deletion.preview_on(&db, &awaited).await,
                    }
                };
                shielded(run).await?
            }
        }
    }

    /// Deletes the rows and what depends on them, as the declared rules say, in one transaction or not at all.
    ///
    /// On a pool it opens a transaction (SQLite: `BEGIN IMMEDIATE`; the others: READ COMMITTED); inside a
    /// transaction of the caller's it works in a savepoint, and after any error but a lost transaction
    /// ([`Error::is_transaction_lost`]) that one can go on. Dropping
    /// the future undoes it, unless its COMMIT was under way: then all of it may be done, never a part. Rows that are gone already are no error: the outcome then has zeros.
    ///
    /// Statements: one to find and lock the rows (for a Select, on all but SQLite, a second one, which asks whether they
    /// still fulfil it; for keys of other types than integer and text one for each 30,000 values), one that counts if there is anything to check, then one for
    /// each foreign key and one for the rows themselves. On MySQL and MariaDB keys come in lists of at most 5,000, those
    /// whose children are looked for in lists of 192, and tables two or more levels below the rows take a pair of
    /// statements for each 5,000 of their rows. The client holds the keys of the asked rows; how many rows depend on them
    /// does not matter to its memory.
    ///
    /// Tables that refer to themselves or to each other in a cycle take a statement for each level and key that reads its
    /// rows' keys (for each 2,000 parents, on MySQL and MariaDB 192), then one for each level and table that deletes it,
    /// and one for each key that a ring is opened by. The client holds the keys of their doomed rows, some 250 bytes
    /// each at the peak. More than 20,000 keys in one count are several statements on MySQL and MariaDB.
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
    /// [`ErrorKind::Changed`], [`ErrorKind::StillReferenced`], [`ErrorKind::Ring`]. Nothing has changed after any of
    /// them.
    pub async fn execute<C: Connection>(&self, db: &C) -> Result<Outcome, Error> {
        match Pool::of(db) {
            None => self.execute_on(db, &Awaited::default()).await,
            Some(pool) => {
                let deletion = self.clone();
                let run = |awaited: Awaited| async move {
                    match pool {
                        Pool::Plain(db) => deletion.execute_on(&db, &awaited).await,
                        Pool::Restricted(db) => deletion.execute_on(&db, &awaited).await,
                    }
                };
                shielded(run).await?
            }
        }
    }

    async fn preview_on<C: Connection>(&self, db: &C, awaited: &Awaited) -> Result<Preview, Error> {
        let plan = self.plan()?;
        let dialect = Dialect::of(db.get_database_backend())?;
        let transaction = session::begin(db, dialect, Purpose::Read).await?;
        let session = WhileAwaited { session: &transaction, awaited };
        let run = Run { schema: self.graph.schema(), plan: &plan, dialect, session: &session };
        let result = run.preview(&self.roots).await;
        session::finish(transaction, result).await
    }

    async fn execute_on<C: Connection>(&self, db: &C, awaited: &Awaited) -> Result<Outcome, Error> {
        let plan = self.plan()?;
        let dialect = Dialect::of(db.get_database_backend())?;
        let transaction = session::begin(db, dialect, Purpose::Write).await?;
        let session = WhileAwaited { session: &transaction, awaited };
        let run = Run { schema: self.graph.schema(), plan: &plan, dialect, session: &session };
        let result = run.execute(&self.roots, self.at_most, self.expecting.as_deref()).await;
        let result = result.and_then(|outcome| Ok(awaited.check().map(|()| outcome)?));
        session::finish(transaction, result).await
    }

    fn plan(&self) -> Result<Plan, Error> {
        let schema = self.graph.schema();
        let Some(root) = schema.find(&self.entity) else {
            let table = label(&self.entity.name);
            return Err(ErrorKind::NotRegistered { table }.into());
        };
        Ok(Plan::new(schema, root))
    }
}
