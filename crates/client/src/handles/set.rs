//! Sets.

use bytes::Bytes;
use halcyon_crdt::{Kind, Op, Page, Query};

use super::{answer, every_page, operations};
use crate::error::ReadError;
use crate::place::{Live, Readable, page_request};

/// A set of elements of 1 to `COMPONENT_BYTES_MAX` (1024) bytes. Add wins: an element that is added in one region while
/// another removes it stays.
///
/// ```no_run
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let cart = shop.set("cart:576080");
/// cart.add("22465").await?;
/// cart.remove("21212").await?;
/// for sku in cart.members().await? {
///     println!("{}", String::from_utf8_lossy(&sku));
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Set<P = Live> {
    place: P,
}

impl<P> Set<P> {
    pub(crate) const fn new(place: P) -> Self {
        Self { place }
    }
}

operations! { Set {
    /// Adds an element.
    fn add(element: impl AsRef<[u8]>) => Op::Insert { element: Bytes::copy_from_slice(element.as_ref()) };
    /// Removes an element, as far as the region has seen it added.
    fn remove(element: impl AsRef<[u8]>) => Op::Remove { element: Bytes::copy_from_slice(element.as_ref()) };
    /// Removes every element that the region has seen added.
    fn clear() => Op::Clear { kind: Kind::Set };
} }

impl<P: Readable> Set<P> {
    /// Whether an element is there.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no set, at the key.
    pub async fn contains(&self, element: impl AsRef<[u8]>) -> Result<bool, ReadError> {
        let element = Bytes::copy_from_slice(element.as_ref());
        self.place.ask(Query::Contains { element }, answer::is).await
    }

    /// All elements, in byte order. It asks page by page, so it is no snapshot (but in a transaction): an element that
    /// comes or goes meanwhile may or may not be among them. For sets that may be large, use [`Set::page`].
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no set, at the key.
    pub async fn members(&self) -> Result<Vec<Bytes>, ReadError> {
        every_page(|page| self.place.ask(Query::Elements(page), answer::page)).await
    }

    /// At most `limit` elements behind `after` (`None`: from the beginning), in byte order. The region may return fewer;
    /// [`Page::next`] says where to go on, and is absent at the end.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no set, at the key.
    pub async fn page(&self, after: Option<&[u8]>, limit: u32) -> Result<Page, ReadError> {
        self.place.ask(Query::Elements(page_request(after, limit)), answer::page).await
    }
}
