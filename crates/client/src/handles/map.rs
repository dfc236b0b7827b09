//! Maps.

use bytes::Bytes;
use halcyon_crdt::{Kind, Op, Page, Query};
use halcyon_wire::Receipt;

use super::{Field, answer, every_page, getters, operations};
use crate::buffer::Buffer;
use crate::error::{ReadError, WriteError};
use crate::place::{Buffered, Live, Readable, page_request};

/// Fields of 1 to `COMPONENT_BYTES_MAX` (1024) bytes that hold objects, maps among them, up to `PATH_DEPTH_MAX` (8)
/// levels deep. A field is there as long as something is in it.
///
/// ```no_run
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let lines = shop.map("lines:576080");
/// lines.counter("22465").add(12).await?;
/// lines.field("gift").map().field("note").register().set("happy birthday").await?;
/// assert_eq!(lines.fields().await?.len(), 2);
/// lines.remove("gift").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Map<P = Live> {
    place: P,
}

impl<P> Map<P> {
    pub(crate) const fn new(place: P) -> Self {
        Self { place }
    }
}

operations! { Map {
    /// Removes every field and everything below, as far as the region has seen it. `TooLarge` if more counters are below
    /// than one record may list.
    fn clear() => Op::Clear { kind: Kind::Map };
} }

impl Map<Live> {
    /// A field, with a handle for every type.
    pub fn field(&self, field: impl AsRef<[u8]>) -> Field<Live> {
        Field::new(self.at(field.as_ref()))
    }

    getters!(Live, [&self], self, "in the field `key`");

    /// Removes a field and everything below it. What is written there meanwhile, in any region, survives.
    ///
    /// # Errors
    /// [`WriteError`]; `TooLarge` if more counters are below the field than one record may list (see
    /// [`Field::delete_in_parts`]).
    pub async fn remove(&self, field: impl AsRef<[u8]>) -> Result<Receipt, WriteError> {
        self.at(field.as_ref()).update(Op::Delete).await
    }

    fn at(&self, field: &[u8]) -> Live {
        self.place.field(field)
    }
}

impl<'a, B: Buffer> Map<Buffered<'a, B>> {
    /// A field, with a handle for every type.
    #[must_use]
    pub fn field(self, field: impl AsRef<[u8]>) -> Field<Buffered<'a, B>> {
        Field::new(self.at(field.as_ref()))
    }

    getters!(Buffered<'a, B>, [self], self, "in the field `key`");

    /// Removes a field and everything below it.
    pub fn remove(&mut self, field: impl AsRef<[u8]>) -> &mut Self {
        self.place.note_below(field.as_ref(), Op::Delete);
        self
    }

    fn at(self, field: &[u8]) -> Buffered<'a, B> {
        self.place.field(field)
    }
}

impl<P: Readable> Map<P> {
    /// All fields, in byte order; page by page, so it is no snapshot (but in a transaction). For maps that may be large,
    /// use [`Map::page`].
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no map, at the key.
    pub async fn fields(&self) -> Result<Vec<Bytes>, ReadError> {
        every_page(|page| self.place.ask(Query::Fields(page), answer::page)).await
    }

    /// At most `limit` fields behind `after` (`None`: from the beginning), in byte order. The region may return fewer;
    /// [`Page::next`] says where to go on, and is absent at the end.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no map, at the key.
    pub async fn page(&self, after: Option<&[u8]>, limit: u32) -> Result<Page, ReadError> {
        self.place.ask(Query::Fields(page_request(after, limit)), answer::page).await
    }
}
