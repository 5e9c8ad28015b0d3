//! How an [`Uploader`](super::Uploader) behaves.

use std::time::Duration;

use crate::limits::MIB;
use crate::plan::PlanLimits;
use crate::retry::RetryPolicy;
use crate::transfer::{SizeLimits, StragglerLimits, ceiling};

use super::growth::Growth;

/// Settings of the machine; the defaults suit a browser over HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Parts on their way at once to one host name. Default 6, which is what a browser opens
    /// to a host over HTTP/1.1; more would only queue there.
    pub connections_per_host: u32,
    /// The most parts on their way at once, over all files and hosts. Default none: as many
    /// as the hosts take.
    pub concurrency: Option<u32>,
    /// The most bytes that are sent per second, on average over a few parts. Default: no limit.
    pub max_bytes_per_second: Option<u64>,
    /// Parts being hashed at once. Default 2: one core reads while another sums.
    pub hash_concurrency: u32,
    /// Parts hashed and signed ahead of the sockets, over all files. Default 8.
    /// More hides a longer round trip; each costs a few bytes, but a URL signed
    /// too early expires unused.
    pub ahead: u32,
    /// The most bytes of one stream that are read and not yet stored. Default 128 MiB. One part may have more.
    pub stream_window: u64,
    /// Parts signed ahead, for each file, where nothing has to be hashed. Default 64.
    pub sign_window: u32,
    /// Calls to Partway's server at once. Default 6, which is what a browser opens to a host over HTTP/1.1.
    pub call_concurrency: u32,
    /// Files created and not yet ended, at once. Default 1,000. Further ones wait.
    pub open_files: u32,
    /// What time it was, in milliseconds since 1970, when the machine's own time began. Names of creations tell it, so that a date
    /// in a key stays the same when a request is repeated after midnight. Default none.
    pub epoch: Option<u64>,
    /// The part size to ask the server for, in bytes. Default none: the server's.
    pub part_size: Option<u64>,
    /// How the client plans until the server has said how.
    pub plan: PlanLimits,
    /// How often and how patiently a part or a call is tried again.
    pub retry: RetryPolicy,
    /// A PUT without progress for this long is given up and tried again; before its first byte,
    /// twice as long. Default 30 s.
    pub stall_timeout: Duration,
    /// At the end of a file, a part that takes this many times what the others took is sent a
    /// second time, and the first to arrive wins. Default 3.
    pub straggler_factor: u32,
    /// No part is a straggler before this time. Default 3 s.
    pub straggler_min: Duration,
    /// When a timer comes this much too late, the machine was asleep: what looks like a stall
    /// is none. Default 10 s.
    pub sleep_threshold: Duration,
    /// How long requests that were under way before a sleep get to move again. Default 5 s.
    pub wake_grace: Duration,
    /// A call to Partway's server without an answer for this long is given up and made again. Default 30 s.
    pub call_timeout: Duration,
    /// The same for completing, during which S3 may join parts for minutes. Default 150 s.
    pub complete_timeout: Duration,
    /// A URL is not used when it has less than this left. Default 5 s.
    pub expiry_margin: Duration,
    /// How long files whose first checksum is known wait for others to be created in one request,
    /// while connections have nothing to do. Default 30 ms.
    pub batch_linger: Duration,
}

/// What a part should take under a cap.
const CAPPED_SECONDS_A_PART: u64 = 4;

impl Settings {
    /// The most parts on their way at once, where the store has so many host names.
    #[must_use]
    pub(super) fn ceiling(&self, hosts: u32) -> u32 {
        ceiling(self.connections_per_host, self.concurrency, hosts)
    }

    pub(super) const fn stragglers(&self) -> StragglerLimits {
        StragglerLimits { factor: self.straggler_factor, min: self.straggler_min }
    }

    /// Returns how parts may grow while a file is on its way; not at all where their size was asked for, or the line is capped.
    pub(super) fn growth(&self, connections: u32) -> Option<Growth> {
        if self.part_size.is_some() || self.max_bytes_per_second.is_some() {
            return None;
        }
        Some(Growth { sizes: self.sizes(), connections })
    }

    const fn sizes(&self) -> SizeLimits {
        SizeLimits {
            usual: self.plan.part_size,
            min: self.plan.min_part_size,
            step: self.plan.part_size_step,
        }
    }

    /// Returns the part size to ask for, of a file of so many bytes on a line that gives each part so many per second.
    #[must_use]
    pub(super) fn wanted_part_size(&self, size: u64, part_speed: Option<f64>) -> Option<u64> {
        // Under a cap, parts of a few seconds keep to it better than large ones.
        let capped = self.max_bytes_per_second.map(|rate| rate.saturating_mul(CAPPED_SECONDS_A_PART));
        let capped = capped.filter(|&size| size < self.plan.part_size);
        let measured = part_speed.map(|speed| self.sizes().for_line(size, speed, self.connections_per_host));
        self.part_size.or(capped).or(measured)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections_per_host: 6,
            concurrency: None,
            max_bytes_per_second: None,
            hash_concurrency: 2,
            ahead: 8,
            stream_window: 128 * MIB,
            sign_window: 64,
            call_concurrency: 6,
            open_files: 1_000,
            epoch: None,
            part_size: None,
            plan: PlanLimits::default(),
            retry: RetryPolicy::default(),
            stall_timeout: Duration::from_secs(30),
            straggler_factor: 3,
            straggler_min: Duration::from_secs(3),
            sleep_threshold: Duration::from_secs(10),
            wake_grace: Duration::from_secs(5),
            call_timeout: Duration::from_secs(30),
            complete_timeout: Duration::from_secs(150),
            expiry_margin: Duration::from_secs(5),
            batch_linger: Duration::from_millis(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::GIB;

    #[test]
    fn parts_suit_the_line() {
        let settings = Settings::default();
        let wanted =
            |size, mib_per_second: f64| settings.wanted_part_size(size, Some(mib_per_second * MIB as f64));
        assert_eq!(
            settings.wanted_part_size(GIB, None),
            None,
            "nothing is known yet, and the server's size holds"
        );
        assert_eq!(wanted(GIB, 0.1), Some(5 * MIB), "the smallest that S3 takes");
        assert_eq!(wanted(GIB, 0.5), Some(7 * MIB));
        assert_eq!(wanted(GIB, 2.0), Some(30 * MIB));
        assert_eq!(wanted(GIB, 50.0), Some(42 * MIB), "each connection has several of them");
        assert_eq!(wanted(100 * GIB, 50.0), Some(64 * MIB));
        assert_eq!(wanted(100 * MIB, 50.0), Some(16 * MIB));
    }

    #[test]
    fn what_is_asked_for_comes_before_what_is_measured() {
        let asked = Settings { part_size: Some(9 * MIB), ..Settings::default() };
        assert_eq!(asked.wanted_part_size(GIB, Some(1e9)), Some(9 * MIB));
        let capped = Settings { max_bytes_per_second: Some(2 * MIB), ..Settings::default() };
        assert_eq!(capped.wanted_part_size(GIB, Some(1e9)), Some(8 * MIB));
    }
}
