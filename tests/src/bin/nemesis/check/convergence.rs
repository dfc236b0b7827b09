//! After every fault has ended (P1, P3): in time, all regions have seen the same and hold the same; every read of the end is
//! answered, and alike everywhere; and every dot that was ever acked is among what they have seen.

use std::collections::BTreeMap;

use super::{Judged, place};
use crate::cells::{Cells, base, slug};
use crate::facts::Facts;
use crate::history::{End, FINAL};
use crate::op::{Read, Value};

/// Three times the slowest of many runs on a machine that others use too.
pub(crate) const WITHIN_MS: u64 = 10_000;

pub(crate) fn judge(facts: &Facts<'_>, cells: &Cells) -> Judged {
    let mut judged = Judged::default();
    unanswered(&mut judged, facts);
    let Some(converged) = &facts.history.converged else { return judged };
    if converged.took_ms.is_none_or(|ms| ms > WITHIN_MS) {
        let told: Vec<_> = converged.regions.iter().map(|(token, digest)| format!("{token} {digest}")).collect();
        let what = format!("the regions did not agree within {} s: {}", WITHIN_MS / 1_000, told.join(" | "));
        judged.violation(what, [], None);
    }
    for pair in converged.regions.windows(2) {
        if let [(token, digest), (other_token, other_digest)] = pair
            && token == other_token
            && digest != other_digest
        {
            let what = format!("p3: equal vectors, different rows: {token}, {digest} {other_digest}");
            judged.violation(what, [], None);
        }
    }
    for write in &facts.writes {
        for copy in &write.copies {
            for (region, (token, _)) in converged.regions.iter().enumerate() {
                if !token.covers(copy.dot) {
                    let what = format!("p1: {} was acked, and region {region} ends without it: {token}", copy.dot);
                    judged.violation(what, write.calls.iter().map(|call| call.asked.call), None);
                }
            }
        }
    }
    let mut finals: BTreeMap<&Read, (&Value, u64)> = BTreeMap::new();
    let finals_of = facts.looks.iter().filter(|look| look.call.asked.process == FINAL);
    // What a clock from the future gave a short time may end between two regions' reads.
    for look in finals_of.filter(|look| !look.read.key.starts_with("short")) {
        let (first, call) = *finals.entry(look.read).or_insert((look.value, look.call.asked.call));
        let is_another = call != look.call.asked.call;
        judged.judged += u64::from(is_another && has_acked(facts, cells, look.read));
        if first != look.value {
            let what = format!("the regions end with different answers: {first:?} and {:?}", look.value);
            judged.wrong(look, &what, [call]);
        }
    }
    judged
}

/// Once everything is healed, nothing is refused.
fn unanswered(judged: &mut Judged, facts: &Facts<'_>) {
    for call in facts.history.calls.iter().filter(|call| call.asked.process == FINAL) {
        let answered = call.answered.as_ref();
        // The first that failed has kept those behind it from being asked.
        let Some(read) = call.asked.reads.get(answered.map_or(0, |answered| answered.values.len())) else { continue };
        let how = match answered.map(|answered| &answered.end) {
            Some(End::Refused(why) | End::Unknown(why)) => format!("refused: {why}"),
            _ => "not answered".to_owned(),
        };
        let what = format!("the final read in region {} of {} was {how}", call.asked.region, place(read));
        judged.violation(what, [call.asked.call], Some(&read.key));
    }
}

/// Whether anything was ever acked there: that nobody has what nobody wrote is no agreement.
fn has_acked(facts: &Facts<'_>, cells: &Cells, read: &Read) -> bool {
    let object = format!("{}{}", base(&read.key, &read.path), slug(read.kind));
    cells
        .below(&object)
        .flat_map(|(_, addings)| addings)
        .any(|adding| facts.writes.get(adding.write).is_some_and(|write| !write.copies.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, how_much, violates};
    use crate::op::{Type, What};

    #[test]
    fn regions_that_do_not_agree_in_time_are_caught() {
        let same = [("1.1:1", "d"), ("1.1:1", "d")];
        holds(judge, &Tale::default().converged(Some(900), &same).history());
        violates(judge, &Tale::default().converged(None, &same).history());
        violates(judge, &Tale::default().converged(Some(WITHIN_MS + 1), &same).history());
        violates(judge, &Tale::default().converged(Some(900), &[("1.1:1", "d"), ("1.1:1", "e")]).history());
    }

    #[test]
    fn an_acked_dot_that_is_nowhere_is_caught() {
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", What::Add(1))], "1.1:2", "1.1:2");
        violates(judge, &tale.clone().converged(Some(1), &[("1.1:1", "d"), ("1.1:1", "d")]).history());
        holds(judge, &tale.converged(Some(1), &[("1.1:2", "d"), ("1.1:2", "d")]).history());
    }

    #[test]
    fn final_reads_that_differ_are_caught() {
        let read = |tale: &mut Tale, region, sum| {
            tale.look(FINAL, region, ("k", Type::Counter), Value::Sum(sum), "1.1:1");
        };
        let mut tale = Tale::default();
        tale.converged(Some(1), &[]);
        read(&mut tale, 0, 1);
        read(&mut tale, 1, 1);
        holds(judge, &tale.history());
        assert_eq!(how_much(judge, &tale.history()), 0, "nobody ever wrote it");
        read(&mut tale, 2, 2);
        violates(judge, &tale.history());
    }

    #[test]
    fn a_final_read_says_something_where_another_region_has_what_was_acked() {
        let mut tale = Tale::default();
        tale.unknown("a", 0, &[("k", What::Add(1))]).converged(Some(1), &[]);
        for region in 0..3 {
            tale.look(FINAL, region, ("k", Type::Counter), Value::Sum(1), "1.1:1");
        }
        assert_eq!(how_much(judge, &tale.history()), 0);
        tale.write("b", 0, &[("k", What::Add(1))], "1.1:1", "1.1:1");
        assert_eq!(how_much(judge, &tale.history()), 2, "the first has none to be compared with");
    }

    #[test]
    fn a_final_read_that_is_refused_or_never_answered_is_caught_by_itself() {
        let mut tale = Tale::default();
        let reads =
            vec![(Read::new("k", Type::Counter), Value::Sum(1)), (Read::new("l", Type::Counter), Value::Sum(1))];
        tale.looks(FINAL, 2, reads, "1.1:1");
        holds(judge, &tale.history());
        let mut refused = tale.clone();
        refused.but(|call| {
            let answered = call.answered.as_mut().unwrap();
            answered.values.pop();
            answered.end = End::Refused("Unavailable".to_owned());
        });
        tale.but(|call| call.answered = None);
        for (history, key, how) in
            [(refused.history(), "l", "refused: Unavailable"), (tale.history(), "k", "not answered")]
        {
            let facts = Facts::of(&history);
            let found = judge(&facts, &Cells::of(&facts)).violations;
            assert!(
                matches!(&found[..], [one] if one.what.contains("region 2") && one.what.contains(how)),
                "{found:?}"
            );
            assert_eq!(found[0].key.as_deref(), Some(key));
        }
    }
}
