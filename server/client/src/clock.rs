//! The clock of the drivers: milliseconds since one was made, and what time it was then.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use partway_shared::time::Time;

/// A monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: Instant,
    epoch: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), epoch: unix_millis() }
    }

    pub(crate) fn now(self) -> Time {
        Time::from_millis(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Returns the moment at which a time comes. The clock's own millisecond is over by then, so that no timer fires early.
    pub(crate) fn instant(self, at: Time) -> Instant {
        self.began + Duration::from_millis(at.as_millis().min(YEARS))
    }

    /// Returns what time it was, in milliseconds since 1970, when the clock began.
    pub(crate) const fn epoch(self) -> u64 {
        self.epoch
    }
}

/// More milliseconds than any process runs, and few enough to be added to a moment.
const YEARS: u64 = 100 * 365 * 24 * 3_600 * 1_000;

/// Returns milliseconds since 1970.
pub(crate) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Returns a seed, which nobody can guess.
pub(crate) fn seed() -> u64 {
    // Without randomness only the jitter of retries and the names of creations would be guessed.
    getrandom::u64().unwrap_or_else(|_| unix_millis())
}
