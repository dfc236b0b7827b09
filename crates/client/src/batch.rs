//! Batches: several updates, one record.

use halcyon_crdt::Update;
use halcyon_types::{KeyspaceId, RegionId, RequestId};
use halcyon_wire::Receipt;

use crate::buffer::{Buffer, BufferedKeyspace, Notes};
use crate::error::WriteError;
use crate::handles::{Key, getters};
use crate::mint::request_id;
use crate::place::Buffered;
use crate::view::{Located, View, located};

/// Updates that become one record: visible whole or not at all, in every region. In order; at most `UPDATES_MAX` (1024)
/// of them. Its handles only take notes; [`Batch::commit`] sends them. It reads nothing: updates that depend on what is
/// there want a [`Transaction`](crate::Transaction). A clone is a second, independent batch.
///
/// ```no_run
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let mut batch = shop.batch();
/// batch.counter("revenue:uk").add(19_800);
/// batch.set("cart:576080").remove("21212").add("22465");
/// batch.register("last:22465").set("576080");
/// batch.map("lines:576080").field("22465").counter().add(12);
/// batch.keyspace("audit").list("sales").push_back("576080");
/// let receipt = batch.commit().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Batch {
    view: View,
    keyspace: Located<KeyspaceId>,
    request: Option<RequestId>,
    notes: Notes,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("updates", &self.len()).finish_non_exhaustive()
    }
}

impl Batch {
    pub(crate) fn new(view: View, keyspace: Located<KeyspaceId>) -> Self {
        Self { view, keyspace, request: None, notes: Notes::default() }
    }

    getters!(Buffered<'_, Self>, [&mut self], self, "at `key`");

    /// The key itself: its deadline, and all that is there.
    pub fn key(&mut self, key: impl AsRef<[u8]>) -> Key<Buffered<'_, Self>> {
        Key::new(self.at(key.as_ref()))
    }

    /// Another keyspace. What is noted there becomes part of the same record.
    pub fn keyspace(&mut self, name: &str) -> BufferedKeyspace<'_, Self> {
        let id = self.view.inner.keyspace(name);
        BufferedKeyspace::new(self, id)
    }

    /// Deletes whatever is at `key`, of every type.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> &mut Self {
        self.key(key).delete();
        self
    }

    /// Notes an update as the wire has it (see [`raw`](crate::raw)).
    pub fn note(&mut self, update: Update) -> &mut Self {
        self.notes.take(Ok(update));
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
    pub const fn len(&self) -> usize {
        self.notes.len()
    }

    /// Whether it holds none; committing it is refused.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sends the updates as one record, and waits until it is synced to the region's disk.
    ///
    /// # Errors
    /// [`WriteError`], for all of it or none; the first note that could not be taken (`Encode`, `UnknownKeyspace`,
    /// `UnknownRegion`) fails it as a whole, unsent.
    pub async fn commit(mut self) -> Result<Receipt, WriteError> {
        located::<_, WriteError>(&self.keyspace)?;
        let updates = self.notes.finish()?;
        self.view.submit_as(self.request.unwrap_or_else(request_id), updates).await
    }

    fn at(&mut self, key: &[u8]) -> Buffered<'_, Self> {
        let keyspace = self.keyspace.clone();
        Buffered::new(self, &keyspace, key)
    }
}

impl Buffer for Batch {
    fn notes(&mut self) -> &mut Notes {
        &mut self.notes
    }

    fn region_called(&self, name: &str) -> Result<RegionId, WriteError> {
        self.view.inner.region(name)
    }
}
