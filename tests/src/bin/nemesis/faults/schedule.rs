//! Which fault when: drawn from the seed before the run begins.

use std::fmt;

use halcyon_tests::{Dice, REGIONS};

/// What goes wrong. Regions by their index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No records pass from one region to another.
    CutOneWay { from: usize, to: usize },
    /// Nothing passes between two regions.
    Cut { a: usize, b: usize },
    /// Nothing passes between a region and any other.
    Isolate { region: usize },
    /// The cable between two regions goes in and out.
    Flap { a: usize, b: usize },
    /// What a region says to another arrives late.
    Delay { from: usize, to: usize, ms: u64 },
    /// A region passes no third region's records on to another.
    RelayOff { at: usize, peer: usize },
    /// SIGSTOP, then SIGCONT.
    Pause { region: usize },
    /// SIGKILL, then a restart.
    Kill { region: usize },
    /// SIGTERM, then a restart.
    Terminate { region: usize },
    /// A region's wall clock is off by so much.
    Clock { region: usize, off_ms: i64 },
}

/// A fault and its time, in milliseconds since the schedule began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) begin: u64,
    pub(crate) end: u64,
    pub(crate) trouble: Trouble,
}

/// Every kind, as the table of a run names them.
pub(crate) const KINDS: [&str; 10] =
    ["cut-one-way", "cut", "isolate", "flap", "delay", "relay-off", "pause", "kill", "terminate", "clock"];

/// Longer than what keeps an idle connection open.
const LONG_PAUSE_MS: u64 = 13_000;
/// Nothing goes wrong at the very beginning.
const CALM_MS: u64 = 1_500;

impl Trouble {
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::CutOneWay { .. } => "cut-one-way",
            Self::Cut { .. } => "cut",
            Self::Isolate { .. } => "isolate",
            Self::Flap { .. } => "flap",
            Self::Delay { .. } => "delay",
            Self::RelayOff { .. } => "relay-off",
            Self::Pause { .. } => "pause",
            Self::Kill { .. } => "kill",
            Self::Terminate { .. } => "terminate",
            Self::Clock { .. } => "clock",
        }
    }

    /// Whose process is stopped.
    pub(crate) const fn process(self) -> Option<usize> {
        match self {
            Self::Pause { region } | Self::Kill { region } | Self::Terminate { region } => Some(region),
            _ => None,
        }
    }

    /// Whose node fails, or whose clock; who is alone.
    pub(crate) const fn region(self) -> Option<usize> {
        match self {
            Self::Isolate { region }
            | Self::Pause { region }
            | Self::Kill { region }
            | Self::Terminate { region }
            | Self::Clock { region, .. } => Some(region),
            _ => None,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |region: usize| REGIONS.get(region).copied().unwrap_or("?");
        match *self {
            Self::CutOneWay { from, to } => write!(f, "{} -x-> {}", name(from), name(to)),
            Self::Cut { a, b } | Self::Flap { a, b } => write!(f, "{} -x- {}", name(a), name(b)),
            Self::Isolate { region } | Self::Pause { region } | Self::Kill { region } | Self::Terminate { region } => {
                f.write_str(name(region))
            }
            Self::Delay { from, to, ms } => write!(f, "{} -> {} by {ms} ms", name(from), name(to)),
            Self::RelayOff { at, peer } => write!(f, "{} to {}", name(at), name(peer)),
            Self::Clock { region, off_ms } => write!(f, "{} by {off_ms} ms", name(region)),
        }
    }
}

/// Draws a schedule of so many milliseconds. Faults of one lane follow each other, those of different lanes overlap; no
/// two ever befall one node's process at once.
pub(crate) fn draw(dice: &mut Dice, total_ms: u64) -> Vec<Planned> {
    let mut plan = Vec::new();
    for _ in 0..2 {
        lane(dice, &mut plan, total_ms, (300, 2_500), (800, 6_000), link);
    }
    lane(dice, &mut plan, total_ms, (500, 3_000), (1_000, 5_000), node);
    lane(dice, &mut plan, total_ms, (3_000, 9_000), (500, 4_000), node);
    lane(dice, &mut plan, total_ms, (1_000, 6_000), (1_000, 8_000), clock);
    plan.sort_by_key(|planned| planned.begin);
    plan
}

fn lane(
    dice: &mut Dice,
    plan: &mut Vec<Planned>,
    total_ms: u64,
    gap: (u64, u64),
    long: (u64, u64),
    what: fn(&mut Dice) -> Trouble,
) {
    let mut at = CALM_MS;
    loop {
        let begin = at + between(dice, gap);
        let trouble = what(dice);
        let pause = matches!(trouble, Trouble::Pause { .. }) && dice.below(5) == 0;
        let end = begin
            + match trouble {
                _ if pause => LONG_PAUSE_MS,
                Trouble::Isolate { .. } => between(dice, (3_000, 6_000)),
                _ => between(dice, long),
            };
        if end > total_ms {
            return;
        }
        at = end;
        let process = Trouble::process;
        let busy = |other: &Planned| {
            let same = process(trouble).is_some() && process(other.trouble) == process(trouble);
            same && begin < other.end + 500 && other.begin < end + 500
        };
        if !plan.iter().any(busy) {
            plan.push(Planned { begin, end, trouble });
        }
    }
}

fn between(dice: &mut Dice, (least, most): (u64, u64)) -> u64 {
    least + dice.below(most - least)
}

fn region(dice: &mut Dice) -> usize {
    usize::try_from(dice.below(REGIONS.len() as u64)).unwrap_or(0)
}

/// Two different regions.
fn pair(dice: &mut Dice) -> (usize, usize) {
    let one = region(dice);
    let step = 1 + usize::try_from(dice.below(REGIONS.len() as u64 - 1)).unwrap_or(0);
    (one, (one + step) % REGIONS.len())
}

fn link(dice: &mut Dice) -> Trouble {
    let ((from, to), region) = (pair(dice), region(dice));
    match dice.below(12) {
        0..3 => Trouble::CutOneWay { from, to },
        3..5 => Trouble::Cut { a: from, b: to },
        5..7 => Trouble::Isolate { region },
        7..9 => Trouble::Flap { a: from, b: to },
        9 | 10 => Trouble::Delay { from, to, ms: between(dice, (50, 1_500)) },
        _ => Trouble::RelayOff { at: from, peer: to },
    }
}

fn node(dice: &mut Dice) -> Trouble {
    let region = region(dice);
    match dice.below(8) {
        0..3 => Trouble::Pause { region },
        3..6 => Trouble::Kill { region },
        _ => Trouble::Terminate { region },
    }
}

fn clock(dice: &mut Dice) -> Trouble {
    let region = region(dice);
    // Within what peers tolerate, beyond it, and far out: both ways.
    let size = match dice.below(3) {
        0 => between(dice, (50, 450)),
        1 => between(dice, (600, 10_000)),
        _ => between(dice, (20_000, 600_000)),
    };
    let size = i64::try_from(size).unwrap_or(0);
    Trouble::Clock { region, off_ms: if dice.below(2) == 0 { size } else { -size } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_one_schedule_and_many_draw_every_kind() {
        let plan = |seed| draw(&mut Dice::new(seed), 120_000);
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
        let plans: Vec<_> = (0..20).flat_map(plan).collect();
        for kind in KINDS {
            assert!(plans.iter().any(|planned| planned.trouble.kind() == kind), "{kind}");
        }
    }

    #[test]
    fn no_node_is_struck_while_it_is_down() {
        for seed in 0..50 {
            let plan = draw(&mut Dice::new(seed), 120_000);
            let nodes: Vec<_> = plan.iter().filter(|it| it.trouble.process().is_some()).collect();
            for (i, one) in nodes.iter().enumerate() {
                for other in nodes.iter().skip(i + 1).filter(|other| other.trouble.process() == one.trouble.process()) {
                    assert!(one.end <= other.begin || other.end <= one.begin, "{seed}: {one:?} {other:?}");
                }
            }
        }
    }
}
