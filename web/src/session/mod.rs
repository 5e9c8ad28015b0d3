//! What an uploader does, without a browser: the upload machine, the journal around it, and what the page is told.
//!
//! Methods are of four kinds, as the machine's are: commands, `handle_*` for what came of effects, `poll_*` for what to do and
//! to tell next, and getters. After every command and every `handle_*`, call [`Session::poll_effect`] until it gives nothing,
//! then [`Session::poll_event`] likewise, then wait for an outcome or until [`Session::poll_timeout`], when
//! [`Session::handle_timeout`] is due.

mod entry;
mod keeper;
mod offers;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};

use partway_shared::checksum::Checksum;
use partway_shared::error::ErrorCode;
use partway_shared::part::ETag;
use partway_shared::time::Time;
use partway_shared::transfer::{Failure, FileId, JobId, SourceFailure, TransferError};
use partway_shared::upload::{
    Action, ControlReply, Event as MachineEvent, FileInfo, InFlight, Settings, State, Status, Uploader,
};
use partway_shared::wire::{CreateCopy, CreationId};
use partway_web_io::options::error_of;
use partway_web_io::reports::Reports;

pub(crate) use entry::{Entry, Record};

use keeper::Keeper;
use offers::Offers;

/// How a session behaves.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Partway's server, without a slash at its end.
    pub(crate) endpoint: String,
    pub(crate) settings: Settings,
    /// Whether uploads are to go on after a reload.
    pub(crate) journal: bool,
    /// What time it was when the session's own time began, in milliseconds since 1970.
    pub(crate) epoch: u64,
}

/// A file to upload, under an id that the page has given it.
#[derive(Clone, Debug)]
pub(crate) struct NewFile {
    pub(crate) id: FileId,
    pub(crate) info: FileInfo,
}

/// Something to do.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Work of the machine's.
    Work(Action),
    /// Let go of a file, of which nothing is read any more, and of its lock.
    DropFile(FileId),
    /// Take a lock unless another tab holds it, then [`Session::handle_locked`].
    Lock(Holder, String),
    /// Release a lock, also one that is not granted yet.
    Unlock(Holder),
    /// Open the journal, then [`Session::handle_journal_opened`].
    OpenJournal,
    /// Read the journal and which locks are held, then [`Session::handle_journal_read`], or
    /// [`Session::handle_journal_failed`].
    ReadJournal,
    /// Write a record under a key, with the file's handle if it has one, then [`Session::handle_journal_written`].
    WriteRecord { file: FileId, key: String, record: Box<Record> },
    /// Remove a record, then [`Session::handle_journal_written`].
    RemoveRecord(String),
    /// Remove records, then release a lock.
    ForgetRecords { keys: Vec<String>, holder: Option<Holder> },
    /// Ask the server who asks, then [`Session::handle_caller`].
    AskCaller,
    /// Abort an upload that is not the machine's, then [`Session::handle_discarded`].
    Discard { id: CreationId, token: String },
}

/// What a lock is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holder {
    /// An upload of this page.
    File(FileId),
    /// An upload of the journal that is being discarded.
    Discarded(CreationId),
}

/// Something to tell the page.
#[derive(Debug)]
pub(crate) enum Event {
    /// The states of these changed.
    State(BTreeSet<FileId>),
    /// Bytes of these have left, or should have.
    Progress(BTreeSet<FileId>),
    /// A command on an upload was carried out; the events before this one are older.
    Done(FileId),
    /// These files are not taken.
    Refused(Vec<FileId>, TransferError),
    /// What can be resumed, and how many more entries of the journal cannot be read.
    Resumable(Vec<Entry>, u32),
    /// Something that a developer should know of, and that stops nothing.
    Warning(&'static str, &'static str),
}

/// An uploader's session with its server.
pub(crate) struct Session {
    machine: Uploader,
    endpoint: String,
    epoch: u64,
    keeper: Keeper,
    offers: Offers,
    reports: Reports,
    effects: VecDeque<Effect>,
    events: VecDeque<Event>,
}

impl Session {
    /// Creates a session without files. The seed decides the names of creations and the jitter of retries.
    pub(crate) fn new(options: Options, seed: u64, is_online: bool) -> Self {
        let Options { endpoint, settings, journal, epoch } = options;
        let mut machine = Uploader::new(Settings { epoch: Some(epoch), ..settings }, seed);
        machine.handle_connectivity(is_online);
        Self {
            machine,
            endpoint,
            epoch,
            keeper: Keeper::default(),
            offers: Offers::default(),
            reports: Reports::default(),
            effects: journal.then_some(Effect::OpenJournal).into_iter().collect(),
            events: VecDeque::new(),
        }
    }

    // Getters.

    /// Returns a snapshot of one upload.
    pub(crate) fn status(&self, id: FileId, now: Time) -> Option<Status<'_>> {
        self.machine.status(id, now)
    }

    /// Returns a moment as milliseconds since 1970.
    pub(crate) const fn date(&self, time: Time) -> u64 {
        self.epoch.saturating_add(time.as_millis())
    }

    // Commands.

    /// Takes files as one batch: all of them, or none.
    pub(crate) fn add(&mut self, files: Vec<NewFile>) {
        // What is handed over twice is one file.
        let files: Vec<_> = files.into_iter().filter(|file| self.machine.info(file.id).is_none()).collect();
        let ids: Vec<_> = files.iter().map(|file| file.id).collect();
        let mut taken = Vec::new();
        for NewFile { id, info } in files {
            if let Err(error) = self.machine.add_as(id, info) {
                // Nothing was begun for the others yet, and nothing will be told of them.
                for id in taken {
                    self.machine.cancel(id);
                    self.machine.remove(id);
                }
                self.refuse(ids, error_of(ErrorCode::FileTooLarge, &error.to_string(), None));
                return;
            }
            taken.push(id);
        }
    }

    /// Takes an object to copy.
    pub(crate) fn copy(&mut self, id: FileId, copy: CreateCopy) {
        self.machine.add_copy_as(id, copy);
    }

    /// Halts an upload. Parts that are on their way are abandoned, or sent to their end.
    pub(crate) fn pause(&mut self, id: FileId, in_flight: InFlight, now: Time) {
        self.machine.pause(id, in_flight);
        self.confirm(id, now);
    }

    /// Goes on with a paused upload.
    pub(crate) fn resume(&mut self, id: FileId, now: Time) {
        self.machine.resume(id);
        self.confirm(id, now);
    }

    /// Aborts an upload, and removes what is stored of it.
    pub(crate) fn cancel(&mut self, id: FileId, now: Time) {
        self.machine.cancel(id);
        self.confirm(id, now);
    }

    /// Goes on with a failed upload from what is stored.
    pub(crate) fn retry(&mut self, id: FileId, now: Time) {
        self.machine.retry(id);
        self.confirm(id, now);
    }

    /// Forgets an upload that has ended.
    pub(crate) fn remove(&mut self, id: FileId) {
        if self.machine.remove(id) || self.machine.info(id).is_none() {
            self.keeper.release(id);
            self.drop_file(id);
        }
    }

    /// Looks anew what can be resumed; and where there is a network, goes on at once with what waits for it. The page
    /// can be seen again, perhaps after a sleep.
    pub(crate) fn wake(&mut self, is_online: bool, now: Time) {
        if is_online {
            self.machine.handle_connectivity(true);
            self.machine.handle_wake(now);
        }
        self.read_journal();
    }

    // Outcomes.

    /// Takes in whether there is a network.
    pub(crate) fn handle_connectivity(&mut self, is_online: bool) {
        self.machine.handle_connectivity(is_online);
    }

    /// Takes in a part's checksum.
    pub(crate) fn handle_hash_done(&mut self, job: JobId, outcome: Result<Checksum, SourceFailure>) {
        self.machine.handle_hash_done(job, outcome);
    }

    /// Takes in what the server answered.
    pub(crate) fn handle_call_done(&mut self, job: JobId, outcome: Result<ControlReply, Failure>, now: Time) {
        if let Ok(ControlReply::Created(created)) = &outcome {
            self.meet(&created.owner, now);
        }
        self.machine.handle_call_done(job, outcome, now);
    }

    /// Takes in how many bytes of a PUT have left so far.
    pub(crate) fn handle_put_progress(&mut self, job: JobId, sent: u64, now: Time) {
        self.machine.handle_put_progress(job, sent, now);
    }

    /// Takes in how a PUT ended: the ETag of a 2xx, if the header could be read.
    pub(crate) fn handle_put_done(&mut self, job: JobId, outcome: Result<Option<ETag>, Failure>, now: Time) {
        self.machine.handle_put_done(job, outcome, now);
    }

    /// Takes in whether a lock was granted.
    pub(crate) fn handle_locked(&mut self, holder: Holder, is_granted: bool) {
        match holder {
            Holder::File(id) => self.taken_up_locked(id, is_granted),
            Holder::Discarded(id) => self.discarded_locked(id, is_granted),
        }
    }

    /// Takes in that time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Time) {
        let is_due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        if is_due(self.machine.poll_timeout()) {
            self.machine.handle_timeout(now);
        }
        if is_due(self.reports.due_at()) {
            self.report_progress(now);
        }
        if is_due(self.keeper.due_at()) {
            self.write_journal(now);
        }
        if is_due(self.offers.due_at()) {
            self.read_journal();
        }
    }

    // What to do and to tell next.

    /// Returns the next thing to do.
    pub(crate) fn poll_effect(&mut self, now: Time) -> Option<Effect> {
        if let Some(effect) = self.effects.pop_front() {
            return Some(effect);
        }
        if let Some(action) = self.machine.poll_action(now) {
            return Some(Effect::Work(action));
        }
        // What the machine tells can lead to something to do.
        self.gather_events(now);
        self.effects.pop_front()
    }

    /// Returns the next thing to tell.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due, if nothing happens before.
    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        let times =
            [self.machine.poll_timeout(), self.reports.due_at(), self.keeper.due_at(), self.offers.due_at()];
        times.into_iter().flatten().min()
    }

    // Bookkeeping.

    /// Tells that a command was carried out, after what it has led to.
    fn confirm(&mut self, id: FileId, now: Time) {
        self.gather_events(now);
        self.events.push_back(Event::Done(id));
    }

    /// Tells of new states at once, and of progress when its time has come.
    fn gather_events(&mut self, now: Time) {
        let mut changed = BTreeSet::new();
        while let Some(event) = self.machine.poll_event() {
            match event {
                MachineEvent::State(id, _) => {
                    changed.insert(id);
                }
                MachineEvent::Progress(id) => self.reports.note(id),
                MachineEvent::Journal(id) => self.keep(id, now),
                MachineEvent::Foreign(id) => self.leave(id),
            }
        }
        changed.retain(|&id| self.machine.info(id).is_some());
        if !changed.is_empty() {
            self.events.push_back(Event::State(changed));
        }
    }

    /// Reports what has moved; where nothing has for a while, what should have.
    fn report_progress(&mut self, now: Time) {
        let machine = &self.machine;
        let is_under_way = |id| {
            let state = machine.status(id, now).map(|status| status.state);
            matches!(state, Some(State::Uploading | State::Finishing | State::Cancelling))
        };
        if let Some(moved) = self.reports.take(machine.files().map(|id| (id, is_under_way(id))), now) {
            self.events.push_back(Event::Progress(moved));
        }
    }

    fn refuse(&mut self, ids: Vec<FileId>, error: TransferError) {
        for &id in &ids {
            self.drop_file(id);
        }
        self.events.push_back(Event::Refused(ids, error));
    }

    fn drop_file(&mut self, id: FileId) {
        self.effects.push_back(Effect::DropFile(id));
    }
}
