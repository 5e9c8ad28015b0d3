//! Owns the count of bytes that contents use, and its limit. Never knows files: callers report what they add and
//! remove.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::errors::Error;

/// The number of bytes in use, and the limit.
#[derive(Debug)]
pub(crate) struct Space {
    used: AtomicU64,
    limit: u64,
}

impl Space {
    /// Creates an empty space of at most `limit` bytes.
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self { used: AtomicU64::new(0), limit: limit.unwrap_or(u64::MAX) }
    }

    /// Counts bytes that exist already, whether they fit or not.
    pub(crate) fn count(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Releases bytes that are gone.
    pub(crate) fn release(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn take(&self, bytes: u64) -> Result<(), Error> {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= self.limit)
            })
            .map(drop)
            .map_err(|_| Error::Full)
    }
}

/// Space for content that is being written. Dropping it releases the space, unless it is kept.
#[derive(Debug)]
pub(crate) struct Reservation {
    space: Arc<Space>,
    bytes: u64,
}

impl Reservation {
    /// Reserves `bytes`.
    pub(crate) fn new(space: &Arc<Space>, bytes: u64) -> Result<Self, Error> {
        space.take(bytes)?;
        Ok(Self { space: Arc::clone(space), bytes })
    }

    /// Grows the reservation to at least `bytes`.
    pub(crate) fn grow_to(&mut self, bytes: u64) -> Result<(), Error> {
        if let Some(more) = bytes.checked_sub(self.bytes) {
            self.space.take(more)?;
            self.bytes = bytes;
        }
        Ok(())
    }

    /// Keeps exactly `bytes` counted.
    pub(crate) fn keep(mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.space.release(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_and_what_is_dropped_is_given_back() {
        let space = Arc::new(Space::new(Some(100)));
        let mut first = Reservation::new(&space, 60).unwrap();
        assert!(matches!(Reservation::new(&space, 41), Err(Error::Full)));
        first.grow_to(100).unwrap();
        assert!(matches!(first.grow_to(101), Err(Error::Full)));
        drop(first);
        Reservation::new(&space, 100).unwrap().keep(30);
        assert!(Reservation::new(&space, 71).is_err());
        assert!(Reservation::new(&space, 70).is_ok());
    }
}
