//! The source's side of copies: snapshots that peers take page by page.

use std::collections::BTreeMap;

use bytes::Bytes;
use halcyon_store::copy::Page;
use halcyon_store::{Backend, ReadError, RocksBackend, Snapshot};
use halcyon_types::RegionId;
use halcyon_types::limits::COPY_PAGE_BYTES_MAX;
use halcyon_wire::CopyId;
use tokio::sync::mpsc::Sender;

use crate::event::Event;

/// Snapshots, by who takes them.
#[derive(Default)]
pub(crate) struct Copying {
    begun: u64,
    copies: BTreeMap<RegionId, Held>,
}

struct Held {
    /// Numbers the copies of this node.
    number: u64,
    /// Away while a page is being read.
    state: Option<State>,
}

/// A snapshot, and where each page read so far, and the next, begins.
pub(crate) struct State {
    snapshot: Snapshot<<RocksBackend as Backend>::Snapshot>,
    places: Vec<Bytes>,
}

/// A page that has been read.
pub(crate) struct PageRead {
    held: u64,
    state: State,
    copy: CopyId,
    number: u64,
    page: Result<Page, ReadError>,
}

impl Copying {
    pub(crate) fn begin(&mut self, peer: RegionId, snapshot: Snapshot<<RocksBackend as Backend>::Snapshot>) {
        self.begun += 1;
        let state = Some(State { snapshot, places: vec![Bytes::new()] });
        self.copies.insert(peer, Held { number: self.begun, state });
    }

    pub(crate) fn end(&mut self, peer: RegionId) {
        self.copies.remove(&peer);
    }

    /// Reads a page on a thread of its own, and tells the driver. Whether there is such a page.
    pub(crate) fn read(&mut self, peer: RegionId, copy: CopyId, number: u64, events: Sender<Event>) -> bool {
        let Some(held) = self.copies.get_mut(&peer) else { return false };
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(mut state) = held.state.take_if(|state| state.places.len() > index) else { return false };
        let held = held.number;
        tokio::task::spawn_blocking(move || {
            let place = state.places.get(index).cloned().unwrap_or_default();
            let page = state.snapshot.page(&place, COPY_PAGE_BYTES_MAX);
            if let Ok(Page { next: Some(next), .. }) = &page
                && state.places.len() == index + 1
            {
                state.places.push(next.clone());
            }
            // A node that has ended does not want to know.
            let _ = events.blocking_send(Event::PageRead { peer, read: PageRead { held, state, copy, number, page } });
        });
        true
    }

    /// Takes the snapshot back, and hands out the page; none if it is of a copy that has been ended meanwhile.
    pub(crate) fn back(
        &mut self,
        peer: RegionId,
        read: PageRead,
    ) -> Option<Result<halcyon_wire::StatePage, ReadError>> {
        let PageRead { held: number, state, copy, number: page_number, page } = read;
        let held = self.copies.get_mut(&peer).filter(|held| held.number == number)?;
        held.state = Some(state);
        Some(page.map(|page| halcyon_wire::StatePage {
            copy,
            number: page_number,
            entries: page.entries,
            last: page.next.is_none(),
        }))
    }
}
