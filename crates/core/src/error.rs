//! Why a peer's link is dropped.

use halcyon_types::{ActorId, BootId, RegionId, Seq};

/// A message for which the peer's inbound link must be dropped. Nothing of the message was used; the peer dials again,
/// with backoff, and is heard again if the cause is gone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    // -- the deployment is wrong: an operator must act ---------------------------------------------------------------
    /// The peer's `regions.toml` says something else.
    #[error("region {from} does not agree on cluster, regions and keyspaces; give both nodes the same regions.toml")]
    OtherCluster {
        /// Who.
        from: RegionId,
    },
    /// The two mean different regions.
    #[error(
        "region {from} does not agree on the regions: {what}; correct its regions.toml or this node's, or add the region with `halcyon region add`"
    )]
    OtherRegions {
        /// Who.
        from: RegionId,
        /// Where they differ.
        what: String,
    },
    /// It, or this one, was retired.
    #[error("region {from} and this one speak no more: one of the two was retired; stop the node of that one")]
    Retired {
        /// Who.
        from: RegionId,
    },
    /// No region of this cluster.
    #[error("region {from} is no member of this cluster; add it with `halcyon region add`, or stop it")]
    Stranger {
        /// Who.
        from: RegionId,
    },
    /// It says it is another region than its certificate does.
    #[error("region {from} says it is region {said}; start it with the certificate of its own region")]
    WrongRegion {
        /// Whose certificate.
        from: RegionId,
        /// What it said.
        said: RegionId,
    },
    /// A second process lives as the same actor.
    #[error("boot {} of actor {actor} was replaced by a later one and still runs; stop the copied node", boot.0)]
    Clone {
        /// The actor.
        actor: ActorId,
        /// The start that was refused.
        boot: BootId,
    },
    /// Its log is not the one this node has a copy of.
    #[error("the log of actor {actor} is not the one this node holds; restore that region as a new actor")]
    Fork {
        /// The actor.
        actor: ActorId,
    },
    /// It has records of a retired region that no member had when that region's log was closed.
    #[error(
        "region {from} has records of actor {actor} up to {last}, but that region was retired and its log ends at {end}; restore region {from} as a new actor"
    )]
    Closed {
        /// Who.
        from: RegionId,
        /// Whose records.
        actor: ActorId,
        /// Up to where.
        last: Seq,
        /// Where its log ends for good.
        end: Seq,
    },
    // -- the peer is defective: its next connection starts afresh ----------------------------------------------------
    /// It offers or asks for records of an actor that no region of this cluster can have minted.
    #[error("region {from} speaks of actor {actor}, which belongs to no region of this cluster")]
    ForeignActor {
        /// Who.
        from: RegionId,
        /// Whose records.
        actor: ActorId,
    },
    /// What no peer of this version says.
    #[error("region {from} broke the protocol: {reason}")]
    Protocol {
        /// Who.
        from: RegionId,
        /// What was wrong.
        reason: &'static str,
    },
}

impl PeerError {
    /// Whether dialling again cannot help until somebody changes the deployment.
    pub const fn needs_operator(&self) -> bool {
        !matches!(self, Self::ForeignActor { .. } | Self::Protocol { .. })
    }
}
