//! The steps of a plan: from which part on parts have which size.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::MAX_PARTS;
use crate::part::PartNumber;

/// The most steps of a plan: enough for the schedule of a file of unknown length, and for parts that grow and shrink again. They
/// travel in each upload token.
pub const MAX_STEPS: usize = 16;

/// From one part on, parts of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// The first part of this size.
    pub from: PartNumber,
    /// The size of each part but the last of all, in bytes.
    #[cfg_attr(feature = "openapi", schema(format = "uint64"))]
    pub part_size: u64,
}

/// The steps of a plan, in order: at least one, the first from part 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<Step>", into = "Vec<Step>")]
pub struct Steps(Vec<Step>);

/// Steps that are no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSteps {
    /// None, or more than [`MAX_STEPS`].
    Count,
    /// They do not begin with part 1, or do not ascend.
    Order,
    /// Parts without bytes.
    Empty,
}

impl Steps {
    /// The steps of parts that are all of one size, in bytes.
    #[must_use]
    pub fn equal(part_size: u64) -> Self {
        Self(vec![Step { from: PartNumber::FIRST, part_size: part_size.max(1) }])
    }

    /// Returns them in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Step] {
        &self.0
    }

    /// Returns the steps up to a part, followed by others. The first of these begins at that part.
    ///
    /// # Errors
    /// When these are too many, or do not ascend.
    pub fn followed_by(&self, from: PartNumber, others: &[Step]) -> Result<Self, NotSteps> {
        let kept = self.0.iter().copied().filter(|step| step.from < from);
        let mut steps: Vec<Step> = Vec::new();
        for step in kept.chain(others.iter().copied()) {
            if steps.last().is_none_or(|last| last.part_size != step.part_size) {
                steps.push(step);
            }
        }
        Self::try_from(steps)
    }

    /// Returns each step with the place of its first byte and the number of its parts, which is what is left to [`MAX_PARTS`] for
    /// the last.
    pub(super) fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        let ends = self.0.iter().skip(1).map(|step| step.from.get()).chain([MAX_PARTS + 1]);
        self.0.iter().zip(ends).scan(0_u64, |start, (step, end)| {
            let span = Span { step: *step, start: *start, parts: end - step.from.get() };
            *start = start.saturating_add(step.part_size.saturating_mul(u64::from(span.parts)));
            Some(span)
        })
    }
}

/// A step within a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) step: Step,
    /// The place of its first byte.
    pub(super) start: u64,
    /// Its parts.
    pub(super) parts: u32,
}

impl TryFrom<Vec<Step>> for Steps {
    type Error = NotSteps;

    fn try_from(steps: Vec<Step>) -> Result<Self, NotSteps> {
        if steps.is_empty() || steps.len() > MAX_STEPS {
            return Err(NotSteps::Count);
        }
        if steps.iter().any(|step| step.part_size == 0) {
            return Err(NotSteps::Empty);
        }
        let ascends = steps.is_sorted_by(|one, next| one.from < next.from);
        let begins = steps.first().is_some_and(|step| step.from == PartNumber::FIRST);
        if begins && ascends { Ok(Self(steps)) } else { Err(NotSteps::Order) }
    }
}

impl From<Steps> for Vec<Step> {
    fn from(steps: Steps) -> Self {
        steps.0
    }
}

impl fmt::Display for NotSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => write!(f, "a plan has 1 to {MAX_STEPS} steps"),
            Self::Order => {
                f.write_str("the first step is from part 1, and each further one from a later part")
            }
            Self::Empty => f.write_str("a part has one byte at least"),
        }
    }
}

impl std::error::Error for NotSteps {}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: u32, part_size: u64) -> Step {
        Step { from: PartNumber::new(from).unwrap(), part_size }
    }

    #[test]
    fn what_is_no_plan_is_refused() {
        assert_eq!(Steps::try_from(vec![]), Err(NotSteps::Count));
        let many: Vec<_> = (1..=17).map(|from| step(from, 5)).collect();
        assert_eq!(Steps::try_from(many), Err(NotSteps::Count));
        assert_eq!(Steps::try_from(vec![step(2, 5)]), Err(NotSteps::Order));
        assert_eq!(Steps::try_from(vec![step(1, 5), step(1, 6)]), Err(NotSteps::Order));
        assert_eq!(Steps::try_from(vec![step(1, 5), step(3, 0)]), Err(NotSteps::Empty));
        assert!(serde_json::from_str::<Steps>("[]").is_err());
        assert!(
            serde_json::from_str::<Steps>(r#"[{"from":1,"part_size":5},{"from":0,"part_size":5}]"#).is_err()
        );
    }

    #[test]
    fn they_read_as_they_are_written() {
        let steps = Steps::try_from(vec![step(1, 5), step(4, 10)]).unwrap();
        let text = serde_json::to_string(&steps).unwrap();
        assert_eq!(text, r#"[{"from":1,"part_size":5},{"from":4,"part_size":10}]"#);
        assert_eq!(serde_json::from_str::<Steps>(&text).unwrap(), steps);
    }

    #[test]
    fn others_take_the_place_of_later_ones() {
        let steps = Steps::try_from(vec![step(1, 5), step(4, 10)]).unwrap();
        let at = |number| PartNumber::new(number).unwrap();
        let followed = steps.followed_by(at(3), &[step(3, 20), step(5, 10)]).unwrap();
        assert_eq!(followed.as_slice(), [step(1, 5), step(3, 20), step(5, 10)]);
        let same = steps.followed_by(at(6), &[step(6, 10)]).unwrap();
        assert_eq!(same, steps, "a step of the same size is none");
        assert_eq!(steps.followed_by(at(1), &[step(1, 7)]).unwrap(), Steps::equal(7));
    }
}
