//! The kinds of errors, with the data that a caller needs to act.
//!
//! Pure.

use sea_orm::DbErr;

use crate::cascade::data::finding::Audit;
use crate::cascade::data::key::Key;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::preview::{Blocker, Preview};
use crate::cascade::data::receipt::{Receipt, ReceiptState};
use crate::cascade::data::undo::{UndoBlocker, Undone};
use crate::cascade::error::Error;
use crate::cascade::error::fault::Fault;

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The declarations contradict each other or cannot work. It lists every fault.
    Invalid(Vec<Fault>),
    /// The entity whose rows are to be deleted is not in the graph.
    #[non_exhaustive]
    NotRegistered {
        /// Its table.
        table: String,
    },
    /// Requested rows do not exist, and [`must_exist`](crate::Deletion::must_exist) was called.
    #[non_exhaustive]
    NotFound {
        /// The table.
        table: String,
        /// The primary keys without a row; empty if a Select returned no row.
        keys: Vec<Key>,
    },
    /// Rows that must stay reference doomed rows (rules R3, R5). It lists every blocker.
    Blocked(Vec<Blocker>),
    /// The delete would delete and change more rows than `at_most` allows.
    #[non_exhaustive]
    TooManyRows {
        /// The limit.
        at_most: u64,
        /// What the delete would do.
        preview: Box<Preview>,
    },
    /// The delete would no longer do what the preview showed.
    #[non_exhaustive]
    Changed {
        /// What the preview showed.
        expected: Box<Preview>,
        /// What the delete would do now.
        found: Box<Preview>,
    },
    /// The connection's user lacks a permission on a table.
    ///
    /// A delete needs SELECT on every table that it reaches, DELETE where it deletes and UPDATE
    /// where it changes keys. On PostgreSQL it also needs UPDATE where it locks, which is every
    /// table that a foreign key references (`SELECT .. FOR UPDATE`).
    #[non_exhaustive]
    Forbidden {
        /// The table, as the database or the access control names it; empty if it does not name
        /// one.
        table: String,
        /// The missing permission, such as `delete`; empty if the database does not name it.
        permission: String,
        /// The refusal itself.
        source: DbErr,
    },
    /// Row security of PostgreSQL is active for this connection's user, so rows of the delete set
    /// may be hidden; see [`Deletion::under_row_security`](crate::Deletion::under_row_security).
    #[non_exhaustive]
    RowSecurity {
        /// The tables with row security, among those that the delete reaches.
        tables: Vec<String>,
    },
    /// Rows that a statement should have deleted or changed are still there, and the database
    /// reported no error. A trigger or a rule has kept them or has added other rows that reference
    /// doomed rows; or row security hid them from the statement.
    #[non_exhaustive]
    StillThere {
        /// Their table.
        table: String,
        /// The key through which they still reference doomed rows, if they were found that way.
        foreign_key: Option<String>,
        /// How many rows should have been deleted, if their keys were known.
        rows: Option<u64>,
        /// How many of them are still there.
        stayed: u64,
    },
    /// A key column has another type in the database than its entity declares, and this crate would
    /// not read or compare its values exactly: it could delete other rows than requested.
    #[non_exhaustive]
    TypeDiffers {
        /// The table.
        table: String,
        /// Its column.
        column: String,
        /// The types that it may have.
        expected: String,
        /// The type that it has.
        found: String,
    },
    /// A value in a key column is stored as another kind of value than the column's type says,
    /// which SQLite allows. It compares differently from the other values.
    #[non_exhaustive]
    StoredDifferently {
        /// The table.
        table: String,
        /// Its column.
        column: String,
        /// The value and how it is stored: `1.5 (REAL)`.
        value: String,
        /// The row: its key as far as it could be read, and the value.
        row: String,
    },
    /// SET NULL or SET DEFAULT on a column that cannot take it in the database, on MySQL and
    /// MariaDB. The column is computed, or it is NOT NULL: in a mode that is not strict, these
    /// databases ignore the change or store 0. (The other databases refuse this themselves.)
    #[non_exhaustive]
    KeyCannotChange {
        /// The child's table.
        table: String,
        /// The column.
        column: String,
        /// Why it cannot.
        reason: &'static str,
    },
    /// Tables that the delete reaches cannot be rolled back (`MyISAM`, `Aria` and others of MySQL
    /// and MariaDB), so an error would leave the delete half done.
    #[non_exhaustive]
    NotTransactional {
        /// These tables.
        tables: Vec<String>,
    },
    /// The caller's transaction on PostgreSQL is above READ COMMITTED, so it does not see rows that
    /// other sessions have added since it began, and the database has no constraint for these keys
    /// that would detect them.
    #[non_exhaustive]
    IsolationLevel {
        /// The level of the transaction.
        level: String,
        /// The keys without a constraint.
        foreign_keys: Vec<String>,
    },
    /// This crate's feature for the connection's database is off.
    #[non_exhaustive]
    BackendDisabled {
        /// The database.
        backend: &'static str,
        /// The feature to turn on.
        feature: &'static str,
    },
    /// The connection is to a database that this crate does not support.
    UnknownBackend,
    /// A key column has a type that this database cannot compare reliably.
    #[non_exhaustive]
    KeyNotComparable {
        /// The database.
        backend: &'static str,
        /// The table.
        table: String,
        /// Its column.
        column: String,
    },
    /// The Select of the roots failed when the crate added their key columns to it.
    Select(DbErr),
    /// The database found a row that still references a doomed row: the row is in a table outside
    /// the graph, or was inserted while the delete ran.
    StillReferenced(DbErr),
    /// Rows reference each other in a ring through keys that cannot be NULL, and the database
    /// deletes none of them before the others.
    #[non_exhaustive]
    Ring {
        /// The database.
        backend: &'static str,
        /// The rows of a ring: each references the next, the last references the first.
        rows: Vec<RingRow>,
        /// What the database said.
        source: DbErr,
    },
    /// A `before_delete` or `after_delete` of an entity registered with its hooks returned an
    /// error.
    #[non_exhaustive]
    Vetoed {
        /// Its table.
        table: String,
        /// What the hook returned.
        source: DbErr,
    },
    /// A delete in batches ended after some batches, which stay committed: its progress callback
    /// stopped it, or a batch failed. Every remaining row still has its parent, and the same call
    /// continues with them.
    #[non_exhaustive]
    Unfinished {
        /// What was deleted and changed.
        outcome: Outcome,
        /// How many batches were committed.
        batches: u64,
        /// Why a batch failed; `None` if the callback stopped it.
        cause: Option<Error>,
    },
    /// A row left the delete set while batches ran: it was given another parent, so its descendants
    /// may no longer be doomed. None of them was deleted; call again.
    #[non_exhaustive]
    Reparented {
        /// Their table.
        table: String,
    },
    /// While a delete in batches ran, the row was deleted that a SET DEFAULT key should reference.
    #[non_exhaustive]
    DefaultMissing {
        /// The key.
        foreign_key: String,
        /// The table of the row.
        parent: String,
    },
    /// `expect_clean` found differences between the schema and the declarations, or orphans.
    AuditFailed(Box<Audit>),
    /// Batches were requested inside a transaction of the caller, in which they could not be
    /// committed one by one.
    BatchesInTransaction,
    /// Batches of 0 rows were requested.
    EmptyBatches,
    /// A delete was to be recorded or undone, and the graph was built without
    /// [`with_undo`](crate::GraphBuilder::with_undo).
    NotBuiltWithUndo,
    /// A delete was to be recorded, and an undo could not bring everything back. Nothing has changed.
    #[non_exhaustive]
    NotRecordable {
        /// The table that is in the way.
        table: String,
        /// Why, and what to do.
        reason: String,
    },
    /// Rows appeared between two statements that must find the same rows. It is transient.
    #[non_exhaustive]
    RowsAppeared {
        /// Their table.
        table: String,
    },
    /// There is no such receipt in this database.
    #[non_exhaustive]
    NoReceipt {
        /// The number.
        receipt: Receipt,
    },
    /// A recorded table, or its record table, does not exist any more.
    #[non_exhaustive]
    RecordMissing {
        /// The table.
        table: String,
    },
    /// The delete of this receipt was undone, or its record was removed.
    #[non_exhaustive]
    ReceiptClosed {
        /// The number.
        receipt: Receipt,
        /// What became of it.
        state: ReceiptState,
    },
    /// Something is in the way of an undo. It lists everything, and nothing has changed.
    #[non_exhaustive]
    UndoBlocked {
        /// The receipt.
        receipt: Receipt,
        /// What is in the way.
        blockers: Vec<UndoBlocker>,
    },
    /// The undo would no longer do what its preview showed.
    #[non_exhaustive]
    UndoChanged {
        /// What the preview showed.
        expected: Box<Undone>,
        /// What the undo would do now.
        found: Box<Undone>,
    },
    /// An undo did not bring back every recorded row: a trigger or a rule kept some. Nothing has
    /// changed.
    #[non_exhaustive]
    NotReturned {
        /// Their table.
        table: String,
        /// How many rows were recorded.
        recorded: u64,
        /// How many came back.
        returned: u64,
    },
    /// A row lock was requested outside of a transaction, where it would be released at once.
    NotInTransaction,
    /// Any other error of the database or the connection; [`Error::is_transient`] says whether a
    /// retry may help.
    Database(DbErr),
}

/// One row of a ring, and the key through which it references the next row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingRow {
    /// Its table.
    pub table: String,
    /// Its primary key.
    pub key: Key,
    /// The key through which it references the next row, as `users.mentor`.
    pub foreign_key: String,
}
