//! What JavaScript is told: statuses, events and errors as plain objects.

use js_sys::Array;
use partway_shared::checksum::ChecksumKind;
use partway_shared::upload::{FileId, State, Status, UploadError};
use partway_shared::wire::CompletedUpload;
use wasm_bindgen::JsValue;

use crate::object::object;

/// An event about uploads, with the status of each.
pub(crate) fn statuses(kind: Kind, statuses: &Array) -> JsValue {
    let kind = match kind {
        Kind::State => "state",
        Kind::Progress => "progress",
    };
    object([("type", kind.into()), ("statuses", statuses.into())])
}

/// What an event with statuses is about.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// States changed.
    State,
    /// Bytes have left, or speeds have sunk.
    Progress,
}

/// What the journal has that can be resumed.
pub(crate) fn resumable(entries: &Array, skipped: u32) -> JsValue {
    object([("type", "resumable".into()), ("entries", entries.into()), ("skipped", skipped.into())])
}

/// An upload that the engine does not take.
pub(crate) fn refused(FileId(id): FileId, error: &UploadError) -> JsValue {
    let ids = Array::of1(&id.into());
    object([("type", "refused".into()), ("ids", ids.into()), ("error", self::error(error))])
}

/// The page is to say with which headers the server is called.
pub(crate) fn headers_wanted() -> JsValue {
    object([("type", "headers".into())])
}

/// Something that a developer should know of, and that stops nothing.
pub(crate) fn warning(code: &str, message: &str) -> JsValue {
    object([("type", "warning".into()), ("code", code.into()), ("message", message.into())])
}

pub(crate) fn status(FileId(id): FileId, status: &Status<'_>) -> JsValue {
    object([
        ("id", id.into()),
        ("state", name(status.state)),
        ("size", (status.size as f64).into()),
        ("uploaded", (status.uploaded as f64).into()),
        ("partCount", status.part_count.into()),
        ("partsStored", status.parts_stored.into()),
        ("bytesPerSecond", or_null(status.bytes_per_second)),
        ("secondsLeft", or_null(status.seconds_left)),
        ("waitingFor", status.waiting_for.map_or(JsValue::UNDEFINED, |code| code.as_str().into())),
        ("result", status.result.map_or(JsValue::UNDEFINED, result)),
        ("error", status.error.map_or(JsValue::UNDEFINED, error)),
    ])
}

pub(crate) fn error(error: &UploadError) -> JsValue {
    object([
        ("code", error.code.as_str().into()),
        ("message", error.message().into()),
        ("retryable", error.retryable().into()),
        ("field", error.field.as_deref().map_or(JsValue::UNDEFINED, JsValue::from)),
        ("status", error.status.map_or(JsValue::UNDEFINED, JsValue::from)),
    ])
}

fn result(result: &CompletedUpload) -> JsValue {
    let checksum = result.checksum.as_ref().map(|checksum| {
        object([("algorithm", checksum.algorithm.as_str().into()), ("value", checksum.value.as_str().into())])
    });
    let verified = match result.verified {
        ChecksumKind::Crc64Nvme => "crc64_nvme",
        ChecksumKind::Md5 => "md5",
        ChecksumKind::None => "none",
    };
    object([
        ("bucket", result.bucket.as_str().into()),
        ("key", result.key.as_str().into()),
        ("location", result.location.as_str().into()),
        ("etag", result.etag.as_str().into()),
        ("size", (result.size as f64).into()),
        ("verified", verified.into()),
        ("checksum", or_null(checksum)),
        ("versionId", or_null(result.version_id.as_deref())),
        ("partCount", result.part_count.into()),
    ])
}

fn name(state: State) -> JsValue {
    state.as_str().into()
}

fn or_null(value: Option<impl Into<JsValue>>) -> JsValue {
    value.map_or(JsValue::NULL, Into::into)
}
