//! Flags.

use halcyon_crdt::{Kind, Op, Query};

use super::{answer, operations};
use crate::error::ReadError;
use crate::place::{Live, Readable};

/// On or off. Enable wins: a flag that is enabled in one region while another disables it is on.
///
/// ```no_run
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let listed = shop.flag("listed:22465");
/// listed.enable().await?;
/// assert!(listed.is_enabled().await?);
/// listed.disable().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Flag<P = Live> {
    place: P,
}

impl<P> Flag<P> {
    pub(crate) const fn new(place: P) -> Self {
        Self { place }
    }
}

operations! { Flag {
    /// On.
    fn enable() => Op::Enable;
    /// Off, as far as the region has seen it enabled.
    fn disable() => Op::Clear { kind: Kind::Flag };
} }

impl<P: Readable> Flag<P> {
    /// Whether it is on. One that nobody has touched is off.
    ///
    /// # Errors
    /// [`ReadError`]; `WrongType` if there is something else, and no flag, at the key.
    pub async fn is_enabled(&self) -> Result<bool, ReadError> {
        self.place.ask(Query::IsEnabled, answer::is).await
    }
}
