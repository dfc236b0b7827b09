//! Records and refusals that no request explains.

use halcyon_crdt::{Effect, Escrow, Kind, Number, Update};
use halcyon_wire::Session;

use super::*;
use crate::invariant::exchange::fixture::{actor, hlc, record, region, request, vv};
use crate::scenario::Command;
use crate::workload::words::{dialect, letter_of};

fn parse(words: &str) -> Command {
    Command::parse(&words.split(' ').collect::<Vec<_>>()).unwrap()
}

fn updates(words: &str) -> Vec<Update> {
    dialect().updates(&parse(words)).unwrap()
}

fn write(n: u8, words: &str) -> Write {
    Write { request: request(n), session: Session::default(), seen: Seen::Present, updates: updates(words) }
}

/// Knows of requests 1, 2… that say so.
fn meanings(asked: &[&str]) -> Meanings {
    let meanings = Meanings::new(Shared::default());
    {
        let mut told = meanings.told.borrow_mut();
        for (n, words) in (1..).zip(asked) {
            let asked = halcyon_wire::Request { id: u64::from(n), body: Body::Write(write(n, words)) };
            told.hear(&Observation::Heard { client: ClientId(1), region: region(1), request: &asked });
        }
        told.actors = [1, 2].map(|nth| (letter_of(region(nth)), actor(nth))).into();
    }
    meanings
}

fn made(seq: u64, n: u8) -> Record {
    Record { request: Some(request(n)), ..record(1, seq, &[]).0 }
}

#[test]
fn a_record_that_nobody_asked_for_is_noticed() {
    let mut meanings = meanings(&["incr k 1"]);
    assert_eq!(meanings.made(&made(1, 1)), Ok(()));
    assert!(meanings.made(&made(2, 2)).is_err());
    let effect = Effect::Inc {
        counter: dialect().object(&crate::scenario::ObjectRef::key("k")).counter(),
        prev_seq: Seq(1),
        before: Number::Whole(0),
        after: Number::Whole(1),
    };
    assert!(meanings.made(&Record { effects: vec![effect], ..record(1, 2, &[]).0 }).is_err());
}

#[test]
fn a_record_that_had_to_be_refused_and_one_of_another_context_are_noticed() {
    let mut meanings = meanings(&["binc k 5", "bdec k 6", "bdec k 5", "bdec k 5"]);
    assert_eq!(meanings.made(&made(1, 1)), Ok(()));
    assert!(meanings.made(&made(2, 2)).is_err(), "more than there is");
    assert!(meanings.made(&Record { ctx: Some(vv(&[])), ..made(2, 3) }).is_err(), "it saw all");
    assert_eq!(meanings.made(&made(2, 3)), Ok(()));
    assert!(meanings.made(&made(3, 4)).is_err(), "all is spent");
}

#[test]
fn a_grant_of_more_than_half_is_noticed() {
    let generations = dialect().object(&crate::scenario::ObjectRef::key("k")).of_kind(Kind::BoundedCounter);
    let grant = |amount| {
        let escrow = Escrow { granted: [(actor(1), 6), (actor(2), amount)].into(), used: 0 };
        let generation = Some(made(1, 1).dot);
        let effects = vec![Effect::Hold { generations: generations.clone(), generation, escrow }];
        Record { effects, ..record(1, 2, &[]).0 }
    };
    let mut meanings = meanings(&["binc k 6"]);
    meanings.made(&made(1, 1)).unwrap();
    assert!(meanings.made(&grant(4)).is_err());
    assert_eq!(meanings.made(&grant(3)), Ok(()));
}

#[test]
fn a_sweep_of_what_lives_is_noticed() {
    let below = dialect().object(&crate::scenario::ObjectRef::key("k")).below();
    let sweep = |ms| {
        let effects = vec![Effect::Clear { prefix: below.clone(), intervals: Vec::new() }];
        Record { effects, hlc: hlc(ms), ..record(1, 3, &[]).0 }
    };
    let mut meanings = meanings(&["incr k 1", "expire k 100"]);
    meanings.made(&made(1, 1)).unwrap();
    meanings.made(&made(2, 2)).unwrap();
    assert!(meanings.made(&sweep(101)).is_err(), "stamped at 2, it ends at 102");
    assert_eq!(meanings.made(&sweep(102)), Ok(()));
}

#[test]
fn a_refusal_where_there_was_no_reason_is_noticed() {
    let refuse = |words: &str| {
        let mut meanings = meanings(&["binc k 5"]);
        meanings.made(&made(1, 1)).unwrap();
        meanings.moments.insert(region(1), [vv(&[]), vv(&[(1, 1)])].map(|live| (actor(1), live)).to_vec());
        meanings.heard.insert((ClientId(1), 9), 1);
        let refusal = Refusal::NoSuchElement { reason: String::new() };
        let open = Open { region: region(1), body: Body::Write(write(9, words)) };
        meanings.refused(&open, (ClientId(1), 9), &refusal, UnixMs(1_800_000_000_009))
    };
    assert_eq!(refuse("lrem-at k 0"), Ok(()));
    assert!(refuse("incr k 1").is_err());
    assert!(refuse("bdec k 6").is_err(), "for another reason");
}

#[test]
fn a_commit_over_what_has_changed_is_noticed() {
    let commit = |then: &[(u64, u64)]| {
        let mut meanings = meanings(&["set k v", "set l w"]);
        meanings.made(&made(1, 1)).unwrap();
        let query = crate::scenario::Query::parse(&["get", "k"]).unwrap();
        let (object, question) = dialect().question(&query);
        let checks = vec![halcyon_wire::Check { object, query: question }];
        {
            let mut told = meanings.told.borrow_mut();
            let transaction = halcyon_wire::TransactionId(7);
            told.begun.insert((ClientId(1), region(1), transaction), vv(then));
            let asked = told.asked.get_mut(&request(2)).unwrap();
            asked.write.seen = Seen::Transaction { transaction, checks };
        }
        meanings.made(&Record { ctx: Some(vv(then)), ..made(2, 2) })
    };
    assert_eq!(commit(&[(1, 1)]), Ok(()));
    assert!(commit(&[]).is_err());
}
