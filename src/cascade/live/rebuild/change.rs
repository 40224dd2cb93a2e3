//! Changes the text of a CREATE TABLE of SQLite where an edit requires it.
//!
//! Pure.

use crate::cascade::live::rebuild::edit::Edit;
use crate::cascade::live::rebuild::parse::{Clause, Part, Reader, Rule, parts};
use crate::cascade::live::rebuild::token::{Kind, Token, grouped, is_word, same, tokens};

/// A piece of the text that is replaced. Positions are in bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) with: String,
}

/// Returns the text with the changes; `None` if they overlap. Equal changes count once: two edits
/// may mean the same key.
pub(super) fn changed(text: &str, mut changes: Vec<Change>) -> Option<String> {
    changes.sort_by_key(|change| (change.from, change.to));
    changes.dedup();
    let (mut result, mut at) = (String::new(), 0);
    for change in changes {
        result += text.get(at..change.from)?;
        result += &change.with;
        at = change.to;
    }
    Some(result + text.get(at..)?)
}

/// The positions in a CREATE TABLE that edits change.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    pub(super) text: &'a str,
    pub(super) name: String,
    /// The position of the name with the words before it (`IF NOT EXISTS`, `main.`): an existing
    /// table must not be mistaken for the new one.
    pub(super) head: (usize, usize),
    pub(super) parts: Vec<Part>,
    pub(super) autoincrement: bool,
}

impl<'a> Outline<'a> {
    /// Reads the text, if all of it can be parsed.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let all = tokens(text)?;
        let outer = grouped(&all)?;
        let mut reader = Reader::new(text, &outer);
        let (name, head) = reader.head()?;
        let list = reader.group()?;
        let understood = reader.tokens.iter().all(|token| token.kind == Kind::Word || token.text(text) == ",");
        let body: Vec<Token> = all.iter().copied().filter(|token| token.from > list.from).collect();
        if !understood || qualifies(text, &body, &name) {
            return None;
        }
        let autoincrement = body.iter().any(|token| same(token.text(text), "AUTOINCREMENT"));
        let inner: Vec<Token> = body.into_iter().filter(|token| token.to < list.to).collect();
        Some(Self { text, name, head, parts: parts(text, &grouped(&inner)?)?, autoincrement })
    }

    /// Returns the changes for the edits; `None` if one of them finds nothing to change.
    pub(super) fn changes(&self, edits: &[Edit]) -> Option<Vec<Change>> {
        if !edits.iter().all(|edit| self.takes(edit)) {
            return None;
        }
        let mut changes: Vec<Change> = self.parts.iter().flat_map(|part| self.changes_of(part, edits)).collect();
        let column = self.parts.iter().rfind(|part| part.column.is_some())?.to;
        let columns = edits.iter().filter_map(|edit| match edit {
            Edit::AddColumn(column) => Some(format!(", {column}")),
            Edit::AddForeignKey(_) | Edit::ReplaceForeignKey { .. } | Edit::SetNullable { .. } => None,
        });
        changes.push(Change { from: column, to: column, with: columns.collect() });
        let end = self.parts.last()?.to;
        let keys = edits.iter().filter_map(|edit| match edit {
            Edit::AddForeignKey(constraint) => Some(format!(", {constraint}")),
            Edit::ReplaceForeignKey { with, .. } => Some(format!(", {with}{}", self.deferrable_of(edit))),
            Edit::AddColumn(_) | Edit::SetNullable { .. } => None,
        });
        changes.push(Change { from: end, to: end, with: keys.collect() });
        Some(changes)
    }

    /// Returns the DEFERRABLE clause of the first key that the edit replaces, with a space before
    /// it.
    fn deferrable_of(&self, edit: &Edit) -> String {
        let mut clauses = self.parts.iter().flat_map(|part| &part.clauses).filter(|clause| clause.goes_by(edit));
        match clauses.next().map(|clause| &clause.rule) {
            Some(Rule::ForeignKey { deferrable, .. }) if !deferrable.is_empty() => format!(" {deferrable}"),
            _ => String::new(),
        }
    }

    /// Whether the edit finds something to change.
    pub(super) fn takes(&self, edit: &Edit) -> bool {
        match edit {
            Edit::AddColumn(_) | Edit::AddForeignKey(_) => true,
            Edit::ReplaceForeignKey { .. } => {
                self.parts.iter().flat_map(|part| &part.clauses).any(|it| it.goes_by(edit))
            }
            Edit::SetNullable { column, nullable } => {
                self.parts.iter().any(|part| part.is_column(column) && (!nullable || part.is_not_null()))
            }
        }
    }

    /// Returns the changes within one part.
    fn changes_of(&self, part: &Part, edits: &[Edit]) -> Vec<Change> {
        let going = |clause: &&Clause| edits.iter().any(|edit| clause.goes_by(edit));
        let mut changes: Vec<Change> = part.clauses.iter().filter(going).map(|clause| self.without(clause)).collect();
        if let Some(comma) = part.comma
            && part.column.is_none()
            && changes.len() == part.clauses.len()
        {
            changes.push(Change { from: comma.from, to: comma.to, with: String::new() });
        }
        for edit in edits {
            if let Edit::SetNullable { column, nullable } = edit
                && part.is_column(column)
            {
                changes.extend(if *nullable { self.nullable(part) } else { not_null(part) });
            }
        }
        changes
    }

    /// Returns the changes that remove NOT NULL from a column.
    pub(super) fn nullable(&self, part: &Part) -> Vec<Change> {
        let going = part.clauses.iter().filter(|clause| matches!(clause.rule, Rule::NotNull));
        going.map(|clause| self.without(clause)).collect()
    }

    /// Returns the change that removes a constraint and keeps its neighbours apart.
    pub(super) fn without(&self, clause: &Clause) -> Change {
        let next = self.text.get(clause.to..).and_then(|rest| rest.chars().next());
        let with = if next.is_some_and(is_word) { " " } else { "" };
        Change { from: clause.from, to: clause.to, with: with.to_owned() }
    }
}

/// Returns the changes that add NOT NULL to a column: in place of a NULL, or at the end.
fn not_null(part: &Part) -> Vec<Change> {
    if part.is_not_null() {
        return Vec::new();
    }
    let null = part.clauses.iter().find(|clause| matches!(clause.rule, Rule::Null));
    let (from, to) = null.map_or((part.to, part.to), |clause| (clause.from, clause.to));
    vec![Change { from, to, with: " NOT NULL".to_owned() }]
}

/// Returns the columns of a CREATE TABLE that state a collation, with it.
pub(crate) fn collations(create: &str) -> Vec<(String, String)> {
    let found = || {
        let all = tokens(create)?;
        let list = grouped(&all)?.into_iter().find(|token| token.kind == Kind::Open)?;
        let inner: Vec<Token> = all.into_iter().filter(|token| token.from > list.from && token.to < list.to).collect();
        let inner = grouped(&inner)?;
        let columns = inner.split(|token| token.text(create) == ",").filter_map(|column| {
            let words = column.iter().position(|token| same(token.text(create), "COLLATE"))?;
            Some((column.first()?.name(create)?, column.get(words + 1)?.name(create)?))
        });
        Some(columns.collect())
    };
    found().unwrap_or_default()
}

/// Returns the event of a CREATE TRIGGER, such as `AFTER DELETE`, and whether it is a DELETE;
/// `None` for an INSERT.
pub(crate) fn event(create: &str) -> Option<(String, bool)> {
    let all = tokens(create)?;
    let mut reader = Reader::new(create, &all);
    reader.eats("CREATE");
    let _of_this_connection = reader.eats("TEMP") || reader.eats("TEMPORARY");
    if !reader.eats("TRIGGER") {
        return None;
    }
    reader.eats("IF NOT EXISTS");
    reader.name()?;
    if reader.eats(".") {
        reader.name()?;
    }
    let when = [("BEFORE", "BEFORE"), ("AFTER", "AFTER"), ("INSTEAD OF", "INSTEAD OF")];
    let when = when.into_iter().find(|(words, _)| reader.eats(words)).map_or("BEFORE", |(_, when)| when);
    let event = ["DELETE", "UPDATE"].into_iter().find(|event| reader.eats(event))?;
    Some((format!("{when} {event}"), event == "DELETE"))
}

/// Whether the table's own name is a qualifier (`CHECK (t.a > 0)`): the script would have to use
/// the new name first, and SQLite would not change it back.
fn qualifies(text: &str, tokens: &[Token], name: &str) -> bool {
    tokens.windows(2).any(|pair| match pair {
        [first, dot] => dot.text(text) == "." && first.name(text).is_some_and(|it| same(&it, name)),
        _ => false,
    })
}
