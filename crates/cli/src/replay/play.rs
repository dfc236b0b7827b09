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
//! Before it gives up, a sale is tried again a few times, over a fifth of a second, if regions that this one can reach
//! hold enough: the node has asked them for more by then. It is the shop that waits, never the node, and only this
//! product's lines wait with it; see [`super::lane`].

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use halcyon_client::{Batch, Client, Holders, Receipt, RegionName, WriteError};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::error::ReplayError;
use super::keys::Keys;
use super::lane::{Lane, Next, Turn};
use super::sales::{Played, Units};
use super::stock::settle;
use crate::progress::Progress;
use crate::retail::OrderLine;

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
        let (mut played, mut lane) = (Played::default(), Lane::new(&self.lines, queue));
        loop {
            let turn = match lane.next(Instant::now()) {
                Next::Play(turn) => turn,
                Next::Wait(until) => {
                    sleep_until(until).await;
                    continue;
                }
                Next::End => return Ok(played),
            };
            let Turn { index, line, pause, .. } = turn;
            let Some(client) = self.clients.get(line.home) else {
                lane.settle(turn, false, Instant::now());
                continue;
            };
            let booked = self.play_line(client, turn).await.map_err(|source| ReplayError::Write {
                line: index + 1,
                region: client.region().clone(),
                source: Box::new(source),
            })?;
            let now = Instant::now();
            if let Some((receipt, units)) = booked {
                lane.settle(turn, units == Units::Refused, now);
                played.token.join(&receipt.token.into());
                played.note(line.home, &line.sku, line.qty.unsigned_abs(), units);
                progress.step();
            } else {
                lane.put_off(turn, now + pause.unwrap_or_default());
            }
        }
    }

    /// Books a line; `None` if it was refused its stock, and may be tried again.
    async fn play_line(&self, client: &Client, turn: Turn<'_>) -> Result<Option<(Receipt, Units)>, WriteError> {
        let Turn { line, refusals, pause, .. } = turn;
        let units = line.qty.unsigned_abs();
        let (mut whole, stock) = (self.batch(client, line), self.keys.stock(&line.sku));
        if units == 0 {
            return Ok(Some((settle(client, whole).await?, Units::None)));
        }
        if line.qty < 0 {
            whole.bounded_counter(stock).increase(units);
            return Ok(Some((settle(client, whole).await?, Units::Returned)));
        }
        let without_stock = whole.clone();
        whole.bounded_counter(stock).decrease(units);
        match settle(client, whole).await {
            Err(WriteError::InsufficientRights { needed, holders, .. }) => {
                let within_reach = within_reach(client.region(), self.cut_off.as_ref(), &holders);
                if pause.is_some() && within_reach >= i128::from(needed) {
                    return Ok(None);
                }
                Ok(Some((settle(client, without_stock).await?, Units::Refused)))
            }
            settled => Ok(Some((settled?, Units::Taken { at_once: refusals == 0 }))),
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
