//! What the page is told: events, statuses and errors.

use partway_shared::checksum::ChecksumKind;
use partway_shared::error::ErrorCode;
use partway_shared::upload::{FileId, Status, UploadError};
use partway_shared::wire::{CompletedUpload, ObjectChecksum};

use crate::json::{Fields, Raw, ToJson};

/// What the page is told, by its type.
pub(crate) fn event(kind: &str, write: impl for<'a> FnOnce(Fields<'a>) -> Fields<'a>) -> Raw {
    Raw::object(|fields| write(fields.field("type", kind)))
}

/// Uploads that the engine does not take.
pub(crate) fn refused(ids: &[FileId], error: &UploadError) -> Raw {
    event("refused", |fields| fields.field("ids", ids).field("error", error))
}

/// Something that a developer should know of, and that stops nothing.
pub(crate) fn warning(code: &str, message: &str) -> Raw {
    event("warning", |fields| fields.field("code", code).field("message", message))
}

/// What the engine itself finds wrong.
pub(crate) fn error(code: ErrorCode, detail: &str, field: Option<&str>) -> UploadError {
    UploadError { code, detail: detail.to_owned(), status: None, field: field.map(str::to_owned) }
}

impl ToJson for FileId {
    fn write(&self, to: &mut String) {
        self.0.write(to);
    }
}

/// An upload's name and what is to be said of it.
impl ToJson for (FileId, Status<'_>) {
    fn write(&self, to: &mut String) {
        let (id, status) = self;
        Fields::new(to)
            .field("id", id)
            .field("state", status.state.as_str())
            .field("size", &status.size)
            .field("uploaded", &status.uploaded)
            .field("partCount", &status.part_count)
            .field("partsStored", &status.parts_stored)
            .field("bytesPerSecond", &status.bytes_per_second.map(Decimal))
            .field("secondsLeft", &status.seconds_left.map(Decimal))
            .field_if_any("waitingFor", status.waiting_for.map(ErrorCode::as_str))
            .field_if_any("result", status.result)
            .field_if_any("error", status.error)
            .end();
    }
}

impl ToJson for UploadError {
    fn write(&self, to: &mut String) {
        Fields::new(to)
            .field("code", self.code.as_str())
            .field("message", &self.message())
            .field("retryable", &self.retryable())
            .field_if_any("field", self.field.as_ref())
            .field_if_any("status", self.status.map(u32::from).as_ref())
            .end();
    }
}

impl ToJson for CompletedUpload {
    fn write(&self, to: &mut String) {
        Fields::new(to)
            .field("bucket", &self.bucket)
            .field("key", &self.key)
            .field("location", &self.location)
            .field("etag", &self.etag)
            .field("size", &self.size)
            .field("verified", &self.verified)
            .field("checksum", &self.checksum)
            .field("versionId", &self.version_id)
            .field("partCount", &self.part_count)
            .end();
    }
}

impl ToJson for ObjectChecksum {
    fn write(&self, to: &mut String) {
        Fields::new(to).field("algorithm", &self.algorithm).field("value", &self.value).end();
    }
}

impl ToJson for ChecksumKind {
    fn write(&self, to: &mut String) {
        let name = match self {
            Self::Crc64Nvme => "crc64_nvme",
            Self::Md5 => "md5",
            Self::None => "none",
        };
        name.write(to);
    }
}

/// A number to three places. What the standard library writes others with weighs 8 kB.
struct Decimal(f64);

impl ToJson for Decimal {
    fn write(&self, to: &mut String) {
        ((self.0 * 1_000.0) as u64).write(to);
        to.push_str("e-3");
    }
}
