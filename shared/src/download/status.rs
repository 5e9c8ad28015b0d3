//! What a page shows of a download.

use crate::checksum::{ChecksumKind, Crc64Nvme};
use crate::error::ErrorCode;
use crate::transfer::TransferError;
use crate::wire::ObjectInfo;

/// Where a download stands, in a user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Not yet begun: waiting for the server.
    Waiting,
    /// Bytes are on their way.
    Downloading,
    /// Halted until it is resumed. What has come stays.
    Paused,
    /// Every byte is there and verified; the file is being closed.
    Saving,
    /// Done.
    Completed,
    /// Given up by the user.
    Cancelled,
    /// Ended with an error.
    Failed,
}

impl State {
    /// The state's name in the JavaScript API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Downloading => "downloading",
            Self::Paused => "paused",
            Self::Saving => "saving",
            Self::Completed => "completed",
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

/// What a download has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// What was compared with what the store has verified: the CRC-64/NVME of all bytes, MD5s in the ETag, or nothing.
    pub verified: ChecksumKind,
    /// The CRC-64/NVME of all bytes, where it was computed.
    pub checksum: Option<Crc64Nvme>,
}

/// A snapshot of one download.
#[derive(Clone, Debug, PartialEq)]
pub struct Status<'a> {
    /// Where it stands.
    pub state: State,
    /// The object's size in bytes, once it is known.
    pub size: Option<u64>,
    /// Bytes that have come, which never run back unless the download begins anew.
    pub downloaded: u64,
    /// Throughput of the last seconds.
    pub bytes_per_second: Option<f64>,
    /// Time left at that throughput.
    pub seconds_left: Option<f64>,
    /// What the download is waiting to try again after, if it is.
    pub waiting_for: Option<ErrorCode>,
    /// The object, once it was looked at.
    pub object: Option<&'a ObjectInfo>,
    /// What it has come to, once completed.
    pub result: Option<Downloaded>,
    /// The reason, once failed.
    pub error: Option<&'a TransferError>,
}
