//! The words of Halcyon: who wrote (region, actor, seq), when (hybrid logical clock), what was seen (version vector),
//! where things live (topology), and every limit.
//!
//! Floor 0. Everything above speaks in these types, so they know order and parsing and nothing else: no I/O, no clock,
//! no randomness.

mod byte_size;
mod hlc;
mod ids;
pub mod limits;
pub mod members;
pub mod mutant;
mod names;
mod span;
mod time;
pub mod topology;
mod version_vector;

pub use byte_size::{ByteSize, NoByteSize};
pub use hlc::Hlc;
pub use ids::{ActorId, BootId, Dot, IdError, KeyspaceId, NodeId, RegionId, RequestId, Seq};
pub use names::{Address, ClusterName, KeyspaceName, NameError, RegionName};
pub use span::{NoSpan, Span};
pub use time::{Now, UnixMs};
pub use version_vector::VersionVector;
