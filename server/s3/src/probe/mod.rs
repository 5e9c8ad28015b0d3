//! What a store really does, found out by trying: stores ignore headers that they do not know, so that
//! a request they accept proves nothing.
//!
//! One function for each property. Each works under keys of its own, `.partway/probe-…` below the
//! prefix that it is given, and removes what it has made, whatever came of it. An error says that nothing was
//! found out: the store was away, or refused what has nothing to do with the property. What follows from an answer is for
//! others to know.

mod checksums;
mod conditions;
mod copies;
mod rules;
mod tags;
mod terms;

use partway_shared::checksum::ChecksumKind;

use crate::attributes::Attributes;

use crate::store::{CompleteParams, NewObject, S3Store, Store, StoreError, UploadRef, namespace};

pub use checksums::{Check, access, object_crc64nvme, part_crc64nvme, part_md5, put_crc64nvme, put_md5};
pub use conditions::{complete_if_none_match, late_put_if_none_match, put_if_none_match};
pub use copies::{bare_headers, copy, copy_if_none_match};
pub use rules::Rule;
pub use tags::{put_tags, upload_tags};
pub use terms::{PresignedClient, copied_part, copied_put, form, length, signature};

const BODY: &[u8] = b"Partway tries out what this store verifies.";
const OTHER_BODY: &[u8] = b"These bytes are not the ones that were sent.";

/// A key that nothing has.
pub(crate) fn key(prefix: &str) -> String {
    namespace::probe(prefix)
}

/// Puts an object under this key, with a checksum where none does: a bucket with object lock takes nothing
/// without one.
///
/// # Errors
/// When it cannot be put.
pub(crate) async fn put_with_any_checksum(store: &S3Store, key: &str) -> Result<(), StoreError> {
    checksums::put_with_any_checksum(store, key).await
}

async fn begin(store: &S3Store, key: &str, checksum: ChecksumKind) -> Result<String, StoreError> {
    let (content_type, attributes) = ("text/plain", &Attributes::default());
    let object = NewObject { key, content_type, content_disposition: None, checksum, attributes };
    store.create_upload(object).await
}

async fn abort(store: &S3Store, upload: UploadRef<'_>) {
    match store.abort_upload(upload).await {
        Ok(()) | Err(StoreError::NoSuchUpload) => {}
        Err(error) => tracing::warn!(upload.key, %error, "the upload of a probe was not aborted"),
    }
}

async fn remove(store: &S3Store, key: &str) {
    if let Err(error) = store.delete(key, None).await {
        tracing::warn!(upload.key = key, %error, "the object of a probe was not removed");
    }
}
