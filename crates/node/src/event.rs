//! What the driver hears from every task around it.

use halcyon_core::SessionId;
use halcyon_net::LinkHandle;
use halcyon_types::{RegionId, UnixMs};
use halcyon_wire::{PeerMessage, Request};
use tokio::sync::oneshot;

use crate::copying::PageRead;
use crate::faults::LinkChange;
use crate::peers::{OutLink, Sent};
use crate::sessions::Seat;
use crate::status::NodeStatus;

/// One thing that happened.
pub(crate) enum Event {
    /// An application connected.
    SessionOpened { session: SessionId, seat: Seat },
    /// It asks.
    Requests { session: SessionId, requests: Vec<Request> },
    /// It is gone.
    SessionClosed { session: SessionId },
    /// The link that this node dialled stands.
    LinkUp { peer: RegionId, link: OutLink },
    /// A dial failed, or the link that this node dialled is lost.
    LinkDown { peer: RegionId, link: Option<u64> },
    /// A dial ended: the peer does not want this region.
    LinkRefused { peer: RegionId, reason: String },
    /// The link has taken a range of records.
    Sent { peer: RegionId, link: u64, sent: Sent },
    /// A page of a copy has been read.
    PageRead { peer: RegionId, read: PageRead },
    /// A page of a copy has been stored, or could not be.
    Filled { filling: u64, result: Result<(), String> },
    /// A peer's link stands.
    PeerUp { peer: RegionId, link: u64, handle: LinkHandle },
    /// A peer speaks.
    PeerSaid { peer: RegionId, link: u64, messages: Vec<PeerMessage> },
    /// A peer's link is lost.
    PeerDown { peer: RegionId, link: u64 },
    /// The fault API changes a link.
    Fault { peer: RegionId, change: LinkChange, done: oneshot::Sender<()> },
    /// The fault API turns rebalancer and sweeper on or off.
    Background { on: bool, done: oneshot::Sender<()> },
    /// The fault API stops the wall clock at a time, or lets it go again.
    TestClock { at: Option<UnixMs>, done: oneshot::Sender<()> },
    /// Somebody asks how the node is.
    Status { answer: oneshot::Sender<NodeStatus> },
}
