//! Who belongs to the cluster: what `regions.toml` says, and the facts that have been committed since.
//!
//! A fact is added and never taken back: a region has joined, or moved to other addresses; a region is retired. Retiring wins
//! over everything, and neither id nor name of a retired region is used again. So regions that have heard the same facts name
//! the same members, in whatever order they heard them.

use std::collections::BTreeMap;

use crate::limits::{MEMBER_FACTS_MAX, REGIONS_MAX};
use crate::topology::Region;
use crate::{Dot, RegionId, RegionName};

/// Regions by id and name.
pub type Named = Vec<(RegionId, RegionName)>;

/// What has been committed about members.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Regions that have joined or moved, with their newest addresses.
    pub joined: BTreeMap<RegionId, Region>,
    /// Regions that are retired.
    pub retired: BTreeMap<RegionId, Retired>,
}

/// A region that is retired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    /// As it was.
    pub region: Region,
    /// The records that say so: whoever has one of them knows.
    pub records: Vec<Dot>,
}

/// Everybody who is known to belong to the cluster, or to have belonged to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    seed: BTreeMap<RegionId, Region>,
    facts: Facts,
}

/// Why the members are not changed so. Nothing has happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MembersError {
    /// The id is taken, or was.
    #[error("region id {id} is {name}'s, and ids are never used again; choose another")]
    Id {
        /// Which.
        id: RegionId,
        /// Whose it is or was.
        name: RegionName,
    },
    /// The name is taken, or was.
    #[error("region {id} is called {name} already, and names are never used again; choose another")]
    Name {
        /// Which.
        name: RegionName,
        /// Whose it is or was.
        id: RegionId,
    },
    /// The address is another member's.
    #[error("{address} is an address of region {name}; give each region its own")]
    Address {
        /// Which.
        address: String,
        /// Whose it is.
        name: RegionName,
    },
    /// No such region.
    #[error("no region of this cluster is called {name}; its members are: {known}")]
    Unknown {
        /// What was asked for.
        name: RegionName,
        /// Who there is.
        known: String,
    },
    /// It is no member any more.
    #[error("region {name} was retired; that is for good, add a region with another id and name")]
    Retired {
        /// Which.
        name: RegionName,
    },
    /// Nobody would be left.
    #[error("region {name} is the last member of this cluster; add another before it is retired")]
    Last {
        /// Which.
        name: RegionName,
    },
    /// As many as there may be.
    #[error("this cluster has {REGIONS_MAX} members, or has had {MEMBER_FACTS_MAX}; that is the limit")]
    TooMany,
}

impl Members {
    /// Those that a `regions.toml` lists, and what was committed.
    pub fn new(seed: impl IntoIterator<Item = Region>, facts: Facts) -> Self {
        Self { seed: seed.into_iter().map(|region| (region.id, region)).collect(), facts }
    }

    /// Takes what is committed by now.
    pub fn learn(&mut self, facts: Facts) {
        self.facts = facts;
    }

    /// What was committed.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The region with this id, a retired one too.
    pub fn region(&self, id: RegionId) -> Option<&Region> {
        let Facts { joined, retired } = &self.facts;
        joined.get(&id).or_else(|| self.seed.get(&id)).or_else(|| retired.get(&id).map(|retired| &retired.region))
    }

    /// All that are known, by id, retired ones too.
    pub fn known(&self) -> impl Iterator<Item = &Region> {
        let Facts { joined, retired } = &self.facts;
        let mut ids: Vec<_> = self.seed.keys().chain(joined.keys()).chain(retired.keys()).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter_map(|id| self.region(id))
    }

    /// Those that are members now, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Region> {
        self.known().filter(|region| !self.is_retired(region.id))
    }

    /// Whether the region is known and not retired.
    pub fn is_member(&self, id: RegionId) -> bool {
        self.region(id).is_some() && !self.is_retired(id)
    }

    /// Whether the region is retired.
    pub fn is_retired(&self, id: RegionId) -> bool {
        self.facts.retired.contains_key(&id)
    }

    /// The known region that is called so.
    pub fn named(&self, name: &RegionName) -> Option<&Region> {
        self.known().find(|region| region.name == *name)
    }

    /// Those that only the file vouches for, and those that a fact does: id and name.
    pub fn vouched(&self) -> (Named, Named) {
        let Facts { joined, retired } = &self.facts;
        let all = self.known().map(|region| (region.id, region.name.clone()));
        all.partition(|(id, _)| !joined.contains_key(id) && !retired.contains_key(id))
    }

    /// What keeps two nodes from meaning the same cluster, if anything does: one id with two names, one name with two ids, or
    /// a region that only the file of one of them vouches for and that the other has never heard of. `seed` and `facts` are
    /// what the other is [vouched](Self::vouched) for.
    pub fn differ(&self, seed: &[(RegionId, RegionName)], facts: &[(RegionId, RegionName)]) -> Option<String> {
        let theirs = || seed.iter().chain(facts);
        for ours in self.known() {
            let other = theirs().find(|(id, name)| (*id == ours.id) != (*name == ours.name));
            if let Some((id, name)) = other {
                return Some(format!("here region {} is {}, there region {id} is {name}", ours.id, ours.name));
            }
        }
        if let Some((id, name)) = seed.iter().find(|(id, _)| self.region(*id).is_none()) {
            return Some(format!("its regions.toml lists region {id}, {name}, which this node has not heard of"));
        }
        let alone = self.vouched().0.into_iter().find(|(id, _)| theirs().all(|(other, _)| other != id));
        alone.map(|(id, name)| format!("this node's regions.toml lists region {id}, {name}, which it has not heard of"))
    }

    /// Whether `region` may join.
    ///
    /// # Errors
    /// [`MembersError`].
    pub fn may_join(&self, region: &Region) -> Result<(), MembersError> {
        if let Some(known) = self.region(region.id) {
            return Err(MembersError::Id { id: region.id, name: known.name.clone() });
        }
        if let Some(known) = self.named(&region.name) {
            return Err(MembersError::Name { name: region.name.clone(), id: known.id });
        }
        if self.iter().count() >= REGIONS_MAX || self.known().count() >= MEMBER_FACTS_MAX {
            return Err(MembersError::TooMany);
        }
        self.check_addresses(region)
    }

    /// The member called `name`, if it may be retired.
    ///
    /// # Errors
    /// [`MembersError`].
    pub fn may_retire(&self, name: &RegionName) -> Result<&Region, MembersError> {
        let region = self.member(name)?;
        if self.iter().count() == 1 {
            return Err(MembersError::Last { name: name.clone() });
        }
        Ok(region)
    }

    /// Whether a member may move to the addresses that `region` has.
    ///
    /// # Errors
    /// [`MembersError`].
    pub fn may_move(&self, region: &Region) -> Result<(), MembersError> {
        self.member(&region.name)?;
        self.check_addresses(region)
    }

    /// The member called `name`.
    ///
    /// # Errors
    /// [`MembersError::Unknown`], [`MembersError::Retired`].
    pub fn member(&self, name: &RegionName) -> Result<&Region, MembersError> {
        match self.named(name) {
            Some(region) if self.is_retired(region.id) => Err(MembersError::Retired { name: name.clone() }),
            Some(region) => Ok(region),
            None => {
                let known: Vec<_> = self.iter().map(|region| region.name.as_str()).collect();
                Err(MembersError::Unknown { name: name.clone(), known: known.join(", ") })
            }
        }
    }

    fn check_addresses(&self, region: &Region) -> Result<(), MembersError> {
        let own = [&region.peer, &region.client, &region.admin];
        for other in self.iter().filter(|other| other.id != region.id) {
            let taken = [&other.peer, &other.client, &other.admin].into_iter().find(|address| own.contains(address));
            if let Some(address) = taken {
                return Err(MembersError::Address { address: address.to_string(), name: other.name.clone() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ActorId, Seq};

    fn id(n: u64) -> RegionId {
        RegionId::try_from(n).unwrap()
    }

    fn region(n: u64, name: &str) -> Region {
        let address = |port: u64| format!("127.0.0.1:{port}").try_into().unwrap();
        let (peer, client, admin) = (address(7100 + n), address(7200 + n), address(7400 + n));
        Region { id: id(n), name: name.parse().unwrap(), peer, client, admin }
    }

    fn members(seed: &[(u64, &str)], joined: &[(u64, &str)], retired: &[(u64, &str)]) -> Members {
        let by_id = |n: &u64, name: &&str| (id(*n), region(*n, name));
        let records = vec![Dot { actor: ActorId::from_u64(1), seq: Seq(1) }];
        let facts = Facts {
            joined: joined.iter().map(|(n, name)| by_id(n, name)).collect(),
            retired: retired
                .iter()
                .map(|(n, name)| (id(*n), Retired { region: region(*n, name), records: records.clone() }))
                .collect(),
        };
        Members::new(seed.iter().map(|(n, name)| region(*n, name)), facts)
    }

    fn ids(members: &Members) -> Vec<u16> {
        members.iter().map(|region| region.id.get()).collect()
    }

    #[test]
    fn members_are_the_seed_and_who_joined_but_for_who_is_retired() {
        let all = members(&[(1, "a"), (2, "b")], &[(3, "c"), (4, "d")], &[(2, "b"), (4, "d"), (9, "x")]);
        assert_eq!(ids(&all), [1, 3]);
        assert_eq!(all.known().count(), 5);
        assert!(all.is_retired(id(9)) && !all.is_member(id(9)) && all.region(id(9)).is_some());
        assert!(all.region(id(8)).is_none() && !all.is_member(id(8)));
    }

    #[test]
    fn a_fact_about_a_seeded_region_moves_it() {
        let mut moved = members(&[(1, "a"), (2, "b")], &[], &[]);
        let mut to = region(2, "b");
        to.peer = "10.0.0.1:7".to_owned().try_into().unwrap();
        moved.may_move(&to).unwrap();
        moved.learn(Facts { joined: BTreeMap::from([(to.id, to.clone())]), retired: BTreeMap::new() });
        assert_eq!(moved.region(id(2)), Some(&to));
        assert_eq!(ids(&moved), [1, 2]);
    }

    #[test]
    fn neither_id_nor_name_nor_address_is_used_twice_or_again() {
        let all = members(&[(1, "a"), (2, "b")], &[(3, "c")], &[(2, "b")]);
        let refused = |n, name| all.may_join(&region(n, name)).unwrap_err();
        assert_eq!(refused(1, "z"), MembersError::Id { id: id(1), name: "a".parse().unwrap() });
        assert_eq!(refused(2, "z"), MembersError::Id { id: id(2), name: "b".parse().unwrap() }, "a retired one's");
        assert_eq!(refused(9, "c"), MembersError::Name { name: "c".parse().unwrap(), id: id(3) });
        assert_eq!(refused(9, "b"), MembersError::Name { name: "b".parse().unwrap(), id: id(2) }, "a retired one's");
        let crowded = Region { client: region(1, "a").peer, ..region(9, "z") };
        assert!(matches!(all.may_join(&crowded), Err(MembersError::Address { .. })));
        assert_eq!(all.may_join(&region(9, "z")), Ok(()));
        let again = Region { client: region(2, "b").peer, ..region(9, "z") };
        assert_eq!(all.may_join(&again), Ok(()), "what was a retired one's is free");
    }

    #[test]
    fn the_last_member_stays_and_nobody_is_retired_twice() {
        let all = members(&[(1, "a"), (2, "b")], &[], &[(2, "b")]);
        let name = |name: &str| name.parse().unwrap();
        assert_eq!(all.may_retire(&name("a")), Err(MembersError::Last { name: name("a") }));
        assert_eq!(all.may_retire(&name("b")), Err(MembersError::Retired { name: name("b") }));
        assert!(matches!(all.may_retire(&name("c")), Err(MembersError::Unknown { known, .. }) if known == "a"));
        assert!(matches!(all.may_move(&region(2, "b")), Err(MembersError::Retired { .. })));
    }

    #[test]
    fn files_may_differ_by_what_facts_explain_and_by_nothing_else() {
        let seed = [(1, "a"), (2, "b")];
        let one = members(&seed, &[], &[]);
        let meet = |one: &Members, other: &Members| {
            let ((s, f), (t, g)) = (one.vouched(), other.vouched());
            let (differ, back) = (one.differ(&t, &g), other.differ(&s, &f));
            assert_eq!(differ.is_none(), back.is_none(), "{differ:?}, {back:?}");
            differ.is_none()
        };
        assert!(meet(&one, &one));
        assert!(meet(&one, &members(&seed, &[(3, "c")], &[])), "a join that one has not heard of");
        assert!(meet(&one, &members(&seed, &[], &[(2, "b")])), "or that one was retired");
        let newcomer = members(&[(1, "a"), (2, "b"), (3, "c")], &[], &[]);
        assert!(!meet(&one, &newcomer), "a file alone makes no member");
        assert!(meet(&members(&seed, &[(3, "c")], &[]), &newcomer), "with the fact it is one");
        assert!(meet(&members(&seed, &[(3, "c"), (4, "d")], &[]), &newcomer), "which need not know of others");
        assert!(!meet(&one, &members(&[(1, "a"), (2, "z")], &[], &[])), "one id with two names");
        assert!(!meet(&one, &members(&[(1, "a"), (3, "b")], &[], &[])), "one name with two ids");
        assert!(!meet(&one, &members(&[(1, "a")], &[], &[])), "one that is left out");
        assert!(meet(&members(&seed, &[], &[(2, "b")]), &members(&[(1, "a")], &[], &[(2, "b")])), "once it is retired");
    }
}
