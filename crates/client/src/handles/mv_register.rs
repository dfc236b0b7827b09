//! Multi-value registers.

use bytes::Bytes;
use halcyon_crdt::{Kind, Op, Query};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::value::{decode, encode};
use super::{answer, operations};
use crate::error::ReadError;
use crate::place::{Live, Readable};

/// A value that shows its conflicts: of several written at once in different regions all are kept, until somebody who has
/// seen them writes one in their place. Values are as a [`Register`](crate::Register)'s.
///
/// ```no_run
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let address = shop.mv_register("address:17850");
/// address.set("1 High Street").await?;
/// let candidates: Vec<String> = address.values().await?;
/// if let [_, _, ..] = candidates.as_slice() {
///     address.set(&candidates.join(" or ")).await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct MvRegister<P = Live> {
    place: P,
}

impl<P> MvRegister<P> {
    pub(crate) const fn new(place: P) -> Self {
        Self { place }
    }
}

operations! { MvRegister {
    /// Puts one value in place of all that the region has seen.
    fn set(value: &(impl Serialize + ?Sized)) => encode(value).map(|value| Op::SetMv { value });
    /// The same with bytes as they are.
    fn set_bytes(value: impl AsRef<[u8]>) => Op::SetMv { value: Bytes::copy_from_slice(value.as_ref()) };
    /// Deletes every value. One that is set meanwhile, in any region, survives.
    fn delete() => Op::Clear { kind: Kind::MvRegister };
} }

impl<P: Readable> MvRegister<P> {
    /// Every concurrent value, in an order that is the same everywhere; none if there is none.
    ///
    /// # Errors
    /// [`ReadError`]; `Decode` if one is no `T`.
    pub async fn values<T: DeserializeOwned>(&self) -> Result<Vec<T>, ReadError> {
        self.values_bytes().await?.iter().map(|bytes| decode(bytes)).collect()
    }

    /// The values as they are stored.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn values_bytes(&self) -> Result<Vec<Bytes>, ReadError> {
        self.place.ask(Query::Values, answer::values).await
    }
}
