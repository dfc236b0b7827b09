//! What can go wrong, one enum per kind of operation: whose fault, what state is left, what to do.

use halcyon_crdt::Object;
use halcyon_types::RegionName;
use halcyon_types::limits::CHECKS_MAX;
use halcyon_wire::Refusal;

use crate::holders::Holders;
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
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The region (or the SDK, before it sent anything) says no. Nothing has happened and nothing will.
    ///
    /// | refusal | whose fault | what to do |
    /// |---|---|---|
    /// | `InvalidArgument`, `UnknownKeyspace`, `BadRequest` | the application's, or an old SDK's | correct it |
    /// | `TooLarge` | the application's | split the work; a large delete: [`Key::delete_in_parts`](crate::Key::delete_in_parts) |
    /// | `CounterOverflow` | the application's | reset the counter first |
    /// | `NoSuchElement` | nobody's: others removed it | read the list again |
    /// | `Changed` | nobody's: a checked read has changed | begin the transaction again |
    /// | `TransactionExpired` | the application's: it took too long | begin the transaction again, and be quicker |
    /// | `StaleContext` | the application's: its token is old | read again, use the newer token |
    /// | `NotYet` | the links' | wait longer, or write where the token comes from |
    /// | `UnknownRegion`, `TooManySiblings` | the links' | again once the regions have heard of each other |
    /// | `Overloaded` | the load's | back off, and write again |
    /// | `ClockSkew` | the node's clock, in every region that could be reached | its operator should set it |
    /// | `LogFull` | a region's that is away | another region, or again once it is back; its operator should look |
    /// | `RequestExpired` | this machine's clock | correct the clock |
    /// | `Storage` | the node's | its operator should look; use another region |
    #[error(transparent)]
    Refused(Refusal),
    /// The region may not spend so much of a bounded counter: others hold the rights. Nothing has happened and nothing
    /// will. It has asked the others for more by now, so the same may succeed in a moment; or write in a region that
    /// holds enough, or have it [transfer](crate::BoundedCounter::transfer) some.
    #[error(
        "the region may not spend {needed} of the bounded counter {:?}: {holders}; try again in a moment, or in a \
         region that holds enough",
        String::from_utf8_lossy(&counter.key)
    )]
    InsufficientRights {
        /// Which.
        counter: Object,
        /// How much was to be spent or passed on.
        needed: u64,
        /// Who may spend how much, as far as the region knows.
        holders: Holders,
    },
    /// A bounded counter can be deleted only where all its rights are. Nothing has happened and nothing will. Have the
    /// others [transfer](crate::BoundedCounter::transfer) theirs to this region first.
    #[error("other regions hold rights of the bounded counter ({holders}); have them transferred here first")]
    RightsOutstanding {
        /// Who may spend how much, as far as the region knows.
        holders: Holders,
    },
    /// The transaction's connection ended before its commit was sent: the network's or the region's fault. Nothing has
    /// happened and nothing will. Begin it again.
    #[error("the transaction was lost, nothing of it has happened: {region}: {why}; begin again")]
    TransactionLost {
        /// The region that it lived in.
        region: RegionName,
        /// What was seen of it.
        why: String,
    },
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
    /// The application named a region that the cluster does not have. Nothing was sent; correct the name.
    #[error("there is no region {name:?} in regions.toml; it has: {known}")]
    UnknownRegion {
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
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
            Self::InsufficientRights { .. } => "InsufficientRights",
            Self::RightsOutstanding { .. } => "RightsOutstanding",
            Self::TransactionLost { .. } => "TransactionLost",
            Self::OutcomeUnknown(_) => "OutcomeUnknown",
            Self::NotReachable { .. } => "NotReachable",
            Self::UnknownKeyspace(_) => "UnknownKeyspace",
            Self::UnknownRegion { .. } => "UnknownRegion",
            Self::Encode { .. } => "Encode",
        }
    }
}

/// Why a read has no answer. A read changes nothing, so all of them may be tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The region says no; the refusal names the cause. After `WrongType`, look at the kinds it names; after `NotYet`,
    /// wait longer or read in another region; after `UnknownCursor`, begin the pages anew; after `TransactionExpired`,
    /// begin the transaction again; after `Overloaded`, back off.
    #[error(transparent)]
    Refused(Refusal),
    /// The transaction's connection has ended, and its snapshot with it: the network's or the region's fault. Nothing of
    /// the transaction has happened. Begin it again.
    #[error("the transaction was lost, nothing of it has happened: {region}: {why}; begin again")]
    TransactionLost {
        /// The region that it lived in.
        region: RegionName,
        /// What was seen of it.
        why: String,
    },
    /// The transaction has checked as many reads as it may. The read was not sent; the transaction stands. Check fewer, or
    /// read larger pages.
    #[error("a transaction may have {CHECKS_MAX} reads checked, and has; check fewer, or read larger pages")]
    TooManyChecks,
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
    /// The value is something else than the type asked for: another application's, or an older version's.
    #[error("the stored value is not of the type asked for: {reason}; read it as bytes to see what it is")]
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
            Self::TransactionLost { .. } => "TransactionLost",
            Self::TooManyChecks => "TooManyChecks",
            Self::NoAnswer { .. } => "NoAnswer",
            Self::NotReachable { .. } => "NotReachable",
            Self::UnknownKeyspace(_) => "UnknownKeyspace",
            Self::Decode { .. } => "Decode",
        }
    }
}

/// Why a delete in parts stopped. What was deleted before stays deleted; the rest is still there. Correct the cause, and
/// call it again: it goes on with what is left.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeleteError {
    /// A part could not be deleted.
    #[error("{done} parts are deleted, the next was not: {source}")]
    Write {
        /// Records committed before.
        done: u64,
        /// Why; `OutcomeUnknown` leaves that part unknown, and deleting it twice does no harm.
        source: WriteError,
    },
    /// What is left could not be read.
    #[error("{done} parts are deleted, what is left cannot be read: {source}")]
    Read {
        /// Records committed before.
        done: u64,
        /// Why.
        source: ReadError,
    },
}

impl DeleteError {
    /// Its name, for scripts: that of its cause.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Write { source, .. } => source.name(),
            Self::Read { source, .. } => source.name(),
        }
    }
}
