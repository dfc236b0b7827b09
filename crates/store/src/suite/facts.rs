//! Facts about members: rows like all others, told with the group that holds them, and found at the next start.

use halcyon_types::members::Facts;
use halcyon_types::topology::Region;
use halcyon_types::{Address, RegionId};
use halcyon_wire::Fact;

use super::Disk;
use super::node::Node;
use crate::Staged;

on_every_backend!(facts_are_told_with_their_group_and_found_after_a_restart, a_group_without_facts_tells_none);

fn region(n: u64, port: u16) -> Region {
    let address = |port: u16| Address::try_from(format!("127.0.0.1:{port}")).unwrap();
    let (id, name) = (RegionId::try_from(n).unwrap(), format!("region-{n}").parse().unwrap());
    Region { id, name, peer: address(port), client: address(port + 1), admin: address(port + 2) }
}

fn facts_are_told_with_their_group_and_found_after_a_restart<D: Disk>() {
    let mut node = Node::<D>::new(1);
    assert_eq!(node.recovered.facts, Facts::default());
    node.stage(vec![Fact::Joined(region(4, 10)).update()]).unwrap();
    let told = node.committer.commit().unwrap().facts.unwrap();
    assert_eq!(told.joined.get(&region(4, 10).id), Some(&region(4, 10)));
    node.stage(vec![Fact::Joined(region(4, 20)).update()]).unwrap();
    let Staged::Fresh { dot, .. } = node.stage(vec![Fact::Retired(region(2, 30)).update()]).unwrap() else {
        panic!("a new record")
    };
    let told = node.committer.commit().unwrap().facts.unwrap();
    assert_eq!(told.joined.get(&region(4, 20).id), Some(&region(4, 20)), "the newer fact about a region wins");
    let retired = told.retired.get(&region(2, 30).id).unwrap();
    assert_eq!((&retired.region, &retired.records[..]), (&region(2, 30), &[dot][..]));
    node.restart();
    assert_eq!(node.recovered.facts, told);
}

fn a_group_without_facts_tells_none<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let object = halcyon_crdt::Object::new(halcyon_types::KeyspaceId::FIRST, "joined/00004");
    node.stage(vec![halcyon_crdt::Update { object, op: halcyon_crdt::Op::Enable }]).unwrap();
    assert_eq!(node.committer.commit().unwrap().facts, None);
}
