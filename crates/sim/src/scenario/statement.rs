//! One line of a front end that writes and reads alike: a command or a query.

use std::fmt;

use super::command::Command;
use super::error::CommandError;
use super::query::Query;
use super::vocabulary;

/// A write or a read.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// A write.
    Write(Command),
    /// A read.
    Read(Query),
}

impl Statement {
    /// The write or read that these words are.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(words: &[&str]) -> Result<Self, CommandError> {
        let (["at", _, _, word, ..] | [word, ..]) = words else { return Err(CommandError::Missing) };
        if vocabulary::is_read(word) {
            Query::parse(words).map(Self::Read)
        } else {
            Command::parse(words).map(Self::Write)
        }
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(command) => command.fmt(f),
            Self::Read(query) => query.fmt(f),
        }
    }
}
