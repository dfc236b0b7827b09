//! The codec of every document: a version byte, then MessagePack of bounded depth, then nothing.

use halcyon_types::limits::DEPTH_MAX;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version byte of messages and records.
pub const WIRE_VERSION: u8 = 1;

/// Characters of what the decoder said that are passed on: it quotes the document, which may be a megabyte of nothing but
/// that quotation, and what is passed on ends up in logs.
const REASON_CHARS_MAX: usize = 200;

/// Bytes that are no document of this version. Nothing of them was used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No bytes at all.
    #[error("an empty document")]
    Empty,
    /// Another version's.
    #[error("document version {found}; this side speaks version {WIRE_VERSION}")]
    Version {
        /// The version byte found.
        found: u8,
    },
    /// Not such a document.
    #[error("malformed document: {reason}")]
    Malformed {
        /// What the decoder said, cut to a readable length.
        reason: String,
    },
    /// Bytes behind the document.
    #[error("{bytes} bytes behind the document")]
    Trailing {
        /// How many.
        bytes: usize,
    },
}

/// Appends `value` as a document.
pub fn encode<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    out.push(WIRE_VERSION);
    let written = rmp_serde::encode::write(out, value);
    debug_assert!(written.is_ok(), "plain data into a vector cannot fail");
}

/// Reads a whole document.
///
/// # Errors
/// [`DecodeError`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut body = body(bytes)?;
    let value = read(&mut body)?;
    if body.is_empty() { Ok(value) } else { Err(DecodeError::Trailing { bytes: body.len() }) }
}

fn body(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let (version, body) = bytes.split_first().ok_or(DecodeError::Empty)?;
    if *version == WIRE_VERSION { Ok(body) } else { Err(DecodeError::Version { found: *version }) }
}

fn read<T: DeserializeOwned>(body: &mut &[u8]) -> Result<T, DecodeError> {
    let mut decoder = rmp_serde::Deserializer::new(body);
    decoder.set_max_depth(DEPTH_MAX);
    let said = T::deserialize(&mut decoder);
    said.map_err(|error| DecodeError::Malformed { reason: error.to_string().chars().take(REASON_CHARS_MAX).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;

    #[test]
    fn what_is_said_of_a_document_does_not_grow_with_it() {
        // A request of a kind whose name fills a frame.
        let name = "x".repeat(halcyon_types::limits::FRAME_BYTES_MAX - 64);
        let mut document = Vec::new();
        encode(&mut document, &(1, [(name, 1)].into_iter().collect::<std::collections::BTreeMap<_, _>>()));
        let error = decode::<Request>(&document).unwrap_err().to_string();
        assert!(error.contains("unknown variant `xxx") && error.len() < 300, "{} bytes", error.len());
    }
}
