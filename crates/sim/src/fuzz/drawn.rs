//! Updates, objects and questions that are valid by their making, drawn from bytes.

use bytes::Bytes;
use halcyon_crdt::{End, Kind, Object, Op, PageRequest, Place, Query, Side, Update};
use halcyon_types::{KeyspaceId, RegionId, UnixMs};

use super::Source;

/// When everything happens.
pub const T: UnixMs = UnixMs(1_800_000_000_000);

const WORDS: [&[u8]; 6] = [b"x", b"y", b"a\0b", b"\xff\xff", b"long-enough-to-be-no-small-string-at-all", b"z"];

/// A region, 1 to 64.
///
/// # Panics
/// There is no such region.
pub fn region(number: u8) -> RegionId {
    RegionId::try_from(u64::from(number)).unwrap_or_else(|error| panic!("{error}"))
}

/// The keyspace of everything: the one of the golden fixtures.
///
/// # Panics
/// Never: there is such a keyspace.
pub fn keyspace() -> KeyspaceId {
    KeyspaceId::try_from(10).unwrap_or_else(|error| panic!("{error}"))
}

/// Every object that [`update`] touches.
pub fn objects() -> [Object; 4] {
    let key = |key: &'static str| Object::new(keyspace(), key);
    [key("cart:1"), key("cart:1").field("a\0b"), key("cart:1").field("a\0b").field("b"), key("k\0")]
}

fn word(source: &mut Source<'_>) -> Bytes {
    source.pick(&WORDS).map(|word| Bytes::from_static(word)).unwrap_or_default()
}

fn words(source: &mut Source<'_>) -> Vec<Bytes> {
    (0..=source.below(3)).map(|_| word(source)).collect()
}

fn end(source: &mut Source<'_>) -> End {
    if source.below(2) == 0 { End::Back } else { End::Front }
}

fn place(source: &mut Source<'_>) -> Place {
    match source.below(8) {
        0..=5 => Place::Index(i64::from(source.below(7)) - 3),
        6 => Place::Index(source.number().cast_signed()),
        _ => Place::Value(word(source)),
    }
}

fn score(source: &mut Source<'_>) -> f64 {
    match source.byte() {
        0 => -0.0,
        1 => f64::MAX,
        2 => f64::MIN_POSITIVE,
        byte => f64::from(byte) / 8.0 - 16.0,
    }
}

fn ttl(source: &mut Source<'_>) -> u64 {
    u64::from(source.pair() % 4000)
}

/// An operation; some of them are refused.
pub fn op(source: &mut Source<'_>) -> Op {
    match source.below(24) {
        0 => Op::Set { value: word(source), ttl_ms: None },
        1 => Op::Set { value: word(source), ttl_ms: Some(ttl(source)) },
        2 => Op::SetMv { value: word(source) },
        3 => Op::Add { amount: i64::from(source.byte()) - 100 },
        4 => Op::Add { amount: source.number().cast_signed() },
        5 => Op::Enable,
        6 => Op::Insert { element: word(source) },
        7 => Op::Remove { element: word(source) },
        8 => Op::Score { member: word(source), score: score(source) },
        9 => Op::AddScore { member: word(source), amount: score(source) },
        10 => Op::RemoveMember { member: word(source) },
        11 | 12 => Op::Push { end: end(source), values: words(source) },
        13 => {
            let side = if source.below(2) == 0 { Side::After } else { Side::Before };
            Op::InsertAt { place: place(source), side, values: words(source) }
        }
        14 => Op::SetAt { place: place(source), value: word(source) },
        15 => Op::RemoveAt { place: place(source) },
        16 => Op::MoveTo { place: place(source), end: end(source) },
        17 => Op::Observe { elements: words(source) },
        18 => Op::Raise { amount: source.number() },
        19 => Op::Spend { amount: u64::from(source.below(4)) },
        20 => Op::Transfer { to: region(1 + source.below(3)), amount: u64::from(source.below(9)) },
        21 => Op::Expire { ttl_ms: ttl(source) },
        22 => Op::Clear { kind: source.pick(&Kind::ALL).copied().unwrap_or(Kind::Set) },
        _ if source.below(4) == 0 => Op::Persist,
        _ => Op::Delete,
    }
}

/// One change of one of the [`objects`].
pub fn update(source: &mut Source<'_>) -> Update {
    let object = source.pick(&objects()).cloned().unwrap_or_else(|| Object::new(keyspace(), "k"));
    Update { object, op: op(source) }
}

/// One to four of them.
pub fn updates(source: &mut Source<'_>) -> Vec<Update> {
    (0..=source.below(4)).map(|_| update(source)).collect()
}

/// Every question there is, of everything that [`update`] may have left.
pub fn questions() -> Vec<Query> {
    let page = || PageRequest { after: None, items_max: 100 };
    let x = || Bytes::from_static(b"x");
    vec![
        Query::Get,
        Query::Values,
        Query::Sum,
        Query::IsEnabled,
        Query::Contains { element: x() },
        Query::Elements(page()),
        Query::Fields(page()),
        Query::Score { member: x() },
        Query::Rank { member: x(), reverse: false },
        Query::Rank { member: x(), reverse: true },
        Query::ByRank { first: 0, last: -1, reverse: false, page: page() },
        Query::ByRank { first: -3, last: i64::MAX, reverse: true, page: page() },
        Query::ByScore { min: f64::NEG_INFINITY, max: f64::INFINITY, reverse: true, page: page() },
        Query::ByScore { min: -1.0, max: 5.0, reverse: false, page: page() },
        Query::Range { first: 0, last: -1, page: page() },
        Query::Range { first: -2, last: i64::MAX, page: page() },
        Query::Estimate,
        Query::Value,
        Query::Rights,
        Query::Deadline,
        Query::Kinds,
    ]
}
