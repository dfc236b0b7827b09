//! Sorted sets.

use std::ops::RangeBounds;

use bytes::Bytes;
use halcyon_crdt::{Kind, Op, Page, PageRequest, Query, Scored};

use super::window::{Direction, indexes, scores};
use super::{answer, every_page, operations};
use crate::error::ReadError;
use crate::place::{Live, Readable, page_request};

/// Members of 1 to `COMPONENT_BYTES_MAX` (1024) bytes, each with a score, in the order of (score, member). A member's score
/// is the last one given plus everything added to it since; of scores given at once in different regions the last by the
/// regions' clocks counts, while every addition counts.
///
/// ```no_run
/// # use halcyon_client::Direction;
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let top = shop.sorted_set("top");
/// top.increment("22465", 12.0).await?;
/// top.add("21212", 3.0).await?;
/// for best in top.by_rank(0..10, Direction::Descending).await? {
///     println!("{:?}: {}", best.member, best.score);
/// }
/// assert_eq!(top.rank_reverse("22465").await?, Some(0));
/// let many = top.by_score(100.0.., Direction::Ascending).await?;
/// top.remove("21212").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SortedSet<P = Live> {
    place: P,
}

impl<P> SortedSet<P> {
    pub(crate) const fn new(place: P) -> Self {
        Self { place }
    }
}

operations! { SortedSet {
    /// Gives a member this score, a finite number, whatever was added to it so far.
    fn add(member: impl AsRef<[u8]>, score: f64) =>
        Op::Score { member: Bytes::copy_from_slice(member.as_ref()), score };
    /// Adds to a member's score, a finite number; a member that is not there begins at zero.
    fn increment(member: impl AsRef<[u8]>, amount: f64) =>
        Op::AddScore { member: Bytes::copy_from_slice(member.as_ref()), amount };
    /// Removes a member, as far as the region has seen it. What is added to it meanwhile, in any region, survives.
    fn remove(member: impl AsRef<[u8]>) => Op::RemoveMember { member: Bytes::copy_from_slice(member.as_ref()) };
    /// Removes every member that the region has seen. `TooLarge` if more of them were incremented than one record may list
    /// (see [`Key::delete_in_parts`](crate::Key::delete_in_parts)).
    fn clear() => Op::Clear { kind: Kind::SortedSet };
} }

impl<P: Readable> SortedSet<P> {
    /// A member's score, if it is there.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no sorted set, at the key.
    pub async fn score(&self, member: impl AsRef<[u8]>) -> Result<Option<f64>, ReadError> {
        let member = Bytes::copy_from_slice(member.as_ref());
        self.place.ask(Query::Score { member }, answer::score).await
    }

    /// How many members come before this one, from the lowest score up. In steps that grow with it.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no sorted set, at the key.
    pub async fn rank(&self, member: impl AsRef<[u8]>) -> Result<Option<u64>, ReadError> {
        let member = Bytes::copy_from_slice(member.as_ref());
        self.place.ask(Query::Rank { member, reverse: false }, answer::rank).await
    }

    /// How many members come before this one, from the highest score down. In steps that grow with it.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no sorted set, at the key.
    pub async fn rank_reverse(&self, member: impl AsRef<[u8]>) -> Result<Option<u64>, ReadError> {
        let member = Bytes::copy_from_slice(member.as_ref());
        self.place.ask(Query::Rank { member, reverse: true }, answer::rank).await
    }

    /// The members with these ranks, counted in the direction; negative ranks count from the end. Page by page, so it is no
    /// snapshot (but in a transaction). For many, use [`SortedSet::page_by_rank`].
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no sorted set, at the key.
    pub async fn by_rank(&self, range: impl RangeBounds<i64>, direction: Direction) -> Result<Vec<Scored>, ReadError> {
        let Some(window) = indexes(&range) else { return Ok(Vec::new()) };
        // Without the range, which need not go from thread to thread.
        drop(range);
        every_page(|page| self.place.ask(ranked(window, direction, page), answer::scored)).await
    }

    /// At most `limit` of the members with these ranks, behind `after` (`None`: from the beginning). The region may return
    /// fewer; [`Page::next`] says where to go on, and is absent at the end.
    ///
    /// # Errors
    /// [`ReadError`]; `UnknownCursor` if `after` is none that a page of this range told.
    pub async fn page_by_rank(
        &self,
        range: impl RangeBounds<i64>,
        direction: Direction,
        after: Option<&[u8]>,
        limit: u32,
    ) -> Result<Page<Scored>, ReadError> {
        let Some(window) = indexes(&range) else { return Ok(Page::default()) };
        self.place.ask(ranked(window, direction, page_request(after, limit)), answer::scored).await
    }

    /// The members with scores in this range, in the direction's order. Page by page, so it is no snapshot (but in a
    /// transaction). For many, use [`SortedSet::page_by_score`].
    ///
    /// # Errors
    /// [`ReadError`]; `InvalidArgument` if a bound is not a number.
    pub async fn by_score(&self, range: impl RangeBounds<f64>, direction: Direction) -> Result<Vec<Scored>, ReadError> {
        let window = scores(&range);
        drop(range);
        every_page(|page| self.place.ask(scored(window, direction, page), answer::scored)).await
    }

    /// At most `limit` of the members with scores in this range, behind `after` (`None`: from the beginning). The region
    /// may return fewer; [`Page::next`] says where to go on, and is absent at the end.
    ///
    /// # Errors
    /// [`ReadError`]; `UnknownCursor` if `after` is none that a page told.
    pub async fn page_by_score(
        &self,
        range: impl RangeBounds<f64>,
        direction: Direction,
        after: Option<&[u8]>,
        limit: u32,
    ) -> Result<Page<Scored>, ReadError> {
        self.place.ask(scored(scores(&range), direction, page_request(after, limit)), answer::scored).await
    }
}

fn ranked((first, last): (i64, i64), direction: Direction, page: PageRequest) -> Query {
    Query::ByRank { first, last, reverse: direction.is_reverse(), page }
}

fn scored((min, max): (f64, f64), direction: Direction, page: PageRequest) -> Query {
    Query::ByScore { min, max, reverse: direction.is_reverse(), page }
}
