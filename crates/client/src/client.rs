//! The client: one connection to the region in use, shared by every handle.

use std::sync::Arc;
use std::time::Duration;

use halcyon_types::topology::Topology;
use halcyon_types::{ActorId, KeyspaceId, RegionId, RegionName, UnixMs};
use halcyon_wire::{Body, Outcome, Receipt, Refusal};
use tokio::time::Instant;

use crate::config::{Config, Settings};
use crate::error::{ConnectError, ReadError, UnknownKeyspace, WriteError};
use crate::holders::{Holder, Holders};
use crate::keyspace::Keyspace;
use crate::line::{Connection, Line, Reply};
use crate::mint::now;
use crate::request;
use crate::route::Routes;
use crate::session::Session;
use crate::token::SessionToken;
use crate::transport::{Quic, Transport};
use crate::view::{Located, View};
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

    /// A view whose reads and writes wait until the region in use has seen `token`.
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
        self.inner.token(&self.view()).await
    }

    /// A digest of all rows of the region in use, as of now by this machine's clock. It reads every row there: for tools
    /// and tests.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn digest(&self) -> Result<Digest, ReadError> {
        self.digest_at(now()).await
    }

    /// The same without what has expired by `at`: to compare regions, ask all of them with one time.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn digest_at(&self, at: UnixMs) -> Result<Digest, ReadError> {
        let of_outcome = |outcome| match outcome {
            Outcome::Digest { vv, digest, rows } => Some(Digest { token: vv.into(), digest, rows }),
            _ => None,
        };
        self.inner.read(&Body::Digest { at }, Duration::ZERO, of_outcome).await
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

    pub(crate) const fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    fn view(&self) -> View {
        View { inner: Arc::clone(&self.inner), needs: None }
    }
}

impl Inner {
    /// The number of the keyspace called `name`.
    pub(crate) fn keyspace(&self, name: &str) -> Located<KeyspaceId> {
        let keyspaces = &self.topology.keyspaces;
        let found = keyspaces.iter().find(|keyspace| keyspace.name.as_str() == name);
        found.map(|keyspace| keyspace.id).ok_or_else(|| {
            let known: Vec<_> = keyspaces.iter().map(|keyspace| keyspace.name.as_str()).collect();
            Arc::new(UnknownKeyspace { name: name.to_owned(), known: known.join(", ") })
        })
    }

    /// The number of the region called `name`.
    pub(crate) fn region(&self, name: &str) -> Result<RegionId, WriteError> {
        let regions = &self.topology.regions;
        let found = regions.iter().find(|region| region.name.as_str() == name);
        found.map(|region| region.id).ok_or_else(|| {
            let known: Vec<_> = regions.iter().map(|region| region.name.as_str()).collect();
            WriteError::UnknownRegion { name: name.to_owned(), known: known.join(", ") }
        })
    }

    /// The name of an actor's region, if `regions.toml` has it.
    pub(crate) fn region_of(&self, actor: ActorId) -> Option<RegionName> {
        let id = actor.region()?;
        self.topology.regions.iter().find(|region| region.id == id).map(|region| region.name.clone())
    }

    /// A refusal with the regions in it by name.
    pub(crate) fn refused(&self, refusal: Refusal) -> WriteError {
        let named = |holders: Vec<(ActorId, i128)>| {
            let holder = |(actor, rights)| Holder { region: self.region_of(actor), actor, rights };
            Holders(holders.into_iter().map(holder).collect())
        };
        match refusal {
            Refusal::InsufficientRights { counter, needed, holders, .. } => {
                WriteError::InsufficientRights { counter, needed, holders: named(holders) }
            }
            Refusal::RightsOutstanding { holders, .. } => WriteError::RightsOutstanding { holders: named(holders) },
            refusal => WriteError::Refused(refusal),
        }
    }

    pub(crate) async fn token(&self, view: &View) -> Result<SessionToken, ReadError> {
        let body = Body::Token { session: view.session() };
        let of_outcome = |outcome| if let Outcome::Token(vv) = outcome { Some(vv.into()) } else { None };
        self.read(&body, view.wait(), of_outcome).await
    }

    /// Reads, in any region: a read changes nothing, so it is asked again wherever it goes unanswered.
    pub(crate) async fn read<A>(
        &self,
        body: &Body,
        wait: Duration,
        of_outcome: impl Fn(Outcome) -> Option<A>,
    ) -> Result<A, ReadError> {
        self.read_at(body, wait, of_outcome).await.map(|(answer, ..)| answer)
    }

    /// The same, and where it was answered.
    pub(crate) async fn read_at<A>(
        &self,
        body: &Body,
        wait: Duration,
        of_outcome: impl Fn(Outcome) -> Option<A>,
    ) -> Result<(A, Arc<Line>, Connection), ReadError> {
        let deadline = Instant::now() + self.request_timeout + wait;
        let mut unanswered = None;
        loop {
            let line = match (self.routes.any(deadline).await, unanswered) {
                (Ok(line), _) => line,
                (Err(_), Some((region, why))) => return Err(ReadError::NoAnswer { region, why }),
                (Err(tried), None) => return Err(ReadError::NotReachable { tried }),
            };
            let region = || line.name().clone();
            let connection = line.connection();
            unanswered = match line.ask_on(connection, body, deadline).await {
                Reply::Answer(Err(Refusal::Stopping | Refusal::CatchingUp))
                | Reply::NotUp
                | Reply::Lost { sent: false, .. } => None,
                Reply::Answer(Ok(outcome)) => {
                    // The line hands out no answer of another kind; were it to, it would be no answer.
                    let why = || "its answer is of another kind".to_owned();
                    let answer = of_outcome(outcome);
                    let answer = answer.ok_or_else(|| ReadError::NoAnswer { region: region(), why: why() })?;
                    return Ok((answer, Arc::clone(line), connection));
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
