//! What the server is asked, from the wire types into JSON.
//!
//! The server refuses fields that it does not know, so a wrong name shows at the first request.

use partway_shared::checksum::{Checksum, Crc64Nvme};
use partway_shared::part::{ETag, PartNumber};
use partway_shared::wire::{
    AbortUpload, CompleteUpload, CompleteUploads, CompletedPart, CreateUploads, CreationId, ListParts,
    NewUpload, Pairs, PartToSign, SignParts,
};

use crate::json::{Fields, ToJson};

// Each type is taken apart whole, so that a new field cannot be forgotten here.

impl ToJson for CreateUploads {
    fn write(&self, to: &mut String) {
        let Self { files } = self;
        Fields::new(to).field("files", files).end();
    }
}

impl ToJson for NewUpload {
    fn write(&self, to: &mut String) {
        let Self { id, name, size, content_type, last_modified, path, destination, part_size, checksums } =
            self;
        Fields::new(to)
            .field_if_any("id", id.as_ref())
            .field("name", name)
            .field("size", size)
            .field_if_any("type", content_type.as_ref())
            .field_if_any("last_modified", last_modified.as_ref())
            .field_if_any("path", path.as_ref())
            .field_if_any("destination", destination.as_ref())
            .field_if_any("part_size", part_size.as_ref())
            .field("checksums", checksums)
            .end();
    }
}

impl ToJson for SignParts {
    fn write(&self, to: &mut String) {
        let Self { token, parts } = self;
        Fields::new(to).field("token", token).field("parts", parts).end();
    }
}

impl ToJson for ListParts {
    fn write(&self, to: &mut String) {
        let Self { token } = self;
        Fields::new(to).field("token", token).end();
    }
}

impl ToJson for AbortUpload {
    fn write(&self, to: &mut String) {
        let Self { token } = self;
        Fields::new(to).field("token", token).end();
    }
}

impl ToJson for PartToSign {
    fn write(&self, to: &mut String) {
        let Self { part_number, checksum } = self;
        Fields::new(to).field("part_number", part_number).field_if_any("checksum", checksum.as_ref()).end();
    }
}

impl ToJson for CompleteUploads {
    fn write(&self, to: &mut String) {
        let Self { uploads } = self;
        Fields::new(to).field("uploads", uploads).end();
    }
}

impl ToJson for CompleteUpload {
    fn write(&self, to: &mut String) {
        let Self { token, parts, checksum } = self;
        Fields::new(to)
            .field("token", token)
            .field("parts", parts)
            .field_if_any("checksum", checksum.as_ref())
            .end();
    }
}

impl ToJson for CompletedPart {
    fn write(&self, to: &mut String) {
        let Self { part_number, etag } = self;
        Fields::new(to).field("part_number", part_number).field("etag", etag).end();
    }
}

impl ToJson for Pairs {
    fn write(&self, to: &mut String) {
        let Self(pairs) = self;
        pairs.iter().fold(Fields::new(to), |fields, (name, value)| fields.field(name, value)).end();
    }
}

impl ToJson for PartNumber {
    fn write(&self, to: &mut String) {
        self.get().write(to);
    }
}

impl ToJson for ETag {
    fn write(&self, to: &mut String) {
        self.as_str().write(to);
    }
}

impl ToJson for Checksum {
    fn write(&self, to: &mut String) {
        String::from(*self).write(to);
    }
}

impl ToJson for CreationId {
    fn write(&self, to: &mut String) {
        String::from(*self).write(to);
    }
}

impl ToJson for Crc64Nvme {
    fn write(&self, to: &mut String) {
        String::from(*self).write(to);
    }
}
