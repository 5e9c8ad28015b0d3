//! The body of an answer, chunk by chunk.

use js_sys::{ArrayBuffer, Uint8Array};
use partway_web_io::scope::property;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{ReadableStream, ReadableStreamByobReader, ReadableStreamDefaultReader};

/// Bytes of the buffer that goes to and fro. Larger ones are not filled by one read.
const BUFFER: u32 = 1024 * 1024;

/// A body that is being read. Dropping it ends the reading.
///
/// The reader has to be kept while it reads: Chromium would collect one that nobody holds, and the read would never end.
pub(super) enum Body {
    /// By a buffer that goes to and fro, where the browser has such readers: the next read fills it anew.
    Lent { reader: ReadableStreamByobReader, buffer: ArrayBuffer },
    /// Each chunk is a buffer of its own.
    Given(ReadableStreamDefaultReader),
}

/// The body broke off.
pub(super) struct Cut;

impl Body {
    /// Begins to read. Where the chunks are `kept`, each is a buffer of its own.
    pub(super) fn new(stream: &ReadableStream, kept: bool) -> Option<Self> {
        if !kept && let Ok(reader) = ReadableStreamByobReader::new(stream) {
            return Some(Self::Lent { reader, buffer: ArrayBuffer::new(BUFFER) });
        }
        ReadableStreamDefaultReader::new(stream).ok().map(Self::Given)
    }

    /// Reads the next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Uint8Array>, Cut> {
        let reading = match self {
            Self::Lent { reader, buffer } => reader.read_with_array_buffer_view(&Uint8Array::new(buffer)),
            Self::Given(reader) => reader.read(),
        };
        let read = JsFuture::from(reading).await.map_err(|_| Cut)?;
        let bytes = property(&read, "value").and_then(|value| value.dyn_into::<Uint8Array>().ok());
        let bytes = bytes.filter(|bytes| bytes.length() > 0);
        if let (Self::Lent { buffer, .. }, Some(bytes)) = (self, &bytes) {
            // The buffer was given away, and comes back with the bytes.
            *buffer = bytes.buffer();
        }
        Ok(bytes)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let cancelled = match self {
            Self::Lent { reader, .. } => reader.cancel(),
            Self::Given(reader) => reader.cancel(),
        };
        // It rejects where the stream has broken off.
        spawn_local(async move { drop(JsFuture::from(cancelled).await) });
    }
}
