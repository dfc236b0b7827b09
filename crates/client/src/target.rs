//! What every typed handle is made of: an object, and whom to ask about it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use halcyon_crdt::query::{Answer, Page, PageRequest, Query};
use halcyon_crdt::{Object, Op, Update};
use halcyon_types::KeyspaceId;
use halcyon_wire::{Body, Outcome, Receipt, Write};

use crate::client::{Inner, millis};
use crate::error::{ReadError, UnknownKeyspace, WriteError};
use crate::mint::request_id;
use crate::session::Needs;

/// A client, and what its reads wait for.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) inner: Arc<Inner>,
    pub(crate) needs: Option<Arc<Needs>>,
}

/// A keyspace by its number, or the name that has none.
pub(crate) type Located<T> = Result<T, Arc<UnknownKeyspace>>;

/// An object seen through a view.
#[derive(Clone)]
pub(crate) struct Target {
    view: View,
    object: Located<Object>,
}

impl Target {
    pub(crate) fn new(view: View, keyspace: &Located<KeyspaceId>, key: &[u8]) -> Self {
        let object = match keyspace {
            Ok(keyspace) => Ok(Object::new(*keyspace, Bytes::copy_from_slice(key))),
            Err(unknown) => Err(Arc::clone(unknown)),
        };
        Self { view, object }
    }

    pub(crate) fn field(&self, field: &[u8]) -> Self {
        let field = Bytes::copy_from_slice(field);
        Self { view: self.view.clone(), object: self.object.clone().map(|object| object.field(field)) }
    }

    pub(crate) async fn update(&self, op: Op) -> Result<Receipt, WriteError> {
        let object = self.object.clone().map_err(|unknown| UnknownKeyspace::clone(&unknown))?;
        let write = Write { request: request_id(), updates: vec![Update { object, op }] };
        self.view.inner.write(write).await
    }

    pub(crate) async fn query<A>(&self, query: Query, of_answer: fn(Answer) -> Option<A>) -> Result<A, ReadError> {
        let object = self.object.clone().map_err(|unknown| UnknownKeyspace::clone(&unknown))?;
        let needs = self.view.needs.as_deref();
        let wait = needs.map_or(Duration::ZERO, |needs| needs.wait);
        let body = Body::Read { session: needs.map(|needs| needs.token.clone()), wait_ms: millis(wait), object, query };
        let of_outcome = |outcome| match outcome {
            Outcome::Answer(answer) => of_answer(answer),
            Outcome::Written(_) | Outcome::Token(_) | Outcome::Digest { .. } => None,
        };
        self.view.inner.read(&body, wait, of_outcome).await
    }

    pub(crate) async fn page(&self, query: Query) -> Result<Page, ReadError> {
        let of_answer = |answer| match answer {
            Answer::Page(page) => Some(page),
            Answer::Value(_) | Answer::Sum(_) | Answer::Is(_) => None,
        };
        self.query(query, of_answer).await
    }

    /// Every page, one after the other.
    pub(crate) async fn pages(&self, query: fn(PageRequest) -> Query, items_max: u32) -> Result<Vec<Bytes>, ReadError> {
        let (mut items, mut after) = (Vec::new(), None);
        loop {
            let mut page = self.page(query(PageRequest { after, items_max })).await?;
            items.append(&mut page.items);
            after = page.next;
            if after.is_none() {
                return Ok(items);
            }
        }
    }
}

pub(crate) fn page_request(after: Option<&[u8]>, items_max: u32) -> PageRequest {
    PageRequest { after: after.map(Bytes::copy_from_slice), items_max }
}
