//! Audits, as the driver of a real node reads for them; here it takes no time.

use bytes::Bytes;
use halcyon_core::{Damage, PieceRead};
use halcyon_store::audit::{Bounds, Comparison, Piece, Theirs};
use halcyon_types::RegionId;
use halcyon_wire::{Compare, Verdict};

use super::World;
use super::node::Node;

impl World {
    pub(super) fn read_piece(&mut self, region: RegionId, from: Bytes, upto: Bytes, bounds: Bounds) {
        let Some(now) = self.clocks(region) else { return };
        let Some(node) = self.node_mut(region) else { return };
        let piece = node.piece(from, upto, bounds);
        let rows = piece.rows;
        node.replica.handle_piece(now, piece);
        self.figures.add("rows read by audits", rows);
    }

    pub(super) fn compare_range(&mut self, region: RegionId, peer: RegionId, ask: &Compare) {
        let Some(now) = self.clocks(region) else { return };
        let Some(node) = self.node_mut(region) else { return };
        let Compare { from, upto, at, vv, rows, digest, .. } = ask;
        let theirs = Theirs { from, upto, at: *at, vv, live: *rows, digest };
        let read = node.reader.snapshot().compare(&theirs).map_err(|error| error.to_string());
        let ahead = node.reader.snapshot().vv().is_ok_and(|own| own != *vv);
        let read = read.map(|compared| match compared {
            Comparison::Same => Verdict::Same,
            Comparison::Differs => Verdict::Differs,
            Comparison::Moved => Verdict::Moved,
        });
        let same = read == Ok(Verdict::Same) && *rows > 0;
        let moved = read == Ok(Verdict::Moved);
        node.replica.handle_range(now, peer, read);
        self.figures.add("ranges compared at equal vectors", u64::from(same && !ahead));
        self.figures.add("ranges compared though one had seen more", u64::from(same && ahead));
        self.figures.add("ranges that moved while they were compared", u64::from(moved));
    }
}

impl Node {
    fn piece(&self, from: Bytes, upto: Bytes, bounds: Bounds) -> PieceRead {
        let at = bounds.at;
        match self.reader.snapshot().piece(&from, &upto, bounds) {
            Ok(Piece { vv, upto, rows, bytes, live, digest, damage }) => {
                let told = |found: halcyon_store::audit::Damage| Damage {
                    from: found.from,
                    upto: found.upto,
                    what: found.what,
                };
                let damage = damage.into_iter().map(told).collect();
                PieceRead { vv, upto, at, rows, bytes, live, digest, damage }
            }
            Err(error) => {
                let damage = vec![Damage { from, upto: upto.clone(), what: error.to_string() }];
                let (rows, bytes, live) = (0, 0, 0);
                PieceRead {
                    vv: halcyon_types::VersionVector::new(),
                    upto,
                    at,
                    rows,
                    bytes,
                    live,
                    digest: [0; 32],
                    damage,
                }
            }
        }
    }
}
