//! The class that JavaScript sees.

use std::rc::Rc;

use js_sys::Function;
use partway_shared::transfer::FileId;
use partway_shared::wire::ObjectName;
use partway_web_io::event::EngineError;
use partway_web_io::options::Headers;
use partway_web_io::scope::message_of;
use serde_wasm_bindgen::Deserializer;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use crate::api::{EngineOptions, Target};
use crate::io::{Driver, Wanted};

/// An object to download, under an id of the page's.
#[derive(serde::Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct DownloadEntry {
    id: u32,
    key: String,
    #[tsify(optional)]
    destination: Option<String>,
    #[tsify(optional)]
    version_id: Option<String>,
    #[tsify(optional)]
    filename: Option<String>,
    to: Target,
    #[serde(default, with = "serde_wasm_bindgen::preserve")]
    #[tsify(optional, type = "FileSystemFileHandle")]
    handle: JsValue,
    #[tsify(optional)]
    resumable: Option<bool>,
}

/// The download engine of one downloader.
///
/// Its methods are the page's commands. None waits or answers: what comes of a command is told by events, after the method
/// has returned.
#[wasm_bindgen]
pub struct Engine(Rc<Driver>);

#[wasm_bindgen]
#[allow(clippy::needless_pass_by_value, reason = "JavaScript hands them over")]
impl Engine {
    /// Creates an engine that tells its events to `tell`.
    ///
    /// # Errors
    /// Throws an `EngineError` when an option is not acceptable.
    #[wasm_bindgen(constructor)]
    pub fn new(
        options: Ts<EngineOptions>,
        #[wasm_bindgen(unchecked_param_type = "(event: EngineEvent) => void")] tell: Function,
    ) -> Result<Self, JsValue> {
        let options = Deserializer::from(JsValue::from(options));
        let options = EngineOptions::read(options, |error| message_of(&error.into())).map_err(|error| {
            let thrown = EngineError::from(&error).into_ts();
            thrown.map_or_else(|_| error.to_string().into(), JsValue::from)
        })?;
        Ok(Self(Driver::new(&options, tell)))
    }

    /// Takes an object to download, and goes on from what is there of it.
    pub fn add(&self, entry: Ts<DownloadEntry>) {
        let Ok(entry) = entry.to_rust() else { return };
        let DownloadEntry { id, key, destination, version_id, filename, to, handle, resumable } = entry;
        let handle = (!handle.is_undefined() && !handle.is_null()).then(|| handle.unchecked_into());
        let object = ObjectName { destination, key, version_id };
        self.0.add(FileId(id), Wanted { object, filename, to, handle, resumable });
    }

    /// Halts a download.
    pub fn pause(&self, id: u32) {
        self.0.on_file(FileId(id), |driver, id| driver.command(|session, _| session.pause(id)));
    }

    /// Goes on with a paused download.
    pub fn resume(&self, id: u32) {
        self.0.on_file(FileId(id), |driver, id| driver.command(|session, _| session.resume(id)));
    }

    /// Gives a download up, and removes what is there of it.
    pub fn cancel(&self, id: u32) {
        self.0.on_file(FileId(id), |driver, id| driver.command(|session, _| session.cancel(id)));
    }

    /// Goes on with a failed download from what is there.
    pub fn retry(&self, id: u32) {
        self.0.on_file(FileId(id), Driver::retry);
    }

    /// Forgets a download that has ended.
    pub fn remove(&self, id: u32) {
        self.0.on_file(FileId(id), Driver::remove);
    }

    /// Says that the bytes of a stream before this place were taken.
    pub fn taken(&self, id: u32, up_to: f64) {
        self.0.taken(FileId(id), up_to as u64);
    }

    /// Says that a stream was closed, or why it could not be.
    pub fn saved(&self, id: u32, why_not: Option<String>) {
        self.0.saved(FileId(id), why_not);
    }

    /// Says that a stream takes no more bytes, and why.
    pub fn unwritable(&self, id: u32, why: String) {
        self.0.command(|session, _| session.handle_write_failed(FileId(id), &why));
    }

    /// Asks what can be resumed, which an event answers.
    pub fn list(&self) {
        self.0.list();
    }

    /// Removes what is there of a download of the journal, and forgets it.
    pub fn discard(&self, id: String) {
        self.0.discard(id);
    }

    /// Says whether there is a network.
    pub fn connectivity(&self, is_online: bool) {
        self.0.command(|session, _| session.handle_connectivity(is_online));
    }

    /// Says that the page can be seen again, perhaps after a sleep, and whether there is a network.
    pub fn wake(&self, is_online: bool) {
        self.0.command(|session, now| session.wake(is_online, now));
    }

    /// Gives the headers that the event `headers` asked for.
    pub fn provide(&self, #[wasm_bindgen(unchecked_param_type = "Record<string, string>")] headers: JsValue) {
        let headers = serde_wasm_bindgen::from_value::<Headers>(headers);
        self.0.answer(headers.map_err(|error| message_of(&error.into())));
    }

    /// Says why there are no headers.
    pub fn deny(&self, why: String) {
        self.0.answer(Err(why));
    }

    /// Abandons all work, and detaches every listener and timer. What can go on later stays.
    pub fn close(&self) {
        self.0.close();
    }
}
