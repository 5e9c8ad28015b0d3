//! Owns the shape of everything the index remembers, and its bytes on disk. A change of shape needs
//! a new [`SCHEMA`]. Never knows tables.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::checksums::{ChecksumSpec, Checksums, Kind};
use crate::contents::ContentId;
use crate::errors::Error;

/// The version of the records below; an index of another version is not opened.
pub(crate) const SCHEMA: u64 = 3;

/// Returns the time, as records have it: milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A record that is stored as the value of a table.
pub(crate) trait Record: Serialize + DeserializeOwned {
    fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        Ok(postcard::to_allocvec(self)?)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Ok(postcard::from_bytes(bytes)?)
    }
}

impl<T: Serialize + DeserializeOwned> Record for T {}

/// An object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Object {
    pub(crate) body: Body,
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) modified_ms: u64,
    pub(crate) checksums: Checksums,
    /// What kind `checksums` are.
    pub(crate) checksum_kind: Kind,
    pub(crate) about: About,
}

/// Where an object's bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Body {
    Empty,
    One(ContentId),
    /// Parts in order, in a record of their own, so that listings need not read them.
    Parts {
        list: u128,
        count: u32,
    },
}

/// One of the content files that a multipart object consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    /// `None` when the part has no bytes.
    pub(crate) content: Option<ContentId>,
    pub(crate) len: u64,
}

/// What a client says about an object beside its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) expires: Option<String>,
    pub(crate) website_redirect: Option<String>,
    pub(crate) storage_class: Option<String>,
    /// The encryption that was asked for, which is told back and not done.
    pub(crate) encryption: Option<String>,
    /// As in `x-amz-tagging`: a URL query.
    pub(crate) tagging: Option<String>,
    pub(crate) metadata: Vec<(String, String)>,
}

/// A multipart upload that is neither completed nor aborted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(crate) initiated_ms: u64,
    pub(crate) spec: Option<ChecksumSpec>,
    pub(crate) about: About,
}

/// A part of a multipart upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) content: Option<ContentId>,
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) modified_ms: u64,
    pub(crate) checksums: Checksums,
}

/// An upload that became an object, kept for a day, so that asking twice gives the same answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Completed {
    pub(crate) at_ms: u64,
    pub(crate) object: Object,
}

/// What a bucket's owner wants to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LifecycleRule {
    pub(crate) id: String,
    pub(crate) prefix: String,
    pub(crate) enabled: bool,
    /// After so many days uploads are aborted that nobody completed.
    pub(crate) abort_after_days: Option<u32>,
    /// After so many days objects are removed.
    pub(crate) expire_after_days: Option<u32>,
}
