//! What a history says for certain: which writes happened, how often, and what each of them, and each read, saw at the
//! least and at the most.
//!
//! Two sources tell what a region had seen at a moment. What it had told anybody before the moment (receipts, tokens), it
//! had seen; so it had what the session brought, for it had to wait for that. What it told after the moment is the most
//! that it can have seen. A transaction's moment is told exactly.

use std::collections::BTreeMap;

use crate::history::{Call, End, History, How};
use crate::op::{Read, Update, Value};
use crate::vector::{Actor, Dot, Vector};

/// One application of a write: a record.
#[derive(Debug, Clone)]
pub(crate) struct Copy {
    pub(crate) dot: Dot,
    /// What its removals saw, at least.
    pub(crate) sees_least: Vector,
    /// And at most.
    pub(crate) sees_most: Vector,
    /// What it comes behind, in every region.
    pub(crate) behind: Vector,
    /// The most that its region can have seen when it took this: what the receipt says.
    pub(crate) told: Vector,
}

/// A write, with all its retries.
#[derive(Debug)]
pub(crate) struct Write<'a> {
    pub(crate) calls: Vec<&'a Call>,
    pub(crate) updates: &'a [Update],
    /// Those that somebody was told of.
    pub(crate) copies: Vec<Copy>,
    /// How many more there may be: regions that were asked and did not answer.
    pub(crate) loose: usize,
    /// What the removals of those see at most, if that is known.
    pub(crate) loose_sees: Option<Vector>,
    /// When it was asked first.
    pub(crate) asked: u64,
}

impl Write<'_> {
    /// Nothing of it ever happened.
    pub(crate) const fn is_refused(&self) -> bool {
        self.copies.is_empty() && self.loose == 0
    }

    /// The only copy that there can be.
    pub(crate) fn only(&self) -> Option<&Copy> {
        self.copies.first().filter(|_| self.copies.len() == 1 && self.loose == 0)
    }
}

/// What a read saw, at least and at most, and when it was over.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) least: Vector,
    pub(crate) most: Option<Vector>,
    pub(crate) until: u64,
}

impl View {
    pub(crate) fn may_have(&self, dot: Dot) -> bool {
        self.most.as_ref().is_none_or(|most| most.covers(dot))
    }
}

/// A read that was answered.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    pub(crate) call: &'a Call,
    pub(crate) read: &'a Read,
    pub(crate) value: &'a Value,
    pub(crate) view: View,
}

/// What a region said it had seen, and what it must have seen by then.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    pub(crate) call: &'a Call,
    pub(crate) token: &'a Vector,
    pub(crate) at_least: Vector,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) history: &'a History,
    pub(crate) writes: Vec<Write<'a>>,
    /// In the order in which they were answered.
    pub(crate) looks: Vec<Look<'a>>,
    pub(crate) told: Vec<Told<'a>>,
    /// For each log: what its records up to there come behind.
    behind: BTreeMap<Actor, Vec<(u64, Vector)>>,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(history: &'a History) -> Self {
        let bases = bases(history);
        let mut answered: Vec<_> =
            history.calls.iter().zip(&bases).filter(|(call, _)| call.answered.is_some()).collect();
        answered.sort_by_key(|(call, _)| call.answered.as_ref().map(|answered| answered.n));
        let (looks, told) = looks_and_told(&answered);
        let writes = writes(history, &bases);
        let behind = behind(&writes);
        Self { history, writes, looks, told, behind }
    }

    /// What whoever has seen `vector` must have seen as well, if causes come before effects.
    pub(crate) fn with_causes(&self, vector: &Vector) -> Vector {
        let mut all = vector.clone();
        loop {
            let before = all.clone();
            before.iter().filter_map(|dot| self.causes(dot)).for_each(|causes| all.join(causes));
            if all == before {
                return all;
            }
        }
    }

    /// What a record and those before it in its log come behind.
    pub(crate) fn causes(&self, dot: Dot) -> Option<&Vector> {
        let log = self.behind.get(&dot.actor)?;
        let up_to = log.partition_point(|(seq, _)| *seq <= dot.seq);
        log.get(up_to.checked_sub(1)?).map(|(_, causes)| causes)
    }
}

/// For each call: what its region had told by the time it was asked, and what the call brought along.
fn bases(history: &History) -> Vec<Vector> {
    let mut events: Vec<(u64, usize, bool)> = Vec::new();
    for (at, call) in history.calls.iter().enumerate() {
        events.push((call.asked.n, at, true));
        events.extend(call.answered.iter().map(|answered| (answered.n, at, false)));
    }
    events.sort_unstable();
    let mut known = vec![Vector::default(); history.header.regions];
    let mut bases = vec![Vector::default(); history.calls.len()];
    for (_, at, asked) in events {
        let call = history.calls.get(at).expect("a call");
        let known = known.get_mut(call.asked.region).expect("a region of the header");
        if asked {
            let mut base = known.clone();
            base.join(call.asked.session.as_ref().unwrap_or(&Vector::default()));
            *bases.get_mut(at).expect("a call") = base;
        } else {
            tokens(call).for_each(|token| known.join(token));
        }
    }
    bases
}

/// What a call was told that its region had seen.
fn tokens(call: &Call) -> impl Iterator<Item = &Vector> {
    call.answered.iter().flat_map(|answered| {
        let written = if let End::Written { token, .. } = &answered.end { Some(token) } else { None };
        answered.seen.iter().chain(&answered.after).chain(written)
    })
}

fn looks_and_told<'a>(answered: &[(&'a Call, &Vector)]) -> (Vec<Look<'a>>, Vec<Told<'a>>) {
    let (mut looks, mut all_told) = (Vec::new(), Vec::new());
    for (call, base) in answered {
        let Some(answer) = &call.answered else { continue };
        let (least, most) = match &answer.seen {
            Some(seen) => (seen.clone(), Some(seen.clone())),
            None => ((*base).clone(), answer.after.clone()),
        };
        for (read, value) in call.asked.reads.iter().zip(&answer.values) {
            let view = View { least: least.clone(), most: most.clone(), until: answer.n };
            looks.push(Look { call, read, value, view });
        }
        all_told.extend(tokens(call).map(|token| Told { call, token, at_least: (*base).clone() }));
    }
    (looks, all_told)
}

fn writes<'a>(history: &'a History, bases: &[Vector]) -> Vec<Write<'a>> {
    let mut groups: BTreeMap<String, Vec<(&Call, &Vector)>> = BTreeMap::new();
    let mut order = Vec::new();
    for (call, base) in history.calls.iter().zip(bases).filter(|(call, _)| !call.asked.updates.is_empty()) {
        let name = call.asked.request.clone().unwrap_or_else(|| format!("call {}", call.asked.call));
        let group = groups.entry(name.clone()).or_default();
        if group.is_empty() {
            order.push(name);
        }
        group.push((call, base));
    }
    order.iter().filter_map(|name| groups.get(name)).map(|group| write(group)).collect()
}

fn write<'a>(group: &[(&'a Call, &Vector)]) -> Write<'a> {
    let (first, _) = group.first().expect("a group has a call");
    let mut copies: Vec<Copy> = Vec::new();
    let mut open = Vec::new();
    for (call, _) in group {
        match call.answered.as_ref().map(|answered| &answered.end) {
            Some(End::Written { dot, token }) if copies.iter().all(|copy| copy.dot != *dot) => {
                copies.push(copy(group, *dot, token));
            }
            None | Some(End::Unknown(_)) => open.push(call.asked.region),
            Some(_) => {}
        }
    }
    open.sort_unstable();
    open.dedup();
    let settled = |region: &usize| copies.iter().any(|copy| usize::from(copy.dot.actor.region) == region + 1);
    let loose = open.iter().filter(|region| !settled(region)).count();
    let loose_sees = exactly(first);
    let calls = group.iter().map(|(call, _)| *call).collect();
    Write { calls, updates: &first.asked.updates, copies, loose, loose_sees, asked: first.asked.n }
}

fn copy(group: &[(&Call, &Vector)], dot: Dot, token: &Vector) -> Copy {
    // What it came behind follows from the first time that its own region was asked.
    let there = |(call, _): &&(&Call, &Vector)| call.asked.region + 1 == usize::from(dot.actor.region);
    let found = group.iter().find(there);
    let behind = found.map_or_else(Vector::default, |(_, base)| (*base).clone());
    match found.and_then(|(call, _)| exactly(call)) {
        Some(sees) => Copy { dot, sees_least: sees.clone(), sees_most: sees, behind, told: token.clone() },
        None => Copy { dot, sees_least: behind.clone(), sees_most: token.clone(), behind, told: token.clone() },
    }
}

/// What a write's removals see, where the write says so itself.
fn exactly(call: &Call) -> Option<Vector> {
    match call.asked.how {
        How::Plain => None,
        How::Context => Some(call.asked.session.clone().unwrap_or_default()),
        How::Transaction | How::Checked => call.answered.as_ref()?.seen.clone(),
    }
}

fn behind(writes: &[Write<'_>]) -> BTreeMap<Actor, Vec<(u64, Vector)>> {
    let mut behind: BTreeMap<Actor, Vec<(u64, Vector)>> = BTreeMap::new();
    for copy in writes.iter().flat_map(|write| &write.copies) {
        behind.entry(copy.dot.actor).or_default().push((copy.dot.seq, copy.behind.clone()));
    }
    for log in behind.values_mut() {
        log.sort_by_key(|(seq, _)| *seq);
        let mut so_far = Vector::default();
        for (_, causes) in log.iter_mut() {
            so_far.join(causes);
            *causes = so_far.clone();
        }
    }
    behind
}
