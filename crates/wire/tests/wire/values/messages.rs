//! What peers and clients send.

use bytes::Bytes;
use halcyon_crdt::{Answer, KeyInfo, Kind, Op, Page, Query, Update};
use halcyon_types::{BootId, Seq};
use halcyon_wire::{
    AskPage, AskRights, Began, Body, ChainHash, Check, Compare, Compared, CopyHead, CopyId, CopyPage, Echo, Finding,
    Heartbeat, Hello, Outcome, PeerMessage, Pull, Range, Receipt, RepairState, Seen, Session, StatePage, TransactionId,
    Verdict, Within, Write,
};

use super::{T, actor, bytes, cart, dot, hlc, keyspace, page, region, request, vv};

/// One of every message between regions.
pub(crate) fn peer_messages() -> Vec<(&'static str, PeerMessage)> {
    let hello = Hello {
        agreement: [7; 32],
        region: region(2),
        actor: actor(2),
        boot: BootId(uuid::Uuid::from_u128(5)),
        level: halcyon_types::Level::FIRST,
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
    };
    // How this one is packed is the choice of the LZ4 at hand: a newer one may write other bytes, but must read these.
    let alike = ["a", "b", "c"].map(|end| Bytes::from([&[7; 70], end.as_bytes()].concat())).to_vec();
    let compared = |verdict| PeerMessage::Compared(Compared { number: 4, verdict });
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
        PeerMessage::Compare(Compare {
            number: 4,
            from: bytes("a"),
            upto: bytes("b"),
            at: T,
            vv: vv(),
            rows: 7,
            digest: [7; 32],
            finest: true,
        }),
        compared(Verdict::Same),
        compared(Verdict::Differs),
        compared(Verdict::Moved),
        compared(Verdict::Unread),
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
        PeerMessage::Compare(_) => "peer.compare",
        PeerMessage::Compared(Compared { verdict: Verdict::Same, .. }) => "peer.compared-same",
        PeerMessage::Compared(Compared { verdict: Verdict::Differs, .. }) => "peer.compared-differs",
        PeerMessage::Compared(Compared { verdict: Verdict::Moved, .. }) => "peer.compared-moved",
        PeerMessage::Compared(Compared { verdict: Verdict::Unread, .. }) => "peer.compared-unread",
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
        Body::Repair { from: None, .. } => "body.repair-look",
        Body::Repair { .. } => "body.repair",
    };
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
        Body::Repair { from: None, begin: false },
        Body::Repair { from: Some(region(2)), begin: true },
    ];
    bodies.into_iter().map(|body| (name(&body), body)).collect()
}

/// One of every outcome.
pub(crate) fn outcomes() -> Vec<(&'static str, Outcome)> {
    let page = |head, next| Outcome::Page(CopyPage { head, entries: bytes("abc"), count: 3, next });
    let finding = |peer| Finding { peer, from: bytes("a"), upto: bytes("b"), what: "what".to_owned() };
    let repair = |began, findings, pages| {
        let life = BootId(uuid::Uuid::from_u128(5));
        Outcome::Repair(RepairState { life, began, findings, from: Some(region(2)), pages })
    };
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
        Outcome::Repair(RepairState { began: Began::Opened, .. }) => "outcome.repair",
        Outcome::Repair(RepairState { began: Began::Copied, .. }) => "outcome.repair-copied",
        Outcome::Repair(RepairState { began: Began::Failed { .. }, .. }) => "outcome.repair-failed",
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
        repair(Began::Opened, vec![finding(None), finding(Some(region(2)))], Some(3)),
        repair(Began::Copied, Vec::new(), None),
        repair(Began::Failed { reason: "why".to_owned() }, Vec::new(), None),
    ];
    outcomes.into_iter().map(|outcome| (name(&outcome), outcome)).collect()
}
