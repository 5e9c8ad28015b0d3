//! Keeps the journal true to the machine, and takes uploads out of it again.
//!
//! Uploads go on without a journal; where there can be none, the page is told once, and
//! nothing can be resumed after a reload.

use std::time::Duration;

use partway_shared::error::ErrorCode;
use partway_shared::sorted::{SortedMap, SortedSet};
use partway_shared::time::Time;
use partway_shared::upload::{ControlCall, Difference, FileId, FileInfo, UploadError};
use partway_shared::wire::AbortUpload;

use crate::control::Request;
use crate::driver::{Driver, work};
use crate::journal::Entry;
use crate::json::Json;
use crate::options;
use crate::report;

/// Between two entries for the same upload. What is stored, the store itself says; the entry's number of
/// bytes is for showing alone.
const INTERVAL: Duration = Duration::from_millis(500);

/// What of the machine is in the journal, and what of the journal is not in the machine.
#[derive(Default)]
pub(crate) struct Keeper {
    /// Whether there is a journal.
    is_open: bool,
    /// What the journal has and nobody has taken up.
    offered: Vec<Entry>,
    /// The uploads that are in the journal and locked for this tab, by the keys of their objects.
    kept: SortedMap<FileId, String>,
    /// Those that wait for the lock before they are taken up.
    taken: SortedMap<FileId, TakenUp>,
    /// What the journal does not know yet.
    changed: SortedSet<FileId>,
    written_at: Time,
    due_at: Option<Time>,
    writing: Option<Writing>,
    has_warned: bool,
}

/// An upload that is to go on with a file that was chosen for it.
struct TakenUp {
    object_key: String,
    chosen: FileInfo,
}

/// What is on its way to the journal.
enum Writing {
    Entry,
    /// The upload has ended, and is let go of once the journal has forgotten it.
    Removal(FileId),
}

impl Keeper {
    /// When there is something to write.
    pub(crate) const fn due_at(&self) -> Option<Time> {
        self.due_at
    }

    /// Lets others have the upload of a file that is forgotten here.
    pub(crate) fn release(&mut self, id: FileId) {
        self.kept.remove(id);
    }

    fn find(&self, object_key: &str) -> Option<&Entry> {
        self.offered.iter().find(|entry| entry.saved.ticket.key == object_key)
    }

    fn withdraw(&mut self, object_key: &str) -> Option<Entry> {
        let place = self.offered.iter().position(|entry| entry.saved.ticket.key == object_key)?;
        Some(self.offered.remove(place))
    }
}

impl Driver {
    /// The host has opened the journal, or cannot, or could not read it.
    pub(crate) fn journal_opened(&mut self, is_open: bool, now: Time) {
        if is_open {
            self.keeper.is_open = true;
            self.write_journal(now);
            self.offer();
        } else {
            self.warn();
        }
    }

    /// Asks what is in the journal, so as to tell the page what can be resumed.
    pub(crate) fn offer(&mut self) {
        if self.keeper.is_open {
            self.say(work("read", |fields| fields));
        }
    }

    /// Takes what is in the journal, as `[key, entry]`, and the names of all locks that are held. Tells
    /// the page what can be resumed, without what is being sent here or by other tabs.
    pub(crate) fn found(&mut self, contents: Json<'_>, held: Json<'_>, now: Time) {
        let mut offered: Vec<Entry> = Vec::new();
        let mut useless = Vec::new();
        let mut skipped = 0_u32;
        for pair in contents.items() {
            let (Some(key), Some(value)) = (pair.item(0).and_then(Json::as_text), pair.item(1)) else {
                continue;
            };
            if value.text("endpoint").is_some_and(|endpoint| endpoint != self.endpoint) {
                continue;
            }
            let entry = Entry::read(value, now);
            match entry.filter(|entry| self.journal_key(&entry.saved.ticket.key) == key) {
                Some(entry) if entry.saved.ticket.expires_at <= now => useless.push(key),
                Some(entry) if self.is_free(&entry, held) => {
                    // In the order in which they were begun. What the standard library sorts with weighs 4 kB.
                    let begun = entry.saved.ticket.expires_at;
                    let place = offered.partition_point(|other| other.saved.ticket.expires_at <= begun);
                    offered.insert(place, entry);
                }
                Some(_) => {}
                None => {
                    skipped += 1;
                    useless.push(key);
                }
            }
        }
        if !useless.is_empty() {
            self.say(work("forget", |fields| fields.field("keys", &useless)));
        }
        let shown: Vec<_> = offered.iter().map(|entry| entry.shown(now)).collect();
        let keys: Vec<_> = offered.iter().map(|entry| self.journal_key(&entry.saved.ticket.key)).collect();
        self.keeper.offered = offered;
        self.say(work("offer", |fields| {
            fields.field("entries", &shown).field("keys", &keys).field("skipped", &skipped)
        }));
    }

    fn is_free(&self, entry: &Entry, held: Json<'_>) -> bool {
        let object_key = &entry.saved.ticket.key;
        let name = self.lock_name(object_key);
        let is_ours = self.keeper.kept.values().any(|kept| kept == object_key);
        !is_ours && held.items().all(|lock| lock.as_text().as_ref() != Some(&name))
    }

    /// Takes an upload of the journal up again with its file, or tells why not.
    pub(crate) fn take_up(&mut self, entries: Json<'_>, object_key: String) {
        let Some(entry) = entries.item(0) else { return };
        match options::entry(entry) {
            Ok(options::Entry { id, info }) => match self.compare(&object_key, &info) {
                Ok(()) => {
                    self.lock(id, &object_key);
                    self.keeper.taken.insert(id, TakenUp { object_key, chosen: info });
                }
                Err(error) => self.refuse(id, &error),
            },
            Err(error) => {
                let id = entry.number("id").unwrap_or_default();
                self.refuse(FileId(id as u32), &error);
            }
        }
    }

    fn compare(&self, object_key: &str, chosen: &FileInfo) -> Result<(), UploadError> {
        let entry = self.keeper.find(object_key).ok_or_else(gone)?;
        match Difference::between(&entry.info, chosen) {
            Some(difference) => {
                let (detail, field) = (difference.message(), difference.field());
                Err(report::error(ErrorCode::FileMismatch, detail, Some(field)))
            }
            None => Ok(()),
        }
    }

    /// The host has taken a lock, or another tab has it.
    pub(crate) fn locked(&mut self, id: FileId, is_granted: bool) {
        let Some(TakenUp { object_key, chosen }) = self.keeper.taken.remove(id) else { return };
        let restored = if is_granted {
            self.restore(id, object_key, &chosen)
        } else {
            Err(report::error(ErrorCode::UploadBusy, "close it there, or let it finish", None))
        };
        if let Err(error) = restored {
            self.refuse(id, &error);
        }
    }

    fn restore(&mut self, id: FileId, object_key: String, chosen: &FileInfo) -> Result<(), UploadError> {
        // Meanwhile another tab may have finished it.
        self.compare(&object_key, chosen)?;
        let entry = self.keeper.withdraw(&object_key).ok_or_else(gone)?;
        self.machine.restore_as(id, entry.info, entry.saved).ok_or_else(gone)?;
        self.keeper.kept.insert(id, object_key);
        Ok(())
    }

    fn refuse(&mut self, id: FileId, error: &UploadError) {
        self.drop_file(id);
        self.say(report::refused(&[id], error));
    }

    /// Aborts an upload of the journal and forgets it.
    pub(crate) fn discard(&mut self, object_key: &str) {
        let Some(entry) = self.keeper.withdraw(object_key) else { return };
        // What cannot be aborted now expires with its token, and the server sweeps it.
        let abort = ControlCall::Abort(AbortUpload { token: entry.saved.ticket.token });
        let (Request { path, body, .. }, key) = (Request::of(&abort), self.journal_key(object_key));
        self.say(work("abandon", |fields| {
            fields.field("path", path).field("body", &body).field("key", &key)
        }));
    }

    /// What can be resumed of an upload has changed.
    pub(crate) fn keep(&mut self, id: FileId, now: Time) {
        let object_key = self.machine.resumable(id).map(|saved| saved.ticket.key);
        self.keeper.changed.insert(id);
        let is_known = self.keeper.kept.contains_key(id);
        let written_at = self.keeper.written_at;
        match object_key {
            Some(_) if is_known && now.since(written_at) < INTERVAL => {
                self.keeper.due_at.get_or_insert(written_at + INTERVAL);
                return;
            }
            // A key that the server has just made is nobody else's, so there is nothing to wait for.
            Some(object_key) if !is_known => {
                self.lock(id, &object_key);
                self.keeper.kept.insert(id, object_key);
            }
            _ => {}
        }
        self.write_journal(now);
    }

    /// Writes what has changed, one entry after the other.
    pub(crate) fn write_journal(&mut self, now: Time) {
        self.keeper.due_at = None;
        if self.keeper.is_open {
            self.keeper.written_at = now;
            if self.keeper.writing.is_none() {
                self.write_next(now);
            }
        }
    }

    /// The host has written something, or could not.
    pub(crate) fn written(&mut self, is_written: bool, now: Time) {
        if let Some(Writing::Removal(id)) = self.keeper.writing.take() {
            self.keeper.release(id);
            self.say(work("unlock", |fields| fields.field("file", &id)));
        }
        if !is_written {
            self.warn();
        }
        self.write_next(now);
    }

    /// Writes the next upload that the journal does not know as it is, or has it forgotten.
    fn write_next(&mut self, now: Time) {
        while let Some(id) = self.keeper.changed.pop_first() {
            if let (Some(saved), Some(info)) = (self.machine.resumable(id), self.machine.info(id)) {
                let key = self.journal_key(&saved.ticket.key);
                let entry = Entry { info: info.clone(), saved }.kept(&self.endpoint, now);
                self.keeper.writing = Some(Writing::Entry);
                self.say(work("write", |fields| {
                    fields.field("file", &id).field("key", &key).field("entry", &entry)
                }));
                return;
            }
            if let Some(object_key) = self.keeper.kept.get(id) {
                let key = self.journal_key(object_key);
                self.keeper.writing = Some(Writing::Removal(id));
                self.say(work("remove", |fields| fields.field("key", &key)));
                return;
            }
        }
    }

    fn lock(&mut self, id: FileId, object_key: &str) {
        let name = self.lock_name(object_key);
        self.say(work("lock", |fields| fields.field("file", &id).field("name", &name)));
    }

    fn lock_name(&self, object_key: &str) -> String {
        ["partway ", &self.journal_key(object_key)].concat()
    }

    fn journal_key(&self, object_key: &str) -> String {
        [&self.endpoint, " ", object_key].concat()
    }

    /// Tells once that nothing can be resumed.
    fn warn(&mut self) {
        if !self.keeper.has_warned {
            self.keeper.has_warned = true;
            let message = "nothing can be resumed after a reload: IndexedDB is denied (as in some private windows), \
                           full, or was written by a later version";
            self.say(report::warning("journal_unavailable", message));
        }
    }
}

fn gone() -> UploadError {
    let detail = "it was finished, discarded, or taken up elsewhere meanwhile";
    report::error(ErrorCode::UploadGone, detail, None)
}
