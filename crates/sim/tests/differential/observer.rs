//! The whole truth: every read is the oracle's word, equal vectors have equal bytes, nothing else stands in any row.

use std::collections::BTreeMap;

use halcyon_sim::oracle::{Oracle, Record, Survivor, Truth};
use halcyon_sim::scenario::{Query, Region, Regions, StepKind, World};
use halcyon_sim::workload::questions::{about, about_all};
use halcyon_types::VersionVector;

use crate::player::{Delivery, Game, Observer, Seen, Wrong};
use crate::rows;

/// Judges everything that can be judged.
#[derive(Debug, Default)]
pub(crate) struct Truthful {
    /// The bytes that were found at each vector, and what is true there.
    known: BTreeMap<Vector, (Vec<u8>, Truth)>,
}

/// A vector, as something to look up.
pub(crate) type Vector = Vec<(u64, u64)>;

/// The vector.
pub(crate) fn name(vv: &VersionVector) -> Vector {
    vv.iter().map(|(actor, seq)| (actor.as_u64(), seq.0)).collect()
}

impl Observer for Truthful {
    fn delivered(&mut self, game: &mut Game, delivery: &Delivery<'_>) -> Seen {
        let region = delivery.region;
        let vv = game.kernel.vv(region).clone();
        let bytes = rows::bytes(game.kernel.rows(region));
        match self.known.get(&name(&vv)) {
            Some((known, _)) if *known == bytes => return Ok(()),
            Some(_) => {
                return Err(format!("{region} holds other rows than another region that had seen the same").into());
            }
            None => {}
        }
        let truth = game.oracle.truth(&vv);
        key_by_key(&game.oracle, delivery.record, &vv, &truth)?;
        let queries = about(delivery.record, &game.commands);
        for query in &queries {
            reads(game, region, query, &truth)?;
        }
        rows::hold_what_survives(game.kernel.rows(region), &truth)?;
        rows::layer_shows_the_same(game, delivery, &queries)?;
        self.known.insert(name(&vv), (bytes, truth));
        Ok(())
    }

    fn time_passed(&mut self, game: &mut Game) -> Seen {
        self.everything(game)
    }

    fn ended(&mut self, game: &mut Game) -> Seen {
        self.everything(game)
    }
}

impl Truthful {
    fn everything(&self, game: &mut Game) -> Seen {
        let queries = about_all(&game.commands);
        for region in Region::ALL {
            let Some((_, truth)) = self.known.get(&name(game.kernel.vv(region))) else { continue };
            for query in &queries {
                reads(game, region, query, truth)?;
            }
        }
        Ok(())
    }
}

/// What is worked out of one key, from what was worked out before, is that key's part of the whole.
fn key_by_key(oracle: &Oracle, record: &Record, vv: &VersionVector, truth: &Truth) -> Seen {
    for key in record.deed.keys() {
        let of_key = |survivor: &&Survivor| survivor.write.place.object.key == key;
        if !truth.survivors.iter().filter(of_key).eq(&oracle.truth_of(vv, key).survivors) {
            return Err(format!("the oracle contradicts itself about {key} at {vv:?}").into());
        }
    }
    Ok(())
}

fn reads(game: &mut Game, region: Region, query: &Query, truth: &Truth) -> Seen {
    let found = game.kernel.read(region, query).map_err(|e| e.to_string())?.to_string();
    let (actor, now) = (game.kernel.actor(region), game.kernel.now(region));
    let text = truth.answer(query, actor, now).to_string();
    if found == text {
        return Ok(());
    }
    let step = StepKind::Expect { regions: Regions::One(region), query: query.clone(), text };
    Err(Wrong { why: format!("`{step}`, but {region} has {found}"), step: Some(Box::new(step)) })
}
