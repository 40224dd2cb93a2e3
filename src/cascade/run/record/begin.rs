//! Begins and ends the record of a delete: what can be recorded, and the receipt.
//!
//! I/O. The catalogs are read in the transaction of the delete, after its tables were touched by a
//! statement that keeps their lock, so that no column can be added in between (U12).

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::time::SystemTime;

use sea_orm::sea_query::{
    Alias, ArrayType, Expr, ExprTrait as _, Query, SelectStatement, TableName, TableRef, UnionType,
};
use sea_orm::{DbErr, SqlErr, Value};

use crate::cascade::data::action::Action;
use crate::cascade::data::dialect::Dialect;
use crate::cascade::data::key::alias;
use crate::cascade::data::receipt::{Receipt, ReceiptState, RecordedStep};
use crate::cascade::db::execution::{Execution, Transaction};
use crate::cascade::db::session::CatalogQuery;
use crate::cascade::declare::schema::TableId;
use crate::cascade::error::{Error, ErrorKind};
use crate::cascade::live::data::{Filled, Live, LiveKey, TableKind};
use crate::cascade::live::places::Places;
use crate::cascade::live::{catalog, record};
use crate::cascade::plan::Step;
use crate::cascade::plan::recording::{RECEIPT, RECEIPTS, RecordedTable, Recording, record_table};
use crate::cascade::sql::record::quoted;

/// PostgreSQL: tables of which a delete does not see or keep all rows.
const KINDS: &str = "SELECT c.relname::text AS tbl, \
     CASE WHEN c.relpersistence = 't' THEN 'it is a temporary table' ELSE 'other tables inherit from it' END AS reason \
     FROM pg_class c WHERE c.oid IN (SELECT to_regclass(n)::oid FROM unnest($1::text[]) AS n) AND (c.relpersistence = 't' \
     OR (c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)))";

impl Execution<'_> {
    /// Checks that everything that the delete may take can be recorded, and begins a record.
    pub(crate) async fn begin_recording(self) -> Result<Recording, Error> {
        let root = || self.schema.tables[self.plan.root].label.clone();
        if !self.schema.is_recorded {
            return Err(ErrorKind::NotBuiltWithUndo.into());
        }
        if self.dialect == Dialect::Postgres && self.transaction == Transaction::CallersToWrite {
            let level = "SELECT current_setting('transaction_isolation') AS level";
            let rows = self.session.query(&CatalogQuery::new(level, Vec::new())).await?;
            let level: String = rows.first().map_or_else(|| Ok(String::new()), |row| row.try_get("", "level"))?;
            if level != "read committed" {
                let reason = format!(
                    "a {level} transaction may not see columns that others have added; begin it as READ COMMITTED"
                );
                return Err(ErrorKind::NotRecordable { table: root(), reason }.into());
            }
        }
        let tables = self.recorded_tables();
        self.touch(tables.iter().map(|&table| &self.schema.tables[table].name)).await?;
        let live = catalog::read(self.session, self.dialect, self.schema).await?;
        self.check_kinds(&tables).await?;
        let mut recorded = vec![None; self.schema.tables.len()];
        for &table in &tables {
            recorded[table] = Some(self.recordable(&live, table)?);
        }
        self.touch(recorded.iter().flatten().map(|table| &table.record)).await?;
        self.check_constraints(&live, &tables)?;
        let random = RandomState::new().hash_one(SystemTime::now());
        Ok(Recording::new(Receipt::at(SystemTime::now(), random), recorded))
    }

    /// Returns the tables that may lose rows, or keys of rows.
    fn recorded_tables(self) -> BTreeSet<TableId> {
        let changed = self.plan.steps.iter().filter_map(|step| match *step {
            Step::Update(key) | Step::UpdateKept(key) => Some(self.schema.keys[key].child),
            Step::DeleteBy(_) | Step::DeleteRoots | Step::DeleteCycle(_) => None,
        });
        self.plan.doomed.iter().copied().chain(changed).collect()
    }

    /// Takes the lock that keeps a table's columns as they are, until the transaction ends. SQLite
    /// has locked everything.
    pub(crate) async fn touch(self, tables: impl Iterator<Item = &TableName>) -> Result<(), Error> {
        if self.dialect == Dialect::Sqlite {
            return Ok(());
        }
        let touched = |table: &TableName| {
            let mut select = Query::select();
            select.expr(Expr::cust("1")).from(TableRef::Table(table.clone(), None)).and_where(Expr::cust("1 = 2"));
            select
        };
        let mut selects = tables.map(touched);
        let Some(mut all) = selects.next() else { return Ok(()) };
        all.unions(selects.map(|select: SelectStatement| (UnionType::All, select)));
        self.session.query(&all).await?;
        Ok(())
    }

    async fn check_kinds(self, tables: &BTreeSet<TableId>) -> Result<(), Error> {
        if self.dialect != Dialect::Postgres {
            return Ok(());
        }
        let name = |&table: &TableId| Value::from(quoted(self.dialect, &self.schema.tables[table].name));
        let names = tables.iter().map(name).collect();
        let names = Value::Array(ArrayType::String, Some(Box::new(names)));
        let rows = self.session.query(&CatalogQuery::new(KINDS, vec![names])).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        Err(ErrorKind::NotRecordable { table: row.try_get("", "tbl")?, reason: row.try_get("", "reason")? }.into())
    }

    fn recordable(self, live: &Live, id: TableId) -> Result<RecordedTable, Error> {
        let table = &self.schema.tables[id];
        let refused = |reason: String| Error::from(ErrorKind::NotRecordable { table: table.label.clone(), reason });
        let found = live.find(&table.name).ok_or_else(|| refused("it is not in the catalogs".to_owned()))?;
        if found.kind == TableKind::View {
            return Err(refused("it is a view or a foreign table".to_owned()));
        }
        if found.keepers.policies.is_some() {
            return Err(refused("row security is active for this user, and may hide rows".to_owned()));
        }
        let name = record_table(&table.name);
        let own = |what: String| refused(format!("{what}; run the statements of `Graph::audit`"));
        let record = live.find(&name).ok_or_else(|| own(format!("its record table {} does not exist", name.1)))?;
        let differing =
            record::missing(live, found, record).into_iter().chain(record::different(live, found, record)).next();
        if let Some(column) = differing {
            return Err(own(format!("its record table {} has no column {} of the same type", name.1, column.name)));
        }
        let primary_key = table.names(&table.primary_key);
        let numbered =
            found.columns.iter().find(|column| column.filled == Filled::ByNumber).map(|column| column.name.clone());
        let columns = found.columns.iter().map(|column| column.name.clone()).collect();
        Ok(RecordedTable { record: name, columns, primary_key, numbered })
    }

    /// U4: what a constraint outside the graph would take or change cannot be recorded.
    fn check_constraints(self, live: &Live, tables: &BTreeSet<TableId>) -> Result<(), Error> {
        let places = Places::of(self.schema, live);
        let acts = |action| matches!(action, Action::Cascade | Action::SetNull | Action::SetDefault);
        for key in live.keys.iter().filter(|key| key.is_enforced) {
            let Some(parent) = places.at(&key.parent).filter(|parent| tables.contains(parent)) else { continue };
            let of_graph = |declared| places.answers(declared, key) || places.answers_in_part(declared, key);
            let takes = self.plan.dooms(parent) && acts(key.on_delete) && !self.schema.keys.iter().any(of_graph);
            let changes = acts(key.on_update) && self.changes_any(live, parent, &key.parent_columns);
            let is_accepted = self.schema.unrecorded.contains(&key.child.table);
            if (takes || changes) && !is_accepted {
                return Err(ErrorKind::NotRecordable { table: key.child.table.clone(), reason: outside(key) }.into());
            }
        }
        Ok(())
    }

    /// Whether the delete sets any of these columns to NULL or to a default.
    fn changes_any(self, live: &Live, table: TableId, columns: &[String]) -> bool {
        let mut changed = self.plan.steps.iter().filter_map(|step| match *step {
            Step::Update(key) | Step::UpdateKept(key) if self.schema.keys[key].child == table => Some(key),
            _ => None,
        });
        changed.any(|key| {
            let changed = self.schema.tables[table].names(&self.schema.keys[key].child_columns);
            changed.iter().any(|column| columns.iter().any(|other| live.same_column(column, other)))
        })
    }

    /// Writes the receipt, if anything was recorded, and returns its number.
    pub(crate) async fn finish_recording(self, recording: &Recording, reason: &str) -> Result<Option<Receipt>, Error> {
        let steps = recording.taken();
        if steps.is_empty() {
            return Ok(None);
        }
        self.check_numbers(recording, &steps).await?;
        let root = &self.schema.tables[self.plan.root].label;
        let mut insert = Query::insert();
        insert.into_table(Alias::new(RECEIPTS));
        insert.columns(["number", "made_at", "reason", "root", "state", "numbers"].map(Alias::new));
        let made_at = recording.receipt.made_at().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let numbers = as_json(&steps)?;
        let values: [Expr; 6] = [
            Expr::value(recording.receipt.stored()),
            Expr::value(i64::try_from(made_at.as_millis()).unwrap_or(i64::MAX)),
            Expr::value(reason),
            Expr::value(root.as_str()),
            Expr::value(ReceiptState::Done.as_str()),
            Expr::value(numbers),
        ];
        insert.values(values).map_err(|error| DbErr::Custom(error.to_string()))?;
        let written = self.write_record(&insert).await;
        written.map_err(|error| match error.database_error().and_then(DbErr::sql_err) {
            Some(SqlErr::UniqueConstraintViolation(_)) => ErrorKind::RowsAppeared { table: RECEIPTS.to_owned() }.into(),
            _ => error,
        })?;
        Ok(Some(recording.receipt))
    }

    /// U4: MySQL and MariaDB would give a row with 0 in an `AUTO_INCREMENT` column another number when
    /// it comes back.
    async fn check_numbers(self, recording: &Recording, steps: &[RecordedStep]) -> Result<(), Error> {
        for (id, table) in recording.tables.iter().enumerate() {
            let label = &self.schema.tables[id].label;
            let Some((table, numbered)) = table.as_ref().and_then(|table| Some((table, table.numbered.as_ref()?)))
            else {
                continue;
            };
            if !steps.iter().any(|step| step.table == *label && step.change.is_none()) {
                continue;
            }
            let mut select = Query::select();
            select
                .expr_as(Expr::cust("COUNT(*)"), Alias::new(alias(0)))
                .from(TableRef::Table(table.record.clone(), None));
            select.and_where(Expr::col(Alias::new(RECEIPT)).eq(recording.receipt.stored()));
            select.and_where(Expr::col(Alias::new(numbered)).eq(0));
            if self.row_of(&select, 1).await?.iter().sum::<u64>() > 0 {
                let reason = format!("a row has 0 in the AUTO_INCREMENT column {numbered}");
                return Err(ErrorKind::NotRecordable { table: label.clone(), reason }.into());
            }
        }
        Ok(())
    }
}

fn as_json(steps: &[RecordedStep]) -> Result<String, DbErr> {
    serde_json::to_string(steps).map_err(|error| DbErr::Json(error.to_string()))
}

fn outside(key: &LiveKey) -> String {
    let columns = key.child_columns.join(", ");
    let name = if key.name.is_empty() { String::new() } else { format!("{} ", key.name) };
    format!(
        "the constraint {name}({columns}) is no foreign key of the graph, and the database would delete or change rows by it \
         that nobody records; register the table, or state `unrecorded(\"{}\")`",
        key.child.table
    )
}
