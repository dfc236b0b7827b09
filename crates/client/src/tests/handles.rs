//! What the typed handles ask, and what they make of the answers.

use std::time::Duration;

use bytes::Bytes;
use halcyon_crdt::query::{Answer, Page, PageRequest, Query};
use halcyon_crdt::{Object, Op, Update};
use halcyon_types::limits::{KEY_BYTES_MAX, UPDATES_MAX};
use halcyon_types::{KeyspaceId, VersionVector};
use halcyon_wire::{Body, Outcome};

use crate::config::Settings;
use crate::error::{ReadError, WriteError};
use crate::fake::{cluster, connected, settle, written};
use crate::{Client, SessionToken};

fn at(key: &str, path: &[&str]) -> Object {
    let mut object = Object::new(KeyspaceId::try_from(10).unwrap(), key.to_owned());
    for field in path {
        object = object.field((*field).to_owned());
    }
    object
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_one_write_with_its_updates_in_order() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let id = crate::request_id();
    let mut batch = shop.batch().request(id);
    batch.counter("c").add(5).reset();
    batch.set("s").add("x").remove("y");
    batch.register("r").set(&7_u8).set_bytes("raw").delete();
    batch.map("m").map("inner").counter("n").add(-1);
    batch.map("m").register("r").set("v");
    batch.map("m").set("s").add("e");
    batch.map("m").remove("gone");
    batch.delete("k");
    assert_eq!(batch.len(), 12);
    let committing = tokio::spawn(batch.commit());
    let (request, write) = server.write().await;
    assert_eq!(write.request, id);
    let expected = [
        (at("c", &[]), Op::Add { amount: 5 }),
        (at("c", &[]), Op::Reset),
        (at("s", &[]), Op::Insert { element: bytes("x") }),
        (at("s", &[]), Op::Remove { element: bytes("y") }),
        (at("r", &[]), Op::Set { value: Bytes::from_static(&[7]) }),
        (at("r", &[]), Op::Set { value: bytes("raw") }),
        (at("r", &[]), Op::Unset),
        (at("m", &["inner", "n"]), Op::Add { amount: -1 }),
        (at("m", &["r"]), Op::Set { value: Bytes::from_static(&[0xA1, b'v']) }),
        (at("m", &["s"]), Op::Insert { element: bytes("e") }),
        (at("m", &["gone"]), Op::Delete),
        (at("k", &[]), Op::Delete),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(object, op)| Update { object, op }).collect();
    assert_eq!(write.updates, expected);
    server.answer(request, written(id));
    committing.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_every_region_would_refuse_is_refused_before_it_is_sent() {
    let (_db, shop, _region, server) = connected(Settings::default()).await;
    let long = "k".repeat(KEY_BYTES_MAX + 1);
    let name = |result: Result<_, WriteError>| result.map(|_: crate::Receipt| ()).unwrap_err().name();
    assert_eq!(name(shop.counter(&long).add(1).await), "InvalidArgument");
    assert_eq!(name(shop.set("s").add("").await), "InvalidArgument");
    assert_eq!(name(shop.batch().commit().await), "InvalidArgument");
    let mut many = shop.batch();
    for _ in 0..=UPDATES_MAX {
        many.counter("k").add(1);
    }
    assert_eq!(name(many.commit().await), "TooLarge");
    let mut large = shop.batch();
    for i in 0..5 {
        large.register(format!("r{i}")).set_bytes(vec![0; 250 * 1024]);
    }
    assert_eq!(name(large.commit().await), "TooLarge");
    let mut unencodable = shop.batch();
    unencodable.counter("k").add(1);
    unencodable.register("r").set(&Unencodable);
    assert_eq!(name(unencodable.commit().await), "Encode");
    assert_eq!(name(shop.register("r").set(&Unencodable).await), "Encode");
    settle().await;
    assert!(server.is_quiet());
}

struct Unencodable;

impl serde::Serialize for Unencodable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_keyspace_is_told_by_the_first_operation() {
    let (db, _shop, _region, server) = connected(Settings::default()).await;
    let nowhere = db.keyspace("nowhere");
    let refused = "there is no keyspace \"nowhere\" in regions.toml; it has: default";
    assert_eq!(nowhere.counter("k").get().await.unwrap_err().to_string(), refused);
    assert_eq!(nowhere.counter("k").add(1).await.unwrap_err().to_string(), refused);
    let mut batch = nowhere.batch();
    batch.counter("k").add(1);
    assert_eq!(batch.commit().await.unwrap_err().name(), "UnknownKeyspace");
    assert!(server.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn a_sessions_reads_carry_its_token_and_its_patience() {
    let (db, _shop, _region, mut server) = connected(Settings::default()).await;
    let token: SessionToken = "1.5:3".parse().unwrap();
    let session = db.session(token.clone()).wait(Duration::from_secs(7));
    let reading = tokio::spawn({
        let counter = session.counter("k");
        async move { counter.get().await }
    });
    let request = server.next().await.unwrap();
    let Body::Read { session: carried, wait_ms, object, query } = request.body else { panic!("not a read") };
    assert_eq!((carried.as_ref(), wait_ms), (Some(token.as_vector()), 7000));
    assert_eq!((object, query), (at("k", &[]), Query::Sum));
    // The region takes its time; the request's own patience comes on top of the session's.
    tokio::time::sleep(Duration::from_secs(11)).await;
    server.answer(request.id, Ok(Outcome::Answer(Answer::Sum(None))));
    assert_eq!(reading.await.unwrap(), Ok(0));

    let waiting = tokio::spawn(async move { session.token().await });
    let request = server.next().await.unwrap();
    assert!(matches!(request.body, Body::Token { session: Some(_), wait_ms: 7000 }));
    let seen = VersionVector::from(token.clone());
    server.answer(request.id, Ok(Outcome::Token(seen)));
    assert_eq!(waiting.await.unwrap(), Ok(token));
}

#[tokio::test(start_paused = true)]
async fn a_session_speaks_of_the_only_keyspace_or_of_the_default_one() {
    for (keyspaces, expected) in
        [(&["stock"][..], Some(10)), (&["stock", "default"][..], Some(11)), (&["a", "b"][..], None)]
    {
        let (net, [region]) = cluster(["us-east"]);
        let db = net.connect_to(keyspaces, &Settings::default()).await.unwrap();
        let mut server = region.accept().await;
        let reading = tokio::spawn(async move { db.session(SessionToken::new()).set("s").contains("x").await });
        if let Some(expected) = expected {
            let request = server.next().await.unwrap();
            assert!(matches!(request.body, Body::Read { object, .. } if object.keyspace.get() == expected));
            server.answer(request.id, Ok(Outcome::Answer(Answer::Is(true))));
            assert_eq!(reading.await.unwrap(), Ok(true));
        } else {
            assert!(matches!(reading.await.unwrap(), Err(ReadError::UnknownKeyspace(_))));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn members_asks_page_after_page() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let set = shop.set("s");
    let reading = tokio::spawn(async move { set.members().await });
    for (after, items, next) in [(None, ["a", "b"], Some("b")), (Some("b"), ["c", "d"], None)] {
        let request = server.next().await.unwrap();
        let asked = match request.body {
            Body::Read { query: Query::Elements(PageRequest { after, .. }), .. } => after,
            other => panic!("{other:?}"),
        };
        assert_eq!(asked, after.map(bytes));
        let page = Page { items: items.map(bytes).to_vec(), next: next.map(bytes) };
        server.answer(request.id, Ok(Outcome::Answer(Answer::Page(page))));
    }
    assert_eq!(reading.await.unwrap().unwrap(), ["a", "b", "c", "d"].map(bytes));
}

#[tokio::test(start_paused = true)]
async fn a_register_reads_as_its_type_or_says_why_not() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let stored = rmp_serde::to_vec_named(&("576080", 12_u32)).unwrap();
    let answers = [Some(stored.clone()), None, Some(stored)];
    let register = shop.register("r");
    let reading = tokio::spawn(async move {
        (register.get::<(String, u32)>().await, register.get::<(String, u32)>().await, register.get::<bool>().await)
    });
    for answer in answers {
        let request = server.next().await.unwrap();
        server.answer(request.id, Ok(Outcome::Answer(Answer::Value(answer.map(Bytes::from)))));
    }
    let (there, absent, other) = reading.await.unwrap();
    assert_eq!(there, Ok(Some(("576080".to_owned(), 12))));
    assert_eq!(absent, Ok(None));
    assert!(matches!(other, Err(ReadError::Decode { .. })));
}

#[test]
fn futures_and_handles_go_from_thread_to_thread() {
    fn is_send<T: Send>(_: &T) {}
    fn is_shared<T: Send + Sync>() {}
    #[expect(unused, reason = "only its types are of interest")]
    fn all(db: &Client, shop: &crate::Keyspace, config: crate::Config) {
        // A value that may not cross threads may still be written: it is encoded before the first await.
        is_send(&shop.counter("k").add(1));
        is_send(&shop.register("k").set("v"));
        is_send(&shop.register("k").get::<u8>());
        is_send(&shop.map("k").set("f").members());
        is_send(&shop.batch().commit());
        is_send(&db.token());
        is_send(&Client::connect(config));
    }
    is_shared::<Client>();
    is_shared::<crate::Session>();
    is_shared::<crate::Map>();
    is_shared::<crate::Batch>();
    is_shared::<WriteError>();
}
