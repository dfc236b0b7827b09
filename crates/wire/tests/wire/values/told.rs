//! Answers and refusals.

use std::time::Duration;

use halcyon_crdt::{Answer, Item, Kind, Page, Scored};
use halcyon_wire::{Refusal, TransactionId};

use super::{T, actor, bytes, cart, keyspace, position, region};

/// One of every answer, and each that may say that nothing is there.
pub(crate) fn answers() -> Vec<(&'static str, Answer)> {
    let scored = Scored { member: bytes("x"), score: -0.5 };
    let item = Item { position: position().as_bytes().clone(), value: bytes("v") };
    let name = |answer: &Answer| match answer {
        Answer::Value(_) => "answer.value",
        Answer::Values(_) => "answer.values",
        Answer::Sum(_) => "answer.sum",
        Answer::Is(_) => "answer.is",
        Answer::Page(_) => "answer.page",
        Answer::Score(_) => "answer.score",
        Answer::Rank(_) => "answer.rank",
        Answer::Scored(_) => "answer.scored",
        Answer::Items(_) => "answer.items",
        Answer::Count(_) => "answer.count",
        Answer::Rights(_) => "answer.rights",
        Answer::Deadline(_) => "answer.deadline",
        Answer::Kinds(_) => "answer.kinds",
    };
    let answers = vec![
        Answer::Value(Some(bytes("v"))),
        Answer::Values(vec![bytes("v"), bytes("w")]),
        Answer::Sum(Some(i128::from(u64::MAX) * 2)),
        Answer::Is(true),
        Answer::Page(Page { items: vec![bytes("x")], next: Some(bytes("x")) }),
        Answer::Score(Some(2.5)),
        Answer::Rank(Some(7)),
        Answer::Scored(Page { items: vec![scored], next: None }),
        Answer::Items(Page { items: vec![item], next: None }),
        Answer::Count(1_000_000),
        Answer::Rights(vec![(actor(1), 300), (actor(2), 7)]),
        Answer::Deadline(Some(T)),
        Answer::Kinds(Kind::ALL.to_vec()),
    ];
    let mut named: Vec<_> = answers.into_iter().map(|answer| (name(&answer), answer)).collect();
    assert_eq!(named.len(), 13, "one of every answer");
    named.extend([
        ("answer.no-value", Answer::Value(None)),
        ("answer.no-sum", Answer::Sum(None)),
        ("answer.no-score", Answer::Score(None)),
        ("answer.no-rank", Answer::Rank(None)),
        ("answer.no-deadline", Answer::Deadline(None)),
    ]);
    named
}

/// One of every refusal; its name is its own.
pub(crate) fn refusals() -> Vec<Refusal> {
    let reason = || "why".to_owned();
    let holders = || vec![(actor(2), 7)];
    let mut refusals = vec![
        Refusal::BadRequest { reason: reason() },
        Refusal::UnknownKeyspace { id: keyspace() },
        Refusal::InvalidArgument { reason: reason() },
        Refusal::TooLarge { reason: reason() },
        Refusal::CounterOverflow { reason: reason() },
        Refusal::TooManySiblings { reason: reason() },
        Refusal::InsufficientRights { reason: reason(), counter: cart(), needed: 9, holders: holders() },
        Refusal::RightsOutstanding { reason: reason(), holders: holders() },
        Refusal::UnknownRegion { region: region(2) },
        Refusal::NoSuchElement { reason: reason() },
        Refusal::StaleContext { reason: reason() },
        Refusal::Changed { index: 1 },
        Refusal::TransactionExpired { transaction: TransactionId(3) },
        Refusal::UnknownCursor { reason: reason() },
        Refusal::WrongType { asked: Kind::Counter, present: vec![Kind::MvRegister, Kind::SortedSet] },
        Refusal::NotYet { waited: Duration::from_millis(500) },
        Refusal::Overloaded { queue: reason() },
        Refusal::ClockSkew { off_ms: -3_600_000, clocks: 3 },
        Refusal::LogFull { bytes: 9_000_000_000, bytes_max: 8 << 30, lacking: vec![region(3)] },
        Refusal::RequestExpired { off: Duration::from_hours(25) },
        Refusal::Forbidden { identity: reason() },
        Refusal::Membership { reason: reason() },
        Refusal::NoMajority { reachable: 1, members: 3 },
        Refusal::Retired,
        Refusal::Stopping,
        Refusal::CatchingUp,
        Refusal::Storage { reason: reason() },
    ];
    refusals.sort_by_key(Refusal::name);
    refusals.dedup_by_key(|refusal| refusal.name());
    assert_eq!(refusals.len(), 27, "one of every refusal");
    refusals
}
