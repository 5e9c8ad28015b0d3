//! The class that JavaScript sees.

use std::rc::Rc;

use js_sys::Function;
use partway_shared::transfer::FileId;
use partway_shared::upload::InFlight;
use partway_web_io::event::EngineError;
use partway_web_io::options::Headers;
use partway_web_io::scope::message_of;
use serde_wasm_bindgen::Deserializer;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::File;

use crate::api::{EngineOptions, read_copy};
use crate::io::{Chosen, Driver};

/// A file to upload, under an id of the page's.
#[derive(serde::Deserialize, Tsify)]
pub struct FileEntry {
    id: u32,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "File")]
    file: JsValue,
    #[tsify(optional)]
    path: Option<String>,
    #[tsify(optional)]
    destination: Option<String>,
    #[serde(default, with = "serde_wasm_bindgen::preserve")]
    #[tsify(optional, type = "FileSystemFileHandle")]
    handle: JsValue,
}

/// The upload engine of one uploader.
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

    /// Takes files as one batch: all of them, or none.
    pub fn add(&self, entries: Vec<Ts<FileEntry>>) {
        self.0.add(entries.iter().filter_map(read).collect());
    }

    /// Takes an object to copy.
    pub fn copy(&self, id: u32, #[wasm_bindgen(unchecked_param_type = "object")] copy: JsValue) {
        let copy = read_copy(&copy);
        self.0.command(|session, _| session.copy(FileId(id), copy));
    }

    /// Takes an upload of the journal up again with the file that was chosen for it.
    #[wasm_bindgen(js_name = takeUp)]
    pub fn take_up(&self, entry: Ts<FileEntry>, id: &str) {
        if let Some(chosen) = read(&entry) {
            self.0.take_up(chosen, id.parse().ok());
        }
    }

    /// Aborts an upload of the journal, and forgets it.
    pub fn discard(&self, id: &str) {
        if let Ok(id) = id.parse() {
            self.0.command(|session, _| session.discard(id));
        }
    }

    /// Halts an upload. Parts that are on their way are abandoned, unless they are to be finished.
    pub fn pause(&self, id: u32, finish_parts: bool) {
        let in_flight = if finish_parts { InFlight::Finish } else { InFlight::Abandon };
        self.0.command(|session, now| session.pause(FileId(id), in_flight, now));
    }

    /// Goes on with a paused upload.
    pub fn resume(&self, id: u32) {
        self.0.command(|session, now| session.resume(FileId(id), now));
    }

    /// Aborts an upload, and removes what is stored of it.
    pub fn cancel(&self, id: u32) {
        self.0.command(|session, now| session.cancel(FileId(id), now));
    }

    /// Goes on with a failed upload from what is stored.
    pub fn retry(&self, id: u32) {
        self.0.command(|session, now| session.retry(FileId(id), now));
    }

    /// Forgets an upload that has ended.
    pub fn remove(&self, id: u32) {
        self.0.command(|session, _| session.remove(FileId(id)));
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

    /// Abandons all work, and detaches every listener and timer.
    pub fn close(&self) {
        self.0.close();
    }
}

/// Returns what was chosen; `None` for what the page would not have sent.
fn read(entry: &Ts<FileEntry>) -> Option<Chosen> {
    let FileEntry { id, file, path, destination, handle } = entry.to_rust().ok()?;
    // Not by its class: in a page without a worker it may be of another realm, such as a frame's.
    let file: File = file.unchecked_into();
    let handle = (!handle.is_undefined() && !handle.is_null()).then_some(handle);
    Some(Chosen { id: FileId(id), file, path, destination, handle })
}
