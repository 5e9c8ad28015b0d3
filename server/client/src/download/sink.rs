//! Where the bytes of one download go, and when.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{RwLock, RwLockReadGuard, watch};

use super::ordered::Ordered;
use super::part_file::PartFile;

/// Where bytes go. Nothing that blocks runs on the driver's threads.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) to: To,
    opened: watch::Sender<Opened>,
    /// Held while bytes are on their way from the machine to the sink. Who holds it alone knows that all that were given out are there.
    gate: RwLock<()>,
    /// How far the consumer of a stream is.
    taken: watch::Sender<u64>,
}

#[derive(Clone, Debug)]
pub(super) enum To {
    File(Arc<PartFile>),
    Stream(Arc<Ordered>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opened {
    No,
    Yes,
    Failed,
}

impl Sink {
    pub(super) fn new(to: To) -> Self {
        Self {
            to,
            opened: watch::Sender::new(Opened::No),
            gate: RwLock::default(),
            taken: watch::Sender::default(),
        }
    }

    /// Has those wait who would write.
    pub(super) fn begin_opening(&self) {
        self.opened.send_replace(Opened::No);
    }

    /// Opens it, or empties it, once nothing is being written.
    pub(super) async fn open(&self, size: u64, keeps: bool) -> Result<(), String> {
        let gate = self.gate.write().await;
        let outcome = match &self.to {
            To::File(file) => {
                let file = Arc::clone(file);
                blocking(move || file.open(size, keeps)).await
            }
            To::Stream(stream) => {
                stream.empty();
                Ok(())
            }
        };
        drop(gate);
        self.opened.send_replace(if outcome.is_ok() { Opened::Yes } else { Opened::Failed });
        outcome
    }

    /// Waits until it is open. Returns whether it is.
    pub(super) async fn is_open(&self) -> bool {
        let mut opened = self.opened.subscribe();
        opened.wait_for(|opened| *opened != Opened::No).await.is_ok_and(|opened| *opened == Opened::Yes)
    }

    /// To be held from before bytes are asked of the machine until they were written.
    pub(super) async fn enter(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().await
    }

    /// Takes bytes. The gate is to be held.
    pub(super) async fn put(&self, pieces: Vec<(u64, Bytes)>) -> Result<(), String> {
        match &self.to {
            To::File(file) => {
                let file = Arc::clone(file);
                blocking(move || file.write(&pieces)).await
            }
            To::Stream(stream) => {
                stream.put(pieces);
                Ok(())
            }
        }
    }

    /// Does something while nothing is being written.
    pub(super) async fn alone<R>(&self, work: impl FnOnce() -> R) -> R {
        let _gate = self.gate.write().await;
        work()
    }

    /// Takes note of how far the consumer is.
    pub(super) fn note_taken(&self, up_to: u64) {
        self.taken.send_replace(up_to);
    }

    /// Returns what tells that the consumer has taken more than it has now.
    pub(super) fn more_taken(&self) -> watch::Receiver<u64> {
        self.taken.subscribe()
    }

    /// Gives the file its name.
    pub(super) async fn save(&self, stored_at: Option<i64>) -> Result<(), String> {
        // One without a byte may not be open yet.
        if !self.is_open().await {
            return Err("it could not be opened".to_owned());
        }
        match &self.to {
            To::File(file) => {
                let _gate = self.gate.write().await;
                let file = Arc::clone(file);
                blocking(move || file.save(stored_at)).await
            }
            // All was taken, and flushed.
            To::Stream(_) => Ok(()),
        }
    }

    /// Lets go of it, and of what is there unless it is kept.
    pub(super) async fn release(&self, keeps: bool) {
        if let To::File(file) = &self.to {
            let _gate = self.gate.write().await;
            let file = Arc::clone(file);
            let released = blocking(move || {
                if keeps {
                    file.close();
                } else {
                    file.discard();
                };
                Ok(())
            });
            let _ = released.await;
        }
    }
}

/// Runs what blocks on a thread for such work.
pub(super) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, String> + Send + 'static,
) -> Result<R, String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err("the program is about to end".to_owned()))
}
