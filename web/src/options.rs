//! What JavaScript passes in, checked.

use std::time::Duration;

use js_sys::Object;
use partway_shared::error::ErrorCode;
use partway_shared::limits::{MAX_PART_SIZE, MIN_PART_SIZE};
use partway_shared::upload::{FileId, FileInfo, Settings, UploadError};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::File;

use crate::headers::Pairs;
use crate::object::{field, text};

/// The options of an engine.
pub(crate) struct Options {
    /// Partway's server, without a slash at its end.
    pub(crate) endpoint: String,
    /// Headers for every call to it; `None` if the page is to be asked for them.
    pub(crate) headers: Option<Pairs>,
    pub(crate) settings: Settings,
    /// Whether uploads are to go on after a reload.
    pub(crate) journal: bool,
}

/// A file to upload.
pub(crate) struct Entry {
    /// The caller's own, which everything that is told of the file names.
    pub(crate) id: FileId,
    pub(crate) file: File,
    /// With which the browser opens it again, where it came with one.
    pub(crate) handle: Option<JsValue>,
    pub(crate) info: FileInfo,
}

/// The most connections that are of any use: six to each of a few host names.
const MAX_CONCURRENCY: f64 = 64.0;

/// The least that can be asked for: below, a part of the smallest size takes too long to be sent at once.
const MIN_RATE: f64 = 16.0 * 1024.0;
/// In seconds.
const MAX_STALL_TIMEOUT: f64 = 3_600.0;
const MOST_ATTEMPTS: f64 = 1_000.0;

pub(crate) fn read(options: &JsValue) -> Result<Options, UploadError> {
    let endpoint =
        text(options, "endpoint").ok_or_else(|| invalid("endpoint", "it must be the server's address"))?;
    let mut settings = Settings::default();
    if let Some(value) = number(options, "concurrency", 1.0, MAX_CONCURRENCY)? {
        settings.concurrency = Some(value as u32);
    }
    if let Some(value) = number(options, "partSize", MIN_PART_SIZE as f64, MAX_PART_SIZE as f64)? {
        settings.part_size = Some(value as u64);
    }
    if let Some(value) = number(options, "maxBytesPerSecond", MIN_RATE, MAX_PART_SIZE as f64)? {
        settings.max_bytes_per_second = Some(value as u64);
    }
    if let Some(value) = number(options, "stallTimeout", 1.0, MAX_STALL_TIMEOUT)? {
        settings.stall_timeout = Duration::from_secs(value as u64);
    }
    if let Some(value) = number(options, "maxAttempts", 1.0, MOST_ATTEMPTS)? {
        settings.retry.max_attempts = value as u32;
    }
    Ok(Options {
        endpoint: endpoint.trim_end_matches('/').to_owned(),
        headers: match field(options, "asksForHeaders") {
            Some(_) => None,
            None => field(options, "headers").map_or(Ok(Vec::new()), headers).map(Some)?,
        },
        settings,
        journal: field(options, "journal").is_none_or(|journal| journal.is_truthy()),
    })
}

pub(crate) fn entry(entry: &JsValue) -> Result<Entry, UploadError> {
    let file = field(entry, "file").and_then(|file| file.dyn_into::<File>().ok());
    let file = file.ok_or_else(|| invalid("file", "it must be a File"))?;
    let id = number(entry, "id", 1.0, f64::from(u32::MAX))?.ok_or_else(|| invalid("id", "it is missing"))?;
    let id = FileId(id as u32);
    let content_type = file.type_();
    let info = FileInfo {
        name: file.name(),
        size: file.size() as u64,
        content_type: (!content_type.is_empty()).then_some(content_type),
        last_modified: Some(file.last_modified() as i64),
        path: text(entry, "path"),
        destination: text(entry, "destination"),
    };
    Ok(Entry { id, file, handle: field(entry, "handle"), info })
}

/// A whole number within bounds.
fn number(options: &JsValue, name: &str, min: f64, max: f64) -> Result<Option<f64>, UploadError> {
    let Some(value) = field(options, name) else { return Ok(None) };
    match value.as_f64() {
        Some(value) if value.fract() == 0.0 && value >= min && value <= max => Ok(Some(value)),
        _ => {
            let bounds = [
                "it must be a whole number from ",
                &(min as u64).to_string(),
                " to ",
                &(max as u64).to_string(),
            ];
            Err(invalid(name, &bounds.concat()))
        }
    }
}

/// An object of strings.
pub(crate) fn headers(headers: JsValue) -> Result<Pairs, UploadError> {
    let headers =
        headers.dyn_into::<Object>().map_err(|_| invalid("headers", "it must be an object of strings"))?;
    let pairs = Object::entries(&headers).into_iter().map(|pair| {
        let pair = js_sys::Array::from(&pair);
        match (pair.get(0).as_string(), pair.get(1).as_string()) {
            (Some(name), Some(value)) => Ok((name, value)),
            _ => Err(invalid("headers", "every value must be a string")),
        }
    });
    pairs.collect()
}

fn invalid(field: &str, why: &str) -> UploadError {
    UploadError {
        code: ErrorCode::InvalidOption,
        detail: [field, ": ", why].concat(),
        status: None,
        field: Some(field.to_owned()),
    }
}
