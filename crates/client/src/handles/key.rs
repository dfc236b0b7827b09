//! Keys as a whole.

use std::time::Duration;

use halcyon_crdt::{Kind, Op, Query};
use halcyon_types::UnixMs;
use halcyon_wire::Receipt;

use super::register::millis;
use super::{answer, operations, parts};
use crate::error::{DeleteError, ReadError};
use crate::mint::now;
use crate::place::{Live, Readable};

/// A key as a whole, whatever is there: when it ends, what kinds it holds, and its deletion.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// shop.set("cart:576080").add("22465").await?;
/// let cart = shop.key("cart:576080");
/// cart.expire(Duration::from_secs(3600)).await?;
/// assert!(cart.ttl().await?.is_some());
/// cart.persist().await?;
/// cart.delete().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Key<P = Live> {
    place: P,
}

impl<P> Key<P> {
    pub(crate) const fn new(place: P) -> Self {
        Self { place }
    }
}

operations! { Key {
    /// The whole key ends at this time from the commit, to the millisecond, at most ten years from now. Of deadlines that
    /// are set at once in different regions the longest holds.
    fn expire(ttl: Duration) => Op::Expire { ttl_ms: millis(ttl) };
    /// The whole key never ends. Wins over any deadline that is set meanwhile.
    fn persist() => Op::Persist;
    /// Deletes whatever is at the key, of every type. What others write there meanwhile, in any region, survives.
    /// `TooLarge` if more counters are below the key than one record may list.
    fn delete() => Op::Delete;
} }

impl Key<Live> {
    /// Deletes whatever is at the key, piece by piece where it is too large to be deleted at once: a map or sorted set
    /// with more than `CLEAR_LIST_MAX` (4096) sums below it: one for each counter and region that has added to it, which a
    /// record must list.
    ///
    /// It is **not atomic**: several records, each deleting some fields or members, the last one the key itself. Others may
    /// see it half deleted. Each record deletes what the region has seen by then, so what is written here meanwhile may go
    /// too; what is written elsewhere meanwhile survives. A key that can be deleted at once is, by one record.
    ///
    /// The receipt is the last record's, its token covers them all.
    ///
    /// ```no_run
    /// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
    /// shop.key("sold:2011").delete_in_parts().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`DeleteError`]: what was deleted before stays deleted; called again, it goes on with the rest.
    pub async fn delete_in_parts(&self) -> Result<Receipt, DeleteError> {
        parts::delete(&self.place).await
    }
}

impl<P: Readable> Key<P> {
    /// When the key ends; `None` if it does not, or is not there. In the past: it has ended, and is not cleared away yet.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn deadline(&self) -> Result<Option<UnixMs>, ReadError> {
        self.place.ask(Query::Deadline, answer::deadline).await
    }

    /// How long it is until then, by this machine's clock; zero if it has ended.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn ttl(&self) -> Result<Option<Duration>, ReadError> {
        let left = |deadline: UnixMs| Duration::from_millis(deadline.0.saturating_sub(now().0));
        Ok(self.deadline().await?.map(left))
    }

    /// The kinds of which something is there; none if the key is not there.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn kinds(&self) -> Result<Vec<Kind>, ReadError> {
        self.place.ask(Query::Kinds, answer::kinds).await
    }
}
