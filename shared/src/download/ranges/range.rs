//! Where one range stands.

use std::time::Duration;

use crate::checksum::PartHasher;
use crate::time::Time;
use crate::transfer::{Flight, Hedged, JobId, Patience};

/// A run of bytes that is hashed as one, and fetched by one request after the other until it is there.
#[derive(Debug)]
pub(super) struct Range {
    pub(super) end: u64,
    /// The place after the last byte that was given out.
    pub(super) reached: u64,
    /// Of the bytes before that.
    pub(super) hasher: Option<PartHasher>,
    /// Failures in a row without a byte between them.
    pub(super) failures: u32,
    /// How often the store has refused its URLs, without a byte between.
    pub(super) refusals: u32,
    /// How often a request was given up that may have been about to begin.
    pub(super) late: u32,
    pub(super) stage: Stage,
}

#[derive(Debug)]
pub(super) enum Stage {
    Ready,
    Fetching(Hedged<Request>),
    Backoff(Time),
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) flight: Flight,
    /// The place of the next byte that comes.
    pub(super) at: u64,
    /// The place after the last that was asked for.
    pub(super) end: u64,
    /// Which of the file's URLs it has.
    pub(super) url: u32,
    /// Whether its answer is of the object.
    pub(super) is_trusted: bool,
}

impl AsRef<Flight> for Request {
    fn as_ref(&self) -> &Flight {
        &self.flight
    }
}

impl AsMut<Flight> for Request {
    fn as_mut(&mut self) -> &mut Flight {
        &mut self.flight
    }
}

impl Request {
    pub(super) const fn new(job: JobId, at: u64, end: u64, url: u32, now: Time) -> Self {
        Self { flight: Flight::new(job, now), at, end, url, is_trusted: false }
    }

    pub(super) const fn len(&self) -> u64 {
        self.flight.moved + (self.end - self.at)
    }
}

impl Range {
    pub(super) const fn new(start: u64, end: u64, hasher: Option<PartHasher>) -> Self {
        Self { end, reached: start, hasher, failures: 0, refusals: 0, late: 0, stage: Stage::Ready }
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.reached >= self.end
    }

    /// Takes the next bytes.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        self.reached += bytes.len() as u64;
        self.forgive();
    }

    /// Something has come: what was suffered before does not add up.
    pub(super) const fn forgive(&mut self) {
        self.failures = 0;
        self.refusals = 0;
        self.late = 0;
    }

    /// Forgets its requests and every failure. What has come stays.
    pub(super) fn park(&mut self) {
        self.forgive();
        self.stage = Stage::Ready;
    }

    pub(super) const fn is_fetching(&self) -> bool {
        matches!(self.stage, Stage::Fetching(_))
    }

    pub(super) const fn requests(&self) -> Option<&Hedged<Request>> {
        match &self.stage {
            Stage::Fetching(requests) => Some(requests),
            Stage::Ready | Stage::Backoff(_) => None,
        }
    }

    pub(super) const fn requests_mut(&mut self) -> Option<&mut Hedged<Request>> {
        match &mut self.stage {
            Stage::Fetching(requests) => Some(requests),
            Stage::Ready | Stage::Backoff(_) => None,
        }
    }

    /// How long its requests may stand still. Their bytes are seen as they come, so only before the first is there any doubt.
    pub(super) fn patience(&self, request: &Request, stall_timeout: Duration) -> Patience {
        Patience { stall_timeout, len: request.len(), is_unseen: false, late: self.late }
    }

    /// Takes out a request that has ended, and has the range wait for another unless one carries it still, which is returned.
    pub(super) fn end_request(&mut self, job: JobId) -> bool {
        let Stage::Fetching(requests) = &mut self.stage else { return false };
        let carried = requests.drop_flight(job);
        if !carried {
            self.stage = Stage::Ready;
        }
        carried
    }
}
