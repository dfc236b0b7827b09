//! The fault API, as the scenario runner uses it: regions that learn from each other one step at a time.

use halcyon_crdt::{Answer, Query};
use halcyon_types::UnixMs;

use crate::world::{NAMES, World, now, peer, peers, set, vector};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

impl World {
    async fn cut_all(&self) {
        for (at, other) in [(A, B), (A, C), (B, A), (B, C), (C, A), (C, B)] {
            self.fault(at, &format!("link/{}?state=cut", NAMES[other])).await;
        }
    }

    /// Lets `to` learn all that `from` has, or only its own records, and nothing the other way.
    async fn open(&self, from: usize, to: usize, relay: &str) {
        self.fault(from, &format!("link/{}?state=up&direction=out&relay={relay}", NAMES[to])).await;
        self.fault(to, &format!("link/{}?state=up&direction=in", NAMES[from])).await;
    }

    async fn close(&self, from: usize, to: usize) {
        self.fault(from, &format!("link/{}?state=cut&relay=on", NAMES[to])).await;
        self.fault(to, &format!("link/{}?state=cut", NAMES[from])).await;
    }

    /// Waits until `to` has received all of `actors` that `from` has applied.
    async fn received(&self, from: usize, to: usize, actors: &[&String]) {
        let there = vector(&self.status(from).await, "vv");
        let all = |status: &serde_json::Value| {
            let here = vector(status, "received");
            let has = |actor: &&String| here.get(*actor) >= there.get(*actor);
            actors.iter().all(has) && status["queues"]["jobs"] == 0
        };
        self.until(to, all).await;
    }
}

#[tokio::test]
async fn a_region_catches_up_from_another_one_step_at_a_time() {
    let mut world = World::start(3).await;
    world.background("off").await;
    world.cut_all().await;
    for at in [A, B, C] {
        let dark = world.status(at).await;
        assert!(peers(&dark).all(|peer| peer["link_in"] == false && peer["link_out"] == false), "at once: {dark:#}");
    }
    let actors = [world.actor(A).await, world.actor(B).await, world.actor(C).await];
    let [a, b, c] = &actors;
    world.clients[A].write("k", set("from-a")).await.unwrap();
    world.clients[B].write("other", set("from-b")).await.unwrap();
    world.clients[C].write("c", set("from-c")).await.unwrap();

    world.open(A, B, "on").await;
    world.received(A, B, &[a]).await;
    world.close(A, B).await;
    assert_eq!(world.clients[B].read("k", Query::Get).await, Ok(Answer::Value(Some("from-a".into()))));
    assert!(!vector(&world.status(A).await, "received").contains_key(b), "and A has learned nothing from B");

    // What C wrote comes to B by A; B's own goes nowhere.
    world.open(C, A, "on").await;
    world.received(C, A, &[c]).await;
    world.close(C, A).await;
    world.clients[A].write("k", set("after-c")).await.unwrap();

    // A's own records alone: the second waits for C's, and is lost with the link.
    world.open(A, B, "off").await;
    world.received(A, B, &[a]).await;
    let waits = world.status(B).await;
    assert_eq!((vector(&waits, "received")[a], vector(&waits, "vv")[a]), (2, 1), "{waits:#}");
    assert_eq!(peer(&waits, A)["pending_records"], 1);
    world.close(A, B).await;
    let lost = world.status(B).await;
    assert_eq!((vector(&lost, "received")[a], vector(&lost, "vv")[a]), (1, 1), "{lost:#}");
    assert!(!vector(&lost, "received").contains_key(c));

    // With what A relays, both come.
    world.open(A, B, "on").await;
    world.received(A, B, &[a, c]).await;
    world.close(A, B).await;
    assert_eq!(world.clients[B].read("k", Query::Get).await, Ok(Answer::Value(Some("after-c".into()))));
    assert!(!vector(&world.status(A).await, "received").contains_key(b));

    for (at, other) in [(A, B), (A, C), (B, A), (B, C), (C, A), (C, B)] {
        world.fault(at, &format!("link/{}?state=up", NAMES[other])).await;
    }
    let mut digests = Vec::new();
    for at in [A, B, C] {
        world
            .until(at, |status| [a, b, c].map(|actor| vector(status, "vv").get(actor).copied()) == [2, 1, 1].map(Some))
            .await;
        digests.push(world.clients[at].digest(now()).await);
    }
    assert!(digests.iter().all(|digest| *digest == digests[0]));
}

#[tokio::test]
async fn a_cut_known_to_one_end_only_heals_as_well() {
    let mut world = World::start(2).await;
    for round in 1..=3 {
        world.fault(A, "link/eu-west?state=cut").await;
        world.clients[A].write("k", set("x")).await.unwrap();
        world.clients[B].write("k", set("y")).await.unwrap();
        world.fault(A, "link/eu-west?state=up").await;
        for at in [A, B] {
            world
                .until(at, |status| {
                    vector(status, "vv").values().all(|seq| *seq == round) && vector(status, "vv").len() == 2
                })
                .await;
        }
    }
}

#[tokio::test]
async fn a_test_clock_stamps_and_ends_keys_and_request_ids_go_by_the_real_one() {
    let mut world = World::start(1).await;
    world.background("off").await;
    let status = world.status(A).await;
    let base = status["hlc_ms"].as_u64().unwrap().max(status["wall_ms"].as_u64().unwrap()) + 48 * 3_600_000;
    world.fault(A, &format!("clock?ms={base}")).await;
    world.clients[A].write("k", set("x")).await.unwrap();
    world.clients[A].write("k", halcyon_crdt::Op::Expire { ttl_ms: 1000 }).await.unwrap();
    let ends = Answer::Deadline(Some(UnixMs(base + 1000)));
    assert_eq!(world.clients[A].read("k", Query::Deadline).await, Ok(ends));
    assert_eq!(world.status(A).await["wall_ms"], base);
    world.fault(A, &format!("clock?ms={}", base + 1000)).await;
    assert_eq!(world.clients[A].read("k", Query::Get).await, Ok(Answer::Value(None)), "it has ended");
    world.clients[A].write("later", set("z")).await.unwrap();
    world.fault(A, "clock").await;
    let back = world.status(A).await;
    assert!(back["wall_ms"].as_u64().unwrap() < base, "the real clock is back: {back:#}");
    assert!(back["hlc_ms"].as_u64().unwrap() >= base, "stamps never go back");
    let still = world.clients[A].read("k", Query::Get).await;
    assert_eq!(still, Ok(Answer::Value(None)), "nor do reads: what has ended does not come back");
    world.clients[A].write("k", set("y")).await.unwrap();
    assert_eq!(world.clients[A].read("k", Query::Get).await, Ok(Answer::Value(Some("y".into()))));
}

#[tokio::test]
async fn faults_that_say_nothing_are_refused() {
    let world = World::start(1).await;
    for path in ["/fault/background", "/fault/background?state=maybe"] {
        assert_eq!(world.http(A, "POST", path).await.0, 400, "{path}");
    }
}
