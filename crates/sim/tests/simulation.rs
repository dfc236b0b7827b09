//! The simulator, as far as it fits an ordinary test run: a few seeds hold, a seed's run is always the same, and what fails
//! is cut down. `make sim` runs the many.

use halcyon_sim::world::{Program, What, run, run_in_words, shrink_while};

/// Operations of one seed here.
const OPS: u64 = 200;

#[test]
fn every_promise_holds_through_the_faults_of_a_few_seeds() {
    for seed in 1..=12 {
        let report = run(&Program::draw(seed, OPS));
        assert_eq!(report.failure, None, "replay with: make sim SEED={seed} OPS={OPS}");
    }
}

#[test]
fn two_runs_of_a_seed_are_the_same_to_the_last_byte() {
    let mut traces = Vec::new();
    for seed in 1..=3 {
        let program = Program::draw(seed, OPS);
        assert_eq!(program, Program::draw(seed, OPS));
        let (once, again) = (run(&program), run(&program));
        assert_eq!(once, again, "seed {seed}");
        assert_eq!(run_in_words(&program).0, once, "telling changes nothing");
        traces.push(once.trace);
    }
    traces.dedup();
    assert_eq!(traces.len(), 3, "other seeds have other runs");
}

#[test]
fn a_program_is_cut_down_to_the_steps_that_it_takes() {
    let counts = |program: &Program, name| run(program).figures.counts.get(name).copied().unwrap_or_default();
    let fails =
        |program: &Program| counts(program, "groups lost by a failed sync") > 0 && counts(program, "crashes") > 1;
    let long = (1..200).map(|seed| Program::draw(seed, OPS)).find(fails).expect("some seed has both");
    let short = shrink_while(&long, fails);
    assert!(fails(&short), "what is left still does it");
    let faults = short.steps.iter().filter(|step| matches!(step.what, What::Fault(_))).count();
    assert!(short.steps.len() <= 5 && faults <= 2, "{} steps were cut down to:\n{short}", long.steps.len());
    assert_eq!(short.to_string().lines().count(), 1 + short.steps.len(), "a line each, behind the seed's");
}
