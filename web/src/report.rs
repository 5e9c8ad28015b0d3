//! What JavaScript is told: statuses, events and errors as plain objects.

use partway_shared::upload::{Event, FileId, State, Status, UploadError};
use partway_shared::wire::CompletedUpload;
use wasm_bindgen::JsValue;

use crate::object::object;

pub(crate) fn event(event: Event) -> JsValue {
    match event {
        Event::State(FileId(id), state) => {
            object([("type", "state".into()), ("id", id.into()), ("state", name(state))])
        }
        Event::Progress(FileId(id)) => object([("type", "progress".into()), ("id", id.into())]),
    }
}

pub(crate) fn status(id: u32, status: &Status<'_>) -> JsValue {
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
        ("message", error.to_string().into()),
        ("retryable", error.retryable().into()),
        ("field", error.field.as_deref().map_or(JsValue::UNDEFINED, JsValue::from)),
        ("status", error.status.map_or(JsValue::UNDEFINED, JsValue::from)),
    ])
}

fn result(result: &CompletedUpload) -> JsValue {
    let checksum = result.checksum.as_ref().map(|checksum| {
        object([("algorithm", checksum.algorithm.as_str().into()), ("value", checksum.value.as_str().into())])
    });
    object([
        ("bucket", result.bucket.as_str().into()),
        ("key", result.key.as_str().into()),
        ("location", result.location.as_str().into()),
        ("etag", result.etag.as_str().into()),
        ("size", (result.size as f64).into()),
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
