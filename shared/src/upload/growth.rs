//! How the rest of a file is cut once its line turns out to be fast: in larger parts, which cost less, and in ever smaller ones at
//! the end, so that all connections end together.

use crate::part::PartNumber;
use crate::plan::Step;
use crate::transfer::SizeLimits;

/// What parts grow by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growth {
    /// The sizes that there are.
    pub(super) sizes: SizeLimits,
    /// Parts on their way at once.
    pub(super) connections: u32,
}

/// The unsent rest of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    /// Its first part.
    pub(super) from: PartNumber,
    /// Its bytes.
    pub(super) bytes: u64,
    /// How long its first part would be.
    pub(super) part_size: u64,
    /// How long its last but one part would be.
    pub(super) last_size: u64,
}

impl Growth {
    /// Returns the steps of the rest, where each connection moves so many bytes per second; none where that would gain nothing.
    ///
    /// Parts become at least twice as large, or stay as they are and become smaller at the end where they are large.
    pub(super) fn steps(self, rest: Rest, part_speed: f64) -> Option<Vec<Step>> {
        let usual = self.sizes.usual;
        let wanted = self.sizes.for_rest(rest.bytes, part_speed, self.connections);
        let size = if wanted >= rest.part_size.saturating_mul(2) { wanted } else { rest.part_size };
        let is_larger = size > rest.part_size;
        // Each of them counts where there are so few.
        let has_large_end = rest.last_size >= usual.saturating_mul(2);
        if size < usual.saturating_mul(2) || !(is_larger || has_large_end) {
            return None;
        }
        let round = u64::from(self.connections);
        let ends: Vec<u64> = [size / 2, size / 4].into_iter().filter(|&end| end >= usual).collect();
        let body = rest.bytes.checked_sub(ends.iter().map(|end| end * round).sum())?;
        let mut from = rest.from.get();
        let mut steps = Vec::new();
        let parts = [(size, body / size)].into_iter().chain(ends.into_iter().map(|end| (end, round)));
        for (part_size, count) in parts {
            if count > 0 {
                steps.push(Step { from: PartNumber::new(from).ok()?, part_size });
                from = from.saturating_add(u32::try_from(count).ok()?);
            }
        }
        Some(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MIB;
    use crate::plan::{Plan, PlanLimits};

    const GROWTH: Growth =
        Growth { sizes: SizeLimits { usual: 16 * MIB, min: 5 * MIB, step: MIB }, connections: 6 };

    fn steps(bytes: u64, part_size: u64, mib_per_second: f64) -> Vec<(u32, u64)> {
        let rest = Rest {
            from: PartNumber::new(15).unwrap(),
            bytes: bytes * MIB,
            part_size: part_size * MIB,
            last_size: part_size * MIB,
        };
        let steps = GROWTH.steps(rest, mib_per_second * MIB as f64).unwrap_or_default();
        steps.into_iter().map(|step| (step.from.get(), step.part_size / MIB)).collect()
    }

    #[test]
    fn a_fast_line_has_larger_parts_and_small_ones_at_the_end() {
        assert_eq!(steps(800, 16, 100.0), [(15, 64), (23, 32), (29, 16)]);
        assert_eq!(steps(10_000, 16, 100.0), [(15, 64), (166, 32), (172, 16)]);
        assert_eq!(steps(500, 16, 100.0), [(15, 41), (24, 20)]);
        assert_eq!(
            steps(10_000, 16, 3.0),
            [(15, 45), (234, 22)],
            "no part takes longer than a quarter of a minute"
        );
    }

    #[test]
    fn where_nothing_is_gained_all_stays() {
        assert_eq!(steps(10_000, 16, 1.0), [], "a slow line");
        assert_eq!(steps(300, 16, 100.0), [], "too little is left");
        assert_eq!(steps(800, 40, 3.0), [(15, 40), (32, 20)], "large parts become smaller at the end");
    }

    #[test]
    fn the_rest_is_covered() {
        let limits = PlanLimits::default();
        for bytes in (17..4_000).step_by(7) {
            let plan = Plan::new(bytes * MIB + 1, None, &limits).unwrap();
            let from = PartNumber::new(2).unwrap();
            let part_size = 16 * MIB;
            let rest = Rest { from, bytes: (bytes - 16) * MIB + 1, part_size, last_size: part_size };
            let Some(steps) = GROWTH.steps(rest, 1e9) else { continue };
            let plan = plan.with_steps(from, &steps).unwrap();
            let last = PartNumber::new(plan.part_count()).unwrap();
            assert_eq!(plan.range(last).unwrap().end, bytes * MIB + 1);
        }
    }
}
