//! Counters.

use halcyon_crdt::{Kind, Op, Query};

use super::{answer, operations};
use crate::error::ReadError;
use crate::place::{Live, Readable};

/// A sum of increments. Each counts exactly once, whichever region took it.
///
/// ```no_run
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let net = shop.counter("net:22465");
/// net.add(12).await?;
/// net.add(-2).await?;
/// assert_eq!(net.get().await?, 10);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Counter<P = Live> {
    place: P,
}

impl<P> Counter<P> {
    pub(crate) const fn new(place: P) -> Self {
        Self { place }
    }
}

operations! { Counter {
    /// Adds `amount`, which may be negative. `CounterOverflow` if the region's own running sum would leave 64 bits.
    fn add(amount: i64) => Op::Add { amount };
    /// Back to zero. What is added meanwhile, in any region, stays.
    fn reset() => Op::Clear { kind: Kind::Counter };
} }

impl<P: Readable> Counter<P> {
    /// The sum over all regions; zero if nothing was ever added.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no counter, at the key.
    pub async fn get(&self) -> Result<i128, ReadError> {
        Ok(self.find().await?.unwrap_or(0))
    }

    /// The sum over all regions; `None` if nothing was ever added, or not since the last reset.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no counter, at the key.
    pub async fn find(&self) -> Result<Option<i128>, ReadError> {
        self.place.ask(Query::Sum, answer::sum).await
    }
}
