//! Scenario files, run on the kernel in memory.
//!
//! `HALCYON_SCENARIOS` names another file to run besides the project's own.

use halcyon_sim::kernel::Kernel;
use halcyon_sim::scenario::{Verdict, parse, run};

fn failures(file: &str, text: &str) -> Vec<String> {
    let scenarios = parse(file, text).expect("the file must be the language");
    assert!(!scenarios.is_empty(), "{file} holds no scenario");
    let verdict = |scenario| match run(scenario, &mut Kernel::default()) {
        Verdict::Passed | Verdict::Skipped(_) => None,
        Verdict::Failed(why) => Some(format!("[{}] {why}", scenario.name)),
    };
    scenarios.iter().filter_map(verdict).collect()
}

#[test]
fn the_file_that_the_environment_names_passes() {
    if let Ok(file) = std::env::var("HALCYON_SCENARIOS") {
        let text = std::fs::read_to_string(&file).expect("HALCYON_SCENARIOS names no file that can be read");
        assert_eq!(failures(&file, &text), Vec::<String>::new());
    }
}
