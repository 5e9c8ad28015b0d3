//! Finds out what a store does by trying it: stores ignore headers that they do not know, so an accepted request
//! proves nothing.
//!
//! There is one function for each property. Each uses keys of its own, `.partway/probe-…` below the given prefix, and
//! removes what it created, whatever the result. An error means that nothing was found out: the store was away, or
//! refused for a reason that has nothing to do with the property.

mod checksums;
mod conditions;
mod copies;
mod part_sizes;
mod presigned;
mod rules;
mod tags;

use partway_shared::checksum::ChecksumKind;

use crate::attributes::Attributes;

use crate::store::{BucketStore, CompleteParams, NewObject, StoreError, Trial, UploadRef, namespace};

pub use checksums::{Check, access, object_crc64nvme, part_crc64nvme, part_md5, put_crc64nvme, put_md5};
pub use conditions::{complete_if_none_match, late_put_if_none_match, put_if_none_match};
pub use copies::{bare_headers, copy, copy_if_none_match};
pub use part_sizes::unequal_parts;
pub use presigned::{
    PresignedClient, copied_part, copied_put, form, length, part_copy, part_copy_key, signature,
};
pub use rules::Rule;
pub use tags::{copied_tags, put_tags, upload_tags};

const BODY: &[u8] = b"Partway tries out what this store verifies.";
const OTHER_BODY: &[u8] = b"These bytes are not the ones that were sent.";

/// Returns a key that no object has.
pub(crate) fn key(prefix: &str) -> String {
    namespace::probe(prefix)
}

/// Puts an object, with a checksum if the store refuses one without: a bucket with object lock requires a checksum.
///
/// # Errors
/// When it cannot be put.
pub(crate) async fn put_with_any_checksum(store: &dyn BucketStore, key: &str) -> Result<(), StoreError> {
    checksums::put_with_any_checksum(store, key).await
}

async fn begin(store: &dyn BucketStore, key: &str, checksum: ChecksumKind) -> Result<String, StoreError> {
    let (content_type, attributes) = ("text/plain", &Attributes::default());
    let object = NewObject { key, content_type, content_disposition: None, checksum, attributes };
    store.create_upload(object).await
}

async fn abort(store: &dyn BucketStore, upload: UploadRef<'_>) {
    match store.abort_upload(upload).await {
        Ok(()) | Err(StoreError::NoSuchUpload) => {}
        Err(error) => tracing::warn!(upload.key, %error, "the upload of a probe was not aborted"),
    }
}

async fn remove(store: &dyn BucketStore, key: &str) {
    if let Err(error) = store.delete(key, None).await {
        tracing::warn!(upload.key = key, %error, "the object of a probe was not removed");
    }
}
