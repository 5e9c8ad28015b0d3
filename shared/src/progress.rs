//! Progress that never runs back, and how fast it goes.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Time;

/// Bytes done, as they may be shown: the highest that was ever true.
///
/// A part that fails gives its bytes back; the bar then waits until they are
/// sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watermark(u64);

impl Watermark {
    /// Takes what is true now; returns whether there is something new to show.
    pub fn raise(&mut self, bytes: u64) -> bool {
        let news = bytes > self.0;
        self.0 = self.0.max(bytes);
        news
    }

    /// Bytes to show.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

/// Throughput over the last few seconds.
#[derive(Clone, Debug, Default)]
pub struct Speedometer {
    /// Bytes that have left since the beginning, including those sent in vain.
    total: u64,
    /// `(when, total at that time)`, oldest first.
    samples: VecDeque<(Time, u64)>,
}

const WINDOW: Duration = Duration::from_secs(5);
const SAMPLE_EVERY: Duration = Duration::from_millis(100);
/// Below this a figure would be noise.
const MIN_SPAN: Duration = Duration::from_millis(400);

impl Speedometer {
    /// Counts bytes that have just left.
    pub fn record(&mut self, bytes: u64, now: Time) {
        if self.samples.is_empty() {
            self.samples.push_back((now, self.total));
        }
        self.total += bytes;
        let due = self.samples.back().is_none_or(|&(last, _)| now.since(last) >= SAMPLE_EVERY);
        if due {
            self.samples.push_back((now, self.total));
            while self.samples.len() > 2
                && self.samples.get(1).is_some_and(|&(at, _)| now.since(at) >= WINDOW)
            {
                self.samples.pop_front();
            }
        }
    }

    /// Forgets the past, as after a pause, which would count as slowness.
    pub fn reset(&mut self) {
        self.samples.clear();
    }

    /// Bytes per second lately; `None` until there is enough to tell.
    #[must_use]
    pub fn bytes_per_second(&self, now: Time) -> Option<f64> {
        let &(first, base) = self.samples.front()?;
        let span = now.since(first);
        (span >= MIN_SPAN && self.total > base).then(|| (self.total - base) as f64 / span.as_secs_f64())
    }

    /// Seconds that `bytes` more will take at this speed.
    #[must_use]
    pub fn seconds_for(&self, bytes: u64, now: Time) -> Option<f64> {
        self.bytes_per_second(now).map(|speed| bytes as f64 / speed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_never_falls() {
        let mut shown = Watermark::default();
        assert!(shown.raise(10));
        assert!(!shown.raise(4));
        assert_eq!(shown.bytes(), 10);
        assert!(!shown.raise(10), "nothing new to show");
        assert!(shown.raise(11));
    }

    #[test]
    fn speed_follows_the_last_seconds() {
        let mut speed = Speedometer::default();
        assert_eq!(speed.bytes_per_second(Time::from_millis(0)), None);
        for tick in 0..=100 {
            speed.record(if tick == 0 { 0 } else { 1_000 }, Time::from_millis(tick * 100));
        }
        let fast = speed.bytes_per_second(Time::from_millis(10_000)).unwrap();
        assert!((fast - 10_000.0).abs() < 500.0, "{fast}");
        for tick in 101..=200 {
            speed.record(100, Time::from_millis(tick * 100));
        }
        let slow = speed.bytes_per_second(Time::from_millis(20_000)).unwrap();
        assert!((slow - 1_000.0).abs() < 100.0, "{slow}");
        assert!(speed.seconds_for(10_000, Time::from_millis(20_000)).unwrap() > 9.0);
        speed.reset();
        assert_eq!(speed.bytes_per_second(Time::from_millis(20_000)), None);
    }
}
