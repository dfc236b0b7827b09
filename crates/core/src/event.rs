//! What goes in and comes out, besides the messages of `halcyon-wire`.

use std::fmt;

use halcyon_types::{ActorId, BootId, Dot, Hlc, RegionId, Seq, UnixMs, VersionVector};
use halcyon_wire::{Body, ChainHash, PeerMessage, Record, RecordError, Refusal, Response, StoredRecord, Write};

use crate::error::PeerError;

/// The driver's number for one client connection; never used again once closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// Names a job until its result comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What became of a link. Each carries one direction: *out* is what this node dialled and speaks on, *in* is what the
/// peer dialled and speaks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkEvent {
    /// The link that [`Command::Dial`] asked for is open.
    OutUp,
    /// That link was lost, or the dial failed. Whatever of a [`Command::SendRange`] was under way on it needs no
    /// `handle_sent` any more.
    OutDown,
    /// The peer opened a link. It replaces any earlier one of that peer, which the driver closes without a word here.
    InUp,
    /// The peer's present link was lost, or the driver dropped it for a [`PeerError`].
    InDown,
}

/// Work for the committer. Jobs must be carried out in the order polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Prepare and commit a client's transaction. Answered by any [`JobResult`] but `Applied`.
    Write {
        /// Names it.
        ticket: Ticket,
        /// The wall clock when the request came.
        wall: UnixMs,
        /// The transaction.
        write: Write,
    },
    /// Apply another actor's record; its order and deps have been checked. Answered by [`JobResult::Applied`].
    Record {
        /// Names it.
        ticket: Ticket,
        /// The wall clock when the record became deliverable.
        wall: UnixMs,
        /// The record.
        record: Record,
        /// Its bytes, for the log.
        stored: StoredRecord,
    },
}

/// What came of a job, once it is synced (or refused, for which nothing is).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobResult {
    /// The write is this record.
    Written(Dot),
    /// The write had been committed before, as this record.
    Duplicate(Dot),
    /// The write did not happen and will not.
    Refused(Refusal),
    /// The record is applied.
    Applied,
}

/// What one sync made durable.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The jobs it settled.
    pub results: Vec<(Ticket, JobResult)>,
    /// The version vector now on disk; it covers every dot in `results`.
    pub vv: VersionVector,
    /// The hybrid logical clock now.
    pub hlc: Hlc,
    /// The chain hash, at `vv`, of each actor whose log grew, this node's own included.
    pub heads: Vec<(ActorId, ChainHash)>,
}

/// What the driver must do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Send a control message over the out link to `peer`. It may be dropped if that link is gone or its buffer is
    /// full: whatever matters is said again.
    Send {
        /// To whom.
        peer: RegionId,
        /// Never a [`PeerMessage::Range`].
        message: PeerMessage,
    },
    /// Read the records `after < seq <= upto` of `actor` from the log (at least one, and no more than `bytes_max`
    /// beyond the first), send them to `peer` as one [`PeerMessage::Range`], and report `handle_sent` exactly once when
    /// the link has taken them. There is one at a time per peer, so a slow peer holds up nobody else.
    SendRange {
        /// To whom.
        peer: RegionId,
        /// Whose log.
        actor: ActorId,
        /// The record before the first.
        after: Seq,
        /// The last record, at most.
        upto: Seq,
        /// Bytes of records, at most.
        bytes_max: usize,
    },
    /// Answer a client. Dropped if the session is closed.
    Reply {
        /// Which connection.
        session: SessionId,
        /// The answer.
        response: Response,
    },
    /// Carry out a read (or digest) on a new snapshot, and answer the client.
    Read {
        /// Which connection.
        session: SessionId,
        /// The request's id.
        id: u64,
        /// The question; its session token is covered.
        body: Body,
    },
    /// Dial a peer, and report `OutUp` or `OutDown`.
    Dial {
        /// Whom.
        peer: RegionId,
    },
    /// Drop the peer's inbound link, as for an error of `handle_peer`, and report `InDown`.
    Drop {
        /// Whose.
        peer: RegionId,
        /// Why.
        reason: PeerError,
    },
    /// Tell the operator.
    Alarm(Alarm),
}

/// What an operator should look at. The replica goes on with everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alarm {
    /// A peer holds records of this node's present actor that this node does not: its disk was rolled back. Whatever
    /// it writes from now on reuses dots (promise P2), so the driver should stop it: a fresh actor is safe, this one is
    /// not. The core goes on, for what to do is the operator's policy.
    ForkedHistory {
        /// Who knows more.
        peer: RegionId,
        /// What the peer has of this actor.
        theirs: Seq,
        /// What this node has.
        ours: Seq,
    },
    /// A peer's log and this node's copy of it differ at or below `seq`. Records of that actor are taken from nobody
    /// until the node restarts.
    Fork {
        /// Whose log.
        actor: ActorId,
        /// Where it was seen.
        seq: Seq,
    },
    /// Two processes live as one actor: a copied data directory. The one that came back is refused.
    Clone {
        /// The actor.
        actor: ActorId,
        /// The start that was refused.
        boot: BootId,
    },
    /// A record that this version cannot read. That actor's records are no longer taken from that peer until either
    /// restarts; nothing is skipped.
    Undecodable {
        /// Who sent it.
        peer: RegionId,
        /// Which record.
        dot: Dot,
        /// What is wrong with it.
        error: RecordError,
    },
}

impl Alarm {
    /// Its name, for counters.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ForkedHistory { .. } => "ForkedHistory",
            Self::Fork { .. } => "Fork",
            Self::Clone { .. } => "Clone",
            Self::Undecodable { .. } => "Undecodable",
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForkedHistory { peer, theirs, ours } => write!(
                f,
                "region {peer} has this node's own records up to {theirs}, this node up to {ours}: its disk was rolled \
                 back; stop it and restore it as a new actor"
            ),
            Self::Fork { actor, seq } => write!(
                f,
                "the log of actor {actor} differs from this node's copy at or below {seq}; compare backups of both, and \
                 restore the wrong one as a new actor"
            ),
            Self::Clone { actor, boot } => write!(
                f,
                "two processes run as actor {actor} (one of them is boot {}); stop the copy and give it a new data directory",
                boot.0
            ),
            Self::Undecodable { peer, dot, error } => write!(
                f,
                "record {dot} from region {peer} cannot be read: {error}; upgrade this node, or repair that one"
            ),
        }
    }
}
