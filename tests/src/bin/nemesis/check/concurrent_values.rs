//! Multi-value registers: exactly the values that are maximal under "was seen by" (P6).

use super::{Judged, compared};
use crate::cells::Cells;
use crate::facts::Facts;
use crate::op::Type;

pub(crate) fn judge(facts: &Facts<'_>, cells: &Cells) -> Judged {
    compared(facts, cells, &[Type::Mv])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, how_much, violates};
    use crate::op::{Value, What};

    #[test]
    fn concurrent_values_stand_side_by_side_and_one_that_was_seen_does_not() {
        let set = |value: &str| What::SetMv(value.to_owned());
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", set("old"))], "1.1:1", "1.1:1")
            .write("a", 0, &[("k", set("one"))], "1.1:2", "1.1:2")
            .write("b", 1, &[("k", set("two"))], "2.1:1", "2.1:1");
        let read = |values: &[&str]| {
            let values = Value::Texts(values.iter().map(|&value| value.to_owned()).collect());
            tale.clone().look("final", 2, ("k", Type::Mv), values, "1.1:2,2.1:1").history()
        };
        holds(judge, &read(&["one", "two"]));
        assert_eq!(how_much(judge, &read(&["one", "two"])), 3);
        let mut unknown = Tale::default();
        unknown.unknown("a", 0, &[("k", set("x"))]).look("r", 0, ("k", Type::Mv), Value::Texts(vec![]), "1.1:1");
        assert_eq!(how_much(judge, &unknown.history()), 0);
        violates(judge, &read(&["one"]));
        violates(judge, &read(&["one", "old", "two"]));
        violates(judge, &read(&[]));
    }

    #[test]
    fn a_context_sees_what_its_token_says_and_nothing_newer() {
        let set = |value: &str| What::SetMv(value.to_owned());
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", set("one"))], "1.1:1", "1.1:1")
            .write("b", 0, &[("k", set("two"))], "1.1:2", "1.1:2")
            .write("c", 0, &[("k", set("three"))], "1.1:3", "1.1:3")
            .session("1.1:1")
            .but(|call| call.asked.how = crate::history::How::Context);
        let read = |values: &[&str]| {
            let values = Value::Texts(values.iter().map(|&value| value.to_owned()).collect());
            tale.clone().look("final", 2, ("k", Type::Mv), values, "1.1:3").history()
        };
        holds(judge, &read(&["two", "three"]));
        violates(judge, &read(&["three"]));
    }
}
