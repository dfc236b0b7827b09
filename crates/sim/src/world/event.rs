//! What is still to happen, and where its turn comes.

use bytes::Bytes;
use halcyon_core::SessionId;
use halcyon_types::{ActorId, RegionId, Seq};

use super::copying::PageAsked;
use super::link::Arrival;
use crate::workload::ClientId;

/// Who dialled, and who was dialled; of a cable, who speaks and who hears.
pub(super) type Way = (RegionId, RegionId);

/// What is still to happen. `open` numbers connections, `life` processes: what is meant for a dead one is nothing.
#[derive(Debug)]
pub(super) enum Event {
    /// A step of the program.
    Step(usize),
    /// A message arrives.
    Arrive { way: Way, open: u64, arrival: Arrival, bytes: Bytes },
    /// A link has taken a range.
    Taken { way: Way, open: u64, actor: ActorId, last: Seq, bytes: usize },
    /// A link has taken a page of a copy.
    PageTaken { way: Way, open: u64, bytes: usize },
    /// A page of a copy that a peer takes has been read.
    PageRead { region: RegionId, life: u64, asked: PageAsked },
    /// A page of a copy is to be stored: its disk has come to it.
    Filled { region: RegionId, life: u64, filling: u64, entries: Bytes },
    /// A copy takes the place of a state.
    Replaced { region: RegionId, taking: u64 },
    /// A crash in the midst of that.
    CrashReplacing { region: RegionId, taking: u64 },
    /// A dial comes to its end; `fails` whatever stands at the other.
    Dialled { way: Way, life: u64, fails: bool },
    /// Who dialled learns that the connection is lost.
    OutLost { way: Way, open: u64 },
    /// Who was dialled learns that the connection is lost.
    InLost { way: Way, open: u64 },
    /// A connection over a cut cable has been silent for so long that both ends give it up.
    GivenUp { way: Way, open: u64 },
    /// A sync ends.
    Synced { region: RegionId, life: u64 },
    /// A crash in the midst of a sync.
    Crash { region: RegionId, life: u64 },
    /// A process begins, as the one numbered so.
    Start { region: RegionId, life: u64 },
    /// A request reaches a node.
    Ask { client: ClientId, session: SessionId, bytes: Bytes },
    /// A node learns that a client is gone.
    Leave { region: RegionId, life: u64, session: SessionId },
    /// An answer reaches a client.
    Answer { client: ClientId, session: SessionId, bytes: Bytes },
    /// A client learns that its connection is lost.
    Lose { client: ClientId, session: SessionId },
}
