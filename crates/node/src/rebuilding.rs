//! The taker's side of copies: a thread stores pages in a new database, which then takes the place of the node's own.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use halcyon_store::copy::{Fill, FillError, RebuildError, replay};
use halcyon_store::{Claim, Reader, RocksBackend};
use halcyon_types::VersionVector;
use halcyon_types::limits::COPY_WINDOW_MAX;
use tokio::sync::mpsc::Sender;

use crate::event::Event;

/// A database that is being filled.
pub(crate) struct Filling {
    /// Numbers those of this node.
    pub(crate) number: u64,
    pages: SyncSender<Bytes>,
    thread: JoinHandle<Option<Filled>>,
}

/// One that has been.
pub(crate) struct Filled {
    fill: Fill<RocksBackend>,
    backend: RocksBackend,
}

impl Filling {
    /// Begins, once an earlier one has let go of the place.
    pub(crate) fn begin(
        number: u64,
        data: PathBuf,
        before: Option<Self>,
        events: Sender<Event>,
    ) -> std::io::Result<Self> {
        let (pages, inbox) = sync_channel(COPY_WINDOW_MAX);
        let thread = thread::Builder::new().name("filler".to_owned()).spawn(move || {
            drop(before.map(Self::end));
            run(number, &data, &inbox, &events)
        })?;
        Ok(Self { number, pages, thread })
    }

    /// Takes a page to store. Never waits: no more are under way than there is room for.
    pub(crate) fn page(&self, entries: Bytes) {
        // A thread that has ended has said why.
        let _ = self.pages.try_send(entries);
    }

    /// Waits for what is under way; what has been filled, if all went well.
    pub(crate) fn end(self) -> Option<Filled> {
        drop(self.pages);
        self.thread.join().ok().flatten()
    }
}

fn run(number: u64, data: &Path, pages: &Receiver<Bytes>, events: &Sender<Event>) -> Option<Filled> {
    let begun = RocksBackend::open_next(data).map_err(FillError::from);
    let mut filled = begun.and_then(|backend| Ok(Filled { fill: Fill::begin(backend.clone())?, backend }));
    for entries in pages {
        let stored = match &mut filled {
            Ok(filled) => filled.fill.page(&entries).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let failed = stored.is_err();
        if events.blocking_send(Event::Filled { filling: number, result: stored }).is_err() || failed {
            return None;
        }
    }
    filled.ok()
}

/// Lets what has been filled take the place of the state of `old`, whose committer has ended. Returns what it holds.
///
/// # Errors
/// [`RebuildError`]; the old state stays.
pub(crate) fn take_place(
    filled: Filled,
    old: &Reader<RocksBackend>,
    data: &Path,
    claim: &Claim,
) -> Result<VersionVector, RebuildError> {
    let Filled { fill, backend } = filled;
    fill.instead_of(old)?;
    let vv = replay(old, backend, claim)?;
    RocksBackend::switch(data)?;
    Ok(vv)
}
