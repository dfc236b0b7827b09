//! Drawing programs: what clients do, and what goes wrong meanwhile.
//!
//! Each seed first draws a *profile*: which kinds of faults there are at all, how heavy each, how close together, how far
//! apart the regions are, how fast their disks. So seeds differ in kind, not only in dice; a kind that would drown another
//! is absent from many of them ("swarm testing", Groce and others, ISSTA 2012).

use std::time::Duration;

use halcyon_types::RegionId;

use super::fault::Fault;
use super::profile::Profile;
use super::program::{Program, Step, What};
use super::seat::is_forgetful;
use crate::dice::Dice;
use crate::workload;

impl Program {
    /// The program of a seed, with so many operations of clients.
    #[must_use]
    pub fn draw(seed: u64, ops: u64) -> Self {
        let mut dice = Dice::stream(seed, "program", 0);
        let regions = *dice.of(&[2, 3, 3, 3, 3, 4, 4, 5]);
        let actions = workload::draw(&mut Dice::stream(seed, "workload", 0), ops, regions);
        let span = actions.last().map_or(Duration::ZERO, |(at, _)| *at);
        let everyone: Vec<_> = (1..=regions).filter_map(|n| RegionId::try_from(u64::from(n)).ok()).collect();
        let profile = Profile::draw(&mut dice, &everyone, is_forgetful(seed));
        let mut steps: Vec<_> = profile.base(&mut dice).into_iter().map(|fault| step(Duration::ZERO, fault)).collect();
        steps.extend(profile.faults(&mut dice, span).into_iter().map(|(at, fault)| step(at, fault)));
        steps.extend(actions.into_iter().map(|(at, action)| Step { at, what: What::Action(action) }));
        steps.sort_by_key(|step| step.at);
        Self { seed, regions, steps }
    }
}

const fn step(at: Duration, fault: Fault) -> Step {
    Step { at, what: What::Fault(fault) }
}
