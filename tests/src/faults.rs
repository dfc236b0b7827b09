//! Cables taken out and put back, through the fault API; processes put to sleep and woken, by signals.

use std::process::Command;

use crate::cluster::Cluster;
use crate::http;

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
