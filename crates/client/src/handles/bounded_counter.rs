//! Bounded counters.

use halcyon_crdt::{Kind, Op, Query};
use halcyon_wire::Receipt;

use super::{answer, operations};
use crate::buffer::Buffer;
use crate::error::{ReadError, WriteError};
use crate::holders::{Holder, Holders};
use crate::place::{Buffered, Live, Readable};

/// A number that never falls below zero, in any region, whatever the network does: each region spends only what rights it
/// holds. Raising gives the rights to the region that raises; regions pass rights to each other, on request and by
/// themselves when one runs low.
///
/// ```no_run
/// use halcyon_client::WriteError;
///
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let stock = shop.bounded_counter("stock:22465");
/// stock.increase(100).await?;
/// stock.transfer("eu-west", 40).await?;
/// match stock.decrease(12).await {
///     Err(WriteError::InsufficientRights { holders, .. }) => println!("sold out here: {holders}"),
///     sold => drop(sold?),
/// }
/// println!("{} left; {}", stock.value().await?, stock.rights().await?);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct BoundedCounter<P = Live> {
    place: P,
}

impl<P> BoundedCounter<P> {
    pub(crate) const fn new(place: P) -> Self {
        Self { place }
    }
}

operations! { BoundedCounter {
    /// Raises the value by at least 1; the rights to spend it belong to the region.
    fn increase(amount: u64) => Op::Raise { amount };
    /// Lowers the value by at least 1, out of the region's rights; `InsufficientRights` if they do not suffice, whatever the
    /// others hold.
    fn decrease(amount: u64) => Op::Spend { amount };
    /// Deletes it. `RightsOutstanding` unless the region holds all rights that are left. What is raised meanwhile goes as
    /// well, unless it began a new life.
    fn delete() => Op::Clear { kind: Kind::BoundedCounter };
} }

impl BoundedCounter<Live> {
    /// Passes `amount`, at least 1, of the rights of the region in use to the region called `to`.
    ///
    /// # Errors
    /// [`WriteError`]; `InsufficientRights` if the region does not hold as much, `UnknownRegion` if there is no such region
    /// or it was never heard of.
    pub async fn transfer(&self, to: &str, amount: u64) -> Result<Receipt, WriteError> {
        let to = self.place.view.inner.region(to)?;
        self.place.update(Op::Transfer { to, amount }).await
    }
}

impl<B: Buffer> BoundedCounter<Buffered<'_, B>> {
    /// Passes `amount`, at least 1, of the rights of the region in use to the region called `to`.
    pub fn transfer(&mut self, to: &str, amount: u64) -> &mut Self {
        let to = self.place.buffer.region_called(to);
        self.place.note(to.map(|to| Op::Transfer { to, amount }));
        self
    }
}

impl<P: Readable> BoundedCounter<P> {
    /// The value over all regions; zero if it was never raised.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no bounded counter, at the key.
    pub async fn value(&self) -> Result<i128, ReadError> {
        Ok(self.place.ask(Query::Value, answer::sum).await?.unwrap_or(0))
    }

    /// Who may spend how much, as far as the region knows: those who may spend anything.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no bounded counter, at the key.
    pub async fn rights(&self) -> Result<Holders, ReadError> {
        let rights = self.place.ask(Query::Rights, answer::rights).await?.into_iter();
        let holder = |(actor, rights)| Holder { region: self.place.region(actor), actor, rights };
        Ok(Holders(rights.map(holder).collect()))
    }
}
