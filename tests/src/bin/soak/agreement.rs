//! What an arena is asked: is what was acked there, do the regions agree, has nothing gone back?

use std::collections::BTreeMap;

use halcyon_tests::{Dice, until};

use crate::arena::{Arena, dice_region, names};
use crate::audit::{self, Failure, Floor};
use crate::ledger::Ledger;

/// What must not go back: per actor, how far its log is applied and the hash of it up to there.
pub(crate) type Heads = BTreeMap<String, (u64, String)>;

impl Arena {
    /// Asks one region about one cycle.
    pub(crate) async fn ask(&self, region: usize, ledger: &Ledger, floor: Floor) -> Result<(), Failure> {
        let client = self.patient.get(region).expect("a region of this arena");
        until("a region answers", async || audit::look(client, ledger, floor).await.ok()).await
    }

    /// Every region has seen the same and holds the same, and nothing has gone back.
    pub(crate) async fn agree(&mut self, at_rest: Option<Vec<u8>>) -> Result<(), Failure> {
        let digest = self.converged().await?;
        if at_rest.is_some_and(|before| before != digest) {
            return Err(Failure::of("nothing was written, yet the rows are not what they were".to_owned()));
        }
        let mut heads: Option<Heads> = None;
        for region in 0..self.regions() {
            let status = until("a region says how it is", async || self.cluster.status(region).await).await;
            let alarms = status.get("alarms").and_then(|alarms| alarms.as_array()).expect("alarms in a status");
            if !alarms.is_empty() {
                return Err(Failure::of(format!("{} is alarmed: {alarms:?}", names(&[region]))));
            }
            let these = heads_of(&status);
            for (actor, (seq, hash)) in &self.heads {
                match these.get(actor) {
                    Some((now, same)) if now > seq || (now == seq && same == hash) => {}
                    now => {
                        let region = names(&[region]);
                        let what = format!("p2: {region}: the log of {actor} was at {seq} ({hash}), now {now:?}");
                        return Err(Failure::of(what));
                    }
                }
            }
            if heads.as_ref().is_some_and(|heads| *heads != these) {
                return Err(Failure::of(format!("p2: {} has another history: {heads:?}, {these:?}", names(&[region]))));
            }
            heads = Some(these);
        }
        self.heads = heads.unwrap_or_default();
        Ok(())
    }

    /// Waits until every region has seen the same, and answers its digest.
    pub(crate) async fn converged(&self) -> Result<Vec<u8>, Failure> {
        until("every region has seen the same", async || {
            let mut digests = Vec::new();
            for client in &self.patient {
                digests.push(client.digest().await.ok()?);
            }
            let first = digests.first()?;
            if digests.iter().any(|other| other.token != first.token) {
                return None;
            }
            if digests.iter().any(|other| other != first) {
                return Some(Err(Failure::of(format!("p3: equal vectors, different rows: {digests:?}"))));
            }
            Some(Ok(first.digest.to_vec()))
        })
        .await
    }

    pub(crate) async fn look_at_everything(&self, dice: &mut Dice) -> Result<(), Failure> {
        for ledger in &self.past {
            self.ask(dice_region(dice, self.regions()), ledger, Floor::All).await?;
        }
        Ok(())
    }
}

fn heads_of(status: &serde_json::Value) -> Heads {
    let part = |name: &str| status.get(name).and_then(|part| part.as_object()).cloned().expect("a part of a status");
    let hashes = part("heads");
    let hash = |actor: &str| hashes.get(actor).and_then(|hash| hash.as_str()).unwrap_or_default().to_owned();
    let seqs = part("vv").into_iter();
    seqs.map(|(actor, seq)| (actor.clone(), (seq.as_u64().expect("a seq"), hash(&actor)))).collect()
}
