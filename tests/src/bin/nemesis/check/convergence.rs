//! After every fault has ended (P1, P3): in time, all regions have seen the same and hold the same; every read of the end is
//! answered alike everywhere; and every dot that was ever acked is among what they have seen.

use std::collections::BTreeMap;

use super::Judged;
use crate::cells::Cells;
use crate::facts::Facts;
use crate::history::FINAL;
use crate::op::{Read, Value};

/// Generous: seconds are the rule, on a machine that others use too.
pub(crate) const WITHIN_MS: u64 = 30_000;

pub(crate) fn judge(facts: &Facts<'_>, _: &Cells) -> Judged {
    let mut judged = Judged::default();
    let Some(converged) = &facts.history.converged else { return judged };
    if converged.took_ms.is_none_or(|ms| ms > WITHIN_MS) {
        let told: Vec<_> = converged.regions.iter().map(|(token, digest)| format!("{token} {digest}")).collect();
        let what = format!("the regions did not agree within {} s: {}", WITHIN_MS / 1_000, told.join(" | "));
        judged.violation(what, [], None);
    }
    for pair in converged.regions.windows(2) {
        if let [(token, digest), (other_token, other_digest)] = pair {
            judged.judged += 1;
            if token == other_token && digest != other_digest {
                judged.violation(
                    format!("p3: equal vectors, different rows: {token}, {digest} {other_digest}"),
                    [],
                    None,
                );
            }
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
        judged.judged += 1;
        let (first, call) = *finals.entry(look.read).or_insert((look.value, look.call.asked.call));
        if first != look.value {
            let what = format!("the regions end with different answers: {first:?} and {:?}", look.value);
            judged.wrong(look, &what, [call]);
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, violates};
    use crate::op::{Type, What};

    #[test]
    fn regions_that_do_not_agree_in_time_are_caught() {
        let same = [("1.1:1", "d"), ("1.1:1", "d")];
        holds(judge, &Tale::default().converged(Some(900), &same).history());
        violates(judge, &Tale::default().converged(None, &same).history());
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
        read(&mut tale, 2, 2);
        violates(judge, &tale.history());
    }
}
