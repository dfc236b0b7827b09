//! The newest own records, kept in memory for the links: a link that keeps up never reads the disk.

use std::collections::VecDeque;

use bytes::Bytes;
use halcyon_types::Seq;
use halcyon_types::limits::LOG_TAIL_BYTES_MAX;
use halcyon_wire::StoredRecord;

/// The end of this node's own log.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    records: VecDeque<StoredRecord>,
    bytes: usize,
}

impl Tail {
    /// Takes records that have been synced, in order.
    pub(crate) fn extend(&mut self, records: Vec<StoredRecord>) {
        for record in records {
            self.bytes += record.bytes.len();
            self.records.push_back(record);
        }
        while self.bytes > LOG_TAIL_BYTES_MAX
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= oldest.bytes.len();
        }
    }

    /// The records behind `after` up to `upto`, as many as fit `bytes_max` (the first one always); `None` if they are no
    /// longer all here.
    pub(crate) fn range(&self, after: Seq, upto: Seq, bytes_max: usize) -> Option<Vec<Bytes>> {
        let oldest = self.records.front()?.seq;
        let skip = usize::try_from(after.0.checked_add(1)?.checked_sub(oldest.0)?).ok()?;
        let mut bytes = 0;
        let fitting = self.records.iter().skip(skip).take_while(|record| record.seq <= upto).take_while(|record| {
            let first = bytes == 0;
            bytes += record.bytes.len();
            first || bytes <= bytes_max
        });
        Some(fitting.map(|record| record.bytes.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seq: u64, bytes: usize) -> StoredRecord {
        StoredRecord { seq: Seq(seq), bytes: vec![0; bytes].into() }
    }

    #[test]
    fn a_range_is_whole_or_not_here() {
        let mut tail = Tail::default();
        assert_eq!(tail.range(Seq(0), Seq(9), 100), None);
        tail.extend((5..=9).map(|seq| record(seq, 10)).collect());
        assert_eq!(tail.range(Seq(3), Seq(9), 100), None, "4 is not here");
        assert_eq!(tail.range(Seq(4), Seq(9), 100).unwrap().len(), 5);
        assert_eq!(tail.range(Seq(6), Seq(8), 100).unwrap().len(), 2);
        assert_eq!(tail.range(Seq(4), Seq(9), 25).unwrap().len(), 2, "as many as fit");
        assert_eq!(tail.range(Seq(4), Seq(9), 1).unwrap().len(), 1, "the first one always");
    }

    #[test]
    fn the_tail_is_bounded() {
        let mut tail = Tail::default();
        tail.extend((1..=100).map(|seq| record(seq, LOG_TAIL_BYTES_MAX / 10)).collect());
        assert!(tail.bytes <= LOG_TAIL_BYTES_MAX);
        assert_eq!(tail.range(Seq(0), Seq(100), usize::MAX), None);
        assert_eq!(tail.range(Seq(99), Seq(100), usize::MAX).unwrap().len(), 1);
    }
}
