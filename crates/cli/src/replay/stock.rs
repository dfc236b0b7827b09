//! The shelves: how many units each product begins with, how they are spread over the regions, and what must be left.
//!
//! A product begins with the least stock that never oversells when the lines come in file order and everything that is
//! taken back goes back on the shelf. That is what `min_initial_stock` of the expected figures means: where units are
//! taken back before others are sold, it is below the units sold (for 197 products of the real week, 2,175 units), so a
//! return must raise the stock. It leaves nothing to spare, which is the point: whenever one region sells from rights
//! that another one holds, it is refused, and the regions must still end with the same stock, never below zero.
//!
//! All stock is raised in the first region and passed on from there in even shares, in the same records, before the
//! first order line is played. From then on the nodes alone move rights about.

use std::collections::BTreeMap;
use std::time::Duration;

use halcyon_client::{Batch, Client, Refusal, SessionToken, WriteError};
use halcyon_types::limits::UPDATES_MAX;
use tokio::time::{Instant, sleep};

use super::error::ReplayError;
use super::expectation::Expectation;
use super::keys::Keys;
use crate::progress::Progress;

/// Between two attempts to pass rights to a region that has not been heard of yet.
const PAUSE: Duration = Duration::from_millis(50);
/// Updates of one record of stock: few enough for the longest keys.
const UPDATES: usize = UPDATES_MAX / 4;

/// Units that every product begins with; products that need none are not among them.
pub(super) fn initial(end: &Expectation) -> BTreeMap<String, u64> {
    let units = end.skus.iter().map(|(sku, figures)| (sku.clone(), figures.min_initial_stock));
    units.filter_map(|(sku, units)| Some((sku, u64::try_from(units).ok().filter(|units| *units > 0)?))).collect()
}

/// What must be left of every product: what it began with, less what was sold from it, and what was taken back.
pub(super) fn left(end: &Expectation, refused: &BTreeMap<String, u64>) -> BTreeMap<String, i128> {
    let of = |sku: &String| refused.get(sku).copied().map_or(0, i128::from);
    let left = |sku| move |initial: i128, net: i128| initial - net + of(sku);
    end.skus.iter().map(|(sku, figures)| (sku.clone(), left(sku)(figures.min_initial_stock, figures.net()))).collect()
}

/// An even share for each of so many regions; what does not divide goes one by one to the regions from `first` on.
fn shares(units: u64, regions: usize, first: usize) -> impl Iterator<Item = u64> {
    let count = regions.max(1) as u64;
    let (even, rest) = (units / count, units % count);
    (0..count).map(move |region| even + u64::from((region + count - first as u64 % count) % count < rest))
}

/// Puts every product on the shelves; returns a token that covers them.
///
/// Right after their start nodes may not have heard of each other, and cannot pass rights on: so long it waits.
pub(super) async fn fill(
    clients: &[Client],
    keyspace: &str,
    keys: &Keys,
    initial: &BTreeMap<String, u64>,
    timeout: Duration,
) -> Result<SessionToken, ReplayError> {
    let Some(source) = clients.first() else { return Ok(SessionToken::new()) };
    let progress = Progress::new("stocking", "products", initial.len() as u64);
    let deadline = Instant::now() + timeout;
    let (mut token, mut put_up) = (SessionToken::new(), 0);
    let products: Vec<_> = initial.iter().enumerate().collect();
    for products in products.chunks(UPDATES / clients.len()) {
        let mut batch = source.keyspace(keyspace).batch();
        for (number, (sku, units)) in products {
            put(&mut batch, &keys.stock(sku), **units, *number, clients);
        }
        loop {
            match settle(source, batch.clone()).await {
                Ok(receipt) => {
                    token.join(&receipt.token.into());
                    break;
                }
                Err(WriteError::Refused(Refusal::UnknownRegion { .. })) if Instant::now() < deadline => {
                    sleep(PAUSE).await;
                }
                Err(error) => {
                    return Err(ReplayError::Stock { region: source.region().clone(), source: Box::new(error) });
                }
            }
        }
        put_up += products.len() as u64;
        progress.at(put_up);
    }
    Ok(token)
}

/// Raises a product in the first region, and passes the others their shares.
fn put(batch: &mut Batch, key: &str, units: u64, number: usize, clients: &[Client]) {
    batch.bounded_counter(key).increase(units);
    // A product of a single unit must not always stay where it was raised.
    for (client, share) in clients.iter().zip(shares(units, clients.len(), number)).skip(1) {
        if share > 0 {
            batch.bounded_counter(key).transfer(client.region().as_str(), share);
        }
    }
}

/// Commits a batch; what was sent and not answered is asked for again under the same request id, so at most once.
pub(super) async fn settle(client: &Client, batch: Batch) -> Result<halcyon_client::Receipt, WriteError> {
    match batch.commit().await {
        Err(WriteError::OutcomeUnknown(unanswered)) => client.retry(unanswered).await,
        settled => settled,
    }
}

#[cfg(test)]
mod tests {
    use super::super::expectation::tests::lines;
    use super::*;

    #[test]
    fn a_product_begins_with_what_the_file_order_needs_and_no_more() {
        let end = Expectation::of(&lines());
        assert_eq!(initial(&end), [("x".to_owned(), 15), ("y".to_owned(), 1)].into());
        let only_returned = Expectation::of(&lines()[3..4]);
        assert_eq!(initial(&only_returned), BTreeMap::new(), "what is only taken back needs no stock");
    }

    #[test]
    fn what_is_left_is_the_initial_stock_less_accepted_sales_and_what_came_back() {
        let end = Expectation::of(&lines());
        // 15 at first, 18 sold, 13 returned.
        assert_eq!(left(&end, &BTreeMap::new())["x"], 10);
        assert_eq!(left(&end, &[("x".to_owned(), 3)].into())["x"], 13);
        assert_eq!(left(&end, &BTreeMap::new())["y"], 0);
    }

    #[test]
    fn shares_are_even_whole_and_what_does_not_divide_goes_round() {
        let of = |units, first| shares(units, 3, first).collect::<Vec<_>>();
        assert_eq!(of(9, 0), [3, 3, 3]);
        assert_eq!(of(10, 0), [4, 3, 3]);
        assert_eq!(of(11, 1), [3, 4, 4]);
        assert_eq!(of(11, 2), [4, 3, 4]);
        assert_eq!((of(1, 3), of(1, 4), of(1, 5)), (vec![1, 0, 0], vec![0, 1, 0], vec![0, 0, 1]));
        assert_eq!(of(0, 7), [0, 0, 0]);
        assert_eq!(shares(5, 1, 9).collect::<Vec<_>>(), [5]);
    }
}
