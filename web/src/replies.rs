//! The server's answers, from JSON into the wire types.
//!
//! By the browser's own parser, and by hand from there. What serde makes of these few types
//! would be half of the module that every page downloads. The names are those in
//! `partway_shared::wire`; fields that are not known are left alone.

use std::collections::BTreeMap;

use js_sys::{Array, JSON, Object};
use partway_shared::checksum::ChecksumKind;
use partway_shared::error::Problem;
use partway_shared::part::{ETag, PartNumber};
use partway_shared::plan::Strategy;
use partway_shared::wire::{
    CompletedUpload, CompletedUploads, Completion, CreatedUpload, CreatedUploads, Grant, ListedParts,
    ObjectChecksum, SignedParts, SignedPut, StoredPart,
};
use wasm_bindgen::{JsCast, JsValue};

use crate::object::{field, text};

/// An answer, or a part of one.
pub(crate) trait Reply: Sized {
    /// `None` unless everything is there and of its type.
    fn from_json(json: &JsValue) -> Option<Self>;
}

/// Reads a whole answer.
pub(crate) fn read<T: Reply>(text: &str) -> Option<T> {
    T::from_json(&JSON::parse(text).ok()?)
}

impl Reply for CreatedUploads {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self { uploads: list(json, "uploads")? })
    }
}

impl Reply for CreatedUpload {
    fn from_json(json: &JsValue) -> Option<Self> {
        match text(json, "outcome")?.as_str() {
            "accepted" => Grant::from_json(json).map(|grant| Self::Accepted(Box::new(grant))),
            "refused" => Problem::from_json(json).map(Self::Refused),
            _ => None,
        }
    }
}

impl Reply for Grant {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self {
            key: text(json, "key")?,
            token: text(json, "token")?,
            expires_in: number(json, "expires_in")?,
            strategy: Strategy::from_json(&field(json, "strategy")?)?,
            checksum: checksum_kind(json, "checksum")?,
            hosts: u32::try_from(number(json, "hosts")?).ok()?,
            parts: list(json, "parts")?,
        })
    }
}

impl Reply for Strategy {
    fn from_json(json: &JsValue) -> Option<Self> {
        match text(json, "kind")?.as_str() {
            "single_put" => Some(Self::SinglePut),
            "multipart" => Some(Self::Multipart { part_size: number(json, "part_size")? }),
            _ => None,
        }
    }
}

impl Reply for SignedParts {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self { parts: list(json, "parts")? })
    }
}

impl Reply for SignedPut {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self {
            part_number: part_number(json)?,
            url: text(json, "url")?,
            headers: match field(json, "headers") {
                Some(headers) => texts(headers)?,
                None => BTreeMap::new(),
            },
            form: match field(json, "form") {
                Some(form) => Some(texts(form)?),
                None => None,
            },
            expires_in: number(json, "expires_in")?,
        })
    }
}

impl Reply for ListedParts {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self {
            parts: list(json, "parts")?,
            completed: match field(json, "completed") {
                Some(completed) => Some(CompletedUpload::from_json(&completed)?),
                None => None,
            },
        })
    }
}

impl Reply for StoredPart {
    fn from_json(json: &JsValue) -> Option<Self> {
        let checksum = text(json, "checksum").map(|checksum| checksum.parse());
        Some(Self {
            part_number: part_number(json)?,
            size: number(json, "size")?,
            etag: text(json, "etag").map(ETag::from)?,
            checksum: checksum.transpose().ok()?,
        })
    }
}

impl Reply for CompletedUpload {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self {
            bucket: text(json, "bucket")?,
            key: text(json, "key")?,
            location: text(json, "location")?,
            etag: text(json, "etag").map(ETag::from)?,
            size: number(json, "size")?,
            verified: checksum_kind(json, "verified")?,
            checksum: match field(json, "checksum") {
                Some(checksum) => Some(ObjectChecksum::from_json(&checksum)?),
                None => None,
            },
            version_id: text(json, "version_id"),
            part_count: u32::try_from(number(json, "part_count")?).ok()?,
        })
    }
}

impl Reply for CompletedUploads {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self { uploads: list(json, "uploads")? })
    }
}

impl Reply for Completion {
    fn from_json(json: &JsValue) -> Option<Self> {
        match text(json, "outcome")?.as_str() {
            "completed" => {
                CompletedUpload::from_json(json).map(|completed| Self::Completed(Box::new(completed)))
            }
            "refused" => Problem::from_json(json).map(Self::Refused),
            _ => None,
        }
    }
}

impl Reply for ObjectChecksum {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self { algorithm: text(json, "algorithm")?, value: text(json, "value")? })
    }
}

impl Reply for Problem {
    fn from_json(json: &JsValue) -> Option<Self> {
        Some(Self {
            kind: text(json, "type")?,
            title: text(json, "title")?,
            status: u16::try_from(number(json, "status")?).ok()?,
            detail: text(json, "detail")?,
            code: text(json, "code")?.parse().ok()?,
            field: text(json, "field"),
            retry_after: number(json, "retry_after"),
        })
    }
}

fn list<T: Reply>(json: &JsValue, name: &str) -> Option<Vec<T>> {
    let list = field(json, name)?.dyn_into::<Array>().ok()?;
    list.iter().map(|item| T::from_json(&item)).collect()
}

fn checksum_kind(json: &JsValue, name: &str) -> Option<ChecksumKind> {
    match text(json, name)?.as_str() {
        "crc64_nvme" => Some(ChecksumKind::Crc64Nvme),
        "md5" => Some(ChecksumKind::Md5),
        "none" => Some(ChecksumKind::None),
        _ => None,
    }
}

/// An object whose fields are all text.
fn texts(object: JsValue) -> Option<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    // One by one: `collect` would sort them first, and bring a sort along that weighs 5 kB.
    for entry in Object::entries(&object.dyn_into::<Object>().ok()?).iter() {
        texts.insert(text(&entry, "0")?, text(&entry, "1")?);
    }
    Some(texts)
}

/// A whole number. Those of JavaScript are exact to 2^53, 160 times the largest object.
fn number(json: &JsValue, name: &str) -> Option<u64> {
    let number = field(json, name)?.as_f64()?;
    (number >= 0.0 && number.fract() == 0.0).then_some(number as u64)
}

fn part_number(json: &JsValue) -> Option<PartNumber> {
    PartNumber::new(u32::try_from(number(json, "part_number")?).ok()?).ok()
}
