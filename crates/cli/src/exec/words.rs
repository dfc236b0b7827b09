//! A command line cut into words: at blanks, with `"…"` (a JSON string) for a word that has blanks or quotes in it, or that
//! would mean something else.
//!
//! A word that begins with `#` begins a comment. Inside `txn`, a `;` outside quotes ends an operation.

use super::parse::ParseError;

/// A word, and whether it was quoted: a quoted one is only ever text, never a `;`, a `ctx=` or a `check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    text: String,
    quoted: bool,
}

impl Word {
    /// What it says.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What it says, if it was not quoted.
    pub(super) fn plain(&self) -> Option<&str> {
        (!self.quoted).then_some(&self.text)
    }
}

/// Cuts a line into words; with `operations`, every `;` outside quotes is a word of its own.
pub(super) fn words(line: &str, operations: bool) -> Result<Vec<Word>, ParseError> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (text, behind) = match rest.strip_prefix(';') {
            Some(behind) if operations => (";".to_owned(), behind),
            _ if rest.starts_with('"') => quoted(rest)?,
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || operations && c == ';').unwrap_or(rest.len());
                let (word, behind) = rest.split_at(end);
                (word.to_owned(), behind)
            }
        };
        words.push(Word { text, quoted: rest.starts_with('"') });
        rest = behind.trim_start();
    }
    Ok(words)
}

fn quoted(text: &str) -> Result<(String, &str), ParseError> {
    let bad = |problem: &str| ParseError::Words(format!("a quoted word is a JSON string: {problem}"));
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let word = strings.next().transpose().map_err(|error| bad(&error.to_string()))?.unwrap_or_default();
    let behind = text.get(strings.byte_offset()..).unwrap_or_default();
    if behind.starts_with(|c: char| !c.is_whitespace() && c != ';') {
        return Err(bad("put a blank behind the closing quote"));
    }
    Ok((word, behind))
}
