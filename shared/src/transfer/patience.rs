//! How long something may stand still before it is given up.
//!
//! What has left the browser completely may be on its way, and so may what moves where nobody can see it: a form, or
//! anything at all on a page with a service worker, whose requests report no progress. Late is not dead, so each further
//! try is waited for twice as long.

use std::time::Duration;

/// The longest wait for an answer, as a multiple of the first: 2 to this power.
const MAX_DOUBLINGS: u32 = 4;
/// A line that sends fewer bytes per second over one connection is not waited for.
const SLOWEST: u64 = 64 * 1_024;

/// A wait after so many that were in vain.
pub(crate) fn lengthened(first: Duration, late: u32) -> Duration {
    first.saturating_mul(1 << late.min(MAX_DOUBLINGS))
}

/// What decides how long a part's request may stand still.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) stall_timeout: Duration,
    /// The part's length in bytes.
    pub(crate) len: u64,
    /// Whether it reports no progress at all, as a form and a copy do not.
    pub(crate) is_unseen: bool,
    /// How often the part was given up although it may have been on its way.
    pub(crate) late: u32,
}

impl Patience {
    /// Whether a request of which so many bytes were seen to leave may have arrived, or be about to.
    pub(crate) const fn may_arrive(&self, sent: u64) -> bool {
        self.is_unseen || sent == 0 || sent >= self.len
    }

    /// How long it may stand still.
    ///
    /// Before its first byte it may wait for one of the browser's connections, which other tabs use as well.
    pub(crate) fn with(&self, sent: u64) -> Duration {
        if !self.may_arrive(sent) {
            return self.stall_timeout;
        }
        let first = self.stall_timeout * if self.is_unseen { 4 } else { 2 };
        let at_the_slowest = Duration::from_secs(self.len / SLOWEST);
        let longest = lengthened(first, MAX_DOUBLINGS).max(at_the_slowest);
        first.saturating_mul(1_u32.checked_shl(self.late).unwrap_or(u32::MAX)).min(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{GIB, MIB};

    #[test]
    fn what_cannot_be_seen_is_waited_for_longer_each_time() {
        let seconds = |len, is_unseen, late, sent| {
            Patience { stall_timeout: Duration::from_secs(30), len, is_unseen, late }.with(sent).as_secs()
        };
        let waits = |len, sent| [0, 1, 2, 4, 9, 40].map(|late| seconds(len, false, late, sent));
        assert_eq!(waits(16 * MIB, 0), [60, 120, 240, 960, 960, 960], "no byte was seen to leave");
        assert_eq!(waits(16 * MIB, 16 * MIB), [60, 120, 240, 960, 960, 960], "all have left");
        assert_eq!(waits(16 * MIB, 1), [30; 6], "its progress can be seen");
        assert_eq!(waits(0, 0)[0], 60);
        assert_eq!(seconds(GIB, false, 40, 0), 16_384, "a large part on a slow line takes that long");
        assert_eq!(seconds(MIB, true, 1, 0), 240);
    }
}
