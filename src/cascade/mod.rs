//! The engine: it applies the declared rule of every foreign key, for any SeaORM entities.
//!
//! ```text
//! entities --register--> Graph --delete(rows)--> Deletion --> Plan --> Preview  (reads)
//!                        pure, built once,       a request    pure,    Outcome  (writes, one
//!                        wrong declarations      + options    steps in           transaction)
//!                        are errors here                      order
//! ```
//!
//! A preview and an execution read the same plan and find the rows with the same statements. The
//! deleting code has no dry-run flag.
//!
//! # Rules
//! The code cites these rules by number.
//!
//! - **R1** The rule belongs to the foreign key: the child's `belongs_to` declares it with
//!   `on_delete`. Without `on_delete` the rule is NO ACTION. A `has_many` that declares a rule must
//!   agree. (The dense format silently drops `on_delete` on a `has_many`: declare it on the
//!   `belongs_to`.)
//! - **R2** Every foreign key between registered tables counts, with or without a constraint in the
//!   database, with or without a `has_many` on the parent. If a registered parent has a `has_many`
//!   or `has_one` to an unregistered table, `build()` fails, unless that table is left to the
//!   database.
//! - **R3** Actions mean what SQL says, the same on every database ([`Action`]). NO ACTION is
//!   checked when the whole delete set is known. RESTRICT blocks even rows of the delete set.
//! - **R4** Children are deleted before parents. A row is counted once, whatever the number of
//!   paths to it. If a key of a doomed row should also be set to NULL, the row is only deleted.
//! - **R5** A refusal names every blocker: its table, its foreign key, the row count, sample keys,
//!   and the path from the root. Nothing has changed then.
//! - **R6** A delete is atomic: one transaction; inside a transaction of the caller, one savepoint.
//!   Only [`Batches`] commit in between.
//! - **R7** The result does not depend on what is loaded, on the order of rows, registration or
//!   constraints, or on the database. One exception: a ring of rows whose keys cannot be NULL may
//!   be impossible to delete on one database ([`ErrorKind::Ring`]) and possible on another.
//! - **R8** The number of statements grows with the tables that have rows to delete, not with the
//!   foreign keys of the schema (in a cycle of tables, self-references included, multiplied by its
//!   levels; plus one for each chunk where a database needs lists of keys). For a table with rows
//!   one statement looks, for all keys to it, whether rows reference these; what nothing references
//!   ends there. Small sets are found by key: of a table that has children the client keeps the
//!   keys of up to [`keys_per_table`](GraphBuilder::keys_per_table) rows (1,000). Big sets are found
//!   by the statements that write them. The SQL text grows with foreign keys, never with paths. No
//!   code recurses over rows. Client memory: the root keys, all keys of tables in cycles, and
//!   `keys_per_table` or one page of any other table. Exceptions, of which all keys are kept: a
//!   table that SQLite or MariaDB would find through more than 32 paths, or any database through
//!   more than 16 tables with many rows; on MySQL and MariaDB a table that has children itself and
//!   is below more than 20,000 fetched rows; and every table of a delete in which a trigger or the
//!   like may keep rows.
//! - **R9** NULL is not a reference: a composite key with one NULL column references nothing. A
//!   foreign key may reference a unique column that is not the primary key.
//! - **R10** The counts of the outcome equal the rows that changed, also where the database's own
//!   cascade would have deleted them. A doomed row that still exists afterwards is an error.
//! - **R11** A transient failure ([`Error::is_transient`]) is retried if this crate opened the
//!   transaction. It is returned if the caller opened it or a hook has run. A batch that fails
//!   because of other sessions is halved first, down to one row.
//! - **R12** The crate never guesses. An unknown action, a relation with a condition, a key that
//!   cannot be compared and an unknown database are errors that name it.
//!
//! # Glossary
//! - **root**: a row that the caller asked to delete.
//! - **frozen roots**: the keys of the roots, read and locked at the beginning. The caller's Select
//!   is not evaluated after that.
//! - **doomed**: will be deleted by this run. The **delete set** is all doomed rows.
//! - **edge**: one foreign key between two registered tables.
//! - **component**: tables that reach each other through edges; a single table otherwise.
//! - **cycle**: a component whose tables reference each other, or a table that references itself.
//! - **ring**: rows that reference each other in a circle. A ring exists only in a cycle of tables.
//! - **wave**: rows of a cycle that are deleted together, after all rows that reference them.
//! - **blocker**: a row that must stay and references a doomed row.
//! - **orphan**: a row that references a row that does not exist.
//! - **capture**: rows that are read before they are deleted, for hooks or `keys_of`.
//! - **record table**: holds the recorded rows of a table, `cascade_gone_<table>`. **receipt**: one
//!   recorded delete, and its number.
//! - **route**: how the rows of a step are reached on a database: by one statement, by pages of
//!   keys, or by a walk over the parents.
//!
//! # The pipeline of folders
//! Each folder imports only from folders above it in this list.
//!
//! - `data`: plain data that every folder may know. Pure.
//! - `error`: the errors and their messages. Pure.
//! - `declare`: from entities to a checked graph. Pure.
//! - `plan`: what a delete reaches, and in which order. Pure.
//! - `sql`: every statement, for each dialect. Pure.
//! - `db`: connection, savepoint and session. I/O.
//! - `live`: the schema that the database really has. I/O, reads only.
//! - `find`: finds, locks and counts rows. I/O, reads only.
//! - `run`: the transaction, the writes, and the checks after them. I/O; the only folder that
//!   writes.
//! - `deletion`, `lock`: the requests that the others build on. I/O.
//! - `audit`, `batches`, `explain`, `repair`, `undo`: the other requests.
//! - `inspection`: a graph with faults, which can only be audited and drawn.
//!
//! # How rows are found
//! The Select of the roots runs first, inside the transaction. Its rows are locked in key order
//! (SQLite locks at BEGIN), are re-checked against the filter, and are kept as keys. Every later
//! statement starts from those keys, so the filter may read rows that are deleted. A child row is
//! doomed if it references a doomed row of its parents through a CASCADE key. One statement
//! expresses this, so these rows do not leave the database. If there is anything to check, the
//! counting comes before the first write.
//!
//! Tables in a cycle are different (`find::gather`). Their doomed rows are found by a breadth-first
//! search: it fetches the children of each level until no new row is found. Each row is kept once,
//! as a key, with the edges between them. The rows are deleted in waves (`plan::waves`), children
//! first: a row is deleted when no row references it any more. The remaining rows form rings. To
//! break a ring, a key is set to NULL. It may be a key through which a row was found: all happens
//! in one transaction, and no row has to be found again. If no key can be NULL, PostgreSQL deletes
//! the ring in one statement, SQLite with its constraints deferred, and InnoDB only if its own
//! cascade covers the whole ring. Rows below a cycle are again found by statements, from the keys
//! of the cycle's rows.
//!
//! # Concurrent sessions
//! Every row that a foreign key can reference is locked before its children are searched: parents
//! first, in key order, `FOR UPDATE` at READ COMMITTED. A session that adds a child waits for that
//! lock, through the foreign key or [`lock_parent`]. It then finds that the parent is deleted. A
//! child that was added before is deleted too. SQLite has one writer at a time, from BEGIN on.
//!
//! Rows are deleted by what they reference, or by their key together with what they reference, and
//! not by keys that were read before the rows were locked. (The keys of intermediate tables stay in
//! the database: the locked rows are only counted.)
//!
//! # What it checks
//! A value is never changed on its way: casts name types without a length, and SQLite's values are
//! read as they are stored. The statement that finds the roots also reads from the catalogs what
//! only they know: triggers, rules, row security, tables without transactions, computed columns,
//! types other than declared, and, in a caller's transaction on PostgreSQL, missing constraints.
//!
//! If a DELETE by key reports fewer rows, the missing ones are searched. Where a trigger or the
//! like may keep or delete rows, all doomed rows are kept by key. Before each parent is deleted the
//! crate checks that nothing references it any more, and at the end that all doomed rows are
//! deleted.
//!
//! NO ACTION is checked again before the parent is deleted, because a doomed row may have lost that
//! key while the delete waited for its lock. In a caller's transaction on MySQL and MariaDB each
//! SELECT that decides something has a lock clause, because a snapshot may be older than the rows.
//!
//! # What it trusts
//! It trusts the declarations, not the schema of the database. [`Graph::audit`] reports the
//! differences. An audit reads the catalogs into plain data (`audit::catalog`), compares them with
//! the declarations (`audit::compare`), and writes the SQL that fixes each difference
//! (`audit::fix`; `audit::rebuild` creates SQLite's tables again). [`Graph::repair`] repairs
//! orphans: it deletes them as roots, or changes their key.
//!
//! # Tracing
//! Target `sea_orm_cascade`, level debug. The message of an event begins with its name. These names
//! are stable.
//!
//! - Spans: `cascade.preview`, `cascade.delete`, `cascade.batch`, `cascade.audit`,
//!   `cascade.actions`, `cascade.repair`.
//! - `cascade.plan`: the plan was made.
//! - `cascade.step`: a step was executed (table, foreign key, action, rows, time).
//! - `cascade.retry`: a transient failure is retried.
//! - `cascade.progress`: a batch was committed.
//! - `cascade.done`: one event under the span when a delete or repair is committed, with the
//!   outcome as text.
//! - `cascade.failed`: one event under the span when a delete or repair has failed, with the error
//!   as text.

mod audit;
mod batches;
mod data;
mod db;
mod declare;
mod deletion;
mod error;
mod explain;
mod find;
mod inspection;
mod live;
mod lock;
mod plan;
mod repair;
mod run;
mod sql;
mod undo;

pub use audit::AuditRequest;
pub use batches::Batches;
pub use data::action::Action;
pub use data::explanation::{Explanation, Step};
pub use data::finding::{Audit, Checked, Finding, Fix, Severity};
pub use data::finding_kind::FindingKind;
pub use data::key::{Key, KeyPart};
pub use data::outcome::Outcome;
pub use data::preview::{Blocker, Line, Preview};
pub use data::progress::Progress;
pub use data::receipt::{Receipt, ReceiptEntry, ReceiptState};
pub use data::rule::Rule;
pub use data::typed_key::{FromKey, FromKeyPart, KeyMismatch};
pub use data::undo::{RestoredKeys, ReturnedRows, UndoBlocker, UndoBlockerKind, UndoPreview, Undone};
pub use db::session::Connection;
pub use declare::builder::GraphBuilder;
pub use declare::graph::Graph;
pub use deletion::Deletion;
pub use error::{Error, ErrorKind, Fault, RingRow};
pub use inspection::Inspection;
pub use lock::lock_parent;
pub use repair::Repair;
pub use undo::{Forget, Purge, Undo};

#[cfg(feature = "service")]
pub(crate) use db::session::{CanLose, Write};
#[cfg(feature = "service")]
pub(crate) use error::driver::{is_foreign_key, is_primary_key};
