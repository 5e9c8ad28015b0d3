//! What users ask for.

use super::Downloader;
use crate::download::action::NewDownload;
use crate::download::file::{FileDownload, Phase, Work};
use crate::download::partial::Partial;
use crate::transfer::FileId;

impl Downloader {
    /// Takes an object to download.
    pub fn add(&mut self, wanted: NewDownload) -> FileId {
        let id = self.next_id();
        self.add_as(id, wanted);
        id
    }

    /// The same under an id of the caller's, which no other file of this machine may have.
    pub fn add_as(&mut self, id: FileId, wanted: NewDownload) {
        self.admit(id, FileDownload::new(wanted, None));
    }

    /// Takes an object of which a part is there already, and goes on from it if the object is still the same.
    ///
    /// What is there is taken on trust: that the file has these bytes is the caller's to know. A part of another object counts as
    /// none, and so does one for a sink that is not [`Sink::Random`](crate::download::Sink::Random).
    pub fn restore(&mut self, wanted: NewDownload, partial: Partial) -> FileId {
        let id = self.next_id();
        self.restore_as(id, wanted, partial);
        id
    }

    /// The same under an id of the caller's, which no other file of this machine may have.
    pub fn restore_as(&mut self, id: FileId, wanted: NewDownload, partial: Partial) {
        let mut file = FileDownload::new(wanted, Some(partial));
        // It is kept already.
        file.journaled = file.journal_bytes();
        self.admit(id, file);
    }

    /// Halts a file's download until [`resume`](Self::resume). Returns whether there was anything to halt: what is being
    /// saved or has ended is not.
    ///
    /// Requests under way are broken off. That costs nothing, since they go on from the byte that they have reached.
    pub fn pause(&mut self, id: FileId) -> bool {
        self.touch(id, |core, file| {
            if !matches!(file.phase, Phase::Waiting | Phase::Fetching) {
                return false;
            }
            core.stop_all_of(id, file);
            file.phase = Phase::Paused;
            file.retry_reason = None;
            true
        })
        .unwrap_or(false)
    }

    /// Goes on with a paused download. Returns whether it was paused.
    pub fn resume(&mut self, id: FileId) -> bool {
        self.touch(id, |core, file| {
            if !matches!(file.phase, Phase::Paused) {
                return false;
            }
            file.go_on();
            super::advance(core, id, file);
            true
        })
        .unwrap_or(false)
    }

    /// Gives a file's download up. What was written of it is the driver's to remove. Returns whether there was anything to
    /// cancel.
    pub fn cancel(&mut self, id: FileId) -> bool {
        self.touch(id, |core, file| {
            if matches!(file.phase, Phase::Completed(_) | Phase::Cancelled) {
                return false;
            }
            core.stop_all_of(id, file);
            file.retry_reason = None;
            file.phase = Phase::Cancelled;
            true
        })
        .unwrap_or(false)
    }

    /// Goes on with a failed download from what has come, or anew if that is of no use. Returns whether it had failed and can go
    /// on: with an ordered sink, what was given out cannot be taken back.
    pub fn retry(&mut self, id: FileId) -> bool {
        self.touch(id, |core, file| {
            let Phase::Failed { is_void, .. } = file.phase else { return false };
            if is_void && !file.can_begin_anew() {
                return false;
            }
            file.has_restarted = false;
            if is_void {
                core.begin_anew(id, file);
            } else {
                file.url = None;
                file.go_on();
                super::advance(core, id, file);
            }
            true
        })
        .unwrap_or(false)
    }

    /// Forgets a file whose download has ended. Returns whether it had.
    ///
    /// What is kept of a failed one for going on later stays: no [`Event::Journal`](super::Event::Journal) comes of this.
    pub fn remove(&mut self, id: FileId) -> bool {
        let Some(file) = self.files.get(&id).filter(|file| file.state().has_ended()) else { return false };
        self.core.index.update(id, &file.work, &Work::default());
        self.files.remove(&id);
        true
    }
}
