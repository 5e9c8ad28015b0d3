//! Keeps the journal true to the machine, and takes uploads out of it again.
//!
//! Uploads go on without a journal; where there can be none, the page is told once, and
//! nothing can be resumed after a reload.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use js_sys::Array;
use partway_shared::error::ErrorCode;
use partway_shared::sorted::{SortedMap, SortedSet};
use partway_shared::time::Time;
use partway_shared::upload::{ControlCall, Difference, FileId, UploadError};
use wasm_bindgen::JsValue;
use web_sys::AbortController;

use crate::driver::{Driver, Timer};
use crate::environment::now;
use crate::journal::{Entry, Journal};
use crate::lock::Lock;
use crate::options;
use crate::report;
use crate::source::Source;

/// Between two entries for the same upload. What is stored, the store itself says; the entry's number of
/// bytes is for showing alone.
const INTERVAL: Duration = Duration::from_millis(500);

/// The journal, and what of the machine is in it.
#[derive(Default)]
pub(crate) struct Keeper {
    journal: RefCell<Option<Rc<Journal>>>,
    /// What the journal has and nobody has taken up.
    offered: RefCell<Vec<Entry>>,
    kept: RefCell<SortedMap<FileId, Kept>>,
    /// What the journal does not know yet.
    changed: RefCell<SortedSet<FileId>>,
    timer: RefCell<Option<Timer>>,
    written_at: Cell<Time>,
    is_writing: Cell<bool>,
    has_warned: Cell<bool>,
}

/// An upload that is in the journal, and locked for this tab.
struct Kept {
    object_key: String,
    /// Kept for its drop alone.
    _lock: Option<Lock>,
}

impl Keeper {
    pub(crate) fn close(&self) {
        self.timer.take();
        self.journal.take();
        self.offered.take();
        self.changed.take();
        // Taken out first: what is dropped may call back.
        let kept = self.kept.take();
        drop(kept);
    }

    /// Lets others have the upload of a file that is forgotten here.
    pub(crate) fn release(&self, id: FileId) {
        let kept = self.kept.borrow_mut().remove(id);
        drop(kept);
    }

    fn find(&self, object_key: &str) -> Option<Entry> {
        self.offered.borrow().iter().find(|entry| entry.saved.ticket.key == object_key).cloned()
    }

    fn withdraw(&self, object_key: &str) {
        self.offered.borrow_mut().retain(|entry| entry.saved.ticket.key != object_key);
    }
}

impl Driver {
    /// Opens the journal, and tells the page what can be resumed.
    pub(crate) fn open_journal(&self) {
        let endpoint = self.server.endpoint.clone();
        self.spawn(async move |this| {
            let opened = Journal::open(endpoint).await;
            let Some(driver) = this.upgrade() else { return };
            match opened {
                Ok(journal) => {
                    *driver.keeper.journal.borrow_mut() = Some(Rc::new(journal));
                    driver.write_journal();
                    driver.offer();
                }
                Err(_) => driver.warn(),
            }
        });
    }

    /// Tells the page what can be resumed, without what other tabs are sending.
    pub(crate) fn offer(&self) {
        let Some(journal) = self.keeper.journal.borrow().clone() else { return };
        self.spawn(async move |this| {
            let read = journal.read().await;
            let held = Lock::held().await;
            let Some(driver) = this.upgrade() else { return };
            let Ok(contents) = read else { return driver.warn() };
            let is_free = |entry: &Entry| {
                let name = driver.lock_name(&entry.saved.ticket.key);
                let ours = driver.keeper.kept.borrow();
                let ours = ours.values().any(|kept| kept.object_key == entry.saved.ticket.key);
                !ours && !held.contains(&name)
            };
            // In the order in which they were begun. What the standard library sorts with weighs 4 kB.
            let mut offered: Vec<Entry> = Vec::new();
            for entry in contents.entries.into_iter().filter(is_free) {
                let begun = entry.saved.ticket.expires_at;
                let place = offered.partition_point(|other| other.saved.ticket.expires_at <= begun);
                offered.insert(place, entry);
            }
            let entries: Array = offered.iter().map(Entry::to_page).collect();
            *driver.keeper.offered.borrow_mut() = offered;
            driver.tell_page(&report::resumable(&entries, contents.skipped));
        });
    }

    /// Takes an upload of the journal up again with its file, or tells why not.
    pub(crate) fn take_up(&self, object_key: String, chosen: options::Entry) {
        self.spawn(async move |this| {
            let Some(driver) = this.upgrade() else { return };
            let id = chosen.id;
            if let Err(error) = driver.restore(&object_key, chosen).await {
                driver.tell_page(&report::refused(id, &error));
            }
        });
    }

    async fn restore(&self, object_key: &str, chosen: options::Entry) -> Result<(), UploadError> {
        let entry = self.keeper.find(object_key).ok_or_else(gone)?;
        if let Some(difference) = Difference::between(&entry.info, &chosen.info) {
            return Err(UploadError {
                code: ErrorCode::FileMismatch,
                detail: difference.message().to_owned(),
                status: None,
                field: Some(difference.field().to_owned()),
            });
        }
        let Some(lock) = Lock::take(&self.lock_name(object_key)).await else {
            return Err(UploadError {
                code: ErrorCode::UploadBusy,
                detail: "close it there, or let it finish".to_owned(),
                status: None,
                field: None,
            });
        };
        // Meanwhile another tab may have finished it.
        if self.keeper.find(object_key).is_none() {
            return Err(gone());
        }
        let (id, handle) = (chosen.id, chosen.handle.or(entry.handle));
        self.sources.borrow_mut().insert(id, Rc::new(Source::new(chosen.file, handle)));
        let kept = Kept { object_key: object_key.to_owned(), _lock: Some(lock) };
        self.keeper.kept.borrow_mut().insert(id, kept);
        self.keeper.withdraw(object_key);
        let mut restored = None;
        self.command(|machine| restored = machine.restore_as(id, entry.info, entry.saved));
        restored.ok_or_else(gone)
    }

    /// Aborts an upload of the journal and forgets it.
    pub(crate) fn discard(&self, object_key: String) {
        let Some(entry) = self.keeper.find(&object_key) else { return };
        self.keeper.withdraw(&object_key);
        let server = self.server.clone();
        let journal = self.keeper.journal.borrow().clone();
        self.spawn(async move |_| {
            // What cannot be aborted now expires with its token, and the server sweeps it.
            if let Ok(controller) = AbortController::new() {
                let call = ControlCall::Abort { token: entry.saved.ticket.token };
                let _ = server.call(&call, &controller.signal()).await;
            }
            if let Some(journal) = journal {
                let _ = journal.forget(&object_key).await;
            }
        });
    }

    /// What can be resumed of an upload has changed.
    pub(crate) fn keep(&self, id: FileId) {
        let resumable = self.machine.borrow().resumable(id).map(|saved| saved.ticket.key);
        self.keeper.changed.borrow_mut().insert(id);
        let is_known = self.keeper.kept.borrow().contains_key(id);
        match resumable {
            Some(_) if is_known && now().since(self.keeper.written_at.get()) < INTERVAL => {
                if self.keeper.timer.borrow().is_none() {
                    let timer = self.timer(self.keeper.written_at.get() + INTERVAL, |driver| {
                        driver.keeper.timer.take();
                        driver.write_journal();
                    });
                    *self.keeper.timer.borrow_mut() = Some(timer);
                }
            }
            Some(_) if is_known => self.write_journal(),
            Some(object_key) => {
                let name = self.lock_name(&object_key);
                self.keeper.kept.borrow_mut().insert(id, Kept { object_key, _lock: None });
                // A key that the server has just made is nobody else's, so there is nothing to wait for.
                self.spawn(async move |this| {
                    let lock = Lock::take(&name).await;
                    if let Some(driver) = this.upgrade()
                        && let Some(kept) = driver.keeper.kept.borrow_mut().get_mut(id)
                    {
                        kept._lock = lock;
                    }
                });
                self.write_journal();
            }
            None => self.write_journal(),
        }
    }

    /// Writes what has changed, one entry after the other.
    fn write_journal(&self) {
        let Some(journal) = self.keeper.journal.borrow().clone() else { return };
        self.keeper.written_at.set(now());
        if self.keeper.is_writing.replace(true) {
            return;
        }
        self.spawn(async move |this| {
            while let Some((id, entry)) = next_change(&this) {
                let written = match &entry {
                    Ok(entry) => journal.write(entry).await,
                    Err(object_key) => journal.forget(object_key).await,
                };
                let Some(driver) = this.upgrade() else { return };
                if entry.is_err() {
                    driver.keeper.release(id);
                }
                if written.is_err() {
                    driver.warn();
                }
            }
        });
    }

    fn lock_name(&self, object_key: &str) -> String {
        ["partway ", &self.server.endpoint, " ", object_key].concat()
    }

    /// Tells once that nothing can be resumed. Not why in the browser's own words, which would bring
    /// along all that they are formatted with.
    fn warn(&self) {
        if !self.keeper.has_warned.replace(true) {
            let message = "nothing can be resumed after a reload: IndexedDB is denied (as in some private windows), \
                           full, or was written by a later version";
            self.tell_page(&report::warning("journal_unavailable", message));
        }
    }

    fn tell_page(&self, event: &JsValue) {
        let _ = self.on_event.call1(&JsValue::NULL, event);
    }
}

/// The next upload that the journal does not know as it is: its entry, or the key of the object that is
/// to be forgotten.
fn next_change(this: &Weak<Driver>) -> Option<(FileId, Result<Entry, String>)> {
    let driver = this.upgrade()?;
    loop {
        let Some(id) = driver.keeper.changed.borrow_mut().pop_first() else {
            driver.keeper.is_writing.set(false);
            return None;
        };
        let machine = driver.machine.borrow();
        if let (Some(saved), Some(info)) = (machine.resumable(id), machine.info(id)) {
            let handle = driver.source(id).and_then(|source| source.handle());
            return Some((id, Ok(Entry { info: info.clone(), saved, handle })));
        }
        if let Some(kept) = driver.keeper.kept.borrow().get(id) {
            return Some((id, Err(kept.object_key.clone())));
        }
    }
}

fn gone() -> UploadError {
    UploadError {
        code: ErrorCode::UploadGone,
        detail: "it was finished, discarded, or taken up elsewhere meanwhile".to_owned(),
        status: None,
        field: None,
    }
}
