//! Sorted set: one row `Z ‖ member ‖ R` per member with the score it was given, and rows `Z ‖ member ‖ C ‖ actor` with what
//! was added to it since. The score is the last one given plus every addition, in the order of actors, so that floats sum up
//! to the same bits everywhere.
//!
//! The order of scores is derived: rows that keep an index of it (`Rows::scan_standings`) use it, others sort.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_types::UnixMs;

use crate::component;
use crate::key::{RowKey, RowPrefix};
use crate::kind::Kind;
use crate::object::Object;
use crate::query::{Page, PageBuilder, PageRequest, Scored};
use crate::row::Row;
use crate::rows::Rows;
use crate::sequence::{self, Sequence, UnknownCursor};

/// A member and its score: a place in the order of (score, member).
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Finite; never minus zero.
    pub score: f64,
    /// The member; empty only in a bound, before every member of that score.
    pub member: Bytes,
}

impl Standing {
    fn new(score: f64, member: Bytes) -> Self {
        // Minus zero becomes zero.
        Self { score: score + 0.0, member }
    }

    /// Bytes that order as standings do: `score ‖ component(member)`.
    pub fn to_key(&self) -> Vec<u8> {
        let bits = self.score.to_bits();
        let ordered = if self.score.is_sign_negative() { !bits } else { bits | 1 << 63 };
        let mut key = Vec::with_capacity(8 + self.member.len() + 2);
        key.extend_from_slice(&ordered.to_be_bytes());
        component::push(&mut key, &self.member);
        key
    }

    /// Reads [`Self::to_key`]'s bytes; `None` if they are none.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let (ordered, member) = key.split_first_chunk::<8>()?;
        let ordered = u64::from_be_bytes(*ordered);
        let bits = if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered };
        let whole = component::encoded_len(member)? == member.len();
        let standing = Self { score: f64::from_bits(bits), member: component::first(member)?.into() };
        (whole && !standing.score.is_nan()).then_some(standing)
    }
}

impl Eq for Standing {}

impl PartialOrd for Standing {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Standing {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then_with(|| self.member.cmp(&other.member))
    }
}

impl Object {
    /// The rows of the sorted set here.
    pub(crate) fn members(&self) -> RowPrefix {
        self.of_kind(Kind::SortedSet)
    }
}

pub(crate) fn given_row(members: &RowPrefix, member: &[u8]) -> RowKey {
    RowKey::from_bytes(members.component(member).with(b"R").0)
}

pub(crate) fn added_rows(members: &RowPrefix, member: &[u8]) -> RowPrefix {
    members.component(member).with(b"C")
}

/// The member that a row below `members` belongs to.
pub fn member_of(members: &RowPrefix, key: &[u8]) -> Option<Vec<u8>> {
    key.get(members.as_bytes().len()..).and_then(component::first)
}

/// Adds up the score of one member from its rows, in key order: what was given comes behind what was added there.
#[derive(Debug, Default)]
struct Tally {
    added: Option<f64>,
    given: Option<f64>,
}

impl Tally {
    fn note(&mut self, row: &Row) {
        match row {
            Row::Interval(interval) => self.added = Some(self.added.unwrap_or(0.0) + interval.float()),
            // Scores have no expiry, so any time will do.
            _ => self.given = row.winner(UnixMs(0)).and_then(|entry| score_of(&entry.payload)),
        }
    }

    fn score(&self) -> Option<f64> {
        (self.added.is_some() || self.given.is_some()).then(|| {
            let sum = self.given.unwrap_or(0.0) + self.added.unwrap_or(0.0);
            // Finite additions of several regions may still sum up to more than there is.
            if sum.is_nan() { 0.0 } else { sum.clamp(f64::MIN, f64::MAX) }
        })
    }
}

fn score_of(payload: &[u8]) -> Option<f64> {
    payload.try_into().ok().map(f64::from_be_bytes)
}

/// Where `member` stands, from its rows; `None` if it is not there.
///
/// # Errors
/// What can go wrong underneath.
pub fn standing<R: Rows>(rows: &mut R, members: &RowPrefix, member: &[u8]) -> Result<Option<Standing>, R::Error> {
    let below = members.component(member);
    let mut tally = Tally::default();
    rows.scan(&below, below.as_bytes(), |_, row| {
        tally.note(row);
        ControlFlow::Continue(())
    })?;
    Ok(tally.score().map(|score| Standing::new(score, Bytes::copy_from_slice(member))))
}

/// Every standing, from the rows.
///
/// # Errors
/// What can go wrong underneath.
pub fn standings<R: Rows>(rows: &mut R, members: &RowPrefix, mut visit: impl FnMut(Standing)) -> Result<(), R::Error> {
    let mut now: Option<(Vec<u8>, Tally)> = None;
    let mut tell = |member: Vec<u8>, tally: &Tally| {
        if let Some(score) = tally.score() {
            visit(Standing::new(score, member.into()));
        }
    };
    rows.scan(members, members.as_bytes(), |key, row| {
        let Some(member) = member_of(members, key) else { return ControlFlow::Continue(()) };
        match &mut now {
            Some((of, tally)) if *of == member => tally.note(row),
            _ => {
                let mut tally = Tally::default();
                tally.note(row);
                if let Some((before, tally)) = now.replace((member, tally)) {
                    tell(before, &tally);
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    if let Some((member, tally)) = now {
        tell(member, &tally);
    }
    Ok(())
}

/// `Rows::scan_standings` for rows without an index: reads the whole set.
pub(crate) fn sort_and_visit<R: Rows>(
    rows: &mut R,
    members: &RowPrefix,
    after: Option<&Standing>,
    reverse: bool,
    visit: impl FnMut(&Standing) -> ControlFlow<()>,
) -> Result<(), R::Error> {
    let mut all = Vec::new();
    standings(rows, members, |standing| all.push(standing))?;
    let _ = in_order(all, after, reverse).iter().try_for_each(visit);
    Ok(())
}

/// Those behind `after`, in order.
fn in_order(mut standings: Vec<Standing>, after: Option<&Standing>, reverse: bool) -> Vec<Standing> {
    standings.retain(|standing| after.is_none_or(|after| precedes(after, standing, reverse)));
    standings.sort();
    if reverse {
        standings.reverse();
    }
    standings
}

fn precedes(a: &Standing, b: &Standing, reverse: bool) -> bool {
    if reverse { a > b } else { a < b }
}

/// Visits the standings below, but for the members that `changed` names (sorted), together with those given, in order.
pub(crate) fn merge_and_visit<R: Rows>(
    under: Option<&mut R>,
    members: &RowPrefix,
    after: Option<&Standing>,
    reverse: bool,
    (changed, given): (&[Vec<u8>], Vec<Standing>),
    mut visit: impl FnMut(&Standing) -> ControlFlow<()>,
) -> Result<(), R::Error> {
    let given = in_order(given, after, reverse);
    let mut given = given.iter().peekable();
    let mut stopped = false;
    if let Some(under) = under {
        under.scan_standings(members, after, reverse, |standing| {
            if changed.binary_search_by(|member| member.as_slice().cmp(&standing.member)).is_ok() {
                return ControlFlow::Continue(());
            }
            while let Some(first) = given.next_if(|first| precedes(first, standing, reverse)) {
                if visit(first).is_break() {
                    stopped = true;
                    return ControlFlow::Break(());
                }
            }
            let flow = visit(standing);
            stopped = flow.is_break();
            flow
        })?;
    }
    if !stopped {
        let _ = given.try_for_each(visit);
    }
    Ok(())
}

/// A member's score.
pub(crate) fn score<R: Rows>(rows: &mut R, object: &Object, member: &[u8]) -> Result<Option<f64>, R::Error> {
    Ok(standing(rows, &object.members(), member)?.map(|standing| standing.score))
}

/// How many members come before this one.
pub(crate) fn rank<R: Rows>(
    rows: &mut R,
    object: &Object,
    member: &[u8],
    reverse: bool,
) -> Result<Option<u64>, R::Error> {
    let members = object.members();
    let Some(own) = standing(rows, &members, member)? else { return Ok(None) };
    let mut before = 0;
    rows.scan_standings(&members, None, reverse, |standing| {
        if *standing == own {
            return ControlFlow::Break(());
        }
        before += 1;
        ControlFlow::Continue(())
    })?;
    Ok(Some(before))
}

struct Ranking<'a, R> {
    rows: &'a mut R,
    members: RowPrefix,
}

impl<R: Rows> Sequence for Ranking<'_, R> {
    type Item = Scored;
    type Error = R::Error;

    fn walk(
        &mut self,
        after: Option<&[u8]>,
        back: bool,
        mut visit: impl FnMut(&[u8], &dyn Fn() -> Scored) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        let after = after.and_then(Standing::from_key);
        self.rows.scan_standings(&self.members, after.as_ref(), back, |standing| {
            visit(&standing.to_key(), &|| scored(standing))
        })
    }
}

fn scored(standing: &Standing) -> Scored {
    Scored { member: standing.member.clone(), score: standing.score }
}

fn weight(scored: &Scored) -> usize {
    size_of::<Scored>() + scored.member.len()
}

/// A page of the members from rank `first` to rank `last`.
pub(crate) fn by_rank<R: Rows>(
    rows: &mut R,
    object: &Object,
    (first, last): (i64, i64),
    reverse: bool,
    request: &PageRequest,
) -> Result<Result<Page<Scored>, UnknownCursor>, R::Error> {
    let known = |cursor: &Bytes| cursor.get(8..).and_then(Standing::from_key).is_some();
    if !request.after.as_ref().is_none_or(known) {
        return Ok(Err(UnknownCursor));
    }
    sequence::window(&mut Ranking { rows, members: object.members() }, (first, last), reverse, request, weight)
}

/// A page of the members with a score from `min` to `max`.
pub(crate) fn by_score<R: Rows>(
    rows: &mut R,
    object: &Object,
    (min, max): (f64, f64),
    reverse: bool,
    request: &PageRequest,
) -> Result<Result<Page<Scored>, UnknownCursor>, R::Error> {
    let begin = Standing::new(if reverse { max.next_up() } else { min }, Bytes::new());
    let after = match request.after.as_deref().map(Standing::from_key) {
        None => begin,
        Some(None) => return Ok(Err(UnknownCursor)),
        // A cursor of another range shows nothing beside this one.
        Some(Some(standing)) if reverse => standing.min(begin),
        Some(Some(standing)) => standing.max(begin),
    };
    let mut page = PageBuilder::new(request);
    let mut more = false;
    rows.scan_standings(&object.members(), Some(&after), reverse, |standing| {
        if if reverse { standing.score < min } else { standing.score > max } {
            return ControlFlow::Break(());
        }
        if page.is_full() {
            more = true;
            return ControlFlow::Break(());
        }
        page.push(scored(standing), standing.member.len() + 16, standing.to_key().into());
        ControlFlow::Continue(())
    })?;
    Ok(Ok(page.finish(more)))
}

#[cfg(test)]
mod tests;
