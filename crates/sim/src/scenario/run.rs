//! Running a scenario, step by step, in some world.

use std::fmt;

use super::command::Command;
use super::file::Scenario;
use super::query::Query;
use super::region::Region;
use super::step::{Step, StepKind};
use super::text::Value;

/// Why a write did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its name, as `err` expects it.
    pub name: String,
    /// In words.
    pub message: String,
}

/// Three regions, cut off from each other but for what a step lets through.
pub trait World {
    /// What can go wrong with the world itself, or what a step finds wrong with it (replicas that differ).
    type Error: fmt::Display;

    /// One record of these commands, in order; with the context saved under a name, if one is given.
    ///
    /// # Errors
    /// `Ok(Err(_))`: refused, nothing has happened. `Err(_)`: the world has failed.
    fn write(
        &mut self,
        region: Region,
        commands: &[Command],
        context: Option<&str>,
    ) -> Result<Result<(), Refused>, Self::Error>;

    /// Begins a transaction under a name.
    ///
    /// # Errors
    /// The world has failed.
    fn begin(&mut self, region: Region, transaction: &str) -> Result<(), Self::Error>;

    /// Puts a command into an open transaction.
    ///
    /// # Errors
    /// No such transaction; or the world has failed.
    fn buffer(&mut self, region: Region, transaction: &str, command: &Command) -> Result<(), Self::Error>;

    /// Commits an open transaction as one record.
    ///
    /// # Errors
    /// As of [`Self::write`].
    fn commit(&mut self, region: Region, transaction: &str) -> Result<Result<(), Refused>, Self::Error>;

    /// Keeps what a region has seen, under a name.
    ///
    /// # Errors
    /// The world has failed.
    fn save(&mut self, region: Region, token: &str) -> Result<(), Self::Error>;

    /// What a read prints.
    ///
    /// # Errors
    /// The world has failed.
    fn read(&mut self, region: Region, query: &Query) -> Result<Value, Self::Error>;

    /// Lets one region catch up from another; `own`: without records of others.
    ///
    /// # Errors
    /// The world has failed.
    fn pull(&mut self, from: Region, to: Region, own: bool) -> Result<(), Self::Error>;

    /// Lets all regions catch up, and compares them byte for byte.
    ///
    /// # Errors
    /// They differ; or the world has failed.
    fn sync(&mut self) -> Result<(), Self::Error>;

    /// Sets a region's clock.
    ///
    /// # Errors
    /// The world has failed.
    fn clock(&mut self, region: Region, ms: u64) -> Result<(), Self::Error>;

    /// Moves every clock on.
    ///
    /// # Errors
    /// The world has failed.
    fn advance(&mut self, ms: u64) -> Result<(), Self::Error>;
}

/// What came of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every step did what it says.
    Passed,
    /// It needs what is not built yet; nothing was run.
    Skipped(String),
    /// The first step that did not, and why; or the line that is not the language.
    Failed(String),
}

/// Runs a scenario in a world made for it alone.
pub fn run<W: World>(scenario: &Scenario, world: &mut W) -> Verdict {
    let steps = match &scenario.steps {
        Ok(steps) => steps,
        Err(error) if error.is_not_built() => return Verdict::Skipped(error.to_string()),
        Err(error) => return Verdict::Failed(error.to_string()),
    };
    for step in steps {
        if let Err(why) = take(step, world) {
            return Verdict::Failed(format!("line {}: `{step}`: {why}", step.line));
        }
    }
    Verdict::Passed
}

/// Takes one step; says what is wrong if it does not do what it says.
///
/// # Errors
/// In words.
pub fn take<W: World>(step: &Step, world: &mut W) -> Result<(), String> {
    let failed = |error: W::Error| error.to_string();
    let done = |outcome: Result<Result<(), Refused>, W::Error>| match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(refused)) => Err(format!("{}: {}", refused.name, refused.message)),
        Err(error) => Err(error.to_string()),
    };
    match &step.kind {
        StepKind::Sync => world.sync().map_err(failed),
        StepKind::Pull { from, to, own } => world.pull(*from, *to, *own).map_err(failed),
        StepKind::Clock { region, ms } => world.clock(*region, *ms).map_err(failed),
        StepKind::Advance(ms) => world.advance(*ms).map_err(failed),
        StepKind::Save { region, token } => world.save(*region, token).map_err(failed),
        StepKind::Begin { region, transaction } => world.begin(*region, transaction).map_err(failed),
        StepKind::Buffer { region, transaction, command } => {
            world.buffer(*region, transaction, command).map_err(failed)
        }
        StepKind::Commit { region, transaction } => done(world.commit(*region, transaction)),
        StepKind::Write { region, command, context } => {
            done(world.write(*region, std::slice::from_ref(command), context.as_deref()))
        }
        StepKind::Transaction { region, commands } => done(world.write(*region, commands, None)),
        StepKind::Expect { regions, query, text } => regions.iter().try_for_each(|region| {
            let found = world.read(region, query).map_err(failed)?.to_string();
            if found == *text { Ok(()) } else { Err(format!("{region} has {found}")) }
        }),
        StepKind::Fails { region, command, context, name } => {
            let outcome = world.write(*region, std::slice::from_ref(command), context.as_deref()).map_err(failed)?;
            let found = outcome.err().map_or_else(|| "ok".to_owned(), |refused| refused.name);
            if found == *name { Ok(()) } else { Err(format!("got {found}")) }
        }
    }
}
