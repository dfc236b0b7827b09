//! Turns of events that chance alone seldom finds, as lines of the language for regions X, Y and Z. A third of all programs
//! has one, somewhere in the middle of everything else.

use halcyon_sim::dice::Dice;
use halcyon_sim::scenario::{Region, StepKind};
use halcyon_sim::workload::diet::Diet;

const REGISTERS: [&str; 2] = [
    "X set k a; save X p; X set k b; X set k c ctx=p; Y set k d",
    "X set k a 10; Y set k b; sync; advance 10; Z set k c 20",
];
const COUNTERS: [&str; 5] = [
    "X incr k 9223372036854775807; txn X reset k;incr k 1; X incr k 5",
    "X incr k 2; X set l v; save X p; txn X reset k;incr k 3; X reset k ctx=p",
    "X incr k 2; save X p; X incr k 3; X reset k ctx=p",
    "X incr k 2; sync; begin X t; Y incr k 5; X incr k 7; X@t reset k; Y->X; commit X t; Y reset k",
    "X incr k 2; X->Y; Y reset k; X incr k 3; sync; save X q; X incr k 4; X->Y; Y del k ctx=q",
];
const SORTED_SETS: [&str; 2] = [
    "X zadd k x 1; X zincr k x 2; sync; X zadd k x 5; Y zincr k x 0.5; Z zrem k x",
    "X zincr k x 2; save X p; X zincr k x 3; X zadd k x 1 ctx=p; X zrem k x ctx=p",
];
const LISTS: [&str; 4] = [
    "X rpush k a b; sync; X linsafter k a c; Y linsafter k a d; Z linsbefore k b e; sync; Y linsafter k c a; X linsbefore k d b",
    "X rpush k a b; sync; X lset k a c; Y lset k a b; Z lrem k a; X->Y; Y lset-at k 0 a",
    "X rpush k a b; X linsafter k a c; X linsbefore k c d; X linsafter k d e; X linsbefore k e f; X linsafter k f g",
    "X rpush k a b c; sync; begin Y t; X lmove k a back; Y@t lmove k a front; Y@t linsat k 1 d e; Y@t lrem k a; commit Y t",
];
const BOUNDED: [&str; 5] = [
    "X binc k 5; begin X t; begin X u; X@t bdec k 4; X@u bdec k 4; commit X u; commit X t; sync",
    "X binc k 5; begin Y t; X bgive k Y 3; X->Y; Y@t bdec k 2; Y bgive k Z 2; commit Y t; Y bdec k 1",
    "X binc k 5; Y binc k 3; sync; X bgive k Y 4; X->Y; Y bdec k 6; sync; Z binc k 2",
    "X binc k 9; sync; begin Y t; Y@t binc k 2; X del k; X binc k 4; commit Y t; X->Y; Y binc k 1",
    "X binc k 5; Y binc k 3; sync; Y bgive k X 3; sync; X bgive k Z 7; X del k; X->Z; Z bdec k 7",
];
const HYPERLOGLOGS: [&str; 1] =
    ["X pfadd k a; Y pfadd k b; sync; begin Z t; Z@t del k; Y pfadd k c; Y->Z; Z@t pfadd k d; commit Z t"];
const DEADLINES: [&str; 3] = [
    "X sadd k x; X expire k 10; sync; advance 20; X sadd k y; Y incr k 1; Z persist k",
    "X rpush k a b; X expire k 10; sync; begin Y t; advance 20; Y@t rpush k c; Y@t lset-at k 0 d; X persist k; X->Y; commit Y t",
    "X binc k 5; X expire k 10; sync; advance 20; X bdec k 1; Y binc k 2; Y expire k 30; Z persist k; sync; advance 30",
];

/// One of a diet's turns, if it has any.
pub(crate) fn motif(diet: Diet, dice: &mut Dice) -> Vec<StepKind> {
    let known: Vec<&str> = match diet {
        Diet::Registers => REGISTERS.to_vec(),
        Diet::Counters => COUNTERS.to_vec(),
        Diet::SortedSets => SORTED_SETS.to_vec(),
        Diet::Lists => LISTS.to_vec(),
        Diet::BoundedCounters => BOUNDED.to_vec(),
        Diet::HyperLogLogs => HYPERLOGLOGS.to_vec(),
        Diet::Deadlines => DEADLINES.to_vec(),
        Diet::Mixed | Diet::Maps => [&REGISTERS[..], &COUNTERS, &SORTED_SETS, &LISTS, &BOUNDED, &DEADLINES].concat(),
        Diet::Values | Diet::Sets => return Vec::new(),
    };
    let mut cast = Region::ALL.to_vec();
    let (first, second) = (dice.index(3), dice.index(2));
    let mut regions = vec![cast.remove(first)];
    regions.push(cast.remove(second));
    regions.push(cast.remove(0));
    let played = ["X", "Y", "Z"]
        .iter()
        .zip(&regions)
        .fold((*dice.pick(&known).unwrap()).to_owned(), |text, (role, region)| text.replace(role, &region.to_string()));
    played.split("; ").map(|line| StepKind::parse(line).unwrap()).collect()
}
