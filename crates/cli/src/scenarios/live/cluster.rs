//! The three regions together: what is cut and healed between them, and what is awaited.
//!
//! Nothing is hoped for: whatever a node is to arrive at is read from the node, again and again with short pauses, up to a
//! deadline that says who lacks what. A step that lets records pass cuts again behind itself, whatever came of it.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use halcyon_sim::scenario::Region;
use halcyon_types::topology::{Keyspace, Topology};
use halcyon_types::{Seq, UnixMs, VersionVector};
use tokio::time::{Instant, sleep};

use super::error::LiveError;
use super::seat::Seat;
use crate::admin::{AdminError, Direction, LinkState};
use crate::clock;

/// How long records may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a node.
const LOOK_EVERY: Duration = Duration::from_millis(3);
/// Between the highest clock of a scenario and the beginning of the next.
const APART: Duration = Duration::from_secs(1);

/// The regions of a run.
pub(super) struct Cluster {
    pub(super) topology: Topology,
    pub(super) keyspace: Keyspace,
    seats: [Seat; 3],
    /// When the run began: part of every key.
    run: UnixMs,
    scenarios: u64,
    /// The latest time that any clock has shown.
    latest: UnixMs,
}

/// Where and when a scenario takes place.
pub(super) struct Stage {
    /// Put before every key.
    pub(super) prefix: String,
    /// Time 0.
    pub(super) base: UnixMs,
}

impl Cluster {
    /// Connects to three regions. Nothing is changed yet.
    pub(super) async fn open(topology: Topology, keyspace: Keyspace, certs: &Path) -> Result<Self, LiveError> {
        let [a, b, c, ..] = topology.regions.as_slice() else {
            return Err(LiveError::TooFewRegions(topology.regions.len()));
        };
        if a.id > b.id || b.id > c.id {
            return Err(LiveError::Order);
        }
        let seat = |region| Seat::take(&topology, region, certs);
        let seats = [seat(a).await?, seat(b).await?, seat(c).await?];
        let run = clock::wall();
        Ok(Self { topology, keyspace, seats, run, scenarios: 0, latest: run })
    }

    pub(super) const fn seat(&self, region: Region) -> &Seat {
        let [a, b, c] = &self.seats;
        match region {
            Region::A => a,
            Region::B => b,
            Region::C => c,
        }
    }

    /// Begins a scenario: everybody has seen the same, nobody hears anybody, and every clock is at the scenario's time 0.
    pub(super) async fn begin(&mut self) -> Result<Stage, LiveError> {
        for seat in &self.seats {
            seat.admin.background(false).await?;
        }
        self.meet().await?;
        for seat in &self.seats {
            self.latest = self.latest.max(seat.standing().await?.now);
        }
        let base = self.latest.plus(APART);
        for region in Region::ALL {
            self.set_clock(region, base).await?;
        }
        self.scenarios += 1;
        Ok(Stage { prefix: format!("scenario:{}:{}:", self.run.0, self.scenarios), base })
    }

    /// Stops a region's clock at `at`.
    pub(super) async fn set_clock(&mut self, region: Region, at: UnixMs) -> Result<(), LiveError> {
        self.latest = self.latest.max(at);
        Ok(self.seat(region).admin.clock(Some(at)).await?)
    }

    /// Lets `to` take from `from` whatever it can; `own`: of `from`'s own records alone.
    pub(super) async fn pull(&self, from: Region, to: Region, own: bool) -> Result<(), LiveError> {
        let (giver, taker) = (self.seat(from), self.seat(to));
        let known = giver.vector().await?;
        let wanted =
            if own { giver.last_of(&known).map(|dot| (dot.actor, dot.seq)).into_iter().collect() } else { known };
        if wanted.le(&taker.vector().await?) {
            return Ok(());
        }
        let pulled = async {
            giver.admin.relay(&taker.name, !own).await?;
            giver.admin.link_one_way(&taker.name, LinkState::Up, Direction::Out).await?;
            taker.admin.link_one_way(&giver.name, LinkState::Up, Direction::In).await?;
            if own { self.has_received(taker, &wanted).await } else { self.all_have(&[taker], &wanted).await }
        };
        let pulled = pulled.await;
        giver.admin.link(&taker.name, LinkState::Cut).await?;
        taker.admin.link(&giver.name, LinkState::Cut).await?;
        pulled
    }

    /// Lets all catch up from all, and compares them as of `at`, byte for byte.
    pub(super) async fn sync(&self, at: UnixMs) -> Result<(), LiveError> {
        self.meet().await?;
        let [a, b, c] = &self.seats;
        let digest = async |seat: &Seat| seat.client.digest_at(at).await.map_err(|error| seat.unread(error));
        let (first, second, third) = tokio::try_join!(digest(a), digest(b), digest(c))?;
        for (seat, other) in [(b, second), (c, third)] {
            if other.token != first.token {
                return Err(LiveError::Differ(format!(
                    "{} and {} moved apart: somebody else is writing",
                    a.name, seat.name
                )));
            }
            if other != first {
                let rows = format!("{} and {} rows", first.rows, other.rows);
                let who = format!("{} and {}", a.name, seat.name);
                return Err(LiveError::Differ(format!(
                    "{who} have seen the same records and hold different rows ({rows})"
                )));
            }
        }
        Ok(())
    }

    /// Everybody sees the same, then nobody hears anybody.
    async fn meet(&self) -> Result<(), LiveError> {
        let mut all = VersionVector::new();
        let mut vectors = Vec::new();
        for seat in &self.seats {
            let vv = seat.vector().await?;
            all.join(&vv);
            vectors.push(vv);
        }
        let met = if vectors.iter().all(|vv| *vv == all) {
            Ok(())
        } else {
            match self.between(LinkState::Up).await {
                Ok(()) => self.all_have(&self.seats.each_ref(), &all).await,
                Err(error) => Err(error.into()),
            }
        };
        for seat in &self.seats {
            for peer in &seat.peers {
                seat.admin.link(peer, LinkState::Cut).await?;
            }
        }
        met
    }

    async fn between(&self, state: LinkState) -> Result<(), AdminError> {
        for seat in &self.seats {
            for peer in self.seats.iter().filter(|peer| peer.name != seat.name) {
                seat.admin.relay(&peer.name, true).await?;
                seat.admin.link(&peer.name, state).await?;
            }
        }
        Ok(())
    }

    /// Waits until each has seen `wanted`.
    async fn all_have(&self, seats: &[&Seat], wanted: &VersionVector) -> Result<(), LiveError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut lacks = String::new();
            for seat in seats {
                self.note_lacks(&mut lacks, seat, &seat.vector().await?, wanted);
            }
            if lacks.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(LiveError::Lacks { waited: PATIENCE, lacks });
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until a region has received `wanted`, and applied of it what it could.
    async fn has_received(&self, seat: &Seat, wanted: &VersionVector) -> Result<(), LiveError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let standing = seat.standing().await?;
            let received = wanted.le(&standing.received);
            if received && standing.idle {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let mut lacks = String::new();
                self.note_lacks(&mut lacks, seat, &standing.received, wanted);
                if received {
                    let _ = write!(lacks, "{} has received all and is not done applying", seat.name);
                }
                return Err(LiveError::Lacks { waited: PATIENCE, lacks });
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Says what `seat` lacks of `wanted`, if anything.
    fn note_lacks(&self, text: &mut String, seat: &Seat, has: &VersionVector, wanted: &VersionVector) {
        for (actor, seq) in wanted.iter().filter(|(actor, seq)| has.get(*actor) < *seq) {
            let owner = self.topology.regions.iter().find(|region| Some(region.id) == actor.region());
            let owner = owner.map_or_else(|| actor.to_string(), |region| region.name.to_string());
            let and = if text.is_empty() { "" } else { "; " };
            let Seq(has) = has.get(actor);
            // Writing into a string cannot fail.
            let _ = write!(text, "{and}{} lacks records {} to {seq} of {owner}", seat.name, has + 1);
        }
    }

    /// Links up, others' records passed on, clocks real, rebalancer and sweeper at work. Everything is tried.
    pub(super) async fn heal(&self) -> Result<(), LiveError> {
        let mut failed = Vec::new();
        let mut tried = |done: Result<(), AdminError>| failed.extend(done.err().map(|error| error.to_string()));
        for seat in &self.seats {
            tried(seat.admin.clock(None).await);
            tried(seat.admin.background(true).await);
            for peer in &seat.peers {
                tried(seat.admin.relay(peer, true).await);
                tried(seat.admin.link(peer, LinkState::Up).await);
            }
        }
        if failed.is_empty() { Ok(()) } else { Err(LiveError::Unhealed(failed.join("; "))) }
    }
}
