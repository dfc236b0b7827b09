//! What a node tells a peer. Every link carries one direction: what X tells Y goes over the link that X dialled.

use bytes::Bytes;
use halcyon_crdt::Object;
use halcyon_types::{ActorId, BootId, Hlc, RegionId, RegionName, Seq, UnixMs, VersionVector};
use serde::{Deserialize, Serialize};

use crate::chain::ChainHash;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerMessage {
    /// The first word on a new link.
    #[serde(rename = "H")]
    Hello(Hello),
    /// I live; this is how far I am. Also the acknowledgement of what arrived.
    #[serde(rename = "h")]
    Heartbeat(Heartbeat),
    /// Send me these records.
    #[serde(rename = "p")]
    Pull(Pull),
    /// Here are records.
    #[serde(rename = "r")]
    Range(Range),
    /// Pass me rights of a bounded counter, if you can spare them.
    #[serde(rename = "e")]
    AskRights(AskRights),
    /// My logs begin behind these records: what you lack of them cannot be sent.
    #[serde(rename = "f")]
    Floors(VersionVector),
    /// Send me a page of a copy of your whole state.
    #[serde(rename = "a")]
    AskPage(AskPage),
    /// Here is a page.
    #[serde(rename = "g")]
    Page(StatePage),
    /// I have no such copy any more: begin anew.
    #[serde(rename = "n")]
    NoCopy(CopyId),
}

/// One copy of a state, named by who asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CopyId(pub u64);

/// A request for one page of a copy. The copy begins with the request for page 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskPage {
    /// Which copy.
    pub copy: CopyId,
    /// Which page, from 0: one that was sent before, or the next.
    pub number: u64,
}

/// A page of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatePage {
    /// Which copy.
    pub copy: CopyId,
    /// Which page.
    pub number: u64,
    /// Its entries, as the store draws them.
    pub entries: Bytes,
    /// Whether it is the last.
    pub last: bool,
}

/// Who speaks, and whether both mean the same cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// BLAKE3 of [`halcyon_types::topology::Topology::agreement`]; a different one is refused.
    #[serde(with = "serde_bytes")]
    pub agreement: [u8; 32],
    /// The regions that only the speaker's `regions.toml` vouches for.
    pub seed: Vec<(RegionId, RegionName)>,
    /// Those of which it has been committed that they joined, moved or were retired.
    pub facts: Vec<(RegionId, RegionName)>,
    /// The speaker's region; must be the one its certificate names.
    pub region: RegionId,
    /// The speaker's present actor.
    pub actor: ActorId,
    /// This start of the speaker's process.
    pub boot: BootId,
    /// The speaker's synced version vector.
    pub vv: VersionVector,
}

/// How far the speaker is, on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Its own log's last synced seq.
    pub seq: Seq,
    /// The hash chain of its own log at `seq`.
    pub head: ChainHash,
    /// Its synced version vector. Stands for the stability of records only once the listener has applied the speaker's
    /// records up to `seq`.
    pub vv: VersionVector,
    /// Its hybrid logical clock: no later record of its own carries a lower stamp.
    pub hlc: Hlc,
    /// Its wall clock; nothing while a test clock stands in for it, which says nothing of others'.
    pub wall: Option<UnixMs>,
    /// Its monotonic clock in microseconds, counted from a number that is another for each start of it, to be echoed.
    pub ping_us: u64,
    /// The listener's last ping.
    pub echo: Option<Echo>,
    /// It is new or restored, answers nobody yet, and fetches what the others have.
    pub joining: bool,
}

/// A ping on its way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echo {
    /// The ping.
    pub ping_us: u64,
    /// How long it was held before this answer.
    pub held_us: u64,
}

/// A request for the records `after < seq <= upto` of one actor's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Whose log.
    pub actor: ActorId,
    /// What the asker has.
    pub after: Seq,
    /// What the asker wants at most.
    pub upto: Seq,
}

/// A region that runs low asks the one that holds most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskRights {
    /// Which bounded counter.
    pub counter: Object,
    /// How many would help. The listener passes what it can spare, or nothing.
    pub amount: u64,
}

/// Contiguous records of one actor, as first encoded; on the wire packed where that is shorter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Whose log.
    pub actor: ActorId,
    /// The first record's seq.
    pub first: Seq,
    /// The records. Once decoded they may share one buffer: keep all of them for a while, or copies of a few.
    #[serde(with = "crate::pack")]
    pub records: Vec<Bytes>,
}

impl Range {
    /// The last record's seq; the one before `first` if there are none.
    pub fn last(&self) -> Seq {
        Seq(self.first.previous().0.saturating_add(self.records.len() as u64))
    }

    /// Bytes of the records, unpacked.
    pub fn bytes(&self) -> usize {
        self.records.iter().map(Bytes::len).sum()
    }
}
