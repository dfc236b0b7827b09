//! The thread that waits for the disk.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use halcyon_store::{Backend, Sealed};
use tokio::sync::mpsc::UnboundedSender;

use super::{Done, Gathered, Inbox};
use crate::clocks::Clocks;

/// Starts the thread. It runs until its sender is dropped or a write fails.
pub(super) fn spawn<B: Backend + 'static>(
    stager: Sender<Inbox<B>>,
    clocks: Clocks,
    done: UnboundedSender<Done>,
) -> std::io::Result<Sender<Gathered<Sealed<B>>>> {
    let (disk, groups) = channel::<Gathered<Sealed<B>>>();
    thread::Builder::new().name("writer".to_owned()).spawn(move || {
        let stager = Farewell(stager);
        for group in groups {
            // The node before the stager: whatever that one has to say then comes behind this.
            if !group.write(&clocks, &done) || stager.0.send(Inbox::Written { settled: true }).is_err() {
                return;
            }
        }
    })?;
    Ok(disk)
}

/// However the writer ends, the stager does not wait for it.
struct Farewell<B: Backend>(Sender<Inbox<B>>);

impl<B: Backend> Drop for Farewell<B> {
    fn drop(&mut self) {
        // A stager that has ended does not want to know.
        let _ = self.0.send(Inbox::Written { settled: false });
    }
}
