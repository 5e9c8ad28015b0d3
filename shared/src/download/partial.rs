//! What has to be kept of a download, so that it can go on after a crash.

use serde::{Deserialize, Serialize};

use crate::checksum::Checksum;
use crate::part::ETag;
use crate::wire::ObjectName;

/// The part of an object that is there. It holds no URL, and nothing that would let anybody read the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// Of which object.
    pub object: ObjectName,
    /// The object's ETag.
    pub etag: ETag,
    /// The object's size in bytes.
    pub size: u64,
    /// The ranges that are there, in order.
    pub ranges: Vec<StoredRange>,
}

/// A range that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRange {
    /// The first byte's place.
    pub start: u64,
    /// The place after the last byte.
    pub end: u64,
    /// What it hashes to.
    pub checksum: Checksum,
}

impl Partial {
    /// Returns how many bytes are there.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum()
    }
}
