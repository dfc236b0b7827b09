//! What a write does to its object, as the language says it.

use std::fmt;

use super::command::{exact, float, integer};
use super::error::CommandError;
use super::vocabulary;

/// An operation. Each belongs to one type; the type is part of the object's identity, so none can miss it.
///
/// Values are what the text says, in range of their type and no further: limits, NaN and negative amounts where none can
/// be are the kernel's to refuse, by name.
#[derive(Debug, Clone, PartialEq)]
pub enum CommandOp {
    /// Register: `set`.
    Set {
        /// The value.
        value: String,
        /// Milliseconds until this write alone expires; negative: it has already.
        ttl_ms: Option<i64>,
    },
    /// Register: `unset`; other types under the key stay.
    Unset,
    /// Multi-value register: `mvset`.
    MvSet(String),
    /// Counter: `incr`, by a negative amount too.
    Incr(i64),
    /// Counter: `reset`.
    Reset,
    /// Flag: `enable`.
    Enable,
    /// Flag: `disable`.
    Disable,
    /// Set: `sadd`.
    SetAdd(Vec<String>),
    /// Set: `srem`.
    SetRemove(Vec<String>),
    /// Sorted set: `zadd`.
    SortedAdd {
        /// The member.
        member: String,
        /// Its score from now on.
        score: f64,
    },
    /// Sorted set: `zincr`.
    SortedIncr {
        /// The member.
        member: String,
        /// What is added to its score.
        delta: f64,
    },
    /// Sorted set: `zrem`.
    SortedRemove(String),
    /// List: `lpush` and `rpush`.
    ListPush {
        /// Which end.
        end: ListEnd,
        /// The values; `lpush` puts each before the one ahead of it.
        values: Vec<String>,
    },
    /// List: `linsafter` and `linsbefore`.
    ListInsert {
        /// Which side of the target.
        side: ListSide,
        /// The value of an element.
        target: String,
        /// What is inserted.
        values: Vec<String>,
    },
    /// List: `linsat`.
    ListInsertAt {
        /// The element before which the values go; negative counts from the end.
        index: i64,
        /// What is inserted.
        values: Vec<String>,
    },
    /// List: `lset`, every element of a value.
    ListSet {
        /// The value that goes.
        old: String,
        /// The value that comes.
        new: String,
    },
    /// List: `lset-at`.
    ListSetAt {
        /// Which element; negative counts from the end.
        index: i64,
        /// Its value from now on.
        value: String,
    },
    /// List: `lrem`, every element of a value.
    ListRemove(String),
    /// List: `lrem-at`; negative counts from the end.
    ListRemoveAt(i64),
    /// List: `lmove`.
    ListMove {
        /// The value of an element.
        value: String,
        /// Where it goes.
        end: ListEnd,
    },
    /// List: `lmove-at`.
    ListMoveAt {
        /// Which element; negative counts from the end.
        index: i64,
        /// Where it goes.
        end: ListEnd,
    },
    /// `HyperLogLog`: `pfadd`.
    HllAdd(Vec<String>),
    /// Bounded counter: `binc`.
    BoundedIncr(i64),
    /// Bounded counter: `bdec`.
    BoundedDecr(i64),
    /// Bounded counter: `bgive`.
    BoundedGive {
        /// The region that receives: a letter in a scenario, elsewhere a name.
        to: String,
        /// How many rights.
        amount: i64,
    },
    /// Key: `expire`, in so many milliseconds; negative: it has already.
    Expire(i64),
    /// Key: `persist`.
    Persist,
    /// `clear`: all of one type at the object, by its name in [`super::vocabulary::TYPES`].
    Clear(&'static str),
    /// The key with all its types, or all that is below a field: `del`.
    Delete,
}

/// An end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListEnd {
    /// The first place.
    Front,
    /// The last place.
    Back,
}

/// A side of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListSide {
    /// Towards the front.
    Before,
    /// Towards the back.
    After,
}

impl CommandOp {
    /// The operation of this word and these arguments; `None` if the word is not known or the arguments do not fit.
    pub(super) fn parse(word: &str, arguments: &[&str]) -> Result<Option<Self>, CommandError> {
        let own = |word: &&str| (*word).to_owned();
        let all = |words: &[&str]| words.iter().map(own).collect::<Vec<_>>();
        Ok(Some(match (word, arguments) {
            ("set", [value]) => Self::Set { value: own(value), ttl_ms: None },
            ("set", [value, ttl]) => Self::Set { value: own(value), ttl_ms: Some(integer(ttl)?) },
            ("unset", []) => Self::Unset,
            ("mvset", [value]) => Self::MvSet(own(value)),
            ("incr", [amount]) => Self::Incr(integer(amount)?),
            ("reset", []) => Self::Reset,
            ("enable", []) => Self::Enable,
            ("disable", []) => Self::Disable,
            ("sadd", [_, ..]) => Self::SetAdd(all(arguments)),
            ("srem", [_, ..]) => Self::SetRemove(all(arguments)),
            ("zadd", [member, score]) => Self::SortedAdd { member: own(member), score: float(score)? },
            ("zincr", [member, delta]) => Self::SortedIncr { member: own(member), delta: float(delta)? },
            ("zrem", [member]) => Self::SortedRemove(own(member)),
            ("lpush", [_, ..]) => Self::ListPush { end: ListEnd::Front, values: all(arguments) },
            ("rpush", [_, ..]) => Self::ListPush { end: ListEnd::Back, values: all(arguments) },
            ("linsafter" | "linsbefore", [target, values @ ..]) if !values.is_empty() => {
                let side = if word == "linsafter" { ListSide::After } else { ListSide::Before };
                Self::ListInsert { side, target: own(target), values: all(values) }
            }
            ("linsat", [index, values @ ..]) if !values.is_empty() => {
                Self::ListInsertAt { index: integer(index)?, values: all(values) }
            }
            ("lset", [old, new]) => Self::ListSet { old: own(old), new: own(new) },
            ("lset-at", [index, value]) => Self::ListSetAt { index: integer(index)?, value: own(value) },
            ("lrem", [value]) => Self::ListRemove(own(value)),
            ("lrem-at", [index]) => Self::ListRemoveAt(integer(index)?),
            ("lmove", [value, "front"]) => Self::ListMove { value: own(value), end: ListEnd::Front },
            ("lmove", [value, "back"]) => Self::ListMove { value: own(value), end: ListEnd::Back },
            ("lmove-at", [index, "front"]) => Self::ListMoveAt { index: integer(index)?, end: ListEnd::Front },
            ("lmove-at", [index, "back"]) => Self::ListMoveAt { index: integer(index)?, end: ListEnd::Back },
            ("clear", [kind]) => match vocabulary::TYPES.iter().find(|(name, _)| name == kind) {
                Some((name, _)) => Self::Clear(name),
                None => return Ok(None),
            },
            ("pfadd", [_, ..]) => Self::HllAdd(all(arguments)),
            ("binc", [amount]) => Self::BoundedIncr(integer(amount)?),
            ("bdec", [amount]) => Self::BoundedDecr(integer(amount)?),
            ("bgive", [to, amount]) => Self::BoundedGive { to: own(to), amount: integer(amount)? },
            ("expire", [ms]) => Self::Expire(integer(ms)?),
            ("persist", []) => Self::Persist,
            ("del", []) => Self::Delete,
            _ => return Ok(None),
        }))
    }

    /// Its word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Set { .. } => "set",
            Self::Unset => "unset",
            Self::MvSet(_) => "mvset",
            Self::Incr(_) => "incr",
            Self::Reset => "reset",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::SetAdd(_) => "sadd",
            Self::SetRemove(_) => "srem",
            Self::SortedAdd { .. } => "zadd",
            Self::SortedIncr { .. } => "zincr",
            Self::SortedRemove(_) => "zrem",
            Self::ListPush { end: ListEnd::Front, .. } => "lpush",
            Self::ListPush { end: ListEnd::Back, .. } => "rpush",
            Self::ListInsert { side: ListSide::After, .. } => "linsafter",
            Self::ListInsert { side: ListSide::Before, .. } => "linsbefore",
            Self::ListInsertAt { .. } => "linsat",
            Self::ListSet { .. } => "lset",
            Self::ListSetAt { .. } => "lset-at",
            Self::ListRemove(_) => "lrem",
            Self::ListRemoveAt(_) => "lrem-at",
            Self::ListMove { .. } => "lmove",
            Self::ListMoveAt { .. } => "lmove-at",
            Self::Clear(_) => "clear",
            Self::HllAdd(_) => "pfadd",
            Self::BoundedIncr(_) => "binc",
            Self::BoundedDecr(_) => "bdec",
            Self::BoundedGive { .. } => "bgive",
            Self::Expire(_) => "expire",
            Self::Persist => "persist",
            Self::Delete => "del",
        }
    }

    /// What stands behind the object, each word after a blank.
    pub(super) fn write_arguments(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset | Self::Reset | Self::Enable | Self::Disable | Self::Persist | Self::Delete => Ok(()),
            Self::Set { value, ttl_ms: Some(ttl_ms) } => write!(f, " {value} {ttl_ms}"),
            Self::Set { value, ttl_ms: None }
            | Self::MvSet(value)
            | Self::SortedRemove(value)
            | Self::ListRemove(value) => write!(f, " {value}"),
            Self::Incr(number)
            | Self::ListRemoveAt(number)
            | Self::BoundedIncr(number)
            | Self::BoundedDecr(number)
            | Self::Expire(number) => write!(f, " {number}"),
            Self::SetAdd(words)
            | Self::SetRemove(words)
            | Self::HllAdd(words)
            | Self::ListPush { values: words, .. } => write!(f, " {}", words.join(" ")),
            Self::SortedAdd { member, score: number } | Self::SortedIncr { member, delta: number } => {
                write!(f, " {member} {}", exact(*number))
            }
            Self::ListInsert { target, values, .. } => write!(f, " {target} {}", values.join(" ")),
            Self::ListInsertAt { index, values } => write!(f, " {index} {}", values.join(" ")),
            Self::ListSet { old, new } => write!(f, " {old} {new}"),
            Self::ListSetAt { index, value } => write!(f, " {index} {value}"),
            Self::ListMove { value, end: ListEnd::Front } => write!(f, " {value} front"),
            Self::ListMove { value, end: ListEnd::Back } => write!(f, " {value} back"),
            Self::ListMoveAt { index, end: ListEnd::Front } => write!(f, " {index} front"),
            Self::ListMoveAt { index, end: ListEnd::Back } => write!(f, " {index} back"),
            Self::Clear(kind) => write!(f, " {kind}"),
            Self::BoundedGive { to, amount } => write!(f, " {to} {amount}"),
        }
    }
}
