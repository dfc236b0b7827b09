//! Session tokens: what a session has seen, it sees in every region, or is told that it cannot yet.

use std::time::Duration;

use halcyon_client::{ReadError, Refusal, SessionToken};
use halcyon_tests::{Cluster, PATIENCE};

#[tokio::test]
async fn a_session_reads_its_own_writes_in_every_region() {
    let cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    let mut token = SessionToken::new();
    for round in 0..30 {
        // Write in one region, go on in the next, with nothing but the token.
        let (here, there) = (&clients[round % 3], &clients[(round + 1) % 3]);
        let receipt = here.keyspace("default").counter("visits").add(1).await.unwrap();
        token.join(&receipt.token.into());
        let session = there.session(token.clone()).wait(PATIENCE);
        assert_eq!(session.counter("visits").get().await.unwrap(), i128::try_from(round).unwrap() + 1);
        let seen = session.token().await.unwrap();
        assert!(seen.covers_all(&token), "monotonic reads: {seen} is behind {token}");
    }
}

#[tokio::test]
async fn a_session_is_told_not_yet_while_its_region_is_cut_off_and_waits_no_longer_than_asked() {
    let cluster = Cluster::start(2).await;
    let clients = cluster.clients().await;
    cluster.cut(0, 1).await;
    let token: SessionToken =
        clients[0].keyspace("default").register("order").set("576080").await.unwrap().token.into();

    let session = clients[1].session(token.clone()).wait(Duration::from_millis(50));
    let refused = session.register("order").get::<String>().await;
    assert!(matches!(refused, Err(ReadError::Refused(Refusal::NotYet { .. }))), "{refused:?}");
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("wait longer or read in another region"), "{message}");
    // Without the token, the region answers at once with what it has; where it was written, the token is no wait.
    let stale: Option<String> = clients[1].keyspace("default").register("order").get().await.unwrap();
    assert_eq!(stale, None);
    let own: Option<String> = clients[0].session(token.clone()).register("order").get().await.unwrap();
    assert_eq!(own.as_deref(), Some("576080"));

    // A read that waits is answered by the heal, not by its deadline.
    let waiting = clients[1].session(token).wait(PATIENCE);
    let waiting = tokio::spawn(async move { waiting.register("order").get::<String>().await });
    cluster.heal(0, 1).await;
    assert_eq!(waiting.await.unwrap().unwrap().as_deref(), Some("576080"));
}

#[tokio::test]
async fn a_token_survives_its_text_form_and_a_restart_of_the_region() {
    let mut cluster = Cluster::start(2).await;
    let clients = cluster.clients().await;
    let receipt = clients[0].keyspace("default").set("cart").add("22465").await.unwrap();
    let cookie = SessionToken::from(receipt.token).to_string();
    cluster.kill(1);
    cluster.restart(1).await;
    let token: SessionToken = cookie.parse().unwrap();
    assert!(clients[1].session(token).wait(PATIENCE).set("cart").contains("22465").await.unwrap());
}
