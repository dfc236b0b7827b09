//! Answers that are not what the records say.

use halcyon_types::KeyspaceId;
use halcyon_wire::{Session, TransactionId, Within};

use super::*;
use crate::invariant::exchange::fixture::{actor, dot, hlc, region, vv};
use crate::scenario::Command;

fn parse(words: &str) -> Command {
    Command::parse(&words.split(' ').collect::<Vec<_>>()).unwrap()
}

/// Knows a record that says so.
fn answers(words: &[&str]) -> Answers {
    let answers = Answers::new(Shared::default());
    let commands: Vec<_> = words.iter().map(|words| parse(words)).collect();
    {
        let mut told = answers.told.borrow_mut();
        let (ctx, actors) = (vv(&[]), std::collections::BTreeMap::new());
        let request = Request {
            dot: dot(1, 1),
            hlc: hlc(1),
            now: hlc(1).wall(),
            ctx: &ctx,
            seen: &ctx,
            live: &ctx,
            actors: &actors,
            commands: &commands,
        };
        let Ruling::Accepted(record) = told.oracle.judge(request) else { panic!() };
        told.oracle.tell(record);
    }
    answers
}

fn answered(answers: &mut Answers, words: &str, buffer: &[&str], found: Result<Answer, Refusal>) -> Result<(), String> {
    let query = Query::parse(&words.split(' ').collect::<Vec<_>>()).unwrap();
    let (object, question) = dialect().question(&query);
    let updates: Vec<_> = buffer.iter().flat_map(|words| dialect().updates(&parse(words)).unwrap()).collect();
    let within = (!updates.is_empty()).then_some(Within { transaction: TransactionId(1), updates });
    let body = Body::Read { session: Session::default(), within, object, query: question };
    let seen = vv(&[(1, 1)]);
    let at = At { region: region(1), actor: actor(1), now: hlc(9).wall(), seen: &seen };
    answers.answered(&body, &Response { id: 1, result: found.map(Outcome::Answer) }, &at)
}

#[test]
fn an_answer_that_is_not_what_the_records_say_is_noticed() {
    let mut of = answers(&["incr k 5", "sadd k a b", "expire l 3"]);
    assert_eq!(answered(&mut of, "counter k", &[], Ok(Answer::Sum(Some(5)))), Ok(()));
    assert!(answered(&mut of, "counter k", &[], Ok(Answer::Sum(Some(6)))).is_err());
    assert!(answered(&mut of, "counter k", &[], Ok(Answer::Sum(None))).is_err());
    let page = |items: &[&'static str]| {
        Ok(Answer::Page(Page { items: items.iter().map(|item| (*item).into()).collect(), next: None }))
    };
    assert_eq!(answered(&mut of, "smembers k", &[], page(&["a", "b"])), Ok(()));
    assert!(answered(&mut of, "smembers k", &[], page(&["a"])).is_err());
    let other = |present: &[Kind]| Err(Refusal::WrongType { asked: Kind::List, present: present.to_vec() });
    assert!(answered(&mut of, "smembers k", &[], other(&[Kind::Counter])).is_err());
    assert_eq!(answered(&mut of, "list k", &[], other(&[Kind::Counter, Kind::Set])), Ok(()));
    assert!(answered(&mut of, "list k", &[], other(&[Kind::Set])).is_err());
    assert!(answered(&mut of, "ttl l", &[], Ok(Answer::Deadline(None))).is_err(), "it tells when it ended");
    assert_eq!(of.judged(), 9);
}

#[test]
fn an_answer_that_does_not_show_the_buffer_is_noticed() {
    let mut of = answers(&["incr k 5"]);
    assert_eq!(answered(&mut of, "counter k", &["incr k 2"], Ok(Answer::Sum(Some(7)))), Ok(()));
    assert!(answered(&mut of, "counter k", &["incr k 2"], Ok(Answer::Sum(Some(5)))).is_err());
    let refusal = Refusal::NoSuchElement { reason: String::new() };
    assert_eq!(answered(&mut of, "counter k", &["lrem-at k 0"], Err(refusal)), Ok(()));
    assert!(answered(&mut of, "counter k", &["lrem-at k 0"], Ok(Answer::Sum(Some(5)))).is_err());
}

#[test]
fn a_scan_that_leaves_a_key_out_is_noticed() {
    let mut of = answers(&["incr k 5", "sadd ka x", "enable l"]);
    let scan = Body::Scan {
        session: Session::default(),
        keyspace: KeyspaceId::FIRST,
        beginning: b"k".to_vec(),
        page: halcyon_crdt::PageRequest { after: None, items_max: 9 },
    };
    let info = |key: &'static str, kind| KeyInfo { key: key.into(), kinds: vec![kind] };
    let (counter, set) = (Kind::Counter, Kind::Set);
    let mut told = |items| {
        let seen = vv(&[(1, 1)]);
        let at = At { region: region(1), actor: actor(1), now: hlc(9).wall(), seen: &seen };
        let result = Ok(Outcome::Keys(Page { items, next: None }));
        of.answered(&scan, &Response { id: 1, result }, &at)
    };
    assert_eq!(told(vec![info("k", counter), info("ka", set)]), Ok(()));
    assert!(told(vec![info("k", counter)]).is_err());
    assert!(told(vec![info("k", set), info("ka", set)]).is_err());
}
