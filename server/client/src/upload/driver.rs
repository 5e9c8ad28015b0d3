//! Runs the upload machine: starts what it asks for, and feeds it what came of it.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use partway_shared::error::ErrorCode;
use partway_shared::part::ByteRange;
use partway_shared::time::Time;
use partway_shared::transfer::{FileId, JobId, TransferError};
use partway_shared::upload::{
    Action, ControlCall, Event as MachineEvent, FileInfo, InFlight, State, Uploader,
};
use partway_shared::wire::{CompletedUpload, CreateCopy, SignedPut};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedSender, channel};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::Upload;
use super::keeper::{Keeper, Kept};
use super::local::Local;
use super::memory::Memory;
use super::put::{self, Chunks};
use super::source::Source;
use super::stream::Stream;
use crate::clock::{Clock, seed};
use crate::control::Control;
use crate::event::{Ending, Event, Finished, Progress};
use crate::explain::{explain, io_reason};
use crate::http::HttpClient;
use crate::journal::{Journal, NoClaim};
use crate::settings::TransferSettings;
use crate::timer::{Timed, Timer};

/// Between two records of the same upload. What is stored, the store itself says.
const KEEP_INTERVAL: Duration = Duration::from_millis(500);
/// Between two reports of progress of the same file, in milliseconds.
const PROGRESS_INTERVAL: u64 = 100;
/// Chunks that are read ahead of a part that is read while it is sent.
const READ_AHEAD: usize = 2;

/// Any number of uploads, over one pool of connections. Dropping it ends them; those in parts can be gone on with.
pub struct Uploads(Arc<Driver>);

/// The machine, and everything under way for it. Work holds it weakly.
struct Driver {
    this: Weak<Self>,
    control: Arc<dyn Control>,
    http: HttpClient,
    runtime: Handle,
    clock: Clock,
    keeper: Keeper,
    memory: Arc<Memory>,
    state: Mutex<Run>,
    timer: Timer,
    events: UnboundedSender<Event>,
}

struct Run {
    machine: Uploader,
    /// Work under way. Dropping what stands for it stops it.
    jobs: HashMap<JobId, oneshot::Sender<()>>,
    files: HashMap<FileId, Arc<Local>>,
}

impl Uploads {
    /// Creates a driver without uploads. It has to be called on a tokio runtime, on which all its work runs.
    ///
    /// `scope` names who is asked, such as the endpoint of a server. Without a journal nothing goes on after a crash.
    #[must_use]
    pub fn new(
        control: Arc<dyn Control>,
        scope: &str,
        http: HttpClient,
        settings: &TransferSettings,
        journal: Option<Journal>,
        events: UnboundedSender<Event>,
    ) -> Self {
        let (runtime, clock) = (Handle::current(), Clock::new());
        Self(Arc::new_cyclic(|this: &Weak<Driver>| Driver {
            this: this.clone(),
            control,
            http,
            clock,
            keeper: Keeper::new(journal, scope),
            memory: Memory::new(settings.memory),
            state: Mutex::new(Run {
                machine: Uploader::new(settings.upload(clock.epoch()), seed()),
                jobs: HashMap::new(),
                files: HashMap::new(),
            }),
            timer: Timer::new(&runtime, clock, this.clone()),
            runtime,
            events,
        }))
    }

    /// Begins an upload, or goes on with one of the same file to the same place that was interrupted. The id is the caller's to choose,
    /// and no other upload of this driver may have it.
    pub async fn add(&self, id: FileId, upload: Upload) {
        let driver = &self.0;
        let (keeper, clock) = (driver.keeper.clone(), driver.clock);
        let looked = spawn_blocking(move || {
            let source = Source::new(&upload.source).map_err(|error| unreadable(&upload.source, &error))?;
            let found = match keeper.find(&upload, &source, clock) {
                Ok(found) => found,
                Err(NoClaim::Busy) => {
                    let why = "another process is uploading this file to the same place";
                    return Err(client_error(ErrorCode::UploadBusy, why));
                }
                Err(NoClaim::Io(error)) => {
                    tracing::warn!(%error, "the journal of uploads cannot be used");
                    None
                }
            };
            Ok((upload, source, found))
        });
        let looked = looked
            .await
            .unwrap_or_else(|_| Err(client_error(ErrorCode::Closed, "the program is about to end")));
        let (upload, source, found) = match looked {
            Ok(looked) => looked,
            Err(error) => {
                driver.tell(Event::Ended(id, Ending::Failed(error)));
                return;
            }
        };
        let info = info_of(upload, &source);
        let (saved, kept) = found.unzip();
        driver.take_in(id, Some(source), kept);
        if let Some(saved) = saved {
            let stored = saved.stored_bytes;
            if driver.update(|machine, _| machine.restore_as(id, info.clone(), saved)).is_some() {
                driver.tell(Event::GoesOn(id, stored));
                return;
            }
        }
        if let Err(error) = driver.update(|machine, _| machine.add_as(id, info)) {
            driver.lock().files.remove(&id);
            let error = client_error(ErrorCode::FileTooLarge, &error.to_string());
            driver.tell(Event::Ended(id, Ending::Failed(error)));
        }
    }

    /// Begins to upload what is read from a stream, as far as it goes, under an id as for [`add`](Self::add). Its size in `info` is of
    /// no account. What was read is kept until the store has it, and read once, so it cannot be gone on with after an interruption.
    pub fn add_stream(&self, id: FileId, from: Box<dyn Read + Send>, info: FileInfo) {
        self.0.lock().files.insert(id, Arc::new(Local::of_stream(Stream::new(from))));
        let added = self.0.update(|machine, _| machine.add_as(id, FileInfo { size: None, ..info }));
        if let Err(error) = added {
            let error = client_error(ErrorCode::FileTooLarge, &error.to_string());
            self.0.tell(Event::Ended(id, Ending::Failed(error)));
        }
    }

    /// Begins to copy an object, whose bytes never come here, under an id as for [`add`](Self::add).
    pub fn copy(&self, id: FileId, copy: CreateCopy) {
        self.0.take_in(id, None, None);
        self.0.update(|machine, _| machine.add_copy_as(id, copy));
    }

    /// Aborts an upload, and removes what was stored of it.
    pub fn cancel(&self, id: FileId) {
        self.0.update(|machine, _| {
            machine.cancel(id);
        });
    }

    /// Halts all uploads. Those in parts can be gone on with; what was stored of them stays.
    pub async fn park(&self) {
        let files: Vec<_> = self.0.lock().files.iter().map(|(&id, local)| (id, Arc::clone(local))).collect();
        for (id, local) in files {
            if !self.0.update(|machine, _| machine.pause(id, InFlight::Abandon)) {
                continue;
            }
            self.0.keep(id, &local).await;
            self.0.lock().files.remove(&id);
            self.0.tell(Event::Ended(id, Ending::Parked));
        }
    }

    /// Returns the throughput of the last seconds over all files, in bytes per second.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<f64> {
        self.0.lock().machine.bytes_per_second(self.0.clock.now())
    }
}

impl Timed for Driver {
    fn wake(&self) {
        self.update(Uploader::handle_timeout);
    }
}

impl Driver {
    fn take_in(&self, id: FileId, source: Option<Source>, kept: Option<Kept>) {
        let local = Local::new(source, kept);
        self.lock().files.insert(id, Arc::new(local));
    }

    /// Changes the machine, then does what follows from it.
    fn update<R>(&self, change: impl FnOnce(&mut Uploader, Time) -> R) -> R {
        let mut run = self.lock();
        let result = change(&mut run.machine, self.clock.now());
        self.drive(&mut run);
        result
    }

    fn drive(&self, run: &mut Run) {
        loop {
            while let Some(action) = run.machine.poll_action(self.clock.now()) {
                self.start(run, action);
            }
            // What is heard may lead to more work.
            match run.machine.poll_event() {
                Some(event) => self.hear(run, event),
                None => break,
            }
        }
        self.timer.set(run.machine.poll_timeout());
    }

    // Actions.

    fn start(&self, run: &mut Run, action: Action) {
        match action {
            Action::Hash { job, file, range, kind } => {
                let Some(local) = run.files.get(&file).map(Arc::clone) else { return };
                let stop = run.begin(job);
                let memory = Arc::clone(&self.memory);
                self.spawn(|this| async move {
                    let hashed = spawn_blocking(move || local.hash(&memory, range, kind, stop)).await;
                    if let Ok(Some(outcome)) = hashed {
                        Self::end(&this, job, |machine, _| machine.handle_hash_done(job, outcome));
                    }
                });
            }
            Action::Read { job, file, range, kind } => {
                let Some(local) = run.files.get(&file).map(Arc::clone) else { return };
                let stop = run.begin(job);
                let memory = Arc::clone(&self.memory);
                self.spawn(|this| async move {
                    let read =
                        spawn_blocking(move || local.stream.as_ref()?.read(&memory, range, kind, stop));
                    if let Ok(Some(outcome)) = read.await {
                        Self::end(&this, job, |machine, _| machine.handle_read_done(job, outcome));
                    }
                });
            }
            Action::Release { file, range } => {
                if let Some(stream) = run.files.get(&file).and_then(|local| local.stream.as_ref()) {
                    stream.release(range);
                }
            }
            Action::Call { job, call } => {
                let stop = run.begin(job);
                self.spawn(|this| Self::call(this, job, call, stop));
            }
            Action::Put { job, file, range, put } => {
                let Some(local) = run.files.get(&file).map(Arc::clone) else { return };
                let stop = run.begin(job);
                self.spawn(|this| Self::put(this, job, local, range, put, stop));
            }
            Action::Copy { job, put } => {
                let stop = run.begin(job);
                let http = self.http.clone();
                self.spawn(|this| async move {
                    tokio::select! {
                        _ = stop => {}
                        outcome = put::copy(&http, &put) => {
                            Self::end(&this, job, |machine, now| machine.handle_put_done(job, outcome, now));
                        }
                    }
                });
            }
            Action::Stop { job } => drop(run.jobs.remove(&job)),
        }
    }

    async fn call(this: Weak<Self>, job: JobId, call: ControlCall, stop: oneshot::Receiver<()>) {
        let Some(control) = this.upgrade().map(|driver| Arc::clone(&driver.control)) else { return };
        tokio::select! {
            _ = stop => {}
            outcome = control.call(call) => {
                Self::end(&this, job, |machine, now| machine.handle_call_done(job, outcome, now));
            }
        }
    }

    async fn put(
        this: Weak<Self>,
        job: JobId,
        local: Arc<Local>,
        range: ByteRange,
        put: SignedPut,
        stop: oneshot::Receiver<()>,
    ) {
        let Some((http, memory)) =
            this.upgrade().map(|driver| (driver.http.clone(), Arc::clone(&driver.memory)))
        else {
            return;
        };
        let chunks = match local.held(range) {
            Some(held) => Chunks::Held(held),
            None => {
                let (sender, chunks) = channel(READ_AHEAD);
                let local = Arc::clone(&local);
                spawn_blocking(move || {
                    let sent = local.read(&memory, range, |bytes| sender.blocking_send(Ok(bytes)).is_ok());
                    if let Err(failure) = sent {
                        let _ = sender.blocking_send(Err(failure));
                    }
                });
                Chunks::Read(chunks)
            }
        };
        let moving = this.clone();
        let on_progress = move |sent| {
            if let Some(driver) = moving.upgrade() {
                driver.update(|machine, now| machine.handle_put_progress(job, sent, now));
            }
        };
        let outcome = tokio::select! {
            _ = stop => return,
            outcome = put::send(&http, &put, chunks, range.len(), on_progress) => outcome,
        };
        let outcome = local.judge(outcome, range).await;
        Self::end(&this, job, |machine, now| machine.handle_put_done(job, outcome, now));
    }

    // Events.

    fn hear(&self, run: &mut Run, event: MachineEvent) {
        match event {
            MachineEvent::State(id, state) if state.has_ended() => self.ended(run, id, state),
            MachineEvent::State(id, _) => self.report(run, id, true),
            MachineEvent::Progress(id) => self.report(run, id, false),
            MachineEvent::Journal(id) => self.keep_soon(run, id),
            MachineEvent::Foreign(id) => {
                let Some(local) = run.files.get(&id).map(Arc::clone) else { return };
                // Forgotten here, and left in the journal.
                self.spawn(|_| async move { drop(local.kept.lock().await.take()) });
            }
        }
    }

    fn report(&self, run: &Run, id: FileId, is_state: bool) {
        let now = self.clock.now();
        let (Some(local), Some(status)) = (run.files.get(&id), run.machine.status(id, now)) else { return };
        let at = now.as_millis();
        if !is_state && at < local.reported_at.load(Relaxed) + PROGRESS_INTERVAL {
            return;
        }
        local.reported_at.store(at, Relaxed);
        let progress = Progress {
            state: status.state.as_str(),
            size: status.size,
            done: status.uploaded,
            bytes_per_second: status.bytes_per_second,
            seconds_left: status.seconds_left,
            waiting_for: status.waiting_for,
        };
        self.tell(Event::Progress(id, progress));
    }

    fn ended(&self, run: &mut Run, id: FileId, state: State) {
        let Some(local) = run.files.get(&id).map(Arc::clone) else { return };
        let Some(status) = run.machine.status(id, self.clock.now()) else { return };
        let error = status.error.map(|error| explain(error, &self.http));
        let ending = match (state, status.result, error) {
            (State::Completed, Some(result), _) => Ending::Completed(Box::new(finished(result))),
            (State::Failed, _, Some(error)) => {
                let is_of_no_use = matches!(error.code, ErrorCode::FileChanged | ErrorCode::FileMismatch);
                if is_of_no_use && local.give_up(error.clone()) && run.machine.cancel(id) {
                    // What is stored is of a file that there is not any more.
                    return;
                }
                Ending::Failed(error)
            }
            _ => local.given_up().map_or(Ending::Cancelled, Ending::Failed),
        };
        self.spawn(|this| async move {
            let Some(driver) = this.upgrade() else { return };
            driver.keep(id, &local).await;
            let mut run = driver.lock();
            run.machine.remove(id);
            run.files.remove(&id);
            drop(run);
            driver.tell(Event::Ended(id, ending));
        });
    }

    // What is kept.

    fn keep_soon(&self, run: &Run, id: FileId) {
        let Some(local) = run.files.get(&id).map(Arc::clone) else { return };
        local.is_news.store(true, Relaxed);
        if local.is_keeping.swap(true, Relaxed) {
            return;
        }
        self.spawn(|this| async move {
            while local.is_news.swap(false, Relaxed) {
                let Some(driver) = this.upgrade() else { return };
                driver.keep(id, &local).await;
                drop(driver);
                tokio::time::sleep(KEEP_INTERVAL).await;
            }
            local.is_keeping.store(false, Relaxed);
        });
    }

    /// Writes down what can be gone on with.
    async fn keep(&self, id: FileId, local: &Arc<Local>) {
        let mut kept = Arc::clone(&local.kept).lock_owned().await;
        let (saved, info) = {
            let run = self.lock();
            (run.machine.resumable(id), run.machine.info(id).cloned())
        };
        let Some(info) = info else { return };
        let (keeper, clock, local) = (self.keeper.clone(), self.clock, Arc::clone(local));
        let written = spawn_blocking(move || match &local.source {
            Some(source) => keeper.keep(&mut kept, saved, &info, source, clock),
            None => Ok(()),
        });
        if let Ok(Err(error)) = written.await {
            let why = match error {
                NoClaim::Io(error) => io_reason(&error),
                NoClaim::Busy => error.to_string(),
            };
            self.tell(Event::Warning(id, format!("it could not be recorded how far the upload is: {why}")));
        }
    }

    // Bookkeeping.

    /// Feeds what came of work, unless it was stopped.
    fn end(this: &Weak<Self>, job: JobId, outcome: impl FnOnce(&mut Uploader, Time)) {
        if let Some(driver) = this.upgrade()
            && driver.lock().jobs.remove(&job).is_some()
        {
            driver.update(outcome);
        }
    }

    fn tell(&self, event: Event) {
        // Whoever does not listen any more wants nothing.
        let _ = self.events.send(event);
    }

    fn lock(&self) -> MutexGuard<'_, Run> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, work: impl FnOnce(Weak<Self>) -> F) {
        self.runtime.spawn(work(self.this.clone()));
    }
}

impl Run {
    fn begin(&mut self, job: JobId) -> oneshot::Receiver<()> {
        let (sender, stopped) = oneshot::channel();
        self.jobs.insert(job, sender);
        stopped
    }
}

fn info_of(upload: Upload, source: &Source) -> FileInfo {
    let identity = source.identity();
    FileInfo {
        name: upload.name,
        size: Some(identity.size),
        content_type: upload.content_type,
        last_modified: i64::try_from(identity.modified / 1_000_000).ok(),
        path: upload.path,
        destination: upload.destination,
    }
}

fn finished(result: &CompletedUpload) -> Finished {
    Finished {
        key: result.key.clone(),
        size: result.size,
        etag: result.etag.clone(),
        version_id: result.version_id.clone(),
        verified: result.verified,
        checksum: result.checksum.as_ref().map(|checksum| checksum.value.clone()),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> TransferError {
    let detail = match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "reading it is not permitted".to_owned(),
        _ => error.to_string(),
    };
    client_error(ErrorCode::FileUnreadable, &format!("{}: {detail}", path.display()))
}

fn client_error(code: ErrorCode, detail: &str) -> TransferError {
    TransferError { code, detail: detail.to_owned(), status: None, field: None }
}
