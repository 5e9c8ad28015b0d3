//! What the server is asked, from the wire types into JSON.
//!
//! By hand, for the reason that `replies` gives. The server refuses fields that it does not
//! know, so a wrong name shows at the first request.

use js_sys::{Array, JSON};
use partway_shared::wire::{
    CompleteUpload, CompleteUploads, CompletedPart, CreateUploads, NewUpload, PartToSign, SignParts,
    UploadToComplete,
};
use wasm_bindgen::JsValue;

use crate::object::object;

/// A request's body, or a part of one.
pub(crate) trait Request {
    fn to_object(&self) -> JsValue;

    fn to_json(&self) -> String {
        // Plain objects always have a JSON form.
        JSON::stringify(&self.to_object()).map_or_else(|_| String::new(), String::from)
    }
}

// Each type is taken apart whole, so that a new field cannot be forgotten here.

impl Request for CreateUploads {
    fn to_object(&self) -> JsValue {
        let Self { files } = self;
        object([("files", list(files))])
    }
}

impl Request for NewUpload {
    fn to_object(&self) -> JsValue {
        let Self { name, size, content_type, last_modified, path, destination, part_size, checksums } = self;
        let checksums: Array = checksums.iter().map(|&known| checksum_text(known)).collect();
        object([
            ("name", name.into()),
            ("size", (*size as f64).into()),
            ("type", if_any(content_type.as_ref())),
            ("last_modified", if_any(last_modified.map(|at| at as f64))),
            ("path", if_any(path.as_ref())),
            ("destination", if_any(destination.as_ref())),
            ("part_size", if_any(part_size.map(|size| size as f64))),
            ("checksums", checksums.into()),
        ])
    }
}

impl Request for SignParts {
    fn to_object(&self) -> JsValue {
        let Self { parts } = self;
        object([("parts", list(parts))])
    }
}

impl Request for PartToSign {
    fn to_object(&self) -> JsValue {
        let Self { part_number, checksum } = *self;
        object([("part_number", part_number.get().into()), ("checksum", if_any(checksum.map(checksum_text)))])
    }
}

impl Request for CompleteUpload {
    fn to_object(&self) -> JsValue {
        let Self { parts, checksum } = self;
        object([("parts", list(parts)), ("checksum", if_any(checksum.map(checksum_text)))])
    }
}

impl Request for CompleteUploads {
    fn to_object(&self) -> JsValue {
        let Self { uploads } = self;
        object([("uploads", list(uploads))])
    }
}

impl Request for UploadToComplete {
    fn to_object(&self) -> JsValue {
        let Self { token, parts, checksum } = self;
        object([
            ("token", token.into()),
            ("parts", list(parts)),
            ("checksum", if_any(checksum.map(checksum_text))),
        ])
    }
}

impl Request for CompletedPart {
    fn to_object(&self) -> JsValue {
        let Self { part_number, etag } = self;
        object([("part_number", part_number.get().into()), ("etag", etag.as_str().into())])
    }
}

fn list(items: &[impl Request]) -> JsValue {
    items.iter().map(Request::to_object).collect::<Array>().into()
}

fn checksum_text(checksum: impl Into<String>) -> JsValue {
    checksum.into().into()
}

/// What is `undefined` is left out of an object.
fn if_any(value: Option<impl Into<JsValue>>) -> JsValue {
    value.map_or(JsValue::UNDEFINED, Into::into)
}
