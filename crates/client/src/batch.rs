//! Batches: several updates, one record.

use std::sync::Arc;

use bytes::Bytes;
use halcyon_crdt::{Object, Op, Update};
use halcyon_types::{KeyspaceId, RequestId};
use halcyon_wire::{Receipt, Write};
use serde::Serialize;

use crate::client::Inner;
use crate::error::{UnknownKeyspace, WriteError};
use crate::mint::request_id;
use crate::register::encode;
use crate::target::Located;

/// Updates that become one record: visible whole or not at all, in every region. In order; at most `UPDATES_MAX` (1024)
/// of them. Its handles only take notes; [`Batch::commit`] sends them. A clone is a second, independent batch.
///
/// ```no_run
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let mut batch = shop.batch();
/// batch.counter("revenue:uk").add(19_800);
/// batch.set("cart:576080").remove("21212").add("22465");
/// batch.register("last:22465").set("576080");
/// batch.map("lines:576080").counter("22465").add(12);
/// let receipt = batch.commit().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Batch {
    inner: Arc<Inner>,
    keyspace: Located<KeyspaceId>,
    request: Option<RequestId>,
    notes: Notes,
}

/// What has been noted so far.
#[derive(Clone, Default)]
struct Notes {
    updates: Vec<Update>,
    /// The first value that could not be encoded.
    failed: Option<String>,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("updates", &self.len()).finish_non_exhaustive()
    }
}

impl Batch {
    pub(crate) fn new(inner: Arc<Inner>, keyspace: Located<KeyspaceId>) -> Self {
        Self { inner, keyspace, request: None, notes: Notes::default() }
    }

    /// The counter at `key`.
    pub fn counter(&mut self, key: impl AsRef<[u8]>) -> BatchCounter<'_> {
        BatchCounter(self.at(key.as_ref()))
    }

    /// The register at `key`.
    pub fn register(&mut self, key: impl AsRef<[u8]>) -> BatchRegister<'_> {
        BatchRegister(self.at(key.as_ref()))
    }

    /// The set at `key`.
    pub fn set(&mut self, key: impl AsRef<[u8]>) -> BatchSet<'_> {
        BatchSet(self.at(key.as_ref()))
    }

    /// The map at `key`.
    pub fn map(&mut self, key: impl AsRef<[u8]>) -> BatchMap<'_> {
        BatchMap(self.at(key.as_ref()))
    }

    /// Deletes whatever is at `key`, of every type.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> &mut Self {
        self.at(key.as_ref()).note(Op::Delete);
        self
    }

    /// Gives the write a name of the application's own, so that it can be committed again after the application itself
    /// was restarted: the region that has seen the id answers with the first commit's receipt. Two different writes must
    /// never share one. Default: a new [`request_id`](crate::request_id()) per commit.
    #[must_use]
    pub const fn request(mut self, id: RequestId) -> Self {
        self.request = Some(id);
        self
    }

    /// How many updates it holds.
    pub fn len(&self) -> usize {
        self.notes.updates.len()
    }

    /// Whether it holds none; committing it would be refused.
    pub fn is_empty(&self) -> bool {
        self.notes.updates.is_empty()
    }

    /// Sends the updates as one record, and waits until it is synced to the region's disk.
    ///
    /// # Errors
    /// [`WriteError`], for all of it or none; `Encode` if a value could not be written.
    pub async fn commit(self) -> Result<Receipt, WriteError> {
        self.keyspace.map_err(|unknown| UnknownKeyspace::clone(&unknown))?;
        if let Some(reason) = self.notes.failed {
            return Err(WriteError::Encode { reason });
        }
        let write = Write { request: self.request.unwrap_or_else(request_id), updates: self.notes.updates };
        self.inner.write(write).await
    }

    fn at(&mut self, key: &[u8]) -> Noting<'_> {
        // Of an unknown keyspace nothing is noted; the commit says why.
        let object = self.keyspace.as_ref().ok();
        Noting {
            object: object.map(|keyspace| Object::new(*keyspace, Bytes::copy_from_slice(key))),
            notes: &mut self.notes,
        }
    }
}

/// An object, and where to note what is done to it.
struct Noting<'a> {
    notes: &'a mut Notes,
    object: Option<Object>,
}

impl Noting<'_> {
    fn note(&mut self, op: Op) {
        if let Some(object) = self.object.clone() {
            self.notes.updates.push(Update { object, op });
        }
    }
}

impl<'a> Noting<'a> {
    fn field(self, field: &[u8]) -> Noting<'a> {
        let field = Bytes::copy_from_slice(field);
        Noting { object: self.object.map(|object| object.field(field)), notes: self.notes }
    }
}

/// A counter of a batch.
pub struct BatchCounter<'a>(Noting<'a>);

impl BatchCounter<'_> {
    /// Adds `amount`, which may be negative.
    pub fn add(&mut self, amount: i64) -> &mut Self {
        self.0.note(Op::Add { amount });
        self
    }

    /// Back to zero; what the batch added before is gone.
    pub fn reset(&mut self) -> &mut Self {
        self.0.note(Op::Reset);
        self
    }
}

/// A register of a batch.
pub struct BatchRegister<'a>(Noting<'a>);

impl BatchRegister<'_> {
    /// Overwrites the value. One that cannot be encoded makes the commit fail, as a whole.
    pub fn set<T: Serialize + ?Sized>(&mut self, value: &T) -> &mut Self {
        match encode(value) {
            Ok(value) => self.0.note(Op::Set { value }),
            Err(error) => {
                self.0.notes.failed.get_or_insert_with(|| error.to_string());
            }
        }
        self
    }

    /// Overwrites the value by bytes as they are.
    pub fn set_bytes(&mut self, value: impl AsRef<[u8]>) -> &mut Self {
        let value = Bytes::copy_from_slice(value.as_ref());
        self.0.note(Op::Set { value });
        self
    }

    /// Deletes the value. What else is at the key stays.
    pub fn delete(&mut self) -> &mut Self {
        self.0.note(Op::Unset);
        self
    }
}

/// A set of a batch.
pub struct BatchSet<'a>(Noting<'a>);

impl BatchSet<'_> {
    /// Adds an element.
    pub fn add(&mut self, element: impl AsRef<[u8]>) -> &mut Self {
        let element = Bytes::copy_from_slice(element.as_ref());
        self.0.note(Op::Insert { element });
        self
    }

    /// Removes an element.
    pub fn remove(&mut self, element: impl AsRef<[u8]>) -> &mut Self {
        let element = Bytes::copy_from_slice(element.as_ref());
        self.0.note(Op::Remove { element });
        self
    }
}

/// A map of a batch.
pub struct BatchMap<'a>(Noting<'a>);

impl<'a> BatchMap<'a> {
    /// The counter in a field.
    pub fn counter(self, field: impl AsRef<[u8]>) -> BatchCounter<'a> {
        BatchCounter(self.0.field(field.as_ref()))
    }

    /// The register in a field.
    pub fn register(self, field: impl AsRef<[u8]>) -> BatchRegister<'a> {
        BatchRegister(self.0.field(field.as_ref()))
    }

    /// The set in a field.
    pub fn set(self, field: impl AsRef<[u8]>) -> BatchSet<'a> {
        BatchSet(self.0.field(field.as_ref()))
    }

    /// The map in a field.
    #[must_use]
    pub fn map(self, field: impl AsRef<[u8]>) -> Self {
        Self(self.0.field(field.as_ref()))
    }

    /// Removes a field and everything below it.
    pub fn remove(self, field: impl AsRef<[u8]>) {
        self.0.field(field.as_ref()).note(Op::Delete);
    }
}
