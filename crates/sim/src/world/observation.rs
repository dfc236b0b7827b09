//! What invariants are shown, in the order in which it happens.

use std::error::Error;

use halcyon_core::{Alarm, PeerError};
use halcyon_store::Recovered;
use halcyon_types::{ActorId, Dot, RegionId, UnixMs, VersionVector};
use halcyon_wire::{PeerMessage, Record, Request, Response, StoredRecord};

use crate::workload::ClientId;

/// Who speaks to whom.
#[derive(Debug, Clone, Copy)]
pub enum Between {
    /// One node to another.
    Nodes(RegionId, RegionId),
    /// A client to its node.
    ClientAndNode(ClientId, RegionId),
    /// A node to its client.
    NodeAndClient(RegionId, ClientId),
}

/// Something happened.
#[derive(Debug)]
pub enum Observation<'a> {
    /// A client asks.
    Asked {
        /// Who.
        client: ClientId,
        /// Whom.
        region: RegionId,
        /// What.
        request: &'a Request,
    },
    /// The request reaches a node that lives, and is handed to its core.
    Heard {
        /// Who asks.
        client: ClientId,
        /// Whom.
        region: RegionId,
        /// What.
        request: &'a Request,
    },
    /// A node answers; the answer may never arrive.
    Replied {
        /// Who asked.
        client: ClientId,
        /// Who answers.
        region: RegionId,
        /// What.
        response: &'a Response,
        /// The vector of the snapshot that the answer was read from: that of its transaction, or one of this moment.
        seen: &'a VersionVector,
        /// The time for which it was read, by the node's clock.
        now: UnixMs,
    },
    /// The answer reaches the client.
    Answered {
        /// Who asked.
        client: ClientId,
        /// Who answers.
        region: RegionId,
        /// What.
        response: &'a Response,
    },
    /// A client's connection is lost or given up: what the node still answers on it reaches nobody, and is not shown.
    Parted {
        /// Whose.
        client: ClientId,
        /// To whom.
        region: RegionId,
    },
    /// A group is synced at a region, be it one without records; nobody has been told yet.
    Applied {
        /// Where.
        region: RegionId,
        /// What is on disk now.
        vv: &'a VersionVector,
        /// The new ones, its own and others', in the order in which they were applied. What a crash kept without a word
        /// comes right after [`Observation::Started`].
        records: &'a [(Record, StoredRecord)],
    },
    /// A node gives a message to a link; it may never arrive.
    Spoke {
        /// Who.
        from: RegionId,
        /// To whom.
        to: RegionId,
        /// What.
        message: &'a PeerMessage,
    },
    /// A message reaches a node that lives, and is handed to its core.
    Arrived {
        /// Who spoke.
        from: RegionId,
        /// Whose node.
        to: RegionId,
        /// What.
        message: &'a PeerMessage,
    },
    /// A node died: its memory and what it had not synced is gone.
    Crashed {
        /// Whose.
        region: RegionId,
    },
    /// The disk of a region, whose node is down, is another: an older one, or an empty one.
    SetBack {
        /// Whose.
        region: RegionId,
        /// What it holds now.
        disk: &'a VersionVector,
        /// What all disks together still hold. Whatever lies above it is lost, unless it is on its way to somebody.
        left: &'a VersionVector,
    },
    /// A log is gone on with where another content of it has been, on a disk that was set back since. What follows is judged by
    /// nothing but whether somebody is told.
    Forked {
        /// Whose.
        region: RegionId,
        /// The first record of two contents.
        dot: Dot,
        /// Whether another disk has the first of them.
        known: bool,
    },
    /// A copy has taken the place of a region's state; its node begins next.
    Replaced {
        /// Whose.
        region: RegionId,
        /// From what it will begin.
        recovered: &'a Recovered,
    },
    /// A node begins.
    Started {
        /// Whose.
        region: RegionId,
        /// From what.
        recovered: &'a Recovered,
    },
    /// A node begins a new log.
    Minted {
        /// Whose.
        region: RegionId,
        /// As whom it writes from here on.
        actor: ActorId,
    },
    /// A node does not begin, for what is on its disk.
    Unopened {
        /// Whose.
        region: RegionId,
        /// Why.
        why: &'a str,
    },
    /// A message that has arrived is read.
    MessageRead {
        /// Whose.
        between: Between,
        /// How it went.
        result: Result<(), &'a dyn Error>,
    },
    /// A region's log is read: to send what is in it, or to tell of it.
    LogRead {
        /// Whose.
        region: RegionId,
        /// How it went.
        result: Result<(), &'a dyn Error>,
    },
    /// A committer is given what waits.
    Staged {
        /// Whose.
        region: RegionId,
        /// How it went.
        result: Result<(), &'a dyn Error>,
    },
    /// A sync ends.
    SyncEnded {
        /// Whose.
        region: RegionId,
        /// Whether the disk was made to fail.
        fails: bool,
        /// How it went, as the committer tells.
        result: Result<(), &'a dyn Error>,
    },
    /// A node has handled something, and carried out what follows from it.
    Stepped {
        /// Whose.
        region: RegionId,
    },
    /// A node wants its operator.
    Alarmed {
        /// Whose.
        region: RegionId,
        /// Why.
        alarm: &'a Alarm,
    },
    /// A node drops a peer's link because of what the peer said. In a world without bugs it never does.
    Dropped {
        /// Whose.
        region: RegionId,
        /// Why.
        reason: &'a PeerError,
    },
    /// All faults have ended, and every node is up.
    Healed,
    /// All regions agree, nothing is under way, and the clients are idle.
    Converged,
    /// It is [`LIVENESS`](super::LIVENESS) after the heal, and they do not.
    Unsettled,
    /// Something panics, which ends the run.
    Panicked {
        /// What it says, and where.
        words: &'a str,
    },
}
