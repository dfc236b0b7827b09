//! Histories told by hand, for the tests of the checkers.

use crate::cells::Cells;
use crate::check::Judged;
use crate::facts::Facts;
use crate::history::{Answered, Asked, Call, Converged, End, Fault, Header, History, How};
use crate::op::{Read, Type, Update, Value, What};
use crate::vector::Vector;

/// A history in the making: calls one after the other, a second apart, unless they are told otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Tale {
    history: History,
    n: u64,
}

impl Default for Tale {
    fn default() -> Self {
        let header = Header { seed: 0, minutes: 0.0, regions: 3 };
        Self { history: History { header, calls: Vec::new(), faults: Vec::new(), converged: None }, n: 0 }
    }
}

fn vector(text: &str) -> Vector {
    text.parse().unwrap()
}

fn updates(of: &[(&str, What)]) -> Vec<Update> {
    of.iter().map(|(key, what)| Update { key: (*key).to_owned(), path: Vec::new(), what: what.clone() }).collect()
}

impl Tale {
    pub(crate) fn history(&self) -> History {
        self.history.clone()
    }

    /// Any call. `None`: never answered.
    pub(crate) fn call(
        &mut self,
        process: &str,
        region: usize,
        asked: impl FnOnce(&mut Asked),
        answered: Option<Answered>,
    ) -> &mut Self {
        let call = self.history.calls.len() as u64 + 1;
        let mut ask = Asked {
            n: self.n,
            ms: self.n * 1_000,
            call,
            process: process.to_owned(),
            region,
            how: How::Plain,
            session: None,
            request: None,
            reads: Vec::new(),
            updates: Vec::new(),
        };
        asked(&mut ask);
        let answered = answered.map(|it| Answered { n: self.n + 1, ms: self.n * 1_000 + 5, call, ..it });
        self.n += 2;
        self.history.calls.push(Call { asked: ask, answered });
        self
    }

    pub(crate) fn write(
        &mut self,
        who: &str,
        region: usize,
        what: &[(&str, What)],
        dot: &str,
        token: &str,
    ) -> &mut Self {
        let end = End::Written { dot: dot.parse().unwrap(), token: vector(token) };
        let answered = Answered { end, ..Answered::default() };
        self.call(who, region, |asked| asked.updates = updates(what), Some(answered))
    }

    /// The same in a field.
    #[expect(clippy::too_many_arguments, reason = "all that is to be told of a write")]
    pub(crate) fn write_at(
        &mut self,
        who: &str,
        region: usize,
        key: &str,
        path: &[&str],
        what: What,
        dot: &str,
        token: &str,
    ) -> &mut Self {
        self.write(who, region, &[(key, what)], dot, token);
        let call = self.history.calls.last_mut().unwrap();
        call.asked.updates[0].path = path.iter().map(|&field| field.to_owned()).collect();
        self
    }

    pub(crate) fn unknown(&mut self, who: &str, region: usize, what: &[(&str, What)]) -> &mut Self {
        self.call(who, region, |asked| asked.updates = updates(what), None)
    }

    pub(crate) fn refused(&mut self, who: &str, region: usize, what: &[(&str, What)]) -> &mut Self {
        let answered = Answered { end: End::Refused("Changed".to_owned()), ..Answered::default() };
        self.call(who, region, |asked| asked.updates = updates(what), Some(answered))
    }

    /// A read of one moment.
    pub(crate) fn look(&mut self, who: &str, region: usize, at: (&str, Type), value: Value, seen: &str) -> &mut Self {
        self.looks(who, region, vec![(Read::new(at.0, at.1), value)], seen)
    }

    /// Several.
    pub(crate) fn looks(&mut self, who: &str, region: usize, all: Vec<(Read, Value)>, seen: &str) -> &mut Self {
        let (reads, values) = all.into_iter().unzip();
        let answered = Answered { seen: Some(vector(seen)), values, ..Answered::default() };
        let asked = |asked: &mut Asked| {
            asked.how = How::Transaction;
            asked.reads = reads;
        };
        self.call(who, region, asked, Some(answered))
    }

    /// A read that tells no token.
    pub(crate) fn plain(&mut self, who: &str, region: usize, at: (&str, Type), value: Value) -> &mut Self {
        let answered = Answered { values: vec![value], ..Answered::default() };
        self.call(who, region, |asked| asked.reads = vec![Read::new(at.0, at.1)], Some(answered))
    }

    /// Changes the last call.
    pub(crate) fn but(&mut self, change: impl FnOnce(&mut Call)) -> &mut Self {
        change(self.history.calls.last_mut().unwrap());
        self
    }

    /// The last call is of a session.
    pub(crate) fn session(&mut self, seen: &str) -> &mut Self {
        self.but(|call| call.asked.session = Some(vector(seen)))
    }

    /// The last call is a copy of this request.
    pub(crate) fn request(&mut self, request: &str) -> &mut Self {
        self.but(|call| call.asked.request = Some(request.to_owned()))
    }

    pub(crate) fn fault(&mut self, kind: &str, region: Option<usize>, begins: bool) -> &mut Self {
        let (ms, nth) = (self.n * 1_000, self.history.faults.len() as u64 / 2);
        let (kind, detail) = (kind.to_owned(), String::new());
        let off_ms = (kind == "clock").then_some(600_000);
        self.history.faults.push(Fault { n: self.n, ms, nth, kind, region, begins, off_ms, detail });
        self.n += 1;
        self
    }

    pub(crate) fn converged(&mut self, took_ms: Option<u64>, regions: &[(&str, &str)]) -> &mut Self {
        let regions = regions.iter().map(|(token, digest)| (vector(token), (*digest).to_owned())).collect();
        self.history.converged = Some(Converged { n: self.n, ms: self.n * 1_000, took_ms, regions });
        self.n += 1;
        self
    }
}

pub(crate) type Judge = fn(&Facts<'_>, &Cells) -> Judged;

fn judged(judge: Judge, history: &History) -> Judged {
    let facts = Facts::of(history);
    judge(&facts, &Cells::of(&facts))
}

/// The checker finds something to judge, and nothing wrong.
pub(crate) fn holds(judge: Judge, history: &History) {
    let judged = judged(judge, history);
    assert!(judged.violations.is_empty(), "{:#?}", judged.violations);
}

/// The checker finds something wrong, and names the calls that show it.
pub(crate) fn violates(judge: Judge, history: &History) {
    assert!(!judged(judge, history).violations.is_empty(), "found nothing wrong with {history:#?}");
}

/// How much there was to judge.
pub(crate) fn how_much(judge: Judge, history: &History) -> u64 {
    judged(judge, history).judged
}
