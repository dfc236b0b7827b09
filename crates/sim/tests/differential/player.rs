//! Plays a program on the kernel, tells the oracle what was asked, and calls an observer after every delivery.

use std::collections::BTreeMap;

use halcyon_crdt::MemoryRows;
use halcyon_sim::kernel::{Kernel, KernelError};
use halcyon_sim::oracle::{Oracle, Record, Request, Ruling};
use halcyon_sim::scenario::{Command, Refused, Region, StepKind, World};
use halcyon_types::{ActorId, Dot, Seq, VersionVector};

/// What is wrong: in words, and as a step that would have told.
#[derive(Debug, Clone)]
pub(crate) struct Wrong {
    pub(crate) why: String,
    pub(crate) step: Option<Box<StepKind>>,
}

impl From<String> for Wrong {
    fn from(why: String) -> Self {
        Self { why, step: None }
    }
}

pub(crate) type Seen = Result<(), Wrong>;

/// What came of a write.
type Outcome = Result<Result<(), Refused>, KernelError>;

/// What happened to a region.
pub(crate) struct Delivery<'a> {
    pub(crate) region: Region,
    pub(crate) record: &'a Record,
    /// Its rows before.
    pub(crate) before: &'a MemoryRows,
}

/// Looks at a world as it goes on.
pub(crate) trait Observer {
    /// A region has taken a record, its own included.
    fn delivered(&mut self, world: &mut Game, delivery: &Delivery<'_>) -> Seen;

    /// Time has passed.
    fn time_passed(&mut self, _world: &mut Game) -> Seen {
        Ok(())
    }

    /// Everything has arrived everywhere.
    fn ended(&mut self, _world: &mut Game) -> Seen {
        Ok(())
    }
}

#[derive(Debug)]
struct Open {
    vv: VersionVector,
    commands: Vec<Command>,
}

/// The kernel's world, and what the oracle knows of it.
#[derive(Debug)]
pub(crate) struct Game {
    pub(crate) kernel: Kernel,
    pub(crate) oracle: Oracle,
    pub(crate) actors: BTreeMap<String, ActorId>,
    /// Everything that was asked, refused or not.
    pub(crate) commands: Vec<Command>,
    /// How writes were refused, by the step's index.
    pub(crate) refused: BTreeMap<usize, String>,
    /// Whether every step was taken, and what comes is the end.
    pub(crate) ended: bool,
    open: BTreeMap<(Region, String), Open>,
    tokens: BTreeMap<String, VersionVector>,
}

impl Game {
    pub(crate) fn new() -> Self {
        let kernel = Kernel::default();
        let actors = Region::ALL.map(|region| (region.to_string(), kernel.actor(region))).into();
        Self {
            kernel,
            actors,
            oracle: Oracle::default(),
            commands: Vec::new(),
            refused: BTreeMap::new(),
            ended: false,
            open: BTreeMap::new(),
            tokens: BTreeMap::new(),
        }
    }

    /// Plays a whole program, and at the end lets everything arrive everywhere.
    pub(crate) fn play(&mut self, steps: &[StepKind], observer: &mut dyn Observer) -> Seen {
        for (at, step) in steps.iter().enumerate() {
            self.step(at, step, observer)?;
        }
        self.ended = true;
        self.sync(observer)?;
        observer.ended(self)
    }

    fn step(&mut self, at: usize, step: &StepKind, observer: &mut dyn Observer) -> Seen {
        match step {
            StepKind::Sync => self.sync(observer),
            StepKind::Pull { from, to, own } => self.pull(*from, *to, *own, observer).map(drop),
            StepKind::Clock { region, ms } => {
                self.kernel.clock(*region, *ms).map_err(told)?;
                observer.time_passed(self)
            }
            StepKind::Advance(ms) => {
                self.kernel.advance(*ms).map_err(told)?;
                observer.time_passed(self)
            }
            StepKind::Save { region, token } => {
                self.tokens.insert(token.clone(), self.kernel.vv(*region).clone());
                self.kernel.save(*region, token).map_err(|e| told(e).into())
            }
            StepKind::Begin { region, transaction } => {
                let open = Open { vv: self.kernel.vv(*region).clone(), commands: Vec::new() };
                self.open.insert((*region, transaction.clone()), open);
                self.kernel.begin(*region, transaction).map_err(|e| told(e).into())
            }
            StepKind::Buffer { region, transaction, command } => {
                self.open.get_mut(&(*region, transaction.clone())).unwrap().commands.push(command.clone());
                self.kernel.buffer(*region, transaction, command).map_err(|e| told(e).into())
            }
            StepKind::Commit { region, transaction } => {
                let Open { vv, commands } = self.open.remove(&(*region, transaction.clone())).unwrap();
                let commit = |kernel: &mut Kernel| kernel.commit(*region, transaction);
                self.write(at, *region, &commands, (&vv, &vv), commit, observer)
            }
            StepKind::Write { region, command, context } => {
                let live = self.kernel.vv(*region).clone();
                let ctx = context.as_ref().map_or_else(|| live.clone(), |token| self.tokens[token].clone());
                let commands = std::slice::from_ref(command);
                let write = |kernel: &mut Kernel| kernel.write(*region, commands, context.as_deref());
                self.write(at, *region, commands, (&live, &ctx), write, observer)
            }
            StepKind::Transaction { region, commands } => {
                let live = self.kernel.vv(*region).clone();
                let write = |kernel: &mut Kernel| kernel.write(*region, commands, None);
                self.write(at, *region, commands, (&live, &live), write, observer)
            }
            StepKind::Expect { .. } | StepKind::Fails { .. } => Ok(()),
        }
    }

    /// Lets the kernel write, and holds what came of it against what had to.
    fn write(
        &mut self,
        at: usize,
        region: Region,
        commands: &[Command],
        (seen, ctx): (&VersionVector, &VersionVector),
        write: impl FnOnce(&mut Kernel) -> Outcome,
        observer: &mut dyn Observer,
    ) -> Seen {
        self.commands.extend_from_slice(commands);
        let live = self.kernel.vv(region).clone();
        let before = self.kernel.rows(region).clone();
        let outcome = write(&mut self.kernel).map_err(told)?;
        let actor = self.kernel.actor(region);
        let dot = Dot { actor, seq: Seq(live.get(actor).0 + 1) };
        let hlc = self.kernel.stamp(region);
        let request = Request { dot, hlc, now: hlc.wall(), ctx, seen, live: &live, actors: &self.actors, commands };
        match (outcome, self.oracle.judge(request)) {
            (Ok(()), Ruling::Accepted(record)) => {
                let made =
                    self.kernel.records().find(|record| record.dot == dot).ok_or("no record was made".to_owned())?;
                if *made.ctx() != record.ctx || made.deps != live || made.hlc != hlc {
                    return Err(format!("{dot} is stamped {made:?}, not {record:?}").into());
                }
                self.oracle.tell(record.clone());
                observer.delivered(self, &Delivery { region, record: &record, before: &before })
            }
            (Err(refused), Ruling::Refused(reasons)) if reasons.contains(refused.name.as_str()) => {
                if *self.kernel.rows(region) != before || *self.kernel.vv(region) != live {
                    return Err(format!("a refused write has changed {region}").into());
                }
                self.refused.insert(at, refused.name);
                Ok(())
            }
            (Ok(()), Ruling::Refused(reasons)) => Err(format!("taken, where it must be refused: {reasons:?}").into()),
            (Err(refused), Ruling::Accepted(_)) => {
                Err(format!("refused, where it must be taken: {}: {}", refused.name, refused.message).into())
            }
            (Err(refused), Ruling::Refused(reasons)) => {
                Err(format!("refused as {}, where it must be as {reasons:?}", refused.name).into())
            }
        }
    }

    fn pull(&mut self, from: Region, to: Region, own: bool, observer: &mut dyn Observer) -> Result<bool, Wrong> {
        let mut learned = false;
        loop {
            let before = self.kernel.rows(to).clone();
            let Some(dot) = self.kernel.pull_one(from, to, own).map_err(told)? else { return Ok(learned) };
            learned = true;
            let record = self.oracle.record(dot).ok_or("a record that nobody asked for".to_owned())?.clone();
            observer.delivered(self, &Delivery { region: to, record: &record, before: &before })?;
        }
    }

    fn sync(&mut self, observer: &mut dyn Observer) -> Seen {
        let mut learning = true;
        while learning {
            learning = false;
            for to in Region::ALL {
                for from in Region::ALL.into_iter().filter(|from| *from != to) {
                    learning |= self.pull(from, to, false, observer)?;
                }
            }
        }
        self.kernel.sync().map_err(|e| told(e).into())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where errors are mapped")]
fn told(error: KernelError) -> String {
    error.to_string()
}
