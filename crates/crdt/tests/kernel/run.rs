//! Runs programs, tells a watcher of every delivery, and ends each world with everything delivered everywhere.

use std::env;
use std::fmt::Debug;
use std::rc::Rc;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestCaseResult, TestRng, TestRunner};

use crate::generator::{Program, Step};
use crate::world::{Change, Record, Replica};

/// Tries `property` on as many values as `HALCYON_CASES` says, else 10,000, drawn from the seed `HALCYON_SEED`, else 0:
/// a run is the same every time until somebody varies it.
pub(crate) fn check<S: Strategy>(strategy: &S, property: impl Fn(S::Value) -> TestCaseResult)
where
    S::Value: Debug,
{
    let number = |name: &str, default: u64| match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|e| panic!("{name}={text:?} is no number: {e}")),
        Err(_) => default,
    };
    let (cases, seed) = (number("HALCYON_CASES", 10_000), number("HALCYON_SEED", 0));
    let config = Config {
        cases: u32::try_from(cases).unwrap(),
        failure_persistence: None,
        max_shrink_iters: 50_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    if let Err(failure) = TestRunner::new_with_rng(config, rng).run(strategy, property) {
        panic!("{failure}\nagain: HALCYON_SEED={seed} HALCYON_CASES={cases}");
    }
}

/// Replicas, and every record they have made, in the order in which they did.
pub(crate) struct World {
    pub(crate) replicas: Vec<Replica>,
    records: Vec<Rc<Record>>,
}

/// Is told of every delivery, own commits included: this replica has just applied this record.
type Watch<'a> = dyn FnMut(&mut Replica, &Rc<Record>) -> TestCaseResult + 'a;

/// Runs a program; afterwards every replica, and so many newcomers that only listen, take every record, each in another
/// causal order.
pub(crate) fn run(program: &Program, listeners: usize, watch: &mut Watch<'_>) -> Result<World, TestCaseError> {
    let mut world = World { replicas: (0..program.replicas).map(Replica::new).collect(), records: Vec::new() };
    for step in &program.steps {
        world.step(step, watch)?;
    }
    let newcomers = program.replicas..program.replicas + listeners;
    world.replicas.extend(newcomers.map(Replica::new));
    for to in 0..world.replicas.len() {
        let mut turn = 0;
        while world.receive(to, to * turn + to, watch)? {
            turn += 1;
        }
    }
    Ok(world)
}

impl World {
    fn step(&mut self, step: &Step, watch: &mut Watch<'_>) -> TestCaseResult {
        let n = self.replicas.len();
        match step {
            Step::Commit { at, ahead, changes } => self.commit(at % n, *ahead, changes, false, watch),
            Step::CommitStale { at, ahead, changes } => self.commit(at % n, *ahead, changes, true, watch),
            Step::Begin { at } => {
                self.replicas[at % n].begin();
                Ok(())
            }
            Step::Pull { from, to, own, most } => self.pull(from % n, to % n, *own, *most, watch),
            Step::Receive { to, pick } => self.receive(to % n, *pick, watch).map(drop),
        }
    }

    fn commit(
        &mut self,
        at: usize,
        ahead: u64,
        changes: &[Change],
        stale: bool,
        watch: &mut Watch<'_>,
    ) -> TestCaseResult {
        let replica = &mut self.replicas[at];
        let Some(record) = replica.prepare(ahead, changes, stale)? else {
            return Ok(());
        };
        self.records.push(Rc::clone(&record));
        self.deliver(at, &record, watch)
    }

    /// What `from` has, in the order it got it, as far as `to` may take it.
    fn pull(&mut self, from: usize, to: usize, own: bool, most: usize, watch: &mut Watch<'_>) -> TestCaseResult {
        let log = self.replicas[from].log.clone();
        let mut taken = 0;
        for record in log.iter().filter(|record| !own || record.replica == from) {
            if taken < most && self.replicas[to].may_take(record) {
                self.deliver(to, record, watch)?;
                taken += 1;
            }
        }
        Ok(())
    }

    /// One of the records that `to` may take; `false` if there is none.
    fn receive(&mut self, to: usize, pick: usize, watch: &mut Watch<'_>) -> Result<bool, TestCaseError> {
        let replica = &self.replicas[to];
        let next: Vec<_> = self.records.iter().filter(|record| replica.may_take(record)).collect();
        if next.is_empty() {
            return Ok(false);
        }
        let record = Rc::clone(next[pick % next.len()]);
        self.deliver(to, &record, watch)?;
        Ok(true)
    }

    fn deliver(&mut self, to: usize, record: &Rc<Record>, watch: &mut Watch<'_>) -> TestCaseResult {
        let replica = &mut self.replicas[to];
        replica.take(record);
        watch(replica, record)
    }
}
