//! One cluster under blows.

use std::path::PathBuf;
use std::time::Duration;

use halcyon_client::Client;
use halcyon_tests::power::{Shim, Trouble};
use halcyon_tests::{Cluster, Dice, REGIONS};
use tokio::time::sleep;

use crate::agreement::Heads;
use crate::audit::{Failure, Floor};
use crate::ledger::Ledger;
use crate::observer::Observer;
use crate::outcome::{Outcome, Story};
use crate::plan::Plan;
use crate::writers::Writers;

/// What a large write carries along.
const HEAVY_BYTES: usize = 200 * 1024;
/// Past cycles that each cycle looks at again.
const LOOK_BACK: u64 = 2;

/// A cluster, and all that was ever written to it.
pub(crate) struct Arena {
    pub(crate) cluster: Cluster,
    shim: &'static Shim,
    /// Whether its disks only say that they sync: then writes are lost, and that must show.
    pub(crate) lying: bool,
    /// For questions, which can wait.
    pub(crate) patient: Vec<Client>,
    /// For writers, which want to know soon that a region is dead.
    impatient: Vec<Client>,
    pub(crate) past: Vec<Ledger>,
    pub(crate) heads: Heads,
}

impl Arena {
    /// A new cluster, running.
    pub(crate) async fn start(shim: &'static Shim, regions: usize, lying: bool) -> Self {
        let mut arena = Self::prepare(shim, regions, lying).await;
        for region in 0..regions {
            arena.cluster.spawn(region, Trouble { ignores_sync: lying, ..Trouble::default() });
        }
        for region in 0..regions {
            arena.cluster.ready(region).await;
        }
        arena.cluster.linked().await;
        arena.connect().await;
        arena
    }

    async fn prepare(shim: &'static Shim, regions: usize, lying: bool) -> Self {
        let mut cluster = Cluster::on_disks(&std::env::temp_dir(), regions, shim).await;
        cluster.keep_files();
        Self { cluster, shim, lying, patient: vec![], impatient: vec![], past: vec![], heads: Heads::new() }
    }

    async fn connect(&mut self) {
        self.patient = self.cluster.clients().await;
        for region in 0..self.cluster.regions() {
            let config = self.cluster.client_config(region);
            let config = config.request_timeout(Duration::from_millis(400)).connect_timeout(Duration::from_millis(200));
            self.impatient.push(Client::connect(config).await.expect("a region that serves"));
        }
    }

    /// How many regions it has.
    pub(crate) fn regions(&self) -> usize {
        self.cluster.regions()
    }

    /// Where its files are.
    pub(crate) fn dir(&self) -> PathBuf {
        self.cluster.dir().to_owned()
    }

    /// One cycle: load, blow, restart, questions.
    pub(crate) async fn cycle(&mut self, cycle: u64, plan: &Plan, story: &Story) -> Outcome {
        let mut outcome = Outcome::new(self.regions(), plan);
        let mut dice = Dice::new(plan.seed);
        let ledger = Ledger::new(cycle, self.regions(), if plan.heavy { HEAVY_BYTES } else { 0 });
        let verdict = self.play(&ledger, plan, &mut dice, story, &mut outcome).await;
        outcome.count(&ledger);
        outcome.close(verdict);
        outcome
    }

    async fn play(
        &mut self,
        ledger: &Ledger,
        plan: &Plan,
        dice: &mut Dice,
        story: &Story,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        if plan.fresh {
            self.begin_anew(plan, dice, story, outcome).await?;
        }
        let mut load = Some(Writers::start(ledger, &self.impatient));
        let observer = Observer::start(ledger, &self.impatient, dice.roll());
        let mut at_rest = None;
        if let (Some(goal), Some(victim)) = (plan.progress, plan.victims.first()) {
            load.as_mut().expect("a load").progress(*victim, goal).await;
            sleep(plan.pause).await;
        } else {
            load.take().expect("a load").settle().await;
            at_rest = Some(self.converged().await?);
        }
        story.tell(format!("{} to {} after {} acked writes", plan.blow, names(&plan.victims), ledger.acked()));
        self.blow(plan.blow, &plan.victims, dice, story, outcome);
        if !plan.fresh {
            self.early(plan, dice, story, outcome).await?;
        }
        if plan.sync_failure.is_some() {
            self.fail_a_sync(plan, dice, story, outcome).await?;
        }
        self.up_again(plan, story, outcome).await?;
        for victim in &plan.victims {
            self.ask(*victim, ledger, Floor::Region(*victim)).await?;
        }
        if let Some(load) = load {
            load.settle().await;
        }
        observer.stop()?;
        self.agree(at_rest).await?;
        self.ask(dice_region(dice, self.regions()), ledger, Floor::All).await?;
        let complaints = ledger.complaints();
        self.past.push(ledger.clone());
        for _ in 0..LOOK_BACK {
            let past = usize::try_from(dice.below(self.past.len() as u64)).unwrap_or(0);
            let region = dice_region(dice, self.regions());
            self.ask(region, self.past.get(past).expect("a past cycle"), Floor::All).await?;
        }
        if complaints.is_empty() { Ok(()) } else { Err(Failure { lost: 0, what: complaints }) }
    }

    /// Leaves a region alone behind, after a last look, and begins another, whose first start is disturbed.
    async fn begin_anew(
        &mut self,
        plan: &Plan,
        dice: &mut Dice,
        story: &Story,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        self.look_at_everything(dice).await?;
        let new = Self::prepare(self.shim, self.regions(), self.lying).await;
        let old = std::mem::replace(self, new);
        old.remove();
        story.tell("a new disk".to_owned());
        self.early(plan, dice, story, outcome).await?;
        self.up_again(plan, story, outcome).await?;
        self.connect().await;
        Ok(())
    }

    /// A last look at everything; then it is gone, files and all, unless something is wrong.
    pub(crate) async fn close(self, dice: &mut Dice) -> Result<(), Failure> {
        self.look_at_everything(dice).await?;
        self.remove();
        Ok(())
    }

    fn remove(self) {
        let dir = self.dir();
        drop(self);
        std::fs::remove_dir_all(dir).expect("files that nobody needs");
    }
}

/// A drawn region.
pub(crate) fn dice_region(dice: &mut Dice, regions: usize) -> usize {
    usize::try_from(dice.below(regions as u64)).unwrap_or(0)
}

/// Regions, for a reader.
pub(crate) fn names(regions: &[usize]) -> String {
    let name = |region: &usize| *REGIONS.get(*region).expect("at most three regions");
    regions.iter().map(name).collect::<Vec<_>>().join(", ")
}
