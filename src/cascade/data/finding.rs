//! What an audit says: findings, each with its reason and what fixes it, and what was looked at.
//!
//! Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cascade::data::action::Action;
use crate::cascade::data::key::Key;

/// How the schema of a database differs from the declarations, from
/// [`Graph::audit`](crate::Graph::audit).
///
/// It prints, serialises, and is an error where it must be clean ([`Audit::expect_clean`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    server: String,
    checked: Checked,
    findings: Vec<Finding>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accepted: Vec<Finding>,
}

/// What an audit looked at, so that an empty list of findings means something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Checked {
    /// The registered tables.
    pub tables: Vec<String>,
    /// The foreign keys between them, such as `items.store_id`: constraint, action, index,
    /// nullability, and what they reference.
    pub keys: Vec<String>,
    /// The keys whose rows were looked through for orphans, if that was asked for.
    pub orphans_of: Vec<String>,
    /// The keys from a table to itself by which the deepest chain of rows was measured, because the
    /// database's own cascade has a limit.
    pub depths_of: Vec<String>,
    /// Tables named with `leave_to_database`, whose references were passed over.
    pub left_to_database: Vec<String>,
}

/// One difference between the declarations and the database, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// What it is, with its data.
    #[serde(flatten)]
    pub kind: FindingKind,
    /// How bad it is.
    pub severity: Severity,
    /// The table that it is about; empty if it is about the connection.
    pub table: String,
    /// The foreign key, such as `items.store_id`, if it is about one.
    pub foreign_key: Option<String>,
    /// What the entities say.
    pub declared: String,
    /// What is there.
    pub found: String,
    /// Why it matters, in one sentence.
    pub why: String,
    /// What fixes it.
    pub fix: Fix,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// The data can go wrong past this crate, or a delete is slow or refused.
    Warning,
    /// Rows are already wrong, a delete fails, or rows go or change that a preview does not show.
    Error,
}

/// What fixes a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fix {
    /// SQL for this database that changes its schema, or a setting of this connection, and no row,
    /// one after the other.
    ///
    /// It fits the schema as it was read: audit again before it is run late. An index blocks those
    /// who write while it is made (PostgreSQL has `CREATE INDEX CONCURRENTLY`). What makes a table
    /// anew on SQLite is one text of several statements, for one connection (`execute_unprepared`)
    /// and outside of a transaction; it fixes all that was found of that table, also what is
    /// [accepted](Audit::accept), and turns the checking of keys on. If it fails, close that
    /// connection: it may hold the write lock, and check no keys any more.
    #[non_exhaustive]
    Schema {
        /// The statements.
        statements: Vec<String>,
    },
    /// SQL that deletes or changes rows, by the declared rule and past this crate: rows that depend
    /// on them are the database's business, and orphans themselves where it has no constraint.
    /// [`Graph::repair`](crate::Graph::repair) does it through the engine.
    #[non_exhaustive]
    Rows {
        /// The statements.
        statements: Vec<String>,
    },
    /// The database is as it is meant to be, and the program has to say so.
    #[non_exhaustive]
    Declaration {
        /// What to write.
        text: String,
    },
    /// What only a person can decide or do.
    #[non_exhaustive]
    ByHand {
        /// What that is.
        text: String,
    },
}

/// What kind of difference a finding is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// This connection checks no constraint. Its fix is for this one; where it is set for all of a
    /// pool, that has to say it.
    EnforcementOff,
    /// A registered table is not there.
    TableMissing,
    /// A column is not there.
    #[non_exhaustive]
    ColumnMissing {
        /// The column.
        column: String,
    },
    /// A column of a key can be NULL and should not, or the other way round.
    #[non_exhaustive]
    NullabilityDiffers {
        /// The column.
        column: String,
        /// Whether the entity says that it can be NULL.
        declared_nullable: bool,
    },
    /// Another type than the declared one, for a column by which rows are found: it has values that
    /// the declared type has not, or they are compared in another way.
    #[non_exhaustive]
    TypeDiffers {
        /// The column.
        column: String,
        /// The declared type, as SeaORM would make it there.
        declared_type: String,
        /// The type that is there.
        found_type: String,
    },
    /// The two ends of a key have types or collations between which the database compares in
    /// another way than within one, or that no constraint can join.
    #[non_exhaustive]
    EndsDiffer {
        /// The column of the key.
        column: String,
        /// Its type, with the collation where that is what differs.
        column_type: String,
        /// The table referenced.
        parent: String,
        /// The column referenced.
        parent_column: String,
        /// Its type.
        parent_type: String,
    },
    /// SQLite, with [`counting_orphans`](crate::AuditRequest::counting_orphans): rows have a value
    /// by which they are found in another form than the declared type has, such as a UUID as text
    /// among those of 16 bytes, or 1.5 in a column of integers.
    #[non_exhaustive]
    StoredOtherwise {
        /// The column.
        column: String,
        /// How many rows.
        rows: u64,
    },
    /// MySQL and MariaDB: the table is kept by a storage engine without transactions, so that
    /// nothing done to it can be undone.
    #[non_exhaustive]
    NoTransactions {
        /// The storage engine.
        engine: String,
    },
    /// SET NULL or SET DEFAULT is declared for a column whose value is computed from others.
    #[non_exhaustive]
    GeneratedColumn {
        /// The column.
        column: String,
    },
    /// An entity is registered for a view, or for a table of another server.
    RegisteredView,
    /// Triggers are run when rows of the table are deleted, or changed by SET NULL or SET DEFAULT.
    #[non_exhaustive]
    Triggers {
        /// Their names.
        triggers: Vec<String>,
    },
    /// PostgreSQL: rules rewrite what deletes or changes rows of the table.
    #[non_exhaustive]
    Rules {
        /// Their names.
        rules: Vec<String>,
    },
    /// PostgreSQL: row security holds for this connection, so that rows may be hidden from it, or
    /// kept.
    #[non_exhaustive]
    RowSecurity {
        /// Its policies; none lets no row through.
        policies: Vec<String>,
    },
    /// Several servers take writes at once, and no constraint of the database holds for a key: the
    /// locks of one do not keep the others from adding a child to a row that is being deleted.
    SeveralWriters,
    /// Several rows may have the values by which a key references one.
    #[non_exhaustive]
    ReferencedKeyNotUnique {
        /// The table referenced.
        parent: String,
        /// Its columns.
        columns: Vec<String>,
    },
    /// No index leads with a key's columns, so that whoever deletes a parent reads the whole table
    /// of children.
    #[non_exhaustive]
    IndexMissing {
        /// The key's columns.
        columns: Vec<String>,
        /// Indexes that lead with them and do not help: they have some rows only, are invalid or
        /// off, or do not look values up.
        unusable: Vec<String>,
    },
    /// Rows reference parents that are not there.
    #[non_exhaustive]
    Orphans {
        /// How many.
        rows: u64,
        /// The primary keys of the first of them; at most
        /// [`Blocker::SAMPLE_KEYS_MAX`](crate::Blocker::SAMPLE_KEYS_MAX).
        sample_keys: Vec<Key>,
    },
    /// The database has no constraint for a key.
    ConstraintMissing,
    /// The constraint does something else when a parent goes.
    #[non_exhaustive]
    ActionDiffers {
        /// What the entity says.
        declared_action: Action,
        /// What the constraint does.
        found_action: Action,
        /// Its name; empty on SQLite, which keeps none.
        constraint: String,
    },
    /// The constraint is there and not checked: its triggers are disabled, or it is NOT ENFORCED.
    #[non_exhaustive]
    ConstraintOff {
        /// Its name.
        constraint: String,
    },
    /// The constraint was made NOT VALID, so that older rows may break it.
    #[non_exhaustive]
    ConstraintNotValidated {
        /// Its name.
        constraint: String,
    },
    /// The end of the database's own cascade is in reach: a chain of tables is longer, or the rows
    /// of one go through more than half of the levels that it can.
    #[non_exhaustive]
    CascadeTooDeep {
        /// How many levels there are, the deleted row's included; one more than it can stands for
        /// all that are more.
        levels: u64,
        /// How many the database can.
        levels_max: u64,
    },
    /// A constraint that no registered key answers leads to a registered table: of a table that is
    /// not in the graph, or of one whose entity does not declare it.
    #[non_exhaustive]
    UndeclaredReference {
        /// Its name; empty on SQLite, which keeps none.
        constraint: String,
        /// The registered table that it leads to.
        parent: String,
        /// What the database does to the referring rows.
        action: Action,
    },
}

impl FindingKind {
    /// The order in which they are fixed: what others need comes first. A key can be NULL before
    /// its constraint sets it so, and not any more after.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::EnforcementOff => 0,
            Self::TableMissing => 1,
            Self::ColumnMissing { .. } => 2,
            Self::NoTransactions { .. } => 3,
            Self::TypeDiffers { .. } => 4,
            Self::EndsDiffer { .. } => 5,
            Self::ReferencedKeyNotUnique { .. } => 6,
            Self::NullabilityDiffers { declared_nullable: true, .. } => 7,
            Self::IndexMissing { .. } => 8,
            Self::StoredOtherwise { .. } => 9,
            Self::Orphans { .. } => 10,
            Self::ConstraintMissing => 11,
            Self::ActionDiffers { .. } => 12,
            Self::ConstraintOff { .. } => 13,
            Self::ConstraintNotValidated { .. } => 14,
            Self::NullabilityDiffers { declared_nullable: false, .. } => 15,
            Self::CascadeTooDeep { .. } => 16,
            Self::UndeclaredReference { .. } => 17,
            Self::GeneratedColumn { .. } => 18,
            Self::RowSecurity { .. } => 19,
            Self::Rules { .. } => 20,
            Self::Triggers { .. } => 21,
            Self::RegisteredView => 22,
            Self::SeveralWriters => 23,
        }
    }

    /// What it is called, as in the text of an audit.
    fn name(&self) -> &'static str {
        match self {
            Self::EnforcementOff => "enforcement is off",
            Self::TableMissing => "table missing",
            Self::ColumnMissing { .. } => "column missing",
            Self::NullabilityDiffers { .. } => "nullability differs",
            Self::TypeDiffers { .. } => "type differs",
            Self::EndsDiffer { .. } => "ends differ",
            Self::StoredOtherwise { .. } => "stored otherwise",
            Self::NoTransactions { .. } => "no transactions",
            Self::GeneratedColumn { .. } => "generated column",
            Self::RegisteredView => "registered view",
            Self::Triggers { .. } => "triggers",
            Self::Rules { .. } => "rules",
            Self::RowSecurity { .. } => "row security",
            Self::SeveralWriters => "several writers",
            Self::ReferencedKeyNotUnique { .. } => "referenced key not unique",
            Self::IndexMissing { .. } => "index missing",
            Self::Orphans { .. } => "orphans",
            Self::ConstraintMissing => "constraint missing",
            Self::ActionDiffers { .. } => "action differs",
            Self::ConstraintOff { .. } => "constraint is off",
            Self::ConstraintNotValidated { .. } => "constraint not validated",
            Self::CascadeTooDeep { .. } => "cascade too deep",
            Self::UndeclaredReference { .. } => "undeclared reference",
        }
    }
}

impl Audit {
    pub(crate) fn new(server: String, checked: Checked, mut findings: Vec<Finding>) -> Self {
        let place = |finding: &Finding| (finding.kind.rank(), finding.table.clone(), finding.foreign_key.clone());
        findings.sort_by_cached_key(place);
        Self { server, checked, findings, accepted: Vec::new() }
    }

    /// The database and its version.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What was looked at.
    #[must_use]
    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    /// What was found, in the order in which it is best fixed.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What was found and [accepted](Self::accept).
    #[must_use]
    pub fn accepted(&self) -> &[Finding] {
        &self.accepted
    }

    /// Whether nothing was found that is not accepted.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Sets findings aside that are known and meant to stay, so that others are noticed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// let audit = sea_orm_cascade::service::graph().build()?.audit().run(&db).await?;
    /// audit.accept(|finding| finding.table == "reports").expect_clean()?;
    /// # Ok(()) }
    /// ```
    #[must_use = "gives the audit without what was accepted"]
    pub fn accept(mut self, is_accepted: impl Fn(&Finding) -> bool) -> Self {
        let (accepted, findings) = self.findings.into_iter().partition(|finding| is_accepted(finding));
        self.findings = findings;
        self.accepted.extend::<Vec<_>>(accepted);
        self
    }

    /// The SQL that fixes the schema ([`Fix::Schema`]), each statement once, in the order in which
    /// it is best run. Where orphans were found, only what comes before them: what is fixed after
    /// them wants them gone. Repair them, audit again, and run the rest. (A script that makes a
    /// table of SQLite anew is not held up by them, and leaves them.)
    #[must_use]
    pub fn statements(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        let before = self.findings.iter().take_while(|finding| !matches!(finding.kind, FindingKind::Orphans { .. }));
        for finding in before {
            let Fix::Schema { statements } = &finding.fix else { continue };
            for statement in statements.iter().map(String::as_str) {
                if !all.contains(&statement) {
                    all.push(statement);
                }
            }
        }
        all
    }
}

impl fmt::Display for Audit {
    /// What was checked, and each finding with its reason and what fixes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, checked, findings, accepted } = self;
        write!(f, "audit of {server}: {checked}: ")?;
        match findings.len() {
            0 => f.write_str("clean")?,
            number => write!(f, "{}", counted(number, "finding"))?,
        }
        if !accepted.is_empty() {
            write!(f, ", {} accepted", accepted.len())?;
        }
        for (n, finding) in findings.iter().enumerate() {
            write!(f, "\n{}", finding.without_fix())?;
            // One script makes a table of SQLite anew for all that is found of it.
            match findings[..n].iter().find(|earlier| earlier.fix == finding.fix) {
                Some(earlier) => write!(f, "  fix: as above, for {} of {}", earlier.kind.name(), earlier.subject())?,
                None => write!(f, "  fix: {}", finding.fix)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tables, keys, orphans_of, depths_of, left_to_database } = self;
        write!(f, "{} and {} checked", counted(tables.len(), "table"), counted(keys.len(), "foreign key"))?;
        match orphans_of.len() {
            0 => f.write_str(", no orphans looked for")?,
            number => write!(f, ", orphans looked for by {}", counted(number, "key"))?,
        }
        if !depths_of.is_empty() {
            write!(f, ", depth by {}", depths_of.join(", "))?;
        }
        if !left_to_database.is_empty() {
            write!(f, ", {} left to the database", left_to_database.join(", "))?;
        }
        Ok(())
    }
}

impl Finding {
    fn subject(&self) -> &str {
        match self.foreign_key.as_ref().unwrap_or(&self.table).as_str() {
            "" => "this connection",
            subject => subject,
        }
    }

    /// All but the last line.
    fn without_fix(&self) -> String {
        let Self { kind, severity, table: _, foreign_key: _, declared, found, why, fix: _ } = self;
        let subject = self.subject();
        format!("{severity}: {}: {subject}\n  declared: {declared}\n  found: {found}\n  why: {why}\n", kind.name())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  fix: {}", self.without_fix(), self.fix)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schema { statements } => f.write_str(&statements.join("; ").trim_end().replace('\n', "\n    ")),
            Self::Rows { statements } => {
                let statements = statements.join("; ");
                write!(f, "`Graph::repair`, which looks first and can leave young rows alone; or {statements}")
            }
            Self::Declaration { text } | Self::ByHand { text } => f.write_str(text),
        }
    }
}

fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
