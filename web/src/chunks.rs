//! Reading a run of a file's bytes, a chunk at a time.
//!
//! By one stream, into a buffer that goes to and fro, where the browser has such streams. A
//! slice for each chunk would be a `Blob` of its own each time, at four times the CPU seconds.

use js_sys::{ArrayBuffer, Uint8Array};
use partway_shared::limits::HASH_CHUNK;
use partway_shared::part::ByteRange;
use partway_shared::upload::SourceFailure;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::ReadableStreamByobReader;

use crate::object::field;
use crate::source::Source;

/// What is left to be read. Dropping it ends the reading.
pub(crate) struct Chunks<'a> {
    source: &'a Source,
    range: ByteRange,
    stream: Option<Stream>,
}

/// A stream of what is left.
///
/// The reader has to be kept while it reads: Chromium would collect one that nobody holds,
/// and the read would never end.
struct Stream {
    reader: ReadableStreamByobReader,
    buffer: ArrayBuffer,
}

impl<'a> Chunks<'a> {
    pub(crate) fn new(source: &'a Source, range: ByteRange) -> Result<Self, SourceFailure> {
        let reader = ReadableStreamByobReader::new(&source.slice(range)?.stream()).ok();
        let buffer = ArrayBuffer::new(range.len().min(HASH_CHUNK) as u32);
        Ok(Self { source, range, stream: reader.map(|reader| Stream { reader, buffer }) })
    }

    /// The next bytes, at most [`HASH_CHUNK`]; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Uint8Array>, SourceFailure> {
        let ByteRange { start, end } = self.range;
        if start == end {
            return Ok(None);
        }
        let bytes = match self.read_stream().await {
            Some(bytes) => bytes,
            // Either there are no such streams here, or this one broke off. It would not tell
            // why, but reading a slice does.
            None => self.source.read(ByteRange { start, end: end.min(start + HASH_CHUNK) }).await?,
        };
        self.range.start += u64::from(bytes.length());
        Ok(Some(bytes))
    }

    async fn read_stream(&mut self) -> Option<Uint8Array> {
        let Stream { reader, buffer } = self.stream.as_ref()?;
        let read = JsFuture::from(reader.read_with_array_buffer_view(&Uint8Array::new(buffer))).await;
        let bytes = read.ok().and_then(|read| field(&read, "value")?.dyn_into::<Uint8Array>().ok());
        let bytes = bytes.filter(|bytes| bytes.length() > 0);
        // The buffer was given away, and comes back with the bytes.
        self.stream = match (self.stream.take(), &bytes) {
            (Some(stream), Some(bytes)) => Some(Stream { buffer: bytes.buffer(), ..stream }),
            _ => None,
        };
        if bytes.is_some() {
            self.source.note_read();
        }
        bytes
    }
}

impl Drop for Chunks<'_> {
    fn drop(&mut self) {
        if let Some(stream) = &self.stream {
            let _ = stream.reader.cancel();
        }
    }
}
