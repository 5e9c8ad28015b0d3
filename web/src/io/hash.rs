//! Hashing a part, a chunk at a time, so that its thread stays responsive and memory flat.
//!
//! By one stream, into a buffer that goes to and fro, where the browser has such streams. A slice for each chunk would be a
//! `Blob` of its own each time, at four times the CPU seconds.

use js_sys::{ArrayBuffer, Uint8Array};
use partway_shared::checksum::{Checksum, ChecksumKind, PartHasher};
use partway_shared::limits::HASH_CHUNK;
use partway_shared::part::ByteRange;
use partway_shared::transfer::SourceFailure;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::ReadableStreamByobReader;

use super::source::Source;
use partway_web_io::scope::{give_way, property};

/// Bytes taken in a row, in some 4 ms. From a fast disk one chunk can follow the other without the thread's other tasks having
/// had a turn.
const RUN: u64 = 4 * HASH_CHUNK;

/// Computes the checksum of a part; `None` if it is no longer wanted, or of the kind that is none.
pub(super) async fn hash(
    source: &Source,
    range: ByteRange,
    kind: ChecksumKind,
    is_wanted: impl Fn() -> bool,
) -> Result<Option<Checksum>, SourceFailure> {
    let Some(mut hasher) = PartHasher::new(kind) else { return Ok(None) };
    let mut buffer = vec![0; range.len().min(HASH_CHUNK) as usize];
    let mut chunks = Chunks::new(source, range)?;
    let mut run = 0;
    while let Some(bytes) = chunks.next().await? {
        if !is_wanted() {
            return Ok(None);
        }
        let chunk = buffer.get_mut(..bytes.length() as usize).ok_or(SourceFailure::Changed)?;
        bytes.copy_to(chunk);
        hasher.update(chunk);
        run += u64::from(bytes.length());
        if run >= RUN {
            give_way().await;
            run = 0;
        }
    }
    Ok(Some(hasher.finish()))
}

/// What is left to be read. Dropping it ends the reading.
struct Chunks<'a> {
    source: &'a Source,
    range: ByteRange,
    stream: Option<Stream>,
}

/// A stream of what is left.
///
/// The reader has to be kept while it reads: Chromium would collect one that nobody holds, and the read would never end.
struct Stream {
    reader: ReadableStreamByobReader,
    buffer: ArrayBuffer,
}

impl<'a> Chunks<'a> {
    fn new(source: &'a Source, range: ByteRange) -> Result<Self, SourceFailure> {
        let reader = ReadableStreamByobReader::new(&source.slice(range)?.stream()).ok();
        let buffer = ArrayBuffer::new(range.len().min(HASH_CHUNK) as u32);
        Ok(Self { source, range, stream: reader.map(|reader| Stream { reader, buffer }) })
    }

    /// Reads the next bytes, at most [`HASH_CHUNK`]; `None` at the end.
    async fn next(&mut self) -> Result<Option<Uint8Array>, SourceFailure> {
        let ByteRange { start, end } = self.range;
        if start == end {
            return Ok(None);
        }
        let bytes = match self.read_stream().await {
            Some(bytes) => bytes,
            // Either there are no such streams here, or this one broke off. It would not tell why, but reading a slice does.
            None => self.source.read(ByteRange { start, end: end.min(start + HASH_CHUNK) }).await?,
        };
        self.range.start += u64::from(bytes.length());
        Ok(Some(bytes))
    }

    /// Reads from the stream, and drops it once it gives nothing.
    async fn read_stream(&mut self) -> Option<Uint8Array> {
        let stream = self.stream.as_mut()?;
        let reading = stream.reader.read_with_array_buffer_view(&Uint8Array::new(&stream.buffer));
        let read = JsFuture::from(reading).await.ok();
        let bytes = read.and_then(|read| property(&read, "value")?.dyn_into::<Uint8Array>().ok());
        let bytes = bytes.filter(|bytes| bytes.length() > 0);
        match &bytes {
            Some(bytes) => {
                // The buffer was given away, and comes back with the bytes.
                stream.buffer = bytes.buffer();
                self.source.note_read();
            }
            None => self.stream = None,
        }
        bytes
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let cancelled = JsFuture::from(self.reader.cancel());
        // It rejects where the stream has broken off.
        spawn_local(async move { drop(cancelled.await) });
    }
}
