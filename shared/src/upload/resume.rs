//! Going on after a reload: what has to be kept of an upload, and which file it wants back.

use std::fmt;

use crate::checksum::ChecksumKind;
use crate::plan::Strategy;
use crate::time::Time;
use crate::wire::CreationId;

use super::action::FileInfo;

/// What a client keeps of the server's [`Grant`](crate::wire::Grant): all that an upload needs besides its file and its plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadGrant {
    /// What the client named the creation, which tells the upload from all others.
    pub id: CreationId,
    /// Whose upload it is.
    pub owner: String,
    /// What every request about the upload carries.
    pub token: String,
    /// How the file is cut, as the token has it.
    pub strategy: Strategy,
    /// Whether the rest of it can be cut otherwise.
    pub may_recut: bool,
    /// Where the object will be.
    pub key: String,
    /// When the token expires.
    pub expires_at: Time,
    /// How many host names the parts are signed for.
    pub hosts: u32,
}

/// What has to be kept of an upload, so that it can go on after a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumable {
    /// What the server granted.
    pub grant: UploadGrant,
    /// How its parts are checked.
    pub checksum: ChecksumKind,
    /// Bytes that the store had acknowledged, for showing.
    pub stored_bytes: u64,
}

/// How a file differs from the one that was being uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It has another name.
    Name,
    /// It has another size.
    Size,
    /// It was modified at another time.
    LastModified,
    /// Its bytes are others.
    Content,
}

impl Difference {
    /// How `chosen` differs from `begun`, as far as that can be seen without reading it.
    #[must_use]
    pub fn between(begun: &FileInfo, chosen: &FileInfo) -> Option<Self> {
        if chosen.name != begun.name {
            Some(Self::Name)
        } else if chosen.size != begun.size {
            Some(Self::Size)
        } else if chosen.last_modified != begun.last_modified {
            Some(Self::LastModified)
        } else {
            None
        }
    }

    /// What differs, in words.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Name => "it has another name",
            Self::Size => "it has another size",
            Self::LastModified => "it was modified at another time",
            Self::Content => "a part that is stored already differs from it",
        }
    }

    /// What differs, by the name of its field.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Size => "size",
            Self::LastModified => "last_modified",
            Self::Content => "content",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}
