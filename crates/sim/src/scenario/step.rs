//! What one line of a scenario does.

use std::fmt;

use super::command::Command;
use super::query::Query;
use super::region::{Region, Regions};

/// A step and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The line of its file, from 1.
    pub line: usize,
    /// What it does.
    pub kind: StepKind,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

/// What a step does. That a transaction is open or a token saved is known only as the steps run.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// `sync`: every region catches up from every other until none learns more; all are then equal byte for byte.
    Sync,
    /// `A->B`: B catches up from A.
    Pull {
        /// Who has the records.
        from: Region,
        /// Who takes them.
        to: Region,
        /// `own`: the giver's own records alone, none that it relays.
        own: bool,
    },
    /// `clock A MS`: a region's wall clock, in milliseconds, back as well as forth.
    Clock {
        /// Whose.
        region: Region,
        /// What it shows.
        ms: u64,
    },
    /// `advance MS`: every wall clock moves on.
    Advance(u64),
    /// `save A TOKEN`: what a region has seen, under a name.
    Save {
        /// Whose.
        region: Region,
        /// The name.
        token: String,
    },
    /// `begin A t`: a transaction takes its snapshot.
    Begin {
        /// Where.
        region: Region,
        /// Its name.
        transaction: String,
    },
    /// `A@t OP …`: a write is buffered.
    Buffer {
        /// Where.
        region: Region,
        /// Which transaction.
        transaction: String,
        /// The write.
        command: Command,
    },
    /// `commit A t`: what was buffered becomes one record.
    Commit {
        /// Where.
        region: Region,
        /// Which transaction.
        transaction: String,
    },
    /// `A OP …`: one write.
    Write {
        /// Where.
        region: Region,
        /// The write.
        command: Command,
        /// `ctx=TOKEN`: what it has seen; none: what the region has.
        context: Option<String>,
    },
    /// `txn A OP …; OP …`: several writes as one record.
    Transaction {
        /// Where.
        region: Region,
        /// The writes.
        commands: Vec<Command>,
    },
    /// `expect A QUERY … => TEXT`.
    Expect {
        /// Where.
        regions: Regions,
        /// The read.
        query: Query,
        /// What it prints.
        text: String,
    },
    /// `err A OP … => NAME`.
    Fails {
        /// Where.
        region: Region,
        /// The write.
        command: Command,
        /// As of [`StepKind::Write`].
        context: Option<String>,
        /// The name of its refusal, or `ok`.
        name: String,
    },
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sync => f.write_str("sync"),
            Self::Pull { from, to, own } => write!(f, "{from}->{to}{}", if *own { " own" } else { "" }),
            Self::Clock { region, ms } => write!(f, "clock {region} {ms}"),
            Self::Advance(ms) => write!(f, "advance {ms}"),
            Self::Save { region, token } => write!(f, "save {region} {token}"),
            Self::Begin { region, transaction } => write!(f, "begin {region} {transaction}"),
            Self::Buffer { region, transaction, command } => write!(f, "{region}@{transaction} {command}"),
            Self::Commit { region, transaction } => write!(f, "commit {region} {transaction}"),
            Self::Write { region, command, context } => {
                write!(f, "{region} {command}")?;
                write_context(f, context.as_deref())
            }
            Self::Transaction { region, commands } => {
                write!(f, "txn {region} ")?;
                for (nth, command) in commands.iter().enumerate() {
                    write!(f, "{}{command}", if nth == 0 { "" } else { ";" })?;
                }
                Ok(())
            }
            Self::Expect { regions, query, text } => write!(f, "expect {regions} {query} => {text}"),
            Self::Fails { region, command, context, name } => {
                write!(f, "err {region} {command}")?;
                write_context(f, context.as_deref())?;
                write!(f, " => {name}")
            }
        }
    }
}

fn write_context(f: &mut fmt::Formatter<'_>, context: Option<&str>) -> fmt::Result {
    context.map_or(Ok(()), |token| write!(f, " ctx={token}"))
}
