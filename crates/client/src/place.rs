//! Where a handle is, and how it acts: at once, or noted in a batch or transaction.
//!
//! Every typed handle has one of these inside. What can be *done* through a handle depends on it: a [`Live`] handle sends
//! each operation and waits for the receipt; a [`Buffered`] one takes a note. What can be *read* is the same for all that
//! are [`Readable`].

use std::future::Future;

use bytes::Bytes;
use halcyon_crdt::{Answer, Object, Op, PageRequest, Query, Update};
use halcyon_types::{ActorId, KeyspaceId, RegionName};
use halcyon_wire::Receipt;

use crate::buffer::Buffer;
use crate::error::{ReadError, WriteError};
use crate::transaction::Transaction;
use crate::view::{Located, View, located};

/// The place of a handle whose operations are sent one by one, each a record of its own: those of a
/// [`Keyspace`](crate::Keyspace) or a [`Session`](crate::Session).
#[derive(Clone)]
pub struct Live {
    pub(crate) view: View,
    pub(crate) object: Located<Object>,
}

/// The place of a handle that only takes notes, in a [`Batch`](crate::Batch) or a [`Transaction`].
pub struct Buffered<'a, B> {
    pub(crate) buffer: &'a mut B,
    pub(crate) object: Located<Object>,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Live {}
    impl Sealed for super::Buffered<'_, super::Transaction> {}
}

/// A place that can be read: [`Live`], and [`Buffered`] in a [`Transaction`], where reads see its snapshot and its own
/// notes. Nothing else can be one.
pub trait Readable: sealed::Sealed {
    /// Asks; the handles' methods are made of this.
    #[doc(hidden)]
    fn ask<A: Send>(
        &self,
        query: Query,
        of_answer: fn(Answer) -> Option<A>,
    ) -> impl Future<Output = Result<A, ReadError>> + Send;

    /// The region that an actor belongs to, if `regions.toml` names it.
    #[doc(hidden)]
    fn region(&self, actor: ActorId) -> Option<RegionName>;
}

impl Live {
    pub(crate) fn new(view: View, keyspace: &Located<KeyspaceId>, key: &[u8]) -> Self {
        Self { view, object: object(keyspace, key) }
    }

    pub(crate) fn field(&self, field: &[u8]) -> Self {
        Self { view: self.view.clone(), object: below(self.object.clone(), field) }
    }

    pub(crate) async fn update(&self, op: Op) -> Result<Receipt, WriteError> {
        let object = located::<_, WriteError>(&self.object)?;
        self.view.submit(vec![Update { object, op }]).await
    }
}

impl Readable for Live {
    async fn ask<A: Send>(&self, query: Query, of_answer: fn(Answer) -> Option<A>) -> Result<A, ReadError> {
        self.view.query(located::<_, ReadError>(&self.object)?, query, of_answer).await
    }

    fn region(&self, actor: ActorId) -> Option<RegionName> {
        self.view.inner.region_of(actor)
    }
}

impl<'a, B: Buffer> Buffered<'a, B> {
    pub(crate) fn new(buffer: &'a mut B, keyspace: &Located<KeyspaceId>, key: &[u8]) -> Self {
        Self { buffer, object: object(keyspace, key) }
    }

    pub(crate) fn field(self, field: &[u8]) -> Self {
        Self { buffer: self.buffer, object: below(self.object, field) }
    }

    pub(crate) fn note(&mut self, op: Result<Op, WriteError>) {
        Self::note_at(self.buffer, &self.object, op);
    }

    pub(crate) fn note_below(&mut self, field: &[u8], op: Op) {
        Self::note_at(self.buffer, &below(self.object.clone(), field), Ok(op));
    }

    fn note_at(buffer: &mut B, object: &Located<Object>, op: Result<Op, WriteError>) {
        let update = located(object).and_then(|object| Ok(Update { object, op: op? }));
        buffer.notes().take(update);
    }
}

impl Readable for Buffered<'_, Transaction> {
    async fn ask<A: Send>(&self, query: Query, of_answer: fn(Answer) -> Option<A>) -> Result<A, ReadError> {
        self.buffer.ask(located::<_, ReadError>(&self.object)?, query, of_answer).await
    }

    fn region(&self, actor: ActorId) -> Option<RegionName> {
        self.buffer.region_of(actor)
    }
}

fn object(keyspace: &Located<KeyspaceId>, key: &[u8]) -> Located<Object> {
    keyspace.clone().map(|keyspace| Object::new(keyspace, Bytes::copy_from_slice(key)))
}

fn below(object: Located<Object>, field: &[u8]) -> Located<Object> {
    object.map(|object| object.field(Bytes::copy_from_slice(field)))
}

pub(crate) fn page_request(after: Option<&[u8]>, items_max: u32) -> PageRequest {
    PageRequest { after: after.map(Bytes::copy_from_slice), items_max }
}
