//! Which files have what to do.

use std::collections::BTreeSet;

use super::file::Work;
use crate::transfer::{Deadlines, FileId, set};

/// The files by what they could do next.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) queued: BTreeSet<FileId>,
    pub(super) batchable: BTreeSet<FileId>,
    pub(super) hash: BTreeSet<FileId>,
    pub(super) call: BTreeSet<FileId>,
    /// Those whose completion goes along with others'.
    pub(super) complete: BTreeSet<FileId>,
    pub(super) send: BTreeSet<FileId>,
    pub(super) deadlines: Deadlines,
    /// Parts hashed and not yet on their way, over all open files.
    pub(super) ahead: u32,
    /// Files created and not ended.
    pub(super) open: u32,
}

impl Index {
    /// Takes the place of what was known of a file.
    pub(super) fn update(&mut self, id: FileId, old: &Work, new: &Work) {
        if old == new {
            return;
        }
        set(&mut self.queued, id, new.queued);
        set(&mut self.batchable, id, new.batchable);
        set(&mut self.hash, id, new.hash);
        set(&mut self.call, id, new.call);
        set(&mut self.complete, id, new.complete);
        set(&mut self.send, id, new.send);
        self.deadlines.update(id, old.deadline, new.deadline);
        self.ahead = self.ahead + new.ahead - old.ahead;
        self.open = self.open + u32::from(new.open) - u32::from(old.open);
    }
}
