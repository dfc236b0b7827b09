//! Promises P3 and P4: every record arrives everywhere, in causal order, whatever the links do.

use halcyon_core::Alarm;
use halcyon_types::Seq;
use halcyon_types::limits::{HEARTBEAT_EVERY, SILENT_AFTER};

use crate::world::{World, ms};

#[test]
fn a_healthy_mesh_sends_each_record_once_per_peer() {
    let mut world = World::settled(3, 1);
    for round in 0..600 {
        world.write(1 + round % 3);
        world.run(ms(1));
    }
    assert!(world.until(ms(100), World::agree).is_some());
    assert_eq!(world.carried.len(), 600 * 2, "to each of two peers");
    assert!(world.carried.values().all(|times| *times == 1), "{:?}", world.carried);
    assert_eq!(world.pulls, 0);
    for node in world.nodes.values() {
        assert!(node.errors.is_empty() && node.alarms.is_empty());
    }
}

#[test]
fn a_healthy_mesh_of_unequal_links_pulls_nothing() {
    let mut world = World::new(3, 2);
    for (from, to) in [(1, 2), (2, 1)] {
        world.link(from, to).delay = ms(180);
    }
    world.run(ms(2000));
    for round in 0..1000 {
        world.write(1 + round % 3);
        world.run(ms(2));
    }
    assert!(world.until(ms(1000), World::agree).is_some());
    assert_eq!(world.pulls, 0, "what is merely on its way is not overdue");
    assert!(world.carried.values().all(|times| *times == 1));
}

#[test]
fn p3_replicas_agree_after_heal() {
    let mut world = World::settled(3, 3);
    for (a, b) in [(1, 2), (2, 3), (1, 3)] {
        world.sever(a, b);
    }
    for round in 0..300 {
        world.write(1 + round % 3);
        world.run(ms(10));
    }
    assert!(!world.agree(), "they are apart");
    world.heal();
    let took = world.until(ms(8000), World::agree);
    assert!(took.is_some(), "reconnect pauses are bounded");
}

#[test]
fn a_cut_link_is_bridged_by_the_third_region() {
    for silent in [true, false] {
        let mut world = World::settled(3, 4);
        if silent {
            world.cut(1, 2);
            world.cut(2, 1);
        } else {
            world.sever(1, 2);
        }
        world.write(1);
        let first = world.until(ms(5000), World::agree).expect("bridged");
        assert!(first <= SILENT_AFTER + 4 * HEARTBEAT_EVERY, "{silent}: {first:?}");
        world.run(SILENT_AFTER);
        // From then on the detour costs no patience.
        for _ in 0..20 {
            world.write(1);
            world.write(2);
            let next = world.until(ms(5000), World::agree).expect("bridged");
            assert!(next <= 3 * HEARTBEAT_EVERY, "{silent}: {next:?}");
        }
    }
}

#[test]
fn a_one_way_cut_is_bridged_too() {
    let mut world = World::settled(3, 5);
    world.cut(1, 2);
    for _ in 0..50 {
        world.write(1);
        world.write(2);
        world.run(ms(20));
    }
    assert!(world.until(ms(3000), World::agree).is_some());
}

#[test]
fn p4_an_effect_is_never_delivered_before_its_cause() {
    // 1 → 3 is slow, so what 2 makes of 1's records reaches 3 first. The disk asserts the order.
    let mut world = World::new(3, 6);
    world.link(1, 3).delay = ms(400);
    world.run(ms(1500));
    let mut pending = 0;
    for _ in 0..50 {
        world.write(1);
        world.run(ms(10));
        world.write(2);
        world.run(ms(10));
        pending = pending.max(world.node(3).replica.status(world.clock()).pending_bytes);
    }
    assert!(pending > 0, "something waited");
    assert!(world.until(ms(3000), World::agree).is_some());
    assert_eq!(world.pulls, 0, "waiting is not missing");
}

#[test]
fn p2_a_fork_is_refused() {
    let mut world = World::settled(3, 15);
    // Only 3 has the record when the disk of 1 is rolled back; 2 is enough to resume with, and knows no better.
    world.write(1);
    assert!(world.until(ms(100), World::agree).is_some());
    let copy = world.node(1).disk.clone();
    world.sever(1, 2);
    world.sever(2, 3);
    world.write(1);
    world.run(ms(500));
    world.sever(1, 3);
    world.replace(1, |disk| *disk = copy);
    world.link(1, 2).severed = false;
    world.link(2, 1).severed = false;
    world.write_bytes(1, 9);
    world.run(ms(9000));
    assert_eq!(world.node(1).disk.vv.get(world.node(1).disk.actor), Seq(2), "it has resumed");
    world.heal();
    world.run(ms(9000));
    let three = world.node(3);
    assert!(three.alarms.iter().any(|alarm| matches!(alarm, Alarm::Fork { .. })), "{:?}", three.alarms);
    assert_eq!(three.alarms.len(), 1, "told once");
    assert!(three.errors.iter().all(halcyon_core::PeerError::needs_operator));
    assert_eq!(three.disk.vv.get(world.node(1).disk.actor), Seq(2), "none of it was taken");
}
