//! Sets.

use bytes::Bytes;
use halcyon_crdt::Op;
use halcyon_crdt::query::{Answer, Page, Query};
use halcyon_types::limits::PAGE_ITEMS_MAX;
use halcyon_wire::Receipt;

use crate::error::{ReadError, WriteError};
use crate::target::{Target, page_request};

/// The most that a region puts into one page.
#[expect(clippy::cast_possible_truncation, reason = "a constant far below")]
pub(crate) const PAGE_ITEMS: u32 = PAGE_ITEMS_MAX as u32;

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
pub struct Set {
    target: Target,
}

impl Set {
    pub(crate) const fn new(target: Target) -> Self {
        Self { target }
    }

    /// Adds an element.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn add(&self, element: impl AsRef<[u8]>) -> Result<Receipt, WriteError> {
        let element = Bytes::copy_from_slice(element.as_ref());
        self.target.update(Op::Insert { element }).await
    }

    /// Removes an element, as far as the region has seen it added.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn remove(&self, element: impl AsRef<[u8]>) -> Result<Receipt, WriteError> {
        let element = Bytes::copy_from_slice(element.as_ref());
        self.target.update(Op::Remove { element }).await
    }

    /// Whether an element is there.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no set, at the key.
    pub async fn contains(&self, element: impl AsRef<[u8]>) -> Result<bool, ReadError> {
        let element = Bytes::copy_from_slice(element.as_ref());
        let is = self.target.query(Query::Contains { element }, |answer| match answer {
            Answer::Is(is) => Some(is),
            Answer::Value(_) | Answer::Sum(_) | Answer::Page(_) => None,
        });
        is.await
    }

    /// All elements, in byte order. It asks page by page, so it is no snapshot: an element that comes or goes meanwhile
    /// may or may not be among them. For sets that may be large, use [`Set::page`].
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no set, at the key.
    pub async fn members(&self) -> Result<Vec<Bytes>, ReadError> {
        self.target.pages(Query::Elements, PAGE_ITEMS).await
    }

    /// At most `limit` elements behind `after` (`None`: from the beginning), in byte order. The region may return fewer;
    /// [`Page::next`] says where to go on, and is absent at the end.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no set, at the key.
    pub async fn page(&self, after: Option<&[u8]>, limit: u32) -> Result<Page, ReadError> {
        let request = page_request(after, limit);
        self.target.page(Query::Elements(request)).await
    }
}
