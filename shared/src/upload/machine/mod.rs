//! The machine itself: which file and which part is next.
//!
//! `commands` is what users ask for, `outcomes` what came of work, `polling` what to do
//! next, `creating` and `completing` what many files share; here is what all of them do.

mod commands;
mod completing;
mod creating;
mod outcomes;
mod polling;

use std::collections::VecDeque;

use litemap::LiteMap;

use crate::checksum::ChecksumKind;
use crate::limits::{MAX_FILES_PER_CREATE, MAX_PARTS_PER_SIGN, MAX_UPLOADS_PER_COMPLETE};
use crate::part::{ByteRange, PartNumber};
use crate::progress::Speedometer;
use crate::time::Time;
use crate::transfer::{Batches, Cap, FileId, Flow, HostId, Jobs, TransferError, Turn};
use crate::wire::CreationId;

use super::action::FileInfo;
use super::batch::Batch;
use super::file::{FileUpload, Phase};
use super::index::Index;
use super::resume::Resumable;
use super::settings::Settings;
use super::status::{State, Status};

pub use commands::InFlight;

/// The upload machine: any number of files, one pool of connections.
///
/// Four kinds of methods, in the manner of sans-IO protocols:
/// - getters: [`status`](Self::status), [`files`](Self::files), [`resumable`](Self::resumable),
///   [`bytes_per_second`](Self::bytes_per_second);
/// - commands: [`add`](Self::add), [`restore`](Self::restore), [`pause`](Self::pause),
///   [`resume`](Self::resume), [`cancel`](Self::cancel), [`retry`](Self::retry), [`remove`](Self::remove);
/// - `handle_*`: the outcomes of work, the passing of time, and the state of the network;
/// - `poll_*`: what to do next.
///
/// After every command and every `handle_*`, call [`poll_action`](Self::poll_action) until it
/// gives nothing, then [`poll_event`](Self::poll_event) likewise, then wait for an outcome or
/// until [`poll_timeout`](Self::poll_timeout), when [`handle_timeout`](Self::handle_timeout) is due.
#[derive(Debug)]
pub struct Uploader {
    files: LiteMap<FileId, Box<FileUpload>>,
    next_file: u32,
    core: Core,
}

/// What all files share. It is apart from them, so that one file and all of this can be changed at the same time.
#[derive(Debug)]
struct Core {
    settings: Settings,
    index: Index,
    batch: Batch,
    jobs: Jobs<Job>,
    /// Whose completions went along in one call.
    completions: Batches,
    request_limits: RequestLimits,
    events: VecDeque<Event>,
    /// What drivers may let go of.
    releases: VecDeque<(FileId, ByteRange)>,
    hash_turn: Turn,
    call_turn: Turn,
    send_turn: Turn,
    flow: Flow,
    cap: Option<Cap>,
    online: bool,
    /// When it was last asked what to do.
    polled_at: Time,
    /// What the server asked for last, which is what it will ask for next.
    checksum: ChecksumKind,
    /// The most host names that a grant spoke of.
    hosts: u32,
    speed: Speedometer,
    rng: fastrand::Rng,
}

/// How many items one request carries: as many as the server accepts, and fewer after a proxy refused one as too large.
#[derive(Clone, Copy, Debug)]
struct RequestLimits {
    created: usize,
    completed: usize,
    signed: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            created: MAX_FILES_PER_CREATE,
            completed: MAX_UPLOADS_PER_COMPLETE,
            signed: MAX_PARTS_PER_SIGN,
        }
    }
}

/// What a job's outcome belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Hash(FileId, PartNumber),
    /// Hashing a part that is stored already.
    Check(FileId),
    Put(FileId, PartNumber, HostId),
    Create,
    /// Completing several files that are one PUT each.
    Complete,
    Call(FileId),
}

/// Something to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A file's state changed.
    State(FileId, State),
    /// More bytes have left.
    Progress(FileId),
    /// What [`resumable`](Uploader::resumable) gives has changed, and should be kept or forgotten.
    Journal(FileId),
    /// What is kept of this file's upload belongs to somebody else than who asks now, and is to be left alone.
    Foreign(FileId),
}

impl Uploader {
    /// Creates a machine without files. The seed decides the jitter of its retries.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self { files: LiteMap::new(), next_file: 1, core: Core::new(settings, seed) }
    }

    // Getters.

    /// Returns a snapshot of one file's upload.
    #[must_use]
    pub fn status(&self, id: FileId, now: Time) -> Option<Status<'_>> {
        self.file(id).map(|file| file.status(now))
    }

    /// Returns what a file was added with.
    #[must_use]
    pub fn info(&self, id: FileId) -> Option<&FileInfo> {
        self.file(id).map(|file| &file.info)
    }

    /// Returns what has to be kept of a file's upload so that it can go on after a reload; `None` when
    /// nothing has to, because there is no multipart upload, or no longer.
    #[must_use]
    pub fn resumable(&self, id: FileId) -> Option<Resumable> {
        self.file(id)?.resumable()
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

    fn file(&self, id: FileId) -> Option<&FileUpload> {
        self.files.get(&id).map(Box::as_ref)
    }

    /// Returns an id that no file has yet.
    const fn next_id(&self) -> FileId {
        FileId(self.next_file)
    }

    /// Takes in a file that is ready to begin.
    fn admit(&mut self, id: FileId, mut file: FileUpload) {
        self.next_file = self.next_file.max(id.0.saturating_add(1));
        let state = file.state();
        self.core.events.push_back(Event::State(id, state));
        self.core.settle(id, &mut file, state);
        self.files.insert(id, Box::new(file));
    }

    /// Changes one file, then looks anew at what it could do and whether its state changed.
    fn touch<R>(&mut self, id: FileId, change: impl FnOnce(&mut Core, &mut FileUpload) -> R) -> Option<R> {
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
            flow: Flow::new(settings.connections_per_host, ceiling),
            cap: settings.max_bytes_per_second.map(Cap::new),
            settings,
            index: Index::default(),
            batch: Batch::default(),
            jobs: Jobs::new(),
            completions: Batches::default(),
            request_limits: RequestLimits::default(),
            events: VecDeque::new(),
            releases: VecDeque::new(),
            hash_turn: Turn::default(),
            call_turn: Turn::default(),
            send_turn: Turn::default(),
            online: true,
            polled_at: Time::default(),
            checksum: ChecksumKind::default(),
            hosts: 1,
            speed: Speedometer::default(),
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    /// Creates a name for a creation that no other has.
    fn creation_id(&mut self) -> CreationId {
        let mut bytes = [0; 16];
        self.rng.fill(&mut bytes);
        let made_at = self.settings.epoch.map(|epoch| epoch + self.polled_at.as_millis());
        CreationId::new(bytes, made_at)
    }

    /// Returns the part size to ask for, from what is known of the line.
    fn wanted_part_size(&self, size: u64) -> Option<u64> {
        self.settings.wanted_part_size(size, self.flow.part_speed())
    }

    /// Looks at what a file could do after a change, and tells what is news.
    fn settle(&mut self, id: FileId, file: &mut FileUpload, before: State) {
        if matches!(file.phase, Phase::Uploading { .. }) {
            file.parts.open_unhashed(self.settings.sign_window);
        }
        let work = file.work(&self.settings);
        let has_moved = file.shown.raise(file.parts.bytes_sent());
        // What is waited for is news as well, above all before a first byte has left.
        let has_new_reason = file.retry_reason != file.reported_retry_reason;
        file.reported_retry_reason = file.retry_reason;
        if has_moved || has_new_reason {
            self.events.push_back(Event::Progress(id));
        }
        if file.state() != before {
            self.events.push_back(Event::State(id, file.state()));
        }
        while let Some(range) = file.parts.take_released() {
            self.releases.push_back((id, range));
        }
        let journaled = file.to_journal();
        if journaled != file.journaled {
            file.journaled = journaled;
            self.events.push_back(Event::Journal(id));
        }
        self.index.update(id, &file.work, &work);
        file.work = work;
    }

    fn fail(&mut self, id: FileId, file: &mut FileUpload, error: TransferError) {
        self.stop_all_of(id, file);
        file.fail(error);
    }

    fn count(&mut self, file: &mut FileUpload, more: u64, now: Time) {
        if more > 0 {
            file.speed.record(more, now);
            self.speed.record(more, now);
            if file.copy.is_some() {
                // The store's own line says nothing about this one.
                return;
            }
            let in_flight = self.jobs.count(|job| matches!(job, Job::Put(..)));
            self.flow.moved(more, in_flight, now);
        }
    }

    /// Cuts the rest of a file into larger parts, if its store takes them and its line turns out to be fast.
    fn recut(&self, file: &mut FileUpload) {
        let Phase::Uploading { grant, .. } = &file.phase else { return };
        if grant.may_recut
            && let Some(growth) = self.settings.growth(self.flow.limit())
        {
            file.parts.recut(growth);
        }
    }

    fn set_hosts(&mut self, hosts: u32) {
        self.hosts = self.hosts.max(hosts);
        self.flow.set_ceiling(self.settings.ceiling(self.hosts));
    }

    fn stop_all_of(&mut self, id: FileId, file: &mut FileUpload) {
        file.park(false);
        self.jobs.stop_where(|job| job.file() == Some(id));
        self.leave_completions(id);
    }
}

impl Job {
    const fn file(self) -> Option<FileId> {
        match self {
            Self::Hash(id, _) | Self::Check(id) | Self::Put(id, ..) | Self::Call(id) => Some(id),
            Self::Create | Self::Complete => None,
        }
    }
}

/// Moves on to completing once the last part is there.
fn complete_when_stored(file: &mut FileUpload) {
    if matches!(file.phase, Phase::Uploading { .. }) && file.parts.all_stored() {
        file.phase = file.begin_from(file.parked());
    }
}
