//! The thread that waits for the disk.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use halcyon_store::{Backend, Sealed};
use tokio::sync::mpsc::UnboundedSender;

use super::{Done, Gathered, Group, Inbox};
use crate::clocks::Clocks;

/// Starts the thread. It runs until its sender is dropped or a write fails.
pub(super) fn spawn<B: Backend + 'static>(
    stager: Sender<Inbox<B>>,
    clocks: Clocks,
    done: UnboundedSender<Done>,
) -> std::io::Result<Sender<Gathered<Sealed<B>>>> {
    let (disk, groups) = channel::<Gathered<Sealed<B>>>();
    thread::Builder::new().name("writer".to_owned()).spawn(move || {
        for Gathered { results, began, sealed } in groups {
            let written = sealed.write();
            let settled = written.is_ok();
            // The next group may set out; whoever waits for this one is told meanwhile.
            let gone = stager.send(Inbox::Written { settled }).is_err();
            let took = clocks.now().mono.saturating_sub(began);
            let told = done.send(written.map(|synced| Group { results, synced, took }).map_err(Into::into));
            if gone || told.is_err() || !settled {
                return;
            }
        }
    })?;
    Ok(disk)
}
