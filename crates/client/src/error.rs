//! What can go wrong, one enum per kind of operation: whose fault, what state is left, what to do.

use halcyon_types::RegionName;
use halcyon_wire::Refusal;

use crate::write::Unanswered;

/// A region that could not be asked, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{region}: {why}")]
pub struct Tried {
    /// The region.
    pub region: RegionName,
    /// What stood in the way.
    pub why: String,
}

fn list(tried: &[Tried]) -> String {
    tried.iter().map(Tried::to_string).collect::<Vec<_>>().join("; ")
}

/// The application named a keyspace that the cluster does not have. Nothing was sent; correct the name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no keyspace {name:?} in regions.toml; it has: {known}")]
pub struct UnknownKeyspace {
    /// The name asked for.
    pub name: String,
    /// The names that there are.
    pub known: String,
}

/// Why there is no client. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// [`Config::region`](crate::Config::region) names a region that the cluster does not have. Correct the name.
    #[error("there is no region {name:?} in regions.toml; it has: {known}")]
    UnknownRegion {
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// No region that may be used answered within the connect timeout. The network, the nodes or the certificates: each
    /// region's reason says which. Correct that, or try again later.
    #[error("no region can be reached: {}", list(tried))]
    NotReachable {
        /// Each region, and why not.
        tried: Vec<Tried>,
    },
}

/// Why a write has no receipt.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The region (or the SDK, before it sent anything) says no: the refusal names the cause, mostly the application's.
    /// Nothing has happened and nothing will. Correct the cause; after `Overloaded`, back off and write again.
    #[error(transparent)]
    Refused(Refusal),
    /// It was sent, and no answer came before the request timeout: the network's or the region's fault. The write has
    /// happened, or will happen yet, or never will. [`Client::retry`](crate::Client::retry) sends it again under the
    /// same request id, which takes effect at most once; do not simply write again.
    #[error("{0}")]
    OutcomeUnknown(Unanswered),
    /// It was never sent: no region that may be used could be reached before the request timeout. Nothing has happened
    /// and nothing will. Try again later.
    #[error("not sent, no region can be reached: {}", list(tried))]
    NotReachable {
        /// Each region, and why not.
        tried: Vec<Tried>,
    },
    /// No such keyspace. Nothing was sent.
    #[error(transparent)]
    UnknownKeyspace(#[from] UnknownKeyspace),
    /// The application's value cannot be written as `MessagePack`: its `Serialize` failed. Nothing was sent.
    #[error("the value cannot be encoded: {reason}")]
    Encode {
        /// What the encoder said.
        reason: String,
    },
}

impl WriteError {
    /// Its name, for scripts: the refusal's own, or the variant's.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.name(),
            Self::OutcomeUnknown(_) => "OutcomeUnknown",
            Self::NotReachable { .. } => "NotReachable",
            Self::UnknownKeyspace(_) => "UnknownKeyspace",
            Self::Encode { .. } => "Encode",
        }
    }
}

/// Why a read has no answer. A read changes nothing, so all of them may be tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The region says no; the refusal names the cause. After `NotYet`, wait longer or read in another region; after
    /// `Overloaded`, back off.
    #[error(transparent)]
    Refused(Refusal),
    /// A region was asked and did not answer before the request timeout. Try again.
    #[error("{region} did not answer in time: {why}")]
    NoAnswer {
        /// The region asked last.
        region: RegionName,
        /// What was seen of it.
        why: String,
    },
    /// No region that may be used could be reached before the request timeout. Try again later.
    #[error("no region can be reached: {}", list(tried))]
    NotReachable {
        /// Each region, and why not.
        tried: Vec<Tried>,
    },
    /// No such keyspace. Nothing was sent.
    #[error(transparent)]
    UnknownKeyspace(#[from] UnknownKeyspace),
    /// The register holds something else than the type asked for: another application's, or an older version's.
    #[error("the stored value is not of the type asked for: {reason}; read it with get_bytes to see what it is")]
    Decode {
        /// What the decoder said.
        reason: String,
    },
}

impl ReadError {
    /// Its name, for scripts: the refusal's own, or the variant's.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.name(),
            Self::NoAnswer { .. } => "NoAnswer",
            Self::NotReachable { .. } => "NotReachable",
            Self::UnknownKeyspace(_) => "UnknownKeyspace",
            Self::Decode { .. } => "Decode",
        }
    }
}
