//! `GET /v1/caller`: who asks, so that a client can keep what belongs to different people apart.

use serde::{Deserialize, Serialize};

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallerInfo {
    /// The same for the same subject, and different for each. It tells nothing else of them.
    pub owner: String,
}
