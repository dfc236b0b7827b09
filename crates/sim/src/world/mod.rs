//! The world: whole nodes under faults, with clients, in one thread and in virtual time.
//!
//! Each node is a real replica over a real committer over a disk in memory, which loses what was not synced; between them
//! stands what the driver and the committer's threads of a real node do. Links, clocks and the connections of clients are made
//! up here. A run is a function of its [`Program`] alone: nothing here reads a clock, and no map is iterated in an order
//! that is not its keys'.
//!
//! A run has three phases. *Safety*: the program's steps, at their times. *Heal*: every fault ends, every node is up.
//! *Liveness*: within a bounded time all regions agree, nothing is under way, and the clients are idle. Invariants see every
//! event of all three.

mod apply;
mod audits;
mod bearing;
mod carry;
mod clock;
mod commit;
mod copying;
mod disks;
mod draw;
mod event;
mod fault;
mod hasty;
mod judging;
mod known;
mod link;
mod links;
mod node;
mod observation;
mod panics;
mod play;
mod process;
mod profile;
mod program;
mod report;
mod run;
mod seat;
mod sessions;
mod shrink;
mod trace;
mod trouble;

use std::collections::BTreeMap;
use std::time::Duration;

use halcyon_store::MemoryBackend;
use halcyon_types::{Now, RegionId, UnixMs};

pub use clock::EPOCH;
pub use fault::{Cable, Fault, When};
pub use node::Node;
pub use observation::{Between, Observation};
pub use panics::hear_panics;
pub use program::{Program, Step, What};
pub use report::{Failure, Figures, Report};
pub use run::{run, run_in_words};
pub use shrink::{shrink, shrink_while};

use crate::invariant::Invariant;
pub use crate::invariant::LIVENESS;
use crate::workload::{ClientId, Clients};
use disks::Fork;
use event::{Event, Way};
use known::Archive;
use link::Link;
use seat::Seat;
use sessions::Connection;
use trace::Trace;

/// Everything there is.
pub struct World {
    seed: u64,
    now: Duration,
    seats: BTreeMap<RegionId, Seat>,
    links: BTreeMap<Way, Link>,
    clients: Clients,
    connections: BTreeMap<ClientId, Connection>,
    steps: Vec<Step>,
    events: BTreeMap<(Duration, u64), Event>,
    /// Numbers events, connections and sessions.
    count: u64,
    invariants: Vec<Box<dyn Invariant>>,
    /// Every record that was ever on a disk.
    archive: Archive,
    fork: Option<Fork>,
    trace: Trace,
    figures: Figures,
    failure: Option<Failure>,
}

impl World {
    /// Time since the world began.
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// Every region.
    pub fn regions(&self) -> impl Iterator<Item = RegionId> + '_ {
        self.seats.keys().copied()
    }

    /// A region's node, if it is up.
    pub fn node(&self, region: RegionId) -> Option<&Node> {
        self.seats.get(&region)?.node.as_ref()
    }

    /// A region's disk, whether its node is up or not.
    pub fn backend(&self, region: RegionId) -> Option<&MemoryBackend> {
        self.seats.get(&region).map(|seat| &seat.backend)
    }

    /// How long a region keeps records for one that lacks them.
    pub fn retention(&self, region: RegionId) -> Duration {
        self.seats.get(&region).map_or(Duration::MAX, |seat| seat.retention)
    }

    /// What a region's clocks say, if its node is up.
    pub fn clocks(&self, region: RegionId) -> Option<Now> {
        let seat = self.seats.get(&region)?;
        Some(Now { mono: self.now.saturating_sub(seat.node.as_ref()?.began), wall: seat.clock.at(self.now) })
    }

    /// What the wall clock of a region's machine says, whether its node is up or not.
    pub fn wall(&self, region: RegionId) -> Option<UnixMs> {
        self.seats.get(&region).map(|seat| seat.clock.at(self.now))
    }

    /// Whether every client has done what it was to do.
    pub fn clients_are_idle(&self) -> bool {
        self.clients.is_idle()
    }

    fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn schedule(&mut self, at: Duration, event: Event) {
        let number = self.number();
        self.events.insert((at.max(self.now), number), event);
    }
}
