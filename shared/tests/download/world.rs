//! The machine, a driver, a store and a network between them, on a virtual clock.
//!
//! Everything random comes from one seed, so a run can be had again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use fastrand::Rng;
use partway_shared::download::{
    Action, Downloader, Event, Head, NewDownload, Partial, Settings, Sink, State, Status,
};
use partway_shared::part::{ByteRange, ETag};
use partway_shared::time::Time;
use partway_shared::transfer::{Failure, FileId, JobId};
use partway_shared::wire::{ObjectName, SignObjects, SignedObjects};

use crate::simulated::{Chance, Queue, refusal};
use crate::sink;
use crate::store::Store;

/// More steps than this for one run means that it goes round in circles.
const MAX_STEPS: u32 = 500_000;
/// And so does more time.
const MAX_TIME: Duration = Duration::from_secs(48 * 3_600);

/// What goes wrong, and how often: probabilities, each for one exchange.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// The connection breaks before the request arrives.
    pub(crate) request_lost: f64,
    /// The connection breaks in the middle of a body.
    pub(crate) cut: f64,
    /// A body ends early, as if that were its end.
    pub(crate) short: f64,
    /// The connection stands still for ever, before or in the middle of a body.
    pub(crate) black_hole: f64,
    /// The connection is a hundred times slower than others.
    pub(crate) crawl: f64,
    /// 500, and 503 with `Retry-After`.
    pub(crate) server_error: f64,
    pub(crate) slow_down: f64,
    /// A URL is refused although it is fresh.
    pub(crate) url_refused: f64,
    /// The answer is of another object.
    pub(crate) foreign: f64,
    /// A bit flips on the way.
    pub(crate) altered: f64,
    /// URLs live this long.
    pub(crate) url_life: Duration,
    /// One way; each message takes up to twice this, so answers overtake each other.
    pub(crate) latency: Duration,
    /// Bytes of one connection in a second.
    pub(crate) bytes_per_second: u64,
    /// What an ordered consumer takes at once, and how long it takes for that.
    pub(crate) taken_at_once: u64,
    pub(crate) taking: Duration,
}

impl Faults {
    /// A good line to a good store.
    pub(crate) fn none() -> Self {
        Self {
            url_life: Duration::from_secs(900),
            latency: Duration::from_millis(20),
            bytes_per_second: 1_000,
            taken_at_once: 1_000,
            taking: Duration::from_millis(1),
            ..Self::default()
        }
    }

    /// Anything from fine to dreadful.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let mut chance = Chance(rng);
        Self {
            request_lost: chance.draw(),
            cut: chance.draw(),
            short: chance.draw() / 4.0,
            black_hole: chance.draw() / 4.0,
            crawl: chance.draw() / 2.0,
            server_error: chance.draw(),
            slow_down: chance.draw(),
            url_refused: chance.draw() / 4.0,
            foreign: chance.draw() / 16.0,
            altered: chance.draw() / 16.0,
            url_life: Duration::from_secs([3, 20, 900][rng.usize(..3)]),
            latency: Duration::from_millis([0, 20, 400][rng.usize(..3)]),
            bytes_per_second: [50, 1_000, 100_000][rng.usize(..3)],
            taken_at_once: [1, 50, 1_000][rng.usize(..3)],
            taking: Duration::from_millis([0, 10, 2_000][rng.usize(..3)]),
        }
    }
}

pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) downloader: Downloader,
    pub(crate) store: Store,
    pub(crate) faults: Faults,
    pub(crate) online: bool,
    /// The most GETs that were under way at once.
    pub(crate) peak: usize,
    /// What a driver would have written down.
    pub(crate) journal: BTreeMap<FileId, Partial>,
    /// Requests that stand still after a tenth, by the first byte of their range, this often.
    pub(crate) stuck: BTreeMap<u64, u32>,
    /// Every action and outcome in a few words.
    pub(crate) trace: Vec<String>,
    pub(crate) sinks: BTreeMap<FileId, sink::Target>,
    /// Files that were said to have begun anew.
    pub(crate) restarted: BTreeSet<FileId>,
    /// Whether any bit has flipped.
    pub(crate) was_altered: bool,
    /// What is said of a file that cannot be saved.
    pub(crate) unsaved: Option<String>,
    /// Bytes that bodies brought.
    pub(crate) received: u64,
    /// GETs made, by their range.
    pub(crate) gets: Vec<(FileId, Option<ByteRange>)>,
    settings: Settings,
    rng: Rng,
    shown: BTreeMap<FileId, u64>,
    /// GETs under way, with their hosts.
    getting: BTreeMap<JobId, String>,
    /// What has arrived of a body, and waits for room in the window.
    held: BTreeMap<JobId, (FileId, VecDeque<Arrival>)>,
    taking: BTreeSet<FileId>,
    happenings: Queue<Happening>,
}

/// What comes over a connection.
#[derive(Debug)]
enum Arrival {
    Data(Vec<u8>),
    End(Result<(), Failure>),
}

/// Something that is on its way.
enum Happening {
    CallArrives(JobId, SignObjects),
    CallDone(JobId, Result<SignedObjects, Failure>),
    GetArrives(JobId, FileId, Option<ByteRange>, String),
    Head(JobId, Head),
    Arrives(JobId, FileId, Arrival),
    Takes(FileId),
    Saved(JobId),
    Connectivity(bool),
}

impl World {
    pub(crate) fn new(seed: u64, settings: Settings, faults: Faults) -> Self {
        Self {
            now: Time::from_millis(0),
            downloader: Downloader::new(settings.clone(), seed),
            store: Store::new(faults.url_life),
            faults,
            online: true,
            peak: 0,
            journal: BTreeMap::new(),
            stuck: BTreeMap::new(),
            trace: Vec::new(),
            sinks: BTreeMap::new(),
            restarted: BTreeSet::new(),
            was_altered: false,
            unsaved: None,
            received: 0,
            gets: Vec::new(),
            settings,
            rng: Rng::with_seed(!seed),
            shown: BTreeMap::new(),
            getting: BTreeMap::new(),
            held: BTreeMap::new(),
            taking: BTreeSet::new(),
            happenings: Queue::new(),
        }
    }

    pub(crate) fn add(&mut self, key: &str, sink: Sink) -> FileId {
        let object = ObjectName { key: key.to_owned(), ..ObjectName::default() };
        let id = self.downloader.add(NewDownload { object, sink, ..NewDownload::default() });
        self.sinks.insert(id, sink_for(sink));
        id
    }

    pub(crate) fn status(&self, id: FileId) -> Status<'_> {
        self.downloader.status(id, self.now).expect("known")
    }

    pub(crate) fn state(&self, id: FileId) -> State {
        self.status(id).state
    }

    /// The program dies and is started again: what a file has stays, and so does the journal.
    pub(crate) fn crash(&mut self, seed: u64) {
        let files: Vec<_> = self.downloader.files().collect();
        let all =
            files.into_iter().map(|id| (id, self.downloader.wanted(id).unwrap().clone(), self.state(id)));
        let all: Vec<_> = all.collect();
        drop(self.happenings.take_all());
        self.shown.clear();
        self.getting.clear();
        self.held.clear();
        self.taking.clear();
        self.online = true;
        self.downloader = Downloader::new(self.settings.clone(), seed);
        for (id, wanted, state) in all {
            if state.has_ended() {
                self.journal.remove(&id);
                self.sinks.remove(&id);
                continue;
            }
            let kept = self.journal.get(&id).cloned();
            self.sinks.get_mut(&id).unwrap().crash(kept.as_ref());
            match kept {
                Some(kept) => self.downloader.restore_as(id, wanted, kept),
                None => self.downloader.add_as(id, wanted),
            }
        }
    }

    /// The network goes `after` a while, and comes back `length` later.
    pub(crate) fn outage(&mut self, after: Duration, length: Duration) {
        self.later(after, Happening::Connectivity(false));
        self.later(after + length, Happening::Connectivity(true));
    }

    /// The computer sleeps: time passes, and what was on its way is dead.
    pub(crate) fn sleep(&mut self, length: Duration) {
        self.happenings.retain(|happening| {
            matches!(happening, Happening::Saved(_) | Happening::Takes(_) | Happening::Connectivity(_))
        });
        self.now = self.now + length;
    }

    /// Runs until nothing is left to happen.
    pub(crate) fn run(&mut self) {
        self.run_while(|_| true);
        assert!(!self.downloader.is_busy(), "work is under way, yet nothing will happen");
        assert_eq!(self.downloader.poll_timeout(), None, "a timer remains");
        for id in self.downloader.files().collect::<Vec<_>>() {
            let state = self.state(id);
            assert!(state.has_ended(), "{id:?} is stuck in {state:?}");
        }
    }

    /// Runs until the condition no longer holds, or nothing is left to happen.
    pub(crate) fn run_while(&mut self, condition: impl Fn(&Self) -> bool) {
        for _ in 0..MAX_STEPS {
            self.drain();
            if !condition(self) || !self.step() {
                return;
            }
            assert!(self.now.since(Time::default()) < MAX_TIME, "no end by {:?}", self.now);
        }
        panic!("no end after {MAX_STEPS} steps, at {:?}", self.now);
    }

    /// Does what the machine asks, and checks what it tells.
    fn drain(&mut self) {
        while let Some(action) = self.downloader.poll_action(self.now) {
            self.trace.push(format!("{} {action:?}", self.now.as_millis()));
            self.begin(action);
        }
        let most = self.settings.connections_per_host as usize * self.store.hosts;
        assert!(self.getting.len() <= self.settings.concurrency.map_or(most, |given| given as usize));
        self.peak = self.peak.max(self.getting.len());
        for host in self.getting.values() {
            let to_it = self.getting.values().filter(|other| *other == host).count();
            assert!(to_it <= self.settings.connections_per_host as usize, "{to_it} connections to one host");
        }
        while let Some(event) = self.downloader.poll_event() {
            match event {
                Event::State(..) => {}
                Event::Restarted(id) => {
                    self.restarted.insert(id);
                    self.shown.remove(&id);
                }
                Event::Journal(id) => match self.downloader.partial(id) {
                    Some(partial) => drop(self.journal.insert(id, partial)),
                    None => drop(self.journal.remove(&id)),
                },
                Event::Progress(id) => {
                    let Some(status) = self.downloader.status(id, self.now) else { continue };
                    let shown = self.shown.entry(id).or_default();
                    assert!(status.downloaded >= *shown, "progress ran back");
                    assert!(status.size.is_none_or(|size| status.downloaded <= size));
                    *shown = status.downloaded;
                }
            }
        }
    }

    /// The next thing to happen happens; false when there is none.
    fn step(&mut self) -> bool {
        match (self.happenings.next_at(), self.downloader.poll_timeout()) {
            (None, None) => false,
            (at, Some(timeout)) if at.is_none_or(|at| timeout <= at) => {
                self.now = self.now.max(timeout);
                self.downloader.handle_timeout(self.now);
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
            Action::Call { job, call } => {
                let delay = self.latency();
                if self.chance(self.faults.black_hole) {
                    // No answer will ever come.
                } else if self.chance(self.faults.request_lost) || !self.online {
                    self.later(delay, Happening::CallDone(job, Err(Failure::NoAnswer)));
                } else if self.chance(self.faults.server_error) {
                    self.later(delay, Happening::CallDone(job, Err(refusal(500, ""))));
                } else {
                    self.later(delay, Happening::CallArrives(job, call));
                }
            }
            Action::Open { file, size, keeps } => self.sinks.get_mut(&file).unwrap().open(size, keeps),
            Action::Get { job, file, range, url } => {
                self.gets.push((file, range));
                self.getting.insert(job, url.splitn(4, '/').take(3).collect());
                let delay = self.latency();
                self.later(delay, Happening::GetArrives(job, file, range, url));
            }
            Action::Save { job, file } => {
                assert!(self.sinks[&file].is_taken(), "the consumer has not all");
                let delay = self.latency();
                self.later(delay, Happening::Saved(job));
            }
            Action::Stop { job } => self.forget(job),
        }
    }

    fn forget(&mut self, job: JobId) {
        self.getting.remove(&job);
        self.held.remove(&job);
    }

    fn get(&mut self, job: JobId, file: FileId, range: Option<ByteRange>, url: &str) {
        let latency = self.latency();
        let ends = |outcome| Happening::Arrives(job, file, Arrival::End(outcome));
        if self.chance(self.faults.black_hole) {
            return;
        }
        if self.chance(self.faults.request_lost) || !self.online {
            return self.later(latency, ends(Err(Failure::NoAnswer)));
        }
        for (fault, status, code) in [
            (self.faults.server_error, 500, ""),
            (self.faults.slow_down, 503, "SlowDown"),
            (self.faults.url_refused, 403, "AccessDenied"),
        ] {
            if self.chance(fault) {
                return self.later(latency, ends(Err(refusal(status, code))));
            }
        }
        let mut answer = match self.store.get(url, range, self.now) {
            Ok(answer) => answer,
            Err(failure) => return self.later(latency, ends(Err(failure))),
        };
        if self.chance(self.faults.foreign) {
            answer.head.etag = Some(ETag::new("another"));
        }
        if self.chance(self.faults.altered) && !answer.body.is_empty() {
            let at = self.rng.usize(..answer.body.len());
            answer.body[at] ^= 1;
            self.was_altered = true;
        }
        self.later(latency, Happening::Head(job, answer.head));
        let crawls = self.chance(self.faults.crawl);
        let speed = (self.faults.bytes_per_second / if crawls { 100 } else { 1 }).max(1);
        let stuck = self.stuck.get_mut(&range.map_or(0, |range| range.start)).filter(|times| **times > 0);
        let stops = stuck.map(|times| *times -= 1).is_some();
        let fault =
            [self.faults.cut, self.faults.short, self.faults.black_hole].map(|fault| self.chance(fault));
        let reach = if fault.contains(&true) { self.rng.f64() } else { 1.0 };
        let reach = if stops { 0.1 } else { reach };
        let reached = (answer.body.len() as f64 * reach) as usize;
        let chunk = answer.body.len().div_ceil(7).max(1);
        let mut sent = 0;
        for data in answer.body[..reached].chunks(chunk) {
            sent += data.len() as u64;
            let after = latency + Duration::from_millis(1 + sent * 1_000 / speed);
            self.later(after, Happening::Arrives(job, file, Arrival::Data(data.to_vec())));
        }
        let after = latency + Duration::from_millis(2 + sent * 1_000 / speed);
        match fault {
            _ if stops => {}
            [true, ..] => self.later(after, ends(Err(Failure::NoAnswer))),
            [_, true, _] => self.later(after, ends(Ok(()))),
            [_, _, true] => {}
            _ => self.later(after, ends(Ok(()))),
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::CallArrives(job, call) => {
                let outcome = self.store.sign(&call, self.now);
                let delay = self.latency();
                self.later(delay, Happening::CallDone(job, outcome));
            }
            Happening::CallDone(job, outcome) => {
                self.trace.push(format!("{} {job:?} {outcome:?}", self.now.as_millis()));
                self.downloader.handle_call_done(job, outcome, self.now);
            }
            Happening::GetArrives(job, file, range, url) => {
                if self.getting.contains_key(&job) {
                    self.get(job, file, range, &url);
                }
            }
            Happening::Head(job, head) => {
                if self.getting.contains_key(&job) {
                    self.trace.push(format!("{} {job:?} {head:?}", self.now.as_millis()));
                    if !self.downloader.handle_get_head(job, &head, self.now) {
                        self.forget(job);
                    }
                }
            }
            Happening::Arrives(job, file, arrival) => {
                if self.getting.contains_key(&job) {
                    self.held.entry(job).or_insert_with(|| (file, VecDeque::new())).1.push_back(arrival);
                    self.read(job);
                }
            }
            Happening::Takes(file) => {
                self.taking.remove(&file);
                let most = self.faults.taken_at_once;
                if let Some(up_to) = self.sinks.get_mut(&file).and_then(|sink| sink.take(most)) {
                    self.downloader.handle_taken(file, up_to, self.now);
                    self.takes(file);
                }
                let held = self.held.iter().filter(|(_, (of, _))| *of == file);
                for job in held.map(|(&job, _)| job).collect::<Vec<_>>() {
                    self.read(job);
                }
            }
            Happening::Saved(job) => {
                let outcome = self.unsaved.take().map_or(Ok(()), Err);
                self.downloader.handle_save_done(job, outcome);
            }
            Happening::Connectivity(online) => {
                self.online = online;
                self.downloader.handle_connectivity(online);
                if !online {
                    let cut = |(&job, (file, _)): (&JobId, &(FileId, _))| (job, *file);
                    for (job, file) in self.held.iter().map(cut).collect::<Vec<_>>() {
                        self.later(
                            Duration::from_millis(1),
                            Happening::Arrives(job, file, Arrival::End(Err(Failure::NoAnswer))),
                        );
                    }
                }
            }
        }
    }

    /// Reads what has arrived over a connection, as far as there is room for it.
    fn read(&mut self, job: JobId) {
        while let Some((file, arrivals)) = self.held.get_mut(&job) {
            let file = *file;
            match arrivals.pop_front() {
                None => return,
                Some(Arrival::Data(data)) => {
                    let mut rest = data.as_slice();
                    self.received += rest.len() as u64;
                    while let Some(piece) = self.downloader.handle_get_data(job, &mut rest, self.now) {
                        let end = data.len() - rest.len();
                        assert_eq!(piece.bytes, &data[end - piece.bytes.len()..end]);
                        self.sinks.get_mut(&file).unwrap().write(piece.offset, piece.bytes);
                    }
                    let rest = rest.to_vec();
                    self.takes(file);
                    if !rest.is_empty() {
                        self.received -= rest.len() as u64;
                        let held = self.held.get_mut(&job).expect("it is being read");
                        held.1.push_front(Arrival::Data(rest));
                        return;
                    }
                }
                Some(Arrival::End(outcome)) => {
                    self.trace.push(format!("{} {job:?} {outcome:?}", self.now.as_millis()));
                    self.forget(job);
                    self.downloader.handle_get_done(job, outcome, self.now);
                    return;
                }
            }
        }
    }

    /// The consumer takes something soon, if there is anything.
    fn takes(&mut self, file: FileId) {
        if matches!(self.sinks[&file], sink::Target::Stream { .. }) && self.taking.insert(file) {
            self.later(self.faults.taking, Happening::Takes(file));
        }
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

fn sink_for(sink: Sink) -> sink::Target {
    match sink {
        Sink::Random => sink::Target::file(),
        Sink::Ordered { window_bytes } => sink::Target::stream(window_bytes),
    }
}
