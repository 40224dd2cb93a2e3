//! A tree of tables as text.
//!
//! Pure, and without recursion: a chain of tables may be long.

use std::fmt;

/// One line of a tree.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) text: String,
    /// The table whose branches come below, if any do.
    pub(crate) below: Option<String>,
}

/// Writes what is below a table, each line after a line break. A table below which something was
/// shown is not shown again: the tree grows with keys, not paths.
pub(crate) fn write_tree(
    f: &mut fmt::Formatter<'_>,
    root: &str,
    shown: &mut Vec<String>,
    branches: impl Fn(&str) -> Vec<Branch>,
) -> fmt::Result {
    shown.push(root.to_owned());
    let mut open = vec![(String::new(), branches(root).into_iter())];
    while let Some((indent, rest)) = open.last_mut() {
        let Some(Branch { text, below }) = rest.next() else {
            open.pop();
            continue;
        };
        let (twig, under) = if rest.len() == 0 { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        write!(f, "\n{indent}{twig}{text}")?;
        let indent = format!("{indent}{under}");
        let Some(table) = below else { continue };
        let children = branches(&table);
        if !shown.contains(&table) {
            shown.push(table);
            open.push((indent, children.into_iter()));
        } else if !children.is_empty() {
            write!(f, ", whose children are shown above")?;
        }
    }
    Ok(())
}
