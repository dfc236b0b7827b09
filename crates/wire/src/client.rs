//! What an application asks a node, and what it is told. Requests of one connection are answered in any order, by id.

use std::time::Duration;

use halcyon_crdt::query::{Answer, Query};
use halcyon_crdt::{Kind, Object, Update};
use halcyon_types::{Dot, KeyspaceId, RequestId, VersionVector};
use serde::{Deserialize, Serialize};

/// A question, named by the connection's own counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Unique among the connection's requests in flight.
    pub id: u64,
    /// The question.
    pub body: Body,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// Commit one transaction as one record. Answered by [`Outcome::Written`].
    #[serde(rename = "w")]
    Write(Write),
    /// Read one object. Answered by [`Outcome::Answer`].
    #[serde(rename = "r")]
    Read {
        /// What must be seen: the read waits until the node's vector covers it.
        session: Option<VersionVector>,
        /// How long it may wait, in milliseconds, before it is refused as [`Refusal::NotYet`].
        wait_ms: u32,
        /// Where.
        object: Object,
        /// What.
        query: Query,
    },
    /// How far is this region? Answered by [`Outcome::Token`].
    #[serde(rename = "t")]
    Token {
        /// What must be seen first.
        session: Option<VersionVector>,
        /// How long it may wait for that, in milliseconds.
        wait_ms: u32,
    },
    /// A digest of every row, at one vector. Answered by [`Outcome::Digest`].
    #[serde(rename = "d")]
    Digest,
}

/// A transaction: updates that become one record, visible whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The client's name for it; every retry carries the same.
    pub request: RequestId,
    /// In order.
    pub updates: Vec<Update>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The request's id.
    pub id: u64,
    /// What came of it.
    pub result: Result<Outcome, Refusal>,
}

/// What came of a request that was not refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Committed and synced to this region's disk.
    #[serde(rename = "w")]
    Written(Receipt),
    /// Read.
    #[serde(rename = "r")]
    Answer(Answer),
    /// The region's version vector.
    #[serde(rename = "t")]
    Token(VersionVector),
    /// The digest of the rows at a vector: equal vectors have equal digests (promise P3).
    #[serde(rename = "d")]
    Digest {
        /// The vector.
        vv: VersionVector,
        /// BLAKE3 over every row's key and value, in key order.
        #[serde(with = "serde_bytes")]
        digest: [u8; 32],
        /// How many rows.
        rows: u64,
    },
}

/// Proof of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The record. A retry of a request that had been committed before names the first commit's.
    pub dot: Dot,
    /// A session token that covers the record: read with it to see your write, in any region.
    pub token: VersionVector,
}

/// Why a request was not carried out. Nothing of it has happened, and it will not happen later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// Not a request of this version: a defect of the client.
    #[error("not a request this node understands: {reason}")]
    BadRequest {
        /// What the decoder said.
        reason: String,
    },
    /// The keyspace is not in the cluster's `regions.toml`.
    #[error("no keyspace has the id {id}; add it to regions.toml on every node")]
    UnknownKeyspace {
        /// The id asked for.
        id: KeyspaceId,
    },
    /// A key, field, element or value that cannot be stored; says its limit.
    #[error("{reason}")]
    InvalidArgument {
        /// What is wrong.
        reason: String,
    },
    /// More than one record may carry; says its limit. Split the work.
    #[error("{reason}")]
    TooLarge {
        /// What is too large.
        reason: String,
    },
    /// The counter's running sum would leave 64 bits. Reset it first.
    #[error("{reason}")]
    CounterOverflow {
        /// The sum and the amount.
        reason: String,
    },
    /// Too many concurrent writes stand in one row. Write again once this region has heard of the others.
    #[error("{reason}")]
    TooManySiblings {
        /// How many.
        reason: String,
    },
    /// There is something else at this object.
    #[error("there is no {asked} here, but: {}", list(present))]
    WrongType {
        /// What was asked for.
        asked: Kind,
        /// What is there.
        present: Vec<Kind>,
    },
    /// The region has not yet seen what the session token names. Wait longer, or read elsewhere.
    #[error("this region has not seen all of the session within {} ms; wait longer or read in another region", waited.as_millis())]
    NotYet {
        /// How long the read waited.
        waited: Duration,
    },
    /// A queue is full. Back off and try again.
    #[error("this node is overloaded: {queue} is full; back off and try again")]
    Overloaded {
        /// Which.
        queue: String,
    },
    /// The request id is older than the node remembers, so it cannot tell whether it was committed before.
    #[error("the request id was minted {} s away from this node's clock, outside its window; mint a new one if the write is known not to have happened", off.as_secs())]
    RequestExpired {
        /// How far its time is from the node's clock.
        off: Duration,
    },
    /// The node is stopping. Use another region.
    #[error("this node is stopping; use another region")]
    Stopping,
    /// The node cannot read its disk. Its operator should look.
    #[error("this node cannot read its data: {reason}")]
    Storage {
        /// What the disk said.
        reason: String,
    },
}

fn list(kinds: &[Kind]) -> String {
    kinds.iter().map(Kind::to_string).collect::<Vec<_>>().join(", ")
}

impl Refusal {
    /// Its name, for scripts.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BadRequest { .. } => "BadRequest",
            Self::UnknownKeyspace { .. } => "UnknownKeyspace",
            Self::InvalidArgument { .. } => "InvalidArgument",
            Self::TooLarge { .. } => "TooLarge",
            Self::CounterOverflow { .. } => "CounterOverflow",
            Self::TooManySiblings { .. } => "TooManySiblings",
            Self::WrongType { .. } => "WrongType",
            Self::NotYet { .. } => "NotYet",
            Self::Overloaded { .. } => "Overloaded",
            Self::RequestExpired { .. } => "RequestExpired",
            Self::Stopping => "Stopping",
            Self::Storage { .. } => "Storage",
        }
    }
}

impl<E: std::fmt::Display> From<halcyon_crdt::PrepareError<E>> for Refusal {
    fn from(error: halcyon_crdt::PrepareError<E>) -> Self {
        use halcyon_crdt::PrepareError as P;
        let reason = error.to_string();
        match error {
            P::Op(_) | P::Empty => Self::InvalidArgument { reason },
            P::TooLarge { .. } => Self::TooLarge { reason },
            P::CounterOverflow { .. } => Self::CounterOverflow { reason },
            P::TooManySiblings { .. } => Self::TooManySiblings { reason },
            P::Rows(_) => Self::Storage { reason },
        }
    }
}

impl<E: std::fmt::Display> From<halcyon_crdt::ReadError<E>> for Refusal {
    fn from(error: halcyon_crdt::ReadError<E>) -> Self {
        use halcyon_crdt::ReadError as R;
        match error {
            R::Key(error) => Self::InvalidArgument { reason: error.to_string() },
            R::WrongType { asked, present } => Self::WrongType { asked, present },
            R::Rows(error) => Self::Storage { reason: error.to_string() },
        }
    }
}
