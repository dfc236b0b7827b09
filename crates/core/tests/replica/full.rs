//! Full logs: nothing new is taken until there is room; all else goes on.

use halcyon_core::{Alarm, SessionId};
use halcyon_types::limits::{LOG_SLACK, SWEEP_EVERY, TRUNCATE_EVERY};
use halcyon_types::{Dot, Seq};
use halcyon_wire::{Body, Outcome, PeerMessage, Refusal, Response, Session};

use crate::world::{RECORD_BYTES, World, ms, region};

const RECORDS_MAX: u64 = 2 * LOG_SLACK;

/// Region 3 is away, and the logs of the others are full of what it lacks.
fn full(seed: u64) -> World {
    let mut world = World::settled(3, seed);
    for n in 1..=2 {
        world.replace(n, |disk| disk.log_bytes_max = RECORDS_MAX * RECORD_BYTES);
    }
    world.run(ms(500));
    world.sever(1, 3);
    world.sever(2, 3);
    (0..=RECORDS_MAX).for_each(|_| world.write(1));
    world.run(TRUNCATE_EVERY * 2);
    world.nodes.values_mut().for_each(|node| node.replies.clear());
    world
}

/// What the last write there came to.
fn outcome(world: &mut World, n: u64) -> Result<Outcome, Refusal> {
    world.write(n);
    world.run(ms(50));
    let (session, Response { result, .. }) = world.nodes.get_mut(&region(n)).unwrap().replies.pop().unwrap();
    assert_eq!(session, SessionId(1));
    result
}

#[test]
fn a_write_is_refused_with_who_is_missed_and_nothing_of_it_happens() {
    let mut world = full(1);
    let before = world.node(1).disk.vv.clone();
    let bytes = (RECORDS_MAX + 1) * RECORD_BYTES;
    let refusal = Refusal::LogFull { bytes, bytes_max: RECORDS_MAX * RECORD_BYTES, lacking: vec![region(3)] };
    assert_eq!(outcome(&mut world, 1), Err(refusal.clone()));
    assert_eq!(outcome(&mut world, 2), Err(refusal), "its logs are as large");
    assert_eq!(world.node(1).disk.vv, before);
    assert!(world.node(1).replica.status(world.clock()).logs.full);
}

#[test]
fn the_operator_is_told_once_each_time_that_it_begins() {
    let mut world = full(2);
    world.run(TRUNCATE_EVERY * 9);
    let full = |world: &World| {
        let alarms = world.node(1).alarms.iter();
        alarms.filter(|alarm| matches!(alarm, Alarm::LogFull { lacking, .. } if *lacking == [region(3)])).count()
    };
    assert_eq!(full(&world), 1);
    world.heal();
    world.run(ms(20_000));
    world.sever(1, 3);
    world.sever(2, 3);
    (0..=RECORDS_MAX).for_each(|_| world.write(1));
    world.run(TRUNCATE_EVERY * 9);
    assert_eq!(full(&world), 2);
}

#[test]
fn reads_and_transactions_that_only_read_go_on() {
    let mut world = full(3);
    world.ask(1, 7, Body::Begin { session: Session::default() });
    world.ask(1, 8, Body::Token { session: Session::default() });
    let answers = &world.node(1).replies;
    assert!(matches!(&answers[0].1.result, Ok(Outcome::Begun { .. })), "{answers:?}");
    assert!(matches!(&answers[1].1.result, Ok(Outcome::Token(_))));
}

#[test]
fn what_others_write_is_applied_all_the_same() {
    let mut world = full(4);
    world.replace(2, |disk| disk.log_bytes_max = u64::MAX);
    world.run(ms(2000));
    assert!(outcome(&mut world, 2).is_ok(), "there it is not limited");
    world.run(ms(500));
    assert_eq!(world.node(1).disk.vv, world.node(2).disk.vv);
    assert!(world.node(1).replica.is_log_full());
}

#[test]
fn once_all_have_caught_up_writes_are_taken_again() {
    let mut world = full(5);
    world.heal();
    world.until(ms(20_000), |world| !world.node(1).replica.is_log_full()).expect("there is room");
    assert!(outcome(&mut world, 1).is_ok());
    let first = Dot { actor: world.node(1).disk.actor, seq: Seq(RECORDS_MAX + 2) };
    assert!(world.node(1).disk.vv.covers(first));
}

#[test]
fn a_little_room_is_none() {
    let mut world = full(6);
    // The limit is met again, but not by the slack.
    let disk = &mut world.nodes.get_mut(&region(1)).unwrap().disk;
    let gone = disk.logs.values_mut().next().unwrap().drain(..2).last().unwrap();
    disk.floors.set(disk.actor, gone.seq);
    world.run(TRUNCATE_EVERY * 3);
    assert!(matches!(outcome(&mut world, 1), Err(Refusal::LogFull { .. })));
}

#[test]
fn nothing_is_granted_and_no_key_is_swept() {
    let mut world = full(7);
    world.background(true);
    let counter = halcyon_crdt::Object::new(crate::world::keyspace(), "stock");
    let ask = PeerMessage::AskRights(halcyon_wire::AskRights { counter, amount: 3 });
    world.transmit((region(2), region(1)), &ask);
    world.nodes.get_mut(&region(1)).unwrap().disk.sweeps.clear();
    world.run(SWEEP_EVERY * 3);
    let disk = &world.node(1).disk;
    assert!(disk.grants.is_empty());
    assert!(disk.sweeps.iter().all(|(_, keys)| !keys), "{:?}", disk.sweeps);
    world.heal();
    world.run(ms(20_000));
    world.transmit((region(2), region(1)), &ask);
    world.run(ms(500));
    assert_eq!(world.node(1).disk.grants.len(), 1);
    assert!(world.node(1).disk.sweeps.iter().any(|(_, keys)| *keys), "1 is the lowest that lives");
}
