//! The server's answers, from JSON into the wire types. The names are those in
//! `partway_shared::wire`; fields that are not known are left alone.

use std::collections::BTreeMap;

use partway_shared::checksum::ChecksumKind;
use partway_shared::error::Problem;
use partway_shared::part::{ETag, PartNumber};
use partway_shared::plan::Strategy;
use partway_shared::wire::{
    CompletedUpload, CompletedUploads, Completion, CreatedUpload, CreatedUploads, Grant, ListedParts,
    ObjectChecksum, SignedParts, SignedPut, StoredPart,
};

use crate::json::Json;

/// An answer, or a part of one.
pub(crate) trait Reply: Sized {
    /// `None` unless everything is there and of its type.
    fn read(json: Json<'_>) -> Option<Self>;
}

impl Reply for CreatedUploads {
    fn read(json: Json<'_>) -> Option<Self> {
        Some(Self { uploads: list(json, "uploads")? })
    }
}

impl Reply for CreatedUpload {
    fn read(json: Json<'_>) -> Option<Self> {
        match json.text("outcome")?.as_str() {
            "accepted" => Grant::read(json).map(|grant| Self::Accepted(Box::new(grant))),
            "refused" => Problem::read(json).map(Self::Refused),
            _ => None,
        }
    }
}

impl Reply for Grant {
    fn read(json: Json<'_>) -> Option<Self> {
        Some(Self {
            key: json.text("key")?,
            token: json.text("token")?,
            expires_in: json.number("expires_in")?,
            strategy: Strategy::read(json.field("strategy")?)?,
            checksum: checksum_kind(json, "checksum")?,
            hosts: u32::try_from(json.number("hosts")?).ok()?,
            parts: list(json, "parts")?,
        })
    }
}

impl Reply for Strategy {
    fn read(json: Json<'_>) -> Option<Self> {
        match json.text("kind")?.as_str() {
            "single_put" => Some(Self::SinglePut),
            "multipart" => Some(Self::Multipart { part_size: json.number("part_size")? }),
            _ => None,
        }
    }
}

impl Reply for SignedParts {
    fn read(json: Json<'_>) -> Option<Self> {
        Some(Self { parts: list(json, "parts")? })
    }
}

impl Reply for SignedPut {
    fn read(json: Json<'_>) -> Option<Self> {
        Some(Self {
            part_number: part_number(json)?,
            url: json.text("url")?,
            headers: json.field("headers").map_or_else(|| Some(BTreeMap::new()), texts)?,
            form: optional(json, "form", texts)?,
            expires_in: json.number("expires_in")?,
        })
    }
}

impl Reply for ListedParts {
    fn read(json: Json<'_>) -> Option<Self> {
        Some(Self {
            parts: list(json, "parts")?,
            completed: optional(json, "completed", CompletedUpload::read)?,
        })
    }
}

impl Reply for StoredPart {
    fn read(json: Json<'_>) -> Option<Self> {
        Some(Self {
            part_number: part_number(json)?,
            size: json.number("size")?,
            etag: json.text("etag").map(ETag::from)?,
            checksum: optional(json, "checksum", |checksum| checksum.as_text()?.parse().ok())?,
        })
    }
}

impl Reply for CompletedUpload {
    fn read(json: Json<'_>) -> Option<Self> {
        Some(Self {
            bucket: json.text("bucket")?,
            key: json.text("key")?,
            location: json.text("location")?,
            etag: json.text("etag").map(ETag::from)?,
            size: json.number("size")?,
            verified: checksum_kind(json, "verified")?,
            checksum: optional(json, "checksum", ObjectChecksum::read)?,
            version_id: json.text("version_id"),
            part_count: u32::try_from(json.number("part_count")?).ok()?,
        })
    }
}

impl Reply for CompletedUploads {
    fn read(json: Json<'_>) -> Option<Self> {
        Some(Self { uploads: list(json, "uploads")? })
    }
}

impl Reply for Completion {
    fn read(json: Json<'_>) -> Option<Self> {
        match json.text("outcome")?.as_str() {
            "completed" => CompletedUpload::read(json).map(|completed| Self::Completed(Box::new(completed))),
            "refused" => Problem::read(json).map(Self::Refused),
            _ => None,
        }
    }
}

impl Reply for ObjectChecksum {
    fn read(json: Json<'_>) -> Option<Self> {
        Some(Self { algorithm: json.text("algorithm")?, value: json.text("value")? })
    }
}

impl Reply for Problem {
    fn read(json: Json<'_>) -> Option<Self> {
        Some(Self {
            kind: json.text("type")?,
            title: json.text("title")?,
            status: u16::try_from(json.number("status")?).ok()?,
            detail: json.text("detail")?,
            code: json.text("code")?.parse().ok()?,
            field: json.text("field"),
            retry_after: json.number("retry_after"),
        })
    }
}

/// How uploads are checked, by its name on the wire.
pub(crate) fn checksum_kind(json: Json<'_>, name: &str) -> Option<ChecksumKind> {
    match json.text(name)?.as_str() {
        "crc64_nvme" => Some(ChecksumKind::Crc64Nvme),
        "md5" => Some(ChecksumKind::Md5),
        "none" => Some(ChecksumKind::None),
        _ => None,
    }
}

fn list<T: Reply>(json: Json<'_>, name: &str) -> Option<Vec<T>> {
    let list = json.field(name).filter(|list| list.is_list())?;
    let mut read = Vec::new();
    for item in list.items() {
        read.push(T::read(item)?);
    }
    Some(read)
}

/// A field that may be missing, but not be something else.
fn optional<'a, T>(
    json: Json<'a>,
    name: &str,
    read: impl FnOnce(Json<'a>) -> Option<T>,
) -> Option<Option<T>> {
    match json.field(name) {
        Some(value) => read(value).map(Some),
        None => Some(None),
    }
}

/// An object whose fields are all text.
fn texts(object: Json<'_>) -> Option<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for (name, value) in object.fields() {
        texts.insert(name.to_owned(), value.as_text()?);
    }
    Some(texts)
}

fn part_number(json: Json<'_>) -> Option<PartNumber> {
    PartNumber::new(u32::try_from(json.number("part_number")?).ok()?).ok()
}
