//! `POST /v1/uploads/sign` gives URLs for parts; `POST /v1/uploads/list` says what the store has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::CompletedUpload;
use crate::checksum::Checksum;
use crate::part::{ETag, PartNumber};
use crate::plan::Strategy;

/// The request for signed URLs: up to 1,000 parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignParts {
    /// The upload's token.
    pub token: String,
    /// The parts, each number once.
    pub parts: Vec<PartToSign>,
    /// How the client would like the file to be cut from now on, where the grant says that it may be: parts of 5 MiB to 5 GiB. The
    /// answer has a new token, and parts that were sent as the old one had it stay only where both agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
}

/// One part to sign a URL for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PartToSign {
    /// Its number in the plan.
    pub part_number: PartNumber,
    /// Its size in bytes, if it is the last part of a stream and shorter than the plan has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub size: Option<u64>,
    /// Its checksum, which becomes part of the signature. Needed where the grant names a kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedParts {
    /// One signed PUT for each part of the request, in its order.
    pub parts: Vec<SignedPut>,
    /// The upload's token from now on, if the request has changed how the file is cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A request that the store will accept, of exactly the bytes it was signed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedPut {
    /// The part's number.
    pub part_number: PartNumber,
    /// The presigned URL.
    pub url: String,
    /// Headers that have to be sent with it, since they are signed. (The browser adds
    /// `Content-Length` and `Host`, which are signed too, by itself.)
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Where these are given, the part is not PUT: it is POSTed as `multipart/form-data`, these
    /// fields first and the bytes last, as `file`. A page may do so without a preflight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<BTreeMap<String, String>>,
    /// Seconds until the URL expires.
    pub expires_in: u64,
}

/// The header that names what is copied.
const COPY_SOURCE: &str = "x-amz-copy-source";

impl SignedPut {
    /// Whether the store copies the part, of an object that it has, so that no bytes are sent.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        self.headers.contains_key(COPY_SOURCE)
    }
}

/// The request for what the store has of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ListParts {
    /// The upload's token.
    pub token: String,
}

/// What the store has of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListedParts {
    /// The parts, by number.
    pub parts: Vec<StoredPart>,
    /// The object, if the upload turned out to be complete already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<CompletedUpload>,
}

/// One part as the store has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoredPart {
    /// Its number.
    pub part_number: PartNumber,
    /// Its size in bytes.
    pub size: u64,
    /// Its ETag.
    pub etag: ETag,
    /// Its checksum, where the store keeps one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
}
