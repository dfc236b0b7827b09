//! When a key ends: one row `T` per key, of entries that each hold a deadline, or none for never. Of concurrent ones the
//! longest holds. Past it the key is invisible; the next write begins with clearing it, and so does the sweeper.

use bytes::Bytes;
use halcyon_types::UnixMs;
use halcyon_types::mutant::{Mutant, planted};

use crate::kind::Kind;
use crate::object::Object;
use crate::row::Row;
use crate::rows::Rows;

/// A deadline's bytes; absent for never.
pub(crate) fn payload(deadline: Option<UnixMs>) -> Bytes {
    deadline.map_or_else(Bytes::new, |at| Bytes::copy_from_slice(&at.0.to_be_bytes()))
}

/// The deadline in a row `T`: the longest of its entries; `None` for never.
pub fn of_row(row: &Row) -> Option<UnixMs> {
    let deadlines = row.entries().iter().map(|entry| {
        let bytes: [u8; 8] = entry.payload.as_ref().try_into().ok()?;
        Some(UnixMs(u64::from_be_bytes(bytes)))
    });
    // One that never ends is longer than all.
    let deadlines = deadlines.collect::<Option<Vec<_>>>()?.into_iter();
    if planted(Mutant::ShortestDeadline) { deadlines.min() } else { deadlines.max() }
}

/// When the key of `object` ends, if it does.
///
/// # Errors
/// What can go wrong underneath.
pub fn of<R: Rows>(rows: &mut R, object: &Object) -> Result<Option<UnixMs>, R::Error> {
    rows.look(&object.root().single(Kind::Deadline), |row| row.and_then(of_row))
}

/// Whether the key of `object` has ended.
pub(crate) fn is_past<R: Rows>(rows: &mut R, object: &Object, now: UnixMs) -> Result<bool, R::Error> {
    Ok(of(rows, object)?.is_some_and(|deadline| deadline <= now))
}

#[cfg(test)]
mod tests {
    use halcyon_types::{Dot, Hlc, Seq};

    use super::*;
    use crate::fixture::{Node, actor, object, up};
    use crate::op::Op;
    use crate::query::{Answer, Query};
    use crate::row::Entry;

    #[test]
    fn the_longest_deadline_holds_and_never_is_the_longest() {
        let row = |deadlines: &[Option<u64>]| {
            let entry = |(seq, at): (u64, &Option<u64>)| {
                let dot = Dot { actor: actor(1), seq: Seq(seq) };
                Entry { dot, hlc: Hlc::from_u64(1), expiry: None, payload: payload(at.map(UnixMs)) }
            };
            Row::Entries((1..).zip(deadlines).map(entry).collect())
        };
        assert_eq!(of_row(&row(&[Some(7)])), Some(UnixMs(7)));
        assert_eq!(of_row(&row(&[Some(7), Some(9), Some(8)])), Some(UnixMs(9)));
        assert_eq!(of_row(&row(&[Some(7), None, Some(9)])), None);
    }

    #[test]
    fn a_deadline_is_of_the_key_whatever_is_below_it() {
        let (mut node, k) = (Node::new(1), object("k"));
        let field = k.clone().field("f");
        node.commit(&[up(&field, Op::Enable), up(&k, Op::Expire { ttl_ms: 500 })]);
        assert_eq!(node.read(&field, &Query::Deadline), Answer::Deadline(Some(UnixMs(1_500))));
        assert_eq!(node.read(&field, &Query::IsEnabled), Answer::Is(true));
        node.now = UnixMs(1_500);
        assert_eq!(node.read(&field, &Query::IsEnabled), Answer::Is(false));
    }

    #[test]
    fn a_key_that_has_ended_tells_when_until_it_begins_anew() {
        let (mut node, k) = (Node::new(1), object("k"));
        node.commit(&[up(&k, Op::Enable), up(&k, Op::Expire { ttl_ms: 500 })]);
        node.now = UnixMs(9_000);
        assert_eq!(node.read(&k, &Query::Kinds), Answer::Kinds(Vec::new()));
        assert_eq!(node.read(&k, &Query::Deadline), Answer::Deadline(Some(UnixMs(1_500))));
        node.write(&k, Op::Enable);
        assert_eq!(node.read(&k, &Query::Deadline), Answer::Deadline(None));
    }

    #[test]
    fn of_concurrent_expiry_and_persistence_the_key_stays_in_every_order() {
        let (mut one, mut two, k) = (Node::new(1), Node::new(2), object("k"));
        let first = one.write(&k, Op::Enable);
        two.receive(&first);
        let (ends, stays) = (one.write(&k, Op::Expire { ttl_ms: 1 }), two.write(&k, Op::Persist));
        one.receive(&stays);
        two.receive(&ends);
        for node in [&mut one, &mut two] {
            node.now = UnixMs(9_000);
            assert_eq!(node.read(&k, &Query::IsEnabled), Answer::Is(true));
        }
        assert_eq!(one.rows, two.rows);
    }
}
