//! What peers and clients send.

use bytes::Bytes;
use halcyon_crdt::{Answer, KeyInfo, Kind, Op, Page, Query, Update};
use halcyon_types::topology::Region;
use halcyon_types::{Address, BootId, RegionName, Seq};
use halcyon_wire::{
    AskPage, AskRights, Body, ChainHash, Change, Check, CopyHead, CopyId, CopyPage, Echo, Heartbeat, Hello, Outcome,
    PeerMessage, Pull, Range, Receipt, Seen, Session, StatePage, TransactionId, Within, Write,
};

use super::{T, actor, bytes, cart, dot, hlc, keyspace, page, region, request, vv};

fn name() -> RegionName {
    "us-east".parse().unwrap()
}

/// One of every message between regions.
pub(crate) fn peer_messages() -> Vec<(&'static str, PeerMessage)> {
    let hello = Hello {
        agreement: [7; 32],
        seed: vec![(region(2), name())],
        facts: vec![(region(7), name())],
        region: region(2),
        actor: actor(2),
        boot: BootId(uuid::Uuid::from_u128(5)),
        vv: vv(),
    };
    let heartbeat = |wall| Heartbeat {
        seq: Seq(9),
        head: ChainHash::genesis(actor(2)),
        vv: vv(),
        hlc: hlc(),
        wall,
        ping_us: 77,
        echo: Some(Echo { ping_us: 66, held_us: 5 }),
        joining: true,
    };
    // How this one is packed is the choice of the LZ4 at hand: a newer one may write other bytes, but must read these.
    let alike = ["a", "b", "c"].map(|end| Bytes::from([&[7; 70], end.as_bytes()].concat())).to_vec();
    let messages = vec![
        PeerMessage::Hello(hello),
        PeerMessage::Heartbeat(heartbeat(Some(T))),
        PeerMessage::Heartbeat(heartbeat(None)),
        PeerMessage::Pull(Pull { actor: actor(1), after: Seq(4), upto: Seq(900) }),
        PeerMessage::Range(Range { actor: actor(1), first: Seq(5), records: vec![Bytes::from_static(b"abc")] }),
        PeerMessage::Range(Range { actor: actor(1), first: Seq(5), records: alike }),
        PeerMessage::AskRights(AskRights { counter: cart(), amount: 3 }),
        PeerMessage::Floors([(actor(1), Seq(7))].into_iter().collect()),
        PeerMessage::AskPage(AskPage { copy: CopyId(5), number: 2 }),
        PeerMessage::Page(StatePage { copy: CopyId(5), number: 2, entries: Bytes::from_static(b"abc"), last: true }),
        PeerMessage::NoCopy(CopyId(5)),
    ];
    let name = |message: &PeerMessage| match message {
        PeerMessage::Hello(_) => "peer.hello",
        PeerMessage::Heartbeat(Heartbeat { wall: None, .. }) => "peer.heartbeat-of-a-test-clock",
        PeerMessage::Heartbeat(_) => "peer.heartbeat",
        PeerMessage::Pull(_) => "peer.pull",
        PeerMessage::Range(range) if range.records.len() > 1 => "peer.range-packed",
        PeerMessage::Range(_) => "peer.range",
        PeerMessage::AskRights(_) => "peer.ask-rights",
        PeerMessage::Floors(_) => "peer.floors",
        PeerMessage::AskPage(_) => "peer.ask-page",
        PeerMessage::Page(_) => "peer.page",
        PeerMessage::NoCopy(_) => "peer.no-copy",
    };
    messages.into_iter().map(|message| (name(&message), message)).collect()
}

/// One of every request, and of every way of having seen.
pub(crate) fn bodies() -> Vec<(&'static str, Body)> {
    let session = || Session { token: vv(), wait_ms: 500 };
    let updates = || vec![Update { object: cart(), op: Op::Enable }];
    let write = |seen| Body::Write(Write { request: request(), session: session(), seen, updates: updates() });
    let transaction = TransactionId(3);
    let checks = vec![Check { object: cart(), query: Query::Sum }];
    let read = |within| Body::Read { session: session(), within, object: cart(), query: Query::Sum };
    let name = |body: &Body| match body {
        Body::Write(write) => match write.seen {
            Seen::Present => "body.write",
            Seen::Session => "body.write-session",
            Seen::Transaction { .. } => "body.commit",
        },
        Body::Read { within: None, .. } => "body.read",
        Body::Read { within: Some(_), .. } => "body.read-within",
        Body::Scan { .. } => "body.scan",
        Body::Begin { .. } => "body.begin",
        Body::Abort { .. } => "body.abort",
        Body::Token { .. } => "body.token",
        Body::Digest { .. } => "body.digest",
        Body::Copy { .. } => "body.copy",
        Body::Members { change: Change::Add(_), .. } => "body.members-add",
        Body::Members { change: Change::Retire { .. }, .. } => "body.members-retire",
        Body::Members { change: Change::Replace { .. }, .. } => "body.members-replace",
    };
    let name_of_region = self::name;
    let address = |port: u16| Address::try_from(format!("a:{port}")).unwrap();
    let joining =
        Region { id: region(7), name: name_of_region(), peer: address(1), client: address(2), admin: address(3) };
    let moved = Change::Replace { name: name_of_region(), peer: Some(address(9)), client: None, admin: None };
    let bodies = vec![
        write(Seen::Present),
        write(Seen::Session),
        write(Seen::Transaction { transaction, checks }),
        read(None),
        read(Some(Within { transaction, updates: updates() })),
        Body::Scan { session: session(), keyspace: keyspace(), beginning: b"ca".to_vec(), page: page() },
        Body::Begin { session: Session::default() },
        Body::Abort { transaction },
        Body::Token { session: session() },
        Body::Digest { at: T },
        Body::Copy { place: bytes("x") },
        Body::Members { request: request(), change: Change::Add(joining) },
        Body::Members { request: request(), change: Change::Retire { name: name_of_region() } },
        Body::Members { request: request(), change: moved },
    ];
    bodies.into_iter().map(|body| (name(&body), body)).collect()
}

/// One of every outcome.
pub(crate) fn outcomes() -> Vec<(&'static str, Outcome)> {
    let page = |head, next| Outcome::Page(CopyPage { head, entries: bytes("abc"), count: 3, next });
    let keys = vec![KeyInfo { key: bytes("cart:1"), kinds: vec![Kind::Register, Kind::Map] }];
    let name = |outcome: &Outcome| match outcome {
        Outcome::Written(_) => "outcome.written",
        Outcome::Answer(_) => "outcome.answer",
        Outcome::Keys(_) => "outcome.keys",
        Outcome::Begun { .. } => "outcome.begun",
        Outcome::Ended => "outcome.ended",
        Outcome::Token(_) => "outcome.token",
        Outcome::Digest { .. } => "outcome.digest",
        Outcome::Page(CopyPage { head: Some(_), .. }) => "outcome.page-first",
        Outcome::Page(_) => "outcome.page",
    };
    let outcomes = vec![
        Outcome::Written(Receipt { dot: dot(1, 5), token: vv() }),
        Outcome::Answer(Answer::Sum(Some(-3))),
        Outcome::Keys(Page { items: keys, next: Some(bytes("cart:1")) }),
        Outcome::Begun { transaction: TransactionId(3), token: vv() },
        Outcome::Ended,
        Outcome::Token(vv()),
        Outcome::Digest { vv: vv(), digest: [7; 32], rows: 12 },
        page(Some(CopyHead { actor: actor(1), vv: vv(), hlc: hlc() }), Some(bytes("x"))),
        page(None, None),
    ];
    outcomes.into_iter().map(|outcome| (name(&outcome), outcome)).collect()
}
