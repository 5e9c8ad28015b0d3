//! `POST /v1/uploads`: many files in one request, one result for each.

use serde::{Deserialize, Serialize};

use super::{CreationId, SignedPut};
use crate::checksum::{Checksum, ChecksumKind};
use crate::error::Problem;
use crate::plan::Strategy;

/// The request: up to 1,000 files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateUploads {
    /// The files, in the order in which the results come back.
    pub files: Vec<NewUpload>,
}

/// One file that wants to be uploaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewUpload {
    /// A UUID that the client makes for this file and sends again whenever it asks for the same once more, since an
    /// answer was lost: that counts once against every limit, and gives the same key. Without it, each request is a
    /// creation of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CreationId>,
    /// The file's name, as the user sees it. The key is the server's choice.
    pub name: String,
    /// Its size in bytes, 0 to 48.8 TiB; absent for a stream, of which nobody knows how long it will be. Each of its parts is as long
    /// as the plan says, and only the last may be shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub size: Option<u64>,
    /// Its media type, if known.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// When it was last modified, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<i64>,
    /// Its path within the folder that was chosen, with `/` between the names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The destination asked for; none is the server's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// The part size that the client would like, in bytes; of a stream, the size of its first parts. Raised or lowered to what S3
    /// allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub part_size: Option<u64>,
    /// The checksums of the first parts, cut as the client plans it: parts 1, 2, …
    ///
    /// If the server plans the same, the answer brings their signed URLs along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checksums: Vec<Checksum>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedUploads {
    /// The owner of these uploads, as `GET /v1/caller` gives it. It tells callers apart, and nothing else about them.
    pub owner: String,
    /// One result for each file, in the order of the request.
    pub uploads: Vec<CreatedUpload>,
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CreatedUpload {
    /// It may be sent.
    Accepted(Box<Grant>),
    /// It may not, and why.
    Refused(Problem),
}

/// The right to upload one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Grant {
    /// Where the object will be.
    pub key: String,
    /// Its size in bytes; absent for a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub size: Option<u64>,
    /// What every further request about this upload carries.
    pub token: String,
    /// Seconds until the token expires.
    pub expires_in: u64,
    /// How the file is cut.
    pub strategy: Strategy,
    /// Whether parts that are not sent yet can be cut otherwise, by the `strategy` of a request for signatures. Some stores want equal
    /// parts.
    #[serde(default)]
    pub may_recut: bool,
    /// Which checksum each part's URL wants.
    pub checksum: ChecksumKind,
    /// How many host names of the store the parts are signed for in turn. A browser opens six
    /// connections to each over HTTP/1.1.
    pub hosts: u32,
    /// The first URLs: for those parts whose checksums came along, or simply for the first parts.
    pub parts: Vec<SignedPut>,
}
