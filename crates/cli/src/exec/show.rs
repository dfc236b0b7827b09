//! What a read answers: the store's answer as JSON.

use bytes::Bytes;
use halcyon_crdt::{Answer as Found, Item, Scored};
use halcyon_sim::scenario::{Query, QueryKind};
use halcyon_types::{ActorId, RegionId, UnixMs};
use serde_json::{Value, json};

use super::answer::Answer;
use crate::language::{shown, text};

/// Who asks, where and when.
#[derive(Clone, Copy)]
pub(super) struct Reader {
    /// The region that was asked: `rights` are its own.
    pub(super) region: RegionId,
    /// This machine's time: `ttl` counts from it.
    pub(super) now: UnixMs,
}

/// The line that a read answers.
pub(super) fn answer(query: &Query, found: Found, reader: Reader) -> Answer {
    let all = |items: Vec<Bytes>, show: fn(&[u8]) -> Value| Value::Array(items.iter().map(|item| show(item)).collect());
    let value = match found {
        Found::Sum(sum) => {
            // A counter is zero under a key from the start; a map has no field that nothing was written to.
            let none = query.kind == QueryKind::Counter && !query.object.path.is_empty();
            return match sum {
                None if none => Answer::value(&Value::Null),
                sum => Answer::sum(sum.unwrap_or(0)),
            };
        }
        Found::Rights(rights) => return Answer::sum(own(&rights, reader.region)),
        Found::Value(value) => value.map_or(Value::Null, |value| shown(&value)),
        Found::Values(values) => all(values, shown),
        Found::Is(is) => json!(is),
        Found::Page(page) => all(page.items, text),
        Found::Score(score) => json!(score),
        Found::Rank(rank) => json!(rank),
        Found::Scored(page) => page.items.iter().map(|Scored { member, .. }| text(member)).collect(),
        Found::Items(page) if matches!(query.kind, QueryKind::ListIndex(_)) => {
            page.items.first().map_or(Value::Null, |item| shown(&item.value))
        }
        Found::Items(page) => page.items.iter().map(|Item { value, .. }| shown(value)).collect(),
        Found::Count(count) => json!(count),
        // A key that has ended is there no more.
        Found::Deadline(at) => json!(at.and_then(|at| at.0.checked_sub(reader.now.0)).filter(|left| *left > 0)),
        Found::Kinds(kinds) => json!(kinds),
    };
    Answer::value(&value)
}

/// What the region's present log may spend; what an earlier one left behind, it may not as yet.
fn own(rights: &[(ActorId, i128)], region: RegionId) -> i128 {
    let own = rights.iter().filter(|(actor, _)| actor.region() == Some(region));
    own.max_by_key(|(actor, _)| *actor).map_or(0, |(_, amount)| *amount)
}

#[cfg(test)]
mod tests {
    use halcyon_client::Kind;

    use super::*;
    use crate::language::payload;

    fn line(words: &str, found: Found) -> String {
        let reader = Reader { region: RegionId::try_from(2).unwrap(), now: UnixMs(1000) };
        answer(&Query::parse(&words.split(' ').collect::<Vec<_>>()).unwrap(), found, reader).line()
    }

    #[test]
    fn every_answer_is_a_line_of_json() {
        let page = |items: &[&str]| halcyon_crdt::Page {
            items: items.iter().map(|item| Bytes::copy_from_slice(item.as_bytes())).collect::<Vec<_>>(),
            next: None,
        };
        let listed = |values: &[&str]| {
            let item = |value: &&str| Item { position: Bytes::from("p"), value: payload(value) };
            Found::Items(halcyon_crdt::Page { items: values.iter().map(item).collect(), next: None })
        };
        let scored = |member: &str, score| Scored { member: Bytes::copy_from_slice(member.as_bytes()), score };
        let actor = |region: u64, minted| ActorId::mint(RegionId::try_from(region).unwrap(), UnixMs(minted));
        let cases = [
            ("get k", Found::Value(Some(payload("v"))), "\"v\""),
            ("get k", Found::Value(None), "null"),
            ("mvget k", Found::Values(vec![payload("a"), payload("b")]), "[\"a\",\"b\"]"),
            ("counter k", Found::Sum(None), "0"),
            ("hcounter m f", Found::Sum(None), "null"),
            ("hcounter m f", Found::Sum(Some(-3)), "-3"),
            ("flag f", Found::Is(true), "true"),
            ("smembers s", Found::Page(page(&["x", "y"])), "[\"x\",\"y\"]"),
            ("zscore z x", Found::Score(Some(2.5)), "2.5"),
            ("zscore z x", Found::Score(None), "null"),
            ("zrank z x", Found::Rank(Some(3)), "3"),
            (
                "zrange z",
                Found::Scored(halcyon_crdt::Page { items: vec![scored("b", 1.0), scored("a", 2.0)], next: None }),
                "[\"b\",\"a\"]",
            ),
            ("list l", listed(&["x", "y"]), "[\"x\",\"y\"]"),
            ("lindex l 0", listed(&["x"]), "\"x\""),
            ("lindex l 9", listed(&[]), "null"),
            ("pfcount h", Found::Count(7), "7"),
            ("bval b", Found::Sum(None), "0"),
            ("rights b", Found::Rights(vec![(actor(1, 5), 9), (actor(2, 5), 4), (actor(2, 6), 3)]), "3"),
            ("rights b", Found::Rights(Vec::new()), "0"),
            ("ttl k", Found::Deadline(Some(UnixMs(1500))), "500"),
            ("ttl k", Found::Deadline(Some(UnixMs(1000))), "null"),
            ("ttl k", Found::Deadline(None), "null"),
            ("kinds k", Found::Kinds(vec![Kind::Register, Kind::Set]), "[\"register\",\"set\"]"),
        ];
        for (words, found, json) in cases {
            assert_eq!(line(words, found), format!("{{\"ok\":{json}}}"), "{words}");
        }
    }
}
