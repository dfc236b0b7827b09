//! How a replica stands, for the admin plane.

use std::collections::BTreeMap;
use std::time::Duration;

use halcyon_types::topology::Region;
use halcyon_types::{ActorId, BootId, Dot, Hlc, RegionId, Seq, VersionVector};
use halcyon_wire::ChainHash;

/// A picture of the whole replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its region.
    pub region: RegionId,
    /// Its present actor.
    pub actor: ActorId,
    /// Whether it serves: `serving`, or how far it is from there: `resuming`, `joining`, `minting`; or `retired`.
    pub standing: &'static str,
    /// Whether it answers clients now.
    pub ready: bool,
    /// What is applied and on disk here.
    pub vv: VersionVector,
    /// The hash chain of each actor's log, as far as it is applied and on disk here: where two nodes have applied as much of
    /// an actor, theirs are the same (promise P2).
    pub heads: BTreeMap<ActorId, ChainHash>,
    /// What has arrived without a gap: `vv`, what is with the committer, and what waits for records of others.
    pub received: VersionVector,
    /// The hybrid logical clock.
    pub hlc: Hlc,
    /// What every member is known to have on disk, so far as this node may conclude it: the meet of all gated acks.
    pub stable: VersionVector,
    /// Up to where records have been dropped from each log.
    pub floors: VersionVector,
    /// The wall clock, as others' judge it.
    pub clock: ClockStatus,
    /// How large the logs are, as of the last look at them.
    pub logs: LogStatus,
    /// Whether new writes are refused because the node is stopping.
    pub stopping: bool,
    /// Each other member, by id.
    pub peers: Vec<PeerStatus>,
    /// All that belong to the cluster or have belonged to it, by id, this one too.
    pub members: Vec<MemberStatus>,
    /// Where the logs of retired regions end for good, once every member is known to have heard of it.
    pub closed: VersionVector,
    /// Writes with the committer.
    pub queued_writes: usize,
    /// Bytes of those.
    pub queued_write_bytes: usize,
    /// Other actors' records with the committer.
    pub queued_records: usize,
    /// Bytes of received records that wait for what they depend on.
    pub pending_bytes: usize,
    /// Requests that wait for their session's token, or for this node to begin.
    pub waiting: usize,
    /// Open transactions.
    pub transactions: usize,
    /// Whether rebalancer and sweeper work.
    pub background: bool,
    /// Bounded counters of which more rights were asked for and have not had time to come.
    pub asks: usize,
    /// How often rights were asked for, since the start.
    pub asked: u64,
    /// How often rights were passed on to whoever asked, since the start.
    pub granted: u64,
    /// Records that clear away keys that have ended, since the start.
    pub swept: u64,
    /// The region whose state is being copied in the place of this node's own, and pages stored so far.
    pub rebuilding: Option<(RegionId, u64)>,
    /// Copies of this node's state that others are taking.
    pub copies: usize,
    /// Pulls that this node has asked for and not yet seen answered.
    pub pulls: Vec<PullStatus>,
    /// Alarms raised since the start, by name.
    pub alarms: BTreeMap<&'static str, u64>,
}

/// This node's wall clock among all that it hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockStatus {
    /// How far it is ahead of the median of all, itself among them, in milliseconds, as far as that is certain. Where two
    /// share the middle: of the farther. Nothing before another was heard.
    pub off_ms: Option<i64>,
    /// How many were heard lately, its own included.
    pub clocks: usize,
    /// Whether writes are refused for it.
    pub refuses: bool,
    /// Whether a test clock stands in for it: then nothing is judged.
    pub test: bool,
}

/// The logs, as of the last look at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStatus {
    /// About how many bytes they take.
    pub bytes: u64,
    /// How many they may take.
    pub bytes_max: u64,
    /// How old a record must be before it may be dropped although a region lacks it.
    pub retention: Duration,
    /// Whether new writes are refused because nothing more may be dropped.
    pub full: bool,
    /// The oldest record that not every member is known to have.
    pub oldest: Option<Unstable>,
}

/// A record that not every member is known to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unstable {
    /// Which.
    pub dot: Dot,
    /// How long ago it was made, by its stamp and this node's clock.
    pub age: Duration,
    /// Who lacks it.
    pub lacking: Vec<RegionId>,
}

/// A region that belongs to the cluster, or has belonged to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStatus {
    /// Id, name and addresses.
    pub region: Region,
    /// `retired`; `silent`, if it is not heard; else how it stands: `serving` or `joining`, and of this one all that its
    /// `standing` can be.
    pub state: &'static str,
}

/// One other region, as seen from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerStatus {
    /// Which.
    pub region: RegionId,
    /// Its present actor, once it has said so.
    pub actor: Option<ActorId>,
    /// Its present start, once it has said so.
    pub boot: Option<BootId>,
    /// Whether its link to here is open.
    pub link_in: bool,
    /// Whether the link to it is open.
    pub link_out: bool,
    /// Whether it has said lately, over both links, that it hears this node.
    pub introduced: bool,
    /// The smoothed round trip, once measured.
    pub rtt: Option<Duration>,
    /// How long it has been silent.
    pub silent_for: Duration,
    /// How far ahead of this node's wall clock its own is, in milliseconds, half a round trip allowed for.
    /// Nothing while either has a test clock.
    pub clock_offset_ms: Option<i64>,
    /// This node's own records that it has on disk.
    pub acked: Seq,
    /// This node's own records that it does not yet have.
    pub lag_records: u64,
    /// The age of the oldest of those.
    pub lag: Duration,
    /// Records, of any actor, that it is known to have and this node has not.
    pub behind_records: u64,
    /// Its version vector, as far as it counts for stability.
    pub stable: VersionVector,
    /// Bytes sent to it and not yet acknowledged.
    pub unacked_bytes: usize,
    /// Bytes from it that wait for what they depend on.
    pub pending_bytes: usize,
    /// Records from it that wait for what they depend on.
    pub pending_records: usize,
}

/// A pull in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullStatus {
    /// Whose records.
    pub actor: ActorId,
    /// From whom.
    pub peer: RegionId,
    /// The record before the first.
    pub after: Seq,
    /// The last.
    pub upto: Seq,
}
