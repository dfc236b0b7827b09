//! Playing order lines: each is one atomic batch in the region named by its home.
//!
//! Every region has its own lanes, and a product always takes the same lane; a lane plays one line after the other. So
//! many lines are in flight, and the lines of one product in one region still commit in file order, which is what makes
//! the last write of a region known.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use halcyon_client::{Client, Receipt, SessionToken, WriteError};
use tokio::task::JoinSet;

use super::error::ReplayError;
use super::keys::Keys;
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
}

impl Player {
    /// Plays the lines of `range` and waits for every receipt; returns a token that covers them all.
    pub(super) async fn play(
        &self,
        range: Range<usize>,
        progress: &Arc<Progress>,
    ) -> Result<SessionToken, ReplayError> {
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
        let mut token = SessionToken::new();
        while let Some(played) = tasks.join_next().await {
            token.join(&played??);
        }
        Ok(token)
    }

    async fn play_lane(self, queue: Vec<usize>, progress: &Progress) -> Result<SessionToken, ReplayError> {
        let mut token = SessionToken::new();
        for index in queue {
            let Some(line) = self.lines.get(index) else { continue };
            let Some(client) = self.clients.get(line.home) else {
                continue;
            };
            let receipt = self.play_line(client, line).await.map_err(|source| ReplayError::Write {
                line: index + 1,
                region: client.region().clone(),
                source: Box::new(source),
            })?;
            token.join(&receipt.token.into());
            progress.step();
        }
        Ok(token)
    }

    async fn play_line(&self, client: &Client, line: &OrderLine) -> Result<Receipt, WriteError> {
        let mut batch = client.keyspace(&self.keyspace).batch();
        if line.qty > 0 {
            batch.set(self.keys.cart(&line.invoice)).add(&line.sku);
        }
        batch.map(self.keys.lines(&line.invoice)).counter(&line.sku).add(line.qty);
        batch.counter(self.keys.net(&line.sku)).add(line.qty);
        batch.counter(self.keys.revenue(&line.geo)).add(line.amount);
        batch.register(self.keys.last(&line.sku)).set(&line.stamp());
        match batch.commit().await {
            // The same request id, so at most once: a lost connection must not spoil the figures.
            Err(WriteError::OutcomeUnknown(unanswered)) => client.retry(unanswered).await,
            settled => settled,
        }
    }
}

fn lane(sku: &str, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    sku.hash(&mut hasher);
    usize::try_from(hasher.finish() % lanes as u64).unwrap_or(0)
}
