//! What nobody asked for: rights that move to where they are spent, and what has expired being cleared away.

use halcyon_crdt::{Answer, Op, Query};
use halcyon_wire::Refusal;

use crate::world::{PATIENCE, World, now, set};

const A: usize = 0;
const B: usize = 1;

async fn raise(world: &mut World, amount: u64) {
    world.clients[A].write("stock", Op::Raise { amount }).await.unwrap();
    let raised =
        async { while world.clients[B].read("stock", Query::Value).await != Ok(Answer::Sum(Some(amount.into()))) {} };
    tokio::time::timeout(PATIENCE, raised).await.expect("replicated");
}

#[tokio::test]
async fn rights_come_to_where_they_are_spent() {
    let mut world = World::start(2).await;
    raise(&mut world, 90).await;
    let spent = async {
        loop {
            match world.clients[B].write("stock", Op::Spend { amount: 10 }).await {
                Ok(_) => return,
                Err(Refusal::InsufficientRights { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, spent).await.expect("granted");
    assert_eq!(world.clients[B].read("stock", Query::Value).await, Ok(Answer::Sum(Some(80))));
    assert!(world.status(B).await["background"]["asked"].as_u64() >= Some(1));
    assert!(world.status(A).await["background"]["granted"].as_u64() >= Some(1));
}

#[tokio::test]
async fn without_background_rights_stay_where_they_are() {
    let mut world = World::start(2).await;
    world.background("off").await;
    raise(&mut world, 90).await;
    for _ in 0..100 {
        let refused = world.clients[B].write("stock", Op::Spend { amount: 10 }).await;
        assert!(matches!(refused, Err(Refusal::InsufficientRights { .. })), "{refused:?}");
    }
    let status = world.status(B).await;
    assert_eq!((&status["background"]["asked"], &status["background"]["on"]), (&0.into(), &false.into()));
}

#[tokio::test]
async fn keys_that_have_ended_are_cleared_away_everywhere() {
    let mut world = World::start(2).await;
    for n in 0..20 {
        let key = format!("k{n}");
        world.clients[A].write(&key, set("x")).await.unwrap();
        world.clients[A].write(&key, Op::Expire { ttl_ms: 1 }).await.unwrap();
    }
    world.until(A, |status| status["background"]["swept"].as_u64() >= Some(1)).await;
    for at in [A, B] {
        let client = &mut world.clients[at];
        let cleared = async { while client.digest(now()).await.1 > 0 {} };
        tokio::time::timeout(PATIENCE, cleared).await.expect("cleared");
    }
    assert_eq!(world.status(B).await["background"]["swept"], 0, "by one region");
}
