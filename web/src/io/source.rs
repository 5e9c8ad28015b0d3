//! A file of the page: its slices, and whether it can still be read.

use std::cell::Cell;

use js_sys::Uint8Array;
use partway_shared::part::ByteRange;
use partway_shared::transfer::SourceFailure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DomException, File};

/// A file, and what reading it has shown so far.
pub(super) struct Source {
    file: File,
    /// With which the browser opens it again after a reload, where it came with one.
    pub(super) handle: Option<JsValue>,
    /// It could be read once, so that a later failure means that it changed.
    was_read: Cell<bool>,
}

impl Source {
    pub(super) const fn new(file: File, handle: Option<JsValue>) -> Self {
        Self { file, handle, was_read: Cell::new(false) }
    }

    /// Returns a slice, of which nothing is read yet.
    pub(super) fn slice(&self, range: ByteRange) -> Result<Blob, SourceFailure> {
        // Numbers in JavaScript are exact to 2^53, 160 times the largest object.
        let slice = self.file.slice_with_f64_and_f64(range.start as f64, range.end as f64);
        slice.map_err(|error| self.explain(&error))
    }

    /// Reads the bytes of a slice.
    pub(super) async fn read(&self, range: ByteRange) -> Result<Uint8Array, SourceFailure> {
        let buffer = JsFuture::from(self.slice(range)?.array_buffer()).await;
        let bytes = Uint8Array::new(&buffer.map_err(|error| self.explain(&error))?);
        if u64::from(bytes.length()) != range.len() {
            return Err(SourceFailure::Changed);
        }
        self.note_read();
        Ok(bytes)
    }

    /// Notes that some of it could be read.
    pub(super) fn note_read(&self) {
        self.was_read.set(true);
    }

    /// Checks that the file is still what it was: browsers refuse to read one that changed on disk.
    pub(super) async fn check(&self, range: ByteRange) -> Result<(), SourceFailure> {
        let first = ByteRange { start: range.start, end: range.end.min(range.start + 1) };
        self.read(first).await.map(drop)
    }

    fn explain(&self, error: &JsValue) -> SourceFailure {
        let has_vanished =
            error.dyn_ref::<DomException>().is_some_and(|error| error.name() == "NotFoundError");
        if has_vanished || self.was_read.get() { SourceFailure::Changed } else { SourceFailure::Unreadable }
    }
}
