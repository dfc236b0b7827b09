//! What the committer decides, of the region as it is and not as the client saw it: stale contexts, rights, generations, and
//! which increment follows on which.

use std::collections::BTreeMap;

use halcyon_types::{ActorId, Dot, Seq};

use crate::oracle::deed::{Write, Written};
use crate::oracle::place::{Leaf, Place, Reach};
use crate::oracle::rights::Ledger;
use crate::scenario::{CommandOp, ObjectRef};

use super::Case;

impl Case<'_> {
    /// A context within a run of increments: how much they had come to by then, nobody knows any more.
    pub(super) fn look_for_stale_contexts(&mut self) {
        let reached =
            |place: &Place| matches!(place.leaf, Leaf::Counter | Leaf::Added(_)) && self.record.deed.removes(place);
        let mut runs: BTreeMap<(Place, ActorId), (Seq, Seq)> = BTreeMap::new();
        for survivor in self.seen.survivors.iter().filter(|survivor| reached(&survivor.write.place)) {
            let Dot { actor, seq } = survivor.dot;
            let begin = survivor.write.what.since().unwrap_or(Seq(seq.0.saturating_sub(1)));
            // Survivors come in the order of their seqs.
            runs.entry((survivor.write.place.clone(), actor)).or_insert((begin, seq)).1 = seq;
        }
        let ctx = self.request.ctx;
        if runs.iter().any(|((_, actor), (begin, end))| *begin < ctx.get(*actor) && ctx.get(*actor) < *end) {
            self.refuse("StaleContext");
        }
    }

    /// A bounded counter can be deleted only where all its rights are, unless its key had ended: then it is nobody's.
    pub(super) fn look_for_outstanding_rights(&mut self) {
        let deleted = self.request.commands.iter().filter(|command| !self.ended.contains(&command.object.key));
        let reach: Vec<Reach> = deleted
            .filter_map(|command| match command.op {
                CommandOp::Delete => Some(Reach::Within(command.object.clone())),
                CommandOp::Clear(kind) => Some(Reach::Type(command.object.clone(), kind)),
                _ => None,
            })
            .collect();
        for object in self.live.bounded_counters() {
            let place = Place { object: object.clone(), leaf: Leaf::Rights };
            let all = self.live.bounded_value(&object);
            if reach.iter().any(|reach| reach.reaches(&place))
                && self.live.rights(&object, self.request.dot.actor) != all
            {
                self.refuse("RightsOutstanding");
            }
        }
    }

    /// Whether its own removals take a record's contribution.
    fn removes(&self, place: &Place, dot: Dot) -> bool {
        self.request.ctx.covers(dot) && self.record.deed.removes(place)
    }

    /// Finds what increments follow on, and the generations that rights and observations belong to.
    pub(super) fn settle(&mut self) {
        let mut ledgers: BTreeMap<ObjectRef, Ledger> = BTreeMap::new();
        let mut sums: BTreeMap<Place, (Option<Seq>, i128)> = BTreeMap::new();
        let mut settled = Vec::new();
        for write in std::mem::take(&mut self.record.deed.writes) {
            let Write { place, what } = write;
            match what {
                Written::Amount { amount, .. } => {
                    let (since, before) = sums.get(&place).copied().unwrap_or_else(|| self.run_so_far(&place));
                    let total = before + amount;
                    sums.insert(place.clone(), (since, total));
                    settled.push(Write { place, what: Written::Amount { amount, since, total } });
                }
                Written::Points { amount, .. } => {
                    let (since, _) = self.run_so_far(&place);
                    settled.push(Write { place, what: Written::Points { amount, since } });
                }
                Written::Observed { elements, .. } => {
                    let living = self.live.at(&place).filter_map(|survivor| survivor.write.what.generation());
                    let newest = living.filter(|generation| !self.removes(&place, *generation)).max();
                    let generation = newest.unwrap_or(self.request.dot);
                    settled.push(Write { place, what: Written::Observed { generation, elements } });
                }
                // Nobody gives to himself.
                Written::Rights { what, .. } if what.from == what.to => self.refuse("InvalidArgument"),
                Written::Rights { what, .. } => {
                    let ledger = ledgers.entry(place.object.clone());
                    let ledger = ledger.or_insert_with(|| {
                        Ledger::of(&self.live, &place.object, |place, dot| self.removes(place, dot))
                    });
                    let moves = match what.from {
                        None => Some(ledger.raise(self.request.dot, what.amount)),
                        Some(from) => ledger.draw(from, what.to, what.amount),
                    };
                    match moves {
                        None => self.reasons.extend(["InsufficientRights"]),
                        Some(moves) => settled.extend(moves.into_iter().map(|(generation, what)| Write {
                            place: place.clone(),
                            what: Written::Rights { generation, what },
                        })),
                    }
                }
                what => settled.push(Write { place, what }),
            }
        }
        if sums.values().any(|(_, total)| i64::try_from(*total).is_err()) {
            self.refuse("CounterOverflow");
        }
        self.record.deed.writes = settled;
    }

    /// The region's own last increment that still counts at a counter, and what they have come to.
    fn run_so_far(&self, place: &Place) -> (Option<Seq>, i128) {
        let own = self.live.at(place).filter(|survivor| survivor.dot.actor == self.request.dot.actor);
        let last = own.filter(|survivor| !self.removes(place, survivor.dot)).last();
        last.map_or((None, 0), |last| match last.write.what {
            Written::Amount { total, .. } => (Some(last.dot.seq), total),
            _ => (Some(last.dot.seq), 0),
        })
    }
}
