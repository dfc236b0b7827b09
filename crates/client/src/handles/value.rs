//! Values of applications, as bytes.

use bytes::Bytes;
use halcyon_types::limits::DEPTH_MAX;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{ReadError, WriteError};

pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, WriteError> {
    let encoded = rmp_serde::to_vec_named(value).map_err(|error| WriteError::Encode { reason: error.to_string() })?;
    Ok(encoded.into())
}

pub(crate) fn encode_all<T: Serialize>(values: impl IntoIterator<Item = T>) -> Result<Vec<Bytes>, WriteError> {
    values.into_iter().map(|value| encode(&value)).collect()
}

pub(crate) fn decode<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<T, ReadError> {
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
