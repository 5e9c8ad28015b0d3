//! The part plan: how a file of a given size is cut.
//!
//! Pure arithmetic, the same on both sides: the client plans to hash ahead, the
//! server plans to decide, and where they differ the server's plan holds.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{
    DEFAULT_PART_SIZE, DEFAULT_SINGLE_PUT_MAX, MAX_PART_SIZE, MAX_PARTS, MAX_SINGLE_PUT_SIZE, MIB,
    MIN_PART_SIZE,
};
use crate::part::{ByteRange, PartNumber};

/// How a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Strategy {
    /// One PUT of the whole file. It counts as part 1 of 1.
    SinglePut,
    /// A multipart upload; every part but the last has `part_size` bytes.
    Multipart {
        /// Bytes in each part but the last.
        part_size: u64,
    },
}

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
        }
    }
}

impl PlanLimits {
    /// The largest file that these limits can hold, in bytes.
    #[must_use]
    pub const fn max_size(&self) -> u64 {
        self.max_part_size * self.max_parts as u64
    }
}

/// A file larger than the parts can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileTooLarge {
    /// The file's size, in bytes.
    pub size: u64,
    /// The largest size that can be planned, in bytes.
    pub max: u64,
}

impl fmt::Display for FileTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes are more than the {} that fit in an object", self.size, self.max)
    }
}

impl std::error::Error for FileTooLarge {}

/// How one file is cut into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    size: u64,
    strategy: Strategy,
}

impl Plan {
    /// The plan of no bytes.
    pub const EMPTY: Self = Self { size: 0, strategy: Strategy::SinglePut };

    /// Plans a file of `size` bytes, with parts of `wanted_part_size` bytes if that is given and possible.
    ///
    /// A size below the smallest part, or too small for the number of parts, is
    /// raised to what works; one above the largest part is lowered.
    ///
    /// # Errors
    /// When the file is larger than [`PlanLimits::max_size`].
    pub fn new(size: u64, wanted_part_size: Option<u64>, limits: &PlanLimits) -> Result<Self, FileTooLarge> {
        if size <= limits.single_put_max.min(MAX_SINGLE_PUT_SIZE) {
            return Ok(Self { size, strategy: Strategy::SinglePut });
        }
        if size > limits.max_size() {
            return Err(FileTooLarge { size, max: limits.max_size() });
        }
        let needed = size.div_ceil(u64::from(limits.max_parts)).next_multiple_of(limits.part_size_step);
        let part_size = wanted_part_size
            .unwrap_or(limits.part_size)
            .max(limits.min_part_size)
            .max(needed)
            .min(limits.max_part_size);
        Ok(Self { size, strategy: Strategy::Multipart { part_size } })
    }

    /// The plan that somebody else made, as it stands in a grant or in a token.
    ///
    /// `None` when it would break S3's limits: no part size, or too many parts.
    #[must_use]
    pub fn from_strategy(size: u64, strategy: Strategy) -> Option<Self> {
        let plan = Self { size, strategy };
        let sound = match strategy {
            Strategy::SinglePut => size <= MAX_SINGLE_PUT_SIZE,
            Strategy::Multipart { part_size } => {
                size > 0 && part_size > 0 && size.div_ceil(part_size) <= u64::from(MAX_PARTS)
            }
        };
        sound.then_some(plan)
    }

    /// The file's size in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Single PUT or multipart.
    #[must_use]
    pub const fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// Whether it is a multipart upload.
    #[must_use]
    pub const fn is_multipart(&self) -> bool {
        matches!(self.strategy, Strategy::Multipart { .. })
    }

    /// Bytes in each part but the last.
    #[must_use]
    pub const fn part_size(&self) -> u64 {
        match self.strategy {
            Strategy::SinglePut => self.size,
            Strategy::Multipart { part_size } => part_size,
        }
    }

    /// How many parts there are; at least one, since an empty file is one empty PUT.
    #[must_use]
    pub fn part_count(&self) -> u32 {
        match self.strategy {
            Strategy::SinglePut => 1,
            Strategy::Multipart { part_size } => {
                u32::try_from(self.size.div_ceil(part_size)).unwrap_or(MAX_PARTS)
            }
        }
    }

    /// The bytes of one part; `None` when the plan has no such part.
    #[must_use]
    pub fn range(&self, part: PartNumber) -> Option<ByteRange> {
        if part.get() > self.part_count() {
            return None;
        }
        let start = part.index() as u64 * self.part_size();
        let end = start.saturating_add(self.part_size()).min(self.size);
        Some(ByteRange { start, end })
    }

    /// Every part's number, in order.
    pub fn part_numbers(&self) -> impl Iterator<Item = PartNumber> + use<> {
        (1..=self.part_count()).filter_map(|number| PartNumber::new(number).ok())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::limits::{GIB, MAX_OBJECT_SIZE};

    fn plan(size: u64) -> Plan {
        Plan::new(size, None, &PlanLimits::default()).unwrap()
    }

    /// What every plan must satisfy, whatever its size.
    fn assert_sound(plan: &Plan, limits: &PlanLimits) {
        let mut next = 0;
        let count = plan.part_count();
        assert!(count >= 1 && count <= limits.max_parts.max(1));
        for part in plan.part_numbers() {
            let range = plan.range(part).unwrap();
            assert_eq!(range.start, next, "parts join without gap or overlap");
            next = range.end;
            if plan.is_multipart() {
                assert!(!range.is_empty() && range.len() <= limits.max_part_size);
                if part.get() < count {
                    assert_eq!(range.len(), plan.part_size(), "all but the last are equal");
                    assert!(range.len() >= limits.min_part_size);
                }
            }
        }
        assert_eq!(next, plan.size(), "the parts cover the file");
    }

    #[test]
    fn every_boundary_and_its_neighbours() {
        let part = DEFAULT_PART_SIZE;
        let full = part * u64::from(MAX_PARTS);
        for boundary in [1, MIN_PART_SIZE, part, 2 * part, 5 * GIB, full, 2 * full, MAX_OBJECT_SIZE] {
            for size in [boundary - 1, boundary, boundary + 1] {
                if size <= MAX_OBJECT_SIZE {
                    assert_sound(&plan(size), &PlanLimits::default());
                }
            }
        }
        assert_eq!(plan(0).part_count(), 1);
        assert_eq!(plan(part).strategy(), Strategy::SinglePut);
        assert_eq!(plan(part + 1).part_count(), 2);
        assert_eq!(plan(full).part_size(), part);
        assert_eq!(plan(full + 1).part_size(), part + MIB);
        assert_eq!(plan(MAX_OBJECT_SIZE).part_size(), MAX_PART_SIZE);
        assert_eq!(plan(MAX_OBJECT_SIZE).part_count(), MAX_PARTS);
        assert_eq!(
            Plan::new(MAX_OBJECT_SIZE + 1, None, &PlanLimits::default()),
            Err(FileTooLarge { size: MAX_OBJECT_SIZE + 1, max: MAX_OBJECT_SIZE })
        );
    }

    /// With limits this small every size that fits can be tried.
    #[test]
    fn tiny_limits_by_brute_force() {
        let limits = PlanLimits {
            single_put_max: 3,
            part_size: 4,
            min_part_size: 3,
            max_part_size: 9,
            max_parts: 7,
            part_size_step: 1,
        };
        for size in 0..=limits.max_size() {
            for wish in (0..=12).map(Some).chain([None]) {
                let plan = Plan::new(size, wish, &limits).unwrap();
                assert_sound(&plan, &limits);
            }
        }
        assert!(Plan::new(limits.max_size() + 1, None, &limits).is_err());
    }

    #[test]
    fn a_foreign_plan_is_checked() {
        let multipart = |size, part_size| Plan::from_strategy(size, Strategy::Multipart { part_size });
        assert!(multipart(10, 0).is_none());
        assert!(multipart(0, 10).is_none());
        assert!(multipart(10_001, 1).is_none());
        assert!(multipart(10_000, 1).is_some());
        assert!(Plan::from_strategy(5 * GIB + 1, Strategy::SinglePut).is_none());
    }

    proptest! {
        #[test]
        fn any_size_any_wish(size in 0..=MAX_OBJECT_SIZE, wish in proptest::option::of(any::<u64>())) {
            let limits = PlanLimits::default();
            let plan = Plan::new(size, wish, &limits).unwrap();
            prop_assert!(plan.part_count() <= MAX_PARTS);
            let last = PartNumber::new(plan.part_count()).unwrap();
            prop_assert_eq!(plan.range(last).unwrap().end, size);
            if let Ok(beyond) = PartNumber::new(plan.part_count() + 1) {
                prop_assert_eq!(plan.range(beyond), None);
            }
            if plan.is_multipart() {
                prop_assert!(plan.part_size() >= MIN_PART_SIZE && plan.part_size() <= MAX_PART_SIZE);
            }
            prop_assert_eq!(Plan::from_strategy(size, plan.strategy()), Some(plan));
        }
    }
}
