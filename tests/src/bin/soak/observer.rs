//! A reader that looks over and over while the cycle goes on: no moment of any region may show half a write.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use halcyon_client::Client;
use halcyon_tests::Dice;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::audit::{self, Failure, Floor};
use crate::ledger::Ledger;

const PAUSE: Duration = Duration::from_millis(20);

/// The reader at work.
#[derive(Debug)]
pub(crate) struct Observer {
    found: Arc<Mutex<Option<Failure>>>,
    task: JoinHandle<()>,
}

impl Observer {
    /// Looks at drawn regions; one that cannot be reached says nothing.
    pub(crate) fn start(ledger: &Ledger, clients: &[Client], seed: u64) -> Self {
        let found = Arc::<Mutex<Option<Failure>>>::default();
        let (ledger, clients, finding) = (ledger.clone(), clients.to_vec(), Arc::clone(&found));
        let task = tokio::spawn(async move {
            let mut dice = Dice::new(seed);
            loop {
                let region = usize::try_from(dice.below(clients.len() as u64)).unwrap_or(0);
                let client = clients.get(region).expect("a region of this arena");
                if let Ok(Err(failure)) = audit::look(client, &ledger, Floor::Region(region)).await {
                    *finding.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                    return;
                }
                sleep(PAUSE).await;
            }
        });
        Self { found, task }
    }

    /// Ends it; what has it seen?
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.task.abort();
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner).take();
        found.map_or(Ok(()), Err)
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
