//! Runs the machine: starts what it asks for, and feeds it what came of it.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_timers::callback::Timeout;
use js_sys::Function;
use partway_shared::part::ByteRange;
use partway_shared::sorted::SortedMap;
use partway_shared::time::Time;
use partway_shared::upload::{Action, Failure, FileId, JobId, Status, UploadError, Uploader};
use partway_shared::wire::SignedPut;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::AbortController;

use crate::control::Server;
use crate::environment::{Listener, is_online, now, seed};
use crate::options::{Entry, Options};
use crate::put::{Outcome, Put};
use crate::source::Source;
use crate::{hashing, report};

/// The machine and everything under way for it.
///
/// Work holds the driver weakly: when the engine goes, it stops.
pub(crate) struct Driver {
    this: Weak<Self>,
    machine: RefCell<Uploader>,
    server: Server,
    on_event: Function,
    sources: RefCell<SortedMap<FileId, Rc<Source>>>,
    jobs: RefCell<SortedMap<JobId, Job>>,
    timer: RefCell<Option<(Time, Timeout)>>,
    listeners: RefCell<Vec<Listener>>,
    is_closed: Cell<bool>,
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
        let driver = Rc::new_cyclic(|this| Self {
            this: this.clone(),
            machine: RefCell::new(machine),
            server: Server { endpoint: options.endpoint, headers: options.headers },
            on_event,
            sources: RefCell::default(),
            jobs: RefCell::default(),
            timer: RefCell::default(),
            listeners: RefCell::default(),
            is_closed: Cell::new(false),
        });
        let listen = |name, online| {
            let this = driver.this.clone();
            Listener::on(name, move || {
                if let Some(driver) = this.upgrade() {
                    driver.command(|machine| machine.handle_connectivity(online));
                }
            })
        };
        *driver.listeners.borrow_mut() =
            [listen("online", true), listen("offline", false)].into_iter().flatten().collect();
        driver
    }

    /// Takes files as one batch.
    pub(crate) fn add(&self, entries: Vec<Entry>) -> Result<Vec<FileId>, UploadError> {
        let mut ids = Vec::with_capacity(entries.len());
        for Entry { file, info } in entries {
            let added = self.machine.borrow_mut().add(info);
            let id = match added {
                Ok(id) => id,
                Err(error) => {
                    for id in ids {
                        self.command(|machine| machine.cancel(id));
                        self.forget(id);
                    }
                    return Err(UploadError {
                        code: partway_shared::error::ErrorCode::FileTooLarge,
                        detail: error.to_string(),
                        status: None,
                        field: None,
                    });
                }
            };
            self.sources.borrow_mut().insert(id, Rc::new(Source::new(file)));
            ids.push(id);
        }
        self.drive();
        Ok(ids)
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
        }
    }

    pub(crate) fn with_status<R>(&self, id: FileId, read: impl FnOnce(&Status<'_>) -> R) -> Option<R> {
        self.machine.borrow().status(id, now()).map(|status| read(&status))
    }

    pub(crate) fn close(&self) {
        self.is_closed.set(true);
        self.timer.take();
        self.listeners.take();
        self.sources.take();
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
        loop {
            let event = self.machine.borrow_mut().poll_event();
            match event {
                // A listener that throws is its page's concern.
                Some(event) => drop(self.on_event.call1(&JsValue::NULL, &report::event(event))),
                None => break,
            }
        }
    }

    fn start(&self, action: Action) {
        match action {
            Action::Hash { job, file, range } => self.hash(job, file, range),
            Action::Call { job, call } => self.call(job, call),
            Action::Put { job, file, range, put } => self.put(job, file, range, &put),
            Action::Stop { job } => drop(self.take_job(job)),
        }
    }

    fn hash(&self, job: JobId, file: FileId, range: ByteRange) {
        let Some(source) = self.source(file) else { return };
        self.keep_job(job, Job::Hash);
        self.spawn(async move |this| {
            let is_wanted = || this.upgrade().is_some_and(|driver| driver.jobs.borrow().contains_key(job));
            let Some(outcome) = hashing::hash(&source, range, is_wanted).await.transpose() else { return };
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
        let current = self.timer.borrow().as_ref().map(|(at, _)| *at);
        if timeout == current {
            return;
        }
        let this = self.this.clone();
        *self.timer.borrow_mut() = timeout.map(|at| {
            let delay = u32::try_from(at.since(now()).as_millis()).unwrap_or(u32::MAX);
            let timer = Timeout::new(delay, move || {
                if let Some(driver) = this.upgrade() {
                    driver.timer.take();
                    driver.command(|machine| machine.handle_timeout(now()));
                }
            });
            (at, timer)
        });
    }

    fn source(&self, file: FileId) -> Option<Rc<Source>> {
        self.sources.borrow().get(file).cloned()
    }

    fn keep_job(&self, id: JobId, job: Job) {
        self.jobs.borrow_mut().insert(id, job);
    }

    fn take_job(&self, id: JobId) -> Option<Job> {
        self.jobs.borrow_mut().remove(id)
    }

    fn spawn(&self, work: impl AsyncFnOnce(Weak<Self>) + 'static) {
        let this = self.this.clone();
        spawn_local(async move { work(this).await });
    }
}
