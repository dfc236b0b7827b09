//! The table of concurrent pairs of DESIGN §4, each played between two regions and between two transactions of one
//! region; and the last word within one transaction.

use crate::player::*;
use crate::world::{Change, Replica};

#[test]
fn a_transaction_keeps_its_last_word() {
    let last_word = |name, changes: Vec<Vec<Change>>, sees: Vec<See>| {
        let before = [Do(A, [set(K, 9), add(K, 9), insert(K, X)].concat()), Do(A, changes.concat()), Sync];
        play(name, &before.into_iter().chain(sees.into_iter().map(AllSee)).collect::<Vec<_>>());
    };
    last_word(
        "write, then delete",
        vec![set(K, 1), add(K, 1), insert(K, Y), delete(K)],
        vec![Value(K, None), Sum(K, None), Elements(K, &[])],
    );
    last_word(
        "delete, then write",
        vec![delete(K), set(K, 1), add(K, 1), insert(K, Y)],
        vec![Value(K, Some(1)), Sum(K, Some(1)), Elements(K, &[Y])],
    );
    last_word(
        "add, reset, add",
        vec![add(K, 5), reset(K), add(K, 2), add(K, 3)],
        vec![Sum(K, Some(5)), Value(K, Some(9))],
    );
    last_word("set twice", vec![set(K, 1), set(K, 2)], vec![Value(K, Some(2))]);
    last_word("insert, remove, insert", vec![insert(K, X), remove(K, X), insert(K, X)], vec![Elements(K, &[X])]);
}

/// A name, what was there before, the two changes, and what everybody sees once both have arrived everywhere.
type Pair = (&'static str, Vec<Change>, Vec<Change>, Vec<Change>, Vec<See>);

/// What a refused increment tells its client to do (reset first) must help, in the same transaction too.
#[test]
fn a_reset_gives_a_full_counter_room_again() {
    let mut replica = Replica::new(A);
    let mut commits = |changes: &[Change]| {
        let record = replica.prepare(0, changes, false).unwrap();
        record.inspect(|record| replica.take(record)).is_some()
    };
    assert!(commits(&add(K, i64::MAX)));
    assert!(!commits(&add(K, 1)), "past 64 bits");
    assert!(commits(&[reset(K), add(K, i64::MAX)].concat()));
    assert!(!commits(&add(K, 1)), "past 64 bits");
    assert!(commits(&delete(K)) && commits(&add(K, i64::MIN)));
}

/// DESIGN §4: neither of the two saw the other. Between regions it does not matter who is A; within one region both are
/// transactions on one snapshot, whichever commits first.
#[test]
fn p6_concurrent_pairs_come_out_as_the_table_says() {
    let pairs: Vec<Pair> = vec![
        ("set ‖ delete", set(K, 1), set(K, 2), delete(K), vec![Value(K, Some(2))]),
        ("inc ‖ reset", add(K, 10), add(K, 3), reset(K), vec![Sum(K, Some(3))]),
        ("inc ‖ inc", add(K, 10), add(K, 3), add(K, 4), vec![Sum(K, Some(17))]),
        ("reset ‖ reset", add(K, 10), reset(K), reset(K), vec![Sum(K, None)]),
        (
            "reset and inc ‖ reset and inc",
            add(K, 10),
            [reset(K), add(K, 1)].concat(),
            [reset(K), add(K, 2)].concat(),
            vec![Sum(K, Some(3))],
        ),
        ("add ‖ remove", insert(K, X), insert(K, X), remove(K, X), vec![Elements(K, &[X])]),
        ("add ‖ remove of what was not there", vec![], insert(K, X), remove(K, X), vec![Elements(K, &[X])]),
        (
            "update ‖ remove field",
            [set(F_G, 1), set(F_F, 1)].concat(),
            set(F_G, 2),
            delete(F),
            vec![Value(F_G, Some(2)), Value(F_F, None), Fields(F, &[b"g"])],
        ),
        (
            "nested add ‖ remove parent",
            [insert(F_G, X), add(F_G, 5)].concat(),
            insert(F_G, Y),
            delete(F),
            vec![Elements(F_G, &[Y]), Sum(F_G, None)],
        ),
        (
            "nested inc ‖ delete key",
            [add(F_G, 5), set(K, 1)].concat(),
            add(F_G, 2),
            delete(K),
            vec![Sum(F_G, Some(2)), Value(K, None)],
        ),
        (
            "delete ‖ delete",
            [set(K, 1), add(K, 1), insert(K, X)].concat(),
            delete(K),
            delete(K),
            vec![Value(K, None), Sum(K, None), Elements(K, &[])],
        ),
    ];
    for (name, before, left, right, sees) in pairs {
        for (first, second) in [(&left, &right), (&right, &left)] {
            let start = || {
                if before.is_empty() { Begin(C) } else { Do(A, before.clone()) }
            };
            let end = || sees.iter().cloned().map(AllSee);
            let regions = [start(), Sync, Do(A, first.clone()), Do(B, second.clone()), Sync];
            play(&format!("{name}, two regions"), &regions.into_iter().chain(end()).collect::<Vec<_>>());
            let one = [start(), Sync, Begin(B), Stale(B, first.clone()), Stale(B, second.clone()), Sync];
            play(&format!("{name}, one region"), &one.into_iter().chain(end()).collect::<Vec<_>>());
        }
    }
}
