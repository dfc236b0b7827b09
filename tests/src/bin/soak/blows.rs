//! What an arena is put through: kills, power cuts, failing syncs, and the starts in between.

use std::time::Duration;

use halcyon_tests::power::{Leaves, Trouble};
use halcyon_tests::{Dice, PATIENCE};
use tokio::time::{Instant, sleep};

use crate::arena::{Arena, names};
use crate::audit::Failure;
use crate::outcome::{Outcome, Story};
use crate::plan::{Blow, Plan};

/// A node whose sync has failed stops by itself within this.
const STOPS_WITHIN: Duration = Duration::from_secs(5);
/// So long may it take until the sync that is to fail comes; then the node is killed instead.
const COMES_WITHIN: Duration = Duration::from_secs(5);

const _: () = assert!(COMES_WITHIN.as_secs() + STOPS_WITHIN.as_secs() < PATIENCE.as_secs());

impl Arena {
    /// Strikes nodes that run, all at once.
    pub(crate) fn blow(
        &mut self,
        blow: Blow,
        victims: &[usize],
        dice: &mut Dice,
        story: &Story,
        outcome: &mut Outcome,
    ) {
        self.cluster.kill_at_once(victims);
        outcome.struck(blow, victims.len());
        if let Blow::PowerCut(leaves) = blow {
            self.cut(leaves, victims, dice, story, outcome);
        }
    }

    fn cut(&self, leaves: Leaves, victims: &[usize], dice: &mut Dice, story: &Story, outcome: &mut Outcome) {
        for victim in victims {
            let cut = self.cluster.disk(*victim).cut(dice, leaves);
            outcome.cut(&cut);
            story.tell(format!("{}: {cut}", names(&[*victim])));
        }
    }

    /// Strikes the victims again while they start up.
    pub(crate) async fn early(
        &mut self,
        plan: &Plan,
        dice: &mut Dice,
        story: &Story,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        for (after, blow) in &plan.early {
            self.spawn(plan, None);
            sleep(*after).await;
            for victim in &plan.victims {
                self.must_run(*victim)?;
            }
            story.tell(format!("{blow} again, {} ms after the start", after.as_millis()));
            outcome.tally.early += 1;
            self.blow(*blow, &plan.victims, dice, story, outcome);
        }
        Ok(())
    }

    pub(crate) fn spawn(&mut self, plan: &Plan, failing: Option<usize>) {
        for victim in &plan.victims {
            let failing = failing.filter(|failing| failing == victim).and(plan.sync_failure);
            let fail_sync = failing.map(|(at, how, _)| (at, how));
            let (sync_delay, ignores_sync) = (plan.sync_delay, self.lying);
            let trouble = Trouble { sync_delay, fail_sync, ignores_sync, ..Trouble::default() };
            self.cluster.spawn(*victim, trouble);
        }
    }

    /// A node that has ended by itself has refused what is on its disk, or failed.
    pub(crate) fn must_run(&mut self, region: usize) -> Result<(), Failure> {
        if self.cluster.is_running(region) {
            return Ok(());
        }
        Err(Failure::of(format!("{} does not start:\n{}", names(&[region]), self.cluster.tail(region))))
    }

    /// Starts the victims, lets a sync of the first one fail, and waits until it has stopped for that.
    pub(crate) async fn fail_a_sync(
        &mut self,
        plan: &Plan,
        dice: &mut Dice,
        story: &Story,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let Some((victim, (at, how, after))) = plan.victims.first().copied().zip(plan.sync_failure) else {
            return Ok(());
        };
        self.spawn(plan, Some(victim));
        let mut deadline = Instant::now() + COMES_WITHIN;
        let mut came = false;
        while self.cluster.is_running(victim) && Instant::now() < deadline {
            if let Some(file) = self.cluster.disk(victim).failed_sync().filter(|_| !came) {
                // What nothing depends on may fail without ending it.
                let patience = if matters(&file) { STOPS_WITHIN } else { Duration::ZERO };
                (came, deadline) = (true, Instant::now() + patience);
            }
            sleep(Duration::from_millis(5)).await;
        }
        let stopped = !self.cluster.is_running(victim);
        let failed = self.cluster.disk(victim).failed_sync();
        if stopped {
            let ended = self.cluster.bury(victim);
            story.tell(format!("sync {at} fails ({how:?}) on {failed:?}; it ends by itself with {ended}"));
            let tail = self.cluster.tail(victim);
            if failed.is_none() || ended.code().is_none_or(|code| code == 0) || tail.contains("panicked at") {
                return Err(Failure::of(format!("{} has ended with {ended}:\n{tail}", names(&[victim]))));
            }
            outcome.tally.sync_failures += 1;
        } else {
            story.tell(format!("sync {at} fails ({how:?}) on {failed:?}; it goes on"));
            if let Some(file) = failed.filter(|file| matters(file)) {
                let region = names(&[victim]);
                return Err(Failure::of(format!("{region} goes on, though a sync of {file} has failed")));
            }
            self.blow(Blow::Kill, &[victim], dice, story, outcome);
        }
        let others: Vec<_> = plan.victims.iter().copied().filter(|other| *other != victim).collect();
        match after {
            Some(blow) => self.blow(blow, &others, dice, story, outcome),
            None => self.cluster.kill_at_once(&others),
        }
        if let Some(Blow::PowerCut(leaves)) = after {
            self.cut(leaves, &[victim], dice, story, outcome);
        }
        Ok(())
    }

    /// Starts the victims, for good this time.
    pub(crate) async fn up_again(&mut self, plan: &Plan, story: &Story, outcome: &mut Outcome) -> Result<(), Failure> {
        let began = Instant::now();
        self.spawn(plan, None);
        for victim in &plan.victims {
            if let Err(ended) = self.cluster.ready_or_ended(*victim).await {
                return Err(Failure::of(ended));
            }
        }
        outcome.tally.longest_restart = began.elapsed();
        story.tell(format!("{} up again after {} ms", names(&plan.victims), began.elapsed().as_millis()));
        Ok(())
    }
}

/// Of what a node must not outlive the failed sync: whatever holds data, or says which files do.
fn matters(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    let data = [".log", ".sst"].iter().any(|end| name.ends_with(end));
    data || name.starts_with("MANIFEST")
}
