//! What goes wrong in a world, and when: kinds of trouble, each of one or more faults.

use std::time::Duration;

use halcyon_store::WriteFailure;
use halcyon_types::RegionId;
use halcyon_types::limits::{DRIFT_MAX, GROUP_MAX};

use super::fault::{Fault, When};
use super::profile::{Profile, ms};
use crate::dice::Dice;
use crate::workload::ClientId;

/// Kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    CutOneWay,
    CutBoth,
    CutOff,
    AwayForLong,
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
    PutBack,
    Lose,
}

pub(super) const KINDS: [Kind; 22] = [
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
    Kind::PutBack,
    Kind::Lose,
];

/// Back to 1970, as a clock whose battery is empty.
const DEAD_MS: i64 = -1_800_000_000_000;

/// Clients are numbered from 0 on; of those beyond the last, the first is meant.
const CLIENTS: u64 = 200;

impl Profile {
    /// What goes wrong, and when.
    pub(super) fn faults(&self, dice: &mut Dice, span: Duration) -> Vec<(Duration, Fault)> {
        let mut faults = Vec::new();
        if self.forgetful {
            // Whoever is away early is back, and takes a copy, while there is still something going on.
            for _ in 0..2 {
                let at = dice.span(span / 20, span / 3);
                self.trouble(dice, at, Kind::AwayForLong, &mut faults);
            }
        }
        let total = self.menu.iter().map(|(weight, _)| weight).sum();
        let mut at = ms(200);
        loop {
            at += dice.span(Duration::ZERO, self.gap * 2);
            if at >= span || total == 0 {
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
            Kind::AwayForLong => {
                let lasts = dice.span(ms(700), ms(4000));
                if dice.one_in(3) {
                    now(Fault::Crash { region, when: When::Now, kept: true, alone: false, down: lasts });
                }
                for other in self.regions.iter().filter(|other| **other != region) {
                    now(Fault::Cut { from: region, to: *other, lasts });
                    now(Fault::Cut { from: *other, to: region, lasts });
                }
                // And something happens to it when it comes back.
                let back = at + lasts + dice.span(ms(1000), ms(5000));
                let when = *dice.of(&[When::Paged, When::Filled, When::Replacing, When::Replacing]);
                let down = dice.span(self.down.0, self.down.1);
                match dice.below(6) {
                    0..3 => {
                        let region = if when == When::Paged { other } else { region };
                        faults.push((at, Fault::Crash { region, when, kept: true, alone: false, down }));
                    }
                    3 => faults.push((back, Fault::Sever { from, to, lasts: ms(500) })),
                    4 => faults.push((back, Fault::Cut { from: to, to: from, lasts: ms(3000) })),
                    _ => {}
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
                let most = if dice.one_in(6) { ms(1000) } else { ms(30) };
                let least = dice.span(Duration::from_micros(50), most);
                let sync = (least, least * 3);
                let group_max = *dice.of(&[GROUP_MAX, GROUP_MAX, 1, 5]);
                now(Fault::Disk { region, sync, group_max });
            }
            Kind::Pause => now(Fault::Pause { region, lasts: lasts.min(ms(5000)) }),
            Kind::ClockStep => {
                let most = *dice.of(&[200, 2000]);
                now(Fault::ClockStep { region, ms: either_way(dice, most) });
                if !dice.one_in(3) {
                    faults.push((at + lasts, Fault::ClockRight { region }));
                }
            }
            Kind::ClockFarOff => {
                let drift = i64::try_from(DRIFT_MAX.as_millis()).unwrap_or(i64::MAX);
                let far = *dice.of(&[drift * 2, 10_000, 3_000_000, 86_400_000, 31_536_000_000, DEAD_MS]);
                now(Fault::ClockStep { region, ms: far });
                // Long enough for the others to tell, more often than not.
                let lasts = if dice.one_in(3) { lasts } else { lasts.max(ms(4000)) };
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
            Kind::Drift => {
                now(Fault::Drift { region, ppm: either_way(dice, 20_000) });
                if dice.one_in(2) {
                    faults.push((at + lasts, Fault::ClockRight { region }));
                }
            }
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
            Kind::PutBack => {
                now(Fault::Keep { region });
                faults.push((at + lasts, Fault::PutBack { region, down }));
            }
            Kind::Lose => now(Fault::Lose { region, down }),
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
