//! Two runs of a seed are equal, to the last byte of the last message. No promise of the store's but the simulator's own: what a
//! seed has shown can be had again, and what a program does is looked at, cut down and mended by running it.
//!
//! It stands beside the others, as it judges two worlds.

use crate::world::{Failure, Program, Report, run, run_in_words};

/// Its name.
pub const NAME: &str = "two_runs_of_a_seed_are_equal";

/// Of which promise it is part.
pub const PROMISE: &str = "the simulator's own";

/// Runs a program once more, and says where that run parts from the first.
///
/// # Errors
/// They are not equal.
pub fn run_again(program: &Program, first: &Report) -> Result<(), Failure> {
    let second = run(program);
    if *first == second {
        return Ok(());
    }
    let message = format!("{}; {}", difference(first, &second), parting(program));
    Err(Failure { invariant: NAME, promise: PROMISE, at: first.figures.lived.min(second.figures.lived), message })
}

fn difference(first: &Report, second: &Report) -> String {
    let ended = |report: &Report| report.failure.as_ref().map_or_else(|| "well".to_owned(), ToString::to_string);
    let (once, again) = (ended(first), ended(second));
    format!("the traces are {} and {}; the runs ended {once} and {again}", first.trace, second.trace)
}

/// The first event that two more runs do not share.
fn parting(program: &Program) -> String {
    let (first, second) = (run_in_words(program).1, run_in_words(program).1);
    let mut lines = first.lines().map(Some).chain([None]).zip(second.lines().map(Some).chain([None]));
    match lines.find(|(one, other)| one != other) {
        Some((one, other)) => {
            format!("in two more they part at\n{}\n{}", one.unwrap_or("the end"), other.unwrap_or("the end"))
        }
        None => "two more do not part in words".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::run;

    #[test]
    fn another_run_is_noticed() {
        let program = Program::draw(1, 20);
        let mut first = run(&program);
        assert_eq!(run_again(&program, &first), Ok(()));
        first.trace = run(&Program::draw(2, 20)).trace;
        assert_eq!(run_again(&program, &first).map_err(|failure| failure.invariant), Err(NAME));
    }
}
