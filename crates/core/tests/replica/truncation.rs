//! Truncation: what every member has may be dropped, nothing else, and nobody is sent what has been.

use halcyon_core::Alarm;
use halcyon_types::limits::TRUNCATE_EVERY;
use halcyon_types::{ActorId, Dot, Seq, UnixMs};

use crate::world::{Disk, Loses, World, ms, region};

fn truncating(nodes: u64, seed: u64) -> World {
    let mut world = World::settled(nodes, seed);
    for n in 1..=nodes {
        world.replace(n, |disk| disk.log_bytes_max = 100_000);
    }
    world.run(ms(500));
    world
}

fn floor(world: &World, at: u64, of: u64) -> Seq {
    world.node(at).disk.floors.get(world.node(of).disk.actor)
}

#[test]
fn what_every_member_has_is_dropped_but_for_the_last_record() {
    let mut world = truncating(3, 1);
    (0..9).for_each(|_| world.write(1));
    world.run(TRUNCATE_EVERY * 2 + ms(500));
    for n in 1..=3 {
        assert_eq!(floor(&world, n, 1), Seq(8), "region {n}");
        let node = world.node(n);
        assert_eq!(*node.replica.floors(), node.disk.floors);
        assert!(node.alarms.is_empty(), "{:?}", node.alarms);
    }
}

#[test]
fn p6_what_one_member_lacks_is_kept_for_it() {
    let mut world = truncating(3, 2);
    (0..3).for_each(|_| world.write(1));
    world.run(TRUNCATE_EVERY * 2);
    world.sever(1, 3);
    world.sever(2, 3);
    (0..5).for_each(|_| world.write(1));
    world.run(TRUNCATE_EVERY * 5);
    assert!((1..=2).all(|n| floor(&world, n, 1) <= Seq(3)), "3 has no more than 3");
    world.heal();
    world
        .until(ms(20_000), |world| (1..=3).all(|n| floor(world, n, 1) == Seq(7)))
        .expect("it catches up, and all goes on");
}

#[test]
fn a_restart_knows_what_was_dropped() {
    let mut world = truncating(2, 3);
    (0..5).for_each(|_| world.write(1));
    world.run(TRUNCATE_EVERY * 2);
    assert_eq!(floor(&world, 1, 1), Seq(4));
    world.restart(1);
    world.restart(2);
    world.write(1);
    world.write(2);
    world
        .until(ms(20_000), |world| world.node(1).disk.vv == world.node(2).disk.vv)
        .expect("nothing that was dropped is missed");
    assert!(world.node(1).alarms.is_empty() && world.node(2).alarms.is_empty());
}

#[test]
fn whoever_comes_back_with_nothing_takes_a_copy_and_the_operator_is_told() {
    let mut world = truncating(2, 4);
    (0..5).for_each(|_| world.write(1));
    world.run(TRUNCATE_EVERY * 2);
    let own = world.node(1).disk.actor;
    world.replace(2, |disk| *disk = Disk::new(ActorId::mint(region(2), UnixMs(2))));
    (0..3).for_each(|_| world.write(1));
    world.until(ms(20_000), |world| world.node(2).disk.vv == world.node(1).disk.vv).expect("a copy");
    assert_eq!(world.switched, 1);
    let alarm = Alarm::Truncated { peer: region(2), have: Dot { actor: own, seq: Seq::ZERO }, floor: Seq(4) };
    assert_eq!(world.node(1).alarms, [alarm], "once");
}

#[test]
fn whoever_comes_back_with_an_older_copy_keeps_what_it_lacks_from_being_dropped() {
    let mut world = truncating(2, 5);
    (0..3).for_each(|_| world.write(1));
    world.run(ms(100));
    let copy = world.node(2).disk.clone();
    (0..4).for_each(|_| world.write(1));
    world.run(ms(100));
    world.link(1, 2).loses = Loses::Records;
    world.replace(2, |disk| *disk = copy);
    world.run(TRUNCATE_EVERY * 3);
    assert!(floor(&world, 1, 1) <= Seq(3), "what it says now counts, not what it said before");
    world.heal();
    let caught_up = |world: &World| world.node(2).disk.vv == world.node(1).disk.vv;
    world.until(ms(20_000), caught_up).expect("nothing that it needs is gone");
}
