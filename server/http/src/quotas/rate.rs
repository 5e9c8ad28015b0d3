//! A rate limit with a burst, as one number per subject: GCRA, the generic cell rate algorithm.
//!
//! The number is the time at which the subject's requests so far are used up at the allowed rate. A request that
//! would move it further ahead of now than the burst allows is refused. <https://brandur.org/rate-limiting#gcra>

use std::time::Duration;

/// The requests per second, and how many may come at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    per_second: u32,
    /// The time between two requests at the allowed rate.
    pub(super) interval: Duration,
    /// How far ahead of now that time may be.
    pub(super) tolerance: Duration,
}

impl Rate {
    pub(super) fn new(per_second: u32, burst: Option<u32>) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        let burst = burst.unwrap_or(per_second.saturating_mul(10)).max(1);
        Self { per_second, interval, tolerance: interval.saturating_mul(burst) }
    }

    pub(super) const fn per_second(&self) -> u32 {
        self.per_second
    }

    /// Counts a request at `now`, where earlier ones are used up at `used_up`. Returns the new such time, or how long
    /// to wait.
    pub(super) fn count(&self, used_up: Option<Duration>, now: Duration) -> Result<Duration, Duration> {
        let used_up = used_up.map_or(now, |used_up| used_up.max(now)) + self.interval;
        let latest = now + self.tolerance;
        if used_up > latest { Err(used_up - latest) } else { Ok(used_up) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let rate = Rate::new(10, Some(3));
        let at = |ms: u64| Duration::from_millis(1_000_000 + ms);
        let mut used_up = None;
        for _ in 0..3 {
            used_up = Some(rate.count(used_up, at(0)).unwrap());
        }
        assert_eq!(rate.count(used_up, at(0)), Err(Duration::from_millis(100)));
        assert_eq!(rate.count(used_up, at(60)), Err(Duration::from_millis(40)));
        used_up = Some(rate.count(used_up, at(100)).unwrap());
        assert!(rate.count(used_up, at(100)).is_err());
        // After a rest the burst is there again, and no more than it.
        for _ in 0..3 {
            used_up = Some(rate.count(used_up, at(60_000)).unwrap());
        }
        assert!(rate.count(used_up, at(60_000)).is_err());
    }
}
