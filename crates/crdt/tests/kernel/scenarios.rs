//! The conformance scenarios of registers, counters, sets and maps, by their names there.

use crate::player::*;

#[test]
fn registers_hold_their_scenarios() {
    let at = |region, stamp| Clock(region, stamp);
    let end = |value| [Sync, AllSee(Value(K, value))];
    let r = |name, lines: Vec<Line>, value| {
        play(name, &lines.into_iter().chain(end(value)).collect::<Vec<_>>());
    };
    let (x, y) = (Some(1), Some(2));
    r("R1 higher stamp wins", vec![at(A, 2_100), at(B, 2_200), at(C, 2_050), Do(A, set(K, 1)), Do(B, set(K, 2))], y);
    r("R2 equal stamps, higher actor wins", vec![at(A, 2_100), at(B, 2_100), Do(A, set(K, 1)), Do(B, set(K, 2))], y);
    r(
        "R3 a causal overwrite beats a clock far ahead",
        vec![at(A, 3_600_000), Do(A, set(K, 1)), Pull(A, B), Do(B, set(K, 2))],
        y,
    );
    r("R5 set ‖ delete survives", vec![Do(A, set(K, 0)), Sync, Do(A, delete(K)), Do(B, set(K, 2))], y);
    r("R6 two deletes", vec![Do(A, set(K, 1)), Sync, Do(A, delete(K)), Do(B, delete(K))], None);
    r(
        "A2 a record comes by relay",
        vec![Do(A, set(K, 1)), Pull(A, B), Do(B, set(K2, 2)), Pull(B, C), Sees(C, Value(K, x)), Sees(C, Value(K2, y))],
        x,
    );
}

#[test]
fn counters_hold_their_scenarios() {
    let c = |name, lines: Vec<Line>, sum| {
        play(name, &lines.into_iter().chain([Sync, AllSee(Sum(K, Some(sum)))]).collect::<Vec<_>>());
    };
    c("C1 sums", vec![Do(A, add(K, 7)), Do(B, add(K, 3)), Sync, Do(A, add(K, -3)), Do(B, add(K, 6))], 13);
    c(
        "C2 a reset keeps exactly what is concurrent",
        vec![Do(A, add(K, 100)), Pull(A, B), Do(B, reset(K)), Do(A, add(K, 30))],
        30,
    );
    c(
        "C3 two resets do not subtract twice",
        vec![Do(A, add(K, 10)), Sync, Do(A, reset(K)), Do(B, reset(K)), Do(C, add(K, 5))],
        5,
    );
    c("C6 delete ‖ increment", vec![Do(A, add(K, 4)), Sync, Do(A, delete(K)), Do(B, add(K, 2))], 2);
}

#[test]
fn sets_hold_their_scenarios() {
    let s = |name, lines: Vec<Line>, elements| {
        play(name, &lines.into_iter().chain([Sync, AllSee(Elements(K, elements))]).collect::<Vec<_>>());
    };
    s("S1 add ‖ remove", vec![Do(A, insert(K, X)), Sync, Do(A, remove(K, X)), Do(B, insert(K, X))], &[X]);
    s("S2 a remove of what it never saw does nothing", vec![Do(A, insert(K, X)), Do(B, remove(K, X))], &[X]);
    s(
        "S3 delete keeps concurrent adds only",
        vec![
            Do(A, insert(K, X)),
            Do(A, insert(K, Y)),
            Sync,
            Do(A, delete(K)),
            Do(B, insert(K, Z)),
            Do(B, insert(K, X)),
        ],
        &[X, Z],
    );
    let held = vec![
        Do(A, insert(K, X)),
        Pull(A, B),
        Do(B, remove(K, X)),
        PullOwn(B, C),
        Sees(C, Elements(K, &[])),
        Pull(A, C),
        Sees(C, Elements(K, &[X])),
        PullOwn(B, C),
        Sees(C, Elements(K, &[])),
    ];
    s("S4 a remove that overtakes its add is held back", held, &[]);
}

#[test]
fn maps_and_transactions_hold_their_scenarios() {
    play(
        "H1 different fields merge",
        &[Do(A, set(F, 1)), Do(B, set(F_OTHER, 2)), Sync, AllSee(Fields(K, &[b"f", b"f\0\xFF"]))],
    );
    // u = f, name = f/g, city = f/f; visits is the counter at f/g.
    play(
        "H2 remove field ‖ nested update keeps only the update",
        &[
            Do(A, set(F_G, 1)),
            Do(A, set(F_F, 2)),
            Do(A, add(F_G, 10)),
            Sync,
            Do(A, delete(F)),
            Do(B, add(F_G, 1)),
            Do(B, set(F_F, 3)),
            Sync,
            AllSee(Value(F_G, None)),
            AllSee(Value(F_F, Some(3))),
            AllSee(Sum(F_G, Some(1))),
            AllSee(Fields(K, &[b"f"])),
        ],
    );
    play(
        "H4 one field, two types",
        &[Do(A, set(F, 1)), Do(B, add(F, 5)), Sync, AllSee(Value(F, Some(1))), AllSee(Sum(F, Some(5)))],
    );
    play(
        "T1 one key, two types",
        &[
            Do(A, set(K, 1)),
            Do(B, insert(K, X)),
            Sync,
            AllSee(Value(K, Some(1))),
            AllSee(Elements(K, &[X])),
            Do(C, delete(K)),
            Sync,
            AllSee(Value(K, None)),
            AllSee(Elements(K, &[])),
        ],
    );
    let all_three = [set(K, 1), insert(K, X), add(K, 1)].concat();
    play(
        "A1 a transaction is atomic and causal",
        &[
            Do(A, all_three),
            PullOwn(A, B),
            Sees(B, Value(K, Some(1))),
            Sees(B, Elements(K, &[X])),
            Sees(B, Sum(K, Some(1))),
            Do(B, set(K2, 2)),
            PullOwn(B, C),
            Sees(C, Value(K2, None)),
            PullOwn(A, C),
            PullOwn(B, C),
            Sees(C, Value(K2, Some(2))),
            Sees(C, Value(K, Some(1))),
        ],
    );
}
