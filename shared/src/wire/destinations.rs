//! `GET /v1/destinations`: what the caller may do where.

use serde::{Deserialize, Serialize};

/// What can be done at a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Uploading files.
    Upload,
    /// Reading objects: signing for them, looking at them, making links.
    Get,
    /// Listing objects.
    List,
    /// Deleting objects.
    Delete,
    /// Copying objects, which are the source; the target takes uploads.
    Copy,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DestinationList {
    /// The destinations that exist for the caller, in the order of their names.
    pub destinations: Vec<DestinationInfo>,
}

/// One destination, as the caller may use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DestinationInfo {
    /// Its name.
    pub name: String,
    /// Whether a request that names none means this one.
    pub is_default: bool,
    /// What the caller may do here.
    pub allow: Vec<Operation>,
    /// The largest file, in bytes.
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub max_file_size: u64,
    /// The media types that are accepted, such as `image/*`; none where all are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// The file name extensions that are accepted, such as `jpg`; none where all are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<String>,
}
