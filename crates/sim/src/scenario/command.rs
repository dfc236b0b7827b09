//! One write: an operation on an object.

use std::fmt;

use super::error::CommandError;
use super::object::ObjectRef;
use super::op::CommandOp;
use super::vocabulary;

/// One write: `incr k 5`, `at m u/visits incr 5`.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Where.
    pub object: ObjectRef,
    /// What.
    pub op: CommandOp,
}

impl Command {
    /// The command that these words are.
    ///
    /// # Errors
    /// What is wrong with them; a read is an error too.
    pub fn parse(words: &[&str]) -> Result<Self, CommandError> {
        let Place { object, word, plain, arguments } = place(words)?;
        let op = CommandOp::parse(plain, arguments)?;
        match (object, op) {
            (Some(object), Some(op)) => Ok(Self { object, op }),
            _ => Err(misfit(word, vocabulary::is_write)),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.op.word();
        self.object.write(f, word, vocabulary::short_of(word))?;
        self.op.write_arguments(f)
    }
}

/// The commands of a transaction, from words in which a `;` of its own ends each; behind the last one it may stand or not.
///
/// # Errors
/// What is wrong with the first bad one; no command at all, or none between two `;`, is an error.
pub fn transaction(words: &[&str]) -> Result<Vec<Command>, CommandError> {
    let words = words.strip_suffix(&[";"]).unwrap_or(words);
    words.split(|word| *word == ";").map(Command::parse).collect()
}

/// Words, taken apart as far as writes and reads have in common.
pub(super) struct Place<'a> {
    /// Where; none: the key or the path is missing.
    pub(super) object: Option<ObjectRef>,
    /// The word that was written.
    pub(super) word: &'a str,
    /// The operation that it stands for: itself, unless it is a short form.
    pub(super) plain: &'a str,
    /// What stands behind the object.
    pub(super) arguments: &'a [&'a str],
}

/// Finds the object and the operation among the words.
pub(super) fn place<'a>(words: &'a [&'a str]) -> Result<Place<'a>, CommandError> {
    match *words {
        [] => Err(CommandError::Missing),
        ["at", key, path, word, ref arguments @ ..] if word != "at" => {
            if vocabulary::behind_short(word).is_some() {
                return Err(CommandError::PathTwice { word: word.to_owned() });
            }
            Ok(Place { object: Some(ObjectRef::at(key, path)), word, plain: word, arguments })
        }
        ["at", ..] => Err(CommandError::At),
        [word, ref arguments @ ..] => Ok(match (vocabulary::behind_short(word), arguments) {
            (Some(plain), [key, path, arguments @ ..]) => {
                Place { object: Some(ObjectRef::at(*key, path)), word, plain, arguments }
            }
            (None, [key, arguments @ ..]) => Place { object: Some(ObjectRef::key(*key)), word, plain: word, arguments },
            (_, arguments) => Place { object: None, word, plain: word, arguments },
        }),
    }
}

/// Why a word and what follows it are no write or no read, whichever `belongs` tells.
pub(super) fn misfit(word: &str, belongs: fn(&str) -> bool) -> CommandError {
    let owned = word.to_owned();
    match vocabulary::later(word) {
        Some(what) => CommandError::NotBuilt { word: owned, what },
        None if belongs(word) => CommandError::Arguments { word: owned },
        None if vocabulary::is_read(word) => CommandError::ReadForWrite { word: owned },
        None if vocabulary::is_write(word) => CommandError::WriteForRead { word: owned },
        None => CommandError::Unknown { word: owned },
    }
}

/// A whole number of 64 bits.
pub(super) fn integer(word: &str) -> Result<i64, CommandError> {
    word.parse().map_err(|_| CommandError::Integer { word: word.to_owned() })
}

/// A number; `nan` and `inf` are the kernel's to refuse.
pub(super) fn float(word: &str) -> Result<f64, CommandError> {
    word.parse().map_err(|_| CommandError::Float { word: word.to_owned() })
}

/// A number with every digit that it needs to be read back.
pub(super) fn exact(number: f64) -> String {
    let text = format!("{number:?}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), ToOwned::to_owned)
}
