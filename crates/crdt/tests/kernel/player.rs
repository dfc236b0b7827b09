//! Plays examples that a person can check: lines in, a failure that names the line out.
//!
//! Regions are replicas 0, 1 and 2, called `A`, `B` and `C`. Between lines nothing travels unless a line says so.

use std::collections::BTreeSet;

use halcyon_crdt::query::PageRequest;
use halcyon_crdt::{Answer, Query, ReadError, read};
use halcyon_types::UnixMs;

use crate::universe::{At, ELEMENTS};
use crate::world::{Act, Change, Replica};

pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;
pub(crate) const C: usize = 2;

/// The key of most scenarios, its fields `f` and `f/g`, and another key.
pub(crate) const K: At = At(0);
pub(crate) const F: At = At(3);
pub(crate) const F_G: At = At(4);
pub(crate) const F_OTHER: At = At(5);
pub(crate) const F_F: At = At(6);
pub(crate) const K2: At = At(1);

/// Three elements.
pub(crate) const X: usize = 1;
pub(crate) const Y: usize = 2;
pub(crate) const Z: usize = 3;

pub(crate) enum Line {
    /// One transaction at a region.
    Do(usize, Vec<Change>),
    /// From now on, what the region's `stale` transactions see.
    Begin(usize),
    /// One transaction that sees the region's snapshot.
    Stale(usize, Vec<Change>),
    /// The region's next stamp is at least this.
    Clock(usize, u64),
    /// The second takes all that the first has, relays included.
    Pull(usize, usize),
    /// The second takes what the first itself wrote.
    PullOwn(usize, usize),
    /// All pairs until quiet; then all hold the same bytes.
    Sync,
    /// What one region sees.
    Sees(usize, See),
    /// What every region sees.
    AllSee(See),
}

#[derive(Clone)]
pub(crate) enum See {
    /// A register's value, by the number that was set.
    Value(At, Option<u8>),
    Sum(At, Option<i128>),
    Elements(At, &'static [usize]),
    Fields(At, &'static [&'static [u8]]),
}

pub(crate) use Line::{AllSee, Begin, Clock, Do, Pull, PullOwn, Sees, Stale, Sync};
pub(crate) use See::{Elements, Fields, Sum, Value};

pub(crate) fn set(at: At, value: u8) -> Vec<Change> {
    one(at, Act::Set(value))
}
pub(crate) fn add(at: At, amount: i64) -> Vec<Change> {
    one(at, Act::Add(amount))
}
pub(crate) fn reset(at: At) -> Vec<Change> {
    one(at, Act::Reset)
}
pub(crate) fn insert(at: At, element: usize) -> Vec<Change> {
    one(at, Act::Insert(element))
}
pub(crate) fn remove(at: At, element: usize) -> Vec<Change> {
    one(at, Act::Remove(element))
}
pub(crate) fn delete(at: At) -> Vec<Change> {
    one(at, Act::Delete)
}
fn one(at: At, act: Act) -> Vec<Change> {
    vec![Change { at, act }]
}

pub(crate) fn play(name: &str, lines: &[Line]) {
    let mut world: Vec<_> = (0..3).map(Replica::new).collect();
    for (number, line) in lines.iter().enumerate() {
        let place = format!("{name}, line {}", number + 1);
        match line {
            Do(at, changes) => commit(&mut world[*at], changes, false),
            Stale(at, changes) => commit(&mut world[*at], changes, true),
            Begin(at) => world[*at].begin(),
            Clock(at, stamp) => world[*at].turn_clock(*stamp),
            Pull(from, to) => pull(&mut world, *from, *to, false),
            PullOwn(from, to) => pull(&mut world, *from, *to, true),
            Sync => {
                for _ in 0..world.len() {
                    (0..3).for_each(|from| (0..3).for_each(|to| pull(&mut world, from, to, false)));
                }
                assert!(world.iter().all(|r| r.bytes() == world[0].bytes()), "{place}: replicas differ");
            }
            Sees(at, see) => assert_sees(&mut world[*at], see, &place),
            AllSee(see) => world.iter_mut().for_each(|replica| assert_sees(replica, see, &place)),
        }
    }
}

fn commit(replica: &mut Replica, changes: &[Change], stale: bool) {
    let record = replica.prepare(0, changes, stale).unwrap().expect("no amount is large");
    replica.take(&record);
}

fn pull(world: &mut [Replica], from: usize, to: usize, own: bool) {
    let log = world[from].log.clone();
    for record in log.iter().filter(|record| !own || record.replica == from) {
        if world[to].may_take(record) {
            world[to].take(record);
        }
    }
}

/// A read of the wrong type shows the empty value here.
fn assert_sees(replica: &mut Replica, see: &See, place: &str) {
    let all = PageRequest { after: None, items_max: 100 };
    let mut ask = |at: &At, query: Query| match read(&mut replica.rows, at.object(), &query, UnixMs(0)) {
        Ok(answer) => Some(answer),
        Err(ReadError::WrongType { .. }) => None,
        Err(e) => panic!("{place}: {e}"),
    };
    let items = |answer| match answer {
        Some(Answer::Page(page)) => page.items.into_iter().collect::<BTreeSet<_>>(),
        _ => BTreeSet::new(),
    };
    match see {
        Value(at, expected) => match ask(at, Query::Get) {
            Some(Answer::Value(Some(value))) => assert_eq!(value.first().copied(), *expected, "{place}"),
            _ => assert_eq!(*expected, None, "{place}"),
        },
        Sum(at, expected) => match ask(at, Query::Sum) {
            Some(Answer::Sum(sum)) => assert_eq!(sum, *expected, "{place}"),
            _ => assert_eq!(*expected, None, "{place}"),
        },
        Elements(at, expected) => {
            let found = items(ask(at, Query::Elements(all)));
            assert!(found.iter().eq(expected.iter().map(|i| ELEMENTS[*i])), "{place}: {found:?}");
        }
        Fields(at, expected) => {
            let found = items(ask(at, Query::Fields(all)));
            assert!(found.iter().eq(expected.iter().copied()), "{place}: {found:?}");
        }
    }
}
