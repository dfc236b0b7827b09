//! Lists.

use std::ops::RangeBounds;

use bytes::Bytes;
use halcyon_crdt::{End, Item, Kind, Op, Page, PageRequest, Query, Side};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::spot::{Position, Spot};
use super::value::{decode, encode, encode_all};
use super::window::indexes;
use super::{answer, every_page, operations};
use crate::error::{ReadError, WriteError};
use crate::place::{Live, Readable, page_request};

/// Elements in an order of their own, which every region agrees on: what is inserted next to an element stays there, even
/// while others insert at the same place or remove that element. Values are as a [`Register`](crate::Register)'s.
///
/// An element is named by a [`Spot`]: an index (`0` the first, `-1` the last), a [`Position`] that a read has told, or
/// [`Spot::value`]. What is done to an element that is gone by then is refused as `NoSuchElement` where it must be there.
///
/// ```no_run
/// # use halcyon_client::Spot;
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let queue = shop.list("packing");
/// queue.push_back("576080").await?;
/// queue.push_back_all(["576081", "576082"]).await?;
/// queue.insert_before(Spot::value("576081"), "576079").await?;
/// queue.move_to_front(-1).await?;
/// let next: Option<String> = queue.get(0).await?;
/// for item in queue.items::<String>(0..10).await? {
///     if item.value == "576079" {
///         queue.remove(&item.position).await?;
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct List<P = Live> {
    place: P,
}

/// An element of a list, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListItem<T = Bytes> {
    /// Where it is, for as long as it lives.
    pub position: Position,
    /// Its value.
    pub value: T,
}

impl<P> List<P> {
    pub(crate) const fn new(place: P) -> Self {
        Self { place }
    }
}

operations! { List {
    /// Puts a value behind the last.
    fn push_back(value: &(impl Serialize + ?Sized)) => push(End::Back, encode(value).map(|value| vec![value]));
    /// Puts a value before the first.
    fn push_front(value: &(impl Serialize + ?Sized)) => push(End::Front, encode(value).map(|value| vec![value]));
    /// Puts values behind the last, in order; at least one.
    fn push_back_all(values: impl IntoIterator<Item = impl Serialize>) => push(End::Back, encode_all(values));
    /// Puts values before the first, one by one: the last of them becomes the first of the list.
    fn push_front_all(values: impl IntoIterator<Item = impl Serialize>) => push(End::Front, encode_all(values));
    /// Puts a value before an element.
    fn insert_before(spot: impl Into<Spot>, value: &(impl Serialize + ?Sized)) =>
        insert(Side::Before, spot.into(), encode(value).map(|value| vec![value]));
    /// Puts a value behind an element.
    fn insert_after(spot: impl Into<Spot>, value: &(impl Serialize + ?Sized)) =>
        insert(Side::After, spot.into(), encode(value).map(|value| vec![value]));
    /// Overwrites an element (by value: every one that has it).
    fn set(spot: impl Into<Spot>, value: &(impl Serialize + ?Sized)) => set(spot.into(), encode(value));
    /// Removes an element (by value: every one that has it), as far as the region has seen it.
    fn remove(spot: impl Into<Spot>) => spot.into().place().map(|place| Op::RemoveAt { place });
    /// Moves an element before the first.
    fn move_to_front(spot: impl Into<Spot>) =>
        spot.into().place().map(|place| Op::MoveTo { place, end: End::Front });
    /// Moves an element behind the last.
    fn move_to_back(spot: impl Into<Spot>) =>
        spot.into().place().map(|place| Op::MoveTo { place, end: End::Back });
    /// Removes every element that the region has seen.
    fn clear() => Op::Clear { kind: Kind::List };
} }

impl<P: Readable> List<P> {
    /// The value at an index, if there is one: from the front, 0 being the first, or from the back, -1 being the last.
    ///
    /// # Errors
    /// [`ReadError`]; `Decode` if it is no `T`.
    pub async fn get<T: DeserializeOwned>(&self, index: i64) -> Result<Option<T>, ReadError> {
        let page = self.page_bytes(index..=index, None, 1).await?;
        page.items.first().map(|item| decode(&item.value)).transpose()
    }

    /// The values with these indexes; negative ones count from the end. Page by page, so it is no snapshot (but in a
    /// transaction).
    ///
    /// # Errors
    /// [`ReadError`]; `Decode` if one is no `T`.
    pub async fn range<T: DeserializeOwned>(&self, range: impl RangeBounds<i64>) -> Result<Vec<T>, ReadError> {
        let items = self.items_bytes(indexes(&range)).await?;
        items.iter().map(|item| decode(&item.value)).collect()
    }

    /// The same with their positions.
    ///
    /// # Errors
    /// [`ReadError`]; `Decode` if one is no `T`.
    pub async fn items<T: DeserializeOwned>(
        &self,
        range: impl RangeBounds<i64>,
    ) -> Result<Vec<ListItem<T>>, ReadError> {
        self.items_bytes(indexes(&range)).await?.into_iter().map(decoded).collect()
    }

    /// At most `limit` of the elements with these indexes, behind `after` (`None`: from the beginning). The region may
    /// return fewer; [`Page::next`] says where to go on, and is absent at the end.
    ///
    /// # Errors
    /// [`ReadError`]; `UnknownCursor` if `after` is none that a page of this range told; `Decode` if one is no `T`.
    pub async fn page<T: DeserializeOwned>(
        &self,
        range: impl RangeBounds<i64>,
        after: Option<&[u8]>,
        limit: u32,
    ) -> Result<Page<ListItem<T>>, ReadError> {
        let Page { items, next } = self.ask(indexes(&range), page_request(after, limit)).await?;
        Ok(Page { items: items.into_iter().map(decoded).collect::<Result<_, _>>()?, next })
    }

    /// The same with values as they are stored.
    ///
    /// # Errors
    /// [`ReadError`]; `UnknownCursor` if `after` is none that a page of this range told.
    pub async fn page_bytes(
        &self,
        range: impl RangeBounds<i64>,
        after: Option<&[u8]>,
        limit: u32,
    ) -> Result<Page<ListItem>, ReadError> {
        let Page { items, next } = self.ask(indexes(&range), page_request(after, limit)).await?;
        let item = |Item { position, value }| ListItem { position: Position::from_bytes(position), value };
        Ok(Page { items: items.into_iter().map(item).collect(), next })
    }

    async fn items_bytes(&self, window: Option<(i64, i64)>) -> Result<Vec<Item>, ReadError> {
        every_page(|page| self.ask(window, page)).await
    }

    async fn ask(&self, window: Option<(i64, i64)>, page: PageRequest) -> Result<Page<Item>, ReadError> {
        let Some((first, last)) = window else { return Ok(Page::default()) };
        self.place.ask(Query::Range { first, last, page }, answer::items).await
    }
}

fn decoded<T: DeserializeOwned>(Item { position, value }: Item) -> Result<ListItem<T>, ReadError> {
    Ok(ListItem { position: Position::from_bytes(position), value: decode(&value)? })
}

fn push(end: End, values: Result<Vec<Bytes>, WriteError>) -> Result<Op, WriteError> {
    Ok(Op::Push { end, values: values? })
}

fn insert(side: Side, spot: Spot, values: Result<Vec<Bytes>, WriteError>) -> Result<Op, WriteError> {
    Ok(Op::InsertAt { place: spot.place()?, side, values: values? })
}

fn set(spot: Spot, value: Result<Bytes, WriteError>) -> Result<Op, WriteError> {
    Ok(Op::SetAt { place: spot.place()?, value: value? })
}
