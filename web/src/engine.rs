//! What JavaScript sees: one class.

use std::rc::Rc;

use js_sys::{Array, Function};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use partway_shared::upload::FileId;

use crate::driver::Driver;
use crate::options;
use crate::report;

/// The upload engine of one uploader. Its shape is described in `js/index.d.ts`.
///
/// Every method takes `&self` and lets go of all it borrowed before it calls back,
/// so that a listener may call any of them.
#[wasm_bindgen]
pub struct Engine {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl Engine {
    /// An engine that reports to `on_event`.
    ///
    /// # Errors
    /// Throws `{ code, message, retryable, field }` when an option is not acceptable.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue, on_event: Function) -> Result<Self, JsValue> {
        let options = options::read(options).map_err(|error| report::error(&error))?;
        Ok(Self { driver: Driver::new(options, on_event) })
    }

    /// Takes `{ file, path, destination }` entries as one batch, and gives an id for each.
    ///
    /// # Errors
    /// Throws when an entry is no file, or larger than an object can be. None is taken then.
    pub fn add(&self, entries: &Array) -> Result<Array, JsValue> {
        let entries: Result<Vec<_>, _> = entries.iter().map(|entry| options::entry(&entry)).collect();
        let ids = entries.and_then(|entries| self.driver.add(entries));
        let ids = ids.map_err(|error| report::error(&error))?;
        Ok(ids.into_iter().map(|FileId(id)| JsValue::from(id)).collect())
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
        self.driver.with_status(FileId(id), |status| report::status(id, status)).unwrap_or(JsValue::UNDEFINED)
    }

    /// Abandons all work, and lets go of every listener and timer.
    pub fn close(&self) {
        self.driver.close();
    }
}
