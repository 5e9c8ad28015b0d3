//! What the machine asks its driver to do.

use serde::Serialize;

use crate::checksum::{Checksum, ChecksumKind};
use crate::part::ByteRange;
use crate::transfer::{FileId, JobId};
use crate::wire::{
    AbortUpload, CompleteUploads, CompletedUploads, CreateCopy, CreateUploads, CreatedCopy, CreatedUploads,
    ListParts, ListedParts, SignParts, SignedParts, SignedPut,
};

/// What the machine needs to know of a file; the bytes stay with the driver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileInfo {
    /// Its name, as the user sees it.
    pub name: String,
    /// Its size in bytes; none for a stream, whose end nobody knows.
    pub size: Option<u64>,
    /// Its media type, if known.
    pub content_type: Option<String>,
    /// When it was last modified, in milliseconds since 1970.
    pub last_modified: Option<i64>,
    /// Its path within the folder that was chosen.
    pub path: Option<String>,
    /// Where it should go; none is the server's default.
    pub destination: Option<String>,
}

/// Work for the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read these bytes and compute their checksum, then [`Uploader::handle_hash_done`].
    ///
    /// [`Uploader::handle_hash_done`]: super::Uploader::handle_hash_done
    Hash {
        /// The work's name.
        job: JobId,
        /// Whose bytes.
        file: FileId,
        /// Which bytes.
        range: ByteRange,
        /// Which checksum.
        kind: ChecksumKind,
    },
    /// Read a stream on until it has these bytes or has ended, compute their checksum, and keep them until they are released; then
    /// [`Uploader::handle_read_done`]. Some of them may be kept already. Never two at once of one stream, and always in order.
    ///
    /// [`Uploader::handle_read_done`]: super::Uploader::handle_read_done
    Read {
        /// The work's name.
        job: JobId,
        /// Whose bytes.
        file: FileId,
        /// Which bytes.
        range: ByteRange,
        /// Which checksum.
        kind: ChecksumKind,
    },
    /// Let go of these bytes of a stream, which the store has. No outcome is expected.
    Release {
        /// Whose bytes.
        file: FileId,
        /// Which bytes.
        range: ByteRange,
    },
    /// Ask Partway's server, then [`Uploader::handle_call_done`].
    ///
    /// [`Uploader::handle_call_done`]: super::Uploader::handle_call_done
    Call {
        /// The work's name.
        job: JobId,
        /// What to ask.
        call: ControlCall,
    },
    /// PUT these bytes to the store, [`Uploader::handle_put_progress`] while they leave, then
    /// [`Uploader::handle_put_done`].
    ///
    /// [`Uploader::handle_put_progress`]: super::Uploader::handle_put_progress
    /// [`Uploader::handle_put_done`]: super::Uploader::handle_put_done
    Put {
        /// The work's name.
        job: JobId,
        /// Whose bytes.
        file: FileId,
        /// Which bytes.
        range: ByteRange,
        /// Where to, and with which headers.
        put: SignedPut,
    },
    /// PUT nothing to this URL, by which the store copies a part, then [`Uploader::handle_put_done`] with what
    /// [`read_copied`](crate::store::read_copied) makes of the answer.
    ///
    /// [`Uploader::handle_put_done`]: super::Uploader::handle_put_done
    Copy {
        /// The work's name.
        job: JobId,
        /// Where to, and with which headers.
        put: SignedPut,
    },
    /// Give up this work. No outcome is expected; one that comes all the same is ignored.
    Stop {
        /// The work's name.
        job: JobId,
    },
}

/// What came of an [`Action::Read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartRead {
    /// How many bytes there are: fewer than were asked for only at the stream's end.
    pub len: u64,
    /// Their checksum; none where none was asked for.
    pub checksum: Option<Checksum>,
    /// Whether the stream has ended. That may turn out only when no byte follows.
    pub is_last: bool,
}

/// A request to Partway's server. What it serializes to is its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ControlCall {
    /// `POST /v1/uploads`
    Create(CreateUploads),
    /// `POST /v1/copies`
    Copy(Box<CreateCopy>),
    /// `POST /v1/uploads/sign`
    Sign(SignParts),
    /// `POST /v1/uploads/list`
    List(ListParts),
    /// `POST /v1/uploads/complete`
    Complete(CompleteUploads),
    /// `POST /v1/uploads/abort`
    Abort(AbortUpload),
}

/// The server's answer to a [`ControlCall`], of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlReply {
    /// To [`ControlCall::Create`].
    Created(CreatedUploads),
    /// To [`ControlCall::Copy`].
    Copied(CreatedCopy),
    /// To [`ControlCall::Sign`].
    Signed(SignedParts),
    /// To [`ControlCall::List`].
    Listed(ListedParts),
    /// To [`ControlCall::Complete`].
    Completed(CompletedUploads),
    /// To [`ControlCall::Abort`].
    Aborted,
}
