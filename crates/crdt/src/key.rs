//! How rows are named.
//!
//! ```text
//! row key  = keyspace:u32be ‖ component(key) ‖ kind ‖ sub-path
//! sub-path = R: nothing · C: actor:u64be · S: component(element) · m: component(field) ‖ kind ‖ sub-path
//! ```
//!
//! A component escapes each `00` as `00 FF` and ends with `00 01`: it orders as its bytes do, and no component's encoding
//! is a prefix of another's. So no row's path is a prefix of a sibling's, and whatever lies below a key, a field or a
//! counter is exactly one range of keys. The kind follows the key: type is part of identity.

use bytes::Bytes;
use halcyon_types::limits::PATH_DEPTH_MAX;
use halcyon_types::{ActorId, KeyspaceId};
use serde::{Deserialize, Serialize};

use crate::component;
use crate::kind::Kind;

/// A key or path that cannot name an object or a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Keys, fields and elements have at least one byte.
    #[error("an empty {what} names nothing; use at least one byte")]
    Empty {
        /// `key`, `field` or `element`.
        what: &'static str,
    },
    /// Past its limit.
    #[error("a {what} of {bytes} bytes is too long; the limit is {max}")]
    TooLong {
        /// `key`, `field` or `element`.
        what: &'static str,
        /// Bytes given.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Nested past the limit.
    #[error("{depth} nested maps are too deep; the limit is {PATH_DEPTH_MAX}")]
    TooDeep {
        /// Maps given.
        depth: usize,
    },
    /// Bytes that no row key of this version has. From a peer or a disk, this is damage or a newer version.
    #[error("not a row key: {reason}")]
    Malformed {
        /// What was expected.
        reason: &'static str,
    },
}

/// The beginning that a range of rows shares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowPrefix(pub(crate) Bytes);

impl RowPrefix {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Everything of a keyspace.
    pub fn keyspace(keyspace: KeyspaceId) -> Self {
        Self(Bytes::copy_from_slice(&keyspace.get().to_be_bytes()))
    }

    pub(crate) fn with(&self, more: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(self.0.len() + more.len());
        bytes.extend_from_slice(&self.0);
        bytes.extend_from_slice(more);
        Self(bytes.into())
    }

    /// What lies below this prefix and `component`.
    #[must_use]
    pub fn component(&self, component: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(self.0.len() + component.len() + 2);
        bytes.extend_from_slice(&self.0);
        component::push(&mut bytes, component);
        Self(bytes.into())
    }

    /// The row of `actor` of the counter whose rows this prefix names.
    pub fn actor(&self, actor: ActorId) -> RowKey {
        RowKey(self.with(&actor.as_u64().to_be_bytes()).0)
    }

    /// The counter and the actor of a counter's row key.
    pub(crate) fn of_counter_row(key: &[u8]) -> Option<(Self, ActorId)> {
        let (counter, actor) = key.split_last_chunk::<8>()?;
        Some((Self(Bytes::copy_from_slice(counter)), ActorId::from_u64(u64::from_be_bytes(*actor))))
    }

    /// Whether `row` lies below.
    pub fn contains(&self, row: &[u8]) -> bool {
        row.starts_with(&self.0)
    }

    /// The one row this prefix names, if it is a whole row key.
    pub fn as_row(&self) -> Option<RowKey> {
        matches!(walk(&self.0), Ok(Walk::Row(_))).then(|| RowKey(self.0.clone()))
    }

    /// Checks that rows of this version can lie below (a prefix from a peer).
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn check(&self) -> Result<(), KeyError> {
        walk(&self.0).map(drop)
    }

    /// Checks that this names the rows of a counter.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn check_counter(&self) -> Result<(), KeyError> {
        match walk(&self.0)? {
            Walk::Below(Some(Kind::Counter)) => Ok(()),
            _ => Err(KeyError::Malformed { reason: "an increment needs a counter's rows" }),
        }
    }
}

/// One row's key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowKey(pub(crate) Bytes);

impl RowKey {
    /// From bytes that a store or a scan gave; [`Self::kind`] checks them.
    pub const fn from_bytes(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The kind of the row: the last kind of its path.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] if this is no whole row key.
    pub fn kind(&self) -> Result<Kind, KeyError> {
        Self::kind_of(&self.0)
    }

    /// The kind of the row at a key that a scan lends.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] if this is no whole row key.
    pub fn kind_of(key: &[u8]) -> Result<Kind, KeyError> {
        match walk(key)? {
            Walk::Row(kind) => Ok(kind),
            Walk::Below(_) => Err(KeyError::Malformed { reason: "the path ends before a row" }),
        }
    }
}

enum Walk {
    /// A whole row of this kind.
    Row(Kind),
    /// A place above rows: after a component, or after the kind given.
    Below(Option<Kind>),
}

/// Walks a key from the front, checking every part.
fn walk(bytes: &[u8]) -> Result<Walk, KeyError> {
    let bad = |reason| KeyError::Malformed { reason };
    let (keyspace, mut rest) = bytes.split_first_chunk::<4>().ok_or(bad("shorter than a keyspace id"))?;
    if *keyspace == [0; 4] {
        return Err(bad("keyspace 0 is the system's own"));
    }
    for _ in 0..=PATH_DEPTH_MAX {
        let taken = component::encoded_len(rest).ok_or(bad("a key or field is not terminated"))?;
        rest = rest.get(taken..).unwrap_or_default();
        let Some((kind, below)) = rest.split_first() else {
            return Ok(Walk::Below(None));
        };
        match Kind::from_byte(*kind).ok_or(bad("unknown kind"))? {
            Kind::Register if below.is_empty() => return Ok(Walk::Row(Kind::Register)),
            Kind::Register => return Err(bad("a register has no rows below it")),
            kind if below.is_empty() => return Ok(Walk::Below(Some(kind))),
            Kind::Counter if below.len() == 8 => return Ok(Walk::Row(Kind::Counter)),
            Kind::Counter => return Err(bad("a counter's row ends with an actor")),
            Kind::Set if component::encoded_len(below) == Some(below.len()) => return Ok(Walk::Row(Kind::Set)),
            Kind::Set => return Err(bad("a set's row ends with an element")),
            Kind::Map => rest = below,
        }
    }
    Err(bad("nested too deep"))
}

#[cfg(test)]
mod tests {
    use halcyon_types::KeyspaceId;
    use halcyon_types::limits::KEY_BYTES_MAX;
    use proptest::prelude::*;

    use super::*;
    use crate::object::Object;

    fn object(key: &[u8], path: &[Vec<u8>]) -> Object {
        let mut object = Object::new(KeyspaceId::try_from(10).unwrap(), key.to_vec());
        object.path = path.iter().map(|field| field.clone().into()).collect();
        object
    }

    fn component() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255), any::<u8>()], 1..6)
    }

    proptest! {
        #[test]
        fn a_component_survives_and_orders_as_its_bytes(a in component(), b in component()) {
            let (mut ea, mut eb) = (Vec::new(), Vec::new());
            component::push(&mut ea, &a);
            component::push(&mut eb, &b);
            prop_assert_eq!(component::first(&ea).unwrap(), a.clone());
            prop_assert_eq!(a.cmp(&b), ea.cmp(&eb));
            prop_assert!(a == b || !ea.starts_with(&eb), "no component begins another");
        }

        #[test]
        fn rows_lie_below_their_own_object_only(
            a in component(), b in component(), path in prop::collection::vec(component(), 0..3), element in component(),
        ) {
            let row = object(&a, &path).element(&element);
            prop_assert_eq!(row.kind().unwrap(), Kind::Set);
            prop_assert!(object(&a, &[]).below().contains(row.as_bytes()));
            prop_assert_eq!(object(&b, &[]).below().contains(row.as_bytes()), a == b);
        }

        #[test]
        fn any_bytes_walk_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = RowKey::from_bytes(bytes.clone().into()).kind();
            let _ = component::first(&bytes);
        }
    }

    #[test]
    fn a_prefix_knows_whether_it_is_one_row() {
        let cart = object(b"cart", &[]);
        assert!(cart.below().as_row().is_none());
        assert!(cart.counter().as_row().is_none());
        assert_eq!(cart.of_kind(Kind::Register).as_row(), Some(cart.register()));
        assert!(cart.of_kind(Kind::Set).component(b"x").as_row().is_some());
        assert!(cart.counter().actor(ActorId::from_u64(7)).kind().is_ok());
        assert!(cart.counter().check_counter().is_ok() && cart.below().check_counter().is_err());
    }

    #[test]
    fn keys_of_no_use_are_refused() {
        assert_eq!(object(b"", &[]).check(), Err(KeyError::Empty { what: "key" }));
        assert!(matches!(object(&[1; KEY_BYTES_MAX + 1], &[]).check(), Err(KeyError::TooLong { .. })));
        assert!(matches!(
            object(b"k", &vec![b"f".to_vec(); PATH_DEPTH_MAX + 1]).check(),
            Err(KeyError::TooDeep { .. })
        ));
        assert!(RowKey::from_bytes(Bytes::from_static(b"\0\0\0\0k\0\x01R")).kind().is_err());
    }
}
