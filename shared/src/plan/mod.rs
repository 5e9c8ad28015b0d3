//! The part plan: how a file is cut.
//!
//! Pure arithmetic, the same on both sides: the client plans to hash ahead, the
//! server plans to decide, and where they differ the server's plan holds.
//!
//! A plan is a list of [`Steps`]: from part n on, parts of so many bytes. Most files have one. Parts grow by a schedule where a
//! file's length is not known, and while a file is on its way where the line turns out to be fast.

mod limits;
mod steps;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_PARTS, MAX_SINGLE_PUT_SIZE};
use crate::part::{ByteRange, PartNumber};

pub use limits::{PlanLimits, Schedule};
pub use steps::{MAX_STEPS, NotSteps, Step, Steps};

use steps::Span;

/// How a file is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Strategy {
    /// One PUT of the whole file. It counts as part 1 of 1.
    SinglePut,
    /// A multipart upload.
    Multipart {
        /// How many bytes its parts have.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<Step>))]
        steps: Steps,
    },
}

impl Strategy {
    /// A multipart upload whose parts but the last are all of this size, in bytes.
    #[must_use]
    pub fn equal(part_size: u64) -> Self {
        Self::Multipart { steps: Steps::equal(part_size) }
    }
}

/// Whether a store takes parts of different sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartSizes {
    /// It does, as S3.
    #[default]
    Any,
    /// All but the last have to be equal.
    Equal,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// `None` while nobody knows.
    size: Option<u64>,
    strategy: Strategy,
}

impl Plan {
    /// The plan of no bytes.
    pub const EMPTY: Self = Self { size: Some(0), strategy: Strategy::SinglePut };

    /// Plans a file of `size` bytes, with parts of `wanted_part_size` bytes if that is given and possible.
    ///
    /// A size below the smallest part, or too small for the number of parts, is
    /// raised to what works; one above the largest part is lowered.
    ///
    /// # Errors
    /// When the file is larger than [`PlanLimits::max_size`].
    pub fn new(size: u64, wanted_part_size: Option<u64>, limits: &PlanLimits) -> Result<Self, FileTooLarge> {
        if size <= limits.single_put_max.min(MAX_SINGLE_PUT_SIZE) {
            return Ok(Self { size: Some(size), strategy: Strategy::SinglePut });
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
        Ok(Self { size: Some(size), strategy: Strategy::equal(part_size) })
    }

    /// Plans a file of which nobody knows how long it will be, by the [`Schedule`] of the limits. `wanted_part_size` is the size of
    /// the first parts, if that is possible.
    #[must_use]
    pub fn of_unknown_size(wanted_part_size: Option<u64>, sizes: PartSizes, limits: &PlanLimits) -> Self {
        let Schedule { first, parts, cap, equal } = limits.schedule;
        let within = |size: u64| size.clamp(limits.min_part_size.max(1), limits.max_part_size);
        if sizes == PartSizes::Equal {
            let strategy = Strategy::equal(within(wanted_part_size.unwrap_or(equal)));
            return Self { size: None, strategy };
        }
        let first = within(wanted_part_size.unwrap_or(first));
        let cap = within(cap.max(first));
        let mut steps = Vec::new();
        for (from, doubled) in (1..=limits.max_parts).step_by(parts.max(1) as usize).zip(0_u32..) {
            let part_size = first.checked_shl(doubled).filter(|size| size >> doubled == first);
            let part_size = part_size.unwrap_or(cap).min(cap);
            let Ok(from) = PartNumber::new(from) else { break };
            steps.push(Step { from, part_size });
            if part_size == cap || steps.len() == MAX_STEPS {
                break;
            }
        }
        let steps = Steps::try_from(steps).unwrap_or_else(|_| Steps::equal(first));
        Self { size: None, strategy: Strategy::Multipart { steps } }
    }

    /// The plan that somebody else made, as it stands in a grant or in a token; without a size for a file of unknown length.
    ///
    /// `None` when it would break S3's limits: too many parts, or a single PUT that is too large or of unknown length.
    #[must_use]
    pub fn from_strategy(size: Option<u64>, strategy: Strategy) -> Option<Self> {
        let is_sound = match (&strategy, size) {
            (Strategy::SinglePut, size) => size.is_some_and(|size| size <= MAX_SINGLE_PUT_SIZE),
            (Strategy::Multipart { .. }, None) => true,
            (Strategy::Multipart { steps }, Some(size)) => size > 0 && size <= capacity(steps),
        };
        is_sound.then_some(Self { size, strategy })
    }

    /// The same plan, of a file whose length has become known. `None` when it has more bytes than its parts can hold.
    #[must_use]
    pub fn ending_at(&self, size: u64) -> Option<Self> {
        Self::from_strategy(Some(size), self.strategy.clone())
    }

    /// The same plan up to a part, and from there on these steps, the first of which begins at that part. `None` when the rest does
    /// not fit, and for a single PUT.
    #[must_use]
    pub fn with_steps(&self, from: PartNumber, steps: &[Step]) -> Option<Self> {
        let Strategy::Multipart { steps: own } = &self.strategy else { return None };
        let steps = own.followed_by(from, steps).ok()?;
        Self::from_strategy(self.size, Strategy::Multipart { steps })
    }

    /// The file's size in bytes; `None` while nobody knows.
    #[must_use]
    pub const fn size(&self) -> Option<u64> {
        self.size
    }

    /// Single PUT or multipart.
    #[must_use]
    pub const fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// Whether it is a multipart upload.
    #[must_use]
    pub const fn is_multipart(&self) -> bool {
        matches!(self.strategy, Strategy::Multipart { .. })
    }

    /// The most bytes that its parts can hold.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        match &self.strategy {
            Strategy::SinglePut => MAX_SINGLE_PUT_SIZE,
            Strategy::Multipart { steps } => capacity(steps),
        }
    }

    /// How many parts there are; at least one, since an empty file is one empty PUT. The most that there can be while the length is
    /// not known.
    #[must_use]
    pub fn part_count(&self) -> u32 {
        let (Strategy::Multipart { steps }, Some(size)) = (&self.strategy, self.size) else {
            return if self.is_multipart() { MAX_PARTS } else { 1 };
        };
        let Some(last) = size.checked_sub(1) else { return 1 };
        match span_at(steps, |span| span.start <= last) {
            Some(Span { step, start, .. }) => {
                let within = (last - start) / step.part_size;
                step.from.get().saturating_add(u32::try_from(within).unwrap_or(MAX_PARTS)).min(MAX_PARTS)
            }
            None => 1,
        }
    }

    /// The bytes of one part; `None` when the plan has no such part. While the length is not known, any may turn out to be the last,
    /// and shorter.
    #[must_use]
    pub fn range(&self, part: PartNumber) -> Option<ByteRange> {
        let end_of_file = self.size.unwrap_or(u64::MAX);
        let Strategy::Multipart { steps } = &self.strategy else {
            return (part == PartNumber::FIRST).then_some(ByteRange { start: 0, end: end_of_file });
        };
        let Span { step, start, .. } = span_at(steps, |span| span.step.from <= part)?;
        let start = start + u64::from(part.get() - step.from.get()) * step.part_size;
        let end = start.saturating_add(step.part_size).min(end_of_file);
        (start < end).then_some(ByteRange { start, end })
    }

    /// Every part's number, in order.
    pub fn part_numbers(&self) -> impl Iterator<Item = PartNumber> + use<> {
        (1..=self.part_count()).filter_map(|number| PartNumber::new(number).ok())
    }
}

/// The bytes that all parts can have together.
fn capacity(steps: &Steps) -> u64 {
    let ends = steps
        .spans()
        .map(|span| span.start.saturating_add(span.step.part_size.saturating_mul(u64::from(span.parts))));
    ends.last().unwrap_or_default()
}

/// The last step of which this holds.
fn span_at(steps: &Steps, holds: impl Fn(&Span) -> bool) -> Option<Span> {
    steps.spans().take_while(holds).last()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::limits::{DEFAULT_PART_SIZE, GIB, MAX_OBJECT_SIZE, MAX_PART_SIZE, MIB, MIN_PART_SIZE, TIB};

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
                    assert!(range.len() >= limits.min_part_size);
                }
            }
        }
        assert_eq!(Some(next), plan.size(), "the parts cover the file");
        let beyond = PartNumber::new(count + 1);
        assert_eq!(beyond.ok().and_then(|beyond| plan.range(beyond)), None);
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
        let part_size = |size| plan(size).range(PartNumber::FIRST).unwrap().len();
        assert_eq!(plan(0).part_count(), 1);
        assert_eq!(*plan(part).strategy(), Strategy::SinglePut);
        assert_eq!(plan(part + 1).part_count(), 2);
        assert_eq!(part_size(full), part);
        assert_eq!(part_size(full + 1), part + MIB);
        assert_eq!(part_size(MAX_OBJECT_SIZE), MAX_PART_SIZE);
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
            schedule: Schedule { first: 3, parts: 2, cap: 9, equal: 5 },
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
        let multipart = |size, part_size| Plan::from_strategy(Some(size), Strategy::equal(part_size));
        assert!(multipart(0, 10).is_none());
        assert!(multipart(10_001, 1).is_none());
        assert!(multipart(10_000, 1).is_some());
        assert!(Plan::from_strategy(None, Strategy::equal(1)).is_some());
        assert!(Plan::from_strategy(Some(5 * GIB + 1), Strategy::SinglePut).is_none());
        assert!(Plan::from_strategy(None, Strategy::SinglePut).is_none());
    }

    #[test]
    fn parts_grow_where_the_length_is_not_known() {
        let limits = PlanLimits::default();
        let plan = Plan::of_unknown_size(None, PartSizes::Any, &limits);
        let len = |plan: &Plan, part| plan.range(PartNumber::new(part).unwrap()).unwrap().len() / MIB;
        for (part, expected) in
            [(1, 8), (1_000, 8), (1_001, 16), (2_001, 32), (6_000, 256), (6_001, 512), (10_000, 512)]
        {
            assert_eq!(len(&plan, part), expected, "part {part}");
        }
        assert_eq!(plan.size(), None);
        assert_eq!(plan.part_count(), MAX_PARTS);
        assert!(plan.capacity() > 2 * TIB + 400 * GIB, "{}", plan.capacity());
        let large = Plan::of_unknown_size(Some(GIB), PartSizes::Any, &limits);
        assert_eq!((len(&large, 1), len(&large, 10_000)), (1_024, 1_024), "never smaller than was asked for");
        let small = Plan::of_unknown_size(Some(1), PartSizes::Any, &limits);
        assert_eq!(len(&small, 1), 5);
        let equal = Plan::of_unknown_size(None, PartSizes::Equal, &limits);
        assert_eq!((len(&equal, 1), len(&equal, 10_000)), (64, 64));
    }

    #[test]
    fn a_length_becomes_known() {
        let plan = Plan::of_unknown_size(None, PartSizes::Any, &PlanLimits::default());
        let first = 1_000 * 8 * MIB;
        for (size, parts) in [
            (1, 1),
            (8 * MIB, 1),
            (8 * MIB + 1, 2),
            (first, 1_000),
            (first + 1, 1_001),
            (first + 16 * MIB, 1_001),
        ] {
            let ended = plan.ending_at(size).unwrap();
            assert_eq!(ended.part_count(), parts, "{size}");
            assert_sound(&ended, &PlanLimits::default());
        }
        assert!(plan.ending_at(plan.capacity()).is_some());
        assert_eq!(plan.ending_at(plan.capacity() + 1), None);
        assert_eq!(plan.ending_at(0), None, "an empty file is an empty PUT");
    }

    #[test]
    fn parts_change_their_size_on_the_way() {
        let step = |from, part_size| Step { from: PartNumber::new(from).unwrap(), part_size };
        let grown = plan(GIB)
            .with_steps(PartNumber::new(15).unwrap(), &[step(15, 64 * MIB), step(24, 32 * MIB)])
            .unwrap();
        assert_sound(&grown, &PlanLimits::default());
        let range = grown.range(PartNumber::new(15).unwrap()).unwrap();
        assert_eq!((range.start, range.len()), (14 * 16 * MIB, 64 * MIB));
        assert_eq!(grown.part_count(), 14 + 9 + 7);
        assert!(
            plan(MAX_OBJECT_SIZE).with_steps(PartNumber::FIRST, &[step(1, GIB)]).is_none(),
            "it would not fit"
        );
        assert!(plan(MIB).with_steps(PartNumber::FIRST, &[step(1, GIB)]).is_none(), "a PUT has no parts");
    }

    /// With sizes this small every length can be tried, and every place where the parts change their size.
    #[test]
    fn steps_by_brute_force() {
        let step = |from, part_size| Step { from: PartNumber::new(from).unwrap(), part_size };
        let limits =
            PlanLimits { min_part_size: 1, max_part_size: 9, max_parts: 60, ..PlanLimits::default() };
        for size in 1..60 {
            for (from, grown, shrunk) in
                (1..8).flat_map(|from| (1..9).flat_map(move |one| (1..4).map(move |two| (from, one, two))))
            {
                let plan = Plan::from_strategy(Some(size), Strategy::equal(4)).unwrap();
                let steps = [step(from, grown), step(from + 2, shrunk)];
                let changed = plan.with_steps(PartNumber::new(from).unwrap(), &steps).unwrap();
                assert_sound(&changed, &limits);
            }
        }
    }

    proptest! {
        #[test]
        fn any_size_any_wish(size in 0..=MAX_OBJECT_SIZE, wish in proptest::option::of(any::<u64>())) {
            let limits = PlanLimits::default();
            let plan = Plan::new(size, wish, &limits).unwrap();
            prop_assert!(plan.part_count() <= MAX_PARTS);
            let last = PartNumber::new(plan.part_count()).unwrap();
            prop_assert_eq!(plan.range(last).map_or(0, |range| range.end), size);
            if let Ok(beyond) = PartNumber::new(plan.part_count() + 1) {
                prop_assert_eq!(plan.range(beyond), None);
            }
            if plan.part_count() > 1 {
                let first = plan.range(PartNumber::FIRST).unwrap().len();
                prop_assert!((MIN_PART_SIZE..=MAX_PART_SIZE).contains(&first));
            }
            prop_assert_eq!(Plan::from_strategy(Some(size), plan.strategy().clone()), Some(plan));
        }
    }
}
