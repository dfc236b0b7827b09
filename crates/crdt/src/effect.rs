//! What a record does to rows: the whole vocabulary of replication.

use bytes::Bytes;
use halcyon_types::limits::{CLEAR_LIST_MAX, ESCROW_OWNERS_MAX, VALUE_BYTES_MAX};
use halcyon_types::{ActorId, Dot, Seq, UnixMs};
use serde::{Deserialize, Serialize};

use crate::escrow::Escrow;
use crate::hyperloglog::Registers;
use crate::key::{KeyError, RowKey, RowPrefix};
use crate::kind::Kind;
use crate::number::Number;

/// One effect. A record carries them in normal form: clears first, then at most one assign per row, one increment per
/// counter and one update per generation (and owner).
///
/// On the wire an effect is its one-letter name and its fields; see `docs/format.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Drop the row's entries covered by ctx (a register's also of the record's own actor); add this one.
    #[serde(rename = "a")]
    Assign {
        /// A row of entries.
        row: RowKey,
        /// From when on the entry takes no part. Registers only.
        expiry: Option<UnixMs>,
        /// A value; empty for what is merely there: a set's element, a flag.
        payload: Bytes,
    },
    /// Below `prefix`, drop the entries and generations covered by ctx, and of each listed counter interval what was seen.
    #[serde(rename = "c")]
    Clear {
        /// A key, a field, everything of a kind, a member, or one row of entries.
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
        before: Number,
        /// The running sum after.
        after: Number,
    },
    /// `HyperLogLog`: raise registers of a generation. If it is not there any more it was deleted, and this dies with it.
    #[serde(rename = "h")]
    Observe {
        /// The object's generations.
        generations: RowPrefix,
        /// Which; absent for a new one, named by the record's dot.
        generation: Option<Dot>,
        /// The registers raised.
        registers: Registers,
    },
    /// Bounded counter: the record's actor's own row of a generation, absolute. If the generation is not there any more it
    /// was deleted, and this dies with it.
    #[serde(rename = "e")]
    Hold {
        /// The object's generations.
        generations: RowPrefix,
        /// Which; absent for a new one, named by the record's dot.
        generation: Option<Dot>,
        /// The row from now on.
        escrow: Escrow,
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
    pub cum: Number,
}

/// An effect from elsewhere that breaks the kernel's rules. The record that carries it is never applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EffectError {
    /// Its row or prefix is none of this version.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An assign to a row that does not hold entries.
    #[error("an assign to a {0}'s row")]
    AssignTo(Kind),
    /// An assign whose payload or expiry its row cannot have.
    #[error("an assign to a {kind}: {reason}")]
    Payload {
        /// What the row belongs to.
        kind: Kind,
        /// What is wrong.
        reason: &'static str,
    },
    /// A value past its limit.
    #[error("a value of {0} bytes; the limit is {VALUE_BYTES_MAX}")]
    ValueTooLong(usize),
    /// A clear that lists too many intervals.
    #[error("a clear of {0} counter intervals; the limit is {CLEAR_LIST_MAX}")]
    ClearTooLong(usize),
    /// A clear that lists an interval elsewhere.
    #[error("a clear lists an interval that is not below its prefix")]
    ClearElsewhere,
    /// Whole numbers where floats belong, or the other way round.
    #[error("sums of the wrong kind of number")]
    WrongNumber,
    /// Grants to too many owners.
    #[error("grants to {0} owners; the limit is {ESCROW_OWNERS_MAX}")]
    TooManyOwners(usize),
}

impl Effect {
    /// The row that it changes, or what all rows that it changes begin with.
    pub fn place(&self) -> &[u8] {
        match self {
            Self::Assign { row, .. } => row.as_bytes(),
            Self::Clear { prefix, .. } => prefix.as_bytes(),
            Self::Inc { counter, .. } => counter.as_bytes(),
            Self::Observe { generations, .. } | Self::Hold { generations, .. } => generations.as_bytes(),
        }
    }

    /// Checks an effect that came from elsewhere, so that applying it is total.
    ///
    /// # Errors
    /// [`EffectError`].
    pub fn check(&self) -> Result<(), EffectError> {
        match self {
            Self::Assign { row, expiry, payload } => check_assign(row, *expiry, payload),
            Self::Clear { prefix, intervals } => {
                if intervals.len() > CLEAR_LIST_MAX {
                    return Err(EffectError::ClearTooLong(intervals.len()));
                }
                prefix.check_clear()?;
                intervals.iter().try_for_each(|interval| {
                    if !prefix.contains(interval.counter.as_bytes()) {
                        return Err(EffectError::ClearElsewhere);
                    }
                    number(interval.cum.is(interval.counter.check_counter()?))
                })
            }
            Self::Inc { counter, before, after, .. } => {
                let float = counter.check_counter()?;
                number(before.is(float) && after.is(float))
            }
            Self::Observe { generations, .. } => Ok(generations.check_generations(Kind::HyperLogLog)?),
            Self::Hold { generations, escrow, .. } => {
                generations.check_generations(Kind::BoundedCounter)?;
                match escrow.granted.len() {
                    owners if owners > ESCROW_OWNERS_MAX => Err(EffectError::TooManyOwners(owners)),
                    _ => Ok(()),
                }
            }
        }
    }
}

fn check_assign(row: &RowKey, expiry: Option<UnixMs>, payload: &Bytes) -> Result<(), EffectError> {
    let kind = row.kind()?;
    let payload_is = |ok, reason| if ok { Ok(()) } else { Err(EffectError::Payload { kind, reason }) };
    payload_is(expiry.is_none() || kind == Kind::Register, "only a register's value has an expiry of its own")?;
    match (kind, RowPrefix(row.as_bytes().clone()).check_clear()) {
        (Kind::Register | Kind::MvRegister | Kind::List, _) if payload.len() > VALUE_BYTES_MAX => {
            Err(EffectError::ValueTooLong(payload.len()))
        }
        (Kind::Register | Kind::MvRegister | Kind::List, _) => Ok(()),
        (Kind::Set | Kind::Flag, _) => payload_is(payload.is_empty(), "what is merely there has no value"),
        (Kind::Deadline, _) => {
            payload_is(matches!(payload.len(), 0 | 8), "a deadline is eight bytes, or none for never")
        }
        (Kind::SortedSet, Ok(())) => {
            let score = payload.as_ref().try_into().map(f64::from_be_bytes);
            payload_is(score.is_ok_and(f64::is_finite), "a score is a finite 64-bit float")
        }
        (kind, _) => Err(EffectError::AssignTo(kind)),
    }
}

const fn number(ok: bool) -> Result<(), EffectError> {
    if ok { Ok(()) } else { Err(EffectError::WrongNumber) }
}

#[cfg(test)]
mod tests;
