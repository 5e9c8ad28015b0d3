//! `POST /v1/uploads/complete`: one upload or many, one result for each.

use serde::{Deserialize, Serialize};

use crate::checksum::{ChecksumKind, Crc64Nvme};
use crate::error::Problem;
use crate::part::{ETag, PartNumber};

/// The request: 1 to 100 uploads. Small files are best completed together, large ones alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CompleteUploads {
    /// The uploads, in the order in which the results come back.
    pub uploads: Vec<CompleteUpload>,
}

/// One upload: what the client believes it stored, for the server to compare with the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CompleteUpload {
    /// The upload's token.
    pub token: String,
    /// Every part of the plan, once, in order.
    pub parts: Vec<CompletedPart>,
    /// The whole object's checksum as the client combined it. Needed where the grant asks for CRC-64/NVME.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Crc64Nvme>,
}

/// One part that the store acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CompletedPart {
    /// Its number.
    pub part_number: PartNumber,
    /// The ETag that the store answered with.
    pub etag: ETag,
}

/// The object, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CompletedUpload {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its address in the store, unsigned.
    pub location: String,
    /// Its ETag.
    pub etag: ETag,
    /// Its size in bytes.
    pub size: u64,
    /// What the store has verified: of each part and of the whole.
    pub verified: ChecksumKind,
    /// Its checksum as the store verified it, where that is a CRC-64/NVME.
    pub checksum: Option<ObjectChecksum>,
    /// Its version, in a bucket with versioning.
    pub version_id: Option<String>,
    /// In how many parts it was sent; 1 for a single PUT.
    pub part_count: u32,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CompletedUploads {
    /// One result for each upload, in the order of the request.
    pub uploads: Vec<Completion>,
}

/// What became of one upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// It is complete.
    Completed(Box<CompletedUpload>),
    /// It is not, and why.
    Refused(Problem),
}

/// A checksum with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ObjectChecksum {
    /// S3's name for the algorithm.
    pub algorithm: String,
    /// Its value in base64.
    pub value: String,
}

impl From<Crc64Nvme> for ObjectChecksum {
    fn from(checksum: Crc64Nvme) -> Self {
        Self { algorithm: "CRC64NVME".to_owned(), value: checksum.to_string() }
    }
}
