//! What the page is told: events, statuses, results and errors.

use partway_shared::checksum::ChecksumKind;
use partway_shared::error::ErrorCode;
use partway_shared::transfer::FileId;
use partway_shared::upload::Status;
use partway_shared::wire::CompletedUpload;
use partway_web_io::event::{BrokenError, EngineError, ObjectChecksum};
use serde::Serialize;
use tsify::Tsify;
use wasm_bindgen::JsValue;

use crate::session::Entry;

/// Something that the page is told.
#[derive(Serialize, Tsify)]
#[tsify(missing_as_null)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum EngineEvent {
    /// The states of these uploads have changed.
    State { statuses: Vec<UploadStatus> },
    /// These uploads move, or should; at most ten times a second.
    Progress { statuses: Vec<UploadStatus> },
    /// A command on an upload was carried out. There is no status if the upload is not known any more.
    Done {
        id: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<Box<UploadStatus>>,
    },
    /// These uploads are not taken.
    Refused { ids: Vec<u32>, error: EngineError },
    /// What can be resumed, and how many entries of the journal cannot be read, if that is news.
    Resumable { entries: Vec<ResumableEntry>, skipped: u32 },
    /// The page is to answer with `provide` or `deny`.
    Headers,
    /// Something that a developer should know of, and that stops nothing.
    Warning { code: String, message: String },
    /// The engine has failed, and nothing more will come.
    Broken { error: BrokenError },
}

/// Where an upload stands.
#[derive(Serialize, Tsify)]
#[tsify(missing_as_null)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UploadStatus {
    id: u32,
    #[tsify(
        type = "\"waiting\" | \"uploading\" | \"paused\" | \"finishing\" | \"completed\" | \"cancelling\" | \"cancelled\" | \"failed\""
    )]
    state: &'static str,
    /// Bytes.
    size: u64,
    /// Bytes that have left.
    uploaded: u64,
    part_count: u32,
    parts_stored: u32,
    bytes_per_second: Option<f64>,
    seconds_left: Option<f64>,
    /// The code of what is waited for to pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(type = "string")]
    waiting_for: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<UploadResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<EngineError>,
}

/// The object in the store.
#[derive(Serialize, Tsify)]
#[tsify(missing_as_null)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UploadResult {
    bucket: String,
    key: String,
    location: String,
    etag: String,
    size: u64,
    #[tsify(type = "\"crc64_nvme\" | \"md5\" | \"none\"")]
    verified: ChecksumKind,
    checksum: Option<ObjectChecksum>,
    version_id: Option<String>,
    part_count: u32,
}

/// An upload that can go on. Its token stays in the journal.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResumableEntry {
    id: String,
    key: String,
    name: String,
    size: u64,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
    /// Milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<i64>,
    /// Bytes that were stored when it was interrupted.
    uploaded: u64,
    /// Milliseconds since 1970.
    expires_at: u64,
    /// With which the browser opens the file again, where it came with one.
    #[serde(with = "serde_wasm_bindgen::preserve", skip_serializing_if = "JsValue::is_undefined")]
    #[tsify(optional, type = "FileSystemFileHandle")]
    handle: JsValue,
}

impl UploadStatus {
    pub(crate) fn new(FileId(id): FileId, status: &Status<'_>) -> Self {
        Self {
            id,
            state: status.state.as_str(),
            size: status.size.unwrap_or_default(),
            uploaded: status.uploaded,
            part_count: status.part_count.unwrap_or(1),
            parts_stored: status.parts_stored,
            bytes_per_second: status.bytes_per_second,
            seconds_left: status.seconds_left,
            waiting_for: status.waiting_for.map(ErrorCode::as_str),
            result: status.result.map(UploadResult::from),
            error: status.error.map(EngineError::from),
        }
    }
}

impl From<&CompletedUpload> for UploadResult {
    fn from(upload: &CompletedUpload) -> Self {
        let CompletedUpload { bucket, key, location, etag, size, verified, checksum, version_id, part_count } =
            upload.clone();
        let checksum = checksum.map(ObjectChecksum::from);
        let etag = etag.as_str().to_owned();
        Self { bucket, key, location, etag, size, verified, checksum, version_id, part_count }
    }
}

impl ResumableEntry {
    /// `expires_at` is in milliseconds since 1970.
    pub(crate) fn new(entry: Entry, expires_at: u64, handle: JsValue) -> Self {
        let Entry { info, saved } = entry;
        Self {
            id: saved.grant.id.to_string(),
            key: saved.grant.key,
            name: info.name,
            size: info.size.unwrap_or_default(),
            content_type: info.content_type,
            path: info.path,
            destination: info.destination,
            last_modified: info.last_modified,
            uploaded: saved.stored_bytes,
            expires_at,
            handle,
        }
    }
}
