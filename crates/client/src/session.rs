//! Sessions: seeing what one has written or seen, in any region.

use std::sync::Arc;
use std::time::Duration;

use halcyon_types::VersionVector;
use halcyon_types::limits::SESSION_WAIT_MAX;

use crate::client::Inner;
use crate::error::ReadError;
use crate::handles::{Key, getters};
use crate::keyspace::Keyspace;
use crate::place::Live;
use crate::token::SessionToken;
use crate::view::View;

const WAIT: Duration = Duration::from_secs(5);
const DEFAULT_KEYSPACE: &str = "default";

/// What a session's requests wait for, how long, and whether its writes know nothing else.
#[derive(Clone)]
pub(crate) struct Needs {
    pub(crate) token: VersionVector,
    pub(crate) wait: Duration,
    pub(crate) as_context: bool,
}

/// A view of the client whose requests wait until the region has seen a token: reads see what the token has seen, and
/// writes come behind it, in every region. The token does not grow by itself: [`SessionToken::join`] later receipts'
/// tokens to it.
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
            .field("as_context", &self.needs.as_context)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn new(inner: Arc<Inner>, token: SessionToken) -> Self {
        let needs = Arc::new(Needs { token: token.into(), wait: WAIT, as_context: false });
        Self { inner, needs }
    }

    /// How long requests wait for the token, on top of the request timeout. Default: 5 s, at most `SESSION_WAIT_MAX`
    /// (30 s). Too low: `NotYet` where a moment's patience would have helped. Too high: callers hang on a region that is
    /// cut off from the others.
    #[must_use]
    pub fn wait(self, wait: Duration) -> Self {
        let needs = Needs { wait: wait.min(SESSION_WAIT_MAX), ..Needs::clone(&self.needs) };
        Self { inner: self.inner, needs: Arc::new(needs) }
    }

    /// The same session with its token as the context of its writes: what they remove, overwrite, reset or delete is what
    /// the token has seen, and nothing newer, though the region may know more by now. For decisions made on what was read
    /// a while ago: a cart as its owner saw it when she pressed "empty".
    ///
    /// Whatever is written directly or in a [`Batch`](crate::Batch) goes by it; a [`Transaction`](crate::Transaction) goes
    /// by its own moment. A counter that was added to since, in the same life, cannot be reset so: the write is refused as
    /// `StaleContext`; read again and use the newer token.
    ///
    /// ```no_run
    /// # async fn example(db: halcyon_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let shown = db.token().await?;
    /// let cart = db.session(shown.clone()).set("cart:576080").members().await?;
    /// // … a while later, when its owner says so:
    /// db.session(shown).as_context().set("cart:576080").clear().await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn as_context(self) -> Self {
        let needs = Needs { as_context: true, ..Needs::clone(&self.needs) };
        Self { inner: self.inner, needs: Arc::new(needs) }
    }

    /// The token that its requests wait for.
    pub fn seen(&self) -> SessionToken {
        self.needs.token.clone().into()
    }

    /// Waits until the region has seen the session's token, and answers all that it has seen by then.
    ///
    /// # Errors
    /// [`ReadError`]; `Refused(NotYet)` when the wait was too short.
    pub async fn token(&self) -> Result<SessionToken, ReadError> {
        self.inner.token(&self.view()).await
    }

    /// The keyspace called `name`, seen through this session.
    pub fn keyspace(&self, name: &str) -> Keyspace {
        Keyspace::named(self.view(), name)
    }

    getters!(Live, [&self], self, "at `key` of the keyspace `default`, or of the only one");

    /// The key itself, of the keyspace `default`, or of the only one: its deadline, and all that is there.
    pub fn key(&self, key: impl AsRef<[u8]>) -> Key<Live> {
        Key::new(self.at(key.as_ref()))
    }

    fn at(&self, key: &[u8]) -> Live {
        let name = match self.inner.topology.keyspaces.as_slice() {
            [only] => only.name.as_str(),
            _ => DEFAULT_KEYSPACE,
        };
        Live::new(self.view(), &self.inner.keyspace(name), key)
    }

    fn view(&self) -> View {
        View { inner: Arc::clone(&self.inner), needs: Some(Arc::clone(&self.needs)) }
    }
}
