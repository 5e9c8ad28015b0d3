//! Bytes that go to a pipe, in order: what comes early is held, within the machine's window.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// A writer on a thread of its own.
#[derive(Debug)]
pub(super) struct Ordered(Mutex<Queue>);

#[derive(Debug)]
struct Queue {
    /// What waits for the bytes before it, by its place.
    early: BTreeMap<u64, Bytes>,
    /// The place of the next byte for the writer.
    next: u64,
    writer: Sender<Bytes>,
}

/// What a writer tells.
pub(super) enum Told {
    /// It has taken everything before this place.
    Taken(u64),
    /// It takes no more.
    Failed(io::Error),
}

impl Ordered {
    /// Begins to write. The thread ends once this is dropped, or the writer fails.
    pub(super) fn new(mut writer: Box<dyn Write + Send>, tell: impl Fn(Told) + Send + 'static) -> Self {
        let (sender, chunks) = channel::<Bytes>();
        std::thread::spawn(move || {
            let mut taken = 0;
            for chunk in chunks {
                if let Err(error) = writer.write_all(&chunk).and_then(|()| writer.flush()) {
                    tell(Told::Failed(error));
                    return;
                }
                taken += chunk.len() as u64;
                drop(chunk);
                tell(Told::Taken(taken));
            }
        });
        Self(Mutex::new(Queue { early: BTreeMap::new(), next: 0, writer: sender }))
    }

    /// Takes bytes at their place, and passes on what joins.
    pub(super) fn put(&self, pieces: Vec<(u64, Bytes)>) {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.early.extend(pieces);
        let mut next = queue.next;
        while let Some(bytes) = queue.early.remove(&next) {
            next += bytes.len() as u64;
            queue.next = next;
            // A writer that has failed has said so.
            let _ = queue.writer.send(bytes);
        }
    }

    /// Forgets what was held: the download begins anew. Nothing may have been passed on.
    pub(super) fn empty(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).early.clear();
    }
}
