//! A named group of keys.

use bytes::Bytes;
use halcyon_crdt::{Answer, KeyInfo, Object, Page, Query, Update};
use halcyon_types::KeyspaceId;
use halcyon_wire::Receipt;

use crate::batch::Batch;
use crate::error::{ReadError, UnknownKeyspace, WriteError};
use crate::handles::{Key, PAGE_ITEMS, getters};
use crate::place::{Live, page_request};
use crate::transaction::Transaction;
use crate::view::{Located, View, located};

/// A keyspace, seen through a client or a session. Keys are 1 to `KEY_BYTES_MAX` (1024) bytes.
///
/// ```no_run
/// # async fn example(db: halcyon_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let shop = db.keyspace("default");
/// shop.counter("net:22465").add(12).await?;
/// shop.set("cart:576080").add("22465").await?;
/// for found in shop.keys("cart:").await? {
///     println!("{:?}: {:?}", found.key, found.kinds);
/// }
/// shop.delete("cart:576080").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Keyspace {
    view: View,
    id: Located<KeyspaceId>,
}

impl std::fmt::Debug for Keyspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyspace").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Keyspace {
    pub(crate) fn named(view: View, name: &str) -> Self {
        let id = view.inner.keyspace(name);
        Self { view, id }
    }

    getters!(Live, [&self], self, "at `key`");

    /// The key itself: its deadline, and all that is there.
    pub fn key(&self, key: impl AsRef<[u8]>) -> Key<Live> {
        Key::new(self.at(key.as_ref()))
    }

    /// Deletes whatever is at `key`, of every type. What others write there meanwhile, in any region, survives.
    ///
    /// # Errors
    /// [`WriteError`]; `TooLarge` if more counters are below the key than one record may list (see
    /// [`Key::delete_in_parts`]).
    pub async fn delete(&self, key: impl AsRef<[u8]>) -> Result<Receipt, WriteError> {
        self.key(key).delete().await
    }

    /// All keys that begin with `beginning` (empty: all), in byte order, with the kinds that are there. It asks page by
    /// page, so it is no snapshot. For keyspaces that may be large, use [`Keyspace::scan`].
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn keys(&self, beginning: impl AsRef<[u8]>) -> Result<Vec<KeyInfo>, ReadError> {
        let (mut keys, mut after) = (Vec::new(), None::<Bytes>);
        loop {
            let mut page = self.scan(&beginning, after.as_deref(), PAGE_ITEMS).await?;
            keys.append(&mut page.items);
            after = page.next;
            if after.is_none() {
                return Ok(keys);
            }
        }
    }

    /// At most `limit` of the keys that begin with `beginning` and come behind `after` (`None`: from the beginning), in
    /// byte order. The region may return fewer; [`Page::next`] says where to go on, and is absent at the end.
    ///
    /// # Errors
    /// [`ReadError`]; `UnknownCursor` or `InvalidArgument` if `after` is none that a page told.
    pub async fn scan(
        &self,
        beginning: impl AsRef<[u8]>,
        after: Option<&[u8]>,
        limit: u32,
    ) -> Result<Page<KeyInfo>, ReadError> {
        let beginning = beginning.as_ref().to_vec();
        self.view.scan(located::<_, ReadError>(&self.id)?, beginning, page_request(after, limit)).await
    }

    /// A batch of updates that become one record. It sees and changes nothing until it is committed.
    pub fn batch(&self) -> Batch {
        Batch::new(self.view.clone(), self.id.clone())
    }

    /// Begins a transaction: reads of this very moment, and updates that become one record. Through a session, of a moment
    /// that has seen its token.
    ///
    /// # Errors
    /// [`ReadError`]; `Overloaded` if too many are open.
    pub async fn begin(&self) -> Result<Transaction, ReadError> {
        Transaction::begin(self.view.clone(), self.id.clone()).await
    }

    /// What the wire calls the object at `key` (see [`raw`](crate::raw)).
    ///
    /// # Errors
    /// [`UnknownKeyspace`].
    pub fn object(&self, key: impl Into<Bytes>) -> Result<Object, UnknownKeyspace> {
        Ok(Object::new(located::<_, UnknownKeyspace>(&self.id)?, key))
    }

    /// Commits updates as the wire has them (see [`raw`](crate::raw)), as one record. They may be of any keyspace.
    ///
    /// # Errors
    /// [`WriteError`], for all of it or none.
    pub async fn submit(&self, updates: Vec<Update>) -> Result<Receipt, WriteError> {
        self.view.submit(updates).await
    }

    /// Reads as the wire does (see [`raw`](crate::raw)), an object of any keyspace.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn query(&self, object: Object, query: Query) -> Result<Answer, ReadError> {
        self.view.query(object, query, Some).await
    }

    fn at(&self, key: &[u8]) -> Live {
        Live::new(self.view.clone(), &self.id, key)
    }
}
