//! A request that is made a second time when it straggles.

use super::id::JobId;
use super::pace::Flight;

/// A request on its way, perhaps twice.
#[derive(Debug)]
pub(crate) struct Hedged<F> {
    pub(crate) first: F,
    pub(crate) second: Second<F>,
}

/// Whether a straggler is sent a second time.
#[derive(Debug)]
pub(crate) enum Second<F> {
    NotYet,
    Wanted,
    Sent(F),
    /// Either of the two failed: from here on it is a request like any other.
    Spent,
}

impl<F: AsRef<Flight> + AsMut<Flight>> Hedged<F> {
    pub(crate) const fn new(first: F) -> Self {
        Self { first, second: Second::NotYet }
    }

    pub(crate) const fn wants_second(&self) -> bool {
        matches!(self.second, Second::Wanted)
    }

    pub(crate) fn flights(&self) -> impl Iterator<Item = &F> {
        let second = match &self.second {
            Second::Sent(flight) => Some(flight),
            Second::NotYet | Second::Wanted | Second::Spent => None,
        };
        std::iter::once(&self.first).chain(second)
    }

    pub(crate) fn flights_mut(&mut self) -> impl Iterator<Item = &mut F> {
        let second = match &mut self.second {
            Second::Sent(flight) => Some(flight),
            Second::NotYet | Second::Wanted | Second::Spent => None,
        };
        std::iter::once(&mut self.first).chain(second)
    }

    pub(crate) fn flight(&self, job: JobId) -> Option<&F> {
        self.flights().find(|flight| (*flight).as_ref().job == job)
    }

    pub(crate) fn flight_mut(&mut self, job: JobId) -> Option<&mut F> {
        self.flights_mut().find(|flight| (**flight).as_ref().job == job)
    }

    /// The job of the other request.
    pub(crate) fn other(&self, job: JobId) -> Option<JobId> {
        self.flights().map(|flight| flight.as_ref().job).find(|&other| other != job)
    }

    /// Takes one of two requests out; false if it is the only one.
    pub(crate) fn drop_flight(&mut self, job: JobId) -> bool {
        match std::mem::replace(&mut self.second, Second::Spent) {
            Second::Sent(second) if second.as_ref().job == job => true,
            Second::Sent(second) => {
                self.first = second;
                true
            }
            Second::NotYet | Second::Wanted | Second::Spent => false,
        }
    }
}
