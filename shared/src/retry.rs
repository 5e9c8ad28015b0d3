//! When to try again: exponential backoff with full jitter.
//!
//! Full jitter spreads the clients that a store has just refused over the whole
//! interval (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).

use std::time::Duration;

/// How often and how patiently to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The longest wait before the second try; it doubles with each further one.
    pub base: Duration,
    /// No wait is longer than this, unless the other side asked for more.
    pub cap: Duration,
    /// Tries in a row without success until it counts as failed; at least 1.
    pub max_attempts: u32,
}

impl Default for RetryPolicy {
    /// Half a second doubling to 20 seconds, 12 tries: more than a minute on average, two at most, so that
    /// a server's restart or a router's is waited for.
    fn default() -> Self {
        Self { base: Duration::from_millis(500), cap: Duration::from_secs(20), max_attempts: 12 }
    }
}

/// The longest `Retry-After` that is honoured; a longer one would look like a hang.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);

impl RetryPolicy {
    /// Returns how long to wait after `failures` failed tries in a row; `None` when that was the last.
    ///
    /// `jitter` is a random number from 0 to 1, `retry_after` what the other side asked for.
    #[must_use]
    pub fn delay(&self, failures: u32, retry_after: Option<Duration>, jitter: f64) -> Option<Duration> {
        if failures >= self.max_attempts {
            return None;
        }
        let doublings = failures.saturating_sub(1).min(20);
        let longest = self.base.saturating_mul(1 << doublings).min(self.cap);
        let jittered = longest.mul_f64(jitter.clamp(0.0, 1.0));
        let asked = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
        Some(asked + jittered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_the_cap_and_ends() {
        let policy =
            RetryPolicy { base: Duration::from_secs(1), cap: Duration::from_secs(5), max_attempts: 6 };
        let longest = (1..=6).map(|failures| policy.delay(failures, None, 1.0));
        let expected = [Some(1), Some(2), Some(4), Some(5), Some(5), None];
        assert!(longest.eq(expected.map(|seconds| seconds.map(Duration::from_secs))));
        assert_eq!(policy.delay(3, None, 0.0), Some(Duration::ZERO), "full jitter reaches zero");
    }

    #[test]
    fn retry_after_is_a_lower_bound_with_a_ceiling() {
        let policy = RetryPolicy::default();
        let asked = Some(Duration::from_secs(7));
        assert!(policy.delay(1, asked, 0.3) >= asked);
        let absurd = Some(Duration::from_secs(86_400));
        assert!(policy.delay(1, absurd, 0.0) <= Some(MAX_RETRY_AFTER));
    }
}
