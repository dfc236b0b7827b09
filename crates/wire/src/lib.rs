//! What travels: records between regions and on disk, messages between peers, requests between applications and nodes.
//!
//! Everything is a version byte and one MessagePack document, inside a length-prefixed frame (the net's business) whose
//! size is bounded by [`halcyon_types::limits::FRAME_BYTES_MAX`]. A record is encoded once, by its origin; logs, peers and
//! the hash chain take those bytes as they are. `docs/format.md` draws the layouts.
//!
//! Floor 2. Pure: bytes in, values out, no I/O.

pub mod chain;
pub mod client;
pub mod codec;
pub mod fact;
pub mod pack;
pub mod peer;
pub mod record;

pub use chain::ChainHash;
pub use client::{
    Body, Change, Check, CopyHead, CopyPage, Outcome, Receipt, Refusal, Request, Response, Seen, Session,
    TransactionId, Within, Write,
};
pub use codec::DecodeError;
pub use fact::Fact;
pub use pack::UnpackError;
pub use peer::{AskPage, AskRights, CopyId, Echo, Heartbeat, Hello, PeerMessage, Pull, Range, StatePage};
pub use record::{Record, RecordError, StoredRecord};
