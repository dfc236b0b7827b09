//! What the typed handles ask, and what they make of the answers.

use std::time::Duration;

use bytes::Bytes;
use halcyon_crdt::{Answer, Page, PageRequest, Query};
use halcyon_types::limits::{KEY_BYTES_MAX, PATH_DEPTH_MAX, TTL_MAX, UPDATES_MAX};
use halcyon_wire::{Body, Outcome};

use crate::config::Settings;
use crate::error::{ReadError, WriteError};
use crate::fake::{cluster, connected, settle};
use crate::{Client, Position, SessionToken, Spot};

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[tokio::test(start_paused = true)]
async fn what_every_region_would_refuse_is_refused_before_it_is_sent() {
    let (_db, shop, _region, server) = connected(Settings::default()).await;
    let long = "k".repeat(KEY_BYTES_MAX + 1);
    let name = |result: Result<_, WriteError>| result.map(|_: crate::Receipt| ()).unwrap_err().name();
    assert_eq!(name(shop.counter(&long).add(1).await), "InvalidArgument");
    assert_eq!(name(shop.set("s").add("").await), "InvalidArgument");
    assert_eq!(name(shop.batch().commit().await), "InvalidArgument");
    assert_eq!(name(shop.sorted_set("z").add("m", f64::NAN).await), "InvalidArgument");
    assert_eq!(name(shop.sorted_set("z").increment("m", f64::INFINITY).await), "InvalidArgument");
    assert_eq!(name(shop.bounded_counter("b").decrease(0).await), "InvalidArgument");
    assert_eq!(name(shop.bounded_counter("b").transfer("mars", 1).await), "UnknownRegion");
    assert_eq!(name(shop.list("l").push_back_all([0_u8; 0]).await), "InvalidArgument");
    assert_eq!(name(shop.list("l").remove(&Position::from_bytes("nonsense")).await), "InvalidArgument");
    assert_eq!(name(shop.list("l").remove(Spot::value(&Unencodable)).await), "Encode");
    assert_eq!(name(shop.hyperloglog("h").add_all([""; 0]).await), "InvalidArgument");
    assert_eq!(name(shop.key("k").expire(Duration::MAX).await), "InvalidArgument");
    assert_eq!(name(shop.register("r").set_for("v", 2 * TTL_MAX).await), "InvalidArgument");
    let deep = (0..PATH_DEPTH_MAX).fold(shop.map("m"), |map, _| map.field("f").map());
    assert_eq!(name(deep.counter("too deep").add(1).await), "InvalidArgument");
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
    let mut elsewhere = shop.batch();
    elsewhere.keyspace("nowhere").counter("k").add(1);
    elsewhere.bounded_counter("b").transfer("mars", 1);
    let told = elsewhere.commit().await.unwrap_err();
    assert_eq!(told.name(), "UnknownKeyspace", "the first that could not be noted: {told}");
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

async fn in_transaction(shop: &crate::Keyspace) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut tx = shop.begin().await?;
    if tx.counter("k").get().await? > 0 {
        tx.map("m").field("f").register().set("v");
    }
    tx.commit().await?;
    Ok(())
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
        is_send(&shop.begin());
        is_send(&shop.sorted_set("z").by_rank(.., crate::Direction::Ascending));
        is_send(&shop.sorted_set("z").by_score(1.0.., crate::Direction::Descending));
        is_send(&shop.list("l").items::<u8>(..));
        is_send(&shop.key("k").delete_in_parts());
        is_send(&in_transaction(shop));
        is_send(&db.token());
        is_send(&Client::connect(config));
    }
    is_shared::<Client>();
    is_shared::<crate::Session>();
    is_shared::<crate::Map>();
    is_shared::<crate::Batch>();
    is_shared::<crate::Transaction>();
    is_shared::<WriteError>();
}
