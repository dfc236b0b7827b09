//! The registers against a plain array of 16,384 ranks.

use proptest::prelude::*;

use super::*;

fn bytes(registers: &Registers) -> Vec<u8> {
    rmp_serde::to_vec(registers).unwrap()
}

fn decode(bytes: &[u8]) -> Result<Registers, rmp_serde::decode::Error> {
    let mut framed = vec![0xc5];
    framed.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
    framed.extend(bytes);
    rmp_serde::from_slice(&framed)
}

/// Observations whose number of registers is spread around the place where the form changes.
fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let some = |most| prop::collection::vec((0..REGISTERS, 1..=RANK_MAX), 0..most);
    prop_oneof![some(2 * FEW), some(1_000), some(7_000)]
}

/// The maximum of each register, and nothing clever.
fn plain(observations: &[Observation]) -> Vec<Observation> {
    let mut ranks = vec![0; usize::from(REGISTERS)];
    for (index, rank) in observations {
        ranks[usize::from(*index)] = (*rank).max(ranks[usize::from(*index)]);
    }
    (0..).zip(ranks).filter(|(_, rank)| *rank > 0).collect()
}

fn full(count: u16) -> Registers {
    (0..count).map(|index| (index, 1)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn registers_hold_the_maximum_in_canonical_bytes(seen in observations()) {
        let registers: Registers = seen.iter().copied().collect();
        let expected = plain(&seen);
        prop_assert_eq!(registers.iter().collect::<Vec<_>>(), expected.clone());
        prop_assert_eq!(registers.len_nonzero(), expected.len());
        prop_assert_eq!(matches!(registers.0, Form::Dense(_)), 3 * expected.len() > 12_288);

        let backwards: Registers = seen.iter().rev().copied().collect();
        prop_assert_eq!(bytes(&registers), bytes(&backwards));
        prop_assert_eq!(&rmp_serde::from_slice::<Registers>(&bytes(&registers)).unwrap(), &registers);
        prop_assert!(registers.weight() <= size_of::<Registers>() + 12_288);
    }

    #[test]
    fn a_union_is_everything_raised_in_any_order(a in observations(), b in observations(), c in observations()) {
        let of = |seen: &[Observation]| seen.iter().copied().collect::<Registers>();
        let union = |x: &Registers, y: &Registers| { let mut all = x.clone(); all.union(y); all };
        let (ra, rb, rc) = (of(&a), of(&b), of(&c));
        let untouched = bytes(&ra);

        let ab = union(&ra, &rb);
        prop_assert_eq!(bytes(&ab), bytes(&of(&[a.clone(), b.clone()].concat())), "as if all were raised");
        prop_assert_eq!(bytes(&ab), bytes(&union(&rb, &ra)), "commutative");
        prop_assert_eq!(bytes(&union(&ab, &rc)), bytes(&union(&ra, &union(&rb, &rc))), "associative");
        prop_assert_eq!(bytes(&union(&ab, &ra)), bytes(&ab), "idempotent");
        prop_assert_eq!(ab.iter().collect::<Vec<_>>(), plain(&[a, b].concat()));
        prop_assert_eq!(bytes(&ra), untouched, "a clone's changes are its own");
    }

    #[test]
    fn any_bytes_decode_to_canonical_registers_or_an_error(
        form in 0_u8..3, body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::collection::vec(any::<u8>(), 12_288),
            prop::collection::vec(prop_oneof![Just(0_u8), Just(65)], 12_288),
        ],
    ) {
        let given = [&[form], body.as_slice()].concat();
        if let Ok(registers) = decode(&given) {
            prop_assert_eq!(bytes(&registers), rmp_serde::to_vec(&bytes::Bytes::from(given)).unwrap());
            let again: Registers = registers.iter().collect();
            prop_assert_eq!(again, registers);
        }
        let _ = rmp_serde::from_slice::<Registers>(&body);
    }
}

#[test]
fn the_form_changes_exactly_where_dense_becomes_smaller() {
    let mut registers = full(4_096);
    assert_eq!(registers.cells().as_flattened().len(), 12_288);
    assert!(matches!(registers.0, Form::Sparse(_)));
    assert!(registers.raise(4_096, 51) && matches!(registers.0, Form::Dense(_)));
    assert!(!registers.raise(4_096, 51) && !registers.raise(4_096, 50), "no higher, no change");

    let mut lower = full(4_096);
    lower.union(&full(4_096));
    assert_eq!(lower, full(4_096), "merged by way of the dense form, sparse again");
}

#[test]
fn every_register_can_be_raised_and_nothing_else() {
    let all: Registers = (0..REGISTERS).map(|index| (index, RANK_MAX)).collect();
    assert_eq!(all.len_nonzero(), usize::from(REGISTERS));
    assert!(all.iter().all(|(_, rank)| rank == RANK_MAX));
    let mut none = Registers::default();
    assert!(!none.raise(REGISTERS, 1) && !none.raise(u16::MAX, 1) && !none.raise(0, 0) && !none.raise(0, 52));
    assert_eq!(none, Registers::default());
}

#[test]
fn bytes_that_are_not_canonical_are_refused() {
    let dense_of = |count| {
        let mut registers = full(count);
        registers.unfold();
        [&[DENSE], registers.cells().as_flattened()].concat()
    };
    let sparse_of = |count: u16| [vec![SPARSE], (0..count).flat_map(|index| list(index, 1)).collect()].concat();
    let mut rank_52 = dense_of(5_000);
    rank_52[1..4].copy_from_slice(&pack([52, 1, 1, 1]));

    for good in [vec![0], sparse_of(1), sparse_of(4_096), dense_of(4_097), vec![0, 0x3f, 0xff, 51]] {
        assert!(decode(&good).is_ok());
    }
    for (bad, why) in [
        (vec![], "no bytes"),
        (vec![2], "neither the sparse nor the dense form"),
        (vec![0, 0, 0], "not 0 to 4096 cells"),
        (sparse_of(4_097), "not 0 to 4096 cells"),
        (vec![0, 0, 2, 1, 0, 1, 1], "not sorted"),
        (vec![0, 0, 1, 1, 0, 1, 2], "not sorted"),
        (vec![0, 0x40, 0, 1], "out of range"),
        (vec![0, 0, 0, 0], "out of range"),
        (vec![0, 0, 0, 52], "out of range"),
        (rank_52, "out of range"),
        (vec![1], "another length"),
        (dense_of(4_096), "dense where sparse"),
        ([dense_of(5_000), vec![0]].concat(), "not 0 to 4096 cells"),
        (dense_of(5_000)[..12_286].to_vec(), "another length"),
    ] {
        let error = decode(&bad).unwrap_err().to_string();
        assert!(error.contains(why), "{error}, expected {why}");
    }
    assert!(rmp_serde::from_slice::<Registers>(&[0x93, 0, 0, 1]).is_err(), "an array is no byte string");
}
