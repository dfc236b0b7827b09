//! Every record is what its client asked for, made where it was made (P6, P5, P8): the oracle says what must become of the
//! request there, be it a record or a refusal, and a transaction's checks must have held. What a node does by itself it may
//! do: a grant is no more than half of what it has, and a sweep takes nothing that has not ended.

use std::collections::{BTreeMap, BTreeSet};

use halcyon_types::{ActorId, Dot, Hlc, RegionId, Seq, UnixMs, VersionVector};
use halcyon_wire::{Body, Record, Refusal, Seen, Write};

use super::Invariant;
use super::exchange::{Exchange, Open};
use super::told::{Meaning, Shared, Told, commands_of};
use crate::oracle::{Request, Ruling};
use crate::scenario::CommandOp;
use crate::workload::ClientId;
use crate::workload::words::{object_of, query_of};
use crate::world::{Observation, World};

/// Between the request and its refusal a region takes other records; of so many moments it is tried whether one refuses.
const MOMENTS_MAX: usize = 48;

/// See above.
#[derive(Debug)]
pub(super) struct Meanings {
    told: Shared,
    exchange: Exchange,
    /// The vectors that each region went through, and as whom it wrote.
    moments: BTreeMap<RegionId, Vec<(ActorId, VersionVector)>>,
    /// At which of them requests were heard.
    heard: BTreeMap<(ClientId, u64), usize>,
    judged: u64,
}

impl Meanings {
    pub(super) fn new(told: Shared) -> Self {
        Self { told, exchange: Exchange::default(), moments: BTreeMap::new(), heard: BTreeMap::new(), judged: 0 }
    }

    fn made(&mut self, record: &Record) -> Result<(), String> {
        let mut told = self.told.borrow_mut();
        if told.oracle.record(record.dot).is_some() {
            return Ok(());
        }
        self.judged += 1;
        let meaning = told.meaning(record)?;
        let made = accept(&told, record, &meaning)?;
        told.oracle.tell(made);
        Ok(())
    }

    /// A refusal by what is there must be right at one of the moments between the request and its answer.
    fn refused(&mut self, open: &Open, of: (ClientId, u64), refusal: &Refusal, now: UnixMs) -> Result<(), String> {
        let Body::Write(write) = &open.body else { return Ok(()) };
        let Some(commands) = commands_of(write).filter(|_| depends_on_rows(refusal)) else { return Ok(()) };
        let told = self.told.borrow();
        let from = self.heard.get(&of).copied().unwrap_or_default();
        let moments = self.moments.get(&open.region).map_or(&[][..], |moments| moments.get(from..).unwrap_or_default());
        // When it was refused is not known, so what had ended by then is not either.
        let keys: BTreeSet<_> = commands.iter().map(|command| command.object.key.as_str()).collect();
        let ends =
            |live: &VersionVector| keys.iter().any(|key| told.oracle.truth_of(live, key).deadline(key).is_some());
        if moments.len() > MOMENTS_MAX || moments.iter().any(|(_, live)| ends(live)) {
            return Ok(());
        }
        self.judged += 1;
        let hlc = Hlc::from_parts(now, Hlc::COUNT_MAX).unwrap_or_default();
        let mut taken = Vec::new();
        for (actor, live) in moments {
            let (ctx, seen) = match &write.seen {
                Seen::Present => (live, live),
                Seen::Session => (&write.session.token, live),
                Seen::Transaction { transaction, .. } => {
                    let (client, _) = of;
                    let Some(begun) = told.begun.get(&(client, open.region, *transaction)) else { return Ok(()) };
                    (begun, begun)
                }
            };
            if let Refusal::Changed { index } = refusal {
                if has_changed(&told, write, *index, ctx, live) {
                    return Ok(());
                }
                continue;
            }
            let dot = Dot { actor: *actor, seq: live.get(*actor).next().unwrap_or(Seq(u64::MAX)) };
            let request = Request { dot, hlc, now, ctx, seen, live, actors: &told.actors, commands: &commands };
            match told.oracle.judge(request) {
                Ruling::Refused(reasons) if reasons.contains(refusal.name()) => return Ok(()),
                ruling => taken.push(ruling),
            }
        }
        Err(format!("region {} refuses {write:?} as {refusal:?}; at no moment must it: {taken:?}", open.region))
    }
}

/// What must become of a record's request, if that is a record.
fn accept(told: &Told, record: &Record, meaning: &Meaning) -> Result<crate::oracle::Record, String> {
    let dot = record.dot;
    match meaning {
        Meaning::Grant(command, had) => {
            let CommandOp::BoundedGive { amount, .. } = command.op else { return Err(format!("{dot} grants nothing")) };
            if amount <= 0 || i128::from(amount) > had - had / 2 {
                return Err(format!("{dot} passes {amount} on of {had}"));
            }
        }
        Meaning::Sweep(commands) => {
            for key in commands.iter().map(|command| &command.object.key) {
                let ends = told.oracle.truth_of(&record.deps, key).deadline(key);
                if ends.is_none_or(|at| at > record.hlc.wall()) {
                    return Err(format!("{dot}, of {:?}, sweeps {key} away, which ends at {ends:?}", record.hlc));
                }
            }
        }
        Meaning::Asked(_) => checks_held(told, record)?,
    }
    match told.judge(record, meaning)? {
        Ruling::Accepted(made) if made.ctx == *record.ctx() => Ok(made),
        Ruling::Accepted(made) => Err(format!("{dot} has seen {:?}, and its client {:?}", record.ctx(), made.ctx)),
        Ruling::Refused(reasons) => {
            Err(format!("{dot} is {:?}, which had to be refused for {reasons:?}", meaning.commands()))
        }
    }
}

/// What a transaction read, and asked to be checked, is the same where it was committed.
fn checks_held(told: &Told, record: &Record) -> Result<(), String> {
    let asked = record.request.and_then(|request| told.asked.get(&request));
    let Some(Seen::Transaction { checks, .. }) = asked.map(|asked| &asked.write.seen) else { return Ok(()) };
    for check in checks {
        let Some(query) = query_of(&check.object, &check.query) else { continue };
        let answer = |vv| {
            let truth = told.oracle.truth_of(vv, &query.object.key);
            truth.answer(&query, record.dot.actor, record.hlc.wall())
        };
        let (then, live) = (answer(record.ctx()), answer(&record.deps));
        if then.to_string() != live.to_string() {
            return Err(format!("{} was committed although `{query}` had gone from {then} to {live}", record.dot));
        }
    }
    Ok(())
}

/// Whether anything of a check's key has happened between two vectors.
fn has_changed(told: &Told, write: &Write, index: u64, then: &VersionVector, live: &VersionVector) -> bool {
    let Seen::Transaction { checks, .. } = &write.seen else { return false };
    let check = usize::try_from(index).ok().and_then(|index| checks.get(index));
    check.is_some_and(|check| {
        let key = object_of(&check.object).key;
        *told.oracle.truth_of(then, &key) != *told.oracle.truth_of(live, &key)
    })
}

/// Whether a refusal says something of the data, and not of the request, the clock or the queues.
pub(super) const fn depends_on_rows(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::InsufficientRights { .. }
            | Refusal::RightsOutstanding { .. }
            | Refusal::NoSuchElement { .. }
            | Refusal::StaleContext { .. }
            | Refusal::CounterOverflow { .. }
            | Refusal::Changed { .. }
    )
}

impl Invariant for Meanings {
    fn name(&self) -> &'static str {
        "records_are_what_was_asked"
    }

    fn promise(&self) -> &'static str {
        "P6"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        self.told.borrow_mut().hear(seen);
        let answered = self.exchange.see(seen);
        match seen {
            Observation::Heard { client, region, request } => {
                let moments = self.moments.get(region).map_or(0, Vec::len);
                self.heard.insert((*client, request.id), moments.saturating_sub(1));
                Ok(())
            }
            Observation::Started { region, recovered } => {
                self.moments.entry(*region).or_default().push((recovered.actor, recovered.vv.clone()));
                Ok(())
            }
            Observation::Minted { region, actor } => {
                let moments = self.moments.entry(*region).or_default();
                let live = moments.last().map_or_else(VersionVector::new, |(_, live)| live.clone());
                moments.push((*actor, live));
                Ok(())
            }
            Observation::Applied { region, records, .. } => {
                for (record, _) in *records {
                    self.made(record)?;
                    let Some(moments) = self.moments.get_mut(region) else { continue };
                    let Some((actor, mut live)) = moments.last().cloned() else { continue };
                    live.observe(record.dot);
                    moments.push((actor, live));
                }
                Ok(())
            }
            Observation::Replied { client, response, now, .. } => match (answered, &response.result) {
                (Some(open), Err(refusal)) => self.refused(&open, (*client, response.id), refusal, *now),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests;
