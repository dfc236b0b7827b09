//! Programs: what happens to a world from outside, as data, so that it can be printed, cut down and run again.

use std::fmt;
use std::time::Duration;

use super::fault::Fault;
use crate::workload::Action;

/// All that a run depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// Of the world's small chances: how long each message takes, which one is lost.
    pub seed: u64,
    /// From 2 to 5.
    pub regions: u16,
    /// In order of time.
    pub steps: Vec<Step>,
}

/// What happens, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Since the world began.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A client acts.
    Action(Action),
    /// Something goes wrong.
    Fault(Fault),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action(action) => action.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>11.6} s  {}", self.at.as_secs_f64(), self.what)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {} regions, {} steps", self.seed, self.regions, self.steps.len())?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}
