//! The own clock among all that are heard. Data is accepted whatever it is stamped with; what this node would stamp wrong it
//! does not write.

use halcyon_types::Now;
use halcyon_types::mutant::{Mutant, planted};
use halcyon_wire::Refusal;

use super::Replica;
use crate::event::Alarm;
use crate::skew::Off;
use crate::status::ClockStatus;

impl Replica {
    /// Judges the own clock by all that were heard lately.
    pub(super) fn judge_clock(&mut self, now: Now) {
        if self.test_clock {
            return self.forget_clocks();
        }
        let heard = self.others().filter_map(|(_, peer)| peer.inbound.clock_surely_ahead_ms(now.mono));
        let onset = self.skew.judge(now, heard.collect());
        if let Some(Off { ms, clocks }) = onset {
            self.alarm(Alarm::ClockSkew { off_ms: ms, clocks, refuses: self.skew.refuses() });
        }
    }

    /// Whether a write may be stamped by the own clock. One that was off is looked at again: it may have been set.
    pub(super) fn check_clock(&mut self, now: Now) -> Result<(), Refusal> {
        if !self.skew.refuses() {
            return Ok(());
        }
        self.judge_clock(now);
        match self.skew.off() {
            Some(Off { ms, clocks }) if self.skew.refuses() && !planted(Mutant::SkewIgnored) => {
                Err(Refusal::ClockSkew { off_ms: ms, clocks: clocks as u64 })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn forget_clocks(&mut self) {
        self.skew.forget();
        self.peers.values_mut().for_each(|peer| peer.inbound.forget_clock());
    }

    pub(super) fn clock_status(&self, now: Now) -> ClockStatus {
        let heard = self.others().filter_map(|(_, peer)| peer.inbound.clock_surely_ahead_ms(now.mono));
        ClockStatus {
            off_ms: self.skew.off().map(|off| off.ms),
            clocks: 1 + heard.count(),
            refuses: self.skew.refuses(),
            test: self.test_clock,
        }
    }
}
