//! How long requests take, and which of them are far behind.

use std::time::Duration;

use super::id::JobId;
use super::patience::Patience;
use crate::limits::MIB;
use crate::time::Time;

/// One request that carries bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) job: JobId,
    pub(crate) started_at: Time,
    pub(crate) progress_at: Time,
    /// Bytes that were seen to move.
    pub(crate) moved: u64,
}

impl Flight {
    pub(crate) const fn new(job: JobId, now: Time) -> Self {
        Self { job, started_at: now, progress_at: now, moved: 0 }
    }

    pub(crate) fn stalls_at(&self, patience: Patience) -> Time {
        self.progress_at + patience.with(self.moved)
    }

    /// After a sleep nobody knows how the connection is: it gets until `deadline` to move.
    pub(crate) fn rearm(&mut self, patience: Patience, deadline: Time) {
        self.progress_at = deadline - patience.with(self.moved);
    }
}

impl AsRef<Self> for Flight {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl AsMut<Self> for Flight {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

/// Milliseconds that a mebibyte takes lately, over one connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace(Option<f64>);

/// From when on a request straggles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StragglerLimits {
    /// When it has taken this many times what the others took, …
    pub(crate) factor: u32,
    /// … and not before this time.
    pub(crate) min: Duration,
}

impl Pace {
    /// Learns from a request of so many bytes that took so long.
    pub(crate) fn learn(&mut self, len: u64, took: Option<Duration>) {
        let Some(took) = took.filter(|_| len > 0) else { return };
        let pace = took.as_secs_f64() * 1_000.0 * MIB as f64 / len as f64;
        self.0 = Some(self.0.map_or(pace, |before| before * 0.7 + pace * 0.3));
    }

    /// Bytes per second over one connection lately, once a request has come to its end.
    pub(crate) fn bytes_per_second(self) -> Option<f64> {
        self.0.map(|pace| MIB as f64 * 1_000.0 / pace.max(f64::MIN_POSITIVE))
    }

    /// When a request of so many bytes will have taken several times what others took.
    pub(crate) fn straggles_at(self, flight: &Flight, len: u64, limits: StragglerLimits) -> Option<Time> {
        let usual = self.0? * len as f64 / MIB as f64;
        let limit = Duration::from_millis((usual * f64::from(limits.factor)) as u64);
        let at = flight.started_at + limit.max(limits.min);
        // A request that was cut and began anew may be late and yet nearly there.
        let left = len.saturating_sub(flight.moved);
        let nearly = left * 4 < len && flight.moved > 0;
        Some(if nearly { at + limit } else { at })
    }
}
