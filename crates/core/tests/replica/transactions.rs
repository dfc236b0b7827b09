//! Transactions: open from begin to commit, on one connection, for a bounded time, in a bounded number.

use halcyon_core::{Command, SessionId};
use halcyon_crdt::{Object, Query};
use halcyon_types::limits::{CHECKS_MAX, CONNECTION_TRANSACTIONS_MAX, TRANSACTION_AGE_MAX};
use halcyon_types::{RequestId, Seq, VersionVector};
use halcyon_wire::{Body, Check, Outcome, Refusal, Request, Seen, Session, TransactionId, Within, Write};

use crate::world::{BASE, World, keyspace, ms, region};

const NOW: Session = Session { token: VersionVector::new(), wait_ms: 0 };

fn object() -> Object {
    Object::new(keyspace(), "k")
}

fn read(transaction: TransactionId) -> Body {
    let within = Within { transaction, updates: Vec::new() };
    Body::Read { session: NOW, within: Some(within), object: object(), query: Query::Get }
}

fn commit(transaction: TransactionId, session: Session) -> Body {
    let op = halcyon_crdt::Op::Enable;
    let updates = vec![halcyon_crdt::Update { object: object(), op }];
    let seen = Seen::Transaction { transaction, checks: Vec::new() };
    Body::Write(Write { request: RequestId::mint(BASE, &[0; 10]), session, seen, updates })
}

/// Begins a transaction at `n`.
fn begin(world: &mut World, n: u64) -> TransactionId {
    world.ask(n, 1, Body::Begin { session: NOW });
    match world.node(n).replies.last().map(|(_, reply)| &reply.result) {
        Some(Ok(Outcome::Begun { transaction, .. })) => *transaction,
        other => panic!("{other:?}"),
    }
}

fn last(world: &World) -> &Result<Outcome, Refusal> {
    &world.node(1).replies.last().unwrap().1.result
}

fn is_expired(world: &World, id: TransactionId) -> bool {
    *last(world) == Err(Refusal::TransactionExpired { transaction: id })
}

#[test]
fn a_transaction_is_read_and_committed_once() {
    let mut world = World::settled(1, 1);
    let id = begin(&mut world, 1);
    world.ask(1, 2, read(id));
    assert_eq!(world.node(1).reads.len(), 1);
    world.ask(1, 3, commit(id, NOW));
    world.ask(1, 4, read(id));
    assert!(is_expired(&world, id), "it ended with its commit");
    // A retry goes to the committer without a snapshot: it may have been committed before.
    world.ask(1, 5, commit(id, NOW));
    world.run(ms(5));
    assert_eq!(world.node(1).committed, [Some((SessionId(1), id)), None]);
    assert!(world.node(1).held.is_empty());
    assert_eq!(world.node(1).replica.status(world.clock()).transactions, 0);
}

#[test]
fn a_transaction_begun_and_committed_in_one_breath_finds_its_snapshot() {
    let mut world = World::settled(1, 2);
    let guess = TransactionId(begin(&mut world, 1).0 + 1);
    let now = world.clock();
    let replica = &mut world.nodes.get_mut(&region(1)).unwrap().replica;
    for (id, body) in [(2, Body::Begin { session: NOW }), (3, read(guess)), (4, commit(guess, NOW))] {
        replica.handle_request(now, SessionId(1), Request { id, body });
    }
    // The world asserts that reads and commits name a snapshot that is held.
    world.pump(region(1));
    assert_eq!(world.node(1).committed, [Some((SessionId(1), guess))]);
}

#[test]
fn an_abandoned_transaction_costs_nothing_after_its_age() {
    let mut world = World::settled(1, 3);
    let old = begin(&mut world, 1);
    world.run(TRANSACTION_AGE_MAX / 2);
    let young = begin(&mut world, 1);
    world.run(TRANSACTION_AGE_MAX.saturating_sub(TRANSACTION_AGE_MAX / 2 + ms(1)));
    assert_eq!(world.node(1).held.len(), 2, "not before");
    world.run(ms(2));
    assert_eq!(world.node(1).held.iter().collect::<Vec<_>>(), [&(SessionId(1), young)]);
    world.ask(1, 2, read(old));
    assert!(is_expired(&world, old));
    world.ask(1, 3, commit(old, NOW));
    assert_eq!(world.node(1).committed, [None], "the committer refuses it, or knows it");
    world.run(TRANSACTION_AGE_MAX);
    assert!(world.node(1).held.is_empty());
}

#[test]
fn an_abort_and_the_end_of_a_connection_forget_its_transactions() {
    let mut world = World::settled(1, 4);
    let (first, second) = (begin(&mut world, 1), begin(&mut world, 1));
    for _ in 0..2 {
        world.ask(1, 2, Body::Abort { transaction: first });
        assert_eq!(*last(&world), Ok(Outcome::Ended), "whether or not there was one");
    }
    assert_eq!(world.node(1).held.len(), 1);
    // Another connection has no part in it.
    let now = world.clock();
    let replica = &mut world.nodes.get_mut(&region(1)).unwrap().replica;
    for (id, body) in [(1, read(second)), (2, Body::Abort { transaction: second }), (3, commit(second, NOW))] {
        replica.handle_request(now, SessionId(2), Request { id, body });
    }
    world.pump(region(1));
    assert_eq!((world.node(1).held.len(), &world.node(1).committed[..]), (1, &[None][..]));
    world.nodes.get_mut(&region(1)).unwrap().replica.handle_session_closed(SessionId(1));
    world.pump(region(1));
    assert!(world.node(1).held.is_empty());
}

#[test]
fn open_transactions_of_a_connection_are_bounded() {
    let mut world = World::settled(1, 5);
    for _ in 0..CONNECTION_TRANSACTIONS_MAX {
        begin(&mut world, 1);
    }
    world.ask(1, 1, Body::Begin { session: NOW });
    let Err(Refusal::Overloaded { queue }) = last(&world) else { panic!("{:?}", last(&world)) };
    assert!(queue.contains("connection's table of open transactions"), "{queue}");
    assert_eq!(world.node(1).replica.status(world.clock()).transactions, CONNECTION_TRANSACTIONS_MAX);
}

#[test]
fn begins_writes_and_scans_wait_for_their_session() {
    let mut world = World::settled(2, 6);
    let token: VersionVector = [(world.node(1).disk.actor, Seq(1))].into_iter().collect();
    let session = Session { token, wait_ms: 500 };
    let held = begin(&mut world, 2);
    world.ask(2, 10, Body::Begin { session: session.clone() });
    world.ask(2, 11, commit(held, session.clone()));
    let (beginning, page) = (Vec::new(), halcyon_crdt::PageRequest::default());
    world.ask(2, 12, Body::Scan { session, keyspace: keyspace(), beginning, page });
    world.run(ms(100));
    assert_eq!((world.node(2).replies.len(), world.node(2).reads.len()), (1, 0), "all wait");
    assert!(world.node(2).committed.is_empty());
    world.write(1);
    world.run(ms(100));
    let replied: Vec<_> =
        world.node(2).replies.iter().skip(1).map(|(_, reply)| (reply.id, reply.result.is_ok())).collect();
    assert_eq!(replied, [(10, true), (11, true)]);
    assert_eq!(world.node(2).reads[0].0, 12);
    assert_eq!(world.node(2).committed, [Some((SessionId(1), held))]);
}

#[test]
fn a_commit_that_waited_in_vain_leaves_its_transaction_open() {
    let mut world = World::settled(2, 7);
    let token: VersionVector = [(world.node(1).disk.actor, Seq(9))].into_iter().collect();
    let id = begin(&mut world, 2);
    world.ask(2, 2, commit(id, Session { token, wait_ms: 50 }));
    world.run(ms(60));
    let refused = &world.node(2).replies.last().unwrap().1.result;
    assert!(matches!(refused, Err(Refusal::NotYet { .. })), "{refused:?}");
    world.ask(2, 3, commit(id, NOW));
    assert_eq!(world.node(2).committed, [Some((SessionId(1), id))]);
}

#[test]
fn a_stopping_node_refuses_the_writes_that_wait() {
    let mut world = World::settled(2, 8);
    let token: VersionVector = [(world.node(1).disk.actor, Seq(1))].into_iter().collect();
    let session = Session { token, wait_ms: 5000 };
    let id = begin(&mut world, 2);
    world.ask(2, 2, commit(id, session.clone()));
    world.ask(2, 3, Body::Begin { session: session.clone() });
    world.ask(2, 4, Body::Token { session });
    world.nodes.get_mut(&region(2)).unwrap().replica.stop();
    world.pump(region(2));
    world.ask(2, 5, Body::Begin { session: NOW });
    let refused = world.node(2).replies.iter().filter(|(_, reply)| reply.result == Err(Refusal::Stopping));
    assert_eq!(refused.map(|(_, reply)| reply.id).collect::<Vec<_>>(), [2, 3, 5]);
    world.write(1);
    world.run(ms(50));
    assert!(matches!(world.node(2).replies.last().unwrap().1.result, Ok(Outcome::Token(_))), "reads go on");
    assert!(world.node(2).replica.is_drained());
}

#[test]
fn more_checks_than_the_limit_are_refused() {
    let mut world = World::settled(1, 9);
    let id = begin(&mut world, 1);
    let checks = vec![Check { object: object(), query: Query::Get }; CHECKS_MAX + 1];
    let Body::Write(write) = commit(id, NOW) else { panic!() };
    world.ask(1, 2, Body::Write(Write { seen: Seen::Transaction { transaction: id, checks }, ..write }));
    assert!(matches!(last(&world), Err(Refusal::TooLarge { .. })), "{:?}", last(&world));
    let replica = &mut world.nodes.get_mut(&region(1)).unwrap().replica;
    assert!(!std::iter::from_fn(|| replica.poll_command()).any(|c| matches!(c, Command::Forget { .. })), "still open");
}
