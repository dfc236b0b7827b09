//! What the language's words mean to the store: commands as updates, queries as questions, answers as printed values.

use bytes::Bytes;
use halcyon_crdt::{Answer, End, Item, Kind, Object, Op, PageRequest, Place, Scored, Side, Update};
use halcyon_types::limits::PAGE_ITEMS_MAX;
use halcyon_types::{ActorId, KeyspaceId, RegionId, UnixMs};

use super::command::Command;
use super::object::ObjectRef;
use super::op::{CommandOp, ListEnd, ListSide};
use super::query::{Query, QueryKind};
use super::text::Value;
use super::vocabulary;

/// How a front end reads the words that the language leaves open.
#[derive(Clone, Copy)]
pub struct Dialect<'a> {
    /// Where keys are.
    pub keyspace: KeyspaceId,
    /// Put before every key.
    pub prefix: &'a str,
    /// Which region a name or letter means.
    pub region: &'a dyn Fn(&str) -> Option<RegionId>,
    /// The bytes of a value.
    pub encode: &'a dyn Fn(&str) -> Bytes,
}

/// Words that are the language, but nothing that the store takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeaningError {
    /// No such region.
    #[error("there is no region `{0}` in this cluster")]
    Region(String),
    /// An amount that a bounded counter cannot have.
    #[error("an amount of {0}: bounded counters go up and down by 1 or more; use binc or bdec")]
    Amount(i64),
}

impl Dialect<'_> {
    /// The object that the words mean.
    pub fn object(&self, at: &ObjectRef) -> Object {
        let key = format!("{}{}", self.prefix, at.key);
        at.path.iter().fold(Object::new(self.keyspace, key), |object, field| object.field(field.clone()))
    }

    /// The updates that a command means: one, or one per element.
    ///
    /// # Errors
    /// [`MeaningError`]: nothing was sent.
    pub fn updates(&self, command: &Command) -> Result<Vec<Update>, MeaningError> {
        let object = self.object(&command.object);
        let ops = self.ops(&command.op)?;
        Ok(ops.into_iter().map(|op| Update { object: object.clone(), op }).collect())
    }

    fn ops(&self, op: &CommandOp) -> Result<Vec<Op>, MeaningError> {
        let raw = |word: &String| Bytes::copy_from_slice(word.as_bytes());
        let value = |word: &String| (self.encode)(word);
        let values = |words: &[String]| words.iter().map(value).collect();
        let amount = |n: i64| u64::try_from(n).map_err(|_| MeaningError::Amount(n));
        // A time that has passed already is as good as one that passes now.
        let ms = |n: i64| u64::try_from(n).unwrap_or(0);
        Ok(vec![match op {
            CommandOp::Set { value: text, ttl_ms } => Op::Set { value: value(text), ttl_ms: ttl_ms.map(ms) },
            CommandOp::Unset => Op::Clear { kind: Kind::Register },
            CommandOp::MvSet(text) => Op::SetMv { value: value(text) },
            CommandOp::Incr(amount) => Op::Add { amount: *amount },
            CommandOp::Reset => Op::Clear { kind: Kind::Counter },
            CommandOp::Enable => Op::Enable,
            CommandOp::Disable => Op::Clear { kind: Kind::Flag },
            CommandOp::SetAdd(words) => {
                return Ok(words.iter().map(|word| Op::Insert { element: raw(word) }).collect());
            }
            CommandOp::SetRemove(words) => {
                return Ok(words.iter().map(|word| Op::Remove { element: raw(word) }).collect());
            }
            CommandOp::SortedAdd { member, score } => Op::Score { member: raw(member), score: *score },
            CommandOp::SortedIncr { member, delta } => Op::AddScore { member: raw(member), amount: *delta },
            CommandOp::SortedRemove(member) => Op::RemoveMember { member: raw(member) },
            CommandOp::ListPush { end, values: words } => Op::Push { end: end_of(*end), values: values(words) },
            CommandOp::ListInsert { side, target, values: words } => {
                let side = if *side == ListSide::Before { Side::Before } else { Side::After };
                Op::InsertAt { place: Place::Value(value(target)), side, values: values(words) }
            }
            CommandOp::ListInsertAt { index, values: words } => {
                Op::InsertAt { place: Place::Index(*index), side: Side::Before, values: values(words) }
            }
            CommandOp::ListSet { old, new } => Op::SetAt { place: Place::Value(value(old)), value: value(new) },
            CommandOp::ListSetAt { index, value: new } => Op::SetAt { place: Place::Index(*index), value: value(new) },
            CommandOp::ListRemove(text) => Op::RemoveAt { place: Place::Value(value(text)) },
            CommandOp::ListRemoveAt(index) => Op::RemoveAt { place: Place::Index(*index) },
            CommandOp::ListMove { value: text, end } => {
                Op::MoveTo { place: Place::Value(value(text)), end: end_of(*end) }
            }
            CommandOp::ListMoveAt { index, end } => Op::MoveTo { place: Place::Index(*index), end: end_of(*end) },
            CommandOp::Clear(name) => {
                // Every name is of a type; nothing else was parsed.
                let kinds = vocabulary::TYPES.iter().filter(|(known, _)| known == name);
                return Ok(kinds.map(|(_, kind)| Op::Clear { kind: *kind }).collect());
            }
            CommandOp::HllAdd(words) => Op::Observe { elements: words.iter().map(raw).collect() },
            CommandOp::BoundedIncr(n) => Op::Raise { amount: amount(*n)? },
            CommandOp::BoundedDecr(n) => Op::Spend { amount: amount(*n)? },
            CommandOp::BoundedGive { to, amount: n } => {
                let region = (self.region)(to).ok_or_else(|| MeaningError::Region(to.clone()))?;
                Op::Transfer { to: region, amount: amount(*n)? }
            }
            CommandOp::Expire(n) => Op::Expire { ttl_ms: ms(*n) },
            CommandOp::Persist => Op::Persist,
            CommandOp::Delete => Op::Delete,
        }])
    }

    /// The question that a query means: of several pages, the first.
    pub fn question(&self, query: &Query) -> (Object, halcyon_crdt::Query) {
        use halcyon_crdt::Query as Q;
        let raw = |word: &String| Bytes::copy_from_slice(word.as_bytes());
        let page = PageRequest { after: None, items_max: u32::try_from(PAGE_ITEMS_MAX).unwrap_or(u32::MAX) };
        let question = match &query.kind {
            QueryKind::Get => Q::Get,
            QueryKind::MvGet => Q::Values,
            QueryKind::Counter => Q::Sum,
            QueryKind::Flag => Q::IsEnabled,
            QueryKind::Members => Q::Elements(page),
            QueryKind::Contains(word) => Q::Contains { element: raw(word) },
            QueryKind::Fields => Q::Fields(page),
            QueryKind::Score(member) => Q::Score { member: raw(member) },
            QueryKind::Rank { member, reverse } => Q::Rank { member: raw(member), reverse: *reverse },
            QueryKind::RankRange { start, stop, reverse } => {
                Q::ByRank { first: *start, last: *stop, reverse: *reverse, page }
            }
            QueryKind::ScoreRange { min, max, reverse } => Q::ByScore { min: *min, max: *max, reverse: *reverse, page },
            QueryKind::ListRange { start, stop } => Q::Range { first: *start, last: *stop, page },
            QueryKind::ListIndex(index) => Q::Range { first: *index, last: *index, page },
            QueryKind::HllCount => Q::Estimate,
            QueryKind::BoundedValue => Q::Value,
            QueryKind::BoundedRights => Q::Rights,
            QueryKind::Ttl => Q::Deadline,
            QueryKind::Kinds => Q::Kinds,
        };
        (self.object(&query.object), question)
    }
}

fn end_of(end: ListEnd) -> End {
    match end {
        ListEnd::Front => End::Front,
        ListEnd::Back => End::Back,
    }
}

/// Who looks at an answer, and when.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// The actor of the region that was asked.
    pub actor: ActorId,
    /// Its time.
    pub now: UnixMs,
    /// The text of a value's bytes.
    pub decode: &'a dyn Fn(&[u8]) -> String,
}

/// What an answer (all its pages in one) prints.
pub fn print(query: &Query, answer: Answer, reader: Reader<'_>) -> Value {
    let raw = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let value = |bytes: &Bytes| (reader.decode)(bytes);
    match answer {
        Answer::Value(Some(bytes)) => Value::Text(value(&bytes)),
        Answer::Values(values) => Value::Set(values.iter().map(value).collect()),
        Answer::Sum(Some(sum)) if query.kind == QueryKind::BoundedValue => Value::Integer(sum),
        Answer::Sum(Some(sum)) => Value::counter(sum),
        Answer::Is(is) => Value::Truth(is),
        Answer::Page(page) => Value::Set(page.items.iter().map(raw).collect()),
        Answer::Score(Some(score)) => Value::Number(score),
        Answer::Rank(Some(rank)) => Value::Integer(rank.into()),
        Answer::Scored(page) => Value::List(page.items.iter().map(|Scored { member, .. }| raw(member)).collect()),
        Answer::Items(page) if matches!(query.kind, QueryKind::ListIndex(_)) => {
            page.items.first().map_or(Value::Nil, |item| Value::Text(value(&item.value)))
        }
        Answer::Items(page) => Value::List(page.items.iter().map(|Item { value: bytes, .. }| value(bytes)).collect()),
        Answer::Count(count) => Value::Integer(count.into()),
        Answer::Rights(rights) => {
            let own = rights.iter().find(|(actor, _)| *actor == reader.actor);
            Value::Integer(own.map_or(0, |(_, amount)| *amount))
        }
        Answer::Deadline(Some(at)) => Value::Integer(i128::from(at.0) - i128::from(reader.now.0)),
        Answer::Kinds(kinds) => Value::Set(kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect()),
        Answer::Value(None) | Answer::Sum(None) | Answer::Score(None) | Answer::Rank(None) | Answer::Deadline(None) => {
            Value::absent(query)
        }
    }
}

/// Asks for every page of a question, and puts the answers together.
///
/// # Errors
/// The first of `ask`.
pub fn every_page<E>(
    mut question: halcyon_crdt::Query,
    mut ask: impl FnMut(&halcyon_crdt::Query) -> Result<Answer, E>,
) -> Result<Answer, E> {
    let mut all = ask(&question)?;
    loop {
        let next = match &mut all {
            Answer::Page(page) => page.next.take(),
            Answer::Scored(page) => page.next.take(),
            Answer::Items(page) => page.next.take(),
            _ => None,
        };
        let (Some(after), Some(page)) = (next, question.page_mut()) else { return Ok(all) };
        page.after = Some(after);
        match (&mut all, ask(&question)?) {
            (Answer::Page(all), Answer::Page(more)) => extend(all, more),
            (Answer::Scored(all), Answer::Scored(more)) => extend(all, more),
            (Answer::Items(all), Answer::Items(more)) => extend(all, more),
            _ => return Ok(all),
        }
    }
}

fn extend<T>(all: &mut halcyon_crdt::Page<T>, more: halcyon_crdt::Page<T>) {
    all.items.extend(more.items);
    all.next = more.next;
}
