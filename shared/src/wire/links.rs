//! `POST /v1/links`: links that outlive a presigned URL.

use serde::{Deserialize, Serialize};

use super::ResponseHeaders;

/// The request for a link to one object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct CreateLink {
    /// The destination that it is in; none is the server's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Its key.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub key: String,
    /// Its version; none is whichever is current when the link is followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// What the store's answer says of the object, instead of what is stored with it.
    #[serde(flatten)]
    pub response: ResponseHeaders,
    /// The seconds for which the link should work, up to the destination's `link_lifetime`, which it is unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub expires_in: Option<u64>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedLink {
    /// The link: whoever has it can read the object until it expires.
    pub url: String,
    /// Seconds for which it works.
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub expires_in: u64,
}
