//! The hash that a node tells of a log is that of the log's bytes, and the same everywhere (P2, P3).

use std::collections::BTreeMap;

use halcyon_types::{ActorId, Dot, Seq};
use halcyon_wire::{ChainHash, PeerMessage};

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// Worked out anew from the bytes.
    hashes: BTreeMap<Dot, ChainHash>,
    judged: u64,
}

impl Chain {
    fn hash(&self, dot: Dot) -> Option<ChainHash> {
        match dot.seq {
            Seq::ZERO => Some(ChainHash::genesis(dot.actor)),
            _ => self.hashes.get(&dot).copied(),
        }
    }

    fn extend(&mut self, dot: Dot, bytes: &[u8]) {
        if let Some(before) = self.hash(Dot { seq: dot.seq.previous(), ..dot }) {
            self.hashes.entry(dot).or_insert_with(|| before.extend(bytes));
        }
    }

    fn told(&mut self, who: &str, actor: ActorId, seq: Seq, told: ChainHash) -> Result<(), String> {
        self.judged += 1;
        let dot = Dot { actor, seq };
        match self.hash(dot) {
            Some(hash) if hash == told => Ok(()),
            hash => Err(format!("{who} tells the hash {told:?} of the log up to {dot}; its bytes come to {hash:?}")),
        }
    }
}

impl Invariant for Chain {
    fn name(&self) -> &'static str {
        "logs_are_told_by_their_hash"
    }

    fn promise(&self) -> &'static str {
        "P2"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Applied { records, .. } => {
                records.iter().for_each(|(record, stored)| self.extend(record.dot, &stored.bytes));
                Ok(())
            }
            Observation::Spoke { from, message: PeerMessage::Heartbeat(beat), .. } => match world.node(*from) {
                Some(node) => self.told(&format!("region {from}"), node.actor(), beat.seq, beat.head),
                None => Ok(()),
            },
            Observation::Started { region, recovered } => {
                // What a crash kept without a word is shown next, and not known yet.
                let known = |dot: Dot| self.hash(dot).is_some();
                let heads = recovered.heads.iter().filter(|(actor, head)| known(Dot { actor: **actor, seq: head.seq }));
                let heads: Vec<_> = heads.map(|(actor, head)| (*actor, head.seq, head.hash)).collect();
                heads.into_iter().try_for_each(|(actor, seq, hash)| {
                    self.told(&format!("region {region}, at its start,"), actor, seq, hash)
                })
            }
            _ => Ok(()),
        }
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::exchange::fixture::{actor, dot};

    #[test]
    fn a_hash_of_another_log_is_noticed() {
        let mut chain = Chain::default();
        chain.extend(dot(1, 1), b"a");
        chain.extend(dot(1, 2), b"b");
        let good = ChainHash::genesis(actor(1)).extend(b"a").extend(b"b");
        assert_eq!(chain.told("x", actor(1), Seq(2), good), Ok(()));
        assert_eq!(chain.told("x", actor(2), Seq::ZERO, ChainHash::genesis(actor(2))), Ok(()));
        assert!(chain.told("x", actor(1), Seq(1), good).is_err());
        assert!(chain.told("x", actor(1), Seq(3), good).is_err(), "a record that nobody has");
    }
}
