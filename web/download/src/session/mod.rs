//! What an engine does, without a browser: the download machine, what ends outside of it, and what the page is told.
//!
//! Methods are of the machine's kinds. After every command and every `handle_*`, call [`Session::poll_action`] until it gives
//! nothing, then [`Session::poll_event`] likewise, then wait for an outcome or until [`Session::poll_timeout`], when
//! [`Session::handle_timeout`] is due.

mod advice;
mod record;

use std::collections::{BTreeSet, VecDeque};

use litemap::LiteMap;
use partway_shared::checksum::ChecksumKind;
use partway_shared::download::{
    Action, Downloaded, Downloader, Event as MachineEvent, Head, NewDownload, Partial, Settings, State,
    Status,
};
use partway_shared::time::Time;
use partway_shared::transfer::{Failure, FileId, JobId, TransferError};
use partway_shared::wire::SignedObjects;
use partway_web_io::reports::Reports;

#[cfg(target_family = "wasm")]
pub(crate) use advice::advice;
#[cfg(target_family = "wasm")]
pub(crate) use record::{Found, Record};

/// Something to tell or to keep.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The states of these changed.
    State(BTreeSet<FileId>),
    /// Bytes of these have come, or should have.
    Progress(BTreeSet<FileId>),
    /// A command on a download was carried out; the events before this one are older.
    Done(FileId),
    /// What a journal has to keep of it has changed.
    Journal(FileId),
}

/// How a download ended outside of the machine, which has given it up.
#[derive(Debug)]
enum Settled {
    /// The browser downloads it.
    HandedOver,
    /// It cannot go where it should.
    Refused(TransferError),
}

/// What is shown of a download.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) state: State,
    pub(crate) status: Status<'a>,
    pub(crate) result: Option<Downloaded>,
    pub(crate) error: Option<&'a TransferError>,
}

/// Bytes for a sink: where they belong, and which of the bytes that were offered they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// From the beginning of the object.
    pub(crate) offset: u64,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Taken {
    /// Adds it to others, as a part of the last where it goes on there.
    pub(crate) fn join(self, all: &mut Vec<Self>) {
        match all.last_mut() {
            Some(last)
                if last.end == self.start
                    && last.offset + u64::from(last.end - last.start) == self.offset =>
            {
                last.end = self.end;
            }
            _ => all.push(self),
        }
    }
}

/// A downloader's session with its server.
#[derive(Debug)]
pub(crate) struct Session {
    machine: Downloader,
    settled: LiteMap<FileId, Settled>,
    reports: Reports,
    events: VecDeque<Event>,
}

impl Session {
    /// Creates a session without downloads. The seed decides the jitter of retries.
    pub(crate) fn new(settings: Settings, seed: u64, is_online: bool) -> Self {
        let mut machine = Downloader::new(settings, seed);
        machine.handle_connectivity(is_online);
        Self { machine, settled: LiteMap::new(), reports: Reports::default(), events: VecDeque::new() }
    }

    // Getters.

    /// Returns what is shown of a download.
    pub(crate) fn shown(&self, id: FileId, now: Time) -> Option<Shown<'_>> {
        let status = self.machine.status(id, now)?;
        let handed_over = Downloaded { verified: ChecksumKind::None, checksum: None };
        let (state, result, error) = match self.settled.get(&id) {
            None => (status.state, status.result, status.error),
            Some(Settled::HandedOver) => (State::Completed, Some(handed_over), None),
            Some(Settled::Refused(error)) => (State::Failed, None, Some(error)),
        };
        Some(Shown { state, status, result, error })
    }

    /// Returns whether a download is known.
    pub(crate) fn has(&self, id: FileId) -> bool {
        self.machine.wanted(id).is_some()
    }

    /// Returns what has to be kept of a download.
    pub(crate) fn partial(&self, id: FileId) -> Option<Partial> {
        self.machine.partial(id)
    }

    // Commands.

    /// Takes an object to download, and goes on from what is there of it.
    pub(crate) fn add(&mut self, id: FileId, wanted: NewDownload, kept: Option<Partial>) {
        match kept {
            _ if self.has(id) => {}
            Some(partial) => self.machine.restore_as(id, wanted, partial),
            None => self.machine.add_as(id, wanted),
        }
    }

    /// Halts a download.
    pub(crate) fn pause(&mut self, id: FileId) {
        self.machine.pause(id);
        self.confirm(id);
    }

    /// Goes on with a paused download.
    pub(crate) fn resume(&mut self, id: FileId) {
        self.machine.resume(id);
        self.confirm(id);
    }

    /// Gives a download up.
    pub(crate) fn cancel(&mut self, id: FileId) {
        if !matches!(self.settled.get(&id), Some(Settled::HandedOver)) {
            self.settled.remove(&id);
            self.machine.cancel(id);
        }
        self.confirm(id);
    }

    /// Goes on with a failed download.
    pub(crate) fn retry(&mut self, id: FileId) {
        self.machine.retry(id);
        self.confirm(id);
    }

    /// Tells that a command was carried out, after what it has led to.
    pub(crate) fn confirm(&mut self, id: FileId) {
        self.gather();
        self.events.push_back(Event::Done(id));
    }

    /// Forgets a download that has ended. Returns whether it had.
    pub(crate) fn remove(&mut self, id: FileId) -> bool {
        self.settled.remove(&id);
        self.machine.remove(id)
    }

    /// Goes on at once with what waits, where there is a network. The page can be seen again, perhaps after a sleep.
    pub(crate) fn wake(&mut self, is_online: bool, now: Time) {
        if is_online {
            self.machine.handle_connectivity(true);
            self.machine.handle_wake(now);
        }
    }

    /// Ends a download that the browser has taken over.
    pub(crate) fn hand_over(&mut self, id: FileId) {
        self.settled.insert(id, Settled::HandedOver);
        self.machine.cancel(id);
    }

    /// Ends a download that cannot go where it should.
    pub(crate) fn refuse(&mut self, id: FileId, error: TransferError) {
        self.settled.insert(id, Settled::Refused(error));
        self.machine.cancel(id);
    }

    // Outcomes.

    /// Takes in whether there is a network.
    pub(crate) fn handle_connectivity(&mut self, is_online: bool) {
        self.machine.handle_connectivity(is_online);
    }

    /// Takes in what the server answered.
    pub(crate) fn handle_call_done(
        &mut self,
        job: JobId,
        outcome: Result<SignedObjects, Failure>,
        now: Time,
    ) {
        self.machine.handle_call_done(job, outcome, now);
    }

    /// Takes in how the answer to a GET begins. Returns whether to read on.
    pub(crate) fn handle_get_head(&mut self, job: JobId, head: &Head, now: Time) -> bool {
        self.machine.handle_get_head(job, head, now)
    }

    /// Takes in bytes of an answer. Returns what the sink gets of them, and how many are used up.
    pub(crate) fn handle_get_data(&mut self, job: JobId, bytes: &[u8], now: Time) -> (Vec<Taken>, u32) {
        let mut rest = bytes;
        let mut all: Vec<Taken> = Vec::new();
        while let Some(piece) = self.machine.handle_get_data(job, &mut rest, now) {
            // It ends where what is left begins.
            let end = (bytes.len() - rest.len()) as u32;
            let start = end - piece.bytes.len() as u32;
            Taken { offset: piece.offset, start, end }.join(&mut all);
        }
        (all, (bytes.len() - rest.len()) as u32)
    }

    /// Takes in how a GET ended.
    pub(crate) fn handle_get_done(&mut self, job: JobId, outcome: Result<(), Failure>, now: Time) {
        self.machine.handle_get_done(job, outcome, now);
    }

    /// Takes in how far the consumer of a stream is.
    pub(crate) fn handle_taken(&mut self, id: FileId, up_to: u64, now: Time) {
        self.machine.handle_taken(id, up_to, now);
    }

    /// Takes in why something could not be written.
    pub(crate) fn handle_write_failed(&mut self, id: FileId, detail: &str) {
        self.machine.handle_write_failed(id, detail);
    }

    /// Takes in how the saving ended.
    pub(crate) fn handle_save_done(&mut self, job: JobId, outcome: Result<(), String>) {
        self.machine.handle_save_done(job, outcome);
    }

    /// Takes in that time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Time) {
        let is_due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        if is_due(self.machine.poll_timeout()) {
            self.machine.handle_timeout(now);
        }
        if is_due(self.reports.due_at()) {
            let machine = &self.machine;
            let is_under_way = |id| {
                let state = machine.status(id, now).map(|status| status.state);
                matches!(state, Some(State::Downloading | State::Saving))
            };
            let all = machine.files().map(|id| (id, is_under_way(id)));
            if let Some(moved) = self.reports.take(all, now) {
                self.events.push_back(Event::Progress(moved));
            }
        }
    }

    // What to do and to tell next.

    /// Returns the next piece of work.
    pub(crate) fn poll_action(&mut self, now: Time) -> Option<Action> {
        let action = self.machine.poll_action(now);
        if action.is_none() {
            self.gather();
        }
        action
    }

    /// Returns the next thing to tell or to keep.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due, if nothing happens before.
    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        [self.machine.poll_timeout(), self.reports.due_at()].into_iter().flatten().min()
    }

    /// Tells of new states at once, and of progress when its time has come.
    fn gather(&mut self) {
        let mut changed = BTreeSet::new();
        let mut journaled = BTreeSet::new();
        while let Some(event) = self.machine.poll_event() {
            match event {
                MachineEvent::State(id, _) => {
                    changed.insert(id);
                }
                MachineEvent::Progress(id) | MachineEvent::Restarted(id) => self.reports.note(id),
                MachineEvent::Journal(id) => {
                    journaled.insert(id);
                }
            }
        }
        self.events.extend(journaled.into_iter().map(Event::Journal));
        changed.retain(|&id| self.has(id));
        if !changed.is_empty() {
            self.events.push_back(Event::State(changed));
        }
    }
}

#[cfg(test)]
mod tests;
