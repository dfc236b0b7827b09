//! What goes in and comes out, besides the messages of `halcyon-wire`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use halcyon_crdt::{Object, Shortage};
use halcyon_types::members::Facts;
use halcyon_types::{ActorId, BootId, Dot, Hlc, RegionId, Seq, UnixMs, VersionVector};
use halcyon_wire::{
    Body, ChainHash, CopyId, PeerMessage, Record, RecordError, Refusal, Response, StoredRecord, TransactionId, Write,
};

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
    /// The peer does not admit this region: it does not know it, or not as what its certificate says.
    OutRefused,
    /// That link was lost, or the dial failed. Whatever of a [`Command::SendRange`] was under way on it needs no
    /// `handle_sent` any more.
    OutDown,
    /// The peer opened a link. It replaces any earlier one of that peer, which the driver closes without a word here.
    InUp,
    /// The peer's present link was lost, or the driver dropped it for a [`PeerError`].
    InDown,
}

/// The present actor of each region that this node has heard, its own included. Replaced as a whole when one changes.
pub type Actors = Arc<BTreeMap<RegionId, ActorId>>;

/// Work for the committer. Jobs must be carried out in the order polled, and after the commands polled with them: a
/// [`Command::Begin`] may take the snapshot that a job names.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// Prepare and commit a client's transaction. Answered by `Written`, `Duplicate` or `Refused`.
    Write {
        /// Names it.
        ticket: Ticket,
        /// The wall clock when the request came, never behind what this node has promised others.
        wall: UnixMs,
        /// The transaction.
        write: Write,
        /// The snapshot that it commits, to be forgotten with this. Absent for a transaction that is not open any more: only
        /// a retry of what was committed before is answered then.
        snapshot: Option<(SessionId, TransactionId)>,
        /// To pass rights to.
        actors: Actors,
        /// What to answer unless it was committed before: nothing new is taken.
        refusal: Option<Refusal>,
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
    /// Pass rights of a bounded counter to a region that asks, as far as they can be spared. Answered by
    /// [`JobResult::Done`].
    Grant {
        /// Names it.
        ticket: Ticket,
        /// As for a write.
        wall: UnixMs,
        /// Which bounded counter.
        counter: Object,
        /// Who asks.
        to: RegionId,
        /// For how many, at least 1.
        amount: u64,
        /// To pass rights to.
        actors: Actors,
    },
    /// Clear away what has expired. Answered by [`JobResult::Done`].
    Sweep {
        /// Names it.
        ticket: Ticket,
        /// As for a write.
        wall: UnixMs,
        /// What has expired by then.
        upto: UnixMs,
        /// Whether keys are to be cleared too, for which a record is made.
        keys: bool,
    },
    /// Begin a new log: from here on this node writes as another actor. Answered by [`JobResult::Minted`].
    Mint {
        /// Names it.
        ticket: Ticket,
        /// As for a write.
        wall: UnixMs,
    },
    /// Drop the oldest records of logs that have outgrown `bytes_max`. Answered by [`JobResult::Truncated`].
    Truncate {
        /// Names it.
        ticket: Ticket,
        /// What may be dropped: enough members have it on disk.
        upto: VersionVector,
        /// And only if its stamp lies before this. Absent: whatever its stamp.
        older_than: Option<UnixMs>,
        /// Bytes that all logs together may take.
        bytes_max: u64,
    },
}

/// What came of a job, once it is synced (or refused, for which nothing is).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobResult {
    /// The write is this record.
    Written {
        /// Its name.
        dot: Dot,
        /// Bounded counters of which this region's rights run low by it.
        shortages: Vec<Shortage>,
    },
    /// The write had been committed before, as this record.
    Duplicate(Dot),
    /// The write did not happen and will not.
    Refused(Refusal),
    /// The record is applied.
    Applied,
    /// The grant or sweep is this record, or there was nothing to make one for.
    Done(Option<Dot>),
    /// This node writes as this actor now.
    Minted(ActorId),
    /// What was to be dropped has been.
    Truncated(Logs),
}

/// How the logs stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// Up to here they have been dropped, now or before.
    pub floors: VersionVector,
    /// About how many bytes they take, all together.
    pub bytes: u64,
    /// Of the first record of each log behind what might be dropped, the one with the lowest stamp, and that.
    pub next: Option<(Dot, UnixMs)>,
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
    /// Who has joined and who is retired, if the group has changed that.
    pub facts: Option<Facts>,
}

/// What the driver must do next. Commands are carried out in the order polled.
#[derive(Debug, Clone, PartialEq)]
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
    /// Take a snapshot and hold it under this name, and answer the client with its vector as
    /// [`Outcome::Begun`](halcyon_wire::Outcome::Begun).
    Begin {
        /// Which connection.
        session: SessionId,
        /// The request's id.
        id: u64,
        /// The connection's name for the snapshot.
        transaction: TransactionId,
    },
    /// Drop a snapshot. Said once for each that no job has taken.
    Forget {
        /// Which connection.
        session: SessionId,
        /// The connection's name for the snapshot.
        transaction: TransactionId,
    },
    /// Carry out a read, scan, digest or page of a copy, on a snapshot of the last commit that was handled or a later one, or on that of the
    /// transaction it names, which is open; and answer the client.
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
    /// Close both links with a peer, and dial it no more: one of the two is no member any longer. The driver need not report
    /// that they are down.
    HangUp {
        /// With whom.
        peer: RegionId,
    },
    /// Take a snapshot for a copy that this peer begins; it replaces an earlier one of that peer.
    BeginCopy {
        /// Who takes it.
        peer: RegionId,
    },
    /// Read a page of the copy that the peer is taking, send it, and report `handle_page_sent` exactly once when the link has
    /// taken it. The pages before have been read. There is one at a time per peer.
    SendPage {
        /// To whom.
        peer: RegionId,
        /// The copy's name.
        copy: CopyId,
        /// Which page.
        number: u64,
    },
    /// Let go of the peer's copy.
    EndCopy {
        /// Whose.
        peer: RegionId,
    },
    /// Begin an empty database that is to take the place of this node's own.
    BeginFill,
    /// Store a page in it, and report `handle_filled`.
    Fill {
        /// The page's entries.
        entries: Bytes,
    },
    /// Drop that database.
    AbandonFill,
    /// All of the copy is stored: end, replay what this node's logs have and the copy has not, and begin anew from it.
    Switch,
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
    /// A peer holds records of this node's actor that its directory lacks, which was opened a moment ago: it is an older copy.
    /// A new log is begun, and the missing records are fetched.
    OldDirectory {
        /// Who knows more.
        peer: RegionId,
        /// The actor that is given up.
        was: ActorId,
        /// What the peer has of it.
        theirs: Seq,
        /// What this node has.
        ours: Seq,
    },
    /// This node begins a log, and others know an earlier one of its region, of which its directory lacked something.
    NewDirectory {
        /// The last actor before.
        was: ActorId,
        /// Up to where the others have its log.
        known: Seq,
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
    /// Records that this node lacks are gone everywhere in reach: it takes a copy of a peer's state.
    Rebuilding {
        /// Whose.
        from: RegionId,
    },
    /// This node's clock is off those of the others, or, where too few are heard, off the other's.
    ClockSkew {
        /// By how many milliseconds it is ahead; negative if behind.
        off_ms: i64,
        /// How many clocks say so, its own included.
        clocks: usize,
        /// Whether writes are refused for it. Not where nobody can tell which clock is right.
        refuses: bool,
    },
    /// A peer lacks records that this node has dropped: it had them once, or its region has been given an empty directory.
    Truncated {
        /// Who.
        peer: RegionId,
        /// The last record of the log that it has.
        have: Dot,
        /// The last one that was dropped here.
        floor: Seq,
    },
    /// This region was retired. It takes no writes any more, and speaks with nobody.
    Retired {
        /// How many of its own records have reached no other region, as far as it was told; nothing right after a start.
        unsent: Option<u64>,
    },
    /// The logs are full: new writes are refused until there is room. Said once each time that it begins.
    LogFull {
        /// Bytes of the logs.
        bytes: u64,
        /// Bytes that they may take.
        bytes_max: u64,
        /// Which regions lack the oldest records.
        lacking: Vec<RegionId>,
    },
}

impl Alarm {
    /// Its name, for counters.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ForkedHistory { .. } => "ForkedHistory",
            Self::OldDirectory { .. } => "OldDirectory",
            Self::NewDirectory { .. } => "NewDirectory",
            Self::Fork { .. } => "Fork",
            Self::Clone { .. } => "Clone",
            Self::Undecodable { .. } => "Undecodable",
            Self::Rebuilding { .. } => "Rebuilding",
            Self::ClockSkew { .. } => "ClockSkew",
            Self::Truncated { .. } => "Truncated",
            Self::Retired { .. } => "Retired",
            Self::LogFull { .. } => "LogFull",
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
            Self::OldDirectory { peer, was, theirs, ours } => write!(
                f,
                "this data directory is an older copy: region {peer} has its log {was} up to {theirs}, here it ends at {ours}. \
                 A new log is begun and the missing records are fetched; only what had reached no other region is lost"
            ),
            Self::NewDirectory { was, known } => write!(
                f,
                "this region begins a new log, in an empty or restored data directory. Of its former log {was} the other \
                 regions have all records up to {known}, and they are here again; whatever it acknowledged after that had reached no other region \
                 and is lost"
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
            Self::Rebuilding { from } => write!(
                f,
                "records that this region lacks have been dropped elsewhere: it takes a copy of the state of region {from}, and \
                 serves what it has until then. Nothing that it acknowledged is lost"
            ),
            Self::ClockSkew { off_ms, clocks, refuses: true } => write!(
                f,
                "this node's clock is off the median of {clocks} regions' by {off_ms:+} ms: writes are refused until it is \
                 set; look at its NTP service"
            ),
            Self::ClockSkew { off_ms, clocks, refuses: false } => write!(
                f,
                "this node's clock is off the middle of {clocks} regions' by {off_ms:+} ms, and nobody can tell which is right: \
                 writes go on; look at the NTP services of all"
            ),
            Self::Truncated { peer, have, floor } => write!(
                f,
                "region {peer} has the log of actor {} up to {}, and it has been dropped here up to {floor}: that region will \
                 take a copy of some region's whole state to catch up",
                have.actor, have.seq
            ),
            Self::Retired { unsent } => {
                write!(
                    f,
                    "this region was retired, for good: it takes no writes and speaks with no other region any more"
                )?;
                match unsent {
                    Some(0) => write!(f, ". The others have all that it wrote"),
                    Some(unsent) => write!(
                        f,
                        ". Of what it wrote, {unsent} records may have reached no other region: they are in its data directory \
                         alone"
                    ),
                    None => Ok(()),
                }
            }
            Self::LogFull { bytes, bytes_max, lacking } => {
                let refusal = Refusal::LogFull { bytes: *bytes, bytes_max: *bytes_max, lacking: lacking.clone() };
                write!(f, "new writes are refused: {refusal}")
            }
        }
    }
}
