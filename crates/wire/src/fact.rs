//! Facts about members, as rows of the system's keyspace: one register for each region that has joined or moved, and one for
//! each that is retired. They travel as ordinary records do, and stay where rows stay.

use bytes::Bytes;
use halcyon_crdt::{Effect, Object, Op, Update};
use halcyon_types::topology::Region;
use halcyon_types::{KeyspaceId, RegionId};

use crate::codec;
use crate::record::Record;

/// What the keys of regions that have joined or moved begin with.
const JOINED: &str = "joined/";
/// What the keys of regions that are retired begin with.
const RETIRED: &str = "retired/";

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A region is a member, at these addresses.
    Joined(Region),
    /// A region is none any more, and never will be.
    Retired(Region),
}

impl Fact {
    /// The update that makes it one.
    pub fn update(&self) -> Update {
        let (beginning, region) = match self {
            Self::Joined(region) => (JOINED, region),
            Self::Retired(region) => (RETIRED, region),
        };
        let mut value = Vec::new();
        codec::encode(&mut value, region);
        let object = Object::new(KeyspaceId::SYSTEM, format!("{beginning}{:05}", region.id.get()));
        Update { object, op: Op::Set { value: value.into(), ttl_ms: None } }
    }

    /// The fact that a key of the system's keyspace and its value are; none if they are something else.
    pub fn of(key: &[u8], value: &[u8]) -> Option<Self> {
        let joined = region_of(key, JOINED);
        let id = joined.or_else(|| region_of(key, RETIRED))?;
        let region: Region = codec::decode(value).ok()?;
        if region.id != id {
            return None;
        }
        Some(if joined.is_some() { Self::Joined(region) } else { Self::Retired(region) })
    }
}

/// Whether an effect changes the system's keyspace.
pub fn is_system(effect: &Effect) -> bool {
    effect.place().starts_with(&KeyspaceId::SYSTEM.get().to_be_bytes())
}

/// The regions that a record retires.
pub fn retired_by(record: &Record) -> impl Iterator<Item = RegionId> {
    let keys = record.effects.iter().filter(|effect| is_system(effect)).filter_map(|effect| {
        let Effect::Assign { row, .. } = effect else { return None };
        Object::root_of(row.as_bytes()).map(|object| object.key)
    });
    keys.filter_map(|key: Bytes| region_of(&key, RETIRED))
}

fn region_of(key: &[u8], beginning: &str) -> Option<RegionId> {
    let id = std::str::from_utf8(key).ok()?.strip_prefix(beginning)?;
    RegionId::try_from(id.parse::<u64>().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use halcyon_types::{ActorId, Dot, Hlc, Seq, VersionVector};

    use super::*;

    fn region() -> Region {
        let address = |port: u16| format!("127.0.0.1:{port}").try_into().unwrap();
        let (peer, client, admin) = (address(1), address(2), address(3));
        Region { id: RegionId::try_from(7).unwrap(), name: "x".parse().unwrap(), peer, client, admin }
    }

    #[test]
    fn a_fact_survives_its_row() {
        for fact in [Fact::Joined(region()), Fact::Retired(region())] {
            let Update { object, op: Op::Set { value, .. } } = fact.update() else { panic!("a register") };
            assert_eq!(Fact::of(&object.key, &value), Some(fact));
            assert_eq!(Fact::of(b"joined/8", &value), None, "another's");
            assert_eq!(Fact::of(&object.key, b"no"), None);
            assert_eq!(Fact::of(b"else", &value), None);
        }
    }

    #[test]
    fn a_record_tells_whom_it_retires() {
        let effect = |fact: &Fact| {
            let Update { object, op: Op::Set { value, .. } } = fact.update() else { panic!("a register") };
            Effect::Assign { row: object.register(), expiry: None, payload: value }
        };
        let elsewhere = Object::new(KeyspaceId::FIRST, "retired/00009").register();
        let effects = vec![
            effect(&Fact::Joined(region())),
            effect(&Fact::Retired(region())),
            Effect::Assign { row: elsewhere, expiry: None, payload: Bytes::new() },
        ];
        let dot = Dot { actor: ActorId::from_u64(1), seq: Seq(1) };
        let record = Record { dot, hlc: Hlc::ZERO, deps: VersionVector::new(), ctx: None, request: None, effects };
        assert_eq!(retired_by(&record).collect::<Vec<_>>(), [region().id]);
    }
}
