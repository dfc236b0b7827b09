//! What the oracle is told: every record, as what its client asked it to be. Shared by those who judge by it.
//!
//! Nothing of a record's effects is believed. A client's record is told as what its request's commands come to where it was
//! made; a record that no client asked for, as what the node must have meant by it: effects on a bounded counter's rights
//! alone are a grant to another region, read off by how much they raise what it was granted so far; clears of whole keys
//! alone are a sweep of keys that have ended. Both are then judged like a request of that meaning.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use halcyon_crdt::{Effect, Kind, Object, Op};
use halcyon_types::{ActorId, RegionId, RequestId, VersionVector};
use halcyon_wire::{Body, Outcome, Record, Seen, TransactionId, Write};

use super::exchange::Exchange;
use crate::oracle::{Leaf, Oracle, Place, Request, Ruling, Written};
use crate::scenario::{Command, CommandOp, ObjectRef};
use crate::workload::ClientId;
use crate::workload::words::{command_of, letter_of, object_of, text};
use crate::world::Observation;

/// Where all of them look.
pub(super) type Shared = Rc<RefCell<Told>>;

/// What a client wrote, and on which connection.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) client: ClientId,
    pub(super) region: RegionId,
    pub(super) write: Write,
}

/// All that is known.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) oracle: Oracle,
    /// Whom each region writes as, by its letter.
    pub(super) actors: BTreeMap<String, ActorId>,
    /// And whom they wrote as before.
    former: BTreeSet<ActorId>,
    pub(super) asked: BTreeMap<RequestId, Asked>,
    /// What open transactions have seen.
    pub(super) begun: BTreeMap<(ClientId, RegionId, TransactionId), VersionVector>,
    /// Every bounded counter that anybody named.
    counters: BTreeMap<Vec<u8>, Object>,
    /// Every command, for questions at the end.
    pub(super) commands: Vec<Command>,
    exchange: Exchange,
}

/// What a record must have meant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    /// What a client asked.
    Asked(Vec<Command>),
    /// Rights that were passed on, out of so many.
    Grant(Command, i128),
    /// Keys that had ended.
    Sweep(Vec<Command>),
}

impl Meaning {
    pub(super) fn commands(&self) -> &[Command] {
        match self {
            Self::Asked(commands) | Self::Sweep(commands) => commands,
            Self::Grant(command, _) => std::slice::from_ref(command),
        }
    }
}

impl Told {
    /// Takes note of what is asked and who is who.
    pub(super) fn hear(&mut self, seen: &Observation<'_>) {
        let answered = self.exchange.see(seen);
        match seen {
            Observation::Started { region, recovered } => self.writes_as(*region, recovered.actor),
            Observation::Minted { region, actor } => self.writes_as(*region, *actor),
            Observation::Heard { client, region, request } => {
                if let Body::Write(write) = &request.body {
                    self.note(*client, *region, write);
                }
            }
            Observation::Replied { client, region, response, .. } => {
                if let (Some(_), Ok(Outcome::Begun { transaction, token })) = (answered, &response.result) {
                    self.begun.insert((*client, *region, *transaction), token.clone());
                }
            }
            _ => {}
        }
    }

    fn writes_as(&mut self, region: RegionId, actor: ActorId) {
        let former = self.actors.insert(letter_of(region), actor);
        self.former.extend(former.filter(|former| *former != actor));
    }

    fn note(&mut self, client: ClientId, region: RegionId, write: &Write) {
        if let Some(asked) = self.asked.get_mut(&write.request) {
            // A retry says the same, or asks what came of a transaction, which makes no record. Only what its client has seen
            // may have become less meanwhile, where that was lost with a disk.
            if write.session.token.le(&asked.write.session.token) && !matches!(write.seen, Seen::Transaction { .. }) {
                asked.write.session = write.session.clone();
            }
            return;
        }
        for update in &write.updates {
            if let Op::Raise { .. } | Op::Spend { .. } | Op::Transfer { .. } = update.op {
                let below = update.object.of_kind(Kind::BoundedCounter).as_bytes().to_vec();
                self.counters.insert(below, update.object.clone());
            }
        }
        self.commands.extend(commands_of(write).unwrap_or_default());
        self.asked.insert(write.request, Asked { client, region, write: write.clone() });
    }

    /// What a record means, and what its client was looking at.
    pub(super) fn meaning(&self, record: &Record) -> Result<Meaning, String> {
        match record.request {
            Some(request) => {
                let asked = self.asked.get(&request).ok_or_else(|| format!("nobody asked for {}", record.dot))?;
                let commands = commands_of(&asked.write);
                commands.map(Meaning::Asked).ok_or_else(|| format!("no words for request {request}"))
            }
            None => self.own_accord(record).ok_or_else(|| format!("{} has no meaning: {record:?}", record.dot)),
        }
    }

    /// A record that no client asked for.
    fn own_accord(&self, record: &Record) -> Option<Meaning> {
        if record.ctx.is_some() || record.effects.is_empty() {
            return None;
        }
        match record.effects.first()? {
            Effect::Hold { generations, .. } => self.grant(record, self.counters.get(generations.as_bytes())?),
            _ => sweep(record),
        }
    }

    /// To whom a record passes how many of its actor's rights of a counter.
    fn passed(&self, record: &Record, counter: &Object) -> BTreeMap<ActorId, i128> {
        let (own, object) = (record.dot.actor, object_of(counter));
        let below = counter.of_kind(Kind::BoundedCounter);
        let truth = self.oracle.truth_of(&record.deps, &object.key);
        let place = Place { object, leaf: Leaf::Rights };
        let mut passed: BTreeMap<ActorId, i128> = BTreeMap::new();
        for effect in &record.effects {
            let Effect::Hold { generations, generation, escrow } = effect else { continue };
            if *generations != below {
                continue;
            }
            let generation = generation.unwrap_or(record.dot);
            for (to, granted) in escrow.granted.iter().filter(|(to, _)| **to != own) {
                let before: i128 = truth
                    .at(&place)
                    .filter_map(|survivor| match survivor.write.what {
                        Written::Rights { generation: of, what } if of == generation => Some(what),
                        _ => None,
                    })
                    .filter(|what| what.from == Some(own) && what.to == Some(*to))
                    .map(|what| what.amount)
                    .sum();
                *passed.entry(*to).or_default() += i128::from(*granted) - before;
            }
        }
        passed.retain(|_, amount| *amount != 0);
        passed
    }

    fn grant(&self, record: &Record, counter: &Object) -> Option<Meaning> {
        if !record.effects.iter().all(|effect| matches!(effect, Effect::Hold { generation: Some(_), .. })) {
            return None;
        }
        let object = object_of(counter);
        let mut passed = self.passed(record, counter);
        let (to, amount) = (passed.len() == 1).then(|| passed.pop_first())??;
        let to = letter_of(to.region()?);
        let op = CommandOp::BoundedGive { to, amount: i64::try_from(amount).ok()? };
        let had = self.oracle.truth_of(&record.deps, &object.key).rights(&object, record.dot.actor);
        Some(Meaning::Grant(Command { object, op }, had))
    }

    /// Whom a record takes each region to write as. A region that has begun a new log is known by its former one to those
    /// whom it has not reached since; this alone is believed of a record that passes rights on.
    fn actors_of(&self, record: &Record) -> BTreeMap<String, ActorId> {
        let mut actors = self.actors.clone();
        for effect in &record.effects {
            let Effect::Hold { generations, .. } = effect else { continue };
            let Some(counter) = self.counters.get(generations.as_bytes()) else { continue };
            let to_former = self.passed(record, counter).into_keys().filter(|to| self.former.contains(to));
            actors.extend(to_former.filter_map(|to| Some((letter_of(to.region()?), to))));
        }
        actors
    }

    /// What a client of a record was to have seen: its removals' context, and its reads'.
    pub(super) fn sight(&self, record: &Record) -> Result<(VersionVector, VersionVector), String> {
        let asked = record.request.and_then(|request| self.asked.get(&request));
        let Some(Asked { client, region, write }) = asked else {
            return Ok((record.deps.clone(), record.deps.clone()));
        };
        Ok(match &write.seen {
            Seen::Present => (record.deps.clone(), record.deps.clone()),
            Seen::Session => (write.session.token.clone(), record.deps.clone()),
            Seen::Transaction { transaction, .. } => {
                let begun = self.begun.get(&(*client, *region, *transaction));
                let begun = begun.ok_or_else(|| format!("{} commits what was never begun", record.dot))?;
                (begun.clone(), begun.clone())
            }
        })
    }

    /// Judges a record as a request where it was made.
    pub(super) fn judge(&self, record: &Record, meaning: &Meaning) -> Result<Ruling, String> {
        let (ctx, seen) = self.sight(record)?;
        let commands = meaning.commands();
        let actors = self.actors_of(record);
        let Record { dot, hlc, deps, .. } = record;
        let request = Request {
            dot: *dot,
            hlc: *hlc,
            now: hlc.wall(),
            ctx: &ctx,
            seen: &seen,
            live: deps,
            actors: &actors,
            commands,
        };
        Ok(self.oracle.judge(request))
    }
}

/// What a write says.
pub(super) fn commands_of(write: &Write) -> Option<Vec<Command>> {
    write.updates.iter().map(command_of).collect()
}

/// Whole keys that a record clears away.
fn sweep(record: &Record) -> Option<Meaning> {
    let keys = record.effects.iter().map(|effect| match effect {
        Effect::Clear { prefix, .. } => {
            let key = Object::root_of(prefix.as_bytes())?;
            (key.below() == *prefix).then(|| ObjectRef::key(text(&key.key)))
        }
        _ => None,
    });
    let keys: Option<Vec<_>> = keys.collect();
    Some(Meaning::Sweep(keys?.into_iter().map(|object| Command { object, op: CommandOp::Delete }).collect()))
}
