//! Transactions whose reads are checked (P5): where only such transactions of one region write, each of those that were
//! acked has changed what it read, so no two of them can have read the same.

use std::collections::BTreeMap;

use super::Judged;
use crate::cells::Cells;
use crate::facts::Facts;
use crate::history::{Answered, End, How};

pub(crate) fn judge(facts: &Facts<'_>, _: &Cells) -> Judged {
    let mut judged = Judged::default();
    let mut winners: BTreeMap<(&str, String), u64> = BTreeMap::new();
    for call in facts.history.calls.iter().filter(|call| call.asked.how == How::Checked) {
        let Some(Answered { end: End::Written { .. }, values, .. }) = &call.answered else { continue };
        for (read, value) in call.asked.reads.iter().zip(values) {
            judged.judged += 1;
            if let Some(other) = winners.insert((&read.key, format!("{value:?}")), call.asked.call) {
                let what = format!("two checked transactions have both changed {} from {value:?}", read.key);
                judged.violation(what, [other, call.asked.call], Some(&read.key));
            }
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, violates};
    use crate::op::{Read, Type, Update, Value, What};

    #[test]
    fn two_winners_over_one_value_are_caught() {
        let tale = |first: i64, second: i64| {
            let mut tale = Tale::default();
            for (before, dot) in [(first, "1.1:1"), (second, "1.1:2")] {
                tale.write("a", 0, &[], dot, dot).but(|call| {
                    call.asked.how = How::Checked;
                    call.asked.reads = vec![Read::new("checked:k", Type::Counter)];
                    call.asked.updates = vec![Update { key: "checked:k".into(), path: vec![], what: What::Add(1) }];
                    call.answered.as_mut().unwrap().values = vec![Value::Sum(before)];
                });
            }
            tale.history()
        };
        holds(judge, &tale(0, 1));
        violates(judge, &tale(0, 0));
    }
}
