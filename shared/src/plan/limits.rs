//! The bounds of plans.

use crate::limits::{
    DEFAULT_PART_SIZE, DEFAULT_SINGLE_PUT_MAX, MAX_PART_SIZE, MAX_PARTS, MIB, MIN_PART_SIZE,
};

/// The bounds that a plan keeps within.
///
/// The default is S3's own; tests use tiny ones to reach every corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanLimits {
    /// A file up to this many bytes is a single PUT.
    pub single_put_max: u64,
    /// The part size where nothing asks for another, in bytes.
    pub part_size: u64,
    /// The smallest part but the last, in bytes.
    pub min_part_size: u64,
    /// The largest part, in bytes.
    pub max_part_size: u64,
    /// The most parts.
    pub max_parts: u32,
    /// Part sizes grow in steps of this many bytes.
    pub part_size_step: u64,
    /// How parts grow where the length is not known.
    pub schedule: Schedule,
}

/// How the parts of a file of unknown length grow: so slowly that a program can hold some of them, and so fast that the most parts are
/// enough for what anybody sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The size of the first parts where nothing asks for another, in bytes.
    pub first: u64,
    /// So many parts are of one size; those after them are twice as large, …
    pub parts: u32,
    /// … up to this size, in bytes.
    pub cap: u64,
    /// The size of all parts where the store wants them to be equal, in bytes.
    pub equal: u64,
}

impl Default for PlanLimits {
    fn default() -> Self {
        Self {
            single_put_max: DEFAULT_SINGLE_PUT_MAX,
            part_size: DEFAULT_PART_SIZE,
            min_part_size: MIN_PART_SIZE,
            max_part_size: MAX_PART_SIZE,
            max_parts: MAX_PARTS,
            part_size_step: MIB,
            schedule: Schedule::default(),
        }
    }
}

impl Default for Schedule {
    /// Returns the schedule that has room for 2.4 TiB, or for 625 GiB in equal parts.
    fn default() -> Self {
        Self { first: 8 * MIB, parts: 1_000, cap: 512 * MIB, equal: 64 * MIB }
    }
}

impl PlanLimits {
    /// The largest file that these limits can hold, in bytes.
    #[must_use]
    pub const fn max_size(&self) -> u64 {
        self.max_part_size * self.max_parts as u64
    }
}
