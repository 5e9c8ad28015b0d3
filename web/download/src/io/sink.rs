//! Where the bytes of one download go.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use litemap::LiteMap;
use partway_web_io::scope::Signal;
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag};

use super::disk::{FileHandle, OwnFile, Replacement, Stage, Thrown, has_room};

/// Bytes of one write to a [`Replacement`]: each costs a trip to another process, whatever its length.
const WRITE: u32 = 2 * 1024 * 1024;
/// Unless the page says otherwise, a download from this size on is staged, so that it can go on after a reload. It takes twice the
/// disk for a moment, and no longer: to write in place in a worker and to have the browser copy that is as fast as a
/// [`Replacement`] alone.
const STAGED_MIN: u64 = 64 * 1024 * 1024;

/// What takes bytes.
pub(super) enum Sink {
    /// A file of the origin's own, written in place: the one that is to be written, or one that is copied there at the end.
    Own { file: OwnFile, staged: Option<Staged> },
    /// A file that the user has chosen.
    Replaced(Replacement),
    /// Pieces that come together in one `Blob`.
    Memory(RefCell<LiteMap<u64, Blob>>),
    /// A stream of the page's, which gets bytes in order.
    Stream(RefCell<Held>),
}

/// The folder and the name of a file in which a download is staged.
pub(super) struct Staged {
    pub(super) stage: Stage,
    pub(super) name: String,
}

/// What came early.
#[derive(Default)]
pub(super) struct Held {
    next: u64,
    chunks: LiteMap<u64, Uint8Array>,
}

/// How a file can be written.
#[derive(Clone, Copy)]
pub(super) struct FileOptions<'a> {
    pub(super) handle: &'a FileHandle,
    pub(super) size: u64,
    /// Whether there can be a journal.
    pub(super) journal: bool,
    /// What the page says of going on after a reload.
    pub(super) resumable: Option<bool>,
    /// A name for a file in the stage.
    pub(super) name: &'a str,
}

impl Sink {
    /// Opens an empty file of a handle's, with room for all bytes.
    pub(super) async fn file(options: FileOptions<'_>) -> Result<Self, Thrown> {
        let FileOptions { handle, size, journal, resumable, name } = options;
        match OwnFile::open(handle).await {
            Ok(file) => {
                let sink = Self::Own { file, staged: None };
                sink.empty(size)?;
                return Ok(sink);
            }
            // Open in another tab, or moved away.
            Err(thrown) if ["NoModificationAllowedError", "NotFoundError"].contains(&&*thrown.name()) => {
                return Err(thrown);
            }
            // It is no file of the origin's own, or this is no worker.
            Err(_) => {}
        }
        if journal
            && resumable.unwrap_or(size >= STAGED_MIN)
            && has_room(size).await
            && let Ok(sink) = Self::staged(name, size).await
        {
            return Ok(sink);
        }
        Replacement::begin(handle).await.map(Self::Replaced)
    }

    async fn staged(name: &str, size: u64) -> Result<Self, Thrown> {
        let stage = Stage::open().await?;
        let file = OwnFile::open(&stage.handle(name).await?).await?;
        let sink = Self::Own { file, staged: Some(Staged { stage, name: name.to_owned() }) };
        if let Err(thrown) = sink.empty(size) {
            sink.discard().await;
            return Err(thrown);
        }
        Ok(sink)
    }

    /// Forgets what was written, and makes room for all bytes. Fails with a [`Replacement`], which is begun anew instead.
    pub(super) fn empty(&self, size: u64) -> Result<(), Thrown> {
        match self {
            Self::Own { file, .. } => {
                file.resize(0)?;
                file.resize(size)?;
            }
            Self::Replaced(_) => return Err(Thrown::from(JsValue::UNDEFINED)),
            Self::Memory(pieces) => pieces.borrow_mut().clear(),
            Self::Stream(held) => drop(held.replace(Held::default())),
        }
        Ok(())
    }

    /// Returns whether a journal is of use: what was written is there after a reload.
    pub(super) const fn outlives_the_page(&self) -> bool {
        matches!(self, Self::Own { .. })
    }

    /// Returns whether each chunk has to be a buffer of its own.
    pub(super) const fn keeps_chunks(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// Returns the next chunk of a stream, if it has come.
    pub(super) fn next_chunk(&self) -> Option<Uint8Array> {
        let Self::Stream(held) = self else { return None };
        let mut held = held.borrow_mut();
        let next = held.next;
        let bytes = held.chunks.remove(&next)?;
        held.next += u64::from(bytes.length());
        Some(bytes)
    }

    /// Puts all pieces together.
    pub(super) fn blob(&self, content_type: Option<&str>) -> Option<Blob> {
        let Self::Memory(pieces) = self else { return None };
        let pieces: Array = pieces.take().into_iter().map(|(_, piece)| piece).collect();
        let options = BlobPropertyBag::new();
        options.set_type(content_type.unwrap_or_default());
        Blob::new_with_blob_sequence_and_options(&pieces, &options).ok()
    }

    /// Closes what was written, so that it is the file of the handle.
    pub(super) async fn save(&self, handle: Option<&FileHandle>) -> Result<(), Thrown> {
        match (self, handle) {
            (Self::Own { file, staged: Some(Staged { stage, name }) }, Some(handle)) => {
                file.close();
                let file = stage.handle(name).await?.file().await?;
                let target = Replacement::begin(handle).await?;
                target.write_all(&file).await?;
                target.finish().await?;
                stage.remove(name).await;
                Ok(())
            }
            (Self::Own { file, .. }, _) => {
                file.close();
                Ok(())
            }
            (Self::Replaced(file), _) => file.finish().await,
            _ => Ok(()),
        }
    }

    /// Removes what was written.
    pub(super) async fn discard(&self) {
        match self {
            Self::Own { file, staged } => {
                let _ = file.resize(0);
                if let Some(Staged { stage, name }) = staged {
                    file.close();
                    stage.remove(name).await;
                }
            }
            Self::Replaced(file) => file.give_up().await,
            Self::Memory(_) | Self::Stream(_) => drop(self.empty(0)),
        }
    }
}

/// Writes what one request brings. As long as there is one, what it was given may not be written yet.
pub(super) struct Writer {
    sink: Rc<Sink>,
    /// Whether the sink still holds what this is about: it may have been emptied meanwhile.
    is_current: Box<dyn Fn() -> bool>,
    /// What is gathered for the next write, where writes should be large.
    gathered: Option<Gathered>,
    _counted: Counted,
}

struct Gathered {
    buffer: Uint8Array,
    offset: u64,
    filled: u32,
}

impl Writer {
    pub(super) fn new(sink: Rc<Sink>, is_current: impl Fn() -> bool + 'static, counted: Counted) -> Self {
        Self { sink, is_current: Box::new(is_current), gathered: None, _counted: counted }
    }

    /// Takes bytes for a place. Their buffer may be filled anew once this resolves, unless the sink keeps its chunks.
    pub(super) async fn put(&mut self, offset: u64, bytes: Uint8Array) -> Result<(), Thrown> {
        if !(self.is_current)() {
            return Ok(());
        }
        match &*self.sink {
            Sink::Own { file, .. } => file.write_at(offset, &bytes),
            Sink::Replaced(_) => self.gather(offset, &bytes).await,
            Sink::Memory(pieces) => {
                // It has the bytes elsewhere than in this process's memory.
                let piece = Blob::new_with_buffer_source_sequence(&Array::of1(&bytes))?;
                pieces.borrow_mut().insert(offset, piece);
                Ok(())
            }
            Sink::Stream(held) => {
                let is_all = bytes.length() == bytes.buffer().byte_length();
                let own = if is_all { bytes } else { bytes.slice(0, bytes.length()) };
                held.borrow_mut().chunks.insert(offset, own);
                Ok(())
            }
        }
    }

    async fn gather(&mut self, mut offset: u64, bytes: &Uint8Array) -> Result<(), Thrown> {
        let mut done = 0;
        while done < bytes.length() {
            let joins = self.gathered.as_ref().is_none_or(|gathered| {
                gathered.offset + u64::from(gathered.filled) == offset && gathered.filled < WRITE
            });
            if !joins {
                self.flush().await?;
            }
            let fresh = || Gathered { buffer: Uint8Array::new_with_length(WRITE), offset, filled: 0 };
            let gathered = self.gathered.get_or_insert_with(fresh);
            if gathered.filled == 0 {
                gathered.offset = offset;
            }
            let len = (WRITE - gathered.filled).min(bytes.length() - done);
            gathered.buffer.set(&bytes.subarray(done, done + len), gathered.filled);
            gathered.filled += len;
            done += len;
            offset += u64::from(len);
        }
        Ok(())
    }

    /// Writes what was gathered.
    pub(super) async fn flush(&mut self) -> Result<(), Thrown> {
        let (Sink::Replaced(file), Some(gathered)) = (&*self.sink, &mut self.gathered) else { return Ok(()) };
        let bytes = gathered.buffer.subarray(0, gathered.filled);
        let offset = gathered.offset;
        gathered.filled = 0;
        if bytes.length() == 0 || !(self.is_current)() {
            return Ok(());
        }
        file.write_at(offset, &bytes).await
    }
}

/// How many [`Writer`]s there are.
#[derive(Default)]
pub(super) struct Writers {
    count: Rc<Cell<u32>>,
    none: Rc<RefCell<Option<Rc<Signal>>>>,
}

/// One of them, until it is dropped.
pub(super) struct Counted {
    count: Rc<Cell<u32>>,
    none: Rc<RefCell<Option<Rc<Signal>>>>,
}

impl Writers {
    pub(super) fn enter(&self) -> Counted {
        self.count.set(self.count.get() + 1);
        Counted { count: self.count.clone(), none: self.none.clone() }
    }

    /// Waits until there is none.
    pub(super) async fn gone(&self) {
        if self.count.get() == 0 {
            return;
        }
        let signal = self.none.borrow_mut().get_or_insert_default().clone();
        signal.given().await;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.count.set(self.count.get() - 1);
        if self.count.get() == 0
            && let Some(signal) = self.none.take()
        {
            signal.give();
        }
    }
}
