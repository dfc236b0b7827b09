//! Audits: pieces are read on blocking threads, one of this node's own and one for each peer at a time. And what an operator does
//! about what they find.

use std::sync::Arc;

use bytes::Bytes;
use halcyon_core::{Damage, PieceRead};
use halcyon_net::Role;
use halcyon_store::audit::{Bounds, Comparison, Piece, Theirs};
use halcyon_store::{Backend, ReadError, RocksBackend, Snapshot};
use halcyon_types::{RegionId, VersionVector};
use halcyon_wire::{Compare, Outcome, Refusal, Response, Verdict};

use halcyon_core::SessionId;

use super::Driver;
use crate::event::Event;

type Moment = Snapshot<<RocksBackend as Backend>::Snapshot>;

/// Tells one life of a node from the next.
pub(crate) type Life = Arc<()>;

impl Driver {
    pub(super) fn read_piece(&self, from: Bytes, upto: Bytes, bounds: Bounds) {
        let (snapshot, events, life) = (self.site.reader.snapshot(), self.events.clone(), self.life.clone());
        tokio::task::spawn_blocking(move || {
            let piece = piece(&snapshot, from, upto, bounds);
            drop(snapshot);
            // A node that has ended does not want to know.
            let _ = events.blocking_send(Event::PieceRead { life, piece });
        });
    }

    pub(super) fn compare_range(&self, peer: RegionId, ask: Compare) {
        let (snapshot, events, life) = (self.site.reader.snapshot(), self.events.clone(), self.life.clone());
        tokio::task::spawn_blocking(move || {
            let read = compare(&snapshot, &ask).map_err(|error| error.to_string());
            drop(snapshot);
            let _ = events.blocking_send(Event::RangeRead { life, peer, read });
        });
    }

    pub(super) fn piece_read(&mut self, life: &Life, piece: PieceRead) {
        if Arc::ptr_eq(life, &self.life) {
            self.replica.handle_piece(self.site.clocks.now(), piece);
        }
    }

    pub(super) fn range_read(&mut self, life: &Life, peer: RegionId, read: Result<Verdict, String>) {
        if Arc::ptr_eq(life, &self.life) {
            self.replica.handle_range(self.site.clocks.now(), peer, read);
        }
    }

    pub(super) fn repair(&mut self, session: SessionId, id: u64, from: Option<RegionId>, begin: bool) {
        let Some(identity) = self.sessions.get(&session).map(|seat| seat.identity.clone()) else { return };
        let result = if matches!(identity.role, Role::Admin(_)) {
            self.replica.repair(self.site.clocks.now(), from, begin).map(Outcome::Repair)
        } else {
            Err(Refusal::Forbidden { identity: identity.to_string() })
        };
        self.reply(session, &Response { id, result });
    }
}

fn piece(snapshot: &Moment, from: Bytes, upto: Bytes, bounds: Bounds) -> PieceRead {
    let at = bounds.at;
    match snapshot.piece(&from, &upto, bounds) {
        Ok(Piece { vv, upto, rows, bytes, live, digest, damage }) => {
            let damage =
                damage.into_iter().map(|found| Damage { from: found.from, upto: found.upto, what: found.what });
            PieceRead { vv, upto, at, rows, bytes, live, digest, damage: damage.collect() }
        }
        Err(error) => {
            let damage = vec![Damage { from, upto: upto.clone(), what: error.to_string() }];
            PieceRead { vv: VersionVector::new(), upto, at, rows: 0, bytes: 0, live: 0, digest: [0; 32], damage }
        }
    }
}

fn compare(snapshot: &Moment, ask: &Compare) -> Result<Verdict, ReadError> {
    let Compare { from, upto, at, vv, rows, digest, .. } = ask;
    let compared = snapshot.compare(&Theirs { from, upto, at: *at, vv, live: *rows, digest })?;
    Ok(match compared {
        Comparison::Same => Verdict::Same,
        Comparison::Differs => Verdict::Differs,
        Comparison::Moved => Verdict::Moved,
    })
}
