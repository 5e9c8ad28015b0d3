//! What the page is told: events, statuses and results.

use js_sys::Uint8Array;
use partway_shared::checksum::ChecksumKind;
use partway_shared::error::ErrorCode;
use partway_shared::transfer::FileId;
use partway_web_io::event::{BrokenError, EngineError, ObjectChecksum};
use serde::Serialize;
use tsify::Tsify;
use wasm_bindgen::JsValue;

use crate::session::{Found, Shown};

/// Something that the page is told.
#[derive(Serialize, Tsify)]
#[tsify(missing_as_null)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum EngineEvent {
    /// The states of these downloads have changed.
    State { statuses: Vec<DownloadStatus> },
    /// These downloads move, or should; at most ten times a second.
    Progress { statuses: Vec<DownloadStatus> },
    /// A command on a download was carried out. There is no status if the download is not known any more.
    Done {
        id: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<Box<DownloadStatus>>,
    },
    /// The browser is to download this by itself.
    Link { id: u32, url: String },
    /// The next bytes of a stream. The page answers with `taken`, once they are.
    Chunk {
        id: u32,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        #[tsify(type = "Uint8Array<ArrayBuffer>")]
        bytes: Uint8Array,
    },
    /// A stream is whole and verified. The page answers with `saved`, once it is closed.
    Close { id: u32 },
    /// What can be resumed, as was asked by `list`.
    Resumable { entries: Vec<ResumableEntry> },
    /// The page is to answer with `provide` or `deny`.
    Headers,
    /// Something that a developer should know of, and that stops nothing.
    Warning { code: String, message: String },
    /// The engine has failed, and nothing more will come.
    Broken { error: BrokenError },
}

/// Where a download stands.
#[derive(Serialize, Tsify)]
#[tsify(missing_as_null)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DownloadStatus {
    id: u32,
    #[tsify(
        type = "\"waiting\" | \"downloading\" | \"paused\" | \"saving\" | \"completed\" | \"cancelled\" | \"failed\""
    )]
    state: &'static str,
    /// Bytes, once it is known.
    size: Option<u64>,
    /// Bytes that have come.
    downloaded: u64,
    bytes_per_second: Option<f64>,
    seconds_left: Option<f64>,
    /// The code of what is waited for to pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(type = "string")]
    waiting_for: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<DownloadResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<EngineError>,
}

/// The object, and what was made sure of its bytes.
#[derive(Serialize, Tsify)]
#[tsify(missing_as_null)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DownloadResult {
    key: String,
    size: u64,
    etag: String,
    #[tsify(type = "\"crc64_nvme\" | \"md5\" | \"none\"")]
    verified: ChecksumKind,
    checksum: Option<ObjectChecksum>,
    version_id: Option<String>,
    #[serde(rename = "type")]
    content_type: Option<String>,
    /// The bytes, if they were to be kept in memory.
    #[serde(with = "serde_wasm_bindgen::preserve", skip_serializing_if = "JsValue::is_undefined")]
    #[tsify(optional, type = "Blob")]
    blob: JsValue,
}

/// A download that can go on.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResumableEntry {
    id: String,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
    size: u64,
    /// Bytes that are there.
    downloaded: u64,
    /// Milliseconds since 1970.
    updated_at: u64,
    /// The file that it was going to.
    #[serde(with = "serde_wasm_bindgen::preserve", skip_serializing_if = "JsValue::is_undefined")]
    #[tsify(optional, type = "FileSystemFileHandle")]
    handle: JsValue,
}

impl DownloadStatus {
    pub(crate) fn new(FileId(id): FileId, shown: Shown<'_>, blob: JsValue) -> Self {
        let Shown { state, status, result, error } = shown;
        let result = status.object.zip(result).map(|(object, result)| DownloadResult {
            key: object.key.clone(),
            size: object.size,
            etag: object.etag.as_str().to_owned(),
            verified: result.verified,
            checksum: result.checksum.map(|crc| partway_shared::wire::ObjectChecksum::from(crc).into()),
            version_id: object.version_id.clone(),
            content_type: object.content_type.clone(),
            blob,
        });
        Self {
            id,
            state: state.as_str(),
            size: status.size,
            downloaded: status.downloaded,
            bytes_per_second: status.bytes_per_second,
            seconds_left: status.seconds_left,
            waiting_for: status.waiting_for.map(ErrorCode::as_str),
            result,
            error: error.map(EngineError::from),
        }
    }
}

impl ResumableEntry {
    pub(crate) fn new(found: Found, handle: JsValue) -> Self {
        let Found { id, partial, filename, updated_at, .. } = found;
        Self {
            id,
            downloaded: partial.bytes(),
            key: partial.object.key,
            destination: partial.object.destination,
            version_id: partial.object.version_id,
            filename,
            size: partial.size,
            updated_at,
            handle,
        }
    }
}
