//! One content per dot (P2): whoever shows a record's bytes, on its disk, to a peer, or after a restart, shows the same.

use std::collections::BTreeMap;

use bytes::Bytes;
use halcyon_types::{ActorId, Dot, Seq};
use halcyon_wire::PeerMessage;

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Content {
    known: BTreeMap<Dot, Bytes>,
    judged: u64,
}

impl Content {
    fn note(&mut self, dot: Dot, bytes: &Bytes) -> Result<(), String> {
        self.judged += 1;
        let known = self.known.entry(dot).or_insert_with(|| bytes.clone());
        if known == bytes { Ok(()) } else { Err(format!("{dot} is {} and {}", show(known), show(bytes))) }
    }

    fn note_log(&mut self, actor: ActorId, first: Seq, records: impl IntoIterator<Item = Bytes>) -> Result<(), String> {
        (first.0..).zip(records).try_for_each(|(seq, bytes)| self.note(Dot { actor, seq: Seq(seq) }, &bytes))
    }
}

/// Enough of a record to know it again.
fn show(bytes: &Bytes) -> String {
    format!("{} bytes of hash {}", bytes.len(), &blake3::hash(bytes).to_hex()[..16])
}

impl Invariant for Content {
    fn name(&self) -> &'static str {
        "one_content_per_dot"
    }

    fn promise(&self) -> &'static str {
        "P2"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Applied { records, .. } => {
                records.iter().try_for_each(|(record, stored)| self.note(record.dot, &stored.bytes))
            }
            Observation::Spoke { message: PeerMessage::Range(range), .. } => {
                self.note_log(range.actor, range.first, range.records.iter().cloned())
            }
            Observation::Started { region, recovered } => {
                let Some(node) = world.node(*region) else { return Ok(()) };
                for (actor, upto) in recovered.vv.iter() {
                    let floor = recovered.floors.get(actor);
                    let log = node.reader().log(actor, floor, upto, usize::MAX).map_err(|e| e.to_string())?;
                    self.note_log(actor, Seq(floor.0 + 1), log.into_iter().map(|stored| stored.bytes))?;
                }
                Ok(())
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

    #[test]
    fn a_dot_with_two_contents_is_noticed() {
        let mut content = Content::default();
        let actor = ActorId::from_u64(1);
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        assert_eq!(content.note_log(actor, Seq(4), [bytes("a"), bytes("b")]), Ok(()));
        assert_eq!(content.note_log(actor, Seq(5), [bytes("b"), bytes("c")]), Ok(()));
        assert!(content.note_log(actor, Seq(6), [bytes("d")]).is_err());
        assert_eq!(content.judged(), 5);
    }
}
