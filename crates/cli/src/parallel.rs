//! Many requests in flight, a bounded number at a time, answers in the order of the questions.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::{JoinError, JoinSet};

/// Runs `work` on every item, at most `width` at a time, and returns the results in the items' order. The first error
/// ends it; what was in flight is dropped.
///
/// `width` tasks take the next item each: cheaper than a task per item, and no more than `width` ever exist.
pub(crate) async fn each<T, R, E, W, F>(items: Vec<T>, width: usize, work: W) -> Result<Vec<R>, E>
where
    T: Send + 'static,
    W: Fn(T) -> F + Send + Sync + 'static,
    R: Send + 'static,
    E: Send + From<JoinError> + 'static,
    F: Future<Output = Result<R, E>> + Send + 'static,
{
    let shared = Arc::new((Mutex::new(items.into_iter().enumerate()), work));
    let mut workers = JoinSet::new();
    for _ in 0..width.max(1) {
        let shared = Arc::clone(&shared);
        workers.spawn(async move {
            let (items, work) = &*shared;
            let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
            let mut done = Vec::new();
            while let Some((index, item)) = next() {
                done.push((index, work(item).await?));
            }
            Ok::<_, E>(done)
        });
    }
    let mut results = Vec::new();
    while let Some(worker) = workers.join_next().await {
        results.extend(worker??);
    }
    results.sort_unstable_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Odd;

    impl From<JoinError> for Odd {
        fn from(_: JoinError) -> Self {
            Self
        }
    }

    #[tokio::test]
    async fn answers_stand_in_the_order_of_the_questions() {
        let doubled = each((0..100).collect(), 7, |n: u32| async move {
            // Later questions are answered first.
            for _ in n..100 {
                tokio::task::yield_now().await;
            }
            Ok::<_, Odd>(2 * n)
        });
        assert_eq!(doubled.await.unwrap(), (0..100).map(|n| 2 * n).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn one_error_ends_all() {
        let failed = each((0..100).collect(), 3, |n: u32| async move { if n == 50 { Err(Odd) } else { Ok(n) } });
        assert!(failed.await.is_err());
    }
}
