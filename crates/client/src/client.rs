//! The client: one connection to the region in use, shared by every handle.

use std::sync::Arc;
use std::time::Duration;

use halcyon_types::RegionName;
use halcyon_types::topology::Topology;
use halcyon_wire::{Body, Outcome, Receipt, Refusal};
use tokio::time::Instant;

use crate::config::{Config, Settings};
use crate::error::{ConnectError, ReadError, WriteError};
use crate::keyspace::Keyspace;
use crate::line::Reply;
use crate::request;
use crate::route::Routes;
use crate::session::{Needs, Session};
use crate::target::View;
use crate::token::SessionToken;
use crate::transport::{Quic, Transport};
use crate::write::Unanswered;

/// A cluster, through the region in use. Clones are cheap and share its connections, which end with the last clone and
/// handle.
///
/// ```no_run
/// # async fn example(config: halcyon_client::Config) -> Result<(), Box<dyn std::error::Error>> {
/// let db = halcyon_client::Client::connect(config.region("eu-west")).await?;
/// println!("{} has seen {}", db.region(), db.token().await?);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("region", &self.region()).finish_non_exhaustive()
    }
}

/// What every handle shares.
pub(crate) struct Inner {
    pub(crate) routes: Routes,
    pub(crate) topology: Topology,
    pub(crate) request_timeout: Duration,
}

/// A region's rows in 32 bytes. Regions whose tokens are equal have equal digests (promise P3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// What the region had seen.
    pub token: SessionToken,
    /// BLAKE3 over every row, in key order.
    pub digest: [u8; 32],
    /// How many rows.
    pub rows: u64,
}

impl Client {
    /// Connects to the preferred or the nearest region. Must be called on a tokio runtime, on which the connections then
    /// live; handles may be used from any.
    ///
    /// # Errors
    /// [`ConnectError`]; no connection is left.
    pub async fn connect(config: Config) -> Result<Self, ConnectError> {
        let quic = Quic::new(config.credentials.clone());
        Self::connect_over(quic, config.topology, &config.settings).await
    }

    pub(crate) async fn connect_over<T: Transport>(
        transport: T,
        topology: Topology,
        settings: &Settings,
    ) -> Result<Self, ConnectError> {
        let routes = Routes::connect(Arc::new(transport), &topology, settings).await?;
        let inner = Inner { routes, topology, request_timeout: settings.request_timeout };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The keyspace called `name`. A name that the cluster does not have is reported by the first operation, as
    /// `UnknownKeyspace`.
    pub fn keyspace(&self, name: &str) -> Keyspace {
        Keyspace::named(self.view(), name)
    }

    /// A view whose reads wait until the region in use has seen `token`.
    pub fn session(&self, token: impl Into<SessionToken>) -> Session {
        Session::new(Arc::clone(&self.inner), token.into())
    }

    /// The region in use, or the one that would be used if any could be reached.
    pub fn region(&self) -> &RegionName {
        self.inner.routes.current().name()
    }

    /// What the region in use has seen: the token of a session that begins here and now.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn token(&self) -> Result<SessionToken, ReadError> {
        self.inner.token(None).await
    }

    /// A digest of all rows of the region in use. It reads every row there: for tools and tests.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn digest(&self) -> Result<Digest, ReadError> {
        let of_outcome = |outcome| match outcome {
            Outcome::Digest { vv, digest, rows } => Some(Digest { token: vv.into(), digest, rows }),
            Outcome::Written(_) | Outcome::Answer(_) | Outcome::Token(_) => None,
        };
        self.inner.read(&Body::Digest, Duration::ZERO, of_outcome).await
    }

    /// Sends an unanswered write again: the same id, to the same region. It takes effect at most once, however often it
    /// was sent.
    ///
    /// ```no_run
    /// # use halcyon_client::{Keyspace, Client, Receipt, WriteError};
    /// # async fn example(db: Client, shop: Keyspace) -> Result<Receipt, WriteError> {
    /// match shop.counter("net:22465").add(12).await {
    ///     Err(WriteError::OutcomeUnknown(unanswered)) => db.retry(unanswered).await,
    ///     settled => settled,
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`WriteError`]; `OutcomeUnknown` again if the region still cannot tell.
    pub async fn retry(&self, unanswered: Unanswered) -> Result<Receipt, WriteError> {
        self.inner.retry(unanswered).await
    }

    fn view(&self) -> View {
        View { inner: Arc::clone(&self.inner), needs: None }
    }
}

impl Inner {
    pub(crate) async fn token(&self, needs: Option<&Needs>) -> Result<SessionToken, ReadError> {
        let session = needs.map(|needs| needs.token.clone());
        let wait = needs.map_or(Duration::ZERO, |needs| needs.wait);
        let body = Body::Token { session, wait_ms: millis(wait) };
        let of_outcome = |outcome| match outcome {
            Outcome::Token(vv) => Some(vv.into()),
            Outcome::Written(_) | Outcome::Answer(_) | Outcome::Digest { .. } => None,
        };
        self.read(&body, wait, of_outcome).await
    }

    /// Reads, in any region: a read changes nothing, so it is asked again wherever it goes unanswered.
    pub(crate) async fn read<A>(
        &self,
        body: &Body,
        wait: Duration,
        of_outcome: impl Fn(Outcome) -> Option<A>,
    ) -> Result<A, ReadError> {
        let deadline = Instant::now() + self.request_timeout + wait;
        let mut unanswered = None;
        loop {
            let line = match (self.routes.any(deadline).await, unanswered) {
                (Ok(line), _) => line,
                (Err(_), Some((region, why))) => return Err(ReadError::NoAnswer { region, why }),
                (Err(tried), None) => return Err(ReadError::NotReachable { tried }),
            };
            let region = || line.name().clone();
            unanswered = match line.ask(body, deadline).await {
                Reply::Answer(Err(Refusal::Stopping)) | Reply::NotUp | Reply::Lost { sent: false, .. } => None,
                Reply::Answer(Ok(outcome)) => {
                    // The line hands out no answer of another kind; were it to, it would be no answer.
                    let why = || "its answer is of another kind".to_owned();
                    return of_outcome(outcome).ok_or_else(|| ReadError::NoAnswer { region: region(), why: why() });
                }
                Reply::Answer(Err(refusal)) => return Err(ReadError::Refused(refusal)),
                Reply::Lost { sent: true, why } => Some((region(), why.to_string())),
                Reply::TimedOut { sent: true } => {
                    let why = format!("nothing for {} ms", millis(self.request_timeout + wait));
                    return Err(ReadError::NoAnswer { region: region(), why });
                }
                Reply::TimedOut { sent: false } => {
                    return Err(ReadError::NotReachable { tried: vec![line.crowded()] });
                }
                Reply::TooLarge(error) => return Err(ReadError::Refused(request::too_large(error))),
            };
        }
    }
}

pub(crate) fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
