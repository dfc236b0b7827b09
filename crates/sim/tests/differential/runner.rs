//! Runs as many programs as asked for, and prints the first that fails, cut down, as a scenario file.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};

use halcyon_sim::scenario::StepKind;
use halcyon_sim::workload::diet::Diet;

use crate::generator::program;
use crate::player::{Game, Observer, Wrong};
use crate::shrink::{sensible, shrink};

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|e| panic!("{name}={text:?} is no number: {e}")))
}

/// A seed of a program, from the run's and its place in the run.
fn seed_of(run: u64, diet: Diet, nth: u64) -> u64 {
    run.wrapping_mul(1_000_003).wrapping_add(diet as u64).wrapping_mul(1_000_003).wrapping_add(nth)
}

/// Plays as many programs as `HALCYON_CASES` says, else `cases`, each with an observer of its own; gives them back.
pub(crate) fn check<O: Observer>(diet: Diet, cases: u64, observer: impl Fn() -> O) -> Vec<O> {
    check_changed(diet, cases, observer, |steps| steps)
}

/// As [`check`], of programs that were changed for the purpose.
pub(crate) fn check_changed<O: Observer>(
    diet: Diet,
    cases: u64,
    observer: impl Fn() -> O,
    change: impl Fn(Vec<StepKind>) -> Vec<StepKind>,
) -> Vec<O> {
    let (cases, run) = (number("HALCYON_CASES").unwrap_or(cases), number("HALCYON_SEED").unwrap_or(0));
    let mut observers = Vec::new();
    for nth in 0..cases {
        let steps = sensible(&change(program(diet, seed_of(run, diet, nth))));
        let mut watching = observer();
        if play(&steps, &mut watching).is_err() {
            let least = shrink(steps, |steps| play(steps, &mut observer()).is_err());
            let (game, wrong) = play(&least, &mut observer()).unwrap_err();
            panic!(
                "program {nth} of {diet:?}: {}\n\n{}\nagain: HALCYON_SEED={run} HALCYON_CASES={} cargo test -p halcyon-sim\n",
                wrong.why,
                as_scenario(&least, &game, &wrong),
                nth + 1,
            );
        }
        observers.push(watching);
    }
    observers
}

fn play(steps: &[StepKind], observer: &mut impl Observer) -> Result<Game, (Box<Game>, Wrong)> {
    let mut game = Game::new();
    // A panic of the kernel is a failure like any other, and is cut down like any other.
    let outcome = catch_unwind(AssertUnwindSafe(|| game.play(steps, observer)));
    match outcome {
        Ok(Ok(())) => Ok(game),
        Ok(Err(wrong)) => Err((Box::new(game), wrong)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err((Box::new(game), format!("panic: {}", text.unwrap_or_default()).into()))
        }
    }
}

/// The program as a file of the language, refusals included, with what should have been read at its end.
fn as_scenario(steps: &[StepKind], game: &Game, wrong: &Wrong) -> String {
    let mut text = String::from("[a random program]\n");
    for (at, step) in steps.iter().enumerate() {
        let line = match (step, game.refused.get(&at)) {
            (StepKind::Write { region, command, context }, Some(name)) => {
                let (command, context, name) = (command.clone(), context.clone(), name.clone());
                StepKind::Fails { region: *region, command, context, name }.to_string()
            }
            (step, Some(name)) => format!("# refused as {name}: {step}"),
            (step, None) => step.to_string(),
        };
        text.push_str(&line);
        text.push('\n');
    }
    if game.ended {
        text.push_str("sync\n");
    }
    if let Some(step) = &wrong.step {
        text.push_str(&step.to_string());
        text.push('\n');
    }
    text
}

mod tests {
    use halcyon_sim::scenario::parse;

    use super::{program, sensible};
    use halcyon_sim::workload::diet::Diet;

    #[test]
    fn every_program_is_the_language() {
        for seed in 0..300 {
            let steps = sensible(&program(Diet::Mixed, seed));
            let text = steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            let read = parse("random", &format!("[a random program]\n{text}")).unwrap().remove(0).steps.unwrap();
            assert!(read.iter().map(|step| &step.kind).eq(steps.iter()), "{text}");
        }
    }
}
