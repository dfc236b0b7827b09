//! How a node is, as `/status` and `halcyon status` show it.

use std::collections::BTreeMap;

use serde::Serialize;

/// A node's state at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct NodeStatus {
    /// The cluster's name.
    pub cluster: String,
    /// This node's region.
    pub region: String,
    /// The data directory's own name.
    pub node: String,
    /// The present incarnation of this region's log.
    pub actor: String,
    /// `serving`; or, after a start, `resuming` (whether its log is still its own is not known yet), `joining` (its directory
    /// was empty, and it fetches what the others have), `minting` (it begins a new log); or `retired`.
    pub standing: &'static str,
    /// Whether clients are answered.
    pub ready: bool,
    /// The synced version vector, which is how far each actor's records are applied: actor → seq.
    pub vv: BTreeMap<String, u64>,
    /// The hash chain of each actor's log up to there, its first eight bytes in hexadecimal: actor → hash. Nodes that have
    /// applied as much of an actor show the same hash, or one of them holds another history.
    pub heads: BTreeMap<String, String>,
    /// How far each actor's records have arrived without a gap, those that wait for others included: actor → seq. Where it
    /// is ahead of `vv` and `queues.jobs` is 0, records wait for what other actors have yet to send.
    pub received: BTreeMap<String, u64>,
    /// Up to where records have been dropped from each log: actor → seq.
    pub floors: BTreeMap<String, u64>,
    /// How large the logs are, as of a second ago at most.
    pub logs: LogStatus,
    /// The hybrid logical clock as of the last commit: its physical part, in milliseconds since 1970.
    pub hlc_ms: u64,
    /// The wall clock, which may be a test clock, in milliseconds since 1970.
    pub wall_ms: u64,
    /// That clock among the regions'.
    pub clock: ClockStatus,
    /// Milliseconds since this process began.
    pub uptime_ms: u64,
    /// `ok`, or what is wrong.
    pub health: String,
    /// The other members.
    pub peers: Vec<PeerStatus>,
    /// All that belong to the cluster or have belonged to it, this region too.
    pub members: Vec<MemberStatus>,
    /// Where the logs of retired regions end for good, once every member is known to have heard of it: actor → seq.
    pub closed: BTreeMap<String, u64>,
    /// What waits.
    pub queues: QueueStatus,
    /// What nobody asked for.
    pub background: BackgroundStatus,
    /// What the data directory takes.
    pub disk: DiskStatus,
    /// What an operator should look at.
    pub alarms: Vec<String>,
    /// Whether the fault API is on.
    pub fault_api: bool,
}

/// A region that belongs to the cluster, or has belonged to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MemberStatus {
    /// Its number.
    pub id: u16,
    /// Its name.
    pub region: String,
    /// Where it listens for other nodes.
    pub peer: String,
    /// Where it listens for applications.
    pub client: String,
    /// Where it serves health, metrics and status.
    pub admin: String,
    /// `serving`, `joining` (it fetches what the others have), `retired`, `silent` (it is not heard); of this region itself all
    /// that `standing` can be.
    pub state: &'static str,
}

impl MemberStatus {
    pub(crate) fn of(member: halcyon_core::MemberStatus) -> Self {
        let halcyon_core::MemberStatus { region, state } = member;
        Self {
            id: region.id.get(),
            region: region.name.to_string(),
            peer: region.peer.to_string(),
            client: region.client.to_string(),
            admin: region.admin.to_string(),
            state,
        }
    }
}

/// The wall clock among those of all regions that are heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ClockStatus {
    /// Milliseconds that it is ahead of the median of all, itself among them, as far as that is certain; null before another
    /// was heard.
    pub off_ms: Option<i64>,
    /// How many clocks were heard lately, its own included.
    pub heard: u64,
    /// Whether writes are refused for it, as `ClockSkew`.
    pub refuses_writes: bool,
    /// Whether it is a test clock, of which nothing is judged.
    pub test: bool,
}

/// The logs of all actors, together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LogStatus {
    /// About how many bytes they take on disk; what is in memory still does not count.
    pub bytes: u64,
    /// How many they may take: `log_bytes_max` of `regions.toml`.
    pub bytes_max: u64,
    /// How old a record must be before it may be dropped although a region lacks it: `retention` of `regions.toml`.
    pub retention_ms: u64,
    /// Whether new writes are refused as `LogFull`.
    pub full: bool,
    /// The stability age: how long ago the oldest record was made that not every region is known to have.
    pub unstable_ms: Option<u64>,
    /// The regions that lack it.
    pub held_up_by: Vec<String>,
}

/// A link pair, seen from this node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PeerStatus {
    /// The peer's region.
    pub region: String,
    /// The present incarnation of its log, once it has said so.
    pub actor: Option<String>,
    /// Whether its link to us stands, and no fault keeps its records out.
    pub link_in: bool,
    /// Whether our link to it stands, and no fault keeps our records in.
    pub link_out: bool,
    /// Round trip in microseconds, if measured.
    pub rtt_us: Option<u64>,
    /// Bytes sent to it over the links that stand now, in datagrams, with all that QUIC adds.
    pub sent_bytes: u64,
    /// Own records that it has not acknowledged.
    pub lag_records: u64,
    /// How long the oldest of them has waited, in milliseconds.
    pub lag_ms: u64,
    /// Records that it has shown and this node lacks.
    pub behind_records: u64,
    /// Records that it has sent and that wait for what they depend on.
    pub pending_records: u64,
    /// Milliseconds since it was last heard.
    pub silent_ms: u64,
    /// Its wall clock minus ours, in milliseconds, if known: not while either is a test clock.
    pub clock_offset_ms: Option<i64>,
    /// What the fault API has done to the link.
    pub fault: crate::faults::LinkFault,
}

/// Queues and their fill.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct QueueStatus {
    /// Writes and records that wait for the committer.
    pub jobs: u64,
    /// Bytes of received records that wait for what they depend on.
    pub pending_bytes: u64,
    /// Requests that wait for their session's token.
    pub waiting: u64,
    /// Open transactions.
    pub transactions: u64,
    /// Pulls in flight.
    pub pulls: u64,
    /// Application connections.
    pub sessions: u64,
}

/// The rebalancer of bounded counters, and the sweeper of what has expired.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct BackgroundStatus {
    /// Whether they work.
    pub on: bool,
    /// Bounded counters of which more rights were asked for lately.
    pub asks: u64,
    /// How often rights were asked for, since the start.
    pub asked: u64,
    /// How often rights were passed on to whoever asked, since the start.
    pub granted: u64,
    /// Records that clear away keys that have ended, since the start.
    pub swept: u64,
}

/// Disk use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct DiskStatus {
    /// Bytes of the data directory's files.
    pub bytes: u64,
}
