//! Maps.

use bytes::Bytes;
use halcyon_crdt::Op;
use halcyon_crdt::query::{Page, Query};
use halcyon_wire::Receipt;

use crate::counter::Counter;
use crate::error::{ReadError, WriteError};
use crate::register::Register;
use crate::set::{PAGE_ITEMS, Set};
use crate::target::{Target, page_request};

/// Fields of 1 to `COMPONENT_BYTES_MAX` (1024) bytes that hold objects, maps among them, up to `PATH_DEPTH_MAX` (8)
/// levels deep. A field is there as long as something is in it.
///
/// ```no_run
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let lines = shop.map("lines:576080");
/// lines.counter("22465").add(12).await?;
/// lines.map("gift").register("note").set("happy birthday").await?;
/// assert_eq!(lines.fields().await?.len(), 2);
/// lines.remove("gift").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Map {
    target: Target,
}

impl Map {
    pub(crate) const fn new(target: Target) -> Self {
        Self { target }
    }

    /// The counter in a field.
    pub fn counter(&self, field: impl AsRef<[u8]>) -> Counter {
        Counter::new(self.target.field(field.as_ref()))
    }

    /// The register in a field.
    pub fn register(&self, field: impl AsRef<[u8]>) -> Register {
        Register::new(self.target.field(field.as_ref()))
    }

    /// The set in a field.
    pub fn set(&self, field: impl AsRef<[u8]>) -> Set {
        Set::new(self.target.field(field.as_ref()))
    }

    /// The map in a field.
    #[must_use]
    pub fn map(&self, field: impl AsRef<[u8]>) -> Self {
        Self::new(self.target.field(field.as_ref()))
    }

    /// Removes a field and everything below it. What is written there meanwhile, in any region, survives.
    ///
    /// # Errors
    /// [`WriteError`]; `TooLarge` if more counters are below the field than one record may list.
    pub async fn remove(&self, field: impl AsRef<[u8]>) -> Result<Receipt, WriteError> {
        self.target.field(field.as_ref()).update(Op::Delete).await
    }

    /// All fields, in byte order; page by page, so it is no snapshot. For maps that may be large, use [`Map::page`].
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no map, at the key.
    pub async fn fields(&self) -> Result<Vec<Bytes>, ReadError> {
        self.target.pages(Query::Fields, PAGE_ITEMS).await
    }

    /// At most `limit` fields behind `after` (`None`: from the beginning), in byte order. The region may return fewer;
    /// [`Page::next`] says where to go on, and is absent at the end.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no map, at the key.
    pub async fn page(&self, after: Option<&[u8]>, limit: u32) -> Result<Page, ReadError> {
        let request = page_request(after, limit);
        self.target.page(Query::Fields(request)).await
    }
}
