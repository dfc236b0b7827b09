//! How rows are named.
//!
//! ```text
//! row key  = keyspace:u32be ‖ component(key) ‖ kind ‖ sub-path
//! sub-path = R, M, E, T: nothing · C: actor:u64be · S: component(element) · L: position
//!          | Z: component(member) ‖ (R | C ‖ actor:u64be) · H: generation · B: generation ‖ owner:u64be
//!          | m: component(field) ‖ kind ‖ sub-path
//! generation = actor:u64be ‖ seq:u64be          position: see `position.rs`; it ends by itself too
//! ```
//!
//! A component escapes each `00` as `00 FF` and ends with `00 01`: it orders as its bytes do, and no component's encoding
//! is a prefix of another's. So no row's path is a prefix of a sibling's, and whatever lies below a key, a field or a
//! counter is exactly one range of keys. The kind follows the key: type is part of identity.

use bytes::Bytes;
use halcyon_types::limits::{COMPONENT_BYTES_MAX, KEY_BYTES_MAX, PATH_DEPTH_MAX};
use halcyon_types::{ActorId, Dot, KeyspaceId, Seq};
use serde::{Deserialize, Serialize};

use crate::component;
use crate::kind::{Kind, Shape};
use crate::position::Position;

/// A key or path that cannot name an object or a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Keys, fields and elements have at least one byte.
    #[error("an empty {what} names nothing; use at least one byte")]
    Empty {
        /// `key`, `field`, `element`, `member` or `cursor`.
        what: &'static str,
    },
    /// Past its limit.
    #[error("a {what} of {bytes} bytes is too long; the limit is {max}")]
    TooLong {
        /// `key`, `field`, `element`, `member` or `cursor`.
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
    /// A bound of scores that is no number.
    #[error("nan is no bound of scores; use numbers, -inf and inf among them")]
    NotANumber,
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

    /// The row of generation `dot` of the `HyperLogLog` here, or what its rows of a bounded counter begin with.
    pub(crate) fn generation(&self, dot: Dot) -> Self {
        let mut bytes = [0; 16];
        let (actor, seq) = bytes.split_at_mut(8);
        actor.copy_from_slice(&dot.actor.as_u64().to_be_bytes());
        seq.copy_from_slice(&dot.seq.0.to_be_bytes());
        self.with(&bytes)
    }

    /// The counter and the actor of a counter's row key.
    pub(crate) fn of_counter_row(key: &[u8]) -> Option<(Self, ActorId)> {
        let (counter, actor) = key.split_last_chunk::<8>()?;
        Some((Self(Bytes::copy_from_slice(counter)), ActorId::from_u64(u64::from_be_bytes(*actor))))
    }

    /// The bounded counter of an escrow row's key.
    pub(crate) fn of_escrow_row(key: &[u8]) -> Option<Self> {
        let counter = key.get(..key.len().checked_sub(GENERATION_BYTES + ACTOR_BYTES)?)?;
        Some(Self(Bytes::copy_from_slice(counter)))
    }

    /// What a collection of the key at `row` begins with, if the row lies in one: `keyspace ‖ key ‖ kind`.
    pub fn collection_of(row: &[u8]) -> Option<&[u8]> {
        let key = component::encoded_len(row.get(4..)?)?;
        let kind = Kind::from_byte(*row.get(4 + key)?)?;
        kind.is_collection().then(|| row.get(..=4 + key))?
    }

    /// The rows of the sorted set that the row at `row` belongs to, at whatever depth; `None` if it is of another kind.
    pub fn sorted_set_of(row: &[u8]) -> Option<Self> {
        let mut at = 4;
        loop {
            at += component::encoded_len(row.get(at..)?)? + 1;
            match Kind::from_byte(*row.get(at - 1)?)? {
                Kind::Map => {}
                Kind::SortedSet => return Some(Self(Bytes::copy_from_slice(row.get(..at)?))),
                _ => return None,
            }
        }
    }

    /// What a key's rows begin with: `keyspace ‖ key`.
    pub fn key_of(row: &[u8]) -> Option<&[u8]> {
        row.get(..4 + component::encoded_len(row.get(4..)?)?)
    }

    /// The key that the row at `row`, or what it begins with, belongs to, as an application names it.
    pub fn name_of(row: &[u8]) -> Option<Vec<u8>> {
        component::first(row.get(4..)?)
    }

    /// From bytes that [`Self::collection_of`], [`Self::key_of`] or a scan gave.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// Whether `row` lies below.
    pub fn contains(&self, row: &[u8]) -> bool {
        row.starts_with(&self.0)
    }

    /// The first key behind everything below; absent if there is none.
    pub fn end(&self) -> Option<Vec<u8>> {
        let mut bound = self.0.to_vec();
        while let Some(last) = bound.pop() {
            if let Some(raised) = last.checked_add(1) {
                bound.push(raised);
                return Some(bound);
            }
        }
        None
    }

    /// As [`Self::end`], but no further than `upto`: where a scan backwards begins.
    pub fn end_before(&self, upto: Option<&[u8]>) -> Option<Vec<u8>> {
        let upto = upto.map(<[u8]>::to_vec);
        match (self.end(), upto) {
            (Some(end), Some(upto)) => Some(end.min(upto)),
            (end, upto) => end.or(upto),
        }
    }

    /// The one row this prefix names, if it is a whole row key.
    pub fn as_row(&self) -> Option<RowKey> {
        matches!(walk(&self.0), Ok(Place::Row(..))).then(|| RowKey(self.0.clone()))
    }

    /// Checks that this is something a clear may name: an object, everything of a kind, a sorted set's member, or one row
    /// of entries.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn check_clear(&self) -> Result<(), KeyError> {
        match walk(&self.0)? {
            Place::Row(_, Shape::Entries) | Place::Object | Place::Kind(_) | Place::Member | Place::MemberCounter => {
                Ok(())
            }
            Place::Row(..) => Err(KeyError::Malformed { reason: "a clear cannot name one actor's row" }),
        }
    }

    /// Checks that this names the rows of a counter, and says whether it counts in floating point.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn check_counter(&self) -> Result<bool, KeyError> {
        match walk(&self.0)? {
            Place::Kind(Kind::Counter) => Ok(false),
            Place::MemberCounter => Ok(true),
            _ => Err(KeyError::Malformed { reason: "an increment needs a counter's rows" }),
        }
    }

    /// Checks that this names the generations of an object of `kind`.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn check_generations(&self, kind: Kind) -> Result<(), KeyError> {
        match walk(&self.0)? {
            Place::Kind(found) if found == kind => Ok(()),
            _ => Err(KeyError::Malformed { reason: "an update of a generation needs its object's rows" }),
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

    /// The kind of the object whose row this is: the last kind of its path.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] if this is no whole row key.
    pub fn kind(&self) -> Result<Kind, KeyError> {
        row_of(&self.0).map(|(kind, _)| kind)
    }

    /// What the row at a key that a scan lends must hold.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] if this is no whole row key.
    pub fn shape_of(key: &[u8]) -> Result<Shape, KeyError> {
        row_of(key).map(|(_, shape)| shape)
    }

    /// The dot that decides over a row as a whole: that of its generation, if its shape has one.
    pub(crate) fn generation_of(key: &[u8], shape: Shape) -> Option<Dot> {
        let behind = match shape {
            Shape::Registers => 0,
            Shape::Escrow => 8,
            Shape::Entries | Shape::Whole | Shape::Float => return None,
        };
        let (_, dot) = key.get(..key.len().checked_sub(behind)?)?.split_last_chunk::<16>()?;
        let (actor, seq) = dot.split_first_chunk::<8>()?;
        let seq = Seq(u64::from_be_bytes(*seq.first_chunk::<8>()?));
        Some(Dot { actor: ActorId::from_u64(u64::from_be_bytes(*actor)), seq })
    }
}

fn row_of(key: &[u8]) -> Result<(Kind, Shape), KeyError> {
    match walk(key)? {
        Place::Row(kind, shape) => Ok((kind, shape)),
        _ => Err(KeyError::Malformed { reason: "the path ends before a row" }),
    }
}

/// Where a key, or the beginning of one, stands.
enum Place {
    /// A whole row.
    Row(Kind, Shape),
    /// Above an object's kinds: after a key or a field.
    Object,
    /// Above the rows of one kind.
    Kind(Kind),
    /// Above the rows of a sorted set's member.
    Member,
    /// Above the increments of a sorted set's member.
    MemberCounter,
}

const ACTOR_BYTES: usize = 8;
const GENERATION_BYTES: usize = 16;

/// Walks a key from the front, checking every part.
fn walk(bytes: &[u8]) -> Result<Place, KeyError> {
    let bad = |reason| KeyError::Malformed { reason };
    let row = |is_whole, kind, shape, reason| if is_whole { Ok(Place::Row(kind, shape)) } else { Err(bad(reason)) };
    let (keyspace, mut rest) = bytes.split_first_chunk::<4>().ok_or(bad("shorter than a keyspace id"))?;
    if *keyspace == [0; 4] {
        return Err(bad("keyspace 0 is the system's own"));
    }
    for depth in 0..=PATH_DEPTH_MAX {
        let max = if depth == 0 { KEY_BYTES_MAX } else { COMPONENT_BYTES_MAX };
        let taken = component::named_len(rest, max).ok_or(bad("a key or field is empty, too long or not ended"))?;
        rest = rest.get(taken..).unwrap_or_default();
        let Some((kind, below)) = rest.split_first() else {
            return Ok(Place::Object);
        };
        let kind = Kind::from_byte(*kind).ok_or(bad("unknown kind"))?;
        return match kind {
            Kind::Register | Kind::MvRegister | Kind::Flag | Kind::Deadline => {
                row(below.is_empty(), kind, Shape::Entries, "nothing lies below a register, flag or deadline")
            }
            _ if below.is_empty() => Ok(Place::Kind(kind)),
            Kind::Counter => row(below.len() == ACTOR_BYTES, kind, Shape::Whole, "a counter's row ends with an actor"),
            Kind::Set => {
                let whole = component::named_len(below, COMPONENT_BYTES_MAX) == Some(below.len());
                row(whole, kind, Shape::Entries, "a set's row ends with an element")
            }
            Kind::List => {
                let whole = Position::encoded_len(below) == Some(below.len());
                row(whole, kind, Shape::Entries, "a list's row ends with a position")
            }
            Kind::HyperLogLog => {
                row(below.len() == GENERATION_BYTES, kind, Shape::Registers, "registers end with a generation")
            }
            Kind::BoundedCounter => {
                let whole = below.len() == GENERATION_BYTES + ACTOR_BYTES;
                row(whole, kind, Shape::Escrow, "an escrow row ends with a generation and its owner")
            }
            Kind::SortedSet => walk_member(below).map_err(bad),
            Kind::Map => {
                rest = below;
                continue;
            }
        };
    }
    Err(bad("nested too deep"))
}

/// What lies below a sorted set.
fn walk_member(below: &[u8]) -> Result<Place, &'static str> {
    let taken = component::named_len(below, COMPONENT_BYTES_MAX).ok_or("a member is empty, too long or not ended")?;
    match below.get(taken..).unwrap_or_default() {
        [] => Ok(Place::Member),
        [b'R'] => Ok(Place::Row(Kind::SortedSet, Shape::Entries)),
        [b'C'] => Ok(Place::MemberCounter),
        [b'C', actor @ ..] if actor.len() == ACTOR_BYTES => Ok(Place::Row(Kind::SortedSet, Shape::Float)),
        _ => Err("a member has a score and increments, nothing else"),
    }
}

#[cfg(test)]
mod tests;
