//! The server's answers, from JSON into the wire types. The names are those in
//! `partway_shared::wire`; fields that are not known are left alone.

use partway_shared::checksum::ChecksumKind;
use partway_shared::error::Problem;
use partway_shared::part::{ETag, PartNumber};
use partway_shared::plan::Strategy;
use partway_shared::wire::{
    CallerInfo, CompletedUpload, CompletedUploads, Completion, CreatedUpload, CreatedUploads, Grant,
    ListedParts, ObjectChecksum, Pairs, SignedParts, SignedPut, StoredPart,
};

use crate::json::Json;

/// An answer, or a part of one.
pub(crate) trait Reply: Sized {
    /// `None` unless everything is there and of its type.
    fn read(json: Json<'_>) -> Option<Self>;
}

impl Reply for CreatedUploads {
    fn read(json: Json<'_>) -> Option<Self> {
        Some(Self { owner: json.text("owner")?, uploads: list(json, "uploads")? })
    }
}

impl Reply for CallerInfo {
    fn read(json: Json<'_>) -> Option<Self> {
        Some(Self { owner: json.text("owner")? })
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
            headers: optional(json, "headers", Pairs::read)?.unwrap_or_default(),
            form: optional(json, "form", Pairs::read)?,
            expires_in: json.number("expires_in")?,
        })
    }
}

impl Reply for Pairs {
    fn read(json: Json<'_>) -> Option<Self> {
        let mut pairs = Vec::new();
        for (name, value) in json.fields() {
            pairs.push((name.to_owned(), value.as_text()?));
        }
        Some(Self(pairs))
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

fn part_number(json: Json<'_>) -> Option<PartNumber> {
    PartNumber::new(u32::try_from(json.number("part_number")?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use partway_shared::checksum::Crc64Nvme;
    use partway_shared::error::ErrorCode;
    use serde_json::json;

    use super::*;

    fn completed() -> CompletedUpload {
        CompletedUpload {
            bucket: "files".to_owned(),
            key: "in/a \"b\".txt".to_owned(),
            location: "https://store.test/files/in".to_owned(),
            etag: ETag::new("\"abc-2\""),
            size: 5,
            verified: ChecksumKind::Crc64Nvme,
            checksum: Some(Crc64Nvme::of(b"12345").into()),
            version_id: None,
            part_count: 2,
        }
    }

    /// What the server writes, the widget reads.
    fn ensure_read<T: Reply + PartialEq + std::fmt::Debug + serde::Serialize>(sent: &T) {
        let text = serde_json::to_string(sent).unwrap();
        assert_eq!(T::read(Json::new(&text)).as_ref(), Some(sent), "{text}");
    }

    #[test]
    fn every_answer_is_read_as_it_was_sent() {
        let pairs = |name: &str| Pairs(vec![(name.to_owned(), "with \"quotes\"".to_owned())]);
        let put = SignedPut {
            part_number: PartNumber::FIRST,
            url: "https://store.test/a?b=c".to_owned(),
            headers: pairs("content-md5"),
            form: None,
            expires_in: 900,
        };
        let form = SignedPut { form: Some(pairs("policy")), headers: Pairs::default(), ..put.clone() };
        let grant = |strategy, parts| {
            CreatedUpload::Accepted(Box::new(Grant {
                key: "key".to_owned(),
                token: "token".to_owned(),
                expires_in: 86_400,
                strategy,
                checksum: ChecksumKind::Md5,
                hosts: 2,
                parts,
            }))
        };
        let problem = Problem::new(ErrorCode::FileTooLarge, "by far").with_field("size").with_retry_after(3);
        let uploads = vec![
            grant(Strategy::SinglePut, vec![form]),
            grant(Strategy::Multipart { part_size: 7 }, vec![put.clone(), put.clone()]),
            CreatedUpload::Refused(problem.clone()),
        ];
        ensure_read(&CreatedUploads { owner: "somebody".to_owned(), uploads });
        ensure_read(&CallerInfo { owner: "somebody".to_owned() });
        ensure_read(&SignedParts { parts: vec![put] });
        let part = StoredPart {
            part_number: PartNumber::FIRST,
            size: 5,
            etag: ETag::new("abc"),
            checksum: Some(Crc64Nvme::of(b"12345").into()),
        };
        let parts = vec![StoredPart { checksum: None, ..part.clone() }, part];
        ensure_read(&ListedParts { parts, completed: None });
        ensure_read(&ListedParts { parts: Vec::new(), completed: Some(completed()) });
        let uploads = vec![Completion::Completed(Box::new(completed())), Completion::Refused(problem)];
        ensure_read(&CompletedUploads { uploads });
    }

    #[test]
    fn an_answer_that_lacks_something_is_none() {
        let whole = serde_json::to_value(completed()).unwrap();
        for name in ["bucket", "key", "location", "etag", "size", "verified", "part_count"] {
            let mut lacking = whole.clone();
            lacking[name] = json!(null);
            assert_eq!(CompletedUpload::read(Json::new(&lacking.to_string())), None, "{name}");
        }
        for text in ["", "<html>", "[]", "{}", "{\"uploads\":{}}"] {
            assert_eq!(CreatedUploads::read(Json::new(text)), None, "{text}");
        }
    }
}
