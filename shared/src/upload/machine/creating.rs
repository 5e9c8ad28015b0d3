//! Creating: what came of a request for many files, and which of them are asked for again.

use std::time::Duration;

use super::{Core, Job, Uploader};
use crate::error::ErrorCode;
use crate::plan::Plan;
use crate::time::Time;
use crate::transfer::{Failure, FileId, Retried, TransferError, Verdict, judge_call};
use crate::upload::action::{Action, ControlCall, ControlReply};
use crate::upload::batch::Batch;
use crate::upload::file::{FileUpload, Intent, Parked, Phase};
use crate::upload::resume::UploadGrant;
use crate::wire::{CreatedCopy, CreatedUpload, Grant};

impl Uploader {
    /// What came of asking for several files.
    pub(super) fn created(&mut self, outcome: Result<ControlReply, Failure>, now: Time) {
        let Batch::Asked { files, create } = &mut self.core.batch else { return };
        // Answered. What is asked for once more is a batch of its own.
        let (files, create) = (std::mem::take(files), *create);
        self.core.batch = Batch::Idle;
        let failure = match outcome {
            Ok(ControlReply::Created(created)) if created.uploads.len() == files.len() => {
                // One jitter for all, so that those which are refused alike ask again together.
                let jitter = self.core.rng.f64();
                let owner = created.owner;
                for (id, result) in files.into_iter().zip(created.uploads) {
                    self.touch(id, |core, file| match result {
                        CreatedUpload::Accepted(grant) => {
                            core.granted(id, file, *grant, owner.clone(), now);
                        }
                        CreatedUpload::Refused(problem) => {
                            core.refused(id, file, problem.into(), jitter, now);
                        }
                    });
                }
                return;
            }
            Ok(_) => Failure::Unusable("it is not one result for each file".to_owned()),
            Err(failure) => failure,
        };
        if failure.is_too_large() && files.len() > 1 {
            self.cut_in_two(files);
            return;
        }
        if failure == Failure::NoAnswer && !self.core.online {
            let files = self.still_wanted(files);
            if !files.is_empty() {
                self.core.batch = Batch::Asked { files, create: Retried::new() };
            }
            return;
        }
        self.create_again(files, create, judge_call(failure), now);
    }

    /// A request for all of these was too large. One half is asked for at once, the other waits for its turn.
    fn cut_in_two(&mut self, files: Vec<FileId>) {
        self.core.request_limits.created = files.len().div_ceil(2);
        let mut files = self.still_wanted(files);
        let rest = files.split_off(files.len().min(self.core.request_limits.created));
        for id in rest {
            self.touch(id, |_, file| file.phase = Phase::Queued);
        }
        if !files.is_empty() {
            self.core.batch = Batch::Asked { files, create: Retried::new() };
        }
    }

    /// Asks for these once more, unless that was done often enough.
    fn create_again(&mut self, files: Vec<FileId>, mut create: Retried, verdict: Verdict, now: Time) {
        let files = self.still_wanted(files);
        if files.is_empty() {
            return;
        }
        let jitter = self.core.rng.f64();
        match create.fail(verdict, &self.core.settings.retry, jitter, now) {
            Ok(error) => {
                for &id in &files {
                    self.touch(id, |_, file| file.retry_reason = Some(error.code));
                }
                self.core.batch = Batch::Asked { files, create };
            }
            Err(error) => {
                for id in files {
                    self.touch(id, |core, file| core.fail(id, file, error.clone()));
                }
            }
        }
    }

    /// Nobody waits for those that were cancelled or paused meanwhile: no answer, no upload.
    fn still_wanted(&mut self, files: Vec<FileId>) -> Vec<FileId> {
        let is_wanted = |file: &mut FileUpload| match file.phase {
            Phase::Creating(Intent::Abort | Intent::Pause) => {
                file.phase = file.uncreated();
                false
            }
            _ => true,
        };
        files.into_iter().filter(|&id| self.touch(id, |_, file| is_wanted(file)).unwrap_or(false)).collect()
    }
}

impl Core {
    /// Asks for a copy, if that is what the file waits for.
    pub(super) fn ask_for_copy(&mut self, id: FileId, file: &mut FileUpload, now: Time) -> Option<Action> {
        let Phase::Queued = file.phase else { return None };
        let mut copy = file.copy.clone()?;
        copy.id = Some(*file.creation.get_or_insert_with(|| self.creation_id()));
        // A small one is copied before the answer comes.
        file.admission.start(self.settings.complete_timeout, now);
        file.phase = Phase::Creating(Intent::Upload);
        Some(Action::Call { job: self.jobs.begin(Job::Call(id)), call: ControlCall::Copy(copy) })
    }

    /// What came of asking for a copy.
    pub(super) fn copy_created(
        &mut self,
        id: FileId,
        file: &mut FileUpload,
        outcome: Result<ControlReply, Failure>,
        now: Time,
    ) {
        let failure = match outcome {
            Ok(ControlReply::Copied(CreatedCopy::Accepted(grant))) => {
                file.info.size = grant.size;
                // It is kept nowhere, so it belongs to nobody else.
                self.granted(id, file, *grant, String::new(), now);
                return;
            }
            Ok(ControlReply::Copied(CreatedCopy::Copied(completed))) => {
                file.info.size = Some(completed.size);
                file.shown.raise(completed.size);
                file.retry_reason = None;
                file.phase = Phase::Completed(completed);
                return;
            }
            Ok(_) => Failure::Unusable("it answers another question".to_owned()),
            Err(Failure::NoAnswer) if !self.online => {
                file.admission.reset();
                file.phase = file.uncreated();
                return;
            }
            Err(failure) => failure,
        };
        let jitter = self.rng.f64();
        self.refused(id, file, failure, jitter, now);
    }

    /// One file was not created. It is asked for again by itself, and holds up no other.
    fn refused(&mut self, id: FileId, file: &mut FileUpload, failure: Failure, jitter: f64, now: Time) {
        let verdict = judge_call(failure);
        match (&file.phase, &verdict) {
            (Phase::Creating(Intent::Abort), _) | (Phase::Creating(Intent::Pause), Verdict::Retry { .. }) => {
                file.admission.reset();
                file.phase = file.uncreated();
            }
            _ => match file.admission.fail(verdict, &self.settings.retry, jitter, now) {
                Ok(error) => {
                    file.retry_reason = Some(error.code);
                    file.phase = Phase::Queued;
                }
                Err(error) => self.fail(id, file, error),
            },
        }
    }

    fn granted(&mut self, id: FileId, file: &mut FileUpload, grant: Grant, owner: String, now: Time) {
        let kept = UploadGrant {
            id: file.creation.take().unwrap_or_else(|| self.creation_id()),
            owner,
            token: grant.token,
            strategy: grant.strategy.clone(),
            may_recut: grant.may_recut && file.copy.is_none(),
            key: grant.key,
            expires_at: now + Duration::from_secs(grant.expires_in),
            hosts: grant.hosts,
        };
        let intent = match file.phase {
            Phase::Creating(intent) => intent,
            _ => Intent::Upload,
        };
        if intent == Intent::Abort {
            file.phase = Phase::Aborting { grant: kept, abort: Retried::new() };
            return;
        }
        file.retry_reason = None;
        if file.copy.is_none() {
            self.checksum = grant.checksum;
        }
        self.set_hosts(grant.hosts);
        let plan = Plan::from_strategy(grant.size, grant.strategy).and_then(|plan| match file.info.size {
            Some(size) if plan.size().is_none() => plan.ending_at(size).filter(|_| file.parts.is_unsized()),
            size => (plan.size() == size).then_some(plan),
        });
        let Some(plan) = plan else {
            let error =
                TransferError::new(ErrorCode::ServerMisbehaved, "the server's plan does not fit the file");
            self.fail(id, file, error);
            return;
        };
        if plan != *file.parts.plan() || grant.checksum != file.parts.checksum_kind() {
            self.stop_all_of(id, file);
            file.parts.replanned(plan, grant.checksum);
        }
        if intent == Intent::Pause {
            self.stop_all_of(id, file);
            file.phase = Phase::Paused(Parked::Parts(kept));
            return;
        }
        file.phase = Phase::Uploading { grant: kept, sign: Retried::new() };
        for put in grant.parts {
            file.parts.signed(put, now);
        }
        self.recut(file);
    }
}
