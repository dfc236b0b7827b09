//! Who and which: regions, actors, sequence numbers, dots, keyspaces, requests, nodes.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::UnixMs;

/// An id that is out of range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Region ids are 1..=65535; zero is kept free so that no actor id is zero.
    #[error("region id {0} is not in 1..=65535")]
    Region(u64),
    /// Keyspace ids are 1..=4294967295; zero is the system's own.
    #[error("keyspace id {0} is not in 1..=4294967295")]
    Keyspace(u64),
}

/// A region's number: 1..=65535, from `regions.toml`, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct RegionId(u16);

impl RegionId {
    /// The number itself.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u64> for RegionId {
    type Error = IdError;

    fn try_from(n: u64) -> Result<Self, IdError> {
        u16::try_from(n).ok().filter(|n| *n > 0).map(Self).ok_or(IdError::Region(n))
    }
}

impl From<RegionId> for u64 {
    fn from(id: RegionId) -> Self {
        Self::from(id.0)
    }
}

impl fmt::Display for RegionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One incarnation of a region's log: 16 bits of region number, then 48 bits of mint time in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActorId(u64);

impl ActorId {
    const MINT_BITS: u32 = 48;

    /// A new incarnation of `region`, minted at `at` (the low 48 bits: good until the year 10889).
    pub const fn mint(region: RegionId, at: UnixMs) -> Self {
        Self((region.0 as u64) << Self::MINT_BITS | at.0 & ((1 << Self::MINT_BITS) - 1))
    }

    /// From the packed form, as rows and logs carry it.
    pub const fn from_u64(packed: u64) -> Self {
        Self(packed)
    }

    /// The packed form. Big-endian bytes of it order as actors do.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The region whose log this is; `None` for a number no region can have minted.
    pub const fn region(self) -> Option<RegionId> {
        match (self.0 >> Self::MINT_BITS) as u16 {
            0 => None,
            n => Some(RegionId(n)),
        }
    }

    /// When it was minted, by its own clock.
    pub const fn minted_at(self) -> UnixMs {
        UnixMs(self.0 & ((1 << Self::MINT_BITS) - 1))
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 >> Self::MINT_BITS, self.minted_at().0)
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A position in an actor's log: contiguous 1, 2, 3…; zero means "nothing yet".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// Nothing yet.
    pub const ZERO: Self = Self(0);

    /// The next position; `None` at the end of numbers.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(n) => Some(Self(n)),
            None => None,
        }
    }

    /// The position before; zero stays zero.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of one record: (actor, seq) names one content for ever (promise P2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dot {
    /// Whose log.
    pub actor: ActorId,
    /// Where in it.
    pub seq: Seq,
}

impl fmt::Display for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.actor, self.seq)
    }
}

impl fmt::Debug for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A keyspace's number: 1..=2^32-1, from `regions.toml`, never reused. Rows carry it; zero is the system's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct KeyspaceId(u32);

impl KeyspaceId {
    /// The lowest.
    pub const FIRST: Self = Self(1);
    /// The highest: the system's own rows, such as who is a member. They are replicated like all others, and no user's.
    pub const SYSTEM: Self = Self(u32::MAX);

    /// The number itself.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u64> for KeyspaceId {
    type Error = IdError;

    fn try_from(n: u64) -> Result<Self, IdError> {
        u32::try_from(n).ok().filter(|n| *n > 0).map(Self).ok_or(IdError::Keyspace(n))
    }
}

impl From<KeyspaceId> for u64 {
    fn from(id: KeyspaceId) -> Self {
        Self::from(id.0)
    }
}

impl fmt::Display for KeyspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A client's name for one write, a UUID v7: retries carry the same one, and its time says when it may be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A new id from a wall clock and ten random bytes, both the caller's.
    pub fn mint(at: UnixMs, random: &[u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(at.0, random).into_uuid())
    }

    /// The 16 bytes; their order is mint order.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Whether it is a UUID v7, as its mint time and its order by time want.
    pub const fn is_v7(self) -> bool {
        self.0.get_version_num() == 7
    }

    /// When it was minted, by the client's clock: its first 48 bits, in milliseconds.
    pub const fn minted_at(self) -> UnixMs {
        let (first, _) = self.0.as_u64_pair();
        UnixMs(first >> 16)
    }
}

/// In the order of the bytes, compared as one number: they are looked up all the time.
impl Ord for RequestId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_u128().cmp(&other.0.as_u128())
    }
}

impl PartialOrd for RequestId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A data directory's own name, random, for life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub Uuid);

/// One start of a node's process, random: two live boots of one actor are a cloned directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(pub Uuid);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_region_then_mint_time() {
        let region = RegionId::try_from(513).unwrap();
        let actor = ActorId::mint(region, UnixMs(1_700_000_000_123));
        assert_eq!(actor.region(), Some(region));
        assert_eq!(actor.minted_at(), UnixMs(1_700_000_000_123));
        assert!(ActorId::mint(region, UnixMs(5)) < ActorId::mint(region, UnixMs(6)));
    }

    #[test]
    fn ids_out_of_range_are_refused_by_name() {
        assert_eq!(RegionId::try_from(0), Err(IdError::Region(0)));
        assert_eq!(RegionId::try_from(65_536), Err(IdError::Region(65_536)));
        assert_eq!(KeyspaceId::try_from(0), Err(IdError::Keyspace(0)));
    }

    #[test]
    fn a_request_id_remembers_its_mint_time() {
        let id = RequestId::mint(UnixMs(1_700_000_000_123), &[7; 10]);
        assert_eq!(id.minted_at(), UnixMs(1_700_000_000_123));
    }

    #[test]
    fn a_sequence_ends_rather_than_wraps() {
        assert_eq!(Seq(u64::MAX).next(), None);
        assert_eq!(Seq::ZERO.previous(), Seq::ZERO);
    }
}
