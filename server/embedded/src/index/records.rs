//! Owns the records of the index, and their bytes on disk. A change of a record needs a new [`SCHEMA`]. Never knows
//! tables.

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
    /// The ETag, without quotes.
    pub(crate) etag: String,
    pub(crate) modified_ms: u64,
    pub(crate) checksums: Checksums,
    /// The type of `checksums`.
    pub(crate) checksum_kind: Kind,
    pub(crate) about: About,
}

/// The location of an object's bytes.
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
    /// The content; `None` when the part has no bytes.
    pub(crate) content: Option<ContentId>,
    pub(crate) len: u64,
}

/// The attributes of an object, besides its bytes.
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
    /// The requested encryption, which is reported but not done.
    pub(crate) encryption: Option<String>,
    /// The tags, as a URL query like `x-amz-tagging`.
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
    /// The ETag, without quotes.
    pub(crate) etag: String,
    pub(crate) modified_ms: u64,
    pub(crate) checksums: Checksums,
}

/// An upload that became an object, kept for a day, so that a repeated request gets the same answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Completed {
    pub(crate) at_ms: u64,
    pub(crate) object: Object,
}

/// A rule that removes unfinished uploads and old objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LifecycleRule {
    pub(crate) id: String,
    pub(crate) prefix: String,
    pub(crate) enabled: bool,
    /// The days after which unfinished uploads are aborted.
    pub(crate) abort_after_days: Option<u32>,
    /// The days after which objects are removed.
    pub(crate) expire_after_days: Option<u32>,
}
