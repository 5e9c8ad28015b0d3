//! Which files have what to do.

use std::collections::BTreeSet;

use super::file::Work;
use crate::transfer::{Deadlines, FileId, set};

/// The files by what they could do next.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Those that wait to be signed for and looked at.
    pub(super) queued: BTreeSet<FileId>,
    /// Those under way that need another URL.
    pub(super) resign: BTreeSet<FileId>,
    pub(super) get: BTreeSet<FileId>,
    pub(super) save: BTreeSet<FileId>,
    pub(super) deadlines: Deadlines,
    /// Files signed for and not ended.
    pub(super) open: u32,
}

impl Index {
    /// Takes the place of what was known of a file.
    pub(super) fn update(&mut self, id: FileId, old: &Work, new: &Work) {
        if old == new {
            return;
        }
        set(&mut self.queued, id, new.queued);
        set(&mut self.resign, id, new.resign);
        set(&mut self.get, id, new.get);
        set(&mut self.save, id, new.save);
        self.deadlines.update(id, old.deadline, new.deadline);
        self.open = self.open + u32::from(new.open) - u32::from(old.open);
    }
}
