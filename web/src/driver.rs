//! Runs the machine: starts what it asks for, and feeds it what came of it.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use gloo_timers::callback::Timeout;
use js_sys::{Array, Function};
use partway_shared::checksum::ChecksumKind;
use partway_shared::part::ByteRange;
use partway_shared::sorted::{SortedMap, SortedSet};
use partway_shared::time::Time;
use partway_shared::upload::{Action, Event, Failure, FileId, JobId, State, UploadError, Uploader};
use partway_shared::wire::SignedPut;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::AbortController;

use crate::control::Server;
use crate::environment::{is_online, now, seed};
use crate::headers::Headers;
use crate::keeper::Keeper;
use crate::options::{Entry, Options};
use crate::put::{Outcome, Put};
use crate::report::Kind;
use crate::source::Source;
use crate::{hashing, report};

/// Between reports of progress. More often is not seen, and each costs the page a task.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// After this a speed is told again even if nothing moves, so that it is seen to sink.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The machine and everything under way for it.
///
/// Work holds the driver weakly: when the engine goes, it stops.
pub(crate) struct Driver {
    this: Weak<Self>,
    pub(crate) machine: RefCell<Uploader>,
    pub(crate) server: Server,
    pub(crate) on_event: Function,
    pub(crate) keeper: Keeper,
    pub(crate) sources: RefCell<SortedMap<FileId, Rc<Source>>>,
    jobs: RefCell<SortedMap<JobId, Job>>,
    timer: RefCell<Option<Timer>>,
    /// What has moved since progress was told.
    moved: RefCell<SortedSet<FileId>>,
    progress_told: Cell<Time>,
    progress_timer: RefCell<Option<Timer>>,
    is_closed: Cell<bool>,
}

/// What happens at a time, unless it is dropped before.
pub(crate) struct Timer {
    at: Time,
    /// Kept for its drop alone.
    _timeout: Timeout,
}

/// Work under way. Dropping it stops it.
enum Job {
    Hash,
    Call(AbortController),
    /// Kept for its drop alone.
    Put(#[allow(dead_code)] Put),
    /// Failed, and being looked into.
    PutInQuestion,
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Self::Call(controller) = self {
            controller.abort();
        }
    }
}

impl Driver {
    pub(crate) fn new(options: Options, on_event: Function) -> Rc<Self> {
        let mut machine = Uploader::new(options.settings, seed());
        machine.handle_connectivity(is_online());
        let headers = options.headers.map_or_else(|| Headers::provided(on_event.clone()), Headers::fixed);
        let driver = Rc::new_cyclic(|this| Self {
            this: this.clone(),
            machine: RefCell::new(machine),
            server: Server { endpoint: options.endpoint, headers: Rc::new(headers) },
            on_event,
            keeper: Keeper::default(),
            sources: RefCell::default(),
            jobs: RefCell::default(),
            timer: RefCell::default(),
            moved: RefCell::default(),
            progress_told: Cell::default(),
            progress_timer: RefCell::default(),
            is_closed: Cell::new(false),
        });
        if options.journal {
            driver.open_journal();
        }
        driver
    }

    /// Takes files as one batch.
    pub(crate) fn add(&self, entries: Vec<Entry>) -> Result<(), UploadError> {
        let mut ids = Vec::with_capacity(entries.len());
        for Entry { id, file, handle, info } in entries {
            let added = self.machine.borrow_mut().add_as(id, info);
            if let Err(error) = added {
                // Nothing was begun for them yet, and nothing will be told of them.
                for id in ids {
                    self.machine.borrow_mut().cancel(id);
                    self.forget(id);
                }
                return Err(UploadError {
                    code: partway_shared::error::ErrorCode::FileTooLarge,
                    detail: error.message(),
                    status: None,
                    field: None,
                });
            }
            self.sources.borrow_mut().insert(id, Rc::new(Source::new(file, handle)));
            ids.push(id);
        }
        self.drive();
        Ok(())
    }

    /// Tells the machine something, then does what follows from it.
    pub(crate) fn command<R>(&self, tell: impl FnOnce(&mut Uploader) -> R) {
        if self.is_closed.get() {
            return;
        }
        tell(&mut self.machine.borrow_mut());
        self.drive();
    }

    pub(crate) fn forget(&self, id: FileId) {
        if self.machine.borrow_mut().remove(id) {
            self.sources.borrow_mut().remove(id);
            self.keeper.release(id);
        }
    }

    /// A snapshot for JavaScript.
    pub(crate) fn status(&self, id: FileId) -> Option<JsValue> {
        self.machine.borrow().status(id, now()).map(|status| report::status(id, &status))
    }

    pub(crate) fn close(&self) {
        self.is_closed.set(true);
        self.timer.take();
        self.progress_timer.take();
        self.sources.take();
        self.keeper.close();
        // Taken out first: what is dropped may call back.
        let jobs = self.jobs.take();
        drop(jobs);
    }

    /// Starts what the machine asks for, tells what it has to tell, and sets its timer.
    fn drive(&self) {
        loop {
            let action = self.machine.borrow_mut().poll_action(now());
            match action {
                Some(action) => self.start(action),
                None => break,
            }
        }
        let timeout = self.machine.borrow().poll_timeout();
        self.set_timer(timeout);
        self.report();
    }

    /// Tells of new states at once, and of progress when its time has come.
    fn report(&self) {
        let mut changed = SortedSet::new();
        loop {
            let event = self.machine.borrow_mut().poll_event();
            match event {
                Some(Event::State(id, _)) => changed.insert(id),
                Some(Event::Progress(id)) => self.moved.borrow_mut().insert(id),
                Some(Event::Journal(id)) => self.keep(id),
                None => break,
            }
        }
        if !self.moved.borrow().is_empty() {
            self.tell_progress_at(self.progress_told.get() + PROGRESS_INTERVAL);
        }
        self.tell(Kind::State, &changed);
    }

    fn tell_progress(&self) {
        let mut moved = self.moved.take();
        if moved.is_empty() {
            // Nothing has moved for a while, which is to be told as well.
            let machine = self.machine.borrow();
            let is_under_way = |id: &FileId| {
                machine.status(*id, now()).is_some_and(|status| {
                    matches!(status.state, State::Uploading | State::Finishing | State::Cancelling)
                })
            };
            machine.files().filter(is_under_way).for_each(|id| moved.insert(id));
        }
        if moved.is_empty() {
            return;
        }
        self.progress_told.set(now());
        self.tell_progress_at(now() + HEARTBEAT);
        self.tell(Kind::Progress, &moved);
    }

    fn tell_progress_at(&self, at: Time) {
        if self.progress_timer.borrow().as_ref().is_some_and(|timer| timer.at <= at) {
            return;
        }
        *self.progress_timer.borrow_mut() = Some(self.timer(at, |driver| {
            driver.progress_timer.take();
            driver.tell_progress();
        }));
    }

    fn tell(&self, kind: Kind, about: &SortedSet<FileId>) {
        let statuses: Array = about.iter().filter_map(|id| self.status(id)).collect();
        if statuses.length() > 0 {
            // A listener that throws is its page's concern.
            let _ = self.on_event.call1(&JsValue::NULL, &report::statuses(kind, &statuses));
        }
    }

    fn start(&self, action: Action) {
        match action {
            Action::Hash { job, file, range, kind } => self.hash(job, file, range, kind),
            Action::Call { job, call } => self.call(job, call),
            Action::Put { job, file, range, put } => self.put(job, file, range, &put),
            Action::Stop { job } => drop(self.take_job(job)),
        }
    }

    fn hash(&self, job: JobId, file: FileId, range: ByteRange, kind: ChecksumKind) {
        let Some(source) = self.source(file) else { return };
        self.keep_job(job, Job::Hash);
        self.spawn(async move |this| {
            let is_wanted = || this.upgrade().is_some_and(|driver| driver.jobs.borrow().contains_key(job));
            let outcome = hashing::hash(&source, range, kind, is_wanted).await.transpose();
            let Some(outcome) = outcome else { return };
            if let Some(driver) = this.upgrade()
                && driver.take_job(job).is_some()
            {
                driver.command(|machine| machine.handle_hash_done(job, outcome));
            }
        });
    }

    fn call(&self, job: JobId, call: partway_shared::upload::ControlCall) {
        let Ok(controller) = AbortController::new() else { return };
        let signal = controller.signal();
        let server = self.server.clone();
        self.keep_job(job, Job::Call(controller));
        self.spawn(async move |this| {
            let outcome = server.call(&call, &signal).await;
            if let Some(driver) = this.upgrade()
                && driver.take_job(job).is_some()
            {
                driver.command(|machine| machine.handle_call_done(job, outcome, now()));
            }
        });
    }

    fn put(&self, job: JobId, file: FileId, range: ByteRange, put: &SignedPut) {
        let Some(source) = self.source(file) else { return };
        let (progress, end) = (self.this.clone(), self.this.clone());
        let started = source.slice(range).map_err(Failure::Source).and_then(|body| {
            let on_progress = move |sent| {
                if let Some(driver) = progress.upgrade() {
                    driver.command(|machine| machine.handle_put_progress(job, sent, now()));
                }
            };
            let on_end = move |outcome| {
                if let Some(driver) = end.upgrade() {
                    driver.put_ended(job, file, range, outcome);
                }
            };
            Put::start(put, &body, on_progress, on_end).map_err(|error| {
                let why = js_sys::Error::from(error).message();
                Failure::Unusable(why.into())
            })
        });
        match started {
            Ok(put) => self.keep_job(job, Job::Put(put)),
            // The machine is in the middle of handing out work, so it hears of it a moment later.
            Err(failure) => self.spawn(async move |this| {
                if let Some(driver) = this.upgrade() {
                    driver.command(|machine| machine.handle_put_done(job, Err(failure), now()));
                }
            }),
        }
    }

    /// A PUT without an answer may be the file's fault: browsers break off when it changed on disk.
    fn put_ended(&self, job: JobId, file: FileId, range: ByteRange, outcome: Outcome) {
        if self.take_job(job).is_none() {
            return;
        }
        if outcome != Err(Failure::NoAnswer) {
            self.command(|machine| machine.handle_put_done(job, outcome, now()));
            return;
        }
        let Some(source) = self.source(file) else { return };
        self.keep_job(job, Job::PutInQuestion);
        self.spawn(async move |this| {
            let failure = match source.check(range).await {
                Ok(()) => Failure::NoAnswer,
                Err(failure) => Failure::Source(failure),
            };
            if let Some(driver) = this.upgrade()
                && driver.take_job(job).is_some()
            {
                driver.command(|machine| machine.handle_put_done(job, Err(failure), now()));
            }
        });
    }

    fn set_timer(&self, timeout: Option<Time>) {
        let current = self.timer.borrow().as_ref().map(|timer| timer.at);
        if timeout == current {
            return;
        }
        *self.timer.borrow_mut() = timeout.map(|at| {
            self.timer(at, |driver| {
                driver.timer.take();
                driver.command(|machine| machine.handle_timeout(now()));
            })
        });
    }

    pub(crate) fn timer(&self, at: Time, due: fn(&Self)) -> Timer {
        let this = self.this.clone();
        let delay = u32::try_from(at.since(now()).as_millis()).unwrap_or(u32::MAX);
        let timeout = Timeout::new(delay, move || {
            if let Some(driver) = this.upgrade() {
                due(&driver);
            }
        });
        Timer { at, _timeout: timeout }
    }

    pub(crate) fn source(&self, file: FileId) -> Option<Rc<Source>> {
        self.sources.borrow().get(file).cloned()
    }

    fn keep_job(&self, id: JobId, job: Job) {
        self.jobs.borrow_mut().insert(id, job);
    }

    fn take_job(&self, id: JobId) -> Option<Job> {
        self.jobs.borrow_mut().remove(id)
    }

    pub(crate) fn spawn(&self, work: impl AsyncFnOnce(Weak<Self>) + 'static) {
        let this = self.this.clone();
        spawn_local(async move { work(this).await });
    }
}
