//! One of every value there is, by name. A variant that is new breaks the name's `match`, and is then missing here.

mod asked;
mod kernel;
mod messages;
mod told;

use bytes::Bytes;
use halcyon_crdt::position::{Position, between};
use halcyon_crdt::{Object, PageRequest};
use halcyon_types::{ActorId, Dot, Hlc, KeyspaceId, RegionId, RequestId, Seq, UnixMs, VersionVector};

pub(crate) use asked::{ops, queries};
pub(crate) use kernel::{effects, record, rows};
pub(crate) use messages::{bodies, outcomes, peer_messages};
pub(crate) use told::{answers, refusals};

/// The moment of everything.
pub(crate) const T: UnixMs = UnixMs(1_800_000_000_000);

pub(crate) fn region(n: u64) -> RegionId {
    RegionId::try_from(n).unwrap()
}

pub(crate) fn actor(n: u64) -> ActorId {
    ActorId::mint(region(n), T)
}

pub(crate) fn dot(region: u64, seq: u64) -> Dot {
    Dot { actor: actor(region), seq: Seq(seq) }
}

pub(crate) fn hlc() -> Hlc {
    Hlc::from_parts(T, 3).unwrap()
}

pub(crate) fn vv() -> VersionVector {
    [(actor(1), Seq(4)), (actor(2), Seq(9))].into_iter().collect()
}

pub(crate) fn request() -> RequestId {
    RequestId::mint(T, &[9; 10])
}

pub(crate) fn keyspace() -> KeyspaceId {
    KeyspaceId::try_from(10).unwrap()
}

pub(crate) fn cart() -> Object {
    Object::new(keyspace(), "cart:1").field("a\0b")
}

pub(crate) fn bytes(of: &'static str) -> Bytes {
    Bytes::from_static(of.as_bytes())
}

pub(crate) fn position() -> Position {
    between(None, None, actor(1), 0, hlc()).unwrap()
}

pub(crate) fn page() -> PageRequest {
    PageRequest { after: Some(bytes("x")), items_max: 100 }
}
