//! Cables taken out and put back, through the fault API; processes put to sleep and woken, by signals.

use std::process::Command;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::{http, shim};

const CLOCK_SHIM: &str = include_str!("../shim/clock.c");

impl Cluster {
    /// Cuts the link between two regions, both ways.
    pub async fn cut(&self, a: usize, b: usize) {
        self.fault(a, b, "state=cut").await;
        self.fault(b, a, "state=cut").await;
    }

    /// Nothing that `from` says reaches `to`; the other way stays whole.
    pub async fn cut_one_way(&self, from: usize, to: usize) {
        self.fault(from, to, "state=cut&direction=out").await;
        self.fault(to, from, "state=cut&direction=in").await;
    }

    /// Puts the cable between two regions back.
    pub async fn heal(&self, a: usize, b: usize) {
        self.fault(a, b, "state=up").await;
        self.fault(b, a, "state=up").await;
    }

    /// Cuts a region off from every other.
    pub async fn isolate(&self, region: usize) {
        for other in self.others(region) {
            self.cut(region, other).await;
        }
    }

    /// Puts every cable of a region back.
    pub async fn rejoin(&self, region: usize) {
        for other in self.others(region) {
            self.heal(region, other).await;
        }
    }

    /// Asks the fault API of `at` to change its link to `peer`: `change` is the query.
    pub async fn fault(&self, at: usize, peer: usize, change: &str) {
        let url = format!("{}/fault/link/{}?{change}", self.node(at).admin, self.node(peer).region);
        let answer = http::call(true, url.clone()).await;
        assert!(matches!(&answer, Some((200, _))), "{url}: {answer:?}");
    }

    /// What `POST` of a path on a region's admin plane answers: code and body.
    pub async fn post(&self, region: usize, path: &str) -> Option<(u16, String)> {
        http::call(true, format!("{}{path}", self.node(region).admin)).await
    }

    /// The wall clock of a region's process is ahead by so much, from its next start on: a real clock as far as it can know, unlike
    /// the fault API's. `false` where that cannot be done, which is said on standard error.
    pub fn put_clock_ahead(&mut self, region: usize, ahead: Duration) -> bool {
        let library = shim::build("clock", CLOCK_SHIM).filter(|_| !ahead.is_zero());
        let built = library.is_some();
        self.node_mut(region).clock_off = library.map(|library| (ahead.as_secs(), library));
        built || ahead.is_zero()
    }

    /// `kill -STOP`: the process lives, and does nothing.
    pub fn pause(&self, region: usize) {
        self.signal(region, "-STOP");
    }

    /// `kill -CONT`: it goes on where it was.
    pub fn resume(&self, region: usize) {
        self.signal(region, "-CONT");
    }

    fn signal(&self, region: usize, signal: &str) {
        let pid = self.node(region).pid().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
    }

    fn others(&self, region: usize) -> impl Iterator<Item = usize> {
        (0..self.regions()).filter(move |other| *other != region)
    }
}
