//! What regions tell of themselves, and what must hold of what all of them tell.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::cluster::Cluster;

impl Cluster {
    /// `/status` of a region that must answer.
    pub async fn told(&self, region: usize) -> Value {
        self.status(region).await.expect("a region that serves")
    }

    /// The actor that a region writes as.
    pub async fn actor(&self, region: usize) -> String {
        let status = self.told(region).await;
        status.get("actor").and_then(Value::as_str).expect("an actor").to_owned()
    }

    /// Up to where a region has applied the log of an actor.
    pub async fn applied(&self, region: usize, actor: &str) -> u64 {
        self.of_actor(region, "vv", actor).await
    }

    /// Up to where a region has dropped the log of an actor.
    pub async fn floor(&self, region: usize, actor: &str) -> u64 {
        self.of_actor(region, "floors", actor).await
    }

    async fn of_actor(&self, region: usize, vector: &str, actor: &str) -> u64 {
        self.told(region).await.get(vector).and_then(|vv| vv.get(actor)?.as_u64()).unwrap_or(0)
    }

    /// What an operator should look at, one after the other.
    pub async fn alarms(&self, region: usize) -> Vec<String> {
        let status = self.told(region).await;
        let alarms = status.get("alarms").and_then(Value::as_array).into_iter().flatten();
        alarms.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// What a region's links have brought, over all peers: records, and those of them that were in vain.
    pub async fn brought(&self, region: usize) -> (u64, u64) {
        let status = self.told(region).await;
        let peers = status.get("peers").and_then(Value::as_array).into_iter().flatten();
        let count = |peer: &Value, what| peer.get(what).and_then(Value::as_u64).expect("a number");
        peers.fold((0, 0), |(all, vain), peer| {
            (all + count(peer, "received_records"), vain + count(peer, "wasted_records"))
        })
    }

    /// Stops a region's wall clock at so far ahead of the real one, for the judgement of ages; `None` gives the real one back.
    pub async fn set_clock(&self, region: usize, ahead: Option<Duration>) {
        let at = match ahead {
            Some(ahead) => {
                let status = self.told(region).await;
                let now = status.get("wall_ms").and_then(Value::as_u64).expect("a clock");
                format!("?ms={}", now + u64::try_from(ahead.as_millis()).expect("not that far"))
            }
            None => String::new(),
        };
        let answer = self.post(region, &format!("/fault/clock{at}")).await;
        assert!(matches!(&answer, Some((200, _))), "{answer:?}");
    }

    /// No dot has two contents: whoever has as much of a log shows the same hash of it (promise P2).
    ///
    /// # Panics
    /// Two histories of one log, or a node that has found one.
    pub async fn histories_agree(&self) {
        let mut known: BTreeMap<(String, u64), String> = BTreeMap::new();
        for region in 0..self.regions() {
            let status = self.told(region).await;
            let (vv, heads) = (status.get("vv").expect("a vector"), status.get("heads").expect("heads"));
            for (actor, hash) in heads.as_object().expect("heads by actor") {
                let seq = vv.get(actor).and_then(Value::as_u64).expect("a head of what is applied");
                let hash = hash.as_str().expect("a hash").to_owned();
                let first = known.entry((actor.clone(), seq)).or_insert_with(|| hash.clone());
                assert_eq!(*first, hash, "p2: {actor}:{seq} has two histories");
            }
            let alarms = status.get("alarms").map(Value::to_string).unwrap_or_default();
            let forked = alarms.contains("differs from this node's copy") || alarms.contains("was rolled back");
            assert!(!forked, "p2: {alarms}");
        }
    }
}
