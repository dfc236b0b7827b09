//! The bytes of every format, checked in: what was written yesterday is read today, and what is written today is the same.
//!
//! A test that fails here means a new version byte, not a new fixture.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use bytes::Bytes;
use halcyon_crdt::query::Query;
use halcyon_crdt::{Effect, Entry, Interval, Kind, Object, Op, Row, Update};
use halcyon_types::{ActorId, BootId, Dot, Hlc, KeyspaceId, RegionId, RequestId, Seq, UnixMs, VersionVector};
use halcyon_wire::{
    Body, ChainHash, Echo, Heartbeat, Hello, Outcome, PeerMessage, Pull, Range, Receipt, Record, Refusal, Request,
    Response, Write, codec,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

const T: UnixMs = UnixMs(1_800_000_000_000);

fn actor(region: u64) -> ActorId {
    ActorId::mint(RegionId::try_from(region).unwrap(), T)
}

fn dot(region: u64, seq: u64) -> Dot {
    Dot { actor: actor(region), seq: Seq(seq) }
}

fn vv() -> VersionVector {
    [(actor(1), Seq(4)), (actor(2), Seq(9))].into_iter().collect()
}

fn object() -> Object {
    Object::new(KeyspaceId::try_from(10).unwrap(), "cart:1").field("a\0b")
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(name: &str, value: &T, fixture: &str) {
    let mut written = Vec::new();
    codec::encode(&mut written, value);
    assert_eq!(hex(&written), fixture, "{name}: written otherwise");
    assert_eq!(codec::decode::<T>(&bytes(fixture)).as_ref(), Ok(value), "{name}: read otherwise");
}

fn fixture(name: &str) -> &'static str {
    let all = include_str!("format.txt");
    let line = all.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
    line.unwrap_or_default()
}

#[test]
fn messages_have_the_bytes_they_always_had() {
    let hlc = Hlc::from_parts(T, 3).unwrap();
    let hello = Hello {
        agreement: [7; 32],
        region: RegionId::try_from(2).unwrap(),
        actor: actor(2),
        boot: BootId(uuid::Uuid::from_u128(5)),
        vv: vv(),
    };
    check("hello", &PeerMessage::Hello(hello), fixture("hello"));
    let heartbeat = Heartbeat {
        seq: Seq(9),
        head: ChainHash::genesis(actor(2)),
        vv: vv(),
        hlc,
        wall: T,
        ping_us: 77,
        echo: Some(Echo { ping_us: 66, held_us: 5 }),
    };
    check("heartbeat", &PeerMessage::Heartbeat(heartbeat), fixture("heartbeat"));
    let pull = Pull { actor: actor(1), after: Seq(4), upto: Seq(900) };
    check("pull", &PeerMessage::Pull(pull), fixture("pull"));
    let range = Range { actor: actor(1), first: Seq(5), records: vec![Bytes::from_static(b"abc")] };
    check("range", &PeerMessage::Range(range), fixture("range"));
    let request = RequestId::mint(T, &[9; 10]);
    let update = |op| Update { object: object(), op };
    let element = Bytes::from_static(b"x");
    let updates = vec![
        update(Op::Set { value: Bytes::from_static(b"v") }),
        update(Op::Unset),
        update(Op::Add { amount: -3 }),
        update(Op::Reset),
        update(Op::Insert { element: element.clone() }),
        update(Op::Remove { element }),
        update(Op::Delete),
    ];
    check("write", &Request { id: 1, body: Body::Write(Write { request, updates }) }, fixture("write"));
    let read = Body::Read { session: Some(vv()), wait_ms: 500, object: object(), query: Query::Sum };
    check("read", &Request { id: 2, body: read }, fixture("read"));
    let written = Outcome::Written(Receipt { dot: dot(1, 5), token: vv() });
    check("written", &Response { id: 1, result: Ok(written) }, fixture("written"));
    check("refused", &Response { id: 2, result: Err(Refusal::Stopping) }, fixture("refused"));
}

#[test]
fn records_and_rows_have_the_bytes_they_always_had() {
    let object = object();
    let record = Record {
        dot: dot(1, 5),
        hlc: Hlc::from_parts(T, 3).unwrap(),
        deps: vv(),
        ctx: Some([(actor(1), Seq(4))].into_iter().collect()),
        request: Some(RequestId::mint(T, &[9; 10])),
        effects: vec![
            Effect::Clear { prefix: object.below(), intervals: vec![] },
            Effect::Assign { row: object.element(b"x"), expiry: None, payload: Bytes::new() },
            Effect::Inc { counter: object.counter(), prev_seq: Seq(4), before: -1, after: 7 },
        ],
    };
    let previous = [(actor(1), Seq(3))].into_iter().collect();
    let stored = record.encode(&previous);
    assert_eq!(hex(&stored.bytes), fixture("record"));
    assert_eq!(Record::decode(&bytes(fixture("record")), actor(1), &previous), Ok(record));

    let entry = Entry { dot: dot(1, 5), hlc: Hlc::from_u64(7), expiry: Some(T), payload: Bytes::from_static(b"v") };
    let interval = Interval { lo_seq: Seq(1), lo: -2, hi_seq: Seq(9), hi: 40 };
    let rows =
        [("entries", Kind::Register, Row::Entries(vec![entry])), ("interval", Kind::Counter, Row::Interval(interval))];
    for (name, kind, row) in rows {
        let mut written = Vec::new();
        row.encode(&mut written);
        assert_eq!(hex(&written), fixture(name), "{name}");
        assert_eq!(Row::decode(kind, &bytes(fixture(name))), Ok(row), "{name}");
    }
}
