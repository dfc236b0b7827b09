//! What every handle's methods become on the wire: a table of operations and a table of questions, each tried directly, in
//! a field of a map, and in a batch or transaction.

use std::time::Duration;

use bytes::Bytes;
use halcyon_crdt::{Answer, End, Item, Kind, Op, Page, PageRequest, Place, Query, Scored, Side, Update, position};
use halcyon_types::limits::PAGE_ITEMS_MAX;
use halcyon_types::{ActorId, Hlc, RegionId, UnixMs};

use super::at;
use crate::config::Settings;
use crate::fake::connected;
use crate::{Direction, Holder, Holders, ListItem, Position, Spot};

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// Text as `MessagePack`.
fn packed(text: &str) -> Bytes {
    rmp_serde::to_vec_named(text).unwrap().into()
}

fn clear(kind: Kind) -> Op {
    Op::Clear { kind }
}

fn push(end: End, values: &[&str]) -> Op {
    Op::Push { end, values: values.iter().map(|value| packed(value)).collect() }
}

/// Each operation is one update wherever it is done.
macro_rules! operations {
    ($($handle:ident $name:ident ($($arg:expr),*) => $op:expr;)+) => {
        #[tokio::test(start_paused = true)]
        async fn every_operation_is_this_update_directly_in_a_field_and_in_a_batch() {
            let (_db, shop, _region, mut server) = connected(Settings::default()).await;
            let (mut batch, mut expected) = (shop.batch(), Vec::new());
            $(
                let case = concat!(stringify!($handle), ".", stringify!($name));
                let op: Op = $op;
                let (direct, field) = (shop.$handle("k"), shop.map("k").field("f").$handle());
                let (receipt, write) = tokio::join!(direct.$name($($arg),*), server.take());
                receipt.expect(case);
                assert_eq!(write.updates, [Update { object: at("k", &[]), op: op.clone() }], "{case}");
                let (receipt, write) = tokio::join!(field.$name($($arg),*), server.take());
                receipt.expect(case);
                let update = Update { object: at("k", &["f"]), op: op.clone() };
                assert_eq!(write.updates, std::slice::from_ref(&update), "{case} in a field");
                batch.$handle("k").$name($($arg),*);
                batch.map("k").field("f").$handle().$name($($arg),*);
                expected.extend([Update { object: at("k", &[]), op }, update]);
            )+
            let (receipt, write) = tokio::join!(batch.commit(), server.take());
            receipt.unwrap();
            assert_eq!(write.updates, expected);
        }
    };
}

operations! {
    counter add(5) => Op::Add { amount: 5 };
    counter reset() => clear(Kind::Counter);
    register set("v") => Op::Set { value: packed("v"), ttl_ms: None };
    register set_for("v", Duration::from_micros(1_500_900)) => Op::Set { value: packed("v"), ttl_ms: Some(1500) };
    register set_bytes("raw") => Op::Set { value: bytes("raw"), ttl_ms: None };
    register delete() => clear(Kind::Register);
    mv_register set("v") => Op::SetMv { value: packed("v") };
    mv_register set_bytes("raw") => Op::SetMv { value: bytes("raw") };
    mv_register delete() => clear(Kind::MvRegister);
    flag enable() => Op::Enable;
    flag disable() => clear(Kind::Flag);
    set add("x") => Op::Insert { element: bytes("x") };
    set remove("x") => Op::Remove { element: bytes("x") };
    set clear() => clear(Kind::Set);
    sorted_set add("m", 1.5) => Op::Score { member: bytes("m"), score: 1.5 };
    sorted_set increment("m", -2.0) => Op::AddScore { member: bytes("m"), amount: -2.0 };
    sorted_set remove("m") => Op::RemoveMember { member: bytes("m") };
    sorted_set clear() => clear(Kind::SortedSet);
    list push_back("a") => push(End::Back, &["a"]);
    list push_front("a") => push(End::Front, &["a"]);
    list push_back_all(["a", "b"]) => push(End::Back, &["a", "b"]);
    list push_front_all(["a", "b"]) => push(End::Front, &["a", "b"]);
    list insert_before(Spot::value("x"), "a") =>
        Op::InsertAt { place: Place::Value(packed("x")), side: Side::Before, values: vec![packed("a")] };
    list insert_after(-1, "a") =>
        Op::InsertAt { place: Place::Index(-1), side: Side::After, values: vec![packed("a")] };
    list set(1_i64 << 40, "a") => Op::SetAt { place: Place::Index(1 << 40), value: packed("a") };
    list remove(0) => Op::RemoveAt { place: Place::Index(0) };
    list move_to_front(-1) => Op::MoveTo { place: Place::Index(-1), end: End::Front };
    list move_to_back(Spot::value("x")) => Op::MoveTo { place: Place::Value(packed("x")), end: End::Back };
    list clear() => clear(Kind::List);
    hyperloglog add("x") => Op::Observe { elements: vec![bytes("x")] };
    hyperloglog add_all(["x", "y"]) => Op::Observe { elements: vec![bytes("x"), bytes("y")] };
    hyperloglog clear() => clear(Kind::HyperLogLog);
    bounded_counter increase(3) => Op::Raise { amount: 3 };
    bounded_counter decrease(2) => Op::Spend { amount: 2 };
    bounded_counter transfer("us-east", 1) => Op::Transfer { to: RegionId::try_from(1).unwrap(), amount: 1 };
    bounded_counter delete() => clear(Kind::BoundedCounter);
    map clear() => clear(Kind::Map);
}

/// What a question asks and what its answer reads as, directly and in a transaction.
macro_rules! questions {
    ($($handle:ident $name:ident $(::<$type:ty>)? ($($arg:expr),*) : $query:expr, $answer:expr => $result:expr;)+) => {
        #[tokio::test(start_paused = true)]
        async fn every_question_is_asked_and_answered_so_directly_and_in_a_transaction() {
            let (_db, shop, _region, mut server) = connected(Settings::default()).await;
            let (tx, ()) = tokio::join!(shop.begin(), server.begun(3));
            let mut tx = tx.unwrap();
            $(
                let case = concat!(stringify!($handle), ".", stringify!($name));
                let query: Query = $query;
                let handle = shop.$handle("k");
                let (result, (within, object, asked)) =
                    tokio::join!(handle.$name $(::<$type>)? ($($arg),*), server.reply($answer));
                assert_eq!((within, object, asked), (None, at("k", &[]), query.clone()), "{case}");
                assert_eq!(result.expect(case), $result, "{case}");
                let handle = tx.$handle("k");
                let (result, (within, object, asked)) =
                    tokio::join!(handle.$name $(::<$type>)? ($($arg),*), server.reply($answer));
                assert_eq!(within.map(|within| within.transaction.0), Some(3), "{case}");
                assert_eq!((object, asked), (at("k", &[]), query), "{case} in a transaction");
                assert_eq!(result.expect(case), $result, "{case} in a transaction");
            )+
        }
    };
}

fn whole() -> PageRequest {
    PageRequest { after: None, items_max: u32::try_from(PAGE_ITEMS_MAX).unwrap() }
}

fn some(after: &'static str) -> PageRequest {
    PageRequest { after: Some(bytes(after)), items_max: 2 }
}

fn page<T>(items: impl IntoIterator<Item = T>) -> Page<T> {
    Page { items: items.into_iter().collect(), next: None }
}

fn scored(member: &'static str, score: f64) -> Scored {
    Scored { member: bytes(member), score }
}

fn item(value: &str) -> Item {
    Item { position: bytes("p"), value: packed(value) }
}

fn read<T>(value: T) -> ListItem<T> {
    ListItem { position: Position::from_bytes("p"), value }
}

fn by_rank(first: i64, last: i64, reverse: bool, page: PageRequest) -> Query {
    Query::ByRank { first, last, reverse, page }
}

fn by_score(min: f64, max: f64, reverse: bool, page: PageRequest) -> Query {
    Query::ByScore { min, max, reverse, page }
}

fn holder(region: Option<&str>, number: u64, rights: i128) -> Holder {
    let region = region.map(|region| region.parse().unwrap());
    Holder { region, actor: ActorId::from_u64(number << 48 | 5), rights }
}

questions! {
    counter get(): Query::Sum, Answer::Sum(None) => 0;
    counter find(): Query::Sum, Answer::Sum(Some(-7)) => Some(-7);
    register get::<String>(): Query::Get, Answer::Value(Some(packed("v"))) => Some("v".to_owned());
    register get_bytes(): Query::Get, Answer::Value(None) => None;
    mv_register values::<String>(): Query::Values, Answer::Values(vec![packed("a"), packed("b")]) => ["a", "b"];
    mv_register values_bytes(): Query::Values, Answer::Values(vec![bytes("raw")]) => [bytes("raw")];
    flag is_enabled(): Query::IsEnabled, Answer::Is(true) => true;
    set contains("x"): Query::Contains { element: bytes("x") }, Answer::Is(true) => true;
    set members(): Query::Elements(whole()), Answer::Page(page([bytes("a")])) => [bytes("a")];
    set page(Some(b"a"), 2): Query::Elements(some("a")), Answer::Page(page([bytes("b")])) => page([bytes("b")]);
    map fields(): Query::Fields(whole()), Answer::Page(page([bytes("f")])) => [bytes("f")];
    map page(Some(b"a"), 2): Query::Fields(some("a")), Answer::Page(page([])) => page([]);
    sorted_set score("m"): Query::Score { member: bytes("m") }, Answer::Score(Some(1.5)) => Some(1.5);
    sorted_set rank("m"): Query::Rank { member: bytes("m"), reverse: false }, Answer::Rank(Some(4)) => Some(4);
    sorted_set rank_reverse("m"): Query::Rank { member: bytes("m"), reverse: true }, Answer::Rank(None) => None;
    sorted_set by_rank(0..10, Direction::Descending): by_rank(0, 9, true, whole()),
        Answer::Scored(page([scored("m", 2.0)])) => [scored("m", 2.0)];
    sorted_set page_by_rank(-3.., Direction::Ascending, Some(b"c"), 2): by_rank(-3, -1, false, some("c")),
        Answer::Scored(page([])) => page([]);
    sorted_set by_score(1.0..=2.0, Direction::Ascending): by_score(1.0, 2.0, false, whole()),
        Answer::Scored(page([scored("m", 2.0)])) => [scored("m", 2.0)];
    sorted_set page_by_score(..2.0, Direction::Descending, Some(b"c"), 2):
        by_score(f64::MIN, 2.0_f64.next_down(), true, some("c")), Answer::Scored(page([])) => page([]);
    list get::<String>(-1): Query::Range { first: -1, last: -1, page: PageRequest { after: None, items_max: 1 } },
        Answer::Items(page([item("a")])) => Some("a".to_owned());
    list range::<String>(..): Query::Range { first: 0, last: -1, page: whole() },
        Answer::Items(page([item("a"), item("b")])) => ["a", "b"];
    list items::<String>(1..): Query::Range { first: 1, last: -1, page: whole() },
        Answer::Items(page([item("a")])) => [read("a".to_owned())];
    list page::<String>(..=4, Some(b"c"), 2): Query::Range { first: 0, last: 4, page: some("c") },
        Answer::Items(page([item("a")])) => page([read("a".to_owned())]);
    list page_bytes(.., Some(b"c"), 2): Query::Range { first: 0, last: -1, page: some("c") },
        Answer::Items(page([item("a")])) => page([read(packed("a"))]);
    hyperloglog estimate(): Query::Estimate, Answer::Count(12) => 12;
    bounded_counter value(): Query::Value, Answer::Sum(Some(9)) => 9;
    bounded_counter rights(): Query::Rights,
        Answer::Rights(vec![(ActorId::from_u64(1 << 48 | 5), 7), (ActorId::from_u64(9 << 48 | 5), 2)]) =>
        Holders(vec![holder(Some("us-east"), 1, 7), holder(None, 9, 2)]);
    key deadline(): Query::Deadline, Answer::Deadline(Some(UnixMs(5))) => Some(UnixMs(5));
    key ttl(): Query::Deadline, Answer::Deadline(Some(UnixMs(5))) => Some(Duration::ZERO);
    key kinds(): Query::Kinds, Answer::Kinds(vec![Kind::Set]) => [Kind::Set];
}

#[tokio::test(start_paused = true)]
async fn an_empty_range_asks_nobody() {
    let (_db, shop, _region, server) = connected(Settings::default()).await;
    assert_eq!(shop.sorted_set("z").by_rank(..0, Direction::Ascending).await, Ok(vec![]));
    assert_eq!(shop.list("l").range::<u8>(..0).await, Ok(vec![]));
    assert!(server.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn an_element_is_named_by_the_position_that_a_page_told() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let told = position::between(None, None, ActorId::from_u64(1 << 48), 0, Hlc::from_u64(1 << 20)).unwrap();
    let list = shop.list("l");
    let answer = Answer::Items(page([Item { position: told.as_bytes().clone(), value: packed("a") }]));
    let (items, _) = tokio::join!(list.items::<String>(..), server.reply(answer));
    let position = items.unwrap().remove(0).position;
    let (removed, write) = tokio::join!(list.remove(&position), server.take());
    removed.unwrap();
    assert_eq!(write.updates[0].op, Op::RemoveAt { place: Place::Position(told.as_bytes().clone()) });
}

#[tokio::test(start_paused = true)]
async fn keys_and_maps_as_a_whole_are_these_updates() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let mut batch = shop.batch();
    batch.key("k").expire(Duration::from_secs(2)).persist().delete();
    batch.delete("k");
    batch.map("k").remove("f").remove("g");
    batch.map("k").map("f").map("g").field("h").delete();
    batch.note(Update { object: at("raw", &[]), op: Op::Enable });
    let expected = [
        (at("k", &[]), Op::Expire { ttl_ms: 2000 }),
        (at("k", &[]), Op::Persist),
        (at("k", &[]), Op::Delete),
        (at("k", &[]), Op::Delete),
        (at("k", &["f"]), Op::Delete),
        (at("k", &["g"]), Op::Delete),
        (at("k", &["f", "g", "h"]), Op::Delete),
        (at("raw", &[]), Op::Enable),
    ]
    .map(|(object, op)| Update { object, op });
    let (receipt, write) = tokio::join!(batch.commit(), server.take());
    receipt.unwrap();
    assert_eq!(write.updates, expected);
    let (map, key) = (shop.map("k"), shop.key("k"));
    for (op, object) in [(Op::Delete, at("k", &["f"])), (Op::Expire { ttl_ms: 7 }, at("k", &[]))] {
        let (receipt, write) = tokio::join!(
            async { if op == Op::Delete { map.remove("f").await } else { key.expire(Duration::from_millis(7)).await } },
            server.take()
        );
        receipt.unwrap();
        assert_eq!(write.updates, [Update { object, op }]);
    }
}
