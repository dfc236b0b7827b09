//! Copies of states: a source reads pages of one snapshot, a taker stores them in a second database, which then takes the
//! place of its own. As in a real node each step takes its time on a disk or a link, and may be the last.

use bytes::Bytes;
use halcyon_core::Command;
use halcyon_store::copy::{Fill, RebuildError, replay};
use halcyon_store::memory::MemorySnapshot;
use halcyon_store::{MemoryBackend, OpenError, Reader, Snapshot};
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{Now, RegionId, VersionVector};
use halcyon_wire::{CopyId, PeerMessage, StatePage};
use std::time::Duration;

use super::World;
use super::event::{Event, Way};
use super::fault::When;
use super::node::Node;
use super::observation::Observation;
use super::process::claim;
use super::seat::Seat;

/// A snapshot that a peer takes, and where each page read so far, and the next, begins.
pub(super) struct Copying {
    number: u64,
    snapshot: Snapshot<MemorySnapshot>,
    vv: VersionVector,
    places: Vec<Bytes>,
}

/// A page that a peer has asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageAsked {
    peer: RegionId,
    /// Which of the copies of this process.
    copying: u64,
    copy: CopyId,
    page: u64,
}

/// A database that is being filled.
pub(super) struct Filling {
    number: u64,
    fill: Fill<MemoryBackend>,
    backend: MemoryBackend,
    /// Until when its disk is at what it was given.
    until: Duration,
}

/// One that takes the place of another, whose process has ended.
pub(super) struct Taking {
    number: u64,
    filling: Filling,
    old: Reader<MemoryBackend>,
}

impl Node {
    /// The vectors of the copies that are being taken of it, by who takes them.
    pub fn copies(&self) -> impl Iterator<Item = (RegionId, &VersionVector)> {
        self.copying.iter().map(|(peer, copying)| (*peer, &copying.vv))
    }
}

impl World {
    /// Carries out a command that has to do with copies.
    pub(super) fn copy(&mut self, region: RegionId, command: Command) {
        match command {
            Command::BeginCopy { peer } => self.begin_copy(region, peer),
            Command::SendPage { peer, copy, number } => self.send_page(region, peer, copy, number),
            Command::EndCopy { peer } => {
                if let Some(node) = self.node_mut(region) {
                    node.copying.remove(&peer);
                }
            }
            Command::BeginFill => self.begin_fill(region),
            Command::Fill { entries } => self.fill(region, entries),
            Command::AbandonFill => {
                self.figures.count("copies given up");
                if let Some(node) = self.node_mut(region) {
                    node.filling = None;
                }
            }
            Command::Switch => self.switch(region),
            _ => {}
        }
    }

    fn begin_copy(&mut self, region: RegionId, peer: RegionId) {
        let number = self.number();
        let Some(node) = self.node_mut(region) else { return };
        let snapshot = node.reader.snapshot();
        let vv = snapshot.vv();
        let Some(vv) = self.log_read(region, vv) else { return };
        let copying = Copying { number, snapshot, vv, places: vec![Bytes::new()] };
        if let Some(node) = self.node_mut(region) {
            node.copying.insert(peer, copying);
        }
    }

    fn send_page(&mut self, region: RegionId, peer: RegionId, copy: CopyId, page: u64) {
        let Some(Seat { node: Some(node), dice, sync, .. }) = self.seats.get_mut(&region) else { return };
        let known = |copying: &&Copying| copying.places.len() as u64 > page;
        let Some(copying) = node.copying.get(&peer).filter(known) else { return self.page_sent(region, peer, 0) };
        let asked = PageAsked { peer, copying: copying.number, copy, page };
        let (life, takes) = (node.life, dice.span(Duration::ZERO, sync.1));
        self.schedule(self.now + takes, Event::PageRead { region, life, asked });
    }

    /// A page has been read, and leaves.
    pub(super) fn page_read(&mut self, region: RegionId, life: u64, asked: PageAsked) {
        if !self.lives(region, life) {
            return;
        }
        let PageAsked { peer, copying: number, copy, page } = asked;
        let Some(Seat { node: Some(node), page_bytes, .. }) = self.seats.get_mut(&region) else { return };
        let held = node.copying.get_mut(&peer).filter(|copying| copying.number == number);
        // A bug that only the introduction of core and store can have: the driver of a real node has the same place for it.
        let present = planted(Mutant::CopyOfManyMoments).then(|| node.reader.snapshot());
        let read = held.map(|copying| copying.page(present, page, *page_bytes));
        let Some(read) = read else { return self.page_sent(region, peer, 0) };
        let Some(read) = self.log_read(region, read) else { return };
        let bytes = read.entries.len();
        self.figures.count("pages sent");
        let message = StatePage { copy, number: page, entries: read.entries, last: read.next.is_none() };
        if !self.send(region, peer, &PeerMessage::Page(message)) {
            return self.page_sent(region, peer, bytes);
        }
        let Some(link) = self.links.get_mut(&(region, peer)) else { return };
        if let Some(open) = link.out {
            let takes = link.travel() / 4;
            self.schedule(self.now + takes, Event::PageTaken { way: (region, peer), open, bytes });
        }
        self.pump(region);
        self.moment(region, When::Paged);
    }

    pub(super) fn page_taken(&mut self, way: Way, open: u64, bytes: usize) {
        if self.links.get(&way).is_some_and(|link| link.out == Some(open)) {
            self.page_sent(way.0, way.1, bytes);
        }
    }

    fn page_sent(&mut self, region: RegionId, peer: RegionId, bytes: usize) {
        let Some(now) = self.clocks(region) else { return };
        if let Some(node) = self.node_mut(region) {
            node.replica.handle_page_sent(now, peer, bytes);
        }
        self.pump(region);
    }

    fn begin_fill(&mut self, region: RegionId) {
        let (number, now) = (self.number(), self.now);
        let backend = MemoryBackend::new();
        let fill = Fill::begin(backend.clone());
        let Some(fill) = self.log_read(region, fill) else { return };
        self.figures.count("copies begun");
        let Some(seat) = self.seats.get_mut(&region) else { return };
        let again = std::mem::replace(&mut seat.fills, true);
        self.figures.add("copies begun anew", u64::from(again));
        if let Some(node) = self.node_mut(region) {
            node.filling = Some(Filling { number, fill, backend, until: now });
        }
    }

    /// The disk comes to a page once it has those before.
    fn fill(&mut self, region: RegionId, entries: Bytes) {
        let now = self.now;
        let Some(Seat { node: Some(node), dice, sync, .. }) = self.seats.get_mut(&region) else { return };
        let Some(filling) = &mut node.filling else { return };
        filling.until = filling.until.max(now) + dice.span(sync.0, sync.1 * 8);
        let (at, life, filling) = (filling.until, node.life, filling.number);
        self.schedule(at, Event::Filled { region, life, filling, entries });
    }

    pub(super) fn filled(&mut self, region: RegionId, life: u64, number: u64, entries: &[u8]) {
        if !self.lives(region, life) {
            return;
        }
        let Some(node) = self.node_mut(region) else { return };
        let Some(filling) = node.filling.as_mut().filter(|filling| filling.number == number) else { return };
        let stored = filling.fill.page(entries);
        let Some(()) = self.log_read(region, stored) else { return };
        self.figures.count("pages stored");
        let Some(now) = self.clocks(region) else { return };
        if let Some(node) = self.node_mut(region) {
            node.replica.handle_filled(now, true);
        }
        self.pump(region);
        self.moment(region, When::Filled);
    }

    /// The copy is whole: the process ends as soon as nothing is under way.
    fn switch(&mut self, region: RegionId) {
        let Some(node) = self.node_mut(region) else { return };
        node.switching = node.filling.take();
        node.replica.stop();
    }

    /// The process has ended, and its copy takes its place.
    pub(super) fn take_place(&mut self, region: RegionId) {
        let number = self.number();
        let Some(seat) = self.seats.get_mut(&region) else { return };
        let Some(Node { switching: Some(filling), reader, .. }) = seat.node.take() else { return };
        let takes = seat.dice.span(seat.sync.1, seat.sync.1 * 40);
        seat.taking = Some(Taking { number, filling, old: reader });
        let armed = seat.armed.is_some_and(|armed| armed.when == When::Replacing);
        if armed {
            self.schedule(self.now + takes / 2, Event::CrashReplacing { region, taking: number });
        }
        self.trace.tell(self.now, Some(region), "switch", &[], String::new);
        self.forget_links(region);
        self.lose_clients(region);
        self.schedule(self.now + takes, Event::Replaced { region, taking: number });
        self.observe(&Observation::Crashed { region });
    }

    pub(super) fn crash_replacing(&mut self, region: RegionId, taking: u64) {
        let seat = self.seats.get(&region);
        if seat.and_then(|seat| seat.taking.as_ref()).is_some_and(|of| of.number == taking) {
            self.moment(region, When::Replacing);
        }
    }

    /// It has taken it, with everything behind it that it lacks; or it cannot, and all is as it was.
    pub(super) fn replaced(&mut self, region: RegionId, taking: u64) {
        let (seed, now) = (self.seed, self.now);
        let Some(seat) = self.seats.get_mut(&region) else { return };
        let Some(Taking { filling, old, .. }) = seat.taking.take_if(|of| of.number == taking) else { return };
        let clocks = Now { mono: Duration::ZERO, wall: seat.clock.at(now) };
        let Filling { fill, backend, .. } = filling;
        let life = seat.lives + 1;
        let replayed = |claim| {
            fill.instead_of(&old)?;
            replay(&old, backend.clone(), &claim)
        };
        match claim(region, clocks, seed).map(replayed) {
            Ok(Ok(_)) => {
                (seat.backend, seat.replaced, seat.fills) = (backend, true, false);
                self.figures.count("copies taken");
            }
            // The source had less than what has been dropped here: another is asked, or the same later.
            Ok(Err(RebuildError::TooOld { .. })) => self.figures.count("copies that were too old"),
            Ok(Err(RebuildError::Open(OpenError::DeadClock { .. }))) | Err(_) => {
                self.figures.count("copies that met a dead clock");
            }
            Ok(Err(error)) => return self.observe(&Observation::Unopened { region, why: &error.to_string() }),
        }
        self.start(region, life);
    }
}

impl Copying {
    fn page(
        &mut self,
        snapshot: Option<Snapshot<MemorySnapshot>>,
        number: u64,
        bytes_max: usize,
    ) -> Result<halcyon_store::copy::Page, halcyon_store::ReadError> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let place = self.places.get(index).cloned().unwrap_or_default();
        let page = snapshot.as_ref().unwrap_or(&self.snapshot).page(&place, bytes_max)?;
        if let Some(next) = page.next.clone().filter(|_| self.places.len() == index + 1) {
            self.places.push(next);
        }
        Ok(page)
    }
}
