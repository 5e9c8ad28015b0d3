//! The names under which browsers reach the bucket, taken in turn.
//!
//! A browser opens six connections to a host name over HTTP/1.1, so a store with two names
//! takes twelve parts at a time.

use std::sync::atomic::{AtomicUsize, Ordering};

use partway_shared::part::PartNumber;

use super::address::{Address, AddressError};

/// One or more of something, to be taken in turn.
#[derive(Clone, Debug)]
pub(super) struct Turns<T> {
    first: T,
    others: Vec<T>,
}

impl<T> Turns<T> {
    pub(super) fn len(&self) -> usize {
        1 + self.others.len()
    }

    /// The one whose turn it is at this place of an endless list.
    pub(super) fn at(&self, index: usize) -> &T {
        let turn = index % self.len();
        turn.checked_sub(1).and_then(|other| self.others.get(other)).unwrap_or(&self.first)
    }

    pub(super) fn of_part(&self, part: PartNumber) -> &T {
        self.at(part.index())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(&self.others)
    }

    pub(super) fn map<U>(&self, change: impl Fn(&T) -> U) -> Turns<U> {
        Turns { first: change(&self.first), others: self.others.iter().map(change).collect() }
    }
}

/// The bucket's addresses: the same store under each.
#[derive(Debug)]
pub struct Hosts {
    addresses: Turns<Address>,
    /// How many single PUTs have been signed.
    taken: AtomicUsize,
}

/// Endpoints that cannot be signed for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HostsError {
    /// There is none.
    #[error("there must be at least one")]
    None,
    /// One of them is not usable.
    #[error("number {}: {error}", index + 1)]
    Address {
        /// Which, by its place.
        index: usize,
        /// Why.
        error: AddressError,
    },
    /// Two are the same, which would spread nothing.
    #[error("number {} is given twice", _0 + 1)]
    Twice(usize),
}

impl Hosts {
    /// The bucket at these endpoints: in their paths, or before their host names.
    ///
    /// # Errors
    /// When there is none, one is not `http(s)://host[:port][/path]`, or two are the same.
    pub fn new(endpoints: &[String], bucket: &str, path_style: bool) -> Result<Self, HostsError> {
        let mut addresses: Vec<Address> = Vec::with_capacity(endpoints.len());
        for (index, endpoint) in endpoints.iter().enumerate() {
            let address = Address::new(endpoint, bucket, path_style)
                .map_err(|error| HostsError::Address { index, error })?;
            if addresses.contains(&address) {
                return Err(HostsError::Twice(index));
            }
            addresses.push(address);
        }
        let mut addresses = addresses.into_iter();
        let first = addresses.next().ok_or(HostsError::None)?;
        Ok(Self { addresses: Turns { first, others: addresses.collect() }, taken: AtomicUsize::new(0) })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.addresses.len()).unwrap_or(u32::MAX)
    }

    /// The first, which stands in what is shown and stored.
    #[must_use]
    pub fn first(&self) -> &Address {
        &self.addresses.first
    }

    /// `https://host:port` of each.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.addresses.iter().map(Address::origin)
    }

    /// All of them, for the parts of an upload: part `n` goes to the one at its index.
    pub(super) const fn all(&self) -> &Turns<Address> {
        &self.addresses
    }

    /// The next one's turn: files of one PUT go to one after the other, and so does a file that
    /// is signed again because its first host failed it.
    pub(super) fn next(&self) -> &Address {
        self.addresses.at(self.taken.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(endpoints: &[&str]) -> Result<Hosts, HostsError> {
        let endpoints: Vec<_> = endpoints.iter().map(|&endpoint| endpoint.to_owned()).collect();
        Hosts::new(&endpoints, "photos", true)
    }

    #[test]
    fn turns_come_round() {
        let three = hosts(&["http://a.test", "http://b.test:9000", "http://c.test"]).unwrap();
        assert_eq!(three.count(), 3);
        let taken: Vec<_> = (0..4).map(|_| three.next().host()).collect();
        assert_eq!(taken, ["a.test", "b.test:9000", "c.test", "a.test"]);
        let part = |number| three.all().of_part(PartNumber::new(number).unwrap()).host();
        assert_eq!([part(1), part(2), part(3), part(4)], ["a.test", "b.test:9000", "c.test", "a.test"]);
        let one = hosts(&["http://a.test"]).unwrap();
        assert_eq!((one.next(), one.next()), (one.first(), one.first()));
    }

    #[test]
    fn each_once_and_each_usable() {
        assert_eq!(hosts(&[]).unwrap_err(), HostsError::None);
        for twice in ["http://a.test", "http://A.test:80", "http://a.test/"] {
            assert_eq!(hosts(&["http://a.test", twice]).unwrap_err(), HostsError::Twice(1));
        }
        assert!(matches!(hosts(&["http://a.test", "b.test"]), Err(HostsError::Address { .. })));
        assert!(hosts(&["http://a.test", "https://a.test", "http://a.test:81"]).is_ok());
    }
}
