//! The store: where a node's state lives and the one room where it changes.
//!
//! ```text
//!               stage_write / stage_record                 seal                    write
//! node ──▶ Committer ──prepare, apply──▶ changed rows ──one batch──▶ Sealed ──one sync──▶ Backend
//!                                          │ reads                                          │
//!                                          ├──▶ rows of the sealed group, until it settles  │ snapshots, logs, digests
//!                                          └──▶ stored rows: cache ──▶ backend    Reader ◀──┘
//! ```
//!
//! * [`Committer`]: takes writes and records, one at a time, and commits them in groups. Its obligations stand above it.
//!   A group on its way to the disk is a [`Sealed`] one: any thread may write it, while the committer stages the next.
//! * [`Reader`]: consistent views, ranges of logs and digests, for any thread. [`reads`]: clients' reads of them.
//! * [`copy`]: the whole state, page by page, from one snapshot into an empty database.
//! * [`Clock`]: the hybrid logical clock, fed by the time that callers pass in.
//! * Derived rows (`derived.rs`): summaries of collections, the order of scores, what ends when. Local, never replicated.
//! * [`Backend`]: what a database must offer; [`MemoryBackend`] for tests and simulators, `RocksBackend` for nodes.
//!
//! Called synchronously: this crate starts no thread, reads no clock, makes no random number, and knows no network.

pub mod backend;
mod cells;
pub mod clock;
pub mod committer;
pub mod copy;
mod deadlines;
mod dedupe;
mod derived;
mod digest;
mod error;
mod facts;
pub mod files;
mod group;
mod identity;
mod layout;
pub mod memory;
mod outcome;
mod reader;
pub mod reads;
mod recover;
#[cfg(feature = "rocksdb")]
pub mod rocks;
mod row_cache;
mod sealed;
mod stored;
mod under_way;
mod view_rows;

#[cfg(test)]
mod suite;

pub use backend::{Backend, Batch, Durability, Family, View};
pub use clock::{Clock, ClockError};
pub use committer::{Committer, WriteJob};
pub use digest::Digest;
pub use error::{ApplyError, CommitError, Fatal, OpenError, ReadError, StageError, WriteError};
pub use identity::Claim;
pub use layout::Head;
pub use memory::{MemoryBackend, WriteFailure};
pub use outcome::{Committed, Logs, Settings, Staged};
pub use reader::{Reader, Snapshot};
pub use recover::Recovered;
#[cfg(feature = "rocksdb")]
pub use rocks::{RocksBackend, RocksSettings};
pub use sealed::Sealed;
