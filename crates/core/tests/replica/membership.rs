//! Members that come and go at run time.

use halcyon_core::{Alarm, PeerError};
use halcyon_types::limits::{START_PATIENCE, TRUNCATE_EVERY};
use halcyon_types::{ActorId, RegionId, RequestId, Seq, UnixMs};
use halcyon_wire::{Body, Change, Outcome, Refusal};

use crate::world::{BASE, Disk, Link, Loses, Node, World, member, ms, region};

fn change(world: &mut World, at: u64, change: Change) -> Result<Outcome, Refusal> {
    let request = RequestId::mint(BASE, &[u8::try_from(at).unwrap(); 10]);
    let before = world.node(at).replies.len();
    world.ask(at, 77, Body::Members { request, change });
    world.until(ms(500), |world| world.node(at).replies.len() > before).expect("an answer");
    world.node(at).replies.last().unwrap().1.result.clone()
}

fn add(world: &mut World, at: u64, n: u64) -> Result<Outcome, Refusal> {
    change(world, at, Change::Add(member(region(n))))
}

fn retire(world: &mut World, at: u64, n: u64) -> Result<Outcome, Refusal> {
    change(world, at, Change::Retire { name: member(region(n)).name })
}

/// Cables to a region that has none yet.
fn lay(world: &mut World, n: u64) -> Vec<RegionId> {
    let id = region(n);
    let regions: Vec<RegionId> = world.nodes.keys().copied().chain([id]).collect();
    for other in regions.iter().filter(|other| **other != id) {
        world.links.insert((id, *other), Link::new());
        world.links.insert((*other, id), Link::new());
    }
    regions
}

/// A node whose file lists itself and all others, with an empty directory.
fn start(world: &mut World, n: u64) {
    let (id, regions) = (region(n), lay(world, n));
    let disk = Disk::new(ActorId::mint(id, UnixMs(1)));
    let node = Node::new(id, &regions, disk, 0, world.clock());
    world.nodes.insert(id, node);
    world.pump(id);
}

fn reason(result: Result<Outcome, Refusal>) -> String {
    match result {
        Err(Refusal::Membership { reason }) => reason,
        other => panic!("a refusal: {other:?}"),
    }
}

fn states(world: &World, at: u64) -> Vec<(u16, &'static str)> {
    let status = world.node(at).replica.status(world.clock());
    status.members.iter().map(|member| (member.region.id.get(), member.state)).collect()
}

#[test]
fn a_region_that_joins_is_let_in_catches_up_and_counts() {
    let mut world = World::settled(3, 1);
    (0..5).for_each(|_| world.write(1));
    start(&mut world, 4);
    world.write(4);
    world.run(START_PATIENCE * 3);
    assert!(!world.node(4).replica.is_serving(), "there is a cluster, and it is no part of it");
    assert!(world.node(4).disk.vv.is_empty());
    assert!(add(&mut world, 1, 4).is_ok());
    world.until(ms(20_000), |world| world.agree() && world.node(4).replica.is_serving()).expect("it catches up");
    world.write(4);
    world.write(2);
    world.until(ms(2000), World::agree).expect("it is a peer like any other");
    world.run(ms(500));
    assert_eq!(states(&world, 2), [(1, "serving"), (2, "serving"), (3, "serving"), (4, "serving")]);
    world.restart(3);
    world.write(4);
    world.until(ms(20_000), World::agree).expect("facts are found on the disk");
    assert!(world.nodes.values().all(|node| node.alarms.is_empty()), "nobody saw anything amiss");
}

#[test]
fn p6_nothing_is_dropped_that_a_region_lacks_which_has_joined() {
    let mut world = World::settled(3, 2);
    for n in 1..=3 {
        world.replace(n, |disk| disk.log_bytes_max = 100_000);
    }
    world.run(ms(500));
    lay(&mut world, 4);
    (1..=3).for_each(|n| world.link(n, 4).severed = true);
    assert!(add(&mut world, 1, 4).is_ok());
    world.run(TRUNCATE_EVERY * 2);
    let own = world.node(1).disk.actor;
    (0..5).for_each(|_| world.write(1));
    world.run(TRUNCATE_EVERY * 3);
    assert_eq!(world.node(2).disk.floors.get(own), Seq::ZERO, "4 has not been heard");
    assert!(retire(&mut world, 2, 4).is_ok());
    world.until(ms(9000), |world| world.node(2).disk.floors.get(own) > Seq::ZERO).expect("nobody waits for it now");
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let mut world = World::settled(3, 3);
    assert!(reason(add(&mut world, 1, 2)).contains("never used again"));
    assert!(reason(retire(&mut world, 1, 9)).contains("is called region-9"));
    assert!(reason(retire(&mut world, 1, 1)).contains("cannot retire itself"));
    assert!(retire(&mut world, 1, 3).is_ok());
    world.run(ms(500));
    assert!(reason(retire(&mut world, 2, 3)).contains("was retired"));
    assert!(reason(add(&mut world, 2, 3)).contains("never used again"));
    world.sever(1, 2);
    world.run(ms(100));
    assert_eq!(add(&mut world, 1, 5), Err(Refusal::NoMajority { reachable: 1, members: 2 }));
    let mut alone = World::settled(1, 3);
    assert!(reason(retire(&mut alone, 1, 1)).contains("last member"));
}

#[test]
fn p6_what_one_survivor_has_of_a_dead_region_reaches_all_and_its_log_is_closed() {
    let mut world = World::settled(4, 4);
    world.write(3);
    world.until(ms(500), World::agree).unwrap();
    // The last words of 3 reach 2 alone, which is cut off from the others then.
    for other in [1, 4] {
        world.cut(3, other);
        world.sever(2, other);
    }
    (0..3).for_each(|_| world.write(3));
    let last = world.node(3).disk.actor;
    world.until(ms(500), |world| world.node(2).disk.vv.get(last) == Seq(4)).unwrap();
    for other in [1, 2, 4] {
        world.sever(3, other);
    }
    for other in [1, 4] {
        world.link(2, other).severed = false;
        world.link(other, 2).severed = false;
        world.link(2, other).loses = Loses::Records;
    }
    world.run(ms(9000));
    assert_eq!(world.node(1).disk.vv.get(last), Seq(1), "2 says that it has more, and cannot send it");
    assert!(retire(&mut world, 1, 3).is_ok());
    world.run(ms(3000));
    for other in [1, 4] {
        world.link(2, other).loses = Loses::Nothing;
    }
    let all = |world: &World| [1, 2, 4].into_iter().all(|n| world.node(n).disk.vv.get(last) == Seq(4));
    world.until(ms(20_000), all).expect("survivors relay it");
    world.run(ms(1000));
    for n in [1, 2, 4] {
        let status = world.node(n).replica.status(world.clock());
        assert_eq!(status.closed.get(last), Seq(4), "region {n}");
        assert_eq!(status.stable.get(last), Seq(4), "stability waits for 3 no more");
    }
}

#[test]
fn a_retired_region_that_lives_is_told_refuses_writes_and_is_not_listened_to() {
    let mut world = World::settled(3, 5);
    world.write(3);
    world.until(ms(500), World::agree).unwrap();
    for other in [1, 2] {
        world.sever(3, other);
    }
    (0..2).for_each(|_| world.write(3));
    world.run(ms(200));
    assert!(retire(&mut world, 1, 3).is_ok());
    world.run(ms(500));
    world.heal();
    let own = world.node(3).disk.actor;
    let told = |world: &World| world.node(3).alarms.contains(&Alarm::Retired { unsent: Some(2) });
    world.until(ms(20_000), told).expect("it dials, and hears of it");
    let before = world.node(3).replies.len();
    world.write(3);
    assert_eq!(world.node(3).replies[before].1.result, Err(Refusal::Retired));
    world.run(ms(5000));
    for n in [1, 2] {
        assert_eq!(world.node(n).disk.vv.get(own), Seq(1), "nothing was taken from it");
        assert_eq!(states(&world, n).last(), Some(&(3, "retired")));
    }
    world.restart(3);
    world.run(ms(3000));
    assert_eq!(states(&world, 3).last(), Some(&(3, "retired")), "it knows after a restart");
    world.write(1);
    world.until(ms(500), |world| world.node(1).disk.vv == world.node(2).disk.vv).expect("the others go on");
}

#[test]
fn a_file_that_lists_who_has_not_joined_is_refused_by_both() {
    let mut world = World::settled(2, 6);
    let regions: Vec<_> = (1..=3).map(region).collect();
    let old = world.nodes.remove(&region(1)).unwrap();
    let node = Node::new(region(1), &regions, old.disk, 1, world.clock());
    world.nodes.insert(region(1), node);
    world.links.insert((region(1), region(3)), Link::new());
    world.link(1, 3).severed = true;
    for link in [(1, 2), (2, 1)] {
        world.link(link.0, link.1).open = None;
    }
    world.pump(region(1));
    world.run(ms(2000));
    let refused = world.node(2).errors.iter().any(|error| matches!(error, PeerError::OtherRegions { .. }));
    assert!(refused, "{:?}", world.node(2).errors);
}
