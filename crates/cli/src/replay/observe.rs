//! Reading back what a region shows, many reads in flight.

use std::collections::BTreeSet;

use halcyon_client::{Client, Direction, Keyspace, ReadError};
use tokio::task::JoinError;

use super::compare::Observed;
use super::error::ReplayError;
use super::expectation::Expectation;
use super::keys::Keys;
use crate::parallel::each;

/// Reads in flight per region.
const WIDTH: usize = 256;

/// One region, and how to read it.
pub(super) struct Observer {
    client: Client,
    shop: Shop,
}

/// A keyspace and the names of the keys in it.
#[derive(Clone)]
struct Shop {
    keyspace: Keyspace,
    keys: Keys,
}

/// Why a read failed, before it is known in which region.
enum Failed {
    Read(ReadError),
    Task(JoinError),
}

impl From<ReadError> for Failed {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<JoinError> for Failed {
    fn from(error: JoinError) -> Self {
        Self::Task(error)
    }
}

impl Observer {
    pub(super) fn new(client: &Client, keyspace: &str, keys: &Keys) -> Self {
        let shop = Shop { keyspace: client.keyspace(keyspace), keys: keys.clone() };
        Self { client: client.clone(), shop }
    }

    /// Reads every figure of the expectation, the digest aside; `also` names further products.
    pub(super) async fn observe(&self, end: &Expectation, also: &[String]) -> Result<Observed, ReplayError> {
        self.read(end, also).await.map_err(|failed| self.blame(failed))
    }

    /// A key of the expectation that already holds something.
    pub(super) async fn key_in_use(&self, end: &Expectation) -> Result<Option<String>, ReplayError> {
        self.in_use(end).await.map_err(|failed| self.blame(failed))
    }

    fn blame(&self, failed: Failed) -> ReplayError {
        match failed {
            Failed::Read(source) => {
                ReplayError::Read { region: self.client.region().clone(), source: Box::new(source) }
            }
            Failed::Task(error) => ReplayError::Task(error),
        }
    }

    /// Every order line writes one of these registers, so nothing of an earlier replay is overlooked; of what others
    /// wrote, the counters and carts are looked at too.
    async fn in_use(&self, end: &Expectation) -> Result<Option<String>, Failed> {
        let seen = self.read_figures(end, &[]).await?;
        let keys = &self.shop.keys;
        let last = seen.last.into_iter().filter(|(_, value)| value.is_some()).map(|(sku, _)| keys.last(&sku));
        let net = seen.net.into_iter().filter(|(_, net)| *net != 0).map(|(sku, _)| keys.net(&sku));
        let carts = seen.carts.into_iter().filter(|(_, cart)| !cart.is_empty()).map(|(invoice, _)| keys.cart(&invoice));
        let revenue = seen.revenue.into_iter().filter(|(_, sum)| *sum != 0).map(|(geo, _)| keys.revenue(&geo));
        let top = seen.top.first().map(|_| keys.top());
        let buyers = seen.buyers.into_iter().filter(|(_, estimate)| *estimate > 0).map(|(geo, _)| keys.buyers(&geo));
        let stock = seen.stock.into_iter().filter(|(_, left)| *left != 0).map(|(sku, _)| keys.stock(&sku));
        Ok(last.chain(net).chain(carts).chain(revenue).chain(top).chain(buyers).chain(stock).next())
    }

    async fn read(&self, end: &Expectation, also: &[String]) -> Result<Observed, Failed> {
        let mut observed = self.read_figures(end, also).await?;
        let shop = self.shop.clone();
        let lines = each(end.lines.keys().cloned().collect(), WIDTH, move |(invoice, sku): (String, String)| {
            let counter = shop.keyspace.map(shop.keys.lines(&invoice)).counter(&sku);
            async move { Ok::<_, Failed>(((invoice, sku), counter.get().await?)) }
        });
        observed.lines = lines.await?.into_iter().collect();
        Ok(observed)
    }

    /// Everything but the invoices' lines.
    async fn read_figures(&self, end: &Expectation, also: &[String]) -> Result<Observed, Failed> {
        let skus: BTreeSet<&String> = end.skus.keys().chain(also).collect();
        let shop = self.shop.clone();
        let net = each(skus.into_iter().cloned().collect(), WIDTH, move |sku: String| {
            let counter = shop.keyspace.counter(shop.keys.net(&sku));
            async move { Ok::<_, Failed>((sku, counter.get().await?)) }
        });
        let shop = self.shop.clone();
        let invoices: BTreeSet<&String> = end.lines.keys().map(|(invoice, _)| invoice).collect();
        let carts = each(invoices.into_iter().cloned().collect(), WIDTH, move |invoice: String| {
            let cart = shop.keyspace.set(shop.keys.cart(&invoice));
            async move {
                let members = cart.members().await?;
                Ok::<_, Failed>((
                    invoice,
                    members.iter().map(|sku| String::from_utf8_lossy(sku).into_owned()).collect(),
                ))
            }
        });
        let shop = self.shop.clone();
        let revenue = each(end.revenue.keys().cloned().collect(), WIDTH, move |geo: String| {
            let counter = shop.keyspace.counter(shop.keys.revenue(&geo));
            async move { Ok::<_, Failed>((geo, counter.get().await?)) }
        });
        let shop = self.shop.clone();
        let last = each(end.last.keys().cloned().collect(), WIDTH, move |sku: String| {
            let register = shop.keyspace.register(shop.keys.last(&sku));
            async move { Ok::<_, Failed>((sku, register.get::<String>().await?)) }
        });
        let shop = self.shop.clone();
        let stock = each(end.skus.keys().cloned().collect(), WIDTH, move |sku: String| {
            let counter = shop.keyspace.bounded_counter(shop.keys.stock(&sku));
            async move { Ok::<_, Failed>((sku, counter.value().await?)) }
        });
        let shop = self.shop.clone();
        let buyers = each(end.buyers.keys().cloned().collect(), WIDTH, move |geo: String| {
            let customers = shop.keyspace.hyperloglog(shop.keys.buyers(&geo));
            async move { Ok::<_, Failed>((geo, customers.estimate().await?)) }
        });
        let top = self.shop.keyspace.sorted_set(self.shop.keys.top());
        let top = top.by_rank(.., Direction::Descending).await?;
        Ok(Observed {
            top: top.into_iter().map(|best| (String::from_utf8_lossy(&best.member).into_owned(), best.score)).collect(),
            buyers: buyers.await?.into_iter().collect(),
            stock: stock.await?.into_iter().collect(),
            net: net.await?.into_iter().collect(),
            carts: carts.await?.into_iter().collect(),
            revenue: revenue.await?.into_iter().collect(),
            last: last.await?.into_iter().collect(),
            ..Observed::default()
        })
    }
}
