//! Shrinking: a program that fails, cut down to the steps that it takes ("delta debugging", Zeller and Hildebrandt, IEEE TSE
//! 2002): first a kind of fault or a few clients at a time, then halves of the steps, quarters, and so on down to single ones,
//! then fewer regions. What is left must break the same invariant.

use std::collections::BTreeSet;

use super::program::{Program, Step, What};
use super::report::Failure;
use super::run::run;
use crate::workload::ClientId;

/// Runs that shrinking one program may take.
const RUNS_MAX: u32 = 400;

/// The shortest program that was found to fail as this one does.
pub fn shrink(program: &Program, failure: &Failure) -> Program {
    let fails = |candidate: &Program| run(candidate).failure.is_some_and(|found| found.invariant == failure.invariant);
    // What comes after the failure has no part in it, but for those that only the end shows.
    let steps = program.steps.iter().filter(|step| step.at <= failure.at).cloned().collect();
    let until = Program { steps, ..program.clone() };
    shrink_while(if fails(&until) { &until } else { program }, fails)
}

/// The shortest program that was found of which `fails` says the same as of this one.
pub fn shrink_while(program: &Program, fails: impl Fn(&Program) -> bool) -> Program {
    let mut search = Search { best: program.clone(), fails, runs: 0 };
    // All faults of a kind, before any single one.
    let kinds: BTreeSet<_> = search.best.steps.iter().filter_map(kind).collect();
    for gone in kinds {
        search.keep_if_it_fails(|step| kind(step) != Some(gone));
    }
    search.fewer_clients();
    search.fewer_steps();
    search.fewer_regions();
    search.best
}

fn kind(step: &Step) -> Option<&'static str> {
    match &step.what {
        What::Fault(fault) => Some(fault.kind()),
        What::Action(_) => None,
    }
}

fn client(step: &Step) -> Option<ClientId> {
    match &step.what {
        What::Action(action) => Some(action.client),
        What::Fault(_) => None,
    }
}

struct Search<F> {
    best: Program,
    fails: F,
    runs: u32,
}

impl<F: Fn(&Program) -> bool> Search<F> {
    fn keep_if_it_fails(&mut self, keep: impl Fn(&Step) -> bool) -> bool {
        let steps: Vec<_> = self.best.steps.iter().filter(|step| keep(step)).cloned().collect();
        steps.len() < self.best.steps.len() && self.take_if_it_fails(Program { steps, ..self.best.clone() })
    }

    fn take_if_it_fails(&mut self, candidate: Program) -> bool {
        if self.runs == RUNS_MAX {
            return false;
        }
        self.runs += 1;
        let fails = (self.fails)(&candidate);
        if fails {
            self.best = candidate;
        }
        fails
    }

    /// All that one client does, or several, before any single step: they mind each other little.
    fn fewer_clients(&mut self) {
        let clients: BTreeSet<_> = self.best.steps.iter().filter_map(client).collect();
        let clients: Vec<_> = clients.into_iter().collect();
        let mut chunk = clients.len().div_ceil(2);
        while chunk > 0 {
            for gone in clients.chunks(chunk) {
                self.keep_if_it_fails(|step| client(step).is_none_or(|client| !gone.contains(&client)));
            }
            chunk /= 2;
        }
    }

    fn fewer_steps(&mut self) {
        let mut chunk = self.best.steps.len().div_ceil(2);
        while chunk > 0 && self.runs < RUNS_MAX {
            let (mut from, mut any) = (0, false);
            while from < self.best.steps.len() {
                let mut candidate = self.best.clone();
                candidate.steps.drain(from..(from + chunk).min(self.best.steps.len()));
                if self.take_if_it_fails(candidate) {
                    any = true;
                } else {
                    from += chunk;
                }
            }
            // Single steps again, as long as one more goes.
            if chunk > 1 || !any {
                chunk /= 2;
            }
        }
    }

    /// The highest region at a time, with the faults that are its.
    fn fewer_regions(&mut self) {
        while self.best.regions > 2 {
            let regions = self.best.regions - 1;
            let stays = |step: &&Step| match &step.what {
                What::Fault(fault) => fault.regions().iter().all(|region| region.get() <= regions),
                What::Action(_) => true,
            };
            let steps = self.best.steps.iter().filter(stays).cloned().collect();
            if !self.take_if_it_fails(Program { regions, steps, ..self.best.clone() }) {
                break;
            }
        }
    }
}
