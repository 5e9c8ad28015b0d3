//! What the journal keeps of each upload so that it can go on after a reload, a crash or a reboot.
//!
//! Whatever is found there is checked field by field: other versions of Partway, other
//! programs and curious people write to it too. What cannot be read is left where it is, and counted.
//!
//! The host keeps it in IndexedDB, with the file's handle, and dates in the place of lengths of time.

use std::time::Duration;

use partway_shared::plan::{Plan, Strategy};
use partway_shared::time::{Time, millis};
use partway_shared::upload::{FileInfo, Resumable, Ticket};

use crate::json::{Fields, Json, Raw};
use crate::replies::checksum_kind;

/// The form of an entry. One of another form is passed over.
const FORM: u32 = 2;

/// One upload in the journal.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) info: FileInfo,
    pub(crate) saved: Resumable,
}

impl Entry {
    /// What the page is shown: not the token, which is for the engine alone.
    pub(crate) fn shown(&self, now: Time) -> Raw {
        Raw::object(|fields| self.write_common(fields, now))
    }

    /// What is kept.
    pub(crate) fn kept(&self, endpoint: &str, now: Time) -> Raw {
        let Self { saved, .. } = self;
        let part_size = match saved.strategy {
            Strategy::SinglePut => None,
            Strategy::Multipart { part_size } => Some(part_size),
        };
        Raw::object(|fields| {
            self.write_common(fields, now)
                .field("form", &FORM)
                .field("endpoint", endpoint)
                .field("owner", &saved.ticket.owner)
                .field("token", &saved.ticket.token)
                .field("hosts", &saved.ticket.hosts)
                .field_if_any("partSize", part_size.as_ref())
                .field("checksum", &saved.checksum)
        })
    }

    fn write_common<'a>(&self, fields: Fields<'a>, now: Time) -> Fields<'a> {
        let Self { info, saved } = self;
        let expires_in = millis(saved.ticket.expires_at.since(now));
        fields
            .field("id", &saved.ticket.id)
            .field_if_any("destination", info.destination.as_ref())
            .field("key", &saved.ticket.key)
            .field("name", &info.name)
            .field("size", &info.size)
            .field_if_any("lastModified", info.last_modified.as_ref())
            .field_if_any("type", info.content_type.as_ref())
            .field_if_any("path", info.path.as_ref())
            .field("uploaded", &saved.stored_bytes)
            .field("expiresIn", &expires_in)
    }

    /// `None` unless everything is there, of its type and within its bounds. One that has expired does so now.
    pub(crate) fn read(value: Json<'_>, now: Time) -> Option<Self> {
        if value.number("form")? != u64::from(FORM) {
            return None;
        }
        let size = value.number("size")?;
        let strategy = Strategy::Multipart { part_size: value.number("partSize")? };
        Plan::from_strategy(size, strategy)?;
        let left = value.field("expiresIn")?.as_integer()?;
        Some(Self {
            info: FileInfo {
                name: value.text("name")?,
                size,
                content_type: value.text("type"),
                last_modified: value.field("lastModified").and_then(Json::as_integer),
                path: value.text("path"),
                destination: value.text("destination"),
            },
            saved: Resumable {
                ticket: Ticket {
                    id: value.text("id")?.parse().ok()?,
                    owner: value.text("owner")?,
                    token: value.text("token")?,
                    key: value.text("key")?,
                    expires_at: now + Duration::from_millis(left.max(0) as u64),
                    hosts: u32::try_from(value.number("hosts")?).ok()?.clamp(1, 64),
                },
                strategy,
                checksum: checksum_kind(value, "checksum")?,
                stored_bytes: value.number("uploaded")?.min(size),
            },
        })
    }
}
