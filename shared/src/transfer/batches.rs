//! Calls that are about many files at once.

use super::id::{FileId, JobId};

/// Whose requests went along in one call, in the order of the request; `None` for a file that no longer waits.
#[derive(Debug, Default)]
pub(crate) struct Batches(Vec<(JobId, Vec<Option<FileId>>)>);

impl Batches {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, job: JobId, files: Vec<Option<FileId>>) {
        self.0.push((job, files));
    }

    /// Returns the files that wait for a call.
    pub(crate) fn waiting(&self, job: JobId) -> Vec<FileId> {
        let waiting = self.0.iter().find(|(other, _)| *other == job);
        waiting.map(|(_, files)| files.iter().copied().flatten().collect()).unwrap_or_default()
    }

    /// Returns whose requests went along in a call, which has ended.
    pub(crate) fn take(&mut self, job: JobId) -> Vec<Option<FileId>> {
        let place = self.0.iter().position(|(other, _)| *other == job);
        place.map(|place| self.0.swap_remove(place).1).unwrap_or_default()
    }

    /// Notes that a file no longer waits, and takes out the calls that no file waits for any more.
    pub(crate) fn leave(&mut self, id: FileId) -> Vec<JobId> {
        let mut idle = Vec::new();
        for (job, files) in &mut self.0 {
            let Some(place) = files.iter_mut().find(|place| **place == Some(id)) else { continue };
            *place = None;
            if files.iter().all(Option::is_none) {
                idle.push(*job);
            }
        }
        self.0.retain(|(job, _)| !idle.contains(job));
        idle
    }
}
