//! Nothing is said, acknowledged or offered that is not on disk (P1).

use std::collections::BTreeMap;

use halcyon_types::{Dot, RegionId, VersionVector};
use halcyon_wire::{Outcome, PeerMessage, Response};

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    synced: BTreeMap<RegionId, VersionVector>,
    judged: u64,
}

impl Spoken {
    fn holds(&mut self, at: RegionId, said: &VersionVector, what: &str) -> Result<(), String> {
        self.judged += 1;
        let none = VersionVector::new();
        let synced = self.synced.get(&at).unwrap_or(&none);
        if said.le(synced) {
            return Ok(());
        }
        Err(format!("region {at} tells {said:?} with {what}, and has synced {synced:?}"))
    }

    fn said(&mut self, at: RegionId, message: &PeerMessage) -> Result<(), String> {
        match message {
            PeerMessage::Hello(hello) => self.holds(at, &hello.vv, "a hello"),
            PeerMessage::Heartbeat(beat) => self.holds(at, &beat.vv, "a heartbeat"),
            PeerMessage::Range(range) if range.records.is_empty() => Ok(()),
            PeerMessage::Range(range) => {
                let last = [(range.actor, range.last())].into_iter().collect();
                self.holds(at, &last, "records")
            }
            PeerMessage::Floors(floors) => self.holds(at, floors, "floors"),
            PeerMessage::Compare(ask) => self.holds(at, &ask.vv, "a digest of rows"),
            PeerMessage::Pull(_)
            | PeerMessage::AskRights(_)
            | PeerMessage::AskPage(_)
            | PeerMessage::Page(_)
            | PeerMessage::NoCopy(_)
            | PeerMessage::Compared(_) => Ok(()),
        }
    }

    fn answered(&mut self, at: RegionId, response: &Response) -> Result<(), String> {
        match &response.result {
            Ok(Outcome::Written(receipt)) => {
                let Dot { actor, seq } = receipt.dot;
                self.holds(at, &[(actor, seq)].into_iter().collect(), "an acknowledgement")?;
                self.holds(at, &receipt.token, "a receipt's token")
            }
            Ok(Outcome::Token(token) | Outcome::Begun { token, .. }) => self.holds(at, token, "a token"),
            Ok(Outcome::Digest { vv, .. }) => self.holds(at, vv, "a digest"),
            _ => Ok(()),
        }
    }
}

impl Invariant for Spoken {
    fn name(&self) -> &'static str {
        "nothing_is_said_before_its_sync"
    }

    fn promise(&self) -> &'static str {
        "P1"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Applied { region, vv, .. } => {
                self.synced.entry(*region).or_default().join(vv);
                Ok(())
            }
            Observation::SetBack { region, disk, .. } => {
                // What it holds beyond that, a crash has kept without a word: it is shown when the node starts.
                let synced = self.synced.entry(*region).or_default();
                *synced = synced.meet(disk);
                Ok(())
            }
            Observation::Spoke { from, message, .. } => self.said(*from, message),
            Observation::Replied { region, response, .. } => self.answered(*region, response),
            _ => Ok(()),
        }
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use halcyon_types::Seq;
    use halcyon_wire::{Range, Receipt};

    use super::*;
    use crate::invariant::exchange::fixture::{actor, dot, region, vv};

    #[test]
    fn words_ahead_of_the_disk_are_noticed() {
        let mut spoken = Spoken::default();
        spoken.synced.insert(region(1), vv(&[(1, 2)]));
        let range = |first| {
            PeerMessage::Range(Range { actor: actor(1), first: Seq(first), records: vec![bytes::Bytes::new(); 2] })
        };
        assert_eq!(spoken.said(region(1), &range(1)), Ok(()));
        assert!(spoken.said(region(1), &range(2)).is_err());
        let ack = |seq, token: &[(u64, u64)]| Response {
            id: 1,
            result: Ok(Outcome::Written(Receipt { dot: dot(1, seq), token: vv(token) })),
        };
        assert_eq!(spoken.answered(region(1), &ack(2, &[(1, 2)])), Ok(()));
        assert!(spoken.answered(region(1), &ack(3, &[])).is_err());
        assert!(spoken.answered(region(1), &ack(1, &[(2, 1)])).is_err());
        assert!(spoken.answered(region(2), &ack(1, &[])).is_err());
    }
}
