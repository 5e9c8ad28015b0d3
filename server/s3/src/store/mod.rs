//! The calls around an upload: created, listed, completed, aborted, copied, removed.
//!
//! It owns what these mean to a store, and what its refusals mean to us. File content never passes here: parts go from the
//! browser to the store under URLs that [`crate::signing`] makes. It never knows tokens, nor whose an upload is.

mod avoided;
mod error;
mod listing;
pub mod namespace;
mod own;
mod retry;
mod s3;
mod settings;

use async_trait::async_trait;
use bytes::Bytes;
use partway_shared::checksum::{ChecksumKind, Crc64Nvme};
use partway_shared::part::ETag;
use partway_shared::wire::{CompletedPart, StoredPart};

use crate::attributes::Attributes;

pub use avoided::Optional;
pub use error::StoreError;
pub use listing::{Marker, OpenUpload};
pub use own::{OwnMarker, OwnObject};
pub use s3::{S3Store, S3StoreOptions};

/// An object about to be created.
#[derive(Clone, Copy, Debug)]
pub struct NewObject<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its media type.
    pub content_type: &'a str,
    /// How browsers treat it.
    pub content_disposition: Option<&'a str>,
    /// How its parts and the whole are checked.
    pub checksum: ChecksumKind,
    /// What else it has beside its bytes.
    pub attributes: &'a Attributes,
}

/// A multipart upload in the store.
#[derive(Clone, Copy, Debug)]
pub struct UploadRef<'a> {
    /// The object's key.
    pub key: &'a str,
    /// S3's name for the upload.
    pub upload_id: &'a str,
}

/// An object that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its size in bytes.
    pub size: u64,
    /// Its ETag.
    pub etag: ETag,
    /// Whether the ETag can be made of MD5s: not where S3 encrypts under other keys than its own.
    pub has_md5_etag: bool,
    /// The checksum of the whole object, if the store keeps one.
    pub checksum: Option<Crc64Nvme>,
    /// Its version, in a bucket with versioning.
    pub version_id: Option<String>,
    /// The id of the upload that it says it is of.
    pub mark: Option<String>,
    /// What a client may send with a PUT without its being signed.
    pub headers: UnsignedHeaders,
}

/// The headers of an object that S3 stores as a PUT brings them, signed or not.
///
/// (It takes no `x-amz-…` header that is not signed, and the media type always is.)
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
    /// The name of the first that differs.
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

/// An object to be copied, as it was when it was looked at.
#[derive(Clone, Copy, Debug)]
pub struct CopySource<'a> {
    /// Its key.
    pub key: &'a str,
    /// What was seen of it.
    pub object: &'a StoredObject,
}

/// What an upload is to become.
#[derive(Clone, Copy, Debug)]
pub struct CompleteParams<'a> {
    /// The parts, in order.
    pub parts: &'a [CompletedPart],
    /// The object's size in bytes.
    pub size: u64,
    /// The object's checksum, for the store to verify.
    pub checksum: Option<Crc64Nvme>,
    /// Whether an object that is there already stays, and the upload is refused.
    pub keeps_existing: bool,
}

/// A bucket.
#[async_trait]
pub trait Store: Send + Sync {
    /// Begins a multipart upload and gives its upload id.
    async fn create_upload(&self, object: NewObject<'_>) -> Result<String, StoreError>;

    /// The parts that are there, all pages, by number.
    ///
    /// [`StoreError::NoSuchUpload`] when it was completed, aborted or never existed.
    async fn list_parts(&self, upload: UploadRef<'_>) -> Result<Vec<StoredPart>, StoreError>;

    /// Joins the parts into the object.
    ///
    /// [`StoreError::NoSuchUpload`] may also mean that an earlier call succeeded and its answer was lost;
    /// [`StoreError::Exists`] that there is an object that stays.
    async fn complete_upload(
        &self,
        upload: UploadRef<'_>,
        whole: CompleteParams<'_>,
    ) -> Result<(), StoreError>;

    /// Removes an upload with its parts.
    ///
    /// [`StoreError::NoSuchUpload`] when there is none.
    async fn abort_upload(&self, upload: UploadRef<'_>) -> Result<(), StoreError>;

    /// The object under a key; `None` when there is none.
    async fn head(&self, key: &str) -> Result<Option<StoredObject>, StoreError>;

    /// The first bytes of an object that has this ETag: so many, or all that it has.
    ///
    /// [`StoreError::Changed`] when it has another by now.
    async fn first_bytes(&self, key: &str, etag: &ETag, count: u64) -> Result<Bytes, StoreError>;

    /// Copies an object within the bucket, with nothing of it but its bytes: what the copy has beside them is given.
    ///
    /// [`StoreError::NoSuchUpload`] when the source is gone; [`StoreError::Exists`] when it has changed, or
    /// `keeps_existing` of the attributes has an object stay that is there.
    async fn copy(&self, source: CopySource<'_>, to: NewObject<'_>) -> Result<StoredObject, StoreError>;

    /// Puts an object without bytes, and gives its version.
    async fn put_empty(&self, key: &str, attributes: &Attributes) -> Result<Option<String>, StoreError>;

    /// Removes the object under a key, or one version of it, if there is one.
    async fn delete(&self, key: &str, version_id: Option<&str>) -> Result<(), StoreError>;
}
