//! What an application asks a node, and what it is told. Requests of one connection are answered in any order, by id.

use std::time::Duration;

use bytes::Bytes;
use halcyon_crdt::{Answer, KeyInfo, Kind, Object, Page, PageRequest, Query, Update};
use halcyon_types::topology::Region;
use halcyon_types::{ActorId, Address, Dot, Hlc, KeyspaceId, RegionId, RegionName, RequestId, UnixMs, VersionVector};
use serde::{Deserialize, Serialize};

/// A question, named by the connection's own counter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Unique among the connection's requests in flight.
    pub id: u64,
    /// The question.
    pub body: Body,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// Commit one transaction as one record. Answered by [`Outcome::Written`].
    #[serde(rename = "w")]
    Write(Write),
    /// Read one object. Answered by [`Outcome::Answer`].
    #[serde(rename = "r")]
    Read {
        /// What must be seen first.
        session: Session,
        /// Within a transaction: at its snapshot, and after these updates.
        within: Option<Within>,
        /// Where.
        object: Object,
        /// What.
        query: Query,
    },
    /// The keys of a keyspace that begin so, a page at a time. Answered by [`Outcome::Keys`].
    #[serde(rename = "k")]
    Scan {
        /// What must be seen first.
        session: Session,
        /// Which keyspace.
        keyspace: KeyspaceId,
        /// What the keys begin with; empty for all.
        #[serde(with = "serde_bytes")]
        beginning: Vec<u8>,
        /// Which page.
        page: PageRequest,
    },
    /// Begin a transaction: keep a snapshot of this moment. Answered by [`Outcome::Begun`].
    #[serde(rename = "b")]
    Begin {
        /// What must be seen first.
        session: Session,
    },
    /// Forget a transaction. Answered by [`Outcome::Ended`], whether or not there was one.
    #[serde(rename = "e")]
    Abort {
        /// Which.
        transaction: TransactionId,
    },
    /// How far is this region? Answered by [`Outcome::Token`].
    #[serde(rename = "t")]
    Token {
        /// What must be seen first.
        session: Session,
    },
    /// A digest of every row, at one vector. Answered by [`Outcome::Digest`].
    #[serde(rename = "d")]
    Digest {
        /// What has expired by then is left out: regions are compared at one time.
        at: UnixMs,
    },
    /// All rows as they are, a page at a time: for backups, and for whoever has an admin's certificate. Answered by
    /// [`Outcome::Page`].
    #[serde(rename = "c")]
    Copy {
        /// Empty to begin: the node keeps this moment for the connection, and forgets the one before. Else the `next` of the
        /// page before.
        place: Bytes,
    },
    /// Change who is a member: for whoever has an admin's certificate. Answered by [`Outcome::Written`].
    #[serde(rename = "m")]
    Members {
        /// The client's name for it; every retry carries the same.
        request: RequestId,
        /// How.
        change: Change,
    },
}

/// A change of the members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A region joins.
    #[serde(rename = "a")]
    Add(Region),
    /// A member is retired, for good.
    #[serde(rename = "r")]
    Retire {
        /// Which.
        name: RegionName,
    },
    /// Another machine takes over for a member, at other addresses if some are given.
    #[serde(rename = "m")]
    Replace {
        /// For which.
        name: RegionName,
        /// Where it listens for other nodes.
        peer: Option<Address>,
        /// Where it listens for applications.
        client: Option<Address>,
        /// Where it serves health, metrics and status.
        admin: Option<Address>,
    },
}

/// What a request must see: it waits until the node's vector covers it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Session {
    /// What must be seen; empty for nothing in particular.
    pub token: VersionVector,
    /// How long to wait for that, in milliseconds, before the request is refused as [`Refusal::NotYet`].
    pub wait_ms: u32,
}

/// A connection's own number of one of its transactions, chosen by the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TransactionId(pub u64);

/// A place within a transaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Within {
    /// Whose snapshot.
    pub transaction: TransactionId,
    /// What it has buffered of the object's key so far: the read sees it.
    pub updates: Vec<Update>,
}

/// A transaction: updates that become one record, visible whole or not at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Write {
    /// The client's name for it; every retry carries the same.
    pub request: RequestId,
    /// What must be seen first: the record comes behind it, in every region.
    pub session: Session,
    /// What its removes, overwrites and resets have seen, and remove.
    pub seen: Seen,
    /// In order.
    pub updates: Vec<Update>,
}

/// What a transaction has seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Seen {
    /// All that this node has at the commit.
    #[serde(rename = "p")]
    Present,
    /// What the session's token says, and nothing newer.
    #[serde(rename = "s")]
    Session,
    /// The snapshot of a transaction, which ends with this.
    #[serde(rename = "t")]
    Transaction {
        /// Which.
        transaction: TransactionId,
        /// Reads that must not have changed here since: else the commit is refused as [`Refusal::Changed`].
        checks: Vec<Check>,
    },
}

/// A read that a transaction has made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Where.
    pub object: Object,
    /// What.
    pub query: Query,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The request's id.
    pub id: u64,
    /// What came of it.
    pub result: Result<Outcome, Refusal>,
}

/// What came of a request that was not refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Committed and synced to this region's disk.
    #[serde(rename = "w")]
    Written(Receipt),
    /// Read.
    #[serde(rename = "r")]
    Answer(Answer),
    /// Keys with their kinds.
    #[serde(rename = "k")]
    Keys(Page<KeyInfo>),
    /// A transaction has begun.
    #[serde(rename = "b")]
    Begun {
        /// Its number on this connection.
        transaction: TransactionId,
        /// What its snapshot has seen.
        token: VersionVector,
    },
    /// There is no such transaction any more.
    #[serde(rename = "e")]
    Ended,
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
    /// A page of a copy.
    #[serde(rename = "c")]
    Page(CopyPage),
}

/// A part of a copy of all rows. All parts show one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyPage {
    /// What the copy is of; with its first page only.
    pub head: Option<CopyHead>,
    /// Entries, as the store lays them out.
    pub entries: Bytes,
    /// How many.
    pub count: u64,
    /// Where the next page begins; none if this is the last.
    pub next: Option<Bytes>,
}

/// What a copy is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyHead {
    /// As whom the node wrote.
    pub actor: ActorId,
    /// What it had seen.
    pub vv: VersionVector,
    /// No stamp that it had given is above this.
    pub hlc: Hlc,
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
    /// This region may not spend so much of the bounded counter. Try again once others have passed some on, or elsewhere.
    #[error("{reason}")]
    InsufficientRights {
        /// In words.
        reason: String,
        /// Of which bounded counter.
        counter: Object,
        /// How much was asked for.
        needed: u64,
        /// Who may spend how much.
        holders: Vec<(ActorId, i128)>,
    },
    /// A bounded counter can be deleted only where all its rights are. Have them passed here first.
    #[error("{reason}")]
    RightsOutstanding {
        /// In words.
        reason: String,
        /// Who may spend how much.
        holders: Vec<(ActorId, i128)>,
    },
    /// The region that rights were to be passed to is not in the cluster, or was never heard of.
    #[error("region {region} has not been heard of yet; try again once it is linked")]
    UnknownRegion {
        /// Which.
        region: RegionId,
    },
    /// There is no such element in the list. Read it again.
    #[error("{reason}")]
    NoSuchElement {
        /// In words.
        reason: String,
    },
    /// The session's token is too old to be the context of a reset or delete: a counter was added to since. Read again.
    #[error("{reason}")]
    StaleContext {
        /// In words.
        reason: String,
    },
    /// Something that the transaction read, and asked to be checked, has changed here since. Begin again.
    #[error("read {index} of those to be checked has changed since the transaction began; begin again")]
    Changed {
        /// Which of its checks, from 0.
        index: u64,
    },
    /// The transaction is not open here: it is over, too old, or of another connection. Begin again.
    #[error("transaction {} is not open: it has ended or expired; begin again", transaction.0)]
    TransactionExpired {
        /// Which.
        transaction: TransactionId,
    },
    /// A cursor that no page has told. Begin the scan anew.
    #[error("{reason}")]
    UnknownCursor {
        /// In words.
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
    /// The node's clock is off those of the others, and would stamp the write wrong. Write in another region; reads go on.
    #[error(
        "this region's clock is off the median of {clocks} regions' by {off_ms:+} ms, so it takes no writes; write in another region until its operator has set it"
    )]
    ClockSkew {
        /// By how many milliseconds it is ahead; negative if behind.
        off_ms: i64,
        /// How many clocks say so, its own included.
        clocks: u64,
    },
    /// The node's logs are full, and regions that are away keep it from dropping more of them. Reads, and other regions'
    /// records, go on. Write in another region, or again once there is room.
    #[error(
        "the logs of this node take {bytes} bytes of {bytes_max}, and nothing more of them may be dropped{} raise \
         log_bytes_max in regions.toml and start the node again; reads go on",
        held_up_by(lacking)
    )]
    LogFull {
        /// Bytes of the logs.
        bytes: u64,
        /// Bytes that they may take.
        bytes_max: u64,
        /// Which regions lack the oldest records.
        lacking: Vec<RegionId>,
    },
    /// The request id is older than the node remembers, so it cannot tell whether it was committed before.
    #[error("the request id was minted {} s away from this node's clock, outside its window; mint a new one if the write is known not to have happened", off.as_secs())]
    RequestExpired {
        /// How far its time is from the node's clock.
        off: Duration,
    },
    /// The connection's certificate does not allow it.
    #[error(
        "this needs an admin's certificate, and this connection is that of {identity}; use one that `halcyon certs` has \
         issued for the role admin"
    )]
    Forbidden {
        /// Whose the connection is.
        identity: String,
    },
    /// The members cannot be changed so. Says why, and what to do.
    #[error("{reason}")]
    Membership {
        /// In words.
        reason: String,
    },
    /// Members are changed only where most of them are reached: else two halves of a split could each go on without the other.
    #[error(
        "{reachable} of {members} members are reached from here, and members are changed only while more than half are; try \
         again once they are back, or in another region"
    )]
    NoMajority {
        /// How many are reached, this one included.
        reachable: u64,
        /// How many there are.
        members: u64,
    },
    /// The region was retired, and takes no writes any more. Use another region.
    #[error("this region was retired, for good: it takes no writes any more; use another region")]
    Retired,
    /// The node is stopping. Use another region.
    #[error("this node is stopping; use another region")]
    Stopping,
    /// The node's directory is new or restored, and it is fetching what the others have. Use another region meanwhile.
    #[error(
        "this node's data directory is new or restored, and it is fetching what the others have; use another region meanwhile"
    )]
    CatchingUp,
    /// The node cannot read its disk. Its operator should look.
    #[error("this node cannot read its data: {reason}")]
    Storage {
        /// What the disk said.
        reason: String,
    },
}

fn held_up_by(lacking: &[RegionId]) -> String {
    let regions: Vec<_> = lacking.iter().map(RegionId::to_string).collect();
    match regions.as_slice() {
        [] => ";".to_owned(),
        [region] => format!(" while region {region} lacks it; bring it back, or"),
        _ => format!(" while regions {} lack it; bring them back, or", regions.join(", ")),
    }
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
            Self::InsufficientRights { .. } => "InsufficientRights",
            Self::RightsOutstanding { .. } => "RightsOutstanding",
            Self::UnknownRegion { .. } => "UnknownRegion",
            Self::NoSuchElement { .. } => "NoSuchElement",
            Self::StaleContext { .. } => "StaleContext",
            Self::Changed { .. } => "Changed",
            Self::TransactionExpired { .. } => "TransactionExpired",
            Self::UnknownCursor { .. } => "UnknownCursor",
            Self::WrongType { .. } => "WrongType",
            Self::NotYet { .. } => "NotYet",
            Self::Overloaded { .. } => "Overloaded",
            Self::ClockSkew { .. } => "ClockSkew",
            Self::LogFull { .. } => "LogFull",
            Self::RequestExpired { .. } => "RequestExpired",
            Self::Forbidden { .. } => "Forbidden",
            Self::Membership { .. } => "Membership",
            Self::NoMajority { .. } => "NoMajority",
            Self::Retired => "Retired",
            Self::Stopping => "Stopping",
            Self::CatchingUp => "CatchingUp",
            Self::Storage { .. } => "Storage",
        }
    }
}

impl<E: std::fmt::Display> From<halcyon_crdt::PrepareError<E>> for Refusal {
    fn from(error: halcyon_crdt::PrepareError<E>) -> Self {
        use halcyon_crdt::PrepareError as P;
        let reason = error.to_string();
        match error {
            P::Op(_) | P::ToItself => Self::InvalidArgument { reason },
            P::TooLarge { .. } | P::Position(_) => Self::TooLarge { reason },
            P::CounterOverflow { .. } | P::RightsOverflow { .. } => Self::CounterOverflow { reason },
            P::NoSuchElement => Self::NoSuchElement { reason },
            P::InsufficientRights { counter, needed, holders, .. } => {
                Self::InsufficientRights { reason, counter, needed, holders }
            }
            P::RightsOutstanding { holders } => Self::RightsOutstanding { reason, holders },
            P::UnknownRegion { region } => Self::UnknownRegion { region },
            P::StaleContext { .. } => Self::StaleContext { reason },
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
            R::UnknownCursor => Self::UnknownCursor { reason: error.to_string() },
            R::WrongType { asked, present } => Self::WrongType { asked, present },
            R::Rows(error) => Self::Storage { reason: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_logs_name_whom_they_wait_for() {
        let region = |n| RegionId::try_from(n).unwrap();
        let told = |lacking: &[RegionId]| {
            let lacking = lacking.to_vec();
            Refusal::LogFull { bytes: 9, bytes_max: 8, lacking }.to_string()
        };
        assert!(told(&[]).contains("may be dropped; raise log_bytes_max"), "{}", told(&[]));
        assert!(told(&[region(3)]).contains("while region 3 lacks it; bring it back, or raise"));
        assert!(told(&[region(3), region(4)]).contains("while regions 3, 4 lack it; bring them back, or raise"));
    }
}
