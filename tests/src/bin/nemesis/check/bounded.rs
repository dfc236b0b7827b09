//! Bounded counters: never below nought in any read (P8), and otherwise what was granted less what was spent.

use super::{Judged, looks, writers};
use crate::cells::{Cells, base, slug};
use crate::compare::{Bounds, bounds};
use crate::facts::Facts;
use crate::op::{Type, Value};

pub(crate) fn judge(facts: &Facts<'_>, cells: &Cells) -> Judged {
    let mut judged = Judged::default();
    for look in looks(facts, &[Type::Bounded]) {
        let Value::Sum(value) = look.value else { continue };
        let address = format!("{}{}", base(&look.read.key, &look.read.path), slug(Type::Bounded));
        let Bounds { least, most, doubtful, is_decided } = bounds(facts, cells, &address, &look.view);
        judged.judged += u64::from(is_decided);
        if *value < 0 {
            judged.wrong(look, &format!("{value} is below the bound"), writers(facts, cells, &address));
        }
        if !(least..=most).contains(value) {
            let what = format!("{value} must be within {least}..={most}, with {doubtful} writes in doubt");
            judged.wrong(look, &what, writers(facts, cells, &address));
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
    fn the_value_is_what_was_granted_less_what_was_spent_and_never_below_nought() {
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", What::Raise(5))], "1.1:1", "1.1:1")
            .write("a", 0, &[("k", What::Spend(3))], "1.1:2", "1.1:2")
            .write("b", 1, &[("k", What::Spend(3))], "2.1:1", "1.1:1,2.1:1");
        let read = |value, seen| tale.clone().look("r", 2, ("k", Type::Bounded), Value::Sum(value), seen).history();
        holds(judge, &read(2, "1.1:2"));
        assert_eq!(how_much(judge, &read(2, "1.1:2")), 1);
        assert_eq!(how_much(judge, &read(0, "3.1:1")), 0, "nothing of it was in sight");
        violates(judge, &read(5, "1.1:2"));
        violates(judge, &read(-1, "1.1:2,2.1:1"));
    }
}
