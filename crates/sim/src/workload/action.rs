//! What a client is to do, as data: so that it can be printed, left out, and done again.

use std::fmt;
use std::time::Duration;

use halcyon_types::RegionId;

use crate::scenario::{Command, Query};

/// One client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);

/// What a client is to do, once it has done what it was to do before.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Who.
    pub client: ClientId,
    /// Where it begins.
    pub region: RegionId,
    /// What.
    pub does: Does,
    /// What if there is no answer.
    pub retry: Retry,
}

/// A task of a client.
#[derive(Debug, Clone, PartialEq)]
pub enum Does {
    /// One write of these commands.
    Write {
        /// In order.
        commands: Vec<Command>,
        /// How it is tied to what the client has seen.
        tie: Tie,
    },
    /// One read.
    Read {
        /// What is asked.
        query: Query,
        /// Whether it waits for what the client has seen.
        tied: bool,
    },
    /// The keys that begin so.
    Scan {
        /// What they begin with.
        beginning: String,
    },
    /// How far is the region? The client has seen so much from then on.
    Token {
        /// Whether it waits for what the client has seen.
        tied: bool,
    },
    /// A digest of every row.
    Digest,
    /// A transaction.
    Transaction {
        /// In order.
        turns: Vec<Turn>,
        /// Whether it waits for what the client has seen.
        tied: bool,
        /// How long the client thinks before the end.
        thinks: Duration,
        /// How it ends.
        end: End,
    },
    /// Writes of one command each, sent without waiting for answers.
    Burst(Vec<Command>),
    /// Reads the chain's keys at one snapshot, and writes an element that names one of those seen, maybe elsewhere.
    Link {
        /// Where it is read: see [`super::aims::chain_key`].
        from: u8,
        /// Where it is written.
        to: u8,
        /// In which region it is written.
        region: RegionId,
        /// Names the element.
        name: u32,
    },
}

/// How a write is tied to what its client has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// Not at all.
    Free,
    /// It comes behind it.
    Behind,
    /// It comes behind it, and has seen nothing else.
    Context,
}

/// One step of a transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// A read at its snapshot, and behind what it has buffered.
    Read(Query),
    /// A write, buffered.
    Write(Command),
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is committed.
    Commit,
    /// It is committed unless something that it read has changed.
    CommitChecked,
    /// It is given up, with a word.
    Abort,
    /// It is given up without a word.
    Forget,
}

/// What a client does without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How long it waits for one, the region's own waiting aside.
    pub patience: Duration,
    /// How often it asks at most. The request keeps its id.
    pub asks: u8,
    /// Whether each time another region.
    pub elsewhere: bool,
}

impl Default for Retry {
    fn default() -> Self {
        Self { patience: Duration::from_secs(2), asks: 4, elsewhere: false }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {} at {}: {}", self.client.0, self.region, self.does)?;
        let Retry { patience, asks, elsewhere } = self.retry;
        if self.retry != Retry::default() {
            write!(f, " ({asks} × {patience:?}{})", if elsewhere { ", elsewhere" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Does {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let behind = |tied: bool| if tied { " behind what it saw" } else { "" };
        match self {
            Self::Write { commands, tie } => {
                all(f, commands)?;
                f.write_str(match tie {
                    Tie::Free => "",
                    Tie::Behind => " behind what it saw",
                    Tie::Context => " as it saw it",
                })
            }
            Self::Read { query, tied } => write!(f, "{query}?{}", behind(*tied)),
            Self::Scan { beginning } => write!(f, "keys {beginning}*?"),
            Self::Token { tied } => write!(f, "token?{}", behind(*tied)),
            Self::Digest => f.write_str("digest?"),
            Self::Transaction { turns, tied, thinks, end } => {
                write!(f, "begin{}; ", behind(*tied))?;
                for turn in turns {
                    match turn {
                        Turn::Read(query) => write!(f, "{query}?; ")?,
                        Turn::Write(command) => write!(f, "{command}; ")?,
                    }
                }
                if !thinks.is_zero() {
                    write!(f, "think {thinks:?}; ")?;
                }
                f.write_str(match end {
                    End::Commit => "commit",
                    End::CommitChecked => "commit if what it read has not changed",
                    End::Abort => "abort",
                    End::Forget => "forget",
                })
            }
            Self::Burst(commands) => {
                f.write_str("at once: ")?;
                all(f, commands)
            }
            Self::Link { from, to, region, name } => {
                write!(f, "link {name} from chain {from} to chain {to} at {region}")
            }
        }
    }
}

fn all(f: &mut fmt::Formatter<'_>, commands: &[Command]) -> fmt::Result {
    for (nth, command) in commands.iter().enumerate() {
        write!(f, "{}{command}", if nth == 0 { "" } else { "; " })?;
    }
    Ok(())
}
