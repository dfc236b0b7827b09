//! Pipelining, its bound, and requests whose callers have gone.

use std::time::Duration;

use halcyon_crdt::query::Answer;
use halcyon_types::limits::CONNECTION_REQUESTS_MAX;
use halcyon_wire::{Body, Outcome};

use crate::config::Settings;
use crate::error::WriteError;
use crate::fake::{connected, receipt_of, settle, written};

#[tokio::test(start_paused = true)]
async fn four_thousand_requests_travel_together_and_their_answers_come_in_any_order() {
    let settings = Settings { in_flight: CONNECTION_REQUESTS_MAX, ..Settings::default() };
    let (_db, shop, _region, mut server) = connected(settings).await;
    let writing: Vec<_> = (0..CONNECTION_REQUESTS_MAX)
        .map(|i| {
            let counter = shop.counter(format!("k{i}"));
            tokio::spawn(async move { counter.add(1).await })
        })
        .collect();
    let mut taken = Vec::new();
    for _ in 0..CONNECTION_REQUESTS_MAX {
        taken.push(server.write().await);
    }
    let chunks = server.chunks_read;
    assert!(chunks <= 64, "they were not coalesced: {chunks} writes");
    for (id, write) in taken.iter().rev() {
        server.answer(*id, written(write.request));
    }
    for (writing, (_, write)) in writing.into_iter().zip(taken) {
        // Spawned in order, so taken in order.
        assert_eq!(writing.await.unwrap().unwrap(), receipt_of(write.request));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_past_the_bound_waits_for_an_answer_to_another() {
    let settings = Settings { in_flight: 2, ..Settings::default() };
    let (_db, shop, _region, mut server) = connected(settings).await;
    let writing: Vec<_> = (0..3)
        .map(|_| {
            let counter = shop.counter("k");
            tokio::spawn(async move { counter.add(1).await })
        })
        .collect();
    let (first, write) = server.write().await;
    let _second = server.write().await;
    settle().await;
    assert!(server.is_quiet(), "the third waits");
    server.answer(first, written(write.request));
    server.write().await;
    drop(writing);
}

#[tokio::test(start_paused = true)]
async fn a_large_request_takes_the_room_of_several() {
    let settings = Settings { in_flight: 8, ..Settings::default() };
    let (_db, shop, _region, mut server) = connected(settings).await;
    let (large, small) = (shop.register("large"), shop.counter("small"));
    let _large = tokio::spawn(async move { large.set_bytes(vec![0; 200 * 1024]).await });
    let (id, write) = server.write().await;
    let _small = tokio::spawn(async move { small.add(1).await });
    settle().await;
    assert!(server.is_quiet());
    server.answer(id, written(write.request));
    server.write().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_gives_its_room_back_and_its_late_answer_harms_nobody() {
    let settings = Settings { in_flight: 1, ..Settings::default() };
    let (_db, shop, _region, mut server) = connected(settings).await;
    let counter = shop.counter("k");
    let abandoned = tokio::spawn({
        let counter = counter.clone();
        async move { counter.add(1).await }
    });
    let (late, write) = server.write().await;
    abandoned.abort();
    let second = tokio::spawn(async move { counter.add(2).await });
    let (id, other) = server.write().await;
    server.answer(late, written(write.request));
    server.answer(id, written(other.request));
    assert_eq!(second.await.unwrap().unwrap(), receipt_of(other.request));
}

#[tokio::test(start_paused = true)]
async fn what_is_said_to_be_unsent_never_reaches_the_region() {
    let (db, shop, _region, mut server) = connected(Settings::default()).await;
    let counter = |key: &str| shop.counter(key);
    // The region does not read: a few writes fit between it and the client, then one hangs in the client's own write.
    let mut sent = Vec::new();
    for _ in 0..5 {
        let counter = counter("sent");
        sent.push(tokio::spawn(async move { counter.add(1).await }));
        settle().await;
    }
    let [early, doomed, dropped, later] = ["early", "doomed", "dropped", "later"].map(counter);
    let early = tokio::spawn(async move { early.add(1).await });
    settle().await;
    let dropped = tokio::spawn(async move { dropped.add(1).await });
    settle().await;
    dropped.abort();
    let timed_out = doomed.add(1).await;
    assert!(matches!(timed_out, Err(WriteError::NotReachable { .. })), "{timed_out:?}");
    assert!(matches!(early.await.unwrap(), Err(WriteError::NotReachable { .. })));
    for sent in sent {
        assert!(matches!(sent.await.unwrap(), Err(WriteError::OutcomeUnknown(_))));
    }
    let _later = tokio::spawn(async move { later.add(1).await });
    settle().await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        let (_, write) = server.write().await;
        seen.push(String::from_utf8(write.updates[0].object.key.to_vec()).unwrap());
    }
    assert_eq!(seen, ["sent", "sent", "sent", "sent", "sent", "later"]);
    drop(db);
}

#[tokio::test(start_paused = true)]
async fn the_connection_ends_with_the_last_handle() {
    let (db, shop, _region, mut server) = connected(Settings::default()).await;
    let counter = shop.counter("k");
    drop((db, shop));
    let reading = tokio::spawn(async move { counter.get().await });
    let request = server.next().await.unwrap();
    assert!(matches!(request.body, Body::Read { .. }));
    server.answer(request.id, Ok(Outcome::Answer(Answer::Sum(Some(3)))));
    assert_eq!(reading.await.unwrap(), Ok(3));
    assert!(server.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_region_that_breaks_every_connection_is_not_dialled_in_a_storm() {
    let (_db, shop, region, server) = connected(Settings::default()).await;
    drop(server);
    let counter = shop.counter("k");
    let writing = tokio::spawn(async move { counter.add(1).await });
    let mut dials = 0;
    while !writing.is_finished() {
        if let Ok(server) = tokio::time::timeout(Duration::from_millis(100), region.accept()).await {
            dials += 1;
            drop(server);
        }
    }
    assert!((3..=20).contains(&dials), "{dials} dials in five seconds");
}
