//! What JavaScript sees: one class.

use std::rc::Rc;

use js_sys::{Array, Function};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use partway_shared::upload::{FileId, InFlight};

use crate::driver::Driver;
use crate::environment::{is_online, now};
use crate::options;
use crate::report;

/// The upload engine of one uploader. `js/engine.js` calls its methods by their names, which
/// are those of the commands that the page sends.
///
/// Every method takes `&self` and lets go of all it borrowed before it calls back,
/// so that a listener may call any of them.
#[wasm_bindgen]
pub struct Engine {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl Engine {
    /// An engine that reports to `on_event`, in plain objects that can be posted to another
    /// thread: `{ type, statuses }`, where `type` is `state` for uploads whose state has just
    /// changed, and `progress`, at most ten times a second, for those that move;
    /// `{ type: "resumable", entries, skipped }` with what the journal has; `{ type: "refused", ids, error }`
    /// for one that could not be taken up; `{ type: "headers" }`, to be answered by `provide` or `deny`, where the
    /// option `asksForHeaders` is set; `{ type: "warning", code, message }`.
    ///
    /// # Errors
    /// Throws `{ code, message, retryable, field }` when an option is not acceptable.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue, on_event: Function) -> Result<Self, JsValue> {
        let options = options::read(options).map_err(|error| report::error(&error))?;
        Ok(Self { driver: Driver::new(options, on_event) })
    }

    /// Takes `{ id, file, path, destination, handle }` entries as one batch. The ids are the caller's,
    /// and must be new.
    ///
    /// # Errors
    /// Throws when an entry is no file, or larger than an object can be. None is taken then.
    pub fn add(&self, entries: &Array) -> Result<(), JsValue> {
        let entries: Result<Vec<_>, _> = entries.iter().map(|entry| options::entry(&entry)).collect();
        entries.and_then(|entries| self.driver.add(entries)).map_err(|error| report::error(&error))
    }

    /// Takes up an upload of the journal, by the key of its object, with `{ id, file, handle }`.
    ///
    /// # Errors
    /// Throws when the entry is no file. Whatever else is wrong is told later.
    #[wasm_bindgen(js_name = takeUp)]
    pub fn take_up(&self, entries: &Array, object_key: String) -> Result<(), JsValue> {
        let entry = options::entry(&entries.get(0)).map_err(|error| report::error(&error))?;
        self.driver.take_up(object_key, entry);
        Ok(())
    }

    /// Aborts an upload of the journal, and forgets it.
    pub fn discard(&self, object_key: String) {
        self.driver.discard(object_key);
    }

    /// Halts an upload; parts on their way are broken off, unless they are to be finished.
    pub fn pause(&self, id: u32, finish_parts: bool) {
        let in_flight = if finish_parts { InFlight::Finish } else { InFlight::Abandon };
        self.driver.command(|machine| machine.pause(FileId(id), in_flight));
    }

    /// Goes on with a paused upload.
    pub fn resume(&self, id: u32) {
        self.driver.command(|machine| machine.resume(FileId(id)));
    }

    /// Aborts an upload and removes what was stored.
    pub fn cancel(&self, id: u32) {
        self.driver.command(|machine| machine.cancel(FileId(id)));
    }

    /// Goes on with a failed upload, from what is stored.
    pub fn retry(&self, id: u32) {
        self.driver.command(|machine| machine.retry(FileId(id)));
    }

    /// Forgets an upload that has ended.
    pub fn remove(&self, id: u32) {
        self.driver.forget(FileId(id));
    }

    /// A snapshot of one upload; `undefined` if it is not known.
    pub fn status(&self, id: u32) -> JsValue {
        self.driver.status(FileId(id)).unwrap_or(JsValue::UNDEFINED)
    }

    /// The headers that were asked for by an event of the type `headers`.
    ///
    /// # Errors
    /// Throws when they are no object of strings.
    pub fn provide(&self, headers: JsValue) -> Result<(), JsValue> {
        let headers = options::headers(headers).map_err(|error| report::error(&error))?;
        self.driver.server.headers.answer(Ok(headers));
        Ok(())
    }

    /// There are no headers to give, and why.
    pub fn deny(&self, why: String) {
        self.driver.server.headers.answer(Err(why));
    }

    /// Pauses while there is no network, and goes on at once when it is back.
    pub fn connectivity(&self, online: bool) {
        self.driver.command(|machine| machine.handle_connectivity(online));
    }

    /// Goes on at once, where there is a network: the page can be seen again, perhaps after a
    /// sleep in which the browser missed that the network came back.
    pub fn wake(&self) {
        if is_online() {
            self.driver.command(|machine| {
                machine.handle_connectivity(true);
                machine.handle_wake(now());
            });
        }
        self.driver.offer();
    }

    /// Abandons all work, and lets go of every listener and timer.
    pub fn close(&self) {
        self.driver.close();
    }
}
