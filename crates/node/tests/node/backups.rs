//! Copies of all rows: who may have one, what it shows, how many there are at a time.

use bytes::Bytes;
use halcyon_crdt::Op;
use halcyon_net::Role;
use halcyon_wire::{Body, CopyPage, Outcome, Refusal};

use crate::world::{Client, PATIENCE, World};

async fn admin(world: &World) -> Client {
    world.dial(0, Role::Admin("admin".parse().unwrap())).await
}

async fn page(client: &mut Client, place: &[u8]) -> Result<CopyPage, Refusal> {
    match client.ask(Body::Copy { place: Bytes::copy_from_slice(place) }).await? {
        Outcome::Page(page) => Ok(page),
        other => panic!("{other:?}"),
    }
}

/// The rest of a copy.
async fn rest(client: &mut Client, first: CopyPage) -> Vec<CopyPage> {
    let mut pages = vec![first];
    while let Some(next) = pages.last().and_then(|page| page.next.clone()) {
        pages.push(page(client, &next).await.unwrap());
    }
    pages
}

async fn fill(client: &mut Client, keys: usize) {
    for key in 0..keys {
        let value = Bytes::from(vec![7; 100_000]);
        client.write(&format!("key {key}"), Op::Set { value, ttl_ms: None }).await.unwrap();
    }
}

#[tokio::test]
async fn a_copy_shows_one_moment_while_writes_go_on() {
    let mut world = World::start(1).await;
    fill(&mut world.clients[0], 8).await;
    let mut copier = admin(&world).await;
    let first = page(&mut copier, &[]).await.unwrap();
    let head = first.head.clone().unwrap();
    assert_eq!(head.vv.get(head.actor).0, 8);
    fill(&mut world.clients[0], 12).await;
    let pages = rest(&mut copier, first).await;
    assert!(pages.len() > 3, "{} pages", pages.len());
    assert!(pages.iter().skip(1).all(|page| page.head.is_none()));
    let whole: Vec<u8> = pages.iter().flat_map(|page| page.entries.to_vec()).collect();
    let holds = |key: &str| whole.windows(key.len()).any(|bytes| bytes == key.as_bytes());
    assert!(holds("key 7") && !holds("key 8"), "what was written meanwhile is not in it");
    let again = page(&mut copier, &[]).await.unwrap();
    assert_eq!(again.head.unwrap().vv.get(head.actor).0, 20, "a new one shows the new moment");
}

#[tokio::test]
async fn a_copy_is_for_admins_and_goes_on_where_it_was() {
    let mut world = World::start(1).await;
    fill(&mut world.clients[0], 8).await;
    let refused = page(&mut world.clients[0], &[]).await;
    assert!(matches!(&refused, Err(Refusal::Forbidden { identity }) if identity.contains("client")), "{refused:?}");
    let mut copier = admin(&world).await;
    assert!(matches!(page(&mut copier, &[0, 1]).await, Err(Refusal::UnknownCursor { .. })), "none was begun");
    let first = page(&mut copier, &[]).await.unwrap();
    assert!(matches!(page(&mut copier, &[7]).await, Err(Refusal::UnknownCursor { .. })), "not the next page");
    let last = rest(&mut copier, first.clone()).await;
    assert!(last.len() > 1);
    assert!(matches!(page(&mut copier, &first.next.unwrap()).await, Err(Refusal::UnknownCursor { .. })), "it is over");
}

#[tokio::test]
async fn two_copies_at_a_time_are_given_out_and_a_third_once_one_has_ended() {
    let mut world = World::start(1).await;
    fill(&mut world.clients[0], 8).await;
    let (mut one, mut two, mut three) = (admin(&world).await, admin(&world).await, admin(&world).await);
    let first = page(&mut one, &[]).await.unwrap();
    page(&mut two, &[]).await.unwrap();
    assert!(matches!(page(&mut three, &[]).await, Err(Refusal::Overloaded { .. })));
    page(&mut two, &[]).await.expect("whoever has one may begin anew");
    // One ends with its last page, the other with its connection.
    rest(&mut one, first).await;
    page(&mut three, &[]).await.expect("there is room");
    drop(two);
    let room = async { while page(&mut one, &[]).await.is_err() {} };
    tokio::time::timeout(PATIENCE, room).await.expect("there is room again");
}
