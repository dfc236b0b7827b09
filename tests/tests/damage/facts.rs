//! What has been acked, and what a region says about it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use halcyon_client::{Client, ReadError, Refusal, SessionToken, WriteError};
use halcyon_tests::{Cluster, Dice, PATIENCE};

/// Writes that have been acked.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    registers: BTreeMap<String, Vec<u8>>,
    members: BTreeSet<String>,
    sum: i128,
    /// Whoever has seen it has all of them.
    token: SessionToken,
}

/// How a region answered questions about facts. What it answered was right: anything else fails the test.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) right: usize,
    /// What it said when it could not read its own disk.
    pub(crate) storage: Vec<String>,
    /// It was gone, or knew less.
    pub(crate) silent: usize,
}

impl Answers {
    fn take<T>(&mut self, answer: Result<T, ReadError>, is_right: impl FnOnce(T)) {
        match answer {
            Ok(answer) => {
                is_right(answer);
                self.right += 1;
            }
            Err(ReadError::Refused(Refusal::Storage { reason })) => self.storage.push(reason),
            // Not yet: what it met has stopped its committer, and it is about to end.
            Err(
                ReadError::NotReachable { .. }
                | ReadError::NoAnswer { .. }
                | ReadError::Refused(Refusal::NotYet { .. }),
            ) => self.silent += 1,
            Err(other) => panic!("neither an answer nor a cause: {other}"),
        }
    }

    /// Whether every question was answered.
    pub(crate) const fn are_all(&self) -> bool {
        self.storage.is_empty() && self.silent == 0
    }
}

/// A client that soon says that a region is gone.
pub(crate) async fn impatient(cluster: &Cluster, region: usize) -> Option<Client> {
    let config = cluster.client_config(region).request_timeout(Duration::from_secs(3));
    Client::connect(config.connect_timeout(Duration::from_secs(1))).await.ok()
}

impl Facts {
    /// Writes through `client`, behind all that was written before: registers of a KiB, members of one set, onto one
    /// counter. All of it is acked.
    pub(crate) async fn write(&mut self, client: &Client, dice: &mut Dice, batches: u64) {
        for _ in 0..batches {
            let mut batch = client.session(self.token.clone()).wait(PATIENCE).keyspace("default").batch();
            for _ in 0..8 {
                let key = format!("register:{}", dice.below(200));
                let value = noise(dice, 1024);
                batch.register(&key).set_bytes(&value);
                self.registers.insert(key, value);
                let member = format!("{:016x}", dice.roll());
                batch.set("members").add(&member);
                self.members.insert(member);
            }
            batch.counter("sum").add(3);
            self.sum += 3;
            let receipt = batch.commit().await.expect("a region that takes writes");
            self.token.join(&receipt.token.into());
        }
    }

    /// Writes one large value, under a name that is used once; it counts only once it is acked.
    pub(crate) async fn try_write(&mut self, client: &Client, dice: &mut Dice) -> Result<(), WriteError> {
        let (key, value) = (format!("large:{:016x}", dice.roll()), noise(dice, 100 * 1024));
        let receipt = client.keyspace("default").register(&key).set_bytes(&value).await?;
        self.token.join(&receipt.token.into());
        self.registers.insert(key, value);
        Ok(())
    }

    /// Asks `client`'s region about all of it, once it has seen all of it; until it is gone, or its disk says no.
    pub(crate) async fn ask(&self, client: &Client) -> Answers {
        let (session, mut answers) = (client.session(self.token.clone()), Answers::default());
        answers.take(session.token().await, |_| ());
        let shop = session.keyspace("default");
        for (key, value) in &self.registers {
            if answers.silent > 0 {
                return answers;
            }
            let answer = shop.register(key).get_bytes().await;
            answers.take(answer, |found| assert!(found.as_deref() == Some(&value[..]), "p1: {key}"));
        }
        let answer = shop.set("members").members().await;
        answers.take(answer, |found| {
            let found: BTreeSet<_> = found.iter().map(|member| String::from_utf8_lossy(member).into_owned()).collect();
            let lost: Vec<_> = self.members.difference(&found).collect();
            assert!(lost.is_empty(), "p1: members are lost: {lost:?}");
            assert_eq!(found.len(), self.members.len(), "members that nobody wrote");
        });
        answers.take(shop.counter("sum").get().await, |sum| assert_eq!(sum, self.sum, "p6"));
        answers
    }

    /// Every region has all of it.
    pub(crate) async fn are_everywhere(&self, cluster: &Cluster) {
        cluster.converged().await;
        for client in cluster.clients().await {
            let answers = self.ask(&client).await;
            assert!(answers.are_all(), "{}: {answers:?}", client.region());
        }
    }
}

fn noise(dice: &mut Dice, bytes: usize) -> Vec<u8> {
    (0..bytes.div_ceil(8)).flat_map(|_| dice.roll().to_le_bytes()).collect()
}
