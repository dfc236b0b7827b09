//! What clients do and are told, in the history's own words, and how that is said to the SDK.

use bytes::Bytes;
use halcyon_client::raw::{self, Answer, End, Op, PageRequest, Place, Query, Side};
use halcyon_client::{Kind, UnknownKeyspace};
use halcyon_types::RegionId;
use serde::{Deserialize, Serialize};

/// One change of one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Update {
    pub(crate) key: String,
    /// Fields of maps, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) path: Vec<String>,
    pub(crate) what: What,
}

/// What is changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Set(String),
    /// A register's value, for so many milliseconds.
    SetFor(String, u64),
    SetMv(String),
    Add(i64),
    Enable,
    Insert(String),
    Remove(String),
    Score(String, i64),
    Incr(String, i64),
    RemoveMember(String),
    PushBack(String),
    PushFront(String),
    /// The second behind the first.
    InsertAfter(String, String),
    /// The first becomes the second.
    Replace(String, String),
    RemoveValue(String),
    MoveToBack(String),
    MoveToFront(String),
    Observe(Vec<String>),
    Raise(u64),
    Spend(u64),
    /// To a region's number.
    Transfer(u16, u64),
    Expire(u64),
    Persist,
    Clear(Type),
    Delete,
}

/// What can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Type {
    Register,
    Mv,
    Counter,
    Flag,
    Set,
    Map,
    Zset,
    List,
    Hll,
    Bounded,
    Deadline,
}

/// One question about one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Read {
    pub(crate) key: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) path: Vec<String>,
    pub(crate) kind: Type,
}

/// What it was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Value {
    /// A register's, a deadline's.
    Text(Option<String>),
    /// Concurrent values, elements, fields.
    Texts(Vec<String>),
    /// A list's, in order.
    Row(Vec<String>),
    Sum(i64),
    Is(bool),
    /// Members with their scores, in order.
    Scores(Vec<(String, i64)>),
    Count(u64),
}

impl Type {
    fn kind(self) -> Kind {
        match self {
            Self::Register => Kind::Register,
            Self::Mv => Kind::MvRegister,
            Self::Counter => Kind::Counter,
            Self::Flag => Kind::Flag,
            Self::Set => Kind::Set,
            Self::Map => Kind::Map,
            Self::Zset => Kind::SortedSet,
            Self::List => Kind::List,
            Self::Hll => Kind::HyperLogLog,
            Self::Bounded => Kind::BoundedCounter,
            Self::Deadline => Kind::Deadline,
        }
    }

    /// What is read where nothing is.
    pub(crate) fn nothing(self) -> Value {
        match self {
            Self::Register | Self::Deadline => Value::Text(None),
            Self::Mv | Self::Set | Self::Map => Value::Texts(Vec::new()),
            Self::Counter | Self::Bounded => Value::Sum(0),
            Self::Flag => Value::Is(false),
            Self::Zset => Value::Scores(Vec::new()),
            Self::List => Value::Row(Vec::new()),
            Self::Hll => Value::Count(0),
        }
    }
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Where, as the SDK has it.
type Objects<'a> = &'a dyn Fn(&str) -> Result<raw::Object, UnknownKeyspace>;

fn object(objects: Objects<'_>, key: &str, path: &[String]) -> raw::Object {
    let root = objects(key).expect("the cluster has this keyspace");
    path.iter().fold(root, |object, field| object.field(field.clone()))
}

impl Update {
    /// As the SDK has it.
    pub(crate) fn raw(&self, objects: Objects<'_>) -> raw::Update {
        let element = bytes;
        let place = |value: &str| Place::Value(bytes(value));
        let op = match &self.what {
            What::Set(value) => Op::Set { value: bytes(value), ttl_ms: None },
            What::SetFor(value, ms) => Op::Set { value: bytes(value), ttl_ms: Some(*ms) },
            What::SetMv(value) => Op::SetMv { value: bytes(value) },
            What::Add(amount) => Op::Add { amount: *amount },
            What::Enable => Op::Enable,
            What::Insert(name) => Op::Insert { element: element(name) },
            What::Remove(name) => Op::Remove { element: element(name) },
            What::Score(member, score) => Op::Score { member: bytes(member), score: float(*score) },
            What::Incr(member, amount) => Op::AddScore { member: bytes(member), amount: float(*amount) },
            What::RemoveMember(member) => Op::RemoveMember { member: bytes(member) },
            What::PushBack(value) => Op::Push { end: End::Back, values: vec![bytes(value)] },
            What::PushFront(value) => Op::Push { end: End::Front, values: vec![bytes(value)] },
            What::InsertAfter(target, value) => {
                Op::InsertAt { place: place(target), side: Side::After, values: vec![bytes(value)] }
            }
            What::Replace(old, new) => Op::SetAt { place: place(old), value: bytes(new) },
            What::RemoveValue(value) => Op::RemoveAt { place: place(value) },
            What::MoveToBack(value) => Op::MoveTo { place: place(value), end: End::Back },
            What::MoveToFront(value) => Op::MoveTo { place: place(value), end: End::Front },
            What::Observe(elements) => Op::Observe { elements: elements.iter().map(|one| bytes(one)).collect() },
            What::Raise(amount) => Op::Raise { amount: *amount },
            What::Spend(amount) => Op::Spend { amount: *amount },
            What::Transfer(to, amount) => {
                Op::Transfer { to: RegionId::try_from(u64::from(*to)).expect("a region"), amount: *amount }
            }
            What::Expire(ms) => Op::Expire { ttl_ms: *ms },
            What::Persist => Op::Persist,
            What::Clear(kind) => Op::Clear { kind: kind.kind() },
            What::Delete => Op::Delete,
        };
        raw::Update { object: object(objects, &self.key, &self.path), op }
    }
}

#[expect(clippy::cast_precision_loss, reason = "scores are small whole numbers")]
fn float(score: i64) -> f64 {
    score as f64
}

#[expect(clippy::cast_possible_truncation, reason = "so are their sums")]
fn whole(score: f64) -> i64 {
    score as i64
}

impl Read {
    pub(crate) fn new(key: &str, kind: Type) -> Self {
        Self { key: key.to_owned(), path: Vec::new(), kind }
    }

    /// Where, as the SDK has it.
    pub(crate) fn object(&self, objects: Objects<'_>) -> raw::Object {
        object(objects, &self.key, &self.path)
    }

    /// What, as the SDK has it; the page behind `after`.
    pub(crate) fn query(&self, after: Option<Bytes>) -> Query {
        let page = PageRequest { after, items_max: 1024 };
        match self.kind {
            Type::Register => Query::Get,
            Type::Mv => Query::Values,
            Type::Counter => Query::Sum,
            Type::Flag => Query::IsEnabled,
            Type::Set => Query::Elements(page),
            Type::Map => Query::Fields(page),
            Type::Zset => Query::ByRank { first: 0, last: -1, reverse: false, page },
            Type::List => Query::Range { first: 0, last: -1, page },
            Type::Hll => Query::Estimate,
            Type::Bounded => Query::Value,
            Type::Deadline => Query::Deadline,
        }
    }
}

impl Value {
    /// What the SDK has answered, and where the next page begins.
    pub(crate) fn of(kind: Type, answer: Answer) -> (Self, Option<Bytes>) {
        match answer {
            Answer::Value(value) => (Self::Text(value.as_ref().map(text)), None),
            Answer::Values(values) => (Self::Texts(values.iter().map(text).collect()), None),
            Answer::Sum(sum) => (Self::Sum(sum.map_or(0, |sum| i64::try_from(sum).expect("small sums"))), None),
            Answer::Is(is) => (Self::Is(is), None),
            Answer::Page(page) => (Self::Texts(page.items.iter().map(text).collect()), page.next),
            Answer::Scored(page) => {
                let scores = page.items.iter().map(|item| (text(&item.member), whole(item.score)));
                (Self::Scores(scores.collect()), page.next)
            }
            Answer::Items(page) => (Self::Row(page.items.iter().map(|item| text(&item.value)).collect()), page.next),
            Answer::Count(count) => (Self::Count(count), None),
            Answer::Deadline(at) => (Self::Text(at.map(|at| at.0.to_string())), None),
            Answer::Score(_) | Answer::Rank(_) | Answer::Rights(_) | Answer::Kinds(_) => (kind.nothing(), None),
        }
    }

    /// Adds another page.
    pub(crate) fn extend(&mut self, more: Self) {
        match (self, more) {
            (Self::Texts(all), Self::Texts(more)) | (Self::Row(all), Self::Row(more)) => all.extend(more),
            (Self::Scores(all), Self::Scores(more)) => all.extend(more),
            (all, more) => *all = more,
        }
    }
}
