//! Draws tables and foreign keys in two languages: Mermaid and DOT.
//!
//! Pure. Every name appears as it is: characters with a meaning in the language are escaped.

use std::fmt::Write as _;

use crate::cascade::data::action::Action;

/// The boxes and arrows of a picture.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    boxes: Vec<Box>,
    /// From the box of a parent to that of a child.
    arrows: Vec<(usize, usize, Arrow)>,
}

#[derive(Debug)]
struct Box {
    name: String,
    note: Option<String>,
    is_blocked: bool,
}

#[derive(Debug)]
pub(crate) struct Arrow {
    /// The key's columns.
    columns: String,
    action: Action,
    /// More lines of the label.
    pub(crate) notes: Vec<String>,
}

impl Arrow {
    /// Returns the arrow of a foreign key such as `items.store_id`. The label leaves out the table,
    /// which the box shows.
    pub(crate) fn of(table: &str, foreign_key: &str, action: Action) -> Self {
        let columns = foreign_key.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')).unwrap_or(foreign_key);
        Self { columns: columns.to_owned(), action, notes: Vec::new() }
    }
}

impl Picture {
    /// Adds a table, unless the picture has it.
    pub(crate) fn add_box(&mut self, name: &str, note: Option<String>, is_blocked: bool) {
        if self.position(name).is_none() {
            self.boxes.push(Box { name: name.to_owned(), note, is_blocked });
        }
    }

    pub(crate) fn add_arrow(&mut self, parent: &str, child: &str, arrow: Arrow) {
        if let (Some(parent), Some(child)) = (self.position(parent), self.position(child)) {
            self.arrows.push((parent, child, arrow));
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.boxes.iter().position(|known| known.name == name)
    }

    pub(crate) fn mermaid(&self) -> String {
        let mut text = "flowchart TD\n".to_owned();
        for (n, Box { name, note, is_blocked: _ }) in self.boxes.iter().enumerate() {
            let lines = lines([name.as_str()].into_iter().chain(note.as_deref()), mermaid, "<br/>");
            // Writing to a String cannot fail.
            let _ = writeln!(text, "    t{n}[\"{lines}\"]");
        }
        for (parent, child, Arrow { columns, action, notes }) in &self.arrows {
            let line = match action {
                Action::Cascade => "==>",
                Action::SetNull => "-.->",
                Action::SetDefault => "-.-o",
                Action::NoAction => "--x",
                Action::Restrict => "==x",
            };
            let rule = format!("{} {action}", mermaid(columns));
            let notes = notes.iter().map(|note| mermaid(note));
            let label = std::iter::once(rule).chain(notes).collect::<Vec<_>>().join("<br/>");
            let _ = writeln!(text, "    t{parent} {line}|\"{label}\"| t{child}");
        }
        let blocked = (0..self.boxes.len()).filter(|&at| self.boxes[at].is_blocked);
        let blocked: Vec<String> = blocked.map(|n| format!("t{n}")).collect();
        if !blocked.is_empty() {
            text += "    classDef blocked fill:#fee4e2,stroke:#b42318,color:#7a271a,stroke-width:2px\n";
            let _ = writeln!(text, "    class {} blocked", blocked.join(","));
        }
        text
    }

    pub(crate) fn dot(&self) -> String {
        let mut text = "digraph foreign_keys {\n\
             \x20 graph [rankdir=LR, bgcolor=\"transparent\", fontname=\"Helvetica\", nodesep=0.5, ranksep=0.7, pad=0.2]\n\
             \x20 node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=12, margin=\"0.2,0.1\", \
             color=\"#57606a\", fillcolor=\"#f6f8fa\", fontcolor=\"#1f2328\", penwidth=1.2]\n\
             \x20 edge [fontname=\"Helvetica\", fontsize=10, color=\"#6e7781\", fontcolor=\"#6e7781\", arrowsize=0.8]\n"
            .to_owned();
        for (n, Box { name, note, is_blocked }) in self.boxes.iter().enumerate() {
            let lines = lines([name.as_str()].into_iter().chain(note.as_deref()), dot, "\\n");
            let colours = if *is_blocked {
                ", color=\"#b42318\", fillcolor=\"#fee4e2\", fontcolor=\"#7a271a\", penwidth=2"
            } else {
                ""
            };
            let _ = writeln!(text, "  t{n} [label=\"{lines}\"{colours}]");
        }
        for (parent, child, Arrow { columns, action, notes }) in &self.arrows {
            let style = match action {
                Action::Cascade => "style=solid, penwidth=2",
                Action::SetNull => "style=dashed, penwidth=1.4",
                Action::SetDefault => "style=dotted, penwidth=1.8",
                Action::NoAction => "style=solid, penwidth=1.2, arrowhead=tee",
                Action::Restrict => "style=solid, penwidth=2, arrowhead=tee, color=\"#d1453b\", fontcolor=\"#d1453b\"",
            };
            let label = [columns.as_str(), action.as_sql()].into_iter().chain(notes.iter().map(String::as_str));
            let _ = writeln!(text, "  t{parent} -> t{child} [label=\"{}\", {style}]", lines(label, dot, "\\n"));
        }
        text + "}\n"
    }
}

fn lines<'a>(lines: impl Iterator<Item = &'a str>, escaped: fn(&str) -> String, by: &str) -> String {
    lines.map(escaped).collect::<Vec<_>>().join(by)
}

fn with_one_kind_of_break(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Escapes a text for Mermaid. Only letters, digits and single characters between them are safe:
/// Mermaid reads Markdown, icons, formulas, directives and HTML in a text, trims it, and does not
/// allow an empty one.
fn mermaid(text: &str) -> String {
    if text.is_empty() {
        return "#160;".to_owned();
    }
    let chars: Vec<char> = with_one_kind_of_break(text).chars().collect();
    let is_plain = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|char| char.is_alphanumeric());
    let mut escaped = String::with_capacity(text.len());
    for (at, &char) in chars.iter().enumerate() {
        match char {
            char if char.is_alphanumeric() => escaped.push(char),
            '_' | '.' | '-' | ' ' if is_plain(at.checked_sub(1)) && is_plain(Some(at + 1)) => escaped.push(char),
            '\n' => escaped.push_str("<br/>"),
            ' ' | '\t' => escaped.push_str("#160;"),
            char if char.is_control() => escaped.push_str("#65533;"),
            char => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "#{};", u32::from(char));
            }
        }
    }
    escaped
}

/// Escapes a text for DOT, which has its own escapes and reads HTML entities.
fn dot(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in with_one_kind_of_break(text).chars() {
        match char {
            '\\' => escaped.push_str("\\\\"),
            '"' => escaped.push_str("\\\""),
            '\n' => escaped.push_str("\\n"),
            '&' => escaped.push_str("&amp;"),
            '\t' => escaped.push(' '),
            char if char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            char => escaped.push(char),
        }
    }
    escaped
}
