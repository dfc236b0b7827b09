//! Why a transaction is refused.

use halcyon_types::limits::SIBLINGS_MAX;
use halcyon_types::{ActorId, RegionId};

use crate::number::Number;
use crate::object::Object;
use crate::op::OpError;
use crate::position::PositionError;

/// Why a transaction is refused. Nothing has changed; the same transaction may succeed later only where said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError<E> {
    /// An update that no node would take.
    #[error(transparent)]
    Op(#[from] OpError),
    /// More updates, or more counters below a delete, than one record may carry.
    #[error("{what}: at least {count}, which is past the limit of {max}; split the work")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many may be.
        max: usize,
    },
    /// The running sum of this region at a counter or a score would leave its 64 bits.
    #[error("this region's running sum {before} plus {amount} does not fit 64 bits; reset it first")]
    CounterOverflow {
        /// The running sum.
        before: Number,
        /// What was to be added.
        amount: Number,
    },
    /// What this region granted or spent of a bounded counter would leave 64 bits.
    #[error("{amount} more does not fit the 64 bits of a bounded counter")]
    RightsOverflow {
        /// What was to be added.
        amount: u64,
    },
    /// Too many concurrent writes stand in one row already. One write that has seen them collapses them.
    #[error("{count} concurrent writes stand in one row, the limit is {SIBLINGS_MAX}; write with a newer view")]
    TooManySiblings {
        /// How many.
        count: usize,
    },
    /// The element of a list that others were to be put next to, or that was to move, is not there.
    #[error("no such element in the list; read it again")]
    NoSuchElement,
    /// No place is left between two neighbours of a list.
    #[error(transparent)]
    Position(#[from] PositionError),
    /// This region does not hold the rights. It may succeed once others have passed some on.
    #[error("this region may spend {} of the {needed} needed; {}", of(holders, *own), told(holders))]
    InsufficientRights {
        /// Of which bounded counter.
        counter: Object,
        /// What was asked for.
        needed: u64,
        /// This region's actor.
        own: ActorId,
        /// Who may spend how much.
        holders: Vec<(ActorId, i128)>,
    },
    /// A bounded counter can be deleted only by whoever holds all its rights. Take them back first.
    #[error("other regions still hold rights of the bounded counter ({}); have them passed here first", told(holders))]
    RightsOutstanding {
        /// Who may spend how much.
        holders: Vec<(ActorId, i128)>,
    },
    /// Rights passed to the region that passes them.
    #[error("these rights are this region's already; pass them to another")]
    ToItself,
    /// The region that rights were to be passed to is not known to this node, or has never been heard of.
    #[error("region {region} has not been heard of yet, so nothing can be passed to it; try again once it is linked")]
    UnknownRegion {
        /// Which.
        region: RegionId,
    },
    /// The client's context lies within a run of increments, of which this node no longer knows the part. Read again, and
    /// write with the newer token.
    #[error(
        "the context is too old for a counter of {actor}: it was added to since; read again and use the newer token"
    )]
    StaleContext {
        /// Whose increments.
        actor: ActorId,
    },
    /// What went wrong underneath.
    #[error("reading rows: {0}")]
    Rows(E),
}

fn of(holders: &[(ActorId, i128)], own: ActorId) -> i128 {
    holders.iter().find(|(actor, _)| *actor == own).map_or(0, |(_, amount)| *amount)
}

fn told(holders: &[(ActorId, i128)]) -> String {
    if holders.is_empty() {
        return "nobody holds any".to_owned();
    }
    let holder = |(actor, amount): &(ActorId, i128)| match actor.region() {
        Some(region) => format!("region {region} holds {amount}"),
        None => format!("{actor} holds {amount}"),
    };
    holders.iter().map(holder).collect::<Vec<_>>().join(", ")
}
