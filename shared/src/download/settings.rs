//! How a [`Downloader`](super::Downloader) behaves.

use std::time::Duration;

use crate::limits::MIB;
use crate::retry::RetryPolicy;
use crate::transfer::{SizeLimits, StragglerLimits, ceiling};

/// Settings of the machine; the defaults suit a browser over HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Requests on their way at once to one host name. Default 6, which is what a browser opens to a host over HTTP/1.1; more
    /// would only queue there.
    pub connections_per_host: u32,
    /// Requests on their way at once to begin with, of which more are made as ranges arrive. Default none:
    /// [`connections_per_host`](Self::connections_per_host).
    pub connections_at_first: Option<u32>,
    /// The most requests on their way at once, over all files and hosts. Default none: as many as the hosts take.
    pub concurrency: Option<u32>,
    /// The most bytes that are asked for per second, on average over a few ranges. Default: no limit.
    pub max_bytes_per_second: Option<u64>,
    /// Calls to Partway's server at once. Default 2: while one is under way, further files gather for the next.
    pub call_concurrency: u32,
    /// Files signed for and not yet ended, at once. Default 1,000. Further ones wait.
    pub open_files: u32,
    /// An object up to this many bytes is one GET. Default 16 MiB.
    pub single_get_max: u64,
    /// The size of a range where nothing is known of the line, in bytes. Default 16 MiB. Once something is, a range is sized to
    /// take a quarter of a minute: [`min_range_size`](Self::min_range_size) to four times this.
    pub range_size: u64,
    /// The smallest range but the last, in bytes. Default 8 MiB.
    pub min_range_size: u64,
    /// An object up to this many bytes that can be verified by one MD5 only is fetched by one request at a time, so that it
    /// is. Default 64 MiB. Larger ones are fetched by many, and not verified, unless their sink is ordered.
    pub md5_run_max: u64,
    /// How often and how patiently a range or a call is tried again.
    pub retry: RetryPolicy,
    /// A GET without a further byte for this long is given up and goes on anew; before its first byte, twice as long.
    /// Default 30 s.
    pub stall_timeout: Duration,
    /// When nothing is left to begin with, a range that takes this many times what others took is asked for a second time, from
    /// the byte that it has reached, and whichever is ahead goes on. Default 3.
    pub straggler_factor: u32,
    /// No range is a straggler before this time. Default 3 s.
    pub straggler_min: Duration,
    /// When a timer comes this much too late, the machine was asleep: what looks like a stall is none. Default 10 s.
    pub sleep_threshold: Duration,
    /// How long requests that were under way before a sleep get to move again. Default 5 s.
    pub wake_grace: Duration,
    /// A call to Partway's server without an answer for this long is given up and made again. Default 30 s.
    pub call_timeout: Duration,
    /// A URL is not used when it has less than this left, or than half of its life. Default 5 s.
    pub expiry_margin: Duration,
}

/// What a range should take under a cap.
const CAPPED_SECONDS_A_RANGE: u64 = 4;

impl Settings {
    pub(super) fn ceiling(&self, hosts: usize) -> u32 {
        let hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
        ceiling(self.connections_per_host, self.concurrency, hosts)
    }

    pub(super) const fn stragglers(&self) -> StragglerLimits {
        StragglerLimits { factor: self.straggler_factor, min: self.straggler_min }
    }

    /// Returns the size of a range, of an object of so many bytes on a line that gives each request so many per second.
    pub(super) fn wanted_range_size(&self, size: u64, speed: Option<f64>) -> u64 {
        let limits = SizeLimits {
            usual: self.range_size,
            min: self.min_range_size,
            step: MIB.min(self.min_range_size),
        };
        let capped = self.max_bytes_per_second.map(|rate| rate.saturating_mul(CAPPED_SECONDS_A_RANGE));
        let capped = capped.filter(|&size| size < self.range_size);
        let measured = speed.map(|speed| limits.for_line(size, speed, self.connections_per_host));
        capped.or(measured).unwrap_or(self.range_size).max(1)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections_per_host: 6,
            connections_at_first: None,
            concurrency: None,
            max_bytes_per_second: None,
            call_concurrency: 2,
            open_files: 1_000,
            single_get_max: 16 * MIB,
            range_size: 16 * MIB,
            min_range_size: 8 * MIB,
            md5_run_max: 64 * MIB,
            retry: RetryPolicy::default(),
            stall_timeout: Duration::from_secs(30),
            straggler_factor: 3,
            straggler_min: Duration::from_secs(3),
            sleep_threshold: Duration::from_secs(10),
            wake_grace: Duration::from_secs(5),
            call_timeout: Duration::from_secs(30),
            expiry_margin: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::GIB;

    #[test]
    fn ranges_suit_the_line() {
        let settings = Settings::default();
        let wanted = |size, mib_per_second: f64| {
            settings.wanted_range_size(size, Some(mib_per_second * MIB as f64)) / MIB
        };
        assert_eq!(settings.wanted_range_size(GIB, None), 16 * MIB, "nothing is known yet");
        assert_eq!(wanted(GIB, 0.1), 8);
        assert_eq!(wanted(GIB, 2.0), 30);
        assert_eq!(wanted(GIB, 50.0), 42, "each connection has several of them");
        assert_eq!(wanted(100 * GIB, 50.0), 64);
        let capped = Settings { max_bytes_per_second: Some(2 * MIB), ..settings };
        assert_eq!(capped.wanted_range_size(GIB, Some(1e9)), 8 * MIB);
    }
}
