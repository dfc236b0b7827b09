//! Transactions over the wire: a snapshot, what was buffered, one commit.

use bytes::Bytes;
use halcyon_crdt::{Answer, End, Op, Page, PageRequest, Query, Update};
use halcyon_types::KeyspaceId;
use halcyon_wire::{Body, Check, Outcome, Refusal, Seen, Session, TransactionId, Within};

use crate::world::{Client, World, object, set, write};

async fn begin(client: &mut Client) -> TransactionId {
    match client.ask(Body::Begin { session: Session::default() }).await {
        Ok(Outcome::Begun { transaction, .. }) => transaction,
        other => panic!("{other:?}"),
    }
}

fn update(key: &str, op: Op) -> Update {
    Update { object: object(key), op }
}

async fn read(
    client: &mut Client,
    id: TransactionId,
    updates: &[Update],
    key: &str,
    query: Query,
) -> Result<Answer, Refusal> {
    let within = Some(Within { transaction: id, updates: updates.to_vec() });
    match client.ask(Body::Read { session: Session::default(), within, object: object(key), query }).await? {
        Outcome::Answer(answer) => Ok(answer),
        other => panic!("{other:?}"),
    }
}

fn value(value: &'static str) -> Answer {
    Answer::Value(Some(Bytes::from_static(value.as_bytes())))
}

#[tokio::test]
async fn a_transaction_sees_its_snapshot_and_its_own_buffer_and_nothing_else() {
    let mut world = World::start(1).await;
    let client = &mut world.clients[0];
    client.write("k", set("before")).await.unwrap();
    client.write("n", Op::Add { amount: 5 }).await.unwrap();
    let id = begin(client).await;
    client.write("k", set("outside")).await.unwrap();
    assert_eq!(read(client, id, &[], "k", Query::Get).await, Ok(value("before")));
    let push = |text: &'static str| Op::Push { end: End::Back, values: vec![Bytes::from_static(text.as_bytes())] };
    let buffer = [
        update("k", set("buffered")),
        update("n", Op::Add { amount: 2 }),
        update("l", push("x")),
        update("l", push("y")),
    ];
    assert_eq!(read(client, id, &buffer[..1], "k", Query::Get).await, Ok(value("buffered")));
    assert_eq!(read(client, id, &buffer[1..2], "n", Query::Sum).await, Ok(Answer::Sum(Some(7))));
    let range = Query::Range { first: 0, last: -1, page: PageRequest { after: None, items_max: 9 } };
    let Ok(Answer::Items(page)) = read(client, id, &buffer[2..], "l", range).await else { panic!() };
    assert_eq!(page.items.iter().map(|item| &item.value[..]).collect::<Vec<_>>(), [b"x", b"y"]);
    // Nothing of it is there for others.
    assert_eq!(client.read("k", Query::Get).await, Ok(value("outside")));
    assert_eq!(client.read("n", Query::Sum).await, Ok(Answer::Sum(Some(5))));
    // A buffer that could not be committed is refused when it is read.
    let spend = [update("stock", Op::Spend { amount: 1 })];
    let refused = read(client, id, &spend, "stock", Query::Value).await;
    assert!(matches!(refused, Err(Refusal::InsufficientRights { .. })), "{refused:?}");
    let seen = Seen::Transaction { transaction: id, checks: Vec::new() };
    client.commit(write(seen, buffer.to_vec())).await.unwrap();
    assert_eq!(client.read("n", Query::Sum).await, Ok(Answer::Sum(Some(7))));
    assert_eq!(client.read("k", Query::Get).await, Ok(value("buffered")), "the later stamp");
}

#[tokio::test]
async fn a_commit_is_refused_if_what_it_checks_has_changed_and_answered_again_if_it_is_retried() {
    let mut world = World::start(1).await;
    let client = &mut world.clients[0];
    client.write("k", set("before")).await.unwrap();
    let checks = || vec![Check { object: object("k"), query: Query::Get }];
    let id = begin(client).await;
    client.write("k", set("meanwhile")).await.unwrap();
    let seen = Seen::Transaction { transaction: id, checks: checks() };
    assert_eq!(client.commit(write(seen, vec![update("n", Op::Enable)])).await, Err(Refusal::Changed { index: 0 }));
    let id = begin(client).await;
    let again = write(Seen::Transaction { transaction: id, checks: checks() }, vec![update("n", Op::Enable)]);
    let receipt = client.commit(again.clone()).await.unwrap();
    assert_eq!(client.commit(again).await.unwrap().dot, receipt.dot, "a retry, though the transaction has ended");
    let other = write(Seen::Transaction { transaction: id, checks: Vec::new() }, vec![update("n", Op::Enable)]);
    let expired = Refusal::TransactionExpired { transaction: id };
    assert_eq!(client.commit(other).await, Err(expired.clone()));
    assert_eq!(read(client, id, &[], "k", Query::Get).await, Err(expired));
}

#[tokio::test]
async fn open_transactions_are_told_and_end_with_their_connection() {
    let mut world = World::start(1).await;
    let first = begin(&mut world.clients[0]).await;
    begin(&mut world.clients[0]).await;
    assert_eq!(world.clients[0].ask(Body::Abort { transaction: first }).await, Ok(Outcome::Ended));
    assert_eq!(world.status(0).await["queues"]["transactions"], 1);
    assert!(world.http(0, "GET", "/metrics").await.1.contains("halcyon_transactions 1\n"));
    world.clients.clear();
    world.until(0, |status| status["queues"]["transactions"] == 0 && status["queues"]["sessions"] == 0).await;
}

#[tokio::test]
async fn keys_are_scanned_by_their_beginning() {
    let mut world = World::start(1).await;
    let client = &mut world.clients[0];
    for key in ["cart:1", "cart:2", "cart:3", "dog"] {
        client.write(key, Op::Enable).await.unwrap();
    }
    let mut keys = Vec::new();
    let mut after = None;
    loop {
        let page = PageRequest { after, items_max: 2 };
        let body =
            Body::Scan { session: Session::default(), keyspace: KeyspaceId::FIRST, beginning: b"cart:".to_vec(), page };
        let Ok(Outcome::Keys(Page { items, next })) = client.ask(body).await else { panic!() };
        keys.extend(items.into_iter().map(|info| info.key));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(keys, ["cart:1", "cart:2", "cart:3"]);
}
