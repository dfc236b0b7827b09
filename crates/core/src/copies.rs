//! Copies of this node's state that others are taking.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use halcyon_types::limits::{COPIES_MAX, COPY_BYTES_PER_SECOND_MAX, COPY_IDLE_MAX, COPY_WINDOW_MAX};
use halcyon_types::{RegionId, VersionVector};
use halcyon_wire::{AskPage, CopyId};

/// A copy that a peer is taking.
#[derive(Debug)]
struct Copy {
    id: CopyId,
    /// This node held at least so much when it began.
    vv: VersionVector,
    /// Pages asked for and not sent.
    asked: VecDeque<u64>,
    /// Pages that can be told: all before have been read.
    told: u64,
    /// A page is being read and sent.
    sending: bool,
    /// No page leaves before.
    next: Duration,
    used: Duration,
}

/// What is to be done about what a peer has asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Begin the copy, then send.
    Begin,
    /// Send when it is due.
    Queued,
    /// There is no such copy.
    Unknown,
    /// There are too many copies; it will ask again.
    Full,
}

#[derive(Debug, Default)]
pub(crate) struct Copies(BTreeMap<RegionId, Copy>);

impl Copies {
    pub(crate) fn ask(&mut self, now: Duration, from: RegionId, ask: AskPage, vv: &VersionVector) -> Asked {
        let AskPage { copy: id, number } = ask;
        let known = self.0.get(&from).is_some_and(|copy| copy.id == id);
        // Whoever asks while there is no room is not told to begin anew: it would, over and over.
        if !known && !self.0.contains_key(&from) && self.0.len() >= COPIES_MAX {
            return Asked::Full;
        }
        if !known && number != 0 {
            return Asked::Unknown;
        }
        if !known {
            let copy =
                Copy { id, vv: vv.clone(), asked: VecDeque::new(), told: 0, sending: false, next: now, used: now };
            self.0.insert(from, copy);
        }
        if let Some(copy) = self.0.get_mut(&from) {
            copy.used = now;
            // What is asked anew is what was lost, and all behind it.
            copy.asked.retain(|asked| *asked < number);
            if copy.asked.len() < COPY_WINDOW_MAX {
                copy.asked.push_back(number);
            }
        }
        if known { Asked::Queued } else { Asked::Begin }
    }

    /// The page to send to `peer` now, if one is due; or when to ask again.
    pub(crate) fn due(&mut self, now: Duration, peer: RegionId) -> Result<(CopyId, u64), Option<Duration>> {
        let copy = self.0.get_mut(&peer).filter(|copy| !copy.sending).ok_or(None)?;
        // Only the next page, or one that was told before, can be read.
        while copy.asked.front().is_some_and(|number| *number > copy.told) {
            copy.asked.pop_front();
        }
        let number = *copy.asked.front().ok_or(None)?;
        if copy.next > now {
            return Err(Some(copy.next));
        }
        copy.asked.pop_front();
        (copy.sending, copy.used) = (true, now);
        copy.told = copy.told.max(number + 1);
        Ok((copy.id, number))
    }

    /// A page has been taken by the link, or could not be sent.
    pub(crate) fn sent(&mut self, now: Duration, peer: RegionId, bytes: usize) {
        if let Some(copy) = self.0.get_mut(&peer) {
            copy.sending = false;
            let micros = bytes as u64 * 1_000_000 / COPY_BYTES_PER_SECOND_MAX;
            copy.next = copy.next.max(now) + Duration::from_micros(micros);
        }
    }

    /// The peer's link is gone: what it had asked for it asks again.
    pub(crate) fn lose(&mut self, peer: RegionId) {
        if let Some(copy) = self.0.get_mut(&peer) {
            copy.asked.clear();
            copy.sending = false;
        }
    }

    /// Ends the copies that nobody has asked of for long, and those whose takers have what they were for.
    pub(crate) fn end(&mut self, now: Duration, has: impl Fn(RegionId, &VersionVector) -> bool) -> Vec<RegionId> {
        let over = |(peer, copy): (&RegionId, &Copy)| {
            let over = now >= copy.used + COPY_IDLE_MAX || has(*peer, &copy.vv);
            over.then_some(*peer)
        };
        let ended: Vec<_> = self.0.iter().filter_map(over).collect();
        self.0.retain(|peer, _| !ended.contains(peer));
        ended
    }

    /// Ends the peer's copy, if it takes one. Whether it did.
    pub(crate) fn drop(&mut self, peer: RegionId) -> bool {
        self.0.remove(&peer).is_some()
    }

    /// What the records are counted from that whoever takes a copy will ask for.
    pub(crate) fn vectors(&self) -> impl Iterator<Item = &VersionVector> {
        self.0.values().map(|copy| &copy.vv)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p10_whoever_finds_no_room_is_left_to_ask_again() {
        let (mut copies, vv) = (Copies::default(), VersionVector::new());
        let region = |n: u64| RegionId::try_from(n).unwrap();
        let mut ask = |from, number| copies.ask(Duration::ZERO, region(from), AskPage { copy: CopyId(1), number }, &vv);
        assert_eq!((1..=COPIES_MAX as u64).map(|from| ask(from, 0)).collect::<Vec<_>>(), [Asked::Begin, Asked::Begin]);
        let late = COPIES_MAX as u64 + 1;
        assert_eq!((ask(late, 0), ask(late, 1)), (Asked::Full, Asked::Full));
        assert_eq!(ask(1, 1), Asked::Queued);
    }

    #[test]
    fn a_page_of_a_copy_that_was_never_begun_is_unknown() {
        let from = RegionId::try_from(1).unwrap();
        let ask = AskPage { copy: CopyId(1), number: 1 };
        assert_eq!(Copies::default().ask(Duration::ZERO, from, ask, &VersionVector::new()), Asked::Unknown);
    }
}
