//! What is here of one upload: its file, the bytes of it that wait to be sent, and its record.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use partway_shared::checksum::{Checksum, ChecksumKind, PartHasher};
use partway_shared::part::ByteRange;
use partway_shared::transfer::{Failure, SourceFailure, TransferError};
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::task::spawn_blocking;

use super::keeper::Kept;
use super::memory::{CHUNK, Held, Memory};
use super::put::Outcome;
use super::source::{Source, read};
use super::stream::Stream;

pub(super) struct Local {
    /// The file; a copy and a stream have none.
    pub(super) source: Option<Source>,
    /// The stream, if it is one.
    pub(super) stream: Option<Stream>,
    /// Parts that were read and are not stored yet, by their first byte's place.
    held: Mutex<HashMap<u64, Arc<Held>>>,
    pub(super) kept: Arc<tokio::sync::Mutex<Option<Kept>>>,
    /// Whether a record is being written, or was a moment ago.
    pub(super) is_keeping: AtomicBool,
    /// Whether there is something to write after that.
    pub(super) is_news: AtomicBool,
    /// Why the upload is being removed again.
    given_up: Mutex<Option<TransferError>>,
    /// When progress was reported last, in milliseconds of the driver's clock.
    pub(super) reported_at: AtomicU64,
}

impl Local {
    pub(super) fn new(source: Option<Source>, kept: Option<Kept>) -> Self {
        Self {
            source,
            stream: None,
            held: Mutex::default(),
            kept: Arc::new(tokio::sync::Mutex::new(kept)),
            is_keeping: AtomicBool::default(),
            is_news: AtomicBool::default(),
            given_up: Mutex::default(),
            reported_at: AtomicU64::default(),
        }
    }

    pub(super) fn of_stream(stream: Stream) -> Self {
        Self { stream: Some(stream), ..Self::new(None, None) }
    }

    /// Reads and hashes a part, and holds its bytes where there is room. `None` if it is not wanted any more. It blocks.
    pub(super) fn hash(
        &self,
        memory: &Arc<Memory>,
        range: ByteRange,
        kind: ChecksumKind,
        mut stop: oneshot::Receiver<()>,
    ) -> Option<Result<Checksum, SourceFailure>> {
        if let Some(stream) = &self.stream {
            return stream.hash(range, kind).map(Ok);
        }
        let mut hasher = PartHasher::new(kind)?;
        let room = memory.room(range.len());
        let mut chunks = Vec::new();
        let mut is_wanted = true;
        let outcome = self.read(memory, range, |bytes| {
            hasher.update(&bytes);
            if room.is_some() {
                chunks.push(bytes);
            }
            is_wanted = stop.try_recv() == Err(TryRecvError::Empty);
            is_wanted
        });
        if !is_wanted {
            return None;
        }
        if let Err(failure) = outcome {
            return Some(Err(failure));
        }
        if let Some(room) = room {
            self.lock_held().insert(range.start, Arc::new(room.hold(chunks)));
        }
        Some(Ok(hasher.finish()))
    }

    /// Reads a part, chunk by chunk, for as long as they are taken. It blocks.
    ///
    /// # Errors
    /// When it cannot be read, or the file has changed since it was first seen.
    pub(super) fn read(
        &self,
        memory: &Arc<Memory>,
        range: ByteRange,
        mut take: impl FnMut(Bytes) -> bool,
    ) -> Result<(), SourceFailure> {
        let source = self.source.as_ref().ok_or(SourceFailure::Unreadable)?;
        let file = source.open()?;
        let mut at = range.start;
        while at < range.end {
            let len = usize::try_from(range.end - at).map_or(CHUNK, |left| left.min(CHUNK));
            let mut buffer = memory.buffer(len);
            read(&file, buffer.as_mut(), at)?;
            at += len as u64;
            if !take(buffer.into_bytes()) {
                return Ok(());
            }
        }
        source.check()
    }

    /// Returns the bytes of a part that are in memory.
    pub(super) fn held(&self, range: ByteRange) -> Option<Arc<Held>> {
        if let Some(stream) = &self.stream {
            return Some(Arc::new(Held::elsewhere(stream.bytes(range))));
        }
        self.lock_held().get(&range.start).map(Arc::clone)
    }

    /// Lets go of a part that is stored; one without an answer may be the file's fault.
    pub(super) async fn judge(self: &Arc<Self>, outcome: Outcome, range: ByteRange) -> Outcome {
        match outcome {
            Ok(_) => drop(self.lock_held().remove(&range.start)),
            // It arrived otherwise than it was hashed, and is read anew.
            Err(Failure::Status { status: 400, .. }) => drop(self.lock_held().remove(&range.start)),
            Err(Failure::NoAnswer) => {
                let local = Arc::clone(self);
                let checked =
                    spawn_blocking(move || local.source.as_ref().map_or(Ok(()), Source::check)).await;
                if let Ok(Err(failure)) = checked {
                    return Err(Failure::Source(failure));
                }
            }
            Err(_) => {}
        }
        outcome
    }

    /// Notes why the upload is removed again. Returns whether that was news.
    pub(super) fn give_up(&self, error: TransferError) -> bool {
        let mut given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = given_up.is_none();
        given_up.get_or_insert(error);
        is_news
    }

    /// Returns why the upload was removed again, if it was.
    pub(super) fn given_up(&self) -> Option<TransferError> {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock_held(&self) -> MutexGuard<'_, HashMap<u64, Arc<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
