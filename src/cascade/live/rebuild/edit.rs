//! The edits of a definition that a rebuild makes.
//!
//! Pure.

/// One edit of a table's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Adds a column after the last one, as written.
    AddColumn(String),
    /// Removes every foreign key from exactly these columns, in any order, to that parent, and adds
    /// this one at the end, with the DEFERRABLE clause of the first of them.
    ReplaceForeignKey { columns: Vec<String>, parent: String, with: String },
    /// Adds a table constraint at the end, as written.
    AddForeignKey(String),
    /// Removes NOT NULL, or adds it unless it exists.
    SetNullable { column: String, nullable: bool },
}

/// A table as SQLite stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    /// Its name, as in `sqlite_schema`.
    pub(crate) name: String,
    /// The CREATE TABLE of `sqlite_schema`.
    pub(crate) create: String,
    /// The columns whose values are copied: all but the generated ones.
    pub(crate) stored: Vec<String>,
    /// The CREATE INDEX and CREATE TRIGGER statements of the table, from `sqlite_schema`.
    pub(crate) followers: Vec<String>,
    /// The CREATE INDEX statements that the script adds.
    pub(crate) more: Vec<String>,
}

impl Definition {
    /// Returns an empty definition.
    pub(crate) fn named(name: String) -> Self {
        Self { name, create: String::new(), stored: Vec::new(), followers: Vec::new(), more: Vec::new() }
    }
}
