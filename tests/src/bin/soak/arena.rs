//! One cluster under blows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use halcyon_client::Client;
use halcyon_tests::power::{Leaves, Shim, Trouble};
use halcyon_tests::{Cluster, Dice, PATIENCE, REGIONS, until};
use tokio::time::{Instant, sleep};

use crate::audit::{self, Failure, Floor};
use crate::ledger::Ledger;
use crate::observer::Observer;
use crate::outcome::{Outcome, Story};
use crate::plan::{Blow, Plan};
use crate::writers::Writers;

/// A node whose sync has failed stops by itself within this.
const STOPS_WITHIN: Duration = Duration::from_secs(5);
/// So long may it take until the sync that is to fail comes; then the node is killed instead.
const COMES_WITHIN: Duration = Duration::from_secs(5);
/// What a large write carries along.
const HEAVY_BYTES: usize = 200 * 1024;
/// Past cycles that each cycle looks at again.
const LOOK_BACK: u64 = 2;

/// What must not go back: per actor, how far its log is applied and the hash of it up to there.
type Heads = BTreeMap<String, (u64, String)>;

/// A cluster, and all that was ever written to it.
pub(crate) struct Arena {
    cluster: Cluster,
    shim: &'static Shim,
    /// For questions, which can wait.
    patient: Vec<Client>,
    /// For writers, which want to know soon that a region is dead.
    impatient: Vec<Client>,
    past: Vec<Ledger>,
    heads: Heads,
}

impl Arena {
    /// A new cluster, running.
    pub(crate) async fn start(shim: &'static Shim, regions: usize) -> Self {
        let mut arena = Self::prepare(shim, regions).await;
        for region in 0..regions {
            arena.cluster.spawn(region, Trouble::default());
        }
        for region in 0..regions {
            arena.cluster.ready(region).await;
        }
        arena.cluster.linked().await;
        arena.connect().await;
        arena
    }

    async fn prepare(shim: &'static Shim, regions: usize) -> Self {
        let mut cluster = Cluster::on_disks(&std::env::temp_dir(), regions, shim).await;
        cluster.keep_files();
        Self { cluster, shim, patient: vec![], impatient: vec![], past: vec![], heads: Heads::new() }
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
        let verdict = self.play(cycle, plan, &mut dice, story, &mut outcome).await;
        outcome.close(verdict);
        outcome
    }

    async fn play(
        &mut self,
        cycle: u64,
        plan: &Plan,
        dice: &mut Dice,
        story: &Story,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        if plan.fresh {
            self.begin_anew(plan, dice, story, outcome).await?;
        }
        let ledger = Ledger::new(cycle, self.regions(), if plan.heavy { HEAVY_BYTES } else { 0 });
        let mut load = Some(Writers::start(&ledger, &self.impatient));
        let observer = Observer::start(&ledger, &self.impatient, dice.roll());
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
            self.ask(*victim, &ledger, Floor::Region(*victim)).await?;
        }
        if let Some(load) = load {
            load.settle().await;
        }
        observer.stop()?;
        self.agree(at_rest).await?;
        self.ask(dice_region(dice, self.regions()), &ledger, Floor::All).await?;
        let complaints = ledger.complaints();
        outcome.count(&ledger);
        self.past.push(ledger);
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
        let new = Self::prepare(self.shim, self.regions()).await;
        let old = std::mem::replace(self, new);
        old.remove();
        story.tell("a new disk".to_owned());
        self.early(plan, dice, story, outcome).await?;
        self.up_again(plan, story, outcome).await?;
        self.connect().await;
        Ok(())
    }

    /// Strikes nodes that run, all at once.
    fn blow(&mut self, blow: Blow, victims: &[usize], dice: &mut Dice, story: &Story, outcome: &mut Outcome) {
        self.cluster.kill_at_once(victims);
        outcome.struck(blow, victims.len());
        if blow == Blow::PowerCut {
            self.cut(victims, dice, story, outcome);
        }
    }

    fn cut(&self, victims: &[usize], dice: &mut Dice, story: &Story, outcome: &mut Outcome) {
        for victim in victims {
            let leaves = if dice.below(8) == 0 { Leaves::Nothing } else { Leaves::Drawn };
            let cut = self.cluster.disk(*victim).cut(dice, leaves);
            outcome.cut(&cut);
            story.tell(format!("{}: {cut}", names(&[*victim])));
        }
    }

    /// Strikes the victims again while they start up.
    async fn early(
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

    fn spawn(&mut self, plan: &Plan, failing: Option<usize>) {
        for victim in &plan.victims {
            let failing = failing.filter(|failing| failing == victim).and(plan.sync_failure);
            let fail_sync = failing.map(|(at, how, _)| (at, how));
            self.cluster.spawn(*victim, Trouble { sync_delay: plan.sync_delay, fail_sync, ignores_sync: false });
        }
    }

    /// A node that has ended by itself has refused what is on its disk, or failed.
    fn must_run(&mut self, region: usize) -> Result<(), Failure> {
        if self.cluster.is_running(region) {
            return Ok(());
        }
        Err(Failure::of(format!("{} does not start:\n{}", names(&[region]), self.cluster.tail(region))))
    }

    /// Starts the victims, lets a sync of the first one fail, and waits until it has stopped for that.
    async fn fail_a_sync(
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
            Some(Blow::PowerCut) => {
                self.blow(Blow::PowerCut, &others, dice, story, outcome);
                self.cut(&[victim], dice, story, outcome);
            }
            Some(Blow::Kill) => self.blow(Blow::Kill, &others, dice, story, outcome),
            None => self.cluster.kill_at_once(&others),
        }
        Ok(())
    }

    /// Starts the victims, for good this time.
    async fn up_again(&mut self, plan: &Plan, story: &Story, outcome: &mut Outcome) -> Result<(), Failure> {
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

    /// Asks one region about one cycle.
    async fn ask(&self, region: usize, ledger: &Ledger, floor: Floor) -> Result<(), Failure> {
        let client = self.patient.get(region).expect("a region of this arena");
        until("a region answers", async || audit::look(client, ledger, floor).await.ok()).await
    }

    /// Every region has seen the same and holds the same, and nothing has gone back.
    async fn agree(&mut self, at_rest: Option<Vec<u8>>) -> Result<(), Failure> {
        let digest = self.converged().await?;
        if at_rest.is_some_and(|before| before != digest) {
            return Err(Failure::of("nothing was written, yet the rows are not what they were".to_owned()));
        }
        let mut heads: Option<Heads> = None;
        for region in 0..self.regions() {
            let status = until("a region says how it is", async || self.cluster.status(region).await).await;
            let alarms = status.get("alarms").and_then(|alarms| alarms.as_array()).expect("alarms in a status");
            if !alarms.is_empty() {
                return Err(Failure::of(format!("{} is alarmed: {alarms:?}", names(&[region]))));
            }
            let these = heads_of(&status);
            for (actor, (seq, hash)) in &self.heads {
                match these.get(actor) {
                    Some((now, same)) if now > seq || (now == seq && same == hash) => {}
                    now => {
                        let region = names(&[region]);
                        let what = format!("p2: {region}: the log of {actor} was at {seq} ({hash}), now {now:?}");
                        return Err(Failure::of(what));
                    }
                }
            }
            if heads.as_ref().is_some_and(|heads| *heads != these) {
                return Err(Failure::of(format!("p2: {} has another history: {heads:?}, {these:?}", names(&[region]))));
            }
            heads = Some(these);
        }
        self.heads = heads.unwrap_or_default();
        Ok(())
    }

    /// Waits until every region has seen the same, and answers its digest.
    async fn converged(&self) -> Result<Vec<u8>, Failure> {
        until("every region has seen the same", async || {
            let mut digests = Vec::new();
            for client in &self.patient {
                digests.push(client.digest().await.ok()?);
            }
            let first = digests.first()?;
            if digests.iter().any(|other| other.token != first.token) {
                return None;
            }
            if digests.iter().any(|other| other != first) {
                return Some(Err(Failure::of(format!("p3: equal vectors, different rows: {digests:?}"))));
            }
            Some(Ok(first.digest.to_vec()))
        })
        .await
    }

    async fn look_at_everything(&self, dice: &mut Dice) -> Result<(), Failure> {
        for ledger in &self.past {
            self.ask(dice_region(dice, self.regions()), ledger, Floor::All).await?;
        }
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

/// Of what a node must not outlive the failed sync: whatever holds data, or says which files do.
fn matters(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    let data = [".log", ".sst"].iter().any(|end| name.ends_with(end));
    data || name.starts_with("MANIFEST")
}

fn heads_of(status: &serde_json::Value) -> Heads {
    let part = |name: &str| status.get(name).and_then(|part| part.as_object()).cloned().expect("a part of a status");
    let hashes = part("heads");
    let hash = |actor: &str| hashes.get(actor).and_then(|hash| hash.as_str()).unwrap_or_default().to_owned();
    let seqs = part("vv").into_iter();
    seqs.map(|(actor, seq)| (actor.clone(), (seq.as_u64().expect("a seq"), hash(&actor)))).collect()
}

fn dice_region(dice: &mut Dice, regions: usize) -> usize {
    usize::try_from(dice.below(regions as u64)).unwrap_or(0)
}

fn names(regions: &[usize]) -> String {
    let name = |region: &usize| *REGIONS.get(*region).expect("at most three regions");
    regions.iter().map(name).collect::<Vec<_>>().join(", ")
}

const _: () = assert!(COMES_WITHIN.as_secs() + STOPS_WITHIN.as_secs() < PATIENCE.as_secs());
