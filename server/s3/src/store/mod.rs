//! The calls around an upload: created, listed, completed, aborted, copied, removed.
//!
//! It owns what these mean to a store, and what its refusals mean to us. File content never passes here: parts go from the
//! browser to the store under URLs that [`crate::signing`] makes. It never knows tokens, nor whose an upload is.

mod avoided;
mod error;
pub mod namespace;
mod objects;
mod retry;
mod s3;
mod settings;
mod terms;
mod trial;
mod unfinished;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use partway_shared::checksum::{ChecksumKind, Crc64Nvme};
use partway_shared::part::ETag;
use partway_shared::wire::{CompletedPart, StoredPart};

use crate::attributes::Attributes;

pub use avoided::Optional;
pub use error::StoreError;
pub use objects::{KeyVersion, ListParams, ListedPage, Looked, Objects};
pub use s3::{S3Store, S3StoreOptions};
pub use settings::BucketSettings;
pub use trial::{Trial, Trials};
pub use unfinished::{Marker, OpenUpload, OwnMarker, OwnObject, Unfinished};

/// An object that is about to be created.
#[derive(Clone, Copy, Debug)]
pub struct NewObject<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its media type.
    pub content_type: &'a str,
    /// The object's `Content-Disposition`.
    pub content_disposition: Option<&'a str>,
    /// The kind of checksum of its parts and of the whole object.
    pub checksum: ChecksumKind,
    /// The object's other attributes.
    pub attributes: &'a Attributes,
}

/// A reference to a multipart upload.
#[derive(Clone, Copy, Debug)]
pub struct UploadRef<'a> {
    /// The object's key.
    pub key: &'a str,
    /// The store's id of the upload.
    pub upload_id: &'a str,
}

/// An object in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// The size in bytes.
    pub size: u64,
    /// The ETag.
    pub etag: ETag,
    /// Whether the ETag is made of MD5s; not if S3 encrypts with keys other than its own.
    pub has_md5_etag: bool,
    /// The checksum of the whole object, if the store reports one.
    pub checksum: Option<Crc64Nvme>,
    /// The version id, in a bucket with versioning.
    pub version_id: Option<String>,
    /// The id of the upload that it belongs to, from its metadata.
    pub mark: Option<String>,
    /// The headers that a client may have sent with a PUT without their being signed.
    pub headers: UnsignedHeaders,
}

/// The headers of an object that S3 stores from a PUT, signed or not.
///
/// (S3 accepts no `x-amz-…` header that is not signed, and the media type is always signed.)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnsignedHeaders {
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Expires`.
    pub expires: Option<String>,
}

impl UnsignedHeaders {
    /// Returns the name of the first header that differs.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        [
            ("Cache-Control", self.cache_control == other.cache_control),
            ("Content-Disposition", self.content_disposition == other.content_disposition),
            ("Content-Encoding", self.content_encoding == other.content_encoding),
            ("Content-Language", self.content_language == other.content_language),
            ("Expires", self.expires == other.expires),
        ]
        .into_iter()
        .find_map(|(name, is_same)| (!is_same).then_some(name))
    }
}

/// An object to copy, as it was when it was looked at.
#[derive(Clone, Copy, Debug)]
pub struct CopySource<'a> {
    /// Its bucket; `None` for the copy's own.
    pub bucket: Option<&'a str>,
    /// Its key.
    pub key: &'a str,
    /// Its version; `None` for the current one.
    pub version_id: Option<&'a str>,
    /// The object as it was seen.
    pub object: &'a StoredObject,
    /// Whether the copy gets the object's tags, and none of its own attributes.
    pub keeps_tags: bool,
}

impl<'a> CopySource<'a> {
    /// Returns an object in the copy's own bucket, without its tags.
    #[must_use]
    pub const fn own(key: &'a str, object: &'a StoredObject) -> Self {
        Self { bucket: None, key, version_id: None, object, keeps_tags: false }
    }
}

/// The parameters of a completion.
#[derive(Clone, Copy, Debug)]
pub struct CompleteParams<'a> {
    /// The parts, in order.
    pub parts: &'a [CompletedPart],
    /// The object's size in bytes.
    pub size: u64,
    /// The object's checksum, for the store to verify.
    pub checksum: Option<Crc64Nvme>,
    /// Whether an existing object stays, and the completion is refused.
    pub keeps_existing: bool,
}

/// The operations on a bucket.
#[async_trait]
pub trait Store: Send + Sync {
    /// Creates a multipart upload, and returns its id.
    async fn create_upload(&self, object: NewObject<'_>) -> Result<String, StoreError>;

    /// Returns the stored parts of an upload, from all pages, sorted by number.
    ///
    /// Fails with [`StoreError::NoSuchUpload`] when the upload was completed, aborted or never existed.
    async fn list_parts(&self, upload: UploadRef<'_>) -> Result<Vec<StoredPart>, StoreError>;

    /// Joins the parts into the object.
    ///
    /// Fails with [`StoreError::NoSuchUpload`] also when an earlier call succeeded and its answer was lost; with
    /// [`StoreError::Exists`] when an object exists that must stay.
    async fn complete_upload(
        &self,
        upload: UploadRef<'_>,
        params: CompleteParams<'_>,
    ) -> Result<(), StoreError>;

    /// Aborts an upload, which removes its parts.
    ///
    /// Fails with [`StoreError::NoSuchUpload`] when there is none.
    async fn abort_upload(&self, upload: UploadRef<'_>) -> Result<(), StoreError>;

    /// Returns the object under a key; `None` when there is none.
    async fn head(&self, key: &str) -> Result<Option<StoredObject>, StoreError>;

    /// Returns the first `count` bytes of the object with this ETag, or all if it has fewer.
    ///
    /// Fails with [`StoreError::Changed`] when the object has another ETag.
    async fn first_bytes(
        &self,
        key: &str,
        version_id: Option<&str>,
        etag: &ETag,
        count: u64,
    ) -> Result<Bytes, StoreError>;

    /// Copies an object's bytes into the bucket. The copy gets the attributes of `to`, and of the source's none but its tags, if
    /// that is wanted.
    ///
    /// Fails with [`StoreError::NoSuchUpload`] when the source is gone; with [`StoreError::Exists`] when it has
    /// changed, or when `keeps_existing` is set and an object exists.
    async fn copy(&self, source: CopySource<'_>, to: NewObject<'_>) -> Result<StoredObject, StoreError>;

    /// Puts an empty object, and returns its version.
    async fn put_empty(&self, key: &str, attributes: &Attributes) -> Result<Option<String>, StoreError>;

    /// Removes the object under a key, or one version of it. Succeeds when there is none.
    async fn delete(&self, key: &str, version_id: Option<&str>) -> Result<(), StoreError>;
}

/// All that is asked of a store: by uploads, about objects, and by what looks after its bucket.
pub trait BucketStore: Store + Objects + Unfinished + BucketSettings + Trials + fmt::Debug {}

impl<S: Store + Objects + Unfinished + BucketSettings + Trials + fmt::Debug> BucketStore for S {}
