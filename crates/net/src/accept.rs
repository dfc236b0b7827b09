//! The accepting half of both planes: many handshakes at once, each with a deadline, none of them in another's way.
//!
//! Whoever has not proved who they are can hold at most one of `HANDSHAKES_MAX` places for `HANDSHAKE_TIMEOUT`; past
//! half of the places a caller must first show that its address is its own. Admitted connections wait in a bounded
//! queue for the owner, who therefore never waits for a stranger.

use std::future::Future;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use halcyon_types::limits::{HANDSHAKE_TIMEOUT, HANDSHAKES_MAX};
use quinn::crypto::rustls::HandshakeData;
use quinn::{Connection, Endpoint, Incoming, TokioRuntime, VarInt};
use rustls::pki_types::CertificateDer;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tracing::debug;

use crate::bind::BindError;
use crate::credentials::Credentials;
use crate::identity::Identity;
use crate::stream::GreetingError;
use crate::tls::{self, Plane};
use crate::transport::{self, End};
use crate::verify::Admits;

/// Admitted connections that wait for the owner.
const ARRIVALS_MAX: usize = 16;

/// A bound socket and what has been admitted on it.
#[derive(Debug)]
pub(crate) struct Acceptor<T> {
    endpoint: Endpoint,
    arrivals: mpsc::Receiver<T>,
    task: JoinHandle<()>,
}

impl<T: Send + 'static> Acceptor<T> {
    /// Begins to accept. `welcome` does what the plane wants between the handshake and the first frame.
    pub(crate) fn start<F>(
        plane: Plane,
        socket: UdpSocket,
        own: &Credentials,
        admits: Admits,
        connections_max: usize,
        welcome: impl Fn(Connection, Identity) -> F + Clone + Send + 'static,
    ) -> Result<Self, BindError>
    where
        F: Future<Output = Result<T, GreetingError>> + Send + 'static,
    {
        if own.identity().role.region().is_none() {
            return Err(BindError::NotARegion { identity: Box::new(own.identity().clone()) });
        }
        let mut config = quinn::ServerConfig::with_crypto(tls::server(plane, own, admits)?);
        config.transport_config(transport::transport(plane, End::Acceptor));
        transport::bound_listener(&mut config);
        let address = socket.local_addr().map_err(|error| BindError::of_io(&"(the socket)", error))?;
        let endpoint = Endpoint::new(own.reset().endpoint(plane), Some(config), socket, Arc::new(TokioRuntime))
            .map_err(|error| BindError::of_io(&address, error))?;

        let (admitted, arrivals) = mpsc::channel(ARRIVALS_MAX);
        let task = tokio::spawn(accept_all(plane, endpoint.clone(), connections_max, admitted, welcome));
        Ok(Self { endpoint, arrivals, task })
    }
}

impl<T> Acceptor<T> {
    /// The next admitted connection; `None` once closed. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<T> {
        self.arrivals.recv().await
    }

    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        self.endpoint.local_addr().ok()
    }

    /// Ends every connection, saying why, and returns when the other ends have been told.
    pub(crate) async fn close(self, reason: &str) {
        self.task.abort();
        self.endpoint.close(VarInt::from_u32(0), reason.as_bytes());
        self.endpoint.wait_idle().await;
    }
}

impl<T> Drop for Acceptor<T> {
    fn drop(&mut self) {
        self.task.abort();
        self.endpoint.close(VarInt::from_u32(0), b"the listener has gone");
    }
}

async fn accept_all<T, F>(
    plane: Plane,
    endpoint: Endpoint,
    connections_max: usize,
    admitted: mpsc::Sender<T>,
    welcome: impl Fn(Connection, Identity) -> F + Clone + Send + 'static,
) where
    T: Send + 'static,
    F: Future<Output = Result<T, GreetingError>> + Send + 'static,
{
    let mut handshakes = JoinSet::new();
    loop {
        let incoming = tokio::select! {
            Some(_) = handshakes.join_next() => continue,
            incoming = endpoint.accept() => incoming,
        };
        let Some(incoming) = incoming else { return };
        let from = incoming.remote_address();
        // The endpoint counts those under way and those that are being closed, too.
        if handshakes.len() >= HANDSHAKES_MAX || endpoint.open_connections() >= connections_max {
            debug!(%from, "refused: no place free");
            incoming.refuse();
        } else if handshakes.len() >= HANDSHAKES_MAX / 2 && incoming.may_retry() {
            // An error means that it may not be asked again, which was tested just now.
            let _ = incoming.retry();
        } else {
            let (welcome, admitted) = (welcome.clone(), admitted.clone());
            handshakes.spawn(async move {
                match tokio::time::timeout(HANDSHAKE_TIMEOUT, shake_hands(plane, incoming, welcome)).await {
                    // The owner has gone if nobody takes it; dropping it closes it.
                    Ok(Ok(arrival)) => drop(admitted.send(arrival).await),
                    Ok(Err(error)) => debug!(%from, %error, "not admitted"),
                    Err(_) => debug!(%from, "not admitted: the handshake took too long"),
                }
            });
        }
    }
}

async fn shake_hands<T, F>(
    plane: Plane,
    incoming: Incoming,
    welcome: impl Fn(Connection, Identity) -> F,
) -> Result<T, GreetingError>
where
    F: Future<Output = Result<T, GreetingError>>,
{
    let connection = incoming.accept()?.await?;
    let identity = identity_of(plane, &connection).ok_or(GreetingError::Unexpected)?;
    welcome(connection, identity).await
}

/// Whom the handshake proved. The verifier has judged it already; here it is read once more, with the protocol that
/// the verifier could not see.
fn identity_of(plane: Plane, connection: &Connection) -> Option<Identity> {
    let handshake = connection.handshake_data()?.downcast::<HandshakeData>().ok()?;
    let chain = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    let named = Identity::of_certificate(chain.first()?).ok()?;
    (handshake.protocol.as_deref() == Some(plane.alpn())).then_some(named)
}
