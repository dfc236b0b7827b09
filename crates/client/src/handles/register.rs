//! Registers.

use std::time::Duration;

use bytes::Bytes;
use halcyon_crdt::{Kind, Op, Query};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::value::{decode, encode};
use super::{answer, operations};
use crate::error::{ReadError, WriteError};
use crate::place::{Live, Readable};

/// One value; of several written at once in different regions, the last by the regions' clocks is seen everywhere.
///
/// Values are stored as `MessagePack` with field names, so that a struct may gain optional fields; at most
/// `VALUE_BYTES_MAX` (256 KiB), at most `DEPTH_MAX` (32) levels deep.
///
/// ```no_run
/// # use std::time::Duration;
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Order { invoice: u32, country: String }
///
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let last = shop.register("last:22465");
/// last.set(&Order { invoice: 576_080, country: "Finland".into() }).await?;
/// let order: Option<Order> = last.get().await?;
/// last.delete().await?;
/// shop.register("offer:22465").set_for("half price", Duration::from_secs(3600)).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Register<P = Live> {
    place: P,
}

impl<P> Register<P> {
    pub(crate) const fn new(place: P) -> Self {
        Self { place }
    }
}

operations! { Register {
    /// Overwrites the value.
    fn set(value: &(impl Serialize + ?Sized)) => encode(value).map(|value| Op::Set { value, ttl_ms: None });
    /// Overwrites the value, for so long (to the millisecond, at most ten years). It is this very write that ends: what
    /// was there before does not come back, what is written meanwhile stays.
    fn set_for(value: &(impl Serialize + ?Sized), ttl: Duration) => set_for(encode(value), ttl);
    /// Overwrites the value by bytes as they are.
    fn set_bytes(value: impl AsRef<[u8]>) => Op::Set { value: Bytes::copy_from_slice(value.as_ref()), ttl_ms: None };
    /// Deletes the value. What else is at the key stays. A value that is set meanwhile, in any region, survives.
    fn delete() => Op::Clear { kind: Kind::Register };
} }

impl<P: Readable> Register<P> {
    /// The value, if there is one.
    ///
    /// # Errors
    /// [`ReadError`]; `Decode` if it is no `T`.
    pub async fn get<T: DeserializeOwned>(&self) -> Result<Option<T>, ReadError> {
        match self.get_bytes().await? {
            Some(bytes) => decode(&bytes).map(Some),
            None => Ok(None),
        }
    }

    /// The value as it is stored.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn get_bytes(&self) -> Result<Option<Bytes>, ReadError> {
        self.place.ask(Query::Get, answer::value).await
    }
}

fn set_for(value: Result<Bytes, WriteError>, ttl: Duration) -> Result<Op, WriteError> {
    Ok(Op::Set { value: value?, ttl_ms: Some(millis(ttl)) })
}

/// A time to live as the wire has it; one past its limit is refused there.
pub(crate) fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)
}
