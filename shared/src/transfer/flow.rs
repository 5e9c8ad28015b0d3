//! How much is on its way at once: as many parts as make it faster, and no more bytes
//! than are allowed.

use std::time::Duration;

use crate::time::Time;

/// Adapts the number of parts on their way to what is measured.
///
/// It begins with what a browser opens to one host, adds one for each acknowledged part while that
/// pays, and halves when the store asks to slow down.
#[derive(Debug)]
pub(crate) struct Flow {
    limit: u32,
    ceiling: u32,
    mode: Mode,
    window: Window,
    /// Bytes per second in the window before.
    before: Option<f64>,
    halved_at: Option<Time>,
    /// Whether any byte has left.
    has_moved: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// One more for each part that is acknowledged, so that the limit doubles each round, as in TCP's slow start.
    SlowStart,
    /// One more for each window that was faster than the one before.
    Climbing,
    /// As it is, for so many windows more.
    Holding(u32),
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    began: Option<Time>,
    bytes: u64,
    /// Whether all places were taken; else the limit was not what held it up.
    full: bool,
}

/// The most requests on their way at once to so many host names of a store.
pub(crate) fn ceiling(connections_per_host: u32, concurrency: Option<u32>, hosts: u32) -> u32 {
    let most = connections_per_host.saturating_mul(hosts.max(1));
    concurrency.map_or(most, |given| given.min(most))
}

/// How long throughput is measured before something is concluded from it.
const WINDOW: Duration = Duration::from_secs(1);
/// A window counts as faster from this on.
const GAIN: f64 = 1.05;
/// Windows until it is tried again whether more pays.
const PATIENCE: u32 = 8;
/// Parts on their way together often hear "slow down" together, which is one word and not six.
const HALVE_EVERY: Duration = Duration::from_secs(1);

impl Flow {
    pub(crate) fn new(start: u32, ceiling: u32) -> Self {
        let ceiling = ceiling.max(1);
        Self {
            limit: start.clamp(1, ceiling),
            ceiling,
            mode: Mode::SlowStart,
            window: Window::default(),
            before: None,
            halved_at: None,
            has_moved: false,
        }
    }

    /// The most parts on their way.
    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    /// The most parts of large files on their way: half as many until a first byte has left.
    ///
    /// Parts that begin together end together, since they share the line, and then it is idle for two round
    /// trips: an answer, and the next preflight. With a head start for half of them one half fills the line
    /// while the other waits.
    pub(crate) const fn large_limit(&self) -> u32 {
        if self.has_moved { self.limit } else { self.limit.div_ceil(2) }
    }

    /// Returns the bytes per second of one part lately, when there were as many parts as the limit.
    pub(crate) fn part_speed(&self) -> Option<f64> {
        self.before.map(|rate| rate / f64::from(self.limit))
    }

    pub(crate) fn set_ceiling(&mut self, ceiling: u32) {
        self.ceiling = ceiling.max(1);
        self.limit = self.limit.min(self.ceiling);
    }

    /// A part was acknowledged.
    pub(crate) fn acknowledged(&mut self) {
        if self.mode == Mode::SlowStart {
            self.limit = (self.limit + 1).min(self.ceiling);
        }
    }

    /// Bytes have left, with so many parts on their way.
    pub(crate) fn moved(&mut self, bytes: u64, in_flight: u32, now: Time) {
        self.has_moved = true;
        let began = *self.window.began.get_or_insert(now);
        self.window.bytes += bytes;
        self.window.full |= in_flight >= self.limit;
        let span = now.since(began);
        if span < WINDOW {
            return;
        }
        let window = std::mem::take(&mut self.window);
        self.window.began = Some(now);
        if window.full {
            self.conclude(window.bytes as f64 / span.as_secs_f64());
        }
    }

    /// The store asked for less (503 or 429).
    pub(crate) fn slow_down(&mut self, now: Time) {
        if self.halved_at.is_some_and(|at| now.since(at) < HALVE_EVERY) {
            return;
        }
        self.halved_at = Some(now);
        self.limit = (self.limit / 2).max(1);
        self.mode = Mode::Holding(PATIENCE / 2);
        self.window = Window::default();
        self.before = None;
    }

    /// What was measured before a pause says nothing about what comes after.
    pub(crate) fn reset(&mut self) {
        self.window = Window::default();
        self.before = None;
    }

    fn conclude(&mut self, rate: f64) {
        let faster = self.before.is_none_or(|before| rate >= before * GAIN);
        self.mode = match self.mode {
            Mode::SlowStart if faster => Mode::SlowStart,
            Mode::Climbing if faster && self.limit < self.ceiling => {
                self.limit += 1;
                Mode::Climbing
            }
            Mode::Climbing if faster => Mode::Holding(PATIENCE),
            // The last one did not pay.
            Mode::Climbing => {
                self.limit = (self.limit - 1).max(1);
                Mode::Holding(PATIENCE)
            }
            Mode::SlowStart | Mode::Holding(0) if self.limit < self.ceiling => {
                if self.mode == Mode::SlowStart {
                    Mode::Holding(PATIENCE)
                } else {
                    self.limit += 1;
                    Mode::Climbing
                }
            }
            Mode::Holding(left) => Mode::Holding(left.saturating_sub(1)),
            Mode::SlowStart => Mode::SlowStart,
        };
        self.before = Some(rate);
    }
}

/// Holds back parts that would exceed so many bytes per second.
///
/// A part leaves at the line's speed once it has begun, so it is the beginning of the next one that waits:
/// the rate holds on average over a few parts.
#[derive(Debug)]
pub(crate) struct Cap {
    bytes_per_second: u64,
    /// When what was begun so far is paid for.
    free_at: Time,
}

impl Cap {
    pub(crate) fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), free_at: Time::default() }
    }

    pub(crate) fn allows(&self, now: Time) -> bool {
        self.free_at <= now
    }

    pub(crate) const fn free_at(&self) -> Time {
        self.free_at
    }

    pub(crate) fn take(&mut self, bytes: u64, now: Time) {
        let cost = Duration::from_millis(bytes.saturating_mul(1_000) / self.bytes_per_second);
        self.free_at = self.free_at.max(now) + cost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line that gives `per_part` bytes per second to each of up to `useful` parts.
    fn run(flow: &mut Flow, useful: u32, per_part: u64, seconds: u64, now: &mut Time) {
        for _ in 0..seconds * 10 {
            *now = *now + Duration::from_millis(100);
            let parts = flow.limit();
            flow.moved(u64::from(parts.min(useful)) * per_part / 10, parts, *now);
            flow.acknowledged();
        }
    }

    #[test]
    fn it_grows_while_that_pays_and_not_beyond_the_ceiling() {
        let mut now = Time::default();
        let mut flow = Flow::new(6, 24);
        run(&mut flow, 100, 1_000_000, 20, &mut now);
        assert_eq!(flow.limit(), 24, "every one more pays");
        flow.set_ceiling(12);
        assert_eq!(flow.limit(), 12);
    }

    #[test]
    fn half_of_the_parts_get_a_head_start() {
        let mut flow = Flow::new(6, 24);
        assert_eq!((flow.large_limit(), flow.limit()), (3, 6));
        flow.moved(1, 3, Time::default());
        assert_eq!((flow.large_limit(), flow.limit()), (6, 6));
        assert_eq!(Flow::new(1, 1).large_limit(), 1);
    }

    #[test]
    fn it_halves_once_for_a_burst_and_climbs_back() {
        let mut now = Time::default();
        let mut flow = Flow::new(6, 6);
        for _ in 0..6 {
            flow.slow_down(now);
        }
        assert_eq!(flow.limit(), 3);
        now = now + Duration::from_secs(2);
        flow.slow_down(now);
        flow.slow_down(now + Duration::from_secs(2));
        flow.slow_down(now + Duration::from_secs(4));
        assert_eq!(flow.limit(), 1, "never to a stop");
        now = now + Duration::from_secs(4);
        run(&mut flow, 100, 1_000_000, 60, &mut now);
        assert_eq!(flow.limit(), 6);
    }

    #[test]
    fn what_does_not_pay_is_taken_back() {
        let mut now = Time::default();
        let mut flow = Flow::new(6, 24);
        flow.slow_down(now);
        run(&mut flow, 4, 1_000_000, 120, &mut now);
        assert!((3..=6).contains(&flow.limit()), "{}", flow.limit());
    }

    #[test]
    fn a_cap_holds_on_average() {
        let mut cap = Cap::new(1_000);
        let mut now = Time::from_millis(5_000);
        let mut sent = 0;
        while now < Time::from_millis(65_000) {
            while cap.allows(now) {
                cap.take(700, now);
                sent += 700;
            }
            now = cap.free_at();
        }
        assert!((59_000..=61_400).contains(&sent), "{sent}");
    }
}
