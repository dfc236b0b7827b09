//! What a session's requests carry, and what is scanned through it.

use std::time::Duration;

use halcyon_crdt::{Answer, KeyInfo, Kind, Page, PageRequest, Query};
use halcyon_types::{UnixMs, VersionVector};
use halcyon_wire::{Body, Outcome, Refusal, Request, Seen};

use super::at;
use crate::config::Settings;
use crate::error::{ReadError, WriteError};
use crate::fake::{Server, connected, written};
use crate::{Client, SessionToken};

fn token() -> SessionToken {
    "1.5:3".parse().unwrap()
}

fn needs(wait_ms: u32) -> halcyon_wire::Session {
    halcyon_wire::Session { token: token().into(), wait_ms }
}

async fn next(server: &mut Server) -> Request {
    server.next().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_sessions_reads_carry_its_token_and_its_patience() {
    let (db, _shop, _region, mut server) = connected(Settings::default()).await;
    let session = db.session(token()).wait(Duration::from_secs(7));
    let counter = session.counter("k");
    let (sum, ()) = tokio::join!(counter.get(), async {
        let Request { id, body } = next(&mut server).await;
        let (object, query, within) = (at("k", &[]), Query::Sum, None);
        assert_eq!(body, Body::Read { session: needs(7000), within, object, query });
        // The region takes its time; the request's own patience comes on top of the session's.
        tokio::time::sleep(Duration::from_secs(11)).await;
        server.answer(id, Ok(Outcome::Answer(Answer::Sum(None))));
    });
    assert_eq!(sum, Ok(0));
    let (seen, ()) = tokio::join!(session.token(), async {
        let Request { id, body } = next(&mut server).await;
        assert_eq!(body, Body::Token { session: needs(7000) });
        server.answer(id, Ok(Outcome::Token(token().into())));
    });
    assert_eq!(seen, Ok(token()));
}

#[tokio::test(start_paused = true)]
async fn a_sessions_writes_come_behind_its_token_and_wait_as_patiently() {
    let (db, _shop, _region, mut server) = connected(Settings::default()).await;
    let session = db.session(token()).wait(Duration::from_secs(7));
    let set = session.set("s");
    let (receipt, ()) = tokio::join!(set.remove("x"), async {
        let (id, write) = server.write().await;
        assert_eq!((write.session, write.seen), (needs(7000), Seen::Present));
        tokio::time::sleep(Duration::from_secs(11)).await;
        server.answer(id, written(write.request));
    });
    receipt.unwrap();
    let mut batch = session.keyspace("default").batch();
    batch.set("s").clear();
    let (receipt, write) = tokio::join!(batch.commit(), server.take());
    receipt.unwrap();
    assert_eq!((write.session, write.seen), (needs(7000), Seen::Present));
}

#[tokio::test(start_paused = true)]
async fn a_token_as_context_is_all_that_a_write_has_seen() {
    let (db, shop, _region, mut server) = connected(Settings::default()).await;
    let session = db.session(token()).as_context();
    let set = session.set("s");
    let (receipt, write) = tokio::join!(set.remove("x"), server.take());
    receipt.unwrap();
    assert_eq!((write.session, write.seen), (needs(5000), Seen::Session));
    let mut batch = session.keyspace("default").batch();
    batch.set("s").clear();
    let (receipt, write) = tokio::join!(batch.commit(), server.take());
    receipt.unwrap();
    assert_eq!(write.seen, Seen::Session);
    let set = shop.set("s");
    let (receipt, write) = tokio::join!(set.remove("x"), server.take());
    receipt.unwrap();
    assert_eq!((write.session, write.seen), (halcyon_wire::Session::default(), Seen::Present), "without a session");
}

#[tokio::test(start_paused = true)]
async fn not_yet_and_a_stale_context_are_refusals_that_say_what_to_do() {
    let (db, _shop, _region, mut server) = connected(Settings::default()).await;
    let counter = db.session(token()).as_context().counter("k");
    let reason = "read again and use the newer token".to_owned();
    for refusal in [Refusal::NotYet { waited: Duration::from_secs(5) }, Refusal::StaleContext { reason }] {
        let (refused, ()) = tokio::join!(counter.reset(), async {
            let (id, _) = server.write().await;
            server.answer(id, Err(refusal.clone()));
        });
        let error = refused.unwrap_err();
        assert_eq!(error.name(), refusal.name());
        assert!(error.to_string().contains("read"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_of_a_session_begins_behind_its_token() {
    let (db, _shop, _region, mut server) = connected(Settings::default()).await;
    let shop = db.session(token()).keyspace("default");
    let (tx, ()) = tokio::join!(shop.begin(), async {
        let Request { id, body } = next(&mut server).await;
        assert_eq!(body, Body::Begin { session: needs(5000) });
        server.answer(id, Err(Refusal::NotYet { waited: Duration::from_secs(5) }));
    });
    assert_eq!(tx.unwrap_err().name(), "NotYet");
}

#[tokio::test(start_paused = true)]
async fn keys_are_scanned_page_after_page_with_their_kinds() {
    let (db, _shop, _region, mut server) = connected(Settings::default()).await;
    let shop = db.session(token()).keyspace("default");
    let found = |key: &str| KeyInfo { key: key.to_owned().into(), kinds: vec![Kind::Counter, Kind::Set] };
    let (keys, ()) = tokio::join!(shop.keys("cart:"), async {
        for (after, key, next_key) in [(None, "cart:1", Some("cart:1")), (Some("cart:1"), "cart:2", None)] {
            let Request { id, body } = next(&mut server).await;
            let Body::Scan { session, keyspace, beginning, page } = body else { panic!("{body:?}") };
            assert_eq!((session, keyspace, beginning), (needs(5000), at("", &[]).keyspace, b"cart:".to_vec()));
            assert_eq!(page.after, after.map(|after: &str| after.into()));
            let page = Page { items: vec![found(key)], next: next_key.map(|next: &str| next.into()) };
            server.answer(id, Ok(Outcome::Keys(page)));
        }
    });
    assert_eq!(keys, Ok(vec![found("cart:1"), found("cart:2")]));
    let (page, ()) = tokio::join!(shop.scan("cart:", Some(b"cart:1"), 9), async {
        let Request { id, body } = next(&mut server).await;
        let asked = PageRequest { after: Some("cart:1".into()), items_max: 9 };
        assert!(matches!(&body, Body::Scan { page, .. } if *page == asked), "{body:?}");
        server.answer(id, Ok(Outcome::Keys(Page::default())));
    });
    assert_eq!(page, Ok(Page::default()));
    let nowhere: Result<_, ReadError> = db.keyspace("nowhere").keys("").await;
    assert_eq!(nowhere.unwrap_err().name(), "UnknownKeyspace");
}

#[tokio::test(start_paused = true)]
async fn a_digest_is_of_the_time_asked_for_or_of_now() {
    async fn asked(db: &Client, server: &mut Server, at: Option<UnixMs>) -> UnixMs {
        let (digest, time) =
            tokio::join!(async { if let Some(at) = at { db.digest_at(at).await } else { db.digest().await } }, async {
                let Request { id, body } = next(server).await;
                let Body::Digest { at } = body else { panic!("{body:?}") };
                server.answer(id, Ok(Outcome::Digest { vv: VersionVector::new(), digest: [7; 32], rows: 3 }));
                at
            });
        assert_eq!(digest.unwrap().rows, 3);
        time
    }
    let (db, _shop, _region, mut server) = connected(Settings::default()).await;
    assert_eq!(asked(&db, &mut server, Some(UnixMs(77))).await, UnixMs(77));
    let before = crate::now();
    let at = asked(&db, &mut server, None).await;
    assert!(before <= at && at <= crate::now());
}

#[tokio::test(start_paused = true)]
async fn raw_updates_and_questions_go_as_they_are() {
    let (db, shop, _region, mut server) = connected(Settings::default()).await;
    let keyspace = db.session(token()).as_context().keyspace("default");
    let object = keyspace.object("k").unwrap();
    let updates = vec![crate::raw::Update { object: object.clone().field("f"), op: crate::raw::Op::Delete }];
    let (receipt, write) = tokio::join!(keyspace.submit(updates.clone()), server.take());
    receipt.unwrap();
    assert_eq!((write.updates, write.seen, write.session), (updates, Seen::Session, needs(5000)));
    let answer = Answer::Kinds(vec![Kind::Set]);
    let (answered, asked) = tokio::join!(shop.query(object.clone(), Query::Kinds), server.reply(answer.clone()));
    assert_eq!((answered, asked), (Ok(answer), (None, object, Query::Kinds)));
    let refused: WriteError = shop.submit(Vec::new()).await.unwrap_err();
    assert_eq!(refused.name(), "InvalidArgument");
    assert_eq!(db.keyspace("nowhere").object("k").unwrap_err().name, "nowhere");
}
