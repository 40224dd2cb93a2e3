//! Mends orphans by the declared rule, through the engine.
//!
//! I/O: this is where a repair begins and ends its transaction. Rows that go are the roots of a delete like any other, found
//! by a Select; rows that stay are changed after it.

use sea_orm::sea_query::{Condition, Expr, IntoCondition};
use sea_orm::{EntityTrait, QueryTrait as _};
use tracing::Instrument as _;

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::Keys;
use crate::cascade::data::name::label;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::preview::Preview;
use crate::cascade::db::execution::{Run, Transaction, Watch};
use crate::cascade::db::session;
use crate::cascade::db::session::{Connection, Purpose};
use crate::cascade::declare::declaration::Declaration;
use crate::cascade::declare::graph::Graph;
use crate::cascade::declare::schema::{KeyId, Schema, TableId};
use crate::cascade::deletion::Deletion;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::find::pages::{Page, Pages};
use crate::cascade::find::preview::check;
use crate::cascade::plan::count::Count;
use crate::cascade::plan::fetched::Known;
use crate::cascade::plan::roots::Roots;
use crate::cascade::run::cancel::{Awaited, WhileAwaited, Work, shielded};
use crate::cascade::sql::PAGE;
use crate::cascade::sql::orphans::{Look, orphans, orphans_as};

/// A request to mend one entity's orphans: rows that refer to a row that is not there.
///
/// It comes from [`Graph::repair`], and does nothing until it is run.
#[derive(Debug, Clone)]
#[must_use = "a repair does nothing until `preview` or `execute` is called"]
pub struct Repair {
    deletion: Deletion,
    guard: Option<Expr>,
    unruled: Unruled,
}

/// What becomes of orphans whose rule does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unruled {
    Left,
    Deleted,
    SetNull,
}

/// A repair that is looked at.
#[derive(Clone)]
struct Previewing(Repair);

/// A repair that is done.
#[derive(Clone)]
struct Executing(Repair);

impl Graph {
    /// A request to mend the orphans of an entity by the rule of the key by which they refer to nothing: what would have
    /// become of them when their parent went.
    ///
    /// CASCADE deletes them, with all that depends on them; SET NULL and SET DEFAULT change the key. NO ACTION and RESTRICT
    /// do not say what becomes of orphans, which are left alone unless [`Repair::or_delete`] or [`Repair::or_set_null`] says
    /// it. A row that is an orphan by several keys is deleted if any of them deletes it.
    ///
    /// How many orphans there are, by which key, is what [`Auditing::counting_orphans`](super::Auditing::counting_orphans)
    /// finds, for all entities at once.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    /// graph.audit(&db).counting_orphans().await?.expect_clean()?;
    /// # let _ = ikea;
    /// # Ok(()) }
    /// ```
    pub fn repair<E: EntityTrait>(&self, _entity: E) -> Repair {
        let every = Roots::Select(Box::new(E::find().into_query()));
        let deletion = Deletion::new(self.clone(), Declaration::of::<E>(), every);
        Repair { deletion, guard: None, unruled: Unruled::Left }
    }
}

impl Repair {
    /// Leaves rows alone that do not fulfil this: the guard of rows that are too young to be sure of, as in
    /// `.only(review::COLUMN.created_at.lt(an_hour_ago))`. Where nothing makes writers put parents first, a row may be
    /// there a moment before its parent. Called again, rows must fulfil both.
    ///
    /// It guards the orphans; what depends on them goes with them.
    pub fn only(mut self, condition: impl IntoCondition) -> Self {
        let condition = condition.into_condition();
        let both = self.guard.take().into_iter().fold(Condition::all(), Condition::add).add(condition);
        self.guard = Some(both.into());
        self
    }

    /// Deletes also the orphans by keys whose rule, NO ACTION or RESTRICT, does not say what becomes of them. Of this and
    /// [`or_set_null`](Self::or_set_null) the last counts.
    pub fn or_delete(mut self) -> Self {
        self.unruled = Unruled::Deleted;
        self
    }

    /// Sets also those keys to NULL whose rule, NO ACTION or RESTRICT, does not say what becomes of their orphans.
    pub fn or_set_null(mut self) -> Self {
        self.unruled = Unruled::SetNull;
        self
    }

    /// Refuses the repair if it would delete and change more than this many rows in all.
    pub fn at_most(mut self, rows: u64) -> Self {
        self.deletion = self.deletion.at_most(rows);
        self
    }

    /// Refuses the repair if it would not do what this preview showed.
    pub fn expecting(mut self, preview: &Preview) -> Self {
        self.deletion = self.deletion.expecting(preview);
        self
    }

    /// Lets the outcome carry the primary keys of this entity's rows that went, as [`Deletion::keys_of`] does.
    pub fn keys_of<E: EntityTrait>(mut self, entity: E) -> Self {
        self.deletion = self.deletion.keys_of(entity);
        self
    }

    /// How often a transient failure is tried again, as [`Deletion::retries`] says.
    pub fn retries(mut self, at_most: usize) -> Self {
        self.deletion = self.deletion.retries(at_most);
        self
    }

    /// Says that hooks may run more than once for a row, as [`Deletion::retry_with_hooks`] does.
    pub fn retry_with_hooks(mut self) -> Self {
        self.deletion = self.deletion.retry_with_hooks();
        self
    }

    /// What the repair would do now: the orphans by each key ([`Preview::orphans`]), and all that would go with those that
    /// are deleted.
    ///
    /// Costs what a preview of a delete costs, and one statement for each key of the entity, which looks up the parent of
    /// each row.
    ///
    /// # Errors
    /// Those of [`Deletion::preview`], and [`ErrorKind::Invalid`] for [`or_set_null`](Self::or_set_null) on a key that
    /// cannot be NULL.
    pub async fn preview<C: Connection>(&self, db: &C) -> Result<Preview, Error> {
        shielded(&Previewing(self.clone()), db).await
    }

    /// Mends the orphans, in one transaction or not at all; inside a transaction of the caller's in a savepoint.
    ///
    /// Orphans are locked, and asked whether they still are, before they go or change. Costs what a preview and a delete of
    /// them cost; those that are changed are read by key, in pages of 5,000, asked again and changed by one statement for each
    /// page. In a transaction of
    /// yours on PostgreSQL above READ COMMITTED it is refused, because parents that came after its first statement are not
    /// seen there.
    ///
    /// # Errors
    /// Those of [`preview`](Self::preview), and [`ErrorKind::Blocked`], also for a default that names no row,
    /// [`ErrorKind::TooManyRows`], [`ErrorKind::Changed`], [`ErrorKind::StillReferenced`],
    /// [`ErrorKind::StillThere`], [`ErrorKind::IsolationLevel`], [`ErrorKind::Ring`], [`ErrorKind::Vetoed`]. Nothing has
    /// changed after any of them.
    pub async fn execute<C: Connection>(&self, db: &C) -> Result<Outcome, Error> {
        shielded(&Executing(self.clone()), db).await
    }

    /// What becomes of the orphans by each key of the table: NO ACTION and RESTRICT leave them.
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

    /// States that rows which row security hides do not count, as [`Deletion::under_row_security`] does. A parent that is
    /// hidden counts as missing then.
    pub fn under_row_security(mut self) -> Self {
        self.deletion = self.deletion.under_row_security();
        self
    }

    /// The orphans that are deleted, found by a Select of their entity; to write, they are locked and asked again.
    async fn find(&self, run: Run<'_>, rules: &[(KeyId, Action)], purpose: Purpose) -> Result<Known, Error> {
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
            catalog = run.catalog().await?;
        }
        let known = Known::new(schema, root, found).with_catalog(catalog);
        run.with_more_known(known, purpose == Purpose::Write).await
    }

    /// Those of the locked rows that are still orphans by any of these keys.
    async fn still(&self, run: Run<'_>, keys: &[KeyId], found: Keys) -> Result<Keys, Error> {
        let look = if run.dialect == Dialect::MySql { Look::Committed } else { Look::Plain };
        let rows = orphans_as(run.schema, run.plan.root, keys, self.guard.as_ref(), look);
        run.still(rows.table(), found, rows.condition()).await
    }

    /// All that a preview shows.
    async fn look(&self, run: Run<'_>, known: &Known, rules: &[(KeyId, Action)]) -> Result<Preview, Error> {
        let mut preview = run.look(known).await?;
        for &(key, rule) in rules {
            let mut rows = orphans(run.schema, key, self.guard.as_ref());
            if rule.changes_key() {
                rows = run.sql(known).kept_of(&rows);
            }
            let number = run.row_of(&run.sql(known).count_after(&rows, None), 1).await?.iter().sum();
            if number > 0 && rule == Action::SetDefault && run.has_no_default(known, key).await? {
                preview.add_blocker(run.schema, key, number, run.first_keys(known, &rows).await?);
            }
            preview.add_orphans(run.schema, key, rule, number);
        }
        Ok(preview)
    }

    /// Does what was looked at: deletes first, so that only rows that stay are changed (R4).
    async fn carry_out(
        &self,
        run: Run<'_>,
        known: &Known,
        rules: &[(KeyId, Action)],
        seen: &Preview,
    ) -> Result<Outcome, Error> {
        let (at_most, expecting) = (self.deletion.at_most, self.deletion.expecting.as_deref());
        check(seen, at_most, expecting)?;
        let mut outcome = run.write(known).await?;
        for &(key, rule) in rules.iter().filter(|(_, rule)| rule.changes_key()) {
            let child = run.schema.keys[key].child;
            let mut pages =
                Pages::new(run, child, orphans(run.schema, key, self.guard.as_ref()), true).of_at_most(PAGE);
            let mut changed = 0;
            while let Some(Page { keys, .. }) = pages.next(known).await? {
                let keys = self.still(run, &[key], keys).await?;
                let all: Vec<usize> = (0..keys.len()).collect();
                changed += run.execute_all(run.sql(known).update_rows(key, &keys, &all)).await?;
                if known.catalog.may_keep_rows {
                    let stayed = self.still(run, &[key], keys).await?.len() as u64;
                    run.check_kept(child, Some(key), Some(all.len() as u64), stayed)?;
                }
            }
            outcome.add_changed(&run.schema.tables[child].label, &run.schema.keys[key].label, rule, changed);
        }
        run.check_transaction().await?;
        if !seen.outcome().is_alike(&outcome) {
            // Rows came or went between the counting and the writing.
            check(&seen.clone().with_outcome(outcome.clone()), at_most, expecting)?;
        }
        Ok(outcome)
    }

    /// Looks and, to write, does what was looked at, in a transaction of its own or a savepoint.
    async fn on<C: Connection>(
        &self,
        db: &C,
        awaited: &Awaited,
        purpose: Purpose,
    ) -> Result<(Preview, Outcome), Error> {
        let (plan, dialect) = (self.deletion.planned()?, Dialect::of(db.get_database_backend())?);
        let schema = self.deletion.graph.schema();
        let rules = self.rules(schema, plan.root)?;
        let mends = |(_, rule): &(KeyId, Action)| *rule == Action::Cascade || rule.changes_key();
        let repaired = rules.iter().copied().filter(mends).collect();
        let watch = Watch { repaired, ..self.deletion.watch()? };
        let run = || async {
            let transaction = session::begin(db, dialect, purpose).await?;
            let session = WhileAwaited { session: &transaction, awaited };
            let transaction_of = Transaction::of::<C>(purpose);
            let run =
                Run { schema, plan: &plan, dialect, session: &session, watch: &watch, transaction: transaction_of };
            let worked = async {
                let known = self.find(run, &rules, purpose).await?;
                for &(key, rule) in rules.iter().filter(|_| purpose == Purpose::Write) {
                    if rule == Action::SetDefault {
                        run.lock_default(&known, key).await?;
                    }
                }
                let seen = self.look(run, &known, &rules).await?;
                let outcome = match purpose {
                    Purpose::Read => seen.outcome().clone(),
                    Purpose::Write => self.carry_out(run, &known, &rules, &seen).await?,
                };
                awaited.check()?;
                Ok((seen, outcome))
            };
            let result = worked.await;
            session::finish(transaction, result).await
        };
        let table = label(self.deletion.entity_name());
        let span = tracing::debug_span!(target: "sea_orm_cascade", "cascade.repair", table);
        self.deletion.retries_on::<C>().of(&watch, run).instrument(span).await
    }
}

impl Run<'_> {
    /// Whether the defaults of a SET DEFAULT key refer to a row, and none that stays has them.
    async fn has_no_default(self, known: &Known, key: KeyId) -> Result<bool, Error> {
        if !self.schema.keys[key].refers_by_default(self.schema) {
            return Ok(false);
        }
        let counts = self.sql(known).counts(&[(Count::DefaultKept(key), None)]);
        Ok(self.row_of(&counts, 1).await?.first() == Some(&0))
    }
}

impl Work for Previewing {
    type Output = Preview;

    async fn on<C: Connection>(&self, db: &C, awaited: &Awaited) -> Result<Preview, Error> {
        let (preview, _) = self.0.on(db, awaited, Purpose::Read).await?;
        Ok(preview)
    }
}

impl Work for Executing {
    type Output = Outcome;

    async fn on<C: Connection>(&self, db: &C, awaited: &Awaited) -> Result<Outcome, Error> {
        let (_, outcome) = self.0.on(db, awaited, Purpose::Write).await?;
        Ok(outcome)
    }
}
