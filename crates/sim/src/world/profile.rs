//! What kind of world a seed is: how far its regions are apart, how good its cables and disks, and what goes wrong how often.

use std::time::Duration;

use halcyon_types::RegionId;
use halcyon_types::limits::GROUP_MAX;

use super::fault::{Cable, Fault};
use super::trouble::{KINDS, Kind};
use crate::dice::Dice;

pub(super) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What kind of world a seed is.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) regions: Vec<RegionId>,
    /// How often each kind, against the others.
    pub(super) menu: Vec<(u64, Kind)>,
    /// Between two troubles, in the mean.
    pub(super) gap: Duration,
    /// How long what lasts lasts.
    pub(super) lasts: (Duration, Duration),
    /// How long whoever has died is down.
    pub(super) down: (Duration, Duration),
    /// How far the regions are apart.
    delay: (Duration, Duration),
    sync: (Duration, Duration),
    loses: u64,
    repeats: u64,
    refuses: u64,
    reorders: bool,
    group_max: usize,
    background: bool,
    /// Whether records are dropped for their age.
    pub(super) forgetful: bool,
}

impl Profile {
    pub(super) fn draw(dice: &mut Dice, regions: &[RegionId], forgetful: bool) -> Self {
        let mut menu = Vec::new();
        for kind in KINDS {
            let weight = match dice.below(10) {
                // Disks are set back in few worlds: what was lost there proves nothing any more.
                _ if matches!(kind, Kind::PutBack | Kind::Lose) => {
                    if dice.one_in(6) {
                        dice.from_to(1, 5)
                    } else {
                        0
                    }
                }
                0..4 => 0,
                4..8 => dice.from_to(1, 3),
                _ => dice.from_to(4, 12),
            };
            menu.push((weight, kind));
        }
        // What is lost or told too early shows only where something dies.
        if !dice.one_in(4) {
            menu.push((dice.from_to(3, 15), Kind::CrashAtAMoment));
        }
        // What is dropped for its age matters to whoever was away meanwhile.
        if forgetful {
            menu.push((dice.from_to(1, 6), Kind::AwayForLong));
        }
        let us = Duration::from_micros;
        Self {
            regions: regions.to_vec(),
            menu,
            gap: *dice.of(&[ms(40), ms(100), ms(200), ms(400), ms(1000), ms(3000)]),
            lasts: *dice.of(&[(ms(1), ms(300)), (ms(100), ms(2000)), (ms(1000), ms(14_000))]),
            down: *dice.of(&[(ms(1), ms(50)), (ms(1), ms(50)), (ms(20), ms(1000)), (ms(500), ms(6000))]),
            delay: *dice.of(&[(us(100), ms(1)), (ms(1), ms(10)), (ms(10), ms(60)), (ms(1), ms(150))]),
            sync: *dice.of(&[(us(50), us(500)), (ms(1), ms(8)), (ms(1), ms(8)), (ms(5), ms(60))]),
            loses: *dice.of(&[0, 0, 0, 5, 30, 200]),
            repeats: *dice.of(&[0, 0, 10, 150]),
            refuses: *dice.of(&[0, 0, 100, 500]),
            reorders: dice.one_in(3),
            group_max: *dice.of(&[GROUP_MAX, GROUP_MAX, GROUP_MAX, 1, 3]),
            background: !dice.one_in(4),
            forgetful,
        }
    }

    /// How the world is from its beginning on.
    pub(super) fn base(&self, dice: &mut Dice) -> Vec<Fault> {
        let mut faults = Vec::new();
        for from in &self.regions {
            for to in self.regions.iter().filter(|to| *to != from) {
                faults.push(Fault::Cable { from: *from, to: *to, cable: self.cable(dice) });
            }
            let (least, most) = self.sync;
            let sync = (least, dice.span(least, most));
            faults.push(Fault::Disk { region: *from, sync, group_max: self.group_max });
            if !self.background {
                faults.push(Fault::Background { region: *from, on: false });
            }
        }
        faults
    }

    pub(super) fn cable(&self, dice: &mut Dice) -> Cable {
        let delay = dice.span(self.delay.0, self.delay.1);
        Cable {
            delay,
            jitter: dice.span(Duration::ZERO, delay * 2),
            reorders: self.reorders,
            loses: dice.below(self.loses + 1),
            repeats: dice.below(self.repeats + 1),
            refuses: dice.below(self.refuses + 1),
        }
    }
}
