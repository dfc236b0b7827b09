//! What a request comes to, or why it must be refused.

mod lists;
mod settle;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use halcyon_types::{ActorId, Dot, Hlc, Seq, UnixMs, VersionVector};

use crate::scenario::{Command, CommandOp, ListSide, ObjectRef};

use super::Oracle;
use super::deed::{Deed, Record, Write, Written};
use super::place::{Leaf, Place, Reach};
use super::rights::RightsMove;
use super::truth::Truth;

/// What a client asks of a region.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The record that it is to become.
    pub dot: Dot,
    /// Its stamp.
    pub hlc: Hlc,
    /// The time of the commit.
    pub now: UnixMs,
    /// What the record is to say that it saw.
    pub ctx: &'a VersionVector,
    /// What its client looks at: its snapshot's records, or those that the region holds.
    pub seen: &'a VersionVector,
    /// The records that the region holds.
    pub live: &'a VersionVector,
    /// The actor of each region, by the region's letter or name.
    pub actors: &'a BTreeMap<String, ActorId>,
    /// What is asked.
    pub commands: &'a [Command],
}

/// What must come of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Ruling {
    /// It becomes this record.
    Accepted(Record),
    /// It is refused, for one of these reasons.
    Refused(BTreeSet<&'static str>),
}

impl Oracle {
    /// Judges a request of which every word is well formed and within limits.
    pub fn judge(&self, request: Request<'_>) -> Ruling {
        if !request.ctx.le(request.live) {
            return Ruling::Refused(BTreeSet::from(["NotYet"]));
        }
        let Request { dot, hlc, ctx, .. } = request;
        let record = Record { dot, hlc, ctx: ctx.clone(), deed: Deed::default() };
        let keys: BTreeSet<_> = request.commands.iter().map(|command| command.object.key.as_str()).collect();
        let mut case = Case {
            request,
            seen: self.truth_of_keys(request.seen, keys.iter().copied()),
            live: self.truth_of_keys(request.live, keys.iter().copied()),
            record,
            ended: BTreeSet::new(),
            inserted: 0,
            reasons: BTreeSet::new(),
        };
        for command in request.commands {
            case.hear(command);
        }
        case.look_for_stale_contexts();
        case.look_for_outstanding_rights();
        case.settle();
        if case.reasons.is_empty() { Ruling::Accepted(case.record) } else { Ruling::Refused(case.reasons) }
    }
}

/// What is true is looked up of the keys that the request names: it touches no others.
struct Case<'a> {
    request: Request<'a>,
    seen: Arc<Truth>,
    live: Arc<Truth>,
    /// What it has come to so far.
    record: Record,
    /// Keys found ended.
    ended: BTreeSet<String>,
    /// Elements put into lists.
    inserted: i64,
    reasons: BTreeSet<&'static str>,
}

/// A right of which the committer has yet to find the generation.
const UNSETTLED: Seq = Seq(0);

impl Case<'_> {
    fn hear(&mut self, Command { object, op }: &Command) {
        if self.seen.has_ended(&object.key, self.request.now) && self.ended.insert(object.key.clone()) {
            self.record.deed.remove(Reach::Within(ObjectRef::key(object.key.clone())));
        }
        let at = |leaf: Leaf| Place { object: object.clone(), leaf };
        let value = |text: &String| Written::Value { text: text.clone(), until: None };
        let now = self.request.now;
        let after = |ms: i64| UnixMs(now.0.saturating_add(u64::try_from(ms).unwrap_or(0)));
        let deed = &mut self.record.deed;
        match op {
            CommandOp::Set { value: text, ttl_ms } => {
                deed.write(at(Leaf::Register), Written::Value { text: text.clone(), until: ttl_ms.map(after) });
            }
            CommandOp::Unset => deed.remove(Reach::Only(at(Leaf::Register))),
            CommandOp::MvSet(text) => deed.write(at(Leaf::Values), value(text)),
            CommandOp::Incr(amount) => self.add(at(Leaf::Counter), i128::from(*amount)),
            CommandOp::Reset => deed.remove(Reach::Only(at(Leaf::Counter))),
            CommandOp::Enable => deed.write(at(Leaf::Flag), Written::Presence),
            CommandOp::Disable => deed.remove(Reach::Only(at(Leaf::Flag))),
            CommandOp::SetAdd(elements) => {
                for element in elements {
                    deed.write(at(Leaf::Element(element.clone())), Written::Presence);
                }
            }
            CommandOp::SetRemove(elements) => {
                for element in elements {
                    deed.remove(Reach::Only(at(Leaf::Element(element.clone()))));
                }
            }
            CommandOp::SortedAdd { member, score } => {
                deed.remove(Reach::Only(at(Leaf::Added(member.clone()))));
                deed.write(at(Leaf::Score(member.clone())), Written::Score(*score));
            }
            CommandOp::SortedIncr { member, delta } => {
                deed.write(at(Leaf::Added(member.clone())), Written::Points { amount: *delta, since: None });
            }
            CommandOp::SortedRemove(member) => deed.remove(Reach::Member(object.clone(), member.clone())),
            CommandOp::HllAdd(elements) => {
                let generation = self.unsettled();
                let what = Written::Observed { generation, elements: elements.clone() };
                self.record.deed.write(at(Leaf::Observed), what);
            }
            CommandOp::BoundedIncr(amount) => self.claim(at(Leaf::Rights), None, Some(self.request.dot.actor), *amount),
            CommandOp::BoundedDecr(amount) => self.claim(at(Leaf::Rights), Some(self.request.dot.actor), None, *amount),
            CommandOp::BoundedGive { to, amount } => match self.request.actors.get(to) {
                Some(to) => self.claim(at(Leaf::Rights), Some(self.request.dot.actor), Some(*to), *amount),
                None => self.refuse("UnknownRegion"),
            },
            CommandOp::Expire(ms) => deed.write(at(Leaf::Deadline), Written::Deadline(Some(after(*ms)))),
            CommandOp::Persist => deed.write(at(Leaf::Deadline), Written::Deadline(None)),
            CommandOp::Clear(kind) => deed.remove(Reach::Type(object.clone(), kind)),
            CommandOp::Delete => deed.remove(Reach::Within(object.clone())),
            CommandOp::ListPush { end, values } => values.iter().for_each(|text| self.push(object, *end, text)),
            CommandOp::ListInsert { side, target, values } => {
                let place = self.holders(object, target).into_iter().next();
                self.insert(object, place, *side, values);
            }
            CommandOp::ListInsertAt { index, values } => {
                let place = self.at_index(object, *index);
                self.insert(object, place, ListSide::Before, values);
            }
            CommandOp::ListSet { old, new } => {
                for position in self.holders(object, old) {
                    self.record.deed.write(at(Leaf::Item(position)), value(new));
                }
            }
            CommandOp::ListSetAt { index, value: new } => match self.at_index(object, *index) {
                Some(position) => self.record.deed.write(at(Leaf::Item(position)), value(new)),
                None => self.refuse("NoSuchElement"),
            },
            CommandOp::ListRemove(text) => {
                for position in self.holders(object, text) {
                    self.record.deed.remove(Reach::Only(at(Leaf::Item(position))));
                }
            }
            CommandOp::ListRemoveAt(index) => match self.at_index(object, *index) {
                Some(position) => self.record.deed.remove(Reach::Only(at(Leaf::Item(position)))),
                None => self.refuse("NoSuchElement"),
            },
            CommandOp::ListMove { value: text, end } => match self.holders(object, text).into_iter().next() {
                Some(position) => {
                    self.record.deed.remove(Reach::Only(at(Leaf::Item(position))));
                    self.push(object, *end, text);
                }
                None => self.refuse("NoSuchElement"),
            },
            CommandOp::ListMoveAt { index, end } => match self.at_index(object, *index) {
                Some(position) => {
                    let text = self.text_at(object, &position);
                    self.record.deed.remove(Reach::Only(at(Leaf::Item(position))));
                    self.push(object, *end, &text);
                }
                None => self.refuse("NoSuchElement"),
            },
        }
    }

    fn refuse(&mut self, reason: &'static str) {
        self.reasons.insert(reason);
    }

    const fn unsettled(&self) -> Dot {
        Dot { actor: self.request.dot.actor, seq: UNSETTLED }
    }

    /// One more amount: the amounts of one transaction at one counter must fit 64 bits themselves.
    fn add(&mut self, place: Place, amount: i128) {
        let deed = &mut self.record.deed;
        let before: i128 = deed.writes.iter().filter(|write| write.place == place).map(amount_of).sum();
        deed.write(place, Written::Amount { amount, since: None, total: 0 });
        if i64::try_from(before + amount).is_err() {
            self.refuse("CounterOverflow");
        }
    }

    fn claim(&mut self, place: Place, from: Option<ActorId>, to: Option<ActorId>, amount: i64) {
        let what = RightsMove { from, to, amount: i128::from(amount) };
        let generation = self.unsettled();
        self.record.deed.write(place, Written::Rights { generation, what });
    }
}

fn amount_of(write: &Write) -> i128 {
    if let Written::Amount { amount, .. } = write.what { amount } else { 0 }
}
