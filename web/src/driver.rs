//! Runs the machine: hands out what it asks for as messages, and feeds it what came of that.
//!
//! It reads no clock and starts nothing: the host does what a message says, and answers by another one.

use std::collections::VecDeque;
use std::time::Duration;

use partway_shared::checksum::PartHasher;
use partway_shared::error::ErrorCode;
use partway_shared::part::{ByteRange, ETag};
use partway_shared::sorted::{SortedMap, SortedSet};
use partway_shared::time::Time;
use partway_shared::upload::{
    Action, ControlReply, Event, Failure, FileId, InFlight, JobId, State, Uploader,
};
use partway_shared::wire::SignedPut;

use crate::control::{self, Expected, Request};
use crate::json::{Fields, Json, Raw, ToJson};
use crate::keeper::Keeper;
use crate::offers::Offers;
use crate::options::{self, Options};
use crate::report;

/// Between reports of progress. More often is not seen, and each costs the page a task.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// After this a speed is told again even if nothing moves, so that it is seen to sink.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The machine and everything under way for it.
pub(crate) struct Driver {
    pub(crate) machine: Uploader,
    pub(crate) endpoint: String,
    pub(crate) keeper: Keeper,
    pub(crate) offers: Offers,
    jobs: SortedMap<JobId, Job>,
    /// What the host has not been given yet.
    pub(crate) outbox: VecDeque<Raw>,
    /// What has moved since progress was told.
    moved: SortedSet<FileId>,
    progress_told: Time,
    progress_at: Option<Time>,
}

/// Work under way that more has to be known of than its name.
enum Job {
    Hash(PartHasher),
    Call(Expected),
}

impl Driver {
    pub(crate) fn new(options: Options, seed: u64, is_online: bool) -> Self {
        let mut driver = Self {
            machine: Uploader::new(options.settings, seed),
            endpoint: options.endpoint,
            keeper: Keeper::default(),
            offers: Offers::default(),
            jobs: SortedMap::new(),
            outbox: VecDeque::new(),
            moved: SortedSet::new(),
            progress_told: Time::default(),
            progress_at: None,
        };
        driver.machine.handle_connectivity(is_online);
        driver.say(report::event("opened", |fields| fields));
        if options.journal {
            driver.say(work("openJournal", |fields| fields));
        }
        driver
    }

    /// Takes a message: a command of the page's, or what came of work.
    pub(crate) fn handle(&mut self, message: Json<'_>, now: Time) {
        let part = |place| message.item(place).unwrap_or(Json::new("null"));
        let (name, first, second) = (part(0).as_text().unwrap_or_default(), part(1), part(2));
        let subject = first.as_number().unwrap_or_default();
        let (id, job) = (FileId(subject as u32), JobId(subject));
        match name.as_str() {
            "add" => self.add(first),
            "takeUp" => self.take_up(first, second.as_text().unwrap_or_default()),
            "discard" => self.discard(&first.as_text().unwrap_or_default()),
            "connectivity" => self.machine.handle_connectivity(first.is_truthy()),
            "wake" => {
                if first.is_truthy() {
                    self.machine.handle_connectivity(true);
                    self.machine.handle_wake(now);
                }
                self.offer();
            }
            "pause" => {
                let in_flight = if second.is_truthy() { InFlight::Finish } else { InFlight::Abandon };
                self.machine.pause(id, in_flight);
                self.answer(id, now);
            }
            "resume" => {
                self.machine.resume(id);
                self.answer(id, now);
            }
            "cancel" => {
                self.machine.cancel(id);
                self.answer(id, now);
            }
            "retry" => {
                self.machine.retry(id);
                self.answer(id, now);
            }
            "remove" => self.forget(id),
            "hashed" => self.hashed(job, second),
            "called" => {
                if let Some(Job::Call(expected)) = self.jobs.remove(job) {
                    let reply = control::reply(expected, second);
                    if let Ok(ControlReply::Created(created)) = &reply {
                        self.meet(&created.owner, now);
                    }
                    self.machine.handle_call_done(job, reply, now);
                }
            }
            "sent" => self.machine.handle_put_done(job, put_outcome(second), now),
            "locked" => match first.as_text() {
                Some(discarded) => self.discard_locked(&discarded, second.is_truthy()),
                None => self.locked(id, second.is_truthy()),
            },
            "journal" => self.journal_opened(first.is_truthy(), now),
            "written" => self.written(first.is_truthy(), now),
            "found" => self.found(first, second, now),
            "caller" => self.caller_answered(second, now),
            "discarded" => self.discarded(&first.as_text().unwrap_or_default(), second),
            _ => {}
        }
    }

    /// Takes the next bytes of what is being hashed.
    pub(crate) fn hash(&mut self, job: JobId, bytes: &[u8]) {
        if let Some(Job::Hash(hasher)) = self.jobs.get_mut(job) {
            hasher.update(bytes);
        }
    }

    /// The next message for the host, if there is one.
    pub(crate) fn poll(&mut self, now: Time) -> Option<Raw> {
        if self.outbox.is_empty() {
            self.do_what_is_due(now);
        }
        if let Some(message) = self.outbox.pop_front() {
            return Some(message);
        }
        while let Some(action) = self.machine.poll_action(now) {
            if let Some(message) = self.start(action) {
                return Some(message);
            }
        }
        self.report(now);
        self.outbox.pop_front()
    }

    /// When to poll again, if nothing happens before.
    pub(crate) fn timeout(&self) -> Option<Time> {
        let kept = [self.keeper.due_at(), self.offers.due_at()];
        let times = [self.machine.poll_timeout(), self.progress_at].into_iter().chain(kept);
        times.flatten().min()
    }

    pub(crate) fn say(&mut self, message: Raw) {
        self.outbox.push_back(message);
    }

    fn do_what_is_due(&mut self, now: Time) {
        let is_due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        if is_due(self.machine.poll_timeout()) {
            self.machine.handle_timeout(now);
        }
        if is_due(self.progress_at) {
            self.progress_at = None;
            self.tell_progress(now);
        }
        if is_due(self.keeper.due_at()) {
            self.write_journal(now);
        }
        if is_due(self.offers.due_at()) {
            self.offer();
        }
    }

    // Commands.

    /// Takes files as one batch.
    fn add(&mut self, entries: Json<'_>) {
        let mut ids = Vec::new();
        let mut refusal = None;
        for entry in entries.items() {
            ids.extend(entry.number("id").map(|id| FileId(id as u32)));
            let added = options::entry(entry).and_then(|entry| {
                // What is handed over twice is one file.
                if self.machine.info(entry.id).is_some() {
                    return Ok(());
                }
                let added = self.machine.add_as(entry.id, entry.info);
                added.map_err(|error| report::error(ErrorCode::FileTooLarge, &error.message(), None))
            });
            refusal = refusal.or(added.err());
        }
        if let Some(error) = refusal {
            // Nothing was begun for them yet, and nothing will be told of them.
            for &id in &ids {
                self.machine.cancel(id);
                self.forget(id);
            }
            self.say(report::refused(&ids, &error));
        }
    }

    fn forget(&mut self, id: FileId) {
        if self.machine.remove(id) || self.machine.info(id).is_none() {
            self.keeper.release(id);
            self.drop_file(id);
        }
    }

    /// The host need not hold on to a file any longer.
    pub(crate) fn drop_file(&mut self, id: FileId) {
        self.say(work("drop", |fields| fields.field("file", &id)));
    }

    /// A command on an upload was carried out.
    fn answer(&mut self, id: FileId, now: Time) {
        // What it has led to is told before.
        self.report(now);
        let status = self.machine.status(id, now).map(|status| (id, status));
        let message =
            report::event("done", |fields| fields.field("id", &id).field_if_any("status", status.as_ref()));
        self.say(message);
    }

    // Work.

    fn start(&mut self, action: Action) -> Option<Raw> {
        Some(match action {
            Action::Hash { job, file, range, kind } => {
                self.jobs.insert(job, Job::Hash(PartHasher::new(kind)?));
                work("hash", |fields| slice(fields, job, file, range))
            }
            Action::Call { job, call } => {
                let Request { path, body, expected } = Request::of(&call);
                self.jobs.insert(job, Job::Call(expected));
                work("call", |fields| fields.field("job", &job).field("path", path).field("body", &body))
            }
            Action::Put { job, file, range, put } => {
                let SignedPut { url, headers, form, .. } = put;
                work("put", |fields| {
                    let fields = slice(fields, job, file, range).field("url", &url);
                    fields.field("headers", &headers).field_if_any("form", form.as_ref())
                })
            }
            Action::Stop { job } => {
                self.jobs.remove(job);
                work("stop", |fields| fields.field("job", &job))
            }
        })
    }

    fn hashed(&mut self, job: JobId, outcome: Json<'_>) {
        if let Some(Job::Hash(hasher)) = self.jobs.remove(job) {
            // Whatever does not say that all bytes were read has failed, or a checksum of half a part would be signed.
            let is_whole = outcome.field("whole").is_some_and(Json::is_truthy);
            let failure = control::source_failure(&outcome.text("failure").unwrap_or_default());
            self.machine.handle_hash_done(job, if is_whole { Ok(hasher.finish()) } else { Err(failure) });
        }
    }

    // Reports.

    /// Tells of new states at once, and of progress when its time has come.
    fn report(&mut self, now: Time) {
        let mut changed = SortedSet::new();
        while let Some(event) = self.machine.poll_event() {
            match event {
                Event::State(id, _) => changed.insert(id),
                Event::Progress(id) => self.moved.insert(id),
                Event::Journal(id) => self.keep(id, now),
                Event::Foreign(id) => self.leave(id),
            }
        }
        if !self.moved.is_empty() {
            self.tell_progress_at(self.progress_told + PROGRESS_INTERVAL);
        }
        self.tell("state", &changed, now);
    }

    fn tell_progress(&mut self, now: Time) {
        let mut moved = std::mem::take(&mut self.moved);
        if moved.is_empty() {
            // Nothing has moved for a while, which is to be told as well.
            let is_under_way = |id: &FileId| {
                self.machine.status(*id, now).is_some_and(|status| {
                    matches!(status.state, State::Uploading | State::Finishing | State::Cancelling)
                })
            };
            moved = self.machine.files().filter(is_under_way).collect();
        }
        if !moved.is_empty() {
            self.progress_told = now;
            self.tell_progress_at(now + HEARTBEAT);
            self.tell("progress", &moved, now);
        }
    }

    fn tell_progress_at(&mut self, at: Time) {
        self.progress_at = Some(self.progress_at.map_or(at, |due| due.min(at)));
    }

    /// Tells of uploads, with the status of each.
    fn tell(&mut self, kind: &str, about: &SortedSet<FileId>, now: Time) {
        let mut known = about.iter().filter_map(|id| Some((id, self.machine.status(id, now)?))).peekable();
        if known.peek().is_some() {
            let statuses = Raw::list(known);
            self.say(report::event(kind, |fields| fields.field("statuses", &statuses)));
        }
    }
}

/// What the host is asked to do.
pub(crate) fn work(what: &str, write: impl for<'a> FnOnce(Fields<'a>) -> Fields<'a>) -> Raw {
    Raw::object(|fields| write(fields.field("do", what)))
}

fn slice(fields: Fields<'_>, job: JobId, file: FileId, range: ByteRange) -> Fields<'_> {
    fields.field("job", &job).field("file", &file).field("start", &range.start).field("end", &range.end)
}

/// What came of a PUT: `{ status, etag }` or `{ status, code, detail, retryAfter }`, or `{ failure, detail }`.
fn put_outcome(outcome: Json<'_>) -> Result<Option<ETag>, Failure> {
    let status = control::status(outcome)?;
    if (200..300).contains(&status) {
        return Ok(outcome.text("etag").map(ETag::from));
    }
    Err(Failure::Status {
        status,
        code: outcome.text("code"),
        detail: outcome.text("detail").unwrap_or_default(),
        field: None,
        retry_after: control::retry_after(outcome),
    })
}

impl ToJson for JobId {
    fn write(&self, to: &mut String) {
        self.0.write(to);
    }
}

#[cfg(test)]
mod tests;
