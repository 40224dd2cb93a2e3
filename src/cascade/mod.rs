//! The engine: carries out the declared rule of every foreign key, for any SeaORM entities.
//!
//! ```text
//! entities ─▶ Graph ─▶ Deletion ─▶ Plan ─▶ Preview   (reads)
//!             checked   a request   steps   Outcome   (writes, in one transaction)
//! ```
//! The folders are the phases, each of which knows only those before it: `data`, `error`,
//! `declare` (entities to a graph), `plan` (what a delete reaches), `sql` (statements and routes),
//! `db` (sessions), `find` (reads), `run` (writes), and the requests.
//!
//! Preview and execution read the same plan and find the rows by the same statements; there is no
//! dry-run flag inside the deleting code.
//!
//! # Rules
//! The code cites them by number.
//!
//! - **R1** The rule belongs to the foreign key: the child's `belongs_to` and its `on_delete`; none
//!   stated means NO ACTION. A `has_many` that states its own must agree. (The dense format drops
//!   `on_delete` on a `has_many` without a word: state it on the `belongs_to`.)
//! - **R2** Every key between registered tables counts, with or without a constraint in the
//!   database, with or without a `has_many` on the parent. A registered parent whose `has_many` or
//!   `has_one` leads to an unregistered table is refused, unless that table is left to the
//!   database.
//! - **R3** Actions mean what SQL says, the same on every database ([`Action`]). NO ACTION is
//!   judged when everything doomed is known, RESTRICT is not.
//! - **R4** Children go before parents. A row is counted once, whatever the number of paths to it;
//!   one that is both nulled and doomed is only deleted.
//! - **R5** A refusal names every blocker: table, key, how many rows, sample keys, the path from
//!   the root. Nothing has changed.
//! - **R6** All or nothing, in one transaction; inside the caller's, a savepoint. Only [`Batches`]
//!   commit in between.
//! - **R7** The result does not depend on what is loaded, on the order of rows, registration or
//!   constraints, or on the database; save that a ring of rows whose keys cannot be NULL may be
//!   impossible on one ([`ErrorKind::Ring`]) and not on another.
//! - **R8** Statements grow with keys between tables (in a cycle of tables, a self-reference
//!   included, times its levels), plus one for each chunk where a database wants lists; their text
//!   grows with keys, never with paths. Nothing recurses over rows. The client holds the keys of
//!   the roots and of the rows of tables in a cycle, and a page of others, but for a table that
//!   SQLite or MariaDB would find by more than 32 paths, and on MySQL and MariaDB for one that has
//!   children itself and is below more than 20,000 known rows; and of all tables where a trigger or
//!   the like may keep rows.
//! - **R9** A NULL is no reference: a composite key with one NULL half references nothing. A key
//!   may lead to a unique column that is not the primary key.
//! - **R10** The outcome's numbers equal the rows that changed, also where the database's own
//!   cascade would have taken them. A row to delete that still exists is an error.
//! - **R11** A transient failure ([`Error::is_transient`]) is tried again where the transaction is
//!   ours, and returned where it is the caller's or a hook has run. A batch that loses to others is
//!   halved for it, down to one row.
//! - **R12** Nothing is guessed: an unknown action, a relation with a condition, a key that cannot
//!   be compared and a database that is not known are errors that name it.
//!
//! # Others at work
//! Every row to which a key leads is locked before its children are looked for: parents first, in
//! key order, `FOR UPDATE` at READ COMMITTED. A child that is added meanwhile waits for that lock,
//! by its constraint or by [`lock_parent`], and then finds its parent gone, or was there before and
//! goes along. SQLite has one writer at a time, from BEGIN on. Rows are deleted by what they refer
//! to, or by their key and what they reference, not by keys that were read before they were locked.
//! (Keys between tables stay in the database: the locked rows are counted.)
//!
//! # What may not be so
//! A value is never changed on its way: casts name types without a length, SQLite's values are read
//! as they are stored. What only the catalogs know (`sql::catalog`) is asked in the statement that
//! finds the roots: triggers, rules, row security, tables without transactions, computed columns,
//! other types than declared, and in a caller's transaction on PostgreSQL missing constraints. A
//! DELETE by key that reports fewer rows is followed by a look for them. Where a trigger or the
//! like may keep or take rows, all that are doomed are kept by key, whether anything still refers
//! is asked before each parent goes, and at the end whether all are gone. NO ACTION is asked once
//! more before the parent goes, because a row that was doomed may have lost that key while its lock
//! was waited for. In a caller's transaction on MySQL and MariaDB each SELECT that decides has a
//! lock clause, because a snapshot may be older than the rows.
//!
//! # What it trusts
//! The declarations, and not the schema that is there; [`Graph::audit`] says where the two differ.
//! An audit reads the catalogs into plain data (`audit::catalog`), compares (`audit::compare`) and
//! writes what fixes each difference (`audit::fix`; SQLite's tables are made anew by
//! `audit::rebuild`). Rows whose parent is missing (`sql::orphans`) are fixed by [`Graph::repair`]:
//! as roots of a delete, or by changing their key.
//!
//! # What it says
//! Through `tracing`, target `sea_orm_cascade`, level debug: the spans `cascade.preview`,
//! `cascade.delete`, `cascade.batch`, `cascade.audit` and `cascade.repair`; the events
//! `cascade.plan`, `cascade.step` (table, foreign key, action, rows, time), `cascade.retry`,
//! `cascade.progress`, and at the end of a delete or repair `cascade.done` or `cascade.failed`.
//! Each message begins with its name. These names stay.
//!
//! # How rows are found
//! The Select of the roots runs first, in the transaction; its rows are locked in key order (SQLite
//! locks at BEGIN), asked whether they still fulfil it, and kept as keys. From there on every
//! statement starts from those keys, so that a filter may look at rows that go. The doomed rows of
//! a child are the rows that reference doomed rows of its parents, which a statement says in
//! itself: they do not leave the database. Counting, if there is anything to check, comes before
//! the first write.
//!
//! Tables that reference themselves or to each other are another matter (`find::gather`): their
//! doomed rows are looked for level by level and kept as keys, each once, with how they reference
//! each other. They go in waves (`plan::waves`), children first, a row when nobody references it
//! any more. What is left over are rings. A ring is broken by setting a key to NULL, also one by
//! which a row was reached: all happens in one transaction, so that nothing has to be found again.
//! If no key can be NULL, PostgreSQL deletes the ring in one statement, SQLite with its constraints
//! deferred, and InnoDB only as far as its own cascade goes round it. What hangs under a cycle is
//! found by statements again, from the cycle's keys.

mod audit;
mod batches;
mod data;
mod db;
mod declare;
mod deletion;
mod error;
mod explain;
mod find;
mod lock;
mod plan;
mod repair;
mod run;
mod sql;

pub use audit::AuditRequest;
pub use batches::Batches;
pub use data::action::Action;
pub use data::explanation::{Explanation, Step};
pub use data::finding::{Audit, Checked, Finding, FindingKind, Fix, Severity};
pub use data::key::{Key, KeyPart};
pub use data::outcome::Outcome;
pub use data::preview::{Blocker, Line, Preview};
pub use data::progress::Progress;
pub use data::rule::Rule;
pub use data::typed_key::{FromKey, FromKeyPart, KeyMismatch};
pub use db::session::Connection;
pub use declare::builder::GraphBuilder;
pub use declare::graph::Graph;
pub use deletion::Deletion;
pub use error::{Error, ErrorKind, Fault, RingRow};
pub use lock::lock_parent;
pub use repair::Repair;

pub(crate) use db::session::{CanLose, Write};
pub(crate) use error::driver::is_foreign_key;
