//! Completing many small files in few calls.
//!
//! A small file is one PUT, and a call of its own for each would take longer than
//! sending it: over a far line the calls would set the pace.

use super::{Core, Job, Uploader};
use crate::time::Time;
use crate::transfer::{Failure, FileId, JobId};
use crate::upload::action::{Action, ControlCall, ControlReply};
use crate::wire::{CompleteUploads, CompletedUploads};

impl Uploader {
    /// The next call for several files, if any are ready and it is time.
    pub(super) fn poll_completions(&mut self, now: Time) -> Option<Action> {
        self.core.index.complete.first()?;
        // While one is under way further files gather for the next, unless none is to come.
        let more_to_come = self.core.count_puts() > 0 || self.core.index.send.first().is_some();
        if more_to_come && !self.core.completions.is_empty() {
            return None;
        }
        let ready: Vec<_> =
            self.core.index.complete.iter().copied().take(self.core.request_limits.completed).collect();
        let (mut files, mut uploads) = (Vec::with_capacity(ready.len()), Vec::with_capacity(ready.len()));
        for id in ready {
            let upload = self.touch(id, |core, file| {
                file.call_mut()?.start(core.settings.complete_timeout, now);
                file.to_complete()
            });
            if let Some(upload) = upload.flatten() {
                files.push(Some(id));
                uploads.push(upload);
            }
        }
        let job = self.core.jobs.begin(Job::Complete);
        self.core.completions.add(job, files);
        Some(Action::Call { job, call: ControlCall::Complete(CompleteUploads { uploads }) })
    }

    /// Gives each file its own result, as if it had asked alone.
    pub(super) fn completed_many(&mut self, job: JobId, outcome: Result<ControlReply, Failure>, now: Time) {
        let files = self.core.completions.take(job);
        if files.len() > 1 && outcome.as_ref().is_err_and(Failure::is_too_large) {
            self.core.request_limits.completed = files.len().div_ceil(2);
            for id in files.into_iter().flatten() {
                self.touch(id, |_, file| {
                    if let Some(call) = file.call_mut() {
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
            // It may have been cancelled meanwhile.
            if let Some(id) = id {
                self.touch(id, |core, file| core.called(id, file, job, result, now));
            }
        }
    }

    /// Gives up a call for several that has had no answer for too long; whether it has.
    pub(super) fn give_up_completions(&mut self, job: JobId, now: Time) -> bool {
        let mut any = false;
        for id in self.core.completions.waiting(job) {
            any |= self.touch(id, |_, file| file.give_up_call(now)) == Some(true);
        }
        any
    }
}

impl Core {
    /// Notes that a file no longer waits for a call for several, and stops the calls that no file waits for any more.
    pub(super) fn leave_completions(&mut self, id: FileId) {
        for job in self.completions.leave(id) {
            self.jobs.stop(job);
        }
    }
}
