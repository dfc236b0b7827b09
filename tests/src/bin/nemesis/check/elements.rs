//! Elements, members, fields and flags: there until a removal that saw them, gone after one (P1, P6).

use super::{Judged, compared};
use crate::cells::Cells;
use crate::facts::Facts;
use crate::op::Type;

pub(crate) fn judge(facts: &Facts<'_>, cells: &Cells) -> Judged {
    compared(facts, cells, &[Type::Set, Type::Zset, Type::List, Type::Map, Type::Flag])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, how_much, violates};
    use crate::op::{Value, What};

    fn found(names: &[&str]) -> Value {
        Value::Texts(names.iter().map(|&name| name.to_owned()).collect())
    }

    fn insert(name: &str) -> What {
        What::Insert(name.to_owned())
    }

    fn remove(name: &str) -> What {
        What::Remove(name.to_owned())
    }

    #[test]
    fn an_acked_element_that_is_not_there_is_lost() {
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", insert("x"))], "1.1:1", "1.1:1").write(
            "b",
            1,
            &[("k", insert("y"))],
            "2.1:1",
            "2.1:1",
        );
        let whole = tale.clone().look("final", 0, ("k", Type::Set), found(&["x", "y"]), "1.1:1,2.1:1").history();
        holds(judge, &whole);
        violates(judge, &tale.clone().look("final", 0, ("k", Type::Set), found(&["x"]), "1.1:1,2.1:1").history());
        // Whoever had not seen it may not have it, and must not.
        holds(judge, &tale.clone().look("r", 0, ("k", Type::Set), found(&["x"]), "1.1:1").history());
        violates(judge, &tale.look("r", 0, ("k", Type::Set), found(&["x", "y"]), "1.1:1").history());
    }

    #[test]
    fn a_removal_takes_what_it_saw_and_nothing_else() {
        let mut tale = Tale::default();
        // The second addition is concurrent to the removal.
        tale.write("a", 0, &[("k", insert("x"))], "1.1:1", "1.1:1")
            .write("b", 1, &[("k", insert("x"))], "2.1:1", "2.1:1")
            .write("a", 0, &[("k", remove("x"))], "1.1:2", "1.1:2");
        let seen = "1.1:2,2.1:1";
        holds(judge, &tale.clone().look("final", 0, ("k", Type::Set), found(&["x"]), seen).history());
        violates(judge, &tale.clone().look("final", 0, ("k", Type::Set), found(&[]), seen).history());
        holds(judge, &tale.clone().look("r", 0, ("k", Type::Set), found(&[]), "1.1:2").history());
        violates(judge, &tale.look("r", 0, ("k", Type::Set), found(&["x"]), "1.1:2").history());
    }

    #[test]
    fn what_was_refused_or_never_written_must_not_be_there_and_what_is_unknown_may() {
        let mut tale = Tale::default();
        tale.refused("a", 0, &[("k", insert("x"))]).unknown("a", 0, &[("k", insert("u"))]);
        holds(judge, &tale.clone().look("final", 0, ("k", Type::Set), found(&["u"]), "1.1:1").history());
        holds(judge, &tale.clone().look("final", 0, ("k", Type::Set), found(&[]), "1.1:1").history());
        violates(judge, &tale.clone().look("final", 0, ("k", Type::Set), found(&["x"]), "1.1:1").history());
        violates(judge, &tale.look("final", 0, ("k", Type::Set), found(&["z"]), "1.1:1").history());
    }

    #[test]
    fn what_was_acked_and_in_sight_is_judged_and_nothing_else() {
        let look = |tale: &Tale, seen| tale.clone().look("r", 0, ("k", Type::Set), found(&[]), seen).history();
        let mut tale = Tale::default();
        tale.refused("a", 0, &[("k", insert("x"))]).unknown("a", 0, &[("k", insert("u"))]);
        assert_eq!(how_much(judge, &look(&tale, "1.1:9")), 0, "refused, or unknown");
        tale.write("a", 0, &[("k", insert("y"))], "1.1:1", "1.1:1");
        assert_eq!(how_much(judge, &look(&tale, "2.1:9")), 0, "out of sight");
        assert_eq!(how_much(judge, &look(&tale, "1.1:1")), 1, "it must be there");
        tale.write("a", 0, &[("k", remove("y"))], "1.1:2", "1.1:2");
        assert_eq!(how_much(judge, &look(&tale, "1.1:2")), 1, "it must be gone");
        let mut early = Tale::default();
        early.plain("r", 0, ("k", Type::Set), found(&[])).write("a", 0, &[("k", insert("y"))], "1.1:1", "1.1:1");
        assert_eq!(how_much(judge, &early.history()), 0, "before any write");
    }

    #[test]
    fn a_region_that_acked_shows_it_to_whoever_asks_next_without_any_token() {
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", insert("x"))], "1.1:1", "1.1:1");
        violates(judge, &tale.clone().plain("b", 0, ("k", Type::Set), found(&[])).history());
        holds(judge, &tale.plain("b", 1, ("k", Type::Set), found(&[])).history());
    }

    #[test]
    fn a_field_is_there_as_long_as_anything_below_it() {
        let mut tale = Tale::default();
        tale.write_at("a", 0, "k", &["f"], What::Add(0), "1.1:1", "1.1:1");
        holds(judge, &tale.clone().look("final", 0, ("k", Type::Map), found(&["f"]), "1.1:1").history());
        violates(judge, &tale.clone().look("final", 0, ("k", Type::Map), found(&[]), "1.1:1").history());
        tale.write("a", 0, &[("k", What::Delete)], "1.1:2", "1.1:2");
        holds(judge, &tale.clone().look("final", 0, ("k", Type::Map), found(&[]), "1.1:2").history());
        violates(judge, &tale.look("final", 0, ("k", Type::Map), found(&["f"]), "1.1:2").history());
    }
}
