//! The parts of a CREATE TABLE of SQLite: columns, constraints and their clauses.
//!
//! Pure.

use std::iter;

use crate::cascade::live::rebuild::edit::Edit;
use crate::cascade::live::rebuild::token::{Kind, Token, same, tokens};

/// A column, or the table constraints between two commas.
#[derive(Debug)]
pub(super) struct Part {
    /// The comma before it.
    pub(super) comma: Option<Token>,
    /// The column's name.
    pub(super) column: Option<String>,
    pub(super) clauses: Vec<Clause>,
    /// The end of its last word, before any comment.
    pub(super) to: usize,
}

/// One constraint with its name and the space before it.
#[derive(Debug)]
pub(super) struct Clause {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) rule: Rule,
}

impl Part {
    /// Whether it is the column of that name.
    pub(super) fn is_column(&self, name: &str) -> bool {
        self.column.as_deref().is_some_and(|column| same(column, name))
    }

    /// Whether it is a column with NOT NULL.
    pub(super) fn is_not_null(&self) -> bool {
        self.clauses.iter().any(|clause| matches!(clause.rule, Rule::NotNull))
    }
}

impl Clause {
    /// Whether the edit removes this foreign key constraint.
    pub(super) fn goes_by(&self, edit: &Edit) -> bool {
        match (&self.rule, edit) {
            (Rule::ForeignKey { columns, parent, .. }, Edit::ReplaceForeignKey { columns: asked, parent: to, .. }) => {
                same(parent, to) && in_order(columns) == in_order(asked)
            }
            _ => false,
        }
    }
}

/// The words with which a column constraint begins. They are reserved, so no type has them unless
/// quoted.
pub(super) const COLUMN_CLAUSES: [&str; 12] = [
    "CONSTRAINT",
    "NOT",
    "NULL",
    "REFERENCES",
    "DEFAULT",
    "COLLATE",
    "PRIMARY",
    "UNIQUE",
    "CHECK",
    "GENERATED",
    "AS",
    "DEFERRABLE",
];

/// The words with which a table constraint begins. They are reserved, so no column has them as its
/// name unless quoted.
pub(super) const TABLE_CLAUSES: [&str; 5] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];

/// Reads the columns and constraints of the list in the parentheses.
pub(super) fn parts(text: &str, list: &[Token]) -> Option<Vec<Part>> {
    let is_comma = |token: &Token| token.text(text) == ",";
    let commas = list.iter().copied().filter(is_comma).map(Some);
    let parts = list.split(is_comma).zip(iter::once(None).chain(commas));
    parts.map(|(tokens, comma)| part(Reader::new(text, tokens), comma)).collect()
}

/// Reads the next column or the next table constraints.
pub(super) fn part(mut reader: Reader, comma: Option<Token>) -> Option<Part> {
    let mut column = None;
    if !reader.begins(&TABLE_CLAUSES) {
        column = Some(reader.name()?);
        reader.skip_to(&COLUMN_CLAUSES);
    }
    let mut clauses = Vec::new();
    while let Some(first) = reader.tokens.first() {
        while reader.eats("CONSTRAINT") {
            reader.name()?;
        }
        let rule = match &column {
            Some(column) => reader.column_rule(column)?,
            None => reader.table_rule()?,
        };
        clauses.push(Clause { from: first.lead, to: reader.at, rule });
    }
    Some(Part { comma, column, clauses, to: reader.at })
}

/// Reads tokens from the first to the last.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    /// The tokens ahead.
    pub(super) tokens: &'a [Token],
    /// The end of the last token that was read.
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    /// Returns a reader before the first token.
    pub(super) fn new(text: &'a str, tokens: &'a [Token]) -> Self {
        Self { text, tokens, at: 0 }
    }

    /// Reads the next token.
    pub(super) fn take(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        self.at = first.to;
        Some(*first)
    }

    /// Reads these words if they are next.
    pub(super) fn eats(&mut self, words: &str) -> bool {
        let mut reader = Reader { ..*self };
        let found = words.split(' ').all(|word| reader.take().is_some_and(|token| same(token.text(reader.text), word)));
        if found {
            *self = reader;
        }
        found
    }

    /// Whether one of these words is next.
    pub(super) fn begins(&self, words: &[&str]) -> bool {
        let next = self.tokens.first().map(|token| token.text(self.text));
        next.is_some_and(|next| words.iter().any(|word| same(next, word)))
    }

    /// Reads everything before the next of these words.
    fn skip_to(&mut self, words: &[&str]) {
        while !self.begins(words) && self.take().is_some() {}
    }

    /// Reads a name.
    pub(super) fn name(&mut self) -> Option<String> {
        self.take()?.name(self.text)
    }

    /// Reads a list in parentheses.
    pub(super) fn group(&mut self) -> Option<Token> {
        self.take().filter(|token| token.kind == Kind::Open)
    }

    /// Reads the beginning of the statement: the table's name, and its position.
    pub(super) fn head(&mut self) -> Option<(String, (usize, usize))> {
        let starts = ["CREATE TABLE", "CREATE TEMP TABLE", "CREATE TEMPORARY TABLE"];
        if !starts.iter().any(|start| self.eats(start)) {
            return None;
        }
        let from = self.tokens.first()?.from;
        self.eats("IF NOT EXISTS");
        let mut name = self.name()?;
        if self.eats(".") {
            // In another schema another table would be dropped.
            if !same(&name, "main") {
                return None;
            }
            name = self.name()?;
        }
        Some((name, (from, self.at)))
    }

    /// Reads a constraint of that column.
    fn column_rule(&mut self, column: &str) -> Option<Rule> {
        if self.eats("NOT NULL") {
            return self.with_conflict(Rule::NotNull);
        }
        if self.eats("NULL") {
            return self.with_conflict(Rule::Null);
        }
        if self.eats("REFERENCES") {
            return self.references(vec![column.to_owned()]);
        }
        self.other_column_rule()
    }

    /// Reads a constraint that no edit changes. A DEFERRABLE that is apart from its REFERENCES is
    /// refused: without it the clause would belong to another key.
    fn other_column_rule(&mut self) -> Option<Rule> {
        if self.begins(&["NOT", "DEFERRABLE"]) {
            return None;
        }
        if self.eats("DEFAULT") {
            while self.eats("-") || self.eats("+") {}
            // The column may be NULL.
            self.take()?;
        } else if self.begins(&COLUMN_CLAUSES) {
            self.take()?;
        } else if !self.tokens.is_empty() {
            return None;
        }
        self.skip_to(&COLUMN_CLAUSES);
        Some(Rule::Other)
    }

    /// Reads a constraint of the table. SQLite allows it without the comma after it.
    fn table_rule(&mut self) -> Option<Rule> {
        if self.eats("FOREIGN KEY") {
            let list = self.group()?;
            let columns = names(list.text(self.text).strip_prefix('(')?.strip_suffix(')')?)?;
            if !self.eats("REFERENCES") {
                return None;
            }
            return self.references(columns);
        }
        if self.begins(&["FOREIGN"]) {
            return None;
        }
        if self.begins(&TABLE_CLAUSES) {
            self.take()?;
        } else if !self.tokens.is_empty() {
            return None;
        }
        self.skip_to(&TABLE_CLAUSES);
        Some(Rule::Other)
    }

    /// Reads what follows REFERENCES: the parent, its columns and the actions.
    pub(super) fn references(&mut self, columns: Vec<String>) -> Option<Rule> {
        let parent = self.name()?;
        if self.tokens.first().is_some_and(|token| token.kind == Kind::Open) {
            self.take()?;
        }
        loop {
            if self.eats("ON") {
                // DELETE or UPDATE, then SET NULL, NO ACTION, CASCADE ..
                self.take()?;
                let _of_two_words = self.eats("SET") || self.eats("NO");
                self.take()?;
            } else if self.eats("MATCH") {
                self.take()?;
            } else {
                break;
            }
        }
        let from = self.tokens.first().map_or(self.at, |token| token.from);
        if (self.eats("NOT DEFERRABLE") || self.eats("DEFERRABLE")) && self.eats("INITIALLY") {
            self.take()?;
        }
        let deferrable = self.text.get(from..self.at).unwrap_or_default().to_owned();
        Some(Rule::ForeignKey { columns, parent, deferrable })
    }

    /// Reads ON CONFLICT with its word, if it is next, and returns the constraint that it belongs
    /// to.
    fn with_conflict(&mut self, rule: Rule) -> Option<Rule> {
        if self.eats("ON CONFLICT") {
            self.take()?;
        }
        Some(rule)
    }
}

/// Returns the names of a list with commas.
pub(super) fn names(list: &str) -> Option<Vec<String>> {
    let tokens = tokens(list)?;
    let names = tokens.split(|token| token.text(list) == ",").map(|name| match name {
        [name] => name.name(list),
        _ => None,
    });
    names.collect()
}

/// A constraint, as far as edits need it.
#[derive(Debug)]
pub(super) enum Rule {
    NotNull,
    Null,
    ForeignKey { columns: Vec<String>, parent: String, deferrable: String },
    Other,
}

/// Returns the names in lower case and sorted, to compare them as a set.
fn in_order(names: &[String]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    names.sort();
    names
}
