//! Repairs orphans by the declared rule, through the engine.
//!
//! I/O: a repair begins and ends its transaction here. Orphans that are deleted are the roots of an
//! ordinary delete, found by a Select. Orphans that stay are changed after that delete.

use sea_orm::sea_query::{Condition, Expr, IntoCondition};
use sea_orm::{EntityTrait, QueryTrait as _};

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::Keys;
use crate::cascade::data::name::label;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::preview::Preview;
use crate::cascade::db::execution::Execution;
use crate::cascade::db::session::{Connection, Purpose};
use crate::cascade::declare::declaration::EntityId;
use crate::cascade::declare::graph::Graph;
use crate::cascade::declare::schema::{KeyId, Schema, TableId};
use crate::cascade::deletion::Deletion;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::find::pages::{Page, Pages};
use crate::cascade::find::preview::check;
use crate::cascade::plan::count::{Count, CountScope};
use crate::cascade::plan::fetched::Fetched;
use crate::cascade::plan::roots::Roots;
use crate::cascade::run::cancel::cancellable;
use crate::cascade::run::transaction::{Prepared, Request, Work, tell};
use crate::cascade::sql::PAGE;
use crate::cascade::sql::catalog::Part;
use crate::cascade::sql::orphans::{Look, orphans, orphans_as};

/// A request to repair one entity's orphans: rows that reference a row that does not exist.
///
/// [`Graph::repair`] returns it. It does nothing until you run it.
#[derive(Debug, Clone)]
#[must_use = "a repair does nothing until `preview` or `execute` is called"]
pub struct Repair {
    deletion: Deletion,
    guard: Option<Expr>,
    unruled: Unruled,
}

/// What happens to orphans whose key is NO ACTION or RESTRICT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unruled {
    Left,
    Deleted,
    SetNull,
}

impl Graph {
    /// Returns a request to repair the orphans of an entity by the rule of their foreign key: they
    /// are treated as if their parent were deleted now.
    ///
    /// - CASCADE deletes them, with all rows that depend on them.
    /// - SET NULL and SET DEFAULT change the key.
    /// - NO ACTION and RESTRICT have no rule for orphans. These are kept, unless you call
    ///   [`Repair::or_delete`] or [`Repair::or_set_null`].
    ///
    /// If a row is an orphan by several keys, it is deleted if any of them deletes it.
    ///
    /// [`AuditRequest::counting_orphans`](crate::AuditRequest::counting_orphans) counts the orphans
    /// of each key, for all entities at once.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut options = sea_orm::ConnectOptions::new("sqlite::memory:");
    /// # options.max_connections(1);
    /// # let db = sea_orm::Database::connect(options).await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm::ConnectionTrait as _;
    /// use sea_orm_cascade::entity::item;
    /// use sea_orm_cascade::service;
    ///
    /// let graph = service::graph().build()?;
    /// let ikea = service::store::create_with_items(&db, "IKEA", ["Chair", "Table"]).await?;
    /// // Somebody deletes the store where nothing is checked.
    /// db.execute_unprepared("PRAGMA foreign_keys = OFF; DELETE FROM stores; PRAGMA foreign_keys = ON").await?;
    ///
    /// // Young rows may wait for a parent that is yet to be committed: here those whose id is above 1,000.
    /// let repair = graph.repair(item::Entity).only(item::COLUMN.id.lte(1_000)).at_most(10);
    /// let preview = repair.preview(&db).await?;
    /// assert_eq!(
    ///     preview.to_string(),
    ///     "items: 2 rows to delete\norphans by items.store_id: 2 rows to delete\ntotal: 2 rows deleted, 0 changed"
    /// );
    /// let outcome = repair.expecting(&preview).execute(&db).await?;
    /// assert_eq!(outcome.deleted(item::Entity), 2);
    /// graph.audit().counting_orphans().run(&db).await?.expect_clean()?;
    /// # let _ = ikea;
    /// # Ok(()) }
    /// ```
    pub fn repair<E: EntityTrait>(&self, _entity: E) -> Repair {
        let every = Roots::Select(Box::new(E::find().into_query()));
        let deletion = Deletion::new(self.clone(), EntityId::of::<E>(), every);
        Repair { deletion, guard: None, unruled: Unruled::Left }
    }
}

impl Repair {
    /// Repairs only rows that match this condition.
    ///
    /// Use it to keep rows that are too young, as in
    /// `.only(review::COLUMN.created_at.lt(an_hour_ago))`. Without foreign keys in the database, a
    /// row may be committed a moment before its parent. If you call it again, rows must match both
    /// conditions. It limits the orphans; rows that depend on them are deleted with them.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{entity::item, service};
    ///
    /// let repair = service::graph().build()?.repair(item::Entity).only(item::COLUMN.id.lte(1_000));
    /// # let _ = repair;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn only(mut self, condition: impl IntoCondition) -> Self {
        let condition = condition.into_condition();
        let both = self.guard.take().into_iter().fold(Condition::all(), Condition::add).add(condition);
        self.guard = Some(both.into());
        self
    }

    /// Deletes also the orphans of NO ACTION and RESTRICT keys, which have no rule for orphans.
    ///
    /// If you call this and [`or_set_null`](Self::or_set_null), the last call wins.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{entity::item, service};
    ///
    /// let repair = service::graph().build()?.repair(item::Entity).or_delete();
    /// # let _ = repair;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn or_delete(mut self) -> Self {
        self.unruled = Unruled::Deleted;
        self
    }

    /// Sets also NO ACTION and RESTRICT keys to NULL in their orphans.
    ///
    /// If you call this and [`or_delete`](Self::or_delete), the last call wins. A key that cannot
    /// be NULL is refused when the repair runs.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{entity::item, service};
    ///
    /// let repair = service::graph().build()?.repair(item::Entity).or_set_null();
    /// # let _ = repair;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn or_set_null(mut self) -> Self {
        self.unruled = Unruled::SetNull;
        self
    }

    /// Refuses the repair if it would delete and change more than this many rows in total.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{entity::item, service};
    ///
    /// let repair = service::graph().build()?.repair(item::Entity).at_most(10);
    /// # let _ = repair;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn at_most(mut self, rows: u64) -> Self {
        self.deletion = self.deletion.at_most(rows);
        self
    }

    /// Refuses the repair if it would not do what this preview showed.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::item, service};
    ///
    /// let repair = service::graph().build()?.repair(item::Entity);
    /// let preview = repair.preview(&db).await?;
    /// let outcome = repair.expecting(&preview).execute(&db).await?;
    /// assert_eq!(outcome.total(), 0);
    /// # Ok(()) }
    /// ```
    pub fn expecting(mut self, preview: &Preview) -> Self {
        self.deletion = self.deletion.expecting(preview);
        self
    }

    /// Makes the outcome carry the primary keys of this entity's deleted rows, as
    /// [`Deletion::keys_of`] does.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{entity::item, service};
    ///
    /// let repair = service::graph().build()?.repair(item::Entity).keys_of(item::Entity);
    /// # let _ = repair;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn keys_of<E: EntityTrait>(mut self, entity: E) -> Self {
        self.deletion = self.deletion.keys_of(entity);
        self
    }

    /// Sets how often a transient failure is retried, as [`Deletion::retries`] does.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{entity::item, service};
    ///
    /// let repair = service::graph().build()?.repair(item::Entity).retries(2);
    /// # let _ = repair;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn retries(mut self, at_most: usize) -> Self {
        self.deletion = self.deletion.retries(at_most);
        self
    }

    /// States that hooks may run more than once for a row, as [`Deletion::retry_with_hooks`] does.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{entity::item, service};
    ///
    /// let repair = service::graph().build()?.repair(item::Entity).retry_with_hooks();
    /// # let _ = repair;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn retry_with_hooks(mut self) -> Self {
        self.deletion = self.deletion.retry_with_hooks();
        self
    }

    /// Returns what the repair would do now: the orphans of each key ([`Preview::orphans`]), and
    /// all rows that would be deleted with them.
    ///
    /// It costs as much as a preview of a delete, plus one statement for each foreign key of the
    /// entity, which looks up the parent of each row.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::item, service};
    ///
    /// let preview = service::graph().build()?.repair(item::Entity).preview(&db).await?;
    /// assert!(preview.orphans().iter().all(|line| line.rows == 0));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Those of [`Deletion::preview`], and [`ErrorKind::Invalid`] if
    /// [`or_set_null`](Self::or_set_null) meets a key that cannot be NULL.
    pub async fn preview<C: Connection>(&self, db: &C) -> Result<Preview, Error> {
        let previewing = Repairing { repair: self.clone(), purpose: Purpose::Read };
        let (preview, _) = cancellable(&previewing, db).await?;
        Ok(preview)
    }

    /// Repairs the orphans in one transaction or not at all; inside a transaction of the caller in
    /// a savepoint.
    ///
    /// Orphans are locked, and checked again, before they are deleted or changed. It costs as much
    /// as a preview and a delete of them. Orphans that are changed are read by key in pages of
    /// 5,000; each page is checked again and changed by one statement. In a transaction of yours on
    /// PostgreSQL above READ COMMITTED the repair is refused, because parents that were added after
    /// its first statement are not visible there.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// use sea_orm_cascade::{entity::item, service};
    ///
    /// let outcome = service::graph().build()?.repair(item::Entity).execute(&db).await?;
    /// assert_eq!(outcome.deleted(item::Entity), 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Those of [`preview`](Self::preview), and [`ErrorKind::Blocked`] (also for a default that no
    /// row has), [`ErrorKind::TooManyRows`], [`ErrorKind::Changed`],
    /// [`ErrorKind::StillReferenced`], [`ErrorKind::StillThere`], [`ErrorKind::IsolationLevel`],
    /// [`ErrorKind::Ring`], [`ErrorKind::Vetoed`]. After any of them nothing has changed.
    pub async fn execute<C: Connection>(&self, db: &C) -> Result<Outcome, Error> {
        let executing = Repairing { repair: self.clone(), purpose: Purpose::Write };
        let (_, outcome) = cancellable(&executing, db).await?;
        Ok(outcome)
    }

    /// What the repair does with the orphans of each key of the table; NO ACTION and RESTRICT keep
    /// them.
    fn rules(&self, schema: &Schema, table: TableId) -> Result<Vec<(KeyId, Action)>, Error> {
        let rule = |key: KeyId| match (schema.keys[key].action, self.unruled) {
            (Action::NoAction | Action::Restrict, Unruled::Deleted) => (key, Action::Cascade),
            (Action::NoAction | Action::Restrict, Unruled::SetNull) => (key, Action::SetNull),
            (action, _) => (key, action),
        };
        let of_table = (0..schema.keys.len()).filter(|&key| schema.keys[key].child == table);
        let rules: Vec<_> = of_table.map(rule).collect();
        let set_null = rules.iter().filter(|(_, rule)| *rule == Action::SetNull);
        let faults: Vec<_> = set_null.flat_map(|&(key, _)| schema.cannot_be_null(key)).collect();
        if faults.is_empty() { Ok(rules) } else { Err(ErrorKind::Invalid(faults).into()) }
    }

    /// States that rows hidden by row security do not count, as [`Deletion::under_row_security`]
    /// does. A hidden parent then counts as missing.
    ///
    /// # Example
    /// ```
    /// use sea_orm_cascade::{entity::item, service};
    ///
    /// let repair = service::graph().build()?.repair(item::Entity).under_row_security();
    /// # let _ = repair;
    /// # Ok::<(), sea_orm_cascade::Error>(())
    /// ```
    pub fn under_row_security(mut self) -> Self {
        self.deletion = self.deletion.under_row_security();
        self
    }

    /// Finds the orphans that are deleted, with a Select of their entity. For a write they are
    /// locked and checked again.
    async fn find(&self, run: Execution<'_>, rules: &[(KeyId, Action)], purpose: Purpose) -> Result<Fetched, Error> {
        let deleting = rules.iter().filter(|(_, rule)| *rule == Action::Cascade);
        let keys: Vec<KeyId> = deleting.map(|&(key, _)| key).collect();
        let (schema, root) = (run.schema, run.plan.root);
        let mut found = run.keys_of(root, &schema.tables[root].identity)?;
        let catalog;
        if let (false, Roots::Select(every)) = (keys.is_empty(), &*self.deletion.roots) {
            let rows = orphans_as(schema, root, &keys, self.guard.as_ref(), Look::Plain);
            let select = every.clone().and_where(rows.condition().clone()).to_owned();
            (found, catalog) = run.find_roots(&Roots::Select(Box::new(select)), purpose).await?;
            if purpose == Purpose::Write {
                found = self.still(run, &keys, found).await?;
            }
        } else {
            catalog = run.catalog(Part::All).await?;
        }
        let fetched = Fetched::new(schema, root, found).with_catalog(catalog);
        run.with_gathered(fetched, purpose == Purpose::Write, CountScope::All).await
    }

    /// Those of the locked rows that are still orphans by any of these keys.
    async fn still(&self, run: Execution<'_>, keys: &[KeyId], found: Keys) -> Result<Keys, Error> {
        let look = if run.dialect == Dialect::MySql { Look::Committed } else { Look::Plain };
        let rows = orphans_as(run.schema, run.plan.root, keys, self.guard.as_ref(), look);
        run.still(rows.table(), found, rows.condition()).await
    }

    /// Counts everything that a preview shows.
    async fn look(&self, run: Execution<'_>, fetched: &Fetched, rules: &[(KeyId, Action)]) -> Result<Preview, Error> {
        let mut preview = run.look(fetched).await?;
        for &(key, rule) in rules {
            let mut rows = orphans(run.schema, key, self.guard.as_ref());
            if rule.changes_key() {
                rows = run.sql(fetched).kept_of(&rows);
            }
            let number = run.row_of(&run.sql(fetched).count_after(&rows, None), 1).await?.iter().sum();
            if number > 0 && rule == Action::SetDefault && run.has_no_default(fetched, key).await? {
                preview.add_blocker(run.schema, key, number, run.first_keys(fetched, &rows).await?);
            }
            preview.add_orphans(run.schema, key, rule, number);
        }
        Ok(preview)
    }

    /// Writes what was counted. Deletes come first, so that only rows that stay are changed (R4).
    async fn carry_out(
        &self,
        run: Execution<'_>,
        fetched: &Fetched,
        rules: &[(KeyId, Action)],
        seen: &Preview,
    ) -> Result<Outcome, Error> {
        let (at_most, expecting) = (self.deletion.at_most, self.deletion.expecting.as_deref());
        check(seen, at_most, expecting)?;
        let mut outcome = run.write(fetched).await?;
        for &(key, rule) in rules.iter().filter(|(_, rule)| rule.changes_key()) {
            let child = run.schema.keys[key].child;
            let mut pages =
                Pages::new(run, child, orphans(run.schema, key, self.guard.as_ref()), true).of_at_most(PAGE);
            let mut changed = 0;
            while let Some(Page { keys, .. }) = pages.next(fetched).await? {
                let keys = self.still(run, &[key], keys).await?;
                let all: Vec<usize> = (0..keys.len()).collect();
                changed += run.set_at(fetched, key, (&keys, &all)).await?;
                if fetched.catalog.may_keep_rows {
                    let stayed = self.still(run, &[key], keys).await?.len() as u64;
                    run.check_kept(child, Some(key), Some(all.len() as u64), stayed)?;
                }
            }
            outcome.add_changed(&run.schema.tables[child].label, &run.schema.keys[key].label, rule, changed);
        }
        run.check_transaction().await?;
        if !seen.outcome().is_alike(&outcome) {
            // Rows were added or removed between the count and the write.
            check(&seen.clone().with_outcome(outcome.clone()), at_most, expecting)?;
        }
        Ok(outcome)
    }
}

/// A repair that reads or writes.
#[derive(Debug, Clone)]
struct Repairing {
    repair: Repair,
    purpose: Purpose,
}

impl Work for Repairing {
    type Output = (Preview, Outcome);

    async fn work(&self, execution: Execution<'_>) -> Result<(Preview, Outcome), Error> {
        let Self { repair, purpose } = self;
        let rules = repair.rules(execution.schema, execution.plan.root)?;
        let fetched = repair.find(execution, &rules, *purpose).await?;
        if *purpose == Purpose::Write {
            for &(key, _) in rules.iter().filter(|(_, rule)| *rule == Action::SetDefault) {
                execution.lock_default(&fetched, key).await?;
            }
        }
        let seen = repair.look(execution, &fetched, &rules).await?;
        let outcome = match purpose {
            Purpose::Read => seen.outcome().clone(),
            Purpose::Write => repair.carry_out(execution, &fetched, &rules, &seen).await?,
        };
        Ok((seen, outcome))
    }
}

impl Request for Repairing {
    fn prepare(&self) -> Result<Prepared, Error> {
        let Self { repair, purpose } = self;
        let table = label(repair.deletion.entity_name());
        let span = tracing::debug_span!(target: "sea_orm_cascade", "cascade.repair", table);
        let mut prepared = repair.deletion.prepared(*purpose, span)?;
        let rules = repair.rules(prepared.graph.schema(), prepared.plan.root)?;
        prepared.capture.repaired =
            rules.into_iter().filter(|(_, rule)| *rule == Action::Cascade || rule.changes_key()).collect();
        Ok(prepared)
    }

    fn tell(result: &Result<(Preview, Outcome), Error>) {
        tell(result.as_ref().map(|(_, outcome)| outcome));
    }
}

impl Execution<'_> {
    /// Whether the defaults of a SET DEFAULT key reference a row, and no row that stays has that
    /// key.
    async fn has_no_default(self, fetched: &Fetched, key: KeyId) -> Result<bool, Error> {
        if !self.schema.keys[key].refers_by_default(self.schema) {
            return Ok(false);
        }
        let counts = self.sql(fetched).counts(&[(Count::DefaultSurvivor(key), None)]);
        Ok(self.counts_of(&counts).await?.first() == Some(&0))
    }
}
