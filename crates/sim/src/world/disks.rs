//! Disks that are put back or lost, and what that takes along.
//!
//! A log that is gone on with on a disk that was set back may give a name a second content. Where most members are there and
//! one of them knows better, that must not be; where nobody does who is there, it cannot be helped, and is told of as soon as
//! somebody can know.

use std::time::Duration;

use halcyon_core::Alarm;
use halcyon_store::memory::MemorySnapshot;
use halcyon_store::{Backend as _, MemoryBackend, vv_of};
use halcyon_types::{ActorId, Dot, RegionId, VersionVector};
use halcyon_wire::{Record, StoredRecord};

use super::World;
use super::observation::Observation;

/// A disk as it was.
pub(super) struct Kept {
    disk: MemorySnapshot,
    /// Whose log its node would go on with.
    actor: Option<ActorId>,
}

/// A log of two contents.
#[derive(Debug)]
pub(super) struct Fork {
    /// Somebody was told of it, or nobody can know.
    pub(super) is_over: bool,
}

impl World {
    pub(super) fn keep(&mut self, region: RegionId) {
        if let Some(seat) = self.seats.get_mut(&region) {
            seat.kept = Some(Kept { disk: seat.backend.snapshot(), actor: seat.actor });
        }
    }

    pub(super) fn put_back(&mut self, region: RegionId, down: Duration) {
        let kept = self.seats.get(&region).and_then(|seat| seat.kept.as_ref());
        let Some(Kept { disk, actor }) = kept else { return };
        let (backend, actor) = (MemoryBackend::holding(disk), *actor);
        if !self.can_be_told(region, actor, &vv_of(&backend).unwrap_or_default()) {
            return self.figures.count("older directories that nobody could tell");
        }
        self.figures.count("older directories put back");
        self.set_back(region, backend, down);
    }

    pub(super) fn lose_disk(&mut self, region: RegionId, down: Duration) {
        self.figures.count("directories lost");
        self.set_back(region, MemoryBackend::new(), down);
    }

    /// Whether anybody can tell that a disk is an older one whose log must not be gone on with. If nobody has what was lost,
    /// nobody can know that its names are taken: such a disk is put back nowhere.
    fn can_be_told(&self, region: RegionId, actor: Option<ActorId>, disk: &VersionVector) -> bool {
        let Some(actor) = actor else { return true };
        let (last, present) = (disk.get(actor), self.seats.get(&region).map(|seat| vv_of(&seat.backend)));
        let next = Dot { actor, seq: last.next().unwrap_or(last) };
        let taken = self.archive.has(next) || present.is_some_and(|vv| vv.is_ok_and(|vv| vv.covers(next)));
        let others = self.seats.iter().filter(|(other, _)| **other != region);
        !taken || others.map(|(_, seat)| vv_of(&seat.backend)).any(|vv| vv.is_ok_and(|vv| vv.covers(next)))
    }

    fn set_back(&mut self, region: RegionId, backend: MemoryBackend, down: Duration) {
        self.crash(region, false, false, down);
        let Some(seat) = self.seats.get_mut(&region) else { return };
        (seat.backend, seat.set_back, seat.armed, seat.failing) = (backend, true, None, None);
        let disk = vv_of(&seat.backend).unwrap_or_default();
        let mut left = VersionVector::new();
        for seat in self.seats.values() {
            left.join(&vv_of(&seat.backend).unwrap_or_default());
        }
        let lost = self.archive.above(&left);
        self.figures.add("records lost with a disk", lost);
        self.trace.tell(self.now, Some(region), "set back", &[], || format!("to {disk:?}; left is {left:?}"));
        self.observe(&Observation::SetBack { region, disk: &disk, left: &left });
        self.clients.forget(&left);
    }

    /// Looks for a record of another content than the archive's, made at a region whose disk was set back.
    pub(super) fn look_for_forks(&mut self, region: RegionId, records: &[(Record, StoredRecord)]) {
        if self.fork.is_some() || !self.seats.get(&region).is_some_and(|seat| seat.set_back) {
            return;
        }
        let other = |(record, stored): &&(Record, StoredRecord)| self.archive.differs(record.dot, stored);
        let own = |dot: Dot| dot.actor.region() == Some(region);
        let Some((Record { dot, .. }, _)) = records.iter().find(other).filter(|(record, _)| own(record.dot)) else {
            return;
        };
        let dot = *dot;
        let others = self.seats.iter().filter(|(other, _)| **other != region);
        let known = others.map(|(_, seat)| vv_of(&seat.backend)).any(|vv| vv.is_ok_and(|vv| vv.covers(dot)));
        self.figures.count("forks behind an older directory");
        self.observe(&Observation::Forked { region, dot, known });
        self.fork = Some(Fork { is_over: !known });
    }

    pub(super) fn hear_of_fork(&mut self, alarm: &Alarm) {
        if let (Some(fork), Alarm::Fork { .. } | Alarm::ForkedHistory { .. }) = (&mut self.fork, alarm) {
            fork.is_over = true;
        }
    }
}
