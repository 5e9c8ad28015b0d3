//! Creating: what came of a request for many files, and which of them are asked for again.

use std::time::Duration;

use super::{Core, Uploader};
use crate::error::{ErrorCode, Problem};
use crate::plan::Plan;
use crate::time::Time;
use crate::transfer::{Failure, FileId, Retried, TransferError, Verdict, judge_call};
use crate::upload::action::ControlReply;
use crate::upload::batch::Batch;
use crate::upload::file::{FileUpload, Intent, Parked, Phase};
use crate::upload::parts::Parts;
use crate::upload::resume::UploadGrant;
use crate::wire::{CreatedUpload, Grant};

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
                        CreatedUpload::Refused(problem) => core.refused(id, file, problem, jitter, now),
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
            Phase::Creating(Intent::Abort) => {
                file.phase = Phase::Cancelled;
                false
            }
            Phase::Creating(Intent::Pause) => {
                file.phase = Phase::Paused(Parked::Nothing);
                false
            }
            _ => true,
        };
        files.into_iter().filter(|&id| self.touch(id, |_, file| is_wanted(file)).unwrap_or(false)).collect()
    }
}

impl Core {
    /// One file of many was not created. It is asked for again by itself, and holds up no other.
    fn refused(&mut self, id: FileId, file: &mut FileUpload, problem: Problem, jitter: f64, now: Time) {
        let verdict = judge_call(problem.into());
        match (&file.phase, &verdict) {
            (Phase::Creating(Intent::Abort), _) => file.phase = Phase::Cancelled,
            (Phase::Creating(Intent::Pause), Verdict::Retry { .. }) => {
                file.phase = Phase::Paused(Parked::Nothing);
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
        self.checksum = grant.checksum;
        self.set_hosts(grant.hosts);
        let Some(plan) = Plan::from_strategy(file.info.size, grant.strategy) else {
            let error =
                TransferError::new(ErrorCode::ServerMisbehaved, "the server's plan does not fit the file");
            self.fail(id, file, error);
            return;
        };
        if plan != *file.parts.plan() || grant.checksum != file.parts.checksum_kind() {
            self.stop_all_of(id, file);
            file.parts = Parts::new(plan, grant.checksum);
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
    }
}
