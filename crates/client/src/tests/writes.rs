//! What becomes of writes whose connection, region or patience ends.

use std::time::Duration;

use halcyon_types::VersionVector;
use halcyon_wire::{Outcome, Refusal};
use tokio::time::Instant;

use crate::config::Settings;
use crate::error::WriteError;
use crate::fake::{Server, cluster, connected, receipt_of, settle, written};
use crate::keyspace::Keyspace;
use crate::{Receipt, Unanswered};

/// What a region says about a request.
type Said = fn(u64) -> Vec<u8>;
type Writing = tokio::task::JoinHandle<Result<Receipt, WriteError>>;

fn add(shop: &Keyspace) -> Writing {
    let counter = shop.counter("k");
    tokio::spawn(async move { counter.add(1).await })
}

fn overloaded() -> Refusal {
    Refusal::Overloaded { queue: "the commit queue".to_owned() }
}

async fn unknown(writing: Writing) -> Unanswered {
    match writing.await.unwrap() {
        Err(WriteError::OutcomeUnknown(unanswered)) => unanswered,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_write_goes_back_to_the_same_region_under_the_same_id() {
    let (_db, shop, region, mut first) = connected(Settings::default()).await;
    let writing = add(&shop);
    let (_, sent) = first.write().await;
    drop(first);
    let mut second = region.accept().await;
    let (id, resent) = second.write().await;
    assert_eq!(resent, sent);
    second.answer(id, written(resent.request));
    assert_eq!(writing.await.unwrap().unwrap(), receipt_of(sent.request));
}

#[tokio::test(start_paused = true)]
async fn a_region_that_never_answers_leaves_the_outcome_unknown_when_the_time_is_up() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let start = Instant::now();
    let writing = add(&shop);
    let (_, sent) = server.write().await;
    let unanswered = unknown(writing).await;
    assert_eq!((unanswered.request(), unanswered.region().as_str()), (sent.request, "us-east"));
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_sent_write_goes_to_no_other_region_even_if_its_own_never_comes_back() {
    let (net, [east, west]) = cluster(["us-east", "us-west"]);
    let settings = Settings { region: Some("us-east".to_owned()), ..Settings::default() };
    let db = net.connect(&settings).await.unwrap();
    let mut server = east.accept().await;
    let writing = add(&db.keyspace("default"));
    let (_, sent) = server.write().await;
    east.stop();
    drop(server);
    let unanswered = unknown(writing).await;
    assert_eq!((unanswered.request(), unanswered.region().as_str()), (sent.request, "us-east"));
    assert!(west.is_unvisited().await);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_never_sent_goes_to_another_region() {
    for cut in [false, true] {
        let (net, [east, west]) = cluster(["us-east", "us-west"]);
        let settings = Settings { region: Some("us-east".to_owned()), ..Settings::default() };
        let db = net.connect(&settings).await.unwrap();
        if cut {
            east.cut();
        } else {
            east.stop();
        }
        drop(east.accept().await);
        settle().await;
        let writing = add(&db.keyspace("default"));
        let mut server = west.accept().await;
        let (id, write) = server.write().await;
        server.answer(id, written(write.request));
        assert_eq!(writing.await.unwrap().unwrap(), receipt_of(write.request));
        assert_eq!(db.region().as_str(), "us-west");
    }
}

#[tokio::test(start_paused = true)]
async fn without_failover_a_write_that_cannot_be_sent_says_that_nothing_happened() {
    let (net, [east, west]) = cluster(["us-east", "us-west"]);
    let settings = Settings { region: Some("us-east".to_owned()), failover: false, ..Settings::default() };
    let db = net.connect(&settings).await.unwrap();
    east.stop();
    drop(east.accept().await);
    settle().await;
    match add(&db.keyspace("default")).await.unwrap() {
        Err(WriteError::NotReachable { tried }) => {
            assert_eq!(tried.len(), 1);
            assert_eq!(tried[0].to_string(), "us-east: nobody is there");
        }
        other => panic!("{other:?}"),
    }
    assert!(west.is_unvisited().await);
}

#[tokio::test(start_paused = true)]
async fn a_write_rides_out_a_restart_of_its_only_region() {
    let (_db, shop, region, server) = connected(Settings::default()).await;
    region.stop();
    drop(server);
    settle().await;
    let writing = add(&shop);
    tokio::time::sleep(Duration::from_secs(2)).await;
    region.start();
    let mut server = region.accept().await;
    let (id, write) = server.write().await;
    server.answer(id, written(write.request));
    writing.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_a_refusal_and_is_not_retried() {
    let (_db, shop, region, mut server) = connected(Settings::default()).await;
    let writing = add(&shop);
    let (id, _) = server.write().await;
    server.answer(id, Err(overloaded()));
    match writing.await.unwrap() {
        Err(error @ WriteError::Refused(_)) => assert_eq!(error.name(), "Overloaded"),
        other => panic!("{other:?}"),
    }
    settle().await;
    assert!(server.is_quiet() && region.is_unvisited().await);
}

#[tokio::test(start_paused = true)]
async fn a_stopping_region_hands_the_write_to_another() {
    let (net, [east, west]) = cluster(["us-east", "us-west"]);
    let settings = Settings { region: Some("us-east".to_owned()), ..Settings::default() };
    let db = net.connect(&settings).await.unwrap();
    let mut server = east.accept().await;
    let writing = add(&db.keyspace("default"));
    let (id, refused) = server.write().await;
    east.stop();
    server.answer(id, Err(Refusal::Stopping));
    let mut other = west.accept().await;
    let (id, write) = other.write().await;
    assert_eq!(write, refused);
    other.answer(id, written(write.request));
    writing.await.unwrap().unwrap();
    assert!(server.next().await.is_none(), "the stopping region is let go");
}

fn skewed(off_ms: i64) -> Refusal {
    Refusal::ClockSkew { off_ms, clocks: 3 }
}

#[tokio::test(start_paused = true)]
async fn a_region_whose_clock_is_off_hands_the_write_to_another_and_goes_on_being_read() {
    let (net, [east, west]) = cluster(["us-east", "us-west"]);
    let settings = Settings { region: Some("us-east".to_owned()), ..Settings::default() };
    let db = net.connect(&settings).await.unwrap();
    let mut server = east.accept().await;
    let writing = add(&db.keyspace("default"));
    let (id, refused) = server.write().await;
    server.answer(id, Err(skewed(9)));
    let mut other = west.accept().await;
    let (id, write) = other.write().await;
    assert_eq!(write, refused);
    other.answer(id, written(write.request));
    writing.await.unwrap().unwrap();
    assert_eq!(db.region().as_str(), "us-east");
    assert!(server.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn where_every_clock_is_off_or_out_of_reach_the_write_is_refused_for_it() {
    let (net, [east, west]) = cluster(["us-east", "us-west"]);
    let settings = Settings { region: Some("us-east".to_owned()), ..Settings::default() };
    let db = net.connect(&settings).await.unwrap();
    let mut server = east.accept().await;
    for other_is_there in [true, false] {
        let writing = add(&db.keyspace("default"));
        let (id, _) = server.write().await;
        if !other_is_there {
            west.stop();
        }
        server.answer(id, Err(skewed(9)));
        if other_is_there {
            let mut other = west.accept().await;
            let (id, _) = other.write().await;
            other.answer(id, Err(skewed(-9)));
        }
        match writing.await.unwrap() {
            Err(error @ WriteError::Refused(_)) => assert_eq!(error.name(), "ClockSkew"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopping_region_still_answers_what_it_had_taken() {
    let (_db, shop, region, mut server) = connected(Settings::default()).await;
    let (early, late) = (add(&shop), add(&shop));
    let ((first, write), (second, _)) = (server.write().await, server.write().await);
    server.answer(second, Err(Refusal::Stopping));
    settle().await;
    server.answer(first, written(write.request));
    assert_eq!(early.await.unwrap().unwrap(), receipt_of(write.request));
    let mut server = region.accept().await;
    let (id, write) = server.write().await;
    server.answer(id, written(write.request));
    late.await.unwrap().unwrap();
}

/// A write whose first copy was lost unanswered, and the region's end of the connection that carries the second.
async fn resent() -> (Writing, u64, Server, [Box<dyn std::any::Any>; 2]) {
    let (db, shop, region, mut first) = connected(Settings::default()).await;
    let writing = add(&shop);
    first.write().await;
    drop(first);
    let mut second = region.accept().await;
    let (id, _) = second.write().await;
    (writing, id, second, [Box::new(db), Box::new(region)])
}

#[tokio::test(start_paused = true)]
async fn a_refused_second_copy_does_not_tell_what_became_of_the_first() {
    for (refusal, says) in [(overloaded(), "overloaded"), (skewed(9), "clock")] {
        let (writing, id, server, _held) = resent().await;
        server.answer(id, Err(refusal));
        let unanswered = unknown(writing).await;
        assert!(unanswered.why().contains(says), "{unanswered}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_copy_refused_for_what_it_is_settles_the_first_as_well() {
    let (writing, id, server, _held) = resent().await;
    let reason = "too long".to_owned();
    server.answer(id, Err(Refusal::InvalidArgument { reason }));
    let settled = writing.await.unwrap();
    assert!(matches!(settled, Err(WriteError::Refused(Refusal::InvalidArgument { .. }))));
}

#[tokio::test(start_paused = true)]
async fn a_retry_sends_the_same_id_to_the_same_region() {
    let (db, shop, _region, mut server) = connected(Settings::default()).await;
    let writing = add(&shop);
    let (_, sent) = server.write().await;
    let unanswered = unknown(writing).await;
    let retrying = tokio::spawn(async move { db.retry(unanswered).await });
    let (id, resent) = server.write().await;
    assert_eq!(resent, sent);
    server.answer(id, written(resent.request));
    assert_eq!(retrying.await.unwrap().unwrap(), receipt_of(sent.request));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_refused_for_want_of_room_is_still_unknown() {
    let (db, shop, _region, mut server) = connected(Settings::default()).await;
    let writing = add(&shop);
    let (_, sent) = server.write().await;
    let unanswered = unknown(writing).await;
    let retrying = tokio::spawn(async move { db.retry(unanswered).await });
    let (id, _) = server.write().await;
    server.answer(id, Err(overloaded()));
    assert_eq!(unknown(retrying).await.request(), sent.request);
}

#[tokio::test(start_paused = true)]
async fn a_broken_protocol_drops_the_connection_and_the_write_goes_back_under_its_id() {
    let garbage = |_: u64| vec![0xC1; 20];
    let another_version = |_: u64| vec![9, 0x92, 1, 0xC0];
    let another_kind = |id: u64| encoded(id, Outcome::Token(VersionVector::new()));
    let never_sent = |id: u64| encoded(id + 1, Outcome::Written(receipt_of(crate::request_id())));
    let cases: [(&str, Said); 4] = [
        ("garbage", garbage),
        ("another version", another_version),
        ("an answer of another kind", another_kind),
        ("an answer to what was never sent", never_sent),
    ];
    for (case, body) in cases {
        let (_db, shop, region, mut server) = connected(Settings::default()).await;
        let writing = add(&shop);
        let (id, sent) = server.write().await;
        server.say(body(id));
        assert!(server.next().await.is_none(), "{case}");
        let mut server = region.accept().await;
        let (id, resent) = server.write().await;
        assert_eq!(resent, sent, "{case}");
        server.answer(id, written(resent.request));
        writing.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_answered_before_the_protocol_broke_stands() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let writing = add(&shop);
    let (id, sent) = server.write().await;
    server.answer(id, written(sent.request));
    server.say(vec![0xC1]);
    assert_eq!(writing.await.unwrap().unwrap(), receipt_of(sent.request));
}

fn encoded(id: u64, outcome: Outcome) -> Vec<u8> {
    let mut out = Vec::new();
    let result = Ok(outcome);
    halcyon_wire::codec::encode(&mut out, &halcyon_wire::Response { id, result });
    out
}
