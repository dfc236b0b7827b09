//! Transactions: what they carry, what ends them, and what is said of a commit whose answer was lost.

use std::time::Duration;

use halcyon_crdt::{Answer, Kind, Op, Query, Update};
use halcyon_types::limits::{CHECKS_MAX, TRANSACTION_AGE_MAX, UPDATES_MAX};
use halcyon_wire::{Body, Check, Outcome, Refusal, Request, Seen, TransactionId, Within};

use super::{at, object};
use crate::config::Settings;
use crate::error::{ReadError, WriteError};
use crate::fake::{Server, cluster, connected, receipt_of, settle, written};
use crate::keyspace::Keyspace;
use crate::{Receipt, Transaction, Unanswered};

async fn begin(shop: &Keyspace, server: &mut Server, transaction: u64) -> Transaction {
    let (tx, ()) = tokio::join!(shop.begin(), server.begun(transaction));
    tx.unwrap()
}

fn add(key: &str, amount: i64) -> Update {
    Update { object: at(key, &[]), op: Op::Add { amount } }
}

fn seen(transaction: u64, checks: &[Check]) -> Seen {
    Seen::Transaction { transaction: TransactionId(transaction), checks: checks.to_vec() }
}

fn expired() -> Refusal {
    Refusal::TransactionExpired { transaction: TransactionId(u64::MAX) }
}

fn unknown(result: Result<Receipt, WriteError>) -> Unanswered {
    match result {
        Err(WriteError::OutcomeUnknown(unanswered)) => unanswered,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_one_write_of_every_keyspace_with_the_snapshot_as_its_context() {
    let (net, [region]) = cluster(["us-east"]);
    let db = net.connect_to(&["default", "audit"], &Settings::default()).await.unwrap();
    let mut server = region.accept().await;
    let mut tx = begin(&db.keyspace("default"), &mut server, 3).await;
    tx.counter("revenue").add(7);
    tx.keyspace("audit").flag("dirty").enable();
    tx.keyspace("audit").map("m").field("f").set().add("x");
    tx.delete("cart").note(add("raw", 1));
    assert_eq!((tx.len(), tx.is_empty(), tx.region().as_str()), (5, false, "us-east"));
    let (receipt, write) = tokio::join!(tx.commit(), server.take());
    assert_eq!(receipt.unwrap(), receipt_of(write.request));
    let expected = [
        add("revenue", 7),
        Update { object: object(11, "dirty", &[]), op: Op::Enable },
        Update { object: object(11, "m", &["f"]), op: Op::Insert { element: "x".into() } },
        Update { object: at("cart", &[]), op: Op::Delete },
        add("raw", 1),
    ];
    assert_eq!((write.updates.as_slice(), write.seen), (expected.as_slice(), seen(3, &[])));
    settle().await;
    assert!(server.is_quiet(), "what is committed is not aborted");
}

#[tokio::test(start_paused = true)]
async fn a_read_carries_what_was_noted_of_its_key_and_nothing_else() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let mut tx = begin(&shop, &mut server, 3).await;
    tx.counter("a").add(1);
    tx.counter("b").add(2);
    tx.map("a").field("f").flag().enable();
    let counter = tx.counter("a");
    let (sum, (within, ..)) = tokio::join!(counter.get(), server.reply(Answer::Sum(Some(1))));
    assert_eq!(sum, Ok(1));
    let of_a = vec![add("a", 1), Update { object: at("a", &["f"]), op: Op::Enable }];
    assert_eq!(within, Some(Within { transaction: TransactionId(3), updates: of_a.clone() }));
    let kinds = tx.key("a");
    let (kinds, (within, ..)) = tokio::join!(kinds.kinds(), server.reply(Answer::Kinds(vec![Kind::Flag])));
    assert_eq!((kinds, within.unwrap().updates), (Ok(vec![Kind::Flag]), of_a));
    let raw = tx.query(at("c", &[]), Query::Get);
    let (value, (within, ..)) = tokio::join!(raw, server.reply(Answer::Value(None)));
    assert_eq!((value, within.unwrap().updates), (Ok(Answer::Value(None)), vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_is_dropped_or_refused_locally_is_aborted() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    drop(begin(&shop, &mut server, 3).await);
    assert_eq!(server.aborted().await, TransactionId(3));
    begin(&shop, &mut server, 4).await.abort();
    assert_eq!(server.aborted().await, TransactionId(4));
    let mut large = begin(&shop, &mut server, 6).await;
    for _ in 0..=UPDATES_MAX {
        large.counter("k").add(1);
    }
    assert_eq!(large.commit().await.unwrap_err().name(), "TooLarge");
    assert_eq!(server.aborted().await, TransactionId(6));
    let mut elsewhere = begin(&shop, &mut server, 7).await;
    elsewhere.keyspace("nowhere").counter("k").add(1);
    let unread = elsewhere.keyspace("nowhere").counter("k").get().await;
    assert!(matches!(unread, Err(ReadError::UnknownKeyspace(_))));
    assert_eq!(elsewhere.commit().await.unwrap_err().name(), "UnknownKeyspace");
    assert_eq!(server.aborted().await, TransactionId(7));
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_nobody_waited_for_is_aborted_once_it_has_begun() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let beginning = tokio::spawn({
        let shop = shop.clone();
        async move { shop.begin().await }
    });
    let Some(Request { id, body: Body::Begin { .. } }) = server.next().await else { panic!("no begin") };
    beginning.abort();
    settle().await;
    let token = halcyon_types::VersionVector::new();
    server.answer(id, Ok(Outcome::Begun { transaction: TransactionId(9), token }));
    assert_eq!(server.aborted().await, TransactionId(9));
}

#[tokio::test(start_paused = true)]
async fn checked_reads_go_with_the_commit_each_once() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let mut tx = begin(&shop, &mut server, 3).await;
    let (_, _) = tokio::join!(tx.query(at("before", &[]), Query::Sum), server.reply(Answer::Sum(None)));
    tx.check_reads();
    for _ in 0..2 {
        let (_, _) = tokio::join!(tx.query(at("k", &["f"]), Query::Sum), server.reply(Answer::Sum(None)));
    }
    let (wrong, ()) = tokio::join!(tx.query(at("k", &[]), Query::Get), async {
        let Request { id, .. } = server.next().await.unwrap();
        server.answer(id, Err(Refusal::WrongType { asked: Kind::Register, present: vec![Kind::Set] }));
    });
    assert_eq!(wrong.unwrap_err().name(), "WrongType");
    let (cursor, ()) = tokio::join!(tx.query(at("k", &[]), Query::Kinds), async {
        let Request { id, .. } = server.next().await.unwrap();
        server.answer(id, Err(Refusal::Overloaded { queue: "q".to_owned() }));
    });
    assert_eq!(cursor.unwrap_err().name(), "Overloaded", "which tells nothing of the object");
    tx.counter("k").add(1);
    let (refused, ()) = tokio::join!(tx.commit(), async {
        let (id, write) = server.write().await;
        let check = |path: &[&str], query| Check { object: at("k", path), query };
        assert_eq!(write.seen, seen(3, &[check(&["f"], Query::Sum), check(&[], Query::Get)]));
        server.answer(id, Err(Refusal::Changed { index: 1 }));
    });
    let error = refused.unwrap_err();
    assert_eq!(error.name(), "Changed");
    assert!(error.to_string().contains("begin again"), "{error}");
    settle().await;
    assert!(server.is_quiet(), "the region has ended it with the refusal");
}

#[tokio::test(start_paused = true)]
async fn a_read_past_the_limit_of_checks_is_refused_and_not_sent() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let mut tx = begin(&shop, &mut server, 3).await;
    tx.check_reads();
    for i in 0..CHECKS_MAX {
        let read = tx.query(at(&format!("k{i}"), &[]), Query::Sum);
        let (sum, _) = tokio::join!(read, server.reply(Answer::Sum(None)));
        sum.unwrap();
    }
    assert_eq!(tx.query(at("one more", &[]), Query::Sum).await, Err(ReadError::TooManyChecks));
    assert!(server.is_quiet());
    let (again, _) = tokio::join!(tx.query(at("k0", &[]), Query::Sum), server.reply(Answer::Sum(None)));
    again.expect("what is checked already may be read again");
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_loses_the_transaction_and_says_that_nothing_happened() {
    let (_db, shop, region, mut server) = connected(Settings::default()).await;
    let mut tx = begin(&shop, &mut server, 3).await;
    tx.counter("k").add(1);
    let mut reading = begin(&shop, &mut server, 4).await;
    let counter = reading.counter("k");
    let (lost, ()) = tokio::join!(counter.get(), async {
        server.next().await.unwrap();
        drop(server);
    });
    assert!(matches!(lost, Err(ReadError::TransactionLost { .. })), "{lost:?}");
    let server = region.accept().await;
    settle().await;
    assert!(
        matches!(tx.counter("k").get().await, Err(ReadError::TransactionLost { .. })),
        "not on the next one either"
    );
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.name(), "TransactionLost");
    assert!(error.to_string().contains("nothing of it has happened"), "{error}");
    drop(reading);
    settle().await;
    assert!(server.is_quiet(), "the new connection knows nothing of it, not even an abort");
}

#[tokio::test(start_paused = true)]
async fn an_expired_transaction_says_so() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let mut tx = begin(&shop, &mut server, 3).await;
    let refusal = Refusal::TransactionExpired { transaction: TransactionId(3) };
    let counter = tx.counter("k");
    let (read, ()) = tokio::join!(counter.get(), async {
        let Request { id, .. } = server.next().await.unwrap();
        server.answer(id, Err(refusal.clone()));
    });
    assert_eq!(read, Err(ReadError::Refused(refusal.clone())));
    tx.counter("k").add(1);
    let (commit, ()) = tokio::join!(tx.commit(), async {
        let (id, _) = server.write().await;
        server.answer(id, Err(refusal));
    });
    assert_eq!(commit.unwrap_err().name(), "TransactionExpired");
}

/// A commit whose connection was lost before the answer, and the region's end of the next connection.
async fn commit_unanswered(
    then: impl AsyncFnOnce(&mut Server, u64),
) -> (Result<Receipt, WriteError>, crate::Client, Server, crate::fake::FakeRegion) {
    let (db, shop, region, mut first) = connected(Settings::default()).await;
    let mut tx = begin(&shop, &mut first, 3).await;
    tx.counter("k").add(1);
    let (result, second) = tokio::join!(tx.commit(), async {
        let (_, sent) = first.write().await;
        assert_eq!(sent.seen, seen(3, &[]));
        drop(first);
        let mut second = region.accept().await;
        let (id, asked) = second.write().await;
        assert_eq!((asked.request, asked.updates), (sent.request, sent.updates));
        assert_eq!(asked.seen, seen(u64::MAX, &[]), "on another connection the number may be another's");
        then(&mut second, id).await;
        second
    });
    (result, db, second, region)
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_commit_is_asked_after_under_its_id_and_told_if_it_happened() {
    let (result, ..) = commit_unanswered(async |server, id| {
        server.answer(id, written(crate::request_id()));
    })
    .await;
    result.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_commit_that_has_not_happened_yet_is_unknown_until_it_would_have_expired() {
    let refuse = async |server: &mut Server, id| server.answer(id, Err(expired()));
    let (result, db, mut server, _region) = commit_unanswered(refuse).await;
    let unanswered = unknown(result);
    assert!(unanswered.why().contains("not committed so far"), "{unanswered}");
    let again = async |db: &crate::Client, server: &mut Server, unanswered: Unanswered| {
        let (result, ()) = tokio::join!(db.retry(unanswered), async {
            let (id, _) = server.write().await;
            server.answer(id, Err(expired()));
        });
        result
    };
    tokio::time::advance(TRANSACTION_AGE_MAX / 2).await;
    let unanswered = unknown(again(&db, &mut server, unanswered).await);
    tokio::time::advance(TRANSACTION_AGE_MAX / 2 + Duration::from_secs(2)).await;
    match again(&db, &mut server, unanswered).await {
        Err(WriteError::Refused(Refusal::TransactionExpired { transaction })) => assert_eq!(transaction.0, 3),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_never_goes_to_another_region() {
    let (net, [east, west]) = cluster(["us-east", "us-west"]);
    let settings = Settings { region: Some("us-east".to_owned()), ..Settings::default() };
    let db = net.connect(&settings).await.unwrap();
    let mut server = east.accept().await;
    let shop = db.keyspace("default");
    let mut tx = begin(&shop, &mut server, 3).await;
    tx.counter("k").add(1);
    let mut other = begin(&shop, &mut server, 4).await;
    other.counter("k").add(1);
    let (result, ()) = tokio::join!(tx.commit(), async {
        server.write().await;
        east.stop();
        drop(server);
    });
    assert_eq!(unknown(result).region().as_str(), "us-east");
    assert_eq!(other.commit().await.unwrap_err().name(), "TransactionLost", "it was never sent");
    assert!(west.is_unvisited().await);
}

#[tokio::test(start_paused = true)]
async fn a_begin_that_goes_unanswered_begins_elsewhere() {
    let (net, [east, west]) = cluster(["us-east", "us-west"]);
    let settings = Settings { region: Some("us-east".to_owned()), ..Settings::default() };
    let db = net.connect(&settings).await.unwrap();
    let mut server = east.accept().await;
    let shop = db.keyspace("default");
    let (tx, mut server) = tokio::join!(shop.begin(), async {
        server.next().await.unwrap();
        east.stop();
        drop(server);
        let mut server = west.accept().await;
        server.begun(1).await;
        server
    });
    let mut tx = tx.unwrap();
    assert_eq!((tx.region().as_str(), tx.seen().to_string().ends_with(":1")), ("us-west", true));
    tx.counter("k").add(1);
    let (receipt, _) = tokio::join!(tx.commit(), server.take());
    receipt.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stopping_region_ends_its_transactions() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let mut tx = begin(&shop, &mut server, 3).await;
    let counter = tx.counter("k");
    let (read, ()) = tokio::join!(counter.get(), async {
        let Request { id, .. } = server.next().await.unwrap();
        server.answer(id, Err(Refusal::Stopping));
    });
    assert!(matches!(read, Err(ReadError::TransactionLost { .. })), "{read:?}");
}
