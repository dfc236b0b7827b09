//! The peer plane: one-way links between regions.
//!
//! A link has two streams, opened by the dialler: *control* (heartbeats and pulls; goes first) and *records* (bulk).
//! Between the two no order is kept; within each it is. The acceptor's only word is its greeting.

use std::net::{SocketAddr, UdpSocket};

use halcyon_types::limits::PEER_CONNECTIONS_MAX;
use halcyon_types::topology::{Region, Topology};
use halcyon_types::{Address, RegionName};
use quinn::{Connection, Endpoint};

use crate::accept::Acceptor;
use crate::bind::{self, BindError};
use crate::credentials::Credentials;
use crate::dial::{Dial, DialError};
use crate::identity::Identity;
use crate::link::LinkHandle;
use crate::roster::Roster;
use crate::stream::{FrameReader, FrameWriter, GreetingError, Tag, close_unexpected};
use crate::tls::Plane;
use crate::verify::Admits;

/// Heartbeats and pulls overtake records: a stalled bulk must not look like silence.
const CONTROL_PRIORITY: i32 = 1;

/// The sending end of a link. Take it apart: each part goes to whoever owns it.
#[derive(Debug)]
pub struct PeerSender {
    /// Who was dialled and has proved to be it.
    pub region: RegionName,
    /// Heartbeats and pulls.
    pub control: FrameWriter,
    /// Records.
    pub records: FrameWriter,
    /// The connection.
    pub handle: LinkHandle,
}

/// The receiving end of a link. Take it apart: each part goes to whoever owns it.
#[derive(Debug)]
pub struct PeerReceiver {
    /// Who dialled, as its certificate proves.
    pub region: RegionName,
    /// Heartbeats and pulls.
    pub control: FrameReader,
    /// Records.
    pub records: FrameReader,
    /// The connection.
    pub handle: LinkHandle,
}

/// Dials a region's peer address. Success means that it has admitted us.
///
/// # Errors
/// See [`DialError`]: it is sorted by what to do next.
pub async fn dial(own: &Credentials, region: &Region) -> Result<PeerSender, DialError> {
    let dial = Dial { plane: Plane::Peer, own, region: &region.name, address: &region.peer };
    dial.connect(|connection, endpoint| greet(connection, endpoint, region.name.clone())).await
}

async fn greet(connection: Connection, endpoint: Endpoint, region: RegionName) -> Result<PeerSender, GreetingError> {
    let mut control = connection.open_uni().await?;
    let mut records = connection.open_uni().await?;
    // It fails only on a stream that has ended, and then so does the write.
    let _ = control.set_priority(CONTROL_PRIORITY);
    Tag::Control.write(&mut control).await?;
    Tag::Records.write(&mut records).await?;
    let mut greeting = connection.accept_uni().await?;
    if let Err(error) = Tag::Hello.expect(&mut greeting).await {
        close_unexpected(&connection);
        return Err(error);
    }
    let (control, records) = (FrameWriter::new(control), FrameWriter::new(records));
    Ok(PeerSender { region, control, records, handle: LinkHandle::dialled(connection, endpoint) })
}

/// A node's ear for the other regions. Dropping it closes every link that it accepted.
#[derive(Debug)]
pub struct PeerListener {
    acceptor: Acceptor<PeerReceiver>,
    roster: Roster,
}

impl PeerListener {
    /// Listens for the topology's other regions.
    ///
    /// # Errors
    /// The address cannot be bound, or the credentials are not those of a region of the topology.
    pub async fn bind(address: &Address, own: &Credentials, topology: &Topology) -> Result<Self, BindError> {
        Self::from_socket(bind::socket(address).await?, own, topology)
    }

    /// Whom it listens to: from the start the topology's other regions, and whoever is [admitted](Roster::admit) later.
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Listens on a socket that is bound already.
    ///
    /// # Errors
    /// The credentials are not those of a region of the topology, or the socket cannot be used.
    pub fn from_socket(socket: UdpSocket, own: &Credentials, topology: &Topology) -> Result<Self, BindError> {
        let identity = own.identity();
        let (mine, others): (Vec<_>, Vec<_>) = topology
            .regions
            .iter()
            .map(|region| (region.name.clone(), region.id))
            .partition(|(name, _)| identity.role.region() == Some(name));
        if mine.is_empty() || identity.cluster != topology.cluster {
            return Err(BindError::NotARegion { identity: Box::new(identity.clone()) });
        }
        let roster = Roster::default();
        roster.admit(others);
        let admits = Admits::Regions(roster.clone());
        let acceptor = Acceptor::start(Plane::Peer, socket, own, admits, PEER_CONNECTIONS_MAX, welcome)?;
        Ok(Self { acceptor, roster })
    }

    /// The next link of another region; `None` never, unless the socket fails for good. Cancel-safe.
    ///
    /// A region may dial again before its earlier link is known to be lost: which of the two counts is the owner's
    /// choice.
    pub async fn accept(&mut self) -> Option<PeerReceiver> {
        self.acceptor.next().await
    }

    /// Where it listens.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.acceptor.local_address()
    }

    /// Closes every link, saying why, and returns when the other ends have been told.
    pub async fn close(self, reason: &str) {
        self.acceptor.close(reason).await;
    }
}

async fn welcome(connection: Connection, identity: Identity) -> Result<PeerReceiver, GreetingError> {
    let region = identity.role.region().ok_or(GreetingError::Unexpected)?.clone();
    let mut greeting = connection.open_uni().await?;
    Tag::Hello.write(&mut greeting).await?;
    // The byte is on its way; an error here would mean that the stream has ended, and then so has the link.
    let _ = greeting.finish();
    // Streams are accepted in the order in which they were opened.
    let mut control = connection.accept_uni().await?;
    let mut records = connection.accept_uni().await?;
    let greeted = async {
        Tag::Control.expect(&mut control).await?;
        Tag::Records.expect(&mut records).await
    };
    if let Err(error) = greeted.await {
        close_unexpected(&connection);
        return Err(error);
    }
    let (control, records) = (FrameReader::new(control), FrameReader::new(records));
    Ok(PeerReceiver { region, control, records, handle: LinkHandle::accepted(connection) })
}
