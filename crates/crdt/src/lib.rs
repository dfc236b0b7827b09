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
//! * [`row`]: what a row holds: dot entries or a counter's interval.
//! * [`effect`], [`mod@apply`]: the kernel itself.
//! * [`op`], [`mod@prepare`]: what a client asks, and its normal form as effects.
//! * [`query`], [`mod@read`]: what a client asks to see; one module per type: [`register`], [`counter`], [`set`], [`map`].
//! * [`rows`]: where rows live, as a trait: the store's overlay, a snapshot, or [`MemoryRows`].
//!
//! Floor 1. Pure: no I/O, no clock, no randomness, no hashing order.

pub mod apply;
mod component;
pub mod counter;
pub mod effect;
pub mod key;
pub mod kind;
pub mod map;
pub mod object;
pub mod op;
pub mod prepare;
pub mod query;
pub mod read;
pub mod register;
pub mod row;
pub mod rows;
pub mod set;

pub use apply::{Stamp, apply};
pub use effect::{ClearedInterval, Effect, EffectError};
pub use key::{KeyError, RowKey, RowPrefix};
pub use kind::Kind;
pub use object::Object;
pub use op::{Op, OpError, Update};
pub use prepare::{PrepareError, prepare};
pub use query::{Answer, Page, Query};
pub use read::{ReadError, read};
pub use row::{Entry, Interval, Row, RowError};
pub use rows::{MemoryRows, Rows, RowsMut};
