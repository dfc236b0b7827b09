//! Looking at stock in every region while lines are played: never below zero, at any time (promise P8).
//!
//! One read at a time per region, of the product of a line drawn by lot, so that popular products are looked at most.

use std::sync::Arc;
use std::time::Duration;

use halcyon_client::Client;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::error::ReplayError;
use super::keys::Keys;
use super::play::Player;
use crate::retail::OrderLine;
use crate::splitmix::SplitMix;

/// Between two looks in a region: some 200 reads a second, next to thousands of writes.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Looks below zero that are kept per region.
const NEGATIVE_MAX: usize = 16;

/// What was seen of the stock in a region while lines were played.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct StockSeen {
    /// How often it was looked at.
    pub looks: u64,
    /// The lowest value seen of any product.
    pub least: Option<i128>,
    /// The product and value of looks that found less than nothing, the first of them.
    pub negative: Vec<(String, i128)>,
}

impl StockSeen {
    pub(super) fn note(&mut self, sku: &str, value: i128) {
        self.looks += 1;
        self.least = Some(self.least.map_or(value, |least| least.min(value)));
        if value < 0 && self.negative.len() < NEGATIVE_MAX {
            self.negative.push((sku.to_owned(), value));
        }
    }
}

/// Observers at work, one per region. They end with it.
pub(super) struct Lookout {
    stop: watch::Sender<bool>,
    tasks: JoinSet<Result<(usize, StockSeen), ReplayError>>,
}

impl Lookout {
    /// Begins to look.
    pub(super) fn begin(player: &Player) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (home, client) in player.clients.iter().enumerate() {
            let observer = Observer {
                client: client.clone(),
                lines: Arc::clone(&player.lines),
                keyspace: Arc::clone(&player.keyspace),
                keys: player.keys.clone(),
                stopped: stopped.clone(),
            };
            tasks.spawn(async move { Ok((home, observer.look(home).await?)) });
        }
        Self { stop, tasks }
    }

    /// Looks no more; what was seen, by home.
    pub(super) async fn end(mut self) -> Result<Vec<StockSeen>, ReplayError> {
        self.stop.send_replace(true);
        let mut looks = vec![StockSeen::default(); self.tasks.len()];
        while let Some(seen) = self.tasks.join_next().await {
            let (home, seen) = seen??;
            if let Some(looks) = looks.get_mut(home) {
                *looks = seen;
            }
        }
        Ok(looks)
    }
}

struct Observer {
    client: Client,
    lines: Arc<[OrderLine]>,
    keyspace: Arc<str>,
    keys: Keys,
    stopped: watch::Receiver<bool>,
}

impl Observer {
    async fn look(self, home: usize) -> Result<StockSeen, ReplayError> {
        let shop = self.client.keyspace(&self.keyspace);
        let mut random = SplitMix::new(home as u64);
        let mut looks = StockSeen::default();
        while !*self.stopped.borrow() {
            let drawn = usize::try_from(random.below(self.lines.len() as u64)).unwrap_or(0);
            let Some(OrderLine { sku, .. }) = self.lines.get(drawn) else { break };
            let value = shop.bounded_counter(self.keys.stock(sku)).value().await;
            let read = |source| ReplayError::Read { region: self.client.region().clone(), source: Box::new(source) };
            looks.note(sku, value.map_err(read)?);
            sleep(LOOK_EVERY).await;
        }
        Ok(looks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_below_zero_is_kept_and_only_so_many() {
        let mut looks = StockSeen::default();
        looks.note("x", 3);
        looks.note("x", 0);
        assert_eq!((looks.looks, looks.least, looks.negative.len()), (2, Some(0), 0));
        for _ in 0..100 {
            looks.note("y", -1);
        }
        assert_eq!((looks.looks, looks.least, looks.negative.len()), (102, Some(-1), NEGATIVE_MAX));
        assert_eq!(looks.negative[0], ("y".to_owned(), -1));
    }
}
