//! Keeps the journal true to the machine. What is taken out of it, `offers` knows.
//!
//! Uploads go on without a journal; where there can be none, the page is told once, and nothing can be resumed after a
//! reload.

use std::collections::BTreeSet;
use std::time::Duration;

use litemap::LiteMap;
use partway_shared::time::Time;
use partway_shared::transfer::FileId;
use partway_shared::wire::CreationId;

use super::{Effect, Entry, Event, Holder, Record, Session};

/// Between two records of the same upload. What is stored, the store itself says; the record's number of bytes is for
/// showing alone.
const INTERVAL: Duration = Duration::from_millis(500);

/// What of the machine is in the journal.
#[derive(Default)]
pub(crate) struct Keeper {
    /// Whether there is a journal.
    pub(super) is_open: bool,
    /// The uploads that are in the journal and locked for this tab.
    pub(super) kept: LiteMap<FileId, CreationId>,
    /// What the journal does not know yet.
    changed: BTreeSet<FileId>,
    written_at: Time,
    due_at: Option<Time>,
    writing: Option<Writing>,
    has_warned: bool,
}

/// What is on its way to the journal.
enum Writing {
    Record,
    /// The upload has ended, and its lock is released once the journal has forgotten it.
    Removal(FileId),
}

impl Keeper {
    /// Returns when there is something to write.
    pub(super) const fn due_at(&self) -> Option<Time> {
        self.due_at
    }

    /// Lets others have the upload of a file that is forgotten here.
    pub(super) fn release(&mut self, id: FileId) {
        self.kept.remove(&id);
    }
}

impl Session {
    /// Takes in whether the journal could be opened.
    pub(crate) fn handle_journal_opened(&mut self, is_open: bool, now: Time) {
        if is_open {
            self.keeper.is_open = true;
            self.write_journal(now);
            self.read_journal();
        } else {
            self.warn_once();
        }
    }

    /// Takes in that the journal could not be read.
    pub(crate) fn handle_journal_failed(&mut self) {
        self.warn_once();
    }

    /// Takes in whether a record was written or removed.
    pub(crate) fn handle_journal_written(&mut self, is_written: bool) {
        if let Some(Writing::Removal(id)) = self.keeper.writing.take() {
            self.keeper.release(id);
            self.unlock(Holder::File(id));
        }
        if !is_written {
            self.warn_once();
        }
        self.write_next();
    }

    /// Takes note that what can be resumed of an upload has changed.
    pub(super) fn keep(&mut self, id: FileId, now: Time) {
        self.keeper.changed.insert(id);
        let saved = self.machine.resumable(id);
        let is_known = saved.is_some_and(|saved| self.keeper.kept.get(&id) == Some(&saved.grant.id));
        let written_at = self.keeper.written_at;
        if is_known && now.since(written_at) < INTERVAL {
            self.keeper.due_at.get_or_insert(written_at + INTERVAL);
        } else {
            self.write_journal(now);
        }
    }

    /// Leaves what the journal has of a file's upload as it is: it is somebody else's.
    pub(super) fn leave(&mut self, id: FileId) {
        self.keeper.release(id);
        self.unlock(Holder::File(id));
        self.read_journal();
    }

    /// Writes what has changed, one record after the other.
    pub(super) fn write_journal(&mut self, now: Time) {
        self.keeper.due_at = None;
        if self.keeper.is_open {
            self.keeper.written_at = now;
            if self.keeper.writing.is_none() {
                self.write_next();
            }
        }
    }

    /// Writes the next upload that the journal does not know as it is, or removes it.
    fn write_next(&mut self) {
        while let Some(id) = self.keeper.changed.pop_first() {
            let saved = self.machine.resumable(id);
            let current = saved.as_ref().map(|saved| saved.grant.id);
            let kept = self.keeper.kept.get(&id).copied();
            if let Some(kept) = kept.filter(|_| kept != current) {
                // A file that has begun anew is written once its upload before is forgotten.
                if current.is_some() {
                    self.keeper.changed.insert(id);
                }
                self.keeper.writing = Some(Writing::Removal(id));
                self.effects.push_back(Effect::RemoveRecord(self.journal_key(kept)));
                return;
            }
            let (Some(saved), Some(info)) = (saved, self.machine.info(id).cloned()) else { continue };
            let creation = saved.grant.id;
            let entry = Entry { info, saved };
            let Some(record) = Record::new(entry, &self.endpoint, self.epoch) else { continue };
            if kept.is_none() {
                // Nobody else knows of it yet, so there is nothing to wait for.
                self.lock(Holder::File(id), creation);
                self.keeper.kept.insert(id, creation);
            }
            self.keeper.writing = Some(Writing::Record);
            let key = self.journal_key(creation);
            self.effects.push_back(Effect::WriteRecord { file: id, key, record: Box::new(record) });
            return;
        }
    }

    /// Takes an upload's lock.
    pub(super) fn lock(&mut self, holder: Holder, creation: CreationId) {
        self.effects.push_back(Effect::Lock(holder, self.lock_name(creation)));
    }

    pub(super) fn unlock(&mut self, holder: Holder) {
        self.effects.push_back(Effect::Unlock(holder));
    }

    /// Returns the name of an upload's lock, the same in all tabs.
    pub(super) fn lock_name(&self, creation: CreationId) -> String {
        format!("partway {}", self.journal_key(creation))
    }

    /// Returns the key of an upload's record.
    pub(crate) fn journal_key(&self, creation: CreationId) -> String {
        format!("{} {creation}", self.endpoint)
    }

    fn warn_once(&mut self) {
        if !self.keeper.has_warned {
            self.keeper.has_warned = true;
            self.events.push_back(Event::Warning(
                "journal_unavailable",
                "nothing can be resumed after a reload: IndexedDB is denied (as in some private windows), full, or was \
                 written by a later version",
            ));
        }
    }
}
