//! Sessions: reading what one has written or seen, in any region.

use std::sync::Arc;
use std::time::Duration;

use halcyon_types::VersionVector;
use halcyon_types::limits::SESSION_WAIT_MAX;

use crate::client::Inner;
use crate::counter::Counter;
use crate::error::ReadError;
use crate::keyspace::Keyspace;
use crate::map::Map;
use crate::register::Register;
use crate::set::Set;
use crate::target::View;
use crate::token::SessionToken;

const WAIT: Duration = Duration::from_secs(5);
const DEFAULT_KEYSPACE: &str = "default";

/// What a session's reads wait for, and how long.
pub(crate) struct Needs {
    pub(crate) token: VersionVector,
    pub(crate) wait: Duration,
}

/// A view of the client whose reads wait until the region has seen a token; its writes are ordinary ones. The token does
/// not grow by itself: [`SessionToken::join`] later receipts' tokens to it.
///
/// The typed handles are those of the keyspace `default`, or of the only keyspace.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example(db: halcyon_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let receipt = db.keyspace("default").counter("net:22465").add(12).await?;
/// let session = db.session(receipt.token).wait(Duration::from_secs(1));
/// assert!(session.counter("net:22465").get().await? >= 12);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
    needs: Arc<Needs>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("token", &self.needs.token)
            .field("wait", &self.needs.wait)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn new(inner: Arc<Inner>, token: SessionToken) -> Self {
        let token = token.into();
        let needs = Arc::new(Needs { token, wait: WAIT });
        Self { inner, needs }
    }

    /// How long reads wait for the token, on top of the request timeout. Default: 5 s, at most `SESSION_WAIT_MAX` (30 s).
    /// Too low: `NotYet` where a moment's patience would have helped. Too high: callers hang on a region that is cut off
    /// from the others.
    #[must_use]
    pub fn wait(self, wait: Duration) -> Self {
        let needs = Needs { token: self.needs.token.clone(), wait: wait.min(SESSION_WAIT_MAX) };
        Self { inner: self.inner, needs: Arc::new(needs) }
    }

    /// The token that its reads wait for.
    pub fn seen(&self) -> SessionToken {
        self.needs.token.clone().into()
    }

    /// Waits until the region has seen the session's token, and answers all that it has seen by then.
    ///
    /// # Errors
    /// [`ReadError`]; `Refused(NotYet)` when the wait was too short.
    pub async fn token(&self) -> Result<SessionToken, ReadError> {
        self.inner.token(Some(&self.needs)).await
    }

    /// The keyspace called `name`, seen through this session.
    pub fn keyspace(&self, name: &str) -> Keyspace {
        Keyspace::named(self.view(), name)
    }

    /// A counter of the keyspace `default`, or of the only one.
    pub fn counter(&self, key: impl AsRef<[u8]>) -> Counter {
        self.default_keyspace().counter(key)
    }

    /// A register of the keyspace `default`, or of the only one.
    pub fn register(&self, key: impl AsRef<[u8]>) -> Register {
        self.default_keyspace().register(key)
    }

    /// A set of the keyspace `default`, or of the only one.
    pub fn set(&self, key: impl AsRef<[u8]>) -> Set {
        self.default_keyspace().set(key)
    }

    /// A map of the keyspace `default`, or of the only one.
    pub fn map(&self, key: impl AsRef<[u8]>) -> Map {
        self.default_keyspace().map(key)
    }

    fn default_keyspace(&self) -> Keyspace {
        match self.inner.topology.keyspaces.as_slice() {
            [only] => self.keyspace(only.name.as_str()),
            _ => self.keyspace(DEFAULT_KEYSPACE),
        }
    }

    fn view(&self) -> View {
        View { inner: Arc::clone(&self.inner), needs: Some(Arc::clone(&self.needs)) }
    }
}
