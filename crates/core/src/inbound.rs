//! What one peer tells this node: who it is, how far it is, and whether it is there at all.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use halcyon_types::limits::{OVERDUE_MARGIN, SILENT_AFTER};
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, BootId, Dot, Hlc, Now, Seq, UnixMs, VersionVector};
use halcyon_wire::{ChainHash, Echo, Heartbeat, Hello};

/// Earlier starts of a peer that are remembered, to tell a copied directory from a restart.
const FORMER_BOOTS_MAX: usize = 16;

/// The longest round trip believed: patience grows with it, and a process that slept or lied must not stretch it.
const RTT_MAX: Duration = Duration::from_secs(5);

/// The link that the peer dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// Not yet opened since this node began.
    Awaited,
    /// Open, and nobody has said who is there.
    Open,
    /// A Hello was accepted.
    Greeted,
    /// And this node has answered the first heartbeat.
    Answered,
    /// Lost at that time.
    Lost(Duration),
}

/// What the peer's clock said.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// How far it was ahead of this node's, in milliseconds.
    ahead_ms: i64,
    /// Give or take so much: nobody knows which way of the round trip took how long.
    error_ms: i64,
    /// When.
    at: Duration,
}

#[derive(Debug)]
pub(crate) struct Inbound {
    link: Link,
    pub(crate) heard: Duration,
    pub(crate) actor: Option<ActorId>,
    pub(crate) boot: Option<BootId>,
    former: VecDeque<BootId>,
    /// What the peer has on disk: moves windows.
    pub(crate) acked: VersionVector,
    /// What the peer can be asked for: `acked`, what it sent, and what that depends on.
    pub(crate) known: VersionVector,
    /// What counts for stability: acks whose sender's own records, up to then, are applied here.
    pub(crate) stable: VersionVector,
    /// No record of the peer that is not applied here has a lower stamp. Counts only once what it said before is applied, as
    /// for `stable`; a new start of the peer may have another clock.
    pub(crate) stamp: Option<Hlc>,
    /// Acks not yet countable: the oldest, which will open first, and the newest.
    gated: VecDeque<(VersionVector, Hlc)>,
    /// Its log's hash, as it last said.
    pub(crate) head: Option<(Seq, ChainHash)>,
    ping: Option<(u64, Duration)>,
    pub(crate) rtt: Option<Duration>,
    clock: Option<Reading>,
    /// Actors whose records are not taken from this peer: it sent one that cannot be read.
    pub(crate) refused: BTreeSet<ActorId>,
    /// Its logs begin behind these records, as far as it has said so.
    pub(crate) floors: VersionVector,
    /// It answers nobody yet, as it last said.
    pub(crate) joining: bool,
    /// The alarm that it knows more of this node's history was raised.
    pub(crate) ahead: bool,
    /// The alarm that it lacks what has been dropped here was raised.
    pub(crate) starved: bool,
}

impl Inbound {
    /// A peer not heard yet, at the start of this node.
    pub(crate) const fn new(start: Duration) -> Self {
        Self {
            link: Link::Awaited,
            heard: start,
            actor: None,
            boot: None,
            former: VecDeque::new(),
            acked: VersionVector::new(),
            known: VersionVector::new(),
            stable: VersionVector::new(),
            stamp: None,
            gated: VecDeque::new(),
            head: None,
            ping: None,
            rtt: None,
            clock: None,
            refused: BTreeSet::new(),
            floors: VersionVector::new(),
            joining: false,
            ahead: false,
            starved: false,
        }
    }

    pub(crate) const fn opened(&mut self, now: Duration) {
        (self.link, self.heard, self.ping) = (Link::Open, now, None);
    }

    pub(crate) fn closed(&mut self, now: Duration) {
        if self.is_up() {
            self.link = Link::Lost(now);
        }
    }

    pub(crate) const fn is_up(&self) -> bool {
        matches!(self.link, Link::Open | Link::Greeted | Link::Answered)
    }

    pub(crate) const fn is_greeted(&self) -> bool {
        matches!(self.link, Link::Greeted | Link::Answered)
    }

    /// Whether the link's first heartbeat is still to be answered; now it is.
    pub(crate) fn answer_first(&mut self) -> bool {
        std::mem::replace(&mut self.link, Link::Answered) != Link::Answered
    }

    /// When the link counts as down or silent, if nothing more is heard. A lost link has a moment to come back.
    pub(crate) fn silent_at(&self) -> Duration {
        let silent = self.heard + SILENT_AFTER.max(self.rtt.unwrap_or_default() * 4);
        match self.link {
            Link::Lost(at) => silent.min(at + OVERDUE_MARGIN),
            _ => silent,
        }
    }

    pub(crate) fn is_alive(&self, now: Duration) -> bool {
        now < self.silent_at()
    }

    /// Whether `boot` was followed by a later start, and so should be dead.
    pub(crate) fn is_former(&self, boot: BootId) -> bool {
        self.former.contains(&boot)
    }

    /// Takes a Hello. Returns whether it is the first of a new start of the peer, which may know less than before.
    pub(crate) fn greet(&mut self, now: Duration, hello: &Hello) -> bool {
        if !self.is_greeted() {
            self.link = Link::Greeted;
        }
        self.heard = now;
        let restarted = self.boot != Some(hello.boot);
        if restarted {
            if self.former.len() == FORMER_BOOTS_MAX {
                self.former.pop_front();
            }
            self.former.extend(self.boot.replace(hello.boot));
            self.acked = VersionVector::new();
            self.known = VersionVector::new();
            self.gated.clear();
            self.stamp = None;
            self.refused.clear();
            self.floors = VersionVector::new();
            self.head = None;
            self.clock = None;
            self.ahead = false;
            self.starved = false;
            // Its directory may be an older copy: what it has is what it says from now on.
            self.stable = VersionVector::new();
        }
        if self.actor.replace(hello.actor) != Some(hello.actor) {
            // What it said of its former log opens no gate of this one.
            self.gated.clear();
            self.head = None;
        }
        self.acked.join(&hello.vv);
        self.known.join(&hello.vv);
        restarted
    }

    /// Takes a heartbeat of the peer's `actor`.
    pub(crate) fn beat(&mut self, now: Now, actor: ActorId, beat: &Heartbeat, echo: Option<Echo>) {
        self.heard = now.mono;
        self.joining = beat.joining;
        self.acked.join(&beat.vv);
        self.known.join(&beat.vv);
        self.known.observe(Dot { actor, seq: beat.seq });
        self.head = Some((beat.seq, beat.head));
        self.ping = Some((beat.ping_us, now.mono));
        let round = echo.and_then(|echo| self.measure(now, echo));
        match (beat.wall, round) {
            (Some(wall), Some(round)) => self.clock = Some(Reading::of(now, wall, round)),
            (None, _) => self.clock = None,
            (Some(_), None) => {}
        }
        if self.gated.len() == 2 {
            self.gated.pop_back();
        }
        self.gated.push_back((beat.vv.clone(), beat.hlc));
    }

    /// Smooths as TCP does (RFC 6298): an eighth of each new sample. Gives the sample back.
    fn measure(&mut self, now: Now, echo: Echo) -> Option<Duration> {
        let round = micros(now.mono).checked_sub(echo.ping_us)?.checked_sub(echo.held_us)?;
        let round = Duration::from_micros(round);
        let sample = round.min(RTT_MAX);
        self.rtt = Some(self.rtt.map_or(sample, |rtt| (rtt * 7 + sample) / 8));
        Some(round)
    }

    /// How far the peer's clock is ahead of this node's, in milliseconds, as far as it is known.
    pub(crate) fn clock_offset_ms(&self) -> Option<i64> {
        self.clock.map(|reading| reading.ahead_ms)
    }

    /// The same, as far as it is certain and was heard lately: what half a round trip may hide is held against nobody.
    pub(crate) fn clock_surely_ahead_ms(&self, now: Duration) -> Option<i64> {
        let Reading { ahead_ms, error_ms, at } = self.clock?;
        let least = ahead_ms.saturating_abs().saturating_sub(error_ms).max(0);
        (now < at + SILENT_AFTER).then_some(least * ahead_ms.signum())
    }

    /// The own clock is another one from now on: what the peer's says of it is not known yet.
    pub(crate) const fn forget_clock(&mut self) {
        self.clock = None;
    }

    /// The peer's last ping, to be sent back.
    pub(crate) fn echo(&self, now: Duration) -> Option<Echo> {
        self.ping.map(|(ping_us, at)| Echo { ping_us, held_us: micros(now.saturating_sub(at)) })
    }

    /// Counts the acks whose gate has opened: this node has `applied` the sender's own records up to then, those of its region's
    /// former logs included.
    pub(crate) fn open_gates(&mut self, applied: &VersionVector) {
        let Some(region) = self.actor.and_then(ActorId::region) else { return };
        let own = |actor: ActorId| actor.region() == Some(region);
        let open = |vv: &VersionVector| vv.iter().all(|(actor, seq)| !own(actor) || seq <= applied.get(actor));
        while let Some((vv, stamp)) = self.gated.pop_front_if(|(vv, _)| open(vv) || planted(Mutant::UngatedAck)) {
            self.stable.join(&vv);
            self.stamp = self.stamp.max(Some(stamp));
        }
    }

    /// Whether the peer's log, as it last said, is another than the one of which this node holds `hash` at `seq`.
    pub(crate) fn differs(&self, seq: Seq, hash: Option<&ChainHash>) -> bool {
        matches!((&self.head, hash), (Some((at, theirs)), Some(ours)) if *at == seq && theirs != ours)
    }
}

impl Reading {
    /// `wall` was said no longer than `round` ago.
    fn of(now: Now, wall: UnixMs, round: Duration) -> Self {
        let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        let ahead_ms = ms(wall.plus(round / 2).0).saturating_sub(ms(now.wall.0));
        Self { ahead_ms, error_ms: ms(micros(round / 2).div_ceil(1000)), at: now.mono }
    }
}

pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
