//! What a cycle is to bring: drawn beforehand, so that a seed draws the same blows again.

use std::fmt;
use std::time::Duration;

use halcyon_tests::Dice;
use halcyon_tests::power::{Failing, Leaves};

use crate::floors::Floors;

/// What strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// kill -9.
    Kill,
    /// kill -9, and the disk forgets what was not synced, or makes this of it.
    PowerCut(Leaves),
}

/// One cycle.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The regions that are struck, at one moment.
    pub(crate) victims: Vec<usize>,
    /// By what.
    pub(crate) blow: Blow,
    /// Acked writes of the first of them before it; none: at rest, with what is there remembered and compared.
    pub(crate) progress: Option<u64>,
    /// And so much later.
    pub(crate) pause: Duration,
    /// After it, while the victims start up: so long after their start, another.
    pub(crate) early: Vec<(Duration, Blow)>,
    /// Instead of serving after that, the first victim's n-th sync fails; and then, if so drawn, the power as well.
    pub(crate) sync_failure: Option<(u64, Failing, Option<Blow>)>,
    /// How slow the victims' disks are from then on.
    pub(crate) sync_delay: Duration,
    /// A region alone begins anew before it, on an empty disk, and the early blows meet its first start.
    pub(crate) fresh: bool,
    /// Each write is large, so that the database fills its buffers, begins new logs and drops old ones meanwhile.
    pub(crate) heavy: bool,
    /// For whatever else is drawn while the cycle goes on.
    pub(crate) seed: u64,
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Kill { "kill" } else { "power cut" })
    }
}

impl Plan {
    /// Draws one for an arena of so many regions; what is `left` to come, it brings rather than what is not.
    pub(crate) fn draw(dice: &mut Dice, regions: usize, left: Floors) -> Self {
        let cut = |dice: &mut Dice| match dice.below(8) {
            0 => Blow::PowerCut(Leaves::Nothing),
            _ if left.garbled > 0 => Blow::PowerCut(Leaves::Disorder),
            _ => Blow::PowerCut(Leaves::Drawn),
        };
        let blow = |dice: &mut Dice| match (left.kills, left.power_cuts) {
            (0, 1..) => cut(dice),
            (1.., 0) => Blow::Kill,
            _ if dice.below(2) == 0 => Blow::Kill,
            _ => cut(dice),
        };
        let early = if dice.below(3) == 0 { 1 + dice.below(3) } else { 0 };
        let fails = (dice.below(6) == 0) != (left.sync_failures > 0);
        let how = if dice.below(2) == 0 { Failing::Kept } else { Failing::Lost };
        let after = if dice.below(2) == 0 { Some(blow(dice)) } else { None };
        let progress = match dice.below(10) {
            0 => None,
            1 | 2 => Some(dice.below(3)),
            3..=7 => Some(1 + dice.below(60)),
            _ => Some(60 + dice.below(200)),
        };
        // Only where disks are replaced now and then: logs of large writes grow.
        let heavy = regions == 1 && dice.below(8) == 0;
        let progress = if heavy { Some(200 + dice.below(400)) } else { progress };
        Self {
            victims: victims(dice, regions),
            blow: blow(dice),
            progress,
            pause: Duration::from_micros(dice.below(20_000)),
            // Half of them very early.
            early: (0..early)
                .map(|_| {
                    let most = if dice.below(2) == 0 { 30_000 } else { 200_000 };
                    (Duration::from_micros(dice.below(most)), blow(dice))
                })
                .collect(),
            // At rest, a node soon has nothing more to sync.
            sync_failure: (fails && progress.is_some()).then(|| (1 + dice.below(60), how, after)),
            sync_delay: Duration::from_micros(if heavy || dice.below(4) == 0 { 0 } else { dice.below(6000) }),
            heavy,
            fresh: regions == 1 && dice.below(8) == 0,
            seed: dice.roll(),
        }
    }
}

fn victims(dice: &mut Dice, regions: usize) -> Vec<usize> {
    let first = usize::try_from(dice.below(regions as u64)).unwrap_or(0);
    let count = match dice.below(10) {
        0..=5 => 1,
        6..=7 => 2,
        _ => regions,
    };
    (0..regions.min(count)).map(|step| (first + step) % regions).collect()
}
