//! What kind of world a seed is.

use std::time::Duration;

use halcyon_store::WriteFailure;
use halcyon_types::RegionId;
use halcyon_types::limits::{DRIFT_MAX, GROUP_MAX};

use super::fault::{Cable, Fault, When};
use crate::dice::Dice;
use crate::workload::ClientId;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    CutOneWay,
    CutBoth,
    CutOff,
    Flap,
    Sever,
    Drop,
    Crash,
    CrashAtAMoment,
    PowerFailure,
    Stop,
    FailSync,
    Disk,
    Pause,
    ClockStep,
    ClockFarOff,
    ClockWhileDown,
    Drift,
    Cable,
    Disconnect,
    Background,
}

const KINDS: [Kind; 20] = [
    Kind::CutOneWay,
    Kind::CutBoth,
    Kind::CutOff,
    Kind::Flap,
    Kind::Sever,
    Kind::Drop,
    Kind::Crash,
    Kind::CrashAtAMoment,
    Kind::PowerFailure,
    Kind::Stop,
    Kind::FailSync,
    Kind::Disk,
    Kind::Pause,
    Kind::ClockStep,
    Kind::ClockFarOff,
    Kind::ClockWhileDown,
    Kind::Drift,
    Kind::Cable,
    Kind::Disconnect,
    Kind::Background,
];

/// Back to 1970, as a clock whose battery is empty.
const DEAD_MS: i64 = -1_800_000_000_000;

/// Clients that may be disconnected; one that is not there is not missed.
const CLIENTS: u64 = 8;

/// What kind of world a seed is.
#[derive(Debug)]
pub(super) struct Profile {
    regions: Vec<RegionId>,
    /// How often each kind, against the others.
    menu: Vec<(u64, Kind)>,
    /// Between two troubles, in the mean.
    gap: Duration,
    /// How long what lasts lasts.
    lasts: (Duration, Duration),
    /// How long whoever has died is down.
    down: (Duration, Duration),
    /// How far the regions are apart.
    delay: (Duration, Duration),
    sync: (Duration, Duration),
    loses: u64,
    repeats: u64,
    refuses: u64,
    reorders: bool,
    group_max: usize,
    background: bool,
}

impl Profile {
    pub(super) fn draw(dice: &mut Dice, regions: &[RegionId]) -> Self {
        let mut menu = Vec::new();
        for kind in KINDS {
            let weight = match dice.below(10) {
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

    fn cable(&self, dice: &mut Dice) -> Cable {
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

    /// What goes wrong, and when.
    pub(super) fn faults(&self, dice: &mut Dice, span: Duration) -> Vec<(Duration, Fault)> {
        let mut faults = Vec::new();
        let total = self.menu.iter().map(|(weight, _)| weight).sum();
        let mut at = ms(200);
        while total > 0 {
            at += dice.span(Duration::ZERO, self.gap * 2);
            if at >= span {
                break;
            }
            let mut roll = dice.below(total);
            let kind = self.menu.iter().find(|(weight, _)| {
                let hit = roll < *weight;
                roll = roll.saturating_sub(*weight);
                hit
            });
            if let Some((_, kind)) = kind {
                self.trouble(dice, at, *kind, &mut faults);
            }
        }
        faults
    }

    fn trouble(&self, dice: &mut Dice, at: Duration, kind: Kind, faults: &mut Vec<(Duration, Fault)>) {
        let Some((region, other)) = self.two(dice) else { return };
        let (from, to) = (region, other);
        let lasts = dice.span(self.lasts.0, self.lasts.1);
        let down = dice.span(self.down.0, self.down.1);
        let mut now = |fault| faults.push((at, fault));
        match kind {
            Kind::CutOneWay => now(Fault::Cut { from, to, lasts }),
            Kind::CutBoth => {
                now(Fault::Cut { from, to, lasts });
                now(Fault::Cut { from: to, to: from, lasts });
            }
            Kind::CutOff => {
                for other in self.regions.iter().filter(|other| **other != region) {
                    now(Fault::Cut { from: region, to: *other, lasts });
                    now(Fault::Cut { from: *other, to: region, lasts });
                }
            }
            Kind::Flap => {
                for n in 0..4 {
                    let lasts = lasts / 8;
                    faults.push((at + lasts * 2 * n, Fault::Cut { from, to, lasts }));
                }
            }
            Kind::Sever => now(Fault::Sever { from, to, lasts }),
            Kind::Drop => now(Fault::Drop { from, to }),
            Kind::Crash => now(Fault::Crash { region, when: When::Now, kept: dice.one_in(2), alone: false, down }),
            Kind::CrashAtAMoment => {
                let (when, kept) = (*dice.of(&When::ALL), dice.one_in(4));
                now(Fault::Crash { region, when, kept, alone: dice.one_in(3), down });
            }
            Kind::PowerFailure => {
                for region in &self.regions {
                    let down = dice.span(self.down.0, self.down.1);
                    let kept = dice.one_in(2);
                    now(Fault::Crash { region: *region, when: When::Now, kept, alone: false, down });
                }
            }
            Kind::Stop => now(Fault::Stop { region, down }),
            Kind::FailSync => {
                let failure = *dice.of(&[WriteFailure::Lost, WriteFailure::Kept]);
                now(Fault::FailSync { region, failure, down });
            }
            Kind::Disk => {
                let least = dice.span(Duration::from_micros(50), ms(30));
                let sync = (least, least * 3);
                let group_max = *dice.of(&[GROUP_MAX, GROUP_MAX, 1, 5]);
                now(Fault::Disk { region, sync, group_max });
            }
            Kind::Pause => now(Fault::Pause { region, lasts: lasts.min(ms(5000)) }),
            Kind::ClockStep => now(Fault::ClockStep { region, ms: either_way(dice, 2000) }),
            Kind::ClockFarOff => {
                let drift = i64::try_from(DRIFT_MAX.as_millis()).unwrap_or(i64::MAX);
                let far = *dice.of(&[drift * 2, 10_000, 3_000_000, 86_400_000, 31_536_000_000, DEAD_MS]);
                now(Fault::ClockStep { region, ms: far });
                faults.push((at + lasts, Fault::ClockRight { region }));
            }
            Kind::ClockWhileDown => {
                now(Fault::Crash { region, when: When::Now, kept: true, alone: false, down });
                let most = *dice.of(&[100, 4000, 4_000_000]);
                let ms = if dice.one_in(8) { DEAD_MS } else { either_way(dice, most) };
                faults.push((at + down / 2, Fault::ClockStep { region, ms }));
                if dice.one_in(2) {
                    faults.push((at + down + lasts, Fault::ClockRight { region }));
                }
            }
            Kind::Drift => now(Fault::Drift { region, ppm: either_way(dice, 20_000) }),
            Kind::Cable => {
                let mut cable = self.cable(dice);
                if dice.one_in(5) {
                    cable.delay = dice.span(ms(200), ms(2500));
                }
                now(Fault::Cable { from, to, cable });
            }
            Kind::Disconnect => {
                let client = ClientId(u32::try_from(dice.below(CLIENTS)).unwrap_or_default());
                now(Fault::Disconnect { client });
            }
            Kind::Background => now(Fault::Background { region, on: dice.one_in(2) }),
        }
    }

    /// Two different regions.
    fn two(&self, dice: &mut Dice) -> Option<(RegionId, RegionId)> {
        let one = *dice.pick(&self.regions)?;
        let others: Vec<_> = self.regions.iter().copied().filter(|other| *other != one).collect();
        Some((one, *dice.pick(&others)?))
    }
}

fn either_way(dice: &mut Dice, most: u64) -> i64 {
    let by = i64::try_from(dice.from_to(1, most)).unwrap_or_default();
    if dice.one_in(2) { by } else { -by }
}
