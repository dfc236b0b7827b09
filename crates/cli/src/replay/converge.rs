//! Waiting until every region has seen everything, and all have seen the same.

use std::time::Duration;

use halcyon_client::{Client, SessionToken, now};
use tokio::time::{Instant, sleep};

use super::error::ReplayError;
use crate::progress::Progress;

/// Between two looks at the regions' vectors.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What each region has seen, in the clients' order.
pub(super) async fn tokens(clients: &[Client]) -> Result<Vec<SessionToken>, ReplayError> {
    let mut tokens = Vec::new();
    for client in clients {
        let read = |source| ReplayError::Read { region: client.region().clone(), source: Box::new(source) };
        tokens.push(client.token().await.map_err(read)?);
    }
    Ok(tokens)
}

/// How many records `token` lacks of `target`.
pub(super) fn lacks(token: &SessionToken, target: &SessionToken) -> u64 {
    let (seen, target) = (token.as_vector(), target.as_vector());
    target.iter().map(|(actor, seq)| seq.0.saturating_sub(seen.get(actor).0)).sum()
}

/// The digest of every region, all of one vector.
///
/// Regions that have converged may still pass rights to each other, which changes no figure but every digest; it ends by
/// itself, for rights are asked for by writes only.
pub(super) async fn digests(clients: &[Client], timeout: Duration) -> Result<Vec<[u8; 32]>, ReplayError> {
    let (deadline, at) = (Instant::now() + timeout, now());
    loop {
        let mut taken = Vec::new();
        for client in clients {
            let read = |source| ReplayError::Read { region: client.region().clone(), source: Box::new(source) };
            taken.push(client.digest_at(at).await.map_err(read)?);
        }
        if taken.windows(2).all(|pair| matches!(pair, [a, b] if a.token == b.token)) || Instant::now() >= deadline {
            // Past the deadline they differ, and are shown to.
            return Ok(taken.into_iter().map(|digest| digest.digest).collect());
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Waits until every region's vector covers `target` and all vectors are equal; returns how long each region took to
/// cover it.
pub(super) async fn converge(
    clients: &[Client],
    target: &SessionToken,
    timeout: Duration,
) -> Result<Vec<Duration>, ReplayError> {
    let began = Instant::now();
    let whole = lacks(&SessionToken::new(), target);
    let progress = Progress::new("converging", "records", whole * clients.len() as u64);
    let mut covered = vec![None; clients.len()];
    loop {
        let seen = tokens(clients).await?;
        let missing: Vec<_> = seen.iter().map(|token| lacks(token, target)).collect();
        for (covered, missing) in covered.iter_mut().zip(&missing) {
            if *missing == 0 {
                covered.get_or_insert(began.elapsed());
            }
        }
        progress.at(missing.iter().map(|missing| whole - missing).sum());
        let equal = seen.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
        if equal && missing.iter().all(|missing| *missing == 0) {
            return Ok(covered.into_iter().map(Option::unwrap_or_default).collect());
        }
        if began.elapsed() >= timeout {
            let behind = clients.iter().zip(missing).filter(|(_, missing)| *missing > 0);
            let behind: Vec<_> = behind.map(|(client, n)| format!("{} lacks {n} records", client.region())).collect();
            let lagging = if behind.is_empty() { "somebody else is writing".to_owned() } else { behind.join(", ") };
            return Err(ReplayError::NotConverged { waited: timeout, lagging });
        }
        sleep(LOOK_EVERY).await;
    }
}
