//! Holds a replica's rows and reads against the oracle.

use std::collections::BTreeSet;

use bytes::Bytes;
use halcyon_crdt::query::PageRequest;
use halcyon_crdt::{Answer, Entry, Interval, Kind, MemoryRows, Page, Query, ReadError, Row, read};
use halcyon_types::{Dot, Hlc, Seq, UnixMs};
use proptest::prelude::{prop_assert, prop_assert_eq};
use proptest::test_runner::{TestCaseError, TestCaseResult};

use crate::oracle::{Survivor, Truth, increments};
use crate::universe::{At, ELEMENTS, Place, actor, place_of};
use crate::world::Replica;

const NOW: UnixMs = UnixMs(0);

/// The rows are exactly the survivors: no entry more, none less, each with its dot, stamp and value, in order.
pub(crate) fn rows_are_the_survivors(replica: &Replica, truth: &Truth) -> TestCaseResult {
    let mut accounted = 0;
    for (key, row) in replica.rows.iter() {
        let found = place_of(key);
        prop_assert!(found.is_some(), "a row that no write can have made: {:?}", key);
        let Some((place, counted)) = found else { continue };
        let here = |s: &&Survivor| s.place == place && counted.is_none_or(|replica| s.replica == replica);
        let mut survivors: Vec<_> = truth.survivors.iter().filter(here).collect();
        prop_assert!(!survivors.is_empty(), "a row at {:?}, but nothing survives there", place);
        accounted += survivors.len();
        match row {
            Row::Entries(entries) => {
                survivors.sort_by_key(|s| (actor(s.replica), s.seq));
                let expected: Vec<_> = survivors.into_iter().map(entry).collect();
                prop_assert_eq!(entries, &expected, "the entries at {:?}", place);
            }
            Row::Interval(interval) => {
                let replica_counted = counted.unwrap_or_default();
                interval_is(*interval, &survivors, replica, place, replica_counted)?;
            }
        }
    }
    prop_assert_eq!(accounted, truth.survivors.len(), "a survivor has no row; survivors: {:?}", truth.survivors);
    Ok(())
}

fn entry(survivor: &Survivor) -> Entry {
    Entry {
        dot: Dot { actor: actor(survivor.replica), seq: Seq(survivor.seq) },
        hlc: Hlc::from_u64(survivor.hlc),
        expiry: None,
        payload: survivor.payload(),
    }
}

/// An interval begins at or behind the last increment that no longer counts, before the first that does, and ends with
/// the last that does; between its ends lies what they add up to.
fn interval_is(
    interval: Interval,
    survivors: &[&Survivor],
    replica: &Replica,
    place: Place,
    counted: usize,
) -> TestCaseResult {
    let counts = |seq: u64| survivors.iter().any(|s| s.seq == seq);
    let made = || increments(&replica.log, place, counted).map(|(seq, _)| seq);
    let (first, last) = (made().find(|seq| counts(*seq)), made().filter(|seq| counts(*seq)).max());
    let gone = made().filter(|seq| !counts(*seq)).max().unwrap_or(0);
    prop_assert_eq!(Some(interval.hi_seq.0), last, "the end at {:?}", place);
    prop_assert!(
        gone <= interval.lo_seq.0 && Some(interval.lo_seq.0) < first,
        "{interval:?} at {place:?}: increments count from {first:?} on, up to {gone} none does"
    );
    let sum: i128 = survivors.iter().map(|s| s.amount()).sum();
    prop_assert_eq!(interval.value(), sum, "the sum at {:?}", place);
    Ok(())
}

/// Every read of the object answers as the oracle does; pages are of `items_max`.
pub(crate) fn all_reads_are_the_truth(rows: &mut MemoryRows, truth: &Truth, at: At, items_max: u32) -> TestCaseResult {
    let mut each = Kind::ALL.into_iter();
    each.try_for_each(|kind| reads_are_the_truth(rows, truth, at, kind, items_max))
}

/// So does every read of one kind.
pub(crate) fn reads_are_the_truth(
    rows: &mut MemoryRows,
    truth: &Truth,
    at: At,
    kind: Kind,
    items_max: u32,
) -> TestCaseResult {
    let mut ask = |query: &Query| match read(rows, at.object(), query, NOW) {
        // Nothing of that kind is there, but of others: the error names exactly those.
        Err(ReadError::WrongType { asked, present }) => {
            prop_assert_eq!((asked, present), (kind, truth.kinds(at)));
            Ok(None)
        }
        Ok(answer) => {
            let kinds = if answer.is_empty() { truth.kinds(at) } else { Vec::new() };
            prop_assert!(kinds.is_empty() || kinds.contains(&kind), "{at:?} is {kinds:?}");
            Ok(Some(answer))
        }
        Err(e) => Err(TestCaseError::fail(format!("{at:?} cannot be read: {e}"))),
    };
    match kind {
        Kind::Register => {
            let told = ask(&Query::Get)?.unwrap_or(Answer::Value(None));
            prop_assert_eq!(told, Answer::Value(truth.value(at)), "the value of {:?}", at);
        }
        Kind::Counter => {
            let told = ask(&Query::Sum)?.unwrap_or(Answer::Sum(None));
            prop_assert_eq!(told, Answer::Sum(truth.sum(at)), "the sum of {:?}", at);
        }
        Kind::Set => {
            let elements = truth.elements(at);
            for element in ELEMENTS.map(Bytes::from_static) {
                let is = Answer::Is(elements.contains(&element));
                let told = ask(&Query::Contains { element })?.unwrap_or(Answer::Is(false));
                prop_assert_eq!(told, is, "an element of {:?}", at);
            }
            pages(&mut ask, Query::Elements, &elements, items_max)?;
        }
        Kind::Map => pages(&mut ask, Query::Fields, &truth.fields(at), items_max)?,
    }
    Ok(())
}

/// Walks all pages: together they are `expected`, in byte order, and only the last is short of items.
fn pages(
    ask: &mut impl FnMut(&Query) -> Result<Option<Answer>, TestCaseError>,
    query: fn(PageRequest) -> Query,
    expected: &BTreeSet<Bytes>,
    items_max: u32,
) -> TestCaseResult {
    let mut request = PageRequest { after: None, items_max };
    let mut found = Vec::new();
    loop {
        let Page { items, next } = match ask(&query(request.clone()))? {
            Some(Answer::Page(page)) => page,
            None => Page::default(),
            other => return Err(TestCaseError::fail(format!("{other:?} instead of {expected:?}"))),
        };
        prop_assert!(items.len() <= items_max as usize);
        prop_assert!(next.is_none() || next.as_ref() == items.last() && items.len() == items_max as usize);
        found.extend(items);
        prop_assert!(found.len() <= expected.len(), "{found:?} instead of {expected:?}");
        match next {
            Some(after) => request.after = Some(after),
            None => break,
        }
    }
    prop_assert!(found.iter().eq(expected.iter()), "{found:?} instead of {expected:?}, {items_max} at a time");
    Ok(())
}
