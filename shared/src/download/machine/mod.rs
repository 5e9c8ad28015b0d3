//! The machine itself: which file and which range is next.
//!
//! `commands` is what users ask for, `outcomes` what came of work, `polling` what to do next, `signing` what many files share;
//! here is what all of them do.

mod commands;
mod outcomes;
mod polling;
mod signing;

use std::collections::VecDeque;

use litemap::LiteMap;

use crate::limits::MAX_OBJECTS_PER_SIGN;
use crate::progress::Speedometer;
use crate::time::Time;
use crate::transfer::{Batches, Cap, FileId, Flow, HostId, Jobs, TransferError, Turn};

use super::action::{Action, NewDownload};
use super::file::FileDownload;
use super::index::Index;
use super::partial::Partial;
use super::settings::Settings;
use super::status::{State, Status};

/// The download machine: any number of files, one pool of connections.
///
/// Four kinds of methods, in the manner of sans-IO protocols:
/// - getters: [`status`](Self::status), [`files`](Self::files), [`wanted`](Self::wanted), [`partial`](Self::partial),
///   [`bytes_per_second`](Self::bytes_per_second);
/// - commands: [`add`](Self::add), [`restore`](Self::restore), [`pause`](Self::pause), [`resume`](Self::resume),
///   [`cancel`](Self::cancel), [`retry`](Self::retry), [`remove`](Self::remove);
/// - `handle_*`: the outcomes of work, what the consumer has taken, the passing of time, and the state of the network;
/// - `poll_*`: what to do next.
///
/// After every command and every `handle_*`, call [`poll_action`](Self::poll_action) until it gives nothing, then
/// [`poll_event`](Self::poll_event) likewise, then wait for an outcome or until [`poll_timeout`](Self::poll_timeout), when
/// [`handle_timeout`](Self::handle_timeout) is due.
#[derive(Debug)]
pub struct Downloader {
    files: LiteMap<FileId, Box<FileDownload>>,
    next_file: u32,
    core: Core,
}

/// What all files share. It is apart from them, so that one file and all of this can be changed at the same time.
#[derive(Debug)]
struct Core {
    settings: Settings,
    index: Index,
    jobs: Jobs<Job>,
    /// Who waits for which call.
    signings: Batches,
    /// How many objects one call carries: as many as the server accepts, and fewer after a proxy refused one as too large.
    signed_at_once: usize,
    opens: VecDeque<Action>,
    events: VecDeque<Event>,
    get_turn: Turn,
    flow: Flow,
    cap: Option<Cap>,
    online: bool,
    /// When it was last asked what to do.
    polled_at: Time,
    /// The hosts that URLs were of.
    hosts: Vec<HostId>,
    speed: Speedometer,
    rng: fastrand::Rng,
}

/// What a job's outcome belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Sign,
    Get(FileId, HostId),
    Save(FileId),
}

/// Something to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A file's state changed.
    State(FileId, State),
    /// More bytes have come, or something else is waited for.
    Progress(FileId),
    /// What [`partial`](Downloader::partial) gives has changed by a whole range or more, and should be kept or forgotten.
    Journal(FileId),
    /// The download has begun anew, and its progress with it: the object is another one than it was or than what was kept is of,
    /// or what had come was of no use for a retry.
    Restarted(FileId),
}

impl Downloader {
    /// Creates a machine without files. The seed decides the jitter of its retries.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self { files: LiteMap::new(), next_file: 1, core: Core::new(settings, seed) }
    }

    // Getters.

    /// Returns a snapshot of one file's download.
    #[must_use]
    pub fn status(&self, id: FileId, now: Time) -> Option<Status<'_>> {
        self.file(id).map(|file| file.status(now))
    }

    /// Returns what a file was added with.
    #[must_use]
    pub fn wanted(&self, id: FileId) -> Option<&NewDownload> {
        self.file(id).map(|file| &file.wanted)
    }

    /// Returns what has to be kept of a file so that it can go on after a crash; `None` when nothing has to, because nothing is
    /// there yet or it has ended.
    #[must_use]
    pub fn partial(&self, id: FileId) -> Option<Partial> {
        self.file(id)?.partial()
    }

    /// Returns every file, in the order in which they came.
    pub fn files(&self) -> impl Iterator<Item = FileId> + '_ {
        self.files.keys().copied()
    }

    /// Returns the throughput of the last seconds over all files, in bytes per second.
    #[must_use]
    pub fn bytes_per_second(&self, now: Time) -> Option<f64> {
        self.core.speed.bytes_per_second(now)
    }

    /// Returns whether any work is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.core.jobs.is_empty()
    }

    // Bookkeeping.

    fn file(&self, id: FileId) -> Option<&FileDownload> {
        self.files.get(&id).map(Box::as_ref)
    }

    /// Returns an id that no file has yet.
    const fn next_id(&self) -> FileId {
        FileId(self.next_file)
    }

    /// Takes in a file that is ready to begin.
    fn admit(&mut self, id: FileId, mut file: FileDownload) {
        self.next_file = self.next_file.max(id.0.saturating_add(1));
        let state = file.state();
        self.core.events.push_back(Event::State(id, state));
        self.core.settle(id, &mut file, state);
        self.files.insert(id, Box::new(file));
    }

    /// Changes one file, then looks anew at what it could do and whether its state changed.
    fn touch<R>(&mut self, id: FileId, change: impl FnOnce(&mut Core, &mut FileDownload) -> R) -> Option<R> {
        let file = self.files.get_mut(&id)?;
        let before = file.state();
        let result = change(&mut self.core, file);
        self.core.settle(id, file, before);
        Some(result)
    }
}

impl Core {
    fn new(settings: Settings, seed: u64) -> Self {
        let ceiling = settings.ceiling(1);
        Self {
            flow: Flow::new(settings.connections_at_first.unwrap_or(settings.connections_per_host), ceiling),
            cap: settings.max_bytes_per_second.map(Cap::new),
            settings,
            index: Index::default(),
            jobs: Jobs::new(),
            signings: Batches::default(),
            signed_at_once: MAX_OBJECTS_PER_SIGN,
            opens: VecDeque::new(),
            events: VecDeque::new(),
            get_turn: Turn::default(),
            online: true,
            polled_at: Time::default(),
            hosts: Vec::new(),
            speed: Speedometer::default(),
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    /// Looks at what a file could do after a change, and tells what is news.
    fn settle(&mut self, id: FileId, file: &mut FileDownload, before: State) {
        let work = file.work(&self.settings);
        let has_moved = file.shown.raise(file.received());
        let has_new_reason = file.retry_reason != file.reported_retry_reason;
        file.reported_retry_reason = file.retry_reason;
        if has_moved || has_new_reason {
            self.events.push_back(Event::Progress(id));
        }
        if file.state() != before {
            self.events.push_back(Event::State(id, file.state()));
        }
        let journaled = file.journal_bytes();
        if journaled != file.journaled {
            file.journaled = journaled;
            self.events.push_back(Event::Journal(id));
        }
        self.index.update(id, &file.work, &work);
        file.work = work;
    }

    fn fail(&mut self, id: FileId, file: &mut FileDownload, error: TransferError) {
        self.stop_all_of(id, file);
        file.fail(error);
    }

    /// Begins anew because the object is another one, if that can be undone and was not done before.
    fn changed(&mut self, id: FileId, file: &mut FileDownload, error: TransferError) {
        self.stop_all_of(id, file);
        if !file.has_restarted && file.can_begin_anew() {
            file.has_restarted = true;
            self.begin_anew(id, file);
            file.retry_reason = Some(error.code);
            return;
        }
        let detail = if file.can_begin_anew() {
            "it was replaced again and again while it was downloaded"
        } else {
            "it was replaced while it was downloaded, and its first bytes were given out already"
        };
        file.fail(TransferError { detail: detail.to_owned(), ..error });
    }

    fn begin_anew(&mut self, id: FileId, file: &mut FileDownload) {
        file.begin_anew();
        self.events.push_back(Event::Restarted(id));
    }

    fn count(&mut self, file: &mut FileDownload, bytes: u64, now: Time) {
        if bytes > 0 {
            file.speed.record(bytes, now);
            self.speed.record(bytes, now);
            self.flow.moved(bytes, self.count_gets(), now);
        }
    }

    fn count_gets(&self) -> u32 {
        self.jobs.count(|job| matches!(job, Job::Get(..)))
    }

    fn stop_all_of(&mut self, id: FileId, file: &mut FileDownload) {
        file.park();
        self.jobs.stop_where(|job| job.file() == Some(id));
        for job in self.signings.leave(id) {
            self.jobs.stop(job);
        }
    }
}

impl Job {
    const fn file(self) -> Option<FileId> {
        match self {
            Self::Get(id, _) | Self::Save(id) => Some(id),
            Self::Sign => None,
        }
    }
}

/// Moves on once all bytes are there.
fn advance(core: &mut Core, id: FileId, file: &mut FileDownload) {
    if let Err(error) = file.advance() {
        core.fail(id, file, error);
    }
}
