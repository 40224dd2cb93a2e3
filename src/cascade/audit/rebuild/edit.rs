//! What a rebuild changes in a definition.
//!
//! Pure.

/// What is changed in a table's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edit {
    /// A column is added behind the last, as written.
    AddColumn(String),
    /// Every foreign key from exactly these columns, in any order, to that parent goes, and this
    /// comes at the end instead, as deferrable as the first of them.
    ReplaceForeignKey { columns: Vec<String>, parent: String, with: String },
    /// A table constraint is added at the end, as written.
    AddForeignKey(String),
    /// NOT NULL is taken away, or added unless it is there.
    SetNullable { column: String, nullable: bool },
}

/// A table as SQLite keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    /// Its name, as in `sqlite_schema`.
    pub(crate) name: String,
    /// The CREATE TABLE of `sqlite_schema`.
    pub(crate) create: String,
    /// The columns whose values are copied: all but the generated ones.
    pub(crate) stored: Vec<String>,
    /// The CREATE INDEX and CREATE TRIGGER statements that go with the table, as `sqlite_schema`
    /// has them.
    pub(crate) followers: Vec<String>,
    /// The CREATE INDEX statements that are to be run with it.
    pub(crate) more: Vec<String>,
}

impl Definition {
    /// Of which nothing is known yet.
    pub(crate) fn named(name: String) -> Self {
        Self { name, create: String::new(), stored: Vec::new(), followers: Vec::new(), more: Vec::new() }
    }
}
