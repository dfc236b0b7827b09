//! Why text is not the language: what stood there, and what would do.

use super::vocabulary;

/// Why words are no command and no query. Nothing was run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no word.
    #[error("an operation is missing; there are: {}", vocabulary::words(&vocabulary::WRITES))]
    Missing,
    /// No operation has this name.
    #[error(
        "`{word}` is no operation; writes are: {}; reads are: {}",
        vocabulary::words(&vocabulary::WRITES),
        vocabulary::words(&vocabulary::READS)
    )]
    Unknown {
        /// The word.
        word: String,
    },
    /// A read stands where a write belongs.
    #[error("`{word}` reads, and a write belongs here; to read, use: expect REGION {word} … => TEXT")]
    ReadForWrite {
        /// The word.
        word: String,
    },
    /// A write stands where a read belongs.
    #[error("`{word}` writes, and a read belongs here; there are: {}", vocabulary::words(&vocabulary::READS))]
    WriteForRead {
        /// The word.
        word: String,
    },
    /// The operation is known, its arguments do not fit.
    #[error("the arguments of `{word}` do not fit; use: {}", vocabulary::usage(word))]
    Arguments {
        /// The operation.
        word: String,
    },
    /// `at` lacks its key, its path or its operation.
    #[error("`at` names the place in a map that an operation is for; use: at KEY {} OPERATION …", vocabulary::PATH)]
    At,
    /// An operation that names its own path stands behind `at`.
    #[error("`{word}` names a path of its own; drop the `at`, or use the plain operation behind it")]
    PathTwice {
        /// The word.
        word: String,
    },
    /// A whole number is none, or has more than 64 bits.
    #[error("`{word}` is no whole number from {} to {}; use digits, as in -5", i64::MIN, i64::MAX)]
    Integer {
        /// The word.
        word: String,
    },
    /// A number is none.
    #[error("`{word}` is no number; use one like 2, -0.5 or 1e3")]
    Float {
        /// The word.
        word: String,
    },
    /// A word of a type that comes later: the program may be right, this version does not run it.
    #[error("`{word}` is not built yet: {what} come later; leave this scenario to a later version")]
    NotBuilt {
        /// The word.
        word: String,
        /// The types that come later.
        what: &'static str,
    },
}

impl CommandError {
    /// Its name, for scripts: `UnknownCommand`, `BadArguments` or `NotBuilt`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "UnknownCommand",
            Self::NotBuilt { .. } => "NotBuilt",
            _ => "BadArguments",
        }
    }
}

/// Why a line is no step. Nothing was run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Its operation is none.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Its first word begins no step.
    #[error(
        "`{word}` is neither a region nor a step; begin with A, B, C, A@TRANSACTION, A->B, sync, clock, advance, save, begin, \
         commit, txn, expect or err"
    )]
    Unknown {
        /// The word.
        word: String,
    },
    /// No such region.
    #[error("there is no region `{word}`; the regions of a scenario are A, B and C")]
    Region {
        /// The word.
        word: String,
    },
    /// The step is known, what follows does not fit.
    #[error("a word is missing or one too many; use: {usage}")]
    Shape {
        /// How the step is written.
        usage: &'static str,
    },
    /// A time is no number of milliseconds.
    #[error("`{word}` is no time; use whole milliseconds, from 0 to {}", u64::MAX)]
    Milliseconds {
        /// The word.
        word: String,
    },
    /// A context where there can be none.
    #[error("a transaction has seen its snapshot; drop `{word}`, or write it as a command of its own")]
    Context {
        /// The word.
        word: String,
    },
    /// Steps stand before the first name.
    #[error("this step belongs to no scenario; put a line [NAME] above it")]
    NoScenario,
    /// A name is not closed, or empty.
    #[error("a scenario begins with its name in brackets; use: [NAME]")]
    Name,
}

/// A line of a file that is not the language. Nothing was run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file} line {line}: `{text}`: {problem}")]
pub struct ScenarioError {
    /// The file, as its reader named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What stands there, cut short if it is long.
    pub text: String,
    /// What is wrong with it, and what to do.
    #[source]
    pub problem: StepError,
}

/// Characters of a line that an error shows.
const SHOWN_CHARS_MAX: usize = 120;

impl ScenarioError {
    pub(super) fn new(file: &str, line: usize, text: &str, problem: StepError) -> Self {
        let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self { file: file.to_owned(), line, text: shown, problem }
    }

    /// Whether the line is right and a later version runs it: the scenario is to be skipped, not failed.
    pub const fn is_not_built(&self) -> bool {
        matches!(self.problem, StepError::Command(CommandError::NotBuilt { .. }))
    }
}
