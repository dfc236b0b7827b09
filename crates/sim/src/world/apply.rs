//! Faults, as they strike.

use halcyon_types::RegionId;
use halcyon_types::limits::IDLE_TIMEOUT;

use super::World;
use super::event::{Event, Way};
use super::fault::{Fault, When};
use super::seat::Armed;

impl World {
    pub(super) fn strike(&mut self, fault: &Fault) {
        let now = self.now;
        match *fault {
            Fault::Cable { from, to, cable } => {
                if let Some(link) = self.links.get_mut(&(from, to)) {
                    link.cable = cable;
                }
            }
            Fault::Cut { from, to, lasts } => {
                if let Some(link) = self.links.get_mut(&(from, to)) {
                    link.cut = link.cut.max(now + lasts);
                }
                for way in [(from, to), (to, from)] {
                    self.give_up_later(way);
                }
            }
            Fault::Sever { from, to, lasts } => {
                for way in [(from, to), (to, from)] {
                    if let Some(link) = self.links.get_mut(&way) {
                        link.severed = link.severed.max(now + lasts);
                    }
                    self.lose(way, "connections severed");
                }
            }
            Fault::Drop { from, to } => self.lose((from, to), "connections dropped"),
            Fault::Crash { region, when: When::Now, kept, alone, down } => {
                self.figures.add(When::Now.crashes(), u64::from(self.node(region).is_some()));
                self.crash(region, kept, alone, down);
            }
            Fault::Crash { region, when, kept, alone, down } => {
                if let Some(seat) = self.seats.get_mut(&region) {
                    seat.armed = Some(Armed { when, kept, alone, down });
                }
            }
            Fault::Stop { region, down } => self.stop(region, down),
            Fault::FailSync { region, failure, down } => {
                if let Some(seat) = self.seats.get_mut(&region) {
                    seat.failing = Some((failure, down));
                }
            }
            Fault::Disk { region, sync, group_max } => {
                if let Some(seat) = self.seats.get_mut(&region) {
                    (seat.sync, seat.group_max) = (sync, group_max);
                }
            }
            Fault::Pause { region, lasts } => {
                if let Some(node) = self.node_mut(region) {
                    node.paused = node.paused.max(now + lasts);
                }
            }
            Fault::ClockStep { region, ms } => {
                if let Some(seat) = self.seats.get_mut(&region) {
                    seat.clock.step(now, ms);
                }
            }
            Fault::ClockRight { region } => {
                if let Some(seat) = self.seats.get_mut(&region) {
                    seat.clock.set_right();
                }
            }
            Fault::Drift { region, ppm } => {
                if let Some(seat) = self.seats.get_mut(&region) {
                    seat.clock.drift(now, ppm);
                }
            }
            Fault::Keep { region } => self.keep(region),
            Fault::PutBack { region, down } => self.put_back(region, down),
            Fault::Lose { region, down } => self.lose_disk(region, down),
            Fault::Disconnect { client } => self.disconnect(client),
            Fault::Background { region, on } => self.turn_background(region, on),
        }
    }

    fn turn_background(&mut self, region: RegionId, on: bool) {
        if let Some(seat) = self.seats.get_mut(&region) {
            seat.background = on;
        }
        self.set_background(region, on);
    }

    /// A connection over a cut cable is lost once it has been silent for long.
    fn give_up_later(&mut self, way: Way) {
        if let Some(open) = self.links.get(&way).and_then(|link| link.out.or(link.inn)) {
            self.schedule(self.now + IDLE_TIMEOUT, Event::GivenUp { way, open });
        }
    }
}

impl Fault {
    /// Its kind, in words.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Cable { .. } => "cables changed",
            Self::Cut { .. } => "cuts",
            Self::Sever { .. } => "severed",
            Self::Drop { .. } => "connections dropped",
            Self::Crash { .. } => "crashes asked for",
            Self::Stop { .. } => "stops asked for",
            Self::FailSync { .. } => "failing syncs asked for",
            Self::Disk { .. } => "disks changed",
            Self::Pause { .. } => "pauses",
            Self::ClockStep { .. } | Self::ClockRight { .. } => "clock steps",
            Self::Drift { .. } => "clocks that drift",
            Self::Keep { .. } => "disks kept",
            Self::PutBack { .. } => "disks to be put back",
            Self::Lose { .. } => "disks to be lost",
            Self::Disconnect { .. } => "disconnects asked for",
            Self::Background { .. } => "background turned",
        }
    }

    /// The regions that it needs.
    pub(crate) fn regions(&self) -> Vec<RegionId> {
        match self {
            Self::Cable { from, to, .. }
            | Self::Cut { from, to, .. }
            | Self::Sever { from, to, .. }
            | Self::Drop { from, to } => vec![*from, *to],
            Self::Crash { region, .. }
            | Self::Stop { region, .. }
            | Self::FailSync { region, .. }
            | Self::Disk { region, .. }
            | Self::Pause { region, .. }
            | Self::ClockStep { region, .. }
            | Self::ClockRight { region }
            | Self::Drift { region, .. }
            | Self::Keep { region }
            | Self::PutBack { region, .. }
            | Self::Lose { region, .. }
            | Self::Background { region, .. } => vec![*region],
            Self::Disconnect { .. } => Vec::new(),
        }
    }
}
