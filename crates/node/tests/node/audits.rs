//! Audits of real databases: a row that somebody has written behind the committer's back has a right checksum, and is found all
//! the same; and a repair mends it.

use std::ops::ControlFlow;
use std::path::Path;

use halcyon_net::Role;
use halcyon_store::{Backend, Batch, Durability, Family, RocksBackend, View};
use halcyon_types::RegionId;
use halcyon_wire::{Began, Body, Outcome, Refusal, RepairState};
use serde_json::Value;

use crate::world::{Client, PATIENCE, World, now, set};

const VICTIM: usize = 1;

/// Changes the last byte of the row of a register.
fn spoil(data: &Path, key: &str) {
    let db = RocksBackend::open(data).unwrap();
    let mut row = None;
    db.scan(Family::State, &[0, 0, 0, 1], None, |found, value| {
        if found[4..].starts_with(key.as_bytes()) {
            row = Some((found.to_vec(), value.to_vec()));
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    let (row, mut value) = row.expect("a row of that key");
    *value.last_mut().unwrap() ^= 1;
    let mut batch = db.batch();
    batch.put(Family::State, &row, &value);
    db.write(batch, Durability::Synced).unwrap();
}

async fn repair(client: &mut Client, from: Option<u64>, begin: bool) -> Result<RepairState, Refusal> {
    let from = from.map(|id| RegionId::try_from(id).unwrap());
    match client.ask(Body::Repair { from, begin }).await? {
        Outcome::Repair(state) => Ok(state),
        other => panic!("{other:?}"),
    }
}

async fn digests(world: &mut World) -> Vec<([u8; 32], u64)> {
    let at = now();
    let mut digests = Vec::new();
    for client in &mut world.clients {
        digests.push(client.digest(at).await);
    }
    digests
}

#[tokio::test]
async fn p3_a_row_written_behind_the_committers_back_is_found_named_and_mended() {
    let mut world = World::start_with(3, "[audit]\nperiod = \"1s\"").await;
    for number in 0..60 {
        let at = number % 3;
        world.clients[at].write(&format!("key {number:02}"), set("as it should be")).await.unwrap();
    }
    for at in 0..3 {
        let all =
            |status: &Value| status["vv"].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>() == 60;
        world.until(at, all).await;
    }
    // What is as it should be is audited, and nothing is found.
    let calm = |status: &Value| {
        status["audit"]["audits"].as_u64() >= Some(2) && status["audit"]["last"]["compared"].as_u64() > Some(0)
    };
    for at in 0..3 {
        let status = world.until(at, calm).await;
        assert_eq!((&status["health"], &status["audit"]["last"]["rows"]), (&"ok".into(), &60.into()), "{status:#}");
    }
    world.restart(VICTIM, |data| spoil(data, "key 31")).await;
    let wrong = digests(&mut world).await;
    assert!(wrong[0] == wrong[2] && wrong[0] != wrong[VICTIM]);
    for at in 0..3 {
        let found = |status: &Value| status["audit"]["differing"].as_array().is_some_and(|found| !found.is_empty());
        let status = world.until(at, found).await;
        let finding = &status["audit"]["differing"][0];
        assert_eq!((&finding["keyspace"], &finding["to"]), (&"default".into(), &"key 31".into()), "{finding}");
        let alarms = status["alarms"].to_string();
        assert!(alarms.contains("keyspace 1") && alarms.contains("key 31") && alarms.contains("differ"), "{alarms}");
    }
    // Only an operator may, and from whom is told before.
    assert!(matches!(repair(&mut world.clients[VICTIM], None, true).await, Err(Refusal::Forbidden { .. })));
    let mut admin = world.dial(VICTIM, Role::Admin("admin".parse().unwrap())).await;
    let looked = repair(&mut admin, Some(3), false).await.unwrap();
    assert_eq!((looked.from.map(RegionId::get), looked.pages), (Some(3), None));
    assert!(looked.findings.iter().any(|finding| finding.what.contains("key 31")), "{looked:?}");
    let begun = repair(&mut admin, Some(3), true).await.unwrap();
    assert_eq!(begun.life, looked.life);
    // Its next life begins from the copy. Its connections end with this one.
    drop(admin);
    let copied = async {
        loop {
            let mut admin = world.dial(VICTIM, Role::Admin("admin".parse().unwrap())).await;
            // While it changes lives it says nothing, or that it stops.
            let asked = tokio::time::timeout(
                std::time::Duration::from_secs(1),
                admin.try_ask(Body::Repair { from: None, begin: false }),
            );
            if let Ok(Some(Ok(Outcome::Repair(state)))) = asked.await
                && state.life != begun.life
            {
                return state.began;
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, copied).await.unwrap(), Began::Copied);
    world.clients[VICTIM] = world.dial(VICTIM, Role::Client("client".parse().unwrap())).await;
    let mended = |status: &Value| {
        status["audit"]["audits"].as_u64() >= Some(1)
            && status["audit"]["differing"].as_array().is_some_and(Vec::is_empty)
    };
    for at in 0..3 {
        world.until(at, mended).await;
    }
    let digests = digests(&mut world).await;
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}
