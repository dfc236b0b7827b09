//! The kernel: what a record does to rows, and what rows mean.
//!
//! A write is *prepared* at its origin into a few [`Effect`]s, and the effects are *applied* by the same code at the
//! origin and everywhere else. Observation is a version vector, not a list of dots: a remove, overwrite or reset says
//! "everything up to ctx", so no type needs tombstones, and no type has a merge function. Causal delivery (the core's
//! duty) guarantees that what a record covers has arrived.
//!
//! ```text
//! Update ──prepare──▶ Effect ──apply──▶ Row ──read──▶ Answer
//!          origin       wire    everywhere     reader
//! ```
//!
//! * [`object`], [`kind`], [`key`]: where things live, and how rows are named, so that deleting a key or a field is one prefix.
//! * [`row`]: what a row holds: dot entries, a counter's interval, a generation's registers or rights.
//! * [`effect`], [`mod@apply`]: the kernel itself.
//! * [`op`], [`mod@prepare`]: what a client asks, and its normal form as effects.
//! * [`query`], [`mod@read`], [`mod@keys`]: what a client asks to see; one module per type behind them.
//! * [`rows`], [`layer`], [`watch`], [`meter`]: where rows live, as a trait; changes over rows; what a read has looked at,
//!   and how much it may.
//!
//! Floor 1. Pure: no I/O, no clock, no randomness, no hashing order.

pub mod apply;
mod bounded_counter;
mod component;
mod counter;
pub mod deadline;
pub mod effect;
pub mod escrow;
#[cfg(test)]
mod fixture;
pub mod hyperloglog;
pub mod key;
pub mod keys;
pub mod kind;
pub mod layer;
mod list;
mod map;
pub mod meter;
pub mod number;
pub mod object;
pub mod op;
pub mod position;
pub mod prepare;
pub mod query;
pub mod read;
mod register;
pub mod row;
pub mod rows;
mod sequence;
mod set;
pub mod sorted_set;
pub mod watch;

pub use apply::{Stamp, apply};
pub use effect::{ClearedInterval, Effect, EffectError};
pub use escrow::Escrow;
pub use key::{KeyError, RowKey, RowPrefix};
pub use keys::{KeyInfo, keys};
pub use kind::{Kind, Shape};
pub use layer::{Change, Layer};
pub use meter::Meter;
pub use number::Number;
pub use object::Object;
pub use op::{End, Op, OpError, Place, Side, Update};
pub use prepare::{Origin, PrepareError, Prepared, Shortage, prepare, sweep, sweep_part};
pub use query::{Answer, Item, Page, PageRequest, Query, Scored};
pub use read::{ReadError, read};
pub use row::{Entry, Interval, Row, RowError};
pub use rows::{MemoryRows, Rows, RowsMut, Summary};
pub use sorted_set::Standing;
pub use watch::Watch;
