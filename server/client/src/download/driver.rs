//! Runs the download machine: starts what it asks for, and feeds it what came of it.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use partway_shared::download::{Action, Downloader, Event as MachineEvent, NewDownload, Partial, State};
use partway_shared::error::ErrorCode;
use partway_shared::limits::MIB;
use partway_shared::part::ByteRange;
use partway_shared::time::Time;
use partway_shared::transfer::{Failure, FileId, JobId, TransferError};
use partway_shared::wire::{ResponseHeaders, SignObjects};
use partway_shared::{download, wire};
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::ordered::{Ordered, Told};
use super::part_file::PartFile;
use super::sink::{Sink, To, blocking};
use super::{Download, Target, fetch};
use crate::clock::{Clock, seed};
use crate::control::Control;
use crate::event::{Ending, Event, Finished, Progress};
use crate::explain::{explain, io_reason};
use crate::http::HttpClient;
use crate::settings::TransferSettings;
use crate::timer::{Timed, Timer};

/// How far ahead of a pipe's reader bytes may be.
const WINDOW: u64 = 16 * MIB;
/// Between two records of the same download, and before the first.
const KEEP_INTERVAL: Duration = Duration::from_secs(2);
/// Between two reports of progress of the same file, in milliseconds.
const PROGRESS_INTERVAL: u64 = 100;

/// Any number of downloads, over one pool of connections. Dropping it ends them; what can be gone on with was kept up to the last
/// record, and [`park`](Self::park) keeps it up to the last byte.
pub struct Downloads(Arc<Driver>);

/// The machine, and everything under way for it. Work holds it weakly.
struct Driver {
    this: Weak<Self>,
    control: Arc<dyn Control>,
    /// Who is asked for objects, so that records of one are not taken for another's.
    scope: String,
    http: HttpClient,
    runtime: Handle,
    clock: Clock,
    state: Mutex<Run>,
    timer: Timer,
    events: UnboundedSender<Event>,
}

struct Run {
    machine: Downloader,
    /// Work under way. Dropping what stands for it stops it.
    jobs: HashMap<JobId, oneshot::Sender<()>>,
    files: HashMap<FileId, Arc<Local>>,
}

/// What is here of one download.
struct Local {
    sink: Sink,
    /// Whether records are being written.
    is_keeping: AtomicBool,
    /// Whether the reader of the pipe is gone.
    is_closed: AtomicBool,
    reported_at: AtomicU64,
}

impl Downloads {
    /// Creates a driver without downloads. It has to be called on a tokio runtime, on which all its work runs.
    ///
    /// `scope` names who is asked for objects, such as the endpoint of a server.
    #[must_use]
    pub fn new(
        control: Arc<dyn Control>,
        scope: &str,
        http: HttpClient,
        settings: &TransferSettings,
        events: UnboundedSender<Event>,
    ) -> Self {
        let (runtime, clock) = (Handle::current(), Clock::new());
        Self(Arc::new_cyclic(|this: &Weak<Driver>| Driver {
            this: this.clone(),
            control,
            scope: scope.to_owned(),
            http,
            clock,
            state: Mutex::new(Run {
                machine: Downloader::new(settings.download(), seed()),
                jobs: HashMap::new(),
                files: HashMap::new(),
            }),
            timer: Timer::new(&runtime, clock, this.clone()),
            runtime,
            events,
        }))
    }

    /// Begins a download, or goes on with what is there of it. The id is the caller's to choose, and no other download of this driver
    /// may have it.
    pub async fn add(&self, id: FileId, download: Download) {
        let Download { object, target } = download;
        let response =
            ResponseHeaders { content_encoding: Some("identity".to_owned()), ..ResponseHeaders::default() };
        let wanted = |sink| NewDownload { object: object.clone(), response, sink };
        match target {
            Target::Writer(writer) => {
                let this = self.0.this.clone();
                let ordered = Ordered::new(writer, move |told| {
                    if let Some(driver) = this.upgrade() {
                        driver.told(id, told);
                    }
                });
                self.0.take_in(id, To::Stream(Arc::new(ordered)));
                let wanted = wanted(download::Sink::Ordered { window_bytes: WINDOW });
                self.0.update(|machine, _| machine.add_as(id, wanted));
            }
            Target::File(target) => {
                let file = Arc::new(PartFile::new(target, &self.0.scope, &object));
                self.0.take_in(id, To::File(Arc::clone(&file)));
                let sought = object.clone();
                let found = blocking(move || file.find(&sought)).await;
                let wanted = wanted(download::Sink::Random);
                match found {
                    Ok(Some(partial)) => {
                        self.0.tell(Event::GoesOn(id, partial.bytes()));
                        self.0.update(|machine, _| machine.restore_as(id, wanted, partial));
                    }
                    Ok(None) => self.0.update(|machine, _| machine.add_as(id, wanted)),
                    Err(detail) => {
                        self.0.lock().files.remove(&id);
                        let error = TransferError {
                            code: ErrorCode::FileUnwritable,
                            detail,
                            status: None,
                            field: None,
                        };
                        self.0.tell(Event::Ended(id, Ending::Failed(error)));
                    }
                }
            }
        }
    }

    /// Gives a download up, and removes what is there of it.
    pub fn cancel(&self, id: FileId) {
        self.0.update(|machine, _| {
            machine.cancel(id);
        });
    }

    /// Halts all downloads, and keeps what is there of them.
    pub async fn park(&self) {
        let files: Vec<_> = self.0.lock().files.iter().map(|(&id, local)| (id, Arc::clone(local))).collect();
        for (id, local) in files {
            let is_halted = self.0.update(|machine, _| machine.pause(id));
            if !is_halted {
                continue;
            }
            self.0.keep(id, &local).await;
            local.sink.release(true).await;
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
        self.update(Downloader::handle_timeout);
    }
}

impl Driver {
    fn take_in(&self, id: FileId, to: To) {
        let local = Local {
            sink: Sink::new(to),
            is_keeping: AtomicBool::default(),
            is_closed: AtomicBool::default(),
            reported_at: AtomicU64::default(),
        };
        self.lock().files.insert(id, Arc::new(local));
    }

    /// Changes the machine, then does what follows from it.
    fn update<R>(&self, change: impl FnOnce(&mut Downloader, Time) -> R) -> R {
        let mut run = self.lock();
        let result = change(&mut run.machine, self.clock.now());
        self.drive(&mut run);
        result
    }

    fn drive(&self, run: &mut Run) {
        while let Some(action) = run.machine.poll_action(self.clock.now()) {
            self.start(run, action);
        }
        while let Some(event) = run.machine.poll_event() {
            self.hear(run, event);
        }
        self.timer.set(run.machine.poll_timeout());
    }

    // Actions.

    fn start(&self, run: &mut Run, action: Action) {
        match action {
            Action::Call { job, call } => {
                let stop = run.begin(job);
                self.spawn(|this| Self::call(this, job, call, stop));
            }
            Action::Open { file, size, keeps } => {
                let Some(local) = run.files.get(&file).map(Arc::clone) else { return };
                local.sink.begin_opening();
                self.spawn(|this| async move {
                    if let Err(why) = local.sink.open(size, keeps).await {
                        Self::fail(&this, file, &why);
                    }
                });
            }
            Action::Get { job, file, range, url } => {
                let Some(local) = run.files.get(&file).map(Arc::clone) else { return };
                let stop = run.begin(job);
                self.spawn(|this| Self::get(this, (job, file), local, range, url, stop));
            }
            Action::Save { job, file } => {
                let Some(local) = run.files.get(&file).map(Arc::clone) else { return };
                let status = run.machine.status(file, self.clock.now());
                let stored_at = status.and_then(|status| status.object?.last_modified);
                drop(run.begin(job));
                self.spawn(|this| async move {
                    let saved = local.sink.save(stored_at).await;
                    if let Some(driver) = this.upgrade() {
                        driver.lock().jobs.remove(&job);
                        driver.update(|machine, _| machine.handle_save_done(job, saved));
                    }
                });
            }
            Action::Stop { job } => drop(run.jobs.remove(&job)),
        }
    }

    async fn call(this: Weak<Self>, job: JobId, call: SignObjects, stop: oneshot::Receiver<()>) {
        let Some(control) = this.upgrade().map(|driver| Arc::clone(&driver.control)) else { return };
        tokio::select! {
            _ = stop => {}
            outcome = control.sign(call) => {
                Self::end(&this, job, |machine, now| machine.handle_call_done(job, outcome, now));
            }
        }
    }

    async fn get(
        this: Weak<Self>,
        (job, id): (JobId, FileId),
        local: Arc<Local>,
        range: Option<ByteRange>,
        url: String,
        mut stop: oneshot::Receiver<()>,
    ) {
        let Some(http) = this.upgrade().map(|driver| driver.http.clone()) else { return };
        let begun = tokio::select! {
            _ = &mut stop => return,
            begun = fetch::get(&http, &url, range) => begun,
        };
        let (response, head) = match begun {
            Ok(begun) => begun,
            Err(failure) => {
                Self::end(&this, job, |machine, now| machine.handle_get_done(job, Err(failure), now));
                return;
            }
        };
        let Some(driver) = this.upgrade() else { return };
        if !driver.update(|machine, now| machine.handle_get_head(job, &head, now)) {
            driver.lock().jobs.remove(&job);
            return;
        }
        drop(driver);
        if !local.sink.is_open().await {
            return;
        }
        let mut body = response.into_body();
        let outcome = loop {
            let frame = tokio::select! {
                biased;
                _ = &mut stop => return,
                frame = body.frame() => frame,
            };
            match frame {
                Some(Ok(frame)) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    match Self::take(&this, job, &local, bytes, &mut stop).await {
                        Ok(true) => {}
                        Ok(false) => return,
                        Err(why) => {
                            Self::fail(&this, id, &why);
                            return;
                        }
                    }
                }
                Some(Err(error)) => {
                    http.no_answer(&url, &format!("the answer broke off: {error}"));
                    break Err(Failure::NoAnswer);
                }
                None => break Ok(()),
            }
        };
        Self::end(&this, job, |machine, now| machine.handle_get_done(job, outcome, now));
    }

    /// Has the machine take bytes, and writes what it gives out of them. Returns whether the request goes on.
    async fn take(
        this: &Weak<Self>,
        job: JobId,
        local: &Local,
        mut bytes: Bytes,
        stop: &mut oneshot::Receiver<()>,
    ) -> Result<bool, String> {
        loop {
            // Asked for before the bytes are offered, so that no room is missed.
            let mut room = local.sink.more_taken();
            let gate = local.sink.enter().await;
            let Some(driver) = this.upgrade() else { return Ok(false) };
            let pieces = driver.offer(job, &mut bytes);
            if !pieces.is_empty() {
                local.sink.put(pieces).await?;
            }
            drop((gate, driver));
            if bytes.is_empty() {
                return Ok(true);
            }
            tokio::select! {
                _ = &mut *stop => return Ok(false),
                changed = room.changed() => if changed.is_err() { return Ok(false) },
            }
        }
    }

    /// Offers bytes to the machine. Returns what it gives out, and leaves what there is no room for.
    fn offer(&self, job: JobId, bytes: &mut Bytes) -> Vec<(u64, Bytes)> {
        let mut pieces = Vec::new();
        let mut run = self.lock();
        let now = self.clock.now();
        let mut left: &[u8] = bytes;
        while let Some(piece) = run.machine.handle_get_data(job, &mut left, now) {
            pieces.push((piece.offset, bytes.slice_ref(piece.bytes)));
        }
        let used = bytes.len() - left.len();
        self.drive(&mut run);
        drop(run);
        let _ = bytes.split_to(used);
        pieces
    }

    /// Takes in what the writer of a stream says.
    fn told(&self, id: FileId, told: Told) {
        let Some(local) = self.lock().files.get(&id).map(Arc::clone) else { return };
        match told {
            Told::Taken(up_to) => {
                self.update(|machine, now| machine.handle_taken(id, up_to, now));
                local.sink.note_taken(up_to);
            }
            Told::Failed(error) => {
                local.is_closed.store(error.kind() == ErrorKind::BrokenPipe, Relaxed);
                self.update(|machine, _| machine.handle_write_failed(id, &io_reason(&error)));
            }
        }
    }

    // Events.

    fn hear(&self, run: &Run, event: MachineEvent) {
        match event {
            MachineEvent::State(id, state) if state.has_ended() => self.ended(run, id, state),
            MachineEvent::State(id, state) => {
                if state == State::Downloading {
                    self.keep_again_and_again(run, id);
                }
                self.report(run, id, true);
            }
            MachineEvent::Progress(id) => self.report(run, id, false),
            // It is kept at intervals, since ranges under way count too.
            MachineEvent::Journal(_) => {}
            MachineEvent::Restarted(id) => self.tell(Event::Restarted(id)),
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
            done: status.downloaded,
            bytes_per_second: status.bytes_per_second,
            seconds_left: status.seconds_left,
            waiting_for: status.waiting_for,
        };
        self.tell(Event::Progress(id, progress));
    }

    fn ended(&self, run: &Run, id: FileId, state: State) {
        let Some(local) = run.files.get(&id).map(Arc::clone) else { return };
        let Some(status) = run.machine.status(id, self.clock.now()) else { return };
        let error = status.error.map(|error| explain(error, &self.http));
        let ending = match (state, status.object, status.result, error) {
            (State::Completed, Some(object), Some(result), _) => {
                Ending::Completed(Box::new(finished(object, result)))
            }
            (State::Failed, _, _, Some(_)) if local.is_closed.load(Relaxed) => Ending::Closed,
            (State::Failed, _, _, Some(error)) => Ending::Failed(error),
            _ => Ending::Cancelled,
        };
        let is_unwritable =
            matches!(&ending, Ending::Failed(error) if error.code == ErrorCode::FileUnwritable);
        self.spawn(|this| async move {
            let Some(driver) = this.upgrade() else { return };
            if !matches!(ending, Ending::Completed(_)) {
                // Where there was no room, what was recorded before is there all the same.
                let is_kept = driver.keep(id, &local).await || is_unwritable;
                local.sink.release(is_kept).await;
            }
            let mut run = driver.lock();
            run.machine.remove(id);
            run.files.remove(&id);
            drop(run);
            driver.tell(Event::Ended(id, ending));
        });
    }

    // What is kept.

    fn keep_again_and_again(&self, run: &Run, id: FileId) {
        let Some(local) = run.files.get(&id).map(Arc::clone) else { return };
        if !matches!(local.sink.to, To::File(_)) || local.is_keeping.swap(true, Relaxed) {
            return;
        }
        self.spawn(|this| async move {
            loop {
                tokio::time::sleep(KEEP_INTERVAL).await;
                let Some(driver) = this.upgrade() else { return };
                if !driver.lock().files.contains_key(&id) {
                    return;
                }
                driver.keep(id, &local).await;
            }
        });
    }

    /// Writes down what is there. Returns whether there is anything.
    async fn keep(&self, id: FileId, local: &Local) -> bool {
        let To::File(file) = &local.sink.to else { return false };
        // The bytes that the machine has given out by then are written.
        let partial: Option<Partial> = local.sink.alone(|| self.lock().machine.partial(id)).await;
        let Some(partial) = partial else { return false };
        let file = Arc::clone(file);
        if let Err(why) = blocking(move || file.keep(partial)).await {
            self.tell(Event::Warning(id, format!("it could not be recorded how far the download is: {why}")));
        }
        true
    }

    // Bookkeeping.

    /// What was given out could not be written.
    fn fail(this: &Weak<Self>, id: FileId, why: &str) {
        if let Some(driver) = this.upgrade() {
            driver.update(|machine, _| machine.handle_write_failed(id, why));
        }
    }

    /// Feeds what came of work, unless it was stopped.
    fn end(this: &Weak<Self>, job: JobId, outcome: impl FnOnce(&mut Downloader, Time)) {
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

fn finished(object: &wire::ObjectInfo, result: download::Downloaded) -> Finished {
    Finished {
        key: object.key.clone(),
        size: object.size,
        etag: object.etag.clone(),
        version_id: object.version_id.clone(),
        verified: result.verified,
        checksum: result.checksum.map(|checksum| checksum.to_string()),
    }
}
