//! The client plane: an application or an operator at a region's node, over one stream that goes both ways.

use std::net::{SocketAddr, UdpSocket};

use halcyon_types::Address;
use halcyon_types::ClusterName;
use halcyon_types::limits::CONNECTIONS_MAX;
use halcyon_types::topology::Region;
use quinn::{Connection, Endpoint};

use crate::accept::Acceptor;
use crate::bind::{self, BindError};
use crate::credentials::Credentials;
use crate::dial::{Dial, DialError};
use crate::identity::{Identity, Role};
use crate::link::LinkHandle;
use crate::stream::{FrameReader, FrameWriter, GreetingError, Tag, close_unexpected};
use crate::tls::Plane;
use crate::verify::Admits;

/// One end of a client's connection. Take it apart: each part goes to whoever owns it.
#[derive(Debug)]
pub struct Session {
    /// Who is at the other end, as its certificate proves: a client or an admin to the node, a region to the client.
    pub identity: Identity,
    /// What the other end says.
    pub reader: FrameReader,
    /// What this end says.
    pub writer: FrameWriter,
    /// The connection.
    pub handle: LinkHandle,
}

/// Dials a region's client address. Success means that it has admitted us.
///
/// # Errors
/// See [`DialError`]: it is sorted by what to do next.
pub async fn dial(own: &Credentials, region: &Region) -> Result<Session, DialError> {
    let dial = Dial { plane: Plane::Client, own, region: &region.name, address: &region.client };
    let cluster = &own.identity().cluster;
    dial.connect(|connection, endpoint| greet(connection, endpoint, cluster.clone(), Role::Region(region.name.clone())))
        .await
}

async fn greet(
    connection: Connection,
    endpoint: Endpoint,
    cluster: ClusterName,
    role: Role,
) -> Result<Session, GreetingError> {
    let (mut send, mut receive) = connection.open_bi().await?;
    // The other end learns of the stream by its first byte.
    Tag::Hello.write(&mut send).await?;
    if let Err(error) = Tag::Hello.expect(&mut receive).await {
        close_unexpected(&connection);
        return Err(error);
    }
    let (reader, writer) = (FrameReader::new(receive), FrameWriter::new(send));
    Ok(Session {
        identity: Identity { cluster, role },
        reader,
        writer,
        handle: LinkHandle::dialled(connection, endpoint),
    })
}

/// A node's ear for applications. Dropping it closes every session that it accepted.
#[derive(Debug)]
pub struct ClientListener {
    acceptor: Acceptor<Session>,
}

impl ClientListener {
    /// Listens for the cluster's clients and admins, up to `CONNECTIONS_MAX` at a time.
    ///
    /// # Errors
    /// The address cannot be bound, or the credentials are not a region's.
    pub async fn bind(address: &Address, own: &Credentials) -> Result<Self, BindError> {
        Self::from_socket(bind::socket(address).await?, own, CONNECTIONS_MAX)
    }

    /// Listens on a socket that is bound already, for at most `connections_max` at a time.
    ///
    /// # Errors
    /// The credentials are not a region's, or the socket cannot be used.
    pub fn from_socket(socket: UdpSocket, own: &Credentials, connections_max: usize) -> Result<Self, BindError> {
        let acceptor = Acceptor::start(Plane::Client, socket, own, Admits::Clients, connections_max, welcome)?;
        Ok(Self { acceptor })
    }

    /// The next session; `None` never, unless the socket fails for good. Cancel-safe.
    pub async fn accept(&mut self) -> Option<Session> {
        self.acceptor.next().await
    }

    /// Where it listens.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.acceptor.local_address()
    }

    /// Closes every session, saying why, and returns when the other ends have been told.
    pub async fn close(self, reason: &str) {
        self.acceptor.close(reason).await;
    }
}

async fn welcome(connection: Connection, identity: Identity) -> Result<Session, GreetingError> {
    let (mut send, mut receive) = connection.accept_bi().await?;
    if let Err(error) = Tag::Hello.expect(&mut receive).await {
        close_unexpected(&connection);
        return Err(error);
    }
    Tag::Hello.write(&mut send).await?;
    let (reader, writer) = (FrameReader::new(receive), FrameWriter::new(send));
    Ok(Session { identity, reader, writer, handle: LinkHandle::accepted(connection) })
}
