//! What a page shows of an upload.

use crate::error::ErrorCode;
use crate::transfer::TransferError;
use crate::wire::CompletedUpload;

/// Where an upload stands, in a user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Not yet begun: queued, being hashed, or waiting for the server.
    Waiting,
    /// Bytes are on their way.
    Uploading,
    /// Halted until it is resumed. What is stored stays.
    Paused,
    /// Every byte is there; the server and the store check them.
    Finishing,
    /// Done and verified.
    Completed,
    /// Being aborted.
    Cancelling,
    /// Aborted; the store keeps nothing.
    Cancelled,
    /// Ended with an error. Its parts stay, so that a retry goes on from them.
    Failed,
}

impl State {
    /// The state's name in the JavaScript API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Uploading => "uploading",
            Self::Paused => "paused",
            Self::Finishing => "finishing",
            Self::Completed => "completed",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more will happen by itself.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Failed)
    }
}

/// A snapshot of one upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Status<'a> {
    /// Where it stands.
    pub state: State,
    /// The file's size in bytes, once it is known.
    pub size: Option<u64>,
    /// Bytes sent, which never run back.
    pub uploaded: u64,
    /// Parts of the plan, once the size is known.
    pub part_count: Option<u32>,
    /// Parts that the store has acknowledged.
    pub parts_stored: u32,
    /// Throughput of the last seconds.
    pub bytes_per_second: Option<f64>,
    /// Time left at that throughput.
    pub seconds_left: Option<f64>,
    /// What the upload is waiting to try again after, if it is.
    pub waiting_for: Option<ErrorCode>,
    /// The object, once completed.
    pub result: Option<&'a CompletedUpload>,
    /// The reason, once failed.
    pub error: Option<&'a TransferError>,
}
