//! The result of an audit: the findings, each with its reason and its fix, and what was checked.
//!
//! Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cascade::data::finding_kind::FindingKind;

/// The differences between the schema of a database and the declarations.
///
/// [`Graph::audit`](crate::Graph::audit) returns it. It prints and serialises, and
/// [`expect_clean`](Audit::expect_clean) turns findings into an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    server: String,
    checked: Checked,
    findings: Vec<Finding>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accepted: Vec<Finding>,
}

/// What an audit checked, so that an empty list of findings means something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Checked {
    /// The registered tables.
    pub tables: Vec<String>,
    /// The foreign keys between them, such as `items.store_id`. Of each, the audit checks the
    /// constraint, its action, the index, whether it can be NULL, and the columns it references.
    pub keys: Vec<String>,
    /// The foreign keys whose orphans were counted, if that was asked for.
    pub orphans_of: Vec<String>,
    /// The foreign keys from a table to itself whose deepest chain of rows was measured, because
    /// the database's own cascade has a limit.
    pub depths_of: Vec<String>,
    /// Tables named with `leave_to_database`. Their references were not checked.
    pub left_to_database: Vec<String>,
}

/// One difference between the declarations and the database, and how to fix it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The kind of difference, with its data.
    #[serde(flatten)]
    pub kind: FindingKind,
    /// Its severity.
    pub severity: Severity,
    /// The table; empty if the finding is about the connection.
    pub table: String,
    /// The foreign key, such as `items.store_id`, if the finding is about one.
    pub foreign_key: Option<String>,
    /// What the entities declare.
    pub declared: String,
    /// What the database has.
    pub found: String,
    /// Why it matters, in one sentence.
    pub why: String,
    /// How to fix it.
    pub fix: Fix,
}

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Other programs can write wrong data, or a delete is slow or refused.
    Warning,
    /// Rows are already wrong, a delete fails, or a delete removes or changes rows that its preview
    /// does not show.
    Error,
}

/// How to fix a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fix {
    /// SQL statements, in order. They change the schema of this database or a setting of this
    /// connection. They change no rows.
    ///
    /// They fit the schema as the audit read it. If time has passed, audit again before you run
    /// them. `CREATE INDEX` blocks writers while it runs (PostgreSQL has `CREATE INDEX
    /// CONCURRENTLY`).
    ///
    /// SQLite cannot alter a constraint, so there the fix creates the table again. It is one text
    /// of several statements. Run it on one connection (`execute_unprepared`) and outside of a
    /// transaction. It fixes every finding of that table, also [accepted](Audit::accept) ones, and
    /// turns the checks of foreign keys on. If it fails, close that connection: it may still hold
    /// the write lock and may not check foreign keys.
    #[non_exhaustive]
    Schema {
        /// The statements.
        statements: Vec<String>,
    },
    /// SQL statements that delete or change rows by the declared rule, without this crate. The
    /// database's own constraints then decide what happens to rows that depend on them; without a
    /// constraint those rows become orphans. [`Graph::repair`](crate::Graph::repair) does the same
    /// through the engine.
    #[non_exhaustive]
    Rows {
        /// The statements.
        statements: Vec<String>,
    },
    /// The database is right, and the program must declare it.
    #[non_exhaustive]
    Declaration {
        /// What to declare.
        text: String,
    },
    /// A person must decide or do it.
    #[non_exhaustive]
    ByHand {
        /// What to do.
        text: String,
    },
}

impl Audit {
    pub(crate) fn new(server: String, checked: Checked, mut findings: Vec<Finding>) -> Self {
        let place = |finding: &Finding| (finding.kind.rank(), finding.table.clone(), finding.foreign_key.clone());
        findings.sort_by_cached_key(place);
        Self { server, checked, findings, accepted: Vec::new() }
    }

    /// Returns the name and version of the database.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// let audit = sea_orm_cascade::service::graph().build()?.audit().run(&db).await?;
    /// assert!(audit.server().starts_with("SQLite 3"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Returns what the audit checked.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// let audit = sea_orm_cascade::service::graph().build()?.audit().run(&db).await?;
    /// assert_eq!(audit.checked().keys, ["items.store_id"]);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    /// Returns the findings, in the order in which to fix them.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// let audit = sea_orm_cascade::service::graph().build()?.audit().run(&db).await?;
    /// for finding in audit.findings() {
    ///     println!("{finding}");
    /// }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns the findings that you [accepted](Self::accept).
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// let audit = sea_orm_cascade::service::graph().build()?.audit().run(&db).await?;
    /// assert!(audit.accepted().is_empty());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn accepted(&self) -> &[Finding] {
        &self.accepted
    }

    /// Returns whether there is no finding, apart from accepted ones.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// let audit = sea_orm_cascade::service::graph().build()?.audit().run(&db).await?;
    /// assert!(audit.is_clean());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Sets findings aside that you know and want to keep, so that new ones are noticed.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// let audit = sea_orm_cascade::service::graph().build()?.audit().run(&db).await?;
    /// audit.accept(|finding| finding.table == "reports").expect_clean()?;
    /// # Ok(()) }
    /// ```
    #[must_use = "returns the audit without the accepted findings"]
    pub fn accept(mut self, is_accepted: impl Fn(&Finding) -> bool) -> Self {
        let (accepted, findings) = self.findings.into_iter().partition(|finding| is_accepted(finding));
        self.findings = findings;
        self.accepted.extend::<Vec<_>>(accepted);
        self
    }

    /// Returns the SQL that fixes the schema ([`Fix::Schema`]): each statement once, in the order in
    /// which to run them.
    ///
    /// If there are orphans, it returns only the statements that come before them, because the
    /// later fixes fail while orphans exist. Repair the orphans, audit again, and run the rest. (On
    /// SQLite, the script that creates a table again works with orphans, and keeps them.)
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # use sea_orm_cascade::migration::{Migrator, MigratorTrait as _};
    /// # Migrator::up(&db, None).await?;
    /// let audit = sea_orm_cascade::service::graph().build()?.audit().run(&db).await?;
    /// assert!(audit.statements().is_empty());
    /// # Ok(()) }
    /// ```
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
    /// What was checked, and each finding with its reason and its fix.
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
            // On SQLite one script fixes all findings of a table.
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

    /// Everything but the last line.
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
                write!(f, "`Graph::repair`, which previews and can keep young rows; or {statements}")
            }
            Self::Declaration { text } | Self::ByHand { text } => f.write_str(text),
        }
    }
}

fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
