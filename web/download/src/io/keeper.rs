//! The journal of downloads, and what is staged for them: kept, found, compared, swept.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Uint8Array;
use partway_shared::checksum::PartHasher;
use partway_shared::download::StoredRange;
use partway_shared::wire::ObjectName;
use partway_web_io::journal::{Journal, Place};
use partway_web_io::scope::give_way;
use wasm_bindgen::{JsCast, JsValue};

use super::disk::{FileHandle, OwnFile, Stage, has_own_files};
use super::sink::{Sink, Staged};
use crate::session::{Found, Record};

const JOURNAL: Place = Place { database: "partway-downloads", store: "downloads" };
/// Bytes that are compared in a row.
const CHUNK: u32 = 1024 * 1024;
/// Chunks, in some 10 ms, after which the thread's other tasks have a turn.
const RUN: u32 = 16;

/// Keeps downloads, where they can be kept.
pub(super) struct Keeper {
    endpoint: String,
    is_wanted: bool,
    journal: RefCell<Option<Rc<Journal>>>,
}

impl Keeper {
    pub(super) fn new(endpoint: String, is_wanted: bool) -> Self {
        Self { endpoint, is_wanted: is_wanted && has_own_files(), journal: RefCell::default() }
    }

    /// Returns whether downloads can be kept here at all.
    pub(super) const fn is_of_use(&self) -> bool {
        self.is_wanted
    }

    /// Returns the journal, opened the first time, when what nobody knows of any more is removed from the stage.
    async fn journal(&self) -> Option<Rc<Journal>> {
        if !self.is_wanted {
            return None;
        }
        let open = self.journal.borrow().clone();
        if open.is_some() {
            return open;
        }
        let journal = Rc::new(Journal::open(JOURNAL).await.ok()?);
        if self.journal.borrow().is_none() {
            self.journal.replace(Some(journal.clone()));
            sweep(&journal).await;
        }
        Some(journal)
    }

    /// Returns whether something can be kept now.
    pub(super) async fn is_open(&self) -> bool {
        self.journal().await.is_some()
    }

    /// Returns all downloads from this server, each with the handle of the file that it goes to.
    pub(super) async fn all(&self) -> Vec<(Found, JsValue)> {
        let Some(journal) = self.journal().await else { return Vec::new() };
        let Ok(contents) = journal.read::<Record>().await else { return Vec::new() };
        let handle = |key: &str| contents.handles.get(key).cloned().unwrap_or_default();
        let all = contents.found.iter().filter_map(|(key, record)| {
            let found = record.clone()?.into_found(key, &self.endpoint)?;
            Some((found, handle(key)))
        });
        all.collect()
    }

    /// Returns those of them that no tab is writing.
    pub(super) async fn free(&self) -> Vec<(Found, JsValue)> {
        let mut free = Vec::new();
        for (found, handle) in self.all().await {
            if open(&found, handle.unchecked_ref()).await.is_some() {
                free.push((found, handle));
            }
        }
        free
    }

    /// Returns what is there of an object for a file, as far as it is what was written, with the file open.
    pub(super) async fn find(&self, object: &ObjectName, handle: &FileHandle) -> Option<(Found, Sink)> {
        for (mut found, other) in self.all().await {
            // What is staged can go to any file.
            if !found.is_of(object) || (!found.is_staged && !handle.is_same(&other).await) {
                continue;
            }
            // It may be open in another tab.
            let Some(sink) = open(&found, handle).await else { continue };
            if let Sink::Own { file, .. } = &sink {
                found.partial.ranges = compare(file, &found.partial.ranges).await;
            }
            return Some((found, sink));
        }
        None
    }

    /// Writes a record. Returns whether it is kept.
    pub(super) async fn write(&self, found: &Found, handle: &FileHandle) -> bool {
        let Some(journal) = self.journal().await else { return false };
        let (key, record) = (Record::key(&self.endpoint, &found.id), Record::new(found, &self.endpoint));
        journal.write(&key, &record, Some(handle)).await.is_ok()
    }

    /// Removes a record.
    pub(super) async fn forget(&self, id: &str) {
        if let Some(journal) = self.journal().await {
            // One that stays is found out by its bytes.
            let _ = journal.remove(&[Record::key(&self.endpoint, id)]).await;
        }
    }

    /// Removes a record and what is there.
    pub(super) async fn discard(&self, id: &str) {
        self.forget(id).await;
        if let Ok(stage) = Stage::open().await {
            stage.remove(id).await;
        }
    }

    /// Closes the journal.
    pub(super) fn close(&self) {
        drop(self.journal.take());
    }
}

/// Opens the file that a download's bytes are in.
async fn open(found: &Found, handle: &FileHandle) -> Option<Sink> {
    if !found.is_staged {
        let file = OwnFile::open(handle).await.ok()?;
        return Some(Sink::Own { file, staged: None });
    }
    let stage = Stage::open().await.ok()?;
    let file = OwnFile::open(&stage.handle(&found.id).await.ok()?).await.ok()?;
    Some(Sink::Own { file, staged: Some(Staged { stage, name: found.id.clone() }) })
}

/// Returns the ranges whose bytes are in the file. Nobody has waited until they were on the disk, and anybody may have written
/// there.
async fn compare(file: &OwnFile, ranges: &[StoredRange]) -> Vec<StoredRange> {
    let (lent, mut buffer) = (Uint8Array::new_with_length(CHUNK), vec![0; CHUNK as usize]);
    let mut same = Vec::new();
    let mut run = 0;
    for range in ranges {
        let Some(mut hasher) = PartHasher::new(range.checksum.kind()) else { continue };
        let mut at = range.start;
        while at < range.end {
            let len = (range.end - at).min(u64::from(CHUNK)) as u32;
            let read = file.read_at(at, &lent.subarray(0, len));
            let Some(bytes) = buffer.get_mut(..read as usize).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            lent.subarray(0, read).copy_to(bytes);
            hasher.update(bytes);
            at += u64::from(read);
            run += 1;
            if run % RUN == 0 {
                give_way().await;
            }
        }
        if at == range.end && hasher.finish() == range.checksum {
            same.push(*range);
        }
    }
    same
}

/// Removes files of which no record tells. Those that are open are left by the browser.
async fn sweep(journal: &Journal) {
    let Ok(stage) = Stage::open().await else { return };
    let names = stage.names().await;
    if names.is_empty() {
        return;
    }
    let Ok(contents) = journal.read::<Record>().await else { return };
    for name in names {
        if !contents.found.iter().any(|(key, _)| Record::id_of(key) == Some(&name)) {
            stage.remove(&name).await;
        }
    }
}
