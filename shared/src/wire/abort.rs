//! `POST /v1/uploads/abort`.

use serde::{Deserialize, Serialize};

/// The request to abort an upload, and to remove what is stored of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AbortUpload {
    /// The upload's token.
    pub token: String,
}
