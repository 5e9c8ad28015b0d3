//! A call that is tried again until it is answered or given up.

use crate::retry::RetryPolicy;
use crate::time::Time;

use super::failure::{UploadError, Verdict};

/// Where a repeated call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retried {
    /// To be made now.
    Due { failures: u32 },
    /// Made, not yet answered; given up at `until`.
    InFlight { failures: u32, until: Time },
    /// Waiting to be made again.
    Backoff { failures: u32, until: Time },
}

impl Retried {
    pub(super) const fn new() -> Self {
        Self::Due { failures: 0 }
    }

    pub(super) const fn is_due(self) -> bool {
        matches!(self, Self::Due { .. })
    }

    pub(super) const fn deadline(self) -> Option<Time> {
        match self {
            Self::Backoff { until, .. } | Self::InFlight { until, .. } => Some(until),
            Self::Due { .. } => None,
        }
    }

    const fn failures(self) -> u32 {
        match self {
            Self::Due { failures } | Self::InFlight { failures, .. } | Self::Backoff { failures, .. } => {
                failures
            }
        }
    }

    pub(super) const fn start(&mut self, until: Time) {
        *self = Self::InFlight { failures: self.failures(), until };
    }

    /// Whether it was made and no answer came in time.
    pub(super) fn is_overdue(self, now: Time) -> bool {
        matches!(self, Self::InFlight { until, .. } if until <= now)
    }

    /// Takes a failure: waits for the next try, or gives up with the reason.
    pub(super) fn fail(
        &mut self,
        verdict: Verdict,
        policy: &RetryPolicy,
        luck: f64,
        now: Time,
    ) -> Result<UploadError, UploadError> {
        match verdict {
            Verdict::Final(error) => Err(error),
            Verdict::Retry { error, retry_after } => {
                let failures = self.failures() + 1;
                match policy.delay(failures, retry_after, luck) {
                    Some(delay) => {
                        *self = Self::Backoff { failures, until: now + delay };
                        Ok(error)
                    }
                    None => Err(error),
                }
            }
        }
    }

    /// Makes it due when its wait is over.
    pub(super) fn wake(&mut self, now: Time) {
        if let Self::Backoff { failures, until } = *self
            && until <= now
        {
            *self = Self::Due { failures };
        }
    }

    /// Makes it due at once, as when the network is back.
    pub(super) fn hurry(&mut self) {
        if let Self::Backoff { failures, .. } = *self {
            *self = Self::Due { failures };
        }
    }

    /// Gives one that is under way until then.
    pub(super) fn rearm(&mut self, deadline: Time) {
        if let Self::InFlight { until, .. } = self {
            *until = deadline;
        }
    }

    /// As if it had never been made: its answer was cut off, or does not count.
    pub(super) fn reset(&mut self) {
        *self = Self::new();
    }
}
