//! What JavaScript passes in, checked.

use std::time::Duration;

use partway_shared::error::ErrorCode;
use partway_shared::limits::{MAX_PART_SIZE, MIN_PART_SIZE};
use partway_shared::upload::{FileId, FileInfo, Settings, UploadError};

use crate::json::Json;
use crate::report;

/// The options of an engine.
pub(crate) struct Options {
    /// Partway's server, without a slash at its end.
    pub(crate) endpoint: String,
    pub(crate) settings: Settings,
    /// Whether uploads are to go on after a reload.
    pub(crate) journal: bool,
}

/// A file to upload. Its bytes are the host's.
pub(crate) struct Entry {
    /// The caller's own, which everything that is told of the file names.
    pub(crate) id: FileId,
    pub(crate) info: FileInfo,
}

/// The most connections that are of any use: six to each of a few host names.
const MAX_CONCURRENCY: u64 = 64;

/// The least that can be asked for: below, a part of the smallest size takes too long to be sent at once.
const MIN_RATE: u64 = 16 * 1024;
/// In seconds.
const MAX_STALL_TIMEOUT: u64 = 3_600;
const MOST_ATTEMPTS: u64 = 1_000;

pub(crate) fn read(options: Json<'_>) -> Result<Options, UploadError> {
    let endpoint =
        options.text("endpoint").ok_or_else(|| invalid("endpoint", "it must be the server's address"))?;
    let mut settings = Settings::default();
    if let Some(value) = number(options, "concurrency", 1, MAX_CONCURRENCY)? {
        settings.concurrency = Some(value as u32);
    }
    if let Some(value) = number(options, "partSize", MIN_PART_SIZE, MAX_PART_SIZE)? {
        settings.part_size = Some(value);
    }
    if let Some(value) = number(options, "maxBytesPerSecond", MIN_RATE, MAX_PART_SIZE)? {
        settings.max_bytes_per_second = Some(value);
    }
    if let Some(value) = number(options, "stallTimeout", 1, MAX_STALL_TIMEOUT)? {
        settings.stall_timeout = Duration::from_secs(value);
    }
    if let Some(value) = number(options, "maxAttempts", 1, MOST_ATTEMPTS)? {
        settings.retry.max_attempts = value as u32;
    }
    settings.epoch = options.number("epoch");
    if let Some(headers) = options.field("headers")
        && (!headers.is_object() || headers.fields().any(|(_, value)| value.as_text().is_none()))
    {
        return Err(invalid("headers", "it must be an object of strings"));
    }
    if let Some(credentials) = options.field("credentials")
        && !matches!(credentials.as_text().as_deref(), Some("include" | "same-origin" | "omit"))
    {
        return Err(invalid("credentials", "it must be include, same-origin or omit"));
    }
    Ok(Options {
        endpoint: endpoint.trim_end_matches('/').to_owned(),
        settings,
        journal: options.field("journal").is_none_or(Json::is_truthy),
    })
}

pub(crate) fn entry(entry: Json<'_>) -> Result<Entry, UploadError> {
    let (Some(name), Some(size)) = (entry.text("name"), entry.number("size")) else {
        return Err(invalid("file", "it must be a File"));
    };
    let id = number(entry, "id", 1, u64::from(u32::MAX))?.ok_or_else(|| invalid("id", "it is missing"))?;
    let info = FileInfo {
        name,
        size,
        content_type: entry.text("type").filter(|kind| !kind.is_empty()),
        last_modified: entry.field("lastModified").and_then(Json::as_integer),
        path: entry.text("path"),
        destination: entry.text("destination"),
    };
    Ok(Entry { id: FileId(id as u32), info })
}

/// A whole number within bounds.
fn number(options: Json<'_>, name: &str, min: u64, max: u64) -> Result<Option<u64>, UploadError> {
    let Some(value) = options.field(name) else { return Ok(None) };
    let number = value.as_number().filter(|number| (min..=max).contains(number));
    number.map(Some).ok_or_else(|| {
        let (min, max) = (min.to_string(), max.to_string());
        invalid(name, &["it must be a whole number from ", &min, " to ", &max].concat())
    })
}

fn invalid(field: &str, why: &str) -> UploadError {
    report::error(ErrorCode::InvalidOption, &[field, ": ", why].concat(), Some(field))
}
