//! Runs a session: starts what it asks for, and feeds it what came of it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::{Rc, Weak};
use std::time::Duration;

use js_sys::{Function, Uint8Array};
use litemap::LiteMap;
use partway_shared::client::{SIGN_OBJECTS_PATH, read_signed_objects};
use partway_shared::download::{Action, NewDownload, Partial, Sink as SinkKind, State};
use partway_shared::error::ErrorCode;
use partway_shared::part::ByteRange;
use partway_shared::time::Time;
use partway_shared::transfer::{Failure, FileId, JobId};
use partway_shared::wire::{
    Disposition, ObjectName, ObjectSigning, ObjectToSign, ResponseHeaders, SignObjects, SignedObjects,
};
use partway_web_io::clock::{Timer, now};
use partway_web_io::event::BrokenError;
use partway_web_io::options::{Headers, error_of};
use partway_web_io::scope::{PanicWatch, Signal, is_broken, is_online, seed};
use partway_web_io::server::{Request, Server};
use tsify::Tsify;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, AbortSignal};

use super::body::Body;
use super::disk::FileHandle;
use super::fetch;
use super::keeper::Keeper;
use super::sink::{FileOptions, Sink, Writer, Writers};
use crate::api::{DownloadStatus, EngineEvent, EngineOptions, ResumableEntry, Target};
use crate::session::{Event, Found, Session, Taken};

/// The most that is kept in memory: what a tab has, it shares with its page.
const MEMORY_MAX: u64 = 512 * 1024 * 1024;
/// How far ahead of a stream's consumer bytes may be.
const WINDOW: u64 = 64 * 1024 * 1024;
/// Bytes that are copied and hashed at once: small enough to stay in the processor's cache from the one to the other.
const SCRATCH: u32 = 256 * 1024;
/// Between two records of the same download.
const KEEP_INTERVAL: Duration = Duration::from_millis(500);

/// What the page wants to have downloaded, and where to.
pub(crate) struct Wanted {
    pub(crate) object: ObjectName,
    pub(crate) filename: Option<String>,
    pub(crate) to: Target,
    pub(crate) handle: Option<FileHandle>,
    pub(crate) resumable: Option<bool>,
}

/// A session, and everything under way for it.
///
/// Work holds the driver weakly: when the engine goes, it stops.
pub(crate) struct Driver {
    this: Weak<Self>,
    session: RefCell<Session>,
    server: Rc<Server>,
    page: Page,
    keeper: Rc<Keeper>,
    files: RefCell<LiteMap<FileId, Rc<Local>>>,
    jobs: RefCell<LiteMap<JobId, Job>>,
    scratch: RefCell<Vec<u8>>,
    timer: RefCell<Option<Timer>>,
    is_closed: Cell<bool>,
    _panics: (PanicWatch, Closure<dyn FnMut(String)>),
}

/// What is here of one download.
struct Local {
    id: FileId,
    wanted: Wanted,
    sink: RefCell<Option<Rc<Sink>>>,
    /// When the sink is open, or could not be opened.
    opened: RefCell<Rc<Signal>>,
    /// How many times it is being opened or emptied, one after the other.
    opening: Cell<u32>,
    /// How often it was.
    turn: Rc<Cell<u32>>,
    writers: Writers,
    /// When the consumer of a stream has taken more.
    room: RefCell<Rc<Signal>>,
    taken: Cell<u64>,
    /// Its name in the journal and in the stage.
    name: RefCell<String>,
    keeping: Cell<Keeping>,
    /// Whether all bytes are there, and could not be copied to where they should be.
    save_failed: Cell<bool>,
    /// The job of the saving that the page does.
    saving: Cell<Option<JobId>>,
    blob: RefCell<JsValue>,
    /// Commands that wait until it is known what is there from before.
    deferred: RefCell<Option<Vec<Command>>>,
}

type Command = Box<dyn FnOnce(&Driver, FileId)>;

/// What the journal is being told.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Keeping {
    #[default]
    Idle,
    Writing,
    /// There is more to write.
    Again,
}

/// Work under way. Dropping it stops it.
enum Job {
    Request(AbortController),
    Save,
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Self::Request(controller) = self {
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

impl Wanted {
    fn to_machine(&self) -> NewDownload {
        let response = match self.to {
            Target::Browser => ResponseHeaders {
                filename: self.filename.clone(),
                disposition: Some(Disposition::Attachment),
                ..ResponseHeaders::default()
            },
            // Ranges of what is stored compressed cannot be unpacked.
            _ => ResponseHeaders {
                content_encoding: Some("identity".to_owned()),
                ..ResponseHeaders::default()
            },
        };
        let sink = match self.to {
            Target::Stream => SinkKind::Ordered { window_bytes: WINDOW },
            _ => SinkKind::Random,
        };
        NewDownload { object: self.object.clone(), response, sink }
    }

    /// Whether this is what was signed for it.
    fn is(&self, signed: &ObjectToSign) -> bool {
        let ObjectToSign { destination, key, version_id, response, .. } = signed;
        let object =
            ObjectName { destination: destination.clone(), key: key.clone(), version_id: version_id.clone() };
        self.object == object && self.to_machine().response == *response
    }
}

impl Local {
    fn new(id: FileId, wanted: Wanted) -> Self {
        Self {
            id,
            wanted,
            sink: RefCell::default(),
            opened: RefCell::default(),
            opening: Cell::default(),
            turn: Rc::default(),
            writers: Writers::default(),
            room: RefCell::default(),
            taken: Cell::default(),
            name: RefCell::new(format!("{:016x}", seed())),
            keeping: Cell::default(),
            save_failed: Cell::default(),
            saving: Cell::default(),
            blob: RefCell::default(),
            deferred: RefCell::default(),
        }
    }

    fn sink(&self) -> Option<Rc<Sink>> {
        self.sink.borrow().clone()
    }

    /// Opens the sink, or empties it.
    async fn open(&self, size: u64, keeper: &Keeper) -> Result<(), String> {
        let before = self.sink();
        if before.as_ref().is_some_and(|sink| sink.empty(size).is_ok()) {
            return Ok(());
        }
        if let Some(before) = before {
            // What was written to it last may be on its way.
            before.discard().await;
            drop(self.sink.take());
        }
        let sink = match (self.wanted.to, &self.wanted.handle) {
            (Target::Memory | Target::Browser, _) => Sink::Memory(RefCell::default()),
            (Target::Stream, _) => Sink::Stream(RefCell::default()),
            (Target::File, None) => return Err("there is no file".to_owned()),
            (Target::File, Some(handle)) => {
                let name = self.name.borrow().clone();
                let (resumable, journal) = (self.wanted.resumable, keeper.is_open().await);
                let options = FileOptions { handle, size, journal, resumable, name: &name };
                Sink::file(options).await.map_err(|thrown| thrown.advice())?
            }
        };
        self.sink.replace(Some(Rc::new(sink)));
        Ok(())
    }

    /// Waits until the sink is open. `None` if it could not be opened.
    async fn opened(&self) -> Option<Rc<Sink>> {
        let opened = self.opened.borrow().clone();
        opened.given().await;
        self.sink()
    }

    fn writer(&self, sink: &Rc<Sink>) -> Writer {
        let (turn, begun) = (self.turn.clone(), self.turn.get());
        Writer::new(sink.clone(), move || turn.get() == begun, self.writers.enter())
    }

    /// What the journal keeps of it; `None` where that would be of no use after a reload.
    fn to_keep(&self, partial: Partial) -> Option<Found> {
        if self.wanted.resumable == Some(false) || !self.sink()?.outlives_the_page() {
            return None;
        }
        let is_staged = matches!(&*self.sink()?, Sink::Own { staged: Some(_), .. });
        Some(Found {
            id: self.name.borrow().clone(),
            filename: self.wanted.filename.clone(),
            is_staged,
            updated_at: js_sys::Date::now() as u64,
            partial,
        })
    }
}

impl Driver {
    pub(crate) fn new(options: &EngineOptions, tell: Function) -> Rc<Self> {
        let page = Page(tell);
        let access = options.access();
        let keeper = Keeper::new(access.endpoint.clone(), options.journal());
        let (asking, breaking) = (page.clone(), page.clone());
        let server = Server::new(access, move || asking.tell(&EngineEvent::Headers));
        let on_panic = Closure::<dyn FnMut(String)>::new(move |message| {
            breaking.tell(&EngineEvent::Broken { error: BrokenError { message } });
        });
        let watch = PanicWatch::new(on_panic.as_ref().unchecked_ref::<Function>().clone());
        Rc::new_cyclic(|this| Self {
            this: this.clone(),
            session: RefCell::new(Session::new(options.settings(), seed(), is_online())),
            server: Rc::new(server),
            page,
            keeper: Rc::new(keeper),
            files: RefCell::default(),
            jobs: RefCell::default(),
            scratch: RefCell::new(vec![0; SCRATCH as usize]),
            timer: RefCell::default(),
            is_closed: Cell::default(),
            _panics: (watch, on_panic),
        })
    }

    // Commands.

    /// Takes an object to download, and goes on from what is there of it.
    pub(crate) fn add(&self, id: FileId, wanted: Wanted) {
        if self.local(id).is_some() {
            return;
        }
        let local = Rc::new(Local::new(id, wanted));
        self.files.borrow_mut().insert(id, local.clone());
        self.take_in(local);
    }

    /// Hands a download to the session, once it is known what is there of it.
    fn take_in(&self, local: Rc<Local>) {
        let may_be_kept = local.wanted.to == Target::File && local.wanted.resumable != Some(false);
        if !may_be_kept || !self.keeper.is_of_use() {
            self.command(|session, _| session.add(local.id, local.wanted.to_machine(), None));
            return;
        }
        local.deferred.replace(Some(Vec::new()));
        let keeper = self.keeper.clone();
        self.spawn(async move |this| {
            let Some(handle) = local.wanted.handle.clone() else { return };
            let found = keeper.find(&local.wanted.object, &handle).await;
            let Some(driver) = this.upgrade() else { return };
            let kept = found.map(|(found, sink)| {
                local.name.replace(found.id);
                local.sink.replace(Some(Rc::new(sink)));
                local.opened.borrow().give();
                found.partial
            });
            driver.command(|session, _| session.add(local.id, local.wanted.to_machine(), kept));
            for command in local.deferred.take().unwrap_or_default() {
                command(&driver, local.id);
            }
        });
    }

    /// Carries out a command on a download, once it is in the session's hands.
    pub(crate) fn on_file(&self, id: FileId, command: impl FnOnce(&Self, FileId) + 'static) {
        let local = self.local(id);
        let mut deferred = local.as_ref().map(|local| local.deferred.borrow_mut());
        match deferred.as_mut().and_then(|deferred| deferred.as_mut()) {
            Some(commands) => commands.push(Box::new(command)),
            None => {
                drop(deferred);
                command(self, id);
            }
        }
    }

    /// Goes on with a failed download. One that is whole, and could not be copied to its file, is only copied again.
    pub(crate) fn retry(&self, id: FileId) {
        let saved = self.local(id).filter(|local| local.save_failed.take());
        let Some(local) = saved else {
            self.command(|session, _| session.retry(id));
            return;
        };
        drop(local.sink.take());
        local.opened.replace(Rc::default());
        self.command(|session, _| {
            session.remove(id);
        });
        self.take_in(local);
        self.on_file(id, |driver, id| driver.command(|session, _| session.confirm(id)));
    }

    /// Forgets a download that has ended. What can go on later stays.
    pub(crate) fn remove(&self, id: FileId) {
        let is_kept = self.session.borrow().partial(id).is_some();
        let mut is_removed = false;
        self.command(|session, _| is_removed = session.remove(id) || !session.has(id));
        if !is_removed {
            return;
        }
        let local = self.files.borrow_mut().remove(&id);
        if let Some(local) = local
            && !is_kept
            && !local.save_failed.get()
        {
            self.spawn(async move |_| discard(&local).await);
        }
    }

    /// Takes in how far the consumer of a stream is.
    pub(crate) fn taken(&self, id: FileId, up_to: u64) {
        let Some(local) = self.local(id) else { return };
        self.command(|session, now| session.handle_taken(id, up_to, now));
        local.taken.set(up_to);
        let room = local.room.take();
        room.give();
    }

    /// Takes in whether the page could close a stream.
    pub(crate) fn saved(&self, id: FileId, why_not: Option<String>) {
        let Some(job) = self.local(id).and_then(|local| local.saving.take()) else { return };
        let outcome = why_not.map_or(Ok(()), Err);
        Self::end(&self.this, job, |session, _| session.handle_save_done(job, outcome));
    }

    /// Tells what can be resumed, but for what is under way here or in another tab.
    pub(crate) fn list(&self) {
        let keeper = self.keeper.clone();
        self.spawn(async move |this| {
            let all = keeper.free().await;
            let Some(driver) = this.upgrade() else { return };
            let files = driver.files.borrow();
            let is_here = |id: &str| files.values().any(|local| *local.name.borrow() == id);
            let entries = all.into_iter().filter(|(found, _)| !is_here(&found.id));
            let entries = entries.map(|(found, handle)| ResumableEntry::new(found, handle)).collect();
            drop(files);
            driver.page.tell(&EngineEvent::Resumable { entries });
        });
    }

    /// Removes what is there of a download of the journal.
    pub(crate) fn discard(&self, id: String) {
        let keeper = self.keeper.clone();
        self.spawn(async move |_| keeper.discard(&id).await);
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
        drop((self.timer.take(), self.jobs.take(), self.files.take()));
        self.keeper.close();
    }

    /// Does all that the session asks for and tells all that it has to tell, then waits until it is due.
    fn drive(&self) {
        let begun = now();
        self.session.borrow_mut().handle_timeout(begun);
        loop {
            let now = now();
            let action = self.session.borrow_mut().poll_action(now);
            match action {
                Some(action) => self.start(action),
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
            Event::State(ids) => {
                self.tidy(&ids);
                EngineEvent::State { statuses: self.statuses(&ids) }
            }
            Event::Progress(ids) => EngineEvent::Progress { statuses: self.statuses(&ids) },
            Event::Done(id) => {
                let status = self.statuses(&BTreeSet::from([id])).pop();
                EngineEvent::Done { id: id.0, status: status.map(Box::new) }
            }
            Event::Journal(id) => {
                if let Some(local) = self.local(id) {
                    self.keep(&local);
                }
                return;
            }
        };
        self.page.tell(&event);
    }

    fn statuses(&self, ids: &BTreeSet<FileId>) -> Vec<DownloadStatus> {
        let now = now();
        let session = self.session.borrow();
        let files = self.files.borrow();
        let blob = |id| files.get(&id).map(|local| local.blob.borrow().clone()).unwrap_or_default();
        let known =
            ids.iter().filter_map(|&id| Some(DownloadStatus::new(id, session.shown(id, now)?, blob(id))));
        known.collect()
    }

    /// Removes what was written of those that were cancelled.
    fn tidy(&self, ids: &BTreeSet<FileId>) {
        let state = |id| self.session.borrow().shown(id, now()).map(|shown| shown.state);
        for &id in ids.iter().filter(|&&id| state(id) == Some(State::Cancelled)) {
            if let Some(local) = self.local(id) {
                self.spawn(async move |_| discard(&local).await);
            }
        }
    }

    // Work.

    fn start(&self, action: Action) {
        match action {
            Action::Call { job, call } => self.call(job, call),
            Action::Open { file, size, keeps } => self.open(file, size, keeps),
            Action::Get { job, file, range, url } => self.get(job, file, range, url),
            Action::Save { job, file } => self.save(job, file),
            Action::Stop { job } => drop(self.take_job(job)),
        }
    }

    fn call(&self, job: JobId, call: SignObjects) {
        let Ok(controller) = AbortController::new() else { return };
        let (server, signal) = (self.server.clone(), controller.signal());
        let request = Request::post(SIGN_OBJECTS_PATH, &call);
        self.keep_job(job, Job::Request(controller));
        self.spawn(async move |this| {
            let answer = server.send(&request, Some(&signal)).await;
            let outcome = answer.and_then(|answer| read_signed_objects(&answer));
            let Some(driver) = this.upgrade() else { return };
            let links = outcome.as_ref().map(|signed| driver.links(&call, signed)).unwrap_or_default();
            let is_wanted = driver.jobs.borrow().contains_key(&job);
            for (FileId(id), url) in links.iter().filter(|_| is_wanted) {
                driver.page.tell(&EngineEvent::Link { id: *id, url: url.clone() });
            }
            drop(driver);
            Self::end(&this, job, |session, now| {
                session.handle_call_done(job, outcome, now);
                for &(id, _) in &links {
                    session.hand_over(id);
                }
            });
        });
    }

    /// Returns the URLs of what the browser downloads by itself.
    fn links(&self, call: &SignObjects, signed: &SignedObjects) -> Vec<(FileId, String)> {
        let (files, session) = (self.files.borrow(), self.session.borrow());
        let is_waiting = |id| session.shown(id, now()).is_some_and(|shown| shown.state == State::Waiting);
        let mut links = Vec::new();
        for (asked, result) in call.objects.iter().zip(&signed.objects) {
            let ObjectSigning::Signed(signed) = result else { continue };
            let of =
                files.values().filter(|local| local.wanted.to == Target::Browser && local.wanted.is(asked));
            links.extend(of.filter(|local| is_waiting(local.id)).map(|local| (local.id, signed.url.clone())));
        }
        links
    }

    fn open(&self, id: FileId, size: u64, keeps: bool) {
        let Some(local) = self.local(id) else { return };
        if local.wanted.to == Target::Memory && size > MEMORY_MAX {
            let why = format!(
                "to: {size} bytes are more than the {MEMORY_MAX} that are kept in memory; give a file or a WritableStream"
            );
            let error = error_of(ErrorCode::InvalidOption, &why, Some("to"));
            self.session.borrow_mut().refuse(id, error);
            return;
        }
        if keeps {
            return;
        }
        let before = local.opened.replace(Rc::default());
        // What was given out before is void, also while the sink is not open yet.
        local.turn.set(local.turn.get() + 1);
        let (opened, is_opening) = (local.opened.borrow().clone(), local.opening.get() > 0);
        local.opening.set(local.opening.get() + 1);
        let keeper = self.keeper.clone();
        self.spawn(async move |this| {
            if is_opening {
                before.given().await;
            }
            let outcome = local.open(size, &keeper).await;
            local.opening.set(local.opening.get() - 1);
            opened.give();
            let is_kept = local.sink().is_some_and(|sink| sink.outlives_the_page());
            if outcome.is_ok()
                && local.wanted.resumable == Some(true)
                && !is_kept
                && let Some(driver) = this.upgrade()
            {
                driver.page.tell(&EngineEvent::Warning {
                    code: "not_resumable".to_owned(),
                    message: "the download cannot go on after a reload: that takes a worker, IndexedDB and as much room as it has bytes"
                        .to_owned(),
                });
            }
            if let Err(why) = outcome {
                Self::update(&this, |session, _| session.handle_write_failed(id, &why));
            }
        });
    }

    fn get(&self, job: JobId, id: FileId, range: Option<ByteRange>, url: String) {
        let (Some(local), Ok(controller)) = (self.local(id), AbortController::new()) else { return };
        let signal = controller.signal();
        self.keep_job(job, Job::Request(controller));
        self.spawn(async move |this| {
            let outcome = Self::fetch(&this, job, &local, range, &url, &signal).await;
            if let Some(outcome) = outcome {
                Self::end(&this, job, |session, now| session.handle_get_done(job, outcome, now));
            } else if let Some(driver) = this.upgrade() {
                drop(driver.take_job(job));
            }
        });
    }

    /// Makes a request and writes what it brings. Nothing is to be reported of it if this is `None`.
    async fn fetch(
        this: &Weak<Self>,
        job: JobId,
        local: &Rc<Local>,
        range: Option<ByteRange>,
        url: &str,
        signal: &AbortSignal,
    ) -> Option<Result<(), Failure>> {
        let (response, head) = match fetch::get(url, range, signal).await {
            Ok(begun) => begun,
            Err(failure) => return Some(Err(failure)),
        };
        let mut reads_on = false;
        this.upgrade()?.command(|session, now| reads_on = session.handle_get_head(job, &head, now));
        if !reads_on {
            return None;
        }
        let sink = local.opened().await?;
        let stream = response.body()?;
        let mut body = Body::new(&stream, sink.keeps_chunks())?;
        let mut writer = local.writer(&sink);
        let copied = loop {
            match body.next().await {
                Ok(Some(bytes)) => match Self::take(this, job, local, &bytes, &mut writer).await {
                    Ok(true) => {}
                    // It was stopped, and the bytes are nobody's.
                    Ok(false) => break None,
                    Err(why) => {
                        Self::update(this, |session, _| session.handle_write_failed(local.id, &why));
                        return None;
                    }
                },
                Ok(None) => break Some(Ok(())),
                Err(_) => break Some(Err(Failure::NoAnswer)),
            }
        };
        // What was given out is written, even if nobody waits for it any more.
        if let Err(thrown) = writer.flush().await {
            Self::update(this, |session, _| session.handle_write_failed(local.id, &thrown.advice()));
            return None;
        }
        drop(writer);
        copied
    }

    /// Has the machine take bytes, and writes what it gives out of them. Returns whether there may be more.
    async fn take(
        this: &Weak<Self>,
        job: JobId,
        local: &Local,
        bytes: &Uint8Array,
        writer: &mut Writer,
    ) -> Result<bool, String> {
        let mut done = 0;
        while done < bytes.length() {
            // Taken before the bytes are offered, so that no room is missed.
            let room = local.room.borrow().clone();
            let (taken, used) = {
                let Some(driver) = this.upgrade() else { return Ok(false) };
                if !driver.jobs.borrow().contains_key(&job) {
                    return Ok(false);
                }
                driver.offer(job, bytes, done)
            };
            for Taken { offset, start, end } in taken {
                let all = start == 0 && end == bytes.length();
                let piece = if all { bytes.clone() } else { bytes.subarray(start, end) };
                writer.put(offset, piece).await.map_err(|thrown| thrown.advice())?;
            }
            if let Some(driver) = this.upgrade() {
                driver.deliver(local);
                driver.command(|_, _| {});
            }
            done = used;
            if done < bytes.length() {
                room.given().await;
            }
        }
        Ok(true)
    }

    /// Has the machine take bytes of a chunk from a place on. Returns what it gives out, and the place of the first byte for which
    /// there is no room.
    fn offer(&self, job: JobId, bytes: &Uint8Array, from: u32) -> (Vec<Taken>, u32) {
        let mut scratch = self.scratch.borrow_mut();
        let mut session = self.session.borrow_mut();
        let (mut all, mut at): (Vec<Taken>, u32) = (Vec::new(), from);
        while at < bytes.length() {
            let len = SCRATCH.min(bytes.length() - at);
            let Some(part) = scratch.get_mut(..len as usize) else { break };
            bytes.subarray(at, at + len).copy_to(part);
            let (taken, used) = session.handle_get_data(job, part, now());
            for piece in taken {
                Taken { start: at + piece.start, end: at + piece.end, ..piece }.join(&mut all);
            }
            at += used;
            if used < len {
                break;
            }
        }
        (all, at)
    }

    /// Gives the page what has come of a stream, in order.
    fn deliver(&self, local: &Local) {
        let Some(sink) = local.sink() else { return };
        while let Some(bytes) = sink.next_chunk() {
            self.page.tell(&EngineEvent::Chunk { id: local.id.0, bytes });
        }
    }

    fn save(&self, job: JobId, id: FileId) {
        let Some(local) = self.local(id) else { return };
        self.keep_job(job, Job::Save);
        if local.wanted.to == Target::Stream {
            local.saving.set(Some(job));
            self.page.tell(&EngineEvent::Close { id: id.0 });
            return;
        }
        let content_type = {
            let session = self.session.borrow();
            let shown = session.shown(id, now());
            shown.and_then(|shown| shown.status.object?.content_type.clone())
        };
        self.spawn(async move |this| {
            let outcome = Self::close_sink(&this, &local, content_type.as_deref()).await;
            Self::end(&this, job, |session, _| session.handle_save_done(job, outcome));
        });
    }

    async fn close_sink(this: &Weak<Self>, local: &Local, content_type: Option<&str>) -> Result<(), String> {
        // There is one even where there is not a single byte.
        let sink = local.opened().await.ok_or("it could not be opened")?;
        local.writers.gone().await;
        if local.wanted.to == Target::Memory {
            local.blob.replace(sink.blob(content_type).map(JsValue::from).unwrap_or_default());
            return Ok(());
        }
        let is_staged = matches!(&*sink, Sink::Own { staged: Some(_), .. });
        if is_staged && let Some(driver) = this.upgrade() {
            // While it is copied it is not open, and another tab shall see that it is somebody's.
            let partial = driver.session.borrow().partial(local.id);
            let kept = partial.and_then(|partial| local.to_keep(partial));
            if let (Some(found), Some(handle)) = (kept, &local.wanted.handle) {
                driver.keeper.write(&found, handle).await;
            }
        }
        sink.save(local.wanted.handle.as_ref()).await.map_err(|thrown| {
            local.save_failed.set(is_staged);
            thrown.advice()
        })
    }

    // The journal.

    /// Has the journal keep what is there of a download, or forget it.
    fn keep(&self, local: &Rc<Local>) {
        if local.wanted.to != Target::File || !self.keeper.is_of_use() {
            return;
        }
        if local.keeping.get() != Keeping::Idle {
            local.keeping.set(Keeping::Again);
            return;
        }
        let (local, keeper) = (local.clone(), self.keeper.clone());
        self.spawn(async move |this| {
            local.keeping.set(Keeping::Again);
            while local.keeping.get() == Keeping::Again {
                local.keeping.set(Keeping::Writing);
                let Some(partial) = this.upgrade().map(|driver| driver.session.borrow().partial(local.id))
                else {
                    return;
                };
                let Some(handle) = &local.wanted.handle else { return };
                match partial {
                    Some(partial) => {
                        if let Some(found) = local.to_keep(partial) {
                            keeper.write(&found, handle).await;
                        }
                    }
                    // All bytes are there, and may still be copied to where they should be.
                    None if local.save_failed.get() => {}
                    None => {
                        let name = local.name.borrow().clone();
                        keeper.forget(&name).await;
                    }
                }
                let passed = Rc::new(Signal::default());
                let passing = passed.clone();
                let timer = Timer::new(now() + KEEP_INTERVAL, move || passing.give());
                passed.given().await;
                drop(timer);
            }
            local.keeping.set(Keeping::Idle);
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

    fn local(&self, id: FileId) -> Option<Rc<Local>> {
        self.files.borrow().get(&id).cloned()
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

/// Removes what was written of a download, once nothing is being written.
async fn discard(local: &Local) {
    if local.opening.get() > 0 {
        let opened = local.opened.borrow().clone();
        opened.given().await;
    }
    local.writers.gone().await;
    let sink = local.sink.take();
    if let Some(sink) = sink {
        sink.discard().await;
    }
}
