//! What to do to which requests, and what was counted.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use super::http::Request;

type Matcher = Box<dyn Fn(&Request) -> bool + Send + Sync>;

/// Damage to an exchange.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answers in the store's place, once the request's body is read.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Headers besides the length.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: String,
    },
    /// Resets the connection when this many bytes of the request's body have come.
    Reset {
        /// Bytes of the body.
        after: u64,
    },
    /// Passes the request on with one byte of its body altered.
    FlipByte {
        /// Its offset.
        at: u64,
    },
    /// Passes the request on, but cuts these headers out of the answer (names in lower case).
    StripHeaders(&'static [&'static str]),
    /// Passes the request on, and resets the connection in place of the answer.
    LoseAnswer,
    /// Passes the request on once the gate is open.
    Hold(Gate),
}

impl Fault {
    /// An error as S3 sends it, readable for pages of any origin.
    #[must_use]
    pub fn s3_error(status: u16, code: &str) -> Self {
        Self::Answer {
            status,
            headers: vec![
                ("content-type", "application/xml".to_owned()),
                ("access-control-allow-origin", "*".to_owned()),
            ],
            body: format!(
                "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>Injected</Message></Error>"
            ),
        }
    }
}

/// Lets held requests pass when it is opened.
#[derive(Clone, Debug)]
pub struct Gate(watch::Sender<bool>);

impl Default for Gate {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Gate {
    /// Lets all requests pass, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(super) async fn passed(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

/// A fault, and the requests it applies to.
pub struct Rule {
    matches: Matcher,
    fault: Fault,
    skip: u64,
    times: u64,
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
        Self { matches: Box::new(matches), fault, skip: 0, times: 1, seen: AtomicU64::new(0) }
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

    pub(super) fn apply(&self, request: &Request) -> Option<Fault> {
        if !(self.matches)(request) {
            return None;
        }
        let end = self.skip.saturating_add(self.times);
        // One that is used up counts no further, so that `hits` stays exact.
        let seen = self
            .seen
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |seen| (seen < end).then_some(seen + 1))
            .ok()?;
        (seen >= self.skip).then(|| self.fault.clone())
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
