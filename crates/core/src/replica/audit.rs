//! Audits: this node's own, which it begins once a period, and its part in those of others.

use bytes::Bytes;
use halcyon_types::limits::{
    AUDIT_BYTES_MAX, AUDIT_FIRST_MAX, AUDIT_MARGIN, AUDIT_PATIENCE, AUDIT_PAUSE, AUDIT_PERIOD_LEAST, AUDIT_REST,
};
use halcyon_types::{Now, RegionId};
use halcyon_wire::{Compare, Compared, PeerMessage, Verdict};

use super::Replica;
use super::peers::check_width;
use crate::audit::{Differs, Scrub, Step};
use crate::error::PeerError;
use crate::event::{Alarm, Command, Damage, PieceRead};
use crate::status::{AuditEnd, AuditStatus, Difference};
use crate::timer::Timer;

impl Replica {
    /// When the first audit begins: soon, for a node that is started often would never end one.
    pub(super) fn time_first_audit(&mut self, now: Now) {
        if let Some(period) = self.audit.period {
            self.timers.set(Timer::Audit, now.mono + AUDIT_FIRST_MAX.min(period / 2));
        }
    }

    /// The moment to begin, to read on, or to wait no longer.
    pub(super) fn audit(&mut self, now: Now) {
        let Some(scrub) = &self.audit.scrub else { return self.begin_audit(now) };
        match &scrub.step {
            Step::Pausing => self.read_piece(now),
            Step::Asked { peer, upto, .. } => {
                let (peer, upto) = (*peer, upto.clone());
                self.audit.resting.insert(peer, now.mono + AUDIT_REST);
                self.leave_piece(now, upto);
            }
            Step::Reading | Step::Read(_) => {}
        }
    }

    fn begin_audit(&mut self, now: Now) {
        // A node that has next to nothing, or is about to be another, has nothing to compare.
        let ready = self.standing.reads() && !self.stopping && !self.is_rebuilding();
        match Scrub::begin(now.mono, &self.keyspaces).filter(|_| ready) {
            Some(scrub) => {
                self.audit.scrub = Some(scrub);
                self.read_piece(now);
            }
            None => self.timers.set(Timer::Audit, now.mono + AUDIT_PERIOD_LEAST),
        }
    }

    fn read_piece(&mut self, now: Now) {
        let at = self.own_wall(now).max(self.hlc.wall()).plus(AUDIT_MARGIN);
        if self.is_rebuilding() {
            // Of this state nothing will be left.
            self.audit.scrub = None;
            return self.timers.set(Timer::Audit, now.mono + AUDIT_PERIOD_LEAST);
        }
        let Some(scrub) = &mut self.audit.scrub else { return };
        if now.mono < scrub.next {
            scrub.step = Step::Pausing;
            return self.timers.set(Timer::Audit, scrub.next);
        }
        scrub.step = Step::Reading;
        self.timers.cancel(Timer::Audit);
        let (from, upto, rows_max) = (scrub.from.clone(), scrub.upto(), scrub.rows_max);
        self.commands.push_back(Command::ReadPiece { from, upto, at, rows_max, bytes_max: AUDIT_BYTES_MAX });
    }

    pub(super) fn piece_read(&mut self, now: Now, piece: PieceRead) {
        let Some(scrub) = self.audit.scrub.as_mut().filter(|scrub| matches!(scrub.step, Step::Reading)) else { return };
        scrub.count(now.mono, piece.rows, piece.bytes);
        self.audit.rows += piece.rows;
        self.audit.bytes += piece.bytes;
        for damage in &piece.damage {
            self.found_damage(now, damage.clone());
        }
        let unread = piece.rows == 0 && !piece.damage.is_empty();
        let Some(scrub) = &mut self.audit.scrub else { return };
        if unread || self.peers.is_empty() {
            return self.go_on_behind(now, piece.upto);
        }
        scrub.step = Step::Read(piece);
        self.ask_to_compare(now);
    }

    /// Asks a peer about the piece that was read, once nothing of it can be lost: what is not synced is told to nobody.
    pub(super) fn ask_to_compare(&mut self, now: Now) {
        let Some(scrub) = &mut self.audit.scrub else { return };
        if !matches!(&scrub.step, Step::Read(piece) if piece.vv.le(&self.synced)) {
            return;
        }
        let Step::Read(piece) = std::mem::replace(&mut scrub.step, Step::Pausing) else { return };
        let (from, finest) = (scrub.from.clone(), scrub.is_finest(piece.rows));
        let may = self.peers.iter().filter(|(_, peer)| {
            peer.outbound.introduced && peer.inbound.is_greeted() && peer.inbound.is_alive(now.mono)
        });
        let Some(peer) = self.audit.next_peer(now.mono, self.region, may.map(|(region, _)| *region)) else {
            return self.leave_piece(now, piece.upto);
        };
        let number = self.audit.question();
        let PieceRead { vv, upto, at, rows, live, digest, .. } = piece;
        if let Some(scrub) = &mut self.audit.scrub {
            scrub.step = Step::Asked { number, peer, rows, upto: upto.clone(), finest };
            scrub.peer = Some(peer);
        }
        let compare = Compare { number, from, upto, at, vv, rows: live, digest, finest };
        self.commands.push_back(Command::Send { peer, message: PeerMessage::Compare(compare) });
        self.timers.set(Timer::Audit, now.mono + AUDIT_PATIENCE);
    }

    pub(super) fn compared(&mut self, now: Now, from: RegionId, compared: Compared) {
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.inbound.heard = now.mono;
        }
        let Some(scrub) = &mut self.audit.scrub else { return };
        let Step::Asked { number, peer, rows, upto, finest } = &scrub.step else { return };
        if (*peer, *number) != (from, compared.number) {
            return;
        }
        let (rows, upto, finest) = (*rows, upto.clone(), *finest);
        let begin = scrub.from.clone();
        match compared.verdict {
            Verdict::Same => {
                scrub.compared += 1;
                self.audit.findings.agrees(from, &begin, &upto);
                self.go_on_behind(now, upto);
            }
            Verdict::Differs => match scrub.differs(&upto, finest) {
                Differs::Narrow => self.read_piece(now),
                Differs::Tell => {
                    self.found_difference(from, begin, upto.clone());
                    self.go_on_behind(now, upto);
                }
            },
            Verdict::Moved if scrub.moves(rows) => {
                // A single row may be at rest in a moment.
                if rows <= 1 {
                    scrub.next = scrub.next.max(now.mono + AUDIT_PAUSE);
                }
                self.read_piece(now);
            }
            Verdict::Moved | Verdict::Unread => self.leave_piece(now, upto),
        }
    }

    /// Nothing can be said of a piece: the next audit may have more luck.
    fn leave_piece(&mut self, now: Now, upto: Bytes) {
        if let Some(scrub) = &mut self.audit.scrub {
            scrub.uncompared += 1;
        }
        self.go_on_behind(now, upto);
    }

    fn go_on_behind(&mut self, now: Now, upto: Bytes) {
        let Some(scrub) = &mut self.audit.scrub else { return };
        if scrub.advance(upto) {
            return self.read_piece(now);
        }
        let Scrub { began, rows, bytes, compared, uncompared, .. } = *scrub;
        self.audit.scrub = None;
        self.audit.audits += 1;
        self.audit.last = Some(AuditEnd { began, ended: now.mono, rows, bytes, compared, uncompared });
        self.audit.findings.audited_since(began);
        if let Some(period) = self.audit.period {
            self.timers.set(Timer::Audit, (began + period).max(now.mono + AUDIT_PAUSE));
        }
    }

    pub(super) fn asked_to_compare(&mut self, now: Now, from: RegionId, ask: Compare) -> Result<(), PeerError> {
        check_width(from, &ask.vv)?;
        if ask.from >= ask.upto {
            let reason = "a range that ends before it begins";
            return Err(PeerError::Protocol { from, reason });
        }
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.inbound.heard = now.mono;
        }
        if !self.stopping && self.standing.reads() {
            // It asks one thing at a time: an earlier question has been given up.
            self.audit.asked.insert(from, ask);
            self.compare_asked();
        }
        Ok(())
    }

    /// Reads what peers want compared, as far as this node has seen what they had; one range of each at a time.
    pub(super) fn compare_asked(&mut self) {
        if self.is_rebuilding() {
            return;
        }
        let ready = |(peer, ask): (&RegionId, &Compare)| {
            (ask.vv.le(&self.synced) && !self.audit.reading.contains_key(peer)).then_some(*peer)
        };
        let ready: Vec<_> = self.audit.asked.iter().filter_map(ready).collect();
        for peer in ready {
            let Some(ask) = self.audit.asked.remove(&peer) else { continue };
            // What this node has purged already the other may still have and count.
            if self.sweeper.purged_upto() > ask.at {
                self.answer_compared(peer, ask.number, Verdict::Moved);
            } else {
                self.audit.reading.insert(peer, ask.clone());
                self.commands.push_back(Command::CompareRange { peer, ask });
            }
        }
    }

    pub(super) fn range_compared(&mut self, now: Now, peer: RegionId, read: Result<Verdict, String>) {
        let Some(ask) = self.audit.reading.remove(&peer) else { return };
        let Compare { number, from, upto, finest, .. } = ask;
        let verdict = match read {
            Ok(verdict) => verdict,
            Err(what) => {
                self.found_damage(now, Damage { from: from.clone(), upto: upto.clone(), what });
                Verdict::Unread
            }
        };
        match verdict {
            Verdict::Same => self.audit.findings.agrees(peer, &from, &upto),
            Verdict::Differs if finest => self.found_difference(peer, from, upto),
            Verdict::Differs | Verdict::Moved | Verdict::Unread => {}
        }
        self.answer_compared(peer, number, verdict);
        self.compare_asked();
    }

    fn answer_compared(&mut self, peer: RegionId, number: u64, verdict: Verdict) {
        let message = PeerMessage::Compared(Compared { number, verdict });
        self.commands.push_back(Command::Send { peer, message });
    }

    fn found_difference(&mut self, peer: RegionId, from: Bytes, upto: Bytes) {
        let difference = Difference { peer, from, upto };
        if self.audit.findings.differs(difference.clone()) {
            self.alarm(Alarm::Diverged(difference));
        }
    }

    fn found_damage(&mut self, now: Now, damage: Damage) {
        if self.audit.findings.damaged(now.mono, damage.clone()) {
            self.alarm(Alarm::Damaged(damage));
        }
    }

    pub(super) fn audit_status(&self, now: Now) -> AuditStatus {
        let scrub = self.audit.scrub.as_ref();
        AuditStatus {
            period: self.audit.period,
            running: scrub.map(|scrub| AuditEnd {
                began: scrub.began,
                ended: now.mono,
                rows: scrub.rows,
                bytes: scrub.bytes,
                compared: scrub.compared,
                uncompared: scrub.uncompared,
            }),
            place: scrub.map(|scrub| scrub.from.clone()),
            peer: scrub.and_then(|scrub| scrub.peer),
            last: self.audit.last,
            audits: self.audit.audits,
            rows: self.audit.rows,
            bytes: self.audit.bytes,
            differing: self.audit.findings.differing.clone(),
            damaged: self.audit.findings.damage().cloned().collect(),
        }
    }
}
