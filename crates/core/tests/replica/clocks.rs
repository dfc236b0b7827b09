//! Clocks that are off: what is judged of the own one, and what follows.

use halcyon_core::{Alarm, ClockStatus};
use halcyon_crdt::Object;
use halcyon_types::limits::SILENT_AFTER;
use halcyon_types::{Seq, VersionVector};
use halcyon_wire::{AskRights, Body, Outcome, PeerMessage, Refusal, Seen, Session, TransactionId, Write};

use crate::world::{World, keyspace, ms, region};

const HOUR: i64 = 3_600_000;

/// The first region's clock is set by so much, and all have heard of it.
fn stepped(nodes: u64, seed: u64, by_ms: i64) -> World {
    let mut world = World::settled(nodes, seed);
    set(&mut world, 1, by_ms);
    world
}

fn set(world: &mut World, n: u64, ahead_ms: i64) {
    world.ahead_ms.insert(region(n), ahead_ms);
    world.run(ms(500));
}

fn clock(world: &World, n: u64) -> ClockStatus {
    world.node(n).replica.status(world.clock_of(region(n))).clock
}

/// What a write comes to.
fn written(world: &mut World, n: u64) -> Result<(), Refusal> {
    world.write(n);
    world.run(ms(50));
    let (_, reply) = world.node(n).replies.last().expect("an answer");
    reply.result.clone().map(|outcome| assert!(matches!(outcome, Outcome::Written(_))))
}

fn skew_alarms(world: &World, n: u64) -> Vec<(i64, usize, bool)> {
    let alarms = world.node(n).alarms.iter().map(|alarm| match alarm {
        Alarm::ClockSkew { off_ms, clocks, refuses } => (*off_ms, *clocks, *refuses),
        other => panic!("{other}"),
    });
    alarms.collect()
}

/// Whether it is this, give or take what half a round trip hides.
fn about(off_ms: i64, truth_ms: i64) -> bool {
    off_ms.abs_diff(truth_ms) <= 15
}

#[test]
fn a_node_whose_clock_is_off_refuses_writes_until_it_is_set_and_the_others_go_on() {
    for by_ms in [HOUR, -HOUR] {
        let mut world = stepped(3, 1, by_ms);
        let Err(Refusal::ClockSkew { off_ms, clocks: 3 }) = written(&mut world, 1) else { panic!("{by_ms}") };
        assert!(about(off_ms, by_ms), "{off_ms}");
        let ClockStatus { off_ms: Some(off_ms), clocks: 3, refuses: true, test: false } = clock(&world, 1) else {
            panic!("{:?}", clock(&world, 1));
        };
        assert!(about(off_ms, by_ms), "{off_ms}");
        assert_eq!((written(&mut world, 2), written(&mut world, 3)), (Ok(()), Ok(())));
        assert!(!clock(&world, 2).refuses && skew_alarms(&world, 2).is_empty(), "theirs are right");
        let [(alarmed, 3, true)] = skew_alarms(&world, 1)[..] else { panic!("{:?}", skew_alarms(&world, 1)) };
        assert!(about(alarmed, by_ms));
        world.run(ms(5000));
        assert_eq!(skew_alarms(&world, 1).len(), 1, "told once");
        set(&mut world, 1, 0);
        assert_eq!(written(&mut world, 1), Ok(()));
        set(&mut world, 1, by_ms);
        assert_eq!(skew_alarms(&world, 1).len(), 2, "a new onset");
    }
}

#[test]
fn reads_transactions_records_and_rights_go_on_where_writes_are_refused() {
    let mut world = stepped(3, 2, -HOUR);
    let (session, seen) = (Session::default(), world.node(2).disk.vv.clone());
    let object = Object::new(keyspace(), "k");
    let query = halcyon_crdt::Query::Get;
    world.ask(1, 1, Body::Read { session: session.clone(), within: None, object: object.clone(), query });
    assert_eq!(world.node(1).reads.len(), 1);
    world.ask(1, 2, Body::Begin { session });
    let Ok(Outcome::Begun { transaction, .. }) = world.node(1).replies.last().unwrap().1.result else { panic!() };
    commit(&mut world, transaction);
    assert_eq!(world.node(1).replica.status(world.clock_of(region(1))).transactions, 0, "with its commit it has ended");
    written(&mut world, 2).unwrap();
    assert_ne!(world.node(1).disk.vv, seen, "the others' records are applied");
    let (now, ask) = (world.clock_of(region(1)), AskRights { counter: object, amount: 5 });
    world.background(true);
    let replica = &mut world.nodes.get_mut(&region(1)).unwrap().replica;
    replica.handle_peer(now, region(2), PeerMessage::AskRights(ask)).unwrap();
    world.pump(region(1));
    world.run(ms(50));
    assert_eq!(world.node(1).disk.grants.len(), 1, "rights know no time");
    assert!(world.agree());
}

fn commit(world: &mut World, transaction: TransactionId) {
    let seen = Seen::Transaction { transaction, checks: Vec::new() };
    world.ask(1, 3, Body::Write(Write { seen, ..crate::repair::write() }));
    let refused = world.node(1).replies.last().unwrap();
    assert!(matches!(refused.1.result, Err(Refusal::ClockSkew { .. })), "{refused:?}");
}

#[test]
fn a_write_that_waited_for_its_session_is_judged_when_its_turn_comes() {
    let mut world = World::settled(3, 3);
    let token: VersionVector = [(world.node(2).disk.actor, Seq(1))].into_iter().collect();
    let session = Session { token, wait_ms: 5_000 };
    world.ask(1, 7, Body::Write(Write { session, ..crate::repair::write() }));
    set(&mut world, 1, HOUR);
    assert!(world.node(1).replies.is_empty());
    written(&mut world, 2).unwrap();
    let [(_, reply)] = &world.node(1).replies[..] else { panic!() };
    assert!(matches!(reply.result, Err(Refusal::ClockSkew { .. })), "{reply:?}");
}

#[test]
fn two_clocks_raise_an_alarm_and_refuse_nothing() {
    let mut world = stepped(2, 4, HOUR);
    assert_eq!((written(&mut world, 1), written(&mut world, 2)), (Ok(()), Ok(())));
    for (n, off) in [(1, HOUR), (2, -HOUR)] {
        let [(off_ms, 2, false)] = skew_alarms(&world, n)[..] else { panic!("{:?}", skew_alarms(&world, n)) };
        assert!(about(off_ms, off), "{off_ms}");
    }
}

#[test]
fn a_clock_that_is_not_heard_is_no_judge() {
    let mut world = World::settled(3, 5);
    world.cut(3, 1);
    world.run(SILENT_AFTER * 2);
    set(&mut world, 1, HOUR);
    assert_eq!(written(&mut world, 1), Ok(()), "two clocks are left");
    assert!(matches!(skew_alarms(&world, 1)[..], [(_, 2, false)]));
    world.heal();
    world.run(ms(500));
    assert!(matches!(written(&mut world, 1), Err(Refusal::ClockSkew { .. })));
    // Alone it has nobody to ask, but what was wrong is still wrong.
    world.cut(2, 1);
    world.cut(3, 1);
    world.run(SILENT_AFTER * 2);
    assert!(matches!(written(&mut world, 1), Err(Refusal::ClockSkew { clocks: 1, .. })));
    set(&mut world, 1, 0);
    assert_eq!(written(&mut world, 1), Ok(()), "and what was set right is right");
}

#[test]
fn what_half_a_round_trip_may_hide_is_held_against_nobody() {
    let mut world = World::new(3, 6);
    for n in [2, 3] {
        world.link(n, 1).delay = ms(2_000);
    }
    world.run(ms(20_000));
    assert_eq!((clock(&world, 1).refuses, clock(&world, 1).clocks), (false, 3), "one way takes two seconds longer");
    assert_eq!(written(&mut world, 1), Ok(()));
    set(&mut world, 1, HOUR);
    world.run(ms(5_000));
    assert!(matches!(written(&mut world, 1), Err(Refusal::ClockSkew { .. })));
}

#[test]
fn a_test_clock_is_told_to_nobody_and_nobodys_is_held_against_it() {
    let mut world = World::settled(3, 7);
    let test = |world: &mut World, n, on, ahead_ms| {
        world.nodes.get_mut(&region(n)).unwrap().replica.set_test_clock(on);
        set(world, n, ahead_ms);
    };
    test(&mut world, 1, true, HOUR);
    assert_eq!(clock(&world, 1), ClockStatus { off_ms: None, clocks: 1, refuses: false, test: true });
    assert_eq!((written(&mut world, 1), clock(&world, 2).clocks), (Ok(()), 2));
    test(&mut world, 2, true, -HOUR);
    assert_eq!((written(&mut world, 2), written(&mut world, 3)), (Ok(()), Ok(())));
    test(&mut world, 1, false, 0);
    test(&mut world, 2, false, 0);
    for n in 1..=3 {
        assert!(skew_alarms(&world, n).is_empty(), "{:?}", skew_alarms(&world, n));
        assert_eq!((clock(&world, n).clocks, clock(&world, n).test), (3, false));
    }
    set(&mut world, 1, HOUR);
    assert!(matches!(written(&mut world, 1), Err(Refusal::ClockSkew { .. })), "and the real one is judged again");
}
