//! Requests: refused at once, or answered once.

use halcyon_core::{Alarm, SessionId};
use halcyon_crdt::{Object, Op, PageRequest, Query, Update};
use halcyon_types::limits::{COMMIT_QUEUE_MAX, SESSION_WAIT_MAX, WAITING_MAX};
use halcyon_types::{Dot, KeyspaceId, RequestId, Seq, VersionVector};
use halcyon_wire::{Body, Check, Outcome, Refusal, Seen, Session, TransactionId, Within, Write};

use crate::world::{BASE, World, keyspace, ms, region};

fn read(token: VersionVector, wait_ms: u32) -> Body {
    let object = Object::new(keyspace(), "k");
    Body::Read { session: Session { token, wait_ms }, within: None, object, query: Query::Get }
}

fn token(world: &World, n: u64, seq: u64) -> VersionVector {
    [(world.node(n).disk.actor, Seq(seq))].into_iter().collect()
}

fn refusals(world: &World, n: u64) -> Vec<Refusal> {
    let replies = world.node(n).replies.iter();
    replies.filter_map(|(_, reply)| reply.result.clone().err()).collect()
}

#[test]
fn a_write_is_answered_once_it_is_synced() {
    let mut world = World::settled(1, 1);
    world.write(1);
    assert!(world.node(1).replies.is_empty(), "not before");
    world.run(ms(2));
    let actor = world.node(1).disk.actor;
    let [(SessionId(1), reply)] = &world.node(1).replies[..] else { panic!() };
    let Ok(Outcome::Written(receipt)) = &reply.result else { panic!("{reply:?}") };
    assert_eq!(receipt.dot, Dot { actor, seq: Seq(1) });
    assert!(receipt.token.covers(receipt.dot));
}

#[test]
fn a_session_read_waits_then_answers_or_says_not_yet() {
    let mut world = World::settled(2, 2);
    let (seen, never) = (token(&world, 1, 1), token(&world, 1, 99));
    world.ask(2, 10, read(VersionVector::new(), 0));
    world.ask(2, 11, read(seen.clone(), 0));
    world.ask(2, 12, read(seen.clone(), 500));
    world.ask(2, 13, Body::Token { session: Session { token: seen, wait_ms: 500 } });
    world.ask(2, 14, read(never.clone(), 300));
    world.ask(2, 15, read(never, u32::MAX));
    let ids = |world: &World| world.node(2).reads.iter().map(|(id, _)| *id).collect::<Vec<_>>();
    assert_eq!(ids(&world), [10]);
    assert_eq!(refusals(&world, 2), [Refusal::NotYet { waited: ms(0) }]);
    world.write(1);
    world.run(ms(20));
    assert_eq!(ids(&world), [10, 12]);
    let told = &world.node(2).replies.last().unwrap().1;
    assert!(told.id == 13 && matches!(told.result, Ok(Outcome::Token(_))));
    world.run(ms(300));
    assert_eq!(refusals(&world, 2).last(), Some(&Refusal::NotYet { waited: ms(300) }));
    world.run(SESSION_WAIT_MAX);
    assert_eq!(refusals(&world, 2).last(), Some(&Refusal::NotYet { waited: SESSION_WAIT_MAX }), "capped");
    assert_eq!(world.node(2).replica.status(world.clock()).waiting, 0);
}

#[test]
fn a_read_waits_for_all_of_its_session() {
    let mut world = World::settled(3, 3);
    let mut both = token(&world, 1, 1);
    both.join(&token(&world, 2, 1));
    world.ask(3, 1, read(both, 5000));
    world.write(1);
    world.run(ms(50));
    assert!(world.node(3).reads.is_empty(), "half of it");
    world.write(2);
    world.run(ms(50));
    assert_eq!(world.node(3).reads.len(), 1);
}

#[test]
fn waiting_reads_are_bounded_and_forgotten_with_their_session() {
    let mut world = World::settled(1, 4);
    let never = token(&world, 1, 99);
    for id in 0..=WAITING_MAX as u64 {
        world.ask(1, id, read(never.clone(), 1000));
    }
    assert!(matches!(refusals(&world, 1)[..], [Refusal::Overloaded { .. }]));
    world.nodes.get_mut(&region(1)).unwrap().replica.handle_session_closed(SessionId(1));
    assert_eq!(world.node(1).replica.status(world.clock()).waiting, 0);
}

#[test]
fn a_write_past_the_queue_limit_is_refused() {
    let mut world = World::settled(1, 5);
    world.nodes.get_mut(&region(1)).unwrap().sync = ms(1000);
    for _ in 0..=COMMIT_QUEUE_MAX {
        world.write(1);
    }
    assert!(matches!(refusals(&world, 1)[..], [Refusal::Overloaded { .. }]));
    world.run(ms(3000));
    assert_eq!(world.node(1).replies.len(), COMMIT_QUEUE_MAX + 1, "each answered once");
    world.write(1);
    world.run(ms(2000));
    assert_eq!(world.node(1).replies.len(), COMMIT_QUEUE_MAX + 2, "and there is room again");
}

#[test]
fn bytes_of_queued_writes_are_bounded() {
    let mut world = World::settled(1, 6);
    world.nodes.get_mut(&region(1)).unwrap().sync = ms(1000);
    let value = 256 * 1024;
    let fit = halcyon_types::limits::COMMIT_QUEUE_BYTES_MAX / (value + 200);
    for _ in 0..fit + 2 {
        world.write_bytes(1, value);
    }
    assert!(!refusals(&world, 1).is_empty() && refusals(&world, 1).len() <= 2);
}

#[test]
fn an_unknown_keyspace_is_refused() {
    let mut world = World::settled(1, 7);
    let id = KeyspaceId::try_from(11).unwrap();
    let object = Object::new(id, "k");
    let (query, session) = (Query::Get, Session::default());
    let updates = vec![Update { object: object.clone(), op: Op::Enable }];
    let within = Within { transaction: TransactionId(1), updates: updates.clone() };
    let checks = vec![Check { object: object.clone(), query: query.clone() }];
    let request = RequestId::mint(BASE, &[0; 10]);
    let write = |seen, updates| Body::Write(Write { request, session: Session::default(), seen, updates });
    let known = Object::new(keyspace(), "k");
    world.ask(1, 1, Body::Read { session: session.clone(), within: None, object, query: query.clone() });
    let read = Body::Read { session: session.clone(), within: Some(within), object: known, query };
    world.ask(1, 2, read);
    world.ask(1, 3, write(Seen::Present, updates));
    world.ask(1, 4, write(Seen::Transaction { transaction: TransactionId(1), checks }, Vec::new()));
    let (beginning, page) = (Vec::new(), PageRequest::default());
    world.ask(1, 5, Body::Scan { session, keyspace: id, beginning, page });
    assert_eq!(refusals(&world, 1), vec![Refusal::UnknownKeyspace { id }; 5]);
}

#[test]
fn a_stopping_node_finishes_what_it_took_and_takes_no_more() {
    let mut world = World::settled(1, 8);
    world.write(1);
    world.nodes.get_mut(&region(1)).unwrap().replica.stop();
    world.write(1);
    assert_eq!(refusals(&world, 1), [Refusal::Stopping]);
    assert!(!world.node(1).replica.is_drained());
    world.run(ms(5));
    assert!(world.node(1).replica.is_drained());
    assert_eq!(world.node(1).replies.len(), 2);
    assert_eq!(world.node(1).alarms, Vec::<Alarm>::new());
}
