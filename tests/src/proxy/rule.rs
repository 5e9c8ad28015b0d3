//! What to do to which requests, and what was counted.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fastrand::Rng;

use super::fault::Fault;
use super::http::Request;
use super::lock;

type Matcher = Box<dyn Fn(&Request) -> bool + Send + Sync>;

/// A fault, and the requests it applies to.
pub struct Rule {
    matches: Matcher,
    fault: Fault,
    skip: u64,
    times: u64,
    probability: f64,
    is_per_mib: bool,
    random: Mutex<Rng>,
    seen: AtomicU64,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").field("fault", &self.fault).field("seen", &self.seen).finish_non_exhaustive()
    }
}

impl Rule {
    /// Does this to the first request that fits.
    pub fn new(matches: impl Fn(&Request) -> bool + Send + Sync + 'static, fault: Fault) -> Self {
        Self {
            matches: Box::new(matches),
            fault,
            skip: 0,
            times: 1,
            probability: 1.0,
            is_per_mib: false,
            random: Mutex::new(Rng::with_seed(0)),
            seen: AtomicU64::new(0),
        }
    }

    /// Does it to the n-th request that fits alone, counted from 1.
    #[must_use]
    pub fn nth(self, n: u64) -> Self {
        self.skip(n.saturating_sub(1)).times(1)
    }

    /// Spares the first so many.
    #[must_use]
    pub fn skip(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// Does it so many times.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.times = count;
        self
    }

    /// Does it every time.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// Looks only at so many of the requests that fit, from 0 for none to 1 for all. Which ones
    /// depends on the seed and on the order in which they come.
    #[must_use]
    pub fn at_random(mut self, probability: f64, seed: u64) -> Self {
        self.probability = probability;
        self.random = Mutex::new(Rng::with_seed(seed));
        self
    }

    /// Takes that probability for each MiB of the request's body, so that the damage does not
    /// depend on how many requests the bytes are in.
    #[must_use]
    pub fn per_mib(mut self) -> Self {
        self.is_per_mib = true;
        self
    }

    fn probability_of(&self, request: &Request) -> f64 {
        const MIB: f64 = 1_048_576.0;
        let chances = if self.is_per_mib { request.length as f64 / MIB } else { 1.0 };
        1.0 - (1.0 - self.probability).powf(chances)
    }

    pub(super) fn apply(&self, request: &Request) -> Option<Fault> {
        if !(self.matches)(request) {
            return None;
        }
        // Drawn for each that fits, so that what becomes of one does not shift the others.
        let (is_drawn, place) = {
            let mut random = lock(&self.random);
            (random.f64() < self.probability_of(request), random.f64())
        };
        if !is_drawn {
            return None;
        }
        let end = self.skip.saturating_add(self.times);
        // One that is used up counts no further, so that `hits` stays exact.
        let seen = self
            .seen
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |seen| (seen < end).then_some(seen + 1))
            .ok()?;
        (seen >= self.skip).then(|| match &self.fault {
            Fault::ResetAnywhere => Fault::Reset { after: (place * request.length as f64) as u64 },
            fault => fault.clone(),
        })
    }
}

/// What became of a rule.
#[derive(Clone, Debug)]
pub struct RuleHandle(Arc<Rule>);

impl RuleHandle {
    pub(super) fn new(rule: Arc<Rule>) -> Self {
        Self(rule)
    }

    /// How often it was applied.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.0.seen.load(Ordering::SeqCst).saturating_sub(self.0.skip)
    }
}

/// A counter of the requests that fit.
pub struct Watch {
    matches: Matcher,
    count: AtomicU64,
    in_flight: AtomicU64,
    most: AtomicU64,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("count", &self.count).field("most", &self.most).finish_non_exhaustive()
    }
}

impl Watch {
    pub(super) fn new(matches: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Self {
        Self {
            matches: Box::new(matches),
            count: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            most: AtomicU64::new(0),
        }
    }

    pub(super) fn matches(&self, request: &Request) -> bool {
        (self.matches)(request)
    }
}

/// What was counted.
#[derive(Clone, Debug)]
pub struct WatchHandle(Arc<Watch>);

impl WatchHandle {
    pub(super) fn new(watch: Arc<Watch>) -> Self {
        Self(watch)
    }

    /// Requests so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::SeqCst)
    }

    /// Requests that have no answer yet.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.0.in_flight.load(Ordering::SeqCst)
    }

    /// The most that were under way at once.
    #[must_use]
    pub fn most_in_flight(&self) -> u64 {
        self.0.most.load(Ordering::SeqCst)
    }
}

/// Counts one request until it is dropped.
pub(super) struct InFlight(Vec<Arc<Watch>>);

impl InFlight {
    pub(super) fn new(watches: Vec<Arc<Watch>>) -> Self {
        for watch in &watches {
            watch.count.fetch_add(1, Ordering::SeqCst);
            let now = watch.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
            watch.most.fetch_max(now, Ordering::SeqCst);
        }
        Self(watches)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        for watch in &self.0 {
            watch.in_flight.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
