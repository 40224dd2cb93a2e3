//! The script that fixes a table of SQLite: the documented rebuild, with an edited definition.
//!
//! Pure. SQLite cannot alter a foreign key or a NOT NULL. So the script creates the table again,
//! copies its rows, and replaces the old table ("Making Other Kinds Of Table Schema Changes" of
//! SQLite's manual). Only the parts of the definition that an edit names are changed. Everything
//! else (types, CHECKs, collations, comments) stays as written. If the text cannot be parsed, there
//! is no script, so that nothing is lost.

mod change;
mod edit;
mod parse;

#[cfg(test)]
mod tests;

mod token;

pub(crate) use change::{collations, event};

pub(crate) use edit::{Definition, Edit};

use crate::cascade::live::rebuild::change::{Change, Outline, changed};
use crate::cascade::live::rebuild::token::{same, tokens};

/// Returns the script that rebuilds the table with the edits; `None` if its definition cannot be
/// parsed, or an edit finds nothing to change.
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

/// Returns the statements in order, each with its semicolon.
///
/// Without `legacy_alter_table` the renaming would fail at any view that mentions the table, which
/// does not exist at that moment. Foreign keys are off too, so references to the table keep its
/// name. The old table is renamed first, and a failed copy ends the transaction. A client that
/// continues after an error, as SQLite's shell does, then finds nothing to drop.
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

/// Returns the comment for the person who runs it. The script fails, before it changes anything,
/// inside of a transaction and while another connection writes.
const BEFORE: &str = "-- On a connection of its own, which is closed if this fails.\n\
     BEGIN IMMEDIATE;\n\
     COMMIT;\n";

/// Returns statements that fail, before anything is changed, if the table differs from what the
/// audit read. A script that runs late would undo later changes, and lose new columns, indexes and
/// triggers.
fn unchanged(table: &Definition, name: &str) -> String {
    let (name, create) = (quoted(name, '\''), quoted(&table.create, '\''));
    // The new indexes may exist already, because they are also separate statements. They are kept
    // then.
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

/// Returns statements that fail, before anything is changed, if the table differs from what the
/// audit read. A script that runs late would undo later changes, and lose new columns, indexes and
/// triggers.
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

/// Returns the temporary names of the tables.
struct Names {
    new: String,
    old: String,
}

/// Returns the statements with which AUTOINCREMENT of the new table continues at the old value. The
/// copy knows only the existing rows.
fn sequence(names: &Names) -> String {
    let (new, old) = (quoted(&names.new, '\''), quoted(&names.old, '\''));
    format!(
        "DELETE FROM sqlite_sequence WHERE name = {new};\n\
         INSERT INTO sqlite_sequence (name, seq) SELECT {new}, seq FROM sqlite_sequence WHERE name = {old};\n"
    )
}

/// Returns the statement with its semicolon, on a new line if it ends with a comment.
fn ended(statement: &str) -> Option<String> {
    let rest = statement.get(tokens(statement)?.last()?.to..)?;
    let mark = if rest.contains("--") && !rest.ends_with('\n') { "\n;\n" } else { ";\n" };
    Some(format!("{statement}{mark}"))
}

/// Returns the quoted name.
fn quoted(name: &str, quote: char) -> String {
    let doubled = name.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{doubled}{quote}")
}
