//! Copies of all rows, a page at a time: what a backup is made of. A session has one at most; its snapshot is kept from the
//! first page to the last, and pages are read on blocking threads, so that nothing else waits for them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, TryLockError, Weak};

use halcyon_core::SessionId;
use halcyon_store::reads::unreadable;
use halcyon_store::{Backend, RocksBackend, Snapshot};
use halcyon_types::VersionVector;
use halcyon_types::limits::{BACKUP_PAGE_BYTES_MAX, BACKUP_PATIENCE, BACKUPS_MAX};
use halcyon_wire::{CopyHead, CopyPage, Outcome, Refusal, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Driver;
use super::commands::put;

/// The copies that are being given out, by session.
pub(crate) struct Backups {
    seats: Arc<Semaphore>,
    of: BTreeMap<SessionId, Slot>,
}

/// Empty once the copy is over. Locked while a page is read.
type Slot = Arc<Mutex<Option<Copy>>>;

struct Copy {
    snapshot: Snapshot<<RocksBackend as Backend>::Snapshot>,
    /// What every region had when it began: of the logs, the rest goes along.
    stable: VersionVector,
    /// Where the page begins that is to be asked for.
    next: Vec<u8>,
    /// What it is of, until that has been told.
    head: Option<CopyHead>,
    /// How many there have been.
    pages: u64,
    _seat: OwnedSemaphorePermit,
}

impl Default for Backups {
    fn default() -> Self {
        Self { seats: Arc::new(Semaphore::new(BACKUPS_MAX)), of: BTreeMap::new() }
    }
}

impl Backups {
    /// The session is gone.
    pub(super) fn forget(&mut self, session: SessionId) {
        self.of.remove(&session);
    }
}

impl Driver {
    pub(super) fn copy(&mut self, session: SessionId, id: u64, place: &[u8]) {
        let Some(seat) = self.sessions.get(&session) else { return };
        let answers = seat.answers.clone();
        let slot = match self.copy_for(session, place) {
            Ok(slot) => slot,
            Err(refusal) => return self.reply(session, &Response { id, result: Err(refusal) }),
        };
        let place = place.to_vec();
        tokio::task::spawn_blocking(move || {
            let result = page(&slot, &place).map(Outcome::Page);
            // The slot is free again: whoever has a page may ask for the next.
            put(&answers, &Response { id, result });
            answers.flush();
        });
    }

    /// The session's copy, begun if this is how one begins.
    fn copy_for(&mut self, session: SessionId, place: &[u8]) -> Result<Slot, Refusal> {
        if !place.is_empty() {
            return self.backups.of.get(&session).cloned().ok_or_else(over);
        }
        // Its place is free for the new one.
        self.backups.forget(session);
        let seat = self.backups.seats.clone().try_acquire_owned();
        let seat =
            seat.map_err(|_| Refusal::Overloaded { queue: format!("the place for copies, {BACKUPS_MAX} at a time,") })?;
        let snapshot = self.site.reader.snapshot();
        let head = snapshot.vv().and_then(|vv| Ok((vv, snapshot.ceiling()?)));
        let (vv, hlc) = head.map_err(|error| unreadable(&error))?;
        let head = Some(CopyHead { actor: self.replica.actor(), vv, hlc });
        let copy = Copy { snapshot, stable: self.replica.stable(), next: Vec::new(), head, pages: 0, _seat: seat };
        let slot = Arc::new(Mutex::new(Some(copy)));
        self.backups.of.insert(session, slot.clone());
        tokio::spawn(end_if_idle(Arc::downgrade(&slot)));
        Ok(slot)
    }
}

/// The page that begins at `place`, which must be the next one.
fn page(slot: &Mutex<Option<Copy>>, place: &[u8]) -> Result<CopyPage, Refusal> {
    let mut slot = match slot.try_lock() {
        Ok(slot) => slot,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => {
            return Err(Refusal::Overloaded { queue: "the place for pages of a copy, one at a time,".to_owned() });
        }
    };
    let copy = slot.as_mut().filter(|copy| copy.next == place).ok_or_else(over)?;
    let page = copy.snapshot.page_with_logs(place, BACKUP_PAGE_BYTES_MAX, &copy.stable);
    let page = page.map_err(|error| unreadable(&error))?;
    let head = copy.head.take();
    copy.pages += 1;
    match &page.next {
        Some(next) => copy.next = next.to_vec(),
        // The snapshot goes, and the seat.
        None => *slot = None,
    }
    Ok(CopyPage { head, entries: page.entries, count: page.count, next: page.next })
}

/// Ends a copy that nobody goes on with.
async fn end_if_idle(slot: Weak<Mutex<Option<Copy>>>) {
    let mut pages = 0;
    loop {
        tokio::time::sleep(BACKUP_PATIENCE).await;
        let Some(slot) = slot.upgrade() else { return };
        let mut slot = match slot.try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // A page is being read.
            Err(TryLockError::WouldBlock) => continue,
        };
        match slot.as_ref() {
            Some(copy) if copy.pages > pages => pages = copy.pages,
            _ => return *slot = None,
        }
    }
}

fn over() -> Refusal {
    let reason = "this connection has no copy of which that page is the next; begin a new one";
    Refusal::UnknownCursor { reason: reason.to_owned() }
}
