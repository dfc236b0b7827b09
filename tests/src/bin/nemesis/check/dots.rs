//! One content per dot (P2), as far as receipts tell: no dot answers two writes, a write has at most one dot in each
//! region's log, only in logs of regions that were asked, and none where another was known; and logs are written in order.

use std::collections::BTreeMap;

use super::Judged;
use crate::cells::Cells;
use crate::facts::Facts;
use crate::vector::Dot;

pub(crate) fn judge(facts: &Facts<'_>, _: &Cells) -> Judged {
    let mut judged = Judged::default();
    let mut of_dot: BTreeMap<Dot, u64> = BTreeMap::new();
    for write in &facts.writes {
        let calls: Vec<u64> = write.calls.iter().map(|call| call.asked.call).collect();
        let mut of_region: BTreeMap<u16, Dot> = BTreeMap::new();
        for copy in &write.copies {
            let dot = copy.dot;
            // The first of a log that answers what was asked once has nothing to differ from.
            judged.judged += u64::from(copy.behind.get(dot.actor) > 0 || write.calls.len() > 1);
            let first = calls.first().copied().unwrap_or_default();
            if let Some(other) = of_dot.insert(dot, first) {
                judged.violation(format!("{dot} answers two writes"), calls.iter().copied().chain([other]), None);
            }
            if let Some(other) = of_region.insert(dot.actor.region, dot) {
                judged.violation(format!("one request is {other} and {dot}, in one region"), calls.clone(), None);
            }
            if !write.calls.iter().any(|call| call.asked.region + 1 == usize::from(dot.actor.region)) {
                let what = format!("{dot} answers a write that this region was never asked for");
                judged.violation(what, calls.clone(), None);
            }
            if let Some(other) =
                write.copies.iter().find(|other| copy.behind.covers(other.dot)).filter(|it| it.dot != dot)
            {
                let what =
                    format!("{dot} is a second copy of {}, which its region had seen when it was asked", other.dot);
                judged.violation(what, calls.clone(), None);
            }
            // What a region acked before it was asked for this, stands before this in its log.
            if copy.behind.covers(dot) {
                let what =
                    format!("{dot} was given to a write that was asked for when its region was past that already");
                judged.violation(what, calls.clone(), None);
            }
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, how_much, violates};
    use crate::op::What;

    #[test]
    fn a_dot_answers_one_write_and_its_retries() {
        let (one, other) = ([("k", What::Add(1))], [("k", What::Add(2))]);
        let mut tale = Tale::default();
        tale.write("a", 0, &one, "1.1:1", "1.1:1").request("q");
        assert_eq!(how_much(judge, &tale.history()), 0, "the first of its log, asked once");
        assert_eq!(how_much(judge, &tale.clone().write("a", 0, &other, "1.1:2", "1.1:2").history()), 1);
        holds(judge, &tale.clone().write("a", 0, &one, "1.1:1", "1.1:3").request("q").history());
        holds(judge, &tale.clone().write("a", 1, &one, "1.1:1", "1.1:3").request("q").history());
        holds(judge, &tale.clone().write("a", 0, &other, "1.1:2", "1.1:2").history());
        violates(judge, &tale.clone().write("a", 0, &other, "1.1:1", "1.1:2").history());
        violates(judge, &tale.clone().write("a", 0, &one, "1.1:2", "1.1:3").request("q").history());
        violates(judge, &tale.write("a", 1, &other, "3.1:2", "3.1:2").history());
    }

    #[test]
    fn a_region_that_has_the_first_copy_makes_no_second() {
        let add = [("k", What::Add(1))];
        let mut tale = Tale::default();
        tale.write("a", 0, &add, "1.1:1", "1.1:1").request("q").write("a", 1, &add, "2.1:1", "2.1:1").request("q");
        holds(judge, &tale.history());
        violates(judge, &tale.session("1.1:1").history());
    }

    #[test]
    fn a_log_never_goes_back() {
        let one = [("k", What::Add(1))];
        let mut tale = Tale::default();
        tale.write("a", 0, &one, "1.1:5", "1.1:5").write("a", 0, &one, "1.1:4", "1.1:5");
        violates(judge, &tale.history());
    }
}
