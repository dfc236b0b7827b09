//! Playing order lines: each is one atomic batch in the region named by its home, its units of stock included.
//!
//! Every region has its own lanes, and a product always takes the same lane; a lane plays one line after the other. So
//! many lines are in flight, and the lines of one product in one region still commit in file order, which is what makes
//! the last write of a region known.
//!
//! **A sale that is refused its stock** (`InsufficientRights`: this region may not spend so much of it) is booked all the
//! same, in one record, without taking stock: a back order. A shop wants the order and the money of a customer whom it
//! can serve tomorrow, and it must never sell the same unit twice. Stock that is taken, on the other hand, is in one
//! record with the sale it was taken for, so no unit ever leaves the shelf without its line.
//!
//! Before it gives up, a sale is tried again after each of [`PAUSES`], if regions that this one can reach hold enough: the
//! node has asked them for more by then. It is the shop that waits, by a fifth of a second at most, never the node. A
//! product that ran out is not waited for again in this lane until it is sold once more; that keeps a sold-out shelf
//! from holding up the queue.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use halcyon_client::{Batch, Client, Holders, Receipt, RegionName, WriteError};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::error::ReplayError;
use super::keys::Keys;
use super::sales::{Played, Units};
use super::stock::settle;
use crate::progress::Progress;
use crate::retail::OrderLine;

/// How long a sale that was refused its stock waits, before each further attempt.
const PAUSES: [Duration; 3] = [Duration::from_millis(25), Duration::from_millis(50), Duration::from_millis(100)];

/// A replay's means: what is played, where to, and how.
#[derive(Clone)]
pub(super) struct Player {
    pub(super) lines: Arc<[OrderLine]>,
    /// In the order of the homes.
    pub(super) clients: Arc<[Client]>,
    pub(super) keyspace: Arc<str>,
    pub(super) keys: Keys,
    /// Lines in flight per region.
    pub(super) lanes: usize,
    /// The region that no other one reaches at present.
    pub(super) cut_off: Option<RegionName>,
}

impl Player {
    /// The same while a region is cut off.
    pub(super) fn without(&self, region: &RegionName) -> Self {
        Self { cut_off: Some(region.clone()), ..self.clone() }
    }

    /// Plays the lines of `range` and waits for every receipt.
    pub(super) async fn play(&self, range: Range<usize>, progress: &Arc<Progress>) -> Result<Played, ReplayError> {
        let lanes = self.lanes.max(1);
        let mut queues = vec![Vec::new(); self.clients.len() * lanes];
        for index in range {
            let Some(line) = self.lines.get(index) else { continue };
            if let Some(queue) = queues.get_mut(line.home * lanes + lane(&line.sku, lanes)) {
                queue.push(index);
            }
        }
        let mut tasks = JoinSet::new();
        for queue in queues.into_iter().filter(|queue| !queue.is_empty()) {
            let (player, progress) = (self.clone(), Arc::clone(progress));
            tasks.spawn(async move { player.play_lane(queue, &progress).await });
        }
        let mut all = Played::default();
        while let Some(played) = tasks.join_next().await {
            all.join(played??);
        }
        Ok(all)
    }

    async fn play_lane(self, queue: Vec<usize>, progress: &Progress) -> Result<Played, ReplayError> {
        let (mut played, mut out_of_stock) = (Played::default(), BTreeSet::new());
        for index in queue {
            let Some(line) = self.lines.get(index) else { continue };
            let Some(client) = self.clients.get(line.home) else {
                continue;
            };
            let pauses: &[_] = if out_of_stock.contains(&line.sku) { &[] } else { &PAUSES };
            let (receipt, units) = self.play_line(client, line, pauses).await.map_err(|source| ReplayError::Write {
                line: index + 1,
                region: client.region().clone(),
                source: Box::new(source),
            })?;
            match units {
                Units::Refused => drop(out_of_stock.insert(&line.sku)),
                Units::Taken { .. } | Units::Returned => drop(out_of_stock.remove(&line.sku)),
                Units::None => {}
            }
            played.token.join(&receipt.token.into());
            played.note(line.home, &line.sku, line.qty.unsigned_abs(), units);
            progress.step();
        }
        Ok(played)
    }

    async fn play_line(
        &self,
        client: &Client,
        line: &OrderLine,
        pauses: &[Duration],
    ) -> Result<(Receipt, Units), WriteError> {
        let units = line.qty.unsigned_abs();
        let whole = self.batch(client, line);
        if line.qty <= 0 {
            let mut whole = whole;
            if units == 0 {
                return Ok((settle(client, whole).await?, Units::None));
            }
            whole.bounded_counter(self.keys.stock(&line.sku)).increase(units);
            return Ok((settle(client, whole).await?, Units::Returned));
        }
        let mut refusals = 0;
        let mut pauses = pauses.iter();
        loop {
            let mut sale = whole.clone();
            sale.bounded_counter(self.keys.stock(&line.sku)).decrease(units);
            match settle(client, sale).await {
                Err(WriteError::InsufficientRights { needed, holders, .. }) => {
                    let within_reach = within_reach(client.region(), self.cut_off.as_ref(), &holders);
                    match pauses.next() {
                        Some(pause) if within_reach >= i128::from(needed) => sleep(*pause).await,
                        _ => return Ok((settle(client, whole).await?, Units::Refused)),
                    }
                    refusals += 1;
                }
                settled => return Ok((settled?, Units::Taken { refusals })),
            }
        }
    }

    /// The line without its stock.
    fn batch(&self, client: &Client, line: &OrderLine) -> Batch {
        let OrderLine { invoice, sku, qty, geo, .. } = line;
        let mut batch = client.keyspace(&self.keyspace).batch();
        if *qty > 0 {
            batch.set(self.keys.cart(invoice)).add(sku);
            #[expect(
                clippy::cast_precision_loss,
                reason = "below 2^53 every sum of units is exact; past it nothing is"
            )]
            batch.sorted_set(self.keys.top()).increment(sku, *qty as f64);
        }
        batch.map(self.keys.lines(invoice)).field(sku).counter().add(*qty);
        batch.counter(self.keys.net(sku)).add(*qty);
        batch.counter(self.keys.revenue(geo)).add(line.amount);
        if let Some(customer) = &line.customer {
            batch.hyperloglog(self.keys.buyers(geo)).add(customer);
        }
        batch.register(self.keys.last(sku)).set(&line.stamp());
        batch
    }
}

/// How much the region holds itself, or could be passed, while a region is cut off.
fn within_reach(own: &RegionName, cut_off: Option<&RegionName>, holders: &Holders) -> i128 {
    let alone = cut_off == Some(own);
    let reached = |region: &RegionName| region == own || !alone && cut_off != Some(region);
    let reached = holders.0.iter().filter(|holder| holder.region.as_ref().is_some_and(reached));
    reached.map(|holder| holder.rights).sum()
}

fn lane(sku: &str, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    sku.hash(&mut hasher);
    usize::try_from(hasher.finish() % lanes as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use halcyon_client::Holder;
    use halcyon_types::ActorId;

    use super::*;

    #[test]
    fn nobody_waits_for_rights_beyond_a_cut() {
        let name = |name: &str| name.parse::<RegionName>().unwrap();
        let held = [("us", 2), ("eu", 30), ("ap", 500)].map(|(region, rights)| Holder {
            region: Some(name(region)),
            actor: ActorId::from_u64(1),
            rights,
        });
        let holders = Holders(held.to_vec());
        let reach = |own: &str, cut: Option<&str>| within_reach(&name(own), cut.map(name).as_ref(), &holders);
        assert_eq!(reach("us", None), 532);
        assert_eq!(reach("us", Some("eu")), 502);
        assert_eq!(reach("eu", Some("eu")), 30, "it reaches nobody");
        let unknown = Holders(vec![Holder { region: None, actor: ActorId::from_u64(1), rights: 7 }]);
        assert_eq!(within_reach(&name("us"), None, &unknown), 0, "a region that is not in the file passes nothing on");
    }
}
