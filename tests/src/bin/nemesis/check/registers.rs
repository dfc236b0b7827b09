//! Registers: what is read was written, and no writer of a visible write had seen it before; and nothing is not read where
//! something was written and never deleted (P6).
//!
//! Which of several concurrent values wins is the nodes' business, as long as all agree; [`super::convergence`] wants
//! that.

use super::{Judged, compared};
use crate::cells::Cells;
use crate::facts::Facts;
use crate::op::Type;

pub(crate) fn judge(facts: &Facts<'_>, cells: &Cells) -> Judged {
    compared(facts, cells, &[Type::Register])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, how_much, violates};
    use crate::op::{Value, What};

    fn set(value: &str) -> What {
        What::Set(value.to_owned())
    }

    fn found(value: Option<&str>) -> Value {
        Value::Text(value.map(str::to_owned))
    }

    #[test]
    fn the_value_is_one_that_was_written_and_not_one_that_its_overwriter_saw() {
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", set("old"))], "1.1:1", "1.1:1")
            .write("a", 0, &[("k", set("new"))], "1.1:2", "1.1:2")
            .write("b", 1, &[("k", set("other"))], "2.1:1", "2.1:1");
        let read = |value| tale.clone().look("final", 2, ("k", Type::Register), found(value), "1.1:2,2.1:1").history();
        holds(judge, &read(Some("new")));
        holds(judge, &read(Some("other")));
        violates(judge, &read(Some("old")));
        violates(judge, &read(Some("nobody's")));
        assert_eq!(how_much(judge, &read(Some("new"))), 1, "one value is read, whatever it must not be");
        violates(judge, &read(None));
    }

    #[test]
    fn a_register_whose_every_write_was_refused_or_is_unknown_says_nothing() {
        let mut tale = Tale::default();
        tale.refused("a", 0, &[("k", set("x"))]).unknown("a", 0, &[("k", set("y"))]);
        assert_eq!(how_much(judge, &tale.look("r", 0, ("k", Type::Register), found(None), "1.1:1").history()), 0);
    }

    #[test]
    fn nothing_is_read_only_where_a_delete_may_have_seen_everything() {
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", set("x"))], "1.1:1", "1.1:1").write(
            "a",
            0,
            &[("k", What::Clear(Type::Register))],
            "1.1:2",
            "1.1:2",
        );
        let read = |value, seen| tale.clone().look("r", 2, ("k", Type::Register), found(value), seen).history();
        holds(judge, &read(None, "1.1:2"));
        violates(judge, &read(Some("x"), "1.1:2"));
        violates(judge, &read(None, "1.1:1"));
    }
}
