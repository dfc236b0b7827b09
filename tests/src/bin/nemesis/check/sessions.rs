//! The guarantees of sessions and of regions (P4): a region never says that it has seen less than it, or the caller's
//! token, said before (monotonic reads, writes behind their session); a receipt covers its own write; one reads one's own
//! writes, in whatever region the session is; and within a transaction one's own notes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Judged, has_deadline, looks};
use crate::cells::{Cells, base};
use crate::facts::Facts;
use crate::history::{Answered, Call, End};
use crate::op::{Type, Update, Value, What};
use crate::vector::Vector;

pub(crate) fn judge(facts: &Facts<'_>, _: &Cells) -> Judged {
    let mut judged = Judged::default();
    for told in &facts.told {
        judged.judged += u64::from(told.at_least != Vector::default());
        if !told.at_least.within(told.token) {
            let what = format!(
                "{} in region {} was told {}, which is behind {}: what it brought, or what the region had said before",
                told.call.asked.process, told.call.asked.region, told.token, told.at_least
            );
            judged.violation(what, [told.call.asked.call], None);
        }
    }
    for call in &facts.history.calls {
        if let Some(Answered { end: End::Written { dot, token }, .. }) = &call.answered
            && !token.covers(*dot)
        {
            judged.violation(format!("the receipt of {dot} does not cover it: {token}"), [call.asked.call], None);
        }
        notes(&mut judged, call);
    }
    own_writes(&mut judged, facts);
    judged
}

/// What a transaction noted, its later reads show.
fn notes(judged: &mut Judged, call: &Call) {
    let Some(answered) = &call.answered else { return };
    for ((read, before), after) in call.asked.reads.iter().zip(&answered.values).zip(&answered.again) {
        let here = |update: &&Update| update.key == read.key && update.path == read.path;
        for update in call.asked.updates.iter().filter(here) {
            // Where it looked so before, a note that is not read shows nothing.
            judged.judged += u64::from(shows(&update.what, read.kind, before, before) == Some(false));
            if shows(&update.what, read.kind, before, after) == Some(false) {
                let what = format!("{:?} was noted, and {before:?} became {after:?}", update.what);
                judged.violation(what, [call.asked.call], Some(&read.key));
            }
        }
    }
}

/// Whether `now` shows what was noted over `before`; `None` if that cannot be said.
fn shows(what: &What, kind: Type, before: &Value, now: &Value) -> Option<bool> {
    Some(match (what, before, now) {
        (What::Add(amount), Value::Sum(before), Value::Sum(now)) => *now == before + amount,
        (What::Insert(name), _, Value::Texts(now)) if kind == Type::Set => now.contains(name),
        (What::Remove(name), _, Value::Texts(now)) if kind == Type::Set => !now.contains(name),
        (What::SetMv(name), _, Value::Texts(now)) if kind == Type::Mv => *now == [name.clone()],
        (What::Set(name), _, Value::Text(now)) => now.as_ref() == Some(name),
        (What::PushBack(name), _, Value::Row(now)) => now.last() == Some(name),
        (What::PushFront(name), _, Value::Row(now)) => now.first() == Some(name),
        (What::Enable, _, Value::Is(now)) => *now,
        _ => return None,
    })
}

/// A process, and an object.
type Place<'a> = (&'a str, String);
/// When something was acked, by which call, and its name.
type Own<'a> = (u64, &'a Call, &'a str);

/// What a process added and nobody ever removed, it finds: in the region that acked it, and wherever its session goes.
fn own_writes(judged: &mut Judged, facts: &Facts<'_>) {
    let removed = ever_removed(facts);
    // By process and place: what it has added, when it was acked and where.
    let mut own: BTreeMap<Place<'_>, Vec<Own<'_>>> = BTreeMap::new();
    for write in &facts.writes {
        for call in &write.calls {
            let Some(Answered { n, end: End::Written { .. }, .. }) = &call.answered else { continue };
            for update in write.updates {
                let (What::Insert(name) | What::PushBack(name) | What::PushFront(name)) = &update.what else {
                    continue;
                };
                let place = base(&update.key, &update.path);
                if !removed.contains(&format!("{place}{name}")) && !removed.contains(&format!("{}/", update.key)) {
                    own.entry((&call.asked.process, place)).or_default().push((*n, call, name));
                }
            }
        }
    }
    for look in looks(facts, &[Type::Set, Type::List]).filter(|look| !has_deadline(look)) {
        let (Value::Texts(found) | Value::Row(found)) = look.value else { continue };
        let asked = &look.call.asked;
        let place = base(&look.read.key, &look.read.path);
        for (acked, call, name) in own.get(&(asked.process.as_str(), place)).into_iter().flatten() {
            let here = call.asked.region == asked.region || (call.asked.session.is_some() && asked.session.is_some());
            if *acked < asked.n && here {
                judged.judged += 1;
                if !found.iter().any(|one| one == name) {
                    judged.wrong(look, &format!("it does not find {name:?}, which it wrote itself"), [call.asked.call]);
                }
            }
        }
    }
}

/// Elements and keys that somebody at some time asked to have removed.
fn ever_removed(facts: &Facts<'_>) -> BTreeSet<String> {
    let updates = facts.writes.iter().flat_map(|write| write.updates);
    let mut removed = BTreeSet::new();
    for Update { key, path, what } in updates {
        match what {
            What::Remove(name) | What::RemoveValue(name) | What::Replace(name, _) => {
                removed.insert(format!("{}{name}", base(key, path)));
            }
            What::Clear(_) | What::Delete => drop(removed.insert(format!("{key}/"))),
            _ => {}
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, how_much, violates};

    fn found(names: &[&str]) -> Value {
        Value::Texts(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn a_region_that_goes_back_is_caught() {
        let mut tale = Tale::default();
        tale.look("a", 0, ("k", Type::Set), found(&[]), "1.1:5");
        assert_eq!(how_much(judge, &tale.history()), 0, "the first to be told cannot be told less");
        holds(judge, &tale.clone().look("b", 0, ("k", Type::Set), found(&[]), "1.1:5").history());
        violates(judge, &tale.clone().look("b", 0, ("k", Type::Set), found(&[]), "1.1:4").history());
        holds(judge, &tale.clone().look("b", 1, ("k", Type::Set), found(&[]), "1.1:4").history());
        violates(judge, &tale.look("b", 1, ("k", Type::Set), found(&[]), "1.1:4").session("1.1:5").history());
    }

    #[test]
    fn a_receipt_covers_its_write_and_comes_behind_its_session() {
        let insert = [("k", What::Insert("x".to_owned()))];
        holds(judge, &Tale::default().write("a", 0, &insert, "1.1:1", "1.1:1,2.1:3").session("2.1:3").history());
        violates(judge, &Tale::default().write("a", 0, &insert, "1.1:1", "2.1:3").history());
        violates(judge, &Tale::default().write("a", 0, &insert, "1.1:1", "1.1:1,2.1:2").session("2.1:3").history());
    }

    #[test]
    fn one_reads_ones_own_writes() {
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", What::Insert("x".to_owned()))], "1.1:1", "1.1:1").session("-");
        violates(judge, &tale.clone().plain("a", 0, ("k", Type::Set), found(&[])).history());
        holds(judge, &tale.clone().plain("a", 0, ("k", Type::Set), found(&["x"])).history());
        violates(judge, &tale.clone().plain("a", 1, ("k", Type::Set), found(&[])).session("1.1:1").history());
        holds(judge, &tale.plain("a", 1, ("k", Type::Set), found(&[])).history());
    }

    #[test]
    fn a_transaction_reads_its_notes() {
        let tale = |again: i64| {
            let mut tale = Tale::default();
            tale.look("a", 0, ("k", Type::Counter), Value::Sum(3), "-").but(|call| {
                call.asked.updates = vec![Update { key: "k".to_owned(), path: vec![], what: What::Add(4) }];
                call.answered.as_mut().unwrap().again = vec![Value::Sum(again)];
            });
            tale.history()
        };
        holds(judge, &tale(7));
        assert_eq!(how_much(judge, &tale(7)), 1);
        violates(judge, &tale(3));
        // What was so before shows nothing.
        let mut again = Tale::default();
        again.look("a", 0, ("k", Type::Set), found(&["x"]), "-").but(|call| {
            let what = What::Insert("x".to_owned());
            call.asked.updates = vec![Update { key: "k".to_owned(), path: vec![], what }];
            call.answered.as_mut().unwrap().again = vec![found(&["x"])];
        });
        assert_eq!(how_much(judge, &again.history()), 0);
    }
}
