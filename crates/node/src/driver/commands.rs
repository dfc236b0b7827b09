//! What the replica wants, and how it is done. Nothing here waits, and nothing here decides.

use halcyon_core::{Alarm, Command, SessionId};
use halcyon_types::{ActorId, RegionId, Seq};
use halcyon_wire::{PeerMessage, Range, Refusal, Response};

use super::{Driver, NodeError};
use crate::copying::PageRead;
use crate::metrics::Reason;
use crate::outbox::Outbox;
use crate::rebuilding::Filling;

/// Alarms that `/status` remembers.
const ALARMS_KEPT: usize = 64;

impl Driver {
    /// Carries out everything the replica wants.
    pub(super) fn carry_out(&mut self) {
        loop {
            // Commands first: one may take the snapshot that a job names.
            while let Some(command) = self.replica.poll_command() {
                self.command(command);
            }
            let mut jobs = Vec::new();
            while let Some(job) = self.replica.poll_job() {
                jobs.push(self.work(job));
            }
            if jobs.is_empty() {
                break;
            }
            if let Some(queue) = &self.jobs {
                queue.send(jobs);
            }
        }
        for session in std::mem::take(&mut self.answered) {
            if let Some(seat) = self.sessions.get(&session) {
                seat.answers.flush();
            }
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Send { peer, message } => drop(self.send(peer, &message)),
            Command::SendRange { peer, actor, after, upto, bytes_max } => {
                self.send_range(peer, actor, after, upto, bytes_max);
            }
            Command::Reply { session, response } => self.reply(session, &response),
            Command::Begin { session, id, transaction } => self.begin(session, id, transaction),
            Command::Forget { session, transaction } => self.forget(session, transaction),
            Command::Read { session, id, body } => self.read(session, id, &body),
            Command::Dial { peer } => self.dial(peer),
            Command::Drop { peer, reason } => self.drop_in_link(peer, &reason),
            Command::HangUp { peer } => self.hang_up(peer),
            Command::BeginCopy { peer } => self.copying.begin(peer, self.site.reader.snapshot()),
            Command::SendPage { peer, copy, number } => {
                if !self.copying.read(peer, copy, number, self.events.clone()) {
                    self.replica.handle_page_sent(self.site.clocks.now(), peer, 0);
                }
            }
            Command::EndCopy { peer } => self.copying.end(peer),
            Command::BeginFill => self.begin_fill(),
            Command::Fill { entries } => {
                if let Some(filling) = &self.filling {
                    filling.page(entries);
                }
            }
            Command::AbandonFill => self.abandoned = self.filling.take(),
            Command::Switch => self.switch(),
            Command::Alarm(alarm) => self.alarm(&alarm),
        }
    }

    /// Whether the link will say when it has taken the message: a fault may swallow or hold it instead.
    fn send(&mut self, peer: RegionId, message: &PeerMessage) -> bool {
        let Some(link) = self.out_links.get(&peer) else { return false };
        if !self.faults.releases(self.site.region, peer, message) {
            return false;
        }
        let delay = self.faults.of(peer).delay;
        let due = (!delay.is_zero()).then(|| self.site.clocks.instant(self.site.clocks.now().mono + delay));
        if let Err(error) = link.send(message, due) {
            tracing::error!(%peer, %error, "defect: a message is too long for a frame");
            return false;
        }
        due.is_none()
    }

    fn send_range(&mut self, peer: RegionId, actor: ActorId, after: Seq, upto: Seq, bytes_max: usize) {
        let from_tail = (actor == self.replica.actor()).then(|| self.tail.range(after, upto, bytes_max)).flatten();
        let records = match from_tail {
            Some(records) => records,
            None => match self.site.reader.log(actor, after, upto, bytes_max) {
                Ok(stored) => stored.into_iter().map(|record| record.bytes).collect(),
                Err(error) => {
                    // The replica learns that nothing was sent, and asks again later.
                    self.replica.handle_sent(self.site.clocks.now(), peer, actor, after, 0);
                    return self.alarm_text(format!("the log cannot be read: {error}"));
                }
            },
        };
        let Some(first) = after.next() else { return };
        let range = Range { actor, first, records };
        let (last, bytes) = (range.last(), range.bytes());
        if !self.send(peer, &PeerMessage::Range(range)) {
            self.replica.handle_sent(self.site.clocks.now(), peer, actor, last, bytes);
        }
    }

    pub(super) fn page_read(&mut self, peer: RegionId, read: PageRead) {
        let bytes = match self.copying.back(peer, read) {
            Some(Ok(page)) => {
                let bytes = page.entries.len();
                if self.send(peer, &PeerMessage::Page(page)) {
                    return;
                }
                bytes
            }
            Some(Err(error)) => {
                self.alarm_text(format!("a copy cannot be read: {error}"));
                0
            }
            None => 0,
        };
        self.replica.handle_page_sent(self.site.clocks.now(), peer, bytes);
    }

    fn begin_fill(&mut self) {
        let before = self.filling.take().or_else(|| self.abandoned.take());
        self.fillings += 1;
        match Filling::begin(self.fillings, self.site.data.clone(), before, self.events.clone()) {
            Ok(filling) => self.filling = Some(filling),
            Err(error) => {
                self.alarm_text(format!("a copy cannot be stored: {error}"));
                self.replica.handle_filled(self.site.clocks.now(), false);
            }
        }
    }

    pub(super) fn filled(&mut self, filling: u64, result: &Result<(), String>) {
        // Of one that was abandoned, nobody wants to know.
        if self.filling.as_ref().is_none_or(|present| present.number != filling) {
            return;
        }
        if let Err(error) = result {
            self.alarm_text(format!("a copy cannot be stored: {error}"));
        }
        self.replica.handle_filled(self.site.clocks.now(), result.is_ok());
    }

    /// Ends this life of the node: once the committer has finished, the copy takes the place of its state.
    fn switch(&mut self) {
        tracing::info!("the copy is whole: beginning anew from it");
        self.switching = self.filling.take();
        self.stop();
    }

    pub(super) fn reply(&mut self, session: SessionId, response: &Response) {
        if let Err(refusal) = &response.result {
            self.site.metrics.refusals.get_or_create(&Reason { reason: refusal.name() }).inc();
            if let Refusal::Storage { reason } = refusal {
                self.storage_alarm(reason);
            }
        }
        if let Some(seat) = self.sessions.get(&session) {
            put(&seat.answers, response);
            self.answered.insert(session);
        }
    }

    fn alarm(&mut self, alarm: &Alarm) {
        self.alarm_text(alarm.to_string());
        if let Alarm::ForkedHistory { peer, theirs, ours } = alarm {
            let peer = self.name_of(*peer);
            self.fatal = Some(NodeError::RolledBack { peer, theirs: *theirs, ours: *ours });
        }
    }

    fn alarm_text(&mut self, alarm: String) {
        tracing::error!(%alarm, "alarm");
        if !self.alarms.contains(&alarm) && self.alarms.len() < ALARMS_KEPT {
            self.alarms.push(alarm);
        }
    }

    /// The disk is no client's affair: its operator is to know, once per cause.
    fn storage_alarm(&mut self, reason: &str) {
        let alarm = format!("storage: {reason}");
        if self.alarms.len() < ALARMS_KEPT && !self.alarms.contains(&alarm) {
            self.alarm_text(alarm);
        }
    }

    pub(super) fn name_of(&self, region: RegionId) -> String {
        let found = self.replica.members().region(region);
        found.map_or_else(|| region.to_string(), |region| region.name.to_string())
    }
}

pub(super) fn put(answers: &Outbox, response: &Response) {
    if let Err(error) = answers.put(response) {
        let result = Err(Refusal::TooLarge { reason: format!("the answer does not fit a frame: {error}") });
        // A refusal of a few bytes fits.
        let _ = answers.put(&Response { id: response.id, result });
    }
}
