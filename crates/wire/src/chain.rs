//! The hash chain over an actor's log: two nodes that hold the same dot with different bytes disagree from there on.

use std::fmt;

use halcyon_types::ActorId;
use serde::{Deserialize, Serialize};

/// The hash of an actor's log up to some record: BLAKE3 over the hash before it and the record's bytes as first encoded.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainHash(#[serde(with = "serde_bytes")] [u8; 32]);

impl ChainHash {
    /// The hash of the empty log of `actor`.
    pub fn genesis(actor: ActorId) -> Self {
        Self(*blake3::hash(&actor.as_u64().to_be_bytes()).as_bytes())
    }

    /// From the bytes that a store kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a store to keep.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash once `record` has followed.
    #[must_use]
    pub fn extend(&self, record: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(record);
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_that_differ_anywhere_differ_from_there_on() {
        let actor = ActorId::from_u64(7);
        let chain = |records: &[&[u8]]| records.iter().fold(ChainHash::genesis(actor), |hash, r| hash.extend(r));
        assert_eq!(chain(&[b"a", b"b"]), chain(&[b"a", b"b"]));
        assert_ne!(chain(&[b"a", b"b", b"c"]), chain(&[b"a", b"x", b"c"]));
        assert_ne!(ChainHash::genesis(actor), ChainHash::genesis(ActorId::from_u64(8)));
    }
}
