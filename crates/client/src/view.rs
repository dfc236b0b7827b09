//! Whom to ask, and what must have been seen: what every handle, batch and transaction looks through.

use std::sync::Arc;
use std::time::Duration;

use halcyon_crdt::{Answer, KeyInfo, Object, Page, PageRequest, Query, Update};
use halcyon_types::{KeyspaceId, RequestId};
use halcyon_wire::{Body, Outcome, Receipt, Seen, Write};

use crate::client::{Inner, millis};
use crate::error::{ReadError, UnknownKeyspace, WriteError};
use crate::mint::request_id;
use crate::session::Needs;

/// A keyspace or an object, or the name of the keyspace that the cluster does not have.
pub(crate) type Located<T> = Result<T, Arc<UnknownKeyspace>>;

/// A client, and what its requests wait for.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) inner: Arc<Inner>,
    pub(crate) needs: Option<Arc<Needs>>,
}

/// What was located, or an error of whatever operation wanted it.
pub(crate) fn located<T: Clone, E: From<UnknownKeyspace>>(located: &Located<T>) -> Result<T, E> {
    located.clone().map_err(|unknown| UnknownKeyspace::clone(&unknown).into())
}

impl View {
    /// What the region must have seen first.
    pub(crate) fn session(&self) -> halcyon_wire::Session {
        self.needs.as_deref().map_or_else(halcyon_wire::Session::default, |needs| halcyon_wire::Session {
            token: needs.token.clone(),
            wait_ms: millis(needs.wait),
        })
    }

    /// How long that may take.
    pub(crate) fn wait(&self) -> Duration {
        self.needs.as_deref().map_or(Duration::ZERO, |needs| needs.wait)
    }

    /// Commits updates as one record.
    pub(crate) async fn submit(&self, updates: Vec<Update>) -> Result<Receipt, WriteError> {
        self.submit_as(request_id(), updates).await
    }

    /// The same under a name of the application's own.
    pub(crate) async fn submit_as(&self, request: RequestId, updates: Vec<Update>) -> Result<Receipt, WriteError> {
        let as_context = self.needs.as_deref().is_some_and(|needs| needs.as_context);
        let seen = if as_context { Seen::Session } else { Seen::Present };
        self.inner.write(Write { request, session: self.session(), seen, updates }).await
    }

    pub(crate) async fn query<A>(
        &self,
        object: Object,
        query: Query,
        of_answer: fn(Answer) -> Option<A>,
    ) -> Result<A, ReadError> {
        let body = Body::Read { session: self.session(), within: None, object, query };
        let of_outcome = |outcome| if let Outcome::Answer(answer) = outcome { of_answer(answer) } else { None };
        self.inner.read(&body, self.wait(), of_outcome).await
    }

    pub(crate) async fn scan(
        &self,
        keyspace: KeyspaceId,
        beginning: Vec<u8>,
        page: PageRequest,
    ) -> Result<Page<KeyInfo>, ReadError> {
        let body = Body::Scan { session: self.session(), keyspace, beginning, page };
        let of_outcome = |outcome| if let Outcome::Keys(page) = outcome { Some(page) } else { None };
        self.inner.read(&body, self.wait(), of_outcome).await
    }
}
