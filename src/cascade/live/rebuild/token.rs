//! The tokens of a CREATE TABLE of SQLite.
//!
//! Pure.

/// A piece of SQL that is neither space nor comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where the space before it begins. A line comment includes its newline, so that a change can
    /// remove what follows it.
    pub(super) lead: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    Comment,
    Word,
    /// A text or a name; in some places SQLite accepts one as the other.
    Quoted,
    /// An opening parenthesis; in [`grouped`] tokens everything up to the closing one.
    Open,
    Close,
    Other,
}

impl Token {
    /// The text of the token.
    pub(super) fn text(self, text: &str) -> &str {
        text.get(self.from..self.to).unwrap_or_default()
    }

    /// The name without its quotes.
    pub(super) fn name(self, text: &str) -> Option<String> {
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

/// Returns the tokens of the text; `None` if a quote or a comment has no end.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
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

/// Returns the tokens outside of parentheses, with each outermost pair of parentheses as one token;
/// `None` if one is not closed.
pub(super) fn grouped(tokens: &[Token]) -> Option<Vec<Token>> {
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

/// Returns the first token and its length in bytes.
pub(super) fn piece(text: &str) -> Option<(Kind, usize)> {
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

/// Returns the length of the quoted text at the beginning. A doubled quote does not end it.
fn quotation(text: &str, quote: char) -> Option<usize> {
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((at, next)) = rest.next() {
        if next == quote && rest.next_if(|(_, after)| *after == quote).is_none() {
            return Some(at + 1);
        }
    }
    None
}

/// Whether SQLite treats the character as space: ASCII only.
fn is_space(next: char) -> bool {
    matches!(next, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// Whether the character can be in SQLite's names and numbers: all beyond ASCII can.
pub(super) fn is_word(next: char) -> bool {
    next.is_ascii_alphanumeric() || matches!(next, '_' | '$') || !next.is_ascii()
}

/// Whether both are the same name to SQLite.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
