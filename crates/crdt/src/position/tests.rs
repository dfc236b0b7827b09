//! Positions against the rule on plain tuples, whose order is the language's own.

use proptest::prelude::*;

use super::*;

/// (±hlc, actor, ±index, side).
type Label = (i128, u64, i64, u8);
type Path = Vec<Label>;

/// The rule, on tuples: the reference model's, but where that is deep, the shallowest sibling of what is above a neighbour.
fn rule(left: &[Label], right: Option<&Path>, actor: u64, index: u32, hlc: u64) -> Path {
    let near = nearest(left, right, actor, index, hlc);
    if near.len() <= FLAT_LABELS {
        return near;
    }
    let (stamp, idx) = (i128::from(hlc), i64::from(index));
    let ok = |path: &Path| left < path.as_slice() && right.is_none_or(|right| path < right);
    let siblings =
        |of: &[Label], label: Label| (0..of.len()).map(|depth| [&of[..depth], &[label]].concat()).find(|path| ok(path));
    let beside_right = || siblings(right?, (-stamp, actor, -idx, 1));
    siblings(left, (stamp, actor, idx, 1)).or_else(beside_right).unwrap_or(near)
}

/// The reference model's rule, on tuples.
fn nearest(left: &[Label], right: Option<&Path>, actor: u64, index: u32, hlc: u64) -> Path {
    let (stamp, idx) = (i128::from(hlc), i64::from(index));
    let (new, neg) = ((stamp, actor, idx, 1), (-stamp, actor, -idx, 1));
    let on = |path: &[Label], label: Label| [path, &[label]].concat();
    let but_last = |path: &[Label]| path[..path.len().saturating_sub(1)].to_vec();
    let ok = |path: &Path| left < path.as_slice() && right.is_none_or(|right| path < right);
    let sibling = on(&but_last(left), new);
    if ok(&sibling) {
        return sibling;
    }
    if let Some(right) = right {
        let sibling = on(&but_last(right), neg);
        if ok(&sibling) {
            return sibling;
        }
        if right.starts_with(left) {
            let (stamp, actor, idx, _) = right[right.len() - 1];
            return on(&on(&but_last(right), (stamp, actor, idx, 0)), new);
        }
    }
    on(left, new)
}

/// The layout, written down a second time.
fn encode(path: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    for (stamp, actor, index, side) in path {
        let (hlc, idx) = (u64::try_from(stamp.abs()).unwrap(), u32::try_from(index.abs()).unwrap());
        out.push(1);
        out.push(u8::from(*stamp > 0));
        out.extend(if *stamp > 0 { hlc } else { u64::MAX - hlc }.to_be_bytes());
        out.extend(actor.to_be_bytes());
        out.extend(if *stamp > 0 { idx } else { u32::MAX - idx }.to_be_bytes());
        out.push(*side);
    }
    out.push(0);
    out
}

fn at(left: Option<&Position>, right: Option<&Position>, actor: u64, hlc: u64) -> Position {
    between(left, right, ActorId::from_u64(actor), 0, Hlc::from_u64(hlc)).unwrap()
}

fn depth(position: &Position) -> usize {
    (position.0.len() - 1) / LABEL_BYTES
}

/// One step of the world below: an actor inserts `run` elements into some gap, then perhaps hears everyone.
#[derive(Debug, Clone)]
struct Step {
    actor: usize,
    /// `None`: the middle one, so that many inserts meet.
    gap: Option<prop::sample::Index>,
    run: u32,
    hears: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let gap = prop::option::of(any::<prop::sample::Index>());
    let step = (0..3_usize, gap, 1..4_u32, prop::bool::weighted(0.3));
    prop::collection::vec(step.prop_map(|(actor, gap, run, hears)| Step { actor, gap, run, hears }), 1..60)
}

type Element = (Path, Position);

/// Plays `steps` on three replicas, each seeing its own inserts and what it has heard of; `skew` is added to the first
/// one's stamps, and what the others hear does not move their clocks. Returns all elements, or where the limit was met.
fn play(steps: &[Step], skew: u64) -> Result<Vec<Element>, TestCaseError> {
    let mut all: Vec<Element> = Vec::new();
    let mut views: [Vec<Element>; 3] = Default::default();
    for (time, step) in (1..).zip(steps) {
        let hlc = if step.actor == 0 { time + skew } else { time };
        let actor = step.actor as u64 + 1;
        if step.hears {
            views[step.actor].clone_from(&all);
            views[step.actor].sort();
        }
        for index in 0..step.run {
            let view = &mut views[step.actor];
            let gap = step.gap.map_or(view.len() / 2, |gap| gap.index(view.len() + 1));
            let (left, right) = (gap.checked_sub(1).map(|n| view[n].clone()), view.get(gap).cloned());
            let path = rule(left.as_ref().map_or(&[], |l| &l.0), right.as_ref().map(|r| &r.0), actor, index, hlc);
            let (l, r) = (left.as_ref().map(|l| &l.1), right.as_ref().map(|r| &r.1));
            let new = match between(l, r, ActorId::from_u64(actor), index, Hlc::from_u64(hlc)) {
                Ok(new) => new,
                Err(error) => {
                    prop_assert_eq!(error, PositionError::TooLong { bytes: encode(&path).len() });
                    prop_assert!(encode(&path).len() > POSITION_BYTES_MAX);
                    continue;
                }
            };
            prop_assert_eq!(new.as_bytes(), &encode(&path));
            prop_assert!(l.is_none_or(|l| *l < new) && r.is_none_or(|r| new < *r), "it lies in its gap");
            prop_assert!(all.iter().all(|(_, other)| *other != new), "nobody else has it");
            view.insert(gap, (path.clone(), new.clone()));
            all.push((path, new));
        }
    }
    Ok(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn positions_follow_the_rule_and_order_as_its_paths(steps in steps(), skew in prop_oneof![Just(0_u64), 1..500_u64]) {
        let mut by_path = play(&steps, skew)?;
        let mut by_bytes = by_path.clone();
        by_path.sort_by(|a, b| a.0.cmp(&b.0));
        by_bytes.sort_by(|a, b| a.1.cmp(&b.1));
        prop_assert_eq!(by_path, by_bytes);
    }

    #[test]
    fn a_position_survives_and_no_part_of_it_is_one(steps in steps(), cut in any::<prop::sample::Index>()) {
        let (_, position) = play(&steps, 0)?.pop().unwrap();
        let bytes = position.as_bytes();
        prop_assert_eq!(Position::parse(bytes.clone()), Ok(position.clone()));
        prop_assert_eq!(rmp_serde::from_slice(&rmp_serde::to_vec(&position).unwrap()).ok(), Some(position.clone()));
        let part = bytes.slice(..cut.index(bytes.len()));
        prop_assert!(Position::parse(part.clone()).is_err() && Position::encoded_len(&part).is_none());
        let longer = [bytes, &b"more"[..]].concat();
        prop_assert_eq!(Position::encoded_len(&longer), Some(bytes.len()));
        prop_assert!(Position::parse(longer).is_err());
    }

    #[test]
    fn whatever_parses_can_be_inserted_beside(
        labels in prop::collection::vec((0_u8..3, any::<[u8; 4]>(), 0_u8..3), 0..50), noise in any::<Vec<u8>>(),
    ) {
        let _ = Position::parse(noise);
        let mut bytes = Vec::new();
        for (sign, middle, side) in labels {
            bytes.extend([LABEL, sign.min(1) ^ u8::from(sign == 2)]);
            bytes.extend(middle.repeat(5));
            bytes.push(side.clamp(u8::from(sign == 0), 1));
        }
        bytes.push(END);
        if let Ok(there) = Position::parse(bytes) {
            for (left, right) in [(None, Some(&there)), (Some(&there), None)] {
                match between(left, right, ActorId::from_u64(1), 0, Hlc::from_u64(5)) {
                    Ok(new) => prop_assert!(left.is_none_or(|l| *l < new) && right.is_none_or(|r| new < *r)),
                    Err(PositionError::TooLong { bytes }) => prop_assert!(bytes > POSITION_BYTES_MAX),
                    Err(other) => prop_assert!(false, "{other}"),
                }
            }
        }
    }
}

#[test]
fn ten_thousand_appends_or_prepends_of_two_actors_in_turn_stay_flat() {
    let (mut first, mut last) = (at(None, None, 1, 1), at(None, None, 1, 1));
    for n in 2..10_002_u64 {
        last = at(Some(&last), None, n % 2 + 1, n);
        first = at(None, Some(&first), n % 2 + 1, n);
        assert!(depth(&last) <= 2 && depth(&first) <= 2, "at {n}");
    }
}

#[test]
fn a_clock_that_does_not_follow_nests_appends_no_deeper_than_a_few_labels() {
    let append = |last: &Position, actor, hlc| {
        between(Some(last), None, ActorId::from_u64(actor), 0, Hlc::from_u64(hlc)).unwrap()
    };
    let mut last = at(None, None, 1, 1_000);
    for hlc in 1_001..3_000 {
        let ahead = append(&last, 1, hlc);
        let behind = append(&ahead, 2, hlc - 1_000);
        assert!(last < ahead && ahead < behind);
        assert!(depth(&ahead) <= 5 && depth(&behind) <= 5, "at {hlc}: {} {}", depth(&ahead), depth(&behind));
        last = behind;
    }
}

#[test]
fn typing_in_the_middle_stays_flat() {
    let (a, b) = (at(None, None, 1, 1), at(None, None, 1, 2));
    let mut forwards = at(Some(&a), Some(&b), 2, 3);
    let mut backwards = forwards.clone();
    for n in 4..1_000 {
        forwards = at(Some(&forwards), Some(&b), 2, n);
        backwards = at(Some(&a), Some(&backwards), 2, n);
        assert!(a < backwards && backwards < forwards && forwards < b);
        assert!(depth(&forwards) <= 2 && depth(&backwards) <= 3, "at {n}: {} {}", depth(&forwards), depth(&backwards));
    }
}

#[test]
fn inserts_that_close_in_on_one_gap_are_refused_in_the_end() {
    let (mut left, mut right) = (at(None, None, 1, 1), at(None, None, 1, 2));
    let refused = (3..1_000).find_map(|n| {
        match between(Some(&left), Some(&right), ActorId::from_u64(1), 0, Hlc::from_u64(n)) {
            Ok(new) if n % 2 == 0 => left = new,
            Ok(new) => right = new,
            Err(error) => return Some((n, error)),
        }
        None
    });
    let (n, error) = refused.unwrap();
    assert_eq!(error, PositionError::TooLong { bytes: 45 * LABEL_BYTES + 1 });
    assert!(n > 44, "at {n}");
    assert!(left < right && depth(&left).max(depth(&right)) == 44);
}

#[test]
fn neighbours_out_of_order_are_refused() {
    let (a, b) = (at(None, None, 1, 1), at(None, None, 1, 2));
    for (left, right) in [(&b, &a), (&a, &a)] {
        let answer = between(Some(left), Some(right), ActorId::from_u64(1), 0, Hlc::from_u64(9));
        assert_eq!(answer, Err(PositionError::OutOfOrder));
    }
}

#[test]
fn bytes_that_are_no_position_are_refused() {
    let good = encode(&vec![(5, 7, 0, 0), (-6, 7, -3, 1)]);
    assert!(Position::parse(good.clone()).is_ok());
    let with = |at: usize, byte| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let end = good.len() - 1;
    for (bad, what) in [
        (vec![], "nothing"),
        (vec![0], "the empty path, which is no element's"),
        (with(0, 2), "no label"),
        (with(1, 2), "a sign of 2"),
        (with(22, 2), "a side of 2"),
        (with(end, 1), "no end"),
        (with(end - 1, 0), "an element on the left side"),
        (with(23, 0), "an end too early, on the left side"),
    ] {
        assert!(matches!(Position::parse(bad), Err(PositionError::Malformed { .. })), "{what}");
    }
    let deep = encode(&vec![(5, 7, 0, 1); 45]);
    assert_eq!(Position::parse(deep.clone()), Err(PositionError::TooLong { bytes: 1_036 }));
    assert_eq!(Position::encoded_len(&deep), None);
    assert!(Position::parse(encode(&vec![(5, 7, 0, 1); 44])).is_ok());
    let in_a_row = rmp_serde::to_vec(&Bytes::from_static(b"\0")).unwrap();
    assert!(rmp_serde::from_slice::<Position>(&in_a_row).is_err(), "decoding parses");
}
