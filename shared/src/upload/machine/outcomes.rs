//! What came of work, of time and of the network.

use super::{Core, Event, Job, Uploader, complete_when_stored};
use crate::checksum::Checksum;
use crate::error::ErrorCode;
use crate::part::{ETag, PartNumber};
use crate::plan::Plan;
use crate::time::Time;
use crate::transfer::{
    Failure, FileId, JobId, Retried, SourceFailure, TransferError, Verdict, etag_hidden, judge_call, stalled,
};
use crate::upload::action::{ControlReply, PartRead};
use crate::upload::batch::Batch;
use crate::upload::failure::{PutVerdict, judge_put};
use crate::upload::file::{FileUpload, ListReason, Phase};
use crate::upload::resume::Difference;
use crate::wire::{Completion, ListedParts};

/// How often a file's parts may turn out to be missing before it fails.
const MAX_RECONCILIATIONS: u32 = 3;

impl Uploader {
    /// The checksum of an [`Action::Hash`](crate::upload::Action::Hash), or why the bytes could not be read.
    pub fn handle_hash_done(&mut self, job: JobId, outcome: Result<Checksum, SourceFailure>) {
        let (id, part) = match self.core.jobs.finish(job) {
            Some(Job::Hash(id, part)) => (id, Some(part)),
            Some(Job::Check(id)) => (id, None),
            _ => return,
        };
        self.touch(id, |core, file| match (outcome, part) {
            (Ok(checksum), Some(part)) => file.parts.hashed(part, checksum),
            (Ok(checksum), None) => core.checked(id, file, checksum),
            (Err(failure), _) => core.fail(id, file, failure.into()),
        });
    }

    /// What came of an [`Action::Read`](crate::upload::Action::Read), or why the stream could not be read.
    pub fn handle_read_done(&mut self, job: JobId, outcome: Result<PartRead, SourceFailure>) {
        let Some(Job::Hash(id, part)) = self.core.jobs.finish(job) else { return };
        self.touch(id, |core, file| match outcome {
            Ok(read) => {
                if let Some(size) = file.parts.read(part, read) {
                    core.ended(file, size);
                }
            }
            Err(failure) => core.fail(id, file, failure.into()),
        });
    }

    /// How many bytes of an [`Action::Put`](crate::upload::Action::Put) have left so far.
    pub fn handle_put_progress(&mut self, job: JobId, sent: u64, now: Time) {
        let Some(Job::Put(id, part, _)) = self.core.jobs.get(job) else { return };
        self.touch(id, |core, file| {
            let more = file.parts.put_progress(part, job, sent, now);
            core.count(file, more, now);
        });
    }

    /// The outcome of an [`Action::Put`](crate::upload::Action::Put): the ETag of a 2xx, if the header
    /// could be read.
    pub fn handle_put_done(&mut self, job: JobId, outcome: Result<Option<ETag>, Failure>, now: Time) {
        let Some(Job::Put(id, part, _)) = self.core.jobs.finish(job) else { return };
        self.touch(id, |core, file| match outcome {
            Ok(Some(etag)) if file.parts.contradicts(part, &etag) => {
                let error =
                    TransferError::new(ErrorCode::PartRefused, "the store has other bytes than were sent");
                core.judge_part(id, file, part, job, PutVerdict::Altered { error }, now);
            }
            Ok(Some(etag)) if !etag.is_empty() => {
                let sent = file.parts.put_done(part, job, etag, now);
                core.count(file, sent.more, now);
                core.flow.acknowledged();
                core.recut(file);
                if let Some(loser) = sent.loser {
                    core.jobs.stop(loser);
                }
                file.retry_reason = None;
                complete_when_stored(file);
            }
            Ok(_) => core.fail(id, file, etag_hidden()),
            Err(Failure::NoAnswer) if !core.online => file.parts.put_interrupted(part, job),
            Err(failure) => {
                if failure.asks_for_less() {
                    core.flow.slow_down(now);
                }
                core.judge_part(id, file, part, job, judge_put(failure, file.copy.is_some()), now);
            }
        });
    }

    /// The outcome of an [`Action::Call`](crate::upload::Action::Call).
    pub fn handle_call_done(&mut self, job: JobId, outcome: Result<ControlReply, Failure>, now: Time) {
        match self.core.jobs.finish(job) {
            Some(Job::Create) => self.created(outcome, now),
            Some(Job::Complete) => self.completed_many(job, outcome, now),
            Some(Job::Call(id)) => {
                self.touch(id, |core, file| core.called(id, file, job, outcome, now));
            }
            _ => {}
        }
    }

    /// The time that [`poll_timeout`](Self::poll_timeout) named has come. Harmless at any other.
    ///
    /// One that comes much too late means that machine and network were asleep.
    pub fn handle_timeout(&mut self, now: Time) {
        let due = self.core.index.deadlines.next().map(|due| due.max(self.core.polled_at));
        if due.is_some_and(|due| now.since(due) >= self.core.settings.sleep_threshold) {
            self.handle_wake(now);
            return;
        }
        self.give_up_calls(now);
        if let Batch::Asked { create, .. } = &mut self.core.batch {
            create.wake(now);
        }
        for id in self.core.index.deadlines.due(now) {
            self.touch(id, |core, file| {
                if let Some(call) = file.call_mut() {
                    call.wake(now);
                }
                file.parts.wake(Some(now));
                for (part, job) in file.parts.stalled(core.settings.stall_timeout, now) {
                    core.jobs.stop(job);
                    core.stalled(id, file, part, job, now);
                    if file.state().has_ended() {
                        return;
                    }
                }
                if matches!(file.phase, Phase::Uploading { .. }) {
                    file.parts.mark_stragglers(&core.settings, now);
                }
            });
        }
    }

    /// The network went or came back. While it is away nothing is begun and no failure
    /// counts; when it is back, whatever waits goes at once.
    pub fn handle_connectivity(&mut self, online: bool) {
        let back = online && !self.core.online;
        self.core.online = online;
        if back {
            self.hurry(|_| {});
        }
    }

    /// The computer slept, or somebody looks at the page again: whatever waits goes at once. What was
    /// on its way may be dead, and has a few seconds to move.
    pub fn handle_wake(&mut self, now: Time) {
        let (timeout, grace) = (self.core.settings.stall_timeout, now + self.core.settings.wake_grace);
        if let Batch::Asked { create, .. } = &mut self.core.batch {
            create.rearm(grace);
        }
        self.hurry(|file| {
            if let Some(call) = file.call_mut() {
                call.rearm(grace);
            }
            file.parts.rearm(timeout, grace);
        });
    }

    /// Ends all waits, and does something more to each file.
    fn hurry(&mut self, also: impl Fn(&mut FileUpload)) {
        if let Batch::Asked { create, .. } = &mut self.core.batch {
            create.hurry();
        }
        let ids: Vec<_> = self.files.keys().copied().collect();
        for id in ids {
            self.touch(id, |_, file| {
                also(file);
                if let Some(call) = file.call_mut() {
                    call.hurry();
                }
                file.parts.wake(None);
                file.speed.reset();
            });
        }
        self.core.speed.reset();
        self.core.flow.reset();
    }

    /// Calls without an answer for too long count as unanswered.
    fn give_up_calls(&mut self, now: Time) {
        for (id, job) in self.core.jobs.all() {
            let is_overdue = match job {
                Job::Create => match &mut self.core.batch {
                    Batch::Asked { create, .. } => create.give_up(now),
                    _ => false,
                },
                Job::Complete => self.give_up_completions(id, now),
                Job::Call(file) => self.touch(file, |_, file| file.give_up_call(now)) == Some(true),
                _ => false,
            };
            if is_overdue {
                self.core.jobs.cut_off(id);
                self.handle_call_done(id, Err(Failure::NoAnswer), now);
            }
        }
    }
}

impl Core {
    /// A stream has turned out to have so many bytes.
    fn ended(&self, file: &mut FileUpload, size: u64) {
        file.info.size = Some(size);
        // Nobody has been told of a stream yet: it is a file like any other, if it is one that fits into the part that was read.
        if matches!(file.phase, Phase::Queued) && file.creation.is_none() {
            let plan = Plan::new(size, file.wanted_part_size, &self.settings.plan);
            let is_whole = |plan: &Plan| plan.range(PartNumber::FIRST).is_some_and(|range| range.end == size);
            if let Some(plan) = plan.ok().filter(is_whole) {
                file.parts.set_sized(true);
                file.parts.send_whole(plan);
                return;
            }
        }
        file.parts.end_at(size);
        complete_when_stored(file);
    }

    // Going on from elsewhere.

    fn listed(&mut self, id: FileId, file: &mut FileUpload, listed: ListedParts) {
        let Phase::Listing { grant, reason, .. } = &file.phase else { return };
        let (grant, reason) = (grant.clone(), reason.clone());
        file.retry_reason = None;
        if let Some(completed) = listed.completed {
            file.shown.raise(completed.size);
            file.phase = Phase::Completed(Box::new(completed));
            return;
        }
        match reason {
            ListReason::Lost(error) => {
                let lost = file.parts.reconcile(&listed.parts);
                file.phase = Phase::Uploading { grant, sign: Retried::new() };
                // What a stream had there is gone.
                if lost == 0 || file.parts.is_stream() {
                    self.fail(id, file, error);
                }
            }
            ListReason::TooLate(error) => {
                file.phase = Phase::Aborting { grant, abort: Retried::new() };
                self.fail(id, file, error);
            }
            ListReason::Resumed => {
                file.parts.adopt(&listed.parts);
                let random = self.rng.f64();
                file.phase = match file.parts.sample(random) {
                    Some((part, range, stored)) => {
                        Phase::Checking { grant, part, range, stored, asked: false }
                    }
                    None => Phase::Uploading { grant, sign: Retried::new() },
                };
                complete_when_stored(file);
            }
        }
    }

    /// The sample of a resumed upload was hashed: it is the file, or another.
    fn checked(&mut self, id: FileId, file: &mut FileUpload, checksum: Checksum) {
        let Phase::Checking { grant, stored, part, .. } = &file.phase else { return };
        if *stored == checksum {
            file.phase = Phase::Uploading { grant: grant.clone(), sign: Retried::new() };
            complete_when_stored(file);
            return;
        }
        let error = TransferError {
            field: Some(Difference::Content.field().to_owned()),
            ..TransferError::new(
                ErrorCode::FileMismatch,
                format!("part {part}, which is stored already, differs from the file"),
            )
        };
        self.fail(id, file, error);
    }

    // Other calls.

    pub(super) fn called(
        &mut self,
        id: FileId,
        file: &mut FileUpload,
        job: JobId,
        outcome: Result<ControlReply, Failure>,
        now: Time,
    ) {
        if matches!(file.phase, Phase::Creating(_)) {
            self.copy_created(id, file, outcome, now);
            return;
        }
        let failure = match (outcome, &mut file.phase) {
            (Ok(ControlReply::Signed(signed)), Phase::Uploading { grant, sign }) => {
                let asked = file.parts.has_asked_for_plan(job);
                if let Some(token) = signed.token.filter(|_| asked) {
                    grant.token = token;
                    grant.strategy = file.parts.plan().strategy().clone();
                    file.parts.plan_granted();
                }
                if file.parts.has_asked_for_plan(job) {
                    Failure::Unusable("it lacks a token for the plan that was asked for".to_owned())
                } else {
                    for put in signed.parts {
                        file.parts.signed(put, now);
                    }
                    if file.parts.unsign(job) == 0 {
                        sign.reset();
                        file.retry_reason = None;
                        return;
                    }
                    Failure::Unusable("it lacks URLs for some of the parts".to_owned())
                }
            }
            (Ok(ControlReply::Listed(listed)), Phase::Uploading { sign, .. }) => {
                sign.reset();
                if let Some(completed) = listed.completed {
                    self.stop_all_of(id, file);
                    file.shown.raise(completed.size);
                    file.retry_reason = None;
                    file.phase = Phase::Completed(Box::new(completed));
                } else if file.parts.answered(job, &listed.parts) {
                    file.retry_reason = None;
                    complete_when_stored(file);
                }
                return;
            }
            (Ok(ControlReply::Listed(listed)), Phase::Listing { .. }) => {
                self.listed(id, file, listed);
                return;
            }
            (Ok(ControlReply::Completed(mut answer)), Phase::Completing { .. }) => match answer.uploads.pop()
            {
                Some(Completion::Completed(completed)) if answer.uploads.is_empty() => {
                    file.retry_reason = None;
                    file.phase = Phase::Completed(completed);
                    return;
                }
                Some(Completion::Refused(problem)) if answer.uploads.is_empty() => problem.into(),
                _ => Failure::Unusable("it is not one result for each upload".to_owned()),
            },
            (Ok(ControlReply::Aborted), Phase::Aborting { .. }) => {
                file.phase = Phase::Cancelled;
                return;
            }
            (Ok(_), _) => Failure::Unusable("it answers another question".to_owned()),
            (Err(failure), _) => failure,
        };
        let unsigned = file.parts.unsign(job);
        file.parts.unask(job);
        if let Phase::Uploading { sign, .. } = &mut file.phase
            && unsigned > 1
            && failure.is_too_large()
        {
            self.request_limits.signed = unsigned.div_ceil(2);
            sign.reset();
            return;
        }
        if failure == Failure::NoAnswer && !self.online {
            if let Some(call) = file.call_mut() {
                call.reset();
            }
            return;
        }
        let verdict = judge_call(failure);
        if let Verdict::Final(error) = &verdict {
            if error.code == ErrorCode::TokenForeign {
                // Told first, so that nothing is removed of what is not this user's.
                self.events.push_back(Event::Foreign(id));
                file.journaled = None;
            }
            if Self::is_of_no_use(file, error) {
                self.begin_anew(file);
                return;
            }
            if after_refusal(file, error) {
                if matches!(file.phase, Phase::Listing { .. }) {
                    self.stop_all_of(id, file);
                }
                return;
            }
        }
        let jitter = self.rng.f64();
        let policy = self.settings.retry;
        let Some(call) = file.call_mut() else { return };
        match call.fail(verdict, &policy, jitter, now) {
            Ok(error) => file.retry_reason = Some(error.code),
            Err(error) => self.fail(id, file, error),
        }
    }

    /// Whether the record of an upload that was begun elsewhere is of no use to the present caller.
    const fn is_of_no_use(file: &FileUpload, error: &TransferError) -> bool {
        use ErrorCode::{TokenExpired, TokenForeign, TokenInvalid};
        matches!(file.phase, Phase::Listing { reason: ListReason::Resumed, .. })
            && matches!(error.code, TokenExpired | TokenForeign | TokenInvalid)
    }

    // Parts.

    fn stalled(&mut self, id: FileId, file: &mut FileUpload, part: PartNumber, job: JobId, now: Time) {
        let error = stalled(self.settings.stall_timeout);
        let verdict = PutVerdict::Unanswered { error, is_late: true };
        self.judge_part(id, file, part, job, verdict, now);
    }

    fn judge_part(
        &mut self,
        id: FileId,
        file: &mut FileUpload,
        part: PartNumber,
        job: JobId,
        verdict: PutVerdict,
        now: Time,
    ) {
        if let (PutVerdict::Taken { error }, Phase::Uploading { grant, .. }) = (&verdict, &file.phase) {
            // Listing tells whose object it is: one of this upload's own is complete.
            let (grant, reason) = (grant.clone(), ListReason::Lost(error.clone()));
            self.stop_all_of(id, file);
            file.phase = Phase::Listing { grant, list: Retried::new(), reason };
            return;
        }
        let jitter = self.rng.f64();
        match file.parts.put_failed(part, job, verdict, &self.settings.retry, jitter, now) {
            Ok(error) => file.retry_reason = error.map(|error| error.code),
            Err(error) => self.fail(id, file, error),
        }
    }
}

/// Refusals that mean something else than failure; whether this was one.
fn after_refusal(file: &mut FileUpload, error: &TransferError) -> bool {
    use ErrorCode::{AlreadyCompleted, PartMismatch, PartMissing, TokenExpired, UploadGone};
    let is_rare = file.reconciliations < MAX_RECONCILIATIONS;
    let next = match (error.code, &file.phase) {
        // Aborting what does not exist is done.
        (
            UploadGone | TokenExpired,
            Phase::Aborting { .. } | Phase::Listing { reason: ListReason::TooLate(_), .. },
        ) => Phase::Cancelled,
        // Too late to cancel: what the upload has become is asked for.
        (AlreadyCompleted, Phase::Aborting { grant, .. }) => Phase::Listing {
            grant: grant.clone(),
            list: Retried::new(),
            reason: ListReason::TooLate(error.clone()),
        },
        // It was sent before, with its answer lost.
        (AlreadyCompleted, Phase::Uploading { grant, .. }) if is_rare => {
            file.reconciliations += 1;
            Phase::Listing {
                grant: grant.clone(),
                list: Retried::new(),
                reason: ListReason::Lost(error.clone()),
            }
        }
        // The store lacks what it acknowledged: find out what, and send that again.
        (PartMissing | PartMismatch, Phase::Completing { grant, .. }) if is_rare => {
            file.reconciliations += 1;
            Phase::Listing {
                grant: grant.clone(),
                list: Retried::new(),
                reason: ListReason::Lost(error.clone()),
            }
        }
        _ => return false,
    };
    file.phase = next;
    true
}
