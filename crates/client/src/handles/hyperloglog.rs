//! `HyperLogLog`s.

use bytes::Bytes;
use halcyon_crdt::{Kind, Op, Query};

use super::{answer, operations};
use crate::error::ReadError;
use crate::place::{Live, Readable};

/// About how many distinct elements were counted, in 12 KiB however many they are: within 0.81 % (one standard deviation)
/// of the truth, and the same as Redis says. Elements may be of any length.
///
/// ```no_run
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let buyers = shop.hyperloglog("buyers:uk");
/// buyers.add("17850").await?;
/// buyers.add_all(["13047", "17850"]).await?;
/// assert_eq!(buyers.estimate().await?, 2);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct HyperLogLog<P = Live> {
    place: P,
}

impl<P> HyperLogLog<P> {
    pub(crate) const fn new(place: P) -> Self {
        Self { place }
    }
}

operations! { HyperLogLog {
    /// Counts an element, which may have been counted before.
    fn add(element: impl AsRef<[u8]>) =>
        Op::Observe { elements: vec![Bytes::copy_from_slice(element.as_ref())] };
    /// Counts elements, at least one.
    fn add_all(elements: impl IntoIterator<Item = impl AsRef<[u8]>>) =>
        Op::Observe { elements: elements.into_iter().map(|element| Bytes::copy_from_slice(element.as_ref())).collect() };
    /// Counts from nothing again. What is counted meanwhile goes as well, unless it began a new count.
    fn clear() => Op::Clear { kind: Kind::HyperLogLog };
} }

impl<P: Readable> HyperLogLog<P> {
    /// About how many distinct elements were counted.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no `HyperLogLog`, at the key.
    pub async fn estimate(&self) -> Result<u64, ReadError> {
        self.place.ask(Query::Estimate, answer::count).await
    }
}
