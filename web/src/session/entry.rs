//! What the journal keeps of an upload so that it can go on after a reload, a crash or a reboot.
//!
//! Other versions of Partway, other programs and curious people write to the journal too, so an entry is an [`Entry`]
//! only if every field is there, of its type and within its bounds.

use partway_shared::checksum::ChecksumKind;
use partway_shared::plan::{Plan, Steps, Strategy};
use partway_shared::time::Time;
use partway_shared::upload::{FileInfo, Resumable, UploadGrant};
use partway_shared::wire::CreationId;
use serde::{Deserialize, Serialize};

/// The form of a record. One of another form cannot be read.
const FORM: u32 = 3;
/// The most host names that the parts of an upload are signed for.
const MAX_HOSTS: u32 = 64;

/// An upload that can go on.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) info: FileInfo,
    pub(crate) saved: Resumable,
}

/// An entry as it stands in the journal. Beside these fields there may be a file handle.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    form: u32,
    id: CreationId,
    endpoint: String,
    owner: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
    key: String,
    token: String,
    hosts: u32,
    name: String,
    size: u64,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<i64>,
    /// How it is cut.
    steps: Steps,
    may_recut: bool,
    checksum: ChecksumKind,
    /// Bytes that the store had acknowledged.
    uploaded: u64,
    /// Milliseconds since 1970.
    expires_at: u64,
}

impl Record {
    /// Returns the record of an upload that has parts; others cannot go on after a reload. `epoch` is what time it was when the
    /// session's own time began, in milliseconds since 1970.
    pub(crate) fn new(entry: Entry, endpoint: &str, epoch: u64) -> Option<Self> {
        let Entry { info, saved } = entry;
        let Strategy::Multipart { steps } = saved.grant.strategy else { return None };
        Some(Self {
            form: FORM,
            id: saved.grant.id,
            endpoint: endpoint.to_owned(),
            owner: saved.grant.owner,
            destination: info.destination,
            key: saved.grant.key,
            token: saved.grant.token,
            hosts: saved.grant.hosts,
            name: info.name,
            size: info.size?,
            content_type: info.content_type,
            path: info.path,
            last_modified: info.last_modified,
            steps,
            may_recut: saved.grant.may_recut,
            checksum: saved.checksum,
            uploaded: saved.stored_bytes,
            expires_at: epoch.saturating_add(saved.grant.expires_at.as_millis()),
        })
    }

    /// Returns the entry, unless a field is out of its bounds. One that has expired expires at the beginning of time.
    pub(crate) fn into_entry(self, epoch: u64) -> Option<Entry> {
        let strategy = Strategy::Multipart { steps: self.steps };
        Plan::from_strategy(Some(self.size), strategy.clone())?;
        (self.form == FORM).then_some(Entry {
            info: FileInfo {
                name: self.name,
                size: Some(self.size),
                content_type: self.content_type,
                last_modified: self.last_modified,
                path: self.path,
                destination: self.destination,
            },
            saved: Resumable {
                grant: UploadGrant {
                    id: self.id,
                    owner: self.owner,
                    token: self.token,
                    strategy,
                    may_recut: self.may_recut,
                    key: self.key,
                    expires_at: Time::from_millis(self.expires_at.saturating_sub(epoch)),
                    hosts: self.hosts.clamp(1, MAX_HOSTS),
                },
                checksum: self.checksum,
                stored_bytes: self.uploaded.min(self.size),
            },
        })
    }
}
