//! Scenario files, run on the kernel in memory: the project's own, one test each, and one that the environment names.

use halcyon_sim::kernel::Kernel;
use halcyon_sim::scenario::{Verdict, parse, run};

fn failures(file: &str, text: &str) -> Vec<String> {
    let scenarios = match parse(file, text) {
        Ok(scenarios) if scenarios.is_empty() => return vec![format!("{file} holds no scenario")],
        Ok(scenarios) => scenarios,
        Err(error) => return vec![error.to_string()],
    };
    let verdict = |scenario| match run(scenario, &mut Kernel::default()) {
        Verdict::Passed | Verdict::Skipped(_) => None,
        Verdict::Failed(why) => Some(format!("[{}] {why}", scenario.name)),
    };
    scenarios.iter().filter_map(verdict).collect()
}

macro_rules! own {
    ($($name:ident: $file:literal,)*) => { $(
        #[test]
        fn $name() {
            let failed = failures($file, include_str!(concat!("../scenarios/", $file)));
            assert!(failed.is_empty(), "{failed:#?}");
        }
    )* };
}

own! {
    what_a_transaction_saw_decides_what_it_removes: "contexts.txt",
    counters_registers_and_flags_hold_their_scenarios: "counters.txt",
    collections_hold_their_scenarios: "collections.txt",
    bounded_counters_hold_their_scenarios: "escrow.txt",
    keys_and_values_that_end_hold_their_scenarios: "endings.txt",
    refusals_have_their_names: "errors.txt",
}

#[test]
fn every_scenario_prints_as_it_reads() {
    for text in [include_str!("../scenarios/pairs.txt"), include_str!("../scenarios/contexts.txt")] {
        for scenario in parse("own", text).unwrap() {
            let again = parse("printed", &scenario.to_string()).unwrap().remove(0);
            let kinds = |steps: Vec<halcyon_sim::scenario::Step>| steps.into_iter().map(|s| s.kind).collect::<Vec<_>>();
            assert_eq!(again.steps.map(kinds), scenario.steps.map(kinds));
        }
    }
}

/// A scenario that expects what is not so must fail, or nothing here proves anything.
#[test]
fn a_wrong_expectation_fails_and_names_its_line() {
    let failed = failures("wrong", "[w]\nA incr k 5\nsync\nexpect * counter k => 6\n");
    assert_eq!(failed, ["[w] line 4: `expect * counter k => 6`: A has 5"]);
}

#[test]
fn the_file_that_the_environment_names_passes() {
    if let Ok(file) = std::env::var("HALCYON_SCENARIOS") {
        let text = std::fs::read_to_string(&file).expect("HALCYON_SCENARIOS names no file that can be read");
        assert_eq!(failures(&file, &text), Vec::<String>::new());
    }
}
