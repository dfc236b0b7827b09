//! The SDK: typed handles on a region of a Halcyon cluster.
//!
//! # The model, in one page
//!
//! **Regions.** A [`Client`] talks to one region at a time: the nearest (or the one [`Config::region`] names), and
//! others only while that one cannot be reached. Every region takes reads and writes and answers from its own disk; the
//! regions exchange what they were told and arrive at the same answer.
//!
//! **Handles.** A [`Keyspace`] hands out typed handles: [`Counter`], [`Register`], [`MvRegister`], [`Flag`], [`Set`],
//! [`SortedSet`], [`List`], [`HyperLogLog`], [`BoundedCounter`] and [`Map`], whose [`Field`]s hold handles again. A handle
//! is a name, cheap to make and to clone; making one talks to nobody. The type is part of the name: a counter and a set
//! under one key are two objects. What is not there reads as zero, `None` or empty. A [`Key`] is all that is under one
//! name: it can expire, and be deleted.
//!
//! **Removing** removes exactly what was seen; anything concurrent survives, in every type. What was seen is all that the
//! region has (a plain write), a transaction's moment, or a token ([`Session::as_context`]).
//!
//! **Pipelining.** All requests share one connection and are answered in any order, so run many at once, on one task or
//! on thousands. [`Config::in_flight`] bounds them; a request past the bound waits for its turn.
//!
//! **Receipts.** A write answers a [`Receipt`] once it is synced to the region's disk: its name in the region's log, and
//! a token. Several updates that belong together go through a [`Batch`]: one record, visible whole or not at all, in
//! every region. A [`Transaction`] is a batch that reads, too: one moment of the region, and its own notes on top. Both
//! hand out the same handles as a keyspace; only that what is done through them waits for the commit ([`Buffered`]).
//!
//! **Sessions.** A [`SessionToken`] says what has been seen. Carry it (in a cookie, say) and read through
//! [`Client::session`], in any region: the read waits until that region has seen it too, or is refused as `NotYet`. A
//! session's writes come behind its token, in every region.
//!
//! **Errors.** A write ends in one of four ways besides success, and [`WriteError`] keeps them apart:
//!
//! | | what has happened | what to do |
//! |---|---|---|
//! | `Refused` | nothing, and nothing will | correct the cause it names |
//! | `NotReachable` | nothing: it was never sent | try again later |
//! | `TransactionLost` | nothing: its connection ended before the commit was sent | begin it again |
//! | `OutcomeUnknown` | it was sent, and nobody answered in time | [`Client::retry`]: the same request id, at most once |
//!
//! The SDK retries only what cannot happen twice: what was never sent may go to another region; what was sent goes back
//! to the same region under the same request id, which that region remembers. Dropping a write's future withdraws it if
//! it was not sent yet, and otherwise leaves its outcome unknown.
//!
//! ```no_run
//! use halcyon_client::{Client, Config};
//!
//! # async fn example(order: String) -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::from_files("regions.toml", "certs/")?;
//! let db = Client::connect(config).await?;
//! let shop = db.keyspace("default");
//!
//! shop.counter("net:22465").add(12).await?;
//! shop.set("cart:576080").add("22465").await?;
//! shop.register("last:22465").set(&order).await?;
//!
//! let mut tx = shop.begin().await?; // causal snapshot
//! tx.counter("revenue:uk").add(19_800);
//! tx.set("cart:576080").remove("21212");
//! let receipt = tx.commit().await?; // one atomic record
//!
//! let net = db.session(receipt.token).counter("net:22465").get().await?;
//! # Ok(()) }
//! ```
//!
//! Floor 4. It never compiles the replica or its store, and reads a clock only in `mint`: for request ids, and to say how long a key has left.

mod batch;
mod bound;
mod buffer;
mod client;
mod config;
mod copy;
mod driver;
mod error;
mod handles;
mod holders;
mod keyspace;
mod line;
mod members;
mod mint;
mod nearest;
mod pending;
mod place;
pub mod raw;
mod request;
mod route;
mod session;
mod token;
mod transaction;
mod transport;
mod view;
mod write;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

pub use batch::Batch;
pub use buffer::{Buffer, BufferedKeyspace};
pub use client::{Client, Digest};
pub use config::{Config, ConfigError};
pub use copy::{Copy, CopyError};
pub use error::{ConnectError, DeleteError, ReadError, Tried, UnknownKeyspace, WriteError};
pub use halcyon_crdt::{KeyInfo, Kind, Page, Scored};
pub use halcyon_net::{Credentials, Role};
pub use halcyon_types::topology::Topology;
pub use halcyon_types::{Dot, RegionName, RequestId, UnixMs};
pub use halcyon_wire::{Change, CopyHead, CopyPage, Receipt, Refusal};
pub use handles::{
    BoundedCounter, Counter, Direction, Field, Flag, HyperLogLog, Key, List, ListItem, Map, MvRegister, Position,
    Register, Set, SortedSet, Spot,
};
pub use holders::{Holder, Holders};
pub use keyspace::Keyspace;
pub use mint::{now, request_id};
pub use place::{Buffered, Live, Readable};
pub use session::Session;
pub use token::{SessionToken, TokenError};
pub use transaction::Transaction;
pub use write::Unanswered;
