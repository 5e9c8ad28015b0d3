//! The machine itself: which file and which part is next.

use std::collections::VecDeque;

use crate::checksum::{ChecksumKind, Crc64Nvme};
use crate::error::ErrorCode;
use crate::limits::MAX_FILES_PER_CREATE;
use crate::part::{ETag, PartNumber};
use crate::plan::{FileTooLarge, Plan};
use crate::progress::Speedometer;
use crate::sorted::SortedMap;
use crate::time::Time;
use crate::wire::{CompleteUpload, CreateUploads, CreatedUpload, Grant, SignParts};

use super::action::{Action, ControlCall, ControlReply, FileId, FileInfo, JobId};
use super::batch::Batch;
use super::call::Retried;
use super::failure::{Failure, PutVerdict, SourceFailure, UploadError, Verdict, judge_call, judge_put};
use super::file::{FileUpload, Parked, Phase, Work};
use super::index::{Index, Turn};
use super::parts::{Parts, earliest};
use super::settings::Settings;
use super::status::{State, Status};

/// How often a file's parts may turn out to be missing before it fails.
const MAX_RECONCILIATIONS: u32 = 3;

/// The upload machine: any number of files, one pool of connections.
///
/// Four kinds of methods, in the manner of sans-IO protocols:
/// - getters: [`status`](Self::status), [`files`](Self::files), [`bytes_per_second`](Self::bytes_per_second);
/// - commands: [`add`](Self::add), [`cancel`](Self::cancel), [`retry`](Self::retry), [`remove`](Self::remove);
/// - `handle_*`: the outcomes of work, the passing of time, and the state of the network;
/// - `poll_*`: what to do next.
///
/// After every command and every `handle_*`, call [`poll_action`](Self::poll_action) until it
/// gives nothing, then [`poll_event`](Self::poll_event) likewise, then wait for an outcome or
/// until [`poll_timeout`](Self::poll_timeout), when [`handle_timeout`](Self::handle_timeout) is due.
#[derive(Debug)]
pub struct Uploader {
    settings: Settings,
    /// A place is empty while its file is being touched.
    files: SortedMap<FileId, Option<Box<FileUpload>>>,
    /// What each file could do when it was last touched.
    work: SortedMap<FileId, Work>,
    index: Index,
    batch: Batch,
    jobs: SortedMap<JobId, Job>,
    stops: VecDeque<JobId>,
    events: VecDeque<Event>,
    hash_turn: Turn,
    call_turn: Turn,
    send_turn: Turn,
    online: bool,
    /// What the server asked for last, which is what it will ask for next.
    checksum: ChecksumKind,
    speed: Speedometer,
    luck: fastrand::Rng,
    next_file: u32,
    next_job: u64,
}

/// What a job's outcome belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Hash(FileId, PartNumber),
    Put(FileId, PartNumber),
    Create,
    Call(FileId),
}

/// Something to tell the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A file's state changed.
    State(FileId, State),
    /// More bytes have left.
    Progress(FileId),
}

impl Uploader {
    /// A machine without files. The seed decides the jitter of its retries.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            files: SortedMap::new(),
            work: SortedMap::new(),
            index: Index::default(),
            batch: Batch::default(),
            jobs: SortedMap::new(),
            stops: VecDeque::new(),
            events: VecDeque::new(),
            hash_turn: Turn::default(),
            call_turn: Turn::default(),
            send_turn: Turn::default(),
            online: true,
            checksum: ChecksumKind::default(),
            speed: Speedometer::default(),
            luck: fastrand::Rng::with_seed(seed),
            next_file: 1,
            next_job: 1,
        }
    }

    // Getters.

    /// A snapshot of one file's upload.
    #[must_use]
    pub fn status(&self, id: FileId, now: Time) -> Option<Status<'_>> {
        self.file(id).map(|file| file.status(now))
    }

    /// Every file, in the order in which they came.
    pub fn files(&self) -> impl Iterator<Item = FileId> + '_ {
        self.files.keys()
    }

    /// Throughput of the last seconds over all files.
    #[must_use]
    pub fn bytes_per_second(&self, now: Time) -> Option<f64> {
        self.speed.bytes_per_second(now)
    }

    /// Whether any work is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.jobs.is_empty()
    }

    // Commands.

    /// Takes a file to upload.
    ///
    /// # Errors
    /// When it is larger than an object can be.
    pub fn add(&mut self, info: FileInfo) -> Result<FileId, FileTooLarge> {
        let plan = Plan::new(info.size, self.settings.part_size, &self.settings.plan)?;
        let id = FileId(self.next_file);
        self.next_file += 1;
        self.files.insert(id, Some(Box::new(FileUpload::new(info, plan, self.checksum))));
        self.events.push_back(Event::State(id, State::Waiting));
        self.settle(id, State::Waiting);
        Ok(id)
    }

    /// Aborts a file's upload, and removes what was stored. Of one that has failed as well.
    /// Returns whether there was anything to cancel.
    pub fn cancel(&mut self, id: FileId) -> bool {
        self.touch(id, |machine, file| {
            let next = match std::mem::replace(&mut file.phase, Phase::Cancelled) {
                Phase::Queued => Phase::Cancelled,
                Phase::Creating => Phase::Abandoned,
                Phase::Uploading { token, .. }
                | Phase::Listing { token, .. }
                | Phase::Completing { token, .. } => Phase::Aborting { token, abort: Retried::new() },
                Phase::Failed { parked: Parked::Parts { token } | Parked::Abort { token }, .. } => {
                    Phase::Aborting { token, abort: Retried::new() }
                }
                Phase::Failed { parked: Parked::Nothing, .. } => Phase::Cancelled,
                other => {
                    file.phase = other;
                    return false;
                }
            };
            file.phase = next;
            machine.stop_all_of(id, file);
            file.trouble = None;
            true
        })
        .unwrap_or(false)
    }

    /// Goes on with a failed upload, from what is stored. Returns whether it had failed.
    pub fn retry(&mut self, id: FileId) -> bool {
        let checksum = self.checksum;
        self.touch(id, |machine, file| {
            let Phase::Failed { parked, .. } = &file.phase else { return false };
            file.phase = match parked.clone() {
                Parked::Nothing => {
                    let plan = Plan::new(file.info.size, machine.settings.part_size, &machine.settings.plan);
                    file.parts = Parts::new(plan.unwrap_or(*file.parts.plan()), checksum);
                    Phase::Queued
                }
                Parked::Parts { token } if file.parts.all_stored() => {
                    Phase::Completing { token, complete: Retried::new() }
                }
                Parked::Parts { token } => Phase::Uploading { token, sign: Retried::new() },
                Parked::Abort { token } => Phase::Aborting { token, abort: Retried::new() },
            };
            true
        })
        .unwrap_or(false)
    }

    /// Forgets a file whose upload has ended. Returns whether it had.
    pub fn remove(&mut self, id: FileId) -> bool {
        if !self.file(id).is_some_and(|file| file.state().has_ended()) {
            return false;
        }
        let work = self.work.remove(id).unwrap_or_default();
        self.index.update(id, &work, &Work::default());
        self.files.remove(id);
        true
    }

    // Outcomes.

    /// The checksum of an [`Action::Hash`], or why the bytes could not be read.
    pub fn handle_hash_done(&mut self, job: JobId, outcome: Result<Crc64Nvme, SourceFailure>) {
        let Some(Job::Hash(id, part)) = self.finish(job) else { return };
        self.touch(id, |machine, file| match outcome {
            Ok(checksum) => file.parts.hashed(part, checksum),
            Err(failure) => machine.fail(id, file, failure.into()),
        });
    }

    /// How many bytes of an [`Action::Put`] have left so far.
    pub fn handle_put_progress(&mut self, job: JobId, sent: u64, now: Time) {
        let Some(&Job::Put(id, part)) = self.jobs.get(job) else { return };
        self.touch(id, |machine, file| {
            let more = file.parts.put_progress(part, sent, now);
            machine.count(file, more, now);
        });
    }

    /// The outcome of an [`Action::Put`]: the ETag of a 2xx, if the header could be read.
    pub fn handle_put_done(&mut self, job: JobId, outcome: Result<Option<ETag>, Failure>, now: Time) {
        let Some(Job::Put(id, part)) = self.finish(job) else { return };
        self.touch(id, |machine, file| match outcome {
            Ok(Some(etag)) if !etag.is_empty() => {
                let more = file.parts.put_done(part, etag);
                machine.count(file, more, now);
                file.trouble = None;
                complete_when_stored(file);
            }
            Ok(_) => {
                let detail = "the store's answer has no ETag that a page may read: add ETag to the ExposeHeaders of the bucket's CORS rules";
                machine.fail(id, file, UploadError::new(ErrorCode::StoreEtagHidden, detail));
            }
            Err(Failure::NoAnswer) if !machine.online => file.parts.put_interrupted(part),
            Err(failure) => machine.put_failed(id, file, part, failure, now),
        });
    }

    /// The outcome of an [`Action::Call`].
    pub fn handle_call_done(&mut self, job: JobId, outcome: Result<ControlReply, Failure>, now: Time) {
        match self.finish(job) {
            Some(Job::Create) => self.created(outcome, now),
            Some(Job::Call(id)) => {
                self.touch(id, |machine, file| machine.called(id, file, job, outcome, now));
            }
            Some(Job::Hash(..) | Job::Put(..)) | None => {}
        }
    }

    /// The time that [`poll_timeout`](Self::poll_timeout) named has come. Harmless at any other.
    pub fn handle_timeout(&mut self, now: Time) {
        self.give_up_calls(now);
        if let Batch::Asked { create, .. } = &mut self.batch {
            create.wake(now);
        }
        for id in self.index.due(now) {
            self.touch(id, |machine, file| {
                if let Some(call) = file.call_mut() {
                    call.wake(now);
                }
                file.parts.wake(Some(now));
                for (part, job) in file.parts.stalled(machine.settings.stall_timeout, now) {
                    machine.stop(job);
                    machine.stalled(id, file, part, now);
                    if file.state().has_ended() {
                        break;
                    }
                }
            });
        }
    }

    /// Calls without an answer for too long count as unanswered.
    fn give_up_calls(&mut self, now: Time) {
        let is_overdue = |job: &Job| match *job {
            Job::Create => matches!(&self.batch, Batch::Asked { create, .. } if create.is_overdue(now)),
            Job::Call(id) => {
                self.file(id).and_then(FileUpload::call).is_some_and(|call| call.is_overdue(now))
            }
            Job::Hash(..) | Job::Put(..) => false,
        };
        let overdue: Vec<_> =
            self.jobs.iter().filter(|(_, job)| is_overdue(job)).map(|(job, _)| job).collect();
        for job in overdue {
            self.stops.push_back(job);
            self.handle_call_done(job, Err(Failure::NoAnswer), now);
        }
    }

    /// The network went or came back. While it is away nothing is begun and no failure
    /// counts; when it is back, whatever waits goes at once.
    pub fn handle_connectivity(&mut self, online: bool) {
        let back = online && !self.online;
        self.online = online;
        if !back {
            return;
        }
        if let Batch::Asked { create, .. } = &mut self.batch {
            create.hurry();
        }
        let ids: Vec<_> = self.files.keys().collect();
        for id in ids {
            self.touch(id, |_, file| {
                if let Some(call) = file.call_mut() {
                    call.hurry();
                }
                file.parts.wake(None);
                file.speed.reset();
            });
        }
        self.speed.reset();
    }

    // Polling.

    /// The next piece of work, if there is one.
    pub fn poll_action(&mut self, now: Time) -> Option<Action> {
        if let Some(job) = self.stops.pop_front() {
            return Some(Action::Stop { job });
        }
        if !self.online {
            return None;
        }
        // PUTs first: one that finds its URL expired makes a call due.
        self.poll_put(now)
            .or_else(|| self.poll_call(now))
            .or_else(|| self.poll_hash())
            .or_else(|| self.poll_create(now))
    }

    /// The next thing to tell the user.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, unless an outcome comes before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        earliest(self.index.next_deadline(), self.batch.deadline())
    }

    fn poll_call(&mut self, now: Time) -> Option<Action> {
        if self.count_jobs(|job| matches!(job, Job::Call(_) | Job::Create)) >= self.settings.call_concurrency
        {
            return None;
        }
        if let Batch::Asked { files, create } = &mut self.batch
            && create.is_due()
        {
            let files = files.iter().filter_map(|&id| self.files.get(id)?.as_ref());
            let files = files.map(|file| file.to_wire(&self.settings)).collect();
            let call = ControlCall::Create(CreateUploads { files });
            let job = JobId(self.next_job);
            self.next_job += 1;
            create.start(now + self.settings.call_timeout);
            self.jobs.insert(job, Job::Create);
            return Some(Action::Call { job, call });
        }
        let id = self.call_turn.order(&self.index.call).next()?;
        self.call_turn.served(id);
        self.touch(id, |machine, file| {
            let job = machine.begin(Job::Call(id));
            let token = file.token()?.to_owned();
            let call = match &file.phase {
                Phase::Uploading { .. } => {
                    ControlCall::Sign { token, request: SignParts { parts: file.parts.start_sign(job) } }
                }
                Phase::Listing { .. } => ControlCall::List { token },
                Phase::Completing { .. } => {
                    let request = CompleteUpload {
                        parts: file.parts.completed(),
                        checksum: file.parts.object_checksum(),
                    };
                    ControlCall::Complete { token, request }
                }
                _ => ControlCall::Abort { token },
            };
            let timeout = match &file.phase {
                Phase::Completing { .. } => machine.settings.complete_timeout,
                _ => machine.settings.call_timeout,
            };
            file.call_mut()?.start(now + timeout);
            Some(Action::Call { job, call })
        })?
    }

    fn poll_put(&mut self, now: Time) -> Option<Action> {
        if self.count_jobs(|job| matches!(job, Job::Put(..))) >= self.settings.concurrency {
            return None;
        }
        let usable_until = now + self.settings.expiry_margin;
        // A file whose URLs have all expired gives nothing and leaves the index.
        loop {
            let id = self.send_turn.order(&self.index.send).next()?;
            self.send_turn.served(id);
            let action = self.touch(id, |machine, file| {
                let job = JobId(machine.next_job);
                let (part, range, put) = file.parts.start_put(job, now, usable_until)?;
                machine.begin(Job::Put(id, part));
                Some(Action::Put { job, file: id, range, put })
            });
            if let Some(Some(action)) = action {
                return Some(action);
            }
        }
    }

    fn poll_hash(&mut self) -> Option<Action> {
        if self.count_jobs(|job| matches!(job, Job::Hash(..))) >= self.settings.hash_concurrency {
            return None;
        }
        let ahead = self.index.ahead < self.settings.ahead;
        let gathering = self.index.batchable.len() < MAX_FILES_PER_CREATE;
        let id = self
            .hash_turn
            .order(&self.index.hash)
            .find(|id| if self.index.queued.contains(*id) { gathering } else { ahead })?;
        self.hash_turn.served(id);
        self.touch(id, |machine, file| {
            let (part, range) = file.parts.start_hash()?;
            let job = machine.begin(Job::Hash(id, part));
            Some(Action::Hash { job, file: id, range })
        })?
    }

    fn poll_create(&mut self, now: Time) -> Option<Action> {
        let room = self.settings.open_files.saturating_sub(self.index.open) as usize;
        let room = room.min(MAX_FILES_PER_CREATE);
        let (ready, queued) = (self.index.batchable.len(), self.index.queued.len());
        if !self.batch.is_due(ready, queued, room, self.settings.batch_linger, now) {
            return None;
        }
        let files: Vec<_> = self.index.batchable.iter().take(room).collect();
        for &id in &files {
            self.touch(id, |_, file| file.phase = Phase::Creating);
        }
        self.batch = Batch::Asked { files, create: Retried::new() };
        self.poll_call(now)
    }

    // What outcomes lead to.

    fn created(&mut self, outcome: Result<ControlReply, Failure>, now: Time) {
        let Batch::Asked { files, mut create } = std::mem::take(&mut self.batch) else { return };
        let failure = match outcome {
            Ok(ControlReply::Created(created)) if created.uploads.len() == files.len() => {
                for (id, result) in files.into_iter().zip(created.uploads) {
                    self.touch(id, |machine, file| match result {
                        CreatedUpload::Accepted(grant) => machine.granted(id, file, *grant, now),
                        CreatedUpload::Refused(_) if matches!(file.phase, Phase::Abandoned) => {
                            file.phase = Phase::Cancelled;
                        }
                        CreatedUpload::Refused(problem) => machine.fail(id, file, problem.into()),
                    });
                }
                return;
            }
            Ok(_) => Failure::Unusable("it is not one result for each file".to_owned()),
            Err(failure) => failure,
        };
        // Nobody waits for those that were cancelled meanwhile: no answer, no upload.
        let files: Vec<_> = files
            .into_iter()
            .filter(|&id| {
                self.touch(id, |_, file| {
                    let abandoned = matches!(file.phase, Phase::Abandoned);
                    if abandoned {
                        file.phase = Phase::Cancelled;
                    }
                    !abandoned
                })
                .unwrap_or(false)
            })
            .collect();
        if files.is_empty() {
            return;
        }
        if failure == Failure::NoAnswer && !self.online {
            create.reset();
            self.batch = Batch::Asked { files, create };
            return;
        }
        let luck = self.luck.f64();
        match create.fail(judge_call(failure), &self.settings.retry, luck, now) {
            Ok(error) => {
                for &id in &files {
                    self.touch(id, |_, file| file.trouble = Some(error.code));
                }
                self.batch = Batch::Asked { files, create };
            }
            Err(error) => {
                for id in files {
                    self.touch(id, |machine, file| machine.fail(id, file, error.clone()));
                }
            }
        }
    }

    fn granted(&mut self, id: FileId, file: &mut FileUpload, grant: Grant, now: Time) {
        let token = grant.token;
        if matches!(file.phase, Phase::Abandoned) {
            file.phase = Phase::Aborting { token, abort: Retried::new() };
            return;
        }
        file.trouble = None;
        self.checksum = grant.checksum;
        let Some(plan) = Plan::from_strategy(file.info.size, grant.strategy) else {
            let error =
                UploadError::new(ErrorCode::ServerMisbehaved, "the server's plan does not fit the file");
            self.fail(id, file, error);
            return;
        };
        if plan != *file.parts.plan() || grant.checksum != file.parts.checksum_kind() {
            self.stop_all_of(id, file);
            file.parts = Parts::new(plan, grant.checksum);
        }
        file.phase = Phase::Uploading { token, sign: Retried::new() };
        for put in grant.parts {
            file.parts.signed(put, now);
        }
    }

    fn called(
        &mut self,
        id: FileId,
        file: &mut FileUpload,
        job: JobId,
        outcome: Result<ControlReply, Failure>,
        now: Time,
    ) {
        let failure = match (outcome, &mut file.phase) {
            (Ok(ControlReply::Signed(signed)), Phase::Uploading { sign, .. }) => {
                for put in signed.parts {
                    file.parts.signed(put, now);
                }
                if !file.parts.unsign(job) {
                    sign.reset();
                    file.trouble = None;
                    return;
                }
                Failure::Unusable("it lacks URLs for some of the parts".to_owned())
            }
            (Ok(ControlReply::Listed(listed)), Phase::Listing { token, error, .. }) => {
                if file.parts.reconcile(&listed.parts) == 0 {
                    let error = error.clone();
                    self.fail(id, file, error);
                } else {
                    file.phase = Phase::Uploading { token: std::mem::take(token), sign: Retried::new() };
                }
                return;
            }
            (Ok(ControlReply::Completed(completed)), Phase::Completing { .. }) => {
                file.trouble = None;
                file.phase = Phase::Completed(Box::new(completed));
                return;
            }
            (Ok(ControlReply::Aborted), Phase::Aborting { .. }) => {
                file.phase = Phase::Cancelled;
                return;
            }
            (Ok(_), _) => Failure::Unusable("it answers another question".to_owned()),
            (Err(failure), _) => failure,
        };
        file.parts.unsign(job);
        if failure == Failure::NoAnswer && !self.online {
            if let Some(call) = file.call_mut() {
                call.reset();
            }
            return;
        }
        let verdict = judge_call(failure);
        match (&verdict, &mut file.phase) {
            // Aborting what does not exist is done.
            (
                Verdict::Final(UploadError { code: ErrorCode::UploadGone | ErrorCode::TokenExpired, .. }),
                Phase::Aborting { .. },
            ) => {
                file.phase = Phase::Cancelled;
                return;
            }
            // Too late to cancel: the answer to complete had been lost, and is asked for again.
            (
                Verdict::Final(UploadError { code: ErrorCode::AlreadyCompleted, .. }),
                Phase::Aborting { token, .. },
            ) if file.parts.all_stored() => {
                file.phase = Phase::Completing { token: std::mem::take(token), complete: Retried::new() };
                return;
            }
            // The store lacks what it acknowledged: find out what, and send that again.
            (
                Verdict::Final(
                    error @ UploadError { code: ErrorCode::PartMissing | ErrorCode::PartMismatch, .. },
                ),
                Phase::Completing { token, .. },
            ) if file.reconciliations < MAX_RECONCILIATIONS => {
                file.reconciliations += 1;
                file.phase = Phase::Listing {
                    token: std::mem::take(token),
                    list: Retried::new(),
                    error: error.clone(),
                };
                return;
            }
            _ => {}
        }
        let luck = self.luck.f64();
        let policy = self.settings.retry;
        let Some(call) = file.call_mut() else { return };
        match call.fail(verdict, &policy, luck, now) {
            Ok(error) => file.trouble = Some(error.code),
            Err(error) => self.fail(id, file, error),
        }
    }

    fn stalled(&mut self, id: FileId, file: &mut FileUpload, part: PartNumber, now: Time) {
        let seconds = self.settings.stall_timeout.as_secs().to_string();
        let error = UploadError::new(ErrorCode::Stalled, ["no byte moved for ", &seconds, " s"].concat());
        let verdict = PutVerdict::Other(Verdict::Retry { error, retry_after: None });
        self.judge_part(id, file, part, verdict, now);
    }

    fn put_failed(
        &mut self,
        id: FileId,
        file: &mut FileUpload,
        part: PartNumber,
        failure: Failure,
        now: Time,
    ) {
        self.judge_part(id, file, part, judge_put(failure), now);
    }

    fn judge_part(
        &mut self,
        id: FileId,
        file: &mut FileUpload,
        part: PartNumber,
        verdict: PutVerdict,
        now: Time,
    ) {
        let luck = self.luck.f64();
        match file.parts.put_failed(part, verdict, &self.settings.retry, luck, now) {
            Ok(error) => file.trouble = error.map(|error| error.code),
            Err(error) => self.fail(id, file, error),
        }
    }

    fn fail(&mut self, id: FileId, file: &mut FileUpload, error: UploadError) {
        self.stop_all_of(id, file);
        file.fail(error);
    }

    // Bookkeeping.

    fn file(&self, id: FileId) -> Option<&FileUpload> {
        self.files.get(id)?.as_deref()
    }

    /// Changes one file, then looks anew at what it could do and whether its state changed.
    fn touch<R>(&mut self, id: FileId, change: impl FnOnce(&mut Self, &mut FileUpload) -> R) -> Option<R> {
        let mut file = self.files.get_mut(id)?.take()?;
        let before = file.state();
        let result = change(self, &mut file);
        if matches!(file.phase, Phase::Uploading { .. }) {
            file.parts.open_unhashed(self.settings.sign_window);
        }
        if let Some(place) = self.files.get_mut(id) {
            *place = Some(file);
        }
        self.settle(id, before);
        Some(result)
    }

    fn settle(&mut self, id: FileId, before: State) {
        let Some(file) = self.files.get_mut(id).and_then(Option::as_mut) else { return };
        let work = file.work(&self.settings);
        if file.shown.raise(file.parts.bytes_sent()) {
            self.events.push_back(Event::Progress(id));
        }
        if file.state() != before {
            self.events.push_back(Event::State(id, file.state()));
        }
        let old = self.work.insert(id, work).unwrap_or_default();
        self.index.update(id, &old, &work);
    }

    fn count(&mut self, file: &mut FileUpload, more: u64, now: Time) {
        if more > 0 {
            file.speed.record(more, now);
            self.speed.record(more, now);
        }
    }

    fn begin(&mut self, job: Job) -> JobId {
        let id = JobId(self.next_job);
        self.next_job += 1;
        self.jobs.insert(id, job);
        id
    }

    fn finish(&mut self, job: JobId) -> Option<Job> {
        self.jobs.remove(job)
    }

    fn stop(&mut self, job: JobId) {
        if self.jobs.remove(job).is_some() {
            self.stops.push_back(job);
        }
    }

    fn stop_all_of(&mut self, id: FileId, file: &mut FileUpload) {
        file.park();
        let theirs = self.jobs.iter().filter(|(_, job)| job.file() == Some(id));
        let theirs: Vec<_> = theirs.map(|(job, _)| job).collect();
        for job in theirs {
            self.stop(job);
        }
    }

    fn count_jobs(&self, kind: impl Fn(&Job) -> bool) -> u32 {
        let count = self.jobs.values().filter(|job| kind(job)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

impl Job {
    const fn file(self) -> Option<FileId> {
        match self {
            Self::Hash(id, _) | Self::Put(id, _) | Self::Call(id) => Some(id),
            Self::Create => None,
        }
    }
}

/// Moves on to completing once the last part is there.
fn complete_when_stored(file: &mut FileUpload) {
    if let Phase::Uploading { token, .. } = &mut file.phase
        && file.parts.all_stored()
    {
        file.phase = Phase::Completing { token: std::mem::take(token), complete: Retried::new() };
    }
}
