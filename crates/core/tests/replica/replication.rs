//! Promises P3 and P4: every record arrives everywhere, in causal order, whatever the links do.

use halcyon_core::Alarm;
use halcyon_types::limits::{HEARTBEAT_EVERY, LINK_WINDOW_BYTES_MAX, PENDING_BYTES_MAX, SILENT_AFTER};
use halcyon_types::{Seq, UnixMs};

use crate::world::{World, ms, region};

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
fn a_lost_range_is_pulled_again() {
    let mut world = World::settled(3, 7);
    world.link(1, 2).loss_percent = 100;
    world.write(1);
    world.run(ms(1));
    world.link(1, 2).loss_percent = 0;
    let took = world.until(ms(3000), World::agree).expect("repaired");
    assert!(world.pulls >= 1 && took < ms(500), "{took:?}");
    // And the push goes on behind it.
    let pulls = world.pulls;
    world.write(1);
    assert!(world.until(ms(20), World::agree).is_some());
    assert_eq!(world.pulls, pulls);
}

#[test]
fn a_lost_pull_is_asked_again() {
    let mut world = World::settled(2, 8);
    world.link(1, 2).loss_percent = 100;
    world.write(1);
    world.run(ms(1));
    world.link(1, 2).loss_percent = 0;
    world.link(2, 1).loss_percent = 100;
    world.until(ms(1000), |world| world.pulls > 0).expect("asked");
    world.link(2, 1).loss_percent = 0;
    assert!(world.until(ms(3000), World::agree).is_some());
    assert!(world.pulls >= 2);
}

#[test]
fn a_restarted_peer_is_resumed_from_its_vector() {
    let mut world = World::settled(3, 9);
    for _ in 0..100 {
        world.write(1);
    }
    assert!(world.until(ms(1000), World::agree).is_some());
    // It takes records that it never gets to sync.
    world.nodes.get_mut(&region(2)).unwrap().sync = ms(60_000);
    for _ in 0..100 {
        world.write(1);
    }
    world.run(ms(50));
    assert_eq!(world.node(2).disk.vv.get(world.node(1).disk.actor), Seq(100));
    world.restart(2);
    world.carried.clear();
    assert!(world.until(ms(3000), World::agree).is_some());
    let to_2 = world.carried.iter().filter(|(((_, to), _), _)| *to == region(2));
    assert!(
        to_2.clone().all(|((_, dot), _)| dot.seq > Seq(100)),
        "what it had is not sent again"
    );
    assert_eq!(to_2.count(), 100, "from its own region, and from nobody else");
}

#[test]
fn an_earlier_actor_of_a_region_travels_by_pull() {
    let mut world = World::settled(3, 10);
    world.sever(1, 3);
    world.sever(1, 2);
    for _ in 0..10 {
        world.write(1);
    }
    world.run(ms(100));
    world.heal();
    world.replace(1, |disk| {
        disk.actor = halcyon_types::ActorId::mint(region(1), UnixMs(2));
    });
    world.write(1);
    assert!(world.until(ms(8000), World::agree).is_some());
    assert_eq!(world.node(2).disk.vv.len(), 2);
}

#[test]
fn an_ack_is_never_ahead_of_the_sync() {
    let mut world = World::settled(2, 11);
    world.nodes.get_mut(&region(2)).unwrap().sync = ms(700);
    world.write(1);
    // The world compares every vector told with the disk of who tells it; this waits for the ack itself.
    let acked = |world: &World| world.node(1).replica.status(world.clock()).peers[0].acked;
    world.run(ms(690));
    assert_eq!(acked(&world), Seq(0));
    assert!(
        world.until(ms(40), |world| acked(world) == Seq(1)).is_some(),
        "and promptly then"
    );
}

#[test]
fn pending_records_are_bounded_and_nothing_is_lost() {
    // 2's records depend on 1's, which 3 cannot get from anybody for a while.
    let mut world = World::settled(3, 12);
    world.cut(1, 3);
    world.write(1);
    world.run(ms(20));
    let pulls_lost = |world: &mut World, percent| world.link(3, 2).loss_percent = percent;
    pulls_lost(&mut world, 100);
    let value = 200 * 1024;
    let records = (PENDING_BYTES_MAX + LINK_WINDOW_BYTES_MAX) / value;
    for _ in 0..records {
        world.write_bytes(2, value);
        world.run(ms(2));
        // So that the window does not bound what the limit is to bound.
        world.run(ms(2));
    }
    world.run(ms(500));
    let pending = world.node(3).replica.status(world.clock()).pending_bytes;
    assert!(
        pending > LINK_WINDOW_BYTES_MAX / 2 && pending <= PENDING_BYTES_MAX,
        "{pending}"
    );
    pulls_lost(&mut world, 0);
    world.link(1, 3).cut = false;
    assert!(world.until(ms(20_000), World::agree).is_some());
}

#[test]
fn a_slow_peer_gets_backpressure_and_stalls_nobody_else() {
    let mut world = World::settled(3, 13);
    world.link(1, 3).stalled = true;
    let value = 100 * 1024;
    for _ in 0..2 * LINK_WINDOW_BYTES_MAX / value {
        world.write_bytes(1, value);
        world.run(ms(1));
    }
    let (one, two) = (region(1), region(2));
    let has = |world: &World| world.nodes[&two].disk.vv == world.nodes[&one].disk.vv;
    assert!(world.until(ms(200), has).is_some(), "the other peer has everything");
    let sent = world
        .carried
        .keys()
        .filter(|(link, _)| *link == (one, region(3)))
        .count();
    assert!(sent <= 3, "one range at a time: {sent}");
    // The link takes records again; what it swallowed is gone.
    world.link(1, 3).stalled = false;
    let held = world.link(1, 3).held.take().unwrap();
    world.take((one, region(3)), held);
    assert!(world.until(ms(10_000), World::agree).is_some());
}

#[test]
fn a_peer_that_does_not_ack_is_sent_one_window() {
    let mut world = World::settled(2, 14);
    world.nodes.get_mut(&region(2)).unwrap().sync = ms(60_000);
    let value = 100 * 1024;
    for _ in 0..2 * LINK_WINDOW_BYTES_MAX / value {
        world.write_bytes(1, value);
        world.run(ms(5));
    }
    let unacked = world.node(1).replica.status(world.clock()).peers[0].unacked_bytes;
    assert!(
        unacked >= LINK_WINDOW_BYTES_MAX && unacked < LINK_WINDOW_BYTES_MAX + 2 * value,
        "{unacked}"
    );
}

#[test]
fn a_fork_is_refused() {
    let mut world = World::settled(2, 15);
    world.write(1);
    assert!(world.until(ms(100), World::agree).is_some());
    // The disk of 1 is rolled back and writes the same dot with other bytes.
    world.replace(1, |disk| {
        let actor = disk.actor;
        *disk = crate::world::Disk::new(actor);
    });
    world.write_bytes(1, 9);
    world.run(ms(1000));
    let two = world.node(2);
    assert!(
        two.alarms.iter().any(|alarm| matches!(alarm, Alarm::Fork { .. })),
        "{:?}",
        two.alarms
    );
    assert_eq!(two.alarms.len(), 1, "told once");
    assert!(two.errors.iter().all(halcyon_core::PeerError::needs_operator));
    assert_eq!(
        two.disk.vv.get(world.node(1).disk.actor),
        Seq(1),
        "none of it was taken"
    );
}

#[test]
fn a_peer_that_knows_more_of_us_raises_an_alarm() {
    let mut world = World::settled(2, 16);
    for _ in 0..3 {
        world.write(1);
    }
    assert!(world.until(ms(100), World::agree).is_some());
    world.replace(1, |disk| {
        let actor = disk.actor;
        *disk = crate::world::Disk::new(actor);
    });
    world.run(ms(500));
    let ahead = Alarm::ForkedHistory {
        peer: region(2),
        theirs: Seq(3),
        ours: Seq(0),
    };
    assert_eq!(world.node(1).alarms, [ahead]);
    assert_eq!(world.pulls, 0, "own records are pulled from nobody");
}
