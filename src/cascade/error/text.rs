//! The message of each error, for the person who has to act.
//!
//! Pure.

use std::fmt;

use sea_orm::DbErr;

use crate::cascade::data::action::Action;
use crate::cascade::data::name::key_label;
use crate::cascade::data::outcome::Outcome;
use crate::cascade::data::preview::Preview;
use crate::cascade::data::receipt::ReceiptState;
use crate::cascade::error::{ErrorKind, Fault, RingRow};

/// How many rows of a ring the message shows.
const RING_ROWS_SHOWN_MAX: usize = 8;

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(faults) => {
                f.write_str("the declarations are invalid:")?;
                faults.iter().try_for_each(|fault| write!(f, "\n- {fault}"))
            }
            Self::NotRegistered { table } => {
                write!(f, "table {table} is not in the graph; register its entity with `GraphBuilder::entity`")
            }
            Self::NotFound { table, keys } if keys.is_empty() => write!(f, "not found: no row of {table}"),
            Self::NotFound { table, keys } => {
                write!(f, "not found: {table} ")?;
                separated(f, keys, ", ")
            }
            Self::Blocked(blockers) => {
                f.write_str("the delete is refused: ")?;
                separated(f, blockers, "; ")
            }
            Self::TooManyRows { at_most, preview } => write!(
                f,
                "{} rows would be deleted or changed in all, more than the {at_most} allowed: it would have {}",
                preview.outcome().total(),
                preview.outcome()
            ),
            Self::Changed { expected, found } => changed(f, expected, found),
            Self::Forbidden { table, permission, source } => forbidden(f, table, permission, source),
            Self::RowSecurity { tables } => write!(
                f,
                "row security is active for this user on {} and may hide rows that the delete must find; use a role that row \
                 security does not apply to, or state `under_row_security` to ignore hidden rows",
                tables.join(", ")
            ),
            Self::StillThere { table, foreign_key, rows, stayed } => {
                still_there(f, table, foreign_key.as_deref(), *rows, *stayed)
            }
            Self::TypeDiffers { table, column, expected, found } => write!(
                f,
                "the key column {table}.{column} is {found} in the database, and the entities declare {expected}; the database \
                 compares the two differently, so that other rows could be deleted; make the two types equal"
            ),
            Self::StoredDifferently { table, column, value, row } => write!(
                f,
                "the key column {table}.{column} of the row ({row}) is stored as {value}, which is not the declared type; \
                 convert it with an UPDATE that casts it"
            ),
            Self::KeyCannotChange { table, column, reason } => write!(
                f,
                "{table}.{column} cannot be changed by ON DELETE SET NULL or SET DEFAULT: {reason}"
            ),
            Self::NotTransactional { tables } => write!(
                f,
                "the storage engine of {} has no transactions, so that a failed delete could not be rolled back; run ALTER TABLE .. \
                 ENGINE = InnoDB",
                tables.join(", ")
            ),
            Self::IsolationLevel { level, foreign_keys } => write!(
                f,
                "a {level} transaction does not see rows that others have added, and the database has no constraint for {}; \
                 begin the transaction as READ COMMITTED, or add the constraint",
                foreign_keys.join(", ")
            ),
            Self::BackendDisabled { backend, feature } => {
                write!(f, "{backend} is not enabled: turn on the feature `{feature}` of sea-orm-cascade")
            }
            Self::UnknownBackend => f.write_str("the connection is to a database that sea-orm-cascade does not know"),
            Self::KeyNotComparable { backend, table, column } => {
                write!(f, "{backend} cannot compare the key column {table}.{column} reliably")
            }
            Self::Select(_) => f.write_str(
                "the Select of the rows to delete cannot be used: their keys are added to its columns, which a UNION, a \
                 GROUP BY and, on MySQL and MariaDB, two columns of one name do not allow; select the primary keys \
                 first and use `delete_keys`",
            ),
            Self::StillReferenced(_) => f.write_str(
                "another row still references a row to delete: register its table too, or try again if the row was \
                 inserted meanwhile",
            ),
            Self::Ring { backend, rows, source: _ } => ring(f, backend, rows),
            Self::Vetoed { table, .. } => write!(f, "a hook of {table} refused the delete"),
            Self::AuditFailed(audit) => write!(f, "the database differs from the declarations; {audit}"),
            Self::NotInTransaction => {
                f.write_str("outside of a transaction a lock ends with its statement; begin a transaction and pass it")
            }
            Self::Unfinished { .. }
            | Self::Reparented { .. }
            | Self::DefaultMissing { .. }
            | Self::BatchesInTransaction
            | Self::EmptyBatches
            | Self::NotBuiltWithUndo
            | Self::NotRecordable { .. }
            | Self::RowsAppeared { .. }
            | Self::NoReceipt { .. }
            | Self::RecordMissing { .. }
            | Self::ReceiptClosed { .. }
            | Self::UndoBlocked { .. }
            | Self::UndoChanged { .. }
            | Self::NotReturned { .. } => of_batches_and_undo(f, self),
            Self::Database(_) => f.write_str("the database or the connection failed; the cause is the source of this error"),
        }
    }
}

/// The messages about batches, recorded deletes and undos.
fn of_batches_and_undo(f: &mut fmt::Formatter<'_>, kind: &ErrorKind) -> fmt::Result {
    match kind {
        ErrorKind::Unfinished { outcome, batches, cause } => unfinished(f, outcome, *batches, cause.is_some()),
        ErrorKind::Reparented { table } => write!(
            f,
            "a row of {table} left the delete set while batches ran, because its parent or key changed; call again"
        ),
        ErrorKind::DefaultMissing { foreign_key, parent } => write!(
            f,
            "the row of {parent} that the default of {foreign_key} names does not exist any more; insert it and call again"
        ),
        ErrorKind::BatchesInTransaction => f.write_str(
            "batches cannot be committed inside the caller's transaction; pass a pool, or delete without \
             `batches_of`",
        ),
        ErrorKind::EmptyBatches => f.write_str("batches of 0 rows delete nothing; ask for at least 1"),
        ErrorKind::NotBuiltWithUndo => f.write_str(
            "the graph was built without undo; call `with_undo` on its builder, and run the statements of its audit",
        ),
        ErrorKind::NotRecordable { table, reason } => {
            write!(f, "the delete cannot be recorded, so that it could not be undone: {table}: {reason}")
        }
        ErrorKind::RowsAppeared { table } => {
            write!(f, "another session has written rows of {table} between two statements; try again")
        }
        ErrorKind::NoReceipt { receipt } => write!(f, "there is no receipt {receipt} in this database"),
        ErrorKind::RecordMissing { table } => write!(f, "the undo needs the table {table}, which does not exist"),
        ErrorKind::ReceiptClosed { receipt, state: ReceiptState::Undone } => {
            write!(f, "receipt {receipt} was undone already")
        }
        ErrorKind::ReceiptClosed { receipt, state: _ } => {
            write!(f, "receipt {receipt} was forgotten, so that its rows are in no record any more")
        }
        ErrorKind::UndoBlocked { receipt, blockers } => {
            write!(f, "the undo of receipt {receipt} is refused: ")?;
            separated(f, blockers, "; ")
        }
        ErrorKind::UndoChanged { expected, found } => {
            write!(f, "the undo would differ from its preview: it showed {expected}, now found {found}; preview again")
        }
        ErrorKind::NotReturned { table, recorded, returned } => write!(
            f,
            "of {recorded} recorded rows of {table} {returned} came back: a trigger or a rule keeps rows from being inserted"
        ),
        _ => Ok(()),
    }
}

/// The permissions that a delete needs.
const NEEDED_RIGHTS: &str = "a delete needs SELECT and DELETE, UPDATE where it changes keys, and on PostgreSQL UPDATE also \
     where it locks rows (FOR UPDATE)";

fn changed(f: &mut fmt::Formatter<'_>, expected: &Preview, found: &Preview) -> fmt::Result {
    if expected.root() != found.root() {
        write!(f, "the preview is of a delete from {}, and this is a delete from {}", expected.root(), found.root())
    } else if expected.outcome() == found.outcome() {
        write!(
            f,
            "the rows have changed since the preview: the counts are equal, but other rows of {} or other foreign keys; \
             preview again",
            found.root()
        )
    } else {
        write!(
            f,
            "the counts have changed since the preview: it showed {}, now found {}; preview again",
            expected.outcome(),
            found.outcome()
        )
    }
}

fn unfinished(f: &mut fmt::Formatter<'_>, outcome: &Outcome, batches: u64, has_failed: bool) -> fmt::Result {
    let (how, s) = (if has_failed { "failed" } else { "was stopped" }, if batches == 1 { "" } else { "es" });
    write!(f, "the delete {how} after {batches} committed batch{s} ({outcome}); call again to continue")
}

fn forbidden(f: &mut fmt::Formatter<'_>, table: &str, permission: &str, source: &DbErr) -> fmt::Result {
    let right = if permission.is_empty() { "a right".to_owned() } else { format!("the permission `{permission}`") };
    let on = if table.is_empty() { "a table" } else { table };
    write!(f, "the user of this connection lacks {right} on {on}")?;
    // SeaORM's own access control names the missing permission.
    if matches!(source, DbErr::AccessDenied { .. }) { Ok(()) } else { write!(f, "; {NEEDED_RIGHTS}") }
}

fn still_there(
    f: &mut fmt::Formatter<'_>,
    table: &str,
    foreign_key: Option<&str>,
    rows: Option<u64>,
    stayed: u64,
) -> fmt::Result {
    match (foreign_key, rows) {
        (Some(foreign_key), _) => {
            write!(f, "{stayed} rows of {table} still reference rows to delete through {foreign_key}")?;
        }
        (None, Some(rows)) => write!(f, "{stayed} of {rows} rows of {table} to delete still exist")?,
        (None, None) => write!(f, "{stayed} rows of {table} to delete or change are unchanged")?,
    }
    f.write_str(
        ", and the database reported no error; a trigger, a rule or row security on the table keeps or adds rows",
    )
}

fn ring(f: &mut fmt::Formatter<'_>, backend: &str, rows: &[RingRow]) -> fmt::Result {
    write!(
        f,
        "rows reference each other in a ring through NOT NULL foreign keys, and {backend} can delete none of them \
         first: "
    )?;
    for RingRow { table, key, foreign_key } in rows.iter().take(RING_ROWS_SHOWN_MAX) {
        write!(f, "{table} {key} -[{foreign_key}]-> ")?;
    }
    match rows {
        [RingRow { table, key, .. }, ..] if rows.len() <= RING_ROWS_SHOWN_MAX => write!(f, "{table} {key}")?,
        _ => write!(f, "others, {} rows in all", rows.len())?,
    }
    f.write_str("; make one of these foreign keys nullable")
}

fn separated<T: fmt::Display>(f: &mut fmt::Formatter<'_>, parts: &[T], by: &str) -> fmt::Result {
    for (n, part) in parts.iter().enumerate() {
        let before = if n == 0 { "" } else { by };
        write!(f, "{before}{part}")?;
    }
    Ok(())
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TableRegisteredTwice { table, first, second } => {
                write!(f, "table {table} is registered by two entities, {first} and {second}; register one of them")
            }
            Self::NoPrimaryKey { table } => write!(f, "table {table} has no primary key"),
            Self::UnregisteredChild { parent, relation, child } => write!(
                f,
                "{parent} has children in {child} (relation {relation}), which is not registered; register its entity, \
                 or name it with `leave_to_database`"
            ),
            Self::NoBelongsTo { parent, relation, child } => write!(
                f,
                "{parent} has children in {child} (relation {relation}), but {child} declares no belongs_to over those \
                 columns; declare it there, with its on_delete"
            ),
            Self::ActionsDiffer { foreign_key, first, second } => {
                let second = second.map_or("an unknown action", Action::as_sql);
                write!(f, "{foreign_key} is declared with {first} and with {second}; state one action")
            }
            Self::UnknownAction { table, relation } => {
                write!(f, "relation {relation} of {table} has an unknown on_delete")
            }
            Self::ConditionalRelation { table, relation, child } => write!(
                f,
                "relation {relation} of {table} has a condition of its own, so it is no foreign key; name {child} with \
                 `leave_to_database`, and delete those rows yourself (a key without the condition would delete rows that \
                 belong to others too)"
            ),
            Self::UnknownColumn { table, column } => {
                write!(f, "{table} has no column {column}, which a relation names")
            }
            Self::ParentNotUnique { table, relation, parent, columns } => write!(
                f,
                "relation {relation} of {table} leads to {}, which is neither the primary key nor unique, so it is no \
                 foreign key; leave it out with `.without(..)`, or declare the columns unique",
                key_label(parent, columns)
            ),
            Self::RelationNotRegistered { relation } => {
                write!(f, "{relation} is a relation of an entity that is not registered; register the entity")
            }
            Self::NoConstraint { foreign_key } => write!(
                f,
                "the database has no constraint for {foreign_key}, from which `actions_from` could take the action; \
                 state it with `.on_delete(..)`, add the constraint, or register the entity before `actions_from`"
            ),
            Self::ConstraintsDiffer { foreign_key, actions } => {
                write!(f, "the database has several constraints for {foreign_key}, with ")?;
                separated(f, actions, " and ")?;
                f.write_str("; drop all but one, or state the action with `.on_delete(..)`")
            }
            Self::ConstraintChangesSome { foreign_key } => write!(
                f,
                "the constraint for {foreign_key} changes only some of its columns, which this crate cannot do; state the \
                 action with `.on_delete(..)`"
            ),
            Self::ColumnCountDiffers { table, relation } => {
                write!(f, "relation {relation} of {table} has different numbers of columns at its two ends")
            }
            Self::KeyNotComparable { table, column } => {
                write!(f, "{table}.{column} has a type without a reliable equality and cannot be a key")
            }
            Self::KeyTypesDiffer { foreign_key, parent } => {
                write!(
                    f,
                    "{foreign_key} references columns of other types in {parent}, which databases compare differently"
                )
            }
            Self::OrphansCannotBeNull { table, column, reason } => {
                write!(f, "{table}.{column} of orphans cannot be set to NULL: {reason}")
            }
            Self::KeyCannotChange { table, column, action, reason } => {
                write!(f, "{table}.{column} is declared ON DELETE {action}, but {reason}")
            }
        }
    }
}
