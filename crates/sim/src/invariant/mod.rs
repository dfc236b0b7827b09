//! What must never happen: one file per invariant.
//!
//! | promise | invariants | rows of the catalogue of failures that they would show |
//! |---|---|---|
//! | P1 acked is durable | `acked`, `spoken`, `vector`, `starts`, `logs`, `losses`, `syncs` | 1, 20, 48, 49 |
//! | P2 one content per dot | `content`, `chain`, `clocks`, `resumed`, `calm` | 1, 2, 4, 5, 10, 15 |
//! | P3 convergence | `bytes`, `chain`, `answers`, `clocks`, `skew`, `agreement` | 10, 11, 12, 14, 15, 18, 19, 22, 25, 30, 34, 36 |
//! | P4 causal | `vector`, `causal`, `sessions`, `stable` | 19, 26, 32, 45, 46 |
//! | P5 atomic | `atomic`, `meaning`, `staged` | 20, 21 |
//! | P6 no lost update | `meaning`, `answers`, `accounts`, `once`, `refused`, `swept`, `truncated` | 18, 22, 24, 32, 33, 34, 35, 36, 37, 43, 44, 47 |
//! | P8 bounds hold | `bounds`, `meaning` | 38 |
//! | P9 local writes never wait | `prompt` | 25, 27, 28 |
//! | P10 bounded resources | `limits`, `full`, `messages`, `panics` (and with it the core's own check of itself after each step) | 26, 27 |
//! | the simulator's own | `twice` | |
//!
//! P7 has no invariant, as there are no strict keyspaces. Whatever is added adds its rows here.
//!
//! Each is shown every [`Observation`] and may look at the [`World`]; it keeps what it must know itself, shares nothing with
//! what it judges but ids, vectors and messages, and tells how often it had something to judge: one that judged nothing
//! proves nothing.

mod accounts;
mod acked;
mod agreement;
mod answers;
mod atomic;
mod bounds;
mod bytes;
mod calm;
mod causal;
mod chain;
mod clocks;
mod content;
mod exchange;
mod full;
mod limits;
mod logs;
mod losses;
mod meaning;
mod messages;
mod once;
mod panics;
mod prompt;
mod refused;
mod resumed;
mod sessions;
mod skew;
mod spoken;
mod stable;
mod staged;
mod starts;
mod swept;
mod syncs;
mod told;
mod truncated;
pub mod twice;
mod vector;

pub use agreement::LIVENESS;

use crate::world::{Observation, World};

/// One thing that must hold.
pub trait Invariant {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Of which promise it is part: `P1` to `P10`.
    fn promise(&self) -> &'static str;

    /// Sees what happens.
    ///
    /// # Errors
    /// What is wrong.
    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String>;

    /// Judges the end.
    ///
    /// # Errors
    /// What is wrong.
    fn end(&mut self, _world: &World) -> Result<(), String> {
        Ok(())
    }

    /// Whether it goes on behind a fork that nobody could prevent: whoever judges records does not.
    fn judges_forks(&self) -> bool {
        false
    }

    /// How often it had something to judge.
    fn judged(&self) -> u64;
}

/// Each of them, new.
pub fn all() -> Vec<Box<dyn Invariant>> {
    let told = told::Shared::default();
    vec![
        Box::new(content::Content::default()),
        Box::new(vector::Vector::default()),
        Box::new(spoken::Spoken::default()),
        Box::new(acked::Acked::default()),
        Box::new(chain::Chain::default()),
        Box::new(clocks::Clocks::default()),
        Box::new(skew::Skew::default()),
        Box::new(stable::Stable::default()),
        Box::new(once::Once::default()),
        Box::new(refused::Refused::default()),
        Box::new(sessions::Sessions::default()),
        Box::new(causal::Causal::default()),
        Box::new(atomic::Atomic::default()),
        Box::new(accounts::Accounts::default()),
        Box::new(bounds::Bounds::default()),
        Box::new(prompt::Prompt::default()),
        Box::new(limits::Limits::default()),
        Box::new(full::Full::default()),
        Box::new(bytes::EqualBytes::default()),
        Box::new(meaning::Meanings::new(told.clone())),
        // Behind the one that tells the oracle what is made.
        Box::new(swept::Swept::new(told.clone())),
        Box::new(answers::Answers::new(told)),
        Box::new(calm::Calm::default()),
        Box::new(starts::Starts::default()),
        Box::new(losses::Losses::default()),
        Box::new(resumed::Resumed::default()),
        Box::new(logs::Logs::default()),
        Box::new(truncated::Truncated::default()),
        Box::new(staged::Staged::default()),
        Box::new(syncs::Syncs::default()),
        Box::new(messages::Messages::default()),
        Box::new(agreement::Agreement::default()),
        Box::new(panics::Panics::default()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../docs/testing.md");

    #[test]
    fn the_page_of_proofs_names_each_invariant_by_its_promise() {
        for invariant in all() {
            let (name, promise) = (invariant.name(), invariant.promise());
            let row = PAGE.lines().find(|line| line.starts_with(&format!("| {promise} "))).expect("a row for each");
            assert!(row.contains(&format!("`{name}`")), "{promise} names {name}");
        }
        assert!(PAGE.contains(twice::NAME));
    }

    #[test]
    fn the_page_of_proofs_names_no_other_as_having_caught_a_bug() {
        let known: Vec<_> = all().iter().map(|one| format!("| `{}` ({}) |", one.name(), one.promise())).collect();
        let caught: Vec<_> = PAGE.lines().filter(|line| line.starts_with("| `") && line.contains("` (P")).collect();
        assert!(caught.len() > 10, "the table of planted bugs");
        for line in caught {
            assert!(known.iter().any(|known| line.starts_with(known)), "{line}");
        }
    }
}
