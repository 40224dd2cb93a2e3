//! The script that mends a table of SQLite: the documented rebuild, with an edited definition.
//!
//! Pure. SQLite cannot alter a foreign key or a NOT NULL, so the table is made anew, filled, and put in the place of
//! the old one ("Making Other Kinds Of Table Schema Changes" of its manual). The text of the definition is changed only
//! where an edit says so: what else is declared there (types, checks, collations, comments) is not ours to repeat.
//! A text that is not understood gives no script rather than one that loses something.

use std::iter;

/// What is changed in a table's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edit {
    /// A column is added behind the last, as written.
    AddColumn(String),
    /// Every foreign key from exactly these columns, in any order, to that parent goes, and this comes at the end instead,
    /// as deferrable as the first of them.
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
    /// The CREATE INDEX and CREATE TRIGGER statements that go with the table, as `sqlite_schema` has them.
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

/// The script that rebuilds the table with the edits; `None` where the text of its definition is not understood, or an
/// edit finds nothing to change.
pub(crate) fn rebuild(table: &Definition, edits: &[Edit]) -> Option<String> {
    let outline = Outline::read(&table.create)?;
    if !same(&outline.name, &table.name) || table.stored.is_empty() {
        return None;
    }
    let meanwhile = |what: &str| format!("__cascade_{what}_{}", outline.name);
    let names = Names { new: meanwhile("new"), old: meanwhile("old") };
    let mut changes = vec![Change { from: outline.head.0, to: outline.head.1, with: quoted(&names.new, '"') }];
    changes.extend(outline.changes(edits)?);
    let create = changed(&table.create, changes)?;
    let before = BEFORE.to_owned() + &unchanged(table, &outline.name) + &nulls(&outline.name, edits);
    Some(before + &script(table, &outline, &names, &create)?)
}

/// The statements, in order, each with its end.
///
/// Without `legacy_alter_table` the renaming would stop at any view that mentions the table, which is missing then.
/// As foreign keys are off too, references to the table, its own and those of others, keep its name all the time. The old
/// table is put aside first, and a copy that fails ends the transaction: what goes on after an error, as the shell of
/// SQLite does, then finds nothing to drop.
fn script(table: &Definition, outline: &Outline, names: &Names, create: &str) -> Option<String> {
    let create = ended(create)?;
    let (to, old) = (quoted(&names.new, '"'), quoted(&names.old, '"'));
    let from = quoted(&outline.name, '"');
    let columns = table.stored.iter().map(|column| quoted(column, '"')).collect::<Vec<_>>().join(", ");
    let sequence = if outline.autoincrement { sequence(names) } else { String::new() };
    let followers = table.followers.iter().chain(&table.more);
    let followers: String = followers.map(|follower| ended(follower)).collect::<Option<_>>()?;
    Some(format!(
        "PRAGMA foreign_keys = OFF;\n\
         PRAGMA legacy_alter_table = ON;\n\
         BEGIN IMMEDIATE;\n\
         {create}\
         ALTER TABLE {from} RENAME TO {old};\n\
         INSERT OR ROLLBACK INTO {to} ({columns}) SELECT {columns} FROM {old};\n\
         {sequence}\
         DROP TABLE {old};\n\
         ALTER TABLE {to} RENAME TO {from};\n\
         {followers}\
         COMMIT;\n\
         PRAGMA legacy_alter_table = OFF;\n\
         PRAGMA foreign_keys = ON;\n"
    ))
}

/// What a person who runs it must know; and it fails, before anything is changed, inside of a transaction and while another
/// connection writes.
const BEFORE: &str = "-- On a connection of its own, which is closed if this fails.\n\
     BEGIN IMMEDIATE;\n\
     COMMIT;\n";

/// Statements that fail, before anything is changed, where the table is not as it was read: a script that is run late would
/// undo what was done to it since, and lose the columns, indexes and triggers that came.
fn unchanged(table: &Definition, name: &str) -> String {
    let (name, create) = (quoted(name, '\''), quoted(&table.create, '\''));
    // Those to be made may be there already: they are statements of their own too, and are kept without these words.
    let more = table.more.iter().map(|index| index.replacen(" IF NOT EXISTS ", " ", 1));
    let followers = table.followers.iter().cloned().chain(more);
    let followers = followers.map(|sql| quoted(&sql, '\'')).collect::<Vec<_>>().join(", ");
    format!(
        "CREATE TEMP TABLE IF NOT EXISTS \"__cascade_unchanged\" (\"audit_again\" NOT NULL);\n\
         INSERT INTO temp.\"__cascade_unchanged\" SELECT (SELECT 1 FROM main.sqlite_schema \
         WHERE type = 'table' AND name = {name} AND sql = {create} \
         AND NOT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type IN ('index', 'trigger') \
         AND tbl_name = {name} COLLATE NOCASE AND sql IS NOT NULL AND sql NOT IN ({followers})));\n\
         DROP TABLE temp.\"__cascade_unchanged\";\n"
    )
}

/// Statements that fail, before anything is changed, where a column that is to be NOT NULL has a NULL: a script that failed
/// later would leave its connection as it is then.
fn nulls(table: &str, edits: &[Edit]) -> String {
    let check = quoted(&format!("__cascade_nulls_{table}"), '"');
    let statements = edits.iter().map(|edit| match edit {
        Edit::SetNullable { column, nullable: false } => {
            let (column, table) = (quoted(column, '"'), quoted(table, '"'));
            format!(
                "CREATE TEMP TABLE IF NOT EXISTS {check} ({column} NOT NULL);\n\
                 INSERT INTO temp.{check} SELECT {column} FROM {table} WHERE {column} IS NULL LIMIT 1;\n\
                 DROP TABLE temp.{check};\n"
            )
        }
        Edit::SetNullable { .. } | Edit::AddColumn(_) | Edit::AddForeignKey(_) | Edit::ReplaceForeignKey { .. } => {
            String::new()
        }
    });
    statements.collect()
}

/// What the tables are called meanwhile.
struct Names {
    new: String,
    old: String,
}

/// The statements by which the new table goes on counting where the old one was; the copy knows only the rows that are
/// still there.
fn sequence(names: &Names) -> String {
    let (new, old) = (quoted(&names.new, '\''), quoted(&names.old, '\''));
    format!(
        "DELETE FROM sqlite_sequence WHERE name = {new};\n\
         INSERT INTO sqlite_sequence (name, seq) SELECT {new}, seq FROM sqlite_sequence WHERE name = {old};\n"
    )
}

/// The statement with its semicolon, on a new line where a comment at the end would swallow it.
fn ended(statement: &str) -> Option<String> {
    let rest = statement.get(tokens(statement)?.last()?.to..)?;
    let mark = if rest.contains("--") && !rest.ends_with('\n') { "\n;\n" } else { ";\n" };
    Some(format!("{statement}{mark}"))
}

/// The name between quotes.
fn quoted(name: &str, quote: char) -> String {
    let doubled = name.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{doubled}{quote}")
}

/// Whether SQLite takes both for the same name.
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// A piece of the definition's text that becomes another; places are in bytes.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    from: usize,
    to: usize,
    with: String,
}

/// The text with the changes; `None` if they overlap. Equal ones count once: two edits may mean the same key.
fn changed(text: &str, mut changes: Vec<Change>) -> Option<String> {
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

/// Where the things stand in a CREATE TABLE that edits are about.
#[derive(Debug)]
struct Outline<'a> {
    text: &'a str,
    name: String,
    /// The place of the name with what is before it (`IF NOT EXISTS`, `main.`): a table that happens to be there must
    /// not be taken for the new one.
    head: (usize, usize),
    parts: Vec<Part>,
    autoincrement: bool,
}

/// A column, or the table constraints between two commas.
#[derive(Debug)]
struct Part {
    /// The comma before it.
    comma: Option<Token>,
    /// The column's name.
    column: Option<String>,
    clauses: Vec<Clause>,
    /// The end of its last word, before any comment.
    to: usize,
}

/// One constraint with its name, and the space before it.
#[derive(Debug)]
struct Clause {
    from: usize,
    to: usize,
    rule: Rule,
}

/// What a constraint says, as far as edits are about it.
#[derive(Debug)]
enum Rule {
    NotNull,
    Null,
    ForeignKey { columns: Vec<String>, parent: String, deferrable: String },
    Other,
}

impl<'a> Outline<'a> {
    /// What the text says, if it is all understood.
    fn read(text: &'a str) -> Option<Self> {
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

    /// The changes of the text that the edits ask for; `None` if one of them finds nothing.
    fn changes(&self, edits: &[Edit]) -> Option<Vec<Change>> {
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

    /// The words by which the first key that the edit replaces can be deferred, with a space before them.
    fn deferrable_of(&self, edit: &Edit) -> String {
        let mut clauses = self.parts.iter().flat_map(|part| &part.clauses).filter(|clause| clause.goes_by(edit));
        match clauses.next().map(|clause| &clause.rule) {
            Some(Rule::ForeignKey { deferrable, .. }) if !deferrable.is_empty() => format!(" {deferrable}"),
            _ => String::new(),
        }
    }

    /// Whether there is something that the edit can be applied to.
    fn takes(&self, edit: &Edit) -> bool {
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

    /// The changes within one part.
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

    /// The changes that take NOT NULL from a column.
    fn nullable(&self, part: &Part) -> Vec<Change> {
        let going = part.clauses.iter().filter(|clause| matches!(clause.rule, Rule::NotNull));
        going.map(|clause| self.without(clause)).collect()
    }

    /// The change that takes a constraint away, and keeps its neighbours apart.
    fn without(&self, clause: &Clause) -> Change {
        let next = self.text.get(clause.to..).and_then(|rest| rest.chars().next());
        let with = if next.is_some_and(is_word) { " " } else { "" };
        Change { from: clause.from, to: clause.to, with: with.to_owned() }
    }
}

/// The changes that add NOT NULL to a column: in the place of a NULL, which says the contrary, or at the end.
fn not_null(part: &Part) -> Vec<Change> {
    if part.is_not_null() {
        return Vec::new();
    }
    let null = part.clauses.iter().find(|clause| matches!(clause.rule, Rule::Null));
    let (from, to) = null.map_or((part.to, part.to), |clause| (clause.from, clause.to));
    vec![Change { from, to, with: " NOT NULL".to_owned() }]
}

impl Part {
    /// Whether it is the column of that name.
    fn is_column(&self, name: &str) -> bool {
        self.column.as_deref().is_some_and(|column| same(column, name))
    }

    /// Whether it is a column with NOT NULL.
    fn is_not_null(&self) -> bool {
        self.clauses.iter().any(|clause| matches!(clause.rule, Rule::NotNull))
    }
}

impl Clause {
    /// Whether the edit takes this constraint away as a foreign key.
    fn goes_by(&self, edit: &Edit) -> bool {
        match (&self.rule, edit) {
            (Rule::ForeignKey { columns, parent, .. }, Edit::ReplaceForeignKey { columns: asked, parent: to, .. }) => {
                same(parent, to) && in_order(columns) == in_order(asked)
            }
            _ => false,
        }
    }
}

/// The columns of a CREATE TABLE that state a collation, with it.
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

/// What a CREATE TRIGGER is run by, as `AFTER DELETE`, and whether that is a DELETE; `None` for an INSERT.
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

/// The names in lower case and in an order of their own, to compare them as a set.
fn in_order(names: &[String]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    names.sort();
    names
}

/// Whether the table's own name stands before a dot (`CHECK (t.a > 0)`): it would have to be the new name at first, and
/// SQLite would not change it back.
fn qualifies(text: &str, tokens: &[Token], name: &str) -> bool {
    tokens.windows(2).any(|pair| match pair {
        [first, dot] => dot.text(text) == "." && first.name(text).is_some_and(|it| same(&it, name)),
        _ => false,
    })
}

/// Words with which a constraint of a column begins. They are reserved: no part of a type, unless quoted.
const COLUMN_CLAUSES: [&str; 12] = [
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

/// Words with which a constraint of a table begins. They are reserved: no column, unless quoted.
const TABLE_CLAUSES: [&str; 5] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];

/// The columns and constraints of the list between the parentheses.
fn parts(text: &str, list: &[Token]) -> Option<Vec<Part>> {
    let is_comma = |token: &Token| token.text(text) == ",";
    let commas = list.iter().copied().filter(is_comma).map(Some);
    let parts = list.split(is_comma).zip(iter::once(None).chain(commas));
    parts.map(|(tokens, comma)| part(Reader::new(text, tokens), comma)).collect()
}

/// The column or the table constraints that the reader is before.
fn part(mut reader: Reader, comma: Option<Token>) -> Option<Part> {
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

/// Goes through tokens from the first to the last.
#[derive(Debug)]
struct Reader<'a> {
    text: &'a str,
    /// Those still ahead.
    tokens: &'a [Token],
    /// The end of the last one taken.
    at: usize,
}

impl<'a> Reader<'a> {
    /// Before the first of the tokens.
    fn new(text: &'a str, tokens: &'a [Token]) -> Self {
        Self { text, tokens, at: 0 }
    }

    /// The next token, which is then behind.
    fn take(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        self.at = first.to;
        Some(*first)
    }

    /// Takes these words if they are next.
    fn eats(&mut self, words: &str) -> bool {
        let mut reader = Reader { ..*self };
        let found = words.split(' ').all(|word| reader.take().is_some_and(|token| same(token.text(reader.text), word)));
        if found {
            *self = reader;
        }
        found
    }

    /// Whether one of these words is next.
    fn begins(&self, words: &[&str]) -> bool {
        let next = self.tokens.first().map(|token| token.text(self.text));
        next.is_some_and(|next| words.iter().any(|word| same(next, word)))
    }

    /// Takes everything before the next of these words.
    fn skip_to(&mut self, words: &[&str]) {
        while !self.begins(words) && self.take().is_some() {}
    }

    /// Takes a name.
    fn name(&mut self) -> Option<String> {
        self.take()?.name(self.text)
    }

    /// Takes a list in parentheses.
    fn group(&mut self) -> Option<Token> {
        self.take().filter(|token| token.kind == Kind::Open)
    }

    /// Takes the beginning of the statement: the table's name, and the place of what stands for it.
    fn head(&mut self) -> Option<(String, (usize, usize))> {
        let starts = ["CREATE TABLE", "CREATE TEMP TABLE", "CREATE TEMPORARY TABLE"];
        if !starts.iter().any(|start| self.eats(start)) {
            return None;
        }
        let from = self.tokens.first()?.from;
        self.eats("IF NOT EXISTS");
        let mut name = self.name()?;
        if self.eats(".") {
            // In another schema it would be another table that is dropped.
            if !same(&name, "main") {
                return None;
            }
            name = self.name()?;
        }
        Some((name, (from, self.at)))
    }

    /// Takes a constraint of that column.
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

    /// Takes a constraint that no edit is about. A DEFERRABLE apart from its REFERENCES is not understood: without that
    /// it would belong to another key.
    fn other_column_rule(&mut self) -> Option<Rule> {
        if self.begins(&["NOT", "DEFERRABLE"]) {
            return None;
        }
        if self.eats("DEFAULT") {
            while self.eats("-") || self.eats("+") {}
            // It may be NULL.
            self.take()?;
        } else if self.begins(&COLUMN_CLAUSES) {
            self.take()?;
        } else if !self.tokens.is_empty() {
            return None;
        }
        self.skip_to(&COLUMN_CLAUSES);
        Some(Rule::Other)
    }

    /// Takes a constraint of the table. SQLite lets the comma after it be left out.
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

    /// Takes what follows REFERENCES: the parent, its columns, and what is to be done.
    fn references(&mut self, columns: Vec<String>) -> Option<Rule> {
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

    /// Takes ON CONFLICT with its word, if it is next, and gives the constraint that this belongs to.
    fn with_conflict(&mut self, rule: Rule) -> Option<Rule> {
        if self.eats("ON CONFLICT") {
            self.take()?;
        }
        Some(rule)
    }
}

/// The names of a list with commas.
fn names(list: &str) -> Option<Vec<String>> {
    let tokens = tokens(list)?;
    let names = tokens.split(|token| token.text(list) == ",").map(|name| match name {
        [name] => name.name(list),
        _ => None,
    });
    names.collect()
}

/// A piece of SQL that means something: neither space nor comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token {
    kind: Kind,
    /// Where the space before it begins; a line comment has its newline, so that what follows the comment can go.
    lead: usize,
    from: usize,
    to: usize,
}

/// The kinds of pieces that SQL is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    Comment,
    Word,
    /// A text or a name, each of which SQLite takes for the other in places.
    Quoted,
    /// A parenthesis that opens; in [`grouped`] tokens all up to the one that closes it.
    Open,
    Close,
    Other,
}

impl Token {
    /// How it is written.
    fn text(self, text: &str) -> &str {
        text.get(self.from..self.to).unwrap_or_default()
    }

    /// The name that it stands for.
    fn name(self, text: &str) -> Option<String> {
        let text = self.text(text);
        match self.kind {
            Kind::Word => Some(text.to_owned()),
            Kind::Quoted => {
                let quote = text.chars().next()?;
                let name = text.get(1..text.len().checked_sub(1)?)?;
                Some(if quote == '[' {
                    name.to_owned()
                } else {
                    name.replace(&format!("{quote}{quote}"), &quote.to_string())
                })
            }
            _ => None,
        }
    }
}

/// The tokens of the text, but `None` if a quote or a comment has no end.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let (mut lead, mut from) = (0, 0);
    while from < text.len() {
        let (kind, length) = piece(text.get(from..)?)?;
        let to = from + length;
        match kind {
            Kind::Space => {}
            Kind::Comment => lead = to,
            _ => {
                tokens.push(Token { kind, lead, from, to });
                lead = to;
            }
        }
        from = to;
    }
    Some(tokens)
}

/// The tokens outside of parentheses, and each outermost pair of these as one; `None` if one has no other.
fn grouped(tokens: &[Token]) -> Option<Vec<Token>> {
    let mut groups: Vec<Token> = Vec::new();
    let mut depth = 0_usize;
    for token in tokens {
        if token.kind == Kind::Close {
            depth = depth.checked_sub(1)?;
            groups.last_mut()?.to = token.to;
            continue;
        }
        if depth == 0 {
            groups.push(*token);
        }
        depth += usize::from(token.kind == Kind::Open);
    }
    (depth == 0).then_some(groups)
}

/// What the text begins with, and its length in bytes.
fn piece(text: &str) -> Option<(Kind, usize)> {
    let first = text.chars().next()?;
    let run = |fits: fn(char) -> bool| text.find(|next| !fits(next)).unwrap_or(text.len());
    Some(match first {
        _ if is_space(first) => (Kind::Space, run(is_space)),
        _ if is_word(first) => (Kind::Word, run(is_word)),
        '-' if text.starts_with("--") => (Kind::Comment, text.find('\n').map_or(text.len(), |end| end + 1)),
        '/' if text.starts_with("/*") => (Kind::Comment, text.get(2..)?.find("*/")? + 4),
        '\'' | '"' | '`' => (Kind::Quoted, quotation(text, first)?),
        '[' => (Kind::Quoted, text.find(']')? + 1),
        '(' => (Kind::Open, 1),
        ')' => (Kind::Close, 1),
        _ => (Kind::Other, first.len_utf8()),
    })
}

/// The length of the quotation at the beginning; a doubled quote does not end it.
fn quotation(text: &str, quote: char) -> Option<usize> {
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((at, next)) = rest.next() {
        if next == quote && rest.next_if(|(_, after)| *after == quote).is_none() {
            return Some(at + 1);
        }
    }
    None
}

/// Space to SQLite, which knows no other than ASCII's.
fn is_space(next: char) -> bool {
    matches!(next, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// A character of SQLite's names and numbers; all beyond ASCII are.
fn is_word(next: char) -> bool {
    next.is_ascii_alphanumeric() || matches!(next, '_' | '$') || !next.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn replace_key(columns: &[&str], parent: &str) -> Edit {
        Edit::ReplaceForeignKey { columns: strings(columns), parent: parent.to_owned(), with: "Z".to_owned() }
    }

    fn add_key() -> Edit {
        Edit::AddForeignKey(r#"CONSTRAINT "x" FOREIGN KEY ("a") REFERENCES "p" ("id") ON DELETE CASCADE"#.to_owned())
    }

    fn set_nullable(column: &str, nullable: bool) -> Edit {
        Edit::SetNullable { column: column.to_owned(), nullable }
    }

    /// The definition in the script.
    fn edited(create: &str, edits: &[Edit]) -> Option<String> {
        let table = Definition {
            name: "t".to_owned(),
            create: create.to_owned(),
            stored: strings(&["a"]),
            followers: Vec::new(),
            more: Vec::new(),
        };
        let script = rebuild(&table, edits)?;
        let (_, rest) = script.split_once("ON;\nBEGIN IMMEDIATE;\n")?;
        rest.split_once(";\nALTER").map(|(create, _)| create.to_owned())
    }

    /// The list of the edited definition, of one with this list.
    fn list(list: &str, edits: &[Edit]) -> Option<String> {
        let create = edited(&format!("CREATE TABLE t({list})"), edits)?;
        Some(create.strip_prefix(r#"CREATE TABLE "__cascade_new_t"("#)?.strip_suffix(')')?.to_owned())
    }

    #[track_caller]
    fn assert_list(before: &str, edits: &[Edit], after: &str) {
        assert_eq!(list(before, edits).as_deref(), Some(after));
    }

    #[test]
    fn whole_script() {
        let table = Definition {
            name: "o'\"t".to_owned(),
            create: r#"CREATE TABLE "o'""t" (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT NOT NULL) -- end"#.to_owned(),
            stored: strings(&["id", "a\"b"]),
            followers: strings(&[
                "CREATE INDEX i ON x(a)",
                "CREATE INDEX j ON x(a) -- end",
                "CREATE INDEX k ON x(a) -- end\n",
            ]),
            more: strings(&["CREATE INDEX IF NOT EXISTS \"m\" ON x(a)"]),
        };
        let script = r#"-- On a connection of its own, which is closed if this fails.
BEGIN IMMEDIATE;
COMMIT;
CREATE TEMP TABLE IF NOT EXISTS "__cascade_unchanged" ("audit_again" NOT NULL);
INSERT INTO temp."__cascade_unchanged" SELECT (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = 'o''"t' AND sql = 'CREATE TABLE "o''""t" (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT NOT NULL) -- end' AND NOT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type IN ('index', 'trigger') AND tbl_name = 'o''"t' COLLATE NOCASE AND sql IS NOT NULL AND sql NOT IN ('CREATE INDEX i ON x(a)', 'CREATE INDEX j ON x(a) -- end', 'CREATE INDEX k ON x(a) -- end
', 'CREATE INDEX "m" ON x(a)')));
DROP TABLE temp."__cascade_unchanged";
PRAGMA foreign_keys = OFF;
PRAGMA legacy_alter_table = ON;
BEGIN IMMEDIATE;
CREATE TABLE "__cascade_new_o'""t" (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT) -- end
;
ALTER TABLE "o'""t" RENAME TO "__cascade_old_o'""t";
INSERT OR ROLLBACK INTO "__cascade_new_o'""t" ("id", "a""b") SELECT "id", "a""b" FROM "__cascade_old_o'""t";
DELETE FROM sqlite_sequence WHERE name = '__cascade_new_o''"t';
INSERT INTO sqlite_sequence (name, seq) SELECT '__cascade_new_o''"t', seq FROM sqlite_sequence WHERE name = '__cascade_old_o''"t';
DROP TABLE "__cascade_old_o'""t";
ALTER TABLE "__cascade_new_o'""t" RENAME TO "o'""t";
CREATE INDEX i ON x(a);
CREATE INDEX j ON x(a) -- end
;
CREATE INDEX k ON x(a) -- end
;
CREATE INDEX IF NOT EXISTS "m" ON x(a);
COMMIT;
PRAGMA legacy_alter_table = OFF;
PRAGMA foreign_keys = ON;
"#;
        assert_eq!(rebuild(&table, &[set_nullable("A", true)]).as_deref(), Some(script));
    }

    #[test]
    fn collations_of_columns() {
        let create = r#"CREATE TABLE "a(b" (id TEXT PRIMARY KEY COLLATE "nocase", [b c] collate RTRIM CHECK (b = 'COLLATE x'),
            d DEFAULT (1 COLLATE NOCASE), e, UNIQUE (e COLLATE NOCASE))"#;
        let found = collations(create);
        let found: Vec<_> = found.iter().map(|(column, collation)| (column.as_str(), collation.as_str())).collect();
        assert_eq!(found, [("id", "nocase"), ("b c", "RTRIM")]);
    }

    #[test]
    fn events_of_triggers() {
        for (create, expected) in [
            ("CREATE TRIGGER x AFTER DELETE ON t BEGIN SELECT 1; END", Some(("AFTER DELETE", true))),
            (
                "CREATE TRIGGER main.[x y] before update of a, b on T BEGIN SELECT 1; END",
                Some(("BEFORE UPDATE", false)),
            ),
            (
                "create temp trigger if not exists \"DELETE\" /* */ delete on t begin select 1; end",
                Some(("BEFORE DELETE", true)),
            ),
            ("CREATE TRIGGER x INSTEAD OF DELETE ON v BEGIN SELECT 1; END", Some(("INSTEAD OF DELETE", true))),
            ("CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END", None),
        ] {
            let found = event(create);
            assert_eq!(found.as_ref().map(|(event, on_delete)| (event.as_str(), *on_delete)), expected, "{create}");
        }
    }

    #[test]
    fn beginnings_and_ends() {
        for start in [
            "CREATE TABLE main.\"t\"",
            "create table IF NOT EXISTS [t]",
            "CREATE TABLE/**/main . 't'",
            "CREATE TABLE `t`",
        ] {
            let start = format!("{start} (a INT) WITHOUT ROWID, STRICT");
            let create = edited(&start, &[]).map(|create| create.to_ascii_uppercase().replace("/**/", " "));
            assert_eq!(create.as_deref(), Some(r#"CREATE TABLE "__CASCADE_NEW_T" (A INT) WITHOUT ROWID, STRICT"#));
        }
        let temporary = edited("CREATE TEMP TABLE t (a)", &[]);
        assert_eq!(temporary.as_deref(), Some(r#"CREATE TEMP TABLE "__cascade_new_t" (a)"#));
    }

    #[test]
    fn key_of_a_column_goes() {
        let edit = [replace_key(&["A"], "P")];
        assert_list("a INT REFERENCES p(id) ON DELETE SET NULL NOT NULL, b", &edit, "a INT NOT NULL, b, Z");
        assert_list("a INT NOT NULL CONSTRAINT k REFERENCES 'p'", &edit, "a INT NOT NULL, Z");
        assert_list(
            "[a]REFERENCES\"p\"MATCH FULL NOT DEFERRABLE INITIALLY DEFERRED UNIQUE",
            &edit,
            "[a] UNIQUE, Z NOT DEFERRABLE INITIALLY DEFERRED",
        );
        assert_list("a REFERENCES p(id)REFERENCES q(id)", &edit, "a REFERENCES q(id), Z");
        assert_list("a REFERENCES p(id) REFERENCES p(x) DEFERRABLE,b", &edit, "a,b, Z");
        assert_list("a -- REFERENCES p\n REFERENCES p -- end\n", &edit, "a -- REFERENCES p\n, Z -- end\n");
        assert_list("a DEFAULT 'REFERENCES p' REFERENCES p", &edit, "a DEFAULT 'REFERENCES p', Z");
    }

    #[test]
    fn key_of_a_table_goes() {
        let edit = [replace_key(&["b", "a"], "p")];
        let key =
            "CONSTRAINT \"k,\" FOREIGN KEY (a, [B]) REFERENCES p (x, y) ON UPDATE SET DEFAULT ON DELETE NO ACTION";
        assert_list(&format!("a, b,\n  {key}\n"), &edit, "a, b, Z\n");
        assert_list(&format!("a, b, -- of b\n {key} -- end\n"), &edit, "a, b -- of b\n, Z -- end\n");
        assert_list(&format!("a, b, {key}, UNIQUE (a)"), &edit, "a, b, UNIQUE (a), Z");
        assert_list(&format!("a, b, {key} UNIQUE (a)"), &edit, "a, b, UNIQUE (a), Z");
        assert_list(&format!("a, b, UNIQUE (a){key}"), &edit, "a, b, UNIQUE (a), Z");
        assert_list(&format!("a, b, {key} {key}, CHECK (a, b)"), &edit, "a, b, CHECK (a, b), Z");
        assert_list(
            "a, b, FOREIGN KEY (a) REFERENCES p, FOREIGN KEY(b,a) REFERENCES p",
            &edit,
            "a, b, FOREIGN KEY (a) REFERENCES p, Z",
        );
        assert_list(
            "a, b, FOREIGN KEY (a, b) REFERENCES p DEFERRABLE INITIALLY DEFERRED",
            &edit,
            "a, b, Z DEFERRABLE INITIALLY DEFERRED",
        );
    }

    #[test]
    fn key_is_added() {
        let key = r#"CONSTRAINT "x" FOREIGN KEY ("a") REFERENCES "p" ("id") ON DELETE CASCADE"#;
        assert_list("a INT -- end, of ( it\n", &[add_key()], &format!("a INT, {key} -- end, of ( it\n"));
        assert_list("a REFERENCES p", &[add_key(), replace_key(&["a"], "p")], &format!("a, {key}, Z"));
        let both = [replace_key(&["a"], "p"), replace_key(&["A"], "P"), add_key(), set_nullable("a", false)];
        assert_list("a, FOREIGN KEY (a) REFERENCES p", &both, &format!("a NOT NULL, Z, Z, {key}"));
    }

    #[test]
    fn column_is_added() {
        let edits = [add_key(), Edit::AddColumn("b INT".to_owned()), set_nullable("a", false)];
        let key = r#"CONSTRAINT "x" FOREIGN KEY ("a") REFERENCES "p" ("id") ON DELETE CASCADE"#;
        assert_list("a", &edits, &format!("a NOT NULL, b INT, {key}"));
        assert_list("a, UNIQUE (a)", &edits, &format!("a NOT NULL, b INT, UNIQUE (a), {key}"));
    }

    #[test]
    fn not_null_goes() {
        let edit = [set_nullable("a", true)];
        assert_list("a DECIMAL(10,2) NOT NULL DEFAULT NULL", &edit, "a DECIMAL(10,2) DEFAULT NULL");
        assert_list("a CONSTRAINT \"n n\" NOT /**/ NULL ON CONFLICT REPLACE", &edit, "a");
        assert_list(
            "a CHECK (a NOT NULL) DEFAULT ' NOT NULL' NOT NULL",
            &edit,
            "a CHECK (a NOT NULL) DEFAULT ' NOT NULL'",
        );
        assert_list("a AS (1) STORED NOT NULL, b NOT NULL", &edit, "a AS (1) STORED, b NOT NULL");
    }

    #[test]
    fn not_null_is_added() {
        let edit = [set_nullable("A", false)];
        assert_list("a -- end\n", &edit, "a NOT NULL -- end\n");
        assert_list("b, \"a\" \"NOT NULL\", c", &edit, "b, \"a\" \"NOT NULL\" NOT NULL, c");
        assert_list("a INT CONSTRAINT n NULL DEFAULT - 1.5e-3", &edit, "a INT NOT NULL DEFAULT - 1.5e-3");
        assert_list("a REFERENCES p ON DELETE SET NULL", &edit, "a REFERENCES p ON DELETE SET NULL NOT NULL");
        assert_list("a DEFAULT NULL", &edit, "a DEFAULT NULL NOT NULL");
        assert_list("a INT NOT NULL", &edit, "a INT NOT NULL");
    }

    #[test]
    fn edit_finds_nothing() {
        assert_eq!(list("a, b", &[set_nullable("c", false)]), None);
        assert_eq!(list("a, b NOT NULL", &[set_nullable("a", true)]), None);
        assert_eq!(list("a REFERENCES p, b REFERENCES q", &[replace_key(&["a"], "q")]), None);
        assert_eq!(list("a, b, FOREIGN KEY (a, b) REFERENCES p", &[replace_key(&["a"], "p")]), None);
    }

    #[test]
    fn not_understood() {
        for text in [
            "",
            "CREATE",
            "CREATE TABLE t",
            "CREATE TABLE t()",
            "CREATE TABLE t(a,)",
            "CREATE TABLE t(a",
            "CREATE TABLE t(a))",
            "CREATE TABLE t)a(",
            "CREATE TABLE t(a 'b)",
            "CREATE TABLE t(a [b)",
            "CREATE TABLE t(a) /* end",
            "CREATE TABLE t(a); DROP TABLE t",
            "CREATE TABLE t AS SELECT 1",
            "CREATE TABLE temp.t(a)",
            "CREATE TABLE other(a)",
            "CREATE VIRTUAL TABLE t USING fts5(a)",
            "CREATE TABLE t(a REFERENCES p NOT NULL DEFERRABLE)",
            "CREATE TABLE t(a NOT DEFERRABLE)",
            "CREATE TABLE t(a NOT NULL what)",
            "CREATE TABLE t(a, FOREIGN KEY a)",
            "CREATE TABLE t(a, FOREIGN KEY (a b) REFERENCES p)",
            "CREATE TABLE t(a, FOREIGN KEY (a))",
            "CREATE TABLE t(a CHECK (\"T\".a > 0))",
        ] {
            assert_eq!(edited(text, &[]), None, "{text}");
        }
    }
}
