//! What a record does to rows: the whole vocabulary of replication.

use bytes::Bytes;
use halcyon_types::limits::{CLEAR_LIST_MAX, VALUE_BYTES_MAX};
use halcyon_types::{ActorId, Seq, UnixMs};
use serde::{Deserialize, Serialize};

use crate::key::{KeyError, RowKey, RowPrefix};
use crate::kind::Kind;

/// One effect. A record carries them in normal form: clears first, then at most one assign per row and one increment
/// per counter.
///
/// On the wire an effect is its one-letter name and its fields; see `docs/format.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Drop the row's entries covered by ctx (a register's also of the record's own actor); add this one.
    #[serde(rename = "a")]
    Assign {
        /// A register's row or a set element's.
        row: RowKey,
        /// From when on the entry takes no part.
        expiry: Option<UnixMs>,
        /// A register's value; empty for a set's element.
        payload: Bytes,
    },
    /// Below `prefix`, drop the entries covered by ctx, and of each listed counter interval what was seen.
    #[serde(rename = "c")]
    Clear {
        /// A key, a field, a counter, a set, or one row.
        prefix: RowPrefix,
        /// What was seen of each counter below.
        intervals: Vec<ClearedInterval>,
    },
    /// The record's actor raised its running sum at a counter.
    #[serde(rename = "i")]
    Inc {
        /// The counter's rows.
        counter: RowPrefix,
        /// The actor's previous increment of this life, or the seq before the record.
        prev_seq: Seq,
        /// The running sum before.
        before: i64,
        /// The running sum after.
        after: i64,
    },
}

/// What a clear has seen of one actor's interval at one counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearedInterval {
    /// The counter's rows.
    pub counter: RowPrefix,
    /// Whose interval.
    pub actor: ActorId,
    /// The last increment seen.
    pub seq: Seq,
    /// The running sum at `seq`.
    pub cum: i64,
}

/// An effect from elsewhere that breaks the kernel's rules. The record that carries it is never applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EffectError {
    /// Its row or prefix is none of this version.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An assign to a counter's row.
    #[error("an assign to a {0}'s row")]
    AssignTo(Kind),
    /// A value past its limit.
    #[error("a value of {0} bytes; the limit is {VALUE_BYTES_MAX}")]
    ValueTooLong(usize),
    /// A clear that lists too many intervals.
    #[error("a clear of {0} counter intervals; the limit is {CLEAR_LIST_MAX}")]
    ClearTooLong(usize),
}

impl Effect {
    /// Checks an effect that came from elsewhere, so that applying it is total.
    ///
    /// # Errors
    /// [`EffectError`].
    pub fn check(&self) -> Result<(), EffectError> {
        match self {
            Self::Assign { row, payload, .. } => match row.kind()? {
                Kind::Register | Kind::Set if payload.len() > VALUE_BYTES_MAX => {
                    Err(EffectError::ValueTooLong(payload.len()))
                }
                Kind::Register | Kind::Set => Ok(()),
                kind => Err(EffectError::AssignTo(kind)),
            },
            Self::Clear { prefix, intervals } => {
                if intervals.len() > CLEAR_LIST_MAX {
                    return Err(EffectError::ClearTooLong(intervals.len()));
                }
                prefix.check()?;
                Ok(intervals.iter().try_for_each(|interval| interval.counter.check_counter())?)
            }
            Self::Inc { counter, .. } => Ok(counter.check_counter()?),
        }
    }
}
