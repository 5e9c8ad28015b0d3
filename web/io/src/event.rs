//! What both engines tell the page of errors and checksums.

use partway_shared::transfer::TransferError;
use partway_shared::wire;
use serde::Serialize;
use tsify::Tsify;

/// The checksum of the whole object, in base64.
#[derive(Debug, Serialize, Tsify)]
pub struct ObjectChecksum {
    #[tsify(type = "\"CRC64NVME\"")]
    algorithm: String,
    value: String,
}

/// What went wrong.
#[derive(Debug, Serialize, Tsify)]
pub struct EngineError {
    code: &'static str,
    message: String,
    /// Whether trying again can help.
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

/// A fault of the engine's own.
#[derive(Debug, Serialize, Tsify)]
pub struct BrokenError {
    /// What it says.
    pub message: String,
}

impl From<&TransferError> for EngineError {
    fn from(error: &TransferError) -> Self {
        Self {
            code: error.code.as_str(),
            message: error.to_string(),
            retryable: error.retryable(),
            field: error.field.clone(),
            status: error.status,
        }
    }
}

impl From<wire::ObjectChecksum> for ObjectChecksum {
    fn from(checksum: wire::ObjectChecksum) -> Self {
        Self { algorithm: checksum.algorithm, value: checksum.value }
    }
}
