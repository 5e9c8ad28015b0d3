//! Files, as far as a browser lets a page have any: those of handles, and those of the origin's own (OPFS), which nobody sees.

use js_sys::{AsyncIterator, IteratorNext, Object, Promise, Reflect, Uint8Array};
use partway_web_io::scope::{message_of, navigator, property};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DomException, File};

use crate::session::advice;

/// The folder of the origin's own in which downloads are staged.
const FOLDER: &str = "partway-downloads";

// What is not in every browser, so that each call may throw.
#[wasm_bindgen]
extern "C" {
    /// A `FileSystemFileHandle`.
    #[derive(Clone)]
    pub(crate) type FileHandle;

    #[wasm_bindgen(method, catch, js_name = createSyncAccessHandle)]
    fn create_sync_access_handle(this: &FileHandle) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = createWritable)]
    fn create_writable(this: &FileHandle) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getFile)]
    fn get_file(this: &FileHandle) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = isSameEntry)]
    fn is_same_entry(this: &FileHandle, other: &JsValue) -> Result<Promise, JsValue>;

    /// A `FileSystemSyncAccessHandle`, which only a worker can have, and only of the origin's own files.
    type SyncHandle;

    #[wasm_bindgen(method, catch)]
    fn write(this: &SyncHandle, bytes: &Uint8Array, options: &JsValue) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn read(this: &SyncHandle, bytes: &Uint8Array, options: &JsValue) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn truncate(this: &SyncHandle, size: f64) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = close)]
    fn close_handle(this: &SyncHandle) -> Result<(), JsValue>;

    /// A `FileSystemWritableFileStream`, which writes to a copy that takes the file's place when it is closed.
    #[derive(Clone)]
    type WritableFile;

    #[wasm_bindgen(method, catch, js_name = write)]
    fn write_chunk(this: &WritableFile, chunk: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = close)]
    fn close_file(this: &WritableFile) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn abort(this: &WritableFile) -> Result<Promise, JsValue>;

    /// A `FileSystemDirectoryHandle`.
    type Directory;

    #[wasm_bindgen(method, catch, js_name = getFileHandle)]
    fn get_file_handle(this: &Directory, name: &str, options: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getDirectoryHandle)]
    fn get_directory_handle(this: &Directory, name: &str, options: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = removeEntry)]
    fn remove_entry(this: &Directory, name: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn keys(this: &Directory) -> Result<AsyncIterator, JsValue>;

    /// A `StorageManager`.
    type Storage;

    #[wasm_bindgen(method, catch, js_name = getDirectory)]
    fn get_directory(this: &Storage) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn estimate(this: &Storage) -> Result<Promise, JsValue>;
}

/// What a call that failed has thrown.
pub(super) struct Thrown(JsValue);

impl From<JsValue> for Thrown {
    fn from(thrown: JsValue) -> Self {
        Self(thrown)
    }
}

impl Thrown {
    /// Returns the name of the exception.
    pub(super) fn name(&self) -> String {
        self.0.dyn_ref::<DomException>().map(DomException::name).unwrap_or_default()
    }

    /// Returns why the file cannot be written, and what to do.
    pub(super) fn advice(&self) -> String {
        advice(&self.name(), &message_of(&self.0))
    }
}

async fn settled<T: JsCast>(promise: Result<Promise, JsValue>) -> Result<T, Thrown> {
    Ok(JsFuture::from(promise?).await?.unchecked_into())
}

fn options(name: &str, value: impl Into<JsValue>) -> JsValue {
    let options = Object::new();
    let _ = Reflect::set(&options, &name.into(), &value.into());
    options.into()
}

impl FileHandle {
    /// Returns whether both are handles of the same file.
    pub(super) async fn is_same(&self, other: &JsValue) -> bool {
        let same = settled::<JsValue>(self.is_same_entry(other)).await;
        same.is_ok_and(|same| same.is_truthy())
    }

    /// Returns the file as it is now.
    pub(super) async fn file(&self) -> Result<File, Thrown> {
        settled(self.get_file()).await
    }
}

/// A file of the origin's own, open for this worker alone, until this is dropped.
pub(super) struct OwnFile(SyncHandle);

impl OwnFile {
    /// Opens a file. Fails with an `InvalidStateError` if it is not one of the origin's own, and with a `TypeError` outside of a
    /// worker.
    pub(super) async fn open(handle: &FileHandle) -> Result<Self, Thrown> {
        settled(handle.create_sync_access_handle()).await.map(Self)
    }

    /// Cuts or lengthens it. Fails at once where there is no room.
    pub(super) fn resize(&self, size: u64) -> Result<(), Thrown> {
        Ok(self.0.truncate(size as f64)?)
    }

    /// Writes bytes at a place.
    pub(super) fn write_at(&self, offset: u64, bytes: &Uint8Array) -> Result<(), Thrown> {
        let mut done = 0;
        while done < bytes.length() {
            let rest = if done == 0 { bytes.clone() } else { bytes.subarray(done, bytes.length()) };
            let written = self.0.write(&rest, &options("at", (offset + u64::from(done)) as f64))?;
            if written < 1.0 {
                return Err(Thrown(js_sys::Error::new("it takes no more bytes").into()));
            }
            done += written as u32;
        }
        Ok(())
    }

    /// Fills a buffer with the bytes at a place, and returns how many there are.
    pub(super) fn read_at(&self, offset: u64, buffer: &Uint8Array) -> u32 {
        self.0.read(buffer, &options("at", offset as f64)).map_or(0, |read| read as u32)
    }

    /// Lets others open it. Twice is once.
    pub(super) fn close(&self) {
        let _ = self.0.close_handle();
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        self.close();
    }
}

/// A file that is written beside the one that it replaces when it is closed.
#[derive(Clone)]
pub(super) struct Replacement(WritableFile);

impl Replacement {
    /// Begins with an empty file.
    pub(super) async fn begin(handle: &FileHandle) -> Result<Self, Thrown> {
        settled(handle.create_writable()).await.map(Self)
    }

    /// Writes bytes at a place. They must stay as they are until this resolves.
    pub(super) async fn write_at(&self, position: u64, bytes: &Uint8Array) -> Result<(), Thrown> {
        let chunk = options("type", "write");
        let _ = Reflect::set(&chunk, &"position".into(), &(position as f64).into());
        let _ = Reflect::set(&chunk, &"data".into(), bytes);
        settled::<JsValue>(self.0.write_chunk(&chunk)).await.map(drop)
    }

    /// Writes all of a file, which the browser copies by itself.
    pub(super) async fn write_all(&self, file: &Blob) -> Result<(), Thrown> {
        settled::<JsValue>(self.0.write_chunk(file)).await.map(drop)
    }

    /// Takes the file's place. Browsers look at it first, which can take long.
    pub(super) async fn finish(&self) -> Result<(), Thrown> {
        settled::<JsValue>(self.0.close_file()).await.map(drop)
    }

    /// Leaves the file as it was.
    pub(super) async fn give_up(&self) {
        let _ = settled::<JsValue>(self.0.abort()).await;
    }
}

/// The folder in which downloads are staged.
pub(super) struct Stage(Directory);

impl Stage {
    /// Opens the folder. Fails where there are no files of the origin's own.
    pub(super) async fn open() -> Result<Self, Thrown> {
        let storage = storage().ok_or_else(|| Thrown(JsValue::UNDEFINED))?;
        let root: Directory = settled(storage.get_directory()).await?;
        settled(root.get_directory_handle(FOLDER, &options("create", true))).await.map(Self)
    }

    /// Returns the handle of a file, which is made if there is none.
    pub(super) async fn handle(&self, name: &str) -> Result<FileHandle, Thrown> {
        settled(self.0.get_file_handle(name, &options("create", true))).await
    }

    /// Removes a file. Nothing happens if it is open anywhere.
    pub(super) async fn remove(&self, name: &str) {
        let _ = settled::<JsValue>(self.0.remove_entry(name)).await;
    }

    /// Returns the names of all files.
    pub(super) async fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let Ok(keys) = self.0.keys() else { return names };
        while let Ok(next) = settled::<IteratorNext>(keys.next()).await {
            match next.value().as_string() {
                Some(name) if !next.done() => names.push(name),
                _ => break,
            }
        }
        names
    }
}

/// Returns whether files of the origin's own can be written in place here, as they can in a worker.
pub(super) fn has_own_files() -> bool {
    let class = property(&js_sys::global(), "FileSystemFileHandle");
    let prototype = class.and_then(|class| property(&class, "prototype"));
    prototype.and_then(|prototype| property(&prototype, "createSyncAccessHandle")).is_some()
}

/// Returns whether the browser would let this origin keep so many bytes more. If it does not say, it would.
pub(super) async fn has_room(bytes: u64) -> bool {
    let Some(storage) = storage() else { return false };
    let Ok(estimate) = settled::<JsValue>(storage.estimate()).await else { return true };
    let number = |name| property(&estimate, name).and_then(|number| number.as_f64());
    match (number("quota"), number("usage")) {
        (Some(quota), Some(usage)) => bytes as f64 <= quota - usage,
        _ => true,
    }
}

fn storage() -> Option<Storage> {
    navigator("storage").map(JsCast::unchecked_into)
}
