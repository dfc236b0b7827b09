//! What clients are told is what the set of records at the answer's vector says (P3, P4, P5, P6), reads within transactions
//! and behind their buffers included; and so is everything that can be asked, at the end.

use halcyon_crdt::{Answer, KeyInfo, Kind, Object, Page, Query as Question, Update, read};
use halcyon_store::Snapshot;
use halcyon_store::memory::MemorySnapshot;
use halcyon_types::{ActorId, Dot, Hlc, RegionId, Seq, UnixMs, VersionVector};
use halcyon_wire::{Body, Outcome, PeerMessage, Refusal, Response};

use super::Invariant;
use super::exchange::Exchange;
use super::meaning::depends_on_rows;
use super::told::{Shared, Told};
use crate::oracle::{Request, Ruling, Truth};
use crate::scenario::{Query, QueryKind, Reader, Value, every_page, print};
use crate::workload::questions::about_all;
use crate::workload::words::{command_of, dialect, letter_of, query_of, text};
use crate::world::{Node, Observation, World};

/// See above.
#[derive(Debug)]
pub(super) struct Answers {
    told: Shared,
    exchange: Exchange,
    /// The latest time that anybody has told: nobody has dropped what ends behind it.
    latest: UnixMs,
    judged: u64,
}

/// Who answers, when, and having seen what.
struct At<'a> {
    region: RegionId,
    actor: ActorId,
    now: UnixMs,
    seen: &'a VersionVector,
}

impl Answers {
    pub(super) const fn new(told: Shared) -> Self {
        Self { told, exchange: Exchange::new(), latest: UnixMs(0), judged: 0 }
    }

    fn answered(&mut self, asked: &Body, response: &Response, at: &At<'_>) -> Result<(), String> {
        match (asked, &response.result) {
            (Body::Read { within, object, query, .. }, result) => {
                let updates = within.as_ref().map_or(&[][..], |within| &within.updates);
                self.read(object, query, updates, result, at)
            }
            (Body::Scan { beginning, page, .. }, Ok(Outcome::Keys(keys))) if page.after.is_none() => {
                self.scanned(beginning, keys, at)
            }
            _ => Ok(()),
        }
    }

    fn read(
        &mut self,
        object: &Object,
        question: &Question,
        updates: &[Update],
        result: &Result<Outcome, Refusal>,
        at: &At<'_>,
    ) -> Result<(), String> {
        let Some(query) = query_of(object, question) else { return Ok(()) };
        let found = match result {
            Ok(Outcome::Answer(answer)) if is_whole(answer) => Ok(printed(&query, answer.clone(), at)),
            // Nothing of the kind, and whatever else is there.
            Err(Refusal::WrongType { .. }) => Ok(Value::absent(&query)),
            Err(refusal) if !updates.is_empty() && depends_on_rows(refusal) => Err(refusal),
            _ => return Ok(()),
        };
        self.judged += 1;
        let told = self.told.borrow();
        let truth = buffered(&told, &query, updates, at);
        let (truth, found) = match (truth, found) {
            (Ok(truth), Ok(found)) => (truth, found),
            (Err(reasons), Err(refusal)) if reasons.contains(refusal.name()) => return Ok(()),
            (truth, found) => {
                let reasons = truth.err();
                return Err(format!("`{query}` behind {updates:?} is {found:?}; reasons to refuse it: {reasons:?}"));
            }
        };
        if let Err(Refusal::WrongType { present, .. }) = result {
            let kinds = Query { object: query.object.clone(), kind: QueryKind::Kinds };
            let (found, expected) = (kinds_of(present), expected(&truth, &kinds, at));
            if !same(&found, &expected) {
                return Err(format!("`{query}` is refused, for there is {found}; there is {expected}"));
            }
        }
        let expected = expected(&truth, &query, at);
        if same(&found, &expected) {
            return Ok(());
        }
        let At { region, seen, now, .. } = at;
        Err(format!("`{query}` is {found} at region {region}, time {}, at {seen:?}; it must be {expected}", now.0))
    }

    fn scanned(&mut self, beginning: &[u8], keys: &Page<KeyInfo>, at: &At<'_>) -> Result<(), String> {
        if keys.next.is_some() {
            return Ok(());
        }
        self.judged += 1;
        let told = self.told.borrow();
        let beginning = text(beginning);
        let mut expected = Vec::new();
        for key in told.oracle.keys().filter(|key| key.starts_with(&beginning)) {
            let query = Query { object: crate::scenario::ObjectRef::key(key), kind: QueryKind::Kinds };
            let kinds = self::expected(&told.oracle.truth_of(at.seen, key), &query, at);
            if !same(&kinds, &Value::absent(&query)) {
                expected.push((key.to_owned(), kinds.to_string()));
            }
        }
        let found = keys.items.iter().map(|info| (text(&info.key), kinds_of(&info.kinds).to_string()));
        let found: Vec<_> = found.collect();
        if found == expected {
            return Ok(());
        }
        Err(format!("keys from {beginning:?} on at region {} are {found:?}; they must be {expected:?}", at.region))
    }

    /// Asks everything of a node.
    fn everything(&mut self, node: &Node, now: UnixMs) -> Result<(), String> {
        let mut snapshot = node.reader().snapshot();
        let seen = snapshot.vv().map_err(|error| error.to_string())?;
        let at = At { region: node.region(), actor: node.actor(), now, seen: &seen };
        let told = self.told.borrow();
        for query in about_all(&told.commands) {
            self.judged += 1;
            let found = ask(&mut snapshot, &query, &at)?;
            let expected = expected(&told.oracle.truth_of(&seen, &query.object.key), &query, &at);
            if !same(&found, &expected) {
                let region = node.region();
                return Err(format!("at the end `{query}` is {found} at region {region}; it must be {expected}"));
            }
        }
        Ok(())
    }
}

/// Asks one thing of a snapshot.
fn ask(snapshot: &mut Snapshot<MemorySnapshot>, query: &Query, at: &At<'_>) -> Result<Value, String> {
    let (object, question) = dialect().question(query);
    match every_page(question, |question| read(snapshot, &object, question, at.now)) {
        Ok(answer) => Ok(printed(query, answer, at)),
        Err(halcyon_crdt::ReadError::WrongType { .. }) => Ok(Value::absent(query)),
        Err(error) => Err(error.to_string()),
    }
}

fn is_whole(answer: &Answer) -> bool {
    match answer {
        Answer::Page(page) => page.next.is_none(),
        Answer::Scored(page) => page.next.is_none(),
        Answer::Items(page) => page.next.is_none(),
        _ => true,
    }
}

fn printed(query: &Query, answer: Answer, at: &At<'_>) -> Value {
    print(query, answer, Reader { actor: at.actor, now: at.now, decode: &text })
}

fn kinds_of(kinds: &[Kind]) -> Value {
    Value::Set(kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect())
}

/// What holds at a snapshot behind a transaction's buffer, as if that were committed alone; or why it cannot be.
fn buffered(
    told: &Told,
    query: &Query,
    updates: &[Update],
    at: &At<'_>,
) -> Result<std::sync::Arc<Truth>, std::collections::BTreeSet<&'static str>> {
    let truth = told.oracle.truth_of(at.seen, &query.object.key);
    let commands: Option<Vec<_>> = updates.iter().map(command_of).collect();
    let Some(commands) = commands.filter(|commands| !commands.is_empty()) else { return Ok(truth) };
    let dot = Dot { actor: at.actor, seq: at.seen.get(at.actor).next().unwrap_or(Seq(u64::MAX)) };
    let hlc = Hlc::from_parts(at.now, Hlc::COUNT_MAX).unwrap_or_default();
    let Told { actors, oracle, .. } = told;
    let (seen, now) = (at.seen, at.now);
    let request = Request { dot, hlc, now, ctx: seen, seen, live: seen, actors, commands: &commands };
    match oracle.judge(request) {
        Ruling::Accepted(record) => {
            Ok(std::sync::Arc::new(truth.followed_by(&record, |place| place.object.key == query.object.key)))
        }
        Ruling::Refused(reasons) => Err(reasons),
    }
}

/// What a read must print: as the language says it, but for a key that has ended, which nodes tell as one that is not there,
/// and when it ended, as long as that stands.
fn expected(truth: &Truth, query: &Query, at: &At<'_>) -> Value {
    if !truth.has_ended(&query.object.key, at.now) {
        return truth.answer(query, at.actor, at.now);
    }
    match (&query.kind, truth.deadline(&query.object.key)) {
        (QueryKind::Ttl, Some(ended)) => Value::Integer(i128::from(ended.0) - i128::from(at.now.0)),
        _ => Value::absent(query),
    }
}

/// Sums are compared in full, not as they are printed.
fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Set(_), Value::Set(_)) => found.to_string() == expected.to_string(),
        _ => found == expected,
    }
}

impl Invariant for Answers {
    fn name(&self) -> &'static str {
        "answers_are_what_the_records_say"
    }

    fn promise(&self) -> &'static str {
        "P6"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        let asked = self.exchange.see(seen);
        if let Observation::Spoke { message: PeerMessage::Heartbeat(beat), .. } = seen {
            self.latest = self.latest.max(beat.hlc.wall());
        }
        let (Some(asked), Observation::Replied { region, response, seen, now, .. }) = (asked, seen) else {
            return Ok(());
        };
        self.latest = self.latest.max(*now);
        let actor = self.told.borrow().actors.get(&letter_of(*region)).copied();
        let Some(actor) = actor else { return Ok(()) };
        self.answered(&asked.body, response, &At { region: *region, actor, now: *now, seen })
    }

    fn end(&mut self, world: &World) -> Result<(), String> {
        // The others hold the same bytes.
        let Some(node) = world.regions().find_map(|region| world.node(region)) else { return Ok(()) };
        self.everything(node, self.latest.max(node.replica().hlc().wall()))
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests;
