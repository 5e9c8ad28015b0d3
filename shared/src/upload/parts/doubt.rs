//! Parts that may have arrived without an answer: the store is asked for them before they are sent again.

use std::time::Duration;

use super::Parts;
use super::stage::{Part, Stage};
use super::stored::Stored;
use crate::part::PartNumber;
use crate::transfer::{JobId, Patience};
use crate::wire::StoredPart;

impl Parts {
    /// How long this part's requests may stand still; `None` unless it is on its way.
    pub(super) fn patience(
        &self,
        number: PartNumber,
        part: &Part,
        stall_timeout: Duration,
    ) -> Option<Patience> {
        let Stage::Sending(sending) = &part.stage else { return None };
        Some(Patience {
            stall_timeout,
            len: self.len(number),
            is_unseen: sending.is_unseen(),
            late: part.late,
        })
    }

    /// Has the store asked for all that it may have. Returns whether there is any.
    pub(in crate::upload) fn start_ask(&mut self, job: JobId) -> bool {
        let mut any = false;
        for (_, part) in &mut self.active {
            if let Stage::Doubtful(then) = &mut part.stage {
                part.stage = Stage::Asked(then.clone(), job);
                any = true;
            }
        }
        any
    }

    /// The question was not answered.
    pub(in crate::upload) fn unask(&mut self, job: JobId) {
        for (_, part) in &mut self.active {
            if let Stage::Asked(then, by) = &mut part.stage
                && *by == job
            {
                part.stage = Stage::Doubtful(then.clone());
            }
        }
    }

    /// What the store has of those that it was asked for is stored, the rest goes on. Returns whether it had any.
    pub(in crate::upload) fn answered(&mut self, job: JobId, listed: &[StoredPart]) -> bool {
        let mut found = Vec::new();
        for (&number, part) in &mut self.active {
            if let Stage::Asked(then, by) = &mut part.stage
                && *by == job
            {
                part.stage = then.clone().begin();
                found.push((number, part.stage.checksum()));
            }
        }
        found.retain(|&(number, checksum)| {
            let theirs = listed.iter().find(|part| part.part_number == number);
            let Some(theirs) = theirs.filter(|theirs| theirs.size == self.len(number)) else { return false };
            // Without a checksum to compare nothing shows that it is what was sent.
            let is_ours = !self.checksum.needs_hashing() || self.checksum_of(theirs) == checksum;
            if is_ours {
                self.active.remove(&number);
                self.store(number, Stored { etag: theirs.etag.clone(), checksum });
            }
            is_ours
        });
        !found.is_empty()
    }
}
