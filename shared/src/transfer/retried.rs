//! A call that is tried again until it is answered or given up.

use std::time::Duration;

use crate::retry::RetryPolicy;
use crate::time::Time;

use super::failure::{TransferError, Verdict};
use super::patience::lengthened;

/// Where a repeated call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retried {
    failures: u32,
    /// How often no answer came in time. It may have been on its way, so the next try is waited for longer.
    late: u32,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// To be made now.
    Due,
    /// Made, not yet answered; given up at this time.
    InFlight(Time),
    /// Waiting to be made again.
    Backoff(Time),
}

impl Retried {
    pub(crate) const fn new() -> Self {
        Self { failures: 0, late: 0, stage: Stage::Due }
    }

    pub(crate) const fn is_due(self) -> bool {
        matches!(self.stage, Stage::Due)
    }

    pub(crate) const fn is_in_flight(self) -> bool {
        matches!(self.stage, Stage::InFlight(_))
    }

    pub(crate) const fn deadline(self) -> Option<Time> {
        match self.stage {
            Stage::Backoff(until) | Stage::InFlight(until) => Some(until),
            Stage::Due => None,
        }
    }

    /// Makes it; an answer has this long to come, and longer if it was late before.
    pub(crate) fn start(&mut self, timeout: Duration, now: Time) {
        self.stage = Stage::InFlight(now + lengthened(timeout, self.late));
    }

    /// Gives it up if no answer came in time; whether that was so.
    pub(crate) fn give_up(&mut self, now: Time) -> bool {
        let is_overdue = matches!(self.stage, Stage::InFlight(until) if until <= now);
        self.late += u32::from(is_overdue);
        is_overdue
    }

    /// Takes a failure: waits for the next try, or gives up with the reason.
    pub(crate) fn fail(
        &mut self,
        verdict: Verdict,
        policy: &RetryPolicy,
        jitter: f64,
        now: Time,
    ) -> Result<TransferError, TransferError> {
        match verdict {
            Verdict::Final(error) => Err(error),
            Verdict::Retry { error, retry_after } => {
                self.failures += 1;
                match policy.delay(self.failures, retry_after, jitter) {
                    Some(delay) => {
                        self.stage = Stage::Backoff(now + delay);
                        Ok(error)
                    }
                    None => Err(error),
                }
            }
        }
    }

    /// Makes it due when its wait is over.
    pub(crate) fn wake(&mut self, now: Time) {
        if matches!(self.stage, Stage::Backoff(until) if until <= now) {
            self.stage = Stage::Due;
        }
    }

    /// Makes it due at once, as when the network is back.
    pub(crate) const fn hurry(&mut self) {
        if matches!(self.stage, Stage::Backoff(_)) {
            self.stage = Stage::Due;
        }
    }

    /// Gives one that is under way until then.
    pub(crate) const fn rearm(&mut self, deadline: Time) {
        if let Stage::InFlight(until) = &mut self.stage {
            *until = deadline;
        }
    }

    /// As if it had never been made: its answer was cut off, or does not count.
    pub(crate) const fn reset(&mut self) {
        *self = Self::new();
    }
}
