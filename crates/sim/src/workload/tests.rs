//! The workload by itself: what is drawn, and what clients do without a world.

use std::collections::BTreeSet;
use std::time::Duration;

use halcyon_crdt::Answer;
use halcyon_types::{RegionId, RequestId, VersionVector};
use halcyon_wire::{Body, Outcome, Refusal, Response, Seen, TransactionId};

use super::{Action, Ask, ClientId, Clients, Does, End, Retry, Tie, Turn, draw};
use crate::dice::Dice;
use crate::scenario::{Command, Query};

fn region(nth: u64) -> RegionId {
    RegionId::try_from(nth).unwrap()
}

fn command(words: &str) -> Command {
    Command::parse(&words.split(' ').collect::<Vec<_>>()).unwrap()
}

fn query(words: &str) -> Query {
    Query::parse(&words.split(' ').collect::<Vec<_>>()).unwrap()
}

fn action(does: Does, retry: Retry) -> Action {
    Action { client: ClientId(1), region: region(1), does, retry }
}

fn asks(clients: &mut Clients) -> Vec<Ask> {
    std::iter::from_fn(|| clients.poll_ask()).collect()
}

fn only(clients: &mut Clients) -> Ask {
    let mut asks = asks(clients);
    assert_eq!(asks.len(), 1, "{asks:?}");
    asks.remove(0)
}

fn name(ask: &Ask) -> RequestId {
    let Body::Write(write) = &ask.request.body else { panic!("{ask:?}") };
    write.request
}

fn answer(clients: &mut Clients, ask: &Ask, result: Result<Outcome, Refusal>) {
    clients.handle_response(MS * 3, ask.client, Response { id: ask.request.id, result });
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_seed_draws_the_same_twice_in_lines_in_order_of_time() {
    for seed in 0..20 {
        let drawn = draw(&mut Dice::new(seed), 300, 3);
        assert_eq!(drawn, draw(&mut Dice::new(seed), 300, 3));
        assert!(drawn.len() >= 300 && drawn.is_sorted_by_key(|(at, _)| *at));
        assert!(drawn.iter().all(|(_, action)| !action.to_string().contains('\n')));
        assert!(drawn.iter().all(|(_, action)| (1..=3).contains(&action.region.get())));
    }
}

#[test]
fn every_operation_and_every_question_is_drawn() {
    let (mut ops, mut questions) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..40 {
        for (_, action) in draw(&mut Dice::new(seed), 500, 4) {
            match action.does {
                Does::Write { commands, .. } | Does::Burst(commands) => {
                    ops.extend(commands.iter().map(|command| command.op.word()));
                }
                Does::Read { query, .. } => {
                    _ = questions.insert(format!("{:?}", query.kind).split([' ', '(']).next().map(str::to_owned));
                }
                _ => {}
            }
        }
    }
    for op in [
        "set",
        "unset",
        "mvset",
        "incr",
        "reset",
        "enable",
        "disable",
        "sadd",
        "srem",
        "zadd",
        "zincr",
        "zrem",
        "lpush",
        "rpush",
        "linsafter",
        "linsbefore",
        "linsat",
        "lset",
        "lset-at",
        "lrem",
        "lrem-at",
        "lmove",
        "lmove-at",
        "pfadd",
        "binc",
        "bdec",
        "bgive",
        "expire",
        "persist",
        "clear",
        "del",
    ] {
        assert!(ops.contains(op), "{op} is never drawn");
    }
    assert_eq!(questions.len(), 18, "{questions:?}");
}

#[test]
fn a_write_that_is_not_answered_is_asked_again_elsewhere_under_its_name() {
    let mut clients = Clients::new(1, 2);
    let does = Does::Write { commands: vec![command("incr k 1")], tie: Tie::Free };
    let retry = Retry { patience: MS * 10, asks: 2, elsewhere: true };
    clients.handle_action(Duration::ZERO, &action(does, retry));
    let first = only(&mut clients);
    assert_eq!(clients.poll_timeout(), Some(MS * 10));
    clients.handle_timeout(MS * 10);
    let second = only(&mut clients);
    assert_eq!((first.region, second.region), (region(1), region(2)));
    assert_eq!(name(&first), name(&second));
    assert_ne!(first.request.id, second.request.id);
    clients.handle_timeout(MS * 1000);
    assert!(asks(&mut clients).is_empty() && clients.is_idle(), "twice is all");
}

#[test]
fn what_a_client_was_told_goes_with_what_it_asks_next() {
    let mut clients = Clients::new(1, 2);
    let tied = || Does::Token { tied: true };
    clients.handle_action(Duration::ZERO, &action(tied(), Retry::default()));
    let first = only(&mut clients);
    let token: VersionVector = [(halcyon_types::ActorId::from_u64(1), halcyon_types::Seq(4))].into_iter().collect();
    answer(&mut clients, &first, Ok(Outcome::Token(token.clone())));
    clients.handle_action(MS, &action(tied(), Retry::default()));
    let Body::Token { session } = only(&mut clients).request.body else { panic!() };
    assert_eq!(session.token, token);
}

#[test]
fn a_transaction_reads_behind_its_buffer_and_its_lost_commit_is_asked_after() {
    let mut clients = Clients::new(1, 2);
    let does = Does::Transaction {
        turns: vec![Turn::Write(command("incr k 1")), Turn::Read(query("counter k")), Turn::Write(command("incr l 1"))],
        tied: false,
        thinks: MS,
        end: End::CommitChecked,
    };
    clients.handle_action(Duration::ZERO, &action(does, Retry::default()));
    let begin = only(&mut clients);
    let transaction = TransactionId(7);
    answer(&mut clients, &begin, Ok(Outcome::Begun { transaction, token: VersionVector::new() }));
    let read = only(&mut clients);
    let Body::Read { within: Some(within), .. } = &read.request.body else { panic!("{read:?}") };
    assert_eq!((within.transaction, within.updates.len()), (transaction, 1));
    answer(&mut clients, &read, Ok(Outcome::Answer(Answer::Sum(Some(1)))));
    assert!(asks(&mut clients).is_empty(), "it thinks");
    clients.handle_timeout(MS * 4);
    let commit = only(&mut clients);
    let seen =
        |ask: &Ask| if let Body::Write(write) = &ask.request.body { write.seen.clone() } else { panic!("{ask:?}") };
    let Seen::Transaction { transaction: of, checks } = seen(&commit) else { panic!() };
    assert_eq!((of, checks.len()), (transaction, 1));
    clients.handle_disconnected(MS * 5, ClientId(1));
    let again = clients.poll_timeout().unwrap();
    clients.handle_timeout(again);
    let asked_after = only(&mut clients);
    assert_eq!(name(&asked_after), name(&commit));
    assert!(matches!(seen(&asked_after), Seen::Transaction { transaction: TransactionId(u64::MAX), .. }));
    answer(&mut clients, &asked_after, Err(Refusal::TransactionExpired { transaction: TransactionId(u64::MAX) }));
    assert!(clients.is_idle());
}
