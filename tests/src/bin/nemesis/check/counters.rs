//! Counters: every sum lies within what is definite and what is unknown besides; where nothing is unknown, it is exact
//! (P6). So with the increments of a sorted set's members, and, within its error, the number that a `HyperLogLog` tells.

use super::{Judged, looks, writers};
use crate::cells::{Cells, base, slug};
use crate::compare::{Bounds, bounds};
use crate::facts::{Facts, Look};
use crate::op::{Type, Value};

/// Members of this family are only ever incremented.
const RANKS: &str = "ranks:";

pub(crate) fn judge(facts: &Facts<'_>, cells: &Cells) -> Judged {
    let mut judged = Judged::default();
    for look in looks(facts, &[Type::Counter, Type::Zset, Type::Hll]) {
        let address = format!("{}{}", base(&look.read.key, &look.read.path), slug(look.read.kind));
        match look.value {
            Value::Sum(sum) => sum_of(&mut judged, facts, cells, look, &address, *sum),
            Value::Count(count) => estimate(&mut judged, facts, cells, look, &address, *count),
            Value::Scores(scores) if look.read.key.starts_with(RANKS) => {
                for (member, score) in scores {
                    sum_of(&mut judged, facts, cells, look, &format!("{address}e:{member}/"), *score);
                }
            }
            _ => {}
        }
    }
    judged
}

fn sum_of(judged: &mut Judged, facts: &Facts<'_>, cells: &Cells, look: &Look<'_>, address: &str, sum: i64) {
    let Bounds { least, most, doubtful, is_decided } = bounds(facts, cells, address, &look.view);
    judged.judged += u64::from(is_decided);
    if !(least..=most).contains(&sum) {
        let what = format!("the sum is {sum}, and must be within {least}..={most}, with {doubtful} additions in doubt");
        judged.wrong(look, &what, writers(facts, cells, address));
    }
}

/// Standard error 0.8 %, and far less with so few elements; six of it, and two.
fn estimate(judged: &mut Judged, facts: &Facts<'_>, cells: &Cells, look: &Look<'_>, address: &str, count: u64) {
    let (mut least, mut most) = (0, 0);
    for (element, _) in cells.below(address) {
        let alive = cells.alive(facts, element, &look.view);
        least += u64::from(alive.least > 0);
        most += u64::from(alive.most > 0);
    }
    // Of fewer, all could be missing.
    judged.judged += u64::from(least - least / 20 > 2);
    if count + 2 < least - least / 20 || count > most + most / 20 + 2 {
        let what = format!("{count} elements are estimated, and there are {least}..={most}");
        judged.wrong(look, &what, writers(facts, cells, address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, how_much, violates};
    use crate::op::What;

    fn sum(tale: &Tale, sum: i64) -> crate::history::History {
        tale.clone().look("final", 2, ("k", Type::Counter), Value::Sum(sum), "1.1:9,2.1:9,3.1:9").history()
    }

    #[test]
    fn a_sum_is_exact_where_nothing_is_unknown_and_bounded_where_something_is() {
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", What::Add(5))], "1.1:1", "1.1:1").write(
            "b",
            1,
            &[("k", What::Add(7))],
            "2.1:1",
            "2.1:1",
        );
        holds(judge, &sum(&tale, 12));
        violates(judge, &sum(&tale, 11));
        violates(judge, &sum(&tale, 19));
        tale.unknown("b", 1, &[("k", What::Add(-3))]);
        holds(judge, &sum(&tale, 12));
        holds(judge, &sum(&tale, 9));
        violates(judge, &sum(&tale, 8));
    }

    #[test]
    fn a_sum_says_something_where_an_increment_is_certain() {
        let mut tale = Tale::default();
        assert_eq!(how_much(judge, &sum(&tale, 0)), 0, "nobody wrote it");
        tale.unknown("b", 1, &[("k", What::Add(3))]).refused("b", 1, &[("k", What::Add(3))]);
        tale.write("b", 1, &[("k", What::Add(0))], "2.1:1", "2.1:1");
        assert_eq!(how_much(judge, &sum(&tale, 0)), 0, "unknown, refused, or nought");
        tale.write("b", 1, &[("k", What::Add(3))], "2.1:2", "2.1:2");
        assert_eq!(how_much(judge, &sum(&tale, 3)), 1);
        let early = tale.look("r", 0, ("k", Type::Counter), Value::Sum(0), "1.1:1").history();
        assert_eq!(how_much(judge, &early), 0, "out of sight");
    }

    #[test]
    fn a_request_that_was_retried_counts_once_per_region_that_has_not_heard_of_the_other() {
        let add = [("k", What::Add(5))];
        let mut tale = Tale::default();
        // Asked in region 0, unanswered; then in region 1, which has that copy: one.
        tale.unknown("a", 0, &add).request("q").write("a", 1, &add, "1.1:1", "1.1:1,2.1:4").request("q");
        holds(judge, &sum(&tale, 5));
        violates(judge, &sum(&tale, 10));
        // Region 1 had not heard of it: one, and perhaps another.
        let mut tale = Tale::default();
        tale.unknown("a", 0, &add).request("q").write("a", 1, &add, "2.1:1", "2.1:1").request("q");
        holds(judge, &sum(&tale, 5));
        holds(judge, &sum(&tale, 10));
        violates(judge, &sum(&tale, 15));
    }

    #[test]
    fn a_reset_takes_what_it_saw() {
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", What::Add(5))], "1.1:1", "1.1:1")
            .write("b", 1, &[("k", What::Add(7))], "2.1:1", "2.1:1")
            .write("a", 0, &[("k", What::Clear(Type::Counter))], "1.1:2", "1.1:2");
        holds(judge, &sum(&tale, 7));
        violates(judge, &sum(&tale, 12));
        violates(judge, &sum(&tale, 0));
    }

    #[test]
    fn an_estimate_is_close() {
        let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", What::Observe(names))], "1.1:1", "1.1:1");
        let read = |count| tale.clone().look("r", 0, ("k", Type::Hll), Value::Count(count), "1.1:1").history();
        holds(judge, &read(101));
        assert_eq!(how_much(judge, &read(101)), 1);
        let two = What::Observe(vec!["a".to_owned(), "b".to_owned()]);
        let mut few = Tale::default();
        few.write("a", 0, &[("k", two)], "1.1:1", "1.1:1").look("r", 0, ("k", Type::Hll), Value::Count(2), "1.1:1");
        assert_eq!(how_much(judge, &few.history()), 0, "two more or less are no error");
        violates(judge, &read(80));
        violates(judge, &read(120));
    }
}
