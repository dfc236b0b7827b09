//! Counters.

use halcyon_crdt::Op;
use halcyon_crdt::query::{Answer, Query};
use halcyon_wire::Receipt;

use crate::error::{ReadError, WriteError};
use crate::target::Target;

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
pub struct Counter {
    target: Target,
}

impl Counter {
    pub(crate) const fn new(target: Target) -> Self {
        Self { target }
    }

    /// Adds `amount`, which may be negative.
    ///
    /// # Errors
    /// [`WriteError`]; `CounterOverflow` if the region's own running sum would leave 64 bits.
    pub async fn add(&self, amount: i64) -> Result<Receipt, WriteError> {
        self.target.update(Op::Add { amount }).await
    }

    /// Back to zero. What is added meanwhile, in any region, stays.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn reset(&self) -> Result<Receipt, WriteError> {
        self.target.update(Op::Reset).await
    }

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
        let sum = self.target.query(Query::Sum, |answer| match answer {
            Answer::Sum(sum) => Some(sum),
            Answer::Value(_) | Answer::Is(_) | Answer::Page(_) => None,
        });
        sum.await
    }
}
