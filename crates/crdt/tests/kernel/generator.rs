//! Random programs for a [`crate::world`], short and full of conflict, that shrink to a few steps.

use proptest::prelude::*;
use proptest::sample::select;

use crate::universe::{ACTORS, At, ELEMENTS};
use crate::world::{Act, Change};

/// A world's whole life.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) replicas: usize,
    pub(crate) steps: Vec<Step>,
}

/// What happens next. Replicas count modulo the number there are.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A transaction that sees the present; its stamp lies `ahead` further than it needs to.
    Commit { at: usize, ahead: u64, changes: Vec<Change> },
    /// The snapshot that later stale transactions of this replica see.
    Begin { at: usize },
    /// A transaction that sees the replica's snapshot, if it has one.
    CommitStale { at: usize, ahead: u64, changes: Vec<Change> },
    /// `to` asks `from` for what it lacks: at most `most` records, only `from`'s own or whatever it has (a relay).
    Pull { from: usize, to: usize, own: bool, most: usize },
    /// Any one record of the world that `to` may take next.
    Receive { to: usize, pick: usize },
}

/// What a program is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Diet {
    /// Keys that are registers.
    Registers,
    /// Keys that are counters; now and then amounts near the ends of 64 bits.
    Counters,
    /// Keys that are sets.
    Sets,
    /// Fields of every type, to depth three, and removals of fields and keys.
    Maps,
    /// Everything everywhere.
    Mixed,
}

pub(crate) fn programs(diet: Diet) -> impl Strategy<Value = Program> {
    let steps = prop::collection::vec(step(diet), 1..=20);
    (prop_oneof![3 => Just(3), 1 => Just(ACTORS)], steps).prop_map(|(replicas, steps)| Program { replicas, steps })
}

fn step(diet: Diet) -> impl Strategy<Value = Step> {
    let changes = || prop::collection::vec(change(diet), 1..=3);
    let ahead = || prop_oneof![6 => Just(0_u64), 1 => 1..9_u64];
    let replica = || 0..ACTORS;
    prop_oneof![
        6 => (replica(), ahead(), changes()).prop_map(|(at, ahead, changes)| Step::Commit { at, ahead, changes }),
        3 => replica().prop_map(|at| Step::Begin { at }),
        3 => (replica(), ahead(), changes()).prop_map(|(at, ahead, changes)| Step::CommitStale { at, ahead, changes }),
        5 => (replica(), replica(), any::<bool>(), 1..6_usize)
            .prop_map(|(from, to, own, most)| Step::Pull { from, to, own, most }),
        3 => (replica(), 0..8_usize).prop_map(|(to, pick)| Step::Receive { to, pick }),
    ]
}

fn change(diet: Diet) -> BoxedStrategy<Change> {
    let on = |places: Vec<At>, act: BoxedStrategy<Act>| {
        (select(places), act).prop_map(|(at, act)| Change { at, act }).boxed()
    };
    let set = || (0..3_u8).prop_map(Act::Set).boxed();
    let insert = || (0..ELEMENTS.len()).prop_map(Act::Insert).boxed();
    let remove = || (0..ELEMENTS.len()).prop_map(Act::Remove).boxed();
    let add = || (-9..=99_i64).prop_map(Act::Add).boxed();
    let unset = || Just(Act::Unset).boxed();
    let reset = || Just(Act::Reset).boxed();
    let delete = || Just(Act::Delete).boxed();
    let leaf = |places: Vec<At>| {
        prop_oneof![
            3 => on(places.clone(), set()),
            1 => on(places.clone(), unset()),
            5 => on(places.clone(), add()),
            3 => on(places.clone(), insert()),
            2 => on(places.clone(), reset()),
            1 => on(places, remove()),
        ]
        .boxed()
    };
    match diet {
        Diet::Registers => prop_oneof![
            6 => on(At::keys(), set()),
            1 => on(At::keys(), unset()),
            1 => on(At::keys(), delete()),
        ]
        .boxed(),
        Diet::Counters => {
            let huge = select(vec![i64::MAX, i64::MIN, 1 << 62, -(1 << 62)]).prop_map(Act::Add);
            let add = prop_oneof![12 => add(), 1 => huge].boxed();
            prop_oneof![4 => on(At::keys(), add), 1 => on(At::keys(), reset()), 1 => on(At::keys(), delete())].boxed()
        }
        Diet::Sets => prop_oneof![
            4 => on(At::keys(), insert()),
            2 => on(At::keys(), remove()),
            1 => on(At::keys(), delete()),
        ]
        .boxed(),
        Diet::Maps => prop_oneof![
            4 => leaf(At::fields()),
            1 => on(At::fields(), delete()),
            1 => on(At::keys(), delete()),
        ]
        .boxed(),
        Diet::Mixed => prop_oneof![4 => leaf(At::anything()), 1 => on(At::anything(), delete())].boxed(),
    }
}
