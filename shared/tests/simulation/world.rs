//! The machine, a backend and a network between them, on a virtual clock.
//!
//! Everything random comes from one seed, so a run can be had again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use partway_shared::checksum::{Checksum, ChecksumKind};
use partway_shared::part::{ByteRange, ETag};
use partway_shared::time::Time;
use partway_shared::transfer::{Failure, FileId, JobId, SourceFailure};
use partway_shared::upload::{
    Action, ControlReply, Event, FileInfo, PartRead, Resumable, Settings, State, Uploader,
};
use partway_shared::wire::{CopyFrom, CreateCopy};

use crate::backend::{Backend, Object, checksum_of};
use crate::faults::Faults;
use crate::simulated::{Queue, refusal};

/// More steps than this for one run means that it goes round in circles.
const MAX_STEPS: u32 = 200_000;

pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) uploader: Uploader,
    pub(crate) backend: Backend,
    pub(crate) faults: Faults,
    /// Files that change at this time.
    pub(crate) changes: BTreeMap<FileId, Time>,
    pub(crate) online: bool,
    /// The most PUTs that were under way at once.
    pub(crate) peak: usize,
    /// What a browser would have written down, by the file's name.
    pub(crate) journal: BTreeMap<String, (FileInfo, Resumable)>,
    /// Files of which it was told that what is written down is somebody else's.
    pub(crate) foreign: BTreeSet<String>,
    /// PUTs that stand still, by the part's number, this often.
    pub(crate) stuck: BTreeMap<u32, u32>,
    /// PUTs under way, with the host that they go to.
    pub(crate) hosts: BTreeMap<JobId, String>,
    /// Every action and outcome in a few words.
    pub(crate) trace: Vec<String>,
    pub(crate) settings: Settings,
    rng: Rng,
    names: BTreeMap<FileId, String>,
    pub(crate) streams: BTreeMap<FileId, Stream>,
    /// The progress that was told last.
    pub(crate) shown: BTreeMap<FileId, u64>,
    putting: BTreeSet<JobId>,
    stopped: BTreeSet<JobId>,
    happenings: Queue<Happening>,
}

/// A stream, and what of it is kept until it is released.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) total: u64,
    pub(crate) read_to: u64,
    released: Vec<ByteRange>,
    reading: Option<JobId>,
    /// The most bytes that were kept at once.
    pub(crate) most_kept: u64,
}

impl Stream {
    fn kept(&self) -> u64 {
        self.read_to - self.released.iter().map(|range| range.len()).sum::<u64>()
    }

    fn check(&self, range: ByteRange) {
        assert!(range.end <= self.read_to, "bytes that were never read");
        let is_gone = |gone: &&ByteRange| gone.start < range.end && range.start < gone.end;
        assert_eq!(self.released.iter().find(is_gone), None, "bytes that were let go");
    }
}

/// Something that is on its way.
enum Happening {
    Hashed(JobId, Result<Checksum, SourceFailure>),
    Read(FileId, JobId, Result<PartRead, SourceFailure>),
    CallArrives(JobId, partway_shared::upload::ControlCall, bool),
    CallDone(JobId, Result<ControlReply, Failure>),
    PutMoves(JobId, u64),
    PutArrives(JobId, String, ByteRange, Arrival),
    PutDone(JobId, Result<Option<ETag>, Failure>),
    Connectivity(bool),
}

#[derive(Clone, Copy)]
struct Arrival {
    altered: bool,
    answer_lost: bool,
}

impl World {
    pub(crate) fn new(seed: u64, settings: Settings, backend: Backend, faults: Faults) -> Self {
        Self {
            now: Time::from_millis(0),
            uploader: Uploader::new(settings.clone(), seed),
            backend,
            faults,
            changes: BTreeMap::new(),
            online: true,
            peak: 0,
            journal: BTreeMap::new(),
            foreign: BTreeSet::new(),
            stuck: BTreeMap::new(),
            hosts: BTreeMap::new(),
            trace: Vec::new(),
            settings,
            rng: Rng::with_seed(!seed),
            names: BTreeMap::new(),
            streams: BTreeMap::new(),
            shown: BTreeMap::new(),
            putting: BTreeSet::new(),
            stopped: BTreeSet::new(),
            happenings: Queue::new(),
        }
    }

    pub(crate) fn add(&mut self, name: &str, size: u64) -> FileId {
        let info = FileInfo { name: name.to_owned(), size: Some(size), ..FileInfo::default() };
        let id = self.uploader.add(info).expect("fits");
        self.names.insert(id, name.to_owned());
        id
    }

    /// Takes a stream that turns out to have so many bytes.
    pub(crate) fn add_stream(&mut self, name: &str, total: u64) -> FileId {
        let info = FileInfo { name: name.to_owned(), ..FileInfo::default() };
        let id = self.uploader.add(info).expect("fits");
        self.names.insert(id, name.to_owned());
        self.streams.insert(id, Stream { total, ..Stream::default() });
        id
    }

    /// Copies an object that is made for it.
    pub(crate) fn copy(&mut self, key: &str, size: u64) -> FileId {
        self.backend.objects.insert(key.to_owned(), Object { size, version: 0 });
        let from = CopyFrom { key: key.to_owned(), ..CopyFrom::default() };
        let id = self.uploader.add_copy(CreateCopy { from, ..CreateCopy::default() });
        self.names.insert(id, key.to_owned());
        id
    }

    pub(crate) fn state(&self, id: FileId) -> State {
        self.uploader.status(id, self.now).expect("known").state
    }

    /// The browser dies and is opened again: nothing remains but the journal, from which every
    /// upload is restored. What is on its way to the store may still arrive.
    pub(crate) fn crash(&mut self, seed: u64) {
        for happening in self.happenings.take_all() {
            if let Happening::PutArrives(_, url, range, arrival) = happening
                && self.rng.bool()
            {
                let _ = self.backend.store(&url, range, arrival.altered, self.now);
            }
        }
        self.names.clear();
        self.streams.clear();
        self.shown.clear();
        self.putting.clear();
        self.stopped.clear();
        self.hosts.clear();
        self.uploader = Uploader::new(self.settings.clone(), seed);
        if !self.online {
            self.online = true;
        }
        for (info, saved) in self.journal.clone().into_values() {
            self.restore(info, saved);
        }
    }

    pub(crate) fn restore(&mut self, info: FileInfo, saved: Resumable) -> FileId {
        let name = info.name.clone();
        let id = self.uploader.restore(info, saved).expect("its own plan");
        self.names.insert(id, name);
        id
    }

    /// The network goes `after` a while, and comes back `length` later.
    pub(crate) fn outage(&mut self, after: Duration, length: Duration) {
        self.later(after, Happening::Connectivity(false));
        self.later(after + length, Happening::Connectivity(true));
    }

    /// The computer sleeps: time passes, and what was on its way is dead.
    pub(crate) fn sleep(&mut self, length: Duration) {
        self.happenings.retain(|happening| {
            matches!(happening, Happening::Hashed(..) | Happening::Read(..) | Happening::Connectivity(_))
        });
        self.now = self.now + length;
    }

    /// Runs until nothing is left to happen.
    pub(crate) fn run(&mut self) {
        self.run_while(|_| true);
        assert!(!self.uploader.is_busy(), "work is under way, yet nothing will happen");
        assert_eq!(self.uploader.poll_timeout(), None, "a timer remains");
        for id in self.uploader.files().collect::<Vec<_>>() {
            let state = self.state(id);
            assert!(state.has_ended(), "{} is stuck in {state:?}", self.names[&id]);
        }
    }

    /// Runs until the condition no longer holds, or nothing is left to happen.
    pub(crate) fn run_while(&mut self, condition: impl Fn(&Self) -> bool) {
        for _ in 0..MAX_STEPS {
            self.drain();
            if !condition(self) || !self.step() {
                return;
            }
        }
        panic!("no end after {MAX_STEPS} steps, at {:?}", self.now);
    }

    /// Does what the machine asks, and checks what it tells.
    fn drain(&mut self) {
        while let Some(action) = self.uploader.poll_action(self.now) {
            self.trace.push(format!("{} {action:?}", self.now.as_millis()));
            self.begin(action);
        }
        let most = self.settings.connections_per_host * self.backend.hosts;
        assert!(self.putting.len() <= self.settings.concurrency.unwrap_or(most).min(most) as usize);
        self.peak = self.peak.max(self.putting.len());
        let most = self.settings.connections_per_host as usize;
        for host in self.hosts.values() {
            let to_it = self.hosts.values().filter(|other| *other == host).count();
            assert!(to_it <= most, "{to_it} connections to one host");
        }
        while let Some(event) = self.uploader.poll_event() {
            if let Event::Foreign(id) = event {
                self.foreign.insert(self.names[&id].clone());
            }
            if let Event::Journal(id) = event {
                let name = self.names[&id].clone();
                match (self.uploader.resumable(id), self.uploader.info(id)) {
                    (Some(saved), Some(info)) => drop(self.journal.insert(name, (info.clone(), saved))),
                    _ if self.foreign.contains(&name) => {}
                    _ => drop(self.journal.remove(&name)),
                }
            }
            if let Event::Progress(id) = event {
                let Some(status) = self.uploader.status(id, self.now) else { continue };
                let shown = self.shown.entry(id).or_default();
                assert!(status.uploaded >= *shown, "progress ran back");
                assert!(
                    status.size.is_none_or(|size| status.uploaded <= size),
                    "more than the file was sent"
                );
                *shown = status.uploaded;
            }
        }
    }

    /// The next thing to happen happens; false when there is none.
    fn step(&mut self) -> bool {
        let happening = self.happenings.next_at();
        let timeout = self.uploader.poll_timeout();
        match (happening, timeout) {
            (None, None) => false,
            (at, Some(timeout)) if at.is_none_or(|at| timeout <= at) => {
                self.now = self.now.max(timeout);
                self.uploader.handle_timeout(self.now);
                true
            }
            _ => {
                let Some((at, happening)) = self.happenings.pop() else { return false };
                self.now = self.now.max(at);
                if let Some(happening) = happening {
                    self.happen(happening);
                }
                true
            }
        }
    }

    fn begin(&mut self, action: Action) {
        match action {
            Action::Read { job, file, range, kind } => self.read(job, file, range, kind),
            Action::Release { file, range } => {
                let stream = self.streams.get_mut(&file).expect("a stream");
                stream.check(range);
                stream.released.push(range);
            }
            Action::Hash { job, file, range, kind } => {
                if let Some(stream) = self.streams.get(&file) {
                    stream.check(range);
                }
                let changed = self.has_changed(file);
                let outcome = if changed {
                    Err(SourceFailure::Changed)
                } else {
                    Ok(checksum_of(kind, &self.names[&file], range))
                };
                self.later(Duration::from_millis(range.len() / 100), Happening::Hashed(job, outcome));
            }
            Action::Call { job, call } => {
                let delay = self.latency();
                if self.chance(self.faults.black_hole) {
                    // No answer will ever come.
                } else if self.chance(self.faults.request_lost) || !self.online {
                    self.later(delay, Happening::CallDone(job, Err(Failure::NoAnswer)));
                } else if self.chance(self.faults.server_error) {
                    self.later(delay, Happening::CallDone(job, Err(refusal(500, ""))));
                } else {
                    let answer_lost = self.chance(self.faults.answer_lost);
                    let delay = delay + self.faults.server_takes;
                    self.later(delay, Happening::CallArrives(job, call, answer_lost));
                }
            }
            Action::Put { job, file, range, put } => {
                if let Some(stream) = self.streams.get(&file) {
                    stream.check(range);
                }
                self.putting.insert(job);
                self.hosts.insert(job, put.url.splitn(4, '/').take(3).collect());
                let stuck = self.stuck.get_mut(&put.part_number.get()).filter(|times| **times > 0);
                if let Some(times) = stuck {
                    *times -= 1;
                    // A first bit of progress, and then none.
                    let latency = self.latency();
                    return self.later(latency, Happening::PutMoves(job, range.len() / 10));
                }
                if put.form.is_some() && self.backend.refuses_forms {
                    let latency = self.latency();
                    return self
                        .later(latency, Happening::PutDone(job, Err(refusal(405, "MethodNotAllowed"))));
                }
                self.put(job, Some(file), range, put.url);
            }
            Action::Copy { job, put } => {
                assert!(put.is_copy(), "all else is sent");
                self.putting.insert(job);
                self.hosts.insert(job, put.url.splitn(4, '/').take(3).collect());
                let range = self.backend.range_of(&put.url);
                self.put(job, None, range, put.url);
            }
            Action::Stop { job } => {
                self.putting.remove(&job);
                self.hosts.remove(&job);
                for stream in self.streams.values_mut() {
                    stream.reading.take_if(|reading| *reading == job);
                }
                self.stopped.insert(job);
            }
        }
    }

    /// Reads a stream on. That it has ended may show with its last byte, or only after it.
    fn read(&mut self, job: JobId, file: FileId, range: ByteRange, kind: ChecksumKind) {
        let shows_at_once = self.rng.bool();
        let changed = self.has_changed(file);
        let name = self.names[&file].clone();
        let stream = self.streams.get_mut(&file).expect("a stream");
        assert_eq!(stream.reading.replace(job), None, "one after the other");
        assert!(range.start <= stream.read_to, "in order");
        let end = range.end.min(stream.total);
        stream.read_to = stream.read_to.max(end);
        stream.most_kept = stream.most_kept.max(stream.kept());
        let is_last = stream.total < range.end || (stream.total == range.end && shows_at_once);
        let range = ByteRange { start: range.start, end: end.max(range.start) };
        let checksum = kind.needs_hashing().then(|| checksum_of(kind, &name, range));
        let read = PartRead { len: range.len(), checksum, is_last };
        let outcome = if changed { Err(SourceFailure::Unreadable) } else { Ok(read) };
        self.later(Duration::from_millis(range.len() / 100), Happening::Read(file, job, outcome));
    }

    /// The bytes of a file, or of an object that the store copies.
    fn put(&mut self, job: JobId, file: Option<FileId>, range: ByteRange, url: String) {
        let latency = self.latency();
        let whole = Duration::from_millis(range.len() * 1_000 / self.faults.bytes_per_second);
        if !self.online {
            return self.later(latency, Happening::PutDone(job, Err(Failure::NoAnswer)));
        }
        if file.is_some_and(|file| self.has_changed(file)) {
            return self
                .later(latency, Happening::PutDone(job, Err(Failure::Source(SourceFailure::Changed))));
        }
        let cut = self.rng.f64();
        let lost = self.chance(self.faults.request_lost);
        let hole = self.chance(self.faults.black_hole);
        let reach = if lost || hole { cut } else { 1.0 };
        for tenth in 1..=10_u64 {
            let done = tenth as f64 / 10.0;
            if done <= reach && !self.faults.unseen && file.is_some() {
                let sent = range.len() * tenth / 10;
                self.later(latency + whole.mul_f64(done), Happening::PutMoves(job, sent));
            }
        }
        let end = latency + whole.mul_f64(reach);
        if hole {
            return;
        }
        if lost {
            return self.later(end, Happening::PutDone(job, Err(Failure::NoAnswer)));
        }
        let refused = if self.chance(self.faults.server_error) {
            Some(500)
        } else {
            self.chance(self.faults.slow_down).then_some(503)
        };
        if let Some(status) = refused {
            return self.later(end, Happening::PutDone(job, Err(refusal(status, "SlowDown"))));
        }
        if self.chance(self.faults.conflict) {
            let conflict = refusal(409, "ConditionalRequestConflict");
            return self.later(end, Happening::PutDone(job, Err(conflict)));
        }
        let arrival = Arrival {
            altered: self.chance(self.faults.altered),
            answer_lost: self.chance(self.faults.answer_lost),
        };
        self.later(end + self.faults.store_takes, Happening::PutArrives(job, url, range, arrival));
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Hashed(job, outcome) => self.uploader.handle_hash_done(job, outcome),
            Happening::Read(file, job, outcome) => {
                if let Some(stream) = self.streams.get_mut(&file) {
                    stream.reading.take_if(|reading| *reading == job);
                }
                self.uploader.handle_read_done(job, outcome);
            }
            Happening::CallArrives(job, call, answer_lost) => {
                self.lose_a_part();
                let outcome = self.backend.call(&call, self.now);
                let outcome = if answer_lost { Err(Failure::NoAnswer) } else { outcome };
                let delay = self.latency();
                self.later(delay, Happening::CallDone(job, outcome));
            }
            Happening::CallDone(job, outcome) => {
                self.trace.push(format!("{} {job:?} {outcome:?}", self.now.as_millis()));
                self.uploader.handle_call_done(job, outcome, self.now);
            }
            Happening::PutMoves(job, sent) => {
                if self.putting.contains(&job) {
                    self.uploader.handle_put_progress(job, sent, self.now);
                }
            }
            // What the client has stopped may arrive all the same.
            Happening::PutArrives(job, url, range, arrival) => {
                if self.stopped.contains(&job) && self.rng.bool() {
                    return;
                }
                let outcome = self.backend.store(&url, range, arrival.altered, self.now);
                let outcome = if arrival.answer_lost { Err(Failure::NoAnswer) } else { outcome };
                let delay = self.latency() + self.faults.answer_takes;
                self.later(delay, Happening::PutDone(job, outcome));
            }
            Happening::PutDone(job, outcome) => {
                self.trace.push(format!("{} {job:?} {outcome:?}", self.now.as_millis()));
                self.putting.remove(&job);
                self.hosts.remove(&job);
                self.uploader.handle_put_done(job, outcome, self.now);
            }
            Happening::Connectivity(online) => {
                self.online = online;
                self.uploader.handle_connectivity(online);
            }
        }
    }

    /// A store that forgets is rare, and has been seen.
    fn lose_a_part(&mut self) {
        if self.chance(self.faults.part_lost)
            && let Some(upload) = self.backend.uploads.values_mut().find(|upload| upload.end.is_none())
        {
            upload.parts.pop_first();
        }
    }

    fn has_changed(&self, file: FileId) -> bool {
        self.changes.get(&file).is_some_and(|&at| at <= self.now)
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.rng.f64() < probability
    }

    fn latency(&mut self) -> Duration {
        self.faults.latency.mul_f64(2.0 * self.rng.f64())
    }

    fn later(&mut self, delay: Duration, happening: Happening) {
        self.happenings.add(self.now + delay, happening);
    }
}
