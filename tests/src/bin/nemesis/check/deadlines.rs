//! Deadlines: at the end, what was to end soon is gone, and what was to last is there.
//!
//! A short deadline counts from the clock of the region that took it, so a write near which a clock was off is not judged;
//! nor is one that may not have happened, or twice.

use super::Judged;
use crate::cells::Cells;
use crate::facts::{Facts, Write};
use crate::history::FINAL;
use crate::op::{Type, Value, What};

/// A clock that is put back takes this long at most to be so.
const MARGIN_MS: u64 = 2_000;

pub(crate) fn judge(facts: &Facts<'_>, _: &Cells) -> Judged {
    let mut judged = Judged::default();
    for write in &facts.writes {
        let Some(update) = write.updates.first().filter(|_| write.only().is_some()) else { continue };
        let name = match &update.what {
            What::Insert(name) | What::SetFor(name, _) => name,
            _ => continue,
        };
        let lasts = match update.key.split(':').next() {
            Some("long" | "long-value") => true,
            Some("short" | "short-value") if !clock_was_off(facts, write) => false,
            _ => continue,
        };
        for look in facts.looks.iter().filter(|look| look.read.key == update.key && look.call.asked.process == FINAL) {
            let there = match (look.read.kind, look.value) {
                (Type::Set, Value::Texts(found)) => found.contains(name),
                (Type::Register, Value::Text(found)) => found.as_ref() == Some(name),
                _ => continue,
            };
            judged.judged += 1;
            if there != lasts {
                let what = if lasts { "it has hours left, and is gone" } else { "its time is over, and it is there" };
                judged.wrong(look, what, write.calls.iter().map(|call| call.asked.call));
            }
        }
    }
    judged
}

/// Whether some clock may have been off while the write was taken, or since: a stamp from the future lingers.
fn clock_was_off(facts: &Facts<'_>, write: &Write<'_>) -> bool {
    let until = write.calls.iter().filter_map(|call| call.answered.as_ref()).map(|answered| answered.ms).max();
    let until = until.unwrap_or(u64::MAX);
    let clocks = facts.history.faults.iter().filter(|fault| fault.kind == "clock" && fault.begins);
    clocks.into_iter().any(|fault| fault.ms <= until + MARGIN_MS)
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
    fn a_deadline_by_a_clock_that_was_off_is_not_judged() {
        let mut tale = Tale::default();
        tale.fault("clock", Some(0), true);
        expiring(&mut tale, "short:x", 1_000);
        assert_eq!(how_much(judge, &read(&tale, "short:x", true)), 0);
    }
}
