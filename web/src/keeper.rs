//! Keeps the journal true to the machine. What is read from it, `offers.rs` knows.
//!
//! Uploads go on without a journal; where there can be none, the page is told once, and
//! nothing can be resumed after a reload.

use std::time::Duration;

use partway_shared::sorted::{SortedMap, SortedSet};
use partway_shared::time::Time;
use partway_shared::upload::FileId;
use partway_shared::wire::CreationId;

use crate::driver::{Driver, work};
use crate::journal::Entry;
use crate::json::ToJson;
use crate::report;

/// Between two entries for the same upload. What is stored, the store itself says; the entry's number of
/// bytes is for showing alone.
const INTERVAL: Duration = Duration::from_millis(500);

/// What of the machine is in the journal.
#[derive(Default)]
pub(crate) struct Keeper {
    /// Whether there is a journal.
    pub(crate) is_open: bool,
    /// The uploads that are in the journal and locked for this tab.
    pub(crate) kept: SortedMap<FileId, CreationId>,
    /// What the journal does not know yet.
    changed: SortedSet<FileId>,
    written_at: Time,
    due_at: Option<Time>,
    writing: Option<Writing>,
    has_warned: bool,
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

    /// What can be resumed of an upload has changed.
    pub(crate) fn keep(&mut self, id: FileId, now: Time) {
        self.keeper.changed.insert(id);
        let saved = self.machine.resumable(id);
        let is_known = saved.is_some_and(|saved| self.keeper.kept.get(id) == Some(&saved.ticket.id));
        let written_at = self.keeper.written_at;
        if is_known && now.since(written_at) < INTERVAL {
            self.keeper.due_at.get_or_insert(written_at + INTERVAL);
        } else {
            self.write_journal(now);
        }
    }

    /// What the journal has of a file's upload is somebody else's, and stays as it is.
    pub(crate) fn leave(&mut self, id: FileId) {
        self.keeper.release(id);
        self.unlock(&id);
        self.offer();
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
            self.unlock(&id);
        }
        if !is_written {
            self.warn();
        }
        self.write_next(now);
    }

    /// Writes the next upload that the journal does not know as it is, or has it forgotten.
    fn write_next(&mut self, now: Time) {
        while let Some(id) = self.keeper.changed.pop_first() {
            let saved = self.machine.resumable(id);
            let kept = self.keeper.kept.get(id).copied();
            if let Some(kept) =
                kept.filter(|kept| saved.as_ref().is_none_or(|saved| saved.ticket.id != *kept))
            {
                // The file has begun anew, and is written down once the upload before is forgotten.
                if saved.is_some() {
                    self.keeper.changed.insert(id);
                }
                let key = self.journal_key(kept);
                self.keeper.writing = Some(Writing::Removal(id));
                self.say(work("remove", |fields| fields.field("key", &key)));
                return;
            }
            let (Some(saved), Some(info)) = (saved, self.machine.info(id).cloned()) else { continue };
            let creation = saved.ticket.id;
            if kept.is_none() {
                // Nobody else knows of it yet, so there is nothing to wait for.
                self.lock(&id, creation);
                self.keeper.kept.insert(id, creation);
            }
            let key = self.journal_key(creation);
            let entry = Entry { info, saved }.kept(&self.endpoint, now);
            self.keeper.writing = Some(Writing::Entry);
            self.say(work("write", |fields| {
                fields.field("file", &id).field("key", &key).field("entry", &entry)
            }));
            return;
        }
    }

    /// Takes the lock of an upload, in the name of its file here or of whatever else it is taken for.
    pub(crate) fn lock(&mut self, holder: &(impl ToJson + ?Sized), creation: CreationId) {
        let name = self.lock_name(creation);
        self.say(work("lock", |fields| fields.field("holder", holder).field("name", &name)));
    }

    pub(crate) fn unlock(&mut self, holder: &(impl ToJson + ?Sized)) {
        self.say(work("unlock", |fields| fields.field("holder", holder)));
    }

    pub(crate) fn lock_name(&self, creation: CreationId) -> String {
        ["partway ", &self.journal_key(creation)].concat()
    }

    pub(crate) fn journal_key(&self, creation: CreationId) -> String {
        [&self.endpoint, " ", &String::from(creation)].concat()
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
