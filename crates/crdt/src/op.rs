//! What a client asks to change.

use bytes::Bytes;
use halcyon_types::RegionId;
use halcyon_types::limits::{COMPONENT_BYTES_MAX, POSITION_BYTES_MAX, TTL_MAX, VALUE_BYTES_MAX};
use serde::{Deserialize, Serialize};

use crate::component;
use crate::key::KeyError;
use crate::kind::Kind;
use crate::object::Object;
use crate::position::{Position, PositionError};

/// One change to one object. Several of them, in order, make a transaction: one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// Where.
    pub object: Object,
    /// What.
    pub op: Op,
}

/// A change.
///
/// Removing removes exactly what the transaction saw; anything concurrent survives. Keys, elements, members and fields are
/// 1 to [`COMPONENT_BYTES_MAX`] bytes; values at most [`VALUE_BYTES_MAX`], opaque: the SDK and `exec` write MessagePack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Op {
    /// Register: overwrite the value.
    #[serde(rename = "s")]
    Set {
        /// The value.
        value: Bytes,
        /// For how long, in milliseconds from the commit; absent for ever. It ends this very write, nothing else.
        ttl_ms: Option<u64>,
    },
    /// Multi-value register: put one value in place of all that were seen.
    #[serde(rename = "mv")]
    SetMv {
        /// The value.
        value: Bytes,
    },
    /// Counter: add, which may be negative.
    #[serde(rename = "a")]
    Add {
        /// By how much.
        amount: i64,
    },
    /// Flag: on.
    #[serde(rename = "on")]
    Enable,
    /// Set: add an element.
    #[serde(rename = "i")]
    Insert {
        /// The element.
        element: Bytes,
    },
    /// Set: remove an element.
    #[serde(rename = "r")]
    Remove {
        /// The element.
        element: Bytes,
    },
    /// Sorted set: give a member this score, whatever was added to it so far.
    #[serde(rename = "zs")]
    Score {
        /// The member.
        member: Bytes,
        /// A finite number.
        score: f64,
    },
    /// Sorted set: add to a member's score; a member that is not there begins at zero.
    #[serde(rename = "za")]
    AddScore {
        /// The member.
        member: Bytes,
        /// A finite number.
        amount: f64,
    },
    /// Sorted set: remove a member.
    #[serde(rename = "zr")]
    RemoveMember {
        /// The member.
        member: Bytes,
    },
    /// List: put values at an end. At the front they stand in reverse, as if pushed one by one.
    #[serde(rename = "lp")]
    Push {
        /// Which end.
        end: End,
        /// One or more.
        values: Vec<Bytes>,
    },
    /// List: put values next to an element, in order.
    #[serde(rename = "li")]
    InsertAt {
        /// Which element.
        place: Place,
        /// On which side of it.
        side: Side,
        /// One or more.
        values: Vec<Bytes>,
    },
    /// List: overwrite an element (by value: every one that has it).
    #[serde(rename = "ls")]
    SetAt {
        /// Which element.
        place: Place,
        /// Its new value.
        value: Bytes,
    },
    /// List: remove an element (by value: every one that has it).
    #[serde(rename = "lr")]
    RemoveAt {
        /// Which element.
        place: Place,
    },
    /// List: move an element to an end.
    #[serde(rename = "lm")]
    MoveTo {
        /// Which element.
        place: Place,
        /// Which end.
        end: End,
    },
    /// `HyperLogLog`: count elements that may have been counted before.
    #[serde(rename = "h")]
    Observe {
        /// One or more; of any length, for only their hashes are kept.
        elements: Vec<Bytes>,
    },
    /// Bounded counter: raise the value; the rights to spend it belong to this region.
    #[serde(rename = "b+")]
    Raise {
        /// By how much, at least 1.
        amount: u64,
    },
    /// Bounded counter: lower the value, out of this region's rights.
    #[serde(rename = "b-")]
    Spend {
        /// By how much, at least 1.
        amount: u64,
    },
    /// Bounded counter: pass rights of this region to another.
    #[serde(rename = "bt")]
    Transfer {
        /// To whom.
        to: RegionId,
        /// How many, at least 1.
        amount: u64,
    },
    /// The whole key ends at this time from now. Of concurrent deadlines the longest holds.
    #[serde(rename = "x")]
    Expire {
        /// Milliseconds from the commit.
        ttl_ms: u64,
    },
    /// The whole key never ends. Wins over any concurrent deadline.
    #[serde(rename = "p")]
    Persist,
    /// Everything of one kind at the object: a register's value, a counter's sum, a flag, all elements.
    #[serde(rename = "c")]
    Clear {
        /// Which kind.
        kind: Kind,
    },
    /// Everything at and below the object, of whatever kind: a key, or a field of a map.
    #[serde(rename = "d")]
    Delete,
}

/// An end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// Before the first element.
    #[serde(rename = "f")]
    Front,
    /// Behind the last element.
    #[serde(rename = "b")]
    Back,
}

/// A side of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// Before it.
    #[serde(rename = "b")]
    Before,
    /// Behind it.
    #[serde(rename = "a")]
    After,
}

/// An element of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// From the front, 0 being the first; or from the back, -1 being the last. Found in a number of steps that grows with it.
    #[serde(rename = "i")]
    Index(i64),
    /// The first that has this value. Found by looking at every element before it.
    #[serde(rename = "v")]
    Value(Bytes),
    /// By the position that a read has told: found at once, and the same element whatever happens around it.
    #[serde(rename = "p")]
    Position(Bytes),
}

/// An update that no node would take. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// Its object or element cannot be named.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The value is past its limit.
    #[error("a value of {bytes} bytes is too long; the limit is {VALUE_BYTES_MAX}")]
    ValueTooLong {
        /// Bytes given.
        bytes: usize,
    },
    /// A score or an increment that is no finite number.
    #[error("{value} is no score: scores and increments are finite numbers, up to 1.8e308")]
    NotFinite {
        /// What was given, as text.
        value: String,
    },
    /// A list of nothing.
    #[error("nothing to {what}: give at least one")]
    Nothing {
        /// What there is nothing to do with.
        what: &'static str,
    },
    /// An amount of zero.
    #[error("an amount of 0 changes nothing; give at least 1")]
    ZeroAmount,
    /// A time to live past the limit.
    #[error("a time to live of {ttl_ms} ms; give at most {}", TTL_MAX.as_millis())]
    Ttl {
        /// What was given.
        ttl_ms: u64,
    },
    /// A deadline of a field.
    #[error("only a whole key can expire, not a field of a map")]
    NotAKey,
    /// A clear of what is no type.
    #[error("a {0} cannot be cleared as a type; use persist")]
    NotAType(Kind),
    /// A place in a list that no read has told.
    #[error(transparent)]
    Position(#[from] PositionError),
}

impl Update {
    /// Checks everything that can be known without looking at rows.
    ///
    /// # Errors
    /// [`OpError`].
    pub fn check(&self) -> Result<(), OpError> {
        self.object.check()?;
        match &self.op {
            Op::Set { value, ttl_ms } => {
                check_value(value)?;
                ttl_ms.map_or(Ok(()), check_ttl)
            }
            Op::SetMv { value } => check_value(value),
            Op::Insert { element } | Op::Remove { element } => {
                Ok(component::check("element", element, COMPONENT_BYTES_MAX)?)
            }
            Op::Score { member, score: number } | Op::AddScore { member, amount: number } => {
                component::check("member", member, COMPONENT_BYTES_MAX)?;
                if number.is_finite() { Ok(()) } else { Err(OpError::NotFinite { value: number.to_string() }) }
            }
            Op::RemoveMember { member } => Ok(component::check("member", member, COMPONENT_BYTES_MAX)?),
            Op::Push { values, .. } => check_values(values),
            Op::InsertAt { place, values, .. } => place.check().and_then(|()| check_values(values)),
            Op::SetAt { place, value } => place.check().and_then(|()| check_value(value)),
            Op::RemoveAt { place } | Op::MoveTo { place, .. } => place.check(),
            Op::Observe { elements } if elements.is_empty() => Err(OpError::Nothing { what: "count" }),
            Op::Raise { amount: 0 } | Op::Spend { amount: 0 } | Op::Transfer { amount: 0, .. } => {
                Err(OpError::ZeroAmount)
            }
            Op::Expire { .. } | Op::Persist if !self.object.path.is_empty() => Err(OpError::NotAKey),
            Op::Expire { ttl_ms } => check_ttl(*ttl_ms),
            Op::Clear { kind: Kind::Deadline } => Err(OpError::NotAType(Kind::Deadline)),
            Op::Add { .. }
            | Op::Enable
            | Op::Observe { .. }
            | Op::Raise { .. }
            | Op::Spend { .. }
            | Op::Transfer { .. }
            | Op::Persist
            | Op::Clear { .. }
            | Op::Delete => Ok(()),
        }
    }

    /// Bytes this holds in memory besides itself, near enough for a budget.
    pub fn weight(&self) -> usize {
        let values = |values: &Vec<Bytes>| values.iter().map(|value| size_of::<Bytes>() + value.len()).sum();
        let op = match &self.op {
            Op::Set { value: bytes, .. }
            | Op::SetMv { value: bytes }
            | Op::Insert { element: bytes }
            | Op::Remove { element: bytes }
            | Op::Score { member: bytes, .. }
            | Op::AddScore { member: bytes, .. }
            | Op::RemoveMember { member: bytes } => bytes.len(),
            Op::Push { values: list, .. } | Op::Observe { elements: list } => values(list),
            Op::InsertAt { place, values: list, .. } => place.weight() + values(list),
            Op::SetAt { place, value } => place.weight() + value.len(),
            Op::RemoveAt { place } | Op::MoveTo { place, .. } => place.weight(),
            _ => 0,
        };
        self.object.weight() + op
    }
}

impl Op {
    /// The kind it changes; absent where it changes all, or the key as a whole.
    pub const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Set { .. } => Kind::Register,
            Self::SetMv { .. } => Kind::MvRegister,
            Self::Add { .. } => Kind::Counter,
            Self::Enable => Kind::Flag,
            Self::Insert { .. } | Self::Remove { .. } => Kind::Set,
            Self::Score { .. } | Self::AddScore { .. } | Self::RemoveMember { .. } => Kind::SortedSet,
            Self::Push { .. }
            | Self::InsertAt { .. }
            | Self::SetAt { .. }
            | Self::RemoveAt { .. }
            | Self::MoveTo { .. } => Kind::List,
            Self::Observe { .. } => Kind::HyperLogLog,
            Self::Raise { .. } | Self::Spend { .. } | Self::Transfer { .. } => Kind::BoundedCounter,
            Self::Clear { kind } => *kind,
            Self::Expire { .. } | Self::Persist | Self::Delete => return None,
        })
    }

    /// How many elements it carries, where it may carry several.
    pub(crate) const fn elements(&self) -> usize {
        match self {
            Self::Push { values, .. } | Self::InsertAt { values, .. } => values.len(),
            Self::Observe { elements } => elements.len(),
            _ => 0,
        }
    }
}

impl Place {
    fn check(&self) -> Result<(), OpError> {
        match self {
            Self::Index(_) => Ok(()),
            Self::Value(value) => check_value(value),
            Self::Position(position) => Ok(Position::parse(position.clone()).map(drop)?),
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Index(_) => 0,
            Self::Value(bytes) | Self::Position(bytes) => bytes.len(),
        }
    }
}

const _: () = assert!(POSITION_BYTES_MAX <= COMPONENT_BYTES_MAX, "a list's rows are named as briefly as any");

fn check_value(value: &Bytes) -> Result<(), OpError> {
    if value.len() > VALUE_BYTES_MAX { Err(OpError::ValueTooLong { bytes: value.len() }) } else { Ok(()) }
}

fn check_values(values: &[Bytes]) -> Result<(), OpError> {
    if values.is_empty() {
        return Err(OpError::Nothing { what: "put into the list" });
    }
    values.iter().try_for_each(check_value)
}

fn check_ttl(ttl_ms: u64) -> Result<(), OpError> {
    let max = u64::try_from(TTL_MAX.as_millis()).unwrap_or(u64::MAX);
    if ttl_ms <= max { Ok(()) } else { Err(OpError::Ttl { ttl_ms }) }
}

#[cfg(test)]
mod tests;
