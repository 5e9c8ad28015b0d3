//! Completing many small files in few calls.
//!
//! A small file is one PUT, and a call of its own for each would take longer than
//! sending it: over a far line the calls would set the pace.

use super::{Job, Uploader};
use crate::time::Time;
use crate::upload::action::{Action, ControlCall, ControlReply, FileId, JobId};
use crate::upload::failure::Failure;
use crate::upload::file::{FileUpload, Phase};
use crate::wire::{CompleteUploads, CompletedUploads};

impl Uploader {
    /// The next call for several files, if any are ready and it is time.
    pub(super) fn poll_completions(&mut self, now: Time) -> Option<Action> {
        self.index.complete.first()?;
        // While one is under way further files gather for the next, unless none is to come.
        let more_to_come = self.count_puts() > 0 || self.index.send.first().is_some();
        if more_to_come && !self.completions.is_empty() {
            return None;
        }
        let files: Vec<_> = self.index.complete.iter().copied().take(self.most.completed).collect();
        let timeout = self.settings.complete_timeout;
        let mut uploads = Vec::with_capacity(files.len());
        for &id in &files {
            let upload = self.touch(id, |_, file| {
                file.call_mut()?.start(timeout, now);
                file.to_complete()
            });
            uploads.extend(upload.flatten());
        }
        let job = self.begin(Job::Complete);
        self.completions.insert(job, files);
        Some(Action::Call { job, call: ControlCall::Complete(CompleteUploads { uploads }) })
    }

    /// Gives each file its own result, as if it had asked alone.
    pub(super) fn completed_many(&mut self, job: JobId, outcome: Result<ControlReply, Failure>, now: Time) {
        let files = self.completions.remove(&job).unwrap_or_default();
        if files.len() > 1 && outcome.as_ref().is_err_and(Failure::is_too_large) {
            self.most.completed = files.len().div_ceil(2);
            for id in files {
                self.touch(id, |_, file| {
                    if waits(file)
                        && let Some(call) = file.call_mut()
                    {
                        call.reset();
                    }
                });
            }
            return;
        }
        let mut results = match outcome {
            Ok(ControlReply::Completed(answer)) if answer.uploads.len() == files.len() => {
                Ok(answer.uploads.into_iter())
            }
            Ok(_) => Err(Failure::Unusable("it is not one result for each upload".to_owned())),
            Err(failure) => Err(failure),
        };
        for id in files {
            let result = match &mut results {
                Ok(results) => results
                    .next()
                    .map(|result| Ok(ControlReply::Completed(CompletedUploads { uploads: vec![result] }))),
                Err(failure) => Some(Err(failure.clone())),
            };
            let Some(result) = result else { return };
            self.touch(id, |machine, file| {
                // It may have been cancelled meanwhile.
                if waits(file) {
                    machine.called(id, file, job, result, now);
                }
            });
        }
    }

    /// Gives up a call for several that has had no answer for too long; whether it has.
    pub(super) fn give_up_completions(&mut self, job: JobId, now: Time) -> bool {
        let mut any = false;
        for id in self.completions.get(&job).cloned().unwrap_or_default() {
            let given_up = self.touch(id, |_, file| waits(file) && file.give_up_call(now));
            any |= given_up == Some(true);
        }
        any
    }

    /// Stops the calls that this file was the last to wait for.
    pub(super) fn stop_completions_for(&mut self, id: FileId) {
        let is_idle = |files: &Vec<FileId>| {
            let others = || files.iter().filter(|&&other| other != id);
            files.contains(&id) && !others().any(|&other| self.file(other).is_some_and(waits))
        };
        let idle = self.completions.iter().filter(|(_, files)| is_idle(files));
        let idle: Vec<_> = idle.map(|(&job, _)| job).collect();
        for job in idle {
            self.completions.remove(&job);
            self.stop(job);
        }
    }
}

fn waits(file: &FileUpload) -> bool {
    matches!(file.phase, Phase::Completing { complete, .. } if complete.is_in_flight())
}
