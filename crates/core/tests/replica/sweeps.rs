//! Sweeping: up to a time that every member has passed, by one region, one step at a time.

use halcyon_core::{Command, Job, LinkEvent, Replica};
use halcyon_types::limits::{HEARTBEAT_EVERY, SILENT_AFTER, START_PATIENCE, SWEEP_EVERY};
use halcyon_types::{ActorId, Now, UnixMs};
use halcyon_wire::PeerMessage;

use crate::world::{BASE, Disk, Loses, World, config, ms, region};

/// The sweeps of a node since it was last asked.
fn sweeps(world: &mut World, n: u64) -> Vec<(UnixMs, bool)> {
    std::mem::take(&mut world.nodes.get_mut(&region(n)).unwrap().disk.sweeps)
}

#[test]
fn an_idle_cluster_sweeps_up_to_what_every_clock_has_passed() {
    let mut world = World::settled(3, 1);
    world.background(true);
    world.run(SWEEP_EVERY * 3 + ms(50));
    for n in 1..=3 {
        let done = sweeps(&mut world, n);
        assert_eq!(done.len(), 3, "one each second: {done:?}");
        assert!(done.iter().all(|(upto, keys)| *upto <= world.clock().wall && *keys == (n == 1)), "{done:?}");
        let (upto, _) = done[2];
        assert!(upto.plus(HEARTBEAT_EVERY * 3 + ms(50)) >= world.clock().wall, "lately: {upto:?}");
    }
}

#[test]
fn nothing_is_swept_before_every_member_has_been_heard() {
    let mut world = World::new(3, 2);
    world.background(true);
    world.cut(3, 1);
    world.run(SWEEP_EVERY * 3);
    assert!(sweeps(&mut world, 1).is_empty());
    assert!(!sweeps(&mut world, 2).is_empty(), "2 has heard everybody");
}

#[test]
fn a_member_that_is_gone_holds_the_sweep_where_it_was() {
    let mut world = World::settled(3, 3);
    world.background(true);
    let cut = world.clock().wall;
    world.cut(3, 1);
    world.run(SWEEP_EVERY * 4);
    assert!(sweeps(&mut world, 1).iter().all(|(upto, _)| *upto <= cut));
}

#[test]
fn a_sweep_waits_for_records_that_have_not_been_applied() {
    let mut world = World::settled(2, 4);
    world.background(true);
    world.run(SWEEP_EVERY * 2);
    sweeps(&mut world, 1);
    // 2 goes on saying how late it is, but a record of it is missing here.
    world.link(2, 1).loses = Loses::Records;
    let wrote = world.clock().wall;
    world.write(2);
    world.run(SWEEP_EVERY * 4);
    assert!(sweeps(&mut world, 1).iter().all(|(upto, _)| *upto <= wrote), "a stamp behind its gate");
    world.link(2, 1).loses = Loses::Nothing;
    world.run(SWEEP_EVERY * 4);
    assert!(sweeps(&mut world, 1).iter().any(|(upto, _)| *upto > wrote));
}

#[test]
fn keys_are_swept_by_the_lowest_region_that_lives() {
    let mut world = World::settled(3, 5);
    world.background(true);
    for other in [2, 3] {
        world.sever(1, other);
    }
    world.run(SILENT_AFTER + SWEEP_EVERY * 2);
    assert!(sweeps(&mut world, 2).last().is_some_and(|(_, keys)| *keys), "1 is gone");
    assert!(sweeps(&mut world, 3).iter().all(|(_, keys)| !keys));
}

#[test]
fn a_sweep_that_found_something_is_followed_at_once() {
    let mut world = World::settled(2, 6);
    world.background(true);
    world.nodes.get_mut(&region(1)).unwrap().disk.to_sweep = 5;
    world.run(SWEEP_EVERY + ms(200));
    assert_eq!(world.node(1).disk.to_sweep, 0);
    assert_eq!(world.node(1).replica.status(world.clock()).swept, 5);
    assert_eq!(sweeps(&mut world, 1).len(), 6, "and by one that found nothing");
    assert!(world.until(ms(1000), World::agree).is_some());
}

#[test]
fn one_sweep_at_a_time_is_with_the_committer() {
    let mut world = World::settled(1, 7);
    world.nodes.get_mut(&region(1)).unwrap().sync = ms(5000);
    world.background(true);
    world.run(SWEEP_EVERY * 4);
    let node = world.node(1);
    let out = node.jobs.iter().chain(&node.group).filter(|job| matches!(job, Job::Sweep { .. })).count();
    assert_eq!(out, 1);
    world.background(false);
    world.background(true);
    world.run(SWEEP_EVERY * 20);
    assert!(sweeps(&mut world, 1).len() >= 2, "they go on");
    world.background(false);
    world.run(SWEEP_EVERY * 10);
    sweeps(&mut world, 1);
    world.run(SWEEP_EVERY * 10);
    assert!(sweeps(&mut world, 1).is_empty(), "off is off");
}

/// A new node that has waited long enough for the other, and has come to `now`.
fn begun(now: Now) -> Replica {
    let disk = Disk::new(ActorId::mint(region(1), UnixMs(1)));
    let began = Now { mono: now.mono.saturating_sub(START_PATIENCE), ..now };
    let mut replica = Replica::new(config(region(1), &[region(1), region(2)], 0), disk.start(), began);
    replica.handle_timeout(now);
    // It has looked at its logs meanwhile.
    while replica.poll_job().is_some() {}
    replica
}

#[test]
fn a_clock_set_back_does_not_break_the_word_given() {
    let at = |mono: u64, wall: u64| Now { mono: ms(mono), wall: BASE.plus(ms(wall)) };
    let mut replica = begun(at(2000, 5000));
    replica.handle_link(at(2001, 5001), region(2), LinkEvent::OutUp);
    let told = std::iter::from_fn(|| replica.poll_command()).find_map(|command| match command {
        Command::Send { message: PeerMessage::Heartbeat(beat), .. } => Some(beat.hlc.wall()),
        _ => None,
    });
    assert_eq!(told, Some(at(2001, 5001).wall));
    let body = halcyon_wire::Body::Write(crate::repair::write());
    replica.handle_request(at(2002, 10), halcyon_core::SessionId(1), halcyon_wire::Request { id: 1, body });
    let Some(Job::Write { wall, .. }) = replica.poll_job() else { panic!("a job") };
    assert_eq!(Some(wall), told);
}

#[test]
fn what_has_ended_for_a_reader_has_ended_for_all_who_come_after() {
    let at = |mono: u64, wall: u64| Now { mono: ms(mono), wall: BASE.plus(ms(wall)) };
    let mut replica = begun(at(2000, 5000));
    let read = replica.reading_time(at(2001, 5001));
    assert_eq!(read, at(2001, 5001).wall);
    assert_eq!(replica.reading_time(at(2002, 10)), read, "the clock was set back");
    let body = halcyon_wire::Body::Write(crate::repair::write());
    replica.handle_request(at(2002, 10), halcyon_core::SessionId(1), halcyon_wire::Request { id: 1, body });
    let Some(Job::Write { wall, .. }) = replica.poll_job() else { panic!("a job") };
    assert_eq!(wall, read, "a write must not take for living what was read as ended");
    // What others were told counts for readers too: it may be swept by now.
    replica.handle_link(at(2003, 9000), region(2), LinkEvent::OutUp);
    while replica.poll_command().is_some() {}
    assert!(replica.reading_time(at(2004, 20)) >= read);
}
