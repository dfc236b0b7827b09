//! What can be saved of a database whose logs were cut short: rows as far as they go, records as far as they connect.
//!
//! The families of such a database may end at different moments, each of them whole by itself: a family that had been flushed
//! goes on behind the cut, another ends there. Rows, version vector and heads are one family, so they agree. Records beyond
//! the vector are replayed behind it; of a log that does not reach the vector nothing is of use to anybody, and it begins anew
//! there.

use std::ops::ControlFlow;

use halcyon_types::{ActorId, Dot, Hlc, Seq, UnixMs, VersionVector};

use super::replay::catch_up;
use super::{Fill, RebuildError, page};
use crate::backend::{Backend, Family, View};
use crate::deadlines::Deadlines;
use crate::error::{OpenError, ReadError};
use crate::identity::{Claim, Identity};
use crate::layout;
use crate::reader::{Reader, vv_of};

/// Bytes of rows that are read at a time.
const PAGE_BYTES: usize = 4 << 20;

/// Fills `new`, which is empty, with what is there of `old`, whose region `claim` names. It writes as a new actor: others may
/// hold records of the old log that are lost here. `seen` is told of bytes of rows and records. Returns what it holds.
///
/// # Errors
/// [`RebuildError`]: `old` is another region's, or cannot be read to its end.
pub fn salvage<B: Backend>(
    old: B,
    new: B,
    claim: &Claim,
    mut seen: impl FnMut(u64),
) -> Result<VersionVector, RebuildError> {
    Identity::establish(&old, claim).map_err(RebuildError::Open)?;
    let old = Reader::new(old, Deadlines::new(true));
    let view = old.backend().snapshot();
    let vv = vv_of(&view)?;
    let mut unconnected = VersionVector::new();
    for (actor, seq) in vv.iter() {
        let connects = view.with(Family::Log, &layout::log_key(Dot { actor, seq }), |found| found.is_some())?;
        if !connects {
            unconnected.set(actor, seq);
        }
    }
    let mut fill = Fill::begin(new.clone())?;
    let mut place = Some(Vec::new());
    while let Some(begin) = place {
        let page = page(&view, &begin, PAGE_BYTES, Some(&unconnected))?;
        fill.page(&page.entries)?;
        seen(page.entries.len() as u64);
        place = page.next.map(Into::into);
    }
    let ceiling = old.snapshot().ceiling()?;
    fill.restored(claim, ceiling.max(stamp_at(claim.now)?))?;
    let (_, vv) = catch_up(&old, new, claim, &ends(&view, &vv)?)?;
    Ok(vv)
}

/// The ceiling may have been lost with what came last; no stamp of this node was far beyond its clock.
fn stamp_at(now: UnixMs) -> Result<Hlc, OpenError> {
    Hlc::from_parts(now, 0).ok_or(OpenError::DeadClock { now })
}

/// How far each log goes on without a gap, from `vv` on.
fn ends(view: &impl View, vv: &VersionVector) -> Result<VersionVector, ReadError> {
    let mut ends = vv.clone();
    let mut from = Some(layout::log_bound(ActorId::from_u64(0), Some(Seq::ZERO)));
    while let Some(begin) = from {
        let mut first = None;
        view.scan(Family::Log, &begin, None, |key, _| {
            first = layout::log_dot(key);
            ControlFlow::Break(())
        })?;
        from = None;
        if let Some(Dot { actor, .. }) = first {
            let mut end = vv.get(actor);
            view.scan(
                Family::Log,
                &layout::log_bound(actor, end.next()),
                Some(&layout::log_bound(actor, None)),
                |key, _| match layout::log_dot(key) {
                    Some(Dot { seq, .. }) if end.next() == Some(seq) => {
                        end = seq;
                        ControlFlow::Continue(())
                    }
                    _ => ControlFlow::Break(()),
                },
            )?;
            ends.set(actor, end);
            from = Some(layout::log_bound(actor, None));
        }
    }
    Ok(ends)
}
