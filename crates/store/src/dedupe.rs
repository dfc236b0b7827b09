//! Which requests have been committed: so that a retry is answered with the first commit's record, here and in every
//! region that has it, before and after a restart.
//!
//! Ids are remembered for [`REQUEST_WINDOW`]; older ones are refused, never executed, so forgetting them is safe. Rows
//! are purged by range, at most once a minute: mint order is key order. A wall clock that jumps ahead for a moment must
//! not make a node forget what it still would execute, so a purge goes no further than its predecessor would have gone.
//!
//! A request is looked up before each write, and is hardly ever there. Those minted lately are therefore kept in memory,
//! all of them from some time on: what was minted since and is not among them was never committed, and the database is
//! asked about older ones only.

mod former;
mod recent;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use halcyon_types::limits::{REQUEST_AHEAD_MAX, REQUEST_WINDOW};
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{Dot, RequestId, UnixMs};
use halcyon_wire::Refusal;

use crate::backend::{Backend, Batch, Family, View};
use crate::error::{OpenError, ReadError};
use crate::layout;
use recent::Recent;

/// Between two purges.
const PURGE_EVERY: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub(crate) struct Dedupe {
    /// Those of the group.
    staged: BTreeMap<RequestId, Dot>,
    /// Those of the group that is on its way to the disk.
    sealed: BTreeMap<RequestId, Dot>,
    /// Those minted lately that are on disk.
    recent: Recent,
    /// When a purge was considered last, by the wall clock.
    considered: UnixMs,
    /// Everything minted before is purged already.
    purged_upto: UnixMs,
}

impl Dedupe {
    /// As the last process left it: what it forgot stays forgotten, whatever the clock says now.
    pub(crate) fn recover<B: Backend>(view: &B) -> Result<Self, OpenError> {
        former::move_all(view)?;
        let found = view.with(Family::State, &layout::FORGOTTEN_KEY, |value| value.map(layout::forgotten))?;
        let found =
            found.transpose().map_err(|error| ReadError::damaged("the end of the forgotten requests", &error))?;
        let mut last = None;
        view.scan_back(Family::Requests, &[], None, |key, _| {
            last = layout::request_minted_at(key);
            ControlFlow::Break(())
        })?;
        let recent = Recent::since(last.map_or(UnixMs(0), |last| UnixMs(last.0 + 1)));
        Ok(Self { purged_upto: found.unwrap_or_default(), recent, ..Self::default() })
    }

    /// The record that `request` became, committed or staged.
    pub(crate) fn find(&self, view: &impl View, request: RequestId) -> Result<Option<Dot>, ReadError> {
        let sealed = || self.sealed.get(&request).filter(|_| !planted(Mutant::UnderWayRequestsUnknown));
        let staged = self.staged.get(&request).or_else(sealed);
        if let Some(dot) = staged.filter(|_| !planted(Mutant::GroupRequestsUnknown)) {
            return Ok(Some(*dot));
        }
        if let Some(known) = self.recent.find(request) {
            return Ok(known);
        }
        let found = view.with(Family::Requests, request.as_bytes(), |value| value.map(layout::dot))?;
        found.transpose().map_err(|error| ReadError::damaged(format!("request {request}"), &error))
    }

    /// Whether a request minted then can be told from one that was committed and forgotten.
    pub(crate) fn admit(&self, now: UnixMs, request: RequestId) -> Result<(), Refusal> {
        if !request.is_v7() {
            let reason = format!("request id {request} is no UUID v7: only those can be remembered by their time");
            return Err(Refusal::InvalidArgument { reason });
        }
        let minted = request.minted_at();
        let off = now.abs_diff(minted);
        let off_max = if minted > now { REQUEST_AHEAD_MAX } else { REQUEST_WINDOW };
        if off > off_max || minted < self.purged_upto {
            return Err(Refusal::RequestExpired { off });
        }
        Ok(())
    }

    /// Notes that `request` becomes `dot`; where the purge has passed, no retry is admitted and no row is needed.
    pub(crate) fn stage(&mut self, request: RequestId, dot: Dot) {
        if request.is_v7() && request.minted_at() >= self.purged_upto {
            self.staged.entry(request).or_insert(dot);
        }
    }

    /// Puts the group's requests, and now and then the end of old ones, into its batch.
    pub(crate) fn write<B: Backend>(&mut self, now: UnixMs, backend: &B, batch: &mut B::Batch, value: &mut Vec<u8>) {
        for (request, dot) in &self.staged {
            value.clear();
            layout::put_dot(value, *dot);
            if !planted(Mutant::RequestsInMemory) {
                batch.put(Family::Requests, request.as_bytes(), value);
            }
        }
        let last = self.considered;
        if now.abs_diff(last) >= PURGE_EVERY {
            self.considered = now;
            let upto = horizon(now.min(last));
            if upto > self.purged_upto {
                // The purge before is on disk: its room can go.
                if let Err(error) = backend.reclaim(Family::Requests, &[], &layout::requests_from(self.purged_upto)) {
                    tracing::warn!(%error, "room of forgotten requests was not given back");
                }
                let from = layout::requests_from(self.purged_upto);
                batch.delete_range(Family::Requests, &from, &layout::requests_from(upto));
                self.recent.forget(upto);
                self.purged_upto = upto;
                value.clear();
                layout::put_forgotten(value, upto);
                batch.put(Family::State, &layout::FORGOTTEN_KEY, value);
            }
        }
    }

    /// The group sets out; the one before has settled.
    pub(crate) fn seal(&mut self) {
        if !planted(Mutant::RequestsInMemory) {
            self.sealed = std::mem::take(&mut self.staged);
        }
    }

    /// The group that was on its way is on disk.
    pub(crate) fn settle(&mut self) {
        self.recent.extend(std::mem::take(&mut self.sealed));
    }
}

/// Requests minted before are admitted no more, nor by a clock that is ahead by as much as a client's may be.
fn horizon(now: UnixMs) -> UnixMs {
    let kept = REQUEST_WINDOW + REQUEST_AHEAD_MAX;
    let kept = u64::try_from(kept.as_millis()).unwrap_or(u64::MAX);
    UnixMs(now.0.saturating_sub(kept))
}
