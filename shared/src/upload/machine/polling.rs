//! What to do next.

use super::{Core, Event, Job, Uploader};
use crate::limits::MAX_FILES_PER_CREATE;
use crate::time::{Time, earliest};
use crate::transfer::{Cap, Retried};
use crate::upload::action::{Action, ControlCall};
use crate::upload::batch::{Batch, Waiting};
use crate::upload::file::{Intent, Phase};
use crate::upload::parts::{ToHash, ToSend};
use crate::wire::{AbortUpload, CompleteUploads, CreateUploads, ListParts, SignParts};

impl Uploader {
    /// The next piece of work, if there is one.
    pub fn poll_action(&mut self, now: Time) -> Option<Action> {
        self.core.polled_at = now;
        if let Some(job) = self.core.jobs.next_stop() {
            return Some(Action::Stop { job });
        }
        if let Some((file, range)) = self.core.releases.pop_front() {
            return Some(Action::Release { file, range });
        }
        if !self.core.online {
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
        self.core.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, unless an outcome comes before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let cap =
            self.core.cap.as_ref().filter(|_| self.core.online && self.core.index.send.first().is_some());
        let cap = cap.filter(|_| self.core.count_puts() < self.core.flow.limit());
        // Once it is free, it is something else that is waited for.
        let cap = cap.map(Cap::free_at).filter(|&at| at > self.core.polled_at);
        earliest(earliest(self.core.index.deadlines.next(), self.core.batch.deadline()), cap)
    }

    fn poll_call(&mut self, now: Time) -> Option<Action> {
        let is_call = |job: Job| matches!(job, Job::Call(_) | Job::Create | Job::Complete);
        if self.core.jobs.count(is_call) >= self.core.settings.call_concurrency {
            return None;
        }
        if let Batch::Asked { files, create } = &mut self.core.batch
            && create.is_due()
        {
            let files = files.iter().filter_map(|id| self.files.get(id));
            let files = files.map(|file| file.to_wire()).collect();
            let call = ControlCall::Create(CreateUploads { files });
            create.start(self.core.settings.call_timeout, now);
            let job = self.core.jobs.begin(Job::Create);
            return Some(Action::Call { job, call });
        }
        if let Some(action) = self.poll_completions(now) {
            return Some(action);
        }
        let has_room = self.core.index.open < self.core.settings.open_files;
        let is_queued = |id| self.file(id).is_some_and(|file| matches!(file.phase, Phase::Queued));
        let id = self.core.call_turn.order(&self.core.index.call).find(|&id| has_room || !is_queued(id))?;
        self.core.call_turn.served(id);
        self.touch(id, |core, file| {
            if let Some(action) = core.ask_for_copy(id, file, now) {
                return Some(action);
            }
            let token = file.grant()?.token.clone();
            let job = core.jobs.begin(Job::Call(id));
            let call = match &file.phase {
                Phase::Uploading { .. } if file.parts.start_ask(job) => {
                    ControlCall::List(ListParts { token })
                }
                Phase::Uploading { .. } => {
                    let (parts, strategy) = file.parts.start_sign(job, core.request_limits.signed);
                    ControlCall::Sign(SignParts { token, parts, strategy })
                }
                Phase::Listing { .. } => ControlCall::List(ListParts { token }),
                Phase::Completing { .. } => {
                    ControlCall::Complete(CompleteUploads { uploads: vec![file.to_complete()?] })
                }
                _ => ControlCall::Abort(AbortUpload { token }),
            };
            let timeout = match &file.phase {
                Phase::Completing { .. } => core.settings.complete_timeout,
                _ => core.settings.call_timeout,
            };
            file.call_mut()?.start(timeout, now);
            Some(Action::Call { job, call })
        })?
    }

    fn poll_put(&mut self, now: Time) -> Option<Action> {
        let puts = self.core.count_puts();
        if puts >= self.core.flow.limit() || self.core.cap.as_ref().is_some_and(|cap| !cap.allows(now)) {
            return None;
        }
        let no_large = puts >= self.core.flow.large_limit();
        let usable_until = now + self.core.settings.expiry_margin;
        // A file whose URLs have all expired, or whose host is busy, gives nothing.
        let order: Vec<_> = self.core.send_turn.order(&self.core.index.send).collect();
        for id in order {
            let action = self.touch(id, |core, file| {
                let is_copy = file.copy.is_some();
                if no_large && !is_copy && file.parts.plan().is_multipart() {
                    return None;
                }
                let job = core.jobs.next_id();
                let jobs = &core.jobs;
                let per_host = core.settings.connections_per_host;
                let has_room =
                    |host| jobs.count(|job| matches!(job, Job::Put(_, _, at) if at == host)) < per_host;
                let ToSend { part, range, put, host } =
                    file.parts.start_put(job, now, usable_until, has_room)?;
                core.jobs.begin(Job::Put(id, part, host));
                if is_copy {
                    return Some(Action::Copy { job, put });
                }
                if let Some(cap) = &mut core.cap {
                    cap.take(range.len(), now);
                }
                Some(Action::Put { job, file: id, range, put })
            });
            if let Some(Some(action)) = action {
                self.core.send_turn.served(id);
                return Some(action);
            }
        }
        None
    }

    fn poll_hash(&mut self) -> Option<Action> {
        if self.core.jobs.count(|job| matches!(job, Job::Hash(..) | Job::Check(_)))
            >= self.core.settings.hash_concurrency
        {
            return None;
        }
        let ahead = self.core.index.ahead < self.core.settings.ahead;
        let gathering = self.core.index.batchable.len() < MAX_FILES_PER_CREATE;
        let id = self
            .core
            .hash_turn
            .order(&self.core.index.hash)
            .find(|id| if self.core.index.queued.contains(id) { gathering } else { ahead })?;
        self.core.hash_turn.served(id);
        self.touch(id, |core, file| {
            let kind = file.parts.checksum_kind();
            if let Phase::Checking { range, stored, asked, .. } = &mut file.phase {
                *asked = true;
                let job = core.jobs.begin(Job::Check(id));
                return Some(Action::Hash { job, file: id, range: *range, kind: stored.kind() });
            }
            let ToHash { part, range, is_unread } = file.parts.start_hash(core.settings.stream_window)?;
            let job = core.jobs.begin(Job::Hash(id, part));
            Some(if is_unread {
                Action::Read { job, file: id, range, kind }
            } else {
                Action::Hash { job, file: id, range, kind }
            })
        })?
    }

    fn poll_create(&mut self, now: Time) -> Option<Action> {
        let room = self.core.settings.open_files.saturating_sub(self.core.index.open) as usize;
        let room = room.min(self.core.request_limits.created);
        let (ready, queued) = (self.core.index.batchable.len(), self.core.index.queued.len());
        // Two rounds for all connections are on their way or could be.
        let enough = 2 * self.core.flow.limit() as usize;
        let has_time =
            self.core.count_puts() as usize + self.core.index.send.iter().take(enough).count() >= enough;
        let waiting = Waiting { ready, queued, room, has_time };
        if !self.core.batch.is_due(waiting, self.core.settings.batch_linger, now) {
            return None;
        }
        let files: Vec<_> = self.core.index.batchable.iter().copied().take(room).collect();
        for &id in &files {
            self.touch(id, |core, file| {
                file.phase = Phase::Creating(Intent::Upload);
                file.creation.get_or_insert_with(|| core.creation_id());
            });
        }
        self.core.batch = Batch::Asked { files, create: Retried::new() };
        self.poll_call(now)
    }
}

impl Core {
    pub(super) fn count_puts(&self) -> u32 {
        self.jobs.count(|job| matches!(job, Job::Put(..)))
    }
}
