//! What a transfer tells whoever has asked for it.

use partway_shared::checksum::ChecksumKind;
use partway_shared::error::ErrorCode;
use partway_shared::part::ETag;
use partway_shared::transfer::{FileId, TransferError};

/// Something to tell. Events of one file come in order; the last is [`Event::Ended`], unless the transfer is gone on with.
#[derive(Clone, Debug)]
pub enum Event {
    /// A file moves, or should; at most ten times a second, and at each change of its state.
    Progress(FileId, Progress),
    /// So many bytes were there already, from a run before, and are not transferred again.
    GoesOn(FileId, u64),
    /// The download has begun anew, since the object is another one than what was kept of it.
    Restarted(FileId),
    /// Something that stops nothing, and that the user should know of.
    Warning(FileId, String),
    /// Nothing more will come of this file by itself.
    Ended(FileId, Ending),
}

/// How a transfer ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// It is complete and, as far as that is possible, verified.
    Completed(Box<Finished>),
    /// It failed. What can be gone on with was kept.
    Failed(TransferError),
    /// It was cancelled, and nothing is left of it.
    Cancelled,
    /// It was halted. What can be gone on with was kept.
    Parked,
    /// Whoever reads the stream wants no more of it.
    Closed,
}

/// How far a transfer is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// The state's name, such as `waiting`, `downloading`, `uploading`, `saving`.
    pub state: &'static str,
    /// The size in bytes, once it is known.
    pub size: Option<u64>,
    /// Bytes that were transferred or were there, which never run back unless it begins anew.
    pub done: u64,
    /// Throughput of the last seconds.
    pub bytes_per_second: Option<f64>,
    /// Time left at that throughput.
    pub seconds_left: Option<f64>,
    /// What the transfer is waiting to try again after, if it is.
    pub waiting_for: Option<ErrorCode>,
}

/// What a transfer has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The object's key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its ETag.
    pub etag: ETag,
    /// Its version, in a bucket with versioning.
    pub version_id: Option<String>,
    /// What was compared with what the store has verified.
    pub verified: ChecksumKind,
    /// The CRC-64/NVME of all bytes in base64, where it is known.
    pub checksum: Option<String>,
}
