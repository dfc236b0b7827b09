//! Deadlines: at the end, what was to end soon is gone, and what was to last is there; and what was written to a key whose
//! time was over stays.
//!
//! A deadline counts from the clock of the region that took it, and a clock that was ahead is not forgotten before the
//! true time has caught up with it: so much later a deadline may be.

use std::collections::BTreeMap;

use super::Judged;
use crate::cells::Cells;
use crate::facts::{Facts, Write};
use crate::history::{FINAL, Fault};
use crate::op::{Type, Value, What};

/// What other regions' clocks may add, and what reading a clock may take on a busy machine.
const MARGIN_MS: u64 = 2_000;

/// A write to a key with a deadline.
struct Given<'a, 'f> {
    write: &'f Write<'a>,
    name: &'a str,
    /// When it is over at the latest; never, if absent.
    over: Option<u64>,
}

pub(crate) fn judge(facts: &Facts<'_>, _: &Cells) -> Judged {
    let mut judged = Judged::default();
    let mut given: BTreeMap<&str, Option<Given<'_, '_>>> = BTreeMap::new();
    for write in &facts.writes {
        let Some(update) = write.updates.first() else { continue };
        let short = update.key.starts_with("short");
        if !short && !update.key.starts_with("long") {
            continue;
        }
        let (What::Insert(name) | What::SetFor(name, _)) = &update.what else { continue };
        if let Some(first) = given.get(update.key.as_str()) {
            let revives = |over| first.as_ref().is_some_and(|first| revives(facts, first.write, over, write));
            if first.as_ref().and_then(|first| first.over).is_some_and(revives) {
                find(&mut judged, facts, write, &update.key, name, true);
            }
            continue;
        }
        let ttl = write.updates.iter().find_map(|update| match &update.what {
            What::SetFor(_, ms) | What::Expire(ms) => Some(*ms),
            _ => None,
        });
        let over = ttl.filter(|_| short).map(|ttl| latest(facts, write) + ttl + MARGIN_MS);
        let certain = write.only().map(|_| Given { write, name, over });
        given.insert(&update.key, certain);
    }
    for (key, given) in &given {
        let Some(Given { write, name, over }) = given else { continue };
        let end = facts.history.converged.as_ref().map_or(u64::MAX, |converged| converged.ms);
        match over {
            None => find(&mut judged, facts, write, key, name, true),
            Some(over) if *over < end => find(&mut judged, facts, write, key, name, false),
            Some(_) => {}
        }
    }
    judged
}

/// Compares the final reads of a key with what they should be.
fn find(judged: &mut Judged, facts: &Facts<'_>, write: &Write<'_>, key: &str, name: &str, lasts: bool) {
    for look in facts.looks.iter().filter(|look| look.read.key == key && look.call.asked.process == FINAL) {
        let there = match (look.read.kind, look.value) {
            (Type::Set, Value::Texts(found)) => found.iter().any(|found| found == name),
            (Type::Register, Value::Text(found)) => found.as_deref() == Some(name),
            _ => continue,
        };
        judged.judged += 1;
        if there != lasts {
            let what = if there { "its time is over, and it is there" } else { "its time is not over, and it is gone" };
            judged.wrong(look, &format!("{name:?}: {what}"), write.calls.iter().map(|call| call.asked.call));
        }
    }
}

/// The latest moment that the write's region can have taken for the present when it took the write: a clock that was ahead
/// goes on from where it was put until the true time is there.
fn latest(facts: &Facts<'_>, write: &Write<'_>) -> u64 {
    let answered = write.calls.iter().filter_map(|call| call.answered.as_ref()).map(|answered| answered.ms).max();
    let answered = answered.unwrap_or(u64::MAX / 2);
    let region = write.only().map_or(0, |copy| usize::from(copy.dot.actor.region) - 1);
    let begun = |it: &&Fault| it.begins && it.region == Some(region) && it.ms <= answered + MARGIN_MS;
    facts.history.faults.iter().filter(begun).fold(answered, |latest, fault| {
        let ahead = fault.off_ms.unwrap_or(0).max(0);
        latest.max(over_at(facts, fault).min(answered).saturating_add_signed(ahead))
    })
}

/// When a fault ended.
fn over_at(facts: &Facts<'_>, fault: &Fault) -> u64 {
    facts.history.faults.iter().find(|it| it.nth == fault.nth && !it.begins).map_or(u64::MAX, |it| it.ms)
}

/// Whether a write came to a key whose time was over, knew of it, and had a clock that said so.
fn revives(facts: &Facts<'_>, first: &Write<'_>, over: u64, second: &Write<'_>) -> bool {
    let (Some(one), Some(other), Some(call)) = (first.only(), second.only(), second.calls.first()) else {
        return false;
    };
    let asked = call.asked.ms;
    let region = Some(usize::from(other.dot.actor.region) - 1);
    let slow = |it: &Fault| it.begins && it.region == region && it.off_ms.is_some_and(|off| off < 0);
    let around = |it: &Fault| it.ms < asked + MARGIN_MS && over_at(facts, it).saturating_add(MARGIN_MS) > asked;
    let behind = facts.history.faults.iter().any(|it| slow(it) && around(it));
    asked > over && other.behind.covers(one.dot) && !behind
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, how_much, violates};

    fn read(tale: &Tale, key: &str, there: bool) -> crate::history::History {
        let found = Value::Texts(there.then(|| "x".to_owned()).into_iter().collect());
        tale.clone().look(FINAL, 0, (key, Type::Set), found, "1.1:1").history()
    }

    fn expiring(tale: &mut Tale, key: &str, ms: u64) {
        let (insert, expire) = (What::Insert("x".to_owned()), What::Expire(ms));
        tale.write("a", 0, &[(key, insert), (key, expire)], "1.1:1", "1.1:1");
    }

    #[test]
    fn what_has_expired_is_gone_and_what_has_not_is_there() {
        let (mut short, mut long) = (Tale::default(), Tale::default());
        expiring(&mut short, "short:x", 1_000);
        expiring(&mut long, "long:x", 1 << 40);
        holds(judge, &read(&short, "short:x", false));
        violates(judge, &read(&short, "short:x", true));
        holds(judge, &read(&long, "long:x", true));
        violates(judge, &read(&long, "long:x", false));
    }

    #[test]
    fn a_deadline_by_a_clock_that_was_ahead_is_so_much_later() {
        let mut tale = Tale::default();
        tale.fault("clock", Some(0), true);
        expiring(&mut tale, "short:x", 1_000);
        tale.converged(Some(1), &[]);
        assert_eq!(how_much(judge, &read(&tale, "short:x", true)), 0);
    }

    #[test]
    fn what_is_written_to_a_key_whose_time_is_over_stays() {
        let mut tale = Tale::default();
        expiring(&mut tale, "short:x", 1_000);
        tale.call("a", 0, |_| {}, None).call("a", 0, |_| {}, None).call("a", 0, |_| {}, None);
        tale.write("a", 0, &[("short:x", What::Insert("y".to_owned()))], "1.1:2", "1.1:2");
        let read = |names: &[&str]| {
            let found = Value::Texts(names.iter().map(|&name| name.to_owned()).collect());
            tale.clone().look(FINAL, 0, ("short:x", Type::Set), found, "1.1:2").history()
        };
        holds(judge, &read(&["y"]));
        violates(judge, &read(&["x", "y"]));
        violates(judge, &read(&[]));
    }
}
