//! Registers.

use bytes::Bytes;
use halcyon_crdt::Op;
use halcyon_crdt::query::{Answer, Query};
use halcyon_types::limits::DEPTH_MAX;
use halcyon_wire::Receipt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{ReadError, WriteError};
use crate::target::Target;

/// One value; of several written at once in different regions, the last by the regions' clocks is seen everywhere.
///
/// Values are stored as `MessagePack` with field names, so that a struct may gain optional fields; at most
/// `VALUE_BYTES_MAX` (256 KiB), at most `DEPTH_MAX` (32) levels deep.
///
/// ```no_run
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Order { invoice: u32, country: String }
///
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let last = shop.register("last:22465");
/// last.set(&Order { invoice: 576_080, country: "Finland".into() }).await?;
/// let order: Option<Order> = last.get().await?;
/// last.delete().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Register {
    target: Target,
}

impl Register {
    pub(crate) const fn new(target: Target) -> Self {
        Self { target }
    }

    /// Overwrites the value.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn set<T: Serialize + ?Sized>(&self, value: &T) -> Result<Receipt, WriteError> {
        // Encoded before the first await, so that the future does not hold on to `T`.
        let encoded = encode(value);
        self.put(encoded?).await
    }

    /// Overwrites the value by bytes as they are.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn set_bytes(&self, value: impl AsRef<[u8]>) -> Result<Receipt, WriteError> {
        let value = Bytes::copy_from_slice(value.as_ref());
        self.put(value).await
    }

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
        let value = self.target.query(Query::Get, |answer| match answer {
            Answer::Value(value) => Some(value),
            Answer::Sum(_) | Answer::Is(_) | Answer::Page(_) => None,
        });
        value.await
    }

    /// Deletes the value. What else is at the key stays. A value that is set meanwhile, in any region, survives.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn delete(&self) -> Result<Receipt, WriteError> {
        self.target.update(Op::Unset).await
    }

    async fn put(&self, value: Bytes) -> Result<Receipt, WriteError> {
        self.target.update(Op::Set { value }).await
    }
}

pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, WriteError> {
    let encoded = rmp_serde::to_vec_named(value).map_err(|error| WriteError::Encode { reason: error.to_string() })?;
    Ok(encoded.into())
}

fn decode<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<T, ReadError> {
    let refused = |reason: String| ReadError::Decode { reason };
    let mut decoder = rmp_serde::Deserializer::new(&mut bytes);
    decoder.set_max_depth(DEPTH_MAX);
    let value = T::deserialize(&mut decoder).map_err(|error| refused(error.to_string()))?;
    if bytes.is_empty() { Ok(value) } else { Err(refused(format!("{} bytes behind the value", bytes.len()))) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_value_comes_back_as_it_went_in() {
        let value = BTreeMap::from([("a".to_owned(), (1_i64, vec![true])), ("b".to_owned(), (-2, vec![]))]);
        assert_eq!(decode::<BTreeMap<String, (i64, Vec<bool>)>>(&encode(&value).unwrap()), Ok(value));
    }

    #[test]
    fn a_value_of_another_type_is_a_typed_error() {
        let bytes = encode("text").unwrap();
        assert!(matches!(decode::<u64>(&bytes), Err(ReadError::Decode { .. })));
        assert!(matches!(decode::<u64>(&[1, 2]), Err(ReadError::Decode { .. })), "two values are not one");
        assert!(matches!(decode::<u64>(&[]), Err(ReadError::Decode { .. })));
    }

    #[test]
    fn a_value_nested_past_the_limit_is_refused_before_it_fills_the_stack() {
        let deep = vec![0x91; 100_000];
        assert!(matches!(decode::<Nested>(&deep), Err(ReadError::Decode { .. })));
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Nested(Vec<Nested>);
}
