//! Promise P10: what is under way, waits or applies has a bound, and meeting it loses nothing.

use halcyon_core::Job;
use halcyon_types::Seq;
use halcyon_types::limits::{LINK_WINDOW_BYTES_MAX, PENDING_BYTES_MAX, RANGE_BYTES_MAX};
use halcyon_wire::PeerMessage;

use crate::world::{Loses, World, ms, region};

/// Writes more than a window at `n`, slowly enough for each record to be a range of its own.
fn overfill(world: &mut World, n: u64, bytes: usize) {
    let value = 100 * 1024;
    for _ in 0..bytes / value {
        world.write_bytes(n, value);
        world.run(ms(3));
    }
}

/// Sends all of `from`'s own log, as a peer would that keeps no window.
fn flood(world: &mut World, from: u64, to: u64) {
    let disk = &world.node(from).disk;
    let (actor, upto) = (disk.actor, disk.vv.get(disk.actor));
    let mut after = Seq(0);
    while after < upto {
        let range = world.node(from).disk.range(actor, after, upto, RANGE_BYTES_MAX);
        after = range.last();
        world.transmit((region(from), region(to)), &PeerMessage::Range(range));
    }
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
    let sent = world.carried.keys().filter(|(link, _)| *link == (one, region(3))).count();
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
    assert!(unacked >= LINK_WINDOW_BYTES_MAX && unacked < LINK_WINDOW_BYTES_MAX + 2 * value, "{unacked}");
}

#[test]
fn a_window_full_of_lost_records_is_opened_by_a_pull() {
    let mut world = World::settled(2, 21);
    world.link(1, 2).loses = Loses::Records;
    overfill(&mut world, 1, 2 * LINK_WINDOW_BYTES_MAX);
    world.link(1, 2).loses = Loses::Nothing;
    assert!(world.until(ms(5000), World::agree).is_some());
}

#[test]
fn a_full_window_does_not_hold_up_what_its_records_wait_for() {
    // All that 3 hears of 1 comes from 2, whose own records depend on it and fill their window first.
    let mut world = World::settled(3, 22);
    world.cut(1, 3);
    world.write(1);
    world.run(ms(20));
    world.link(3, 2).loss_percent = 100;
    overfill(&mut world, 2, LINK_WINDOW_BYTES_MAX + 1024 * 1024);
    world.link(3, 2).loss_percent = 0;
    assert!(world.until(ms(5000), World::agree).is_some());
}

#[test]
fn pending_records_are_bounded_and_nothing_is_lost() {
    let mut world = World::settled(3, 12);
    world.cut(1, 3);
    world.write(1);
    world.run(ms(20));
    world.link(3, 2).loss_percent = 100;
    overfill(&mut world, 2, 2 * PENDING_BYTES_MAX);
    flood(&mut world, 2, 3);
    world.run(ms(50));
    let pending = world.node(3).replica.status(world.clock()).pending_bytes;
    assert!(pending > PENDING_BYTES_MAX - 2 * RANGE_BYTES_MAX && pending <= PENDING_BYTES_MAX, "{pending}");
    world.link(3, 2).loss_percent = 0;
    assert!(world.until(ms(20_000), World::agree).is_some());
}

#[test]
fn records_with_the_committer_are_bounded() {
    let mut world = World::settled(2, 23);
    world.link(1, 2).loses = Loses::Records;
    overfill(&mut world, 1, 3 * PENDING_BYTES_MAX);
    world.link(1, 2).loses = Loses::Nothing;
    world.nodes.get_mut(&region(2)).unwrap().sync = ms(500);
    flood(&mut world, 1, 2);
    world.run(ms(400));
    let bytes = |job: &Job| match job {
        Job::Record { stored, .. } => stored.bytes.len(),
        _ => 0,
    };
    let applying: usize = world.node(2).jobs.iter().chain(&world.node(2).group).map(bytes).sum();
    assert!(applying > PENDING_BYTES_MAX / 2 && applying <= PENDING_BYTES_MAX + RANGE_BYTES_MAX, "{applying}");
    assert!(world.until(ms(20_000), World::agree).is_some());
}

#[test]
fn a_slow_disk_is_no_reason_to_pull() {
    let mut world = World::settled(3, 24);
    world.nodes.get_mut(&region(2)).unwrap().sync = ms(400);
    overfill(&mut world, 1, 3 * LINK_WINDOW_BYTES_MAX);
    assert!(world.until(ms(10_000), World::agree).is_some());
    assert_eq!(world.pulls, 0);
    assert!(world.carried.values().all(|times| *times == 1));
}
