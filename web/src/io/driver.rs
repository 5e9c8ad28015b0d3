//! Runs a session: starts what it asks for, and feeds it what came of it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::{Rc, Weak};

use js_sys::Function;
use litemap::LiteMap;
use partway_shared::checksum::ChecksumKind;
use partway_shared::client::{CALLER_PATH, CallKind, read_caller};
use partway_shared::part::ByteRange;
use partway_shared::time::Time;
use partway_shared::transfer::{Failure, FileId, JobId};
use partway_shared::upload::{Action, ControlCall, FileInfo};
use partway_shared::wire::{AbortUpload, CreationId, SignedPut};
use partway_web_io::clock::{Timer, epoch, now};
use partway_web_io::event::{BrokenError, EngineError};
use partway_web_io::journal::{Journal, Place};
use partway_web_io::options::Headers;
use partway_web_io::scope::{PanicWatch, is_broken, is_online, message_of, seed};
use partway_web_io::server::{Request, Server};
use tsify::Tsify;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, File};

use super::hash::hash;
use super::lock::Lock;
use super::put::{Outcome, Put};
use super::source::Source;
use crate::api::{EngineEvent, EngineOptions, ResumableEntry, UploadStatus};
use crate::session::{Effect, Event, Holder, NewFile, Record, Session};

const JOURNAL: Place = Place { database: "partway", store: "uploads" };

/// A file that the page has given, under an id of its own.
pub(crate) struct Chosen {
    pub(crate) id: FileId,
    pub(crate) file: File,
    pub(crate) path: Option<String>,
    pub(crate) destination: Option<String>,
    pub(crate) handle: Option<JsValue>,
}

/// A session, and everything under way for it.
///
/// Work holds the driver weakly: when the engine goes, it stops.
pub(crate) struct Driver {
    this: Weak<Self>,
    session: RefCell<Session>,
    server: Rc<Server>,
    page: Page,
    journal: RefCell<Option<Rc<Journal>>>,
    /// The file handles of the records that were read last, by the records' keys.
    handles: RefCell<LiteMap<String, JsValue>>,
    sources: RefCell<LiteMap<FileId, Rc<Source>>>,
    locks: RefCell<LiteMap<Holder, Lock>>,
    jobs: RefCell<LiteMap<JobId, Job>>,
    timer: RefCell<Option<Timer>>,
    is_closed: Cell<bool>,
    _panics: (PanicWatch, Closure<dyn FnMut(String)>),
}

/// Work under way. Dropping it stops it.
enum Job {
    Hash,
    Call(AbortController),
    Put(#[expect(dead_code, reason = "it is kept for its drop alone")] Put),
    /// A PUT that has failed, while the file is looked at.
    Check,
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Self::Call(controller) = self {
            controller.abort();
        }
    }
}

/// Whoever listens to the engine's events.
#[derive(Clone)]
struct Page(Function);

impl Page {
    fn tell(&self, event: &EngineEvent) {
        if let Ok(event) = event.into_ts() {
            // A listener that throws is the page's concern.
            let _ = self.0.call1(&JsValue::NULL, &event.into());
        }
    }
}

impl Driver {
    pub(crate) fn new(options: &EngineOptions, tell: Function) -> Rc<Self> {
        let page = Page(tell);
        let session_options = options.session(epoch());
        let (asking, breaking) = (page.clone(), page.clone());
        let server = Server::new(options.access(), move || asking.tell(&EngineEvent::Headers));
        let on_panic = Closure::<dyn FnMut(String)>::new(move |message| {
            breaking.tell(&EngineEvent::Broken { error: BrokenError { message } });
        });
        let watch = PanicWatch::new(on_panic.as_ref().unchecked_ref::<Function>().clone());
        let driver = Rc::new_cyclic(|this| Self {
            this: this.clone(),
            session: RefCell::new(Session::new(session_options, seed(), is_online())),
            server: Rc::new(server),
            page,
            journal: RefCell::default(),
            handles: RefCell::default(),
            sources: RefCell::default(),
            locks: RefCell::default(),
            jobs: RefCell::default(),
            timer: RefCell::default(),
            is_closed: Cell::default(),
            _panics: (watch, on_panic),
        });
        driver.drive();
        driver
    }

    /// Takes files as one batch.
    pub(crate) fn add(&self, chosen: Vec<Chosen>) {
        let files = chosen.into_iter().map(|chosen| self.take_in(chosen)).collect();
        self.command(|session, _| session.add(files));
    }

    /// Takes an upload of the journal up again with its file.
    pub(crate) fn take_up(&self, chosen: Chosen, id: Option<CreationId>) {
        let file = self.take_in(chosen);
        self.command(|session, _| session.take_up(file, id));
    }

    /// Takes in what the page says when it is asked for headers.
    pub(crate) fn answer(&self, answer: Result<Headers, String>) {
        self.server.answer(answer);
    }

    /// Changes the session, then does what follows from it.
    pub(crate) fn command(&self, change: impl FnOnce(&mut Session, Time)) {
        if self.is_closed.get() || is_broken() {
            return;
        }
        let now = now();
        change(&mut self.session.borrow_mut(), now);
        self.drive();
    }

    /// Abandons all work, and detaches every listener and timer.
    pub(crate) fn close(&self) {
        if is_broken() {
            return;
        }
        self.is_closed.set(true);
        // Taken out first: what is dropped may call back.
        drop((self.timer.take(), self.jobs.take(), self.locks.take()));
        drop((self.journal.take(), self.sources.take(), self.handles.take()));
    }

    fn take_in(&self, chosen: Chosen) -> NewFile {
        let Chosen { id, file, path, destination, handle } = chosen;
        let info = FileInfo {
            name: file.name(),
            size: Some(file.size() as u64),
            content_type: Some(file.type_()).filter(|kind| !kind.is_empty()),
            last_modified: Some(file.last_modified() as i64),
            path,
            destination,
        };
        self.sources.borrow_mut().entry(id).or_insert_with(|| Rc::new(Source::new(file, handle)));
        NewFile { id, info }
    }

    /// Does all that the session asks for and tells all that it has to tell, then waits until it is due.
    fn drive(&self) {
        let begun = now();
        self.session.borrow_mut().handle_timeout(begun);
        loop {
            let now = now();
            let effect = self.session.borrow_mut().poll_effect(now);
            match effect {
                Some(effect) => self.start(effect),
                None => break,
            }
        }
        loop {
            let event = self.session.borrow_mut().poll_event();
            match event {
                Some(event) => self.tell(event),
                None => break,
            }
        }
        let due = self.session.borrow().poll_timeout();
        let current = self.timer.borrow().as_ref().map(|timer| timer.at);
        if due != current {
            let timer = due.map(|at| self.timer(at));
            drop(self.timer.replace(timer));
        }
    }

    fn timer(&self, at: Time) -> Timer {
        let this = self.this.clone();
        Timer::new(at, move || {
            if let Some(driver) = this.upgrade() {
                drop(driver.timer.take());
                driver.command(|_, _| {});
            }
        })
    }

    // Events.

    fn tell(&self, event: Event) {
        let event = match event {
            Event::State(ids) => EngineEvent::State { statuses: self.statuses(&ids) },
            Event::Progress(ids) => EngineEvent::Progress { statuses: self.statuses(&ids) },
            Event::Done(id) => {
                let status = self.statuses(&BTreeSet::from([id])).pop();
                EngineEvent::Done { id: id.0, status: status.map(Box::new) }
            }
            Event::Refused(ids, error) => {
                let ids = ids.into_iter().map(|id| id.0).collect();
                EngineEvent::Refused { ids, error: EngineError::from(&error) }
            }
            Event::Resumable(entries, skipped) => {
                let session = self.session.borrow();
                let handles = self.handles.borrow();
                let entries = entries.into_iter().map(|entry| {
                    let handle = handles.get(&session.journal_key(entry.saved.grant.id)).cloned();
                    let expires_at = session.date(entry.saved.grant.expires_at);
                    ResumableEntry::new(entry, expires_at, handle.unwrap_or_default())
                });
                EngineEvent::Resumable { entries: entries.collect(), skipped }
            }
            Event::Warning(code, message) => {
                EngineEvent::Warning { code: code.to_owned(), message: message.to_owned() }
            }
        };
        self.page.tell(&event);
    }

    fn statuses(&self, ids: &BTreeSet<FileId>) -> Vec<UploadStatus> {
        let now = now();
        let session = self.session.borrow();
        let known = ids.iter().filter_map(|&id| Some(UploadStatus::new(id, &session.status(id, now)?)));
        known.collect()
    }

    // Effects.

    fn start(&self, effect: Effect) {
        match effect {
            Effect::Work(Action::Hash { job, file, range, kind }) => self.hash(job, file, range, kind),
            // The size of a file is known, so that it is never read as a stream.
            Effect::Work(Action::Read { .. } | Action::Release { .. }) => {}
            Effect::Work(Action::Call { job, call }) => self.call(job, &call),
            Effect::Work(Action::Put { job, file, range, put }) => self.put(job, file, range, &put),
            Effect::Work(Action::Copy { job, put }) => self.ask_for_copy(job, &put),
            Effect::Work(Action::Stop { job }) => drop(self.take_job(job)),
            Effect::DropFile(id) => {
                drop(self.sources.borrow_mut().remove(&id));
                self.unlock(Holder::File(id));
            }
            Effect::Lock(holder, name) => self.lock(holder, &name),
            Effect::Unlock(holder) => self.unlock(holder),
            Effect::OpenJournal => self.open_journal(),
            Effect::ReadJournal => self.read_journal(),
            Effect::WriteRecord { file, key, record } => self.write_record(file, key, record),
            Effect::RemoveRecord(key) => self.remove_record(key),
            Effect::ForgetRecords { keys, holder } => self.forget_records(keys, holder),
            Effect::AskCaller => self.ask_caller(),
            Effect::Discard { id, token } => self.discard(id, token),
        }
    }

    fn hash(&self, job: JobId, file: FileId, range: ByteRange, kind: ChecksumKind) {
        let Some(source) = self.source(file) else { return };
        self.keep_job(job, Job::Hash);
        self.spawn(async move |this| {
            let is_wanted = || this.upgrade().is_some_and(|driver| driver.jobs.borrow().contains_key(&job));
            if let Some(outcome) = hash(&source, range, kind, is_wanted).await.transpose() {
                Self::end(&this, job, |session, _| session.handle_hash_done(job, outcome));
            }
        });
    }

    fn call(&self, job: JobId, call: &ControlCall) {
        let Ok(controller) = AbortController::new() else { return };
        let (server, signal) = (self.server.clone(), controller.signal());
        let (kind, request) = (call.kind(), Request::post(call.kind().path(), call));
        self.keep_job(job, Job::Call(controller));
        self.spawn(async move |this| {
            let answer = server.send(&request, Some(&signal)).await;
            let outcome = answer.and_then(|answer| kind.read_answer(&answer));
            Self::end(&this, job, |session, now| session.handle_call_done(job, outcome, now));
        });
    }

    /// Nothing but an answer is waited for, since nothing is sent.
    fn ask_for_copy(&self, job: JobId, put: &SignedPut) {
        let ending = self.this.clone();
        let on_end = move |outcome| {
            if let Some(driver) = ending.upgrade()
                && driver.job_ended(job)
            {
                driver.command(|session, now| session.handle_put_done(job, outcome, now));
            }
        };
        self.keep_put(job, Put::send(put, None, |_| {}, on_end).map_err(|thrown| unusable(&thrown)));
    }

    fn put(&self, job: JobId, file: FileId, range: ByteRange, put: &SignedPut) {
        let Some(source) = self.source(file) else { return };
        let (moving, ending) = (self.this.clone(), self.this.clone());
        let on_progress = move |sent| {
            Self::update(&moving, |session, now| session.handle_put_progress(job, sent, now));
        };
        let on_end = move |outcome| {
            if let Some(driver) = ending.upgrade() {
                driver.put_ended(job, file, range, outcome);
            }
        };
        let sent = source.slice(range).map_err(Failure::Source).and_then(|body| {
            Put::send(put, Some(&body), on_progress, on_end).map_err(|thrown| unusable(&thrown))
        });
        self.keep_put(job, sent);
    }

    fn keep_put(&self, job: JobId, sent: Result<Put, Failure>) {
        match sent {
            Ok(put) => self.keep_job(job, Job::Put(put)),
            Err(failure) => {
                self.keep_job(job, Job::Check);
                // The session is in the middle of handing out work, so it hears of it a moment later.
                self.spawn(async move |this| {
                    Self::end(&this, job, |session, now| session.handle_put_done(job, Err(failure), now));
                });
            }
        }
    }

    /// One without an answer may be the file's fault: browsers break off when it changed on disk.
    fn put_ended(&self, job: JobId, file: FileId, range: ByteRange, outcome: Outcome) {
        if !self.job_ended(job) {
            return;
        }
        let Some(source) = self.source(file).filter(|_| outcome == Err(Failure::NoAnswer)) else {
            self.command(|session, now| session.handle_put_done(job, outcome, now));
            return;
        };
        self.keep_job(job, Job::Check);
        self.spawn(async move |this| {
            let failure = source.check(range).await.map_or_else(Failure::Source, |()| Failure::NoAnswer);
            Self::end(&this, job, |session, now| session.handle_put_done(job, Err(failure), now));
        });
    }

    /// Lets go of a request that has ended; whether it was still wanted.
    fn job_ended(&self, job: JobId) -> bool {
        let Some(ended) = self.take_job(job) else { return false };
        // Its closure is running, and has to outlive this call.
        self.spawn(async move |_| drop(ended));
        true
    }

    fn lock(&self, holder: Holder, name: &str) {
        let (lock, granted) = Lock::request(name);
        self.locks.borrow_mut().insert(holder, lock);
        self.spawn(async move |this| {
            let is_granted = granted.await;
            Self::update(&this, |session, _| session.handle_locked(holder, is_granted));
        });
    }

    fn unlock(&self, holder: Holder) {
        let lock = self.locks.borrow_mut().remove(&holder);
        drop(lock);
    }

    fn open_journal(&self) {
        self.spawn(async move |this| {
            let opened = Journal::open(JOURNAL).await;
            let Some(driver) = this.upgrade().filter(|driver| !driver.is_closed.get()) else { return };
            let is_open = opened.is_ok();
            driver.journal.replace(opened.ok().map(Rc::new));
            driver.command(|session, now| session.handle_journal_opened(is_open, now));
        });
    }

    fn read_journal(&self) {
        let Some(journal) = self.journal.borrow().clone() else { return };
        self.spawn(async move |this| {
            let read = journal.read().await;
            let held = Lock::held().await;
            let Some(driver) = this.upgrade() else { return };
            match read {
                Ok(contents) => {
                    driver.handles.replace(contents.handles);
                    driver.command(|session, now| session.handle_journal_read(contents.found, &held, now));
                }
                Err(_) => driver.command(|session, _| session.handle_journal_failed()),
            }
        });
    }

    fn write_record(&self, file: FileId, key: String, record: Box<Record>) {
        let Some(journal) = self.journal.borrow().clone() else { return };
        let source = self.source(file);
        self.spawn(async move |this| {
            let handle = source.as_ref().and_then(|source| source.handle.as_ref());
            let is_written = journal.write(&key, &record, handle).await.is_ok();
            Self::update(&this, |session, _| session.handle_journal_written(is_written));
        });
    }

    fn remove_record(&self, key: String) {
        let Some(journal) = self.journal.borrow().clone() else { return };
        self.spawn(async move |this| {
            let is_written = journal.remove(&[key]).await.is_ok();
            Self::update(&this, |session, _| session.handle_journal_written(is_written));
        });
    }

    fn forget_records(&self, keys: Vec<String>, holder: Option<Holder>) {
        let Some(journal) = self.journal.borrow().clone() else { return };
        self.spawn(async move |this| {
            let forgotten = journal.remove(&keys).await;
            let Some(driver) = this.upgrade() else { return };
            if let Some(holder) = holder {
                driver.unlock(holder);
            }
            if forgotten.is_err() {
                driver.command(|session, _| session.handle_journal_failed());
            }
        });
    }

    fn ask_caller(&self) {
        let server = self.server.clone();
        self.spawn(async move |this| {
            let answer = server.send(&Request::get(CALLER_PATH), None).await;
            let outcome = answer.and_then(|answer| read_caller(&answer));
            Self::update(&this, |session, now| session.handle_caller(outcome, now));
        });
    }

    fn discard(&self, id: CreationId, token: String) {
        let server = self.server.clone();
        self.spawn(async move |this| {
            let request = Request::post(CallKind::Abort.path(), &AbortUpload { token });
            let answer = server.send(&request, None).await;
            let outcome = answer.and_then(|answer| CallKind::Abort.read_answer(&answer));
            Self::update(&this, |session, _| session.handle_discarded(id, &outcome));
        });
    }

    // Bookkeeping.

    /// Changes the session, if the engine is still there.
    fn update(this: &Weak<Self>, change: impl FnOnce(&mut Session, Time)) {
        if let Some(driver) = this.upgrade() {
            driver.command(change);
        }
    }

    /// Feeds what came of work, unless it was stopped.
    fn end(this: &Weak<Self>, job: JobId, outcome: impl FnOnce(&mut Session, Time)) {
        if let Some(driver) = this.upgrade()
            && driver.take_job(job).is_some()
        {
            driver.command(outcome);
        }
    }

    fn source(&self, file: FileId) -> Option<Rc<Source>> {
        self.sources.borrow().get(&file).cloned()
    }

    fn keep_job(&self, id: JobId, job: Job) {
        self.jobs.borrow_mut().insert(id, job);
    }

    fn take_job(&self, id: JobId) -> Option<Job> {
        self.jobs.borrow_mut().remove(&id)
    }

    fn spawn(&self, work: impl AsyncFnOnce(Weak<Self>) + 'static) {
        let this = self.this.clone();
        spawn_local(async move { work(this).await });
    }
}

fn unusable(thrown: &JsValue) -> Failure {
    Failure::Unusable(message_of(thrown))
}
