//! What to do next.

use super::{Event, Job, Uploader};
use crate::limits::MAX_FILES_PER_CREATE;
use crate::time::Time;
use crate::upload::action::{Action, ControlCall, JobId};
use crate::upload::batch::{Batch, Waiting};
use crate::upload::call::Retried;
use crate::upload::file::{Phase, Wish};
use crate::upload::flow::Cap;
use crate::upload::parts::{ToSend, earliest};
use crate::wire::{AbortUpload, CompleteUploads, CreateUploads, ListParts, SignParts};

impl Uploader {
    /// The next piece of work, if there is one.
    pub fn poll_action(&mut self, now: Time) -> Option<Action> {
        self.seen = now;
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
        let cap = self.cap.as_ref().filter(|_| self.online && self.index.send.first().is_some());
        let cap = cap.filter(|_| self.count_puts() < self.flow.limit());
        // Once it is free, it is something else that is waited for.
        let cap = cap.map(Cap::free_at).filter(|&at| at > self.seen);
        earliest(earliest(self.index.next_deadline(), self.batch.deadline()), cap)
    }

    fn poll_call(&mut self, now: Time) -> Option<Action> {
        let is_call = |job: &Job| matches!(job, Job::Call(_) | Job::Create | Job::Complete);
        if self.count_jobs(is_call) >= self.settings.call_concurrency {
            return None;
        }
        if let Batch::Asked { files, create } = &mut self.batch
            && create.is_due()
        {
            let files = files.iter().filter_map(|&id| self.files.get(&id)?.as_ref());
            let files = files.map(|file| file.to_wire()).collect();
            let call = ControlCall::Create(CreateUploads { files });
            let job = JobId(self.next_job);
            self.next_job += 1;
            create.start(self.settings.call_timeout, now);
            self.jobs.insert(job, Job::Create);
            return Some(Action::Call { job, call });
        }
        if let Some(action) = self.poll_completions(now) {
            return Some(action);
        }
        let id = self.call_turn.order(&self.index.call).next()?;
        self.call_turn.served(id);
        self.touch(id, |machine, file| {
            let job = machine.begin(Job::Call(id));
            let token = file.ticket()?.token.clone();
            let call = match &file.phase {
                Phase::Uploading { .. } if file.parts.start_ask(job) => {
                    ControlCall::List(ListParts { token })
                }
                Phase::Uploading { .. } => ControlCall::Sign(SignParts {
                    token,
                    parts: file.parts.start_sign(job, machine.most.signed),
                }),
                Phase::Listing { .. } => ControlCall::List(ListParts { token }),
                Phase::Completing { .. } => {
                    ControlCall::Complete(CompleteUploads { uploads: vec![file.to_complete()?] })
                }
                _ => ControlCall::Abort(AbortUpload { token }),
            };
            let timeout = match &file.phase {
                Phase::Completing { .. } => machine.settings.complete_timeout,
                _ => machine.settings.call_timeout,
            };
            file.call_mut()?.start(timeout, now);
            Some(Action::Call { job, call })
        })?
    }

    fn poll_put(&mut self, now: Time) -> Option<Action> {
        let puts = self.count_puts();
        if puts >= self.flow.limit() || self.cap.as_ref().is_some_and(|cap| !cap.allows(now)) {
            return None;
        }
        let no_large = puts >= self.flow.large_limit();
        let usable_until = now + self.settings.expiry_margin;
        // A file whose URLs have all expired, or whose host is busy, gives nothing.
        let order: Vec<_> = self.send_turn.order(&self.index.send).collect();
        for id in order {
            let action = self.touch(id, |machine, file| {
                if no_large && file.parts.plan().is_multipart() {
                    return None;
                }
                let job = JobId(machine.next_job);
                let jobs = &machine.jobs;
                let most = machine.settings.connections_per_host as usize;
                let has_room = |host| {
                    jobs.values().filter(|job| matches!(job, Job::Put(_, _, at) if *at == host)).count()
                        < most
                };
                let ToSend { part, range, put, host } =
                    file.parts.start_put(job, now, usable_until, has_room)?;
                machine.begin(Job::Put(id, part, host));
                if let Some(cap) = &mut machine.cap {
                    cap.take(range.len(), now);
                }
                Some(Action::Put { job, file: id, range, put })
            });
            if let Some(Some(action)) = action {
                self.send_turn.served(id);
                return Some(action);
            }
        }
        None
    }

    fn poll_hash(&mut self) -> Option<Action> {
        if self.count_jobs(|job| matches!(job, Job::Hash(..) | Job::Check(_)))
            >= self.settings.hash_concurrency
        {
            return None;
        }
        let ahead = self.index.ahead < self.settings.ahead;
        let gathering = self.index.batchable.len() < MAX_FILES_PER_CREATE;
        let id = self
            .hash_turn
            .order(&self.index.hash)
            .find(|id| if self.index.queued.contains(id) { gathering } else { ahead })?;
        self.hash_turn.served(id);
        self.touch(id, |machine, file| {
            let kind = file.parts.checksum_kind();
            if let Phase::Checking { range, stored, asked, .. } = &mut file.phase {
                *asked = true;
                let job = machine.begin(Job::Check(id));
                return Some(Action::Hash { job, file: id, range: *range, kind: stored.kind() });
            }
            let (part, range) = file.parts.start_hash()?;
            let job = machine.begin(Job::Hash(id, part));
            Some(Action::Hash { job, file: id, range, kind })
        })?
    }

    fn poll_create(&mut self, now: Time) -> Option<Action> {
        let room = self.settings.open_files.saturating_sub(self.index.open) as usize;
        let room = room.min(self.most.created);
        let (ready, queued) = (self.index.batchable.len(), self.index.queued.len());
        // Two rounds for all connections are on their way or could be.
        let enough = 2 * self.flow.limit() as usize;
        let has_time = self.count_puts() as usize + self.index.send.iter().take(enough).count() >= enough;
        let waiting = Waiting { ready, queued, room, has_time };
        if !self.batch.is_due(waiting, self.settings.batch_linger, now) {
            return None;
        }
        let files: Vec<_> = self.index.batchable.iter().copied().take(room).collect();
        for &id in &files {
            self.touch(id, |machine, file| {
                file.phase = Phase::Creating(Wish::Upload);
                file.creation.get_or_insert_with(|| machine.creation_id());
            });
        }
        self.batch = Batch::Asked { files, create: Retried::new() };
        self.poll_call(now)
    }

    pub(super) fn count_puts(&self) -> u32 {
        self.count_jobs(|job| matches!(job, Job::Put(..)))
    }
}
